/* Self-test, then: a timer interrupt samples, this task is the control loop, the model runs below it. */
#include <stdbool.h>
#include <stdio.h>

#include "driver/gptimer.h"
#include "esp_err.h"
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"

#include "@name@_rtos.h"
#include "@name@_selftest.h"

#define CONTROL_PRIORITY 10

static int16_t read_sensor(void) { return 0; /* put your converter's data register here */ }

static bool on_timer(gptimer_handle_t timer, const gptimer_alarm_event_data_t *event, void *context) {
  (void)timer, (void)event, (void)context;
  @name@_sample_isr(read_sensor());
  return false; /* the glue has asked for the task switch */
}

static void start_sampling(void) {
  gptimer_handle_t timer;
  const gptimer_config_t config = {
      .clk_src = GPTIMER_CLK_SRC_DEFAULT, .direction = GPTIMER_COUNT_UP, .resolution_hz = 1000000};
  const gptimer_event_callbacks_t callbacks = {.on_alarm = on_timer};
  const gptimer_alarm_config_t alarm = {.alarm_count = 1000, .flags.auto_reload_on_alarm = true};
  ESP_ERROR_CHECK(gptimer_new_timer(&config, &timer));
  ESP_ERROR_CHECK(gptimer_register_event_callbacks(timer, &callbacks, NULL));
  ESP_ERROR_CHECK(gptimer_set_alarm_action(timer, &alarm));
  ESP_ERROR_CHECK(gptimer_enable(timer));
  ESP_ERROR_CHECK(gptimer_start(timer));
}

void app_main(void) {
  printf("@name@: %d of @golden@ golden vectors differ\n", @name@_selftest());
  vTaskPrioritySet(NULL, CONTROL_PRIORITY);
  if (@name@_start(CONTROL_PRIORITY) != 0) return;
  start_sampling();

  uint32_t seen = 0;
  for (;;) {
    struct @name@_result result;
    vTaskDelay(pdMS_TO_TICKS(10)); /* the control loop's period */
    if (@name@_latest(&result) && result.number != seen) {
      seen = result.number;
      printf("window %u: class %d, %u overruns\n", (unsigned)seen, result.best,
             (unsigned)@name@_overruns());
    }
  }
}
