/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_COW_H
#define LAYERS_COW_H

/*
 * The overlay's files:
 *
 *   cow.c         the way of requests
 *   cow_round.c   the map is made durable; who waits for that, or for a cluster
 *   cow_open.c    opening, creating and closing
 *   cow_format.c  header and map to bytes and back
 *   cow_commit.c  what is done with an overlay that nobody has open
 */

#include <kiobuf/layer.h>

#include "base/math.h"
#include "layers/cow_format.h"
#include "port/port.h"

#define COW_BASE 0u    /* legs */
#define COW_OVERLAY 1u

#define COW_PIECE 65536u /* bytes that are copied up at once, at most */

/* Of a cluster. It goes up only, but for a copy that fails. */
enum cow_state {
	COW_EMPTY,   /* the base has it */
	COW_COPYING, /* is being written for the first time; the base has it still */
	COW_MAPPED,  /* the overlay has it, and the map does not say so yet */
	COW_NOTED,   /* in the map, which is being written */
	COW_DURABLE, /* in the map on disk */
};

/* Where a request is that takes part in a round, or leads it. */
enum cow_part { COW_NONE, COW_QUEUED, COW_CALLED, COW_LEADS, COW_OVER };

/* The private area of a change that fans out. */
struct cow_frame {
	struct kio_task task; /* wakes it, on its loop */
	struct kio_frame *frame;
	struct cow_frame *next; /* in a list of those that wait */
	uint64_t cluster;       /* that it waits for */
	struct kio_seg segs[2]; /* memory for the first and the last cluster */
	unsigned out;           /* parts that carry data */
	int status;             /* of its round */
	bool waits;             /* for a cluster */
	bool failed;            /* a part */
	enum cow_part round;
};

struct cow {
	struct kio_layer layer;
	struct kio_layer *overlay;
	uint64_t cluster_option;

	/* settled when it opens */
	struct kio__cow_header header;
	bool read_only;
	unsigned shift;
	uint64_t clusters, sectors;
	uint64_t data;  /* where cluster 0 is in the overlay */
	uint64_t piece; /* of a copy */

	uint8_t *states; /* enum cow_state of each cluster; atomic */
	uint64_t mapped; /* clusters; atomic */
	uint8_t *dirty;  /* sectors of the map with a cluster that is mapped only; atomic */
	bool any_dirty;  /* atomic */

	/* of who leads a round, or of open and close */
	unsigned char *map;
	uint8_t *writing; /* sectors of the map that are written in this round */
	uint64_t block;   /* of the map: the next one to be looked at */
	struct kio_seg seg;

	struct kio__mutex mutex; /* over what follows */
	bool round;
	struct cow_frame *members; /* end with this round */
	struct cow_frame *queued;  /* with the next */
	struct cow_frame *waiting; /* for clusters */
};

static inline struct cow *
cow_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct cow, layer);
}

static inline enum cow_state
cow_state(const struct cow *cow, uint64_t cluster)
{
	return (enum cow_state)__atomic_load_n(&cow->states[cluster], __ATOMIC_ACQUIRE);
}

/* cow_open.c */
int kio__cow_open(struct kio_layer *layer, struct kio_diag *diag);
int kio__cow_create(struct kio_layer *layer, struct kio_diag *diag);
int kio__cow_close(struct kio_layer *layer);

/* cow_round.c */
/*
 * These clusters were claimed, and are mapped or empty from now on; who waits
 * for one goes on.
 */
void kio__cow_settle(struct cow *cow, uint64_t first, uint64_t last, bool mapped);
/* False: it is not being copied any more. */
bool kio__cow_wait(struct cow *cow, struct cow_frame *self, uint64_t cluster);

/* True: it leads a round, which begins now. False: it is called later. */
bool kio__cow_join(struct cow *cow, struct cow_frame *self);
/* What is mapped now will be in the map. Before a flush of the overlay. */
void kio__cow_note(struct cow *cow);
/* The next block of the map that has to be written. False: there is none. */
bool kio__cow_next_block(struct cow *cow, uint64_t *offset);
/* The end of it: what was noted is durable, or will be tried again. */
void kio__cow_noted(struct cow *cow, int status);
/* And of the round: all that take part in it are called. */
void kio__cow_leave(struct cow *cow, int status);

#endif
