/* SPDX-License-Identifier: MIT */
#ifndef CORE_STACK_H
#define CORE_STACK_H

/*
 * Building and opening a tree of layers. src/stack reads the text, makes the
 * layers and stores their options; from there on the core goes on alone.
 */

#include <kiobuf/layer.h>

#include "port/port.h"

struct kio_stack {
	struct kio_layer *top;
	struct kio_layer **layers; /* all, by index; sides included */
	unsigned layer_count;
	struct kio_layer *failed; /* the one that did not open */
	struct kio_stack_options options; /* set is not kept */
	struct kio__mutex mutex; /* over channels and past statistics */
	struct kio_channel *channels;
	struct kio_loop *setup;  /* for I/O while opening, closing and growing */
	struct kio_channel *setup_channel;
	struct kio *setup_kio;
	struct kio_loop *own; /* of the blocking forms */
	struct kio_channel *own_channel;
	struct kio__mutex own_mutex;
	struct kio *idle; /* their containers, linked by priv */
	struct kio_limits limits; /* as seen from above the top */
	bool controlled; /* atomic: an operation or a change of an option runs */
	/* what src/stack hangs here: texts and secrets of options; freed with the stack */
	void *text;
	void (*text_free)(void *text);
	/* a loop for the stack's own use, on the engine of the options */
	int (*loop_open)(struct kio_loop **loop, const struct kio_stack *stack);
};

/* options may be NULL. */
int kio__stack_create(struct kio_stack **stack, const struct kio_stack_options *options);

/*
 * A layer of the class with options zeroed; name is copied; NULL: class and a
 * number. -ENOMEM.
 */
int kio__layer_create(struct kio_layer **layer, struct kio_stack *stack,
		      const struct kio_class *class_, const char *name);

/* Hangs leg below layer, after those it has. -ENOMEM. */
int kio__layer_add_leg(struct kio_layer *layer, struct kio_layer *leg);

/* A helper stack at the side of layer. */
int kio__layer_add_side(struct kio_layer *layer, struct kio_layer *side);

/* Opens all layers from the bottom up. On failure those that were open are closed again. */
int kio__stack_open(struct kio_stack *stack, struct kio_layer *top, struct kio_diag *diag);

/* Closes what is open and frees everything, layers that were never opened too. */
int kio__stack_close(struct kio_stack *stack, struct kio_diag *diag);

/* control.c: -EBUSY: another one is at it. */
int kio__control_begin(struct kio_stack *stack, struct kio_diag *diag);
void kio__control_end(struct kio_stack *stack);

/* blocking.c: lets go of what I/O while opening needed, and of the blocking forms. */
void kio__setup_close(struct kio_stack *stack);
void kio__own_close(struct kio_stack *stack);

#endif
