/* SPDX-License-Identifier: MIT */
/*
 * Events: what happens when one fires, and who may still get on or off.
 *
 * All is decided by one word, which only ever changes as a whole:
 *
 *   0                  pending, nobody attached
 *   cb                 pending; a stack of notifiers, the last attached on top
 *   cb | INTERCEPTED   the same, with interceptors among them
 *   group | MEMBER     pending; one group waits for it, and nobody else may
 *   cb | FIRING        its interceptors run, or one holds; notifiers still come
 *                      and go. cb may be 0.
 *   FIRED              its status is visible
 *
 * BUSY in the place of cb: somebody has the stack in hand, to take something out
 * of the middle. He who fires does not wait for that: he says so in the word
 * (BUSY | FIRED, BUSY | FIRING) and leaves the rest to the one who is busy. He
 * who attaches waits, for as long as it takes to walk a list.
 *
 * While attached, a callback's `next` says by INTERCEPTOR what itself is.
 *
 * An owner's event goes through the same states by plain loads and stores, and
 * so does a sealed one.
 */
#include "core/event.h"

#include "core/group.h"

#define FIRED KIO_EVENT_FIRED
#define MEMBER KIO__MEMBER
#define INTERCEPTED ((uintptr_t)4)
#define FIRING ((uintptr_t)6)
#define TAGS KIO__TAGS
#define BUSY ((uintptr_t)8)

#define INTERCEPTOR ((uintptr_t)4) /* in a callback's next */

/* A callback's state, beside KIO_CB_KEPT and KIO__CB_ARM. */
#define CALLED 4u   /* an interceptor */
#define HELD 8u     /* it has returned KIO_CB_HOLD */
#define RESUMED 16u /* kio_event_resume has come */
#define RETURNED 32u
#define THREAD 8 /* a kept one: the thread that calls it, from this bit on */

static uintptr_t
next_of(const struct kio_cb *cb)
{
	return kio__load(&cb->next, RELAXED);
}

/* One who detaches may look at the callback's link while others are at it. */
static void
set_next(struct kio_cb *cb, uintptr_t next)
{
	kio__store(&cb->next, next, RELAXED);
}

/* --- the state of callbacks --------------------------------------------- */

static bool
is_kept(const struct kio_cb *cb)
{
	return (kio__load(&cb->state, RELAXED) & KIO_CB_KEPT) != 0;
}

/* By the one thread that may, at that moment; others look. */
static void
set_state(struct kio_cb *cb, uint32_t state)
{
	kio__store(&cb->state, state, RELEASE);
}

/* It will be called by this thread. */
static uint32_t
kept_here(const struct kio_cb *cb)
{
	return is_kept(cb) ? KIO_CB_KEPT | kio__thread_number() << THREAD : 0;
}

/*
 * The holding callback and its resumption meet here: whoever comes second goes
 * on. Returns what was known before.
 */
static uint32_t
meet(const struct kio_event *event, struct kio_cb *cb, uint32_t news)
{
	uint32_t was;

	if (kio__event_is_shared(event))
		return kio__or(&cb->state, news, ACQ_REL);
	was = cb->state;
	cb->state = was | news;
	return was;
}

/* --- firing ------------------------------------------------------------- */

/* The event has happened: its notifiers run next, those attached first first. */
static inline __attribute__((always_inline)) void
push(struct kio__run *run, uintptr_t stack, int status)
{
	uintptr_t after = kio__suspend(run), next;
	struct kio_cb *cb;

	for (; stack != 0; stack = next) {
		cb = (struct kio_cb *)stack;
		next = next_of(cb);
		set_next(cb, after);
		after = stack;
		if (kio__unlikely(kio__load(&cb->state, RELAXED) != 0)) {
			after |= KIO__SPECIAL;
			if (is_kept(cb))
				set_state(cb, kept_here(cb));
		}
	}
	run->list = after;
	run->status = status;
}

/* All interceptors are through: the status becomes visible. */
static void
publish(struct kio__run *run, struct kio_event *event)
{
	uintptr_t word = kio__load(&event->word, ACQUIRE);
	int status = event->status;

	while (!kio__event_swap(event, &word, (word & ~TAGS) == BUSY ? BUSY | FIRED : FIRED))
		;
	word &= ~TAGS;
	if (word != 0 && word != BUSY)
		push(run, word, status);
}

/* It did not happen: the callback and those below it are attached as before. */
static void
put_back(struct kio_event *event, struct kio_cb *cb)
{
	uintptr_t word = kio__load(&event->word, ACQUIRE);
	struct kio_cb *last = cb;

	set_state(cb, is_kept(cb) ? KIO_CB_KEPT : 0);
	while ((next_of(last) & ~TAGS) != 0)
		last = kio__link_cb(next_of(last));
	do {
		while ((word & ~TAGS) == BUSY) {
			kio__relax();
			word = kio__load(&event->word, ACQUIRE);
		}
		set_next(last, (word & ~TAGS) | INTERCEPTOR);
	} while (!kio__event_swap(event, &word, (uintptr_t)cb | INTERCEPTED));
}

/* Calls interceptors from cb on. Returns the event that happens instead, or NULL. */
static struct kio_event *
run_interceptors(struct kio__run *run, struct kio_event *event, struct kio_cb *cb)
{
	struct kio_event *answer;
	struct kio_cb *next;
	bool kept;

	for (; cb != NULL; cb = next) {
		next = kio__link_cb(next_of(cb));
		kept = is_kept(cb);
		set_state(cb, kept_here(cb) | CALLED);
		answer = cb->fn(cb, event->status);
		if (answer == KIO_CB_HOLD) {
			if ((meet(event, cb, HELD | RETURNED) & RESUMED) == 0)
				return NULL;
		} else if (answer != NULL) {
			put_back(event, cb);
			return answer;
		} else if (kept) {
			set_state(cb, KIO_CB_KEPT | RETURNED);
		}
	}
	publish(run, event);
	return NULL;
}

/*
 * Sorts the stack of an event that is BUSY | FIRING in our hand: notifiers go
 * back into the word, interceptors are run.
 */
static struct kio_event *
intercept(struct kio__run *run, struct kio_event *event, uintptr_t stack)
{
	struct kio_cb *first = NULL, *last = NULL, *below = NULL, *cb;
	uintptr_t notifiers = 0, next;

	for (; stack != 0; stack = next & ~TAGS) {
		cb = kio__link_cb(stack);
		next = next_of(cb);
		if ((next & INTERCEPTOR) != 0) {
			if (last == NULL)
				first = cb;
			else
				set_next(last, (uintptr_t)cb | INTERCEPTOR);
			last = cb;
		} else {
			if (below == NULL)
				notifiers = (uintptr_t)cb;
			else
				set_next(below, (uintptr_t)cb);
			below = cb;
		}
	}
	if (last != NULL)
		set_next(last, INTERCEPTOR);
	if (below != NULL)
		set_next(below, 0);
	kio__store(&event->word, notifiers | FIRING, RELEASE);
	return run_interceptors(run, event, first);
}

static __attribute__((cold, noinline)) void
fired_twice(const struct kio_event *event)
{
	kio__panic("kio_event: fired twice, status %d", event->status);
}

/* Takes the event out of the hands of all others. Returns its word as it was. */
static inline __attribute__((always_inline)) uintptr_t
take(struct kio_event *event)
{
	uintptr_t word = kio__load(&event->word, ACQUIRE), next;

	do {
		next = FIRED;
		if (kio__unlikely((word & (FIRED | INTERCEPTED)) != 0)) {
			if ((word & FIRED) != 0 || (word & TAGS) == FIRING)
				fired_twice(event);
			next = BUSY | FIRING;
		} else if (kio__unlikely(word == BUSY)) {
			next = BUSY | FIRED;
		}
	} while (!kio__event_swap(event, &word, next));
	return word;
}

static struct kio_group *
group_of(uintptr_t word)
{
	return (struct kio_group *)(word & ~TAGS);
}

/*
 * The event happens: what that sets in motion is put on the run. Members of
 * groups are climbed here, so nesting costs no stack either.
 */
static inline __attribute__((always_inline)) void
happen(struct kio__run *run, struct kio_event *event, struct kio_group *decided)
{
	while (event != NULL) {
		int status = event->status;
		uintptr_t word = take(event);
		struct kio_group *group;

		if (decided != NULL)
			kio__leave_decided(run, decided);
		decided = NULL;
		if (word == 0 || (word & ~TAGS) == BUSY)
			return;
		switch (word & TAGS) {
		case 0:
			push(run, word, status);
			return;
		case INTERCEPTED:
			event = intercept(run, event, word & ~TAGS);
			break;
		default:
			group = group_of(word);
			event = kio__arrive(group, kio__arrival(group, status));
			if (event == &group->event)
				decided = group;
			break;
		}
	}
}

void
kio__happen(struct kio__run *run, struct kio_event *event, struct kio_group *decided)
{
	happen(run, event, decided);
}

/* An arm, or a callback that is kept. */
static __attribute__((noinline)) struct kio_event *
call_special(struct kio_cb *cb, int status, struct kio_group **decided)
{
	struct kio_event *next;
	struct kio_group *group;

	if (is_kept(cb)) {
		next = cb->fn(cb, status);
		set_state(cb, KIO_CB_KEPT | RETURNED);
		return next;
	}
	group = kio_container_of(cb, struct kio_arm, cb)->group;
	next = kio__arrive(group, kio__arrival(group, status));
	if (next == &group->event)
		*decided = group;
	return next;
}

/* The callbacks on top, until one has more to do. */
static inline __attribute__((always_inline)) void
call_some(struct kio__run *run)
{
	struct kio_group *decided = NULL;
	uintptr_t list = run->list;
	int status = run->status;
	struct kio_event *next;
	struct kio_cb *cb;

	do {
		cb = kio__link_cb(list);
		if ((list & KIO__OUTER) != 0)
			status = cb->status;
		if (kio__unlikely((list & KIO__SPECIAL) != 0)) {
			list = next_of(cb);
			next = call_special(cb, status, &decided);
		} else {
			list = next_of(cb);
			next = cb->fn(cb, status);
		}
	} while (next == NULL && list != 0 && (list & KIO__SWEEP) == 0);
	run->list = list;
	run->status = status;
	if (next == NULL)
		return;
	if (next == KIO_CB_HOLD)
		kio__panic("kio_event: only an interceptor may hold");
	kio__happen(run, next, decided);
}

static inline __attribute__((always_inline)) void
run_all(struct kio__run *run)
{
	while (run->list != 0) {
		if ((run->list & KIO__SWEEP) != 0)
			kio__sweep(run);
		else
			call_some(run);
	}
}

void
kio__run(struct kio__run *run)
{
	run_all(run);
}

static __attribute__((noinline)) void
fire(struct kio_event *event, struct kio_group *decided)
{
	struct kio__run run = { 0 };

	happen(&run, event, decided);
	run_all(&run);
}

static __attribute__((noinline)) void
fire_slowly(struct kio_event *event, int status)
{
	if (kio_event_fired(event))
		kio__panic("kio_event: fired twice, status %d then %d", event->status, status);
	event->status = status;
	fire(event, NULL);
}

/* Counts that decide have moved. */
static __attribute__((noinline)) void
moved(struct kio_group *group, uint64_t before, uint64_t now)
{
	struct kio_event *event = kio__group_moved(group, before, now);

	fire(event, event == &group->event ? group : NULL);
}

/* What most events are, unused or members that decide nothing, is done here. */
void
kio_event_fire_attached(struct kio_event *event, int status)
{
	uintptr_t word = kio__load(&event->word, ACQUIRE);
	struct kio_group *group;
	uint64_t what, now;

	if (kio__unlikely(word != 0 && (word & TAGS) != MEMBER)) {
		fire_slowly(event, status);
		return;
	}
	event->status = status;
	if (kio__unlikely(!kio__event_swap(event, &word, FIRED))) {
		fire_slowly(event, status);
		return;
	}
	if (word == 0)
		return;
	group = group_of(word);
	what = kio__arrival(group, status);
	now = kio__count(group, what);
	if (kio__unlikely((now & KIO__DECIDING) != 0))
		moved(group, now - what, now);
}

/* Members of one group in a row have fired. */
static void
arrive_together(struct kio__run *run, struct kio_group *group, uint64_t what)
{
	struct kio_event *event;

	if (group == NULL)
		return;
	event = kio__arrive(group, what);
	kio__happen(run, event, event == &group->event ? group : NULL);
	kio__run(run);
}

void
kio_event_fire_batch(struct kio_event *const *events, size_t count)
{
	struct kio_group *group = NULL;
	struct kio__run run = { 0 };
	uint64_t what = 0;

	for (size_t i = 0; i < count; i++) {
		uintptr_t word = kio__load(&events[i]->word, ACQUIRE);
		struct kio_group *next = (word & TAGS) == MEMBER ? group_of(word) : NULL;

		if (next != group || next == NULL) {
			arrive_together(&run, group, what);
			group = next;
			what = 0;
		}
		if (next != NULL) {
			what += kio__arrival(next, events[i]->status);
			take(events[i]);
		} else {
			kio__happen(&run, events[i], NULL);
			kio__run(&run);
		}
	}
	arrive_together(&run, group, what);
}

void
kio_event_resume(struct kio_event *event, struct kio_cb *cb, int status)
{
	struct kio__run run = { 0 };
	uint32_t was;

	if ((kio__load(&event->word, ACQUIRE) & TAGS) != FIRING)
		kio__panic("kio_event: resumed, but nothing holds it");
	event->status = status;
	was = meet(event, cb, RESUMED);
	if ((was & CALLED) == 0 || (was & RESUMED) != 0)
		kio__panic("kio_event: resumed %s", (was & CALLED) == 0 ?
			   "by a callback that does not hold it" : "twice");
	if ((was & HELD) == 0)
		return;
	kio__happen(&run, run_interceptors(&run, event, kio__link_cb(next_of(cb))), NULL);
	kio__run(&run);
}

/* --- getting on and off ------------------------------------------------- */

static void
expect_unsealed(const struct kio_event *event, const char *what)
{
	if (kio__unlikely((event->gen & KIO_EVENT_SEALED) != 0))
		kio__panic("kio_event: %s an event that is sealed", what);
}

/* It is not used: nobody has to wait until it returns. */
static int
too_late(struct kio_cb *cb)
{
	if (is_kept(cb))
		set_state(cb, KIO_CB_KEPT | RETURNED);
	return -EALREADY;
}

static int
attach(struct kio_event *event, struct kio_cb *cb, uintptr_t kind)
{
	uintptr_t word = kio__load(&event->word, ACQUIRE);

	expect_unsealed(event, "attaching to");
	cb->state &= KIO_CB_KEPT | KIO__CB_ARM;
	for (;;) {
		if ((word & FIRED) != 0 || ((word & TAGS) == FIRING && kind == INTERCEPTOR))
			return too_late(cb);
		if (kio__unlikely((word & TAGS) == MEMBER))
			kio__panic("kio_event: attaching to an event that is a group's member; use kio_group_arm");
		if (kio__unlikely((word & ~TAGS) == BUSY)) {
			kio__relax();
			word = kio__load(&event->word, ACQUIRE);
			continue;
		}
		set_next(cb, (word & ~TAGS) | kind);
		if (kio__event_swap(event, &word, (uintptr_t)cb | (word & TAGS) | kind))
			return 0;
	}
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

/* Takes a callback out of a stack that is in our hand. Are there interceptors left? */
static bool
take_out(uintptr_t *stack, const struct kio_cb *cb, bool *found)
{
	struct kio_cb *before = NULL, *at;
	bool intercepted = false;

	*found = false;
	for (uintptr_t link = *stack; link != 0; link = next_of(at) & ~TAGS) {
		at = kio__link_cb(link);
		if (at != cb) {
			intercepted = intercepted || (next_of(at) & INTERCEPTOR) != 0;
			before = at;
			continue;
		}
		*found = true;
		if (before == NULL)
			*stack = next_of(at) & ~TAGS;
		else
			set_next(before, (next_of(at) & ~TAGS) | (next_of(before) & INTERCEPTOR));
	}
	return intercepted;
}

/* The event fired while its stack was in our hand: then it is for us to go on. */
static void
take_over(struct kio__run *run, struct kio_event *event, uintptr_t word, uintptr_t stack)
{
	if ((word & FIRED) != 0)
		push(run, stack, event->status);
	else
		kio__happen(run, intercept(run, event, stack), NULL);
}

/*
 * The callback may be gone, by its own call, unless it is found in the stack: so
 * it is not looked at before that is in our hand.
 */
int
kio__detach(struct kio__run *run, struct kio_event *event, struct kio_cb *cb)
{
	uintptr_t word = kio__load(&event->word, ACQUIRE), stack, busy, left;
	bool found;

	for (;;) {
		stack = word & ~TAGS;
		if ((word & FIRED) != 0 || (word & TAGS) == MEMBER || stack == 0)
			return -EALREADY;
		if (stack == BUSY) {
			kio__relax();
			word = kio__load(&event->word, ACQUIRE);
			continue;
		}
		busy = BUSY | (word & TAGS);
		if (kio__event_swap(event, &word, busy))
			break;
	}
	left = take_out(&stack, cb, &found) ? INTERCEPTED : 0;
	if ((word & TAGS) == FIRING)
		left = FIRING;
	if (!kio__event_swap(event, &busy, stack | left))
		take_over(run, event, busy, stack);
	return found ? 0 : -EALREADY;
}

int
kio_event_detach(struct kio_event *event, struct kio_cb *cb)
{
	struct kio__run run = { 0 };
	int rc;

	expect_unsealed(event, "detaching from");
	rc = kio__detach(&run, event, cb);
	kio__run(&run);
	return rc;
}

/* Of a kept callback that was called, or is about to be. */
static bool
has_returned(const struct kio_cb *cb)
{
	return (kio__load(&cb->state, ACQUIRE) & RETURNED) != 0;
}

int
kio_event_detach_wait(struct kio_event *event, struct kio_cb *cb)
{
	if (!is_kept(cb))
		kio__panic("kio_event_detach_wait: the callback is not KIO_CB_KEPT");
	/* again, as one that was about to be called may be put back instead */
	while (kio_event_detach(event, cb) < 0) {
		if (has_returned(cb))
			return -EALREADY;
		if (kio__load(&cb->state, ACQUIRE) >> THREAD == kio__thread_number() &&
		    !has_returned(cb))
			kio__panic("kio_event_detach_wait: inside the callback, or before its turn on this thread");
		kio__relax();
	}
	return 0;
}
