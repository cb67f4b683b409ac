/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_LAYER_H
#define KIOBUF_LAYER_H

/*
 * For authors of layers and drivers. A layer is a class: a table of callbacks,
 * all optional, and a table of options.
 *
 *   no submit   the request passes as it is
 *   no done     the result passes; the layer needs no frame of its own
 *   part        the layer fans out; the core asks for one part after another
 *   no legs     a driver: submit completes the frame, later
 *
 * docs/layer.md writes one in fifteen minutes.
 *
 * Rules
 *  1. submit finishes its frame exactly once, now or later, with one of:
 *     kio_pass and its variants, kio_split, kio_complete. It keeps the frame
 *     as long as it likes.
 *  2. A frame's fields are the layer's to read. It does not write them: what
 *     goes down is said by the arguments of pass. frame->priv is its to use.
 *     The way back up shows the same values.
 *  3. The core has checked range, alignment and right to write before submit.
 *  4. Nothing here allocates, blocks, or completes inside the call.
 *  5. All callbacks of one frame run on its loop's thread. Several loops may
 *     run the same layer: state in the layer that changes after open is shared
 *     between threads; state in the channel area is not.
 *  6. Where data is changed, kio_writable says in which memory.
 */

#include <kiobuf/base.h>
#include <kiobuf/chain.h>
#include <kiobuf/control.h>
#include <kiobuf/kio.h>
#include <kiobuf/loop.h>
#include <kiobuf/op.h>
#include <kiobuf/stack.h>

KIO_BEGIN

#define KIO_LAYER_ABI 1u

struct kio_layer;
struct kio_level;

/* One layer's view of a container: one cache line. */
struct kio_frame {
	struct kio *kio;
	struct kio_level *level;
	uint64_t offset;
	struct kio_iter data;
	uint8_t op;     /* enum kio_op */
	uint8_t flags;  /* KIO_FUA, KIO_NO_UNMAP */
	uint16_t bits;  /* the core's */
	uint32_t spare; /* the core's */
	uintptr_t priv; /* the layer's; 0 when submit is called first */
};

/* What done says. */
enum kio_next {
	KIO_UP,    /* go on to the layer above */
	KIO_HOLD,  /* wait for kio_resume or kio_resume_post */
	KIO_AGAIN, /* call submit again with this frame, as it first was; not if it was cancelled */
};

/* A part of a frame that fans out. */
struct kio_part {
	unsigned leg;
	enum kio_op op;       /* the frame's, unless part() changes it */
	unsigned flags;       /* the frame's, unless part() changes it */
	uint64_t offset;      /* on the leg */
	struct kio_iter data; /* of length > 0, except for flush */
	uint64_t start;       /* where it begins in the frame's data; what was taken before part() */
	uint64_t covers;      /* bytes of the frame's data it stands for; 0: as many as its own */
	uintptr_t priv;       /* kept from part() to part_done() */
	bool later;           /* part() returns false: none now. The next part that comes back, or
				 kio_split_more, asks again */
	/* part_done: what came out, and may be changed */
	int status;
	uint32_t extent_flags;
	uint64_t extent_len;
};

/* --- options ------------------------------------------------------------ */

enum kio_opt_type {
	KIO_TYPE_SIZE,   /* uint64_t; K, M, G, T are powers of 1024 */
	KIO_TYPE_UINT,   /* unsigned */
	KIO_TYPE_BOOL,   /* bool; yes, no; as a bare word: yes */
	KIO_TYPE_STRING, /* const char * */
	KIO_TYPE_TIME,   /* uint64_t nanoseconds; ns, us, ms, s, m */
	KIO_TYPE_CHOICE, /* int: index into choices */
	KIO_TYPE_SECRET, /* struct kio_secret; from NAME-file=, NAME-fd= or NAME-credential= */
	KIO_TYPE_STACK,  /* struct kio_layer *: NAME={ stack }, opened before the layer */
};

#define KIO_OPT_MAIN 1u     /* the first bare word is its value */
#define KIO_OPT_REQUIRED 2u /* there is no default */
/*
 * kio_control_set changes it while requests run: a number, a choice or yes|no.
 * The core stores it as one word; the layer reads it with KIO_OPT_NOW.
 */
#define KIO_OPT_CHANGEABLE 4u
/* Of a stack: it becomes the layer's last leg, and not one at its side: parts can go there. */
#define KIO_OPT_LEG 8u

/* A changeable option as it is now. */
#define KIO_OPT_NOW(ptr) __atomic_load_n((ptr), __ATOMIC_RELAXED)

/* Wiped and freed by the core when the stack closes. */
struct kio_secret {
	unsigned char *data;
	size_t len;
};

struct kio_opt {
	const char *name; /* of the member; the user writes - for _ */
	enum kio_opt_type type;
	size_t at;      /* offsetof the member */
	uint64_t value; /* default of numbers, bools and choices */
	const char *text; /* default of strings; may be NULL */
	const char *const *choices; /* NULL at the end */
	const char *help;
	unsigned flags;
};

/* Rows of the table; further fields can be named at the end: .flags = KIO_OPT_MAIN */
#define KIO_OPT_SIZE(type_, member, default_, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_SIZE, .at = offsetof(type_, member), \
	  .value = (default_), .help = (help_), ##__VA_ARGS__ }
#define KIO_OPT_UINT(type_, member, default_, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_UINT, .at = offsetof(type_, member), \
	  .value = (default_), .help = (help_), ##__VA_ARGS__ }
#define KIO_OPT_BOOL(type_, member, default_, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_BOOL, .at = offsetof(type_, member), \
	  .value = (default_), .help = (help_), ##__VA_ARGS__ }
#define KIO_OPT_TIME(type_, member, default_, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_TIME, .at = offsetof(type_, member), \
	  .value = (default_), .help = (help_), ##__VA_ARGS__ }
#define KIO_OPT_STRING(type_, member, default_, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_STRING, .at = offsetof(type_, member), \
	  .text = (default_), .help = (help_), ##__VA_ARGS__ }
#define KIO_OPT_CHOICE(type_, member, default_, choices_, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_CHOICE, .at = offsetof(type_, member), \
	  .value = (default_), .choices = (choices_), .help = (help_), ##__VA_ARGS__ }
#define KIO_OPT_SECRET(type_, member, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_SECRET, .at = offsetof(type_, member), \
	  .help = (help_), ##__VA_ARGS__ }
#define KIO_OPT_STACK(type_, member, help_, ...) \
	{ .name = #member, .type = KIO_TYPE_STACK, .at = offsetof(type_, member), \
	  .help = (help_), ##__VA_ARGS__ }

/* --- classes and layers ------------------------------------------------- */

#define KIO_CHANGES_DATA 0x01u     /* bytes below differ: no zeroes or holes pass; a read fails as a whole */
#define KIO_KEEPS_DATA 0x02u       /* needs the caller's bytes after passing them on */
#define KIO_ORDERED_WRITES 0x04u   /* overlapping changes run one after the other */
#define KIO_SEES_PARTS 0x08u       /* part_done sees all parts; else those that failed, and extents */
#define KIO_PARTS_FLUSH 0x10u      /* part() is asked for flushes too; else they go to every leg */
#define KIO_ENDS_CHANGES 0x20u     /* a change that has been split is not cancelled: legs stay alike */
#define KIO_REPLACES_LEGS 0x40u    /* kio_stack_options.new_leg may be one of its legs */
#define KIO_SHARES_BASE 0x80u      /* its first leg, and what is below that, is only read, and never created */

struct kio_class {
	uint32_t abi;         /* KIO_LAYER_ABI */
	uint32_t struct_size; /* sizeof(struct kio_class) */
	const char *name;
	const char *summary;  /* a line for `kiobuf layers` */
	const char *maturity; /* "stable", "beta", "lab" */
	size_t size;         /* of the instance; a struct kio_layer comes first in it */
	size_t frame_size;   /* private bytes for each request; kio_frame_area */
	size_t channel_size; /* private bytes for each channel; kio_frame_channel */
	const struct kio_opt *opts;
	unsigned min_legs, max_legs; /* 0, 0: a driver; max_legs UINT32_MAX: any number */
	unsigned bits;
	size_t max_copy; /* longest piece kio_writable and kio_bounce hand out; 0: 64 KiB, where
			    the class changes data or its limits have a mem_align, else none */

	/*
	 * Checks the options against the layers below and states the limits.
	 * When open is called layer->limits is what all legs have in common, with
	 * the size of the first; for a driver all zero but for block 1, best 4096,
	 * mem_align 1 and the operations read, write and flush. Legs can be read
	 * and written with kio_leg_*. close undoes an open that succeeded; its
	 * error is reported, and the layer is closed anyhow.
	 */
	int (*open)(struct kio_layer *layer, struct kio_diag *diag);
	int (*close)(struct kio_layer *layer); /* all channels are closed; legs can be written */
	/* Instead of open, when the stack is being created: writes metadata, then as open. */
	int (*create)(struct kio_layer *layer, struct kio_diag *diag);

	/*
	 * May a leg that does not open be left out? Then kio_leg_absent tells which.
	 * Not asked after -EDEADLK: what a driver opens is in the stack already.
	 */
	bool (*spares_legs)(const struct kio_layer *layer);

	int (*channel_open)(struct kio_layer *layer, struct kio_channel *channel, void *area);
	void (*channel_close)(struct kio_layer *layer, struct kio_channel *channel, void *area);
	/*
	 * For a layer that works on a channel by itself: before the channel closes,
	 * or its loop's own thread ends, it begins nothing more there. False: some
	 * is in flight; asked again when the loop has done a round.
	 */
	bool (*channel_quiet)(struct kio_layer *layer, struct kio_channel *channel, void *area);

	void (*submit)(struct kio_layer *layer, struct kio_frame *frame);
	/* The next part of frame, for kio_split. False: there is none left. */
	bool (*part)(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part);
	/*
	 * A part came back. KIO_UP: it counts with part->status. KIO_AGAIN: send
	 * it again as op, flags, offset, data and leg of *part now say.
	 */
	enum kio_next (*part_done)(struct kio_layer *layer, struct kio_frame *frame,
				   struct kio_part *part);
	/* The result is back: kio_frame_status. Runs after all parts for one that fans out. */
	enum kio_next (*done)(struct kio_layer *layer, struct kio_frame *frame);

	/*
	 * Somebody wants this frame to end, which submit has kept: complete it now
	 * if that is possible, with -ECANCELED. Absent: it ends when it ends. What
	 * waits in the core, and the parts of a split, are the core's to cancel;
	 * of frames that are apart only where this is absent.
	 */
	void (*cancel)(struct kio_layer *layer, struct kio_frame *frame);

	/*
	 * Grows to size, the legs first by kio_leg_resize. Absent: -ENOTSUP. A
	 * layer of its leg's size names kio_resize_below.
	 */
	int (*resize)(struct kio_layer *layer, uint64_t size, struct kio_diag *diag);
	/* A few words on its state, for info; may be empty. */
	void (*describe)(const struct kio_layer *layer, char *text, size_t size);

	/* How it is; asked on any thread, and answered without waiting. Absent: always well. */
	enum kio_health (*health)(const struct kio_layer *layer);
	/* The same of a leg, and a few words on it; text may be left empty. */
	enum kio_health (*leg_health)(const struct kio_layer *layer, unsigned leg, char *text,
				      size_t size);
	/* How far is what it does by itself? As health; false: it does nothing. */
	bool (*progress)(const struct kio_layer *layer, struct kio_progress *progress);
	/* What an operator can ask for; see kiobuf/control.h. */
	const struct kio_operation *operations;
	/*
	 * A changeable option is about to get this value, which the core stores
	 * when 0 comes back. Beside requests on all loops. Absent: all that parse do.
	 */
	int (*set)(struct kio_layer *layer, const struct kio_opt *opt, uint64_t value,
		   struct kio_diag *diag);
};

/*
 * A module, kiobuf-NAME.so, exports its classes:
 *
 *	const struct kio_class *const kio_module_classes[] = { &my_class, NULL };
 */
extern const struct kio_class *const kio_module_classes[];

/* A node of an open stack; the first member of the class's own structure. */
struct kio_layer {
	const struct kio_class *class_;
	struct kio_stack *stack;
	struct kio_layer *above; /* NULL for the top */
	struct kio_layer *below; /* the first leg; NULL for a driver */
	struct kio_layer **legs;
	unsigned leg_count;
	unsigned index; /* depth first, from 0 */
	unsigned depth;
	char *name;
	struct kio_limits limits; /* the layer's own; changed in open and resize only */
	unsigned apart;      /* set in open: copies of a request's data that kio_split_apart makes room for */
	bool apart_changes;  /* set in open: changes and flushes are split apart, too, all of them */
	unsigned stragglers; /* set in open: so many more copies of requests may be under way */
	void *core;
};

/* --- down --------------------------------------------------------------- */

/* The same range, one layer down. */
KIO_PUBLIC void kio_pass(struct kio_frame *frame);
/* Another offset. */
KIO_PUBLIC void kio_pass_at(struct kio_frame *frame, uint64_t offset);
/* Another offset on a leg. The whole request, in the same container. */
KIO_PUBLIC void kio_pass_leg(struct kio_frame *frame, unsigned leg, uint64_t offset);
/* Other memory of the same length: what kio_writable or kio_bounce gave. */
KIO_PUBLIC void kio_pass_data(struct kio_frame *frame, uint64_t offset, struct kio_iter data);

/*
 * Fans out by the class's part(), and completes when all parts are drained: 0,
 * or the error lowest in byte order. A first part that takes all the data is
 * passed on in the same container.
 */
KIO_PUBLIC void kio_split(struct kio_frame *frame);

/* Parts that were put off by part->later are asked for again. */
KIO_PUBLIC void kio_split_more(struct kio_frame *frame);

/*
 * A request that may end before its parts are back: for a layer with ordered
 * writes that has set layer->apart in open. submit calls kio_split_apart for
 * reads, and where the layer says apart_changes for all other requests. A copy
 * of the frame, with memory of the layer's own, takes the range and comes to
 * submit in turn, as kio_frame_is_copy tells. part(), part_done(), which sees
 * all parts of it, and done() see the copy, which has an area and a priv of its
 * own; the latter begins as the frame's. The data of the copy are apart times
 * as long, and so are there for as many parts. The frame ends when the copy
 * does, with what came out; or before, by kio_end, and then the copy is a
 * straggler, which keeps its range until it is drained. A flush waits for the
 * ranges of all changes before it.
 */
KIO_PUBLIC void kio_split_apart(struct kio_frame *frame);

KIO_PUBLIC bool kio_frame_is_copy(const struct kio_frame *frame);
/* The frame's copy; NULL: it waits for one, or has ended. */
KIO_PUBLIC struct kio_frame *kio_frame_copy(const struct kio_frame *frame);
/* The frame that waits for this copy; NULL: it has ended. */
KIO_PUBLIC struct kio_frame *kio_frame_waiter(const struct kio_frame *copy);
/*
 * Ends a frame that is apart. from: of a read that succeeded, its bytes in the
 * copy's memory. False: its copy has ended it in this round of the loop.
 */
KIO_PUBLIC bool kio_end(struct kio_frame *frame, int status, const void *from);

/*
 * Ranges, in layers with ordered writes. kio_range_observe, in submit of a
 * read: true: no change that came before is under way there; false: submit is
 * called again when that is so. kio_range_leave: changes that overlap this one
 * need not wait for it any more; for a straggler that reaches only what nobody
 * reads. kio_range_hold: for work of the layer's own, with a container that
 * starts at the layer: as a change there would, until kio_range_release.
 */
KIO_PUBLIC bool kio_range_observe(struct kio_frame *frame);
KIO_PUBLIC void kio_range_leave(struct kio_frame *frame);
KIO_PUBLIC void kio_range_hold(struct kio *kio, uint64_t offset, uint64_t len, kio_done_fn held);
KIO_PUBLIC void kio_range_release(struct kio *kio);

/* When the request arrived at the layer of which this frame, in submit, is all or a part. */
KIO_PUBLIC uint64_t kio_frame_arrived(const struct kio_frame *frame);

/* In part(): bytes taken so far, bytes left, and taking the next. Other parts carry frame->data. */
KIO_PUBLIC uint64_t kio_frame_taken(const struct kio_frame *frame);
KIO_PUBLIC uint64_t kio_frame_rest(const struct kio_frame *frame);
KIO_PUBLIC struct kio_iter kio_frame_take(struct kio_frame *frame, uint64_t len);
/* In part(): parts handed out so far. */
KIO_PUBLIC unsigned kio_frame_parts(const struct kio_frame *frame);

/*
 * Memory in which the bytes that go down may be changed: the frame's own where
 * its right allows, else the layer's, and then the bytes that the layer puts
 * there count as copied. False: the frame is the core's now (it waits for
 * memory, or was split); return from submit, which is called again.
 */
KIO_PUBLIC bool kio_writable(struct kio_frame *frame, struct kio_iter *out);

/*
 * Memory of the layer's own for all of the frame, aligned to 4096, filled with
 * the data of a write; a read's is copied to the frame's memory when the frame
 * completes. Counted as copied. False: as kio_writable.
 */
KIO_PUBLIC bool kio_bounce(struct kio_frame *frame, struct kio_iter *out);

/*
 * len bytes of the layer's own memory (at most max_copy), aligned to 4096, not
 * cleared, until the frame completes; once for a frame, instead of the two
 * above. False: as kio_writable.
 */
KIO_PUBLIC bool kio_scratch(struct kio_frame *frame, size_t len, void **base);

/* Bytes the layer copied by itself, for its statistics. */
KIO_PUBLIC void kio_count_copied(struct kio_frame *frame, uint64_t len);
/* So many requests, this one among them, go on as one of the layer's own. */
KIO_PUBLIC void kio_count_merged(struct kio_frame *frame, unsigned requests);

/* --- up ----------------------------------------------------------------- */

/* This frame is finished. On failure all its bytes count as failed. */
KIO_PUBLIC void kio_complete(struct kio_frame *frame, int status);
/* status < 0: just [from, from + len) of its data failed. */
KIO_PUBLIC void kio_complete_failed(struct kio_frame *frame, int status, uint64_t from,
				    uint64_t len);
/* The answer of KIO_EXTENTS. */
KIO_PUBLIC void kio_complete_extent(struct kio_frame *frame, uint64_t len, uint32_t extent_flags);
/*
 * A read without memory (frame->data.seg is &kio_no_data) is answered with the driver's, which keeps it until
 * release; for drivers with limits.lend. release may be NULL.
 */
KIO_PUBLIC void kio_complete_lent(struct kio_frame *frame, struct kio_iter data,
				  void (*release)(struct kio_frame *frame));

/* In done(). */
static inline int
kio_frame_status(const struct kio_frame *frame)
{
	return frame->kio->event.status;
}

/* Somebody called kio_cancel for it. */
KIO_PUBLIC bool kio_frame_cancelled(const struct kio_frame *frame);

/* In done(): what the layer above sees. */
KIO_PUBLIC void kio_frame_set_status(struct kio_frame *frame, int status);

/* Ends a hold: the layer above sees status. On the frame's loop. */
KIO_PUBLIC void kio_resume(struct kio_frame *frame, int status);
/* The same from any thread, even before done() returned KIO_HOLD. */
KIO_PUBLIC void kio_resume_post(struct kio_frame *frame, int status);

/* --- around ------------------------------------------------------------- */

/* The class's frame_size bytes, the same from submit to done; not cleared. */
KIO_PUBLIC void *kio_frame_area(const struct kio_frame *frame);
/* The class's channel_size bytes of the frame's channel. */
KIO_PUBLIC void *kio_frame_channel(const struct kio_frame *frame);
KIO_PUBLIC struct kio_loop *kio_frame_loop(const struct kio_frame *frame);

/* A layer's area in a channel. */
KIO_PUBLIC void *kio_channel_area(struct kio_channel *channel, const struct kio_layer *layer);

/*
 * A container that starts at any layer of the channel's stack: for I/O of a
 * layer's own. Made in channel_open, destroyed in channel_close.
 */
KIO_PUBLIC struct kio *kio_create_at(struct kio_channel *channel, const struct kio_layer *start,
				     unsigned segs);

/* A sentence for the user, from open and the like; returns error. See kio_format. */
KIO_PUBLIC int kio_refuse(struct kio_diag *diag, int error, const char *format, ...);

/*
 * %s string, %d int, %u unsigned, %U uint64_t, %x uint64_t in hex, %c char,
 * %S uint64_t as a size ("4K"), %T uint64_t nanoseconds ("20ms"), %e an errno
 * in words, %q string, quoted where a shell needs that, %%. Returns the length
 * the whole text has.
 */
KIO_PUBLIC size_t kio_format(char *text, size_t size, const char *format, ...);

/* "5ms": ns, us, ms, s, m. 0, or -EINVAL. */
KIO_PUBLIC int kio_parse_time(const char *text, uint64_t *ns);

/* "No space left on device" for ENOSPC or -ENOSPC. */
KIO_PUBLIC const char *kio_error_text(int error);

/* A message for the operator, on the layer's name. As kio_format. */
KIO_PUBLIC void kio_log(const struct kio_layer *layer, enum kio_severity severity,
			const char *format, ...);

/*
 * The layer's health has changed to this, and what it answers when asked does
 * show it: goes to the log at once, and to those who watch. Any thread; does not
 * block. repair: what `kiobuf ctl SOCK` is to be told ("resync left");
 * NULL: nothing can be. See %q for names in it.
 */
KIO_PUBLIC void kio_notice(const struct kio_layer *layer, enum kio_health health,
			   const char *repair, const char *format, ...);

/* A leg that was left out; nothing may be sent to it. */
KIO_PUBLIC bool kio_leg_absent(const struct kio_layer *leg);

/* A leg that takes the place of another: kio_stack_options.new_leg. */
KIO_PUBLIC bool kio_leg_new(const struct kio_layer *leg);

/* kio_stack_options.create, or below a leg that is new; a shared base never is. */
KIO_PUBLIC bool kio_layer_creating(const struct kio_layer *layer);
KIO_PUBLIC bool kio_layer_read_only(const struct kio_layer *layer); /* opened for reading only; a shared base is */
KIO_PUBLIC bool kio_layer_force(const struct kio_layer *layer);     /* kio_stack_options.force */
KIO_PUBLIC unsigned kio_layer_reserve(const struct kio_layer *layer); /* kio_stack_options.reserve, or its default */

/* The longest read or write that neither leg nor a layer below it splits for its length; UINT64_MAX: none. */
KIO_PUBLIC uint64_t kio_leg_longest(const struct kio_layer *leg);

/* Blocking I/O on a layer below, in open, create, resize and close only. 0 or -errno. */
KIO_PUBLIC int kio_leg_read(struct kio_layer *leg, void *into, size_t len, uint64_t offset);
KIO_PUBLIC int kio_leg_write(struct kio_layer *leg, const void *from, size_t len,
			     uint64_t offset, unsigned flags);
KIO_PUBLIC int kio_leg_zero(struct kio_layer *leg, uint64_t len, uint64_t offset);
KIO_PUBLIC int kio_leg_flush(struct kio_layer *leg);
KIO_PUBLIC int kio_leg_resize(struct kio_layer *leg, uint64_t size, struct kio_diag *diag);
KIO_PUBLIC int kio_resize_below(struct kio_layer *layer, uint64_t size, struct kio_diag *diag);

KIO_END

#endif
