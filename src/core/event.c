/* SPDX-License-Identifier: MIT */
/*
 * Events and groups of one owner: plain loads and stores.
 *
 * The word of an event is a link and tags:
 *
 *   0                  pending, nobody attached
 *   group | GROUP      pending; one group waits for it
 *   cb | ...           pending; a stack of callbacks, the last attached on top
 *   link               firing (gen is odd): the callbacks still to run,
 *                      interceptors first, then notifiers in order of attaching
 *   link | FIRED       the same, and the status is visible: notifiers are left
 *
 * A link leads to a callback and says by INTERCEPTOR of which kind it is. The
 * last callback's link has BOUNDARY and leads to the event whose callbacks come
 * after this one's. So the events in the middle of their callbacks are a stack
 * threaded through themselves, and a chain of any length or depth runs in one
 * loop, without recursion and without memory of its own.
 */
#include <kiobuf/event.h>

#include "core/group.h"

#define FIRED KIO_EVENT_FIRED
#define GROUP ((uintptr_t)2)    /* in a pending event's word */
#define BOUNDARY ((uintptr_t)2) /* in a link */
#define INTERCEPTOR ((uintptr_t)4)
#define TAGS ((uintptr_t)7)

static struct kio_cb *
link_cb(uintptr_t link)
{
	return (struct kio_cb *)(link & ~TAGS);
}

static uintptr_t
link_next(uintptr_t link)
{
	return (uintptr_t)link_cb(link)->next;
}

static void
link_set_next(uintptr_t link, uintptr_t next)
{
	link_cb(link)->next = (struct kio_cb *)next;
}

static bool
link_is_end(uintptr_t link)
{
	return link == 0 || (link & BOUNDARY) != 0;
}

/* --- firing ------------------------------------------------------------- */

/*
 * Sorts a stack of callbacks into the order in which they run, and hangs what
 * comes after behind the last. Returns the first link.
 */
static uintptr_t
sort_callbacks(uintptr_t stack, struct kio_event *after)
{
	uintptr_t notifiers = (uintptr_t)after | BOUNDARY, first = 0, last = 0, next;

	for (; stack != 0; stack = next) {
		next = link_next(stack);
		if ((stack & INTERCEPTOR) == 0) {
			link_set_next(stack, notifiers);
			notifiers = stack;
		} else {
			if (last == 0)
				first = stack;
			else
				link_set_next(last, stack);
			last = stack;
		}
	}
	if (last == 0)
		return notifiers;
	link_set_next(last, notifiers);
	return first;
}

/* Opens an event that has callbacks: they run next, and then `after`. */
static struct kio_event *
open_callbacks(struct kio_event *event, struct kio_event *after)
{
	uintptr_t link = sort_callbacks(event->word, after);

	event->gen |= KIO__FIRING;
	event->word = (link & INTERCEPTOR) != 0 ? link : link | FIRED;
	return event;
}

/* A group whose members all fired, after it was decided. */
static struct kio_event *
open_drained(struct kio_group *group, struct kio_event *after)
{
	struct kio_event *drained = &group->drained;

	drained->status = 0;
	if (drained->word == 0) {
		drained->word = FIRED;
		return after;
	}
	if ((drained->word & GROUP) != 0)
		kio__panic("kio_group: a drained event joins a group by kio_group_arm");
	return open_callbacks(drained, after);
}

/*
 * Sets in motion what the counts of a sealed group ask for: true, if its own
 * event is to happen now. Being drained goes below that on the stack: it comes
 * after.
 */
static bool
group_moves(struct kio_group *group, struct kio_event **stack)
{
	bool decided = !kio__group_is_decided(group) && kio__group_decides(group);

	if (kio__group_live(group) == 0 && (decided || kio__group_is_decided(group)))
		*stack = open_drained(group, *stack);
	return decided;
}

/* A member of the group fired. */
static bool
group_arrive(struct kio_group *group, int status, struct kio_event **stack)
{
	kio__group_leave(group, status);
	return kio__group_is_sealed(group) && group_moves(group, stack);
}

/*
 * The event happens: what it sets in motion is put on the stack. Direct members
 * of groups are climbed here, so nesting costs no stack either.
 */
static struct kio_event *
open_event(struct kio_event *event, struct kio_event *stack)
{
	struct kio_group *group;

	for (;;) {
		if (kio_event_fired(event) || kio__event_is_firing(event))
			kio__panic("kio_event: fired twice");
		if (event->word == 0) {
			event->word = FIRED;
			return stack;
		}
		if ((event->word & GROUP) == 0)
			return open_callbacks(event, stack);
		group = (struct kio_group *)(event->word & ~TAGS);
		event->word = FIRED;
		if (!group_arrive(group, event->status, &stack))
			return stack;
		event = &group->event;
	}
}

/* Stands for the arm of a group, in its callback; run() knows it. */
static struct kio_event *
arm_fired(struct kio_cb *cb, struct kio_event *event)
{
	(void)cb;
	return event;
}

/* An interceptor holds: takes the event off the stack, with all it has left. */
static struct kio_event *
set_aside(struct kio_event *event)
{
	uintptr_t link = event->word;
	struct kio_event *after;

	if (link_is_end(link)) {
		after = (struct kio_event *)(link & ~TAGS);
		event->word = BOUNDARY;
		return after;
	}
	while (!link_is_end(link_next(link)))
		link = link_next(link);
	after = (struct kio_event *)(link_next(link) & ~TAGS);
	link_set_next(link, BOUNDARY);
	return after;
}

static struct kio_event *
run_interceptor(struct kio_event *event)
{
	struct kio_cb *cb = link_cb(event->word);
	struct kio_event *answer;

	event->word = link_next(event->word);
	answer = cb->fn(cb, event);
	if (answer == KIO_CB_HOLD)
		return set_aside(event);
	if (answer != NULL)
		kio__panic("kio_event: an interceptor returns NULL or KIO_CB_HOLD");
	return event;
}

/* All callbacks were called: nothing is left of the event but that it happened. */
static struct kio_event *
finish(struct kio_event *event)
{
	struct kio_event *after = (struct kio_event *)(event->word & ~TAGS);

	event->word = FIRED;
	event->gen &= ~KIO__FIRING;
	return after;
}

/* The last notifier may free the event, so that is finished before the call. */
static struct kio_event *
run_notifier(struct kio_event *event)
{
	struct kio_cb *cb = link_cb(event->word);
	struct kio_event *stack = event, *next;
	struct kio_group *group;
	int status = event->status;

	event->word = (uintptr_t)cb->next | FIRED;
	if (link_is_end(event->word & ~FIRED))
		stack = finish(event);
	if (cb->fn == arm_fired) {
		group = kio_container_of(cb, struct kio_arm, cb)->group;
		next = group_arrive(group, status, &stack) ? &group->event : NULL;
	} else {
		next = cb->fn(cb, event);
	}
	if (next == KIO_CB_HOLD)
		kio__panic("kio_event: only an interceptor may hold");
	return next == NULL ? stack : open_event(next, stack);
}

/* Runs callbacks until nothing is left to do. */
static void
run(struct kio_event *stack)
{
	while (stack != NULL) {
		uintptr_t link = stack->word & ~FIRED;

		if (link_is_end(link))
			stack = finish(stack);
		else if ((link & INTERCEPTOR) != 0)
			stack = run_interceptor(stack);
		else
			stack = run_notifier(stack);
	}
}

void
kio_event_fire(struct kio_event *event, int status)
{
	if (kio__unlikely(kio_event_fired(event) || kio__event_is_firing(event)))
		kio__panic("kio_event: fired twice, status %d then %d", event->status, status);
	event->status = status;
	if (kio__likely(event->word == 0))
		event->word = FIRED;
	else
		run(open_event(event, NULL));
}

void
kio_event_resume(struct kio_event *event)
{
	if (!kio__event_is_firing(event) || kio_event_fired(event))
		kio__panic("kio_event: resumed, but nothing holds it");
	run(event);
}

/* --- attaching ---------------------------------------------------------- */

static int
attach(struct kio_event *event, struct kio_cb *cb, uintptr_t kind)
{
	if (kio_event_fired(event))
		return -EALREADY;
	if (kio__event_is_firing(event) || (event->word & GROUP) != 0)
		kio__panic("kio_event: attaching to an event that %s",
			   kio__event_is_firing(event) ? "is firing" : "is a group's member; use kio_group_arm");
	cb->next = (struct kio_cb *)event->word;
	event->word = (uintptr_t)cb | kind;
	return 0;
}

int
kio_event_attach(struct kio_event *event, struct kio_cb *cb)
{
	return attach(event, cb, 0);
}

int
kio_event_intercept(struct kio_event *event, struct kio_cb *cb)
{
	return attach(event, cb, INTERCEPTOR);
}

bool
kio_event_detach(struct kio_event *event, struct kio_cb *cb)
{
	uintptr_t state = event->word & FIRED, link = event->word & ~FIRED, before = 0;

	if (state == 0 && !kio__event_is_firing(event) && (link & GROUP) != 0)
		return false;
	while (!link_is_end(link) && link_cb(link) != cb) {
		before = link;
		link = link_next(link);
	}
	if (link_is_end(link))
		return false;
	if (before == 0)
		event->word = link_next(link) | state;
	else
		link_set_next(before, link_next(link));
	return true;
}

/* --- groups ------------------------------------------------------------- */

void
kio_group_init(struct kio_group *group, enum kio_policy policy, uint32_t k)
{
	if (policy == KIO_ANY)
		k = 1;
	group->event = (struct kio_event){ 0 };
	group->drained = (struct kio_event){ 0 };
	group->counts = 0;
	group->k = (uint32_t)policy << 30 | (k & 0x3fffffff);
	group->error = 0;
}

static void
expect_open(const struct kio_group *group)
{
	if (kio__group_is_sealed(group))
		kio__panic("kio_group: a member is added after the seal");
	if (kio__group_ok(group) + kio__group_failed(group) + kio__group_live(group) == KIO__GROUP_MOST)
		kio__panic("kio_group: more than %u members", KIO__GROUP_MOST);
}

void
kio_group_add(struct kio_group *group, struct kio_event *event)
{
	expect_open(group);
	if (kio_event_fired(event)) {
		kio__group_count(group, event->status);
		return;
	}
	if (event->word != 0 || kio__event_is_firing(event))
		kio__panic("kio_group: an event with callbacks joins by kio_group_arm");
	event->word = (uintptr_t)group | GROUP;
	kio__group_enter(group);
}

void
kio_group_arm(struct kio_group *group, struct kio_arm *arm, struct kio_event *event)
{
	expect_open(group);
	arm->cb.fn = arm_fired;
	arm->group = group;
	if (kio_event_attach(event, &arm->cb) < 0)
		kio__group_count(group, event->status);
	else
		kio__group_enter(group);
}

void
kio_group_seal(struct kio_group *group)
{
	struct kio_event *stack = NULL;

	if (kio__group_is_sealed(group))
		kio__panic("kio_group: sealed twice");
	kio__group_close(group);
	if (group_moves(group, &stack))
		stack = open_event(&group->event, stack);
	run(stack);
}
