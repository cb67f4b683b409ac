/* SPDX-License-Identifier: MIT */
/*
 * The port to Linux processes: memory, time, threads, and how to die.
 */
#include <linux/membarrier.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "core/format.h"
#include "port/pool.h"
#include "port/port.h"

unsigned kio__alloc_fail_at;

static uint64_t alloc_count; /* atomic */

uint64_t
kio__alloc_count(void)
{
	return __atomic_load_n(&alloc_count, __ATOMIC_RELAXED);
}

static bool
may_fail(void)
{
	__atomic_fetch_add(&alloc_count, 1, __ATOMIC_RELAXED);
	if (__atomic_load_n(&kio__alloc_fail_at, __ATOMIC_RELAXED) == 0)
		return false;
	return __atomic_fetch_sub(&kio__alloc_fail_at, 1, __ATOMIC_RELAXED) == 1;
}

void *
kio__alloc(size_t size)
{
	return may_fail() ? NULL : calloc(1, size != 0 ? size : 1);
}

void *
kio__alloc_aligned(size_t size, size_t align)
{
	void *memory;

	if (may_fail() || posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align,
					 size != 0 ? size : 1) != 0)
		return NULL;
	memset(memory, 0, size);
	return memory;
}

void *
kio__alloc_pages(size_t size)
{
	void *memory;

	return may_fail() || posix_memalign(&memory, 4096, size) != 0 ? NULL : memory;
}

void
kio__free(void *memory)
{
	free(memory);
}

void
kio__wipe(void *memory, size_t len)
{
	explicit_bzero(memory, len);
}

uint64_t
kio__now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int
kio__random(void *into, size_t len)
{
	unsigned char *at = into;
	ssize_t got;

	while (len > 0) {
		got = getrandom(at, len, 0);
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got > 0) {
			at += got;
			len -= (size_t)got;
		}
	}
	return 0;
}

void
kio__panic(const char *format, ...)
{
	char text[512] = "kiobuf: bug: ";
	size_t begin = strlen(text), len;
	va_list args;

	va_start(args, format);
	len = begin + kio__format_args(text + begin, sizeof(text) - begin - 1, format, args);
	va_end(args);
	if (len > sizeof(text) - 2)
		len = sizeof(text) - 2;
	text[len++] = '\n';
	/* the last words of a process that is broken: nothing to do if they are lost */
	if (write(STDERR_FILENO, text, len) < 0)
		_exit(70);
	abort();
}

const char *
kio_error_text(int error)
{
	const char *text = strerrordesc_np(error < 0 ? -error : error);

	return text != NULL ? text : "unknown error";
}

/* --- exclusion and waiting ---------------------------------------------- */

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct kio__mutex), "the room is too small");

static pthread_mutex_t *
mutex_of(struct kio__mutex *mutex)
{
	return (pthread_mutex_t *)(void *)mutex;
}

void
kio__mutex_init(struct kio__mutex *mutex)
{
	pthread_mutex_init(mutex_of(mutex), NULL);
}

void
kio__mutex_fini(struct kio__mutex *mutex)
{
	pthread_mutex_destroy(mutex_of(mutex));
}

void
kio__mutex_lock(struct kio__mutex *mutex)
{
	pthread_mutex_lock(mutex_of(mutex));
}

void
kio__mutex_unlock(struct kio__mutex *mutex)
{
	pthread_mutex_unlock(mutex_of(mutex));
}

static pthread_once_t barrier_once = PTHREAD_ONCE_INIT;
static bool barrier_works;

static void
barrier_register(void)
{
	barrier_works = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

bool
kio__barrier_everywhere(void)
{
	pthread_once(&barrier_once, barrier_register);
	return barrier_works &&
	       syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void
kio__yield(void)
{
	sched_yield();
}

int
kio__sleep(const uint32_t *word, uint32_t value, uint64_t due_ns)
{
	struct timespec due = { (time_t)(due_ns / 1000000000), (long)(due_ns % 1000000000) };

	if (syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, value,
		    due_ns == UINT64_MAX ? NULL : &due, NULL, FUTEX_BITSET_MATCH_ANY) < 0 &&
	    errno == ETIMEDOUT)
		return -ETIMEDOUT;
	return 0;
}

void
kio__wake(const uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* --- threads ------------------------------------------------------------ */

struct kio__thread {
	pthread_t id;
	void (*run)(void *priv);
	void *priv;
	char name[16];
};

static void *
thread_main(void *priv)
{
	struct kio__thread *thread = priv;

	pthread_setname_np(pthread_self(), thread->name);
	thread->run(thread->priv);
	return NULL;
}

int
kio__thread_start(struct kio__thread **out, const char *name, void (*run)(void *priv), void *priv)
{
	struct kio__thread *thread = kio__alloc(sizeof(*thread));
	sigset_t all, before;
	int rc;

	if (thread == NULL)
		return -ENOMEM;
	thread->run = run;
	thread->priv = priv;
	strncpy(thread->name, name, sizeof(thread->name) - 1);
	/* signals are the program's: none is ever delivered to a thread of the library */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread->id, NULL, thread_main, thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		kio__free(thread);
		return -rc;
	}
	*out = thread;
	return 0;
}

void
kio__thread_join(struct kio__thread **thread)
{
	pthread_join((*thread)->id, NULL);
	kio__free(*thread);
	*thread = NULL;
}

uintptr_t
kio__thread_self(void)
{
	static __thread char here;

	return (uintptr_t)&here;
}

uint32_t
kio__thread_number(void)
{
	return (uint32_t)gettid();
}

/* --- pools -------------------------------------------------------------- */

static void
pool_thread(void *priv)
{
	struct kio__pool *pool = priv;
	struct kio__job *job;

	pthread_mutex_lock(&pool->mutex);
	for (;;) {
		while (pool->first == NULL && !pool->ends)
			pthread_cond_wait(&pool->wanted, &pool->mutex);
		job = pool->first;
		if (job == NULL)
			break;
		pool->first = job->next;
		if (pool->first == NULL)
			pool->last = &pool->first;
		pthread_mutex_unlock(&pool->mutex);
		job->run(job);
		pthread_mutex_lock(&pool->mutex);
	}
	pthread_mutex_unlock(&pool->mutex);
}

/* Under the mutex. */
static int
pool_grow(struct kio__pool *pool)
{
	int rc = kio__thread_start(&pool->threads[pool->count], pool->name, pool_thread, pool);

	if (rc == 0)
		pool->count++;
	return rc;
}

int
kio__pool_queue(struct kio__pool *pool, struct kio__job *job)
{
	int rc = 0;

	pthread_mutex_lock(&pool->mutex);
	if (__atomic_load_n(&pool->jobs, __ATOMIC_RELAXED) >= pool->count && pool->count < pool->most)
		pool_grow(pool); /* if not: those that there are */
	if (pool->count == 0) {
		rc = -EAGAIN;
	} else {
		job->next = NULL;
		*pool->last = job;
		pool->last = &job->next;
		__atomic_add_fetch(&pool->jobs, 1, __ATOMIC_RELAXED);
		pthread_cond_signal(&pool->wanted);
	}
	pthread_mutex_unlock(&pool->mutex);
	return rc;
}

void
kio__pool_done(struct kio__pool *pool)
{
	__atomic_sub_fetch(&pool->jobs, 1, __ATOMIC_RELAXED);
}

bool
kio__pool_withdraw(struct kio__pool *pool, struct kio__job *job)
{
	struct kio__job **at = &pool->first;
	bool found;

	pthread_mutex_lock(&pool->mutex);
	while (*at != NULL && *at != job)
		at = &(*at)->next;
	found = *at != NULL;
	if (found) {
		*at = job->next;
		if (*at == NULL)
			pool->last = at;
		kio__pool_done(pool);
	}
	pthread_mutex_unlock(&pool->mutex);
	return found;
}

void
kio__pool_end(struct kio__pool *pool)
{
	pthread_mutex_lock(&pool->mutex);
	pool->ends = true;
	pthread_cond_broadcast(&pool->wanted);
	pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->count; i++)
		kio__thread_join(&pool->threads[i]);
	pool->count = 0;
}

static struct kio__pool workers = KIO__POOL(workers, "kio-worker", KIO__POOL_MOST);

int
kio__job_queue(struct kio__job *job)
{
	return kio__pool_queue(&workers, job);
}

void
kio__job_done(void)
{
	kio__pool_done(&workers);
}

int
kio__workers_start(void)
{
	int rc = 0;

	pthread_mutex_lock(&workers.mutex);
	while (rc == 0 && workers.count < workers.most)
		rc = pool_grow(&workers);
	pthread_mutex_unlock(&workers.mutex);
	/* fewer threads, or none, do the same more slowly */
	return rc == -ENOMEM ? rc : (int)workers.most;
}

static __attribute__((constructor)) void
workers_begin(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	workers.most = cpus < 1 ? 1 : cpus > KIO__POOL_MOST ? KIO__POOL_MOST : (unsigned)cpus;
}

static __attribute__((destructor)) void
workers_end(void)
{
	kio__pool_end(&workers);
}
