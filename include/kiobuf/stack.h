/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_STACK_H
#define KIOBUF_STACK_H

/*
 * kio_stack: a tree of layers opened together, written in one line.
 * kio_channel: its instance on one loop.
 *
 *	struct kio_diag diag;
 *	struct kio_stack *stack;
 *
 *	if (kio_stack_open(&stack, "stripe { file a.img ; file b.img }", NULL, &diag) < 0)
 *		fprintf(stderr, "%s\n", diag.text);
 *	rc = kio_pwrite(stack, page, sizeof(page), 0, KIO_FUA);
 *	kio_stack_close(&stack, NULL);
 *
 * The language is described in kiobuf-stack(5), the layers in section 7.
 *
 * Rules
 *  1. A stack may be opened and closed on any thread, by one at a time.
 *  2. A channel belongs to the thread of its loop. Reserves for all that can
 *     wait are allocated when it opens; nothing is allocated afterwards.
 *  3. A stack closes after its channels, a channel after its containers came
 *     home and lent memory was released.
 *  4. The blocking forms run on a loop of the stack's own, made at their first
 *     use; any thread may call them, but no callback of a loop.
 *  5. When opening fails nothing stays open, and diag says why and where.
 */

#include <kiobuf/base.h>
#include <kiobuf/kio.h>
#include <kiobuf/op.h>

KIO_BEGIN

struct kio_stack;
struct kio_layer;
struct kio_class;
struct kio_tree;

/* Why something was refused. */
struct kio_diag {
	int error;       /* -errno */
	unsigned line;   /* in the text; from 1; 0: not about the text */
	unsigned column; /* from 1, in bytes */
	char source[128]; /* the file the text came from; "": the text given */
	char text[512];  /* a sentence, with the place */
};

enum kio_severity { KIO_INFO, KIO_WARNING, KIO_ERROR };

/* A message for the operator. Any thread; does not block. */
typedef void (*kio_log_fn)(void *priv, enum kio_severity severity, const char *text);

enum kio_health { KIO_HEALTH_OK, KIO_HEALTH_DEGRADED, KIO_HEALTH_FAILED };

/* The health of a layer or of its legs has changed. */
struct kio_notice {
	const struct kio_layer *layer;
	enum kio_health health; /* of the layer, from now on */
	const char *text;       /* what happened */
	const char *repair;     /* what `kiobuf ctl SOCK` is to be told; NULL: nothing can be */
};

/* Any thread; does not block. The notice is gone when it returns. */
typedef void (*kio_notice_fn)(void *priv, const struct kio_notice *notice);

struct kio_stack_options {
	const char *const *set; /* "key=value" for each ${key}; NULL at the end */
	const char *engine;     /* of the stack's own loops, as in kio_loop_options */
	kio_log_fn log;         /* NULL: nobody listens */
	void *log_priv;
	kio_notice_fn notice;   /* besides the log; NULL: nobody listens */
	void *notice_priv;
	const char *control;    /* a control socket, to be named in messages; NULL: there is none */
	unsigned reserve;  /* containers in the reserve of a level; 0: 64 */
	size_t lend_bytes; /* lend budget of a channel; 0: 1 MiB */
	bool read_only;    /* open drivers for reading; changes are refused */
	bool create;       /* write fresh metadata; as kiobuf create does */
	const char *new_leg; /* the same of just this layer and those below it: the layer above, which
				has to know how (KIO_REPLACES_LEGS), makes it one of its legs */
	bool force;        /* allow what is refused for safety */
};

/* options and diag may be NULL. */
KIO_PUBLIC int kio_stack_open(struct kio_stack **stack, const char *text,
			      const struct kio_stack_options *options, struct kio_diag *diag);

/* The first error while the layers closed, in diag too if given. The stack is gone either way. */
KIO_PUBLIC int kio_stack_close(struct kio_stack **stack, struct kio_diag *diag);

/* The whole stack's. size changes when the stack grows. */
KIO_PUBLIC const struct kio_limits *kio_stack_limits(const struct kio_stack *stack);

/* Grows the stack; -ENOTSUP where a layer cannot, -EINVAL for a smaller size. Not from a callback. */
KIO_PUBLIC int kio_stack_resize(struct kio_stack *stack, uint64_t size, struct kio_diag *diag);

/* On the loop's thread, or before the loop has one. */
KIO_PUBLIC int kio_channel_open(struct kio_channel **channel, struct kio_stack *stack,
				struct kio_loop *loop);
KIO_PUBLIC void kio_channel_close(struct kio_channel **channel);
KIO_PUBLIC struct kio_loop *kio_channel_loop(const struct kio_channel *channel);

/* Bytes allocated for the channel: levels, reserves, bounce memory, not its callers' containers. */
KIO_PUBLIC size_t kio_channel_bytes(const struct kio_channel *channel);

/* Bytes of a container without segments. */
KIO_PUBLIC size_t kio_channel_kio_bytes(const struct kio_channel *channel);

/* Blocking forms: 0 or -errno. All bytes or an error. */
KIO_PUBLIC int kio_pread(struct kio_stack *stack, void *into, size_t len, uint64_t offset);
KIO_PUBLIC int kio_pwrite(struct kio_stack *stack, const void *from, size_t len, uint64_t offset,
			  unsigned flags);
KIO_PUBLIC int kio_flush(struct kio_stack *stack);
/* op: KIO_DISCARD or KIO_WRITE_ZEROES. */
KIO_PUBLIC int kio_pclear(struct kio_stack *stack, enum kio_op op, uint64_t len, uint64_t offset,
			  unsigned flags);
/* One extent, as kio_extent. */
KIO_PUBLIC int kio_pextent(struct kio_stack *stack, uint64_t len, uint64_t offset,
			   uint64_t *extent_len, uint32_t *extent_flags);

/* The nodes of an open stack, for info and statistics. */
struct kio_stat {
	uint64_t ios;    /* entered the layer */
	uint64_t bytes;  /* read and written by those */
	uint64_t parts;  /* made by splitting here */
	uint64_t copied; /* bytes copied in user space here */
	uint64_t waits;  /* parked for want of reserves or ranges */
	uint64_t merged; /* of the ios: went on together with others, in one request */
	uint64_t merges; /* such requests */
	uint64_t errors; /* completed here with an error of the layer or from below */
};

/* The first layer; then depth first: kio_layer_next returns NULL at the end. */
KIO_PUBLIC const struct kio_layer *kio_stack_top(const struct kio_stack *stack);
KIO_PUBLIC const struct kio_layer *kio_layer_next(const struct kio_layer *layer);
KIO_PUBLIC unsigned kio_layer_depth(const struct kio_layer *layer);
KIO_PUBLIC const char *kio_layer_name(const struct kio_layer *layer);
KIO_PUBLIC const struct kio_class *kio_layer_class(const struct kio_layer *layer);
KIO_PUBLIC const struct kio_limits *kio_layer_limits(const struct kio_layer *layer);
/* A few words of the layer about itself ("2 of 2 legs in sync"); returns text, "" for none. */
KIO_PUBLIC const char *kio_layer_describe(const struct kio_layer *layer, char *text, size_t size);
/* Sums over all channels, of now and before. */
KIO_PUBLIC void kio_layer_stat(const struct kio_layer *layer, struct kio_stat *stat);
/* The same of one channel. */
KIO_PUBLIC void kio_channel_stat(const struct kio_channel *channel, const struct kio_layer *layer,
				 struct kio_stat *stat);

/* Makes a class known by its name. -EEXIST, -EINVAL (a contract broken), -ENOMEM. */
KIO_PUBLIC int kio_class_register(const struct kio_class *class_);
/* The class of that name, or NULL; loads kiobuf-NAME.so from the module directories if need be. */
KIO_PUBLIC const struct kio_class *kio_class_find(const char *name);
/* Loads a module by its path. */
KIO_PUBLIC int kio_module_load(const char *path, struct kio_diag *diag);
/* All known classes by name; NULL after the last. */
KIO_PUBLIC const struct kio_class *kio_class_next(const struct kio_class *class_);

KIO_END

#endif
