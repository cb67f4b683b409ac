/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_PIECES_H
#define KIOBUF_PIECES_H

/*
 * kio_pieces: one operation, each piece of which can be used as soon as it is
 * done; and which tells of every range what became of it.
 *
 *   operation   [  0  |     1     |     2     |  3  ]   ends of pieces: multiples of grain
 *                  |        |           |        |      each through all layers, as an I/O
 *                  v        v           v        v
 *   ready()       2nd      1st         4th      3rd     then done(), and the event
 *
 *	struct kio_pieces *pieces = kio_pieces_create(channel, 65536, 1 << 20);
 *
 *	kio_pieces_submit(pieces, KIO_READ, 0, offset, kio_buf(kio, memory, 1 << 20), use, all_read);
 *
 *	static void use(struct kio_pieces *pieces, uint64_t from, uint64_t len, int status)
 *	{
 *		if (status == 0)
 *			send(memory + from, len);
 *	}
 *
 * A container tells the hull of what failed, and that is enough for most. This
 * is for who needs more: a player that begins with the first block, a copy that
 * saves what can be read of a disk that is dying.
 *
 * Rules
 *  1. A piece ends where the operation does, or at a multiple of grain on the
 *     stack. So many are in flight as there is room for (32 at most); a merge
 *     below makes them one I/O again.
 *  2. ready() runs on the loop, once for each piece, in any order, before done().
 *     The memory of that piece is the caller's again: no layer touches it any more.
 *     A piece that was not begun when the operation was cancelled has no ready().
 *  3. The whole has the status of the error lowest in byte order. The event
 *     fires, and done() runs, when all pieces are back; never inside submit.
 *  4. kio_pieces_range says what became of each range, also before the end:
 *     see enum kio_outcome.
 *  5. It belongs to one channel, and its thread. Nothing is allocated after create.
 *  6. Memory with a kio_mem is shared while it is used by several pieces, so a
 *     layer that changes data makes a copy of it.
 */

#include <kiobuf/kio.h>

KIO_BEGIN

struct kio_pieces {
	struct kio_event event; /* its status is that of the whole */
	void *priv;             /* the caller's */
};

/* What became of a range. */
enum kio_outcome {
	KIO_MOVED,   /* all of it is where it was to go */
	KIO_FAILED,  /* a read: the memory holds nothing of use; a change: it was not begun */
	KIO_UNKNOWN, /* a change failed on its way: old bytes, new ones, or of both */
	KIO_UNDERWAY, /* it is in flight, or has yet to begin */
};

struct kio_range {
	uint64_t from, len; /* from the start of the operation */
	enum kio_outcome outcome;
	int status; /* of what failed or is unknown: -errno */
};

/*
 * For operations of up to `longest` bytes, in pieces of `grain`, a power of two of
 * at least the stack's block. NULL: out of memory, or no such grain.
 */
KIO_PUBLIC struct kio_pieces *kio_pieces_create(struct kio_channel *channel, uint64_t grain,
						uint64_t longest);

/* Not in flight. NULL is allowed. */
KIO_PUBLIC void kio_pieces_destroy(struct kio_pieces *pieces);

/*
 * op: read, write, discard or write-zeroes; flags and data as for kio_prepare.
 * ready and done may be NULL. More than `longest` bytes, or another op: the
 * whole fails with -EINVAL.
 */
KIO_PUBLIC void kio_pieces_submit(struct kio_pieces *pieces, enum kio_op op, unsigned flags,
				  uint64_t offset, struct kio_iter data,
				  void (*ready)(struct kio_pieces *pieces, uint64_t from,
						uint64_t len, int status),
				  void (*done)(struct kio_pieces *pieces));

/* As kio_cancel, of all that is in flight; what has not begun does not begin. */
KIO_PUBLIC void kio_pieces_cancel(struct kio_pieces *pieces);

/* The range that begins at `from`, as far as all is alike. False: the operation ends there. */
KIO_PUBLIC bool kio_pieces_range(const struct kio_pieces *pieces, uint64_t from,
				 struct kio_range *range);

KIO_END

#endif
