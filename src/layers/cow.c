/* SPDX-License-Identifier: MIT */
/*
 * cow: changes go to an overlay, and the base that many share stays as it is.
 *
 *              cluster      0      1      2      3      4
 *   read, write
 *        |     overlay             [1]           [3]          written
 *        v     base        [0]    [1]    [2]    [3]    [4]    read only
 *
 * What is read comes from the overlay where it has the cluster, else from the
 * base. A write to a cluster that the overlay does not have claims it: a whole
 * cluster is written as it is; of a piece the rest is copied up first, in memory
 * of the layer's own. Who finds a cluster claimed waits until it is there.
 * Requests go through the clusters in rising order and have their memory before
 * they claim any, so nobody waits in a circle.
 *
 * That a cluster is there is known in memory at once, and in the map on disk
 * after a round, which a flush leads, and a write with FUA behind its data.
 */
#include "layers/cow.h"

/* A part's priv. */
enum { PLAIN, CLAIM, COPY_FIRST, COPY_LAST, ROUND_DATA, ROUND_MAP, ROUND_END };

static const struct kio_opt cow_opts[] = {
	KIO_OPT_STACK(struct cow, overlay, "what is written goes there",
		      .flags = KIO_OPT_REQUIRED | KIO_OPT_LEG),
	{ .name = "cluster", .type = KIO_TYPE_SIZE, .at = offsetof(struct cow, cluster_option), .value = 0,
	  .help = "bytes that are copied as one, fixed when it is created; 0: 64K, or what it was created with" },
	{ 0 }
};

/* --- clusters ----------------------------------------------------------- */

static uint64_t
cluster_begin(const struct cow *cow, uint64_t cluster)
{
	return cluster << cow->shift;
}

/* The last one ends with the base. */
static uint64_t
cluster_end(const struct cow *cow, uint64_t cluster)
{
	return kio__min((cluster + 1) << cow->shift, cow->header.size);
}

/* From `at` up to here, or to `end`, all is in the overlay at least that well, or all is not. */
static uint64_t
run_end(const struct cow *cow, uint64_t at, uint64_t end, enum cow_state least, bool *is)
{
	uint64_t cluster = at >> cow->shift;

	*is = cow_state(cow, cluster) >= least;
	for (cluster++; cluster << cow->shift < end; cluster++) {
		if ((cow_state(cow, cluster) >= least) != *is)
			return cluster << cow->shift;
	}
	return end;
}

static uint64_t
frame_end(const struct kio_frame *frame)
{
	return frame->offset + frame->data.len;
}

static bool
covers(const struct cow *cow, const struct kio_frame *frame, uint64_t cluster)
{
	return frame->offset <= cluster_begin(cow, cluster) && frame_end(frame) >= cluster_end(cow, cluster);
}

static bool
may_copy(const struct cow *cow, const struct kio_frame *frame, uint64_t cluster)
{
	return cow_state(cow, cluster) < COW_MAPPED && !covers(cow, frame, cluster);
}

/* --- on the way down ---------------------------------------------------- */

static void
pass_to(const struct cow *cow, struct kio_frame *frame, unsigned leg)
{
	kio_pass_leg(frame, leg, frame->offset + (leg == COW_OVERLAY ? cow->data : 0));
}

static void
submit_read(struct cow *cow, struct kio_frame *frame)
{
	bool mapped;
	uint64_t end = run_end(cow, frame->offset, frame_end(frame), COW_MAPPED, &mapped);

	if (frame->op == KIO_EXTENTS && mapped)
		kio_complete_extent(frame, end - frame->offset, 0);
	else if (end == frame_end(frame))
		pass_to(cow, frame, mapped ? COW_OVERLAY : COW_BASE);
	else
		kio_split(frame);
}

/* A change that fans out. */
static void
submit_parts(struct kio_frame *frame, void *memory, size_t piece)
{
	struct cow_frame *self = kio_frame_area(frame);

	frame->priv = (uintptr_t)self;
	self->frame = frame;
	self->segs[0] = (struct kio_seg){ memory, piece, NULL };
	self->segs[1] = (struct kio_seg){ (char *)memory + piece, piece, NULL };
	self->out = 0;
	self->status = 0;
	self->waits = self->failed = false;
	self->round = COW_NONE;
	kio_split(frame);
}

static void
submit_write(struct cow *cow, struct kio_frame *frame)
{
	enum cow_state least = (frame->flags & KIO_FUA) != 0 ? COW_DURABLE : COW_MAPPED;
	uint64_t end = frame_end(frame);
	void *memory = NULL;
	bool there;

	if (run_end(cow, frame->offset, end, least, &there) == end && there) {
		pass_to(cow, frame, COW_OVERLAY);
		return;
	}
	if ((may_copy(cow, frame, frame->offset >> cow->shift) || may_copy(cow, frame, (end - 1) >> cow->shift)) &&
	    !kio_scratch(frame, (size_t)(2 * cow->piece), &memory))
		return;
	submit_parts(frame, memory, (size_t)cow->piece);
}

static void
cow_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct cow *cow = cow_of(layer);

	frame->priv = 0;
	if (frame->op == KIO_WRITE)
		submit_write(cow, frame);
	else if (frame->op != KIO_FLUSH)
		submit_read(cow, frame);
	else if (cow->read_only)
		kio_pass_leg(frame, COW_OVERLAY, 0);
	else
		submit_parts(frame, NULL, 0);
}

/* --- copying up --------------------------------------------------------- */

static bool
is_copy(const struct kio_part *part)
{
	return part->priv == COPY_FIRST || part->priv == COPY_LAST;
}

static struct kio_seg *
seg_of(const struct kio_frame *frame, const struct kio_part *part)
{
	struct cow_frame *self = kio_frame_area(frame);

	return &self->segs[part->priv == COPY_LAST];
}

/* Of these bytes, in the part's memory, the frame's are put over what the base has. */
static void
merge(struct kio_frame *frame, const struct kio_part *part, uint64_t at, uint64_t len)
{
	uint64_t first = frame->offset + part->start;
	uint64_t from = kio__max(at, first), to = kio__min(at + len, first + part->covers);
	struct kio_iter data = frame->data;

	if (from >= to)
		return;
	kio_iter_skip(&data, from - frame->offset);
	kio_iter_copy_to(data, (char *)seg_of(frame, part)->base + (from - at), to - from);
	kio_count_copied(frame, to - from);
}

static void
write_piece(const struct cow *cow, struct kio_frame *frame, struct kio_part *part, uint64_t at, uint64_t len)
{
	merge(frame, part, at, len);
	part->op = KIO_WRITE;
	part->leg = COW_OVERLAY;
	part->offset = cow->data + at;
}

/* The piece of a cluster that begins here: read, but where all of it is written anyway. */
static void
take_piece(const struct cow *cow, struct kio_frame *frame, struct kio_part *part, uint64_t at)
{
	uint64_t first = frame->offset + part->start;
	uint64_t len = kio__min(cow->piece, cluster_end(cow, at >> cow->shift) - at);

	part->data = (struct kio_iter){ seg_of(frame, part), 0, len };
	if (first <= at && at + len <= first + part->covers) {
		write_piece(cow, frame, part, at, len);
		return;
	}
	part->op = KIO_READ;
	part->leg = COW_BASE;
	part->offset = at;
}

/* --- parts --------------------------------------------------------------- */

static bool
claim(struct cow *cow, uint64_t cluster)
{
	uint8_t empty = COW_EMPTY;

	return __atomic_compare_exchange_n(&cow->states[cluster], &empty, COW_COPYING, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_ACQUIRE);
}

/* What was claimed: whole clusters, as many as follow, or a piece of one. */
static void
claimed_part(struct cow *cow, struct kio_frame *frame, struct kio_part *part, uint64_t at)
{
	uint64_t cluster = at >> cow->shift, end = cluster_end(cow, cluster);

	if (!covers(cow, frame, cluster)) {
		part->priv = at == frame->offset ? COPY_FIRST : COPY_LAST;
		part->covers = kio_frame_take(frame, end - at).len;
		take_piece(cow, frame, part, cluster_begin(cow, cluster));
		return;
	}
	for (cluster++; end < frame_end(frame) && covers(cow, frame, cluster) && claim(cow, cluster); cluster++)
		end = cluster_end(cow, cluster);
	part->priv = CLAIM;
	part->leg = COW_OVERLAY;
	part->offset = cow->data + at;
	part->data = kio_frame_take(frame, end - at);
	/* if some of it fails none of it is there, whatever was written */
	part->covers = part->data.len;
}

static bool
data_part(struct cow *cow, struct kio_frame *frame, struct kio_part *part)
{
	uint64_t at = frame->offset + kio_frame_taken(frame), cluster = at >> cow->shift;
	struct cow_frame *self = kio_frame_area(frame);
	bool mapped;

	part->flags = 0; /* of FUA its round takes care */
	while (cow_state(cow, cluster) < COW_MAPPED) {
		if (claim(cow, cluster)) {
			claimed_part(cow, frame, part, at);
			self->out++;
			return true;
		}
		if (kio__cow_wait(cow, self, cluster)) {
			part->later = true;
			return false;
		}
	}
	part->priv = PLAIN;
	part->leg = COW_OVERLAY;
	part->offset = cow->data + at;
	part->data = kio_frame_take(frame, run_end(cow, at, frame_end(frame), COW_MAPPED, &mapped) - at);
	self->out++;
	return true;
}

/* The part that leads a round, once there is no other. */
static bool
round_part(struct cow *cow, struct kio_frame *frame, struct kio_part *part)
{
	struct cow_frame *self = kio_frame_area(frame);

	if (self->failed || self->round == COW_LEADS || self->round == COW_OVER)
		return false;
	if (self->out != 0 || self->round == COW_QUEUED || (self->round == COW_NONE && !kio__cow_join(cow, self))) {
		part->later = true;
		return false;
	}
	self->round = COW_LEADS;
	kio__cow_note(cow);
	part->op = KIO_FLUSH;
	part->flags = 0;
	part->leg = COW_OVERLAY;
	part->offset = 0;
	part->data = kio_iter_none(0);
	part->start = 0;
	part->covers = frame->data.len;
	part->priv = ROUND_DATA;
	return true;
}

static bool
read_part(struct cow *cow, struct kio_frame *frame, struct kio_part *part)
{
	uint64_t at = frame->offset + kio_frame_taken(frame), end;
	bool mapped;

	if (kio_frame_rest(frame) == 0)
		return false;
	end = run_end(cow, at, frame_end(frame), COW_MAPPED, &mapped);
	part->priv = PLAIN;
	part->leg = mapped ? COW_OVERLAY : COW_BASE;
	part->offset = mapped ? cow->data + at : at;
	part->data = kio_frame_take(frame, end - at);
	return true;
}

static bool
cow_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct cow *cow = cow_of(layer);
	struct cow_frame *self = kio_frame_area(frame);

	if (frame->op == KIO_READ || frame->op == KIO_EXTENTS)
		return read_part(cow, frame, part);
	if (self->waits) {
		part->later = true;
		return false;
	}
	if (frame->op == KIO_WRITE && kio_frame_rest(frame) != 0)
		return data_part(cow, frame, part);
	return frame->op == KIO_FLUSH || (frame->flags & KIO_FUA) != 0 ? round_part(cow, frame, part) : false;
}

/* --- parts that come back ------------------------------------------------ */

static void
settle(struct cow *cow, const struct kio_frame *frame, const struct kio_part *part)
{
	uint64_t first = frame->offset + part->start;

	kio__cow_settle(cow, first >> cow->shift, (first + part->covers - 1) >> cow->shift, part->status == 0);
}

/* True: there is more to do. */
static bool
copy_on(struct cow *cow, struct kio_frame *frame, struct kio_part *part)
{
	uint64_t at, len = part->data.len;

	if (part->status < 0)
		return false;
	if (part->op == KIO_READ) {
		write_piece(cow, frame, part, part->offset, len);
		return true;
	}
	at = part->offset - cow->data + len;
	if (at >= cluster_end(cow, (at - 1) >> cow->shift))
		return false;
	take_piece(cow, frame, part, at);
	return true;
}

/* True: there is more to do. */
static bool
round_on(struct cow *cow, struct kio_part *part)
{
	bool wrote = part->priv == ROUND_MAP;

	if (part->status < 0 || part->priv == ROUND_END)
		return false;
	if (kio__cow_next_block(cow, &part->offset)) {
		part->op = KIO_WRITE;
		part->data = (struct kio_iter){ &cow->seg, 0, KIO__COW_BLOCK };
		part->priv = ROUND_MAP;
		return true;
	}
	part->op = KIO_FLUSH;
	part->offset = 0;
	part->data = kio_iter_none(0);
	part->priv = ROUND_END;
	return wrote;
}

static enum kio_next
cow_part_done(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct cow *cow = cow_of(layer);
	struct cow_frame *self = kio_frame_area(frame);

	if (frame->op == KIO_READ || frame->op == KIO_EXTENTS)
		return KIO_UP;
	if (part->priv >= ROUND_DATA) {
		if (round_on(cow, part))
			return KIO_AGAIN;
		kio__cow_leave(cow, part->status);
		return KIO_UP;
	}
	if (is_copy(part) && copy_on(cow, frame, part))
		return KIO_AGAIN;
	if (part->priv != PLAIN)
		settle(cow, frame, part);
	self->out--;
	self->failed |= part->status < 0;
	if (part->status < 0 && (frame->flags & KIO_FUA) != 0) {
		/* there will be no round: of what was written nothing is durable */
		part->start = 0;
		part->covers = frame->data.len;
	}
	return KIO_UP;
}

/* A round that another one led failed. */
static enum kio_next
cow_done(struct kio_layer *layer, struct kio_frame *frame)
{
	const struct cow_frame *self = (const struct cow_frame *)frame->priv;

	(void)layer;
	if (self != NULL && self->status < 0 && kio_frame_status(frame) == 0)
		kio_frame_set_status(frame, self->status);
	return KIO_UP;
}

static void
cow_describe(const struct kio_layer *layer, char *text, size_t size)
{
	const struct cow *cow = kio_container_of(layer, const struct cow, layer);

	kio_format(text, size, "%U of %U clusters of %S in the overlay, generation %U",
		   __atomic_load_n(&cow->mapped, __ATOMIC_RELAXED), cow->clusters, cow->header.cluster,
		   cow->header.generation);
}

const struct kio_class kio_class_cow = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "cow",
	.summary = "write to an overlay, and leave the base to others",
	.maturity = "beta",
	.size = sizeof(struct cow),
	.frame_size = sizeof(struct cow_frame),
	.opts = cow_opts,
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_SEES_PARTS | KIO_PARTS_FLUSH | KIO_ENDS_CHANGES | KIO_SHARES_BASE,
	.max_copy = (size_t)2 * COW_PIECE,
	.open = kio__cow_open,
	.close = kio__cow_close,
	.create = kio__cow_create,
	.submit = cow_submit,
	.part = cow_part,
	.part_done = cow_part_done,
	.done = cow_done,
	.describe = cow_describe,
};
