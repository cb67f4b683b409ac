/* SPDX-License-Identifier: MIT */
/*
 * An operation in pieces, each an I/O of its own from the top of the stack: so
 * all interceptors have seen it when it is used. Pieces are begun in order, as
 * containers come back; what each came to is noted until the next operation.
 */
#include <kiobuf/pieces.h>

#include "core/frame.h"

#define IN_FLIGHT 32u

/* What a piece came to. */
struct note {
	uint64_t fail_from, fail_len; /* in the piece */
	int status;
	bool over;
};

struct carrier {
	struct pieces *pieces;
	struct kio *kio;
	struct carrier *next; /* that is idle */
	uint64_t index;       /* of its piece */
};

struct pieces {
	struct kio_pieces pub;
	void (*ready)(struct kio_pieces *pieces, uint64_t from, uint64_t len, int status);
	void (*done)(struct kio_pieces *pieces);
	uint64_t grain, longest;

	enum kio_op op;
	unsigned flags;
	uint64_t offset, len;
	struct kio_iter data, rest;
	uint64_t begun; /* bytes */
	unsigned out;
	int status;
	uint64_t error_at;
	bool stopped; /* nothing more begins */

	struct kio_task task; /* ends what never began */
	struct kio_loop *loop;
	struct carrier *idle;
	unsigned carrier_count;
	struct carrier *carriers;
	struct note *notes;
};

static struct pieces *
pieces_of(const struct kio_pieces *pub)
{
	return kio_container_of((struct kio_pieces *)(uintptr_t)pub, struct pieces, pub);
}

/* --- create and destroy ----------------------------------------------------- */

struct kio_pieces *
kio_pieces_create(struct kio_channel *channel, uint64_t grain, uint64_t longest)
{
	uint32_t mask = channel->top->mask;
	struct pieces *pieces;
	uint64_t count;

	if (!kio__is_power_of_two(grain) || (grain & mask) != 0 || longest == 0 || longest > UINT64_MAX / 2)
		return NULL;
	/* one more where the first begins within a grain */
	count = longest / grain + 2;
	if (count > UINT32_MAX)
		return NULL;
	pieces = kio__alloc(sizeof(*pieces));
	if (pieces == NULL)
		return NULL;
	pieces->grain = grain;
	pieces->longest = longest;
	pieces->loop = channel->loop;
	pieces->carrier_count = (unsigned)kio__min(count, IN_FLIGHT);
	pieces->carriers = kio__alloc(pieces->carrier_count * sizeof(*pieces->carriers));
	pieces->notes = kio__alloc((size_t)count * sizeof(*pieces->notes));
	kio_event_init(&pieces->pub.event);
	pieces->pub.event.word = KIO_EVENT_FIRED;
	if (pieces->carriers == NULL || pieces->notes == NULL)
		goto fail;
	for (unsigned i = 0; i < pieces->carrier_count; i++) {
		struct carrier *carrier = &pieces->carriers[i];

		*carrier = (struct carrier){ pieces, kio_create(channel, 0), pieces->idle, 0 };
		if (carrier->kio == NULL)
			goto fail;
		carrier->kio->priv = carrier;
		pieces->idle = carrier;
	}
	return &pieces->pub;
fail:
	kio_pieces_destroy(&pieces->pub);
	return NULL;
}

void
kio_pieces_destroy(struct kio_pieces *pub)
{
	struct pieces *pieces;

	if (pub == NULL)
		return;
	pieces = pieces_of(pub);
	if (!kio_event_fired(&pub->event))
		kio__panic("kio_pieces_destroy: the operation is in flight");
	for (unsigned i = 0; pieces->carriers != NULL && i < pieces->carrier_count; i++)
		kio_destroy(pieces->carriers[i].kio);
	kio__free(pieces->carriers);
	kio__free(pieces->notes);
	kio__free(pieces);
}

/* --- where pieces are ------------------------------------------------------- */

static bool
moves_data(enum kio_op op)
{
	return op == KIO_READ || op == KIO_WRITE;
}

static uint64_t
piece_from(const struct pieces *pieces, uint64_t index)
{
	uint64_t at = kio__align_down(pieces->offset, pieces->grain) + index * pieces->grain;

	return index == 0 ? 0 : at - pieces->offset;
}

static uint64_t
piece_len(const struct pieces *pieces, uint64_t index)
{
	return kio__min(piece_from(pieces, index + 1), pieces->len) - piece_from(pieces, index);
}

static uint64_t
piece_at(const struct pieces *pieces, uint64_t from)
{
	return (pieces->offset + from) / pieces->grain - pieces->offset / pieces->grain;
}

/* --- down and up ------------------------------------------------------------ */

static void
end(struct pieces *pieces)
{
	void (*done)(struct kio_pieces *pieces) = pieces->done;

	if (moves_data(pieces->op) && pieces->data.len != 0)
		kio__iter_unref(pieces->data);
	kio_event_fire(&pieces->pub.event, pieces->status);
	if (done != NULL)
		done(&pieces->pub);
}

static void
ended(struct kio_task *task)
{
	end(kio_container_of(task, struct pieces, task));
}

static void
fail(struct pieces *pieces, uint64_t from, int status)
{
	if (pieces->status < 0 && pieces->error_at <= from)
		return;
	pieces->status = status;
	pieces->error_at = from;
}

static void piece_done(struct kio *kio);

static bool
is_over(const struct pieces *pieces)
{
	return pieces->out == 0 && (pieces->stopped || pieces->begun == pieces->len);
}

static void
begin(struct pieces *pieces)
{
	struct carrier *carrier;
	struct kio_iter data;
	uint64_t len;

	while (!pieces->stopped && pieces->begun < pieces->len && (carrier = pieces->idle) != NULL) {
		pieces->idle = carrier->next;
		carrier->index = piece_at(pieces, pieces->begun);
		len = piece_len(pieces, carrier->index);
		data = kio_iter_none(len);
		if (moves_data(pieces->op)) {
			data = kio_iter_take(&pieces->rest, len);
			kio__iter_ref(data);
		}
		kio_prepare(carrier->kio, pieces->op, pieces->flags, pieces->offset + pieces->begun, data, piece_done);
		pieces->begun += len;
		pieces->out++;
		kio_submit(carrier->kio);
	}
}

static void
piece_done(struct kio *kio)
{
	struct carrier *carrier = kio->priv;
	struct pieces *pieces = carrier->pieces;
	uint64_t from = piece_from(pieces, carrier->index);
	struct note *note = &pieces->notes[carrier->index];

	*note = (struct note){ kio->fail_from, kio->fail_len, kio_status(kio), true };
	if (note->status < 0)
		fail(pieces, from + note->fail_from, note->status);
	if (pieces->ready != NULL)
		pieces->ready(&pieces->pub, from, piece_len(pieces, carrier->index), note->status);
	carrier->next = pieces->idle;
	pieces->idle = carrier;
	begin(pieces);
	pieces->out--;
	if (is_over(pieces))
		end(pieces);
}

/* What was not begun has failed, and is over; so nobody has to note it. */
static void
stop(struct pieces *pieces, int status)
{
	if (pieces->stopped || pieces->begun == pieces->len)
		return;
	pieces->stopped = true;
	fail(pieces, pieces->begun, status);
	for (uint64_t from = pieces->begun, index = piece_at(pieces, from); from < pieces->len; index++) {
		pieces->notes[index] = (struct note){ 0, piece_len(pieces, index), status, true };
		from += piece_len(pieces, index);
	}
}

void
kio_pieces_submit(struct kio_pieces *pub, enum kio_op op, unsigned flags, uint64_t offset, struct kio_iter data,
		  void (*ready)(struct kio_pieces *pieces, uint64_t from, uint64_t len, int status),
		  void (*done)(struct kio_pieces *pieces))
{
	struct pieces *pieces = pieces_of(pub);
	bool good = moves_data(op) || op == KIO_DISCARD || op == KIO_WRITE_ZEROES;

	if (!kio_event_fired(&pub->event))
		kio__panic("kio_pieces_submit: the operation is in flight");
	kio_event_init(&pub->event);
	pieces->ready = ready;
	pieces->done = done;
	pieces->op = op;
	pieces->flags = flags;
	pieces->offset = offset;
	pieces->len = data.len;
	pieces->data = pieces->rest = data;
	pieces->begun = 0;
	pieces->status = 0;
	pieces->stopped = false;
	good = good && data.len <= pieces->longest && offset <= UINT64_MAX / 2;
	if (good) {
		for (uint64_t i = 0; data.len != 0 && i <= piece_at(pieces, data.len - 1); i++)
			pieces->notes[i].over = false;
		begin(pieces);
	} else {
		pieces->len = 0;
		pieces->status = -EINVAL;
	}
	/* there was nothing to begin: it ends later all the same */
	if (pieces->len == 0) {
		pieces->task.run = ended;
		kio_loop_defer(pieces->loop, &pieces->task);
	}
}

void
kio_pieces_cancel(struct kio_pieces *pub)
{
	struct pieces *pieces = pieces_of(pub);

	if (kio_event_fired(&pub->event) || pieces->len == 0)
		return;
	stop(pieces, -ECANCELED);
	for (unsigned i = 0; i < pieces->carrier_count; i++)
		kio_cancel(pieces->carriers[i].kio);
}

/* --- what became of it ------------------------------------------------------ */

/* In one piece. */
static struct kio_range
range_in(const struct pieces *pieces, uint64_t from)
{
	uint64_t index = piece_at(pieces, from), first = piece_from(pieces, index), len = piece_len(pieces, index);
	const struct note *note = &pieces->notes[index];
	uint64_t fail = first + note->fail_from, fail_end = fail + note->fail_len, last = first + len;
	bool begun = from < pieces->begun;

	if (!note->over)
		return (struct kio_range){ from, last - from, KIO_UNDERWAY, 0 };
	if (note->status == 0 || from >= fail_end)
		return (struct kio_range){ from, last - from, KIO_MOVED, 0 };
	if (from < fail)
		return (struct kio_range){ from, fail - from, KIO_MOVED, 0 };
	return (struct kio_range){ from, kio__min(fail_end, last) - from,
				   begun && pieces->op != KIO_READ ? KIO_UNKNOWN : KIO_FAILED, note->status };
}

bool
kio_pieces_range(const struct kio_pieces *pub, uint64_t from, struct kio_range *range)
{
	const struct pieces *pieces = pieces_of(pub);
	struct kio_range next;

	if (from >= pieces->len)
		return false;
	*range = range_in(pieces, from);
	while (from + range->len < pieces->len) {
		next = range_in(pieces, from + range->len);
		if (next.outcome != range->outcome || next.status != range->status)
			break;
		range->len += next.len;
	}
	return true;
}
