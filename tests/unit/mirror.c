/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "layers/mirror_state.h"
#include "trace.h"

static unsigned char data[1 << 20], back[1 << 20];

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
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), (1 << 20) - 8192), 0);
	CHECK(rig_open(&rig, BOTH, NULL));
	CHECK_EQ(kio_stack_limits(rig.stack)->size, (1 << 20) - 8192);
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

	CHECK(rig_open(&rig, "concat { trace id=3 ; trace id=4 }", NULL));
	rig_close(&rig);
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
	trace_bytes(1)[(1 << 20) - 8192 + 100] ^= 1;
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
