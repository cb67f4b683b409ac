/* SPDX-License-Identifier: MIT */
/* At the end of the device, across it, beyond it; and requests of nothing. */
#include <errno.h>

#include "conformance.h"

static bool
is_refused_anyway(const struct subject *subject, enum kio_op op)
{
	if (op != KIO_READ && op != KIO_EXTENTS && subject->limits->read_only)
		return true;
	return op == KIO_DISCARD && (subject->limits->ops & KIO_OP_BIT(KIO_DISCARD)) == 0;
}

static void
try_range(struct subject *subject, enum kio_op op, uint64_t offset, uint64_t len, int wanted)
{
	int rc;

	trace_count = 0;
	rc = run(subject, op, 0, offset, op <= KIO_WRITE ? buffer : NULL, len);
	EXPECT(subject, rc == wanted, "%s of %llu bytes at %llu, of %llu: %d and not %d", kio_op_name(op),
	       (unsigned long long)len, (unsigned long long)offset, (unsigned long long)subject->limits->size, rc, wanted);
	EXPECT(subject, (wanted == 0 && len != 0) || trace_count == 0, "%s of %llu bytes at %llu reaches no driver",
	       kio_op_name(op), (unsigned long long)len, (unsigned long long)offset);
	EXPECT(subject, wanted == 0 || kio_moved(subject->rig.kio) == 0, "%s of %llu bytes at %llu moves nothing",
	       kio_op_name(op), (unsigned long long)len, (unsigned long long)offset);
}

static void
check_ends(struct subject *subject)
{
	uint64_t size, block, top;

	if (!subject_open(subject, 2))
		return;
	fill(subject, 1);
	size = subject->limits->size;
	block = subject->limits->block;
	top = UINT64_MAX - (block - 1); /* the last multiple of a block */
	for (unsigned i = 0; i < KIO_OPS; i++) {
		enum kio_op op = (enum kio_op)i;

		if (op == KIO_FLUSH || is_refused_anyway(subject, op))
			continue;
		memcpy(buffer, model + size - block, block);
		if (op != KIO_DISCARD)
			try_range(subject, op, size - block, block, 0);
		try_range(subject, op, size - block, 2 * block, -ERANGE);
		try_range(subject, op, 0, size + block, -ERANGE);
		try_range(subject, op, size, block, -ERANGE);
		try_range(subject, op, size + block, block, -ERANGE);
		try_range(subject, op, size + block, 0, -ERANGE);
		try_range(subject, op, (uint64_t)1 << 63, block, -ERANGE);
		try_range(subject, op, top, block, -ERANGE);
		try_range(subject, op, block, top, -ERANGE);
		try_range(subject, op, top, top, -ERANGE);
		try_range(subject, op, 0, 0, 0);
		try_range(subject, op, size, 0, 0);
		if (block > 1)
			try_range(subject, op, block / 2, 0, -EINVAL);
	}
	/* the last block was written as it was, and cleared after that */
	if (!subject->limits->read_only)
		memset(model + size - block, 0, block);
	compare(subject, "after requests at the end");
	for (unsigned i = 0; i < 3; i++) {
		static const int wanted[] = { 0, -ERANGE, 0 };
		uint64_t len = i == 2 ? 0 : (i + 1) * block;
		int rc;

		kio_lend(subject->rig.kio, size - block, len, NULL);
		rc = rig_wait(&subject->rig, subject->rig.kio);
		EXPECT(subject, rc == wanted[i], "lend of %llu bytes at the last block: %d", (unsigned long long)len, rc);
		if (rc == 0)
			kio_release(subject->rig.kio);
	}
	subject_close(subject);
}

TEST("conformance: the device ends where it ends, and nothing is nothing")
{
	each_subject(check_ends);
}
