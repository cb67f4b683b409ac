/* SPDX-License-Identifier: MIT */
/*
 * sim: a disk for tests, and a loop whose time is virtual.
 *
 * Each request takes a random latency, so requests overtake one another. Writes
 * go into a volatile cache and last when they are flushed or carry FUA. After
 * so many writes the power fails, for all disks: what is in flight then and later fails, and
 * of what was not flushed a random part, sector by sector, is on the disk. Or
 * one disk dies: half way through a write, and whatever comes then fails. What
 * a disk with a name holds outlives its stack, so that it can be opened again,
 * as after a crash. Everything random comes from one seed.
 */
#include <string.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "drivers/engine.h"
#include "drivers/sim.h"
#include "port/port.h"

#define SECTOR 512u
#define NAMES 256

/* What a disk holds. */
struct platter {
	const char *name;
	uint64_t size;
	unsigned char *current; /* as it is read */
	unsigned char *durable; /* as it is after a power cut */
	unsigned char *dirty;   /* sectors in which they differ */
	bool open, cut;
};

struct sim {
	struct kio_layer layer;
	const char *store;
	uint64_t size, block, latency, seed;
	unsigned error, late, cut, die;

	struct platter *platter;
	struct platter own; /* of a disk without a name */
	uint64_t random;
	uint64_t writes;
};

struct sim_frame {
	struct kio_timer timer;
	struct kio_frame *frame;
};

static const struct kio_opt sim_opts[] = {
	KIO_OPT_SIZE(struct sim, size, 0, "bytes", .flags = KIO_OPT_MAIN | KIO_OPT_REQUIRED),
	KIO_OPT_SIZE(struct sim, block, 1, "offsets and lengths are multiples of this"),
	KIO_OPT_TIME(struct sim, latency, 100000, "mean time of a request"),
	KIO_OPT_SIZE(struct sim, seed, 1, "of all that is random"),
	KIO_OPT_UINT(struct sim, error, 0, "of a million requests so many fail"),
	KIO_OPT_UINT(struct sim, late, 0, "of a million requests so many take a thousand times as long"),
	KIO_OPT_UINT(struct sim, cut, 0, "the power fails at this write; 0: never"),
	KIO_OPT_UINT(struct sim, die, 0, "this disk dies at this write; 0: never"),
	KIO_OPT_STRING(struct sim, store, NULL, "name under which its contents outlive the stack"),
	{ 0 }
};

static struct platter platters[NAMES];

static struct sim *
sim_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct sim, layer);
}

static uint64_t
next_random(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random;
}

/* --- platters ----------------------------------------------------------- */

static void
platter_free(struct platter *platter)
{
	kio__free(platter->current);
	kio__free(platter->durable);
	kio__free(platter->dirty);
	memset(platter, 0, sizeof(*platter));
}

static int
platter_make(struct platter *platter, const char *name, uint64_t size)
{
	platter->size = size;
	platter->current = kio__alloc(size);
	platter->durable = kio__alloc(size);
	platter->dirty = kio__alloc(size / SECTOR + 1);
	if (platter->current == NULL || platter->durable == NULL || platter->dirty == NULL) {
		platter_free(platter);
		return -ENOMEM;
	}
	if (name != NULL) {
		platter->name = kio__alloc(strlen(name) + 1);
		if (platter->name == NULL) {
			platter_free(platter);
			return -ENOMEM;
		}
		memcpy((char *)(uintptr_t)platter->name, name, strlen(name));
	}
	return 0;
}

static __attribute__((destructor)) void
platters_free(void)
{
	for (unsigned i = 0; i < NAMES; i++) {
		kio__free((void *)(uintptr_t)platters[i].name);
		platter_free(&platters[i]);
	}
}

static int
platter_find(struct sim *sim)
{
	if (sim->store == NULL) {
		sim->platter = &sim->own;
		return platter_make(&sim->own, NULL, sim->size);
	}
	for (unsigned i = 0; i < NAMES; i++) {
		sim->platter = &platters[i];
		if (platters[i].name == NULL)
			return platter_make(&platters[i], sim->store, sim->size);
		if (strcmp(platters[i].name, sim->store) == 0)
			return platters[i].size == sim->size ? 0 : -EINVAL;
	}
	return -ENOSPC;
}

static uint64_t
sector_bytes(const struct platter *platter, uint64_t sector)
{
	return kio__min(SECTOR, platter->size - sector * SECTOR);
}

static void
sector_settle(struct platter *platter, uint64_t sector, bool keep)
{
	uint64_t at = sector * SECTOR, len = sector_bytes(platter, sector);

	if (keep)
		memcpy(platter->durable + at, platter->current + at, len);
	platter->dirty[sector] = 0;
}

static void
platter_flush(struct platter *platter, uint64_t offset, uint64_t len)
{
	for (uint64_t sector = offset / SECTOR; sector * SECTOR < offset + len; sector++) {
		if (platter->dirty[sector])
			sector_settle(platter, sector, true);
	}
}

static void
platter_cut(struct platter *platter, uint64_t *random)
{
	platter->cut = true;
	for (uint64_t sector = 0; sector * SECTOR < platter->size; sector++) {
		if (platter->dirty[sector])
			sector_settle(platter, sector, (next_random(random) & 1) != 0);
	}
}

/* A power cut that is to come. */
static struct {
	uint64_t writes;
	uint64_t random;
} coming;

/* For all disks at the same instant. */
static void
power_cut(uint64_t *random)
{
	for (unsigned i = 0; i < NAMES; i++) {
		if (platters[i].open)
			platter_cut(&platters[i], random);
	}
}

void
kio__sim_power_cut(uint64_t writes, uint64_t seed)
{
	coming.writes = writes;
	coming.random = seed * 0x9e3779b97f4a7c15u + 1;
	if (writes == 0)
		power_cut(&coming.random);
}

/* --- the disk ----------------------------------------------------------- */

static int
sim_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct sim *sim = sim_of(layer);
	int rc;

	if (!kio__is_power_of_two(sim->block) || sim->block > 65536)
		return kio_refuse(diag, -EINVAL, "block=%S is not a power of two up to 64K", sim->block);
	if (sim->size == 0 || sim->size > (uint64_t)1 << 32)
		return kio_refuse(diag, -EINVAL, "size=%S is not between 1 and 4G", sim->size);
	rc = platter_find(sim);
	if (rc < 0)
		return kio_refuse(diag, rc, "the disk %s cannot be had in this size: %e",
				  sim->store != NULL ? sim->store : "", rc);
	/* the power is back: what lasted is there */
	if (sim->platter->cut)
		memcpy(sim->platter->current, sim->platter->durable, sim->size);
	sim->platter->cut = false;
	sim->platter->open = true;
	sim->random = sim->seed * 0x9e3779b97f4a7c15u + 1;
	layer->limits.size = sim->size;
	layer->limits.block = (uint32_t)sim->block;
	layer->limits.ops |= KIO_OP_BIT(KIO_DISCARD) | KIO_OP_BIT(KIO_WRITE_ZEROES);
	return 0;
}

static int
sim_close(struct kio_layer *layer)
{
	struct sim *sim = sim_of(layer);

	sim->platter->open = false;
	if (sim->store == NULL)
		platter_free(&sim->own);
	return 0;
}

static int
carry_out(struct sim *sim, const struct kio_frame *frame)
{
	struct platter *platter = sim->platter;
	uint64_t offset = frame->offset, len = frame->data.len;

	if (platter->cut || (sim->die != 0 && sim->writes >= sim->die))
		return -EIO;
	if (sim->error != 0 && next_random(&sim->random) % 1000000 < sim->error)
		return -EIO;
	if (sim->writes + 1 == sim->die && frame->op != KIO_READ && frame->op != KIO_FLUSH)
		len = kio__min(len, kio__align_up(len / 2, SECTOR));
	switch (frame->op) {
	case KIO_READ:
		kio_iter_copy_from(frame->data, platter->current + offset, len);
		return 0;
	case KIO_FLUSH:
		platter_flush(platter, 0, platter->size);
		return 0;
	case KIO_WRITE:
		kio_iter_copy_to(frame->data, platter->current + offset, len);
		break;
	default:
		memset(platter->current + offset, 0, len);
		break;
	}
	memset(platter->dirty + offset / SECTOR, 1, (offset + len - 1) / SECTOR - offset / SECTOR + 1);
	if (coming.writes != 0 && --coming.writes == 0) {
		power_cut(&coming.random);
		return -EIO;
	}
	if (++sim->writes == sim->cut) {
		power_cut(&sim->random);
		if (sim->store == NULL)
			platter_cut(platter, &sim->random);
		return -EIO;
	}
	if (sim->writes == sim->die)
		return -EIO;
	if ((frame->flags & KIO_FUA) != 0)
		platter_flush(platter, offset, len);
	return 0;
}

static void
sim_due(struct kio_task *task)
{
	struct sim_frame *state = kio_container_of(task, struct sim_frame, timer.task);
	struct kio_frame *frame = state->frame;

	kio_complete(frame, carry_out((struct sim *)frame->priv, frame));
}

static void
sim_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct sim *sim = sim_of(layer);
	struct sim_frame *state = kio_frame_area(frame);
	struct kio_loop *loop = kio_frame_loop(frame);
	uint64_t latency = sim->latency == 0 ? 0 : next_random(&sim->random) % (2 * sim->latency);

	if (sim->late != 0 && next_random(&sim->random) % 1000000 < sim->late)
		latency *= 1000;
	frame->priv = (uintptr_t)sim;
	state->timer = (struct kio_timer){ .task.run = sim_due };
	state->frame = frame;
	kio_timer_arm(loop, &state->timer, kio_loop_now(loop) + latency);
}

/* Untouched, carried out all the same, or too late to say: each of them happens. */
static void
sim_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct sim *sim = sim_of(layer);
	struct sim_frame *state = kio_frame_area(frame);
	uint64_t chance = next_random(&sim->random) % 4;

	if (chance == 0 || !kio_timer_cancel(kio_frame_loop(frame), &state->timer))
		return;
	if (chance == 1)
		carry_out(sim, frame);
	kio_complete(frame, -ECANCELED);
}

const struct kio_class kio_class_sim = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "sim",
	.summary = "a simulated disk: latency, errors, power cuts, from a seed",
	.maturity = "lab",
	.size = sizeof(struct sim),
	.frame_size = sizeof(struct sim_frame),
	.opts = sim_opts,
	.open = sim_open,
	.close = sim_close,
	.submit = sim_submit,
	.cancel = sim_cancel,
};

/* --- virtual time ------------------------------------------------------- */

struct virtual {
	uint64_t now;
	uint32_t woken; /* atomic */
};

static int
virtual_open(struct kio_loop *loop, const struct kio_loop_options *options)
{
	(void)options;
	loop->state = kio__alloc(sizeof(struct virtual));
	return loop->state != NULL ? 0 : -ENOMEM;
}

static void
virtual_close(struct kio_loop *loop)
{
	kio__free(loop->state);
}

/* Nothing is waited for: time is what the next timer says. Workers run in real time. */
static int
virtual_poll(struct kio_loop *loop, uint64_t due_ns)
{
	struct virtual *state = loop->state;

	if (due_ns == UINT64_MAX) {
		while (__atomic_exchange_n(&state->woken, 0, __ATOMIC_ACQUIRE) == 0)
			kio__yield();
	} else if (due_ns > state->now) {
		state->now = due_ns;
	}
	return 0;
}

static void
virtual_wake(struct kio_loop *loop)
{
	struct virtual *state = loop->state;

	__atomic_store_n(&state->woken, 1, __ATOMIC_RELEASE);
}

static uint64_t
virtual_now(const struct kio_loop *loop)
{
	const struct virtual *state = loop->state;

	return state->now;
}

const struct kio_engine kio__engine_sim = {
	.name = "sim",
	.open = virtual_open,
	.close = virtual_close,
	.poll = virtual_poll,
	.wake = virtual_wake,
	.start = kio__blocking_start,
	.cancel = kio__blocking_cancel,
	.now = virtual_now,
};
