/* SPDX-License-Identifier: MIT */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

/* A closed loop on a stack for the suites: so many I/Os, so many at once, at random. */

#include "cli/cli.h"

struct load {
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_channel *channel;
	struct kio **kios;
	unsigned char *memory;
	unsigned depth;
	uint64_t span; /* a power of two: offsets are below it */
	bool writes;
	bool gifts; /* the memory is given away with each write */
	uint64_t seed, left, in_flight;
	int error;
};

/* Layers that do nothing but look on: `probe` intercepts, `through` does not. */
void cli_load_classes(void);
/* 0, or an exit code after the complaint. */
int cli_load_open(const struct cli *cli, struct load *load, const char *stack, unsigned depth);
void cli_load_close(struct load *load);
/* Runs ios of 4 KiB; returns the nanoseconds of all. */
uint64_t cli_load_run(struct load *load, uint64_t ios);

#endif
