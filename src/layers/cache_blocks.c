/* SPDX-License-Identifier: MIT */
#include "layers/cache_blocks.h"

#include "base/math.h"
#include "port/port.h"

#define NONE KIO__CACHE_NONE
#define MOST_USED 3

/* --- open and close ------------------------------------------------------- */

static uint32_t *
make_links(size_t count)
{
	uint32_t *links = kio__alloc(count * sizeof(*links));

	if (links != NULL)
		memset(links, 0xff, count * sizeof(*links));
	return links;
}

static int
open_ghosts(struct kio__cache_ghosts *ghosts, uint32_t count, size_t buckets)
{
	ghosts->count = count;
	ghosts->next = 0;
	ghosts->numbers = kio__alloc(count * sizeof(*ghosts->numbers));
	ghosts->chain = make_links(count);
	ghosts->buckets = make_links(buckets);
	if (ghosts->numbers == NULL || ghosts->chain == NULL || ghosts->buckets == NULL)
		return -ENOMEM;
	memset(ghosts->numbers, 0xff, count * sizeof(*ghosts->numbers));
	return 0;
}

static void
put_free(struct kio__cache_blocks *blocks, struct kio__cache_block *block)
{
	block->chain = blocks->free;
	blocks->free = kio__cache_index(blocks, block);
	blocks->free_count++;
}

int
kio__cache_blocks_open(struct kio__cache_blocks *blocks, unsigned shift, uint32_t count)
{
	unsigned bits = 1;
	int rc;

	while ((uint64_t)1 << bits < count)
		bits++;
	*blocks = (struct kio__cache_blocks){
		.shift = shift, .hash = 64 - bits, .count = count, .few = (uint32_t)kio__max(count / 10, 1),
		.free = NONE, .small = { NONE, NONE, 0 }, .main = { NONE, NONE, 0 },
	};
	blocks->memory = kio__alloc_pages((size_t)count << shift);
	blocks->blocks = kio__alloc_aligned(count * sizeof(*blocks->blocks), 64);
	blocks->buckets = make_links((size_t)1 << bits);
	rc = open_ghosts(&blocks->ghosts, count - blocks->few, (size_t)1 << bits);
	if (blocks->memory == NULL || blocks->blocks == NULL || blocks->buckets == NULL || rc < 0) {
		kio__cache_blocks_close(blocks);
		return -ENOMEM;
	}
	for (uint32_t i = count; i-- > 0;)
		put_free(blocks, &blocks->blocks[i]);
	return 0;
}

void
kio__cache_blocks_close(struct kio__cache_blocks *blocks)
{
	kio__free(blocks->memory);
	kio__free(blocks->blocks);
	kio__free(blocks->buckets);
	kio__free(blocks->ghosts.numbers);
	kio__free(blocks->ghosts.chain);
	kio__free(blocks->ghosts.buckets);
}

/* --- finding --------------------------------------------------------------- */

static uint32_t
bucket_of(const struct kio__cache_blocks *blocks, uint64_t number)
{
	return (uint32_t)(number * 0x9e3779b97f4a7c15u >> blocks->hash);
}

struct kio__cache_block *
kio__cache_find(const struct kio__cache_blocks *blocks, uint64_t number)
{
	struct kio__cache_block *block;
	uint32_t at = blocks->buckets[bucket_of(blocks, number)];

	for (; at != NONE; at = block->chain) {
		block = &blocks->blocks[at];
		if (block->number == number)
			return block;
	}
	return NULL;
}

/* --- queues ---------------------------------------------------------------- */

static struct kio__cache_queue *
queue_of(struct kio__cache_blocks *blocks, const struct kio__cache_block *block)
{
	return block->in_main ? &blocks->main : &blocks->small;
}

static void
enqueue(struct kio__cache_blocks *blocks, struct kio__cache_block *block, bool in_main)
{
	uint32_t self = kio__cache_index(blocks, block);
	struct kio__cache_queue *queue;

	block->in_main = in_main;
	queue = queue_of(blocks, block);
	block->newer = NONE;
	block->older = queue->newest;
	if (queue->newest != NONE)
		blocks->blocks[queue->newest].newer = self;
	else
		queue->oldest = self;
	queue->newest = self;
	queue->count++;
}

static void
dequeue(struct kio__cache_blocks *blocks, struct kio__cache_block *block)
{
	struct kio__cache_queue *queue = queue_of(blocks, block);

	if (block->older != NONE)
		blocks->blocks[block->older].newer = block->newer;
	else
		queue->oldest = block->newer;
	if (block->newer != NONE)
		blocks->blocks[block->newer].older = block->older;
	else
		queue->newest = block->older;
	queue->count--;
}

/* --- ghosts ---------------------------------------------------------------- */

static void
forget(struct kio__cache_blocks *blocks, uint32_t self)
{
	struct kio__cache_ghosts *ghosts = &blocks->ghosts;
	uint32_t *at = &ghosts->buckets[bucket_of(blocks, ghosts->numbers[self])];

	while (*at != self)
		at = &ghosts->chain[*at];
	*at = ghosts->chain[self];
	ghosts->numbers[self] = UINT64_MAX;
}

static void
remember(struct kio__cache_blocks *blocks, uint64_t number)
{
	struct kio__cache_ghosts *ghosts = &blocks->ghosts;
	uint32_t self = ghosts->next, *bucket;

	ghosts->next = self + 1 < ghosts->count ? self + 1 : 0;
	if (ghosts->numbers[self] != UINT64_MAX)
		forget(blocks, self);
	bucket = &ghosts->buckets[bucket_of(blocks, number)];
	ghosts->numbers[self] = number;
	ghosts->chain[self] = *bucket;
	*bucket = self;
}

/* True: it was there, and is not any more. */
static bool
recall(struct kio__cache_blocks *blocks, uint64_t number)
{
	struct kio__cache_ghosts *ghosts = &blocks->ghosts;
	uint32_t at = ghosts->buckets[bucket_of(blocks, number)];

	while (at != NONE && ghosts->numbers[at] != number)
		at = ghosts->chain[at];
	if (at != NONE)
		forget(blocks, at);
	return at != NONE;
}

/* --- coming and going ------------------------------------------------------- */

void
kio__cache_drop(struct kio__cache_blocks *blocks, struct kio__cache_block *block)
{
	uint32_t self = kio__cache_index(blocks, block);
	uint32_t *at = &blocks->buckets[bucket_of(blocks, block->number)];

	while (*at != self)
		at = &blocks->blocks[*at].chain;
	*at = block->chain;
	dequeue(blocks, block);
	block->listed = false;
	blocks->listed--;
	if (block->pins != 0)
		blocks->pinned--;
	else
		put_free(blocks, block);
}

void
kio__cache_unpin(struct kio__cache_blocks *blocks, struct kio__cache_block *block)
{
	if (--block->pins != 0)
		return;
	if (block->listed)
		blocks->pinned--;
	else
		put_free(blocks, block);
}

/* The oldest that is not pinned. */
static struct kio__cache_block *
candidate(const struct kio__cache_blocks *blocks, const struct kio__cache_queue *queue)
{
	uint32_t at = queue->oldest;

	while (at != NONE && blocks->blocks[at].pins != 0)
		at = blocks->blocks[at].newer;
	return at != NONE ? &blocks->blocks[at] : NULL;
}

/* Each round drops a block, moves one up, or takes a use off one: so it ends. There is one that is not pinned. */
static void
evict(struct kio__cache_blocks *blocks)
{
	struct kio__cache_block *block;

	for (;;) {
		block = NULL;
		if (blocks->small.count >= blocks->few)
			block = candidate(blocks, &blocks->small);
		if (block == NULL)
			block = candidate(blocks, &blocks->main);
		if (block == NULL)
			block = candidate(blocks, &blocks->small);
		if (block->used == 0) {
			if (!block->in_main)
				remember(blocks, block->number);
			kio__cache_drop(blocks, block);
			return;
		}
		block->used = block->in_main ? block->used - 1 : 0;
		dequeue(blocks, block);
		enqueue(blocks, block, true);
	}
}

struct kio__cache_block *
kio__cache_add(struct kio__cache_blocks *blocks, uint64_t number, uint32_t len)
{
	struct kio__cache_block *block;
	uint32_t *bucket;

	if (kio__cache_room(blocks) == 0)
		return NULL;
	if (blocks->free_count == 0)
		evict(blocks);
	block = &blocks->blocks[blocks->free];
	blocks->free = block->chain;
	blocks->free_count--;
	bucket = &blocks->buckets[bucket_of(blocks, number)];
	*block = (struct kio__cache_block){
		.number = number, .pins = 1, .chain = *bucket, .len = len, .state = KIO__CACHE_FILLING, .listed = true,
	};
	*bucket = kio__cache_index(blocks, block);
	blocks->listed++;
	blocks->pinned++;
	enqueue(blocks, block, recall(blocks, number));
	return block;
}

/* Who reads on where the last one ended is on the same way through it, whatever the size of its steps. */
void
kio__cache_use(struct kio__cache_block *block, uint32_t from, uint32_t to)
{
	if (from != block->end && block->used < MOST_USED)
		block->used++;
	block->end = to;
}
