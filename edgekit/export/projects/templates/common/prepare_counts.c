/* Counts to features, which know the sensor's sensitivity, to the model's quantized input. */
static void prepare(const int16_t *window) {
  static float features[@NAME@_INPUT_SIZE];
  @name@_features_int16(window, features);
  @name@_quantize(features, @name@_input());
}
