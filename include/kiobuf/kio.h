/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_KIO_H
#define KIOBUF_KIO_H

/*
 * kio: the I/O container. One operation on its way through a stack, with the
 * memory it moves, a frame for each layer, and an event for its completion.
 *
 *   caller                                         done(), then the event's
 *     |  kio_read                                  callbacks and groups
 *     v                                               ^
 *   frame 0  crypt   offset 8K     data A --------- done: decrypts
 *     |  pass                                         ^
 *     v                                               |
 *   frame 1  crop, file   1M+8K    data A --io_uring--+
 *
 * It is one allocation, made once and used again and again. It is never copied
 * or cloned on its way: every layer sees the same address. One that must be
 * split has its parts carried by containers of the splitting level's reserve.
 *
 *	struct kio *kio = kio_create(channel, 1);
 *
 *	kio->priv = job;
 *	kio_read(kio, 0, kio_buf(kio, page, sizeof(page)), page_read);
 *
 * Rules
 *  1. A container belongs to one channel, and so to one loop and its thread.
 *  2. From submission to done() it belongs to the stack; its memory too.
 *  3. done() runs exactly once for each submission, and never inside it. The
 *     container can be submitted again or destroyed in done().
 *  4. When done() runs nobody below will touch the memory again.
 *  5. Status is 0 or -errno. On failure the bytes outside
 *     [fail_from, fail_from + fail_len), counted from the start of the
 *     operation, were moved; of those inside some may have been, and what a
 *     failed write left there is unknown.
 */

#include <kiobuf/base.h>
#include <kiobuf/chain.h>
#include <kiobuf/event.h>
#include <kiobuf/loop.h>
#include <kiobuf/op.h>

KIO_BEGIN

struct kio;
struct kio_channel;
struct kio_frame;
struct kio_level;
struct kio_join;

typedef void (*kio_done_fn)(struct kio *kio);

struct kio {
	/* the first line: all that a successful I/O touches besides its frames */
	struct kio_event event; /* its status is kio_status */
	struct kio_task task;   /* the loop's */
	struct kio_frame *frame;
	kio_done_fn done;
	void *priv; /* the caller's */
	struct kio_channel *channel;

	struct kio_level *start;
	struct kio_chain chain; /* the caller's, between submissions */
	uint64_t fail_from;     /* on failure */
	uint64_t fail_len;
	uint64_t extent_len; /* the answer of kio_extent */
	uint32_t extent_flags;
	uint32_t bytes; /* size of the allocation */

	char *area;            /* the layers' private areas */
	struct kio_join *join; /* of a part: where it meets the others */
	struct kio *of_reserve; /* of a part: the next of its reserve */
	uint64_t part_start;
	uint64_t part_covers;
	uint64_t part_offset;
	uint32_t part_leg;
	uint32_t lent; /* holds lent memory: 0, or 1 + its first page of the lend budget */
	void (*lent_release)(struct kio_frame *frame);
	struct kio_frame *lender;
	struct kio_frame *held; /* of kio_resume_post */
} __attribute__((aligned(64)));

/*
 * A container for the channel's stack, with room for segs segments of its own.
 * NULL: out of memory. The only allocation in the life of a container.
 */
KIO_PUBLIC struct kio *kio_create(struct kio_channel *channel, unsigned segs);

/* Not in flight. NULL is allowed. */
KIO_PUBLIC void kio_destroy(struct kio *kio);

/* Puts one piece of memory into the container's own chain; returns its view. */
static inline struct kio_iter
kio_buf(struct kio *kio, void *base, size_t len)
{
	kio->chain.count = 1;
	kio->chain.len = len;
	kio->chain.segs[0].base = base;
	kio->chain.segs[0].len = len;
	kio->chain.segs[0].mem = NULL;
	return kio_chain_iter(&kio->chain);
}

/*
 * Describes an operation without starting it: the moment to attach to its
 * event. flags: KIO_FUA, KIO_NO_UNMAP. done may be NULL when the event is
 * enough; otherwise it is called last.
 */
static inline void kio_prepare(struct kio *kio, enum kio_op op, unsigned flags, uint64_t offset,
			       struct kio_iter data, kio_done_fn done);

/*
 * What kio_prepare calls. The view travels in registers: one passed in memory
 * is written in words and read back in vectors, which costs more than a layer.
 */
KIO_PUBLIC void kio_prepare_view(struct kio *kio, unsigned op_and_flags, uint64_t offset,
				 const struct kio_seg *seg, size_t skip, uint64_t len);

static inline void
kio_prepare(struct kio *kio, enum kio_op op, unsigned flags, uint64_t offset,
	    struct kio_iter data, kio_done_fn done)
{
	kio->done = done;
	kio_prepare_view(kio, (unsigned)op | flags << 8, offset, data.seg, data.skip, data.len);
}

/* Starts what was prepared. */
KIO_PUBLIC void kio_submit(struct kio *kio);

/* Any thread: submits on the container's loop. */
KIO_PUBLIC void kio_post(struct kio *kio);

/*
 * Asks for an early end; on the container's loop, nothing if it is not in
 * flight. The wish reaches the parts, and through them the drivers. There is
 * one completion as ever, and then nobody touches the memory any more: with
 * -ECANCELED, or with what really happened.
 */
KIO_PUBLIC void kio_cancel(struct kio *kio);

/*
 * For the `lost` of an arm that kio_group_own gives a container's event:
 * kio_cancel. The group is an owner's, or decided on the container's loop.
 */
KIO_PUBLIC struct kio_event *kio_lost(struct kio_cb *cb, int status);

/* kio_prepare_view and kio_submit in one. */
KIO_PUBLIC void kio_submit_view(struct kio *kio, unsigned op_and_flags, uint64_t offset,
				const struct kio_seg *seg, size_t skip, uint64_t len);

/* Into the caller's memory. */
static inline void
kio_read(struct kio *kio, uint64_t offset, struct kio_iter into, kio_done_fn done)
{
	kio->done = done;
	kio_submit_view(kio, KIO_READ, offset, into.seg, into.skip, into.len);
}

/* The mem of each segment says what the memory means; see kio_mem. */
static inline void
kio_write(struct kio *kio, uint64_t offset, struct kio_iter from, unsigned flags, kio_done_fn done)
{
	kio->done = done;
	kio_submit_view(kio, KIO_WRITE | flags << 8, offset, from.seg, from.skip, from.len);
}

static inline void
kio_flush_all(struct kio *kio, kio_done_fn done)
{
	kio_prepare(kio, KIO_FLUSH, 0, 0, kio_iter_none(0), done);
	kio_submit(kio);
}

/* op: KIO_DISCARD or KIO_WRITE_ZEROES. */
static inline void
kio_clear(struct kio *kio, enum kio_op op, uint64_t offset, uint64_t len, unsigned flags,
	  kio_done_fn done)
{
	kio_prepare(kio, op, flags, offset, kio_iter_none(len), done);
	kio_submit(kio);
}

/*
 * What lies at offset: afterwards extent_len bytes (at least 1, at most len)
 * from there on are alike, and extent_flags says how: KIO_EXTENT_HOLE,
 * KIO_EXTENT_ZERO, or neither: data.
 */
static inline void
kio_extent(struct kio *kio, uint64_t offset, uint64_t len, kio_done_fn done)
{
	kio_prepare(kio, KIO_EXTENTS, 0, offset, kio_iter_none(len), done);
	kio_submit(kio);
}

/*
 * A read into memory from below: when done() runs with status 0, kio_data is
 * where the bytes are, for reading only, until kio_release. Where the stack can
 * not lend, the memory comes from the channel's lend budget, and the read waits
 * at the top when that is spent. After a failure there is nothing to release.
 * The budget's memory is allocated at the first lend that needs it.
 */
KIO_PUBLIC void kio_lend(struct kio *kio, uint64_t offset, uint64_t len, kio_done_fn done);

/* Gives lent memory back. Before the next use, and before the channel closes. */
KIO_PUBLIC void kio_release(struct kio *kio);

/* The memory of the operation that completed. */
KIO_PUBLIC struct kio_iter kio_data(const struct kio *kio);

/* 0 or -errno; valid once done() or the event has fired. */
static inline int
kio_status(const struct kio *kio)
{
	return kio->event.status;
}

/* Bytes that were moved for certain. */
KIO_PUBLIC uint64_t kio_moved(const struct kio *kio);

KIO_END

#endif
