/* SPDX-License-Identifier: MIT */
/*
 * A request on the control socket: one object, of texts that are known.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/control.h"

static int
take_args(struct control_request *request, const json_t *args)
{
	size_t i;
	json_t *arg;

	if (!json_is_array(args) || json_array_size(args) > CONTROL_ARGS)
		return -EINVAL;
	json_array_foreach(args, i, arg) {
		if (!json_is_string(arg))
			return -EINVAL;
		request->args[request->arg_count++] = json_string_value(arg);
	}
	return 0;
}

static const char **
field_of(struct control_request *request, const char *key)
{
	if (strcmp(key, "do") == 0)
		return &request->do_;
	if (strcmp(key, "layer") == 0)
		return &request->layer;
	if (strcmp(key, "option") == 0)
		return &request->option;
	return strcmp(key, "value") == 0 ? &request->value : NULL;
}

static int
take(struct control_request *request, char *why, size_t size)
{
	const char *key, **field;
	json_t *value;

	json_object_foreach(request->json, key, value) {
		field = field_of(request, key);
		if (field != NULL && json_is_string(value)) {
			*field = json_string_value(value);
		} else if (field != NULL) {
			snprintf(why, size, "%s is to be a text", key);
			return -EINVAL;
		} else if (strcmp(key, "args") != 0) {
			snprintf(why, size, "there is no key '%.60s'; do, layer, option, value and args are",
				 key);
			return -EINVAL;
		} else if (take_args(request, value) < 0) {
			snprintf(why, size, "args is to be a list of at most %u texts", CONTROL_ARGS);
			return -EINVAL;
		}
	}
	if (request->do_ == NULL)
		snprintf(why, size, "the key do is missing");
	return request->do_ != NULL ? 0 : -EINVAL;
}

int
control_request_parse(struct control_request *request, const char *line, size_t len, char *why,
		      size_t size)
{
	json_error_t error;
	int rc;

	memset(request, 0, sizeof(*request));
	request->json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	if (request->json == NULL) {
		snprintf(why, size, "no JSON: %s", error.text);
		return -EINVAL;
	}
	if (json_is_object(request->json)) {
		rc = take(request, why, size);
	} else {
		snprintf(why, size, "a request is an object");
		rc = -EINVAL;
	}
	if (rc < 0) {
		json_decref(request->json);
		request->json = NULL;
	}
	return rc;
}
