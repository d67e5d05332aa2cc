"""The text of a new use case. What it says was counted in the files; what it guesses, it says so.

Names, labels and units are somebody else's words. They stand in `usecase.py` as literals and, in comments,
on one line; in `notes.md` escaped; in TOML as `tomli_w` writes them. `usecase` reads its own text again
before it hands it over.
"""

from __future__ import annotations

import ast
from collections import Counter
from importlib import resources

import numpy as np
import tomli_w

from edgekit.bring import preprocessing
from edgekit.bring.plan import Options, Plan
from edgekit.core import escape
from edgekit.data.recordings import Recording

WORLD = {  # whether there is a second one
    True: "The *field* is what --from gave, the *lab* what --lab gave.",
    False: "One world was recorded, so the *field* is these recordings, and the *lab* is a copy of them as\n"
    "another specimen of the sensor would have made it, simulated. Chapter 02 therefore asks whether\n"
    "the model survives a change of sensor, and nothing more. `--lab FOLDER` brings a second world.",
}
WORLDS = {
    True: "The **field** is what `--from` gave, the **lab** what `--lab` gave: two real worlds.",
    False: "Only one world was recorded. The **field** is these recordings; the **lab** is a copy of them "
    "as another specimen of the sensor would have made it: other gain, an offset, more noise, "
    "*simulated*.",
}
GAPS = {
    True: "The lab is a second set of recordings.",
    False: "The lab is a copy of the field by another sensor, simulated. What this chapter finds is how "
    "much a change of sensor costs and what mends it; a new machine, person or season may cost more. "
    "`edgekit new --lab FOLDER` brings a second world.",
}
QUESTION = "Which of {classes} is it?"
HARDWARE = {  # board, battery, link, sensor, why each
    "image": ("stm32u5", "18650", "wifi", "camera", "memory for pictures, and sleep between them",
              "one rechargeable cell; a camera empties anything smaller", "results only; pictures stay"),
    "sound": ("nrf5340", "lipo-500", "ble", "microphone", "a Cortex-M33 with DSP instructions, Bluetooth",
              "a small rechargeable cell", "to a phone or a gateway in the room"),
    "fast": ("stm32u5", "er14505", "lorawan-eu868-dr3", "vibration",
             "an ultra-low-power Cortex-M33 with DSP instructions", "a primary cell that lasts for years",
             "reaches through a building"),
    "motion": ("nrf52840", "lipo-500", "ble", "imu", "a Cortex-M4F with Bluetooth, the usual wearable",
               "a small rechargeable cell", "to a phone"),
    "slow": ("stm32l4", "2xaa-lithium", "lorawan-eu868-dr3", "", "a low-power Cortex-M4",
             "two cells that anybody can change", "a few bytes an hour, over kilometres"),
}  # fmt: skip
DUTY = {  # inferences an hour, sensor mW, sensor seconds an inference, MAC guess, years, mW
    "image": (60, 40, 0.2, 5_000_000, 0.5, 2.0),
    "sound": (360, 1.5, 1.0, 1_000_000, 0.05, 5.0),
    "fast": (6, 10, 1.0, 500_000, 3, 0.4),
    "motion": (1200, 1.0, 2.5, 200_000, 0.05, 5.0),
    "slow": (60, 0.05, 1.0, 50_000, 2, 0.4),
}


# ------------------------------------------------------------------------------------ usecase.py


FIT = """{{
    "quick": {{
        "teacher": {{"epochs": {et}, "copies": {copies}, "batch": {batch}, "rate": 0.004}},
        "student": {{"epochs": {es}, "copies": {copies}, "batch": {batch}, "rate": 0.01}},
    }},
    "full": {{
        "teacher": {{"epochs": {ft}, "copies": 2, "batch": {batch}, "rate": 0.004}},
        "student": {{"epochs": {fs}, "copies": 3, "batch": {batch}, "rate": 0.01}},
    }},
}}"""


def _text(name: str) -> str:
    return resources.files(__package__).joinpath("texts", f"{name}.txt").read_text(encoding="utf-8")


def fill(
    name: str, plan: Plan, made: list[Recording], question: str, second: bool
) -> dict[str, str]:
    """File name -> text of everything in the folder but the recordings."""
    return {
        "usecase.py": usecase(name, plan, made, second),
        "design.toml": design(name, plan, question),
        "notes.md": notes(name, plan, made, second),
    }


def usecase(name: str, plan: Plan, made: list[Recording], second: bool) -> str:
    image = plan.kind == "image"
    files = {f for r in made for f in r.meta.get("files", [r.meta["file"]])}
    how, (count, why_count) = preprocessing.steps(plan, made), preprocessing.sensitivity(plan, made)
    given = {
        "title": name, "name": name, "files": plural(len(files), "file"),
        "worlds": WORLD[second], "classes": _python(plan.classes), "normal": _python(plan.normal),
        "rate": _python(int(plan.rate) if plan.rate == int(plan.rate) else float(plan.rate)),
        "why_rate": escape.line(plan.why["rate"]),
        "sensitivity": count, "why_sensitivity": escape.line(why_count), **how,
        "resample": "" if image else "\nfrom edgekit.data import resample",
        "search": _search(how), "networks": _networks(plan), "window": _window(plan),
        "ranges": _ranges(plan, how),
        "axis": _axis(plan, made), "widths": _widths(plan), "fit": _fit(plan, made),
        "lab": "is a second set of them" if second else "is a copy by another sensor, simulated",
        "prepare": "recording" if image else "resample(recording, RATE)",
        "prepare_doc": "As it is." if image else "At RATE, behind a low-pass filter.",
        "windows": "bring.pictures(recordings, CLASSES, profile)" if image
        else "bring.windows(recordings, CLASSES, WINDOW, HOP, profile)",
        "windows_doc": f"{'Pictures' if image else 'Windows'}; the quick profile takes some of them.",
        "augment": "bring.augment_images(X, rng)" if image else "bring.augment_signals(X, rng)",
        "descriptor": "bring.block_statistics(X)" if image
        else 'features(X).reshape(len(X), -1).astype("float64")',
        "descriptor_doc": "Mean brightness and contrast of 8 × 8 fields, as a table." if image
        else "The features as a table.",
        "teacher_input_text": how.get("teacher_input_text", "the picture at its full size"),
    }  # fmt: skip
    text = _text("usecase").format(**given)
    _check(text, {"CLASSES": plan.classes, "NORMAL": plan.normal, "RATE": plan.rate})
    return text


def _check(text: str, meant: dict) -> None:
    """Whatever the words were, the file must say what was meant, and do nothing but define names.

    Raises ValueError, which nobody should ever see.
    """
    said = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            said[node.targets[0].id] = node.value
        elif not (
            isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.Assign)
            or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
        ):
            raise ValueError(f"line {node.lineno} of usecase.py is none of ours")
    for name, value in meant.items():
        if ast.literal_eval(said[name]) != value:
            raise ValueError(f"{name} in usecase.py is not what was meant")


def _python(value) -> str:
    """A literal, as ruff would write it."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_python, value))}{',' * (len(value) == 1)})"
    text = repr(value)
    swap = isinstance(value, str) and text[0] == "'" and '"' not in value
    return f'"{text[1:-1]}"' if swap else text


def _networks(plan: Plan) -> str:
    if plan.kind == "image":
        return (
            "from edgekit.learn.models import image_student as student\n"
            "from edgekit.learn.models import image_teacher as teacher"
        )
    teacher = (
        "from edgekit.learn.small_models import spectrum_teacher as teacher"
        if plan.kind == "sound"
        else "from edgekit.learn.models import teacher"
    )
    student = "from edgekit.learn.small_models import perceptron as student"
    return "\n".join(sorted([teacher, student]))


def _search(how: dict) -> str:
    rows = "".join(f'        "{name}": {step},\n' for name, step in how["cheaper"].items())
    return f'{{\n    "features": {{\n{rows}    }}\n}}' if rows else '{"features": {}}'


def _window(plan: Plan) -> str:
    if plan.kind == "image":
        return ""
    return (
        f"WINDOW = {plan.window}  # samples, {plan.seconds:.3g} s: {escape.line(plan.why['window'])}\n"
        f"HOP = {plan.hop}  # samples between windows: "
        f"{escape.line(plan.why.get('hop', 'as they were cut'))}\n"
    )


def _ranges(plan: Plan, how: dict) -> str:
    if plan.kind == "image":
        return ""
    return (
        f"# Ranges of {escape.line(', '.join(plan.channels))}, rounded up to 1, 2, 5: the sensor's, not "
        "fitted.\n"
        f"OFFSET = {how['offset']}\nSPAN = {how['span']}\n"
    )


def _axis(plan: Plan, made: list[Recording]) -> str:
    if plan.kind == "image":
        return (
            'FEATURE_AXIS = ("row (pixel)", range(features.shape[1]))\n'
            'FEATURE_LABEL = WAVE_LABEL = "grey level (-1 … 1)"'
        )
    wave = "power (log)" if plan.kind == "sound" else "samples (share of range)"
    return f'FEATURE_AXIS = features.axis\nFEATURE_LABEL = "relative (log)"\nWAVE_LABEL = "{wave}"'


def _widths(plan: Plan) -> str:
    if plan.kind == "image":
        return '{"sweep": (4, 8, 16), "teacher": 4, "student": 8, "wide": 32, "narrow": 2}'
    if plan.kind == "sound":
        return '{"sweep": (1, 2, 4, 8), "teacher": 2, "student": 4, "wide": 32, "narrow": 1}'
    return '{"sweep": (2, 4, 8, 16), "teacher": 8, "student": 4, "wide": 64, "narrow": 1}'


def _fit(plan: Plan, made: list[Recording]) -> str:
    """More epochs where there are few windows: about as many steps in all."""
    hop = max(1, plan.hop)
    count = sum(max(1, len(r.samples) * plan.rate / r.rate / hop) for r in made)
    few = float(np.clip(700 / max(count, 50), 1, 3))
    quick, full = round(7 * few), round(12 * few)
    copies = 1 if plan.kind in ("sound", "image") else 2  # a window of these takes longest
    batch = 16 if count < 500 else 32
    return FIT.format(
        et=quick, es=round(1.5 * quick), ft=full, fs=2 * full, copies=copies, batch=batch
    )


# ----------------------------------------------------------------------------------- design.toml


def design(name: str, plan: Plan, question: str) -> str:
    board, battery, link, sensor, *why = HARDWARE[plan.kind]
    per_hour, milliwatt, sense, macs, years, power = DUTY[plan.kind]
    image = plan.kind == "image"
    chance = 1 / len(plan.classes)
    floor = round(min(0.9, chance + 0.7 * (1 - chance)), 2)
    asked = question or QUESTION.format(classes=_listed(plan.classes))
    seconds = 1.0 if image else plan.seconds
    latency = 500 if image else int(min(1000, max(50, 1000 * seconds)))
    model = 65_536 if image else 16_384
    values = plan.used[0].samples[0].size if image else plan.window * len(plan.channels)
    return _text("design").format(
        name=name, use_case=_toml(name=name, title=_title(name), question=asked), latency=latency,
        why_latency="nobody waits longer for a picture" if image else "less than the window takes to record",
        flash=262_144 if image else 98_304, ram={"image": 393_216, "sound": 196_608}.get(plan.kind, 98_304),
        model=model, first=model + 512, update=model // 4,
        ram_why="the picture" if image else "the window of samples", years=years,
        why_years="until somebody charges or changes it", floor=floor, chance=chance, power=power,
        board=board, battery=battery, link=link, why_board=why[0], why_battery=why[1], why_link=why[2],
        s0=" " * max(1, 17 - len(board)), s1=" " * max(1, 15 - len(battery)), s2=" " * max(1, 18 - len(link)),
        sensor=sensor and f'sensor = "{sensor}"{" " * max(1, 16 - len(sensor))}# a guess from the rate\n',
        per_hour=per_hour, sensor_mw=milliwatt, sensor_s=round(max(sense, min(seconds, 60)), 2),
        seconds=seconds, macs=macs, window_bytes=values if image else 2 * values,
        why_window="a picture in grey" if image else "samples of 16 bits, of all channels",
    )  # fmt: skip


# -------------------------------------------------------------------------------- notes and card


def notes(name: str, plan: Plan, made: list[Recording], second: bool) -> str:
    rows, marked = [], escape.markdown
    for c in plan.classes:
        mine = [r for r in made if r.label == c]
        seconds = sum(r.seconds for r in mine)
        rows.append(
            f"| {marked(c)} | {len(mine)} | {len({r.group for r in mine})} | {seconds:,.0f} |"
        )
    lost = f"{plural(len(plan.excluded), 'file')} could not be used; the table of this chapter names each."
    raw = preprocessing.sensitivity(plan, made)[0] != "None"
    student_input_text = f"{plan.seconds:.3g} s of {plural(len(plan.channels), 'channel')}"
    return _text("notes").format(
        world=WORLDS[second],
        rows="\n".join(rows),
        label_from=marked(plan.label_from),
        group_from=marked(plan.group_from),
        rate=marked(plan.why["rate"]),
        loud="".join(f"\n> **Mind this.** {marked(s)}\n" for s in plan.warnings),
        excluded=f"\n{lost}\n" if plan.excluded else "",
        gap=GAPS[second],
        classes=_listed(tuple(map(marked, plan.classes))),
        student_input_text="pictures" if plan.kind == "image" else student_input_text,
        counts="Raw counts of an int16 sensor go in."
        if raw
        else "Samples go in as the sensor hands them over.",
        many=len(plan.classes),
    )


def card(name: str, plan: Plan, made: list[Recording], options: Options) -> str:
    licence = sorted({r.licence for r in made})
    seconds = sum(r.seconds for r in made)
    rates = sorted({round(float(r.rate), 3) for r in made})
    what = f"{plural(len(made), 'recording')} of {_listed(plan.classes)}, {seconds:,.0f} s in all."
    fields = {
        "title": _title(name),
        "what": what,
        "who": "not stated: write who recorded it, when and where",
        "licence": "; ".join(licence),
        "domain": "field",
        "labels": list(plan.classes),
        "channels": list(plan.channels),
        "rate_hz": [int(r) if r == int(r) else r for r in rates[:10]],
        "units": plan.unit or "not stated",
        "collection": "Brought with `edgekit new`. Labels from "
        f"{plan.label_from}, groups from {plan.group_from}.",
        "splits": "By group (`by_group`)"
        + (f"; {', '.join(plan.blocks)} cut into blocks" if plan.blocks else "")
        + ".",
        "intended_use": "not stated: write what the model may be used for, and what not",
        "flaws": [*plan.warnings, *_flaws(made)]
        or ["None was noticed; that is not to say there is none."],
    }
    return _toml(**fields)


def _flaws(made: list[Recording]) -> list[str]:
    """What readers noted, each once, with how many recordings it concerns."""
    counts = Counter(n for r in made for n in r.meta.get("notes", []))
    return [f"{text} ({plural(count, 'recording')})" for text, count in counts.most_common(12)]


def _toml(**fields) -> str:
    """Lines of TOML, with texts that UTF-8 can hold."""
    encodable = {
        k: [escape.encodable(v) if isinstance(v, str) else v for v in value]
        if isinstance(value, list)
        else escape.encodable(value)
        for k, value in fields.items()
    }
    return tomli_w.dumps(encodable)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def plural(n: int, what: str) -> str:
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def _listed(words) -> str:
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last
