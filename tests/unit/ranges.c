/* SPDX-License-Identifier: MIT */
/* The range lock: who waits for a range keeps nothing that its holder needs. */
#include <errno.h>

#include "trace.h"

#define STEPS 100000

static unsigned char data[1 << 20], back[1 << 20];

static void
count_done(struct kio *kio)
{
	(*(unsigned *)kio->priv)++;
}

static void
run(struct rig *rig, struct kio **kios, unsigned count, unsigned *done)
{
	for (unsigned i = 0; i < STEPS && *done < count; i++)
		kio_loop_step(rig->loop, 0);
	CHECK_EQ(*done, count);
	for (unsigned i = 0; i < count && *done == count; i++) {
		CHECK_EQ(kio_status(kios[i]), 0);
		kio_destroy(kios[i]);
	}
}

/* --- a class with ordered writes and memory of its own ------------------- */

static void
copying_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct kio_iter copy;

	(void)layer;
	if (frame->op == KIO_WRITE && kio_bounce(frame, &copy))
		kio_pass_data(frame, frame->offset, copy);
	else if (frame->op != KIO_WRITE)
		kio_pass(frame);
}

static enum kio_next
copying_done(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	(void)frame;
	return KIO_UP;
}

static const struct kio_class copying_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "copying",
	.summary = "ordered writes through memory of its own",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.max_copy = 64 << 10,
	.bits = KIO_ORDERED_WRITES,
	.submit = copying_submit,
	.done = copying_done,
};

static bool
open_copying(struct rig *rig, const char *text)
{
	struct kio_stack_options options = { .reserve = 1 };
	static bool registered;

	if (!registered)
		CHECK_EQ(kio_class_register(&copying_class), 0);
	registered = true;
	return rig_open(rig, text, &options);
}

TEST("ranges: parts that wait for memory do not wait for the range of their own whole")
{
	struct kio *kios[6];
	unsigned done = 0;
	struct rig rig;

	CHECK(open_copying(&rig, "copying | trace id=1"));
	fill_pattern(data, sizeof(data), 0, 1);
	for (unsigned i = 0; i < 6; i++) {
		kios[i] = kio_create(rig.channel, 1);
		kios[i]->priv = &done;
		/* the last is long, and finds that the others took the memory */
		kio_write(kios[i], i * 60000, kio_buf(kios[i], data + i * 60000, i < 5 ? 60000 : 500000), 0,
			  count_done);
	}
	run(&rig, kios, 6, &done);
	CHECK(memcmp(trace_bytes(1), data, 800000) == 0);
	if (done == 6)
		rig_close(&rig);
}

TEST("ranges: zeroes that must be written do not keep the only container from one that holds the range")
{
	struct kio *kios[6];
	unsigned done = 0;
	struct rig rig;

	CHECK(open_copying(&rig, "copying | trace id=1 plain"));
	for (unsigned i = 0; i < 6; i++) {
		kios[i] = kio_create(rig.channel, 1);
		kios[i]->priv = &done;
		if (i % 2 == 0)
			kio_write(kios[i], 0, kio_buf(kios[i], data, 500000), 0, count_done);
		else
			kio_clear(kios[i], KIO_WRITE_ZEROES, 0, 500000, 0, count_done);
	}
	run(&rig, kios, 6, &done);
	memset(data, 0, sizeof(data));
	CHECK(memcmp(trace_bytes(1), data, 500000) == 0);
	if (done == 6)
		rig_close(&rig);
}

/* --- parts of one whole -------------------------------------------------- */

TEST("ranges: two parts of the same zeroes never change one block at the same time")
{
	struct rig rig;

	CHECK(rig_open(&rig, "align | trace id=1 block=4K plain", NULL));
	memset(data, 0x5a, sizeof(data));
	CHECK_EQ(rig_write(&rig, data, sizeof(data), 0), 0);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 900001, 777), 0);
	CHECK_EQ(rig_read(&rig, back, sizeof(back), 0), 0);
	memset(data + 777, 0, 900001);
	CHECK(memcmp(back, data, sizeof(data)) == 0);
	rig_close(&rig);
}
