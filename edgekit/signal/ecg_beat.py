"""One heartbeat, judged beside its neighbours: what arrhythmia looks like in numbers.

An ectopic beat is told by *when* it comes (too early, with or without a pause after it) and by *what it
looks like beside this patient's own beats*. Both are learnt from the window itself, without a label and
without a training set, so the step adapts to whoever wears the device. P. de Chazal, R. Reilly, "A
patient-adapting heartbeat classifier using ECG morphology and heartbeat interval features", IEEE Trans.
BME 53(12), 2006, shows what that is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from edgekit.signal import ecg_peaks, real, source

f = np.float32
RATIOS = 4  # channels that tell of the rhythm


@dataclass(frozen=True)
class EcgBeat:
    """Window of one ECG lead in mV, at `rate` (125 or 62.5 Hz) -> the beat at `anchor`, the rhythm around it.

    `window`, `anchor`, `first` and `length` in samples: the beat to classify lies near sample `anchor` of
    the window; of it, `length` samples from `first` before its R peak are taken. R peaks are found
    within the window (`ecg_peaks`). Channels: the beat without its mean, divided by the RMS of the
    typical beat; the difference from that one (with `typical`); and the rhythm as four constant
    channels: three ratios r of intervals, each 3 (r - 1), the one before the beat and the one after it
    over the mean one up to here, and the one before over the one after; then how ragged the rhythm was
    before: ten times the median jump between intervals over the mean interval.

    The typical beat is the median of the window's other beats that come no earlier than the mean interval:
    in bigeminy every second beat is ectopic, and only the late ones are the patient's own.
    """

    window: int
    anchor: int
    first: int
    length: int
    typical: bool = True
    rate: float = 125

    def __post_init__(self):
        detector_lengths = ecg_peaks.detector_lengths(self.rate)
        if self.window < detector_lengths.learn or self.length < 2:
            raise ValueError(
                f"a window must have {detector_lengths.learn} samples or more, a beat two"
            )
        if self.window > 63 * detector_lengths.refractory:
            raise ValueError(
                f"a window may have {63 * detector_lengths.refractory} samples, 63 beats, at most"
            )
        low, high = (
            self.first + detector_lengths.near,
            self.window - self.length + self.first - detector_lengths.near,
        )
        if not low <= self.anchor <= high:
            raise ValueError(f"the beat must lie whole in the window: anchor {low} to {high}")

    @property
    def channels(self) -> int:
        return 1

    @property
    def shape(self) -> tuple[int, int, int]:
        return 1, self.length, 1 + self.typical + RATIOS

    @property
    def milliseconds(self) -> np.ndarray:
        """(length,) of each sample, from the R peak."""
        return (np.arange(self.length) - self.first) * 1000 / self.rate

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """`X` (n, window, 1) in mV -> (n, 1, length, channels) float32, the same bits as the C side.

        Raises ValueError on another window length.
        """
        source.check(self, X)
        return real.in_pieces(self._piece, X)

    def rhythm(self, X: np.ndarray) -> list[tuple[np.ndarray, int]]:
        """Of each window the R peaks that were found in it, and which of them is the beat to classify."""
        source.check(self, X)
        return self._beats(real.bounded(X[:, :, 0]))

    def _beats(self, x: np.ndarray):
        found, near = [], ecg_peaks.detector_lengths(self.rate).near
        for at in ecg_peaks.r_peaks(x - x[:, :1], True, self.rate) if len(x) else ():
            away = np.abs(at - self.anchor)
            if len(at) and away.min() < near:
                found.append((at, int(away.argmin())))
                continue
            beat = int(np.searchsorted(at, self.anchor, side="right"))
            found.append((np.insert(at, beat, self.anchor), beat))
        return found

    def _piece(self, X: np.ndarray) -> np.ndarray:
        x = real.bounded(X[:, :, 0])
        x = x - x[:, :1]
        out = np.empty((len(x), *self.shape), np.float32)
        if not len(x):
            return out
        rhythms, pieces, owner = np.empty((len(x), RATIOS), f), [], []
        second = int(self.rate)  # stands for an interval that nobody knows
        for n, (at, beat) in enumerate(self._beats(x)):
            here = at[beat]
            usual = np.diff(at[: beat + 1])
            before = int(usual[-1]) if beat else second
            count, span = (beat, int(here - at[0])) if beat else (1, second)
            after = int((at[beat + 1] if beat + 1 < len(at) else self.window) - here)
            jumps = np.sort(np.abs(np.diff(usual[:-1][-8:])))
            jump = int(jumps[(len(jumps) - 1) // 2]) if len(jumps) else 0
            pairs = ((before * count, span), (after * count, span), (before, after))
            ragged = f(10) * (f(jump * count) / f(span))
            rhythms[n] = [*(_ratio(a, b) for a, b in pairs), min(ragged, f(4))]
            begin = at - self.first
            inside = (begin >= 0) & (begin + self.length <= self.window)
            inside[beat] = False
            late = np.zeros(len(at), bool)
            late[1:] = np.diff(at) * (len(at) - 1) >= at[-1] - at[0]
            begins = begin[inside & late if (inside & late).any() else inside].tolist()
            begins = begins or [here - self.first]
            for start in (here - self.first, *begins):
                pieces.append(x[n, start : start + self.length])
                owner.append(n)
        beats = np.stack(pieces)
        mean = real.total(beats.T) / f(self.length)
        beats = beats - mean[:, None]
        bounds = np.searchsorted(owner, np.arange(len(x) + 1))
        mine = beats[bounds[:-1]]
        typical = np.stack([_lower_median(beats[a + 1 : b]) for a, b in pairwise(bounds)])
        power = real.total((typical * typical).T) / f(self.length)
        gain = (f(1) / np.maximum(np.sqrt(power), f(0.02)))[:, None]
        out[:, 0, :, 0] = np.clip(mine * gain, f(-6), f(6))
        if self.typical:
            out[:, 0, :, 1] = np.clip((mine - typical) * gain, f(-6), f(6))
        out[:, 0, :, -RATIOS:] = rhythms[:, None]
        return out

    def vary(self, inputs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What was measured of other beats of the same class: a variation for training, the same shape.

        `learn.fit` calls it after `augment`. What the detector and the typical beat have made steady
        cannot be shaken from outside: level (10 %), baseline (a slope and an offset-free noise), where
        the R peak was found (±16 ms), intervals (2 %), and in every fifth beat the whole rhythm, as in
        atrial fibrillation: intervals that say nothing, and a ragged rhythm that says so.
        """
        x, n = inputs.copy(), len(inputs)
        shapes = slice(0, 1 + self.typical)
        x[..., shapes] *= np.exp(rng.normal(0, 0.1, (n, 1, 1, 1))).astype(f)
        slope = rng.normal(0, 0.3, (n, 1, 1)) * np.linspace(-1, 1, self.length)
        noise = 0.1 * rng.random((n, 1, 1)) * rng.normal(size=(n, 1, self.length))
        x[..., shapes] += (slope + noise).astype(f)[..., None]
        most = round(0.016 * self.rate)
        shift = rng.integers(-most, most + 1, n)
        for samples in range(-most, most + 1):
            rows = shift == samples
            x[rows, ..., shapes] = np.roll(x[rows, ..., shapes], samples, axis=2)
        x[..., -RATIOS:] += rng.normal(0, 0.06, (n, 1, 1, RATIOS)).astype(f)
        rows = np.flatnonzero(rng.random(n) < 0.2)
        before, after = (x[rows, 0, 0, i - RATIOS] / 3 + 1 for i in range(2))
        before = np.clip(before * np.exp(rng.normal(0, 0.2, len(rows))), 0.3, 2.3)
        after = np.clip(after * np.exp(rng.normal(0, 0.2, len(rows))), 0.3, 2.3)
        ratios = [np.clip(3 * (r - 1), -4, 4) for r in (before, after, before / after)]
        ragged = rng.uniform(1.2, 3.0, len(rows))
        x[rows, ..., -RATIOS:] = np.stack([*ratios, ragged], axis=1).astype(f)[:, None, None]
        return x

    def c(
        self,
        name: str,
        quantization: tuple[float, int] | None = None,
        sensitivity: float | None = None,
    ) -> source.FeatureCode:
        """C sources, {file name: text}; see `source.emit`."""
        tables = source.struct(
            "ecg_beat",
            "beat",
            window=self.window,
            anchor=self.anchor,
            first=self.first,
            length=self.length,
            shapes=1 + self.typical,
        )
        files = source.emit(
            self,
            name,
            headers=("ecg_beat.h",),
            tables=tables,
            call="ecg_beat(&beat, &from, work, features);",
            work=self.window,
            quantization=quantization,
            sensitivity=sensitivity,
        )
        if self.rate != ecg_peaks.RATE:
            files[f"{name}_features.c"] = "#define ECG_HALF\n" + files[f"{name}_features.c"]
        return files


def _lower_median(x: np.ndarray) -> np.ndarray:
    """Over the first axis; of an even number, the lower of the two in the middle: one of the values."""
    return np.sort(x, axis=0)[(len(x) - 1) // 2]


def _ratio(a: int, b: int) -> np.float32:
    return np.clip(f(3) * (f(a) / f(max(b, 1)) - f(1)), f(-4), f(4))
