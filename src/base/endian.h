/* SPDX-License-Identifier: MIT */
#ifndef BASE_ENDIAN_H
#define BASE_ENDIAN_H

/* Integers on disk are little-endian, NBD's on the wire big-endian; at any alignment. */

#include <stdint.h>

#define KIO__ENDIAN(bits) \
	static inline void kio__put_le##bits(void *to, uint##bits##_t value) \
	{ \
		unsigned char *p = (unsigned char *)to; \
		for (unsigned i = 0; i < bits / 8; i++) \
			p[i] = (unsigned char)(value >> 8 * i); \
	} \
	static inline uint##bits##_t kio__get_le##bits(const void *from) \
	{ \
		const unsigned char *p = (const unsigned char *)from; \
		uint##bits##_t value = 0; \
		for (unsigned i = 0; i < bits / 8; i++) \
			value = (uint##bits##_t)(value | (uint##bits##_t)p[i] << 8 * i); \
		return value; \
	} \
	static inline void kio__put_be##bits(void *to, uint##bits##_t value) \
	{ \
		unsigned char *p = (unsigned char *)to; \
		for (unsigned i = 0; i < bits / 8; i++) \
			p[i] = (unsigned char)(value >> (bits - 8 - 8 * i)); \
	} \
	static inline uint##bits##_t kio__get_be##bits(const void *from) \
	{ \
		const unsigned char *p = (const unsigned char *)from; \
		uint##bits##_t value = 0; \
		for (unsigned i = 0; i < bits / 8; i++) \
			value = (uint##bits##_t)(value | (uint##bits##_t)p[i] << (bits - 8 - 8 * i)); \
		return value; \
	}

KIO__ENDIAN(16)
KIO__ENDIAN(32)
KIO__ENDIAN(64)

#endif
