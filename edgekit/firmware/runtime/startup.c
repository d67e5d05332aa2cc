/* From reset to the model, for Cortex-M and RV32: a program that stands still in edgekit_wait until somebody
 * (an emulator, a debugger) has written an input, then runs one inference. */
#include <stddef.h>
#include <stdint.h>

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;

void EDGEKIT_INVOKE(void);
#if defined(EDGEKIT_RESET)
void EDGEKIT_RESET(void); /* of a model that keeps a state */
#endif

__attribute__((noinline, used)) void edgekit_wait(void) { __asm__ volatile(""); }

__attribute__((noreturn, used)) static void start(void) {
  const uint32_t *from = &_data_load;
  /* volatile: a vectorized loop would use a unit that is still off */
  for (volatile uint32_t *to = &_data_start; to < &_data_end;) *to++ = *from++;
  for (volatile uint32_t *to = &_bss_start; to < &_bss_end;) *to++ = 0;
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: the FPU is off after reset */
#endif
#if defined(EDGEKIT_RESET)
  EDGEKIT_RESET();
#endif
  for (;;) {
    edgekit_wait();
    EDGEKIT_INVOKE();
  }
}

#if defined(__riscv)
__attribute__((naked, used, section(".vectors"))) void edgekit_reset(void) {
  __asm__ volatile("la sp, _stack_top\n j %0" : : "i"(start));
}
#else
__attribute__((used, section(".vectors"))) const void *const edgekit_vectors[2] = {
    &_stack_top, (const void *)start};
#endif

/* The compiler may call these on its own account; there is no libc to take them from. */
__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  uint8_t *t = to;
  const uint8_t *f = from;
  while (n--) {
    *t++ = *f++;
    __asm__ volatile(""); /* or the loop becomes a call of memcpy */
  }
  return to;
}

__attribute__((weak)) void *memset(void *to, int value, size_t n) {
  uint8_t *t = to;
  while (n--) {
    *t++ = (uint8_t)value;
    __asm__ volatile("");
  }
  return to;
}
