"""A physical simulator of rolling bearings: the "lab" where the "field" has too few recordings.

The model is the one of R. B. Randall and J. Antoni, "Rolling element bearing diagnostics - A
tutorial", MSSP 25 (2011) 485-520. A spall strikes once for each roller that passes it; the
intervals slip by a percent or so, and the slips add up. Each strike rings the structure's
resonances. Its strength follows the load where it happens (P. D. McFadden and J. D. Smith, J. Sound
and Vibration 96 (1984) 69-82): constant for an outer-race spall that stays in the load zone,
modulated by the shaft for the inner race, by the cage for a roller. Around it, what a sound machine
does: shaft harmonics, gear mesh with sidebands, broadband noise shaped by the same resonances.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.data.recordings import SOURCE, TARGET, Recording
from edgekit.datasets.bearing_physics import FAULT_OF, NICE, SKF_6205, Bearing, fault_frequencies

LABELS = ("normal", *FAULT_OF)
RECORDINGS = {  # profile -> recordings a class, seconds each
    SOURCE: {"quick": (8, 3.0), "full": (24, 4.0)},
    TARGET: {"quick": (6, 3.0), "full": (8, 4.0)},
}


@dataclass(frozen=True)
class Rig:
    """A machine with its bearing and its sensor; everything the label does not decide.

    `resonances` in Hz with `damping` (share of critical) ring with each strike; a recording's own
    differ by about `spread` (mounting, temperature). `snr_db` is the power of the strikes of a
    fault of severity 1 at half load over that of the broadband noise. `slip` is the scatter of the
    intervals between strikes. `gear` is the teeth of the mesh near the bearing, `tones` its
    amplitude over the noise; `slope` the noise's rise per octave (dB); `level` the rms in g of a
    healthy recording, about; `offset` the sensor's, in g.
    """

    geometry: Bearing
    rate: float
    shaft_hz: float
    shaft_spread: float
    resonances: tuple[float, ...]
    damping: float
    spread: float
    snr_db: float
    slip: float
    gear: int
    tones: float
    slope: float
    level: float
    offset: float


SOURCE_RIG = Rig(
    geometry=SKF_6205,
    rate=25_600.0,
    shaft_hz=29.2,
    shaft_spread=0.08,
    resonances=(1_650.0, 2_900.0, 3_900.0, 6_800.0),
    damping=0.03,
    spread=0.06,
    snr_db=2.0,
    slip=0.01,
    gear=23,
    tones=0.25,
    slope=-1.5,
    level=0.5,
    offset=0.0,
)
TARGET_RIG = Rig(
    geometry=NICE,
    rate=48_000.0,
    shaft_hz=24.8,
    shaft_spread=0.005,
    resonances=(1_250.0, 2_450.0, 3_400.0, 4_700.0, 11_000.0),
    damping=0.02,
    spread=0.03,
    snr_db=1.0,
    slip=0.012,
    gear=31,
    tones=0.5,
    slope=-3.0,
    level=0.85,
    offset=-0.15,
)
RIGS = {SOURCE: SOURCE_RIG, TARGET: TARGET_RIG}


def simulate(
    label: str,
    seconds: float = 3.0,
    rig: Rig = SOURCE_RIG,
    *,
    seed: int,
    shaft_hz: float | None = None,
    load: float = 0.5,
    severity: float = 1.0,
    looseness: float = 0.0,
    unbalance: float = 0.0,
    snr_db: float | None = None,
    geometry: Bearing | None = None,
    rate: float | None = None,
    domain: str = SOURCE,
    name: str | None = None,
) -> Recording:
    """One accelerometer in g, (seconds · rate, 1), beside a bearing that is normal or has a spall.

    `label` is one of LABELS; `load` 0…1 is the share of the rated load, `severity` 0…1 and beyond
    the growth of the fault (strike amplitude is proportional to it); `looseness` the strength, on
    the same scale, of a loose part that knocks once a turn, whatever the label, and `unbalance` 0…1
    how much the turning shaft modulates the strikes of a fault that stands still: both are why many
    faults do not look as a textbook says (W. A. Smith, R. B. Randall, MSSP 64-65 (2015) 100-131).
    `shaft_hz`, `snr_db`, `geometry` and `rate` override the rig's. Same arguments, same samples.
    Raises EdgekitError for an unknown label and for numbers that no machine has.
    """
    if label not in LABELS:
        raise EdgekitError(f"the simulator knows no fault {label!r}.{did_you_mean(label, LABELS)}")
    given: dict = {"shaft_hz": shaft_hz, "snr_db": snr_db, "geometry": geometry, "rate": rate}
    rig = replace(rig, **{k: v for k, v in given.items() if v is not None})
    if not (
        seconds * rig.rate >= 64
        and rig.rate > 0
        and rig.shaft_hz > 0
        and min(severity, load, looseness) >= 0
        and 0 <= unbalance <= 1
    ):
        raise EdgekitError(
            "the simulator needs at least 64 samples, a positive rate and shaft speed, a load, severity "
            "and looseness of at least 0 and an unbalance of 0 to 1 (got "
            f"{seconds:g} s, {rig.rate:g} Hz, {rig.shaft_hz:g} Hz, {load:g}, {severity:g}, "
            f"{looseness:g}, {unbalance:g})"
        )
    rng = np.random.default_rng([seed, LABELS.index(label)])
    n = round(seconds * rig.rate)
    path = _transfer_path(rig, rng)
    x = _machine(rig, path, n, load, rng)
    if label != "normal" and severity > 0:
        rung = _filter(_strikes(label, rig, n, load, unbalance, rng), path)
        strength = severity * 10 ** (rig.snr_db / 20) * (0.75 + 0.5 * load)
        x += strength * rung / max(rung.std(), 1e-12)
    if looseness > 0:
        rung = _filter(_knocks(rig, n, rng), path)
        x += looseness * 10 ** (rig.snr_db / 20) * rung / max(rung.std(), 1e-12)
    name = name or f"{domain}-{label}-{seed}"
    return Recording(
        name=name,
        samples=rig.level * x + rig.offset * rng.uniform(0.5, 1.5),
        rate=rig.rate,
        label=label,
        group=name,
        domain=domain,
        channels=("acceleration",),
        unit="g",
        licence="Apache-2.0 (simulated)",
        source="bearing-simulator",
        simulated=True,
        meta={
            "load": load,
            "severity": severity if label != "normal" else 0.0,
            "shaft_hz": rig.shaft_hz,
            "bearing": rig.geometry.to_dict(),
        },
    )


def source(classes: tuple[str, ...], profile: str = "quick", seed: int = 0) -> list[Recording]:
    """A set of laboratory recordings, many conditions a class: SKF 6205, 25.6 kHz, about 29 Hz."""
    return _campaign(SOURCE, classes, profile, seed)


def target(classes: tuple[str, ...], profile: str = "quick", seed: int = 0) -> list[Recording]:
    """A stand-in for the real rig without a network: other bearing, speed, structure, noise."""
    return _campaign(TARGET, classes, profile, seed)


def run_to_failure(
    label: str = "outer",
    snapshots: int = 40,
    onset: float = 0.5,
    seconds: float = 1.0,
    rig: Rig = SOURCE_RIG,
    *,
    seed: int,
    load: float = 0.5,
    final: float = 1.5,
    domain: str = SOURCE,
) -> list[Recording]:
    """One bearing's life as `snapshots` recordings; sound until `onset` (share of life), then not.

    Severity grows exponentially from 2 % to `final`, with scatter, as a spall does once it has
    begun. All share one group and one transfer path; `meta` has `life` (0…1) and `severity`. The
    label is "normal" before the onset.
    """
    rng = np.random.default_rng([seed, 77])
    life = np.linspace(0, 1, snapshots)
    growth = np.clip((life - onset) / max(1 - onset, 1e-9), 0, 1)
    severity = np.where(life > onset, 0.02 * (final / 0.02) ** growth, 0.0)
    severity *= np.exp(0.08 * rng.standard_normal(snapshots))
    one = sample_resonances(
        rig, rng
    )  # one machine for a whole life: only noise and severity change
    recordings = []
    for i in range(snapshots):
        name = f"{domain}-life-{label}-{seed}-{i:03d}"
        state = label if severity[i] > 0 else "normal"
        part = simulate(
            state,
            seconds,
            one,
            seed=seed * 1_000 + i,
            load=load,
            severity=severity[i],
            domain=domain,
            name=name,
        )
        meta = {**part.meta, "life": float(life[i]), "severity": float(severity[i])}
        recordings.append(replace(part, group=f"{domain}-life-{label}-{seed}", meta=meta))
    return recordings


def _campaign(domain: str, classes: tuple[str, ...], profile: str, seed: int) -> list[Recording]:
    if profile not in RECORDINGS[domain]:
        raise EdgekitError(f"no profile {profile!r}.{did_you_mean(profile, RECORDINGS[domain])}")
    count, seconds = RECORDINGS[domain][profile]
    rig = RIGS[domain]
    recordings = []
    for c, label in enumerate(classes):
        rng = np.random.default_rng([seed, c, len(domain)])
        for i in range(count):
            recordings.append(
                simulate(
                    label,
                    seconds,
                    rig,
                    seed=(seed * 100 + c) * 1_000 + i,
                    shaft_hz=rig.shaft_hz * (1 + rig.shaft_spread * rng.uniform(-1, 1)),
                    load=float(i / max(count - 1, 1)),
                    severity=float(rng.uniform(0.7, 1.4)),
                    domain=domain,
                    name=f"{domain}-{label}-{i + 1}",
                )
            )
    return recordings


def sample_resonances(rig: Rig, rng: np.random.Generator) -> Rig:
    """The rig with its own resonances drawn once and no spread left."""
    own = tuple(f * (1 + rig.spread * rng.standard_normal()) for f in rig.resonances)
    return replace(rig, resonances=own, spread=0.0)


def _transfer_path(rig: Rig, rng: np.random.Generator) -> np.ndarray:
    """Impulse response from race to sensor, (time,): a sum of decaying resonances, each its own."""
    hz = np.array([f for f in rig.resonances if f < 0.45 * rig.rate])
    hz = hz * (1 + rig.spread * rng.standard_normal(len(hz)))
    gain = np.exp(4 * rig.spread * rng.standard_normal(len(hz)))
    phase = rng.uniform(-0.5, 0.5, len(hz)) if rig.spread else np.zeros(len(hz))
    decay = rig.damping * 2 * np.pi * hz
    t = np.arange(int(8 / decay.min() * rig.rate) + 1)[:, None] / rig.rate
    return (gain * np.exp(-decay * t) * np.sin(2 * np.pi * hz * t + phase)).sum(axis=1)


def _strikes(
    label: str, rig: Rig, n: int, load: float, unbalance: float, rng: np.random.Generator
) -> np.ndarray:
    """The train of strikes before the structure, (n,): when each happens and how hard it is."""
    hz = fault_frequencies(rig.geometry, rig.shaft_hz)
    twice = 2 if label == "ball" else 1  # a spalled roller meets both races in one spin
    strikes_hz = twice * hz[FAULT_OF[label]]
    count = int(n / rig.rate * strikes_hz * 1.1) + 4
    intervals = (1 + rig.slip * rng.standard_normal(count)) / strikes_hz
    t = np.cumsum(intervals) - rng.uniform(0, 1) / strikes_hz  # slips add up, no phase returns
    force = np.exp(0.15 * rng.standard_normal(count))
    start = rng.uniform(0, 2 * np.pi)
    if label == "inner":
        force *= _load_zone(2 * np.pi * rig.shaft_hz * t + start, load)
    if label == "outer" and unbalance > 0:
        force *= 1 + unbalance * np.cos(2 * np.pi * rig.shaft_hz * t + start)
    if label == "ball":
        force *= _load_zone(2 * np.pi * hz["FTF"] * t + start, load)
        force[1::2] *= 0.7  # one race is nearer to the sensor than the other
    at = t * rig.rate
    force, at = force[(at >= 0) & (at < n - 1)], at[(at >= 0) & (at < n - 1)]
    first = at.astype(int)
    late = at - first  # a strike between two samples is shared by them
    train = np.bincount(first, force * (1 - late), n) + np.bincount(first + 1, force * late, n)
    return train[:n]


def _knocks(rig: Rig, n: int, rng: np.random.Generator) -> np.ndarray:
    """A train (n,) of one knock a turn: no slip adds up, but neither time nor force is exact."""
    turns = np.arange(1.0, int(n / rig.rate * rig.shaft_hz))
    turns += 0.02 * rng.standard_normal(len(turns))
    at = (turns / rig.shaft_hz * rig.rate).astype(int)
    return np.bincount(at, np.exp(0.3 * rng.standard_normal(len(at))), n)[:n]


def _load_zone(angle: np.ndarray, load: float) -> np.ndarray:
    """Stribeck's load at an angle from the zone's middle, and a trace of it outside."""
    width = 0.3 + 0.4 * min(load, 1.0)
    return 0.1 + np.maximum(0, 1 - (1 - np.cos(angle)) / (2 * width)) ** 1.5


def _machine(
    rig: Rig, path: np.ndarray, n: int, load: float, rng: np.random.Generator
) -> np.ndarray:
    """What a sound machine does, (n,), rms about 1: noise, shaft and gear tones."""
    t = np.arange(n) / rig.rate
    rung = _filter(rng.standard_normal(n), path)
    spectrum = np.fft.rfft(rng.standard_normal(n))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(n, 1 / rig.rate), 20) / 20)
    sloping = np.fft.irfft(spectrum * 10 ** (rig.slope * octaves / 20), n)
    noise = 0.7 * rung / rung.std() + 0.7 * sloping / sloping.std()
    for order in (1, 2, 3):
        amplitude = 0.15 / order * rng.uniform(0.5, 1.5)
        noise += amplitude * np.cos(
            2 * np.pi * order * rig.shaft_hz * t + rng.uniform(0, 2 * np.pi)
        )
    mesh = 2 * np.pi * rig.gear * rig.shaft_hz * t
    sideband = 1 + 0.3 * np.cos(2 * np.pi * rig.shaft_hz * t + rng.uniform(0, 2 * np.pi))
    for harmonic in (1, 2):
        amplitude = rig.tones / harmonic * rng.uniform(0.5, 1.5) * (0.5 + load)
        noise += amplitude * sideband * np.cos(harmonic * mesh + rng.uniform(0, 2 * np.pi))
    return noise


def _filter(x: np.ndarray, path: np.ndarray) -> np.ndarray:
    """Convolution with an impulse response, cut to the length of `x`."""
    from scipy.signal import oaconvolve

    return oaconvolve(x, path)[: len(x)]
