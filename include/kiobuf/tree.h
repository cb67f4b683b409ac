/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_TREE_H
#define KIOBUF_TREE_H

/*
 * kio_tree: the text of a stack, taken apart and not yet opened. For programs
 * that make, check or convert stacks; kio_stack_open does all of it by itself.
 *
 *   crypt key-file=k | mirror { file a name=left ; file b }
 *
 *   node "crypt"  arg key-file=k
 *     leg 0: node "mirror"
 *              leg 0: node "file"  name left, arg (word) a
 *              leg 1: node "file"             arg (word) b
 *
 * Rules
 *  1. A tree is read only, once made, and freed as a whole.
 *  2. Parsing checks the grammar, resolves ${key} and reads @file; it does not
 *     look at the classes. kio_tree_check does.
 */

#include <kiobuf/base.h>
#include <kiobuf/stack.h>

KIO_BEGIN

/* One option of a node. */
struct kio_arg {
	const char *key;        /* NULL: a bare word */
	const char *value;      /* NULL when stack is set */
	struct kio_node *stack; /* key={ stack } */
	unsigned line, column;
};

struct kio_node {
	const char *class_name;
	const char *name; /* as written with name=; NULL: given when opened */
	struct kio_arg *args;
	struct kio_node **legs;
	unsigned arg_count, leg_count;
	bool braces; /* the legs were written in braces */
	unsigned line, column;
	const char *source; /* the file it was read from, or "" */
};

/* A stack or export defined in an @file. */
struct kio_definition {
	const char *name;
	bool is_export;
	struct kio_node *root;
};

struct kio_tree {
	struct kio_node *root; /* NULL: only definitions */
	struct kio_definition *definitions;
	unsigned definition_count;
};

/* set as in kio_stack_options; may be NULL. "@file" reads a file; "@file:name" takes one of its definitions. */
KIO_PUBLIC int kio_tree_parse(struct kio_tree **tree, const char *text, const char *const *set,
			      struct kio_diag *diag);

/* An empty tree to build by hand, and its nodes and arguments, copied into it. NULL: out of memory. */
KIO_PUBLIC struct kio_tree *kio_tree_create(void);
KIO_PUBLIC struct kio_node *kio_tree_node(struct kio_tree *tree, const char *class_name,
					  const char *name);
KIO_PUBLIC int kio_tree_arg(struct kio_tree *tree, struct kio_node *node, const char *key,
			    const char *value, struct kio_node *stack);
KIO_PUBLIC int kio_tree_leg(struct kio_tree *tree, struct kio_node *node, struct kio_node *leg);
/* name: letters, digits and . _ - ; else -EINVAL. -EEXIST: it is defined already. */
KIO_PUBLIC int kio_tree_define(struct kio_tree *tree, const char *name, bool is_export,
			       struct kio_node *root);
KIO_PUBLIC void kio_tree_destroy(struct kio_tree *tree);

/* Classes, options, numbers of legs and names of the root, without opening anything. */
KIO_PUBLIC int kio_tree_check(const struct kio_tree *tree, struct kio_diag *diag);

/* The canonical text of the root; parses to an equal tree. The caller frees it. NULL: out of memory. */
KIO_PUBLIC char *kio_tree_format(const struct kio_tree *tree);

/* Opens it; options->set is not used. */
KIO_PUBLIC int kio_stack_open_tree(struct kio_stack **stack, const struct kio_tree *tree,
				   const struct kio_stack_options *options, struct kio_diag *diag);

KIO_END

#endif
