/* SPDX-License-Identifier: MIT */
#ifndef CLI_CONTROL_H
#define CLI_CONTROL_H

/*
 * The control socket of a server: a thread of its own takes one line of JSON
 * after another from its clients and answers each with one.
 *
 *   client --> line --> request --> answer --> line --> client
 *   notice of a layer --> queue --> line to each client that watches
 *
 * The loop that serves requests never waits for it.
 */

#include <jansson.h>

#include "cli/cli.h"
#include "cli/listen.h"

#define CONTROL_SCHEMA "kiobuf/ctl/1"
#define CONTROL_LINE 16384u /* bytes of a request, with its newline */
#define CONTROL_ARGS 16u

/* A request, taken apart: texts belong to its JSON. */
struct control_request {
	json_t *json;
	const char *do_, *layer, *option, *value;
	const char *args[CONTROL_ARGS];
	unsigned arg_count;
};

/* 0, or -errno and in why a sentence. A request is freed by json_decref of its json. */
int control_request_parse(struct control_request *request, const char *line, size_t len, char *why,
			  size_t size);

/* How far a layer is; NULL: it does nothing by itself. */
json_t *control_progress(const struct kio_layer *layer);

/* What is asked, and of whom. */
struct control_question {
	struct kio_stack *stack;
	const struct control_request *request;
	/* "export" and "clients" of the server; NULL: its loop does not answer */
	json_t *(*server)(void *priv);
	void *priv;
};

/* What each server answers, whatever its layers offer; the last has no name. */
struct control_verb {
	const char *name, *arguments, *help; /* for kiobuf ctl */
	json_t *(*answer)(const struct control_question *question);
	bool has_option; /* takes layer, option and value; others take no further keys */
};
extern const struct control_verb control_verbs[];

json_t *control_answer(const struct control_question *question);
/* It may wait for I/O of the stack. */
bool control_blocks(const struct control_request *request);
json_t *control_error(int error, const char *why);
/* Collects what an operation tells in an object. */
struct collect {
	struct kio_report report;
	json_t *result;
};
struct collect control_collect(void);

struct control;

/* The callback of kio_stack_options.notice; priv: struct control *. */
void control_notice(void *priv, const struct kio_notice *notice);
/* Before the stack opens, so that its notices find it. NULL: no memory. */
struct control *control_create(void);
/* Serves on the listener. server, as in a question, runs on the loop. 0 or -errno. */
int control_start(struct control *control, struct listener *listener, struct kio_stack *stack,
		  struct kio_loop *loop, json_t *(*server)(void *priv), void *priv);
/* Ends the thread; steps the loop until what it was asked is done. */
void control_stop(struct control *control);
/* After the stack, which may give notice while it closes. */
void control_destroy(struct control **control);

#endif
