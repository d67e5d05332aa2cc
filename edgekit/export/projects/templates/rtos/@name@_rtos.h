/* @name@ under @rtos_name@. */
#ifndef @NAME@_RTOS_H
#define @NAME@_RTOS_H

#include <stdint.h>

#include "@name@_task.h"

#ifdef __cplusplus
extern "C" {
#endif

@rtos_declarations@
#ifdef __cplusplus
}
#endif
#endif
