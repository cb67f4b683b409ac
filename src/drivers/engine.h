/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_ENGINE_H
#define DRIVERS_ENGINE_H

/*
 * What both engines share: system calls on threads that may block, and the
 * descriptors a loop watches.
 */

#include "core/loop.h"

/* Carries out io on a thread of the pool; done runs on the loop. */
void kio__blocking_start(struct kio_loop *loop, struct kio__io *io);
/* Only while no thread has begun it. */
void kio__blocking_cancel(struct kio_loop *loop, struct kio__io *io);

/* An epoll set with the watches of a loop. */
struct kio__watches {
	int epoll;
	unsigned count;
};

int kio__watches_open(struct kio__watches *watches);
void kio__watches_close(struct kio__watches *watches);
int kio__watch(struct kio__watches *watches, struct kio_watch *watch);
void kio__unwatch(struct kio_loop *loop, struct kio__watches *watches, struct kio_watch *watch,
		  void (*gone)(struct kio_watch *watch));
/* Waits until due_ns as poll of an engine does, and tells the watches that are ready. */
int kio__watches_wait(struct kio_loop *loop, struct kio__watches *watches, uint64_t due_ns);

/*
 * A timer descriptor, readable at due_ns (0: at once; UINT64_MAX: never). One
 * for a foreign loop begins readable: the first step starts what is there.
 */
void kio__timer_fd_set(int fd, uint64_t due_ns);

#endif
