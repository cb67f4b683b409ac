/* SPDX-License-Identifier: MIT */
/* Lent reads: who holds the memory, and who gives it back. */
#include <errno.h>

#include "port/port.h"
#include "trace.h"

static unsigned char data[8192];

static void
count_done(struct kio *kio)
{
	(*(unsigned *)kio->priv)++;
}

TEST("lend: reads come without a copy from mem, and from the budget elsewhere")
{
	struct kio_stack_options options = { .lend_bytes = 65536 };
	struct kio_stat stat;
	struct kio *more;
	struct rig rig;
	size_t len = 0;
	struct kio_iter lent;
	unsigned done = 0;

	CHECK(rig_open(&rig, "crop offset=4K | mem 1M", NULL));
	fill_pattern(data, 8192, 0, 3);
	CHECK_EQ(rig_write(&rig, data, 8192, 4096), 0);
	kio_lend(rig.kio, 4096, 8192, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	lent = kio_data(rig.kio);
	CHECK_EQ(lent.len, 8192);
	CHECK_EQ(memcmp(kio_iter_next(&lent, &len), data, 8192), 0);
	kio_channel_stat(rig.channel, kio_layer_next(kio_stack_top(rig.stack)), &stat);
	CHECK_EQ(stat.copied, 8192); /* of the write alone */
	kio_release(rig.kio);
	rig_close(&rig);

	CHECK(rig_open(&rig, "trace", &options));
	more = kio_create(rig.channel, 1);
	more->priv = &done;
	kio_lend(rig.kio, 0, 65536, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	kio_lend(more, 0, 4096, count_done);
	for (int i = 0; i < 10; i++)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(done, 0); /* the budget is spent: it waits at the top */
	kio_release(rig.kio);
	CHECK_EQ(rig_wait(&rig, more), 0);
	kio_release(more);
	kio_lend(rig.kio, 0, 65537, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), -ENOMEM);
	kio_lend(rig.kio, 1 << 20, 4096, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), -ERANGE);
	kio_destroy(more);
	rig_close(&rig);
}

/* --- a layer above the lender that is not content ------------------------ */

static unsigned again, spoilt;

static enum kio_next
picky_done(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	if (again > 0) {
		again--;
		return KIO_AGAIN;
	}
	if (spoilt > 0) {
		spoilt--;
		kio_frame_set_status(frame, -EIO);
	}
	return KIO_UP;
}

static const struct kio_class picky_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "picky",
	.summary = "reads again, or fails what was read",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.done = picky_done,
};

static void
open_picky(struct rig *rig, const char *text)
{
	static bool registered;

	if (!registered)
		CHECK_EQ(kio_class_register(&picky_class), 0);
	registered = true;
	CHECK(rig_open(rig, text, NULL));
	fill_pattern(data, sizeof(data), 0, 3);
	CHECK_EQ(rig_write(rig, data, sizeof(data), 0), 0);
}

TEST("lend: a read that fails above the lender holds nothing")
{
	static const char *const texts[] = { "picky | mem 1M", "log | picky | trace" };
	struct rig rig;

	for (unsigned i = 0; i < 2; i++) {
		open_picky(&rig, texts[i]);
		spoilt = 1;
		kio_lend(rig.kio, 0, 4096, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), -EIO);
		/* a second lend is refused while the first is held, and so is closing */
		kio_lend(rig.kio, 0, 4096, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		kio_release(rig.kio);
		rig_close(&rig);
	}
}

TEST("lend: a read that is sent again is lent once")
{
	static const char *const texts[] = { "picky | mem 1M", "picky | log | picky | trace" };
	struct kio_iter lent;
	struct rig rig;
	size_t len = 0;

	for (unsigned i = 0; i < 2; i++) {
		open_picky(&rig, texts[i]);
		again = 3;
		kio_lend(rig.kio, 0, sizeof(data), NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		lent = kio_data(rig.kio);
		CHECK_EQ(lent.len, sizeof(data));
		CHECK_EQ(memcmp(kio_iter_next(&lent, &len), data, 4096), 0);
		kio_release(rig.kio);
		rig_close(&rig);
	}
}

TEST("lend: through a layer that keeps what is written, and one that failed there is lent once")
{
	struct kio_stat stat;
	struct rig rig;

	open_picky(&rig, "retry 2 backoff=1us | picky | mem 1M");
	CHECK(kio_stack_limits(rig.stack)->lend);
	spoilt = 2;
	kio_lend(rig.kio, 0, sizeof(data), NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(spoilt, 0);
	CHECK_EQ(memcmp(kio_data(rig.kio).seg->base, data, sizeof(data)), 0);
	kio_channel_stat(rig.channel, kio_stack_top(rig.stack), &stat);
	CHECK_EQ(stat.copied, 0);
	kio_release(rig.kio);
	rig_close(&rig);
}

TEST("lend: nothing is lent for no bytes, and may be released")
{
	struct rig rig;

	CHECK(rig_open(&rig, "mem 1M", NULL));
	kio_lend(rig.kio, 4096, 0, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	kio_release(rig.kio);
	rig_close(&rig);
}

TEST("lend: a container without room for a segment, and a budget that cannot be allocated, are told")
{
	struct rig rig;
	struct kio *bare;

	CHECK(rig_open(&rig, "trace", NULL));
	bare = kio_create(rig.channel, 0);
	kio_lend(bare, 0, 4096, NULL);
	CHECK_EQ(rig_wait(&rig, bare), -EINVAL);
	kio_destroy(bare);
	kio__alloc_fail_at = 1;
	kio_lend(rig.kio, 0, 4096, NULL);
	kio__alloc_fail_at = 0;
	CHECK_EQ(rig_wait(&rig, rig.kio), -ENOMEM);
	kio_lend(rig.kio, 0, 4096, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	kio_release(rig.kio);
	rig_close(&rig);
}

TEST("lend: who waits for two pages in a row waits until they are, and one that was given them may be cancelled")
{
	struct kio_stack_options options = { .lend_bytes = 16384 };
	struct kio *kios[6];
	unsigned done = 0;
	struct rig rig;

	CHECK(rig_open(&rig, "trace", &options));
	for (unsigned i = 0; i < 6; i++) {
		kios[i] = kio_create(rig.channel, 1);
		kios[i]->priv = &done;
	}
	for (unsigned i = 0; i < 4; i++)
		kio_lend(kios[i], 0, 4096, count_done);
	while (done < 4)
		kio_loop_step(rig.loop, 0);
	kio_release(kios[0]);
	kio_release(kios[2]); /* two are free, and not in a row */
	kio_lend(kios[4], 0, 8192, count_done);
	kio_lend(kios[5], 0, 16384, count_done);
	for (unsigned i = 0; i < 5; i++)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(done, 4);
	kio_release(kios[1]); /* now they are; the next in line waits on */
	CHECK_EQ(rig_wait(&rig, kios[4]), 0);
	kio_release(kios[4]);
	CHECK(!kio_event_fired(&kios[5]->event));
	kio_release(kios[3]);
	kio_cancel(kios[5]); /* it has its memory, and has not run yet */
	CHECK_EQ(rig_wait(&rig, kios[5]), -ECANCELED);
	kio_lend(kios[0], 0, 16384, count_done); /* which is free again */
	CHECK_EQ(rig_wait(&rig, kios[0]), 0);
	kio_release(kios[0]);
	for (unsigned i = 0; i < 6; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

/* --- a driver whose memory is there for good, and misuse ----------------------- */

static int
lasting_open(struct kio_layer *layer, struct kio_diag *diag)
{
	(void)diag;
	layer->limits.size = sizeof(data);
	layer->limits.lend = true;
	return 0;
}

static void
lasting_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	static struct kio_seg seg = { data, sizeof(data), NULL };

	(void)layer;
	kio_complete_lent(frame, (struct kio_iter){ &seg, frame->offset, frame->data.len }, NULL);
}

static const struct kio_class lasting_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "lasting",
	.summary = "lends what it never takes back",
	.size = sizeof(struct kio_layer),
	.open = lasting_open,
	.submit = lasting_submit,
};

static __attribute__((constructor)) void
lasting_register(void)
{
	kio_class_register(&lasting_class);
}

TEST("lend: a driver need not hear of the release")
{
	struct kio_iter lent;
	struct rig rig;
	size_t len;

	CHECK(rig_open(&rig, "lasting", NULL));
	kio_lend(rig.kio, 100, 200, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	lent = kio_data(rig.kio);
	CHECK(kio_iter_next(&lent, &len) == data + 100);
	kio_release(rig.kio);
	rig_close(&rig);
}

static void
hold_one(struct rig *rig)
{
	rig_open(rig, "trace", NULL);
	kio_lend(rig->kio, 0, 4096, NULL);
	rig_wait(rig, rig->kio);
}

static void
lend_while_held(void)
{
	struct rig rig;

	hold_one(&rig);
	kio_lend(rig.kio, 0, 4096, NULL);
}

static void
destroy_while_held(void)
{
	struct rig rig;

	hold_one(&rig);
	kio_destroy(rig.kio);
}

static void
release_nothing(void)
{
	struct rig rig;

	rig_open(&rig, "trace", NULL);
	rig_read(&rig, data, 4096, 0);
	kio_release(rig.kio);
}

TEST("lend: to lend again, destroy, or release what is not held aborts and says so")
{
	CHECK(unit_aborts(lend_while_held, "the container still holds lent memory"));
	CHECK(unit_aborts(destroy_while_held, "kio_destroy: the container holds lent memory"));
	CHECK(unit_aborts(release_nothing, "the container holds no lent memory"));
}
