"""Making the student small: each technique alone, and in combination."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.splits import Split
from edgekit.data.windows import Windows
from edgekit.learn import litert
from edgekit.learn.augmentation_cache import AugmentationCache
from edgekit.learn.conversion import quantize
from edgekit.learn.scores import CrossValidation, balanced_accuracy, score

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.learn.train import Distillation

STEPS = ("distil", "hint", "channels", "prune", "cluster", "qat")
ROUNDINGS = ("int8", "int16", "dynamic", "float")
HINT = 0.5  # how much a guess of the teacher's features counts, with the step "hint"


@dataclass(frozen=True)
class CompressedModel:
    """A network ready for a device: its `.tflite`, the Keras model it came from, seconds it took."""

    tflite: bytes
    model: Any
    seconds: float

    def _repr_html_(self) -> str:
        return f"<b>{len(self.tflite):,} bytes</b> of .tflite after {self.seconds:.1f} s"


def compress(
    steps: tuple[str, ...],
    windows: Windows,
    preprocess: Callable,
    *,
    seed: int,
    start: Any = None,
    build: Callable | None = None,
    distil: Distillation | None = None,
    channels: float = 0.5,
    sparsity: float = 0.5,
    clusters: int = 16,
    rounding: str = "int8",
    epochs: int = 8,
    finish: int = 4,
    **how: Any,
) -> CompressedModel:
    """A student taken through `steps`, some of STEPS in that order, then converted to a `.tflite`.

    `preprocess` (n, time, channel) -> the network's inputs (n, …). It starts as `start`, a trained model
    that is left as it is, or as `build(input_shape, classes)`, trained for `epochs`; with "distil" against
    `distil` (a `train.Distillation`), with "hint" guessing the teacher's features too. "channels" removes
    channels with a share `channels` of the weights and trains for `epochs` again. "prune" sets a share
    `sparsity` of the weights to zero, "cluster" leaves `clusters` different ones in each layer, "qat"
    trains through the rounding and keeps what those two did; each for `finish` epochs at a quarter of the
    rate, with soft targets too if there is `distil`.

    `rounding` "int8": without "qat" it is fitted afterwards, on training windows (post-training
    quantization). "int16" has activations of 16 bits, "dynamic" float ones, "float" rounds nothing; only
    int8 runs on the kit's devices. `how` goes to `train.fit`. Raises EdgekitError for steps that are unknown,
    out of order or lack what they need, and as `train.fit` does.
    """
    from edgekit.learn import legacy
    from edgekit.learn.channel_pruning import prune_channels
    from edgekit.learn.train import fit

    if tuple(s for s in STEPS if s in steps) != tuple(steps) or rounding not in ROUNDINGS:
        raise EdgekitError(
            f"steps {steps} must be some of {', '.join(STEPS)}, in this order, and the rounding "
            f"{rounding!r} one of {', '.join(ROUNDINGS)}"
        )
    if "qat" in steps and rounding != "int8":
        raise EdgekitError("the step 'qat' is for int8")
    clock = time.perf_counter()
    legacy.seed_everything(seed)
    if {"distil", "hint"} & {*steps} and distil is None:
        raise EdgekitError(
            "a student that is taught needs a teacher: distil=Distillation(teacher, preprocess)"
        )
    how = {"seed": seed, "distil": distil, "cache": AugmentationCache(), **how}
    if start is None:
        if build is None:
            raise EdgekitError("compress needs a network: start=model, or build=function")
        model = build(preprocess(windows.X[:1]).shape[1:], len(windows.classes))
        distillation = replace(distil, hint=HINT) if distil and "hint" in steps else distil
        fit(model, windows, preprocess, epochs=epochs, **{**how, "distil": distillation})
    else:
        model = legacy.clone(start)
    if "channels" in steps:
        model = prune_channels(model, channels)
        fit(model, windows, preprocess, epochs=epochs, **how)
    gentle = {**how, "epochs": finish, "rate": how.get("rate", 4e-3) / 4}
    if "prune" in steps:
        batches = finish * -(-how.get("copies", 2) * len(windows) // how.get("batch", 32))
        model = legacy.prunable(model, sparsity, batches)
        fit(model, windows, preprocess, **gentle)
        model = legacy.unwrap(model)
    if "cluster" in steps:
        model = legacy.clusterable(model, clusters, keep_zeros="prune" in steps)
        fit(model, windows, preprocess, **gentle)
        model = legacy.unwrap(model)
    if "qat" in steps:
        keep = tuple(s for s in ("prune", "cluster") if s in steps)
        model = legacy.quantization_aware(model, calibration(windows, preprocess, seed), keep)
        fit(model, windows, preprocess, **gentle)
        tflite = quantize(model)
    elif rounding == "int8":
        tflite = quantize(model, calibration(windows, preprocess, seed))
    elif rounding == "int16":
        tflite = legacy.convert(model, calibration(windows, preprocess, seed), scheme=rounding)
    else:
        tflite = legacy.convert(model, scheme="dynamic" if rounding == "dynamic" else "")
    return CompressedModel(tflite, model, time.perf_counter() - clock)


def grouped_cross_validation(
    steps: tuple[str, ...],
    windows: Windows,
    folds: Sequence[Split],
    preprocess: Callable,
    *,
    make_distillation: Callable[[Windows], Distillation] | None = None,
    **how: Any,
) -> CrossValidation:
    """The `score` of a whole recipe when every fold's test recordings are new to it.

    `folds` are Splits, `preprocess` as in `compress`; for each, `compress(steps, …)` starts from nothing on
    its training part, and its int8 file predicts its test part. `make_distillation(windows)` returns the
    `Distillation` of a fold, so that the teacher was not trained on the test recordings either; the
    teachers' own score on the same folds comes along. `how` goes to `compress`.
    """
    from edgekit.core.progress import progress
    from edgekit.learn.models import predict_classes

    predicted, reference = np.full((2, len(windows)), -1)
    for fold in progress(folds, "folds"):
        train, test = windows[fold.train], windows[fold.test]
        distillation = make_distillation(train) if make_distillation else None
        distil = distillation if {"distil", "hint"} & {*steps} else None
        tflite = compress(steps, train, preprocess, distil=distil, **how).tflite
        predicted[fold.test] = litert.predict(tflite, preprocess(test.X))[0].argmax(axis=1)
        if distillation:
            reference[fold.test] = predict_classes(
                distillation.teacher, distillation.preprocess, test.X
            )
    tested = predicted >= 0
    y, group = windows.y[tested], windows.group[tested]
    scores = [score(y, p[tested], windows.classes, group) for p in (predicted, reference)]
    return CrossValidation(scores[0], scores[1] if make_distillation else None)


def calibration(windows: Windows, preprocess: Callable, seed: int, most: int = 200) -> np.ndarray:
    """The calibration set (m, …): up to `most` network inputs, drawn evenly from the classes present.

    `preprocess` (n, time, channel) -> the network's inputs (n, …).
    """
    rng = np.random.default_rng(seed)
    present = np.unique(windows.y)
    each = -(-most // len(present))
    rows = [rng.permutation(np.flatnonzero(windows.y == c))[:each] for c in present]
    return preprocess(windows.X[np.sort(np.concatenate(rows))])


def calibration_study(
    model: Any,
    windows: Windows,
    split: Split,
    preprocess: Callable,
    sizes: Sequence[int],
    seed: int,
) -> pd.DataFrame:
    """What post-training quantization of `model` is worth for calibration sets of several kinds and sizes.

    The set comes from the training part of the `split`, `preprocess` gives the model's inputs, `sizes` are
    in windows. Kinds: "balanced" over classes (what `compress` uses), "random" from the training part, the
    "loudest" inputs of it, and those of "one class", the first. Columns: kind, windows, val_accuracy, and
    `agreement`, the share of validation windows that the float model and the int8 one class alike.
    """
    import pandas as pd

    from edgekit.learn import legacy

    train, val = windows[split.train], windows[split.val]
    inputs, held_out = preprocess(train.X), preprocess(val.X)
    truth = legacy.logits(model, held_out).argmax(axis=1)
    order = {
        "random": np.random.default_rng(seed).permutation(len(train)),
        "loudest": np.argsort(-np.abs(inputs).reshape(len(inputs), -1).max(axis=1), kind="stable"),
        "one class": np.flatnonzero(train.y == train.y.min()),
    }
    rows = []
    for size in sizes:
        sets = {"balanced": calibration(train, preprocess, seed, size)}
        sets |= {kind: inputs[np.sort(rank[:size])] for kind, rank in order.items()}
        for kind, some in sets.items():
            predicted = litert.predict(quantize(model, some), held_out)[0].argmax(axis=1)
            agreement = float((predicted == truth).mean())
            rows.append((kind, len(some), balanced_accuracy(val.y, predicted), agreement))
    return pd.DataFrame(rows, columns=["kind", "windows", "val_accuracy", "agreement"])
