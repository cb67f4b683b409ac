/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_GROUP_H
#define KIOBUF_GROUP_H

/*
 * kio_group: a compound of events, which is an event again.
 *
 *   member --+
 *   member --+--> counts ---> event     decided: enough succeeded, or too many failed
 *   arm -----+                  |       losers are detached, or cancelled
 *                               v
 *                            drained    all members are through
 *
 *	struct kio_group both;
 *
 *	kio_group_init(&both, KIO_ALL, 0);
 *	kio_group_add(&both, &a->event);
 *	kio_group_add(&both, &b->event);      (may have fired already)
 *	kio_group_seal(&both);
 *	kio_event_attach(&both.event, &then);
 *
 * The first of two, or a timeout; what comes too late is not awaited:
 *
 *	kio_group_init_shared(&first, KIO_ANY, 0);
 *	for (i = 0; i < 2; i++)
 *		kio_group_arm(&first, &arms[i], &replies[i]);
 *	kio_group_seal(&first);
 *	if (kio_event_wait(&first.event, due_ns, 0) < 0)
 *		kio_group_cancel(&first, -ETIMEDOUT);
 *
 * On a loop a timer is one more event (kio_source), and what loses is cancelled:
 *
 *	kio_group_init(&first, KIO_SETTLE, 1);     (one fires, whatever it says)
 *	kio_group_nest(&first, &arms[0], &any);    (the replies)
 *	kio_group_add(&first, &any.drained);
 *	kio_group_own(&first, &arms[1], &timer.event);
 *	kio_group_seal(&first);
 *	kio_event_attach(&first.drained, &over);   (any.event.status tells)
 *
 * Rules
 *  1. A group is decided once, after it is sealed: by the member that makes it
 *     so, by the seal or by kio_group_cancel, whichever is last. Its event then
 *     fires on that thread.
 *  2. Members may fire at any time, before they are added too. Each keeps its
 *     own status: that is how partial results are read.
 *  3. Once decided it goes through its arms in order of adding. One that has
 *     not fired has lost: it is detached, and its `lost` runs; or it is owned:
 *     then `lost` is to cancel it, and it stays awaited. Other members are
 *     awaited.
 *  4. `drained` fires with the same status when nobody is awaited any more.
 *     Waiting for all, whatever fails, is waiting for `drained`.
 *  5. A group, its members and arms live until both of its events have fired.
 *  6. An owner's group has members of its thread only. A shared one is built by
 *     one thread; its members and its events are fired by any. An owner's event
 *     joins a shared group by kio_group_add, on the owner's thread.
 *  7. Cancelling goes from a group down to what it owns; never up, and never to
 *     what it merely observes.
 */

#include <kiobuf/event.h>

KIO_BEGIN

/* When a group is decided. */
enum kio_policy {
	KIO_ALL,    /* all succeeded: 0; else the first error, at once */
	KIO_ANY,    /* one succeeded: 0; else, when all failed, the first error */
	KIO_QUORUM, /* k succeeded: 0; else, once that cannot be, the first error */
	KIO_SETTLE, /* k fired, or all if k is 0; 0, whatever they say */
};

struct kio_group {
	struct kio_event event;   /* fires when decided */
	struct kio_event drained; /* fires when decided and nobody is awaited */
	uint64_t counts;          /* succeeded 21, failed 21, sealed 1, cancelled 1, awaited 20 */
	uintptr_t arms;
	uint32_t k;               /* policy 2, threshold 30 */
	uint32_t members;
	int32_t error;            /* the first */
	int32_t cancel;           /* status it was cancelled with */
};

/* An owner's group. k is used by KIO_QUORUM and KIO_SETTLE. */
KIO_PUBLIC void kio_group_init(struct kio_group *group, enum kio_policy policy, uint32_t k);

/* A shared one. */
KIO_PUBLIC void kio_group_init_shared(struct kio_group *group, enum kio_policy policy, uint32_t k);

/* Awaits an event to which nobody is attached; then nobody else may. It may have fired already. */
KIO_PUBLIC void kio_group_add(struct kio_group *group, struct kio_event *event);

/*
 * Awaits an event that has other callbacks, or is in other groups, or may lose.
 * `lost` is set by its owner, or NULL; it is told the group's status, and
 * returns an event to fire next or NULL. The rest is the group's.
 */
struct kio_arm {
	kio_cb_fn lost;
	struct kio_cb cb;
	struct kio_group *group;
	struct kio_event *event;
	uintptr_t next;
	uint32_t owned;
};

KIO_PUBLIC void kio_group_arm(struct kio_group *group, struct kio_arm *arm,
			      struct kio_event *event);

/*
 * The same for an event that the group owns: when it loses, `lost` is to cancel
 * what it stands for. It may be firing at that moment. It fires in any case.
 */
KIO_PUBLIC void kio_group_own(struct kio_group *group, struct kio_arm *arm,
			      struct kio_event *event);

/*
 * A group within: cancelled with -ECANCELED when it loses. Nesting without that
 * is kio_group_add. What the child still awaits once it is decided is awaited
 * too if kio_group_add gives its `drained` to the parent; that is one more member.
 */
KIO_PUBLIC void kio_group_nest(struct kio_group *group, struct kio_arm *arm,
			       struct kio_group *child);

/*
 * No more members: now the group can be decided. Without members ALL, and
 * SETTLE and QUORUM of 0 succeed; what can never succeed is -EINVAL. A group has at
 * most 1,048,574 members; nest beyond.
 */
KIO_PUBLIC void kio_group_seal(struct kio_group *group);

/*
 * Decides it now, or when it is sealed, with a status that is not 0. All members
 * that have not fired lose. -EALREADY: it was decided before.
 */
KIO_PUBLIC int kio_group_cancel(struct kio_group *group, int status);

KIO_END

#endif
