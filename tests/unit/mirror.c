/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "layers/mirror_state.h"
#include "trace.h"

static unsigned char data[1 << 20], back[1 << 20];

#define DATA ((1 << 20) - 8192) /* bytes of data; a leg's state follows */
#define BOTH "mirror { trace id=1 name=left ; trace id=2 name=right }"
#define DEGRADED "mirror degraded=yes { trace id=1 name=left ; trace id=2 name=right }"

static void
create(const char *text)
{
	struct kio_stack_options options = { .create = true, .force = true };
	struct kio_stack *stack = NULL;
	struct kio_diag diag;

	trace_reset();
	CHECK_EQ(kio_stack_open(&stack, text, &options, &diag), 0);
	CHECK_EQ(kio_stack_close(&stack, &diag), 0);
}

static void
refused(const char *text, int error, const char *why)
{
	struct kio_stack *stack;
	struct kio_diag diag;

	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), error);
	CHECK(strstr(diag.text, why) != NULL);
	if (strstr(diag.text, why) == NULL)
		CHECK_STR(diag.text, why);
}

TEST("mirror: opening never formats; creating makes equal legs")
{
	struct rig rig;

	memset(data, 1, sizeof(data));
	CHECK(rig_open(&rig, "concat { trace id=1 ; trace id=2 }", NULL));
	rig_write(&rig, data, 1 << 20, 0);
	rig_write(&rig, data, 1 << 20, 1 << 20);
	rig_close(&rig);
	refused(BOTH, -ENODATA, "has no state of a mirror; kiobuf create makes one");
	create(BOTH);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	CHECK(rig_open(&rig, BOTH, NULL));
	CHECK_EQ(kio_stack_limits(rig.stack)->size, DATA);
	fill_pattern(data, 100000, 0, 5);
	CHECK_EQ(rig_write(&rig, data, 100000, 777), 0);
	CHECK_EQ(memcmp(trace_bytes(1) + 777, data, 100000), 0);
	CHECK_EQ(memcmp(trace_bytes(2) + 777, data, 100000), 0);
	rig_close(&rig);
}

TEST("mirror: to create over one that is there needs force")
{
	struct kio_stack_options options = { .create = true };
	struct kio_stack *stack;
	struct kio_diag diag;

	create(BOTH);
	CHECK_EQ(kio_stack_open(&stack, BOTH, &options, &diag), -EEXIST);
}

TEST("mirror: a read that fails goes to the other leg, and nobody is stale")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	fill_pattern(data, 4096, 0, 6);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	trace_fail(1, KIO_READ, -EIO, 1);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	CHECK_EQ(memcmp(data, back, 4096), 0);
	trace_fail(1, KIO_READ, -EIO, 1);
	trace_fail(2, KIO_READ, -ENODEV, 1);
	CHECK(rig_read(&rig, back, 4096, 0) < 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, BOTH, NULL));
	rig_close(&rig);
}

/* Writes of a leg's state in the trace: durable, in the area at its end. */
static unsigned
records(unsigned leg)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace_count; i++)
		count += trace_notes[i].leg == leg && trace_notes[i].op == KIO_WRITE &&
			 trace_notes[i].offset >= (1 << 20) - 8192 && trace_notes[i].flags == KIO_FUA;
	return count;
}

TEST("mirror: a leg that fails a write is on record before the write is acknowledged, and stays out")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(2, KIO_WRITE, -EIO, 1);
	fill_pattern(data, 4096, 0, 7);
	CHECK_EQ(rig_write(&rig, data, 4096, 8192), 0);
	CHECK_EQ(records(1), 1);
	CHECK_EQ(records(2), 0);
	/* from now on nothing goes there */
	trace_reset();
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(rig_read(&rig, back, 4096, 1 << 19), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	for (unsigned i = 0; i < trace_count; i++)
		CHECK_EQ(trace_notes[i].leg, 1);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg right is stale: it missed what was written to left");
	CHECK(rig_open(&rig, DEGRADED, NULL));
	CHECK_EQ(rig_read(&rig, back, 4096, 8192), 0);
	CHECK_EQ(memcmp(data, back, 4096), 0);
	rig_close(&rig);
}

TEST("mirror: a failed flush makes a leg stale too; if the record fails, so does the operation")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(1, KIO_FLUSH, -EIO, 1);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(records(2), 1);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg left is stale");

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(1, KIO_WRITE, -EIO, 1);
	/* the data arrives on the right, the record of it does not */
	trace_fail(2, KIO_OPS, 0, 1);
	kio_write(rig.kio, 0, kio_buf(rig.kio, data, 4096), 0, NULL);
	trace_fail(2, KIO_WRITE, -EIO, 100);
	CHECK(rig_wait(&rig, rig.kio) < 0);
	trace_reset();
	kio_destroy(rig.kio);
	kio_channel_close(&rig.channel);
	kio_loop_close(&rig.loop);
	kio_stack_close(&rig.stack, NULL);
}

TEST("mirror: many writes that fail at once are all held until one record serves them")
{
	enum { MANY = 50 };
	struct kio *kios[MANY];
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(2, KIO_WRITE, -EIO, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		kios[i] = kio_create(rig.channel, 1);
		kio_write(kios[i], (uint64_t)i * 4096, kio_buf(kios[i], data, 4096), 0, NULL);
	}
	for (unsigned i = 0; i < MANY; i++) {
		CHECK_EQ(rig_wait(&rig, kios[i]), 0);
		kio_destroy(kios[i]);
	}
	CHECK(records(1) >= 1 && records(1) <= 3);
	rig_close(&rig);
}

/* As if the process had been killed: the driver's bytes stay as they are. */
static void
copy_leg(unsigned to, unsigned from)
{
	memcpy(trace_bytes(to), trace_bytes(from), 1 << 20);
}

TEST("mirror: after an unclean stop one leg is kept, and the others are stale, durably")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	copy_leg(3, 1); /* what is on the legs while it is in use */
	copy_leg(4, 2);
	rig_close(&rig);
	copy_leg(1, 3);
	copy_leg(2, 4);
	refused(BOTH, -ESTALE, "it was not closed, so its legs may differ; degraded=yes keeps left");
	CHECK(rig_open(&rig, DEGRADED, NULL));
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg right is stale");
}

TEST("mirror: two legs that were written without each other are refused until told which to keep")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=left }", NULL));
	rig_write(&rig, "left", 4, 0);
	rig_close(&rig);
	/* the right one knows nothing of that */
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=2 name=right }", NULL));
	rig_write(&rig, "right", 5, 0);
	rig_close(&rig);
	refused(BOTH, -ENOTUNIQ, "left and right were both written without the other; keep=NAME");
	refused(DEGRADED, -ENOTUNIQ, "keep=NAME");
	CHECK(rig_open(&rig, "mirror keep=right degraded=yes { trace id=1 name=left ; trace id=2 name=right }", NULL));
	CHECK_EQ(rig_read(&rig, back, 5, 0), 0);
	CHECK_EQ(memcmp(back, "right", 5), 0);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg left is stale");
}

TEST("mirror: legs that are missing, foreign or twice the same are told apart")
{
	struct rig rig;

	create(BOTH);
	refused("mirror { trace id=1 }", -ENODEV, "1 of 2 legs are there; degraded=yes");
	CHECK(rig_open(&rig, BOTH, NULL));
	rig_close(&rig);
	copy_leg(2, 1);
	refused(BOTH, -EINVAL, "left and right are copies of the same leg");
	create("mirror { trace id=5 ; trace id=6 }");
	refused("mirror { trace id=1 ; trace id=5 }", -EINVAL, "legs of different mirrors");
	trace_bytes(1)[DATA + 100] ^= 1;
	trace_bytes(1)[(1 << 20) - 4096 + 100] ^= 1;
	refused("mirror degraded=yes { trace id=1 }", -EIO, "cannot be used");
}

TEST("mirror: what is only read is not written")
{
	struct kio_stack_options read_only = { .read_only = true };
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, &read_only));
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	rig_close(&rig);
	for (unsigned i = 0; i < trace_count; i++)
		CHECK_EQ(trace_notes[i].op, KIO_READ);
}

/* --- nothing is acknowledged that the state on disk contradicts ---------- */

static void
step(struct rig *rig)
{
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(rig->loop, 0);
}

static void
start_change(struct kio *kio, enum kio_op op, unsigned flags)
{
	if (op == KIO_WRITE)
		kio_write(kio, 8192, kio_buf(kio, data, 4096), flags, NULL);
	else if (op == KIO_FLUSH)
		kio_flush_all(kio, NULL);
	else
		kio_clear(kio, op, 8192, 4096, flags, NULL);
}

TEST("mirror: what a leg missed is not acknowledged while the state on disk calls that leg in sync")
{
	static const struct {
		enum kio_op op;
		unsigned flags;
	} changes[] = { { KIO_WRITE, 0 }, { KIO_WRITE, KIO_FUA }, { KIO_FLUSH, 0 },
			{ KIO_DISCARD, 0 }, { KIO_WRITE_ZEROES, 0 } };
	struct kio *first, *second;
	struct rig rig, after;

	for (unsigned i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		create(BOTH);
		CHECK(rig_open(&rig, BOTH, NULL));
		first = kio_create(rig.channel, 1);
		second = kio_create(rig.channel, 1);
		fill_pattern(data, 4096, 0, 8);
		trace_hold(1, DATA);
		trace_fail(2, KIO_WRITE, -EIO, 1);
		kio_write(first, 0, kio_buf(first, data, 4096), 0, NULL);
		step(&rig);
		CHECK_EQ(trace_held(1), 1);
		/* the right leg does not get this one any more */
		start_change(second, changes[i].op, changes[i].flags);
		step(&rig);
		CHECK(!kio_event_fired(&first->event));
		CHECK(!kio_event_fired(&second->event));
		trace_release(1);
		CHECK_EQ(rig_wait(&rig, first), 0);
		CHECK_EQ(rig_wait(&rig, second), 0);
		copy_leg(3, 1);
		copy_leg(4, 2);
		kio_destroy(first);
		kio_destroy(second);
		rig_close(&rig);
		/* the power failed then: the right leg is not the one that is kept */
		CHECK(rig_open(&after, "mirror degraded=yes { trace id=4 name=right ; trace id=3 name=left }", NULL));
		CHECK_EQ(rig_read(&after, back, 4096, 0), 0);
		CHECK_EQ(memcmp(data, back, 4096), 0);
		rig_close(&after);
	}
}

TEST("mirror: who waits for a record has the next one written by his own channel")
{
	struct kio_channel *channel = NULL;
	struct kio_loop *loop = NULL;
	struct kio *kio, *first;
	struct rig rig;

	create("mirror { trace id=1 ; trace id=2 ; trace id=3 }");
	CHECK(rig_open(&rig, "mirror { trace id=1 ; trace id=2 ; trace id=3 }", NULL));
	CHECK_EQ(kio_loop_open(&loop, NULL), 0);
	CHECK_EQ(kio_channel_open(&channel, rig.stack, loop), 0);
	kio = kio_create(channel, 1);
	first = rig.kio;
	trace_hold(1, DATA);
	trace_fail(3, KIO_WRITE, -EIO, 1);
	kio_write(first, 0, kio_buf(first, data, 4096), 0, NULL);
	step(&rig);
	CHECK_EQ(trace_held(1), 1);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	kio_write(kio, 8192, kio_buf(kio, data, 4096), 0, NULL);
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(loop, 0);
	trace_release(1);
	trace_hold(1, DATA);
	CHECK_EQ(rig_wait(&rig, first), 0);
	/* its owner goes while the second record is written */
	kio_destroy(first);
	kio_channel_close(&rig.channel);
	kio_loop_close(&rig.loop);
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(loop, 0);
	CHECK_EQ(trace_held(1), 1);
	CHECK(!kio_event_fired(&kio->event));
	trace_release(1);
	while (!kio_event_fired(&kio->event))
		kio_loop_step(loop, 1000000000);
	CHECK_EQ(kio_status(kio), 0);
	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	CHECK_EQ(kio_stack_close(&rig.stack, NULL), 0);
}

TEST("mirror: a discard that one leg does not know and the other fails is an error")
{
	struct rig rig;

	create(BOTH);
	for (unsigned leg = 1; leg <= 2; leg++) {
		CHECK(rig_open(&rig, BOTH, NULL));
		trace_fail(leg, KIO_DISCARD, -ENOTSUP, 1);
		trace_fail(3 - leg, KIO_DISCARD, -EIO, 1);
		CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 0), -EIO);
		rig_close(&rig);
		create(BOTH);
	}
}

TEST("mirror: what one leg alone does not support makes it stale; what none does, none")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(1, KIO_DISCARD, -ENOTSUP, 1);
	trace_fail(2, KIO_DISCARD, -ENOTSUP, 1);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 0), -ENOTSUP);
	rig_close(&rig);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(2, KIO_DISCARD, -ENOTSUP, 1);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 0), 0);
	CHECK_EQ(records(1), 1);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg right is stale");
}

TEST("mirror: a change that all legs fail leaves them perhaps different, and that is not forgotten")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(1, KIO_WRITE, -EIO, 1);
	trace_fail(2, KIO_WRITE, -ENOSPC, 1);
	CHECK(rig_write(&rig, data, 4096, 0) < 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 8192), 0);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "it was not closed, so its legs may differ");
	CHECK(rig_open(&rig, DEGRADED, NULL));
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg right is stale");
}

/* --- which legs open ---------------------------------------------------- */

static void
opens(const char *text)
{
	struct kio_stack *stack = NULL;
	struct kio_diag diag = { 0 };

	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), 0);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

TEST("mirror: opened degraded ever so often, the leg that missed it is still known as stale")
{
	create(BOTH);
	for (unsigned i = 0; i < KIO__MIRROR_HISTORY + 5; i++)
		opens("mirror degraded=yes { trace id=1 name=left }");
	refused(BOTH, -ESTALE, "the leg right is stale");
	opens(DEGRADED);
}

TEST("mirror: keep= decides between legs that were written apart, and does nothing else")
{
	create(BOTH);
	opens("mirror keep=left { trace id=1 name=left ; trace id=2 name=right }");
	opens(BOTH);
	opens("mirror degraded=yes { trace id=1 name=left }");
	refused("mirror keep=right { trace id=1 name=left ; trace id=2 name=right }", -ESTALE,
		"keep=right: this leg is stale; others have newer data");
	refused("mirror keep=middle { trace id=1 name=left ; trace id=2 name=right }", -EINVAL,
		"keep=middle: no leg has this name");
}

TEST("mirror: a leg that is blank or cannot be read is left out with degraded=yes, and stale from then on")
{
	create(BOTH);
	copy_leg(3, 2);
	memset(trace_bytes(2), 0, 1 << 20);
	refused(BOTH, -ENODATA, "the leg right has no state of a mirror");
	opens(DEGRADED);
	copy_leg(2, 3);
	refused(BOTH, -ESTALE, "the leg right is stale");

	create(BOTH);
	trace_fail(2, KIO_READ, -EIO, 100);
	refused(BOTH, -EIO, "the state of the leg right cannot be used");
	opens(DEGRADED);
	trace_reset();
	refused(BOTH, -ESTALE, "the leg right is stale");
}

/* Changes what both copies of a leg's state say. */
static void
forge(unsigned leg, void (*change)(struct kio__mirror_state *state))
{
	struct kio__mirror_state state;

	for (unsigned char *block = trace_bytes(leg) + DATA; block < trace_bytes(leg) + (1 << 20);
	     block += KIO__MIRROR_BLOCK) {
		if (kio__mirror_decode(&state, block) < 0)
			continue;
		change(&state);
		kio__mirror_encode(&state, block);
	}
}

static void
too_large(struct kio__mirror_state *state)
{
	state->size = DATA + 4096;
}

static void
nothing(struct kio__mirror_state *state)
{
	state->size = 0;
}

TEST("mirror: a size of the data for which the legs have no room is not believed")
{
	create(BOTH);
	forge(1, too_large);
	refused(BOTH, -EINVAL, "legs of different mirrors");
	forge(2, too_large);
	refused(BOTH, -EINVAL, "the mirror has 1020K of data, and the leg left room for 1016K");
	forge(1, nothing);
	forge(2, nothing);
	refused(BOTH, -EINVAL, "the mirror has 0 of data");
}

/* --- the state alone ---------------------------------------------------- */

TEST("mirror state: to bytes and back; damage is noticed; the newer copy is chosen")
{
	static unsigned char area[KIO__MIRROR_AREA];
	struct kio__mirror_state state = { .legs = 3, .leg = 2, .sequence = 7, .size = 12345678,
					   .epoch = 99, .in_use = true }, read;

	memcpy(state.mirror, "0123456789abcdef", 16);
	kio__mirror_advance(&state, 100);
	kio__mirror_encode(&state, area);
	state.sequence = 8;
	kio__mirror_encode(&state, area + KIO__MIRROR_BLOCK);
	CHECK_EQ(kio__mirror_choose(&read, area), 0);
	CHECK_EQ(read.sequence, 8);
	CHECK_EQ(read.epoch, 100);
	CHECK_EQ(read.legs, 3);
	CHECK_EQ(read.leg, 2);
	CHECK(read.in_use);
	CHECK(kio__mirror_has_seen(&read, 99));
	CHECK(!kio__mirror_has_seen(&read, 100));
	area[KIO__MIRROR_BLOCK + 50] ^= 4;
	CHECK_EQ(kio__mirror_choose(&read, area), 0);
	CHECK_EQ(read.sequence, 7);
	area[50] ^= 4;
	CHECK_EQ(kio__mirror_choose(&read, area), -EIO);
	memset(area, 0, sizeof(area));
	CHECK_EQ(kio__mirror_choose(&read, area), -ENODATA);
}

TEST("mirror state: the history keeps the latest epochs, and forgets the oldest")
{
	static struct kio__mirror_state state;

	for (uint64_t i = 1; i <= 200; i++)
		kio__mirror_advance(&state, i);
	CHECK_EQ(state.history_count, KIO__MIRROR_HISTORY);
	CHECK(kio__mirror_has_seen(&state, 199));
	CHECK(kio__mirror_has_seen(&state, 200 - KIO__MIRROR_HISTORY));
	CHECK(!kio__mirror_has_seen(&state, 200 - KIO__MIRROR_HISTORY - 1));
}
