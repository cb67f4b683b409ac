/* SPDX-License-Identifier: MIT */
/*
 * The engine on io_uring.
 *
 *   start --> submission queue --> one system call a round: submit and wait
 *                                        |
 *   done <-- completion queue <----------+
 *
 * The ring is made disabled and enabled by the thread that drives the loop, so
 * that one thread may own it (SINGLE_ISSUER) and completions are worked off in
 * its own waits (DEFER_TASKRUN). Kernels that know neither do without. Another
 * thread wakes the loop through an eventfd on which a read is always pending.
 * Watches live in an epoll set, which the ring polls.
 */
#include <liburing.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "drivers/engine.h"

#define DEPTH 256u
#define LEAST_DEPTH 8u
#define SLOTS 64u

/* user_data of what is not an I/O */
#define WAKE 1u
#define WATCHES 2u
#define CANCEL 3u
#define OTHERS 4u /* completions of those at most, read anew before they are reaped */

struct uring {
	struct io_uring ring;
	unsigned in_flight, most; /* until its place among the completions is free */
	struct kio__queue waiting; /* of kio__io: the ring is full */
	int wake;
	uint64_t wake_count; /* read into */
	struct kio__watches watches;
	bool watching; /* a poll on the watches is pending */
	bool slots;    /* there is a table of registered files */
	uint64_t slots_used;
	int outer; /* epoll set for foreign loops, or -1 */
	int timer;
	int bell; /* rung by the ring when it has something to reap */
};

_Static_assert(SLOTS == 64, "the slots in use are a word");

static int
ring_open(struct io_uring *ring, unsigned depth)
{
	static const unsigned attempts[] = {
		IORING_SETUP_R_DISABLED | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
			IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CLAMP,
		IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP,
	};
	struct io_uring_params params;
	int rc = -ENOSYS;

	for (size_t i = 0; i < KIO__COUNT(attempts); i++) {
		memset(&params, 0, sizeof(params));
		params.flags = attempts[i];
		rc = io_uring_queue_init_params(depth, ring, &params);
		if (rc != -EINVAL)
			break;
	}
	if (rc == 0 && (params.features & IORING_FEAT_EXT_ARG) == 0) {
		io_uring_queue_exit(ring);
		rc = -ENOSYS;
	}
	return rc == -EPERM || rc == -EACCES ? -ENOSYS : rc;
}

static void
uring_close(struct kio_loop *loop)
{
	struct uring *uring = loop->state;

	io_uring_queue_exit(&uring->ring);
	if (uring->wake >= 0)
		close(uring->wake);
	if (uring->outer >= 0)
		close(uring->outer);
	if (uring->timer >= 0)
		close(uring->timer);
	if (uring->bell >= 0)
		close(uring->bell);
	kio__watches_close(&uring->watches);
	kio__free(uring);
}

static int
uring_open(struct kio_loop *loop, const struct kio_loop_options *options)
{
	unsigned depth = options->depth != 0 ? options->depth : DEPTH;
	struct uring *uring = kio__alloc(sizeof(*uring));
	int rc;

	if (uring == NULL)
		return -ENOMEM;
	rc = ring_open(&uring->ring, depth > LEAST_DEPTH ? depth : LEAST_DEPTH);
	if (rc < 0) {
		kio__free(uring);
		return rc;
	}
	loop->state = uring;
	/* a ring that is not enabled yet submits nothing: what does not fit waits */
	uring->most = *uring->ring.sq.kring_entries;
	kio__queue_init(&uring->waiting);
	uring->watches.epoll = uring->outer = uring->timer = uring->bell = -1;
	uring->wake = eventfd(0, EFD_CLOEXEC);
	rc = uring->wake < 0 ? -errno : kio__watches_open(&uring->watches);
	if (rc < 0)
		uring_close(loop);
	/* the table is a help, not a need */
	else
		uring->slots = io_uring_register_files_sparse(&uring->ring, SLOTS) == 0;
	return rc;
}

static int
submit(struct kio_loop *loop, struct uring *uring)
{
	int rc;

	loop->system_calls++;
	rc = io_uring_submit(&uring->ring);
	return rc < 0 && rc != -EINTR && rc != -EBUSY && rc != -EAGAIN ? rc : 0;
}

static struct io_uring_sqe *
next_sqe(struct kio_loop *loop, struct uring *uring)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);

	while (sqe == NULL) {
		if (submit(loop, uring) < 0)
			kio__panic("io_uring does not take submissions any more");
		sqe = io_uring_get_sqe(&uring->ring);
	}
	return sqe;
}

static void
wait_for_wake(struct kio_loop *loop, struct uring *uring)
{
	struct io_uring_sqe *sqe = next_sqe(loop, uring);

	io_uring_prep_read(sqe, uring->wake, &uring->wake_count, sizeof(uring->wake_count), 0);
	io_uring_sqe_set_data64(sqe, WAKE);
}

static void
wait_for_watches(struct kio_loop *loop, struct uring *uring)
{
	struct io_uring_sqe *sqe;

	if (uring->watching || uring->watches.count == 0)
		return;
	sqe = next_sqe(loop, uring);
	io_uring_prep_poll_add(sqe, uring->watches.epoll, EPOLLIN);
	io_uring_sqe_set_data64(sqe, WATCHES);
	uring->watching = true;
}

static int
uring_enter(struct kio_loop *loop)
{
	struct uring *uring = loop->state;

	/* io_uring_enable_rings: declared by liburing 2.3, but its shared library lacks it */
	if (syscall(__NR_io_uring_register, uring->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL,
		    0) < 0)
		return -errno;
	uring->most = *uring->ring.cq.kring_entries - OTHERS;
	wait_for_wake(loop, uring);
	return 0;
}

/* --- I/O ---------------------------------------------------------------- */

static void
push(struct kio_loop *loop, struct uring *uring, struct kio__io *io)
{
	struct io_uring_sqe *sqe = next_sqe(loop, uring);
	bool fixed = io->slot >= 0;
	int fd = fixed ? io->slot : io->fd;

	switch (io->op) {
	case KIO__IO_READ:
		if (io->iov_count == 0)
			io_uring_prep_read(sqe, fd, io->buf, (unsigned)io->len, io->offset);
		else
			io_uring_prep_readv(sqe, fd, io->iov, io->iov_count, io->offset);
		break;
	case KIO__IO_WRITE:
		if (io->iov_count == 0)
			io_uring_prep_write(sqe, fd, io->buf, (unsigned)io->len, io->offset);
		else
			io_uring_prep_writev(sqe, fd, io->iov, io->iov_count, io->offset);
		if (io->durable)
			sqe->rw_flags = RWF_DSYNC;
		break;
	case KIO__IO_SYNC:
		io_uring_prep_fsync(sqe, fd, IORING_FSYNC_DATASYNC);
		break;
	case KIO__IO_CALL:
		break;
	}
	if (fixed)
		sqe->flags |= IOSQE_FIXED_FILE;
	io_uring_sqe_set_data(sqe, io);
	uring->in_flight++;
}

static void
uring_start(struct kio_loop *loop, struct kio__io *io)
{
	struct uring *uring = loop->state;

	if (io->op == KIO__IO_CALL)
		kio__blocking_start(loop, io);
	else if (uring->in_flight >= uring->most)
		kio__queue_push(&uring->waiting, &io->task);
	else
		push(loop, uring, io);
}

static void
unpushed(struct kio_task *task)
{
	struct kio__io *io = kio_container_of(task, struct kio__io, task);

	io->done(io);
}

/* The I/O completes by itself, with -ECANCELED or not; the answer to this says nothing more. */
static void
uring_cancel(struct kio_loop *loop, struct kio__io *io)
{
	struct uring *uring = loop->state;
	struct io_uring_sqe *sqe;

	if (io->op == KIO__IO_CALL) {
		kio__blocking_cancel(loop, io);
	} else if (kio__queue_remove(&uring->waiting, &io->task)) {
		io->result = -ECANCELED;
		io->task.run = unpushed;
		kio__loop_push(loop, &io->task);
	} else if (uring->in_flight < uring->most) {
		sqe = next_sqe(loop, uring);
		io_uring_prep_cancel(sqe, io, 0);
		io_uring_sqe_set_data64(sqe, CANCEL);
		uring->in_flight++;
	}
}

static void
push_waiting(struct kio_loop *loop, struct uring *uring)
{
	struct kio_task *task;

	while (uring->in_flight < uring->most && (task = kio__queue_pop(&uring->waiting)) != NULL)
		push(loop, uring, kio_container_of(task, struct kio__io, task));
}

static void
reap(struct kio_loop *loop, struct uring *uring)
{
	struct io_uring_cqe *cqe;
	unsigned head, count = 0, others = 0;
	bool watches = false;
	struct kio__io *io;

	io_uring_for_each_cqe(&uring->ring, head, cqe) {
		count++;
		if (cqe->user_data == CANCEL)
			continue;
		if (kio__likely(cqe->user_data > WATCHES)) {
			io = (struct kio__io *)(uintptr_t)cqe->user_data;
			io->result = cqe->res;
			io->done(io);
			continue;
		}
		others++;
		if (cqe->user_data == WAKE)
			wait_for_wake(loop, uring);
		else
			watches = true;
	}
	io_uring_cq_advance(&uring->ring, count);
	uring->in_flight -= count - others;
	if (!kio__queue_empty(&uring->waiting))
		push_waiting(loop, uring);
	if (watches) {
		uring->watching = false;
		kio__watches_wait(loop, &uring->watches, 0);
	}
}

/* Submits, and waits for one completion until due_ns. */
static int
submit_and_wait(struct kio_loop *loop, struct uring *uring, uint64_t due_ns)
{
	struct __kernel_timespec wait = { 0 };
	struct io_uring_cqe *cqe;
	uint64_t now;
	int rc;

	loop->system_calls++;
	if (due_ns == UINT64_MAX) {
		rc = io_uring_submit_and_wait(&uring->ring, 1);
	} else {
		now = kio__now();
		if (due_ns > now) {
			wait.tv_sec = (int64_t)((due_ns - now) / 1000000000u);
			wait.tv_nsec = (int64_t)((due_ns - now) % 1000000000u);
		}
		rc = io_uring_submit_and_wait_timeout(&uring->ring, &cqe, 1, &wait, NULL);
	}
	return rc == -EINTR || rc == -ETIME || rc == -EBUSY || rc == -EAGAIN || rc > 0 ? 0 : rc;
}

/* Before the look at what there is: what comes afterwards rings again. */
static void
stop_bell(struct kio_loop *loop, const struct uring *uring)
{
	uint64_t rings;

	loop->system_calls++;
	if (read(uring->bell, &rings, sizeof(rings)) < 0)
		return; /* it did not ring */
}

static int
uring_poll(struct kio_loop *loop, uint64_t due_ns)
{
	struct uring *uring = loop->state;
	struct io_uring_cqe *cqe;
	int rc = 0;

	if (uring->outer >= 0)
		stop_bell(loop, uring);
	if (uring->watches.count != 0)
		wait_for_watches(loop, uring);
	if (due_ns != 0 && io_uring_cq_ready(&uring->ring) == 0)
		rc = submit_and_wait(loop, uring, due_ns);
	else if (io_uring_sq_ready(&uring->ring) != 0)
		rc = submit(loop, uring);
	else if (uring->in_flight != 0 || uring->watching || loop->foreign)
		/* enters the kernel only if that has completions to work off */
		io_uring_peek_cqe(&uring->ring, &cqe);
	reap(loop, uring);
	return rc;
}

static void
uring_wake(struct kio_loop *loop)
{
	const struct uring *uring = loop->state;
	uint64_t one = 1;

	/* a full counter wakes as well; a loop that sleeps for ever would not be told from a slow one */
	if (write(uring->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		kio__panic("a loop cannot be woken: %e", -errno);
}

/* --- foreign loops ------------------------------------------------------ */

/*
 * The ring's own descriptor will not do: completions that are worked off in the
 * owner's waits do not wake those who poll it. They ring a registered eventfd.
 * A write to an eventfd that the ring polls does not ring that bell, or late:
 * the kernel does not signal one eventfd inside another. So what others write
 * to, the loop's own and those it watches, is in the set as well.
 */
static int
outer_open(const struct uring *uring)
{
	const int fds[] = { uring->timer, uring->bell, uring->wake, uring->watches.epoll };
	struct epoll_event event = { .events = EPOLLIN };
	int outer = epoll_create1(EPOLL_CLOEXEC), rc = outer;

	for (size_t i = 0; rc >= 0 && i < KIO__COUNT(fds); i++)
		rc = epoll_ctl(outer, EPOLL_CTL_ADD, fds[i], &event);
	if (rc >= 0)
		return outer;
	rc = -errno;
	if (outer >= 0)
		close(outer);
	return rc;
}

static int
uring_fd(struct kio_loop *loop)
{
	struct uring *uring = loop->state;
	int outer, rc;

	if (uring->outer >= 0)
		return uring->outer;
	if (uring->timer < 0)
		uring->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (uring->bell < 0)
		uring->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (uring->timer < 0 || uring->bell < 0)
		return -errno;
	outer = outer_open(uring);
	if (outer < 0)
		return outer;
	rc = io_uring_register_eventfd(&uring->ring, uring->bell);
	if (rc < 0) {
		close(outer);
		return rc;
	}
	uring->outer = outer;
	kio__timer_fd_set(uring->timer, 0);
	return uring->outer;
}

static void
uring_arm(struct kio_loop *loop, uint64_t due_ns)
{
	struct uring *uring = loop->state;

	wait_for_watches(loop, uring);
	if (io_uring_sq_ready(&uring->ring) != 0 && submit(loop, uring) < 0)
		due_ns = 0; /* the next step reports it */
	if (io_uring_cq_ready(&uring->ring) != 0)
		due_ns = 0;
	loop->system_calls++;
	kio__timer_fd_set(uring->timer, due_ns);
}

/* --- slots and watches -------------------------------------------------- */

static int
uring_slot_open(struct kio_loop *loop, int fd)
{
	struct uring *uring = loop->state;
	int slot;

	if (!uring->slots || uring->slots_used == UINT64_MAX)
		return -1;
	slot = __builtin_ctzll(~uring->slots_used);
	if (io_uring_register_files_update(&uring->ring, (unsigned)slot, &fd, 1) != 1)
		return -1;
	uring->slots_used |= (uint64_t)1 << slot;
	return slot;
}

static void
uring_slot_close(struct kio_loop *loop, int slot)
{
	struct uring *uring = loop->state;
	int none = -1;

	/* from another thread than the ring's it is refused: then the ring is about to close */
	io_uring_register_files_update(&uring->ring, (unsigned)slot, &none, 1);
	uring->slots_used &= ~((uint64_t)1 << slot);
}

static int
uring_watch(struct kio_loop *loop, struct kio_watch *watch)
{
	struct uring *uring = loop->state;

	return kio__watch(&uring->watches, watch);
}

static void
uring_unwatch(struct kio_loop *loop, struct kio_watch *watch,
	      void (*gone)(struct kio_watch *watch))
{
	struct uring *uring = loop->state;

	kio__unwatch(loop, &uring->watches, watch, gone);
}

const struct kio_engine kio__engine_uring = {
	.name = "io_uring",
	.open = uring_open,
	.close = uring_close,
	.enter = uring_enter,
	.poll = uring_poll,
	.wake = uring_wake,
	.fd = uring_fd,
	.arm = uring_arm,
	.start = uring_start,
	.cancel = uring_cancel,
	.slot_open = uring_slot_open,
	.slot_close = uring_slot_close,
	.watch = uring_watch,
	.unwatch = uring_unwatch,
};
