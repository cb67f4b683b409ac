/* SPDX-License-Identifier: MIT */
/*
 * kiobuf map: what of a stack is data, and what holes.
 */
#include "cli/cli.h"

struct extent {
	uint64_t offset, len;
	uint32_t flags;
};

static const char *
kind(uint32_t flags)
{
	if ((flags & KIO_EXTENT_HOLE) != 0)
		return "hole";
	return (flags & KIO_EXTENT_ZERO) != 0 ? "zero" : "data";
}

static void
print(const struct cli *cli, json_t *list, const struct extent *extent)
{
	if (extent->len == 0)
		return;
	if (cli->json)
		json_array_append_new(list, json_pack("{s:I, s:I, s:s}", "offset_bytes",
						      (json_int_t)extent->offset, "length_bytes",
						      (json_int_t)extent->len, "type",
						      kind(extent->flags)));
	else
		printf("%16lu %16lu  %s\n", extent->offset, extent->len, kind(extent->flags));
}

static int
walk(const struct cli *cli, struct kio_stack *stack, json_t *list)
{
	uint64_t size = kio_stack_limits(stack)->size, len;
	struct extent now = { 0 };
	uint32_t flags;
	int rc;

	for (uint64_t at = 0; at < size; at += len) {
		rc = kio_pextent(stack, size - at, at, &len, &flags);
		if (rc < 0)
			return cli_io_error(cli, cli->args[0], rc);
		if (now.len != 0 && now.flags == flags) {
			now.len += len;
			continue;
		}
		print(cli, list, &now);
		now = (struct extent){ at, len, flags };
	}
	print(cli, list, &now);
	return EXIT_YES;
}

static int
run_map(struct cli *cli)
{
	struct cli_open how = { .read_only = true };
	json_t *list = json_array();
	struct target target;
	int rc = cli_open(cli, &target, cli->args[0], &how), closed;

	if (rc == EXIT_YES) {
		if (!cli->json)
			printf("%16s %16s  type\n", "offset", "length");
		rc = walk(cli, target.stack, list);
		if (rc == EXIT_YES && cli->json)
			cli_print_json("map",
				       json_pack("{s:I, s:O}", "size_bytes",
						 (json_int_t)kio_stack_limits(target.stack)->size,
						 "extents", list));
		closed = cli_close(cli, &target);
		rc = rc == EXIT_YES ? closed : rc;
	}
	json_decref(list);
	return rc;
}

const struct cli_command cli_map = {
	.name = "map",
	.arguments = "STACK",
	.summary = "tell what is data and what is not",
	.least = 1,
	.most = 1,
	.opens = true,
	.run = run_map,
};
