/* SPDX-License-Identifier: MIT */
#ifndef CORE_FRAME_H
#define CORE_FRAME_H

/*
 * The inside of containers and channels.
 *
 *   channel   one per stack and loop
 *     level   one per layer: what its frames need, and its reserves
 *
 *   container, one allocation:
 *     struct kio | frames | private areas, by level | segments
 *
 * A level has a frame of its own when something is to happen on the way back
 * up: done, a join, a bounce or a range to give back. Other levels share the
 * frame of the one above, and nothing at all runs for them on the way up.
 */

#include <kiobuf/group.h>
#include <kiobuf/layer.h>

#include "base/list.h"
#include "base/math.h"
#include "core/loop.h"
#include "port/port.h"

/* kio_frame.bits */
#define KIO__WRITABLE 0x01u /* what travels below may change the bytes in place */
#define KIO__FINISHED 0x02u /* completed: a second time is a bug */
#define KIO__JOINED 0x04u   /* all parts are back: done is to run on this frame */
#define KIO__BOUNCED 0x08u  /* holds memory of the level's arena */
#define KIO__COPY_BACK 0x10u /* a read into the arena, to be copied to the frame's data */
#define KIO__RANGED 0x20u   /* holds a range */
#define KIO__HAS_MEM 0x40u  /* first frame: references of its segments to give back */
#define KIO__PART 0x80u     /* first frame: a part of a split */
#define KIO__LEND 0x100u    /* first frame: memory is lent, of the budget or by a driver */
#define KIO__COVERED 0x200u /* first frame: the whole of this part holds its range */

#define KIO__UNWANTED 0x400u /* first frame: somebody wants it to end */
#define KIO__FANS 0x800u    /* parts of the class are on their way */
#define KIO__LIMITED 0x1000u /* parts of a split by limits, or of zeroes, are */
#define KIO__UP 0x2000u      /* its parts are back, and done has seen it: it may be held */
#define KIO__APART 0x4000u   /* a copy of it travels, or it waits for one */
#define KIO__COPY 0x8000u    /* first frame: such a copy */

#define KIO__CLEANUP                                                                       \
	(KIO__JOINED | KIO__BOUNCED | KIO__RANGED | KIO__HAS_MEM | KIO__PART | KIO__LEND | \
	 KIO__COPY)

/* Containers for the parts of what must be split, and those who wait for one. */
struct kio__reserve {
	struct kio__queue home;    /* of kio */
	struct kio__queue waiting; /* of kio_join; for copies: of kio_task */
	struct kio *all;           /* by of_reserve */
	unsigned count;            /* all, in flight or not */
	unsigned at_home;
};

/* Memory for copies: pages, handed out in contiguous runs. */
struct kio__arena {
	unsigned char *base;
	uint64_t *used; /* a bit for each page */
	unsigned pages, taken;
	struct kio__queue waiting; /* of kio */
};

struct kio_level {
	/* what every I/O touches: one line */
	struct kio_layer *layer;
	void (*submit)(struct kio_layer *layer, struct kio_frame *frame);
	enum kio_next (*done)(struct kio_layer *layer, struct kio_frame *frame); /* NULL: no frame of its own */
	uint64_t size;
	uint32_t max_len; /* longest read or write; UINT32_MAX: see max_transfer */
	uint32_t mask;    /* of offset and length: block - 1 */
	uint64_t ios;
	uint64_t bytes;
	struct kio_loop *loop;

	/* what is only read */
	struct kio_channel *channel;
	struct kio_level **legs;
	void *priv;            /* the class's channel_size bytes */
	void (*enter)(struct kio_layer *layer, struct kio_frame *frame); /* the class's submit */
	uint32_t area_at;      /* of the class's private bytes in a container */
	uint32_t limit_at;     /* of the join for splitting by limits */
	uint32_t fan_at;       /* of the join for the class's parts */
	uint32_t bounce_at;    /* of the bounce */
	uint32_t range_at;     /* of the range */
	uint32_t apart_at;     /* of the pointer to the copy */
	uint32_t area_end;     /* where the areas of the levels below begin */
	uint32_t area_most;    /* the end of the longest path below */
	uint32_t frames;       /* that a container starting here needs */
	uint32_t leg_frames;   /* one starting at a leg */
	uint32_t pass_head;    /* what goes down of a frame's head */
	uint32_t ops;
	uint32_t fast_op;      /* what kio_submit lets in: up to read, or write */
	uint32_t max_copy;     /* 0: no arena */
	bool opened;           /* the class's channel_open succeeded */

	/* what waiting and splitting change */
	struct kio__reserve limit_parts; /* start here */
	struct kio__reserve fan_parts;   /* start at a leg */
	struct kio__reserve copies;      /* start here, with memory of their own: */
	char *copy_memory;
	struct kio__arena arena;
	struct kio__ranges *ranges; /* the layer's, shared by its channels */
	uint64_t parts, copied, waits, merged, merges, errors;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct kio_frame) == 64, "a frame is one cache line");
_Static_assert(offsetof(struct kio_level, channel) == 64, "a level's hot fields are one cache line");
_Static_assert(offsetof(struct kio, start) == 64, "a container's hot fields are one cache line");
_Static_assert(sizeof(struct kio) % 64 == 0, "frames begin on a cache line");

/* What the core keeps of a layer, for all its channels. */
struct kio__layer_core {
	struct kio__ranges *ranges; /* NULL: no ordered writes */
	unsigned end;               /* the number after the last layer below, sides included */
	bool side;                  /* the top of a helper stack */
	bool open;                  /* the class's open succeeded */
	bool absent;                /* did not open, and is left out */
	bool fresh;                 /* a new leg, or below one */
	bool shared;                /* a base that is only read, or below one */
	const void *origin;         /* what the opener knows it by */
	struct kio_layer **sides;
	unsigned side_count;
	struct kio_stat past; /* of channels that closed */
};

struct kio_channel {
	struct kio_level *top;
	struct kio_loop *loop;
	struct kio_stack *stack;
	struct kio_channel *next; /* of the stack */
	struct kio_channel *next_of_loop;
	struct kio_layer *root;   /* the layer at the top: the stack's, or a leg's while opening */
	struct kio_level *levels; /* by the layer's index, from `first` */
	struct kio_level **legs;  /* of all levels */
	unsigned first, level_count;
	size_t bytes;
	unsigned kios; /* containers that callers and layers made */
	struct kio__arena lend; /* made at the first lend */
};

/* A copy's place: in the private area of the level that made it. */
struct kio__bounce {
	struct kio_seg seg;
	unsigned page, pages;
};

/*
 * Where the parts of a split meet. The group says when, the rest says what
 * came out.
 */
struct kio_join {
	struct kio_join *next; /* while waiting for a container */
	struct kio_group group;
	struct kio_frame *frame;
	struct kio__reserve *reserve;
	bool (*pull)(struct kio_join *join, struct kio_part *part);
	struct kio_iter rest; /* what no part has taken */
	uint64_t taken;
	struct kio_part part; /* the next, pulled and not yet sent */
	unsigned parts;
	int status;
	uint64_t error_at; /* where the error lowest in byte order begins */
	uint64_t fail_from, fail_to;
	uint64_t arrived; /* where requests may be apart: when the whole did */
	bool fans;    /* parts go to the legs, by the class */
	bool pulled;  /* `part` holds one */
	bool waiting;
};

static inline struct kio_frame *
kio__first_frame(struct kio *kio)
{
	return (struct kio_frame *)(void *)(kio + 1);
}

static inline bool
kio__is_cancelled(const struct kio *kio)
{
	return (((const struct kio_frame *)(const void *)(kio + 1))->bits & KIO__UNWANTED) != 0;
}

/* None of its bytes count as moved. */
static inline void
kio__fail_whole(const struct kio_frame *frame)
{
	frame->kio->fail_from = 0;
	frame->kio->fail_len = frame->data.len;
}

static inline void *
kio__area(const struct kio_frame *frame, uint32_t at)
{
	return frame->kio->area + at;
}

/* channel.c: a channel on the layers from root down, not listed in the stack */
int kio__channel_open(struct kio_channel **channel, struct kio_stack *stack,
		      struct kio_layer *root, struct kio_loop *loop);
void kio__channel_close(struct kio_channel **channel);
/* What layers do on the loop's channels by themselves ends. True: nothing is in flight. */
bool kio__channels_quiet(struct kio_loop *loop);
/* Takes over the sizes of the stack's layers; under the stack's mutex. */
void kio__channel_resize(struct kio_channel *channel);

/* kio.c */
void kio__go_up(struct kio *kio);
/* frames, private areas from .. to as the levels count them, segments, the join for zeroes. */
struct kio *kio__create(unsigned frames, uint32_t from, uint32_t to, unsigned segs, bool zero_join);
/* Finishes a frame without looking at the hull, which is set. */
void kio__finish_frame(struct kio_frame *frame, int status);
/* Calls the level's submit again, later. */
void kio__submit_later(struct kio_frame *frame);

/* cancel.c */
void kio__finish_cancelled(struct kio_frame *frame);

/* ops.c: all but reads and writes that fit */
void kio__enter_slowly(struct kio_frame *frame, struct kio_level *level);
/* What is left to do there once the frame was checked and counted. */
void kio__enter_counted(struct kio_frame *frame, struct kio_level *level);
/* kio__enter for those who are in no hurry. */
void kio__enter_frame(struct kio_frame *frame, struct kio_level *level);
void kio__submit_checked(struct kio_frame *frame, struct kio_level *level);

/* mem.c: a reference for each segment of the view that has a mem, taken or given back */
void kio__iter_ref(struct kio_iter data);
void kio__iter_unref(struct kio_iter data);

/* split.c */
void kio__split_by_limit(struct kio_frame *frame, uint64_t longest);
void kio__split_zeroes(struct kio_frame *frame);
void kio__part_up(struct kio *kio);
void kio__split_cancel(struct kio_frame *frame);
void kio__reserve_init(struct kio__reserve *reserve);
/* Containers for parts of level: that start there, or at its legs. */
int kio__reserve_open(struct kio_level *level, bool fans, unsigned count, size_t *bytes);
void kio__reserve_close(struct kio__reserve *reserve);
void kio__reserve_add(struct kio__reserve *reserve, struct kio *kio);
/* NULL: all are in flight. */
struct kio *kio__reserve_take(struct kio__reserve *reserve);
void kio__reserve_give(struct kio__reserve *reserve, struct kio *kio);

/* apart.c */
uint32_t kio__copies_longest(const struct kio_layer *layer);
int kio__copies_open(struct kio_level *level, unsigned count, size_t *bytes);
void kio__copies_close(struct kio_level *level);
/* True: there are none. */
bool kio__stragglers_cancel(struct kio_level *level);
void kio__copy_up(struct kio *copy);
void kio__apart_cancel(struct kio_frame *frame);

/* bounce.c */
void kio__arena_init(struct kio__arena *arena);
int kio__arena_open(struct kio__arena *arena, size_t size, size_t *bytes);
void kio__arena_close(struct kio__arena *arena);
/* First page of a run, or -1. */
int kio__arena_take(struct kio__arena *arena, unsigned pages);
void kio__arena_give(struct kio__arena *arena, unsigned page, unsigned pages);
void kio__bounce_clean(struct kio_frame *frame);
/* True: it waited for memory, and does not any more. */
bool kio__bounce_withdraw(struct kio_frame *frame);
bool kio__lend_withdraw(struct kio *kio);
void kio__lend_clean(struct kio *kio);
void kio__lend_again(struct kio *kio);

/* range.c */
void kio__ordered_submit(struct kio_layer *layer, struct kio_frame *frame);
/* True: the frame needs no range, or has it. False: it enters again, counted, when it has. */
bool kio__range_take(struct kio_frame *frame);
void kio__range_clean(struct kio_frame *frame);
/* True: it waited for its range, and does not any more. */
bool kio__range_withdraw(struct kio_frame *frame);
/* Ranges begin and end on multiples of this; 1 where there are none. */
uint64_t kio__range_block(const struct kio_level *level);
size_t kio__range_size(void);
int kio__ranges_create(struct kio__ranges **ranges, uint32_t block);
void kio__ranges_destroy(struct kio__ranges **ranges);
/* From now on several threads use it. */
void kio__ranges_share(struct kio__ranges *ranges);

/* Levels are numbered depth first: the first leg is the next. */
static inline struct kio_level *
kio__below(struct kio_level *level)
{
	return level + 1;
}

/*
 * Statistics are written by one thread and read by any: a word that is never
 * torn, and may be a little old. As one instruction, where nobody checks for
 * data races.
 */
static inline void
kio__bump(uint64_t *counter, uint64_t by)
{
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)
	__asm__("addq %1, %0" : "+m"(*counter) : "er"(by));
#else
	__atomic_store_n(counter, *counter + by, __ATOMIC_RELAXED);
#endif
}

/*
 * Operation, flags and bits as one word. Written as one, they are read as one:
 * a wide load of what was stored in pieces waits until the pieces are in the
 * cache.
 */
static inline uint32_t
kio__head(const struct kio_frame *frame)
{
	uint32_t head;

	memcpy(&head, &frame->op, sizeof(head));
	return head;
}

static inline void
kio__set_head(struct kio_frame *frame, uint32_t head)
{
	memcpy(&frame->op, &head, sizeof(head));
}

#define KIO__HEAD_OP_FLAGS 0x0000ffffu
#define KIO__HEAD_SLOW_OP 0x000000feu /* neither read nor write */
#define KIO__HEAD_BITS(bits) ((uint32_t)(bits) << 16)

/* Grows from another thread. */
static inline uint64_t
kio__level_size(const struct kio_level *level)
{
	return __atomic_load_n(&level->size, __ATOMIC_RELAXED);
}

/* A frame arrives at a level: checked, counted, submitted. */
static inline __attribute__((always_inline)) void
kio__enter(struct kio_frame *frame, struct kio_level *level, uint32_t head, uint64_t offset,
	   uint64_t len)
{
	if (kio__likely((head & KIO__HEAD_SLOW_OP) == 0 && ((offset | len) & level->mask) == 0 &&
			len <= level->max_len && offset + len <= kio__level_size(level))) {
		kio__bump(&level->ios, 1);
		kio__bump(&level->bytes, len);
		level->submit(level->layer, frame);
	} else {
		kio__enter_slowly(frame, level);
	}
}

#endif
