/* SPDX-License-Identifier: MIT */
/*
 * Memory of a level's own, where the caller's cannot be used in place: a
 * bitmap of pages, from which a frame takes one contiguous run and holds it
 * until it completes. Who finds no room waits in order of arrival; the memory
 * is given to the first that waits, never to one that comes later.
 *
 * The same arena, at the top of a channel, is the budget for lent reads.
 */
#include "core/frame.h"
#include "core/stack.h"

#define PAGE 4096u
#define WORD 64u

void
kio__arena_init(struct kio__arena *arena)
{
	kio__queue_init(&arena->waiting);
}

int
kio__arena_open(struct kio__arena *arena, size_t size, size_t *bytes)
{
	size_t words;

	arena->pages = (unsigned)(kio__align_up(size, PAGE) / PAGE);
	words = (arena->pages + WORD - 1) / WORD;
	arena->base = kio__alloc_aligned((size_t)arena->pages * PAGE, PAGE);
	arena->used = kio__alloc(words * sizeof(uint64_t));
	if (arena->base == NULL || arena->used == NULL) {
		kio__arena_close(arena);
		return -ENOMEM;
	}
	*bytes += (size_t)arena->pages * PAGE + words * sizeof(uint64_t);
	return 0;
}

void
kio__arena_close(struct kio__arena *arena)
{
	if (arena->taken != 0)
		kio__panic("kio_channel_close: %u pages of bounce or lent memory are in use",
			   arena->taken);
	kio__free(arena->base);
	kio__free(arena->used);
	arena->base = NULL;
	arena->used = NULL;
	arena->pages = 0;
}

static bool
is_used(const struct kio__arena *arena, unsigned page)
{
	return (arena->used[page / WORD] >> page % WORD & 1) != 0;
}

static void
mark(struct kio__arena *arena, unsigned page, unsigned pages)
{
	for (; pages > 0; page++, pages--)
		arena->used[page / WORD] ^= (uint64_t)1 << page % WORD;
}

int
kio__arena_take(struct kio__arena *arena, unsigned pages)
{
	unsigned free = 0;

	if (arena->pages - arena->taken < pages)
		return -1;
	for (unsigned page = 0; page < arena->pages; page++) {
		if (page % WORD == 0 && arena->used[page / WORD] == UINT64_MAX) {
			page += WORD - 1;
			free = 0;
			continue;
		}
		free = is_used(arena, page) ? 0 : free + 1;
		if (free == pages) {
			mark(arena, page + 1 - pages, pages);
			arena->taken += pages;
			return (int)(page + 1 - pages);
		}
	}
	return -1;
}

void
kio__arena_give(struct kio__arena *arena, unsigned page, unsigned pages)
{
	mark(arena, page, pages);
	arena->taken -= pages;
}

/* --- frames ------------------------------------------------------------- */

static struct kio__bounce *
bounce_of(const struct kio_frame *frame)
{
	return kio__area(frame, frame->level->bounce_at);
}

static bool
try_take(struct kio_frame *frame, unsigned pages)
{
	struct kio__arena *arena = &frame->level->arena;
	struct kio__bounce *bounce = bounce_of(frame);
	int page = kio__arena_take(arena, pages);

	if (page < 0)
		return false;
	bounce->page = (unsigned)page;
	bounce->pages = pages;
	bounce->seg.base = arena->base + (size_t)page * PAGE;
	bounce->seg.mem = NULL;
	frame->bits |= KIO__BOUNCED;
	return true;
}

/* Takes room for len bytes, or has the frame wait for it. */
static bool
take_room(struct kio_frame *frame, size_t len)
{
	struct kio_level *level = frame->level;
	struct kio__arena *arena = &level->arena;
	unsigned pages = (unsigned)(kio__align_up(len, PAGE) / PAGE);

	if ((frame->bits & KIO__BOUNCED) != 0)
		return true; /* it was given while it waited */
	if (level->max_copy == 0 || len > level->max_copy)
		kio__panic("%s: %U bytes of its own memory, of at most %u", level->layer->name,
			   (uint64_t)len, level->max_copy);
	if (kio__queue_empty(&arena->waiting) && try_take(frame, pages)) {
		bounce_of(frame)->seg.len = len;
		return true;
	}
	bounce_of(frame)->pages = pages;
	bounce_of(frame)->seg.len = len;
	kio__bump(&level->waits, 1);
	frame->kio->frame = frame;
	kio__queue_push(&arena->waiting, &frame->kio->task);
	return false;
}

/* The same for all of the frame's data, in parts where that is too much. */
static bool
take_copy_room(struct kio_frame *frame)
{
	uint32_t most = frame->level->max_copy;

	if (most != 0 && frame->data.len > most) {
		kio__split_by_limit(frame, most);
		return false;
	}
	return take_room(frame, (size_t)frame->data.len);
}

/* Room is free: the first that wait get it. */
static void
serve_frames(struct kio__arena *arena)
{
	struct kio_task *task;
	struct kio_frame *frame;

	while ((task = (struct kio_task *)(void *)arena->waiting.head) != NULL) {
		frame = kio_container_of(task, struct kio, task)->frame;
		if (!try_take(frame, bounce_of(frame)->pages))
			return;
		kio__queue_pop(&arena->waiting);
		kio__submit_later(frame);
	}
}

bool
kio__bounce_withdraw(struct kio_frame *frame)
{
	return kio__queue_remove(&frame->level->arena.waiting, &frame->kio->task);
}

static struct kio_iter
bounce_iter(const struct kio_frame *frame)
{
	return (struct kio_iter){ &bounce_of(frame)->seg, 0, bounce_of(frame)->seg.len };
}

bool
kio_scratch(struct kio_frame *frame, size_t len, void **base)
{
	if (!take_room(frame, len))
		return false;
	*base = bounce_of(frame)->seg.base;
	return true;
}

bool
kio_writable(struct kio_frame *frame, struct kio_iter *out)
{
	struct kio_level *level = frame->level;

	if (frame->op == KIO_READ || (frame->bits & KIO__WRITABLE) != 0) {
		frame->bits &= (uint16_t)~KIO__WRITABLE;
		*out = frame->data;
		return true;
	}
	if (!take_copy_room(frame))
		return false;
	kio__bump(&level->copied, frame->data.len);
	*out = bounce_iter(frame);
	return true;
}

bool
kio_bounce(struct kio_frame *frame, struct kio_iter *out)
{
	struct kio_level *level = frame->level;

	if (!take_copy_room(frame))
		return false;
	*out = bounce_iter(frame);
	if (frame->op == KIO_READ)
		frame->bits |= KIO__COPY_BACK;
	else
		kio__bump(&level->copied, kio_iter_copy(*out, frame->data));
	return true;
}

void
kio__bounce_clean(struct kio_frame *frame)
{
	struct kio_level *level = frame->level;
	struct kio__bounce *bounce = bounce_of(frame);

	if ((frame->bits & KIO__COPY_BACK) != 0 && frame->kio->event.status == 0)
		kio__bump(&level->copied, kio_iter_copy(frame->data, bounce_iter(frame)));
	else if ((frame->bits & KIO__COPY_BACK) != 0)
		kio__fail_whole(frame);
	kio__arena_give(&level->arena, bounce->page, bounce->pages);
	serve_frames(&level->arena);
}

void
kio_count_copied(struct kio_frame *frame, uint64_t len)
{
	kio__bump(&frame->level->copied, len);
}

void
kio_count_merged(struct kio_frame *frame, unsigned requests)
{
	kio__bump(&frame->level->merged, requests);
	kio__bump(&frame->level->merges, 1);
}

/* --- lent reads --------------------------------------------------------- */

void
kio_complete_lent(struct kio_frame *frame, struct kio_iter data,
		  void (*release)(struct kio_frame *frame))
{
	struct kio *kio = frame->kio;

	if (data.len != frame->data.len)
		kio__panic("kio_complete_lent: %s lends %U bytes of %U", frame->level->layer->name,
			   data.len, frame->data.len);
	kio__first_frame(kio)->data = data;
	kio__first_frame(kio)->bits |= KIO__LEND;
	kio->lent_release = release;
	kio->lender = frame;
	kio->lent = 1;
	kio__finish_frame(frame, 0);
}

static unsigned
lend_pages(const struct kio *kio)
{
	return (unsigned)(kio__align_up(kio->chain.segs[0].len, PAGE) / PAGE);
}

static bool
lend_take(struct kio *kio)
{
	struct kio__arena *arena = &kio->channel->lend;
	struct kio_frame *frame = kio__first_frame(kio);
	int page = kio__arena_take(arena, lend_pages(kio));

	if (page < 0)
		return false;
	kio->chain.segs[0].base = arena->base + (size_t)page * PAGE;
	frame->data = kio_chain_iter(&kio->chain);
	frame->bits |= KIO__LEND;
	kio->lent = 1 + (uint32_t)page;
	kio->lender = NULL;
	return true;
}

static void
lend_enter(struct kio *kio)
{
	struct kio_frame *frame = kio__first_frame(kio);

	kio__submit_checked(frame, kio->start);
}

static void
lend_enter_later(struct kio_task *task)
{
	struct kio *kio = kio_container_of(task, struct kio, task);

	task->run = NULL;
	if (kio__is_cancelled(kio))
		kio__finish_cancelled(kio->frame);
	else
		lend_enter(kio);
}

bool
kio__lend_withdraw(struct kio *kio)
{
	return kio__queue_remove(&kio->channel->lend.waiting, &kio->task);
}

static void
lend_serve(struct kio_channel *channel)
{
	struct kio_task *task;

	while ((task = (struct kio_task *)(void *)channel->lend.waiting.head) != NULL) {
		if (!lend_take(kio_container_of(task, struct kio, task)))
			return;
		kio__queue_pop(&channel->lend.waiting);
		task->run = lend_enter_later;
		kio__loop_push(channel->loop, task);
	}
}

static int
lend_ready(struct kio *kio, uint64_t len)
{
	struct kio_channel *channel = kio->channel;
	int rc = 0;

	if (kio->chain.space == 0)
		return -EINVAL;
	if (channel->lend.base == NULL)
		rc = kio__arena_open(&channel->lend, channel->stack->options.lend_bytes,
				     &channel->bytes);
	if (rc == 0 && len > (uint64_t)channel->lend.pages * PAGE)
		rc = -ENOMEM;
	kio_buf(kio, NULL, (size_t)len);
	return rc;
}

static bool
lends(const struct kio_limits *limits, uint64_t len)
{
	return limits->lend && len != 0 && (limits->max_lend == 0 || len <= limits->max_lend);
}

void
kio_lend(struct kio *kio, uint64_t offset, uint64_t len, kio_done_fn done)
{
	struct kio_frame *frame = kio__first_frame(kio);
	struct kio_channel *channel = kio->channel;
	int rc = 0;

	if (kio->lent != 0)
		kio__panic("kio_lend: the container still holds lent memory");
	kio_prepare(kio, KIO_READ, 0, offset, (struct kio_iter){ NULL, 0, len }, done);
	kio->frame = frame;
	frame->level = kio->start;
	if (lends(&kio->start->layer->limits, len)) {
		/* checked as any read is; its memory comes from below */
		frame->data.seg = &kio_no_data;
		kio__submit_checked(frame, kio->start);
		return;
	}
	if (len != 0)
		rc = lend_ready(kio, len);
	if (rc < 0) {
		kio_complete(frame, rc);
	} else if (len == 0 || (kio__queue_empty(&channel->lend.waiting) && lend_take(kio))) {
		lend_enter(kio);
	} else {
		kio__bump(&channel->top->waits, 1);
		kio__queue_push(&channel->lend.waiting, &kio->task);
	}
}

/* Memory of the budget goes home; a driver's is given back to the driver. */
void
kio__lend_clean(struct kio *kio)
{
	struct kio_channel *channel = kio->channel;

	if (kio->lent == 0)
		return;
	if (kio->lender != NULL) {
		if (kio->lent_release != NULL)
			kio->lent_release(kio->lender);
	} else {
		kio__arena_give(&channel->lend, kio->lent - 1, lend_pages(kio));
	}
	kio->lent = 0;
	lend_serve(channel);
}

/* A layer above the lender reads once more what is lent: a driver's goes back first. */
void
kio__lend_again(struct kio *kio)
{
	struct kio_frame *first = kio__first_frame(kio);

	if (kio->lender == NULL)
		return;
	kio__lend_clean(kio);
	first->data = kio_iter_none(first->data.len);
	first->bits &= (uint16_t)~KIO__LEND;
}

void
kio_release(struct kio *kio)
{
	if (kio->lent == 0 && kio_data(kio).len != 0)
		kio__panic("kio_release: the container holds no lent memory");
	kio__lend_clean(kio);
}
