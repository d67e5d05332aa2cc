/* No RTOS: interrupts sample and control, main infers. */
#include "@name@_rtos.h"

void @name@_sample_isr(int16_t sample) { @name@_on_sample(sample); }

/* Sleep until the next interrupt, unless a window waits. Between the look and the sleep no interrupt is served,
 * but a pending one ends the sleep: no window waits for the sample after it, which may never come. */
static void doze(void) {
#if defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M'
  __asm__ volatile("cpsid i" ::: "memory");
  if (!@name@_waiting()) __asm__ volatile("dsb\n wfi" ::: "memory");
  __asm__ volatile("cpsie i" ::: "memory");
#elif defined(__riscv_zicsr)
  unsigned long before; /* machine mode's interrupt enable is bit 3 */
  __asm__ volatile("csrrci %0, mstatus, 8" : "=r"(before)::"memory");
  if (!@name@_waiting()) __asm__ volatile("wfi" ::: "memory");
  if (before & 8) __asm__ volatile("csrsi mstatus, 8" ::: "memory");
#endif
}

void @name@_background(void) {
  for (;;) {
    if (!@name@_poll()) doze();
  }
}
