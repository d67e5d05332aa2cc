/* Grey values straight to the model's quantized input. */
static void prepare(const int16_t *window) {
  static uint8_t picture[@NAME@_TASK_WINDOW];
  for (int32_t i = 0; i < @NAME@_TASK_WINDOW; i++) {
    picture[i] = (uint8_t)(window[i] < 0 ? 0 : window[i] > 255 ? 255 : window[i]);
  }
  @name@_input_uint8(picture, @name@_input());
}
