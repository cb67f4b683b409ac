/* SPDX-License-Identifier: MIT */
/*
 * A seed that fails is made smaller: it ends after fewer requests, some of them
 * are left out, and whole kinds of faults, as long as it fails. Chance is drawn
 * all the same for what is left out, so the rest stays what it was.
 */
#include <stdio.h>
#include <string.h>

#include "base/math.h"
#include "port/port.h"
#include "sim.h"

#define SECONDS 60

struct limits limits = { .most = UINT64_MAX };

static uint64_t nobody_looks, *sent = &nobody_looks;
static uint64_t told[KIO__SIM_KINDS], told_cuts;

static const char *const no_parts[] = { " --no-stack", " --no-overlay", " --no-swarm" };

static const char *const fault_names[] = {
#define NAME(name, text) text,
	KIO__SIM_FAULTS(NAME)
};

/* --- in the process that runs the seed -------------------------------------- */

void
sim_sends_nothing_yet(void)
{
	*sent = 0;
	memcpy(told, kio__sim.fired, sizeof(told));
	told_cuts = kio__sim.cuts;
}

void
sim_counts_in(uint64_t *count)
{
	sent = count;
}

const char *
fault_name(unsigned kind)
{
	return fault_names[kind];
}

/* In the language of tests/scripts; there a read would have to say what it finds. */
static void
list_request(enum kio_op op, unsigned flags, uint64_t offset, uint64_t len)
{
	const char *fua = (flags & KIO_FUA) != 0 ? " fua" : "";

	switch (op) {
	case KIO_FLUSH: fprintf(stderr, "    flush\n"); break;
	case KIO_WRITE: fprintf(stderr, "    write %lu %lu %lu%s\n", offset, len, 1 + *sent % 250, fua); break;
	case KIO_WRITE_ZEROES: fprintf(stderr, "    zero %lu %lu%s\n", offset, len, fua); break;
	default: fprintf(stderr, "    # read %lu %lu\n", offset, len); break;
	}
}

static void
list_faults(void)
{
	for (unsigned kind = 0; kind < KIO__SIM_KINDS; kind++) {
		if (kio__sim.fired[kind] != told[kind] && kind != KIO__SIM_REORDER)
			fprintf(stderr, "    # %s\n", fault_names[kind]);
		told[kind] = kio__sim.fired[kind];
	}
	if (kio__sim.cuts != told_cuts)
		fprintf(stderr, "    # the power fails\n");
	told_cuts = kio__sim.cuts;
}

void
sim_opens(const char *text)
{
	if (!limits.list)
		return;
	list_faults();
	fprintf(stderr, "    stack %s\n", text);
}

bool
sim_may_send(enum kio_op op, unsigned flags, uint64_t offset, uint64_t len)
{
	if (++*sent > limits.most)
		return false;
	for (unsigned i = 0; i < limits.skip_count; i++) {
		if (*sent >= limits.skips[i].from && *sent < limits.skips[i].to)
			return false;
	}
	if (limits.list) {
		list_faults();
		list_request(op, flags, offset, len);
	}
	return true;
}

/* --- in the one that looks for less -------------------------------------------- */

static uint64_t until;

static bool
still_fails(uint64_t seed, bool (*fails)(uint64_t seed))
{
	return kio__now() < until && fails(seed);
}

/* It ends as early as it can. */
static void
cut_short(uint64_t seed, uint64_t all, bool (*fails)(uint64_t seed))
{
	uint64_t enough = all, too_few = 0;

	while (enough - too_few > 1) {
		limits.most = too_few + (enough - too_few) / 2;
		if (still_fails(seed, fails))
			enough = limits.most;
		else
			too_few = limits.most;
	}
	limits.most = enough;
}

static bool
is_skipped(uint64_t from, uint64_t to)
{
	for (unsigned i = 0; i < limits.skip_count; i++) {
		if (from >= limits.skips[i].from && to <= limits.skips[i].to)
			return true;
	}
	return false;
}

/* In order, and with those that it touches it becomes one. */
static void
skip(uint64_t from, uint64_t to)
{
	unsigned kept = 0, at = 0;

	for (unsigned i = 0; i < limits.skip_count; i++) {
		const struct skip *skip = &limits.skips[i];

		if (skip->to < from || skip->from > to) {
			limits.skips[kept++] = *skip;
			continue;
		}
		from = kio__min(from, skip->from);
		to = kio__max(to, skip->to);
	}
	while (at < kept && limits.skips[at].from < from)
		at++;
	memmove(&limits.skips[at + 1], &limits.skips[at], (kept - at) * sizeof(limits.skips[0]));
	limits.skips[at] = (struct skip){ from, to };
	limits.skip_count = kept + 1;
}

/* Pieces are left out, large ones first, then smaller ones. */
static void
leave_out(uint64_t seed, bool (*fails)(uint64_t seed))
{
	for (uint64_t piece = limits.most / 2; piece > 0; piece /= 2) {
		for (uint64_t from = 1; from + piece <= limits.most + 1; from += piece) {
			struct limits before = limits;

			if (limits.skip_count == SKIPS || kio__now() >= until)
				return;
			if (is_skipped(from, from + piece))
				continue;
			skip(from, from + piece);
			if (!still_fails(seed, fails))
				limits = before;
		}
	}
}

static void
leave_parts_out(uint64_t seed, bool (*fails)(uint64_t seed))
{
	for (unsigned part = 0; part < PARTS; part++) {
		limits.without[part] = true;
		if (!still_fails(seed, fails))
			limits.without[part] = false;
	}
}

static void
leave_faults_out(uint64_t seed, bool (*fails)(uint64_t seed))
{
	for (unsigned kind = 0; kind < KIO__SIM_KINDS; kind++) {
		kio__sim.without |= 1u << kind;
		if (!still_fails(seed, fails))
			kio__sim.without &= ~(1u << kind);
	}
}

static void
print_command(uint64_t seed)
{
	fprintf(stderr, "  less of it: build/tests/sim --seed %lu", seed);
	if (limits.most != UINT64_MAX)
		fprintf(stderr, " --ops %lu", limits.most);
	for (unsigned part = 0; part < PARTS; part++)
		fprintf(stderr, "%s", limits.without[part] ? no_parts[part] : "");
	for (unsigned i = 0; i < limits.skip_count; i++)
		fprintf(stderr, "%s%lu-%lu", i == 0 ? " --skip " : ",", limits.skips[i].from, limits.skips[i].to);
	for (unsigned kind = 0; kind < KIO__SIM_KINDS; kind++) {
		if ((kio__sim.without >> kind & 1) != 0)
			fprintf(stderr, " --without %s", fault_names[kind]);
	}
	fprintf(stderr, " --list\n");
}

void
shrink(uint64_t seed, uint64_t all, bool (*fails)(uint64_t seed))
{
	until = kio__now() + (uint64_t)SECONDS * 1000000000u;
	if (!still_fails(seed, fails)) {
		fprintf(stderr, "  by itself it does not fail\n");
		return;
	}
	leave_parts_out(seed, fails);
	cut_short(seed, all, fails);
	leave_faults_out(seed, fails);
	leave_out(seed, fails);
	print_command(seed);
	limits.list = true;
	fails(seed);
}
