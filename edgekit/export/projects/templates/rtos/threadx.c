/* ThreadX: a preemptible thread that waits for a semaphore. */
#include "@name@_rtos.h"

#include "tx_api.h"

#define PRIORITY (TX_MAX_PRIORITIES - 1) /* a smaller number is more urgent */
#ifndef @NAME@_STACK_BYTES
#define @NAME@_STACK_BYTES 2048
#endif

static ULONG stack[@NAME@_STACK_BYTES / sizeof(ULONG)];
static TX_THREAD thread;
static TX_SEMAPHORE filled;
static volatile uint8_t started;

static void run(ULONG unused) {
  (void)unused;
  for (;;) { /* poll before waiting: a window may have filled when there was no thread to wake */
    while (@name@_poll()) {
    }
    tx_semaphore_get(&filled, TX_WAIT_FOREVER);
  }
}

int @name@_start(int control_priority) {
  if (control_priority >= PRIORITY || started) return -1;
  if (tx_semaphore_create(&filled, "@name@ filled", 0) != TX_SUCCESS) return -1;
  started = 1;
  if (tx_thread_create(&thread, "@name@", run, 0, stack, sizeof stack, PRIORITY, PRIORITY, TX_NO_TIME_SLICE,
                       TX_AUTO_START) == TX_SUCCESS) {
    return 0;
  }
  started = 0; /* nothing of it is left, so that it can be tried again */
  tx_semaphore_delete(&filled);
  return -1;
}

void @name@_sample(int16_t sample) {
  if (!@name@_on_sample(sample)) return;
  __atomic_thread_fence(__ATOMIC_SEQ_CST); /* the window is full before `started` is looked at */
  if (started) tx_semaphore_ceiling_put(&filled, 1);
}

void @name@_sample_isr(int16_t sample) { @name@_sample(sample); }
