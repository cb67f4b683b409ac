/* SPDX-License-Identifier: MIT */
#ifndef STACK_OPTIONS_H
#define STACK_OPTIONS_H

/*
 * Classes and their tables of options, for the opener and for those who show them.
 */

#include <kiobuf/layer.h>
#include <kiobuf/tree.h>

#include "stack/text.h"

/* As kio_class_find; what was wrong with a module of that name is said in diag. */
const struct kio_class *kio__class_find(const char *name, struct kio_diag *diag);

/* Those of one class; the registry refuses more. */
#define KIO__OPTIONS_MOST 64u

/*
 * Checks a node's arguments against its class, and stores them in the layer,
 * which may be NULL to check only. Strings and secrets are kept in `kept`.
 */
int kio__options_apply(const struct kio_node *node, const struct kio_class *class_,
		       struct kio_layer *layer, struct kept **kept, struct kio_diag *diag);

/* The option that KEY= means, or NULL. */
const struct kio_opt *kio__option_find(const struct kio_class *class_, const char *key);

/* As the user writes it: key-file for a secret `key`, max-size for max_size. */
const char *kio__option_name(const struct kio_opt *opt, char *text, size_t size);
/* "size", "yes|no", "left|right", ... */
const char *kio__option_type(const struct kio_opt *opt, char *text, size_t size);
/* "64K", "no", ...; "": none, or it is required. */
const char *kio__option_default(const struct kio_opt *opt, char *text, size_t size);
/* What it is in a layer now; "" for texts, secrets and stacks. */
const char *kio__option_value(const struct kio_opt *opt, const struct kio_layer *layer, char *text,
			      size_t size);

/* Sizes, times, numbers, choices and yes|no. 0, or -EINVAL and in *why a reason. */
int kio__option_parse(const struct kio_opt *opt, const char *text, uint64_t *value, const char **why);
/* Into the option's member of a layer, as one word. */
void kio__option_store(const struct kio_opt *opt, void *at, uint64_t value);

/* Digits at the beginning of *text, which moves on behind them. */
int kio__parse_number(const char **text, uint64_t *value, const char **why);

/* Numbers as the language writes them. 0, or -EINVAL and in *why a reason. */
int kio__parse_size(const char *text, uint64_t *size, const char **why);
int kio__parse_time(const char *text, uint64_t *ns, const char **why);

#endif
