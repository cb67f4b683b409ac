/* SPDX-License-Identifier: MIT */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

/*
 * How a group counts: the one place that knows when it is decided. Events use
 * it for their members; a join for its parts, which need no events.
 *
 *   bits  0..20  members that succeeded; bit 20 once it is enough of them
 *        21..41  members that failed; bit 41 once it is too many
 *            42  sealed
 *            43  cancelled
 *        44..63  awaited, and 1 for the sweep; until sealed what has arrived,
 *                counted below 0
 *
 * Members that succeeded and failed are only counted up. Enough are k of n; too
 * many are n - k + 1, after which k cannot be. So one arrival reaches one of the
 * two, and none can reach both. The seal adds what makes the count reach its
 * top bit then: so the word alone says whether the group is decided, and who
 * counted reads nothing else of a group that may be gone by now.
 */

#include "core/event.h"

#define KIO__OK_ONE ((uint64_t)1)
#define KIO__FAIL_ONE ((uint64_t)1 << 21)
#define KIO__ENOUGH ((uint64_t)1 << 20)
#define KIO__TOO_MANY ((uint64_t)1 << 41)
#define KIO__SEALED ((uint64_t)1 << 42)
#define KIO__CANCELLED ((uint64_t)1 << 43)
#define KIO__LIVE_ONE ((uint64_t)1 << 44)
#define KIO__GROUP_MOST 0xffffeu

static inline uint32_t
kio__live(uint64_t counts)
{
	return (uint32_t)(counts / KIO__LIVE_ONE);
}

static inline enum kio_policy
kio__policy(const struct kio_group *group)
{
	return (enum kio_policy)(group->k >> 30);
}

#define KIO__DECIDING (KIO__ENOUGH | KIO__TOO_MANY | KIO__CANCELLED)

/* Once true, it stays. */
static inline bool
kio__decided(uint64_t counts)
{
	return (counts & KIO__DECIDING) != 0 && (counts & KIO__SEALED) != 0;
}

/* By the one who builds it: one more is awaited. */
static inline void
kio__group_enter(struct kio_group *group)
{
	group->members++;
}

/* No more will come: the counts once that is added. */
static inline uint64_t
kio__group_closing(const struct kio_group *group)
{
	enum kio_policy policy = kio__policy(group);
	uint64_t n = group->members, k = group->k & 0x3fffffff;
	uint64_t live = (n + 1) * KIO__LIVE_ONE + KIO__SEALED;

	if (policy == KIO_ALL || (policy == KIO_SETTLE && k == 0))
		k = n;
	if (k > n)
		return live + KIO__TOO_MANY;
	return live + (KIO__ENOUGH - k) + (KIO__TOO_MANY - (n - k + 1) * KIO__FAIL_ONE);
}

/* What a member adds that fires with this status. */
static inline uint64_t
kio__arrival(struct kio_group *group, int status)
{
	int32_t none = 0;

	if (kio__likely(status == 0) || kio__policy(group) == KIO_SETTLE)
		return KIO__OK_ONE - KIO__LIVE_ONE;
	kio__cas(&group->error, &none, status, RELAXED, RELAXED);
	return KIO__FAIL_ONE - KIO__LIVE_ONE;
}

/* Returns what the counts are now. */
static inline uint64_t
kio__count(struct kio_group *group, uint64_t what)
{
	if (kio__event_is_shared(&group->event))
		return kio__add(&group->counts, what, ACQ_REL);
	return group->counts += what;
}

/* A member arrives: the event of the group that happens now, or NULL. */
static inline struct kio_event *
kio__arrive(struct kio_group *group, uint64_t what)
{
	uint64_t now = kio__count(group, what);

	if (kio__likely((now & KIO__DECIDING) == 0))
		return NULL;
	return kio__group_moved(group, now - what, now);
}

/* --- by one owner, who asks when it is through: a join ------------------- */

static inline void
kio__group_leave(struct kio_group *group)
{
	group->counts += KIO__OK_ONE - KIO__LIVE_ONE;
}

static inline void
kio__group_close(struct kio_group *group)
{
	group->counts += kio__group_closing(group);
}

static inline bool
kio__group_is_sealed(const struct kio_group *group)
{
	return (group->counts & KIO__SEALED) != 0;
}

/* All members of a sealed group are through. */
static inline bool
kio__group_is_over(const struct kio_group *group)
{
	return kio__live(group->counts) == 1;
}

#endif
