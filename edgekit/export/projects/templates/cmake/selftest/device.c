/* The self-test on a Cortex-M, without libc or semihosting: run it, leave the result in a word of RAM,
 * and stand still in @name@_wait. A debugger or an emulator breaks there and reads @name@_result. */
#include <stddef.h>
#include <stdint.h>

#include "@name@_selftest.h"

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;

volatile uint32_t @name@_result; /* number of golden vectors that differ */

__attribute__((noinline, used)) void @name@_wait(void) {
  for (;;) __asm__ volatile("");
}

__attribute__((noreturn, used)) void @name@_reset(void) {
  const uint32_t *from = &_data_load;
  for (uint32_t *to = &_data_start; to < &_data_end;) *to++ = *from++;
  for (uint32_t *to = &_bss_start; to < &_bss_end;) *to++ = 0;
#if defined(__ARM_FP)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: the FPU is off after reset */
  __asm__ volatile("dsb\n isb");
#endif
  @name@_result = (uint32_t)@name@_selftest();
  for (;;) @name@_wait();
}

static void fault(void) {
  for (;;) __asm__ volatile("");
}

/* Initial stack, then reset, NMI, hard fault and the three configurable faults. */
__attribute__((used, section(".vectors"))) const void *const @name@_vectors[] = {
    &_stack_top, (const void *)@name@_reset, (const void *)fault, (const void *)fault,
    (const void *)fault, (const void *)fault, (const void *)fault};

/* The compiler may call these on its own account. */
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  uint8_t *t = to;
  const uint8_t *f = from;
  while (n--) {
    *t++ = *f++;
    __asm__ volatile(""); /* or the loop becomes a call of memcpy */
  }
  return to;
}

void *memset(void *to, int value, size_t n) {
  uint8_t *t = to;
  while (n--) {
    *t++ = (uint8_t)value;
    __asm__ volatile("");
  }
  return to;
}
