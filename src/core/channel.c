/* SPDX-License-Identifier: MIT */
/*
 * Channels: a stack's instance on one loop. Everything that a request may have
 * to wait for is allocated here, and the shape of containers is laid out.
 */
#include "core/frame.h"
#include "core/stack.h"

#define AREA_ALIGN 16u

/* --- the shape ---------------------------------------------------------- */

static struct kio_level *
level_of(struct kio_channel *channel, const struct kio_layer *layer)
{
	return &channel->levels[layer->index];
}

/* Stands in for a done that a class does not have, where the level needs a frame. */
static enum kio_next
go_up(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	(void)frame;
	return KIO_UP;
}

static void
pass_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	kio_pass(frame);
}

static void
split_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	kio_split(frame);
}

static uint32_t
area(uint32_t *end, size_t size)
{
	uint32_t at = *end;

	*end += (uint32_t)kio__align_up(size, AREA_ALIGN);
	return at;
}

static bool
needs_limit_parts(const struct kio_level *level)
{
	return level->layer->limits.max_transfer != 0 || level->max_copy != 0 || level->layer->apart != 0;
}

/* The longest copy: a piece that passes the level's limit is never split once more for it. */
static uint32_t
longest_copy(const struct kio_layer *layer)
{
	const struct kio_class *class_ = layer->class_;
	uint64_t longest = class_->max_copy;

	if (longest == 0 &&
	    ((class_->bits & KIO_CHANGES_DATA) != 0 || layer->limits.mem_align > 1))
		longest = 64 * 1024;
	if (longest != 0)
		longest = kio__max(longest, layer->limits.max_transfer);
	return (uint32_t)kio__align_down(longest, kio__max(layer->limits.block, 1));
}

uint64_t
kio_leg_longest(const struct kio_layer *leg)
{
	uint64_t longest = leg->limits.max_transfer != 0 ? leg->limits.max_transfer : UINT64_MAX;

	/* each write is copied, in pieces of that length, but for what may be changed in place */
	if ((leg->class_->bits & KIO_CHANGES_DATA) != 0)
		longest = kio__min(longest, longest_copy(leg));
	if (leg->apart != 0)
		longest = kio__min(longest, kio__copies_longest(leg));
	for (unsigned i = 0; i < leg->leg_count; i++) {
		if (!kio_leg_absent(leg->legs[i]))
			longest = kio__min(longest, kio_leg_longest(leg->legs[i]));
	}
	return longest;
}

/* Where a layer's private bytes lie in a container; `at` is where those of the layers above end. */
static void
lay_out_areas(struct kio_level *level, uint32_t at)
{
	const struct kio_class *class_ = level->layer->class_;
	uint32_t end = at;

	level->area_at = area(&end, class_->frame_size);
	if (needs_limit_parts(level))
		level->limit_at = area(&end, sizeof(struct kio_join));
	if (class_->part != NULL)
		level->fan_at = area(&end, sizeof(struct kio_join));
	if (level->max_copy != 0)
		level->bounce_at = area(&end, sizeof(struct kio__bounce));
	if (level->ranges != NULL)
		level->range_at = area(&end, kio__range_size());
	if (level->layer->apart != 0)
		level->apart_at = area(&end, sizeof(struct kio *));
	level->area_end = level->area_most = end;
}

/* Of a read that failed the class changes nothing back, also what did not fail. */
static enum kio_next
changed_done(struct kio_layer *layer, struct kio_frame *frame)
{
	if (frame->op == KIO_READ && kio_frame_status(frame) < 0)
		kio__fail_whole(frame);
	return layer->class_->done(layer, frame);
}

static void
fill_level(struct kio_channel *channel, struct kio_level *level, struct kio_layer *layer)
{
	const struct kio_class *class_ = layer->class_;
	const struct kio__layer_core *core = layer->core;
	bool keeps = (class_->bits & KIO_KEEPS_DATA) != 0;

	level->layer = layer;
	level->channel = channel;
	level->loop = channel->loop;
	level->ranges = core->ranges;
	level->size = layer->limits.size;
	level->max_len = layer->limits.max_transfer != 0 ? layer->limits.max_transfer : UINT32_MAX;
	if (layer->apart != 0)
		level->max_len = (uint32_t)kio__min(level->max_len, kio__copies_longest(layer));
	level->mask = layer->limits.block - 1;
	level->ops = layer->limits.ops;
	level->max_copy = longest_copy(layer);
	level->pass_head = KIO__HEAD_OP_FLAGS | (keeps ? 0 : KIO__HEAD_BITS(KIO__WRITABLE));
	level->fast_op = layer->limits.read_only || (level->ops & KIO_OP_BIT(KIO_WRITE)) == 0 ? KIO_READ : KIO_WRITE;
	level->enter = class_->submit;
	if (level->enter == NULL)
		level->enter = class_->part != NULL ? split_submit : pass_submit;
	level->submit = level->ranges != NULL ? kio__ordered_submit : level->enter;
	level->done = class_->done;
	if (level->done != NULL && (class_->bits & KIO_CHANGES_DATA) != 0)
		level->done = changed_done;
	if (level->done == NULL && (class_->part != NULL || level->ranges != NULL || keeps ||
				    level->max_copy != 0 || layer->leg_count == 0))
		level->done = go_up;
	kio__reserve_init(&level->limit_parts);
	kio__reserve_init(&level->fan_parts);
	kio__reserve_init(&level->copies);
	kio__arena_init(&level->arena);
}

static void
lay_out(struct kio_channel *channel, struct kio_layer *layer, uint32_t area_at,
	struct kio_level ***legs)
{
	struct kio_level *level = level_of(channel, layer), *leg;

	fill_level(channel, level, layer);
	lay_out_areas(level, area_at);
	level->legs = *legs;
	*legs += layer->leg_count;
	for (unsigned i = 0; i < layer->leg_count; i++) {
		leg = level->legs[i] = level_of(channel, layer->legs[i]);
		if (kio_leg_absent(layer->legs[i]))
			continue;
		lay_out(channel, layer->legs[i], level->area_end, legs);
		level->area_most = (uint32_t)kio__max(level->area_most, leg->area_most);
		level->leg_frames = (uint32_t)kio__max(level->leg_frames, leg->frames);
	}
	level->frames = level->leg_frames + (level->done != NULL);
}

/* --- opening ------------------------------------------------------------ */

static int
level_open(struct kio_channel *channel, struct kio_level *level)
{
	const struct kio_stack_options *options = &channel->stack->options;
	struct kio_layer *layer = level->layer;
	const struct kio_class *class_ = layer->class_;
	bool zeroes = layer == channel->root && (level->ops & KIO_OP_BIT(KIO_WRITE_ZEROES)) == 0;
	unsigned copies = options->reserve == 1 ? 1 : 8;
	int rc = 0;

	if (needs_limit_parts(level) || zeroes)
		rc = kio__reserve_open(level, false, options->reserve, &channel->bytes);
	if (rc == 0 && class_->part != NULL)
		rc = kio__reserve_open(level, true, options->reserve + layer->stragglers + layer->apart,
				       &channel->bytes);
	if (rc == 0 && layer->apart != 0)
		rc = kio__copies_open(level, options->reserve + layer->stragglers, &channel->bytes);
	if (rc == 0 && level->max_copy != 0)
		rc = kio__arena_open(&level->arena, (size_t)level->max_copy * copies,
				     &channel->bytes);
	if (rc == 0 && class_->channel_size != 0) {
		channel->bytes += class_->channel_size;
		level->priv = kio__alloc_aligned(kio__align_up(class_->channel_size, 64), 64);
		rc = level->priv == NULL ? -ENOMEM : 0;
	}
	if (rc == 0 && class_->channel_open != NULL)
		rc = class_->channel_open(layer, channel, level->priv);
	return rc;
}

static void
level_close(struct kio_channel *channel, struct kio_level *level)
{
	if (level->opened && level->layer->class_->channel_close != NULL)
		level->layer->class_->channel_close(level->layer, channel, level->priv);
	level->opened = false;
}

static void
level_free(struct kio_level *level)
{
	kio__reserve_close(&level->limit_parts);
	kio__reserve_close(&level->fan_parts);
	kio__copies_close(level);
	kio__arena_close(&level->arena);
	kio__free(level->priv);
}

static void
channel_free(struct kio_channel *channel)
{
	unsigned end = channel->first + channel->level_count;

	for (unsigned i = channel->first; i < end; i++)
		level_close(channel, &channel->levels[i]);
	if (channel->kios != 0)
		kio__panic("kio_channel_close: %u containers were not destroyed", channel->kios);
	for (unsigned i = channel->first; i < end; i++)
		level_free(&channel->levels[i]);
	if (channel->lend.base != NULL)
		kio__arena_close(&channel->lend);
	kio__free(channel->legs);
	kio__free(channel->levels + channel->first);
	kio__free(channel);
}

static int
channel_alloc(struct kio_channel **out, struct kio_stack *stack, struct kio_layer *root,
	      struct kio_loop *loop)
{
	const struct kio__layer_core *core = root->core;
	struct kio_channel *channel = kio__alloc(sizeof(*channel));
	struct kio_level *levels;
	unsigned count = core->end - root->index;

	if (channel == NULL)
		return -ENOMEM;
	channel->stack = stack;
	channel->root = root;
	channel->loop = loop;
	kio__arena_init(&channel->lend);
	levels = kio__alloc_aligned(count * sizeof(*levels), 64);
	channel->legs = kio__alloc(count * sizeof(struct kio_level *));
	if (levels == NULL || channel->legs == NULL) {
		kio__free(levels);
		kio__free(channel->legs);
		kio__free(channel);
		return -ENOMEM;
	}
	channel->first = root->index;
	channel->level_count = count;
	channel->levels = levels - root->index;
	channel->top = level_of(channel, root);
	channel->bytes = sizeof(*channel) + count * (sizeof(*levels) + sizeof(struct kio_level *));
	*out = channel;
	return 0;
}

/*
 * What layers do on it by themselves ends, and so do requests that nobody waits
 * for any more; their memory is in use below. True: nothing of it is in flight.
 */
static bool
is_quiet(struct kio_channel *channel)
{
	bool quiet = true;

	for (unsigned i = 0; i < channel->level_count; i++) {
		struct kio_level *level = &channel->levels[channel->first + i];

		if (level->opened && level->layer->class_->channel_quiet != NULL)
			quiet &= level->layer->class_->channel_quiet(level->layer, channel, level->priv);
		quiet &= kio__stragglers_cancel(level);
	}
	return quiet;
}

/* Layers are numbered depth first, helper stacks too: going down the numbers opens legs first. */
static int
open_levels(struct kio_channel *channel)
{
	struct kio_level *level;
	int rc;

	for (unsigned i = channel->first + channel->level_count; i-- > channel->first;) {
		level = &channel->levels[i];
		if (level->layer == NULL)
			continue; /* absent */
		rc = level_open(channel, level);
		if (rc < 0)
			return rc;
		level->opened = true;
	}
	return 0;
}

int
kio__channel_open(struct kio_channel **out, struct kio_stack *stack, struct kio_layer *root,
		  struct kio_loop *loop)
{
	const struct kio__layer_core *core;
	struct kio_channel *channel;
	struct kio_level **legs;
	struct kio_layer *layer;
	int rc = channel_alloc(&channel, stack, root, loop);

	if (rc < 0)
		return rc;
	legs = channel->legs;
	for (unsigned i = channel->first; i < channel->first + channel->level_count; i++) {
		layer = stack->layers[i];
		core = layer->core;
		if (layer == root || core->side)
			lay_out(channel, layer, 0, &legs);
	}
	rc = open_levels(channel);
	if (rc < 0) {
		while (!is_quiet(channel))
			kio__loop_must_step(loop);
		channel_free(channel);
		return rc;
	}
	loop->channels++;
	channel->next_of_loop = loop->first_channel;
	loop->first_channel = channel;
	*out = channel;
	return 0;
}

/* --- statistics --------------------------------------------------------- */

static uint64_t
load(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void
add_level(struct kio_stat *stat, const struct kio_level *level)
{
	stat->ios += load(&level->ios);
	stat->bytes += load(&level->bytes);
	stat->parts += load(&level->parts);
	stat->copied += load(&level->copied);
	stat->waits += load(&level->waits);
	stat->merged += load(&level->merged);
	stat->merges += load(&level->merges);
	stat->errors += load(&level->errors);
}

void
kio_channel_stat(const struct kio_channel *channel, const struct kio_layer *layer,
		 struct kio_stat *stat)
{
	*stat = (struct kio_stat){ 0 };
	add_level(stat, &channel->levels[layer->index]);
}

void
kio_layer_stat(const struct kio_layer *layer, struct kio_stat *stat)
{
	struct kio_stack *stack = layer->stack;
	const struct kio__layer_core *core = layer->core;

	kio__mutex_lock(&stack->mutex);
	*stat = core->past;
	for (const struct kio_channel *channel = stack->channels; channel != NULL;
	     channel = channel->next)
		add_level(stat, &channel->levels[layer->index]);
	kio__mutex_unlock(&stack->mutex);
}

/* --- the public side ---------------------------------------------------- */

static void
share_ranges(struct kio_stack *stack)
{
	for (unsigned i = 0; i < stack->layer_count; i++) {
		struct kio__layer_core *core = stack->layers[i]->core;

		if (core->ranges != NULL)
			kio__ranges_share(core->ranges);
	}
}

/* From the bottom up, so that no level is larger than those it stands on. */
void
kio__channel_resize(struct kio_channel *channel)
{
	struct kio_stack *stack = channel->stack;

	for (unsigned i = stack->layer_count; i-- > 0;)
		__atomic_store_n(&channel->levels[i].size, stack->layers[i]->limits.size,
				 __ATOMIC_RELEASE);
}

int
kio_channel_open(struct kio_channel **out, struct kio_stack *stack, struct kio_loop *loop)
{
	struct kio_channel *channel;
	int rc = kio__channel_open(&channel, stack, stack->top, loop);

	if (rc < 0)
		return rc;
	kio__mutex_lock(&stack->mutex);
	channel->next = stack->channels;
	stack->channels = channel;
	kio__channel_resize(channel); /* the stack may have grown meanwhile */
	if (channel->next != NULL)
		share_ranges(stack);
	kio__mutex_unlock(&stack->mutex);
	*out = channel;
	return 0;
}

bool
kio__channels_quiet(struct kio_loop *loop)
{
	bool quiet = true;

	for (struct kio_channel *channel = loop->first_channel; channel != NULL;
	     channel = channel->next_of_loop)
		quiet &= is_quiet(channel);
	return quiet;
}

static void
leave_loop(struct kio_channel *channel)
{
	struct kio_channel **at = &channel->loop->first_channel;

	while (*at != channel)
		at = &(*at)->next_of_loop;
	*at = channel->next_of_loop;
	channel->loop->channels--;
}

void
kio__channel_close(struct kio_channel **channel)
{
	while (!is_quiet(*channel))
		kio__loop_must_step((*channel)->loop);
	leave_loop(*channel);
	channel_free(*channel);
	*channel = NULL;
}

void
kio_channel_close(struct kio_channel **out)
{
	struct kio_channel *channel = *out, **at;
	struct kio_stack *stack;

	if (channel == NULL)
		return;
	stack = channel->stack;
	kio__mutex_lock(&stack->mutex);
	for (at = &stack->channels; *at != channel; at = &(*at)->next)
		;
	*at = channel->next;
	for (unsigned i = 0; i < stack->layer_count; i++) {
		struct kio__layer_core *core = stack->layers[i]->core;

		add_level(&core->past, &channel->levels[i]);
	}
	kio__mutex_unlock(&stack->mutex);
	kio__channel_close(out);
}

struct kio_loop *
kio_channel_loop(const struct kio_channel *channel)
{
	return channel->loop;
}

size_t
kio_channel_bytes(const struct kio_channel *channel)
{
	return channel->bytes;
}

size_t
kio_channel_kio_bytes(const struct kio_channel *channel)
{
	const struct kio_level *top = channel->top;

	return sizeof(struct kio) + top->frames * sizeof(struct kio_frame) +
	       (top->area_most - top->area_at);
}

void *
kio_channel_area(struct kio_channel *channel, const struct kio_layer *layer)
{
	return channel->levels[layer->index].priv;
}
