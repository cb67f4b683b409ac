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
 * acknowledgement and loaded whenever legs are chosen.
 *
 * The record is written by one loop at a time; failures that come meanwhile, on
 * any loop, wait and go into the next record. And so does every change that a
 * leg has not got which the state on disk still calls in sync: after a crash that
 * leg could be the one that is kept.
 */
#include "layers/mirror.h"

#define NEAR_SHIFT 20 /* a megabyte is read from one leg, the next from the next */

struct mirror_frame {
	struct kio__link link; /* while it waits for the record */
	struct kio_frame *frame;
	uint32_t legs;   /* the parts go to */
	uint32_t left;   /* not yet handed out */
	uint32_t failed;
	int error; /* the first */
};

/* For writing the record from this channel. */
struct mirror_channel {
	struct mirror *mirror;
	struct kio *kios[KIO__MIRROR_LEGS];
	unsigned char *blocks;
	struct kio_task task; /* to begin a record that another channel hands over */
	unsigned in_flight;
	uint32_t legs;   /* that get the record */
	uint32_t failed; /* of them */
	int error;       /* of the last of those */
	struct kio__queue served; /* whose failures are in the record being written */
};

static const char *const state_choices[] = { "yes", "none", NULL };

static const struct kio_opt mirror_opts[] = {
	KIO_OPT_BOOL(struct mirror, degraded, false, "go on with the legs that are there and not stale"),
	{ .name = "state", .type = KIO_TYPE_CHOICE, .at = offsetof(struct mirror, state_choice),
	  .value = 0, .choices = state_choices,
	  .help = "keep the state of each leg at its end; none is for null and mem" },
	KIO_OPT_STRING(struct mirror, keep, NULL,
		       "when legs were written without each other: the name of the one to keep"),
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

/* --- the record --------------------------------------------------------- */

static void record_next(struct mirror_channel *channel);

/* With the mutex held: those who waited since the last record are served by the next. */
static void
take_waiting(struct mirror_channel *channel)
{
	struct mirror_frame *state;

	while ((state = kio__queue_pop(&channel->mirror->waiting)) != NULL)
		kio__queue_push(&channel->served, &state->link);
}

static void
answer_served(struct mirror_channel *channel, int status)
{
	struct mirror_frame *state;

	while ((state = kio__queue_pop(&channel->served)) != NULL)
		kio_resume_post(state->frame, status);
}

static void
record_begin(struct kio_task *task)
{
	struct mirror_channel *channel = kio_container_of(task, struct mirror_channel, task);
	struct mirror *mirror = channel->mirror;

	kio__mutex_lock(&mirror->mutex);
	take_waiting(channel);
	kio__mutex_unlock(&mirror->mutex);
	record_next(channel);
}

/*
 * The next record is written by the channel of one who waits for it: what that
 * holds is what keeps the channel open meanwhile.
 */
static void
hand_over(struct mirror *mirror)
{
	struct mirror_frame *first;
	struct mirror_channel *next;

	kio__mutex_lock(&mirror->mutex);
	first = (struct mirror_frame *)(void *)mirror->waiting.head;
	mirror->recording = first != NULL;
	if (first != NULL) {
		next = kio_frame_channel(first->frame);
		next->task.run = record_begin;
		kio_loop_post(kio_frame_loop(first->frame), &next->task);
	}
	kio__mutex_unlock(&mirror->mutex);
}

static void
record_done(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;

	if (channel->failed != 0) {
		/* a leg that does not take the record is stale too, and the rest is to know it */
		__atomic_fetch_and(&mirror->usable, ~channel->failed, __ATOMIC_SEQ_CST);
		kio__mirror_lost(mirror, channel->failed, "does not take the mirror's state",
				 channel->error);
		if (mirror_usable(mirror) != 0) {
			record_next(channel);
			return;
		}
	}
	if (mirror_usable(mirror) == 0)
		kio_notice(&mirror->layer, KIO_HEALTH_FAILED, NULL, "no leg is left");
	else
		__atomic_store_n(&mirror->recorded, channel->legs, __ATOMIC_SEQ_CST);
	/* our own goes up in the loop's next round, so all this is still there */
	answer_served(channel, mirror_usable(mirror) != 0 ? 0 : -EIO);
	hand_over(mirror);
}

static void
record_written(struct kio *kio)
{
	struct mirror_channel *channel = kio->priv;
	const struct kio_layer *layer = &channel->mirror->layer;

	for (unsigned i = 0; i < layer->leg_count && kio_status(kio) < 0; i++) {
		if (channel->kios[i] != kio)
			continue;
		channel->failed |= 1u << i;
		channel->error = kio_status(kio);
	}
	if (--channel->in_flight == 0)
		record_done(channel);
}

static void
record_next(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	uint32_t legs = mirror_usable(mirror);
	unsigned char *block;
	uint64_t at;

	channel->failed = 0;
	channel->legs = legs;
	if (legs == 0 || kio__mirror_new_set(mirror, legs) < 0) {
		__atomic_store_n(&mirror->usable, 0, __ATOMIC_SEQ_CST);
		record_done(channel);
		return;
	}
	mirror->state->sequence++;
	/* counted first: a write may come back with the last one not yet sent */
	channel->in_flight = (unsigned)__builtin_popcount(legs);
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((legs >> i & 1) == 0)
			continue;
		block = channel->blocks + (size_t)i * KIO__MIRROR_BLOCK;
		at = kio__mirror_block(mirror, i, block);
		kio_write(channel->kios[i], at, kio_buf(channel->kios[i], block, KIO__MIRROR_BLOCK),
			  KIO_FUA, record_written);
	}
}

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
	struct mirror_channel *channel = kio_frame_channel(state->frame);
	bool begin, held;

	kio__mutex_lock(&mirror->mutex);
	/* the record may have become durable just now */
	held = !is_on_record(mirror, state);
	begin = held && !mirror->recording;
	if (held)
		kio__queue_push(&mirror->waiting, &state->link);
	if (begin) {
		mirror->recording = true;
		take_waiting(channel);
	}
	kio__mutex_unlock(&mirror->mutex);
	if (begin)
		record_next(channel);
	return held ? KIO_HOLD : KIO_UP;
}

/* --- changes: to all legs ----------------------------------------------- */

static void
mirror_change(struct mirror *mirror, struct kio_frame *frame)
{
	struct mirror_frame *state = kio_frame_area(frame);

	state->frame = frame;
	state->legs = state->left = mirror_usable(mirror);
	state->failed = 0;
	state->error = 0;
	if (state->legs == 0)
		kio_complete(frame, -EIO);
	else
		kio_split(frame);
}

static bool
mirror_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct mirror_frame *state = kio_frame_area(frame);

	(void)layer;
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

	(void)layer;
	/* whatever the reason: it has not what the others have */
	state->failed |= 1u << part->leg;
	if (state->error == 0 || state->error == -ENOTSUP)
		state->error = part->status;
	part->status = 0;
	return KIO_UP;
}

static enum kio_next
change_done(struct mirror *mirror, struct kio_frame *frame)
{
	struct mirror_frame *state = kio_frame_area(frame);

	if (kio__likely(state->failed == 0 && is_on_record(mirror, state)))
		return KIO_UP;
	if (state->failed == state->legs ||
	    (state->failed != 0 && !kio__mirror_take_out(mirror, state->failed, "failed", state->error))) {
		/* none of them is better than the others; but what they hold may differ */
		if (state->error != -ENOTSUP)
			__atomic_store_n(&mirror->unequal, 1, __ATOMIC_RELEASE);
		kio_frame_set_status(frame, state->error);
		return KIO_UP;
	}
	return mirror_has_state(mirror) ? record(mirror, state) : KIO_UP;
}

/* --- reads: from one leg ------------------------------------------------ */

/* frame->priv: the legs that were tried, and the one that is now. */
#define TRIED(priv) ((uint32_t)(priv))
#define NOW(priv) ((unsigned)((uint64_t)(priv) >> 32))

static void
mirror_read(struct mirror *mirror, struct kio_frame *frame)
{
	uint32_t legs = mirror_usable(mirror) & ~TRIED(frame->priv);
	unsigned turn, leg;

	if (legs == 0) {
		kio_complete(frame, -EIO);
		return;
	}
	turn = (unsigned)(frame->offset >> NEAR_SHIFT) % (unsigned)__builtin_popcount(legs);
	for (uint32_t rest = legs; turn > 0; turn--) {
		rest &= rest - 1;
		legs = rest;
	}
	leg = (unsigned)__builtin_ctz(legs);
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
	kio_log(&mirror->layer, KIO_WARNING, "reading %U bytes at %U from %s: %e", frame->data.len,
		frame->offset, mirror->layer.legs[leg]->name, kio_frame_status(frame));
	frame->priv = tried;
	return (mirror_usable(mirror) & ~tried) != 0 ? KIO_AGAIN : KIO_UP;
}

/* --- both --------------------------------------------------------------- */

static void
mirror_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	if (frame->op == KIO_READ || frame->op == KIO_EXTENTS)
		mirror_read(mirror_of(layer), frame);
	else
		mirror_change(mirror_of(layer), frame);
}

static enum kio_next
mirror_done(struct kio_layer *layer, struct kio_frame *frame)
{
	if (frame->op == KIO_READ || frame->op == KIO_EXTENTS)
		return read_done(mirror_of(layer), frame);
	return change_done(mirror_of(layer), frame);
}

static void
mirror_channel_close(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct mirror_channel *channel = area;

	(void)kio_channel;
	for (unsigned i = 0; i < layer->leg_count; i++)
		kio_destroy(channel->kios[i]);
	kio__free(channel->blocks);
}

static int
mirror_channel_open(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct mirror_channel *channel = area;
	struct mirror *mirror = mirror_of(layer);

	channel->mirror = mirror;
	kio__queue_init(&channel->served);
	if (!mirror_has_state(mirror))
		return 0;
	channel->blocks = kio__alloc_aligned((size_t)layer->leg_count * KIO__MIRROR_BLOCK, 4096);
	for (unsigned i = 0; i < layer->leg_count && channel->blocks != NULL; i++) {
		if (kio_leg_absent(layer->legs[i]))
			continue;
		channel->kios[i] = kio_create_at(kio_channel, layer->legs[i], 1);
		if (channel->kios[i] == NULL)
			break;
		channel->kios[i]->priv = channel;
	}
	for (unsigned i = 0; i < layer->leg_count; i++) {
		if (channel->blocks == NULL ||
		    (channel->kios[i] == NULL && !kio_leg_absent(layer->legs[i]))) {
			mirror_channel_close(layer, kio_channel, area);
			return -ENOMEM;
		}
	}
	return 0;
}

static void
mirror_describe(const struct kio_layer *layer, char *text, size_t size)
{
	const struct mirror *mirror = kio_container_of(layer, const struct mirror, layer);
	unsigned used = (unsigned)__builtin_popcount(mirror_usable(mirror));

	kio_format(text, size, "%u of %u legs in sync%s%s", used, mirror->all,
		   used < mirror->all ? ", degraded" : "",
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
	.bits = KIO_KEEPS_DATA | KIO_ORDERED_WRITES | KIO_PARTS_FLUSH | KIO_ENDS_CHANGES,
	.open = kio__mirror_open,
	.create = kio__mirror_create,
	.close = kio__mirror_close,
	.spares_legs = mirror_spares_legs,
	.channel_open = mirror_channel_open,
	.channel_close = mirror_channel_close,
	.submit = mirror_submit,
	.part = mirror_part,
	.part_done = mirror_part_done,
	.done = mirror_done,
	.describe = mirror_describe,
	.health = kio__mirror_health,
	.leg_health = kio__mirror_leg_health,
	.operations = kio__mirror_operations,
};
