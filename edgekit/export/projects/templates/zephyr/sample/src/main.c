/* Self-test, then: a timer interrupt samples, this thread is the control loop, the model runs below it. */
#include <zephyr/kernel.h>
#include <zephyr/sys/printk.h>

#include "@name@_rtos.h"
#include "@name@_selftest.h"

#define CONTROL_PRIORITY 0

static int16_t read_sensor(void) { return 0; /* put your converter's data register here */ }

static void on_timer(struct k_timer *timer) {
  (void)timer;
  @name@_sample_isr(read_sensor());
}

static K_TIMER_DEFINE(sampling, on_timer, NULL);

int main(void) {
  printk("@name@: %d of @golden@ golden vectors differ\n", @name@_selftest());
  k_thread_priority_set(k_current_get(), CONTROL_PRIORITY);
  if (@name@_start(CONTROL_PRIORITY) != 0) return -1;
  k_timer_start(&sampling, K_MSEC(1), K_MSEC(1));

  uint32_t seen = 0;
  for (;;) {
    struct @name@_result result;
    k_sleep(K_MSEC(10)); /* the control loop's period */
    if (@name@_latest(&result) && result.number != seen) {
      seen = result.number;
      printk("window %u: class %d, %u overruns\n", (unsigned)seen, result.best,
             (unsigned)@name@_overruns());
    }
  }
}
