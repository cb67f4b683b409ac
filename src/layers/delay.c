/* SPDX-License-Identifier: MIT */
/*
 * delay: holds each request back for a while before it goes down.
 */
#include <kiobuf/layer.h>

#include "port/port.h"

struct delay {
	struct kio_layer layer;
	uint64_t latency; /* ns */
};

struct delay_frame {
	struct kio_timer timer;
	struct kio_frame *frame;
};

static const struct kio_opt delay_opts[] = {
	KIO_OPT_TIME(struct delay, latency, 1000000, "added to each request",
		     .flags = KIO_OPT_MAIN | KIO_OPT_CHANGEABLE),
	{ 0 }
};

static void
delay_over(struct kio_task *task)
{
	struct delay_frame *state = kio_container_of(task, struct delay_frame, timer.task);

	kio_pass(state->frame);
}

static void
delay_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct delay *delay = kio_container_of(layer, struct delay, layer);
	struct delay_frame *state = kio_frame_area(frame);
	struct kio_loop *loop = kio_frame_loop(frame);

	state->timer = (struct kio_timer){ .task.run = delay_over };
	state->frame = frame;
	kio_timer_arm(loop, &state->timer, kio_loop_now(loop) + KIO_OPT_NOW(&delay->latency));
}

static void
delay_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct delay_frame *state = kio_frame_area(frame);

	(void)layer;
	if (kio_timer_cancel(kio_frame_loop(frame), &state->timer))
		kio_complete(frame, -ECANCELED);
}

const struct kio_class kio_class_delay = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "delay",
	.summary = "hold each request back for a while",
	.maturity = "stable",
	.size = sizeof(struct delay),
	.frame_size = sizeof(struct delay_frame),
	.opts = delay_opts,
	.min_legs = 1,
	.max_legs = 1,
	.submit = delay_submit,
	.cancel = delay_cancel,
	.resize = kio_resize_below,
};
