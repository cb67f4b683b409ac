/* SPDX-License-Identifier: MIT */
/*
 * Splitting: one engine for fan-out by a class, for what is longer than a level
 * takes, and for zeroes that must be written.
 *
 *   frame --- join --- pull: the next part, please
 *               |        |
 *               |        v
 *               |      a container from the reserve --> level or leg
 *               |        |
 *               +--------+  collected; the container carries the next part
 *
 * Parts are pulled: the next is asked for only when a container is free to
 * carry it. So nothing can run dry in the middle, and a split of any length
 * makes progress with a single container. Who finds the reserve empty waits in
 * its order, holding nothing of this level, and what it waits for is further
 * down.
 */
#include "core/frame.h"
#include "core/group.h"

/* --- reserves ----------------------------------------------------------- */

void
kio__reserve_init(struct kio__reserve *reserve)
{
	kio__queue_init(&reserve->home);
	kio__queue_init(&reserve->waiting);
}

void
kio__reserve_add(struct kio__reserve *reserve, struct kio *kio)
{
	kio->of_reserve = reserve->all;
	reserve->all = kio;
	kio__queue_push(&reserve->home, &kio->task);
	reserve->count++;
	reserve->at_home++;
}

int
kio__reserve_open(struct kio_level *level, bool fans, unsigned count, size_t *bytes)
{
	struct kio__reserve *reserve = fans ? &level->fan_parts : &level->limit_parts;
	unsigned frames = fans ? level->leg_frames : level->frames;
	uint32_t from = fans ? level->area_end : level->area_at;
	struct kio *kio;

	for (unsigned i = 0; i < count; i++) {
		kio = kio__create(frames, from, level->area_most, 0, false);
		if (kio == NULL)
			return -ENOMEM;
		kio->channel = level->channel;
		*bytes += kio->bytes;
		kio__reserve_add(reserve, kio);
	}
	return 0;
}

void
kio__reserve_close(struct kio__reserve *reserve)
{
	struct kio_task *task;

	if (reserve->at_home != reserve->count)
		kio__panic("kio_channel_close: %u of %u parts are still in flight",
			   reserve->count - reserve->at_home, reserve->count);
	while ((task = kio__queue_pop(&reserve->home)) != NULL)
		kio__free(kio_container_of(task, struct kio, task));
	reserve->all = NULL;
	reserve->count = reserve->at_home = 0;
}

struct kio *
kio__reserve_take(struct kio__reserve *reserve)
{
	struct kio_task *task = kio__queue_pop(&reserve->home);

	if (task == NULL)
		return NULL;
	reserve->at_home--;
	return kio_container_of(task, struct kio, task);
}

void
kio__reserve_give(struct kio__reserve *reserve, struct kio *kio)
{
	/* the one used last is the warmest: it goes first */
	kio->task.next = (struct kio_task *)(void *)reserve->home.head;
	if (reserve->home.head == NULL)
		reserve->home.tail = (struct kio__link **)(void *)&kio->task.next;
	reserve->home.head = (struct kio__link *)(void *)&kio->task;
	reserve->at_home++;
}

/* --- sending parts ------------------------------------------------------ */

/* Field by field: clearing the whole costs more than filling it. */
static void
part_init(const struct kio_join *join, struct kio_part *part)
{
	const struct kio_frame *frame = join->frame;

	part->leg = 0;
	part->op = (enum kio_op)frame->op;
	part->flags = frame->flags;
	part->offset = frame->offset;
	part->data = frame->data;
	part->start = join->taken;
	part->covers = 0;
	part->priv = 0;
	part->later = false;
}

/* Is the next part known? Asks for it at most once. */
static bool
pull(struct kio_join *join)
{
	if (!join->pulled) {
		part_init(join, &join->part);
		join->pulled = join->pull(join, &join->part);
	}
	return join->pulled;
}

static struct kio_level *
part_level(const struct kio_join *join, unsigned leg)
{
	struct kio_level *level = join->frame->level;

	if (!join->fans)
		return level;
	if (leg >= level->layer->leg_count)
		kio__panic("%s: a part for leg %u of %u", level->layer->name, leg,
			   level->layer->leg_count);
	return level->legs[leg];
}

/* Down with what part says, in the container of a part. */
static void
send(struct kio_join *join, struct kio *kio, const struct kio_part *part)
{
	struct kio_frame *frame = kio__first_frame(kio);
	struct kio_level *level = part_level(join, part->leg);
	unsigned bits = KIO__PART;

	kio->part_start = part->start;
	kio->part_covers = part->covers;
	kio->part_offset = part->offset;
	kio->part_leg = part->leg;
	kio->priv = (void *)part->priv;
	kio->event.status = 0;
	frame->level = level;
	frame->offset = part->offset;
	frame->data = part->data;
	/* the parts of a split by limits do not overlap: what may be changed stays so */
	if (!join->fans && part->op == KIO_WRITE)
		bits |= join->frame->bits & KIO__WRITABLE;
	if (!join->fans && (join->frame->bits & (KIO__RANGED | KIO__COVERED)) != 0)
		bits |= KIO__COVERED;
	kio__set_head(frame, (uint32_t)part->op | part->flags << 8 | KIO__HEAD_BITS(bits));
	frame->priv = 0;
	kio->frame = frame;
	if (join->fans || part->op != (enum kio_op)join->frame->op)
		kio__enter_frame(frame, level);
	else
		level->submit(level->layer, frame); /* checked and counted with the whole */
}

static void
send_next(struct kio_join *join, struct kio *kio)
{
	kio->join = join;
	kio__group_enter(&join->group);
	join->pulled = false;
	join->parts++;
	kio__bump(&join->frame->level->parts, 1);
	send(join, kio, &join->part);
}

/* All parts are back: the frame goes up with what came out. */
static void
finish_split(struct kio_join *join)
{
	struct kio_frame *frame = join->frame;
	struct kio *kio = frame->kio;

	if (kio__unlikely(join->status < 0)) {
		kio->fail_from = join->fail_from;
		kio->fail_len = join->fail_to - join->fail_from;
	}
	frame->bits &= (uint16_t)~(KIO__FANS | KIO__LIMITED);
	if (join->fans)
		frame->bits |= KIO__JOINED;
	kio__finish_frame(frame, join->status);
}

/* Sends parts as far as the reserve goes; waits for it, or seals the group when there are no more. */
static void
go_on(struct kio_join *join)
{
	struct kio *kio;

	while (pull(join)) {
		if (kio__queue_empty(&join->reserve->waiting) &&
		    (kio = kio__reserve_take(join->reserve)) != NULL) {
			send_next(join, kio);
			continue;
		}
		if (!join->waiting) {
			join->waiting = true;
			kio__bump(&join->frame->level->waits, 1);
			kio__queue_push(&join->reserve->waiting, join);
		}
		return;
	}
	if (join->part.later)
		return;
	kio__group_close(&join->group);
	if (kio__group_is_over(&join->group))
		finish_split(join);
}

/* A container is free: who waits for one gets it. */
static void
serve_joins(struct kio__reserve *reserve)
{
	struct kio_join *join;

	while (reserve->at_home > 0 && (join = kio__queue_pop(&reserve->waiting)) != NULL) {
		join->waiting = false;
		send_next(join, kio__reserve_take(reserve));
		go_on(join);
	}
}

/* --- collecting --------------------------------------------------------- */

static void
collect_error(struct kio_join *join, uint64_t from, uint64_t len, int status)
{
	if (join->status == 0 || from < join->error_at) {
		join->status = status;
		join->error_at = from;
	}
	join->fail_from = kio__min(join->fail_from, from);
	join->fail_to = kio__max(join->fail_to, from + len);
}

/* One that failed, or of which the class wants to know. */
static void
collect(struct kio_join *join, const struct kio *kio, const struct kio_part *part)
{
	struct kio *whole = join->frame->kio;

	if (part->status == 0) {
		whole->extent_len = part->extent_len;
		whole->extent_flags = part->extent_flags;
	} else if (part->covers == 0 && kio->event.status != 0) {
		collect_error(join, part->start + kio->fail_from, kio->fail_len, part->status);
	} else {
		/* which of its bytes failed means nothing to the whole */
		collect_error(join, part->start, part->covers != 0 ? part->covers : part->data.len,
			      part->status);
	}
}

/* The class sees its part, and may change the outcome or send it again. */
static enum kio_next
show_part(struct kio_join *join, struct kio *kio, struct kio_part *part)
{
	struct kio_layer *layer = join->frame->level->layer;
	const struct kio_frame *frame = kio__first_frame(kio);

	part->leg = kio->part_leg;
	part->op = (enum kio_op)frame->op;
	part->flags = frame->flags;
	part->offset = kio->part_offset;
	part->data = frame->data;
	part->start = kio->part_start;
	part->covers = kio->part_covers;
	part->status = kio->event.status;
	part->extent_len = kio->extent_len;
	part->extent_flags = kio->extent_flags;
	part->priv = (uintptr_t)kio->priv;
	if (!join->fans || layer->class_->part_done == NULL)
		return KIO_UP;
	return layer->class_->part_done(layer, join->frame, part);
}

/* Most parts succeed, and nobody needs to hear more of them than that. */
static bool
is_plain(const struct kio_join *join, const struct kio *kio)
{
	const struct kio_frame *frame = join->frame;

	return kio->event.status == 0 && frame->op != KIO_EXTENTS && (frame->bits & KIO__COPY) == 0 &&
	       (!join->fans || (frame->level->layer->class_->bits & KIO_SEES_PARTS) == 0);
}

void
kio__part_up(struct kio *kio)
{
	struct kio_join *join = kio->join;
	struct kio__reserve *reserve = join->reserve;
	struct kio_part part;

	if (kio__unlikely(!is_plain(join, kio))) {
		if (show_part(join, kio, &part) == KIO_AGAIN) {
			if (kio__likely(!kio__is_cancelled(kio))) {
				send(join, kio, &part);
				return;
			}
			part.status = -ECANCELED;
		}
		collect(join, kio, &part);
	}
	kio->frame = NULL;
	kio__group_leave(&join->group);
	kio__reserve_give(reserve, kio);
	/* while it lasts the container stays with its split, unless others wait */
	if (!kio__group_is_sealed(&join->group)) {
		if (!join->waiting)
			go_on(join);
	} else if (kio__group_is_over(&join->group)) {
		finish_split(join);
	}
	if (kio__unlikely(!kio__queue_empty(&reserve->waiting)))
		serve_joins(reserve);
}

/* --- cancelling --------------------------------------------------------- */

static struct kio_join *
join_of(const struct kio_frame *frame)
{
	if ((frame->bits & KIO__FANS) != 0)
		return kio__area(frame, frame->level->fan_at);
	/* write-zeroes that are written have the container's own */
	if (frame->op == KIO_WRITE_ZEROES)
		return frame->kio->join;
	return kio__area(frame, frame->level->limit_at);
}

/* No more parts: what none has taken ends here. */
static void
give_up_rest(struct kio_join *join)
{
	uint64_t from = join->pulled ? join->part.start : join->taken;

	if (join->waiting)
		kio__queue_remove(&join->reserve->waiting, join);
	join->waiting = false;
	from = kio__min(from, join->frame->data.len);
	collect_error(join, from, join->frame->data.len - from, -ECANCELED);
	kio__group_close(&join->group);
}

void
kio__split_cancel(struct kio_frame *frame)
{
	struct kio_join *join = join_of(frame);
	bool changes = frame->op != KIO_READ && frame->op != KIO_EXTENTS;

	if (changes && join->fans &&
	    (frame->level->layer->class_->bits & KIO_ENDS_CHANGES) != 0)
		return;
	if (!kio__group_is_sealed(&join->group))
		give_up_rest(join);
	for (struct kio *kio = join->reserve->all; kio != NULL; kio = kio->of_reserve) {
		if (kio->join == join)
			kio_cancel(kio);
	}
	if (kio__group_is_over(&join->group))
		finish_split(join);
}

/* --- beginning and end -------------------------------------------------- */

static void
join_init(struct kio_join *join, struct kio_frame *frame, struct kio__reserve *reserve,
	  bool (*next)(struct kio_join *join, struct kio_part *part))
{
	join->frame = frame;
	join->reserve = reserve;
	join->pull = next;
	join->rest = frame->data;
	join->taken = 0;
	join->parts = 0;
	join->status = 0;
	join->fail_from = UINT64_MAX;
	join->fail_to = 0;
	join->fans = join->pulled = join->waiting = false;
}

/* All parts are to fire, whatever they say: what came out is in the join. */
static void
begin(struct kio_join *join)
{
	kio_group_init(&join->group, KIO_SETTLE, 0);
	join->frame->kio->frame = join->frame;
	join->frame->bits |= join->fans ? KIO__FANS : KIO__LIMITED;
	go_on(join);
}

static struct kio_iter
take(struct kio_join *join, uint64_t len)
{
	struct kio_iter part = kio_iter_take(&join->rest, len);

	join->taken += part.len;
	return part;
}

/* --- by limits ---------------------------------------------------------- */

/*
 * No two parts share a block of the range lock: the whole holds the range, and
 * what one part does to the block the other would undo.
 */
static uint64_t
part_len(const struct kio_join *join, uint64_t longest)
{
	uint64_t at = join->frame->offset + join->taken;

	if (join->rest.len <= longest)
		return join->rest.len;
	return kio__align_down(at + longest, kio__range_block(join->frame->level)) - at;
}

static bool
next_by_limit(struct kio_join *join, struct kio_part *part)
{
	struct kio_frame *frame = join->frame;

	if (join->rest.len == 0)
		return false;
	part->offset = frame->offset + join->taken;
	part->data = take(join, part_len(join, frame->spare));
	return true;
}

/* Of the whole; parts are asked when they arrived. */
static void
note_arrival(struct kio_join *join)
{
	const struct kio_level *level = join->frame->level;

	if (level->layer->apart != 0)
		join->arrived = kio_loop_now(level->loop);
}

void
kio__split_by_limit(struct kio_frame *frame, uint64_t longest)
{
	struct kio_level *level = frame->level;
	struct kio_join *join = kio__area(frame, level->limit_at);

	frame->spare = (uint32_t)longest;
	join_init(join, frame, &level->limit_parts, next_by_limit);
	note_arrival(join);
	begin(join);
}

uint64_t
kio_frame_arrived(const struct kio_frame *frame)
{
	const struct kio *kio = frame->kio;

	if (frame == kio__first_frame(frame->kio) && (frame->bits & KIO__PART) != 0 && !kio->join->fans)
		return kio->join->arrived;
	return kio_loop_now(frame->level->loop);
}

/* --- zeroes that must be written ---------------------------------------- */

#define ZERO_PAGE 16384
#define ZERO_SEGS 64

static const unsigned char zero_page[ZERO_PAGE] __attribute__((aligned(4096)));

#define SEG { (void *)(uintptr_t)zero_page, ZERO_PAGE, NULL }
#define SEGS4 SEG, SEG, SEG, SEG
#define SEGS16 SEGS4, SEGS4, SEGS4, SEGS4

static const struct kio_seg zero_segs[ZERO_SEGS] = { SEGS16, SEGS16, SEGS16, SEGS16 };

static bool
next_zeroes(struct kio_join *join, struct kio_part *part)
{
	struct kio_frame *frame = join->frame;
	const struct kio_level *level = frame->level;
	uint64_t longest = kio__min(level->max_len, (uint64_t)ZERO_PAGE * ZERO_SEGS);

	if (join->rest.len == 0)
		return false;
	/* so short that the part is not split once more, by the same reserve */
	if (level->max_copy != 0)
		longest = kio__min(longest, level->max_copy);
	part->op = KIO_WRITE;
	part->flags &= ~KIO_NO_UNMAP;
	part->offset = frame->offset + join->taken;
	part->data = (struct kio_iter){ zero_segs, 0, take(join, part_len(join, longest)).len };
	return true;
}

/* The join is the container's own: only its first level may lack the operation. */
void
kio__split_zeroes(struct kio_frame *frame)
{
	struct kio_level *level = frame->level;

	if (level != frame->kio->start || frame->kio->join == NULL) {
		kio_complete(frame, -ENOTSUP);
		return;
	}
	join_init(frame->kio->join, frame, &level->limit_parts, next_zeroes);
	note_arrival(frame->kio->join);
	begin(frame->kio->join);
}

/* --- by a class --------------------------------------------------------- */

static bool
next_flush(struct kio_join *join, struct kio_part *part)
{
	struct kio_frame *frame = join->frame;
	const struct kio_layer *layer = frame->level->layer;
	unsigned leg = frame->spare;

	while (leg < layer->leg_count && kio_leg_absent(layer->legs[leg]))
		leg++;
	part->leg = leg;
	part->offset = 0;
	frame->spare = leg + 1;
	return leg < layer->leg_count;
}

static bool
next_of_class(struct kio_join *join, struct kio_part *part)
{
	struct kio_layer *layer = join->frame->level->layer;

	/* one extent answers: the first */
	if (join->frame->op == KIO_EXTENTS && join->parts > 0)
		return false;
	return layer->class_->part(layer, join->frame, part);
}

/* The first part is all there is: no need for a container of its own. */
static bool
passes_whole(struct kio_join *join)
{
	struct kio_frame *frame = join->frame;
	struct kio_part *part = &join->part;

	return join->rest.len == 0 && join->taken != 0 && part->op == (enum kio_op)frame->op &&
	       part->flags == frame->flags && part->data.seg == frame->data.seg &&
	       part->data.skip == frame->data.skip && part->data.len == frame->data.len;
}

void
kio_split(struct kio_frame *frame)
{
	struct kio_level *level = frame->level;
	const struct kio_class *class_ = level->layer->class_;
	struct kio_join *join = kio__area(frame, level->fan_at);

	if (class_->part == NULL)
		kio__panic("kio_split: class %s has no part", class_->name);
	join_init(join, frame, &level->fan_parts, next_of_class);
	join->fans = true;
	if (frame->op == KIO_FLUSH && (class_->bits & KIO_PARTS_FLUSH) == 0) {
		frame->spare = 0;
		join->pull = next_flush;
	}
	if (pull(join) && class_->part_done == NULL && passes_whole(join))
		kio_pass_leg(frame, join->part.leg, join->part.offset);
	else
		begin(join);
}

static struct kio_join *
fan_join(const struct kio_frame *frame)
{
	return kio__area(frame, frame->level->fan_at);
}

void
kio_split_more(struct kio_frame *frame)
{
	struct kio_join *join = fan_join(frame);

	if ((frame->bits & KIO__FANS) != 0 && !kio__group_is_sealed(&join->group) && !join->waiting)
		go_on(join);
}

uint64_t
kio_frame_taken(const struct kio_frame *frame)
{
	return fan_join(frame)->taken;
}

uint64_t
kio_frame_rest(const struct kio_frame *frame)
{
	return fan_join(frame)->rest.len;
}

struct kio_iter
kio_frame_take(struct kio_frame *frame, uint64_t len)
{
	return take(fan_join(frame), len);
}

unsigned
kio_frame_parts(const struct kio_frame *frame)
{
	return fan_join(frame)->parts;
}
