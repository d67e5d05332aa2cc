/* How the functions of this folder are declared. They are static: each model's file brings its own, compiled
 * with what that model needs, and two models make one program. */
#ifndef EDGEKIT_KERNELS_KERNEL_H
#define EDGEKIT_KERNELS_KERNEL_H

#define EK_KERNEL static __attribute__((unused)) /* a model calls some of a header's functions */
#define EK_APART static __attribute__((noinline, unused))

/* A layer. gcc 12 otherwise takes one for a function without effect, and leaves its call out. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 8
#define EK_LAYER static __attribute__((noipa))
#else
#define EK_LAYER static __attribute__((noinline))
#endif

#endif
