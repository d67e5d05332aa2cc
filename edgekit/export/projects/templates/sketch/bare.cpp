// Self-test, then: the sensor's data-ready pulse asks for a sample, and loop() infers in the time that is left.
//
// The pulse's interrupt reads no sensor. analogRead() and Wire wait for their hardware, and on Mbed and ESP32 they
// take a lock, which no interrupt may. A thread above loop() reads it, or, on cores without threads, loop().
#include <@name@_rtos.h>
#include <@name@_selftest.h>

const int DATA_READY_PIN = 2;

int16_t readSensor() { return (int16_t)analogRead(A0); }  // put your sensor here

#if defined(ARDUINO_ARCH_MBED)
#include <mbed.h>

rtos::Semaphore pulses(0);
rtos::Thread sampler(osPriorityRealtime);

void onDataReady() { pulses.release(); }

void sampling() {
  for (;;) {
    pulses.acquire();
    @name@_on_sample(readSensor());
  }
}

void startSampling() { sampler.start(sampling); }
void sampleInLoop() {}
uint32_t missed() { return 0; }

#elif defined(ARDUINO_ARCH_ESP32)
TaskHandle_t sampler;

void IRAM_ATTR onDataReady() {
  BaseType_t woken = pdFALSE;
  vTaskNotifyGiveFromISR(sampler, &woken);
  portYIELD_FROM_ISR(woken);
}

void sampling(void *) {
  for (;;) {
    ulTaskNotifyTake(pdFALSE, portMAX_DELAY);
    @name@_on_sample(readSensor());
  }
}

void startSampling() { xTaskCreate(sampling, "sampling", 2048, NULL, 10, &sampler); }
void sampleInLoop() {}
uint32_t missed() { return 0; }

#else
// Pulses that come while an inference runs are missed, and counted. Where a sample is only a register to read (the
// converter's own interrupt, a sensor behind DMA), call @name@_sample_isr() there instead: that misses none.
volatile uint8_t pulses;
uint32_t missedPulses;

void onDataReady() {
  if (pulses < 255) pulses = pulses + 1;
}

void startSampling() {}

void sampleInLoop() {
  noInterrupts();
  const uint8_t due = pulses;
  pulses = 0;
  interrupts();
  if (due == 0) return;
  missedPulses += due - 1u;
  @name@_on_sample(readSensor());
}

uint32_t missed() { return missedPulses; }
#endif

void setup() {
  Serial.begin(115200);
  Serial.print("@name@: ");
  Serial.print(@name@_selftest());
  Serial.println(" of @golden@ golden vectors differ");
  startSampling();
  attachInterrupt(digitalPinToInterrupt(DATA_READY_PIN), onDataReady, RISING);
}

void loop() {
  struct @name@_result result;
  sampleInLoop();
  if (@name@_poll() && @name@_latest(&result)) {
    Serial.print("window ");
    Serial.print(result.number);
    Serial.print(": class ");
    Serial.print(result.best);
    Serial.print(", overruns ");
    Serial.print(@name@_overruns());
    Serial.print(", missed samples ");
    Serial.println(missed());
  }
}
