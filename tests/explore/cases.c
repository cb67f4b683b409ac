/* SPDX-License-Identifier: MIT */
/*
 * The cases. Each has shared events and groups, two or three threads of a few
 * calls, and at its end says what must be. Callbacks are counted; one that was
 * called or taken off is given away at once, unless it is kept.
 */
#include "explore.h"

#include <kiobuf/group.h>
#include <kiobuf/ready.h>

#include <errno.h>
#include <string.h>

#include "core/atomic.h"

#define EVER UINT64_MAX

struct callback {
	struct kio_cb cb;
	int number;
};

/* What a callback did is not in it, as it is gone by then. */
struct told {
	int called, taken_off, refused, status;
};

static struct {
	struct kio_event events[3];
	struct kio_group group, child;
	struct kio_arm arms[3];
	struct callback callbacks[5];
	struct told told[5];
	int lost, rc, taken, plain;
	uint32_t flag;
	struct kio_ready ready;
	struct kio_ready_arm ready_arms[2];
} all;

void
explore_reset(void)
{
	memset(&all, 0, sizeof(all));
}

/* --- callbacks ------------------------------------------------------------ */

static struct told *
told(struct kio_cb *cb)
{
	return &all.told[kio_container_of(cb, struct callback, cb)->number];
}

static void
give_away(int number)
{
	explore_gone(&all.callbacks[number], sizeof(all.callbacks[number]));
}

static void
count_call(struct kio_cb *cb, int status)
{
	told(cb)->called++;
	told(cb)->status = status;
}

static struct kio_event *
note(struct kio_cb *cb, int status)
{
	count_call(cb, status);
	give_away(kio_container_of(cb, struct callback, cb)->number);
	return NULL;
}

/* Of one that lives: kept ones, and interceptors until their event has fired. */
static struct kio_event *
note_only(struct kio_cb *cb, int status)
{
	count_call(cb, status);
	return NULL;
}

static struct kio_cb *
callback(int number, kio_cb_fn fn)
{
	all.callbacks[number].number = number;
	all.callbacks[number].cb.fn = fn;
	return &all.callbacks[number].cb;
}

static void
attach_to(struct kio_event *event, int number)
{
	if (kio_event_attach(event, callback(number, note)) < 0) {
		all.told[number].refused = 1;
		give_away(number);
	}
}

static void
attach(int number)
{
	attach_to(&all.events[0], number);
}

/* What is attached may have been called, and be gone. */
static void
take_off(int number)
{
	if (kio_event_detach(&all.events[0], &all.callbacks[number].cb) < 0)
		return;
	all.told[number].taken_off = 1;
	give_away(number);
}

/* If it was used: called, taken off or refused, and only one of these; called with that status. */
static void
expect_once(int number, int status)
{
	const struct told *it = &all.told[number];

	if (all.callbacks[number].cb.fn == NULL)
		return;
	EXPECT(it->called + it->taken_off + it->refused == 1);
	EXPECT(it->called == 0 || it->status == status);
}

static void
expect_called(int number, int status)
{
	expect_once(number, status);
	EXPECT(all.told[number].called == 1);
}

static void
expect_fired(const struct kio_event *event, int status)
{
	EXPECT(kio_event_fired(event));
	EXPECT(event->status == status);
}

static void
fire(int number, int status)
{
	kio_event_fire(&all.events[number], status);
}

static void
events(void)
{
	for (int i = 0; i < 3; i++)
		kio_event_init_shared(&all.events[i]);
}

static void
three_attached(void)
{
	events();
	attach(0);
	attach(1);
	attach(2);
}

static void attach_3(void) { attach(3); }
static void fire_0(void) { fire(0, -EIO); }
static void fire_0_well(void) { fire(0, 0); }
static void fire_1(void) { fire(1, -EPERM); }
static void fire_1_well(void) { fire(1, 0); }
static void fire_2_well(void) { fire(2, 0); }
static void take_off_0(void) { take_off(0); }
static void take_off_1(void) { take_off(1); }

static void
attach_and_take_off_4(void)
{
	attach(4);
	if (all.told[4].refused == 0)
		take_off(4);
}

/* --- events --------------------------------------------------------------- */

static void
all_once(void)
{
	for (int i = 0; i < 5; i++)
		expect_once(i, -EIO);
	expect_fired(&all.events[0], -EIO);
}

static void
all_called(void)
{
	for (int i = 0; i < 3; i++)
		expect_called(i, -EIO);
	all_once();
}

/* Nobody fires: what is left is attached as before. */
static void
only_2_left(void)
{
	EXPECT(all.told[0].taken_off == 1 && all.told[1].taken_off == 1);
	fire_0();
	expect_called(2, -EIO);
	expect_called(3, -EIO);
}

/* --- interceptors --------------------------------------------------------- */

static struct kio_event *
change_status(struct kio_cb *cb, int status)
{
	count_call(cb, status);
	EXPECT(!kio_event_fired(&all.events[0]));
	kio_event_set(&all.events[0], -EAGAIN);
	return NULL;
}

static struct kio_event *
hold(struct kio_cb *cb, int status)
{
	count_call(cb, status);
	kio__store(&all.flag, 1, RELEASE);
	return KIO_CB_HOLD;
}

static struct kio_event *
answer_other(struct kio_cb *cb, int status)
{
	count_call(cb, status);
	return kio_event_set(&all.events[1], -EAGAIN);
}

static void
intercept_3(void)
{
	if (kio_event_intercept(&all.events[0], callback(3, change_status)) < 0)
		all.told[3].refused = 1;
}

static void
take_off_3(void)
{
	if (kio_event_detach(&all.events[0], &all.callbacks[3].cb) == 0)
		all.told[3].taken_off = 1;
}

static void
one_intercepts(void)
{
	events();
	attach(0);
	intercept_3();
	attach(1);
}

static void
changed_if_intercepted(void)
{
	int status = all.told[3].called != 0 ? -EAGAIN : -EIO;

	expect_once(0, status);
	expect_once(1, status);
	expect_once(3, -EIO);
	expect_once(4, status);
	expect_fired(&all.events[0], status);
}

static void
one_notified(void)
{
	events();
	attach(0);
}

static void
one_holds(void)
{
	events();
	attach(0);
	kio_event_intercept(&all.events[0], callback(4, note_only));
	kio_event_intercept(&all.events[0], callback(3, hold));
	attach(1);
}

static void
resume(void)
{
	while (kio__load(&all.flag, ACQUIRE) == 0)
		kio__relax();
	kio_event_resume(&all.events[0], &all.callbacks[3].cb, -EAGAIN);
}

static void
resumed(void)
{
	expect_called(0, -EAGAIN);
	expect_once(1, -EAGAIN);
	expect_called(3, -EIO);
	expect_called(4, -EAGAIN);
	expect_fired(&all.events[0], -EAGAIN);
}

/* 4 is called first and answers with another event; 3 below it is attached again, and kept. */
static void
one_answers(void)
{
	events();
	attach(0);
	callback(3, note_only)->state = KIO_CB_KEPT;
	kio_event_intercept(&all.events[0], &all.callbacks[3].cb);
	kio_event_intercept(&all.events[0], callback(4, answer_other));
}

static void
wait_for_3(void)
{
	if (kio_event_detach_wait(&all.events[0], &all.callbacks[3].cb) == 0)
		all.told[3].taken_off = 1;
	give_away(3);
}

static void
pending_again(void)
{
	EXPECT(all.told[3].taken_off == 1 && all.told[3].called == 0 && all.told[4].called == 1);
	expect_fired(&all.events[1], -EAGAIN);
	EXPECT(!kio_event_fired(&all.events[0]));
	EXPECT(kio_event_detach(&all.events[0], &all.callbacks[4].cb) == 0);
	fire_0();
	expect_once(0, -EIO);
	expect_fired(&all.events[0], -EIO);
}

/* --- callbacks that are waited for ---------------------------------------- */

static struct kio_event *
note_plainly(struct kio_cb *cb, int status)
{
	count_call(cb, status);
	all.plain = 1;
	return NULL;
}

static void
one_kept(void)
{
	events();
	attach(0);
	callback(3, note_plainly)->state = KIO_CB_KEPT;
	kio_event_attach(&all.events[0], &all.callbacks[3].cb);
	attach(1);
}

static void
wait_for_3_and_look(void)
{
	wait_for_3();
	EXPECT(all.plain == (all.told[3].taken_off == 0));
}

/* --- threads that wait ---------------------------------------------------- */

static void
wait_long(void)
{
	EXPECT(kio_event_wait(&all.events[0], EVER, 1) == 0);
	EXPECT(all.events[0].status == -EIO);
}

static void
wait_and_free(void)
{
	wait_long();
	explore_gone(&all.events[0], sizeof(all.events[0]));
}

static void
wait_shortly(void)
{
	all.rc = kio_event_wait(&all.events[0], 1, 0);
	EXPECT(all.rc == 0 || all.rc == -ETIMEDOUT);
	if (all.rc == 0)
		EXPECT(all.events[0].status == -EIO);
}

static void
wait_again(void)
{
	wait_shortly();
	wait_long();
}

static void
fired_only(void)
{
	expect_fired(&all.events[0], -EIO);
}

/* --- groups --------------------------------------------------------------- */

static void
free_group(void)
{
	explore_gone(&all.group, sizeof(all.group));
	explore_gone(all.events, sizeof(all.events));
	explore_gone(all.arms, sizeof(all.arms));
}

/* On `drained`: all that belongs to the group may go. */
static struct kio_event *
note_and_free(struct kio_cb *cb, int status)
{
	note(cb, status);
	free_group();
	return NULL;
}

static void
group(enum kio_policy policy, uint32_t k)
{
	events();
	kio_group_init_shared(&all.group, policy, k);
	attach_to(&all.group.event, 0);
	kio_event_attach(&all.group.drained, callback(1, note_and_free));
}

static void
added(enum kio_policy policy, uint32_t k)
{
	group(policy, k);
	for (int i = 0; i < 3; i++)
		kio_group_add(&all.group, &all.events[i]);
}

static void seal(void) { kio_group_seal(&all.group); }
static void all_of_three(void) { added(KIO_ALL, 0); }
static void any_of_three(void) { added(KIO_ANY, 0); }
static void all_to_be_built(void) { group(KIO_ALL, 0); }

static void
quorum_of_three(void)
{
	added(KIO_QUORUM, 2);
	seal();
}

static void
build(void)
{
	kio_group_add(&all.group, &all.events[0]);
	kio_group_add(&all.group, &all.events[1]);
	kio_group_seal(&all.group);
}

static void
seal_and_fire_2(void)
{
	fire_2_well();
	seal();
}

static void
decided(int status)
{
	expect_called(0, status);
	expect_called(1, status);
}

static void decided_well(void) { decided(0); }

static void
decided_with_the_first_error(void)
{
	EXPECT(all.told[0].status == -EIO || all.told[0].status == -EPERM);
	decided(all.told[0].status);
}

static void
fire_batch(void)
{
	struct kio_event *const batch[] = { kio_event_set(&all.events[0], 0),
					    kio_event_set(&all.events[1], 0) };

	kio_event_fire_batch(batch, 2);
}

static void
decided_and_waited(void)
{
	seal();
	EXPECT(kio_event_wait(&all.group.drained, EVER, 0) == 0);
	free_group();
}

static void
two_to_be_waited_for(void)
{
	events();
	kio_group_init_shared(&all.group, KIO_ALL, 0);
	kio_group_add(&all.group, &all.events[0]);
	kio_group_add(&all.group, &all.events[1]);
}

static void nothing_more(void) { }

/* --- losers --------------------------------------------------------------- */

static struct kio_event *
lost(struct kio_cb *cb, int status)
{
	(void)cb;
	(void)status;
	all.lost++;
	return NULL;
}

/* What is owned loses: it is to fire, by whoever is first. */
static struct kio_event *
lost_what_is_owned(struct kio_cb *cb, int status)
{
	(void)cb;
	EXPECT(status == 0);
	all.lost++;
	if (kio__xchg(&all.flag, 1, ACQ_REL) != 0)
		return NULL;
	return kio_event_set(&all.events[0], -ECANCELED);
}

/* The first of two; the events outlive the group. */
static void
two_armed(void)
{
	events();
	kio_group_init_shared(&all.group, KIO_ANY, 0);
	attach_to(&all.group.event, 0);
	attach_to(&all.group.drained, 1);
	for (int i = 0; i < 2; i++) {
		all.arms[i].lost = lost;
		kio_group_arm(&all.group, &all.arms[i], &all.events[i]);
	}
}

static void
first_of_two(void)
{
	two_armed();
	seal();
}

static void
decided_by_one(void)
{
	decided(0);
	EXPECT(all.lost <= 1);
	expect_fired(&all.events[0], 0);
}

/* On the event that loses, before or after the arm. */
static void
come_and_go_there(void)
{
	attach_to(&all.events[1], 4);
	EXPECT(kio_event_detach(&all.events[1], &all.callbacks[4].cb) == 0);
}

static void
nothing_left(void)
{
	decided_by_one();
	EXPECT(all.events[1].word == 0);
	EXPECT(all.lost == 1);
}

static void
both_fired(void)
{
	decided_by_one();
	expect_fired(&all.events[1], 0);
}

static void cancel(void) { all.rc = kio_group_cancel(&all.group, -ECANCELED); }

static void
decided_or_cancelled(void)
{
	EXPECT(all.rc == 0 || all.rc == -EALREADY);
	decided(all.rc == 0 ? -ECANCELED : 0);
	expect_fired(&all.events[0], 0);
	EXPECT(all.events[1].word == 0);
}

/* The second decides, and takes what the first stands for with it. */
static void
one_owned(void)
{
	events();
	kio_group_init_shared(&all.group, KIO_SETTLE, 1);
	attach_to(&all.group.event, 0);
	attach_to(&all.group.drained, 1);
	all.arms[0].lost = lost_what_is_owned;
	kio_group_own(&all.group, &all.arms[0], &all.events[0]);
	kio_group_arm(&all.group, &all.arms[1], &all.events[1]);
	seal();
}

static void
fire_what_is_owned(void)
{
	if (kio__xchg(&all.flag, 1, ACQ_REL) == 0)
		fire(0, 0);
}

static void
owned_fired(void)
{
	decided(0);
	EXPECT(all.lost <= 1);
	EXPECT(kio_event_fired(&all.events[0]) && kio_event_fired(&all.events[1]));
}

/* A group within, which loses or not. */
static void
nested(void)
{
	events();
	kio_group_init_shared(&all.group, KIO_ANY, 0);
	kio_group_init_shared(&all.child, KIO_ALL, 0);
	attach_to(&all.group.event, 0);
	attach_to(&all.group.drained, 1);
	attach_to(&all.child.drained, 2);
	kio_group_add(&all.child, &all.events[0]);
	kio_group_nest(&all.group, &all.arms[0], &all.child);
	kio_group_arm(&all.group, &all.arms[1], &all.events[1]);
	seal();
}

static void seal_child(void) { kio_group_seal(&all.child); }

static void
both_decided(void)
{
	decided(0);
	EXPECT(all.child.event.status == 0 || all.child.event.status == -ECANCELED);
	expect_fired(&all.child.event, all.child.event.status);
	expect_called(2, all.child.event.status);
}

/* --- ready lists ---------------------------------------------------------- */

static void
two_ready_arms(void)
{
	events();
	kio_ready_init_shared(&all.ready);
	for (int i = 0; i < 2; i++)
		kio_ready_arm(&all.ready, &all.ready_arms[i], &all.events[i]);
}

static struct kio_ready_arm *
take_one(void)
{
	struct kio_ready_arm *arm;

	while ((arm = kio_ready_take(&all.ready)) == NULL)
		EXPECT(kio_event_wait(kio_ready_event(&all.ready), EVER, 0) == 0);
	EXPECT(arm->cb.status == (arm == &all.ready_arms[0] ? -EIO : -EPERM));
	all.taken++;
	return arm;
}

static void
take_both(void)
{
	EXPECT(take_one() != take_one());
}

static void
take_and_arm_again(void)
{
	struct kio_ready_arm *arm = take_one();

	kio_event_init_shared(arm->event);
	kio_ready_arm(&all.ready, arm, arm->event);
	kio__store(&all.flag, 1, RELEASE);
	take_one();
}

static void
fire_0_twice(void)
{
	fire_0();
	while (kio__load(&all.flag, ACQUIRE) == 0)
		kio__relax();
	fire_0();
}

static void both_taken(void) { EXPECT(all.taken == 2); }

const struct explore_case explore_cases[] = {
	{ "attach against fire", events, { attach_3, fire_0, attach_and_take_off_4 }, all_once },
	{ "attach and fire, others attached", three_attached, { attach_3, fire_0 }, all_called },
	{ "detach from the top and the middle against fire", three_attached, { take_off_0, fire_0, take_off_1 }, all_once },
	{ "two detach, one attaches", three_attached, { take_off_0, take_off_1, attach_3 }, only_2_left },
	{ "attach and detach against detach and fire", three_attached, { attach_and_take_off_4, fire_0, take_off_1 }, all_once },
	{ "intercept against fire", one_notified, { intercept_3, fire_0, attach_and_take_off_4 }, changed_if_intercepted },
	{ "detach beside an interceptor against fire", one_intercepts, { take_off_0, fire_0, take_off_1 }, changed_if_intercepted },
	{ "detach of an interceptor against fire", one_intercepts, { take_off_3, fire_0, take_off_1 }, changed_if_intercepted },
	{ "resumed before it has returned, or later", one_holds, { fire_0, resume, take_off_1 }, resumed },
	{ "put back against a wait for its end", one_answers, { fire_0, wait_for_3, take_off_0 }, pending_again },
	{ "a wait for the end of a callback", one_kept, { fire_0, wait_for_3_and_look, take_off_1 }, all_once },
	{ "a thread waits and frees the event", events, { wait_and_free, fire_0 }, nothing_more },
	{ "two threads wait", one_notified, { wait_long, fire_0, wait_long }, fired_only },
	{ "a thread waits until a moment, and again", one_notified, { wait_again, fire_0 }, all_once },
	{ "a thread waits until a moment beside others", one_notified, { wait_shortly, fire_0, take_off_0 }, all_once },
	{ "a group is built while its members fire", all_to_be_built, { build, fire_0, fire_1 }, decided_with_the_first_error },
	{ "the seal against the last two members", all_of_three, { seal_and_fire_2, fire_0_well, fire_1_well }, decided_well },
	{ "any of three", any_of_three, { seal_and_fire_2, fire_0, fire_1 }, decided_well },
	{ "a quorum with one that fails", quorum_of_three, { fire_0_well, fire_1, fire_2_well }, decided_well },
	{ "a batch against the seal", all_of_three, { fire_batch, seal_and_fire_2 }, decided_well },
	{ "a thread seals, waits and frees the group", two_to_be_waited_for, { decided_and_waited, fire_0, fire_1 }, nothing_more },
	{ "the first of two", first_of_two, { fire_0_well, fire_1_well }, both_fired },
	{ "the loser leaves nothing", first_of_two, { fire_0_well, come_and_go_there }, nothing_left },
	{ "cancelled against the decision and the seal", two_armed, { seal, fire_0_well, cancel }, decided_or_cancelled },
	{ "what is owned loses and fires", one_owned, { fire_what_is_owned, fire_1_well }, owned_fired },
	{ "a group within loses, or decides", nested, { fire_0_well, fire_1_well, seal_child }, both_decided },
	{ "a ready list of two", two_ready_arms, { take_both, fire_0, fire_1 }, both_taken },
	{ "a ready list, armed again", two_ready_arms, { take_and_arm_again, fire_0_twice }, both_taken },
};
const size_t explore_case_count = sizeof(explore_cases) / sizeof(explore_cases[0]);
