/* SPDX-License-Identifier: MIT */
/*
 * The text of a stack. What parses is written again as text that parses to the
 * same; what does not has a reason and a place inside the text.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kiobuf/kiobuf.h>
#include <kiobuf/tree.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const set[] = { "k=v", "size=1M", "blank=a b", "brace={ mem 1 }", NULL };

static void
check_place(const struct kio_diag *diag, size_t size)
{
	if (diag->error >= 0 || diag->text[0] == '\0' || diag->column > size + 1)
		abort();
}

static void
check_again(const struct kio_tree *tree)
{
	char *text = kio_tree_format(tree), *again;
	struct kio_tree *second;
	struct kio_diag diag;

	if (text == NULL)
		abort();
	if (kio_tree_parse(&second, text, NULL, &diag) < 0) {
		fprintf(stderr, "%s\n  %s\n", text, diag.text);
		abort();
	}
	again = kio_tree_format(second);
	if (again == NULL || strcmp(text, again) != 0) {
		fprintf(stderr, "%s\n%s\n", text, again != NULL ? again : "NULL");
		abort();
	}
	kio_tree_destroy(second);
	free(again);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kio_diag diag = { .error = 0 };
	struct kio_tree *tree;
	char *text;

	/* files are not read here */
	if (memchr(data, '@', size) != NULL)
		return 0;
	text = malloc(size + 1);
	if (text == NULL)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (kio_tree_parse(&tree, text, set, &diag) < 0) {
		check_place(&diag, size);
	} else {
		kio_tree_check(tree, &diag);
		if (tree->root != NULL)
			check_again(tree);
		kio_tree_destroy(tree);
	}
	free(text);
	return 0;
}
