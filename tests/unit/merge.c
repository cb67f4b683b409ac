/* SPDX-License-Identifier: MIT */
/* Neighbours that go down as one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST 400
#include "crowd.h"

#define PAGE 4096u

static unsigned char data[MOST * PAGE], back[MOST * PAGE];
static struct kio_mem mems[MOST];

static void
open_merge(struct rig *rig, const char *text, unsigned reserve)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = reserve };

	trace_clear();
	CHECK(rig_open(rig, text, &options));
	crowd_open(rig, MOST, 70);
	fill_pattern(data, sizeof(data), 0, 3);
	memset(back, 0, sizeof(back));
}

static void
close_merge(struct rig *rig)
{
	crowd_close(MOST);
	rig_close(rig);
}

static void
settle(struct rig *rig, unsigned count)
{
	run(rig, count);
	done = 0;
}

/* Page numbers, one container each, in this order. */
static void
start(enum kio_op op, unsigned flags, const unsigned *pages, unsigned count)
{
	struct kio_iter view;

	for (unsigned i = 0; i < count; i++) {
		view = op > KIO_WRITE ?
			       kio_iter_none(PAGE) :
			       kio_buf(kios[i], (op == KIO_READ ? back : data) + pages[i] * PAGE, PAGE);
		kio_prepare(kios[i], op, flags, (uint64_t)pages[i] * PAGE, view, count_done);
		kio_submit(kios[i]);
	}
}

static void
start_range(enum kio_op op, unsigned from, unsigned count)
{
	unsigned pages[MOST];

	for (unsigned i = 0; i < count; i++)
		pages[i] = from + i;
	start(op, 0, pages, count);
}

static void
check_note(unsigned i, enum kio_op op, unsigned from, unsigned pages)
{
	CHECK_EQ(trace_notes[i].op, op);
	CHECK_EQ(trace_notes[i].offset, (uint64_t)from * PAGE);
	CHECK_EQ(trace_notes[i].len, (uint64_t)pages * PAGE);
}

static struct kio_stat
stat_of_top(const struct rig *rig)
{
	struct kio_stat stat;

	kio_layer_stat(kio_stack_top(rig->stack), &stat);
	return stat;
}

TEST("merge: neighbours go down as one, in whatever order they came; others as they are")
{
	static const unsigned pages[] = { 2, 9, 0, 1, 7, 3 };
	struct kio_stat stat;
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	start(KIO_WRITE, 0, pages, 6);
	CHECK_EQ(trace_count, 0);
	settle(&rig, 6);
	CHECK_EQ(trace_count, 3);
	check_note(0, KIO_WRITE, 0, 4);
	CHECK(trace_notes[0].base == data);
	check_note(1, KIO_WRITE, 7, 1);
	CHECK(trace_notes[1].kio == kios[4]);
	check_note(2, KIO_WRITE, 9, 1);
	CHECK(trace_notes[2].kio == kios[1]);
	CHECK_EQ(memcmp(trace_bytes(1), data, 4 * PAGE), 0);
	start(KIO_READ, 0, pages, 6);
	settle(&rig, 6);
	CHECK_EQ(trace_count, 6);
	check_note(3, KIO_READ, 0, 4);
	CHECK_EQ(memcmp(back, data, 4 * PAGE), 0);
	CHECK_EQ(memcmp(back + 7 * PAGE, data + 7 * PAGE, PAGE), 0);
	stat = stat_of_top(&rig);
	CHECK_EQ(stat.ios, 12);
	CHECK_EQ(stat.merged, 8);
	CHECK_EQ(stat.merges, 2);
	CHECK_EQ(stat.copied, 0);
	CHECK_EQ(stat.waits, 0);
	close_merge(&rig);
}

TEST("merge: what comes in a later round goes down later, where nobody asked to wait for it")
{
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	start_range(KIO_WRITE, 0, 1);
	kio_loop_step(rig.loop, 0);
	CHECK_EQ(trace_count, 1);
	settle(&rig, 1);
	close_merge(&rig);

	open_merge(&rig, "merge wait=5ms | trace id=1", 0);
	start_range(KIO_WRITE, 0, 1);
	kio_loop_step(rig.loop, 1000000);
	CHECK_EQ(trace_count, 0);
	kio_write(kios[1], PAGE, kio_buf(kios[1], data + PAGE, PAGE), 0, count_done);
	settle(&rig, 2);
	CHECK_EQ(kio_loop_now(rig.loop), 5000000);
	CHECK_EQ(trace_count, 1);
	check_note(0, KIO_WRITE, 0, 2);
	/* not even until the wait is over: nobody is left */
	start_range(KIO_READ, 0, 1);
	kio_cancel(kios[0]);
	settle(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), -ECANCELED);
	close_merge(&rig);
}

TEST("merge: never longer than what is below takes at once, nor across what it splits at")
{
	static const struct {
		const char *text;
		unsigned pages; /* of one request at most */
	} limits[] = {
		{ "merge | trace id=1", 16 },
		{ "merge longest=8K | trace id=1", 2 },
		{ "merge | trace id=1 max-transfer=12K", 3 },
		{ "merge | log | trace id=1 max-transfer=16K", 4 },
		{ "merge | concat { trace id=1 max-transfer=8K ; trace id=2 size=4K }", 2 },
		{ "merge | stripe chunk=16K { trace id=1 ; trace id=2 }", 4 },
		{ "merge | crop offset=64K | stripe chunk=16K { trace id=1 ; trace id=2 }", 4 },
		{ "merge | deadline 1s | trace id=1", 16 },
		{ "merge longest=60K | deadline 1s | trace id=1", 15 },
	};
	struct kio_stack *stack;
	struct kio_diag diag;
	struct rig rig;

	for (unsigned i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		open_merge(&rig, limits[i].text, 0);
		start_range(KIO_WRITE, 0, 16);
		settle(&rig, 16);
		CHECK_EQ(trace_count, (16 + limits[i].pages - 1) / limits[i].pages);
		CHECK_EQ(trace_notes[0].len, (uint64_t)limits[i].pages * PAGE);
		CHECK_EQ(stat_of_top(&rig).merges, 16 / limits[i].pages);
		/* nothing is split again */
		for (const struct kio_layer *layer = kio_stack_top(rig.stack); layer != NULL;
		     layer = kio_layer_next(layer)) {
			struct kio_stat stat;

			kio_layer_stat(layer, &stat);
			CHECK_EQ(stat.parts, 0);
		}
		close_merge(&rig);
	}
	CHECK_EQ(kio_stack_open(&stack, "merge longest=6K | trace id=1 block=4K", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "less than two blocks of 4K") != NULL);
}

TEST("merge: as many requests as the plug holds, and as many pieces of memory as one call takes")
{
	static unsigned char crumbs[16][9];
	struct kio_chain *chain;
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	start_range(KIO_WRITE, 0, 70);
	CHECK_EQ(trace_count, 1);
	check_note(0, KIO_WRITE, 0, 64);
	settle(&rig, 70);
	CHECK_EQ(trace_count, 2);
	check_note(1, KIO_WRITE, 64, 6);
	trace_reset();
	for (unsigned i = 0; i < 16; i++) {
		chain = &kios[i]->chain;
		kio_chain_init(chain, chain->segs, chain->space);
		for (unsigned piece = 0; piece < 9; piece++)
			kio_chain_add(chain, &crumbs[i][8 - piece], 1, NULL);
		kio_write(kios[i], i * 9, kio_chain_iter(chain), 0, count_done);
	}
	settle(&rig, 16);
	CHECK_EQ(trace_count, 3);
	CHECK_EQ(trace_notes[0].len, 63);
	/* one that has more by itself passes */
	trace_reset();
	chain = &kios[0]->chain;
	kio_chain_init(chain, chain->segs, chain->space);
	for (unsigned piece = 0; piece < 70; piece++)
		kio_chain_add(chain, data + 2 * piece, 1, NULL);
	kio_write(kios[0], 0, kio_chain_iter(chain), 0, count_done);
	kio_write(kios[1], 70, kio_buf(kios[1], data, 10), 0, count_done);
	settle(&rig, 2);
	CHECK_EQ(trace_count, 2);
	CHECK(trace_notes[0].kio == kios[0]);
	close_merge(&rig);
}

TEST("merge: not with FUA, not with another operation, not over one another; lent reads pass")
{
	static const unsigned pages[] = { 0, 1 }, twice[] = { 5, 5 };
	struct kio_stat stat;
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	start(KIO_WRITE, KIO_FUA, pages, 2);
	CHECK_EQ(trace_count, 2);
	settle(&rig, 2);
	CHECK_EQ(trace_notes[1].flags, KIO_FUA);
	trace_reset();
	start(KIO_WRITE, 0, pages, 1);
	kio_read(kios[1], PAGE, kio_buf(kios[1], back, PAGE), count_done);
	kio_clear(kios[2], KIO_DISCARD, 2 * PAGE, PAGE, 0, count_done);
	kio_clear(kios[3], KIO_WRITE_ZEROES, 3 * PAGE, PAGE, 0, count_done);
	kio_clear(kios[4], KIO_WRITE_ZEROES, 4 * PAGE, PAGE, KIO_NO_UNMAP, count_done);
	settle(&rig, 5);
	CHECK_EQ(trace_count, 5);
	trace_reset();
	start(KIO_READ, 0, twice, 2);
	settle(&rig, 2);
	CHECK_EQ(trace_count, 2);
	trace_reset();
	trace_hold(1, 0);
	start(KIO_WRITE, 0, twice, 2);
	kio_loop_step(rig.loop, 0);
	kio_loop_step(rig.loop, 0);
	CHECK_EQ(trace_count, 1); /* the second waits for the first */
	trace_release(1);
	settle(&rig, 2);
	CHECK_EQ(trace_count, 2);
	CHECK(trace_notes[0].kio == kios[0] && trace_notes[1].kio == kios[1]);
	CHECK_EQ(stat_of_top(&rig).merges, 0);
	close_merge(&rig);

	open_merge(&rig, "merge | mem 1M", 0);
	kio_lend(kios[0], 0, PAGE, count_done);
	kio_lend(kios[1], PAGE, PAGE, count_done);
	settle(&rig, 2);
	stat = stat_of_top(&rig);
	CHECK_EQ(stat.merged, 0);
	kio_layer_stat(kio_layer_next(kio_stack_top(rig.stack)), &stat);
	CHECK_EQ(stat.copied, 0);
	kio_release(kios[0]);
	kio_release(kios[1]);
	close_merge(&rig);
}

TEST("merge: discards and zeroes, too")
{
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	memset(trace_bytes(1), 7, 16 * PAGE);
	start_range(KIO_WRITE_ZEROES, 0, 8);
	settle(&rig, 8);
	start_range(KIO_DISCARD, 8, 8);
	settle(&rig, 8);
	CHECK_EQ(trace_count, 2);
	check_note(0, KIO_WRITE_ZEROES, 0, 8);
	check_note(1, KIO_DISCARD, 8, 8);
	CHECK_EQ(memcmp(trace_bytes(1), back, 16 * PAGE), 0);
	close_merge(&rig);
}

TEST("merge: a flush opens the plug, and goes last")
{
	struct rig rig;

	open_merge(&rig, "merge wait=1s | trace id=1", 0);
	start_range(KIO_WRITE, 0, 4);
	kio_flush_all(rig.kio, count_done);
	CHECK_EQ(trace_count, 2);
	check_note(0, KIO_WRITE, 0, 4);
	CHECK_EQ(trace_notes[1].op, KIO_FLUSH);
	settle(&rig, 5);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	close_merge(&rig);
}

TEST("merge: with a reserve of one, hundreds at once")
{
	struct kio_stat stat;
	struct rig rig;

	open_merge(&rig, "merge | trace id=1 size=8M", 1);
	start_range(KIO_WRITE, 0, MOST);
	settle(&rig, MOST);
	CHECK_EQ(memcmp(trace_bytes(1), data, sizeof(data)), 0);
	stat = stat_of_top(&rig);
	/* the first merged one takes the reserve, and all others pass while it is away */
	CHECK_EQ(stat.merges, 1);
	CHECK_EQ(stat.merged, 64);
	CHECK_EQ(trace_count, MOST - 63);
	CHECK(trace_notes[1].kio == kios[64]);
	for (unsigned round = 0; round < 3; round++) {
		start_range(KIO_READ, 0, MOST);
		settle(&rig, MOST);
	}
	CHECK_EQ(memcmp(back, data, sizeof(data)), 0);
	close_merge(&rig);
}

TEST("merge: when one fails its parts are tried alone, and each has a status of its own")
{
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	trace_fail(1, KIO_WRITE, -ENOSPC, 2); /* all of it, and the first of them */
	start_range(KIO_WRITE, 0, 4);
	settle(&rig, 4);
	CHECK_EQ(trace_count, 5);
	CHECK_EQ(kio_status(kios[0]), -ENOSPC);
	for (unsigned i = 1; i < 4; i++) {
		CHECK_EQ(kio_status(kios[i]), 0);
		check_note(1 + i, KIO_WRITE, i, 1);
		CHECK(trace_notes[1 + i].kio == kios[i]);
	}
	CHECK_EQ(memcmp(trace_bytes(1) + PAGE, data + PAGE, 3 * PAGE), 0);
	trace_reset();
	start_range(KIO_READ, 0, 4);
	settle(&rig, 4);
	CHECK_EQ(trace_count, 1);
	close_merge(&rig);

	/* what was moved for certain is not moved again */
	open_merge(&rig, "merge | concat { trace id=1 size=8K ; trace id=2 size=8K }", 0);
	trace_fail(2, KIO_WRITE, -EIO, 2);
	start_range(KIO_WRITE, 0, 4);
	settle(&rig, 4);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(kio_status(kios[1]), 0);
	CHECK_EQ(kio_status(kios[2]), -EIO);
	CHECK_EQ(kio_moved(kios[2]), 0);
	CHECK_EQ(kio_status(kios[3]), 0);
	CHECK_EQ(trace_count, 4);
	close_merge(&rig);
}

TEST("merge: one that is cancelled in the plug ends on the loop, and the others go down")
{
	static const unsigned pages[] = { 0, 1, 2, 3 };
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	start(KIO_WRITE, 0, pages, 4);
	kio_cancel(kios[1]);
	kio_cancel(kios[1]);
	CHECK_EQ(done, 0);
	settle(&rig, 4);
	CHECK_EQ(kio_status(kios[1]), -ECANCELED);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(kio_status(kios[3]), 0);
	CHECK_EQ(trace_count, 2);
	check_note(0, KIO_WRITE, 0, 1);
	check_note(1, KIO_WRITE, 2, 2);
	close_merge(&rig);
}

TEST("merge: a merged one is cancelled when all its parents are")
{
	struct rig rig;

	open_merge(&rig, "merge | delay 1s | trace id=1", 0);
	start_range(KIO_WRITE, 0, 4);
	kio_loop_step(rig.loop, 0);
	for (unsigned i = 0; i < 3; i++)
		kio_cancel(kios[i]);
	kio_cancel(kios[0]);
	kio_loop_step(rig.loop, 0);
	kio_loop_step(rig.loop, 0);
	CHECK_EQ(done, 0);
	settle(&rig, 4);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(kio_status(kios[i]), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 1000000000);

	start_range(KIO_WRITE, 0, 4);
	kio_loop_step(rig.loop, 0);
	for (unsigned i = 0; i < 4; i++)
		kio_cancel(kios[i]);
	CHECK_EQ(done, 0);
	settle(&rig, 4);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(kio_status(kios[i]), -ECANCELED);
	CHECK_EQ(kio_loop_now(rig.loop), 1000000000);
	CHECK_EQ(trace_count, 1);
	close_merge(&rig);
}

TEST("merge: one that was cancelled is not tried alone")
{
	struct rig rig;

	open_merge(&rig, "merge | trace id=1", 0);
	trace_fail(1, KIO_READ, -EIO, 1);
	trace_hold(1, 0);
	start_range(KIO_READ, 0, 3);
	kio_loop_step(rig.loop, 0);
	kio_cancel(kios[1]);
	trace_release(1);
	settle(&rig, 3);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(kio_status(kios[1]), -ECANCELED);
	CHECK_EQ(kio_status(kios[2]), 0);
	CHECK_EQ(trace_count, 3);
	close_merge(&rig);
}

TEST("merge: what is merged is not changed in place, and what is alone may be")
{
	struct kio_stat stat;
	struct kio_iter view;
	struct rig rig;
	FILE *key = fopen("m.key", "w");

	for (unsigned i = 0; i < 64; i++)
		fputc((int)(i * 7 + 1), key);
	fclose(key);
	chmod("m.key", 0600);
	open_merge(&rig, "merge | crypt header=none key-file=m.key | trace id=1", 0);
	for (unsigned merged = 0; merged < 2; merged++) {
		for (unsigned i = 0; i < 1 + 3 * merged; i++) {
			view = kio_buf(kios[i], data + i * PAGE, PAGE);
			kio_mem_init(&mems[i], data + i * PAGE, PAGE, NULL);
			kios[i]->chain.segs[0].mem = &mems[i];
			kio_write(kios[i], i * PAGE, view, 0, count_done);
		}
		if (merged)
			trace_fail(1, KIO_WRITE, -EIO, 1);
		settle(&rig, 1 + 3 * merged);
		kio_layer_stat(kio_layer_next(kio_stack_top(rig.stack)), &stat);
		CHECK_EQ(stat.copied, (uint64_t)merged * 4 * PAGE);
		fill_pattern(data, sizeof(data), 0, 3);
	}
	/* tried alone after the failure, each was encrypted once */
	CHECK_EQ(trace_count, 6);
	start_range(KIO_READ, 0, 4);
	settle(&rig, 4);
	CHECK_EQ(memcmp(back, data, 4 * PAGE), 0);
	close_merge(&rig);
	unlink("m.key");
}

static uint32_t
draw(void)
{
	static uint32_t seed = 1;

	seed = seed * 1664525 + 1013904223;
	return seed >> 8;
}

TEST("merge: split of merge of split of merge, with any reserve, is as if there were none of them")
{
	static const char *const stacks[] = {
		"merge | trace id=1 max-transfer=4K",
		"merge | stripe chunk=4K { merge | trace id=1 max-transfer=8K ; merge | crop | trace id=2 }",
		"stripe chunk=8K { merge | stripe chunk=4K { trace id=1 ; trace id=2 } ; merge longest=12K | trace id=3 }",
		"merge | concat { merge | stripe chunk=4K { merge | trace id=1 ; merge | trace id=2 } ; trace id=3 }",
		"merge | align | merge | trace id=1 block=4K max-transfer=8K",
		"merge | merge | retry | merge | trace id=1 max-transfer=4K",
	};
	uint64_t merges = 0;
	struct kio_stat stat;
	struct rig rig;

	for (unsigned i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		for (unsigned reserve = 1; reserve <= 3; reserve++) {
			open_merge(&rig, stacks[i], reserve);
			for (unsigned round = 0; round < 30; round++) {
				unsigned at = draw() % 20, count = 0;

				fill_pattern(data, sizeof(data), 0, round);
				while (count < 40) {
					unsigned pages = 1 + draw() % 5;

					kio_write(kios[count], at * PAGE, kio_buf(kios[count], data + at * PAGE, pages * PAGE), 0,
						  count_done);
					at += pages;
					count++;
				}
				settle(&rig, count);
				for (unsigned k = 0; k < count; k++)
					CHECK_EQ(kio_status(kios[k]), 0);
				CHECK_EQ(rig_read(&rig, back, (size_t)at * PAGE, 0), 0);
				CHECK_EQ(memcmp(back + 20 * PAGE, data + 20 * PAGE, (at - 20) * PAGE), 0);
			}
			for (const struct kio_layer *layer = kio_stack_top(rig.stack); layer != NULL;
			     layer = kio_layer_next(layer)) {
				kio_layer_stat(layer, &stat);
				merges += stat.merges;
			}
			close_merge(&rig);
		}
	}
	CHECK(merges > 500);
}
