/* SPDX-License-Identifier: MIT */
/*
 * A leg takes the place of one that is lost: it gets the number and an identity
 * of its own, is stale, and is made equal.
 *
 *   the others' states   know the new leg, and that it is brought up to date
 *   its own              an epoch that they have left behind
 *
 * In this order: whenever it stops in between, the new leg is nobody's yet, and
 * the one before it is not accepted any more.
 */
#include "layers/mirror.h"

unsigned
kio__mirror_new_leg(const struct kio_layer *layer)
{
	unsigned leg = 0;

	while (leg < layer->leg_count && !kio_leg_new(layer->legs[leg]))
		leg++;
	return leg;
}

int
kio__mirror_check_new(struct mirror *mirror, unsigned leg, struct kio_diag *diag)
{
	struct kio_layer *layer = &mirror->layer, *of = layer->legs[leg];
	int rc;

	if (kio_leg_absent(of))
		return kio_refuse(diag, -ENODEV, "the new leg %s does not open", of->name);
	if (mirror_is_read_only(mirror))
		return kio_refuse(diag, -EROFS, "it is open for reading only, and takes no new leg");
	if (of->limits.size < MIRROR_LEAST)
		return kio_refuse(diag, -ENOSPC, "the new leg %s has %S, and no room for data", of->name,
				  of->limits.size);
	rc = kio_layer_force(layer) ? -ENODATA : kio__mirror_read_state(of, mirror->state, NULL);
	if (rc != -ENODATA)
		return kio_refuse(diag, -EEXIST, "the new leg %s is one of a mirror already", of->name);
	return 0;
}

int
kio__mirror_take_in(struct mirror *mirror, unsigned leg, uint32_t present, uint64_t *epoch,
		    struct kio_diag *diag)
{
	struct kio_layer *of = mirror->layer.legs[leg];
	uint32_t missing = mirror_without(mirror, present);
	uint64_t id = 0;
	unsigned number;
	int rc;

	if (missing == 0)
		return kio_refuse(diag, -EINVAL, "all %u legs of the mirror are there; %s can take no place",
				  mirror->all, of->name);
	number = (unsigned)__builtin_ctz(missing);
	rc = kio__random(&id, sizeof(id));
	if (rc == 0)
		rc = kio__random(epoch, sizeof(*epoch));
	if (rc < 0)
		return rc;
	mirror->state->ids[number] = id;
	/* nobody's map has what it misses */
	kio__mirror_leave_behind(mirror->state, *epoch);
	mirror->state->base = 0;
	mirror->numbers[leg] = (uint8_t)number;
	mirror->members |= 1u << leg;
	mirror->beyond |= 1u << leg;
	mirror->back |= 1u << leg;
	mirror->copying |= 1u << leg;
	kio__mirror_need(mirror, true);
	return 0;
}

int
kio__mirror_write_new(struct mirror *mirror, unsigned leg, uint64_t epoch, struct kio_diag *diag)
{
	struct kio_layer *of = mirror->layer.legs[leg];
	uint64_t now = mirror->state->epoch, at;
	int rc = kio__mirror_wipe_state(of);

	mirror->state->epoch = epoch;
	at = kio__mirror_block(mirror, leg, mirror->block);
	mirror->state->epoch = now;
	if (rc == 0)
		rc = kio_leg_write(of, mirror->block, KIO__MIRROR_BLOCK, at, KIO_FUA);
	if (rc < 0)
		kio_refuse(diag, rc, "the state of the new leg %s cannot be written: %e", of->name, rc);
	return rc;
}
