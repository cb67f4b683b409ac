/* SPDX-License-Identifier: MIT */
/*
 * The range lock: overlapping changes run one after the other, in order of
 * arrival, in layers that declare ordered writes.
 *
 * Every change takes its whole range at once, before anything else of its
 * level. A range is kept once, in a hash of (size class, place): the class of a
 * range of n bytes is the power of two at or above n, its place the offset in
 * units of that. What overlaps it in a class of the same or larger units lies
 * in two or three places, so a look-up is a few probes, however many are in
 * flight. A range counts those before it that it overlaps, waiting ones too,
 * and goes when the count is zero.
 *
 * One table for a layer, shared by its channels.
 */
#include "core/frame.h"
#include "port/lock.h"

#define BUCKETS 1024u
#define CLASSES 64u
#define EVERYTHING ((uint64_t)1 << 62)
#define HOLD KIO_OPS /* the operation of who wants nothing but the range */

struct range {
	struct range *next; /* in the bucket */
	struct range *newer, *older;
	uint64_t from, to;
	uint64_t order;
	struct kio_frame *frame;
	unsigned before; /* ranges that go first */
	unsigned class_;
	bool observes; /* waits for others, and nobody for it */
};

struct kio__ranges {
	uint64_t block;
	uint64_t orders;
	struct range *newest;
	unsigned held; /* waiting ones too */
	unsigned waiting;
	unsigned counts[CLASSES];
	uint64_t classes; /* a bit for each that is not empty */
	struct kio__lock lock;
	struct range *buckets[BUCKETS];
};

size_t
kio__range_size(void)
{
	return sizeof(struct range);
}

int
kio__ranges_create(struct kio__ranges **out, uint32_t block)
{
	struct kio__ranges *ranges = kio__alloc(sizeof(*ranges));

	if (ranges == NULL)
		return -ENOMEM;
	kio__lock_init(&ranges->lock);
	ranges->block = block;
	*out = ranges;
	return 0;
}

void
kio__ranges_destroy(struct kio__ranges **out)
{
	if (*out == NULL)
		return;
	if ((*out)->held != 0)
		kio__panic("kio_stack_close: %u ranges are still held", (*out)->held);
	kio__lock_fini(&(*out)->lock);
	kio__free(*out);
	*out = NULL;
}

void
kio__ranges_share(struct kio__ranges *ranges)
{
	kio__lock_share(&ranges->lock);
}

/* --- the table ---------------------------------------------------------- */

static unsigned
class_of(uint64_t len)
{
	return len <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(len - 1);
}

static struct range **
bucket_of(struct kio__ranges *ranges, unsigned class_, uint64_t place)
{
	uint64_t hash = (place + class_) * 0x9e3779b97f4a7c15u;

	return &ranges->buckets[hash >> 54];
}

_Static_assert(BUCKETS == 1u << 10, "the hash's ten upper bits choose the bucket");

static bool
overlaps(const struct range *a, const struct range *b)
{
	return a->from < b->to && b->from < a->to;
}

typedef void (*visit_fn)(struct range *self, struct range *other);

/* Visits what overlaps self in one class. */
static inline __attribute__((always_inline)) void
visit_class(struct kio__ranges *ranges, unsigned class_, struct range *self, visit_fn visit)
{
	uint64_t place = self->from >> class_, last = (self->to - 1) >> class_;
	struct range *other;

	/* one that began in the place before may reach into ours */
	for (place -= place != 0; place <= last; place++) {
		for (other = *bucket_of(ranges, class_, place); other != NULL; other = other->next) {
			if (other->class_ == class_ &&
			    other->from >> class_ == place && overlaps(self, other))
				visit(self, other);
		}
	}
}

/* Is a walk over all ranges shorter than looking up each place of a long one? */
static bool
is_long(const struct kio__ranges *ranges, const struct range *self)
{
	uint64_t smallest = (self->to - self->from) >> __builtin_ctzll(ranges->classes), probes = 0;

	if (kio__likely(smallest <= 4))
		return false;
	for (uint64_t rest = ranges->classes; rest != 0; rest &= rest - 1)
		probes += ((self->to - self->from) >> __builtin_ctzll(rest)) + 3;
	return probes > ranges->held;
}

/* There is at least one range in the table; self is not in it. */
static inline __attribute__((always_inline)) void
visit_overlapping(struct kio__ranges *ranges, struct range *self, visit_fn visit)
{
	struct range *other, *older;

	if (is_long(ranges, self)) {
		for (other = ranges->newest; other != NULL; other = older) {
			older = other->older;
			if (overlaps(self, other))
				visit(self, other);
		}
		return;
	}
	for (uint64_t rest = ranges->classes; rest != 0; rest &= rest - 1)
		visit_class(ranges, (unsigned)__builtin_ctzll(rest), self, visit);
}

static void
insert(struct kio__ranges *ranges, struct range *range)
{
	struct range **bucket = bucket_of(ranges, range->class_, range->from >> range->class_);

	range->next = *bucket;
	*bucket = range;
	range->newer = NULL;
	range->older = ranges->newest;
	if (ranges->newest != NULL)
		ranges->newest->newer = range;
	ranges->newest = range;
	ranges->held++;
	ranges->counts[range->class_]++;
	ranges->classes |= (uint64_t)1 << range->class_;
}

static void
take_out(struct kio__ranges *ranges, struct range *range)
{
	struct range **at = bucket_of(ranges, range->class_, range->from >> range->class_);

	while (*at != range)
		at = &(*at)->next;
	*at = range->next;
	if (range->newer != NULL)
		range->newer->older = range->older;
	else
		ranges->newest = range->older;
	if (range->older != NULL)
		range->older->newer = range->newer;
	ranges->held--;
	if (--ranges->counts[range->class_] == 0)
		ranges->classes &= ~((uint64_t)1 << range->class_);
}

/* --- frames ------------------------------------------------------------- */

static void
count_before(struct range *self, struct range *other)
{
	self->before += !other->observes;
}

static bool
acquire(struct kio__ranges *ranges, struct range *range)
{
	bool shared = kio__lock_enter(&ranges->lock), granted;

	range->before = 0;
	range->order = ranges->orders++;
	if (ranges->held != 0)
		visit_overlapping(ranges, range, count_before);
	insert(ranges, range);
	granted = range->before == 0;
	ranges->waiting += !granted;
	kio__lock_leave(&ranges->lock, shared);
	return granted;
}

static void
granted_elsewhere(struct kio_task *task)
{
	struct kio *kio = kio_container_of(task, struct kio, task);
	struct kio_level *level = kio->frame->level;

	task->run = NULL;
	if (kio__is_cancelled(kio))
		kio__finish_cancelled(kio->frame);
	else if (kio->frame->op == HOLD)
		kio__finish_frame(kio->frame, 0);
	else
		kio__enter_counted(kio->frame, level);
}

/* One that went before is gone; the frame may be another loop's. */
static void
count_down(struct range *self, struct range *other)
{
	struct kio *kio = other->frame->kio;
	struct kio_loop *loop = other->frame->level->loop;

	if (self->observes || other->order < self->order || --other->before != 0)
		return;
	other->frame->level->ranges->waiting--;
	kio->task.run = granted_elsewhere;
	if (loop == self->frame->level->loop)
		kio__loop_push(loop, &kio->task);
	else
		kio_loop_post(loop, &kio->task);
}

void
kio__range_clean(struct kio_frame *frame)
{
	struct kio__ranges *ranges = frame->level->ranges;
	struct range *range = kio__area(frame, frame->level->range_at);
	bool shared = kio__lock_enter(&ranges->lock);

	take_out(ranges, range);
	if (ranges->waiting != 0)
		visit_overlapping(ranges, range, count_down);
	kio__lock_leave(&ranges->lock, shared);
}

uint64_t
kio__range_block(const struct kio_level *level)
{
	return level->ranges != NULL ? level->ranges->block : 1;
}

/* True: it is the frame's at once. */
static bool
take(struct kio_frame *frame, uint64_t from, uint64_t to, bool observes)
{
	struct kio_level *level = frame->level;
	struct range *range = kio__area(frame, level->range_at);

	range->frame = frame;
	range->from = from;
	range->to = to;
	range->observes = observes;
	range->class_ = class_of(to - from);
	frame->kio->frame = frame;
	if (acquire(level->ranges, range))
		return true;
	kio__bump(&level->waits, 1);
	return false;
}

static bool
take_blocks(struct kio_frame *frame, bool observes)
{
	uint64_t block = frame->level->ranges->block;

	return take(frame, kio__align_down(frame->offset, block),
		    kio__align_up(frame->offset + frame->data.len, block), observes);
}

bool
kio__range_take(struct kio_frame *frame)
{
	struct kio_level *level = frame->level;
	bool flush;

	if (level->ranges == NULL || (frame->bits & (KIO__RANGED | KIO__COVERED)) != 0)
		return true;
	/* of a request that is apart its copy takes the range */
	if (level->layer->apart_changes && (frame->bits & KIO__COPY) == 0)
		return true;
	flush = frame->op == KIO_FLUSH && (frame->bits & KIO__COPY) != 0;
	if (!flush && frame->op != KIO_WRITE && frame->op != KIO_WRITE_ZEROES &&
	    frame->op != KIO_DISCARD)
		return true;
	frame->bits |= KIO__RANGED;
	return flush ? take(frame, 0, EVERYTHING, true) : take_blocks(frame, false);
}

/* --- for layers --------------------------------------------------------- */

bool
kio_range_observe(struct kio_frame *frame)
{
	if ((frame->bits & KIO__RANGED) != 0)
		return true;
	frame->bits |= KIO__RANGED;
	return take_blocks(frame, true);
}

void
kio_range_leave(struct kio_frame *frame)
{
	if ((frame->bits & KIO__RANGED) == 0)
		return;
	kio__range_clean(frame);
	frame->bits &= (uint16_t)~KIO__RANGED;
}

/* Held until it is released, so no bit of the frame tells of it: nothing gives it back on the way up. */
void
kio_range_hold(struct kio *kio, uint64_t offset, uint64_t len, kio_done_fn held)
{
	struct kio_frame *frame = kio__first_frame(kio);

	kio_prepare(kio, HOLD, 0, offset, kio_iter_none(len), held);
	frame->level = kio->start;
	if (take_blocks(frame, false))
		kio__finish_frame(frame, 0);
}

void
kio_range_release(struct kio *kio)
{
	kio__range_clean(kio__first_frame(kio));
}

bool
kio__range_withdraw(struct kio_frame *frame)
{
	struct kio__ranges *ranges = frame->level->ranges;
	struct range *range;
	bool shared, waits;

	if ((frame->bits & KIO__RANGED) == 0)
		return false;
	range = kio__area(frame, frame->level->range_at);
	shared = kio__lock_enter(&ranges->lock);
	waits = range->before != 0;
	if (waits) {
		ranges->waiting--;
		take_out(ranges, range);
		if (ranges->waiting != 0)
			visit_overlapping(ranges, range, count_down);
		frame->bits &= (uint16_t)~KIO__RANGED;
	}
	kio__lock_leave(&ranges->lock, shared);
	return waits;
}

/* Stands before the submit of a class with ordered writes. */
void
kio__ordered_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	if (kio__range_take(frame))
		frame->level->enter(layer, frame);
}
