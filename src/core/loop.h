/* SPDX-License-Identifier: MIT */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

/*
 * The inside of kio_loop, and what an engine gives it.
 *
 *   any thread                     the loop's thread
 *   kio_loop_post --> inbox --+
 *                             v
 *   completions, tasks --> run queue --> timers --> engine: submit, wait, reap
 *
 * One round of the loop runs everything in the queue and the timers that are
 * due, then what was put off until all that has run, and then lets the engine
 * submit what was started and wait.
 */

#include <kiobuf/loop.h>

#include "base/list.h"
#include "base/math.h"
#include "port/port.h"

/* One system call of a driver, carried out by the engine. */
enum kio__io_op {
	KIO__IO_READ,  /* preadv: iov, or buf when iov_count is 0 */
	KIO__IO_WRITE, /* pwritev */
	KIO__IO_SYNC,  /* fdatasync */
	KIO__IO_CALL,  /* call() on a thread of the engine's that may block */
};

struct kio__io {
	struct kio_task task; /* the engine's, and so is loop */
	struct kio_loop *loop;
	void (*done)(struct kio__io *io); /* on the loop, outside the call that started it */
	int64_t (*call)(struct kio__io *io);
	int64_t result; /* bytes, or -errno */
	enum kio__io_op op;
	int fd;
	int slot;           /* of the descriptor in the engine, or -1 */
	bool durable;       /* write: RWF_DSYNC */
	uint32_t iov_count; /* up to 1024 */
	const void *iov;    /* struct iovec; lives until done */
	void *buf;
	uint64_t len; /* of buf */
	uint64_t offset;
};

struct kio_engine {
	const char *name;
	bool alone; /* nothing is to run beside the loop: workers' work is done on it */
	/* Sets loop->state. */
	int (*open)(struct kio_loop *loop, const struct kio_loop_options *options);
	void (*close)(struct kio_loop *loop);
	/* Once, on the thread that drives the loop, before the first poll. May be NULL. */
	int (*enter)(struct kio_loop *loop);
	/*
	 * Submits what was started and reaps what finished; with nothing to reap
	 * waits until due_ns (0: does not wait; UINT64_MAX: no end) or wake. Done
	 * callbacks run here. 0 or -errno.
	 */
	int (*poll)(struct kio_loop *loop, uint64_t due_ns);
	/* Any thread: the poll that runs, or the next one, does not wait. */
	void (*wake)(struct kio_loop *loop);
	/* A descriptor that is readable when poll has something to reap, or after wake. */
	int (*fd)(struct kio_loop *loop);
	/* Before the owner goes to wait on fd: submit what was started; be readable at due_ns. */
	void (*arm)(struct kio_loop *loop, uint64_t due_ns);

	void (*start)(struct kio_loop *loop, struct kio__io *io);
	/* Ends one that was started early, if it can: with -ECANCELED as its result. */
	void (*cancel)(struct kio_loop *loop, struct kio__io *io);
	/* A slot for a descriptor, -1 for none; and giving it back. May be NULL. */
	int (*slot_open)(struct kio_loop *loop, int fd);
	void (*slot_close)(struct kio_loop *loop, int slot);
	/* Both NULL: there are no descriptors to watch. */
	int (*watch)(struct kio_loop *loop, struct kio_watch *watch);
	void (*unwatch)(struct kio_loop *loop, struct kio_watch *watch,
			void (*gone)(struct kio_watch *watch));
	/* NULL: kio__now. */
	uint64_t (*now)(const struct kio_loop *loop);
};

struct kio_loop {
	struct kio__queue ready; /* of kio_task; run == NULL: a kio that goes up */
	struct kio__queue last;  /* of kio_task: when all that is ready has run */
	struct kio_timer *timers; /* root of a pairing heap */
	const struct kio_engine *engine;
	void *state; /* the engine's */
	bool running; /* inside a round */
	bool entered;
	bool foreign; /* somebody sleeps on its descriptor */
	unsigned channels;
	uintptr_t thread; /* that drives it; 0: none yet */
	struct kio_channel *first_channel; /* by next_of_loop */
	uint64_t system_calls; /* made by the engine, for bench */

	/* what other threads touch, in a line of its own */
	struct kio_task *inbox __attribute__((aligned(64))); /* atomic; newest first */
	uint32_t asleep; /* atomic */
	uint32_t stopped; /* atomic */
	uint32_t posting; /* atomic: threads inside kio_loop_post or kio_loop_stop */
	struct kio__thread *own;
};

/* Opens a loop on a given engine; kio_loop_open picks one and calls this. */
int kio__loop_open(struct kio_loop **loop, const struct kio_engine *engine,
		   const struct kio_loop_options *options);

/*
 * A round, for who cannot go on without: what is in flight never comes home from
 * an engine that failed, and nobody is there to be told. Panics then.
 */
void kio__loop_must_step(struct kio_loop *loop);

/* Queues a task on the loop's own thread. */
static inline void
kio__loop_push(struct kio_loop *loop, struct kio_task *task)
{
	kio__queue_push(&loop->ready, task);
}

/* Starts a system call. */
static inline void
kio__loop_start(struct kio_loop *loop, struct kio__io *io)
{
	loop->engine->start(loop, io);
}

static inline void
kio__loop_cancel(struct kio_loop *loop, struct kio__io *io)
{
	loop->engine->cancel(loop, io);
}

extern const struct kio_engine kio__engine_uring;
extern const struct kio_engine kio__engine_threads;
extern const struct kio_engine kio__engine_sim; /* virtual time; by name only */

#endif
