/* SPDX-License-Identifier: MIT */
/*
 * Creating a mirror: its legs are made equal, by zeroing them, and get their map
 * and state.
 */
#include "layers/mirror.h"

static int
refuse_existing(struct mirror *mirror, struct kio_diag *diag)
{
	struct kio__mirror_state *state = kio__alloc(sizeof(*state));
	struct kio_layer *layer = &mirror->layer;
	int rc = state == NULL ? -ENOMEM : 0;

	for (unsigned i = 0; i < layer->leg_count && rc == 0 && !kio_layer_force(layer); i++) {
		/* one that is damaged, or of a newer version, is one too */
		if (kio__mirror_read_state(layer->legs[i], state, NULL) != -ENODATA)
			rc = kio_refuse(diag, -EEXIST, "%s is a leg of a mirror already; to create makes it empty",
					layer->legs[i]->name);
	}
	kio__free(state);
	return rc;
}

/* All zero is the quickest way to be equal. */
static int
make_equal(struct mirror *mirror, struct kio_diag *diag)
{
	const uint64_t step = (uint64_t)1 << 30;
	struct kio_layer *leg;
	int rc = 0;

	/* a state that is there must not speak for legs that are half zeroed */
	for (unsigned i = 0; i < mirror->layer.leg_count && rc == 0; i++) {
		rc = kio__mirror_wipe_state(mirror->layer.legs[i]);
		if (rc < 0)
			kio_refuse(diag, rc, "the state of the leg %s cannot be zeroed: %e",
				   mirror->layer.legs[i]->name, rc);
	}
	for (unsigned i = 0; i < mirror->layer.leg_count && rc == 0; i++) {
		leg = mirror->layer.legs[i];
		for (uint64_t at = 0; at < mirror->size && rc == 0; at += step)
			rc = kio_leg_zero(leg, kio__min(step, mirror->size - at), at);
		if (rc == 0)
			rc = kio_leg_flush(leg);
		if (rc < 0)
			kio_refuse(diag, rc, "the leg %s cannot be zeroed: %e", leg->name, rc);
	}
	return rc;
}

static int
create_state(struct mirror *mirror, struct kio_diag *diag)
{
	struct kio__mirror_state *state = mirror->state;
	int rc;

	if (kio__mirror_smallest_leg(&mirror->layer) < MIRROR_LEAST)
		return kio_refuse(diag, -EINVAL, "a leg of %S has no room for data and the mirror's state",
				  kio__mirror_smallest_leg(&mirror->layer));
	rc = refuse_existing(mirror, diag);
	mirror->size = kio__align_down(kio__mirror_smallest_leg(&mirror->layer), KIO__MIRROR_BLOCK) - KIO__MIRROR_AREA;
	if (rc == 0)
		rc = make_equal(mirror, diag);
	if (rc == 0)
		rc = kio__random(state->mirror, sizeof(state->mirror));
	if (rc == 0)
		rc = kio__random(&state->epoch, sizeof(state->epoch));
	if (rc < 0)
		return rc;
	state->legs = mirror->layer.leg_count;
	state->size = mirror->size;
	state->base = state->epoch;
	state->region_shift = kio__mirror_region_shift(state->size);
	rc = kio__mirror_make_regions(mirror);
	for (unsigned i = 0; i < mirror->layer.leg_count && rc == 0; i++) {
		rc = kio__mirror_write_map(mirror, mirror->layer.legs[i]);
		if (rc < 0)
			kio_refuse(diag, rc, "the map of the leg %s cannot be written: %e",
				   mirror->layer.legs[i]->name, rc);
	}
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < mirror->layer.leg_count; i++)
		mirror->numbers[i] = (uint8_t)i;
	mirror->all = state->legs;
	mirror->usable = mirror->members = kio__mirror_present_legs(&mirror->layer);
	return kio__mirror_enter_use(mirror, diag);
}

int
kio__mirror_create(struct kio_layer *layer, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	int rc;

	if (!mirror_has_state(mirror))
		return kio__mirror_open(layer, diag);
	rc = kio__mirror_begin(mirror, diag);
	if (rc < 0)
		return rc;
	if (kio__mirror_present_legs(layer) != (uint32_t)(((uint64_t)1 << layer->leg_count) - 1))
		rc = kio_refuse(diag, -ENODEV, "a mirror is created with all its legs");
	if (rc == 0)
		rc = create_state(mirror, diag);
	if (rc < 0)
		kio__mirror_end(mirror);
	else
		layer->limits.size = mirror->size;
	return rc;
}
