/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_MEM_H
#define KIOBUF_MEM_H

/*
 * kio_mem: memory that several parties can hold.
 *
 * A segment of a chain names the kio_mem it lies in, or none. That alone says
 * what the memory means; no layer ever asks which of the three it is:
 *
 *   loaned         mem is NULL. The caller wants the bytes back as they are
 *                  and keeps them alive until the container completes.
 *   gifted         mem has one reference, and the submission takes it. What
 *                  travels below may change the bytes.
 *   copy-on-write  mem has more references. Nobody may change the bytes; who
 *                  must, gets a copy of its own, and the copy is counted.
 *
 * Rules
 *  1. A submission takes one reference for each segment that has a mem, and
 *     gives it back when the container completes. A caller who wants to keep
 *     the memory takes a reference of its own first. One of no bytes takes none.
 *  2. A reference may be taken and given back on any thread.
 *  3. release() runs once, on the thread that gave back the last reference.
 */

#include <kiobuf/base.h>

KIO_BEGIN

struct kio_mem {
	void *base;
	size_t size;
	void (*release)(struct kio_mem *mem);
	uint32_t refs; /* atomic; 1 after init */
};

/* Describes memory the caller brings. release may be NULL: nothing to do. */
KIO_PUBLIC void kio_mem_init(struct kio_mem *mem, void *base, size_t size,
			     void (*release)(struct kio_mem *mem));

/*
 * Memory from the heap with one reference, aligned to align (a power of two,
 * at least 8). The bytes are not cleared. NULL: out of memory.
 */
KIO_PUBLIC struct kio_mem *kio_mem_create(size_t size, size_t align);

KIO_PUBLIC struct kio_mem *kio_mem_ref(struct kio_mem *mem);
KIO_PUBLIC void kio_mem_unref(struct kio_mem *mem);

/* True while someone else holds a reference too. */
KIO_PUBLIC bool kio_mem_shared(const struct kio_mem *mem);

KIO_END

#endif
