/* SPDX-License-Identifier: MIT */
/*
 * kiobuf compare: are two files or stacks the same? The rest of the longer one
 * has to read as zeroes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "cli/cli.h"
#include "port/port.h"

#define SLOTS 8
#define CHUNK ((uint64_t)512 << 10)

struct compare;

struct slot {
	struct compare *compare;
	struct kio *kio[2];
	unsigned char *data[2];
	uint64_t offset;
	unsigned pending;
};

struct compare {
	const struct cli *cli;
	struct kio_loop *loop;
	struct target side[2];
	uint64_t size[2], cursor, end, done;
	struct slot slots[SLOTS];
	unsigned busy;
	uint64_t differ; /* the first offset, or UINT64_MAX */
	int error;
	unsigned error_side;
	struct progress progress;
};

static void
look(struct compare *compare, const struct slot *slot)
{
	uint64_t len = kio__min(CHUNK, compare->end - slot->offset), i = 0;

	if (memcmp(slot->data[0], slot->data[1], len) == 0)
		return;
	while (slot->data[0][i] == slot->data[1][i])
		i++;
	compare->differ = kio__min(compare->differ, slot->offset + i);
}

static void slot_start(struct slot *slot);

static void
slot_end(struct slot *slot)
{
	struct compare *compare = slot->compare;

	if (--slot->pending != 0)
		return;
	if (compare->error == 0)
		look(compare, slot);
	compare->done += CHUNK;
	cli_progress(&compare->progress, kio__min(compare->done, compare->end));
	compare->busy--;
	slot_start(slot);
	if (compare->busy == 0)
		kio_loop_stop(compare->loop);
}

static void
have_read(struct kio *kio)
{
	struct slot *slot = kio->priv;
	struct compare *compare = slot->compare;

	if (kio_status(kio) < 0 && compare->error == 0) {
		compare->error = kio_status(kio);
		compare->error_side = kio == slot->kio[1];
	}
	slot_end(slot);
}

/* Beyond the end of a side there are zeroes. */
static void
slot_read(struct slot *slot, unsigned side, uint64_t len)
{
	const struct compare *compare = slot->compare;
	uint64_t there = compare->size[side] > slot->offset ?
				 kio__min(len, compare->size[side] - slot->offset) : 0;

	memset(slot->data[side] + there, 0, len - there);
	if (there == 0)
		return;
	slot->pending++;
	kio_read(slot->kio[side], slot->offset, kio_buf(slot->kio[side], slot->data[side], there),
		 have_read);
}

static void
slot_start(struct slot *slot)
{
	struct compare *compare = slot->compare;
	uint64_t len;

	if (compare->error != 0 || compare->cursor >= compare->end || cli_signal() != 0 ||
	    compare->cursor > compare->differ)
		return;
	slot->offset = compare->cursor;
	len = kio__min(CHUNK, compare->end - slot->offset);
	compare->cursor += len;
	compare->busy++;
	slot_read(slot, 0, len);
	slot_read(slot, 1, len);
}

static void
interrupted(void *priv)
{
	(void)priv; /* seen when the next slot starts */
}

static int
run_slots(struct compare *compare)
{
	int rc = EXIT_YES;

	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &compare->slots[i];

		slot->compare = compare;
		for (unsigned side = 0; side < 2; side++) {
			slot->kio[side] = kio_create(compare->side[side].channel, 1);
			slot->data[side] = kio__alloc_aligned(CHUNK, 4096);
			if (slot->kio[side] == NULL || slot->data[side] == NULL)
				rc = cli_fail(compare->cli, EXIT_BUG, "out of memory");
			else
				slot->kio[side]->priv = slot;
		}
	}
	if (rc == EXIT_YES && compare->end != 0) {
		cli_progress_begin(&compare->progress, "compare", compare->end, compare->cli->json);
		cli_signals_watch(compare->loop, interrupted, NULL);
		for (unsigned i = 0; i < SLOTS; i++)
			slot_start(&compare->slots[i]);
		if (compare->busy != 0)
			kio_loop_run(compare->loop);
		cli_progress_end(&compare->progress);
		cli_signals_unwatch(compare->loop);
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		for (unsigned side = 0; side < 2; side++) {
			kio_destroy(compare->slots[i].kio[side]);
			free(compare->slots[i].data[side]);
		}
	}
	return rc;
}

static int
report(const struct compare *compare)
{
	bool same = compare->differ == UINT64_MAX;
	char size[32];
	json_t *result;

	if (compare->error < 0)
		return cli_io_error(compare->cli, compare->cli->args[compare->error_side],
				    compare->error);
	if (cli_signal() != 0)
		return cli_fail(compare->cli, EXIT_SIGNAL + cli_signal(), "stopped by a signal");
	if (compare->cli->json) {
		result = json_pack("{s:b, s:I, s:I}", "identical", same, "size_a_bytes",
				   (json_int_t)compare->size[0], "size_b_bytes",
				   (json_int_t)compare->size[1]);
		if (!same)
			json_object_set_new(result, "first_difference_offset_bytes",
					    json_integer((json_int_t)compare->differ));
		cli_print_json("compare", result);
	} else if (same) {
		printf("identical (%s)\n", cli_size(compare->end, size, sizeof(size)));
	} else {
		printf("differ at offset %lu\n", compare->differ);
	}
	return same ? EXIT_YES : EXIT_NO;
}

static int
run_compare(struct cli *cli)
{
	struct compare *compare = calloc(1, sizeof(*compare));
	struct cli_open how = { .read_only = true, .aligned = true };
	int rc, closed;

	if (compare == NULL)
		return cli_fail(cli, EXIT_BUG, "out of memory");
	compare->cli = cli;
	compare->differ = UINT64_MAX;
	cli_signals_begin();
	rc = cli_loop_open(cli, &compare->loop, 0);
	for (unsigned side = 0; side < 2 && rc == EXIT_YES; side++) {
		rc = cli_open_on(cli, &compare->side[side], cli->args[side], &how, compare->loop);
		if (rc == EXIT_YES)
			compare->size[side] = kio_stack_limits(compare->side[side].stack)->size;
	}
	compare->end = kio__max(compare->size[0], compare->size[1]);
	if (rc == EXIT_YES)
		rc = run_slots(compare);
	if (rc == EXIT_YES)
		rc = report(compare);
	for (unsigned side = 0; side < 2; side++) {
		closed = cli_close(cli, &compare->side[side]);
		if (rc == EXIT_YES)
			rc = closed;
	}
	kio_loop_close(&compare->loop);
	free(compare);
	return rc;
}

const struct cli_command cli_compare = {
	.name = "compare",
	.arguments = "A B",
	.summary = "tell whether two files or stacks hold the same",
	.more = "The rest of the longer one has to read as zeroes.",
	.least = 2,
	.most = 2,
	.opens = true,
	.run = run_compare,
};
