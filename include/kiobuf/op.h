/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_OP_H
#define KIOBUF_OP_H

/*
 * Operations, their flags, and the limits a layer puts on them.
 *
 * One table in the core (src/core/ops.c) rules each operation through passing,
 * splitting, fan-out and emulation:
 *
 *   operation     range  data  where it is not supported below
 *   read          yes    in    -
 *   write         yes    out   -
 *   flush         no     -     never: who has nothing to flush completes it
 *   discard       yes    -     -ENOTSUP; not advertised
 *   write-zeroes  yes    -     written, from one shared page of zeroes
 *   extents       yes    -     answered with one extent of data
 *
 * Rules
 *  1. Offsets and lengths are bytes and multiples of limits.block: else
 *     -EINVAL. A range that is not inside limits.size: -ERANGE. A change to
 *     what is read only: -EROFS. An operation that is not advertised: -ENOTSUP.
 *  2. A data operation of no bytes succeeds and touches nothing. Flush always
 *     travels.
 *  3. Flush covers all that completed before it was submitted, on any channel.
 *  4. KIO_FUA on write and write-zeroes: durable when it completes. Every
 *     driver that can write honours it.
 *  5. Order between operations that are in flight together is not promised.
 */

#include <kiobuf/base.h>

KIO_BEGIN

enum kio_op {
	KIO_READ,
	KIO_WRITE,
	KIO_FLUSH,
	KIO_DISCARD,
	KIO_WRITE_ZEROES,
	KIO_EXTENTS,
	KIO_OPS /* how many */
};

/* Flags of an operation. */
#define KIO_FUA 0x1u      /* write, write-zeroes: durable when complete */
#define KIO_NO_UNMAP 0x2u /* write-zeroes: keep the space allocated */

#define KIO_OP_BIT(op) (1u << (op))

/* What an extent is; the answer of KIO_EXTENTS. Neither bit: data. */
#define KIO_EXTENT_HOLE 0x1u /* no space is allocated */
#define KIO_EXTENT_ZERO 0x2u /* reads as zeroes */

struct kio_limits {
	uint64_t size;         /* bytes */
	uint32_t block;        /* offsets and lengths are multiples; a power of two */
	uint32_t best;         /* good unit of I/O, a multiple of block */
	uint32_t max_transfer; /* longest read or write; 0: none */
	uint32_t boundary;     /* what crosses a multiple of it is split below; a power of two; 0: none known */
	uint32_t mem_align;    /* driver only: memory it can use in place; 1: any */
	uint32_t max_lend;     /* longest that kio_lend needs no copy for; 0: any */
	uint32_t ops;          /* KIO_OP_BIT of what is supported by itself */
	bool read_only;        /* write, write-zeroes and discard are refused */
	bool lend;             /* kio_lend needs no copy */
	bool zeroes;           /* write-zeroes is quicker than writing */
	bool holes;            /* extents can tell holes from data */
};

/* "read", "write", ...; for logs and JSON. */
KIO_PUBLIC const char *kio_op_name(enum kio_op op);

KIO_END

#endif
