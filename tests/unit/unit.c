/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST_S 120

static struct unit_test *first, **last = &first;
static unsigned errors, skips;

void
unit_add(struct unit_test *test)
{
	*last = test;
	last = &test->next;
}

static void
complain(const char *file, int line)
{
	errors++;
	printf("  %s:%d: ", file, line);
}

void
unit_check(bool good, const char *file, int line, const char *text)
{
	if (good)
		return;
	complain(file, line);
	printf("not so: %s\n", text);
}

void
unit_check_eq(long long a, long long b, const char *file, int line, const char *text)
{
	if (a == b)
		return;
	complain(file, line);
	printf("%s: %lld (0x%llx) is not %lld (0x%llx)\n", text, a, (unsigned long long)a, b,
	       (unsigned long long)b);
}

void
unit_check_str(const char *a, const char *b, const char *file, int line, const char *text)
{
	if (a != NULL && b != NULL && strcmp(a, b) == 0)
		return;
	complain(file, line);
	printf("%s\n    is       %s\n    and not  %s\n", text, a != NULL ? a : "NULL", b != NULL ? b : "NULL");
}

void
unit_skip(const char *why)
{
	skips++;
	printf("  skipped: %s\n", why);
}

/* Where it is counted what runs, it counts that an abort was reached. */
#ifdef COVERAGE
extern void __gcov_dump(void);

static void
dump(int number)
{
	(void)number;
	__gcov_dump();
}
#endif

bool
unit_aborts(void (*run)(void), const char *said)
{
	char text[2048] = "";
	size_t len = 0;
	int pipes[2], status;
	ssize_t got;
	pid_t child;

	fflush(stdout);
	if (pipe(pipes) < 0)
		return false;
	child = fork();
	if (child == 0) {
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
#ifdef COVERAGE
		signal(SIGABRT, dump);
#endif
		run();
		_exit(0);
	}
	close(pipes[1]);
	while (len < sizeof(text) - 1 && (got = read(pipes[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)got;
	close(pipes[0]);
	waitpid(child, &status, 0);
	text[len] = '\0';
	if (!WIFSIGNALED(status) || strstr(text, said) == NULL)
		printf("  it said: %s\n", text);
	return WIFSIGNALED(status) && strstr(text, said) != NULL;
}

int
main(int argc, char **argv)
{
	unsigned passed = 0, failed = 0, skipped = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	alarm(LONGEST_S);
	for (struct unit_test *test = first; test != NULL; test = test->next) {
		if (argc > 1 && strstr(test->sentence, argv[1]) == NULL)
			continue;
		errors = skips = 0;
		test->run();
		printf("%s - %s\n", errors != 0 ? "FAIL" : skips != 0 ? "skip" : "ok", test->sentence);
		failed += errors != 0;
		skipped += errors == 0 && skips != 0;
		passed += errors == 0 && skips == 0;
	}
	printf("%u passed, %u failed", passed, failed);
	if (skipped != 0)
		printf(", %u skipped", skipped);
	printf("\n");
	return failed != 0 || passed + skipped == 0;
}
