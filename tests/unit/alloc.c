/* SPDX-License-Identifier: MIT */
/*
 * Nothing is allocated between submission and completion; and each allocation
 * that fails while a stack opens leaves nothing open.
 *
 * malloc itself is counted, so that what libraries do below us counts too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/port.h"
#include "trace.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define COUNTS false
static unsigned mallocs;
#else
#define COUNTS true
static unsigned mallocs; /* atomic */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
void *malloc(size_t size);
void *calloc(size_t count, size_t size);

void *
malloc(size_t size)
{
	__atomic_fetch_add(&mallocs, 1, __ATOMIC_RELAXED);
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	__atomic_fetch_add(&mallocs, 1, __ATOMIC_RELAXED);
	return __libc_calloc(count, size);
}
#endif

static unsigned char data[1 << 18];

static const char *const stacks[] = {
	"null 1M",
	"mem 1M",
	"stripe chunk=4K { mem 1M ; mem 1M }",
	"cache size=64K block=4K | trace",
	"mirror state=none { mem 1M ; concat { mem 512K ; mem 512K } }",
	"mirror { trace id=1 ; trace id=2 }",
	"crypt header=none key-file=a.key | mem 1M",
	"cow overlay={ mem 2M } | mem 1M",
	"align | crypt header=none key-file=a.key | stripe { mem 1M ; trace max-transfer=4K }",
	"crop | delay 1us | log | file a.img size=1M",
	"align | file b.img size=1M direct=yes",
	"merge | align | stripe chunk=4K { merge | mem 1M ; trace max-transfer=4K }",
	"powercut cache=256K | mem 1M",
	"deadline 5s | retry 2 | mem 1M",
	"throttle iops=1000000 | fault late=100000 delay=1us | mem 1M",
	"mirror quorum=1 behind=1s { mem 1M ; mem 1M }",
	"mirror state=none read=hedged:1us { mem 1M ; mem 1M }",
};

#define STACKS (sizeof(stacks) / sizeof(stacks[0]))

static void
prepare(void)
{
	FILE *key = fopen("a.key", "w");

	for (int i = 0; i < 64; i++)
		fputc(i * 5 + i / 32, key);
	fclose(key);
	chmod("a.key", 0600);
}

static void
tidy(void)
{
	unlink("a.key");
	unlink("a.img");
	unlink("b.img");
}

static void
load(struct rig *rig)
{
	uint32_t block = kio_stack_limits(rig->stack)->block;

	for (unsigned i = 0; i < 50; i++) {
		uint64_t offset = (uint64_t)i * block * 3;
		size_t len = (size_t)block * (1 + i % 7);

		CHECK_EQ(rig_write(rig, data, len, offset), 0);
		CHECK_EQ(rig_read(rig, data, len, offset), 0);
		if (i % 10 == 0) {
			CHECK_EQ(rig_flush(rig), 0);
			CHECK_EQ(rig_clear(rig, KIO_WRITE_ZEROES, len, offset), 0);
		}
	}
	CHECK_EQ(rig_write(rig, data, 1 << 18, 0), 0);
	CHECK_EQ(rig_read(rig, data, 1 << 18, 0), 0);
}

TEST("alloc: none from submission to completion, in any stack")
{
	struct kio_stack_options options = { .create = true, .force = true };
	struct rig rig;
	unsigned before;

	if (!COUNTS)
		SKIP("sanitizers allocate by themselves");
	prepare();
	for (size_t i = 0; i < STACKS; i++) {
		if (!rig_open(&rig, stacks[i], &options))
			continue;
		load(&rig); /* threads start at their first use */
		before = mallocs;
		load(&rig);
		if (mallocs != before)
			printf("  in %s\n", stacks[i]);
		CHECK_EQ(mallocs - before, 0);
		rig_close(&rig);
	}
	tidy();
}

#define AT_ONCE 8
#define LONG_BYTES (128u * 1024)

static void
write_at_once(struct rig *rig, struct kio **kios)
{
	for (unsigned i = 0; i < AT_ONCE; i++)
		kio_write(kios[i], i * LONG_BYTES, kio_buf(kios[i], data, LONG_BYTES), 0, NULL);
	for (unsigned i = 0; i < AT_ONCE; i++)
		CHECK_EQ(rig_wait(rig, kios[i]), 0);
}

TEST("alloc: none by the first requests either, where workers encrypt several at once")
{
	struct kio_stack_options options = { .create = true, .force = true };
	struct kio *kios[AT_ONCE];
	struct rig rig;
	unsigned before;

	if (!COUNTS)
		SKIP("sanitizers allocate by themselves");
	prepare();
	if (rig_open(&rig, "crypt header=none key-file=a.key | mem 2M", &options)) {
		for (unsigned i = 0; i < AT_ONCE; i++)
			kios[i] = kio_create(rig.channel, 1);
		before = mallocs;
		write_at_once(&rig, kios);
		CHECK_EQ(mallocs - before, 0);
		for (unsigned i = 0; i < AT_ONCE; i++)
			kio_destroy(kios[i]);
		rig_close(&rig);
	}
	tidy();
}

TEST("alloc: none where neighbours are merged, and split again")
{
	struct kio *kios[AT_ONCE];
	struct rig rig;
	unsigned before;

	if (!COUNTS)
		SKIP("sanitizers allocate by themselves");
	if (!rig_open(&rig, "merge | stripe chunk=64K { merge | mem 2M ; trace max-transfer=4K }", NULL))
		return;
	for (unsigned i = 0; i < AT_ONCE; i++)
		kios[i] = kio_create(rig.channel, 1);
	before = mallocs;
	write_at_once(&rig, kios);
	CHECK_EQ(mallocs - before, 0);
	for (unsigned i = 0; i < AT_ONCE; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

/* --- pressure --------------------------------------------------------------- */

#ifdef __SANITIZE_THREAD__
#define CROWD 1000u
#define BULK_BYTES (4u << 20)
#else
#define CROWD 10000u
#define BULK_BYTES (64u << 20)
#endif
#define BLOCK 4096u
#define CROWD_BYTES ((uint64_t)CROWD * BLOCK)

static unsigned crowd_done, crowd_failed;

static void
crowd_came(struct kio *kio)
{
	crowd_done++;
	crowd_failed += kio_status(kio) < 0;
}

static void
wait_for_crowd(struct rig *rig, unsigned count)
{
	for (unsigned i = 0; i < 100000000 && crowd_done < count; i++)
		kio_loop_step(rig->loop, 100000000);
	CHECK_EQ(crowd_done, count);
	CHECK_EQ(crowd_failed, 0);
	crowd_done = crowd_failed = 0;
}

/* All of the crowd, and one that is cut into 16384 parts, at once. */
static void
push(struct rig *rig, struct kio **crowd, unsigned char *small, unsigned char *bulk, bool write)
{
	for (unsigned i = 0; i <= CROWD; i++) {
		/* each second one has the one before it as a neighbour */
		bool last = i == CROWD;
		struct kio_iter view = last ? kio_buf(crowd[i], bulk, BULK_BYTES) :
					      kio_buf(crowd[i], small + (size_t)i * BLOCK, BLOCK);
		uint64_t offset = last ? CROWD_BYTES : (uint64_t)i * BLOCK;

		if (write)
			kio_write(crowd[i], offset, view, 0, crowd_came);
		else
			kio_read(crowd[i], offset, view, crowd_came);
	}
	wait_for_crowd(rig, CROWD + 1);
}

static void
try_pressure(const char *text)
{
	struct kio_stack_options options = { .create = true, .force = true, .reserve = 1 };
	size_t bytes = (size_t)CROWD_BYTES + BULK_BYTES;
	unsigned char *written = malloc(bytes), *read = malloc(bytes);
	struct kio **crowd = malloc((CROWD + 1) * sizeof(struct kio *));
	struct rig rig;
	unsigned before;

	CHECK(rig_open(&rig, text, &options));
	fill_pattern(written, bytes, 0, 3);
	for (unsigned i = 0; i <= CROWD; i++)
		crowd[i] = kio_create(rig.channel, 1);
	load(&rig);
	before = mallocs;
	push(&rig, crowd, written, written + CROWD_BYTES, true);
	push(&rig, crowd, read, read + CROWD_BYTES, false);
	if (COUNTS)
		CHECK_EQ(mallocs - before, 0);
	CHECK(memcmp(written, read, bytes) == 0);
	for (unsigned i = 0; i <= CROWD; i++)
		kio_destroy(crowd[i]);
	rig_close(&rig);
	free(crowd);
	free(read);
	free(written);
}

TEST("alloc: reserves of one, ten thousand requests and one of 64 MiB: nothing hangs, allocates or fails")
{
	prepare();
	/* parts of 4 KiB, encrypted in copies, some of which are sent again */
	try_pressure("merge | retry 40 backoff=1us | fault error=20000 | align | crypt header=none key-file=a.key |"
		     " mirror state=none { stripe chunk=4K { mem 64M ; mem 64M } ; merge | mem 128M }");
	try_pressure("deadline 100s | merge | retry 40 backoff=1us | fault error=20000 late=20000 delay=1us |"
		     " mirror quorum=1 behind=20s { crypt header=none key-file=a.key | mem 128M ;"
		     " throttle iops=10000000 | stripe chunk=4K { mem 64M ; mem 64M } }");
	try_pressure("powercut cache=1M | retry 40 backoff=1us | fault error=20000 | align block=512 |"
		     " cow overlay={ crypt header=none key-file=a.key | mem 256M } | mem 128M");
	tidy();
}

TEST("alloc: each that fails while a stack opens ends in -ENOMEM, and leaves nothing behind")
{
	struct kio_stack_options options = { .create = true, .force = true };
	struct kio_stack *stack;
	struct kio_diag diag;
	unsigned failed;
	int rc;

	prepare();
	for (size_t i = 0; i < STACKS; i++) {
		failed = 0;
		for (unsigned n = 1; n < 5000; n++) {
			kio__alloc_fail_at = n;
			rc = kio_stack_open(&stack, stacks[i], &options, &diag);
			if (rc == 0) {
				kio__alloc_fail_at = 0;
				CHECK_EQ(kio_stack_close(&stack, NULL), 0);
				break;
			}
			kio__alloc_fail_at = 0;
			failed++;
			CHECK_EQ(rc, -ENOMEM);
			CHECK(diag.text[0] != '\0');
		}
		CHECK(failed > 3);
	}
	tidy();
}

TEST("alloc: each that fails while a channel opens, too")
{
	struct kio_stack_options options = { .create = true, .force = true, .reserve = 4 };
	struct kio_channel *channel;
	struct kio_stack *stack;
	struct kio_loop *loop;
	unsigned failed;
	int rc;

	prepare();
	for (size_t i = 0; i < STACKS; i++) {
		CHECK_EQ(kio_stack_open(&stack, stacks[i], &options, NULL), 0);
		CHECK_EQ(kio_loop_open(&loop, NULL), 0);
		failed = 0;
		for (unsigned n = 1; n < 5000; n++) {
			kio__alloc_fail_at = n;
			rc = kio_channel_open(&channel, stack, loop);
			kio__alloc_fail_at = 0;
			if (rc == 0) {
				kio_channel_close(&channel);
				break;
			}
			failed++;
			CHECK_EQ(rc, -ENOMEM);
		}
		CHECK(failed >= 3);
		kio_loop_close(&loop);
		CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	}
	tidy();
}
