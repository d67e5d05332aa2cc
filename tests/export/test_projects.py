"""Projects: the CMake one is built and run, here and on an emulated core; the task survives any interrupt."""

import ctypes
import hashlib
import json
import shutil
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.errors import EdgekitError
from edgekit.export import generate
from edgekit.export import quantize as q
from edgekit.export.graph import Graph, Operator, Tensor
from edgekit.export.projects import KINDS, RTOS, write

ziglang = pytest.importorskip("ziglang")
ZIG = [sys.executable, "-m", "ziglang"]
M4 = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp", "-fno-sanitize=all"]
INPUTS, OUTPUTS = 16, 3

rng = np.random.default_rng(7)
WEIGHTS = rng.integers(-127, 128, (OUTPUTS, INPUTS)).astype(np.int8)
BIAS = rng.integers(-500, 500, OUTPUTS).astype(np.int32)
X = rng.integers(-128, 128, (20, INPUTS)).astype(np.int8)


def tensor(index, name, shape, dtype, scale, zero=0, data=None):
    scale = np.array([scale], np.float32)
    return Tensor(index, name, shape, np.dtype(dtype), scale, np.array([zero]), 0, data)


def model() -> Graph:
    """One fully connected layer."""
    tensors = (
        tensor(0, "x", (1, INPUTS), "int8", 0.25, 3),
        tensor(1, "w", WEIGHTS.shape, "int8", 0.01, 0, WEIGHTS),
        tensor(2, "b", BIAS.shape, "int32", 0.0025, 0, BIAS),
        tensor(3, "y", (1, OUTPUTS), "int8", 0.5, -4),
    )
    options = {"activation": "none", "weights_format": 0, "keep_num_dims": False}
    fc = Operator(0, "FULLY_CONNECTED", (0, 1, 2), (3,), options)
    return Graph(tensors, (fc,), (0,), (3,), hashlib.sha256(WEIGHTS.tobytes()).hexdigest(), 500)


def expected(X=X) -> np.ndarray:
    """The layer in numpy, rounded as TFLM does."""
    sums = (X.astype(np.int64) - 3) @ WEIGHTS.T.astype(np.int64) + BIAS
    y = q.multiply_by_quantized(sums.astype(object), *q.quantize_multiplier(
        float(np.float32(0.25)) * float(np.float32(0.01)) / 0.5))  # fmt: skip
    return np.clip(y - 4, -128, 127).astype(np.int8)


SOURCE, GOLDEN = generate(model(), "m"), (X, expected())


def compile_(*arguments, cwd=None):
    done = subprocess.run([*ZIG, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Core:
    """A Cortex-M4 with a program in its flash."""

    def __init__(self, path):
        unicorn = pytest.importorskip("unicorn")
        from unicorn import arm_const as arm

        from edgekit.device import elf

        self.image, self.arm = elf.parse(path.read_bytes()), arm
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        for base, size in ((0x0800_0000, 1 << 20), (0x2000_0000, 1 << 18), (0xE000_E000, 0x1000)):
            self.uc.mem_map(base, size)
        for address, data in self.image.segments:
            self.uc.mem_write(address, data)
        self.uc.reg_write(arm.UC_ARM_REG_FPEXC, 0x4000_0000)
        self.uc.reg_write(arm.UC_ARM_REG_SP, 0x2003_0000)

    def at(self, symbol):
        return self.image.symbols[symbol].address

    def read(self, symbol, kind=np.uint32, count=1):
        raw = self.uc.mem_read(self.at(symbol), count * np.dtype(kind).itemsize)
        return np.frombuffer(bytes(raw), kind)

    def call(self, function, argument=0, interrupt_after=None, interrupt=None):
        """Call a function of one argument; after so many instructions, run `interrupt` in between."""
        uc, arm, back = self.uc, self.arm, self.at("m_wait")
        uc.reg_write(arm.UC_ARM_REG_R0, argument)
        uc.reg_write(arm.UC_ARM_REG_LR, back | 1)
        start = self.at(function)
        if interrupt_after:
            uc.emu_start(start | 1, back, count=interrupt_after)
            start = uc.reg_read(arm.UC_ARM_REG_PC)
            state = uc.context_save()
            interrupt()
            uc.context_restore(state)
        if start != back:
            uc.emu_start(start | 1, back, timeout=5_000_000)
        assert uc.reg_read(arm.UC_ARM_REG_PC) & ~1 == back, "it did not return"
        return uc.reg_read(arm.UC_ARM_REG_R0)


def selftest_on_core(path) -> int:
    """From reset to m_wait; how many golden vectors differed."""
    core = Core(path)
    start = int.from_bytes(core.uc.mem_read(0x0800_0004, 4), "little")
    core.uc.mem_write(core.at("m_result"), b"\xff\xff\xff\xff")
    core.uc.emu_start(start | 1, core.at("m_wait"), timeout=10_000_000)
    assert core.uc.reg_read(core.arm.UC_ARM_REG_PC) & ~1 == core.at("m_wait")
    return int(core.read("m_result")[0])


def cross(folder, path):
    """The CMake project's sources and flags, by zig alone."""
    sources = [*sorted((folder / "src").glob("*.c")), folder / "selftest/device.c"]
    script = f"-Wl,-T,{folder / 'selftest/link.ld'}"
    flags = [
        "-Os",
        "-g",
        "-ffunction-sections",
        "-fno-strict-aliasing",
        "-Wl,--gc-sections",
        "-Wl,-e,m_reset",
        script,
    ]
    compile_("cc", *M4, *flags, "-I", folder / "src", *sources, "-o", path)


# ------------------------------------------------------------------------- the CMake project, for real


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


# ------------------------------------------------------------------------------------------- the task

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
void reset(void) { full = NONE; filling = at = overruns = newest = 0; }
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
            assert int.from_bytes(bytes(latest[:4]), "little") == worked
            assert whole(np.frombuffer(bytes(latest[8:16]), np.int8))
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
            assert number == worked
            assert whole(np.array(rest, np.uint32).view(np.int8))
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


# ------------------------------------------------------------------------- the other kinds, in form

STUBS = {
    "FreeRTOS.h": """
#pragma once
#include <stddef.h>
#include <stdint.h>
typedef uint32_t StackType_t; typedef long BaseType_t; typedef unsigned long UBaseType_t;
typedef uint32_t TickType_t; typedef struct { int x; } StaticTask_t; typedef struct tcb *TaskHandle_t;
#define pdFALSE 0
#define pdTRUE 1
#define portMAX_DELAY 0xffffffffu
#define tskIDLE_PRIORITY ((UBaseType_t)0)
#define portYIELD_FROM_ISR(x) ((void)(x))
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))
""",
    "task.h": """
#pragma once
TaskHandle_t xTaskCreateStatic(void (*)(void *), const char *, uint32_t, void *, UBaseType_t,
                               StackType_t *, StaticTask_t *);
uint32_t ulTaskNotifyTake(BaseType_t, TickType_t);
void vTaskNotifyGiveFromISR(TaskHandle_t, BaseType_t *);
void vTaskPrioritySet(TaskHandle_t, UBaseType_t);
void vTaskDelay(TickType_t);
""",
    "freertos/FreeRTOS.h": '#include "../FreeRTOS.h"\n',
    "freertos/task.h": '#include "../task.h"\n',
    "driver/gptimer.h": """
#include <stdbool.h>
#include <stdint.h>
typedef struct t *gptimer_handle_t;
typedef struct { int x; } gptimer_alarm_event_data_t;
enum { GPTIMER_CLK_SRC_DEFAULT, GPTIMER_COUNT_UP };
typedef struct { int clk_src, direction; uint32_t resolution_hz; } gptimer_config_t;
typedef struct { bool (*on_alarm)(gptimer_handle_t, const gptimer_alarm_event_data_t *, void *); }
    gptimer_event_callbacks_t;
typedef struct { uint64_t alarm_count; struct { int auto_reload_on_alarm; } flags; } gptimer_alarm_config_t;
int gptimer_new_timer(const gptimer_config_t *, gptimer_handle_t *);
int gptimer_register_event_callbacks(gptimer_handle_t, const gptimer_event_callbacks_t *, void *);
int gptimer_set_alarm_action(gptimer_handle_t, const gptimer_alarm_config_t *);
int gptimer_enable(gptimer_handle_t);
int gptimer_start(gptimer_handle_t);
""",
    "esp_err.h": "#define ESP_ERROR_CHECK(x) ((void)(x))\n",
    "zephyr/kernel.h": """
#include <stddef.h>
#include <stdint.h>
struct k_thread { int x; }; struct k_sem { int x; }; struct k_timer { int x; };
typedef struct { int64_t ticks; } k_timeout_t; typedef struct k_thread *k_tid_t; typedef int k_thread_stack_t;
#define CONFIG_M_STACK_SIZE 2048
#define K_LOWEST_APPLICATION_THREAD_PRIO 14
#define K_FOREVER ((k_timeout_t){-1})
#define K_NO_WAIT ((k_timeout_t){0})
#define K_MSEC(ms) ((k_timeout_t){ms})
#define K_THREAD_STACK_DEFINE(name, size) k_thread_stack_t name[size]
#define K_SEM_DEFINE(name, first, limit) struct k_sem name = {first + 0 * (limit)}
#define K_TIMER_DEFINE(name, on, off) struct k_timer name; \\
  void (*const name##_on)(struct k_timer *) = on; void (*const name##_off)(struct k_timer *) = off
int k_sem_take(struct k_sem *, k_timeout_t);
void k_sem_give(struct k_sem *);
k_tid_t k_thread_create(struct k_thread *, k_thread_stack_t *, size_t, void (*)(void *, void *, void *),
                        void *, void *, void *, int, uint32_t, k_timeout_t);
int k_thread_name_set(k_tid_t, const char *);
void k_thread_priority_set(k_tid_t, int);
k_tid_t k_current_get(void);
void k_timer_start(struct k_timer *, k_timeout_t, k_timeout_t);
int32_t k_sleep(k_timeout_t);
""",
    "zephyr/sys/printk.h": "void printk(const char *, ...);\n",
    "tx_api.h": """
typedef unsigned long ULONG; typedef unsigned int UINT; typedef char CHAR; typedef void VOID;
typedef struct { int x; } TX_THREAD; typedef struct { int x; } TX_SEMAPHORE;
#define TX_MAX_PRIORITIES 32
#define TX_WAIT_FOREVER 0xffffffffUL
#define TX_NO_TIME_SLICE 0UL
#define TX_AUTO_START 1
#define TX_SUCCESS 0
UINT tx_semaphore_create(TX_SEMAPHORE *, CHAR *, ULONG);
UINT tx_semaphore_get(TX_SEMAPHORE *, ULONG);
UINT tx_semaphore_ceiling_put(TX_SEMAPHORE *, ULONG);
UINT tx_thread_create(TX_THREAD *, CHAR *, VOID (*)(ULONG), ULONG, VOID *, ULONG, UINT, UINT, ULONG, UINT);
""",
    "Arduino.h": """
#pragma once
#include <stdint.h>
enum { A0 = 14, RISING = 3 };
int analogRead(int);
int digitalPinToInterrupt(int);
void attachInterrupt(int, void (*)(), int);
struct Console { void begin(long); template <class T> void print(T); template <class T> void println(T); };
extern Console Serial;
""",
}


def stubs(folder):
    for name, text in STUBS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("kind", "rtos"), [(kind, rtos) for kind, (systems, _) in KINDS.items() for rtos in systems]
)
def test_all_c_compiles_against_the_sdks_names(tmp_path, kind, rtos):
    folder = tmp_path / "m"
    path = write(SOURCE, folder, kind, GOLDEN, rtos=rtos)
    if kind == "arduino":
        with zipfile.ZipFile(path) as z:
            z.extractall(tmp_path / "unzipped")
        folder = tmp_path / "unzipped/m"
    include = ["-I", folder / "src", "-isystem", stubs(tmp_path / "stubs")]
    checks = ["-c", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
    sources = [p for p in folder.rglob("*.c") if p.name != "device.c"]
    assert len(sources) >= 4
    compile_("cc", "-std=gnu99", *checks, *include, *sources, cwd=tmp_path)
    sketches = [p for p in folder.rglob("*") if p.suffix in (".ino", ".cpp")]
    assert bool(sketches) == (kind in ("arduino", "platformio"))
    for sketch in sketches:
        before = ["-include", tmp_path / "stubs/Arduino.h", "-x", "c++"]
        compile_("c++", *checks, *include, *before, sketch, cwd=tmp_path)


REQUIRED = {
    "cmake": ["CMakeLists.txt", "toolchain-zig-cortex-m4.cmake", "selftest/link.ld"],
    "zephyr": [
        "zephyr/module.yml",
        "CMakeLists.txt",
        "Kconfig",
        "sample/prj.conf",
        "sample/src/main.c",
    ],
    "esp-idf": ["idf_component.yml", "CMakeLists.txt", "example/main/main.c"],
    "arduino": ["m.zip"],
    "platformio": ["library.json", "example/platformio.ini", "example/src/main.cpp"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_its_tool_looks_for_is_there_and_parses(tmp_path, kind):
    yaml = pytest.importorskip("yaml")
    folder = tmp_path / "m"
    write(SOURCE, folder, kind, GOLDEN, model=b"\x1c\0\0\0TFL3")
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    if kind == "arduino":
        with zipfile.ZipFile(files["m.zip"]) as z:
            names, properties = z.namelist(), z.read("m/library.properties").decode()
        assert {"m/src/m.c", "m/src/m_task.h", "m/examples/Stream/Stream.ino"} <= set(names)
        given_ = dict(s.split("=", 1) for s in properties.splitlines() if not s.startswith("#"))
        needed = "name version author maintainer sentence paragraph category url architectures"
        assert set(needed.split()) <= set(given_)
        assert given_["name"] == "m"
        assert (tmp_path / "m/README.md").read_text().count("\n1. ") == 1
        return
    assert {"README.md", "edgekit.json", "m.tflite", "src/m.c", *REQUIRED[kind]} <= set(files)
    for name, path in files.items():
        text = path.read_bytes().decode("utf-8", "replace")
        assert "@" not in text.replace("@param", ""), name  # nothing is left to fill in
        if path.suffix in (".yml", ".yaml"):
            assert yaml.safe_load(text)
        if path.suffix == ".json":
            assert json.loads(text)
    readme = files["README.md"].read_text()
    assert all(f"\n{n}. **" in readme for n in (1, 2, 3))
    assert kind == "cmake" or "**not**" in readme.replace("has\n**not**", "has **not**")
    if kind in ("zephyr", "esp-idf"):  # every source is in the list of what to compile
        listed = files["CMakeLists.txt"].read_text()
        assert all(f"src/{p.name}" in listed for p in (folder / "src").glob("*.c"))


FEATURES = {
    "m_features.h": f"#define M_WINDOW 32\nvoid m_features(const float *, float *);\n"
    f"#include <stdint.h>\nvoid m_quantize(const float *, int8_t *);\n/* {INPUTS} */\n",
    "m_features.c": '#include "m_features.h"\n'
    f"void m_features(const float *x, float *f) {{ for (int i = 0; i < {INPUTS}; i++) f[i] = x[2 * i]; }}\n"
    f"void m_quantize(const float *f, int8_t *q) {{\n"
    f"  for (int i = 0; i < {INPUTS}; i++) q[i] = (int8_t)f[i];\n}}\n",
}


KEEP = """
#include "m_rtos.h"
__attribute__((used, section(".vectors"))) static const void *const keep[] = {
    (const void *)m_on_sample, (const void *)m_poll}; /* or the linker drops what nothing calls */
"""


def test_the_task_computes_what_python_computes(tmp_path):
    """Counts in, outputs out, on the emulated core, with a step of edgekit.signal in between."""
    from edgekit.signal import BandEnergies, quantize

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
    np.testing.assert_array_equal(output, expected(quantize(wanted, 0.25, 3).reshape(1, -1))[0])
    with pytest.raises(EdgekitError, match=r"sensitivity is 0\.001"):
        write(SOURCE, tmp_path / "n", "cmake", GOLDEN, features=files, sample_scale=0.5)


def test_features_stand_between_the_samples_and_the_model(tmp_path):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN, features=FEATURES)
    assert "#define M_TASK_WINDOW 32 " in (folder / "src/m_task.h").read_text()
    assert "m_features(samples, features);" in (folder / "src/m_task.c").read_text()
    cross(folder, tmp_path / "m.elf")
    assert selftest_on_core(tmp_path / "m.elf") == 0
    with pytest.raises(EdgekitError, match=r"lack m_quantize\(\)"):
        write(SOURCE, tmp_path / "n", "cmake", GOLDEN, features={"f.c": "void m_features(void);"})
    nameless = {n: t.replace("M_WINDOW", "W") for n, t in FEATURES.items()}
    with pytest.raises(EdgekitError, match="window"):
        write(SOURCE, tmp_path / "n", "cmake", GOLDEN, features=nameless)


# ------------------------------------------------------------------------------- writing and refusing


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
