"""What is wrong with recordings, said before anything is learned from them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from edgekit.data.recordings import Recording
from edgekit.errors import EdgekitError

if TYPE_CHECKING:
    import pandas as pd

FLAT_RUN = 16  # equal samples in a row that count as a dropout
CLIPPED = 0.001, 0.05  # share of samples stuck at an extreme: suspect from, refused from
FLAT = 0.001, 0.20  # share of samples in flat runs
OFFSET = 1.0  # mean over spread that is suspect; below, it is only noted from a twentieth on
ALIKE = 0.95  # normalized cross-correlation of two recordings that is suspect
LONGEST = 1 << 15  # samples of a recording that the comparison looks at


class Recordings(list):
    """A list of recordings that also knows which files are not in it: `unread`, {file: why}."""

    def __init__(self, recordings=(), unread: dict[str, str] | None = None):
        super().__init__(recordings)
        self.unread = dict(unread or {})


def inspect(recordings: list[Recording], rate: float, shortest: float = 0.5) -> pd.DataFrame:
    """One row a recording, indexed by name; `rate` (Hz) is the one the windows will have.

    Columns: label, group, rate (Hz), seconds, nonfinite (samples), clipped and flat (share of
    samples), offset (mean over spread, the worst channel), constant (channels), alike (largest
    correlation with another recording), verdict and reason. `refused` cannot be learned from
    (non-finite, constant, shorter than `shortest` seconds, largely flat or clipped, a copy);
    `suspect` deserves a look; the reason of an `ok` may still hold a note. Raises EdgekitError when
    there is nothing to inspect or two recordings share a name.
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
    copies = _copies(recordings)
    alike = _alike(recordings, rate, shortest, copies)
    rates_of = {
        label: {r.rate for r in recordings if r.label == label}
        for label in {r.label for r in recordings}
    }
    telling = len({frozenset(rates) for rates in rates_of.values()}) > 1
    for i, (recording, row) in enumerate(zip(recordings, rows, strict=True)):
        row["alike"] = alike[i][0]
        findings = _judge(recording, row, rate, shortest, telling)
        if i in copies:
            other = recordings[copies[i]]
            contrary = "" if other.label == recording.label else ", labelled otherwise"
            findings.append(("refused", f"identical to {other.name}{contrary}"))
            row["alike"] = 1.0
        elif alike[i][0] >= ALIKE:
            other = recordings[alike[i][1]].name
            findings.append(("suspect", f"nearly a copy of {other} ({alike[i][0]:.2f} correlated)"))
        worst = [v for v, _ in findings]
        row["verdict"] = next((v for v in ("refused", "suspect") if v in worst), "ok")
        row["reason"] = "; ".join(reason for _, reason in findings)
    for name, why in getattr(recordings, "unread", {}).items():
        names.append(name)
        rows.append({"verdict": "refused", "reason": f"left out: {why}"})
    return pd.DataFrame(rows, index=pd.Index(names, name="recording"))


def keep(recordings: list[Recording], report: pd.DataFrame) -> list[Recording]:
    """The recordings that `inspect` did not refuse; prints the count and each refusal.

    Raises EdgekitError when none is left, or when the report is of other recordings.
    """
    unread = list(getattr(recordings, "unread", {}))
    if [r.name for r in recordings] + unread != list(report.index):
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


def _measure(recording: Recording) -> dict:
    x = recording.samples
    finite = np.isfinite(x)
    clean = np.where(finite, x, 0).astype(np.float64)
    n = max(len(x), 1)
    spread = clean.std(axis=0) if len(x) else np.zeros(x.shape[1])
    mean = clean.mean(axis=0) if len(x) else np.zeros(x.shape[1])
    moving = spread > 1e-6 * np.maximum(np.abs(mean), 1e-12)
    offset = float(np.max(np.abs(mean[moving]) / spread[moving])) if moving.any() else 0.0
    return {
        "label": recording.label,
        "group": recording.group,
        "rate": recording.rate,
        "seconds": len(x) / recording.rate if recording.rate > 0 else float("nan"),
        "nonfinite": int((~finite).sum()),
        "clipped": max((_at_extremes(c) for c in clean.T[moving]), default=0) / n,
        "flat": max((_in_runs(c, FLAT_RUN) for c in clean.T[moving]), default=0) / n,
        "offset": offset,
        "constant": int((~moving).sum()),
    }


def _judge(recording: Recording, row: dict, rate: float, shortest: float, telling: bool) -> list:
    """(verdict, reason) of each finding; an `ok` one is a note."""
    found = []

    def say(verdict: str, reason: str) -> None:
        found.append((verdict, reason))

    if not recording.rate > 0:
        say("refused", f"its rate of {recording.rate} Hz is impossible")
    elif not row["seconds"] >= shortest:
        say("refused", f"too short: {row['seconds']:.2f} s of {shortest:g} s")
    if row["nonfinite"]:
        say("refused", f"{row['nonfinite']:,} samples are NaN or infinite")
    if constant := row["constant"]:
        every = constant == len(recording.channels)
        say("refused" if every else "suspect", f"{constant} constant channel(s)")
    for key, limits, what in (
        ("clipped", CLIPPED, "stuck at an extreme (clipping)"),
        ("flat", FLAT, "in flat runs (dropouts)"),
    ):
        if row[key] >= limits[0]:
            say("refused" if row[key] >= limits[1] else "suspect", f"{row[key]:.1%} {what}")
    if row["offset"] >= 0.05:
        verdict = "suspect" if row["offset"] > OFFSET else "ok"
        say(verdict, f"DC offset of {row['offset']:.0%} of the spread: center() it")
    if 0 < recording.rate < rate:
        say("suspect", f"sampled at {recording.rate:,.0f} Hz, below the target {rate:,.0f} Hz")
    elif recording.rate > 0 and recording.rate != rate:
        why = ", and the classes differ in rate" if telling else ""
        say("ok", f"sampled at {recording.rate:,.0f} Hz{why}: resample() to {rate:,.0f} Hz first")
    return found


def _in_runs(x: np.ndarray, shortest: int, where: np.ndarray | None = None) -> int:
    """Samples in runs of at least `shortest` equal ones (of those in `where`, if given)."""
    if len(x) < shortest:
        return 0
    breaks = np.flatnonzero(np.diff(x)) + 1
    edges = np.concatenate(([0], breaks, [len(x)]))
    lengths = np.diff(edges)
    counted = lengths >= shortest
    if where is not None:
        counted &= where[edges[:-1]]
    return int(lengths[counted].sum())


def _at_extremes(x: np.ndarray) -> int:
    """Samples in runs of three or more at the largest or the smallest value: a flat top."""
    return _in_runs(x, 3, (x == x.max()) | (x == x.min()))


def _copies(recordings: list[Recording]) -> dict[int, int]:
    """Index of a recording → index of the one whose samples it repeats.

    The first of several is kept, unless their labels contradict: then nobody knows which is right.
    """
    same: dict[tuple, list[int]] = {}
    for i, recording in enumerate(recordings):
        digest = hashlib.sha256(recording.samples.tobytes()).digest()
        same.setdefault((recording.samples.shape, digest), []).append(i)
    copies = {}
    for group in same.values():
        if len(group) > 1 and len(recordings[group[0]].samples):
            copies |= {i: group[0] for i in group[1:]}
            if len({recordings[i].label for i in group}) > 1:
                copies[group[0]] = group[1]
    return copies


def _alike(
    recordings: list[Recording], rate: float, shortest: float, skip
) -> list[tuple[float, int]]:
    """(largest |correlation|, with which other) of each: shifted, scaled, cropped, noisy copies.

    The middle half of each recording is slid along every other (first channel, near the common
    `rate`, at most LONGEST samples) and normalized by the local energy there. `skip` holds the
    indices of exact copies.
    """
    from scipy.signal import resample_poly

    signals: list[np.ndarray] = []
    for i, recording in enumerate(recordings):
        x = recording.samples[:, 0].astype(np.float64)
        usable = (
            i not in skip and recording.rate > 0 and len(x) >= max(shortest * recording.rate, 64)
        )
        x = x if usable and np.isfinite(x).all() else np.zeros(0)
        if len(x) and recording.rate != rate:
            step = max(1, round(recording.rate / rate))
            x = resample_poly(x, 1, step) if step > 1 else x
        x = x[:LONGEST]
        signals.append(x - np.median(x) if len(x) else x)  # a knock moves the mean
    size = 2 * max((len(x) for x in signals), default=1)
    size = 1 << int(np.ceil(np.log2(max(size, 2))))
    spectra = np.array([np.fft.rfft(x, size) for x in signals], np.complex64)
    energy = [np.concatenate(([0.0], np.cumsum(x**2))) for x in signals]
    best = [(0.0, -1)] * len(signals)
    for i, x in enumerate(signals):
        piece = x[len(x) // 4 : len(x) - len(x) // 4]
        norm = np.sqrt((piece**2).sum())
        if norm == 0:
            continue
        conjugate = np.fft.rfft(piece, size).conj().astype(np.complex64)
        for j, other in enumerate(signals):
            places = len(other) - len(piece) + 1
            if i == j or places < 1:
                continue
            match = np.abs(np.fft.irfft(spectra[j] * conjugate, size)[:places])
            local = np.sqrt(np.maximum(energy[j][len(piece) :] - energy[j][: -len(piece)], 0))
            loud = local > 1e-3 * norm
            if not loud.any():
                continue
            score = float(np.max(match[loud] / (local[loud] * norm)))
            best[i] = max(best[i], (score, j))
            best[j] = max(best[j], (score, i))
    return best
