/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_CACHE_H
#define LAYERS_CACHE_H

/*
 * The cache's files:
 *
 *   cache.c         opening, closing, and changes
 *   cache_read.c    the way of reads
 *   cache_blocks.c  its memory, and what has to go
 */

#include <kiobuf/layer.h>

#include "base/math.h"
#include "layers/cache_blocks.h"
#include "port/lock.h"
#include "port/port.h"

#define CACHE_MOST 32u  /* blocks in a round, or in a lent read */
#define CACHE_FILLS 64u /* at once, on a channel */

/* What a request that has been kept waits for. */
enum cache_wait {
	CACHE_RUNS,
	CACHE_BLOCK, /* to be filled */
	CACHE_FILL,  /* to be free */
	CACHE_ROOM,  /* for all blocks of a lent read */
};

struct cache_frame {
	struct kio_task task;
	struct cache *cache;
	struct kio_frame *frame;
	struct cache_frame *next; /* that waits for the same */
	struct kio_iter rest;     /* of the request's memory */
	uint64_t at;              /* from the start of the request: where the round begins */
	uint64_t fail_from, fail_to;
	int status;
	enum cache_wait waits;
	unsigned count; /* blocks of this round; all are pinned */
	unsigned ready; /* of these, the first that are known to be there */
	unsigned taken;
	uint32_t blocks[CACHE_MOST];
	struct kio_seg segs[CACHE_MOST]; /* of a lent read */
};

struct cache_fill {
	struct cache_fill *next;
	struct cache_channel *channel;
	struct kio *kio;
	uint32_t block;
	bool out;
};

struct cache_list {
	struct cache_frame *first, **last;
};

struct cache {
	struct kio_layer layer;
	uint64_t bytes;
	uint64_t block;

	unsigned shift;
	unsigned round; /* blocks that a read takes at once */
	bool lends_below;
	uint64_t size;     /* of the disk; atomic */
	uint32_t channels; /* atomic */

	struct kio__lock lock; /* of what follows */
	struct kio__cache_blocks blocks;
	struct cache_list starved; /* lent reads that found no room */
	uint64_t hits, misses;     /* blocks that requests needed; atomic for those who look on */
};

struct cache_channel {
	struct cache *cache;
	struct cache_fill fills[CACHE_FILLS];
	struct cache_fill *free;
	unsigned out;
	struct cache_list parked; /* requests that found no fill */
};

static inline struct cache *
cache_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct cache, layer);
}

static inline struct kio__cache_block *
cache_block(const struct cache *cache, uint32_t index)
{
	return &cache->blocks.blocks[index];
}

static inline void
cache_list_init(struct cache_list *list)
{
	list->first = NULL;
	list->last = &list->first;
}

/* Where in its block the request begins that has come as far as `at`. */
static inline uint32_t
cache_from(const struct cache *cache, const struct kio_frame *frame, uint64_t at)
{
	return (uint32_t)((frame->offset + at) & (cache->block - 1));
}

static inline uint32_t
cache_to(const struct cache *cache, const struct kio_frame *frame, uint64_t at)
{
	uint32_t from = cache_from(cache, frame, at);

	return (uint32_t)kio__min(cache->block, from + (frame->data.len - at));
}

/* cache_read.c */
void kio__cache_read(struct cache *cache, struct kio_frame *frame);
void kio__cache_cancel(struct kio_layer *layer, struct kio_frame *frame);
/* The block is through, with its status: all who wait for it go on. */
void kio__cache_settle(struct cache *cache, struct kio__cache_block *block, const struct kio_loop *here);

#endif
