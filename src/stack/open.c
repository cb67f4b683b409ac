/* SPDX-License-Identifier: MIT */
/*
 * From a tree to an open stack: classes are looked up, layers made and their
 * options stored; the core opens them.
 */
#include <string.h>

#include <kiobuf/kiobuf.h>
#include <kiobuf/layer.h>

#include "core/frame.h"
#include "core/stack.h"
#include "stack/options.h"
#include "stack/text.h"

struct build {
	const struct kio_tree *tree;
	struct kio_stack *stack; /* NULL: only check */
	struct kept **kept;
	struct kio_diag *diag;
	const struct kio_node **named; /* nodes seen, for their names */
	unsigned named_count;
	unsigned depth;
};

static const struct kio_class *
find_class(const struct build *build, const struct kio_node *node)
{
	const struct kio_class *found = kio_class_find(node->class_name);
	struct guess guess = { 0 };
	char text[80];

	if (found != NULL)
		return found;
	for (const struct kio_class *each = kio_class_next(NULL); each != NULL; each = kio_class_next(each))
		kio__guess(&guess, node->class_name, each->name);
	kio__complain(build->diag, -ENOENT, kio__node_place(node), "no layer '%s'%s", node->class_name,
		      kio__guessed(&guess, text, sizeof(text)));
	return NULL;
}

static int
check_legs(const struct build *build, const struct kio_node *node, const struct kio_class *class_)
{
	struct place place = kio__node_place(node);
	const char *name = class_->name;

	if (node->leg_count >= class_->min_legs && node->leg_count <= class_->max_legs)
		return 0;
	if (class_->max_legs == 0)
		return kio__complain(build->diag, -EINVAL, place,
				     "%s is a driver; nothing can be below it", name);
	if (node->leg_count == 0)
		return kio__complain(build->diag, -EINVAL, place, "%s needs a layer below it", name);
	if (class_->max_legs == 1)
		return kio__complain(build->diag, -EINVAL, place, "%s takes one layer below it, not %u",
				     name, node->leg_count);
	return kio__complain(build->diag, -EINVAL, place, "%s takes %u legs or more, not %u", name,
			     class_->min_legs, node->leg_count);
}

static int
check_name(struct build *build, const struct kio_node *node)
{
	if (node->name == NULL)
		return 0;
	for (unsigned i = 0; i < build->named_count; i++) {
		if (strcmp(build->named[i]->name, node->name) == 0)
			return kio__complain(build->diag, -EEXIST, kio__node_place(node),
					     "the name '%s' is given twice", node->name);
	}
	if (build->named_count == MOST_NODES)
		return -E2BIG;
	build->named[build->named_count++] = node;
	return 0;
}

static int build_node(struct build *build, struct kio_node *node, struct kio_layer **out);

/* key={ stack }: built and hung at the side, its top stored in the option's field. */
static int
build_sides(struct build *build, const struct kio_node *node, const struct kio_class *class_,
	    struct kio_layer *layer)
{
	struct kio_layer *side = NULL;
	int rc = 0;

	for (unsigned i = 0; i < node->arg_count && rc == 0; i++) {
		if (node->args[i].stack == NULL)
			continue;
		rc = build_node(build, node->args[i].stack, &side);
		if (rc < 0 || layer == NULL)
			continue;
		rc = kio__layer_add_side(layer, side);
		for (const struct kio_opt *opt = class_->opts; opt->name != NULL; opt++) {
			if (opt->type == KIO_TYPE_STACK && strcmp(opt->name, node->args[i].key) == 0)
				*(struct kio_layer **)(void *)((char *)layer + opt->at) = side;
		}
	}
	return rc;
}

static int
build_node(struct build *build, struct kio_node *written, struct kio_layer **out)
{
	struct kio_node *node = kio__tree_resolve(build->tree, written, build->diag);
	const struct kio_class *class_ = node != NULL ? find_class(build, node) : NULL;
	struct kio_layer *layer = NULL, *leg = NULL;
	int rc = 0;

	if (class_ == NULL)
		return build->diag != NULL && build->diag->error != 0 ? build->diag->error : -EINVAL;
	if (++build->depth > MOST_NODES)
		return kio__complain(build->diag, -ELOOP, kio__node_place(node),
				     "there are more than %u layers; does use go round in a circle?",
				     MOST_NODES);
	rc = check_legs(build, node, class_);
	if (rc == 0)
		rc = check_name(build, node);
	if (rc == 0 && build->stack != NULL) {
		rc = kio__layer_create(&layer, build->stack, class_, node->name);
		if (rc == 0)
			((struct kio__layer_core *)layer->core)->origin = node;
	}
	if (rc == 0)
		rc = kio__options_apply(node, class_, layer, build->kept, build->diag);
	for (unsigned i = 0; i < node->leg_count && rc == 0; i++) {
		rc = build_node(build, node->legs[i], &leg);
		if (rc == 0 && layer != NULL)
			rc = kio__layer_add_leg(layer, leg);
	}
	if (rc == 0)
		rc = build_sides(build, node, class_, layer);
	*out = layer;
	return rc;
}

static int
run_build(struct build *build, struct kio_layer **top)
{
	int rc;

	build->named = kio__alloc(MOST_NODES * sizeof(*build->named));
	rc = build->named == NULL ? -ENOMEM : build_node(build, build->tree->root, top);
	kio__free(build->named);
	if (rc < 0 && build->diag != NULL && build->diag->text[0] == '\0')
		kio_refuse(build->diag, rc, "%e", rc);
	return rc;
}

int
kio_tree_check(const struct kio_tree *tree, struct kio_diag *diag)
{
	struct build build = { .tree = tree, .diag = diag };
	struct kio_layer *none;

	if (diag != NULL)
		*diag = (struct kio_diag){ 0 };
	return run_build(&build, &none);
}

/* --- opening ------------------------------------------------------------ */

static int
own_loop(struct kio_loop **loop, const struct kio_stack *stack)
{
	struct kio_loop_options options = { .engine = stack->options.engine };

	return kio_loop_open(loop, &options);
}

static void
forget_text(void *text)
{
	struct kept *kept = text;

	kio__kept_free(&kept);
}

/* What a layer said when it did not open, with the place in the text. */
static void
name_the_place(const struct kio_stack *stack, struct kio_diag *diag)
{
	const struct kio__layer_core *core;
	struct kio_diag said;

	if (stack->failed == NULL || diag == NULL)
		return;
	core = stack->failed->core;
	said = *diag;
	kio__complain(diag, said.error != 0 ? said.error : -EIO, kio__node_place(core->origin), "%s: %s",
		      stack->failed->name, said.text);
}

int
kio_stack_open_tree(struct kio_stack **out, const struct kio_tree *tree,
		    const struct kio_stack_options *options, struct kio_diag *diag)
{
	struct kept *kept = NULL;
	struct build build = { .tree = tree, .kept = &kept };
	struct kio_diag own = { 0 };
	struct kio_layer *top;
	int rc;

	if (diag == NULL)
		diag = &own;
	*diag = (struct kio_diag){ 0 };
	build.diag = diag;
	rc = kio__stack_create(&build.stack, options);
	if (rc < 0)
		return kio_refuse(diag, rc, "%e", rc);
	build.stack->loop_open = own_loop;
	rc = run_build(&build, &top);
	build.stack->text = kept;
	build.stack->text_free = forget_text;
	if (rc == 0) {
		rc = kio__stack_open(build.stack, top, diag);
		if (rc < 0)
			name_the_place(build.stack, diag);
	}
	if (rc < 0) {
		kio__stack_close(build.stack, NULL);
		return rc;
	}
	*out = build.stack;
	return 0;
}

int
kio_stack_open(struct kio_stack **stack, const char *text, const struct kio_stack_options *options,
	       struct kio_diag *diag)
{
	struct kio_tree *tree;
	int rc = kio_tree_parse(&tree, text, options != NULL ? options->set : NULL, diag);

	if (rc < 0)
		return rc;
	rc = kio_stack_open_tree(stack, tree, options, diag);
	kio_tree_destroy(tree);
	return rc;
}

int
kio_stack_close(struct kio_stack **stack, struct kio_diag *diag)
{
	struct kio_stack *gone = *stack;

	*stack = NULL;
	if (diag != NULL)
		*diag = (struct kio_diag){ 0 };
	return gone != NULL ? kio__stack_close(gone, diag) : 0;
}

const char *
kio_version(void)
{
	return KIO__VERSION;
}
