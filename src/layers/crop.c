/* SPDX-License-Identifier: MIT */
/*
 * crop: exposes a byte range of the layer below.
 *
 *   below   |----------|=================|-------|
 *                      offset            offset + size
 */
#include <kiobuf/layer.h>

#include "port/port.h"

struct crop {
	struct kio_layer layer;
	uint64_t offset;
	uint64_t size; /* after open: never 0 */
};

static const struct kio_opt crop_opts[] = {
	KIO_OPT_SIZE(struct crop, offset, 0, "first byte to expose"),
	KIO_OPT_SIZE(struct crop, size, 0, "bytes to expose; 0: all the rest"),
	{ 0 }
};

static int
crop_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct crop *crop = kio_container_of(layer, struct crop, layer);
	uint64_t below = layer->below->limits.size;

	if (crop->offset >= below || crop->size > below - crop->offset)
		return kio_refuse(diag, -EINVAL, "offset=%S size=%S is past the end, %S",
				  crop->offset, crop->size, below);
	if (crop->offset % layer->limits.block != 0)
		return kio_refuse(diag, -EINVAL, "offset=%S is not a multiple of the block below, %S",
				  crop->offset, (uint64_t)layer->limits.block);
	if (crop->size == 0)
		crop->size = below - crop->offset;
	layer->limits.size = crop->size;
	if (layer->limits.boundary != 0 && crop->offset % layer->limits.boundary != 0)
		layer->limits.boundary = 0;
	return 0;
}

static void
crop_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct crop *crop = kio_container_of(layer, struct crop, layer);

	/* The core refused what lies outside the limits, so this cannot wrap. */
	kio_pass_at(frame, frame->op == KIO_FLUSH ? 0 : frame->offset + crop->offset);
}

const struct kio_class kio_class_crop = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "crop",
	.summary = "expose a byte range of the layer below",
	.maturity = "stable",
	.size = sizeof(struct crop),
	.opts = crop_opts,
	.min_legs = 1,
	.max_legs = 1,
	.open = crop_open,
	.submit = crop_submit,
};
