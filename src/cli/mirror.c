/* SPDX-License-Identifier: MIT */
/*
 * kiobuf mirror: what is done with a mirror that nobody serves.
 */
#include <string.h>

#include <kiobuf/layer.h>

#include "cli/cli.h"
#include "cli/safety.h"

#define STEP_NS 100000000u

/* --- replace ------------------------------------------------------------ */

/* The whole leg, unless a signal comes. */
static int
copy_leg(const struct cli *cli, struct kio_loop *loop, const struct kio_layer *leg, uint64_t *copied)
{
	const struct kio_layer *mirror = leg->above;
	struct progress progress;
	struct kio_progress at;
	char text[200];

	cli_progress_begin(&progress, "copy", kio_layer_limits(mirror)->size, cli->json);
	while (cli_signal() == 0 && kio_layer_progress(mirror, &at)) {
		cli_progress(&progress, at.done);
		*copied = at.total;
		kio_loop_step(loop, STEP_NS);
	}
	cli_progress_end(&progress);
	if (cli_signal() != 0)
		return cli_fail(cli, EXIT_SIGNAL + cli_signal(),
				"stopped by a signal; it goes on when the stack opens the next time");
	if (kio_layer_health(leg, text, sizeof(text)) == KIO_HEALTH_OK)
		return EXIT_YES;
	return cli_fail(cli, EXIT_IO, "%s: %s", kio_layer_name(leg), text);
}

static int
replace(struct cli *cli)
{
	const char *stack = cli->args[1], *leg = cli->args[2];
	struct cli_open how = { .new_leg = leg, .force = cli_flag(cli, "force") };
	struct target target;
	struct kio_loop *loop;
	uint64_t copied = 0;
	char size[32];
	int rc = how.force ? EXIT_YES : cli_refuse_leg_data(cli, stack, leg), closed;

	if (rc == EXIT_YES)
		rc = cli_loop_open(cli, &loop, 0);
	if (rc != EXIT_YES)
		return rc;
	cli_signals_begin();
	rc = cli_open_on(cli, &target, stack, &how, loop);
	if (rc == EXIT_YES) {
		rc = copy_leg(cli, loop, kio_control_find(target.stack, leg), &copied);
		closed = cli_close(cli, &target);
		rc = rc == EXIT_YES ? closed : rc;
	}
	kio_loop_close(&loop);
	if (rc != EXIT_YES)
		return rc;
	if (cli->json)
		return cli_print_json("mirror", json_pack("{s:o, s:I}", "replaced", cli_json_text(leg),
							  "copied_bytes", (json_int_t)copied));
	printf("%s: in sync, %s copied\n", leg, cli_size(copied, size, sizeof(size)));
	return EXIT_YES;
}

/* --- the command -------------------------------------------------------- */

static const struct verb {
	const char *name;
	unsigned count; /* arguments, with itself */
	int (*run)(struct cli *cli);
} verbs[] = {
	{ "replace", 3, replace },
};

static int
run_mirror(struct cli *cli)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, cli->args[0]) == 0 && verbs[i].count == cli->count)
			return verbs[i].run(cli);
	}
	return cli_fail(cli, EXIT_USAGE, "usage: kiobuf mirror %s; see kiobuf mirror --help",
			cli->command->arguments);
}

static const struct cli_option options[] = {
	{ "force", OPTION_FLAG, NULL, "replace: overwrite what is on the new leg" },
	{ 0 }
};

const struct cli_command cli_mirror = {
	.name = "mirror",
	.arguments = "replace STACK LEG",
	.summary = "replace a leg of a mirror",
	.more = "  replace STACK LEG  LEG of this stack takes the place of one that is lost: it gets its\n"
		"                     metadata, as by create, and all data; the lost one is refused from\n"
		"                     then on",
	.least = 2,
	.most = 3,
	.options = options,
	.opens = true,
	.run = run_mirror,
};
