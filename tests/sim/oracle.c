/* SPDX-License-Identifier: MIT */
/*
 * The flat oracle: for each byte what was written last, what may be there
 * instead since a write failed or is in flight, and what may be on disk: what
 * was made durable last, and each write since.
 */
#include <string.h>

#include "base/math.h"
#include "drivers/sim.h"
#include "port/port.h"
#include "sim.h"

/* as much as the smallest cache lends */
#define LENT 12288
#define SEGS 12

struct op {
	struct run *run;
	struct kio *kio;
	enum kio_op op;
	unsigned flags;
	uint64_t offset, len;
	unsigned char *memory;
	struct kio_mem mem;
	bool busy, looks, cancelled;
	uint32_t number; /* of a write */
};

static struct op ops[IN_FLIGHT];

/* What a flush among others has to make durable: what was complete when it was sent. */
static struct {
	bool on;
	uint32_t count;
	uint32_t pending[IN_FLIGHT]; /* writes in flight then; 0: none */
	unsigned char now[SIZE];
} mark;

/* What a write puts at an offset. */
static unsigned char
pattern(const struct write *write, uint64_t at)
{
	uint64_t i = at - write->offset;

	return write->zeroes ? 0 : (unsigned char)(write->value + i * 7 + i / 250);
}

/* The same of a range. */
static void
fill(const struct write *write, uint64_t offset, uint64_t len, unsigned char *to)
{
	uint64_t at = 0, row, i = offset - write->offset;

	if (write->zeroes) {
		memset(to, 0, len);
		return;
	}
	for (; at < len; at += row, i += row) {
		unsigned char value = (unsigned char)(write->value + i * 7 + i / 250);

		row = kio__min(250 - i % 250, len - at);
		for (uint64_t j = 0; j < row; j++)
			to[at + j] = (unsigned char)(value + j * 7);
	}
}

static void
look(struct run *run, uint64_t offset, uint64_t len, const unsigned char *bytes)
{
	if (memcmp(bytes, run->now + offset, len) == 0)
		return;
	for (uint64_t at = offset; at < offset + len; at++) {
		if (bytes[at - offset] == run->now[at] || (run->unsure[at] & UNSURE_NOW) != 0)
			continue;
		if (run->by[at] != 0 && bytes[at - offset] == pattern(&run->writes[run->by[at] - 1], at))
			continue;
		fail(run->seed, run->text, "a byte that nobody wrote", at);
	}
}

static void
cut_power(struct run *run)
{
	kio__sim_power_cut(0, rnd(UINT64_MAX));
	run->power_failed = true;
	run->steps = 0;
	run->cut_at_flush = false;
	run->acked_from = UINT32_MAX;
}

static void
write_done(struct run *run, const struct op *op)
{
	const struct write *write = &run->writes[op->number - 1];

	fill(write, op->offset, op->len, run->now + op->offset);
	for (uint64_t at = op->offset; at < op->offset + op->len; at++) {
		/* or a later one stands there, which waits for this */
		run->by[at] = run->by[at] == op->number ? 0 : run->by[at];
		run->unsure[at] &= UNSURE_DISK;
	}
	if ((op->flags & KIO_FUA) != 0) {
		memcpy(run->base + op->offset, run->now + op->offset, op->len);
		for (uint64_t at = op->offset; at < op->offset + op->len; at++)
			run->from[at] = op->number;
	}
	if ((op->flags & KIO_FUA) != 0 && op->number > run->acked_from)
		cut_power(run);
}

static void
flush_sent(const struct run *run)
{
	mark.on = true;
	mark.count = run->count;
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		mark.pending[i] = ops[i].busy ? ops[i].number : 0;
	memcpy(mark.now, run->now, run->size);
}

/* Was it sent after the flush, or in flight with it? */
static bool
is_beside_flush(uint32_t number)
{
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		if (number != 0 && mark.pending[i] == number)
			return true;
	}
	return number > mark.count;
}

static void
flush_done(struct run *run)
{
	run->flushes++;
	run->flushed = mark.count;
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		if (mark.pending[i] != 0)
			run->flushed = (uint32_t)kio__min(run->flushed, mark.pending[i] - 1);
	}
	for (uint64_t at = 0; at < run->size; at++) {
		/* one with FUA that came since is durable, too */
		if (run->from[at] == 0 || !is_beside_flush(run->from[at]))
			run->base[at] = mark.now[at];
	}
}

static bool
is_in_flight(uint32_t number)
{
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		if (ops[i].busy && ops[i].number == number)
			return true;
	}
	return false;
}

/* Of a write that failed either may be there: `by` stands, or a later one, which came over it. */
static void
write_failed(struct run *run, const struct op *op)
{
	for (uint64_t at = op->offset; at < op->offset + op->len; at++) {
		uint32_t by = run->by[at];

		if (by != op->number)
			run->unsure[at] |= is_in_flight(by) ? UNSURE_OVER : UNSURE_NOW;
		else if ((run->unsure[at] & UNSURE_OVER) != 0)
			run->unsure[at] |= UNSURE_NOW;
	}
}

static void
op_done(struct kio *kio)
{
	struct op *op = kio->priv;
	struct run *run = op->run;
	int status = kio_status(kio);

	if (!op->busy)
		fail(run->seed, run->text, "a second completion", op->offset);
	op->busy = false;
	run->ios++;
	run->layer_ios += run->depth;
	run->bytes += op->len;
	kio__sim_note(kio_loop_now(run->loop), (uint64_t)(op - ops) + ((uint64_t)(uint32_t)status << 32));
	if (status < 0) {
		if (op->number != 0)
			write_failed(run, op);
		run->saw_error |= status != -ECANCELED && status != -ETIMEDOUT;
		run->late += status == -ETIMEDOUT;
		kio__sim.fired[KIO__SIM_DEADLINE] += status == -ETIMEDOUT;
		kio__sim.fired[KIO__SIM_CANCEL] += status == -ECANCELED;
		if (status == -ECANCELED && !op->cancelled)
			fail(run->seed, run->text, "nobody cancelled this", op->offset);
		run->cancelled += status == -ECANCELED;
		if (op->op != KIO_FLUSH && (kio->fail_len == 0 || kio->fail_from + kio->fail_len > op->len))
			fail(run->seed, run->text, "a failure outside its request", kio->fail_from);
	} else if (op->op == KIO_READ && op->looks) {
		look(run, op->offset, op->len, op->memory);
		run->verified += op->len >= 4096;
	} else if (op->number != 0) {
		write_done(run, op);
	} else if (op->op == KIO_FLUSH && mark.on) {
		flush_done(run);
		if (run->cut_at_flush)
			cut_power(run);
	}
	mark.on &= op->op != KIO_FLUSH;
	/* it is the caller's again: nobody reads it any more, and nobody writes there */
	if (op->op != KIO_READ || op->looks)
		memset(op->memory, 0xdb, op->len);
}

static bool ordered; /* overlapping changes end in the order in which they came */

/* Are changes ordered before anything else happens to them? */
static bool
is_ordered(const char *text)
{
	static const char *const plain[] = { "log ", "crop " }, *const orders[] = { "align ", "mirror ",
									      "retry ", "deadline ", "merge " };

	for (unsigned i = 0; i < KIO__COUNT(plain); i++) {
		if (strncmp(text, plain[i], strlen(plain[i])) == 0)
			return is_ordered(strchr(text, '|') + 2);
	}
	for (unsigned i = 0; i < KIO__COUNT(orders); i++) {
		if (strncmp(text, orders[i], strlen(orders[i])) == 0)
			return true;
	}
	return false;
}

/* Ranges in flight overlap only where their order is promised. */
static bool
is_free(enum kio_op kind, uint64_t offset, uint64_t len)
{
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		if (ops[i].busy && ops[i].op != KIO_FLUSH && offset < ops[i].offset + ops[i].len &&
		    ops[i].offset < offset + len && (!ordered || kind == KIO_READ || ops[i].op == KIO_READ))
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
	bool whole = rnd(2) == 0; /* a gift of one reference may be changed in place */
	uint64_t at = 0, len;

	kio_mem_init(&op->mem, op->memory, op->len, NULL);
	if (meaning == 2)
		op->mem.refs = 1000;
	kio_chain_init(chain, chain->segs, SEGS);
	while (at < op->len) {
		len = chain->count == SEGS - 1 || whole ? op->len - at : 1 + rnd(op->len - at);
		if (meaning == 1 && at != 0)
			kio_mem_ref(&op->mem);
		kio_chain_add(chain, op->memory + at, len, meaning == 0 ? NULL : &op->mem);
		at += len;
	}
	return kio_chain_iter(chain);
}

/* Notes a write, and fills its memory. False: there were too many. */
static bool
note_write(struct run *run, struct op *op)
{
	struct write *write = &run->writes[run->count];

	if (run->count == WRITES)
		return false;
	/* what failed there before has ended: if this one succeeds, it is what is there */
	for (uint64_t at = op->offset; at < op->offset + op->len; at++) {
		run->unsure[at] &= (unsigned char)~UNSURE_OVER;
		if (run->by[at] != 0)
			run->unsure[at] |= UNSURE_OVER | UNSURE_DISK;
	}
	*write = (struct write){ op->offset, op->len, (unsigned)rnd(256), op->op == KIO_WRITE_ZEROES };
	op->number = ++run->count;
	for (uint64_t at = op->offset; at < op->offset + op->len; at++)
		run->by[at] = op->number;
	fill(write, op->offset, op->len, op->memory);
	return true;
}

/* The request before, which the next may be a neighbour of. */
static struct {
	enum kio_op op;
	uint64_t end; /* 0: there was none */
} before;

/* Its memory comes from below, and goes back when it was looked at. */
static void
lent_done(struct kio *kio)
{
	struct op *op = kio->priv;

	if (kio_status(kio) == 0) {
		kio_iter_copy_to(kio_data(kio), op->memory, op->len);
		kio_release(kio);
	}
	op_done(kio);
}

static void
lend(struct op *op)
{
	kio_chain_init(&op->kio->chain, op->kio->chain.segs, SEGS);
	kio_lend(op->kio, op->offset, op->len, lent_done);
}

static void
start(struct run *run, struct op *op)
{
	static const enum kio_op kinds[] = { KIO_READ, KIO_READ, KIO_READ, KIO_WRITE, KIO_WRITE, KIO_WRITE,
					     KIO_WRITE_ZEROES };
	uint64_t blocks = run->size / run->block, longest = kio__min(blocks, 1 + rnd(1 + run->longest / run->block));

	op->op = kinds[rnd(sizeof(kinds) / sizeof(kinds[0]))];
	op->len = (1 + rnd(longest)) * run->block;
	op->offset = rnd(blocks - op->len / run->block + 1) * run->block;
	if (rnd(3) == 0 && before.end != 0 && before.end + op->len <= run->size) {
		op->op = before.op;
		op->offset = before.end;
	}
	op->flags = op->op != KIO_READ && rnd(run->fua) == 0 ? KIO_FUA : 0;
	op->number = 0;
	op->looks = true;
	if (rnd(20) == 0 && !mark.on) {
		op->op = KIO_FLUSH;
		op->flags = 0;
		op->len = 0;
	}
	if (!sim_may_send(op->op, op->flags, op->offset, op->len))
		return;
	kio__sim_note(kio_loop_now(run->loop) + op->op, op->offset + (op->len << 32));
	if (op->op == KIO_FLUSH) {
		flush_sent(run);
		op->busy = true;
		kio_flush_all(op->kio, op_done);
		return;
	}
	if (!is_free(op->op, op->offset, op->len) || (op->op != KIO_READ && !note_write(run, op)))
		return;
	op->busy = true;
	before.op = op->op;
	before.end = op->offset + op->len;
	if (op->op == KIO_WRITE_ZEROES)
		kio_clear(op->kio, op->op, op->offset, op->len, op->flags, op_done);
	else if (op->op == KIO_WRITE)
		kio_write(op->kio, op->offset, pieces(op), op->flags, op_done);
	else if (rnd(4) == 0 && op->len <= LENT && kio_stack_limits(run->stack)->lend)
		lend(op);
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

static void
settle(struct run *run)
{
	while (any_busy())
		kio_loop_step(run->loop, 1000000);
}

/* The first container, when all are quiet. */
static struct op *
quiet_op(struct run *run, enum kio_op kind, uint64_t offset, uint64_t len)
{
	settle(run);
	ops[0].op = kind;
	ops[0].offset = offset;
	ops[0].len = len;
	ops[0].number = 0;
	ops[0].flags = 0;
	ops[0].looks = true;
	ops[0].cancelled = false;
	ops[0].busy = true;
	return &ops[0];
}

bool
run_flush(struct run *run)
{
	struct op *op = quiet_op(run, KIO_FLUSH, 0, 0);

	kio_flush_all(op->kio, op_done);
	settle(run);
	if (kio_status(op->kio) < 0)
		return false;
	run_closed(run);
	run->flushes++;
	return true;
}

void
run_closed(struct run *run)
{
	memcpy(run->base, run->now, run->size);
	for (uint64_t at = 0; at < run->size; at++)
		run->unsure[at] &= (unsigned char)~UNSURE_DISK;
	run->flushed = run->count;
}

bool
run_zero(struct run *run)
{
	uint64_t step = run->block * 64;
	struct op *op;

	for (uint64_t at = 0; at < run->size; at += step) {
		op = quiet_op(run, KIO_WRITE_ZEROES, at, kio__min(step, run->size - at));
		kio_clear(op->kio, KIO_WRITE_ZEROES, at, op->len, 0, op_done);
		settle(run);
		if (kio_status(op->kio) < 0)
			return false;
	}
	return run_flush(run);
}

void
run_requests(struct run *run, unsigned count)
{
	struct op *op;

	for (unsigned i = 0; i < count && !run->power_failed; i++) {
		if (run->steps != 0 && --run->steps == 0)
			cut_power(run);
		op = &ops[rnd(IN_FLIGHT)];
		if (!op->busy) {
			op->cancelled = false;
			start(run, op);
		} else if (rnd(run->cancel) == 0 && (kio__sim.without >> KIO__SIM_CANCEL & 1) == 0) {
			op->cancelled = true;
			kio_cancel(op->kio);
		} else {
			kio_loop_step(run->loop, (int64_t)rnd(100000));
		}
		if (rnd(200) == 0)
			run_flush(run);
	}
	settle(run);
}

/* Everything, a step at a time, in ops[0].memory; op_done looks at it or not. */
static void
read_step(struct run *run, uint64_t at, bool looks)
{
	uint64_t step = kio__align_down(40000, run->block);
	struct op *op = quiet_op(run, KIO_READ, at, kio__min(step, run->size - at));

	for (unsigned tries = 100; tries > 0; tries--) {
		op->busy = true;
		op->looks = looks;
		kio_read(op->kio, at, pieces(op), op_done);
		settle(run);
		if (kio_status(op->kio) != -ETIMEDOUT && (!run->errors || kio_status(op->kio) != -EIO))
			break;
		/* what it waited for may take longer than all these tries */
		for (unsigned i = 0; i < 20 && kio_status(op->kio) == -ETIMEDOUT; i++)
			kio_loop_step(run->loop, 1000000);
	}
	if (kio_status(op->kio) < 0)
		fail(run->seed, run->text, "it cannot be read", at);
}

void
run_read(struct run *run)
{
	for (uint64_t at = 0; at < run->size; at += ops[0].len)
		read_step(run, at, true);
}

static bool
may_be_on_disk(const struct run *run, uint64_t at, unsigned char byte)
{
	uint32_t by = run->by[at];

	if (run->unsure[at] != 0)
		return true;
	if (byte == run->base[at] || (by != 0 && byte == pattern(&run->writes[by - 1], at)))
		return true;
	for (uint32_t i = (uint32_t)kio__max(run->from[at], run->flushed); i < run->count; i++) {
		if (at - run->writes[i].offset < run->writes[i].len && byte == pattern(&run->writes[i], at))
			return true;
	}
	return false;
}

void
run_after_crash(struct run *run)
{
	for (uint64_t at = 0; at < run->size; at += ops[0].len) {
		read_step(run, at, false);
		for (uint64_t i = 0; i < ops[0].len; i++) {
			if (!may_be_on_disk(run, at + i, ops[0].memory[i]))
				fail(run->seed, run->text, "durable, and lost by the crash", at + i);
			run->now[at + i] = ops[0].memory[i];
		}
	}
	memset(run->by, 0, run->size * sizeof(run->by[0]));
	memset(run->from, 0, run->size * sizeof(run->from[0]));
	memset(run->unsure, 0, run->size);
	run->count = 0;
	run_closed(run);
}

/* --- opening and closing ------------------------------------------------ */

int
run_open(struct run *run, const char *text, const struct kio_stack_options *options,
	 struct kio_diag *diag)
{
	struct kio_loop_options loop = { .engine = "sim" };
	unsigned channels = 1 + (unsigned)rnd(CHANNELS);
	int rc = kio_stack_open(&run->stack, text, options, diag);

	sim_opens(text);
	run->text = text;
	ordered = is_ordered(text);
	if (rc < 0)
		return rc;
	if (kio_loop_open(&run->loop, &loop) < 0)
		fail(run->seed, text, "no loop", 0);
	for (unsigned i = 0; i < channels; i++) {
		if (kio_channel_open(&run->channels[i], run->stack, run->loop) < 0)
			fail(run->seed, text, "no channel", 0);
	}
	run->depth = depth_of(run->stack);
	run->block = kio_stack_limits(run->stack)->block;
	run->size = kio__align_down(kio__min(kio_stack_limits(run->stack)->size, SIZE), run->block);
	run->saw_error = run->power_failed = false;
	before.end = 0;
	run->acked_from = UINT32_MAX;
	for (unsigned i = 0; i < IN_FLIGHT; i++) {
		if (ops[i].memory == NULL)
			ops[i].memory = kio__alloc(SIZE);
		ops[i].kio = kio_create(run->channels[i % channels], SEGS);
		ops[i].kio->priv = &ops[i];
		ops[i].run = run;
	}
	return 0;
}

int
run_close(struct run *run)
{
	int rc;

	for (unsigned i = 0; i < IN_FLIGHT; i++)
		kio_destroy(ops[i].kio);
	for (unsigned i = 0; i < CHANNELS; i++)
		kio_channel_close(&run->channels[i]);
	kio_loop_close(&run->loop);
	rc = kio_stack_close(&run->stack, NULL);
	kio__sim_power_cut(UINT64_MAX, 0);
	return rc;
}

static __attribute__((destructor)) void
free_memory(void)
{
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		kio__free(ops[i].memory);
}
