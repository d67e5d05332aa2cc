/* Windows over the plane of ek_depthwise.h for cores with SMLAD, two neighbouring outputs at a time.
 *
 * In assembly because the loops need all fourteen registers, which no compiler manages from C. Weights and
 * bias are doubled, so that a sum is ready for SMMULR: (2a * b + 2^31) >> 32 == (a * b + 2^30) >> 31.
 * The generator takes these only where no sum reaches 2^30 and no shift needs EK_EXACT.
 */
#ifndef EDGEKIT_KERNELS_WINDOW_H
#define EDGEKIT_KERNELS_WINDOW_H

#define EK_WINDOW_LOOP(name, begin, sums)                                                             \
  __attribute__((naked, noinline, unused)) static void name(                                         \
      const struct ek_channel *channel __attribute__((unused)),                                      \
      const void *weights __attribute__((unused))) {                                                 \
    __asm__ volatile(                                                                                \
        "ldr r2, [r0, #64]\n"                                                                        \
        "push {r1-r11, lr}\n"                                                                        \
        "add lr, r0, #32\n"                                                                          \
        "ldm lr, {r4-r11}\n"                                                                         \
        "push {r4-r11}\n"                                                                            \
        "mov r3, r1\n"                                                                               \
        "ldm r0, {r4-r11}\n"                                                                         \
        "lsl r4, r4, #1\n"                                                                           \
        "push {r4-r11}\n"                                                                            \
        "mov r1, r9\n"                                                                               \
        "ldr r12, [r0, #72]\n"                                                                       \
        "ldr r0, [r0, #68]\n"                                                                        \
        begin                                                                                        \
        "1:\n" /* a row of outputs */                                                                \
        "ldr lr, [sp, #24]\n"                                                                        \
        "2:\n" /* two outputs: r10 and r11 */                                                        \
        "ldr r10, [sp]\n"                                                                            \
        "mov r11, r10\n"                                                                             \
        sums                                                                                         \
        "ldrd r1, r2, [sp, #4]\n"                                                                    \
        "add r3, r2, r10, asr #31\n"                                                                 \
        "smmlar r10, r10, r1, r3\n"                                                                  \
        "add r3, r2, r11, asr #31\n"                                                                 \
        "smmlar r11, r11, r1, r3\n"                                                                  \
        "ldr r2, [sp, #12]\n"                                                                        \
        "asr r10, r10, r2\n"                                                                         \
        "asr r11, r11, r2\n"                                                                         \
        "ssat r10, #8, r10\n"                                                                        \
        "ssat r11, #8, r11\n"                                                                        \
        ".if %c0\n" /* not where no layer has any */                                    \
        "ldr r2, [sp, #48]\n"                                                                        \
        "cbz r2, 5f\n" /* nor this one */                                                       \
        "ldrd r2, r3, [sp, #40]\n"                                                                   \
        "cmp r10, r2\n"                                                                              \
        "it lt\n"                                                                                    \
        "movlt r10, r2\n"                                                                            \
        "cmp r10, r3\n"                                                                              \
        "it gt\n"                                                                                    \
        "movgt r10, r3\n"                                                                            \
        "cmp r11, r2\n"                                                                              \
        "it lt\n"                                                                                    \
        "movlt r11, r2\n"                                                                            \
        "cmp r11, r3\n"                                                                              \
        "it gt\n"                                                                                    \
        "movgt r11, r3\n"                                                                            \
        "5:\n"                                                                                       \
        ".endif\n"                                                                                   \
        "ldrd r2, r1, [sp, #16]\n"                                                                   \
        "strb r10, [r12]\n"                                                                          \
        "subs lr, lr, #2\n"                                                                          \
        "it ge\n"                                                                                    \
        "strbge r11, [r12, r2]\n"                                                                    \
        "add r12, r12, r2, lsl #1\n"                                                                 \
        "bgt 2b\n"                                                                                   \
        "ldrd r2, r3, [sp, #28]\n"                                                                   \
        "add r0, r0, r2\n"                                                                           \
        "add r12, r12, r3\n"                                                                         \
        "ldr r2, [sp, #36]\n"                                                                        \
        "subs r2, r2, #1\n"                                                                          \
        "str r2, [sp, #36]\n"                                                                        \
        "bne 1b\n"                                                                                   \
        "add sp, sp, #64\n"                                                                          \
        "pop {r1-r11, pc}\n"                                                                         \
        : : "i"(EK_ANY_CLAMPS));                                                                     \
  }

/* A row of a 3x3 window: with (w0, w1) in `l` and (w1, w2) in `r`, two outputs from the words (x0, x1) and
 * (x2, x3); where they are two columns apart, from (x4, x5), too. */
#define EK_THREE(load, l, r)              \
  load                                    \
  "smlad r10, r2, " l ", r10\n"           \
  "smlatb r11, r2, " l ", r11\n"          \
  "smlabt r10, r3, " r ", r10\n"          \
  "smlad r11, r3, " r ", r11\n"

#define EK_THREE_BY_2(load, next, l, r)   \
  load                                    \
  "smlad r10, r2, " l ", r10\n"           \
  "smlad r11, r3, " l ", r11\n"           \
  "ldr r2, [r0, " next "]\n"              \
  "smlabt r10, r3, " r ", r10\n"          \
  "smlabt r11, r2, " r ", r11\n"

#define EK_SIX_WEIGHTS "ldm r3, {r4-r9}\n"
#define EK_THREE_ROWS                                  \
  EK_THREE("ldrd r2, r3, [r0]\n", "r4", "r5")          \
  "add r0, r0, r1\n"                                   \
  EK_THREE("ldrd r2, r3, [r0]\n", "r6", "r7")          \
  "add r0, r0, r1\n"                                   \
  EK_THREE("ldrd r2, r3, [r0], #4\n", "r8", "r9")      \
  "sub r0, r0, r1, lsl #1\n"
#define EK_THREE_ROWS_BY_2                                       \
  EK_THREE_BY_2("ldrd r2, r3, [r0]\n", "#8", "r4", "r5")         \
  "add r0, r0, r1\n"                                             \
  EK_THREE_BY_2("ldrd r2, r3, [r0]\n", "#8", "r6", "r7")         \
  "add r0, r0, r1\n"                                             \
  EK_THREE_BY_2("ldrd r2, r3, [r0], #8\n", "#0", "r8", "r9")     \
  "sub r0, r0, r1, lsl #1\n"

/* Any rows: for each word of the plane the taps of both outputs lie in memory, zeros where one has none. */
#define EK_ROWS                   \
  "ldr r1, [sp, #64]\n"           \
  "ldr r9, [sp, #52]\n"           \
  "3:\n"                          \
  "ldr r8, [sp, #56]\n"           \
  "4:\n"                          \
  "ldrd r2, r3, [r0], #8\n"       \
  "ldm r1!, {r4-r7}\n"            \
  "smlad r10, r2, r4, r10\n"      \
  "smlad r11, r2, r5, r11\n"      \
  "smlad r10, r3, r6, r10\n"      \
  "smlad r11, r3, r7, r11\n"      \
  "subs r8, r8, #1\n"             \
  "bne 4b\n"                      \
  "ldr r2, [sp, #60]\n"           \
  "add r0, r0, r2\n"              \
  "subs r9, r9, #1\n"             \
  "bne 3b\n"                      \
  "ldr r2, [sp, #68]\n"           \
  "add r0, r0, r2\n"

EK_WINDOW_LOOP(ek_loop_3x3, EK_SIX_WEIGHTS, EK_THREE_ROWS)
EK_WINDOW_LOOP(ek_loop_3x3_by_2, EK_SIX_WEIGHTS, EK_THREE_ROWS_BY_2)
EK_WINDOW_LOOP(ek_loop_rows, "", EK_ROWS)

/* What is the same for all channels. */
EK_KERNEL void ek_set_steps(const struct ek_depthwise_s8 *c, struct ek_channel *channel) {
  const int32_t turns = (c->out_w + 1) >> 1, width = 2 * c->plane_w, apart = 4 * c->stride_w;
  channel->out_w = c->out_w;
  channel->x_next = c->stride_h * width - apart * turns;
  channel->out_next = channel->out_down - 2 * channel->out_right * turns;
  channel->out_h = c->out_h;
  channel->width = width;
  if (EK_ANY_CLAMPS) {
    channel->clamps = c->requant.clamps;
    channel->low = c->requant.low;
    channel->high = c->requant.high;
  }
}

typedef void ek_loop(const struct ek_channel *channel, const void *weights);

static inline uint32_t ek_pair(int32_t low, int32_t high) { return (uint16_t)low | (uint32_t)high << 16; }

EK_APART void ek_slide_3x3(const struct ek_channel *channel, ek_loop *loop) {
  const int8_t *w = channel->weights;
  uint32_t six[6];
  for (uint32_t *to = six; to < six + 6; to += 2, w += 3) {
    const int32_t middle = 2 * w[1];
    to[0] = ek_pair(2 * w[0], middle);
    to[1] = ek_pair(middle, 2 * w[2]);
  }
  loop(channel, six);
}

#define EK_WINDOW_3X3(name, loop)                                                          \
  EK_KERNEL void name(const struct ek_depthwise_s8 *c, struct ek_channel *channel) { \
    (void)c;                                                                               \
    ek_slide_3x3(channel, loop);                                                           \
  }
EK_WINDOW_3X3(ek_window_3x3, ek_loop_3x3)
EK_WINDOW_3X3(ek_window_3x3_by_2, ek_loop_3x3_by_2)

/* taps[k_h][words][2][4]: for each word of a row, two taps of the one output and two of the other. */
EK_KERNEL void ek_window_rows(const struct ek_depthwise_s8 *c, struct ek_channel *channel) {
  const int8_t *w = channel->weights;
  const int32_t other = c->out_w > 1 ? c->stride_w : 0;
  const int32_t bytes = 8 * c->words, below = c->dilation_h * channel->width;
  channel->rows = c->k_h;
  channel->words = c->words;
  channel->down = below - bytes;
  channel->back = 4 * c->stride_w - c->k_h * below;
  int16_t *row = channel->taps;
  for (int32_t ky = c->k_h; ky > 0; ky--, row += bytes) {
    for (int32_t kx = c->k_w, at = 0; kx > 0; kx--, at += c->dilation_w) {
      const int32_t too = at + other;
      const int16_t tap = (int16_t)(2 * *w++);
      row[2 * at - (at & 1)] = tap;
      row[2 * too - (too & 1) + 2] = tap;
    }
  }
  ek_loop_rows(channel, channel->taps);
}

#endif
