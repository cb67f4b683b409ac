/* SPDX-License-Identifier: MIT */
/*
 * Legs are made equal: what is needed is copied, a piece at a time, each while
 * its range is held. They get all changes meanwhile, so what was copied once
 * stays equal. In the end they are flushed, and are legs as the others from then
 * on: first for the requests, then, in a new epoch, on disk.
 */
#include "layers/mirror.h"

#define RATE_EVERY_NS ((uint64_t)100000000)

static uint64_t
region_end(const struct mirror *mirror, uint32_t region)
{
	return kio__min(mirror->size, ((uint64_t)region + 1) << mirror->region_shift);
}

/* --- what is needed ----------------------------------------------------- */

static void
need_region(struct mirror *mirror, uint32_t region)
{
	uint64_t len = region_end(mirror, region) - ((uint64_t)region << mirror->region_shift);

	if (mirror->need[region] != 0)
		return;
	mirror->need[region] = 1;
	mirror->need_count++;
	__atomic_fetch_add(&mirror->to_copy, len, __ATOMIC_RELAXED);
}

void
kio__mirror_need(struct mirror *mirror, bool all)
{
	for (uint32_t i = 0; i < mirror->region_count; i++) {
		if (all || mirror_region(mirror, i) != KIO__REGION_CLEAN)
			need_region(mirror, i);
	}
}

void
kio__mirror_need_again(struct mirror *mirror, uint32_t first, uint32_t last)
{
	kio__mutex_lock(&mirror->mutex);
	for (uint32_t i = first; i <= last; i++)
		need_region(mirror, i);
	kio__mutex_unlock(&mirror->mutex);
}

void
kio__mirror_copy_leave(struct mirror_channel *channel)
{
	struct mirror_work *work = &channel->work;

	if (work->offset != work->end)
		need_region(channel->mirror, (uint32_t)(work->offset >> channel->mirror->region_shift));
	work->offset = work->end;
}

bool
kio__mirror_copy_begin(struct mirror_channel *channel, uint32_t legs)
{
	struct mirror *mirror = channel->mirror;

	if (mirror_copying(mirror) == 0) {
		/* what is left of one that was given up */
		memset(mirror->need, 0, mirror->region_count);
		mirror->need_count = 0;
		channel->work.offset = channel->work.end = 0;
		__atomic_store_n(&mirror->copied, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&mirror->to_copy, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&mirror->copy_began, 0, __ATOMIC_RELAXED);
	}
	/* first: a change of a region that is clean yet goes to them, and one that ends from here on keeps its range */
	__atomic_fetch_or(&mirror->copying, legs, __ATOMIC_SEQ_CST);
	if ((kio__mirror_behind(mirror) & legs) != 0) {
		__atomic_fetch_and(&mirror->copying, ~legs, __ATOMIC_SEQ_CST);
		return false;
	}
	mirror->back |= legs;
	/* all of it again, if this is cut off */
	mirror->unbase |= (legs & mirror->beyond) != 0;
	kio__mirror_need(mirror, (legs & mirror->beyond) != 0);
	return true;
}

/* The next region that is needed, and is not any more: a change that fails there asks for it again. */
static bool
next_region(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_work *work = &channel->work;
	uint32_t region = work->region;
	bool found;

	kio__mutex_lock(&mirror->mutex);
	found = mirror->need_count != 0;
	if (found) {
		while (region >= mirror->region_count || mirror->need[region] == 0)
			region = region >= mirror->region_count ? 0 : region + 1;
		mirror->need[region] = 0;
		mirror->need_count--;
		work->region = region + 1;
		work->offset = (uint64_t)region << mirror->region_shift;
		work->end = region_end(mirror, region);
	}
	kio__mutex_unlock(&mirror->mutex);
	return found;
}

/* --- a piece ------------------------------------------------------------ */

static void read_piece(struct mirror_channel *channel);

static void
piece_written(struct mirror_channel *channel)
{
	struct mirror_work *work = &channel->work;

	if (work->round.failed != 0)
		kio__mirror_drop_copies(channel->mirror, work->round.failed, work->round.error);
	__atomic_fetch_add(&channel->mirror->copied, work->len, __ATOMIC_RELAXED);
	work->offset += work->len;
	kio__mirror_let_go(channel);
}

static void
write_piece(struct mirror_channel *channel)
{
	struct mirror_work *work = &channel->work;
	uint32_t legs = mirror_copying(channel->mirror);

	legs = kio__mirror_round_begin(&work->round, legs, piece_written);
	for (; legs != 0; legs &= legs - 1) {
		struct kio *kio = work->round.kios[__builtin_ctz(legs)];

		kio_write(kio, work->offset, kio_buf(kio, work->data, work->len), 0,
			  kio__mirror_round_done);
	}
}

static void
piece_read(struct mirror_channel *channel)
{
	struct mirror_work *work = &channel->work;

	if (work->round.failed == 0) {
		write_piece(channel);
		return;
	}
	work->tried |= 1u << work->source;
	mirror_log_read(channel->mirror, work->offset, work->len, work->source, work->round.error);
	if (work->round.hung != 0)
		kio__mirror_let_go(channel);
	else
		read_piece(channel);
}

static void
read_piece(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_work *work = &channel->work;
	uint32_t legs = mirror_usable(mirror) & ~work->tried;
	struct kio *kio;

	if (legs == 0) {
		kio__mirror_drop_copies(mirror, mirror_copying(mirror), work->round.error);
		kio__mirror_let_go(channel);
		return;
	}
	work->source = (unsigned)__builtin_ctz(legs);
	if (kio__mirror_round_begin(&work->round, 1u << work->source, piece_read) == 0)
		return;
	kio = work->round.kios[work->source];
	kio_read(kio, work->offset, kio_buf(kio, work->data, work->len), kio__mirror_round_done);
}

static void
copy_piece(struct mirror_channel *channel)
{
	channel->work.tried = 0;
	channel->work.round.error = -EIO;
	read_piece(channel);
}

/* --- the end ------------------------------------------------------------ */

/* Of legs whose return is on record by now. */
static void
say_joined(struct mirror *mirror)
{
	uint32_t legs;

	kio__mutex_lock(&mirror->mutex);
	legs = mirror->joined & mirror_usable(mirror);
	mirror->joined = 0;
	kio__mutex_unlock(&mirror->mutex);
	for (; legs != 0; legs &= legs - 1)
		kio_notice(&mirror->layer, kio__mirror_health(&mirror->layer), NULL, "the leg %s is in sync again",
			   mirror->layer.legs[__builtin_ctz(legs)]->name);
}

static void
join(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	uint32_t legs;

	if (channel->work.round.failed != 0)
		kio__mirror_drop_copies(mirror, channel->work.round.failed, channel->work.round.error);
	kio__mutex_lock(&mirror->mutex);
	legs = mirror_copying(mirror);
	if (mirror->need_count != 0 || legs == 0) {
		kio__mutex_unlock(&mirror->mutex);
		kio__mirror_go_on(channel);
		return;
	}
	/* in this order: a change goes to them all the time */
	__atomic_fetch_or(&mirror->usable, legs, __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&mirror->copying, ~legs, __ATOMIC_SEQ_CST);
	mirror->back &= ~legs;
	mirror->beyond &= ~legs;
	mirror->joined |= legs;
	mirror->map_changed = mirror->state_changed = true;
	kio__mirror_record_and_go_on(channel);
	kio__mirror_quorum_wake(mirror);
}

/* The rate may be changed meanwhile, so it is looked at again before long. */
bool
kio__mirror_wait_for_rate(struct mirror_channel *channel)
{
	struct mirror_work *work = &channel->work;
	uint64_t now = kio_loop_now(channel->loop), rate = KIO_OPT_NOW(&channel->mirror->resync_rate);
	uint64_t due = rate != 0 ? work->piece_began + work->len * 1000000000u / rate : 0;

	if (now >= due) {
		work->piece_began = now;
		return false;
	}
	kio__mirror_go_on_at(channel, kio__min(due, now + RATE_EVERY_NS));
	return true;
}

bool
kio__mirror_copy_step(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_work *work = &channel->work;

	if (mirror->joined != 0)
		say_joined(mirror);
	if (mirror_copying(mirror) == 0)
		return false;
	if (kio__mirror_wait_for_rate(channel))
		return true;
	if (__atomic_load_n(&mirror->copy_began, __ATOMIC_RELAXED) == 0)
		__atomic_store_n(&mirror->copy_began, kio__now(), __ATOMIC_RELAXED);
	if (work->offset == work->end && !next_region(channel)) {
		kio__mirror_flush_legs(channel, mirror_copying(mirror), join);
		return true;
	}
	work->len = kio__min(MIRROR_PIECE, work->end - work->offset);
	kio__mirror_hold_range(channel, work->offset, work->len, copy_piece);
	return true;
}
