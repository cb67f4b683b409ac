/* SPDX-License-Identifier: MIT */
/*
 * The server: connections, each with its slots.
 *
 *   handshake --> | head of a request | payload, into a slot's memory |
 *                         |
 *                         v
 *                 the slot's container goes down the stack
 *                         |
 *                         v
 *                 replies wait in a queue and leave with one writev each
 *
 * A slot is a container and memory for one request. When all slots are taken,
 * or the memory of the requests in flight is over the budget, the connection is
 * not read until one is done: so the client waits, and nobody else.
 */
#include "nbd/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "base/endian.h"
#include "base/list.h"
#include "base/math.h"
#include "nbd/proto.h"
#include "port/port.h"

#define SLOTS 32u
#define BUDGET ((uint64_t)64 << 20) /* of requests in flight, for each connection */
#define KEPT ((size_t)1 << 20)      /* memory that a slot keeps */
#define MOST_CONNECTIONS 256u
#define HANDSHAKE_NS 30000000000u
#define REQUESTS_A_TURN 64u

struct connection;

struct slot {
	struct slot *next; /* free, or in the queue of replies */
	struct connection *connection;
	struct kio *kio;
	unsigned char *data;
	size_t size;
	struct nbd_request request;
	uint32_t error; /* of the wire */
	unsigned char head[NBD_REPLY_BYTES];
};

struct connection {
	struct connection *next, **at;
	struct nbd_server *server;
	struct kio_watch watch;
	struct kio_timer timer; /* ends a handshake that takes too long */
	int fd;
	bool shaking, reading, closing, gone;
	struct nbd_handshake handshake;
	size_t handshake_sent;

	unsigned char in[NBD_HANDSHAKE_IN];
	size_t in_len;
	struct slot *filling; /* its payload is on the way */
	size_t filled;
	uint64_t discard; /* payload of a write that was refused */

	struct slot slots[SLOTS];
	struct slot *free;
	unsigned in_flight; /* in the stack */
	uint64_t bytes;     /* of requests from their head to their reply */
	struct kio__queue replies;
	size_t sent; /* of the first */
};

struct nbd_server {
	struct kio_stack *stack;
	struct kio_channel *channel;
	struct kio_loop *loop;
	struct nbd_server_options options;
	struct nbd_export export_;
	struct connection *connections;
	unsigned count;
	bool stopping;
	struct nbd_server_counts counts;
};

static void connection_ready(struct kio_watch *watch, unsigned events);
static void pump(struct connection *connection);

static void
say(const struct nbd_server *server, const char *format, ...)
{
	char text[200];
	va_list args;

	if (server->options.log == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	server->options.log(server->options.priv, text);
}

/* --- the life of a connection ------------------------------------------- */

static void
connection_free(struct connection *connection)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		kio_destroy(connection->slots[i].kio);
		kio__free(connection->slots[i].data);
	}
	if (connection->fd >= 0)
		close(connection->fd);
	kio__free(connection);
}

static void
connection_gone(struct kio_watch *watch)
{
	struct connection *connection = kio_container_of(watch, struct connection, watch);
	struct nbd_server *server = connection->server;

	connection_free(connection);
	if (--server->count == 0 && server->stopping && server->options.stopped != NULL)
		server->options.stopped(server->options.priv);
}

/* Nothing more is read; what is in the stack comes home first. */
static void
connection_end(struct connection *connection)
{
	connection->closing = true;
	if (connection->in_flight != 0 || connection->gone)
		return;
	connection->gone = true;
	if (connection->next != NULL)
		connection->next->at = connection->at;
	*connection->at = connection->next;
	kio_timer_cancel(connection->server->loop, &connection->timer);
	/* the other side hears of it now, not when the loop gets around to it */
	shutdown(connection->fd, SHUT_RDWR);
	kio_watch_stop(connection->server->loop, &connection->watch, connection_gone);
}

static void
connection_drop(struct connection *connection, const char *why)
{
	if (!connection->closing)
		say(connection->server, "a client is dropped: %s", why);
	connection_end(connection);
}

static void
took_too_long(struct kio_task *task)
{
	struct connection *connection = kio_container_of(task, struct connection, timer.task);

	connection_drop(connection, "its handshake takes too long");
}

static int
connection_slots(struct connection *connection)
{
	for (unsigned i = 0; i < SLOTS; i++) {
		struct slot *slot = &connection->slots[i];

		slot->connection = connection;
		slot->kio = kio_create(connection->server->channel, 1);
		if (slot->kio == NULL)
			return -ENOMEM;
		slot->kio->priv = slot;
		slot->next = connection->free;
		connection->free = slot;
	}
	return 0;
}

int
nbd_server_accept(struct nbd_server *server, int fd)
{
	struct connection *connection = NULL;
	int one = 1, rc = 0;

	if (server->stopping || server->count >= MOST_CONNECTIONS)
		rc = -EMFILE;
	else
		connection = kio__alloc(sizeof(*connection));
	if (connection == NULL) {
		close(fd);
		return rc < 0 ? rc : -ENOMEM;
	}
	connection->server = server;
	connection->fd = fd;
	connection->shaking = true;
	connection->watch.fn = connection_ready;
	connection->timer.task.run = took_too_long;
	kio__queue_init(&connection->replies);
	nbd_handshake_begin(&connection->handshake, &server->export_);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* not on a unix socket */
	rc = connection_slots(connection);
	if (rc == 0)
		rc = kio_watch_set(server->loop, &connection->watch, fd, KIO_READABLE | KIO_WRITABLE);
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
	server->count++;
	server->counts.connections++;
	return 0;
}

/* --- slots -------------------------------------------------------------- */

static struct slot *
slot_take(struct connection *connection, const struct nbd_request *request)
{
	struct slot *slot = connection->free;

	connection->free = slot->next;
	slot->request = *request;
	slot->error = 0;
	connection->bytes += request->len;
	return slot;
}

static bool
slot_memory(struct slot *slot, size_t len)
{
	if (slot->size >= len)
		return true;
	kio__free(slot->data);
	slot->size = 0;
	slot->data = kio__alloc_aligned(kio__align_up(len, 4096), 4096);
	if (slot->data != NULL)
		slot->size = kio__align_up(len, 4096);
	return slot->data != NULL;
}

static void
slot_give(struct slot *slot)
{
	struct connection *connection = slot->connection;

	connection->bytes -= slot->request.len;
	if (slot->size > KEPT) {
		kio__free(slot->data);
		slot->data = NULL;
		slot->size = 0;
	}
	slot->next = connection->free;
	connection->free = slot;
}

static uint32_t
wire_error(const struct slot *slot, int status)
{
	bool writes = slot->request.command != NBD_CMD_READ;

	switch (-status) {
	case 0: return 0;
	case EROFS:
	case EPERM: return NBD_EPERM;
	case ENOMEM: return NBD_ENOMEM;
	case EINVAL: return NBD_EINVAL;
	case ENOSPC:
	case EDQUOT:
	case EFBIG: return NBD_ENOSPC;
	case ERANGE: return writes ? NBD_ENOSPC : NBD_EINVAL;
	case ENOTSUP: return NBD_ENOTSUP;
	default: return NBD_EIO;
	}
}

static void
reply(struct slot *slot, uint32_t error)
{
	slot->error = error;
	slot->connection->server->counts.errors += error != 0;
	kio__put_be32(slot->head, NBD_SIMPLE_REPLY_MAGIC);
	kio__put_be32(slot->head + 4, error);
	kio__put_be64(slot->head + 8, slot->request.cookie);
	kio__queue_push(&slot->connection->replies, slot);
}

static void
request_done(struct kio *kio)
{
	struct slot *slot = kio->priv;
	struct connection *connection = slot->connection;

	connection->in_flight--;
	reply(slot, wire_error(slot, kio_status(kio)));
	if (connection->closing)
		connection_end(connection);
	else
		pump(connection);
}

/* The request is whole: down with it. */
static void
slot_submit(struct slot *slot)
{
	const struct nbd_request *request = &slot->request;
	struct connection *connection = slot->connection;
	struct nbd_server_counts *counts = &connection->server->counts;
	unsigned flags = (request->flags & NBD_CMD_FLAG_FUA) != 0 ? KIO_FUA : 0;
	struct kio *kio = slot->kio;

	connection->in_flight++;
	counts->requests++;
	switch (request->command) {
	case NBD_CMD_READ:
		counts->read_bytes += request->len;
		kio_read(kio, request->offset, kio_buf(kio, slot->data, request->len), request_done);
		break;
	case NBD_CMD_WRITE:
		counts->written_bytes += request->len;
		kio_write(kio, request->offset, kio_buf(kio, slot->data, request->len), flags,
			  request_done);
		break;
	case NBD_CMD_TRIM:
		kio_clear(kio, KIO_DISCARD, request->offset, request->len, 0, request_done);
		break;
	case NBD_CMD_WRITE_ZEROES:
		if ((request->flags & NBD_CMD_FLAG_NO_HOLE) != 0)
			flags |= KIO_NO_UNMAP;
		kio_clear(kio, KIO_WRITE_ZEROES, request->offset, request->len, flags, request_done);
		break;
	default:
		kio_flush_all(kio, request_done);
		break;
	}
}

/* --- reading ------------------------------------------------------------ */

/* >0 bytes, 0: no more for now, -1: the connection has ended. */
static ssize_t
receive(struct connection *connection, void *into, size_t len)
{
	ssize_t got;

	do
		got = recv(connection->fd, into, len, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		return got;
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	connection_end(connection);
	return -1;
}

static bool
may_read(const struct connection *connection)
{
	return !connection->closing && connection->free != NULL && connection->bytes < BUDGET;
}

/* The head of a request is in `in`. */
static void
begin_request(struct connection *connection)
{
	struct nbd_server *server = connection->server;
	struct nbd_request request;
	struct slot *slot;
	uint32_t error;

	connection->in_len = 0;
	if (nbd_request_parse(&request, connection->in) < 0) {
		connection_drop(connection, "it sent what is no request");
		return;
	}
	if (request.command == NBD_CMD_DISC) {
		connection_end(connection);
		return;
	}
	if (request.command == NBD_CMD_WRITE && request.len > NBD_PAYLOAD_MOST) {
		connection_drop(connection, "it sent a write longer than 32 MiB");
		return;
	}
	error = nbd_request_check(&request, &server->export_);
	if (error == 0 && (request.flags & NBD_CMD_FLAG_FAST_ZERO) != 0 &&
	    !kio_stack_limits(server->stack)->zeroes)
		error = NBD_ENOTSUP;
	slot = slot_take(connection, &request);
	if (error == 0 && request.command <= NBD_CMD_WRITE && !slot_memory(slot, request.len))
		error = NBD_ENOMEM;
	if (error != 0) {
		if (request.command == NBD_CMD_WRITE)
			connection->discard = request.len;
		reply(slot, error);
	} else if (request.command == NBD_CMD_WRITE && request.len != 0) {
		connection->filling = slot;
		connection->filled = 0;
	} else {
		slot_submit(slot);
	}
}

static bool
read_payload(struct connection *connection)
{
	struct slot *slot = connection->filling;
	ssize_t got = receive(connection, slot->data + connection->filled,
			      slot->request.len - connection->filled);

	if (got <= 0)
		return false;
	connection->filled += (size_t)got;
	if (connection->filled == slot->request.len) {
		connection->filling = NULL;
		slot_submit(slot);
	}
	return true;
}

static bool
read_discard(struct connection *connection)
{
	unsigned char nowhere[16384];
	ssize_t got = receive(connection, nowhere, kio__min(connection->discard, sizeof(nowhere)));

	if (got <= 0)
		return false;
	connection->discard -= (uint64_t)got;
	return true;
}

static bool
read_head(struct connection *connection)
{
	ssize_t got = receive(connection, connection->in + connection->in_len,
			      NBD_REQUEST_BYTES - connection->in_len);

	if (got <= 0)
		return false;
	connection->in_len += (size_t)got;
	if (connection->in_len == NBD_REQUEST_BYTES)
		begin_request(connection);
	return true;
}

static void
read_requests(struct connection *connection)
{
	for (unsigned turn = 0; turn < REQUESTS_A_TURN && !connection->closing; turn++) {
		if (connection->filling != NULL ? !read_payload(connection) :
		    connection->discard != 0	? !read_discard(connection) :
		    !may_read(connection)	? true :
						  !read_head(connection))
			return;
	}
}

static void
read_handshake(struct connection *connection)
{
	ssize_t got = receive(connection, connection->in + connection->in_len,
			      sizeof(connection->in) - connection->in_len);
	long used;

	if (got <= 0)
		return;
	connection->in_len += (size_t)got;
	used = nbd_handshake_feed(&connection->handshake, connection->in, connection->in_len);
	if (used < 0) {
		connection_drop(connection, "it does not speak NBD");
		return;
	}
	connection->in_len -= (size_t)used;
	memmove(connection->in, connection->in + used, connection->in_len);
}

/* --- writing ------------------------------------------------------------ */

/* False: the socket takes no more, or has ended. */
static bool
send_handshake(struct connection *connection)
{
	struct nbd_handshake *handshake = &connection->handshake;
	ssize_t put;

	while (connection->handshake_sent < handshake->out_len) {
		put = send(connection->fd, handshake->out + connection->handshake_sent,
			   handshake->out_len - connection->handshake_sent, MSG_NOSIGNAL);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				connection_end(connection);
			return false;
		}
		connection->handshake_sent += (size_t)put;
	}
	handshake->out_len = connection->handshake_sent = 0;
	return true;
}

static ssize_t
send_reply(struct connection *connection, const struct slot *slot, size_t len)
{
	size_t sent = connection->sent;
	struct iovec iov[2];
	struct msghdr message = { .msg_iov = iov };
	ssize_t put;

	if (sent < NBD_REPLY_BYTES) {
		iov[0].iov_base = (void *)(uintptr_t)(slot->head + sent);
		iov[0].iov_len = NBD_REPLY_BYTES - sent;
		message.msg_iovlen = 1;
		sent = NBD_REPLY_BYTES;
	}
	if (len > NBD_REPLY_BYTES) {
		iov[message.msg_iovlen].iov_base = slot->data + (sent - NBD_REPLY_BYTES);
		iov[message.msg_iovlen++].iov_len = len - sent;
	}
	do
		put = sendmsg(connection->fd, &message, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	return put;
}

static bool
send_replies(struct connection *connection)
{
	struct slot *slot;
	ssize_t put;
	size_t len;

	while ((slot = (struct slot *)(void *)connection->replies.head) != NULL) {
		len = NBD_REPLY_BYTES;
		if (slot->request.command == NBD_CMD_READ && slot->error == 0)
			len += slot->request.len;
		put = send_reply(connection, slot, len);
		if (put < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				connection_end(connection);
			return false;
		}
		connection->sent += (size_t)put;
		if (connection->sent < len)
			continue;
		connection->sent = 0;
		kio__queue_pop(&connection->replies);
		slot_give(slot);
	}
	return true;
}

/* --- turns -------------------------------------------------------------- */

/* Looks for what the connection can go on with. */
static void
set_watch(struct connection *connection)
{
	bool sending = connection->shaking ? connection->handshake.out_len != 0 :
					     !kio__queue_empty(&connection->replies);
	bool reading = connection->shaking || connection->filling != NULL ||
		       connection->discard != 0 || may_read(connection);
	unsigned events = (sending ? KIO_WRITABLE : 0) | (reading ? KIO_READABLE : 0);

	if (events == connection->watch.events)
		return;
	if (kio_watch_set(connection->server->loop, &connection->watch, connection->fd, events) < 0)
		connection_drop(connection, "its socket cannot be watched");
}

/* Stops when the last reply has left. */
static void
end_if_idle(struct connection *connection)
{
	if (connection->server->stopping && !connection->closing && connection->in_flight == 0 &&
	    connection->filling == NULL && kio__queue_empty(&connection->replies))
		connection_end(connection);
}

static void
shake(struct connection *connection)
{
	const struct nbd_handshake *handshake = &connection->handshake;

	read_handshake(connection);
	if (connection->closing || !send_handshake(connection))
		return;
	if (handshake->phase == NBD_ENDED)
		connection_end(connection);
	if (handshake->phase != NBD_READY)
		return;
	connection->shaking = false;
	kio_timer_cancel(connection->server->loop, &connection->timer);
	/* a client may have sent its first requests already: they stand in `in` */
	if (connection->in_len > NBD_REQUEST_BYTES)
		connection_drop(connection, "it sends requests before its handshake is done");
	else if (connection->in_len == NBD_REQUEST_BYTES)
		begin_request(connection);
}

static void
pump(struct connection *connection)
{
	if (connection->shaking)
		shake(connection);
	if (!connection->shaking && !connection->closing) {
		send_replies(connection);
		if (!connection->closing && !connection->server->stopping)
			read_requests(connection);
		if (!connection->closing)
			send_replies(connection);
	}
	if (!connection->closing)
		end_if_idle(connection);
	if (!connection->closing)
		set_watch(connection);
}

static void
connection_ready(struct kio_watch *watch, unsigned events)
{
	struct connection *connection = kio_container_of(watch, struct connection, watch);

	if (connection->closing)
		return;
	if ((events & KIO_HANGUP) != 0 && (events & KIO_READABLE) == 0)
		connection_end(connection);
	else
		pump(connection);
}

/* --- the server --------------------------------------------------------- */

static void
fill_export(struct nbd_server *server)
{
	const struct kio_limits *limits = kio_stack_limits(server->stack);
	struct nbd_export *export_ = &server->export_;

	export_->name = server->options.name;
	export_->size = limits->size;
	/* one channel for all connections: a flush covers what any of them wrote */
	export_->flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_FUA |
			 NBD_FLAG_CAN_MULTI_CONN;
	if (limits->read_only || server->options.read_only) {
		export_->flags |= NBD_FLAG_READ_ONLY;
	} else {
		export_->flags |= NBD_FLAG_SEND_WRITE_ZEROES | NBD_FLAG_SEND_FAST_ZERO;
		if ((limits->ops & KIO_OP_BIT(KIO_DISCARD)) != 0)
			export_->flags |= NBD_FLAG_SEND_TRIM;
	}
	export_->block_least = limits->block;
	export_->block_best = (uint32_t)kio__min(kio__max(limits->best, 4096), NBD_PAYLOAD_MOST);
	export_->block_most = NBD_PAYLOAD_MOST;
}

int
nbd_server_open(struct nbd_server **out, struct kio_stack *stack, struct kio_channel *channel,
		const struct nbd_server_options *options)
{
	struct nbd_server *server;

	if (strlen(options->name) > NBD_NAME_MOST)
		return -ENAMETOOLONG;
	server = kio__alloc(sizeof(*server));
	if (server == NULL)
		return -ENOMEM;
	server->stack = stack;
	server->channel = channel;
	server->loop = kio_channel_loop(channel);
	server->options = *options;
	fill_export(server);
	*out = server;
	return 0;
}

void
nbd_server_stop(struct nbd_server *server)
{
	struct connection *connection, *next;

	server->stopping = true;
	for (connection = server->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (connection->shaking || connection->filling != NULL)
			connection_end(connection);
		else
			end_if_idle(connection);
	}
	if (server->count == 0 && server->options.stopped != NULL)
		server->options.stopped(server->options.priv);
}

void
nbd_server_counts(const struct nbd_server *server, struct nbd_server_counts *counts)
{
	*counts = server->counts;
}

void
nbd_server_close(struct nbd_server **out)
{
	if (*out == NULL)
		return;
	if ((*out)->count != 0)
		kio__panic("nbd_server_close: %u connections are open", (*out)->count);
	kio__free(*out);
	*out = NULL;
}
