/* SPDX-License-Identifier: MIT */
#include "drivers/platter.h"

#include <string.h>

#include "base/math.h"
#include "drivers/sim.h"
#include "port/port.h"

#define GROUP 64u /* sectors of a word */
#define GROUP_BYTES (GROUP * KIO__SECTOR)

struct kio__sim_world kio__sim;

static struct kio__platter platters[KIO__PLATTERS];
static unsigned named;

/* A power cut that is to come. */
static struct {
	uint64_t writes;
	uint64_t chance;
} coming;

/* --- making and finding them ---------------------------------------------- */

static void
platter_free(struct kio__platter *platter)
{
	kio__free(platter->current);
	kio__free(platter->durable);
	kio__free(platter->dirty);
	kio__free(platter->lied);
	kio__free(platter->touched);
	memset(platter, 0, sizeof(*platter));
}

static uint64_t
groups_of(uint64_t size)
{
	return (size + GROUP_BYTES - 1) / GROUP_BYTES;
}

static int
platter_make(struct kio__platter *platter, uint64_t size)
{
	uint64_t groups = groups_of(size);

	platter->size = size;
	platter->current = kio__alloc(size);
	platter->durable = kio__alloc(size);
	platter->dirty = kio__alloc(groups * 8);
	platter->lied = kio__alloc(groups * 8);
	platter->touched = kio__alloc((groups + 63) / 64 * 8);
	if (platter->current != NULL && platter->durable != NULL && platter->dirty != NULL &&
	    platter->lied != NULL && platter->touched != NULL)
		return 0;
	platter_free(platter);
	return -ENOMEM;
}

static __attribute__((destructor)) void
platters_free(void)
{
	for (unsigned i = 0; i < KIO__PLATTERS; i++)
		platter_free(&platters[i]);
}

/* One that has the name; else one that was forgotten, or a place for a new one. */
static struct kio__platter *
find(const char *name, uint64_t size)
{
	struct kio__platter *spare = NULL;

	for (unsigned i = 0; i < KIO__PLATTERS; i++) {
		struct kio__platter *platter = &platters[i];

		if (strcmp(platter->name, name) == 0)
			return platter;
		if (platter->name[0] == '\0' && (spare == NULL || (spare->size != size && platter->size == size)))
			spare = platter;
		if (platter->size == 0)
			break;
	}
	return spare;
}

int
kio__platter_open(struct kio__platter **out, struct kio__platter *own, const char *name, uint64_t size)
{
	struct kio__platter *platter = own;
	int rc = 0;

	if (name != NULL && strlen(name) >= sizeof(platter->name))
		return -ENAMETOOLONG;
	if (name != NULL && name[0] != '\0')
		platter = find(name, size);
	if (platter == NULL)
		return -ENOSPC;
	if (platter != own && platter->name[0] != '\0' && platter->size != size)
		return -EINVAL;
	if (platter->size != size) {
		platter_free(platter);
		rc = platter_make(platter, size);
	}
	if (rc < 0)
		return rc;
	if (platter != own && platter->name[0] == '\0') {
		memcpy(platter->name, name, strlen(name) + 1);
		platter->number = named++;
	}
	/* the power is back */
	platter->cut = false;
	platter->open = true;
	*out = platter;
	return 0;
}

void
kio__platter_close(struct kio__platter *platter)
{
	platter->open = false;
	if (platter->name[0] == '\0')
		platter_free(platter);
}

/* Only what was ever written costs anything. */
static void
forget(struct kio__platter *platter)
{
	uint64_t groups = groups_of(platter->size);

	for (uint64_t i = 0; i < groups; i++) {
		uint64_t at = i * GROUP_BYTES, len = kio__min(GROUP_BYTES, platter->size - at);

		if ((platter->touched[i / 64] >> i % 64 & 1) == 0)
			continue;
		memset(platter->current + at, 0, len);
		memset(platter->durable + at, 0, len);
		platter->dirty[i] = platter->lied[i] = 0;
	}
	memset(platter->touched, 0, (groups + 63) / 64 * 8);
	platter->name[0] = '\0';
	platter->cut = false;
}

void
kio__sim_forget(void)
{
	named = 0;
	for (unsigned i = 0; i < KIO__PLATTERS; i++) {
		if (platters[i].name[0] != '\0' && !platters[i].open)
			forget(&platters[i]);
	}
}

/* --- the volatile cache ----------------------------------------------------- */

/* The sectors of a group that a range has. */
static uint64_t
sectors_in(uint64_t group, uint64_t first, uint64_t last)
{
	uint64_t base = group * GROUP, from = first > base ? first - base : 0;
	uint64_t to = last - base < GROUP ? last - base : GROUP - 1;

	return (~(uint64_t)0 >> (GROUP - 1 - to)) & (~(uint64_t)0 << from);
}

#define FOR_GROUPS(group, bits, offset, len)                                                              \
	for (uint64_t first_ = (offset) / KIO__SECTOR, last_ = ((offset) + (len)-1) / KIO__SECTOR,        \
		      group = first_ / GROUP, bits;                                                       \
	     group <= last_ / GROUP && (bits = sectors_in(group, first_, last_), true); group++)

void
kio__platter_wrote(struct kio__platter *platter, uint64_t offset, uint64_t len)
{
	FOR_GROUPS(group, bits, offset, len) {
		/* written once more, and still not as durable as was said */
		platter->dirty[group] |= bits;
		platter->touched[group / 64] |= (uint64_t)1 << group % 64;
	}
}

void
kio__platter_lie(struct kio__platter *platter, uint64_t offset, uint64_t len)
{
	FOR_GROUPS(group, bits, offset, len)
		platter->lied[group] |= bits & platter->dirty[group];
}

bool
kio__platter_is_dirty(const struct kio__platter *platter, uint64_t offset, uint64_t len)
{
	FOR_GROUPS(group, bits, offset, len) {
		if ((platter->dirty[group] & bits) != 0)
			return true;
	}
	return false;
}

/* Sectors in a row become equal in both. */
static void
settle(struct kio__platter *platter, uint64_t offset, uint64_t len, bool keep)
{
	len = kio__min(len, platter->size - offset);
	if (keep)
		memcpy(platter->durable + offset, platter->current + offset, len);
	else
		memcpy(platter->current + offset, platter->durable + offset, len);
}

void
kio__platter_flush(struct kio__platter *platter, uint64_t offset, uint64_t len)
{
	FOR_GROUPS(group, bits, offset, len) {
		uint64_t rest = platter->dirty[group] & bits;

		platter->dirty[group] &= ~bits;
		platter->lied[group] &= ~bits;
		while (rest != 0) {
			unsigned from = (unsigned)__builtin_ctzll(rest);
			uint64_t row = ~(rest >> from);
			unsigned count = row == 0 ? GROUP : (unsigned)__builtin_ctzll(row);

			settle(platter, (group * GROUP + from) * KIO__SECTOR, (uint64_t)count * KIO__SECTOR, true);
			rest &= count == GROUP ? 0 : ~(((uint64_t)1 << count) - 1) << from;
		}
	}
}

static bool
keeps(const struct kio__platter *platter, uint64_t at, uint64_t chance)
{
	if (kio__sim.keeps != NULL)
		return kio__sim.keeps(platter->number, at);
	return (kio__sim_mix(chance, at) & 1) != 0;
}

/* --- writes in flight --------------------------------------------------------- */

void
kio__platter_begin(struct kio__platter *platter, struct kio__platter_write *write, const struct kio_frame *frame)
{
	write->frame = frame;
	write->next = platter->writes;
	write->at = &platter->writes;
	if (write->next != NULL)
		write->next->at = &write->next;
	platter->writes = write;
}

void
kio__platter_end(struct kio__platter_write *write)
{
	*write->at = write->next;
	if (write->next != NULL)
		write->next->at = write->at;
}

/* Of one in flight some pieces are on the disk. */
static void
tear(struct kio__platter *platter, const struct kio_frame *frame, uint64_t chance)
{
	static const uint64_t pieces[] = { 512, 4096 };
	unsigned which = kio__sim.keeps != NULL ? 0 : (unsigned)(kio__sim_mix(chance, 1) & 1), kept = 0, lost = 0;
	uint64_t piece = pieces[which], at = frame->offset, end = at + frame->data.len, len;
	enum kio__sim_fault kind = which == 0 ? KIO__SIM_TORN_512 : KIO__SIM_TORN_4096;
	struct kio_iter data = frame->data;
	bool keep;

	if ((kio__sim.without >> kind & 1) != 0)
		return;
	for (; at < end; at += len) {
		len = kio__min(end, kio__align_up(at + 1, piece)) - at;
		keep = keeps(platter, at, chance + 1);
		if (keep && frame->op == KIO_WRITE)
			kio_iter_copy_to(data, platter->current + at, len);
		else if (keep)
			memset(platter->current + at, 0, len);
		if (frame->op == KIO_WRITE)
			kio_iter_skip(&data, len);
		if (keep) {
			kio__platter_wrote(platter, at, len);
			kio__platter_flush(platter, at, len);
		}
		kept += keep;
		lost += !keep;
	}
	if (kept != 0 && lost != 0)
		kio__sim_fires(kind);
}

/* --- power cuts --------------------------------------------------------------- */

void
kio__platter_cut(struct kio__platter *platter, uint64_t chance)
{
	uint64_t groups = groups_of(platter->size);
	bool lost = false, loses = (kio__sim.without >> KIO__SIM_LOST_VOLATILE & 1) == 0;

	platter->cut = true;
	for (uint64_t group = 0; group < groups; group++) {
		while (platter->dirty[group] != 0) {
			unsigned bit = (unsigned)__builtin_ctzll(platter->dirty[group]);
			uint64_t at = (group * GROUP + bit) * KIO__SECTOR;
			bool keep = !loses || keeps(platter, at, chance);

			settle(platter, at, KIO__SECTOR, keep);
			lost |= !keep;
			if (!keep && (platter->lied[group] >> bit & 1) != 0 && kio__sim.hit != NULL)
				kio__sim.hit(platter->number, at, KIO__SECTOR);
			platter->dirty[group] &= platter->dirty[group] - 1;
		}
		platter->lied[group] = 0;
	}
	if (lost)
		kio__sim_fires(KIO__SIM_LOST_VOLATILE);
	for (const struct kio__platter_write *write = platter->writes; write != NULL; write = write->next)
		tear(platter, write->frame, chance);
}

void
kio__platters_cut(uint64_t chance)
{
	kio__sim.cuts++;
	for (unsigned i = 0; i < KIO__PLATTERS; i++) {
		if (platters[i].open)
			kio__platter_cut(&platters[i], kio__sim_mix(chance, platters[i].number));
	}
}

bool
kio__platters_cut_at_write(void)
{
	if (coming.writes == 0 || --coming.writes != 0)
		return false;
	kio__platters_cut(coming.chance);
	return true;
}

void
kio__sim_power_cut(uint64_t writes, uint64_t seed)
{
	coming.writes = writes;
	coming.chance = seed;
	if (writes == 0)
		kio__platters_cut(seed);
}
