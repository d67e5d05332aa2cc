"""The application: samples in, class out. Features, quantization and network in one firmware.

A network's accuracy says little while its input is computed elsewhere. Here the emulated core gets what
the sensor delivers, and everything after that is the binary's own work.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, fields, replace

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.build import Firmware, build, build_host
from edgekit.emulate.count import Counting
from edgekit.emulate.run import PAINT, STACK, LayerCount, Machine, Profile
from edgekit.export.codegen import Source
from edgekit.signal.pixels import grey
from edgekit.signal.source import to_int8

MAIN = """\
/* Samples in, class out: what a task does with each full window. */
#include "{name}.h"
#include "{name}_features.h"

{sample} {name}_samples[{up}_WINDOW * {up}_CHANNELS]; /* [time][channel], filled by the sensor */
{feature_values}
__attribute__((noinline)) void {name}_sense(void) {{
  {sense}
}}

__attribute__((noinline)) int32_t {name}_decide(void) {{
  const {output} *const score = {name}_output();
  int32_t best = 0;
  for (int32_t i = 1; i < {up}_OUTPUT_SIZE; i++) {{
    if (score[i] > score[best]) best = i;
  }}
  return best;
}}

int32_t {name}_classify(void) {{
  {name}_sense();
  {name}_invoke();
  return {name}_decide();
}}

/* Nothing calls it but the emulator: behind the two vectors that a core reads, the linker keeps it. */
__attribute__((used, section(".vectors"))) static int32_t (*const {name}_entry)(void) = {name}_classify;
"""
SUFFIX = {"float32": "", "int16": "_int16", "uint8": "_uint8"}  # of the function that takes them
MAIN_FILE = "window_to_class.c"  # is linked behind edgekit_startup.c, whose vectors come first
FEATURE_BUFFER = "float {name}_feature_values[{up}_FEATURES];\n"
FEATURES = "{name}_features{suffix}({name}_samples, {name}_feature_values);\n  "
INT8_INPUT = "{name}_quantize({name}_feature_values, {name}_input());"
FLOAT_INPUT = (
    "for (int32_t i = 0; i < {up}_FEATURES; i++) {name}_input()[i] = {name}_feature_values[i];"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class Application(Firmware):
    """A firmware with its features: what `features` computes in Python, and the sensor's `sensitivity`
    (physical units per int16 count; None where samples arrive as float32)."""

    features: object
    sensitivity: float | None
    feature_files: dict[str, str]


@dataclass(frozen=True, eq=False, kw_only=True)
class ApplicationProfile(Profile):
    """One window from samples to class. `layers` begin with "features" and end with "decide".

    `feature_instructions` and `network` share out the instructions; `feature_flash` and `feature_ram` are
    what the
    application takes more than the bare network, tables, the window of samples and float routines included.
    """

    feature_instructions: Figure
    network: Figure
    feature_flash: Figure
    feature_ram: Figure

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{k.replace('_', ' ')}</td><td>{getattr(self, k)._repr_html_()}</td></tr>"
            for k in ("feature_instructions", "network", "feature_flash", "feature_ram")
        )
        return f"<table>{rows}</table>{super()._repr_html_()}"


def application(
    source: Source,
    features,
    sensitivity: float | None = None,
    cpu: str = "cortex-m4",
    opt: str = "-Os",
    compiler: str = "zig",
    cache=None,
    extra_files: dict[str, str] | None = None,
) -> Application:
    """Features and network in one firmware, with `extra_files` beside them.

    source: from `export.generate`; its input's scale and zero point quantize the features. features: a
    step of `edgekit.signal`. sensitivity: physical units per count where the sensor delivers int16; without
    it, samples are float32. cpu, opt, compiler, cache: as `build` takes them. Raises EdgekitError where the
    features do not fit the network's input.
    """
    graph, name = source.graph, source.name
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise EdgekitError("an application needs a network with one input and one output")
    if not hasattr(features, "c"):
        raise EdgekitError(f"{features!r} has no C side: use a step of edgekit.signal")
    into, out = (graph.tensors[i] for i in (graph.inputs[0], graph.outputs[0]))
    size = int(np.prod(features.shape))
    if into.size != size or str(into.dtype) not in ("int8", "float32"):
        raise EdgekitError(f"{size} features do not fit the network's input {into}")
    quantized = str(into.dtype) == "int8"
    scale = (into.scale[0], int(into.zero_point[0])) if quantized else None
    files = features.c(name, quantization=scale, sensitivity=sensitivity)
    sample = sample_dtype(features, sensitivity)
    words = {"name": name, "up": name.upper(), "suffix": SUFFIX[sample]}
    direct = f"{name}_input_uint8(" in files[f"{name}_features.h"]  # no floats on the way
    sense = FEATURES + (INT8_INPUT if quantized else FLOAT_INPUT)
    if direct:
        sense = "{name}_input_uint8({name}_samples, {name}_input());"
    files[MAIN_FILE] = MAIN.format(
        **words,
        sample={"float32": "float", "int16": "int16_t", "uint8": "uint8_t"}[sample],
        feature_values="" if direct else FEATURE_BUFFER.format(**words),
        sense=sense.format(**words),
        output={"int8": "int8_t", "uint8": "uint8_t", "float32": "float"}[str(out.dtype)],
    )
    more = {**files, **(extra_files or {})}
    firmware = build(source, cpu, opt, compiler, extra_files=more, cache=cache)
    known = {f.name: getattr(firmware, f.name) for f in fields(Firmware)}
    return Application(**known, features=features, sensitivity=sensitivity, feature_files=files)


def sample_dtype(features, sensitivity: float | None) -> str:
    """What a sensor hands over: "uint8" grey values of a camera, "int16" counts, or "float32"."""
    return getattr(features, "delivers", "float32" if sensitivity is None else "int16")


def sensor_samples(features, sensitivity: float | None, X: np.ndarray) -> np.ndarray:
    """Samples of `X` as the sensor hands them over."""
    kind = sample_dtype(features, sensitivity)
    if kind == "uint8":
        return grey(X)
    return np.asarray(X, np.float32) if kind == "float32" else counts(X, sensitivity)


def counts(X: np.ndarray, sensitivity: float) -> np.ndarray:
    """Samples in physical units as the int16 counts of a sensor: nearest, saturated, NaN as 0."""
    steps = np.nan_to_num(np.asarray(X, np.float64) / sensitivity)
    return np.clip(np.rint(steps), -32768, 32767).astype(np.int16)


def quantize_samples(app: Application, X: np.ndarray) -> np.ndarray:
    """What the application's sensor makes of `X`: the same windows, float32, in steps of its counts."""
    given = sensor_samples(app.features, app.sensitivity, X).astype(np.float32)
    return given if app.sensitivity is None else given * np.float32(app.sensitivity)


class ApplicationMachine(Machine):
    """An emulated core that can be given samples and asked for any of the application's functions."""

    def __init__(self, app: Application):
        super().__init__(app)
        self.app, self.name = app, app.source.name

    def load_window(self, window: np.ndarray) -> None:
        given = sensor_samples(self.app.features, self.app.sensitivity, window)
        self.uc.mem_write(self.symbols[f"{self.name}_samples"].address, given.tobytes())

    def call(self, function: str) -> int:
        self._go(self.symbols[f"{self.name}_{function}"].address)
        return int(self.uc.reg_read(self.a0))

    def feature_values(self) -> np.ndarray | None:
        """The features, float32, of the last window; None where the sensor's bytes become the input."""
        symbol = self.symbols.get(f"{self.name}_feature_values")
        if symbol is None:
            return None
        return np.frombuffer(bytes(self.uc.mem_read(symbol.address, symbol.size)), np.float32)


def check_windows(app: Application, X) -> np.ndarray:
    f = app.features
    X, expected = np.asarray(X), getattr(f, "given", (f.window, f.channels))
    if hasattr(f, "cut"):
        X = f.cut(X)  # a part of the window is all that such a sensor delivers
    if X.shape[1:] != expected or not len(X):
        said = ", ".join(map(str, expected))
        raise EdgekitError(f"expected windows (n, {said}), got {X.shape}")
    return X


def classify(
    app: Application, X, machine: ApplicationMachine | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Windows of samples through the emulated binary: (n,) classes, and (n, …) outputs as they are.

    X: (n, window, channels) in physical units; the sensor's counts are made of it on the way in.
    machine: one that runs already, as a program whose constants lie in a slot needs; else a fresh one.
    """
    device, classes, outputs = machine or ApplicationMachine(app), [], []
    for window in check_windows(app, X):
        device.load_window(window)
        classes.append(device.call("classify"))
        outputs.append(device.read_outputs()[0])
    return np.array(classes), np.concatenate([np.atleast_2d(o) for o in outputs])


def profile(app: Application, x, machine: ApplicationMachine | None = None) -> ApplicationProfile:
    """Count one window, (1, window, channels), from samples to class. Exact, as `emulate.profile`.

    machine: as `classify` takes it.
    """
    device, source, name = machine or ApplicationMachine(app), app.source, app.source.name
    (window,) = check_windows(app, x)
    parts = ["features", *(layer.name for layer in source.layers), "decide", "invoke", "classify"]
    entry = {layer.name: layer.name for layer in source.layers}
    entry |= {f"{name}_{f}": p for f, p in (("sense", "features"), ("decide", "decide"))}
    entry |= {f"{name}_{f}": f for f in ("invoke", "classify")}
    begins = {device.symbols[s].address: p for s, p in entry.items() if s in device.symbols}
    order = {p: n for n, p in enumerate(parts)}
    macs = {layer.name: layer.macs for layer in source.layers}
    device.uc.mem_write(device.top - STACK, PAINT * STACK)
    device.load_window(window)
    begins = {address: order[p] for address, p in begins.items()}
    with Counting(device, begins, len(parts), [macs.get(p, 0) for p in parts]) as counting:
        device.call("classify")
    stack = device.stack_used()
    blocks, taken = (dict(zip(parts, c, strict=True)) for c in (counting.blocks, counting.taken))
    cost = {p: device.instructions(blocks[p]) for p in parts}
    layers = tuple(LayerCount(p, cost[p], macs.get(p, 0), dict(blocks[p]), taken[p]) for p in parts)
    where = f"unicorn, {app.cpu}, {app.compiler} {app.flags[0]}"
    bare = build(source, app.cpu, app.flags[0], app.compiler.split()[0])
    total = sum(cost.values())
    network = total - cost["features"] - cost["decide"] - cost["classify"]

    def more(kind):
        have, without = getattr(app, kind), getattr(bare, kind)
        return measured(have.value - without.value, "B", f"{have.source}, less the bare network's")

    return ApplicationProfile(
        layers=layers,
        instructions=emulated(total, "instructions", where),
        per_mac=emulated(network / max(1, source.macs), "instructions/MAC", where),
        stack=emulated(stack, "B", f"painted stack, {where}"),
        arena=measured(source.plan.size, "B", "memory plan"),
        flash=app.flash,
        ram=app.ram,
        output=device.read_outputs(),
        cpu=app.cpu,
        feature_instructions=emulated(cost["features"], "instructions", where),
        network=emulated(network, "instructions", where),
        feature_flash=more("flash"),
        feature_ram=more("ram"),
    )


def features_on_host(app: Application, X) -> tuple[np.ndarray, np.ndarray | None]:
    """The C features of windows `X`, compiled for this machine: (n, features) float32, and int8 or None."""
    name = app.source.name
    files = {k: v for k, v in app.feature_files.items() if k != MAIN_FILE}
    library = ctypes.CDLL(str(build_host(replace(app.source, files=files))))
    return run_library(library, name, app.features, check_windows(app, X), app.sensitivity)


def run_library(library, name: str, features, X, sensitivity=None):
    """Call `{name}_features`, and `{name}_quantize` where it exists, of a loaded library."""
    size = int(np.prod(features.shape))
    out, q = np.empty((len(X), size), np.float32), np.empty((len(X), size), np.int8)
    compute = getattr(library, f"{name}_features{SUFFIX[sample_dtype(features, sensitivity)]}")
    quantizer = getattr(library, f"{name}_quantize", None)
    for window, o, i in zip(X, out, q, strict=True):
        given = np.ascontiguousarray(sensor_samples(features, sensitivity, window))
        compute(given.ctypes, o.ctypes)
        if quantizer:
            quantizer(o.ctypes, i.ctypes)
    return out, q if quantizer else None


def features_on_core(app: Application, X) -> tuple[np.ndarray, np.ndarray]:
    """The features of windows `X` on the emulated core, (n, features) float32, and the network's input.

    The features are None where the binary makes the input of the sensor's bytes without them.
    """
    device, feature_values, inputs = ApplicationMachine(app), [], []
    for window in check_windows(app, X):
        device.load_window(window)
        device.call("sense")
        feature_values.append(device.feature_values())
        inputs.append(device.tensor(app.source.graph.inputs[0]).reshape(-1))
    return None if feature_values[0] is None else np.stack(feature_values), np.stack(inputs)


def compare(app: Application, X):
    """Python's features against the C side's, one row for each feature, as a pandas DataFrame.

    Columns: feature, scale (its standard deviation over the windows), then for `host` and `core` the
    largest and the mean absolute error and how many int8 inputs differ. `attrs`: "windows", "exact"
    (every bit equal on both), "worst" (largest error over its feature's scale) and "int8_share" (of
    differing int8 inputs, on the core).
    """
    import pandas as pd

    X = check_windows(app, X)
    truth = app.features(quantize_samples(app, X)).reshape(len(X), -1)
    into = app.source.graph.tensors[app.source.graph.inputs[0]]
    quantized = str(into.dtype) == "int8"
    wanted = to_int8(truth, into.scale[0], int(into.zero_point[0])) if quantized else truth
    scale = truth.std(axis=0)
    columns = {"feature": np.arange(truth.shape[1]), "scale": scale}
    exact, worst, share = True, 0.0, 0.0
    for where, (got, inputs) in {
        "host": features_on_host(app, X),
        "core": features_on_core(app, X),
    }.items():
        if got is None:  # there are no features on the core, only the input: exact if that is
            got = truth if np.array_equal(inputs, wanted) else np.full_like(truth, np.inf)
        with np.errstate(invalid="ignore"):
            error = np.abs(got.astype(np.float64) - truth)
        error = np.where(np.isfinite(got), error, np.inf)
        columns |= {f"{where}_max": error.max(axis=0), f"{where}_mean": error.mean(axis=0)}
        if quantized:
            differs = inputs != wanted
            columns[f"{where}_int8"] = differs.sum(axis=0)
            share = float(differs.mean())
        exact &= bool(np.array_equal(got, truth))
        worst = max(worst, float((error.max(axis=0) / np.maximum(scale, 1e-12)).max()))
    table = pd.DataFrame(columns)
    table.attrs |= {"windows": len(X), "exact": exact, "worst": worst, "int8_share": share}
    return table
