/* SPDX-License-Identifier: MIT */
/*
 * The NBD server on a real stack, with the test as its client at the other end
 * of a socket pair. Without these a reply could be lost or doubled, a client
 * could starve the others, and a connection could be freed while it is used.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <kiobuf/kiobuf.h>

#include "nbd/server.h"
#include "wire.h"

#define ROUND_NS 1000000
#define MOST_ROUNDS 3000

static struct kio_stack *stack;
static struct kio_channel *channel;
static struct kio_loop *loop;
static struct nbd_server *server;
static char said[400];
static unsigned stops;

static void
note(void *priv, const char *text)
{
	(void)priv;
	snprintf(said, sizeof(said), "%s", text);
}

static void
note_stop(void *priv)
{
	(void)priv;
	stops++;
}

static bool
open_server(const char *text, bool read_only)
{
	struct nbd_server_options options = { .name = "disk", .read_only = read_only, .log = note,
					      .stopped = note_stop };
	struct kio_diag diag = { .text = "" };

	said[0] = '\0';
	stops = 0;
	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), 0);
	CHECK_STR(diag.text, "");
	if (stack == NULL)
		return false;
	CHECK_EQ(kio_loop_open(&loop, NULL), 0);
	CHECK_EQ(kio_channel_open(&channel, stack, loop), 0);
	CHECK_EQ(nbd_server_open(&server, stack, channel, &options), 0);
	return true;
}

static void
step(void)
{
	CHECK(kio_loop_step(loop, ROUND_NS) >= 0);
}

static void
wait_for_stop(unsigned rounds)
{
	for (unsigned i = 0; i < rounds && stops == 0; i++)
		step();
	CHECK_EQ(stops, 1);
}

/* Everything must come home by itself: to close with something left aborts. */
static void
close_server(void)
{
	if (stops == 0)
		nbd_server_stop(server);
	wait_for_stop(MOST_ROUNDS);
	nbd_server_close(&server);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

/* --- the client --------------------------------------------------------- */

static int
connect_client(void)
{
	int ends[2];

	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
	CHECK_EQ(nbd_server_accept(server, ends[0]), 0);
	return ends[1];
}

static void
send_all(int fd, const void *data, size_t len)
{
	const char *from = data;

	for (unsigned i = 0; i < MOST_ROUNDS && len != 0; i++) {
		ssize_t put = send(fd, from, len, MSG_NOSIGNAL);

		if (put > 0) {
			from += put;
			len -= (size_t)put;
		}
		step();
	}
	CHECK_EQ(len, 0);
}

/* As many bytes as come until len, or until the server hangs up. */
static size_t
receive(int fd, void *into, size_t len)
{
	size_t had = 0;

	for (unsigned i = 0; i < MOST_ROUNDS && had < len; i++) {
		ssize_t got = recv(fd, (char *)into + had, len - had, 0);

		if (got > 0)
			had += (size_t)got;
		else if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK))
			break;
		else
			step();
	}
	return had;
}

static bool
has_hung_up(int fd)
{
	char byte;
	ssize_t got = -1;

	for (unsigned i = 0; i < 200; i++) {
		got = recv(fd, &byte, 1, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			return true;
		step();
	}
	return false;
}

/* The shortest way to the requests: EXPORT_NAME. */
static int
ready_client(void)
{
	unsigned char answer[18 + 10];
	struct wire wire = { .len = 0 };
	int fd = connect_client();

	wire_put32(&wire, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	wire_option(&wire, NBD_OPT_EXPORT_NAME, "disk", 4);
	send_all(fd, wire.bytes, wire.len);
	CHECK_EQ(receive(fd, answer, sizeof(answer)), sizeof(answer));
	return fd;
}

static void
expect_reply(int fd, uint64_t cookie, uint32_t error)
{
	unsigned char head[NBD_REPLY_BYTES] = { 0 };

	CHECK_EQ(receive(fd, head, sizeof(head)), sizeof(head));
	CHECK_EQ(kio__get_be32(head), NBD_SIMPLE_REPLY_MAGIC);
	CHECK_EQ(kio__get_be32(head + 4), error);
	CHECK_EQ(kio__get_be64(head + 8), cookie);
}

static void
ask(int fd, uint16_t flags, uint16_t command, uint64_t cookie, uint64_t offset, uint32_t len)
{
	struct wire wire = { .len = 0 };

	wire_request(&wire, flags, command, cookie, offset, len);
	send_all(fd, wire.bytes, wire.len);
}

static void
ask_write(int fd, uint16_t flags, uint64_t cookie, uint64_t offset, const void *data, uint32_t len)
{
	ask(fd, flags, NBD_CMD_WRITE, cookie, offset, len);
	send_all(fd, data, len);
}

/* The bytes at offset are all value. */
static void
expect_bytes(int fd, uint64_t offset, uint32_t len, unsigned char value)
{
	static unsigned char data[1 << 20];

	ask(fd, 0, NBD_CMD_READ, 77, offset, len);
	expect_reply(fd, 77, 0);
	CHECK_EQ(receive(fd, data, len), len);
	for (uint32_t i = 0; i < len; i++) {
		if (data[i] != value) {
			CHECK_EQ(data[i], value);
			return;
		}
	}
}

static struct kio_stat
top_stat(void)
{
	struct kio_stat stat;

	kio_layer_stat(kio_stack_top(stack), &stat);
	return stat;
}

/* With structured replies and base:allocation. */
static int
structured_client(void)
{
	unsigned char answers[18 + 20 + 39 + 20 + 10];
	struct wire wire = { .len = 0 };
	int fd = connect_client();

	wire_put32(&wire, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	wire_option(&wire, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
	wire_option_head(&wire, NBD_OPT_SET_META_CONTEXT, 4 + 4 + 4 + 15);
	wire_put32(&wire, 0);
	wire_put32(&wire, 1);
	wire_put32(&wire, 15);
	wire_put(&wire, "base:allocation", 15);
	wire_option(&wire, NBD_OPT_EXPORT_NAME, NULL, 0);
	send_all(fd, wire.bytes, wire.len);
	CHECK_EQ(receive(fd, answers, sizeof(answers)), sizeof(answers));
	CHECK((kio__get_be16(answers + sizeof(answers) - 2) & NBD_FLAG_SEND_DF) != 0);
	return fd;
}

/* Takes the head of a chunk; returns the length of what follows. */
static uint32_t
expect_chunk(int fd, uint64_t cookie, uint16_t type)
{
	unsigned char head[NBD_CHUNK_BYTES] = { 0 };

	CHECK_EQ(receive(fd, head, sizeof(head)), sizeof(head));
	CHECK_EQ(kio__get_be32(head), NBD_STRUCTURED_REPLY_MAGIC);
	CHECK_EQ(kio__get_be16(head + 4), NBD_REPLY_FLAG_DONE);
	CHECK_EQ(kio__get_be16(head + 6), type);
	CHECK_EQ(kio__get_be64(head + 8), cookie);
	return kio__get_be32(head + 16);
}

/* --- tests -------------------------------------------------------------- */

TEST("nbd server: what was written is read, whatever its length and place")
{
	static unsigned char data[300001];
	static const uint32_t lens[] = { 1, 511, 512, 4096, 4097, 65537, 300001 };
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	fd = ready_client();
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		memset(data, (int)i + 1, lens[i]);
		ask_write(fd, i % 2 != 0 ? NBD_CMD_FLAG_FUA : 0, i, 1000 + i, data, lens[i]);
		expect_reply(fd, i, 0);
		expect_bytes(fd, 1000 + i, lens[i], (unsigned char)(i + 1));
	}
	expect_bytes(fd, 0, 1000, 0);
	close(fd);
	close_server();
}

TEST("nbd server: handshake and requests may come byte by byte")
{
	struct wire wire = { .len = 0 };
	unsigned char answer[18 + 10];
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	fd = connect_client();
	wire_put32(&wire, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	wire_option(&wire, NBD_OPT_EXPORT_NAME, "disk", 4);
	wire_request(&wire, 0, NBD_CMD_WRITE, 1, 5, 3);
	wire_put(&wire, "abc", 3);
	wire_request(&wire, 0, NBD_CMD_FLUSH, 2, 0, 0);
	for (size_t i = 0; i < wire.len; i++)
		send_all(fd, wire.bytes + i, 1);
	CHECK_EQ(receive(fd, answer, sizeof(answer)), sizeof(answer));
	expect_reply(fd, 1, 0);
	expect_reply(fd, 2, 0);
	expect_bytes(fd, 5, 1, 'a');
	expect_bytes(fd, 7, 1, 'c');
	close(fd);
	close_server();
}

TEST("nbd server: handshake and requests may come in one piece")
{
	struct wire wire = { .len = 0 };
	unsigned char greeting[18], answer[10];
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	fd = connect_client();
	wire_put32(&wire, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	wire_option(&wire, NBD_OPT_EXPORT_NAME, "disk", 4);
	for (unsigned i = 0; i < 50; i++) {
		wire_request(&wire, 0, NBD_CMD_WRITE, i, i * 10, 10);
		wire_put(&wire, "0123456789", 10);
	}
	wire_request(&wire, 0, NBD_CMD_DISC, 0, 0, 0);
	send_all(fd, wire.bytes, wire.len);
	CHECK_EQ(receive(fd, greeting, sizeof(greeting)), sizeof(greeting));
	CHECK_EQ(receive(fd, answer, sizeof(answer)), sizeof(answer));
	for (unsigned i = 0; i < 50; i++)
		expect_reply(fd, i, 0);
	CHECK(has_hung_up(fd));
	CHECK_STR(said, "");
	close(fd);
	close_server();
}

TEST("nbd server: a request that fails costs nothing but its reply")
{
	static unsigned char data[100000];
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	fd = ready_client();
	ask(fd, 0, NBD_CMD_READ, 1, 1 << 20, 1);
	expect_reply(fd, 1, NBD_EINVAL);
	ask_write(fd, 0, 2, (1 << 20) - 1, data, sizeof(data));
	expect_reply(fd, 2, NBD_ENOSPC);
	ask_write(fd, 0x4000, 3, 0, data, sizeof(data));
	expect_reply(fd, 3, NBD_EINVAL);
	ask(fd, 0, 7, 4, 0, 1);
	expect_reply(fd, 4, NBD_EINVAL);
	ask(fd, 0, NBD_CMD_READ, 5, 0, NBD_PAYLOAD_MOST + 1);
	expect_reply(fd, 5, NBD_EOVERFLOW);
	ask(fd, 0, NBD_CMD_READ, 6, 0, 0);
	expect_reply(fd, 6, 0);
	ask(fd, 0, NBD_CMD_WRITE, 7, 0, 0);
	expect_reply(fd, 7, 0);
	expect_bytes(fd, 0, 4096, 0);
	CHECK_STR(said, "");
	close(fd);
	close_server();
}

TEST("nbd server: a read-only export refuses all changes, and reads")
{
	int fd;

	if (!open_server("mem size=1M", true))
		return;
	fd = ready_client();
	ask_write(fd, 0, 1, 0, "abc", 3);
	expect_reply(fd, 1, NBD_EPERM);
	ask(fd, 0, NBD_CMD_TRIM, 2, 0, 4096);
	expect_reply(fd, 2, NBD_EPERM);
	ask(fd, 0, NBD_CMD_WRITE_ZEROES, 3, 0, 4096);
	expect_reply(fd, 3, NBD_EPERM);
	expect_bytes(fd, 0, 4096, 0);
	close(fd);
	close_server();
}

TEST("nbd server: trim and write-zeroes leave zeroes; a trim with FUA is flushed")
{
	static unsigned char data[65536];
	uint64_t before;
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	fd = ready_client();
	memset(data, 0xee, sizeof(data));
	ask_write(fd, 0, 1, 0, data, sizeof(data));
	expect_reply(fd, 1, 0);
	ask(fd, NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FUA, NBD_CMD_WRITE_ZEROES, 2, 100, 5000);
	expect_reply(fd, 2, 0);
	expect_bytes(fd, 0, 100, 0xee);
	expect_bytes(fd, 100, 5000, 0);
	expect_bytes(fd, 5100, 1000, 0xee);
	before = top_stat().ios;
	ask(fd, NBD_CMD_FLAG_FUA, NBD_CMD_TRIM, 3, 8192, 8192);
	expect_reply(fd, 3, 0);
	CHECK_EQ(top_stat().ios - before, 2);
	expect_bytes(fd, 8192, 8192, 0);
	expect_bytes(fd, 16384, 4096, 0xee);
	close(fd);
	close_server();
}

TEST("nbd server: clients may be finer than the blocks of the stack, under align")
{
	int fd;

	if (!open_server("align | null size=1M block=4096", false))
		return;
	fd = ready_client();
	ask_write(fd, 0, 1, 4095, "ab", 2);
	expect_reply(fd, 1, 0);
	ask(fd, 0, NBD_CMD_WRITE_ZEROES, 2, 1, 9999);
	expect_reply(fd, 2, 0);
	ask(fd, 0, NBD_CMD_TRIM, 3, 1, 9999);
	expect_reply(fd, 3, 0);
	expect_bytes(fd, 12345, 6789, 0);
	close(fd);
	close_server();
}

TEST("nbd server: garbage is dropped, with a word about it, and others are served")
{
	struct wire wire = { .len = 0 };
	int bad, good;

	if (!open_server("mem size=1M", false))
		return;
	good = ready_client();
	bad = connect_client();
	send_all(bad, "GET / HTTP/1.0\r\n\r\n", 18);
	close(bad);
	CHECK_STR(said, "a client is dropped: it does not speak NBD");
	bad = ready_client();
	send_all(bad, "GET / HTTP/1.0\r\nHost: x\r\n\r\n", 27);
	send_all(bad, "x", 1);
	CHECK(has_hung_up(bad));
	CHECK_STR(said, "a client is dropped: it sent what is no request");
	close(bad);
	bad = ready_client();
	wire_request(&wire, 0, NBD_CMD_WRITE, 1, 0, NBD_PAYLOAD_MOST + 1);
	send_all(bad, wire.bytes, wire.len);
	CHECK(has_hung_up(bad));
	close(bad);
	expect_bytes(good, 0, 4096, 0);
	close(good);
	close_server();
}

TEST("nbd server: a write that was not sent to its end does not happen")
{
	static unsigned char data[50000];
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	memset(data, 1, sizeof(data));
	fd = ready_client();
	ask(fd, 0, NBD_CMD_WRITE, 1, 0, 100000);
	send_all(fd, data, sizeof(data));
	close(fd);
	fd = ready_client();
	expect_bytes(fd, 0, 100000, 0);
	close(fd);
	close_server();
}

TEST("nbd server: a client may vanish at any moment with requests in the stack")
{
	struct wire wire;

	if (!open_server("delay 3ms | mem size=1M", false))
		return;
	for (unsigned rounds = 0; rounds < 20; rounds++) {
		int fd = ready_client();

		wire.len = 0;
		for (unsigned i = 0; i < 100; i++)
			wire_request(&wire, 0, i % 3 == 0 ? NBD_CMD_FLUSH : NBD_CMD_READ, i, 0,
				     i % 3 == 0 ? 0 : 8192);
		send_all(fd, wire.bytes, wire.len);
		for (unsigned i = 0; i < rounds; i++)
			step();
		close(fd);
	}
	close_server();
}

TEST("nbd server: a client that hung up costs no turns while its requests are slow")
{
	unsigned rounds = 0;
	uint64_t begun;
	int fd;

	if (!open_server("delay 200ms | mem size=1M", false))
		return;
	fd = ready_client();
	ask(fd, 0, NBD_CMD_READ, 1, 0, 4096);
	close(fd);
	begun = kio_loop_now(loop);
	while (kio_loop_now(loop) - begun < 100000000u) {
		CHECK(kio_loop_step(loop, 10000000) >= 0);
		rounds++;
	}
	CHECK(rounds < 50);
	close_server();
}

TEST("nbd server: DISC is taken after all that came before it was answered")
{
	struct wire wire = { .len = 0 };
	unsigned char data[4096];
	int fd;

	if (!open_server("delay 5ms | mem size=1M", false))
		return;
	fd = ready_client();
	for (unsigned i = 0; i < 5; i++)
		wire_request(&wire, 0, NBD_CMD_READ, i, 0, 4096);
	wire_request(&wire, 0, NBD_CMD_DISC, 0, 0, 0);
	send_all(fd, wire.bytes, wire.len);
	for (unsigned i = 0; i < 5; i++) {
		expect_reply(fd, i, 0);
		CHECK_EQ(receive(fd, data, sizeof(data)), sizeof(data));
	}
	CHECK(has_hung_up(fd));
	close(fd);
	close_server();
}

TEST("nbd server: a stop answers what was begun and hangs up")
{
	unsigned char head[NBD_REPLY_BYTES];
	int busy, idle, shaking, filling;

	if (!open_server("delay 20ms | mem size=1M", false))
		return;
	idle = ready_client();
	shaking = connect_client();
	filling = ready_client();
	ask(filling, 0, NBD_CMD_WRITE, 9, 0, 1000);
	busy = ready_client();
	ask_write(busy, 0, 1, 0, "abc", 3);
	nbd_server_stop(server);
	expect_reply(busy, 1, 0);
	CHECK(has_hung_up(busy));
	CHECK(has_hung_up(idle));
	CHECK(has_hung_up(filling));
	CHECK_EQ(recv(filling, head, sizeof(head), 0), 0);
	wait_for_stop(100);
	CHECK_EQ(nbd_server_accept(server, dup(idle)), -EMFILE);
	close(busy);
	close(idle);
	close(shaking);
	close(filling);
	close_server();
}

TEST("nbd server: who takes no replies is not read any further, and waits alone")
{
	struct wire wire = { .len = 0 };
	struct nbd_counts counts;
	int greedy, other;

	if (!open_server("mem size=16M", false))
		return;
	greedy = ready_client();
	for (unsigned i = 0; i < 500; i++)
		wire_request(&wire, 0, NBD_CMD_READ, i, 0, 1 << 20);
	send_all(greedy, wire.bytes, wire.len);
	for (unsigned i = 0; i < 100; i++)
		step();
	nbd_server_counts(server, &counts);
	CHECK(counts.requests > 0);
	CHECK(counts.requests < 100);
	other = ready_client();
	expect_bytes(other, 0, 65536, 0);
	/* nobody waits for it when the server is told twice to stop */
	nbd_server_stop(server);
	for (unsigned i = 0; i < 50; i++)
		step();
	CHECK_EQ(stops, 0);
	nbd_server_stop(server);
	wait_for_stop(50);
	CHECK_STR(said, "");
	close(greedy);
	close(other);
	close_server();
}

TEST("nbd server: what a client has in flight is bounded in bytes too")
{
	struct wire wire = { .len = 0 };
	struct nbd_counts counts;
	int fd;

	if (!open_server("delay 100ms | null size=64M", false))
		return;
	fd = ready_client();
	for (unsigned i = 0; i < 30; i++)
		wire_request(&wire, 0, NBD_CMD_READ, i, 0, 8 << 20);
	send_all(fd, wire.bytes, wire.len);
	for (unsigned i = 0; i < 10; i++)
		step();
	nbd_server_counts(server, &counts);
	CHECK(counts.requests >= 2);
	CHECK(counts.requests <= 8);
	close(fd);
	close_server();
}

TEST("nbd server: hundreds of requests at once are all answered, once each")
{
	struct wire wire = { .len = 0 };
	unsigned seen[500] = { 0 };
	unsigned char reply[NBD_REPLY_BYTES + 100];
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	fd = ready_client();
	for (unsigned i = 0; i < 500; i++)
		wire_request(&wire, 0, NBD_CMD_READ, i, i, 100);
	send_all(fd, wire.bytes, wire.len);
	for (unsigned i = 0; i < 500; i++) {
		uint64_t cookie;

		CHECK_EQ(receive(fd, reply, sizeof(reply)), sizeof(reply));
		cookie = kio__get_be64(reply + 8);
		CHECK(cookie < 500);
		if (cookie < 500)
			seen[cookie]++;
	}
	for (unsigned i = 0; i < 500; i++)
		CHECK_EQ(seen[i], 1);
	close(fd);
	close_server();
}

TEST("nbd server: a payload is enciphered where it lies, and its memory comes back")
{
	static unsigned char data[65536];
	char key[] = "/tmp/kiobuf-nbd-key-XXXXXX", text[128];
	int fd = mkstemp(key);

	for (unsigned i = 0; i < 64; i++)
		data[i] = (unsigned char)(i * 7);
	CHECK_EQ(write(fd, data, 64), 64);
	close(fd);
	snprintf(text, sizeof(text), "crypt key-file=%s header=none | mem size=1M", key);
	if (!open_server(text, false))
		return;
	fd = ready_client();
	for (unsigned i = 0; i < 50; i++) {
		memset(data, (int)i, sizeof(data));
		ask_write(fd, 0, i, (i % 16) * 65536, data, sizeof(data));
		expect_reply(fd, i, 0);
		expect_bytes(fd, (i % 16) * 65536, sizeof(data), (unsigned char)i);
	}
	CHECK_EQ(top_stat().copied, 0);
	close(fd);
	close_server();
	unlink(key);
}

TEST("nbd server: structured replies say where the data belongs, or what went wrong")
{
	unsigned char data[8 + 5000];
	int fd;

	if (!open_server("mem size=1M", false))
		return;
	fd = structured_client();
	ask_write(fd, 0, 1, 300, "abc", 3);
	expect_reply(fd, 1, 0);
	ask(fd, NBD_CMD_FLAG_DF, NBD_CMD_READ, 2, 300, 5000);
	CHECK_EQ(expect_chunk(fd, 2, NBD_REPLY_TYPE_OFFSET_DATA), 8 + 5000);
	CHECK_EQ(receive(fd, data, sizeof(data)), sizeof(data));
	CHECK_EQ(kio__get_be64(data), 300);
	CHECK(memcmp(data + 8, "abc\0", 4) == 0);
	ask(fd, 0, NBD_CMD_READ, 3, 300, 0);
	CHECK_EQ(expect_chunk(fd, 3, NBD_REPLY_TYPE_NONE), 0);
	ask(fd, 0, NBD_CMD_READ, 4, 1 << 20, 1);
	CHECK_EQ(expect_chunk(fd, 4, NBD_REPLY_TYPE_ERROR), 6);
	CHECK_EQ(receive(fd, data, 6), 6);
	CHECK_EQ(kio__get_be32(data), NBD_EINVAL);
	CHECK_EQ(kio__get_be16(data + 4), 0);
	ask(fd, 0, NBD_CMD_FLUSH, 5, 0, 0);
	expect_reply(fd, 5, 0);
	close(fd);
	close_server();
}

TEST("nbd server: block status tells holes from data, for the whole range")
{
	static const uint32_t lens[] = { 65536, 131072, 1 << 20 };
	unsigned char data[4 + 8 * 512];
	uint64_t sum = 0;
	uint32_t len;
	int fd;

	if (!open_server("mem size=2M", false))
		return;
	fd = structured_client();
	ask_write(fd, 0, 1, 1 << 20, "abc", 3);
	expect_reply(fd, 1, 0);
	ask(fd, 0, NBD_CMD_BLOCK_STATUS, 2, 0, 2 << 20);
	len = expect_chunk(fd, 2, NBD_REPLY_TYPE_BLOCK_STATUS);
	CHECK(len >= 4 + 3 * 8 && (len - 4) % 8 == 0 && len <= sizeof(data));
	CHECK_EQ(receive(fd, data, len), len);
	CHECK_EQ(kio__get_be32(data), 1);
	for (uint32_t at = 4; at < len; at += 8) {
		bool has_data = sum <= 1 << 20 && (1 << 20) < sum + kio__get_be32(data + at);

		CHECK_EQ(kio__get_be32(data + at + 4), has_data ? 0 : NBD_STATE_HOLE | NBD_STATE_ZERO);
		sum += kio__get_be32(data + at);
	}
	CHECK_EQ(sum, 2 << 20);
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		ask(fd, NBD_CMD_FLAG_REQ_ONE, NBD_CMD_BLOCK_STATUS, 3, 0, lens[i]);
		CHECK_EQ(expect_chunk(fd, 3, NBD_REPLY_TYPE_BLOCK_STATUS), 4 + 8);
		CHECK_EQ(receive(fd, data, 12), 12);
		CHECK_EQ(kio__get_be32(data + 4), lens[i]);
	}
	ask(fd, 0, NBD_CMD_BLOCK_STATUS, 4, 1 << 20, 2 << 20);
	CHECK_EQ(expect_chunk(fd, 4, NBD_REPLY_TYPE_ERROR), 6);
	CHECK_EQ(receive(fd, data, 6), 6);
	close(fd);
	close_server();
}

TEST("nbd server: a trim as large as the disk does not count as memory")
{
	struct wire wire = { .len = 0 };
	struct nbd_counts counts;
	int fd;

	if (!open_server("delay 100ms | null size=2G", false))
		return;
	fd = ready_client();
	for (unsigned i = 0; i < 8; i++)
		wire_request(&wire, 0, NBD_CMD_WRITE_ZEROES, i, 0, 1u << 31);
	send_all(fd, wire.bytes, wire.len);
	step();
	nbd_server_counts(server, &counts);
	CHECK_EQ(counts.requests, 8);
	close(fd);
	close_server();
}

/* --- who is connected --------------------------------------------------- */

struct listed {
	unsigned count;
	struct nbd_client newest;
	struct nbd_counts counts; /* its */
};

static void
note_client(void *priv, const struct nbd_client *client)
{
	struct listed *listed = priv;

	if (listed->count++ != 0)
		return;
	listed->newest = *client;
	listed->counts = *client->counts;
}

static struct listed
list_clients(void)
{
	struct listed listed = { .count = 0 };

	nbd_server_clients(server, note_client, &listed);
	return listed;
}

TEST("nbd server: each client is listed with what it asked for, until its last request is home")
{
	struct nbd_counts counts;
	struct listed listed;
	int first, second;

	if (!open_server("delay 100ms | mem size=1M", false))
		return;
	CHECK_EQ(list_clients().count, 0);
	first = ready_client();
	expect_bytes(first, 0, 4096, 0);
	second = connect_client();
	listed = list_clients();
	CHECK_EQ(listed.count, 2);
	CHECK_STR(listed.newest.state, "handshake");
	CHECK_EQ(listed.newest.pid, (uint64_t)getpid());
	CHECK_EQ(listed.newest.uid, geteuid());
	CHECK_STR(listed.newest.address, "");
	close(second);
	for (unsigned i = 0; i < MOST_ROUNDS && list_clients().count == 2; i++)
		step();
	ask(first, 0, NBD_CMD_READ, 1, 0, 8192);
	listed = list_clients();
	CHECK_EQ(listed.count, 1);
	CHECK_STR(listed.newest.state, "ready");
	CHECK_EQ(listed.newest.in_flight, 1);
	CHECK_EQ(listed.counts.requests, 2);
	CHECK_EQ(listed.counts.read_bytes, 4096);
	close(first);
	for (unsigned i = 0; i < 10; i++)
		step();
	/* it is gone, and what it asked for is not */
	listed = list_clients();
	CHECK_EQ(listed.count, 1);
	CHECK_STR(listed.newest.state, "leaving");
	CHECK_EQ(listed.newest.in_flight, 1);
	for (unsigned i = 0; i < MOST_ROUNDS && list_clients().count != 0; i++)
		step();
	CHECK_EQ(list_clients().count, 0);
	nbd_server_counts(server, &counts);
	CHECK_EQ(counts.connections, 2);
	CHECK_EQ(counts.requests, 2);
	CHECK_EQ(counts.read_bytes, 4096 + 8192);
	close_server();
}

TEST("nbd server: a client over TCP is listed by its address")
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd = socket(AF_INET, SOCK_STREAM, 0);
	char expected[40], seen[96];

	if (!open_server("mem size=1M", false))
		return;
	CHECK_EQ(bind(listener, (struct sockaddr *)&address, size), 0);
	CHECK_EQ(listen(listener, 1), 0);
	CHECK_EQ(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	CHECK_EQ(connect(fd, (struct sockaddr *)&address, size), 0);
	CHECK_EQ(nbd_server_accept(server, accept4(listener, NULL, NULL, SOCK_NONBLOCK)), 0);
	CHECK_EQ(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	snprintf(expected, sizeof(expected), "127.0.0.1:%u", ntohs(address.sin_port));
	snprintf(seen, sizeof(seen), "%s", list_clients().newest.address);
	CHECK_STR(seen, expected);
	close(fd);
	close(listener);
	close_server();
}

TEST("nbd server: there is an end to the number of connections")
{
	int fds[300], count = 0, ends[2];

	if (!open_server("null size=1M", false))
		return;
	for (; count < 300; count++) {
		CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
		fds[count] = ends[1];
		if (nbd_server_accept(server, ends[0]) < 0)
			break;
	}
	CHECK_EQ(count, 256);
	for (int i = 0; i <= count; i++)
		close(fds[i]);
	close_server();
}
