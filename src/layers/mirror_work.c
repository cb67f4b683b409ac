/* SPDX-License-Identifier: MIT */
/*
 * What a mirror does by itself: legs are made equal, regions clean. One of its
 * channels does it, a step at a time; when that closes, another goes on.
 *
 *   asleep --> a step --> another --> ... --> nothing to do: asleep
 *                |                      or: until a moment, or a kick
 *                +--> hold a range; I/O on legs; let go
 *
 * A range is held as any change holds its own, and so what the work does never
 * races with a write.
 */
#include "layers/mirror.h"

static void step_task(struct kio_task *task);
static void step_timer(struct kio_task *task);

/* --- asleep and awake --------------------------------------------------- */

void
kio__mirror_work_wake(struct mirror *mirror)
{
	struct mirror_channel *channel = mirror->worker;

	if (channel == NULL || channel->work.awake ||
	    (mirror_copying(mirror) == 0 && !mirror->ask.open && mirror->joined == 0 && !mirror->compare.on &&
	     !kio__mirror_may_clean(mirror)))
		return;
	channel->work.awake = true;
	channel->work.task.run = step_task;
	kio_loop_post(channel->loop, &channel->work.task);
}

static void
fall_asleep(struct mirror_channel *channel)
{
	kio__mutex_lock(&channel->mirror->mutex);
	channel->work.awake = false;
	if (!channel->work.ending)
		kio__mirror_work_wake(channel->mirror);
	kio__mutex_unlock(&channel->mirror->mutex);
}

static void
kicked(struct kio_task *task)
{
	struct mirror_channel *channel = kio_container_of(task, struct mirror_channel, work.kick);
	struct mirror *mirror = channel->mirror;

	kio__mutex_lock(&mirror->mutex);
	channel->work.kicked = false;
	kio__mirror_work_wake(mirror);
	kio__mutex_unlock(&mirror->mutex);
	if (kio_timer_cancel(channel->loop, &channel->work.timer))
		step_timer(&channel->work.timer.task);
}

void
kio__mirror_work_kick(struct mirror *mirror)
{
	struct mirror_channel *channel = mirror->worker;

	if (channel == NULL || channel->work.kicked)
		return;
	channel->work.kicked = true;
	channel->work.kick.run = kicked;
	kio_loop_post(channel->loop, &channel->work.kick);
}

void
kio__mirror_go_on(struct mirror_channel *channel)
{
	channel->work.task.run = step_task;
	kio_loop_defer(channel->loop, &channel->work.task);
}

void
kio__mirror_go_on_at(struct mirror_channel *channel, uint64_t due_ns)
{
	if (channel->work.ending) {
		fall_asleep(channel);
		return;
	}
	channel->work.timer.task.run = step_timer;
	kio_timer_arm(channel->loop, &channel->work.timer, due_ns);
}

/* --- resources: made when there is something to do ----------------------- */

static void
work_free(struct mirror_channel *channel)
{
	struct mirror_work *work = &channel->work;

	kio_destroy(work->hold);
	work->hold = NULL;
	kio__mirror_round_close(&work->round);
	kio__free(work->data);
	work->data = NULL;
}

static bool
work_make(struct mirror_channel *channel)
{
	const struct kio_layer *layer = &channel->mirror->layer;
	struct mirror_work *work = &channel->work;

	if (work->hold != NULL)
		return true;
	work->hold = kio_create_at(channel->channel, layer, 1);
	work->data = kio__alloc_aligned(MIRROR_PIECE, 4096);
	if (kio__mirror_round_open(&work->round, channel) == 0 && work->hold != NULL && work->data != NULL) {
		work->hold->priv = channel;
		return true;
	}
	work_free(channel);
	kio_log(layer, KIO_WARNING, "there is no memory to make its legs equal");
	return false;
}

/* --- steps -------------------------------------------------------------- */

/* A leg that has not answered has the work's memory. */
static bool
wait_for_leg(struct mirror_channel *channel)
{
	if (channel->work.round.hung == 0)
		return false;
	kio__mirror_go_on_at(channel, kio_loop_now(channel->loop) + channel->mirror->behind);
	return true;
}

static void
step(struct mirror_channel *channel)
{
	if (channel->work.ending || !work_make(channel) ||
	    (!kio__mirror_ask_step(channel) && !wait_for_leg(channel) && !kio__mirror_copy_step(channel) &&
	     !kio__mirror_compare_step(channel) &&
	     !kio__mirror_clean_step(channel)))
		fall_asleep(channel);
}

static void
step_task(struct kio_task *task)
{
	step(kio_container_of(task, struct mirror_channel, work.task));
}

static void
step_timer(struct kio_task *task)
{
	step(kio_container_of(task, struct mirror_channel, work.timer.task));
}

static void
held(struct kio *kio)
{
	struct mirror_channel *channel = kio->priv;

	channel->work.on_hold(channel);
}

void
kio__mirror_hold_range(struct mirror_channel *channel, uint64_t offset, uint64_t len,
		       void (*on_hold)(struct mirror_channel *channel))
{
	channel->work.on_hold = on_hold;
	kio_range_hold(channel->work.hold, offset, len, held);
}

void
kio__mirror_let_go(struct mirror_channel *channel)
{
	kio_range_release(channel->work.hold);
	kio__mirror_go_on(channel);
}

void
kio__mirror_flush_legs(struct mirror_channel *channel, uint32_t legs,
		       void (*then)(struct mirror_channel *channel))
{
	struct mirror_round *round = &channel->work.round;

	legs = kio__mirror_round_begin(round, legs, then);
	for (; legs != 0; legs &= legs - 1)
		kio_flush_all(round->kios[__builtin_ctz(legs)], kio__mirror_round_done);
}

static void
recorded(struct kio_task *task)
{
	step(kio_container_of(task, struct mirror_channel, work.wait.task));
}

void
kio__mirror_record_and_go_on(struct mirror_channel *channel)
{
	struct mirror_wait *wait = &channel->work.wait;
	bool begin;

	wait->channel = channel;
	wait->held = NULL;
	wait->first = 1;
	wait->last = 0;
	wait->task.run = recorded;
	begin = kio__mirror_record_wait(channel->mirror, wait);
	kio__mutex_unlock(&channel->mirror->mutex);
	if (begin)
		kio__mirror_record_run(channel);
}

/* --- channels ----------------------------------------------------------- */

void
kio__mirror_work_open(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;

	kio__mutex_lock(&mirror->mutex);
	channel->next = mirror->channels;
	mirror->channels = channel;
	if (mirror->worker == NULL) {
		mirror->worker = channel;
		kio__mirror_work_wake(mirror);
	}
	kio__mutex_unlock(&mirror->mutex);
}

bool
kio__mirror_work_quiet(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_channel **at;
	bool quiet;

	channel->work.ending = true;
	if (kio_timer_cancel(channel->loop, &channel->work.timer))
		fall_asleep(channel);
	kio__mutex_lock(&mirror->mutex);
	quiet = !channel->work.awake && !channel->work.kicked && kio__mirror_quorum_quiet(channel) &&
		(channel->work.round.hung | channel->record.round.hung) == 0;
	for (at = &mirror->channels; quiet && *at != NULL; at = &(*at)->next) {
		if (*at == channel) {
			*at = channel->next;
			break;
		}
	}
	if (quiet && mirror->worker == channel) {
		kio__mirror_copy_leave(channel);
		mirror->worker = mirror->channels;
		if (mirror->worker == NULL)
			kio__mirror_ask_leave(mirror);
		kio__mirror_work_wake(mirror);
	}
	kio__mutex_unlock(&mirror->mutex);
	return quiet;
}

void
kio__mirror_work_close(struct mirror_channel *channel)
{
	/* one that never became part of a channel, since that did not open */
	kio__mirror_work_quiet(channel);
	work_free(channel);
}
