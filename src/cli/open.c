/* SPDX-License-Identifier: MIT */
/*
 * Opening what an argument names, and ending in order when a signal comes.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/cli.h"

bool
cli_is_file(const char *argument)
{
	return argument[0] != '@' && strpbrk(argument, "/.") != NULL &&
	       strpbrk(argument, " \t\n|{}") == NULL;
}

/* The text of the stack that an argument stands for. */
static char *
text_of(const struct target *target, const struct cli_open *how)
{
	struct kio_tree *tree;
	struct kio_node *node;
	char *text = NULL, size[32];

	if (!target->is_file)
		return strdup(target->argument);
	tree = kio_tree_create();
	node = tree != NULL ? kio_tree_node(tree, "file", NULL) : NULL;
	if (node != NULL && kio_tree_arg(tree, node, NULL, target->argument, NULL) == 0) {
		snprintf(size, sizeof(size), "%lu", how->size);
		if (how->size == 0 || kio_tree_arg(tree, node, "size", size, NULL) == 0) {
			tree->root = node;
			text = kio_tree_format(tree);
		}
	}
	kio_tree_destroy(tree);
	return text;
}

static struct kio_stack_options
options_of(const struct cli *cli, const struct cli_open *how)
{
	return (struct kio_stack_options){
		.set = cli->set,
		.engine = cli_text(cli, "engine", NULL),
		.log = cli_log,
		.read_only = how->read_only,
		.create = how->create,
		.force = how->force,
	};
}

/* Are the blocks of the stack larger than a byte? A silent look, that changes nothing. */
static bool
is_coarse(const struct cli *cli, const struct kio_tree *tree)
{
	struct cli_open look = { .read_only = true };
	struct kio_stack_options options = options_of(cli, &look);
	struct kio_stack *stack;
	bool coarse;

	options.log = NULL;
	if (kio_stack_open_tree(&stack, tree, &options, NULL) < 0)
		return false; /* what is wrong is told when it is opened in earnest */
	coarse = kio_stack_limits(stack)->block > 1;
	kio_stack_close(&stack, NULL);
	return coarse;
}

static int
put_align_on_top(struct kio_tree *tree)
{
	struct kio_node *node = kio_tree_node(tree, "align", NULL);
	int rc = node != NULL ? kio_tree_leg(tree, node, tree->root) : -ENOMEM;

	if (rc == 0)
		tree->root = node;
	return rc;
}

static int
open_text(const struct cli *cli, struct target *target, const struct cli_open *how)
{
	struct kio_stack_options options = options_of(cli, how);
	struct kio_tree *tree;
	struct kio_diag diag;
	int rc;

	if (kio_tree_parse(&tree, target->text, cli->set, &diag) < 0)
		return cli_diag(cli, target->text, &diag);
	if (how->aligned && is_coarse(cli, tree) && put_align_on_top(tree) < 0) {
		kio_tree_destroy(tree);
		return cli_fail(cli, EXIT_BUG, "out of memory");
	}
	rc = kio_stack_open_tree(&target->stack, tree, &options, &diag);
	kio_tree_destroy(tree);
	if (rc == 0)
		return EXIT_YES;
	rc = cli_diag(cli, target->text, &diag);
	if (!target->is_file && diag.error == -ENOENT && access(target->argument, F_OK) == 0)
		cli_say("  the file of this name is written ./%s", target->argument);
	return rc;
}

int
cli_open(const struct cli *cli, struct target *target, const char *argument,
	 const struct cli_open *how)
{
	int rc;

	*target = (struct target){ .argument = argument, .is_file = cli_is_file(argument) };
	target->text = text_of(target, how);
	if (target->text == NULL)
		return cli_fail(cli, EXIT_BUG, "out of memory");
	rc = open_text(cli, target, how);
	if (rc != EXIT_YES) {
		free(target->text);
		target->text = NULL;
	}
	return rc;
}

int
cli_open_on(const struct cli *cli, struct target *target, const char *argument,
	    const struct cli_open *how, struct kio_loop *loop)
{
	int rc = cli_open(cli, target, argument, how), error;

	if (rc != EXIT_YES)
		return rc;
	error = kio_channel_open(&target->channel, target->stack, loop);
	if (error < 0) {
		rc = cli_fail(cli, EXIT_OPEN, "%s: %s", argument, strerror(-error));
		cli_close(cli, target);
	}
	return rc;
}

int
cli_close(const struct cli *cli, struct target *target)
{
	struct kio_diag diag;
	int rc = EXIT_YES;

	kio_channel_close(&target->channel);
	if (target->stack != NULL && kio_stack_close(&target->stack, &diag) < 0)
		rc = cli_fail(cli, EXIT_IO, "%s: %s", target->argument, diag.text);
	free(target->text);
	target->text = NULL;
	return rc;
}

int
cli_loop_open(const struct cli *cli, struct kio_loop **loop, unsigned depth)
{
	struct kio_loop_options options = { .engine = cli_text(cli, "engine", NULL), .depth = depth };
	int rc = kio_loop_open(loop, &options);

	if (rc == -EINVAL)
		return cli_fail(cli, EXIT_USAGE, "no engine '%s'; there are io_uring and threads",
				options.engine);
	if (rc < 0)
		return cli_fail(cli, EXIT_OPEN, "the engine %s cannot be used here: %s",
				options.engine != NULL ? options.engine : "", strerror(-rc));
	return EXIT_YES;
}

/* --- signals ------------------------------------------------------------ */

static struct {
	struct kio_watch watch;
	int fd, seen;
	void (*fn)(void *priv);
	void *priv;
} signals = { .fd = -1 };

/* They are blocked and read from a descriptor: nothing runs in a handler. */
void
cli_signals_begin(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
}

int
cli_signal(void)
{
	struct signalfd_siginfo info;

	if (signals.fd >= 0 && read(signals.fd, &info, sizeof(info)) == sizeof(info))
		signals.seen = (int)info.ssi_signo;
	return signals.seen;
}

static void
signal_came(struct kio_watch *watch, unsigned events)
{
	(void)watch;
	(void)events;
	if (cli_signal() != 0)
		signals.fn(signals.priv);
}

int
cli_signals_watch(struct kio_loop *loop, void (*fn)(void *priv), void *priv)
{
	signals.watch = (struct kio_watch){ .fn = signal_came };
	signals.fn = fn;
	signals.priv = priv;
	return kio_watch_set(loop, &signals.watch, signals.fd, KIO_READABLE);
}

void
cli_signals_unwatch(struct kio_loop *loop)
{
	kio_watch_stop(loop, &signals.watch, NULL);
}
