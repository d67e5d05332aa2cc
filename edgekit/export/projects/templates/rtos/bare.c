/* No RTOS: interrupts sample and control, main infers. */
#include "@name@_rtos.h"

void @name@_sample_isr(int16_t sample) { @name@_on_sample(sample); }

static void doze(void) {
#if defined(__arm__) || defined(__riscv)
  __asm__ volatile("wfi"); /* a window filled just before is found at the next interrupt: one sample later */
#endif
}

void @name@_background(void) {
  for (;;) {
    if (!@name@_poll()) doze();
  }
}
