/* SPDX-License-Identifier: MIT */
/*
 * kio_mem: counted memory. Memory from kio_mem_create is one allocation: the
 * structure stands behind the bytes, which keep their alignment.
 */
#include <kiobuf/mem.h>

#include "base/math.h"
#include "core/frame.h"
#include "port/port.h"

void
kio_mem_init(struct kio_mem *mem, void *base, size_t size, void (*release)(struct kio_mem *mem))
{
	mem->base = base;
	mem->size = size;
	mem->release = release;
	mem->refs = 1;
}

static void
release_heap(struct kio_mem *mem)
{
	kio__free(mem->base);
}

struct kio_mem *
kio_mem_create(size_t size, size_t align)
{
	size_t room = kio__align_up(size, _Alignof(struct kio_mem));
	struct kio_mem *mem;
	char *base;

	if (room < size || room + sizeof(*mem) < room)
		return NULL;
	base = kio__alloc_aligned(room + sizeof(*mem), align);
	if (base == NULL)
		return NULL;
	mem = (struct kio_mem *)(void *)(base + room);
	kio_mem_init(mem, base, size, release_heap);
	return mem;
}

struct kio_mem *
kio_mem_ref(struct kio_mem *mem)
{
	__atomic_fetch_add(&mem->refs, 1, __ATOMIC_RELAXED);
	return mem;
}

void
kio_mem_unref(struct kio_mem *mem)
{
	if (__atomic_fetch_sub(&mem->refs, 1, __ATOMIC_ACQ_REL) == 1 && mem->release != NULL)
		mem->release(mem);
}

bool
kio_mem_shared(const struct kio_mem *mem)
{
	return __atomic_load_n(&mem->refs, __ATOMIC_ACQUIRE) > 1;
}

static void
change_refs(struct kio_iter data, void (*change)(struct kio_mem *mem))
{
	const struct kio_seg *seg = data.seg;
	uint64_t left = data.len + data.skip;

	for (;; seg++) {
		if (seg->mem != NULL)
			change(seg->mem);
		if (seg->len >= left)
			break;
		left -= seg->len;
	}
}

static void
take_ref(struct kio_mem *mem)
{
	kio_mem_ref(mem);
}

void
kio__iter_ref(struct kio_iter data)
{
	change_refs(data, take_ref);
}

void
kio__iter_unref(struct kio_iter data)
{
	change_refs(data, kio_mem_unref);
}
