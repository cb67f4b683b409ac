/* SPDX-License-Identifier: MIT */
/*
 * Hedged reads: one leg is asked, and when it has not answered after a while
 * another, too. What comes first is the answer.
 *
 *   submit --> copy --> leg A ........ late: cancelled, drains
 *                 +- DELAY -> leg B -> the request ends
 *
 * Each of the two reads into memory of its own, so that nobody waits for the
 * one that lost.
 */
#include "layers/mirror.h"

#define STRAGGLERS 16u
#define NEVER UINT64_MAX

/* Of a request its timer, of a copy the legs. */
struct mirror_hedge {
	struct kio_timer timer;
	struct kio_frame *frame;
	uint64_t due;
	uint32_t tried, failed;
	uint32_t asked; /* of those tried, that have not answered */
	uint32_t free; /* halves of the copy's memory, a bit each */
	int error;
};

_Static_assert(sizeof(struct mirror_hedge) <= sizeof(struct mirror_frame),
	       "both are a frame's area");

int
kio__mirror_hedge_open(struct mirror *mirror, struct kio_diag *diag)
{
	static const char prefix[] = "hedged:";
	const char *read = mirror->read;

	mirror->hedge = NEVER;
	if (strcmp(read, "near") == 0)
		return 0;
	if (memcmp(read, prefix, kio__min(strlen(read), sizeof(prefix) - 1)) != 0 ||
	    kio_parse_time(read + kio__min(strlen(read), sizeof(prefix) - 1), &mirror->hedge) < 0)
		return kio_refuse(diag, -EINVAL, "read=%s is neither near nor hedged:TIME, as in hedged:5ms",
				  read);
	mirror->layer.apart = 2;
	mirror->layer.stragglers += STRAGGLERS;
	return 0;
}

bool
kio__mirror_hedges(const struct mirror *mirror, const struct kio_frame *frame)
{
	uint32_t usable = mirror_usable(mirror);

	return mirror->hedge != NEVER && frame->op == KIO_READ &&
	       (kio_frame_is_copy(frame) || (usable & (usable - 1)) != 0);
}

static void
hedge_due(struct kio_task *task)
{
	struct mirror_hedge *state = kio_container_of(task, struct mirror_hedge, timer.task);
	struct kio_frame *copy = kio_frame_copy(state->frame);

	/* none: it waits for one, which will know the time; or it has just ended */
	if (copy != NULL)
		kio_split_more(copy);
}

/* Where legs are behind: is there one to begin with that is not, or does no change matter here? */
static bool
is_settled(const struct mirror *mirror, struct kio_frame *copy)
{
	if (mirror->quorum == 0)
		return true;
	if ((mirror_usable(mirror) & ~kio__mirror_behind(mirror)) == 0)
		copy->priv |= MIRROR_SETTLED;
	return (copy->priv & MIRROR_SETTLED) == 0 || kio_range_observe(copy);
}

void
kio__mirror_hedge_read(struct mirror *mirror, struct kio_frame *frame)
{
	struct mirror_hedge *state = kio_frame_area(frame);
	struct kio_loop *loop = kio_frame_loop(frame);

	if (kio_frame_is_copy(frame)) {
		if (is_settled(mirror, frame))
			kio_split(frame);
		return;
	}
	frame->priv = MIRROR_HEDGED;
	state->timer = (struct kio_timer){ .task.run = hedge_due };
	state->frame = frame;
	state->due = kio_frame_arrived(frame) + mirror->hedge;
	kio_timer_arm(loop, &state->timer, state->due);
	kio_split_apart(frame);
}

/*
 * Those that have not too many reads already, if any: one that never answers
 * would take all copies with it.
 */
static uint32_t
answering(const struct kio_frame *copy, uint32_t legs)
{
	const struct mirror_channel *channel = kio_frame_channel(copy);
	uint32_t few = 0;

	for (uint32_t rest = legs; rest != 0; rest &= rest - 1) {
		if (channel->hedged[__builtin_ctz(rest)] < STRAGGLERS)
			few |= rest & -rest;
	}
	return few != 0 ? few : legs;
}

static void
answered(const struct kio_frame *copy, uint32_t legs)
{
	struct mirror_channel *channel = kio_frame_channel(copy);
	struct mirror_hedge *state = kio_frame_area(copy);

	for (state->asked &= ~legs; legs != 0; legs &= legs - 1)
		channel->hedged[__builtin_ctz(legs)]--;
}

/* The first leg at once, the next when that is late or has failed; two at a time. */
bool
kio__mirror_hedge_part(struct mirror *mirror, struct kio_frame *copy, struct kio_part *part)
{
	struct mirror_hedge *state = kio_frame_area(copy), *request;
	struct kio_frame *frame = kio_frame_waiter(copy);
	uint32_t legs, behind = 0;

	if (kio_frame_parts(copy) == 0) {
		state->tried = state->failed = state->asked = 0;
		state->free = 3;
		state->error = -EIO;
	}
	if (mirror->quorum != 0 && (copy->priv & MIRROR_SETTLED) == 0)
		behind = kio__mirror_behind(mirror);
	legs = mirror_usable(mirror) & ~state->tried & ~behind;
	if (frame == NULL || legs == 0)
		return false;
	request = kio_frame_area(frame);
	if (state->free == 0 ||
	    (state->tried != state->failed && kio_loop_now(kio_frame_loop(copy)) < request->due)) {
		part->later = true;
		return false;
	}
	part->leg = mirror_near(answering(copy, legs), copy->offset);
	part->priv = (uintptr_t)__builtin_ctz(state->free);
	part->data = copy->data;
	part->data.skip += part->priv * copy->data.len;
	state->free &= ~(1u << part->priv);
	state->tried |= 1u << part->leg;
	state->asked |= 1u << part->leg;
	((struct mirror_channel *)kio_frame_channel(copy))->hedged[part->leg]++;
	return true;
}

static void
end(struct kio_frame *frame, int status, const void *from)
{
	struct mirror_hedge *request = kio_frame_area(frame);
	struct kio_frame *copy = kio_frame_copy(frame);

	/* where it runs in this round it finds that the request has ended */
	kio_timer_cancel(kio_frame_loop(frame), &request->timer);
	kio_end(frame, status, from);
	if (copy != NULL)
		kio_cancel(copy->kio);
}

void
kio__mirror_hedge_part_done(struct mirror *mirror, struct kio_frame *copy, struct kio_part *part)
{
	struct mirror_hedge *state = kio_frame_area(copy);
	struct kio_frame *frame = kio_frame_waiter(copy);

	answered(copy, 1u << part->leg);
	if (part->status == 0) {
		if (frame != NULL)
			end(frame, 0, (char *)part->data.seg->base + part->data.skip);
		return;
	}
	if (part->status != -ECANCELED) {
		mirror_log_read(mirror, copy->offset, copy->data.len, part->leg, part->status);
		state->error = part->status;
	}
	state->failed |= 1u << part->leg;
	state->free |= 1u << part->priv;
	part->status = 0;
}

/* Nobody has answered; of legs that were behind none was asked. */
enum kio_next
kio__mirror_hedge_done(struct mirror *mirror, struct kio_frame *copy)
{
	const struct mirror_hedge *state = kio_frame_area(copy);
	struct kio_frame *frame = kio_frame_waiter(copy);
	struct mirror_hedge *request;

	/* of a part that was given up before it was sent nobody hears */
	answered(copy, state->asked);
	if (frame == NULL)
		return KIO_UP;
	if (mirror->quorum != 0 && (copy->priv & MIRROR_SETTLED) == 0 &&
	    (mirror_usable(mirror) & ~state->tried) != 0) {
		copy->priv |= MIRROR_SETTLED;
		return KIO_AGAIN;
	}
	request = kio_frame_area(frame);
	kio_timer_cancel(kio_frame_loop(frame), &request->timer);
	kio_frame_set_status(copy, state->error);
	return KIO_UP;
}

void
kio__mirror_hedge_cancel(struct kio_frame *frame)
{
	end(frame, -ECANCELED, NULL);
}
