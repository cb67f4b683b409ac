/* SPDX-License-Identifier: MIT */
/*
 * kiobuf create: writes the metadata of the layers that have some. Opening
 * never does.
 */
#include "cli/cli.h"
#include "cli/safety.h"

#include <kiobuf/layer.h>

#include <signal.h>
#include <unistd.h>

/* Creating waits for its I/O, so the word is said, and the end made, right here. */
static void
stopped(int number)
{
	static const char words[] = "kiobuf create: stopped by a signal; what it wrote and made so far is left "
				    "behind: create it again, with --force\n";

	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		_exit(EXIT_SIGNAL + number);
	_exit(EXIT_SIGNAL + number);
}

static int
run_create(struct cli *cli)
{
	struct cli_open how = { .create = true, .force = cli_flag(cli, "force") };
	char size[32], text[256];
	struct target target;
	unsigned made = 0;
	uint64_t bytes;
	int rc = how.force ? EXIT_YES : cli_refuse_data(cli, cli->args[0]);

	if (rc != EXIT_YES)
		return rc;
	signal(SIGINT, stopped);
	signal(SIGTERM, stopped);
	rc = cli_open(cli, &target, cli->args[0], &how);
	if (rc != EXIT_YES)
		return rc;
	bytes = kio_stack_limits(target.stack)->size;
	for (const struct kio_layer *layer = kio_stack_top(target.stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		if (kio_layer_class(layer)->create == NULL)
			continue;
		made++;
		if (!cli->json)
			printf("%s: created, %s\n", kio_layer_name(layer),
			       kio_layer_describe(layer, text, sizeof(text)));
	}
	rc = cli_close(cli, &target);
	if (rc != EXIT_YES)
		return rc;
	if (cli->json)
		return cli_print_json("create", json_pack("{s:I, s:i}", "size_bytes", (json_int_t)bytes,
							  "created", (int)made));
	if (made == 0)
		printf("no layer of this stack has metadata; it is ready as it is\n");
	printf("size %s (%lu bytes)\n", cli_size(bytes, size, sizeof(size)), bytes);
	return EXIT_YES;
}

static const struct cli_option options[] = {
	{ "force", OPTION_FLAG, NULL, "overwrite what is there" },
	{ 0 }
};

const struct cli_command cli_create = {
	.name = "create",
	.arguments = "STACK",
	.summary = "write fresh metadata for the layers that need some",
	.more = "The one command that formats; opening never does. Legs of a mirror are made equal.\n"
		"What was in the stack before is lost: without --force its files and devices have\n"
		"to be new, or all zero.",
	.least = 1,
	.most = 1,
	.options = options,
	.opens = true,
	.run = run_create,
};
