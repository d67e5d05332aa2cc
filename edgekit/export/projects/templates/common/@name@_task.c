#include "@name@_task.h"

#include "@name@.h"
@features_include@
#define NONE 2

/* Two windows. `full` is NONE, or the one the task may read; only the interrupt takes it away from NONE,
 * only the task gives it back. `filling` and `at` belong to the interrupt. */
static int16_t windows[2][@NAME@_TASK_WINDOW];
static uint8_t full = NONE;
static uint8_t filling;
static uint32_t at;
static uint32_t overruns;

/* Two results: the task writes the one that is not the newest. `newest` counts them. */
static struct @name@_result results[2];
static uint32_t newest;

int @name@_on_sample(int16_t sample) {
  windows[filling][at] = sample;
  at++;
  if (at < @NAME@_TASK_WINDOW) return 0;
  at = 0;
  if (__atomic_load_n(&full, __ATOMIC_ACQUIRE) != NONE) { /* the task still reads the other one */
    __atomic_store_n(&overruns, overruns + 1, __ATOMIC_RELAXED);
    return 0; /* this window is filled anew */
  }
  __atomic_store_n(&full, filling, __ATOMIC_RELEASE);
  filling ^= 1;
  return 1;
}

@prepare@
int @name@_poll(void) {
  const uint8_t mine = __atomic_load_n(&full, __ATOMIC_ACQUIRE);
  if (mine == NONE) return 0;
  prepare(windows[mine]);
  __atomic_store_n(&full, NONE, __ATOMIC_RELEASE); /* the inference needs only the model's input */
  @name@_invoke();

  const uint32_t number = newest + 1;
  struct @name@_result *result = &results[number & 1];
  const int8_t *output = @name@_output();
  result->number = number;
  result->best = 0;
  for (int i = 0; i < @NAME@_TASK_OUTPUTS; i++) {
    result->output[i] = output[i];
    if (output[i] > output[result->best]) result->best = i;
  }
  __atomic_store_n(&newest, number, __ATOMIC_RELEASE);
  return 1;
}

int @name@_latest(struct @name@_result *result) {
  uint32_t number, after = __atomic_load_n(&newest, __ATOMIC_ACQUIRE);
  if (after == 0) return 0;
  do {
    number = after;
    *result = results[number & 1];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    after = __atomic_load_n(&newest, __ATOMIC_RELAXED);
  } while (after != number);
  return 1;
}

uint32_t @name@_overruns(void) { return __atomic_load_n(&overruns, __ATOMIC_RELAXED); }
