/* SPDX-License-Identifier: MIT */
/*
 * Regions become clean again, some seconds after they were written last:
 *
 *   mark   each region that was written: it is written no more, for now
 *   flush  all legs: they have what was written before that
 *   clean  each region that was not written since
 *
 * Marking and cleaning hold the region's range, so that no write is on its way
 * there. All legs of the mirror have to be in sync: what one of them misses
 * stays dirty until it comes back.
 */
#include "layers/mirror.h"

#define CLEAN_EVERY_NS ((uint64_t)5000000000)

enum { IDLE, DUE, MARK, CLEAN };

bool
kio__mirror_is_full(const struct mirror *mirror)
{
	return (uint32_t)__builtin_popcount(mirror_usable(mirror)) == mirror->all;
}

static bool
may_clean(const struct mirror *mirror)
{
	return kio__mirror_is_full(mirror) &&
	       __atomic_load_n(&mirror->unequal, __ATOMIC_ACQUIRE) == 0;
}

bool
kio__mirror_may_clean(const struct mirror *mirror)
{
	return mirror->dirtied && may_clean(mirror);
}

/* Holds the next region in that state. False: there is none. */
static bool
next_region(struct mirror_channel *channel, enum kio__mirror_region wanted,
	    void (*on_hold)(struct mirror_channel *channel))
{
	struct mirror *mirror = channel->mirror;
	struct mirror_work *work = &channel->work;
	uint64_t from;

	while (work->region < mirror->region_count && mirror_region(mirror, work->region) != wanted)
		work->region++;
	if (work->region == mirror->region_count)
		return false;
	from = (uint64_t)work->region << mirror->region_shift;
	kio__mirror_hold_range(channel, from,
			       kio__min(mirror->size - from, (uint64_t)1 << mirror->region_shift), on_hold);
	return true;
}

static void
mark(struct mirror_channel *channel)
{
	mirror_set_region(channel->mirror, channel->work.region++, KIO__REGION_DIRTY);
	kio__mirror_let_go(channel);
}

static void
clean(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_work *work = &channel->work;

	/* before it let go of its range a write that a leg missed took the leg out */
	if (may_clean(mirror) && mirror_region(mirror, work->region) == KIO__REGION_DIRTY) {
		mirror_set_region(mirror, work->region, KIO__REGION_CLEAN);
		work->cleaned = true;
	}
	work->region++;
	kio__mirror_let_go(channel);
}

static void
flushed(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_work *work = &channel->work;

	work->phase = CLEAN;
	work->region = 0;
	work->cleaned = false;
	if (work->round.failed != 0) {
		work->phase = IDLE;
		if (!kio__mirror_take_out(mirror, work->round.failed, "failed", work->round.error))
			__atomic_store_n(&mirror->unequal, 1, __ATOMIC_RELEASE);
	}
	kio__mutex_lock(&mirror->mutex);
	mirror->state_changed |= work->round.failed != 0 || !mirror->based;
	mirror->rebase = work->round.failed == 0;
	kio__mirror_record_and_go_on(channel);
}

/* What was cleaned is so on disk; what was not is looked at again. */
static void
end(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;

	channel->work.phase = IDLE;
	kio__mutex_lock(&mirror->mutex);
	for (uint32_t i = 0; i < mirror->region_count && !mirror->dirtied; i++)
		mirror->dirtied = mirror_region(mirror, i) != KIO__REGION_CLEAN;
	mirror->map_changed |= channel->work.cleaned;
	kio__mirror_record_and_go_on(channel);
}

bool
kio__mirror_clean_step(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_work *work = &channel->work;

	if (!may_clean(mirror))
		work->phase = IDLE;
	switch (work->phase) {
	case IDLE:
		if (!kio__mirror_may_clean(mirror))
			return false;
		work->phase = DUE;
		kio__mirror_go_on_at(channel, kio_loop_now(channel->loop) + CLEAN_EVERY_NS);
		return true;
	case DUE:
		kio__mutex_lock(&mirror->mutex);
		mirror->dirtied = false;
		kio__mutex_unlock(&mirror->mutex);
		work->phase = MARK;
		work->region = 0;
		__attribute__((fallthrough));
	case MARK:
		if (!next_region(channel, KIO__REGION_TOUCHED, mark))
			kio__mirror_flush_legs(channel, mirror_usable(mirror), flushed);
		return true;
	default:
		if (!mirror->based || !next_region(channel, KIO__REGION_DIRTY, clean))
			end(channel);
		return true;
	}
}
