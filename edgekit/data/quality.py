"""What is wrong with recordings, said before anything is learned from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data import compare, detect
from edgekit.data.recordings import Recording

if TYPE_CHECKING:
    import pandas as pd

SHORTEST = 0.5  # seconds of a recording, where nobody says how long a window is
CLIPPED = 0.001, 0.05  # share of samples stuck at an extreme: suspect from, refused from
FLAT = 0.001, 0.20  # share of samples in flat runs
OFFSET = 1.0  # mean over spread that is suspect; below, it is only noted from a twentieth on
JITTER = 0.15  # spread of the intervals between samples, over the interval
COLUMNS = (
    "label", "group", "rate", "seconds", "nonfinite", "clipped", "flat", "offset", "constant", "gaps",
    "max_correlation", "verdict", "reason",
)  # fmt: skip


class RecordingList(list):
    """A list of recordings that also knows which files are not in it: `unreadable`, {file: why}."""

    def __init__(self, recordings=(), unreadable: dict[str, str] | None = None):
        super().__init__(recordings)
        self.unreadable = dict(unreadable or {})


def inspect(
    recordings: list[Recording], rate: float, shortest: float | None = None
) -> pd.DataFrame:
    """One row a recording, indexed by name; `rate` (Hz) is the one the windows will have.

    Columns: label, group, rate (Hz), seconds, nonfinite (samples), clipped and flat (share of
    samples), offset (mean over spread, the worst channel), constant (channels), gaps (in time, where
    the file had time stamps), alike (largest correlation with another recording), verdict and reason.
    `refused` cannot be learned from (no stretch of finite samples or no recording of `shortest` seconds,
    constant, largely flat or clipped, a copy); `suspect` deserves a look (gaps, swapped axes, a doubtful
    rate, …); the reason of an `ok` may still hold a note. Files that were not read at all
    (`RecordingList.unreadable`) come last, refused. Pictures have frozen and blank frames instead of
    flat and constant channels. Raises EdgekitError when there is nothing to inspect or two recordings
    share a name.
    """
    import pandas as pd

    if not recordings:
        raise EdgekitError("there are no recordings to inspect; run 01_collect or check the folder")
    names = [r.name for r in recordings]
    if len(set(names)) < len(names):
        twice = next(n for n in names if names.count(n) > 1)
        raise EdgekitError(f"two recordings are called {twice!r}; give each its own name")
    if not any(np.isfinite(r.samples).any() for r in recordings):
        raise EdgekitError(
            "no recording holds a single finite sample; the data is empty or all NaN"
        )
    rows = [_measure(r) for r in recordings]
    least = [_least(r, shortest) for r in recordings]
    copies = compare.copies(recordings)
    alike = compare.alike(recordings, rate, min(least), copies)
    sound = [i for i, row in enumerate(rows) if not row["nonfinite"] and row["seconds"] > 0]
    doubts: dict[int, list[str]] = {}
    for found in (compare.swapped, compare.wrong_rate):
        for i, text in found([recordings[i] for i in sound]).items():
            doubts.setdefault(sound[i], []).append(text)
    telling = _rate_predicts_class(recordings)
    # gravity, 20 °C: where most recordings stand off zero, it is no fault of one
    usual = sorted(row["offset"] for row in rows)[(len(rows) - 1) // 2]
    for i, (recording, row) in enumerate(zip(recordings, rows, strict=True)):
        row["max_correlation"] = alike[i][0]
        findings = _judge(recording, row, rate, least[i], telling, usual)
        findings += [("suspect", text) for text in doubts.get(i, [])]
        if i in copies:
            other = recordings[copies[i]]
            contrary = "" if other.label == recording.label else ", labelled otherwise"
            findings.append(("refused", f"identical to {other.name}{contrary}"))
            row["max_correlation"] = 1.0
        elif alike[i][0] >= compare.ALIKE:
            like = recordings[alike[i][1]].name
            findings.append(("suspect", f"nearly a copy of {like} ({alike[i][0]:.2f} correlated)"))
        worst = [v for v, _ in findings]
        row["verdict"] = next((v for v in ("refused", "suspect") if v in worst), "ok")
        row["reason"] = "; ".join(reason for _, reason in findings)
    for name, why in getattr(recordings, "unreadable", {}).items():
        names.append(name)
        rows.append({"verdict": "refused", "reason": f"not read: {why}"})
    return pd.DataFrame(rows, index=pd.Index(names, name="recording"), columns=list(COLUMNS))


def refusal_reason(recording: Recording) -> str:
    """Why `inspect` refuses a recording whatever the others are and however long a window will be; "": it
    does not. `edgekit new` asks too, so that what it accepts is not refused later."""
    found = _judge(recording, _measure(recording), recording.rate, 0.0, False, 0.0)
    return "; ".join(reason for verdict, reason in found if verdict == "refused")


def keep(recordings: list[Recording], report: pd.DataFrame) -> list[Recording]:
    """The recordings that `inspect` did not refuse; prints the count and each refusal.

    Raises EdgekitError when none is left, or when the report is of other recordings.
    """
    unreadable = list(getattr(recordings, "unreadable", {}))
    if [r.name for r in recordings] + unreadable != list(report.index):
        raise EdgekitError("the report is of other recordings; inspect() these again")
    refused = report[report["verdict"] == "refused"]
    left = [r for r in recordings if r.name not in refused.index]
    suspect = int((report["verdict"] == "suspect").sum())
    print(f"kept {len(left)} of {len(report)} recordings, {suspect} of them suspect")
    for name, reason in refused["reason"].items():
        print(f"  refused {name}: {reason}")
    if not left:
        raise EdgekitError(f"every recording was refused ({refused['reason'].iloc[0]}, …)")
    return left


def summary(report: pd.DataFrame) -> pd.DataFrame:
    """How many recordings each finding concerns: verdict, recordings, for example. Most severe first."""
    import pandas as pd

    rows: dict[tuple[str, str], list[str]] = {}
    for name, row in report.iterrows():
        for reason in filter(None, str(row["reason"]).split("; ")):
            rows.setdefault((row["verdict"], _kind(reason)), []).append(name)
        if not row["reason"]:
            rows.setdefault(("ok", "nothing found"), []).append(name)
    order = ("refused", "suspect", "ok")
    table = [
        {"verdict": v, "finding": k, "recordings": len(n), "for example": n[0]}
        for (v, k), n in sorted(rows.items(), key=lambda i: (order.index(i[0][0]), -len(i[1])))
    ]
    return pd.DataFrame(table, columns=["verdict", "finding", "recordings", "for example"])


def _least(recording: Recording, shortest: float | None) -> float:
    """Seconds that a recording must have: as asked, else its window where `edgekit new` chose one."""
    window = recording.meta.get("window_seconds")
    if shortest is None and isinstance(window, (int, float)) and window > 0:
        return float(window)
    return SHORTEST if shortest is None else shortest


def _kind(reason: str) -> str:
    """A finding without its numbers and names."""
    import re

    kinds = (
        "identical to",
        "nearly a copy of",
        "not read",
        "its spectrum fits",
        "channels seem to be swapped",
    )
    return next(
        (k for k in kinds if reason.startswith(k)), re.sub(r"[\d.,]+%?", "…", reason).strip()
    )


def _rate_predicts_class(recordings) -> bool:
    """Whether the rate goes with the class, so that a classifier could learn it."""
    rates_of = {
        label: frozenset(r.rate for r in recordings if r.label == label)
        for label in {r.label for r in recordings}
    }
    return len(set(rates_of.values())) > 1


def _measure(recording: Recording) -> dict:
    x = recording.samples
    row = {
        "label": recording.label,
        "group": recording.group,
        "rate": recording.rate,
        "seconds": len(x) / recording.rate if recording.rate > 0 else float("nan"),
        "gaps": len(recording.meta.get("gaps", ())),
    }
    if x.ndim == 3:
        seen = detect.frames(x)
        return row | {
            "nonfinite": 0,
            "clipped": seen["extreme"],
            "flat": seen["frozen"],
            "offset": 0.0,
            "constant": int(seen["blank"] > 0.5),
        }
    finite = np.isfinite(x)
    clean = np.where(finite, x, 0).astype(np.float64)
    n = max(len(x), 1)
    spread = clean.std(axis=0) if len(x) else np.zeros(x.shape[1])
    mean = clean.mean(axis=0) if len(x) else np.zeros(x.shape[1])
    moving = spread > 1e-6 * np.maximum(np.abs(mean), 1e-12)
    offset = float(np.max(np.abs(mean[moving]) / spread[moving])) if moving.any() else 0.0
    return row | {
        "nonfinite": int((~finite).sum()),
        "clipped": max((detect.clipped(c) for c in clean.T[moving]), default=0) / n,
        "flat": max((detect.stuck(c) for c in clean.T[moving]), default=0) / n,
        "offset": offset,
        "constant": int((~moving).sum()),
    }


def _judge(
    recording: Recording, row: dict, rate: float, shortest: float, telling: bool, usual
) -> list:
    """(verdict, reason) of each finding; an `ok` one is a note."""
    found = []
    images = recording.samples.ndim == 3

    def say(verdict: str, reason: str) -> None:
        found.append((verdict, reason))

    if not recording.rate > 0:
        say("refused", f"its rate of {recording.rate} Hz is impossible")
    elif images and not len(recording.samples):
        say("refused", "it holds no picture")
    elif not images and not row["seconds"] >= shortest * (1 - 1e-6):
        say("refused", f"too short: {row['seconds']:.2f} s of {shortest:g} s")
    if lost := row["nonfinite"]:
        longest = detect.longest_finite(recording.samples) / max(recording.rate, 1e-12)
        rest = "windows that hold one are left out"
        if longest < shortest:
            rest = f"no stretch of {shortest:g} s is without one"
        say(
            "suspect" if longest >= shortest else "refused",
            f"{lost:,} samples are NaN or infinite: {rest}",
        )
    if constant := row["constant"]:
        every = images or constant == len(recording.channels)
        what = "most pictures are blank" if images else f"{constant} constant channel(s)"
        say("refused" if every else "suspect", what)
    if images:
        if row["flat"] >= 0.05:
            say("suspect", f"{row['flat']:.1%} of the pictures repeat the one before (frozen)")
        if row["clipped"] >= 0.25:
            say("suspect", f"{row['clipped']:.0%} of the pixels are black or white (exposure)")
    else:
        found += _levels(row, usual)
    found += _time(recording, row)
    if block := recording.meta.get("block"):
        say("suspect", f"block {block} of one recording, counted as a group: scores will flatter")
    if 0 < recording.rate < rate:
        say("suspect", f"sampled at {recording.rate:,.0f} Hz, below the target {rate:,.0f} Hz")
    elif recording.rate > 0 and recording.rate != rate:
        why = ", and the classes differ in rate" if telling else ""
        say("ok", f"sampled at {recording.rate:,.0f} Hz{why}: resample() to {rate:,.0f} Hz first")
    return found


def _levels(row: dict, usual: float) -> list:
    """Findings about the values of a signal."""
    found = []
    for key, limits, what in (
        ("clipped", CLIPPED, "stuck at an extreme (clipping)"),
        ("flat", FLAT, "in flat runs (dropouts)"),
    ):
        if row[key] >= limits[0]:
            verdict = "refused" if row[key] >= limits[1] else "suspect"
            found.append((verdict, f"{row[key]:.1%} {what}"))
    if row["offset"] >= 0.05:
        verdict = "suspect" if row["offset"] > OFFSET and usual < OFFSET / 2 else "ok"
        found.append((verdict, f"DC offset of {row['offset']:.0%} of the spread: center() it"))
    return found


def _time(recording: Recording, row: dict) -> list:
    """Findings about time stamps, which the reader of a file left in `meta`."""
    found = []
    gaps = recording.meta.get("gaps", ())
    if gaps:
        lost = sum(float(seconds) for _, seconds in gaps)
        found.append(
            ("suspect", f"{len(gaps)} gaps in its file's time stamps, {lost:.3g} s: cut there")
        )
    jitter = recording.meta.get("jitter")
    if isinstance(jitter, float) and jitter > JITTER:
        found.append(("suspect", f"uneven time stamps, {jitter:.0%} jitter: put on an even grid"))
    return found
