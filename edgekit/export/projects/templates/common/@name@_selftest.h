#ifndef @NAME@_SELFTEST_H
#define @NAME@_SELFTEST_H

#ifdef __cplusplus
extern "C" {
#endif

/* Run the golden vectors through the model: the number of vectors whose output is not exactly as expected,
 * 0 for a good build. Not to be called while the inference task runs. */
int @name@_selftest(void);

#ifdef __cplusplus
}
#endif
#endif
