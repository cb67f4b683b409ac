/* SPDX-License-Identifier: MIT */
/*
 * align: lets requests be finer than the layer below takes them.
 *
 *            |<------------ the request ------------>|
 *   ...|..........|..........|..........|..........|..........|...  blocks below
 *            head |          middle                | tail
 *
 * What is aligned passes as it is. Else the request fans out into at most three
 * parts: the middle is passed, head and tail go block by block through memory
 * of the layer's own. A head that is written is read first, changed there and
 * written back. Ordered writes keep others off the whole blocks meanwhile, so
 * neighbours in one block never undo each other.
 *
 * A discard shrinks to the whole blocks inside it.
 */
#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

#define LONGEST_BLOCK 32768u

struct align {
	struct kio_layer layer;
	uint64_t block; /* that is offered above */
	uint32_t below;
};

/* For head and tail: the memory of one block. */
struct align_frame {
	struct kio_seg segs[2];
};

enum { HEAD, TAIL, MIDDLE };

#define WRITE_BACK 4u /* in part->priv: on its second way */

static const struct kio_opt align_opts[] = {
	KIO_OPT_SIZE(struct align, block, 1, "offsets and lengths offered above are multiples of this"),
	{ 0 }
};

static int
align_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct align *align = kio_container_of(layer, struct align, layer);

	align->below = layer->below->limits.block;
	if (!kio__is_power_of_two(align->block) || align->block > LONGEST_BLOCK)
		return kio_refuse(diag, -EINVAL, "block=%S is not a power of two up to %S", align->block,
				  (uint64_t)LONGEST_BLOCK);
	if (align->below > LONGEST_BLOCK)
		return kio_refuse(diag, -EINVAL, "the blocks below have %S; align handles up to %S",
				  (uint64_t)align->below, (uint64_t)LONGEST_BLOCK);
	layer->limits.block = (uint32_t)kio__min(align->block, align->below);
	layer->limits.lend = layer->limits.lend && align->below == layer->limits.block;
	return 0;
}

/* Where the whole blocks begin and end; begin > end: there is none, and nothing between. */
static uint64_t
middle_begin(const struct align *align, const struct kio_frame *frame)
{
	return kio__align_up(frame->offset, align->below);
}

static uint64_t
middle_end(const struct align *align, const struct kio_frame *frame)
{
	return kio__align_down(frame->offset + frame->data.len, align->below);
}

static void
align_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct align *align = kio_container_of(layer, struct align, layer);
	struct align_frame *state = kio_frame_area(frame);
	void *base = NULL;

	if (frame->op == KIO_FLUSH || ((frame->offset | frame->data.len) & (align->below - 1)) == 0) {
		kio_pass(frame);
		return;
	}
	if (frame->op == KIO_DISCARD && middle_begin(align, frame) >= middle_end(align, frame)) {
		kio_complete(frame, 0);
		return;
	}
	if (frame->op != KIO_DISCARD && frame->op != KIO_EXTENTS &&
	    !kio_scratch(frame, (size_t)align->below * 2, &base))
		return;
	state->segs[HEAD] = (struct kio_seg){ base, align->below, NULL };
	state->segs[TAIL] = (struct kio_seg){ (char *)base + align->below, align->below, NULL };
	kio_split(frame);
}

/* A block of which the request has just a piece: read it. */
static void
read_block(const struct align *align, struct kio_frame *frame, struct kio_part *part,
	   unsigned which, uint64_t offset)
{
	struct align_frame *state = kio_frame_area(frame);

	part->op = KIO_READ;
	part->flags = 0;
	part->offset = offset;
	part->covers = kio_frame_take(frame, offset + align->below - frame->offset -
						     kio_frame_taken(frame)).len;
	part->data = (struct kio_iter){ &state->segs[which], 0, align->below };
	part->priv = which;
}

/* All extents that the request touches have one answer, from whole blocks. */
static bool
extents_part(const struct align *align, struct kio_frame *frame, struct kio_part *part)
{
	part->offset = kio__align_down(frame->offset, align->below);
	part->data = kio_iter_none(
		kio__align_up(frame->offset + frame->data.len, align->below) - part->offset);
	part->priv = HEAD;
	return kio_frame_parts(frame) == 0;
}

static bool
align_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct align *align = kio_container_of(layer, struct align, layer);
	uint64_t at = frame->offset + kio_frame_taken(frame), rest = kio_frame_rest(frame);
	uint64_t block = kio__align_down(at, align->below);
	uint64_t whole = middle_end(align, frame);

	if (frame->op == KIO_EXTENTS)
		return extents_part(align, frame, part);
	if (frame->op == KIO_DISCARD && at == frame->offset && block != at) {
		kio_frame_take(frame, block + align->below - at);
		part->start = kio_frame_taken(frame);
		at = block = block + align->below;
		rest = kio_frame_rest(frame);
	}
	if (rest == 0 || (frame->op == KIO_DISCARD && at >= whole))
		return false;
	if (block == at && at < whole) {
		part->offset = at;
		part->data = kio_frame_take(frame, whole - at);
		part->priv = MIDDLE;
	} else {
		read_block(align, frame, part, block == at ? TAIL : HEAD, block);
	}
	return true;
}

/* The frame's bytes that lie in the part's block, and where in the block they begin. */
static struct kio_iter
piece_of(const struct kio_frame *frame, const struct kio_part *part, uint64_t *in)
{
	struct kio_iter piece = frame->data;

	*in = frame->offset + part->start - part->offset;
	kio_iter_skip(&piece, part->start);
	return kio_iter_take(&piece, part->covers);
}

/* What was said of whole blocks, of the frame's bytes in them. */
static void
show_extent(const struct align *align, const struct kio_frame *frame, struct kio_part *part)
{
	uint64_t lead = frame->offset - part->offset;

	if (part->extent_len <= lead) {
		/* of these bytes nothing was said: data, up to the next block */
		part->extent_len = align->below;
		part->extent_flags = 0;
	}
	part->extent_len = kio__min(part->extent_len - lead, frame->data.len);
}

static enum kio_next
align_part_done(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct align_frame *state = kio_frame_area(frame);
	struct align *align = kio_container_of(layer, struct align, layer);
	struct kio_iter piece;
	uint64_t in;
	char *at;

	if (frame->op == KIO_EXTENTS) {
		show_extent(align, frame, part);
		return KIO_UP;
	}
	if (part->priv == MIDDLE || (part->priv & WRITE_BACK) != 0 || part->status < 0)
		return KIO_UP;
	piece = piece_of(frame, part, &in);
	at = (char *)state->segs[part->priv].base + in;
	if (frame->op == KIO_READ)
		kio_iter_copy_from(piece, at, part->covers);
	else if (frame->op == KIO_WRITE)
		kio_iter_copy_to(piece, at, part->covers);
	else
		memset(at, 0, part->covers);
	kio_count_copied(frame, part->covers);
	if (frame->op == KIO_READ)
		return KIO_UP;
	part->op = KIO_WRITE;
	part->flags = frame->flags & KIO_FUA;
	part->priv |= WRITE_BACK;
	return KIO_AGAIN;
}

const struct kio_class kio_class_align = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "align",
	.summary = "take requests finer than the blocks below, by read-modify-write",
	.maturity = "beta",
	.size = sizeof(struct align),
	.frame_size = sizeof(struct align_frame),
	.opts = align_opts,
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_ORDERED_WRITES | KIO_SEES_PARTS,
	.max_copy = 2 * LONGEST_BLOCK,
	.open = align_open,
	.submit = align_submit,
	.part = align_part,
	.part_done = align_part_done,
	.resize = kio_resize_below,
};
