/* SPDX-License-Identifier: MIT */
/*
 * What a client may send before it is known to be one. The first byte says in
 * which pieces the rest comes; whatever it is, the answers are whole and the
 * same as when it comes at once.
 */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "nbd/handshake.h"
#include "nbd/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct nbd_export disk = { .name = "disk", .size = 1 << 20, .block_least = 1,
					.block_best = 4096, .block_most = NBD_PAYLOAD_MOST };

struct run {
	struct nbd_handshake handshake;
	unsigned char answers[1 << 20];
	size_t len;
	long last;
};

static void
take_answers(struct run *run)
{
	struct nbd_handshake *handshake = &run->handshake;

	if (handshake->out_len > sizeof(handshake->out) ||
	    handshake->out_len > sizeof(run->answers) - run->len)
		abort();
	memcpy(run->answers + run->len, handshake->out, handshake->out_len);
	run->len += handshake->out_len;
	handshake->out_len = 0;
}

/* The buffer is as large as the data, so that a look behind it is seen. */
static void
feed_all(struct run *run, const uint8_t *data, size_t size, size_t piece)
{
	size_t used = 0, have = 0;

	run->len = 0;
	nbd_handshake_begin(&run->handshake, &disk);
	take_answers(run);
	do {
		unsigned char *in;

		have = size - have < piece ? size : have + piece;
		do {
			in = malloc(have - used + (have == used));
			memcpy(in, data + used, have - used);
			run->last = nbd_handshake_feed(&run->handshake, in, have - used);
			free(in);
			take_answers(run);
			if (run->last < 0)
				return;
			if ((size_t)run->last > have - used)
				abort();
			used += (size_t)run->last;
		} while (run->last > 0);
	} while (have < size && run->handshake.phase < NBD_READY);
}

/* Every answer but that to an export name has a magic and a length that leads to the next. */
static void
check_answers(const struct run *run)
{
	size_t at = 18, end = run->len;

	while (at + 20 <= end && kio__get_be64(run->answers + at) == NBD_REPLY_MAGIC)
		at += 20 + (size_t)kio__get_be32(run->answers + at + 16);
	if (at == end)
		return;
	if (run->handshake.phase != NBD_READY || (end - at != 10 && end - at != 134) ||
	    kio__get_be64(run->answers + at) != disk.size)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run whole, pieces;

	if (size == 0)
		return 0;
	feed_all(&whole, data + 1, size - 1, size);
	check_answers(&whole);
	feed_all(&pieces, data + 1, size - 1, data[0] % 40 + 1u);
	check_answers(&pieces);
	if (whole.handshake.phase != pieces.handshake.phase || whole.len != pieces.len ||
	    memcmp(whole.answers, pieces.answers, whole.len) != 0)
		abort();
	return 0;
}
