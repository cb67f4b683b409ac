/* SPDX-License-Identifier: MIT */
/*
 * mem: memory that looks like a disk, and is gone when the stack closes.
 *
 * One mapping of the whole size, of which the kernel provides the pages that
 * are written. A bit for each 4 KiB tells which those are, so that holes can be
 * told from data. Bits are set by whoever writes, on any loop, and cleared by
 * discards. Reads can be lent: they are the mapping itself.
 */
#include <string.h>
#include <sys/mman.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

#define PAGE 4096u

struct mem {
	struct kio_layer layer;
	uint64_t size;

	char *base;
	uint64_t *touched; /* a bit for each page; atomic */
	size_t words;
};

struct mem_frame {
	struct kio_seg seg; /* of a lent read */
};

static const struct kio_opt mem_opts[] = {
	KIO_OPT_SIZE(struct mem, size, 0, "bytes", .flags = KIO_OPT_MAIN | KIO_OPT_REQUIRED),
	{ 0 }
};

static struct mem *
mem_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct mem, layer);
}

static int
mem_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct mem *mem = mem_of(layer);
	uint64_t pages = mem->size / PAGE + 1;

	if (mem->size == 0)
		return kio_refuse(diag, -EINVAL, "size= is to be larger than 0");
	if (mem->size > (uint64_t)1 << 46)
		return kio_refuse(diag, -EFBIG, "size=%S is more than an address space holds", mem->size);
	mem->words = (size_t)(pages / 64 + 1);
	mem->base = mmap(NULL, mem->size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	mem->touched = mmap(NULL, mem->words * 8, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mem->base == MAP_FAILED || mem->touched == MAP_FAILED) {
		if (mem->base != MAP_FAILED)
			munmap(mem->base, mem->size);
		if (mem->touched != MAP_FAILED)
			munmap(mem->touched, mem->words * 8);
		return kio_refuse(diag, -ENOMEM, "there are no %S of address space", mem->size);
	}
	layer->limits.size = mem->size;
	layer->limits.ops |= KIO_OP_BIT(KIO_DISCARD) | KIO_OP_BIT(KIO_WRITE_ZEROES) |
			     KIO_OP_BIT(KIO_EXTENTS);
	layer->limits.zeroes = layer->limits.holes = layer->limits.lend = true;
	return 0;
}

static int
mem_close(struct kio_layer *layer)
{
	struct mem *mem = mem_of(layer);

	munmap(mem->base, mem->size);
	munmap(mem->touched, mem->words * 8);
	return 0;
}

static bool
mem_is_touched(const struct mem *mem, uint64_t page)
{
	return (__atomic_load_n(&mem->touched[page / 64], __ATOMIC_RELAXED) >> page % 64 & 1) != 0;
}

static void
mem_touch(struct mem *mem, uint64_t offset, uint64_t len)
{
	for (uint64_t page = offset / PAGE; page <= (offset + len - 1) / PAGE; page++) {
		if (!mem_is_touched(mem, page))
			__atomic_fetch_or(&mem->touched[page / 64], (uint64_t)1 << page % 64,
					  __ATOMIC_RELAXED);
	}
}

static void
mem_read(struct mem *mem, struct kio_frame *frame)
{
	struct mem_frame *state;

	if (frame->data.seg != &kio_no_data) {
		kio_iter_copy_from(frame->data, mem->base + frame->offset, frame->data.len);
		kio_count_copied(frame, frame->data.len);
		kio_complete(frame, 0);
		return;
	}
	state = kio_frame_area(frame);
	state->seg = (struct kio_seg){ mem->base + frame->offset, (size_t)frame->data.len, NULL };
	kio_complete_lent(frame, (struct kio_iter){ &state->seg, 0, frame->data.len }, NULL);
}

/* Whole pages go back to the kernel, the edges are cleared. */
static void
mem_clear(struct mem *mem, uint64_t offset, uint64_t len)
{
	uint64_t from = kio__align_up(offset, PAGE), to = kio__align_down(offset + len, PAGE);

	if (from >= to) {
		if (mem_is_touched(mem, offset / PAGE) || mem_is_touched(mem, (offset + len - 1) / PAGE))
			memset(mem->base + offset, 0, len);
		return;
	}
	if (from > offset && mem_is_touched(mem, offset / PAGE))
		memset(mem->base + offset, 0, from - offset);
	if (offset + len > to && mem_is_touched(mem, to / PAGE))
		memset(mem->base + to, 0, offset + len - to);
	for (uint64_t page = from / PAGE; page < to / PAGE; page++) {
		if (mem_is_touched(mem, page))
			__atomic_fetch_and(&mem->touched[page / 64], ~((uint64_t)1 << page % 64),
					   __ATOMIC_RELAXED);
	}
	if (madvise(mem->base + from, to - from, MADV_DONTNEED) < 0)
		memset(mem->base + from, 0, to - from);
}

static void
mem_extent(struct mem *mem, struct kio_frame *frame)
{
	uint64_t end = frame->offset + frame->data.len, page = frame->offset / PAGE;
	bool data = mem_is_touched(mem, page);

	for (page++; page * PAGE < end && mem_is_touched(mem, page) == data; page++)
		;
	kio_complete_extent(frame, kio__min(page * PAGE, end) - frame->offset,
			    data ? 0 : KIO_EXTENT_HOLE | KIO_EXTENT_ZERO);
}

static void
mem_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct mem *mem = mem_of(layer);

	switch (frame->op) {
	case KIO_READ:
		mem_read(mem, frame);
		return;
	case KIO_WRITE:
		mem_touch(mem, frame->offset, frame->data.len);
		kio_iter_copy_to(frame->data, mem->base + frame->offset, frame->data.len);
		kio_count_copied(frame, frame->data.len);
		break;
	case KIO_DISCARD:
	case KIO_WRITE_ZEROES:
		mem_clear(mem, frame->offset, frame->data.len);
		break;
	case KIO_EXTENTS:
		mem_extent(mem, frame);
		return;
	default:
		break;
	}
	kio_complete(frame, 0);
}

static void
mem_describe(const struct kio_layer *layer, char *text, size_t size)
{
	(void)layer;
	kio_format(text, size, "in memory, sparse");
}

const struct kio_class kio_class_mem = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "mem",
	.summary = "memory that looks like a disk",
	.maturity = "stable",
	.size = sizeof(struct mem),
	.frame_size = sizeof(struct mem_frame),
	.opts = mem_opts,
	.open = mem_open,
	.close = mem_close,
	.submit = mem_submit,
	.describe = mem_describe,
};
