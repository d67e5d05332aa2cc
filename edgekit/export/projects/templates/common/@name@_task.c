#include "@name@_task.h"

#include "@name@.h"
@features_include@
#define NONE 2

/* What every core reads and writes whole: a word, or a byte where a word takes several steps. */
#if __SIZEOF_INT__ < 4
typedef uint8_t whole;
#else
typedef uint32_t whole;
#endif

/* Two windows and their numbers. `full` is NONE, or the one the task may read; only the interrupt takes it
 * away from NONE, only the task gives it back. `filling`, `at` and `sampled` belong to the interrupt. */
static int16_t windows[2][@NAME@_TASK_WINDOW];
static uint32_t numbers[2];
static volatile whole full = NONE;
static uint8_t filling;
static uint32_t at, sampled;
static volatile uint32_t overruns;

/* Two results: the task writes the one that is not the newest. `newest` counts them; 0 while there is none. */
static struct @name@_result results[2];
static volatile whole newest;

/* The fences keep what the two guard in order, on one core and on two. (__atomic_load_n would call a library
 * on cores without atomic instructions.) */
static inline whole load(const volatile whole *word) {
  const whole value = *word;
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return value;
}

static inline void store(volatile whole *word, whole value) {
  __atomic_thread_fence(__ATOMIC_RELEASE);
  *word = value;
}

int @name@_on_sample(int16_t sample) {
  windows[filling][at] = sample;
  at++;
  if (at < @NAME@_TASK_WINDOW) return 0;
  at = 0;
  sampled++;
  if (load(&full) != NONE) { /* the task still reads the other one */
    overruns = overruns + 1;
    return 0; /* this window is filled anew */
  }
  numbers[filling] = sampled;
  store(&full, filling);
  filling ^= 1;
  return 1;
}

int @name@_waiting(void) { return full != NONE; }

@prepare@
int @name@_poll(void) {
  const whole mine = load(&full);
  if (mine == NONE) return 0;
  const uint32_t number = numbers[mine];
  prepare(windows[mine]);
  store(&full, NONE); /* the inference needs only the model's input */
  @name@_invoke();

  whole next = (whole)(newest + 1);
  if (next == 0) next = 2; /* on from the largest odd number, and never back to none */
  struct @name@_result *result = &results[next & 1];
  const int8_t *output = @name@_output();
  result->number = number;
  result->best = 0;
  for (int32_t i = 0; i < @NAME@_TASK_OUTPUTS; i++) {
    result->output[i] = output[i];
    if (output[i] > output[result->best]) result->best = (int)i;
  }
  store(&newest, next);
  return 1;
}

int @name@_latest(struct @name@_result *result) {
  whole count, after = load(&newest);
  if (after == 0) return 0;
  do {
    count = after;
    *result = results[count & 1];
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    after = newest;
  } while (after != count);
  return 1;
}

uint32_t @name@_overruns(void) {
  uint32_t count, again = overruns;
  do { /* until it was not counted on meanwhile */
    count = again;
    again = overruns;
  } while (again != count);
  return count;
}
