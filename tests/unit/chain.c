/* SPDX-License-Identifier: MIT */
#include <kiobuf/kiobuf.h>

#include "port/port.h"
#include "unit.h"

static unsigned char a[8] = "abcdefg", b[4] = "hij", c[16];

static struct kio_iter
three(struct kio_seg *segs)
{
	static struct kio_chain chain;

	kio_chain_init(&chain, segs, 4);
	kio_chain_add(&chain, a, 7, NULL);
	kio_chain_add(&chain, c, 0, NULL);
	kio_chain_add(&chain, b, 3, NULL);
	return kio_chain_iter(&chain);
}

TEST("chain: adds up, and refuses more than it has room for")
{
	struct kio_seg segs[2];
	struct kio_chain chain;

	kio_chain_init(&chain, segs, 2);
	CHECK_EQ(kio_chain_add(&chain, a, 7, NULL), 0);
	CHECK_EQ(kio_chain_add(&chain, b, 3, NULL), 0);
	CHECK(kio_chain_add(&chain, c, 1, NULL) < 0);
	CHECK_EQ(chain.len, 10);
	CHECK_EQ(chain.count, 2);
}

TEST("iter: takes a part in the middle of a segment, and leaves the rest")
{
	struct kio_seg segs[4];
	struct kio_iter rest = three(segs), part;
	char text[16] = "";

	part = kio_iter_take(&rest, 3);
	CHECK_EQ(part.len, 3);
	CHECK_EQ(rest.len, 7);
	CHECK_EQ(kio_iter_copy_to(rest, text, sizeof(text)), 7);
	CHECK_STR(text, "defghij");
}

TEST("iter: steps over a segment's end, and over empty segments")
{
	struct kio_seg segs[4];
	struct kio_iter rest = three(segs);
	char text[16] = "";

	kio_iter_take(&rest, 7);
	CHECK(rest.seg->base == b);
	kio_iter_copy_to(rest, text, sizeof(text));
	CHECK_STR(text, "hij");
	CHECK_EQ(kio_iter_take(&rest, 100).len, 3);
	CHECK_EQ(rest.len, 0);
}

TEST("iter: walks piece by piece")
{
	struct kio_seg segs[4];
	struct kio_iter iter = three(segs);
	size_t len = 0;

	kio_iter_skip(&iter, 2);
	CHECK(kio_iter_next(&iter, &len) == a + 2);
	CHECK_EQ(len, 5);
	CHECK(kio_iter_next(&iter, &len) == b);
	CHECK_EQ(len, 3);
	CHECK(kio_iter_next(&iter, &len) == NULL);
	CHECK_EQ(kio_iter_pieces(three(segs), 10), 2);
	CHECK_EQ(kio_iter_pieces(three(segs), 1), 1);
}

TEST("iter: copies between views of different pieces")
{
	struct kio_seg segs[4], other[3];
	struct kio_chain chain;

	kio_chain_init(&chain, other, 3);
	kio_chain_add(&chain, c, 1, NULL);
	kio_chain_add(&chain, c + 1, 8, NULL);
	kio_chain_add(&chain, c + 9, 5, NULL);
	CHECK_EQ(kio_iter_copy(kio_chain_iter(&chain), three(segs)), 10);
	CHECK_EQ(memcmp(c, "abcdefghij", 10), 0);
	kio_iter_fill(kio_chain_iter(&chain), 'x');
	CHECK_EQ(memcmp(c, "xxxxxxxxxxxxxx", 14), 0);
}

TEST("iter: tells aligned memory from other")
{
	static unsigned char page[8192] __attribute__((aligned(4096)));
	struct kio_seg segs[2];
	struct kio_chain chain;

	kio_chain_init(&chain, segs, 2);
	kio_chain_add(&chain, page, 4096, NULL);
	kio_chain_add(&chain, page + 4096, 100, NULL);
	CHECK(kio_iter_aligned(kio_chain_iter(&chain), 4096));
	segs[1].base = page + 4097;
	CHECK(!kio_iter_aligned(kio_chain_iter(&chain), 4096));
	segs[1].base = page + 4096;
	segs[0].len = 4095;
	CHECK(!kio_iter_aligned(kio_chain_iter(&chain), 4096));
}

TEST("iter: one without data can be taken apart as well")
{
	struct kio_iter rest = kio_iter_none((uint64_t)1 << 40), part;

	part = kio_iter_take(&rest, (uint64_t)1 << 39);
	CHECK_EQ(part.len, (uint64_t)1 << 39);
	CHECK_EQ(rest.len, (uint64_t)1 << 39);
}

static int released;

static void
release(struct kio_mem *mem)
{
	(void)mem;
	released++;
}

TEST("mem: is released with the last reference, once")
{
	struct kio_mem mem;

	kio_mem_init(&mem, a, sizeof(a), release);
	CHECK(!kio_mem_shared(&mem));
	kio_mem_ref(&mem);
	CHECK(kio_mem_shared(&mem));
	kio_mem_unref(&mem);
	CHECK_EQ(released, 0);
	kio_mem_unref(&mem);
	CHECK_EQ(released, 1);
}

TEST("mem: from the heap is aligned as asked")
{
	struct kio_mem *mem = kio_mem_create(10000, 4096);

	CHECK(mem != NULL);
	CHECK_EQ((uintptr_t)mem->base % 4096, 0);
	CHECK_EQ(mem->size, 10000);
	memset(mem->base, 1, mem->size);
	kio_mem_unref(mem);
	CHECK(kio_mem_create(SIZE_MAX - 8, 8) == NULL);
}

TEST("mem: what is too large for the address space, or not to be had, is not made")
{
	CHECK(kio_mem_create(SIZE_MAX, 8) == NULL);
	kio__alloc_fail_at = 1;
	CHECK(kio_mem_create(4096, 8) == NULL);
	kio__alloc_fail_at = 0;
}
