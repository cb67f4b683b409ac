/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_MIRROR_STATE_H
#define LAYERS_MIRROR_STATE_H

/*
 * What each leg of a mirror keeps about itself: a block of 4096 bytes in two
 * copies at the leg's end, written in turn. kiobuf-formats(5) has the layout.
 *
 * An epoch is a random number, made anew whenever the set of legs that are
 * written changes, and stored on all of that set; the epochs before it are kept
 * as history. So a leg whose epoch is in another's history missed something,
 * and two of which neither is in the other's were written without each other.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIO__MIRROR_BLOCK 4096u
#define KIO__MIRROR_AREA (2 * KIO__MIRROR_BLOCK)
#define KIO__MIRROR_LEGS 32u
#define KIO__MIRROR_HISTORY 128u

struct kio__mirror_state {
	uint8_t mirror[16]; /* the same on all legs */
	uint32_t legs;      /* of the whole mirror */
	uint32_t leg;       /* this one's number */
	uint64_t sequence;  /* counts writes of the state; the larger one of the two copies is valid */
	uint64_t size;      /* bytes of data */
	uint64_t epoch;
	uint32_t without;   /* numbers of the legs that are not in the epoch's set, a bit each */
	bool in_use;        /* open for writing, or never closed */
	uint32_t history_count;
	uint64_t history[KIO__MIRROR_HISTORY]; /* earlier epochs, the latest first */
	unsigned copy;      /* not on disk: which of the two it was read from */
};

/* Into a block of KIO__MIRROR_BLOCK bytes. */
void kio__mirror_encode(const struct kio__mirror_state *state, unsigned char *block);

/* -ENODATA: no such state; -EIO: damaged; -ENOTSUP: of a newer version. */
int kio__mirror_decode(struct kio__mirror_state *state, const unsigned char *block);

/* The valid one of two copies; errors as above, if neither is. */
int kio__mirror_choose(struct kio__mirror_state *state, const unsigned char *area);

/* A leg of this epoch is stale from now on. */
void kio__mirror_leave_behind(struct kio__mirror_state *state, uint64_t epoch);

/* A new epoch; the one before becomes history. */
void kio__mirror_advance(struct kio__mirror_state *state, uint64_t epoch);

/* Was `state` written after the other was left behind? */
bool kio__mirror_has_seen(const struct kio__mirror_state *state, uint64_t epoch);

#endif
