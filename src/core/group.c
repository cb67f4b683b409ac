/* SPDX-License-Identifier: MIT */
/*
 * Groups: how they are built and decided, and how the losers leave.
 *
 * Members, the seal and cancelling each change the counts by one atomic. The one
 * that makes them say "sealed, and decided" owns what follows: the event fires,
 * its callbacks run, the arms are gone through, and the sweep's own reference is
 * dropped. Whoever drops the last reference fires `drained`. So until then a
 * decided group cannot go, and a member that comes late finds it.
 *
 * While a group is built `arms` is the last arm and leads round to the first.
 * From the decision on it is the first of those left, and the last leads to what
 * the run has under the group: that link is 0 or carries tags, those to arms do
 * not.
 */
#include "core/group.h"

/* In arm->owned. */
enum { OBSERVED, EVENT, GROUP };

/* The arm that a link leads to; NULL: the last has been. */
static struct kio_arm *
link_arm(uintptr_t link)
{
	return (link & KIO__TAGS) == 0 ? (struct kio_arm *)link : NULL;
}

/* Of a group that is decided. */
static int
group_status(const struct kio_group *group, uint64_t counts)
{
	if ((counts & KIO__CANCELLED) != 0)
		return kio__load(&group->cancel, RELAXED);
	return (counts & KIO__ENOUGH) != 0 ? 0 : kio__load(&group->error, RELAXED);
}

/* --- deciding ----------------------------------------------------------- */

static struct kio_event *
decide(struct kio_group *group, uint64_t counts)
{
	int32_t none = 0;

	/* when nobody failed, there are too few */
	if ((counts & KIO__ENOUGH) == 0)
		kio__cas(&group->error, &none, -EINVAL, RELAXED, RELAXED);
	return kio_event_set(&group->event, group_status(group, counts));
}

/*
 * Counts of a group that is decided have moved. Who decided it, and who
 * was the last, still has it; for others it may be gone.
 */
struct kio_event *
kio__group_moved(struct kio_group *group, uint64_t before, uint64_t now)
{
	if (!kio__decided(now))
		return NULL; /* cancelled, and not yet sealed */
	if (!kio__decided(before))
		return decide(group, now);
	if (kio__live(now) == 0)
		return kio_event_set(&group->drained, group_status(group, now));
	return NULL;
}

/* All are through and nobody looks at `drained`: then that is all. */
static bool
drains_at_once(struct kio_group *group)
{
	uint64_t counts = kio__load(&group->counts, ACQUIRE);
	uintptr_t word = kio__load(&group->drained.word, RELAXED);

	if (group->arms != 0 || kio__live(counts) != 1 || word != 0)
		return false;
	group->drained.status = group_status(group, counts);
	return kio__event_swap(&group->drained, &word, KIO_EVENT_FIRED);
}

void
kio__leave_decided(struct kio__run *run, struct kio_group *group)
{
	struct kio_arm *last = (struct kio_arm *)group->arms;

	if (drains_at_once(group))
		return;
	if (last == NULL) {
		group->arms = kio__suspend(run);
	} else {
		group->arms = last->next;
		last->next = kio__suspend(run);
	}
	run->list = (uintptr_t)group | KIO__SWEEP;
}

/* --- losing ------------------------------------------------------------- */

/* As kio_group_cancel. *event: what happens then, if it is sealed; or NULL. */
static int
cancel(struct kio_group *group, int status, struct kio_event **event)
{
	uint64_t counts = kio__load(&group->counts, ACQUIRE);
	int32_t none = 0;

	*event = NULL;
	kio__cas(&group->cancel, &none, status, RELAXED, RELAXED);
	do {
		if ((counts & KIO__CANCELLED) != 0 || kio__decided(counts))
			return -EALREADY;
		if (!kio__event_is_shared(&group->event)) {
			group->counts |= KIO__CANCELLED;
			break;
		}
	} while (!kio__cas(&group->counts, &counts, counts | KIO__CANCELLED, ACQ_REL, ACQUIRE));
	if ((counts & KIO__SEALED) != 0)
		*event = decide(group, counts | KIO__CANCELLED);
	return 0;
}

/*
 * The group was decided without this arm, unless it has fired. `gone` counts
 * those that are not awaited any more. Returns whether there is more to run.
 */
static bool
lose(struct kio__run *run, struct kio_arm *arm, int status, uint64_t *gone)
{
	struct kio_group *child = NULL;
	struct kio_event *next = NULL;
	uintptr_t list = run->list;

	if (arm->owned == OBSERVED) {
		if ((arm->event->gen & KIO_EVENT_SEALED) != 0 ||
		    (!kio__detach_alone(arm->event, &arm->cb) &&
		     kio__detach(run, arm->event, &arm->cb) < 0))
			return run->list != list;
		(*gone)++;
	} else if (kio_event_fired(arm->event)) {
		return false;
	}
	if (arm->owned == GROUP) {
		child = kio_container_of(arm->event, struct kio_group, event);
		cancel(child, -ECANCELED, &next);
	} else if (arm->lost != NULL) {
		next = arm->lost(&arm->cb, status);
	}
	if (next != NULL)
		kio__happen(run, next, child);
	return run->list != list;
}

/* No arms are left: what was under the group is on top again, unless it is drained now. */
static void
drop(struct kio__run *run, struct kio_group *group, uint64_t gone)
{
	uint64_t counts = kio__load(&group->counts, ACQUIRE);

	run->list = group->arms;
	/* once nobody else is awaited, nobody else counts */
	if (kio__live(counts) != gone + 1) {
		counts = kio__count(group, 0 - (gone + 1) * KIO__LIVE_ONE);
		if (kio__live(counts) != 0)
			return;
	}
	kio__happen(run, kio_event_set(&group->drained, group_status(group, counts)), NULL);
}

void
kio__sweep(struct kio__run *run)
{
	struct kio_group *group = (struct kio_group *)(run->list & ~KIO__TAGS);
	int status = group_status(group, kio__load(&group->counts, ACQUIRE));
	uint64_t gone = 0;
	struct kio_arm *arm;

	while ((arm = link_arm(group->arms)) != NULL) {
		group->arms = arm->next;
		if (lose(run, arm, status, &gone)) {
			if (gone != 0)
				kio__count(group, 0 - gone * KIO__LIVE_ONE);
			return;
		}
	}
	drop(run, group, gone);
}

int
kio_group_cancel(struct kio_group *group, int status)
{
	struct kio__run run = { 0 };
	struct kio_event *event;
	int rc;

	if (status == 0)
		kio__panic("kio_group_cancel: with the status of a success");
	rc = cancel(group, status, &event);
	kio__happen(&run, event, group);
	kio__run(&run);
	return rc;
}

/* --- building ----------------------------------------------------------- */

void
kio_group_init(struct kio_group *group, enum kio_policy policy, uint32_t k)
{
	if (policy == KIO_ANY)
		k = 1;
	group->event = (struct kio_event){ 0 };
	group->drained = (struct kio_event){ 0 };
	group->counts = 0;
	group->arms = 0;
	group->k = (uint32_t)policy << 30 | (k & 0x3fffffff);
	group->members = 0;
	group->error = 0;
	group->cancel = 0;
}

void
kio_group_init_shared(struct kio_group *group, enum kio_policy policy, uint32_t k)
{
	kio_group_init(group, policy, k);
	group->event.gen = group->drained.gen = KIO_EVENT_SHARED;
}

static __attribute__((cold, noinline)) void
refuse(const struct kio_group *group, const struct kio_event *event)
{
	if ((kio__load(&group->counts, RELAXED) & KIO__SEALED) != 0)
		kio__panic("kio_group: a member is added after the seal");
	if (group->members == KIO__GROUP_MOST)
		kio__panic("kio_group: more than %u members", KIO__GROUP_MOST);
	if ((event->gen & KIO_EVENT_SEALED) != 0)
		kio__panic("kio_group: adding an event that is sealed");
	if (kio__event_is_shared(event))
		kio__panic("kio_group: a shared event in an owner's group; use kio_group_init_shared");
	kio__panic("kio_group: an owner's event joins a shared group by kio_group_add only");
}

/* One more member. `forms`: those that do not go together, as the event's xor the group's. */
static inline __attribute__((always_inline)) void
enter(struct kio_group *group, const struct kio_event *event, uint32_t bad_forms)
{
	if (kio__unlikely((kio__load(&group->counts, RELAXED) & KIO__SEALED) != 0 ||
			  group->members == KIO__GROUP_MOST ||
			  (bad_forms & (KIO_EVENT_SHARED | KIO_EVENT_SEALED)) != 0))
		refuse(group, event);
	kio__group_enter(group);
}

/* A member that had fired before. */
static __attribute__((noinline)) void
add_fired(struct kio_group *group, const struct kio_event *event)
{
	kio__count(group, kio__arrival(group, event->status));
}

void
kio_group_add(struct kio_group *group, struct kio_event *event)
{
	uintptr_t word = kio__load(&event->word, ACQUIRE);

	enter(group, event, event->gen & ~(group->event.gen & KIO_EVENT_SHARED));
	while (word == 0)
		if (kio__event_swap(event, &word, (uintptr_t)group | KIO__MEMBER))
			return;
	if ((word & KIO_EVENT_FIRED) == 0)
		kio__panic("kio_group: an event with callbacks joins by kio_group_arm");
	add_fired(group, event);
}

static inline __attribute__((always_inline)) void
add_arm(struct kio_group *group, struct kio_arm *arm, struct kio_event *event, uint32_t owned)
{
	struct kio_arm *last = (struct kio_arm *)group->arms;

	enter(group, event, event->gen ^ (group->event.gen & KIO_EVENT_SHARED));
	arm->cb.state = KIO__CB_ARM;
	arm->group = group;
	arm->event = event;
	arm->owned = owned;
	if (!kio__attach_alone(event, &arm->cb) && kio_event_attach(event, &arm->cb) < 0) {
		add_fired(group, event);
		return;
	}
	if (last == NULL) {
		arm->next = (uintptr_t)arm;
	} else {
		arm->next = last->next;
		last->next = (uintptr_t)arm;
	}
	group->arms = (uintptr_t)arm;
}

void
kio_group_arm(struct kio_group *group, struct kio_arm *arm, struct kio_event *event)
{
	add_arm(group, arm, event, OBSERVED);
}

void
kio_group_own(struct kio_group *group, struct kio_arm *arm, struct kio_event *event)
{
	add_arm(group, arm, event, EVENT);
}

void
kio_group_nest(struct kio_group *group, struct kio_arm *arm, struct kio_group *child)
{
	add_arm(group, arm, &child->event, GROUP);
}

void
kio_group_seal(struct kio_group *group)
{
	struct kio__run run = { 0 };
	struct kio_event *event;

	if ((kio__load(&group->counts, RELAXED) & KIO__SEALED) != 0)
		kio__panic("kio_group: sealed twice");
	event = kio__arrive(group, kio__group_closing(group));
	kio__happen(&run, event, group);
	kio__run(&run);
}
