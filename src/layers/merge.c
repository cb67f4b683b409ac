/* SPDX-License-Identifier: MIT */
/*
 * merge: neighbours go down as one request.
 *
 *   8K-12K   0-4K   4K-8K   20K-24K   requests of one batch of the loop
 *      \       |      /        |
 *       \      v     /         v      the plug opens: sorted by offset
 *        0 ------- 12K      20K-24K
 *      one of the layer's   the same container
 *
 * Reads gather with reads, writes with writes, until the loop has run all that
 * is ready: whoever sends several at once has sent them by then. A flush, or a
 * plug that is full, opens it before. A request without neighbours passes as it
 * is. Neighbours are the parents of one container of the layer's reserve, whose
 * segments are theirs in order; if none is there, they pass one by one: nobody
 * waits here for what others keep.
 *
 * Writes are ordered: overlapping ones are not in the plug at once, and what is
 * sent again never lands on what came later. The memory of a merged request is
 * on loan, so nobody below changes it, and its parents can be sent again. Those
 * that pass by themselves are never sent again, and keep the right to that.
 */
#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

#define GATHERED 64u
#define SEGS 64u /* less than one system call takes */

struct merge {
	struct kio_layer layer;
	uint64_t longest;
	uint64_t wait; /* ns */
};

/* Of each channel. */
struct plug {
	const struct merge *merge;
	struct kio_loop *loop;
	struct kio_timer timer; /* its task opens the plug, by being put off or after the wait */
	bool opens;             /* it is put off, or armed */
	unsigned count;
	struct kio_frame *frames[GATHERED];
	struct kio *reserve; /* linked by priv */
};

/* Parents of one request, from its priv on. Their frames' priv is that request; 0 in the plug. */
struct merge_frame {
	struct kio_frame *next;
};

static const struct kio_opt merge_opts[] = {
	KIO_OPT_SIZE(struct merge, longest, 1 << 20, "bytes that are put together at most", .flags = KIO_OPT_MAIN),
	KIO_OPT_TIME(struct merge, wait, 0, "for more requests; 0: those of one batch of the loop"),
	{ 0 }
};

static int
merge_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct merge *merge = kio_container_of(layer, struct merge, layer);

	if (merge->longest < 2 * (uint64_t)layer->limits.block)
		return kio_refuse(diag, -EINVAL, "longest=%S is less than two blocks of %S", merge->longest,
				  (uint64_t)layer->limits.block);
	merge->longest = kio__min(merge->longest, kio_leg_longest(layer->below));
	return 0;
}

/* --- down --------------------------------------------------------------- */

static struct kio_frame **
next_of(const struct kio_frame *frame)
{
	struct merge_frame *state = kio_frame_area(frame);

	return &state->next;
}

/* Read or write: their data is memory. */
static bool
has_data(const struct kio_frame *frame)
{
	return frame->op <= KIO_WRITE;
}

static unsigned
pieces_of(const struct kio_frame *frame)
{
	return has_data(frame) ? kio_iter_pieces(frame->data, SEGS + 1) : 0;
}

/* Sorts behind: what can be merged lies side by side. */
static bool
is_behind(const struct kio_frame *a, const struct kio_frame *b)
{
	if (a->op != b->op)
		return a->op > b->op;
	if (a->flags != b->flags)
		return a->flags > b->flags;
	return a->offset > b->offset;
}

/* As most come in order, there is little to do. */
static void
sort(struct kio_frame **frames, unsigned count)
{
	struct kio_frame *frame;
	unsigned at;

	for (unsigned i = 1; i < count; i++) {
		frame = frames[i];
		for (at = i; at > 0 && is_behind(frames[at - 1], frame); at--)
			frames[at] = frames[at - 1];
		frames[at] = frame;
	}
}

static bool
crosses(const struct merge *merge, uint64_t from, uint64_t to)
{
	uint64_t boundary = merge->layer.limits.boundary;

	return boundary != 0 && ((from ^ (to - 1)) & ~(boundary - 1)) != 0;
}

/* How many of these become one request. */
static unsigned
run_length(const struct merge *merge, struct kio_frame *const *frames, unsigned count)
{
	const struct kio_frame *first = frames[0], *next;
	uint64_t end = first->offset + first->data.len;
	unsigned pieces = pieces_of(first), length = 1;

	for (; length < count; length++) {
		next = frames[length];
		pieces += pieces_of(next);
		if (next->op != first->op || next->flags != first->flags || next->offset != end ||
		    pieces > SEGS || end + next->data.len - first->offset > merge->longest ||
		    crosses(merge, first->offset, end + next->data.len))
			break;
		end += next->data.len;
	}
	return length;
}

/* On loan: its references are the parent's to give back. */
static void
add_segments(struct kio_chain *chain, struct kio_iter data)
{
	struct kio_seg *last;
	size_t len;
	void *base;

	while ((base = kio_iter_next(&data, &len)) != NULL) {
		last = chain->count != 0 ? &chain->segs[chain->count - 1] : NULL;
		if (last != NULL && (char *)last->base + last->len == base) {
			last->len += len;
			chain->len += len;
		} else {
			kio_chain_add(chain, base, len, NULL);
		}
	}
}

static void merge_done(struct kio *kio);

static void
send_as_one(struct plug *plug, struct kio_frame *const *frames, unsigned count)
{
	struct kio_frame *first = frames[0];
	struct kio *kio = plug->reserve;
	struct kio_chain *chain = &kio->chain;
	uint64_t len = 0;

	plug->reserve = kio->priv;
	kio->priv = first;
	kio_chain_init(chain, chain->segs, chain->space);
	for (unsigned i = 0; i < count; i++) {
		frames[i]->priv = (uintptr_t)kio;
		*next_of(frames[i]) = i + 1 < count ? frames[i + 1] : NULL;
		len += frames[i]->data.len;
		if (has_data(first))
			add_segments(chain, frames[i]->data);
	}
	kio_count_merged(first, count);
	kio_prepare(kio, (enum kio_op)first->op, first->flags, first->offset,
		    has_data(first) ? kio_chain_iter(chain) : kio_iter_none(len), merge_done);
	kio_submit(kio);
}

static void
open_plug(struct plug *plug)
{
	unsigned count = plug->count, length;

	plug->count = 0;
	sort(plug->frames, count);
	for (unsigned at = 0; at < count; at += length) {
		length = plug->reserve != NULL ? run_length(plug->merge, plug->frames + at, count - at) : 1;
		if (length > 1)
			send_as_one(plug, plug->frames + at, length);
		else
			kio_pass(plug->frames[at]);
	}
}

static void
time_to_open(struct kio_task *task)
{
	struct plug *plug = kio_container_of(task, struct plug, timer.task);

	plug->opens = false;
	open_plug(plug);
}

/* What is long enough by itself, durable, lent, or has no range has no neighbours. */
static bool
may_gather(const struct merge *merge, const struct kio_frame *frame)
{
	if (frame->op == KIO_FLUSH || frame->op == KIO_EXTENTS || (frame->flags & KIO_FUA) != 0)
		return false;
	return frame->data.len < merge->longest && !(has_data(frame) && frame->data.seg == &kio_no_data);
}

static void
wait_for_more(struct plug *plug)
{
	uint64_t wait = plug->merge->wait;

	if (plug->opens)
		return;
	plug->opens = true;
	if (wait != 0)
		kio_timer_arm(plug->loop, &plug->timer, kio_loop_now(plug->loop) + wait);
	else
		kio_loop_last(plug->loop, &plug->timer.task);
}

static void
merge_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct merge *merge = kio_container_of(layer, struct merge, layer);
	struct plug *plug = kio_frame_channel(frame);

	if (frame->op == KIO_FLUSH)
		open_plug(plug);
	if (plug->reserve == NULL || !may_gather(merge, frame)) {
		kio_pass(frame);
		return;
	}
	plug->frames[plug->count++] = frame;
	if (plug->count == GATHERED)
		open_plug(plug);
	else
		wait_for_more(plug);
}

/* --- up ----------------------------------------------------------------- */

/* Each parent has a status of its own: those that may have failed are tried alone. */
static void
merge_done(struct kio *kio)
{
	struct kio_frame *frame = kio->priv, *next;
	struct plug *plug = kio_frame_channel(frame);
	uint64_t begin = frame->offset, failed_from = kio->fail_from, failed_to = failed_from + kio->fail_len;
	int status = kio_status(kio);

	kio->priv = plug->reserve;
	plug->reserve = kio;
	for (; frame != NULL; frame = next) {
		uint64_t from = frame->offset - begin;

		next = *next_of(frame);
		frame->priv = 0;
		if (status == 0 || from >= failed_to || from + frame->data.len <= failed_from)
			kio_complete(frame, 0);
		else if (kio_frame_cancelled(frame))
			kio_complete(frame, -ECANCELED);
		else
			kio_pass(frame);
	}
}

static bool
withdraw(struct plug *plug, const struct kio_frame *frame)
{
	unsigned at = 0;

	while (at < plug->count && plug->frames[at] != frame)
		at++;
	if (at == plug->count)
		return false;
	plug->frames[at] = plug->frames[--plug->count];
	return true;
}

/* A merged request is cancelled when all its parents are. */
static void
merge_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct kio *kio = (struct kio *)frame->priv;

	(void)layer;
	if (kio == NULL) {
		if (withdraw(kio_frame_channel(frame), frame))
			kio_complete(frame, -ECANCELED);
		return;
	}
	for (const struct kio_frame *parent = kio->priv; parent != NULL; parent = *next_of(parent)) {
		if (!kio_frame_cancelled(parent))
			return;
	}
	kio_cancel(kio);
}

/* --- channels ----------------------------------------------------------- */

static void
merge_channel_close(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	struct plug *plug = area;
	struct kio *kio;

	(void)layer;
	(void)channel;
	while ((kio = plug->reserve) != NULL) {
		plug->reserve = kio->priv;
		kio_destroy(kio);
	}
}

/* A plug that was opened before its time, or that all have left, is opened once more: there is no need. */
static bool
merge_channel_quiet(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	struct plug *plug = area;

	(void)layer;
	(void)channel;
	if (plug->count == 0 && (kio_timer_cancel(plug->loop, &plug->timer) ||
				 kio_loop_last_cancel(plug->loop, &plug->timer.task)))
		plug->opens = false;
	return !plug->opens;
}

static int
merge_channel_open(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	struct merge *merge = kio_container_of(layer, struct merge, layer);
	struct plug *plug = area;
	struct kio *kio;

	plug->merge = merge;
	plug->loop = kio_channel_loop(channel);
	plug->timer.task.run = time_to_open;
	for (unsigned i = kio_layer_reserve(layer); i > 0; i--) {
		kio = kio_create_at(channel, layer->below, SEGS);
		if (kio == NULL) {
			merge_channel_close(layer, channel, area);
			return -ENOMEM;
		}
		kio->priv = plug->reserve;
		plug->reserve = kio;
	}
	return 0;
}

const struct kio_class kio_class_merge = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "merge",
	.summary = "put neighbours together into one request",
	.maturity = "beta",
	.size = sizeof(struct merge),
	.frame_size = sizeof(struct merge_frame),
	.channel_size = sizeof(struct plug),
	.opts = merge_opts,
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_ORDERED_WRITES,
	.open = merge_open,
	.channel_open = merge_channel_open,
	.channel_close = merge_channel_close,
	.channel_quiet = merge_channel_quiet,
	.submit = merge_submit,
	.cancel = merge_cancel,
	.resize = kio_resize_below,
};
