/* SPDX-License-Identifier: MIT */
/* The n-th request to a driver fails. */
#include <errno.h>
#include <stdio.h>

#include "conformance.h"

#define NTH_MOST 40u
#define AT_ONCE 12u

static const enum kio_op ops[] = { KIO_READ, KIO_WRITE, KIO_WRITE_ZEROES, KIO_FLUSH };

/* Afterwards all is as ever, with as many requests at once as reserves must be shared by. */
static void
works_again(struct subject *subject, const char *where)
{
	uint64_t each = blocks(subject, 9000), count = subject->limits->size / each;
	struct kio *kios[AT_ONCE];

	count = count > AT_ONCE ? AT_ONCE : count;
	fill(subject, 77);
	for (unsigned i = 0; i < count; i++) {
		kios[i] = kio_create(subject->rig.channel, 1);
		fill_pattern(model + i * each, each, i * each, 78);
		kio_write(kios[i], i * each, kio_buf(kios[i], model + i * each, each), 0, NULL);
	}
	for (unsigned i = 0; i < count; i++) {
		EXPECT(subject, rig_wait(&subject->rig, kios[i]) == 0, "%s: a write after it", where);
		kio_destroy(kios[i]);
	}
	compare(subject, where);
}

/* Outside of what failed all bytes were moved, and beyond the request none. */
static void
hull_is_right(struct subject *subject, enum kio_op op, uint64_t offset, uint64_t len, const char *where)
{
	const struct kio *kio = subject->rig.kio;
	uint64_t from = kio->fail_from, failed = kio->fail_len;

	EXPECT(subject, failed != 0 && failed <= len && from <= len - failed, "%s: %llu bytes at %llu failed, of %llu",
	       where, (unsigned long long)failed, (unsigned long long)from, (unsigned long long)len);
	if (failed > len || from > len - failed)
		return;
	if (op == KIO_READ) {
		EXPECT(subject, memcmp(buffer, model + offset, from) == 0 &&
					memcmp(buffer + from + failed, model + offset + from + failed, len - from - failed) == 0,
		       "%s: what did not fail was read", where);
		return;
	}
	/* what a failed write left there is not said */
	if (run(subject, KIO_READ, 0, offset + from, model + offset + from, failed) < 0)
		EXPECT(subject, false, "%s: what failed can be read", where);
	compare(subject, where);
}

/* In memory that those below may change. */
static int
write_gift(struct subject *subject, uint64_t offset, uint64_t len)
{
	struct kio_mem *mem = kio_mem_create((size_t)len, 4096);
	struct kio *kio = subject->rig.kio;

	memcpy(mem->base, model + offset, len);
	kio_chain_init(&kio->chain, kio->chain.segs, kio->chain.space);
	kio_chain_add(&kio->chain, mem->base, (size_t)len, mem);
	kio_write(kio, offset, kio_chain_iter(&kio->chain), 0, NULL);
	return rig_wait(&subject->rig, kio);
}

static int
carry_out(struct subject *subject, enum kio_op op, uint64_t offset, uint64_t len, bool gift)
{
	switch (op) {
	case KIO_READ:
		memset(buffer, 0x5a, len);
		return run(subject, op, 0, offset, buffer, len);
	case KIO_WRITE:
		fill_pattern(model + offset, len, offset, 5);
		return gift ? write_gift(subject, offset, len) : run(subject, op, 0, offset, model + offset, len);
	case KIO_WRITE_ZEROES:
		memset(model + offset, 0, len);
		return run(subject, op, 0, offset, NULL, len);
	default:
		return run(subject, op, 0, 0, NULL, 0);
	}
}

/* False: it takes fewer requests to that driver. */
static bool
fail_nth(struct subject *subject, enum kio_op op, unsigned id, unsigned nth)
{
	uint64_t offset, len;
	int rc, error = nth % 2 == 0 ? -ENOSPC : -EIO;
	char where[100];
	bool failed;

	if (!subject_open(subject, nth % 4 == 0 ? 2 : 1))
		return false;
	offset = blocks(subject, 3000);
	len = blocks(subject, SPAN);
	snprintf(where, sizeof(where), "%s, request %u to driver %u fails%s", kio_op_name(op), nth, id,
		 nth / 2 % 2 != 0 ? ", and the next" : "");
	fill(subject, 1);
	trace_fail_nth(id, error, nth, 1 + nth / 2 % 2);
	rc = carry_out(subject, op, offset, len, nth % 2 == 1);
	failed = trace_failed(id);
	trace_fail(id, KIO_OPS, 0, 0);
	EXPECT(subject, failed || rc == 0, "%s, which it did not: %d", where, rc);
	EXPECT(subject, !failed || rc == error || (subject->survives && rc == 0), "%s: %d", where, rc);
	if (rc < 0 && op != KIO_FLUSH)
		hull_is_right(subject, op, offset, len, where);
	else if (op == KIO_READ)
		EXPECT(subject, memcmp(buffer, model + offset, len) == 0, "%s: it was survived, with the right bytes", where);
	/* megabytes take turns, and so may legs */
	compare(subject, where);
	if (failed && !subject->limits->read_only)
		works_again(subject, where);
	subject_close(subject);
	return failed;
}

/* After a lend that failed there is nothing to give back. */
static void
fail_lend(struct subject *subject)
{
	bool failed;
	int rc;

	if (!subject_open(subject, 2))
		return;
	fill(subject, 1);
	for (unsigned i = 0; i < 3; i++) {
		for (unsigned id = 1; id <= subject->drivers; id++)
			trace_fail(id, KIO_OPS, -EIO, i < 2 ? 1000 : 0);
		kio_lend(subject->rig.kio, 0, blocks(subject, SPAN), NULL);
		rc = rig_wait(&subject->rig, subject->rig.kio);
		failed = trace_failed(1) || trace_failed(2) || trace_failed(3);
		EXPECT(subject, rc == (failed ? -EIO : 0), "lend, where requests to drivers %s: %d",
		       failed ? "fail" : "succeed", rc);
		if (rc == 0)
			kio_release(subject->rig.kio);
	}
	subject_close(subject);
}

static void
check_errors(struct subject *subject)
{
	bool read_only;

	if (!is_traced(subject) || !subject_open(subject, 1))
		return;
	read_only = subject->limits->read_only;
	subject_close(subject);
	if (!subject->survives)
		fail_lend(subject);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (read_only && (ops[i] == KIO_WRITE || ops[i] == KIO_WRITE_ZEROES))
			continue;
		for (unsigned id = 1; id <= subject->drivers; id++) {
			unsigned nth = 1;

			while (nth <= NTH_MOST && fail_nth(subject, ops[i], id, nth))
				nth++;
		}
	}
}

TEST("conformance: an error of a driver arrives, names what failed, and is over afterwards")
{
	each_subject(check_errors);
}
