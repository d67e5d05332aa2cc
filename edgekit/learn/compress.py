"""Making the student small, and the ledger that says what each step bought.

What counts is what a device gets: bytes of files, and predictions of the integer model computed by
TFLM, the interpreter that runs on microcontrollers. Desktop interpreters round differently.
"""

from __future__ import annotations

import lzma
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from edgekit import signal
from edgekit.data.windows import Windows
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    import pandas as pd

STEPS = ("distil", "prune", "qat")


@dataclass(frozen=True)
class Made:
    """A network ready for a device: its `.tflite`, the Keras model it came from, seconds it took."""

    tflite: bytes
    model: object
    seconds: float

    def _repr_html_(self) -> str:
        return f"<b>{len(self.tflite):,} bytes</b> of .tflite after {self.seconds:.1f} s"


# ---------------------------------------------------------------------------------------- making


def make(
    steps: tuple[str, ...],
    windows: Windows,
    hear: Callable,
    *,
    seed: int,
    start=None,
    build: Callable | None = None,
    distil=None,
    sparsity: float = 0.5,
    int8: bool = True,
    epochs: int = 8,
    finish: int = 4,
    **how,
) -> Made:
    """A student taken through `steps`, some of STEPS in that order, then made an int8 `.tflite`.

    It starts as `start`, a trained model that is left as it is, or as `build(input_shape, classes)`,
    trained for `epochs`; with "distil" against `distil` (a `train.Distil`). "prune" sets a share
    `sparsity` of the weights to zero, "qat" trains through the rounding, each for `finish` epochs at
    a quarter of the rate, and told by the teacher too if there is `distil`. Without "qat" the
    rounding is fitted afterwards, on training windows (post-training quantization). `int8=False`
    stays float32. `how` goes to `train.fit`. Raises EdgekitError for an unknown step.
    """
    from edgekit.learn import legacy
    from edgekit.learn.train import fit

    if tuple(s for s in STEPS if s in steps) != tuple(steps):
        raise EdgekitError(f"steps {steps} must be some of {', '.join(STEPS)}, in this order")
    clock = time.perf_counter()
    legacy.seed_everything(seed)
    if "distil" in steps and distil is None:
        raise EdgekitError("the step 'distil' needs a teacher: distil=Distil(teacher, hear)")
    how = {"seed": seed, "distil": distil, **how}
    if start is None:
        model = build(hear(windows.X[:1]).shape[1:], len(windows.classes))
        fit(model, windows, hear, epochs=epochs, **how)
    else:
        model = legacy.clone(start)
    gentle = {**how, "epochs": finish, "rate": how.get("rate", 4e-3) / 4}
    if "prune" in steps:
        batches = finish * -(-how.get("copies", 2) * len(windows) // how.get("batch", 32))
        pruned = legacy.prunable(model, sparsity, batches)
        fit(pruned, windows, hear, **gentle)
        model = legacy.stripped(pruned)
    if "qat" in steps:
        model = legacy.quantization_aware(model, keep_zeros="prune" in steps)
        fit(model, windows, hear, **gentle)
        tflite = legacy.convert(model, int8=True)
    elif int8:
        tflite = legacy.convert(model, calibration(windows, hear, seed))
    else:
        tflite = legacy.convert(model)
    return Made(tflite, model, time.perf_counter() - clock)


def by_recording(
    steps: tuple[str, ...], windows: Windows, folds, hear: Callable, *, teach=None, **how
) -> dict:
    """The `score` of a whole recipe when every fold's test recordings are new to it.

    `folds` are Splits; for each, `make(steps, …)` starts from nothing on its training part, and its
    int8 file answers for its test part. `teach(windows)` returns the `Distil` of a fold, so that the
    teacher has not heard the test recordings either. `how` goes to `make`.
    """
    from edgekit.learn.train import progress, score

    said = np.full(len(windows), -1)
    for fold in progress(folds, "folds"):
        train, test = windows[fold.train], windows[fold.test]
        told = teach(train) if teach and "distil" in steps else None
        made = make(steps, train, hear, distil=told, **how)
        said[fold.test] = predict(made.tflite, hear(test.X))[0].argmax(axis=1)
    tested = said >= 0
    return score(windows.y[tested], said[tested], windows.classes, windows.group[tested])


def calibration(windows: Windows, hear: Callable, seed: int, most: int = 200) -> np.ndarray:
    """The calibration set: up to `most` network inputs, drawn evenly from the classes present."""
    rng = np.random.default_rng(seed)
    present = np.unique(windows.y)
    each = -(-most // len(present))
    rows = [rng.permutation(np.flatnonzero(windows.y == c))[:each] for c in present]
    return hear(windows.X[np.sort(np.concatenate(rows))])


def slim(tflite: bytes) -> bytes:
    """The same network without what no runtime reads.

    Out go tensor names, descriptions, metadata, signatures, the min/max that calibration recorded, and
    empty or repeated buffers. Weights, shapes, scales and zero points stay. The result is run beside
    the original; RuntimeError if one output differs.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    model.description = model.metadata = model.metadataBuffer = model.signatureDefs = None
    buffers, seen = [model.buffers[0]], {}
    for graph in model.subgraphs:
        graph.name = None
        for tensor in graph.tensors:
            tensor.name = tensor.shapeSignature = None
            if tensor.quantization is not None:
                tensor.quantization.min = tensor.quantization.max = None
            held = model.buffers[tensor.buffer].data
            key = b"" if held is None else np.asarray(held, np.uint8).tobytes()
            if key and key not in seen:
                seen[key] = len(buffers)
                buffers.append(model.buffers[tensor.buffer])
            tensor.buffer = seen.get(key, 0)
    model.buffers = buffers
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    small = bytes(builder.Output())
    shape = quantization(tflite)["input_shape"]
    noise = np.random.default_rng(0).normal(size=(8, *shape[1:])).astype(np.float32)
    if not np.array_equal(predict(tflite, noise)[0], predict(small, noise)[0]):
        raise RuntimeError("slimming changed an output")
    return small


# --------------------------------------------------------------------------------------- running


def quantization(tflite: bytes) -> dict:
    """Of the input and the output: shape, dtype, scale and zero point (0 and 0 for float32)."""
    interpreter = _litert(tflite)
    sides = {
        "input": interpreter.get_input_details()[0],
        "output": interpreter.get_output_details()[0],
    }
    facts = {}
    for side, of in sides.items():
        facts[f"{side}_shape"] = [int(n) for n in of["shape"]]
        facts[f"{side}_dtype"] = np.dtype(of["dtype"]).name
        scale, zero_point = of["quantization"]
        facts[f"{side}_scale"], facts[f"{side}_zero_point"] = float(scale), int(zero_point)
    return facts


def quantize(tflite: bytes, x: np.ndarray) -> np.ndarray:
    """Float inputs (n, …) as the int8 the network expects: round half away from zero, saturate."""
    facts = quantization(tflite)
    return signal.quantize(x, facts["input_scale"], facts["input_zero_point"])


def predict(tflite: bytes, x: np.ndarray) -> tuple[np.ndarray, str]:
    """Outputs (n, classes) of a network for float inputs (n, …), and which runtime computed them.

    An int8 network is run by `predict_int8`, a float one by LiteRT's reference kernels.
    """
    if quantization(tflite)["input_dtype"] == "int8":
        return predict_int8(tflite, quantize(tflite, x))
    return _run_litert(_litert(tflite), x.astype(np.float32)), "LiteRT reference"


def predict_int8(tflite: bytes, x: np.ndarray) -> tuple[np.ndarray, str]:
    """int8 inputs (n, …) -> int8 outputs (n, classes) by TFLM, else by LiteRT's reference kernels."""
    try:
        from tflite_micro import runtime
    except ImportError:
        return _run_litert(_litert(tflite), x), "LiteRT reference"
    interpreter = runtime.Interpreter.from_bytes(tflite)
    outputs = []
    for row in x:
        interpreter.set_input(row[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0].copy())
    return np.array(outputs), "TFLM"


def _litert(tflite: bytes):
    from ai_edge_litert import interpreter as litert

    kernels = litert.OpResolverType.BUILTIN_REF
    interpreter = litert.Interpreter(model_content=tflite, experimental_op_resolver_type=kernels)
    interpreter.allocate_tensors()
    return interpreter


def _run_litert(interpreter, x: np.ndarray) -> np.ndarray:
    given = interpreter.get_input_details()[0]["index"]
    answer = interpreter.get_output_details()[0]["index"]
    outputs = []
    for row in x:
        interpreter.set_tensor(given, row[None])
        interpreter.invoke()
        outputs.append(interpreter.get_tensor(answer)[0])
    return np.array(outputs)


# ---------------------------------------------------------------------------------------- ledger


def entry(name: str, tflite: bytes, windows: Windows, split, hear: Callable, **facts) -> dict:
    """One row: a `.tflite` judged on the validation recordings (for choosing) and the test recordings.

    `facts` (`input`, `train_seconds`, `note`) are kept as they are. Nothing is chosen by `accuracy`.
    """
    from edgekit.learn.train import score

    scores = {}
    for part in ("val", "test"):
        held = windows[getattr(split, part)]
        said, runtime = predict(tflite, hear(held.X))
        scores[part] = score(held.y, said.argmax(axis=1), windows.classes, held.group)
    small = slim(tflite)
    return {
        "variant": name,
        "type": quantization(tflite)["input_dtype"],
        "val_accuracy": scores["val"]["balanced_accuracy"],
        "accuracy": scores["test"]["balanced_accuracy"],
        "low": scores["test"]["low"],
        "high": scores["test"]["high"],
        "tflite_bytes": len(tflite),
        "slim_bytes": len(small),
        "packed_bytes": len(
            lzma.compress(small, lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "preset": 9}])
        ),
        "runtime": runtime,
        **facts,
    }


class Ledger:
    """Rows of what was tried, those that did not help included; the first is the float teacher."""

    def __init__(self, windows: Windows, split, hears: dict[str, Callable]):
        """`hears` names each kind of input: `{"waveform": …, "features": …}`."""
        self.windows, self.split, self.hears = windows, split, hears
        self.rows: list[dict] = []
        self.files: dict[str, bytes] = {}

    def add(
        self, name: str, tflite: bytes, input: str, seconds: float = 0.0, note: str = ""
    ) -> str:
        """Judge and enter one variant; returns a line that says how it did."""
        facts = {"input": input, "train_seconds": round(seconds, 1), "note": note}
        row = entry(name, tflite, self.windows, self.split, self.hears[input], **facts)
        self.rows.append(row)
        self.files[name] = tflite
        return f"{name}: {row['slim_bytes']:,} bytes, {row['accuracy']:.3f} on test recordings"

    @property
    def table(self) -> pd.DataFrame:
        return ledger(self.rows)

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(len(self.rows)))} variants</p>{self.table.to_html(index=False)}"


COLUMNS = (
    "variant",
    "input",
    "type",
    "accuracy",
    "loss_points",
    "low",
    "high",
    "val_accuracy",
    "val_loss_points",
    "tflite_bytes",
    "slim_bytes",
    "packed_bytes",
    "ratio",
    "train_seconds",
    "runtime",
    "note",
)


def ledger(rows: list[dict]) -> pd.DataFrame:
    """The rows of `entry` against the first of them, the teacher's.

    `loss_points` and `val_loss_points` are percentage points of balanced accuracy below the teacher;
    `ratio` is the teacher's file as the converter wrote it over the variant's slim file;
    `packed_bytes` is the slim file through LZMA. `attrs["provenance"]` says where each column is from.
    """
    import pandas as pd

    table = pd.DataFrame(rows)
    first = table.iloc[0]
    table["loss_points"] = 100 * (first.accuracy - table.accuracy)
    table["val_loss_points"] = 100 * (first.val_accuracy - table.val_accuracy)
    table["ratio"] = first.tflite_bytes / table.slim_bytes
    table = table[list(COLUMNS)]
    table.attrs["provenance"] = {
        "accuracy": "measured: test recordings, predicted by the runtime of the row",
        "tflite_bytes": "measured: bytes of the file",
        "train_seconds": "measured: on this machine",
    }
    return table


def pick(table: pd.DataFrame, budget) -> str:
    """The variant to deploy, chosen on validation recordings alone.

    Among int8 variants as small as `budget.size_ratio` wants (all, if none is): of those that reach
    `budget.accuracy_floor` and lose at most `budget.accuracy_loss` the smallest slim file; files within
    2 % count as equal, then the better on validation, then the one entered first. If none passes, the
    most accurate one: the gate will say that it fails. Raises EdgekitError where nothing is int8.
    """
    able = table[table.type == "int8"]
    if able.empty:
        raise EdgekitError("no variant is int8: convert one, a microcontroller runs nothing else")
    if budget.size_ratio and (able.ratio >= budget.size_ratio).any():
        able = able[able.ratio >= budget.size_ratio]
    floor = -np.inf if budget.accuracy_floor is None else budget.accuracy_floor
    loss = np.inf if budget.accuracy_loss is None else 100 * budget.accuracy_loss
    good = able[(able.val_accuracy >= floor) & (able.val_loss_points <= loss + 1e-9)]
    if good.empty:
        return str(able.variant[able.val_accuracy.idxmax()])
    small = good[good.slim_bytes <= 1.02 * good.slim_bytes.min()]
    return str(small.variant[small.val_accuracy.idxmax()])
