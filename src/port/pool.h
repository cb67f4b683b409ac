/* SPDX-License-Identifier: MIT */
#ifndef PORT_POOL_H
#define PORT_POOL_H

/*
 * A pool of threads that has as many as there were ever jobs at once. There is
 * one for work that computes (kio__job_queue) and one for system calls that
 * block, so that the one never waits behind the other.
 *
 * A job is done when it says so, before it tells anybody else: whoever queues the
 * next as soon as he hears of it finds a thread that is free, or will be at once,
 * and none is started for it.
 */

#include <pthread.h>

#include "port/port.h"

#define KIO__POOL_MOST 64

struct kio__pool {
	pthread_mutex_t mutex;
	pthread_cond_t wanted;
	struct kio__job *first, **last;
	const char *name;
	struct kio__thread *threads[KIO__POOL_MOST];
	unsigned most, count;
	unsigned jobs; /* queued, and not yet done; atomic */
	bool ends;
};

#define KIO__POOL(pool, name_, most_)                                                      \
	{                                                                                  \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .wanted = PTHREAD_COND_INITIALIZER,    \
		.last = &(pool).first, .name = (name_), .most = (most_)                    \
	}

/* Runs job->run(job) on one of the threads, which calls kio__pool_done. -EAGAIN: there is none. */
int kio__pool_queue(struct kio__pool *pool, struct kio__job *job);
void kio__pool_done(struct kio__pool *pool);
/* False: it runs, or has run. */
bool kio__pool_withdraw(struct kio__pool *pool, struct kio__job *job);
void kio__pool_end(struct kio__pool *pool);

#endif
