/* SPDX-License-Identifier: MIT */
/*
 * Random trees of groups on random events, against a plain recursion: who is
 * called, in what order, with what status; what every call answers; which
 * events have fired, how; and that nothing is left on those that have not.
 *
 *	build/tests/trees --seconds 10       seeds from 1 on
 *	build/tests/trees --seeds 1000       so many
 *	build/tests/trees --seed 1234        one again, told step by step
 *
 * Callbacks hold, send back, answer, fire, attach, detach, cancel and resume.
 * Groups are built, sealed and cancelled at any time, and used again.
 */
#include "trees.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPERATIONS 70
#define LONGEST_S 20

struct real_callback {
	struct kio_cb cb;
	int number;
};

struct real_arm {
	struct kio_arm arm;
	int number;
};

static struct kio_event leaves[LEAVES];
static struct kio_group groups[GROUPS];
static struct real_callback callbacks[CALLBACKS];
static struct real_arm arms[ARMS];

static uint64_t seed, random_state, calls;
static int next_step;
static bool closing, shared, talks;
static char operation[128];

static int
rnd(int below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (int)(random_state % (uint64_t)below);
}

static struct kio_event *
real_event(int number)
{
	if (number < LEAVES)
		return &leaves[number];
	return (number - LEAVES) % 2 == 0 ? &groups[(number - LEAVES) / 2].event :
					    &groups[(number - LEAVES) / 2].drained;
}

/* --- telling -------------------------------------------------------------- */

static void
replay_command(void)
{
	fprintf(stderr, "  in: %s\n  again: build/tests/trees --seed %lu\n", operation, seed);
}

static __attribute__((noreturn, format(printf, 1, 2))) void
fail(const char *what, ...)
{
	va_list args;

	fprintf(stderr, "seed %lu: ", seed);
	va_start(args, what);
	vfprintf(stderr, what, args);
	va_end(args);
	fprintf(stderr, "\n");
	replay_command();
	exit(1);
}

static void
died(int number)
{
	fprintf(stderr, "seed %lu: %s\n", seed, number == SIGALRM ? "it hangs" : strsignal(number));
	replay_command();
	_exit(1);
}

static __attribute__((format(printf, 1, 2))) void
begin(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	vsnprintf(operation, sizeof(operation), what, args);
	va_end(args);
	if (talks)
		printf("%s\n", operation);
	model.step_count = 0;
	next_step = 0;
}

static void
compare_event(int number)
{
	const struct event *event = &model.events[number];
	const struct kio_event *real = real_event(number);
	bool nobody = event->state == PENDING && event->notifier_count == 0 &&
		      event->interceptor_count == 0 && event->group < 0;

	if (kio_event_fired(real) != (event->state == FIRED))
		fail("event %d has%s fired", number, kio_event_fired(real) ? "" : " not");
	if (event->state == FIRED && real->status != event->status)
		fail("event %d has the status %d, not %d", number, real->status, event->status);
	if ((real->word == 0) != nobody)
		fail("event %d: %s is on it", number, nobody ? "something" : "nothing");
}

static void
end(void)
{
	if (next_step != model.step_count)
		fail("%d calls, not %d", next_step, model.step_count);
	for (int i = 0; i < LEAVES; i++)
		compare_event(i);
	for (int i = 0; i < GROUPS; i++) {
		if (model.groups[i].used) {
			compare_event(EVENT_OF(i));
			compare_event(DRAINED_OF(i));
		}
	}
	calls += (uint64_t)next_step;
}

static void
expect(const char *what, int answer, int expected)
{
	if (answer != expected)
		fail("%s answers %d, not %d", what, answer, expected);
}

/* --- what is called does what was written down ---------------------------- */

static struct kio_event *
act(const struct step *step, struct kio_cb *self)
{
	struct kio_event *event = real_event(step->event);
	struct kio_cb *cb = &callbacks[step->callback].cb;

	switch (step->act) {
	case NOTHING:
		break;
	case SET:
		kio_event_set(event, step->value);
		break;
	case RESUME_AND_HOLD:
		kio_event_resume(event, self, step->value);
		return KIO_CB_HOLD;
	case HOLD:
		return KIO_CB_HOLD;
	case ANSWER:
		return kio_event_set(event, step->value);
	case FIRE:
		kio_event_fire(event, step->value);
		break;
	case ATTACH:
		expect("attach", kio_event_attach(event, cb), step->result);
		break;
	case INTERCEPT:
		expect("intercept", kio_event_intercept(event, cb), step->result);
		break;
	case DETACH:
		expect("detach", kio_event_detach(event, cb), step->result);
		break;
	case CANCEL:
		expect("cancel", kio_group_cancel(&groups[step->group], step->value), step->result);
		break;
	case RESUME:
		kio_event_resume(event, cb, step->value);
		break;
	}
	return NULL;
}

static struct kio_event *
called(bool lost, int who, int status, struct kio_cb *self)
{
	static const char *const names[] = { "callback", "lost" };
	const struct step *step = &model.steps[next_step];

	if (talks)
		printf("  %s %d, status %d\n", names[lost], who, status);
	if (next_step == model.step_count)
		fail("%s %d is called, and nobody should be", names[lost], who);
	if (step->lost != lost || step->who != who)
		fail("%s %d is called, and not %s %d", names[lost], who, names[step->lost], step->who);
	if (step->status != status)
		fail("%s %d is called with %d, not %d", names[lost], who, status, step->status);
	next_step++;
	return act(step, self);
}

static struct kio_event *
callback_called(struct kio_cb *cb, int status)
{
	return called(false, kio_container_of(cb, struct real_callback, cb)->number, status, cb);
}

static struct kio_event *
arm_lost(struct kio_cb *cb, int status)
{
	return called(true, kio_container_of(cb, struct real_arm, arm.cb)->number, status, NULL);
}

/* --- what may be done ----------------------------------------------------- */

static int
any_status(void)
{
	return rnd(2) == 0 ? 0 : -1 - rnd(30);
}

static bool
finished(int group)
{
	return model.events[EVENT_OF(group)].state == FIRED && model.events[DRAINED_OF(group)].state == FIRED;
}

static bool
exists(int event)
{
	return event < LEAVES || model.groups[(event - LEAVES) / 2].used;
}

/* Some group may still look at it. */
static bool
is_awaited(int event)
{
	for (int i = 0; i < GROUPS; i++)
		for (int j = 0; model.groups[i].used && !finished(i) && j < model.groups[i].count; j++)
			if (model.groups[i].members[j].event == event)
				return true;
	return false;
}

static bool
may_fire(int event)
{
	return event < LEAVES && model.events[event].state == PENDING && !model.events[event].promised;
}

static bool
may_attach(int event)
{
	return exists(event) && !model.events[event].sealed && model.events[event].group < 0;
}

static bool
is_free(int callback)
{
	const struct callback *at = &model.callbacks[callback];

	return at->event < 0 || (model.events[at->event].state == FIRED && at->returned);
}

static bool
may_detach(int callback)
{
	int event = model.callbacks[callback].event;

	return event >= 0 && may_attach(event);
}

static bool
is_held(int event)
{
	return exists(event) && model.events[event].holder >= 0;
}

/* A random number below count that the predicate is true of, or -1. */
static int
pick(int count, bool (*may)(int))
{
	int at = rnd(count);

	for (int i = 0; i < count; i++)
		if (may((at + i) % count))
			return (at + i) % count;
	return -1;
}

static bool
choose_event(struct step *step, bool (*may)(int))
{
	step->event = pick(EVENTS, may);
	return step->event >= 0;
}

static bool
choose_callback(struct step *step, bool (*may)(int))
{
	step->callback = pick(CALLBACKS, may);
	return step->callback >= 0;
}

static bool
is_open(int group)
{
	return model.groups[group].used && !model.groups[group].sealed;
}

static bool
is_used(int group)
{
	return model.groups[group].used;
}

/* Fills in what the act needs; false: it is not possible now. */
static bool
prepare(struct step *step, int event, bool interceptor)
{
	switch (step->act) {
	case SET:
	case RESUME_AND_HOLD:
	case HOLD:
		step->event = event;
		return interceptor;
	case ANSWER:
		/* an event of a group is not fired twice */
		return (!interceptor || event < LEAVES) && choose_event(step, may_fire);
	case FIRE:
		return choose_event(step, may_fire);
	case ATTACH:
	case INTERCEPT:
		return choose_event(step, may_attach) && choose_callback(step, is_free);
	case DETACH:
		if (!choose_callback(step, may_detach))
			return false;
		step->event = model.callbacks[step->callback].event;
		return true;
	case CANCEL:
		step->group = pick(GROUPS, is_used);
		step->value = -100 - rnd(10);
		return step->group >= 0;
	case RESUME:
		if (!choose_event(step, is_held))
			return false;
		step->callback = model.events[step->event].holder;
		return true;
	default:
		return false;
	}
}

void
choose(struct step *step, int event, bool interceptor)
{
	if (closing || model.depth > 5 || model.step_count > STEPS / 4 || rnd(2) == 0)
		return;
	step->act = (enum act)(1 + rnd(RESUME));
	step->value = any_status();
	if (!prepare(step, event, interceptor))
		*step = (struct step){ .lost = step->lost, .who = step->who, .status = step->status };
}

/* --- operations ----------------------------------------------------------- */

static void
fire(int event, int status)
{
	begin("fire %d with %d", event, status);
	model_fire(event, status);
	kio_event_fire(real_event(event), status);
	end();
}

static void
fire_batch(void)
{
	struct kio_event *real[LEAVES];
	int events[LEAVES], statuses[LEAVES], count = 0;

	for (int i = 0; i < LEAVES; i++) {
		if (!may_fire(i) || rnd(3) == 0)
			continue;
		events[count] = i;
		statuses[count] = any_status();
		real[count] = kio_event_set(&leaves[i], statuses[count]);
		count++;
	}
	begin("fire a batch of %d", count);
	for (int i = 0; i < count; i++)
		model.events[events[i]].promised = true;
	model_batch(events, statuses, count);
	for (int i = 0; i < count; i++)
		model.events[events[i]].promised = false;
	kio_event_fire_batch(real, (size_t)count);
	end();
}

static void
attach(bool interceptor)
{
	int event = pick(EVENTS, may_attach), callback = pick(CALLBACKS, is_free);
	int expected;

	if (event < 0 || callback < 0)
		return;
	begin("%s %d to %d", interceptor ? "intercept" : "attach", callback, event);
	model.callbacks[callback].kept = rnd(3) == 0;
	callbacks[callback].cb.state = model.callbacks[callback].kept ? KIO_CB_KEPT : 0;
	expected = model_attach(event, callback, interceptor);
	expect("attach", interceptor ? kio_event_intercept(real_event(event), &callbacks[callback].cb) :
				       kio_event_attach(real_event(event), &callbacks[callback].cb), expected);
	end();
}

/* Kept, and not about to be called: then whoever waits for its end does so on this thread. */
static bool
may_wait(int callback)
{
	const struct callback *at = &model.callbacks[callback];
	const struct event *event = &model.events[at->event];

	for (int i = 0; event->state == FIRING && i < event->interceptor_count; i++)
		if (event->interceptors[i] == callback)
			return false;
	return at->kept;
}

static void
detach(void)
{
	int callback = pick(CALLBACKS, may_detach), event, expected;
	bool waits;

	if (callback < 0)
		return;
	event = model.callbacks[callback].event;
	begin("detach %d from %d", callback, event);
	waits = may_wait(callback);
	expected = model_detach(callback);
	expect("detach", (waits ? kio_event_detach_wait : kio_event_detach)
			 (real_event(event), &callbacks[callback].cb), expected);
	end();
}

static void
resume(int event)
{
	int holder, status = any_status();

	if (event < 0)
		return;
	holder = model.events[event].holder;
	begin("resume %d, held by %d, with %d", event, holder, status);
	model_resume(event, status);
	kio_event_resume(real_event(event), &callbacks[holder].cb, status);
	end();
}

/* Not used, or both of its events have fired and nobody looks at them. */
static bool
may_build(int group)
{
	return !model.groups[group].used ||
	       (finished(group) && !is_awaited(EVENT_OF(group)) && !is_awaited(DRAINED_OF(group)));
}

static void
forget_callbacks(int event)
{
	for (int i = 0; i < CALLBACKS; i++)
		if (model.callbacks[i].event == event)
			model.callbacks[i].event = -1;
}

static void
build(void)
{
	int group = pick(GROUPS, may_build), k = rnd(4);
	enum kio_policy policy = (enum kio_policy)rnd(4);

	if (group < 0)
		return;
	begin("group %d, policy %d, k %d", group, policy, k);
	forget_callbacks(EVENT_OF(group));
	forget_callbacks(DRAINED_OF(group));
	model_group(group, policy, k);
	(shared ? kio_group_init_shared : kio_group_init)(&groups[group], policy, (uint32_t)k);
	end();
}

/* Groups await those with higher numbers, so none waits for itself. */
static int
pick_member(int group)
{
	int first = EVENT_OF(group + 1), event = rnd(LEAVES + EVENTS - first);

	if (event >= LEAVES)
		event += first - LEAVES;
	return exists(event) && !model.events[event].sealed && model.events[event].group < 0 ? event : -1;
}

static void
join(void)
{
	static const char *const names[] = { "add", "arm", "own", "nest" };
	int group = pick(GROUPS, is_open), event, number = model.arm_count;
	enum join how = (enum join)rnd(4);
	const struct event *at;

	if (group < 0 || number == ARMS || (event = pick_member(group)) < 0)
		return;
	at = &model.events[event];
	if (how == NEST && (event < LEAVES || (event - LEAVES) % 2 != 0))
		how = ARM;
	if (at->owners)
		how = ADD;
	if (how == ADD && at->state != FIRED &&
	    (at->state != PENDING || at->notifier_count > 0 || at->interceptor_count > 0))
		return;
	begin("group %d: %s %d by %d", group, names[how], event, number);
	model.arm_count++;
	model.tells[number] = rnd(3) != 0;
	model_join(group, event, how, number);
	arms[number].arm.lost = model.tells[number] ? arm_lost : NULL;
	if (how == ADD)
		kio_group_add(&groups[group], real_event(event));
	else if (how == NEST)
		kio_group_nest(&groups[group], &arms[number].arm, &groups[(event - LEAVES) / 2]);
	else
		(how == ARM ? kio_group_arm : kio_group_own)(&groups[group], &arms[number].arm, real_event(event));
	end();
}

static void
seal(int group)
{
	if (group < 0)
		return;
	begin("group %d: seal", group);
	model_seal(group);
	kio_group_seal(&groups[group]);
	end();
}

static void
cancel(void)
{
	int group = pick(GROUPS, is_used), status = -100 - rnd(10), expected;

	if (group < 0)
		return;
	begin("group %d: cancel with %d", group, status);
	expected = model_cancel(group, status);
	expect("cancel", kio_group_cancel(&groups[group], status), expected);
	end();
}

static bool
may_reuse(int event)
{
	return event < LEAVES && model.events[event].state == FIRED && !is_awaited(event);
}

static void
init_leaf(int leaf)
{
	if (shared && !model.events[leaf].owners)
		kio_event_init_shared(&leaves[leaf]);
	else
		kio_event_init(&leaves[leaf]);
}

static void
reuse(void)
{
	int leaf = pick(LEAVES, may_reuse);

	if (leaf < 0)
		return;
	begin("use %d again", leaf);
	model_reuse(leaf);
	init_leaf(leaf);
	end();
}

static bool
may_seal_event(int leaf)
{
	return may_fire(leaf) && !model.events[leaf].sealed && rnd(4) == 0;
}

static void
seal_event(void)
{
	int leaf = pick(LEAVES, may_seal_event);

	if (leaf < 0)
		return;
	begin("seal %d", leaf);
	model.events[leaf].sealed = true;
	kio_event_seal(&leaves[leaf]);
	end();
}

static void
operate(void)
{
	int leaf;

	switch (rnd(20)) {
	case 0: case 1:
		build();
		break;
	case 2: case 3: case 4: case 5:
		join();
		break;
	case 6: case 7:
		seal(pick(GROUPS, is_open));
		break;
	case 8: case 9:
		leaf = pick(LEAVES, may_fire);
		if (leaf >= 0)
			fire(leaf, any_status());
		break;
	case 10: case 11:
		attach(false);
		break;
	case 12:
		attach(true);
		break;
	case 13:
		detach();
		break;
	case 14:
		if (rnd(3) == 0)
			cancel();
		break;
	case 15:
		resume(pick(EVENTS, is_held));
		break;
	case 16:
		if (rnd(3) == 0)
			fire_batch();
		break;
	case 17: case 18:
		reuse();
		break;
	default:
		seal_event();
		break;
	}
}

/* In the end everything fires, and then nothing is left. */
static void
close_all(void)
{
	int group, event;

	closing = true;
	while ((group = pick(GROUPS, is_open)) >= 0)
		seal(group);
	while ((event = pick(EVENTS, is_held)) >= 0 || (event = pick(LEAVES, may_fire)) >= 0) {
		if (is_held(event))
			resume(event);
		else
			fire(event, any_status());
	}
	for (int i = 0; i < GROUPS; i++)
		if (model.groups[i].used && !finished(i))
			fail("group %d does not end", i);
}

static void
run_seed(void)
{
	int form;

	random_state = seed * 0x9e3779b97f4a7c15u + 88172645463325252u;
	form = rnd(3);
	shared = form != 0;
	closing = false;
	model_init();
	memset(callbacks, 0, sizeof(callbacks));
	memset(arms, 0, sizeof(arms));
	memset(leaves, 0, sizeof(leaves));
	for (int i = 0; i < CALLBACKS; i++)
		callbacks[i] = (struct real_callback){ .cb.fn = callback_called, .number = i };
	for (int i = 0; i < ARMS; i++)
		arms[i].number = i;
	for (int i = 0; i < LEAVES; i++) {
		/* an owner's event may be a member of a shared group */
		model.events[i].owners = form == 2 && i % 3 == 0;
		init_leaf(i);
	}
	for (int i = 0; i < OPERATIONS; i++)
		operate();
	close_all();
}

static uint64_t
now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec;
}

int
main(int argc, char **argv)
{
	static const int deaths[] = { SIGABRT, SIGSEGV, SIGBUS, SIGALRM };
	uint64_t seeds = UINT64_MAX, until = now_s() + 3;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seconds") == 0 && i + 1 < argc)
			until = now_s() + strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--seeds") == 0 && i + 1 < argc)
			seeds = strtoull(argv[++i], NULL, 10), until = UINT64_MAX;
		else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
			seeds = seed = strtoull(argv[++i], NULL, 10), talks = true;
		else
			return fprintf(stderr, "usage: trees [--seconds N] [--seeds N] [--seed N]\n"), 2;
	}
	for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++)
		signal(deaths[i], died);
	for (seed = talks ? seed : 1; seed <= seeds && now_s() < until; seed++) {
		if (seed % 1024 == 1 || talks)
			alarm(LONGEST_S);
		run_seed();
	}
	printf("%lu seeds, %lu callbacks called\n1 passed, 0 failed\n", talks ? 1 : seed - 1, calls);
	return 0;
}
