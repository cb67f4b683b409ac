/* SPDX-License-Identifier: MIT */
/*
 * A stack as JSON. What is accepted is written as text that parses to the same,
 * and as JSON that reads back to the same.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* the reader is the command's own; what it needs of the command stands below */
#include "cli/stack.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct cli cli;
static char *printed;

int
cli_fail(const struct cli *unused, int code, const char *format, ...)
{
	(void)unused;
	(void)format;
	return code;
}

int
cli_diag(const struct cli *unused, const char *text, const struct kio_diag *diag)
{
	(void)unused;
	(void)text;
	(void)diag;
	return EXIT_USAGE;
}

const char *
cli_text(const struct cli *unused, const char *name, const char *otherwise)
{
	(void)unused;
	(void)name;
	return otherwise;
}

bool
cli_flag(const struct cli *unused, const char *name)
{
	(void)unused;
	(void)name;
	return false;
}

int
cli_print_json(const char *name, json_t *result)
{
	json_object_set_new(result, "schema", json_sprintf("kiobuf/%s/1", name));
	printed = json_dumps(result, 0);
	json_decref(result);
	return printed != NULL ? EXIT_YES : EXIT_BUG;
}

/* From standard input, as `kiobuf stack --from-json -` does. */
static struct kio_tree *
read_text(const char *text, size_t size)
{
	FILE *saved = stdin;
	struct kio_tree *tree = NULL;

	stdin = fmemopen((void *)(uintptr_t)text, size, "r");
	if (stdin == NULL)
		abort();
	if (read_json(&cli, "-", &tree) != EXIT_YES)
		tree = NULL;
	fclose(stdin);
	stdin = saved;
	return tree;
}

static char *
must_format(const struct kio_tree *tree)
{
	char *text = tree != NULL ? kio_tree_format(tree) : NULL;

	if (text == NULL)
		abort();
	return text;
}

static void
must_equal(const char *a, const char *b)
{
	if (strcmp(a, b) == 0)
		return;
	fprintf(stderr, "%s\n%s\n", a, b);
	abort();
}

static void
check_text(const char *text)
{
	struct kio_diag diag;
	struct kio_tree *tree;
	char *again;

	if (kio_tree_parse(&tree, text, NULL, &diag) < 0) {
		fprintf(stderr, "%s\n  %s\n", text, diag.text);
		abort();
	}
	again = must_format(tree);
	must_equal(text, again);
	free(again);
	kio_tree_destroy(tree);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct kio_tree *tree, *second;
	struct kio_diag diag;
	char *text, *again;

	if (size == 0)
		return 0;
	tree = read_text((const char *)data, size);
	if (tree == NULL)
		return 0;
	kio_tree_check(tree, &diag);
	text = must_format(tree);
	check_text(text);
	if (print_json(&cli, tree) != EXIT_YES)
		abort();
	second = read_text(printed, strlen(printed));
	again = must_format(second);
	must_equal(text, again);
	kio_tree_destroy(second);
	kio_tree_destroy(tree);
	free(printed);
	free(again);
	free(text);
	return 0;
}
