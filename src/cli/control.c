/* SPDX-License-Identifier: MIT */
/*
 * The control socket's thread: clients, their lines, and who watches.
 *
 * A client is not read while an answer waits to leave, so what is kept for it is
 * bounded; one that watches and does not read is let go.
 *
 *   request --> answer, at once
 *      |
 *      +------> its turn --> thread of the operation --> answer
 *
 * An operation may wait long for I/O that does not come back. So each runs on a
 * thread of its own, one at a time, and only who asked for one waits.
 */
#include "cli/control.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "port/port.h"

#define CLIENTS 32u
#define NOTICES 64u
#define WATCH_MOST ((size_t)256 << 10)
#define LOOP_NS 1000000000u
#define PROGRESS_NS 1000000000u

struct client {
	int fd; /* -1: free */
	bool watches, leaves;
	uint64_t turn;                  /* it waits for its operation; 0: it does not */
	struct control_request request; /* until that begins */
	char in[CONTROL_LINE];
	size_t in_len;
	char *out;
	size_t out_len, out_at;
};

struct control {
	struct listener *listener;
	struct kio_stack *stack;
	struct kio_loop *loop;
	json_t *(*server)(void *priv);
	void *priv;
	struct kio__thread *thread;
	int wake;
	uint64_t told_ns;  /* how far the layers are */
	uint32_t ended;    /* atomic: the thread is to end */
	uint32_t finished; /* atomic: it has */
	struct client clients[CLIENTS];

	struct kio__mutex mutex; /* over the notices */
	json_t *notices[NOTICES];
	unsigned notice_count;
	uint64_t missed;

	/* one operation at a time */
	bool operating;
	uint32_t operated; /* atomic: it has ended */
	uint64_t turn;     /* whose it is; the client may have left */
	uint64_t turns;    /* that were given */
	struct kio__thread *operator_;
	struct control_request operation;
	json_t *outcome;

	/* a question to the loop; one at a time */
	struct kio_task ask;
	struct kio_event answered;
	json_t *answer;
	bool asked;
};

static void
wake(struct control *control)
{
	uint64_t one = 1;
	ssize_t written = write(control->wake, &one, sizeof(one));

	(void)written; /* full: it is awake */
}

void
control_notice(void *priv, const struct kio_notice *notice)
{
	struct control *control = priv;
	json_t *json = json_pack("{s:s, s:s, s:o, s:s, s:o}", "schema", CONTROL_SCHEMA, "event", "health",
				 "layer", cli_json_text(kio_layer_name(notice->layer)), "health",
				 kio_health_name(notice->health), "text", cli_json_text(notice->text));

	if (json != NULL && notice->repair != NULL)
		json_object_set_new(json, "repair", cli_json_text(notice->repair));
	kio__mutex_lock(&control->mutex);
	if (json != NULL && control->notice_count < NOTICES)
		control->notices[control->notice_count++] = json;
	else {
		control->missed++;
		json_decref(json);
	}
	kio__mutex_unlock(&control->mutex);
	wake(control);
}

/* --- clients ------------------------------------------------------------ */

static void
client_end(struct client *client)
{
	close(client->fd);
	free(client->out);
	json_decref(client->request.json);
	*client = (struct client){ .fd = -1 };
}

static void
client_send(struct client *client)
{
	while (client->out_at < client->out_len) {
		ssize_t sent = send(client->fd, client->out + client->out_at,
				    client->out_len - client->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno != EAGAIN)
			client->leaves = true;
		if (sent < 0)
			break;
		client->out_at += (size_t)sent;
	}
	if (client->out_at == client->out_len || client->leaves) {
		client->out_at = client->out_len = 0;
		if (client->leaves)
			client_end(client);
	}
}

/* The line is the client's; json is freed. */
static void
client_put(struct client *client, json_t *json, bool steal)
{
	char *line = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL, *grown = NULL;
	size_t len = line != NULL ? strlen(line) : 0;

	/* what has left makes room: a client that is always a little behind costs no more */
	if (client->out_at != 0)
		memmove(client->out, client->out + client->out_at, client->out_len - client->out_at);
	client->out_len -= client->out_at;
	client->out_at = 0;
	if (line != NULL)
		grown = realloc(client->out, client->out_len + len + 1);
	if (grown != NULL) {
		client->out = grown;
		memcpy(grown + client->out_len, line, len);
		grown[client->out_len + len] = '\n';
		client->out_len += len + 1;
	} else {
		client->leaves = true;
	}
	free(line);
	if (steal)
		json_decref(json);
}

static void
run_ask(struct kio_task *task)
{
	struct control *control = kio_container_of(task, struct control, ask);

	control->answer = control->server(control->priv);
	kio_event_fire(&control->answered, 0);
}

/* Asked on the loop; one that hangs leaves the question open. */
static json_t *
ask_loop(void *priv)
{
	struct control *control = priv;
	json_t *answer;

	/* what was asked when the loop hung is no answer for now */
	if (control->asked && kio_event_fired(&control->answered)) {
		json_decref(control->answer);
		control->answer = NULL;
		control->asked = false;
	}
	if (!control->asked) {
		kio_event_init_shared(&control->answered);
		control->ask.run = run_ask;
		control->asked = true;
		kio_loop_post(control->loop, &control->ask);
	}
	if (kio_event_wait(&control->answered, kio__now() + LOOP_NS, 0) < 0)
		return NULL;
	control->asked = false;
	answer = control->answer;
	control->answer = NULL;
	return answer;
}

/* --- operations --------------------------------------------------------- */

static void
run_operation(void *priv)
{
	struct control *control = priv;
	struct control_question question = { .stack = control->stack, .request = &control->operation };

	control->outcome = control_answer(&question);
	__atomic_store_n(&control->operated, 1, __ATOMIC_RELEASE);
	wake(control);
}

static struct client *
next_in_turn(struct control *control)
{
	struct client *next = NULL;

	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->request.json != NULL && (next == NULL || client->turn < next->turn))
			next = client;
	}
	return next;
}

static bool
has_ended(const struct control *control)
{
	return __atomic_load_n(&control->ended, __ATOMIC_ACQUIRE) != 0;
}

static void
begin_operation(struct control *control)
{
	struct client *client = next_in_turn(control);
	int rc;

	if (control->operating || client == NULL || has_ended(control))
		return;
	control->operating = true;
	control->operated = 0;
	control->turn = client->turn;
	control->operation = client->request;
	client->request.json = NULL;
	rc = kio__thread_start(&control->operator_, "kiobuf-operate", run_operation, control);
	if (rc == 0)
		return;
	control->outcome = control_error(rc, "no thread can be started for it");
	control->operated = 1;
	wake(control);
}

static void client_lines(struct control *control, struct client *client);

static void
end_operation(struct control *control)
{
	json_t *outcome;

	if (control->operator_ != NULL)
		kio__thread_join(&control->operator_);
	outcome = control->outcome;
	control->operating = false;
	json_decref(control->operation.json);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->turn != control->turn)
			continue;
		client->turn = 0;
		client_put(client, outcome, true);
		client_send(client);
		client_lines(control, client);
		return;
	}
	json_decref(outcome);
}

/* --- requests ----------------------------------------------------------- */

static void
take_line(struct control *control, struct client *client, size_t len)
{
	struct control_request request;
	struct control_question question = { control->stack, &request, ask_loop, control };
	char why[200];
	int rc = control_request_parse(&request, client->in, len, why, sizeof(why));
	json_t *answer;

	if (rc == 0 && control_blocks(&request)) {
		client->request = request;
		client->turn = ++control->turns;
		begin_operation(control);
		return;
	}
	answer = rc < 0 ? control_error(rc, why) : control_answer(&question);
	if (rc == 0 && strcmp(request.do_, "watch") == 0 && json_is_true(json_object_get(answer, "ok")))
		client->watches = true;
	client_put(client, answer, true);
	json_decref(request.json);
}

static void
client_lines(struct control *control, struct client *client)
{
	char *end;

	while (client->fd >= 0 && client->out_len == 0 && client->turn == 0 &&
	       (end = memchr(client->in, '\n', client->in_len)) != NULL) {
		size_t len = (size_t)(end - client->in);

		take_line(control, client, len);
		client->in_len -= len + 1;
		memmove(client->in, end + 1, client->in_len);
		client_send(client);
	}
	if (client->fd >= 0 && client->in_len == CONTROL_LINE && client->out_len == 0 &&
	    client->turn == 0) {
		client_put(client, control_error(-EMSGSIZE, "a request is longer than 16383 bytes"), true);
		client->leaves = true;
		client_send(client);
	}
}

static void
client_ready(struct control *control, struct client *client, short events)
{
	ssize_t got;

	if ((events & POLLOUT) != 0)
		client_send(client);
	if (client->fd >= 0 && (events & (POLLIN | POLLHUP | POLLERR)) != 0 &&
	    client->in_len < CONTROL_LINE) {
		got = recv(client->fd, client->in + client->in_len, CONTROL_LINE - client->in_len,
			   MSG_DONTWAIT);
		if (got > 0)
			client->in_len += (size_t)got;
		else if (got == 0 || (errno != EAGAIN && errno != EINTR))
			client_end(client);
	}
	if (client->fd >= 0)
		client_lines(control, client);
}

/* Who may: root, and who runs the server. */
static bool
is_allowed(int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static void
turn_away(int fd, int error, const char *why)
{
	struct client client = { .fd = fd, .leaves = true };

	client_put(&client, control_error(error, why), true);
	client_send(&client);
}

static void
accept_client(struct control *control)
{
	int fd = accept4(control->listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		/* the socket stays ready while there are no descriptors */
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			poll(NULL, 0, 100);
		return;
	}
	if (!is_allowed(fd)) {
		turn_away(fd, -EPERM, "this socket is for the user who runs the server, and root");
		return;
	}
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (control->clients[i].fd < 0) {
			control->clients[i].fd = fd;
			return;
		}
	}
	turn_away(fd, -EBUSY, "there are as many clients as may be, 32");
}

/* --- the thread --------------------------------------------------------- */

static void
tell(struct control *control, json_t *event)
{
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->fd < 0 || !client->watches)
			continue;
		if (client->out_len - client->out_at > WATCH_MOST) {
			client_end(client);
			continue;
		}
		client_put(client, event, false);
		client_send(client);
	}
	json_decref(event);
}

static void
tell_notices(struct control *control)
{
	json_t *notices[NOTICES];
	unsigned count;
	uint64_t missed, woken;
	ssize_t got = read(control->wake, &woken, sizeof(woken));

	(void)got;
	kio__mutex_lock(&control->mutex);
	count = control->notice_count;
	memcpy(notices, control->notices, count * sizeof(notices[0]));
	missed = control->missed;
	control->notice_count = 0;
	control->missed = 0;
	kio__mutex_unlock(&control->mutex);
	for (unsigned i = 0; i < count; i++)
		tell(control, notices[i]);
	if (missed != 0)
		tell(control, json_pack("{s:s, s:s, s:I, s:s}", "schema", CONTROL_SCHEMA, "event", "missed",
					"count", (json_int_t)missed, "health",
					kio_health_name(kio_stack_health(control->stack))));
}

static bool
is_watched(const struct control *control)
{
	bool watched = false;

	for (unsigned i = 0; i < CLIENTS; i++)
		watched = watched || (control->clients[i].fd >= 0 && control->clients[i].watches);
	return watched;
}

/* Once a second, if anything goes on. */
static void
tell_progress(struct control *control)
{
	uint64_t now = kio__now();
	json_t *progress;

	if (now - control->told_ns < PROGRESS_NS)
		return;
	control->told_ns = now;
	for (const struct kio_layer *layer = kio_stack_top(control->stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		progress = control_progress(layer);
		if (progress != NULL)
			tell(control, json_pack("{s:s, s:s, s:o, s:o}", "schema", CONTROL_SCHEMA, "event",
						"progress", "layer", cli_json_text(kio_layer_name(layer)),
						"progress", progress));
	}
}

/* What was begun is answered, what waits for its turn is refused. */
static void
tell_the_end(struct control *control)
{
	if (control->operating)
		end_operation(control);
	tell_notices(control);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct client *client = &control->clients[i];

		if (client->request.json == NULL)
			continue;
		client_put(client, control_error(-ESHUTDOWN, "the server ends"), true);
		client_send(client);
	}
	tell(control, json_pack("{s:s, s:s}", "schema", CONTROL_SCHEMA, "event", "end"));
	for (unsigned i = 0; i < CLIENTS; i++) {
		if (control->clients[i].fd >= 0)
			client_end(&control->clients[i]);
	}
}

static void
serve_clients(void *priv)
{
	struct control *control = priv;
	struct pollfd fds[CLIENTS + 2];
	bool watched;

	while (!has_ended(control)) {
		fds[0] = (struct pollfd){ .fd = control->listener->fd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = control->wake, .events = POLLIN };
		for (unsigned i = 0; i < CLIENTS; i++) {
			const struct client *client = &control->clients[i];
			bool waits = client->turn != 0 && client->out_len == 0;

			fds[i + 2] = (struct pollfd){ .fd = waits ? -1 : client->fd,
						      .events = client->out_len != 0 ? POLLOUT : POLLIN };
		}
		watched = is_watched(control);
		if (poll(fds, CLIENTS + 2, watched ? (int)(PROGRESS_NS / 1000000) : -1) < 0)
			continue;
		for (unsigned i = 0; i < CLIENTS; i++) {
			if (fds[i + 2].fd >= 0 && fds[i + 2].revents != 0)
				client_ready(control, &control->clients[i], fds[i + 2].revents);
		}
		if (fds[1].revents != 0)
			tell_notices(control);
		if (control->operating && __atomic_load_n(&control->operated, __ATOMIC_ACQUIRE) != 0)
			end_operation(control);
		begin_operation(control);
		if (watched)
			tell_progress(control);
		if (fds[0].revents != 0)
			accept_client(control);
	}
	tell_the_end(control);
	__atomic_store_n(&control->finished, 1, __ATOMIC_RELEASE);
}

struct control *
control_create(void)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return NULL;
	control->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control->wake < 0) {
		free(control);
		return NULL;
	}
	kio__mutex_init(&control->mutex);
	for (unsigned i = 0; i < CLIENTS; i++)
		control->clients[i].fd = -1;
	return control;
}

int
control_start(struct control *control, struct listener *listener, struct kio_stack *stack,
	      struct kio_loop *loop, json_t *(*server)(void *priv), void *priv)
{
	control->listener = listener;
	control->stack = stack;
	control->loop = loop;
	control->server = server;
	control->priv = priv;
	return kio__thread_start(&control->thread, "kiobuf-ctl", serve_clients, control);
}

void
control_stop(struct control *control)
{
	if (control == NULL || control->thread == NULL)
		return;
	__atomic_store_n(&control->ended, 1, __ATOMIC_RELEASE);
	wake(control);
	while (__atomic_load_n(&control->finished, __ATOMIC_ACQUIRE) == 0)
		cli_loop_step(control->loop, 5000000);
	kio__thread_join(&control->thread);
	if (control->asked)
		cli_loop_step(control->loop, 0);
}

void
control_destroy(struct control **out)
{
	struct control *control = *out;

	if (control == NULL)
		return;
	json_decref(control->answer);
	for (unsigned i = 0; i < control->notice_count; i++)
		json_decref(control->notices[i]);
	kio__mutex_fini(&control->mutex);
	close(control->wake);
	free(control);
	*out = NULL;
}
