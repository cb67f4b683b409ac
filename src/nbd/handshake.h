/* SPDX-License-Identifier: MIT */
#ifndef NBD_HANDSHAKE_H
#define NBD_HANDSHAKE_H

/*
 * The server's side of the handshake, as a machine over bytes: it is fed what
 * came, says how much of it was used, and leaves its answers in a buffer.
 * Nothing here touches a socket.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NBD_HANDSHAKE_OUT 16384u
#define NBD_HANDSHAKE_IN 8192u /* what has to fit into the input at once */

struct nbd_export {
	const char *name;
	uint64_t size;
	uint16_t flags;
	uint32_t block_least, block_best, block_most;
	bool allocation; /* block status may be asked for */
};

/* The number of base:allocation, the only metadata context there is. */
#define NBD_ALLOCATION_ID 1u

enum nbd_phase { NBD_CLIENT_FLAGS, NBD_OPTIONS, NBD_READY, NBD_ENDED };

struct nbd_handshake {
	struct nbd_export export_; /* as this client has it: with what was agreed */
	enum nbd_phase phase;
	bool no_zeroes;
	bool structured; /* replies to reads and block status are structured */
	uint64_t skip; /* bytes of an option that is too long */
	unsigned options;
	size_t out_len;
	unsigned char out[NBD_HANDSHAKE_OUT];
};

/* The greeting is in out then. */
void nbd_handshake_begin(struct nbd_handshake *handshake, const struct nbd_export *export_);

/*
 * Uses what it can of in; returns the bytes used, 0 when it needs more, or
 * -EPROTO: the client does not speak NBD and is to be dropped. Stops when the
 * phase is NBD_READY (requests follow) or NBD_ENDED (the client has gone).
 */
long nbd_handshake_feed(struct nbd_handshake *handshake, const unsigned char *in, size_t len);

#endif
