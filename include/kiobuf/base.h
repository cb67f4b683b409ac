/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_BASE_H
#define KIOBUF_BASE_H

/*
 * What every other header needs: the free-standing C headers, visibility, a
 * word that threads share, and the way from a member to the structure around it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define KIO_BEGIN extern "C" {
#define KIO_END }
#else
#define KIO_BEGIN
#define KIO_END
#endif

#define KIO_PUBLIC __attribute__((visibility("default")))

/* Reads what another thread stored, and all that it wrote before. */
#ifndef KIO_ACQUIRE
#define KIO_ACQUIRE(ptr) __atomic_load_n((ptr), __ATOMIC_ACQUIRE)
#endif

/* From a pointer to a member to the structure that holds it. */
#define kio_container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr) - offsetof(type, member)))

#endif
