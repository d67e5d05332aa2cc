/* Start the inference task below the control loop's priority (a number as the RTOS counts them).
 * Returns 0, or -1 where there is no priority below. */
int @name@_start(int control_priority);

/* From the sampling interrupt. */
void @name@_sample_isr(int16_t sample);
