/* SPDX-License-Identifier: MIT */
/*
 * Containers on their way: down by filling the next frame, up by one loop over
 * the frames in reverse.
 *
 * Nothing completes inside the call that started it: who finishes a frame puts
 * the container on its loop's queue, and the loop walks it up. So the C stack
 * is as deep as the stack of layers on the way down, and flat on the way up.
 */
#include "core/frame.h"

#define LINE 64

struct kio *
kio__create(unsigned frames, uint32_t from, uint32_t to, unsigned segs, bool zero_join)
{
	size_t frame_bytes = frames * sizeof(struct kio_frame);
	size_t join_bytes = zero_join ? sizeof(struct kio_join) : 0;
	size_t size = sizeof(struct kio) + frame_bytes + (to - from) + join_bytes +
		      segs * sizeof(struct kio_seg);
	struct kio *kio = kio__alloc_aligned(kio__align_up(size, LINE), LINE);
	char *at;

	if (kio == NULL)
		return NULL;
	kio->bytes = (uint32_t)size;
	kio->event.word = KIO_EVENT_FIRED;
	for (unsigned i = 0; i < frames; i++)
		kio__first_frame(kio)[i].kio = kio;
	at = (char *)(kio + 1) + frame_bytes;
	kio->area = at - from;
	at += to - from;
	if (zero_join)
		kio->join = (struct kio_join *)(void *)at;
	kio_chain_init(&kio->chain, (struct kio_seg *)(void *)(at + join_bytes), segs);
	return kio;
}

struct kio *
kio_create_at(struct kio_channel *channel, const struct kio_layer *start, unsigned segs)
{
	struct kio_level *level = &channel->levels[start->index];
	struct kio *kio = kio__create(level->frames, level->area_at, level->area_most, segs,
				      level->layer == channel->root &&
					      (level->ops & KIO_OP_BIT(KIO_WRITE_ZEROES)) == 0);

	if (kio == NULL)
		return NULL;
	kio->channel = channel;
	kio->start = level;
	channel->kios++;
	return kio;
}

struct kio *
kio_create(struct kio_channel *channel, unsigned segs)
{
	return kio_create_at(channel, channel->root, segs);
}

void
kio_destroy(struct kio *kio)
{
	if (kio == NULL)
		return;
	if (kio->frame != NULL)
		kio__panic("kio_destroy: the container is in flight");
	if (kio->lent != 0)
		kio__panic("kio_destroy: the container holds lent memory");
	kio->channel->kios--;
	kio__free(kio);
}

/* --- entering ----------------------------------------------------------- */

void
kio_prepare(struct kio *kio, enum kio_op op, unsigned flags, uint64_t offset,
	    struct kio_iter data, kio_done_fn done)
{
	struct kio_frame *frame = kio__first_frame(kio);

	if (kio__unlikely(kio->frame != NULL))
		kio__panic("kio_prepare: the container is in flight (%s at %U)",
			   kio_op_name((enum kio_op)frame->op), frame->offset);
	kio_event_init(&kio->event);
	kio->done = done;
	frame->offset = offset;
	frame->data = data;
	frame->op = (uint8_t)op;
	frame->flags = (uint8_t)flags;
	frame->bits = 0;
}

void
kio_submit(struct kio *kio)
{
	struct kio_frame *frame = kio__first_frame(kio);
	struct kio_level *level = kio->start;
	uint64_t len = frame->data.len;

	if (kio__unlikely(kio->frame != NULL || kio_event_fired(&kio->event)))
		kio__panic("kio_submit: the container is in flight, or was not prepared");
	kio->frame = frame;
	frame->level = level;
	frame->priv = 0;
	if (kio__likely(frame->op <= KIO_WRITE && frame->flags == 0 && len != 0 &&
			((frame->offset | len) >> 63) == 0 &&
			((frame->offset | len) & level->mask) == 0 && len <= level->max_len &&
			frame->offset + len <= kio__level_size(level) &&
			(level->ops & KIO_OP_BIT(frame->op)) != 0 && frame->data.seg->mem == NULL &&
			frame->data.skip + len <= frame->data.seg->len)) {
		kio__bump(&level->ios, 1);
		kio__bump(&level->bytes, len);
		level->submit(level->layer, frame);
	} else {
		kio__submit_checked(kio, frame, level);
	}
}

static void
submit_posted(struct kio_task *task)
{
	struct kio *kio = kio_container_of(task, struct kio, task);

	task->run = NULL;
	kio_submit(kio);
}

void
kio_post(struct kio *kio)
{
	kio->task.run = submit_posted;
	kio_loop_post(kio->channel->loop, &kio->task);
}

static void
submit_again(struct kio_task *task)
{
	struct kio *kio = kio_container_of(task, struct kio, task);
	struct kio_frame *frame = kio->frame;

	task->run = NULL;
	frame->level->submit(frame->level->layer, frame);
}

void
kio__submit_later(struct kio_frame *frame)
{
	struct kio *kio = frame->kio;

	kio->frame = frame;
	kio->task.run = submit_again;
	kio__loop_push(frame->level->loop, &kio->task);
}

/* --- down --------------------------------------------------------------- */

/*
 * The frame that goes down: the same one from a level that has none of its
 * own, else the next.
 */
static inline __attribute__((always_inline)) struct kio_frame *
descend(struct kio_frame *frame, uint64_t offset, struct kio_level *to)
{
	struct kio_level *from = frame->level;
	struct kio_frame *next = frame;

	if (from->done != NULL) {
		next = frame + 1;
		next->data = frame->data;
		next->op = frame->op;
		next->flags = frame->flags;
		next->bits = frame->bits & from->pass_bits;
	}
	next->level = to;
	next->offset = offset;
	next->priv = 0;
	return next;
}

void
kio_pass(struct kio_frame *frame)
{
	struct kio_level *to = frame->level->below;

	kio__enter(descend(frame, frame->offset, to), to);
}

void
kio_pass_at(struct kio_frame *frame, uint64_t offset)
{
	struct kio_level *to = frame->level->below;

	kio__enter(descend(frame, offset, to), to);
}

void
kio_pass_leg(struct kio_frame *frame, unsigned leg, uint64_t offset)
{
	struct kio_level *to = frame->level->legs[leg];

	kio__enter(descend(frame, offset, to), to);
}

void
kio_pass_data(struct kio_frame *frame, uint64_t offset, struct kio_iter data)
{
	struct kio_level *from = frame->level, *to = from->below;
	struct kio_frame *next;

	if (from->done == NULL || data.len != frame->data.len)
		kio__panic("kio_pass_data: %s passes memory that kio_writable or kio_bounce did not give",
			   from->layer->name);
	next = descend(frame, offset, to);
	next->data = data;
	next->bits = 0;
	/* a copy that belongs to this level may be changed by those below */
	if ((frame->bits & (KIO__BOUNCED | KIO__COPY_BACK)) == KIO__BOUNCED)
		next->bits = KIO__WRITABLE;
	kio__enter(next, to);
}

/* --- up ----------------------------------------------------------------- */

void
kio__finish_frame(struct kio_frame *frame, int status)
{
	struct kio *kio = frame->kio;

	if (kio__unlikely((frame->bits & KIO__FINISHED) != 0))
		kio__panic("kio_complete: %s finished a frame twice", frame->level->layer->name);
	frame->bits |= KIO__FINISHED;
	kio->frame = frame;
	kio->event.status = status;
	kio__loop_push(frame->level->loop, &kio->task);
}

void
kio_complete_failed(struct kio_frame *frame, int status, uint64_t from, uint64_t len)
{
	frame->kio->fail_from = from;
	frame->kio->fail_len = len;
	kio__bump(&frame->level->errors, 1);
	kio__finish_frame(frame, status);
}

void
kio_complete(struct kio_frame *frame, int status)
{
	if (kio__unlikely(status < 0))
		kio_complete_failed(frame, status, 0, frame->data.len);
	else
		kio__finish_frame(frame, 0);
}

void
kio_complete_extent(struct kio_frame *frame, uint64_t len, uint32_t extent_flags)
{
	frame->kio->extent_len = kio__min(len, frame->data.len);
	frame->kio->extent_flags = extent_flags;
	kio__finish_frame(frame, 0);
}

void
kio_frame_set_status(struct kio_frame *frame, int status)
{
	struct kio *kio = frame->kio;

	if (status < 0 && kio->event.status == 0) {
		kio->fail_from = 0;
		kio->fail_len = frame->data.len;
		kio__bump(&frame->level->errors, 1);
	}
	kio->event.status = status;
}

/* An error that is handed on keeps its range; a new one is about all bytes. */
static void
resume_status(struct kio_frame *frame, int status)
{
	if (status < 0 && frame->kio->event.status != status) {
		frame->kio->fail_from = 0;
		frame->kio->fail_len = frame->data.len;
	}
	frame->kio->event.status = status;
}

void
kio_resume(struct kio_frame *frame, int status)
{
	resume_status(frame, status);
	kio__finish_frame(frame, status);
}

static void
resume_posted(struct kio_task *task)
{
	struct kio *kio = kio_container_of(task, struct kio, task);

	/* the task stays as it is until it is posted again: a walk up needs it empty */
	task->run = NULL;
	kio__go_up(kio);
}

void
kio_resume_post(struct kio_frame *frame, int status)
{
	struct kio *kio = frame->kio;

	resume_status(frame, status);
	frame->bits |= KIO__FINISHED;
	kio->frame = frame;
	kio->task.run = resume_posted;
	kio_loop_post(frame->level->loop, &kio->task);
}

static void
give_back_mem(struct kio_iter data)
{
	const struct kio_seg *seg = data.seg;
	uint64_t left = data.len + data.skip;

	for (;; seg++) {
		if (seg->mem != NULL)
			kio_mem_unref(seg->mem);
		if (seg->len >= left)
			break;
		left -= seg->len;
	}
}

/* What a frame holds is given back when its level is through with it. */
static void
clean(struct kio_frame *frame)
{
	struct kio *kio = frame->kio;

	if ((frame->bits & KIO__BOUNCED) != 0)
		kio__bounce_clean(frame);
	if ((frame->bits & KIO__RANGED) != 0)
		kio__range_clean(frame);
	if ((frame->bits & KIO__HAS_MEM) != 0)
		give_back_mem(frame->data);
	if ((frame->bits & KIO__LEND) != 0 && kio->event.status < 0)
		kio__lend_clean(kio);
	frame->bits &= (uint16_t)~(KIO__BOUNCED | KIO__COPY_BACK | KIO__RANGED | KIO__HAS_MEM);
}

/* The way up is at its end: whoever submitted the container hears of it. */
static void
arrive(struct kio *kio)
{
	kio_done_fn done = kio->done;

	kio->frame = NULL;
	if (kio__likely(kio->event.word == 0))
		kio->event.word = KIO_EVENT_FIRED;
	else
		kio_event_fire(&kio->event, kio->event.status);
	if (done != NULL)
		done(kio);
}

static void
send_again(struct kio_frame *frame)
{
	if ((frame->bits & KIO__BOUNCED) != 0)
		kio__bounce_clean(frame);
	frame->bits &= (uint16_t)~(KIO__FINISHED | KIO__BOUNCED | KIO__COPY_BACK);
	frame->kio->event.status = 0;
	frame->level->submit(frame->level->layer, frame);
}

void
kio__go_up(struct kio *kio)
{
	struct kio_frame *first = kio__first_frame(kio), *frame = kio->frame;
	enum kio_next next;

	if (kio__unlikely((frame->bits & KIO__JOINED) != 0)) {
		frame->bits &= (uint16_t)~KIO__JOINED;
		goto joined;
	}
	for (;;) {
		if (kio__unlikely((frame->bits & KIO__CLEANUP) != 0))
			clean(frame);
		if (frame == first)
			break;
		frame--;
	joined:
		next = frame->level->done(frame->level->layer, frame);
		if (kio__likely(next == KIO_UP))
			continue;
		if (next == KIO_AGAIN)
			send_again(frame);
		return;
	}
	if (kio__unlikely((first->bits & KIO__PART) != 0))
		kio__part_up(kio);
	else
		arrive(kio);
}

/* --- around ------------------------------------------------------------- */

struct kio_iter
kio_data(const struct kio *kio)
{
	return ((const struct kio_frame *)(const void *)(kio + 1))->data;
}

uint64_t
kio_moved(const struct kio *kio)
{
	uint64_t len = kio_data(kio).len;

	return kio->event.status == 0 ? len : len - kio->fail_len;
}

void *
kio_frame_area(const struct kio_frame *frame)
{
	return kio__area(frame, frame->level->area_at);
}

void *
kio_frame_channel(const struct kio_frame *frame)
{
	return frame->level->priv;
}

struct kio_loop *
kio_frame_loop(const struct kio_frame *frame)
{
	return frame->level->loop;
}
