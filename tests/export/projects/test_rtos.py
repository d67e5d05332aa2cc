"""The glue, without a kernel: no window that fills at any moment stops the inference.

A fake kernel has one task, which runs until it waits for what has not come, and calls the sampling interrupt
wherever the script says: before the start, inside each call of the RTOS, in the midst of an inference.
"""

import ctypes
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.export.projects import write
from tests.export.projects.fixture_project import GOLDEN, SOURCE, compile_
from tests.export.projects.stubs import stubs

KERNEL = """
#include <setjmp.h>
#include <stdint.h>
#include <ucontext.h>

static const uint8_t *script; /* samples that come at each point where an interrupt may */
static int left;
static int16_t next_sample;

static void interrupt(void) {
  if (left == 0) return;
  left--;
  for (int n = *script++; n > 0; n--) m_sample_isr(next_sample++);
}

static ucontext_t outside, inside;
static char room[1 << 16];
static void (*entry)(void);
static int given, limit = 1 << 30, forever, alive, refuse, at_once;

static void enter(void) { entry(); }

static void resume(void) { if (alive) swapcontext(&outside, &inside); }

static int create(void (*body)(void)) {
  interrupt();
  if (refuse) return 0;
  entry = body;
  alive = 1;
  getcontext(&inside);
  inside.uc_stack.ss_sp = room, inside.uc_stack.ss_size = sizeof room, inside.uc_link = &outside;
  makecontext(&inside, enter, 0);
  if (at_once) resume(); /* it is more urgent than who made it */
  interrupt();
  return 1;
}

static int wait(int for_ever) {
  interrupt();
  if (!given) { /* until it is resumed: something was given, or the time is over */
    forever = for_ever;
    swapcontext(&inside, &outside);
    forever = 0;
  }
  const int had = given;
  given = 0;
  return had;
}

static void give(void) { given = given < limit ? given + 1 : limit; }

void m_invoke(void) { interrupt(); }
static int8_t in[64], out[64];
int8_t *m_input(void) { return in; }
const int8_t *m_output(void) { return out; }

/* Samples before the start, the start, then whatever the script still holds; ticks pass until the task waits
 * for ever with nothing given. Returns what start() returned. */
int simulate(const uint8_t *points, int count, int before, int priority, int creator_is_idle, int refused) {
  script = points, left = count, at_once = creator_is_idle, refuse = refused;
  for (; before > 0; before--) m_sample_isr(next_sample++);
  const int started = m_start(priority);
  for (int tick = 0; started == 0 && (left || given || !forever); tick++) {
    interrupt();
    if (given || !forever) resume();
    if (tick > 10000) return -99;
  }
  return started;
}
int again(int priority) { return m_start(priority); }
"""
SYSTEMS = {
    "freertos": """
#include "FreeRTOS.h"
#include "task.h"
static void (*body)(void *);
static void run_body(void) { body(NULL); }
static struct tcb *const handle = (struct tcb *)&body;
TaskHandle_t xTaskCreateStatic(void (*f)(void *), const char *name, uint32_t words, void *argument,
                               UBaseType_t priority, StackType_t *stack, StaticTask_t *memory) {
  (void)name, (void)words, (void)argument, (void)priority, (void)stack, (void)memory;
  body = f;
  return create(run_body) ? handle : NULL;
}
uint32_t ulTaskNotifyTake(BaseType_t clear, TickType_t ticks) {
  (void)clear;
  return (uint32_t)wait(ticks == portMAX_DELAY);
}
void vTaskNotifyGiveFromISR(TaskHandle_t task, BaseType_t *woken) {
  if (task != handle) __builtin_trap();
  *woken = pdTRUE;
  give();
}
BaseType_t xTaskNotifyGive(TaskHandle_t task) { (void)task; give(); return 1; }
""",
    "threadx": """
#include "tx_api.h"
static void (*body)(ULONG);
static void run_body(void) { body(0); }
static int made;
UINT tx_semaphore_create(TX_SEMAPHORE *s, CHAR *name, ULONG first) {
  (void)s, (void)name;
  interrupt();
  if (made) return 12;
  made = 1, given = (int)first;
  return TX_SUCCESS;
}
UINT tx_semaphore_delete(TX_SEMAPHORE *s) { (void)s; made = 0; return TX_SUCCESS; }
UINT tx_semaphore_get(TX_SEMAPHORE *s, ULONG ticks) {
  (void)s;
  wait(ticks == TX_WAIT_FOREVER);
  return TX_SUCCESS;
}
UINT tx_semaphore_ceiling_put(TX_SEMAPHORE *s, ULONG most) {
  (void)s;
  if (!made) __builtin_trap();
  limit = (int)most;
  give();
  return TX_SUCCESS;
}
UINT tx_thread_create(TX_THREAD *t, CHAR *name, VOID (*f)(ULONG), ULONG argument, VOID *stack, ULONG size,
                      UINT priority, UINT preempt, ULONG slice, UINT start) {
  (void)t, (void)name, (void)argument, (void)stack, (void)size;
  (void)priority, (void)preempt, (void)slice, (void)start;
  body = f;
  return create(run_body) ? TX_SUCCESS : 14;
}
""",
    "zephyr": """
#include <zephyr/kernel.h>
static void (*body)(void *, void *, void *);
static void run_body(void) { body(NULL, NULL, NULL); }
int k_sem_take(struct k_sem *s, k_timeout_t t) { (void)s; return wait(t.ticks < 0) ? 0 : -11; }
void k_sem_give(struct k_sem *s) { (void)s; limit = 1; give(); }
k_tid_t k_thread_create(struct k_thread *t, k_thread_stack_t *stack, size_t size,
                        void (*f)(void *, void *, void *), void *a, void *b, void *c, int priority,
                        uint32_t options, k_timeout_t delay) {
  (void)stack, (void)size, (void)a, (void)b, (void)c, (void)priority, (void)options, (void)delay;
  body = f;
  create(run_body);
  return t;
}
int k_thread_name_set(k_tid_t t, const char *name) { (void)t, (void)name; return 0; }
""",
}
WINDOW = 4
KIND = {"freertos": "cmake", "threadx": "cmake", "zephyr": "zephyr"}
RESTART = """
void restart_all(void) {
  full = NONE; filling = 0; at = sampled = overruns = newest = 0;
  given = alive = forever = 0; next_sample = 0;
  %s
}
uint32_t taken(void) { return (uint32_t)newest; }
"""
UNDO = {
    "freertos": "task = NULL; started = 0;",
    "threadx": "started = 0; made = 0;",
    "zephyr": "started = false;",
}


def library(folder: Path, rtos: str, change=("", "")) -> ctypes.CDLL:
    """The glue and the task as shipped, over the fake kernel; `change` edits the glue first."""
    written = write(SOURCE, folder / "m", KIND[rtos], GOLDEN, rtos=rtos) / "src"
    task_h = (written / "m_task.h").read_text()
    (written / "m_task.h").write_text(task_h.replace("_WINDOW 16 ", f"_WINDOW {WINDOW} "))
    glue = (written / "m_rtos.c").read_text()
    if (
        rtos == "zephyr"
    ):  # a static of a function, which a second life of the program would not have
        glue = glue.replace("  static bool started;\n", "").replace(
            "static void run(", "static bool started;\nstatic void run(", 1
        )
    assert change[0] in glue
    (written / "m_rtos.c").write_text(glue.replace(*change))
    parts = [
        '#include "m_rtos.h"',
        KERNEL,
        SYSTEMS[rtos],
        '#include "m_task.c"\n#include "m_rtos.c"',
        RESTART % UNDO[rtos],
    ]
    (folder / "all.c").write_text("\n".join(parts))
    flags = [
        "-O1",
        "-shared",
        "-fPIC",
        "-fno-sanitize=all",
        "-Wall",
        "-Werror",
        "-Wno-unused-function",
    ]
    include = ["-I", written, "-isystem", stubs(folder / "stubs")]
    compile_("cc", *flags, *include, folder / "all.c", "-o", folder / "all.so")
    return ctypes.CDLL(str(folder / "all.so"))


@pytest.fixture(scope="module")
def glue(request, tmp_path_factory):
    return request.param, library(tmp_path_factory.mktemp(request.param), request.param)


every_rtos = pytest.mark.parametrize("glue", SYSTEMS, indirect=True)


def run(kernel, script, before, at_once=False, refused=False) -> int:
    kernel.restart_all()
    return kernel.simulate(bytes(script), len(script), before, 5, at_once, refused)


def nothing_is_left(kernel, samples: int) -> bool:
    """Every window was worked on or counted as lost, and none waits."""
    return not kernel.m_waiting() and samples // WINDOW == kernel.taken() + kernel.m_overruns()


@every_rtos
@settings(max_examples=150, deadline=None)
@given(
    script=st.lists(st.integers(0, 2 * WINDOW), max_size=20),
    before=st.integers(0, 3 * WINDOW),
    at_once=st.booleans(),
)
def test_no_window_waits_for_ever_whenever_it_fills(glue, script, before, at_once):
    _, kernel = glue
    assert run(kernel, script, before, at_once) == 0
    assert nothing_is_left(kernel, before + sum(script))


@every_rtos
def test_a_task_is_started_once_and_only_below_the_control_loop(glue):
    rtos, kernel = glue
    kernel.restart_all()
    assert kernel.again({"freertos": 1, "threadx": 31, "zephyr": 14}[rtos]) == -1
    assert run(kernel, [], 0) == 0
    assert kernel.again(5) == -1
    if rtos != "zephyr":  # whose k_thread_create() cannot fail
        assert run(kernel, [], WINDOW, refused=True) == -1
        assert kernel.simulate(b"", 0, 0, 5, False, False) == 0  # tried again
        assert nothing_is_left(kernel, WINDOW)


@pytest.mark.parametrize(
    ("rtos", "poll", "wait"),
    [
        ("freertos", "    while (m_poll()) {\n    }\n", "    ulTaskNotifyTake(pdTRUE, wait);\n"),
        (
            "threadx",
            "    while (m_poll()) {\n    }\n",
            "    tx_semaphore_get(&filled, TX_WAIT_FOREVER);\n",
        ),
    ],
)
def test_waiting_first_is_noticed(tmp_path, rtos, poll, wait):
    """The check bites: with the order of before, a window that fills before the start stays for ever."""
    kernel = library(tmp_path, rtos, (poll + wait, wait + poll))
    assert run(kernel, [], WINDOW) == 0
    assert not nothing_is_left(kernel, WINDOW)


def test_a_handle_that_comes_late_is_noticed(tmp_path):
    """The check bites: a task that runs before its creator has the handle must not wait for ever."""
    kernel = library(tmp_path, "freertos", ("started ? portMAX_DELAY : 1", "portMAX_DELAY"))
    assert run(kernel, [0, 0, WINDOW], 0, at_once=True) == 0
    assert not nothing_is_left(kernel, WINDOW)
