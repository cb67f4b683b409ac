/* SPDX-License-Identifier: MIT */
/*
 * invert: a layer of one's own, outside the library. Every byte is stored with
 * its bits turned over; what writes and reads does not notice.
 *
 *	cc -shared -fPIC invert.c -o kiobuf-invert.so $(pkg-config --cflags kiobuf)
 *	kiobuf --load ./kiobuf-invert.so ...      or in $KIOBUF_MODULES
 */
#include <kiobuf/layer.h>

static void
invert_bytes(struct kio_iter to, struct kio_iter from)
{
	unsigned char *out, *in;
	size_t out_len = 0, in_len = 0, len;

	while (from.len != 0) {
		struct kio_iter next_to = to, next_from = from;

		out = (unsigned char *)kio_iter_next(&next_to, &out_len);
		in = (unsigned char *)kio_iter_next(&next_from, &in_len);
		len = out_len < in_len ? out_len : in_len;
		for (size_t i = 0; i < len; i++)
			out[i] = (unsigned char)~in[i];
		kio_iter_skip(&to, len);
		kio_iter_skip(&from, len);
	}
}

static void
invert_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct kio_iter to;

	(void)layer;
	if (frame->op != KIO_WRITE) {
		kio_pass(frame);
		return;
	}
	/* in place where the caller allows it, else in memory of ours */
	if (!kio_writable(frame, &to))
		return;
	invert_bytes(to, frame->data);
	kio_pass_data(frame, frame->offset, to);
}

static enum kio_next
invert_done(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	if (frame->op == KIO_READ && kio_frame_status(frame) == 0)
		invert_bytes(frame->data, frame->data);
	return KIO_UP;
}

static const struct kio_class invert = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "invert",
	.summary = "turn the bits of each byte over",
	.maturity = "lab",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.bits = KIO_CHANGES_DATA,
	.submit = invert_submit,
	.done = invert_done,
};

__attribute__((visibility("default"))) const struct kio_class *const kio_module_classes[] = {
	&invert, NULL
};
