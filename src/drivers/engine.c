/* SPDX-License-Identifier: MIT */
/*
 * Choosing an engine, and what the two have in common.
 */
#include "drivers/engine.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "port/pool.h"

int
kio_loop_open(struct kio_loop **loop, const struct kio_loop_options *options)
{
	static const struct kio_engine *const engines[] = { &kio__engine_uring, &kio__engine_threads,
							    &kio__engine_sim };
	static const struct kio_loop_options defaults;
	int rc = -EINVAL;

	if (options == NULL)
		options = &defaults;
	for (size_t i = 0; i < KIO__COUNT(engines); i++) {
		if (options->engine != NULL && strcmp(options->engine, engines[i]->name) != 0)
			continue;
		rc = kio__loop_open(loop, engines[i], options);
		if (rc == 0 || rc == -ENOMEM)
			break;
	}
	return rc;
}

/* --- system calls that block -------------------------------------------- */

static struct kio__pool blocking = KIO__POOL(blocking, "kio-blocking", 32);

static __attribute__((destructor)) void
blocking_end(void)
{
	kio__pool_end(&blocking);
}

static int64_t
transfer(const struct kio__io *io)
{
	struct iovec one = { .iov_base = io->buf, .iov_len = (size_t)io->len };
	const struct iovec *iov = io->iov_count != 0 ? io->iov : &one;
	int count = io->iov_count != 0 ? (int)io->iov_count : 1;
	ssize_t rc;

	do
		rc = io->op == KIO__IO_READ ?
			     preadv2(io->fd, iov, count, (off_t)io->offset, 0) :
			     pwritev2(io->fd, iov, count, (off_t)io->offset,
				      io->durable ? RWF_DSYNC : 0);
	while (rc < 0 && errno == EINTR);
	return rc < 0 ? -errno : rc;
}

static void
blocking_back(struct kio_task *task)
{
	struct kio__io *io = kio_container_of(task, struct kio__io, task);

	io->done(io);
}

static void
carry_out(struct kio__io *io)
{
	switch (io->op) {
	case KIO__IO_CALL: io->result = io->call(io); break;
	case KIO__IO_SYNC: io->result = fdatasync(io->fd) < 0 ? -errno : 0; break;
	default: io->result = transfer(io); break;
	}
}

static void
send_back(struct kio__io *io)
{
	io->task.run = blocking_back;
	kio_loop_post(io->loop, &io->task);
}

static void
blocking_run(struct kio__job *job)
{
	struct kio__io *io = kio_container_of(job, struct kio__io, task);

	carry_out(io);
	kio__pool_done(&blocking);
	send_back(io);
}

void
kio__blocking_start(struct kio_loop *loop, struct kio__io *io)
{
	/* a job is laid over the task until it comes back */
	struct kio__job *job = (struct kio__job *)(void *)&io->task;

	io->loop = loop;
	job->run = blocking_run;
	loop->system_calls++;
	if (kio__pool_queue(&blocking, job) == 0)
		return;
	carry_out(io);
	send_back(io);
}

void
kio__blocking_cancel(struct kio_loop *loop, struct kio__io *io)
{
	struct kio__job *job = (struct kio__job *)(void *)&io->task;

	if (!kio__pool_withdraw(&blocking, job))
		return;
	io->result = -ECANCELED;
	io->task.run = blocking_back;
	kio__loop_push(loop, &io->task);
}

/* --- watches ------------------------------------------------------------ */

int
kio__watches_open(struct kio__watches *watches)
{
	watches->count = 0;
	watches->epoll = epoll_create1(EPOLL_CLOEXEC);
	return watches->epoll < 0 ? -errno : 0;
}

void
kio__watches_close(struct kio__watches *watches)
{
	if (watches->epoll >= 0)
		close(watches->epoll);
}

static void
leave(struct kio__watches *watches, struct kio_watch *watch)
{
	if (watch->armed == 0)
		return;
	epoll_ctl(watches->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
	watches->count--;
	watch->armed = 0;
}

int
kio__watch(struct kio__watches *watches, struct kio_watch *watch)
{
	struct epoll_event event = { .data.ptr = watch };
	int op = watch->armed != 0 ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (watch->events == 0) {
		/* epoll would tell of a hang-up all the same, again and again */
		leave(watches, watch);
		return 0;
	}
	if ((watch->events & KIO_READABLE) != 0)
		event.events |= EPOLLIN;
	if ((watch->events & KIO_WRITABLE) != 0)
		event.events |= EPOLLOUT;
	if (epoll_ctl(watches->epoll, op, watch->fd, &event) < 0)
		return -errno;
	watches->count += watch->armed == 0;
	watch->armed = 1;
	return 0;
}

static void
watch_gone(struct kio_task *task)
{
	struct kio_watch *watch = kio_container_of(task, struct kio_watch, task);
	void (*gone)(struct kio_watch *watch);

	memcpy(&gone, &watch->engine, sizeof(gone));
	if (gone != NULL)
		gone(watch);
}

void
kio__unwatch(struct kio_loop *loop, struct kio__watches *watches, struct kio_watch *watch,
	     void (*gone)(struct kio_watch *watch))
{
	leave(watches, watch);
	watch->events = 0;
	/* the events of this round may still name it: it goes in the next */
	memcpy(&watch->engine, &gone, sizeof(gone));
	watch->task.run = watch_gone;
	kio__loop_push(loop, &watch->task);
}

static void
tell(struct kio_watch *watch, uint32_t ready)
{
	unsigned events = 0;

	if ((ready & EPOLLIN) != 0)
		events |= KIO_READABLE;
	if ((ready & EPOLLOUT) != 0)
		events |= KIO_WRITABLE;
	if ((ready & (EPOLLHUP | EPOLLERR)) != 0)
		events |= KIO_HANGUP;
	if (watch->armed != 0 && events != 0)
		watch->fn(watch, events);
}

int
kio__watches_wait(struct kio_loop *loop, struct kio__watches *watches, uint64_t due_ns)
{
	struct epoll_event events[64];
	struct timespec wait = { 0 }, *timeout = due_ns == UINT64_MAX ? NULL : &wait;
	uint64_t now = due_ns == 0 || timeout == NULL ? 0 : kio__now();
	int count;

	if (due_ns > now && timeout != NULL) {
		wait.tv_sec = (time_t)((due_ns - now) / 1000000000u);
		wait.tv_nsec = (long)((due_ns - now) % 1000000000u);
	}
	loop->system_calls++;
	count = epoll_pwait2(watches->epoll, events, KIO__COUNT(events), timeout, NULL);
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr != NULL)
			tell(events[i].data.ptr, events[i].events);
	}
	return 0;
}

void
kio__timer_fd_set(int fd, uint64_t due_ns)
{
	struct itimerspec when = { 0 };

	if (due_ns != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(due_ns / 1000000000u);
		when.it_value.tv_nsec = (long)(due_ns % 1000000000u);
		if (due_ns == 0)
			when.it_value.tv_nsec = 1;
	}
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}
