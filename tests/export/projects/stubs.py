"""Stand-ins of the SDKs' headers: the names that a project uses, and nothing behind them."""

STUBS = {
    "FreeRTOS.h": """
#pragma once
#include <stddef.h>
#include <stdint.h>
typedef uint32_t StackType_t; typedef long BaseType_t; typedef unsigned long UBaseType_t;
typedef uint32_t TickType_t; typedef struct { int x; } StaticTask_t; typedef struct tcb *TaskHandle_t;
#define pdFALSE 0
#define configSUPPORT_STATIC_ALLOCATION 1
#define configUSE_TASK_NOTIFICATIONS 1
#define pdTRUE 1
#define pdPASS 1
#define portMAX_DELAY 0xffffffffu
#define tskIDLE_PRIORITY ((UBaseType_t)0)
#define portYIELD_FROM_ISR(x) ((void)(x))
#define pdMS_TO_TICKS(ms) ((TickType_t)(ms))
""",
    "task.h": """
#pragma once
#ifdef __cplusplus
extern "C" {
#endif
TaskHandle_t xTaskCreateStatic(void (*)(void *), const char *, uint32_t, void *, UBaseType_t,
                               StackType_t *, StaticTask_t *);
uint32_t ulTaskNotifyTake(BaseType_t, TickType_t);
void vTaskNotifyGiveFromISR(TaskHandle_t, BaseType_t *);
BaseType_t xTaskNotifyGive(TaskHandle_t);
BaseType_t xTaskCreate(void (*)(void *), const char *, uint32_t, void *, UBaseType_t, TaskHandle_t *);
void vTaskPrioritySet(TaskHandle_t, UBaseType_t);
void vTaskDelay(TickType_t);
#ifdef __cplusplus
}
#endif
""",
    "freertos/FreeRTOS.h": '#include "../FreeRTOS.h"\n',
    "freertos/task.h": '#include "../task.h"\n',
    "driver/gptimer.h": """
#include <stdbool.h>
#include <stdint.h>
typedef struct t *gptimer_handle_t;
typedef struct { int x; } gptimer_alarm_event_data_t;
enum { GPTIMER_CLK_SRC_DEFAULT, GPTIMER_COUNT_UP };
typedef struct { int clk_src, direction; uint32_t resolution_hz; } gptimer_config_t;
typedef struct { bool (*on_alarm)(gptimer_handle_t, const gptimer_alarm_event_data_t *, void *); }
    gptimer_event_callbacks_t;
typedef struct { uint64_t alarm_count; struct { int auto_reload_on_alarm; } flags; } gptimer_alarm_config_t;
int gptimer_new_timer(const gptimer_config_t *, gptimer_handle_t *);
int gptimer_register_event_callbacks(gptimer_handle_t, const gptimer_event_callbacks_t *, void *);
int gptimer_set_alarm_action(gptimer_handle_t, const gptimer_alarm_config_t *);
int gptimer_enable(gptimer_handle_t);
int gptimer_start(gptimer_handle_t);
""",
    "esp_err.h": "#define ESP_ERROR_CHECK(x) ((void)(x))\n",
    "zephyr/kernel.h": """
#pragma once
#include <stddef.h>
#include <stdint.h>
struct k_thread { int x; }; struct k_sem { int x; }; struct k_timer { int x; };
typedef struct { int64_t ticks; } k_timeout_t; typedef struct k_thread *k_tid_t; typedef int k_thread_stack_t;
#define CONFIG_M_STACK_SIZE 2048
#define K_LOWEST_APPLICATION_THREAD_PRIO 14
#define K_FOREVER ((k_timeout_t){-1})
#define K_NO_WAIT ((k_timeout_t){0})
#define K_MSEC(ms) ((k_timeout_t){ms})
#define K_THREAD_STACK_DEFINE(name, size) k_thread_stack_t name[size]
#define K_SEM_DEFINE(name, first, limit) struct k_sem name = {first + 0 * (limit)}
#define K_TIMER_DEFINE(name, on, off) struct k_timer name; \\
  void (*const name##_on)(struct k_timer *) = on; void (*const name##_off)(struct k_timer *) = off
int k_sem_take(struct k_sem *, k_timeout_t);
void k_sem_give(struct k_sem *);
k_tid_t k_thread_create(struct k_thread *, k_thread_stack_t *, size_t, void (*)(void *, void *, void *),
                        void *, void *, void *, int, uint32_t, k_timeout_t);
int k_thread_name_set(k_tid_t, const char *);
void k_thread_priority_set(k_tid_t, int);
k_tid_t k_current_get(void);
void k_timer_start(struct k_timer *, k_timeout_t, k_timeout_t);
int32_t k_sleep(k_timeout_t);
""",
    "zephyr/sys/printk.h": "void printk(const char *, ...);\n",
    "tx_api.h": """
#pragma once
typedef unsigned long ULONG; typedef unsigned int UINT; typedef char CHAR; typedef void VOID;
typedef struct { int x; } TX_THREAD; typedef struct { int x; } TX_SEMAPHORE;
#define TX_MAX_PRIORITIES 32
#define TX_WAIT_FOREVER 0xffffffffUL
#define TX_NO_TIME_SLICE 0UL
#define TX_AUTO_START 1
#define TX_SUCCESS 0
UINT tx_semaphore_create(TX_SEMAPHORE *, CHAR *, ULONG);
UINT tx_semaphore_delete(TX_SEMAPHORE *);
UINT tx_semaphore_get(TX_SEMAPHORE *, ULONG);
UINT tx_semaphore_ceiling_put(TX_SEMAPHORE *, ULONG);
UINT tx_thread_create(TX_THREAD *, CHAR *, VOID (*)(ULONG), ULONG, VOID *, ULONG, UINT, UINT, ULONG, UINT);
""",
    "mbed.h": """
#pragma once
enum osPriority { osPriorityRealtime = 48 };
namespace rtos {
struct Semaphore { explicit Semaphore(int); void acquire(); int release(); };
struct Thread { explicit Thread(osPriority); int start(void (*)()); };
}
""",
    "Arduino.h": """
#pragma once
#include <stdint.h>
enum { A0 = 14, RISING = 3 };
int analogRead(int);
int digitalPinToInterrupt(int);
void delay(unsigned long);
void interrupts();
void noInterrupts();
void attachInterrupt(int, void (*)(), int);
struct Console { void begin(long); template <class T> void print(T); template <class T> void println(T); };
extern Console Serial;
#if defined(ARDUINO_ARCH_ESP32)
#define IRAM_ATTR
#include "freertos/FreeRTOS.h"
#include "freertos/task.h"
#endif
""",
}


def stubs(folder):
    for name, text in STUBS.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
