/* SPDX-License-Identifier: MIT */
/*
 * concat: one leg behind the other.
 *
 *   |--- leg 0 ---|----- leg 1 -----|-- leg 2 --|
 *                 end 0             end 1       end 2
 */
#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

struct concat {
	struct kio_layer layer;
	uint64_t *ends; /* of each leg, counted from the start */
};

static void
concat_ends(struct concat *concat)
{
	struct kio_layer *layer = &concat->layer;
	uint64_t end = 0;

	for (unsigned i = 0; i < layer->leg_count; i++) {
		end += kio__align_down(layer->legs[i]->limits.size, layer->limits.block);
		concat->ends[i] = end;
	}
	layer->limits.size = end;
}

static int
concat_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct concat *concat = kio_container_of(layer, struct concat, layer);

	(void)diag;
	concat->ends = kio__alloc(layer->leg_count * sizeof(*concat->ends));
	if (concat->ends == NULL)
		return -ENOMEM;
	concat_ends(concat);
	return 0;
}

static int
concat_close(struct kio_layer *layer)
{
	kio__free(kio_container_of(layer, struct concat, layer)->ends);
	return 0;
}

static bool
concat_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct concat *concat = kio_container_of(layer, struct concat, layer);
	uint64_t at = frame->offset + kio_frame_taken(frame);
	unsigned leg = 0;

	if (kio_frame_rest(frame) == 0)
		return false;
	while (at >= concat->ends[leg])
		leg++;
	part->leg = leg;
	part->offset = at - (leg == 0 ? 0 : concat->ends[leg - 1]);
	part->data = kio_frame_take(frame, concat->ends[leg] - at);
	return true;
}

/* The last leg is the one that can grow without moving data. */
static int
concat_resize(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	struct concat *concat = kio_container_of(layer, struct concat, layer);
	unsigned last = layer->leg_count - 1;
	uint64_t before = last == 0 ? 0 : concat->ends[last - 1];
	int rc = kio_leg_resize(layer->legs[last], size - before, diag);

	if (rc == 0) {
		/* other loops look this up while it changes: one word, that only grows */
		layer->limits.size = before + kio__align_down(layer->legs[last]->limits.size,
							      layer->limits.block);
		__atomic_store_n(&concat->ends[last], layer->limits.size, __ATOMIC_RELEASE);
	}
	return rc;
}

const struct kio_class kio_class_concat = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "concat",
	.summary = "put the legs one behind the other",
	.maturity = "stable",
	.size = sizeof(struct concat),
	.min_legs = 1,
	.max_legs = UINT32_MAX,
	.open = concat_open,
	.close = concat_close,
	.part = concat_part,
	.resize = concat_resize,
};
