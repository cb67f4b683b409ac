/* SPDX-License-Identifier: MIT */
/*
 * Complaints, memory and guesses.
 */
#include "stack/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "core/format.h"
#include "port/port.h"

int
kio__complain(struct kio_diag *diag, int error, struct place place, const char *format, ...)
{
	size_t len = 0;
	va_list args;

	if (diag == NULL)
		return error;
	diag->error = error;
	diag->line = place.line;
	diag->column = place.column;
	kio_format(diag->source, sizeof(diag->source), "%s", place.source);
	if (place.source[0] != '\0')
		len = kio_format(diag->text, sizeof(diag->text), "%s:", place.source);
	if (place.line != 0 && len < sizeof(diag->text) / 2)
		len += kio_format(diag->text + len, sizeof(diag->text) - len, "%u:%u: ", place.line,
				  place.column);
	if (len >= sizeof(diag->text))
		len = sizeof(diag->text) - 1;
	va_start(args, format);
	kio__format_args(diag->text + len, sizeof(diag->text) - len, format, args);
	va_end(args);
	return error;
}

void *
kio__keep(struct kept **list, size_t size)
{
	struct kept *kept = kio__alloc(sizeof(*kept) + size);

	if (kept == NULL)
		return NULL;
	kept->size = size;
	kept->next = *list;
	*list = kept;
	return kept->data;
}

char *
kio__keep_text(struct kept **list, const char *text, size_t len)
{
	char *copy = kio__keep(list, len + 1);

	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

void
kio__kept_free(struct kept **list)
{
	struct kept *kept;

	while ((kept = *list) != NULL) {
		*list = kept->next;
		kio__wipe(kept->data, kept->size);
		kio__free(kept);
	}
}

int
kio__read_whole(int fd, void *into, size_t most, size_t *len)
{
	ssize_t got = 1;

	*len = 0;
	while (got != 0 && *len < most) {
		got = read(fd, (char *)into + *len, most - *len);
		if (got < 0 && errno != EINTR)
			return -errno;
		*len += got > 0 ? (size_t)got : 0;
	}
	return 0;
}

/* --- guesses ------------------------------------------------------------ */

#define LONGEST 32u

/* Letters to insert, delete, replace or swap with the next to make a into b. */
static unsigned
distance(const char *a, const char *b)
{
	size_t len_a = strlen(a), len_b = strlen(b);
	unsigned rows[3][LONGEST + 1], *two = rows[0], *one = rows[1], *now = rows[2], *spare;
	unsigned best;

	if (len_a > LONGEST || len_b > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= len_b; j++)
		two[j] = one[j] = (unsigned)j;
	for (size_t i = 1; i <= len_a; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= len_b; j++) {
			best = one[j - 1] + (a[i - 1] != b[j - 1]);
			if (one[j] + 1 < best)
				best = one[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    two[j - 2] + 1 < best)
				best = two[j - 2] + 1;
			now[j] = best;
		}
		spare = two;
		two = one;
		one = now;
		now = spare;
	}
	return one[len_b];
}

void
kio__guess(struct guess *guess, const char *word, const char *name)
{
	unsigned far = distance(word, name), most = strlen(word) < 4 ? 1 : 2;

	if (far > most || (guess->best != NULL && far >= guess->distance))
		return;
	guess->best = name;
	guess->distance = far;
}

const char *
kio__guessed(const struct guess *guess, char *text, size_t size)
{
	if (guess->best == NULL)
		return "";
	kio_format(text, size, "; did you mean '%s'?", guess->best);
	return text;
}
