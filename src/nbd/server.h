/* SPDX-License-Identifier: MIT */
#ifndef NBD_SERVER_H
#define NBD_SERVER_H

/*
 * An NBD server on one loop and channel. Listening sockets are the caller's;
 * connections are the server's.
 *
 *   socket --> request --> container --> stack --> container --> reply --> socket
 */

#include <kiobuf/kiobuf.h>

#include "nbd/handshake.h"

struct nbd_server;

struct nbd_server_options {
	const char *name; /* of the export */
	bool read_only;
	/* for the operator; NULL: nobody listens */
	void (*log)(void *priv, const char *text);
	/* the last connection has gone, after nbd_server_stop */
	void (*stopped)(void *priv);
	void *priv;
};

/* Of one connection, or of all there were. */
struct nbd_counts {
	uint64_t connections, requests, errors, read_bytes, written_bytes;
	uint64_t copied_bytes; /* from one buffer of the server to another */
};

/* A connection, as an operator sees it. */
struct nbd_client {
	const char *address; /* "127.0.0.1:4711"; "": a process of this machine, which follows */
	uint64_t pid, uid;
	const char *state;  /* "handshake", "ready", or "leaving" while something is in flight */
	uint64_t since_ns;  /* as kio_loop_now */
	unsigned in_flight; /* requests in the stack */
	const struct nbd_counts *counts;
};

int nbd_server_open(struct nbd_server **server, struct kio_stack *stack,
		    struct kio_channel *channel, const struct nbd_server_options *options);
/* Serves a connected socket, which is the server's from now on. Errors close it. */
int nbd_server_accept(struct nbd_server *server, int fd);
/*
 * No new requests; what is in flight is answered, then stopped() runs. A client
 * that does not take its answers is given ten seconds; called again, none.
 */
void nbd_server_stop(struct nbd_server *server);
/* Both on the loop's thread. Clients come newest first, and are gone after the call. */
void nbd_server_counts(const struct nbd_server *server, struct nbd_counts *counts);
void nbd_server_clients(const struct nbd_server *server,
			void (*client)(void *priv, const struct nbd_client *client), void *priv);
/* All connections have gone. */
void nbd_server_close(struct nbd_server **server);

/* One request's head, as it came. For the server and its tests. */
struct nbd_request {
	uint16_t flags, command;
	uint64_t cookie, offset;
	uint32_t len;
};

/* -EPROTO: not a request. */
int nbd_request_parse(struct nbd_request *request, const unsigned char *in);
/* What the export answers at once: 0, or the error on the wire. */
uint32_t nbd_request_check(const struct nbd_request *request, const struct nbd_export *export_);
/* The error on the wire for what came out of the stack. */
uint32_t nbd_request_error(const struct nbd_request *request, int status);

#endif
