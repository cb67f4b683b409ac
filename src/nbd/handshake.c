/* SPDX-License-Identifier: MIT */
/*
 * Fixed newstyle negotiation: greeting, the client's flags, options one after
 * the other until one of them ends it.
 */
#include "nbd/handshake.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "nbd/proto.h"

#define OPTION_HEAD 16u
#define MOST_OPTIONS 64u
#define ANSWER_MOST 512u /* room for the longest answer to one option, besides names */

static void
put(struct nbd_handshake *handshake, const void *data, size_t len)
{
	memcpy(handshake->out + handshake->out_len, data, len);
	handshake->out_len += len;
}

static void
put16(struct nbd_handshake *handshake, uint16_t value)
{
	unsigned char bytes[2];

	kio__put_be16(bytes, value);
	put(handshake, bytes, sizeof(bytes));
}

static void
put32(struct nbd_handshake *handshake, uint32_t value)
{
	unsigned char bytes[4];

	kio__put_be32(bytes, value);
	put(handshake, bytes, sizeof(bytes));
}

static void
put64(struct nbd_handshake *handshake, uint64_t value)
{
	unsigned char bytes[8];

	kio__put_be64(bytes, value);
	put(handshake, bytes, sizeof(bytes));
}

static void
answer(struct nbd_handshake *handshake, uint32_t option, uint32_t type, const char *text)
{
	put64(handshake, NBD_REPLY_MAGIC);
	put32(handshake, option);
	put32(handshake, type);
	put32(handshake, text != NULL ? (uint32_t)strlen(text) : 0);
	if (text != NULL)
		put(handshake, text, strlen(text));
}

void
nbd_handshake_begin(struct nbd_handshake *handshake, const struct nbd_export *export_)
{
	memset(handshake, 0, offsetof(struct nbd_handshake, out));
	handshake->export_ = *export_;
	put64(handshake, NBD_MAGIC);
	put64(handshake, NBD_OPTION_MAGIC);
	put16(handshake, NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES);
}

/* --- options ------------------------------------------------------------ */

static bool
is_export(const struct nbd_handshake *handshake, const unsigned char *name, size_t len)
{
	const char *own = handshake->export_.name;

	/* the empty name is the default export, whatever it is called */
	return len == 0 || (strlen(own) == len && memcmp(own, name, len) == 0);
}

static void
option_export_name(struct nbd_handshake *handshake, const unsigned char *data, size_t len)
{
	static const unsigned char zeroes[124];

	/* this option has no way to say no but to hang up */
	if (!is_export(handshake, data, len)) {
		handshake->phase = NBD_ENDED;
		return;
	}
	put64(handshake, handshake->export_.size);
	put16(handshake, handshake->export_.flags);
	if (!handshake->no_zeroes)
		put(handshake, zeroes, sizeof(zeroes));
	handshake->phase = NBD_READY;
}

static void
option_list(struct nbd_handshake *handshake, size_t len)
{
	size_t name_len = strlen(handshake->export_.name);

	if (len != 0) {
		answer(handshake, NBD_OPT_LIST, NBD_REP_ERR_INVALID, "list takes no data");
		return;
	}
	put64(handshake, NBD_REPLY_MAGIC);
	put32(handshake, NBD_OPT_LIST);
	put32(handshake, NBD_REP_SERVER);
	put32(handshake, (uint32_t)(4 + name_len));
	put32(handshake, (uint32_t)name_len);
	put(handshake, handshake->export_.name, name_len);
	answer(handshake, NBD_OPT_LIST, NBD_REP_ACK, NULL);
}

static void
info_head(struct nbd_handshake *handshake, uint32_t option, uint16_t info, uint32_t len)
{
	put64(handshake, NBD_REPLY_MAGIC);
	put32(handshake, option);
	put32(handshake, NBD_REP_INFO);
	put32(handshake, 2 + len);
	put16(handshake, info);
}

static void
put_infos(struct nbd_handshake *handshake, uint32_t option)
{
	const struct nbd_export *export_ = &handshake->export_;

	info_head(handshake, option, NBD_INFO_EXPORT, 10);
	put64(handshake, export_->size);
	put16(handshake, handshake->export_.flags);
	info_head(handshake, option, NBD_INFO_NAME, (uint32_t)strlen(export_->name));
	put(handshake, export_->name, strlen(export_->name));
	info_head(handshake, option, NBD_INFO_BLOCK_SIZE, 12);
	put32(handshake, export_->block_least);
	put32(handshake, export_->block_best);
	put32(handshake, export_->block_most);
	answer(handshake, option, NBD_REP_ACK, NULL);
}

/* data: length and name, count and numbers of the infos that are wanted; all are told anyhow. */
static void
option_info(struct nbd_handshake *handshake, uint32_t option, const unsigned char *data, size_t len)
{
	uint32_t name_len = len >= 6 ? kio__get_be32(data) : UINT32_MAX;

	if (len < 6 || name_len > len - 6 ||
	    len - 6 - name_len != (size_t)kio__get_be16(data + 4 + name_len) * 2) {
		answer(handshake, option, NBD_REP_ERR_INVALID, "the lengths do not add up");
		return;
	}
	if (!is_export(handshake, data + 4, name_len)) {
		answer(handshake, option, NBD_REP_ERR_UNKNOWN, "there is no such export");
		return;
	}
	put_infos(handshake, option);
	if (option == NBD_OPT_GO)
		handshake->phase = NBD_READY;
}

static void
option_structured(struct nbd_handshake *handshake, size_t len)
{
	if (len != 0) {
		answer(handshake, NBD_OPT_STRUCTURED_REPLY, NBD_REP_ERR_INVALID, "it takes no data");
		return;
	}
	handshake->structured = true;
	handshake->export_.flags |= NBD_FLAG_SEND_DF;
	answer(handshake, NBD_OPT_STRUCTURED_REPLY, NBD_REP_ACK, NULL);
}

/* --- metadata contexts -------------------------------------------------- */

static const char allocation[] = "base:allocation";

/* What is left of an option's data; a length that leads out of it makes it wrong for good. */
struct rest {
	const unsigned char *at;
	size_t len;
	bool wrong;
};

static uint32_t
take32(struct rest *rest)
{
	uint32_t value;

	if (rest->len < 4) {
		rest->wrong = true;
		return 0;
	}
	value = kio__get_be32(rest->at);
	rest->at += 4;
	rest->len -= 4;
	return value;
}

/* A length and as many bytes. */
static const unsigned char *
take_string(struct rest *rest, size_t *len)
{
	const unsigned char *at;

	*len = take32(rest);
	at = rest->at;
	if (*len > rest->len) {
		rest->wrong = true;
		*len = 0;
	}
	rest->at += *len;
	rest->len -= *len;
	return at;
}

/* A list may ask for a whole namespace, a selection names the context. */
static bool
is_allocation(const unsigned char *query, size_t len, bool listing)
{
	return (len == strlen(allocation) && memcmp(query, allocation, len) == 0) ||
	       (listing && len == strlen("base:") && memcmp(query, "base:", len) == 0);
}

/* data: name of the export, count, and as many queries. */
static void
option_meta_context(struct nbd_handshake *handshake, uint32_t option, const unsigned char *data,
		    size_t len)
{
	bool listing = option == NBD_OPT_LIST_META_CONTEXT, found;
	struct rest rest = { data, len, !handshake->structured };
	const unsigned char *name, *query;
	size_t name_len, query_len;
	uint32_t count;

	if (!listing)
		handshake->export_.allocation = false;
	name = take_string(&rest, &name_len);
	count = take32(&rest);
	found = listing && count == 0;
	for (; count != 0 && !rest.wrong; count--) {
		query = take_string(&rest, &query_len);
		found |= is_allocation(query, query_len, listing);
	}
	if (rest.wrong || rest.len != 0) {
		answer(handshake, option, NBD_REP_ERR_INVALID,
		       handshake->structured ? "the lengths do not add up" :
					       "structured replies come first");
		return;
	}
	if (!is_export(handshake, name, name_len)) {
		answer(handshake, option, NBD_REP_ERR_UNKNOWN, "there is no such export");
		return;
	}
	if (found) {
		put64(handshake, NBD_REPLY_MAGIC);
		put32(handshake, option);
		put32(handshake, NBD_REP_META_CONTEXT);
		put32(handshake, (uint32_t)(4 + strlen(allocation)));
		put32(handshake, listing ? 0 : NBD_ALLOCATION_ID);
		put(handshake, allocation, strlen(allocation));
	}
	handshake->export_.allocation |= found && !listing;
	answer(handshake, option, NBD_REP_ACK, NULL);
}

static void
run_option(struct nbd_handshake *handshake, uint32_t option, const unsigned char *data, size_t len)
{
	switch (option) {
	case NBD_OPT_EXPORT_NAME:
		option_export_name(handshake, data, len);
		break;
	case NBD_OPT_ABORT:
		answer(handshake, option, NBD_REP_ACK, NULL);
		handshake->phase = NBD_ENDED;
		break;
	case NBD_OPT_LIST:
		option_list(handshake, len);
		break;
	case NBD_OPT_INFO:
	case NBD_OPT_GO:
		option_info(handshake, option, data, len);
		break;
	case NBD_OPT_STRUCTURED_REPLY:
		option_structured(handshake, len);
		break;
	case NBD_OPT_LIST_META_CONTEXT:
	case NBD_OPT_SET_META_CONTEXT:
		option_meta_context(handshake, option, data, len);
		break;
	default:
		answer(handshake, option, NBD_REP_ERR_UNSUP, NULL);
		break;
	}
}

static long
feed_option(struct nbd_handshake *handshake, const unsigned char *in, size_t len)
{
	uint32_t option, data_len;

	if (len < OPTION_HEAD)
		return 0;
	if (kio__get_be64(in) != NBD_OPTION_MAGIC)
		return -EPROTO;
	option = kio__get_be32(in + 8);
	data_len = kio__get_be32(in + 12);
	if (handshake->options == MOST_OPTIONS)
		return -EPROTO;
	if (data_len > NBD_NAME_MOST + 1024) {
		if (option == NBD_OPT_EXPORT_NAME)
			return -EPROTO;
		handshake->options++;
		answer(handshake, option, NBD_REP_ERR_TOO_BIG, NULL);
		handshake->skip = data_len;
		return OPTION_HEAD;
	}
	if (len < OPTION_HEAD + data_len)
		return 0;
	handshake->options++;
	run_option(handshake, option, in + OPTION_HEAD, data_len);
	return (long)(OPTION_HEAD + data_len);
}

static long
feed_flags(struct nbd_handshake *handshake, const unsigned char *in, size_t len)
{
	uint32_t flags;

	if (len < 4)
		return 0;
	flags = kio__get_be32(in);
	if ((flags & ~(NBD_FLAG_FIXED_NEWSTYLE | NBD_FLAG_NO_ZEROES)) != 0)
		return -EPROTO;
	handshake->no_zeroes = (flags & NBD_FLAG_NO_ZEROES) != 0;
	handshake->phase = NBD_OPTIONS;
	return 4;
}

long
nbd_handshake_feed(struct nbd_handshake *handshake, const unsigned char *in, size_t len)
{
	size_t room = ANSWER_MOST + 2 * strlen(handshake->export_.name);
	long used = 0, step;

	while (handshake->phase < NBD_READY && handshake->out_len + room <= NBD_HANDSHAKE_OUT) {
		if (handshake->skip != 0) {
			step = (long)(handshake->skip < len - (size_t)used ? handshake->skip :
									     len - (size_t)used);
			handshake->skip -= (uint64_t)step;
		} else if (handshake->phase == NBD_CLIENT_FLAGS) {
			step = feed_flags(handshake, in + used, len - (size_t)used);
		} else {
			step = feed_option(handshake, in + used, len - (size_t)used);
		}
		if (step < 0)
			return step;
		if (step == 0)
			break;
		used += step;
	}
	return used;
}
