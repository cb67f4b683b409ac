/* SPDX-License-Identifier: MIT */
/*
 * A formatter of a page, so that layers can explain themselves in every home,
 * and the sentences it makes: refusals and log lines.
 */
#include <stdarg.h>

#include <kiobuf/layer.h>

#include "core/format.h"
#include "core/stack.h"
#include "port/port.h"

struct text {
	char *at;
	size_t size, len;
};

static void
put_char(struct text *text, char c)
{
	if (text->len + 1 < text->size)
		text->at[text->len] = c;
	text->len++;
}

static void
put_string(struct text *text, const char *string)
{
	for (; *string != '\0'; string++)
		put_char(text, *string);
}

/* As a shell reads it back: one word. */
static void
put_quoted(struct text *text, const char *string)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "._-/@:+,";
	bool bare = *string != '\0';

	for (const char *at = string; *at != '\0' && bare; at++) {
		bare = false;
		for (const char *good = plain; *good != '\0' && !bare; good++)
			bare = *at == *good;
	}
	if (bare) {
		put_string(text, string);
		return;
	}
	put_char(text, '\'');
	for (; *string != '\0'; string++) {
		if (*string == '\'')
			put_string(text, "'\\'");
		put_char(text, *string);
	}
	put_char(text, '\'');
}

static void
put_number(struct text *text, uint64_t value, unsigned base)
{
	char digits[20];
	unsigned count = 0;

	do {
		digits[count++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	while (count > 0)
		put_char(text, digits[--count]);
}

/* In the largest unit that divides it, as the language reads it back. */
static void
put_scaled(struct text *text, uint64_t value, const char *const *units, const unsigned *steps)
{
	unsigned unit = 0;

	while (value != 0 && steps[unit] != 0 && value % steps[unit] == 0)
		value /= steps[unit++];
	put_number(text, value, 10);
	put_string(text, units[unit]);
}

static void
put_size(struct text *text, uint64_t value)
{
	static const char *const units[] = { "", "K", "M", "G", "T" };
	static const unsigned steps[] = { 1024, 1024, 1024, 1024, 0 };

	put_scaled(text, value, units, steps);
}

static void
put_time(struct text *text, uint64_t value)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };
	static const unsigned steps[] = { 1000, 1000, 1000, 0 };

	put_scaled(text, value, units, steps);
}

static void
put_int(struct text *text, int value)
{
	if (value < 0)
		put_char(text, '-');
	put_number(text, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
}

size_t
kio__format_args(char *at, size_t size, const char *format, va_list args)
{
	struct text text = { at, size, 0 };

	for (; *format != '\0'; format++) {
		if (*format != '%') {
			put_char(&text, *format);
			continue;
		}
		switch (*++format) {
		case 'q': put_quoted(&text, va_arg(args, const char *)); break;
		case 's': put_string(&text, va_arg(args, const char *)); break;
		case 'd': put_int(&text, va_arg(args, int)); break;
		case 'u': put_number(&text, va_arg(args, unsigned), 10); break;
		case 'U': put_number(&text, va_arg(args, uint64_t), 10); break;
		case 'x': put_number(&text, va_arg(args, uint64_t), 16); break;
		case 'c': put_char(&text, (char)va_arg(args, int)); break;
		case 'S': put_size(&text, va_arg(args, uint64_t)); break;
		case 'T': put_time(&text, va_arg(args, uint64_t)); break;
		case 'e': put_string(&text, kio_error_text(va_arg(args, int))); break;
		case '%': put_char(&text, '%'); break;
		default: kio__panic("kio_format: no conversion %%%c", *format);
		}
	}
	if (size > 0)
		at[text.len < size ? text.len : size - 1] = '\0';
	return text.len;
}

size_t
kio_format(char *text, size_t size, const char *format, ...)
{
	va_list args;
	size_t len;

	va_start(args, format);
	len = kio__format_args(text, size, format, args);
	va_end(args);
	return len;
}

int
kio_refuse(struct kio_diag *diag, int error, const char *format, ...)
{
	va_list args;

	if (diag == NULL)
		return error;
	diag->error = error;
	va_start(args, format);
	kio__format_args(diag->text, sizeof(diag->text), format, args);
	va_end(args);
	return error;
}

void
kio_log(const struct kio_layer *layer, enum kio_severity severity, const char *format, ...)
{
	const struct kio_stack_options *options = &layer->stack->options;
	char text[400];
	size_t len;
	va_list args;

	if (options->log == NULL)
		return;
	len = kio_format(text, sizeof(text), "%s: ", layer->name);
	if (len >= sizeof(text))
		len = sizeof(text) - 1;
	va_start(args, format);
	kio__format_args(text + len, sizeof(text) - len, format, args);
	va_end(args);
	options->log(options->log_priv, severity, text);
}
