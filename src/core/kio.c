/* SPDX-License-Identifier: MIT */
/*
 * Containers on their way: down by filling the next frame, up by one loop over
 * the frames in reverse.
 *
 * Nothing completes inside the call that started it: who finishes a frame puts
 * the container on its loop's queue, and the loop walks it up. So the C stack
 * is as deep as the stack of layers on the way down, and flat on the way up.
 */
#include "core/event.h"
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

static __attribute__((cold, noinline)) void
in_flight(const struct kio *kio)
{
	const struct kio_frame *frame = (const struct kio_frame *)(const void *)(kio + 1);

	if (kio->frame != NULL)
		kio__panic("the container is in flight (%s at %U)",
			   kio_op_name((enum kio_op)frame->op), frame->offset);
	kio__panic("kio_submit: the container was not prepared");
}

static inline __attribute__((always_inline)) struct kio_frame *
prepare(struct kio *kio, unsigned op_and_flags, uint64_t offset, const struct kio_seg *seg,
	size_t skip, uint64_t len)
{
	struct kio_frame *frame = kio__first_frame(kio);

	if (kio__unlikely(kio->frame != NULL))
		in_flight(kio);
	kio->event.word = 0;
	kio->event.gen += KIO_EVENT_REUSE;
	frame->offset = offset;
	frame->data.seg = seg;
	frame->data.skip = skip;
	frame->data.len = len;
	frame->priv = 0;
	kio__set_head(frame, op_and_flags & KIO__HEAD_OP_FLAGS);
	return frame;
}

/*
 * The checks at the top of a stack. What is not plainly good is looked at in
 * kio__submit_checked: to be refused, split, emulated, or let through after all.
 */
static inline __attribute__((always_inline)) void
submit(struct kio *kio, struct kio_frame *frame, unsigned op_and_flags, uint64_t offset,
       const struct kio_seg *seg, size_t skip, uint64_t len)
{
	struct kio_level *level = kio->start;
	uint64_t size = kio__level_size(level);

	kio->frame = frame;
	frame->level = level;
	if (kio__likely(op_and_flags <= level->fast_op && len - 1 < level->max_len &&
			((offset | len) & level->mask) == 0 && offset < size &&
			offset + len <= size && seg != NULL && seg->mem == NULL && skip + len <= seg->len)) {
		kio__bump(&level->ios, 1);
		kio__bump(&level->bytes, len);
		level->submit(level->layer, frame);
	} else {
		kio__submit_checked(frame, level);
	}
}

void
kio_prepare_view(struct kio *kio, unsigned op_and_flags, uint64_t offset,
		 const struct kio_seg *seg, size_t skip, uint64_t len)
{
	prepare(kio, op_and_flags, offset, seg, skip, len);
}

void
kio_submit_view(struct kio *kio, unsigned op_and_flags, uint64_t offset,
		const struct kio_seg *seg, size_t skip, uint64_t len)
{
	struct kio_frame *frame = prepare(kio, op_and_flags, offset, seg, skip, len);

	submit(kio, frame, op_and_flags, offset, seg, skip, len);
}

void
kio_submit(struct kio *kio)
{
	struct kio_frame *frame = kio__first_frame(kio);

	if (kio__unlikely(kio->frame != NULL || kio_event_fired(&kio->event)))
		in_flight(kio);
	submit(kio, frame, kio__head(frame) & KIO__HEAD_OP_FLAGS, frame->offset, frame->data.seg,
	       frame->data.skip, frame->data.len);
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
	if (kio__unlikely(kio__is_cancelled(kio)))
		kio__finish_cancelled(frame);
	else
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
 * Down by one level: in the same frame from a level that has none of its own,
 * else in the next. moves: the offset is another.
 */
static inline __attribute__((always_inline)) void
descend(struct kio_frame *frame, uint64_t offset, bool moves, struct kio_level *to)
{
	struct kio_level *from = frame->level;
	uint64_t len = frame->data.len;
	uint32_t head = kio__head(frame);
	struct kio_frame *next = frame;

	if (from->done != NULL) {
		next = frame + 1;
		next->offset = offset;
		next->data = frame->data;
		head &= from->pass_head;
		kio__set_head(next, head);
		frame->kio->frame = next;
	} else if (moves) {
		next->offset = offset;
	}
	next->level = to;
	next->priv = 0;
	kio__enter(next, to, head, offset, len);
}

void
kio_pass(struct kio_frame *frame)
{
	descend(frame, frame->offset, false, kio__below(frame->level));
}

void
kio_pass_at(struct kio_frame *frame, uint64_t offset)
{
	descend(frame, offset, true, kio__below(frame->level));
}

void
kio_pass_leg(struct kio_frame *frame, unsigned leg, uint64_t offset)
{
	descend(frame, offset, true, frame->level->legs[leg]);
}

void
kio_pass_data(struct kio_frame *frame, uint64_t offset, struct kio_iter data)
{
	struct kio_level *from = frame->level, *to = kio__below(from);
	struct kio_frame *next = frame + 1;
	unsigned bits = 0;

	if (from->done == NULL || data.len != frame->data.len)
		kio__panic("kio_pass_data: %s passes memory that kio_writable or kio_bounce did not give",
			   from->layer->name);
	/* a copy that belongs to this level may be changed by those below */
	if ((frame->bits & (KIO__BOUNCED | KIO__COPY_BACK)) == KIO__BOUNCED)
		bits = KIO__WRITABLE;
	frame->kio->frame = next;
	next->level = to;
	next->offset = offset;
	next->data = data;
	next->priv = 0;
	kio__set_head(next, frame->op | (uint32_t)frame->flags << 8 | KIO__HEAD_BITS(bits));
	kio__enter(next, to, kio__head(next), offset, data.len);
}

/* --- up ----------------------------------------------------------------- */

static __attribute__((cold, noinline)) void
finished_twice(const struct kio_frame *frame)
{
	kio__panic("kio_complete: %s finished a frame twice", frame->level->layer->name);
}

static inline __attribute__((always_inline)) void
mark_finished(struct kio_frame *frame)
{
	if (kio__unlikely((frame->bits & KIO__FINISHED) != 0))
		finished_twice(frame);
	frame->bits |= KIO__FINISHED;
	frame->kio->frame = frame;
}

static inline __attribute__((always_inline)) void
finish(struct kio_frame *frame, int status)
{
	struct kio *kio = frame->kio;

	mark_finished(frame);
	kio->event.status = status;
	kio__loop_push(frame->level->loop, &kio->task);
}

void
kio__finish_frame(struct kio_frame *frame, int status)
{
	finish(frame, status);
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
		finish(frame, 0);
}

void
kio_complete_extent(struct kio_frame *frame, uint64_t len, uint32_t extent_flags)
{
	frame->kio->extent_len = kio__min(len, frame->data.len);
	frame->kio->extent_flags = extent_flags;
	kio__finish_frame(frame, 0);
}

/* An error that is handed on keeps its range; a new one is about all bytes. */
void
kio_frame_set_status(struct kio_frame *frame, int status)
{
	struct kio *kio = frame->kio;

	if (status < 0 && kio->event.status != status) {
		kio__fail_whole(frame);
		kio__bump(&frame->level->errors, 1);
	}
	kio->event.status = status;
}

void
kio_resume(struct kio_frame *frame, int status)
{
	kio_frame_set_status(frame, status);
	kio__finish_frame(frame, status);
}

static void
resume_posted(struct kio_task *task)
{
	struct kio *kio = kio_container_of(task, struct kio, task);

	/* the task stays as it is until it is posted again: a walk up needs it empty */
	task->run = NULL;
	mark_finished(kio->held);
	kio__go_up(kio);
}

/* Of what the loop looks at meanwhile, to cancel, nothing is touched. */
void
kio_resume_post(struct kio_frame *frame, int status)
{
	struct kio *kio = frame->kio;

	kio_frame_set_status(frame, status);
	kio->held = frame;
	kio->task.run = resume_posted;
	kio_loop_post(frame->level->loop, &kio->task);
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
		kio__iter_unref(frame->data);
	if ((frame->bits & KIO__LEND) != 0 && kio->event.status < 0)
		kio__lend_clean(kio);
	frame->bits &= (uint16_t)~(KIO__BOUNCED | KIO__COPY_BACK | KIO__RANGED | KIO__HAS_MEM);
}

/* Somebody is attached to the container's event, or may be attaching. */
static __attribute__((noinline)) void
fire_then_done(struct kio *kio)
{
	kio_done_fn done = kio->done;

	if (!kio__event_is_shared(&kio->event) && kio->event.word == 0)
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
	if (kio__unlikely(frame->kio->lent != 0))
		kio__lend_again(frame->kio);
	frame->bits &= (uint16_t)~(KIO__FINISHED | KIO__UP | KIO__BOUNCED | KIO__COPY_BACK);
	frame->kio->event.status = 0;
	frame->kio->frame = frame;
	frame->level->submit(frame->level->layer, frame);
}

/* The layer holds the container, or sends it down again. False: it goes up after all. */
static __attribute__((noinline)) bool
stays(struct kio_frame *frame, enum kio_next next)
{
	if (next == KIO_HOLD)
		return true;
	if (kio__is_cancelled(frame->kio)) {
		kio_frame_set_status(frame, -ECANCELED);
		return false;
	}
	send_again(frame);
	return true;
}

/* From a frame whose level is through with it; or, with parts, about to be. */
static __attribute__((noinline)) void
go_up_carefully(struct kio *kio, struct kio_frame *frame)
{
	struct kio_frame *first = kio__first_frame(kio);
	enum kio_next next;

	if ((frame->bits & KIO__JOINED) != 0) {
		/* done may hold it */
		frame->bits = (uint16_t)((frame->bits & ~(KIO__JOINED | KIO__FINISHED)) | KIO__UP);
		goto joined;
	}
	for (;;) {
		if ((frame->bits & KIO__COPY) != 0) {
			kio__copy_up(kio);
			return;
		}
		if ((frame->bits & KIO__CLEANUP) != 0)
			clean(frame);
		if (frame == first)
			break;
		frame--;
	joined:
		next = frame->level->done(frame->level->layer, frame);
		if (next != KIO_UP && stays(frame, next))
			return;
	}
	if ((first->bits & KIO__PART) != 0) {
		kio__part_up(kio);
		return;
	}
	kio->frame = NULL;
	fire_then_done(kio);
}

static inline __attribute__((always_inline)) void
arrive(struct kio *kio)
{
	kio->frame = NULL;
	/* of a shared event another thread may change the word just now */
	if (kio__unlikely((kio__load(&kio->event.word, RELAXED) |
			   (kio->event.gen & KIO_EVENT_SHARED)) != 0 ||
			  kio->done == NULL)) {
		fire_then_done(kio);
		return;
	}
	kio->event.word = KIO_EVENT_FIRED;
	kio->done(kio);
}

/* All frames are through. What the first still holds decides where it goes. */
static inline __attribute__((always_inline)) void
top_reached(struct kio *kio, struct kio_frame *first)
{
	unsigned holds = first->bits & KIO__CLEANUP;

	if (kio__likely(holds == 0))
		arrive(kio);
	else if (holds == KIO__PART)
		kio__part_up(kio);
	else
		go_up_carefully(kio, first);
}

/* Frames that hold nothing; at the first that does go_up_carefully takes over. */
static __attribute__((noinline)) void
go_up(struct kio *kio, struct kio_frame *frame)
{
	struct kio_frame *first = kio__first_frame(kio);
	enum kio_next next;

	while (frame != first) {
		if (kio__unlikely((frame->bits & KIO__CLEANUP) != 0)) {
			go_up_carefully(kio, frame);
			return;
		}
		frame--;
		next = frame->level->done(frame->level->layer, frame);
		if (kio__unlikely(next != KIO_UP) && stays(frame, next))
			return;
	}
	top_reached(kio, first);
}

/* The way up, from the frame that finished. */
void
kio__go_up(struct kio *kio)
{
	struct kio_frame *frame = kio->frame;

	if (frame == kio__first_frame(kio))
		top_reached(kio, frame);
	else
		go_up(kio, frame);
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
