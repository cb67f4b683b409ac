/* SPDX-License-Identifier: MIT */
#ifndef STACK_TEXT_H
#define STACK_TEXT_H

/*
 * What the files of the language share: a place in a text, complaints about it,
 * memory that lives as long as a tree, and guesses at what was meant.
 */

#include <kiobuf/tree.h>

struct place {
	const char *source; /* a file, or "" */
	unsigned line, column;
};

/*
 * "web.kio:3:14: no option ..."; returns error. As kio_format. In a tree that
 * was not made from text there are no lines, and the sentence is all.
 */
int kio__complain(struct kio_diag *diag, int error, struct place place, const char *format, ...);

/* A list of allocations that are freed together; secrets are wiped. */
struct kept {
	struct kept *next;
	size_t size;
	char data[] __attribute__((aligned(16)));
};

void *kio__keep(struct kept **list, size_t size);
char *kio__keep_text(struct kept **list, const char *text, size_t len);
void kio__kept_free(struct kept **list);

/* Of several names, the one most like a word; NULL: none is. Begin with a zeroed guess. */
struct guess {
	const char *best;
	unsigned distance;
};

void kio__guess(struct guess *guess, const char *word, const char *name);
/* "; did you mean 'chunk'?", or "". */
const char *kio__guessed(const struct guess *guess, char *text, size_t size);

/*
 * Reads a descriptor to its end, at most `most` bytes, and stores how many came.
 * 0 or -errno.
 */
int kio__read_whole(int fd, void *into, size_t most, size_t *len);

/* The tree with its memory. */
struct tree {
	struct kio_tree tree; /* first */
	struct kept *kept;
	unsigned nodes;
};

/*
 * How deep and how large a stack may be, so that a foreign text exhausts
 * nothing: depth is layers on one way down, and what recursion costs.
 */
#define MOST_DEPTH 128u
#define MOST_NODES 4096u
#define MOST_TEXT ((size_t)1 << 20)

/* The definition that use names, or NULL. */
const struct kio_definition *kio__tree_find(const struct kio_tree *tree, const char *name);
/* Follows use to what stands for it; NULL and a complaint: unknown, or in a circle. */
struct kio_node *kio__tree_resolve(const struct kio_tree *tree, struct kio_node *node,
				   struct kio_diag *diag);
/* May it name a definition? Letters, digits and . _ - , so that it is a word wherever it stands. */
bool kio__is_name(const char *text);
struct place kio__node_place(const struct kio_node *node);
struct place kio__arg_place(const struct kio_node *node, const struct kio_arg *arg);

#endif
