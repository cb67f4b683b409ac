/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_MIRROR_H
#define LAYERS_MIRROR_H

/*
 * The mirror's two files: mirror.c, the way of requests, and mirror_open.c,
 * which legs may be used at all.
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

/* The state as it is to stand on one leg, in a block of KIO__MIRROR_BLOCK bytes. */
void kio__mirror_block(const struct mirror *mirror, unsigned leg, unsigned char *block);
/* Where on a leg the next write of the state goes. */
uint64_t kio__mirror_block_at(const struct mirror *mirror, unsigned leg);

int kio__mirror_open(struct kio_layer *layer, struct kio_diag *diag);
int kio__mirror_create(struct kio_layer *layer, struct kio_diag *diag);
int kio__mirror_close(struct kio_layer *layer);

#endif
