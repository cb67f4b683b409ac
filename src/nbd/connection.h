/* SPDX-License-Identifier: MIT */
#ifndef NBD_CONNECTION_H
#define NBD_CONNECTION_H

/*
 * What the server and its connections know of each other.
 */

#include "base/list.h"
#include "nbd/proto.h"
#include "nbd/server.h"

#define NBD_SLOTS 32u

/* Room for the heads of requests that are read ahead; a handshake needs more. */
#define NBD_AHEAD (16u * NBD_REQUEST_BYTES)

/* The longest head of a reply: a structured one, and where its data begins. */
#define NBD_HEAD_MOST (NBD_CHUNK_BYTES + 8u)

struct nbd_connection;

/*
 * Memory of a slot. A write gives it away to the stack, which may change the
 * bytes in place (a cipher does) instead of copying them; nearly always it is
 * back when the write is done. Where someone below still holds it, the slot
 * lets go of it, and the last holder frees it.
 */
struct nbd_memory {
	struct kio_mem mem;
	uint32_t place; /* atomic; enum in slot.c */
};

struct nbd_slot {
	struct nbd_slot *next; /* free, or in the queue of replies */
	struct nbd_connection *connection;
	struct kio *kio;
	struct nbd_memory *memory;
	struct nbd_request request;
	bool flushing;      /* a trim with FUA: done, its flush is on the way */
	uint32_t extents;   /* of a block status, in memory as they go over the wire */
	uint64_t described; /* bytes they stand for */
	/* the reply: a head, then so much of the memory */
	uint32_t head_len, data_len;
	unsigned char head[NBD_HEAD_MOST];
};

struct nbd_connection {
	struct nbd_connection *next, **at;
	struct nbd_server *server;
	struct kio_watch watch;
	struct kio_timer timer; /* ends a handshake or a farewell that takes too long */
	struct kio_task turn;
	int fd;
	char address[96]; /* these as in struct nbd_client */
	uint64_t pid, uid, since_ns;
	struct nbd_counts counts;
	bool shaking;  /* the handshake is not over */
	bool draining; /* nothing more is read; what was begun is answered */
	bool ended;    /* the socket is closed as soon as nobody needs the structure */
	bool turning;  /* the turn is queued */
	bool unwatched;
	bool dry; /* the socket had less than was asked for */
	struct nbd_handshake handshake;
	size_t handshake_sent;

	/* read, and not yet used: [in_at, in_end) */
	unsigned char in[NBD_HANDSHAKE_IN];
	size_t in_at, in_end;
	bool ahead; /* what was last asked for has no payload: more heads are likely */
	struct nbd_slot *filling; /* its payload is on the way */
	size_t filled;
	uint64_t discard; /* payload of a write that was refused */

	struct nbd_slot slots[NBD_SLOTS];
	struct nbd_slot *free;
	unsigned in_flight; /* in the stack */
	uint64_t bytes;     /* of memory, for requests from their head to their reply */
	struct kio__queue replies;
	size_t sent; /* of the first */
};

struct nbd_server {
	struct kio_stack *stack;
	struct kio_channel *channel;
	struct kio_loop *loop;
	struct nbd_server_options options;
	struct nbd_export export_;
	struct nbd_connection *connections;
	unsigned count;
	bool stopping;
	struct nbd_counts left; /* of connections that have gone */
};

/* 0, or -errno: then the socket is still the caller's. */
int nbd_connection_open(struct nbd_server *server, int fd);
/* No new requests; those in the stack are answered, then it ends. */
void nbd_connection_drain(struct nbd_connection *connection);
/* The socket is shut at once; what is in the stack comes home before the rest is freed. */
void nbd_connection_end(struct nbd_connection *connection);
/* A turn in this or the next round of the loop. */
void nbd_connection_turn(struct nbd_connection *connection);
/* Frees one that has ended, once the loop, the stack and the turns have let go of it. */
void nbd_connection_unused(struct nbd_connection *connection);

/* slot.c */
int nbd_slots_open(struct nbd_connection *connection);
void nbd_slots_close(struct nbd_connection *connection);
/* There is a free one. */
struct nbd_slot *nbd_slot_take(struct nbd_connection *connection,
			       const struct nbd_request *request);
/* The memory its request needs; not cleared: what is not filled is not sent either. */
bool nbd_slot_memory(struct nbd_slot *slot);
/* The request is whole: down with it. Its reply is queued when it is back. */
void nbd_slot_submit(struct nbd_slot *slot);
/* error: of the wire. */
void nbd_slot_reply(struct nbd_slot *slot, uint32_t error);
/* The reply has left. */
void nbd_slot_give(struct nbd_slot *slot);

/* server.c: one connection less, and what it counted. */
void nbd_server_left(struct nbd_server *server, const struct nbd_counts *counts);
void nbd_server_say(const struct nbd_server *server, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
