/* SPDX-License-Identifier: MIT */
#ifndef CLI_CLI_H
#define CLI_CLI_H

/*
 * The frame of the command: a table of commands, each with a table of options
 * from which parsing and --help are made; how results and complaints are
 * printed; and the exit codes.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include <kiobuf/kiobuf.h>
#include <kiobuf/tree.h>

/* The exit codes, in the order of kiobuf(1). A signal n ends with 128 + n. */
enum exit_code {
	EXIT_YES = 0,
	EXIT_NO = 1,      /* the answer is no */
	EXIT_USAGE = 2,   /* arguments or the text of a stack */
	EXIT_OPEN = 3,    /* something cannot be opened */
	EXIT_IO = 4,      /* reading or writing failed */
	EXIT_REFUSED = 5, /* for safety */
	EXIT_PEER = 6,    /* the other end of a connection */
	EXIT_BUG = 70,
	EXIT_SIGNAL = 128,
};

enum option_type { OPTION_FLAG, OPTION_TEXT, OPTION_SIZE, OPTION_TIME, OPTION_NUMBER };

struct cli_option {
	const char *name;
	enum option_type type;
	const char *value; /* what stands for it in the help */
	const char *help;
};

/* Of each command that opens stacks, and of those that read of them. */
#define CLI_OPTION_SET \
	{ "set", OPTION_TEXT, "KEY=VALUE", "the value of ${KEY} in the text of a stack; repeatable" }
#define CLI_OPTION_LOAD \
	{ "load", OPTION_TEXT, "MODULE", "a module with further layers; repeatable" }

struct cli;

struct cli_command {
	const char *name;
	const char *arguments; /* for the help: "SRC DST" */
	const char *summary;
	const char *more;      /* sentences for the help; may be NULL */
	void (*words)(void);   /* before them: what its arguments may be, from a table; NULL: no table */
	unsigned least, most;  /* arguments */
	const struct cli_option *options;
	bool opens; /* takes stacks: has --set, --engine and --load */
	int (*run)(struct cli *cli);
};

#define MOST_ARGUMENTS 64

struct cli {
	const struct cli_command *command;
	const char *args[MOST_ARGUMENTS];
	unsigned count;
	bool json;
	/* the given options, in order */
	struct {
		const struct cli_option *option;
		const char *value;
	} given[MOST_ARGUMENTS];
	unsigned given_count;
	const char *set[MOST_ARGUMENTS + 1];
};

bool cli_flag(const struct cli *cli, const char *name);
const char *cli_text(const struct cli *cli, const char *name, const char *otherwise);
/* Sizes, times (ns) and numbers: checked when they were parsed. */
uint64_t cli_number(const struct cli *cli, const char *name, uint64_t otherwise);

/* A complaint on stderr; returns code. */
int cli_fail(const struct cli *cli, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* A message on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* What a stack said, with the line and a caret under the column. The exit code for it. */
int cli_diag(const struct cli *cli, const char *text, const struct kio_diag *diag);
/* The exit code for an error of an I/O. */
int cli_io_error(const struct cli *cli, const char *what, int error);

/* Prints a result and frees it; adds the schema "kiobuf/NAME/1". */
int cli_print_json(const char *name, json_t *result);
/* A string for it of any bytes. */
json_t *cli_json_text(const char *text);

/* "1.5 GiB"; for people. */
const char *cli_size(uint64_t bytes, char *text, size_t size);
const char *cli_rate(uint64_t bytes, uint64_t ns, char *text, size_t size);

/* Messages of stacks go to stderr. */
void cli_log(void *priv, enum kio_severity severity, const char *text);

/* --- files and stacks: open.c ------------------------------------------- */

struct target {
	const char *argument;
	char *text; /* of the stack */
	bool is_file;
	const char *serve[3]; /* what serve puts on top, the lower one first; NULL at the end */
	struct kio_stack *stack;
	struct kio_channel *channel;
};

/* One word with a / or . is a file; all else is the text of a stack. */
bool cli_is_file(const char *argument);

struct cli_open {
	bool read_only;
	bool create;
	bool force;
	const char *new_leg; /* as in kio_stack_options */
	bool aligned;      /* requests may be finer than the stack's blocks: align on top */
	bool merged;       /* many are small, and neighbours: merge, where it pays */
	/* as in kio_stack_options */
	kio_notice_fn notice;
	void *notice_priv;
	const char *control;
	uint64_t size;     /* a file that does not exist is made this large; 0: it has to exist */
};

/* Text that is wrong is a matter of usage, whatever else would be in the way. */
int cli_check_text(const struct cli *cli, const char *text, const struct kio_tree *tree);
/* 0, or an exit code, after the complaint. */
int cli_open(const struct cli *cli, struct target *target, const char *argument,
	     const struct cli_open *how);
/* And a channel on the loop. */
int cli_open_on(const struct cli *cli, struct target *target, const char *argument,
		const struct cli_open *how, struct kio_loop *loop);
/* 0, or an exit code. */
int cli_close(const struct cli *cli, struct target *target);

int cli_loop_open(const struct cli *cli, struct kio_loop **loop, unsigned depth);
/* As kio_loop_run and kio_loop_step; where the engine fails the command says so and ends. */
void cli_loop_run(struct kio_loop *loop);
void cli_loop_step(struct kio_loop *loop, int64_t timeout_ns);

/* SIGINT, SIGTERM or SIGHUP that came, or 0. cli_signals_begin: from now on they are noted. */
void cli_signals_begin(void);
int cli_signal(void);
/* Calls fn when a signal comes, on the loop. */
int cli_signals_watch(struct kio_loop *loop, void (*fn)(void *priv), void *priv);
void cli_signals_unwatch(struct kio_loop *loop);

/* Each layer's statistics: as lines, or into a JSON array. */
void cli_print_stats(FILE *out, const struct kio_stack *stack);
json_t *cli_json_stats(const struct kio_stack *stack);

/* --- progress: progress.c ----------------------------------------------- */

struct progress {
	const char *verb;
	uint64_t total, begun_ns, shown_ns;
	bool on; /* stderr is a terminal */
};

void cli_progress_begin(struct progress *progress, const char *verb, uint64_t total, bool quiet);
void cli_progress(struct progress *progress, uint64_t done);
void cli_progress_end(struct progress *progress);

extern const struct cli_command cli_bench, cli_compare, cli_copy, cli_cow, cli_create, cli_ctl, cli_info, cli_key,
	cli_layers, cli_map, cli_mirror, cli_serve, cli_stack;

#endif
