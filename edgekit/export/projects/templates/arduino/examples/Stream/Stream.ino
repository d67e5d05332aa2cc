// Self-test, then: the sensor's data-ready interrupt samples, loop() infers in the time that is left.
#include <@name@_rtos.h>
#include <@name@_selftest.h>

const int DATA_READY_PIN = 2;

int16_t readSensor() { return (int16_t)analogRead(A0); }  // put your sensor's data register here

void onDataReady() { @name@_sample_isr(readSensor()); }

void setup() {
  Serial.begin(115200);
  Serial.print("@name@: ");
  Serial.print(@name@_selftest());
  Serial.println(" of @golden@ golden vectors differ");
  attachInterrupt(digitalPinToInterrupt(DATA_READY_PIN), onDataReady, RISING);
}

void loop() {
  struct @name@_result result;
  if (@name@_poll() && @name@_latest(&result)) {
    Serial.print("class ");
    Serial.print(result.best);
    Serial.print(", overruns ");
    Serial.println(@name@_overruns());
  }
}
