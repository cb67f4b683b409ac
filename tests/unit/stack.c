/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/math.h"
#include "core/stack.h"
#include "port/port.h"
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

/* --- a class that does what its test wants -------------------------------- */

static struct {
	void (*submit)(struct kio_layer *layer, struct kio_frame *frame);
	void (*limits)(struct kio_limits *limits);
	int close_error, resize_error;
	unsigned closed;
	struct kio_frame *frame;
} rogue;

static int
rogue_open(struct kio_layer *layer, struct kio_diag *diag)
{
	(void)diag;
	if (rogue.limits != NULL)
		rogue.limits(&layer->limits);
	return 0;
}

static int
rogue_close(struct kio_layer *layer)
{
	(void)layer;
	rogue.closed++;
	return rogue.close_error;
}

static int
rogue_resize(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	(void)layer;
	(void)size;
	return kio_refuse(diag, rogue.resize_error, "no");
}

static void
rogue_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	if (rogue.submit != NULL)
		rogue.submit(layer, frame);
	else
		kio_pass(frame);
}

static enum kio_next
keeps_status(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	kio_frame_set_status(frame, kio_frame_status(frame));
	return KIO_UP;
}

#define ROGUE(name_, ...)                                                                       \
	{ .abi = KIO_LAYER_ABI, .struct_size = sizeof(struct kio_class), .name = (name_),       \
	  .summary = "does what its test wants", .size = sizeof(struct kio_layer), .min_legs = 1, \
	  .max_legs = 1, .open = rogue_open, .close = rogue_close, .resize = rogue_resize,      \
	  __VA_ARGS__ }

static const struct kio_class rogues[] = {
	ROGUE("rogue", .submit = rogue_submit),
	ROGUE("copier", .submit = rogue_submit, .done = keeps_status, .max_copy = 4096),
	ROGUE("keeper", .bits = KIO_KEEPS_DATA),
	ROGUE("orderly", .bits = KIO_ORDERED_WRITES),
};

static __attribute__((constructor)) void
rogue_register(void)
{
	for (unsigned i = 0; i < KIO__COUNT(rogues); i++)
		kio_class_register(&rogues[i]);
}

static struct rig rogue_rig;

/* A write of a page to a stack whose first layer is a rogue. */
static void
write_through(const char *text, void (*submit)(struct kio_layer *layer, struct kio_frame *frame))
{
	memset(&rogue, 0, sizeof(rogue));
	rogue.submit = submit;
	rig_open(&rogue_rig, text, NULL);
	rig_write(&rogue_rig, data, 4096, 0);
}

#define BREAKS(name, text, ...)                                        \
	static void name##_submit(struct kio_layer *layer, struct kio_frame *frame) \
	{                                                              \
		(void)layer;                                           \
		__VA_ARGS__;                                           \
	}                                                              \
	static void name(void)                                         \
	{                                                              \
		write_through(text, name##_submit);                    \
	}

static struct kio_iter got;
static void *base;

BREAKS(completes_twice, "rogue | trace", kio_complete(frame, 0); kio_complete(frame, 0))
BREAKS(fails_twice, "rogue | trace", kio_complete(frame, -5); kio_complete(frame, -5))
BREAKS(resumes_completed, "rogue | trace", kio_complete(frame, 0); kio_resume_post(frame, 0))
BREAKS(passes_other_memory, "rogue | trace", kio_pass_data(frame, 0, frame->data))
BREAKS(passes_shorter_memory, "copier | trace", kio_pass_data(frame, 0, kio_iter_none(5)))
BREAKS(passes_misaligned, "rogue | trace block=512", kio_pass_at(frame, 1))
BREAKS(passes_behind_the_end, "rogue | trace", kio_pass_at(frame, 2 << 20))
BREAKS(passes_across_the_end, "rogue | trace", kio_pass_at(frame, (1 << 20) - 512))
BREAKS(splits_without_part, "rogue | trace", kio_split(frame))
BREAKS(splits_apart, "rogue | trace", kio_split_apart(frame))
BREAKS(bounces_without_memory, "rogue | trace", kio_bounce(frame, &got))
BREAKS(wants_too_much, "copier | trace", kio_scratch(frame, 4097, &base))
BREAKS(lends_too_little, "rogue | trace", kio_complete_lent(frame, kio_iter_none(5), NULL))

TEST("layer: what breaks the contract aborts and says whose it is")
{
	CHECK(unit_aborts(completes_twice, "rogue0 finished a frame twice"));
	CHECK(unit_aborts(fails_twice, "rogue0 finished a frame twice"));
	CHECK(unit_aborts(resumes_completed, "rogue0 finished a frame twice"));
	CHECK(unit_aborts(passes_other_memory, "rogue0 passes memory that kio_writable or kio_bounce did not give"));
	CHECK(unit_aborts(passes_shorter_memory, "copier0 passes memory"));
	CHECK(unit_aborts(passes_misaligned, "trace0: a layer above sent a write of 4096 bytes at 1;"));
	CHECK(unit_aborts(passes_behind_the_end, "sent a write of 4096 bytes at 2097152; the size is 1048576"));
	CHECK(unit_aborts(passes_across_the_end, "sent a write of 4096 bytes at 1048064"));
	CHECK(unit_aborts(splits_without_part, "class rogue has no part"));
	CHECK(unit_aborts(splits_apart, "rogue0 did not ask for it in open"));
	CHECK(unit_aborts(bounces_without_memory, "rogue0: 4096 bytes of its own memory, of at most 0"));
	CHECK(unit_aborts(wants_too_much, "copier0: 4097 bytes of its own memory, of at most 4096"));
	CHECK(unit_aborts(lends_too_little, "rogue0 lends 5 bytes of 4096"));
}

/* --- containers, channels and stacks ---------------------------------------- */

static void
open_busy(void)
{
	rig_open(&rogue_rig, "trace", NULL);
	kio_write(rogue_rig.kio, 4096, kio_buf(rogue_rig.kio, data, 4096), 0, NULL);
}

static void
destroy_in_flight(void)
{
	open_busy();
	kio_destroy(rogue_rig.kio);
}

static void
prepare_in_flight(void)
{
	open_busy();
	kio_flush_all(rogue_rig.kio, NULL);
}

static void
submit_in_flight(void)
{
	open_busy();
	kio_submit(rogue_rig.kio);
}

static void
submit_unprepared(void)
{
	rig_open(&rogue_rig, "trace", NULL);
	kio_submit(rogue_rig.kio);
}

static void
close_with_containers(void)
{
	rig_open(&rogue_rig, "trace", NULL);
	kio_channel_close(&rogue_rig.channel);
}

static void
close_loop_with_channels(void)
{
	rig_open(&rogue_rig, "trace", NULL);
	kio_loop_close(&rogue_rig.loop);
}

static void
close_stack_with_channels(void)
{
	rig_open(&rogue_rig, "trace", NULL);
	kio_stack_close(&rogue_rig.stack, NULL);
}

static void
close_with_ranges(void)
{
	rig_open(&rogue_rig, "align | trace", NULL);
	kio_range_hold(rogue_rig.kio, 0, 4096, NULL);
	rig_wait(&rogue_rig, rogue_rig.kio);
	rig_close(&rogue_rig);
}

static void
open_half_a_tree(void)
{
	struct kio_stack *stack;
	struct kio_layer *top, *other;

	kio__stack_create(&stack, NULL);
	kio__layer_create(&top, stack, &rogues[0], NULL);
	kio__layer_create(&other, stack, &rogues[0], NULL);
	kio__stack_open(stack, top, NULL);
}

TEST("core: what is in use when it goes aborts and says what it is")
{
	CHECK(unit_aborts(destroy_in_flight, "kio_destroy: the container is in flight"));
	CHECK(unit_aborts(prepare_in_flight, "the container is in flight (write at 4096)"));
	CHECK(unit_aborts(submit_in_flight, "the container is in flight (write at 4096)"));
	CHECK(unit_aborts(submit_unprepared, "the container was not prepared"));
	CHECK(unit_aborts(close_with_containers, "1 containers were not destroyed"));
	CHECK(unit_aborts(close_loop_with_channels, "1 channels are open on it"));
	CHECK(unit_aborts(close_stack_with_channels, "a channel is still open"));
	CHECK(unit_aborts(close_with_ranges, "1 ranges are still held"));
	CHECK(unit_aborts(open_half_a_tree, "1 of 2 layers hang together"));
}

TEST("core: a flush of bytes is refused, and so is a view of nothing")
{
	struct rig rig;

	CHECK(rig_open(&rig, "trace id=1", NULL));
	kio_prepare(rig.kio, KIO_FLUSH, 0, 0, kio_iter_none(100), NULL);
	kio_submit(rig.kio);
	CHECK_EQ(rig_wait(&rig, rig.kio), -EINVAL);
	kio_read(rig.kio, 0, (struct kio_iter){ NULL, 0, 4096 }, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), -EFAULT);
	CHECK_EQ(trace_count, 0);
	rig_close(&rig);
}

TEST("core: memory that only the container holds is read into, and given back after")
{
	struct kio_mem *mem = kio_mem_create(4096, 4096);
	struct kio_seg seg = { mem->base, 4096, mem };
	struct rig rig;

	CHECK(rig_open(&rig, "trace id=1", NULL));
	kio_read(rig.kio, 0, (struct kio_iter){ &seg, 0, 4096 }, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(kio_moved(rig.kio), 4096);
	CHECK(trace_notes[0].base == seg.base);
	rig_close(&rig);
}

static void
knows_all(struct kio_limits *limits)
{
	limits->ops |= KIO_OP_BIT(KIO_DISCARD) | KIO_OP_BIT(KIO_WRITE_ZEROES);
}

TEST("core: an operation that a layer promised and those below it lack is refused there")
{
	struct rig rig;
	struct kio *below;

	memset(&rogue, 0, sizeof(rogue));
	rogue.limits = knows_all;
	CHECK(rig_open(&rig, "rogue | trace plain", NULL));
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 4096, 0), -ENOTSUP);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 4096, 0), -ENOTSUP);
	/* only a container for the top has what it takes to write them */
	below = kio_create_at(rig.channel, kio_layer_next(kio_stack_top(rig.stack)), 1);
	kio_clear(below, KIO_WRITE_ZEROES, 0, 4096, 0, NULL);
	CHECK_EQ(rig_wait(&rig, below), -ENOTSUP);
	CHECK_EQ(trace_count, 0);
	kio_destroy(below);
	rig_close(&rig);
}

static void
copies_if_it_must(struct kio_layer *layer, struct kio_frame *frame)
{
	struct kio_iter to;

	(void)layer;
	if (frame->op > KIO_WRITE) {
		kio_pass(frame);
	} else if (kio_writable(frame, &to)) {
		if (to.seg != frame->data.seg)
			kio_iter_copy(to, frame->data);
		kio_pass_data(frame, frame->offset, to);
	}
}

TEST("layer: a read is always writable in place; what the layer above keeps is not")
{
	struct kio_mem mem;
	struct kio_seg seg = { data, 4096, &mem };
	struct kio_stat stat;
	struct rig rig;

	for (unsigned keeps = 0; keeps < 2; keeps++) {
		memset(&rogue, 0, sizeof(rogue));
		CHECK(rig_open(&rig, keeps ? "keeper | copier | trace id=1" : "log | copier | trace id=1", NULL));
		rogue.submit = copies_if_it_must;
		CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
		kio_mem_init(&mem, data, 4096, NULL);
		kio_write(rig.kio, 0, (struct kio_iter){ &seg, 0, 4096 }, 0, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		kio_channel_stat(rig.channel, kio_control_find(rig.stack, "copier0"), &stat);
		CHECK_EQ(stat.copied, keeps ? 4096 : 0);
		rig_close(&rig);
	}
}

/* --- limits, and what opens and closes --------------------------------------- */

static void odd_block(struct kio_limits *limits) { limits->block = 3; }
static void odd_align(struct kio_limits *limits) { limits->mem_align = 3; }
static void odd_transfer(struct kio_limits *limits) { limits->block = 512; limits->max_transfer = 1000; }
static void endless(struct kio_limits *limits) { limits->size = (uint64_t)1 << 63; }
static void reads_only(struct kio_limits *limits) { limits->ops &= ~KIO_OP_BIT(KIO_WRITE); }

TEST("stack: limits that cannot be are refused, and what was open is closed")
{
	static void (*const all[])(struct kio_limits *limits) = { odd_block, odd_align, odd_transfer, endless };
	struct kio_stack *stack;
	struct kio_diag diag;
	struct rig rig;

	for (unsigned i = 0; i < KIO__COUNT(all); i++) {
		memset(&rogue, 0, sizeof(rogue));
		rogue.limits = all[i];
		CHECK_EQ(kio_stack_open(&stack, "orderly | mem 1M", NULL, &diag), -EINVAL);
		CHECK(strstr(diag.text, "class orderly states limits that cannot be") != NULL);
		CHECK_EQ(rogue.closed, 1);
	}
	rogue.limits = reads_only;
	CHECK(rig_open(&rig, "rogue | trace plain", NULL));
	CHECK_EQ(rig_write(&rig, data, 4096, 0), -ENOTSUP);
	CHECK_EQ(kio_stack_limits(rig.stack)->ops & KIO_OP_BIT(KIO_WRITE_ZEROES), 0);
	rig_close(&rig);
}

TEST("stack: the first error of closing is told, and all is closed; growing says no where a layer does")
{
	struct kio_stack *stack;
	struct kio_diag diag;

	memset(&rogue, 0, sizeof(rogue));
	CHECK_EQ(kio_stack_open(&stack, "rogue name=a | rogue name=b | mem 1M", NULL, &diag), 0);
	rogue.resize_error = -ENOSPC;
	CHECK_EQ(kio_stack_resize(stack, 2 << 20, &diag), -ENOSPC);
	CHECK_EQ(kio_stack_limits(stack)->size, 1 << 20);
	rogue.close_error = -EIO;
	CHECK_EQ(kio_stack_close(&stack, &diag), -EIO);
	CHECK_STR(diag.text, "a did not close as it should: Input/output error");
	CHECK_EQ(rogue.closed, 2);
}

TEST("stack: the top is nobody's leg, and cannot be a new one")
{
	struct kio_stack_options options = { .new_leg = "top" };
	struct kio_stack *stack;
	struct kio_diag diag;

	CHECK_EQ(kio_stack_open(&stack, "mem 1M name=top", &options, &diag), -ENOTSUP);
	CHECK_STR(diag.text, "top is no leg of a layer that can take a new one");
}

static char logged[600];

static void
take_log(void *priv, enum kio_severity severity, const char *text)
{
	(void)priv;
	(void)severity;
	snprintf(logged, sizeof(logged), "%s", text);
}

TEST("stack: a leg that is left out is closed with all above it in the leg, and described as absent")
{
	struct kio_stack_options options = { .log = take_log };
	const struct kio_layer *crop;
	char text[64] = "before";
	struct rig rig;

	CHECK(rig_open(&rig, "sparing { crop name=c | file /nowhere/a ; trace id=1 }", &options));
	CHECK(strstr(logged, "goes on without c") != NULL);
	crop = kio_control_find(rig.stack, "c");
	CHECK(kio_leg_absent(crop) && kio_leg_absent(kio_layer_next(crop)));
	CHECK_STR(kio_layer_describe(crop, text, sizeof(text)), "absent");
	CHECK_STR(kio_layer_describe(kio_stack_top(rig.stack), text, sizeof(text)), "");
	CHECK(kio_layer_describe(crop, NULL, 0) == NULL);
	CHECK_EQ(kio_leg_longest(kio_stack_top(rig.stack)), UINT64_MAX);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	rig_close(&rig);
}

TEST("core: a layer's name that leaves no room in a line of the log is cut")
{
	struct kio_stack_options options = { .log = take_log };
	struct kio_stack *stack;
	struct kio_layer *layer;
	char name[500];

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	CHECK_EQ(kio__stack_create(&stack, &options), 0);
	CHECK_EQ(kio__layer_create(&layer, stack, &rogues[0], name), 0);
	kio_log(layer, KIO_INFO, "nothing of it is seen");
	CHECK_EQ(strlen(logged), 399);
	CHECK_EQ(strspn(logged, "n"), 399);
	CHECK_EQ(kio__stack_close(stack, NULL), 0);
}

/* --- channels ------------------------------------------------------------------ */

static struct {
	bool fails;
	unsigned busy, asked;
} duty;

static int
failing_channel_open(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	(void)layer;
	(void)channel;
	(void)area;
	return duty.fails ? -ENOSPC : 0;
}

static bool
busy_channel_quiet(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	(void)layer;
	(void)channel;
	(void)area;
	duty.asked++;
	return duty.busy-- <= 1;
}

static struct kio_task wakes_it;

static void
do_nothing(struct kio_task *task)
{
	(void)task;
}

static int
busy_channel_open(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	(void)layer;
	(void)area;
	wakes_it.run = do_nothing;
	kio_loop_defer(kio_channel_loop(channel), &wakes_it);
	return 0;
}

struct beside {
	struct kio_layer layer;
	struct kio_layer *helper;
};

static const struct kio_opt beside_opts[] = {
	KIO_OPT_STACK(struct beside, helper, "a stack at its side"),
	{ 0 }
};

static const struct kio_class duties[] = {
	ROGUE("failing", .channel_open = failing_channel_open),
	ROGUE("busy", .channel_open = busy_channel_open, .channel_quiet = busy_channel_quiet),
	{ .abi = KIO_LAYER_ABI, .struct_size = sizeof(struct kio_class), .name = "beside", .summary = "has a helper",
	  .size = sizeof(struct beside), .opts = beside_opts, .min_legs = 1, .max_legs = 1 },
};

static __attribute__((constructor)) void
duty_register(void)
{
	for (unsigned i = 0; i < KIO__COUNT(duties); i++)
		kio_class_register(&duties[i]);
}

TEST("channel: one that does not open waits until those of its layers that did are quiet")
{
	struct kio_channel *channel;
	struct rig rig;

	memset(&rogue, 0, sizeof(rogue));
	duty.fails = false;
	duty.busy = 0;
	CHECK(rig_open(&rig, "failing | busy | mem 1M", NULL));
	kio_loop_step(rig.loop, 0);
	duty.fails = true;
	duty.busy = 2;
	duty.asked = 0;
	CHECK_EQ(kio_channel_open(&channel, rig.stack, rig.loop), -ENOSPC);
	CHECK_EQ(duty.asked, 2);
	duty.busy = 0;
	rig_close(&rig);
}

TEST("stack: a helper at a layer's side is opened, has levels in a channel, and is left where it cannot be made")
{
	struct kio_stack *stack;
	struct kio_channel *channel;
	struct kio_loop *loop;
	struct kio_stat stat;
	struct kio *kio;
	int rc = -ENOMEM;

	for (unsigned n = 1; n < 200 && rc == -ENOMEM; n++) {
		kio__alloc_fail_at = n;
		rc = kio_stack_open(&stack, "beside helper={ mem 2M name=h } | mem 1M", NULL, NULL);
		kio__alloc_fail_at = 0;
	}
	CHECK_EQ(rc, 0);
	CHECK_EQ(kio_loop_open(&loop, NULL), 0);
	CHECK_EQ(kio_channel_open(&channel, stack, loop), 0);
	kio = kio_create_at(channel, kio_control_find(stack, "h"), 1);
	kio_write(kio, 1 << 20, kio_buf(kio, data, 4096), 0, NULL);
	while (!kio_event_fired(&kio->event))
		kio_loop_step(loop, -1);
	CHECK_EQ(kio_status(kio), 0);
	kio_channel_stat(channel, kio_control_find(stack, "h"), &stat);
	CHECK_EQ(stat.bytes, 4096);
	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

/* --- the blocking forms ---------------------------------------------------------- */

static void
flush_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)frame;
	kio_flush(layer->stack);
}

static void
blocks_itself(void)
{
	memset(&rogue, 0, sizeof(rogue));
	kio_stack_open(&rogue_rig.stack, "rogue | mem 1M", NULL, NULL);
	rogue.submit = flush_submit;
	kio_pwrite(rogue_rig.stack, data, 4096, 0, 0);
}

TEST("core: a blocking call on the stack's own loop aborts: it would wait for itself")
{
#ifdef __SANITIZE_THREAD__
	SKIP("a child of a process with threads may not start any where threads are watched");
#endif
	CHECK(unit_aborts(blocks_itself, "a blocking call inside a callback of the stack's own loop"));
}

TEST("core: the blocking forms say -ENOMEM when they have to, and work when there is memory again")
{
	struct kio_stack *stack;
	unsigned failed = 0;
	int rc = -ENOMEM;

	for (unsigned n = 1; n < 200 && rc != 0; n++) {
		CHECK_EQ(kio_stack_open(&stack, "mem 1M", NULL, NULL), 0);
		kio__alloc_fail_at = n;
		rc = kio_pwrite(stack, data, 4096, 0, 0);
		kio__alloc_fail_at = 0;
		if (rc != 0) {
			CHECK_EQ(rc, -ENOMEM);
			failed++;
			CHECK_EQ(kio_pwrite(stack, data, 4096, 0, 0), 0);
		}
		CHECK_EQ(kio_pclear(stack, KIO_DISCARD, 4096, 0, 0), 0);
		CHECK_EQ(kio_pclear(stack, KIO_WRITE_ZEROES, 4096, 0, 0), 0);
		CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	}
	CHECK_EQ(rc, 0);
	CHECK(failed > 4);
}

/* --- parts --------------------------------------------------------------------- */

static enum kio_next
spoil_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	(void)layer;
	(void)frame;
	part->status = -EIO;
	return KIO_UP;
}

static bool
part_for_leg_seven(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	part->leg = 7;
	return holding_part(layer, frame, part);
}

static int
open_apart(struct kio_layer *layer, struct kio_diag *diag)
{
	(void)diag;
	layer->apart = 1;
	return 0;
}

#define PLAIN(name_, ...)                                                                       \
	{ .abi = KIO_LAYER_ABI, .struct_size = sizeof(struct kio_class), .name = (name_),       \
	  .summary = "does what its test wants", .size = sizeof(struct kio_layer), .min_legs = 1, \
	  .max_legs = 1, __VA_ARGS__ }

static const struct kio_class parters[] = {
	PLAIN("spoiler", .bits = KIO_SEES_PARTS, .part = holding_part, .part_done = spoil_part),
	PLAIN("astray", .part = part_for_leg_seven),
	PLAIN("hasty", .open = open_apart),
};

static __attribute__((constructor)) void
parters_register(void)
{
	for (unsigned i = 0; i < KIO__COUNT(parters); i++)
		kio_class_register(&parters[i]);
}

static void
go_astray(void)
{
	rig_open(&rogue_rig, "astray | trace", NULL);
	rig_write(&rogue_rig, data, 8192, 0);
}

TEST("layer: a part that the class calls failed is; one for no leg, and copies without order, are refused")
{
	struct kio_stack *stack;
	struct kio_diag diag;
	struct rig rig;

	CHECK(rig_open(&rig, "spoiler | trace", NULL));
	CHECK_EQ(rig_write(&rig, data, 8192, 0), -EIO);
	CHECK_EQ(trace_count, 2);
	CHECK_EQ(rig.kio->fail_len, 8192);
	rig_close(&rig);
	CHECK(unit_aborts(go_astray, "astray0: a part for leg 7 of 1"));
	CHECK_EQ(kio_stack_open(&stack, "hasty | mem 1M", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "class hasty ends requests early, and does not order writes") != NULL);
}

static void
keep_frame(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	rogue.frame = frame;
}

TEST("layer: what a class without cancel keeps ends when it ends")
{
	struct rig rig;

	memset(&rogue, 0, sizeof(rogue));
	rogue.submit = keep_frame;
	CHECK(rig_open(&rig, "rogue | trace", NULL));
	kio_write(rig.kio, 0, kio_buf(rig.kio, data, 4096), 0, NULL);
	kio_cancel(rig.kio);
	kio_loop_step(rig.loop, 0);
	CHECK(!kio_event_fired(&rig.kio->event));
	CHECK(kio_frame_cancelled(rogue.frame));
	kio_complete(rogue.frame, 0);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	rig_close(&rig);
}
