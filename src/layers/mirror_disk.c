/* SPDX-License-Identifier: MIT */
/*
 * The state on the legs while no request runs: read when the mirror opens,
 * written when it enters use and leaves it.
 *
 * A leg that does not take its state is as stale as one that misses a write: the
 * others get a new epoch, until all that are left have the same.
 */
#include "layers/mirror.h"

uint64_t
kio__mirror_room(const struct kio_layer *leg)
{
	return kio__align_down(leg->limits.size, KIO__MIRROR_BLOCK) - KIO__MIRROR_AREA;
}

int
kio__mirror_read_state(struct kio_layer *leg, struct kio__mirror_state *state, struct kio_diag *diag)
{
	unsigned char *area = kio__alloc_aligned(KIO__MIRROR_COPIES, 4096);
	int rc = area == NULL ? -ENOMEM : leg->limits.size < MIRROR_LEAST ? -ENODATA : 0;

	if (rc == 0)
		rc = kio_leg_read(leg, area, KIO__MIRROR_COPIES, kio__mirror_room(leg) + KIO__MIRROR_BLOCK);
	if (rc == 0)
		rc = kio__mirror_choose(state, area);
	kio__free(area);
	if (rc == -ENODATA)
		kio_refuse(diag, rc, "the leg %s has no state of a mirror; kiobuf create makes one, "
				     "state=none goes without", leg->name);
	else if (rc < 0)
		kio_refuse(diag, rc, "the state of the leg %s cannot be used: %e", leg->name, rc);
	return rc;
}

void
kio__mirror_read_map(struct mirror *mirror, struct kio_layer *leg)
{
	int rc = kio_leg_read(leg, mirror->block, KIO__MIRROR_BLOCK, kio__mirror_room(leg));

	if (rc < 0)
		memset(mirror->block, 0, KIO__MIRROR_BLOCK);
	if (!kio__mirror_map_decode(mirror->state, mirror->regions, mirror->block))
		kio_log(&mirror->layer, KIO_WARNING,
			"the map of the leg %s is damaged: what it does not tell counts as changed", leg->name);
}

int
kio__mirror_write_map(struct mirror *mirror, struct kio_layer *leg)
{
	kio__mirror_map_encode(mirror->state, mirror->regions, mirror->block);
	return kio_leg_write(leg, mirror->block, KIO__MIRROR_BLOCK, kio__mirror_room(leg), KIO_FUA);
}

int
kio__mirror_wipe_state(struct kio_layer *leg)
{
	int rc = kio_leg_zero(leg, KIO__MIRROR_AREA, kio__mirror_room(leg));

	return rc == 0 ? kio_leg_flush(leg) : rc;
}

/* --- writing ------------------------------------------------------------ */

int
kio__mirror_new_set(struct mirror *mirror, uint32_t legs)
{
	uint64_t epoch;
	int rc = kio__random(&epoch, sizeof(epoch));

	if (rc < 0)
		return rc;
	kio__mirror_advance(mirror->state, epoch);
	mirror->state->without = mirror_without(mirror, legs);
	return 0;
}

uint64_t
kio__mirror_block(struct mirror *mirror, unsigned leg, unsigned char *block)
{
	uint32_t copy = mirror->copies >> leg & 1;

	mirror->copies ^= 1u << leg;
	mirror->state->leg = mirror->numbers[leg];
	kio__mirror_encode(mirror->state, block);
	return kio__mirror_room(mirror->layer.legs[leg]) + (1 + copy) * KIO__MIRROR_BLOCK;
}

/* To all legs in use; the first error, and which legs failed. */
static int
write_state(struct mirror *mirror, uint32_t *failed)
{
	struct kio_layer *leg;
	int rc, first = 0;
	uint64_t at;

	*failed = 0;
	mirror->state->sequence++;
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((mirror->usable >> i & 1) == 0)
			continue;
		leg = mirror->layer.legs[i];
		at = kio__mirror_block(mirror, i, mirror->block);
		rc = kio_leg_write(leg, mirror->block, KIO__MIRROR_BLOCK, at, KIO_FUA);
		if (rc == 0)
			continue;
		kio_log(&mirror->layer, KIO_ERROR, "the state of the leg %s cannot be written: %e",
			leg->name, rc);
		*failed |= 1u << i;
		first = first == 0 ? rc : first;
	}
	return first;
}

/* Flushes the legs in use; the first error, and which failed. */
static int
flush_legs(struct mirror *mirror, uint32_t *failed)
{
	int rc, first = 0;

	*failed = 0;
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		rc = (mirror->usable >> i & 1) != 0 ? kio_leg_flush(mirror->layer.legs[i]) : 0;
		*failed |= rc < 0 ? 1u << i : 0;
		first = first == 0 ? rc : first;
	}
	return first;
}

/* Goes on without these legs, if others are left; error is why. */
static int
drop(struct mirror *mirror, uint32_t legs, int error)
{
	if (!kio__mirror_take_out(mirror, legs, "failed", error))
		return error;
	return kio__mirror_new_set(mirror, mirror->usable);
}

/* A leg that does not take the state is stale, and the others are to know: until all that are left do. */
static int
write_and_drop(struct mirror *mirror)
{
	uint32_t failed;
	int rc;

	for (;;) {
		rc = write_state(mirror, &failed);
		if (rc == 0)
			return 0;
		rc = drop(mirror, failed, rc);
		if (rc < 0)
			return rc;
	}
}

/* --- in use, and not ----------------------------------------------------- */

/* A set that is another than that of the epoch gets one of its own: what is not in it misses something. */
int
kio__mirror_enter_use(struct mirror *mirror, struct kio_diag *diag)
{
	bool closed = !mirror->state->in_use;
	uint32_t failed, others;
	int rc = 0;

	if (mirror_is_read_only(mirror))
		return 0;
	/* what was read after an unclean stop has to be there after a power cut, too */
	if (!closed)
		rc = flush_legs(mirror, &failed);
	if (rc < 0)
		return kio_refuse(diag, rc, "what is kept cannot be flushed: %e", rc);
	/* a record of another set may have come as far as to a leg that is not there now */
	if (!closed || mirror_without(mirror, mirror->usable) != mirror->state->without)
		rc = kio__mirror_new_set(mirror, mirror->usable);
	if (rc < 0)
		return rc;
	mirror->state->in_use = true;
	mirror->state->returning = mirror_numbers(mirror, mirror->back);
	mirror->based = mirror->state->base == mirror->state->epoch;
	rc = write_state(mirror, &failed);
	if (rc < 0 && mirror->degraded) {
		rc = drop(mirror, failed, rc);
		if (rc == 0)
			rc = write_and_drop(mirror);
	} else if (rc < 0 && closed) {
		/* nothing was changed: the others are as good as before */
		mirror->usable &= ~failed;
		mirror->state->in_use = false;
		write_state(mirror, &others);
	}
	mirror->recorded = mirror->usable;
	if (rc < 0)
		kio_refuse(diag, rc, "the state of the leg %s cannot be written: %e",
			   mirror->layer.legs[__builtin_ctz(failed)]->name, rc);
	return rc;
}

int
kio__mirror_leave_use(struct mirror *mirror)
{
	uint32_t failed;
	int rc = flush_legs(mirror, &failed);

	if (mirror->usable == 0)
		return -EIO;
	if (rc < 0)
		rc = drop(mirror, failed, rc);
	/* a leg that was lost while the last change drained is on no record */
	else if (mirror_without(mirror, mirror->usable) != mirror->state->without)
		rc = kio__mirror_new_set(mirror, mirror->usable);
	if (rc < 0)
		return rc;
	/* legs that may differ are looked at when it opens again, as after an unclean stop */
	mirror->state->in_use = mirror->unequal != 0;
	mirror->state->returning = mirror_numbers(mirror, mirror->back);
	return write_and_drop(mirror);
}
