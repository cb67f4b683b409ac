/* SPDX-License-Identifier: MIT */
/* What fires events besides I/O and threads, and who has the race with cancelling. */
#include <kiobuf/kiobuf.h>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/loop.h"
#include "core/source.h"
#include "duel.h"

#define SECOND UINT64_C(1000000000)

static struct kio_loop *
open_loop(const char *engine)
{
	struct kio_loop_options options = { .engine = engine };
	struct kio_loop *loop = NULL;
	int rc = kio_loop_open(&loop, &options);

	if (rc < 0 && strcmp(engine, "io_uring") == 0)
		return NULL; /* not everywhere */
	CHECK_EQ(rc, 0);
	return loop;
}

static const char *const engines[] = { "io_uring", "threads" };

#define EACH_ENGINE(loop)                                                                  \
	for (int engine = 0; engine < 2; engine++)                                         \
		for (struct kio_loop *loop = open_loop(engines[engine]); loop != NULL;     \
		     kio_loop_close(&loop))

/* Its status, once it has fired; 99: it does not. */
static int
outcome(struct kio_loop *loop, const struct kio_source *source)
{
	uint64_t late = kio_loop_now(loop) + 5 * SECOND;

	while (!kio_event_fired(&source->event) && kio_loop_now(loop) < late)
		kio_loop_step(loop, SECOND / 100);
	return kio_event_fired(&source->event) ? source->event.status : 99;
}

/* It stays pending for a few rounds. */
static bool
is_quiet(struct kio_loop *loop, const struct kio_source *source)
{
	for (int i = 0; i < 3; i++)
		kio_loop_step(loop, SECOND / 500);
	return !kio_event_fired(&source->event);
}

static void
block(int signal)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* It has come, and nobody took it; now we do. */
static bool
take_signal(int signal)
{
	static const struct timespec now;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signal);
	return sigtimedwait(&set, NULL, &now) == signal;
}

/* A child that ends with this code when the pipe's other end is closed. */
static int
start_child(int code, int *end)
{
	int fds[2], pid;
	char byte;

	CHECK_EQ(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[1]);
		_exit(read(fds[0], &byte, 1) == 0 ? code : 99);
	}
	close(fds[0]);
	*end = fds[1];
	return pid;
}

static unsigned
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned count = 0;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/* --- each kind ---------------------------------------------------------- */

TEST("source: a timer fires at its moment, not inside the call")
{
	EACH_ENGINE(loop) {
		struct kio_source source = { 0 };
		uint64_t due_ns = kio_loop_now(loop) + SECOND / 50;

		kio_source_timer(loop, &source, 0);
		CHECK(!kio_event_fired(&source.event));
		CHECK_EQ(outcome(loop, &source), 0);
		kio_event_init(&source.event);
		kio_source_timer(loop, &source, due_ns);
		CHECK_EQ(outcome(loop, &source), 0);
		CHECK(kio_loop_now(loop) >= due_ns);
	}
}

TEST("source: a descriptor that gets ready fires, with what it is ready for, once")
{
	EACH_ENGINE(loop) {
		struct kio_source source = { 0 }, twin = { 0 };
		int fds[2];

		CHECK_EQ(pipe(fds), 0);
		CHECK_EQ(kio_source_fd(loop, &source, fds[0], KIO_READABLE), 0);
		CHECK_EQ(kio_source_fd(loop, &twin, fds[0], KIO_READABLE), -EEXIST);
		CHECK(is_quiet(loop, &source));
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(outcome(loop, &source), 0);
		CHECK_EQ(source.value, KIO_READABLE);
		/* it is readable still: started again it fires again, and not before */
		kio_loop_step(loop, 0);
		kio_event_init(&source.event);
		CHECK(is_quiet(loop, &source));
		close(fds[1]);
		CHECK_EQ(kio_source_fd(loop, &source, fds[0], KIO_READABLE), 0);
		CHECK_EQ(outcome(loop, &source), 0);
		CHECK_EQ(source.value, KIO_READABLE | KIO_HANGUP);
		close(fds[0]);
	}
}

TEST("source: a signal fires, and is taken")
{
	block(SIGUSR1);
	EACH_ENGINE(loop) {
		struct kio_source source = { 0 };

		CHECK_EQ(kio_source_signal(loop, &source, SIGUSR1), 0);
		CHECK(is_quiet(loop, &source));
		kill(getpid(), SIGUSR1);
		CHECK_EQ(outcome(loop, &source), 0);
		CHECK_EQ(source.value, SIGUSR1);
		CHECK(!take_signal(SIGUSR1));
	}
}

TEST("source: of two that wait for a signal one gets it, the other goes on waiting")
{
	block(SIGUSR1);
	EACH_ENGINE(loop) {
		struct kio_source a = { 0 }, b = { 0 };

		CHECK_EQ(kio_source_signal(loop, &a, SIGUSR1), 0);
		CHECK_EQ(kio_source_signal(loop, &b, SIGUSR1), 0);
		kill(getpid(), SIGUSR1);
		for (int i = 0; i < 100 && !kio_event_fired(&a.event) && !kio_event_fired(&b.event); i++)
			kio_loop_step(loop, SECOND / 100);
		for (int i = 0; i < 3; i++)
			kio_loop_step(loop, SECOND / 500);
		CHECK_EQ(kio_event_fired(&a.event) + kio_event_fired(&b.event), 1);
		kill(getpid(), SIGUSR1);
		CHECK_EQ(outcome(loop, &a), 0);
		CHECK_EQ(outcome(loop, &b), 0);
	}
}

TEST("source: a child that ends fires, and is reaped")
{
	EACH_ENGINE(loop) {
		struct kio_source source = { 0 };
		int end, pid = start_child(7, &end);

		CHECK_EQ(kio_source_child(loop, &source, pid), 0);
		CHECK(is_quiet(loop, &source));
		close(end);
		CHECK_EQ(outcome(loop, &source), 0);
		CHECK_EQ(WIFEXITED(source.value) ? WEXITSTATUS(source.value) : -1, 7);
		CHECK_EQ(waitpid(pid, NULL, WNOHANG), -1);
	}
}

TEST("source: a child that somebody else has reaped is -ECHILD")
{
	EACH_ENGINE(loop) {
		struct kio_source source = { 0 };
		int end, pid = start_child(7, &end);

		CHECK_EQ(kio_source_child(loop, &source, pid), 0);
		close(end);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
		CHECK_EQ(outcome(loop, &source), -ECHILD);
	}
}

TEST("source: an event of another thread comes with its status; one that has fired does too")
{
	EACH_ENGINE(loop) {
		struct kio_event event = { 0 };
		struct kio_source source = { 0 };

		kio_event_init_shared(&event);
		kio_source_event(loop, &source, &event);
		CHECK(is_quiet(loop, &source));
		kio_event_fire(&event, -EIO);
		CHECK(!kio_event_fired(&source.event));
		CHECK_EQ(outcome(loop, &source), -EIO);
		kio_event_init(&source.event);
		kio_source_event(loop, &source, &event);
		CHECK(!kio_event_fired(&source.event));
		CHECK_EQ(outcome(loop, &source), -EIO);
	}
}

TEST("source: in virtual time a timer fires without waiting; descriptors are refused")
{
	struct kio_loop *loop = open_loop("sim");
	struct kio_source day = { 0 }, week = { 0 }, other = { 0 };
	int fds[2];

	block(SIGUSR1);
	CHECK_EQ(pipe(fds), 0);
	kio_source_timer(loop, &week, 7 * 86400 * SECOND);
	kio_source_timer(loop, &day, 86400 * SECOND);
	while (!kio_event_fired(&day.event))
		kio_loop_step(loop, -1);
	CHECK_EQ(kio_loop_now(loop) / SECOND, 86400);
	CHECK_EQ(kio_source_cancel(&week), 0);
	while (!kio_event_fired(&week.event))
		kio_loop_step(loop, -1);
	CHECK_EQ(week.event.status, -ECANCELED);
	CHECK_EQ(kio_loop_now(loop) / SECOND, 86400);
	CHECK_EQ(kio_source_fd(loop, &other, fds[0], KIO_READABLE), -ENOSYS);
	CHECK_EQ(kio_source_signal(loop, &other, SIGUSR1), -ENOSYS);
	CHECK_EQ(kio_source_child(loop, &other, getppid()), -ENOSYS);
	kio_loop_close(&loop);
	close(fds[0]);
	close(fds[1]);
}

TEST("source: what cannot be waited for is refused, and nothing is left open")
{
	unsigned before = open_fds();

	EACH_ENGINE(loop) {
		struct kio_source source = { 0 }, never = { 0 };
		int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), end, pid = start_child(0, &end);

		CHECK_EQ(kio_source_fd(loop, &source, file, KIO_READABLE), -EPERM);
		CHECK_EQ(kio_source_fd(loop, &source, -1, KIO_READABLE), -EBADF);
		CHECK_EQ(kio_source_signal(loop, &source, SIGUSR2), -EINVAL);
		CHECK_EQ(kio_source_signal(loop, &source, 12345), -EINVAL);
		close(end);
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
		CHECK_EQ(kio_source_child(loop, &source, pid), -ESRCH);
		CHECK_EQ(kio_source_cancel(&source), -EALREADY);
		CHECK(is_quiet(loop, &source));
		CHECK_EQ(kio_source_cancel(&never), -EALREADY);
		close(file);
	}
	CHECK_EQ(open_fds(), before);
}

/* --- cancelling --------------------------------------------------------- */

/* Cancelled twice: it fires once, and not inside the call. */
static bool
cancels(struct kio_loop *loop, struct kio_source *source)
{
	if (kio_source_cancel(source) != 0 || kio_event_fired(&source->event) ||
	    kio_source_cancel(source) != -EALREADY)
		return false;
	return outcome(loop, source) == -ECANCELED && kio_source_cancel(source) == -EALREADY;
}

TEST("source: cancelled it fires with -ECANCELED, in the next round; what came stays for others")
{
	unsigned before = open_fds();
	uint64_t allocated;

	block(SIGUSR1);
	EACH_ENGINE(loop) {
		struct kio_source timer = { 0 }, fd = { 0 }, signal = { 0 }, child = { 0 }, theirs = { 0 };
		struct kio_event event = { 0 };
		int fds[2], end, pid = start_child(3, &end);

		allocated = kio__alloc_count();
		CHECK_EQ(pipe(fds), 0);
		kio_event_init_shared(&event);
		kio_source_timer(loop, &timer, kio_loop_now(loop));
		CHECK_EQ(kio_source_fd(loop, &fd, fds[0], KIO_READABLE), 0);
		CHECK_EQ(kio_source_signal(loop, &signal, SIGUSR1), 0);
		CHECK_EQ(kio_source_child(loop, &child, pid), 0);
		kio_source_event(loop, &theirs, &event);
		/* all of it happens, but the loop has not looked yet */
		CHECK_EQ(write(fds[1], "x", 1), 1);
		kill(getpid(), SIGUSR1);
		close(end);
		CHECK(cancels(loop, &timer));
		CHECK_EQ(outcome(loop, &fd), 0);
		CHECK_EQ(outcome(loop, &signal), 0);
		CHECK_EQ(outcome(loop, &child), 0);
		CHECK(cancels(loop, &theirs));
		kio_event_fire(&event, 0);

		kio_event_init(&fd.event);
		kio_event_init(&signal.event);
		kio_event_init(&child.event);
		pid = start_child(3, &end);
		CHECK_EQ(kio_source_fd(loop, &fd, fds[0], KIO_WRITABLE), 0);
		CHECK_EQ(kio_source_signal(loop, &signal, SIGUSR1), 0);
		CHECK_EQ(kio_source_child(loop, &child, pid), 0);
		CHECK(cancels(loop, &fd));
		CHECK(cancels(loop, &signal));
		CHECK(cancels(loop, &child));
		kill(getpid(), SIGUSR1);
		close(end);
		CHECK(take_signal(SIGUSR1));
		CHECK_EQ(waitpid(pid, NULL, 0), pid);
		close(fds[0]);
		close(fds[1]);
		CHECK_EQ(kio__alloc_count(), allocated);
	}
	CHECK_EQ(open_fds(), before);
}

struct both {
	struct kio_source *source;
	int answer;
};

static void
cancel_it(void *priv)
{
	struct both *both = priv;

	both->answer = kio_source_cancel(both->source);
}

struct freed {
	struct kio_source source;
	struct kio_cb cb;
	int *status;
};

/* Its event has fired: the source is the caller's. */
static struct kio_event *
free_source(struct kio_cb *cb, int status)
{
	struct freed *freed = kio_container_of(cb, struct freed, cb);

	*freed->status = status;
	free(freed);
	return NULL;
}

TEST("source: a timer that is far away is cancelled by another thread, and freed when it fires")
{
	EACH_ENGINE(loop) {
		struct both both = { 0 };
		unsigned random = 3, good = 0;
		struct duel duel;

		duel_open(&duel, cancel_it, &both);
		for (int round = 0; round < 2000; round++) {
			struct freed *freed = calloc(1, sizeof(*freed));
			int status = 99;

			freed->status = &status;
			freed->cb.fn = free_source;
			kio_event_attach(&freed->source.event, &freed->cb);
			kio_source_timer(loop, &freed->source, kio_loop_now(loop) + 100 * SECOND);
			both.source = &freed->source;
			duel_begin(&duel);
			dawdle(&random);
			for (int i = 0; i < 1000 && status == 99; i++)
				kio_loop_step(loop, SECOND / 100);
			duel_end(&duel);
			good += both.answer == 0 && status == -ECANCELED;
		}
		duel_close(&duel);
		CHECK_EQ(good, 2000);
	}
}

struct moment {
	struct kio_source source;
	struct kio_event event;
	unsigned random;
	int answer;
};

static void
fire_moment(void *priv)
{
	struct moment *moment = priv;

	dawdle(&moment->random);
	kio_event_fire(&moment->event, -EIO);
}

static void
cancel_moment(void *priv)
{
	struct moment *moment = priv;

	dawdle(&moment->random);
	moment->answer = kio_source_cancel(&moment->source);
}

TEST("source: an event that another thread fires against cancelling; the answer says which it is")
{
	EACH_ENGINE(loop) {
		struct moment moment = { .random = 7 };
		unsigned random = 5, good = 0, won = 0;
		struct duel duel;

		duel_open(&duel, fire_moment, &moment);
		for (int round = 0; round < ROUNDS / 4; round++) {
			kio_event_init_shared(&moment.event);
			kio_event_init(&moment.source.event);
			kio_source_event(loop, &moment.source, &moment.event);
			duel_begin(&duel);
			dawdle(&random);
			int rc = kio_source_cancel(&moment.source);
			int status = outcome(loop, &moment.source);

			/* once it has fired nobody touches it any more, whatever the other does */
			memset(&moment.source, 0, sizeof(moment.source));
			duel_end(&duel);
			good += rc == 0 ? status == -ECANCELED : rc == -EALREADY && status == -EIO;
			good -= moment.source.state != 0;
			won += rc == 0;
		}
		duel_close(&duel);
		CHECK_EQ(good, ROUNDS / 4);
		CHECK(won > 0);
	}
}

TEST("source: a moment that comes against another thread that cancels")
{
	EACH_ENGINE(loop) {
		struct moment moment = { .random = 7 };
		unsigned random = 5, good = 0;
		struct duel duel;

		duel_open(&duel, cancel_moment, &moment);
		for (int round = 0; round < ROUNDS / 4; round++) {
			int status;

			kio_event_init(&moment.source.event);
			kio_source_timer(loop, &moment.source, kio_loop_now(loop) + 2000);
			duel_begin(&duel);
			dawdle(&random);
			status = outcome(loop, &moment.source);
			duel_end(&duel);
			good += moment.answer == 0 ? status == -ECANCELED :
						     moment.answer == -EALREADY && status == 0;
		}
		duel_close(&duel);
		CHECK_EQ(good, ROUNDS / 4);
	}
}

static int answered;

/* It was for others; and just now somebody cancels. */
static int
take_nothing(struct kio_source *source)
{
	char byte;

	CHECK_EQ(read(source->of.watch.fd, &byte, 1), 1);
	answered = kio_source_cancel(source);
	return -EAGAIN;
}

TEST("source: cancelled while it finds out that what came is not for it, it fires all the same")
{
	static const struct kio__source_kind kind = { .stop = kio__source_unwatch, .take = take_nothing };

	EACH_ENGINE(loop) {
		struct kio_source source = { 0 };
		int fds[2];

		CHECK_EQ(pipe(fds), 0);
		CHECK_EQ(kio__source_watch(loop, &source, fds[0], KIO_READABLE, &kind), 0);
		CHECK_EQ(write(fds[1], "x", 1), 1);
		CHECK_EQ(outcome(loop, &source), -ECANCELED);
		CHECK_EQ(answered, -EALREADY);
		close(fds[0]);
		close(fds[1]);
	}
}

/* --- who waits ---------------------------------------------------------- */

#define BURST 1000

struct burst {
	struct kio_event events[BURST];
	struct kio_source sources[BURST];
	struct kio_cb cbs[BURST];
};

static struct burst burst;
static unsigned heard;
static uintptr_t heard_by;

static struct kio_event *
hear(struct kio_cb *cb, int status)
{
	(void)cb;
	heard_by = kio__thread_self();
	heard += status == -EIO;
	return NULL;
}

static void *
fire_burst(void *priv)
{
	(void)priv;
	for (int i = 0; i < BURST; i++)
		kio_event_fire(&burst.events[i], -EIO);
	return NULL;
}

static struct kio_engine counting;
static void (*real_wake)(struct kio_loop *loop);
static unsigned wakes; /* atomic */

static void
count_wake(struct kio_loop *loop)
{
	__atomic_fetch_add(&wakes, 1, __ATOMIC_RELAXED);
	real_wake(loop);
}

TEST("source: a thousand events that another thread fires wake a foreign loop once")
{
	EACH_ENGINE(loop) {
		struct pollfd fd = { .fd = kio_loop_fd(loop), .events = POLLIN };
		pthread_t thread;

		counting = *loop->engine;
		real_wake = counting.wake;
		counting.wake = count_wake;
		loop->engine = &counting;
		memset(&burst, 0, sizeof(burst));
		wakes = heard = 0;
		for (int i = 0; i < BURST; i++) {
			kio_event_init_shared(&burst.events[i]);
			kio_source_event(loop, &burst.sources[i], &burst.events[i]);
			burst.cbs[i].fn = hear;
			kio_event_attach(&burst.sources[i].event, &burst.cbs[i]);
		}
		while (poll(&fd, 1, 0) == 1)
			kio_loop_step(loop, 0);
		pthread_create(&thread, NULL, fire_burst, NULL);
		pthread_join(thread, NULL);
		CHECK_EQ(poll(&fd, 1, 1000), 1);
		CHECK_EQ(heard, 0);
		kio_loop_step(loop, 0);
		CHECK_EQ(heard, BURST);
		CHECK_EQ(heard_by, kio__thread_self());
		CHECK_EQ(wakes, 1);
	}
}

struct start {
	struct kio_task task;
	struct kio_loop *loop;
	struct kio_source *source;
	int pid;
};

static void
start_both(struct kio_task *task)
{
	struct start *start = kio_container_of(task, struct start, task);

	CHECK_EQ(kio_source_child(start->loop, start->source, start->pid), 0);
}

TEST("source: a thread waits for a child, on a loop that has a thread of its own")
{
	EACH_ENGINE(loop) {
		struct kio_source source = { 0 };
		int end, pid = start_child(5, &end);
		struct start start = { { NULL, start_both }, loop, &source, pid };

		kio_event_init_shared(&source.event);
		CHECK_EQ(kio_loop_start(loop), 0);
		kio_loop_post(loop, &start.task);
		CHECK_EQ(kio_event_wait(&source.event, kio__now() + SECOND / 50, 0), -ETIMEDOUT);
		close(end);
		CHECK_EQ(kio_event_wait(&source.event, kio__now() + 5 * SECOND, 0), 0);
		CHECK_EQ(source.event.status, 0);
		CHECK_EQ(WEXITSTATUS(source.value), 5);
		kio_loop_end(loop);
	}
}

TEST("source: that loses in a group is cancelled, and the group is drained when it is home")
{
	EACH_ENGINE(loop) {
		struct kio_source soon = { 0 }, late = { 0 };
		struct kio_arm arms[2] = { { .lost = kio_source_lost }, { .lost = kio_source_lost } };
		uint64_t now = kio_loop_now(loop);
		struct kio_group group;

		kio_source_timer(loop, &soon, now + SECOND / 500);
		kio_source_timer(loop, &late, now + 100 * SECOND);
		kio_group_init(&group, KIO_ANY, 0);
		kio_group_own(&group, &arms[0], &late.event);
		kio_group_own(&group, &arms[1], &soon.event);
		kio_group_seal(&group);
		CHECK_EQ(outcome(loop, &soon), 0);
		CHECK(kio_event_fired(&group.event));
		CHECK_EQ(group.event.status, 0);
		CHECK(!kio_event_fired(&group.drained));
		CHECK_EQ(outcome(loop, &late), -ECANCELED);
		CHECK(kio_event_fired(&group.drained));
	}
}

static void
start_fired(void)
{
	struct kio_source source = { 0 };
	struct kio_loop *loop;

	kio_loop_open(&loop, NULL);
	kio_event_fire(&source.event, 0);
	kio_source_timer(loop, &source, 0);
}

TEST("source: one that has fired aborts when it is started as it is")
{
	CHECK(unit_aborts(start_fired, "started with an event that has fired"));
}
