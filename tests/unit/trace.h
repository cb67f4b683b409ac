/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

/*
 * A driver for tests, `trace`: memory that notes each request it gets, fails
 * those it was told to fail, and holds those it was told to hold: what is pending
 * then is not in its bytes. And the few lines that run one I/O on a stack.
 */

#include <kiobuf/kiobuf.h>
#include <kiobuf/layer.h>

#include "unit.h"

struct trace_note {
	unsigned leg; /* the driver's id= */
	enum kio_op op;
	uint64_t offset, len;
	unsigned flags;
	const void *base; /* of the first piece */
	const struct kio *kio;
};

extern struct trace_note trace_notes[4096];
extern unsigned trace_count;

/* The next `times` requests of this kind on this driver fail; op KIO_OPS: of any kind. */
void trace_fail(unsigned id, enum kio_op op, int error, unsigned times);
/* The n-th request from now on fails, n from 1, and as many in all. */
void trace_fail_nth(unsigned id, int error, unsigned n, unsigned times);
/* One of them did. */
bool trace_failed(unsigned id);
/* Requests at `from` or behind it stay where they are from now on, until released. */
void trace_hold(unsigned id, uint64_t from);
/* All but the next `after`. */
void trace_hold_after(unsigned id, unsigned after);
/* Carries them out. */
void trace_release(unsigned id);
unsigned trace_held(unsigned id);
/* Nothing was noted, and nothing fails or is held. */
void trace_reset(void);
/* All drivers hold zeroes again. */
void trace_clear(void);
/* The bytes of the driver with this id. */
unsigned char *trace_bytes(unsigned id);

/* A stack with a channel on a loop of its own. */
struct rig {
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_channel *channel;
	struct kio *kio; /* with room for 64 segments */
	struct kio_diag diag;
};

bool rig_open(struct rig *rig, const char *text, const struct kio_stack_options *options);
void rig_close(struct rig *rig);
/* Steps until it is done; returns the status. */
int rig_wait(struct rig *rig, struct kio *kio);
int rig_read(struct rig *rig, void *into, size_t len, uint64_t offset);
int rig_write(struct rig *rig, const void *from, size_t len, uint64_t offset);
int rig_flush(struct rig *rig);
int rig_clear(struct rig *rig, enum kio_op op, uint64_t len, uint64_t offset);
/* Fills with a pattern that tells offset and seed. */
void fill_pattern(unsigned char *memory, size_t len, uint64_t offset, unsigned seed);

#endif
