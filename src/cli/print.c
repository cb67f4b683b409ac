/* SPDX-License-Identifier: MIT */
/*
 * What the commands print: results on stdout, all else on stderr.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "cli/cli.h"
#include "port/port.h"

/* A progress bar stands on the line: messages, which come from any thread, wipe it away. */
static bool bar_is_up; /* atomic */

static void
begin_line(void)
{
	if (__atomic_exchange_n(&bar_is_up, false, __ATOMIC_RELAXED))
		fputs("\r\033[K", stderr);
}

int
cli_fail(const struct cli *cli, int code, const char *format, ...)
{
	va_list args;

	begin_line();
	fprintf(stderr, "kiobuf %s: ", cli->command->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

void
cli_say(const char *format, ...)
{
	va_list args;

	begin_line();
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

void
cli_log(void *priv, enum kio_severity severity, const char *text)
{
	static const char *const names[] = { "", "warning: ", "error: " };

	(void)priv;
	cli_say("kiobuf: %s%s", names[severity], text);
}

/* A file of text; one that can be read just once was read. */
static FILE *
open_source(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "r") : NULL;
}

/* The line a complaint is about, out of the text given or the file. */
static void
find_line(const char *text, const struct kio_diag *diag, char *line, size_t size)
{
	FILE *file = diag->source[0] != '\0' ? open_source(diag->source) : NULL;
	unsigned number = 1;

	line[0] = '\0';
	if (file != NULL) {
		while (fgets(line, (int)size, file) != NULL && number < diag->line)
			number++;
		fclose(file);
	} else if (diag->source[0] == '\0') {
		for (; number < diag->line && (text = strchr(text, '\n')) != NULL; text++)
			number++;
		snprintf(line, size, "%s", text != NULL ? text : "");
	}
	line[strcspn(line, "\n")] = '\0';
}

static void
print_caret(const char *text, const struct kio_diag *diag)
{
	char line[512];

	find_line(text, diag, line, sizeof(line));
	if (line[0] == '\0' || diag->column > strlen(line) + 1)
		return;
	fprintf(stderr, "  %s\n  ", line);
	for (unsigned i = 1; i < diag->column; i++) {
		/* columns count bytes; of a character in UTF-8 just the first moves the caret */
		if (line[i - 1] == '\t')
			fputc('\t', stderr);
		else if ((line[i - 1] & 0xc0) != 0x80)
			fputc(' ', stderr);
	}
	fputs("^\n", stderr);
}

/* Usage, safety, or plainly not to be opened: what the error says of it. */
static int
diag_code(const struct kio_diag *diag)
{
	switch (-diag->error) {
	case EINVAL: return EXIT_USAGE;
	case EEXIST:
	case EALREADY:
	case EBUSY:
	case EDEADLK:
	case EPERM:
	case ESTALE:
	case ENOTUNIQ: return EXIT_REFUSED;
	case EIO: return EXIT_IO;
	default: return EXIT_OPEN;
	}
}

int
cli_diag(const struct cli *cli, const char *text, const struct kio_diag *diag)
{
	/* in the text given, the caret tells the place */
	const char *said = diag->text;

	if (diag->source[0] == '\0' && diag->line == 1) {
		said = strchr(said, ' ');
		said = said != NULL ? said + 1 : diag->text;
	}
	cli_fail(cli, 0, "%s", said);
	if (diag->line != 0)
		print_caret(text, diag);
	return diag_code(diag);
}

int
cli_io_error(const struct cli *cli, const char *what, int error)
{
	return cli_fail(cli, EXIT_IO, "%s: %s", what, kio_error_text(error));
}

int
cli_print_json(const char *name, json_t *result)
{
	char schema[64];
	json_t *head = json_object();

	snprintf(schema, sizeof(schema), "kiobuf/%s/1", name);
	json_object_set_new(head, "schema", json_string(schema));
	json_object_update(head, result);
	json_decref(result);
	json_dumpf(head, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	fputc('\n', stdout);
	json_decref(head);
	return EXIT_YES;
}

/* JSON is UTF-8; what a path has besides is shown as the character for that. */
json_t *
cli_json_text(const char *text)
{
	static const char unknown[] = "\xef\xbf\xbd";
	json_t *result = json_string(text), *piece;
	size_t size;
	char *plain;
	FILE *out;

	if (result != NULL)
		return result;
	out = open_memstream(&plain, &size);
	while (out != NULL && *text != '\0') {
		/* the longest beginning that is text */
		size_t len = strnlen(text, 4);

		for (piece = NULL; len > 0 && piece == NULL; len -= piece == NULL)
			piece = json_stringn(text, len);
		json_decref(piece);
		fwrite(len != 0 ? text : unknown, 1, len != 0 ? len : sizeof(unknown) - 1, out);
		text += len != 0 ? len : 1;
	}
	if (out == NULL || fclose(out) != 0)
		return NULL;
	result = json_string(plain);
	free(plain);
	return result;
}

const char *
cli_size(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes;
	unsigned unit = 0;

	for (; value >= 1024 && unit < 6; unit++)
		value /= 1024;
	snprintf(text, size, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
	return text;
}

const char *
cli_rate(uint64_t bytes, uint64_t ns, char *text, size_t size)
{
	double per_second = ns != 0 ? (double)bytes * 1e9 / (double)ns : 0;
	char number[32];

	snprintf(text, size, "%s/s", cli_size((uint64_t)per_second, number, sizeof(number)));
	return text;
}

/* --- progress ----------------------------------------------------------- */

#define SHOW_EVERY_NS 100000000u
#define BAR 30

void
cli_progress_begin(struct progress *progress, const char *verb, uint64_t total, bool quiet)
{
	progress->verb = verb;
	progress->total = total;
	progress->begun_ns = kio__now();
	progress->shown_ns = 0;
	progress->on = !quiet && isatty(STDERR_FILENO);
}

void
cli_progress(struct progress *progress, uint64_t done)
{
	uint64_t now, took, left;
	char rate[48], bar[BAR + 1];
	unsigned filled;

	if (!progress->on)
		return;
	now = kio__now();
	if (now - progress->shown_ns < SHOW_EVERY_NS)
		return;
	progress->shown_ns = now;
	took = now - progress->begun_ns;
	filled = progress->total != 0 ? (unsigned)(done * BAR / progress->total) : BAR;
	left = done != 0 ? (uint64_t)((double)took / (double)done * (double)(progress->total - done)) : 0;
	memset(bar, '.', BAR);
	memset(bar, '#', filled > BAR ? BAR : filled);
	bar[BAR] = '\0';
	fprintf(stderr, "\r\033[K%s [%s] %3u%%  %s  %u:%02u left", progress->verb, bar,
		progress->total != 0 ? (unsigned)(done * 100 / progress->total) : 100,
		cli_rate(done, took, rate, sizeof(rate)), (unsigned)(left / 60000000000u),
		(unsigned)(left / 1000000000u % 60));
	fflush(stderr);
	__atomic_store_n(&bar_is_up, true, __ATOMIC_RELAXED);
}

void
cli_progress_end(struct progress *progress)
{
	if (progress->on)
		begin_line();
}

/* --- statistics --------------------------------------------------------- */

void
cli_print_stats(FILE *out, const struct kio_stack *stack)
{
	char bytes[32], copied[32], name[64];
	struct kio_stat stat;

	fprintf(out, "%-24s %10s %8s %10s %12s %12s\n", "layer", "I/Os", "parts", "merged", "moved", "copied");
	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		kio_layer_stat(layer, &stat);
		snprintf(name, sizeof(name), "%*s%s", (int)kio_layer_depth(layer) * 2, "",
			 kio_layer_name(layer));
		fprintf(out, "%-24s %10lu %8lu %10lu %12s %12s\n", name, stat.ios, stat.parts, stat.merged,
			cli_size(stat.bytes, bytes, sizeof(bytes)),
			cli_size(stat.copied, copied, sizeof(copied)));
	}
}

json_t *
cli_json_stats(const struct kio_stack *stack)
{
	json_t *layers = json_array();
	struct kio_stat stat;

	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		kio_layer_stat(layer, &stat);
		json_array_append_new(
			layers,
			json_pack("{s:o, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
				  cli_json_text(kio_layer_name(layer)), "class", kio_layer_class(layer)->name, "depth",
				  (int)kio_layer_depth(layer), "ios", (json_int_t)stat.ios, "parts",
				  (json_int_t)stat.parts, "moved_bytes", (json_int_t)stat.bytes,
				  "copied_bytes", (json_int_t)stat.copied, "waits",
				  (json_int_t)stat.waits, "merged", (json_int_t)stat.merged, "merges",
				  (json_int_t)stat.merges, "errors", (json_int_t)stat.errors));
	}
	return layers;
}
