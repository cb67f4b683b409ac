/* SPDX-License-Identifier: MIT */
#ifndef TESTS_SIM_H
#define TESTS_SIM_H

/*
 * The simulator's files: main.c, its seeds and what it prints; stacks.c, random
 * stacks; oracle.c, random requests and what may come of them; legs.c, mirrors
 * whose legs die and whose power fails; cow.c, overlays; swarm.c,
 * many small requests and all faults; shrink.c, what is left of a seed that failed; exhaustive.c,
 * all small workloads.
 */

#include <kiobuf/kiobuf.h>

#include "drivers/sim.h"

#define SIZE ((uint64_t)256 << 10)
#define IN_FLIGHT 8
#define CHANNELS 2

struct totals {
	uint64_t verified, layer_ios; /* of 4 KiB, compared; requests times hundredths of layers they pass */
	uint64_t swarms, replayed;
	uint64_t faults[KIO__SIM_KINDS];
	uint64_t seeds, ios, bytes, cuts, errors, flushes, cancelled, late;
	uint64_t overlays;
	uint64_t mirrors, reopened, degraded, apart, asked_back, joined; /* mirrors with state, and how they opened again */
};

/* --- chance ------------------------------------------------------------- */

void rnd_seed(uint64_t seed);
uint64_t rnd(uint64_t below);

/* Prints how to run it again. */
_Noreturn void fail(uint64_t seed, const char *stack, const char *what, uint64_t at);

/* --- a seed that fails, and less of it ---------------------------------- */

#define SKIPS 512

/* What a seed consists of. */
enum part { STACK, OVERLAY, SWARM, PARTS };

/* Of the random requests of a seed, numbered from 1, these are not sent. */
struct limits {
	uint64_t most; /* no more than so many */
	struct skip {
		uint64_t from, to; /* [from, to) */
	} skips[SKIPS + 1];
	unsigned skip_count;
	bool without[PARTS];
	bool list; /* prints those that are */
};

extern struct limits limits;

void sim_sends_nothing_yet(void);
/* Counts a random request. False: this is left out. */
bool sim_may_send(enum kio_op op, unsigned flags, uint64_t offset, uint64_t len);
/* For the list. */
void sim_opens(const char *text);
/* Where they are counted: in memory that outlives the process. */
void sim_counts_in(uint64_t *count);
const char *fault_name(unsigned kind);

/* Makes less of the seed as long as `fails` in a process of its own, and prints what is left. */
void shrink(uint64_t seed, uint64_t sent, bool (*fails)(uint64_t seed));

/* --- random stacks ------------------------------------------------------ */

struct text {
	char at[8192];
	size_t len;
	unsigned disks, mirrors;
	bool cut, errors; /* of plain stacks: on the disks */
	bool retried;     /* many errors, and none comes to the top */
	bool legs;        /* of a mirror: no mirror in it; the place of faults on each disk is marked by @ */
	bool late;        /* some requests, and there are deadlines */
	bool slow;        /* ten times */
};

void put(struct text *text, const char *words);
/* A stack whose blocks are at most `block`. */
void put_stack(struct text *text, unsigned depth, unsigned block);
/* A layer over what follows; returns what the blocks of that may be. */
unsigned put_layer(struct text *text, unsigned block);

/* Layers above the drivers, in hundredths, on the mean way. */
unsigned depth_of(const struct kio_stack *stack);

/* --- the oracle --------------------------------------------------------- */

struct write {
	uint64_t offset, len;
	unsigned value;
	bool zeroes;
};

#define WRITES 4096

#define UNSURE_OVER 1u /* the write in flight is over one that failed */
#define UNSURE_NOW 2u  /* and failed, too */
#define UNSURE_DISK 4u /* since the last quiet flush */

struct run {
	uint64_t seed;
	const char *text;
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_channel *channels[CHANNELS]; /* on one loop; the containers take turns */
	uint64_t size;
	uint32_t block;

	unsigned char now[SIZE];  /* written last, and acknowledged */
	uint32_t by[SIZE];        /* number of a write that failed or is in flight: may be there instead */
	unsigned char base[SIZE]; /* durable */
	uint32_t from[SIZE];      /* writes up to this number are overwritten on disk by what is durable */
	unsigned char unsure[SIZE]; /* UNSURE_ bits: more may be there than `by` can say */
	uint32_t flushed;         /* all up to this number are durable */
	struct write writes[WRITES];
	uint32_t count; /* of them; the first is number 1 */
	uint64_t flushes, ios, bytes;
	uint64_t verified, layer_ios;
	unsigned depth; /* of the stack that is open */
	bool saw_error, errors; /* there was one; any read may fail, and succeed then */
	unsigned fua;     /* one in so many writes */
	unsigned cancel;  /* one in so many steps cancels a request */
	uint64_t cancelled, late;
	uint64_t longest; /* bytes of a request, about */
	unsigned steps;   /* until the power fails, if not 0 */
	bool cut_at_flush;   /* or until a flush among others is acknowledged */
	uint32_t acked_from; /* or until a write behind this number with FUA is acknowledged */
	bool power_failed;
};

/* -errno, with diag, if it does not open. */
int run_open(struct run *run, const char *text, const struct kio_stack_options *options,
	     struct kio_diag *diag);
int run_close(struct run *run);
/* All zero and durable; false: there was an error. */
bool run_zero(struct run *run);
/* Random requests, and flushes. */
void run_requests(struct run *run, unsigned count);
/* All quiet, then a flush: from here on this is what has to be there. */
bool run_flush(struct run *run);
/* All of it is as it was written. */
void run_read(struct run *run);
/* After a crash: each byte is durable, or was written since; and stays from now on. */
void run_after_crash(struct run *run);
/* It was closed: all is durable. */
void run_closed(struct run *run);

/* --- mirrors ------------------------------------------------------------ */

void run_legs(uint64_t seed, struct run *run, struct totals *totals);

/* --- overlays ------------------------------------------------------------ */

void run_cow(uint64_t seed, struct run *run, struct totals *totals);

/* --- many requests --------------------------------------------------------- */

void run_swarm(uint64_t seed, struct totals *totals);

/* --- all small workloads ---------------------------------------------------- */

void run_exhaustive(struct totals *totals);

#endif
