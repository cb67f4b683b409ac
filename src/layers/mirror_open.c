/* SPDX-License-Identifier: MIT */
/*
 * Opening a mirror: which legs have the latest data, and may they be used?
 *
 *   read the state of each leg
 *   --> a leg that was replaced by another: refused
 *   --> a leg whose epoch is in another's history is stale: refused, or made equal
 *   --> two of which neither is in the other's: refused until told which to keep
 *   --> still in use: nobody closed it; one leg is kept, the others are made equal
 *   --> legs missing: refused unless degraded=yes
 *   record that it is in use, by a new epoch if the set of legs changed
 */
#include "layers/mirror.h"

/* What is known of each leg while the mirror opens. */
struct legs {
	struct kio__mirror_state states[KIO__MIRROR_LEGS];
	uint32_t present; /* could be opened and has a state */
	uint32_t latest;  /* has the latest data */
	uint32_t left_out; /* present, but stale */
	uint32_t back;     /* of them, those that are brought up to date */
	unsigned reference; /* a leg of the latest */
	bool kept;      /* keep= decided which */
	unsigned fresh; /* takes the place of another; leg_count: none does */
};

/* --- the shape ---------------------------------------------------------- */

uint64_t
kio__mirror_smallest_leg(const struct kio_layer *layer)
{
	uint64_t size = UINT64_MAX;

	for (unsigned i = 0; i < layer->leg_count; i++) {
		if (!kio_leg_absent(layer->legs[i]))
			size = kio__min(size, layer->legs[i]->limits.size);
	}
	return size;
}

static int
check_shape(struct mirror *mirror, struct kio_diag *diag)
{
	const struct kio_layer *layer = &mirror->layer;

	if (layer->leg_count > KIO__MIRROR_LEGS)
		return kio_refuse(diag, -EINVAL, "a mirror has at most %u legs", KIO__MIRROR_LEGS);
	if (kio__mirror_smallest_leg(layer) == UINT64_MAX)
		return kio_refuse(diag, -ENODEV, "none of the legs can be opened");
	if (!mirror_has_state(mirror))
		return 0;
	if (layer->limits.block > KIO__MIRROR_BLOCK)
		return kio_refuse(diag, -EINVAL, "the blocks below, %u, are larger than the state of a leg",
				  layer->limits.block);
	return 0;
}

/* --- reading the states ------------------------------------------------- */

/* Does it belong to the mirror of the first? */
static int
check_kin(const struct legs *legs, const struct kio_layer *layer, unsigned first, unsigned leg,
	  struct kio_diag *diag)
{
	const struct kio__mirror_state *a = &legs->states[first], *b = &legs->states[leg];

	if (memcmp(a->mirror, b->mirror, sizeof(a->mirror)) != 0 || a->legs != b->legs ||
	    a->size != b->size)
		return kio_refuse(diag, -EINVAL, "%s and %s are legs of different mirrors",
				  layer->legs[first]->name, layer->legs[leg]->name);
	if (a->leg == b->leg)
		return kio_refuse(diag, -EINVAL, "%s and %s are copies of the same leg",
				  layer->legs[first]->name, layer->legs[leg]->name);
	return 0;
}

/* With degraded=yes; but one of a newer version may have newer data, too. */
static bool
can_go_without(const struct mirror *mirror, int error)
{
	return mirror->degraded && error != -ENOMEM && error != -ENOTSUP;
}

static int
read_states(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	struct kio_layer *layer = &mirror->layer;
	struct kio_diag said = { 0 };
	int rc = 0;

	legs->fresh = kio__mirror_new_leg(layer);
	if (legs->fresh < layer->leg_count)
		rc = kio__mirror_check_new(mirror, legs->fresh, diag);
	for (unsigned i = 0; i < layer->leg_count && rc == 0; i++) {
		if (kio_leg_absent(layer->legs[i]) || i == legs->fresh)
			continue;
		rc = kio__mirror_read_state(layer->legs[i], &legs->states[i], &said);
		if (rc < 0 && can_go_without(mirror, rc)) {
			kio_log(layer, KIO_WARNING, "goes on without %s: %s", layer->legs[i]->name, said.text);
			rc = 0;
			continue;
		}
		if (rc < 0)
			return kio_refuse(diag, rc, "%s", said.text);
		mirror->numbers[i] = (uint8_t)legs->states[i].leg;
		/* the other one than that which is valid */
		mirror->copies |= (legs->states[i].copy ^ 1) << i;
		for (unsigned before = 0; before < i && rc == 0; before++) {
			if ((legs->present >> before & 1) != 0)
				rc = check_kin(legs, layer, before, i, diag);
		}
		legs->present |= 1u << i;
	}
	if (rc == 0 && legs->present == 0 && said.error == 0)
		rc = kio_refuse(diag, -ENODEV, "no leg is there but the new one");
	else if (rc == 0 && legs->present == 0)
		rc = kio_refuse(diag, said.error, "%s", said.text);
	return rc;
}

/* Is what the states say of the data's size possible? */
static int
check_size(const struct mirror *mirror, const struct legs *legs, struct kio_diag *diag)
{
	const struct kio_layer *layer = &mirror->layer;
	uint64_t size = legs->states[legs->reference].size;

	for (unsigned i = 0; i < layer->leg_count; i++) {
		if (((legs->latest | legs->back) >> i & 1) == 0 && i != legs->fresh)
			continue;
		if (size == 0 || size > kio__mirror_room(layer->legs[i]))
			return kio_refuse(diag, -EINVAL, "the mirror has %S of data, and the leg %s room for %S",
					  size, layer->legs[i]->name, kio__mirror_room(layer->legs[i]));
	}
	return 0;
}

/* --- comparing them ----------------------------------------------------- */

static bool
is_present(const struct legs *legs, unsigned leg)
{
	return (legs->present >> leg & 1) != 0;
}

/* The leg that keep= names, or leg_count. */
static unsigned
kept_leg(const struct mirror *mirror)
{
	unsigned leg = 0;

	while (leg < mirror->layer.leg_count &&
	       strcmp(mirror->layer.legs[leg]->name, mirror->keep) != 0)
		leg++;
	return leg;
}

/*
 * Of legs with the same epoch the one whose state was written last, so that it
 * says whether all of them were closed; and of those the first of the mirror,
 * whatever the order in the stack.
 */
static unsigned
best_of(const struct mirror *mirror, const struct legs *legs)
{
	const struct kio__mirror_state *states = legs->states;
	unsigned best = (unsigned)__builtin_ctz(legs->latest);

	for (unsigned i = best + 1; i < mirror->layer.leg_count; i++) {
		if ((legs->latest >> i & 1) != 0 &&
		    (states[i].sequence > states[best].sequence ||
		     (states[i].sequence == states[best].sequence && states[i].leg < states[best].leg)))
			best = i;
	}
	return best;
}

/* keep= decides between legs that were written apart, and nothing else. */
static int
keep_one(struct mirror *mirror, struct legs *legs, bool apart, struct kio_diag *diag)
{
	unsigned leg = kept_leg(mirror);

	if (leg == mirror->layer.leg_count)
		return kio_refuse(diag, -EINVAL, "keep=%s: no leg has this name", mirror->keep);
	if (!is_present(legs, leg))
		return kio_refuse(diag, -EINVAL, "keep=%s: this leg is not there", mirror->keep);
	if ((legs->latest >> leg & 1) == 0)
		return kio_refuse(diag, -ESTALE, "keep=%s: this leg is stale; others have newer data",
				  mirror->keep);
	if (!apart)
		return 0;
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if (legs->states[i].epoch != legs->states[leg].epoch)
			legs->latest &= ~(1u << i);
	}
	legs->left_out = legs->present & ~legs->latest;
	legs->reference = best_of(mirror, legs);
	legs->kept = true;
	return 0;
}

/* Which legs have what none of the others misses. */
static int
find_latest(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	struct kio_layer **all = mirror->layer.legs;
	unsigned count = mirror->layer.leg_count, other = count;

	legs->latest = legs->present;
	for (unsigned a = 0; a < count; a++) {
		for (unsigned b = 0; b < count; b++) {
			if (is_present(legs, a) && is_present(legs, b) &&
			    kio__mirror_has_seen(&legs->states[b], legs->states[a].epoch))
				legs->latest &= ~(1u << a);
		}
	}
	legs->left_out = legs->present & ~legs->latest;
	if (legs->latest == 0)
		return kio_refuse(diag, -EIO, "the states of the legs contradict each other");
	legs->reference = best_of(mirror, legs);
	for (unsigned i = 0; i < count; i++) {
		if ((legs->latest >> i & 1) != 0 &&
		    legs->states[i].epoch != legs->states[legs->reference].epoch)
			other = i;
	}
	if (mirror->keep != NULL)
		return keep_one(mirror, legs, other != count, diag);
	if (other == count)
		return 0;
	return kio_refuse(diag, -ENOTUNIQ,
			  "%s and %s were both written without the other; keep=NAME says "
			  "which to keep, and the other's data is lost",
			  all[legs->reference]->name, all[other]->name);
}

/* Whose number another leg has by now is none of the mirror. */
static int
leave_out_replaced(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	const struct kio__mirror_state *reference = &legs->states[legs->reference];

	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		const char *name = mirror->layer.legs[i]->name;

		if (!is_present(legs, i) || kio__mirror_knows(reference, &legs->states[i]))
			continue;
		if (!mirror->degraded)
			return kio_refuse(diag, -ESTALE,
					  "the leg %s was replaced by another, and is none of the mirror's any "
					  "more; degraded=yes goes on without it", name);
		kio_log(&mirror->layer, KIO_WARNING, "goes on without %s: it was replaced by another", name);
		legs->present &= ~(1u << i);
		legs->latest &= ~(1u << i);
		legs->left_out &= ~(1u << i);
	}
	return 0;
}

static int
refuse_stale(const struct mirror *mirror, const struct legs *legs, struct kio_diag *diag)
{
	unsigned stale = (unsigned)__builtin_ctz(legs->left_out & ~legs->back);

	return kio_refuse(diag, -ESTALE,
			  "the leg %s is stale: it missed what was written to %s since; "
			  "resync=all brings it up to date, degraded=yes goes on without it",
			  mirror->layer.legs[stale]->name, mirror->layer.legs[legs->reference]->name);
}

/* Nobody closed it: the legs may differ in what was being written. */
static int
after_unclean_stop(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	const struct kio__mirror_state *state = &legs->states[legs->reference];
	const char *kept = mirror->layer.legs[legs->reference]->name;
	uint32_t one = 1u << legs->reference, others = legs->latest & ~one;

	if (!state->in_use || others == 0)
		return 0;
	legs->left_out |= others;
	legs->latest = one;
	if (mirror->resync != MIRROR_RESYNC_NO) {
		legs->back |= others;
		kio_log(&mirror->layer, KIO_WARNING, "it was not closed: %s is read until the others are equal to it",
			kept);
		return 0;
	}
	if (!mirror->degraded)
		return kio_refuse(diag, -ESTALE,
				  mirror_is_read_only(mirror) ?
					  "it was not closed, so its legs may differ; degraded=yes reads %s alone" :
					  "it was not closed, so its legs may differ; degraded=yes keeps %s and "
					  "makes the others stale",
				  kept);
	kio_log(&mirror->layer, KIO_WARNING,
		mirror_is_read_only(mirror) ? "it was not closed: only %s is read" :
					       "it was not closed: %s is kept, the other legs are stale",
		kept);
	return 0;
}

/* Was it in sync when the mirror stopped, or on its way to that? */
static bool
was_in_sync(const struct kio__mirror_state *reference, const struct kio__mirror_state *leg)
{
	/* one that is in the set and has another epoch: the record of it was cut off */
	return (reference->returning >> leg->leg & 1) != 0 ||
	       (reference->in_use && (reference->without >> leg->leg & 1) == 0);
}

/* Stale legs that are brought up to date. */
static void
bring_back(const struct mirror *mirror, struct legs *legs)
{
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((legs->left_out >> i & 1) != 0 && mirror->resync != MIRROR_RESYNC_NO &&
		    (mirror->resync == MIRROR_RESYNC_ALL ||
		     was_in_sync(&legs->states[legs->reference], &legs->states[i])))
			legs->back |= 1u << i;
	}
}

/* Is what is left enough, or what was asked for? */
static int
check_complete(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	const struct kio__mirror_state *state = &legs->states[legs->reference];
	/* keep= asked to go without those that are there and left out */
	uint32_t known = legs->latest | legs->back | (legs->kept ? legs->left_out : 0);
	unsigned there = (unsigned)__builtin_popcount(known) + (legs->fresh < mirror->layer.leg_count);

	if ((legs->left_out & ~legs->back) != 0 && !mirror->degraded && !legs->kept)
		return refuse_stale(mirror, legs, diag);
	if (there >= state->legs)
		return 0;
	if (!mirror->degraded)
		return kio_refuse(diag, -ENODEV, "%u of %u legs are there; degraded=yes goes on with them",
				  there, state->legs);
	return 0;
}

static void
say_left_out(const struct mirror *mirror, const struct legs *legs)
{
	char text[200];

	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		const char *name = mirror->layer.legs[i]->name;

		if ((legs->left_out >> i & 1) == 0)
			continue;
		if ((legs->back >> i & 1) != 0 && !mirror_is_read_only(mirror)) {
			kio_log(&mirror->layer, KIO_WARNING, "the leg %s is stale, and made equal", name);
			continue;
		}
		kio_format(text, sizeof(text), "the leg %s is stale and not used", name);
		kio__mirror_say_stale(mirror, i, text);
	}
}

/* --- opening ------------------------------------------------------------ */

/*
 * What of the map is known, and what the legs need that come back. A mirror that
 * was closed with all its legs has no dirty region, whatever its map still says.
 */
static int
read_regions(struct mirror *mirror, const struct legs *legs)
{

	if (kio__mirror_make_regions(mirror) < 0)
		return -ENOMEM;
	if (!mirror->state->in_use && mirror->state->without == 0)
		mirror->state->base = mirror->state->epoch;
	else
		kio__mirror_read_map(mirror, mirror->layer.legs[legs->reference]);
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((legs->left_out >> i & 1) != 0 && !kio__mirror_covers(mirror->state, legs->states[i].epoch))
			mirror->beyond |= 1u << i;
	}
	if (legs->back == 0 || mirror_is_read_only(mirror))
		return 0;
	mirror->copying = mirror->back = legs->back;
	kio__mirror_need(mirror, (legs->back & mirror->beyond) != 0);
	return 0;
}

/* One that was written alone, too, is behind the one that was kept, and nobody's map has what it wrote. */
static void
leave_behind(struct mirror *mirror, const struct legs *legs)
{
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((legs->left_out >> i & 1) == 0 || legs->states[i].epoch == mirror->state->epoch ||
		    kio__mirror_has_seen(mirror->state, legs->states[i].epoch))
			continue;
		kio__mirror_leave_behind(mirror->state, legs->states[i].epoch);
		mirror->state->base = 0;
	}
}

static int
open_with_state(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	int rc = read_states(mirror, legs, diag);
	bool fresh = legs->fresh < mirror->layer.leg_count;
	uint64_t epoch = 0;

	if (rc == 0)
		rc = find_latest(mirror, legs, diag);
	if (rc == 0)
		rc = leave_out_replaced(mirror, legs, diag);
	if (rc == 0)
		rc = after_unclean_stop(mirror, legs, diag);
	if (rc == 0) {
		bring_back(mirror, legs);
		rc = check_complete(mirror, legs, diag);
	}
	if (rc == 0)
		rc = check_size(mirror, legs, diag);
	if (rc < 0)
		return rc;
	*mirror->state = legs->states[legs->reference];
	mirror->usable = legs->latest;
	mirror->members = legs->present;
	mirror->all = mirror->state->legs;
	mirror->size = mirror->state->size;
	say_left_out(mirror, legs);
	rc = read_regions(mirror, legs);
	leave_behind(mirror, legs);
	if (rc == 0 && fresh)
		rc = kio__mirror_take_in(mirror, legs->fresh, legs->present, &epoch, diag);
	if (rc == 0)
		rc = kio__mirror_enter_use(mirror, diag);
	if (rc == 0 && fresh) {
		rc = kio__mirror_write_new(mirror, legs->fresh, epoch, diag);
		if (rc < 0)
			kio__mirror_leave_use(mirror);
	}
	return rc;
}

uint32_t
kio__mirror_present_legs(const struct kio_layer *layer)
{
	uint32_t present = 0;

	for (unsigned i = 0; i < layer->leg_count; i++)
		present |= kio_leg_absent(layer->legs[i]) ? 0 : 1u << i;
	return present;
}

static int
open_without_state(struct mirror *mirror, struct kio_diag *diag)
{
	mirror->usable = kio__mirror_present_legs(&mirror->layer);
	mirror->all = mirror->layer.leg_count;
	mirror->size = kio__mirror_smallest_leg(&mirror->layer);
	/* one region, which is always dirty */
	mirror->every_region = KIO__REGION_TOUCHED;
	mirror->regions = &mirror->every_region;
	mirror->region_shift = 63;
	if (mirror->keep != NULL)
		return kio_refuse(diag, -EINVAL, "keep= has no meaning with state=none");
	return 0;
}

void
kio__mirror_end(struct mirror *mirror)
{
	kio__free(mirror->state);
	kio__free(mirror->block);
	if (mirror->regions != &mirror->every_region)
		kio__free(mirror->regions);
	kio__free(mirror->need);
	kio__free(mirror->compare.data);
	mirror->state = NULL;
	mirror->block = NULL;
	mirror->regions = mirror->need = NULL;
	mirror->compare.data = NULL;
	kio__mutex_fini(&mirror->mutex);
}

int
kio__mirror_begin(struct mirror *mirror, struct kio_diag *diag)
{
	int rc = check_shape(mirror, diag);

	if (rc == 0)
		rc = kio__mirror_hedge_open(mirror, diag);
	if (rc == 0)
		rc = kio__mirror_quorum_open(mirror, diag);
	if (rc < 0)
		return rc;
	kio__mutex_init(&mirror->mutex);
	kio__queue_init(&mirror->waiting);
	mirror->state = kio__alloc(sizeof(*mirror->state));
	mirror->block = kio__alloc_aligned(KIO__MIRROR_BLOCK, 4096);
	if (mirror->state != NULL && mirror->block != NULL)
		return 0;
	kio__mirror_end(mirror);
	return -ENOMEM;
}

int
kio__mirror_make_regions(struct mirror *mirror)
{
	mirror->region_shift = mirror->state->region_shift;
	mirror->region_count = kio__mirror_region_count(mirror->state);
	mirror->regions = kio__alloc(mirror->region_count);
	mirror->need = kio__alloc(mirror->region_count);
	return mirror->regions != NULL && mirror->need != NULL ? 0 : -ENOMEM;
}

int
kio__mirror_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	struct legs *legs;
	int rc = kio__mirror_begin(mirror, diag);

	if (rc < 0)
		return rc;
	legs = kio__alloc(sizeof(*legs));
	if (legs == NULL)
		rc = -ENOMEM;
	else if (mirror_has_state(mirror))
		rc = open_with_state(mirror, legs, diag);
	else
		rc = open_without_state(mirror, diag);
	kio__free(legs);
	if (rc < 0)
		kio__mirror_end(mirror);
	else
		layer->limits.size = mirror->size;
	return rc;
}

/* --- closing ------------------------------------------------------------- */

int
kio__mirror_close(struct kio_layer *layer)
{
	struct mirror *mirror = mirror_of(layer);
	int rc = 0;

	if (mirror_has_state(mirror) && !mirror_is_read_only(mirror))
		rc = kio__mirror_leave_use(mirror);
	if (rc == 0)
		rc = mirror->unsaved;
	kio__mirror_end(mirror);
	return rc;
}
