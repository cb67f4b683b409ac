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

/* A layer of the stack. They are counted, and named, in the order of the text. */
struct seen {
	const struct kio_node *node;
	const struct kio_class *class_;
	unsigned number; /* among those of its class */
};

struct build {
	const struct kio_tree *tree;
	struct kio_stack *stack; /* NULL: only check */
	struct kept **kept;
	struct kio_diag *diag;
	struct seen *seen;
	unsigned count;
	const struct kio_node *path[MOST_DEPTH]; /* from the top down to here */
	unsigned depth;
};

/* Apart, so that what it needs for its sentences is not on the C stack for each layer on the way down. */
static __attribute__((noinline)) const struct kio_class *
find_class(const struct build *build, const struct kio_node *node)
{
	struct kio_diag said = { 0 };
	const struct kio_class *found = kio__class_find(node->class_name, &said);
	struct guess guess = { 0 };
	char text[80];

	if (found != NULL)
		return found;
	if (said.text[0] != '\0') {
		kio__complain(build->diag, said.error, kio__node_place(node), "no layer '%s': %s",
			      node->class_name, said.text);
		return NULL;
	}
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

/* Enters a node that stands where `written` does. */
static int
enter(struct build *build, const struct kio_node *written, const struct kio_node *node,
      const struct kio_class *class_)
{
	struct place place = kio__node_place(written);
	struct seen *seen = &build->seen[build->count];

	for (unsigned i = 0; i < build->depth; i++) {
		if (build->path[i] == node)
			return kio__complain(build->diag, -ELOOP, place,
					     "this goes round in a circle: %s is below itself",
					     node->class_name);
	}
	if (build->depth == MOST_DEPTH)
		return kio__complain(build->diag, -E2BIG, place,
				     "there are more than %u layers, one below the other", MOST_DEPTH);
	if (build->count == MOST_NODES)
		return kio__complain(build->diag, -E2BIG, place, "there are more than %u layers",
				     MOST_NODES);
	*seen = (struct seen){ .node = node, .class_ = class_ };
	for (unsigned i = 0; i < build->count; i++)
		seen->number += build->seen[i].class_ == class_;
	build->count++;
	build->path[build->depth++] = node;
	return 0;
}

/* Is this what a layer without name= is called: its class and number? */
static bool
is_name_of(const char *name, const struct seen *seen)
{
	size_t len = strlen(seen->class_->name);
	char number[16];

	if (strncmp(name, seen->class_->name, len) != 0)
		return false;
	kio_format(number, sizeof(number), "%u", seen->number);
	return strcmp(name + len, number) == 0;
}

static int
check_name(const struct build *build, unsigned index)
{
	const struct kio_node *node = build->seen[index].node;
	struct place place = kio__node_place(node);

	for (const char *at = node->name; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f)
			return kio__complain(build->diag, -EINVAL, place,
					     "name= has a control character");
	}
	for (unsigned i = 0; i < build->count; i++) {
		const struct seen *other = &build->seen[i];

		if (other->node->name == NULL && is_name_of(node->name, other))
			return kio__complain(build->diag, -EEXIST, place,
					     "'%s' is what another layer is called that has no name=",
					     node->name);
		if (i < index && other->node->name != NULL && strcmp(other->node->name, node->name) == 0)
			return kio__complain(build->diag, -EEXIST, place,
					     "the name '%s' is given twice", node->name);
	}
	return 0;
}

/* Messages and statistics tell layers apart by their names. */
static int
check_names(const struct build *build)
{
	int rc = 0;

	for (unsigned i = 0; i < build->count && rc == 0; i++) {
		if (build->seen[i].node->name != NULL)
			rc = check_name(build, i);
	}
	return rc;
}

static int build_node(struct build *build, struct kio_node *node, struct kio_layer **out);

/* key={ stack }: built and hung at the side, or below as the last leg; its top stored in the option's field. */
static int
build_sides(struct build *build, const struct kio_node *node, const struct kio_class *class_,
	    struct kio_layer *layer)
{
	const struct kio_opt *opt;
	struct kio_layer *side = NULL;
	int rc = 0;

	for (unsigned i = 0; i < node->arg_count && rc == 0; i++) {
		if (node->args[i].stack == NULL)
			continue;
		rc = build_node(build, node->args[i].stack, &side);
		if (rc < 0 || layer == NULL)
			continue;
		opt = kio__option_find(class_, node->args[i].key);
		rc = (opt->flags & KIO_OPT_LEG) != 0 ? kio__layer_add_leg(layer, side) :
						       kio__layer_add_side(layer, side);
		*(struct kio_layer **)(void *)((char *)layer + opt->at) = side;
	}
	return rc;
}

static int
build_layer(struct build *build, const struct kio_node *node, const struct kio_class *class_,
	    struct kio_layer **out)
{
	struct kio_layer *layer = NULL, *leg = NULL;
	int rc = check_legs(build, node, class_);

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
build_node(struct build *build, struct kio_node *written, struct kio_layer **out)
{
	struct kio_node *node = kio__tree_resolve(build->tree, written, build->diag);
	const struct kio_class *class_ = node != NULL ? find_class(build, node) : NULL;
	int rc;

	if (class_ == NULL)
		return build->diag->error;
	rc = enter(build, written, node, class_);
	if (rc == 0) {
		rc = build_layer(build, node, class_, out);
		build->depth--;
	}
	return rc;
}

static int
run_build(struct build *build, struct kio_layer **top)
{
	int rc;

	if (build->tree->root == NULL)
		return kio_refuse(build->diag, -EINVAL, "there is no stack");
	build->seen = kio__alloc(MOST_NODES * sizeof(*build->seen));
	rc = build->seen == NULL ? -ENOMEM : build_node(build, build->tree->root, top);
	if (rc == 0)
		rc = check_names(build);
	kio__free(build->seen);
	if (rc < 0 && build->diag->text[0] == '\0')
		kio_refuse(build->diag, rc, "%e", rc);
	return rc;
}

int
kio_tree_check(const struct kio_tree *tree, struct kio_diag *diag)
{
	struct kio_diag own;
	struct build build = { .tree = tree, .diag = diag != NULL ? diag : &own };
	struct kio_layer *none;

	*build.diag = (struct kio_diag){ 0 };
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
	struct kio_diag own;
	struct kio_layer *top;
	int rc;

	if (diag == NULL)
		diag = &own;
	build.diag = diag;
	/* all of the text is right before any secret of it is read */
	rc = kio_tree_check(tree, diag);
	if (rc < 0)
		return rc;
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
