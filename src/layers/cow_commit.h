/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_COW_COMMIT_H
#define LAYERS_COW_COMMIT_H

/*
 * What is done with an overlay that nobody has open: it and its base are stacks
 * of their own here. Errors are told in diag, too.
 */

#include <kiobuf/stack.h>

#include "layers/cow_format.h"

struct kio__cow_report {
	struct kio__cow_header header;
	uint64_t clusters, mapped;
	uint64_t sectors, damaged; /* of the map */
	bool another_base; /* or a changed one */
};

/* Reads header, map and the samples of the base. */
int kio__cow_look(struct kio_stack *overlay, struct kio_stack *base, struct kio__cow_report *report,
		  struct kio_diag *diag);

/*
 * Empties the overlay, in constant time, and takes the base as it is now. An
 * overlay whose commit is not finished is refused, but by force.
 */
int kio__cow_reset(struct kio_stack *overlay, struct kio_stack *base, bool force, struct kio_diag *diag);

/* Asked between pieces; false: stop. */
typedef bool (*kio__cow_go_on_fn)(void *priv, uint64_t done, uint64_t total);

/*
 * Writes into the base what the overlay has, and empties it. It may end at any
 * point, by error, crash or go_on (-ECANCELED), and be done again.
 */
int kio__cow_commit(struct kio_stack *overlay, struct kio_stack *base, kio__cow_go_on_fn go_on, void *priv,
		    uint64_t *copied, struct kio_diag *diag);

#endif
