/* SPDX-License-Identifier: MIT */
/* Requests that end before their parts, and requests that are sent again. */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#define MOST 64
#include "crowd.h"

static unsigned char data[1 << 20], back[1 << 20];

/* Time is virtual: what is late is late at once. */
static void
open_sim(struct rig *rig, const char *text, unsigned reserve)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = reserve };

	trace_reset();
	CHECK(rig_open(rig, text, &options));
	crowd_open(rig, MOST, 1);
}

static void
close_sim(struct rig *rig)
{
	crowd_close(MOST);
	rig_close(rig);
}

TEST("deadline: in time, data and status are as without it")
{
	struct rig rig;

	open_sim(&rig, "deadline 1s | delay 1ms | trace id=1", 1);
	fill_pattern(data, sizeof(data), 0, 9);
	CHECK_EQ(rig_write(&rig, data, sizeof(data), 0), 0);
	CHECK_EQ(rig_read(&rig, back, sizeof(back), 0), 0);
	CHECK_EQ(memcmp(back, data, sizeof(data)), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 8192, 4096), 0);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 4096), 0);
	trace_fail(1, KIO_READ, -EIO, 1);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), -EIO);
	kio_lend(rig.kio, 512, 512, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	kio_release(rig.kio);
	close_sim(&rig);
}

TEST("deadline: zeroes that are written begin when they arrive, however long the loop has run")
{
	struct rig rig;

	open_sim(&rig, "deadline 10ms | delay 1ms | trace id=1 plain", 1);
	memset(data, 0x11, 4096);
	for (unsigned i = 0; i < 20; i++)
		CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK(kio_loop_now(rig.loop) > 10000000);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 4096, 0), 0);
	CHECK_EQ(trace_bytes(1)[4095], 0);
	close_sim(&rig);
}

TEST("deadline: what is late ends in time, and its memory is the caller's")
{
	struct rig rig;

	open_sim(&rig, "log | deadline 10ms | trace id=1", 16);
	fill_pattern(data, sizeof(data), 0, 1);
	CHECK_EQ(rig_write(&rig, data, 8192, 0), 0);
	trace_hold(1, 0);
	memset(back, 0x77, sizeof(back));
	kio_read(kios[0], 0, kio_buf(kios[0], back, 4096), count_done);
	kio_write(kios[1], 4096, kio_buf(kios[1], data + 65536, 4096), 0, count_done);
	run(&rig, 2);
	CHECK_EQ(kio_status(kios[0]), -ETIMEDOUT);
	CHECK_EQ(kio_moved(kios[0]), 0);
	CHECK_EQ(kio_status(kios[1]), -ETIMEDOUT);
	CHECK_EQ(kio_loop_now(rig.loop), 10000000);
	/* both are the caller's now: what the driver does later touches neither */
	memset(data + 65536, 0xee, 4096);
	CHECK_EQ(trace_held(1), 2);
	trace_release(1);
	trace_reset();
	CHECK_EQ(rig_flush(&rig), 0);
	fill_pattern(data, sizeof(data), 0, 1);
	CHECK_EQ(memcmp(trace_bytes(1) + 4096, data + 65536, 4096), 0);
	for (unsigned i = 0; i < 4096; i++)
		done += back[i] != 0x77;
	CHECK_EQ(done, 2);
	close_sim(&rig);
}

TEST("deadline: a late write never lands on a newer one, and a flush waits for it")
{
	struct rig rig;

	open_sim(&rig, "deadline 10ms | trace id=1", 16);
	fill_pattern(data, sizeof(data), 0, 1);
	trace_hold(1, 0);
	kio_write(kios[0], 0, kio_buf(kios[0], data, 4096), 0, count_done);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), -ETIMEDOUT);
	kio_write(kios[1], 2048, kio_buf(kios[1], data + 65536, 4096), 0, count_done);
	kio_flush_all(kios[2], count_done);
	kio_loop_step(rig.loop, 0);
	kio_loop_step(rig.loop, 0);
	CHECK_EQ(trace_held(1), 1); /* the new one waits for the old one's range */
	trace_release(1);
	trace_reset();
	run(&rig, 3);
	CHECK_EQ(kio_status(kios[1]), 0);
	CHECK_EQ(kio_status(kios[2]), 0);
	CHECK_EQ(memcmp(trace_bytes(1), data, 2048), 0);
	CHECK_EQ(memcmp(trace_bytes(1) + 2048, data + 65536, 4096), 0);
	close_sim(&rig);
}

TEST("deadline: the time that a request waits for others counts, and so does that of all its pieces")
{
	struct rig rig;
	uint64_t begun;

	open_sim(&rig, "deadline 10ms | trace id=1", 1);
	trace_hold(1, 0);
	/* more than there are copies, and a long one of many pieces */
	for (unsigned i = 0; i < MOST - 1; i++)
		kio_read(kios[i], 0, kio_buf(kios[i], back, 4096), count_done);
	kio_read(kios[MOST - 1], 0, kio_buf(kios[MOST - 1], back, 1 << 20), count_done);
	begun = kio_loop_now(rig.loop);
	run(&rig, MOST);
	CHECK_EQ(kio_loop_now(rig.loop) - begun, 10000000);
	for (unsigned i = 0; i < MOST; i++)
		CHECK_EQ(kio_status(kios[i]), -ETIMEDOUT);
	trace_release(1);
	trace_reset();
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	close_sim(&rig);
}

TEST("deadline: a request is cancelled at once, and what is late when the channel closes is waited for")
{
	struct rig rig;

	open_sim(&rig, "deadline 100s | delay 50s | trace id=1", 1);
	for (unsigned i = 0; i < MOST; i++)
		kio_write(kios[i], i * 4096, kio_buf(kios[i], data, 4096), 0, count_done);
	for (unsigned i = 0; i < MOST; i++)
		kio_cancel(kios[i]);
	run(&rig, MOST);
	for (unsigned i = 0; i < MOST; i++)
		CHECK_EQ(kio_status(kios[i]), -ECANCELED);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	close_sim(&rig);

	open_sim(&rig, "deadline 1ms | align | sim 1M latency=1s", 4);
	for (unsigned i = 0; i < 8; i++)
		kio_write(kios[i], i * 5000, kio_buf(kios[i], data, 4096), 0, count_done);
	run(&rig, 8);
	close_sim(&rig);
}

TEST("deadline: done in the same moment as the time is over, it ends once")
{
	struct rig rig;

	open_sim(&rig, "deadline 5ms | delay 5ms | trace id=1", 4);
	for (unsigned round = 0; round < 20; round++) {
		done = 0;
		for (unsigned i = 0; i < MOST; i++)
			kio_write(kios[i], i * 4096, kio_buf(kios[i], data, 4096), 0, count_done);
		if (round % 2 == 0)
			kio_cancel(kios[round]);
		run(&rig, MOST);
		for (unsigned i = 0; i < MOST; i++)
			CHECK(kio_status(kios[i]) == 0 || kio_status(kios[i]) == -ETIMEDOUT ||
			      (i == round && kio_status(kios[i]) == -ECANCELED));
	}
	close_sim(&rig);
}

/* --- retry ---------------------------------------------------------------- */

TEST("retry: what failed is sent again, after a while that doubles")
{
	struct rig rig;

	open_sim(&rig, "retry 3 backoff=10ms | trace id=1", 4);
	trace_fail(1, KIO_WRITE, -EIO, 3);
	fill_pattern(data, 4096, 0, 4);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 70000000);
	CHECK_EQ(memcmp(trace_bytes(1), data, 4096), 0);
	trace_fail(1, KIO_READ, -EIO, 4);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), -EIO);
	CHECK_EQ(trace_count, 8);
	close_sim(&rig);
}

TEST("retry: a flush that failed, and what would fail again, go up at once")
{
	struct rig rig;

	open_sim(&rig, "retry 3 backoff=10ms | trace id=1", 4);
	trace_fail(1, KIO_FLUSH, -EIO, 1);
	CHECK_EQ(rig_flush(&rig), -EIO);
	trace_fail(1, KIO_WRITE, -ENOTSUP, 1);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), -ENOTSUP);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	trace_fail(1, KIO_WRITE, -EIO, 1);
	kio_write(kios[0], 0, kio_buf(kios[0], data, 4096), 0, count_done);
	kio_loop_step(rig.loop, 0);
	kio_cancel(kios[0]); /* it waits for its second time */
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), -ECANCELED);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	close_sim(&rig);
}

TEST("retry: with crypt below, data that is the caller's gift is encrypted once")
{
	struct kio_mem mem;
	struct rig rig;
	FILE *key = fopen("apart.key", "w");

	for (unsigned i = 0; i < 64; i++)
		fputc((int)(i * 5 + i / 32), key);
	fclose(key);
	CHECK_EQ(chmod("apart.key", 0600), 0);
	open_sim(&rig, "retry 3 backoff=1ms | crypt header=none key-file=apart.key | trace id=1", 4);
	fill_pattern(data, 4096, 0, 4);
	fill_pattern(back, 4096, 0, 4);
	kio_mem_init(&mem, data, 4096, NULL);
	kio_chain_init(&rig.kio->chain, rig.kio->chain.segs, 64);
	kio_chain_add(&rig.kio->chain, data, 4096, &mem);
	trace_fail(1, KIO_WRITE, -EIO, 2);
	kio_write(rig.kio, 0, kio_chain_iter(&rig.kio->chain), 0, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(rig_read(&rig, data, 4096, 0), 0);
	CHECK_EQ(memcmp(data, back, 4096), 0);
	close_sim(&rig);
	remove("apart.key");
}

TEST("retry: above a deadline, the second attempt waits for the first, which is late")
{
	struct rig rig;

	open_sim(&rig, "retry 2 backoff=1ms | deadline 10ms | trace id=1", 4);
	fill_pattern(data, 4096, 0, 4);
	trace_hold(1, 0);
	kio_write(kios[0], 0, kio_buf(kios[0], data, 4096), 0, count_done);
	for (unsigned i = 0; i < 100 && kio_loop_now(rig.loop) < 12000000; i++)
		kio_loop_step(rig.loop, 1000000);
	CHECK_EQ(done, 0);
	CHECK_EQ(trace_held(1), 1); /* the second is up there, and waits */
	trace_release(1);
	trace_reset();
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), 0);
	close_sim(&rig);
}
