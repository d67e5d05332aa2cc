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
static volatile int started;

static void run(ULONG unused) {
  (void)unused;
  for (;;) {
    tx_semaphore_get(&filled, TX_WAIT_FOREVER);
    while (@name@_poll()) {
    }
  }
}

int @name@_start(int control_priority) {
  if (control_priority >= PRIORITY) return -1;
  if (tx_semaphore_create(&filled, "@name@ filled", 0) != TX_SUCCESS) return -1;
  started = 1;
  return tx_thread_create(&thread, "@name@", run, 0, stack, sizeof stack, PRIORITY, PRIORITY,
                          TX_NO_TIME_SLICE, TX_AUTO_START) == TX_SUCCESS
             ? 0
             : -1;
}

void @name@_sample_isr(int16_t sample) {
  if (@name@_on_sample(sample) && started) tx_semaphore_ceiling_put(&filled, 1);
}
