/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_CACHE_BLOCKS_H
#define LAYERS_CACHE_BLOCKS_H

/*
 * The memory of a cache: blocks of a disk, found by number, and which of them
 * has to go. The algorithm is S3-FIFO (Yang et al., SOSP 2023):
 *
 *   new ---> small, a tenth ---not used again---> gone; its number to ghost
 *              |  used again                            |
 *              v                                        | wanted again
 *            main <-------------------------------------+
 *              |  oldest: used since? once more around : gone
 *
 * What is read once passes through `small` and leaves `main` as it is, so a
 * scan does not wash out what is used all the time. What is pinned stays.
 *
 * Not locked. All memory is allocated when it opens.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIO__CACHE_NONE UINT32_MAX

enum kio__cache_state {
	KIO__CACHE_FILLING, /* who needs it waits */
	KIO__CACHE_READY,
	KIO__CACHE_FAILED, /* all but [fail_from, fail_from + fail_len) is there; not listed */
};

struct cache_frame;

struct kio__cache_block {
	uint64_t number;
	struct cache_frame *waiting; /* the last that came first */
	uint32_t pins;
	uint32_t older, newer; /* in its queue */
	uint32_t chain;        /* the next in its bucket, or of those that are free */
	uint32_t len;          /* bytes; fewer at the end of the disk */
	uint32_t end;          /* of the last use: one that goes on there is the same */
	uint32_t fail_from, fail_len;
	int32_t status;
	uint8_t state; /* enum kio__cache_state */
	uint8_t used;  /* how often, up to 3 */
	bool listed;   /* can be found; else it goes with its last pin */
	bool in_main;
};

struct kio__cache_queue {
	uint32_t oldest, newest;
	uint32_t count;
};

/* Numbers of blocks that left `small`, in a ring, found by a hash. */
struct kio__cache_ghosts {
	uint64_t *numbers; /* UINT64_MAX: none */
	uint32_t *chain;
	uint32_t *buckets;
	uint32_t count, next;
};

struct kio__cache_blocks {
	char *memory;
	struct kio__cache_block *blocks;
	uint32_t *buckets;
	unsigned shift;  /* of a block */
	unsigned hash;   /* shift of a hash */
	uint32_t count;
	uint32_t few;    /* blocks that `small` may hold */
	uint32_t listed; /* that can be found; */
	uint32_t pinned; /* of these, pinned */
	uint32_t free, free_count;
	struct kio__cache_queue small, main;
	struct kio__cache_ghosts ghosts;
};

/* count: at least 2. -ENOMEM. */
int kio__cache_blocks_open(struct kio__cache_blocks *blocks, unsigned shift, uint32_t count);
/* Nothing is pinned. */
void kio__cache_blocks_close(struct kio__cache_blocks *blocks);

/* NULL: it is not there. */
struct kio__cache_block *kio__cache_find(const struct kio__cache_blocks *blocks, uint64_t number);

/* Blocks that could be added. */
static inline uint32_t
kio__cache_room(const struct kio__cache_blocks *blocks)
{
	return blocks->free_count + blocks->listed - blocks->pinned;
}

/* One that is not there: filling, and pinned once. NULL: no room. */
struct kio__cache_block *kio__cache_add(struct kio__cache_blocks *blocks, uint64_t number, uint32_t len);

/* Is not found any more. */
void kio__cache_drop(struct kio__cache_blocks *blocks, struct kio__cache_block *block);

/* The bytes [from, to) of it are used, once more. */
void kio__cache_use(struct kio__cache_block *block, uint32_t from, uint32_t to);

static inline void
kio__cache_pin(struct kio__cache_blocks *blocks, struct kio__cache_block *block)
{
	if (block->pins++ == 0)
		blocks->pinned++;
}

void kio__cache_unpin(struct kio__cache_blocks *blocks, struct kio__cache_block *block);

static inline uint32_t
kio__cache_index(const struct kio__cache_blocks *blocks, const struct kio__cache_block *block)
{
	return (uint32_t)(block - blocks->blocks);
}

static inline char *
kio__cache_memory(const struct kio__cache_blocks *blocks, const struct kio__cache_block *block)
{
	return blocks->memory + ((size_t)kio__cache_index(blocks, block) << blocks->shift);
}

#endif
