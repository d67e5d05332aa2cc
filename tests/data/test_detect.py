"""Each fault is planted into sound recordings and found; sound recordings are left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgekit import usecases
from edgekit.core.workspace import Workspace
from edgekit.data import inspect, keep
from edgekit.data.quality import RecordingList, summary
from edgekit.data.recording_file import load, save
from edgekit.datasets import cached
from tests.data.samples import noise, recording

CASES = sorted(
    p.name for p in usecases.known(Workspace.find().folder).values() if p.parent == usecases.KIT
)


def of(name: str) -> list:
    case = usecases.load(name, Workspace.find().folder)
    return case.recordings("lab", "quick", offline=True)


@pytest.fixture(scope="module")
def motion():
    """An accelerometer on ten machines, mounted alike within a few degrees; y shakes the most."""
    rng = np.random.default_rng(4)
    made = []
    for i in range(10):
        stand = np.array([0.1, 0.25, 0.95]) + rng.normal(0, 0.04, 3)
        shake = np.array([0.05, 0.3, 0.12]) * np.exp(rng.normal(0, 0.15, 3))
        x = stand + shake * rng.normal(size=(2_000, 3))
        made.append(recording(f"m{i}", x, rate=50.0, channels=("x", "y", "z")))
    return made


@pytest.fixture(scope="module")
def vibration():
    found = of("bearing")
    return [r for r in found if r.label == found[0].label]


@pytest.mark.parametrize("name", CASES)
def test_sound_recordings_of_the_simulators_are_left_alone(name):
    case = usecases.load(name, Workspace.find().folder)
    report = inspect(case.recordings("field", "quick", offline=True), case.RATE)
    assert set(report["verdict"]) == {"ok"}, report[report["verdict"] != "ok"]["reason"].to_dict()


@pytest.mark.parametrize("name", ["bearing", "activity"])
def test_real_recordings_that_are_known_to_be_sound_are_left_alone(name):
    if not cached({"bearing": "mfpt", "activity": "watch"}[name]):
        pytest.skip("not downloaded")
    case = usecases.load(name, Workspace.find().folder)
    report = inspect(case.recordings("field", "full"), case.RATE)
    assert set(report["verdict"]) == {"ok"}, report[report["verdict"] != "ok"]["reason"].to_dict()


@pytest.mark.parametrize("order", [(0, 2, 1), (1, 0, 2), (2, 1, 0), (1, 2, 0)])
def test_swapped_axes_are_found_and_the_order_is_told(motion, order):
    swapped = replace(motion[2], samples=motion[2].samples[:, order])
    said = inspect([*motion[:2], swapped, *motion[3:]], 50)
    assert list(said.index[said["verdict"] == "suspect"]) == ["m2"]
    back = ", ".join("xyz"[order.index(c)] for c in range(3))
    assert f"in the order {back}" in said.loc["m2", "reason"]


def test_a_turned_sign_is_found(motion):
    turned = replace(motion[3], samples=motion[3].samples * np.float32([1, 1, -1]))
    said = inspect([*motion[:3], turned, *motion[4:]], 50)
    assert list(said.index[said["verdict"] == "suspect"]) == ["m3"]
    assert "the sign of z" in said.loc["m3", "reason"]


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 4.0])
def test_a_wrong_rate_is_doubted_and_the_right_one_guessed(vibration, factor):
    wrong = replace(vibration[4], rate=vibration[4].rate * factor)
    said = inspect([*vibration[:4], wrong, *vibration[5:]], 10_000)
    assert said.loc[wrong.name, "verdict"] == "suspect"
    assert "spectrum fits" in said.loc[wrong.name, "reason"]
    guess = float(
        said.loc[wrong.name, "reason"].split("about ")[1].split(" Hz")[0].replace(",", "")
    )
    assert guess == pytest.approx(vibration[4].rate, rel=0.2)
    others = said.drop(wrong.name)["reason"]
    assert not others.str.contains("spectrum fits").any()


def test_a_recording_that_was_sampled_up_is_doubted():
    from scipy.signal import resample_poly

    sound = [recording(f"r{i}", noise(8_000, seed=i)) for i in range(6)]
    up = recording("up", resample_poly(noise(4_000, seed=9), 2, 1, window=("kaiser", 12.0)))
    said = inspect([*sound, up], 1_000)
    assert said.loc["up", "verdict"] == "suspect"
    assert "sampled up" in said.loc["up", "reason"]
    assert set(said.drop("up")["verdict"]) == {"ok"}


def slow(seed: int, n: int = 3_000) -> np.ndarray:
    """A room's temperature in steps of 0.1 °C, a sample a second."""
    rng = np.random.default_rng(seed)
    x = 20 + 2 * np.sin(np.arange(n) / 300 + seed) + np.cumsum(rng.normal(0, 0.01, n))
    return np.round(x, 1)


def test_a_coarse_slow_sensor_is_not_taken_for_a_broken_one():
    sound = [recording(f"t{i}", slow(i), rate=1.0) for i in range(5)]
    assert set(inspect(sound, 1.0)["verdict"]) == {"ok"}


def test_a_slow_sensor_that_hangs_is_found():
    x = slow(7)
    x[500:2_200] = x[500]
    said = inspect(
        [
            *(recording(f"t{i}", slow(i), rate=1.0) for i in range(5)),
            recording("hangs", x, rate=1.0),
        ],
        1.0,
    )
    assert said.loc["hangs", "verdict"] == "refused"
    assert "dropouts" in said.loc["hangs", "reason"]


def test_a_sine_of_few_steps_is_not_clipped_and_a_cut_one_is():
    t = np.arange(4_000)
    sine = np.round(100 * np.sin(t / 37.3))
    said = inspect([recording("whole", sine), recording("cut", np.clip(sine, -80, 80))], 1_000)
    assert said.loc["whole", "clipped"] == 0
    assert said.loc["cut", "verdict"] == "refused"


def test_gaps_jitter_and_blocks_are_told_from_what_the_reader_left():
    rows = {
        "gaps": {"gaps": [[10, 2.5], [40, 1.5]]},
        "uneven": {"jitter": 0.4},
        "even": {"jitter": 0.01},
        "block": {"block": "1 of 6"},
    }
    said = inspect(
        [recording(k, noise(seed=i), meta=m) for i, (k, m) in enumerate(rows.items())], 1_000
    )
    assert list(said["verdict"]) == ["suspect", "suspect", "ok", "suspect"]
    assert "2 gaps" in said.loc["gaps", "reason"]
    assert "4 s" in said.loc["gaps", "reason"]
    assert "40% jitter" in said.loc["uneven", "reason"]
    assert said.loc["gaps", "gaps"] == 2


def test_what_could_not_be_read_stands_in_the_same_table(capsys):
    found = RecordingList([recording("good", noise())], {"bad.wav": "is no WAV file"})
    report = inspect(found, 1_000)
    assert report.loc["bad.wav", "verdict"] == "refused"
    assert "is no WAV file" in report.loc["bad.wav", "reason"]
    assert [r.name for r in keep(found, report)] == ["good"]
    assert "kept 1 of 2" in capsys.readouterr().out
    assert list(summary(report)["recordings"]) == [1, 1]


def pictures(n: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, 24, 24)).astype(np.uint8)


def test_frozen_blank_and_burnt_out_pictures_are_found():
    frozen, blank, burnt = pictures(seed=1), pictures(seed=2), pictures(seed=3)
    frozen[4:9] = frozen[4]
    blank[2:10] = 7
    burnt[:, :12] = 255
    films = {"sound": pictures(), "frozen": frozen, "blank": blank, "burnt": burnt}
    made = []
    for name, x in films.items():
        r = recording(name, np.zeros(8), rate=10.0)
        made.append(replace(r, samples=x))
    report = inspect(made, 10)
    assert list(report["verdict"]) == ["ok", "suspect", "refused", "suspect"]
    for name, word in (("frozen", "frozen"), ("blank", "blank"), ("burnt", "exposure")):
        assert word in report.loc[name, "reason"]


def test_many_recordings_are_compared_in_reasonable_time_and_a_copy_among_them_is_found(tmp_path):
    many = [recording(f"r{i:03}", noise(3_000, seed=i)) for i in range(150)]
    copy = recording("copy", 0.5 * many[40].samples[300:2_800, 0] + 0.01 * noise(2_500, seed=999))
    report = inspect([*many, copy], 1_000)
    assert list(report.index[report["verdict"] == "suspect"]) == ["r040", "copy"]
    again = load(save(copy, tmp_path / "copy.npz"))
    assert np.array_equal(again.samples, copy.samples)


def test_two_slow_sines_are_no_copies():
    t = np.arange(2_000) / 1_000
    same = [
        recording(f"r{i}", np.sin(2 * np.pi * 3 * t + i) + 0.02 * noise(2_000, seed=i))
        for i in range(6)
    ]
    assert set(inspect(same, 1_000)["verdict"]) == {"ok"}
