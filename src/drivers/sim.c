/* SPDX-License-Identifier: MIT */
/*
 * sim: a disk for tests.
 *
 * Each request takes a random latency, so requests overtake one another. Writes
 * go into a volatile cache and last when they are flushed or carry FUA. After
 * so many writes the power fails, for all disks: what is in flight then and later fails, and
 * of what was not flushed a random part, sector by sector, is on the disk. Or
 * one disk dies, half way through a write, or alone loses its power; and whatever
 * comes then fails. What a disk with a name holds outlives its stack, so that it
 * can be opened again, as after a crash. Everything random comes from one seed,
 * the place, and how often it was asked for: what befalls one request does not
 * depend on those elsewhere.
 *
 * A test draws more faults for all disks of the process: sim.h.
 */
#include <string.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "drivers/platter.h"
#include "drivers/sim.h"
#include "port/port.h"

#define MILLION 1000000u
#define PLACE 4096u
#define HANGS_NS ((uint64_t)1000 * 1000000000u)

struct sim {
	struct kio_layer layer;
	const char *store;
	uint64_t size, block, latency, seed;
	unsigned error, late, cut, die, off;

	struct kio__platter *platter;
	struct kio__platter own; /* of a disk without a name */
	uint16_t *asked; /* requests that began in a place */
	uint64_t writes;
	uint32_t sent, newest; /* requests; the newest that was carried out */
};

struct sim_frame {
	struct kio_timer timer;
	struct kio_frame *frame;
	struct kio__platter_write write;
	uint32_t number;
	uint32_t moved; /* bytes, of one whose transfer was short */
	uint64_t chance;
	enum kio__sim_fault fault; /* KIO__SIM_DRAWN: none */
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
	KIO_OPT_UINT(struct sim, off, 0, "this disk alone loses its power at this write; 0: never"),
	KIO_OPT_STRING(struct sim, store, NULL, "name under which its contents outlive the stack"),
	{ 0 }
};

static struct sim *
sim_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct sim, layer);
}

static int
sim_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct sim *sim = sim_of(layer);
	int rc;

	if (!kio__is_power_of_two(sim->block) || sim->block > 65536)
		return kio_refuse(diag, -EINVAL, "block=%S is not a power of two up to 64K", sim->block);
	if (sim->size == 0 || sim->size > (uint64_t)1 << 32)
		return kio_refuse(diag, -EINVAL, "size=%S is not between 1 and 4G", sim->size);
	rc = kio__platter_open(&sim->platter, &sim->own, sim->store, sim->size);
	if (rc < 0)
		return kio_refuse(diag, rc, "the disk %s cannot be had in this size: %e",
				  sim->store != NULL ? sim->store : "", rc);
	sim->asked = kio__alloc((sim->size / PLACE + 1) * sizeof(sim->asked[0]));
	if (sim->asked == NULL) {
		kio__platter_close(sim->platter);
		return -ENOMEM;
	}
	layer->limits.size = sim->size;
	layer->limits.block = (uint32_t)sim->block;
	layer->limits.ops |= KIO_OP_BIT(KIO_DISCARD) | KIO_OP_BIT(KIO_WRITE_ZEROES);
	return 0;
}

static int
sim_close(struct kio_layer *layer)
{
	struct sim *sim = sim_of(layer);

	kio__platter_close(sim->platter);
	kio__free(sim->asked);
	return 0;
}

/* --- what goes wrong ------------------------------------------------------ */

/* One of those that are drawn, or KIO__SIM_DRAWN. */
static enum kio__sim_fault
draw(uint64_t number)
{
	uint32_t chance = (uint32_t)(number >> 32) % MILLION;
	unsigned kind = 0;

	while (kind < KIO__SIM_DRAWN && chance >= kio__sim.rate[kind])
		chance -= kio__sim.rate[kind++];
	return (enum kio__sim_fault)kind;
}

static bool
is_hit(const struct sim_frame *state, enum kio__sim_fault kind)
{
	return state->fault == kind && kio__sim_fires(kind);
}

/* What is drawn for a request besides. */
static uint64_t
chance_of(const struct sim_frame *state, unsigned which)
{
	return kio__sim_mix(state->chance, which);
}

/* Another place on the disk that has room for it. */
static uint64_t
astray(const struct sim *sim, const struct sim_frame *state)
{
	uint64_t places = (sim->size - state->frame->data.len) / sim->block + 1;

	return chance_of(state, 1) % places * sim->block;
}

static void
tell(const struct sim *sim, uint64_t offset, uint64_t len)
{
	if (kio__sim.hit != NULL)
		kio__sim.hit(sim->platter->number, offset, len);
}

/* --- requests --------------------------------------------------------------- */

static int
carry_out_read(struct sim *sim, const struct sim_frame *state, uint64_t len)
{
	struct kio__platter *platter = sim->platter;
	uint64_t offset = state->frame->offset, from = offset, at;
	const unsigned char *bytes = platter->current;

	if (is_hit(state, KIO__SIM_BIT_ROT)) {
		at = offset + chance_of(state, 2) % len;
		platter->current[at] ^= 1;
		platter->durable[at] ^= 1;
		tell(sim, kio__align_down(at, KIO__SECTOR), KIO__SECTOR);
	} else if (is_hit(state, KIO__SIM_MISDIRECTED_READ)) {
		from = astray(sim, state);
		tell(sim, offset, len);
	} else if (state->fault == KIO__SIM_STALE_READ && kio__platter_is_dirty(platter, offset, len) &&
		   is_hit(state, KIO__SIM_STALE_READ)) {
		bytes = platter->durable;
		tell(sim, offset, len);
	}
	if (kio__sim.reads != NULL)
		kio__sim.reads(sim->platter->number, offset, len);
	kio_iter_copy_from(state->frame->data, bytes + from, len);
	return 0;
}

/* The first `len` bytes of a write. */
static int
carry_out_write(struct sim *sim, const struct sim_frame *state, uint64_t len)
{
	const struct kio_frame *frame = state->frame;
	struct kio__platter *platter = sim->platter;
	uint64_t offset = frame->offset;

	if (is_hit(state, KIO__SIM_MISDIRECTED_WRITE)) {
		tell(sim, offset, len);
		offset = astray(sim, state);
		tell(sim, offset, len);
	}
	if (frame->op == KIO_WRITE)
		kio_iter_copy_to(frame->data, platter->current + offset, len);
	else
		memset(platter->current + offset, 0, len);
	kio__platter_wrote(platter, offset, len);
	if (kio__platters_cut_at_write())
		return -EIO;
	if (++sim->writes == sim->cut) {
		kio__platters_cut(state->chance);
		if (sim->store == NULL)
			kio__platter_cut(platter, state->chance);
		return -EIO;
	}
	if (sim->writes == sim->off && kio__sim_fires(KIO__SIM_CUT_ONE_LEG)) {
		kio__platter_cut(platter, state->chance);
		return -EIO;
	}
	if (sim->writes == sim->die && kio__sim_fires(KIO__SIM_LEG_LOSS))
		return -EIO;
	if ((frame->flags & KIO_FUA) == 0)
		return 0;
	if (is_hit(state, KIO__SIM_LOST_FUA))
		kio__platter_lie(platter, offset, len);
	else
		kio__platter_flush(platter, offset, len);
	return 0;
}

static int
carry_out(struct sim *sim, const struct sim_frame *state)
{
	const struct kio_frame *frame = state->frame;
	uint64_t len = frame->data.len;
	bool changes = frame->op != KIO_READ && frame->op != KIO_FLUSH;

	if (sim->platter->cut || (sim->die != 0 && sim->writes >= sim->die && (kio__sim.without >> KIO__SIM_LEG_LOSS & 1) == 0))
		return -EIO;
	if (sim->error != 0 && chance_of(state, 3) % MILLION < sim->error && kio__sim_fires(KIO__SIM_EIO))
		return -EIO;
	if (is_hit(state, KIO__SIM_EIO))
		return -EIO;
	if (changes && is_hit(state, KIO__SIM_ENOSPC))
		return -ENOSPC;
	if (sim->writes + 1 == sim->die && changes)
		len = kio__min(len, kio__align_up(len / 2, KIO__SECTOR));
	if (frame->op == KIO_READ)
		return carry_out_read(sim, state, len);
	if (changes)
		return carry_out_write(sim, state, len);
	kio__platter_flush(sim->platter, 0, sim->size);
	return 0;
}

/*
 * A transfer that ends early moves what it did, and is asked for the rest; the
 * driver of files does the same. So others come in between.
 */
static bool
go_on_later(struct sim *sim, struct sim_frame *state)
{
	struct kio_frame *frame = state->frame;
	struct kio_loop *loop = kio_frame_loop(frame);
	uint64_t first = kio__align_up(frame->data.len / 2, KIO__SECTOR);

	if (state->fault != KIO__SIM_SHORT || state->moved != 0 || frame->op > KIO_WRITE || first >= frame->data.len ||
	    sim->platter->cut || !kio__sim_fires(KIO__SIM_SHORT))
		return false;
	state->moved = (uint32_t)first;
	if (frame->op == KIO_READ) {
		kio_iter_copy_from(frame->data, sim->platter->current + frame->offset, first);
	} else {
		kio_iter_copy_to(frame->data, sim->platter->current + frame->offset, first);
		kio__platter_wrote(sim->platter, frame->offset, first);
	}
	kio_timer_arm(loop, &state->timer, kio_loop_now(loop) + sim->latency);
	return true;
}

static void
end(struct sim *sim, struct sim_frame *state, int status)
{
	if (state->write.frame != NULL)
		kio__platter_end(&state->write);
	if (state->number < sim->newest)
		kio__sim.fired[KIO__SIM_REORDER]++;
	else
		sim->newest = state->number;
	kio__sim_note(kio_loop_now(kio_frame_loop(state->frame)), ((uint64_t)(uint32_t)status << 32) + state->number);
	kio_complete(state->frame, status);
}

static void
sim_due(struct kio_task *task)
{
	struct sim_frame *state = kio_container_of(task, struct sim_frame, timer.task);
	struct sim *sim = (struct sim *)state->frame->priv;

	if (!go_on_later(sim, state))
		end(sim, state, carry_out(sim, state));
}

static uint64_t
latency_of(const struct sim *sim, const struct sim_frame *state)
{
	uint64_t latency = 0;

	if (sim->latency != 0 && (kio__sim.without >> KIO__SIM_REORDER & 1) == 0)
		latency = state->chance % (2 * sim->latency);
	if (sim->late != 0 && chance_of(state, 4) % MILLION < sim->late && kio__sim_fires(KIO__SIM_LATE))
		latency *= 1000;
	if (is_hit(state, KIO__SIM_LATE))
		latency *= 1000;
	if (is_hit(state, KIO__SIM_HANG))
		latency = HANGS_NS;
	return latency;
}

static void
sim_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct sim *sim = sim_of(layer);
	struct sim_frame *state = kio_frame_area(frame);
	struct kio_loop *loop = kio_frame_loop(frame);
	uint64_t now = kio_loop_now(loop);

	frame->priv = (uintptr_t)sim;
	state->timer = (struct kio_timer){ .task.run = sim_due };
	state->frame = frame;
	state->number = ++sim->sent;
	state->moved = 0;
	state->chance = kio__sim_mix(sim->seed + frame->op, frame->offset + ((uint64_t)sim->asked[frame->offset / PLACE]++ << 32));
	state->fault = draw(state->chance);
	state->write.frame = NULL;
	if (frame->op != KIO_READ && frame->op != KIO_FLUSH)
		kio__platter_begin(sim->platter, &state->write, frame);
	kio__sim_note(now + frame->op, frame->offset + (frame->data.len << 32));
	kio_timer_arm(loop, &state->timer, now + latency_of(sim, state));
}

/* Untouched, carried out all the same, or too late to say: each of them happens. */
static void
sim_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct sim *sim = sim_of(layer);
	struct sim_frame *state = kio_frame_area(frame);
	uint64_t chance = chance_of(state, 5) % 4;

	if (chance == 0 || !kio_timer_cancel(kio_frame_loop(frame), &state->timer))
		return;
	if (chance == 1)
		carry_out(sim, state);
	end(sim, state, -ECANCELED);
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
