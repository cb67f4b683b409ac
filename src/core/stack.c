/* SPDX-License-Identifier: MIT */
/*
 * Stacks: layers are hung together, numbered from the top, opened from the
 * bottom up with limits flowing up, and closed from the top down. What fails to
 * open leaves nothing open.
 */
#include "core/stack.h"

#include "core/frame.h"

#define RESERVE 64u
#define LEND_BYTES ((size_t)1 << 20)

int
kio__stack_create(struct kio_stack **out, const struct kio_stack_options *options)
{
	struct kio_stack *stack = kio__alloc(sizeof(*stack));

	if (stack == NULL)
		return -ENOMEM;
	if (options != NULL)
		stack->options = *options;
	stack->options.set = NULL;
	if (stack->options.reserve == 0)
		stack->options.reserve = RESERVE;
	if (stack->options.lend_bytes == 0)
		stack->options.lend_bytes = LEND_BYTES;
	kio__mutex_init(&stack->mutex);
	kio__mutex_init(&stack->own_mutex);
	*out = stack;
	return 0;
}

/* --- building ----------------------------------------------------------- */

static int
append(void ***array, unsigned *count, void *item)
{
	void **grown = kio__alloc((*count + 1) * sizeof(void *));

	if (grown == NULL)
		return -ENOMEM;
	if (*count != 0)
		memcpy(grown, *array, *count * sizeof(void *));
	grown[(*count)++] = item;
	kio__free(*array);
	*array = grown;
	return 0;
}

static int
count_class(const struct kio_stack *stack, const struct kio_class *class_)
{
	int count = 0;

	for (unsigned i = 0; i < stack->layer_count; i++)
		count += stack->layers[i]->class_ == class_;
	return count;
}

static char *
layer_name(const struct kio_stack *stack, const struct kio_class *class_, const char *name)
{
	size_t size = strlen(name != NULL ? name : class_->name) + 16;
	char *text = kio__alloc(size);

	if (text != NULL && name != NULL)
		memcpy(text, name, strlen(name));
	else if (text != NULL)
		kio_format(text, size, "%s%d", class_->name, count_class(stack, class_));
	return text;
}

static void
layer_free(struct kio_layer *layer)
{
	struct kio__layer_core *core = layer->core;

	if (core != NULL) {
		kio__ranges_destroy(&core->ranges);
		kio__free(core->sides);
	}
	kio__free(core);
	kio__free(layer->name);
	kio__free(layer->legs);
	kio__free(layer);
}

int
kio__layer_create(struct kio_layer **out, struct kio_stack *stack, const struct kio_class *class_,
		  const char *name)
{
	size_t size = class_->size > sizeof(struct kio_layer) ? class_->size : sizeof(struct kio_layer);
	struct kio_layer *layer = kio__alloc_aligned(kio__align_up(size, 64), 64);

	if (layer == NULL)
		return -ENOMEM;
	layer->class_ = class_;
	layer->stack = stack;
	layer->core = kio__alloc(sizeof(struct kio__layer_core));
	layer->name = layer_name(stack, class_, name);
	if (layer->core == NULL || layer->name == NULL ||
	    append((void ***)&stack->layers, &stack->layer_count, layer) < 0) {
		layer_free(layer);
		return -ENOMEM;
	}
	*out = layer;
	return 0;
}

int
kio__layer_add_leg(struct kio_layer *layer, struct kio_layer *leg)
{
	int rc = append((void ***)&layer->legs, &layer->leg_count, leg);

	if (rc == 0) {
		leg->above = layer;
		layer->below = layer->legs[0];
	}
	return rc;
}

int
kio__layer_add_side(struct kio_layer *layer, struct kio_layer *side)
{
	struct kio__layer_core *core = layer->core, *side_core = side->core;
	int rc = append((void ***)&core->sides, &core->side_count, side);

	if (rc == 0)
		side_core->side = true;
	return rc;
}

/* Depth first, a layer before its legs, and those before its sides. */
static void
number(struct kio_layer *layer, unsigned depth, unsigned *next)
{
	struct kio__layer_core *core = layer->core;

	layer->depth = depth;
	layer->index = *next;
	layer->stack->layers[(*next)++] = layer;
	for (unsigned i = 0; i < layer->leg_count; i++)
		number(layer->legs[i], depth + 1, next);
	for (unsigned i = 0; i < core->side_count; i++)
		number(core->sides[i], depth + 1, next);
	core->end = *next;
}

/* --- opening ------------------------------------------------------------ */

/* What the legs have in common is what a layer starts from. */
static void
common_limits(struct kio_layer *layer)
{
	struct kio_limits *limits = &layer->limits;
	const struct kio_limits *leg;
	unsigned first = 0;

	while (first < layer->leg_count && kio_leg_absent(layer->legs[first]))
		first++;
	if (first == layer->leg_count) {
		*limits = (struct kio_limits){
			.block = 1, .best = 4096, .mem_align = 1,
			.ops = KIO_OP_BIT(KIO_READ) | KIO_OP_BIT(KIO_WRITE) | KIO_OP_BIT(KIO_FLUSH),
			.read_only = kio_layer_read_only(layer),
		};
		return;
	}
	*limits = layer->legs[first]->limits;
	for (unsigned i = first + 1; i < layer->leg_count; i++) {
		if (kio_leg_absent(layer->legs[i]))
			continue;
		leg = &layer->legs[i]->limits;
		limits->block = (uint32_t)kio__max(limits->block, leg->block);
		limits->best = (uint32_t)kio__max(limits->best, leg->best);
		limits->ops &= leg->ops;
		limits->read_only |= leg->read_only;
		limits->lend &= leg->lend;
		limits->zeroes &= leg->zeroes;
		limits->holes &= leg->holes;
	}
	if (layer->leg_count > 1)
		limits->boundary = 0;
	limits->max_transfer = 0;
	limits->mem_align = 1;
	limits->size = kio__align_down(limits->size, limits->block);
}

/* What follows from the class, whatever it says. */
static int
settle_limits(struct kio_layer *layer, struct kio_diag *diag)
{
	struct kio_limits *limits = &layer->limits;
	const struct kio_class *class_ = layer->class_;

	if (!kio__is_power_of_two(limits->block) || !kio__is_power_of_two(limits->mem_align) ||
	    limits->max_transfer % limits->block != 0 || limits->size >> 63 != 0)
		return kio_refuse(diag, -EINVAL,
				  "class %s states limits that cannot be: block %u, memory on %u, "
				  "at most %u at once, size %U",
				  class_->name, limits->block, limits->mem_align,
				  limits->max_transfer, limits->size);
	if ((class_->bits & KIO_CHANGES_DATA) != 0) {
		limits->ops &= ~(KIO_OP_BIT(KIO_WRITE_ZEROES) | KIO_OP_BIT(KIO_EXTENTS));
		limits->zeroes = limits->holes = false;
	}
	if ((class_->bits & KIO_CHANGES_DATA) != 0 || class_->part != NULL || limits->max_transfer != 0 ||
	    layer->apart != 0)
		limits->lend = false;
	if (layer->apart != 0 && (class_->bits & KIO_ORDERED_WRITES) == 0)
		return kio_refuse(diag, -EINVAL, "class %s ends requests early, and does not order writes",
				  class_->name);
	limits->size = kio__align_down(limits->size, limits->block);
	limits->best = (uint32_t)kio__max(limits->best, limits->block);
	return 0;
}

static uint32_t
strictest_block(const struct kio_layer *layer)
{
	uint32_t block = layer->limits.block;

	for (unsigned i = 0; i < layer->leg_count; i++)
		block = (uint32_t)kio__max(block, layer->legs[i]->limits.block);
	return block;
}

static int
open_class(struct kio_layer *layer, struct kio_diag *diag)
{
	const struct kio_class *class_ = layer->class_;

	if (kio_layer_creating(layer) && class_->create != NULL)
		return class_->create(layer, diag);
	return class_->open != NULL ? class_->open(layer, diag) : 0;
}

static int
open_layer(struct kio_layer *layer, struct kio_diag *diag)
{
	struct kio__layer_core *core = layer->core;
	int rc;

	common_limits(layer);
	rc = open_class(layer, diag);
	if (rc < 0) {
		if (diag != NULL && diag->text[0] == '\0')
			kio_refuse(diag, rc, "%s cannot be opened: %e", layer->name, rc);
		return rc;
	}
	core->open = true;
	rc = settle_limits(layer, diag);
	if (rc == 0 && (layer->class_->bits & KIO_ORDERED_WRITES) != 0)
		rc = kio__ranges_create(&core->ranges, strictest_block(layer));
	return rc;
}

/* One layer, if its open succeeded. 0 or the error of its close. */
static int
close_layer(struct kio_layer *layer)
{
	struct kio__layer_core *core = layer->core;
	int rc = 0;

	if (core->open && layer->class_->close != NULL)
		rc = layer->class_->close(layer);
	core->open = false;
	/* a channel into what closes next must not outlive it */
	kio__setup_close(layer->stack);
	return rc;
}

/*
 * A layer did not open. If one above can do without the leg it is in, all of
 * that leg is closed and left out.
 */
static bool
leave_out(struct kio_layer *layer, int error, const struct kio_diag *diag)
{
	struct kio_stack *stack = layer->stack;
	struct kio_layer *leg = layer;
	struct kio__layer_core *core;

	/* the other one of the two would be open, and a mirror on it no mirror */
	if (error == -EDEADLK)
		return false;
	for (; leg->above != NULL; leg = leg->above) {
		if (leg->above->class_->spares_legs == NULL ||
		    !leg->above->class_->spares_legs(leg->above))
			continue;
		kio_log(leg->above, KIO_WARNING, "goes on without %s: %s", leg->name,
			diag != NULL ? diag->text : "it does not open");
		for (unsigned i = leg->index; i < ((struct kio__layer_core *)leg->core)->end; i++) {
			close_layer(stack->layers[i]);
			core = stack->layers[i]->core;
			core->absent = true;
		}
		return true;
	}
	return false;
}

/* Legs before sides before the layer. */
static int
open_below(struct kio_stack *stack, struct kio_diag *diag)
{
	struct kio_layer *layer;
	int rc;

	for (unsigned i = stack->layer_count; i-- > 0;) {
		layer = stack->layers[i];
		if (kio_leg_absent(layer))
			continue;
		rc = open_layer(layer, diag);
		if (rc == 0)
			continue;
		if (!leave_out(layer, rc, diag)) {
			stack->failed = layer;
			return rc;
		}
		if (diag != NULL)
			*diag = (struct kio_diag){ 0 };
	}
	return 0;
}

/* Top down; the first error is kept. */
static int
close_layers(struct kio_stack *stack, struct kio_diag *diag)
{
	int rc = 0, error;

	for (unsigned i = 0; i < stack->layer_count; i++) {
		error = close_layer(stack->layers[i]);
		if (error < 0 && rc == 0)
			rc = kio_refuse(diag, error, "%s did not close as it should: %e",
					stack->layers[i]->name, error);
	}
	return rc;
}

static void
stack_limits(struct kio_stack *stack)
{
	stack->limits = stack->top->limits;
	stack->limits.ops |= KIO_OP_BIT(KIO_EXTENTS);
	if ((stack->limits.ops & KIO_OP_BIT(KIO_WRITE)) != 0)
		stack->limits.ops |= KIO_OP_BIT(KIO_WRITE_ZEROES);
	if (stack->limits.read_only)
		stack->limits.ops &= ~(KIO_OP_BIT(KIO_WRITE) | KIO_OP_BIT(KIO_DISCARD) |
				       KIO_OP_BIT(KIO_WRITE_ZEROES));
}

/* That leg and all below it are created. */
static int
find_new_leg(struct kio_stack *stack, struct kio_diag *diag)
{
	const char *name = stack->options.new_leg;
	struct kio_layer *leg = (struct kio_layer *)(uintptr_t)kio_control_find(stack, name);
	struct kio__layer_core *core;

	if (leg == NULL)
		return kio_refuse(diag, -ENOENT, "there is no layer %s", name);
	if (leg->above == NULL || (leg->above->class_->bits & KIO_REPLACES_LEGS) == 0)
		return kio_refuse(diag, -ENOTSUP, "%s is no leg of a layer that can take a new one", name);
	core = leg->core;
	if (core->shared)
		return kio_refuse(diag, -EROFS, "%s is part of a shared base, which is only read", name);
	for (unsigned i = leg->index; i < core->end; i++)
		((struct kio__layer_core *)stack->layers[i]->core)->fresh = true;
	return 0;
}

/* Bases are for reading, whatever the stack is. */
static void
mark_shared(struct kio_stack *stack)
{
	const struct kio_layer *layer;
	const struct kio__layer_core *base;

	for (unsigned i = 0; i < stack->layer_count; i++) {
		layer = stack->layers[i];
		if ((layer->class_->bits & KIO_SHARES_BASE) == 0)
			continue;
		base = layer->below->core;
		for (unsigned j = layer->below->index; j < base->end; j++)
			((struct kio__layer_core *)stack->layers[j]->core)->shared = true;
	}
}

int
kio__stack_open(struct kio_stack *stack, struct kio_layer *top, struct kio_diag *diag)
{
	unsigned count = 0;
	int rc;

	stack->top = top;
	number(top, 0, &count);
	if (count != stack->layer_count)
		kio__panic("kio__stack_open: %u of %u layers hang together", count,
			   stack->layer_count);
	mark_shared(stack);
	rc = stack->options.new_leg != NULL ? find_new_leg(stack, diag) : 0;
	if (rc == 0)
		rc = open_below(stack, diag);
	kio__setup_close(stack);
	if (rc < 0)
		close_layers(stack, NULL);
	else
		stack_limits(stack);
	return rc;
}

int
kio__stack_close(struct kio_stack *stack, struct kio_diag *diag)
{
	int rc;

	kio__own_close(stack);
	if (stack->channels != NULL)
		kio__panic("kio_stack_close: a channel is still open");
	rc = close_layers(stack, diag);
	for (unsigned i = 0; i < stack->layer_count; i++)
		layer_free(stack->layers[i]);
	kio__free(stack->layers);
	if (stack->text_free != NULL)
		stack->text_free(stack->text);
	kio__mutex_fini(&stack->mutex);
	kio__mutex_fini(&stack->own_mutex);
	kio__free(stack);
	return rc;
}

/* --- growing ------------------------------------------------------------ */

static int
resize_layer(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	int rc;

	if (layer->class_->resize == NULL)
		return kio_refuse(diag, -ENOTSUP, "%s cannot grow", layer->name);
	if (size < layer->limits.size)
		return kio_refuse(diag, -EINVAL, "%s has %S; it cannot shrink to %S", layer->name,
				  layer->limits.size, size);
	rc = layer->class_->resize(layer, size, diag);
	if (rc == 0)
		layer->limits.size = kio__align_down(layer->limits.size, layer->limits.block);
	return rc;
}

int
kio_leg_resize(struct kio_layer *leg, uint64_t size, struct kio_diag *diag)
{
	return resize_layer(leg, size, diag);
}

int
kio_resize_below(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	int rc = kio_leg_resize(layer->below, size, diag);

	layer->limits.size = layer->below->limits.size;
	return rc;
}

int
kio_stack_resize(struct kio_stack *stack, uint64_t size, struct kio_diag *diag)
{
	int rc = resize_layer(stack->top, size, diag);

	kio__setup_close(stack);
	kio__mutex_lock(&stack->mutex);
	for (struct kio_channel *channel = stack->channels; channel != NULL; channel = channel->next)
		kio__channel_resize(channel);
	kio__mutex_unlock(&stack->mutex);
	__atomic_store_n(&stack->limits.size, stack->top->limits.size, __ATOMIC_RELAXED);
	return rc;
}

/* --- looking at it ------------------------------------------------------ */

const struct kio_limits *
kio_stack_limits(const struct kio_stack *stack)
{
	return &stack->limits;
}

const struct kio_layer *
kio_stack_top(const struct kio_stack *stack)
{
	return stack->top;
}

const struct kio_layer *
kio_layer_next(const struct kio_layer *layer)
{
	const struct kio_stack *stack = layer->stack;

	return layer->index + 1 < stack->layer_count ? stack->layers[layer->index + 1] : NULL;
}

unsigned
kio_layer_depth(const struct kio_layer *layer)
{
	return layer->depth;
}

const char *
kio_layer_name(const struct kio_layer *layer)
{
	return layer->name;
}

const struct kio_class *
kio_layer_class(const struct kio_layer *layer)
{
	return layer->class_;
}

const struct kio_limits *
kio_layer_limits(const struct kio_layer *layer)
{
	return &layer->limits;
}

const char *
kio_layer_describe(const struct kio_layer *layer, char *text, size_t size)
{
	if (size > 0)
		text[0] = '\0';
	if (kio_leg_absent(layer))
		kio_format(text, size, "absent");
	else if (layer->class_->describe != NULL)
		layer->class_->describe(layer, text, size);
	return text;
}

bool
kio_leg_absent(const struct kio_layer *leg)
{
	return ((const struct kio__layer_core *)leg->core)->absent;
}

bool
kio_leg_new(const struct kio_layer *leg)
{
	return ((const struct kio__layer_core *)leg->core)->fresh;
}

bool
kio_layer_creating(const struct kio_layer *layer)
{
	const struct kio__layer_core *core = layer->core;

	return !core->shared && (layer->stack->options.create || core->fresh);
}

bool
kio_layer_read_only(const struct kio_layer *layer)
{
	return layer->stack->options.read_only || ((const struct kio__layer_core *)layer->core)->shared;
}

bool
kio_layer_force(const struct kio_layer *layer)
{
	return layer->stack->options.force;
}

unsigned
kio_layer_reserve(const struct kio_layer *layer)
{
	return layer->stack->options.reserve;
}
