/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>

#include "base/endian.h"
#include "nbd/handshake.h"
#include "nbd/proto.h"
#include "nbd/server.h"
#include "unit.h"

static const struct nbd_export export_ = { "disk", 1 << 20, NBD_FLAG_HAS_FLAGS, 1, 4096, 1 << 25 };

static struct nbd_handshake handshake;
static unsigned char in[8192];
static size_t in_len;

static void
begin(void)
{
	nbd_handshake_begin(&handshake, &export_);
	handshake.out_len = 0;
	kio__put_be32(in, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	in_len = 4;
}

static void
option(uint32_t number, const void *data, uint32_t len)
{
	kio__put_be64(in + in_len, NBD_OPTION_MAGIC);
	kio__put_be32(in + in_len + 8, number);
	kio__put_be32(in + in_len + 12, len);
	memcpy(in + in_len + 16, data, len);
	in_len += 16 + len;
}

static long
feed(void)
{
	long used = nbd_handshake_feed(&handshake, in, in_len);

	if (used > 0) {
		in_len -= (size_t)used;
		memmove(in, in + used, in_len);
	}
	return used;
}

/* The type of the n-th answer. */
static uint32_t
answer(unsigned n)
{
	size_t at = 0;

	while (n-- > 0)
		at += 20 + kio__get_be32(handshake.out + at + 16);
	return at < handshake.out_len ? kio__get_be32(handshake.out + at + 12) : 0;
}

TEST("nbd: the greeting is fixed newstyle")
{
	nbd_handshake_begin(&handshake, &export_);
	CHECK_EQ(handshake.out_len, 18);
	CHECK_EQ(memcmp(handshake.out, "NBDMAGICIHAVEOPT", 16), 0);
	CHECK_EQ(kio__get_be16(handshake.out + 16), 3);
}

TEST("nbd: go, with the export's name and with none, byte by byte")
{
	static const unsigned char named[] = { 0, 0, 0, 4, 'd', 'i', 's', 'k', 0, 1, 0, 3 };
	static const unsigned char unnamed[] = { 0, 0, 0, 0, 0, 0 };
	size_t whole;

	for (int i = 0; i < 2; i++) {
		begin();
		option(NBD_OPT_GO, i == 0 ? named : unnamed, i == 0 ? sizeof(named) : sizeof(unnamed));
		whole = in_len;
		/* a part of it is not enough */
		nbd_handshake_feed(&handshake, in, 4);
		for (size_t len = 4; len < whole; len++)
			CHECK_EQ(nbd_handshake_feed(&handshake, in + 4, len - 4), 0);
		CHECK_EQ(nbd_handshake_feed(&handshake, in + 4, whole - 4), whole - 4);
		CHECK_EQ(handshake.phase, NBD_READY);
		CHECK_EQ(answer(0), NBD_REP_INFO);
		CHECK_EQ(kio__get_be64(handshake.out + 22), 1 << 20);
		CHECK_EQ(answer(3), NBD_REP_ACK);
	}
}

TEST("nbd: an unknown export, an unknown option, one that is malformed or too long: told, and on it goes")
{
	static const unsigned char other[] = { 0, 0, 0, 5, 'o', 't', 'h', 'e', 'r', 0, 0 };
	static const unsigned char lies[] = { 0, 0, 0, 99, 'x', 0, 0 };
	static unsigned char much[6000];

	begin();
	option(NBD_OPT_GO, other, sizeof(other));
	option(NBD_OPT_INFO, lies, sizeof(lies));
	option(NBD_OPT_STRUCTURED_REPLY, "", 0);
	option(NBD_OPT_STARTTLS, "", 0);
	option(77, much, 6000);
	option(NBD_OPT_LIST, "", 0);
	option(NBD_OPT_ABORT, "", 0);
	while (in_len > 0 && feed() > 0)
		;
	CHECK_EQ(in_len, 0);
	CHECK_EQ(answer(0), NBD_REP_ERR_UNKNOWN);
	CHECK_EQ(answer(1), NBD_REP_ERR_INVALID);
	CHECK_EQ(answer(2), NBD_REP_ERR_UNSUP);
	CHECK_EQ(answer(3), NBD_REP_ERR_UNSUP);
	CHECK_EQ(answer(4), NBD_REP_ERR_TOO_BIG);
	CHECK_EQ(answer(5), NBD_REP_SERVER);
	CHECK_EQ(answer(6), NBD_REP_ACK);
	CHECK_EQ(answer(7), NBD_REP_ACK);
	CHECK_EQ(handshake.phase, NBD_ENDED);
}

TEST("nbd: garbage, unknown flags and endless options end it")
{
	begin();
	memset(in + 4, 'x', 100);
	in_len = 104;
	CHECK_EQ(feed(), -EPROTO);
	begin();
	in[0] = 0xff;
	CHECK_EQ(feed(), -EPROTO);
	begin();
	feed();
	for (int i = 0; i < 1000; i++) {
		in_len = 0;
		handshake.out_len = 0;
		option(NBD_OPT_LIST, "", 0);
		if (feed() < 0)
			return;
	}
	CHECK(false);
}

TEST("nbd: the old way, by export name")
{
	begin();
	option(NBD_OPT_EXPORT_NAME, "disk", 4);
	feed();
	CHECK_EQ(handshake.phase, NBD_READY);
	CHECK_EQ(handshake.out_len, 10);
	begin();
	kio__put_be32(in, NBD_FLAG_FIXED_NEWSTYLE);
	option(NBD_OPT_EXPORT_NAME, "", 0);
	feed();
	CHECK_EQ(handshake.out_len, 134);
	begin();
	option(NBD_OPT_EXPORT_NAME, "nope", 4);
	feed();
	CHECK_EQ(handshake.phase, NBD_ENDED);
}

static uint32_t
checked(uint16_t command, uint16_t flags, uint64_t offset, uint32_t len, uint16_t export_flags)
{
	struct nbd_request request = { .command = command, .flags = flags, .offset = offset, .len = len };
	struct nbd_export some = export_;

	some.flags |= export_flags;
	return nbd_request_check(&request, &some);
}

TEST("nbd: requests are checked against the export")
{
	unsigned char head[28] = { 0 };
	struct nbd_request request;

	CHECK_EQ(nbd_request_parse(&request, head), -EPROTO);
	CHECK_EQ(checked(NBD_CMD_READ, 0, 0, 4096, 0), 0);
	CHECK_EQ(checked(NBD_CMD_READ, 0, 1 << 20, 1, 0), NBD_EINVAL);
	CHECK_EQ(checked(NBD_CMD_READ, 0, UINT64_MAX, 4096, 0), NBD_EINVAL);
	CHECK_EQ(checked(NBD_CMD_READ, 0, 0, (32 << 20) + 1, 0), NBD_EOVERFLOW);
	CHECK_EQ(checked(NBD_CMD_READ, 0x80, 0, 1, 0), NBD_EINVAL);
	CHECK_EQ(checked(NBD_CMD_WRITE, NBD_CMD_FLAG_FUA, 0, 1, 0), 0);
	CHECK_EQ(checked(NBD_CMD_WRITE, 0, (1 << 20) - 1, 2, 0), NBD_ENOSPC);
	CHECK_EQ(checked(NBD_CMD_WRITE, 0, 0, 1, NBD_FLAG_READ_ONLY), NBD_EPERM);
	CHECK_EQ(checked(NBD_CMD_TRIM, 0, 0, 1, 0), NBD_EINVAL);
	CHECK_EQ(checked(NBD_CMD_TRIM, 0, 0, 1, NBD_FLAG_SEND_TRIM), 0);
	CHECK_EQ(checked(NBD_CMD_WRITE_ZEROES, NBD_CMD_FLAG_NO_HOLE, 0, 1, 0), 0);
	CHECK_EQ(checked(NBD_CMD_FLUSH, 0, 0, 0, 0), 0);
	CHECK_EQ(checked(NBD_CMD_FLUSH, 0, 1, 0, 0), NBD_EINVAL);
	CHECK_EQ(checked(99, 0, 0, 0, 0), NBD_EINVAL);
}
