/* SPDX-License-Identifier: MIT */
/*
 * Many small requests on a stack of a few layers, and disks that do all that
 * disks do: each seed draws which faults there are. Here speed counts.
 *
 * A sector carries its number and a version in its first bytes; versions count
 * up over all writes. The oracle knows of each sector the version that was
 * acknowledged last, the highest that was sent, and the one that is durable: what
 * is read lies between the first two, after a crash between the last two. A
 * quarter of the requests have 4 KiB, and all their bytes are compared; of the
 * others, of 512, just the stamp.
 *
 * Some faults no layer can mend: a bit that turns over, data that goes or comes
 * from elsewhere, a FUA that was none. The disk tells which of its sectors were
 * hit, and these may be wrong until they are written again. Nothing else may be.
 * Which sectors of the stack these are is found by reading each once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/math.h"
#include "drivers/sim.h"
#include "port/port.h"
#include "sim.h"

#define SECTOR 512u
#define BLOCK 4096u
#define SECTORS 1024u      /* of the stack that are used */
#define BIG (SECTORS / 2)  /* the first half is used in blocks of 4 KiB */
#define DEPTH 32
#define DISKS 16
#define DISK_SECTORS 2048u
#define REQUESTS 30000u
#define GENERATIONS 4

struct sector {
	uint32_t now, high; /* acknowledged last; sent last */
	uint32_t base;      /* durable */
	uint32_t wrong;     /* hit: right again when this version is there; 0: not hit */
	uint32_t rotten;    /* the same of what is durable */
	bool busy;
};

struct swarm_op {
	struct kio *kio;
	struct swarm_op *next_idle;
	enum kio_op op;
	unsigned flags;
	uint32_t first, count; /* sectors */
	uint32_t version;
	bool busy, cancelled, looks;
	unsigned char *memory;
};

static struct {
	uint64_t seed;
	struct totals *totals;
	struct text text;
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_channel *channel;
	uint32_t unit; /* sectors of the stack's block */
	uint32_t version;
	uint32_t depth; /* hundredths */
	struct swarm_op ops[DEPTH];
	struct swarm_op *idle;
	unsigned in_flight, most;
	bool flushing, power_failed, lies, faults, timed;
	uint64_t ios, verified, flushes;
	struct sector sectors[SECTORS];
	uint32_t mark[SECTORS]; /* acknowledged when the flush was sent */
	/* which sectors a disk's sector shows up in; first > last: none */
	uint16_t first[DISKS][DISK_SECTORS], last[DISKS][DISK_SECTORS];
	uint32_t probed;
	unsigned char pattern[2 * BLOCK];
} swarm;

/* --- its stack ------------------------------------------------------------ */

static unsigned
put_swarm_disk(unsigned block)
{
	char words[100];

	snprintf(words, sizeof(words), "sim size=1M block=%u latency=%luus seed=%lu store=s%u", block,
		 rnd(4) == 0 ? rnd(300) : rnd(20), 1 + rnd(1 << 20), swarm.text.disks++);
	put(&swarm.text, words);
	return block;
}

static void
put_swarm(void)
{
	static const char *const fans[] = { "concat { ", "stripe chunk=4K { ", "stripe chunk=16K { " };
	unsigned layers = 3 + (unsigned)rnd(2), fan = rnd(2) == 0 ? (unsigned)rnd(layers) : layers, legs;
	unsigned block = rnd(8) == 0 ? BLOCK : SECTOR;
	char words[100];

	memset(&swarm.text, 0, sizeof(swarm.text));
	if (block > SECTOR || rnd(4) == 0)
		put(&swarm.text, "align | ");
	for (unsigned i = 0; i < layers; i++) {
		if (i == fan) {
			put(&swarm.text, fans[rnd(3)]);
			for (legs = 2; legs > 0; legs--) {
				put(&swarm.text, "crop | ");
				put_swarm_disk(block);
				put(&swarm.text, legs > 1 ? " ; " : " }");
			}
			return;
		}
		switch (rnd(16)) {
		case 0:
			put(&swarm.text, "retry 2 backoff=50us | ");
			break;
		case 1:
			put(&swarm.text, block == SECTOR ? "crypt header=none key-file=sim.key | " : "log | ");
			break;
		case 2:
		case 3:
			snprintf(words, sizeof(words), "deadline %luus | ", 2000 + rnd(5000));
			put(&swarm.text, swarm.timed ? words : "crop | ");
			break;
		case 4:
		case 5:
		case 6:
			put(&swarm.text, "log | ");
			break;
		default:
			snprintf(words, sizeof(words), "crop offset=%lu | ", rnd(8) * BLOCK);
			put(&swarm.text, words);
			break;
		}
	}
	put_swarm_disk(block);
}

static void
wrong(const char *what, uint64_t sector)
{
	fail(swarm.seed, swarm.text.at, what, sector * SECTOR);
}

/* --- what is written, and what may be read --------------------------------- */

static const unsigned char *
bytes_of(uint32_t sector, uint32_t version)
{
	return swarm.pattern + ((sector * 31 + version * 8) & (BLOCK - 1) & ~7u);
}

static void
fill(unsigned char *at, uint32_t sector, uint32_t version, bool whole)
{
	uint32_t stamp[4] = { sector, version, ~sector, version ^ 0x5bd1e995u };

	if (whole)
		memcpy(at, bytes_of(sector, version), SECTOR);
	memcpy(at, stamp, sizeof(stamp));
}

/* Its version; UINT32_MAX: nobody wrote this. */
static uint32_t
version_of(const unsigned char *at, uint32_t sector, bool whole)
{
	uint32_t stamp[4];

	memcpy(stamp, at, sizeof(stamp));
	if (stamp[0] != sector || stamp[2] != ~sector || stamp[3] != (stamp[1] ^ 0x5bd1e995u))
		return UINT32_MAX;
	if (whole && memcmp(at + sizeof(stamp), bytes_of(sector, stamp[1]) + sizeof(stamp), SECTOR - sizeof(stamp)) != 0)
		return UINT32_MAX;
	return stamp[1];
}

static void
look(const struct swarm_op *op)
{
	for (uint32_t i = 0; i < op->count; i++) {
		const struct sector *sector = &swarm.sectors[op->first + i];
		uint32_t version;

		if (sector->wrong != 0)
			continue;
		version = version_of(op->memory + i * SECTOR, op->first + i, op->first < BIG);
		if (version == UINT32_MAX)
			wrong("bytes that nobody wrote", op->first + i);
		if (version < sector->now)
			wrong("an older version than was acknowledged", op->first + i);
		if (version > sector->high)
			wrong("a version that was lost before", op->first + i);
	}
}

/* The disk says what it has spoilt. */
static void
hit(unsigned disk, uint64_t offset, uint64_t len)
{
	uint64_t end = (offset + len + SECTOR - 1) / SECTOR;

	for (uint64_t i = offset / SECTOR; disk < DISKS && i < end; i++) {
		for (uint32_t at = swarm.first[disk][i]; at <= swarm.last[disk][i] && at < SECTORS; at++)
			swarm.sectors[at].wrong = swarm.sectors[at].rotten = swarm.version + 1;
	}
}

static void
sees(unsigned disk, uint64_t offset, uint64_t len)
{
	for (uint64_t i = offset / SECTOR; disk < DISKS && i < (offset + len + SECTOR - 1) / SECTOR; i++) {
		swarm.first[disk][i] = (uint16_t)kio__min(swarm.first[disk][i], swarm.probed);
		swarm.last[disk][i] = (uint16_t)kio__max(swarm.last[disk][i], swarm.probed + swarm.unit - 1);
	}
}

/* --- requests --------------------------------------------------------------- */

static void
lasts(struct sector *sector, uint32_t version)
{
	sector->base = (uint32_t)kio__max(sector->base, version);
	if (version >= sector->rotten)
		sector->rotten = 0;
}

static void
flush_done(void)
{
	for (uint32_t i = 0; i < SECTORS; i++)
		lasts(&swarm.sectors[i], swarm.mark[i]);
	swarm.flushes++;
}

static void
write_done(const struct swarm_op *op)
{
	for (uint32_t i = op->first; i < op->first + op->count; i++) {
		struct sector *sector = &swarm.sectors[i];

		sector->now = op->version;
		if ((op->flags & KIO_FUA) != 0)
			lasts(sector, op->version);
		if (op->version >= sector->wrong)
			sector->wrong = 0;
	}
}

static void
check_status(const struct swarm_op *op, int status)
{
	switch (status) {
	case -ECANCELED:
		if (!op->cancelled)
			wrong("nobody cancelled this", op->first);
		kio__sim.fired[KIO__SIM_CANCEL]++;
		break;
	case -ETIMEDOUT:
		if (!swarm.timed)
			wrong("nobody set this a deadline", op->first);
		kio__sim.fired[KIO__SIM_DEADLINE]++;
		break;
	default:
		if (!swarm.faults && !swarm.power_failed)
			wrong("a request failed, and no disk did", op->first);
		break;
	}
}

static void
swarm_done(struct kio *kio)
{
	struct swarm_op *op = kio->priv;
	int status = kio_status(kio);

	if (!op->busy)
		wrong("a second completion", op->first);
	op->busy = false;
	op->next_idle = swarm.idle;
	swarm.idle = op;
	swarm.in_flight--;
	swarm.ios++;
	kio__sim_note(kio_loop_now(swarm.loop), (uint64_t)(op - swarm.ops) + ((uint64_t)(uint32_t)status << 32));
	for (uint32_t i = op->first; i < op->first + op->count; i++)
		swarm.sectors[i].busy = false;
	if (status < 0)
		check_status(op, status);
	else if (op->op == KIO_WRITE)
		write_done(op);
	else if (op->op == KIO_FLUSH)
		flush_done();
	else if (op->looks)
		look(op);
	swarm.flushing &= op->op != KIO_FLUSH;
}

static bool
take(uint32_t first, uint32_t count)
{
	for (uint32_t i = first; i < first + count; i++) {
		if (swarm.sectors[i].busy)
			return false;
	}
	for (uint32_t i = first; i < first + count; i++)
		swarm.sectors[i].busy = true;
	return true;
}

static struct swarm_op *
op_take(enum kio_op kind, uint32_t first, uint32_t count)
{
	struct swarm_op *op = swarm.idle;

	swarm.idle = op->next_idle;
	swarm.in_flight++;
	op->op = kind;
	op->flags = 0;
	op->first = first;
	op->count = count;
	op->busy = true;
	op->cancelled = false;
	op->looks = true;
	return op;
}

static void
send(struct swarm_op *op)
{
	struct kio_iter data = kio_buf(op->kio, op->memory, (size_t)op->count * SECTOR);
	uint64_t offset = (uint64_t)op->first * SECTOR;

	kio__sim_note(kio_loop_now(swarm.loop) + op->op, offset + ((uint64_t)op->count << 32));
	if (op->op == KIO_FLUSH)
		kio_flush_all(op->kio, swarm_done);
	else if (op->op == KIO_WRITE)
		kio_write(op->kio, offset, data, op->flags, swarm_done);
	else
		kio_read(op->kio, offset, data, swarm_done);
}

static void
send_flush(void)
{
	struct swarm_op *op = op_take(KIO_FLUSH, 0, 0);

	for (uint32_t i = 0; i < SECTORS; i++)
		swarm.mark[i] = swarm.sectors[i].now;
	swarm.flushing = true;
	send(op);
}

static void
send_read(uint32_t first, uint32_t count)
{
	struct swarm_op *op = op_take(KIO_READ, first, count);

	/* what an earlier one left there is not to be taken for an answer */
	for (uint32_t i = 0; i < count; i++)
		memset(op->memory + i * SECTOR, 0xdb, 16);
	send(op);
}

static void
send_write(uint32_t first, uint32_t count, unsigned flags)
{
	struct swarm_op *op = op_take(KIO_WRITE, first, count);

	op->version = ++swarm.version;
	op->flags = flags;
	for (uint32_t i = 0; i < count; i++) {
		swarm.sectors[first + i].high = op->version;
		fill(op->memory + i * SECTOR, first + i, op->version, first < BIG);
	}
	send(op);
}

static void
start(void)
{
	uint64_t chance = rnd(UINT64_MAX);
	bool big = (chance >> 48 & 15) < 5, writes = (chance & 1) != 0, fua = (chance >> 3 & 15) == 0;
	uint32_t unit = big ? BLOCK / SECTOR : swarm.unit, at = (uint32_t)(chance >> 8) % (BIG / unit) * unit;
	uint32_t first = big ? at : BIG + at, count = unit;

	if ((chance >> 40) % 200 == 0 && !swarm.flushing) {
		if (sim_may_send(KIO_FLUSH, 0, 0, 0))
			send_flush();
		return;
	}
	/* several at once, now and then */
	if ((chance >> 32 & 31) == 0 && first + 4 * unit <= (big ? BIG : SECTORS))
		count = 4 * unit;
	if (!sim_may_send(writes ? KIO_WRITE : KIO_READ, writes && fua ? KIO_FUA : 0, (uint64_t)first * SECTOR,
			  (uint64_t)count * SECTOR))
		return;
	if (!take(first, count))
		return;
	swarm.verified += big;
	if (writes)
		send_write(first, count, fua ? KIO_FUA : 0);
	else
		send_read(first, count);
}

static void
settle(void)
{
	while (swarm.in_flight != 0)
		kio_loop_step(swarm.loop, -1);
}

static void
cut_power(void)
{
	kio__sim_power_cut(0, rnd(UINT64_MAX));
	swarm.power_failed = true;
}

/* Now and then something else than a request. */
static void
disturb(void)
{
	struct swarm_op *op = &swarm.ops[rnd(DEPTH)];

	switch (rnd(4)) {
	case 0:
		if (rnd(10) == 0 && kio__sim_fires(KIO__SIM_CLOCK_JUMP))
			kio__sim_clock_jump(swarm.loop, (uint64_t)rnd(3600) * 1000000000u);
		break;
	case 1:
		/* nobody runs the loop, time goes on, and more requests come */
		if (!kio__sim_fires(KIO__SIM_LOOP_STOPPED))
			break;
		kio__sim_clock_jump(swarm.loop, rnd(2000000));
		while (swarm.in_flight < swarm.most && rnd(8) != 0)
			start();
		kio__sim_clock_jump(swarm.loop, rnd(2000000));
		break;
	default:
		if (op->busy && (kio__sim.without >> KIO__SIM_CANCEL & 1) == 0) {
			op->cancelled = true;
			kio_cancel(op->kio);
		}
		break;
	}
}

static void
swarm_requests(uint32_t count, uint32_t cut_at)
{
	uint32_t disturbed = 1 + (uint32_t)rnd(200);

	for (uint32_t i = 0; i < count && !swarm.power_failed; i++) {
		if (i == cut_at)
			cut_power();
		else if (swarm.in_flight < swarm.most)
			start();
		while (swarm.in_flight >= swarm.most)
			kio_loop_step(swarm.loop, -1);
		if (--disturbed == 0) {
			disturb();
			disturbed = 1 + (uint32_t)rnd(200);
		}
	}
	settle();
}

/* --- all of it ---------------------------------------------------------------- */

/* Reads without faults: looks, or leaves the bytes in ops[0]. */
static void
read_all(void (*with)(const struct swarm_op *op))
{
	for (uint32_t at = 0; at < SECTORS; at += 64) {
		struct swarm_op *op;

		for (unsigned tries = 0; tries < 50; tries++) {
			op = op_take(KIO_READ, at, 64);
			op->looks = false;
			memset(op->memory, 0xdb, 64 * SECTOR);
			send(op);
			settle();
			if (kio_status(op->kio) == 0)
				break;
		}
		if (kio_status(op->kio) < 0)
			wrong("it cannot be read", at);
		with(op);
	}
}

/* After a crash. What is there stays. */
static void
look_and_keep(const struct swarm_op *op)
{
	for (uint32_t i = 0; i < op->count; i++) {
		struct sector *sector = &swarm.sectors[op->first + i];
		uint32_t version = version_of(op->memory + i * SECTOR, op->first + i, op->first < BIG);

		if (sector->rotten != 0) {
			/* nor does what was written since have to be there */
			sector->wrong = sector->rotten = swarm.version + 1;
			continue;
		}
		sector->wrong = 0;
		if (version == UINT32_MAX)
			wrong("bytes that nobody wrote, after a crash", op->first + i);
		if (version < sector->base)
			wrong("durable, and lost by the crash", op->first + i);
		if (version > sector->high)
			wrong("a version that was never sent", op->first + i);
		sector->now = sector->base = sector->high = version;
	}
}

/* Before there are any faults. */
static void
write_all(void)
{
	for (uint32_t at = 0; at < SECTORS; at += 64) {
		do {
			send_write(at, 64, 0);
			settle();
		} while (swarm.sectors[at].now != swarm.version);
	}
	do {
		send_flush();
		settle();
	} while (swarm.flushes == 0);
}

/* Reads each block once: which sectors of disks does it come from? */
static void
probe(void)
{
	memset(swarm.first, 0xff, sizeof(swarm.first));
	memset(swarm.last, 0, sizeof(swarm.last));
	kio__sim.reads = sees;
	for (swarm.probed = 0; swarm.probed < SECTORS; swarm.probed += swarm.unit) {
		struct swarm_op *op = op_take(KIO_READ, swarm.probed, swarm.unit);

		op->looks = false;
		send(op);
		settle();
		if (kio_status(op->kio) == -ETIMEDOUT)
			swarm.probed -= swarm.unit;
		else if (kio_status(op->kio) < 0)
			wrong("it cannot be read", swarm.probed);
	}
	kio__sim.reads = NULL;
}

/* --- opening and closing -------------------------------------------------------- */

static int
try_open(void)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = rnd(4) == 0 ? 2 : 64, .force = true };
	struct kio_loop_options loop = { .engine = "sim" };
	struct kio_diag diag;
	int rc;

	sim_opens(swarm.text.at);
	rc = kio_stack_open(&swarm.stack, swarm.text.at, &options, &diag);

	if (rc < 0) {
		if (rc != -ENOMEM)
			fail(swarm.seed, swarm.text.at, diag.text, (uint64_t)-rc);
		return rc;
	}
	rc = kio_loop_open(&swarm.loop, &loop);
	if (rc == 0)
		rc = kio_channel_open(&swarm.channel, swarm.stack, swarm.loop);
	for (unsigned i = 0; i < DEPTH && rc == 0; i++) {
		swarm.ops[i].kio = kio_create(swarm.channel, 1);
		rc = swarm.ops[i].kio != NULL ? 0 : -ENOMEM;
	}
	return rc;
}

static void
swarm_close(void)
{
	for (unsigned i = 0; i < DEPTH; i++) {
		kio_destroy(swarm.ops[i].kio);
		swarm.ops[i].kio = NULL;
	}
	kio_channel_close(&swarm.channel);
	kio_loop_close(&swarm.loop);
	if (swarm.stack != NULL && kio_stack_close(&swarm.stack, NULL) < 0 && !swarm.power_failed && !swarm.faults)
		wrong("it cannot be closed", 0);
	kio__sim_power_cut(UINT64_MAX, 0);
}

static void
swarm_open(void)
{
	bool starved = rnd(4) == 0 && (kio__sim.without >> KIO__SIM_ALLOC_AT_OPEN & 1) == 0;
	int rc;

	if (starved)
		kio__alloc_fail_at = 1 + (unsigned)rnd(120);
	rc = try_open();
	kio__alloc_fail_at = 0;
	if (rc == -ENOMEM && starved) {
		kio__sim_fires(KIO__SIM_ALLOC_AT_OPEN);
		swarm_close();
		rc = try_open();
	}
	if (rc < 0)
		wrong("it does not open", 0);
	swarm.idle = NULL;
	for (unsigned i = 0; i < DEPTH; i++) {
		struct swarm_op *op = &swarm.ops[i];

		if (op->memory == NULL)
			op->memory = kio__alloc_aligned(64 * SECTOR, BLOCK);
		op->kio->priv = op;
		op->next_idle = swarm.idle;
		swarm.idle = op;
	}
	swarm.unit = (uint32_t)kio__max(kio_stack_limits(swarm.stack)->block, SECTOR) / SECTOR;
	swarm.depth = depth_of(swarm.stack);
	swarm.power_failed = false;
}

/* --- a seed ------------------------------------------------------------------------ */

/* Which faults there are, each of a million requests. */
static void
choose_rates(void)
{
	uint32_t kinds = rnd(3) == 0 ? 0 : (uint32_t)rnd(1u << KIO__SIM_DRAWN);

	memset(kio__sim.rate, 0, sizeof(kio__sim.rate));
	for (unsigned kind = 0; kind < KIO__SIM_DRAWN; kind++) {
		if ((kinds >> kind & 1) != 0)
			kio__sim.rate[kind] = kind == KIO__SIM_LOST_FUA ? 20000 : 20 + (uint32_t)rnd(800);
	}
	swarm.faults = (kio__sim.rate[KIO__SIM_EIO] | kio__sim.rate[KIO__SIM_ENOSPC]) != 0;
	swarm.lies = false;
	for (unsigned kind = KIO__SIM_BIT_ROT; kind < KIO__SIM_DRAWN; kind++)
		swarm.lies |= kio__sim.rate[kind] != 0;
}

static void
swarm_generation(void)
{
	uint32_t rates[KIO__SIM_DRAWN];
	uint32_t count = REQUESTS / 2 + (uint32_t)rnd(REQUESTS), cut_at = rnd(2) == 0 ? (uint32_t)rnd(count) : count;

	swarm.most = 1 + (unsigned)rnd(DEPTH);
	memcpy(rates, kio__sim.rate, sizeof(rates));
	swarm_requests(count, cut_at);
	memset(kio__sim.rate, 0, sizeof(kio__sim.rate));
	if (!swarm.power_failed)
		read_all(look);
	swarm_close();
	swarm.totals->cuts += swarm.power_failed;
	/* closed, but nobody flushed: the next power cut may take it */
	swarm_open();
	if (cut_at < count)
		read_all(look_and_keep);
	else
		read_all(look);
	memcpy(kio__sim.rate, rates, sizeof(rates));
}

void
run_swarm(uint64_t seed, struct totals *totals)
{
	kio__sim_forget();
	memset(swarm.sectors, 0, sizeof(swarm.sectors));
	swarm.seed = seed;
	swarm.totals = totals;
	swarm.version = 0;
	swarm.ios = swarm.verified = swarm.flushes = 0;
	swarm.timed = rnd(3) == 0;
	for (size_t i = 0; i < sizeof(swarm.pattern) / 8; i++) {
		uint64_t word = rnd(UINT64_MAX);

		memcpy(swarm.pattern + i * 8, &word, 8);
	}
	put_swarm();
	swarm.faults = false;
	swarm_open();
	write_all();
	choose_rates();
	if (swarm.lies) {
		uint32_t rates[KIO__SIM_DRAWN];

		memcpy(rates, kio__sim.rate, sizeof(rates));
		memset(kio__sim.rate, 0, sizeof(rates));
		probe();
		memcpy(kio__sim.rate, rates, sizeof(rates));
		kio__sim.hit = hit;
	}
	for (unsigned i = 0; i < GENERATIONS; i++)
		swarm_generation();
	memset(kio__sim.rate, 0, sizeof(kio__sim.rate));
	kio__sim.hit = NULL;
	swarm_close();
	totals->swarms++;
	totals->ios += swarm.ios;
	totals->verified += swarm.verified;
	totals->flushes += swarm.flushes;
	totals->layer_ios += swarm.ios * swarm.depth;
}

static __attribute__((destructor)) void
free_memory(void)
{
	for (unsigned i = 0; i < DEPTH; i++)
		kio__free(swarm.ops[i].memory);
}
