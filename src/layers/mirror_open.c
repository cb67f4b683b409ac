/* SPDX-License-Identifier: MIT */
/*
 * Opening a mirror: which legs have the latest data, and may they be used?
 *
 *   read the state of each leg
 *   --> a leg whose epoch is in another's history is stale: refused
 *   --> two of which neither is in the other's: refused until told which to keep
 *   --> still in use: nobody closed it; one leg is kept, the others are stale
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
	unsigned reference; /* a leg of the latest */
	bool kept;      /* keep= decided which */
};

/* --- the shape ---------------------------------------------------------- */

static uint64_t
smallest_leg(const struct kio_layer *layer)
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
	if (smallest_leg(layer) == UINT64_MAX)
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

	for (unsigned i = 0; i < layer->leg_count && rc == 0; i++) {
		if (kio_leg_absent(layer->legs[i]))
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
	if (rc == 0 && legs->present == 0)
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
		if ((legs->latest >> i & 1) != 0 && (size == 0 || size > kio__mirror_room(layer->legs[i])))
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

static int
refuse_stale(const struct mirror *mirror, const struct legs *legs, struct kio_diag *diag)
{
	unsigned stale = (unsigned)__builtin_ctz(legs->left_out);

	return kio_refuse(diag, -ESTALE,
			  "the leg %s is stale: it missed what was written to %s since; "
			  "degraded=yes goes on without it",
			  mirror->layer.legs[stale]->name, mirror->layer.legs[legs->reference]->name);
}

/* Nobody closed it: the legs may differ in what was being written. */
static int
after_unclean_stop(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	const struct kio__mirror_state *state = &legs->states[legs->reference];
	const char *kept = mirror->layer.legs[legs->reference]->name;
	uint32_t one = 1u << legs->reference;

	if (!state->in_use || legs->latest == one)
		return 0;
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
	legs->left_out |= legs->latest & ~one;
	legs->latest = one;
	return 0;
}

/* Is what is left enough, or what was asked for? */
static int
check_complete(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	const struct kio__mirror_state *state = &legs->states[legs->reference];
	/* keep= asked to go without those that are there and left out */
	uint32_t known = legs->latest | (legs->kept ? legs->left_out : 0);
	unsigned there = (unsigned)__builtin_popcount(known);

	if (legs->left_out != 0 && !mirror->degraded && !legs->kept)
		return refuse_stale(mirror, legs, diag);
	if (there == state->legs)
		return 0;
	if (!mirror->degraded)
		return kio_refuse(diag, -ENODEV, "%u of %u legs are there; degraded=yes goes on with them",
				  there, state->legs);
	return 0;
}

static void
say_left_out(const struct mirror *mirror, const struct legs *legs)
{
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((legs->left_out >> i & 1) != 0)
			kio_log(&mirror->layer, KIO_WARNING, "the leg %s is stale and not used",
				mirror->layer.legs[i]->name);
	}
}

/* --- opening ------------------------------------------------------------ */

static int
open_with_state(struct mirror *mirror, struct legs *legs, struct kio_diag *diag)
{
	int rc = read_states(mirror, legs, diag);

	if (rc == 0)
		rc = find_latest(mirror, legs, diag);
	if (rc == 0)
		rc = after_unclean_stop(mirror, legs, diag);
	if (rc == 0)
		rc = check_complete(mirror, legs, diag);
	if (rc == 0)
		rc = check_size(mirror, legs, diag);
	if (rc < 0)
		return rc;
	say_left_out(mirror, legs);
	*mirror->state = legs->states[legs->reference];
	/* one that was written alone, too, is behind the one that was kept */
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((legs->left_out >> i & 1) != 0 && legs->states[i].epoch != mirror->state->epoch &&
		    !kio__mirror_has_seen(mirror->state, legs->states[i].epoch))
			kio__mirror_leave_behind(mirror->state, legs->states[i].epoch);
	}
	mirror->usable = legs->latest;
	mirror->all = mirror->state->legs;
	mirror->size = mirror->state->size;
	return kio__mirror_enter_use(mirror, diag);
}

static uint32_t
present_legs(const struct kio_layer *layer)
{
	uint32_t present = 0;

	for (unsigned i = 0; i < layer->leg_count; i++)
		present |= kio_leg_absent(layer->legs[i]) ? 0 : 1u << i;
	return present;
}

static int
open_without_state(struct mirror *mirror, struct kio_diag *diag)
{
	mirror->usable = present_legs(&mirror->layer);
	mirror->all = mirror->layer.leg_count;
	mirror->size = smallest_leg(&mirror->layer);
	if (mirror->keep != NULL)
		return kio_refuse(diag, -EINVAL, "keep= has no meaning with state=none");
	return 0;
}

static void
end(struct mirror *mirror)
{
	kio__free(mirror->state);
	kio__free(mirror->block);
	mirror->state = NULL;
	mirror->block = NULL;
	kio__mutex_fini(&mirror->mutex);
}

static int
begin(struct mirror *mirror, struct kio_diag *diag)
{
	int rc = check_shape(mirror, diag);

	if (rc < 0)
		return rc;
	kio__mutex_init(&mirror->mutex);
	kio__queue_init(&mirror->waiting);
	mirror->state = kio__alloc(sizeof(*mirror->state));
	mirror->block = kio__alloc_aligned(KIO__MIRROR_BLOCK, 4096);
	if (mirror->state != NULL && mirror->block != NULL)
		return 0;
	end(mirror);
	return -ENOMEM;
}

int
kio__mirror_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	struct legs *legs;
	int rc = begin(mirror, diag);

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
		end(mirror);
	else
		layer->limits.size = mirror->size;
	return rc;
}

/* --- creating, closing --------------------------------------------------- */

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

	if (smallest_leg(&mirror->layer) < MIRROR_LEAST)
		return kio_refuse(diag, -EINVAL, "a leg of %S has no room for data and the mirror's state",
				  smallest_leg(&mirror->layer));
	rc = refuse_existing(mirror, diag);
	mirror->size = kio__align_down(smallest_leg(&mirror->layer), KIO__MIRROR_BLOCK) - KIO__MIRROR_AREA;
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
	for (unsigned i = 0; i < mirror->layer.leg_count; i++)
		mirror->numbers[i] = (uint8_t)i;
	mirror->all = state->legs;
	mirror->usable = present_legs(&mirror->layer);
	return kio__mirror_enter_use(mirror, diag);
}

int
kio__mirror_create(struct kio_layer *layer, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	int rc;

	if (!mirror_has_state(mirror))
		return kio__mirror_open(layer, diag);
	rc = begin(mirror, diag);
	if (rc < 0)
		return rc;
	if (present_legs(layer) != (uint32_t)(((uint64_t)1 << layer->leg_count) - 1))
		rc = kio_refuse(diag, -ENODEV, "a mirror is created with all its legs");
	if (rc == 0)
		rc = create_state(mirror, diag);
	if (rc < 0)
		end(mirror);
	else
		layer->limits.size = mirror->size;
	return rc;
}

int
kio__mirror_close(struct kio_layer *layer)
{
	struct mirror *mirror = mirror_of(layer);
	int rc = 0;

	if (mirror_has_state(mirror) && !mirror_is_read_only(mirror))
		rc = kio__mirror_leave_use(mirror);
	end(mirror);
	return rc;
}
