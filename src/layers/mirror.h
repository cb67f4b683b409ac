/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_MIRROR_H
#define LAYERS_MIRROR_H

/*
 * The mirror's files: mirror.c, the way of requests; mirror_open.c, which legs
 * may be used at all; mirror_disk.c, their state read and written meanwhile;
 * mirror_control.c, what it tells of its legs and can be asked to do.
 */

#include <kiobuf/layer.h>

#include "base/list.h"
#include "base/math.h"
#include "layers/mirror_state.h"
#include "port/port.h"

struct mirror {
	struct kio_layer layer;
	bool degraded;
	int state_choice; /* yes, none */
	const char *keep;

	uint32_t usable;   /* legs in use, a bit each; atomic: shared by all loops */
	uint32_t recorded; /* legs that the state on disk says are in use; atomic */
	uint32_t unequal;  /* a change failed on all legs, and may be on some of them; atomic */
	uint32_t all;    /* legs of the whole mirror */
	uint64_t size;
	struct kio__mirror_state *state; /* of the legs in use; their number and place differ */
	uint8_t numbers[KIO__MIRROR_LEGS]; /* of each leg of the stack in the mirror */
	uint32_t copies; /* of the two on each leg, the one that is written next: a bit each */
	unsigned char *block; /* for writing the state in open and close */

	struct kio__mutex mutex; /* over what follows, and state while it is recorded */
	struct kio__queue waiting; /* of mirror_frame: for their failure to be on record */
	bool recording;
};

static inline struct mirror *
mirror_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct mirror, layer);
}

static inline bool
mirror_has_state(const struct mirror *mirror)
{
	return mirror->state_choice == 0;
}

static inline bool
mirror_is_read_only(const struct mirror *mirror)
{
	return kio_layer_read_only(&mirror->layer) || mirror->layer.limits.read_only;
}

static inline uint32_t
mirror_usable(const struct mirror *mirror)
{
	return __atomic_load_n(&mirror->usable, __ATOMIC_ACQUIRE);
}

static inline uint32_t
mirror_recorded(const struct mirror *mirror)
{
	return __atomic_load_n(&mirror->recorded, __ATOMIC_ACQUIRE);
}

/* The numbers of all legs that are not among these of the stack. */
static inline uint32_t
mirror_without(const struct mirror *mirror, uint32_t legs)
{
	uint32_t without = (uint32_t)(((uint64_t)1 << mirror->all) - 1);

	for (; legs != 0; legs &= legs - 1)
		without &= ~(1u << mirror->numbers[__builtin_ctz(legs)]);
	return without;
}

/* The set of legs that are written is `legs` from now on: a new epoch. Not on disk yet. */
int kio__mirror_new_set(struct mirror *mirror, uint32_t legs);

/*
 * The next state of one leg, in a block of KIO__MIRROR_BLOCK bytes. Returns where
 * on the leg it goes: never over the copy that is valid.
 */
uint64_t kio__mirror_block(struct mirror *mirror, unsigned leg, unsigned char *block);

/* A leg has its state and at least a block of data. */
#define MIRROR_LEAST (KIO__MIRROR_AREA + KIO__MIRROR_BLOCK)

/* Bytes of a leg before its state; the leg has at least MIRROR_LEAST. */
uint64_t kio__mirror_room(const struct kio_layer *leg);
/* -ENODATA: there is none; else as kio__mirror_choose, and what reading says. */
int kio__mirror_read_state(struct kio_layer *leg, struct kio__mirror_state *state,
			   struct kio_diag *diag);
/* Durably. */
int kio__mirror_wipe_state(struct kio_layer *leg);

/* The state says that the mirror is in use, on all legs in use. Nothing if it is only read. */
int kio__mirror_enter_use(struct mirror *mirror, struct kio_diag *diag);
/* What is on the legs is flushed before they say that they were closed. */
int kio__mirror_leave_use(struct mirror *mirror);

/* mirror_control.c */
enum kio_health kio__mirror_health(const struct kio_layer *layer);
enum kio_health kio__mirror_leg_health(const struct kio_layer *layer, unsigned leg, char *text,
				       size_t size);
extern const struct kio_operation kio__mirror_operations[];
/* Tells of legs that are not used any more; error 0: there is none to name. */
void kio__mirror_lost(const struct mirror *mirror, uint32_t legs, const char *why, int error);
/* These legs are not used from now on. False: no other is left, and nothing was done. */
bool kio__mirror_take_out(struct mirror *mirror, uint32_t legs, const char *why, int error);

int kio__mirror_open(struct kio_layer *layer, struct kio_diag *diag);
int kio__mirror_create(struct kio_layer *layer, struct kio_diag *diag);
int kio__mirror_close(struct kio_layer *layer);

#endif
