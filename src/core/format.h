/* SPDX-License-Identifier: MIT */
#ifndef CORE_FORMAT_H
#define CORE_FORMAT_H

/* kio_format for those who were called with dots themselves. */

#include <stdarg.h>
#include <stddef.h>

size_t kio__format_args(char *text, size_t size, const char *format, va_list args);

#endif
