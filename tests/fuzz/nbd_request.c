/* SPDX-License-Identifier: MIT */
/*
 * What a client may send once the handshake is over, to a server on a stack of
 * memory. Every request has at most one reply, which is whole; the server lives
 * on, and nothing is left when the client has gone. The first byte says whether
 * replies are structured and how large the pieces are in which the rest is sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kiobuf/kiobuf.h>

#include "nbd/connection.h"
#include "wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct kio_stack *stack;
static struct kio_channel *channel;
static struct kio_loop *loop;
static struct nbd_server *server;
static unsigned char replies[1 << 22];
static size_t replies_len;

static void
must(int rc)
{
	if (rc < 0) {
		fprintf(stderr, "the server cannot be made: %d\n", rc);
		abort();
	}
}

static void
open_server(void)
{
	struct nbd_server_options options = { .name = "disk" };

	must(kio_stack_open(&stack, "align | stripe chunk=4K { mem 64K ; mem 64K }", NULL, NULL));
	must(kio_loop_open(&loop, NULL));
	must(kio_channel_open(&channel, stack, loop));
	must(nbd_server_open(&server, stack, channel, &options));
}

/* False: the server has hung up. */
static bool
take_replies(int fd)
{
	ssize_t got;

	while ((got = recv(fd, replies + replies_len, sizeof(replies) - replies_len, 0)) > 0)
		replies_len += (size_t)got;
	/* what is full is looked at no further */
	return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

static void
send_pieces(int fd, const unsigned char *data, size_t size, size_t piece)
{
	for (unsigned rounds = 0; size != 0 && rounds < 100000; rounds++) {
		ssize_t put = send(fd, data, size < piece ? size : piece, MSG_NOSIGNAL);

		if (put > 0) {
			data += put;
			size -= (size_t)put;
		}
		must(kio_loop_step(loop, 0));
		if (!take_replies(fd))
			return;
	}
}


/* A stream of structured chunks and of simple replies without data takes itself apart. */
static void
check_replies(size_t at)
{
	while (at + NBD_REPLY_BYTES <= replies_len) {
		uint32_t magic = kio__get_be32(replies + at);

		if (magic == NBD_SIMPLE_REPLY_MAGIC)
			at += NBD_REPLY_BYTES;
		else if (magic != NBD_STRUCTURED_REPLY_MAGIC)
			abort();
		else if (at + NBD_CHUNK_BYTES > replies_len)
			return;
		else
			at += NBD_CHUNK_BYTES + kio__get_be32(replies + at + 16);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire wire = { .len = 0 };
	bool structured;
	int ends[2];

	if (size == 0)
		return 0;
	if (server == NULL)
		open_server();
	structured = (data[0] & 1) != 0;
	wire_put32(&wire, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	if (structured) {
		wire_option(&wire, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
		wire_option_head(&wire, NBD_OPT_SET_META_CONTEXT, 27);
		wire_put32(&wire, 0);
		wire_put32(&wire, 1);
		wire_put32(&wire, 15);
		wire_put(&wire, "base:allocation", 15);
	}
	wire_option(&wire, NBD_OPT_EXPORT_NAME, NULL, 0);
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends));
	must(nbd_server_accept(server, ends[0]));
	replies_len = 0;
	send_pieces(ends[1], wire.bytes, wire.len, wire.len);
	send_pieces(ends[1], data + 1, size - 1, (size_t)1 << (data[0] >> 1) % 16);
	for (unsigned rounds = 0; rounds < 10 && take_replies(ends[1]); rounds++)
		must(kio_loop_step(loop, 0));
	if (structured && replies_len > 18 + 20 + 39 + 20 + 10)
		check_replies(18 + 20 + 39 + 20 + 10);
	close(ends[1]);
	for (unsigned rounds = 0; rounds < 1000 && server->count != 0; rounds++)
		must(kio_loop_step(loop, 0));
	if (server->count != 0 || server->connections != NULL)
		abort();
	return 0;
}
