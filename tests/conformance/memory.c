/* SPDX-License-Identifier: MIT */
/* Lengths around the limits, memory in any pieces, and whose it is. */
#include <errno.h>
#include <stdlib.h>

#include "base/math.h"
#include "conformance.h"

/* --- limits --------------------------------------------------------------- */

/* The drivers of a variant have the same. */
static void
driver_limits(const struct subject *subject, struct kio_limits *limits)
{
	const struct kio_layer *layer = kio_stack_top(subject->rig.stack);

	while (strcmp(kio_layer_class(layer)->name, "trace") != 0)
		layer = kio_layer_next(layer);
	*limits = *kio_layer_limits(layer);
}

static void
within_limits(const struct subject *subject, uint64_t offset, uint64_t len)
{
	struct kio_limits limits;

	driver_limits(subject, &limits);
	for (unsigned i = 0; i < trace_count; i++) {
		const struct trace_note *note = &trace_notes[i];

		if (note->op == KIO_FLUSH)
			continue;
		EXPECT(subject, note->op > KIO_WRITE || limits.max_transfer == 0 || note->len <= limits.max_transfer,
		       "%llu bytes at %llu: a driver gets %llu at once", (unsigned long long)len,
		       (unsigned long long)offset, (unsigned long long)note->len);
		EXPECT(subject, ((note->offset | note->len) & (limits.block - 1)) == 0 && note->len != 0 &&
				       note->offset + note->len <= limits.size,
		       "%llu bytes at %llu: a driver gets %llu at %llu", (unsigned long long)len,
		       (unsigned long long)offset, (unsigned long long)note->len, (unsigned long long)note->offset);
	}
}

static void
try_length(struct subject *subject, uint64_t offset, uint64_t len)
{
	int rc;

	trace_count = 0;
	if (!subject->limits->read_only) {
		fill_pattern(model + offset, len, offset, draw(200));
		rc = run(subject, KIO_WRITE, 0, offset, model + offset, len);
		EXPECT(subject, rc == 0, "a write of %llu bytes at %llu: %d", (unsigned long long)len,
		       (unsigned long long)offset, rc);
	}
	memset(buffer, 0xa5, len);
	rc = run(subject, KIO_READ, 0, offset, buffer, len);
	EXPECT(subject, rc == 0, "a read of %llu bytes at %llu: %d", (unsigned long long)len,
	       (unsigned long long)offset, rc);
	EXPECT(subject, subject->forgets || memcmp(buffer, model + offset, len) == 0,
	       "%llu bytes at %llu: read as they were written", (unsigned long long)len, (unsigned long long)offset);
	if (is_traced(subject))
		within_limits(subject, offset, len);
}

/* What is not on a block is refused, and nothing of it reaches a driver. */
static void
try_misaligned(struct subject *subject)
{
	uint32_t block = subject->limits->block;
	int rc;

	trace_count = 0;
	for (unsigned op = 0; op < KIO_OPS; op++) {
		if (op == KIO_FLUSH || (op != KIO_READ && op != KIO_EXTENTS && subject->limits->read_only) ||
		    (op == KIO_DISCARD && (subject->limits->ops & KIO_OP_BIT(KIO_DISCARD)) == 0))
			continue;
		for (unsigned which = 1; which < 4; which++) {
			rc = run(subject, (enum kio_op)op, 0, block + (which & 1) * (block / 2),
				 op <= KIO_WRITE ? buffer : NULL, block + (which >> 1) * (block / 2));
			EXPECT(subject, rc == -EINVAL, "%s that is not on a block: %d", kio_op_name((enum kio_op)op), rc);
		}
	}
	EXPECT(subject, trace_count == 0, "what is not on a block reaches no driver");
}

static void
check_limits(struct subject *subject)
{
	uint64_t block, most, size;

	if (!subject_open(subject, 2))
		return;
	block = subject->limits->block;
	size = subject->limits->size;
	/* where the layer has none, the drivers' may be lower down */
	most = subject->limits->max_transfer != 0 ? subject->limits->max_transfer : 4096;
	fill(subject, 1);
	for (uint64_t unit = most; unit <= size / 4; unit *= 4) {
		for (unsigned i = 0; i < 6; i++) {
			uint64_t offset = i % 3 * block;

			if (unit > block)
				try_length(subject, offset, unit - block);
			try_length(subject, offset, blocks(subject, unit));
			try_length(subject, offset, blocks(subject, unit) + block);
			if (4 * block <= size)
				try_length(subject, offset + blocks(subject, draw((unsigned)(size / 2 - 2 * block))), block);
		}
	}
	try_length(subject, 0, size);
	compare(subject, "after all lengths");
	if (block > 1)
		try_misaligned(subject);
	subject_close(subject);
}

TEST("conformance: lengths around the limits; drivers get what they can take, and never more")
{
	each_subject(check_limits);
}

/* --- pieces --------------------------------------------------------------- */

#define GUARD 16u
#define PIECES_MOST 1200u /* more than one system call takes */

static unsigned char room[SPAN + (PIECES_MOST + 2) * GUARD], kept[sizeof(room)];
static unsigned releases;

static void
released(struct kio_mem *mem)
{
	(void)mem;
	releases++;
}

/* len bytes in pieces of any length below `longest`, none too, and with a gap between them. */
static struct kio_iter
scatter(struct kio *kio, size_t len, unsigned longest, struct kio_mem *mem)
{
	size_t at = GUARD, piece;

	kio_chain_init(&kio->chain, kio->chain.segs, kio->chain.space);
	while (len != 0) {
		piece = kio->chain.count == kio->chain.space - 1 ?
				len : draw((unsigned)kio__min(len + 1, draw(4) == 0 ? 4 : longest));
		/* a reference for each piece */
		if (mem != NULL && piece < len)
			kio_mem_ref(mem);
		kio_chain_add(&kio->chain, room + at, piece, mem);
		at += piece + draw(GUARD);
		len -= piece;
	}
	return kio_chain_iter(&kio->chain);
}

enum { LOANED, GIFTED, SHARED };

static const char *const meanings[] = { "loaned", "gifted", "shared" };

static void
write_scattered(struct subject *subject, struct kio *kio, uint64_t offset, size_t len, unsigned longest, int meaning)
{
	struct kio_mem mem;
	struct kio_iter data;
	int rc;

	fill_pattern(room, sizeof(room), 0, draw(200));
	kio_mem_init(&mem, room, sizeof(room), released);
	if (meaning == SHARED)
		kio_mem_ref(&mem);
	releases = 0;
	data = scatter(kio, len, longest, meaning == LOANED ? NULL : &mem);
	kio_iter_copy_to(data, model + offset, len);
	memcpy(kept, room, sizeof(room));
	kio_write(kio, offset, data, 0, NULL);
	rc = rig_wait(&subject->rig, kio);
	EXPECT(subject, rc == 0, "a write of %s memory: %d", meanings[meaning], rc);
	EXPECT(subject, releases == (meaning == GIFTED), "%s memory is given back once, by its last holder: %u",
	       meanings[meaning], releases);
	EXPECT(subject, meaning == GIFTED || memcmp(room, kept, sizeof(room)) == 0, "%s memory is as it was",
	       meanings[meaning]);
}

/* Also that nothing was written between the pieces. */
static void
read_scattered(struct subject *subject, struct kio *kio, uint64_t offset, size_t len, unsigned longest)
{
	const unsigned char *from = model + offset;
	struct kio_iter data, rest;
	unsigned char *at;
	size_t piece;
	int rc;

	memset(room, 0x5a, sizeof(room));
	data = scatter(kio, len, longest, NULL);
	memset(kept, 0x5a, sizeof(kept));
	for (rest = data; (at = kio_iter_next(&rest, &piece)) != NULL; from += piece)
		memcpy(kept + (at - room), from, piece);
	kio_read(kio, offset, data, NULL);
	rc = rig_wait(&subject->rig, kio);
	EXPECT(subject, rc == 0, "a read into pieces: %d", rc);
	EXPECT(subject, subject->forgets || memcmp(room, kept, sizeof(room)) == 0,
	       "a read into pieces: all of them are right, and nothing else was touched");
}

static void
check_pieces(struct subject *subject)
{
	uint64_t offset, len, block;
	unsigned longest;
	struct kio *kio;

	if (!subject_open(subject, 2))
		return;
	fill(subject, 1);
	block = subject->limits->block;
	for (unsigned i = 0; i < 27; i++) {
		longest = i < 24 ? 3000 : 30;
		kio = kio_create(subject->rig.channel, i < 24 ? 50 : PIECES_MOST);
		len = draw((unsigned)((SPAN - 4096) / block)) * block + block;
		offset = draw((unsigned)((subject->limits->size - len) / block) + 1) * block;
		if (!subject->limits->read_only)
			write_scattered(subject, kio, offset, (size_t)len, longest, (int)(i % 3));
		read_scattered(subject, kio, offset, (size_t)len, longest);
		kio_destroy(kio);
	}
	compare(subject, "after writes of pieces");
	subject_close(subject);
}

TEST("conformance: the same bytes from loaned, gifted and shared memory, in any pieces")
{
	each_subject(check_pieces);
}
