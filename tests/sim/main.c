/* SPDX-License-Identifier: MIT */
/*
 * The simulator: random stacks over simulated disks in virtual time, random
 * requests with several in flight, random memory, faults; and a flat oracle that
 * knows which bytes may be read.
 *
 *	build/tests/sim --seconds 10         seeds from 1 on
 *	build/tests/sim --seeds 1000         so many
 *	build/tests/sim --seed 1234          one again
 *	build/tests/sim --exhaustive         all small workloads: exhaustive.c
 *
 * Checked: each request completes once; data is what was written last, or, of
 * writes that failed or were in flight at a power cut, what it was before or
 * what was to be written; what was flushed or carried FUA is there after a cut,
 * and what was read after it stays; a failure's range lies inside the request;
 * all containers and memory come home (the library aborts if not). Half of the
 * seeds are mirrors with state: legs.c; some go on with an overlay: cow.c; and
 * some with many small requests and all kinds of faults: swarm.c.
 *
 * Seeds run in a process of their own. When that fails, the seed is made smaller
 * (shrink.c), and what is left is printed. A seed in a hundred runs twice, and
 * all that happened has to happen again, at the same times. Seeds that once
 * failed are in the file `seeds` and run first.
 */
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/math.h"
#include "port/port.h"
#include "sim.h"

#ifndef SEEDS
#define SEEDS "tests/sim/seeds"
#endif

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
	fprintf(stderr, "seed %lu: %s at %lu\n  %s\n", seed, what, at, stack);
	_exit(1);
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

/* Time is virtual, but threads are not: a seed that takes so many seconds hangs. */
#define HANGS 30

static struct options {
	uint64_t seconds, only, seeds;
	bool json, as_is, all_faults, exhaustive;
} options = { .seconds = 3, .seeds = UINT64_MAX };

static struct run run;

static void
run_one(uint64_t seed, struct totals *totals, void (*which)(uint64_t seed, struct run *run, struct totals *totals))
{
	memset(&run, 0, sizeof(run));
	run.seed = seed;
	run.fua = 4;
	run.longest = 40000;
	run.cancel = rnd(2) == 0 ? UINT32_MAX : 40;
	kio__sim_forget();
	kio__sim.rate[KIO__SIM_SHORT] = 10000;
	which(seed, &run, totals);
	kio__sim.rate[KIO__SIM_SHORT] = 0;
	totals->ios += run.ios;
	totals->bytes += run.bytes;
	totals->flushes += run.flushes;
	totals->cancelled += run.cancelled;
	totals->late += run.late;
	totals->verified += run.verified;
	totals->layer_ios += run.layer_ios;
}

static void
run_stack(uint64_t seed, struct run *now, struct totals *totals)
{
	if (rnd(2) == 0)
		run_legs(seed, now, totals);
	else
		run_plain(now, totals);
}

/* One in so many seeds is an overlay, too; or many requests. */
#define OVERLAYS 4
#define SWARMS 2
#define REPLAYS 100
#define OTHER_CHANCE ((uint64_t)1 << 40)

static uint64_t
run_once(uint64_t seed, struct totals *totals)
{
	/* each by itself: what is left out of one does not change the next */
	kio__sim.hash = seed;
	sim_sends_nothing_yet();
	rnd_seed(seed);
	if (!limits.without[STACK])
		run_one(seed, totals, run_stack);
	rnd_seed(seed + OTHER_CHANCE);
	if (seed % OVERLAYS == 0 && !limits.without[OVERLAY])
		run_one(seed, totals, run_cow);
	rnd_seed(seed + 2 * OTHER_CHANCE);
	if (seed % SWARMS == 0 && !limits.without[SWARM])
		run_swarm(seed, totals);
	return kio__sim.hash;
}

static void
run_seed(uint64_t seed, struct totals *totals)
{
	uint64_t hash;

	alarm(HANGS);
	hash = run_once(seed, totals);
	totals->seeds++;
	memcpy(totals->faults, kio__sim.fired, sizeof(totals->faults));
	if (seed % REPLAYS != 0)
		return;
	if (run_once(seed, totals) != hash)
		fail(seed, "", "two runs of it differ", 0);
	totals->replayed++;
}

/* --- the process that runs seeds ------------------------------------------------ */

/* What it tells the one that waits for it. */
static struct shared {
	struct totals totals;
	uint64_t seed; /* that runs; 0: none does */
	uint64_t sent; /* its random requests */
} *shared;

static void
seed_begins(uint64_t seed)
{
	shared->seed = seed;
	sim_counts_in(&shared->sent);
	run_seed(seed, &shared->totals);
	shared->seed = 0;
}

/* Those that once failed. */
static void
run_known(void)
{
	FILE *file = fopen(SEEDS, "r");
	char line[200];

	while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
		uint64_t seed = strtoull(line, NULL, 10);

		if (seed != 0)
			seed_begins(seed);
	}
	if (file != NULL)
		fclose(file);
}

static void
run_all(void)
{
	uint64_t until = kio__now() + options.seconds * 1000000000u;

	if (options.exhaustive) {
		run_exhaustive(&shared->totals);
		return;
	}
	if (options.only != 0) {
		seed_begins(options.only);
		return;
	}
	run_known();
	for (uint64_t seed = 1; seed <= options.seeds && kio__now() < until; seed++)
		seed_begins(seed);
}

/* A process that dies of an alarm or of a broken contract has failed, too. 0, its exit code, or 128 and the signal. */
static int
run_apart(void (*what)(void), bool quietly)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (quietly && freopen("/dev/null", "w", stderr) == NULL)
			_exit(3);
		what();
		exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
run_only(void)
{
	struct totals totals = { 0 };

	run_seed(options.only, &totals);
}

static bool
fails_again(uint64_t seed)
{
	options.only = seed;
	return run_apart(run_only, !limits.list) != 0;
}

static void
failed(uint64_t seed, int code)
{
	if (code == 128 + SIGALRM)
		fprintf(stderr, "seed %lu: nothing moves any more\n", seed);
	else if (code > 128)
		fprintf(stderr, "seed %lu: it ended by the signal %d\n", seed, code - 128);
	if (options.exhaustive) {
		fprintf(stderr, "  again: build/tests/sim --exhaustive\n");
		return;
	}
	fprintf(stderr, "  again: build/tests/sim --seed %lu\n", seed);
	if (!options.as_is)
		shrink(seed, shared->sent, fails_again);
}

/* --- what comes out -------------------------------------------------------------- */

static void
print_json(const struct totals *totals, double seconds, int failures)
{
	printf("{\"schema\": \"kiobuf/sim/2\", \"seeds\": %lu, \"ios\": %lu, \"ios_per_s\": %.0f, \"bytes\": %lu, "
	       "\"layers_mean\": %.2f, \"verified\": %lu, \"replayed\": %lu, \"power_cuts\": %lu, \"flushes\": %lu, "
	       "\"swarms\": %lu, \"overlays\": %lu, \"mirrors\": %lu, \"mirrors_reopened\": %lu, \"mirrors_degraded\": %lu, ",
	       totals->seeds, totals->ios, (double)totals->ios / seconds, totals->bytes,
	       (double)totals->layer_ios / 100 / (double)(totals->ios != 0 ? totals->ios : 1), totals->verified,
	       totals->replayed, totals->cuts, totals->flushes, totals->swarms, totals->overlays, totals->mirrors,
	       totals->reopened, totals->degraded);
	printf("\"faults\": {");
	for (unsigned kind = 0; kind < KIO__SIM_KINDS; kind++)
		printf("%s\"%s\": %lu", kind == 0 ? "" : ", ", fault_name(kind), totals->faults[kind]);
	printf("}, \"failures\": %d}\n", failures);
}

static void
print_words(const struct totals *totals, double seconds, int failures)
{
	printf("%lu seeds, %lu I/Os, %.0f a second, through %.1f layers; %lu power cuts, %lu with errors, %lu flushes, "
	       "%lu cancelled, %lu timed out, %lu run twice; "
	       "%lu overlays; %lu mirrors opened %lu times, %lu degraded, %lu written apart, %lu legs asked back, %lu made equal\n",
	       totals->seeds, totals->ios, (double)totals->ios / seconds,
	       (double)totals->layer_ios / 100 / (double)(totals->ios != 0 ? totals->ios : 1), totals->cuts, totals->errors,
	       totals->flushes, totals->cancelled, totals->late, totals->replayed, totals->overlays, totals->mirrors,
	       totals->reopened, totals->degraded, totals->apart, totals->asked_back, totals->joined);
	printf("%d passed, %d failed\n", failures == 0, failures);
}

/* A kind that never came tests nothing. */
static int
missing_faults(const struct totals *totals)
{
	int missing = 0;

	for (unsigned kind = 0; kind < KIO__SIM_KINDS; kind++) {
		if (totals->faults[kind] != 0 || (kio__sim.without >> kind & 1) != 0)
			continue;
		fprintf(stderr, "the fault %s never came\n", fault_name(kind));
		missing++;
	}
	return missing;
}

/* --- options ----------------------------------------------------------------------- */

static int
usage(FILE *to)
{
	fprintf(to, "usage: sim [--seconds N] [--seeds N] [--seed N] [--json] [--all-faults] [--as-is]\n"
		    "           [--exhaustive] [--no-stack] [--no-overlay] [--no-swarm] [--ops N]\n"
		    "           [--skip FROM-TO,...] [--without FAULT] [--list]\n\n"
		    "  --seconds N     seeds from 1 on, for so long (3)\n"
		    "  --seeds N       so many\n"
		    "  --seed N        this one\n"
		    "  --exhaustive    all small workloads instead, with all power cuts\n"
		    "  --json          one object\n"
		    "  --all-faults    a kind of fault that never came is a failure\n"
		    "  --as-is         a seed that fails is not made smaller\n\n"
		    "of a seed that fails:\n"
		    "  --no-stack, --no-overlay, --no-swarm  without these parts of it\n"
		    "  --ops N         no more than so many random requests\n"
		    "  --skip F-T,...  without these, which are numbered from 1\n"
		    "  --without KIND  without these faults; may be given again\n"
		    "  --list          prints the requests and the faults\n\nfaults:");
	for (unsigned kind = 0; kind < KIO__SIM_KINDS; kind++)
		fprintf(to, " %s", fault_name(kind));
	fprintf(to, "\n");
	return to == stdout ? 0 : 2;
}

static bool
parse_skips(const char *text)
{
	char *end = (char *)(uintptr_t)text;

	while (limits.skip_count < SKIPS) {
		struct skip *skip = &limits.skips[limits.skip_count++];

		skip->from = strtoull(end, &end, 10);
		if (*end != '-')
			return false;
		skip->to = strtoull(end + 1, &end, 10);
		if (*end == '\0')
			return true;
		if (*end++ != ',')
			return false;
	}
	return false;
}

static bool
parse_without(const char *name)
{
	for (unsigned kind = 0; kind < KIO__SIM_KINDS; kind++) {
		if (strcmp(fault_name(kind), name) == 0) {
			kio__sim.without |= 1u << kind;
			return true;
		}
	}
	return false;
}

static bool
parse_value(const char *name, const char *value)
{
	static const struct {
		const char *name;
		uint64_t *value;
	} numbers[] = { { "--seconds", &options.seconds }, { "--seeds", &options.seeds }, { "--seed", &options.only },
			{ "--ops", &limits.most } };
	char *end;

	if (strcmp(name, "--skip") == 0)
		return parse_skips(value);
	if (strcmp(name, "--without") == 0)
		return parse_without(value);
	for (size_t i = 0; i < KIO__COUNT(numbers); i++) {
		if (strcmp(name, numbers[i].name) != 0)
			continue;
		*numbers[i].value = strtoull(value, &end, 10);
		return *value != '\0' && *end == '\0';
	}
	return false;
}

static bool
parse(int argc, char **argv)
{
	static const struct {
		const char *name;
		bool *value;
	} words[] = { { "--json", &options.json }, { "--as-is", &options.as_is }, { "--all-faults", &options.all_faults },
		      { "--list", &limits.list }, { "--exhaustive", &options.exhaustive },
		      { "--no-stack", &limits.without[STACK] }, { "--no-overlay", &limits.without[OVERLAY] },
		      { "--no-swarm", &limits.without[SWARM] } };

	for (int i = 1; i < argc; i++) {
		bool known = false;

		for (size_t j = 0; j < KIO__COUNT(words); j++) {
			known |= strcmp(argv[i], words[j].name) == 0;
			if (strcmp(argv[i], words[j].name) == 0)
				*words[j].value = true;
		}
		if (known)
			continue;
		if (i + 1 == argc || !parse_value(argv[i], argv[i + 1]))
			return false;
		if (strcmp(argv[i], "--seeds") == 0)
			options.seconds = 3600;
		i++;
	}
	return true;
}

static void
make_key(void)
{
	FILE *key = fopen("sim.key", "w");

	for (int i = 0; i < 64; i++)
		fputc(i * 3 + i / 32, key);
	fclose(key);
	chmod("sim.key", 0600);
}

int
main(int argc, char **argv)
{
	char folder[] = "/tmp/kiobuf-sim.XXXXXX";
	uint64_t begun;
	double seconds;
	int code, failures;

	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout);
	if (!parse(argc, argv))
		return usage(stderr);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED || mkdtemp(folder) == NULL || chdir(folder) < 0)
		return perror("sim"), 2;
	/* what is freed is used again, and not given back to the system: a seed opens a dozen stacks */
	mallopt(M_MMAP_THRESHOLD, 1 << 28);
	mallopt(M_TRIM_THRESHOLD, 1 << 28);
	make_key();
	begun = kio__now();
	code = run_apart(run_all, false);
	seconds = (double)(kio__now() - begun) / 1e9;
	if (code != 0)
		failed(shared->seed, code);
	failures = code != 0;
	if (options.all_faults)
		failures += missing_faults(&shared->totals);
	unlink("sim.key");
	rmdir(folder);
	if (options.json)
		print_json(&shared->totals, seconds, failures);
	else
		print_words(&shared->totals, seconds, failures);
	return failures != 0;
}
