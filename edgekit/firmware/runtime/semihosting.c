/* From reset through a file of samples to a file of results, by Arm semihosting: for QEMU's MPS3 board with a
 * Cortex-M55, which unicorn does not have. MODEL_INPUTS and MODEL_OUTPUTS list (place, bytes). A third file
 * takes what the core's timer counted down in each inference. */
#include <stddef.h>
#include <stdint.h>

#include "edgekit_places.h"

extern uint32_t _data_load, _data_start, _data_end, _bss_start, _bss_end, _stack_top;

struct place {
  void *at;
  uint32_t bytes;
};

static uint32_t semihost(uint32_t operation, const void *arguments) {
  register uint32_t r0 __asm__("r0") = operation;
  register const void *r1 __asm__("r1") = arguments;
  __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode) {
  const uint32_t arguments[3] = {(uint32_t)name, mode, length};
  return semihost(1, arguments);
}

/* The number of bytes that were not transferred. operation: 5 writes, 6 reads */
static uint32_t transfer(uint32_t operation, uint32_t file, struct place p) {
  const uint32_t arguments[3] = {file, (uint32_t)p.at, p.bytes};
  return semihost(operation, arguments);
}

/* SysTick: 24 bits, downwards, with the core's clock */
static volatile uint32_t *const timer = (volatile uint32_t *)0xE000E010u;

__attribute__((noreturn, noinline)) static void serve(void) {
  const struct place inputs[] = {MODEL_INPUTS}, outputs[] = {MODEL_OUTPUTS};
  const uint32_t in = open_file("samples", 7, 1), out = open_file("results", 7, 5);
  const uint32_t log = open_file("ticks", 5, 5);
  timer[1] = 0xFFFFFFu;
  for (;;) {
    for (uint32_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
      if (transfer(6, in, inputs[i])) {
        semihost(2, &out); /* close, so that nothing stays in a buffer */
        semihost(2, &log);
        semihost(0x18, (const void *)0x20026);
      }
    }
    timer[2] = 0; /* any value: begins anew */
    timer[0] = 5;
    EDGEKIT_INVOKE();
    uint32_t ticks = 0xFFFFFFu - timer[2];
    timer[0] = 0;
    transfer(5, log, (struct place){&ticks, 4});
    for (uint32_t i = 0; i < sizeof outputs / sizeof *outputs; i++) transfer(5, out, outputs[i]);
  }
}

__attribute__((noreturn, used)) static void start(void) {
  const uint32_t *from = &_data_load;
  /* volatile: a vectorized loop would use a unit that is still off */
  for (volatile uint32_t *to = &_data_start; to < &_data_end;) *to++ = *from++;
  for (volatile uint32_t *to = &_bss_start; to < &_bss_end;) *to++ = 0;
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* CPACR: MVE is off after reset */
  __asm__ volatile("dsb\nisb");
  serve();
}

__attribute__((used, section(".vectors"))) const void *const edgekit_vectors[2] = {&_stack_top,
                                                                                   (const void *)start};

/* As in startup.c: the compiler may call these on its own account. */
void *memcpy(void *restrict to, const void *restrict from, size_t n) {
  for (size_t i = 0; i < n; i++) {
    ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
    __asm__ volatile("");
  }
  return to;
}

void *memset(void *to, int value, size_t n) {
  for (size_t i = 0; i < n; i++) {
    ((uint8_t *)to)[i] = (uint8_t)value;
    __asm__ volatile("");
  }
  return to;
}
