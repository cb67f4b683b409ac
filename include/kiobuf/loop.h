/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_LOOP_H
#define KIOBUF_LOOP_H

/*
 * kio_loop: one thread's engine. It owns the channels opened on it and all
 * containers that travel through them.
 *
 * Three ways to drive one; each is an example in examples/:
 *
 *   kio_loop_start(loop)        a thread of its own; talk to it with post
 *   kio_loop_run(loop)          your thread, until kio_loop_stop
 *   kio_loop_fd(loop)           readable when there is work; then call
 *                               kio_loop_step(loop, 0) from your epoll loop
 *
 * Rules
 *  1. All calls belong to the thread that drives the loop, except those that
 *     say "any thread".
 *  2. Callbacks run inside kio_loop_run and kio_loop_step only, never inside
 *     the call that started something.
 *  3. To run or step a loop inside one of its callbacks is a bug and aborts.
 *  4. An idle loop sleeps; it takes no CPU.
 *  5. The library installs no signal handlers and prints nothing.
 */

#include <kiobuf/base.h>

KIO_BEGIN

struct kio_loop;

struct kio_loop_options {
	const char *engine; /* "io_uring", "threads"; NULL: io_uring where it works, else threads;
			       "sim": virtual time, for tests on the driver sim */
	unsigned depth;     /* I/Os in the engine at once; 0: 256. More wait in it. */
};

/* options may be NULL. -ENOSYS: this engine is not available here. -EINVAL: no such engine. */
KIO_PUBLIC int kio_loop_open(struct kio_loop **loop, const struct kio_loop_options *options);

/* All channels on it are closed. Stops and joins its own thread, if it has one. */
KIO_PUBLIC void kio_loop_close(struct kio_loop **loop);

/* Runs until kio_loop_stop. 0, or -errno of the engine. */
KIO_PUBLIC int kio_loop_run(struct kio_loop *loop);

/*
 * One round: what is ready, else waits for it, at most timeout_ns (negative: as
 * long as it takes; 0: not at all). Returns whether anything ran, or -errno.
 */
KIO_PUBLIC int kio_loop_step(struct kio_loop *loop, int64_t timeout_ns);

/* Any thread. kio_loop_run returns after its current round. */
KIO_PUBLIC void kio_loop_stop(struct kio_loop *loop);

/* Runs the loop in a thread of its own, until kio_loop_end or kio_loop_close. */
KIO_PUBLIC int kio_loop_start(struct kio_loop *loop);

/* Stops and joins that thread. What belonged to it is the caller's now, to be closed. */
KIO_PUBLIC void kio_loop_end(struct kio_loop *loop);

/*
 * A descriptor for poll, select or epoll (level-triggered), readable when
 * kio_loop_step has work. It belongs to the loop. What is submitted outside the
 * loop's callbacks starts with the next kio_loop_step(loop, 0).
 */
KIO_PUBLIC int kio_loop_fd(struct kio_loop *loop);

/* "io_uring" or "threads". */
KIO_PUBLIC const char *kio_loop_engine(const struct kio_loop *loop);

/* Nanoseconds, monotonic. Virtual on the simulator's loop. */
KIO_PUBLIC uint64_t kio_loop_now(const struct kio_loop *loop);

/* Something to run on a loop. Belongs to the loop until it runs. */
struct kio_task {
	struct kio_task *next;
	void (*run)(struct kio_task *task);
};

/* Runs it in this or the next round. */
KIO_PUBLIC void kio_loop_defer(struct kio_loop *loop, struct kio_task *task);

/* Runs it in this or the next round, when all that is ready there has run, and before the engine submits. */
KIO_PUBLIC void kio_loop_last(struct kio_loop *loop, struct kio_task *task);

/* False: it does not wait for that. */
KIO_PUBLIC bool kio_loop_last_cancel(struct kio_loop *loop, struct kio_task *task);

/* Any thread: the same as kio_loop_defer, and wakes the loop when it sleeps. */
KIO_PUBLIC void kio_loop_post(struct kio_loop *loop, struct kio_task *task);

/* A moment. Zeroed by its owner before first use; the fields are the loop's. */
struct kio_timer {
	struct kio_task task; /* task.run is set by the owner */
	uint64_t due_ns;
	struct kio_timer *child, *sibling, *prev;
	bool armed;
};

/* Runs timer->task.run at due_ns of kio_loop_now. Arming an armed timer moves it. */
KIO_PUBLIC void kio_timer_arm(struct kio_loop *loop, struct kio_timer *timer, uint64_t due_ns);

/* False: it was not armed, or runs in this round. */
KIO_PUBLIC bool kio_timer_cancel(struct kio_loop *loop, struct kio_timer *timer);

/* Work for a thread that may block or compute: run() there, then() back on the loop. */
struct kio_work {
	struct kio_task task;
	struct kio_loop *loop;
	void (*run)(struct kio_work *work);
	void (*then)(struct kio_work *work);
};

/* work->run and work->then are set by the owner. */
KIO_PUBLIC void kio_work_start(struct kio_loop *loop, struct kio_work *work);

/*
 * Readiness of a descriptor, level-triggered. fn runs with the events that are
 * ready (KIO_READABLE, KIO_WRITABLE, KIO_HANGUP).
 */
#define KIO_READABLE 1u
#define KIO_WRITABLE 2u
#define KIO_HANGUP 4u

struct kio_watch {
	void (*fn)(struct kio_watch *watch, unsigned events);
	struct kio_task task; /* the loop's, as all that follows */
	int fd;
	unsigned events, armed, ready;
	uint32_t gen;
	void *engine;
};

/*
 * Zeroed by its owner, with fn set. events: what to look for; 0 pauses. -EEXIST:
 * another watch has this descriptor. -EPERM: it is of a kind that is always ready
 * (files). -ENOSYS: the loop is the simulator's.
 */
KIO_PUBLIC int kio_watch_set(struct kio_loop *loop, struct kio_watch *watch, int fd,
			     unsigned events);

/* fn does not run again. gone() runs when the loop has let go of the structure. */
KIO_PUBLIC void kio_watch_stop(struct kio_loop *loop, struct kio_watch *watch,
			       void (*gone)(struct kio_watch *watch));

KIO_END

#endif
