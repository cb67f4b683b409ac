/* SPDX-License-Identifier: MIT */
/*
 * What the control socket answers, from the open stack.
 */
#include <errno.h>
#include <string.h>

#include <kiobuf/layer.h>

#include "cli/control.h"
#include "stack/options.h"

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

json_t *
control_health(const struct kio_stack *stack)
{
	return ok("health", json_string(kio_health_name(kio_stack_health(stack))));
}

static json_t *
answer_tree(const struct kio_stack *stack)
{
	json_t *layers = json_array(), *result = control_health(stack);

	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
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
answer_stats(const struct kio_stack *stack, json_t *export_)
{
	json_t *result;

	if (export_ == NULL)
		return control_error(-ETIMEDOUT, "the server's loop does not answer");
	result = ok("layers", cli_json_stats(stack));
	json_object_set_new(result, "copied_per_byte", json_real(copies(stack)));
	json_object_set_new(result, "export", export_);
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
answer_operation(struct kio_stack *stack, const struct control_request *request)
{
	struct collect collect = control_collect();
	struct kio_diag diag;
	int rc = kio_control_operate(stack, request->do_, request->layer, request->arg_count,
				     request->args, &collect.report, &diag);

	if (rc == 0)
		return ok("result", collect.result);
	json_decref(collect.result);
	return control_error(rc, diag.text);
}

static json_t *
answer_set(struct kio_stack *stack, const struct control_request *request)
{
	struct kio_diag diag;
	int rc;

	if (request->layer == NULL || request->option == NULL || request->value == NULL)
		return control_error(-EINVAL, "set needs layer, option and value");
	rc = kio_control_set(stack, request->layer, request->option, request->value, &diag);
	return rc == 0 ? ok("result", json_object()) : control_error(rc, diag.text);
}

/* What the layers of this stack can be asked to do. */
static json_t *
answer_help(const struct kio_stack *stack)
{
	json_t *list = json_array();

	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL;
	     layer = kio_layer_next(layer)) {
		const struct kio_operation *operation = kio_layer_class(layer)->operations;

		for (; operation != NULL && operation->name != NULL; operation++)
			json_array_append_new(
				list, json_pack("{s:o, s:s, s:b, s:s, s:s}", "layer",
						cli_json_text(kio_layer_name(layer)), "do", operation->name,
						"of_leg", operation->of_leg, "arguments",
						operation->arguments != NULL ? operation->arguments : "",
						"help", operation->help));
	}
	return ok("operations", list);
}

json_t *
control_answer(struct kio_stack *stack, const struct control_request *request,
	       json_t *(*export_)(void *priv), void *priv)
{
	if (strcmp(request->do_, "tree") == 0 || strcmp(request->do_, "health") == 0)
		return answer_tree(stack);
	if (strcmp(request->do_, "stats") == 0)
		return answer_stats(stack, export_(priv));
	if (strcmp(request->do_, "help") == 0)
		return answer_help(stack);
	if (strcmp(request->do_, "set") == 0)
		return answer_set(stack, request);
	if (request->layer == NULL)
		return control_error(-EINVAL, "the key layer is missing, or what to do is unknown");
	return answer_operation(stack, request);
}
