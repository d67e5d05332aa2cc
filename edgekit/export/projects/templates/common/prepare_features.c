/* Counts to real units, to features, to the model's quantized input. */
static void prepare(const int16_t *window) {
  static float samples[@NAME@_TASK_WINDOW], features[@NAME@_INPUT_SIZE];
  for (int32_t i = 0; i < @NAME@_TASK_WINDOW; i++) samples[i] = (float)window[i] * @NAME@_SAMPLE_SCALE;
  @name@_features(samples, features);
  @name@_quantize(features, @name@_input());
}
