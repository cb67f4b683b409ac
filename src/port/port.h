/* SPDX-License-Identifier: MIT */
#ifndef PORT_PORT_H
#define PORT_PORT_H

/*
 * All that src/core and src/layers need from the world. posix.c is the port to
 * Linux processes; the core is compiled without any other system header.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* memory; zeroed; NULL: none left */
void *kio__alloc(size_t size);
void *kio__alloc_aligned(size_t size, size_t align);
/* Whole pages, of any content: those that nobody touches cost no memory. */
void *kio__alloc_pages(size_t size);
void kio__free(void *memory);
/* A test makes the n-th allocation from here fail; 0: none. Atomic. */
extern unsigned kio__alloc_fail_at;
/* How often memory was asked for. */
uint64_t kio__alloc_count(void);

void *memcpy(void *restrict to, const void *restrict from, size_t len);
void *memmove(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
size_t strlen(const char *text);
int strcmp(const char *a, const char *b);

/* Clears memory that held a secret; never optimised away. */
void kio__wipe(void *memory, size_t len);

/* nanoseconds, monotonic */
uint64_t kio__now(void);

/* Unpredictable bytes. 0 or -errno. */
int kio__random(void *into, size_t len);

/* A contract was broken: prints the sentence and aborts. Formats as kio_format. */
_Noreturn void kio__panic(const char *format, ...);

/* As in kiobuf/layer.h. */
const char *kio_error_text(int error);

/* A short exclusion; never held across a callback. */
struct kio__mutex {
	uint64_t room[8];
};
void kio__mutex_init(struct kio__mutex *mutex);
void kio__mutex_fini(struct kio__mutex *mutex);
void kio__mutex_lock(struct kio__mutex *mutex);
void kio__mutex_unlock(struct kio__mutex *mutex);

/*
 * Memory barrier on all threads of the process at once, so that those who are
 * hurried need none of their own. False: not to be had here; the answer is the
 * same for the life of the process.
 */
bool kio__barrier_everywhere(void);
/* Lets another thread run. */
void kio__yield(void);

/* Sleeps while *word is value, until due_ns (UINT64_MAX: no end). 0, woken perhaps; or -ETIMEDOUT. */
int kio__sleep(const uint32_t *word, uint32_t value, uint64_t due_ns);
/* Wakes one who sleeps so. The word need not be there any more. */
void kio__wake(const uint32_t *word);

/* Threads. They block all signals. */
struct kio__thread;
int kio__thread_start(struct kio__thread **thread, const char *name, void (*run)(void *priv),
		      void *priv);
void kio__thread_join(struct kio__thread **thread);
/* Names the running thread; never 0. */
uintptr_t kio__thread_self(void);
/* The same as a number below 2^24, unique among living threads; takes a system call. */
uint32_t kio__thread_number(void);

/*
 * Workers for work that computes (ciphers). The pool is the process's, as large
 * as the machine. run() calls kio__job_done before it tells anybody that it is.
 */
struct kio__job {
	struct kio__job *next;
	void (*run)(struct kio__job *job);
};
int kio__job_queue(struct kio__job *job);
void kio__job_done(void);
/* Starts all of them now, and not while I/O runs. How many they are at most, or -ENOMEM. */
int kio__workers_start(void);

/*
 * AES-256-XTS. key is 64 bytes. Runs on the workers and as many loops at once;
 * with more threads, one waits for another. kio__xts_create starts the workers.
 */
struct kio__xts;
int kio__xts_create(struct kio__xts **xts, const unsigned char *key);
void kio__xts_destroy(struct kio__xts **xts);
/*
 * Units of `unit` bytes (a multiple of 16), one behind the other, from `from`
 * to `to`, which may be the same. The first has the tweak given, a little-endian
 * number in its first 8 bytes; each further one that many steps more. 0 or -EIO.
 * Allocates nothing.
 */
int kio__xts_run(struct kio__xts *xts, bool encrypt, const unsigned char tweak[16], uint64_t step,
		 void *to, const void *from, size_t unit, size_t units);

/* CRC-32C (Castagnoli) of more bytes; begin with 0. */
uint32_t kio__crc32c(uint32_t crc, const void *data, size_t len);

#endif
