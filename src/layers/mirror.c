/* SPDX-License-Identifier: MIT */
/*
 * mirror: the same on every leg.
 *
 *   write, flush, ...   to all legs in use; done when all are
 *       one failed      hold; record on the others that it is stale; then done
 *   read                from one leg; if that fails, from another
 *
 * Nothing is acknowledged that a leg missed before the others know so, durably:
 * a leg that comes back with old data is refused when the mirror opens. Which
 * legs are in use is one word that all loops share, stored before the
 * acknowledgement and loaded whenever legs are chosen. And every change that a
 * leg has not got which the state on disk still calls in sync waits for the
 * record, too: after a crash that leg could be the one that is kept.
 *
 * Nothing is written into a region before the map on disk calls it dirty. Where
 * it does already that costs a load. Legs that are made equal get all changes
 * from the start, and are not read before they are.
 */
#include "layers/mirror.h"

static const char *const state_choices[] = { "yes", "none", NULL };

static const char *const resync_choices[] = { "auto", "all", "no", NULL };

static const struct kio_opt mirror_opts[] = {
	KIO_OPT_BOOL(struct mirror, degraded, false, "go on with the legs that are there and not stale"),
	{ .name = "state", .type = KIO_TYPE_CHOICE, .at = offsetof(struct mirror, state_choice),
	  .value = 0, .choices = state_choices,
	  .help = "keep the state of each leg at its end; none is for null and mem" },
	KIO_OPT_STRING(struct mirror, keep, NULL,
		       "when legs were written without each other: the name of the one to keep"),
	{ .name = "resync", .type = KIO_TYPE_CHOICE, .at = offsetof(struct mirror, resync),
	  .value = MIRROR_RESYNC_AUTO, .choices = resync_choices,
	  .help = "make legs equal again: auto, those that an unclean stop left; all, stale ones too; no" },
	KIO_OPT_STRING(struct mirror, read, "near",
		       "near: from one leg; hedged:TIME: from another, too, when that is late"),
	KIO_OPT_UINT(struct mirror, quorum, 0, "legs that have a change when it is acknowledged; 0: all"),
	KIO_OPT_TIME(struct mirror, behind, 2000000000, "with quorum: a leg that is behind for so long is stale"),
	KIO_OPT_SIZE(struct mirror, resync_rate, 0,
		     "bytes a second, at most, to make legs equal or compare them; 0: as fast as it goes",
		     .flags = KIO_OPT_CHANGEABLE),
	{ 0 }
};

static bool
mirror_spares_legs(const struct kio_layer *layer)
{
	bool degraded = kio_container_of(layer, const struct mirror, layer)->degraded;

	if (!degraded)
		kio_log(layer, KIO_INFO, "a leg does not open; degraded=yes goes on without it");
	return degraded;
}

/* --- what is on record --------------------------------------------------- */

/* Does every leg that the state on disk calls in sync have what was written? */
static bool
is_on_record(const struct mirror *mirror, const struct mirror_frame *state)
{
	return (mirror_recorded(mirror) & ~(state->legs & ~state->failed)) == 0;
}

/* The frame goes up when it is on record which legs failed. */
static enum kio_next
record(struct mirror *mirror, struct mirror_frame *state)
{
	bool begin = false, held;

	state->wait.held = state->frame;
	state->wait.first = 1;
	state->wait.last = 0;
	kio__mutex_lock(&mirror->mutex);
	/* the record may have become durable just now */
	held = !is_on_record(mirror, state);
	mirror->state_changed |= held;
	if (held)
		begin = kio__mirror_record_wait(mirror, &state->wait);
	kio__mutex_unlock(&mirror->mutex);
	if (begin)
		kio__mirror_record_run(state->wait.channel);
	return held ? KIO_HOLD : KIO_UP;
}

/* --- changes: to all legs ----------------------------------------------- */

/* True: its memory is the mirror's own, and it may end before all legs have it. */
static bool
may_end_early(const struct mirror *mirror)
{
	return kio__unlikely(mirror->quorum != 0);
}

void
kio__mirror_send_change(struct mirror *mirror, struct kio_frame *frame)
{
	struct mirror_frame *state = kio_frame_area(frame);

	/* in this order: one that is made equal is among the others before it is not among these */
	state->copies = mirror_copying(mirror);
	state->legs = mirror_usable(mirror);
	state->copies &= ~state->legs;
	state->legs |= state->copies;
	state->left = state->legs;
	state->failed = 0;
	state->error = 0;
	if (state->legs == state->copies) {
		kio_complete(frame, -EIO);
		return;
	}
	if (may_end_early(mirror))
		kio__mirror_quorum_sent(state);
	kio_split(frame);
}

static void
send_change(struct mirror *mirror, struct kio_frame *frame)
{
	if (!may_end_early(mirror) || !kio__mirror_quorum_waits(kio_frame_area(frame)))
		kio__mirror_send_change(mirror, frame);
}

static void
regions_are_dirty(struct kio_task *task)
{
	struct mirror_frame *state = kio_container_of(task, struct mirror_frame, wait.task);

	/* one that was sent is not cancelled, so that legs stay alike */
	if (state->wait.status < 0 || kio_frame_cancelled(state->frame))
		kio_complete(state->frame, state->wait.status < 0 ? state->wait.status : -ECANCELED);
	else
		send_change(state->wait.channel->mirror, state->frame);
}

/* The change waits until the map on disk has its regions. */
static __attribute__((noinline)) void
make_dirty(struct mirror *mirror, struct mirror_frame *state)
{
	bool begin = false, ready = true;

	state->wait.held = NULL;
	state->wait.task.run = regions_are_dirty;
	kio__mutex_lock(&mirror->mutex);
	for (uint32_t i = state->wait.first; i <= state->wait.last; i++) {
		switch (mirror_region(mirror, i)) {
		case KIO__REGION_CLEAN:
			mirror_set_region(mirror, i, KIO__REGION_SETTING);
			ready = false;
			break;
		case KIO__REGION_SETTING:
			ready = false;
			break;
		case KIO__REGION_DIRTY:
			mirror_set_region(mirror, i, KIO__REGION_TOUCHED);
			break;
		case KIO__REGION_TOUCHED:
			break;
		}
	}
	if (!ready)
		begin = kio__mirror_record_wait(mirror, &state->wait);
	kio__mutex_unlock(&mirror->mutex);
	if (begin)
		kio__mirror_record_run(state->wait.channel);
	else if (ready)
		send_change(mirror, state->frame);
}

static void
mirror_change(struct mirror *mirror, struct kio_frame *frame)
{
	struct mirror_frame *state = kio_frame_area(frame);
	uint32_t first, last;

	state->frame = frame;
	state->wait.channel = kio_frame_channel(frame);
	if (frame->op == KIO_FLUSH) {
		send_change(mirror, frame);
		return;
	}
	first = (uint32_t)(frame->offset >> mirror->region_shift);
	last = (uint32_t)((frame->offset + frame->data.len - 1) >> mirror->region_shift);
	state->wait.first = first;
	state->wait.last = last;
	while (kio__likely(mirror_region(mirror, first) == KIO__REGION_TOUCHED)) {
		if (first++ == last) {
			send_change(mirror, frame);
			return;
		}
	}
	make_dirty(mirror, state);
}

static bool
mirror_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct mirror_frame *state = kio_frame_area(frame);

	if (frame->op == KIO_READ)
		return kio__mirror_hedge_part(mirror_of(layer), frame, part);
	if (state->left == 0)
		return false;
	part->leg = (unsigned)__builtin_ctz(state->left);
	state->left &= state->left - 1;
	return true;
}

static enum kio_next
mirror_part_done(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct mirror_frame *state = kio_frame_area(frame);

	if (frame->op == KIO_READ) {
		kio__mirror_hedge_part_done(mirror_of(layer), frame, part);
		return KIO_UP;
	}
	/* whatever the reason: it has not what the others have */
	if (part->status < 0) {
		state->failed |= 1u << part->leg;
		if (state->error == 0 || state->error == -ENOTSUP)
			state->error = part->status;
		part->status = 0;
	}
	if (may_end_early(mirror_of(layer)))
		kio__mirror_quorum_part_done(mirror_of(layer), state, part->leg);
	return KIO_UP;
}

/*
 * No leg in sync has it: none of them is better than the others, but what they
 * hold may differ, and one that is made equal may have got it.
 */
static enum kio_next
nowhere(struct mirror *mirror, struct mirror_frame *state)
{
	struct kio_frame *frame = state->frame;

	if (state->error != -ENOTSUP)
		__atomic_store_n(&mirror->unequal, 1, __ATOMIC_RELEASE);
	if (state->copies != 0 && frame->op != KIO_FLUSH)
		kio__mirror_need_again(mirror, (uint32_t)(frame->offset >> mirror->region_shift),
				       (uint32_t)((frame->offset + frame->data.len - 1) >>
						  mirror->region_shift));
	kio_frame_set_status(frame, state->error);
	return KIO_UP;
}

static enum kio_next
change_done(struct mirror *mirror, struct kio_frame *frame)
{
	struct mirror_frame *state = kio_frame_area(frame);
	uint32_t failed = state->failed;

	if (may_end_early(mirror)) {
		if (!kio__mirror_quorum_done(mirror, state))
			return KIO_HOLD;
		if (kio_frame_waiter(frame) == NULL)
			return KIO_UP;
	}
	if (kio__likely(failed == 0 && is_on_record(mirror, state)))
		return KIO_UP;
	if ((failed & state->copies) != 0)
		kio__mirror_drop_copies(mirror, failed & state->copies, state->error);
	/* one that was made equal meanwhile is as any other by now */
	if ((state->legs & ~(state->copies & ~mirror_usable(mirror)) & ~failed) == 0 ||
	    ((failed & mirror_usable(mirror)) != 0 && !kio__mirror_take_out(mirror, failed, "failed", state->error)))
		return nowhere(mirror, state);
	return mirror_has_state(mirror) ? record(mirror, state) : KIO_UP;
}

/* --- reads: from one leg ------------------------------------------------ */

#define TRIED(priv) ((uint32_t)(priv))
#define NOW(priv) ((unsigned)((uint64_t)(priv) >> 32))

static void
mirror_read(struct mirror *mirror, struct kio_frame *frame)
{
	/* first: a leg that is not late any more because it failed is not usable by then */
	uint32_t behind = may_end_early(mirror) ? kio__mirror_behind(mirror) : 0;
	uint32_t legs = mirror_usable(mirror) & ~TRIED(frame->priv);
	unsigned leg;

	if (legs == 0) {
		kio_complete(frame, -EIO);
		return;
	}
	if (may_end_early(mirror)) {
		if ((legs & ~behind) != 0)
			legs &= ~behind;
		else if (!kio_range_observe(frame))
			return;
	}
	leg = mirror_near(legs, frame->offset);
	frame->priv = TRIED(frame->priv) | (uint64_t)leg << 32;
	kio_pass_leg(frame, leg, frame->offset);
}

static enum kio_next
read_done(struct mirror *mirror, struct kio_frame *frame)
{
	unsigned leg = NOW(frame->priv);
	uint32_t tried = TRIED(frame->priv) | 1u << leg;

	if (kio__likely(kio_frame_status(frame) == 0) || kio_frame_status(frame) == -ECANCELED)
		return KIO_UP;
	mirror_log_read(mirror, frame->offset, frame->data.len, leg, kio_frame_status(frame));
	frame->priv = tried;
	return (mirror_usable(mirror) & ~tried) != 0 ? KIO_AGAIN : KIO_UP;
}

/* --- both --------------------------------------------------------------- */

static void
mirror_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	if (kio__mirror_hedges(mirror_of(layer), frame))
		kio__mirror_hedge_read(mirror_of(layer), frame);
	else if (frame->op == KIO_READ || frame->op == KIO_EXTENTS)
		mirror_read(mirror_of(layer), frame);
	else if (may_end_early(mirror_of(layer)) && !kio_frame_is_copy(frame))
		kio_split_apart(frame);
	else
		mirror_change(mirror_of(layer), frame);
}

static enum kio_next
mirror_done(struct kio_layer *layer, struct kio_frame *frame)
{
	if (frame->op == KIO_READ && (frame->priv & ~(uint64_t)MIRROR_SETTLED) == MIRROR_HEDGED)
		return kio__mirror_hedge_done(mirror_of(layer), frame);
	if (frame->op == KIO_READ || frame->op == KIO_EXTENTS)
		return read_done(mirror_of(layer), frame);
	return change_done(mirror_of(layer), frame);
}

static void
mirror_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	if (frame->op == KIO_READ && frame->priv == MIRROR_HEDGED)
		kio__mirror_hedge_cancel(frame);
	else if (may_end_early(mirror_of(layer)) && frame->op != KIO_READ && frame->op != KIO_EXTENTS)
		kio__mirror_quorum_cancel(frame);
}

static void
mirror_channel_close(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	(void)kio_channel;
	if (!mirror_has_state(mirror_of(layer)))
		return;
	kio__mirror_work_close(area);
	kio__mirror_record_close(area);
}

static bool
mirror_channel_quiet(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	(void)kio_channel;
	return !mirror_has_state(mirror_of(layer)) || kio__mirror_work_quiet(area);
}

static int
mirror_channel_open(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct mirror_channel *channel = area;
	int rc;

	channel->mirror = mirror_of(layer);
	channel->channel = kio_channel;
	channel->loop = kio_channel_loop(kio_channel);
	if (!mirror_has_state(channel->mirror))
		return 0;
	kio__mirror_quorum_channel(channel);
	rc = kio__mirror_record_open(channel);
	if (rc == 0)
		kio__mirror_work_open(channel);
	return rc;
}

static void
describe_work(const struct mirror *mirror, char *text, size_t size)
{
	uint32_t copying = mirror_copying(mirror);
	struct kio_progress progress;

	if (!kio__mirror_progress(&mirror->layer, &progress))
		return;
	if (copying != 0)
		kio_format(text, size, ", %d made equal: %S of %S", __builtin_popcount(copying), progress.done,
			   progress.total);
	else
		kio_format(text, size, ", compared: %S of %S", progress.done, progress.total);
}

static void
mirror_describe(const struct kio_layer *layer, char *text, size_t size)
{
	const struct mirror *mirror = kio_container_of(layer, const struct mirror, layer);
	unsigned used = (unsigned)__builtin_popcount(mirror_usable(mirror));
	char work[80] = "";

	describe_work(mirror, work, sizeof(work));
	kio_format(text, size, "%u of %u legs in sync%s%s%s%s", used, mirror->all,
		   used < mirror->all ? ", degraded" : "",
		   __atomic_load_n(&mirror->differ, __ATOMIC_RELAXED) ? ", they differ" : "", work,
		   mirror_has_state(mirror) ? "" : ", no state kept");
}

const struct kio_class kio_class_mirror = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "mirror",
	.summary = "keep the same on every leg; go on when one fails",
	.maturity = "beta",
	.size = sizeof(struct mirror),
	.frame_size = sizeof(struct mirror_frame),
	.channel_size = sizeof(struct mirror_channel),
	.opts = mirror_opts,
	.min_legs = 1,
	.max_legs = UINT32_MAX,
	.bits = KIO_KEEPS_DATA | KIO_ORDERED_WRITES | KIO_PARTS_FLUSH | KIO_ENDS_CHANGES |
		KIO_REPLACES_LEGS,
	.open = kio__mirror_open,
	.create = kio__mirror_create,
	.close = kio__mirror_close,
	.spares_legs = mirror_spares_legs,
	.channel_open = mirror_channel_open,
	.channel_close = mirror_channel_close,
	.channel_quiet = mirror_channel_quiet,
	.submit = mirror_submit,
	.part = mirror_part,
	.part_done = mirror_part_done,
	.done = mirror_done,
	.cancel = mirror_cancel,
	.describe = mirror_describe,
	.health = kio__mirror_health,
	.leg_health = kio__mirror_leg_health,
	.progress = kio__mirror_progress,
	.operations = kio__mirror_operations,
};
