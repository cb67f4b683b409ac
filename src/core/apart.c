/* SPDX-License-Identifier: MIT */
/*
 * Requests that may end before their parts do. A copy of the request travels
 * in its stead, in memory of the level's own:
 *
 *   frame ----- waits ------ ends: with the copy, or when the layer says so
 *     |                        ^
 *     | copied                 | copied back
 *     v                        |
 *   copy: takes its range, is submitted in turn ... drained, goes home
 *
 * The copies are a reserve of their own. One whose frame has ended is a
 * straggler: it keeps its memory and its range until nobody below touches them
 * any more.
 */
#include "core/frame.h"

#define LONGEST 65536u

uint32_t
kio__copies_longest(const struct kio_layer *layer)
{
	return kio__max(LONGEST, layer->limits.block);
}

int
kio__copies_open(struct kio_level *level, unsigned count, size_t *bytes)
{
	struct kio__reserve *copies = &level->copies;
	size_t len = (size_t)level->layer->apart * kio__copies_longest(level->layer);
	struct kio *kio;

	level->copy_memory = kio__alloc_pages(count * len);
	if (level->copy_memory == NULL)
		return -ENOMEM;
	*bytes += count * len;
	for (unsigned i = 0; i < count; i++) {
		kio = kio__create(level->frames, level->area_at, level->area_most, 1, false);
		if (kio == NULL)
			return -ENOMEM;
		kio->channel = level->channel;
		kio__reserve_add(copies, kio);
		kio->chain.segs[0].base = level->copy_memory + i * len;
		*bytes += kio->bytes;
	}
	return 0;
}

void
kio__copies_close(struct kio_level *level)
{
	kio__reserve_close(&level->copies);
	kio__free(level->copy_memory);
}

/* --- frames and copies --------------------------------------------------- */

static struct kio **
copy_of(const struct kio_frame *frame)
{
	return kio__area(frame, frame->level->apart_at);
}

static struct kio_frame *
waiter_of(const struct kio *copy)
{
	return copy->priv;
}

struct kio_frame *
kio_frame_copy(const struct kio_frame *frame)
{
	struct kio *copy = (frame->bits & KIO__APART) != 0 ? *copy_of(frame) : NULL;

	return copy != NULL ? kio__first_frame(copy) : NULL;
}

struct kio_frame *
kio_frame_waiter(const struct kio_frame *copy)
{
	return waiter_of(copy->kio);
}

bool
kio_frame_is_copy(const struct kio_frame *frame)
{
	return (frame->bits & KIO__COPY) != 0;
}

static void
start(struct kio_frame *waiter, struct kio *copy)
{
	struct kio_frame *frame = kio__first_frame(copy);
	struct kio_level *level = waiter->level;
	struct kio_seg *seg = &copy->chain.segs[0];
	uint32_t bits = KIO__COPY;

	*copy_of(waiter) = copy;
	copy->priv = waiter;
	copy->event.status = 0;
	copy->frame = frame;
	frame->level = level;
	frame->offset = waiter->offset;
	frame->data = kio_iter_none(waiter->data.len);
	frame->priv = waiter->priv;
	if (waiter->op <= KIO_WRITE) {
		seg->len = (size_t)waiter->data.len * level->layer->apart;
		frame->data = (struct kio_iter){ seg, 0, waiter->data.len };
	}
	if (waiter->op == KIO_WRITE) {
		bits |= KIO__WRITABLE;
		kio__bump(&level->copied, kio_iter_copy(frame->data, waiter->data));
	}
	kio__set_head(frame, waiter->op | (uint32_t)waiter->flags << 8 | KIO__HEAD_BITS(bits));
	if (kio__range_take(frame))
		level->enter(level->layer, frame);
}

void
kio_split_apart(struct kio_frame *frame)
{
	struct kio_level *level = frame->level;
	struct kio__reserve *copies = &level->copies;
	struct kio *copy = NULL;

	if (level->layer->apart == 0)
		kio__panic("kio_split_apart: %s did not ask for it in open", level->layer->name);
	frame->kio->frame = frame;
	frame->bits |= KIO__APART;
	if (kio__queue_empty(&copies->waiting))
		copy = kio__reserve_take(copies);
	if (copy != NULL) {
		start(frame, copy);
		return;
	}
	*copy_of(frame) = NULL;
	kio__bump(&level->waits, 1);
	kio__queue_push(&copies->waiting, &frame->kio->task);
}

/* --- ends ---------------------------------------------------------------- */

/* Gives the result to the frame; fail_from and fail_len are set where it failed. */
static void
end(struct kio_frame *frame, int status, struct kio_iter from)
{
	struct kio *copy = *copy_of(frame);

	if (copy == NULL)
		kio__queue_remove(&frame->level->copies.waiting, &frame->kio->task);
	else
		copy->priv = NULL;
	frame->bits &= (uint16_t)~KIO__APART;
	if (status == 0 && frame->op == KIO_READ)
		kio__bump(&frame->level->copied, kio_iter_copy(frame->data, from));
	kio__finish_frame(frame, status);
}

bool
kio_end(struct kio_frame *frame, int status, const void *from)
{
	struct kio_seg seg = { (void *)(uintptr_t)from, (size_t)frame->data.len, NULL };

	if ((frame->bits & KIO__APART) == 0)
		return false;
	if (status == 0 && frame->op == KIO_READ && from == NULL)
		kio__panic("kio_end: %s says not where it read", frame->level->layer->name);
	if (status < 0) {
		kio__fail_whole(frame);
		if (status != -ECANCELED)
			kio__bump(&frame->level->errors, 1);
	}
	end(frame, status, (struct kio_iter){ &seg, 0, frame->data.len });
	return true;
}

/* The copy is drained: whoever still waits for it gets what came out. */
void
kio__copy_up(struct kio *copy)
{
	struct kio_frame *frame = kio__first_frame(copy), *waiter = waiter_of(copy);
	struct kio__reserve *copies = &frame->level->copies;
	struct kio_task *task;

	if (waiter != NULL) {
		waiter->kio->fail_from = copy->fail_from;
		waiter->kio->fail_len = copy->fail_len;
		/* of a read nothing is copied then */
		if (frame->op == KIO_READ && copy->event.status < 0)
			kio__fail_whole(waiter);
		waiter->kio->extent_len = copy->extent_len;
		waiter->kio->extent_flags = copy->extent_flags;
		end(waiter, copy->event.status, frame->data);
	}
	if ((frame->bits & KIO__RANGED) != 0)
		kio__range_clean(frame);
	copy->frame = NULL;
	kio__reserve_give(copies, copy);
	task = kio__queue_pop(&copies->waiting);
	if (task != NULL)
		start(kio_container_of(task, struct kio, task)->frame, kio__reserve_take(copies));
}

void
kio__apart_cancel(struct kio_frame *frame)
{
	struct kio_frame *copy = kio_frame_copy(frame);

	kio_end(frame, -ECANCELED, NULL);
	if (copy != NULL)
		kio_cancel(copy->kio);
}

bool
kio__stragglers_cancel(struct kio_level *level)
{
	bool none = true;

	for (struct kio *kio = level->copies.all; kio != NULL; kio = kio->of_reserve) {
		if (kio->frame == NULL || waiter_of(kio) != NULL)
			continue;
		kio_cancel(kio);
		none = false;
	}
	return none;
}
