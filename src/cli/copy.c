/* SPDX-License-Identifier: MIT */
/*
 * kiobuf copy: from one file or stack to another.
 *
 *   extents of the source --> data: read --> write, in several slots at once
 *                         --> hole: write-zeroes, or nothing where the
 *                                   destination is known to be zero
 *   at the end: the rest of a larger destination is zeroed, and all is flushed
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "cli/cli.h"
#include "cli/safety.h"
#include "port/port.h"

#define SLOTS 16
#define CHUNK ((uint64_t)512 << 10)
#define ZERO_CHUNK ((uint64_t)64 << 20)

struct copy;

struct slot {
	struct copy *copy;
	struct kio *read, *write;
	void *buffer;
	uint64_t offset, len;
	bool busy;
};

struct copy {
	const struct cli *cli;
	struct kio_loop *loop;
	struct target from, to;
	uint64_t size;
	bool fresh; /* the destination was made just now: all zero */
	bool made;  /* and is open: it goes away again if the copy fails */

	struct kio *look; /* at extents */
	bool looking;
	uint64_t cursor;     /* up to here all is under way */
	uint64_t known;      /* up to here the extent at the cursor goes */
	bool hole;           /* and is one */
	struct slot slots[SLOTS];
	unsigned busy;
	bool flushing, done;

	int error; /* the first */
	const char *doing;
	uint64_t error_at;
	uint64_t moved, skipped, zeroed;
	struct progress progress;
};

static void go_on(struct copy *copy);

static void
failed(struct copy *copy, const char *doing, uint64_t at, int error)
{
	if (copy->error == 0) {
		copy->error = error;
		copy->doing = doing;
		copy->error_at = at;
	}
}

static void
slot_free(struct slot *slot)
{
	slot->busy = false;
	slot->copy->busy--;
	go_on(slot->copy);
}

static void
written(struct kio *kio)
{
	struct slot *slot = kio->priv;
	struct copy *copy = slot->copy;

	if (kio_status(kio) < 0)
		failed(copy, "writing the destination", slot->offset, kio_status(kio));
	cli_progress(&copy->progress, copy->moved + copy->skipped + copy->zeroed);
	slot_free(slot);
}

static void
have_read(struct kio *kio)
{
	struct slot *slot = kio->priv;
	struct copy *copy = slot->copy;

	if (kio_status(kio) < 0) {
		failed(copy, "reading the source", slot->offset, kio_status(kio));
		slot_free(slot);
		return;
	}
	copy->moved += slot->len;
	kio_write(slot->write, slot->offset, kio_buf(slot->write, slot->buffer, slot->len), 0, written);
}

static struct slot *
slot_take(struct copy *copy)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		if (!copy->slots[i].busy) {
			copy->slots[i].busy = true;
			copy->busy++;
			return &copy->slots[i];
		}
	}
	return NULL;
}

static void
looked(struct kio *kio)
{
	struct copy *copy = kio->priv;

	copy->looking = false;
	if (kio_status(kio) < 0)
		failed(copy, "looking for holes in the source", copy->cursor, kio_status(kio));
	copy->known = copy->cursor + kio->extent_len;
	copy->hole = (kio->extent_flags & KIO_EXTENT_ZERO) != 0;
	go_on(copy);
}

/* One piece of what is known: a read, or zeroes to write; a fresh destination needs none. */
static bool
start_piece(struct copy *copy)
{
	uint64_t left = copy->known - copy->cursor;
	struct slot *slot;

	if (copy->hole && copy->fresh) {
		copy->skipped += left;
		copy->cursor = copy->known;
		return true;
	}
	slot = slot_take(copy);
	if (slot == NULL)
		return false;
	slot->offset = copy->cursor;
	slot->len = kio__min(left, copy->hole ? ZERO_CHUNK : CHUNK);
	copy->cursor += slot->len;
	if (copy->hole) {
		copy->zeroed += slot->len;
		kio_clear(slot->write, KIO_WRITE_ZEROES, slot->offset, slot->len, 0, written);
	} else {
		kio_read(slot->read, slot->offset, kio_buf(slot->read, slot->buffer, slot->len),
			 have_read);
	}
	return true;
}

static void
flushed(struct kio *kio)
{
	struct slot *slot = kio->priv;

	if (kio_status(kio) < 0)
		failed(slot->copy, "flushing the destination", 0, kio_status(kio));
	slot->copy->done = true;
	kio_loop_stop(slot->copy->loop);
}

/* All is written: now it is made to last. What failed is not flushed. */
static void
finish(struct copy *copy)
{
	if (copy->error < 0 || cli_signal() != 0) {
		kio_loop_stop(copy->loop);
		copy->done = true;
		return;
	}
	copy->flushing = true;
	kio_flush_all(copy->slots[0].write, flushed);
}

static void
go_on(struct copy *copy)
{
	uint64_t end = kio_stack_limits(copy->to.stack)->size;

	while (copy->error == 0 && cli_signal() == 0 && !copy->looking && copy->cursor < end) {
		if (copy->cursor < copy->known) {
			if (!start_piece(copy))
				return;
		} else if (copy->cursor < copy->size) {
			copy->looking = true;
			kio_extent(copy->look, copy->cursor, copy->size - copy->cursor, looked);
		} else {
			/* what the destination has beyond the source */
			copy->known = end;
			copy->hole = true;
		}
	}
	if (copy->busy == 0 && !copy->looking && !copy->flushing)
		finish(copy);
}

static void
interrupted(void *priv)
{
	(void)priv; /* go_on sees it when the next slot is free */
}

/* --- before and after --------------------------------------------------- */

static int
prepare(struct copy *copy)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &copy->slots[i];

		slot->copy = copy;
		slot->read = kio_create(copy->from.channel, 1);
		slot->write = kio_create(copy->to.channel, 1);
		slot->buffer = kio__alloc_aligned(CHUNK, 4096);
		if (slot->read == NULL || slot->write == NULL || slot->buffer == NULL)
			return cli_fail(copy->cli, EXIT_BUG, "out of memory");
		slot->read->priv = slot->write->priv = slot;
	}
	copy->look = kio_create(copy->from.channel, 0);
	if (copy->look == NULL)
		return cli_fail(copy->cli, EXIT_BUG, "out of memory");
	copy->look->priv = copy;
	return EXIT_YES;
}

static void
dispose(struct copy *copy)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		kio_destroy(copy->slots[i].read);
		kio_destroy(copy->slots[i].write);
		free(copy->slots[i].buffer);
	}
	kio_destroy(copy->look);
}

/* size= makes no empty file, so this does. */
static int
make_empty(const struct cli *cli, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return cli_fail(cli, EXIT_OPEN, "%s cannot be made: %s", path, strerror(errno));
	close(fd);
	return EXIT_YES;
}

static bool
is_same_file(const char *from, const char *to)
{
	struct stat a, b;

	return cli_is_file(from) && cli_is_file(to) && stat(from, &a) == 0 && stat(to, &b) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static int
open_destination(struct copy *copy, const char *argument)
{
	const struct cli *cli = copy->cli;
	struct cli_open how = { .aligned = true };
	char want[32], have[32];
	uint64_t size;
	int rc = EXIT_YES;

	if (is_same_file(copy->from.argument, argument))
		return cli_fail(cli, EXIT_REFUSED, "%s and %s are the same file", copy->from.argument,
				argument);
	if (!cli_flag(cli, "force"))
		rc = cli_refuse_overwrite(cli, argument);
	if (rc != EXIT_YES)
		return rc;
	if (cli_is_file(argument) && access(argument, F_OK) != 0) {
		how.size = copy->size;
		copy->fresh = true;
		if (copy->size == 0)
			rc = make_empty(cli, argument);
		copy->made = copy->size == 0 && rc == EXIT_YES;
	}
	if (rc == EXIT_YES)
		rc = cli_open_on(cli, &copy->to, argument, &how, copy->loop);
	if (rc != EXIT_YES)
		return rc;
	copy->made = copy->fresh;
	if (kio_stack_limits(copy->to.stack)->read_only)
		return cli_fail(cli, EXIT_REFUSED, "the destination is read only");
	size = kio_stack_limits(copy->to.stack)->size;
	if (size < copy->size)
		return cli_fail(cli, EXIT_REFUSED, "the destination has %s, the source needs %s (%lu bytes, %lu)",
				cli_size(size, have, sizeof(have)), cli_size(copy->size, want, sizeof(want)),
				size, copy->size);
	return EXIT_YES;
}

static void
print_result(const struct copy *copy, uint64_t took)
{
	char total[32], data[32], rate[48];

	if (copy->cli->json) {
		cli_print_json("copy",
			       json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "size_bytes",
					 (json_int_t)copy->size, "moved_bytes", (json_int_t)copy->moved,
					 "skipped_bytes", (json_int_t)copy->skipped, "zeroed_bytes",
					 (json_int_t)copy->zeroed, "elapsed_ns", (json_int_t)took,
					 "source_layers", cli_json_stats(copy->from.stack),
					 "destination_layers", cli_json_stats(copy->to.stack)));
		return;
	}
	printf("copied %s: %s of data, %s skipped, ", cli_size(copy->size, total, sizeof(total)),
	       cli_size(copy->moved, data, sizeof(data)), cli_size(copy->skipped, rate, sizeof(rate)));
	printf("%s zeroed; %s in %.1f s\n", cli_size(copy->zeroed, data, sizeof(data)),
	       cli_rate(copy->moved + copy->zeroed + copy->skipped, took, rate, sizeof(rate)),
	       (double)took / 1e9);
	if (cli_flag(copy->cli, "stats")) {
		printf("\nsource\n");
		cli_print_stats(stdout, copy->from.stack);
		printf("\ndestination\n");
		cli_print_stats(stdout, copy->to.stack);
	}
}

static const char *
what_is_left(const struct copy *copy)
{
	return copy->made ? "the new file is removed" : "the destination is not complete";
}

static int
transfer(struct copy *copy)
{
	uint64_t begun = kio__now();
	int rc = prepare(copy);

	if (rc == EXIT_YES) {
		cli_progress_begin(&copy->progress, "copy", kio_stack_limits(copy->to.stack)->size,
				   copy->cli->json);
		cli_signals_watch(copy->loop, interrupted, copy);
		go_on(copy);
		cli_loop_run(copy->loop);
		cli_progress_end(&copy->progress);
		cli_signals_unwatch(copy->loop);
	}
	dispose(copy);
	if (rc != EXIT_YES)
		return rc;
	if (copy->error < 0 && copy->flushing)
		return cli_fail(copy->cli, EXIT_IO, "%s: %s; %s", copy->doing, kio_error_text(copy->error),
				what_is_left(copy));
	if (copy->error < 0)
		return cli_fail(copy->cli, EXIT_IO, "%s at %lu: %s; %s", copy->doing, copy->error_at,
				kio_error_text(copy->error), what_is_left(copy));
	/* one that came when all was written is too late */
	if (!copy->flushing && cli_signal() != 0)
		return cli_fail(copy->cli, EXIT_SIGNAL + cli_signal(),
				"stopped by a signal; %s", what_is_left(copy));
	print_result(copy, kio__now() - begun);
	return EXIT_YES;
}

static int
run_copy(struct cli *cli)
{
	struct copy *copy = calloc(1, sizeof(*copy));
	struct cli_open how = { .read_only = true };
	int rc, closed;

	if (copy == NULL)
		return cli_fail(cli, EXIT_BUG, "out of memory");
	copy->cli = cli;
	cli_signals_begin();
	rc = cli_loop_open(cli, &copy->loop, 0);
	if (rc == EXIT_YES)
		rc = cli_open_on(cli, &copy->from, cli->args[0], &how, copy->loop);
	if (rc == EXIT_YES) {
		copy->size = kio_stack_limits(copy->from.stack)->size;
		rc = open_destination(copy, cli->args[1]);
	}
	if (rc == EXIT_YES)
		rc = transfer(copy);
	closed = cli_close(cli, &copy->to);
	if (rc == EXIT_YES)
		rc = closed;
	closed = cli_close(cli, &copy->from);
	if (rc == EXIT_YES)
		rc = closed;
	if (rc != EXIT_YES && copy->made)
		unlink(cli->args[1]);
	kio_loop_close(&copy->loop);
	free(copy);
	return rc;
}

static const struct cli_option options[] = {
	{ "force", OPTION_FLAG, NULL, "overwrite a destination that exists" },
	{ "stats", OPTION_FLAG, NULL, "tell what went through each layer" },
	{ 0 }
};

const struct cli_command cli_copy = {
	.name = "copy",
	.arguments = "SRC DST",
	.summary = "copy a file or stack to another",
	.more = "A file that does not exist is made, with the size of the source, and removed again if the\n"
		"copy fails. A smaller destination is refused; the rest of a larger one is zeroed. A stack\n"
		"counts as one that exists, unless all of it is memory. A hole is skipped where the\n"
		"destination was made just now, and zeroed elsewhere. What is said to be copied is on stable\n"
		"storage.",
	.least = 2,
	.most = 2,
	.options = options,
	.opens = true,
	.run = run_copy,
};
