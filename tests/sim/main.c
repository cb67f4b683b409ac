/* SPDX-License-Identifier: MIT */
/*
 * The simulator, in its first form: random stacks over simulated disks in
 * virtual time, random requests with several in flight, random memory; and a
 * flat oracle that knows which bytes may be read.
 *
 *	build/tests/sim --seconds 10         seeds from 1 on
 *	build/tests/sim --seed 1234          one again
 *
 * Checked: each request completes once; data is what was written last, or, of
 * writes that failed or were in flight at a power cut, what it was before or
 * what was to be written; what was flushed before a cut is there after it; a
 * failure's range lies inside the request; all containers and memory come home
 * (the library aborts if not).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kiobuf/kiobuf.h>

#include "base/math.h"
#include "port/port.h"

#define SIZE ((uint64_t)256 << 10)
#define IN_FLIGHT 8
#define OPS 300
#define SEGS 12

static uint64_t random_state;

static uint64_t
rnd(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static _Noreturn void
fail(uint64_t seed, const char *stack, const char *what, uint64_t at)
{
	fprintf(stderr, "seed %lu: %s at %lu\n  %s\n  again: build/tests/sim --seed %lu\n", seed, what, at,
		stack, seed);
	exit(1);
}

/* --- random stacks ------------------------------------------------------ */

struct text {
	char at[4096];
	size_t len;
	unsigned disks, mirrors;
	uint64_t seed;
	bool cut, errors;
};

static void
put(struct text *text, const char *words)
{
	text->len += (size_t)snprintf(text->at + text->len, sizeof(text->at) - text->len, "%s", words);
}

static void
put_disk(struct text *text, unsigned block)
{
	char words[200];

	snprintf(words, sizeof(words), "sim size=1M block=%u latency=%luus seed=%lu%s store=d%u", block,
		 rnd(300), 1 + rnd(1 << 20), text->errors && rnd(2) == 0 ? " error=10000" : "",
		 text->disks++);
	put(text, words);
	if (text->cut) {
		/* all disks at the same number of writes would be a miracle: one is enough */
		snprintf(words, sizeof(words), " cut=%lu", 10 + rnd(150));
		put(text, text->disks == 1 ? words : "");
	}
}

static void put_stack(struct text *text, unsigned depth, unsigned block);

static void
put_legs(struct text *text, unsigned depth, unsigned block)
{
	unsigned legs = 1 + (unsigned)rnd(3);

	put(text, "{ ");
	for (unsigned i = 0; i < legs; i++) {
		put(text, i == 0 ? "" : " ; ");
		put_stack(text, depth, block);
	}
	put(text, " }");
}

/* A stack whose blocks are at most `block`. */
static void
put_stack(struct text *text, unsigned depth, unsigned block)
{
	char words[100];

	if (depth == 0) {
		put_disk(text, block);
		return;
	}
	switch (rnd(block >= 4096 ? 8 : 7)) {
	case 0:
		snprintf(words, sizeof(words), "crop offset=%lu | ", rnd(8) * block);
		put(text, words);
		put_stack(text, depth - 1, block);
		break;
	case 1:
		put(text, "concat ");
		put_legs(text, depth - 1, block);
		break;
	case 2:
		snprintf(words, sizeof(words), "stripe chunk=%lu ", kio__max(block, (uint64_t)4096 << rnd(3)));
		put(text, words);
		put_legs(text, depth - 1, block);
		break;
	case 3:
		text->mirrors++;
		put(text, "mirror state=none ");
		put_legs(text, depth - 1, block);
		break;
	case 4:
		snprintf(words, sizeof(words), "delay %luus | ", rnd(200));
		put(text, words);
		put_stack(text, depth - 1, block);
		break;
	case 5:
		put(text, "log | ");
		put_stack(text, depth - 1, block);
		break;
	case 6:
		put(text, "align | ");
		put_stack(text, depth - 1, 512u << rnd(4));
		break;
	case 7:
		put(text, "crypt header=none key-file=sim.key | ");
		put_stack(text, depth - 1, 512u << rnd(4));
		break;
	}
}

/* --- the oracle --------------------------------------------------------- */

struct run {
	uint64_t seed;
	struct text text;
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_channel *channel;
	uint64_t size;
	uint32_t block;

	unsigned char now[SIZE];   /* written last, and acknowledged */
	unsigned char may[SIZE];   /* may also be: of a write that failed or is in flight */
	bool unsure[SIZE];         /* `may` counts */
	unsigned char last[SIZE];  /* as of the last flush that succeeded */
	uint64_t flushes, ios, bytes;
	bool saw_error;
};

struct op {
	struct run *run;
	struct kio *kio;
	enum kio_op op;
	uint64_t offset, len;
	unsigned char *memory;
	struct kio_mem mem;
	bool busy;
	unsigned value;
};

static struct op ops[IN_FLIGHT];
static unsigned completions;

static void
look(struct run *run, uint64_t offset, uint64_t len, const unsigned char *bytes)
{
	for (uint64_t i = 0; i < len; i++) {
		if (bytes[i] == run->now[offset + i])
			continue;
		if (run->unsure[offset + i] && bytes[i] == run->may[offset + i])
			continue;
		fail(run->seed, run->text.at, "a byte that nobody wrote", offset + i);
	}
}

static unsigned char
pattern(const struct op *op, uint64_t i)
{
	return op->op == KIO_WRITE ? (unsigned char)(op->value + i * 7 + i / 250) : 0;
}

static void
op_done(struct kio *kio)
{
	struct op *op = kio->priv;
	struct run *run = op->run;
	int status = kio_status(kio);

	if (!op->busy)
		fail(run->seed, run->text.at, "a second completion", op->offset);
	op->busy = false;
	completions++;
	run->ios++;
	run->bytes += op->len;
	if (status < 0) {
		run->saw_error = true;
		if (kio->fail_len == 0 || kio->fail_from + kio->fail_len > op->len)
			if (op->op != KIO_FLUSH)
				fail(run->seed, run->text.at, "a failure outside its request", kio->fail_from);
	}
	if (op->op == KIO_READ && status == 0) {
		look(run, op->offset, op->len, op->memory);
	} else if ((op->op == KIO_WRITE || op->op == KIO_WRITE_ZEROES) && status == 0) {
		for (uint64_t i = 0; i < op->len; i++) {
			run->now[op->offset + i] = pattern(op, i);
			run->unsure[op->offset + i] = false;
		}
	}
	/* of one that failed either may be there: `may` stands */
}

/* Ranges in flight do not overlap: order between them is not promised. */
static bool
is_free(uint64_t offset, uint64_t len)
{
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		if (ops[i].busy && ops[i].op != KIO_FLUSH && offset < ops[i].offset + ops[i].len &&
		    ops[i].offset < offset + len)
			return false;
	}
	return true;
}

/* The memory in random pieces, with one of its three meanings. */
static struct kio_iter
pieces(struct op *op)
{
	struct kio_chain *chain = &op->kio->chain;
	unsigned meaning = op->op == KIO_WRITE ? (unsigned)rnd(3) : 0;
	uint64_t at = 0, len;

	kio_mem_init(&op->mem, op->memory, op->len, NULL);
	if (meaning == 2)
		op->mem.refs = 1000;
	kio_chain_init(chain, chain->segs, SEGS);
	while (at < op->len) {
		len = chain->count == SEGS - 1 ? op->len - at : 1 + rnd(op->len - at);
		if (meaning == 1 && at != 0)
			kio_mem_ref(&op->mem);
		kio_chain_add(chain, op->memory + at, len, meaning == 0 ? NULL : &op->mem);
		at += len;
	}
	return kio_chain_iter(chain);
}

static void
start(struct run *run, struct op *op)
{
	static const enum kio_op kinds[] = { KIO_READ, KIO_READ, KIO_READ, KIO_WRITE, KIO_WRITE, KIO_WRITE,
					     KIO_WRITE_ZEROES };
	uint64_t blocks = run->size / run->block, longest = kio__min(blocks, 1 + rnd(1 + 40000 / run->block));

	op->run = run;
	op->op = kinds[rnd(sizeof(kinds) / sizeof(kinds[0]))];
	op->len = (1 + rnd(longest)) * run->block;
	op->offset = rnd(blocks - op->len / run->block + 1) * run->block;
	op->value = (unsigned)rnd(256);
	if (!is_free(op->offset, op->len))
		return;
	op->busy = true;
	if (op->op != KIO_READ) {
		for (uint64_t i = 0; i < op->len; i++) {
			/* twice unsure: a third value would be one too many to follow */
			if (run->unsure[op->offset + i]) {
				op->busy = false;
				return;
			}
		}
		for (uint64_t i = 0; i < op->len; i++) {
			run->may[op->offset + i] = pattern(op, i);
			run->unsure[op->offset + i] = true;
			op->memory[i] = pattern(op, i);
		}
	}
	if (op->op == KIO_WRITE_ZEROES)
		kio_clear(op->kio, op->op, op->offset, op->len, rnd(2) ? KIO_FUA : 0, op_done);
	else if (op->op == KIO_WRITE)
		kio_write(op->kio, op->offset, pieces(op), rnd(4) == 0 ? KIO_FUA : 0, op_done);
	else
		kio_read(op->kio, op->offset, pieces(op), op_done);
}

static bool
any_busy(void)
{
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		if (ops[i].busy)
			return true;
	}
	return false;
}

/* Time is virtual, but workers are not: what does not move for so long hangs. */
#define HANGS_NS 20000000000u

static void
settle(struct run *run)
{
	uint64_t begun = kio__now();

	for (unsigned i = 1; any_busy(); i++) {
		kio_loop_step(run->loop, 1000000);
		if (i % 1024 == 0 && kio__now() - begun > HANGS_NS)
			fail(run->seed, run->text.at, "nothing moves any more", 0);
	}
}

/* All quiet, then a flush: from here on this is what has to be there. */
static bool
flush(struct run *run)
{
	settle(run);
	ops[0].op = KIO_FLUSH;
	ops[0].busy = true;
	ops[0].len = 0;
	kio_flush_all(ops[0].kio, op_done);
	settle(run);
	if (kio_status(ops[0].kio) < 0)
		return false;
	memcpy(run->last, run->now, run->size);
	run->flushes++;
	return true;
}

static void
open_stack(struct run *run, const char *text)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = rnd(3) == 0 ? 1 : 16, .force = true };
	struct kio_loop_options loop = { .engine = "sim" };
	struct kio_diag diag;

	if (kio_stack_open(&run->stack, text, &options, &diag) < 0)
		fail(run->seed, text, diag.text, 0);
	if (kio_loop_open(&run->loop, &loop) < 0 ||
	    kio_channel_open(&run->channel, run->stack, run->loop) < 0)
		fail(run->seed, text, "no loop", 0);
	run->block = kio_stack_limits(run->stack)->block;
	run->size = kio__align_down(kio__min(kio_stack_limits(run->stack)->size, SIZE), run->block);
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		ops[i].kio = kio_create(run->channel, SEGS);
		ops[i].kio->priv = &ops[i];
		ops[i].run = run;
	}
}

static void
close_stack(struct run *run)
{
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		kio_destroy(ops[i].kio);
	kio_channel_close(&run->channel);
	kio_loop_close(&run->loop);
	kio_stack_close(&run->stack, NULL);
}

static void
read_all(struct run *run)
{
	uint64_t step = kio__align_down(40000, run->block);

	for (uint64_t at = 0; at < run->size; at += step) {
		ops[0].op = KIO_READ;
		ops[0].offset = at;
		ops[0].len = kio__min(step, run->size - at);
		ops[0].busy = true;
		kio_read(ops[0].kio, at, pieces(&ops[0]), op_done);
		settle(run);
	}
}

/* After a cut each byte is that of the last flush, or any that was written since. */
static void
after_cut(struct run *run, const unsigned char *written_since)
{
	uint64_t step = kio__align_down(40000, run->block);

	for (uint64_t at = 0; at < run->size; at += step) {
		ops[0].op = KIO_FLUSH; /* not looked at by op_done */
		ops[0].offset = at;
		ops[0].len = kio__min(step, run->size - at);
		ops[0].busy = true;
		kio_read(ops[0].kio, at, kio_buf(ops[0].kio, ops[0].memory, ops[0].len), op_done);
		settle(run);
		if (kio_status(ops[0].kio) < 0)
			fail(run->seed, run->text.at, "unreadable after the cut", at);
		for (uint64_t i = 0; i < ops[0].len; i++) {
			if (!written_since[at + i] && ops[0].memory[i] != run->last[at + i])
				fail(run->seed, run->text.at, "flushed, and lost by the cut", at + i);
		}
	}
}

struct totals {
	uint64_t seeds, ios, bytes, cuts, errors, flushes;
};

static void
run_seed(uint64_t seed, struct totals *totals)
{
	static struct run run;
	static unsigned char since[SIZE];
	char *cut;

	memset(&run, 0, sizeof(run));
	memset(since, 0, sizeof(since));
	random_state = seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
	rnd(2);
	run.seed = seed;
	run.text.cut = rnd(2) == 0;
	run.text.errors = !run.text.cut && rnd(3) == 0;
	put(&run.text, rnd(2) ? "align | " : "");
	put_stack(&run.text, 1 + (unsigned)rnd(4), 512u << rnd(4));
	/* a mirror without state cannot know which leg is right after an error */
	if (run.text.mirrors != 0 && (run.text.errors || run.text.cut))
		return;
	open_stack(&run, run.text.at);
	/* what an earlier seed left behind is overwritten */
	for (uint64_t at = 0; at < run.size; at += run.block * 64) {
		ops[0].op = KIO_FLUSH;
		ops[0].busy = true;
		ops[0].len = kio__min(run.block * 64, run.size - at);
		kio_clear(ops[0].kio, KIO_WRITE_ZEROES, at, ops[0].len, 0, op_done);
		settle(&run);
		if (kio_status(ops[0].kio) < 0) {
			close_stack(&run);
			goto again;
		}
	}
	for (unsigned i = 0; i < OPS; i++) {
		struct op *op = &ops[rnd(IN_FLIGHT)];

		if (!op->busy) {
			start(&run, op);
			if (op->busy && op->op != KIO_READ)
				memset(since + op->offset, 1, op->len);
		} else {
			kio_loop_step(run.loop, (int64_t)rnd(100000));
		}
		if (rnd(40) == 0 && flush(&run))
			memset(since, 0, sizeof(since));
	}
	settle(&run);
	if (!run.saw_error)
		read_all(&run);
	close_stack(&run);
	if (run.text.cut && run.saw_error && run.flushes != 0 && (cut = strstr(run.text.at, " cut=")) != NULL) {
		/* the power comes back, and does not fail again */
		memset(cut, ' ', strcspn(cut + 1, " ;}|") + 1);
		open_stack(&run, run.text.at);
		after_cut(&run, since);
		close_stack(&run);
		totals->cuts++;
	}
again:
	totals->seeds++;
	totals->ios += run.ios;
	totals->bytes += run.bytes;
	totals->errors += run.saw_error;
	totals->flushes += run.flushes;
}

int
main(int argc, char **argv)
{
	uint64_t seconds = 3, only = 0, seed = 1, until;
	struct totals totals = { 0 };
	bool json = false;
	FILE *key;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
			seconds = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			only = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--json") == 0)
			json = true;
		else
			return fprintf(stderr, "usage: sim [--seconds N] [--seed N] [--json]\n"), 2;
	}
	key = fopen("sim.key", "w");
	for (int i = 0; i < 64; i++)
		fputc(i * 3 + i / 32, key);
	fclose(key);
	chmod("sim.key", 0600);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		ops[i].memory = malloc(SIZE);
	until = kio__now() + seconds * 1000000000u;
	if (only != 0)
		run_seed(only, &totals);
	else
		for (; kio__now() < until; seed++)
			run_seed(seed, &totals);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		free(ops[i].memory);
	unlink("sim.key");
	if (json)
		printf("{\"schema\": \"kiobuf/sim/1\", \"seeds\": %lu, \"ios\": %lu, \"bytes\": %lu, "
		       "\"power_cuts\": %lu, \"runs_with_errors\": %lu, \"flushes\": %lu, \"failures\": 0}\n",
		       totals.seeds, totals.ios, totals.bytes, totals.cuts, totals.errors, totals.flushes);
	else
		printf("%lu seeds, %lu I/Os, %lu power cuts, %lu with errors, %lu flushes\n", totals.seeds,
		       totals.ios, totals.cuts, totals.errors, totals.flushes);
	printf("%d passed, 0 failed\n", 1);
	return 0;
}
