/* SPDX-License-Identifier: MIT */
/*
 * The way of reads through a cache.
 *
 *   read A --+-- block 7: there ------------------> copied, or lent as it is
 *            +-- block 8: is being filled for B ---> waits for that
 *            +-- block 9: fill ---> one read below, into the cache's own memory
 *
 * A read goes on in rounds of some blocks: it pins those that are there or on
 * their way, begins to fill the others, and takes each as soon as it is there,
 * in order. So whoever needs one block of another's long read is through with it
 * first. A read that cannot pin anything goes below as if there was no cache.
 */
#include "layers/cache.h"

/* --- lists of those who wait ------------------------------------------------ */

static void
list_push(struct cache_list *list, struct cache_frame *state)
{
	state->next = NULL;
	*list->last = state;
	list->last = &state->next;
}

static void
list_push_first(struct cache_list *list, struct cache_frame *state)
{
	state->next = list->first;
	if (list->first == NULL)
		list->last = &state->next;
	list->first = state;
}

static struct cache_frame *
list_pop(struct cache_list *list)
{
	struct cache_frame *state = list->first;

	if (state != NULL)
		list->first = state->next;
	if (list->first == NULL)
		list->last = &list->first;
	return state;
}

static void
list_remove(struct cache_list *list, struct cache_frame *state)
{
	struct cache_frame **at = &list->first;

	while (*at != state)
		at = &(*at)->next;
	*at = state->next;
	if (*at == NULL)
		list->last = at;
}

/* --- ranges and blocks -------------------------------------------------------- */

static bool
is_lent(const struct kio_frame *frame)
{
	return frame->data.seg == &kio_no_data;
}

/* A lent read needs memory from below then. */
static bool
can_pass(const struct cache *cache, const struct kio_frame *frame)
{
	return !is_lent(frame) || cache->lends_below;
}

/* What is there of the block, if that is enough. The last of a disk that has grown is not. */
static struct kio__cache_block *
find(struct cache *cache, uint64_t number, uint32_t to)
{
	struct kio__cache_block *block = kio__cache_find(&cache->blocks, number);

	if (block != NULL && block->len < to) {
		kio__cache_drop(&cache->blocks, block);
		block = NULL;
	}
	return block;
}

/* --- waking ------------------------------------------------------------------- */

static void woken(struct kio_task *task);

static void
wake(struct cache_frame *state, const struct kio_loop *here)
{
	struct kio_loop *loop = kio_frame_loop(state->frame);

	state->task.run = woken;
	if (loop == here)
		kio_loop_defer(loop, &state->task);
	else
		kio_loop_post(loop, &state->task);
}

/* With the lock held: one that may find room now, to be woken. */
static struct cache_frame *
next_starved(struct cache *cache)
{
	struct cache_frame *state = NULL;

	if (kio__unlikely(cache->starved.first != NULL) && kio__cache_room(&cache->blocks) != 0) {
		state = list_pop(&cache->starved);
		state->waits = CACHE_RUNS;
	}
	return state;
}

static void
unpin_all(struct cache *cache, struct cache_frame *state)
{
	bool shared = kio__lock_enter(&cache->lock);
	struct cache_frame *next;

	for (unsigned i = 0; i < state->count; i++)
		kio__cache_unpin(&cache->blocks, cache_block(cache, state->blocks[i]));
	next = next_starved(cache);
	kio__lock_leave(&cache->lock, shared);
	state->count = state->ready = state->taken = 0;
	if (kio__unlikely(next != NULL))
		wake(next, kio_frame_loop(state->frame));
}

void
kio__cache_settle(struct cache *cache, struct kio__cache_block *block, const struct kio_loop *here)
{
	bool shared = kio__lock_enter(&cache->lock);
	struct cache_frame *waiting = block->waiting, *ordered = NULL, *next;

	block->waiting = NULL;
	block->state = block->status == 0 ? KIO__CACHE_READY : KIO__CACHE_FAILED;
	if (block->status < 0 && block->listed)
		kio__cache_drop(&cache->blocks, block);
	for (; waiting != NULL; waiting = next) {
		next = waiting->next;
		waiting->waits = CACHE_RUNS;
		waiting->next = ordered;
		ordered = waiting;
	}
	kio__cache_unpin(&cache->blocks, block);
	next = next_starved(cache);
	kio__lock_leave(&cache->lock, shared);
	if (kio__unlikely(next != NULL))
		wake(next, here);
	for (; ordered != NULL; ordered = next) {
		next = ordered->next;
		wake(ordered, here);
	}
}

/* --- filling ------------------------------------------------------------------ */

static void
wake_parked(struct cache_channel *channel)
{
	struct cache_frame *state;

	if (kio__likely(channel->parked.first == NULL) || channel->free == NULL)
		return;
	state = list_pop(&channel->parked);
	state->waits = CACHE_RUNS;
	wake(state, kio_frame_loop(state->frame));
}

static void
filled(struct kio *kio)
{
	struct cache_fill *fill = kio->priv;
	struct cache_channel *channel = fill->channel;
	struct kio__cache_block *block = cache_block(channel->cache, fill->block);

	block->status = kio_status(kio);
	if (block->status < 0) {
		block->fail_from = (uint32_t)kio->fail_from;
		block->fail_len = (uint32_t)kio->fail_len;
	}
	fill->out = false;
	fill->next = channel->free;
	channel->free = fill;
	channel->out--;
	kio__cache_settle(channel->cache, block, kio_channel_loop(kio->channel));
	wake_parked(channel);
}

static void
start(struct cache *cache, struct cache_fill *fill)
{
	struct kio__cache_block *block = cache_block(cache, fill->block);

	kio_read(fill->kio, block->number << cache->shift,
		 kio_buf(fill->kio, kio__cache_memory(&cache->blocks, block), block->len), filled);
}

/* --- rounds ------------------------------------------------------------------- */

/* With the lock held: the block is to be filled by this channel. NULL: there is no room, or no fill. */
static struct kio__cache_block *
add(struct cache *cache, struct cache_channel *channel, uint64_t number, struct cache_fill ***fills)
{
	uint64_t size = __atomic_load_n(&cache->size, __ATOMIC_RELAXED);
	struct cache_fill *fill = channel->free;
	struct kio__cache_block *block;

	if (fill == NULL)
		return NULL;
	block = kio__cache_add(&cache->blocks, number,
			       (uint32_t)kio__min(cache->block, size - (number << cache->shift)));
	if (block == NULL)
		return NULL;
	channel->free = fill->next;
	channel->out++;
	fill->out = true;
	fill->block = kio__cache_index(&cache->blocks, block);
	fill->next = NULL;
	**fills = fill;
	*fills = &fill->next;
	return block;
}

/* With the lock held: what hinders a lent read from having all its blocks at once. */
static enum cache_wait
hindrance(struct cache *cache, const struct cache_channel *channel, const struct kio_frame *frame)
{
	uint32_t missing = 0, fills = 0, unpinned = 0;
	struct kio__cache_block *block;
	uint64_t at = 0;
	uint32_t to;

	for (; at < frame->data.len; at += to - cache_from(cache, frame, at)) {
		to = cache_to(cache, frame, at);
		block = find(cache, (frame->offset + at) >> cache->shift, to);
		missing += block == NULL;
		unpinned += block != NULL && block->pins == 0;
	}
	/* what is missing may take the place of what is not pinned */
	for (const struct cache_fill *fill = channel->free; fill != NULL && fills < missing + unpinned; fill = fill->next)
		fills++;
	if (missing != 0 && fills < missing + unpinned)
		return CACHE_FILL;
	return kio__cache_room(&cache->blocks) < missing + unpinned ? CACHE_ROOM : CACHE_RUNS;
}

/* With the lock held: which are there? False: it waits for the next one. */
static bool
look(struct cache *cache, struct cache_frame *state)
{
	struct kio__cache_block *block;

	for (; state->ready < state->count; state->ready++) {
		block = cache_block(cache, state->blocks[state->ready]);
		if (block->state != KIO__CACHE_FILLING)
			continue;
		if (state->ready != state->taken)
			return true;
		state->waits = CACHE_BLOCK;
		state->next = block->waiting;
		block->waiting = state;
		return false;
	}
	return true;
}

/* With the lock held: pins as many of the next blocks as are to be had. Those of `fills` have to be started. */
static void
pin_round(struct cache *cache, struct cache_channel *channel, struct cache_frame *state, struct cache_fill **fills)
{
	const struct kio_frame *frame = state->frame;
	struct kio__cache_block *block;
	unsigned most = is_lent(frame) ? CACHE_MOST : cache->round;
	uint64_t at = state->at, number, hits = 0;
	uint32_t from, to;

	while (at < frame->data.len && state->count < most) {
		number = (frame->offset + at) >> cache->shift;
		from = cache_from(cache, frame, at);
		to = cache_to(cache, frame, at);
		block = find(cache, number, to);
		if (block != NULL) {
			kio__cache_use(block, from, to);
			hits++;
		} else {
			block = add(cache, channel, number, &fills);
			if (block == NULL)
				break;
			block->end = to;
		}
		kio__cache_pin(&cache->blocks, block);
		state->blocks[state->count++] = kio__cache_index(&cache->blocks, block);
		at += to - from;
	}
	__atomic_store_n(&cache->hits, cache->hits + hits, __ATOMIC_RELAXED);
	__atomic_store_n(&cache->misses, cache->misses + state->count - hits, __ATOMIC_RELAXED);
}

/* With the lock held: what becomes of a read that goes on: it waits, or has blocks; or no room at all. */
static enum cache_wait
pin_or_wait(struct cache *cache, struct cache_channel *channel, struct cache_frame *state,
	    struct cache_fill **fills)
{
	enum cache_wait waits = CACHE_RUNS;

	if (is_lent(state->frame))
		waits = hindrance(cache, channel, state->frame);
	if (waits != CACHE_RUNS)
		return waits;
	pin_round(cache, channel, state, fills);
	if (state->count == 0)
		return channel->free == NULL ? CACHE_FILL : CACHE_RUNS;
	return look(cache, state) ? CACHE_RUNS : CACHE_BLOCK;
}

static void
wait_in(struct cache_list *list, struct cache_frame *state, enum cache_wait waits, bool again)
{
	state->waits = waits;
	if (again)
		list_push_first(list, state);
	else
		list_push(list, state);
}

/*
 * Who waits for a fill is not overtaken, but by reads that need none. again: it
 * has waited, and is the first. Without a block when it runs: there is no room.
 */
static enum cache_wait
begin_round(struct cache *cache, struct cache_channel *channel, struct cache_frame *state, bool again)
{
	struct cache_fill *fills = NULL, *free = channel->free, *fill;
	bool behind = channel->parked.first != NULL && !again, shared;
	struct cache_frame *next = NULL;
	enum cache_wait waits;

	if (kio__unlikely(behind))
		channel->free = NULL;
	shared = kio__lock_enter(&cache->lock);
	waits = pin_or_wait(cache, channel, state, &fills);
	if (kio__unlikely(waits == CACHE_ROOM))
		wait_in(&cache->starved, state, waits, again);
	else if (kio__unlikely(again))
		next = next_starved(cache);
	kio__lock_leave(&cache->lock, shared);
	if (kio__unlikely(behind))
		channel->free = free;
	if (kio__unlikely(waits == CACHE_FILL))
		wait_in(&channel->parked, state, waits, again);
	for (; fills != NULL; fills = fill) {
		fill = fills->next;
		start(cache, fills);
	}
	if (kio__unlikely(next != NULL))
		wake(next, kio_frame_loop(state->frame));
	return waits;
}

/* --- reads -------------------------------------------------------------------- */

static void
note_failure(struct cache_frame *state, int status, uint64_t from, uint64_t to)
{
	if (state->status == 0) {
		state->status = status;
		state->fail_from = from;
	}
	state->fail_to = to;
}

/*
 * The next block is through. False: what failed may have been bytes that nobody
 * asked for, or the fill was cancelled: it has to be read once more, without it.
 */
static bool
take_block(struct cache *cache, struct cache_frame *state)
{
	struct kio_frame *frame = state->frame;
	const struct kio__cache_block *block = cache_block(cache, state->blocks[state->taken]);
	uint32_t from = cache_from(cache, frame, state->at), to = cache_to(cache, frame, state->at);
	char *memory = kio__cache_memory(&cache->blocks, block) + from;
	uint32_t fail_from = block->fail_from, fail_to = block->fail_from + block->fail_len;

	if (kio__unlikely(block->state == KIO__CACHE_FAILED && fail_from < to && fail_to > from)) {
		if (block->status == -ECANCELED || ((fail_from < from || fail_to > to) && can_pass(cache, frame)))
			return false;
		note_failure(state, block->status, state->at + (kio__max(fail_from, from) - from),
			     state->at + (kio__min(fail_to, to) - from));
	}
	if (is_lent(frame))
		state->segs[state->taken] = (struct kio_seg){ memory, to - from, NULL };
	else
		kio_iter_copy_from(kio_iter_take(&state->rest, to - from), memory, to - from);
	state->at += to - from;
	state->taken++;
	return true;
}

static void
release(struct kio_frame *frame)
{
	struct cache_frame *state = kio_frame_area(frame);

	unpin_all(state->cache, state);
}

static void
end_read(struct cache *cache, struct cache_frame *state)
{
	struct kio_frame *frame = state->frame;

	if (is_lent(frame) && state->status == 0) {
		kio_complete_lent(frame, (struct kio_iter){ state->segs, 0, frame->data.len }, release);
		return;
	}
	unpin_all(cache, state);
	if (!is_lent(frame))
		kio_count_copied(frame, frame->data.len);
	if (state->status == 0)
		kio_complete(frame, 0);
	else
		kio_complete_failed(frame, state->status, state->fail_from, state->fail_to - state->fail_from);
}

/* From the start. */
static void
rewind_read(struct cache_frame *state)
{
	state->rest = state->frame->data;
	state->at = 0;
	state->status = 0;
}

/* As far as it gets now. again: it has waited for a fill or for room. */
static void
go_on(struct cache *cache, struct cache_frame *state, bool again)
{
	struct kio_frame *frame = state->frame;
	bool shared, there;

	for (;;) {
		if (state->taken == state->count) {
			if (state->at == frame->data.len) {
				end_read(cache, state);
				return;
			}
			if (state->count != 0)
				unpin_all(cache, state);
			if (begin_round(cache, kio_frame_channel(frame), state, again) != CACHE_RUNS)
				return;
			again = false;
			if (state->count == 0) {
				kio_pass(frame);
				return;
			}
		}
		while (state->taken < state->ready) {
			if (take_block(cache, state))
				continue;
			unpin_all(cache, state);
			if (can_pass(cache, frame)) {
				kio_pass(frame);
				return;
			}
			rewind_read(state);
		}
		if (state->taken == state->count)
			continue;
		shared = kio__lock_enter(&cache->lock);
		there = look(cache, state);
		kio__lock_leave(&cache->lock, shared);
		if (!there)
			return;
	}
}

static void
woken(struct kio_task *task)
{
	struct cache_frame *state = kio_container_of(task, struct cache_frame, task);
	struct cache_channel *channel = kio_frame_channel(state->frame);
	bool again = state->count == 0;

	if (kio_frame_cancelled(state->frame)) {
		unpin_all(state->cache, state);
		kio_complete(state->frame, -ECANCELED);
	} else {
		go_on(state->cache, state, again);
	}
	if (again)
		wake_parked(channel);
}

void
kio__cache_read(struct cache *cache, struct kio_frame *frame)
{
	struct cache_frame *state = kio_frame_area(frame);

	state->cache = cache;
	state->frame = frame;
	state->waits = CACHE_RUNS;
	state->count = state->ready = state->taken = 0;
	rewind_read(state);
	go_on(cache, state, false);
}

static void
stop_waiting(struct kio__cache_block *block, struct cache_frame *state)
{
	struct cache_frame **at = &block->waiting;

	while (*at != state)
		at = &(*at)->next;
	*at = state->next;
}

void
kio__cache_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct cache *cache = cache_of(layer);
	struct cache_frame *state = kio_frame_area(frame);
	struct cache_channel *channel = kio_frame_channel(frame);
	bool shared = kio__lock_enter(&cache->lock);
	enum cache_wait waits = state->waits;

	if (waits == CACHE_BLOCK)
		stop_waiting(cache_block(cache, state->blocks[state->taken]), state);
	else if (waits == CACHE_FILL)
		list_remove(&channel->parked, state);
	else if (waits == CACHE_ROOM)
		list_remove(&cache->starved, state);
	state->waits = CACHE_RUNS;
	kio__lock_leave(&cache->lock, shared);
	/* one that has been woken ends by itself */
	if (waits == CACHE_RUNS)
		return;
	unpin_all(cache, state);
	kio_complete(frame, -ECANCELED);
	if (waits == CACHE_FILL)
		wake_parked(channel);
}
