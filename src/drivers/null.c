/* SPDX-License-Identifier: MIT */
/*
 * null: completes everything at once. Reads leave the memory as it is; what is
 * written is gone. For measuring and for trying out stacks.
 */
#include <kiobuf/layer.h>

#include "port/port.h"

struct null {
	struct kio_layer layer;
	uint64_t size;
	uint64_t block;
};

static const struct kio_opt null_opts[] = {
	KIO_OPT_SIZE(struct null, size, (uint64_t)1 << 40, "bytes", .flags = KIO_OPT_MAIN),
	KIO_OPT_SIZE(struct null, block, 1, "offsets and lengths are multiples of this"),
	{ 0 }
};

static int
null_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct null *null = kio_container_of(layer, struct null, layer);

	if (null->block == 0 || null->block > 65536 || (null->block & (null->block - 1)) != 0)
		return kio_refuse(diag, -EINVAL, "block=%S is not a power of two up to 64K",
				  null->block);
	layer->limits.size = null->size;
	layer->limits.block = (uint32_t)null->block;
	layer->limits.ops |= KIO_OP_BIT(KIO_DISCARD) | KIO_OP_BIT(KIO_WRITE_ZEROES) |
			     KIO_OP_BIT(KIO_EXTENTS);
	layer->limits.zeroes = true;
	return 0;
}

static void
null_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	if (frame->op == KIO_EXTENTS)
		kio_complete_extent(frame, frame->data.len, 0);
	else
		kio_complete(frame, 0);
}

const struct kio_class kio_class_null = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "null",
	.summary = "complete everything at once, keep nothing",
	.maturity = "stable",
	.size = sizeof(struct null),
	.opts = null_opts,
	.open = null_open,
	.submit = null_submit,
};
