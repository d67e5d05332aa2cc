"""The students that a search may make: one dictionary says all there is to say about one of them.

    {"features": "features", "network": "layers", "widths": [6, 8], "kernel": 5, "stride": 2, "later": 2,
     "separable": False, "pool": "flatten", "hidden": 0, "dropout": 0.0,
     "rate": 0.5, "quantize": "int8", "distil": False}
    {"features": "shorter", "network": "student", "share": 0.5,
     "rate": 1.0, "quantize": "qat", "distil": True}

The first is a plain convolutional network, the second the use case's own student at another share of its
width (structured removal of channels before training). Signals are pictures of height 1. Every layer is
one that quantization-aware training, TFLM and the C generator take.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.usecases import variants

HAND_MADE = {  # the use case's own student, with which a search begins
    "features": "features", "network": "student", "rate": 1.0, "quantize": "int8", "distil": False,
    "share": 1.0,
}  # fmt: skip
# What is tried: a list of alternatives, or the [lowest, highest] of whole numbers on a logarithmic scale.
SIGNAL = {
    "network": ["layers", "student"],
    "share": [0.25, 0.5, 0.75, 1.0],  # of the hand-made student's width
    "depth": [0, 1, 2, 3],  # convolutions; 0: dense layers only
    "width": {"low": 2, "high": 16},  # channels of each convolution
    "kernel": [3, 5, 7],
    "stride": [1, 2, 4],  # of the first convolution
    "later": [1, 2],  # of the others
    "separable": [False, True],  # the others: depthwise, then 1 x 1
    "pool": ["flatten", "mean"],
    "hidden": [0, 8, 16, 24],  # units of a dense layer before the last
    "dropout": [0.0, 0.3],
    "rate": [1.0, 0.5, 0.25],  # of FIT's learning rate, which was made for the hand-made student
    "quantize": ["int8", "qat"],  # rounding fitted afterwards, or trained through
    "distil": [False, True],
}
PICTURE = SIGNAL | {
    "depth": [2, 3, 4],
    "width": {"low": 4, "high": 24},
    "kernel": [3],
    "stride": [2, 4],
    "hidden": [0, 16],
}


@dataclass(frozen=True)
class Layer:
    """What one layer takes and gives, (height, width, channels) each, and its window (height, width).

    `kind`: "conv", "depthwise", "dense", "pool" or "mean".
    """

    kind: str
    given: tuple[int, int, int]
    gives: tuple[int, int, int]
    window: tuple[int, int] = (1, 1)
    stride: int = 1

    @property
    def outputs(self) -> int:
        return _size(self.gives)

    @property
    def inputs(self) -> int:
        return _size(self.given)

    @property
    def weights(self) -> int:
        """Weights without biases."""
        area = self.window[0] * self.window[1]
        return {
            "conv": area * self.given[2] * self.gives[2],
            "depthwise": area * self.gives[2],
            "dense": self.inputs * self.outputs,
        }.get(self.kind, 0)

    @property
    def macs(self) -> int:
        """Multiplications and additions of one inference, padding included."""
        if self.kind == "dense":
            return self.weights
        return self.weights * self.gives[0] * self.gives[1]


def choices(case, shape: tuple[int, int, int], teacher: bool) -> dict:
    """The space of a use case as plain lists, for inputs of `shape`; `case.SEARCH` may override any.

    Without a `teacher` nothing is distilled. Raises EdgekitError where SEARCH names something unknown.
    """
    own = {k: v for k, v in case.SEARCH.items() if k != "features"}
    known = dict(PICTURE if shape[0] > 1 else SIGNAL)
    for name, values in own.items():
        if name not in known:
            raise EdgekitError(f"SEARCH has {name!r}.{did_you_mean(name, ['features', *known])}")
        known[name] = values if isinstance(values, dict) else list(values)
    if not teacher:
        known["distil"] = [False]
    return {"features": list(variants(case)), **known}


def suggest(trial, known: dict) -> dict:
    """Draw a candidate from `choices`. Every name is drawn each time, so that the sampler sees one space."""
    drawn = {}
    for name, values in known.items():
        if isinstance(values, dict):
            for i in range(max(known["depth"])):
                drawn[f"{name}_{i + 1}"] = trial.suggest_int(f"{name}_{i + 1}", **values, log=True)
        else:
            drawn[name] = trial.suggest_categorical(name, values)
    return candidate(drawn)


def candidate(drawn: dict) -> dict:
    """The dictionary of what was drawn, without what has no effect."""
    candidate = {k: drawn[k] for k in ("features", "network", "rate", "quantize", "distil")}
    if drawn["network"] == "student":
        return candidate | {"share": drawn["share"]}
    depth = drawn["depth"]
    candidate |= {"widths": [drawn[f"width_{i + 1}"] for i in range(depth)]}
    candidate |= {k: drawn[k] for k in ("hidden", "dropout")}
    if depth:
        candidate |= {k: drawn[k] for k in ("kernel", "stride", "pool")}
    if depth > 1:
        candidate |= {k: drawn[k] for k in ("later", "separable")}
    return candidate


def first(known: dict) -> list[dict]:
    """The parameters, for `study.enqueue_trial`, with which a search begins: the use case's own student,
    at each share of its width, and on each kind of features; then the shallowest convolutional network,
    as wide as may be, on each of them."""
    shares = sorted({1.0, *known["share"]}, reverse=True)
    depth = min(filter(None, known["depth"]), default=0) if "layers" in known["network"] else 0
    return [
        *(_student(known, share=share) for share in shares),
        *(_student(known, features=name) for name in known["features"] if name != "features"),
        *(_shallow(known, name, depth) for name in known["features"] if depth),
    ]


def _shallow(known: dict, features: str, depth: int) -> dict:
    """Few steps are few instructions, and few layers learn in large steps."""
    drawn = _student(known, features=features, network="layers")
    wide = {name: known["width"]["high"] for name in drawn if name.startswith("width_")}
    return drawn | wide | {
        "depth": depth, "stride": max(known["stride"]), "rate": max(known["rate"]),
        "dropout": max(known["dropout"]),
    }  # fmt: skip


def _student(known: dict, **other) -> dict:
    drawn = {k: v["low"] if isinstance(v, dict) else v[0] for k, v in known.items()}
    low = drawn.pop("width")
    widths = {f"width_{i + 1}": low for i in range(max(known["depth"]))}
    return {**drawn, **widths, **HAND_MADE, **other}


def width_of(candidate: dict, case) -> int:
    """Of a candidate that is the use case's own student: its channels, at least one."""
    return max(1, round(candidate["share"] * case.WIDTHS["student"]))


def layers(candidate: dict, shape: tuple[int, int, int], classes: int) -> list[Layer]:
    """The layers of a candidate of `"network": "layers"`, in order, by arithmetic alone."""
    at, found = shape, []

    def add(kind, channels, window=(1, 1), stride=1):
        nonlocal at
        down = 1 if at[0] == 1 else stride
        gives = (-(-at[0] // down), -(-at[1] // stride), channels)
        found.append(Layer(kind, at, gives, window, stride))
        at = gives

    for i, width in enumerate(candidate["widths"]):
        k = candidate["kernel"]
        window = (1, k) if shape[0] == 1 else (k, k)
        stride = candidate["stride"] if i == 0 else candidate["later"]
        if i and candidate["separable"]:
            add("depthwise", at[2], window, stride)
            add("conv", width)
        else:
            add("conv", width, window, stride)
    if candidate["widths"] and candidate["pool"] == "mean":
        found.append(Layer("mean", at, (1, 1, at[2]), at[:2]))
        at = (1, 1, at[2])
    for units in (candidate["hidden"], classes):
        if units:
            found.append(Layer("dense", (1, 1, _size(at)), (1, 1, units)))
            at = (1, 1, units)
    return found


def build(candidate: dict, case, shape: tuple[int, int, int], classes: int, seed: int):
    """The Keras model of a candidate, untrained; ends in logits. Same seed, same weights."""
    if candidate["network"] == "student":
        return case.student(shape, classes, width_of(candidate, case), seed)
    from edgekit.learn.legacy import keras, seed_everything
    from edgekit.learn.models import MOMENTUM

    seed_everything(seed)
    k = keras.layers
    given = x = k.Input(shape)
    plan = layers(candidate, shape, classes)
    for n, layer in enumerate(plan):
        if layer.kind in ("conv", "depthwise"):
            how = {"strides": layer.stride, "padding": "same", "use_bias": False}
            if shape[0] == 1:
                how["strides"] = (1, layer.stride)
            if layer.kind == "conv":
                x = k.Conv2D(layer.gives[2], layer.window, **how)(x)
            else:
                # depthwise kernels take equal strides only; along a height of 1 it makes no difference
                x = k.DepthwiseConv2D(layer.window, **how | {"strides": layer.stride})(x)
            x = k.ReLU()(k.BatchNormalization(momentum=MOMENTUM)(x))
        elif layer.kind == "mean":
            x = k.GlobalAveragePooling2D()(x)
        else:
            if len(x.shape) > 2:
                x = k.Flatten()(x)
            last = n == len(plan) - 1
            if candidate["dropout"] and (last or plan[n - 1].kind != "dense"):
                x = k.Dropout(candidate["dropout"])(x)
            x = k.Dense(layer.gives[2], activation=None if last else "relu")(x)
    return keras.Model(given, x, name="found")


def layers_of(model) -> list[Layer]:
    """The layers of any Keras model that a use case calls its student: for the same arithmetic."""
    found = []
    for layer in model.layers:
        kind = {
            "Conv2D": "conv", "DepthwiseConv2D": "depthwise", "Dense": "dense",
            "AveragePooling2D": "pool", "MaxPooling2D": "pool", "GlobalAveragePooling2D": "mean",
        }.get(type(layer).__name__)  # fmt: skip
        if not kind:
            continue
        given, gives = (_three(getattr(layer, s)) for s in ("input_shape", "output_shape"))
        window = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None) or (1, 1)
        window = given[:2] if kind == "mean" else window
        stride = getattr(layer, "strides", (1, 1))[-1]
        found.append(Layer(kind, given, gives, tuple(window), stride))
    return found


def _three(shape) -> tuple[int, int, int]:
    """(height, width, channels) of a Keras shape."""
    height, width, channels = ([1, 1, 1] + [int(n) for n in shape[1:]])[-3:]
    return height, width, channels


def _size(shape) -> int:
    return shape[0] * shape[1] * shape[2]
