/* SPDX-License-Identifier: MIT */
/*
 * The small language for tests of layers: a stack, requests, and what reaches
 * the drivers, which are the `trace` of the tests. Each file of tests/scripts is
 * a test. A line is one of
 *
 *	stack TEXT                    opens it; closes the one before
 *	refused WORDS                 the stack of the next line is; its diag has the words
 *	write OFFSET LEN SEED [fua]   a pattern that SEED tells apart
 *	read OFFSET LEN SEED          and compares; SEED 0: zeroes
 *	zero, discard OFFSET LEN
 *	flush
 *	fail ID OP ERROR TIMES        the driver with this id= fails requests
 *	> ID OP OFFSET LEN [fua]      this reached a driver, in this order
 *	> nothing
 *	status ERROR                  of the request before; else it has to succeed
 *	failed FROM LEN               the range that failed
 *
 * Sizes may have K and M. # begins a comment.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace.h"

#ifndef SCRIPTS
#define SCRIPTS "tests/scripts"
#endif

struct script {
	const char *path;
	unsigned line;
	struct rig rig;
	bool open;
	char refused[200];
	unsigned seen; /* of the trace */
	int status;
	bool checked;
};

static unsigned char data[8 << 20], back[8 << 20];

static void
wrong(const struct script *script, const char *what)
{
	unit_check(false, script->path, (int)script->line, what);
}

static uint64_t
size_of(const char *word)
{
	char *end;
	uint64_t size = strtoull(word, &end, 10);

	return *end == 'K' ? size << 10 : *end == 'M' ? size << 20 : size;
}

static enum kio_op
op_of(const char *word)
{
	for (unsigned op = 0; op < KIO_OPS; op++) {
		if (strcmp(kio_op_name((enum kio_op)op), word) == 0)
			return (enum kio_op)op;
	}
	return strcmp(word, "zero") == 0 ? KIO_WRITE_ZEROES : KIO_OPS;
}

static int
error_of(const char *word)
{
	static const struct {
		const char *name;
		int error;
	} names[] = { { "ok", 0 },		 { "EIO", -EIO },     { "ENOSPC", -ENOSPC },
		      { "EINVAL", -EINVAL }, { "ERANGE", -ERANGE }, { "EROFS", -EROFS },
		      { "ENOTSUP", -ENOTSUP } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, word) == 0)
			return names[i].error;
	}
	return 1;
}

/* What was not looked at has to have succeeded. */
static void
settle(struct script *script)
{
	if (!script->checked && script->status != 0)
		wrong(script, "the request before failed, and no status line says so");
	script->checked = true;
}

static void
run_stack(struct script *script, const char *text)
{
	struct kio_stack_options options = { .force = true };
	struct kio_stack *stack;

	settle(script);
	if (script->open)
		rig_close(&script->rig);
	script->open = false;
	if (script->refused[0] != '\0') {
		if (kio_stack_open(&stack, text, &options, &script->rig.diag) == 0) {
			wrong(script, "the stack was opened");
			kio_stack_close(&stack, NULL);
		} else if (strstr(script->rig.diag.text, script->refused) == NULL) {
			wrong(script, script->rig.diag.text);
		}
		script->refused[0] = '\0';
		return;
	}
	trace_clear();
	script->open = rig_open(&script->rig, text, &options);
	if (!script->open)
		wrong(script, "the stack does not open");
	script->seen = 0;
}

static void
run_request(struct script *script, char **words, unsigned count)
{
	struct rig *rig = &script->rig;
	enum kio_op op = op_of(words[0]);
	uint64_t offset = count > 1 ? size_of(words[1]) : 0, len = count > 2 ? size_of(words[2]) : 0;
	unsigned seed = count > 3 ? (unsigned)atoi(words[3]) : 0;
	bool fua = count > 4 && strcmp(words[4], "fua") == 0;

	settle(script);
	if (!script->open || (op != KIO_FLUSH && count < 3)) {
		wrong(script, "there is no stack, or no range");
		return;
	}
	script->seen = trace_count;
	if (op == KIO_FLUSH) {
		script->status = rig_flush(rig);
	} else if (op == KIO_WRITE) {
		fill_pattern(data, len, offset, seed);
		kio_write(rig->kio, offset, kio_buf(rig->kio, data, len), fua ? KIO_FUA : 0, NULL);
		script->status = rig_wait(rig, rig->kio);
	} else if (op == KIO_READ) {
		script->status = rig_read(rig, back, len, offset);
		fill_pattern(data, len, offset, seed);
		if (seed == 0)
			memset(data, 0, len);
		if (script->status == 0 && memcmp(data, back, len) != 0)
			wrong(script, "it read something else");
	} else {
		script->status = rig_clear(rig, op, len, offset);
	}
	script->checked = false;
}

static void
expect_trace(struct script *script, char **words, unsigned count)
{
	const struct trace_note *note = &trace_notes[script->seen];
	char text[200];

	if (count == 2 && strcmp(words[1], "nothing") == 0) {
		if (script->seen != trace_count)
			wrong(script, "something reached a driver");
		return;
	}
	if (script->seen == trace_count) {
		wrong(script, "nothing more reached a driver");
		return;
	}
	script->seen++;
	if (count >= 3 && note->leg == size_of(words[1]) && note->op == op_of(words[2]) &&
	    (count < 5 || (note->offset == size_of(words[3]) && note->len == size_of(words[4]))) &&
	    ((note->flags & KIO_FUA) != 0) == (count > 5))
		return;
	snprintf(text, sizeof(text), "it was: %u %s %lu %lu%s", note->leg, kio_op_name(note->op),
		 note->offset, note->len, (note->flags & KIO_FUA) != 0 ? " fua" : "");
	wrong(script, text);
}

static void
run_words(struct script *script, char **words, unsigned count, const char *rest)
{
	if (strcmp(words[0], "stack") == 0) {
		run_stack(script, rest);
	} else if (strcmp(words[0], "refused") == 0) {
		snprintf(script->refused, sizeof(script->refused), "%s", rest);
	} else if (strcmp(words[0], "fail") == 0 && count == 5) {
		settle(script);
		trace_fail((unsigned)size_of(words[1]), op_of(words[2]), error_of(words[3]),
			   (unsigned)size_of(words[4]));
	} else if (strcmp(words[0], ">") == 0) {
		expect_trace(script, words, count);
	} else if (strcmp(words[0], "status") == 0 && count == 2) {
		unit_check_eq(script->status, error_of(words[1]), script->path, (int)script->line, "status");
		script->checked = true;
	} else if (strcmp(words[0], "failed") == 0 && count == 3) {
		unit_check_eq((long long)script->rig.kio->fail_from, (long long)size_of(words[1]),
			      script->path, (int)script->line, "from");
		unit_check_eq((long long)script->rig.kio->fail_len, (long long)size_of(words[2]), script->path,
			      (int)script->line, "len");
	} else if (op_of(words[0]) != KIO_OPS) {
		run_request(script, words, count);
	} else {
		wrong(script, "no such line");
	}
}

static void
run_line(struct script *script, char *line)
{
	char copy[512], *words[8], *rest;
	unsigned count = 0;

	line[strcspn(line, "#\n")] = '\0';
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " \t"); word != NULL && count < 8; word = strtok(NULL, " \t"))
		words[count++] = word;
	if (count == 0)
		return;
	rest = line + strspn(line, " \t");
	rest += strcspn(rest, " \t");
	run_words(script, words, count, rest + strspn(rest, " \t"));
}

TEST("scripts: each layer, and what reaches the drivers below it")
{
	DIR *folder = opendir(SCRIPTS);
	struct script script;
	struct dirent *entry;
	unsigned ran = 0;
	char path[600], line[512];
	FILE *file;

	CHECK(folder != NULL);
	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		if (strstr(entry->d_name, ".t") == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/%s", SCRIPTS, entry->d_name);
		file = fopen(path, "r");
		script = (struct script){ .path = path, .checked = true };
		while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
			script.line++;
			run_line(&script, line);
		}
		settle(&script);
		if (script.open)
			rig_close(&script.rig);
		fclose(file);
		printf("  %s: %u lines\n", entry->d_name, script.line);
		ran++;
	}
	if (folder != NULL)
		closedir(folder);
	CHECK(ran >= 8);
}
