/* SPDX-License-Identifier: MIT */
/* Cancelled at every point, with drivers that hold what comes. */
#include <errno.h>
#include <stdio.h>

#include "conformance.h"

#define STEPS 7u
#define LET_THROUGH 4u

static const enum kio_op ops[] = { KIO_READ, KIO_WRITE, KIO_WRITE_ZEROES, KIO_FLUSH };

static unsigned char before[SPAN + 4096], after[SPAN + 4096];

static void
steps(struct subject *subject, unsigned count)
{
	/* virtual time goes on, so that layers which wait get further */
	int64_t ns = strcmp(subject->engine, "sim") == 0 ? 100000 : 0;

	while (count-- > 0)
		kio_loop_step(subject->rig.loop, ns);
}

static void
release_all(void)
{
	for (unsigned id = 1; id <= LEGS_MOST; id++)
		trace_release(id);
}

/* Each byte is the old one or the new one, and always the same. */
static void
settled(struct subject *subject, uint64_t offset, uint64_t len, const char *where)
{
	int rc = run(subject, KIO_READ, 0, offset, buffer, len);

	EXPECT(subject, rc == 0, "%s: what it reached can be read: %d", where, rc);
	for (uint64_t i = 0; i < len && !subject->forgets; i++) {
		if (buffer[i] == before[i] || buffer[i] == after[i])
			continue;
		EXPECT(subject, false, "%s: byte %llu is neither the old nor the new one", where, (unsigned long long)i);
		break;
	}
	memcpy(model + offset, buffer, len);
	for (unsigned i = 0; i < 2; i++)
		compare(subject, where);
}

static void
cancel_after(struct subject *subject, enum kio_op op, unsigned through, unsigned count)
{
	uint64_t offset = op == KIO_FLUSH ? 0 : blocks(subject, 3000), len = op == KIO_FLUSH ? 0 : blocks(subject, SPAN);
	unsigned char *memory = op == KIO_READ ? buffer : op == KIO_WRITE ? after : NULL;
	char where[100];
	int rc;

	snprintf(where, sizeof(where), "%s, cancelled after %u steps, %u requests let through", kio_op_name(op), count,
		 through);
	memcpy(before, model + offset, len);
	memset(after, 0, len);
	if (op == KIO_WRITE)
		fill_pattern(after, len, offset, draw(200));
	for (unsigned id = 1; id <= LEGS_MOST; id++)
		trace_hold_after(id, through);
	begin(subject, op, 0, offset, memory, len);
	steps(subject, count);
	kio_cancel(subject->rig.kio);
	kio_cancel(subject->rig.kio);
	steps(subject, 10);
	release_all();
	rc = end(subject);
	EXPECT(subject, rc == 0 || rc == -ECANCELED, "%s: %d", where, rc);
	EXPECT(subject, rc == 0 || op == KIO_FLUSH || subject->rig.kio->fail_len != 0, "%s: something was not moved", where);
	steps(subject, 10);
	EXPECT(subject, subject->done == 1, "%s: it completes once, and not %u times", where, subject->done);
	if (op == KIO_READ && rc == 0 && !subject->forgets)
		EXPECT(subject, memcmp(buffer, before, len) == 0, "%s: it was read all the same", where);
	if (op == KIO_WRITE || op == KIO_WRITE_ZEROES)
		settled(subject, offset, len, where);
	/* a flush that was cancelled is not one that failed */
	rc = run(subject, KIO_FLUSH, 0, 0, NULL, 0);
	EXPECT(subject, rc == 0, "%s: a flush after it: %d", where, rc);
}

static void
cancel_lend(struct subject *subject, unsigned through, unsigned count)
{
	struct kio *kio = subject->rig.kio;
	int rc;

	for (unsigned id = 1; id <= LEGS_MOST; id++)
		trace_hold_after(id, through);
	kio_lend(kio, 0, blocks(subject, SPAN), NULL);
	steps(subject, count);
	kio_cancel(kio);
	steps(subject, 10);
	release_all();
	rc = rig_wait(&subject->rig, kio);
	EXPECT(subject, rc == 0 || rc == -ECANCELED, "lend, cancelled after %u steps, %u requests let through: %d", count,
	       through, rc);
	if (rc == 0)
		kio_release(kio);
}

static void
check_cancel(struct subject *subject)
{
	if (!subject_open(subject, 2))
		return;
	fill(subject, 1);
	for (unsigned i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (subject->limits->read_only && (ops[i] == KIO_WRITE || ops[i] == KIO_WRITE_ZEROES))
			continue;
		for (unsigned through = 0; through < (is_traced(subject) ? LET_THROUGH : 1); through++) {
			for (unsigned count = 0; count < STEPS; count++)
				cancel_after(subject, ops[i], through, count);
		}
	}
	for (unsigned count = 0; count < STEPS; count++)
		cancel_lend(subject, count % LET_THROUGH, count);
	subject_close(subject);
}

TEST("conformance: a request that is cancelled, at whatever point, ends once and leaves nothing behind")
{
	each_subject(check_cancel);
}

static void
check_cancel_and_close(struct subject *subject)
{
	/* the last thing that a channel sees: what is still under way then is waited for */
	for (unsigned count = 0; count < STEPS; count++) {
		if (!subject_open(subject, 1))
			return;
		fill(subject, 1);
		begin(subject, KIO_READ, 0, 0, buffer, blocks(subject, SPAN));
		steps(subject, count);
		kio_cancel(subject->rig.kio);
		EXPECT(subject, (end(subject), subject->done == 1), "a read, cancelled after %u steps", count);
		subject_close(subject);
	}
}

TEST("conformance: a channel closes after a request that was cancelled")
{
	each_subject(check_cancel_and_close);
}
