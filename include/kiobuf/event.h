/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_EVENT_H
#define KIOBUF_EVENT_H

/*
 * kio_event: something that happens once, with a status.
 *
 *   fire ---> interceptors, last attached first        (may hold)
 *             status becomes visible
 *             notifiers, in order of attaching; threads that wait
 *             the group that waits for it, which is an event itself
 *
 * Who fires it: an I/O, whose event is in its container; a moment, a descriptor,
 * a signal, a child (kio_source); a group; or any thread, by kio_event_fire.
 *
 * Who waits: a callback; a thread (kio_event_wait); a loop, and who polls its
 * descriptor (kio_source_event); or another event, by a group.
 *
 * It is 16 bytes, and pays for nothing that is not attached. An owner's event
 * is all zero when initialised and belongs to one thread, that of the loop that
 * owns it: plain loads and stores. A shared one (kio_event_init_shared) may be
 * fired, waited for, attached to and detached from by any thread.
 *
 *	struct kio_event done = { 0 };
 *
 *	kio_event_init_shared(&done);
 *	start(work, &done);                 (its thread fires the event)
 *	if (kio_event_wait(&done, kio_loop_now(loop) + second, 0) == -ETIMEDOUT)
 *		...
 *
 * Rules
 *  1. An event fires once. Status is 0 or -errno and does not change then.
 *  2. A callback runs on the thread that fires, or detaches another callback
 *     at that moment; never under a lock, and never on top of another: it
 *     returns the event to fire next, so a chain of any length needs no stack.
 *     It must not block; what may block holds, and resumes elsewhere.
 *  3. A callback structure belongs to its event from attaching until it is
 *     called or detached, an interceptor's until the event has fired. Unless
 *     KIO_CB_KEPT a notifier is not touched again once it was called, not by a
 *     detach that comes too late either. So fn may free it, and who detaches
 *     frees it if the answer is 0.
 *  4. Once the status is visible the event is not touched either: who waited
 *     may free it, if nobody else waits.
 *  5. Who frees an event that others wait for fires it first, with -ECANCELED.
 *  6. An event has either callbacks or, from kio_group_add, one group; one with
 *     callbacks joins groups through kio_arm.
 */

#include <kiobuf/base.h>

KIO_BEGIN

struct kio_event;
struct kio_cb;

/*
 * Called when its event fires, with the status. A notifier returns an event to
 * fire next, its status stored by kio_event_set, or NULL.
 *
 * An interceptor returns NULL, to go on; or KIO_CB_HOLD: all that is left waits
 * for kio_event_resume; or an event to fire: then its own did not happen, but
 * is pending again, this callback and those not yet called attached as before.
 * It may change its event's status by kio_event_set.
 */
typedef struct kio_event *(*kio_cb_fn)(struct kio_cb *cb, int status);

#define KIO_CB_HOLD ((struct kio_event *)1)

/* Zeroed by its owner, with fn set. */
struct kio_cb {
	uintptr_t next;
	kio_cb_fn fn;
	int32_t status;
	uint32_t state; /* KIO_CB_KEPT or 0 */
};

/* fn does not give the structure away: kio_event_detach_wait may wait for its end. */
#define KIO_CB_KEPT 1u

struct kio_event {
	uintptr_t word; /* callbacks, group or state; 0: pending, nobody waits */
	int32_t status; /* 0 or -errno, once fired */
	uint32_t gen;   /* counts reuse in fours, for finding stale handles; shared 1, sealed 2 */
};

#define KIO_EVENT_FIRED ((uintptr_t)1)
#define KIO_EVENT_SHARED 1u
#define KIO_EVENT_SEALED 2u
#define KIO_EVENT_REUSE 4u

/* An owner's event, pending; also for reuse, once it has fired. Zeroed by its owner before the first use. */
static inline void
kio_event_init(struct kio_event *event)
{
	event->word = 0;
	event->status = 0;
	event->gen = (event->gen & ~(KIO_EVENT_REUSE - 1)) + KIO_EVENT_REUSE;
}

/* A shared one. */
static inline void
kio_event_init_shared(struct kio_event *event)
{
	kio_event_init(event);
	event->gen |= KIO_EVENT_SHARED;
}

/* The status is visible; callbacks may still be running. */
static inline bool
kio_event_fired(const struct kio_event *event)
{
	return (KIO_ACQUIRE(&event->word) & KIO_EVENT_FIRED) != 0;
}

/*
 * Notifiers, run in order of attaching once the status is visible.
 * -EALREADY: the event has fired, and the callback is not used.
 */
KIO_PUBLIC int kio_event_attach(struct kio_event *event, struct kio_cb *cb);

/*
 * Interceptors, run before the status is visible, the last attached first.
 * -EALREADY: the event has fired, or is firing.
 */
KIO_PUBLIC int kio_event_intercept(struct kio_event *event, struct kio_cb *cb);

/*
 * Takes a callback off. 0: it will not be called. -EALREADY: too late, it has
 * been called, runs, or is about to; it is not looked at. An interceptor that is
 * about to be called is attached again if another answers with an event.
 */
KIO_PUBLIC int kio_event_detach(struct kio_event *event, struct kio_cb *cb);

/*
 * The same for one that is KIO_CB_KEPT, and waits until it has returned. 0, or
 * -EALREADY: it was called. The event lives until this has returned. Inside that
 * callback, or on its thread before its turn, it would wait for itself: that
 * aborts.
 */
KIO_PUBLIC int kio_event_detach_wait(struct kio_event *event, struct kio_cb *cb);

/*
 * No more comes and nothing goes: from here on nobody attaches, detaches or
 * waits, and firing a shared event costs no atomic. Before it is known to those
 * who fire it.
 */
static inline void
kio_event_seal(struct kio_event *event)
{
	event->gen |= KIO_EVENT_SEALED;
}

KIO_PUBLIC void kio_event_fire_attached(struct kio_event *event, int status);

/* The event happens; any thread, if it is shared. To fire twice is a bug of the caller and aborts. */
static inline void
kio_event_fire(struct kio_event *event, int status)
{
	if ((event->gen & KIO_EVENT_SHARED) == 0 && event->word == 0) {
		event->status = status;
		event->word = KIO_EVENT_FIRED;
	} else {
		kio_event_fire_attached(event, status);
	}
}

/* Stores the status of an event that a callback is about to return, or that an interceptor changes. */
static inline struct kio_event *
kio_event_set(struct kio_event *event, int status)
{
	event->status = status;
	return event;
}

/*
 * Fires events whose status is stored, one after the other. Members of one group
 * that follow each other arrive at it at once.
 */
KIO_PUBLIC void kio_event_fire_batch(struct kio_event *const *events, size_t count);

/*
 * Goes on after an interceptor that holds, with this status; from any thread if
 * the event is shared. It may come before the callback has returned KIO_CB_HOLD.
 */
KIO_PUBLIC void kio_event_resume(struct kio_event *event, struct kio_cb *cb, int status);

/*
 * The thread waits for a shared event: looks `spins` times before it sleeps, and
 * gives up at due_ns (CLOCK_MONOTONIC; UINT64_MAX: never). 0: it has fired, the
 * status is in it; -ETIMEDOUT: it has not. Any number of threads; not the one on
 * which it is to fire, such as that of the I/O's loop.
 */
KIO_PUBLIC int kio_event_wait(struct kio_event *event, uint64_t due_ns, unsigned spins);

KIO_END

#endif
