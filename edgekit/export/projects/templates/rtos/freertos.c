/* FreeRTOS: needs configSUPPORT_STATIC_ALLOCATION and configUSE_TASK_NOTIFICATIONS. */
#include "@name@_rtos.h"

#ifdef ESP_PLATFORM
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#else
#include "FreeRTOS.h"
#include "task.h"
#endif

#define PRIORITY (tskIDLE_PRIORITY + 1) /* a larger number is more urgent */
#ifndef @NAME@_STACK_BYTES
#define @NAME@_STACK_BYTES 2048
#endif

static StackType_t stack[@NAME@_STACK_BYTES / sizeof(StackType_t)];
static StaticTask_t memory;
static TaskHandle_t task;

static void run(void *unused) {
  (void)unused;
  for (;;) {
    ulTaskNotifyTake(pdTRUE, portMAX_DELAY);
    while (@name@_poll()) {
    }
  }
}

int @name@_start(int control_priority) {
  if (control_priority <= (int)PRIORITY) return -1;
  task = xTaskCreateStatic(run, "@name@", sizeof stack / sizeof stack[0], NULL, PRIORITY, stack, &memory);
  return 0;
}

void @name@_sample_isr(int16_t sample) {
  BaseType_t woken = pdFALSE;
  if (@name@_on_sample(sample) && task != NULL) vTaskNotifyGiveFromISR(task, &woken);
  portYIELD_FROM_ISR(woken);
}
