/* SPDX-License-Identifier: MIT */
#ifndef BASE_MATH_H
#define BASE_MATH_H

/* Alignment and powers of two. align is always a power of two. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIO__COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define kio__likely(x) __builtin_expect(!!(x), 1)
#define kio__unlikely(x) __builtin_expect(!!(x), 0)

static inline uint64_t
kio__align_down(uint64_t value, uint64_t align)
{
	return value & ~(align - 1);
}

/* Wraps for values within align of the end of the range; sizes are below 2^63. */
static inline uint64_t
kio__align_up(uint64_t value, uint64_t align)
{
	return (value + align - 1) & ~(align - 1);
}

static inline bool
kio__is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

static inline uint64_t
kio__min(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
kio__max(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

#endif
