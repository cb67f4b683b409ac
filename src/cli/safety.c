/* SPDX-License-Identifier: MIT */
/*
 * What may be overwritten unasked: a file that does not exist, and a stack whose
 * drivers keep nothing once it is closed.
 */
#include "cli/safety.h"

#include <string.h>
#include <unistd.h>

/* use goes on in a definition; all of those are looked at anyway */
static const char *const keep_nothing[] = { "mem", "null", "sim", "use" };

static bool
node_keeps(const struct kio_node *node)
{
	bool keeps = node->leg_count == 0;

	for (size_t i = 0; i < sizeof(keep_nothing) / sizeof(keep_nothing[0]); i++)
		keeps = keeps && strcmp(node->class_name, keep_nothing[i]) != 0;
	for (unsigned i = 0; i < node->leg_count && !keeps; i++)
		keeps = node_keeps(node->legs[i]);
	for (unsigned i = 0; i < node->arg_count && !keeps; i++)
		keeps = node->args[i].stack != NULL && node_keeps(node->args[i].stack);
	return keeps;
}

bool
cli_may_hold_data(const struct cli *cli, const char *argument)
{
	struct kio_tree *tree;
	bool keeps;

	if (cli_is_file(argument))
		return access(argument, F_OK) == 0;
	if (kio_tree_parse(&tree, argument, cli->set, NULL) < 0)
		return false;
	keeps = node_keeps(tree->root);
	for (unsigned i = 0; i < tree->definition_count; i++)
		keeps = keeps || node_keeps(tree->definitions[i].root);
	kio_tree_destroy(tree);
	return keeps;
}
