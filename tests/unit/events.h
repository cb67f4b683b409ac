/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_EVENTS_H
#define TESTS_UNIT_EVENTS_H

/* What tests of events share: a callback that leaves a letter, and both forms. */

#include <kiobuf/group.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static char order[64];
static int seen_status;
static bool shared; /* which form a test looks at */

struct note {
	struct kio_cb cb;
	char letter;
	struct kio_event *answer;
	int answer_status;
};

static inline struct kio_event *
note(struct kio_cb *cb, int status)
{
	struct note *self = (struct note *)cb;
	size_t len = strlen(order);

	if (len < sizeof(order) - 1)
		order[len] = self->letter;
	seen_status = status;
	return self->answer == NULL || self->answer == KIO_CB_HOLD ?
		       self->answer : kio_event_set(self->answer, self->answer_status);
}

static inline struct note
make(char letter)
{
	return (struct note){ .cb.fn = note, .letter = letter };
}

static inline struct kio_event
fresh(void)
{
	struct kio_event event = { 0 };

	if (shared)
		kio_event_init_shared(&event);
	return event;
}

static inline void
init_group(struct kio_group *group, enum kio_policy policy, unsigned k)
{
	if (shared)
		kio_group_init_shared(group, policy, k);
	else
		kio_group_init(group, policy, k);
}

static inline void
reset(void)
{
	memset(order, 0, sizeof(order));
	seen_status = 99;
}

/* Says something of the owner's form and of the shared one. */
#define TEST_BOTH(sentence)                           \
	static void UNIT_JOIN(both_, __LINE__)(void); \
	TEST(sentence)                                \
	{                                             \
		shared = false;                       \
		UNIT_JOIN(both_, __LINE__)();         \
		shared = true;                        \
		UNIT_JOIN(both_, __LINE__)();         \
		shared = false;                       \
	}                                             \
	static void UNIT_JOIN(both_, __LINE__)(void)

static inline bool
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

#endif
