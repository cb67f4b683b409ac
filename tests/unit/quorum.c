/* SPDX-License-Identifier: MIT */
/* A mirror whose changes end when a quorum of its legs has them. */
#include <stdio.h>
#include <unistd.h>

#include "mirrors.h"

#define MOST 200
#include "crowd.h"

#define QUORUM "mirror quorum=1 behind=1s " LEGS
#define SECOND 1000000000u

static unsigned char data[1 << 20], back[1 << 20];

/* Time is virtual; the first regions are dirty. */
static void
open_quorum(struct rig *rig, const char *text, unsigned reserve)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = reserve };

	CHECK(rig_open(rig, text, &options));
	fill_pattern(data, sizeof(data), 0, 3);
	CHECK_EQ(rig_write(rig, data, 1 << 19, 0), 0);
	CHECK_EQ(rig_flush(rig), 0);
	crowd_open(rig, MOST, 1);
	trace_reset();
}

static void
close_quorum(struct rig *rig)
{
	crowd_close(MOST);
	rig_close(rig);
}

static unsigned
reads(unsigned leg)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace_count; i++)
		count += trace_notes[i].leg == leg && trace_notes[i].op == KIO_READ;
	return count;
}

/* By the state on this leg: the legs that it calls stale. */
static uint32_t
stale_by(unsigned leg)
{
	struct kio__mirror_state state;

	CHECK_EQ(kio__mirror_choose(&state, trace_bytes(leg) + STATE), 0);
	return state.without;
}

TEST("quorum: a write ends when enough legs have it, and its memory is the caller's")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, QUORUM, 16);
	trace_hold(2, 0);
	fill_pattern(back, 8192, 0, 9);
	CHECK_EQ(rig_write(&rig, back, 8192, 4096), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	memset(back, 0xee, 8192);
	CHECK_EQ(trace_held(2), 1);
	trace_release(2);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	fill_pattern(data, 8192, 0, 9);
	CHECK_EQ(memcmp(trace_bytes(2) + 4096, data, 8192), 0);
	close_quorum(&rig);
	opens(BOTH);
}

TEST("quorum: a leg that is behind is not read; when all are, a read waits for what is on its way there")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, QUORUM, 16);
	trace_hold(1, 0);
	CHECK_EQ(rig_write(&rig, "new", 3, 0), 0);
	CHECK_EQ(rig_read(&rig, back, 3, 0), 0);
	CHECK_EQ(memcmp(back, "new", 3), 0);
	CHECK_EQ(rig_read(&rig, back, 3, 300000), 0);
	CHECK_EQ(reads(1), 0);
	/* now the other is behind, too, elsewhere */
	trace_release(1);
	trace_hold(1, 300000);
	trace_hold(2, 0);
	CHECK_EQ(rig_write(&rig, "left", 4, 0), 0);
	trace_release(2);
	step(&rig, 5);
	CHECK_EQ(rig_write(&rig, "right", 5, 300000), 0);
	trace_hold(2, 0);
	CHECK_EQ(rig_write(&rig, "left", 4, 100), 0);
	kio_read(kios[0], 0, kio_buf(kios[0], back, 4), count_done);
	kio_read(kios[1], 300000, kio_buf(kios[1], back + 100, 5), count_done);
	step(&rig, 5);
	CHECK_EQ(trace_held(2), 1);
	CHECK_EQ(done, 1); /* where nothing is on its way any leg will do; for the other it waits */
	trace_release(1);
	trace_release(2);
	run(&rig, 2);
	CHECK_EQ(memcmp(back + 100, "right", 5), 0);
	CHECK_EQ(memcmp(back, "left", 4), 0);
	close_quorum(&rig);
}

TEST("quorum: flush and FUA wait for all legs in use, an overlapping write for the earlier one")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, QUORUM, 16);
	trace_hold(2, 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	kio_flush_all(kios[0], count_done);
	kio_write(kios[1], 65536, kio_buf(kios[1], data + 4096, 4096), KIO_FUA, count_done);
	kio_write(kios[2], 2048, kio_buf(kios[2], data + 8192, 4096), 0, count_done);
	step(&rig, 20);
	CHECK_EQ(done, 0);
	CHECK_EQ(trace_held(2), 2);
	trace_release(2);
	run(&rig, 3);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(kio_status(kios[i]), 0);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	close_quorum(&rig);
}

TEST("quorum: a leg that is behind for too long is stale, on record before anything ends that it missed")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, QUORUM, 16);
	trace_hold(2, 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	kio_write(kios[0], 8192, kio_buf(kios[0], data, 4096), KIO_FUA, count_done);
	kio_flush_all(kios[1], count_done);
	step(&rig, 20);
	CHECK_EQ(done, 0);
	trace_hold(1, STATE);
	for (unsigned i = 0; i < 100 && trace_held(1) == 0; i++)
		kio_loop_step(rig.loop, SECOND);
	step(&rig, 20);
	CHECK(kio_loop_now(rig.loop) >= SECOND && kio_loop_now(rig.loop) < SECOND + SECOND / 100);
	CHECK_EQ(trace_held(1), 1);
	CHECK_EQ(done, 0);
	trace_release(1);
	run(&rig, 2);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(kio_status(kios[1]), 0);
	CHECK_EQ(stale_by(1), 1 << 1);
	/* and what it still has nobody waits for */
	CHECK_EQ(rig_write(&rig, "over it", 7, 0), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(rig_read(&rig, back, 7, 0), 0);
	CHECK_EQ(memcmp(back, "over it", 7), 0);
	CHECK_EQ(trace_held(2), 2);
	trace_release(2);
	close_quorum(&rig);
	refused(BOTH, -ESTALE, "right");
}

TEST("quorum: a leg that never answers takes no more than its share of memory with it")
{
	struct rig rig;

	create("mirror { trace id=1 name=a ; trace id=2 name=b ; trace id=3 name=c }");
	open_quorum(&rig, "mirror quorum=1 behind=1s { trace id=1 name=a ; trace id=2 name=b ; trace id=3 name=c }", 1);
	for (unsigned leg = 3; leg >= 2; leg--) {
		trace_hold(leg, 0);
		done = 0;
		for (unsigned i = 0; i < MOST; i++)
			kio_write(kios[i], i % 100 * 4096, kio_buf(kios[i], data, 4096), 0, count_done);
		run(&rig, MOST);
		for (unsigned i = 0; i < MOST; i++)
			CHECK_EQ(kio_status(kios[i]), 0);
		CHECK(trace_held(leg) > 8);
	}
	CHECK_EQ(stale_by(1), 6);
	CHECK_EQ(rig_flush(&rig), 0);
	trace_release(2);
	trace_release(3);
	close_quorum(&rig);
}

TEST("quorum: a leg that does not answer to the mirror's own requests holds up nothing for long")
{
	struct rig rig;

	/* the map */
	create(BOTH);
	open_quorum(&rig, QUORUM, 4);
	trace_hold(2, 0);
	CHECK_EQ(rig_write(&rig, "clean region", 12, 12 << 16), 0);
	CHECK(kio_loop_now(rig.loop) >= SECOND && kio_loop_now(rig.loop) < SECOND + SECOND / 100);
	CHECK_EQ(stale_by(1), 1 << 1);
	CHECK_EQ(trace_held(2), 1);
	CHECK_EQ(rig_write(&rig, "another", 7, 14 << 16), 0);
	CHECK_EQ(trace_held(2), 1);
	trace_release(2);
	close_quorum(&rig);

	/* the flush before regions are clean again */
	create(BOTH);
	open_quorum(&rig, QUORUM, 4);
	trace_hold(2, 0);
	for (unsigned i = 0; i < 200; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(trace_held(2), 1);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(stale_by(1), 1 << 1);
	CHECK_EQ(trace_held(2), 1);
	trace_release(2);
	close_quorum(&rig);
}

TEST("quorum: a leg that does not answer when it is copied from is put aside, and its memory left to it")
{
	const char *three = "{ trace id=1 name=a ; trace id=2 name=b ; trace id=3 name=c }";
	char text[200];
	struct rig rig;

	snprintf(text, sizeof(text), "mirror %s", three);
	create(text);
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=a ; trace id=2 name=b }", NULL));
	fill_pattern(data, 1 << 19, 0, 8);
	CHECK_EQ(rig_write(&rig, data, 1 << 19, 0), 0);
	rig_close(&rig);
	snprintf(text, sizeof(text), "mirror resync=all quorum=1 behind=1s %s", three);
	CHECK(rig_open(&rig, text, &(struct kio_stack_options){ .engine = "sim", .reserve = 4 }));
	trace_hold(1, 0);
	for (unsigned i = 0; i < 2000 && trace_held(1) == 0; i++)
		kio_loop_step(rig.loop, 1000000);
	CHECK_EQ(trace_held(1), 1);
	for (unsigned i = 0; i < 100; i++)
		kio_loop_step(rig.loop, 100000000);
	/* its range is free, and it is not read by others */
	CHECK_EQ(rig_write(&rig, "here", 4, 0), 0);
	CHECK_EQ(rig_read(&rig, back, 4, 0), 0);
	CHECK_EQ(memcmp(back, "here", 4), 0);
	/* what it reads at last is old, and goes nowhere */
	memcpy(back, trace_bytes(1), 1 << 16);
	memset(trace_bytes(1), 0x55, 1 << 16);
	trace_release(1);
	memcpy(trace_bytes(1) + 4, back + 4, (1 << 16) - 4);
	for (unsigned i = 0; i < 200; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(rig_flush(&rig), 0);
	rig_close(&rig);
	CHECK_EQ(memcmp(trace_bytes(2), trace_bytes(3), DATA), 0);
}

TEST("quorum: one that fails when it is behind is stale before a flush has ended")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, QUORUM, 16);
	trace_hold(2, 0);
	CHECK_EQ(rig_write(&rig, "kept", 4, 0), 0);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	trace_release(2);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(stale_by(1), 1 << 1);
	close_quorum(&rig);
	refused(BOTH, -ESTALE, "right");
}

TEST("quorum: what was acknowledged and is on no leg fails the next flush, once")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, QUORUM, 16);
	trace_hold(2, 300000);
	CHECK_EQ(rig_write(&rig, "lost", 4, 300000), 0);
	/* the one that has it fails */
	trace_fail(1, KIO_WRITE, -EIO, 1);
	kio_write(kios[0], 65536, kio_buf(kios[0], data, 4096), 0, count_done);
	step(&rig, 20);
	CHECK_EQ(trace_held(2), 2);
	trace_fail(2, KIO_WRITE, -ENOSPC, 1);
	trace_release(2);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(rig_flush(&rig), -ENOSPC);
	CHECK_EQ(rig_flush(&rig), 0);
	close_quorum(&rig);
}

TEST("quorum: two of three")
{
	struct rig rig;

	create("mirror { trace id=1 name=a ; trace id=2 name=b ; trace id=3 name=c }");
	open_quorum(&rig, "mirror quorum=2 read=hedged:1ms { trace id=1 name=a ; trace id=2 name=b ; trace id=3 name=c }", 16);
	trace_hold(1, 0);
	CHECK_EQ(rig_write(&rig, "two", 3, 0), 0);
	CHECK_EQ(rig_read(&rig, back, 3, 0), 0);
	CHECK_EQ(memcmp(back, "two", 3), 0);
	CHECK_EQ(reads(1), 0);
	trace_hold(2, 0);
	kio_write(kios[0], 4096, kio_buf(kios[0], data, 4096), 0, count_done);
	step(&rig, 20);
	CHECK_EQ(done, 0);
	trace_release(1);
	run(&rig, 1);
	trace_release(2);
	/* those that can be asked fail, and the one that is behind has it in the end */
	trace_hold(3, 0);
	CHECK_EQ(rig_write(&rig, "three", 5, 0), 0);
	trace_fail(1, KIO_READ, -EIO, 1);
	trace_fail(2, KIO_READ, -EIO, 1);
	kio_read(kios[1], 0, kio_buf(kios[1], back, 5), count_done);
	step(&rig, 20);
	CHECK_EQ(done, 1);
	trace_release(3);
	run(&rig, 2);
	CHECK_EQ(kio_status(kios[1]), 0);
	CHECK_EQ(memcmp(back, "three", 5), 0);
	close_quorum(&rig);
}

TEST("quorum: cancelled before it is sent it ends at once; after that it ends as all legs do")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, QUORUM, 1);
	trace_hold(1, 0);
	trace_hold(2, 0);
	for (unsigned i = 0; i < MOST; i++)
		kio_write(kios[i], i * 2048, kio_buf(kios[i], data, 4096), 0, count_done);
	step(&rig, 5);
	for (unsigned i = 0; i < MOST; i++)
		kio_cancel(kios[i]);
	step(&rig, 5);
	CHECK_EQ(done, MOST - trace_held(1));
	trace_release(1);
	trace_release(2);
	run(&rig, MOST);
	for (unsigned i = 0; i < MOST; i++)
		CHECK(kio_status(kios[i]) == 0 || kio_status(kios[i]) == -ECANCELED);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	close_quorum(&rig);
}

TEST("quorum: when the channel closes, what is on its way is waited for")
{
	struct rig rig;

	create("mirror { trace id=1 name=left ; delay 50ms | trace id=2 name=right }");
	open_quorum(&rig, "mirror quorum=1 { trace id=1 name=left ; delay 50ms | trace id=2 name=right }", 4);
	for (unsigned i = 0; i < MOST; i++)
		kio_write(kios[i], i * 2000, kio_buf(kios[i], data + i, 2000), 0, count_done);
	run(&rig, MOST);
	close_quorum(&rig);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	opens("mirror { trace id=1 name=left ; trace id=2 name=right }");
}

TEST("quorum: what cannot be is refused")
{
	create(BOTH);
	refused("mirror quorum=3 " LEGS, -EINVAL, "more than its 2 legs");
	refused("mirror quorum=1 behind=0s " LEGS, -EINVAL, "behind=0");
	refused("mirror quorum=1 state=none " LEGS, -EINVAL, "not with state=none");
}

TEST("quorum: a leg that fails while the mirror closes is on record as stale")
{
	struct rig rig;

	create(BOTH);
	CHECK(opens_dirty(&rig, "mirror quorum=1 " LEGS));
	trace_hold(2, 0);
	CHECK_EQ(rig_write(&rig, "new", 3, 4096), 0);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	trace_release(2);
	/* which is seen when the channel closes, and nobody waits for it */
	rig_close(&rig);
	CHECK(memcmp(trace_bytes(2) + 4096, "new", 3) != 0);
	refused(BOTH, -ESTALE, "right is stale");
}

#define THREE "{ trace id=1 name=a ; trace id=2 name=b ; trace id=3 name=c }"

TEST("quorum: one that fails while it is put on record that another is stale is stale, too")
{
	struct rig rig;

	create("mirror " THREE);
	open_quorum(&rig, "mirror quorum=1 behind=1s " THREE, 16);
	trace_hold(1, 0);
	trace_hold(2, 0);
	trace_fail(3, KIO_WRITE, -EIO, 1);
	kio_write(kios[0], 0, kio_buf(kios[0], (void *)(uintptr_t)"new", 3), 0, count_done);
	step(&rig, 20);
	CHECK_EQ(done, 0);
	/* it ends when it is on record that c is stale: held up */
	trace_release(1);
	trace_hold(1, STATE);
	step(&rig, 20);
	CHECK_EQ(trace_held(1), 1);
	CHECK_EQ(trace_held(2), 2);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	trace_release(2);
	step(&rig, 20);
	CHECK_EQ(done, 0);
	trace_release(1);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(stale_by(1), 6);
	/* b has not got it, and is not to be read */
	trace_fail(1, KIO_READ, -EIO, 1);
	if (rig_read(&rig, back, 3, 0) == 0)
		CHECK_EQ(memcmp(back, "new", 3), 0);
	close_quorum(&rig);
}

/* The last leg misses all; then it is made equal, slowly, and the first region is done. */
static void
open_copying(struct rig *rig, const char *without, const char *with, unsigned copied)
{
	unsigned first = 0;

	CHECK(rig_open(rig, without, NULL));
	fill_pattern(data, 1 << 19, 0, 8);
	CHECK_EQ(rig_write(rig, data, 1 << 19, 0), 0);
	rig_close(rig);
	CHECK(rig_open(rig, with, &(struct kio_stack_options){ .engine = "sim", .reserve = 8 }));
	crowd_open(rig, MOST, 1);
	for (unsigned i = 0; i < 2000 && first == 0; i++) {
		kio_loop_step(rig->loop, 1000000);
		for (unsigned n = 0; n < trace_count; n++)
			first |= trace_notes[n].leg == copied && trace_notes[n].op == KIO_WRITE &&
				 trace_notes[n].offset == 0;
	}
	CHECK_EQ(first, 1);
	step(rig, 20);
}

TEST("quorum: a leg that is made equal and fails a change that ends early is given up")
{
	struct rig rig;

	create("mirror " THREE);
	open_copying(&rig, "mirror degraded=yes { trace id=1 name=a ; trace id=2 name=b }",
		     "mirror resync=all resync-rate=640K quorum=1 behind=1s " THREE, 3);
	trace_hold(1, 0);
	trace_hold(2, 0);
	trace_fail(3, KIO_WRITE, -EIO, 1);
	kio_write(kios[0], 0, kio_buf(kios[0], (void *)(uintptr_t)"new", 3), 0, count_done);
	step(&rig, 20);
	CHECK_EQ(done, 0);
	trace_release(1);
	step(&rig, 20);
	CHECK_EQ(done, 1);
	CHECK_EQ(kio_status(kios[0]), 0);
	trace_release(2);
	for (unsigned i = 0; i < 200; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK((stale_by(1) & 4) != 0 || memcmp(trace_bytes(3), "new", 3) == 0);
	close_quorum(&rig);
}

TEST("quorum: a change that waits for a leg ends when a leg that has it is in use again")
{
	struct rig rig;

	create(BOTH);
	open_copying(&rig, "mirror degraded=yes { trace id=1 name=left }",
		     "mirror resync=all resync-rate=640K quorum=1 behind=1s " LEGS, 2);
	trace_hold(1, 0);
	kio_write(kios[0], 0, kio_buf(kios[0], (void *)(uintptr_t)"new", 3), 0, count_done);
	step(&rig, 20);
	CHECK_EQ(trace_held(1), 1);
	trace_hold(1, 1 << 22); /* what is held stays, the rest goes on */
	for (unsigned i = 0; i < 200; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(stale_by(1), 0);
	CHECK_EQ(memcmp(trace_bytes(2), "new", 3), 0);
	/* both are in use, the right leg has it; now the left one answers nothing, and is stale */
	trace_hold(1, 0);
	CHECK_EQ(rig_write(&rig, "other", 5, 200000), 0);
	for (unsigned i = 0; i < 100; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(done, 1);
	kio_write(kios[1], 0, kio_buf(kios[1], (void *)(uintptr_t)"over", 4), 0, count_done);
	kio_flush_all(kios[2], count_done);
	for (unsigned i = 0; i < 100; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(done, 3);
	CHECK_EQ(stale_by(2), 1);
	trace_release(1);
	for (unsigned i = 0; i < 100; i++)
		kio_loop_step(rig.loop, 100000000);
	close_quorum(&rig);
}

TEST("quorum: a leg that is slow with the state is not given up when the others do not take it")
{
	struct rig rig;

	create("mirror " THREE);
	open_quorum(&rig, "mirror quorum=1 behind=1s " THREE, 16);
	trace_fail(3, KIO_WRITE, -EIO, 1);
	CHECK_EQ(rig_write(&rig, "new", 3, 0), 0);
	step(&rig, 20);
	/* c is stale; that is to be on record */
	trace_fail(1, KIO_WRITE, -EIO, 1);
	trace_hold(2, STATE);
	kio_flush_all(kios[0], count_done);
	for (unsigned i = 0; i < 15; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(trace_held(2), 1);
	trace_release(2);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(rig_read(&rig, back, 3, 0), 0);
	CHECK_EQ(rig_write(&rig, "more", 4, 0), 0);
	close_quorum(&rig);
}

TEST("quorum: the time of a round that has ended says nothing of the next")
{
	struct rig rig;

	create("mirror " THREE);
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=a ; trace id=2 name=b }", NULL));
	CHECK_EQ(rig_write(&rig, data, 1 << 16, 0), 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, "mirror resync=all quorum=1 behind=200ms " THREE, NULL));
	trace_hold(1, 0);
	for (unsigned i = 0; i < 1000 && trace_held(1) == 0; i++)
		kio_loop_step(rig.loop, 1000000);
	CHECK_EQ(trace_held(1), 1);
	/* the loop is busy elsewhere; meanwhile the leg answers */
	usleep(250000);
	trace_release(1);
	for (unsigned i = 0; i < 2000 && stale_by(1) != 0; i++)
		kio_loop_step(rig.loop, 1000000);
	CHECK_EQ(stale_by(1), 0);
	rig_close(&rig);
}

TEST("quorum: hedged reads of a leg that never answers do not take all copies with them")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, "mirror quorum=1 behind=1s read=hedged:1ms " LEGS, 4);
	trace_hold(1, 0);
	for (unsigned i = 0; i < MOST; i++)
		kio_read(kios[i], 4096, kio_buf(kios[i], back, 4096), count_done);
	for (unsigned i = 0; i < 200 && done < MOST; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(done, MOST);
	kio_write(rig.kio, 0, kio_buf(rig.kio, (void *)(uintptr_t)"new", 3), 0, count_done);
	for (unsigned i = 0; i < 200 && done < MOST + 1; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(done, MOST + 1);
	for (unsigned i = 0; i < 20; i++) {
		trace_release(1);
		step(&rig, 20);
	}
	run(&rig, MOST + 1);
	close_quorum(&rig);
}

TEST("quorum: hedged reads of a leg that never answers do not take all copies with them")
{
	struct rig rig;

	create(BOTH);
	open_quorum(&rig, "mirror quorum=1 behind=1s read=hedged:1ms " LEGS, 4);
	trace_hold(1, 0);
	for (unsigned i = 0; i < MOST; i++)
		kio_read(kios[i], 4096, kio_buf(kios[i], back, 4096), count_done);
	for (unsigned i = 0; i < 200 && done < MOST; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(done, MOST);
	kio_write(rig.kio, 0, kio_buf(rig.kio, (void *)(uintptr_t)"new", 3), 0, count_done);
	for (unsigned i = 0; i < 200 && done < MOST + 1; i++)
		kio_loop_step(rig.loop, 100000000);
	CHECK_EQ(done, MOST + 1);
	for (unsigned i = 0; i < 20; i++) {
		trace_release(1);
		step(&rig, 20);
	}
	run(&rig, MOST + 1);
	close_quorum(&rig);
}

TEST("quorum: a leg that has answered while the loop was busy elsewhere was not behind")
{
	struct rig rig;

	create("mirror { trace id=1 name=left ; delay 20ms | trace id=2 name=right }");
	CHECK(rig_open(&rig, "mirror quorum=1 behind=200ms { trace id=1 name=left ; delay 20ms | trace id=2 name=right }", NULL));
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(rig_write(&rig, "new", 3, 0), 0);
	/* the loop is busy elsewhere */
	usleep(300000);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(stale_by(1), 0);
	rig_close(&rig);
}
