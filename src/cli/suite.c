/* SPDX-License-Identifier: MIT */
/*
 * Which suite, and counting instructions: a child runs the code between two
 * marks while its parent steps it, one instruction at a time. It needs no
 * hardware counters and gives the same number on every run.
 */
#include "cli/suite.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

int
cli_suite(const struct cli *cli, const char *name)
{
	if (strcmp(name, "core") == 0)
		return cli_suite_core(cli);
	if (strcmp(name, "file") == 0)
		return cli_suite_file(cli);
	return cli_fail(cli, EXIT_USAGE, "no suite '%s'; there are core and file", name);
}

uint64_t
cli_count_instructions(void (*run)(void *priv), void *priv)
{
	uint64_t count = 0;
	int status;
	pid_t child = fork();

	if (child < 0)
		return 0;
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		raise(SIGSTOP);
		run(priv);
		raise(SIGSTOP);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		return 0;
	/* the marks themselves are the same for every run, and cancel out in differences */
	for (;;) {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0 ||
		    waitpid(child, &status, 0) != child || !WIFSTOPPED(status) ||
		    WSTOPSIG(status) == SIGSTOP)
			break;
		count++;
	}
	ptrace(PTRACE_KILL, child, NULL, NULL);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	return count;
}
