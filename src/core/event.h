/* SPDX-License-Identifier: MIT */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

/*
 * The inside of events: what one thread has yet to run.
 *
 * It is a stack threaded through what it holds, so that a chain of any length
 * or depth runs in one loop, without recursion and without memory of its own.
 * A link leads to
 *
 *   cb            a notifier of the event whose status is in the run
 *   cb | OUTER    the next of an event that was interrupted; its status was put
 *                 by in the callback
 *   cb | SPECIAL  an arm, or kept
 *   group | SWEEP a decided group: its arms, then its drained event
 */

#include <kiobuf/group.h>

#include "base/math.h"
#include "core/atomic.h"

#define KIO__SWEEP ((uintptr_t)1)
#define KIO__OUTER ((uintptr_t)2)
#define KIO__SPECIAL ((uintptr_t)4)
#define KIO__TAGS ((uintptr_t)7)

/* In the word of a pending event: see event.c. */
#define KIO__MEMBER ((uintptr_t)2)

#define KIO__CB_ARM 2u /* in a callback's state */

struct kio__run {
	uintptr_t list;
	int status;
};

static inline struct kio_cb *
kio__link_cb(uintptr_t link)
{
	return (struct kio_cb *)(link & ~KIO__TAGS);
}

/* Something goes on top: the link for what is under it. */
static inline uintptr_t
kio__suspend(struct kio__run *run)
{
	uintptr_t list = run->list;

	if (list == 0 || (list & (KIO__SWEEP | KIO__OUTER)) != 0)
		return list;
	kio__link_cb(list)->status = run->status;
	return list | KIO__OUTER;
}

static inline bool
kio__event_is_shared(const struct kio_event *event)
{
	return (event->gen & KIO_EVENT_SHARED) != 0;
}

/* Nobody else touches the word: it is an owner's, or sealed. */
static inline bool
kio__event_is_plain(const struct kio_event *event)
{
	return (event->gen & (KIO_EVENT_SHARED | KIO_EVENT_SEALED)) != KIO_EVENT_SHARED;
}

/*
 * Replaces an event's word if it still is *was; else *was is what it is now. A
 * plain event's word was just read and cannot have changed.
 */
static inline bool
kio__event_swap(struct kio_event *event, uintptr_t *was, uintptr_t word)
{
	if (!kio__event_is_plain(event))
		return kio__cas(&event->word, was, word, ACQ_REL, ACQUIRE);
	kio__store(&event->word, word, RELEASE);
	return true;
}

/* The event, whose status is stored, happens; `decided` is the group whose own event it is, or NULL. */
void kio__happen(struct kio__run *run, struct kio_event *event, struct kio_group *decided);
/* Runs until nothing is left to do. */
void kio__run(struct kio__run *run);
/* As kio_event_detach; what it finds to do is put on the run. */
int kio__detach(struct kio__run *run, struct kio_event *event, struct kio_cb *cb);
/* For an event on which nobody is, or the callback alone, as is mostly so: false, if it is not. */
static inline bool
kio__attach_alone(struct kio_event *event, struct kio_cb *cb)
{
	uintptr_t none = 0;

	kio__store(&cb->next, 0, RELAXED);
	return (event->gen & KIO_EVENT_SEALED) == 0 && kio__load(&event->word, RELAXED) == 0 &&
	       kio__event_swap(event, &none, (uintptr_t)cb);
}

/* The callback is known to live: that of an arm, or of an owner's event. */
static inline bool
kio__detach_alone(struct kio_event *event, struct kio_cb *cb)
{
	uintptr_t word = (uintptr_t)cb;

	return kio__load(&event->word, RELAXED) == word && kio__load(&cb->next, RELAXED) == 0 &&
	       kio__event_swap(event, &word, 0);
}

/* group.c */
/* Counts that decide have moved: the event of the group that happens now, or NULL. */
struct kio_event *kio__group_moved(struct kio_group *group, uint64_t before, uint64_t now);
/* A group was decided; its event is visible. */
void kio__leave_decided(struct kio__run *run, struct kio_group *group);
/* The group on top of the run goes through its arms. */
void kio__sweep(struct kio__run *run);

#endif
