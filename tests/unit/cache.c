/* SPDX-License-Identifier: MIT */
/* A cache in memory: what it reads below, when it says something old, and what it keeps. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace.h"

#define BLOCK 65536u
#define MOST 128

static unsigned char data[1 << 20], back[1 << 20], zero[BLOCK];
static unsigned order[MOST], ended;

static void
open_cache(struct rig *rig, const char *text)
{
	CHECK(rig_open(rig, text, &(struct kio_stack_options){ .engine = "sim" }));
	fill_pattern(data, sizeof(data), 0, 5);
	memcpy(trace_bytes(1), data, sizeof(data));
	ended = 0;
}

/* Reads that came below. */
static unsigned
reads(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace_count; i++)
		count += trace_notes[i].op == KIO_READ;
	return count;
}

static void
step(const struct rig *rig)
{
	for (unsigned i = 0; i < 40; i++)
		kio_loop_step(rig->loop, 0);
}

static uint64_t
copied(const struct rig *rig)
{
	struct kio_stat stat;

	kio_channel_stat(rig->channel, kio_stack_top(rig->stack), &stat);
	return stat.copied;
}

/* The number is the container's priv; what ended is noted in order. */
static void
note_end(struct kio *kio)
{
	order[ended++] = (unsigned)(uintptr_t)kio->priv;
}

static struct kio *
begin(struct rig *rig, unsigned number, void *into, size_t len, uint64_t offset)
{
	struct kio *kio = kio_create(rig->channel, 1);

	kio->priv = (void *)(uintptr_t)number;
	kio_read(kio, offset, kio_buf(kio, into, len), note_end);
	return kio;
}

static bool
is_right(struct rig *rig, size_t len, uint64_t offset)
{
	memset(back, 0xee, len);
	return rig_read(rig, back, len, offset) == 0 && memcmp(back, data + offset, len) == 0;
}

TEST("cache: a block is read below once, whole, and answers from then on")
{
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	CHECK(is_right(&rig, 4096, 8192));
	CHECK_EQ(reads(), 1);
	CHECK_EQ(trace_notes[0].offset, 0);
	CHECK_EQ(trace_notes[0].len, BLOCK);
	CHECK(is_right(&rig, 4096, 8192));
	CHECK(is_right(&rig, BLOCK, 0));
	CHECK(is_right(&rig, 1, BLOCK - 1));
	CHECK_EQ(reads(), 1);
	CHECK(is_right(&rig, 2, BLOCK - 1));
	CHECK_EQ(reads(), 2);
	CHECK(is_right(&rig, 10 * BLOCK, 1000));
	CHECK_EQ(reads(), 11);
	CHECK(is_right(&rig, 10 * BLOCK, 1000));
	CHECK_EQ(reads(), 11);
	rig_close(&rig);
}

TEST("cache: the end of a disk that is no whole block, and the disk grows")
{
	struct kio_diag diag;
	struct rig rig;
	FILE *file;

	open_cache(&rig, "cache size=1M | trace id=1 size=100000");
	CHECK(is_right(&rig, 100000 - 70000, 70000));
	CHECK_EQ(trace_notes[0].len, 100000 - BLOCK);
	CHECK(is_right(&rig, 1, 99999));
	CHECK_EQ(reads(), 1);
	rig_close(&rig);
	open_cache(&rig, "cache size=1M | file cache-grow.img size=100000");
	CHECK_EQ(rig_write(&rig, data, 100000, 0), 0);
	CHECK(is_right(&rig, 100000, 0));
	CHECK_EQ(kio_stack_resize(rig.stack, 200000, &diag), 0);
	/* by nobody who comes through the cache */
	file = fopen("cache-grow.img", "r+");
	CHECK_EQ(fwrite(data, 1, 200000, file), 200000);
	fclose(file);
	CHECK(is_right(&rig, 200000, 0));
	rig_close(&rig);
	CHECK_EQ(remove("cache-grow.img"), 0);
}

TEST("cache: requests that want one block share one read, into the cache's memory")
{
	struct kio *kios[8];
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	trace_hold(1, 0);
	for (unsigned i = 0; i < 8; i++)
		kios[i] = begin(&rig, i, back + i * 512, 512, i * 4096);
	step(&rig);
	CHECK_EQ(trace_held(1), 1);
	CHECK_EQ(reads(), 1);
	CHECK((const unsigned char *)trace_notes[0].base < back ||
	      (const unsigned char *)trace_notes[0].base >= back + sizeof(back));
	CHECK_EQ(ended, 0);
	trace_release(1);
	step(&rig);
	CHECK_EQ(ended, 8);
	for (unsigned i = 0; i < 8; i++) {
		CHECK_EQ(kio_status(kios[i]), 0);
		CHECK_EQ(memcmp(back + i * 512, data + i * 4096, 512), 0);
		CHECK_EQ(order[i], i); /* as they came */
		kio_destroy(kios[i]);
	}
	rig_close(&rig);
}

TEST("cache: who needs a part of another's read is through before it")
{
	struct kio *kios[3];
	struct rig rig;

	open_cache(&rig, "cache size=2M | trace id=1");
	trace_hold(1, 3 * BLOCK);
	kios[0] = begin(&rig, 0, back, 4 * BLOCK, 0);
	kios[1] = begin(&rig, 1, back + 5 * BLOCK, 4096, 2 * BLOCK);
	kios[2] = begin(&rig, 2, back + 6 * BLOCK, 4096, 3 * BLOCK + 4096);
	step(&rig);
	CHECK_EQ(reads(), 4);
	CHECK_EQ(trace_held(1), 1);
	CHECK_EQ(ended, 1);
	CHECK_EQ(order[0], 1);
	CHECK_EQ(memcmp(back + 5 * BLOCK, data + 2 * BLOCK, 4096), 0);
	trace_release(1);
	step(&rig);
	CHECK_EQ(ended, 3);
	CHECK_EQ(memcmp(back, data, 4 * BLOCK), 0);
	CHECK_EQ(memcmp(back + 6 * BLOCK, data + 3 * BLOCK + 4096, 4096), 0);
	for (unsigned i = 0; i < 3; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

TEST("cache: a write is seen by those who read then, without a read below")
{
	static unsigned char new[3 * BLOCK];
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	fill_pattern(new, sizeof(new), 0, 9);
	CHECK(is_right(&rig, 3 * BLOCK, 0));
	CHECK_EQ(rig_write(&rig, new, BLOCK + 100, BLOCK / 2), 0);
	memcpy(data + BLOCK / 2, new, BLOCK + 100);
	CHECK_EQ(memcmp(trace_bytes(1), data, 3 * BLOCK), 0);
	trace_count = 0;
	CHECK(is_right(&rig, 3 * BLOCK, 0));
	CHECK_EQ(reads(), 0);
	/* what is not there is not brought there by a write */
	CHECK_EQ(rig_write(&rig, new, 4096, 8 * BLOCK), 0);
	memcpy(data + 8 * BLOCK, new, 4096);
	CHECK_EQ(reads(), 0);
	CHECK(is_right(&rig, BLOCK, 8 * BLOCK));
	CHECK_EQ(reads(), 1);
	rig_close(&rig);
}

TEST("cache: a write that failed, zeroes and a discard: what was there is read again")
{
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	CHECK(is_right(&rig, 4 * BLOCK, 0));
	trace_fail(1, KIO_WRITE, -EIO, 1);
	CHECK_EQ(rig_write(&rig, zero, 4096, 0), -EIO);
	memset(trace_bytes(1), 0x11, 10); /* some of it got there */
	memset(data, 0x11, 10);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, BLOCK), 0);
	memset(data + BLOCK, 0, 4096);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, BLOCK, 2 * BLOCK), 0);
	memset(data + 2 * BLOCK, 0, BLOCK);
	trace_count = 0;
	CHECK(is_right(&rig, 4 * BLOCK, 0));
	CHECK_EQ(reads(), 3);
	/* as many blocks as the cache has */
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 1 << 20, 0), 0);
	trace_count = 0;
	memset(data, 0, 1 << 20);
	CHECK(is_right(&rig, 4 * BLOCK, 0));
	CHECK_EQ(reads(), 4);
	rig_close(&rig);
}

TEST("cache: a discard of more blocks than the cache has")
{
	struct rig rig;

	open_cache(&rig, "cache size=512K | trace id=1 size=8M");
	CHECK(is_right(&rig, 4 * BLOCK, BLOCK));
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 10 * BLOCK, 2 * BLOCK), 0);
	memset(data + 2 * BLOCK, 0, 10 * BLOCK);
	trace_count = 0;
	CHECK(is_right(&rig, 4 * BLOCK, BLOCK));
	CHECK_EQ(reads(), 3);
	/* the last one of a range */
	CHECK(is_right(&rig, BLOCK, 15 * BLOCK));
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 11 * BLOCK, 5 * BLOCK), 0);
	memset(data + 5 * BLOCK, 0, 11 * BLOCK);
	CHECK(is_right(&rig, BLOCK, 15 * BLOCK));
	rig_close(&rig);
}

TEST("cache: what was read below before a write ended does not come back after it")
{
	static unsigned char new[4096], old[4096];
	struct kio *kios[2];
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	fill_pattern(new, sizeof(new), 0, 9);
	memcpy(old, data + 8192, sizeof(old));
	trace_hold(1, 0);
	kios[0] = begin(&rig, 0, back, 4096, 8192);
	step(&rig);
	CHECK_EQ(trace_held(1), 1);
	trace_reset(); /* the fill stays below, nothing else does */
	CHECK_EQ(rig_write(&rig, new, 4096, 8192), 0);
	/* one that comes now must not wait for that fill */
	kios[1] = begin(&rig, 1, back + 4096, 4096, 8192);
	step(&rig);
	CHECK_EQ(ended, 1);
	CHECK_EQ(memcmp(back + 4096, new, 4096), 0);
	/* it has read before the write */
	memcpy(trace_bytes(1) + 8192, old, 4096);
	trace_release(1);
	memcpy(trace_bytes(1) + 8192, new, 4096);
	step(&rig);
	CHECK_EQ(ended, 2);
	CHECK_EQ(memcmp(back, old, 4096), 0);
	memcpy(data + 8192, new, 4096);
	CHECK(is_right(&rig, BLOCK, 0));
	kio_destroy(kios[0]);
	kio_destroy(kios[1]);
	rig_close(&rig);
}

TEST("cache: so it is without anybody who reads between")
{
	static unsigned char new[4096], old[4096];
	struct kio *kio;
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	fill_pattern(new, sizeof(new), 0, 9);
	memcpy(old, data + 8192, sizeof(old));
	trace_hold(1, 0);
	kio = begin(&rig, 0, back, 4096, 8192);
	step(&rig);
	trace_reset();
	CHECK_EQ(rig_write(&rig, new, 4096, 8192), 0);
	memcpy(trace_bytes(1) + 8192, old, 4096);
	trace_release(1);
	memcpy(trace_bytes(1) + 8192, new, 4096);
	step(&rig);
	CHECK_EQ(ended, 1);
	memcpy(data + 8192, new, 4096);
	CHECK(is_right(&rig, BLOCK, 0));
	kio_destroy(kio);
	rig_close(&rig);
}

/* --- lent reads --------------------------------------------------------------- */

static bool
lent_is(const struct kio *kio, const unsigned char *bytes)
{
	struct kio_iter rest = kio_data(kio);
	const unsigned char *base;
	size_t len;

	while ((base = kio_iter_next(&rest, &len)) != NULL) {
		if (memcmp(base, bytes, len) != 0)
			return false;
		bytes += len;
	}
	return true;
}

TEST("cache: what is lent is the cache's own memory, and costs no copy")
{
	struct kio_iter lent;
	size_t len = 0;
	struct rig rig;

	open_cache(&rig, "cache size=2M | trace id=1");
	CHECK(kio_stack_limits(rig.stack)->lend);
	kio_lend(rig.kio, 0, 3 * BLOCK, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(lent_is(rig.kio, data));
	CHECK_EQ(copied(&rig), 0);
	lent = kio_data(rig.kio);
	CHECK(kio_iter_next(&lent, &len) == trace_notes[0].base);
	CHECK_EQ(len, BLOCK);
	kio_release(rig.kio);
	kio_lend(rig.kio, 100, 2 * BLOCK, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(lent_is(rig.kio, data + 100));
	CHECK_EQ(copied(&rig), 0);
	CHECK_EQ(reads(), 3);
	kio_release(rig.kio);
	/* what is too long for that is read into the budget's memory */
	CHECK_EQ(kio_stack_limits(rig.stack)->max_lend, 15 * BLOCK);
	kio_lend(rig.kio, 1, 15 * BLOCK, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(lent_is(rig.kio, data + 1));
	CHECK_EQ(copied(&rig), 0);
	kio_release(rig.kio);
	kio_lend(rig.kio, 0, 15 * BLOCK + 1, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(lent_is(rig.kio, data));
	CHECK_EQ(copied(&rig), 15 * BLOCK + 1);
	kio_release(rig.kio);
	rig_close(&rig);
}

TEST("cache: what is lent stays as it is: no other block comes there, and no write")
{
	struct kio *lent;
	struct rig rig;

	open_cache(&rig, "cache size=512K | trace id=1 size=8M");
	for (unsigned i = 16; i < 128; i++)
		memset(trace_bytes(1) + i * BLOCK, (int)i, BLOCK);
	lent = kio_create(rig.channel, 1);
	kio_lend(lent, 0, 2 * BLOCK, NULL);
	CHECK_EQ(rig_wait(&rig, lent), 0);
	for (unsigned i = 2; i < 128; i++)
		CHECK_EQ(rig_read(&rig, back, BLOCK, i * BLOCK), 0);
	CHECK(lent_is(lent, data));
	memcpy(back, data, 2 * BLOCK);
	CHECK_EQ(rig_write(&rig, zero, 4096, 4096), 0);
	memset(data + 4096, 0, 4096);
	CHECK(lent_is(lent, back));
	/* the others see the write, at once and later */
	CHECK(is_right(&rig, BLOCK, 0));
	kio_release(lent);
	CHECK(is_right(&rig, BLOCK, 0));
	kio_destroy(lent);
	rig_close(&rig);
}

TEST("cache: with all of it lent reads go below as they are, and lent ones wait")
{
	struct kio *lent[4];
	struct rig rig;

	/* one block less than its half at most */
	open_cache(&rig, "cache size=640K | trace id=1");
	for (unsigned i = 0; i < 4; i++)
		lent[i] = kio_create(rig.channel, 1);
	for (unsigned i = 0; i < 2; i++) {
		kio_lend(lent[i], i * 5 * BLOCK + 1, 4 * BLOCK, NULL);
		CHECK_EQ(rig_wait(&rig, lent[i]), 0);
	}
	trace_count = 0;
	CHECK(is_right(&rig, 4096, 12 * BLOCK));
	CHECK_EQ(trace_notes[0].len, 4096);
	CHECK(trace_notes[0].base == back);
	CHECK(is_right(&rig, 4096, 3 * BLOCK)); /* there */
	CHECK(is_right(&rig, 2 * BLOCK, 9 * BLOCK)); /* in part: from below */
	CHECK_EQ(reads(), 2);
	for (unsigned i = 2; i < 4; i++) {
		lent[i]->priv = (void *)(uintptr_t)i;
		kio_lend(lent[i], (i + 8) * BLOCK, BLOCK, note_end);
	}
	step(&rig);
	CHECK_EQ(ended, 0);
	trace_hold(1, 0);
	kio_release(lent[0]);
	step(&rig);
	CHECK_EQ(trace_held(1), 2);
	trace_release(1);
	step(&rig);
	CHECK_EQ(ended, 2);
	CHECK(lent_is(lent[2], data + 10 * BLOCK));
	CHECK(lent_is(lent[3], data + 11 * BLOCK));
	/* two that each need more than is left do not hold what the other needs */
	kio_lend(lent[0], 1, 4 * BLOCK, note_end);
	step(&rig);
	CHECK_EQ(ended, 2);
	kio_release(lent[2]);
	step(&rig);
	CHECK_EQ(ended, 2);
	kio_release(lent[3]);
	step(&rig);
	CHECK_EQ(ended, 3);
	CHECK(lent_is(lent[0], data + 1));
	kio_release(lent[0]);
	kio_release(lent[1]);
	for (unsigned i = 0; i < 4; i++)
		kio_destroy(lent[i]);
	rig_close(&rig);
}

/* --- what stays ----------------------------------------------------------------- */

static void
read_blocks(struct rig *rig, unsigned from, unsigned to, unsigned step_)
{
	for (unsigned at = from * 4096; at < to * 4096; at += step_)
		CHECK_EQ(rig_read(rig, back, step_, at), 0);
}

TEST("cache: a scan does not wash out what is used all the time, whatever its steps")
{
	static const unsigned steps[] = { 512, 4096, 16384 };
	struct rig rig;

	for (unsigned i = 0; i < 3; i++) {
		open_cache(&rig, "cache size=512K block=4K | trace id=1 size=8M");
		for (unsigned round = 0; round < 3; round++)
			read_blocks(&rig, 0, 64, 4096);
		/* 15 times the cache, once */
		read_blocks(&rig, 100, 2020, steps[i]);
		trace_count = 0;
		read_blocks(&rig, 0, 64, 4096);
		CHECK_EQ(reads(), 0);
		rig_close(&rig);
	}
}

TEST("cache: what is wanted again soon after it went stays longer the next time")
{
	struct rig rig;

	open_cache(&rig, "cache size=512K block=4K | trace id=1 size=8M");
	/* fills it, and the first ones go again */
	read_blocks(&rig, 0, 160, 4096);
	read_blocks(&rig, 0, 16, 4096);
	read_blocks(&rig, 200, 1000, 4096);
	trace_count = 0;
	read_blocks(&rig, 0, 16, 4096);
	CHECK_EQ(reads(), 0);
	rig_close(&rig);
}

TEST("cache: what is used no more goes in the end")
{
	struct rig rig;

	open_cache(&rig, "cache size=512K block=4K | trace id=1 size=8M");
	for (unsigned round = 0; round < 3; round++)
		read_blocks(&rig, 0, 64, 4096);
	for (unsigned round = 0; round < 6; round++) {
		read_blocks(&rig, 200, 300, 4096);
		read_blocks(&rig, 200, 300, 4096);
	}
	trace_count = 0;
	read_blocks(&rig, 200, 300, 4096);
	CHECK_EQ(reads(), 0);
	rig_close(&rig);
}

/* --- errors, cancelling, reserves ------------------------------------------------ */

TEST("cache: an error reaches those who need the bytes that failed, and no others")
{
	struct kio *kios[4];
	struct rig rig;

	open_cache(&rig, "cache size=1M | concat { trace id=1 size=32K ; trace id=2 size=1M }");
	memcpy(trace_bytes(2), data + 32768, 1 << 19);
	trace_fail(2, KIO_READ, -EIO, 3);
	kios[0] = begin(&rig, 0, back, 4096, 8192);                   /* of the good half */
	kios[1] = begin(&rig, 1, back + BLOCK, BLOCK, 0);             /* all */
	kios[2] = begin(&rig, 2, back + 2 * BLOCK, 4096, BLOCK - 4096); /* of the bad half: read by itself */
	step(&rig);
	CHECK_EQ(ended, 3);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(memcmp(back, data + 8192, 4096), 0);
	CHECK_EQ(kio_status(kios[1]), -EIO);
	CHECK_EQ(kios[1]->fail_from, 32768);
	CHECK_EQ(kios[1]->fail_len, 32768);
	CHECK_EQ(memcmp(back + BLOCK, data, 32768), 0);
	CHECK_EQ(kio_status(kios[2]), -EIO);
	CHECK_EQ(kios[2]->fail_from, 0);
	CHECK_EQ(kios[2]->fail_len, 4096);
	/* one bad block more, then all is well, and nothing of it was kept */
	CHECK_EQ(rig_read(&rig, back, 2 * BLOCK, 0), -EIO);
	CHECK_EQ(rig.kio->fail_from, 32768);
	CHECK_EQ(rig.kio->fail_len, 32768);
	CHECK_EQ(memcmp(back + BLOCK, data + BLOCK, BLOCK), 0);
	trace_count = 0;
	CHECK(is_right(&rig, BLOCK, 0));
	CHECK_EQ(reads(), 2);
	/* lent: what is good is lent */
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, BLOCK, 0), 0);
	memset(data, 0, BLOCK);
	trace_fail(2, KIO_READ, -EIO, 2);
	kio_lend(rig.kio, 0, 4096, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(lent_is(rig.kio, data));
	kio_release(rig.kio);
	kio_lend(rig.kio, BLOCK - 4096, 8192, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), -EIO);
	kio_lend(rig.kio, BLOCK - 4096, 8192, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(lent_is(rig.kio, data + BLOCK - 4096));
	kio_release(rig.kio);
	for (unsigned i = 0; i < 3; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

TEST("cache: one that waits is cancelled at once, the one that began the read too; the others get it")
{
	struct kio *kios[3];
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	trace_hold(1, 0);
	for (unsigned i = 0; i < 3; i++)
		kios[i] = begin(&rig, i, back + i * BLOCK, 2 * BLOCK - 4096, i * 512);
	step(&rig);
	kio_cancel(kios[0]);
	kio_cancel(kios[1]);
	step(&rig);
	CHECK_EQ(ended, 2);
	CHECK_EQ(kio_status(kios[0]), -ECANCELED);
	CHECK_EQ(kio_status(kios[1]), -ECANCELED);
	CHECK_EQ(trace_held(1), 2);
	trace_release(1);
	/* woken, and cancelled before it runs */
	step(&rig);
	CHECK_EQ(kio_status(kios[2]), 0);
	CHECK_EQ(memcmp(back + 2 * BLOCK, data + 1024, 2 * BLOCK - 4096), 0);
	CHECK(is_right(&rig, 2 * BLOCK, 0));
	CHECK_EQ(reads(), 2);
	for (unsigned i = 0; i < 3; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

TEST("cache: a channel closes with a fill under way that nobody wants any more")
{
	struct kio *kio;
	struct rig rig;

	open_cache(&rig, "cache size=1M | delay 1s | trace id=1");
	kio = begin(&rig, 0, back, 4096, 0);
	kio_loop_step(rig.loop, 0);
	kio_cancel(kio);
	step(&rig);
	CHECK_EQ(kio_status(kio), -ECANCELED);
	kio_destroy(kio);
	kio_destroy(rig.kio);
	kio_channel_close(&rig.channel);
	CHECK(kio_loop_now(rig.loop) < 1000000000);
	kio_loop_close(&rig.loop);
	CHECK_EQ(kio_stack_close(&rig.stack, NULL), 0);
}

TEST("cache: requests for more blocks than can be filled at once wait for that, in order")
{
	struct kio *kios[100], *lent;
	unsigned cancelled = 0;
	struct rig rig;

	open_cache(&rig, "cache size=2M block=4K | trace id=1");
	trace_hold(1, 0);
	for (unsigned i = 0; i < 70; i++)
		kios[i] = begin(&rig, i, back + i * 4096, 4096, i * 4096);
	lent = kio_create(rig.channel, 1);
	lent->priv = (void *)(uintptr_t)100;
	kio_lend(lent, 200 * 4096, 20 * 4096, note_end);
	for (unsigned i = 70; i < 100; i++)
		kios[i] = begin(&rig, i, back + i * 4096, 4096, i * 4096);
	step(&rig);
	CHECK_EQ(trace_held(1), 64);
	/* one that waits for a fill of another's, and those in the queue */
	for (unsigned i = 60; i < 80; i += 2)
		kio_cancel(kios[i]);
	step(&rig);
	CHECK_EQ(ended, 10);
	CHECK_EQ(trace_held(1), 64);
	trace_release(1);
	step(&rig);
	step(&rig);
	CHECK_EQ(ended, 101);
	for (unsigned i = 0; i < 100; i++) {
		cancelled += kio_status(kios[i]) == -ECANCELED;
		CHECK(kio_status(kios[i]) == -ECANCELED || memcmp(back + i * 4096, data + i * 4096, 4096) == 0);
		kio_destroy(kios[i]);
	}
	CHECK_EQ(cancelled, 10);
	CHECK(lent_is(lent, data + 200 * 4096));
	kio_release(lent);
	kio_destroy(lent);
	rig_close(&rig);
}

TEST("cache: what waits for a fill is not overtaken")
{
	struct kio *kios[60], *lent;
	struct rig rig;

	open_cache(&rig, "cache size=2M block=4K | trace id=1");
	trace_hold(1, 0);
	for (unsigned i = 0; i < 50; i++)
		kios[i] = begin(&rig, i, back + i * 4096, 4096, i * 4096);
	lent = kio_create(rig.channel, 1);
	lent->priv = (void *)(uintptr_t)100;
	kio_lend(lent, 200 * 4096, 20 * 4096, note_end);
	for (unsigned i = 50; i < 60; i++)
		kios[i] = begin(&rig, i, back + i * 4096, 4096, i * 4096);
	step(&rig);
	CHECK_EQ(trace_held(1), 50);
	trace_release(1);
	step(&rig);
	CHECK_EQ(ended, 61);
	for (unsigned i = 0; i < 60; i++)
		kio_destroy(kios[i]);
	kio_release(lent);
	kio_destroy(lent);
	rig_close(&rig);
}

TEST("cache: a lent read whose first block takes the place of its second needs a fill for both")
{
	struct kio *kios[63], *lent;
	struct rig rig;

	open_cache(&rig, "cache size=268K block=4K | trace id=1");
	CHECK(is_right(&rig, 4096, 101 * 4096));
	CHECK(is_right(&rig, 3 * 4096, 110 * 4096));
	trace_hold(1, 0);
	for (unsigned i = 0; i < 63; i++)
		kios[i] = begin(&rig, i, back + i * 4096, 4096, i * 4096);
	lent = kio_create(rig.channel, 1);
	lent->priv = (void *)(uintptr_t)100;
	kio_lend(lent, 100 * 4096, 2 * 4096, note_end);
	step(&rig);
	CHECK_EQ(trace_held(1), 63);
	/* one that is there needs none */
	CHECK_EQ(rig_read(&rig, back + 64 * 4096, 4096, 101 * 4096), 0);
	trace_release(1);
	step(&rig);
	CHECK_EQ(ended, 64);
	CHECK(lent_is(lent, data + 100 * 4096));
	for (unsigned i = 0; i < 63; i++)
		kio_destroy(kios[i]);
	kio_release(lent);
	kio_destroy(lent);
	rig_close(&rig);
}

TEST("cache: when the first that waits for a fill is cancelled, the next goes on")
{
	struct kio *kios[51], *lent;
	struct rig rig;

	open_cache(&rig, "cache size=2M block=4K | trace id=1");
	trace_hold(1, 0);
	for (unsigned i = 0; i < 50; i++)
		kios[i] = begin(&rig, i, back + i * 4096, 4096, i * 4096);
	lent = kio_create(rig.channel, 1);
	lent->priv = (void *)(uintptr_t)100;
	kio_lend(lent, 200 * 4096, 20 * 4096, note_end);
	kios[50] = begin(&rig, 50, back + 50 * 4096, 4096, 50 * 4096);
	step(&rig);
	CHECK_EQ(trace_held(1), 50);
	kio_cancel(lent);
	step(&rig);
	CHECK_EQ(kio_status(lent), -ECANCELED);
	CHECK_EQ(trace_held(1), 51);
	trace_release(1);
	step(&rig);
	CHECK_EQ(ended, 52);
	for (unsigned i = 0; i < 51; i++)
		kio_destroy(kios[i]);
	kio_destroy(lent);
	rig_close(&rig);
}

TEST("cache: one read that is longer than the cache, and several")
{
	struct kio *kios[4];
	struct rig rig;

	open_cache(&rig, "cache size=32K block=4K | trace id=1");
	CHECK(is_right(&rig, 1 << 19, 4000));
	for (unsigned i = 0; i < 4; i++)
		kios[i] = begin(&rig, i, back + i * 100000, 100000, i * 90000);
	step(&rig);
	for (unsigned i = 0; i < 4; i++) {
		CHECK_EQ(rig_wait(&rig, kios[i]), 0);
		CHECK_EQ(memcmp(back + i * 100000, data + i * 90000, 100000), 0);
		kio_destroy(kios[i]);
	}
	rig_close(&rig);
}

/* --- two loops --------------------------------------------------------------------- */

struct second {
	struct kio_loop *loop;
	struct kio_channel *channel;
	struct kio *kio;
};

static void
open_second(const struct rig *rig, struct second *second)
{
	CHECK_EQ(kio_loop_open(&second->loop, &(struct kio_loop_options){ .engine = "sim" }), 0);
	CHECK_EQ(kio_channel_open(&second->channel, rig->stack, second->loop), 0);
	second->kio = kio_create(second->channel, 1);
}

static void
close_second(struct second *second)
{
	kio_destroy(second->kio);
	kio_channel_close(&second->channel);
	kio_loop_close(&second->loop);
}

static void
step_both(const struct rig *rig, const struct second *second)
{
	for (unsigned i = 0; i < 20; i++) {
		kio_loop_step(rig->loop, 0);
		kio_loop_step(second->loop, 0);
	}
}

TEST("cache: two loops share it: its blocks, its fills, and what was written")
{
	struct second second;
	struct rig rig;

	open_cache(&rig, "cache size=1M | trace id=1");
	open_second(&rig, &second);
	CHECK(is_right(&rig, 4096, 0));
	kio_read(second.kio, 0, kio_buf(second.kio, back, 4096), note_end);
	step_both(&rig, &second);
	CHECK_EQ(ended, 1);
	CHECK_EQ(memcmp(back, data, 4096), 0);
	CHECK_EQ(reads(), 1);
	CHECK_EQ(rig_write(&rig, zero, 4096, 0), 0);
	memset(data, 0, 4096);
	kio_read(second.kio, 0, kio_buf(second.kio, back, 4096), note_end);
	step_both(&rig, &second);
	CHECK_EQ(memcmp(back, data, 4096), 0);
	CHECK_EQ(reads(), 1);
	/* waits for the fill of the other */
	trace_hold(1, 0);
	kio_read(rig.kio, BLOCK, kio_buf(rig.kio, back, 4096), note_end);
	kio_read(second.kio, BLOCK + 4096, kio_buf(second.kio, back + 4096, 4096), note_end);
	step_both(&rig, &second);
	CHECK_EQ(ended, 2);
	CHECK_EQ(trace_held(1), 1);
	trace_release(1);
	step_both(&rig, &second);
	CHECK_EQ(ended, 4);
	CHECK_EQ(memcmp(back, data + BLOCK, 8192), 0);
	close_second(&second);
	rig_close(&rig);
}

TEST("cache: one that has waited for a fill, and finds its block there, lets the next have it")
{
	struct kio *kios[66];
	struct second second;
	struct rig rig;

	open_cache(&rig, "cache size=2M block=4K | trace id=1");
	open_second(&rig, &second);
	trace_hold(1, 8192);
	for (unsigned i = 0; i < 64; i++)
		kios[i] = begin(&rig, i, back + i * 4096, 4096, i == 0 ? 0 : (i + 1) * 4096);
	kios[64] = begin(&rig, 64, back + 64 * 4096, 4096, 4096);
	kios[65] = begin(&rig, 65, back + 65 * 4096, 4096, 100 * 4096);
	kio_read(second.kio, 4096, kio_buf(second.kio, back + 66 * 4096, 4096), note_end);
	for (unsigned i = 0; i < 20; i++)
		kio_loop_step(second.loop, 0);
	CHECK_EQ(ended, 1);
	CHECK_EQ(trace_held(1), 63);
	step(&rig);
	CHECK_EQ(ended, 3);
	CHECK_EQ(trace_held(1), 64);
	trace_release(1);
	step(&rig);
	CHECK_EQ(ended, 67);
	for (unsigned i = 0; i < 66; i++)
		kio_destroy(kios[i]);
	close_second(&second);
	rig_close(&rig);
}

TEST("cache: who waits for the fill of a channel that closes reads by itself")
{
	struct second second;
	struct rig rig;

	open_cache(&rig, "cache size=1M | delay 1s | trace id=1");
	open_second(&rig, &second);
	kio_read(second.kio, 0, kio_buf(second.kio, back, 4096), NULL);
	kio_loop_step(second.loop, 0);
	kio_read(rig.kio, 0, kio_buf(rig.kio, back, BLOCK), note_end);
	kio_loop_step(rig.loop, 0);
	kio_cancel(second.kio);
	kio_loop_step(second.loop, 0);
	close_second(&second);
	CHECK_EQ(ended, 0);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(memcmp(back, data, BLOCK), 0);
	rig_close(&rig);
}

/* --- threads ----------------------------------------------------------------------- */

#define USERS 3
#define DEPTH 4
#define SLOT 512u
#define SLOTS 512u

/* Each container has slots of its own, which share blocks with those of the others. */
struct hand {
	struct kio *kio;
	struct user *user;
	unsigned char memory[8192], values[SLOTS];
	unsigned slot, number;
	bool writes, shifted;
};

struct user {
	pthread_t thread;
	struct kio_loop *loop;
	struct kio_channel *channel;
	struct hand hands[DEPTH];
	uint64_t random;
	unsigned left, in_flight, wrong;
};

static void
hand_on(struct hand *hand)
{
	struct user *user = hand->user;
	uint64_t offset, len;

	if (user->left == 0) {
		if (--user->in_flight == 0)
			kio_loop_stop(user->loop);
		return;
	}
	user->left--;
	user->random = user->random * 6364136223846793005u + 1442695040888963407u;
	hand->slot = (unsigned)(user->random >> 33) % (SLOTS / USERS / DEPTH) * USERS * DEPTH + hand->number;
	hand->writes = user->random >> 60 < 5;
	offset = hand->slot * SLOT;
	len = SLOT;
	if (!hand->writes) {
		/* some more than the slot */
		hand->shifted = hand->slot > 0;
		offset -= hand->shifted ? SLOT : 0;
		len += (hand->shifted ? SLOT : 0) + (user->random >> 20) % 12 * SLOT;
		len = len < SLOTS * SLOT - offset ? len : SLOTS * SLOT - offset;
		kio_read(hand->kio, offset, kio_buf(hand->kio, hand->memory, len), hand->kio->done);
		return;
	}
	hand->values[hand->slot]++;
	memset(hand->memory, hand->values[hand->slot], SLOT);
	kio_write(hand->kio, offset, kio_buf(hand->kio, hand->memory, len), 0, hand->kio->done);
}

static void
hand_done(struct kio *kio)
{
	struct hand *hand = kio->priv;
	const unsigned char *slot = hand->memory + (hand->shifted ? SLOT : 0);

	hand->user->wrong += kio_status(kio) < 0;
	for (unsigned i = 0; i < SLOT && !hand->writes; i++)
		hand->user->wrong += slot[i] != hand->values[hand->slot];
	hand_on(hand);
}

static void *
use(void *priv)
{
	struct user *user = priv;

	for (unsigned i = 0; i < DEPTH; i++)
		hand_on(&user->hands[i]);
	kio_loop_run(user->loop);
	for (unsigned i = 0; i < DEPTH; i++)
		kio_destroy(user->hands[i].kio);
	kio_channel_close(&user->channel);
	return NULL;
}

static void
open_user(struct user *user, unsigned number, struct kio_stack *stack)
{
	*user = (struct user){ .random = number + 1, .left = 60000, .in_flight = DEPTH };
	CHECK_EQ(kio_loop_open(&user->loop, NULL), 0);
	CHECK_EQ(kio_channel_open(&user->channel, stack, user->loop), 0);
	for (unsigned i = 0; i < DEPTH; i++) {
		user->hands[i].user = user;
		user->hands[i].number = number * DEPTH + i;
		user->hands[i].kio = kio_create(user->channel, 1);
		user->hands[i].kio->priv = &user->hands[i];
		user->hands[i].kio->done = hand_done;
	}
	/* the first is at work when the second channel opens */
	pthread_create(&user->thread, NULL, use, user);
}

TEST("cache: three threads that write into each other's blocks see their own writes")
{
	static struct user users[USERS];
	struct kio_stack *stack;
	struct kio_diag diag;

	remove("cache-threads.img");
	if (kio_stack_open(&stack, "cache size=128K block=4K | file cache-threads.img size=256K", NULL, &diag) < 0) {
		printf("  %s\n", diag.text);
		CHECK(false);
		return;
	}
	for (unsigned u = 0; u < USERS; u++)
		open_user(&users[u], u, stack);
	for (unsigned u = 0; u < USERS; u++) {
		pthread_join(users[u].thread, NULL);
		CHECK_EQ(users[u].wrong, 0);
		kio_loop_close(&users[u].loop);
	}
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	CHECK_EQ(remove("cache-threads.img"), 0);
}

/* --- options ------------------------------------------------------------------------ */

TEST("cache: sizes that cannot be are refused")
{
	static const char *const wrong[][2] = {
		{ "cache | null 1M", "size=" },
		{ "cache size=1M block=1000 | null 1M", "block=1000 is not a power of two" },
		{ "cache size=1M block=2K | null 1M", "from 4K to 1M" },
		{ "cache size=256K | null 1M", "less than 8 blocks" },
		{ "cache size=1M block=4K | trace block=8192", "smaller than the blocks" },
	};
	struct kio_stack *stack;
	struct kio_diag diag;

	for (unsigned i = 0; i < 5; i++) {
		CHECK_EQ(kio_stack_open(&stack, wrong[i][0], NULL, &diag), -EINVAL);
		if (strstr(diag.text, wrong[i][1]) == NULL)
			printf("  %s\n", diag.text);
		CHECK(strstr(diag.text, wrong[i][1]) != NULL);
	}
}
