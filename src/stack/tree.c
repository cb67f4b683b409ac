/* SPDX-License-Identifier: MIT */
/*
 * Trees: made node by node, by the parser or a program, and written as text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiobuf/layer.h>

#include "port/port.h"
#include "stack/text.h"

static struct tree *
tree_of(struct kio_tree *tree)
{
	return (struct tree *)(void *)tree;
}

struct kio_tree *
kio_tree_create(void)
{
	struct tree *tree = kio__alloc(sizeof(*tree));

	return tree != NULL ? &tree->tree : NULL;
}

void
kio_tree_destroy(struct kio_tree *tree)
{
	if (tree == NULL)
		return;
	kio__kept_free(&tree_of(tree)->kept);
	kio__free(tree);
}

static char *
copy(struct kio_tree *tree, const char *text)
{
	return kio__keep_text(&tree_of(tree)->kept, text, strlen(text));
}

struct kio_node *
kio_tree_node(struct kio_tree *tree, const char *class_name, const char *name)
{
	struct kio_node *node = kio__keep(&tree_of(tree)->kept, sizeof(*node));

	if (node == NULL)
		return NULL;
	node->class_name = copy(tree, class_name);
	node->name = name != NULL ? copy(tree, name) : NULL;
	node->source = "";
	if (node->class_name == NULL || (name != NULL && node->name == NULL))
		return NULL;
	tree_of(tree)->nodes++;
	return node;
}

/* An array grows by doubling; what it was is freed with the tree. */
static void *
grow(struct kio_tree *tree, void *array, unsigned count, size_t size)
{
	void *grown;

	if (count != 0 && (count & (count - 1)) != 0)
		return array;
	grown = kio__keep(&tree_of(tree)->kept, (count == 0 ? 1 : (size_t)count * 2) * size);
	if (grown != NULL && count != 0)
		memcpy(grown, array, count * size);
	return grown;
}

int
kio_tree_arg(struct kio_tree *tree, struct kio_node *node, const char *key, const char *value,
	     struct kio_node *stack)
{
	struct kio_arg *args = grow(tree, node->args, node->arg_count, sizeof(*args)), *arg;

	if (args == NULL)
		return -ENOMEM;
	node->args = args;
	arg = &args[node->arg_count];
	*arg = (struct kio_arg){ .stack = stack, .line = node->line, .column = node->column };
	arg->key = key != NULL ? copy(tree, key) : NULL;
	arg->value = value != NULL ? copy(tree, value) : NULL;
	if ((key != NULL && arg->key == NULL) || (value != NULL && arg->value == NULL))
		return -ENOMEM;
	node->arg_count++;
	return 0;
}

int
kio_tree_leg(struct kio_tree *tree, struct kio_node *node, struct kio_node *leg)
{
	struct kio_node **legs = grow(tree, node->legs, node->leg_count, sizeof(*legs));

	if (legs == NULL)
		return -ENOMEM;
	node->legs = legs;
	legs[node->leg_count++] = leg;
	return 0;
}

bool
kio__is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return text[0] != '\0' && text[strspn(text, letters)] == '\0';
}

int
kio_tree_define(struct kio_tree *tree, const char *name, bool is_export, struct kio_node *root)
{
	struct kio_definition *all;
	char *own;

	if (!kio__is_name(name))
		return -EINVAL;
	if (kio__tree_find(tree, name) != NULL)
		return -EEXIST;
	all = grow(tree, tree->definitions, tree->definition_count, sizeof(*all));
	own = copy(tree, name);
	if (all == NULL || own == NULL)
		return -ENOMEM;
	tree->definitions = all;
	all[tree->definition_count++] =
		(struct kio_definition){ .name = own, .is_export = is_export, .root = root };
	return 0;
}

const struct kio_definition *
kio__tree_find(const struct kio_tree *tree, const char *name)
{
	for (unsigned i = 0; i < tree->definition_count; i++) {
		if (strcmp(tree->definitions[i].name, name) == 0)
			return &tree->definitions[i];
	}
	return NULL;
}

struct place
kio__node_place(const struct kio_node *node)
{
	return (struct place){ node->source, node->line, node->column };
}

struct place
kio__arg_place(const struct kio_node *node, const struct kio_arg *arg)
{
	return (struct place){ node->source, arg->line, arg->column };
}

struct kio_node *
kio__tree_resolve(const struct kio_tree *tree, struct kio_node *node, struct kio_diag *diag)
{
	const struct kio_node *first = node;
	const struct kio_definition *found;
	struct guess guess = { 0 };
	unsigned steps = 0;
	char text[80];

	while (strcmp(node->class_name, "use") == 0) {
		if (node->arg_count != 1 || node->args[0].key != NULL || node->leg_count != 0) {
			kio__complain(diag, -EINVAL, kio__node_place(node),
				      "use takes the name of a stack, and nothing is below it");
			return NULL;
		}
		found = kio__tree_find(tree, node->args[0].value);
		if (found == NULL) {
			for (unsigned i = 0; i < tree->definition_count; i++)
				kio__guess(&guess, node->args[0].value, tree->definitions[i].name);
			kio__complain(diag, -ENOENT, kio__arg_place(node, node->args),
				      "no stack '%s' is defined%s", node->args[0].value,
				      kio__guessed(&guess, text, sizeof(text)));
			return NULL;
		}
		node = found->root;
		if (steps++ > tree->definition_count) {
			kio__complain(diag, -ELOOP, kio__node_place(first),
				      "use %s goes round in a circle", first->args[0].value);
			return NULL;
		}
	}
	return node;
}

/* --- as text ------------------------------------------------------------ */

static bool
is_key(const char *word)
{
	const char *at = word;

	if (*at < 'a' || *at > 'z')
		return false;
	while ((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' || *at == '_')
		at++;
	return *at == '=';
}

static void
put_word(FILE *out, const char *word, bool bare)
{
	bool plain = word[0] != '\0' && strpbrk(word, " \t\r\n{};|\"#\\") == NULL &&
		     strstr(word, "${") == NULL && word[0] != '@' && strcmp(word, "=") != 0;

	if (plain && !(bare && is_key(word))) {
		fputs(word, out);
		return;
	}
	fputc('"', out);
	for (; *word != '\0'; word++) {
		if (*word == '"' || *word == '\\' || *word == '$')
			fputc('\\', out);
		if (*word == '\n')
			fputs("\\n", out);
		else
			fputc(*word, out);
	}
	fputc('"', out);
}

/* At the beginning of a text these two would begin a definition. */
static void
put_class(FILE *out, const char *name)
{
	if (strcmp(name, "stack") == 0 || strcmp(name, "export") == 0)
		fprintf(out, "\"%s\"", name);
	else
		put_word(out, name, true);
}

static void
put_stack(FILE *out, const struct kio_node *node)
{
	for (;; node = node->legs[0]) {
		put_class(out, node->class_name);
		for (unsigned i = 0; i < node->arg_count; i++) {
			const struct kio_arg *arg = &node->args[i];

			fputc(' ', out);
			if (arg->key != NULL)
				fprintf(out, "%s=", arg->key);
			if (arg->stack != NULL) {
				fputs("{ ", out);
				put_stack(out, arg->stack);
				fputs(" }", out);
			} else {
				put_word(out, arg->value, arg->key == NULL);
			}
		}
		if (node->name != NULL) {
			fputs(" name=", out);
			put_word(out, node->name, false);
		}
		if (node->leg_count == 0 || node->braces || node->leg_count > 1)
			break;
		fputs(" | ", out);
	}
	if (node->leg_count == 0)
		return;
	fputs(" {", out);
	for (unsigned i = 0; i < node->leg_count; i++) {
		fputs(i == 0 ? " " : " ; ", out);
		put_stack(out, node->legs[i]);
	}
	fputs(" }", out);
}

char *
kio_tree_format(const struct kio_tree *tree)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	if (tree->root != NULL)
		put_stack(out, tree->root);
	if (fclose(out) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
