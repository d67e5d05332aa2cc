// Self-test, then three tasks: sampling at the sensor's data-ready pulse, loop() as the control loop below it, and
// inference below both. The pulse's interrupt only wakes: analogRead() takes a lock, which no interrupt may.
#include <@name@_rtos.h>
#include <@name@_selftest.h>

const int DATA_READY_PIN = 2;
const int CONTROL_PRIORITY = 3;

int16_t readSensor() { return (int16_t)analogRead(A0); }  // put your sensor here

TaskHandle_t sampler;

void onDataReady() {
  BaseType_t woken = pdFALSE;
  vTaskNotifyGiveFromISR(sampler, &woken);
  portYIELD_FROM_ISR(woken);
}

void sampling(void *) {
  for (;;) {
    ulTaskNotifyTake(pdFALSE, portMAX_DELAY);
    @name@_sample(readSensor());
  }
}

void setup() {
  Serial.begin(115200);
  Serial.print("@name@: ");
  Serial.print(@name@_selftest());
  Serial.println(" of @golden@ golden vectors differ");
  vTaskPrioritySet(NULL, CONTROL_PRIORITY);
  if (@name@_start(CONTROL_PRIORITY) != 0 ||
      xTaskCreate(sampling, "sampling", 2048, NULL, CONTROL_PRIORITY + 1, &sampler) != pdPASS) {
    Serial.println("the tasks could not be started");
    return;
  }
  attachInterrupt(digitalPinToInterrupt(DATA_READY_PIN), onDataReady, RISING);
}

void loop() {
  static uint32_t seen = 0;
  struct @name@_result result;
  delay(10);  // the control loop's period
  if (@name@_latest(&result) && result.number != seen) {
    seen = result.number;
    Serial.print("window ");
    Serial.print(seen);
    Serial.print(": class ");
    Serial.print(result.best);
    Serial.print(", overruns ");
    Serial.println(@name@_overruns());
  }
}
