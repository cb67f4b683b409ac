/* SPDX-License-Identifier: MIT */
/*
 * Quorum: a change ends when enough legs have it, and the others follow.
 *
 *   submit --> copy --> leg A ---- done
 *                 +---> leg B ---- done: a quorum; the request ends
 *                 +---> leg C ............. is behind, until this is back
 *
 * A leg that is behind is not read. What a flush covers, it waits for; and with
 * FUA a change ends when all legs in use have it. A leg that stays behind for
 * too long is stale: that is on record before anything ends that it has not got,
 * and what is still on its way to it holds nobody up any more.
 *
 * Each channel sends a leg so many changes at once and no more. So a leg that
 * never answers takes that many copies with it, and those of the reserve go on.
 */
#include "layers/mirror.h"

#define MOST 32u /* changes on their way to one leg, for each channel */

int
kio__mirror_quorum_open(struct mirror *mirror, struct kio_diag *diag)
{
	struct kio_layer *layer = &mirror->layer;

	if (mirror->quorum == 0)
		return 0;
	if (!mirror_has_state(mirror))
		return kio_refuse(diag, -EINVAL, "quorum= needs the state of each leg: not with state=none");
	if (mirror->quorum > layer->leg_count)
		return kio_refuse(diag, -EINVAL, "quorum=%u is more than its %u legs", mirror->quorum,
				  layer->leg_count);
	if (mirror->behind == 0)
		return kio_refuse(diag, -EINVAL, "behind=0 leaves no leg any time");
	layer->apart = kio__max(layer->apart, 1);
	layer->apart_changes = true;
	layer->stragglers += MOST * (layer->leg_count - 1);
	return 0;
}

uint32_t
kio__mirror_behind(const struct mirror *mirror)
{
	uint32_t legs = 0;

	for (unsigned i = 0; i < mirror->layer.leg_count; i++)
		legs |= (uint32_t)(__atomic_load_n(&mirror->late[i], __ATOMIC_ACQUIRE) != 0) << i;
	return legs;
}

/* --- legs that are behind ------------------------------------------------ */

static void
count_late(struct mirror *mirror, struct mirror_frame *state)
{
	for (uint32_t legs = state->out; legs != 0; legs &= legs - 1)
		__atomic_fetch_add(&mirror->late[__builtin_ctz(legs)], 1, __ATOMIC_SEQ_CST);
	state->late = state->out;
}

/* What was acknowledged and is on no leg: the next flush says so. */
static int
flush_status(struct mirror *mirror, const struct kio_frame *frame, int status)
{
	if (frame->op != KIO_FLUSH || status < 0)
		return status;
	return __atomic_exchange_n(&mirror->unsaved, 0, __ATOMIC_SEQ_CST);
}

/* The request ends; what is on its way from here on is a straggler. */
static void
end(struct mirror *mirror, struct mirror_frame *state, int status)
{
	struct kio_frame *request = kio_frame_waiter(state->frame);

	if (request == NULL)
		return;
	count_late(mirror, state);
	kio_end(request, flush_status(mirror, state->frame, status), NULL);
}

/* Nobody reads those legs, and nobody waits. */
static void
leave_if_stale(struct mirror *mirror, struct mirror_frame *state)
{
	uint32_t legs = mirror_copying(mirror);

	legs |= mirror_usable(mirror);
	if ((state->out & legs) == 0 && kio_frame_waiter(state->frame) == NULL)
		kio_range_leave(state->frame);
}

static void
on_record(struct kio_task *task)
{
	struct mirror_frame *state = kio_container_of(task, struct mirror_frame, wait.task);
	struct mirror *mirror = state->wait.channel->mirror;

	state->recording = false;
	end(mirror, state, state->wait.status);
	if (state->drained)
		kio_resume(state->frame, 0);
	else
		leave_if_stale(mirror, state);
}

static void
end_when_on_record(struct mirror *mirror, struct mirror_frame *state)
{
	bool begin;

	state->recording = true;
	state->wait.held = NULL;
	state->wait.first = 1;
	state->wait.last = 0;
	state->wait.task.run = on_record;
	kio__mutex_lock(&mirror->mutex);
	mirror->state_changed = true;
	begin = kio__mirror_record_wait(mirror, &state->wait);
	kio__mutex_unlock(&mirror->mutex);
	if (begin)
		kio__mirror_record_run(state->wait.channel);
}

static void
arm(struct mirror_channel *channel, uint64_t due)
{
	struct mirror_quorum *quorum = &channel->quorum;

	if (!quorum->timer.armed)
		kio_timer_arm(channel->loop, &quorum->timer, due);
}

/* May the request end, with some of its parts on their way? All back: it ends as ever. */
static void
decide(struct mirror *mirror, struct mirror_frame *state)
{
	struct kio_frame *frame = state->frame;
	uint32_t usable = mirror_usable(mirror);
	uint32_t able = state->legs & ~state->failed & usable;
	uint32_t good = able & ~state->out;
	bool all = frame->op == KIO_FLUSH || (frame->flags & KIO_FUA) != 0;

	if (state->out == 0 || state->recording || kio_frame_waiter(frame) == NULL || good == 0 ||
	    (unsigned)__builtin_popcount(good) <
		    kio__min(mirror->quorum, (unsigned)__builtin_popcount(able)))
		return;
	if (state->since == 0) {
		state->since = kio_loop_now(kio_frame_loop(frame)) + 1;
		arm(state->wait.channel, state->since + mirror->behind);
	}
	/* one that was made equal meanwhile is as any other by now */
	if (all && (state->out & (usable | mirror_copying(mirror))) != 0)
		return;
	if ((state->failed & state->copies) != 0)
		kio__mirror_drop_copies(mirror, state->failed & state->copies, state->error);
	if ((state->failed & usable) != 0 &&
	    !kio__mirror_take_out(mirror, state->failed, "failed", state->error))
		return;
	usable = mirror_usable(mirror);
	/* what is on its way to legs in use comes before the next flush has ended */
	if ((mirror_recorded(mirror) & ~(state->legs & ~state->failed & usable)) != 0) {
		end_when_on_record(mirror, state);
	} else {
		end(mirror, state, 0);
		leave_if_stale(mirror, state);
	}
}

/* --- on the way ---------------------------------------------------------- */

static bool
is_full(const struct mirror_channel *channel)
{
	uint32_t legs = mirror_copying(channel->mirror);

	for (legs |= mirror_usable(channel->mirror); legs != 0; legs &= legs - 1) {
		if (channel->quorum.out[__builtin_ctz(legs)] >= MOST)
			return true;
	}
	return false;
}

bool
kio__mirror_quorum_waits(struct mirror_frame *state)
{
	struct mirror_quorum *quorum = &state->wait.channel->quorum;

	if (kio__queue_empty(&quorum->waiting) && !is_full(state->wait.channel))
		return false;
	kio__queue_push(&quorum->waiting, &state->wait.link);
	return true;
}

static void
serve_waiting(struct mirror_channel *channel)
{
	struct mirror_wait *wait;
	struct mirror_frame *state;

	while (!kio__queue_empty(&channel->quorum.waiting) && !is_full(channel)) {
		wait = kio__queue_pop(&channel->quorum.waiting);
		state = kio_container_of(wait, struct mirror_frame, wait);
		kio__mirror_send_change(channel->mirror, state->frame);
	}
}

void
kio__mirror_quorum_sent(struct mirror_frame *state)
{
	struct mirror_quorum *quorum = &state->wait.channel->quorum;

	state->out = state->legs;
	state->late = 0;
	state->since = 0;
	state->recording = state->drained = false;
	for (uint32_t legs = state->legs; legs != 0; legs &= legs - 1)
		quorum->out[__builtin_ctz(legs)]++;
	state->older = quorum->newest;
	state->newer = NULL;
	*(quorum->newest != NULL ? &quorum->newest->newer : &quorum->oldest) = state;
	quorum->newest = state;
}

static void
take_off(struct mirror_quorum *quorum, struct mirror_frame *state)
{
	*(state->newer != NULL ? &state->newer->older : &quorum->newest) = state->older;
	*(state->older != NULL ? &state->older->newer : &quorum->oldest) = state->newer;
}

void
kio__mirror_quorum_part_done(struct mirror *mirror, struct mirror_frame *state, unsigned leg)
{
	struct mirror_channel *channel = state->wait.channel;
	uint32_t bit = 1u << leg;

	channel->quorum.out[leg]--;
	state->out &= ~bit;
	/* before others find it in step: it has failed */
	if ((state->failed & bit) != 0 && (state->recording || kio_frame_waiter(state->frame) == NULL))
		kio__mirror_quorum_lost(mirror, state, bit);
	if ((state->late & bit) != 0)
		__atomic_fetch_sub(&mirror->late[leg], 1, __ATOMIC_SEQ_CST);
	state->late &= ~bit;
	if (kio_frame_waiter(state->frame) == NULL)
		leave_if_stale(mirror, state);
	else
		decide(mirror, state);
	serve_waiting(channel);
}

/* A straggler has failed, and what it carried was acknowledged: on other legs it is, or nowhere. */
void
kio__mirror_quorum_lost(struct mirror *mirror, const struct mirror_frame *state, uint32_t legs)
{
	if ((legs & mirror_copying(mirror)) != 0)
		kio__mirror_drop_copies(mirror, legs, state->error);
	if ((legs & mirror_usable(mirror)) == 0 ||
	    kio__mirror_take_out(mirror, legs, "failed, when it was behind,", state->error))
		return;
	__atomic_store_n(&mirror->unsaved, state->error, __ATOMIC_SEQ_CST);
	kio_notice(&mirror->layer, KIO_HEALTH_FAILED, NULL,
		   "writes that were acknowledged are lost: %s, the last leg, failed, when it was behind: %e",
		   mirror->layer.legs[__builtin_ctz(legs)]->name, state->error);
}

bool
kio__mirror_quorum_done(struct mirror *mirror, struct mirror_frame *state)
{
	struct kio_frame *frame = state->frame;
	int error;

	take_off(&state->wait.channel->quorum, state);
	if (state->recording) {
		state->drained = true;
		return false;
	}
	error = flush_status(mirror, frame, kio_frame_status(frame));
	if (error < 0)
		kio_frame_set_status(frame, error);
	return true;
}

void
kio__mirror_quorum_cancel(struct kio_frame *frame)
{
	struct kio_frame *copy = kio_frame_copy(frame);
	struct mirror_frame *state = kio_frame_area(frame);

	if (!kio_frame_is_copy(frame)) {
		if (copy == NULL)
			kio_end(frame, -ECANCELED, NULL);
		else
			kio_cancel(copy->kio);
		return;
	}
	/* one that was sent is not cancelled, so that legs stay alike */
	if (kio__queue_remove(&state->wait.channel->quorum.waiting, &state->wait.link))
		kio_complete(frame, -ECANCELED);
}

/* --- time, and legs that go ---------------------------------------------- */

static void
look(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_frame *state, *newer;

	for (state = channel->quorum.oldest; state != NULL; state = newer) {
		newer = state->newer;
		if (state->recording)
			continue;
		if (kio_frame_waiter(state->frame) == NULL)
			leave_if_stale(mirror, state);
		else
			decide(mirror, state);
	}
	serve_waiting(channel);
}

static void
legs_changed(struct kio_task *task)
{
	struct mirror_channel *channel = kio_container_of(task, struct mirror_channel, quorum.task);

	kio__mutex_lock(&channel->mirror->mutex);
	channel->quorum.posted = false;
	kio__mutex_unlock(&channel->mirror->mutex);
	look(channel);
}

void
kio__mirror_quorum_wake(struct mirror *mirror)
{
	if (mirror->quorum == 0)
		return;
	kio__mutex_lock(&mirror->mutex);
	for (struct mirror_channel *channel = mirror->channels; channel != NULL; channel = channel->next) {
		if (!channel->quorum.posted)
			kio_loop_post(channel->loop, &channel->quorum.task);
		channel->quorum.posted = true;
	}
	kio__mutex_unlock(&mirror->mutex);
}

static void
over_time(struct kio_task *task)
{
	struct mirror_channel *channel = kio_container_of(task, struct mirror_channel, quorum.timer.task);
	struct mirror *mirror = channel->mirror;
	uint64_t now = kio_loop_now(channel->loop), next = UINT64_MAX, due;
	uint32_t legs = 0;

	/* the loop may have been busy elsewhere, and answers be there */
	channel->quorum.again = !channel->quorum.again;
	if (channel->quorum.again) {
		arm(channel, now + MIRROR_ANSWERS_NS);
		return;
	}
	for (const struct mirror_frame *state = channel->quorum.oldest; state != NULL; state = state->newer) {
		due = state->since + mirror->behind;
		if (state->since == 0)
			continue;
		if (due <= now)
			legs |= state->out;
		else
			next = kio__min(next, due);
	}
	if (next != UINT64_MAX)
		arm(channel, next);
	if ((legs & mirror_copying(mirror)) != 0)
		kio__mirror_drop_copies(mirror, legs & mirror_copying(mirror), -ETIMEDOUT);
	/* one by one: each may be behind with what another has, and one stays */
	for (legs &= mirror_usable(mirror); legs != 0; legs &= legs - 1)
		kio__mirror_take_out(mirror, legs & -legs, "was behind for too long", 0);
}

/* --- channels ------------------------------------------------------------ */

void
kio__mirror_quorum_channel(struct mirror_channel *channel)
{
	kio__queue_init(&channel->quorum.waiting);
	channel->quorum.task.run = legs_changed;
	channel->quorum.timer.task.run = over_time;
}

bool
kio__mirror_quorum_quiet(struct mirror_channel *channel)
{
	bool quiet = channel->quorum.oldest == NULL && !channel->quorum.posted;

	if (quiet)
		kio_timer_cancel(channel->loop, &channel->quorum.timer);
	return quiet;
}
