/* SPDX-License-Identifier: MIT */
/*
 * A connection: its handshake, then requests and replies, each in a slot.
 *
 *   socket --> head of a request --> payload, into a slot's memory
 *                     |
 *                     v
 *              the slot's container goes down the stack
 *                     |
 *                     v
 *              replies wait in a queue; all there are leave with one system call
 *
 * When all slots are taken, or the requests in flight are over the budget, the
 * connection is not read until one is done: so the client waits, and nobody
 * else.
 *
 * All work is done in turns. What completes only queues its reply and asks for
 * a turn, so that one turn sends the replies of everything that completed in a
 * round of the loop.
 */
#include "nbd/connection.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/math.h"
#include "port/port.h"

#define BUDGET ((uint64_t)32 << 20) /* of requests in flight; one more may be begun below it */
#define HANDSHAKE_NS 30000000000u
#define FAREWELL_NS 10000000000u
#define STEPS_A_TURN 128u
#define REPLIES_AT_ONCE NBD_SLOTS

/* --- the end of a connection -------------------------------------------- */

static void
connection_free(struct nbd_connection *connection)
{
	nbd_slots_close(connection);
	kio__free(connection);
}

void
nbd_connection_unused(struct nbd_connection *connection)
{
	struct nbd_server *server = connection->server;
	struct nbd_counts counts = connection->counts;

	if (!connection->unwatched || connection->in_flight != 0 || connection->turning)
		return;
	if (connection->next != NULL)
		connection->next->at = connection->at;
	*connection->at = connection->next;
	close(connection->fd);
	connection_free(connection);
	nbd_server_left(server, &counts);
}

static void
watch_gone(struct kio_watch *watch)
{
	struct nbd_connection *connection =
		kio_container_of(watch, struct nbd_connection, watch);

	connection->unwatched = true;
	nbd_connection_unused(connection);
}

void
nbd_connection_end(struct nbd_connection *connection)
{
	if (connection->ended)
		return;
	connection->ended = true;
	kio_timer_cancel(connection->server->loop, &connection->timer);
	/* the other side hears of it now, not when the last request is home */
	shutdown(connection->fd, SHUT_RDWR);
	/* at once too: a socket that hung up is ready for ever */
	kio_watch_stop(connection->server->loop, &connection->watch, watch_gone);
}

static void
drop(struct nbd_connection *connection, const char *why)
{
	if (!connection->ended)
		nbd_server_say(connection->server, "a client is dropped: %s", why);
	nbd_connection_end(connection);
}

static void
took_too_long(struct kio_task *task)
{
	struct nbd_connection *connection =
		kio_container_of(task, struct nbd_connection, timer.task);

	/* it became due in the round in which the handshake ended */
	if (!connection->shaking && !connection->draining)
		return;
	drop(connection, connection->shaking ? "its handshake takes too long" :
					       "it does not take its replies");
}

void
nbd_connection_turn(struct nbd_connection *connection)
{
	if (connection->turning)
		return;
	connection->turning = true;
	kio_loop_defer(connection->server->loop, &connection->turn);
}

void
nbd_connection_drain(struct nbd_connection *connection)
{
	struct kio_loop *loop = connection->server->loop;

	if (connection->shaking) {
		nbd_connection_end(connection);
		return;
	}
	if (connection->draining || connection->ended)
		return;
	connection->draining = true;
	kio_timer_arm(loop, &connection->timer, kio_loop_now(loop) + FAREWELL_NS);
	nbd_connection_turn(connection);
}

/* --- reading ------------------------------------------------------------ */

/* Bytes, or 0: no more for now, or the connection has ended. */
static size_t
receive(struct nbd_connection *connection, struct iovec *iov, unsigned count)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = count };
	size_t asked = 0;
	ssize_t got;

	if (connection->dry)
		return 0;
	for (unsigned i = 0; i < count; i++)
		asked += iov[i].iov_len;
	do
		got = recvmsg(connection->fd, &message, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0) {
		connection->dry = (size_t)got < asked;
		return (size_t)got;
	}
	if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
		nbd_connection_end(connection);
	connection->dry = true;
	return 0;
}

static size_t
in_len(const struct nbd_connection *connection)
{
	return connection->in_end - connection->in_at;
}

static bool
may_read(const struct nbd_connection *connection)
{
	return connection->free != NULL && connection->bytes < BUDGET;
}

static void
begin_request(struct nbd_connection *connection)
{
	struct nbd_request request;
	struct nbd_slot *slot;
	uint32_t error;

	if (nbd_request_parse(&request, connection->in + connection->in_at) < 0) {
		drop(connection, "it sent what is no request");
		return;
	}
	connection->in_at += NBD_REQUEST_BYTES;
	if (request.command == NBD_CMD_DISC) {
		nbd_connection_drain(connection);
		return;
	}
	if (request.command == NBD_CMD_WRITE && request.len > NBD_PAYLOAD_MOST) {
		drop(connection, "it sent a write longer than 32 MiB");
		return;
	}
	connection->ahead = request.command != NBD_CMD_WRITE;
	connection->counts.requests++;
	error = nbd_request_check(&request, &connection->handshake.export_);
	/* what is asked of a fast zero is to fail where it would be as slow as a write */
	if (error == 0 && (request.flags & NBD_CMD_FLAG_FAST_ZERO) != 0 &&
	    !kio_stack_limits(connection->server->stack)->zeroes)
		error = NBD_ENOTSUP;
	slot = nbd_slot_take(connection, &request);
	if (error == 0 && !nbd_slot_memory(slot))
		error = NBD_ENOMEM;
	if (error != 0) {
		if (request.command == NBD_CMD_WRITE)
			connection->discard = request.len;
		nbd_slot_reply(slot, error);
	} else if (request.command == NBD_CMD_WRITE && request.len != 0) {
		connection->filling = slot;
		connection->filled = 0;
	} else {
		nbd_slot_submit(slot);
	}
}

/* Into the slot's memory, and with the same call the head of the next request. */
static size_t
receive_payload(struct nbd_connection *connection, unsigned char *into, size_t rest)
{
	struct iovec iov[2] = { { into, rest }, { connection->in, NBD_REQUEST_BYTES } };
	size_t got = receive(connection, iov, 2);

	connection->in_at = 0;
	connection->in_end = got > rest ? got - rest : 0;
	return got > rest ? rest : got;
}

static bool
read_payload(struct nbd_connection *connection)
{
	struct nbd_slot *slot = connection->filling;
	unsigned char *into = (unsigned char *)slot->memory->mem.base + connection->filled;
	size_t rest = slot->request.len - connection->filled, len = kio__min(in_len(connection), rest);

	if (len != 0) {
		/* came along with the heads that were read ahead */
		memcpy(into, connection->in + connection->in_at, len);
		connection->in_at += len;
		connection->counts.copied_bytes += len;
	} else {
		len = receive_payload(connection, into, rest);
		if (len == 0)
			return false;
	}
	connection->filled += len;
	if (connection->filled == slot->request.len) {
		connection->filling = NULL;
		nbd_slot_submit(slot);
	}
	return true;
}

static bool
read_discard(struct nbd_connection *connection)
{
	unsigned char nowhere[16384];
	struct iovec iov = { nowhere, kio__min(connection->discard, sizeof(nowhere)) };
	size_t len = kio__min(in_len(connection), connection->discard);

	if (len != 0)
		connection->in_at += len;
	else
		len = receive(connection, &iov, 1);
	connection->discard -= len;
	return len != 0;
}

static bool
read_head(struct nbd_connection *connection)
{
	size_t have = in_len(connection), most = connection->ahead ? NBD_AHEAD : NBD_REQUEST_BYTES;
	struct iovec iov;

	if (have < NBD_REQUEST_BYTES) {
		memmove(connection->in, connection->in + connection->in_at, have);
		iov = (struct iovec){ connection->in + have, most - have };
		connection->in_at = 0;
		connection->in_end = have + receive(connection, &iov, 1);
		if (connection->in_end == have)
			return false;
	}
	if (in_len(connection) >= NBD_REQUEST_BYTES)
		begin_request(connection);
	return true;
}

static void
read_requests(struct nbd_connection *connection)
{
	for (unsigned step = 0; step < STEPS_A_TURN; step++) {
		bool more;

		if (connection->ended || connection->draining)
			return;
		if (connection->filling != NULL)
			more = read_payload(connection);
		else if (connection->discard != 0)
			more = read_discard(connection);
		else
			more = may_read(connection) && read_head(connection);
		if (!more)
			return;
	}
	/* others want their turn too, and what was read ahead wakes nobody */
	nbd_connection_turn(connection);
}

/* --- writing ------------------------------------------------------------ */

/* Bytes; 0: the socket takes no more, or has ended. */
static size_t
transmit(struct nbd_connection *connection, struct iovec *iov, size_t count)
{
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = count };
	ssize_t put;

	do
		put = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put >= 0)
		return (size_t)put;
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		nbd_connection_end(connection);
	return 0;
}

static size_t
reply_len(const struct nbd_slot *slot)
{
	return (size_t)slot->head_len + slot->data_len;
}

/* Appends what is left of a reply after its first skip bytes; returns the new count. */
static size_t
reply_pieces(const struct nbd_slot *slot, size_t skip, struct iovec *iov, size_t count)
{
	size_t data_skip = skip > slot->head_len ? skip - slot->head_len : 0;

	if (skip < slot->head_len) {
		iov[count].iov_base = (void *)(uintptr_t)(slot->head + skip);
		iov[count++].iov_len = slot->head_len - skip;
	}
	if (data_skip < slot->data_len) {
		iov[count].iov_base = (char *)slot->memory->mem.base + data_skip;
		iov[count++].iov_len = slot->data_len - data_skip;
	}
	return count;
}

/* False: the socket takes no more, or has ended. */
static bool
send_replies(struct nbd_connection *connection)
{
	struct iovec iov[2 * REPLIES_AT_ONCE];
	struct nbd_slot *slot;
	size_t count, put;

	while (!kio__queue_empty(&connection->replies)) {
		slot = (struct nbd_slot *)(void *)connection->replies.head;
		count = reply_pieces(slot, connection->sent, iov, 0);
		while ((slot = slot->next) != NULL && count + 2 <= KIO__COUNT(iov))
			count = reply_pieces(slot, 0, iov, count);
		put = transmit(connection, iov, count);
		if (put == 0)
			return false;
		connection->sent += put;
		while ((slot = (struct nbd_slot *)(void *)connection->replies.head) != NULL &&
		       connection->sent >= reply_len(slot)) {
			connection->sent -= reply_len(slot);
			kio__queue_pop(&connection->replies);
			nbd_slot_give(slot);
		}
	}
	return true;
}

/* --- the handshake ------------------------------------------------------ */

static bool
send_handshake(struct nbd_connection *connection)
{
	struct nbd_handshake *handshake = &connection->handshake;
	struct iovec iov;
	size_t put;

	while (connection->handshake_sent < handshake->out_len) {
		iov = (struct iovec){ handshake->out + connection->handshake_sent,
				      handshake->out_len - connection->handshake_sent };
		put = transmit(connection, &iov, 1);
		if (put == 0)
			return false;
		connection->handshake_sent += put;
	}
	handshake->out_len = connection->handshake_sent = 0;
	return true;
}

/* Uses what has come. False: that needs more. */
static bool
feed_handshake(struct nbd_connection *connection)
{
	long used = nbd_handshake_feed(&connection->handshake, connection->in, connection->in_end);

	if (used < 0) {
		drop(connection, "it does not speak NBD");
		return false;
	}
	connection->in_end -= (size_t)used;
	memmove(connection->in, connection->in + used, connection->in_end);
	return used != 0;
}

static void
shake(struct nbd_connection *connection)
{
	struct nbd_handshake *handshake = &connection->handshake;
	struct iovec iov;

	/* answers first: a client that takes none is not read */
	while (send_handshake(connection) && handshake->phase < NBD_READY) {
		if (feed_handshake(connection))
			continue;
		if (connection->ended)
			return;
		iov = (struct iovec){ connection->in + connection->in_end,
				      sizeof(connection->in) - connection->in_end };
		connection->in_end += receive(connection, &iov, 1);
		if (connection->ended || !feed_handshake(connection))
			return;
	}
	if (connection->ended || handshake->out_len != 0)
		return;
	if (handshake->phase == NBD_ENDED) {
		nbd_connection_end(connection);
		return;
	}
	/* a client may have sent its first requests already: they stand in `in` */
	connection->shaking = false;
	kio_timer_cancel(connection->server->loop, &connection->timer);
}

/* --- turns -------------------------------------------------------------- */

/* Looks for what the connection can go on with. */
static void
set_watch(struct nbd_connection *connection)
{
	bool sending, reading;
	unsigned events;

	if (connection->shaking) {
		sending = connection->handshake.out_len != 0;
		reading = !sending;
	} else {
		sending = !kio__queue_empty(&connection->replies);
		reading = !connection->draining &&
			  (connection->filling != NULL || connection->discard != 0 ||
			   may_read(connection));
	}
	events = (sending ? KIO_WRITABLE : 0) | (reading ? KIO_READABLE : 0);
	if (events != connection->watch.events &&
	    kio_watch_set(connection->server->loop, &connection->watch, connection->fd, events) < 0)
		drop(connection, "its socket cannot be watched");
}

static void
transfer(struct nbd_connection *connection)
{
	bool open = send_replies(connection);

	read_requests(connection);
	if (open && !connection->ended)
		send_replies(connection);
	if (connection->draining && connection->in_flight == 0 &&
	    kio__queue_empty(&connection->replies))
		nbd_connection_end(connection);
}

static void
take_turn(struct nbd_connection *connection)
{
	connection->dry = false;
	if (connection->shaking)
		shake(connection);
	if (!connection->shaking && !connection->ended)
		transfer(connection);
	if (!connection->ended)
		set_watch(connection);
}

static void
turn_came(struct kio_task *task)
{
	struct nbd_connection *connection = kio_container_of(task, struct nbd_connection, turn);

	connection->turning = false;
	if (connection->ended)
		nbd_connection_unused(connection);
	else
		take_turn(connection);
}

static void
socket_ready(struct kio_watch *watch, unsigned events)
{
	struct nbd_connection *connection =
		kio_container_of(watch, struct nbd_connection, watch);

	if (connection->ended)
		return;
	if ((events & KIO_HANGUP) != 0 && (events & KIO_READABLE) == 0)
		nbd_connection_end(connection);
	else
		take_turn(connection);
}

/* --- the beginning ------------------------------------------------------ */

/* Asked now: a socket that was shut down has no other side any more. */
static void
note_peer(struct nbd_connection *connection)
{
	struct sockaddr_storage address = { .ss_family = AF_UNSPEC };
	struct sockaddr *peer = (struct sockaddr *)&address;
	struct ucred who = { .pid = 0, .uid = 0 };
	socklen_t size = sizeof(address), who_size = sizeof(who);
	char host[80], port[8];

	getpeername(connection->fd, peer, &size);
	if (peer->sa_family == AF_UNIX &&
	    getsockopt(connection->fd, SOL_SOCKET, SO_PEERCRED, &who, &who_size) == 0) {
		connection->pid = (uint64_t)who.pid;
		connection->uid = who.uid;
	} else if (getnameinfo(peer, size, host, sizeof(host), port, sizeof(port),
			       NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
		snprintf(connection->address, sizeof(connection->address),
			 peer->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
	}
}

int
nbd_connection_open(struct nbd_server *server, int fd)
{
	struct nbd_connection *connection = kio__alloc(sizeof(*connection));
	int one = 1, rc;

	if (connection == NULL)
		return -ENOMEM;
	connection->server = server;
	connection->fd = fd;
	connection->since_ns = kio_loop_now(server->loop);
	connection->counts.connections = 1;
	note_peer(connection);
	connection->shaking = connection->ahead = true;
	connection->watch.fn = socket_ready;
	connection->turn.run = turn_came;
	connection->timer.task.run = took_too_long;
	kio__queue_init(&connection->replies);
	nbd_handshake_begin(&connection->handshake, &server->export_);
	/* these mean nothing to a unix socket, which refuses the first */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	rc = nbd_slots_open(connection);
	if (rc == 0)
		rc = kio_watch_set(server->loop, &connection->watch, fd, KIO_WRITABLE);
	if (rc < 0) {
		connection_free(connection);
		return rc;
	}
	kio_timer_arm(server->loop, &connection->timer, kio_loop_now(server->loop) + HANDSHAKE_NS);
	connection->at = &server->connections;
	connection->next = server->connections;
	if (connection->next != NULL)
		connection->next->at = &connection->next;
	server->connections = connection;
	return 0;
}
