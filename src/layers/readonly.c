/* SPDX-License-Identifier: MIT */
/*
 * readonly: refuses changes. The core does it, told by the limits.
 */
#include <kiobuf/layer.h>

static int
readonly_open(struct kio_layer *layer, struct kio_diag *diag)
{
	(void)diag;
	layer->limits.read_only = true;
	return 0;
}

const struct kio_class kio_class_readonly = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "readonly",
	.summary = "refuse changes",
	.maturity = "stable",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.open = readonly_open,
	.resize = kio_resize_below,
};
