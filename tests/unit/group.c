/* SPDX-License-Identifier: MIT */
#include "events.h"

struct setup {
	struct kio_group group;
	struct kio_event events[4];
};

static void
set_up(struct setup *setup, enum kio_policy policy, unsigned k)
{
	memset(setup, 0, sizeof(*setup));
	init_group(&setup->group, policy, k);
	for (int i = 0; i < 4; i++) {
		setup->events[i] = fresh();
		kio_group_add(&setup->group, &setup->events[i]);
	}
	kio_group_seal(&setup->group);
}

TEST_BOTH("group: all, when the last succeeds")
{
	struct setup setup;

	CHECK_EQ(sizeof(struct kio_group), 64);
	set_up(&setup, KIO_ALL, 0);
	for (int i = 0; i < 3; i++)
		kio_event_fire(&setup.events[i], 0);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[3], 0);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, 0);
	CHECK(kio_event_fired(&setup.group.drained));
}

/* A success that comes later must not write over the error, nor a second error over the first. */
TEST_BOTH("group: all fails with the first error, and drains with the last member and the same status")
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
	CHECK_EQ(setup.group.drained.status, -5);
	CHECK_EQ(setup.events[0].status, -6);
	CHECK_EQ(setup.events[1].status, 0);
}

TEST_BOTH("group: any, with the first that succeeds; fails when all failed")
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

TEST_BOTH("group: a quorum, as soon as it is there or cannot be")
{
	struct setup setup;

	set_up(&setup, KIO_QUORUM, 3);
	kio_event_fire(&setup.events[0], 0);
	kio_event_fire(&setup.events[1], -5);
	kio_event_fire(&setup.events[2], 0);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[3], 0);
	CHECK_EQ(setup.group.event.status, 0);
	CHECK_EQ(setup.group.drained.status, 0);
	set_up(&setup, KIO_QUORUM, 3);
	kio_event_fire(&setup.events[0], -5);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[1], -6);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, -5);
}

TEST_BOTH("group: settles when all fired, whatever they say")
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

TEST_BOTH("group: settles with the first of them, and drains with the last")
{
	struct setup setup;

	set_up(&setup, KIO_SETTLE, 1);
	CHECK(!kio_event_fired(&setup.group.event));
	kio_event_fire(&setup.events[2], -5);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, 0);
	for (int i = 0; i < 4; i++) {
		CHECK(!kio_event_fired(&setup.group.drained));
		if (i != 2)
			kio_event_fire(&setup.events[i], -1);
	}
	CHECK(kio_event_fired(&setup.group.drained));
	CHECK_EQ(setup.group.drained.status, 0);
}

TEST_BOTH("group: members may fire before they are added, and before the seal")
{
	struct kio_event a = fresh(), b = fresh();
	struct kio_group group;

	init_group(&group, KIO_ALL, 0);
	kio_event_fire(&a, 0);
	kio_group_add(&group, &a);
	kio_group_add(&group, &b);
	kio_event_fire(&b, 0);
	CHECK(!kio_event_fired(&group.event));
	kio_group_seal(&group);
	CHECK(kio_event_fired(&group.event));
	CHECK(kio_event_fired(&group.drained));
}

TEST_BOTH("group: without members all and settle succeed, any and a quorum cannot")
{
	struct kio_group group;
	static const struct {
		enum kio_policy policy;
		unsigned k;
		int status;
	} cases[] = { { KIO_ALL, 0, 0 }, { KIO_SETTLE, 0, 0 }, { KIO_QUORUM, 0, 0 },
		      { KIO_ANY, 0, -EINVAL }, { KIO_QUORUM, 1, -EINVAL }, { KIO_SETTLE, 1, -EINVAL } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		init_group(&group, cases[i].policy, cases[i].k);
		kio_group_seal(&group);
		CHECK(kio_event_fired(&group.event));
		CHECK_EQ(group.event.status, cases[i].status);
		CHECK(kio_event_fired(&group.drained));
		CHECK_EQ(group.drained.status, cases[i].status);
	}
}

TEST_BOTH("group: a quorum of more than there are fails at the seal, and drains with the members")
{
	struct setup setup;

	set_up(&setup, KIO_QUORUM, 5);
	CHECK_EQ(setup.group.event.status, -EINVAL);
	for (int i = 0; i < 4; i++) {
		CHECK(!kio_event_fired(&setup.group.drained));
		kio_event_fire(&setup.events[i], -5);
	}
	CHECK_EQ(setup.group.drained.status, -EINVAL);
}

TEST_BOTH("group: a batch crosses the threshold in the middle, and is still decided once")
{
	struct setup setup;
	struct kio_event *all[4];
	struct note a = make('a');

	for (int failures = 0; failures < 4; failures++) {
		reset();
		set_up(&setup, KIO_QUORUM, 2);
		kio_event_attach(&setup.group.event, &a.cb);
		for (int i = 0; i < 4; i++) {
			all[i] = &setup.events[i];
			kio_event_set(all[i], i < failures ? -5 : 0);
		}
		kio_event_fire_batch(all, 4);
		CHECK_STR(order, "a");
		CHECK_EQ(setup.group.event.status, failures < 3 ? 0 : -5);
		CHECK(kio_event_fired(&setup.group.drained));
	}
}

TEST_BOTH("group: an arm lets one event be in two groups, and have callbacks too")
{
	struct kio_event one_event = fresh(), other = fresh();
	struct note a = make('a'), b = make('b'), c = make('c');
	struct kio_arm arms[2] = { 0 };
	struct kio_group one, two;

	reset();
	init_group(&one, KIO_ALL, 0);
	init_group(&two, KIO_ALL, 0);
	kio_event_attach(&one_event, &a.cb);
	kio_group_arm(&one, &arms[0], &one_event);
	kio_group_arm(&two, &arms[1], &one_event);
	kio_group_add(&two, &other);
	kio_event_attach(&one.event, &b.cb);
	kio_event_attach(&one.drained, &c.cb);
	kio_group_seal(&one);
	kio_group_seal(&two);
	kio_event_fire(&one_event, 0);
	CHECK_STR(order, "abc");
	CHECK(!kio_event_fired(&two.event));
	kio_event_fire(&other, 0);
	CHECK(kio_event_fired(&two.event));
}

TEST_BOTH("group: its drained event is a member of another")
{
	struct kio_event leaf = fresh(), late = fresh();
	struct kio_group inner, outer;

	init_group(&inner, KIO_ANY, 0);
	init_group(&outer, KIO_ALL, 0);
	kio_group_add(&inner, &leaf);
	kio_group_add(&inner, &late);
	kio_group_add(&outer, &inner.drained);
	kio_group_seal(&inner);
	kio_group_seal(&outer);
	kio_event_fire(&leaf, 0);
	CHECK(kio_event_fired(&inner.event));
	CHECK(!kio_event_fired(&outer.event));
	kio_event_fire(&late, -5);
	CHECK(kio_event_fired(&outer.event));
	CHECK_EQ(outer.event.status, 0);
}

/* --- losing ------------------------------------------------------------- */

struct loser {
	struct kio_arm arm;
	char letter;
	struct kio_event *answer;
};

static struct kio_event *
lost(struct kio_cb *cb, int status)
{
	struct loser *self = (struct loser *)((char *)cb - offsetof(struct loser, arm.cb));
	size_t len = strlen(order);

	order[len] = self->letter;
	seen_status = status;
	return self->answer;
}

struct race {
	struct kio_group group;
	struct kio_event events[3];
	struct loser arms[3];
	struct note decided, drained;
};

static void
set_race(struct race *race, enum kio_policy policy)
{
	memset(race, 0, sizeof(*race));
	reset();
	init_group(&race->group, policy, 0);
	race->decided = make('!');
	race->drained = make('.');
	kio_event_attach(&race->group.event, &race->decided.cb);
	kio_event_attach(&race->group.drained, &race->drained.cb);
	for (int i = 0; i < 3; i++) {
		race->events[i] = fresh();
		race->arms[i].letter = (char)('a' + i);
		race->arms[i].arm.lost = lost;
	}
}

TEST_BOTH("group: arms that lost are detached in order and told so, between decided and drained")
{
	struct race race;

	set_race(&race, KIO_ANY);
	for (int i = 0; i < 3; i++)
		kio_group_arm(&race.group, &race.arms[i].arm, &race.events[i]);
	kio_group_seal(&race.group);
	kio_event_fire(&race.events[1], 0);
	CHECK_STR(order, "!ac.");
	CHECK_EQ(race.events[0].word, 0);
	CHECK_EQ(race.events[2].word, 0);
	kio_event_fire(&race.events[0], 0);
	CHECK_STR(order, "!ac.");
}

TEST_BOTH("group: fail-fast detaches who has not fired; without arms it waits for them")
{
	struct race race;

	set_race(&race, KIO_ALL);
	for (int i = 0; i < 3; i++)
		kio_group_arm(&race.group, &race.arms[i].arm, &race.events[i]);
	kio_group_seal(&race.group);
	kio_event_fire(&race.events[0], -5);
	CHECK_STR(order, "!bc.");
	CHECK_EQ(seen_status, -5);
}

TEST_BOTH("group: what it owns is cancelled, fires with what it did, and is awaited")
{
	struct race race;

	set_race(&race, KIO_ANY);
	for (int i = 0; i < 3; i++)
		kio_group_own(&race.group, &race.arms[i].arm, &race.events[i]);
	kio_group_seal(&race.group);
	kio_event_fire(&race.events[2], 0);
	CHECK_STR(order, "!ab");
	kio_event_fire(&race.events[0], 0); /* too late to be cancelled */
	CHECK_STR(order, "!ab");
	kio_event_fire(&race.events[1], -ECANCELED);
	CHECK_STR(order, "!ab.");
	CHECK_EQ(race.group.drained.status, 0);
}

TEST_BOTH("group: a `lost` that fires its own event, inside the sweep")
{
	struct race race;

	set_race(&race, KIO_ANY);
	for (int i = 0; i < 3; i++) {
		kio_group_own(&race.group, &race.arms[i].arm, &race.events[i]);
		race.arms[i].answer = kio_event_set(&race.events[i], -ECANCELED);
	}
	kio_group_seal(&race.group);
	kio_event_fire(&race.events[0], 0);
	CHECK_STR(order, "!bc.");
	CHECK_EQ(race.events[2].status, -ECANCELED);
}

TEST_BOTH("group: arms that had fired before are not told that they lost")
{
	struct race race;

	set_race(&race, KIO_ANY);
	kio_event_fire(&race.events[0], 0);
	kio_event_fire(&race.events[1], -5);
	for (int i = 0; i < 3; i++)
		kio_group_arm(&race.group, &race.arms[i].arm, &race.events[i]);
	CHECK_STR(order, "");
	kio_group_seal(&race.group);
	CHECK_STR(order, "!c.");
}

TEST("group: a sealed event cannot be detached, so it is awaited")
{
	struct race race;

	shared = true;
	set_race(&race, KIO_ANY);
	for (int i = 0; i < 3; i++)
		kio_group_arm(&race.group, &race.arms[i].arm, &race.events[i]);
	kio_event_seal(&race.events[1]);
	kio_group_seal(&race.group);
	kio_event_fire(&race.events[0], 0);
	CHECK_STR(order, "!c");
	kio_event_fire(&race.events[1], 0);
	CHECK_STR(order, "!c.");
	shared = false;
}

/* --- cancelling --------------------------------------------------------- */

TEST_BOTH("group: cancelled, it is decided with that status, once")
{
	struct race race;

	set_race(&race, KIO_ALL);
	for (int i = 0; i < 3; i++)
		kio_group_arm(&race.group, &race.arms[i].arm, &race.events[i]);
	kio_group_seal(&race.group);
	CHECK_EQ(kio_group_cancel(&race.group, -ETIMEDOUT), 0);
	CHECK_STR(order, "!abc.");
	CHECK_EQ(race.group.event.status, -ETIMEDOUT);
	CHECK_EQ(race.group.drained.status, -ETIMEDOUT);
	CHECK_EQ(kio_group_cancel(&race.group, -ECANCELED), -EALREADY);
	CHECK_STR(order, "!abc.");
}

TEST_BOTH("group: cancelled before the seal, it is decided by the seal")
{
	struct race race;

	set_race(&race, KIO_ALL);
	kio_group_arm(&race.group, &race.arms[0].arm, &race.events[0]);
	CHECK_EQ(kio_group_cancel(&race.group, -ETIMEDOUT), 0);
	CHECK_EQ(kio_group_cancel(&race.group, -ECANCELED), -EALREADY);
	CHECK_STR(order, "");
	kio_group_seal(&race.group);
	CHECK_STR(order, "!a.");
	CHECK_EQ(race.group.event.status, -ETIMEDOUT);
}

TEST_BOTH("group: cancelled with nothing to cancel, it is decided all the same")
{
	struct setup setup;

	set_up(&setup, KIO_ALL, 0);
	CHECK_EQ(kio_group_cancel(&setup.group, -ECANCELED), 0);
	CHECK(kio_event_fired(&setup.group.event));
	CHECK_EQ(setup.group.event.status, -ECANCELED);
	for (int i = 0; i < 4; i++) {
		CHECK(!kio_event_fired(&setup.group.drained));
		kio_event_fire(&setup.events[i], 0);
	}
	CHECK_EQ(setup.group.drained.status, -ECANCELED);
}

TEST_BOTH("group: to cancel after the decision changes nothing")
{
	struct setup setup;

	set_up(&setup, KIO_ANY, 0);
	kio_event_fire(&setup.events[0], 0);
	CHECK_EQ(kio_group_cancel(&setup.group, -ECANCELED), -EALREADY);
	CHECK_EQ(setup.group.event.status, 0);
	for (int i = 1; i < 4; i++)
		kio_event_fire(&setup.events[i], 0);
	CHECK_EQ(setup.group.drained.status, 0);
}

/*
 *   parent --owns--> middle --owns--> work
 *          --observes--> watched --owns--> other work
 */
TEST_BOTH("group: cancelling reaches down what is owned, and not what is observed")
{
	struct kio_group parent, middle, watched;
	struct kio_event work = fresh(), other = fresh();
	struct loser a = { .arm.lost = lost, .letter = 'a' }, b = { .arm.lost = lost, .letter = 'b' };
	struct kio_arm to_middle = { 0 }, to_watched = { 0 };

	reset();
	init_group(&parent, KIO_ALL, 0);
	init_group(&middle, KIO_ALL, 0);
	init_group(&watched, KIO_ALL, 0);
	kio_group_own(&middle, &a.arm, &work);
	kio_group_own(&watched, &b.arm, &other);
	kio_group_nest(&parent, &to_middle, &middle);
	kio_group_arm(&parent, &to_watched, &watched.event);
	kio_group_seal(&middle);
	kio_group_seal(&watched);
	kio_group_seal(&parent);
	kio_group_cancel(&parent, -ETIMEDOUT);
	CHECK_STR(order, "a");
	CHECK_EQ(parent.event.status, -ETIMEDOUT);
	CHECK_EQ(middle.event.status, -ECANCELED);
	CHECK(kio_event_fired(&parent.drained));
	CHECK(!kio_event_fired(&middle.drained));
	CHECK(!kio_event_fired(&watched.event));
	kio_event_fire(&work, -ECANCELED);
	CHECK(kio_event_fired(&middle.drained));
	kio_event_fire(&other, 0);
	CHECK_EQ(watched.event.status, 0);
}

TEST_BOTH("group: a part was cancelled before, and then the whole")
{
	struct kio_group parent, child[2];
	struct kio_event work[2] = { fresh(), fresh() };
	struct loser arms[2] = { { .arm.lost = lost, .letter = 'a' }, { .arm.lost = lost, .letter = 'b' } };
	struct kio_arm to_child[2] = { 0 };

	reset();
	init_group(&parent, KIO_SETTLE, 0);
	for (int i = 0; i < 2; i++) {
		init_group(&child[i], KIO_ALL, 0);
		kio_group_own(&child[i], &arms[i].arm, &work[i]);
		kio_group_nest(&parent, &to_child[i], &child[i]);
		kio_group_seal(&child[i]);
	}
	kio_group_seal(&parent);
	kio_group_cancel(&child[0], -ECANCELED);
	CHECK_STR(order, "a");
	CHECK(!kio_event_fired(&parent.event));
	kio_group_cancel(&parent, -ECANCELED);
	CHECK_STR(order, "ab");
	CHECK(kio_event_fired(&child[1].event));
	for (int i = 0; i < 2; i++)
		kio_event_fire(&work[i], 0);
	CHECK(kio_event_fired(&child[0].drained));
	CHECK(kio_event_fired(&child[1].drained));
	CHECK(kio_event_fired(&parent.drained));
}

/* --- depth -------------------------------------------------------------- */

#define LEVELS 1000000

static void *
deep_nest(void *priv)
{
	struct kio_group *groups = calloc(LEVELS, sizeof(*groups));
	struct kio_event leaf = fresh();

	for (int i = 0; i < LEVELS; i++) {
		init_group(&groups[i], KIO_ALL, 0);
		kio_group_add(&groups[i], i == 0 ? &leaf : &groups[i - 1].event);
		kio_group_seal(&groups[i]);
	}
	kio_event_fire(&leaf, 0);
	*(bool *)priv = kio_event_fired(&groups[LEVELS - 1].event) &&
			kio_event_fired(&groups[LEVELS - 1].drained) &&
			kio_event_fired(&groups[0].drained);
	free(groups);
	return NULL;
}

TEST_BOTH("group: a nest a million deep runs on a stack of 64 KiB")
{
	if (SANITIZED)
		SKIP("sanitizers need more stack");
	CHECK(on_small_stack(deep_nest));
}

static void *
deep_cancel(void *priv)
{
	struct kio_group *groups = calloc(LEVELS, sizeof(*groups));
	struct kio_arm *arms = calloc(LEVELS, sizeof(*arms));
	struct kio_event leaf = fresh();

	for (int i = 0; i < LEVELS; i++) {
		init_group(&groups[i], KIO_ALL, 0);
		if (i == 0)
			kio_group_arm(&groups[i], &arms[i], &leaf);
		else
			kio_group_nest(&groups[i], &arms[i], &groups[i - 1]);
		kio_group_seal(&groups[i]);
	}
	kio_group_cancel(&groups[LEVELS - 1], -ECANCELED);
	*(bool *)priv = kio_event_fired(&groups[0].event) && kio_event_fired(&groups[0].drained) &&
			kio_event_fired(&groups[LEVELS - 1].drained) && leaf.word == 0;
	free(groups);
	free(arms);
	return NULL;
}

TEST_BOTH("group: cancelling a million levels runs on a stack of 64 KiB")
{
	if (SANITIZED)
		SKIP("sanitizers need more stack");
	CHECK(on_small_stack(deep_cancel));
}

/* --- misuse ------------------------------------------------------------- */

static void
shared_in_owners(void)
{
	struct kio_event event = { 0 };
	struct kio_group group;

	kio_event_init_shared(&event);
	kio_group_init(&group, KIO_ALL, 0);
	kio_group_add(&group, &event);
}

static void
owners_arm_in_shared(void)
{
	struct kio_event event = { 0 };
	struct kio_group group;
	struct kio_arm arm = { 0 };

	kio_group_init_shared(&group, KIO_ALL, 0);
	kio_group_arm(&group, &arm, &event);
}

static void
add_after_seal(void)
{
	struct kio_event event = fresh();
	struct kio_group group;

	init_group(&group, KIO_ALL, 0);
	kio_group_seal(&group);
	kio_group_add(&group, &event);
}

static void
add_with_callbacks(void)
{
	struct kio_event event = fresh();
	struct kio_group group;
	struct note a = make('a');

	init_group(&group, KIO_ALL, 0);
	kio_event_attach(&event, &a.cb);
	kio_group_add(&group, &event);
}

static void
seal_twice(void)
{
	struct kio_group group;

	init_group(&group, KIO_ALL, 0);
	kio_group_seal(&group);
	kio_group_seal(&group);
}

static void
cancel_with_success(void)
{
	struct setup setup;

	set_up(&setup, KIO_ALL, 0);
	kio_group_cancel(&setup.group, 0);
}

static void
member_twice(void)
{
	struct setup setup;

	set_up(&setup, KIO_ALL, 0);
	kio_event_fire(&setup.events[0], 0);
	kio_event_fire(&setup.events[0], 0);
}

TEST_BOTH("group: misuse aborts and says what is wrong")
{
	CHECK(unit_aborts(shared_in_owners, "a shared event in an owner's group"));
	CHECK(unit_aborts(owners_arm_in_shared, "by kio_group_add only"));
	CHECK(unit_aborts(add_after_seal, "added after the seal"));
	CHECK(unit_aborts(add_with_callbacks, "joins by kio_group_arm"));
	CHECK(unit_aborts(seal_twice, "sealed twice"));
	CHECK(unit_aborts(cancel_with_success, "the status of a success"));
	CHECK(unit_aborts(member_twice, "fired twice"));
}

TEST("group: an owner's event joins a shared group")
{
	struct kio_event mine = { 0 }, other = { 0 };
	struct kio_group group;

	kio_event_init_shared(&other);
	kio_group_init_shared(&group, KIO_ALL, 0);
	kio_group_add(&group, &mine);
	kio_group_add(&group, &other);
	kio_group_seal(&group);
	kio_event_fire(&other, 0);
	kio_event_fire(&mine, 0);
	CHECK(kio_event_fired(&group.event));
}

/* A tree of groups decides as the booleans it stands for. */
TEST_BOTH("group: random trees agree with an evaluation by hand")
{
	unsigned random = 1;

	for (int round = 0; round < 20000; round++) {
		struct kio_group groups[4];
		struct kio_event leaves[9];
		struct kio_arm arms[9] = { 0 };
		bool value[9], sub[3], all = true;
		unsigned sums[3] = { 0 }, ks[3];
		int order_of[9];

		for (int i = 0; i < 9; i++) {
			random = random * 1664525 + 1013904223;
			value[i] = (random >> 16 & 1) != 0;
			sums[i / 3] += value[i];
			order_of[i] = i;
			leaves[i] = fresh();
		}
		for (int i = 8; i > 0; i--) {
			random = random * 1664525 + 1013904223;
			int j = (int)(random >> 8) % (i + 1);
			int swap = order_of[i];

			j = j < 0 ? -j : j;
			order_of[i] = order_of[j];
			order_of[j] = swap;
		}
		init_group(&groups[3], KIO_ALL, 0);
		for (int g = 0; g < 3; g++) {
			ks[g] = (random >> (g * 3 + 4)) % 4;
			init_group(&groups[g], KIO_QUORUM, ks[g]);
			for (int i = g * 3; i < g * 3 + 3; i++) {
				random = random * 1664525 + 1013904223;
				if ((random >> 20 & 1) != 0)
					kio_group_add(&groups[g], &leaves[i]);
				else
					kio_group_arm(&groups[g], &arms[i], &leaves[i]);
			}
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
		for (int g = 0; g < 4; g++)
			CHECK(kio_event_fired(&groups[g].drained));
	}
}

/* --- more misuse ------------------------------------------------------------ */

static void
add_too_many(void)
{
	struct kio_event event = fresh();
	struct kio_group group;

	init_group(&group, KIO_ALL, 0);
	group.members = 0xffffe;
	kio_group_add(&group, &event);
}

static void
add_sealed(void)
{
	struct kio_event event = fresh();
	struct kio_group group;

	kio_event_seal(&event);
	init_group(&group, KIO_ALL, 0);
	kio_group_add(&group, &event);
}

TEST_BOTH("group: a member too many, or one that is sealed, aborts and says so")
{
	CHECK(unit_aborts(add_too_many, "more than 1048574 members"));
	CHECK(unit_aborts(add_sealed, "adding an event that is sealed"));
}
