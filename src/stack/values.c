/* SPDX-License-Identifier: MIT */
/*
 * Values of options: how they are written, read and kept in a layer.
 */
#include <errno.h>
#include <string.h>

#include "stack/options.h"

/* --- how options are shown ---------------------------------------------- */

const char *
kio__option_name(const struct kio_opt *opt, char *text, size_t size)
{
	kio_format(text, size, "%s%s", opt->name, opt->type == KIO_TYPE_SECRET ? "-file" : "");
	for (char *at = text; *at != '\0'; at++) {
		if (*at == '_')
			*at = '-';
	}
	return text;
}

const char *
kio__option_type(const struct kio_opt *opt, char *text, size_t size)
{
	static const char *const names[] = {
		[KIO_TYPE_SIZE] = "size",     [KIO_TYPE_UINT] = "number", [KIO_TYPE_BOOL] = "yes|no",
		[KIO_TYPE_STRING] = "text",   [KIO_TYPE_TIME] = "time",   [KIO_TYPE_CHOICE] = "",
		[KIO_TYPE_SECRET] = "file",   [KIO_TYPE_STACK] = "{ stack }",
	};
	size_t len = kio_format(text, size, "%s", names[opt->type]);

	if (opt->type != KIO_TYPE_CHOICE)
		return text;
	for (unsigned i = 0; opt->choices[i] != NULL && len < size; i++)
		len += kio_format(text + len, size - len, "%s%s", i == 0 ? "" : "|", opt->choices[i]);
	return text;
}

static const char *
show_number(const struct kio_opt *opt, uint64_t value, char *text, size_t size)
{
	switch (opt->type) {
	case KIO_TYPE_SIZE: kio_format(text, size, "%S", value); break;
	case KIO_TYPE_TIME: kio_format(text, size, "%T", value); break;
	case KIO_TYPE_UINT: kio_format(text, size, "%U", value); break;
	case KIO_TYPE_BOOL: kio_format(text, size, "%s", value != 0 ? "yes" : "no"); break;
	case KIO_TYPE_CHOICE: kio_format(text, size, "%s", opt->choices[value]); break;
	case KIO_TYPE_STRING:
	case KIO_TYPE_SECRET:
	case KIO_TYPE_STACK: break;
	}
	return text;
}

const char *
kio__option_default(const struct kio_opt *opt, char *text, size_t size)
{
	if (size > 0)
		text[0] = '\0';
	if ((opt->flags & KIO_OPT_REQUIRED) != 0 ||
	    (opt->type == KIO_TYPE_UINT && opt->value == UINT32_MAX))
		return text;
	if (opt->type == KIO_TYPE_STRING && opt->text != NULL)
		kio_format(text, size, "%s", opt->text);
	return show_number(opt, opt->value, text, size);
}

const char *
kio__option_value(const struct kio_opt *opt, const struct kio_layer *layer, char *text, size_t size)
{
	const void *at = (const char *)layer + opt->at;
	uint64_t value = 0;

	switch (opt->type) {
	case KIO_TYPE_SIZE:
	case KIO_TYPE_TIME: value = KIO_OPT_NOW((const uint64_t *)at); break;
	case KIO_TYPE_UINT: value = KIO_OPT_NOW((const unsigned *)at); break;
	case KIO_TYPE_BOOL: value = KIO_OPT_NOW((const bool *)at); break;
	case KIO_TYPE_CHOICE: value = (uint64_t)KIO_OPT_NOW((const int *)at); break;
	case KIO_TYPE_STRING:
	case KIO_TYPE_SECRET:
	case KIO_TYPE_STACK: break;
	}
	if (size > 0)
		text[0] = '\0';
	return show_number(opt, value, text, size);
}

/* --- numbers ------------------------------------------------------------ */

int
kio__parse_number(const char **text, uint64_t *value, const char **why)
{
	const char *at = *text;
	uint64_t sum = 0;

	*why = "is not a number";
	if (*at < '0' || *at > '9')
		return -EINVAL;
	for (; *at >= '0' && *at <= '9'; at++) {
		if (__builtin_mul_overflow(sum, (uint64_t)10, &sum) ||
		    __builtin_add_overflow(sum, (uint64_t)(*at - '0'), &sum)) {
			*why = "is too large";
			return -EINVAL;
		}
	}
	*text = at;
	*value = sum;
	return 0;
}

int
kio__parse_size(const char *text, uint64_t *size, const char **why)
{
	static const char units[] = "KMGTP";
	const char *unit;
	int rc = kio__parse_number(&text, size, why);

	if (rc < 0)
		return rc;
	unit = strchr(units, *text);
	if (unit == NULL || (*text != '\0' && text[1] != '\0')) {
		*why = strcmp(text, "KB") == 0 || strcmp(text, "MB") == 0 || strcmp(text, "GB") == 0 ||
				       strcmp(text, "TB") == 0 ?
			       "has a unit that means two things; K, M, G and T are powers of 1024" :
			       "has a unit other than K, M, G, T";
		return -EINVAL;
	}
	*why = "is too large; a size is less than 2^63";
	for (long i = *text != '\0' ? unit - units : -1; i >= 0; i--) {
		if (__builtin_mul_overflow(*size, (uint64_t)1024, size))
			return -EINVAL;
	}
	return *size > INT64_MAX ? -EINVAL : 0;
}

int
kio__parse_time(const char *text, uint64_t *ns, const char **why)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 },	   { "us", 1000 },	  { "ms", 1000000 },
		      { "s", 1000000000 }, { "m", 60000000000 } };
	int rc = kio__parse_number(&text, ns, why);

	if (rc < 0 || (*text == '\0' && *ns == 0))
		return rc;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(text, units[i].name) != 0)
			continue;
		*why = "is too large";
		return __builtin_mul_overflow(*ns, units[i].ns, ns) ? -EINVAL : 0;
	}
	*why = "needs a unit: ns, us, ms, s or m";
	return -EINVAL;
}

int
kio_parse_time(const char *text, uint64_t *ns)
{
	const char *why;

	return kio__parse_time(text, ns, &why);
}

/* --- values in a layer -------------------------------------------------- */

static int
parse_bool(const char *text, uint64_t *value, const char **why)
{
	*why = "is neither yes nor no";
	*value = strcmp(text, "yes") == 0;
	return *value != 0 || strcmp(text, "no") == 0 ? 0 : -EINVAL;
}

static int
parse_uint(const char *text, uint64_t *value, const char **why)
{
	int rc = kio__parse_size(text, value, why);

	*why = "is not a number up to 4294967295";
	return rc < 0 || *value > UINT32_MAX ? -EINVAL : 0;
}

static int
parse_choice(const char *const *choices, const char *text, uint64_t *value, const char **why)
{
	*why = "is not one of the choices";
	for (*value = 0; choices[*value] != NULL; (*value)++) {
		if (strcmp(choices[*value], text) == 0)
			return 0;
	}
	return -EINVAL;
}

int
kio__option_parse(const struct kio_opt *opt, const char *text, uint64_t *value, const char **why)
{
	switch (opt->type) {
	case KIO_TYPE_SIZE: return kio__parse_size(text, value, why);
	case KIO_TYPE_TIME: return kio__parse_time(text, value, why);
	case KIO_TYPE_UINT: return parse_uint(text, value, why);
	case KIO_TYPE_BOOL: return parse_bool(text, value, why);
	case KIO_TYPE_CHOICE: return parse_choice(opt->choices, text, value, why);
	case KIO_TYPE_STRING:
	case KIO_TYPE_SECRET:
	case KIO_TYPE_STACK: break;
	}
	*why = "is not a number";
	return -EINVAL;
}

void
kio__option_store(const struct kio_opt *opt, void *at, uint64_t value)
{
	switch (opt->type) {
	case KIO_TYPE_SIZE:
	case KIO_TYPE_TIME: __atomic_store_n((uint64_t *)at, value, __ATOMIC_RELAXED); break;
	case KIO_TYPE_UINT: __atomic_store_n((unsigned *)at, (unsigned)value, __ATOMIC_RELAXED); break;
	case KIO_TYPE_BOOL: __atomic_store_n((bool *)at, value != 0, __ATOMIC_RELAXED); break;
	case KIO_TYPE_CHOICE: __atomic_store_n((int *)at, (int)value, __ATOMIC_RELAXED); break;
	case KIO_TYPE_STRING:
	case KIO_TYPE_SECRET:
	case KIO_TYPE_STACK: break;
	}
}
