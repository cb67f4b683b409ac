/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CROWD_H
#define TESTS_CROWD_H

/*
 * Many containers of a rig, and how many of them are done: for tests that have
 * several requests in flight. MOST is defined before this is included.
 */

#include "trace.h"

static struct kio *kios[MOST];
static unsigned done;

static inline void
count_done(struct kio *kio)
{
	(void)kio;
	done++;
}

static inline void
crowd_open(const struct rig *rig, unsigned count, unsigned segs)
{
	for (unsigned i = 0; i < count; i++)
		kios[i] = kio_create(rig->channel, segs);
	done = 0;
}

static inline void
crowd_close(unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		kio_destroy(kios[i]);
}

static inline void
step(struct rig *rig, unsigned times)
{
	while (times-- > 0)
		kio_loop_step(rig->loop, 0);
}

/* Until so many are done, or nothing is to be expected any more. */
static inline void
run(struct rig *rig, unsigned count)
{
	for (unsigned i = 0; i < 20000 && done < count; i++)
		kio_loop_step(rig->loop, 1000000);
	CHECK_EQ(done, count);
}

#endif
