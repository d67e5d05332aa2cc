/* Counts to the model's quantized input, rounded half away from zero and saturated. */
static void prepare(const int16_t *window) {
  const float steps = @NAME@_SAMPLE_SCALE / @NAME@_INPUT_SCALE;
  int8_t *input = @name@_input();
  for (int32_t i = 0; i < @NAME@_TASK_WINDOW; i++) {
    const float q = (float)window[i] * steps;
    const float clipped = q < -512.0f ? -512.0f : q > 512.0f ? 512.0f : q;
    const int v = (int)(clipped < 0.0f ? clipped - 0.5f : clipped + 0.5f) + @NAME@_INPUT_ZERO_POINT;
    input[i] = (int8_t)(v < -128 ? -128 : v > 127 ? 127 : v);
  }
}
