/* SPDX-License-Identifier: MIT */
/*
 * The engine of threads, for where io_uring is not to be had: system calls run
 * on a pool of threads that may block, the loop sleeps in epoll.
 *
 *   start --> pool: preadv, pwritev, fdatasync --> inbox --> done
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "drivers/engine.h"

struct threads {
	struct kio__watches watches; /* first: the descriptors of wake and timer are in it */
	int wake;
	int timer; /* -1 until somebody else sleeps on the loop's descriptor */
};

static int
add(struct threads *threads, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };

	return epoll_ctl(threads->watches.epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static void
threads_close(struct kio_loop *loop)
{
	struct threads *threads = loop->state;

	if (threads->wake >= 0)
		close(threads->wake);
	if (threads->timer >= 0)
		close(threads->timer);
	kio__watches_close(&threads->watches);
	kio__free(threads);
}

static int
threads_open(struct kio_loop *loop, const struct kio_loop_options *options)
{
	struct threads *threads = kio__alloc(sizeof(*threads));
	int rc;

	(void)options;
	if (threads == NULL)
		return -ENOMEM;
	loop->state = threads;
	threads->wake = threads->timer = -1;
	rc = kio__watches_open(&threads->watches);
	if (rc == 0) {
		threads->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		rc = threads->wake < 0 ? -errno : add(threads, threads->wake);
	}
	if (rc < 0)
		threads_close(loop);
	return rc;
}

static void
drain(int fd)
{
	uint64_t count;

	/* nothing to read is as good */
	if (fd >= 0 && read(fd, &count, sizeof(count)) < 0)
		return;
}

static int
threads_poll(struct kio_loop *loop, uint64_t due_ns)
{
	struct threads *threads = loop->state;
	int rc;

	if (due_ns == 0 && threads->watches.count == 0 && !loop->foreign)
		return 0;
	rc = kio__watches_wait(loop, &threads->watches, due_ns);
	if (due_ns != 0 || loop->foreign) {
		drain(threads->wake);
		drain(threads->timer);
		loop->system_calls += 1 + (threads->timer >= 0);
	}
	return rc;
}

static void
threads_wake(struct kio_loop *loop)
{
	const struct threads *threads = loop->state;
	uint64_t one = 1;

	/* a full counter wakes as well; a loop that sleeps for ever would not be told from a slow one */
	if (write(threads->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		kio__panic("a loop cannot be woken: %e", -errno);
}

static int
threads_fd(struct kio_loop *loop)
{
	struct threads *threads = loop->state;
	int rc;

	if (threads->timer < 0) {
		threads->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
		rc = threads->timer < 0 ? -errno : add(threads, threads->timer);
		if (rc < 0)
			return rc;
		kio__timer_fd_set(threads->timer, 0);
	}
	return threads->watches.epoll;
}

static void
threads_arm(struct kio_loop *loop, uint64_t due_ns)
{
	const struct threads *threads = loop->state;

	loop->system_calls++;
	kio__timer_fd_set(threads->timer, due_ns);
}

static int
threads_watch(struct kio_loop *loop, struct kio_watch *watch)
{
	struct threads *threads = loop->state;

	return kio__watch(&threads->watches, watch);
}

static void
threads_unwatch(struct kio_loop *loop, struct kio_watch *watch,
		void (*gone)(struct kio_watch *watch))
{
	struct threads *threads = loop->state;

	kio__unwatch(loop, &threads->watches, watch, gone);
}

const struct kio_engine kio__engine_threads = {
	.name = "threads",
	.open = threads_open,
	.close = threads_close,
	.poll = threads_poll,
	.wake = threads_wake,
	.fd = threads_fd,
	.arm = threads_arm,
	.start = kio__blocking_start,
	.cancel = kio__blocking_cancel,
	.watch = threads_watch,
	.unwatch = threads_unwatch,
};
