/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_MIRROR_STATE_H
#define LAYERS_MIRROR_STATE_H

/*
 * What each leg of a mirror keeps about itself, at its end: the map of the
 * regions that are dirty, and a block of state in two copies, written in turn.
 * kiobuf-formats(5) has the layout.
 *
 * An epoch is a random number, made anew whenever the set of legs that are
 * written changes, and stored on all of that set; the epochs before it are kept
 * as history. So a leg whose epoch is in another's history missed something,
 * and two of which neither is in the other's were written without each other.
 *
 * A leg that takes the place of another gets its number and an identity of its
 * own, which the others know: so the one that it replaced is a stranger for good.
 *
 * A region is dirty, durably, before anything in it is written, and until all
 * legs of the mirror have it, durably. The base is the epoch since which the
 * map is complete: what a leg of that epoch or a later one misses is in it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIO__MIRROR_BLOCK 4096u
#define KIO__MIRROR_COPIES (2 * KIO__MIRROR_BLOCK) /* of the state */
#define KIO__MIRROR_AREA (KIO__MIRROR_BLOCK + KIO__MIRROR_COPIES) /* the map first */
#define KIO__MIRROR_LEGS 32u
#define KIO__MIRROR_HISTORY 128u
#define KIO__MIRROR_REGIONS 30976u /* for as many there is room in the map */
#define KIO__MIRROR_LEAST_SHIFT 16u /* a region is 64 KiB or more */

struct kio__mirror_state {
	uint8_t mirror[16]; /* the same on all legs */
	uint32_t legs;      /* of the whole mirror */
	uint32_t leg;       /* this one's number */
	uint64_t sequence;  /* counts writes of the state; the larger one of the two copies is valid */
	uint64_t size;      /* bytes of data */
	uint64_t epoch;
	uint32_t without;   /* numbers of the legs that are not in the epoch's set, a bit each */
	bool in_use;        /* open for writing, or never closed */
	uint64_t base;      /* the map has all that was written since this epoch began; 0: since the present one */
	uint32_t region_shift; /* a region is a power of two of bytes */
	uint32_t returning; /* numbers of the legs that are being brought up to date, a bit each */
	uint32_t history_count;
	uint64_t history[KIO__MIRROR_HISTORY]; /* earlier epochs, the latest first */
	uint64_t ids[KIO__MIRROR_LEGS]; /* by number: which leg has it; 0: the one of the beginning */
	unsigned copy;      /* not on disk: which of the two it was read from */
};

/* Into a block of KIO__MIRROR_BLOCK bytes. */
void kio__mirror_encode(const struct kio__mirror_state *state, unsigned char *block);

/* -ENODATA: no such state; -EIO: damaged; -ENOTSUP: of another version. */
int kio__mirror_decode(struct kio__mirror_state *state, const unsigned char *block);

/* The valid one of two copies; errors as above, if neither is. */
int kio__mirror_choose(struct kio__mirror_state *state, const unsigned char *area);

/* A leg of this epoch is stale from now on. */
void kio__mirror_leave_behind(struct kio__mirror_state *state, uint64_t epoch);

/* A new epoch; the one before becomes history. */
void kio__mirror_advance(struct kio__mirror_state *state, uint64_t epoch);

/* Was `state` written after the other was left behind? */
bool kio__mirror_has_seen(const struct kio__mirror_state *state, uint64_t epoch);

/* Is a leg of this state the one that `state` knows by its number? */
static inline bool
kio__mirror_knows(const struct kio__mirror_state *state, const struct kio__mirror_state *leg)
{
	return state->ids[leg->leg] == leg->ids[leg->leg];
}

/* Is all that a leg of this epoch misses in the map that goes with `state`? */
bool kio__mirror_covers(const struct kio__mirror_state *state, uint64_t epoch);

/* --- the map ------------------------------------------------------------ */

/* What is known of a region, in a byte. Only the first is clean on disk, too. */
enum kio__mirror_region {
	KIO__REGION_CLEAN,
	KIO__REGION_SETTING, /* dirty, and that is not durable yet */
	KIO__REGION_DIRTY,
	KIO__REGION_TOUCHED, /* dirty, and written since it was marked last */
};

/* So that the map has room for all. */
uint32_t kio__mirror_region_shift(uint64_t size);

static inline uint32_t
kio__mirror_region_count(const struct kio__mirror_state *state)
{
	return (uint32_t)(((state->size - 1) >> state->region_shift) + 1);
}

/* Into a block. */
void kio__mirror_map_encode(const struct kio__mirror_state *state, const uint8_t *regions,
			    unsigned char *block);

/* What is damaged, or of another mirror, counts as dirty. False: there was such. */
bool kio__mirror_map_decode(const struct kio__mirror_state *state, uint8_t *regions,
			    const unsigned char *block);

#endif
