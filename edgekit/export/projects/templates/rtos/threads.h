/* Start the inference task below the control loop's priority (a number as the RTOS counts them). Once, from a
 * thread or before the scheduler runs. Returns 0, or -1 where there is no priority below, where it was started
 * before, or where the RTOS refuses. What was sampled before is not lost: the task looks for it first. */
int @name@_start(int control_priority);

@isr_comment@
void @name@_sample_isr(int16_t sample);

/* The same from a sampling thread, for a sensor that only a thread may read. One of the two, not both. */
void @name@_sample(int16_t sample);
