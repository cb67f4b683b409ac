/* SPDX-License-Identifier: MIT */
/*
 * Options: from words to the fields of a layer, by its class's table.
 */
#include "stack/options.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "port/port.h"

#define SECRET_MOST 65536u

/* --- secrets ------------------------------------------------------------ */

enum source { FROM_FILE, FROM_FD, FROM_CREDENTIAL, FROM_NOTHING };

static enum source
secret_source(const struct kio_opt *opt, const char *key)
{
	static const char *const suffixes[] = { "-file", "-fd", "-credential" };
	size_t len = strlen(opt->name);

	if (strncmp(key, opt->name, len) != 0)
		return FROM_NOTHING;
	for (int i = FROM_FILE; i < FROM_NOTHING; i++) {
		if (strcmp(key + len, suffixes[i]) == 0)
			return (enum source)i;
	}
	return FROM_NOTHING;
}

/* The number of a descriptor; -1: it is none. */
static int
parse_fd(const char *text)
{
	const char *why;
	uint64_t number;

	if (kio__parse_number(&text, &number, &why) < 0 || *text != '\0' || number > INT_MAX)
		return -1;
	return (int)number;
}

/* What the text alone can be wrong about. */
static int
check_secret(const struct kio_node *node, const struct kio_arg *arg, enum source source,
	     struct kio_diag *diag)
{
	struct place place = kio__arg_place(node, arg);

	if (source == FROM_FD && parse_fd(arg->value) < 0)
		return kio__complain(diag, -EINVAL, place, "'%s' is not the number of a descriptor",
				     arg->value);
	if (source == FROM_CREDENTIAL && strchr(arg->value, '/') != NULL)
		return kio__complain(diag, -EINVAL, place, "'%s' is not the name of a credential",
				     arg->value);
	return 0;
}

static int
open_path(const char *path, bool trust, struct place place, struct kio_diag *diag)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return kio__complain(diag, -errno, place, "%s cannot be read: %e", path, errno);
	if (!trust && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077) != 0) {
		close(fd);
		return kio__complain(diag, -EACCES, place,
				     "%s can be read by others; chmod 600 %s", path, path);
	}
	return fd;
}

static int
open_secret(const struct kio_node *node, const struct kio_arg *arg, enum source source,
	    bool trust, struct kio_diag *diag)
{
	struct place place = kio__arg_place(node, arg);
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];
	int fd;

	switch (source) {
	case FROM_FD:
		/* the caller's own stays open */
		fd = fcntl(parse_fd(arg->value), F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? kio__complain(diag, -EBADF, place, "%s is not an open descriptor",
					      arg->value) :
				fd;
	case FROM_CREDENTIAL:
		if (folder == NULL)
			return kio__complain(diag, -ENOENT, place, "there is no CREDENTIALS_DIRECTORY");
		if (kio_format(path, sizeof(path), "%s/%s", folder, arg->value) >= sizeof(path))
			return kio__complain(diag, -ENAMETOOLONG, place, "the credential's path is too long");
		return open_path(path, trust, place, diag);
	case FROM_FILE:
	case FROM_NOTHING:
		break;
	}
	return open_path(arg->value, trust, place, diag);
}

static int
read_secret(const struct kio_node *node, const struct kio_arg *arg, enum source source,
	    struct kio_secret *secret, bool trust, struct kept **kept, struct kio_diag *diag)
{
	struct place place = kio__arg_place(node, arg);
	int fd = open_secret(node, arg, source, trust, diag), rc;

	if (fd < 0)
		return fd;
	secret->data = kio__keep(kept, SECRET_MOST + 1);
	rc = secret->data == NULL ?
		     -ENOMEM :
		     kio__read_whole(fd, secret->data, SECRET_MOST + 1, &secret->len);
	close(fd);
	if (secret->data == NULL)
		return rc;
	if (rc < 0)
		return kio__complain(diag, rc, place, "the secret cannot be read: %e", rc);
	if (secret->len > SECRET_MOST)
		return kio__complain(diag, -EFBIG, place, "the secret is longer than %S",
				     (uint64_t)SECRET_MOST);
	return 0;
}

/* --- one option --------------------------------------------------------- */

struct apply {
	const struct kio_node *node;
	const struct kio_class *class_;
	struct kio_layer *layer; /* or NULL */
	struct kept **kept;
	struct kio_diag *diag;
	uint64_t given; /* a bit for each option */
};

static int
refuse(const struct apply *apply, const struct kio_arg *arg, const char *what, const char *why)
{
	return kio__complain(apply->diag, -EINVAL, kio__arg_place(apply->node, arg), "%s %s", what, why);
}

static int
bad_choice(const struct apply *apply, const struct kio_arg *arg, const struct kio_opt *opt)
{
	struct guess guess = { 0 };
	char types[128], text[80];

	for (int i = 0; opt->choices[i] != NULL; i++)
		kio__guess(&guess, arg->value, opt->choices[i]);
	return kio__complain(apply->diag, -EINVAL, kio__arg_place(apply->node, arg),
			     "'%s' is not one of %s%s", arg->value,
			     kio__option_type(opt, types, sizeof(types)),
			     kio__guessed(&guess, text, sizeof(text)));
}

static int
store_secret(struct apply *apply, const struct kio_arg *arg, const struct kio_opt *opt, void *at)
{
	enum source source = secret_source(opt, arg->key);
	int rc = check_secret(apply->node, arg, source, apply->diag);

	if (rc < 0 || at == NULL)
		return rc;
	return read_secret(apply->node, arg, source, at, kio_layer_force(apply->layer), apply->kept,
			   apply->diag);
}

static int
store(struct apply *apply, const struct kio_arg *arg, const struct kio_opt *opt)
{
	void *at = apply->layer != NULL ? (char *)apply->layer + opt->at : NULL;
	const char *value = arg->value, *why = NULL;
	uint64_t number = 0;

	if ((opt->type == KIO_TYPE_STACK) != (arg->stack != NULL))
		return refuse(apply, arg, opt->name,
			      arg->stack != NULL ? "does not take a stack" : "takes a stack in braces");
	switch (opt->type) {
	case KIO_TYPE_SIZE:
	case KIO_TYPE_TIME:
	case KIO_TYPE_UINT:
	case KIO_TYPE_BOOL:
	case KIO_TYPE_CHOICE:
		if (kio__option_parse(opt, value, &number, &why) < 0)
			return opt->type == KIO_TYPE_CHOICE ? bad_choice(apply, arg, opt) :
							      refuse(apply, arg, value, why);
		if (at != NULL)
			kio__option_store(opt, at, number);
		return 0;
	case KIO_TYPE_STRING:
		if (at == NULL)
			return 0;
		*(const char **)at = kio__keep_text(apply->kept, value, strlen(value));
		return *(const char **)at == NULL ? -ENOMEM : 0;
	case KIO_TYPE_SECRET:
		return store_secret(apply, arg, opt, at);
	case KIO_TYPE_STACK:
		return 0; /* the opener builds it */
	}
	return 0;
}

static void
store_defaults(const struct kio_class *class_, struct kio_layer *layer)
{
	char *base = (char *)layer;

	for (const struct kio_opt *opt = class_->opts; opt != NULL && opt->name != NULL; opt++) {
		switch (opt->type) {
		case KIO_TYPE_SIZE:
		case KIO_TYPE_TIME:
		case KIO_TYPE_UINT:
		case KIO_TYPE_BOOL:
		case KIO_TYPE_CHOICE: kio__option_store(opt, base + opt->at, opt->value); break;
		case KIO_TYPE_STRING: *(const char **)(void *)(base + opt->at) = opt->text; break;
		case KIO_TYPE_SECRET:
		case KIO_TYPE_STACK: break;
		}
	}
}

/* --- finding the option ------------------------------------------------- */

static bool
same_name(const struct kio_opt *opt, const char *key)
{
	const char *name = opt->name;

	if (opt->type == KIO_TYPE_SECRET)
		return secret_source(opt, key) != FROM_NOTHING;
	for (; *name != '\0' && *key != '\0'; name++, key++) {
		if (*name != *key && !(*name == '_' && *key == '-'))
			return false;
	}
	return *name == '\0' && *key == '\0';
}

const struct kio_opt *
kio__option_find(const struct kio_class *class_, const char *key)
{
	for (const struct kio_opt *opt = class_->opts; opt != NULL && opt->name != NULL; opt++) {
		if (same_name(opt, key))
			return opt;
	}
	return NULL;
}

static int
unknown_key(const struct apply *apply, const struct kio_arg *arg)
{
	struct guess guess = { 0 };
	char names[KIO__OPTIONS_MOST][48], text[80];
	unsigned count = 0;

	for (const struct kio_opt *opt = apply->class_->opts; opt != NULL && opt->name != NULL;
	     opt++, count++) {
		kio__option_name(opt, names[count], sizeof(names[count]));
		if (opt->type == KIO_TYPE_SECRET && strcmp(arg->key, opt->name) == 0)
			return kio__complain(apply->diag, -EINVAL, kio__arg_place(apply->node, arg),
					     "a secret is never written in the text; use %s=, %s-fd= "
					     "or %s-credential=",
					     names[count], opt->name, opt->name);
		kio__guess(&guess, arg->key, names[count]);
	}
	return kio__complain(apply->diag, -EINVAL, kio__arg_place(apply->node, arg),
			     "no option '%s' in %s%s", arg->key, apply->class_->name,
			     kio__guessed(&guess, text, sizeof(text)));
}

static int
unknown_word(const struct apply *apply, const struct kio_arg *arg)
{
	struct guess guess = { 0 };
	char names[KIO__OPTIONS_MOST][48], text[80];
	unsigned count = 0;

	for (const struct kio_opt *opt = apply->class_->opts; opt != NULL && opt->name != NULL; opt++) {
		if (opt->type == KIO_TYPE_BOOL)
			kio__guess(&guess, arg->value,
				   kio__option_name(opt, names[count++], sizeof(names[0])));
	}
	return kio__complain(apply->diag, -EINVAL, kio__arg_place(apply->node, arg),
			     "%s takes no word '%s'%s", apply->class_->name, arg->value,
			     kio__guessed(&guess, text, sizeof(text)));
}

/* A bare word: the main option first, then flags. */
static const struct kio_opt *
opt_of_word(const struct apply *apply, const struct kio_arg *arg, struct kio_arg *as)
{
	const struct kio_opt *opts = apply->class_->opts;

	*as = *arg;
	for (const struct kio_opt *opt = opts; opt != NULL && opt->name != NULL; opt++) {
		if ((opt->flags & KIO_OPT_MAIN) != 0 && (apply->given >> (opt - opts) & 1) == 0)
			return opt;
	}
	for (const struct kio_opt *opt = opts; opt != NULL && opt->name != NULL; opt++) {
		if (opt->type == KIO_TYPE_BOOL && same_name(opt, arg->value)) {
			as->value = "yes";
			return opt;
		}
	}
	return NULL;
}

static int
apply_arg(struct apply *apply, const struct kio_arg *arg)
{
	const struct kio_opt *opts = apply->class_->opts, *opt;
	struct kio_arg as = *arg;

	if (arg->key == NULL)
		opt = opt_of_word(apply, arg, &as);
	else
		opt = kio__option_find(apply->class_, arg->key);
	if (opt == NULL)
		return arg->key == NULL ? unknown_word(apply, arg) : unknown_key(apply, arg);
	if ((apply->given >> (opt - opts) & 1) != 0)
		return refuse(apply, arg, arg->key != NULL ? arg->key : arg->value, "is given twice");
	apply->given |= (uint64_t)1 << (opt - opts);
	return store(apply, &as, opt);
}

int
kio__options_apply(const struct kio_node *node, const struct kio_class *class_,
		   struct kio_layer *layer, struct kept **kept, struct kio_diag *diag)
{
	struct apply apply = { node, class_, layer, kept, diag, 0 };
	char name[64];
	int rc;

	if (layer != NULL)
		store_defaults(class_, layer);
	for (unsigned i = 0; i < node->arg_count; i++) {
		rc = apply_arg(&apply, &node->args[i]);
		if (rc < 0)
			return rc;
	}
	for (const struct kio_opt *opt = class_->opts; opt != NULL && opt->name != NULL; opt++) {
		if ((opt->flags & KIO_OPT_REQUIRED) != 0 &&
		    (apply.given >> (opt - class_->opts) & 1) == 0)
			return kio__complain(diag, -EINVAL, kio__node_place(node), "%s needs %s=",
					     class_->name, kio__option_name(opt, name, sizeof(name)));
	}
	return 0;
}
