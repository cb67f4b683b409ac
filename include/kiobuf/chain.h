/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_CHAIN_H
#define KIOBUF_CHAIN_H

/*
 * kio_chain and kio_iter: scatter-gather memory, and a view of it.
 *
 *   chain   [ 512 B ][ 4096 B            ][ 13 B ][ 1 MiB          ...
 *                         ^
 *   iter    seg = 1, skip = 900, len = what is left of the view
 *
 * A chain is an array of segments of any length and alignment. It is filled by
 * its producer and fixed from then on. Everybody else has an iter: a place in
 * the chain and a number of bytes from there. An iter is copied by value; to
 * take a part off one writes three words and touches no segment but those it
 * steps over, so a walk over a whole chain costs its segments once, in however
 * many parts it is taken.
 *
 *	struct kio_iter rest = frame->data;
 *	struct kio_iter head = kio_iter_take(&rest, 4096);
 *
 * Rules
 *  1. Segments with len 0 are allowed and mean nothing.
 *  2. The segments of an iter hold at least iter.len bytes from its place on.
 *  3. Operations that move no data have an iter too: its seg is
 *     kio_no_data, and only its len means something.
 */

#include <kiobuf/base.h>
#include <kiobuf/mem.h>

KIO_BEGIN

struct kio_seg {
	void *base;
	size_t len;
	struct kio_mem *mem; /* NULL: loaned */
};

struct kio_chain {
	struct kio_seg *segs;
	uint32_t count;
	uint32_t space; /* segments that fit */
	uint64_t len;   /* sum of all len */
};

struct kio_iter {
	const struct kio_seg *seg;
	size_t skip; /* bytes of *seg that lie before the view */
	uint64_t len;
};

/* The segment of iters without memory: endless, and nowhere. */
KIO_PUBLIC extern const struct kio_seg kio_no_data;

static inline void
kio_chain_init(struct kio_chain *chain, struct kio_seg *segs, uint32_t space)
{
	chain->segs = segs;
	chain->count = 0;
	chain->space = space;
	chain->len = 0;
}

/* Appends memory. -ENOSPC: all segments are in use, nothing was changed. */
KIO_PUBLIC int kio_chain_add(struct kio_chain *chain, void *base, size_t len, struct kio_mem *mem);

/* The view of a whole chain. */
static inline struct kio_iter
kio_chain_iter(const struct kio_chain *chain)
{
	struct kio_iter iter = { chain->segs, 0, chain->len };

	return iter;
}

/* The view of no memory, for discard, write-zeroes and the like. */
static inline struct kio_iter
kio_iter_none(uint64_t len)
{
	struct kio_iter iter = { &kio_no_data, 0, len };

	return iter;
}

/* Moves on by len bytes, at most to the end. */
static inline void
kio_iter_skip(struct kio_iter *iter, uint64_t len)
{
	if (len >= iter->len) {
		iter->skip += (size_t)iter->len;
		iter->len = 0;
		return;
	}
	iter->len -= len;
	iter->skip += (size_t)len;
	while (iter->skip >= iter->seg->len) {
		iter->skip -= iter->seg->len;
		iter->seg++;
	}
}

/* Takes the first len bytes (or all that is left) off an iter. */
static inline struct kio_iter
kio_iter_take(struct kio_iter *iter, uint64_t len)
{
	struct kio_iter part = *iter;

	if (part.len > len)
		part.len = len;
	kio_iter_skip(iter, len);
	return part;
}

/*
 * The next contiguous piece: returns its address, stores its length and moves
 * on. NULL: the iter is empty.
 *
 *	while ((base = kio_iter_next(&iter, &len)) != NULL)
 *		checksum = update(checksum, base, len);
 */
static inline void *
kio_iter_next(struct kio_iter *iter, size_t *len)
{
	void *base;

	if (iter->len == 0)
		return NULL;
	while (iter->skip >= iter->seg->len) {
		iter->skip -= iter->seg->len;
		iter->seg++;
	}
	base = (char *)iter->seg->base + iter->skip;
	*len = iter->seg->len - iter->skip;
	if (*len > iter->len)
		*len = (size_t)iter->len;
	kio_iter_skip(iter, *len);
	return base;
}

/* Number of contiguous pieces, counted up to most. */
KIO_PUBLIC uint32_t kio_iter_pieces(struct kio_iter iter, uint32_t most);

/* True when every piece begins, and every piece but the last ends, on align (a power of two). */
KIO_PUBLIC bool kio_iter_aligned(struct kio_iter iter, size_t align);

/* Copy between two views: as many bytes as the shorter has, returned. */
KIO_PUBLIC uint64_t kio_iter_copy(struct kio_iter to, struct kio_iter from);

/* Copy between a view and plain memory: at most len bytes; the number is returned. */
KIO_PUBLIC uint64_t kio_iter_copy_to(struct kio_iter from, void *to, uint64_t len);
KIO_PUBLIC uint64_t kio_iter_copy_from(struct kio_iter to, const void *from, uint64_t len);

/* Fills the view with one byte value. */
KIO_PUBLIC void kio_iter_fill(struct kio_iter iter, unsigned char value);

KIO_END

#endif
