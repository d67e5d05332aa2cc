/* FreeRTOS: a task that is notified of each full window. Its memory is static. */
#include "@name@_rtos.h"

#if defined(ARDUINO_ARCH_MBED)
#error "this Arduino core runs Mbed OS, not FreeRTOS: write the project with rtos='bare'"
#elif defined(ESP_PLATFORM)
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#else
#include "FreeRTOS.h"
#include "task.h"
#endif

#if defined(configSUPPORT_STATIC_ALLOCATION) && configSUPPORT_STATIC_ALLOCATION == 0
#error "set configSUPPORT_STATIC_ALLOCATION to 1 in FreeRTOSConfig.h: the inference task's memory is static"
#endif
#if defined(configUSE_TASK_NOTIFICATIONS) && configUSE_TASK_NOTIFICATIONS == 0
#error "set configUSE_TASK_NOTIFICATIONS to 1 in FreeRTOSConfig.h: the sampling interrupt wakes the task by one"
#endif

#define PRIORITY (tskIDLE_PRIORITY + 1) /* a larger number is more urgent */
#ifndef @NAME@_STACK_BYTES
#define @NAME@_STACK_BYTES 2048
#endif

static StackType_t stack[@NAME@_STACK_BYTES / sizeof(StackType_t)];
static StaticTask_t memory;
static TaskHandle_t task;
static volatile uint8_t started; /* 1: `task` may be read; a byte, which every core reads whole */

static void run(void *unused) {
  (void)unused;
  for (;;) { /* poll before waiting: a window may have filled when there was no task to wake */
    const TickType_t wait = started ? portMAX_DELAY : 1; /* 1: the creator has not stored the handle yet */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    while (@name@_poll()) {
    }
    ulTaskNotifyTake(pdTRUE, wait);
  }
}

int @name@_start(int control_priority) {
  if (control_priority <= (int)PRIORITY || started) return -1;
  task = xTaskCreateStatic(run, "@name@", sizeof stack / sizeof stack[0], NULL, PRIORITY, stack, &memory);
  if (task == NULL) return -1;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  started = 1;
  return 0;
}

/* Whom to wake. The window is full before `started` is looked at, as the task looks at `started` before the
 * window: one of the two sees the other, on two cores, too. */
static TaskHandle_t whom(int16_t sample) {
  if (!@name@_on_sample(sample)) return NULL;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  return started ? task : NULL;
}

void @name@_sample_isr(int16_t sample) {
  BaseType_t woken = pdFALSE;
  const TaskHandle_t wake = whom(sample);
  if (wake != NULL) vTaskNotifyGiveFromISR(wake, &woken);
  portYIELD_FROM_ISR(woken);
}

void @name@_sample(int16_t sample) {
  const TaskHandle_t wake = whom(sample);
  if (wake != NULL) xTaskNotifyGive(wake);
}
