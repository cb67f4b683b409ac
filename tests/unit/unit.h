/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

/*
 * A test is a sentence and a block:
 *
 *	TEST("iter: splits in the middle of a segment")
 *	{
 *		CHECK_EQ(kio_iter_take(&iter, 3).len, 3);
 *	}
 *
 * The program runs all of its tests, or those whose sentence contains its first
 * argument, and closes with "N passed, N failed".
 */

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct unit_test {
	const char *sentence;
	void (*run)(void);
	struct unit_test *next;
};

void unit_add(struct unit_test *test);
void unit_check(bool good, const char *file, int line, const char *text);
void unit_check_eq(long long a, long long b, const char *file, int line, const char *text);
void unit_check_str(const char *a, const char *b, const char *file, int line, const char *text);
void unit_skip(const char *why);
/* Does run(), in a child, end in an abort that says so? */
bool unit_aborts(void (*run)(void), const char *said);

#define UNIT_JOIN2(a, b) a##b
#define UNIT_JOIN(a, b) UNIT_JOIN2(a, b)

#define TEST(sentence_)                                                                     \
	static void UNIT_JOIN(test_, __LINE__)(void);                                       \
	static __attribute__((constructor)) void UNIT_JOIN(add_, __LINE__)(void)            \
	{                                                                                   \
		static struct unit_test test = { sentence_, UNIT_JOIN(test_, __LINE__), NULL }; \
		unit_add(&test);                                                            \
	}                                                                                   \
	static void UNIT_JOIN(test_, __LINE__)(void)

#define CHECK(condition) unit_check((condition), __FILE__, __LINE__, #condition)
#define CHECK_EQ(a, b) unit_check_eq((long long)(a), (long long)(b), __FILE__, __LINE__, #a " == " #b)
#define CHECK_STR(a, b) unit_check_str(a, b, __FILE__, __LINE__, #a)
#define SKIP(why) do { unit_skip(why); return; } while (0)

#endif
