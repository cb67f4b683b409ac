/* SPDX-License-Identifier: MIT */
/* The operations, as the table of kiobuf/op.h has them. */
#include <errno.h>

#include "conformance.h"

/* Of all drivers: nothing lies there that only a flush makes durable. */
static bool
is_durable(void)
{
	bool dirty[LEGS_MOST + 1] = { false };

	for (unsigned i = 0; i < trace_count; i++) {
		const struct trace_note *note = &trace_notes[i];

		if (note->op == KIO_FLUSH)
			dirty[note->leg] = false;
		else if ((note->op == KIO_WRITE || note->op == KIO_WRITE_ZEROES) && (note->flags & KIO_FUA) == 0)
			dirty[note->leg] = true;
	}
	return !dirty[1] && !dirty[2] && !dirty[3];
}

static bool
was_unmapped(void)
{
	for (unsigned i = 0; i < trace_count; i++) {
		if (trace_notes[i].op == KIO_DISCARD ||
		    (trace_notes[i].op == KIO_WRITE_ZEROES && (trace_notes[i].flags & KIO_NO_UNMAP) == 0))
			return true;
	}
	return false;
}

static void
writes(struct subject *subject)
{
	uint64_t offset = blocks(subject, 5000), len = blocks(subject, SPAN - 1000);
	unsigned char *data = model + offset;
	int rc;

	for (unsigned flags = 0; flags <= KIO_FUA; flags++) {
		rc = run(subject, KIO_FLUSH, 0, 0, NULL, 0);
		EXPECT(subject, rc == 0, "flush: %d", rc);
		trace_count = 0;
		fill_pattern(data, len, offset, 7 + flags);
		rc = run(subject, KIO_WRITE, flags, offset, data, len);
		EXPECT(subject, rc == 0, "write, flags %u: %d", flags, rc);
		EXPECT(subject, flags == 0 || is_durable(), "write with FUA reaches the drivers as that, or a flush follows");
		compare(subject, "after a write");
	}
	fill(subject, 3);
	rc = run(subject, KIO_FLUSH, 0, 0, NULL, 0);
	EXPECT(subject, rc == 0, "flush after a write of all: %d", rc);
	EXPECT(subject, is_durable(), "a flush reaches all drivers that were written");
}

static void
zeroes(struct subject *subject)
{
	uint64_t offset = blocks(subject, 3000), len = blocks(subject, SPAN);
	int rc;

	for (unsigned flags = 0; flags <= (KIO_FUA | KIO_NO_UNMAP); flags++) {
		fill(subject, flags);
		rc = run(subject, KIO_FLUSH, 0, 0, NULL, 0);
		trace_count = 0;
		memset(model + offset, 0, len);
		rc = run(subject, KIO_WRITE_ZEROES, flags, offset, NULL, len);
		EXPECT(subject, rc == 0, "write-zeroes, flags %u: %d", flags, rc);
		EXPECT(subject, (flags & KIO_FUA) == 0 || is_durable(), "write-zeroes with FUA, as a write");
		EXPECT(subject, (flags & KIO_NO_UNMAP) == 0 || !was_unmapped(), "write-zeroes keeps the space with no-unmap");
		compare(subject, "after write-zeroes");
	}
}

/* What is read there afterwards is not said, but it is readable, and around it nothing changes. */
static void
discard(struct subject *subject)
{
	uint64_t offset = blocks(subject, 3000), len = blocks(subject, SPAN);
	bool knows = (subject->limits->ops & KIO_OP_BIT(KIO_DISCARD)) != 0;
	int rc;

	fill(subject, 9);
	trace_count = 0;
	rc = run(subject, KIO_DISCARD, 0, offset, NULL, len);
	EXPECT(subject, rc == (knows ? 0 : -ENOTSUP), "discard, which is %sadvertised: %d", knows ? "" : "not ", rc);
	EXPECT(subject, knows || trace_count == 0, "a discard that is refused reaches no driver");
	if (knows) {
		rc = run(subject, KIO_READ, 0, offset, model + offset, len);
		EXPECT(subject, rc == 0, "a read of what was discarded: %d", rc);
	}
	compare(subject, "after a discard");
}

/* The bytes that the answer covers; 0: it was wrong. */
static uint64_t
extent(struct subject *subject, uint64_t at, uint64_t asked)
{
	struct kio *kio = subject->rig.kio;
	uint64_t len;
	int rc;

	kio_extent(kio, at, asked, NULL);
	rc = rig_wait(&subject->rig, kio);
	len = kio->extent_len;
	EXPECT(subject, rc == 0 && len != 0 && len <= asked, "extents of %llu bytes at %llu: %d, %llu bytes",
	       (unsigned long long)asked, (unsigned long long)at, rc, (unsigned long long)len);
	if (rc < 0 || len > asked)
		return 0;
	for (uint64_t i = at; i < at + len && (kio->extent_flags & KIO_EXTENT_ZERO) != 0; i++) {
		if (model[i] == 0 || subject->forgets)
			continue;
		EXPECT(subject, false, "extents of %llu bytes at %llu: the one at %llu is no zero",
		       (unsigned long long)asked, (unsigned long long)at, (unsigned long long)i);
		return 0;
	}
	return len;
}

static void
extents(struct subject *subject)
{
	uint64_t size = subject->limits->size, block = subject->limits->block, at, len;

	for (at = 0; at < size; at += len) {
		len = extent(subject, at, size - at);
		if (len == 0)
			return;
	}
	for (unsigned i = 0; i < 50; i++) {
		at = draw((unsigned)(size / block)) * block;
		len = draw((unsigned)((size - at) / block)) * block;
		if (extent(subject, at, len + block) == 0)
			return;
	}
}

static void
lends(struct subject *subject)
{
	uint64_t offset = blocks(subject, 1000), len = blocks(subject, SPAN), got = 0;
	struct kio *kio = subject->rig.kio;
	struct kio_iter rest;
	const void *base;
	size_t piece;
	int rc;

	kio_lend(kio, offset, len, NULL);
	rc = rig_wait(&subject->rig, kio);
	EXPECT(subject, rc == 0, "lend: %d", rc);
	if (rc < 0)
		return;
	for (rest = kio_data(kio); (base = kio_iter_next(&rest, &piece)) != NULL; got += piece) {
		if (!subject->forgets && memcmp(base, model + offset + got, piece) != 0)
			EXPECT(subject, false, "lend: other bytes than were written, at %llu", (unsigned long long)(offset + got));
	}
	EXPECT(subject, got == len, "lend: %llu bytes", (unsigned long long)got);
	kio_release(kio);
}

static void
refusals(struct subject *subject)
{
	static const struct {
		enum kio_op op;
		unsigned flags;
		int error;
	} wrong[] = {
		{ KIO_READ, KIO_FUA, -EINVAL },
		{ KIO_WRITE, KIO_NO_UNMAP, -EINVAL },
		{ KIO_WRITE, 0x80, -EINVAL },
		{ KIO_DISCARD, KIO_FUA, -EINVAL },
		{ KIO_FLUSH, KIO_FUA, -EINVAL },
		{ KIO_FLUSH, 0, -EINVAL }, /* with a range */
		{ KIO_EXTENTS, KIO_FUA, -EINVAL },
		{ KIO_OPS, 0, -ENOTSUP },
	};
	uint64_t len = blocks(subject, 1);
	int rc;

	trace_count = 0;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		rc = run(subject, wrong[i].op, wrong[i].flags, len, wrong[i].op <= KIO_WRITE ? buffer : NULL, len);
		EXPECT(subject, rc == wrong[i].error, "%s with flags %u: %d and not %d", kio_op_name(wrong[i].op),
		       wrong[i].flags, rc, wrong[i].error);
	}
	EXPECT(subject, trace_count == 0, "what is refused reaches no driver");
}

static void
changes_are_refused(struct subject *subject)
{
	static const enum kio_op changes[] = { KIO_WRITE, KIO_WRITE_ZEROES, KIO_DISCARD };
	int rc;

	trace_count = 0;
	for (unsigned i = 0; i < 3; i++) {
		rc = run(subject, changes[i], 0, 0, i == 0 ? buffer : NULL, blocks(subject, 1));
		EXPECT(subject, rc == -EROFS, "%s where it is read only: %d", kio_op_name(changes[i]), rc);
	}
	EXPECT(subject, trace_count == 0, "a change that is refused reaches no driver");
	rc = run(subject, KIO_FLUSH, 0, 0, NULL, 0);
	EXPECT(subject, rc == 0, "flush where it is read only: %d", rc);
	compare(subject, "what is read only");
}

static void
check_operations(struct subject *subject)
{
	if (!subject_open(subject, 0))
		return;
	fill(subject, 1);
	refusals(subject);
	if (subject->limits->read_only) {
		changes_are_refused(subject);
	} else {
		writes(subject);
		zeroes(subject);
		discard(subject);
	}
	extents(subject);
	lends(subject);
	subject_close(subject);
}

TEST("conformance: every operation does what the table says, or is refused with its error")
{
	each_subject(check_operations);
}
