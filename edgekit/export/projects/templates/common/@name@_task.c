#include "@name@_task.h"

#include "@name@.h"
@features_include@
#define NONE 2

/* Two windows. `full` is NONE, or the one the task may read; only the interrupt takes it away from NONE,
 * only the task gives it back. `filling` and `at` belong to the interrupt. */
static int16_t windows[2][@NAME@_TASK_WINDOW];
static volatile uint32_t full = NONE;
static uint32_t filling;
static uint32_t at;
static volatile uint32_t overruns;

/* Two results: the task writes the one that is not the newest. `newest` counts them. */
static struct @name@_result results[2];
static volatile uint32_t newest;

/* Aligned words are read and written whole on every core; the fences keep what they guard in order, on one
 * core and on two. (__atomic_load_n would call a library on cores without atomic instructions.) */
static inline uint32_t load(const volatile uint32_t *word) {
  const uint32_t value = *word;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return value;
}

static inline void store(volatile uint32_t *word, uint32_t value) {
  __atomic_thread_fence(__ATOMIC_RELEASE);
  *word = value;
}

int @name@_on_sample(int16_t sample) {
  windows[filling][at] = sample;
  at++;
  if (at < @NAME@_TASK_WINDOW) return 0;
  at = 0;
  if (load(&full) != NONE) { /* the task still reads the other one */
    overruns = overruns + 1;
    return 0; /* this window is filled anew */
  }
  store(&full, filling);
  filling ^= 1;
  return 1;
}

@prepare@
int @name@_poll(void) {
  const uint32_t mine = load(&full);
  if (mine == NONE) return 0;
  prepare(windows[mine]);
  store(&full, NONE); /* the inference needs only the model's input */
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
  store(&newest, number);
  return 1;
}

int @name@_latest(struct @name@_result *result) {
  uint32_t number, after = load(&newest);
  if (after == 0) return 0;
  do {
    number = after;
    *result = results[number & 1];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    after = newest;
  } while (after != number);
  return 1;
}

uint32_t @name@_overruns(void) { return overruns; }
