/* SPDX-License-Identifier: MIT */
/*
 * cache: keeps in memory what was read, for those who read it again.
 *
 * Writes go below, and what is cached follows when they are back: overlapping
 * ones run one after the other, so the last that ran has the last word. A block
 * that is being filled then, or that somebody looks at, is let go: who waits for
 * it came before the write was done, and nobody finds it any more.
 *
 * The blocks are the layer's, whatever loop a request is on; the lock is held
 * for looking up, pinning and unpinning, and not while bytes are copied.
 */
#include "layers/cache.h"

static const struct kio_opt cache_opts[] = {
	{ .name = "size", .type = KIO_TYPE_SIZE, .at = offsetof(struct cache, bytes), .help = "memory for data",
	  .flags = KIO_OPT_MAIN | KIO_OPT_REQUIRED },
	KIO_OPT_SIZE(struct cache, block, 65536, "what is read below at once, and kept or dropped as a whole"),
	{ 0 }
};

/* --- changes ------------------------------------------------------------------ */

/* More blocks than the cache has. */
static void
drop_between(struct cache *cache, uint64_t first, uint64_t last)
{
	struct kio__cache_block *block;
	bool shared;

	for (uint32_t i = 0; i < cache->blocks.count; i++) {
		shared = kio__lock_enter(&cache->lock);
		block = cache_block(cache, i);
		if (block->listed && block->number >= first && block->number <= last)
			kio__cache_drop(&cache->blocks, block);
		kio__lock_leave(&cache->lock, shared);
	}
}

/*
 * With its new bytes a block stays, if nobody looks at it: for that time it is as
 * one that is being filled. NULL: there is none.
 */
static struct kio__cache_block *
keep_or_drop(struct cache *cache, uint64_t number, uint32_t to, bool keep)
{
	bool shared = kio__lock_enter(&cache->lock);
	struct kio__cache_block *block = kio__cache_find(&cache->blocks, number);

	if (block != NULL && keep && block->state == KIO__CACHE_READY && block->pins == 0 && block->len >= to) {
		block->state = KIO__CACHE_FILLING;
		kio__cache_pin(&cache->blocks, block);
	} else if (block != NULL) {
		kio__cache_drop(&cache->blocks, block);
		block = NULL;
	}
	kio__lock_leave(&cache->lock, shared);
	return block;
}

/* What lies below has changed, or may have. keep: it has, as the data of the frame say. */
static void
change(struct cache *cache, struct kio_frame *frame, bool keep)
{
	uint64_t first = frame->offset >> cache->shift;
	uint64_t last = (frame->offset + frame->data.len - 1) >> cache->shift;
	struct kio_iter rest = frame->data, part;
	struct kio__cache_block *block;
	uint32_t from, to;

	if (last - first >= cache->blocks.count && !keep) {
		drop_between(cache, first, last);
		return;
	}
	for (uint64_t at = 0; at < frame->data.len; at += to - from) {
		from = cache_from(cache, frame, at);
		to = cache_to(cache, frame, at);
		block = keep_or_drop(cache, (frame->offset + at) >> cache->shift, to, keep);
		part = keep ? kio_iter_take(&rest, to - from) : rest;
		if (block == NULL)
			continue;
		kio_iter_copy_to(part, kio__cache_memory(&cache->blocks, block) + from, to - from);
		kio_count_copied(frame, to - from);
		kio__cache_settle(cache, block, kio_frame_loop(frame));
	}
}

static void
cache_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	if (frame->op == KIO_READ)
		kio__cache_read(cache_of(layer), frame);
	else
		kio_pass(frame);
}

static enum kio_next
cache_done(struct kio_layer *layer, struct kio_frame *frame)
{
	if (frame->op == KIO_WRITE)
		change(cache_of(layer), frame, kio_frame_status(frame) == 0);
	else if (frame->op == KIO_WRITE_ZEROES || frame->op == KIO_DISCARD)
		change(cache_of(layer), frame, false);
	return KIO_UP;
}

/* --- open and close ------------------------------------------------------------ */

static int
check_options(const struct cache *cache, struct kio_diag *diag)
{
	uint32_t below = cache->layer.below->limits.block;

	if (cache->block < 4096 || cache->block > 1u << 20 || !kio__is_power_of_two(cache->block))
		return kio_refuse(diag, -EINVAL, "block=%S is not a power of two from 4K to 1M", cache->block);
	if (cache->block < below)
		return kio_refuse(diag, -EINVAL, "block=%S is smaller than the blocks of %S below", cache->block,
				  (uint64_t)below);
	if (cache->bytes < 8 * cache->block)
		return kio_refuse(diag, -EINVAL, "size=%S is less than 8 blocks of block=%S: take more memory or smaller blocks",
				  cache->bytes, cache->block);
	if (cache->bytes / cache->block > 1u << 30)
		return kio_refuse(diag, -EINVAL, "size=%S is more than 2^30 blocks of block=%S: take larger blocks",
				  cache->bytes, cache->block);
	return 0;
}

static int
cache_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct cache *cache = cache_of(layer);
	struct kio_limits *limits = &layer->limits;
	uint32_t count, longest;
	int rc = check_options(cache, diag);

	if (rc < 0)
		return rc;
	cache->shift = (unsigned)__builtin_ctzll(cache->block);
	count = (uint32_t)(cache->bytes >> cache->shift);
	rc = kio__cache_blocks_open(&cache->blocks, cache->shift, count);
	if (rc < 0)
		return kio_refuse(diag, rc, "there is no memory for a cache of %S", cache->bytes);
	kio__lock_init(&cache->lock);
	cache_list_init(&cache->starved);
	cache->round = (unsigned)kio__min(CACHE_MOST, count / 4);
	cache->size = limits->size;
	/* one block less than there may be: it can begin in the middle of one */
	longest = (uint32_t)((kio__min(CACHE_MOST, count / 2) - 1) << cache->shift);
	cache->lends_below = limits->lend && (limits->max_lend == 0 || limits->max_lend >= longest);
	limits->lend = true;
	limits->max_lend = longest;
	return 0;
}

static int
cache_close(struct kio_layer *layer)
{
	struct cache *cache = cache_of(layer);

	kio__cache_blocks_close(&cache->blocks);
	kio__lock_fini(&cache->lock);
	return 0;
}

static void
cache_channel_close(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct cache_channel *channel = area;

	(void)kio_channel;
	for (unsigned i = 0; i < CACHE_FILLS; i++)
		kio_destroy(channel->fills[i].kio);
	__atomic_sub_fetch(&cache_of(layer)->channels, 1, __ATOMIC_SEQ_CST);
}

static int
cache_channel_open(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct cache *cache = cache_of(layer);
	struct cache_channel *channel = area;
	bool complete = true;

	if (__atomic_add_fetch(&cache->channels, 1, __ATOMIC_SEQ_CST) > 1)
		kio__lock_share(&cache->lock);
	channel->cache = cache;
	cache_list_init(&channel->parked);
	for (unsigned i = CACHE_FILLS; i-- > 0;) {
		struct cache_fill *fill = &channel->fills[i];

		fill->channel = channel;
		fill->kio = kio_create_at(kio_channel, layer->below, 1);
		complete &= fill->kio != NULL;
		if (fill->kio != NULL)
			fill->kio->priv = fill;
		fill->next = channel->free;
		channel->free = fill;
	}
	if (complete)
		return 0;
	cache_channel_close(layer, kio_channel, area);
	return -ENOMEM;
}

/* Who waits for one of them on another loop reads by itself. */
static bool
cache_channel_quiet(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct cache_channel *channel = area;

	(void)layer;
	(void)kio_channel;
	for (unsigned i = 0; i < CACHE_FILLS; i++) {
		if (channel->fills[i].out)
			kio_cancel(channel->fills[i].kio);
	}
	return channel->out == 0;
}

/* Before any request comes so far. */
static int
cache_resize(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	int rc = kio_resize_below(layer, size, diag);

	if (rc == 0)
		__atomic_store_n(&cache_of(layer)->size, layer->limits.size, __ATOMIC_RELAXED);
	return rc;
}

static void
cache_describe(const struct kio_layer *layer, char *text, size_t size)
{
	const struct cache *cache = kio_container_of(layer, struct cache, layer);
	uint64_t hits = __atomic_load_n(&cache->hits, __ATOMIC_RELAXED);
	uint64_t all = hits + __atomic_load_n(&cache->misses, __ATOMIC_RELAXED);

	if (all == 0)
		kio_format(text, size, "%S in blocks of %S", cache->bytes, cache->block);
	else
		kio_format(text, size, "%S in blocks of %S, %U of %U found", cache->bytes, cache->block, hits, all);
}

const struct kio_class kio_class_cache = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "cache",
	.summary = "keep in memory what was read",
	.maturity = "beta",
	.size = sizeof(struct cache),
	.frame_size = sizeof(struct cache_frame),
	.channel_size = sizeof(struct cache_channel),
	.opts = cache_opts,
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_KEEPS_DATA | KIO_ORDERED_WRITES,
	.open = cache_open,
	.close = cache_close,
	.channel_open = cache_channel_open,
	.channel_close = cache_channel_close,
	.channel_quiet = cache_channel_quiet,
	.submit = cache_submit,
	.done = cache_done,
	.cancel = kio__cache_cancel,
	.resize = cache_resize,
	.describe = cache_describe,
};
