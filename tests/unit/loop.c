/* SPDX-License-Identifier: MIT */
#include <kiobuf/kiobuf.h>

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/loop.h"
#include "unit.h"

static const char *const engines[] = { "io_uring", "threads" };

static struct kio_loop *
open_loop(int engine)
{
	struct kio_loop_options options = { .engine = engines[engine] };
	struct kio_loop *loop = NULL;
	int rc = kio_loop_open(&loop, &options);

	if (rc < 0 && engine == 0)
		return NULL; /* not everywhere */
	CHECK_EQ(rc, 0);
	return loop;
}

#define EACH_ENGINE(loop)                                                                   \
	for (int engine = 0; engine < 2; engine++)                                          \
		for (struct kio_loop *loop = open_loop(engine); loop != NULL; kio_loop_close(&loop))

struct count {
	struct kio_task task;
	struct kio_loop *loop;
	unsigned seen, wanted;
};

static void
count_up(struct kio_task *task)
{
	struct count *count = kio_container_of(task, struct count, task);

	/* one test looks at it from another thread */
	if (__atomic_add_fetch(&count->seen, 1, __ATOMIC_RELAXED) == count->wanted)
		kio_loop_stop(count->loop);
}

TEST("loop: an engine that is not known is refused")
{
	struct kio_loop_options options = { .engine = "steam" };
	struct kio_loop *loop;

	CHECK_EQ(kio_loop_open(&loop, &options), -22);
}

TEST("loop: runs a deferred task, but not inside the call")
{
	EACH_ENGINE(loop) {
		struct count count = { .task.run = count_up, .loop = loop, .wanted = 1 };

		kio_loop_defer(loop, &count.task);
		CHECK_EQ(count.seen, 0);
		CHECK_EQ(kio_loop_run(loop), 0);
		CHECK_EQ(count.seen, 1);
	}
}

struct ordered {
	struct kio_task task;
	struct kio_loop *loop;
	struct kio_task *then_last, *then_defer;
	char name;
};

static char seen_order[16];

static void
note_order(struct kio_task *task)
{
	struct ordered *self = kio_container_of(task, struct ordered, task);

	seen_order[strlen(seen_order)] = self->name;
	if (self->then_last != NULL)
		kio_loop_last(self->loop, self->then_last);
	if (self->then_defer != NULL)
		kio_loop_defer(self->loop, self->then_defer);
}

TEST("loop: what is to run last runs when all that is ready has run, in the same round")
{
	EACH_ENGINE(loop) {
		struct ordered tasks[5];
		struct kio_task *task[5];

		memset(seen_order, 0, sizeof(seen_order));
		for (unsigned i = 0; i < 5; i++) {
			tasks[i] = (struct ordered){ .task.run = note_order, .loop = loop, .name = (char)('a' + i) };
			task[i] = &tasks[i].task;
		}
		kio_loop_last(loop, task[0]); /* nothing else is ready */
		CHECK_EQ(kio_loop_step(loop, -1), 1);
		CHECK_EQ(strcmp(seen_order, "a"), 0);
		tasks[1].then_last = task[3];
		tasks[1].then_defer = task[0];
		tasks[3].then_last = task[4];
		kio_loop_defer(loop, task[1]);
		kio_loop_defer(loop, task[2]);
		kio_loop_step(loop, -1);
		CHECK_EQ(strcmp(seen_order, "abcde"), 0); /* and not a once more */
		kio_loop_step(loop, -1);
		CHECK_EQ(strcmp(seen_order, "abcdea"), 0);
		kio_loop_last(loop, task[2]);
		CHECK(kio_loop_last_cancel(loop, task[2]));
		CHECK(!kio_loop_last_cancel(loop, task[2]));
		CHECK_EQ(kio_loop_step(loop, 0), 0);
		CHECK_EQ(strcmp(seen_order, "abcdea"), 0);
	}
}

TEST("loop: without work it sleeps, and a step comes back at its timeout")
{
	EACH_ENGINE(loop) {
		uint64_t begun = kio_loop_now(loop);
		unsigned steps = 0;

		CHECK_EQ(kio_loop_step(loop, 0), 0);
		/* it may come back early now and then, but does not spin */
		for (; kio_loop_now(loop) - begun < 50000000; steps++)
			CHECK_EQ(kio_loop_step(loop, 20000000), 0);
		CHECK(steps >= 2 && steps < 20);
		CHECK(kio_loop_now(loop) - begun < 5000000000);
	}
}

#define POSTS 20000

static struct count posted[4][64];

static void *
post_many(void *priv)
{
	struct kio_loop *loop = priv;
	static unsigned who;
	unsigned mine = __atomic_fetch_add(&who, 1, __ATOMIC_RELAXED) % 4;

	for (unsigned i = 0; i < 64; i++)
		kio_loop_post(loop, &posted[mine][i].task);
	return NULL;
}

static struct kio_loop *posted_loop;
static unsigned posted_seen;

static void
post_seen(struct kio_task *task)
{
	struct count *count = kio_container_of(task, struct count, task);

	count->seen++;
	if (++posted_seen == 4 * 64)
		kio_loop_stop(posted_loop);
}

TEST("loop: tasks posted by several threads all run, once, and wake it")
{
	EACH_ENGINE(loop) {
		pthread_t threads[4];

		posted_loop = loop;
		posted_seen = 0;
		for (int i = 0; i < 4 * 64; i++)
			posted[i / 64][i % 64] = (struct count){ .task.run = post_seen };
		for (int i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, post_many, loop);
		CHECK_EQ(kio_loop_run(loop), 0);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < 4 * 64; i++)
			CHECK_EQ(posted[i / 64][i % 64].seen, 1);
	}
}

static char order[8];

struct alarm {
	struct kio_timer timer;
	char letter;
};

static void
ring(struct kio_task *task)
{
	struct alarm *alarm = kio_container_of(task, struct alarm, timer.task);

	order[strlen(order)] = alarm->letter;
}

TEST("loop: timers run in the order they are due; a cancelled one does not")
{
	EACH_ENGINE(loop) {
		struct alarm alarms[4] = { { .letter = 'a' }, { .letter = 'b' }, { .letter = 'c' },
					   { .letter = 'd' } };
		uint64_t now = kio_loop_now(loop);

		memset(order, 0, sizeof(order));
		for (int i = 0; i < 4; i++)
			alarms[i].timer.task.run = ring;
		kio_timer_arm(loop, &alarms[0].timer, now + 30000000);
		kio_timer_arm(loop, &alarms[1].timer, now + 10000000);
		kio_timer_arm(loop, &alarms[2].timer, now + 20000000);
		kio_timer_arm(loop, &alarms[3].timer, now + 5000000);
		CHECK(kio_timer_cancel(loop, &alarms[3].timer));
		CHECK(!kio_timer_cancel(loop, &alarms[3].timer));
		while (strlen(order) < 3)
			kio_loop_step(loop, -1);
		CHECK_STR(order, "bca");
	}
}

TEST("loop: many timers, armed, moved and cancelled at random, come in order")
{
	enum { MANY = 500 };
	struct kio_loop *loop = open_loop(1);
	struct alarm *alarms = calloc(MANY, sizeof(*alarms));
	uint64_t now = kio_loop_now(loop), last = 0;
	unsigned random = 7, armed = 0;

	for (int round = 0; round < 5000; round++) {
		random = random * 1664525 + 1013904223;
		struct kio_timer *timer = &alarms[random >> 8 & 255].timer;

		timer->task.run = ring;
		if ((random >> 20 & 3) == 0)
			kio_timer_cancel(loop, timer);
		else
			kio_timer_arm(loop, timer, now + (random >> 4 & 0xffffff));
	}
	for (int i = 0; i < MANY; i++)
		armed += alarms[i].timer.armed;
	CHECK(armed > 100);
	while (loop->timers != NULL) {
		CHECK(loop->timers->due_ns >= last);
		last = loop->timers->due_ns;
		kio_timer_cancel(loop, loop->timers);
		armed--;
	}
	CHECK_EQ(armed, 0);
	free(alarms);
	kio_loop_close(&loop);
}

struct job {
	struct kio_work work;
	pthread_t ran_on, came_back_on;
	bool back;
};

static void
job_run(struct kio_work *work)
{
	kio_container_of(work, struct job, work)->ran_on = pthread_self();
}

static void
job_then(struct kio_work *work)
{
	struct job *job = kio_container_of(work, struct job, work);

	job->came_back_on = pthread_self();
	job->back = true;
	kio_loop_stop(work->loop);
}

TEST("loop: work runs on another thread and comes back to the loop's")
{
	EACH_ENGINE(loop) {
		struct job job = { .work.run = job_run, .work.then = job_then };

		kio_work_start(loop, &job.work);
		kio_loop_run(loop);
		CHECK(job.back);
		CHECK(!pthread_equal(job.ran_on, pthread_self()));
		CHECK(pthread_equal(job.came_back_on, pthread_self()));
	}
}

struct pipe_watch {
	struct kio_watch watch;
	struct kio_loop *loop;
	int bytes;
	bool gone;
};

static void
pipe_ready(struct kio_watch *watch, unsigned events)
{
	struct pipe_watch *self = kio_container_of(watch, struct pipe_watch, watch);
	char byte;

	CHECK((events & KIO_READABLE) != 0);
	/* one at a time: it is level-triggered */
	if (read(watch->fd, &byte, 1) == 1 && ++self->bytes == 3)
		kio_loop_stop(self->loop);
}

static void
pipe_gone(struct kio_watch *watch)
{
	kio_container_of(watch, struct pipe_watch, watch)->gone = true;
}

TEST("loop: a watch tells of readiness as long as there is any")
{
	EACH_ENGINE(loop) {
		struct pipe_watch self = { .watch.fn = pipe_ready, .loop = loop };
		int pipes[2];

		CHECK_EQ(pipe(pipes), 0);
		CHECK_EQ(kio_watch_set(loop, &self.watch, pipes[0], KIO_READABLE), 0);
		CHECK_EQ(write(pipes[1], "abc", 3), 3);
		kio_loop_run(loop);
		CHECK_EQ(self.bytes, 3);
		kio_watch_stop(loop, &self.watch, pipe_gone);
		kio_loop_step(loop, 0);
		CHECK(self.gone);
		close(pipes[0]);
		close(pipes[1]);
	}
}

static void *
post_later(void *priv)
{
	struct count *count = priv;

	usleep(20000);
	kio_loop_post(count->loop, &count->task);
	return NULL;
}

TEST("loop: its descriptor wakes a foreign loop for posts and for timers")
{
	EACH_ENGINE(loop) {
		struct count count = { .task.run = count_up, .loop = loop, .wanted = 1000 };
		struct alarm alarm = { .timer.task.run = ring, .letter = 'x' };
		struct pollfd fd = { .fd = kio_loop_fd(loop), .events = POLLIN };
		pthread_t thread;

		memset(order, 0, sizeof(order));
		CHECK(fd.fd >= 0);
		kio_timer_arm(loop, &alarm.timer, kio_loop_now(loop) + 50000000);
		kio_loop_step(loop, 0);
		pthread_create(&thread, NULL, post_later, &count);
		for (int i = 0; i < 50 && (count.seen == 0 || order[0] == 0); i++) {
			poll(&fd, 1, 1000);
			kio_loop_step(loop, 0);
		}
		CHECK_EQ(count.seen, 1);
		CHECK_STR(order, "x");
		/* and then there is nothing to wake for; the write may come after what it wakes for was found */
		pthread_join(thread, NULL);
		kio_loop_step(loop, 0);
		kio_loop_step(loop, 0);
		CHECK_EQ(poll(&fd, 1, 50), 0);
	}
}

static struct kio_engine counting;
static void (*real_wake)(struct kio_loop *loop);
static unsigned wakes;

static void
count_wake(struct kio_loop *loop)
{
	__atomic_fetch_add(&wakes, 1, __ATOMIC_RELAXED);
	real_wake(loop);
}

/* From here on every write to the loop's eventfd counts. */
static void
count_wakes(struct kio_loop *loop)
{
	counting = *loop->engine;
	real_wake = counting.wake;
	counting.wake = count_wake;
	loop->engine = &counting;
	wakes = 0;
}

struct burst {
	struct kio_loop *loop;
	struct count counts[1000];
};

static void *
post_burst(void *priv)
{
	struct burst *burst = priv;

	for (int i = 0; i < 1000; i++)
		kio_loop_post(burst->loop, &burst->counts[i].task);
	return NULL;
}

TEST("loop: a burst of posts to a loop that sleeps is one system call")
{
	EACH_ENGINE(loop) {
		static struct burst burst;
		struct pollfd fd = { .fd = kio_loop_fd(loop), .events = POLLIN };
		pthread_t thread;

		burst.loop = loop;
		count_wakes(loop);
		for (unsigned round = 1; round <= 3; round++) {
			for (int i = 0; i < 1000; i++)
				burst.counts[i] = (struct count){ .task.run = count_up, .loop = loop };
			while (poll(&fd, 1, 0) == 1)
				kio_loop_step(loop, 0);
			pthread_create(&thread, NULL, post_burst, &burst);
			pthread_join(thread, NULL);
			CHECK_EQ(poll(&fd, 1, 1000), 1);
			CHECK_EQ(wakes, round);
			kio_loop_step(loop, 0);
			for (int i = 0; i < 1000; i++)
				CHECK_EQ(burst.counts[i].seen, 1);
		}
	}
}

static void
read_eventfd(struct kio_watch *watch, unsigned events)
{
	struct pipe_watch *self = kio_container_of(watch, struct pipe_watch, watch);
	uint64_t value;

	CHECK_EQ(events, KIO_READABLE);
	CHECK_EQ(read(watch->fd, &value, sizeof(value)), 8);
	self->bytes++;
}

TEST("loop: its descriptor wakes a foreign loop for an eventfd that is watched, each time")
{
	EACH_ENGINE(loop) {
		struct pipe_watch self = { .watch.fn = read_eventfd, .loop = loop };
		struct pollfd fd = { .fd = kio_loop_fd(loop), .events = POLLIN };
		int watched = eventfd(0, EFD_CLOEXEC);

		CHECK_EQ(kio_watch_set(loop, &self.watch, watched, KIO_READABLE), 0);
		for (int round = 1; round <= 3; round++) {
			while (poll(&fd, 1, 0) == 1)
				kio_loop_step(loop, 0);
			CHECK_EQ(eventfd_write(watched, 1), 0);
			for (int i = 0; i < 5 && self.bytes < round && poll(&fd, 1, 1000) == 1; i++)
				kio_loop_step(loop, 0);
			CHECK_EQ(self.bytes, round);
		}
		kio_watch_stop(loop, &self.watch, pipe_gone);
		kio_loop_step(loop, 0);
		close(watched);
	}
}

TEST("loop: its descriptor is readable for the first step, and so nothing waits for one")
{
	EACH_ENGINE(loop) {
		struct count count = { .task.run = count_up, .loop = loop, .wanted = 1000 };
		struct alarm alarm = { .timer.task.run = ring, .letter = 'y' };
		struct pollfd fd = { .fd = kio_loop_fd(loop), .events = POLLIN };
		pthread_t thread;

		memset(order, 0, sizeof(order));
		kio_timer_arm(loop, &alarm.timer, kio_loop_now(loop) + 10000000);
		pthread_create(&thread, NULL, post_later, &count);
		for (int i = 0; i < 50 && (count.seen == 0 || order[0] == 0); i++) {
			CHECK_EQ(poll(&fd, 1, 1000), 1);
			kio_loop_step(loop, 0);
		}
		CHECK_EQ(count.seen, 1);
		CHECK_STR(order, "y");
		pthread_join(thread, NULL);
	}
}

TEST("loop: its descriptor still wakes a foreign loop after kio_loop_run drove it")
{
	EACH_ENGINE(loop) {
		struct count stop = { .task.run = count_up, .loop = loop, .wanted = 1 };
		struct count count = { .task.run = count_up, .loop = loop, .wanted = 1000 };
		struct pollfd fd = { .fd = kio_loop_fd(loop), .events = POLLIN };
		pthread_t thread;

		kio_loop_post(loop, &stop.task);
		CHECK_EQ(kio_loop_run(loop), 0);
		while (poll(&fd, 1, 0) == 1)
			kio_loop_step(loop, 0);
		/* the last thing that drives it is a run */
		stop.wanted = 2;
		kio_loop_post(loop, &stop.task);
		CHECK_EQ(kio_loop_run(loop), 0);
		pthread_create(&thread, NULL, post_later, &count);
		CHECK_EQ(poll(&fd, 1, 1000), 1);
		pthread_join(thread, NULL);
		kio_loop_step(loop, 0);
		CHECK_EQ(count.seen, 1);
	}
}

static void
count_hangup(struct kio_watch *watch, unsigned events)
{
	struct pipe_watch *self = kio_container_of(watch, struct pipe_watch, watch);

	CHECK((events & KIO_HANGUP) != 0);
	self->bytes++;
}

TEST("loop: a watch that pauses hears nothing, of a hang-up neither, and hears it afterwards")
{
	EACH_ENGINE(loop) {
		struct pipe_watch self = { .watch.fn = count_hangup, .loop = loop };
		int pipes[2];

		CHECK_EQ(pipe(pipes), 0);
		CHECK_EQ(kio_watch_set(loop, &self.watch, pipes[0], 0), 0);
		CHECK_EQ(kio_watch_set(loop, &self.watch, pipes[0], KIO_READABLE), 0);
		kio_loop_step(loop, 0);
		CHECK_EQ(kio_watch_set(loop, &self.watch, pipes[0], 0), 0);
		close(pipes[1]);
		for (int i = 0; i < 5; i++)
			kio_loop_step(loop, 1000000);
		CHECK_EQ(self.bytes, 0);
		CHECK_EQ(kio_watch_set(loop, &self.watch, pipes[0], KIO_READABLE), 0);
		for (int i = 0; i < 5; i++)
			kio_loop_step(loop, 1000000);
		CHECK(self.bytes > 0);
		CHECK_EQ(kio_watch_set(loop, &self.watch, pipes[0], 0), 0);
		kio_watch_stop(loop, &self.watch, pipe_gone);
		kio_loop_step(loop, 0);
		CHECK(self.gone);
		close(pipes[0]);
	}
}

/* --- engines that fail, and misuse --------------------------------------------- */

static struct kio_engine broken;

static int
broken_enter(struct kio_loop *loop)
{
	(void)loop;
	return -5;
}

static int
broken_poll(struct kio_loop *loop, uint64_t due_ns)
{
	(void)loop;
	(void)due_ns;
	return -5;
}

static void
break_engine(struct kio_loop *loop, bool enters)
{
	broken = *loop->engine;
	if (enters)
		broken.poll = broken_poll;
	else
		broken.enter = broken_enter;
	loop->engine = &broken;
}

TEST("loop: an engine that fails is told by step and run")
{
	for (int enters = 0; enters < 2; enters++) {
		EACH_ENGINE(loop) {
			break_engine(loop, enters);
			CHECK_EQ(kio_loop_step(loop, 0), -5);
		}
		EACH_ENGINE(loop) {
			break_engine(loop, enters);
			CHECK_EQ(kio_loop_run(loop), -5);
		}
	}
}

TEST("loop: one with a thread of its own ends it when it closes")
{
	EACH_ENGINE(loop) {
		struct count count = { .task.run = count_up, .loop = loop, .wanted = 1000 };

		CHECK_EQ(kio_loop_start(loop), 0);
		kio_loop_post(loop, &count.task);
		while (__atomic_load_n(&count.seen, __ATOMIC_RELAXED) == 0)
			kio__yield();
	}
}

static void
last_from_poll(struct kio_watch *watch, unsigned events)
{
	struct pipe_watch *self = kio_container_of(watch, struct pipe_watch, watch);
	static struct ordered last;
	uint64_t value;

	(void)events;
	CHECK_EQ(read(watch->fd, &value, sizeof(value)), 8);
	last = (struct ordered){ .task.run = note_order, .loop = self->loop, .name = 'z' };
	kio_loop_last(self->loop, &last.task);
}

TEST("loop: what the engine's turn puts off wakes a foreign loop again")
{
	EACH_ENGINE(loop) {
		struct pipe_watch self = { .watch.fn = last_from_poll, .loop = loop };
		struct ordered first = { .task.run = note_order, .loop = loop, .name = 'a' };
		struct pollfd fd = { .fd = kio_loop_fd(loop), .events = POLLIN };
		int watched = eventfd(0, EFD_CLOEXEC);

		memset(seen_order, 0, sizeof(seen_order));
		CHECK_EQ(kio_watch_set(loop, &self.watch, watched, KIO_READABLE), 0);
		while (poll(&fd, 1, 0) == 1)
			kio_loop_step(loop, 0);
		CHECK_EQ(eventfd_write(watched, 1), 0);
		kio_loop_defer(loop, &first.task);
		for (int i = 0; i < 5 && strlen(seen_order) < 2; i++) {
			kio_loop_step(loop, 0);
			CHECK(strlen(seen_order) == 2 || poll(&fd, 1, 1000) == 1);
		}
		CHECK_STR(seen_order, "az");
		kio_watch_stop(loop, &self.watch, pipe_gone);
		kio_loop_step(loop, 0);
		close(watched);
	}
}

static void
step_within(struct kio_task *task)
{
	kio_loop_step(kio_container_of(task, struct count, task)->loop, 0);
}

static void
runs_within(void)
{
	struct kio_loop *loop = open_loop(1);
	struct count count = { .task.run = step_within, .loop = loop };

	kio_loop_defer(loop, &count.task);
	kio_loop_step(loop, 0);
}

static void *
step_elsewhere(void *loop)
{
	kio_loop_step(loop, 0);
	return NULL;
}

static __attribute__((unused)) void
driven_by_two(void)
{
	struct kio_loop *loop = open_loop(1);
	pthread_t thread;

	kio_loop_step(loop, 0);
	pthread_create(&thread, NULL, step_elsewhere, loop);
	pthread_join(thread, NULL);
}

static __attribute__((unused)) void
started_twice(void)
{
	struct kio_loop *loop = open_loop(1);

	kio_loop_start(loop);
	kio_loop_start(loop);
}

static void
started_after_a_step(void)
{
	struct kio_loop *loop = open_loop(1);

	kio_loop_step(loop, 0);
	kio_loop_start(loop);
}

static void
must_step_broken(void)
{
	struct kio_loop *loop = open_loop(1);

	break_engine(loop, true);
	kio__loop_must_step(loop);
}

TEST("loop: misuse, and an engine that fails where nobody can be told, abort and say so")
{
	CHECK(unit_aborts(runs_within, "inside one of the loop's own callbacks"));
	/* where threads are watched, a child of a process that had some may not start any */
#ifndef __SANITIZE_THREAD__
	CHECK(unit_aborts(driven_by_two, "driven by two threads"));
	CHECK(unit_aborts(started_twice, "the loop has a thread already"));
#endif
	CHECK(unit_aborts(started_after_a_step, "the loop has a thread already"));
	CHECK(unit_aborts(must_step_broken, "the engine threads failed"));
}
