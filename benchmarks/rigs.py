"""Simulated bearing rigs to adapt to: five that are easy to describe, one like CWRU, and a family at random.

recordings = cwru_like(seed)      # one healthy bearing, faults grouped by bearing, some that hardly show
recordings = at_random(seed)      # another machine, another campaign: whatever a seed may bring

The rigs of a family differ in bearing, speed, sampling rate, structure, noise, in how many bearings and loads
each class has, in what is missing, and in how many faults look as a textbook says.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgekit.datasets.bearing_physics import Bearing
from edgekit.simulators import bearings

FIELD = bearings.TARGET_RIG
SECONDS = 3.0
CLASSES = ("normal", "inner", "outer")
RIGS = {  # name: rig, classes
    "6205 at 1,730-1,797 rpm, 12 kHz": (
        replace(FIELD, geometry=bearings.SKF_6205, rate=12_000.0, shaft_hz=29.4, shaft_spread=0.02,
                resonances=(1_400.0, 2_700.0, 3_500.0), level=0.07, snr_db=3.0, gear=19),
        ("normal", "inner", "outer"),
    ),
    "6203 at 1,500 rpm, 64 kHz": (
        replace(FIELD, geometry=Bearing(8, 6.75, 29.05), rate=64_000.0, shaft_hz=25.0, level=0.2,
                resonances=(900.0, 2_200.0, 3_800.0, 9_000.0), gear=41),
        ("normal", "inner", "outer"),
    ),
    "6207 at 1,200 rpm, 48 kHz": (
        replace(FIELD, geometry=Bearing(9, 11.0, 53.5), rate=48_000.0, shaft_hz=20.0, slope=0.0,
                resonances=(2_050.0, 3_000.0, 4_100.0), damping=0.035, snr_db=2.0),
        ("normal", "inner", "outer"),
    ),
    "ER16K at 2,100 rpm, 42 kHz": (
        replace(FIELD, geometry=Bearing(9, 7.94, 38.52), rate=42_000.0, shaft_hz=35.0, tones=0.8,
                shaft_spread=0.04, resonances=(1_800.0, 2_600.0, 4_400.0)),
        ("normal", "inner", "outer"),
    ),
    "6203 at 900 rpm, no healthy recording": (
        replace(FIELD, geometry=Bearing(8, 6.75, 29.05), rate=64_000.0, shaft_hz=15.0,
                resonances=(1_100.0, 2_400.0, 3_300.0)),
        ("inner", "outer"),
    ),
}  # fmt: skip
GEOMETRIES = (
    Bearing(8, 6.75, 28.5), bearings.SKF_6205, Bearing(9, 9.53, 46.0), Bearing(9, 11.11, 53.5),
    Bearing(9, 7.94, 38.52), bearings.NICE, Bearing(8, 15.08, 65.0), Bearing(13, 7.5, 51.0),
)  # fmt: skip  # 6203, 6205, 6206, 6207, ER16K, NICE, 6308, NU 206
SIGNATURES = ("weak", "smeared", "loose", "unbalanced", "silent")


@dataclass(frozen=True)
class Specimen:
    """One bearing in a campaign: what is wrong with it, how much, how it shows, at which loads.

    `signature`: "typical"; "weak", a tenth of the power; "smeared", strikes that slip too much to add up;
    "loose", mostly a part that knocks once a turn; "unbalanced", modulated by the shaft; "silent", nothing.
    """

    name: str
    label: str
    severity: float
    signature: str
    loads: tuple[float, ...]


def recorded(specimen: Specimen, rig, seed: int, group: str = "", shaft=None, rate=None) -> list:
    """The recordings of one specimen, a load each; its mounting is its own, drawn once. `group`: of all."""
    rng = np.random.default_rng([seed, 5])
    own = bearings.sample_resonances(rig, rng)
    how = {"severity": specimen.severity}
    if specimen.signature == "weak":
        how["severity"] *= 0.32
    elif specimen.signature == "smeared":
        own = replace(own, slip=0.1)
    elif specimen.signature == "loose":
        how = {"severity": 0.4 * specimen.severity, "looseness": rng.uniform(0.5, 1.5)}
    elif specimen.signature == "unbalanced":
        how["unbalance"] = rng.uniform(0.5, 1)
    elif specimen.signature == "silent":
        how["severity"] *= 0.1
    made = []
    for i, load in enumerate(specimen.loads):
        turning = (
            shaft(load) if shaft else rig.shaft_hz * (1 + rig.shaft_spread * rng.uniform(-1, 1))
        )
        name = f"{specimen.name}-{i}"
        one = bearings.simulate(
            specimen.label, SECONDS, own, seed=1_000 * seed + i, shaft_hz=turning, load=load, rate=rate,
            domain="field", name=name, **how,
        )  # fmt: skip
        made.append(replace(one, group=group or name))
    return made


def campaign(rig, classes):
    """Eight recordings a class over loads, speeds and severities, as `simulate.field` makes them."""
    recordings = []
    for c, label in enumerate(classes):
        rng = np.random.default_rng([7, c])
        for i in range(8):
            shaft = rig.shaft_hz * (1 + rig.shaft_spread * rng.uniform(-1, 1))
            recordings.append(
                bearings.simulate(
                    label, 4.0, rig, seed=500 + 10 * c + i, shaft_hz=shaft, load=i / 7,
                    severity=rng.uniform(0.7, 1.4), domain="field", name=f"rig-{label}-{i}",
                )
            )  # fmt: skip
    return recordings


def cwru_like(seed: int = 0) -> list:
    """A campaign as CWRU's, by its published facts; the signals are the simulator's, the odds the seed's.

    Drive end, SKF 6205, 0-3 hp at 1,797-1,730 rpm. One healthy bearing, recorded at 48 kHz at four loads;
    faults at 12 kHz of 0.007, 0.014, 0.021 (and 0.028) inch, the outer ones of two sizes at three places of
    the race; groups are bearings. After Smith and Randall (2015) few show as they should: many with
    looseness, some modulated by the shaft, some hardly at all.
    """
    rng = np.random.default_rng([seed, 1973])
    rig = replace(
        FIELD, geometry=bearings.SKF_6205, rate=12_000.0, shaft_hz=29.4, spread=0.15, level=0.07, gear=19,
        resonances=(1_050.0, 1_900.0, 2_800.0, 3_450.0), damping=float(rng.uniform(0.03, 0.08)),
        snr_db=float(rng.uniform(2, 12)), tones=float(rng.uniform(0.3, 1.2)),
    )  # fmt: skip
    faults = [f"inner-{size}" for size in ("007", "014", "021", "028")]
    faults += ["outer-007"] * 3 + ["outer-014"] + ["outer-021"] * 3
    odds = np.array(
        [rng.uniform(0.1, 0.5), 0.05, 0.1, rng.uniform(0.3, 0.8), 0.15, rng.uniform(0, 0.3)]
    )

    def shaft(load):
        return (1_797 - 67 * load) / 60

    loads = (0.0, 1 / 3, 2 / 3, 1.0)
    sound = Specimen("normal", "normal", 0.0, "typical", loads)
    recordings = recorded(sound, rig, 900 * seed, shaft=shaft, rate=48_000.0)
    for i, bearing in enumerate(faults):
        signature = str(rng.choice(["typical", *SIGNATURES], p=odds / odds.sum()))
        one = Specimen(f"{bearing}-{i}", bearing[:5], rng.uniform(0.5, 1.6), signature, loads)
        recordings += recorded(one, rig, 900 * seed + 1 + i, bearing, shaft)
    return recordings


def at_random(seed: int) -> tuple[str, list]:
    """(what it is, recordings) of a machine and a campaign that only the seed knows."""
    rng = np.random.default_rng([seed, 2026])
    geometry = GEOMETRIES[rng.integers(len(GEOMETRIES))]
    rig = replace(
        FIELD, geometry=geometry, rate=float(rng.choice([12_000, 20_480, 25_600, 48_000, 64_000])),
        shaft_hz=float(rng.uniform(12, 45)), shaft_spread=float(rng.choice([0.005, 0.03, 0.1])),
        resonances=tuple(np.sort(rng.uniform([700, 2_000, 3_000, 4_000], [2_000, 3_000, 4_500, 12_000]))),
        damping=float(rng.uniform(0.015, 0.05)), spread=float(rng.choice([0.03, 0.08, 0.15])),
        snr_db=float(rng.uniform(-4, 5)), slip=float(rng.uniform(0.003, 0.02)),
        gear=int(rng.integers(11, 60)), tones=float(rng.uniform(0.1, 1.0)),
        slope=float(rng.uniform(-4, 1)), level=float(10 ** rng.uniform(-1.5, 0.3)),
    )  # fmt: skip
    healthy = rng.choice(["one", "few", "many", "none"], p=[0.35, 0.3, 0.2, 0.15])
    odd = float(rng.choice([0.0, 0.2, 0.4, 0.6]))
    recordings, counts = [], []
    for c, label in enumerate(CLASSES):
        bearings = (
            {"one": 1, "few": 3, "many": 8, "none": 0}[healthy] if c == 0 else rng.integers(3, 7)
        )
        counts.append(int(bearings))
        for b in range(bearings):
            most = 4 if bearings == 1 else 3
            loads = np.sort(rng.uniform(0, 1, rng.integers(most if bearings == 1 else 1, most + 1)))
            signature = "typical" if c == 0 or rng.random() > odd else rng.choice(SIGNATURES)
            one = Specimen(f"{label}-{b}", label, rng.uniform(0.5, 1.5), signature, tuple(loads))
            group = "" if bearings < 3 else f"rig-{label}-{b}"
            recordings += recorded(one, rig, 10_000 * (seed + 1) + 100 * c + b, group)
    what = (
        f"random {seed}: {geometry.elements} x {geometry.roller:g}/{geometry.pitch:g}, "
        f"{60 * rig.shaft_hz:,.0f} rpm, {rig.rate / 1000:g} kHz, {rig.snr_db:+.0f} dB, "
        f"bearings {'/'.join(map(str, counts))}, {100 * odd:.0f} % odd"
    )
    return what, recordings
