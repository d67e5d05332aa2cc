/* Zephyr: a preemptible thread that waits for a semaphore. */
#include "@name@_rtos.h"

#include <stdbool.h>

#include <zephyr/kernel.h>

#define PRIORITY K_LOWEST_APPLICATION_THREAD_PRIO /* a smaller number is more urgent */
#define STACK_BYTES CONFIG_@NAME@_STACK_SIZE

static K_THREAD_STACK_DEFINE(stack, STACK_BYTES);
static struct k_thread thread;
static K_SEM_DEFINE(filled, 0, 1);
static bool started;

static void run(void *a, void *b, void *c) {
  (void)a, (void)b, (void)c;
  for (;;) { /* poll before waiting, as under every RTOS; here the semaphore has kept what came before, too */
    while (@name@_poll()) {
    }
    k_sem_take(&filled, K_FOREVER);
  }
}

int @name@_start(int control_priority) {
  if (control_priority >= PRIORITY || started) return -1;
  started = true;
  k_thread_create(&thread, stack, STACK_BYTES, run, NULL, NULL, NULL, PRIORITY, 0, K_NO_WAIT);
  k_thread_name_set(&thread, "@name@");
  return 0;
}

void @name@_sample(int16_t sample) {
  if (@name@_on_sample(sample)) k_sem_give(&filled);
}

void @name@_sample_isr(int16_t sample) { @name@_sample(sample); }
