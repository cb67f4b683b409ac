/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MIRRORS_H
#define TESTS_MIRRORS_H

/* What the tests of mirrors share: a mirror of two `trace` drivers, created, opened, refused. */

#include <errno.h>

#include "layers/mirror_state.h"
#include "trace.h"

#define DATA ((1 << 20) - 12288) /* bytes of data; a leg's map follows */
#define STATE ((1 << 20) - 8192) /* and its state */
#define LEGS "{ trace id=1 name=left ; trace id=2 name=right }"
#define BOTH "mirror " LEGS
#define DEGRADED "mirror degraded=yes " LEGS

static inline void
create(const char *text)
{
	struct kio_stack_options options = { .create = true, .force = true };
	struct kio_stack *stack = NULL;
	struct kio_diag diag;

	trace_reset();
	CHECK_EQ(kio_stack_open(&stack, text, &options, &diag), 0);
	CHECK_EQ(kio_stack_close(&stack, &diag), 0);
}

/* Opening it is refused, and says why. */
static inline void
refused(const char *text, int error, const char *why)
{
	struct kio_stack *stack;
	struct kio_diag diag;

	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), error);
	CHECK(strstr(diag.text, why) != NULL);
	if (strstr(diag.text, why) == NULL)
		CHECK_STR(diag.text, why);
}

/* And closes. */
static inline void
opens(const char *text)
{
	struct kio_stack *stack = NULL;
	struct kio_diag diag = { 0 };

	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), 0);
	CHECK_EQ(diag.error, 0);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

/* With the first regions dirty: a write there waits for no map. */
static inline bool
opens_dirty(struct rig *rig, const char *text)
{
	static unsigned char nothing[1 << 18];

	if (!rig_open(rig, text, NULL))
		return false;
	CHECK_EQ(rig_write(rig, nothing, sizeof(nothing), 0), 0);
	trace_reset();
	return true;
}

/* As if the process had been killed: the driver's bytes stay as they are. */
static inline void
copy_leg(unsigned to, unsigned from)
{
	memcpy(trace_bytes(to), trace_bytes(from), 1 << 20);
}

#endif
