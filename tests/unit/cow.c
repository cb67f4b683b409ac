/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "drivers/sim.h"
#include "layers/cow.h"
#include "layers/cow_commit.h"
#include "port/port.h"
#include "trace.h"

#define SIZE (256u << 10)
#define CLUSTER (16u << 10)
#define DATA 16384u /* where cluster 0 is in the overlay */
#define MAP 8192u
#define BASE 1u     /* ids of drivers */
#define OVERLAY 2u

#define STACK "cow cluster=16K overlay={ trace id=2 size=512K } | trace id=1 size=256K"

static const struct kio_stack_options creates = { .create = true, .force = true };

static unsigned char data[SIZE], back[SIZE], wanted[SIZE], saved[512u << 10];

/* A base with a pattern, and an empty overlay. */
static void
create(const char *text)
{
	struct kio_stack *stack;
	struct kio_diag diag;
	int rc;

	trace_reset();
	trace_clear();
	fill_pattern(trace_bytes(BASE), SIZE, 0, 1);
	memcpy(wanted, trace_bytes(BASE), SIZE);
	rc = kio_stack_open(&stack, text, &creates, &diag);
	CHECK_EQ(rc, 0);
	if (rc < 0)
		printf("  %s\n", diag.text);
	else
		CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

static int
opens(const char *text, struct kio_diag *diag)
{
	struct kio_stack *stack;
	int rc = kio_stack_open(&stack, text, NULL, diag);

	if (rc == 0)
		CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	return rc;
}

static void
put(struct rig *rig, uint64_t offset, size_t len, unsigned seed)
{
	fill_pattern(data, len, offset, seed);
	CHECK_EQ(rig_write(rig, data, len, offset), 0);
	memcpy(wanted + offset, data, len);
}

static bool
all_is_as_wanted(struct rig *rig)
{
	memset(back, 0, SIZE);
	CHECK_EQ(rig_read(rig, back, SIZE, 0), 0);
	return memcmp(back, wanted, SIZE) == 0;
}

/* It is so after the stack is opened again. */
static bool
opens_as_wanted(void)
{
	struct rig rig;
	bool good;

	if (!rig_open(&rig, STACK, NULL))
		return false;
	good = all_is_as_wanted(&rig);
	rig_close(&rig);
	return good;
}

static unsigned
noted(unsigned leg, enum kio_op op)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace_count; i++)
		count += trace_notes[i].leg == leg && trace_notes[i].op == op;
	return count;
}

TEST("cow: what is written is read back, all else is the base's, and that stays as it is")
{
	unsigned char *base = trace_bytes(BASE);
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	CHECK_EQ(kio_stack_limits(rig.stack)->size, SIZE);
	CHECK(all_is_as_wanted(&rig));
	put(&rig, 5 * CLUSTER, CLUSTER, 2);               /* a whole cluster */
	put(&rig, 100, 1, 3);                             /* inside one */
	put(&rig, 2 * CLUSTER - 7, 3 * CLUSTER + 20, 4);  /* the ends of two, and what lies between */
	put(&rig, SIZE - 3, 3, 5);
	CHECK(all_is_as_wanted(&rig));
	put(&rig, 5 * CLUSTER + 10, CLUSTER, 6);          /* one that is there, and one that is not */
	CHECK(all_is_as_wanted(&rig));
	CHECK_EQ(noted(BASE, KIO_WRITE), 0);
	CHECK_EQ(noted(BASE, KIO_FLUSH), 0);
	rig_close(&rig);
	fill_pattern(data, SIZE, 0, 1);
	CHECK_EQ(memcmp(base, data, SIZE), 0);
	CHECK(opens_as_wanted());
}

TEST("cow: a whole cluster is written without reading the base, and what is mapped is passed on")
{
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, CLUSTER, 3 * CLUSTER, 2);
	CHECK_EQ(trace_count, 1);
	CHECK_EQ(trace_notes[0].leg, OVERLAY);
	CHECK_EQ(trace_notes[0].offset, DATA + CLUSTER);
	CHECK_EQ(trace_notes[0].len, 3 * CLUSTER);
	trace_reset();
	put(&rig, CLUSTER + 5, 10, 3);
	CHECK_EQ(trace_count, 1);
	CHECK(trace_notes[0].kio == rig.kio);
	trace_reset();
	CHECK_EQ(rig_read(&rig, back, 2 * CLUSTER, CLUSTER), 0);
	CHECK_EQ(rig_read(&rig, back, 2 * CLUSTER, 8 * CLUSTER), 0);
	CHECK_EQ(trace_count, 2);
	CHECK(trace_notes[0].kio == rig.kio && trace_notes[1].kio == rig.kio);
	CHECK_EQ(trace_notes[1].leg, BASE);
	rig_close(&rig);
}

TEST("cow: the map is written behind a flush of the data, and flushed")
{
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, 0, 2 * CLUSTER, 2);
	trace_reset();
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(trace_count, 3);
	CHECK_EQ(trace_notes[0].op, KIO_FLUSH);
	CHECK_EQ(trace_notes[1].op, KIO_WRITE);
	CHECK_EQ(trace_notes[1].offset, MAP);
	CHECK_EQ(trace_notes[1].len, 4096);
	CHECK_EQ(trace_notes[2].op, KIO_FLUSH);
	for (unsigned i = 0; i < 3; i++)
		CHECK_EQ(trace_notes[i].leg, OVERLAY);
	/* nothing new: the map stays */
	put(&rig, 0, 100, 3);
	trace_reset();
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(trace_count, 1);
	rig_close(&rig);
	CHECK(opens_as_wanted());
}

static int
write_fua(struct rig *rig, uint64_t offset, size_t len, unsigned seed)
{
	fill_pattern(data, len, offset, seed);
	kio_write(rig->kio, offset, kio_buf(rig->kio, data, len), KIO_FUA, NULL);
	return rig_wait(rig, rig->kio);
}

TEST("cow: a write with FUA is durable with its entry in the map; where that is durable, it is passed on")
{
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	CHECK_EQ(write_fua(&rig, 10, 20, 2), 0);
	memcpy(wanted + 10, data, 20);
	CHECK_EQ(trace_count, 5);
	CHECK_EQ(trace_notes[0].leg, BASE);
	CHECK_EQ(trace_notes[1].offset, DATA);
	CHECK_EQ(trace_notes[2].op, KIO_FLUSH);
	CHECK_EQ(trace_notes[3].offset, MAP);
	CHECK_EQ(trace_notes[4].op, KIO_FLUSH);
	trace_reset();
	CHECK_EQ(write_fua(&rig, 0, 20, 3), 0);
	memcpy(wanted, data, 20);
	CHECK_EQ(trace_count, 1);
	CHECK_EQ(trace_notes[0].flags, KIO_FUA);
	/* mapped, but not in the map on disk yet */
	put(&rig, 3 * CLUSTER, CLUSTER, 4);
	trace_reset();
	CHECK_EQ(write_fua(&rig, 3 * CLUSTER, 20, 5), 0);
	memcpy(wanted + 3 * CLUSTER, data, 20);
	CHECK_EQ(trace_count, 4);
	CHECK_EQ(trace_notes[2].offset, MAP);
	/* what is on disk now is all there would be after a crash */
	memcpy(saved, trace_bytes(OVERLAY), sizeof(saved));
	rig_close(&rig);
	memcpy(trace_bytes(OVERLAY), saved, sizeof(saved));
	CHECK(opens_as_wanted());
}

static unsigned done;

static void
count_done(struct kio *kio)
{
	(void)kio;
	done++;
}

static void
step(struct rig *rig)
{
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(rig->loop, 0);
}

TEST("cow: writers of one cluster wait for the one that copies it up, and a flush for none of them")
{
	struct kio *kios[4];
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	for (unsigned i = 0; i < 4; i++)
		kios[i] = kio_create(rig.channel, 1);
	done = 0;
	trace_hold(BASE, 0);
	fill_pattern(data, CLUSTER, 0, 2);
	for (unsigned i = 0; i < 3; i++) {
		kio_write(kios[i], i * 1000, kio_buf(kios[i], data + i * 1000, 1000), 0, count_done);
		memcpy(wanted + i * 1000, data + i * 1000, 1000);
	}
	step(&rig);
	CHECK_EQ(trace_held(BASE), 1);
	CHECK_EQ(done, 0);
	/* a read is not kept: what is there now is the base's */
	trace_hold(BASE, SIZE);
	kio_read(kios[3], 0, kio_buf(kios[3], back, 4000), count_done);
	step(&rig);
	CHECK_EQ(done, 1);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(done, 1);
	trace_release(BASE);
	step(&rig);
	CHECK_EQ(done, 4);
	CHECK_EQ(noted(BASE, KIO_READ), 2);
	CHECK(all_is_as_wanted(&rig));
	for (unsigned i = 0; i < 4; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
	CHECK(opens_as_wanted());
}

TEST("cow: flushes that meet a running round share the next one")
{
	struct kio *kios[4];
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	for (unsigned i = 0; i < 4; i++)
		kios[i] = kio_create(rig.channel, 1);
	put(&rig, 0, CLUSTER, 2);
	trace_reset();
	done = 0;
	trace_hold(OVERLAY, 0);
	kio_flush_all(kios[0], count_done);
	step(&rig);
	CHECK_EQ(trace_held(OVERLAY), 1);
	/* written in the middle of the round, so not in its map */
	trace_hold(OVERLAY, sizeof(saved));
	put(&rig, CLUSTER, CLUSTER, 3);
	trace_hold(OVERLAY, 0);
	for (unsigned i = 1; i < 4; i++)
		kio_flush_all(kios[i], count_done);
	step(&rig);
	CHECK_EQ(done, 0);
	trace_hold(OVERLAY, DATA);
	trace_release(OVERLAY);
	step(&rig);
	CHECK_EQ(done, 4);
	/* two rounds of flush, map, flush, and the write */
	CHECK_EQ(noted(OVERLAY, KIO_FLUSH), 4);
	CHECK_EQ(noted(OVERLAY, KIO_WRITE), 3);
	memcpy(saved, trace_bytes(OVERLAY), sizeof(saved));
	for (unsigned i = 0; i < 4; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
	memcpy(trace_bytes(OVERLAY), saved, sizeof(saved));
	CHECK(opens_as_wanted());
}

TEST("cow: a write that fails leaves the base's bytes, and the next one is as the first")
{
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	memset(data, 7, 3 * CLUSTER);
	trace_fail(OVERLAY, KIO_WRITE, -ENOSPC, 1);
	CHECK_EQ(rig_write(&rig, data, CLUSTER, 0), -ENOSPC);
	trace_fail(BASE, KIO_READ, -EIO, 1);
	CHECK_EQ(rig_write(&rig, data, 10, CLUSTER), -EIO);
	CHECK_EQ(rig.kio->fail_from, 0);
	CHECK_EQ(rig.kio->fail_len, 10);
	trace_fail(OVERLAY, KIO_WRITE, -EIO, 1);
	CHECK_EQ(write_fua(&rig, CLUSTER, 10, 2), -EIO);
	CHECK_EQ(noted(OVERLAY, KIO_FLUSH), 0);
	CHECK(all_is_as_wanted(&rig));
	put(&rig, 0, 10, 3);
	put(&rig, CLUSTER, CLUSTER, 4);
	CHECK(all_is_as_wanted(&rig));
	rig_close(&rig);
	CHECK(opens_as_wanted());
}

TEST("cow: clusters written together and in part not: who is told that a write is there finds it there")
{
	/* cluster 0 is on the driver with id 3, and cluster 1 on the other */
	const char *text = "merge | cow cluster=16K overlay={ stripe chunk=16K { trace id=2 size=256K ; trace id=3 size=256K } } "
			   "| trace id=1 size=256K";
	struct kio *kios[2];
	struct rig rig;

	create(text);
	CHECK(rig_open(&rig, text, NULL));
	fill_pattern(data, 2 * CLUSTER, 0, 2);
	trace_fail(3, KIO_WRITE, -EIO, 2);
	for (unsigned i = 0; i < 2; i++) {
		kios[i] = kio_create(rig.channel, 1);
		kio_write(kios[i], i * CLUSTER, kio_buf(kios[i], data + i * CLUSTER, CLUSTER), 0, NULL);
	}
	CHECK_EQ(rig_wait(&rig, kios[0]), -EIO);
	CHECK_EQ(rig_wait(&rig, kios[1]), 0);
	memcpy(wanted + CLUSTER, data + CLUSTER, CLUSTER);
	CHECK(all_is_as_wanted(&rig));
	/* with FUA nothing of it counts: there was no round */
	trace_fail(3, KIO_WRITE, -EIO, 1);
	CHECK_EQ(write_fua(&rig, 0, 4 * CLUSTER, 2), -EIO);
	CHECK_EQ(kio_moved(rig.kio), 0);
	for (unsigned i = 0; i < 2; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

static void
round_fails(enum kio_op op, unsigned times)
{
	struct kio *kios[3];
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	for (unsigned i = 0; i < 3; i++)
		kios[i] = kio_create(rig.channel, 1);
	put(&rig, 0, CLUSTER, 2);
	trace_fail(OVERLAY, op, -EIO, times);
	for (unsigned i = 0; i < 3; i++)
		kio_flush_all(kios[i], NULL);
	CHECK_EQ(rig_wait(&rig, kios[0]), -EIO);
	for (unsigned i = 1; i < 3; i++)
		CHECK_EQ(rig_wait(&rig, kios[i]), times == 1 ? 0 : -EIO);
	trace_reset();
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(noted(OVERLAY, KIO_WRITE), times == 1 ? 0 : 1);
	memcpy(saved, trace_bytes(OVERLAY), sizeof(saved));
	for (unsigned i = 0; i < 3; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
	memcpy(trace_bytes(OVERLAY), saved, sizeof(saved));
	CHECK(opens_as_wanted());
}

TEST("cow: a round that fails fails all its flushes, and the next one writes the map again")
{
	round_fails(KIO_WRITE, 1);
	round_fails(KIO_WRITE, 2);
	round_fails(KIO_FLUSH, 1);
	round_fails(KIO_FLUSH, 2);
}

TEST("cow: clusters that end in the middle of a block of the map, odd sizes, long clusters, one container")
{
	static const struct kio_stack_options one = { .reserve = 1 };
	static const char *const texts[] = {
		"cow cluster=4K overlay={ trace id=2 size=512K } | trace id=1 size=200001",
		"cow cluster=128K overlay={ trace id=2 size=512K max-transfer=8192 } | trace id=1 size=250K",
		"cow cluster=16K overlay={ trace id=2 size=512K block=4096 } | trace id=1 size=252K block=512",
	};
	struct rig rig;

	for (unsigned i = 0; i < 3; i++) {
		create(texts[i]);
		CHECK(rig_open(&rig, texts[i], &one));
		uint64_t block = kio_stack_limits(rig.stack)->block, size = kio_stack_limits(rig.stack)->size;

		for (unsigned j = 1; j < 60; j++) {
			uint64_t at = j * 7919ull * 4096 % size / block * block;
			size_t len = (j * 104729u % 40000 / block + 1) * block;

			put(&rig, at, at + len < size ? len : size - at, j);
			if (j % 7 == 0)
				CHECK_EQ(rig_flush(&rig), 0);
		}
		CHECK_EQ(rig_read(&rig, back, size, 0), 0);
		CHECK_EQ(memcmp(back, wanted, size), 0);
		rig_close(&rig);
		CHECK(rig_open(&rig, texts[i], NULL));
		CHECK_EQ(rig_read(&rig, back, size, 0), 0);
		CHECK_EQ(memcmp(back, wanted, size), 0);
		rig_close(&rig);
	}
}

TEST("cow: extents are data where the overlay has it, and the base's elsewhere")
{
	const char *text = "cow cluster=16K overlay={ mem 512K } | mem 256K";
	uint32_t flags;
	struct rig rig;
	uint64_t len;

	CHECK(rig_open(&rig, text, &creates));
	put(&rig, 2 * CLUSTER, 10, 2);
	CHECK_EQ(kio_pextent(rig.stack, SIZE, 0, &len, &flags), 0);
	CHECK_EQ(len, 2 * CLUSTER);
	CHECK((flags & KIO_EXTENT_ZERO) != 0);
	CHECK_EQ(kio_pextent(rig.stack, SIZE - 2 * CLUSTER, 2 * CLUSTER, &len, &flags), 0);
	CHECK_EQ(len, CLUSTER);
	CHECK_EQ(flags, 0);
	/* zeroes are written, and a discard is not offered */
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 100, 2 * CLUSTER), 0);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, CLUSTER, 0), -ENOTSUP);
	rig_close(&rig);
}

TEST("cow: requests allocate nothing")
{
	struct rig rig;
	uint64_t count;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, 0, 10, 2);
	CHECK_EQ(rig_flush(&rig), 0);
	count = kio__alloc_count();
	for (unsigned i = 1; i < 15; i++) {
		put(&rig, i * CLUSTER, 10 + i * 500, i);
		CHECK_EQ(rig_flush(&rig), 0);
		CHECK_EQ(rig_read(&rig, back, SIZE, 0), 0);
	}
	CHECK_EQ(kio__alloc_count(), count);
	rig_close(&rig);
}

/* --- opening ------------------------------------------------------------ */

TEST("cow: what was not created, is too small, or was created with another cluster is refused")
{
	struct kio_stack *stack;
	struct kio_diag diag;

	trace_clear();
	CHECK_EQ(opens(STACK, &diag), -ENODATA);
	CHECK_EQ(kio_stack_open(&stack, "cow overlay={ trace id=2 size=256K } | trace id=1 size=256K", &creates, &diag),
		 -EINVAL);
	CHECK(strstr(diag.text, "size=327680") != NULL);
	CHECK_EQ(kio_stack_open(&stack, "cow cluster=3000 overlay={ trace id=2 } | trace id=1 size=256K", &creates, &diag),
		 -EINVAL);
	CHECK_EQ(kio_stack_open(&stack, "cow cluster=4M overlay={ trace id=2 } | trace id=1 size=256K", &creates, &diag),
		 -EINVAL);
	CHECK_EQ(kio_stack_open(&stack, "cow overlay={ trace id=2 block=8192 } | trace id=1 size=256K", &creates, &diag),
		 -EINVAL);
	CHECK_EQ(kio_stack_open(&stack, "cow overlay={ trace id=2 block=4096 } | trace id=1 size=255K", &creates, &diag),
		 -EINVAL);
	CHECK_EQ(kio_stack_open(&stack, "cow | trace id=1", &creates, &diag), -EINVAL);
	create(STACK);
	CHECK_EQ(opens("cow overlay={ trace id=2 size=512K } | trace id=1 size=256K", &diag), 0);
	CHECK_EQ(opens("cow cluster=64K overlay={ trace id=2 size=512K } | trace id=1 size=256K", &diag), -EINVAL);
	CHECK_EQ(opens("cow overlay={ trace id=2 size=200K } | trace id=1 size=256K", &diag), -EINVAL);
	CHECK_EQ(kio_stack_open(&stack, STACK, &(struct kio_stack_options){ .create = true }, &diag), -EEXIST);
}

TEST("cow: another base is refused, and one that was changed at its beginning, its end or where a sample is")
{
	const uint64_t places[] = { 0, 1024, 65536 + 100, SIZE - 1 };
	struct kio_diag diag;

	create(STACK);
	for (unsigned i = 0; i < 4; i++) {
		trace_bytes(BASE)[places[i]] ^= 1;
		CHECK_EQ(opens(STACK, &diag), -ESTALE);
		trace_bytes(BASE)[places[i]] ^= 1;
		CHECK_EQ(opens(STACK, &diag), 0);
	}
	CHECK_EQ(opens("cow overlay={ trace id=2 size=512K } | trace id=1 size=255K", &diag), -ESTALE);
	CHECK(strstr(diag.text, "261120 bytes, and that of the overlay 262144") != NULL);
}

TEST("cow: samples are the beginning, and blocks up to the end, inside the base whatever its size")
{
	const uint64_t sizes[] = { 1, 4095, 4096, 4097, 131072, 1179648, 1179649, 10000001, (uint64_t)1 << 40 };
	uint64_t offset, len;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (unsigned j = 0; j < KIO__COW_SAMPLES; j++) {
			kio__cow_sample(sizes[i], j, &offset, &len);
			CHECK(len <= KIO__COW_SAMPLE_MOST && (len == 0 || offset + len <= sizes[i]));
			CHECK_EQ(offset % 4096, 0);
		}
		CHECK_EQ(offset + len, sizes[i]);
		kio__cow_sample(sizes[i], 0, &offset, &len);
		CHECK(offset == 0 && len != 0);
	}
}

TEST("cow: with one copy of the header damaged it opens, and the copy is repaired; with both it is refused")
{
	unsigned char *overlay = trace_bytes(OVERLAY);
	struct kio_diag diag;

	create(STACK);
	memcpy(saved, overlay, MAP);
	for (unsigned copy = 0; copy < 2; copy++) {
		overlay[copy * 4096 + 45] ^= 1;
		CHECK_EQ(opens(STACK, &diag), 0);
		CHECK_EQ(memcmp(saved, overlay, MAP), 0);
	}
	overlay[45] ^= 1;
	overlay[4096 + 45] ^= 1;
	CHECK_EQ(opens(STACK, &diag), -EIO);
}

TEST("cow: a block of the map that is partly old and partly new is read; a sector that is neither is refused")
{
	/* clusters in the first two sectors of a map: the second sector begins with cluster 3808 */
	const char *text = "cow cluster=4K overlay={ sim size=20M store=torn-overlay block=512 } | sim size=16M store=torn-base";
	struct kio_stack_options options = { .engine = "sim", .create = true, .force = true };
	static unsigned char before[4096], after[4096], torn[4096];
	struct kio_stack *overlay;
	struct kio_diag diag;
	struct rig rig;

	CHECK(rig_open(&rig, text, &options));
	put(&rig, 0, 4096, 2);
	CHECK_EQ(rig_flush(&rig), 0);
	rig_close(&rig);
	options.create = false;
	CHECK_EQ(kio_stack_open(&overlay, "sim size=20M store=torn-overlay", &options, NULL), 0);
	CHECK_EQ(kio_pread(overlay, before, 4096, MAP), 0);
	kio_stack_close(&overlay, NULL);
	CHECK(rig_open(&rig, text, &options));
	fill_pattern(data, 4096, 4096, 3);
	CHECK_EQ(rig_write(&rig, data, 4096, 4096), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 3809 * 4096), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	rig_close(&rig);
	for (unsigned cut = 0; cut <= 1024; cut += 256) {
		CHECK_EQ(kio_stack_open(&overlay, "sim size=20M store=torn-overlay", &options, NULL), 0);
		if (cut == 0)
			CHECK_EQ(kio_pread(overlay, after, 4096, MAP), 0);
		memcpy(torn, before, 4096);
		memcpy(torn, after, cut);
		CHECK_EQ(kio_pwrite(overlay, torn, 4096, MAP, 0), 0);
		kio_stack_close(&overlay, NULL);
		if (cut % 512 != 0) {
			CHECK_EQ(kio_stack_open(&rig.stack, text, &options, &diag), -EIO);
			CHECK(strstr(diag.text, "map of the overlay is damaged") != NULL);
			continue;
		}
		CHECK(rig_open(&rig, text, &options));
		CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
		CHECK_EQ(memcmp(back, wanted, 4096), 0);
		CHECK_EQ(rig_read(&rig, back, 4096, 4096), 0);
		CHECK_EQ(memcmp(back, data, 4096) == 0, cut >= 512);
		CHECK_EQ(rig_read(&rig, back, 4096, 3809 * 4096), 0);
		CHECK_EQ(memcmp(back, data, 4096) == 0, cut == 1024);
		rig_close(&rig);
	}
}

TEST("cow: below the base nothing is written or created; a cow can be the base of another")
{
	const char *two = "cow cluster=16K overlay={ trace id=3 size=512K } | " STACK;
	struct kio_diag diag;
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, CLUSTER, 10, 2);
	rig_close(&rig);
	memcpy(saved, trace_bytes(OVERLAY), sizeof(saved));
	CHECK(rig_open(&rig, two, &creates));
	CHECK(all_is_as_wanted(&rig));
	put(&rig, CLUSTER + 3, 3, 3);
	put(&rig, 9 * CLUSTER + 3, 3, 3);
	CHECK(all_is_as_wanted(&rig));
	CHECK_EQ(noted(OVERLAY, KIO_WRITE), 0);
	rig_close(&rig);
	CHECK_EQ(memcmp(saved, trace_bytes(OVERLAY), sizeof(saved)), 0);
	CHECK(rig_open(&rig, two, &(struct kio_stack_options){ .read_only = true }));
	CHECK(all_is_as_wanted(&rig));
	CHECK_EQ(rig_write(&rig, data, 10, 0), -EROFS);
	CHECK_EQ(rig_flush(&rig), 0);
	rig_close(&rig);
	CHECK_EQ(opens(two, &diag), 0);
}

TEST("class: only a stack can be a leg by an option, and only what has a leg shares its base")
{
	static const struct kio_opt opts[] = {
		{ .name = "x", .type = KIO_TYPE_SIZE, .at = sizeof(struct kio_layer), .flags = KIO_OPT_LEG },
		{ 0 }
	};
	static struct kio_class bad = {
		.abi = KIO_LAYER_ABI, .struct_size = sizeof(struct kio_class), .name = "bad", .summary = "bad",
		.size = 2 * sizeof(struct kio_layer), .opts = opts, .min_legs = 1, .max_legs = 1,
	};

	CHECK_EQ(kio_class_register(&bad), -EINVAL);
	bad.opts = NULL;
	bad.min_legs = 0;
	bad.bits = KIO_SHARES_BASE;
	CHECK_EQ(kio_class_register(&bad), -EINVAL);
}

TEST("cow: a mirror that is the base gets no new leg")
{
	const char *text = "cow overlay={ trace id=2 } | mirror { trace id=3 name=a size=128K ; trace id=4 name=b size=128K }";
	struct kio_stack_options replaces = { .new_leg = "b" };
	struct kio_stack *stack;
	struct kio_diag diag;

	trace_clear();
	CHECK_EQ(kio_stack_open(&stack, "mirror { trace id=3 size=128K ; trace id=4 size=128K }", &creates, &diag), 0);
	kio_stack_close(&stack, NULL);
	memcpy(saved, trace_bytes(3), 128 << 10);
	CHECK_EQ(kio_stack_open(&stack, text, &creates, &diag), 0);
	kio_stack_close(&stack, NULL);
	CHECK_EQ(opens(text, &diag), 0);
	CHECK_EQ(kio_stack_open(&stack, text, &replaces, &diag), -EROFS);
	CHECK_EQ(memcmp(saved, trace_bytes(3), 128 << 10), 0);
}

/* --- offline ------------------------------------------------------------- */

struct offline {
	struct kio_stack *overlay, *base;
};

static void
offline_open(struct offline *offline)
{
	CHECK_EQ(kio_stack_open(&offline->overlay, "trace id=2 size=512K", NULL, NULL), 0);
	CHECK_EQ(kio_stack_open(&offline->base, "trace id=1 size=256K", NULL, NULL), 0);
}

static void
offline_close(struct offline *offline)
{
	kio_stack_close(&offline->overlay, NULL);
	kio_stack_close(&offline->base, NULL);
}

static int
reset(bool force)
{
	struct offline offline;
	struct kio_diag diag;
	int rc;

	offline_open(&offline);
	rc = kio__cow_reset(offline.overlay, offline.base, force, &diag);
	offline_close(&offline);
	return rc;
}

TEST("cow: a reset writes the header only, and never shows older data again")
{
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	for (unsigned i = 0; i < 16; i++)
		put(&rig, i * CLUSTER + i, 100, 2);
	rig_close(&rig);
	trace_reset();
	CHECK_EQ(reset(false), 0);
	CHECK_EQ(noted(OVERLAY, KIO_WRITE), 2);
	for (unsigned i = 0; i < trace_count; i++)
		CHECK(trace_notes[i].op == KIO_READ || trace_notes[i].offset < MAP);
	memcpy(wanted, trace_bytes(BASE), SIZE);
	CHECK(opens_as_wanted());
	/* an entry of now in the midst of those of before */
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, 4 * CLUSTER, 10, 3);
	CHECK(all_is_as_wanted(&rig));
	rig_close(&rig);
	CHECK(opens_as_wanted());
	/* another base of that size is taken */
	trace_bytes(BASE)[0] ^= 1;
	CHECK_EQ(opens(STACK, &rig.diag), -ESTALE);
	CHECK_EQ(reset(false), 0);
	memcpy(wanted, trace_bytes(BASE), SIZE);
	CHECK(opens_as_wanted());
	/* one copy of the header is enough to know that all before is void */
	trace_bytes(OVERLAY)[45] ^= 1;
	CHECK(opens_as_wanted());
	trace_bytes(OVERLAY)[4096 + 45] ^= 1;
	CHECK(opens_as_wanted());
}

TEST("cow: a reset does not say that it is empty where the map is damaged: it would not open")
{
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, 0, CLUSTER, 2);
	rig_close(&rig);
	trace_bytes(OVERLAY)[MAP + 40] ^= 1;
	trace_reset();
	CHECK_EQ(reset(false), -EIO);
	CHECK_EQ(noted(OVERLAY, KIO_WRITE), 0);
	trace_bytes(OVERLAY)[MAP + 40] ^= 1;
	CHECK_EQ(reset(false), 0);
	memcpy(wanted, trace_bytes(BASE), SIZE);
	CHECK(opens_as_wanted());
}

/* The overlay was, before the base changed. */
static bool
flushed_first(void)
{
	unsigned i = 0;

	while (i < trace_count && trace_notes[i].op != KIO_FLUSH && (trace_notes[i].leg != BASE || trace_notes[i].op != KIO_WRITE))
		i++;
	return i < trace_count && trace_notes[i].leg == OVERLAY && trace_notes[i].op == KIO_FLUSH;
}

/*
 * The map may have been written by a process that was killed before it flushed,
 * and be in the system's cache only.
 */
TEST("cow: what the map says is durable before it is relied on, by FUA or by a commit")
{
	struct offline offline;
	struct kio_stack *stack;
	struct kio_diag diag;
	uint64_t copied;
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, 0, CLUSTER, 2);
	rig_close(&rig);
	trace_reset();
	CHECK_EQ(kio_stack_open(&stack, STACK, NULL, NULL), 0);
	CHECK(flushed_first());
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	trace_fail(OVERLAY, KIO_FLUSH, -EIO, 1);
	CHECK_EQ(kio_stack_open(&stack, STACK, NULL, &diag), -EIO);
	trace_reset();
	offline_open(&offline);
	CHECK_EQ(kio__cow_commit(offline.overlay, offline.base, NULL, NULL, &copied, &diag), 0);
	CHECK_EQ(copied, CLUSTER);
	CHECK(flushed_first());
	offline_close(&offline);
}

#define SIM_OVERLAY "sim size=512K store=cow-overlay"
#define SIM_BASE "sim size=256K store=cow-base"
#define SIM_STACK "cow cluster=16K overlay={ " SIM_OVERLAY " } | " SIM_BASE

static const struct kio_stack_options sim_creates = { .engine = "sim", .create = true, .force = true };
static const struct kio_stack_options sim_opens = { .engine = "sim" };

/* A base, and an overlay with some clusters. */
static void
make_sim(void)
{
	struct rig rig;

	CHECK(rig_open(&rig, SIM_BASE, &sim_opens));
	put(&rig, 0, SIZE, 1);
	CHECK_EQ(rig_flush(&rig), 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, SIM_STACK, &sim_creates));
	put(&rig, 0, 3 * CLUSTER, 2);
	for (unsigned i = 5; i < 16; i += 3)
		put(&rig, i * CLUSTER + 10, 1000, i);
	rig_close(&rig);
}

static bool
sim_is(const char *text)
{
	struct rig rig;
	bool good;

	if (!rig_open(&rig, text, &sim_opens))
		return false;
	good = all_is_as_wanted(&rig);
	rig_close(&rig);
	return good;
}

static int
commit_once(const char *overlay, const char *base, struct kio_diag *diag)
{
	struct offline offline = { 0 };
	uint64_t copied;
	int rc;

	CHECK_EQ(kio_stack_open(&offline.overlay, overlay, &sim_opens, diag), 0);
	CHECK_EQ(kio_stack_open(&offline.base, base, &sim_opens, diag), 0);
	rc = kio__cow_commit(offline.overlay, offline.base, NULL, NULL, &copied, diag);
	offline_close(&offline);
	return rc;
}

/* The power fails at each write of the overlay or the base; and then once more. */
static void
commit_cut_at_each_step(bool at_base)
{
	char overlay[100] = SIM_OVERLAY, base[100] = SIM_BASE;
	unsigned cuts, cut_short = 0;
	struct kio_stack *stack;
	struct kio_diag diag;
	int rc = -EIO;

	for (cuts = 1; cuts < 40 && rc < 0; cuts++) {
		make_sim();
		if (at_base)
			snprintf(base, sizeof(base), SIM_BASE " cut=%u seed=%u", cuts, cuts);
		else
			snprintf(overlay, sizeof(overlay), SIM_OVERLAY " cut=%u seed=%u", cuts, cuts);
		rc = commit_once(overlay, base, &diag);
		if (rc == 0)
			break;
		cut_short++;
		rc = kio_stack_open(&stack, SIM_STACK, &sim_opens, &diag);
		if (rc == 0) {
			/* not begun yet, or done already */
			kio_stack_close(&stack, NULL);
			CHECK(sim_is(SIM_STACK));
		} else {
			CHECK_EQ(rc, -EALREADY);
			CHECK(strstr(diag.text, "kiobuf cow commit") != NULL);
			commit_once(SIM_OVERLAY, SIM_BASE " cut=3 seed=77", &diag);
		}
		CHECK_EQ(commit_once(SIM_OVERLAY, SIM_BASE, &diag), 0);
		CHECK(sim_is(SIM_BASE));
		CHECK(sim_is(SIM_STACK));
		rc = -EIO;
	}
	CHECK_EQ(rc, 0);
	CHECK(sim_is(SIM_BASE));
	CHECK(cut_short >= (at_base ? 4 : 3));
}

TEST("cow: a commit that is cut off at any write is done again, and the base is what the overlay showed")
{
	commit_cut_at_each_step(true);
	commit_cut_at_each_step(false);
}

TEST("cow: a commit into another base is refused, and so is a reset in the middle of one")
{
	struct offline offline;
	struct kio_diag diag;
	uint64_t copied;
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, 15 * CLUSTER, CLUSTER, 2);
	rig_close(&rig);
	memcpy(data, trace_bytes(BASE), SIZE);
	trace_bytes(BASE)[7] ^= 1;
	offline_open(&offline);
	CHECK_EQ(kio__cow_commit(offline.overlay, offline.base, NULL, NULL, &copied, &diag), -ESTALE);
	trace_bytes(BASE)[7] ^= 1;
	trace_fail(BASE, KIO_FLUSH, -EIO, 1);
	CHECK_EQ(kio__cow_commit(offline.overlay, offline.base, NULL, NULL, &copied, &diag), -EIO);
	offline_close(&offline);
	CHECK_EQ(opens(STACK, &diag), -EALREADY);
	CHECK_EQ(reset(false), -EALREADY);
	/* what the commit does not touch is still compared */
	trace_bytes(BASE)[7] ^= 1;
	offline_open(&offline);
	CHECK_EQ(kio__cow_commit(offline.overlay, offline.base, NULL, NULL, &copied, &diag), -ESTALE);
	trace_bytes(BASE)[7] ^= 1;
	CHECK_EQ(kio__cow_commit(offline.overlay, offline.base, NULL, NULL, &copied, &diag), 0);
	CHECK_EQ(copied, CLUSTER);
	offline_close(&offline);
	CHECK_EQ(memcmp(trace_bytes(BASE), wanted, SIZE), 0);
	CHECK(opens_as_wanted());
}

static bool
stop_at_second(void *priv, uint64_t bytes, uint64_t total)
{
	unsigned *count = priv;

	CHECK(bytes < total);
	return ++*count < 2;
}

TEST("cow: a commit that is stopped goes on, and by force an overlay in its middle is emptied")
{
	struct kio__cow_report report;
	struct offline offline;
	struct kio_diag diag;
	unsigned count = 0;
	uint64_t copied;
	struct rig rig;

	create(STACK);
	CHECK(rig_open(&rig, STACK, NULL));
	put(&rig, 3 * CLUSTER, CLUSTER, 2);
	put(&rig, 9 * CLUSTER, CLUSTER, 2);
	rig_close(&rig);
	offline_open(&offline);
	CHECK_EQ(kio__cow_commit(offline.overlay, offline.base, stop_at_second, &count, &copied, &diag), -ECANCELED);
	CHECK_EQ(copied, CLUSTER);
	CHECK_EQ(kio__cow_look(offline.overlay, offline.base, &report, &diag), 0);
	CHECK(report.header.committing && !report.another_base);
	CHECK_EQ(report.mapped, 2);
	CHECK_EQ(report.clusters, 16);
	CHECK_EQ(report.damaged, 0);
	trace_bytes(OVERLAY)[MAP + 40] ^= 1;
	CHECK_EQ(kio__cow_look(offline.overlay, offline.base, &report, &diag), 0);
	CHECK_EQ(report.damaged, 1);
	CHECK_EQ(kio__cow_commit(offline.overlay, offline.base, NULL, NULL, &copied, &diag), -EIO);
	trace_bytes(OVERLAY)[MAP + 40] ^= 1;
	offline_close(&offline);
	CHECK_EQ(reset(true), 0);
	CHECK_EQ(opens(STACK, &diag), 0);
}

/* --- threads -------------------------------------------------------------- */

struct writer {
	struct kio_stack *stack;
	unsigned number;
	pthread_t thread;
};

/* Its 512 bytes of each kilobyte: so the two meet in each cluster. */
static void *
write_half(void *priv)
{
	struct writer *writer = priv;
	static unsigned char bytes[2][512];
	unsigned char *own = bytes[writer->number];
	struct rig rig = { .stack = writer->stack };
	int rc = 0;

	kio_loop_open(&rig.loop, NULL);
	kio_channel_open(&rig.channel, rig.stack, rig.loop);
	rig.kio = kio_create(rig.channel, 1);
	for (unsigned i = 0; i < SIZE / 1024; i++) {
		uint64_t at = (i * 37u % (SIZE / 1024)) * 1024ull + writer->number * 512ull;

		memset(own, (int)(at >> 9), 512);
		rc |= rig_write(&rig, own, 512, at);
		rc |= i % 16 == 0 ? rig_flush(&rig) : 0;
	}
	CHECK_EQ(rc, 0);
	kio_destroy(rig.kio);
	kio_channel_close(&rig.channel);
	kio_loop_close(&rig.loop);
	return NULL;
}

TEST("cow: two loops write into the same clusters and flush, and none loses anything")
{
	const char *text = "cow cluster=8K overlay={ mem 512K } | mem 256K";
	struct kio_stack *stack;
	struct writer writers[2];

	CHECK_EQ(kio_stack_open(&stack, text, &creates, NULL), 0);
	for (unsigned i = 0; i < 2; i++) {
		writers[i] = (struct writer){ .stack = stack, .number = i };
		pthread_create(&writers[i].thread, NULL, write_half, &writers[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(writers[i].thread, NULL);
	CHECK_EQ(kio_pread(stack, back, SIZE, 0), 0);
	for (unsigned i = 0; i < SIZE; i++) {
		if (back[i] != (unsigned char)(i >> 9)) {
			CHECK_EQ(back[i], (unsigned char)(i >> 9));
			break;
		}
	}
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

#define LONG ((size_t)2 << 30)

static void *
write_long(void *priv)
{
	void *memory = mmap(NULL, LONG, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK_EQ(kio_pwrite(priv, memory, LONG, 0, 0), 0);
	munmap(memory, LONG);
	return NULL;
}

/* So many clusters are not mapped in one instant. */
TEST("cow: what another loop finds mapped is in the map when its flush is over")
{
	const char *text = "cow cluster=4K overlay={ concat { trace id=2 size=80K ; null 2G } } | null 2G";
	struct kio__cow_header header;
	struct rig rig = { 0 };
	const struct cow *cow;
	pthread_t thread;

	for (unsigned i = 0; i < 10; i++) {
		trace_clear();
		CHECK_EQ(kio_stack_open(&rig.stack, text, &creates, &rig.diag), 0);
		CHECK_EQ(kio_loop_open(&rig.loop, NULL), 0);
		CHECK_EQ(kio_channel_open(&rig.channel, rig.stack, rig.loop), 0);
		rig.kio = kio_create(rig.channel, 1);
		cow = kio_container_of(kio_stack_top(rig.stack), const struct cow, layer);
		CHECK_EQ(cow->data, 80 << 10);
		pthread_create(&thread, NULL, write_long, rig.stack);
		while (cow_state(cow, 0) < COW_MAPPED)
			;
		CHECK_EQ(rig_flush(&rig), 0);
		CHECK_EQ(kio__cow_choose(&header, trace_bytes(2)), 0);
		CHECK_EQ(kio__cow_sector_check(&header, 0, trace_bytes(2) + MAP), KIO__COW_VALID);
		CHECK(kio__cow_is_set(trace_bytes(2) + MAP, 0));
		pthread_join(thread, NULL);
		rig_close(&rig);
	}
}

/* --- a thousand ------------------------------------------------------------ */

/* threads watched take ten times as long, and here is only one */
#ifdef __SANITIZE_THREAD__
#define MANY 100
#else
#define MANY 1000
#endif

TEST("cow: a thousand overlays are open at once on one base, which nobody can write to then")
{
	static const struct kio_stack_options makes = { .create = true };
	static struct kio_stack *stacks[MANY];
	struct rlimit files;
	struct kio_stack *base;
	struct kio_diag diag;
	unsigned count;
	FILE *file;

	/* a file each, and a few */
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	fill_pattern(data, SIZE, 0, 1);
	file = fopen("many.base", "w");
	fwrite(data, 1, SIZE, file);
	fclose(file);
	for (count = 0; count < MANY && count + 50 < files.rlim_max; count++) {
		if (kio_stack_open(&stacks[count], "cow overlay={ mem 512K } | file many.base", &makes, &diag) < 0)
			break;
	}
	CHECK(count == MANY || count + 50 >= files.rlim_max);
	CHECK_EQ(kio_stack_open(&base, "file many.base", NULL, &diag), -EBUSY);
	CHECK_EQ(kio_pwrite(stacks[count - 1], data, 1, 100, 0), 0);
	CHECK_EQ(kio_pread(stacks[0], back, SIZE, 0), 0);
	CHECK_EQ(memcmp(back, data, SIZE), 0);
	while (count-- > 0)
		CHECK_EQ(kio_stack_close(&stacks[count], NULL), 0);
	unlink("many.base");
}
