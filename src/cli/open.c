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

#include "base/math.h"
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
		.notice = how->notice,
		.notice_priv = how->notice_priv,
		.control = how->control,
		.read_only = how->read_only,
		.create = how->create,
		.force = how->force,
		.new_leg = how->new_leg,
	};
}

static int
put_on_top(struct kio_tree *tree, const char *class_name)
{
	struct kio_node *node = kio_tree_node(tree, class_name, NULL);
	int rc = node != NULL ? kio_tree_leg(tree, node, tree->root) : -ENOMEM;

	if (rc == 0)
		tree->root = node;
	return rc;
}

/* What was meant by a word that is no layer may be a file of this name. */
static void
hint_at_file(const char *argument)
{
	if (access(argument, F_OK) != 0)
		return;
	if (strchr(argument, ' ') != NULL)
		cli_say("  the file of this name is written: file \"%s\"", argument);
	else
		cli_say("  the file of this name is written ./%s", argument);
}

int
cli_check_text(const struct cli *cli, const char *text, const struct kio_tree *tree)
{
	struct kio_diag diag;

	if (kio_tree_check(tree, &diag) == 0)
		return EXIT_YES;
	cli_diag(cli, text, &diag);
	hint_at_file(text);
	return EXIT_USAGE;
}

/*
 * Each request to a file is a system call's worth of work: one less is more than
 * it costs to find neighbours. To memory it is not. Where data is encrypted it
 * would cost a copy, since what is merged may not be changed in place. And what
 * tells of requests, or lets them go wrong, is to meet them as they come.
 */
static bool
merging_pays(const struct kio_node *node)
{
	static const char *const classes[] = { "align", "concat", "crop", "deadline", "file", "mirror",
					       "readonly", "retry", "stripe" };
	bool known = false;

	for (unsigned i = 0; i < KIO__COUNT(classes); i++)
		known |= strcmp(node->class_name, classes[i]) == 0;
	for (unsigned i = 0; i < node->leg_count; i++)
		known &= merging_pays(node->legs[i]);
	return known;
}

/* align first: what is merged may be whole blocks, and neighbours need not be. */
static void
look_what_helps(struct target *target, const struct kio_tree *tree)
{
	unsigned count = 0;

	if (!target->is_file)
		target->serve[count++] = "align";
	if (merging_pays(tree->root))
		target->serve[count] = "merge";
}

/*
 * The size of the blocks is known when the stack is open, and opening it once
 * more has its own effects: a pipe with a key can be read once. So align is put
 * on top of all that may need it; where the blocks are small it passes on.
 */
static int
open_tree(const struct cli *cli, struct target *target, struct kio_tree *tree,
	  const struct cli_open *how)
{
	struct kio_stack_options options = options_of(cli, how);
	struct kio_diag diag;
	bool wanted;
	int rc = cli_check_text(cli, target->text, tree);

	if (rc != EXIT_YES)
		return rc;
	look_what_helps(target, tree);
	for (const char **name = target->serve; *name != NULL; name++) {
		wanted = strcmp(*name, "align") == 0 ? how->aligned : how->merged;
		if (wanted && put_on_top(tree, *name) < 0)
			return cli_fail(cli, EXIT_BUG, "out of memory");
	}
	if (kio_stack_open_tree(&target->stack, tree, &options, &diag) < 0)
		return cli_diag(cli, target->text, &diag);
	return EXIT_YES;
}

static int
open_text(const struct cli *cli, struct target *target, const struct cli_open *how)
{
	struct kio_tree *tree;
	struct kio_diag diag;
	int rc;

	if (kio_tree_parse(&tree, target->text, cli->set, &diag) < 0)
		return cli_diag(cli, target->text, &diag);
	rc = open_tree(cli, target, tree, how);
	kio_tree_destroy(tree);
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

/* With the engine goes what is in flight: nothing can be put in order then. */
static void
must(struct kio_loop *loop, int rc)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "kiobuf: the engine %s failed, and what it had under way is not known: %s\n",
		kio_loop_engine(loop), strerror(-rc));
	_exit(EXIT_IO);
}

void
cli_loop_run(struct kio_loop *loop)
{
	must(loop, kio_loop_run(loop));
}

void
cli_loop_step(struct kio_loop *loop, int64_t timeout_ns)
{
	must(loop, kio_loop_step(loop, timeout_ns));
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
	struct sigaction hangup;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	/* the terminal went away; unless nohup(1) has it ignored, as one that is blocked never is */
	if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN)
		sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
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
