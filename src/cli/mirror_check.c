/* SPDX-License-Identifier: MIT */
/*
 * kiobuf mirror check: what the legs of a mirror say of themselves. The mirror is
 * not opened, since one that needs a check may not open; each leg is a stack of
 * its own here, and only read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <kiobuf/layer.h>

#include "cli/mirror.h"
#include "layers/mirror_state.h"

struct leg {
	char name[128];
	const char *status;
	char why[256];
	bool known; /* there is a state */
	struct kio__mirror_state state;
	unsigned char map[KIO__MIRROR_BLOCK];
};

struct check {
	const struct cli *cli;
	struct kio_tree *tree;
	struct leg *legs;
	unsigned count;
	unsigned reference; /* the best of the latest; count: there is none */
	unsigned found;     /* mirrors */
	bool sound;         /* all of them so far */
	json_t *mirrors;
};

/* --- reading ------------------------------------------------------------ */

static int
read_at_the_end(struct kio_stack *stack, struct leg *leg)
{
	unsigned char copies[KIO__MIRROR_COPIES];
	uint64_t size = kio_stack_limits(stack)->size / KIO__MIRROR_BLOCK * KIO__MIRROR_BLOCK;
	int rc;

	if (size <= KIO__MIRROR_AREA)
		return -ENODATA;
	rc = kio_pread(stack, leg->map, sizeof(leg->map), size - KIO__MIRROR_AREA);
	if (rc == 0)
		rc = kio_pread(stack, copies, sizeof(copies), size - KIO__MIRROR_COPIES);
	return rc == 0 ? kio__mirror_choose(&leg->state, copies) : rc;
}

/* The leg as the stack that it is; the tree lends it its definitions. */
static void
read_leg(struct check *check, struct kio_node *node, struct leg *leg)
{
	struct kio_stack_options options = { .engine = cli_text(check->cli, "engine", NULL), .read_only = true };
	struct kio_node *root = check->tree->root;
	struct kio_stack *stack;
	struct kio_diag diag;
	int rc;

	check->tree->root = node;
	rc = kio_stack_open_tree(&stack, check->tree, &options, &diag);
	check->tree->root = root;
	if (rc < 0) {
		leg->status = "cannot be opened";
		snprintf(leg->why, sizeof(leg->why), "%.250s", diag.text);
		return;
	}
	rc = read_at_the_end(stack, leg);
	kio_stack_close(&stack, NULL);
	leg->known = rc == 0;
	if (rc == -ENODATA)
		leg->status = "no state";
	else if (rc == -ENOTSUP)
		leg->status = "state of another version";
	else if (rc < 0) {
		leg->status = "state cannot be read";
		snprintf(leg->why, sizeof(leg->why), "%s", strerror(-rc));
	}
}

/* --- judging ------------------------------------------------------------ */

static bool
is_seen_by_another(const struct check *check, unsigned leg)
{
	bool seen = false;

	for (unsigned i = 0; i < check->count; i++)
		seen = seen || (check->legs[i].known &&
				kio__mirror_has_seen(&check->legs[i].state, check->legs[leg].state.epoch));
	return seen;
}

static void
find_reference(struct check *check)
{
	check->reference = check->count;
	for (unsigned i = 0; i < check->count; i++) {
		if (check->legs[i].known && !is_seen_by_another(check, i) &&
		    (check->reference == check->count ||
		     check->legs[i].state.sequence > check->legs[check->reference].state.sequence))
			check->reference = i;
	}
}

static const char *
status_of(const struct check *check, unsigned leg)
{
	const struct kio__mirror_state *best = &check->legs[check->reference].state,
				       *state = &check->legs[leg].state;

	if (memcmp(best->mirror, state->mirror, sizeof(best->mirror)) != 0)
		return "of another mirror";
	for (unsigned i = 0; i < leg; i++) {
		if (check->legs[i].known && check->legs[i].state.leg == state->leg)
			return "a copy of another leg";
	}
	if (!kio__mirror_knows(best, state))
		return "replaced by another";
	if (state->epoch == best->epoch)
		return (best->returning >> state->leg & 1) != 0 ? "being made equal" : "in sync";
	if (!kio__mirror_has_seen(best, state->epoch))
		return "written apart";
	return (best->returning >> state->leg & 1) != 0 ? "stale, being made equal" : "stale";
}

static uint32_t
dirty_regions(const struct kio__mirror_state *state, const unsigned char *map)
{
	static uint8_t regions[KIO__MIRROR_REGIONS];
	uint32_t dirty = 0;

	if (!state->in_use && state->without == 0)
		return 0;
	kio__mirror_map_decode(state, regions, map);
	for (uint32_t i = 0; i < kio__mirror_region_count(state); i++)
		dirty += regions[i] != KIO__REGION_CLEAN;
	return dirty;
}

/* --- telling ------------------------------------------------------------ */

static json_t *
json_leg(const struct leg *leg)
{
	json_t *json = json_pack("{s:o, s:s}", "name", cli_json_text(leg->name), "status", leg->status);
	char epoch[32], id[32];

	if (leg->why[0] != '\0')
		json_object_set_new(json, "why", cli_json_text(leg->why));
	if (!leg->known)
		return json;
	snprintf(epoch, sizeof(epoch), "%016" PRIx64, leg->state.epoch);
	snprintf(id, sizeof(id), "%016" PRIx64, leg->state.ids[leg->state.leg]);
	json_object_set_new(json, "number", json_integer(leg->state.leg));
	json_object_set_new(json, "identity", json_string(id));
	json_object_set_new(json, "epoch", json_string(epoch));
	json_object_set_new(json, "sequence", json_integer((json_int_t)leg->state.sequence));
	json_object_set_new(json, "in_use", json_boolean(leg->state.in_use));
	return json;
}

static void
tell_json(struct check *check, const char *name, uint32_t dirty, bool sound)
{
	json_t *legs = json_array(), *json = json_pack("{s:o, s:b}", "name", cli_json_text(name), "sound", sound);
	const struct kio__mirror_state *best = &check->legs[check->reference].state;

	for (unsigned i = 0; i < check->count; i++)
		json_array_append_new(legs, json_leg(&check->legs[i]));
	json_object_set_new(json, "legs", legs);
	if (check->reference < check->count) {
		json_object_set_new(json, "legs_of_mirror", json_integer(best->legs));
		json_object_set_new(json, "size_bytes", json_integer((json_int_t)best->size));
		json_object_set_new(json, "in_use", json_boolean(best->in_use));
		json_object_set_new(json, "dirty_regions", json_integer(dirty));
		json_object_set_new(json, "region_bytes", json_integer((json_int_t)1 << best->region_shift));
	}
	json_array_append_new(check->mirrors, json);
}

static void
tell_people(const struct check *check, const char *name, uint32_t dirty)
{
	const struct kio__mirror_state *best = &check->legs[check->reference].state;
	char size[32], region[32];

	if (check->reference == check->count)
		printf("%s: no leg has a state\n", name);
	else
		printf("%s: %u legs of %s, %s; %u of %u regions of %s dirty\n", name, best->legs,
		       cli_size(best->size, size, sizeof(size)),
		       best->in_use ? "in use, or not closed" : "closed", dirty,
		       kio__mirror_region_count(best),
		       cli_size((uint64_t)1 << best->region_shift, region, sizeof(region)));
	for (unsigned i = 0; i < check->count; i++) {
		const struct leg *leg = &check->legs[i];

		printf("  %-16s %s%s%s", leg->name, leg->status, leg->why[0] != '\0' ? ": " : "", leg->why);
		if (leg->known)
			printf("; number %u, epoch %016" PRIx64 ", state %" PRIu64, leg->state.leg,
			       leg->state.epoch, leg->state.sequence);
		printf("\n");
	}
}

static void
judge(struct check *check, const char *name)
{
	const struct kio__mirror_state *best;
	uint32_t dirty = 0, in_sync = 0;
	bool sound = false;

	find_reference(check);
	best = &check->legs[check->reference].state;
	for (unsigned i = 0; i < check->count; i++) {
		if (check->legs[i].known)
			check->legs[i].status = status_of(check, i);
		in_sync += strcmp(check->legs[i].status, "in sync") == 0;
	}
	if (check->reference < check->count) {
		dirty = dirty_regions(best, check->legs[check->reference].map);
		sound = in_sync == best->legs && check->count == in_sync && !best->in_use;
	}
	check->sound = check->sound && sound;
	if (check->cli->json)
		tell_json(check, name, dirty, sound);
	else
		tell_people(check, name, dirty);
}

/* --- finding mirrors ----------------------------------------------------- */

/* As it was written: opened alone it would get another name. */
static void
name_leg(const struct kio_node *node, struct leg *leg)
{
	if (node->name != NULL)
		snprintf(leg->name, sizeof(leg->name), "%s", node->name);
	else if (node->arg_count != 0 && node->args[0].value != NULL)
		snprintf(leg->name, sizeof(leg->name), "%s %s", node->class_name, node->args[0].value);
	else
		snprintf(leg->name, sizeof(leg->name), "%s", node->class_name);
}

static int
check_mirror(struct check *check, const struct kio_node *node)
{
	char name[32];

	check->count = node->leg_count;
	/* one more, so that the reference is one in any case */
	check->legs = calloc(node->leg_count + 1, sizeof(*check->legs));
	if (check->legs == NULL)
		return cli_fail(check->cli, EXIT_BUG, "out of memory");
	for (unsigned i = 0; i < node->leg_count; i++) {
		name_leg(node->legs[i], &check->legs[i]);
		read_leg(check, node->legs[i], &check->legs[i]);
	}
	snprintf(name, sizeof(name), "mirror%u", check->found++);
	judge(check, node->name != NULL ? node->name : name);
	free(check->legs);
	return EXIT_YES;
}

/* What `use NAME` stands for. */
static const struct kio_node *
resolve(const struct check *check, const struct kio_node *node)
{
	const char *name = node->arg_count != 0 ? node->args[0].value : NULL;

	if (strcmp(node->class_name, "use") != 0 || name == NULL)
		return node;
	for (unsigned i = 0; i < check->tree->definition_count; i++) {
		if (strcmp(check->tree->definitions[i].name, name) == 0)
			return check->tree->definitions[i].root;
	}
	return node;
}

static int
check_node(struct check *check, const struct kio_node *node)
{
	int rc = EXIT_YES;

	node = resolve(check, node);
	if (strcmp(node->class_name, "mirror") == 0)
		rc = check_mirror(check, node);
	for (unsigned i = 0; i < node->leg_count && rc == EXIT_YES; i++)
		rc = check_node(check, node->legs[i]);
	return rc;
}

int
cli_mirror_check(struct cli *cli)
{
	struct check check = { .cli = cli, .sound = true, .mirrors = json_array() };
	struct kio_diag diag;
	int rc;

	if (kio_tree_parse(&check.tree, cli->args[1], cli->set, &diag) < 0 ||
	    kio_tree_check(check.tree, &diag) < 0) {
		rc = cli_diag(cli, cli->args[1], &diag);
		rc = EXIT_USAGE;
	} else {
		rc = check_node(&check, check.tree->root);
		if (rc == EXIT_YES && check.found == 0)
			rc = cli_fail(cli, EXIT_USAGE, "there is no mirror in this stack");
	}
	kio_tree_destroy(check.tree);
	if (rc == EXIT_YES && cli->json)
		cli_print_json("mirror", json_pack("{s:b, s:O}", "sound", check.sound, "mirrors", check.mirrors));
	json_decref(check.mirrors);
	return rc != EXIT_YES || check.sound ? rc : EXIT_NO;
}
