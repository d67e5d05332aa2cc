/* From the sampling interrupt, of any priority. The control loop belongs into a timer interrupt, too. */
void @name@_sample_isr(int16_t sample);

/* From main, for ever: infer in what time the interrupts leave, sleep otherwise. Does not return. */
void @name@_background(void);
