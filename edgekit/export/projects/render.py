"""Fill in the templates: `@word@` becomes a value, in a file's text and in its name."""

from __future__ import annotations

import re
import textwrap
from importlib import resources

import numpy as np

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.export.source import Source
from edgekit.operators.layer import literal
from edgekit.signal.source import FeatureCode

VECTORS = 8  # golden vectors at most,
VECTOR_BYTES = 32 << 10  # and this much flash for them

# kind -> {RTOS its task can run on, first choice first: the board its README names unless told}
KINDS = {
    "cmake": {"bare": "", "freertos": "", "threadx": ""},
    "zephyr": {"zephyr": "nucleo_l4r5zi"},
    "esp-idf": {"freertos": "esp32s3"},
    "arduino": {"bare": ""},
    "platformio": {"bare": "nordicnrf52/nano33ble", "freertos": "espressif32/esp32dev"},
}
START = "call `{name}_start(priority of your control loop)`"
# rtos -> (its name, the CMake target that brings it, how the glue is used, which interrupts may call it)
RTOS = {
    "bare": (
        "bare metal",
        "",
        "call `{name}_background()` from main",
        "any, for it calls no RTOS.",
    ),
    "freertos": (
        "FreeRTOS",
        "freertos_kernel",
        START,
        "on a Cortex-M its priority number must be configMAX_SYSCALL_INTERRUPT_PRIORITY or larger (less"
        " urgent); on an ESP32, level 1 to 3.",
    ),
    "zephyr": ("Zephyr", "", START, "not one that is connected with IRQ_ZERO_LATENCY."),
    "threadx": (
        "ThreadX",
        "threadx",
        START,
        "any that ThreadX masks; where the port is built with TX_PORT_USE_BASEPRI, its priority number"
        " must be TX_PORT_BASEPRI or larger (less urgent).",
    ),
}


def render(
    source: Source, project: str, kind: str, golden, features, board, rtos, window, sample_scale
) -> dict[str, bytes]:
    """The project's files, path -> content. Arguments as of `projects.write`."""
    systems = KINDS[kind]
    rtos = rtos or next(iter(systems))
    if rtos not in systems:
        if rtos in RTOS:
            raise EdgekitError(
                f"a {kind} project's task runs on {' or '.join(systems)}, not on {rtos}"
            )
        raise EdgekitError(f"unknown RTOS {rtos!r}.{did_you_mean(rtos, RTOS)}")
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", project):
        raise EdgekitError(
            f"{project!r} is no name for a project's folder: use letters, digits, - and _"
        )
    board = board or systems[rtos]
    if not re.fullmatch(r"[A-Za-z0-9_./@-]*", board):
        raise EdgekitError(f"{board!r} is no board's name")
    platform, _, board_id = board.rpartition("/") if kind == "platformio" else ("", "", board)
    if kind == "platformio" and not platform:
        raise EdgekitError(
            f'PlatformIO wants "platform/board", as in "{systems[rtos]}", not {board!r}'
        )

    fields = _fields(source, golden, features, window, sample_scale)
    name, (rtos_name, target, step, isr_rule) = source.name, RTOS[rtos]
    fields |= {
        "project": project,
        "board": board_id,
        "platform": platform,
        "board_text": f" on {board}" if board else "",
        "rtos_name": rtos_name,
        "rtos_step": f"{step.format(name=name)} and `{name}_sample_isr()` from the sampling interrupt"
        + ("." if rtos == "bare" else f", or `{name}_sample()` from a sampling thread."),
        "rtos_cmake": _text("rtos", "kernel.cmake" if target else "none.cmake").rstrip(),
        "rtos_target": target,
        "isr_text": textwrap.fill(f"Which interrupt may sample: {isr_rule}", 106),
        "isr_comment": textwrap.fill(
            f"/* From the sampling interrupt, which must be one that may call the RTOS: {isr_rule} */",
            106,
            subsequent_indent=" * ",
        ),
        "rtos_checked": "" if rtos == "bare" else _text("common", "rtos_checked.md"),
        "pio_text": f"\n{_text('common', 'pio_freertos.md').rstrip()}"
        if rtos == "freertos"
        else "",
        "sketch": _text("sketch", f"{rtos}.cpp") if kind in ("arduino", "platformio") else "",
        "rtos_declarations": _text("rtos", "loop.h" if rtos == "bare" else "threads.h"),
        "rtos_place": "in main, while the interrupts leave time"
        if rtos == "bare"
        else "a thread of low priority",
    }
    code = source.files | (features or {})
    templates = {f"src/{n}": _text("common", n) for n in _names("common") if n.startswith("@name@")}
    templates["src/@name@_rtos.h"] = _text("rtos", "@name@_rtos.h")
    templates["src/@name@_rtos.c"] = _text("rtos", f"{rtos}.c")
    glue = f"src/{name}_rtos.c"
    files = {fill(path, fields): fill(text, fields) for path, text in templates.items()}
    for n, text in code.items():
        if f"src/{n}" in files:
            raise EdgekitError(f"two files of the project would be called {n!r}")
        files[f"src/{n}"] = text
    sources = sorted(f for f in files if f.endswith(".c") and f != glue)
    indent = {"cmake": "  ", "zephyr": "    ", "esp-idf": "    "}.get(kind, "")
    fields["sources"] = f"\n{indent}".join(sources)
    for path in _names(kind):
        text = _text(kind, path) + (_text("common", "README.md") if path == "README.md" else "")
        files[fill(path, fields)] = fill(text, fields)
    return {path: text.encode() for path, text in files.items()}


def _fields(source: Source, golden, features, window, sample_scale) -> dict[str, str]:
    graph, name = source.graph, source.name
    ends = [graph.tensors[i] for i in (*graph.inputs, *graph.outputs)]
    if len(ends) != 2 or any(t.dtype != np.int8 for t in ends):
        raise EdgekitError("a project needs a model with one int8 input and one int8 output")
    x, y = ends
    X, Y = _golden(golden, x, y)
    sensing = _sensing(name, x.size, features, window, sample_scale)
    data = sum(len(t) for n, t in (features or {}).items() if n.endswith(".c"))
    ram = source.plan.size + 12 * int(sensing["window"]) + int(sensing["work"])
    return sensing | {
        "name": name,
        "NAME": name.upper(),
        "outputs": str(y.size),
        "golden": str(len(X)),
        "golden_inputs": _rows(X),
        "golden_outputs": _rows(Y),
        "macs": f"{source.macs:,}",
        "weights": f"{source.weight_bytes:,}",
        "arena": f"{source.plan.size:,}",
        "flash_kb": str(_power(source.weight_bytes + X.nbytes + Y.nbytes + data + (64 << 10), 512)),
        "ram_kb": str(_power(ram + (32 << 10), 64)),
    }


def _sensing(
    name: str, inputs: int, features: FeatureCode | None, window, sample_scale
) -> dict[str, str]:
    """What stands between the samples and the model's input, and how many samples it takes."""
    scale = 1 / 32768 if sample_scale is None else float(sample_scale)
    if not (np.isfinite(scale) and scale > 0):
        raise EdgekitError(f"sample_scale is {scale}; it must be positive")
    fields = {
        "sample_scale": literal(scale),
        "scale_define": _text("common", "scale.h"),
        "scale_text": "Set `@NAME@_SAMPLE_SCALE` to what one count of your converter is in the model's unit.",
        "prepare": _text("common", "prepare_raw.c"),
        "features_include": "",
        "features_row": "",
        "work": "0",
    }
    if features:
        _check_features(name, features)
        window = features.window if window is None else window
        names = ", ".join(f"`{n}`" for n in features)
        fields |= {
            "prepare": _text("common", "prepare_features.c"),
            "features_include": f'#include "{name}_features.h"\n',
            "features_row": f"| {names} | features in C: samples in, the model's input out |\n",
            "work": str(features.work_bytes),
        }
        if "input_uint8" in features.functions:
            fields |= {
                "prepare": _text("common", "prepare_grey.c"),
                "scale_define": "",
                "scale_text": "Samples are the camera's grey values, 0 to 255, line by line.",
            }
        elif features.sensitivity is not None:
            given = features.sensitivity
            if sample_scale is not None and np.float32(given) != np.float32(scale):
                raise EdgekitError(
                    f"sample_scale is {scale} and the features' sensitivity is {given}"
                )
            fields |= {
                "prepare": _text("common", "prepare_counts.c"),
                "scale_define": "",
                "scale_text": f"`@NAME@_SENSITIVITY` in `{name}_features.h` is what one count stands for.",
            }
    elif window not in (None, inputs):
        raise EdgekitError(
            f"without features the window is the model's input: {inputs} samples, not {window}"
        )
    window = inputs if window is None else int(window)
    if not 1 <= window <= 1 << 20:
        raise EdgekitError(f"a window of {window} samples")
    return fields | {"window": str(window)}


def _check_features(name: str, features: FeatureCode) -> None:
    """Raises EdgekitError where the task would call what is not there."""
    if not isinstance(features, FeatureCode):
        raise EdgekitError("features in C are given as signal.FeatureCode(files, window)")
    for function in ("features", "quantize"):
        if function not in features.functions:
            raise EdgekitError(f"the features' C files lack {name}_{function}()")
    if f"{name}_features.h" not in features:
        raise EdgekitError(f"the features' C files lack {name}_features.h")


def _golden(golden, x, y) -> tuple[np.ndarray, np.ndarray]:
    """A few vectors, evenly picked: (n, input size) and (n, output size)."""
    X, Y = (np.asarray(a) for a in golden)
    for a, t, what in ((X, x, "inputs"), (Y, y, "outputs")):
        if a.dtype != np.int8 or not len(a) or a[0].size != t.size:
            raise EdgekitError(
                f"golden {what} {a.dtype}{list(a.shape)} do not fit {t}: int8, one row each"
            )
    if len(X) != len(Y):
        raise EdgekitError(f"{len(X)} golden inputs and {len(Y)} golden outputs")
    count = min(len(X), VECTORS, max(1, VECTOR_BYTES // (x.size + y.size)))
    picked = np.linspace(0, len(X) - 1, count).round().astype(int)
    return X[picked].reshape(count, -1), Y[picked].reshape(count, -1)


def _rows(a: np.ndarray) -> str:
    """C initializers of a (n, m) array, 24 numbers a line."""
    rows = []
    for row in a.tolist():
        lines = [", ".join(map(str, row[i : i + 24])) for i in range(0, len(row), 24)]
        rows.append("    {" + ",\n     ".join(lines) + "}")
    return ",\n".join(rows)


def _power(nbytes: int, least: int) -> int:
    """KiB, a power of two, enough for `nbytes`."""
    while least << 10 < nbytes:
        least *= 2
    return least


def fill(text: str, fields: dict[str, str]) -> str:
    """Replace `@word@`; a word that is not known stays (it is not ours: an e-mail address, say)."""
    for _ in range(3):  # a value may hold placeholders itself
        text = re.sub(r"@(\w+)@", lambda m: fields.get(m[1], m[0]), text)
    return text


def _templates(kind: str):
    return resources.files(__package__).joinpath("templates", kind)


def _names(kind: str, at=None, prefix: str = "") -> list[str]:
    """Paths of a kind's templates, sub-folders included, in order."""
    names = []
    for entry in sorted((at or _templates(kind)).iterdir(), key=lambda e: e.name):
        if entry.is_dir():
            names += _names(kind, entry, f"{prefix}{entry.name}/")
        elif not entry.name.startswith("."):
            names.append(prefix + entry.name)
    return names


def _text(kind: str, path: str) -> str:
    return _templates(kind).joinpath(*path.split("/")).read_text(encoding="utf-8")
