/* SPDX-License-Identifier: MIT */
/*
 * kiobuf ctl: asks a running server over its control socket.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "cli/control.h"
#include "cli/mirror.h"

#define COMPARED_US 100000

struct ask {
	const struct cli *cli;
	FILE *in;
	char *line;
	size_t size;
};

static const char *
text_of(const json_t *json, const char *key)
{
	const char *text = json_string_value(json_object_get(json, key));

	return text != NULL ? text : "";
}

static uint64_t
number_of(const json_t *json, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(json, key));
}

/* --- what people see ---------------------------------------------------- */

static int
show_tree(const json_t *answer)
{
	char left[160], size[32];
	size_t i;
	json_t *layer, *value;
	const char *key;

	json_array_foreach(json_object_get(answer, "layers"), i, layer) {
		snprintf(left, sizeof(left), "%*s%s", (int)number_of(layer, "depth") * 2, "",
			 text_of(layer, "name"));
		printf("%-24s %-9s %10s  %-9s %s", left, text_of(layer, "class"),
		       cli_size(number_of(layer, "size_bytes"), size, sizeof(size)),
		       text_of(layer, "health"),
		       text_of(layer, text_of(layer, "as_leg")[0] != '\0' ? "as_leg" : "state"));
		json_object_foreach(json_object_get(layer, "options"), key, value)
			printf(" %s=%s", key, json_string_value(value));
		printf("\n");
	}
	return EXIT_YES;
}

static int
show_health(const json_t *answer)
{
	size_t i;
	json_t *layer;

	printf("%s\n", text_of(answer, "health"));
	json_array_foreach(json_object_get(answer, "layers"), i, layer) {
		const char *more = text_of(layer, "as_leg");

		if (more[0] == '\0')
			more = text_of(layer, "state");
		if (strcmp(text_of(layer, "health"), "ok") != 0)
			printf("%s: %s%s%s\n", text_of(layer, "name"), text_of(layer, "health"),
			       more[0] != '\0' ? ", " : "", more);
	}
	return strcmp(text_of(answer, "health"), "ok") == 0 ? EXIT_YES : EXIT_NO;
}

static int
show_stats(const json_t *answer)
{
	char left[160], moved[32], copied[32];
	const char *key;
	size_t i;
	json_t *layer, *value;

	printf("%-24s %10s %8s %10s %12s %12s %9s %8s\n", "layer", "I/Os", "parts", "merged", "moved", "copied",
	       "per byte", "errors");
	json_array_foreach(json_object_get(answer, "layers"), i, layer) {
		uint64_t bytes = number_of(layer, "moved_bytes"), copies = number_of(layer, "copied_bytes");

		snprintf(left, sizeof(left), "%*s%s", (int)number_of(layer, "depth") * 2, "",
			 text_of(layer, "name"));
		printf("%-24s %10lu %8lu %10lu %12s %12s %9.3f %8lu\n", left, number_of(layer, "ios"),
		       number_of(layer, "parts"), number_of(layer, "merged"), cli_size(bytes, moved, sizeof(moved)),
		       cli_size(copies, copied, sizeof(copied)),
		       bytes != 0 ? (double)copies / (double)bytes : 0, number_of(layer, "errors"));
	}
	printf("copied in memory for each byte: %.3f\n",
	       json_number_value(json_object_get(answer, "copied_per_byte")));
	json_object_foreach(json_object_get(answer, "export"), key, value) {
		if (json_is_integer(value))
			printf("export %s: %lu\n", key, (uint64_t)json_integer_value(value));
	}
	return EXIT_YES;
}

static int
show_clients(const json_t *answer)
{
	char who[96], took[32], got[32], put[32];
	size_t i;
	json_t *client;

	printf("%-24s %-9s %10s %10s %9s %12s %12s %8s\n", "client", "state", "for", "requests",
	       "in flight", "read", "written", "errors");
	json_array_foreach(json_object_get(answer, "clients"), i, client) {
		snprintf(who, sizeof(who), "pid %lu", number_of(client, "pid"));
		snprintf(took, sizeof(took), "%lu s", number_of(client, "connected_ns") / 1000000000);
		printf("%-24s %-9s %10s %10lu %9lu %12s %12s %8lu\n",
		       text_of(client, "address")[0] != '\0' ? text_of(client, "address") : who,
		       text_of(client, "state"), took, number_of(client, "requests"),
		       number_of(client, "in_flight"),
		       cli_size(number_of(client, "read_bytes"), got, sizeof(got)),
		       cli_size(number_of(client, "written_bytes"), put, sizeof(put)),
		       number_of(client, "errors"));
	}
	return EXIT_YES;
}

static void
print_word(const char *name, const char *arguments, const char *help, const char *of)
{
	char left[96];

	snprintf(left, sizeof(left), "%s %s", name, arguments);
	printf("  %-23s %s%s%s%s\n", left, help, of != NULL ? " (" : "", of != NULL ? of : "",
	       of != NULL ? ")" : "");
}

static void
print_operation(const char *name, bool of_leg, const char *arguments, const char *help, const char *of)
{
	char words[64];

	snprintf(words, sizeof(words), "%s%s%s", of_leg ? "LEG" : "LAYER", arguments[0] != '\0' ? " " : "",
		 arguments);
	print_word(name, words, help, of);
}

static int
show_help(const json_t *answer)
{
	size_t i;
	json_t *row;

	json_array_foreach(json_object_get(answer, "verbs"), i, row)
		print_word(text_of(row, "do"), text_of(row, "arguments"), text_of(row, "help"), NULL);
	json_array_foreach(json_object_get(answer, "operations"), i, row)
		print_operation(text_of(row, "do"), json_is_true(json_object_get(row, "of_leg")),
				text_of(row, "arguments"), text_of(row, "help"), text_of(row, "layer"));
	return EXIT_YES;
}

static int
show_result(const json_t *answer)
{
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(answer, "result"), key, value) {
		if (json_is_string(value))
			printf("%s: %s\n", key, json_string_value(value));
		else
			printf("%s: %lu\n", key, (uint64_t)json_integer_value(value));
	}
	return EXIT_YES;
}

static const struct verb {
	const char *name;
	int (*show)(const json_t *answer);
} verbs[] = {
	{ "tree", show_tree },	     { "health", show_health }, { "stats", show_stats },
	{ "clients", show_clients }, { "help", show_help },	{ "set", show_result },
};

static int
show(const char *do_, const json_t *answer)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].name, do_) == 0)
			return verbs[i].show(answer);
	}
	return show_result(answer);
}

/* --- asking ------------------------------------------------------------- */

static int
dial(struct ask *ask, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return cli_fail(ask->cli, EXIT_USAGE, "%s is longer than a socket's path may be", path);
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		ask->in = fdopen(fd, "r+");
	if (ask->in != NULL)
		return EXIT_YES;
	cli_fail(ask->cli, 0, "%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return EXIT_PEER;
}

static int
say(struct ask *ask, json_t *request)
{
	char *line = json_dumps(request, JSON_COMPACT);
	size_t len = line != NULL ? strlen(line) : 0;
	int rc = EXIT_YES;

	json_decref(request);
	if (line == NULL)
		return cli_fail(ask->cli, EXIT_USAGE, "an argument is no text in UTF-8");
	line[len] = '\n';
	/* one that turns us away has said so, and reads nothing */
	if (len + 1 > CONTROL_LINE)
		rc = cli_fail(ask->cli, EXIT_USAGE, "the arguments are too long");
	else if (send(fileno(ask->in), line, len + 1, MSG_NOSIGNAL) < 0 && errno != EPIPE)
		rc = cli_fail(ask->cli, EXIT_PEER, "%s", strerror(errno));
	free(line);
	return rc;
}

/* NULL: the server went away, or speaks otherwise. */
static json_t *
hear(struct ask *ask)
{
	json_t *json = getline(&ask->line, &ask->size, ask->in) > 0 ? json_loads(ask->line, 0, NULL) : NULL;

	if (json == NULL || strcmp(text_of(json, "schema"), CONTROL_SCHEMA) != 0) {
		cli_fail(ask->cli, 0, "the server does not answer as a control socket does");
		json_decref(json);
		return NULL;
	}
	return json;
}

static int
refused(const struct ask *ask, const json_t *answer)
{
	static const struct {
		const char *error;
		int code;
	} codes[] = {
		{ "EPERM", EXIT_REFUSED }, { "EBUSY", EXIT_REFUSED },  { "EALREADY", EXIT_REFUSED },
		{ "ESTALE", EXIT_REFUSED }, { "EINVAL", EXIT_USAGE },  { "ENOENT", EXIT_USAGE },
		{ "ENOTSUP", EXIT_USAGE }, { "EOPNOTSUPP", EXIT_USAGE }, { "ERANGE", EXIT_USAGE },
		{ "ENODEV", EXIT_OPEN },
	};
	int code = EXIT_IO;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(codes[i].error, text_of(answer, "error")) == 0)
			code = codes[i].code;
	}
	return cli_fail(ask->cli, code, "%s", text_of(answer, "message"));
}

static void
print_progress(const json_t *event)
{
	const json_t *progress = json_object_get(event, "progress");
	uint64_t done = number_of(progress, "done_bytes"), total = number_of(progress, "total_bytes");
	char of[32], all[32], rate[48];

	printf("%s: %s: %s of %s, %u%%, %s\n", text_of(event, "layer"), text_of(progress, "what"),
	       cli_size(done, of, sizeof(of)), cli_size(total, all, sizeof(all)),
	       total != 0 ? (unsigned)(100.0 * (double)done / (double)total) : 100u,
	       cli_rate(number_of(progress, "bytes_per_second"), 1000000000, rate, sizeof(rate)));
}

static void
print_event(const struct ask *ask, const json_t *event)
{
	if (ask->cli->json)
		fputs(ask->line, stdout);
	else if (strcmp(text_of(event, "event"), "health") == 0)
		printf("%s: %s: %s%s%s\n", text_of(event, "layer"), text_of(event, "health"),
		       text_of(event, "text"), text_of(event, "repair")[0] != '\0' ? "; to repair it: " : "",
		       text_of(event, "repair"));
	else if (strcmp(text_of(event, "event"), "progress") == 0)
		print_progress(event);
	else if (strcmp(text_of(event, "event"), "end") == 0)
		printf("the server ends\n");
	else if (strcmp(text_of(event, "event"), "missed") == 0)
		printf("%lu changes were missed; now %s\n", number_of(event, "count"),
		       text_of(event, "health"));
	else
		printf("%s\n", text_of(event, "health"));
	fflush(stdout);
}

/* Until the server ends, or somebody ends us, or reads no more. */
static int
watch(struct ask *ask)
{
	bool ended = false;
	json_t *event;
	int rc = EXIT_YES;

	while (!ended && rc == EXIT_YES && !ferror(stdout)) {
		event = hear(ask);
		if (event == NULL)
			return EXIT_PEER;
		if (json_is_false(json_object_get(event, "ok")))
			rc = refused(ask, event);
		else
			print_event(ask, event);
		ended = strcmp(text_of(event, "event"), "end") == 0;
		json_decref(event);
	}
	return rc;
}

/* DO LAYER ARGS...; of set LAYER OPTION=VALUE. NULL after a complaint. */
static json_t *
request_of(const struct cli *cli, const char *do_)
{
	json_t *request = json_pack("{s:s}", "do", do_), *args = json_array();
	const char *equals = cli->count == 4 ? strchr(cli->args[3], '=') : NULL;
	bool set = strcmp(do_, "set") == 0;

	if (set && equals == NULL) {
		cli_fail(cli, EXIT_USAGE, "set needs a layer and OPTION=VALUE");
		json_decref(request);
		json_decref(args);
		return NULL;
	}
	if (cli->count > 2)
		json_object_set_new(request, "layer", json_string(cli->args[2]));
	if (set) {
		json_object_set_new(request, "option",
				    json_stringn(cli->args[3], (size_t)(equals - cli->args[3])));
		json_object_set_new(request, "value", json_string(equals + 1));
	}
	for (unsigned i = 3; i < cli->count && !set; i++)
		json_array_append_new(args, json_string(cli->args[i]));
	json_object_set_new(request, "args", args);
	return request;
}

static int
one_answer(struct ask *ask, const char *do_)
{
	json_t *answer = hear(ask);
	int rc;

	if (answer == NULL)
		return EXIT_PEER;
	if (!json_is_true(json_object_get(answer, "ok"))) {
		rc = refused(ask, answer);
	} else if (ask->cli->json) {
		fputs(ask->line, stdout);
		rc = strcmp(do_, "health") == 0 && strcmp(text_of(answer, "health"), "ok") != 0 ? EXIT_NO :
												  EXIT_YES;
	} else {
		rc = show(do_, answer);
	}
	json_decref(answer);
	return rc;
}

/* Begins, and asks every now and then what came out. It goes on without us, too. */
static int
compare(struct ask *ask)
{
	const char *mirror = ask->cli->count > 2 ? ask->cli->args[2] : "";
	struct progress progress = { 0 };
	const json_t *result;
	json_t *answer;
	int rc = EXIT_YES;

	while (rc == EXIT_YES) {
		answer = hear(ask);
		result = json_object_get(answer, "result");
		if (answer == NULL) {
			rc = EXIT_PEER;
		} else if (!json_is_true(json_object_get(answer, "ok"))) {
			rc = refused(ask, answer);
		} else if (json_object_get(result, "running") != NULL && number_of(result, "running") == 0) {
			cli_progress_end(&progress);
			rc = cli_compared(ask->cli, mirror, result);
			json_decref(answer);
			return rc;
		} else if (progress.verb == NULL) {
			cli_progress_begin(&progress, "compare", number_of(result, "to_read_bytes"),
					   ask->cli->json);
		} else {
			cli_progress(&progress, number_of(result, "compared_bytes"));
			usleep(COMPARED_US);
		}
		json_decref(answer);
		if (rc == EXIT_YES)
			rc = say(ask, json_pack("{s:s, s:s}", "do", "compared", "layer", mirror));
	}
	cli_progress_end(&progress);
	return rc;
}

static int
run_ctl(struct cli *cli)
{
	struct ask ask = { .cli = cli };
	const char *do_ = cli->count > 1 ? cli->args[1] : "tree";
	json_t *request = request_of(cli, do_);
	int rc = EXIT_USAGE;

	if (request == NULL)
		return rc;
	rc = dial(&ask, cli->args[0]);
	if (rc == EXIT_YES)
		rc = say(&ask, request);
	else
		json_decref(request);
	if (rc == EXIT_YES && strcmp(do_, "watch") == 0)
		rc = watch(&ask);
	else if (rc == EXIT_YES && strcmp(do_, "compare") == 0)
		rc = compare(&ask);
	else if (rc == EXIT_YES)
		rc = one_answer(&ask, do_);
	if (ask.in != NULL)
		fclose(ask.in);
	free(ask.line);
	return rc;
}

/* For the help: what each server answers, and what the layers there are offer. */
static void
print_words(void)
{
	printf("\n");
	for (const struct control_verb *verb = control_verbs; verb->name != NULL; verb++)
		print_word(verb->name, verb->arguments, verb->help, NULL);
	for (const struct kio_class *class_ = kio_class_next(NULL); class_ != NULL;
	     class_ = kio_class_next(class_)) {
		const struct kio_operation *operation = class_->operations;

		for (; operation != NULL && operation->name != NULL; operation++)
			print_operation(operation->name, operation->of_leg,
					operation->arguments != NULL ? operation->arguments : "",
					operation->help, class_->name);
	}
}

const struct cli_command cli_ctl = {
	.name = "ctl",
	.arguments = "SOCK [DO [LAYER [ARGUMENT ...]]]",
	.summary = "ask a running server, at the socket of serve --ctl",
	.words = print_words,
	.more = "A layer goes by its name, as tree shows it. `kiobuf ctl SOCK help` lists what is offered\n"
		"by the layers of one server. compare waits for what comes out, with exit code 1 if the\n"
		"legs differ.",
	.least = 1,
	.most = 3 + CONTROL_ARGS,
	.run = run_ctl,
};
