/* SPDX-License-Identifier: MIT */
#ifndef CORE_GROUP_H
#define CORE_GROUP_H

/*
 * How a group counts: the one place that knows when it is decided. Events use
 * it for their members; a join for its parts, which need no events.
 */

#include <kiobuf/event.h>

#include "base/math.h"
#include "port/port.h"

#define KIO__FIRING 1u /* in kio_event.gen */

#define KIO__OK_ONE ((uint64_t)1)
#define KIO__FAIL_ONE ((uint64_t)1 << 20)
#define KIO__LIVE_ONE ((uint64_t)1 << 40)
#define KIO__SEALED ((uint64_t)1 << 63)
#define KIO__GROUP_MOST 0xfffffu

static inline bool
kio__event_is_firing(const struct kio_event *event)
{
	return (event->gen & KIO__FIRING) != 0;
}

static inline unsigned
kio__group_ok(const struct kio_group *group)
{
	return group->counts & KIO__GROUP_MOST;
}

static inline unsigned
kio__group_failed(const struct kio_group *group)
{
	return group->counts / KIO__FAIL_ONE & KIO__GROUP_MOST;
}

static inline unsigned
kio__group_live(const struct kio_group *group)
{
	return group->counts / KIO__LIVE_ONE & 0x7fffff;
}

static inline bool
kio__group_is_sealed(const struct kio_group *group)
{
	return (group->counts & KIO__SEALED) != 0;
}

static inline bool
kio__group_is_decided(const struct kio_group *group)
{
	return kio_event_fired(&group->event) || kio__event_is_firing(&group->event);
}

/* One more is awaited; or is not any more; no more will come. */
static inline void
kio__group_enter(struct kio_group *group)
{
	group->counts += KIO__LIVE_ONE;
}

static inline void
kio__group_count(struct kio_group *group, int status)
{
	group->counts += status == 0 ? KIO__OK_ONE : KIO__FAIL_ONE;
	if (status != 0 && group->error == 0)
		group->error = status;
}

static inline void
kio__group_leave(struct kio_group *group, int status)
{
	group->counts -= KIO__LIVE_ONE;
	kio__group_count(group, status);
}

static inline void
kio__group_close(struct kio_group *group)
{
	group->counts |= KIO__SEALED;
}

/* Is it decided by what the counts of a sealed group say? Stores the status then. */
static inline bool
kio__group_decides(struct kio_group *group)
{
	unsigned ok = kio__group_ok(group), failed = kio__group_failed(group);
	unsigned live = kio__group_live(group), k = group->k & 0x3fffffff;

	switch ((enum kio_policy)(group->k >> 30)) {
	case KIO_ALL:
		if (failed == 0 && live != 0)
			return false;
		group->event.status = failed == 0 ? 0 : group->error;
		return true;
	case KIO_SETTLE:
		group->event.status = 0;
		return live == 0;
	case KIO_ANY:
	case KIO_QUORUM:
		break;
	}
	if (ok < k && ok + live >= k)
		return false;
	group->event.status = ok >= k ? 0 : group->error != 0 ? group->error : -EINVAL;
	return true;
}

#endif
