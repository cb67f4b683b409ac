/* SPDX-License-Identifier: MIT */
#include <kiobuf/ready.h>

#include "duel.h"

TEST_BOTH("ready: arms are taken in the order in which they fired, those that fired before too")
{
	struct kio_event events[4];
	struct kio_ready_arm arms[4] = { 0 };
	struct kio_ready ready;

	if (shared)
		kio_ready_init_shared(&ready);
	else
		kio_ready_init(&ready);
	for (int i = 0; i < 4; i++)
		events[i] = fresh();
	kio_event_fire(&events[3], -3);
	for (int i = 0; i < 4; i++)
		kio_ready_arm(&ready, &arms[i], &events[i]);
	CHECK(kio_event_fired(kio_ready_event(&ready)));
	kio_event_fire(&events[2], -2);
	kio_event_fire(&events[0], 0);
	CHECK(kio_ready_take(&ready) == &arms[3]);
	CHECK(kio_ready_take(&ready) == &arms[2]);
	CHECK_EQ(arms[2].cb.status, -2);
	CHECK(kio_event_fired(kio_ready_event(&ready))); /* the next was fetched with it */
	kio_event_fire(&events[1], 0);
	CHECK(kio_ready_take(&ready) == &arms[0]);
	CHECK(kio_event_fired(kio_ready_event(&ready)));
	CHECK(kio_ready_take(&ready) == &arms[1]);
	CHECK(kio_ready_take(&ready) == NULL);
	CHECK(!kio_event_fired(kio_ready_event(&ready)));
}

TEST_BOTH("ready: its event fires once for what comes while nobody looks, and is made anew")
{
	struct kio_event events[2] = { fresh(), fresh() };
	struct kio_ready_arm arms[2] = { 0 };
	struct kio_ready ready;
	struct note a = make('a'), b = make('b');

	reset();
	if (shared)
		kio_ready_init_shared(&ready);
	else
		kio_ready_init(&ready);
	for (int i = 0; i < 2; i++)
		kio_ready_arm(&ready, &arms[i], &events[i]);
	kio_event_attach(kio_ready_event(&ready), &a.cb);
	kio_event_fire(&events[1], 0);
	kio_event_fire(&events[0], 0);
	CHECK_STR(order, "a");
	CHECK(kio_ready_take(&ready) == &arms[1]);
	CHECK(kio_ready_take(&ready) == &arms[0]);
	events[0] = fresh();
	kio_ready_arm(&ready, &arms[0], &events[0]);
	kio_event_attach(kio_ready_event(&ready), &b.cb);
	CHECK_EQ(kio_event_detach(&events[0], &arms[0].cb), 0);
	CHECK_STR(order, "a");
	kio_ready_arm(&ready, &arms[0], &events[0]);
	kio_event_fire(&events[0], 0);
	CHECK_STR(order, "ab");
}

TEST_BOTH("ready: arms an event that others are attached to, and is called in its turn")
{
	struct kio_event event = fresh();
	struct kio_ready_arm arm = { 0 };
	struct kio_ready ready;
	struct note a = make('a');

	reset();
	if (shared)
		kio_ready_init_shared(&ready);
	else
		kio_ready_init(&ready);
	kio_event_attach(&event, &a.cb);
	kio_ready_arm(&ready, &arm, &event);
	CHECK(kio_ready_take(&ready) == NULL);
	kio_event_fire(&event, -7);
	CHECK_STR(order, "a");
	CHECK(kio_ready_take(&ready) == &arm);
	CHECK_EQ(arm.cb.status, -7);
}

static void
ready_mixed(void)
{
	struct kio_ready_arm arm = { 0 };
	struct kio_event event = { 0 };
	struct kio_ready ready;

	kio_ready_init_shared(&ready);
	kio_ready_arm(&ready, &arm, &event);
}

TEST("ready: owners' events in a shared list abort and say so")
{
	CHECK(unit_aborts(ready_mixed, "all shared, or all an owner's"));
}

enum { SOURCES = 1000 };

struct sources {
	struct kio_event events[SOURCES];
	struct kio_ready_arm arms[SOURCES];
	struct kio_ready ready;
	unsigned armed[SOURCES]; /* atomic */
};

static void
fire_armed(void *priv)
{
	struct sources *sources = priv;
	unsigned random = 1;

	for (int i = 0; i < ROUNDS; i++) {
		random = random * 1664525 + 1013904223;
		unsigned which = (random >> 8) % SOURCES;

		while (__atomic_load_n(&sources->armed[which], __ATOMIC_ACQUIRE) == 0)
			sched_yield();
		__atomic_store_n(&sources->armed[which], 0, __ATOMIC_RELAXED);
		kio_event_fire(&sources->events[which], 0);
	}
}

TEST("ready: a thousand sources armed once, one thread fires and one waits; nothing is lost")
{
	struct sources *sources = calloc(1, sizeof(*sources));
	struct kio_ready_arm *arm;
	struct duel duel;
	int taken = 0;

	kio_ready_init_shared(&sources->ready);
	for (int i = 0; i < SOURCES; i++) {
		kio_event_init_shared(&sources->events[i]);
		kio_ready_arm(&sources->ready, &sources->arms[i], &sources->events[i]);
		sources->armed[i] = 1;
	}
	duel_open(&duel, fire_armed, sources);
	duel_begin(&duel);
	while (taken < ROUNDS) {
		while ((arm = kio_ready_take(&sources->ready)) != NULL) {
			taken++;
			kio_event_init_shared(arm->event);
			kio_ready_arm(&sources->ready, arm, arm->event);
			__atomic_store_n(&sources->armed[arm->event - sources->events], 1,
					 __ATOMIC_RELEASE);
		}
		if (taken < ROUNDS)
			kio_event_wait(kio_ready_event(&sources->ready), UINT64_MAX, 0);
	}
	duel_end(&duel);
	duel_close(&duel);
	CHECK_EQ(taken, ROUNDS);
	free(sources);
}
