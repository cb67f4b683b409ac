/* SPDX-License-Identifier: MIT */
#include "events.h"

TEST_BOTH("event: is 16 bytes, and pays for nothing that is not attached")
{
	struct kio_event event = fresh();

	CHECK_EQ(sizeof(event), 16);
	CHECK(!kio_event_fired(&event));
	kio_event_fire(&event, -5);
	CHECK(kio_event_fired(&event));
	CHECK_EQ(event.status, -5);
}

TEST("event: keeps its form and counts its lives when it is used again")
{
	struct kio_event event = { 0 };

	kio_event_init_shared(&event);
	kio_event_fire(&event, 0);
	kio_event_init_shared(&event);
	CHECK(!kio_event_fired(&event));
	CHECK_EQ(event.gen, 2 * KIO_EVENT_REUSE + KIO_EVENT_SHARED);
	kio_event_init(&event);
	CHECK_EQ(event.gen, 3 * KIO_EVENT_REUSE);
}

TEST_BOTH("event: interceptors last in first out, then notifiers in order")
{
	struct kio_event event = fresh();
	struct note a = make('a'), b = make('b'), x = make('x'), y = make('y');

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_attach(&event, &b.cb);
	kio_event_intercept(&event, &y.cb);
	kio_event_fire(&event, 3);
	CHECK_STR(order, "yxab");
	CHECK_EQ(seen_status, 3);
	CHECK_EQ(kio_event_attach(&event, &a.cb), -EALREADY);
	CHECK_EQ(kio_event_intercept(&event, &a.cb), -EALREADY);
}

/* --- holding ------------------------------------------------------------ */

TEST_BOTH("event: an interceptor that holds keeps the rest waiting, and the status hidden")
{
	struct kio_event event = fresh();
	struct note a = make('a'), x = make('x'), y = make('y');

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_intercept(&event, &y.cb);
	y.answer = KIO_CB_HOLD;
	kio_event_fire(&event, 0);
	CHECK_STR(order, "y");
	CHECK(!kio_event_fired(&event));
	kio_event_resume(&event, &y.cb, -7);
	CHECK_STR(order, "yxa");
	CHECK(kio_event_fired(&event));
	CHECK_EQ(event.status, -7);
	CHECK_EQ(seen_status, -7);
}

TEST_BOTH("event: the only interceptor holds")
{
	struct kio_event event = fresh();
	struct note x = make('x');

	reset();
	x.answer = KIO_CB_HOLD;
	kio_event_intercept(&event, &x.cb);
	kio_event_fire(&event, 0);
	CHECK(!kio_event_fired(&event));
	kio_event_resume(&event, &x.cb, 0);
	CHECK(kio_event_fired(&event));
}

TEST_BOTH("event: two interceptors hold, one after the other")
{
	struct kio_event event = fresh();
	struct note x = make('x'), y = make('y');

	reset();
	x.answer = y.answer = KIO_CB_HOLD;
	kio_event_intercept(&event, &x.cb);
	kio_event_intercept(&event, &y.cb);
	kio_event_fire(&event, 0);
	kio_event_resume(&event, &y.cb, 0);
	CHECK_STR(order, "yx");
	CHECK(!kio_event_fired(&event));
	kio_event_resume(&event, &x.cb, 0);
	CHECK(kio_event_fired(&event));
}

struct hasty {
	struct kio_cb cb;
	struct kio_event *event;
};

static struct kio_event *
resumes_at_once(struct kio_cb *cb, int status)
{
	kio_event_resume(((struct hasty *)cb)->event, cb, status - 1);
	return KIO_CB_HOLD;
}

TEST_BOTH("event: resumption may come before the callback that holds has returned")
{
	struct kio_event event = fresh();
	struct note a = make('a'), x = make('x');
	struct hasty hasty = { .cb.fn = resumes_at_once, .event = &event };

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_intercept(&event, &hasty.cb);
	kio_event_fire(&event, -1);
	CHECK_STR(order, "xa");
	CHECK_EQ(event.status, -2);
}

TEST_BOTH("event: notifiers come and go while an interceptor holds")
{
	struct kio_event event = fresh();
	struct note a = make('a'), b = make('b'), c = make('c'), x = make('x');

	reset();
	x.answer = KIO_CB_HOLD;
	kio_event_attach(&event, &a.cb);
	kio_event_attach(&event, &b.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_fire(&event, 0);
	CHECK_EQ(kio_event_attach(&event, &c.cb), 0);
	CHECK_EQ(kio_event_detach(&event, &a.cb), 0);
	CHECK_EQ(kio_event_intercept(&event, &a.cb), -EALREADY);
	CHECK_EQ(kio_event_detach(&event, &x.cb), -EALREADY);
	kio_event_resume(&event, &x.cb, 0);
	CHECK_STR(order, "xbc");
}

static struct kio_event *
makes_it_good(struct kio_cb *cb, int status)
{
	(void)status;
	kio_event_set(((struct hasty *)cb)->event, 0);
	return NULL;
}

TEST_BOTH("event: an interceptor changes the status before anybody sees it")
{
	struct kio_event event = fresh();
	struct note a = make('a');
	struct hasty good = { .cb.fn = makes_it_good, .event = &event };

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &good.cb);
	kio_event_fire(&event, -5);
	CHECK_EQ(seen_status, 0);
	CHECK_EQ(event.status, 0);
}

TEST_BOTH("event: an interceptor that answers with an event makes its own pending again")
{
	struct kio_event event = fresh(), again = fresh();
	struct note a = make('a'), x = make('x'), y = make('y'), z = make('z'), r = make('r');

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_intercept(&event, &y.cb);
	kio_event_intercept(&event, &z.cb);
	kio_event_attach(&again, &r.cb);
	y.answer = &again;
	kio_event_fire(&event, -5);
	CHECK_STR(order, "zyr");
	CHECK(!kio_event_fired(&event));
	y.answer = NULL;
	kio_event_fire(&event, 0);
	CHECK_STR(order, "zyryxa");
	CHECK_EQ(seen_status, 0);
}

/* --- detaching ---------------------------------------------------------- */

TEST_BOTH("event: a callback is detached once, from anywhere in the list")
{
	for (int which = 0; which < 5; which++) {
		struct kio_event event = fresh();
		struct note notes[5];
		char expected[6] = "dbace", *out;

		reset();
		for (int i = 0; i < 5; i++) {
			notes[i] = make((char)('a' + i));
			if (i == 1 || i == 3)
				kio_event_intercept(&event, &notes[i].cb);
			else
				kio_event_attach(&event, &notes[i].cb);
		}
		CHECK_EQ(kio_event_detach(&event, &notes[which].cb), 0);
		CHECK(kio_event_detach(&event, &notes[which].cb) < 0);
		out = strchr(expected, 'a' + which);
		memmove(out, out + 1, strlen(out));
		kio_event_fire(&event, 0);
		CHECK_STR(order, expected);
		CHECK_EQ(kio_event_detach(&event, &notes[(which + 1) % 5].cb), -EALREADY);
	}
}

TEST_BOTH("event: without its last interceptor it fires at once")
{
	struct kio_event event = fresh();
	struct note a = make('a'), x = make('x');

	reset();
	kio_event_intercept(&event, &x.cb);
	kio_event_attach(&event, &a.cb);
	CHECK_EQ(kio_event_detach(&event, &x.cb), 0);
	CHECK_EQ(event.word, (uintptr_t)&a.cb);
	CHECK_EQ(kio_event_detach(&event, &a.cb), 0);
	CHECK_EQ(event.word, 0);
}

struct asks {
	struct kio_cb cb;
	struct kio_event *event;
	struct kio_cb *about;
	int answer;
};

static struct kio_event *
asks(struct kio_cb *cb, int status)
{
	struct asks *self = (struct asks *)cb;

	(void)status;
	self->answer = kio_event_detach(self->event, self->about);
	return NULL;
}

TEST_BOTH("event: a callback that takes itself off is told that it runs")
{
	struct kio_event event = fresh();
	struct asks self = { .cb.fn = asks, .cb.state = KIO_CB_KEPT, .event = &event };

	self.about = &self.cb;
	kio_event_attach(&event, &self.cb);
	kio_event_fire(&event, 0);
	CHECK_EQ(self.answer, -EALREADY);
	CHECK_EQ(kio_event_detach(&event, &self.cb), -EALREADY);
	CHECK_EQ(kio_event_detach_wait(&event, &self.cb), -EALREADY);
}

TEST_BOTH("event: a kept callback that came too late is not waited for")
{
	struct kio_event event = fresh();
	struct note a = make('a'), x = make('x');

	a.cb.state = x.cb.state = KIO_CB_KEPT;
	kio_event_fire(&event, 0);
	CHECK_EQ(kio_event_attach(&event, &a.cb), -EALREADY);
	CHECK_EQ(kio_event_detach_wait(&event, &a.cb), -EALREADY);
	CHECK_EQ(kio_event_intercept(&event, &x.cb), -EALREADY);
	CHECK_EQ(kio_event_detach_wait(&event, &x.cb), -EALREADY);
}

static struct kio_event *
waits_for_it(struct kio_cb *cb, int status)
{
	struct asks *self = (struct asks *)cb;

	(void)status;
	kio_event_detach_wait(self->event, self->about);
	return NULL;
}

static void
wait_for_itself(void)
{
	struct kio_event event = fresh();
	struct asks self = { .cb.fn = waits_for_it, .cb.state = KIO_CB_KEPT, .event = &event };

	self.about = &self.cb;
	kio_event_attach(&event, &self.cb);
	kio_event_fire(&event, 0);
}

static void
wait_before_its_turn(void)
{
	struct kio_event event = fresh();
	struct note late = make('a');
	struct asks self = { .cb.fn = waits_for_it, .event = &event, .about = &late.cb };

	late.cb.state = KIO_CB_KEPT;
	kio_event_attach(&event, &self.cb);
	kio_event_attach(&event, &late.cb);
	kio_event_fire(&event, 0);
}

static void
wait_for_one_not_kept(void)
{
	struct kio_event event = fresh();
	struct note a = make('a');

	kio_event_attach(&event, &a.cb);
	kio_event_fire(&event, 0);
	kio_event_detach_wait(&event, &a.cb);
}

TEST_BOTH("event: to wait for the end of a callback inside it aborts and says so")
{
	CHECK(unit_aborts(wait_for_itself, "inside the callback"));
	CHECK(unit_aborts(wait_before_its_turn, "before its turn"));
	CHECK(unit_aborts(wait_for_one_not_kept, "not KIO_CB_KEPT"));
}

/* --- chains ------------------------------------------------------------- */

TEST_BOTH("event: a callback's answer fires before the rest of the list")
{
	struct kio_event one = fresh(), two = fresh();
	struct note a = make('a'), b = make('b'), c = make('c'), d = make('d');

	reset();
	kio_event_attach(&one, &a.cb);
	kio_event_attach(&one, &b.cb);
	kio_event_attach(&two, &c.cb);
	kio_event_attach(&two, &d.cb);
	a.answer = &two;
	a.answer_status = -7;
	kio_event_fire(&one, -3);
	CHECK_STR(order, "acdb");
	CHECK_EQ(two.status, -7);
	CHECK_EQ(one.status, -3);
	CHECK_EQ(seen_status, -3);
}

static struct kio_event *
frees(struct kio_cb *cb, int status)
{
	struct hasty *self = (struct hasty *)cb;

	(void)status;
	free(self->event);
	free(self);
	return NULL;
}

TEST_BOTH("event: a notifier may free the event and itself")
{
	struct kio_event *event = calloc(1, sizeof(*event));
	struct hasty *first = calloc(1, sizeof(*first));
	struct note rest = make('r');

	reset();
	*event = fresh();
	*first = (struct hasty){ .cb.fn = frees, .event = event };
	kio_event_attach(event, &first->cb);
	kio_event_attach(event, &rest.cb);
	kio_event_fire(event, -3);
	CHECK_STR(order, "r");
	CHECK_EQ(seen_status, -3);
}

#define LINKS 1000000

static void *
long_chain(void *priv)
{
	struct kio_event *events = calloc(LINKS, sizeof(*events));
	struct note *notes = calloc(LINKS, sizeof(*notes)), *tails = calloc(LINKS, sizeof(*tails));

	for (int i = 0; i < LINKS; i++) {
		events[i] = fresh();
		notes[i] = make(0);
		tails[i] = make(0);
		notes[i].answer = i + 1 < LINKS ? &events[i + 1] : NULL;
		kio_event_attach(&events[i], &notes[i].cb);
		kio_event_attach(&events[i], &tails[i].cb); /* so that each has more to do */
	}
	kio_event_fire(&events[0], 0);
	*(bool *)priv = kio_event_fired(&events[LINKS - 1]) && events[0].word == KIO_EVENT_FIRED;
	free(events);
	free(notes);
	free(tails);
	return NULL;
}

TEST_BOTH("event: a chain a million long runs on a stack of 64 KiB")
{
	if (SANITIZED)
		SKIP("sanitizers need more stack");
	CHECK(on_small_stack(long_chain));
}

static void *
long_retry(void *priv)
{
	struct kio_event *events = calloc(LINKS, sizeof(*events));
	struct note *notes = calloc(LINKS, sizeof(*notes));

	for (int i = 0; i < LINKS; i++) {
		events[i] = fresh();
		notes[i] = make(0);
		notes[i].answer = i + 1 < LINKS ? &events[i + 1] : NULL;
		kio_event_intercept(&events[i], &notes[i].cb);
	}
	kio_event_fire(&events[0], 0);
	*(bool *)priv = kio_event_fired(&events[LINKS - 1]) && !kio_event_fired(&events[0]);
	free(events);
	free(notes);
	return NULL;
}

TEST_BOTH("event: interceptors that answer with events, a million of them, on a stack of 64 KiB")
{
	if (SANITIZED)
		SKIP("sanitizers need more stack");
	CHECK(on_small_stack(long_retry));
}

/* --- batches, seals ----------------------------------------------------- */

TEST_BOTH("event: a batch fires one after the other, each with its status")
{
	struct kio_event one = fresh(), two = fresh(), three = fresh();
	struct kio_event *all[] = { &one, &two, &three };
	struct note a = make('a'), b = make('b'), c = make('c');

	reset();
	kio_event_attach(&one, &a.cb);
	kio_event_attach(&one, &b.cb);
	kio_event_attach(&three, &c.cb);
	kio_event_set(&one, -1);
	kio_event_set(&two, -2);
	kio_event_set(&three, -3);
	kio_event_fire_batch(all, 3);
	kio_event_fire_batch(all, 0);
	CHECK_STR(order, "abc");
	CHECK(kio_event_fired(&two));
	CHECK_EQ(two.status, -2);
	CHECK_EQ(seen_status, -3);
}

TEST("event: sealed it fires what is attached, and hides a status that is held")
{
	struct kio_event event = { 0 };
	struct note a = make('a'), x = make('x');

	reset();
	kio_event_init_shared(&event);
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_seal(&event);
	x.answer = KIO_CB_HOLD;
	kio_event_fire(&event, 0);
	CHECK(!kio_event_fired(&event));
	kio_event_resume(&event, &x.cb, -4);
	CHECK_STR(order, "xa");
	CHECK(kio_event_fired(&event));
	CHECK_EQ(event.status, -4);
}

/* --- misuse ------------------------------------------------------------- */

static void
fire_twice(void)
{
	struct kio_event event = fresh();

	kio_event_fire(&event, 1);
	kio_event_fire(&event, 2);
}

static void
fire_while_held(void)
{
	struct kio_event event = fresh();
	struct note x = make('x');

	x.answer = KIO_CB_HOLD;
	kio_event_intercept(&event, &x.cb);
	kio_event_fire(&event, 1);
	kio_event_fire(&event, 2);
}

static void
fire_twice_in_a_batch(void)
{
	struct kio_event event = fresh();
	struct kio_event *all[] = { &event, &event };

	kio_event_fire_batch(all, 2);
}

TEST_BOTH("event: to fire twice aborts and says so")
{
	CHECK(unit_aborts(fire_twice, "fired twice, status 1 then 2"));
	CHECK(unit_aborts(fire_while_held, "fired twice"));
	CHECK(unit_aborts(fire_twice_in_a_batch, "fired twice"));
}

static void
resume_nothing(void)
{
	struct kio_event event = fresh();
	struct note x = make('x');

	kio_event_intercept(&event, &x.cb);
	kio_event_resume(&event, &x.cb, 0);
}

static void
resume_by_another(void)
{
	struct kio_event event = fresh();
	struct note x = make('x'), y = make('y');

	y.answer = KIO_CB_HOLD;
	kio_event_intercept(&event, &x.cb);
	kio_event_intercept(&event, &y.cb);
	kio_event_fire(&event, 0);
	kio_event_resume(&event, &x.cb, 0);
}

static struct kio_event *
resumes_twice(struct kio_cb *cb, int status)
{
	kio_event_resume(((struct hasty *)cb)->event, cb, status);
	return resumes_at_once(cb, status);
}

static void
resume_twice(void)
{
	struct kio_event event = fresh();
	struct hasty hasty = { .cb.fn = resumes_twice, .event = &event };

	kio_event_intercept(&event, &hasty.cb);
	kio_event_fire(&event, 0);
}

static void
hold_by_notifier(void)
{
	struct kio_event event = fresh();
	struct note a = make('a');

	a.answer = KIO_CB_HOLD;
	kio_event_attach(&event, &a.cb);
	kio_event_fire(&event, 0);
}

static void
attach_to_member(void)
{
	struct kio_event event = fresh();
	struct kio_group group;
	struct note a = make('a');

	init_group(&group, KIO_ALL, 0);
	kio_group_add(&group, &event);
	kio_event_attach(&event, &a.cb);
}

static void
attach_to_sealed(void)
{
	struct kio_event event = fresh();
	struct note a = make('a');

	kio_event_seal(&event);
	kio_event_attach(&event, &a.cb);
}

static void
detach_from_sealed(void)
{
	struct kio_event event = fresh();
	struct note a = make('a');

	kio_event_attach(&event, &a.cb);
	kio_event_seal(&event);
	kio_event_detach(&event, &a.cb);
}

static void
wait_for_an_owners(void)
{
	struct kio_event event = { 0 };

	kio_event_wait(&event, UINT64_MAX, 0);
}

TEST_BOTH("event: misuse aborts and says what is wrong")
{
	CHECK(unit_aborts(resume_nothing, "nothing holds it"));
	CHECK(unit_aborts(resume_by_another, "by a callback that does not hold it"));
	CHECK(unit_aborts(resume_twice, "resumed twice"));
	CHECK(unit_aborts(hold_by_notifier, "only an interceptor may hold"));
	CHECK(unit_aborts(attach_to_member, "use kio_group_arm"));
	CHECK(unit_aborts(attach_to_sealed, "attaching to an event that is sealed"));
	CHECK(unit_aborts(detach_from_sealed, "detaching from an event that is sealed"));
	CHECK(unit_aborts(wait_for_an_owners, "an owner's event"));
}

TEST_BOTH("event: a callback is not found on an event that is a group's member")
{
	struct kio_event event = fresh();
	struct kio_group group;
	struct note a = make('a');

	init_group(&group, KIO_ALL, 0);
	kio_group_add(&group, &event);
	CHECK_EQ(kio_event_detach(&event, &a.cb), -EALREADY);
	kio_group_seal(&group);
	kio_event_fire(&event, 0);
	CHECK(kio_event_fired(&group.event));
}
