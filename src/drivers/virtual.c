/* SPDX-License-Identifier: MIT */
/*
 * The engine `sim`: a loop whose time is virtual. Nothing runs beside it, so that
 * a run is the same each time.
 */
#include "base/math.h"
#include "drivers/engine.h"
#include "drivers/sim.h"

struct virtual {
	uint64_t now;
	uint32_t woken; /* atomic */
};

static int
virtual_open(struct kio_loop *loop, const struct kio_loop_options *options)
{
	(void)options;
	loop->state = kio__alloc(sizeof(struct virtual));
	return loop->state != NULL ? 0 : -ENOMEM;
}

static void
virtual_close(struct kio_loop *loop)
{
	kio__free(loop->state);
}

/* Nothing is waited for but other threads: time is what the next timer says. */
static int
virtual_poll(struct kio_loop *loop, uint64_t due_ns)
{
	struct virtual *state = loop->state;

	if (due_ns == UINT64_MAX) {
		while (__atomic_exchange_n(&state->woken, 0, __ATOMIC_ACQUIRE) == 0)
			kio__sleep(&state->woken, 0, UINT64_MAX);
	} else if (due_ns > state->now) {
		state->now = due_ns;
	}
	return 0;
}

static void
virtual_wake(struct kio_loop *loop)
{
	struct virtual *state = loop->state;

	__atomic_store_n(&state->woken, 1, __ATOMIC_RELEASE);
	kio__wake(&state->woken);
}

static uint64_t
virtual_now(const struct kio_loop *loop)
{
	const struct virtual *state = loop->state;

	return state->now;
}

void
kio__sim_clock_jump(struct kio_loop *loop, uint64_t ns)
{
	struct virtual *state = loop->state;

	state->now += ns;
}

const struct kio_engine kio__engine_sim = {
	.name = "sim",
	.alone = true,
	.open = virtual_open,
	.close = virtual_close,
	.poll = virtual_poll,
	.wake = virtual_wake,
	.start = kio__blocking_start,
	.cancel = kio__blocking_cancel,
	.now = virtual_now,
};
