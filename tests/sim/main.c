/* SPDX-License-Identifier: MIT */
/*
 * The simulator: random stacks over simulated disks in virtual time, random
 * requests with several in flight, random memory; and a flat oracle that knows
 * which bytes may be read.
 *
 *	build/tests/sim --seconds 10         seeds from 1 on
 *	build/tests/sim --seeds 1000         so many
 *	build/tests/sim --seed 1234          one again
 *
 * Checked: each request completes once; data is what was written last, or, of
 * writes that failed or were in flight at a power cut, what it was before or
 * what was to be written; what was flushed or carried FUA is there after a cut,
 * and what was read after it stays; a failure's range lies inside the request;
 * all containers and memory come home (the library aborts if not). Half of the
 * seeds are mirrors with state: legs.c; and some go on with an overlay: cow.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/port.h"
#include "sim.h"

#define REQUESTS 300

static uint64_t random_state;

void
rnd_seed(uint64_t seed)
{
	random_state = seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
	rnd(2);
}

uint64_t
rnd(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

void
fail(uint64_t seed, const char *stack, const char *what, uint64_t at)
{
	fprintf(stderr, "seed %lu: %s at %lu\n  %s\n  again: build/tests/sim --seed %lu\n", seed, what, at,
		stack, seed);
	unlink("sim.key");
	exit(1);
}

static void
open_plain(struct run *run, const char *text)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = rnd(3) == 0 ? 1 : 16, .force = true };
	struct kio_diag diag;

	if (run_open(run, text, &options, &diag) < 0)
		fail(run->seed, text, diag.text, 0);
}

/* A stack without a mirror's state; its disks may fail now and then, or lose their power. */
static void
run_plain(struct run *run, struct totals *totals)
{
	static struct text text;
	bool saw_error;
	char *cut;

	memset(&text, 0, sizeof(text));
	text.cut = rnd(2) == 0;
	text.errors = !text.cut && rnd(3) == 0;
	text.late = rnd(2) == 0;
	/* at the top, where data that is the caller's gift may be changed in place */
	text.retried = text.errors && rnd(2) == 0;
	if (text.retried) {
		put(&text, "retry 9 backoff=10us | crypt header=none key-file=sim.key | ");
		put_stack(&text, 1 + (unsigned)rnd(2), 512u << rnd(4));
	} else {
		put(&text, rnd(2) ? "align | " : "");
		put_stack(&text, 1 + (unsigned)rnd(4), 512u << rnd(4));
	}
	/* a mirror without state cannot know which leg is right after an error */
	if (text.mirrors != 0 && (text.errors || text.cut || text.late))
		return;
	open_plain(run, text.at);
	/* what an earlier seed left behind is overwritten */
	if (run_zero(run)) {
		run_requests(run, REQUESTS);
		run->errors = text.errors;
		if (!run->saw_error)
			run_read(run);
	}
	saw_error = run->saw_error;
	run_close(run);
	totals->errors += saw_error;
	if (text.cut && saw_error && run->flushes != 0) {
		/* the power comes back, and does not fail again */
		cut = strstr(text.at, " cut=");
		memset(cut, ' ', strcspn(cut + 1, " ;}|") + 1);
		open_plain(run, text.at);
		run_after_crash(run);
		run_close(run);
		totals->cuts++;
	}
}

/* Time is virtual, but workers are not: a seed that takes so many seconds hangs. */
#define HANGS 20

static struct run run;

static void
over_time(int number)
{
	char text[200];
	int len = snprintf(text, sizeof(text), "seed %lu: nothing moves any more\n  again: build/tests/sim --seed %lu\n",
			   run.seed, run.seed);

	/* whatever was interrupted holds its locks */
	(void)number;
	(void)!write(STDERR_FILENO, text, (size_t)len);
	unlink("sim.key");
	_exit(1);
}

static void
run_one(uint64_t seed, struct totals *totals, void (*which)(uint64_t seed, struct run *run, struct totals *totals))
{
	memset(&run, 0, sizeof(run));
	run.seed = seed;
	run.fua = 4;
	run.longest = 40000;
	run.cancel = rnd(2) == 0 ? UINT32_MAX : 40;
	which(seed, &run, totals);
	totals->ios += run.ios;
	totals->bytes += run.bytes;
	totals->flushes += run.flushes;
	totals->cancelled += run.cancelled;
	totals->late += run.late;
}

static void
run_stack(uint64_t seed, struct run *now, struct totals *totals)
{
	if (rnd(2) == 0)
		run_legs(seed, now, totals);
	else
		run_plain(now, totals);
}

/* One in so many seeds is an overlay, too. */
#define OVERLAYS 4

static void
run_seed(uint64_t seed, struct totals *totals)
{
	alarm(HANGS);
	rnd_seed(seed);
	run_one(seed, totals, run_stack);
	if (seed % OVERLAYS == 0)
		run_one(seed, totals, run_cow);
	totals->seeds++;
}

static void
print(const struct totals *totals, bool json)
{
	if (json)
		printf("{\"schema\": \"kiobuf/sim/1\", \"seeds\": %lu, \"ios\": %lu, \"bytes\": %lu, "
		       "\"power_cuts\": %lu, \"runs_with_errors\": %lu, \"flushes\": %lu, \"cancelled\": %lu, \"timed_out\": %lu, "
		       "\"overlays\": %lu, \"mirrors\": %lu, "
		       "\"mirrors_reopened\": %lu, \"mirrors_degraded\": %lu, \"failures\": 0}\n",
		       totals->seeds, totals->ios, totals->bytes, totals->cuts, totals->errors, totals->flushes,
		       totals->cancelled, totals->late, totals->overlays, totals->mirrors, totals->reopened, totals->degraded);
	else
		printf("%lu seeds, %lu I/Os, %lu power cuts, %lu with errors, %lu flushes, %lu cancelled, %lu timed out; "
		       "%lu overlays; %lu mirrors opened %lu times, %lu degraded, %lu written apart, %lu legs asked back, %lu made equal\n",
		       totals->seeds, totals->ios, totals->cuts, totals->errors, totals->flushes,
		       totals->cancelled, totals->late, totals->overlays, totals->mirrors, totals->reopened, totals->degraded, totals->apart,
		       totals->asked_back, totals->joined);
	printf("%d passed, 0 failed\n", 1);
}

int
main(int argc, char **argv)
{
	uint64_t seconds = 3, only = 0, seeds = UINT64_MAX, until;
	struct totals totals = { 0 };
	bool json = false;
	FILE *key;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
			seconds = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
			seeds = strtoull(argv[++i], NULL, 10), seconds = 3600;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			only = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			return fprintf(stderr, "usage: sim [--seconds N] [--seeds N] [--seed N] [--json]\n"), 2;
	}
	key = fopen("sim.key", "w");
	for (int i = 0; i < 64; i++)
		fputc(i * 3 + i / 32, key);
	fclose(key);
	chmod("sim.key", 0600);
	signal(SIGALRM, over_time);
	until = kio__now() + seconds * 1000000000u;
	if (only != 0)
		run_seed(only, &totals);
	else
		for (uint64_t seed = 1; seed <= seeds && kio__now() < until; seed++)
			run_seed(seed, &totals);
	unlink("sim.key");
	print(&totals, json);
	return 0;
}
