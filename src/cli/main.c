/* SPDX-License-Identifier: MIT */
/*
 * kiobuf: one command for stacks of block I/O. This file finds the command in
 * the table, parses its options and prints its help.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "stack/options.h"
#include "stack/text.h"

static const struct cli_command *const commands[] = {
	&cli_copy, &cli_serve, &cli_ctl, &cli_compare, &cli_map,	  &cli_info,
	&cli_stack, &cli_layers, &cli_create,	&cli_mirror, &cli_cow, &cli_key, &cli_bench,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct cli_option common[] = {
	{ "json", OPTION_FLAG, NULL, "print the result as JSON" },
	{ "help", OPTION_FLAG, NULL, "print this" },
	{ 0 }
};

static const struct cli_option opening[] = {
	CLI_OPTION_SET,
	{ "engine", OPTION_TEXT, "NAME", "io_uring or threads; the default is what works, in this order" },
	CLI_OPTION_LOAD,
	{ 0 }
};

static const char exit_codes[] =
	"Exit codes: 0 yes, 1 the answer is no, 2 usage or stack text, 3 cannot open,\n"
	"4 I/O error, 5 refused for safety, 6 peer, 70 bug, 128+n signal n.\n";

/* --- help --------------------------------------------------------------- */

static void
print_options(const struct cli_option *option)
{
	char left[64];

	for (; option != NULL && option->name != NULL; option++) {
		snprintf(left, sizeof(left), "--%s%s%s", option->name, option->value != NULL ? " " : "",
			 option->value != NULL ? option->value : "");
		printf("  %-22s %s\n", left, option->help);
	}
}

static int
print_help(const struct cli_command *command)
{
	printf("usage: kiobuf %s %s%s[options]\n\n%s.\n", command->name, command->arguments,
	       command->arguments[0] != '\0' ? " " : "", command->summary);
	if (command->words != NULL)
		command->words();
	if (command->more != NULL)
		printf("\n%s\n", command->more);
	printf("\n");
	print_options(command->options);
	if (command->opens)
		print_options(opening);
	print_options(common);
	printf("\n%s", exit_codes);
	return EXIT_YES;
}

static int
print_commands(FILE *out)
{
	fprintf(out, "usage: kiobuf COMMAND [arguments] [options]\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(out, "\nAn argument that is one word with a / or a . is a file; all else is the text of a stack,\n"
		     "as in kiobuf-stack(5). `kiobuf COMMAND --help` tells of one command, `kiobuf layers` of\n"
		     "the layers, `kiobuf --version` which version this is.\n\n%s",
		exit_codes);
	return out == stdout ? EXIT_YES : EXIT_USAGE;
}

/* --- options ------------------------------------------------------------ */

static const struct cli_option *
find_option(const struct cli_command *command, const char *name, size_t len)
{
	const struct cli_option *tables[] = { command->options, command->opens ? opening : NULL, common };

	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct cli_option *option = tables[i]; option != NULL && option->name != NULL;
		     option++) {
			if (strlen(option->name) == len && strncmp(option->name, name, len) == 0)
				return option;
		}
	}
	return NULL;
}

static int
unknown_option(const struct cli *cli, const char *name)
{
	const struct cli_option *tables[] = { cli->command->options,
					      cli->command->opens ? opening : NULL, common };
	struct guess guess = { 0 };
	char text[80], word[80];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(name, "="), name);
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		for (const struct cli_option *option = tables[i]; option != NULL && option->name != NULL;
		     option++)
			kio__guess(&guess, word, option->name);
	}
	return cli_fail(cli, EXIT_USAGE, "no option --%s%s", word,
			kio__guessed(&guess, text, sizeof(text)));
}

static int
parse_value(const struct cli_option *option, const char *value, uint64_t *number, const char **why)
{
	char *end;

	switch (option->type) {
	case OPTION_SIZE: return kio__parse_size(value, number, why);
	case OPTION_TIME: return kio__parse_time(value, number, why);
	case OPTION_NUMBER:
		*why = "is not a number";
		errno = 0;
		*number = strtoull(value, &end, 10);
		return *value < '0' || *value > '9' || *end != '\0' || errno != 0 ? -EINVAL : 0;
	default: return 0;
	}
}

/* One option at argv[*at]; moves on behind it. */
static int
parse_option(struct cli *cli, int argc, char **argv, int *at)
{
	const char *name = argv[*at] + 2, *equals = strchr(name, '='), *value = NULL, *why = NULL;
	size_t len = equals != NULL ? (size_t)(equals - name) : strlen(name);
	const struct cli_option *option = find_option(cli->command, name, len);
	uint64_t number;

	if (option == NULL)
		return unknown_option(cli, name);
	if (option->type == OPTION_FLAG && equals != NULL)
		return cli_fail(cli, EXIT_USAGE, "--%s takes no value", option->name);
	if (option->type != OPTION_FLAG) {
		value = equals != NULL ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
		if (value == NULL)
			return cli_fail(cli, EXIT_USAGE, "--%s needs %s", option->name, option->value);
		if (parse_value(option, value, &number, &why) < 0)
			return cli_fail(cli, EXIT_USAGE, "--%s: %s %s", option->name, value, why);
	}
	if (cli->given_count == MOST_ARGUMENTS)
		return cli_fail(cli, EXIT_USAGE, "there are too many options");
	cli->given[cli->given_count].option = option;
	cli->given[cli->given_count++].value = value;
	return EXIT_YES;
}

static int
parse(struct cli *cli, int argc, char **argv)
{
	bool only_arguments = false;
	int rc;

	for (int i = 2; i < argc; i++) {
		if (!only_arguments && strcmp(argv[i], "--") == 0) {
			only_arguments = true;
		} else if (!only_arguments && strncmp(argv[i], "--", 2) == 0) {
			rc = parse_option(cli, argc, argv, &i);
			if (rc != EXIT_YES)
				return rc;
		} else if (!only_arguments && argv[i][0] == '-' && argv[i][1] != '\0') {
			return cli_fail(cli, EXIT_USAGE, "no option %s; options are written --name",
					argv[i]);
		} else if (cli->count == MOST_ARGUMENTS) {
			return cli_fail(cli, EXIT_USAGE, "there are too many arguments");
		} else {
			cli->args[cli->count++] = argv[i];
		}
	}
	cli->json = cli_flag(cli, "json");
	return EXIT_YES;
}

/* What --set and --load say is ready before the command runs. */
static int
prepare(struct cli *cli)
{
	struct kio_diag diag;
	unsigned sets = 0;

	for (unsigned i = 0; i < cli->given_count; i++) {
		const char *value = cli->given[i].value, *name = cli->given[i].option->name;

		if (strcmp(name, "set") == 0) {
			if (strchr(value, '=') == NULL)
				return cli_fail(cli, EXIT_USAGE, "--set %s: KEY=VALUE is expected", value);
			cli->set[sets++] = value;
		} else if (strcmp(name, "load") == 0 && kio_module_load(value, &diag) < 0) {
			return cli_fail(cli, EXIT_OPEN, "%s", diag.text);
		}
	}
	return EXIT_YES;
}

bool
cli_flag(const struct cli *cli, const char *name)
{
	for (unsigned i = 0; i < cli->given_count; i++) {
		if (strcmp(cli->given[i].option->name, name) == 0)
			return true;
	}
	return false;
}

const char *
cli_text(const struct cli *cli, const char *name, const char *otherwise)
{
	for (unsigned i = cli->given_count; i-- > 0;) {
		if (strcmp(cli->given[i].option->name, name) == 0)
			return cli->given[i].value;
	}
	return otherwise;
}

uint64_t
cli_number(const struct cli *cli, const char *name, uint64_t otherwise)
{
	uint64_t number = otherwise;
	const char *why;

	for (unsigned i = cli->given_count; i-- > 0;) {
		if (strcmp(cli->given[i].option->name, name) == 0) {
			parse_value(cli->given[i].option, cli->given[i].value, &number, &why);
			break;
		}
	}
	return number;
}

/* --- the way in --------------------------------------------------------- */

static int
run(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command = cli->command;
	int rc = parse(cli, argc, argv);

	if (rc != EXIT_YES)
		return rc;
	if (cli_flag(cli, "help"))
		return print_help(command);
	if (cli->count < command->least || cli->count > command->most)
		return cli_fail(cli, EXIT_USAGE, "usage: kiobuf %s %s [options]; see kiobuf %s --help",
				command->name, command->arguments, command->name);
	rc = prepare(cli);
	return rc == EXIT_YES ? command->run(cli) : rc;
}

static int
print_version(bool json)
{
	struct kio_loop_options options = { .engine = "io_uring" };
	struct kio_loop *loop = NULL;
	bool uring = kio_loop_open(&loop, &options) == 0;
	json_t *engines = json_array();

	kio_loop_close(&loop);
	if (uring)
		json_array_append_new(engines, json_string("io_uring"));
	json_array_append_new(engines, json_string("threads"));
	if (json)
		return cli_print_json("version", json_pack("{s:s, s:o}", "version", kio_version(),
							   "engines", engines));
	json_decref(engines);
	printf("kiobuf %s, engines: %sthreads\n", kio_version(), uring ? "io_uring, " : "");
	return EXIT_YES;
}

static int
run_named(struct cli *cli, int argc, char **argv)
{
	struct guess guess = { 0 };
	char text[80];

	for (size_t i = 0; i < COMMANDS; i++) {
		kio__guess(&guess, argv[1], commands[i]->name);
		if (strcmp(argv[1], commands[i]->name) == 0)
			cli->command = commands[i];
	}
	if (cli->command != NULL)
		return run(cli, argc, argv);
	fprintf(stderr, "kiobuf: no command '%s'%s\n", argv[1], kio__guessed(&guess, text, sizeof(text)));
	return EXIT_USAGE;
}

/*
 * Without it the first file that is opened would be standard output or error, and
 * what is printed would go into it. To use one that was closed is an error as before,
 * but for messages: they are lost.
 */
static void
fill_standard_descriptors(void)
{
	static const int flags[] = { O_WRONLY, O_RDONLY, O_WRONLY };

	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", flags[fd]) < 0)
			_exit(EXIT_OPEN);
	}
}

/* What was printed has arrived, or rc says that it has not. */
static int
end_output(const struct cli *cli, int rc)
{
	int error = fflush(stdout) != 0 ? errno : ferror(stdout) ? EIO : 0;

	if (error == 0 || rc != EXIT_YES)
		return rc;
	cli_say("kiobuf%s%s: the result cannot be written: %s", cli->command != NULL ? " " : "",
		cli->command != NULL ? cli->command->name : "", strerror(error));
	return EXIT_IO;
}

int
main(int argc, char **argv)
{
	struct cli cli = { 0 };
	int rc;

	fill_standard_descriptors();
	/* a reader that went away is an error that is told */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2)
		return print_commands(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		rc = print_commands(stdout);
	else if (strcmp(argv[1], "--version") == 0)
		rc = print_version(argc > 2 && strcmp(argv[2], "--json") == 0);
	else
		rc = run_named(&cli, argc, argv);
	return end_output(&cli, rc);
}
