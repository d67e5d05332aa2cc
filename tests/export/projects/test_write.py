"""Writing a project: what goes into it, what is refused, and nobody's work is lost."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.export.projects import RTOS, write
from edgekit.signal import FeatureCode
from tests.export.projects.fixture_project import (
    GOLDEN,
    INPUTS,
    OUTPUTS,
    SOURCE,
    Core,
    X,
    cross,
    expected,
    rng,
    selftest_on_core,
)

FILES = {
    "m_features.h": f"void m_features(const float *, float *);\n"
    f"#include <stdint.h>\nvoid m_quantize(const float *, int8_t *);\n/* {INPUTS} */\n",
    "m_features.c": '#include "m_features.h"\n'
    f"void m_features(const float *x, float *f) {{ for (int i = 0; i < {INPUTS}; i++) f[i] = x[2 * i]; }}\n"
    f"void m_quantize(const float *f, int8_t *q) {{\n"
    f"  for (int i = 0; i < {INPUTS}; i++) q[i] = (int8_t)f[i];\n}}\n",
}
FEATURES = FeatureCode(FILES, window=32)


KEEP = """
#include "m_rtos.h"
__attribute__((used, section(".vectors"))) static const void *const keep[] = {
    (const void *)m_on_sample, (const void *)m_poll}; /* or the linker drops what nothing calls */
"""


def test_the_task_computes_what_python_computes(tmp_path):
    """Counts in, outputs out, on the emulated core, with a step of edgekit.signal in between."""
    from edgekit.signal import BandEnergies, to_int8

    bands = BandEnergies(rate=1000, window=64, frame=32, hop=32, edges=tuple(range(0, 288, 32)))
    files = bands.c("m", quantization=(0.25, 3), sensitivity=0.001)
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN, features=files, sample_scale=0.001)
    (folder / "src/keep.c").write_text(KEEP)
    cross(folder, tmp_path / "m.elf")
    core = Core(tmp_path / "m.elf")
    core.call("m_reset")
    counts = rng.integers(-3000, 3000, 64)
    woken = [core.call("m_on_sample", int(c) & 0xFFFF_FFFF) for c in counts]
    assert woken == [0] * 63 + [1]
    assert core.call("m_poll") == 1
    wanted = bands((counts * np.float32(0.001)).astype(np.float32).reshape(1, 64, 1))
    slot = core.read("results", np.int8, 24)[12:]  # the second one, for window 1
    output = slot[8:][:OUTPUTS]  # past number and best
    np.testing.assert_array_equal(output, expected(to_int8(wanted, 0.25, 3).reshape(1, -1))[0])
    with pytest.raises(EdgekitError, match=r"sensitivity is 0\.001"):
        write(SOURCE, tmp_path / "n", "cmake", GOLDEN, features=files, sample_scale=0.5)


def test_features_stand_between_the_samples_and_the_model(tmp_path):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN, features=FEATURES)
    assert "#define M_TASK_WINDOW 32 " in (folder / "src/m_task.h").read_text()
    assert "m_features(samples, features);" in (folder / "src/m_task.c").read_text()
    cross(folder, tmp_path / "m.elf")
    assert selftest_on_core(tmp_path / "m.elf") == 0
    for wrong, message in (
        (FILES, "FeatureCode"),
        (FeatureCode(FILES, 32, ["features"]), r"lack m_quantize\(\)"),
        (FEATURES.without("m_features.h"), r"lack m_features\.h"),
        (FeatureCode(FILES, 0), "window of 0"),
    ):
        with pytest.raises(EdgekitError, match=message):
            write(SOURCE, tmp_path / "n", "cmake", GOLDEN, features=wrong)


def test_a_project_is_replaced_only_while_it_is_as_edgekit_wrote_it(tmp_path):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN)
    first = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert write(SOURCE, folder, "cmake", GOLDEN) == folder
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == first
    (folder / "build-m4").mkdir()
    (folder / "build-m4/selftest.elf").write_text("derived")
    assert write(SOURCE, folder, "cmake", GOLDEN) == folder
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(EdgekitError, match=r"changed since edgekit wrote it \(notes.txt\)"):
        write(SOURCE, folder, "zephyr", GOLDEN)
    assert (folder / "notes.txt").read_text() == "mine"
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("…")
    with pytest.raises(EdgekitError, match="did not write"):
        write(SOURCE, other, "cmake", GOLDEN)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["m", "other"]  # nothing half-written


def test_equal_inputs_give_an_equal_zip(tmp_path):
    a, b = (write(SOURCE, tmp_path / d / "m", "arduino", GOLDEN).read_bytes() for d in "ab")
    assert a == b


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "zefyr"}, "Did you mean 'zephyr'"),
        ({"rtos": "freertoss"}, "Did you mean 'freertos'"),
        ({"rtos": "zephyr"}, "bare or freertos or threadx"),
        ({"kind": "platformio", "board": "uno"}, "platform/board"),
        ({"golden": (X.astype(np.float32), GOLDEN[1])}, "do not fit"),
        ({"golden": (X[:, :5], GOLDEN[1])}, "do not fit"),
        ({"golden": (X[:5], GOLDEN[1])}, "5 golden inputs and 20"),
        ({"window": 99}, "window is the model's input"),
        ({"sample_scale": 0}, "positive"),
        ({"board": "x; rm"}, "no board's name"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(tmp_path, change, message):
    arguments = {"kind": "cmake", "golden": GOLDEN} | change
    with pytest.raises(EdgekitError, match=message):
        write(SOURCE, tmp_path / "m", **arguments)
    assert not list(tmp_path.iterdir())
    assert set(RTOS) == {"bare", "freertos", "zephyr", "threadx"}
