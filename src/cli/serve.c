/* SPDX-License-Identifier: MIT */
/*
 * kiobuf serve: a stack as an NBD export.
 *
 * SIGINT, SIGTERM and SIGHUP end it in order: no new requests, what is in flight is
 * answered, the stack is flushed and closed. That is success. At a second signal
 * the clients are not waited for, and the stack for a second.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "cli/cli.h"
#include "cli/control.h"
#include "cli/listen.h"
#include "nbd/server.h"

#define BREATH_NS 1000000000u
#define PATIENCE_NS 1000000000u
#define CHILD_NS UINT64_C(5000000000)

struct serve {
	const struct cli *cli;
	struct kio_loop *loop;
	struct target target;
	struct listener listener;
	struct kio_watch accepting;
	struct kio_timer breath; /* no descriptors were left: not before it ends */
	struct kio_timer patience; /* a second signal came: it ends here */
	struct nbd_server *server;
	struct kio *flush;
	int flush_status;
	bool stopping;
	struct listener control_listener; /* --ctl */
	struct control *control;          /* NULL: none */

	pid_t child; /* --run, and its process group; 0: none */
	bool has_terminal; /* which is the command's meanwhile */
	struct kio_source child_end;
	struct kio_cb child_cb;
};

static void
server_log(void *priv, const char *text)
{
	(void)priv;
	cli_say("kiobuf serve: %s", text);
}

static void
flushed(struct kio *kio)
{
	struct serve *serve = kio->priv;

	serve->flush_status = kio_status(kio);
	kio_loop_stop(serve->loop);
}

/* The last connection has gone. */
static void
server_stopped(void *priv)
{
	struct serve *serve = priv;

	if (kio_stack_limits(serve->target.stack)->read_only)
		kio_loop_stop(serve->loop);
	else
		kio_flush_all(serve->flush, flushed);
}

static void
stop(void *priv)
{
	struct serve *serve = priv;

	if (!serve->stopping) {
		serve->stopping = true;
		kio_timer_cancel(serve->loop, &serve->breath);
		kio_watch_stop(serve->loop, &serve->accepting, NULL);
	}
	/* once more: those who wait for something are not waited for */
	nbd_server_stop(serve->server);
}

/* A request or the flush is stuck, so nothing can be closed: the process just ends. */
static void
give_up(struct kio_task *task)
{
	struct serve *serve = kio_container_of(task, struct serve, patience.task);

	if (serve->child > 0)
		kill(-serve->child, SIGKILL);
	cli_listen_end(&serve->control_listener);
	cli_listen_end(&serve->listener);
	_exit(cli_fail(serve->cli, EXIT_IO, "a second signal: the export \"%s\" is not flushed; what was written last "
					    "may be lost", cli_text(serve->cli, "export", "")));
}

static void
signalled(void *priv)
{
	struct serve *serve = priv;

	if (serve->stopping && serve->patience.task.run == NULL) {
		serve->patience.task.run = give_up;
		kio_timer_arm(serve->loop, &serve->patience, kio_loop_now(serve->loop) + PATIENCE_NS);
	}
	stop(serve);
}

static void
accept_again(struct kio_task *task)
{
	struct serve *serve = kio_container_of(task, struct serve, breath.task);

	if (!serve->stopping)
		kio_watch_set(serve->loop, &serve->accepting, serve->listener.fd, KIO_READABLE);
}

/* The socket stays ready while there are no descriptors: it is left alone for a while. */
static void
take_a_breath(struct serve *serve)
{
	cli_say("kiobuf serve: a client waits: %s", strerror(errno));
	kio_watch_set(serve->loop, &serve->accepting, serve->listener.fd, 0);
	kio_timer_arm(serve->loop, &serve->breath, kio_loop_now(serve->loop) + BREATH_NS);
}

static void
accept_one(struct kio_watch *watch, unsigned events)
{
	struct serve *serve = kio_container_of(watch, struct serve, accepting);
	int fd = accept4(serve->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), rc;

	(void)events;
	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			take_a_breath(serve);
		return;
	}
	rc = nbd_server_accept(serve->server, fd);
	if (rc < 0)
		cli_say("kiobuf serve: a client is turned away: %s", kio_error_text(rc));
}

/* --- --run -------------------------------------------------------------- */

static struct kio_event *
child_ended(struct kio_cb *cb, int status)
{
	(void)status;
	stop(kio_container_of(cb, struct serve, child_cb));
	return NULL;
}

/*
 * The command and all that it starts are a process group, which has the terminal if
 * we had it. Said by both, the command and us: whoever comes first.
 */
static void
child_group(const struct serve *serve, pid_t child)
{
	setpgid(child, child);
	if (serve->has_terminal)
		tcsetpgrp(STDIN_FILENO, child);
}

static int
child_start(struct serve *serve, const char *command)
{
	sigset_t none;
	int rc;

	/* where it is ignored, as a parent may leave it, no end of a child is told */
	signal(SIGCHLD, SIG_DFL);
	serve->has_terminal = tcgetpgrp(STDIN_FILENO) == getpgrp();
	/* or we stopped when the terminal is taken back */
	signal(SIGTTOU, SIG_IGN);
	serve->child = fork();
	if (serve->child < 0)
		return cli_fail(serve->cli, EXIT_OPEN, "fork: %s", strerror(errno));
	if (serve->child == 0) {
		child_group(serve, getpid());
		signal(SIGTTOU, SIG_DFL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		setenv("uri", serve->listener.uri, 1);
		setenv("unixsocket", serve->listener.path, 1);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	child_group(serve, serve->child);
	serve->child_cb.fn = child_ended;
	kio_event_attach(&serve->child_end.event, &serve->child_cb);
	rc = kio_source_child(serve->loop, &serve->child_end, serve->child);
	if (rc == 0)
		return EXIT_YES;
	kill(-serve->child, SIGKILL);
	waitpid(serve->child, NULL, 0);
	serve->child = 0;
	return cli_fail(serve->cli, EXIT_BUG, "the command cannot be watched: %s", strerror(-rc));
}

static bool
child_ends(struct serve *serve, uint64_t within_ns)
{
	uint64_t now = kio_loop_now(serve->loop), late = now + within_ns;

	for (; !kio_event_fired(&serve->child_end.event) && now < late; now = kio_loop_now(serve->loop))
		cli_loop_step(serve->loop, (int64_t)(late - now));
	return kio_event_fired(&serve->child_end.event);
}

/* One that outlives the server is asked to end, and then made to; what it left running, too. */
static void
child_stop(struct serve *serve)
{
	if (serve->child <= 0)
		return;
	if (!child_ends(serve, 0)) {
		kill(-serve->child, SIGTERM);
		child_ends(serve, CHILD_NS);
	}
	kill(-serve->child, SIGKILL);
	child_ends(serve, CHILD_NS);
	if (serve->has_terminal)
		tcsetpgrp(STDIN_FILENO, getpgrp());
}

/* What the command said is what serve says. */
static int
child_code(const struct serve *serve)
{
	if (WIFSIGNALED(serve->child_end.value))
		return EXIT_SIGNAL + WTERMSIG(serve->child_end.value);
	return WEXITSTATUS(serve->child_end.value);
}

/* --- the command -------------------------------------------------------- */

static int
begin_listening(struct serve *serve, const char *name)
{
	const struct cli *cli = serve->cli;
	const char *unix_path = cli_text(cli, "unix", NULL), *tcp = cli_text(cli, "tcp", NULL);
	const char *command = cli_text(cli, "run", NULL);

	if (unix_path != NULL && tcp != NULL)
		return cli_fail(cli, EXIT_USAGE, "--unix or --tcp, one of them");
	if (unix_path != NULL)
		return cli_listen_unix(cli, &serve->listener, unix_path, name);
	if (tcp != NULL)
		return cli_listen_tcp(cli, &serve->listener, tcp, name, cli_flag(cli, "insecure-tcp"));
	if (command != NULL)
		return cli_listen_private(cli, &serve->listener, name);
	return cli_fail(cli, EXIT_USAGE, "say where: --unix PATH, --tcp HOST:PORT or --run COMMAND");
}

static json_t *
json_counts(const struct nbd_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "requests", (json_int_t)counts->requests, "errors",
			 (json_int_t)counts->errors, "read_bytes", (json_int_t)counts->read_bytes,
			 "written_bytes", (json_int_t)counts->written_bytes, "copied_bytes",
			 (json_int_t)counts->copied_bytes);
}

struct listing {
	const struct serve *serve;
	json_t *clients;
};

static void
list_client(void *priv, const struct nbd_client *client)
{
	const struct listing *listing = priv;
	const struct serve *serve = listing->serve;
	json_t *json = json_counts(client->counts);

	json_object_set_new(json, "export", cli_json_text(cli_text(serve->cli, "export", "")));
	json_object_set_new(json, "state", json_string(client->state));
	json_object_set_new(json, "in_flight", json_integer(client->in_flight));
	json_object_set_new(json, "connected_ns",
			    json_integer((json_int_t)(kio_loop_now(serve->loop) - client->since_ns)));
	if (client->address[0] != '\0') {
		json_object_set_new(json, "address", cli_json_text(client->address));
	} else {
		json_object_set_new(json, "pid", json_integer((json_int_t)client->pid));
		json_object_set_new(json, "uid", json_integer((json_int_t)client->uid));
	}
	json_array_append_new(listing->clients, json);
}

/* What the control socket tells of the server; on the loop. */
static json_t *
json_server(void *priv)
{
	const struct serve *serve = priv;
	struct listing listing = { serve, json_array() };
	struct nbd_counts counts;
	json_t *export_;

	nbd_server_counts(serve->server, &counts);
	nbd_server_clients(serve->server, list_client, &listing);
	export_ = json_counts(&counts);
	json_object_set_new(export_, "connections", json_integer((json_int_t)counts.connections));
	return json_pack("{s:o, s:o}", "export", export_, "clients", listing.clients);
}

static int
begin_control(struct serve *serve)
{
	const char *path = cli_text(serve->cli, "ctl", NULL);
	int rc, error;

	if (path == NULL)
		return EXIT_YES;
	rc = cli_listen_unix(serve->cli, &serve->control_listener, path, "");
	if (rc != EXIT_YES)
		return rc;
	error = control_start(serve->control, &serve->control_listener, serve->target.stack, serve->loop,
			      json_server, serve);
	return error < 0 ? cli_fail(serve->cli, EXIT_BUG, "%s: %s", path, strerror(-error)) : EXIT_YES;
}

static void
print_result(const struct serve *serve)
{
	struct nbd_counts counts;
	json_t *result;

	nbd_server_counts(serve->server, &counts);
	if (serve->cli->json) {
		result = json_counts(&counts);
		json_object_set_new(result, "uri", json_string(serve->listener.uri));
		json_object_set_new(result, "connections", json_integer((json_int_t)counts.connections));
		json_object_set_new(result, "layers", cli_json_stats(serve->target.stack));
		cli_print_json("serve", result);
	} else if (cli_flag(serve->cli, "stats")) {
		cli_print_stats(stderr, serve->target.stack);
	}
}

static int
run_server(struct serve *serve, const char *name)
{
	const struct cli *cli = serve->cli;
	struct nbd_server_options options = {
		.name = name,
		.read_only = cli_flag(cli, "read-only"),
		.log = server_log,
		.stopped = server_stopped,
		.priv = serve,
	};
	const char *command = cli_text(cli, "run", NULL);
	int rc = nbd_server_open(&serve->server, serve->target.stack, serve->target.channel, &options);

	if (rc == -ENAMETOOLONG)
		return cli_fail(cli, EXIT_USAGE, "--export: a name has at most 4096 bytes");
	if (rc < 0)
		return cli_fail(cli, EXIT_BUG, "out of memory");
	serve->flush = kio_create(serve->target.channel, 0);
	if (serve->flush == NULL)
		return cli_fail(cli, EXIT_BUG, "out of memory");
	serve->flush->priv = serve;
	rc = begin_listening(serve, name);
	if (rc == EXIT_YES)
		rc = begin_control(serve);
	if (rc != EXIT_YES)
		return rc;
	serve->accepting = (struct kio_watch){ .fn = accept_one };
	serve->breath.task.run = accept_again;
	rc = kio_watch_set(serve->loop, &serve->accepting, serve->listener.fd, KIO_READABLE);
	if (rc == 0)
		rc = cli_signals_watch(serve->loop, signalled, serve);
	if (rc < 0)
		return cli_io_error(cli, "watching the sockets", rc);
	if (command == NULL)
		cli_say("kiobuf serve: ready on %s", serve->listener.uri);
	else
		rc = child_start(serve, command);
	if (rc == EXIT_YES)
		cli_loop_run(serve->loop);
	cli_signals_unwatch(serve->loop);
	kio_timer_cancel(serve->loop, &serve->patience);
	child_stop(serve);
	if (rc == EXIT_YES && serve->flush_status < 0)
		rc = cli_io_error(cli, "flushing at the end", serve->flush_status);
	if (rc == EXIT_YES)
		print_result(serve);
	if (rc == EXIT_YES && command != NULL)
		rc = child_code(serve);
	return rc;
}

static int
run_serve(struct cli *cli)
{
	struct serve serve = { .cli = cli, .listener.fd = -1, .control_listener.fd = -1 };
	struct cli_open how = { .read_only = cli_flag(cli, "read-only"), .aligned = true, .merged = true };
	int rc, closed;

	how.control = cli_text(cli, "ctl", NULL);
	if (how.control != NULL) {
		serve.control = control_create();
		if (serve.control == NULL)
			return cli_fail(cli, EXIT_BUG, "out of memory");
		how.notice = control_notice;
		how.notice_priv = serve.control;
	}
	cli_signals_begin();
	rc = cli_loop_open(cli, &serve.loop, 0);
	if (rc == EXIT_YES)
		rc = cli_open_on(cli, &serve.target, cli->args[0], &how, serve.loop);
	if (rc == EXIT_YES)
		rc = run_server(&serve, cli_text(cli, "export", ""));
	control_stop(serve.control);
	cli_listen_end(&serve.control_listener);
	cli_listen_end(&serve.listener);
	/* what was stopped is let go of in the loop's next round */
	if (serve.loop != NULL)
		cli_loop_step(serve.loop, 0);
	nbd_server_close(&serve.server);
	kio_destroy(serve.flush);
	closed = cli_close(cli, &serve.target);
	control_destroy(&serve.control);
	kio_loop_close(&serve.loop);
	return rc == EXIT_YES ? closed : rc;
}

static const struct cli_option options[] = {
	{ "unix", OPTION_TEXT, "PATH", "listen on a unix socket, yours alone" },
	{ "tcp", OPTION_TEXT, "HOST:PORT", "listen on TCP; port 0 takes one that is free" },
	{ "run", OPTION_TEXT, "COMMAND", "serve as long as this shell command runs; it finds $uri and $unixsocket" },
	{ "export", OPTION_TEXT, "NAME", "the name of the export; the empty one works always" },
	{ "read-only", OPTION_FLAG, NULL, "refuse changes" },
	{ "insecure-tcp", OPTION_FLAG, NULL, "listen beyond the loopback, unencrypted" },
	{ "ctl", OPTION_TEXT, "SOCK", "a control socket, for kiobuf ctl; yours alone" },
	{ "stats", OPTION_FLAG, NULL, "at the end, tell what went through each layer" },
	{ 0 }
};

const struct cli_command cli_serve = {
	.name = "serve",
	.arguments = "STACK",
	.summary = "serve a file or stack over NBD",
	.more = "Requests may be finer than the stack's blocks: align is put on top then; over files merge is, so\n"
		"that small neighbours go on as one. SIGINT, SIGTERM and SIGHUP end it in order, with exit code 0;\n"
		"with --run it ends as the command does.",
	.least = 1,
	.most = 1,
	.options = options,
	.opens = true,
	.run = run_serve,
};
