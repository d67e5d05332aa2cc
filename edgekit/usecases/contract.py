"""What a `usecase.py` gets wrong, a line each: names that are missing, of another kind, or called otherwise
now. Nothing here loads a recording: `edgekit.testing.usecase` does.
"""

from __future__ import annotations

import ast
import inspect
import math
from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

from edgekit.core.errors import did_you_mean
from edgekit.data.recordings import DOMAINS
from edgekit.firmware.message import Schema
from edgekit.telemetry import privacy
from edgekit.usecases.usecase import NAMES, UseCase

PROFILES, NETWORKS = ("quick", "full"), ("teacher", "student")
CALLS: dict[str, tuple[tuple, dict[str, Any]]] = {  # how the chapters call them
    "recordings": (("lab", "quick"), {"offline": True, "seed": 0}),
    "prepare": (("recording",), {}),
    "windows": (("recordings", "quick"), {}),
    "split": (("windows",), {"seed": 0}),
    "folds": (("windows", 3, 0), {}),
    "augment": (("X", "rng"), {}),
    "descriptor": (("X",), {}),
    "teacher": (("input_shape", "classes", "width", "seed"), {}),
    "student": (("input_shape", "classes", "width", "seed"), {}),
}
KIT = "edgekit."
OLD_SWEEP = 'SWEEP["deals"]'
RENAMED = {  # what files written for an earlier kit may say -> what it is called now
    "waveform": "teacher_input",
    OLD_SWEEP: 'SWEEP["repeats"]',
    "data.bring": "bring",
    "data.simulate": "simulators.bearings",
    "data.ecg": "simulators.hearts",
    "data.motion": "simulators.wrists",
    "data.scenes": "simulators.scenes",
    "data.plants": "simulators.plants",
    "data.watch": "datasets.watch",
    "data.mitbih": "datasets.mitbih",
    "data.bearing_sets": "datasets.bearing_sets",
    "signal.another_wearer": "signal.imu_variation",
    "bring.vary": "bring.augment_signals",
    "bring.vary_pictures": "bring.augment_images",
    "bring.coarse": "bring.block_statistics",
    "bring.another_sensor": "bring.simulate_sensor_shift",
    "signal.Part": "signal.Subwindow",
    "data.thin": "data.subsample",
    "data.by_order": "data.split_by_time",
    "data.folds_by_order": "data.folds_by_time",
    "data.fault_frequencies": "datasets.bearing_physics.fault_frequencies",
    "data.fetch": "datasets.fetch",
    "data.mfpt": "datasets.mfpt",
    "simulators.hearts.beat_windows": "data.beats.beat_windows",
    "simulators.hearts.windows_at": "data.beats.windows_at",
    "simulators.hearts.match": "data.beats.match",
    "simulators.hearts.judged": "data.beats.judged",
    "simulators.hearts.detection_counts": "data.beats.detection_counts",
}


def renamed(text: str) -> list[str]:
    """Lines about names in `text`, the source of a `usecase.py` that the kit has given another name."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return []  # loading it says so better
    found: dict[tuple[str, str], int] = {}
    for node in ast.walk(tree):
        for name in _names(node):
            kit = (
                KIT if name.startswith(KIT) else ""
            )  # an import names the kit, an attribute does not
            if name.removeprefix(KIT) in RENAMED:
                found.setdefault((kit, name.removeprefix(KIT)), getattr(node, "lineno", 0))
    return [
        f"line {line}: {kit}{name} is called {kit}{RENAMED[name]} now"
        for (kit, name), line in found.items()
    ]


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (a.name for a in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (node.module, *(f"{node.module}.{a.name}" for a in node.names))
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        yield f"{node.value.id}.{node.attr}"


def problems(case: UseCase) -> list[str]:
    """Each breach of the contract as one line that says what is wrong and what to do; [] for none."""
    defined = vars(case.module)
    lines = []
    if "waveform" in defined and "teacher_input" not in defined:
        lines.append(f"waveform is called {RENAMED['waveform']} now: rename it")
    missing = [n for n in NAMES if n not in defined]
    own = [n for n in defined if not n.startswith("_") and n not in NAMES]
    for name in missing:
        if not (name == "teacher_input" and lines):
            lines.append(f"does not define {name}{_near(name, own)}")
    for check in CHECKS:
        try:
            for line in check(case):
                lines.append(line)
        except AttributeError:  # it asks for what is missing, which was said
            if not missing:
                raise
    return lines


def _near(name: str, own: list[str]) -> str:
    near = did_you_mean(name, own)
    return f".{near}" if near.startswith(" Did") else ""


def _classes(case: UseCase) -> Iterator[str]:
    classes = case.CLASSES
    if not isinstance(classes, (tuple, list)) or not all(
        isinstance(c, str) and c.strip() for c in classes
    ):
        yield f"CLASSES must be a tuple of class names, is {classes!r:.80}"
        return
    if len(classes) < 2:
        yield f"CLASSES has {len(classes)} name{'s' * (len(classes) != 1)}: a classifier needs two"
    twice = sorted({c for c in classes if list(classes).count(c) > 1})
    if twice:
        yield f"CLASSES has {twice[0]!r} twice"
    if case.NORMAL is not None and case.NORMAL not in classes:
        yield (
            f"NORMAL is {case.NORMAL!r:.40}, which is not in CLASSES; None if no class means "
            "that there is nothing to report"
        )


def _values(case: UseCase) -> Iterator[str]:
    if not _positive(case.RATE):
        yield f"RATE must be a number of Hz above 0, is {case.RATE!r:.40}"
    if case.SENSITIVITY is not None and not _positive(case.SENSITIVITY):
        yield f"SENSITIVITY must be units a count above 0, or None, is {case.SENSITIVITY!r:.40}"
    if case.MESSAGE is not None and not isinstance(case.MESSAGE, Schema):
        yield f"MESSAGE must be a Schema of edgekit.firmware.message, is {case.MESSAGE!r:.40}"
    yield from privacy.problems(case.SENDS)
    if not isinstance(case.BY_CLASS, bool):
        yield f"BY_CLASS must be True or False, is {case.BY_CLASS!r:.40}"


def _positive(value: object) -> bool:
    number = isinstance(value, Real) and not isinstance(value, bool)
    return number and math.isfinite(value) and value > 0  # type: ignore[arg-type,operator]


def _calls(case: UseCase) -> Iterator[str]:
    for name, (given, named) in CALLS.items():
        if name not in vars(case.module):
            continue
        function = getattr(case, name)
        if not callable(function):
            yield f"{name} must be a function, is {function!r:.60}"
            continue
        try:
            inspect.signature(function).bind(*given, **named)
        except TypeError as error:
            shown = ", ".join([*map(str, given), *(f"{k}=…" for k in named)])
            yield f"{name} cannot be called as {name}({shown}): {error}"
        except ValueError:
            pass  # written in C: nobody knows
    if case.choose is not None and not callable(case.choose):
        yield f"choose must be a function of a target's name, is {case.choose!r:.40}"
    yield from _drifts(case)
    if not isinstance(case.ALIGN, dict) or not all(map(callable, case.ALIGN.values())):
        yield "ALIGN must map names to functions of an adaptation task; {} for none"


def _drifts(case: UseCase) -> Iterator[str]:
    drifts = case.DRIFTS
    if not isinstance(drifts, dict) or not all(isinstance(n, str) and n.strip() for n in drifts):
        yield f"DRIFTS must map names to functions of (X, severity, rng), is {drifts!r:.60}"
        return
    for name, function in drifts.items():
        try:
            inspect.signature(function).bind("X", 0.5, "rng")
        except (TypeError, ValueError) as error:
            yield f"DRIFTS[{name!r:.40}] cannot be called as (X, severity, rng): {error}"


def _steps(case: UseCase) -> Iterator[str]:
    defined = vars(case.module)
    found: dict[str, Any] = {n: defined[n] for n in ("features", "teacher_input") if n in defined}
    others = case.SEARCH.get("features", {}) if isinstance(case.SEARCH, dict) else None
    if not isinstance(others, dict):
        yield 'SEARCH must be a dictionary; SEARCH["features"], name -> step of edgekit.signal'
        others = {}
    if "features" in others or "teacher_input" in others:
        yield 'SEARCH["features"] may not call a step features or teacher_input: those are taken'
    found |= {f'SEARCH["features"][{name!r}]': step for name, step in others.items()}
    wanted = vars(case.module).get("WINDOW")
    for name, step in found.items():
        shape = getattr(step, "shape", None)
        good = isinstance(shape, tuple) and len(shape) == 3 and all(map(_positive, shape))
        if not callable(step) or shape is None or not good:
            yield f"{name} must be a step of edgekit.signal, with a shape of three; is {step!r:.60}"
            continue
        if not callable(getattr(step, "c", None)):
            yield f"{name} has no method c: what a device cannot compute cannot be a network's input"
        samples = getattr(step, "full_window", getattr(step, "window", None))
        if shape[0] == 1 and isinstance(wanted, int) and samples not in (None, wanted):
            yield f"{name} takes windows of {samples} samples, WINDOW is {wanted}"
        rate = getattr(step, "rate", None)
        rate = float(rate) * getattr(step, "step_size", 1) if rate and _positive(rate) else 0.0
        if rate and _positive(case.RATE) and not math.isclose(rate, case.RATE, rel_tol=1e-6):
            yield f"{name} is made for {rate:g} Hz, RATE is {case.RATE:g}"


def _tables(case: UseCase) -> Iterator[str]:
    yield from _keys("WIDTHS", case.WIDTHS, ("sweep", "teacher", "student", "wide", "narrow"))
    if isinstance(case.WIDTHS, dict):
        for key, width in case.WIDTHS.items():
            whole = width if key == "sweep" else (width,)
            if not isinstance(whole, (tuple, list)) or not whole or not all(map(_count, whole)):
                yield f'WIDTHS["{key}"] must be {"widths" if key == "sweep" else "a width"}, is {width!r:.40}'
    if isinstance(case.SWEEP, dict) and "deals" in case.SWEEP:
        yield f"{OLD_SWEEP} is called {RENAMED[OLD_SWEEP]} now"
    else:
        yield from _keys("SWEEP", case.SWEEP, ("windows", "repeats", "seeds"))
    yield from _keys("FIT", case.FIT, PROFILES)
    for profile in PROFILES if isinstance(case.FIT, dict) else ():
        if profile not in case.FIT:
            continue
        yield from _keys(f'FIT["{profile}"]', case.FIT[profile], NETWORKS)
        for who in NETWORKS:
            how = case.FIT[profile].get(who) if isinstance(case.FIT[profile], dict) else None
            if how is not None:
                yield from _keys(f'FIT["{profile}"]["{who}"]', how, ("epochs", "copies", "rate"))


def _keys(name: str, value: object, wanted: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{name} must be a dictionary with {', '.join(wanted)}, is {value!r:.40}"
        return
    for key in wanted:
        if key not in value:
            yield f"{name} lacks {key!r}{_near(key, [k for k in value if k not in wanted])}"


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _axes(case: UseCase) -> Iterator[str]:
    for name in ("FEATURE_LABEL", "WAVE_LABEL"):
        if not isinstance(getattr(case, name), str):
            yield f"{name} must be a text, is {getattr(case, name)!r:.40}"
    axis = case.FEATURE_AXIS
    if not isinstance(axis, tuple) or len(axis) != 2 or not hasattr(axis[1], "__len__"):
        yield f"FEATURE_AXIS must be (label, values), is {axis!r:.60}"
    elif "features" in vars(case.module):
        shape = getattr(case.features, "shape", None)
        if isinstance(shape, tuple) and len(shape) == 3 and len(axis[1]) != shape[1]:
            yield f"FEATURE_AXIS has {len(axis[1])} values, features has {shape[1]} to draw"
    channels, many = case.CHANNELS, getattr(case.features, "channels", None)
    if not isinstance(channels, (tuple, list)) or not all(
        isinstance(c, (tuple, list)) and len(c) == 2 and all(isinstance(t, str) for t in c)
        for c in channels
    ):
        yield f"CHANNELS must be (name, unit) of each channel, is {channels!r:.60}"
    elif channels and many not in (None, len(channels)):
        yield f"CHANNELS names {len(channels)}, features takes {many}"
    named, shape = case.FEATURE_CHANNELS, getattr(case.features, "shape", None)
    if not isinstance(named, (tuple, list)) or not all(isinstance(n, str) for n in named):
        yield f"FEATURE_CHANNELS must be a text for each channel of features, is {named!r:.60}"
    elif named and isinstance(shape, tuple) and len(shape) == 3 and len(named) != shape[2]:
        yield f"FEATURE_CHANNELS names {len(named)}, features has {shape[2]} channels"
    if not isinstance(case.MARKS, dict) or not all(
        isinstance(m, dict) for m in case.MARKS.values()
    ):
        yield f"MARKS must map a domain ({' or '.join(DOMAINS)}) to {{name: position}}; {{}} for none"
    elif wrong := [d for d in case.MARKS if d not in DOMAINS]:
        yield f"MARKS has a domain {wrong[0]!r:.30}.{did_you_mean(wrong[0], DOMAINS)}"


CHECKS: tuple[Callable[[UseCase], Iterator[str]], ...] = (
    _classes, _values, _calls, _steps, _tables, _axes,
)  # fmt: skip
