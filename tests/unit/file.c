/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/loop.h"
#include "trace.h"

static unsigned char data[4 << 20], back[4 << 20];

static const char *const engines[] = { "io_uring", "threads" };

static bool
open_on(struct rig *rig, const char *text, const char *engine)
{
	struct kio_stack_options options = { .engine = engine };
	struct kio_loop_options loop = { .engine = engine, .depth = 8 };

	memset(rig, 0, sizeof(*rig));
	if (kio_loop_open(&rig->loop, &loop) < 0)
		return false;
	if (kio_stack_open(&rig->stack, text, &options, &rig->diag) < 0) {
		printf("  %s\n", rig->diag.text);
		CHECK(false);
		return false;
	}
	CHECK_EQ(kio_channel_open(&rig->channel, rig->stack, rig->loop), 0);
	rig->kio = kio_create(rig->channel, 3000);
	return true;
}

#define EACH_ENGINE(rig, text)                                                              \
	for (int engine = 0; engine < 2; engine++)                                          \
		if (open_on(&(rig), text, engines[engine]))

static void
close_and_remove(struct rig *rig)
{
	rig_close(rig);
	unlink("f.img");
}

TEST("file: every operation, on both engines")
{
	struct stat st;
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=3000001") {
		CHECK_EQ(stat("f.img", &st), 0);
		CHECK_EQ(st.st_mode & 0777, 0600);
		fill_pattern(data, 3000001, 0, 1);
		CHECK_EQ(rig_write(&rig, data, 3000001, 0), 0);
		CHECK_EQ(rig_read(&rig, back, 3000001, 0), 0);
		CHECK_EQ(memcmp(data, back, 3000001), 0);
		kio_write(rig.kio, 77, kio_buf(rig.kio, data, 100), KIO_FUA, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		CHECK_EQ(rig_flush(&rig), 0);
		CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 100000, 5), 0);
		CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 1 << 20, 1 << 20), 0);
		kio_clear(rig.kio, KIO_WRITE_ZEROES, 200000, 1000, KIO_NO_UNMAP | KIO_FUA, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		CHECK_EQ(rig_read(&rig, back, 3000001, 0), 0);
		memmove(data + 77, data, 100);
		memset(data + 5, 0, 100000);
		memset(data + (1 << 20), 0, 1 << 20);
		memset(data + 200000, 0, 1000);
		CHECK_EQ(memcmp(data, back, 3000001), 0);
		close_and_remove(&rig);
	}
}

TEST("file: extents tell holes from data")
{
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=1M") {
		CHECK_EQ(rig_write(&rig, data, 65536, 262144), 0);
		kio_extent(rig.kio, 0, 1 << 20, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		CHECK_EQ(rig.kio->extent_len, 262144);
		CHECK_EQ(rig.kio->extent_flags, KIO_EXTENT_HOLE | KIO_EXTENT_ZERO);
		kio_extent(rig.kio, 262144 + 100, 1 << 19, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		CHECK_EQ(rig.kio->extent_len, 65536 - 100);
		CHECK_EQ(rig.kio->extent_flags, 0);
		close_and_remove(&rig);
	}
}

TEST("file: thousands of pieces go in as many calls as it takes, and none is lost")
{
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=4M") {
		fill_pattern(data, 2500 * 300, 0, 4);
		kio_chain_init(&rig.kio->chain, rig.kio->chain.segs, 3000);
		for (unsigned i = 0; i < 2500; i++)
			kio_chain_add(&rig.kio->chain, data + i * 300, 300, NULL);
		kio_write(rig.kio, 12345, kio_chain_iter(&rig.kio->chain), 0, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		CHECK_EQ(rig_read(&rig, back, 2500 * 300, 12345), 0);
		CHECK_EQ(memcmp(data, back, 2500 * 300), 0);
		close_and_remove(&rig);
	}
}

static void
count_done(struct kio *kio)
{
	(*(unsigned *)kio->priv)++;
	CHECK_EQ(kio_status(kio), 0);
}

TEST("file: more I/Os than the engine takes at once wait their turn; long vectors too")
{
	enum { MANY = 200, PIECES = 20 };
	static struct kio *kios[MANY];
	unsigned done = 0;
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=4M") {
		done = 0;
		for (int i = 0; i < MANY; i++) {
			kios[i] = kio_create(rig.channel, PIECES);
			kios[i]->priv = &done;
			kio_chain_init(&kios[i]->chain, kios[i]->chain.segs, PIECES);
			for (int j = 0; j < PIECES; j++)
				kio_chain_add(&kios[i]->chain, data + i * 4096 + j * 100, 100, NULL);
			kio_write(kios[i], (uint64_t)i * 4096, kio_chain_iter(&kios[i]->chain), 0, count_done);
		}
		while (done < MANY)
			kio_loop_step(rig.loop, -1);
		for (int i = 0; i < MANY; i++)
			kio_destroy(kios[i]);
		close_and_remove(&rig);
	}
}

TEST("file: more I/Os than the engine takes at once, before its loop ever ran")
{
	struct kio *kios[100];
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=1M") {
		for (unsigned i = 0; i < 100; i++) {
			kios[i] = kio_create(rig.channel, 1);
			kio_write(kios[i], i * 4096, kio_buf(kios[i], data + i * 4096, 4096), 0, NULL);
		}
		for (unsigned i = 0; i < 100; i++) {
			CHECK_EQ(rig_wait(&rig, kios[i]), 0);
			kio_destroy(kios[i]);
		}
		close_and_remove(&rig);
	}
}

TEST("file: one that ends before the device does is an error with its range, not a loop")
{
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=1M") {
		CHECK_EQ(truncate("f.img", 10000), 0);
		CHECK_EQ(rig_read(&rig, back, 8192, 4096), -EIO);
		CHECK_EQ(rig.kio->fail_from, 10000 - 4096);
		CHECK_EQ(rig.kio->fail_len, 8192 - (10000 - 4096));
		CHECK_EQ(rig_read(&rig, back, 4096, 4096), 0);
		close_and_remove(&rig);
	}
}

TEST("file: direct I/O copies only what is not aligned, and counts it")
{
	struct kio_stat stat;
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=1M direct=yes") {
		uint32_t block = kio_stack_limits(rig.stack)->block;
		unsigned char *page = (unsigned char *)(((uintptr_t)data + 4095) & ~(uintptr_t)4095);
		unsigned char *into = (unsigned char *)(((uintptr_t)back + 4095) & ~(uintptr_t)4095);

		CHECK(block >= 512);
		fill_pattern(page, 300000, 0, 8);
		CHECK_EQ(rig_write(&rig, page, 262144, 0), 0);
		kio_channel_stat(rig.channel, kio_stack_top(rig.stack), &stat);
		CHECK_EQ(stat.copied, 0);
		CHECK_EQ(rig_write(&rig, page + 1, 262144, 262144), 0);
		kio_channel_stat(rig.channel, kio_stack_top(rig.stack), &stat);
		CHECK_EQ(stat.copied, 262144);
		CHECK_EQ(rig_read(&rig, into + 3, 262144, 262144), 0);
		CHECK_EQ(memcmp(into + 3, page + 1, 262144), 0);
		CHECK_EQ(rig_read(&rig, into, 262144, 0), 0);
		CHECK_EQ(memcmp(into, page, 262144), 0);
		close_and_remove(&rig);
	}
}

TEST("file: a second opener is refused, readers share")
{
	struct kio_stack_options read_only = { .read_only = true };
	struct kio_stack *one, *two;
	struct kio_diag diag;

	CHECK_EQ(kio_stack_open(&one, "file f.img size=1M", NULL, &diag), 0);
	CHECK_EQ(kio_stack_open(&two, "file f.img", NULL, &diag), -EBUSY);
	CHECK_STR(diag.text, "1:1: file0: f.img is locked: another program, or another stack of this one, has it open");
	kio_stack_close(&one, NULL);
	CHECK_EQ(kio_stack_open(&one, "file f.img", &read_only, &diag), 0);
	CHECK_EQ(kio_stack_open(&two, "file f.img", &read_only, &diag), 0);
	kio_stack_close(&one, NULL);
	kio_stack_close(&two, NULL);
	CHECK_EQ(kio_stack_open(&one, "file f.img size=2M", NULL, &diag), -EEXIST);
	unlink("f.img");
}

TEST("file: a descriptor of the program's is used and left open")
{
	struct kio_stack *stack, *second;
	struct kio_diag diag;
	char text[64];
	int fd = open("f.img", O_RDWR | O_CREAT, 0600);

	CHECK_EQ(ftruncate(fd, 8192), 0);
	snprintf(text, sizeof(text), "file fd=%d", fd);
	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), 0);
	CHECK_EQ(kio_pwrite(stack, "hello", 5, 100, 0), 0);
	/* a second stack would share its lock, and lose it to the first that closes */
	CHECK_EQ(kio_stack_open(&second, text, NULL, &diag), -EBUSY);
	kio_stack_close(&stack, NULL);
	CHECK_EQ(pread(fd, back, 5, 100), 5);
	CHECK_EQ(memcmp(back, "hello", 5), 0);
	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), 0);
	kio_stack_close(&stack, NULL);
	close(fd);
	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), -EBADF);
	unlink("f.img");
}

struct again {
	struct rig *rig;
	unsigned left, *busy;
};

static void
go_again(struct kio *kio)
{
	struct again *again = kio->priv;

	CHECK_EQ(kio_status(kio), 0);
	if (again->left-- == 0)
		--*again->busy;
	else
		kio_read(kio, (uint64_t)again->left * 512, kio_buf(kio, back, 512), go_again);
}

TEST("file: an engine of any depth gets through, however small, and whatever is started anew")
{
	static const unsigned depths[] = { 1, 2, 3, 8, 100 };
	struct kio_stack *stack;
	struct kio_diag diag;

	CHECK_EQ(kio_stack_open(&stack, "file f.img size=1M", NULL, &diag), 0);
	for (unsigned i = 0; i < 2 * KIO__COUNT(depths); i++) {
		struct kio_loop_options options = { .engine = engines[i % 2], .depth = depths[i / 2] };
		struct kio_channel *channel;
		struct again again[300];
		struct kio *kios[300];
		struct kio_loop *loop;
		unsigned busy = 300;
		uint64_t begun;

		if (kio_loop_open(&loop, &options) < 0)
			continue;
		CHECK_EQ(kio_channel_open(&channel, stack, loop), 0);
		for (unsigned j = 0; j < 300; j++) {
			kios[j] = kio_create(channel, 1);
			again[j] = (struct again){ .left = 20, .busy = &busy };
			kios[j]->priv = &again[j];
			kio_read(kios[j], 0, kio_buf(kios[j], back, 512), go_again);
		}
		begun = kio_loop_now(loop);
		while (__atomic_load_n(&busy, __ATOMIC_RELAXED) != 0) {
			if (kio_loop_now(loop) - begun > 20000000000u) {
				printf("  %s, depth %u: %u are stuck\n", options.engine, options.depth, busy);
				abort();
			}
			CHECK(kio_loop_step(loop, 1000000000) >= 0);
		}
		for (unsigned j = 0; j < 300; j++)
			kio_destroy(kios[j]);
		kio_channel_close(&channel);
		kio_loop_close(&loop);
	}
	kio_stack_close(&stack, NULL);
	unlink("f.img");
}

TEST("file: in a foreign loop every completion is told by the descriptor")
{
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=1M direct=yes") {
		struct pollfd fd = { .fd = kio_loop_fd(rig.loop), .events = POLLIN };
		unsigned done = 0, calls = 0;

		rig.kio->priv = &done;
		for (unsigned i = 1; i <= 50; i++) {
			if (i % 5 == 0)
				kio_flush_all(rig.kio, count_done);
			else
				kio_read(rig.kio, i * 4096, kio_buf(rig.kio, back, 4096), count_done);
			for (kio_loop_step(rig.loop, 0); done < i; kio_loop_step(rig.loop, 0), calls++) {
				if (poll(&fd, 1, 2000) != 1)
					break;
			}
			CHECK_EQ(done, i);
			if (done != i)
				abort();
		}
		/* readable only when there is something */
		CHECK(calls < 500);
		kio_loop_step(rig.loop, 0);
		kio_loop_step(rig.loop, 0);
		CHECK_EQ(poll(&fd, 1, 20), 0);
		close_and_remove(&rig);
	}
}

TEST("file: an error that a durable write tells is not forgotten by the flush")
{
	struct rlimit before, limit;
	struct rig rig;

	getrlimit(RLIMIT_FSIZE, &before);
	limit = before;
	limit.rlim_cur = 8192;
	signal(SIGXFSZ, SIG_IGN);
	for (unsigned i = 0; i < KIO__COUNT(engines); i++) {
		if (!open_on(&rig, "file f.img size=1M", engines[i]))
			continue;
		CHECK_EQ(rig_flush(&rig), 0);
		setrlimit(RLIMIT_FSIZE, &limit);
		kio_write(rig.kio, 65536, kio_buf(rig.kio, data, 512), KIO_FUA, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), -EFBIG);
		setrlimit(RLIMIT_FSIZE, &before);
		CHECK_EQ(rig_flush(&rig), -EFBIG);
		CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
		kio_destroy(rig.kio);
		kio_channel_close(&rig.channel);
		kio_loop_close(&rig.loop);
		/* and closing says so once more */
		CHECK_EQ(kio_stack_close(&rig.stack, NULL), -EFBIG);
		unlink("f.img");
	}
}

TEST("file: where one ends before the device does is no hole")
{
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=1M") {
		CHECK_EQ(truncate("f.img", 10000), 0);
		kio_extent(rig.kio, 4096, 1 << 19, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		CHECK_EQ(rig.kio->extent_len, 10000 - 4096);
		kio_extent(rig.kio, 10000, 1 << 19, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), -EIO);
		close_and_remove(&rig);
	}
}

TEST("file: one that cannot get its size is not left behind")
{
	struct kio_stack *stack;
	struct kio_diag diag;

	CHECK(kio_stack_open(&stack, "file f.img size=2000000T", NULL, &diag) < 0);
	CHECK_EQ(access("f.img", F_OK), -1);
}

TEST("file: a descriptor that appends is refused; the same file twice, too")
{
	struct kio_stack *stack;
	struct kio_diag diag;
	char text[64];
	int fd = open("f.img", O_RDWR | O_CREAT | O_APPEND, 0600);

	CHECK_EQ(ftruncate(fd, 8192), 0);
	snprintf(text, sizeof(text), "file fd=%d", fd);
	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "O_APPEND") != NULL);
	CHECK_EQ(kio_stack_open(&stack, "concat { file f.img ; file ./f.img }", NULL, &diag), -EDEADLK);
	CHECK(strstr(diag.text, "in this stack twice") != NULL);
	CHECK_EQ(kio_stack_open(&stack, "mirror degraded=yes state=none { file f.img ; file ./f.img }", NULL,
				&diag), -EDEADLK);
	CHECK(strstr(diag.text, "in this stack twice") != NULL);
	close(fd);
	unlink("f.img");
}

TEST("file: direct I/O takes pieces of whole blocks in place, and others by a copy")
{
	struct kio_stat stat;
	struct rig rig;

	EACH_ENGINE(rig, "file f.img size=1M direct=yes") {
		unsigned char *page = (unsigned char *)(((uintptr_t)data + 4095) & ~(uintptr_t)4095);
		struct kio_chain *chain = &rig.kio->chain;

		fill_pattern(page, 1 << 20, 0, 9);
		kio_chain_init(chain, chain->segs, 3000);
		for (unsigned i = 0; i < 64; i++)
			kio_chain_add(chain, page + i * 8192, 4096, NULL);
		kio_write(rig.kio, 0, kio_chain_iter(chain), 0, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		kio_channel_stat(rig.channel, kio_stack_top(rig.stack), &stat);
		CHECK_EQ(stat.copied, 0);
		kio_chain_init(chain, chain->segs, 3000);
		kio_chain_add(chain, page, 2052, NULL);
		kio_chain_add(chain, page + 4096, 6140, NULL);
		kio_write(rig.kio, 262144, kio_chain_iter(chain), 0, NULL);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		kio_channel_stat(rig.channel, kio_stack_top(rig.stack), &stat);
		CHECK_EQ(stat.copied, 8192);
		CHECK_EQ(rig_read(&rig, back, 4096 * 64 + 8192, 0), 0);
		for (unsigned i = 0; i < 64; i++)
			CHECK_EQ(memcmp(back + i * 4096, page + i * 8192, 4096), 0);
		CHECK_EQ(memcmp(back + 262144, page, 2052), 0);
		CHECK_EQ(memcmp(back + 262144 + 2052, page + 4096, 6140), 0);
		close_and_remove(&rig);
	}
}
