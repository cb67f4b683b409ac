/* SPDX-License-Identifier: MIT */
/*
 * Options that are changed while their layer works.
 */
#include <errno.h>
#include <string.h>

#include <kiobuf/control.h>
#include <kiobuf/layer.h>

#include "core/stack.h"
#include "stack/options.h"

static int
find_option(const struct kio_layer *layer, const char *key, const struct kio_opt **out,
	    struct kio_diag *diag)
{
	const struct kio_opt *opts = layer->class_->opts, *opt = kio__option_find(layer->class_, key);
	struct guess guess = { 0 };
	char names[KIO__OPTIONS_MOST][48], text[80];

	*out = opt;
	if (opt != NULL && (opt->flags & KIO_OPT_CHANGEABLE) != 0)
		return 0;
	if (opt != NULL)
		return kio_refuse(diag, -EPERM, "%s of %s is fixed when it opens", key, layer->name);
	for (unsigned i = 0; opts != NULL && opts[i].name != NULL; i++) {
		if ((opts[i].flags & KIO_OPT_CHANGEABLE) != 0)
			kio__guess(&guess, key, kio__option_name(&opts[i], names[i], sizeof(names[i])));
	}
	return kio_refuse(diag, -ENOENT, "%s has no option '%s'%s", layer->name, key,
			  kio__guessed(&guess, text, sizeof(text)));
}

static int
set_option(struct kio_layer *layer, const struct kio_opt *opt, const char *text,
	   struct kio_diag *diag)
{
	const char *why = "";
	uint64_t value;
	int rc = kio__option_parse(opt, text, &value, &why);

	if (rc < 0)
		return kio_refuse(diag, rc, "%s %s", text, why);
	if (layer->class_->set != NULL)
		rc = layer->class_->set(layer, opt, value, diag);
	if (rc == 0)
		kio__option_store(opt, (char *)layer + opt->at, value);
	else if (diag != NULL && diag->text[0] == '\0')
		kio_refuse(diag, rc, "%s: %s=%s: %e", layer->name, opt->name, text, rc);
	return rc;
}

int
kio_control_set(struct kio_stack *stack, const char *name, const char *key, const char *value,
		struct kio_diag *diag)
{
	struct kio_layer *layer = (struct kio_layer *)(uintptr_t)kio_control_find(stack, name);
	const struct kio_opt *opt;
	int rc;

	if (diag != NULL)
		*diag = (struct kio_diag){ 0 };
	if (layer == NULL)
		return kio_refuse(diag, -ENOENT, "there is no layer %s", name);
	if (kio_leg_absent(layer))
		return kio_refuse(diag, -ENODEV, "%s is not there", name);
	rc = find_option(layer, key, &opt, diag);
	if (rc == 0)
		rc = kio__control_begin(stack, diag);
	if (rc < 0)
		return rc;
	rc = set_option(layer, opt, value, diag);
	kio__control_end(stack);
	return rc;
}

int
kio_control_get(const struct kio_layer *layer, const char *key, char *text, size_t size)
{
	const struct kio_opt *opt = kio__option_find(layer->class_, key);

	if (opt == NULL || (opt->flags & KIO_OPT_CHANGEABLE) == 0)
		return -ENOENT;
	kio__option_value(opt, layer, text, size);
	return 0;
}
