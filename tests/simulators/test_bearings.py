"""The simulator obeys the kinematics of the bearing, and its seed."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.datasets.bearing_physics import (
    FAULT_OF,
    NICE,
    SKF_6205,
    Bearing,
    envelope_spectrum,
    fault_frequencies,
)
from edgekit.simulators import bearings
from tests.datasets.spectra import peak_over_median

CLASSES = ("normal", "inner", "outer")


def expected(recording) -> dict[str, float]:
    return fault_frequencies(Bearing(**recording.meta["bearing"]), recording.meta["shaft_hz"])


def test_fault_frequencies_are_the_published_ones():
    """NICE at 25 Hz as MFPT prints them; SKF 6205 multiples of shaft speed as CWRU's bearing centre does."""
    nice = fault_frequencies(NICE, 25)
    assert nice["BPFO"] == pytest.approx(81.125, abs=0.01)
    assert nice["BPFI"] == pytest.approx(118.875, abs=0.01)
    skf = fault_frequencies(SKF_6205, 1)
    cwru = {"BPFI": 5.4152, "BPFO": 3.5848, "FTF": 0.39828}
    assert {k: pytest.approx(v, rel=1e-3) for k, v in cwru.items()} == {k: skf[k] for k in cwru}
    assert 2 * skf["BSF"] == pytest.approx(4.7135, rel=1e-3)


def test_races_share_the_rollers():
    hz = fault_frequencies(Bearing(11, 3.0, 20.0, 15.0), 40)
    assert hz["BPFO"] + hz["BPFI"] == pytest.approx(11 * 40)
    assert hz["BPFO"] == pytest.approx(11 * hz["FTF"])


@pytest.mark.parametrize("make", [bearings.source, bearings.target], ids=["lab", "field"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_fault_shows_where_geometry_says_and_a_sound_bearing_shows_nothing(make, seed):
    for recording in make((*CLASSES, "ball"), "quick", seed):
        hz = expected(recording)
        if recording.label == "normal":
            assert max(peak_over_median(recording, hz[f]) for f in ("BPFO", "BPFI")) < 5
        else:
            fault = hz[FAULT_OF[recording.label]] * (2 if recording.label == "ball" else 1)
            assert peak_over_median(recording, fault) >= 10, recording.name


def sideband(label: str, carrier: str, by: float, **how) -> float:
    """Height of the line `by` Hz below the carrier, over the carrier's."""
    r = bearings.simulate(label, 8.0, seed=4, load=0.8, snr_db=8, **how)
    hz, amplitude = envelope_spectrum(r)
    middle = expected(r)[carrier] * (2 if carrier == "BSF" else 1)
    low, high = (amplitude[np.abs(hz - f).argsort()[:5]].max() for f in (middle - by, middle))
    return low / high


def test_the_shaft_modulates_an_inner_race_the_cage_a_roller_and_nothing_an_outer_race():
    shaft = bearings.SOURCE_RIG.shaft_hz
    cage = fault_frequencies(bearings.SOURCE_RIG.geometry, shaft)["FTF"]
    assert sideband("inner", "BPFI", shaft) > 0.3
    assert sideband("outer", "BPFO", shaft) < 0.15
    assert sideband("ball", "BSF", cage) > 0.3
    assert sideband("ball", "BSF", shaft) < 0.15


def test_unbalance_lets_the_shaft_modulate_an_outer_race_too():
    assert sideband("outer", "BPFO", bearings.SOURCE_RIG.shaft_hz, unbalance=1.0) > 0.3


def test_a_loose_part_knocks_once_a_turn_whatever_the_label():
    sound, loose = (bearings.simulate("normal", 8.0, seed=4, looseness=much) for much in (0.0, 1.0))
    lines = [peak_over_median(r, bearings.SOURCE_RIG.shaft_hz) for r in (sound, loose)]
    assert lines[0] < 5 < 15 < lines[1]
    assert peak_over_median(loose, expected(loose)["BPFO"]) < 5


def test_slip_smears_the_high_harmonics():
    tenth = {}
    for slip in (0.0, 0.02):
        rig = replace(bearings.SOURCE_RIG, slip=slip, tones=0.0)
        r = bearings.simulate("outer", 8.0, rig, seed=1, snr_db=15)
        tenth[slip] = peak_over_median(
            r, 5 * expected(r)["BPFO"], tolerance=0.002, floor=(400, 700)
        )
    assert tenth[0.02] < 0.5 * tenth[0.0]


def test_same_seed_same_samples_other_seed_others():
    def digest(seed):
        parts = bearings.source(CLASSES, "quick", seed)
        return hashlib.sha256(b"".join(r.samples.tobytes() for r in parts)).hexdigest()

    assert digest(3) == digest(3) != digest(4)


def test_lab_and_field_are_different_worlds_of_enough_recordings():
    lab, field = bearings.source(CLASSES), bearings.target(CLASSES)
    assert {r.domain for r in lab} == {"lab"}
    assert {r.domain for r in field} == {"field"}
    assert not {r.rate for r in lab} & {r.rate for r in field}
    assert not {r.group for r in lab} & {r.group for r in field}
    assert all(sum(r.label == c for r in field) >= 6 for c in CLASSES)


def test_severity_makes_it_louder_and_zero_is_sound():
    rms = [bearings.simulate("outer", seed=1, severity=s).samples.std() for s in (0, 0.5, 1, 2)]
    assert rms == sorted(rms)
    peak = [
        peak_over_median(r := bearings.simulate("outer", seed=1, severity=s), expected(r)["BPFO"])
        for s in (0, 0.3, 1)
    ]
    assert peak[0] < 5 < peak[1] < peak[2]


def test_a_life_ends_in_failure_and_is_one_group():
    life = bearings.run_to_failure("inner", snapshots=20, onset=0.4, seed=2)
    severity = np.array([r.meta["severity"] for r in life])
    assert {r.group for r in life} == {life[0].group}
    assert [r.label for r in life[:8]] == ["normal"] * 8
    assert life[-1].label == "inner"
    assert severity[-1] > 20 * severity[severity > 0][0]
    assert life[-1].samples.std() > 1.5 * life[0].samples.std()


def test_quick_is_quick():
    bearings.source(("normal",), "quick", 0)  # imports
    start = time.perf_counter()
    bearings.source(CLASSES, "quick", 1)
    assert (
        time.perf_counter() - start < 4
    )  # 0.8 s alone on two cores; the limit forgives a busy machine


def test_impossible_machines_are_refused_in_one_line():
    with pytest.raises(EdgekitError, match="Did you mean 'inner'"):
        bearings.simulate("iner", seed=0)
    with pytest.raises(EdgekitError, match="Did you mean 'quick'"):
        bearings.source(CLASSES, "quik")
    for wrong in (
        {"seconds": 0},
        {"rate": -1},
        {"shaft_hz": 0},
        {"severity": -1},
        {"load": -1},
        {"looseness": -1},
        {"unbalance": 2},
    ):
        with pytest.raises(EdgekitError, match="the simulator needs"):
            bearings.simulate("outer", seed=0, **wrong)
