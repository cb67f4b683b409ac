/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_READY_H
#define KIOBUF_READY_H

/*
 * kio_ready: any of many events, again and again. Each is armed once; those that
 * fired are taken in the order in which they did. What that costs does not
 * depend on how many are armed.
 *
 *	kio_ready_init_shared(&ready);
 *	for (i = 0; i < count; i++)
 *		kio_ready_arm(&ready, &arms[i], &events[i]);
 *	for (;;) {
 *		while ((arm = kio_ready_take(&ready)) != NULL) {
 *			...
 *			kio_event_init_shared(arm->event);
 *			kio_ready_arm(&ready, arm, arm->event);
 *		}
 *		kio_event_wait(kio_ready_event(&ready), UINT64_MAX, 0);
 *	}
 *
 * Rules
 *  1. One thread takes and arms. If it is shared, any thread fires.
 *  2. An arm belongs to the list from arming until it is taken, or taken off by
 *     kio_event_detach(arm->event, &arm->cb).
 *  3. The list lives until no arm is armed and its event is not pending.
 */

#include <kiobuf/event.h>

KIO_BEGIN

struct kio_ready {
	struct kio_event event; /* see kio_ready_event */
	uintptr_t fired;        /* arms, the newest first */
	uintptr_t taken;        /* arms, the oldest first */
};

/* Zeroed by its owner. */
struct kio_ready_arm {
	struct kio_cb cb; /* cb.status: that of the event, when taken */
	struct kio_event *event;
	struct kio_ready *ready;
};

KIO_PUBLIC void kio_ready_init(struct kio_ready *ready);
KIO_PUBLIC void kio_ready_init_shared(struct kio_ready *ready);

/* If the event has fired already, the arm is ready at once. */
KIO_PUBLIC void kio_ready_arm(struct kio_ready *ready, struct kio_ready_arm *arm,
			      struct kio_event *event);

/* The arm that fired first of those not yet taken; NULL: none. */
KIO_PUBLIC struct kio_ready_arm *kio_ready_take(struct kio_ready *ready);

/*
 * An event that fires when there is something to take; it has fired if there is.
 * The same one until it fired; then this makes it anew. For the thread that takes.
 */
KIO_PUBLIC struct kio_event *kio_ready_event(struct kio_ready *ready);

KIO_END

#endif
