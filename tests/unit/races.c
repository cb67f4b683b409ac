/* SPDX-License-Identifier: MIT */
/*
 * What went wrong in other mechanisms of this kind, one test for each: two
 * threads at once where it takes two, and run under the thread sanitizer too.
 */
#include <kiobuf/loop.h>

#include <time.h>

#include "duel.h"

static uint64_t
now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

struct counted {
	struct kio_cb cb;
	unsigned calls; /* atomic */
};

static struct kio_event *
count(struct kio_cb *cb, int status)
{
	(void)status;
	__atomic_add_fetch(&((struct counted *)cb)->calls, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* --- events ------------------------------------------------------------- */

struct meeting {
	struct kio_event event;
	struct counted a, b, c, x;
	unsigned random;
	int attached, detached;
};

static void
fire_it(void *priv)
{
	struct meeting *meeting = priv;

	dawdle(&meeting->random);
	kio_event_fire(&meeting->event, -5);
}

TEST("race: attach against fire; each callback runs once, or its owner is told")
{
	struct meeting meeting = { 0 };
	struct duel duel;
	unsigned random = 7, good = 0;

	duel_open(&duel, fire_it, &meeting);
	for (int round = 0; round < ROUNDS; round++) {
		kio_event_init_shared(&meeting.event);
		meeting.a = meeting.b = meeting.x = (struct counted){ .cb.fn = count };
		duel_begin(&duel);
		dawdle(&random);
		unsigned a = kio_event_attach(&meeting.event, &meeting.a.cb) == 0;
		unsigned x = kio_event_intercept(&meeting.event, &meeting.x.cb) == 0;
		unsigned b = kio_event_attach(&meeting.event, &meeting.b.cb) == 0;
		duel_end(&duel);
		good += meeting.a.calls == a && meeting.b.calls == b && meeting.x.calls == x &&
			kio_event_fired(&meeting.event) && meeting.event.status == -5;
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

TEST("race: detach from the middle against fire; run or detached, never both, never neither")
{
	struct meeting meeting = { 0 };
	struct duel duel;
	unsigned random = 9, good = 0;

	duel_open(&duel, fire_it, &meeting);
	for (int round = 0; round < ROUNDS; round++) {
		kio_event_init_shared(&meeting.event);
		meeting.a = meeting.b = meeting.c = meeting.x = (struct counted){ .cb.fn = count };
		kio_event_attach(&meeting.event, &meeting.a.cb);
		if (round % 2 != 0)
			kio_event_intercept(&meeting.event, &meeting.x.cb);
		kio_event_attach(&meeting.event, &meeting.b.cb);
		kio_event_attach(&meeting.event, &meeting.c.cb);
		duel_begin(&duel);
		dawdle(&random);
		unsigned b = kio_event_detach(&meeting.event, &meeting.b.cb) != 0;
		unsigned x = round % 2;
		if (round % 4 == 3)
			x = kio_event_detach(&meeting.event, &meeting.x.cb) != 0;
		duel_end(&duel);
		good += meeting.a.calls == 1 && meeting.b.calls == b && meeting.c.calls == 1 &&
			meeting.x.calls == x && kio_event_fired(&meeting.event);
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

static void
detach_b(void *priv)
{
	struct meeting *meeting = priv;

	dawdle(&meeting->random);
	meeting->detached = kio_event_detach(&meeting->event, &meeting->b.cb);
}

TEST("race: two threads detach and attach on one event")
{
	struct meeting meeting = { 0 };
	struct duel duel;
	unsigned random = 5, good = 0;

	duel_open(&duel, detach_b, &meeting);
	for (int round = 0; round < ROUNDS; round++) {
		kio_event_init_shared(&meeting.event);
		meeting.a = meeting.b = meeting.c = (struct counted){ .cb.fn = count };
		kio_event_attach(&meeting.event, &meeting.a.cb);
		kio_event_attach(&meeting.event, &meeting.b.cb);
		duel_begin(&duel);
		dawdle(&random);
		int a = kio_event_detach(&meeting.event, &meeting.a.cb);
		int c = kio_event_attach(&meeting.event, &meeting.c.cb);
		duel_end(&duel);
		kio_event_fire(&meeting.event, 0);
		good += a == 0 && c == 0 && meeting.detached == 0 && meeting.a.calls == 0 &&
			meeting.b.calls == 0 && meeting.c.calls == 1;
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

TEST("race: who waits for the end of a callback may free it")
{
	struct meeting meeting = { 0 };
	struct duel duel;
	unsigned random = 3, good = 0;

	duel_open(&duel, fire_it, &meeting);
	for (int round = 0; round < ROUNDS; round++) {
		struct counted *mine = calloc(1, sizeof(*mine));
		int rc;

		mine->cb = (struct kio_cb){ .fn = count, .state = KIO_CB_KEPT };
		kio_event_init_shared(&meeting.event);
		kio_event_attach(&meeting.event, &mine->cb);
		duel_begin(&duel);
		dawdle(&random);
		rc = kio_event_detach_wait(&meeting.event, &mine->cb);
		good += rc == 0 ? mine->calls == 0 : rc == -EALREADY && mine->calls == 1;
		free(mine);
		duel_end(&duel);
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

struct sent_back {
	struct kio_event event, instead;
	struct kio_cb first;   /* is called first */
	struct counted second; /* is about to be */
	unsigned inside, asked; /* atomic */
	unsigned random;
};

static struct kio_event *
sends_back(struct kio_cb *cb, int status)
{
	struct sent_back *self = kio_container_of(cb, struct sent_back, first);

	__atomic_store_n(&self->inside, 1, __ATOMIC_RELEASE);
	spin_until(&self->asked, 1);
	dawdle(&self->random);
	return kio_event_set(&self->instead, status);
}

static void
fire_and_be_sent_back(void *priv)
{
	kio_event_fire(&((struct sent_back *)priv)->event, 0);
}

/* Waiting for its return alone was waiting for the next time the event fires, which may be never. */
TEST("race: who waits for the end of an interceptor that is about to be called is not kept, if another answers with an event")
{
	struct sent_back back = { 0 };
	struct duel duel;
	unsigned good = 0;

	duel_open(&duel, fire_and_be_sent_back, &back);
	for (int round = 0; round < ROUNDS / 4; round++) {
		kio_event_init_shared(&back.event);
		kio_event_init_shared(&back.instead);
		back.first = (struct kio_cb){ .fn = sends_back };
		back.second = (struct counted){ .cb = { .fn = count, .state = KIO_CB_KEPT } };
		back.inside = back.asked = 0;
		kio_event_intercept(&back.event, &back.second.cb);
		kio_event_intercept(&back.event, &back.first);
		duel_begin(&duel);
		spin_until(&back.inside, 1);
		__atomic_store_n(&back.asked, 1, __ATOMIC_RELEASE);
		good += kio_event_detach_wait(&back.event, &back.second.cb) == 0;
		duel_end(&duel);
		good -= back.second.calls != 0 || kio_event_fired(&back.event) || !kio_event_fired(&back.instead);
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS / 4);
}

struct owned {
	struct kio_cb cb;
	unsigned *freed;
};

/* Whoever is told that it is his; what is left there looks like a kept callback that runs. */
static void
free_owned(struct owned *owned)
{
	__atomic_add_fetch(owned->freed, 1, __ATOMIC_RELEASE);
	*(volatile uint32_t *)&owned->cb.state = KIO_CB_KEPT;
	free(owned);
}

static struct kio_event *
frees_itself(struct kio_cb *cb, int status)
{
	(void)status;
	free_owned(kio_container_of(cb, struct owned, cb));
	return NULL;
}

TEST("race: a callback that frees itself against who detaches it; one of them has it")
{
	struct meeting meeting = { 0 };
	unsigned random = 11, good = 0;
	struct duel duel;

	duel_open(&duel, fire_it, &meeting);
	for (int round = 0; round < ROUNDS; round++) {
		struct owned *owned = calloc(1, sizeof(*owned));
		unsigned freed = 0;
		int rc;

		owned->cb.fn = frees_itself;
		owned->freed = &freed;
		meeting.a = (struct counted){ .cb.fn = count };
		kio_event_init_shared(&meeting.event);
		kio_event_attach(&meeting.event, &owned->cb);
		if (round % 2 != 0)
			kio_event_attach(&meeting.event, &meeting.a.cb);
		duel_begin(&duel);
		dawdle(&random);
		rc = kio_event_detach(&meeting.event, &owned->cb);
		if (rc == 0)
			free_owned(owned);
		duel_end(&duel);
		good += freed == 1 && (rc == 0 || rc == -EALREADY) && meeting.a.calls == round % 2u;
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

struct holder {
	struct kio_event event;
	struct kio_cb cb;
	unsigned go; /* atomic */
	unsigned random;
};

static struct kio_event *
holds(struct kio_cb *cb, int status)
{
	struct holder *holder = kio_container_of(cb, struct holder, cb);

	(void)status;
	__atomic_store_n(&holder->go, 1, __ATOMIC_RELEASE);
	dawdle(&holder->random);
	return KIO_CB_HOLD;
}

static void
resumes(void *priv)
{
	struct holder *holder = priv;

	spin_until(&holder->go, 1);
	kio_event_resume(&holder->event, &holder->cb, -7);
}

TEST("race: resumption against the return of the callback that holds")
{
	struct holder holder = { 0 };
	struct counted after;
	struct duel duel;
	unsigned good = 0;

	duel_open(&duel, resumes, &holder);
	for (int round = 0; round < ROUNDS; round++) {
		kio_event_init_shared(&holder.event);
		holder.cb = (struct kio_cb){ .fn = holds };
		holder.go = 0;
		after = (struct counted){ .cb.fn = count };
		kio_event_attach(&holder.event, &after.cb);
		kio_event_intercept(&holder.event, &holder.cb);
		duel_begin(&duel);
		kio_event_fire(&holder.event, 0);
		duel_end(&duel);
		good += after.calls == 1 && kio_event_fired(&holder.event) &&
			holder.event.status == -7;
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

/* --- waiting ------------------------------------------------------------ */

static void
fire_the_pointed(void *priv)
{
	kio_event_fire(*(struct kio_event **)priv, -3);
}

TEST("race: the waiter returns and frees the event while the other still fires")
{
	struct kio_event *event = NULL;
	struct duel duel;
	unsigned good = 0;

	duel_open(&duel, fire_the_pointed, &event);
	for (int round = 0; round < ROUNDS / 4; round++) {
		event = calloc(1, sizeof(*event));
		kio_event_init_shared(event);
		duel_begin(&duel);
		good += kio_event_wait(event, UINT64_MAX, round % 3 * 100) == 0 && event->status == -3;
		memset(event, 0xee, sizeof(*event));
		free(event);
		duel_end(&duel);
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS / 4);
}

static void
fire_in_a_while(void *priv)
{
	struct meeting *meeting = priv;
	uint64_t due;

	dawdle(&meeting->random);
	due = now_ns() + meeting->random % 200000;
	while (now_ns() < due)
		;
	kio_event_fire(&meeting->event, 0);
}

TEST("race: the deadline against the wake; nobody wakes a stack that is gone")
{
	struct meeting meeting = { 0 };
	struct duel duel;
	unsigned good = 0, late = 0;

	duel_open(&duel, fire_in_a_while, &meeting);
	for (int round = 0; round < ROUNDS / 4; round++) {
		kio_event_init_shared(&meeting.event);
		meeting.a = (struct counted){ .cb.fn = count };
		kio_event_attach(&meeting.event, &meeting.a.cb);
		duel_begin(&duel);
		int rc = kio_event_wait(&meeting.event, now_ns() + (unsigned)round % 64 * 3000, 0);

		good += rc == 0 || rc == -ETIMEDOUT;
		late += rc != 0;
		duel_end(&duel);
		good -= meeting.a.calls != 1;
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS / 4);
	printf("  %u of %d timed out\n", late, ROUNDS / 4);
}

TEST("race: a deadline is kept while an interceptor holds, and leaves nothing behind")
{
	struct kio_event event = { 0 };
	struct note x = make('x');
	uint64_t begun = now_ns();

	reset();
	kio_event_init_shared(&event);
	x.answer = KIO_CB_HOLD;
	kio_event_intercept(&event, &x.cb);
	CHECK_EQ(kio_event_wait(&event, begun + 1000000, 0), -ETIMEDOUT);
	kio_event_fire(&event, 0);
	CHECK_EQ(kio_event_wait(&event, now_ns() + 1000000, 0), -ETIMEDOUT);
	CHECK_EQ(kio_event_wait(&event, 0, 100), -ETIMEDOUT);
	CHECK(now_ns() - begun >= 2000000);
	kio_event_resume(&event, &x.cb, 0);
	CHECK_EQ(kio_event_wait(&event, 0, 0), 0);
}

struct patient {
	struct kio_event *event;
	unsigned *woken; /* atomic */
	pthread_t thread;
};

/* Does not end before all have woken. */
static void *
wait_and_wait_for_others(void *priv)
{
	struct patient *patient = priv;

	kio_event_wait(patient->event, UINT64_MAX, 0);
	__atomic_add_fetch(patient->woken, 1, __ATOMIC_RELEASE);
	spin_until(patient->woken, 3);
	return NULL;
}

TEST("race: threads that wait for one event are only woken; none of them waits for another")
{
	for (int round = 0; round < 50; round++) {
		struct kio_event event = { 0 };
		struct patient patients[3];
		unsigned woken = 0;

		kio_event_init_shared(&event);
		for (int i = 0; i < 3; i++) {
			patients[i] = (struct patient){ .event = &event, .woken = &woken };
			pthread_create(&patients[i].thread, NULL, wait_and_wait_for_others, &patients[i]);
		}
		kio_event_fire(&event, 0);
		for (int i = 0; i < 3; i++)
			pthread_join(patients[i].thread, NULL);
		CHECK_EQ(woken, 3);
	}
}

/* --- losers ------------------------------------------------------------- */

TEST("race: losers leave nothing on an event that lives long")
{
	struct kio_event forever = { 0 };
	unsigned good = 0;

	kio_event_init_shared(&forever);
	for (int round = 0; round < ROUNDS; round++) {
		struct kio_event quick = { 0 };
		struct kio_arm arms[2] = { 0 };
		struct kio_group race;

		kio_event_init_shared(&quick);
		kio_group_init_shared(&race, KIO_ANY, 0);
		kio_group_arm(&race, &arms[0], &forever);
		kio_group_arm(&race, &arms[1], &quick);
		kio_group_seal(&race);
		kio_event_fire(&quick, 0);
		good += kio_event_fired(&race.drained) && forever.word == 0;
	}
	CHECK_EQ(good, ROUNDS);
}

struct timeout {
	struct kio_timer timer;
	struct kio_event event;
	struct kio_arm arm;
	struct kio_loop *loop;
	bool cancelled;
};

static void
time_is_up(struct kio_task *task)
{
	kio_event_fire(&kio_container_of(task, struct timeout, timer.task)->event, 0);
}

static struct kio_event *
cancel_timer(struct kio_cb *cb, int status)
{
	struct timeout *timeout = kio_container_of(cb, struct timeout, arm.cb);

	(void)status;
	timeout->cancelled = kio_timer_cancel(timeout->loop, &timeout->timer);
	return NULL;
}

TEST("race: a timeout is one more arm; it leaves nothing when the work ends first, nor the work when it does")
{
	struct kio_loop *loop;

	if (kio_loop_open(&loop, NULL) < 0)
		SKIP("no loop");
	for (int late = 0; late < 2; late++) {
		struct timeout timeout = { .timer.task.run = time_is_up, .loop = loop, .arm.lost = cancel_timer };
		struct kio_event work = { 0 };
		struct kio_arm arm = { 0 };
		struct kio_group first;

		kio_group_init(&first, KIO_ANY, 0);
		kio_group_arm(&first, &arm, &work);
		kio_group_arm(&first, &timeout.arm, &timeout.event);
		kio_group_seal(&first);
		kio_timer_arm(loop, &timeout.timer, kio_loop_now(loop) + (late ? 1000000 : 3600000000000));
		if (!late)
			kio_event_fire(&work, 0);
		while (!kio_event_fired(&first.drained))
			kio_loop_step(loop, -1);
		CHECK_EQ(timeout.cancelled, !late);
		CHECK_EQ(timeout.event.word, late ? KIO_EVENT_FIRED : 0);
		CHECK_EQ(work.word, late ? 0 : KIO_EVENT_FIRED);
		CHECK(!kio_timer_cancel(loop, &timeout.timer));
	}
	kio_loop_close(&loop);
}

struct contest {
	struct kio_group *group;
	struct kio_arm arms[8];
	struct kio_event events[8];
	struct counted decided, drained;
	unsigned random;
	int status[8];
};

static void
fire_odd(void *priv)
{
	struct contest *contest = priv;

	for (int i = 1; i < 8; i += 2) {
		dawdle(&contest->random);
		kio_event_fire(&contest->events[i], contest->status[i]);
	}
}

static void
contest_init(struct contest *contest, enum kio_policy policy, unsigned k, unsigned random)
{
	contest->group = calloc(1, sizeof(*contest->group));
	memset(contest->arms, 0, sizeof(contest->arms));
	contest->decided = contest->drained = (struct counted){ .cb.fn = count };
	kio_group_init_shared(contest->group, policy, k);
	kio_event_attach(&contest->group->event, &contest->decided.cb);
	kio_event_attach(&contest->group->drained, &contest->drained.cb);
	for (int i = 0; i < 8; i++) {
		kio_event_init_shared(&contest->events[i]);
		contest->status[i] = (random >> i & 1) != 0 ? -5 : 0;
	}
}

static bool
contest_is_right(const struct contest *contest, enum kio_policy policy, unsigned k)
{
	int status = contest->group->event.status;
	unsigned ok = 0;

	for (int i = 0; i < 8; i++)
		ok += contest->status[i] == 0;
	if (policy == KIO_ALL)
		k = 8;
	if (policy == KIO_ANY)
		k = 1;
	return contest->decided.calls == 1 && contest->drained.calls == 1 &&
	       (policy == KIO_SETTLE ? status == 0 : status == (ok >= k ? 0 : -5));
}

/*
 * Members fire while the group is still being built, and the group is freed as
 * soon as it is drained: whoever of seal and deciding member comes second has to
 * be the one that sweeps, and a member that decides nothing must not look at the
 * group once it is counted.
 */
TEST("race: members fire on two threads while the group is built; it is freed once drained")
{
	static const enum kio_policy policies[] = { KIO_ALL, KIO_ANY, KIO_QUORUM, KIO_SETTLE };
	struct contest contest = { 0 };
	struct duel duel;
	unsigned random = 11, good = 0;

	duel_open(&duel, fire_odd, &contest);
	for (int round = 0; round < ROUNDS; round++) {
		enum kio_policy policy = policies[round % 4];
		unsigned k = 1 + (unsigned)round / 4 % 8;

		dawdle(&random);
		contest_init(&contest, policy, k, random >> 8);
		duel_begin(&duel);
		for (int i = 0; i < 8; i++) {
			dawdle(&random);
			if ((round + i) % 3 == 0)
				kio_group_add(contest.group, &contest.events[i]);
			else
				kio_group_arm(contest.group, &contest.arms[i], &contest.events[i]);
			if (i % 4 == 2)
				kio_event_fire(&contest.events[i], contest.status[i]);
		}
		kio_group_seal(contest.group);
		for (int i = 0; i < 8; i += 4)
			kio_event_fire(&contest.events[i], contest.status[i]);
		spin_until(&contest.drained.calls, 1);
		spin_until(&contest.decided.calls, 1);
		good += contest_is_right(&contest, policy, k);
		memset(contest.group, 0xee, sizeof(*contest.group));
		free(contest.group);
		duel_end(&duel);
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

static void
cancel_it(void *priv)
{
	struct contest *contest = priv;

	dawdle(&contest->random);
	contest->random ^= (unsigned)kio_group_cancel(contest->group, -ECANCELED);
}

TEST("race: cancelling against the decision; one of them wins, and it drains")
{
	struct contest contest = { 0 };
	struct duel duel;
	unsigned random = 13, good = 0;

	duel_open(&duel, cancel_it, &contest);
	for (int round = 0; round < ROUNDS; round++) {
		contest_init(&contest, KIO_ANY, 0, 0);
		for (int i = 0; i < 8; i++)
			kio_group_arm(contest.group, &contest.arms[i], &contest.events[i]);
		if (round % 2 == 0)
			kio_group_seal(contest.group);
		duel_begin(&duel);
		dawdle(&random);
		kio_event_fire(&contest.events[round % 8], 0);
		if (round % 2 != 0)
			kio_group_seal(contest.group);
		duel_end(&duel);
		good += contest.decided.calls == 1 && contest.drained.calls == 1 &&
			(contest.group->event.status == 0 ||
			 contest.group->event.status == -ECANCELED);
		free(contest.group);
	}
	duel_close(&duel);
	CHECK_EQ(good, ROUNDS);
}

/* The group is inside a structure that its own drained event frees, in the sweep of its own making. */
struct own_memory {
	struct kio_group group;
	struct kio_arm arms[3];
	struct kio_event events[3];
	struct kio_cb last;
};

static unsigned own_freed;

static struct kio_event *
free_all(struct kio_cb *cb, int status)
{
	struct own_memory *own = kio_container_of(cb, struct own_memory, last);

	(void)status;
	memset(own, 0xee, sizeof(*own));
	free(own);
	own_freed++;
	return NULL;
}

TEST("race: a group that is freed by its own completion, inside its own sweep")
{
	for (int which = 0; which < 3; which++) {
		struct own_memory *own = calloc(1, sizeof(*own));

		own->last.fn = free_all;
		kio_group_init_shared(&own->group, KIO_ANY, 0);
		kio_event_attach(&own->group.drained, &own->last);
		for (int i = 0; i < 3; i++) {
			kio_event_init_shared(&own->events[i]);
			kio_group_arm(&own->group, &own->arms[i], &own->events[i]);
		}
		kio_group_seal(&own->group);
		kio_event_fire(&own->events[which], 0);
	}
	CHECK_EQ(own_freed, 3);
}

/* --- callbacks are under no lock ---------------------------------------- */

struct meddler {
	struct kio_cb cb;
	struct kio_event *own, *other;
	struct counted *attached, *fresh;
	struct kio_group *group;
	int detached, too_late, cancelled;
};

static struct kio_event *
meddles(struct kio_cb *cb, int status)
{
	struct meddler *self = (struct meddler *)cb;

	self->detached = kio_event_detach(self->other, &self->attached->cb);
	self->too_late = kio_event_attach(self->own, &self->fresh->cb);
	kio_event_attach(self->other, &self->fresh->cb);
	self->cancelled = kio_group_cancel(self->group, -ECANCELED);
	kio_event_fire(self->other, status);
	return NULL;
}

TEST("race: a callback attaches, detaches, fires and cancels, its own event and others")
{
	struct kio_event own = { 0 }, other = { 0 };
	struct counted attached = { .cb.fn = count }, fresh_one = { .cb.fn = count };
	struct kio_group group;
	struct meddler meddler = { .cb.fn = meddles, .own = &own, .other = &other,
				   .attached = &attached, .fresh = &fresh_one, .group = &group };

	kio_event_init_shared(&own);
	kio_event_init_shared(&other);
	kio_group_init_shared(&group, KIO_ALL, 0);
	kio_group_add(&group, &own);
	kio_group_seal(&group);
	kio_event_attach(&other, &attached.cb);
	kio_event_attach(&group.event, &meddler.cb);
	meddler.own = &group.event;
	kio_event_fire(&own, 0);
	CHECK_EQ(meddler.detached, 0);
	CHECK_EQ(meddler.too_late, -EALREADY);
	CHECK_EQ(meddler.cancelled, -EALREADY);
	CHECK_EQ(attached.calls, 0);
	CHECK_EQ(fresh_one.calls, 1);
	CHECK(kio_event_fired(&group.drained));
}

TEST("race: an event that is to be freed fires first, and its waiters hear of it")
{
	struct kio_event *source = calloc(1, sizeof(*source));
	struct kio_arm arm = { 0 };
	struct kio_group group;

	kio_event_init_shared(source);
	kio_group_init_shared(&group, KIO_ALL, 0);
	kio_group_arm(&group, &arm, source);
	kio_group_seal(&group);
	kio_event_fire(source, -ECANCELED);
	memset(source, 0xee, sizeof(*source));
	free(source);
	CHECK_EQ(group.event.status, -ECANCELED);
	CHECK(kio_event_fired(&group.drained));
}

/* --- many --------------------------------------------------------------- */

TEST("race: the order is the same for any number of callbacks and arms")
{
	enum { MOST = 64 };

	for (int n = 1; n < MOST; n++) {
		struct kio_event event = { 0 };
		struct note notes[MOST];
		char expected[MOST] = "";

		reset();
		kio_event_init_shared(&event);
		for (int i = 0; i < n; i++) {
			notes[i] = make((char)('0' + i));
			expected[i] = (char)('0' + i);
			kio_event_attach(&event, &notes[i].cb);
		}
		kio_event_fire(&event, 0);
		CHECK_STR(order, expected);
	}
}

TEST("race: members that have fired before cost no more than being counted")
{
	enum { MANY = 1000000 };
	struct kio_event fired = { 0 };
	struct kio_group group;
	uint64_t begun = now_ns();

	kio_event_init_shared(&fired);
	kio_event_fire(&fired, 0);
	kio_group_init_shared(&group, KIO_ALL, 0);
	for (int i = 0; i < MANY; i++)
		kio_group_add(&group, &fired);
	kio_group_seal(&group);
	CHECK(kio_event_fired(&group.drained));
	CHECK(now_ns() - begun < 5000000000);
}
