"""The CMake project, for real: built and run here and on an emulated core."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from edgekit.export.projects import write
from tests.export.projects.fixture_project import (
    GOLDEN,
    OUTPUTS,
    SOURCE,
    X,
    cross,
    expected,
    selftest_on_core,
)
from tests.export.projects.stubs import stubs

needs_cmake = pytest.mark.skipif(not shutil.which("cmake"), reason="cmake is not installed")


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


@needs_cmake
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


@needs_cmake
def test_the_toolchain_file_builds_a_firmware_that_passes(tmp_path):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN)
    toolchain = "-DCMAKE_TOOLCHAIN_FILE=toolchain-zig-cortex-m4.cmake"
    for command in (["-B", "b", toolchain, f"-DPYTHON={sys.executable}"], ["--build", "b"]):
        done = subprocess.run(["cmake", *command], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "warning" not in (done.stdout + done.stderr).lower()
    assert selftest_on_core(folder / "b/selftest.elf") == 0


KERNEL = """
cmake_minimum_required(VERSION 3.20)
project(around C)
{first}
{second}
add_executable(app app.c)
target_link_libraries(app PRIVATE m)
"""


@needs_cmake
@pytest.mark.parametrize("kernel", ["before", "after", "absent"])
def test_the_glue_joins_in_wherever_the_kernel_is_added(tmp_path, kernel):
    write(SOURCE, tmp_path / "m", "cmake", GOLDEN, rtos="freertos")
    stubs(tmp_path / "kernel")
    (tmp_path / "kernel/CMakeLists.txt").write_text(
        "add_library(freertos_kernel INTERFACE)\ntarget_include_directories(freertos_kernel INTERFACE .)\n"
    )
    lines = ["add_subdirectory(kernel)", "add_subdirectory(m)"]
    first, second = {"before": lines, "after": lines[::-1], "absent": ["", lines[1]]}[kernel]
    (tmp_path / "CMakeLists.txt").write_text(KERNEL.format(first=first, second=second))
    (tmp_path / "app.c").write_text('#include "m_task.h"\nint main(void) { return m_poll(); }\n')
    subprocess.run(["cmake", "-B", "build"], cwd=tmp_path, check=True, capture_output=True)
    subprocess.run(
        ["cmake", "--build", "build", "--target", "m"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    archive = (tmp_path / "build/m/libm.a").read_bytes()
    assert (b"m_sample_isr" in archive) == (kernel != "absent")


USES = """
{includes}
int main() {{
  struct m_result result;
  m_invoke();
  m_on_sample(1);
  m_poll();
  m_sample_isr(2);
  static float features[M_INPUT_SIZE];
  m_quantize(features, m_input());
  return m_output()[0] + m_latest(&result) + m_selftest();
}}
"""


@pytest.mark.skipif(not shutil.which("g++"), reason="g++ is not installed")
def test_a_cpp_program_includes_each_public_header_alone_and_links(tmp_path):
    from edgekit.signal import BandEnergies

    bands = BandEnergies(rate=1000, window=64, frame=32, hop=32, edges=tuple(range(0, 288, 32)))
    features = bands.c("m", quantization=(0.25, 3), sensitivity=0.001)
    src = write(SOURCE, tmp_path / "m", "cmake", GOLDEN, features=features) / "src"
    strict = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I", src]
    public = sorted(p.name for p in src.glob("m*.h") if p.name != "m_weights.h")
    assert {"m.h", "m_task.h", "m_rtos.h", "m_selftest.h", "m_features.h"} <= set(public)
    for header in [*public, "m_weights.h"]:  # the weights are the model's own, and C
        language = [["gcc", "-std=c99"], ["g++", "-std=c++11"]][header in public]
        (tmp_path / "alone.c").write_text(f'#include "{header}"\nextern int unused;\n')
        how = [*language, "-x", "c++" if header in public else "c", *strict]
        done = subprocess.run(
            [*how, "-Wno-unused-variable", "-c", tmp_path / "alone.c", "-o", "/dev/null"],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    (tmp_path / "main.cpp").write_text(
        USES.format(includes="".join(f'#include "{h}"\n' for h in public))
    )
    sources = [str(p) for p in src.glob("*.c")]
    subprocess.run(["gcc", "-Os", "-c", "-I", src, *sources], cwd=tmp_path, check=True)
    objects = [p.name for p in tmp_path.glob("*.o")]
    done = subprocess.run(
        ["g++", *strict, "main.cpp", *objects, "-o", "app"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
