/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_POWERCUT_CACHE_H
#define LAYERS_POWERCUT_CACHE_H

/*
 * The volatile cache of a disk: every version of every sector that was written
 * and not yet made to last, in the order of arrival.
 *
 *   tail                                  head       positions only grow
 *    | a0 | a1 | b7 | .. | a1 | a2 | .. |            the slot is position & mask
 *             newest of a sector: by hash
 *
 * A write takes a slot for each of its sectors. The newest version of a sector
 * is what is read; after a power cut any of them may be. Not locked.
 */

#include <kiobuf/chain.h>

#define KIO__CUT_NONE UINT64_MAX

enum kio__cut_image { KIO__CUT_MIX, KIO__CUT_DROPPED, KIO__CUT_KEPT };

struct kio__cut_slot {
	uint64_t sector;
	uint32_t next; /* the next older of its bucket: 1 + its slot; 0: none */
	bool there;    /* not made to last, not lost, not outdated */
	bool first;    /* of its write */
};

struct kio__cut_cache {
	uint32_t sector; /* bytes */
	uint32_t mask;   /* slots, less one */
	unsigned shift;  /* of a hash */
	char *data;
	struct kio__cut_slot *slots;
	uint32_t *buckets; /* 1 + the newest slot; 0: none */
	uint64_t tail, head;
	uint64_t there;   /* slots that are */
	uint64_t settled; /* grows whenever what was there lasts */
};

/* bytes: a power of two, of at least four sectors. -ENOMEM. */
int kio__cut_cache_open(struct kio__cut_cache *cache, uint32_t sector, uint64_t bytes);
void kio__cut_cache_close(struct kio__cut_cache *cache);

static inline bool
kio__cut_cache_has_room(const struct kio__cut_cache *cache, uint64_t sectors)
{
	return cache->mask + 1 - (cache->head - cache->tail) >= sectors;
}

static inline char *
kio__cut_cache_at(const struct kio__cut_cache *cache, uint64_t position)
{
	return cache->data + (position & cache->mask) * cache->sector;
}

/* There is room. */
void kio__cut_cache_append(struct kio__cut_cache *cache, uint64_t offset, struct kio_iter data);

/* How many sectors of the range are there? */
uint64_t kio__cut_cache_count(const struct kio__cut_cache *cache, uint64_t offset, uint64_t len);

/* Puts the newest versions of those that are over what data holds. Bytes copied. */
uint64_t kio__cut_cache_overlay(const struct kio__cut_cache *cache, uint64_t offset, struct kio_iter data);

/*
 * The next thing to be written below of what lies in [*from, to), which moves
 * up to it: so many slots, side by side here and there, of sectors that have no
 * newer version before `to`. 0: nothing is left.
 */
uint32_t kio__cut_cache_run(struct kio__cut_cache *cache, uint64_t *from, uint64_t to);

/* These versions last: they, and older ones of the same sectors, are no more. */
void kio__cut_cache_settle(struct kio__cut_cache *cache, uint64_t from, uint32_t slots);

/* Loses what the image says, from *random. How many slots are lost. */
uint64_t kio__cut_cache_lose(struct kio__cut_cache *cache, enum kio__cut_image image, uint64_t *random);

#endif
