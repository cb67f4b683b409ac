/* SPDX-License-Identifier: MIT */
/*
 * powercut: a disk with a volatile write cache, and a mains switch.
 *
 *   write ----> cache ----> what lies below
 *                 |  flush, FUA, or no room: one of them at a time has its turn
 *                 +--> lost, or kept, when the power is cut
 *
 * The power is the process's: when it is cut, that is so for all these disks at
 * one instant, and no request that was on its way then is ever acknowledged.
 * When it is back, each of them first becomes what may be left: some of the
 * sectors that were not flushed, as the seed says.
 */
#include <kiobuf/control.h>
#include <kiobuf/layer.h>

#include "base/math.h"
#include "layers/powercut_cache.h"
#include "port/port.h"

struct powercut {
	struct kio_layer layer;
	uint64_t bytes; /* of the cache */
	uint64_t sector;
	unsigned cut, within, seed;
	int image;

	unsigned cut_at;  /* this change is cut; 0: none */
	uint32_t changes; /* atomic; writes and flushes so far */

	uint32_t restored; /* atomic; what the power was when it had become what is left, and that lasted */

	struct kio__mutex mutex; /* of what follows */
	struct kio__cut_cache cache;
	unsigned losses;   /* how often */
	bool busy;         /* somebody has the turn */
	struct powercut_frame *first, **last;

	/* of who has it */
	struct powercut_frame *turn;
	uint64_t from, to;
	unsigned flags;
	void (*then)(struct powercut *cut, int status);
};

struct powercut_frame {
	struct kio_task task;
	struct kio_frame *frame;
	struct powercut_frame *next; /* in the queue for the turn */
	uint64_t settled;            /* the cache's, when a read went down */
	uint32_t power;              /* when it came */
	bool overlay;                /* a read of what the cache holds in part */
};

struct powercut_channel {
	struct kio *kio; /* writes below what is to last */
	struct powercut *cut;
	uint32_t slots;  /* that it writes */
};

static const char *const images[] = { "mix", "dropped", "kept", NULL };

static const struct kio_opt powercut_opts[] = {
	KIO_OPT_UINT(struct powercut, seed, 1, "of all that is drawn", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_UINT(struct powercut, cut, 0, "the power is cut at this write or flush; 0: not by itself"),
	KIO_OPT_UINT(struct powercut, within, 0, "the same at one of the first so many, drawn from the seed"),
	{ .name = "image", .type = KIO_TYPE_CHOICE, .at = offsetof(struct powercut, image), .choices = images,
	  .help = "what is left of the writes that were not flushed", .flags = KIO_OPT_CHANGEABLE },
	{ .name = "cache", .type = KIO_TYPE_SIZE, .at = offsetof(struct powercut, bytes), .value = 64u << 20,
	  .help = "bytes written and not flushed that it holds at most" },
	KIO_OPT_SIZE(struct powercut, sector, 512, "what is kept or lost as a whole; offsets are multiples of it"),
	{ 0 }
};

static struct powercut *
powercut_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct powercut, layer);
}

/* --- the power ------------------------------------------------------------ */

static struct {
	uint32_t state; /* atomic; odd: it is cut; grows with every change */
	uint32_t disks; /* atomic; that are open */
} power;

static uint32_t
power_now(void)
{
	return __atomic_load_n(&power.state, __ATOMIC_SEQ_CST);
}

static bool
is_off(uint32_t state)
{
	return (state & 1) != 0;
}

static bool
switch_power(bool off)
{
	uint32_t state = power_now();

	while (is_off(state) != off) {
		if (__atomic_compare_exchange_n(&power.state, &state, state + 1, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			return true;
	}
	return false;
}

/* What was the last change on its way: with that number it can be cut again. */
static uint32_t
cut_power(struct powercut *cut)
{
	uint32_t change = __atomic_load_n(&cut->changes, __ATOMIC_RELAXED);
	char command[160];

	if (!switch_power(true))
		return change;
	kio_format(command, sizeof(command), "restore %q", cut->layer.name);
	kio_notice(&cut->layer, KIO_HEALTH_FAILED, command, "the power is cut, at write or flush %u: cut=%u seed=%u",
		   change, change, KIO_OPT_NOW(&cut->seed));
	return change;
}

/* What has gone through a cut is not acknowledged, even if the power is back. */
static bool
has_power(const struct powercut_frame *state)
{
	return !is_off(state->power) && state->power == power_now();
}

static void
finish(struct powercut_frame *state, int status)
{
	kio_complete(state->frame, has_power(state) ? status : -EIO);
}

/* --- what is left --------------------------------------------------------- */

static bool
needs_restore(const struct powercut *cut)
{
	return __atomic_load_n(&cut->restored, __ATOMIC_ACQUIRE) != power_now();
}

struct loss {
	uint64_t there, lost; /* versions of sectors */
	unsigned seed;
	int image;
};

/* With the mutex held. */
static struct loss
lose(struct powercut *cut)
{
	struct loss loss = { .there = cut->cache.there, .seed = KIO_OPT_NOW(&cut->seed),
			     .image = KIO_OPT_NOW(&cut->image) };
	uint64_t random = ((uint64_t)loss.seed << 32) + ((uint64_t)cut->layer.index << 24) + cut->losses++;

	loss.lost = kio__cut_cache_lose(&cut->cache, (enum kio__cut_image)loss.image, &random);
	return loss;
}

static void
say_loss(const struct powercut *cut, const struct loss *loss)
{
	kio_log(&cut->layer, KIO_INFO, "%U of %U sectors written and not flushed are lost: image=%s seed=%u",
		loss->lost, loss->there, images[loss->image], loss->seed);
}

/* --- turns ---------------------------------------------------------------- */

static void begin_turn(struct powercut *cut, struct powercut_frame *state);

static void
turn_came(struct kio_task *task)
{
	struct powercut_frame *state = kio_container_of(task, struct powercut_frame, task);

	begin_turn((struct powercut *)state->frame->priv, state);
}

static void
wait_for_turn(struct powercut *cut, struct powercut_frame *state)
{
	bool busy;

	state->task.run = turn_came;
	state->next = NULL;
	state->frame->priv = (uintptr_t)cut;
	kio__mutex_lock(&cut->mutex);
	busy = cut->busy;
	cut->busy = true;
	if (busy) {
		*cut->last = state;
		cut->last = &state->next;
	}
	kio__mutex_unlock(&cut->mutex);
	if (!busy)
		begin_turn(cut, state);
}

static void
end_turn(struct powercut *cut)
{
	struct powercut_frame *next;

	kio__mutex_lock(&cut->mutex);
	next = cut->first;
	if (next != NULL)
		cut->first = next->next;
	if (cut->first == NULL)
		cut->last = &cut->first;
	cut->busy = next != NULL;
	kio__mutex_unlock(&cut->mutex);
	if (next != NULL)
		kio_loop_post(kio_frame_loop(next->frame), &next->task);
}

static void
end_turn_with(struct powercut *cut, int status)
{
	struct powercut_frame *state = cut->turn;

	end_turn(cut);
	finish(state, status);
}

/* --- what is to last goes below ------------------------------------------- */

static void settled(struct kio *kio);

static void
settle_next(struct powercut *cut)
{
	struct powercut_channel *channel = kio_frame_channel(cut->turn->frame);
	uint64_t offset = 0;
	char *base = NULL;

	kio__mutex_lock(&cut->mutex);
	channel->slots = kio__cut_cache_run(&cut->cache, &cut->from, cut->to);
	if (channel->slots != 0) {
		offset = cut->cache.slots[cut->from & cut->cache.mask].sector * cut->cache.sector;
		base = kio__cut_cache_at(&cut->cache, cut->from);
	}
	kio__mutex_unlock(&cut->mutex);
	if (channel->slots == 0)
		cut->then(cut, 0);
	else
		kio_write(channel->kio, offset,
			  kio_buf(channel->kio, base, (size_t)channel->slots * cut->cache.sector), cut->flags,
			  settled);
}

static void
settled(struct kio *kio)
{
	struct powercut_channel *channel = kio->priv;
	struct powercut *cut = channel->cut;

	if (kio_status(kio) < 0) {
		cut->then(cut, kio_status(kio));
		return;
	}
	kio__mutex_lock(&cut->mutex);
	kio__cut_cache_settle(&cut->cache, cut->from, channel->slots);
	cut->from += channel->slots;
	kio__mutex_unlock(&cut->mutex);
	if (has_power(cut->turn))
		settle_next(cut);
	else
		cut->then(cut, -EIO);
}

static void
settle(struct powercut *cut, uint64_t from, uint64_t to, unsigned flags,
       void (*then)(struct powercut *cut, int status))
{
	cut->from = from;
	cut->to = to;
	cut->flags = flags;
	cut->then = then;
	settle_next(cut);
}

/* --- requests in their turn ------------------------------------------------ */

static void
flush_below(struct powercut *cut, int status)
{
	struct powercut_frame *state = cut->turn;

	end_turn(cut);
	if (status < 0 || !has_power(state))
		finish(state, status);
	else
		kio_pass(state->frame);
}

static void
write_in_turn(struct powercut *cut, int status)
{
	struct kio_frame *frame = cut->turn->frame;
	uint64_t sectors = frame->data.len / cut->cache.sector;
	uint64_t tail, head;
	bool fits;

	if (status < 0) {
		end_turn_with(cut, status);
		return;
	}
	kio__mutex_lock(&cut->mutex);
	tail = cut->cache.tail;
	head = cut->cache.head;
	fits = kio__cut_cache_has_room(&cut->cache, sectors);
	if (fits)
		kio__cut_cache_append(&cut->cache, frame->offset, frame->data);
	kio__mutex_unlock(&cut->mutex);
	if (!fits) {
		/* a quarter at least, so that few writes wait */
		settle(cut, tail, kio__min(head, tail + kio__max(sectors, cut->cache.mask / 4)), 0,
		       write_in_turn);
		return;
	}
	kio_count_copied(frame, frame->data.len);
	if ((frame->flags & KIO_FUA) != 0)
		settle(cut, head, head + sectors, KIO_FUA, end_turn_with);
	else
		end_turn_with(cut, 0);
}

static void read_now(struct powercut *cut, struct powercut_frame *state);

static void
do_in_turn(struct powercut *cut, int status)
{
	struct powercut_frame *state = cut->turn;
	uint64_t tail, head;

	if (status < 0 || !has_power(state)) {
		end_turn_with(cut, status);
		return;
	}
	switch (state->frame->op) {
	case KIO_WRITE:
		write_in_turn(cut, 0);
		break;
	case KIO_FLUSH:
		kio__mutex_lock(&cut->mutex);
		tail = cut->cache.tail;
		head = cut->cache.head;
		kio__mutex_unlock(&cut->mutex);
		settle(cut, tail, head, 0, flush_below);
		break;
	default:
		end_turn(cut);
		read_now(cut, state);
		break;
	}
}

/* If not all of that lasts, some of it may be lost again: nobody has seen it. */
static void
restored(struct powercut *cut, int status)
{
	if (status == 0)
		__atomic_store_n(&cut->restored, cut->turn->power, __ATOMIC_RELEASE);
	do_in_turn(cut, status);
}

static void
begin_turn(struct powercut *cut, struct powercut_frame *state)
{
	struct loss loss;
	uint64_t tail, head;
	bool restore;

	cut->turn = state;
	kio__mutex_lock(&cut->mutex);
	restore = has_power(state) && needs_restore(cut);
	if (restore)
		loss = lose(cut);
	tail = cut->cache.tail;
	head = cut->cache.head;
	kio__mutex_unlock(&cut->mutex);
	if (!restore) {
		do_in_turn(cut, 0);
		return;
	}
	say_loss(cut, &loss);
	/* what is left lasts before anybody sees it */
	settle(cut, tail, head, 0, restored);
}

/* --- requests --------------------------------------------------------------- */

static void
read_now(struct powercut *cut, struct powercut_frame *state)
{
	struct kio_frame *frame = state->frame;
	uint64_t there;

	kio__mutex_lock(&cut->mutex);
	there = kio__cut_cache_count(&cut->cache, frame->offset, frame->data.len);
	state->overlay = there != 0;
	state->settled = cut->cache.settled;
	if (there == frame->data.len / cut->cache.sector)
		kio__cut_cache_overlay(&cut->cache, frame->offset, frame->data);
	kio__mutex_unlock(&cut->mutex);
	if (there != frame->data.len / cut->cache.sector) {
		kio_pass(frame);
		return;
	}
	kio_count_copied(frame, frame->data.len);
	finish(state, 0);
}

static enum kio_next
powercut_done(struct kio_layer *layer, struct kio_frame *frame)
{
	struct powercut *cut = powercut_of(layer);
	struct powercut_frame *state = kio_frame_area(frame);
	uint64_t copied = 0;
	bool again = false;

	if (!has_power(state)) {
		/* another error than that from below: it is about all bytes */
		kio_frame_set_status(frame, 0);
		kio_frame_set_status(frame, -EIO);
		return KIO_UP;
	}
	/* of a read that failed, too: what did not fail counts as read */
	if (frame->op != KIO_READ || !state->overlay)
		return KIO_UP;
	kio__mutex_lock(&cut->mutex);
	/* what the cache had then may have gone below when it was read there already */
	if (cut->cache.settled != state->settled)
		again = true;
	else
		copied = kio__cut_cache_overlay(&cut->cache, frame->offset, frame->data);
	kio__mutex_unlock(&cut->mutex);
	kio_count_copied(frame, copied);
	return again ? KIO_AGAIN : KIO_UP;
}

static bool
append(struct powercut *cut, struct kio_frame *frame)
{
	const struct powercut_frame *state = kio_frame_area(frame);
	bool fits;

	kio__mutex_lock(&cut->mutex);
	/* what came before a cut does not arrive after it */
	fits = __atomic_load_n(&cut->restored, __ATOMIC_ACQUIRE) == state->power &&
	       kio__cut_cache_has_room(&cut->cache, frame->data.len / cut->cache.sector);
	if (fits)
		kio__cut_cache_append(&cut->cache, frame->offset, frame->data);
	kio__mutex_unlock(&cut->mutex);
	if (fits)
		kio_count_copied(frame, frame->data.len);
	return fits;
}

static void
powercut_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct powercut *cut = powercut_of(layer);
	struct powercut_frame *state = kio_frame_area(frame);
	bool change = frame->op == KIO_WRITE || frame->op == KIO_FLUSH;

	state->frame = frame;
	state->power = power_now();
	state->overlay = false;
	if (is_off(state->power)) {
		kio_complete(frame, -EIO);
		return;
	}
	if (change && __atomic_add_fetch(&cut->changes, 1, __ATOMIC_RELAXED) == cut->cut_at) {
		/* on its way into the cache, and lost there or not */
		if (frame->op == KIO_WRITE)
			append(cut, frame);
		cut_power(cut);
		finish(state, 0);
		return;
	}
	if (frame->op == KIO_EXTENTS)
		kio_complete_extent(frame, frame->data.len, 0);
	else if (needs_restore(cut) || frame->op == KIO_FLUSH || (frame->flags & KIO_FUA) != 0)
		wait_for_turn(cut, state);
	else if (frame->op == KIO_READ)
		read_now(cut, state);
	else if (append(cut, frame))
		finish(state, 0);
	else
		wait_for_turn(cut, state);
}

/* --- open and close --------------------------------------------------------- */

static int
check_options(struct powercut *cut, struct kio_diag *diag)
{
	const struct kio_limits *below = &cut->layer.below->limits;

	if (cut->sector < 512 || cut->sector > 65536 || !kio__is_power_of_two(cut->sector))
		return kio_refuse(diag, -EINVAL, "sector=%S is not a power of two from 512 to 64K", cut->sector);
	if (cut->sector < below->block)
		return kio_refuse(diag, -EINVAL, "sector=%S is smaller than the blocks of %S below", cut->sector,
				  (uint64_t)below->block);
	if (cut->bytes < 64 * cut->sector || cut->bytes > (uint64_t)1 << 36 || !kio__is_power_of_two(cut->bytes))
		return kio_refuse(diag, -EINVAL, "cache=%S is not a power of two from %S to 64G", cut->bytes,
				  64 * cut->sector);
	if (cut->cut != 0 && cut->within != 0)
		return kio_refuse(diag, -EINVAL, "cut= and within= both say when the power is cut");
	if (below->size < cut->sector)
		return kio_refuse(diag, -EINVAL, "there is less than a sector below");
	return 0;
}

static void
draw_cut(struct powercut *cut)
{
	uint64_t x = (cut->seed + (uint64_t)1) * 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
	cut->cut_at = cut->within != 0 ? 1 + (unsigned)((x ^ x >> 32) % cut->within) : cut->cut;
}

static int
powercut_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct powercut *cut = powercut_of(layer);
	struct kio_limits *limits = &layer->limits;
	uint32_t longest = (uint32_t)kio__min(cut->bytes / 4, 32u << 20);
	int rc = check_options(cut, diag);

	if (rc < 0)
		return rc;
	rc = kio__cut_cache_open(&cut->cache, (uint32_t)cut->sector, cut->bytes);
	if (rc < 0)
		return kio_refuse(diag, rc, "there is no memory for a cache of %S", cut->bytes);
	kio__mutex_init(&cut->mutex);
	cut->last = &cut->first;
	cut->restored = power_now();
	draw_cut(cut);
	__atomic_add_fetch(&power.disks, 1, __ATOMIC_SEQ_CST);
	limits->block = (uint32_t)cut->sector;
	limits->best = (uint32_t)kio__max(limits->best, cut->sector);
	limits->size = kio__align_down(limits->size, cut->sector);
	if (limits->max_transfer == 0 || limits->max_transfer > longest)
		limits->max_transfer = longest;
	limits->ops = KIO_OP_BIT(KIO_READ) | KIO_OP_BIT(KIO_WRITE) | KIO_OP_BIT(KIO_FLUSH);
	limits->lend = limits->zeroes = limits->holes = false;
	return 0;
}

/* What has not been flushed is written when a disk is put away, but not lost. */
static int
write_rest(struct powercut *cut)
{
	uint64_t from = cut->cache.tail, to = cut->cache.head;
	uint32_t slots;
	int rc = 0;

	while (rc == 0 && (slots = kio__cut_cache_run(&cut->cache, &from, to)) != 0) {
		rc = kio_leg_write(cut->layer.below, kio__cut_cache_at(&cut->cache, from),
				   (size_t)slots * cut->cache.sector,
				   cut->cache.slots[from & cut->cache.mask].sector * cut->cache.sector, 0);
		from += slots;
	}
	return rc == 0 ? kio_leg_flush(cut->layer.below) : rc;
}

static int
powercut_close(struct kio_layer *layer)
{
	struct powercut *cut = powercut_of(layer);
	struct loss loss;
	int rc = 0;

	if (needs_restore(cut)) {
		loss = lose(cut);
		say_loss(cut, &loss);
	}
	if (cut->cache.there != 0)
		rc = write_rest(cut);
	if (__atomic_sub_fetch(&power.disks, 1, __ATOMIC_SEQ_CST) == 0)
		switch_power(false);
	kio__cut_cache_close(&cut->cache);
	kio__mutex_fini(&cut->mutex);
	return rc;
}

static int
powercut_channel_open(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct powercut_channel *channel = area;

	channel->cut = powercut_of(layer);
	channel->kio = kio_create_at(kio_channel, layer->below, 1);
	if (channel->kio == NULL)
		return -ENOMEM;
	channel->kio->priv = channel;
	return 0;
}

static void
powercut_channel_close(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct powercut_channel *channel = area;

	(void)layer;
	(void)kio_channel;
	kio_destroy(channel->kio);
}

/* --- what an operator sees and does ------------------------------------------ */

static void
powercut_describe(const struct kio_layer *layer, char *text, size_t size)
{
	struct powercut *cut = powercut_of((struct kio_layer *)(uintptr_t)layer);
	uint64_t there;

	kio__mutex_lock(&cut->mutex);
	there = cut->cache.there;
	kio__mutex_unlock(&cut->mutex);
	if (is_off(power_now()))
		kio_format(text, size, "the power is cut");
	else
		kio_format(text, size, "%S not flushed", there * cut->cache.sector);
}

static enum kio_health
powercut_health(const struct kio_layer *layer)
{
	(void)layer;
	return is_off(power_now()) ? KIO_HEALTH_FAILED : KIO_HEALTH_OK;
}

static int
cut_by_hand(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
	    struct kio_report *report, struct kio_diag *diag)
{
	struct powercut *cut = powercut_of(layer);

	(void)leg;
	(void)count;
	(void)args;
	if (is_off(power_now()))
		return kio_refuse(diag, -EALREADY, "the power is cut already");
	kio_report_number(report, "cut", cut_power(cut));
	kio_report_number(report, "seed", KIO_OPT_NOW(&cut->seed));
	return 0;
}

static int
restore(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
	struct kio_report *report, struct kio_diag *diag)
{
	struct powercut *cut = powercut_of(layer);

	(void)leg;
	(void)count;
	(void)args;
	if (!switch_power(false))
		return kio_refuse(diag, -EALREADY, "the power is not cut");
	kio_notice(layer, KIO_HEALTH_OK, NULL, "the power is back");
	kio_report_text(report, "image", "%s", images[KIO_OPT_NOW(&cut->image)]);
	kio_report_number(report, "seed", KIO_OPT_NOW(&cut->seed));
	return 0;
}

static const struct kio_operation operations[] = {
	{ .name = "cut", .help = "cut the power of all powercut layers: all requests fail", .run = cut_by_hand },
	{ .name = "restore", .help = "the power is back: what is left can be read", .run = restore },
	{ 0 }
};

const struct kio_class kio_class_powercut = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "powercut",
	.summary = "a volatile write cache that loses what was not flushed when its power is cut",
	.maturity = "beta",
	.size = sizeof(struct powercut),
	.frame_size = sizeof(struct powercut_frame),
	.channel_size = sizeof(struct powercut_channel),
	.opts = powercut_opts,
	.min_legs = 1,
	.max_legs = 1,
	.open = powercut_open,
	.close = powercut_close,
	.channel_open = powercut_channel_open,
	.channel_close = powercut_channel_close,
	.submit = powercut_submit,
	.done = powercut_done,
	.describe = powercut_describe,
	.health = powercut_health,
	.operations = operations,
};
