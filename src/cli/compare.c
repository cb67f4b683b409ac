/* SPDX-License-Identifier: MIT */
/*
 * kiobuf compare: are two files or stacks the same? The rest of the longer one
 * has to read as zeroes.
 *
 * What a side's extents say is zero is not read; where both are, nothing is. So
 * a large image with little in it takes as long as what is in it.
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
	uint64_t offset, len;
	unsigned pending;
	bool busy;
};

struct compare {
	const struct cli *cli;
	struct kio_loop *loop;
	struct target side[2];
	uint64_t size[2], cursor, end, done;
	/* of each side: up to where its extent at the cursor goes, and is it zero? */
	struct kio *look[2];
	uint64_t known[2];
	bool zero[2];
	unsigned looking;
	struct slot slots[SLOTS];
	unsigned busy;
	uint64_t differ; /* the first offset, or UINT64_MAX */
	int error;
	unsigned error_side;
	struct progress progress;
};

static void go_on(struct compare *compare);

static void
check(struct compare *compare, const struct slot *slot)
{
	uint64_t i = 0;

	if (memcmp(slot->data[0], slot->data[1], slot->len) == 0)
		return;
	while (slot->data[0][i] == slot->data[1][i])
		i++;
	compare->differ = kio__min(compare->differ, slot->offset + i);
}

static void
failed(struct compare *compare, unsigned side, int error)
{
	if (compare->error == 0) {
		compare->error = error;
		compare->error_side = side;
	}
}

static void
have_read(struct kio *kio)
{
	struct slot *slot = kio->priv;
	struct compare *compare = slot->compare;

	if (kio_status(kio) < 0)
		failed(compare, kio == slot->kio[1], kio_status(kio));
	if (--slot->pending != 0)
		return;
	if (compare->error == 0)
		check(compare, slot);
	compare->done += slot->len;
	cli_progress(&compare->progress, compare->done);
	slot->busy = false;
	compare->busy--;
	go_on(compare);
}

/* Beyond the end of a side there are zeroes. */
static void
slot_read(struct slot *slot, unsigned side, bool zero)
{
	const struct compare *compare = slot->compare;
	uint64_t there = zero ? 0 : kio__min(slot->len, compare->size[side] - slot->offset);

	memset(slot->data[side] + there, 0, slot->len - there);
	if (there == 0)
		return;
	slot->pending++;
	kio_read(slot->kio[side], slot->offset, kio_buf(slot->kio[side], slot->data[side], there),
		 have_read);
}

/* From the cursor on, as far as each side is zero or not. False: no slot is free. */
static bool
start_slot(struct compare *compare)
{
	uint64_t known = kio__min(kio__min(compare->known[0], compare->known[1]), compare->end);
	struct slot *slot = compare->slots;

	while (slot < compare->slots + SLOTS && slot->busy)
		slot++;
	if (slot == compare->slots + SLOTS)
		return false;
	slot->offset = compare->cursor;
	slot->len = kio__min(CHUNK, known - compare->cursor);
	slot->busy = true;
	compare->cursor += slot->len;
	compare->busy++;
	slot_read(slot, 0, compare->zero[0]);
	slot_read(slot, 1, compare->zero[1]);
	return true;
}

static void
looked(struct kio *kio)
{
	struct compare *compare = kio->priv;
	unsigned side = kio == compare->look[1];

	if (kio_status(kio) < 0)
		failed(compare, side, kio_status(kio));
	compare->known[side] = compare->cursor + kio->extent_len;
	compare->zero[side] = (kio->extent_flags & KIO_EXTENT_ZERO) != 0;
	if (--compare->looking == 0)
		go_on(compare);
}

/* What is at the cursor? Asks the sides of which it is not known. */
static bool
is_known(struct compare *compare)
{
	uint64_t cursor = compare->cursor;

	for (unsigned side = 0; side < 2; side++) {
		if (compare->known[side] > cursor)
			continue;
		if (cursor >= compare->size[side]) {
			compare->known[side] = UINT64_MAX;
			compare->zero[side] = true;
			continue;
		}
		compare->looking++;
		kio_extent(compare->look[side], cursor, compare->size[side] - cursor, looked);
	}
	return compare->looking == 0;
}

static void
go_on(struct compare *compare)
{
	uint64_t both;

	while (compare->looking == 0 && compare->error == 0 && cli_signal() == 0 &&
	       compare->cursor < kio__min(compare->end, compare->differ)) {
		if (!is_known(compare))
			return;
		if (compare->zero[0] && compare->zero[1]) {
			both = kio__min(kio__min(compare->known[0], compare->known[1]), compare->end);
			compare->done += both - compare->cursor;
			compare->cursor = both;
		} else if (!start_slot(compare)) {
			return;
		}
	}
	if (compare->busy == 0 && compare->looking == 0)
		kio_loop_stop(compare->loop);
}

static void
interrupted(void *priv)
{
	(void)priv; /* seen when the next slot is free */
}

static int
prepare(struct compare *compare)
{
	for (unsigned side = 0; side < 2; side++) {
		compare->look[side] = kio_create(compare->side[side].channel, 0);
		if (compare->look[side] == NULL)
			return cli_fail(compare->cli, EXIT_BUG, "out of memory");
		compare->look[side]->priv = compare;
		for (unsigned i = 0; i < SLOTS; i++) {
			struct slot *slot = &compare->slots[i];

			slot->compare = compare;
			slot->kio[side] = kio_create(compare->side[side].channel, 1);
			slot->data[side] = kio__alloc_aligned(CHUNK, 4096);
			if (slot->kio[side] == NULL || slot->data[side] == NULL)
				return cli_fail(compare->cli, EXIT_BUG, "out of memory");
			slot->kio[side]->priv = slot;
		}
	}
	return EXIT_YES;
}

static void
dispose(struct compare *compare)
{
	for (unsigned side = 0; side < 2; side++) {
		kio_destroy(compare->look[side]);
		for (unsigned i = 0; i < SLOTS; i++) {
			kio_destroy(compare->slots[i].kio[side]);
			free(compare->slots[i].data[side]);
		}
	}
}

static int
run_slots(struct compare *compare)
{
	int rc = prepare(compare);

	if (rc == EXIT_YES) {
		cli_progress_begin(&compare->progress, "compare", compare->end, compare->cli->json);
		cli_signals_watch(compare->loop, interrupted, NULL);
		go_on(compare);
		cli_loop_run(compare->loop);
		cli_progress_end(&compare->progress);
		cli_signals_unwatch(compare->loop);
	}
	dispose(compare);
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
