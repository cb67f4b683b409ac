/* SPDX-License-Identifier: MIT */
/*
 * Chains, and the walks over a view that are not a line long.
 */
#include <kiobuf/chain.h>

#include "base/math.h"
#include "port/port.h"

const struct kio_seg kio_no_data = { NULL, SIZE_MAX, NULL };

int
kio_chain_add(struct kio_chain *chain, void *base, size_t len, struct kio_mem *mem)
{
	if (chain->count == chain->space)
		return -ENOSPC;
	chain->segs[chain->count].base = base;
	chain->segs[chain->count].len = len;
	chain->segs[chain->count].mem = mem;
	chain->count++;
	chain->len += len;
	return 0;
}

uint32_t
kio_iter_pieces(struct kio_iter iter, uint32_t most)
{
	uint32_t count = 0;
	size_t len;

	while (count < most && kio_iter_next(&iter, &len) != NULL)
		count++;
	return count;
}

bool
kio_iter_aligned(struct kio_iter iter, size_t align)
{
	void *base;
	size_t len;

	while ((base = kio_iter_next(&iter, &len)) != NULL) {
		if (((uintptr_t)base & (align - 1)) != 0)
			return false;
		if (iter.len != 0 && (len & (align - 1)) != 0)
			return false;
	}
	return true;
}

uint64_t
kio_iter_copy_to(struct kio_iter from, void *to, uint64_t len)
{
	char *next = to;
	size_t piece;
	void *base;

	from = kio_iter_take(&from, len);
	len = from.len;
	while ((base = kio_iter_next(&from, &piece)) != NULL) {
		memcpy(next, base, piece);
		next += piece;
	}
	return len;
}

uint64_t
kio_iter_copy_from(struct kio_iter to, const void *from, uint64_t len)
{
	const char *next = from;
	size_t piece;
	void *base;

	to = kio_iter_take(&to, len);
	len = to.len;
	while ((base = kio_iter_next(&to, &piece)) != NULL) {
		memcpy(base, next, piece);
		next += piece;
	}
	return len;
}

uint64_t
kio_iter_copy(struct kio_iter to, struct kio_iter from)
{
	uint64_t len = kio__min(to.len, from.len);
	size_t piece;
	void *base;

	to = kio_iter_take(&to, len);
	while ((base = kio_iter_next(&to, &piece)) != NULL) {
		kio_iter_copy_to(from, base, piece);
		kio_iter_skip(&from, piece);
	}
	return len;
}

void
kio_iter_fill(struct kio_iter iter, unsigned char value)
{
	size_t len;
	void *base;

	while ((base = kio_iter_next(&iter, &len)) != NULL)
		memset(base, value, len);
}
