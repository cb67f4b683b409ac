/* SPDX-License-Identifier: MIT */
#ifndef PORT_POOL_H
#define PORT_POOL_H

/*
 * A pool of threads that grows as far as it is used. There is one for work that
 * computes (kio__job_queue) and one for system calls that block, so that the
 * one never waits behind the other.
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
	unsigned most, count, idle, queued;
	bool ends;
};

#define KIO__POOL(pool, name_, most_)                                                      \
	{                                                                                  \
		.mutex = PTHREAD_MUTEX_INITIALIZER, .wanted = PTHREAD_COND_INITIALIZER,    \
		.last = &(pool).first, .name = (name_), .most = (most_)                    \
	}

/* Runs job->run(job) on one of the threads. -EAGAIN: there is none. */
int kio__pool_queue(struct kio__pool *pool, struct kio__job *job);
/* False: it runs, or has run. */
bool kio__pool_withdraw(struct kio__pool *pool, struct kio__job *job);
void kio__pool_end(struct kio__pool *pool);

#endif
