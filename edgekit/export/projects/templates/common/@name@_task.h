/* @name@: samples in from an interrupt, results out for whoever wants the latest one.
 *
 * The sampling interrupt fills one of two windows while the inference task works on the other:
 *
 *   interrupt  @name@_on_sample()  constant time, never waits, writes only the window being filled
 *   task       @name@_poll()       works on a full window, below the control loop's priority
 *   anybody    @name@_latest()     copies the newest result; the control loop never waits for it
 *
 * One interrupt (or one thread) samples and one task polls. Nothing else is shared. */
#ifndef @NAME@_TASK_H
#define @NAME@_TASK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define @NAME@_TASK_WINDOW @window@ /* samples of one window; several channels come interleaved */
#define @NAME@_TASK_OUTPUTS @outputs@
@scale_define@
struct @name@_result {
  uint32_t number; /* which window since the start: its first sample was (number - 1) * @NAME@_TASK_WINDOW
                      samples after the first one, whatever was thrown away in between */
  int best; /* index of the largest output */
  int8_t output[@NAME@_TASK_OUTPUTS]; /* quantized, as in @name@.h */
};

/* From the sampling interrupt. Returns 1 when a window is full and the task should be woken. */
int @name@_on_sample(int16_t sample);

/* Does a full window wait? For whoever wants to sleep otherwise. */
int @name@_waiting(void);

/* From the inference task: work on a full window. Returns 1 if there was one. */
int @name@_poll(void);

/* Copy the newest result. Returns 0 while there is none. A caller that the inference task cannot preempt
 * never loops; any other repeats the copy if a whole inference was finished meanwhile. */
int @name@_latest(struct @name@_result *result);

/* Windows thrown away because the task had not finished the one before. */
uint32_t @name@_overruns(void);

#ifdef __cplusplus
}
#endif
#endif
