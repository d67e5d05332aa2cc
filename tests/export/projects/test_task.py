"""The inference task: it survives an interrupt after any instruction, and loses nothing uncounted."""

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.export.projects import write
from tests.export.projects.fixture_project import (
    GOLDEN,
    INPUTS,
    M4,
    OUTPUTS,
    SOURCE,
    Core,
    compile_,
    rng,
)

DRIVER = """
#include "m_task.c"
static int8_t in[M_TASK_WINDOW], out[M_TASK_WINDOW];
void (*hook)(void);
int8_t *m_input(void) { return in; }
const int8_t *m_output(void) { return out; }
void m_invoke(void) {
  if (hook) hook();
  for (int i = 0; i < M_TASK_WINDOW; i++) out[i] = in[i];
}
void reset(void) { full = NONE; filling = 0; at = sampled = overruns = newest = 0; }
struct m_result copy;
int poll(int unused) { (void)unused; return m_poll(); }
int latest(int unused) { (void)unused; return m_latest(&copy); }
__attribute__((noinline, used)) void m_wait(void) { for (;;) __asm__ volatile(""); }
"""
FAKE_MODEL = """
#include <stdint.h>
#define M_INPUT_SCALE 1.0f
#define M_INPUT_ZERO_POINT 0
int8_t *m_input(void);
const int8_t *m_output(void);
void m_invoke(void);
"""


def task_source(folder, window):
    """The task as shipped, over a model that copies its input to its output."""
    written = write(SOURCE, folder / "m", "cmake", GOLDEN)
    (folder / "driver.c").write_text(DRIVER)
    (folder / "m.h").write_text(FAKE_MODEL)
    (folder / "m_task.c").write_text((written / "src/m_task.c").read_text())
    text = (written / "src/m_task.h").read_text()
    text = text.replace(f"WINDOW {INPUTS} ", f"WINDOW {window} ")
    (folder / "m_task.h").write_text(text.replace(f"OUTPUTS {OUTPUTS}\n", f"OUTPUTS {window}\n"))
    return folder / "driver.c"


@pytest.fixture(scope="module")
def host_task(tmp_path_factory):
    folder = tmp_path_factory.mktemp("task")
    source = task_source(folder, 8)
    flags = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-DM_SAMPLE_SCALE=1.0f"]
    compile_("cc", *flags, source, "-o", folder / "task.so")
    return ctypes.CDLL(str(folder / "task.so"))


def cross_task(folder, window):
    source = task_source(folder, window)
    flags = ["-Os", "-g", "-DM_SAMPLE_SCALE=1.0f", "-Wl,-e,poll", "-Wl,--no-gc-sections"]
    script = f"-Wl,-T,{folder / 'm/selftest/link.ld'}"
    compile_("cc", *M4, *flags, script, source, "-o", folder / "task.elf")
    return folder / "task.elf"


def sample(k: int) -> int:
    return k % 251 - 125


def whole(window) -> bool:
    """Are these consecutive samples?"""
    steps = np.diff(np.asarray(window, int) + 125) % 251
    return bool((steps == 1).all())


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.booleans()), max_size=25))
def test_no_window_is_torn_and_every_lost_one_is_counted(host_task, script):
    """(samples before a poll, samples that interrupt its inference, whether the result is looked at)."""
    task, count, worked, woken = host_task, 0, 0, 0
    task.reset()
    latest = (ctypes.c_uint8 * 16).in_dll(task, "copy")

    def samples(n):
        nonlocal count, woken
        for _ in range(n):
            woken += task.m_on_sample(ctypes.c_int16(sample(count)))
            count += 1

    for before, during, look in script:
        samples(before)
        hook = ctypes.CFUNCTYPE(None)(lambda n=during: samples(n))
        ctypes.c_void_p.in_dll(task, "hook").value = ctypes.cast(hook, ctypes.c_void_p).value
        worked += task.poll(0)
        assert task.latest(0) == (worked > 0)
        if look and worked:
            number = int.from_bytes(bytes(latest[:4]), "little")
            output = np.frombuffer(bytes(latest[8:16]), np.int8)
            assert whole(output)
            assert output[0] == sample((number - 1) * 8)  # dated, whatever was thrown away before
    ctypes.c_void_p.in_dll(task, "hook").value = None
    assert woken == worked + task.poll(
        0
    )  # each window that woke the task was worked on, or still waits
    assert count // 8 == woken + task.m_overruns()


def test_an_interrupt_after_any_instruction_does_no_harm(tmp_path):
    """On the emulated core: poll() interrupted after 1, 2, 3 … instructions by a burst of samples."""
    core = Core(cross_task(tmp_path, 8))
    count = worked = woken = 0

    def burst(n):
        nonlocal count, woken
        for _ in range(n):
            woken += core.call("m_on_sample", sample(count) & 0xFFFF_FFFF)
            count += 1

    core.call("reset")
    for step in range(1, 400):
        burst(int(rng.integers(0, 9)))
        during = int(rng.integers(1, 20))
        worked += core.call("poll", 0, step, lambda n=during: burst(n))
        if worked:
            assert core.call("latest") == 1
            number, _, *rest = core.read("copy", count=4)
            output = np.array(rest, np.uint32).view(np.int8)
            assert whole(output)
            assert output[0] == sample((int(number) - 1) * 8)
    worked += core.call("poll")
    assert worked == woken > 100
    assert count // 8 == woken + core.call("m_overruns") > woken


def test_a_reader_is_never_given_half_a_result(tmp_path):
    """latest() interrupted after any instruction by inferences, and an inference by latest()."""
    core, count = Core(cross_task(tmp_path, 32)), 0
    core.call("reset")

    def fill():
        nonlocal count
        for _ in range(32):
            core.call("m_on_sample", sample(count) & 0xFFFF_FFFF)
            count += 1

    def infer(times):
        for _ in range(times):
            fill()
            core.call("poll")

    def check():
        number, _, *rest = core.read("copy", count=10)
        output = np.array(rest, np.uint32).view(np.int8)
        assert whole(output)
        assert output[0] == sample((int(number) - 1) * 32)  # of the window with that number

    infer(1)
    for step in range(1, 60):
        assert core.call("latest", 0, step, lambda n=1 + step % 3: infer(n)) == 1
        check()
    for step in range(1, 1000, 3):
        fill()
        core.call("poll", 0, step, lambda: core.call("latest"))
        check()


def test_the_count_of_results_turns_over_without_a_gap(tmp_path):
    """As on a core of 8 bits, where it is a byte: 600 results, each of them there and the right one."""
    source = task_source(tmp_path, 8)
    task = tmp_path / "m_task.c"
    text = task.read_text()
    task.write_text(text.replace("#if __SIZEOF_INT__ < 4", "#if 1"))
    assert task.read_text() != text
    flags = ["-O2", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-DM_SAMPLE_SCALE=1.0f"]
    compile_("cc", *flags, source, "-o", tmp_path / "task.so")
    library = ctypes.CDLL(str(tmp_path / "task.so"))
    latest = (ctypes.c_uint8 * 16).in_dll(library, "copy")
    assert library.latest(0) == 0
    for window in range(600):
        for k in range(8):
            library.m_on_sample(ctypes.c_int16(sample(8 * window + k)))
        assert library.poll(0) == 1
        assert library.latest(0) == 1
        assert int.from_bytes(bytes(latest[:4]), "little") == window + 1
        assert bytes(latest[8:16]) == bytes(sample(8 * window + k) & 255 for k in range(8))


def test_sampling_takes_the_same_few_instructions_for_any_window(tmp_path):
    costs = {}
    for window in (8, 512):
        (tmp_path / str(window)).mkdir()
        core, seen = Core(cross_task(tmp_path / str(window), window)), []
        core.call("reset")
        counted = [0]
        core.uc.hook_add(
            4, lambda uc, at, size, user, c=counted: c.__setitem__(0, c[0] + 1)
        )  # CODE
        for _ in range(3 * window + 1):
            counted[0] = 0
            core.call("m_on_sample")
            seen.append(counted[0])
        costs[window] = max(seen)
    assert costs[8] == costs[512] <= 40


@pytest.mark.parametrize(
    "cpu",
    [
        ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0plus"),
        ("-target", "riscv32-freestanding-none", "-mcpu=generic_rv32+m+c"),
    ],
)
def test_the_task_needs_no_library_on_cores_without_atomic_instructions(tmp_path, cpu):
    compile_(
        "cc",
        *cpu,
        "-Os",
        "-c",
        "-fno-sanitize=all",
        task_source(tmp_path, 8),
        "-o",
        tmp_path / "t.o",
    )
    data = (tmp_path / "t.o").read_bytes()
    assert b"__atomic" not in data
    assert b"__sync" not in data
