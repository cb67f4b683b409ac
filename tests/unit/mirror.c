/* SPDX-License-Identifier: MIT */
/* The mirror: requests, legs that fail, and what is recorded of that. */
#include "mirrors.h"

static unsigned char data[1 << 20], back[1 << 20];

TEST("mirror: a read that fails goes to the other leg, and nobody is stale")
{
	struct rig rig;

	create(BOTH);
	CHECK(opens_dirty(&rig, BOTH));
	fill_pattern(data, 4096, 0, 6);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	trace_fail(1, KIO_READ, -EIO, 1);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	CHECK_EQ(memcmp(data, back, 4096), 0);
	trace_fail(1, KIO_READ, -EIO, 1);
	trace_fail(2, KIO_READ, -ENODEV, 1);
	CHECK(rig_read(&rig, back, 4096, 0) < 0);
	rig_close(&rig);
	CHECK(opens_dirty(&rig, BOTH));
	rig_close(&rig);
}

/* Writes of a leg's state in the trace: durable, in the area at its end. */
static unsigned
records(unsigned leg)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace_count; i++)
		count += trace_notes[i].leg == leg && trace_notes[i].op == KIO_WRITE &&
			 trace_notes[i].offset >= STATE && trace_notes[i].flags == KIO_FUA;
	return count;
}

TEST("mirror: a leg that fails a write is on record before the write is acknowledged, and stays out")
{
	struct rig rig;

	create(BOTH);
	CHECK(opens_dirty(&rig, BOTH));
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
	CHECK(opens_dirty(&rig, BOTH));
	trace_fail(1, KIO_FLUSH, -EIO, 1);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(records(2), 1);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg left is stale");

	create(BOTH);
	CHECK(opens_dirty(&rig, BOTH));
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
	/* nor can it say that it was closed */
	CHECK_EQ(kio_stack_close(&rig.stack, NULL), -EIO);
}

TEST("mirror: many writes that fail at once are all held until one record serves them")
{
	enum { MANY = 50 };
	struct kio *kios[MANY];
	struct rig rig;

	create(BOTH);
	CHECK(opens_dirty(&rig, BOTH));
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
		CHECK(opens_dirty(&rig, BOTH));
		first = kio_create(rig.channel, 1);
		second = kio_create(rig.channel, 1);
		fill_pattern(data, 4096, 0, 8);
		trace_hold(1, STATE);
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
	CHECK(opens_dirty(&rig, "mirror { trace id=1 ; trace id=2 ; trace id=3 }"));
	CHECK_EQ(kio_loop_open(&loop, NULL), 0);
	CHECK_EQ(kio_channel_open(&channel, rig.stack, loop), 0);
	kio = kio_create(channel, 1);
	first = rig.kio;
	trace_hold(1, STATE);
	trace_fail(3, KIO_WRITE, -EIO, 1);
	kio_write(first, 0, kio_buf(first, data, 4096), 0, NULL);
	step(&rig);
	CHECK_EQ(trace_held(1), 1);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	kio_write(kio, 8192, kio_buf(kio, data, 4096), 0, NULL);
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(loop, 0);
	trace_release(1);
	trace_hold(1, STATE);
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
		CHECK(opens_dirty(&rig, BOTH));
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
	CHECK(opens_dirty(&rig, BOTH));
	trace_fail(1, KIO_DISCARD, -ENOTSUP, 1);
	trace_fail(2, KIO_DISCARD, -ENOTSUP, 1);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 0), -ENOTSUP);
	rig_close(&rig);
	CHECK(opens_dirty(&rig, BOTH));
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
	CHECK(opens_dirty(&rig, BOTH));
	trace_fail(1, KIO_WRITE, -EIO, 1);
	trace_fail(2, KIO_WRITE, -ENOSPC, 1);
	CHECK(rig_write(&rig, data, 4096, 0) < 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 8192), 0);
	rig_close(&rig);
	refused("mirror resync=no " LEGS, -ESTALE, "it was not closed, so its legs may differ");
	CHECK(opens_dirty(&rig, "mirror resync=no degraded=yes " LEGS));
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg right is stale");
}

TEST("mirror: two changes that fail on a leg each leave one leg in use, not none")
{
	static const char *const texts[] = {
		BOTH, "mirror state=none { trace id=1 name=left ; trace id=2 name=right }" };
	struct kio *kio;
	struct rig rig;

	for (unsigned i = 0; i < 2; i++) {
		create(BOTH);
		CHECK(opens_dirty(&rig, texts[i]));
		kio = kio_create(rig.channel, 1);
		fill_pattern(data, 4096, 0, 9);
		trace_fail(1, KIO_WRITE, -EIO, 1);
		kio_write(rig.kio, 0, kio_buf(rig.kio, data, 4096), 0, NULL);
		trace_fail(2, KIO_WRITE, -EIO, 1);
		kio_write(kio, 8192, kio_buf(kio, data, 4096), 0, NULL);
		/* the right leg has the one; the other is on a leg that is stale by then */
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		CHECK_EQ(rig_wait(&rig, kio), -EIO);
		kio_destroy(kio);
		CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
		CHECK_EQ(memcmp(data, back, 4096), 0);
		CHECK_EQ(rig_write(&rig, data, 4096, 8192), 0);
		rig_close(&rig);
	}
}
