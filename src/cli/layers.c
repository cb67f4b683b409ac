/* SPDX-License-Identifier: MIT */
/*
 * kiobuf layers: which layers there are, and the options of one.
 */
#include <string.h>

#include <kiobuf/layer.h>

#include "cli/cli.h"
#include "stack/options.h"
#include "stack/text.h"

static const char *
shape(const struct kio_class *class_)
{
	return class_->max_legs == 0 ? "driver" : class_->max_legs == 1 ? "layer" : "fan-out";
}

static json_t *
json_class(const struct kio_class *class_, bool options)
{
	json_t *result = json_pack("{s:s, s:s, s:s, s:s}", "name", class_->name, "summary",
				   class_->summary, "kind", shape(class_), "maturity",
				   class_->maturity != NULL ? class_->maturity : "");
	json_t *list = json_array();
	char name[64], type[128], value[128];

	for (const struct kio_opt *opt = class_->opts; options && opt != NULL && opt->name != NULL; opt++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:b, s:b, s:s}", "name",
					kio__option_name(opt, name, sizeof(name)), "type",
					kio__option_type(opt, type, sizeof(type)), "default",
					kio__option_default(opt, value, sizeof(value)), "required",
					(opt->flags & KIO_OPT_REQUIRED) != 0, "main",
					(opt->flags & KIO_OPT_MAIN) != 0, "help", opt->help));
	if (options)
		json_object_set_new(result, "options", list);
	else
		json_decref(list);
	return result;
}

static void
print_class(const struct kio_class *class_)
{
	char name[64], type[128], value[128];

	printf("%s: %s (%s, %s)\n", class_->name, class_->summary, shape(class_),
	       class_->maturity != NULL ? class_->maturity : "");
	if (class_->opts == NULL)
		printf("\nno options\n");
	else
		printf("\n");
	for (const struct kio_opt *opt = class_->opts; opt != NULL && opt->name != NULL; opt++) {
		kio__option_name(opt, name, sizeof(name));
		kio__option_default(opt, value, sizeof(value));
		printf("  %s=%s\n      %s", name, kio__option_type(opt, type, sizeof(type)), opt->help);
		if ((opt->flags & KIO_OPT_REQUIRED) != 0)
			printf("; required");
		if (value[0] != '\0')
			printf("; default %s", value);
		if ((opt->flags & KIO_OPT_MAIN) != 0)
			printf("; the first word without a name");
		printf("\n");
	}
}

static int
run_one(const struct cli *cli, const char *name)
{
	const struct kio_class *class_ = kio_class_find(name);
	struct guess guess = { 0 };
	char text[80];

	if (class_ == NULL) {
		for (class_ = kio_class_next(NULL); class_ != NULL; class_ = kio_class_next(class_))
			kio__guess(&guess, name, class_->name);
		return cli_fail(cli, EXIT_USAGE, "no layer '%s'%s", name,
				kio__guessed(&guess, text, sizeof(text)));
	}
	if (cli->json)
		return cli_print_json("layer", json_class(class_, true));
	print_class(class_);
	return EXIT_YES;
}

static int
run_layers(struct cli *cli)
{
	json_t *list;

	if (cli->count == 1)
		return run_one(cli, cli->args[0]);
	list = json_array();
	for (const struct kio_class *class_ = kio_class_next(NULL); class_ != NULL;
	     class_ = kio_class_next(class_)) {
		json_array_append_new(list, json_class(class_, true));
		if (!cli->json)
			printf("%-10s %-8s %-7s %s\n", class_->name, shape(class_),
			       class_->maturity != NULL ? class_->maturity : "", class_->summary);
	}
	if (cli->json)
		return cli_print_json("layers", json_pack("{s:o}", "layers", list));
	json_decref(list);
	return EXIT_YES;
}

static const struct cli_option options[] = {
	CLI_OPTION_LOAD,
	{ 0 }
};

const struct cli_command cli_layers = {
	.name = "layers",
	.arguments = "[NAME]",
	.summary = "list the layers, or the options of one",
	.least = 0,
	.most = 1,
	.options = options,
	.run = run_layers,
};
