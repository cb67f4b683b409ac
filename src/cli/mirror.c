/* SPDX-License-Identifier: MIT */
/*
 * kiobuf mirror: what is done with a mirror that nobody serves.
 */
#include <errno.h>
#include <string.h>

#include <kiobuf/layer.h>

#include "cli/control.h"
#include "cli/mirror.h"
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
		cli_loop_step(loop, STEP_NS);
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

/* --- compare ------------------------------------------------------------ */

static uint64_t
number_of(const json_t *json, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(json, key));
}

int
cli_compared(const struct cli *cli, const char *mirror, const json_t *result)
{
	uint64_t compared = number_of(result, "compared_bytes"), all = number_of(result, "of_bytes"),
		 unread = number_of(result, "unread_bytes"), differing = number_of(result, "differing_blocks");
	char size[32], of[32];
	json_t *json;

	if (cli->json) {
		json = json_deep_copy(result);
		json_object_del(json, "running");
		json_object_set_new(json, "mirror", cli_json_text(mirror));
		cli_print_json("mirror", json);
	} else if (differing != 0) {
		printf("%s: the legs differ in %lu blocks of 4096 bytes, at %s%s\n", mirror, differing,
		       json_string_value(json_object_get(result, "first_at")), differing > 8 ? " ..." : "");
	} else if (compared == all && unread == 0) {
		printf("%s: the legs are equal (%s)\n", mirror, cli_size(all, size, sizeof(size)));
	}
	if (differing != 0)
		return EXIT_NO;
	if (compared < all)
		return cli_fail(cli, EXIT_IO, "%s: one leg is left; %s of %s were compared", mirror,
				cli_size(compared, size, sizeof(size)), cli_size(all, of, sizeof(of)));
	if (unread != 0)
		return cli_fail(cli, EXIT_IO, "%s: %s of a leg cannot be read", mirror,
				cli_size(unread, size, sizeof(size)));
	return EXIT_YES;
}

static int
compare_mirror(const struct cli *cli, struct kio_loop *loop, struct kio_stack *stack, const char *name)
{
	struct collect collect = control_collect();
	struct progress progress;
	struct kio_diag diag;
	int error = kio_control_operate(stack, "compare", name, 0, NULL, NULL, &diag), rc;

	cli_progress_begin(&progress, "compare", kio_layer_limits(kio_control_find(stack, name))->size, cli->json);
	while (error == 0 && cli_signal() == 0) {
		error = kio_control_operate(stack, "compared", name, 0, NULL, &collect.report, &diag);
		if (error < 0 || number_of(collect.result, "running") == 0)
			break;
		cli_progress(&progress, number_of(collect.result, "compared_bytes"));
		cli_loop_step(loop, STEP_NS);
	}
	cli_progress_end(&progress);
	if (error < 0)
		rc = cli_fail(cli, error == -ENODEV ? EXIT_OPEN : EXIT_IO, "%s", diag.text);
	else if (cli_signal() != 0)
		rc = cli_fail(cli, EXIT_SIGNAL + cli_signal(), "stopped by a signal");
	else
		rc = cli_compared(cli, name, collect.result);
	json_decref(collect.result);
	return rc;
}

static bool
is_mirror(const struct kio_layer *layer)
{
	return strcmp(kio_layer_class(layer)->name, "mirror") == 0 && !kio_leg_absent(layer);
}

/* All mirrors of the stack; a difference says more than what goes wrong elsewhere. */
static int
compare(struct cli *cli)
{
	struct cli_open how = { .read_only = true };
	struct target target;
	struct kio_loop *loop;
	unsigned mirrors = 0;
	int rc = cli_loop_open(cli, &loop, 0), error;

	if (rc != EXIT_YES)
		return rc;
	cli_signals_begin();
	rc = cli_open_on(cli, &target, cli->args[1], &how, loop);
	if (rc == EXIT_YES) {
		for (const struct kio_layer *layer = kio_stack_top(target.stack); layer != NULL && cli_signal() == 0;
		     layer = kio_layer_next(layer)) {
			if (!is_mirror(layer))
				continue;
			mirrors++;
			error = compare_mirror(cli, loop, target.stack, kio_layer_name(layer));
			rc = rc == EXIT_YES || error == EXIT_NO ? error : rc;
		}
		error = cli_close(cli, &target);
		rc = rc == EXIT_YES ? error : rc;
		if (rc == EXIT_YES && mirrors == 0)
			rc = cli_fail(cli, EXIT_USAGE, "there is no mirror in this stack");
	}
	kio_loop_close(&loop);
	return rc;
}

/* --- the command -------------------------------------------------------- */

static const struct verb {
	const char *name;
	unsigned count; /* arguments, with itself */
	int (*run)(struct cli *cli);
} verbs[] = {
	{ "check", 2, cli_mirror_check },
	{ "compare", 2, compare },
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
	.arguments = "check STACK | compare STACK | replace STACK LEG",
	.summary = "check or compare the legs of a mirror, or replace one",
	.more = "  check STACK        what each leg says of itself, without opening the mirror; exit code 1 if\n"
		"                     not all are in sync and closed\n"
		"  compare STACK      reads and compares the legs in sync; exit code 1 if they differ.\n"
		"                     Neither changes anything\n"
		"  replace STACK LEG  LEG of this stack takes the place of one that is lost: it gets its\n"
		"                     metadata, as by create, and all data; the lost one is refused from\n"
		"                     then on",
	.least = 2,
	.most = 3,
	.options = options,
	.opens = true,
	.run = run_mirror,
};
