/* SPDX-License-Identifier: MIT */
/*
 * deadline: no request takes longer than it may.
 *
 * A copy of each request goes down, in memory of the layer's own; so when the
 * time is over the request ends at once, and its memory is the caller's again,
 * whatever the layers below still do. What is late is cancelled, and keeps its
 * range until it is drained: a late write never lands on a newer one.
 */
#include <kiobuf/layer.h>

#include "port/port.h"

#define STRAGGLERS 16u

struct deadline {
	struct kio_layer layer;
	uint64_t timeout; /* ns */
};

struct deadline_frame {
	struct kio_timer timer;
	struct kio_frame *frame;
};

static const struct kio_opt deadline_opts[] = {
	KIO_OPT_TIME(struct deadline, timeout, 0, "from arrival to the end, waiting included",
		     .flags = KIO_OPT_MAIN | KIO_OPT_REQUIRED),
	{ 0 }
};

static int
deadline_open(struct kio_layer *layer, struct kio_diag *diag)
{
	const struct deadline *deadline = kio_container_of(layer, struct deadline, layer);

	if (deadline->timeout == 0)
		return kio_refuse(diag, -EINVAL, "timeout=0 leaves no time for anything");
	layer->apart = 1;
	layer->apart_changes = true;
	layer->stragglers = STRAGGLERS;
	return 0;
}

/* The copy may have ended it in this very round. */
static void
give_up(struct kio_frame *frame, int status)
{
	struct kio_frame *copy = kio_frame_copy(frame);

	if (kio_end(frame, status, NULL) && copy != NULL)
		kio_cancel(copy->kio);
}

static void
deadline_over(struct kio_task *task)
{
	give_up(kio_container_of(task, struct deadline_frame, timer.task)->frame, -ETIMEDOUT);
}

static void
deadline_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct deadline *deadline = kio_container_of(layer, struct deadline, layer);
	struct deadline_frame *state = kio_frame_area(frame);
	struct kio_loop *loop = kio_frame_loop(frame);
	uint64_t due;

	if (kio_frame_is_copy(frame)) {
		kio_pass(frame);
		return;
	}
	due = kio_frame_arrived(frame) + deadline->timeout;
	if (due <= kio_loop_now(loop)) {
		kio_complete(frame, -ETIMEDOUT);
		return;
	}
	*state = (struct deadline_frame){ .timer.task.run = deadline_over, .frame = frame };
	kio_timer_arm(loop, &state->timer, due);
	kio_split_apart(frame);
}

/* Of the copy. */
static enum kio_next
deadline_done(struct kio_layer *layer, struct kio_frame *copy)
{
	struct kio_frame *frame = kio_frame_waiter(copy);
	struct deadline_frame *state;

	(void)layer;
	if (frame != NULL) {
		state = kio_frame_area(frame);
		kio_timer_cancel(kio_frame_loop(frame), &state->timer);
	}
	return KIO_UP;
}

static void
deadline_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct deadline_frame *state = kio_frame_area(frame);

	(void)layer;
	kio_timer_cancel(kio_frame_loop(frame), &state->timer);
	give_up(frame, -ECANCELED);
}

const struct kio_class kio_class_deadline = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "deadline",
	.summary = "end each request in time, with an error if need be",
	.maturity = "beta",
	.size = sizeof(struct deadline),
	.frame_size = sizeof(struct deadline_frame),
	.opts = deadline_opts,
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_ORDERED_WRITES,
	.open = deadline_open,
	.submit = deadline_submit,
	.done = deadline_done,
	.cancel = deadline_cancel,
	.resize = kio_resize_below,
};
