/* SPDX-License-Identifier: MIT */
/*
 * log: tells of each request when it is complete: what it was, what came of it
 * and how long it took. The lines go where the program sends its messages.
 */
#include <kiobuf/layer.h>

static void
log_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	frame->priv = (uintptr_t)kio_loop_now(kio_frame_loop(frame));
	kio_pass(frame);
}

static enum kio_next
log_done(struct kio_layer *layer, struct kio_frame *frame)
{
	uint64_t took = kio_loop_now(kio_frame_loop(frame)) - frame->priv;
	int status = kio_frame_status(frame);

	kio_log(layer, status < 0 ? KIO_WARNING : KIO_INFO, "%s offset=%U len=%U flags=%u took=%Uns: %s",
		kio_op_name((enum kio_op)frame->op), frame->offset, frame->data.len,
		(unsigned)frame->flags, took, status < 0 ? kio_error_text(status) : "ok");
	return KIO_UP;
}

const struct kio_class kio_class_log = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "log",
	.summary = "tell of each request",
	.maturity = "stable",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.submit = log_submit,
	.done = log_done,
	.resize = kio_resize_below,
};
