/* SPDX-License-Identifier: MIT */
/*
 * The record: map and state, written to the legs while requests run.
 *
 *   a write into a clean region   waits for the map, before it is sent
 *   a change that a leg missed    waits for the state, before it is acknowledged
 *   the work                      waits for either
 *
 * One loop writes it at a time; who comes meanwhile, on any loop, waits for the
 * next, and one record serves all who wait. The map goes first: a leg that is in
 * sync by the state has it.
 */
#include "layers/mirror.h"

static void write_state(struct mirror_channel *channel);

/* --- who waits ---------------------------------------------------------- */

bool
kio__mirror_record_wait(struct mirror *mirror, struct mirror_wait *wait)
{
	bool begin = !mirror->recording;

	kio__queue_push(&mirror->waiting, &wait->link);
	mirror->recording = true;
	return begin;
}

static void
answer_served(struct mirror_channel *channel, int status)
{
	struct mirror_wait *wait;

	while ((wait = kio__queue_pop(&channel->record.served)) != NULL) {
		if (wait->held != NULL) {
			kio_resume_post(wait->held, status);
			continue;
		}
		wait->status = status < 0 || wait->last < wait->first ? status : channel->record.error;
		kio_loop_post(wait->channel->loop, &wait->task);
	}
}

static void
record_begin(struct kio_task *task)
{
	kio__mirror_record_run(kio_container_of(task, struct mirror_channel, record.task));
}

/*
 * The next record is written by the channel of one who waits for it: what that
 * holds is what keeps the channel open meanwhile.
 */
static void
hand_over(struct mirror *mirror)
{
	struct mirror_wait *first;

	kio__mutex_lock(&mirror->mutex);
	first = (struct mirror_wait *)(void *)mirror->waiting.head;
	mirror->recording = first != NULL;
	if (first != NULL) {
		first->channel->record.task.run = record_begin;
		kio_loop_post(first->channel->loop, &first->channel->record.task);
	}
	kio__mirror_work_wake(mirror);
	kio__mutex_unlock(&mirror->mutex);
}

/* --- legs that are lost ------------------------------------------------- */

void
kio__mirror_drop_copies(struct mirror *mirror, uint32_t failed, int error)
{
	char text[200];

	kio__mutex_lock(&mirror->mutex);
	failed &= __atomic_fetch_and(&mirror->copying, ~failed, __ATOMIC_SEQ_CST);
	kio__mutex_unlock(&mirror->mutex);
	for (; failed != 0; failed &= failed - 1) {
		unsigned leg = (unsigned)__builtin_ctz(failed);

		kio_format(text, sizeof(text), "the leg %s failed while it was made equal, and stays stale: %e",
			   mirror->layer.legs[leg]->name, error);
		kio__mirror_say_stale(mirror, leg, text);
	}
	kio__mirror_quorum_wake(mirror);
}

/* --- writing ------------------------------------------------------------ */

/*
 * What was to be dirty is so on disk, and others may write there without waiting:
 * only now, for a leg that has not the map is not in sync by the state, either.
 */
static void
mark_served(struct mirror_channel *channel)
{
	struct mirror_wait *wait = (struct mirror_wait *)(void *)channel->record.served.head;

	for (; wait != NULL; wait = (struct mirror_wait *)(void *)wait->link.next) {
		for (uint32_t i = wait->first; i <= wait->last; i++)
			mirror_set_region(channel->mirror, i, KIO__REGION_TOUCHED);
	}
}

static void
record_done(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;

	if (channel->record.error == 0 && mirror_usable(mirror) != 0)
		mark_served(channel);
	/* what is ours goes up in the loop's next round, so all this is still there */
	answer_served(channel, mirror_usable(mirror) != 0 ? 0 : -EIO);
	hand_over(mirror);
}

static void
state_written(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_record *record = &channel->record;

	if (record->round.failed != 0) {
		/* a leg that does not take the record is stale too, and the rest is to know it */
		__atomic_fetch_and(&mirror->usable, ~record->round.failed, __ATOMIC_SEQ_CST);
		kio__mirror_lost(mirror, record->round.failed, "does not take the mirror's state",
				 record->round.error);
		write_state(channel);
		return;
	}
	mirror->based = mirror->state->base == mirror->state->epoch;
	__atomic_store_n(&mirror->recorded, record->legs, __ATOMIC_SEQ_CST);
	record_done(channel);
}

static void
no_leg_left(struct mirror_channel *channel)
{
	__atomic_store_n(&channel->mirror->usable, 0, __ATOMIC_SEQ_CST);
	kio_notice(&channel->mirror->layer, KIO_HEALTH_FAILED, NULL, "no leg is left");
	record_done(channel);
}

/* Another set of legs is another epoch. */
static int
prepare_state(struct mirror *mirror, uint32_t legs)
{
	struct kio__mirror_state *state = mirror->state;
	int rc = 0;

	if (mirror_without(mirror, legs) != state->without)
		rc = kio__mirror_new_set(mirror, legs);
	else if (mirror->rebase)
		state->base = state->epoch;
	mirror->rebase = false;
	state->returning = mirror_numbers(mirror, mirror->back);
	state->sequence++;
	return rc;
}

/*
 * Which legs the state will call in sync: from here on it may, on some leg or
 * other. Who takes a leg out does that first and looks at `recorded` then; so
 * one of the two sees the other.
 */
static uint32_t
announce(struct mirror *mirror)
{
	uint32_t legs;

	do {
		legs = mirror_usable(mirror);
		__atomic_fetch_or(&mirror->recorded, legs, __ATOMIC_SEQ_CST);
	} while (__atomic_load_n(&mirror->usable, __ATOMIC_SEQ_CST) != legs);
	return legs;
}

static void
write_state(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_record *record = &channel->record;
	uint32_t legs = announce(mirror);
	unsigned char *block;
	uint64_t at;

	record->legs = legs;
	if (legs == 0 || prepare_state(mirror, legs) < 0) {
		no_leg_left(channel);
		return;
	}
	legs = kio__mirror_round_begin(&record->round, legs, state_written);
	for (; legs != 0; legs &= legs - 1) {
		unsigned leg = (unsigned)__builtin_ctz(legs);

		block = record->blocks + (size_t)leg * KIO__MIRROR_BLOCK;
		at = kio__mirror_block(mirror, leg, block);
		kio_write(record->round.kios[leg], at, kio_buf(record->round.kios[leg], block, KIO__MIRROR_BLOCK),
			  KIO_FUA, kio__mirror_round_done);
	}
}

/* A map that no leg takes is an error of the writes that wait for it, as if all legs had failed those. */
static void
map_written(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_record *record = &channel->record;

	if (record->round.failed != 0) {
		kio__mirror_drop_copies(mirror, record->round.failed, record->round.error);
		if (kio__mirror_take_out(mirror, record->round.failed, "does not take the mirror's map",
					 record->round.error))
			record->with_state = true;
		else
			record->error = record->round.error;
	}
	if (record->with_state)
		write_state(channel);
	else
		record_done(channel);
}

/* To the legs that are made equal, too: they have it when they are. */
static void
write_map(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_record *record = &channel->record;
	unsigned char *map = record->blocks + (size_t)mirror->layer.leg_count * KIO__MIRROR_BLOCK;
	uint32_t legs = mirror_copying(mirror);

	legs |= mirror_usable(mirror);
	if (legs == 0) {
		no_leg_left(channel);
		return;
	}
	legs = kio__mirror_round_begin(&record->round, legs, map_written);
	for (; legs != 0; legs &= legs - 1) {
		unsigned leg = (unsigned)__builtin_ctz(legs);

		kio_write(record->round.kios[leg], kio__mirror_room(mirror->layer.legs[leg]),
			  kio_buf(record->round.kios[leg], map, KIO__MIRROR_BLOCK), KIO_FUA,
			  kio__mirror_round_done);
	}
}

/* With the mutex held: all who wait are served by this record. Is the map to be written for them? */
static bool
take_waiting(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_wait *wait;
	bool setting = false;

	while ((wait = kio__queue_pop(&mirror->waiting)) != NULL) {
		kio__queue_push(&channel->record.served, &wait->link);
		for (uint32_t i = wait->first; i <= wait->last; i++)
			setting |= mirror_region(mirror, i) == KIO__REGION_SETTING;
	}
	return setting;
}

void
kio__mirror_record_run(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_record *record = &channel->record;
	unsigned char *map = record->blocks + (size_t)mirror->layer.leg_count * KIO__MIRROR_BLOCK;
	bool setting, with_map;

	kio__mutex_lock(&mirror->mutex);
	setting = take_waiting(channel);
	with_map = setting || mirror->map_changed;
	record->with_state = mirror->state_changed;
	record->error = 0;
	mirror->map_changed = mirror->state_changed = false;
	if (mirror->unbase)
		mirror->state->base = 0;
	mirror->unbase = false;
	mirror->dirtied |= setting;
	if (with_map)
		kio__mirror_map_encode(mirror->state, mirror->regions, map);
	kio__mutex_unlock(&mirror->mutex);
	if (with_map)
		write_map(channel);
	else if (record->with_state)
		write_state(channel);
	else
		record_done(channel);
}

/* --- channels ----------------------------------------------------------- */

void
kio__mirror_record_close(struct mirror_channel *channel)
{
	kio__mirror_round_close(&channel->record.round);
	kio__free(channel->record.blocks);
}

int
kio__mirror_record_open(struct mirror_channel *channel)
{
	struct mirror_record *record = &channel->record;
	unsigned blocks = channel->mirror->layer.leg_count + 1;

	kio__queue_init(&record->served);
	record->blocks = kio__alloc_aligned((size_t)blocks * KIO__MIRROR_BLOCK, 4096);
	if (record->blocks != NULL && kio__mirror_round_open(&record->round, channel) == 0)
		return 0;
	kio__free(record->blocks);
	return -ENOMEM;
}
