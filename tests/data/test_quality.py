"""Each fault that a sensor or a person makes is seen, named and not silently passed on."""

from __future__ import annotations

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.data import inspect, keep
from tests.data.samples import noise, recording

CLEAN = noise(4_000, seed=9)


def with_(indices, value) -> np.ndarray:
    x = noise(4_000, seed=3)
    x[indices] = value
    return x


FAULTS = {
    "one NaN": (with_(7, np.nan), "suspect", "NaN"),
    "infinite": (with_(slice(5, 9), np.inf), "suspect", "4 samples"),
    "NaN everywhere": (with_(slice(0, None, 100), np.nan), "refused", "no stretch"),
    "constant": (np.full(4_000, 1.5), "refused", "constant"),
    "a little clipping": (np.clip(noise(seed=3), -1.8, 1.8).repeat(2), "suspect", "clipping"),
    "hard clipping": (np.clip(noise(seed=3), -0.5, 0.5), "refused", "clipping"),
    "a dropout": (with_(slice(100, 160), 0.0), "suspect", "dropouts"),
    "stuck": (with_(slice(100, 2_000), 0.3), "refused", "dropouts"),
    "offset": (noise(seed=3) + 0.2, "ok", "offset"),
    "large offset": (noise(seed=3) + 4, "suspect", "offset"),
    "too short": (noise(100, seed=3), "refused", "too short"),
    "empty": (np.zeros(0), "refused", "too short"),
    "identical": (CLEAN, "refused", "identical to clean"),
    "shifted": (np.concatenate([noise(500, seed=4), CLEAN[:3_500]]), "suspect", "nearly a copy"),
    "scaled": (-0.3 * CLEAN, "suspect", "nearly a copy"),
    "a cropped copy": (CLEAN[1_000:2_500], "suspect", "nearly a copy"),
    "a copy beside a loud knock": (
        np.concatenate([CLEAN[900:3_100], 50 * noise(1_800, seed=6)]),
        "suspect",
        "nearly a copy",
    ),
    "a noisy copy": (CLEAN + 0.1 * noise(seed=5), "suspect", "nearly a copy"),
}


@pytest.mark.parametrize(("samples", "verdict", "word"), FAULTS.values(), ids=FAULTS)
def test_a_fault_gets_its_verdict_and_its_reason(samples, verdict, word):
    report = inspect([recording("clean", CLEAN), recording("faulty", samples)], 1_000)
    assert report.loc["faulty", "verdict"] == verdict
    assert word in report.loc["faulty", "reason"]
    assert report.loc["clean", "verdict"] == ("suspect" if "nearly" in word else "ok")


def test_clean_recordings_are_ok_without_a_note():
    report = inspect(
        [recording(f"r{i}", noise(seed=i) - noise(seed=i).mean()) for i in range(5)], 1_000
    )
    assert set(report["verdict"]) == {"ok"}
    assert set(report["reason"]) == {""}


def test_a_copy_with_another_label_refuses_both():
    both = [recording("a", CLEAN, label="normal"), recording("b", CLEAN, label="inner")]
    report = inspect([*both, recording("c", noise())], 1_000)
    assert list(report["verdict"]) == ["refused", "refused", "ok"]
    assert "labelled otherwise" in report.loc["a", "reason"]


def test_a_rate_below_the_target_is_suspect_and_a_rate_that_tells_the_class_is_said():
    report = inspect([recording("slow", noise(), rate=800)], 1_000)
    assert report.loc["slow", "verdict"] == "suspect"
    report = inspect(
        [recording("a", noise(), 2_000, "normal"), recording("b", noise(seed=1), 4_000, "inner")],
        1_000,
    )
    assert report["reason"].str.contains("classes differ in rate").all()


def test_an_impossible_rate_is_refused():
    assert inspect([recording("a", noise(), 0.0)], 1_000)["verdict"].item() == "refused"


def test_a_dead_channel_among_live_ones_is_suspect():
    x = np.stack([noise(), np.zeros(4_000)], axis=1)
    report = inspect([recording("a", x, channels=("x", "y"))], 1_000)
    assert report["verdict"].item() == "suspect"


def test_keep_says_what_it_left_out(capsys):
    recordings = [recording("good", noise()), recording("bad", with_(slice(0, None, 99), np.nan))]
    kept = keep(recordings, inspect(recordings, 1_000))
    assert [r.name for r in kept] == ["good"]
    said = capsys.readouterr().out
    assert "kept 1 of 2" in said
    assert "refused bad: 41 samples are NaN" in said


@pytest.mark.parametrize(
    "recordings",
    [
        [],
        [recording("a", np.zeros(0))],
        [recording("a", np.full(4_000, np.nan))],
        [recording("a", noise()), recording("a", noise(seed=1))],
    ],
    ids=["none", "empty", "all NaN", "same name"],
)
def test_nothing_to_inspect_is_one_clear_line(recordings):
    with pytest.raises(EdgekitError):
        inspect(recordings, 1_000)


def test_keep_refuses_to_return_nothing_or_to_use_a_foreign_report():
    bad = [recording("a", with_(slice(0, None, 99), np.nan))]
    with pytest.raises(EdgekitError, match="every recording was refused"):
        keep(bad, inspect(bad, 1_000))
    with pytest.raises(EdgekitError, match="other recordings"):
        keep([recording("b", noise())], inspect(bad, 1_000))
