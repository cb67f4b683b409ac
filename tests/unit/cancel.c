/* SPDX-License-Identifier: MIT */
/* Cancelling, wherever the request is. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST 256
#include "crowd.h"

static unsigned char data[1 << 20], back[1 << 20];

TEST("cancel: what is not in flight is left alone")
{
	struct rig rig;

	CHECK(rig_open(&rig, "log | trace", NULL));
	kio_cancel(rig.kio);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	kio_cancel(rig.kio);
	CHECK_EQ(kio_status(rig.kio), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	kio_write(rig.kio, 0, kio_buf(rig.kio, data, 4096), 0, NULL);
	kio_cancel(rig.kio); /* on its way up already */
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	rig_close(&rig);
}

TEST("cancel: a write that waits for a range leaves, and those behind it go on")
{
	struct rig rig;

	CHECK(rig_open(&rig, "align | trace id=1", NULL));
	crowd_open(&rig, 3, 1);
	trace_hold(1, 0);
	for (unsigned i = 0; i < 3; i++)
		kio_write(kios[i], i * 2048, kio_buf(kios[i], data, 4096), 0, count_done);
	step(&rig, 3);
	kio_cancel(kios[1]);
	kio_cancel(kios[1]);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[1]), -ECANCELED);
	CHECK_EQ(kio_moved(kios[1]), 0);
	/* the third waited for the second alone */
	step(&rig, 3);
	CHECK_EQ(trace_held(1), 2);
	trace_release(1);
	run(&rig, 3);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(kio_status(kios[2]), 0);
	crowd_close(3);
	rig_close(&rig);
}

TEST("cancel: what waits for memory of a level, or for the lend budget, leaves")
{
	struct kio_stack_options options = { .reserve = 1, .lend_bytes = 8192 };
	unsigned cancelled = 0;
	struct rig rig;

	CHECK(rig_open(&rig, "align | trace id=1 block=4K", &options));
	crowd_open(&rig, 20, 1);
	trace_hold(1, 0);
	for (unsigned i = 0; i < 20; i++)
		kio_write(kios[i], i * 8192 + 1, kio_buf(kios[i], data, 100), 0, count_done);
	step(&rig, 3);
	for (unsigned i = 10; i < 20; i++)
		kio_cancel(kios[i]);
	run(&rig, 10);
	trace_release(1);
	trace_reset();
	run(&rig, 20);
	for (unsigned i = 0; i < 20; i++) {
		cancelled += kio_status(kios[i]) == -ECANCELED;
		CHECK_EQ(kio_status(kios[i]), i < 10 ? 0 : -ECANCELED);
	}
	CHECK_EQ(cancelled, 10);

	done = 0;
	kio_lend(kios[0], 0, 8192, count_done);
	run(&rig, 1);
	kio_lend(kios[1], 0, 4096, count_done);
	kio_lend(kios[2], 0, 4096, count_done);
	step(&rig, 3);
	kio_cancel(kios[1]);
	run(&rig, 2);
	CHECK_EQ(kio_status(kios[1]), -ECANCELED);
	kio_release(kios[0]);
	run(&rig, 3);
	CHECK_EQ(kio_status(kios[2]), 0);
	kio_release(kios[2]);
	crowd_close(20);
	rig_close(&rig);
}

TEST("cancel: a split sends no more parts, and its rest counts as not moved")
{
	struct kio_stack_options options = { .reserve = 4 };
	struct rig rig;

	CHECK(rig_open(&rig, "log | trace id=1 max-transfer=4K", &options));
	crowd_open(&rig, 2, 1);
	trace_hold(1, 0);
	kio_write(kios[0], 0, kio_buf(kios[0], data, 1 << 20), 0, count_done);
	kio_write(kios[1], 0, kio_buf(kios[1], data, 1 << 20), 0, count_done);
	step(&rig, 3);
	CHECK_EQ(trace_held(1), 4);
	kio_cancel(kios[1]); /* has not sent one */
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[1]), -ECANCELED);
	kio_cancel(kios[0]);
	step(&rig, 3);
	CHECK_EQ(done, 1); /* the driver has four of its parts */
	trace_release(1);
	run(&rig, 2);
	CHECK_EQ(kio_status(kios[0]), -ECANCELED);
	CHECK_EQ(kio_moved(kios[0]), 16384);
	CHECK_EQ(kios[0]->fail_from, 16384);
	trace_reset();
	CHECK_EQ(rig_write(&rig, data, 1 << 20, 0), 0);
	crowd_close(2);
	rig_close(&rig);
}

TEST("cancel: the wish reaches every leg, through layers")
{
	struct rig rig;

	CHECK(rig_open(&rig, "log | stripe chunk=4K { log | delay 100s | mem 1M ; delay 100s | mem 1M }", NULL));
	crowd_open(&rig, 1, 1);
	kio_read(kios[0], 0, kio_buf(kios[0], data, 1 << 20), count_done);
	step(&rig, 3);
	kio_cancel(kios[0]);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), -ECANCELED);
	CHECK_EQ(kio_moved(kios[0]), 0);
	done = 0;
	kio_extent(kios[0], 0, 1 << 20, count_done);
	step(&rig, 3);
	kio_cancel(kios[0]);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), -ECANCELED);
	crowd_close(1);
	rig_close(&rig);
}

TEST("cancel: a change that a mirror has handed out ends on all legs")
{
	struct rig rig;

	CHECK(rig_open(&rig, "mirror state=none { delay 1ms | trace id=1 ; delay 20ms | trace id=2 }", NULL));
	fill_pattern(data, 4096, 0, 5);
	crowd_open(&rig, 1, 1);
	kio_write(kios[0], 0, kio_buf(kios[0], data, 4096), 0, count_done);
	step(&rig, 2);
	kio_cancel(kios[0]);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), 0);
	CHECK_EQ(memcmp(trace_bytes(1), data, 4096), 0);
	CHECK_EQ(memcmp(trace_bytes(2), data, 4096), 0);
	done = 0;
	kio_read(kios[0], 0, kio_buf(kios[0], back, 4096), count_done);
	step(&rig, 2);
	kio_cancel(kios[0]);
	run(&rig, 1);
	CHECK_EQ(kio_status(kios[0]), -ECANCELED);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0); /* no leg is the worse for it */
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	crowd_close(1);
	rig_close(&rig);
}

/* --- sent again ---------------------------------------------------------- */

static unsigned tries;

static enum kio_next
stubborn_done(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	(void)frame;
	tries++;
	return KIO_AGAIN;
}

static const struct kio_class stubborn_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "stubborn",
	.summary = "again and again",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.done = stubborn_done,
};

TEST("cancel: what a layer would send again goes up instead")
{
	struct rig rig;

	CHECK_EQ(kio_class_register(&stubborn_class), 0);
	/* below align a write holds a range, which it gives back each time */
	for (unsigned i = 0; i < 2; i++) {
		CHECK(rig_open(&rig, i == 0 ? "stubborn | trace" : "stubborn | align | trace", NULL));
		crowd_open(&rig, 1, 1);
		tries = 0;
		kio_write(kios[0], 0, kio_buf(kios[0], data, 4096), 0, count_done);
		step(&rig, 5);
		CHECK(tries >= 2);
		CHECK_EQ(done, 0);
		kio_cancel(kios[0]);
		run(&rig, 1);
		CHECK_EQ(kio_status(kios[0]), -ECANCELED);
		crowd_close(1);
		rig_close(&rig);
	}
}

/* --- the file driver ----------------------------------------------------- */

static void
cancel_files(const char *engine)
{
	struct kio_loop_options loop_options = { .engine = engine, .depth = 8 };
	struct kio_stack_options options = { 0 };
	struct kio_diag diag;
	struct rig rig = { 0 };
	unsigned cancelled = 0, good = 0;
	int rc = kio_loop_open(&rig.loop, &loop_options);

	if (rc == -ENOSYS)
		SKIP("there is no io_uring");
	CHECK_EQ(rc, 0);
	CHECK_EQ(kio_stack_open(&rig.stack, "crypt key-fd=9 header=none | file cancel.img", &options, &diag), 0);
	CHECK_EQ(kio_channel_open(&rig.channel, rig.stack, rig.loop), 0);
	crowd_open(&rig, MOST, 1);
	for (unsigned round = 0; round < 20; round++) {
		done = 0;
		for (unsigned i = 0; i < MOST; i++)
			kio_read(kios[i], i % 4 * 65536, kio_buf(kios[i], data + i % 240 * 4096, 65536 - 61440 * (i % 2)),
				 count_done);
		step(&rig, round % 3);
		for (unsigned i = 0; i < MOST; i += 1 + round % 2)
			kio_cancel(kios[i]);
		run(&rig, MOST);
		for (unsigned i = 0; i < MOST; i++) {
			cancelled += kio_status(kios[i]) == -ECANCELED;
			good += kio_status(kios[i]) == 0;
		}
	}
	/* threads may have been faster */
	CHECK(cancelled > 0 || strcmp(engine, "threads") == 0);
	CHECK_EQ(cancelled + good, 20 * MOST);
	crowd_close(MOST);
	kio_channel_close(&rig.channel);
	CHECK_EQ(kio_stack_close(&rig.stack, &diag), 0);
	kio_loop_close(&rig.loop);
}

TEST("cancel: files, on both engines: each ends once, as it was or with -ECANCELED")
{
	static const unsigned char key[64] = { 1, 2, 3, 4 };
	int fd = open("cancel.img", O_CREAT | O_RDWR | O_TRUNC, 0600), key_fd;

	CHECK_EQ(ftruncate(fd, 1 << 20), 0);
	for (unsigned i = 0; i < 2; i++) {
		key_fd = open("cancel.key", O_CREAT | O_RDWR | O_TRUNC, 0600);
		memset(data, 7, 64);
		for (unsigned j = 0; j < 64; j++)
			data[j] = (unsigned char)(j * 7 + key[j % 4]);
		CHECK_EQ(write(key_fd, data, 64), 64);
		CHECK_EQ(lseek(key_fd, 0, SEEK_SET), 0);
		CHECK_EQ(dup2(key_fd, 9), 9);
		close(key_fd);
		cancel_files(i == 0 ? "threads" : "io_uring");
	}
	close(fd);
	unlink("cancel.img");
	unlink("cancel.key");
}
