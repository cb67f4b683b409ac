/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_PLATTER_H
#define DRIVERS_PLATTER_H

/*
 * What a simulated disk holds: as it is read, and as it is after a power cut.
 * Sets of sectors are bits, so that a flush or a cut costs what was written.
 */

#include <kiobuf/layer.h>

#define KIO__SECTOR 512u
#define KIO__PLATTERS 256

/* A write that is in flight; the disk's. */
struct kio__platter_write {
	struct kio__platter_write *next, **at;
	const struct kio_frame *frame;
};

struct kio__platter {
	char name[40];   /* "": none */
	unsigned number; /* in the order in which names came */
	uint64_t size;
	unsigned char *current; /* as it is read */
	unsigned char *durable; /* as it is after a power cut */
	uint64_t *dirty;        /* sectors in which they differ */
	uint64_t *lied;         /* of these: were said to be durable */
	uint64_t *touched;      /* groups of 64 sectors that are not zero */
	struct kio__platter_write *writes; /* in flight */
	bool open, cut;
};

/* A number that looks random: the same for the same. */
static inline uint64_t
kio__sim_mix(uint64_t a, uint64_t b)
{
	a = (a ^ b * 0x9e3779b97f4a7c15u) + 0x632be59bd9b4e019u;
	a = (a ^ a >> 30) * 0xbf58476d1ce4e5b9u;
	a = (a ^ a >> 27) * 0x94d049bb133111ebu;
	return a ^ a >> 31;
}

/* A name's platter, or a new one. NULL, "": one for that alone. 0 or -errno. */
int kio__platter_open(struct kio__platter **platter, struct kio__platter *own, const char *name,
		      uint64_t size);
void kio__platter_close(struct kio__platter *platter);

void kio__platter_begin(struct kio__platter *platter, struct kio__platter_write *write,
			const struct kio_frame *frame);
void kio__platter_end(struct kio__platter_write *write);

/* These bytes were changed. */
void kio__platter_wrote(struct kio__platter *platter, uint64_t offset, uint64_t len);
bool kio__platter_is_dirty(const struct kio__platter *platter, uint64_t offset, uint64_t len);
/* Said to be durable, and not. */
void kio__platter_lie(struct kio__platter *platter, uint64_t offset, uint64_t len);
void kio__platter_flush(struct kio__platter *platter, uint64_t offset, uint64_t len);
/* The power fails: of what was not flushed, and of writes in flight, a random part is there. */
void kio__platter_cut(struct kio__platter *platter, uint64_t chance);
/* At this write the power fails for all, if that was asked for. */
bool kio__platters_cut_at_write(void);
void kio__platters_cut(uint64_t chance);

#endif
