/* SPDX-License-Identifier: MIT */
/*
 * Events and groups as a plain recursion: what an event sets in motion is done
 * before anything that comes after it. None of the library's code is used.
 */
#include "trees.h"

#include <errno.h>
#include <string.h>

struct model model;

static void happen(int number);

void
model_init(void)
{
	memset(&model, 0, sizeof(model));
	for (int i = 0; i < EVENTS; i++)
		model.events[i].holder = model.events[i].group = -1;
	for (int i = 0; i < CALLBACKS; i++)
		model.callbacks[i].event = -1;
}

/* --- who is called -------------------------------------------------------- */

static void
perform(struct step *step, int own)
{
	switch (step->act) {
	case SET:
		model.events[own].status = step->value;
		break;
	case FIRE:
		model_fire(step->event, step->value);
		break;
	case ATTACH:
	case INTERCEPT:
		step->result = model_attach(step->event, step->callback, step->act == INTERCEPT);
		break;
	case DETACH:
		step->result = model_detach(step->callback);
		break;
	case CANCEL:
		step->result = model_cancel(step->group, step->value);
		break;
	case RESUME:
		model_resume(step->event, step->value);
		break;
	case RESUME_AND_HOLD:
		model.events[own].status = step->value;
		break;
	default:
		break;
	}
}

static struct step *
call(bool lost, int who, int status, int own, bool interceptor)
{
	struct step *step = &model.steps[model.step_count++];

	*step = (struct step){ .lost = lost, .who = who, .status = status };
	model.depth++;
	choose(step, own, interceptor);
	perform(step, own);
	model.depth--;
	return step;
}

static void
answered(const struct step *step)
{
	if (step->act == ANSWER)
		model_fire(step->event, step->value);
}

/* --- groups --------------------------------------------------------------- */

static void
fire_drained(int number)
{
	model.events[DRAINED_OF(number)].status = model.groups[number].status;
	happen(DRAINED_OF(number));
}

static bool
take_off(struct event *event, int group, int member)
{
	for (int i = 0; i < event->notifier_count; i++) {
		struct attached *at = &event->notifiers[i];

		if (at->callback < 0 && at->group == group && at->member == member) {
			memmove(at, at + 1, sizeof(*at) * (size_t)(--event->notifier_count - i));
			return true;
		}
	}
	return false;
}

static void
lose(int number, int index)
{
	struct group *group = &model.groups[number];
	struct member *member = &group->members[index];
	struct event *event = &model.events[member->event];

	if (event->state == FIRED)
		return;
	if (member->how == NEST) {
		model_cancel((member->event - LEAVES) / 2, -ECANCELED);
		return;
	}
	if (member->how == ARM) {
		if (event->sealed || !take_off(event, number, index))
			return;
		group->awaited--;
	}
	if (model.tells[member->arm])
		answered(call(true, member->arm, group->status, -1, false));
}

static void
sweep(int number)
{
	struct group *group = &model.groups[number];

	for (int i = 0; i < group->count; i++)
		if (group->members[i].listed)
			lose(number, i);
	group->sweeping = false;
	if (group->awaited == 0)
		fire_drained(number);
}

static bool
nobody_is_on(const struct event *event)
{
	return event->notifier_count == 0 && event->interceptor_count == 0 && event->group < 0;
}

/* With nothing to go through, nobody awaited and nobody who wants to know, that is already all. */
static bool
drains_at_once(int number)
{
	struct group *group = &model.groups[number];
	struct event *drained = &model.events[DRAINED_OF(number)];

	for (int i = 0; i < group->count; i++)
		if (group->members[i].listed)
			return false;
	return group->awaited == 0 && nobody_is_on(drained);
}

static void
decide_if_so(int number)
{
	struct group *group = &model.groups[number];
	bool enough = group->succeeded >= group->k;
	bool at_once;

	if (group->decided || !group->sealed)
		return;
	if (!enough && !group->cancelled && group->failed <= group->count - group->k)
		return;
	group->decided = group->sweeping = true;
	group->status = group->cancelled ? group->cancel : enough ? 0 :
			group->error != 0 ? group->error : -EINVAL;
	at_once = drains_at_once(number);
	if (at_once) {
		group->sweeping = false;
		fire_drained(number);
	}
	model.events[EVENT_OF(number)].status = group->status;
	happen(EVENT_OF(number));
	if (!at_once)
		sweep(number);
}

/* Without deciding anything yet. */
static void
arrive(int number, int status)
{
	struct group *group = &model.groups[number];

	group->awaited--;
	if (status == 0 || group->policy == KIO_SETTLE) {
		group->succeeded++;
		return;
	}
	group->failed++;
	if (group->error == 0)
		group->error = status;
}

static void
after_arriving(int number)
{
	struct group *group = &model.groups[number];

	if (!group->decided)
		decide_if_so(number);
	else if (!group->sweeping && group->awaited == 0)
		fire_drained(number);
}

void
model_group(int group, enum kio_policy policy, int k)
{
	model.groups[group] = (struct group){ .policy = policy, .k = k, .used = true };
	for (int i = EVENT_OF(group); i <= DRAINED_OF(group); i++) {
		memset(&model.events[i], 0, sizeof(model.events[i]));
		model.events[i].holder = model.events[i].group = -1;
	}
}

void
model_join(int number, int at, enum join how, int arm)
{
	struct group *group = &model.groups[number];
	struct event *event = &model.events[at];
	struct member *member = &group->members[group->count++];

	*member = (struct member){ .how = how, .event = at, .arm = arm };
	group->awaited++;
	if (event->state == FIRED) {
		arrive(number, event->status);
	} else if (how == ADD) {
		event->group = number;
	} else {
		member->listed = true;
		event->notifiers[event->notifier_count++] =
			(struct attached){ .callback = -1, .group = number, .member = group->count - 1 };
	}
}

void
model_seal(int number)
{
	struct group *group = &model.groups[number];

	group->sealed = true;
	if (group->policy == KIO_ALL || (group->policy == KIO_SETTLE && group->k == 0))
		group->k = group->count;
	else if (group->policy == KIO_ANY)
		group->k = 1;
	decide_if_so(number);
}

int
model_cancel(int number, int status)
{
	struct group *group = &model.groups[number];

	if (group->cancelled || group->decided)
		return -EALREADY;
	group->cancelled = true;
	group->cancel = status;
	decide_if_so(number);
	return 0;
}

/* --- events --------------------------------------------------------------- */

/* The status is visible; those who were attached by then hear of it. */
static void
publish(int number)
{
	struct event *event = &model.events[number], was = *event;

	event->state = FIRED;
	event->notifier_count = 0;
	event->group = -1;
	for (int i = 0; i < was.notifier_count; i++) {
		const struct attached *at = &was.notifiers[i];

		if (at->callback >= 0) {
			const struct step *step = call(false, at->callback, was.status, number, false);

			model.callbacks[at->callback].returned = true;
			answered(step);
		} else {
			arrive(at->group, was.status);
			after_arriving(at->group);
		}
	}
	if (was.group >= 0) {
		arrive(was.group, was.status);
		after_arriving(was.group);
	}
}

static void
run_interceptors(int number)
{
	struct event *event = &model.events[number];

	while (event->interceptor_count > 0) {
		int who = event->interceptors[--event->interceptor_count];
		struct callback *callback = &model.callbacks[who];
		const struct step *step;

		callback->returned = false;
		step = call(false, who, event->status, number, true);
		if (step->act == ANSWER) {
			/* it did not happen */
			event->interceptors[event->interceptor_count++] = who;
			event->state = PENDING;
			answered(step);
			return;
		}
		callback->returned = true;
		if (step->act == HOLD) {
			event->holder = who;
			return;
		}
	}
	publish(number);
}

static void
happen(int number)
{
	model.events[number].state = FIRING;
	run_interceptors(number);
}

void
model_fire(int number, int status)
{
	model.events[number].status = status;
	happen(number);
}

/* Plain members of one group that follow each other arrive together. */
void
model_batch(const int *events, const int *statuses, int count)
{
	for (int i = 0; i < count; i++)
		model.events[events[i]].status = statuses[i];
	for (int i = 0; i < count; i++) {
		int group = model.events[events[i]].group;

		if (group < 0) {
			happen(events[i]);
			continue;
		}
		for (;; i++) {
			model.events[events[i]].state = FIRED;
			model.events[events[i]].group = -1;
			arrive(group, statuses[i]);
			if (i + 1 == count || model.events[events[i + 1]].group != group)
				break;
		}
		after_arriving(group);
	}
}

void
model_resume(int number, int status)
{
	model.events[number].holder = -1;
	model.events[number].status = status;
	run_interceptors(number);
}

int
model_attach(int number, int who, bool interceptor)
{
	struct event *event = &model.events[number];
	struct callback *callback = &model.callbacks[who];

	if (event->state == FIRED || (event->state == FIRING && interceptor))
		return -EALREADY;
	callback->event = number;
	callback->returned = false;
	if (interceptor)
		event->interceptors[event->interceptor_count++] = who;
	else
		event->notifiers[event->notifier_count++] = (struct attached){ .callback = who };
	return 0;
}

int
model_detach(int who)
{
	struct callback *callback = &model.callbacks[who];
	struct event *event = &model.events[callback->event];

	for (int i = 0; i < event->notifier_count; i++) {
		struct attached *at = &event->notifiers[i];

		if (at->callback == who) {
			memmove(at, at + 1, sizeof(*at) * (size_t)(--event->notifier_count - i));
			callback->event = -1;
			return 0;
		}
	}
	for (int i = 0; event->state == PENDING && i < event->interceptor_count; i++) {
		int *at = &event->interceptors[i];

		if (*at == who) {
			memmove(at, at + 1, sizeof(*at) * (size_t)(--event->interceptor_count - i));
			callback->event = -1;
			return 0;
		}
	}
	return -EALREADY;
}

void
model_reuse(int number)
{
	struct event *event = &model.events[number];
	bool owners = event->owners;

	memset(event, 0, sizeof(*event));
	event->holder = event->group = -1;
	event->owners = owners;
	for (int i = 0; i < CALLBACKS; i++)
		if (model.callbacks[i].event == number)
			model.callbacks[i].event = -1;
}
