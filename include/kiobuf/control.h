/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_CONTROL_H
#define KIOBUF_CONTROL_H

/*
 * kio_control: what an operator asks of an open stack while it works: how
 * healthy it is, a changed option, a leg that is to be failed or brought back.
 *
 *   operator --> set, operate --> layer --> report, key by key
 *                                   |
 *   log, watchers <-- notice -------+   whenever its health changes
 *
 * A layer offers operations in a table of its class, each with a name, its
 * arguments and a line of help; it says how it is in two callbacks, and calls
 * kio_notice at the moment that changes. Layers are found by their names, which
 * are unique in a stack; an operation of a leg is addressed to that leg.
 *
 *	rc = kio_control_set(stack, "delay0", "latency", "5ms", &diag);
 *	rc = kio_control_operate(stack, "fail", "left", 0, NULL, &report, &diag);
 *
 * Rules
 *  1. Set and operate may block: they are called on a thread that drives no
 *     loop, while the loops of the stack's channels run.
 *  2. One of them runs at a time in a stack; another is refused with -EBUSY.
 *     What takes long is only begun, and tells how far it is by its health.
 *  3. Health is asked for on any thread, and answered without waiting.
 *  4. A notice comes on the thread on which something happened, often a loop's:
 *     who gets it takes a note and returns.
 */

#include <kiobuf/base.h>
#include <kiobuf/stack.h>

KIO_BEGIN

/* Where an operation puts what it has to tell, a key and its value at a time. */
struct kio_report {
	void (*text)(struct kio_report *report, const char *key, const char *value);
	void (*number)(struct kio_report *report, const char *key, uint64_t value);
};

/* report may be NULL. The text as kio_format. */
KIO_PUBLIC void kio_report_text(struct kio_report *report, const char *key, const char *format, ...);
KIO_PUBLIC void kio_report_number(struct kio_report *report, const char *key, uint64_t value);

/* How far a layer is with what it does by itself. */
struct kio_progress {
	const char *what;     /* "resync" */
	uint64_t done, total; /* bytes; total may grow */
	uint64_t took_ns;     /* since it began; 0: it is about to */
};

/* False: it does nothing. Any thread. */
KIO_PUBLIC bool kio_layer_progress(const struct kio_layer *layer, struct kio_progress *progress);

/* One thing a layer can be asked to do; a table of them ends with a name of NULL. */
struct kio_operation {
	const char *name;      /* "resync" */
	const char *arguments; /* after the layer or leg, for the help: "STACK"; NULL: none */
	const char *help;
	unsigned least, most;  /* arguments */
	bool of_leg;           /* it is addressed to a leg of the layer */
	/*
	 * leg: which; of the layer itself 0. May block; may run beside requests on
	 * all loops. 0, or -errno and a sentence in diag.
	 */
	int (*run)(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
		   struct kio_report *report, struct kio_diag *diag);
};

/* "ok", "degraded", "failed". */
KIO_PUBLIC const char *kio_health_name(enum kio_health health);

/* The layer of that name, or NULL. */
KIO_PUBLIC const struct kio_layer *kio_control_find(const struct kio_stack *stack, const char *name);

/*
 * What a layer says of itself, or the layer above says of it as a leg, the worse
 * of both; and what that one says in a few words, "" for nothing.
 */
KIO_PUBLIC enum kio_health kio_layer_health(const struct kio_layer *layer, char *text, size_t size);

/* The whole: a layer that goes on without a leg is degraded, however bad the leg is. */
KIO_PUBLIC enum kio_health kio_stack_health(const struct kio_stack *stack);

/* An option that is marked changeable. -ENOENT: no such layer or option; -EPERM: it cannot be changed. */
KIO_PUBLIC int kio_control_set(struct kio_stack *stack, const char *layer, const char *option,
			       const char *value, struct kio_diag *diag);

/* Its value now, as the language writes it; -ENOENT: it is not marked. */
KIO_PUBLIC int kio_control_get(const struct kio_layer *layer, const char *option, char *text,
			       size_t size);

/* An operation of the layer, or of the layer above for its leg, of that name. */
KIO_PUBLIC int kio_control_operate(struct kio_stack *stack, const char *operation,
				   const char *name, unsigned count, const char *const *args,
				   struct kio_report *report, struct kio_diag *diag);

KIO_END

#endif
