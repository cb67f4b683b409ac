/* SPDX-License-Identifier: MIT */
#include <kiobuf/event.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static char order[64];
static int seen_status;

struct note {
	struct kio_cb cb;
	char letter;
	struct kio_event *answer;
	int answer_status;
};

static struct kio_event *
note(struct kio_cb *cb, struct kio_event *event)
{
	struct note *self = (struct note *)cb;
	size_t len = strlen(order);

	order[len] = self->letter;
	seen_status = event->status;
	return self->answer == NULL || self->answer == KIO_CB_HOLD ?
		       self->answer : kio_event_set(self->answer, self->answer_status);
}

static struct note
make(char letter)
{
	return (struct note){ .cb.fn = note, .letter = letter };
}

static void
reset(void)
{
	memset(order, 0, sizeof(order));
	seen_status = 99;
}

TEST("event: is 16 bytes, and pays for nothing that is not attached")
{
	struct kio_event event = { 0 };

	CHECK_EQ(sizeof(event), 16);
	CHECK(!kio_event_fired(&event));
	kio_event_fire(&event, -5);
	CHECK(kio_event_fired(&event));
	CHECK_EQ(event.status, -5);
}

TEST("event: interceptors last in first out, then notifiers in order")
{
	struct kio_event event = { 0 };
	struct note a = make('a'), b = make('b'), x = make('x'), y = make('y');

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_attach(&event, &b.cb);
	kio_event_intercept(&event, &y.cb);
	kio_event_fire(&event, 3);
	CHECK_STR(order, "yxab");
	CHECK_EQ(kio_event_attach(&event, &a.cb), -114 /* EALREADY */);
}

TEST("event: an interceptor that holds keeps the rest waiting, and the status hidden")
{
	struct kio_event event = { 0 };
	struct note a = make('a'), x = make('x'), y = make('y');

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_intercept(&event, &x.cb);
	kio_event_intercept(&event, &y.cb);
	y.answer = KIO_CB_HOLD;
	kio_event_fire(&event, 0);
	CHECK_STR(order, "y");
	CHECK(!kio_event_fired(&event));
	kio_event_resume(&event);
	CHECK_STR(order, "yxa");
	CHECK(kio_event_fired(&event));
}

TEST("event: the only interceptor holds")
{
	struct kio_event event = { 0 };
	struct note x = make('x');

	reset();
	x.answer = KIO_CB_HOLD;
	kio_event_intercept(&event, &x.cb);
	kio_event_fire(&event, 0);
	CHECK(!kio_event_fired(&event));
	kio_event_resume(&event);
	CHECK(kio_event_fired(&event));
}

TEST("event: a callback is detached once, from anywhere in the list")
{
	struct kio_event event = { 0 };
	struct note a = make('a'), b = make('b'), c = make('c');

	reset();
	kio_event_attach(&event, &a.cb);
	kio_event_attach(&event, &b.cb);
	kio_event_attach(&event, &c.cb);
	CHECK(kio_event_detach(&event, &b.cb));
	CHECK(!kio_event_detach(&event, &b.cb));
	kio_event_fire(&event, 0);
	CHECK_STR(order, "ac");
	CHECK(!kio_event_detach(&event, &a.cb));
}

TEST("event: a callback's answer fires before the rest of the list")
{
	struct kio_event one = { 0 }, two = { 0 };
	struct note a = make('a'), b = make('b'), c = make('c'), d = make('d');

	reset();
	kio_event_attach(&one, &a.cb);
	kio_event_attach(&one, &b.cb);
	kio_event_attach(&two, &c.cb);
	kio_event_attach(&two, &d.cb);
	a.answer = &two;
	a.answer_status = -7;
	kio_event_fire(&one, 0);
	CHECK_STR(order, "acdb");
	CHECK_EQ(two.status, -7);
	CHECK_EQ(one.status, 0);
}

static struct kio_event *
frees(struct kio_cb *cb, struct kio_event *event)
{
	free(cb);
	free(event);
	return NULL;
}

TEST("event: the last callback may free the event and itself")
{
	struct kio_event *event = calloc(1, sizeof(*event));
	struct kio_cb *cb = calloc(1, sizeof(*cb));

	cb->fn = frees;
	kio_event_attach(event, cb);
	kio_event_fire(event, 0);
	CHECK(true);
}

static void
fire_twice(void)
{
	struct kio_event event = { 0 };

	kio_event_fire(&event, 1);
	kio_event_fire(&event, 2);
}

TEST("event: to fire twice aborts and says so")
{
	CHECK(unit_aborts(fire_twice, "fired twice"));
}

#define LINKS 1000000

static void *
long_chain(void *priv)
{
	struct kio_event *events = calloc(LINKS, sizeof(*events));
	struct note *notes = calloc(LINKS, sizeof(*notes)), *tails = calloc(LINKS, sizeof(*tails));

	for (int i = 0; i < LINKS; i++) {
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

static void *
deep_nest(void *priv)
{
	struct kio_group *groups = calloc(LINKS, sizeof(*groups));
	struct kio_event leaf = { 0 };

	for (int i = 0; i < LINKS; i++) {
		kio_group_init(&groups[i], KIO_ALL, 0);
		kio_group_add(&groups[i], i == 0 ? &leaf : &groups[i - 1].event);
		kio_group_seal(&groups[i]);
	}
	kio_event_fire(&leaf, 0);
	*(bool *)priv = kio_event_fired(&groups[LINKS - 1].event) &&
			kio_event_fired(&groups[LINKS - 1].drained);
	free(groups);
	return NULL;
}

static bool
on_small_stack(void *(*run)(void *))
{
	pthread_attr_t attr;
	pthread_t thread;
	bool good = false;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 * 1024);
	if (pthread_create(&thread, &attr, run, &good) != 0)
		return false;
	pthread_join(thread, NULL);
	return good;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

TEST("event: a chain a million long runs on a stack of 64 KiB")
{
	if (SANITIZED)
		SKIP("sanitizers need more stack");
	CHECK(on_small_stack(long_chain));
}

TEST("group: a nest a million deep runs on a stack of 64 KiB")
{
	if (SANITIZED)
		SKIP("sanitizers need more stack");
	CHECK(on_small_stack(deep_nest));
}

/* --- groups ------------------------------------------------------------- */

struct setup {
	struct kio_group group;
	struct kio_event events[4];
};

static void
set_up(struct setup *setup, enum kio_policy policy, unsigned k)
{
	memset(setup, 0, sizeof(*setup));
	kio_group_init(&setup->group, policy, k);
	for (int i = 0; i < 4; i++)
		kio_group_add(&setup->group, &setup->events[i]);
	kio_group_seal(&setup->group);
}

TEST("group: all, when the last succeeds")
{
	struct setup setup;

	set_up(&setup, KIO_ALL, 0);
	for (int i = 0; i < 3; i++)
		kio_event_fire(&setup.events[i], 0);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[3], 0);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, 0);
	CHECK(kio_event_fired(&setup.group.drained));
}

TEST("group: all fails with the first error, and drains with the last member")
{
	struct setup setup;

	set_up(&setup, KIO_ALL, 0);
	kio_event_fire(&setup.events[2], -5);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, -5);
	CHECK(!kio_event_fired(&setup.group.drained));
	kio_event_fire(&setup.events[0], -6);
	kio_event_fire(&setup.events[1], 0);
	CHECK(!kio_event_fired(&setup.group.drained));
	kio_event_fire(&setup.events[3], 0);
	CHECK(kio_event_fired(&setup.group.drained));
	CHECK_EQ(setup.group.event.status, -5);
}

TEST("group: any, with the first that succeeds; fails when all failed")
{
	struct setup setup;

	set_up(&setup, KIO_ANY, 0);
	kio_event_fire(&setup.events[1], -5);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[0], 0);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, 0);
	set_up(&setup, KIO_ANY, 0);
	for (int i = 0; i < 4; i++)
		kio_event_fire(&setup.events[i], -1 - i);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, -1);
}

TEST("group: a quorum, as soon as it is there or cannot be")
{
	struct setup setup;

	set_up(&setup, KIO_QUORUM, 3);
	kio_event_fire(&setup.events[0], 0);
	kio_event_fire(&setup.events[1], -5);
	kio_event_fire(&setup.events[2], 0);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[3], 0);
	CHECK_EQ(setup.group.event.status, 0);
	set_up(&setup, KIO_QUORUM, 3);
	kio_event_fire(&setup.events[0], -5);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[1], -6);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, -5);
}

TEST("group: settles when all fired, whatever they say")
{
	struct setup setup;

	set_up(&setup, KIO_SETTLE, 0);
	for (int i = 0; i < 4; i++) {
		CHECK(!kio_event_fired(&setup.group.event));
		kio_event_fire(&setup.events[i], -1);
	}
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, 0);
}

TEST("group: members may fire before they are added, and before the seal")
{
	struct kio_group group;
	struct kio_event a = { 0 }, b = { 0 };

	kio_group_init(&group, KIO_ALL, 0);
	kio_event_fire(&a, 0);
	kio_group_add(&group, &a);
	kio_group_add(&group, &b);
	kio_event_fire(&b, 0);
	CHECK(!kio_event_fired(&group.event));
	kio_group_seal(&group);
	CHECK(kio_event_fired(&group.event));
	CHECK(kio_event_fired(&group.drained));
}

TEST("group: without members all and settle succeed, any and a quorum cannot")
{
	struct kio_group group;
	static const struct {
		enum kio_policy policy;
		unsigned k;
		int status;
	} cases[] = { { KIO_ALL, 0, 0 }, { KIO_SETTLE, 0, 0 }, { KIO_QUORUM, 0, 0 }, { KIO_ANY, 0, -22 },
		      { KIO_QUORUM, 1, -22 } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kio_group_init(&group, cases[i].policy, cases[i].k);
		kio_group_seal(&group);
		CHECK(kio_event_fired(&group.event));
		CHECK_EQ(group.event.status, cases[i].status);
	}
}

TEST("group: an arm lets one event be in two groups, and have callbacks too")
{
	struct kio_group one, two;
	struct kio_event shared = { 0 }, other = { 0 };
	struct kio_arm arms[2];
	struct note a = make('a'), b = make('b'), c = make('c');

	reset();
	kio_group_init(&one, KIO_ALL, 0);
	kio_group_init(&two, KIO_ALL, 0);
	kio_event_attach(&shared, &a.cb);
	kio_group_arm(&one, &arms[0], &shared);
	kio_group_arm(&two, &arms[1], &shared);
	kio_group_add(&two, &other);
	kio_event_attach(&one.event, &b.cb);
	kio_event_attach(&one.drained, &c.cb);
	kio_group_seal(&one);
	kio_group_seal(&two);
	kio_event_fire(&shared, 0);
	CHECK_STR(order, "abc");
	CHECK(!kio_event_fired(&two.event));
	kio_event_fire(&other, 0);
	CHECK(kio_event_fired(&two.event));
}

/* A tree of groups decides as the booleans it stands for. */
TEST("group: random trees agree with an evaluation by hand")
{
	unsigned random = 1;

	for (int round = 0; round < 20000; round++) {
		struct kio_group groups[4];
		struct kio_event leaves[9] = { 0 };
		bool value[9], sub[3], all = true;
		unsigned sums[3] = { 0 }, ks[3];
		int order_of[9];

		for (int i = 0; i < 9; i++) {
			random = random * 1664525 + 1013904223;
			value[i] = (random >> 16 & 1) != 0;
			sums[i / 3] += value[i];
			order_of[i] = i;
		}
		for (int i = 8; i > 0; i--) {
			random = random * 1664525 + 1013904223;
			int j = (int)(random >> 8) % (i + 1);
			int swap = order_of[i];

			j = j < 0 ? -j : j;
			order_of[i] = order_of[j];
			order_of[j] = swap;
		}
		kio_group_init(&groups[3], KIO_ALL, 0);
		for (int g = 0; g < 3; g++) {
			ks[g] = (random >> (g * 3 + 4)) % 4;
			kio_group_init(&groups[g], KIO_QUORUM, ks[g]);
			for (int i = 0; i < 3; i++)
				kio_group_add(&groups[g], &leaves[g * 3 + i]);
			kio_group_add(&groups[3], &groups[g].event);
			kio_group_seal(&groups[g]);
			sub[g] = sums[g] >= ks[g];
			all = all && sub[g];
		}
		kio_group_seal(&groups[3]);
		for (int i = 0; i < 9; i++)
			kio_event_fire(&leaves[order_of[i]], value[order_of[i]] ? 0 : -5);
		CHECK(kio_event_fired(&groups[3].event));
		CHECK_EQ(groups[3].event.status == 0, all);
		CHECK(kio_event_fired(&groups[3].drained));
	}
}
