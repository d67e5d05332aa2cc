/* A picture of uint8 grey values, reduced by whole blocks: the sum of each block of `block` x `block`. */
#ifndef EDGEKIT_PIXELS_H
#define EDGEKIT_PIXELS_H

#include <stdint.h>

/* picture [rows * block][columns * block]; the sum of block (row, column): 0 ... 255 * block * block */
static inline int32_t block_sum(const uint8_t *picture, int32_t columns, int32_t block, int32_t row, int32_t column) {
  const int32_t width = columns * block;
  const uint8_t *line = picture + row * block * width + column * block;
  int32_t sum = 0;
  for (int32_t y = 0; y < block; y++, line += width) {
    for (int32_t x = 0; x < block; x++) sum += line[x];
  }
  return sum;
}

/* A grey value that somebody hands over as a float: nearest, half away from zero, 0 ... 255; NaN counts as 0. */
static inline uint8_t to_grey(float x) {
  if (!(x > 0.0f)) return 0;
  return x >= 255.0f ? 255 : (uint8_t)(x + 0.5f);
}

/* picture -> features [rows][columns]: the mean of each block, from -1 (black) to just below 1 (white); exact. */
static inline void pixels(const uint8_t *picture, int32_t rows, int32_t columns, int32_t block, float *features) {
  const int32_t middle = 128 * block * block;
  const float step = 1.0f / (float)middle; /* a power of two */
  for (int32_t row = 0; row < rows; row++) {
    for (int32_t column = 0; column < columns; column++) {
      *features++ = (float)(block_sum(picture, columns, block, row, column) - middle) * step;
    }
  }
}

/* The same, already quantized: `step_of` holds the network's input for every sum. The picture may be where
 * `input` is if block is 1: a sum is read before its place is written. */
static inline void pixels_to_int8(const uint8_t *picture, int32_t rows, int32_t columns, int32_t block,
                           const int8_t *step_of, int8_t *input) {
  for (int32_t row = 0; row < rows; row++) {
    for (int32_t column = 0; column < columns; column++) {
      *input++ = step_of[block_sum(picture, columns, block, row, column)];
    }
  }
}

#endif
