/* SPDX-License-Identifier: MIT */
/*
 * What may be overwritten unasked: a file that does not exist, and a stack whose
 * drivers keep nothing once it is closed; by create, what is all zero, too.
 */
#include "cli/safety.h"

#include <kiobuf/layer.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define PIECE 65536
#define MOST_DEPTH 128 /* more is refused when it is opened */

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

static bool
tree_keeps(const struct kio_tree *tree)
{
	bool keeps = node_keeps(tree->root);

	for (unsigned i = 0; i < tree->definition_count; i++)
		keeps = keeps || node_keeps(tree->definitions[i].root);
	return keeps;
}

int
cli_refuse_overwrite(const struct cli *cli, const char *argument)
{
	struct kio_tree *tree;
	struct kio_diag diag;
	int rc;

	if (cli_is_file(argument) && access(argument, F_OK) != 0)
		return EXIT_YES;
	if (cli_is_file(argument))
		return cli_fail(cli, EXIT_REFUSED, "%s exists; --force overwrites it", argument);
	if (kio_tree_parse(&tree, argument, cli->set, &diag) < 0)
		return cli_diag(cli, argument, &diag);
	rc = cli_check_text(cli, argument, tree);
	if (rc == EXIT_YES && tree_keeps(tree))
		rc = cli_fail(cli, EXIT_REFUSED, "%s may hold data; --force overwrites it", argument);
	kio_tree_destroy(tree);
	return rc;
}

/* --- what is there ------------------------------------------------------- */

/* The first byte of [from, to) that is not zero; to: there is none. */
static off_t
first_byte(int fd, off_t from, off_t to)
{
	static unsigned char piece[PIECE];
	ssize_t got;

	while (from < to && (got = pread(fd, piece, sizeof(piece), from)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (piece[i] != 0)
				return from + i;
		}
		from += got;
	}
	return to;
}

/* Is there a byte that is not zero? One that cannot be read is for opening to complain of. */
static bool
holds_data(const char *path, off_t *at)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	off_t size, end;

	if (fd < 0)
		return false;
	size = lseek(fd, 0, SEEK_END);
	for (*at = 0; *at < size; *at = end) {
		/* a device tells no holes: all of it is read */
		end = lseek(fd, *at, SEEK_DATA);
		if (end < 0 && errno == ENXIO)
			break;
		*at = end >= 0 ? end : *at;
		end = lseek(fd, *at, SEEK_HOLE);
		if (end < 0)
			end = size;
		*at = first_byte(fd, *at, end);
		if (*at < end) {
			close(fd);
			return true;
		}
	}
	close(fd);
	return false;
}

/* What `use NAME` stands for. A circle is for opening to complain of. */
static const struct kio_node *
resolve(const struct kio_tree *tree, const struct kio_node *node)
{
	const struct kio_node *found = node;

	for (unsigned steps = 0; steps <= tree->definition_count; steps++) {
		if (strcmp(found->class_name, "use") != 0 || found->arg_count == 0 || found->args[0].value == NULL)
			return found;
		for (unsigned i = 0; i < tree->definition_count; i++) {
			if (strcmp(tree->definitions[i].name, found->args[0].value) == 0) {
				found = tree->definitions[i].root;
				break;
			}
		}
	}
	return node;
}

static int
refuse_path(const struct cli *cli, const struct kio_arg *arg)
{
	off_t at;

	if ((arg->key != NULL && strcmp(arg->key, "path") != 0) || !holds_data(arg->value, &at))
		return EXIT_YES;
	return cli_fail(cli, EXIT_REFUSED, "%s holds data, at %lld for one; --force overwrites what is there",
			arg->value, (long long)at);
}

/* below: a layer above writes metadata. */
static int
refuse_node(const struct cli *cli, const struct kio_tree *tree, const struct kio_node *written, bool below,
	    unsigned depth)
{
	const struct kio_node *node = resolve(tree, written);
	const struct kio_class *class_ = kio_class_find(node->class_name);
	bool shares = class_ != NULL && (class_->bits & KIO_SHARES_BASE) != 0;
	int rc = EXIT_YES;

	if (depth == MOST_DEPTH)
		return EXIT_YES;
	below = below || (class_ != NULL && class_->create != NULL);
	/* a shared base is only read */
	for (unsigned i = shares ? 1 : 0; i < node->leg_count && rc == EXIT_YES; i++)
		rc = refuse_node(cli, tree, node->legs[i], below, depth + 1);
	for (unsigned i = 0; i < node->arg_count && rc == EXIT_YES; i++) {
		if (node->args[i].stack != NULL)
			rc = refuse_node(cli, tree, node->args[i].stack, below, depth + 1);
		else if (below && strcmp(node->class_name, "file") == 0)
			rc = refuse_path(cli, &node->args[i]);
	}
	return rc;
}

int
cli_refuse_data(const struct cli *cli, const char *argument)
{
	struct kio_tree *tree;
	int rc;

	if (cli_is_file(argument) || kio_tree_parse(&tree, argument, cli->set, NULL) < 0)
		return EXIT_YES;
	rc = tree->root != NULL ? refuse_node(cli, tree, tree->root, false, 0) : EXIT_YES;
	kio_tree_destroy(tree);
	return rc;
}

static const struct kio_node *
find_node(const struct kio_node *node, const char *name)
{
	const struct kio_node *found = node->name != NULL && strcmp(node->name, name) == 0 ? node : NULL;

	for (unsigned i = 0; i < node->leg_count && found == NULL; i++)
		found = find_node(node->legs[i], name);
	for (unsigned i = 0; i < node->arg_count && found == NULL; i++)
		found = node->args[i].stack != NULL ? find_node(node->args[i].stack, name) : NULL;
	return found;
}

int
cli_refuse_leg_data(const struct cli *cli, const char *argument, const char *leg)
{
	const struct kio_node *node = NULL;
	struct kio_tree *tree;
	struct kio_diag diag;
	int rc;

	if (kio_tree_parse(&tree, argument, cli->set, &diag) < 0)
		return cli_diag(cli, argument, &diag);
	if (tree->root != NULL)
		node = find_node(tree->root, leg);
	for (unsigned i = 0; i < tree->definition_count && node == NULL; i++)
		node = find_node(tree->definitions[i].root, leg);
	rc = node != NULL ? refuse_node(cli, tree, node, true, 0) :
			    cli_fail(cli, EXIT_USAGE, "no layer is written with name=%s", leg);
	kio_tree_destroy(tree);
	return rc;
}
