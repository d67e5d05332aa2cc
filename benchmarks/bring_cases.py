"""Tables as people have them, by kind, each with what is right: `CASES`, name -> Case.

The samples are known, so what was read can be compared with them. `judge` reads a case as `edgekit new`
does and says what was understood.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from edgekit import bring
from edgekit.core.errors import EdgekitError

RATE, N = 50, 400
T = np.arange(N) / RATE
DAY0 = np.datetime64("2024-03-01T10:00:00.000", "ms")
NIGHT = np.datetime64("2024-05-01T23:59:57", "ms")
NOON = np.datetime64("2024-05-01T11:59:57", "ms")


def axes(seed: int, n: int = N) -> np.ndarray:
    """(n, 3) of a movement, four digits."""
    rng = np.random.default_rng(seed)
    t = np.arange(n) / RATE
    return (
        np.sin(2 * np.pi * (1 + seed % 2) * t[:, None] + [0, 1, 2]) + 0.1 * rng.normal(size=(n, 3))
    ).round(4)


def table(columns: dict[str, list], by: str = ",", head: bool = True, comma: bool = False) -> str:
    """Columns as text."""
    rows = zip(*columns.values(), strict=True)
    cells = [
        [str(c).replace(".", ",") if comma and not isinstance(c, str) else str(c) for c in r]
        for r in rows
    ]
    return "\n".join(by.join(r) for r in ([list(columns)] if head else []) + cells) + "\n"


def xyz(x: np.ndarray) -> dict[str, list]:
    return {name: x[:, k].tolist() for k, name in enumerate("xyz")}


@dataclass(frozen=True)
class Case:
    """`text`: (time, samples, number of the file) -> a file's text or bytes; a file for each of three
    takes of two classes, or one for all if `one`. Right is `rate`, `channels`, how many `groups` a class
    has, a word that is `said`, or an error that fits `refused`; `exact`: the samples come back."""

    text: Callable[[np.ndarray, np.ndarray, int], str | bytes]
    rate: float | None = RATE
    channels: tuple[str, ...] = ("x", "y", "z")
    groups: int = 3
    said: str = ""
    refused: str = ""
    exact: bool = True
    options: dict = field(default_factory=dict)
    one: bool = False
    suffix: str = ".csv"
    classes: tuple[str, ...] = ("idle", "run")


def clock(stamps: Callable[[np.ndarray], list], name: str = "time", **more) -> Case:
    return Case(lambda t, x, i: table({name: stamps(t), **xyz(x)}), **more)


def iso(t: np.ndarray, day0: np.datetime64 = DAY0) -> np.ndarray:
    return day0 + np.round(1000 * t).astype("timedelta64[ms]")


def text_of(stamps: np.ndarray, form: str) -> list[str]:
    import pandas as pd

    made = pd.DatetimeIndex(stamps).strftime(form)
    return [m[:-3] if form.endswith("%f") else re.sub(r"(\.\d{3})\d{3}", r"\1", m) for m in made]


def plain(change: Callable[[str], str | bytes] = str, **more) -> Case:
    return Case(lambda t, x, i: change(table({"t_s": t.tolist(), **xyz(x)})), **more)


def headless(above: str) -> Case:
    return Case(lambda t, x, i: above + table({"t": t.tolist(), **xyz(x)}, head=False))


def since(start: int, unit: float):
    return lambda t: (start + np.round(t / unit).astype(np.int64)).tolist()


def arrows(t: np.ndarray, x: np.ndarray, i: int) -> str:
    stamps = text_of(iso(t), "%H:%M:%S.%f")
    return "".join(f"{s} -> {a},{b},{c}\n" for s, (a, b, c) in zip(stamps, x, strict=True))


def upper(t: np.ndarray, x: np.ndarray, i: int) -> str:
    return table({"t_s": t.tolist(), **xyz(x)}).replace("x,y,z", "X,Y,Z" if i == 1 else "x,y,z")


def two_columns(t: np.ndarray, x: np.ndarray, i: int) -> str:
    date, time = text_of(iso(t), "%d.%m.%Y"), text_of(iso(t), "%H:%M:%S.%f")
    return table({"date": date, "time": time, **xyz(x)})


def three_columns(t: np.ndarray, x: np.ndarray, i: int) -> str:
    """As a PLC writes it: date, time in whole seconds, milliseconds."""
    date, time = text_of(iso(t), "%d.%m.%Y"), text_of(iso(t), "%H:%M:%S")
    ms = (np.round(1000 * t).astype(int) % 1000).tolist()
    return table({"Date": date, "Time": time, "ms": ms, **xyz(x)})


def two_clocks(t: np.ndarray, x: np.ndarray, i: int) -> str:
    return table({"timestamp": [f"{1.7e9 + v:.3f}" for v in t], "elapsed": t.tolist(), **xyz(x)})


def minutes(t: np.ndarray) -> list[str]:
    return [f"{int(v // 60) % 60:02}:{v % 60:04.1f}" for v in t]


def with_column(name: str, values: Callable[[np.ndarray, int], list], **more) -> Case:
    return Case(lambda t, x, i: table({"t_s": t.tolist(), **xyz(x), name: values(t, i)}), **more)


def identity(name: str, words: list) -> Case:
    """One file, three of somebody, each twice."""

    def text(t, x, i):
        n = len(t) // 6
        labels = np.repeat(["idle", "run"] * 3, n).tolist()
        who = np.repeat(words, 2 * n).tolist()
        return table({"t_s": t[: 6 * n].tolist(), name: who, "activity": labels, **xyz(x[: 6 * n])})

    return Case(text, one=True, exact=False)


def wrap(t: np.ndarray) -> list[int]:
    return ((2**32 - 3_000_000 + np.round(1e6 * t).astype(np.int64)) % 2**32).tolist()


def reboot(t: np.ndarray) -> list[int]:
    ms = np.round(1000 * t).astype(int) + 500_000
    return np.where(np.arange(len(t)) < len(t) // 2, ms, ms - ms[len(t) // 2]).tolist()


def one_missing(t: np.ndarray) -> list[str]:
    return [f"{v:.3f}" if k != 77 else "" for k, v in enumerate(t)]


def backward(t: np.ndarray, x: np.ndarray, i: int) -> str:
    return table({"t": t[::-1].tolist(), **xyz(x[::-1])})


def shuffled(t: np.ndarray, x: np.ndarray, i: int) -> str:
    order = np.concatenate([np.arange(0, len(t), 2), np.arange(1, len(t), 2)])
    return table({"t": t[order].tolist(), **xyz(x[order])})


def long_form(t: np.ndarray, x: np.ndarray, i: int) -> str:
    rows = [f"{v:.3f},{n},{x[k, c]}" for k, v in enumerate(t) for c, n in enumerate("xyz")]
    return "\n".join(["time,sensor,value", *rows]) + "\n"


def german_thousands(t: np.ndarray, x: np.ndarray, i: int) -> str:
    cells = [f"{1000 * v + 1500:,.2f}".translate(str.maketrans(",.", ".,")) for v in x[:, 0]]
    return table({"Zeit": [f"{v:.3f}".replace(".", ",") for v in t], "druck": cells}, by=";")


def apart(mark: str, by: str = ";", decimal: str = ".") -> Case:
    def text(t, x, i):
        cells = [f"{1000 * v + 1500:,.2f}".replace(",", mark) for v in x[:, 0]]
        return table({"t_s": [f"{v:.3f}" for v in t], "p": cells}, by=by)

    return Case(text, channels=("p",), exact=False)


def repeated(t: np.ndarray, x: np.ndarray, i: int) -> str:
    lines = table({"t_s": t.tolist(), **xyz(x)}).splitlines()
    return "\n".join([*lines[:200], lines[0], *lines[200:]]) + "\n"


def broken_lines(t: np.ndarray, x: np.ndarray, i: int) -> str:
    return table({"t_s": t.tolist(), **xyz(x), "note": ['"two\nlines"'] * len(t)})


def multirate(t: np.ndarray, x: np.ndarray, i: int) -> str:
    return table(
        {"t_s": t.tolist(), "hr": ["80" if k % 25 == 0 else "" for k in range(len(t))], **xyz(x)}
    )


def wristband(t: np.ndarray, x: np.ndarray, i: int) -> str:
    rows = [", ".join([f"{v:.6f}"] * 3) for v in (1.544e9 + 1000 * i, 32)]
    return "\n".join([*rows, *(",".join(map(str, r)) for r in x)]) + "\n"


def alternating(t: np.ndarray, x: np.ndarray, i: int) -> str:
    labels = np.repeat(["idle", "run"] * 6, len(t) // 12).tolist()
    n = len(labels)
    return table({"t_s": t[:n].tolist(), **xyz(x[:n]), "label": labels})


CASES: dict[str, Case] = {
    # clocks
    "nanoseconds since boot": clock(since(328_551_511_918_592, 1e-9), "timestamp"),
    "nanoseconds since an hour": clock(since(3_600_000_000_000, 1e-9)),
    "microseconds, named": clock(since(0, 1e-6), "micros"),
    "milliseconds since boot": clock(since(81_234, 1e-3)),
    "epoch in nanoseconds": clock(since(1_709_287_200_000_000_000, 1e-9)),
    "epoch in seconds": clock(lambda t: [f"{1_709_287_200 + v:.3f}" for v in t]),
    "mm:ss.f": clock(lambda t: minutes(5 * t), rate=10),
    "mm:ss.f over the hour": clock(lambda t: minutes(3590 + 5 * t), rate=10),
    "a spreadsheet's days": clock(
        lambda t: [f"{45352.4166666667 + v / 86400:.10f}" for v in t], "Date"
    ),
    "day first": clock(lambda t: text_of(iso(t), "%d.%m.%Y %H:%M:%S.%f")),
    "US dates across midnight": clock(lambda t: text_of(iso(t, NIGHT), "%m/%d/%Y %H:%M:%S.%f")),
    "AM and PM": clock(lambda t: text_of(iso(t, NOON), "%m/%d/%Y %I:%M:%S.%f %p")),
    "time of day over midnight": clock(lambda t: text_of(iso(t, NIGHT), "%H:%M:%S.%f")),
    "dots in the time of day": clock(
        lambda t: text_of(iso(t), "%Y-%m-%dT%H.%M.%S.%f"), "timestamp (+0100)"
    ),
    "date and time in two columns": Case(two_columns),
    "milliseconds in a third column": Case(three_columns, said="milliseconds of the clock"),
    "steps of 10 ms": clock(since(0, 1e-2), "Time [10ms]"),
    "a second clock": Case(two_clocks),
    "micros() begins anew": clock(wrap, "micros"),
    "a reboot": clock(reboot, "millis", exact=False),
    "from last to first": Case(backward),
    "rows out of order": Case(shuffled),
    "an empty stamp": clock(one_missing),
    "whole seconds": clock(lambda t: (1_709_287_200 + t.astype(int)).tolist()),
    "an absurd rate": clock(since(0, 1e-6), "time_s", refused="--time-unit"),
    "an absurd rate, and --rate": clock(since(0, 1e-6), "time_s", options={"rate": 50.0}),
    "no clock at all": Case(lambda t, x, i: table(xyz(x)), refused="say --rate"),
    # who and what, and what only counts
    "participant_id": identity("participant_id", ["anna", "ben", "cleo"]),
    "PatientNo": identity("PatientNo", [1, 2, 3]),
    "Subject #": identity("Subject #", [11, 12, 13]),
    "deviceID, long": identity("deviceID", [2023100100000001, 2023100100000002, 2023100100000003]),
    "volunteer": identity("volunteer", ["v1", "v2", "v3"]),
    "bearing": identity("bearing", ["B1", "B2", "B3"]),
    "a row counter": with_column("seq", lambda t, i: list(range(7, 7 + len(t)))),
    "a counter that begins anew": with_column(
        "packet", lambda t, i: [k % 256 for k in range(len(t))]
    ),
    "a number of nobody knows whom": with_column(
        "kennziffer", lambda t, i: [40 + i] * len(t), said="NO channel"
    ),
    # columns that look like something else
    "y in counts": Case(
        lambda t, x, i: table({"t_s": t.tolist(), **xyz(np.round(20 * x).astype(int))}), exact=False
    ),
    "a status in class folders": with_column(
        "status", lambda t, i: [int(k % 90 == 7) for k in range(len(t))], said="status"
    ),
    "motor is its current": with_column(
        "motor",
        lambda t, i: (1 + np.sin(t)).round(3).tolist(),
        channels=("x", "y", "z", "motor"),
        exact=False,
    ),
    "t is a temperature": with_column(
        "t",
        lambda t, i: (20 + np.sin(t)).round(3).tolist(),
        channels=("x", "y", "z", "t"),
        exact=False,
    ),
    "a slower column": Case(multirate, channels=("hr", "x", "y", "z"), exact=False),
    "a slower column, not chosen": Case(multirate, options={"channels": "x,y,z"}),
    "long form": Case(long_form),
    "labels alternate in one file": Case(
        alternating, one=True, exact=False, groups=6, said="OPTIMISTIC"
    ),
    # notation and form
    "German thousands": Case(german_thousands, channels=("druck",), exact=False),
    "Swiss thousands": apart("'"),
    "English thousands": apart(","),
    "a typographer's minus": plain(lambda s: s.replace("-", "\u2212")),
    "a header in the middle": Case(repeated, exact=False),
    "line breaks in quotes": Case(broken_lines),
    "single quotes": headless("'Elapsed time','x','y','z'\n'seconds','mV','mV','mV'\n"),
    "UTF-16 without a mark": plain(lambda s: s.encode("utf-16-le")),
    "a header in a comment": headless("# t_s,x,y,z\n"),
    "serial monitor": Case(arrows, channels=("ch1", "ch2", "ch3")),
    "serial plotter": Case(
        lambda t, x, i: "".join(f"x:{r[0]} y:{r[1]} z:{r[2]}\n" for r in x), options={"rate": 50.0}
    ),
    "a wristband": Case(wristband, rate=32, channels=("ch1", "ch2", "ch3")),
    "records that end in ;": plain(lambda s: s.replace("\n", ";\n")),
    "X, Y, Z here and x, y, z there": Case(upper),
}


def make(case: Case, root: Path) -> dict[str, np.ndarray]:
    """Write the case's files; file -> the samples that are in it."""
    written = {}
    takes = (
        [("log", 0)] if case.one else [(label, i) for label in ("idle", "run") for i in range(3)]
    )
    for label, i in takes:
        n = 8 * N if case.one else N
        x = axes(2 * i + (label == "run"), n)
        name = f"log{case.suffix}" if case.one else f"{label}/{label}_{i}{case.suffix}"
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = case.text(np.arange(n) / RATE, x, i)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        written[name] = x
    return written


def judge(case: Case, root: Path) -> tuple[str, bool]:
    """What was understood of the case, and whether it is right."""
    samples = make(case, root)
    options = bring.Options(**case.options)
    try:
        plan = bring.infer_plan(bring.read(root, wanted=bring.wanted(options)), options)
    except EdgekitError as error:
        line = " ".join(str(error).replace(f"{root}", "").split())
        return f"refused: {line[:70]}", bool(case.refused) and case.refused in str(error)
    groups = {len(plan.groups(c)) for c in plan.classes}
    told = f"{plan.rate:g} Hz, {','.join(plan.channels)}, groups {sorted(groups)}"
    right = (
        not case.refused
        and plan.classes == case.classes
        and abs(plan.rate / case.rate - 1) < 1e-3
        and plan.channels == case.channels
        and groups == {case.groups}
        and case.said in " ".join([*plan.warnings, *(n for r in plan.used for n in r.notes)])
    )
    if right and case.exact:
        right = len(plan.used) == len(samples) and all(
            r.samples.shape == samples[r.path].shape
            and bool(np.allclose(r.samples, samples[r.path], atol=1e-4))
            for r in plan.used
        )
        told += "" if right else ", samples differ"
    return told, right
