/* SPDX-License-Identifier: MIT */
/*
 * stripe: chunks go to the legs in turn.
 *
 *            leg 0     leg 1     leg 2
 *   row 0   chunk 0   chunk 1   chunk 2
 *   row 1   chunk 3   chunk 4   chunk 5
 *
 * As many whole rows as the smallest leg holds. What lies within a chunk
 * travels on in its own container; only what crosses a border is split.
 */
#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

struct stripe {
	struct kio_layer layer;
	uint64_t chunk;
	unsigned shift;
};

static const struct kio_opt stripe_opts[] = {
	KIO_OPT_SIZE(struct stripe, chunk, 65536, "bytes on a leg before the next leg's turn; a power of two"),
	{ 0 }
};

static int
stripe_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct stripe *stripe = kio_container_of(layer, struct stripe, layer);
	uint64_t smallest = UINT64_MAX;

	if (!kio__is_power_of_two(stripe->chunk) || stripe->chunk < layer->limits.block ||
	    stripe->chunk > (uint64_t)1 << 31)
		return kio_refuse(diag, -EINVAL,
				  "chunk=%S is not a power of two between the block below, %S, and 2G",
				  stripe->chunk, (uint64_t)layer->limits.block);
	for (unsigned i = 0; i < layer->leg_count; i++)
		smallest = kio__min(smallest, layer->legs[i]->limits.size);
	stripe->shift = (unsigned)__builtin_ctzll(stripe->chunk);
	layer->limits.size = kio__align_down(smallest, stripe->chunk) * layer->leg_count;
	layer->limits.boundary = (uint32_t)stripe->chunk;
	if (layer->limits.size == 0)
		return kio_refuse(diag, -EINVAL, "the smallest leg, %S, holds no chunk of %S", smallest,
				  stripe->chunk);
	return 0;
}

static void
stripe_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct stripe *stripe = kio_container_of(layer, struct stripe, layer);
	uint64_t in = frame->offset & (stripe->chunk - 1), chunk = frame->offset >> stripe->shift;

	if (frame->op == KIO_FLUSH || in + frame->data.len > stripe->chunk)
		kio_split(frame);
	else
		kio_pass_leg(frame, chunk % layer->leg_count,
			     (chunk / layer->leg_count << stripe->shift) + in);
}

static bool
stripe_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct stripe *stripe = kio_container_of(layer, struct stripe, layer);
	uint64_t at = frame->offset + kio_frame_taken(frame);
	uint64_t chunk = at >> stripe->shift, in = at & (stripe->chunk - 1);

	if (kio_frame_rest(frame) == 0)
		return false;
	part->leg = chunk % layer->leg_count;
	part->offset = (chunk / layer->leg_count << stripe->shift) + in;
	part->data = kio_frame_take(frame, stripe->chunk - in);
	return true;
}

const struct kio_class kio_class_stripe = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "stripe",
	.summary = "spread chunks over the legs in turn",
	.maturity = "stable",
	.size = sizeof(struct stripe),
	.opts = stripe_opts,
	.min_legs = 1,
	.max_legs = UINT32_MAX,
	.open = stripe_open,
	.submit = stripe_submit,
	.part = stripe_part,
};
