/* SPDX-License-Identifier: MIT */
#ifndef TESTS_WIRE_H
#define TESTS_WIRE_H

/* Building what an NBD client sends, and taking apart what it gets. */

#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "nbd/proto.h"

struct wire {
	unsigned char bytes[65536];
	size_t len;
};

static inline void
wire_put(struct wire *wire, const void *data, size_t len)
{
	if (len > sizeof(wire->bytes) - wire->len)
		abort();
	memcpy(wire->bytes + wire->len, data, len);
	wire->len += len;
}

#define WIRE_PUT(bits)                                                   \
	static inline void wire_put##bits(struct wire *wire, uint##bits##_t value) \
	{                                                                \
		unsigned char bytes[bits / 8];                           \
		kio__put_be##bits(bytes, value);                         \
		wire_put(wire, bytes, sizeof(bytes));                    \
	}

WIRE_PUT(16)
WIRE_PUT(32)
WIRE_PUT(64)

static inline void
wire_option_head(struct wire *wire, uint32_t option, uint32_t len)
{
	wire_put64(wire, NBD_OPTION_MAGIC);
	wire_put32(wire, option);
	wire_put32(wire, len);
}

static inline void
wire_option(struct wire *wire, uint32_t option, const void *data, uint32_t len)
{
	wire_option_head(wire, option, len);
	if (len != 0)
		wire_put(wire, data, len);
}

/* INFO or GO, without a word about which infos are wanted. */
static inline void
wire_go(struct wire *wire, uint32_t option, const char *name)
{
	uint32_t len = (uint32_t)strlen(name);

	wire_option_head(wire, option, 4 + len + 2);
	wire_put32(wire, len);
	wire_put(wire, name, len);
	wire_put16(wire, 0);
}

static inline void
wire_request(struct wire *wire, uint16_t flags, uint16_t command, uint64_t cookie, uint64_t offset,
	     uint32_t len)
{
	wire_put32(wire, NBD_REQUEST_MAGIC);
	wire_put16(wire, flags);
	wire_put16(wire, command);
	wire_put64(wire, cookie);
	wire_put64(wire, offset);
	wire_put32(wire, len);
}

#endif
