/* SPDX-License-Identifier: MIT */
#ifndef PORT_LOCK_H
#define PORT_LOCK_H

/*
 * A lock of what a layer's channels share. While there is one channel it is a
 * plain flag, without atomics; opening the second makes it a mutex, with a
 * barrier on all threads in between so that none is left inside unseen. As
 * short as a mutex, and never held across a callback either.
 */

#include "base/math.h"
#include "port/port.h"

struct kio__lock {
	uint32_t inside;
	uint32_t shared;
	struct kio__mutex mutex;
};

static inline void
kio__lock_init(struct kio__lock *lock)
{
	kio__mutex_init(&lock->mutex);
	lock->inside = 0;
	/* without the barrier there is no way from the flag to the mutex */
	lock->shared = !kio__barrier_everywhere();
}

static inline void
kio__lock_fini(struct kio__lock *lock)
{
	kio__mutex_fini(&lock->mutex);
}

/* What it returns is for kio__lock_leave. */
static inline bool
kio__lock_enter(struct kio__lock *lock)
{
	__atomic_store_n(&lock->inside, 1, __ATOMIC_RELAXED);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (kio__likely(__atomic_load_n(&lock->shared, __ATOMIC_ACQUIRE) == 0))
		return false;
	__atomic_store_n(&lock->inside, 0, __ATOMIC_RELEASE);
	kio__mutex_lock(&lock->mutex);
	return true;
}

static inline void
kio__lock_leave(struct kio__lock *lock, bool shared)
{
	if (shared)
		kio__mutex_unlock(&lock->mutex);
	else
		__atomic_store_n(&lock->inside, 0, __ATOMIC_RELEASE);
}

/* From now on several threads use it. */
static inline void
kio__lock_share(struct kio__lock *lock)
{
	if (__atomic_exchange_n(&lock->shared, 1, __ATOMIC_SEQ_CST) != 0)
		return;
	kio__barrier_everywhere();
	while (__atomic_load_n(&lock->inside, __ATOMIC_ACQUIRE) != 0)
		kio__yield();
}

#endif
