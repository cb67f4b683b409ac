/* SPDX-License-Identifier: MIT */
/*
 * All small workloads: up to three requests, one after the other, on a mirror, a
 * cipher, an overlay and a cache. The power fails at each write that reaches a disk, and
 * after the last; and of what was not flushed each subset is on the disks. What
 * belongs together is what one disk has in 4 KiB; of more than six such pieces
 * some subsets are drawn.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/math.h"
#include "drivers/sim.h"
#include "port/port.h"
#include "sim.h"

#define SECTOR 512u
#define SECTORS 24u /* that are looked at; the requests are on a few in the middle */
#define PIECES 6u
#define LONGEST 3

static const struct {
	const char *name;
	enum kio_op op;
	unsigned flags;
	uint32_t first, count; /* sectors */
} kinds[] = {
	{ "write 4096 1024", KIO_WRITE, 0, 8, 2 },
	{ "write 4096 1024 fua", KIO_WRITE, KIO_FUA, 8, 2 },
	{ "write 7680 1024", KIO_WRITE, 0, 15, 2 },
	{ "zero 3584 1024", KIO_WRITE_ZEROES, 0, 7, 2 },
	{ "write 8192 512 fua", KIO_WRITE, KIO_FUA, 16, 1 },
	{ "flush", KIO_FLUSH, 0, 0, 0 },
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

#define LEG "sim size=2M block=512 latency=0 store="

static const char *const stacks[] = {
	"mirror { " LEG "x0 ; " LEG "x1 }",
	"align | crypt header=none key-file=sim.key | sim size=64K block=512 latency=0 store=x0",
	"cow cluster=4K overlay={ sim size=1M block=512 latency=0 store=x1 } | sim size=64K block=512 latency=0 store=x0",
	"cache size=64K block=4K | sim size=64K block=512 latency=0 store=x0",
};

/* Each leg of the first, as it is when the other is not there. */
static const char *const alone[] = { "mirror degraded=yes { " LEG "x0 }", "mirror degraded=yes { " LEG "x1 }" };

struct content {
	unsigned char now, base; /* what each byte of the sector is; durable */
	unsigned char sent[LONGEST];
	unsigned sent_count; /* values that were sent since */
};

static struct {
	const char *text;
	unsigned workload[LONGEST], length;
	uint64_t cut; /* at this write; 0: after the last */
	uint32_t mask;
	unsigned pieces; /* found at the cut */
	uint64_t piece;  /* the last of them: disk and place */
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_channel *channel;
	struct kio *kio;
	struct content contents[SECTORS];
	unsigned char memory[SECTORS * SECTOR] __attribute__((aligned(4096)));
} small;

static _Noreturn void
wrong(const char *what, uint64_t sector)
{
	fprintf(stderr, "seed 0: %s at %lu\n  %s\n", what, sector * SECTOR, small.text);
	for (unsigned i = 0; i < small.length; i++)
		fprintf(stderr, "    %s\n", kinds[small.workload[i]].name);
	fprintf(stderr, "  the power fails at write %lu (0: after the last); of %u pieces these stay: %#x\n", small.cut,
		small.pieces, small.mask);
	_exit(1);
}

/* Is this sector kept at the cut? */
static bool
keeps(unsigned disk, uint64_t offset)
{
	uint64_t piece = ((uint64_t)(disk + 1) << 40) + offset / 4096;

	small.pieces += piece != small.piece;
	small.piece = piece;
	return (small.mask >> (small.pieces - 1) % 32 & 1) != 0;
}

/* --- a stack ------------------------------------------------------------------ */

static int
open_small(const char *text, bool create, bool read_only)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = 4, .create = create, .force = true,
					     .read_only = read_only };
	struct kio_loop_options loop = { .engine = "sim" };
	struct kio_diag diag;
	int rc = kio_stack_open(&small.stack, text, &options, &diag);

	if (rc == -ESTALE && read_only)
		return rc;
	if (rc < 0)
		wrong(diag.text, 0);
	if (kio_loop_open(&small.loop, &loop) < 0 || kio_channel_open(&small.channel, small.stack, small.loop) < 0)
		wrong("no channel", 0);
	small.kio = kio_create(small.channel, 1);
	if (small.kio == NULL)
		wrong("no memory", 0);
	return 0;
}

static void
close_small(void)
{
	kio_destroy(small.kio);
	kio_channel_close(&small.channel);
	kio_loop_close(&small.loop);
	kio_stack_close(&small.stack, NULL);
	kio__sim_power_cut(UINT64_MAX, 0);
}

static int
request(enum kio_op op, uint32_t first, uint32_t count, unsigned flags)
{
	struct kio_iter data = kio_iter_none((uint64_t)count * SECTOR);

	if (op <= KIO_WRITE)
		data = kio_buf(small.kio, small.memory, (size_t)count * SECTOR);
	kio_prepare(small.kio, op, flags, (uint64_t)first * SECTOR, data, NULL);
	kio_submit(small.kio);
	while (!kio_event_fired(&small.kio->event))
		kio_loop_step(small.loop, -1);
	return kio_status(small.kio);
}

/* --- what is there, and what may be -------------------------------------------- */

static void
run_request(unsigned kind, unsigned char value)
{
	bool zeroes = kinds[kind].op == KIO_WRITE_ZEROES;
	int rc;

	memset(small.memory, value, kinds[kind].count * SECTOR);
	for (uint32_t i = kinds[kind].first; i < kinds[kind].first + kinds[kind].count; i++)
		small.contents[i].sent[small.contents[i].sent_count++] = zeroes ? 0 : value;
	rc = request(kinds[kind].op, kinds[kind].first, kinds[kind].count, kinds[kind].flags);
	if (rc < 0)
		return;
	for (uint32_t i = kinds[kind].first; i < kinds[kind].first + kinds[kind].count; i++) {
		small.contents[i].now = zeroes ? 0 : value;
		if ((kinds[kind].flags & KIO_FUA) != 0) {
			small.contents[i].base = small.contents[i].now;
			small.contents[i].sent_count = 0;
		}
	}
	for (uint32_t i = 0; i < SECTORS && kinds[kind].op == KIO_FLUSH; i++) {
		small.contents[i].base = small.contents[i].now;
		small.contents[i].sent_count = 0;
	}
}

/* Legs that are equal are equal when one is not there; the other is stale. */
static void
look_at_each(const unsigned char *first)
{
	for (size_t i = 0; i < KIO__COUNT(alone); i++) {
		if (open_small(alone[i], false, true) < 0)
			continue;
		if (request(KIO_READ, 0, SECTORS, 0) < 0 || memcmp(first, small.memory, sizeof(small.memory)) != 0)
			wrong("the legs differ", i);
		close_small();
	}
}

static void
look(unsigned char *first)
{
	if (request(KIO_READ, 0, SECTORS, 0) < 0)
		wrong("it cannot be read", 0);
	memcpy(first, small.memory, sizeof(small.memory));
	for (uint32_t i = 0; i < SECTORS; i++) {
		const struct content *content = &small.contents[i];
		const unsigned char *at = first + i * SECTOR;
		bool known = at[0] == content->base;

		for (unsigned j = 0; j < content->sent_count; j++)
			known |= at[0] == content->sent[j];
		if (!known || memcmp(at, at + 1, SECTOR - 1) != 0)
			wrong("not what was durable, nor what was written since,", i);
	}
	/* perhaps from another leg */
	for (unsigned again = 0; again < 2; again++) {
		if (request(KIO_READ, 0, SECTORS, 0) < 0 || memcmp(first, small.memory, sizeof(small.memory)) != 0)
			wrong("it is another when it is read again", 0);
	}
}

static void
run_small(void)
{
	/* of an overlay some clusters are its own then, and some the base's */
	uint32_t filled = small.text == stacks[2] ? 8 : SECTORS;

	kio__sim_forget();
	kio__sim.keeps = NULL;
	memset(small.contents, 0, sizeof(small.contents));
	open_small(small.text, true, false);
	for (uint32_t i = 0; i < filled; i++)
		small.contents[i].now = small.contents[i].base = 0x11;
	memset(small.memory, 0x11, sizeof(small.memory));
	if (request(KIO_WRITE, 0, filled, 0) < 0 || request(KIO_FLUSH, 0, 0, 0) < 0)
		wrong("it cannot be written", 0);
	/* what is known of places that were written is known no more, or is on disk */
	close_small();
	open_small(small.text, false, false);
	small.pieces = 0;
	small.piece = 0;
	kio__sim.keeps = keeps;
	if (small.cut != 0)
		kio__sim_power_cut(small.cut, 1);
	for (unsigned i = 0; i < small.length && small.pieces == 0; i++)
		run_request(small.workload[i], (unsigned char)(0x20 + i));
}

/* --- all of them ------------------------------------------------------------------ */

/* True: the power failed where it was to. */
static bool
run_cut(struct totals *totals)
{
	unsigned char first[SECTORS * SECTOR];
	uint64_t cuts = kio__sim.cuts;
	bool cut;

	run_small();
	cut = kio__sim.cuts != cuts;
	if (!cut)
		kio__sim_power_cut(0, 1);
	close_small();
	open_small(small.text, false, false);
	look(first);
	/* legs have the time to become equal */
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(small.loop, 1000000);
	close_small();
	if (small.text == stacks[0])
		look_at_each(first);
	totals->cuts++;
	totals->ios += small.length + 3;
	return cut;
}

static void
run_subsets(struct totals *totals, bool *cut)
{
	uint32_t masks = 1;

	for (uint32_t i = 0; i < masks; i++) {
		small.mask = small.pieces > PIECES ? (uint32_t)rnd(UINT32_MAX) : i;
		if (i == 0)
			small.mask = 0;
		*cut = run_cut(totals);
		masks = 1u << kio__min(small.pieces, PIECES);
	}
}

static void
run_workload(struct totals *totals)
{
	bool cut = true;

	for (small.cut = 1; cut; small.cut++) {
		small.pieces = 0;
		run_subsets(totals, &cut);
	}
	totals->seeds++;
}

void
run_exhaustive(struct totals *totals)
{
	unsigned all = 1;

	rnd_seed(1);
	for (unsigned length = 1; length <= LONGEST; length++) {
		all *= KINDS;
		small.length = length;
		for (unsigned number = 0; number < all * KIO__COUNT(stacks); number++) {
			unsigned rest = number / KIO__COUNT(stacks);

			small.text = stacks[number % KIO__COUNT(stacks)];
			for (unsigned i = 0; i < length; i++, rest /= KINDS)
				small.workload[i] = rest % KINDS;
			run_workload(totals);
		}
	}
	kio__sim.keeps = NULL;
}
