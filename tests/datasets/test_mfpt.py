"""The real rig: what its files say, and one clear line when they are broken."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.io import savemat

from edgekit.core.errors import EdgekitError
from edgekit.data import inspect
from edgekit.datasets import cached, mfpt
from edgekit.datasets.bearing_physics import NICE, fault_frequencies
from tests.datasets.spectra import peak_over_median


@pytest.fixture(scope="module")
def real():
    folder = cached("mfpt")
    if folder is None:
        pytest.skip("the MFPT recordings are not in the cache; fetch('mfpt') brings them")
    return mfpt.load(folder)


@pytest.fixture
def fake(tmp_path):
    """Twenty tiny files of the right names and layout."""
    for i, name in enumerate(mfpt.NAMES):
        gs = np.random.default_rng(i).standard_normal((100, 1))
        bearing = {"sr": 48_828, "gs": gs, "load": "50", "rate": 25}
        savemat(tmp_path / f"{name}.mat", {"bearing": bearing})
    return tmp_path


def test_the_real_set_is_complete_and_usable(real):
    assert [r.label for r in real] == ["normal"] * 3 + ["outer"] * 10 + ["inner"] * 7
    assert {r.rate for r in real} == {97_656.0, 48_828.0}
    assert {r.meta["load_lb"] for r in real if r.label == "inner"} == set(range(0, 301, 50))
    report = inspect(real, 10_000)
    assert set(report["verdict"]) == {"ok"}
    assert report["reason"].str.contains("the classes differ in rate").all()


def test_faults_of_the_real_rig_show_where_geometry_says(real):
    for recording in real:
        hz = fault_frequencies(NICE, recording.meta["shaft_hz"])
        peak = {fault: peak_over_median(recording, hz[fault]) for fault in ("BPFO", "BPFI")}
        if recording.label == "normal":
            assert max(peak.values()) < 5, recording.name
        else:
            assert peak["BPFO" if recording.label == "outer" else "BPFI"] > 30, recording.name


def test_loads_files_of_the_known_layout(fake):
    recordings = mfpt.load(fake)
    assert len(recordings) == len({r.group for r in recordings}) == 20
    assert recordings[-1].meta["load_lb"] == 50
    assert recordings[0].domain == "field"


def test_a_missing_file_is_named(fake):
    (fake / "baseline_2.mat").unlink()
    with pytest.raises(EdgekitError, match=r"baseline_2\.mat"):
        mfpt.load(fake)


@pytest.mark.parametrize("size", [0, 10, 130, 700])
def test_a_truncated_file_is_named(fake, size):
    path = fake / "OuterRaceFault_vload_4.mat"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(EdgekitError, match=r"OuterRaceFault_vload_4\.mat is not a readable"):
        mfpt.load(fake)


def test_another_mat_file_is_named(fake):
    savemat(fake / "baseline_1.mat", {"speech": np.zeros(3)})
    with pytest.raises(EdgekitError, match=r"baseline_1\.mat is not a readable"):
        mfpt.load(fake)
