/* SPDX-License-Identifier: MIT */
/*
 * The operations' rules, in one table, and the checks made where a request
 * enters a stack and where it enters a level. Reads and writes that fit do not
 * come here: kio_submit and kio__enter let them through by themselves.
 */
#include "core/frame.h"

#define CHANGES 0x01u  /* refused where it is read only */
#define DATA 0x02u     /* moves the bytes of a chain */
#define RANGE 0x04u    /* has an offset and a length */
#define EMULATED 0x08u /* the core does it where the layers below do not */
#define ALWAYS 0x10u   /* needs no support */

static const struct rule {
	const char *name;
	unsigned bits;
	unsigned flags; /* allowed */
} rules[KIO_OPS] = {
	[KIO_READ] = { "read", DATA | RANGE, 0 },
	[KIO_WRITE] = { "write", CHANGES | DATA | RANGE, KIO_FUA },
	[KIO_FLUSH] = { "flush", ALWAYS, 0 },
	[KIO_DISCARD] = { "discard", CHANGES | RANGE, 0 },
	[KIO_WRITE_ZEROES] = { "write-zeroes", CHANGES | RANGE | EMULATED, KIO_FUA | KIO_NO_UNMAP },
	[KIO_EXTENTS] = { "extents", RANGE | ALWAYS, 0 },
};

const char *
kio_op_name(enum kio_op op)
{
	return (unsigned)op < KIO_OPS ? rules[op].name : "unknown";
}

static bool
is_supported(const struct kio_level *level, enum kio_op op)
{
	unsigned wanted = KIO_OP_BIT(op);

	if ((rules[op].bits & ALWAYS) != 0)
		return true;
	if ((rules[op].bits & EMULATED) != 0)
		wanted = KIO_OP_BIT(KIO_WRITE);
	return (level->ops & wanted) != 0;
}

/* 0, or why the request cannot enter the stack. */
static int
check(const struct kio_frame *frame, const struct kio_level *level)
{
	uint64_t len = frame->data.len;
	const struct rule *rule;

	if (frame->op >= KIO_OPS)
		return -ENOTSUP;
	rule = &rules[frame->op];
	if ((frame->flags & ~rule->flags) != 0)
		return -EINVAL;
	if ((rule->bits & CHANGES) != 0 && level->layer->limits.read_only)
		return -EROFS;
	if (!is_supported(level, (enum kio_op)frame->op))
		return -ENOTSUP;
	if ((rule->bits & RANGE) == 0)
		return frame->offset == 0 && len == 0 ? 0 : -EINVAL;
	if (((frame->offset | len) & level->mask) != 0)
		return -EINVAL;
	if (frame->offset > kio__level_size(level) || len > kio__level_size(level) - frame->offset)
		return -ERANGE;
	if ((rule->bits & DATA) != 0 && len != 0 && frame->data.seg == NULL)
		return -EFAULT;
	return 0;
}

/*
 * Who holds the memory: the container takes over the caller's references. What
 * only it holds may be changed on the way down.
 */
static uint16_t
memory_bits(const struct kio_frame *frame)
{
	const struct kio_seg *seg = frame->data.seg;
	uint64_t left = frame->data.len + frame->data.skip;
	bool counted = false, own = true;

	if (frame->op > KIO_WRITE || frame->data.len == 0 || seg == NULL)
		return 0;
	for (;; seg++) {
		counted |= seg->mem != NULL;
		own &= seg->mem != NULL && !kio_mem_shared(seg->mem);
		if (seg->len >= left)
			break;
		left -= seg->len;
	}
	if (!counted)
		return 0;
	return own && frame->op == KIO_WRITE ? KIO__HAS_MEM | KIO__WRITABLE : KIO__HAS_MEM;
}

void
kio__submit_checked(struct kio_frame *frame, struct kio_level *level)
{
	int rc = check(frame, level);

	frame->bits |= memory_bits(frame);
	if (rc < 0)
		kio_complete(frame, rc);
	else if (frame->op != KIO_FLUSH && frame->data.len == 0)
		kio__finish_frame(frame, 0);
	else
		kio__enter_frame(frame, level);
}

void
kio__enter_frame(struct kio_frame *frame, struct kio_level *level)
{
	kio__enter(frame, level, kio__head(frame), frame->offset, frame->data.len);
}

static void
count(struct kio_frame *frame, struct kio_level *level)
{
	kio__bump(&level->ios, 1);
	if (frame->op <= KIO_WRITE)
		kio__bump(&level->bytes, frame->data.len);
}

/* Inside the stack a request outside the limits is a bug of the layer above. */
static void
expect_inside(const struct kio_frame *frame, const struct kio_level *level)
{
	uint64_t len = frame->data.len;

	if (((frame->offset | len) & level->mask) != 0 || frame->offset > kio__level_size(level) ||
	    len > kio__level_size(level) - frame->offset)
		kio__panic("%s: a layer above sent a %s of %U bytes at %U; the size is %U, the block %u",
			   level->layer->name, kio_op_name((enum kio_op)frame->op), len,
			   frame->offset, kio__level_size(level), level->mask + 1);
}

/* The longest piece; only what is split apart has to fit into a copy's memory. */
static uint64_t
longest(const struct kio_level *level, enum kio_op op)
{
	if (op == KIO_WRITE && level->layer->apart != 0 && !level->layer->apart_changes)
		return level->layer->limits.max_transfer != 0 ? level->layer->limits.max_transfer : UINT64_MAX;
	return level->max_len != UINT32_MAX ? level->max_len : UINT64_MAX;
}

/*
 * The whole takes its range before its parts take containers: else a part that
 * waits for a range would keep one from whoever holds the range.
 */
void
kio__enter_counted(struct kio_frame *frame, struct kio_level *level)
{
	enum kio_op op = (enum kio_op)frame->op;
	bool native = (level->ops & KIO_OP_BIT(op)) != 0;

	if (!kio__range_take(frame))
		return;
	switch (op) {
	case KIO_READ:
	case KIO_WRITE:
		if (frame->data.len > longest(level, op)) {
			kio__split_by_limit(frame, longest(level, op));
			return;
		}
		break;
	case KIO_WRITE_ZEROES:
		if (!native) {
			kio__split_zeroes(frame);
			return;
		}
		break;
	case KIO_EXTENTS:
		if (!native) {
			kio_complete_extent(frame, frame->data.len, 0);
			return;
		}
		break;
	case KIO_DISCARD:
		if (!native) {
			kio_complete(frame, -ENOTSUP);
			return;
		}
		break;
	default:
		break;
	}
	level->submit(level->layer, frame);
}

void
kio__enter_slowly(struct kio_frame *frame, struct kio_level *level)
{
	expect_inside(frame, level);
	count(frame, level);
	kio__enter_counted(frame, level);
}
