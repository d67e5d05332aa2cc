"""The CMake project, for real: built and run here and on an emulated core."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from edgekit.export.projects import write
from tests.export.projects.made import GOLDEN, OUTPUTS, SOURCE, X, cross, expected, selftest_on_core


def test_the_self_test_passes_on_the_emulated_core_and_finds_a_wrong_weight(tmp_path):
    folder = write(SOURCE, tmp_path / "good", "cmake", GOLDEN)
    cross(folder, tmp_path / "good.elf")
    assert selftest_on_core(tmp_path / "good.elf") == 0
    wrong = (
        X,
        expected() ^ np.eye(20, OUTPUTS, dtype=np.int8),
    )  # vector 0 (picked) has a bit flipped
    folder = write(SOURCE, tmp_path / "bad", "cmake", wrong)
    cross(folder, tmp_path / "bad.elf")
    assert selftest_on_core(tmp_path / "bad.elf") == 1


@pytest.mark.skipif(not shutil.which("cmake"), reason="cmake is not installed")
@pytest.mark.skipif(not shutil.which("cc"), reason="no host compiler")
def test_cmake_builds_it_and_ctest_passes(tmp_path):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN)
    for command in (["-B", "build"], ["--build", "build"]):
        subprocess.run(["cmake", *command], cwd=folder, check=True, capture_output=True)
    done = subprocess.run(
        ["ctest", "--test-dir", "build"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "100% tests passed" in done.stdout


@pytest.mark.skipif(not shutil.which("cmake"), reason="cmake is not installed")
def test_the_toolchain_file_builds_a_firmware_that_passes(tmp_path):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN)
    toolchain = "-DCMAKE_TOOLCHAIN_FILE=toolchain-zig-cortex-m4.cmake"
    for command in (["-B", "b", toolchain, f"-DPYTHON={sys.executable}"], ["--build", "b"]):
        done = subprocess.run(["cmake", *command], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower()
    assert selftest_on_core(folder / "b/selftest.elf") == 0
