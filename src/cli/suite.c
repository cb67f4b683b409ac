/* SPDX-License-Identifier: MIT */
/*
 * Which suite, and what they share: a measure for times, and counting
 * instructions. A child runs the code between two marks while its parent steps
 * it, one instruction at a time. That needs no hardware counters and gives the
 * same number on every run.
 */
#include "cli/suite.h"

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port/port.h"

int
cli_suite(const struct cli *cli, const char *name)
{
	if (strcmp(name, "core") == 0)
		return cli_suite_core(cli);
	if (strcmp(name, "events") == 0)
		return cli_suite_events(cli);
	if (strcmp(name, "file") == 0)
		return cli_suite_file(cli);
	return cli_fail(cli, EXIT_USAGE, "no suite '%s'; there are core, events and file", name);
}

void
cli_set_figure(json_t *figures, const char *name, double value)
{
	json_object_set_new(figures, name, json_real(value));
}

void
cli_print_figures(const struct cli *cli, const char *schema, json_t *figures)
{
	const char *name;
	json_t *value;

	if (cli->json) {
		cli_print_json(schema, figures);
		return;
	}
	json_object_foreach(figures, name, value)
		printf("%-34s %10.2f\n", name, json_real_value(value));
	json_decref(figures);
}

/*
 * One uncontended locked instruction, as it is met in a program: an exchange on
 * a word that was written a moment ago, each in its turn of many.
 */
double
cli_locked_ns(void)
{
	enum { WORDS = 1024, ROUNDS = 500 };
	static struct kio_event events[WORDS];
	uint64_t took = 0, begun;

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < WORDS; i++)
			kio_event_init(&events[i]);
		begun = kio__now();
		for (unsigned i = 0; i < WORDS; i++) {
			events[i].status = (int)round;
			__atomic_exchange_n(&events[i].word, KIO_EVENT_FIRED, __ATOMIC_ACQ_REL);
		}
		took += kio__now() - begun;
	}
	return (double)took / ((double)WORDS * ROUNDS);
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
