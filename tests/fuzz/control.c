/* SPDX-License-Identifier: MIT */
/*
 * A request on the control socket. What is accepted has all its texts in bounds,
 * and what is refused says why.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/control_request.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct control_request request;
	char why[200] = "";
	size_t length = 0;

	if (control_request_parse(&request, (const char *)data, size, why, sizeof(why)) < 0) {
		if (why[0] == '\0' || request.json != NULL)
			abort();
		return 0;
	}
	if (request.do_ == NULL || request.arg_count > CONTROL_ARGS)
		abort();
	for (unsigned i = 0; i < request.arg_count; i++)
		length += strlen(request.args[i]);
	if (length + strlen(request.do_) > size)
		abort();
	json_decref(request.json);
	return 0;
}
