/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/math.h"
#include "trace.h"

static unsigned char data[1 << 20], back[1 << 20];

TEST("core: refuses what is misaligned, out of range, not supported or read only")
{
	struct kio_stack_options read_only = { .read_only = true };
	struct rig rig;

	CHECK(rig_open(&rig, "trace block=4096 plain", NULL));
	CHECK_EQ(rig_read(&rig, data, 100, 0), -EINVAL);
	CHECK_EQ(rig_read(&rig, data, 4096, 100), -EINVAL);
	CHECK_EQ(rig_read(&rig, data, 4096, 1 << 20), -ERANGE);
	CHECK_EQ(rig_read(&rig, data, 8192, (1 << 20) - 4096), -ERANGE);
	CHECK_EQ(rig_read(&rig, data, 4096, UINT64_MAX - 4095), -ERANGE);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 0), -ENOTSUP);
	kio_prepare(rig.kio, KIO_READ, KIO_FUA, 0, kio_buf(rig.kio, data, 4096), NULL);
	kio_submit(rig.kio);
	CHECK_EQ(rig_wait(&rig, rig.kio), -EINVAL);
	CHECK_EQ(trace_count, 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, "trace", &read_only));
	CHECK_EQ(rig_write(&rig, data, 10, 0), -EROFS);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 10, 0), -EROFS);
	CHECK_EQ(rig_read(&rig, data, 10, 0), 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, "readonly | trace", NULL));
	CHECK_EQ(rig_write(&rig, data, 10, 0), -EROFS);
	CHECK_EQ(rig_flush(&rig), 0);
	rig_close(&rig);
}

TEST("core: nothing to move succeeds at the top; a flush always travels")
{
	struct rig rig;

	CHECK(rig_open(&rig, "trace", NULL));
	CHECK_EQ(rig_read(&rig, data, 0, 0), 0);
	CHECK_EQ(rig_write(&rig, data, 0, 1 << 20), 0);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 0, 5), 0);
	CHECK_EQ(trace_count, 0);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(trace_count, 1);
	CHECK_EQ(trace_notes[0].op, KIO_FLUSH);
	rig_close(&rig);
}

TEST("core: one container reaches the driver with the caller's memory and its own address")
{
	struct rig rig;

	CHECK(rig_open(&rig, "delay 1us | crop offset=4K | log | trace", NULL));
	CHECK_EQ(rig_write(&rig, data, sizeof(data) / 2, 8192), 0);
	CHECK_EQ(trace_count, 1);
	CHECK_EQ(trace_notes[0].offset, 12288);
	CHECK_EQ(trace_notes[0].len, sizeof(data) / 2);
	CHECK(trace_notes[0].base == data);
	CHECK(trace_notes[0].kio == rig.kio);
	rig_close(&rig);
}

TEST("core: splits as late as possible, and only what cannot pass whole")
{
	struct rig rig;
	struct kio_stat stat;
	const struct kio_layer *layer;

	CHECK(rig_open(&rig, "log | crop | trace max-transfer=16K", NULL));
	fill_pattern(data, 100000, 3, 1);
	CHECK_EQ(rig_write(&rig, data, 100000, 3), 0);
	CHECK_EQ(trace_count, 7);
	for (unsigned i = 0; i < trace_count; i++) {
		CHECK(trace_notes[i].len <= 16384);
		CHECK(trace_notes[i].base == data + i * 16384);
	}
	layer = kio_stack_top(rig.stack);
	kio_layer_stat(layer, &stat);
	CHECK_EQ(stat.ios, 1);
	CHECK_EQ(stat.parts, 0);
	layer = kio_layer_next(kio_layer_next(layer));
	kio_layer_stat(layer, &stat);
	CHECK_EQ(stat.parts, 7);
	CHECK_EQ(stat.bytes, 100000);
	CHECK_EQ(rig_read(&rig, back, 100000, 3), 0);
	CHECK_EQ(memcmp(data, back, 100000), 0);
	rig_close(&rig);
}

TEST("core: a failure tells the range, and the error lowest in byte order")
{
	struct rig rig;

	CHECK(rig_open(&rig, "trace max-transfer=4K", NULL));
	trace_fail(0, KIO_WRITE, -ENOSPC, 2);
	CHECK_EQ(rig_write(&rig, data, 20000, 100), -ENOSPC);
	CHECK_EQ(rig.kio->fail_from, 0);
	CHECK_EQ(rig.kio->fail_len, 8192);
	CHECK_EQ(kio_moved(rig.kio), 20000 - 8192);
	CHECK_EQ(rig_write(&rig, data, 20000, 100), 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, "stripe chunk=4K { trace id=1 ; trace id=2 }", NULL));
	trace_fail(2, KIO_READ, -EIO, 1);
	CHECK_EQ(rig_read(&rig, data, 16384, 0), -EIO);
	CHECK_EQ(rig.kio->fail_from, 4096);
	CHECK_EQ(rig.kio->fail_len, 4096);
	rig_close(&rig);
}

TEST("core: zeroes are written where they are not supported, discards are refused")
{
	struct rig rig;

	CHECK(rig_open(&rig, "trace plain", NULL));
	fill_pattern(data, 500000, 0, 2);
	CHECK_EQ(rig_write(&rig, data, 500000, 0), 0);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 300000, 1000), 0);
	CHECK_EQ(rig_read(&rig, back, 500000, 0), 0);
	memset(data + 1000, 0, 300000);
	CHECK_EQ(memcmp(data, back, 500000), 0);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 0), -ENOTSUP);
	rig_close(&rig);
}

static void
count_done(struct kio *kio)
{
	(*(unsigned *)kio->priv)++;
}

TEST("core: with a reserve of one, everything at once makes progress")
{
	struct kio_stack_options options = { .reserve = 1 };
	enum { MANY = 300 };
	static struct kio *kios[MANY];
	unsigned done = 0;
	struct rig rig;

	CHECK(rig_open(&rig,
		       "align | stripe chunk=8K { concat { trace id=1 max-transfer=4K size=100K block=512 ; "
		       "trace id=2 size=100K } ; align block=512 | trace id=3 block=4K max-transfer=4K }",
		       &options));
	for (int i = 0; i < MANY; i++) {
		kios[i] = kio_create(rig.channel, 1);
		kios[i]->priv = &done;
		kio_write(kios[i], (uint64_t)i * 501, kio_buf(kios[i], data + i * 501, 30000), 0, count_done);
	}
	for (int i = 0; i < 100000 && done < MANY; i++)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(done, MANY);
	for (int i = 0; i < MANY; i++) {
		CHECK_EQ(kio_status(kios[i]), 0);
		kio_destroy(kios[i]);
	}
	rig_close(&rig);
}

TEST("core: overlapping writes below align end as one of them, never mixed within a block")
{
	struct rig rig;
	unsigned done = 0;
	struct kio *kios[8];

	CHECK(rig_open(&rig, "align | trace block=4K", NULL));
	for (unsigned i = 0; i < 8; i++) {
		kios[i] = kio_create(rig.channel, 1);
		kios[i]->priv = &done;
		memset(data + i * 4096, (int)i + 1, 1000);
		/* neighbours in one block: each must survive the others' read-modify-write */
		kio_write(kios[i], i * 500, kio_buf(kios[i], data + i * 4096, 500), 0, count_done);
	}
	while (done < 8)
		kio_loop_step(rig.loop, 1000000);
	CHECK_EQ(rig_read(&rig, back, 4000, 0), 0);
	for (unsigned i = 0; i < 4000; i++)
		CHECK_EQ(back[i], i / 500 + 1);
	for (unsigned i = 0; i < 8; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

TEST("core: an event of a container can be in a group, and done comes last")
{
	struct kio_group group;
	struct rig rig;
	struct kio *two;

	CHECK(rig_open(&rig, "delay 1ms | mem 1M", NULL));
	two = kio_create(rig.channel, 1);
	kio_group_init(&group, KIO_ALL, 0);
	kio_prepare(rig.kio, KIO_WRITE, 0, 0, kio_buf(rig.kio, data, 100), NULL);
	kio_prepare(two, KIO_WRITE, 0, 5000, kio_buf(two, data, 100), NULL);
	kio_group_add(&group, &rig.kio->event);
	kio_group_add(&group, &two->event);
	kio_group_seal(&group);
	kio_submit(rig.kio);
	kio_submit(two);
	while (!kio_event_fired(&group.event))
		kio_loop_step(rig.loop, -1);
	CHECK_EQ(group.event.status, 0);
	kio_destroy(two);
	rig_close(&rig);
}

TEST("core: grows while it is open, where its layers can")
{
	struct kio_diag diag;
	struct rig rig;

	CHECK(rig_open(&rig, "log | file grow.img size=4K", NULL));
	CHECK_EQ(rig_write(&rig, data, 4096, 4096), -ERANGE);
	CHECK_EQ(kio_stack_resize(rig.stack, 16384, &diag), 0);
	CHECK_EQ(kio_stack_limits(rig.stack)->size, 16384);
	CHECK_EQ(rig_write(&rig, data, 4096, 12288), 0);
	CHECK_EQ(kio_stack_resize(rig.stack, 4096, &diag), -EINVAL);
	rig_close(&rig);
	CHECK_EQ(remove("grow.img"), 0);
	CHECK(rig_open(&rig, "stripe { mem 1M ; mem 1M }", NULL));
	CHECK_EQ(kio_stack_resize(rig.stack, 4 << 20, &diag), -ENOTSUP);
	CHECK_STR(diag.text, "stripe0 cannot grow");
	rig_close(&rig);
}

TEST("core: the blocking forms work from any thread, without a loop of one's own")
{
	struct kio_stack *stack;
	uint64_t len;
	uint32_t flags;

	CHECK_EQ(kio_stack_open(&stack, "mem 1M", NULL, NULL), 0);
	fill_pattern(data, 5000, 0, 9);
	CHECK_EQ(kio_pwrite(stack, data, 5000, 333, KIO_FUA), 0);
	CHECK_EQ(kio_pread(stack, back, 5000, 333), 0);
	CHECK_EQ(memcmp(data, back, 5000), 0);
	CHECK_EQ(kio_pread(stack, back, 1, 1 << 20), -ERANGE);
	CHECK_EQ(kio_flush(stack), 0);
	CHECK_EQ(kio_pclear(stack, KIO_READ, 1, 1, 0), -EINVAL);
	CHECK_EQ(kio_pextent(stack, 1 << 20, 0, &len, &flags), 0);
	CHECK_EQ(len, 8192);
	CHECK_EQ(flags, 0);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

/* --- legs that are left out --------------------------------------------- */

static bool
sparing_spares(const struct kio_layer *layer)
{
	(void)layer;
	return true;
}

static void
sparing_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	kio_split(frame);
}

static bool
sparing_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	if (kio_frame_parts(frame) != 0)
		return false;
	while (kio_leg_absent(layer->legs[part->leg]))
		part->leg++;
	return true;
}

static const struct kio_class sparing_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "sparing",
	.summary = "does without legs, and leaves flushes to the core",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = UINT32_MAX,
	.spares_legs = sparing_spares,
	.submit = sparing_submit,
	.part = sparing_part,
};

TEST("stack: a flush that the core hands out does not go to a leg that is absent")
{
	static bool registered;
	struct rig rig;

	if (!registered)
		CHECK_EQ(kio_class_register(&sparing_class), 0);
	registered = true;
	CHECK(rig_open(&rig, "sparing { file /nowhere/a ; trace id=1 ; file /nowhere/b ; trace id=2 }", NULL));
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(trace_count, 2);
	CHECK_EQ(trace_notes[0].leg, 1);
	CHECK_EQ(trace_notes[1].leg, 2);
	rig_close(&rig);
	CHECK(rig_open(&rig, "sparing { file /nowhere/a }", NULL));
	CHECK_EQ(rig_flush(&rig), 0);
	rig_close(&rig);
}

/* --- a fan-out whose done holds ------------------------------------------ */

static struct kio_frame *held;

static bool
holding_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	uint64_t at = kio_frame_taken(frame);

	(void)layer;
	if (kio_frame_rest(frame) == 0)
		return false;
	part->offset = frame->offset + at;
	part->data = kio_frame_take(frame, kio__min(kio_frame_rest(frame), 4096));
	return true;
}

static enum kio_next
holding_done(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	held = frame;
	return KIO_HOLD;
}

static const struct kio_class holding_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "holding",
	.summary = "parts of a page, and holds when they are back",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.part = holding_part,
	.done = holding_done,
};

TEST("stack: done of a fan-out may hold, on top and below a layer")
{
	static const char *const texts[] = { "holding | trace", "log | holding | trace" };
	static bool registered;
	struct rig rig;

	if (!registered)
		CHECK_EQ(kio_class_register(&holding_class), 0);
	registered = true;
	for (unsigned i = 0; i < KIO__COUNT(texts); i++) {
		CHECK(rig_open(&rig, texts[i], NULL));
		held = NULL;
		kio_write(rig.kio, 0, kio_buf(rig.kio, data, 8192), 0, NULL);
		while (held == NULL)
			kio_loop_step(rig.loop, 1000000000);
		CHECK_EQ(trace_count, 2);
		CHECK(!kio_event_fired(&rig.kio->event));
		kio_resume(held, 0);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		rig_close(&rig);
	}
}

TEST("align: an extent that ends before the request begins says nothing of it")
{
	int fd = open("holes.img", O_RDWR | O_CREAT, 0600);
	struct rig rig;

	/* the file tells holes by 4K, the blocks below align have 16K: hole, data, data, data */
	CHECK_EQ(ftruncate(fd, 65536), 0);
	CHECK_EQ(pwrite(fd, data, 12288, 4096), 12288);
	close(fd);
	CHECK(rig_open(&rig, "align | concat { file holes.img ; null size=64K block=16K }", NULL));
	kio_extent(rig.kio, 0, 100, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(rig.kio->extent_flags, KIO_EXTENT_HOLE | KIO_EXTENT_ZERO);
	kio_extent(rig.kio, 5000, 30000, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(rig.kio->extent_flags, 0);
	CHECK_EQ(rig.kio->extent_len, 16384 - 5000);
	rig_close(&rig);
	CHECK_EQ(remove("holes.img"), 0);
}
