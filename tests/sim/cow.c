/* SPDX-License-Identifier: MIT */
/*
 * An overlay over a base, through several generations. In each there are random
 * requests; then it is closed, or the power fails, perhaps just when a flush or
 * a write with FUA is acknowledged. Between them it is sometimes emptied, or
 * committed into its base, and the power may fail in the middle of that, too.
 *
 * What was acknowledged by FUA or flush is there; what nobody wrote is the
 * base's; an emptied overlay shows the base and nothing older; a commit that was
 * cut off is done again, and the base is what the overlay showed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drivers/sim.h"
#include "layers/cow_commit.h"
#include "sim.h"

#define REQUESTS 150

static struct {
	struct run *run;
	struct totals *totals;
	struct text base, overlay, text;
	unsigned char base_bytes[SIZE];
} cow;

/* --- its text ----------------------------------------------------------- */

/* Disks of its own; their faults are not marked here. */
static void
put_disks(struct text *text, const char *before, unsigned first_disk)
{
	char *mark;

	memset(text, 0, sizeof(*text));
	text->legs = true;
	put(text, before);
	text->disks = first_disk;
	put_stack(text, (unsigned)rnd(3), 512u << rnd(4));
	while ((mark = strchr(text->at, '@')) != NULL)
		*mark = ' ';
}

static void
choose_stack(void)
{
	static const char *const above[] = { "", "", "align | ", "log | ", "retry 2 backoff=100us | " };
	char words[100];

	put_disks(&cow.base, "crop size=256K | ", 40);
	put_disks(&cow.overlay, "", 60);
	memset(&cow.text, 0, sizeof(cow.text));
	put(&cow.text, above[rnd(5)]);
	snprintf(words, sizeof(words), "cow cluster=%uK overlay={ ", 4u << rnd(6));
	put(&cow.text, words);
	put(&cow.text, cow.overlay.at);
	put(&cow.text, " } | ");
	put(&cow.text, cow.base.at);
}

static void
open_as(const char *text, bool create)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = rnd(3) == 0 ? 1 : 16, .create = create,
					     .force = true };
	struct kio_diag diag;

	if (run_open(cow.run, text, &options, &diag) < 0)
		fail(cow.run->seed, text, diag.text, 0);
}

/* --- offline ------------------------------------------------------------- */

static struct kio_stack *
open_one(const char *text)
{
	struct kio_stack_options options = { .engine = "sim", .force = true };
	struct kio_stack *stack;
	struct kio_diag diag;

	if (kio_stack_open(&stack, text, &options, &diag) < 0)
		fail(cow.run->seed, text, diag.text, 0);
	return stack;
}

enum what { LOOK, RESET, COMMIT };

static int
offline(enum what what, struct kio__cow_report *report)
{
	struct kio_stack *overlay = open_one(cow.overlay.at), *base = open_one(cow.base.at);
	struct kio_diag diag;
	uint64_t copied;
	int rc;

	if (what == LOOK)
		rc = kio__cow_look(overlay, base, report, &diag);
	else if (what == RESET)
		rc = kio__cow_reset(overlay, base, false, &diag);
	else
		rc = kio__cow_commit(overlay, base, NULL, NULL, &copied, &diag);
	kio_stack_close(&overlay, NULL);
	kio_stack_close(&base, NULL);
	kio__sim_power_cut(UINT64_MAX, 0);
	if (rc < 0 && rc != -EIO)
		fail(cow.run->seed, cow.text.at, diag.text, (uint64_t)-rc);
	return rc;
}

static void
look(struct kio__cow_report *report)
{
	if (offline(LOOK, report) < 0 || report->damaged != 0 || report->another_base)
		fail(cow.run->seed, cow.text.at, "the overlay is damaged", report->damaged);
}

/* All bytes are these from now on. */
static void
becomes(const unsigned char *bytes)
{
	struct run *run = cow.run;

	memmove(run->now, bytes, SIZE);
	memset(run->by, 0, sizeof(run->by));
	memset(run->from, 0, sizeof(run->from));
	memset(run->unsure, 0, sizeof(run->unsure));
	run->count = 0;
	run_closed(run);
}

/* What it is from now on, where a write that failed left that open. */
static void
look_at_base(void)
{
	open_as(cow.base.at, false);
	run_read(cow.run);
	run_after_crash(cow.run);
	memcpy(cow.base_bytes, cow.run->now, SIZE);
	run_close(cow.run);
}

static void
empty(void)
{
	struct kio__cow_report before, after;
	int rc;

	look(&before);
	if (rnd(2) == 0)
		kio__sim_power_cut(1 + rnd(3), rnd(UINT64_MAX));
	rc = offline(RESET, NULL);
	look(&after);
	cow.totals->cuts += rc < 0;
	if (rc == 0 && after.header.generation == before.header.generation)
		fail(cow.run->seed, cow.text.at, "it was not emptied", 0);
	if (after.header.generation != before.header.generation)
		becomes(cow.base_bytes);
}

static void
commit(void)
{
	struct kio__cow_report report;
	struct kio_stack *stack;
	unsigned tries = 0;

	while (tries < 3) {
		if (tries++ < 2 && rnd(2) == 0)
			kio__sim_power_cut(1 + rnd(20), rnd(UINT64_MAX));
		else
			tries = 3;
		if (offline(COMMIT, NULL) == 0)
			break;
		if (tries == 3)
			fail(cow.run->seed, cow.text.at, "it cannot be committed", 0);
		cow.totals->cuts++;
		look(&report);
		if (report.header.committing &&
		    kio_stack_open(&stack, cow.text.at, &(struct kio_stack_options){ .engine = "sim", .force = true },
				   NULL) != -EALREADY)
			fail(cow.run->seed, cow.text.at, "it opens in the middle of a commit", 0);
	}
	look_at_base();
}

/* --- a generation --------------------------------------------------------- */

static void
generation(void)
{
	struct run *run = cow.run;

	open_as(cow.text.at, false);
	run_read(run);
	switch (rnd(6)) {
	case 0: kio__sim_power_cut(1 + rnd(60), rnd(UINT64_MAX)); break;
	case 1: run->steps = 1 + (unsigned)rnd(REQUESTS); break;
	case 2: run->cut_at_flush = true; break;
	case 3: run->acked_from = (uint32_t)rnd(20); break;
	}
	run_requests(run, REQUESTS);
	run->steps = 0;
	run->cut_at_flush = false;
	if (run_close(run) == 0 && !run->saw_error && !run->power_failed) {
		run_closed(run);
		return;
	}
	cow.totals->cuts++;
	open_as(cow.text.at, false);
	run_after_crash(run);
	run_close(run);
}

void
run_cow(uint64_t seed, struct run *run, struct totals *totals)
{
	cow.run = run;
	cow.totals = totals;
	run->fua = 3;
	run->longest = rnd(2) == 0 ? 8000 : 60000;
	choose_stack();
	open_as(cow.base.at, false);
	if (!run_zero(run))
		fail(seed, cow.base.at, "it cannot be zeroed", 0);
	run_requests(run, REQUESTS / 2);
	if (!run_flush(run) || run_close(run) < 0)
		fail(seed, cow.base.at, "it cannot be closed", 0);
	look_at_base();
	open_as(cow.text.at, true);
	if (run_close(run) < 0)
		fail(seed, cow.text.at, "it cannot be created", 0);
	totals->overlays++;
	for (unsigned left = 2 + (unsigned)rnd(5); left > 0; left--) {
		generation();
		switch (rnd(6)) {
		case 0: empty(); break;
		case 1: commit(); break;
		}
	}
}
