/* SPDX-License-Identifier: MIT */
/*
 * What the control socket answers, from the open stack.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <kiobuf/layer.h>

#include "cli/control.h"
#include "stack/options.h"
#include "stack/text.h"

json_t *
control_error(int error, const char *why)
{
	const char *name = strerrorname_np(-error);

	return json_pack("{s:s, s:b, s:s, s:o}", "schema", CONTROL_SCHEMA, "ok", 0, "error",
			 name != NULL ? name : "EIO", "message", cli_json_text(why));
}

static json_t *
ok(const char *key, json_t *value)
{
	return json_pack("{s:s, s:b, s:o}", "schema", CONTROL_SCHEMA, "ok", 1, key, value);
}

static json_t *
json_changeable(const struct kio_layer *layer)
{
	const struct kio_opt *opts = kio_layer_class(layer)->opts;
	json_t *result = json_object();
	char name[64], value[128];

	for (; opts != NULL && opts->name != NULL; opts++) {
		if ((opts->flags & KIO_OPT_CHANGEABLE) != 0)
			json_object_set_new(result, kio__option_name(opts, name, sizeof(name)),
					    cli_json_text(kio__option_value(opts, layer, value,
									    sizeof(value))));
	}
	return result;
}

json_t *
control_progress(const struct kio_layer *layer)
{
	struct kio_progress progress;
	uint64_t rate;

	if (!kio_layer_progress(layer, &progress))
		return NULL;
	rate = progress.took_ns != 0 ? (uint64_t)((double)progress.done * 1e9 / (double)progress.took_ns) : 0;
	return json_pack("{s:s, s:I, s:I, s:I}", "what", progress.what, "done_bytes", (json_int_t)progress.done,
			 "total_bytes", (json_int_t)progress.total, "bytes_per_second", (json_int_t)rate);
}

static json_t *
json_layer(const struct kio_layer *layer)
{
	char state[256], seen[128];
	enum kio_health health = kio_layer_health(layer, seen, sizeof(seen));

	return json_pack("{s:o, s:s, s:i, s:I, s:s, s:o, s:o, s:o, s:o*}", "name",
			 cli_json_text(kio_layer_name(layer)), "class", kio_layer_class(layer)->name, "depth",
			 (int)kio_layer_depth(layer), "size_bytes",
			 (json_int_t)kio_layer_limits(layer)->size, "health", kio_health_name(health),
			 "as_leg", cli_json_text(seen), "state",
			 cli_json_text(kio_layer_describe(layer, state, sizeof(state))), "options",
			 json_changeable(layer), "progress", control_progress(layer));
}

static json_t *
answer_health(const struct control_question *question)
{
	return ok("health", json_string(kio_health_name(kio_stack_health(question->stack))));
}

static json_t *
answer_tree(const struct control_question *question)
{
	json_t *layers = json_array(), *result = answer_health(question);

	for (const struct kio_layer *layer = kio_stack_top(question->stack); layer != NULL;
	     layer = kio_layer_next(layer))
		json_array_append_new(layers, json_layer(layer));
	json_object_set_new(result, "layers", layers);
	return result;
}

/* Bytes that were copied in user space, in all layers, for each that went through the top. */
static double
copies(const struct kio_stack *stack)
{
	struct kio_stat stat, top;
	uint64_t copied = 0;

	kio_layer_stat(kio_stack_top(stack), &top);
	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		kio_layer_stat(layer, &stat);
		copied += stat.copied;
	}
	return top.bytes != 0 ? (double)copied / (double)top.bytes : 0;
}

static json_t *
no_loop(void)
{
	return control_error(-ETIMEDOUT, "the server's loop does not answer");
}

static json_t *
answer_stats(const struct control_question *question)
{
	json_t *server = question->server(question->priv), *result;

	if (server == NULL)
		return no_loop();
	result = ok("layers", cli_json_stats(question->stack));
	json_object_set_new(result, "copied_per_byte", json_real(copies(question->stack)));
	json_object_set(result, "export", json_object_get(server, "export"));
	json_decref(server);
	return result;
}

static json_t *
answer_clients(const struct control_question *question)
{
	json_t *server = question->server(question->priv), *result;

	if (server == NULL)
		return no_loop();
	result = ok("clients", json_incref(json_object_get(server, "clients")));
	json_decref(server);
	return result;
}

/* --- operations --------------------------------------------------------- */

static void
put_text(struct kio_report *report, const char *key, const char *value)
{
	struct collect *collect = kio_container_of(report, struct collect, report);

	json_object_set_new(collect->result, key, cli_json_text(value));
}

static void
put_number(struct kio_report *report, const char *key, uint64_t value)
{
	struct collect *collect = kio_container_of(report, struct collect, report);

	json_object_set_new(collect->result, key, json_integer((json_int_t)value));
}

struct collect
control_collect(void)
{
	return (struct collect){ .report = { put_text, put_number }, .result = json_object() };
}

static json_t *
unknown_layer(const struct control_question *question)
{
	const char *name = question->request->layer;
	struct guess guess = { 0 };
	char text[80], why[200];

	for (const struct kio_layer *layer = kio_stack_top(question->stack); layer != NULL;
	     layer = kio_layer_next(layer))
		kio__guess(&guess, name, kio_layer_name(layer));
	snprintf(why, sizeof(why), "there is no layer '%.60s'%s", name,
		 kio__guessed(&guess, text, sizeof(text)));
	return control_error(-ENOENT, why);
}

static json_t *
unknown_verb(const struct control_question *question, struct guess *guess)
{
	char text[80], why[200];

	for (const struct control_verb *verb = control_verbs; verb->name != NULL; verb++)
		kio__guess(guess, question->request->do_, verb->name);
	snprintf(why, sizeof(why), "nobody here knows how to '%.60s'%s", question->request->do_,
		 kio__guessed(guess, text, sizeof(text)));
	return control_error(-ENOTSUP, why);
}

/* Whether any layer offers it; what else they offer may have been meant. */
static bool
is_offered(const struct kio_stack *stack, const char *name, struct guess *guess)
{
	bool offered = false;

	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		const struct kio_operation *operation = kio_layer_class(layer)->operations;

		for (; operation != NULL && operation->name != NULL; operation++) {
			offered = offered || strcmp(operation->name, name) == 0;
			kio__guess(guess, name, operation->name);
		}
	}
	return offered;
}

static json_t *
answer_operation(const struct control_question *question)
{
	const struct control_request *request = question->request;
	struct guess guess = { 0 };
	struct collect collect;
	struct kio_diag diag;
	char why[120];
	int rc;

	if (!is_offered(question->stack, request->do_, &guess))
		return unknown_verb(question, &guess);
	if (request->layer == NULL || request->option != NULL || request->value != NULL) {
		snprintf(why, sizeof(why), "%.60s needs a layer or a leg, and no option", request->do_);
		return control_error(-EINVAL, why);
	}
	if (kio_control_find(question->stack, request->layer) == NULL)
		return unknown_layer(question);
	collect = control_collect();
	rc = kio_control_operate(question->stack, request->do_, request->layer, request->arg_count,
				 request->args, &collect.report, &diag);
	if (rc == 0)
		return ok("result", collect.result);
	json_decref(collect.result);
	return control_error(rc, diag.text);
}

static json_t *
answer_set(const struct control_question *question)
{
	const struct control_request *request = question->request;
	struct kio_diag diag;
	int rc;

	if (kio_control_find(question->stack, request->layer) == NULL)
		return unknown_layer(question);
	rc = kio_control_set(question->stack, request->layer, request->option, request->value, &diag);
	return rc == 0 ? ok("result", json_object()) : control_error(rc, diag.text);
}

static json_t *
answer_help(const struct control_question *question)
{
	json_t *verbs = json_array(), *operations = json_array(), *result = ok("verbs", verbs);

	for (const struct control_verb *verb = control_verbs; verb->name != NULL; verb++)
		json_array_append_new(verbs, json_pack("{s:s, s:s, s:s}", "do", verb->name, "arguments",
						       verb->arguments, "help", verb->help));
	for (const struct kio_layer *layer = kio_stack_top(question->stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		const struct kio_operation *operation = kio_layer_class(layer)->operations;

		for (; operation != NULL && operation->name != NULL; operation++)
			json_array_append_new(
				operations,
				json_pack("{s:o, s:s, s:b, s:s, s:s}", "layer",
					  cli_json_text(kio_layer_name(layer)), "do", operation->name,
					  "of_leg", operation->of_leg, "arguments",
					  operation->arguments != NULL ? operation->arguments : "",
					  "help", operation->help));
	}
	json_object_set_new(result, "operations", operations);
	return result;
}

/* --- the table ---------------------------------------------------------- */

/* The thread takes note of who watches. */
const struct control_verb control_verbs[] = {
	{ "tree", "", "the layers, how each is, and options that can be changed", answer_tree, false },
	{ "health", "", "what is not well; exit code 1 if anything is not", answer_tree, false },
	{ "stats", "", "what went through each layer and the export", answer_stats, false },
	{ "clients", "", "who is connected to the export, and what each asked for", answer_clients, false },
	{ "set", "LAYER OPTION=VALUE", "changes an option", answer_set, true },
	{ "watch", "", "changes of health and progress, until the server ends", answer_health, false },
	{ "help", "", "this, and what the layers of this server can be asked", answer_help, false },
	{ 0 }
};

static json_t *
answer_verb(const struct control_verb *verb, const struct control_question *question)
{
	const struct control_request *request = question->request;
	bool any = request->layer != NULL || request->option != NULL || request->value != NULL;
	bool all = request->layer != NULL && request->option != NULL && request->value != NULL;
	char why[80];

	if (request->arg_count == 0 && (verb->has_option ? all : !any))
		return verb->answer(question);
	snprintf(why, sizeof(why), "%s %s", verb->name,
		 verb->has_option ? "needs layer, option and value, and nothing else" :
				    "takes nothing else");
	return control_error(-EINVAL, why);
}

bool
control_blocks(const struct control_request *request)
{
	for (const struct control_verb *verb = control_verbs; verb->name != NULL; verb++) {
		if (strcmp(verb->name, request->do_) == 0)
			return verb->has_option;
	}
	return true;
}

json_t *
control_answer(const struct control_question *question)
{
	for (const struct control_verb *verb = control_verbs; verb->name != NULL; verb++) {
		if (strcmp(verb->name, question->request->do_) == 0)
			return answer_verb(verb, question);
	}
	return answer_operation(question);
}
