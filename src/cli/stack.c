/* SPDX-License-Identifier: MIT */
/*
 * kiobuf stack: checks the text of a stack and writes it as canonical text or
 * as JSON; and back.
 *
 *   node   { "class", "name"?, "options": [ { "key"?, "value" | "stack" } ],
 *            "legs": [ node ], "braces"? }
 *
 * A file has "definitions" too; "name" says which of them is the stack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

/* --- to JSON ------------------------------------------------------------ */

/* NULL: something in it is no UTF-8, which is all that JSON can hold. */
static json_t *json_node(const struct kio_node *node);

static json_t *
json_option(const struct kio_arg *arg)
{
	json_t *option = json_object();
	int rc = 0;

	if (arg->key != NULL)
		rc |= json_object_set_new(option, "key", json_string(arg->key));
	if (arg->stack != NULL)
		rc |= json_object_set_new(option, "stack", json_node(arg->stack));
	else
		rc |= json_object_set_new(option, "value", json_string(arg->value));
	if (rc == 0)
		return option;
	json_decref(option);
	return NULL;
}

static json_t *
json_node(const struct kio_node *node)
{
	json_t *result = json_object(), *options = json_array(), *legs = json_array();
	int rc = json_object_set_new(result, "class", json_string(node->class_name));

	if (node->name != NULL)
		rc |= json_object_set_new(result, "name", json_string(node->name));
	for (unsigned i = 0; i < node->arg_count; i++)
		rc |= json_array_append_new(options, json_option(&node->args[i]));
	rc |= json_object_set_new(result, "options", options);
	for (unsigned i = 0; i < node->leg_count; i++)
		rc |= json_array_append_new(legs, json_node(node->legs[i]));
	rc |= json_object_set_new(result, "legs", legs);
	if (node->braces)
		rc |= json_object_set_new(result, "braces", json_true());
	if (rc == 0)
		return result;
	json_decref(result);
	return NULL;
}

/* The definition that the stack is, or NULL. */
static const struct kio_definition *
root_definition(const struct kio_tree *tree)
{
	for (unsigned i = 0; i < tree->definition_count; i++) {
		if (tree->definitions[i].root == tree->root)
			return &tree->definitions[i];
	}
	return NULL;
}

static json_t *
json_definition(const struct kio_definition *definition)
{
	return json_pack("{s:s, s:b, s:o}", "name", definition->name, "export", definition->is_export,
			 "stack", json_node(definition->root));
}

static int
print_json(const struct cli *cli, const struct kio_tree *tree)
{
	const struct kio_definition *root = root_definition(tree);
	json_t *result = json_object(), *definitions = json_array();
	int rc = json_object_set_new(result, "stack", json_node(tree->root));

	if (root != NULL)
		rc |= json_object_set_new(result, "name", json_string(root->name));
	for (unsigned i = 0; i < tree->definition_count; i++)
		rc |= json_array_append_new(definitions, json_definition(&tree->definitions[i]));
	rc |= json_object_set_new(result, "definitions", definitions);
	if (rc == 0)
		return cli_print_json("stack", result);
	json_decref(result);
	return cli_fail(cli, EXIT_USAGE, "the text is not UTF-8; JSON cannot hold it");
}

/* --- to text ------------------------------------------------------------ */

static int
print_line(const char *head, const char *name, const struct kio_node *root)
{
	struct kio_tree tree = { .root = (struct kio_node *)(uintptr_t)root };
	char *text = kio_tree_format(&tree);

	if (text == NULL)
		return EXIT_BUG;
	printf("%s%s%s%s\n", head, name, name[0] != '\0' ? " = " : "", text);
	free(text);
	return EXIT_YES;
}

/* One line; of a file with definitions as many as it has. */
static int
print_text(const struct kio_tree *tree)
{
	const struct kio_definition *each = tree->definitions;
	int rc = EXIT_YES;

	for (unsigned i = 0; i < tree->definition_count && rc == EXIT_YES; i++, each++)
		rc = print_line(each->is_export ? "export " : "stack ", each->name, each->root);
	if (rc == EXIT_YES && root_definition(tree) == NULL)
		rc = print_line("", "", tree->root);
	return rc;
}

/* --- from JSON ---------------------------------------------------------- */

#define MOST_DEPTH 128u

struct reader {
	const struct cli *cli;
	struct kio_tree *tree;
	unsigned depth;
};

static int
bad(const struct reader *reader, const char *what)
{
	return cli_fail(reader->cli, EXIT_USAGE, "the JSON is not a stack: %s", what);
}

/* What the language can say before =; name= is not an option but the node's name. */
static bool
is_key(const json_t *json)
{
	const char *text = json_string_value(json);

	return text != NULL && text[0] >= 'a' && text[0] <= 'z' && strcmp(text, "name") != 0 &&
	       text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0';
}

/* A member that is not understood is not passed over. known: names, NULL at the end. */
static bool
has_only(const json_t *json, const char *const *known)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)json, key, value) {
		const char *const *name = known;

		while (*name != NULL && strcmp(*name, key) != 0)
			name++;
		if (*name == NULL)
			return false;
	}
	return true;
}

static int read_node(struct reader *reader, const json_t *json, struct kio_node **out);

static int
read_option(struct reader *reader, const json_t *json, struct kio_node *node)
{
	const json_t *key = json_object_get(json, "key"), *value = json_object_get(json, "value");
	const json_t *stack = json_object_get(json, "stack");
	static const char *const known[] = { "key", "value", "stack", NULL };
	struct kio_node *side = NULL;
	int rc = EXIT_YES;

	if (!json_is_object(json) || !has_only(json, known))
		return bad(reader, "an option is an object with key, value and stack, and nothing else");
	if ((key != NULL && !is_key(key)) || (stack != NULL && key == NULL))
		return bad(reader, "the key of an option is a word of small letters; that of a stack is needed");
	if ((value == NULL) == (stack == NULL) || (value != NULL && !json_is_string(value)))
		return bad(reader, "an option has a value, which is a string, or a stack");
	if (stack != NULL)
		rc = read_node(reader, stack, &side);
	if (rc == EXIT_YES && kio_tree_arg(reader->tree, node, json_string_value(key),
					   json_string_value(value), side) < 0)
		rc = bad(reader, "out of memory");
	return rc;
}

static int
read_node(struct reader *reader, const json_t *json, struct kio_node **out)
{
	const json_t *name = json_object_get(json, "name"), *class_ = json_object_get(json, "class");
	const json_t *options = json_object_get(json, "options"), *legs = json_object_get(json, "legs");
	static const char *const known[] = { "class", "name", "options", "legs", "braces", NULL };
	struct kio_node *node, *leg;
	int rc = EXIT_YES;

	if (!json_is_string(class_) || (name != NULL && json_string_length(name) == 0))
		return bad(reader, "a node has a class, which is a string, and perhaps a name");
	if (!has_only(json, known))
		return bad(reader, "a node has class, name, options, legs and braces, and nothing else");
	if ((options != NULL && !json_is_array(options)) || (legs != NULL && !json_is_array(legs)))
		return bad(reader, "options and legs are arrays");
	if (reader->depth++ == MOST_DEPTH)
		return bad(reader, "it is nested too deep");
	node = kio_tree_node(reader->tree, json_string_value(class_), json_string_value(name));
	if (node == NULL)
		return bad(reader, "out of memory");
	node->braces = json_is_true(json_object_get(json, "braces"));
	for (size_t i = 0; i < json_array_size(options) && rc == EXIT_YES; i++)
		rc = read_option(reader, json_array_get(options, i), node);
	for (size_t i = 0; i < json_array_size(legs) && rc == EXIT_YES; i++) {
		rc = read_node(reader, json_array_get(legs, i), &leg);
		if (rc == EXIT_YES && kio_tree_leg(reader->tree, node, leg) < 0)
			rc = bad(reader, "out of memory");
	}
	reader->depth--;
	*out = node;
	return rc;
}

static int
define(struct reader *reader, const char *name, bool is_export, struct kio_node *root)
{
	switch (kio_tree_define(reader->tree, name, is_export, root)) {
	case 0: return EXIT_YES;
	case -EEXIST: return bad(reader, "a definition's name is there twice");
	case -EINVAL: return bad(reader, "a definition's name has letters, digits, . _ and - alone");
	default: return bad(reader, "out of memory");
	}
}

static int
read_definitions(struct reader *reader, const json_t *list)
{
	struct kio_node *root;
	int rc = EXIT_YES;

	for (size_t i = 0; i < json_array_size(list) && rc == EXIT_YES; i++) {
		const json_t *each = json_array_get(list, i), *name = json_object_get(each, "name");

		if (!json_is_string(name))
			return bad(reader, "a definition has a name");
		rc = read_node(reader, json_object_get(each, "stack"), &root);
		if (rc == EXIT_YES)
			rc = define(reader, json_string_value(name),
				    json_is_true(json_object_get(each, "export")), root);
	}
	return rc;
}

/* The definition that the file names is the stack; what stands under "stack" is the same again. */
static int
choose_root(struct reader *reader, const json_t *name)
{
	struct kio_tree *tree = reader->tree;

	if (name == NULL)
		return EXIT_YES;
	for (unsigned i = 0; json_is_string(name) && i < tree->definition_count; i++) {
		if (strcmp(tree->definitions[i].name, json_string_value(name)) == 0) {
			tree->root = tree->definitions[i].root;
			return EXIT_YES;
		}
	}
	return bad(reader, "its name is that of a definition");
}

static int
read_json(const struct cli *cli, const char *path, struct kio_tree **out)
{
	struct reader reader = { .cli = cli, .tree = kio_tree_create() };
	json_error_t error;
	json_t *json = strcmp(path, "-") == 0 ? json_loadf(stdin, JSON_REJECT_DUPLICATES, &error) :
						json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	const char *schema = json_string_value(json_object_get(json, "schema"));
	int rc;

	if (json == NULL && json_error_code(&error) == json_error_cannot_open_file)
		rc = cli_fail(cli, EXIT_OPEN, "%s", error.text);
	else if (json == NULL)
		rc = cli_fail(cli, EXIT_USAGE, "%s:%d:%d: %s", path, error.line, error.column, error.text);
	else if (schema == NULL || strcmp(schema, "kiobuf/stack/1") != 0)
		rc = bad(&reader, "its schema is not kiobuf/stack/1");
	else
		rc = read_node(&reader, json_object_get(json, "stack"), &reader.tree->root);
	if (rc == EXIT_YES)
		rc = read_definitions(&reader, json_object_get(json, "definitions"));
	if (rc == EXIT_YES)
		rc = choose_root(&reader, json_object_get(json, "name"));
	json_decref(json);
	if (rc != EXIT_YES)
		kio_tree_destroy(reader.tree);
	*out = reader.tree;
	return rc;
}

/* --- the command -------------------------------------------------------- */

static int
run_stack(struct cli *cli)
{
	const char *from = cli_text(cli, "from-json", NULL), *text = cli->count == 1 ? cli->args[0] : "";
	struct kio_tree *tree = NULL;
	struct kio_diag diag;
	int rc = EXIT_YES;

	if ((from != NULL) == (cli->count == 1))
		return cli_fail(cli, EXIT_USAGE, "give the text of a stack, or --from-json FILE");
	if (from != NULL)
		rc = read_json(cli, from, &tree);
	else if (kio_tree_parse(&tree, text, cli->set, &diag) < 0)
		rc = cli_diag(cli, text, &diag);
	if (rc != EXIT_YES)
		return rc;
	if (!cli_flag(cli, "syntax-only") && kio_tree_check(tree, &diag) < 0) {
		cli_diag(cli, text, &diag);
		kio_tree_destroy(tree);
		return EXIT_USAGE;
	}
	rc = cli->json ? print_json(cli, tree) : print_text(tree);
	kio_tree_destroy(tree);
	return rc;
}

static const struct cli_option options[] = {
	{ "from-json", OPTION_TEXT, "FILE", "read the stack as JSON; - is standard input" },
	{ "syntax-only", OPTION_FLAG, NULL, "do not look whether layers and options exist" },
	CLI_OPTION_SET,
	CLI_OPTION_LOAD,
	{ 0 }
};

const struct cli_command cli_stack = {
	.name = "stack",
	.arguments = "[TEXT]",
	.summary = "check the text of a stack; write it as text or, with --json, as JSON",
	.more = "Opens nothing. What is printed reads back as the same stack;\n"
		"of a file with definitions it has them all.",
	.least = 0,
	.most = 1,
	.options = options,
	.run = run_stack,
};
