/* SPDX-License-Identifier: MIT */
#include "layers/powercut_cache.h"

#include "base/math.h"
#include "port/port.h"

#define RUN_BYTES (1u << 20)

int
kio__cut_cache_open(struct kio__cut_cache *cache, uint32_t sector, uint64_t bytes)
{
	uint64_t slots = bytes / sector;

	cache->sector = sector;
	cache->mask = (uint32_t)(slots - 1);
	cache->shift = 64 - (unsigned)__builtin_ctzll(slots);
	cache->data = kio__alloc_pages(bytes);
	cache->slots = kio__alloc(slots * sizeof(*cache->slots));
	cache->buckets = kio__alloc(slots * sizeof(*cache->buckets));
	if (cache->data == NULL || cache->slots == NULL || cache->buckets == NULL) {
		kio__cut_cache_close(cache);
		return -ENOMEM;
	}
	return 0;
}

void
kio__cut_cache_close(struct kio__cut_cache *cache)
{
	kio__free(cache->data);
	kio__free(cache->slots);
	kio__free(cache->buckets);
	memset(cache, 0, sizeof(*cache));
}

static struct kio__cut_slot *
slot_at(const struct kio__cut_cache *cache, uint64_t position)
{
	return &cache->slots[position & cache->mask];
}

static uint32_t *
bucket_of(const struct kio__cut_cache *cache, uint64_t sector)
{
	return &cache->buckets[sector * 0x9e3779b97f4a7c15u >> cache->shift];
}

/* The newest version of this sector that lies before `to`, or KIO__CUT_NONE. */
static uint64_t
newest(const struct kio__cut_cache *cache, uint64_t sector, uint64_t to)
{
	uint64_t position;

	for (uint32_t i = *bucket_of(cache, sector); i != 0; i = cache->slots[i - 1].next) {
		position = cache->tail + ((i - 1 - cache->tail) & cache->mask);
		if (cache->slots[i - 1].sector == sector && position < to)
			return position;
	}
	return KIO__CUT_NONE;
}

/* --- in and out ---------------------------------------------------------- */

void
kio__cut_cache_append(struct kio__cut_cache *cache, uint64_t offset, struct kio_iter data)
{
	bool first = true;

	for (; data.len != 0; offset += cache->sector, first = false) {
		uint32_t index = (uint32_t)(cache->head & cache->mask);
		uint32_t *bucket = bucket_of(cache, offset / cache->sector);

		cache->slots[index] = (struct kio__cut_slot){ offset / cache->sector, *bucket, true, first };
		*bucket = 1 + index;
		kio_iter_copy_to(kio_iter_take(&data, cache->sector), kio__cut_cache_at(cache, cache->head),
				 cache->sector);
		cache->head++;
		cache->there++;
	}
}

static void
remove_slot(struct kio__cut_cache *cache, uint64_t position)
{
	struct kio__cut_slot *slot = slot_at(cache, position);
	uint32_t *link = bucket_of(cache, slot->sector);

	while (*link != 1 + (position & cache->mask))
		link = &cache->slots[*link - 1].next;
	*link = slot->next;
	slot->there = false;
	cache->there--;
	while (cache->tail != cache->head && !slot_at(cache, cache->tail)->there)
		cache->tail++;
}

void
kio__cut_cache_settle(struct kio__cut_cache *cache, uint64_t from, uint32_t slots)
{
	uint64_t position;

	for (uint64_t at = from; at < from + slots; at++) {
		uint64_t sector = slot_at(cache, at)->sector;

		/* a position does not move, but is no more when the tail has passed it */
		while ((position = newest(cache, sector, at + 1)) != KIO__CUT_NONE)
			remove_slot(cache, position);
	}
	cache->settled++;
}

/* --- what is read --------------------------------------------------------- */

uint64_t
kio__cut_cache_count(const struct kio__cut_cache *cache, uint64_t offset, uint64_t len)
{
	uint64_t count = 0;

	if (cache->there == 0)
		return 0;
	for (uint64_t at = offset; at < offset + len; at += cache->sector)
		count += newest(cache, at / cache->sector, cache->head) != KIO__CUT_NONE;
	return count;
}

uint64_t
kio__cut_cache_overlay(const struct kio__cut_cache *cache, uint64_t offset, struct kio_iter data)
{
	uint64_t copied = 0;

	for (; data.len != 0; offset += cache->sector) {
		struct kio_iter part = kio_iter_take(&data, cache->sector);
		uint64_t position = newest(cache, offset / cache->sector, cache->head);

		if (position == KIO__CUT_NONE)
			continue;
		kio_iter_copy_from(part, kio__cut_cache_at(cache, position), cache->sector);
		copied += cache->sector;
	}
	return copied;
}

/* --- what lasts, and what does not ---------------------------------------- */

static bool
goes_below(const struct kio__cut_cache *cache, uint64_t position, uint64_t to)
{
	const struct kio__cut_slot *slot = slot_at(cache, position);

	return slot->there && newest(cache, slot->sector, to) == position;
}

uint32_t
kio__cut_cache_run(struct kio__cut_cache *cache, uint64_t *from, uint64_t to)
{
	uint32_t slots = 0;

	while (*from < to && !goes_below(cache, *from, to))
		++*from;
	if (*from >= to)
		return 0;
	do
		slots++;
	while (slots < RUN_BYTES / cache->sector && *from + slots < to &&
	       ((*from + slots) & cache->mask) != 0 &&
	       slot_at(cache, *from + slots)->sector == slot_at(cache, *from)->sector + slots &&
	       goes_below(cache, *from + slots, to));
	return slots;
}

static uint64_t
next_random(uint64_t *random)
{
	uint64_t x = *random += 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 27) * 0x94d049bb133111ebu;
	return x ^ x >> 31;
}

/*
 * Disks differ in what they lose, so a mix is of one of four kinds: half of the
 * sectors; few sectors; half of the writes; all from some point on.
 */
uint64_t
kio__cut_cache_lose(struct kio__cut_cache *cache, enum kio__cut_image image, uint64_t *random)
{
	enum { SECTORS, FEW_SECTORS, WRITES, TAIL, KINDS } kind = next_random(random) % KINDS;
	uint64_t from = cache->tail, to = cache->head, lost = cache->there;
	uint64_t point = from + next_random(random) % (to - from + 1);
	bool keep = image == KIO__CUT_KEPT;

	for (uint64_t at = from; at < to; at++) {
		uint64_t chance = next_random(random);

		if (image == KIO__CUT_MIX) {
			if (kind == SECTORS || (kind == WRITES && slot_at(cache, at)->first))
				keep = (chance & 1) != 0;
			else if (kind == FEW_SECTORS)
				keep = (chance & 7) != 0;
			else if (kind == TAIL)
				keep = at < point;
		}
		if (!keep && slot_at(cache, at)->there)
			remove_slot(cache, at);
	}
	return lost - cache->there;
}
