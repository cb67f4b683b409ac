/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_EVENT_H
#define KIOBUF_EVENT_H

/*
 * kio_event: something that happens once. kio_group: a compound of such.
 *
 *   fire ---> interceptors, last attached first        (may hold)
 *             status becomes visible
 *             notifiers, in order of attaching
 *             the group that waits for it, which is an event itself
 *
 * An event belongs to one thread, that of the loop that owns it: firing and
 * attaching are plain loads and stores. It is 16 bytes, all zero when
 * initialised, and pays for nothing that is not attached.
 *
 *	struct kio_group both;
 *
 *	kio_group_init(&both, KIO_ALL, 0);
 *	kio_group_add(&both, &a->event);
 *	kio_group_add(&both, &b->event);      (may have fired already)
 *	kio_group_seal(&both);
 *	kio_event_attach(&both.event, &then);
 *
 * Rules
 *  1. An event fires once. Status is 0 or -errno and does not change then.
 *  2. No callback runs under a lock, and none on top of another: a callback
 *     returns the event to fire next, so a chain of any length needs no stack.
 *  3. A callback structure belongs to its event from attaching until it is
 *     called or detached. It is not touched again once it was called.
 *  4. Who frees an event that others wait for fires it first, with -ECANCELED.
 *  5. An event has either callbacks or, from kio_group_add, one group; an
 *     event with callbacks, or the drained event of a group, joins a group
 *     through a kio_arm.
 *  6. A group and its members live until both of its events fired.
 */

#include <kiobuf/base.h>

KIO_BEGIN

struct kio_event;
struct kio_cb;

/*
 * Called when its event fires. A notifier returns an event to fire next, its
 * status stored by kio_event_set, or NULL. An interceptor returns NULL, or
 * KIO_CB_HOLD: then all that is left waits until kio_event_resume.
 */
typedef struct kio_event *(*kio_cb_fn)(struct kio_cb *cb, struct kio_event *event);

#define KIO_CB_HOLD ((struct kio_event *)1)

struct kio_cb {
	struct kio_cb *next;
	kio_cb_fn fn;
};

struct kio_event {
	uintptr_t word; /* callbacks, group or state; 0: pending, nobody waits */
	int32_t status; /* 0 or -errno, once fired */
	uint32_t gen;   /* counts reuse in twos, for finding stale handles; odd: is firing */
};

static inline void
kio_event_init(struct kio_event *event)
{
	event->word = 0;
	event->status = 0;
	event->gen += 2;
}

#define KIO_EVENT_FIRED ((uintptr_t)1)

/* The status is visible; callbacks may still be running. */
static inline bool
kio_event_fired(const struct kio_event *event)
{
	return (event->word & KIO_EVENT_FIRED) != 0;
}

/*
 * Notifiers, run in order of attaching once the status is visible.
 * -EALREADY: the event has fired, and the callback is not used.
 */
KIO_PUBLIC int kio_event_attach(struct kio_event *event, struct kio_cb *cb);

/* Interceptors, run before the status is visible, the last attached first. -EALREADY: as above. */
KIO_PUBLIC int kio_event_intercept(struct kio_event *event, struct kio_cb *cb);

/* Takes a callback off. False: it has been called, or is being called now. */
KIO_PUBLIC bool kio_event_detach(struct kio_event *event, struct kio_cb *cb);

/* The event happens. To fire twice is a bug of the caller and aborts. */
KIO_PUBLIC void kio_event_fire(struct kio_event *event, int status);

/* Goes on after an interceptor that held. */
KIO_PUBLIC void kio_event_resume(struct kio_event *event);

/* Stores the status of an event that a callback is about to return. */
static inline struct kio_event *
kio_event_set(struct kio_event *event, int status)
{
	event->status = status;
	return event;
}

/* When a group is decided. */
enum kio_policy {
	KIO_ALL,    /* all succeeded: 0; else the first error, at once */
	KIO_ANY,    /* one succeeded: 0; else, when all failed, the first error */
	KIO_QUORUM, /* k succeeded: 0; else, once that cannot be, the first error */
	KIO_SETTLE, /* all fired; 0, whatever they say */
};

struct kio_group {
	struct kio_event event;   /* fires when decided */
	struct kio_event drained; /* fires when decided and all members have fired */
	uint64_t counts;          /* members that succeeded 20, failed 20, are awaited 23; sealed 1 */
	uint32_t k;               /* policy 2, threshold 30 */
	int32_t error;            /* the first */
};

/* k is used by KIO_QUORUM alone. */
KIO_PUBLIC void kio_group_init(struct kio_group *group, enum kio_policy policy, uint32_t k);

/* Awaits an event to which nobody is attached. It may have fired already. */
KIO_PUBLIC void kio_group_add(struct kio_group *group, struct kio_event *event);

/*
 * No more members: now the group can be decided. Without members ALL, SETTLE
 * and QUORUM of 0 succeed; what can never succeed is -EINVAL. A group has at
 * most 1,048,575 members; nest beyond.
 */
KIO_PUBLIC void kio_group_seal(struct kio_group *group);

/* Awaits an event that has callbacks, or belongs to another group too. */
struct kio_arm {
	struct kio_cb cb;
	struct kio_group *group;
};

KIO_PUBLIC void kio_group_arm(struct kio_group *group, struct kio_arm *arm,
			      struct kio_event *event);

KIO_END

#endif
