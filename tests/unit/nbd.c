/* SPDX-License-Identifier: MIT */
/*
 * The server's side of an NBD handshake and the checks of a request, over bytes
 * alone. Without these an answer could have a wrong length, which a client sees
 * as garbage, and foreign lengths could lead out of a buffer.
 */
#include "unit.h"

#include <errno.h>

#include "nbd/handshake.h"
#include "nbd/server.h"
#include "wire.h"

#define GREETING 18u

static const struct nbd_export disk = {
	.name = "disk",
	.size = 1000000,
	.flags = NBD_FLAG_HAS_FLAGS | NBD_FLAG_SEND_FLUSH | NBD_FLAG_SEND_TRIM,
	.block_least = 1,
	.block_best = 4096,
	.block_most = NBD_PAYLOAD_MOST,
};

static struct nbd_handshake shake;
static size_t at; /* of the next answer in shake.out */

static void
begin(const struct nbd_export *export_)
{
	nbd_handshake_begin(&shake, export_);
	at = GREETING;
}

/* With the client's flags first. */
static void
client(struct wire *wire, uint32_t flags)
{
	wire->len = 0;
	wire_put32(wire, flags);
}

static long
feed(const struct wire *wire)
{
	return nbd_handshake_feed(&shake, wire->bytes, wire->len);
}

/* The next answer: its type; data and its length are stored. */
static uint32_t
next_answer(uint32_t option, const unsigned char **data, uint32_t *len)
{
	const unsigned char *head = shake.out + at;

	CHECK(at + 20 <= shake.out_len);
	if (at + 20 > shake.out_len)
		return 0;
	CHECK_EQ(kio__get_be64(head), NBD_REPLY_MAGIC);
	CHECK_EQ(kio__get_be32(head + 8), option);
	*len = kio__get_be32(head + 16);
	*data = head + 20;
	at += 20 + *len;
	CHECK(at <= shake.out_len);
	return kio__get_be32(head + 12);
}

static void
expect_answer(uint32_t option, uint32_t type)
{
	const unsigned char *data;
	uint32_t len = 0;

	CHECK_EQ(next_answer(option, &data, &len), type);
	if (type == NBD_REP_ACK)
		CHECK_EQ(len, 0);
}

static void
expect_no_more(void)
{
	CHECK_EQ(at, shake.out_len);
}

static void
expect_infos(uint32_t option, const struct nbd_export *export_)
{
	const unsigned char *data;
	uint32_t len = 0;

	CHECK_EQ(next_answer(option, &data, &len), NBD_REP_INFO);
	CHECK_EQ(len, 12);
	CHECK_EQ(kio__get_be16(data), NBD_INFO_EXPORT);
	CHECK_EQ(kio__get_be64(data + 2), export_->size);
	CHECK_EQ(kio__get_be16(data + 10), export_->flags);
	CHECK_EQ(next_answer(option, &data, &len), NBD_REP_INFO);
	CHECK_EQ(len, 2 + strlen(export_->name));
	CHECK_EQ(kio__get_be16(data), NBD_INFO_NAME);
	CHECK(memcmp(data + 2, export_->name, strlen(export_->name)) == 0);
	CHECK_EQ(next_answer(option, &data, &len), NBD_REP_INFO);
	CHECK_EQ(len, 14);
	CHECK_EQ(kio__get_be16(data), NBD_INFO_BLOCK_SIZE);
	CHECK_EQ(kio__get_be32(data + 2), export_->block_least);
	CHECK_EQ(kio__get_be32(data + 6), export_->block_best);
	CHECK_EQ(kio__get_be32(data + 10), export_->block_most);
	expect_answer(option, NBD_REP_ACK);
}

TEST("nbd: greets as a fixed newstyle server")
{
	begin(&disk);
	CHECK_EQ(shake.out_len, GREETING);
	CHECK(memcmp(shake.out, "NBDMAGICIHAVEOPT", 16) == 0);
	CHECK_EQ(kio__get_be16(shake.out + 16), NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
}

TEST("nbd: GO tells size, flags and block sizes, and ends the handshake")
{
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	wire_go(&wire, NBD_OPT_GO, "disk");
	CHECK_EQ(feed(&wire), wire.len);
	expect_infos(NBD_OPT_GO, &disk);
	expect_no_more();
	CHECK_EQ(shake.phase, NBD_READY);
}

TEST("nbd: INFO tells the same and the handshake goes on")
{
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_go(&wire, NBD_OPT_INFO, "disk");
	CHECK_EQ(feed(&wire), wire.len);
	expect_infos(NBD_OPT_INFO, &disk);
	expect_no_more();
	CHECK_EQ(shake.phase, NBD_OPTIONS);
}

TEST("nbd: it does not matter in which pieces the bytes come")
{
	static unsigned char whole[NBD_HANDSHAKE_OUT];
	size_t whole_len, used = 0;
	struct wire wire;

	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_option(&wire, NBD_OPT_LIST, NULL, 0);
	wire_go(&wire, NBD_OPT_INFO, "none");
	wire_go(&wire, NBD_OPT_GO, "disk");
	begin(&disk);
	CHECK_EQ(feed(&wire), wire.len);
	memcpy(whole, shake.out, shake.out_len);
	whole_len = shake.out_len;
	begin(&disk);
	for (size_t end = 1; end <= wire.len; end++) {
		long step = nbd_handshake_feed(&shake, wire.bytes + used, end - used);

		CHECK(step >= 0);
		used += (size_t)step;
	}
	CHECK_EQ(used, wire.len);
	CHECK_EQ(shake.out_len, whole_len);
	CHECK(memcmp(shake.out, whole, whole_len) == 0);
	CHECK_EQ(shake.phase, NBD_READY);
}

TEST("nbd: bytes behind GO are left to the requests")
{
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_go(&wire, NBD_OPT_GO, "");
	wire_request(&wire, 0, NBD_CMD_READ, 1, 0, 1);
	CHECK_EQ(feed(&wire), wire.len - NBD_REQUEST_BYTES);
	CHECK_EQ(feed(&wire), 0);
}

TEST("nbd: LIST names the export")
{
	const unsigned char *data;
	struct wire wire;
	uint32_t len = 0;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_option(&wire, NBD_OPT_LIST, NULL, 0);
	wire_option(&wire, NBD_OPT_LIST, "x", 1);
	CHECK_EQ(feed(&wire), wire.len);
	CHECK_EQ(next_answer(NBD_OPT_LIST, &data, &len), NBD_REP_SERVER);
	CHECK_EQ(len, 8);
	CHECK_EQ(kio__get_be32(data), 4);
	CHECK(memcmp(data + 4, "disk", 4) == 0);
	expect_answer(NBD_OPT_LIST, NBD_REP_ACK);
	expect_answer(NBD_OPT_LIST, NBD_REP_ERR_INVALID);
	expect_no_more();
}

TEST("nbd: EXPORT_NAME is answered with size, flags and, if wanted, 124 zeroes")
{
	static const unsigned char zeroes[124];
	struct wire wire;

	begin(&disk);
	client(&wire, 0);
	wire_option(&wire, NBD_OPT_EXPORT_NAME, "disk", 4);
	CHECK_EQ(feed(&wire), wire.len);
	CHECK_EQ(shake.out_len, GREETING + 10 + 124);
	CHECK_EQ(kio__get_be64(shake.out + GREETING), disk.size);
	CHECK_EQ(kio__get_be16(shake.out + GREETING + 8), disk.flags);
	CHECK(memcmp(shake.out + GREETING + 10, zeroes, sizeof(zeroes)) == 0);
	CHECK_EQ(shake.phase, NBD_READY);

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
	wire_option(&wire, NBD_OPT_EXPORT_NAME, "", 0);
	CHECK_EQ(feed(&wire), wire.len);
	CHECK_EQ(shake.out_len, GREETING + 10);
	CHECK_EQ(shake.phase, NBD_READY);
}

TEST("nbd: EXPORT_NAME of what there is not hangs up, for it cannot say no")
{
	struct wire wire;

	begin(&disk);
	client(&wire, 0);
	wire_option(&wire, NBD_OPT_EXPORT_NAME, "dis", 3);
	CHECK_EQ(feed(&wire), wire.len);
	CHECK_EQ(shake.out_len, GREETING);
	CHECK_EQ(shake.phase, NBD_ENDED);
}

TEST("nbd: GO for an unknown export says so, and the client may try another")
{
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_go(&wire, NBD_OPT_GO, "disks");
	wire_go(&wire, NBD_OPT_GO, "");
	CHECK_EQ(feed(&wire), wire.len);
	expect_answer(NBD_OPT_GO, NBD_REP_ERR_UNKNOWN);
	expect_infos(NBD_OPT_GO, &disk);
	CHECK_EQ(shake.phase, NBD_READY);
}

TEST("nbd: GO whose lengths do not add up is invalid, and the next is heard")
{
	static const struct {
		uint32_t len;
		unsigned char data[16];
	} wrong[] = {
		{ 0, { 0 } },
		{ 5, { 0, 0, 0, 0, 0 } },
		{ 6, { 0, 0, 0, 1, 0, 0 } },               /* the name takes the count's place */
		{ 6, { 0xff, 0xff, 0xff, 0xff, 0, 0 } },
		{ 6, { 0xff, 0xff, 0xff, 0xfc, 0, 0 } },   /* wraps when something is added */
		{ 6, { 0, 0, 0, 0, 0, 1 } },               /* an info is missing */
		{ 7, { 0, 0, 0, 0, 0, 0, 0 } },            /* a byte too many */
		{ 10, { 0, 0, 0, 0, 0, 1, 0, 0, 0, 0 } },
	};
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		wire_option(&wire, NBD_OPT_GO, wrong[i].data, wrong[i].len);
	wire_go(&wire, NBD_OPT_INFO, "disk");
	CHECK_EQ(feed(&wire), wire.len);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_answer(NBD_OPT_GO, NBD_REP_ERR_INVALID);
	expect_infos(NBD_OPT_INFO, &disk);
	expect_no_more();
}

TEST("nbd: an option that is not known is refused, not fatal")
{
	static const uint32_t options[] = { 0, 4, NBD_OPT_STARTTLS, 9999, 11, UINT32_MAX };
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		wire_option(&wire, options[i], "data", (uint32_t)(i % 5));
	CHECK_EQ(feed(&wire), wire.len);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		expect_answer(options[i], NBD_REP_ERR_UNSUP);
	expect_no_more();
}

/* A metadata option for the export "disk" with queries, NULL at the end. */
static void
put_contexts(struct wire *wire, uint32_t option, const char *const *queries)
{
	uint32_t len = 4 + 4 + 4, count = 0;

	for (; queries[count] != NULL; count++)
		len += 4 + (uint32_t)strlen(queries[count]);
	wire_option_head(wire, option, len);
	wire_put32(wire, 4);
	wire_put(wire, "disk", 4);
	wire_put32(wire, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_put32(wire, (uint32_t)strlen(queries[i]));
		wire_put(wire, queries[i], strlen(queries[i]));
	}
}

static void
expect_context(uint32_t option, uint32_t id)
{
	const unsigned char *data;
	uint32_t len = 0;

	CHECK_EQ(next_answer(option, &data, &len), NBD_REP_META_CONTEXT);
	CHECK_EQ(len, 4 + 15);
	CHECK_EQ(kio__get_be32(data), id);
	CHECK(memcmp(data + 4, "base:allocation", 15) == 0);
}

TEST("nbd: base:allocation is listed and selected, once replies are structured")
{
	static const char *const none[] = { NULL };
	static const char *const space[] = { "base:", NULL };
	static const char *const exact[] = { "other:thing", "base:allocation", NULL };
	static const char *const other[] = { "base:allocatio", "base:allocations", "", NULL };
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	put_contexts(&wire, NBD_OPT_SET_META_CONTEXT, exact);
	wire_option(&wire, NBD_OPT_STRUCTURED_REPLY, "x", 1);
	CHECK_EQ(feed(&wire), wire.len);
	expect_answer(NBD_OPT_SET_META_CONTEXT, NBD_REP_ERR_INVALID);
	expect_answer(NBD_OPT_STRUCTURED_REPLY, NBD_REP_ERR_INVALID);
	CHECK(!shake.structured && !shake.export_.allocation);

	wire.len = 0;
	wire_option(&wire, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
	put_contexts(&wire, NBD_OPT_LIST_META_CONTEXT, none);
	put_contexts(&wire, NBD_OPT_LIST_META_CONTEXT, space);
	put_contexts(&wire, NBD_OPT_LIST_META_CONTEXT, other);
	put_contexts(&wire, NBD_OPT_SET_META_CONTEXT, exact);
	CHECK_EQ(feed(&wire), wire.len);
	expect_answer(NBD_OPT_STRUCTURED_REPLY, NBD_REP_ACK);
	expect_context(NBD_OPT_LIST_META_CONTEXT, 0);
	expect_answer(NBD_OPT_LIST_META_CONTEXT, NBD_REP_ACK);
	expect_context(NBD_OPT_LIST_META_CONTEXT, 0);
	expect_answer(NBD_OPT_LIST_META_CONTEXT, NBD_REP_ACK);
	expect_answer(NBD_OPT_LIST_META_CONTEXT, NBD_REP_ACK);
	expect_context(NBD_OPT_SET_META_CONTEXT, NBD_ALLOCATION_ID);
	expect_answer(NBD_OPT_SET_META_CONTEXT, NBD_REP_ACK);
	expect_no_more();
	CHECK(shake.structured && shake.export_.allocation);

	/* each selection replaces the one before */
	wire.len = 0;
	put_contexts(&wire, NBD_OPT_SET_META_CONTEXT, space);
	CHECK_EQ(feed(&wire), wire.len);
	expect_answer(NBD_OPT_SET_META_CONTEXT, NBD_REP_ACK);
	CHECK(!shake.export_.allocation);
}

TEST("nbd: queries whose lengths do not add up are invalid")
{
	static const struct {
		uint32_t len;
		unsigned char data[20];
	} wrong[] = {
		{ 0, { 0 } },
		{ 4, { 0, 0, 0, 0 } },
		{ 8, { 0, 0, 0, 0, 0, 0, 0, 1 } },
		{ 8, { 0, 0, 0, 5, 0, 0, 0, 0 } },
		{ 9, { 0, 0, 0, 0, 0, 0, 0, 0, 0 } },
		{ 12, { 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff } },
		{ 12, { 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 } },
	};
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_option(&wire, NBD_OPT_STRUCTURED_REPLY, NULL, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		wire_option(&wire, NBD_OPT_SET_META_CONTEXT, wrong[i].data, wrong[i].len);
	CHECK_EQ(feed(&wire), wire.len);
	expect_answer(NBD_OPT_STRUCTURED_REPLY, NBD_REP_ACK);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		expect_answer(NBD_OPT_SET_META_CONTEXT, NBD_REP_ERR_INVALID);
	expect_no_more();
}

TEST("nbd: an option that is too long is skipped as it comes")
{
	unsigned char data[1000] = { 0 };
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_option_head(&wire, NBD_OPT_GO, 100000);
	CHECK_EQ(feed(&wire), wire.len);
	expect_answer(NBD_OPT_GO, NBD_REP_ERR_TOO_BIG);
	for (unsigned i = 0; i < 99; i++)
		CHECK_EQ(nbd_handshake_feed(&shake, data, sizeof(data)), sizeof(data));
	wire.len = 0;
	wire_put(&wire, data, sizeof(data));
	wire_go(&wire, NBD_OPT_INFO, "");
	CHECK_EQ(feed(&wire), wire.len);
	expect_infos(NBD_OPT_INFO, &disk);
	expect_no_more();
}

TEST("nbd: ABORT is acknowledged and ends it")
{
	struct wire wire;

	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_option(&wire, NBD_OPT_ABORT, NULL, 0);
	wire_go(&wire, NBD_OPT_GO, "");
	CHECK_EQ(feed(&wire), 4 + 16);
	expect_answer(NBD_OPT_ABORT, NBD_REP_ACK);
	expect_no_more();
	CHECK_EQ(shake.phase, NBD_ENDED);
}

TEST("nbd: who does not speak NBD is dropped")
{
	struct wire wire;

	begin(&disk);
	client(&wire, 0x47455420); /* "GET " */
	CHECK_EQ(feed(&wire), -EPROTO);
	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_put(&wire, "not an option!!!", 16);
	CHECK_EQ(feed(&wire), -EPROTO);
	begin(&disk);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	wire_option_head(&wire, NBD_OPT_EXPORT_NAME, UINT32_MAX);
	CHECK_EQ(feed(&wire), -EPROTO);
}

TEST("nbd: who haggles without end is dropped")
{
	for (uint32_t len = 0; len <= 6000; len += 6000) {
		struct wire wire;
		long rc = 0;
		unsigned rounds;

		begin(&disk);
		client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
		for (rounds = 0; rounds < 1000 && rc >= 0; rounds++) {
			wire_option_head(&wire, NBD_OPT_STARTTLS, len);
			memset(wire.bytes + wire.len, 0, len);
			wire.len += len;
			rc = feed(&wire);
			shake.out_len = wire.len = 0;
		}
		CHECK_EQ(rc, -EPROTO);
		CHECK(rounds < 100);
	}
}

TEST("nbd: answers that nobody takes stop the reading, not the program")
{
	static char name[NBD_NAME_MOST + 1];
	struct nbd_export export_ = disk;
	size_t used = 0, answers = 0;
	struct wire wire;

	memset(name, 'n', NBD_NAME_MOST);
	export_.name = name;
	begin(&export_);
	client(&wire, NBD_FLAG_FIXED_NEWSTYLE);
	for (unsigned i = 0; i < 12; i++)
		wire_go(&wire, NBD_OPT_INFO, name);
	for (unsigned i = 0; i < 100 && used < wire.len; i++) {
		long step = nbd_handshake_feed(&shake, wire.bytes + used, wire.len - used);

		CHECK(step >= 0);
		CHECK(shake.out_len <= NBD_HANDSHAKE_OUT);
		used += (size_t)step;
		for (; at < shake.out_len; answers++)
			expect_infos(NBD_OPT_INFO, &export_);
		shake.out_len = at = 0;
	}
	CHECK_EQ(used, wire.len);
	CHECK_EQ(answers, 12);
}

/* --- requests ----------------------------------------------------------- */

TEST("nbd: a request's head is read as it stands on the wire")
{
	struct nbd_request request;
	struct wire wire = { .len = 0 };

	wire_request(&wire, 0x0102, 0x0304, 0x05060708090a0b0cu, 0x0d0e0f1011121314u, 0x15161718);
	CHECK_EQ(wire.len, NBD_REQUEST_BYTES);
	CHECK_EQ(nbd_request_parse(&request, wire.bytes), 0);
	CHECK_EQ(request.flags, 0x0102);
	CHECK_EQ(request.command, 0x0304);
	CHECK_EQ(request.cookie, 0x05060708090a0b0cu);
	CHECK_EQ(request.offset, 0x0d0e0f1011121314u);
	CHECK_EQ(request.len, 0x15161718);
	wire.bytes[3] ^= 1;
	CHECK_EQ(nbd_request_parse(&request, wire.bytes), -EPROTO);
}

TEST("nbd: what the export cannot do has the error the protocol names")
{
	static const struct {
		uint16_t flags, command;
		uint64_t offset;
		uint32_t len, error, read_only_error;
	} cases[] = {
		{ 0, NBD_CMD_READ, 0, 1000000, 0, 0 },
		{ 0, NBD_CMD_READ, 1000000, 0, 0, 0 },
		{ 0, NBD_CMD_READ, 999999, 2, NBD_EINVAL, NBD_EINVAL },
		{ 0, NBD_CMD_READ, UINT64_MAX, 2, NBD_EINVAL, NBD_EINVAL },
		{ 0, NBD_CMD_READ, 0, NBD_PAYLOAD_MOST + 1, NBD_EOVERFLOW, NBD_EOVERFLOW },
		{ NBD_CMD_FLAG_FUA, NBD_CMD_READ, 0, 1, 0, 0 },
		{ NBD_CMD_FLAG_NO_HOLE, NBD_CMD_READ, 0, 1, NBD_EINVAL, NBD_EINVAL },
		{ 0x8000, NBD_CMD_WRITE, 0, 1, NBD_EINVAL, NBD_EINVAL },
		{ NBD_CMD_FLAG_FUA, NBD_CMD_WRITE, 0, 1000000, 0, NBD_EPERM },
		{ 0, NBD_CMD_WRITE, 999999, 2, NBD_ENOSPC, NBD_EPERM },
		{ 0, NBD_CMD_WRITE, UINT64_MAX - 1, 2, NBD_ENOSPC, NBD_EPERM },
		{ 0, NBD_CMD_FLUSH, 0, 0, 0, 0 },
		{ 0, NBD_CMD_FLUSH, 1, 0, NBD_EINVAL, NBD_EINVAL },
		{ 0, NBD_CMD_TRIM, 0, 1000000, 0, NBD_EPERM },
		{ 0, NBD_CMD_TRIM, 1, 1000000, NBD_EINVAL, NBD_EPERM },
		{ 0, NBD_CMD_WRITE_ZEROES, 0, 1000000, 0, NBD_EPERM },
		{ 0, NBD_CMD_WRITE_ZEROES, 0, UINT32_MAX, NBD_ENOSPC, NBD_EPERM },
		{ NBD_CMD_FLAG_FUA | NBD_CMD_FLAG_NO_HOLE | NBD_CMD_FLAG_FAST_ZERO, NBD_CMD_WRITE_ZEROES,
		  0, 1, 0, NBD_EPERM },
		{ 0, 5, 0, 1, NBD_EINVAL, NBD_EINVAL },
		{ 0, 7, 0, 1, NBD_EINVAL, NBD_EINVAL },
		{ 0, 0xffff, 0, 1, NBD_EINVAL, NBD_EINVAL },
	};
	struct nbd_export read_only = disk;

	read_only.flags |= NBD_FLAG_READ_ONLY;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct nbd_request request = { .flags = cases[i].flags, .command = cases[i].command,
					       .offset = cases[i].offset, .len = cases[i].len };

		CHECK_EQ(nbd_request_check(&request, &disk), cases[i].error);
		CHECK_EQ(nbd_request_check(&request, &read_only), cases[i].read_only_error);
	}
}

TEST("nbd: a trim that was not offered is invalid")
{
	struct nbd_request request = { .command = NBD_CMD_TRIM, .len = 1 };
	struct nbd_export export_ = disk;

	export_.flags &= (uint16_t)~NBD_FLAG_SEND_TRIM;
	CHECK_EQ(nbd_request_check(&request, &export_), NBD_EINVAL);
}

TEST("nbd: block status and don't-fragment are for those who agreed on them")
{
	struct nbd_request status = { .command = NBD_CMD_BLOCK_STATUS, .flags = NBD_CMD_FLAG_REQ_ONE,
				      .len = 1000000 };
	struct nbd_export agreed = disk;
	struct nbd_request read = { .command = NBD_CMD_READ, .flags = NBD_CMD_FLAG_DF, .len = 1 };

	CHECK_EQ(nbd_request_check(&status, &agreed), NBD_EINVAL);
	CHECK_EQ(nbd_request_check(&read, &agreed), NBD_EINVAL);
	agreed.flags |= NBD_FLAG_SEND_DF;
	agreed.allocation = true;
	CHECK_EQ(nbd_request_check(&status, &agreed), 0);
	CHECK_EQ(nbd_request_check(&read, &agreed), 0);
	status.len = 0;
	CHECK_EQ(nbd_request_check(&status, &agreed), NBD_EINVAL);
	status.len = 1000001;
	CHECK_EQ(nbd_request_check(&status, &agreed), NBD_EINVAL);
}

TEST("nbd: errors of the stack become those of the wire")
{
	static const struct {
		int status;
		uint32_t read, write;
	} cases[] = {
		{ 0, 0, 0 },
		{ -EIO, NBD_EIO, NBD_EIO },
		{ -EROFS, NBD_EPERM, NBD_EPERM },
		{ -ENOSPC, NBD_ENOSPC, NBD_ENOSPC },
		{ -EDQUOT, NBD_ENOSPC, NBD_ENOSPC },
		{ -ERANGE, NBD_EINVAL, NBD_ENOSPC },
		{ -ENOMEM, NBD_ENOMEM, NBD_ENOMEM },
		{ -ENOTSUP, NBD_EINVAL, NBD_EINVAL },
		{ -ETIMEDOUT, NBD_EIO, NBD_EIO },
	};
	struct nbd_request read = { .command = NBD_CMD_READ }, write = { .command = NBD_CMD_WRITE };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(nbd_request_error(&read, cases[i].status), cases[i].read);
		CHECK_EQ(nbd_request_error(&write, cases[i].status), cases[i].write);
	}
}
