/* SPDX-License-Identifier: MIT */
/*
 * Rounds, in which the map of an overlay becomes durable, and waiting.
 *
 *   flush of the overlay     the clusters that are mapped by now are durable
 *   the map's blocks         those with a new cluster
 *   flush of the overlay     the map is durable
 *
 * One request leads a round, on its own loop, with a part of its own. Those that
 * arrive meanwhile wait, all of them for the next round: what they want to be
 * durable may have missed this one. The first of them leads it.
 *
 * A round that fails leaves its sectors dirty, so the next one writes them
 * again, and behind a flush of its own, too.
 */
#include "layers/cow.h"

/* --- waking ------------------------------------------------------------- */

/* The mutex is not held: a frame that was called may be gone at once. */
static void
call(struct cow_frame *self)
{
	kio_loop_post(kio_frame_loop(self->frame), &self->task);
}

static void
go_on(struct kio_task *task)
{
	struct cow_frame *self = kio_container_of(task, struct cow_frame, task);

	self->waits = false;
	kio_split_more(self->frame);
}

static void
end_member(struct kio_task *task)
{
	struct cow_frame *self = kio_container_of(task, struct cow_frame, task);

	self->round = COW_OVER;
	kio_split_more(self->frame);
}

static void
lead(struct kio_task *task)
{
	struct cow_frame *self = kio_container_of(task, struct cow_frame, task);

	self->round = COW_CALLED;
	kio_split_more(self->frame);
}

/* --- clusters ----------------------------------------------------------- */

bool
kio__cow_wait(struct cow *cow, struct cow_frame *self, uint64_t cluster)
{
	bool copying;

	kio__mutex_lock(&cow->mutex);
	copying = cow_state(cow, cluster) == COW_COPYING;
	if (copying) {
		self->waits = true;
		self->cluster = cluster;
		self->task.run = go_on;
		self->next = cow->waiting;
		cow->waiting = self;
	}
	kio__mutex_unlock(&cow->mutex);
	return copying;
}

static void
mark_dirty(struct cow *cow, uint64_t first, uint64_t last)
{
	for (uint64_t i = first / KIO__COW_SECTOR_CLUSTERS; i <= last / KIO__COW_SECTOR_CLUSTERS; i++)
		__atomic_store_n(&cow->dirty[i], 1, __ATOMIC_RELEASE);
	__atomic_store_n(&cow->any_dirty, true, __ATOMIC_RELEASE);
}

void
kio__cow_settle(struct cow *cow, uint64_t first, uint64_t last, bool mapped)
{
	struct cow_frame **at = &cow->waiting, *called = NULL, *self;

	/*
	 * Who finds a cluster mapped may want it in the map at once, on another
	 * loop: to join a round it waits until the sectors are dirty, too.
	 */
	kio__mutex_lock(&cow->mutex);
	for (uint64_t i = first; i <= last; i++)
		__atomic_store_n(&cow->states[i], mapped ? COW_MAPPED : COW_EMPTY, __ATOMIC_RELEASE);
	if (mapped) {
		__atomic_fetch_add(&cow->mapped, last - first + 1, __ATOMIC_RELAXED);
		mark_dirty(cow, first, last);
	}
	while ((self = *at) != NULL) {
		if (self->cluster < first || self->cluster > last) {
			at = &self->next;
			continue;
		}
		*at = self->next;
		self->next = called;
		called = self;
	}
	kio__mutex_unlock(&cow->mutex);
	while ((self = called) != NULL) {
		called = self->next;
		call(self);
	}
}

/* --- the map ------------------------------------------------------------ */

static void
note_sector(struct cow *cow, uint64_t sector)
{
	uint64_t first = sector * KIO__COW_SECTOR_CLUSTERS;
	uint64_t end = kio__min(first + KIO__COW_SECTOR_CLUSTERS, cow->clusters);

	for (uint64_t i = first; i < end; i++) {
		if (cow_state(cow, i) != COW_MAPPED)
			continue;
		kio__cow_set(cow->map, i);
		__atomic_store_n(&cow->states[i], COW_NOTED, __ATOMIC_RELEASE);
	}
	kio__cow_sector_seal(cow->map + sector * KIO__COW_SECTOR);
	cow->writing[sector] = 1;
}

void
kio__cow_note(struct cow *cow)
{
	cow->block = 0;
	if (!__atomic_exchange_n(&cow->any_dirty, false, __ATOMIC_ACQ_REL)) {
		cow->block = cow->sectors;
		return;
	}
	for (uint64_t i = 0; i < cow->sectors; i++) {
		if (__atomic_load_n(&cow->dirty[i], __ATOMIC_RELAXED) != 0 &&
		    __atomic_exchange_n(&cow->dirty[i], 0, __ATOMIC_ACQ_REL) != 0)
			note_sector(cow, i);
	}
}

bool
kio__cow_next_block(struct cow *cow, uint64_t *offset)
{
	uint64_t block;

	while (cow->block < cow->sectors && cow->writing[cow->block] == 0)
		cow->block++;
	if (cow->block >= cow->sectors)
		return false;
	block = cow->block / KIO__COW_SECTORS;
	cow->block = (block + 1) * KIO__COW_SECTORS;
	cow->seg = (struct kio_seg){ cow->map + block * KIO__COW_BLOCK, KIO__COW_BLOCK, NULL };
	*offset = KIO__COW_HEADERS + block * KIO__COW_BLOCK;
	return true;
}

static void
settle_sector(struct cow *cow, uint64_t sector)
{
	uint64_t first = sector * KIO__COW_SECTOR_CLUSTERS;
	uint64_t end = kio__min(first + KIO__COW_SECTOR_CLUSTERS, cow->clusters);

	for (uint64_t i = first; i < end; i++) {
		if (cow_state(cow, i) == COW_NOTED)
			__atomic_store_n(&cow->states[i], COW_DURABLE, __ATOMIC_RELEASE);
	}
}

void
kio__cow_noted(struct cow *cow, int status)
{
	for (uint64_t i = 0; i < cow->sectors; i++) {
		if (cow->writing[i] == 0)
			continue;
		cow->writing[i] = 0;
		if (status == 0)
			settle_sector(cow, i);
		else
			mark_dirty(cow, i * KIO__COW_SECTOR_CLUSTERS, i * KIO__COW_SECTOR_CLUSTERS);
	}
}

/* --- rounds ------------------------------------------------------------- */

bool
kio__cow_join(struct cow *cow, struct cow_frame *self)
{
	bool leads;

	kio__mutex_lock(&cow->mutex);
	leads = !cow->round;
	if (leads) {
		cow->round = true;
		self->round = COW_LEADS;
	} else {
		self->round = COW_QUEUED;
		self->next = cow->queued;
		cow->queued = self;
	}
	kio__mutex_unlock(&cow->mutex);
	return leads;
}

void
kio__cow_leave(struct cow *cow, int status)
{
	struct cow_frame *members, *next, *self;

	kio__cow_noted(cow, status);
	kio__mutex_lock(&cow->mutex);
	members = cow->members;
	next = cow->queued;
	cow->queued = NULL;
	cow->members = next != NULL ? next->next : NULL;
	cow->round = next != NULL;
	kio__mutex_unlock(&cow->mutex);
	if (next != NULL) {
		next->task.run = lead;
		call(next);
	}
	while ((self = members) != NULL) {
		members = self->next;
		self->status = status;
		self->task.run = end_member;
		call(self);
	}
}
