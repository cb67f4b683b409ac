/* SPDX-License-Identifier: MIT */
/* Hedged reads of a mirror. */
#include <errno.h>
#include <stdio.h>

#define MOST 64
#include "crowd.h"

#define MS 1000000u

static unsigned char data[1 << 20], back[1 << 20];

/* Time is virtual. */
static void
open_sim(struct rig *rig, const char *text, unsigned reserve)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = reserve };

	trace_reset();
	CHECK(rig_open(rig, text, &options));
	fill_pattern(data, sizeof(data), 0, 6);
	CHECK_EQ(rig_write(rig, data, sizeof(data), 0), 0);
	crowd_open(rig, MOST, 1);
	trace_count = 0;
}

static void
close_sim(struct rig *rig)
{
	crowd_close(MOST);
	rig_close(rig);
}

/* The time that reading takes; the bytes are checked. */
static uint64_t
read_in(struct rig *rig, uint64_t offset, size_t len, int status)
{
	uint64_t begun = kio_loop_now(rig->loop);

	memset(back, 0, sizeof(back));
	CHECK_EQ(rig_read(rig, back, len, offset), status);
	if (status == 0)
		CHECK_EQ(memcmp(back, data + offset, len), 0);
	return kio_loop_now(rig->loop) - begun;
}

TEST("hedge: a second leg is asked when the first is late, and not before")
{
	struct rig rig;

	open_sim(&rig, "mirror state=none read=hedged:5ms { delay 100ms | trace id=1 ; trace id=2 }", 16);
	CHECK_EQ(read_in(&rig, 0, 4096, 0), 5 * MS);
	CHECK_EQ(trace_count, 1); /* the late one was cancelled before it came so far */
	CHECK_EQ(trace_notes[0].leg, 2);
	close_sim(&rig);
	open_sim(&rig, "mirror state=none read=hedged:5ms { delay 4ms | trace id=1 ; trace id=2 }", 16);
	CHECK_EQ(read_in(&rig, 0, 4096, 0), 4 * MS);
	CHECK_EQ(trace_count, 1);
	CHECK_EQ(trace_notes[0].leg, 1);
	close_sim(&rig);
}

TEST("hedge: the leg that lost touches nobody's memory")
{
	struct rig rig;

	open_sim(&rig, "mirror state=none read=hedged:5ms { trace id=1 ; trace id=2 }", 16);
	trace_hold(1, 0);
	CHECK_EQ(read_in(&rig, 0, 4096, 0), 5 * MS);
	memset(back, 0x5a, 4096);
	CHECK_EQ(trace_held(1), 1);
	trace_release(1);
	for (unsigned i = 0; i < 10; i++)
		kio_loop_step(rig.loop, 0);
	for (unsigned i = 0; i < 4096; i++)
		done += back[i] != 0x5a;
	CHECK_EQ(done, 0);
	close_sim(&rig);
}

TEST("hedge: one that fails is followed at once by the next; all that fail fail the read")
{
	struct rig rig;

	open_sim(&rig, "mirror state=none read=hedged:50ms { trace id=1 ; trace id=2 ; trace id=3 }", 16);
	trace_fail(1, KIO_READ, -EIO, 1);
	trace_fail(2, KIO_READ, -EIO, 1);
	CHECK_EQ(read_in(&rig, 0, 4096, 0), 0);
	CHECK_EQ(trace_count, 3);
	for (unsigned id = 1; id <= 3; id++)
		trace_fail(id, KIO_READ, -EIO, 1);
	CHECK_EQ(read_in(&rig, 0, 4096, -EIO), 0);
	close_sim(&rig);
	/* the second, asked in time, fails: the first is waited for */
	open_sim(&rig, "mirror state=none read=hedged:5ms { delay 20ms | trace id=1 ; trace id=2 }", 16);
	trace_fail(2, KIO_READ, -EIO, 1);
	CHECK_EQ(read_in(&rig, 0, 4096, 0), 20 * MS);
	close_sim(&rig);
}

TEST("hedge: long reads, many reads and a reserve of one")
{
	struct rig rig;

	open_sim(&rig, "mirror state=none read=hedged:5ms { delay 100ms | trace id=1 ; trace id=2 }", 1);
	CHECK(read_in(&rig, 4096, sizeof(back) - 8192, 0) > 0);
	for (unsigned i = 0; i < MOST; i++)
		kio_read(kios[i], i * 4096, kio_buf(kios[i], back + i * 4096, 4096), count_done);
	run(&rig, MOST);
	for (unsigned i = 0; i < MOST; i++)
		CHECK_EQ(kio_status(kios[i]), 0);
	CHECK_EQ(memcmp(back, data, MOST * 4096), 0);
	/* writes are as ever: whole, and on both legs */
	trace_count = 0;
	CHECK_EQ(rig_write(&rig, data + 7, 500000, 0), 0);
	CHECK_EQ(trace_count, 2);
	CHECK_EQ(memcmp(trace_bytes(1), data + 7, 500000), 0);
	CHECK_EQ(memcmp(trace_bytes(2), data + 7, 500000), 0);
	close_sim(&rig);
}

TEST("hedge: cancelled, it ends at once")
{
	struct rig rig;

	open_sim(&rig, "mirror state=none read=hedged:5ms { delay 100ms | trace id=1 ; delay 100ms | trace id=2 }", 4);
	for (unsigned round = 0; round < 3; round++) {
		done = 0;
		for (unsigned i = 0; i < MOST; i++)
			kio_read(kios[i], i * 4096, kio_buf(kios[i], back + i * 4096, 4096), count_done);
		while (kio_loop_now(rig.loop) % (100 * MS) < round * 3 * MS)
			kio_loop_step(rig.loop, 1000000);
		for (unsigned i = 0; i < MOST; i++)
			kio_cancel(kios[i]);
		run(&rig, MOST);
		for (unsigned i = 0; i < MOST; i++)
			CHECK_EQ(kio_status(kios[i]), -ECANCELED);
	}
	close_sim(&rig);
}

TEST("hedge: what is no time is refused")
{
	static const char *const texts[] = { "hedged", "hedged:", "hedged:5", "hedged:x", "far", "hedged:5msx" };
	char text[100];
	struct kio_diag diag;
	struct kio_stack *stack;

	for (unsigned i = 0; i < 6; i++) {
		snprintf(text, sizeof(text), "mirror state=none read=%s { null ; null }", texts[i]);
		CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), -EINVAL);
		CHECK(strstr(diag.text, "as in hedged:5ms") != NULL);
	}
}
