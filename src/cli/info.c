/* SPDX-License-Identifier: MIT */
/*
 * kiobuf info: a stack as it opens: its layers, their sizes and limits, and what
 * it costs.
 */
#include <string.h>

#include <kiobuf/layer.h>

#include "cli/cli.h"
#include "port/port.h"

struct cost {
	uint64_t open_ns, close_ns;
	size_t channel_bytes, container_bytes;
};

static json_t *
json_layer(const struct kio_layer *layer)
{
	const struct kio_limits *limits = kio_layer_limits(layer);
	json_t *ops = json_array();
	char text[256];

	for (unsigned op = 0; op < KIO_OPS; op++) {
		if ((limits->ops & KIO_OP_BIT(op)) != 0)
			json_array_append_new(ops, json_string(kio_op_name((enum kio_op)op)));
	}
	return json_pack("{s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:o, s:o}", "name",
			 cli_json_text(kio_layer_name(layer)), "class", kio_layer_class(layer)->name, "depth",
			 (int)kio_layer_depth(layer), "size_bytes", (json_int_t)limits->size,
			 "block_bytes", (json_int_t)limits->block, "best_bytes",
			 (json_int_t)limits->best, "max_transfer_bytes",
			 (json_int_t)limits->max_transfer, "boundary_bytes",
			 (json_int_t)limits->boundary, "mem_align_bytes", (json_int_t)limits->mem_align,
			 "lends", limits->lend, "tells_holes", limits->holes, "operations", ops, "state",
			 cli_json_text(kio_layer_describe(layer, text, sizeof(text))));
}

/* Is there another leg of the same parent further down? */
static bool
has_younger(const struct kio_layer *layer, unsigned depth)
{
	for (layer = kio_layer_next(layer); layer != NULL; layer = kio_layer_next(layer)) {
		if (kio_layer_depth(layer) <= depth)
			return kio_layer_depth(layer) == depth;
	}
	return false;
}

static void
print_layer(const struct kio_layer *layer, bool *younger)
{
	const struct kio_limits *limits = kio_layer_limits(layer);
	unsigned depth = kio_layer_depth(layer);
	char left[160] = "", size[32], text[256];
	size_t len = 0;

	for (unsigned i = 1; i < depth && len < 100; i++)
		len += (size_t)snprintf(left + len, sizeof(left) - len, "%s", younger[i] ? "|  " : "   ");
	if (depth > 0) {
		younger[depth] = has_younger(layer, depth);
		len += (size_t)snprintf(left + len, sizeof(left) - len, "%s",
					younger[depth] ? "|- " : "`- ");
	}
	snprintf(left + len, sizeof(left) - len, "%s", kio_layer_name(layer));
	printf("%-22s %-9s %10s  block %-5u %s\n", left, kio_layer_class(layer)->name,
	       cli_size(limits->size, size, sizeof(size)), limits->block,
	       kio_layer_describe(layer, text, sizeof(text)));
}

static void
print_layers(const struct kio_stack *stack)
{
	bool younger[4096] = { false };

	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
	     layer = kio_layer_next(layer))
		print_layer(layer, younger);
}

/* As they would be written: the upper one first. */
static void
print_served(const struct target *target)
{
	if (target->serve[1] != NULL)
		printf("\nserve puts %s | %s on top\n", target->serve[1], target->serve[0]);
	else if (target->serve[0] != NULL)
		printf("\nserve puts %s on top\n", target->serve[0]);
}

static json_t *
json_served(const struct target *target)
{
	json_t *names = json_array();

	for (unsigned i = 0; target->serve[i] != NULL; i++)
		json_array_insert_new(names, 0, json_string(target->serve[i]));
	return names;
}

static void
print_cost(const struct cost *cost)
{
	char channel[32], container[32];

	printf("\ncost: open %.2f ms, close %.2f ms, %s a channel, %s a container\n",
	       (double)cost->open_ns / 1e6, (double)cost->close_ns / 1e6,
	       cli_size(cost->channel_bytes, channel, sizeof(channel)),
	       cli_size(cost->container_bytes, container, sizeof(container)));
}

static json_t *
json_info(const struct target *target)
{
	const struct kio_stack *stack = target->stack;
	json_t *layers = json_array();

	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
	     layer = kio_layer_next(layer))
		json_array_append_new(layers, json_layer(layer));
	return json_pack("{s:I, s:o, s:o}", "size_bytes", (json_int_t)kio_stack_limits(stack)->size, "layers",
			 layers, "served_under", json_served(target));
}

static int
measure_channel(const struct cli *cli, const struct target *target, struct cost *cost)
{
	struct kio_channel *channel;
	struct kio_loop *loop;
	int rc = cli_loop_open(cli, &loop, 0), error;

	if (rc != EXIT_YES)
		return rc;
	error = kio_channel_open(&channel, target->stack, loop);
	if (error == 0) {
		cost->channel_bytes = kio_channel_bytes(channel);
		cost->container_bytes = kio_channel_kio_bytes(channel);
		kio_channel_close(&channel);
	}
	kio_loop_close(&loop);
	return error < 0 ? cli_io_error(cli, cli->args[0], error) : EXIT_YES;
}

/* What closing costs is known when it is closed, so it is told last. */
static int
run_info(struct cli *cli)
{
	struct cli_open how = { .read_only = true };
	struct cost cost = { 0 };
	json_t *result = NULL;
	struct target target;
	uint64_t begun = kio__now();
	int rc = cli_open(cli, &target, cli->args[0], &how), closed;

	if (rc != EXIT_YES)
		return rc;
	cost.open_ns = kio__now() - begun;
	rc = measure_channel(cli, &target, &cost);
	if (rc == EXIT_YES && cli->json)
		result = json_info(&target);
	else if (rc == EXIT_YES)
		print_layers(target.stack);
	if (rc == EXIT_YES && !cli->json)
		print_served(&target);
	begun = kio__now();
	closed = cli_close(cli, &target);
	cost.close_ns = kio__now() - begun;
	if (rc == EXIT_YES && cli->json) {
		json_object_set_new(result, "open_ns", json_integer((json_int_t)cost.open_ns));
		json_object_set_new(result, "close_ns", json_integer((json_int_t)cost.close_ns));
		json_object_set_new(result, "channel_bytes", json_integer((json_int_t)cost.channel_bytes));
		json_object_set_new(result, "container_bytes", json_integer((json_int_t)cost.container_bytes));
		cli_print_json("info", result);
	} else if (rc == EXIT_YES) {
		print_cost(&cost);
	}
	return rc == EXIT_YES ? closed : rc;
}

const struct cli_command cli_info = {
	.name = "info",
	.arguments = "STACK",
	.summary = "show the layers of a stack, their limits, and what it costs",
	.least = 1,
	.most = 1,
	.opens = true,
	.run = run_info,
};
