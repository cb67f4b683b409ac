/* SPDX-License-Identifier: MIT */
/*
 * retry: sends down again what failed.
 *
 * Writes are ordered, so that what is sent again never lands on what came
 * later; and layers below may not change the data in place, or they would
 * change it twice. A flush is not repeated: after one that failed a second
 * that succeeds says nothing about what the first has lost.
 */
#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

#define DOUBLED 10u /* times at most */

struct retry {
	struct kio_layer layer;
	unsigned count;
	uint64_t backoff; /* ns */
};

/* The frame's priv counts the times it was sent again. */
struct retry_frame {
	struct kio_timer timer;
	struct kio_frame *frame;
};

static const struct kio_opt retry_opts[] = {
	KIO_OPT_UINT(struct retry, count, 3, "times a request is sent again", .flags = KIO_OPT_MAIN),
	KIO_OPT_TIME(struct retry, backoff, 10000000, "before the first of them; doubled each time"),
	{ 0 }
};

static void
retry_over(struct kio_task *task)
{
	struct retry_frame *state = kio_container_of(task, struct retry_frame, timer.task);

	if (kio_frame_cancelled(state->frame))
		kio_complete(state->frame, -ECANCELED);
	else
		kio_pass(state->frame);
}

static void
retry_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct retry *retry = kio_container_of(layer, struct retry, layer);
	struct retry_frame *state = kio_frame_area(frame);
	struct kio_loop *loop = kio_frame_loop(frame);
	uint64_t wait;

	if (frame->priv == 0 || retry->backoff == 0) {
		kio_pass(frame);
		return;
	}
	wait = retry->backoff << kio__min(frame->priv - 1, DOUBLED);
	*state = (struct retry_frame){ .timer.task.run = retry_over, .frame = frame };
	kio_timer_arm(loop, &state->timer, kio_loop_now(loop) + wait);
}

/* Some errors say that it would be the same again. */
static bool
may_pass_by(int status)
{
	switch (status) {
	case -EINVAL:
	case -ENOTSUP:
	case -EROFS:
	case -ERANGE:
	case -EFAULT:
	case -ECANCELED:
		return false;
	default:
		return true;
	}
}

static enum kio_next
retry_done(struct kio_layer *layer, struct kio_frame *frame)
{
	struct retry *retry = kio_container_of(layer, struct retry, layer);
	int status = kio_frame_status(frame);

	if (kio__likely(status == 0) || frame->op == KIO_FLUSH || !may_pass_by(status) ||
	    frame->priv >= retry->count || kio_frame_cancelled(frame))
		return KIO_UP;
	frame->priv++;
	kio_log(layer, KIO_WARNING, "%s of %U bytes at %U: %e; again, %U of %u",
		kio_op_name((enum kio_op)frame->op), frame->data.len, frame->offset, status,
		(uint64_t)frame->priv, retry->count);
	return KIO_AGAIN;
}

static void
retry_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct retry_frame *state = kio_frame_area(frame);

	(void)layer;
	if (kio_timer_cancel(kio_frame_loop(frame), &state->timer))
		kio_complete(frame, -ECANCELED);
}

const struct kio_class kio_class_retry = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "retry",
	.summary = "send down again what failed",
	.maturity = "beta",
	.size = sizeof(struct retry),
	.frame_size = sizeof(struct retry_frame),
	.opts = retry_opts,
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_KEEPS_DATA | KIO_ORDERED_WRITES,
	.submit = retry_submit,
	.done = retry_done,
	.cancel = retry_cancel,
	.resize = kio_resize_below,
};
