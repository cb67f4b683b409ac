/* SPDX-License-Identifier: MIT */
/*
 * The server: what it exports, and the connections it has.
 */
#include "nbd/server.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "nbd/connection.h"
#include "port/port.h"

#define MOST_CONNECTIONS 256u

void
nbd_server_say(const struct nbd_server *server, const char *format, ...)
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

/* The protocol wants a power of two, which a stack's best unit need not be. */
static uint32_t
best_block(const struct kio_limits *limits)
{
	uint32_t wanted = (uint32_t)kio__min(kio__max(limits->best, 4096), NBD_PAYLOAD_MOST);
	uint32_t best = NBD_PAYLOAD_MOST;

	while (best > wanted)
		best /= 2;
	return best;
}

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
	export_->block_best = best_block(limits);
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

int
nbd_server_accept(struct nbd_server *server, int fd)
{
	int rc = server->stopping || server->count >= MOST_CONNECTIONS ?
			 -EMFILE :
			 nbd_connection_open(server, fd);

	if (rc < 0) {
		close(fd);
		return rc;
	}
	server->count++;
	return 0;
}

static void
tell_if_stopped(const struct nbd_server *server)
{
	if (server->stopping && server->count == 0 && server->options.stopped != NULL)
		server->options.stopped(server->options.priv);
}

static void
add(struct nbd_counts *to, const struct nbd_counts *counts)
{
	to->connections += counts->connections;
	to->requests += counts->requests;
	to->errors += counts->errors;
	to->read_bytes += counts->read_bytes;
	to->written_bytes += counts->written_bytes;
	to->copied_bytes += counts->copied_bytes;
}

void
nbd_server_left(struct nbd_server *server, const struct nbd_counts *counts)
{
	server->count--;
	add(&server->left, counts);
	tell_if_stopped(server);
}

void
nbd_server_stop(struct nbd_server *server)
{
	bool again = server->stopping;
	struct nbd_connection *connection, *next;

	server->stopping = true;
	for (connection = server->connections; connection != NULL; connection = next) {
		next = connection->next;
		if (again)
			nbd_connection_end(connection);
		else
			nbd_connection_drain(connection);
	}
	if (!again)
		tell_if_stopped(server);
}

void
nbd_server_counts(const struct nbd_server *server, struct nbd_counts *counts)
{
	*counts = server->left;
	for (const struct nbd_connection *connection = server->connections; connection != NULL;
	     connection = connection->next)
		add(counts, &connection->counts);
}

void
nbd_server_clients(const struct nbd_server *server,
		   void (*client)(void *priv, const struct nbd_client *client), void *priv)
{
	for (const struct nbd_connection *connection = server->connections; connection != NULL;
	     connection = connection->next) {
		bool leaving = connection->draining || connection->ended;
		struct nbd_client seen = {
			.address = connection->address,
			.pid = connection->pid,
			.uid = connection->uid,
			.state = leaving ? "leaving" : connection->shaking ? "handshake" : "ready",
			.since_ns = connection->since_ns,
			.in_flight = connection->in_flight,
			.counts = &connection->counts,
		};

		client(priv, &seen);
	}
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
