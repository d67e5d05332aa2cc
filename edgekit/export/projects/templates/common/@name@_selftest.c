/* @golden@ golden vectors: inputs, and the outputs that this model must give for them, byte for byte. */
#include "@name@_selftest.h"

#include <stdint.h>

#include "@name@.h"

#define VECTORS @golden@

static const int8_t inputs[VECTORS][@NAME@_INPUT_SIZE] = {
@golden_inputs@
};

static const int8_t expected[VECTORS][@NAME@_OUTPUT_SIZE] = {
@golden_outputs@
};

int @name@_selftest(void) {
  int wrong = 0;
  for (int n = 0; n < VECTORS; n++) {
    int8_t *input = @name@_input();
    for (int32_t i = 0; i < @NAME@_INPUT_SIZE; i++) input[i] = inputs[n][i];
    @name@_invoke();
    const int8_t *output = @name@_output();
    int same = 1;
    for (int32_t i = 0; i < @NAME@_OUTPUT_SIZE; i++) same &= output[i] == expected[n][i];
    wrong += !same;
  }
  return wrong;
}
