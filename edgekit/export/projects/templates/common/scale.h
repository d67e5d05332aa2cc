#ifndef @NAME@_SAMPLE_SCALE
#define @NAME@_SAMPLE_SCALE @sample_scale@ /* the model's unit for one count of the converter */
#endif
