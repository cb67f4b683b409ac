/* SPDX-License-Identifier: MIT */
/* One request, and what the device should hold afterwards. */
#include "conformance.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LONGEST_S 20

unsigned char model[DEVICE * LEGS_MOST];
unsigned char buffer[DEVICE * LEGS_MOST];

void
expect(const struct subject *subject, bool good, const char *file, int line, const char *text,
       const char *format, ...)
{
	char said[300], whole[1000];
	va_list args;

	if (good)
		return;
	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	snprintf(whole, sizeof(whole), "%s\n    class  %s\n    stack  %s, engine %s\n    case   %s", text,
		 subject->class_->name, subject->text, subject->engine, said);
	unit_check(false, file, line, whole);
}

unsigned
draw(unsigned below)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return (unsigned)((uint64_t)state * below >> 32);
}

bool
is_traced(const struct subject *subject)
{
	return subject->drivers != 0;
}

uint64_t
blocks(const struct subject *subject, uint64_t len)
{
	uint64_t block = subject->limits->block;

	return (len + block - 1) / block * block;
}

static void
is_done(struct kio *kio)
{
	((struct subject *)kio->priv)->done++;
}

void
begin(struct subject *subject, enum kio_op op, unsigned flags, uint64_t offset, void *memory, uint64_t len)
{
	struct kio *kio = subject->rig.kio;

	subject->done = 0;
	subject->op = op;
	subject->offset = offset;
	subject->len = len;
	kio_prepare(kio, op, flags, offset, memory != NULL ? kio_buf(kio, memory, (size_t)len) : kio_iter_none(len),
		    is_done);
	kio_submit(kio);
}

int
end(struct subject *subject)
{
	struct timespec begun, now;

	clock_gettime(CLOCK_MONOTONIC, &begun);
	while (subject->done == 0) {
		kio_loop_step(subject->rig.loop, 1000000);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - begun.tv_sec <= LONGEST_S)
			continue;
		abort(); /* which tells of it */
	}
	return kio_status(subject->rig.kio);
}

int
run(struct subject *subject, enum kio_op op, unsigned flags, uint64_t offset, void *memory, uint64_t len)
{
	begin(subject, op, flags, offset, memory, len);
	return end(subject);
}

void
fill(struct subject *subject, unsigned seed)
{
	uint64_t size = subject->limits->size;
	int rc;

	if (subject->limits->read_only) {
		rc = run(subject, KIO_READ, 0, 0, model, size);
	} else {
		fill_pattern(model, size, 0, seed);
		rc = run(subject, KIO_WRITE, 0, 0, model, size);
	}
	EXPECT(subject, rc == 0, "filling it: %d", rc);
}

void
compare(struct subject *subject, const char *where)
{
	uint64_t size = subject->limits->size, at = 0;
	int rc;

	memset(buffer, 0xa5, size);
	rc = run(subject, KIO_READ, 0, 0, buffer, size);
	EXPECT(subject, rc == 0, "%s: reading all: %d", where, rc);
	if (subject->forgets || rc < 0 || memcmp(buffer, model, size) == 0)
		return;
	while (buffer[at] == model[at])
		at++;
	EXPECT(subject, false, "%s: the byte at %llu is %u and should be %u", where, (unsigned long long)at, buffer[at],
	       model[at]);
}
