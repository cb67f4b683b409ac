/* SPDX-License-Identifier: MIT */
/*
 * kiobuf cow: what is done with an overlay that nobody has open. Overlay and
 * base are stacks of their own here, since a stack of both would only read the
 * base, and does not open while a commit is not finished.
 */
#include <inttypes.h>
#include <string.h>

#include "cli/cli.h"
#include "layers/cow_commit.h"

struct pair {
	struct kio_tree *tree;
	const char *text;
	struct kio_node *node; /* of the cow */
	char name[64];
	struct kio_stack *overlay, *base;
};

/* --- finding it ---------------------------------------------------------- */

/* What `use NAME` stands for. The tree has been checked: it goes in no circle. */
static struct kio_node *
resolve(const struct kio_tree *tree, struct kio_node *node)
{
	while (strcmp(node->class_name, "use") == 0) {
		for (unsigned i = 0; i < tree->definition_count; i++) {
			if (strcmp(tree->definitions[i].name, node->args[0].value) == 0) {
				node = tree->definitions[i].root;
				break;
			}
		}
	}
	return node;
}

/* The first from the top. */
static struct kio_node *
find_cow(const struct kio_tree *tree, struct kio_node *node)
{
	struct kio_node *found;

	node = resolve(tree, node);
	if (strcmp(node->class_name, "cow") == 0)
		return node;
	for (unsigned i = 0; i < node->leg_count; i++) {
		found = find_cow(tree, node->legs[i]);
		if (found != NULL)
			return found;
	}
	return NULL;
}

static int
open_one(const struct cli *cli, struct pair *pair, struct kio_node *root, bool read_only, struct kio_stack **stack)
{
	struct kio_stack_options options = { .engine = cli_text(cli, "engine", NULL), .log = cli_log,
					     .read_only = read_only };
	struct kio_node *whole = pair->tree->root;
	struct kio_diag diag;
	int rc;

	pair->tree->root = root;
	rc = kio_stack_open_tree(stack, pair->tree, &options, &diag);
	pair->tree->root = whole;
	return rc < 0 ? cli_diag(cli, pair->text, &diag) : EXIT_YES;
}

static int
close_one(const struct cli *cli, struct kio_stack **stack)
{
	struct kio_diag diag;

	return kio_stack_close(stack, &diag) < 0 ? cli_fail(cli, EXIT_IO, "%s", diag.text) : EXIT_YES;
}

static int
pair_close(const struct cli *cli, struct pair *pair, int rc)
{
	int overlay = close_one(cli, &pair->overlay), base = close_one(cli, &pair->base);

	kio_tree_destroy(pair->tree);
	return rc != EXIT_YES ? rc : overlay != EXIT_YES ? overlay : base;
}

static int
pair_find(const struct cli *cli, struct pair *pair)
{
	struct kio_diag diag;
	int rc;

	pair->text = cli->args[1];
	if (kio_tree_parse(&pair->tree, pair->text, cli->set, &diag) < 0)
		return cli_diag(cli, pair->text, &diag);
	rc = cli_check_text(cli, pair->text, pair->tree);
	if (rc != EXIT_YES)
		return rc;
	pair->node = find_cow(pair->tree, pair->tree->root);
	if (pair->node == NULL)
		return cli_fail(cli, EXIT_USAGE, "there is no cow in this stack");
	snprintf(pair->name, sizeof(pair->name), "%s", pair->node->name != NULL ? pair->node->name : "cow0");
	return EXIT_YES;
}

static struct kio_node *
overlay_of(const struct pair *pair)
{
	for (unsigned i = 0; i < pair->node->arg_count; i++) {
		if (pair->node->args[i].stack != NULL)
			return pair->node->args[i].stack;
	}
	return NULL;
}

/* Overlay and base; who of them is only read. */
static int
pair_open(const struct cli *cli, struct pair *pair, bool read_overlay, bool read_base)
{
	int rc = pair_find(cli, pair);

	if (rc == EXIT_YES)
		rc = open_one(cli, pair, overlay_of(pair), read_overlay, &pair->overlay);
	if (rc == EXIT_YES)
		rc = open_one(cli, pair, pair->node->legs[0], read_base, &pair->base);
	return rc;
}

static int
failed(const struct cli *cli, const struct pair *pair, int rc, const struct kio_diag *diag)
{
	struct kio_diag said = { .error = rc };

	if (cli_signal() != 0)
		return cli_fail(cli, EXIT_SIGNAL + cli_signal(), "stopped by a signal; the same command goes on");
	snprintf(said.text, sizeof(said.text), "%s: %.440s", pair->name, diag->text);
	return cli_diag(cli, pair->text, &said);
}

/* --- the verbs ------------------------------------------------------------ */

static json_t *
json_report(const struct pair *pair, const struct kio__cow_report *report, bool sound)
{
	const struct kio__cow_header *header = &report->header;

	return json_pack("{s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "cow", cli_json_text(pair->name),
			 "sound", sound, "size_bytes", (json_int_t)header->size, "cluster_bytes",
			 (json_int_t)header->cluster, "clusters", (json_int_t)report->clusters, "mapped_clusters",
			 (json_int_t)report->mapped, "generation", (json_int_t)header->generation, "map_sectors",
			 (json_int_t)report->sectors, "damaged_sectors", (json_int_t)report->damaged,
			 "committing", header->committing, "another_base", report->another_base);
}

static void
tell(const struct pair *pair, const struct kio__cow_report *report)
{
	const struct kio__cow_header *header = &report->header;
	char size[32], cluster[32];

	printf("%s: %" PRIu64 " of %" PRIu64 " clusters of %s in the overlay, generation %" PRIu64 ", for a base of %s\n",
	       pair->name, report->mapped, report->clusters, cli_size(header->cluster, cluster, sizeof(cluster)),
	       header->generation, cli_size(header->size, size, sizeof(size)));
	if (report->damaged != 0)
		printf("  %" PRIu64 " of %" PRIu64 " sectors of the map are damaged\n", report->damaged, report->sectors);
	if (header->committing)
		printf("  a commit was begun and is not finished; kiobuf cow commit finishes it\n");
	if (report->another_base)
		printf("  the base is another one, or was changed\n");
}

static int
check(struct cli *cli)
{
	struct pair pair = { 0 };
	struct kio__cow_report report;
	struct kio_diag diag = { 0 };
	bool sound;
	int rc = pair_open(cli, &pair, true, true), error;

	if (rc != EXIT_YES)
		return pair_close(cli, &pair, rc);
	error = kio__cow_look(pair.overlay, pair.base, &report, &diag);
	if (error < 0)
		return pair_close(cli, &pair, failed(cli, &pair, error, &diag));
	sound = report.damaged == 0 && !report.header.committing && !report.another_base;
	if (cli->json)
		cli_print_json("cow", json_report(&pair, &report, sound));
	else
		tell(&pair, &report);
	return pair_close(cli, &pair, sound ? EXIT_YES : EXIT_NO);
}

static int
reset(struct cli *cli)
{
	struct pair pair = { 0 };
	struct kio_diag diag = { 0 };
	int rc = pair_open(cli, &pair, false, true), error;

	if (rc == EXIT_YES) {
		error = kio__cow_reset(pair.overlay, pair.base, cli_flag(cli, "force"), &diag);
		rc = error < 0 ? failed(cli, &pair, error, &diag) : EXIT_YES;
	}
	rc = pair_close(cli, &pair, rc);
	if (rc != EXIT_YES)
		return rc;
	if (cli->json)
		return cli_print_json("cow", json_pack("{s:o}", "reset", cli_json_text(pair.name)));
	printf("%s: empty\n", pair.name);
	return EXIT_YES;
}

struct watch {
	struct progress progress;
	bool quiet, begun;
};

static bool
go_on(void *priv, uint64_t done, uint64_t total)
{
	struct watch *watch = priv;

	if (!watch->begun)
		cli_progress_begin(&watch->progress, "commit", total, watch->quiet);
	watch->begun = true;
	cli_progress(&watch->progress, done);
	return cli_signal() == 0;
}

static int
commit(struct cli *cli)
{
	struct watch watch = { .quiet = cli->json };
	struct pair pair = { 0 };
	struct kio_diag diag = { 0 };
	uint64_t copied = 0;
	char size[32];
	int rc, error;

	cli_signals_begin();
	rc = pair_open(cli, &pair, false, false);
	if (rc == EXIT_YES) {
		error = kio__cow_commit(pair.overlay, pair.base, go_on, &watch, &copied, &diag);
		if (watch.begun)
			cli_progress_end(&watch.progress);
		rc = error < 0 ? failed(cli, &pair, error, &diag) : EXIT_YES;
	}
	rc = pair_close(cli, &pair, rc);
	if (rc != EXIT_YES)
		return rc;
	if (cli->json)
		return cli_print_json("cow", json_pack("{s:o, s:I}", "committed", cli_json_text(pair.name), "copied_bytes",
						       (json_int_t)copied));
	printf("%s: empty, %s copied into the base\n", pair.name, cli_size(copied, size, sizeof(size)));
	return EXIT_YES;
}

/* --- the command ---------------------------------------------------------- */

static const struct verb {
	const char *name;
	int (*run)(struct cli *cli);
} verbs[] = {
	{ "check", check },
	{ "commit", commit },
	{ "reset", reset },
};

static int
run_cow(struct cli *cli)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, cli->args[0]) == 0)
			return verbs[i].run(cli);
	}
	return cli_fail(cli, EXIT_USAGE, "usage: kiobuf cow %s; see kiobuf cow --help", cli->command->arguments);
}

static const struct cli_option options[] = {
	{ "force", OPTION_FLAG, NULL, "reset: drop a commit that is not finished" },
	{ 0 }
};

const struct cli_command cli_cow = {
	.name = "cow",
	.arguments = "check STACK | commit STACK | reset STACK",
	.summary = "check an overlay, write it into its base, or empty it",
	.more = "  check STACK        what the overlay of the stack's first cow says of itself and its base;\n"
		"                     exit code 1 if it is damaged, half committed, or of another base\n"
		"  commit STACK       the base becomes what the stack shows, and the overlay is empty then;\n"
		"                     refused while others use the base. Cut off, it is done again\n"
		"  reset STACK        the overlay is empty, at once, over the base as it is now",
	.least = 2,
	.most = 2,
	.options = options,
	.opens = true,
	.run = run_cow,
};
