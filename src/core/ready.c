/* SPDX-License-Identifier: MIT */
/*
 * Any of many, again and again: a stack that fired arms are pushed on and the
 * one who takes reverses. While it is empty and its event pending, it holds
 * WAITED: the push that finds this fires the event.
 */
#include <kiobuf/ready.h>

#include "core/event.h"

#define WAITED ((uintptr_t)1)

static struct kio_ready_arm *
link_arm(uintptr_t link)
{
	return (struct kio_ready_arm *)link;
}

static bool
swap(struct kio_ready *ready, uintptr_t *was, uintptr_t word)
{
	if (kio__event_is_shared(&ready->event))
		return kio__cas(&ready->fired, was, word, ACQ_REL, RELAXED);
	ready->fired = word;
	return true;
}

/* The arm's event fired. Once it is pushed it may be taken, and armed again. */
static struct kio_event *
push(struct kio_cb *cb, int status)
{
	struct kio_ready_arm *arm = kio_container_of(cb, struct kio_ready_arm, cb);
	struct kio_ready *ready = arm->ready;
	uintptr_t was = kio__load(&ready->fired, RELAXED);

	cb->status = status;
	do
		cb->next = was & ~WAITED;
	while (!swap(ready, &was, (uintptr_t)arm));
	return was == WAITED ? kio_event_set(&ready->event, 0) : NULL;
}

void
kio_ready_init(struct kio_ready *ready)
{
	*ready = (struct kio_ready){ .event.word = KIO_EVENT_FIRED };
}

void
kio_ready_init_shared(struct kio_ready *ready)
{
	kio_ready_init(ready);
	ready->event.gen = KIO_EVENT_SHARED;
}

void
kio_ready_arm(struct kio_ready *ready, struct kio_ready_arm *arm, struct kio_event *event)
{
	struct kio__run run = { 0 };

	if (kio__unlikely(kio__event_is_shared(event) != kio__event_is_shared(&ready->event)))
		kio__panic("kio_ready: the list and its events are to be all shared, or all an owner's");
	arm->cb.fn = push;
	arm->event = event;
	arm->ready = ready;
	arm->cb.state = 0;
	if (!kio__attach_alone(event, &arm->cb) && kio_event_attach(event, &arm->cb) < 0) {
		event = push(&arm->cb, event->status);
		kio__happen(&run, event, NULL);
		kio__run(&run);
	}
}

struct kio_ready_arm *
kio_ready_take(struct kio_ready *ready)
{
	uintptr_t link = kio__load(&ready->fired, RELAXED), next;
	struct kio_ready_arm *arm;

	if (ready->taken == 0 && (link & ~WAITED) != 0) {
		if (kio__event_is_shared(&ready->event))
			link = kio__xchg(&ready->fired, 0, ACQUIRE);
		else
			ready->fired = 0;
		for (; link != 0; link = next) {
			arm = link_arm(link);
			next = arm->cb.next;
			arm->cb.next = ready->taken;
			ready->taken = link;
		}
	}
	arm = link_arm(ready->taken);
	if (arm != NULL)
		ready->taken = arm->cb.next;
	return arm;
}

struct kio_event *
kio_ready_event(struct kio_ready *ready)
{
	struct kio_event *event = &ready->event;
	uintptr_t none = 0;

	if (!kio_event_fired(event) || ready->taken != 0)
		return event;
	if (kio__load(&ready->fired, RELAXED) != 0)
		return event;
	/* not its gen: those who push look there for the form */
	event->word = 0;
	if (!swap(ready, &none, WAITED))
		event->word = KIO_EVENT_FIRED;
	return event;
}
