/* SPDX-License-Identifier: MIT */
#ifndef TESTS_EXPLORE_H
#define TESTS_EXPLORE_H

/*
 * Put before the sources of events and groups as they are compiled for the
 * explorer: every access to a word that threads share becomes a call of it. What
 * else these sources read and write it sees by the calls that the compiler puts
 * in for a thread sanitizer, which is not there.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t explore_load(const void *ptr, size_t size, int order, const char *what);
void explore_store(void *ptr, uint64_t value, size_t size, int order, const char *what);
/* Each returns what was there before. */
uint64_t explore_xchg(void *ptr, uint64_t value, size_t size, int order, const char *what);
uint64_t explore_add(void *ptr, uint64_t value, size_t size, int order, const char *what);
uint64_t explore_or(void *ptr, uint64_t bits, size_t size, int order, const char *what);
bool explore_cas(void *ptr, void *was, uint64_t value, size_t size, int order, int failed,
		 const char *what);
void explore_relax(void);

#define EXPLORE_TYPE(ptr) __typeof__(*(ptr) + 0)
#define EXPLORE_TEXT(number) #number
#define EXPLORE_WHERE(file, line) file ":" EXPLORE_TEXT(line)
#define EXPLORE_WHAT(verb, ptr) verb " " #ptr ", " EXPLORE_WHERE(__FILE__, __LINE__)

#define kio__load(ptr, order)                                                       \
	((EXPLORE_TYPE(ptr))explore_load((ptr), sizeof(*(ptr)), __ATOMIC_##order, \
					 EXPLORE_WHAT("load", ptr)))
#define kio__store(ptr, value, order)                                                     \
	explore_store((ptr), (uint64_t)(value), sizeof(*(ptr)), __ATOMIC_##order, \
		      EXPLORE_WHAT("store", ptr))
#define kio__xchg(ptr, value, order)                                                   \
	((EXPLORE_TYPE(ptr))explore_xchg((ptr), (uint64_t)(value), sizeof(*(ptr)), \
					 __ATOMIC_##order, EXPLORE_WHAT("xchg", ptr)))
#define kio__cas(ptr, was, value, order, failed)                                              \
	explore_cas((ptr), (was), (uint64_t)(value), sizeof(*(ptr)), __ATOMIC_##order, \
		    __ATOMIC_##failed, EXPLORE_WHAT("cas", ptr))
#define kio__add(ptr, value, order)                                                   \
	((EXPLORE_TYPE(ptr))explore_add((ptr), (uint64_t)(value), sizeof(*(ptr)), \
					__ATOMIC_##order, EXPLORE_WHAT("add", ptr)) + \
	 (value))
#define kio__or(ptr, bits, order)                                                   \
	((EXPLORE_TYPE(ptr))explore_or((ptr), (uint64_t)(bits), sizeof(*(ptr)), \
				       __ATOMIC_##order, EXPLORE_WHAT("or", ptr)))
#define kio__relax() explore_relax()
#define kio__pause() ((void)0)

#define KIO_ACQUIRE(ptr)                                                               \
	((EXPLORE_TYPE(ptr))explore_load((ptr), sizeof(*(ptr)), __ATOMIC_ACQUIRE, \
					 EXPLORE_WHAT("load", ptr)))

/* --- for the cases -------------------------------------------------------- */

#define EXPLORE_THREADS 3

struct explore_case {
	const char *name;
	void (*begin)(void); /* on zeroed memory, before there are threads */
	void (*thread[EXPLORE_THREADS])(void);
	void (*end)(void); /* all threads are through */
};

extern const struct explore_case explore_cases[];
extern const size_t explore_case_count;
/* Zeroes what the cases work on. */
void explore_reset(void);

/* The memory was given away: from here on nobody may touch it. */
void explore_gone(const void *memory, size_t size);

_Noreturn void explore_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define EXPECT(condition)                                      \
	do {                                                   \
		if (!(condition))                              \
			explore_fail("not so: %s", #condition); \
	} while (0)

#endif
