/* SPDX-License-Identifier: MIT */
/*
 * Options become fields, secrets are read from where they may be, and classes
 * are known by their names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <kiobuf/kiobuf.h>
#include <kiobuf/layer.h>
#include <kiobuf/tree.h>

#include "stack/options.h"
#include "unit.h"

/* A class with an option of each kind; what it was opened with stays in `last`. */
struct many {
	struct kio_layer layer;
	uint64_t size_of_it;
	unsigned count;
	bool fast, slow;
	const char *text;
	uint64_t wait_ns;
	int which;
	struct kio_secret secret;
	struct kio_layer *the_side;
};

static const char *const whiches[] = { "left", "right", NULL };

static const struct kio_opt many_opts[] = {
	KIO_OPT_SIZE(struct many, size_of_it, 4096, "a size", .flags = KIO_OPT_MAIN),
	KIO_OPT_UINT(struct many, count, 7, "a number"),
	KIO_OPT_BOOL(struct many, fast, false, "a flag"),
	KIO_OPT_BOOL(struct many, slow, true, "a flag that is on"),
	KIO_OPT_STRING(struct many, text, "none", "a text"),
	KIO_OPT_TIME(struct many, wait_ns, 20000000, "a time"),
	KIO_OPT_CHOICE(struct many, which, 1, whiches, "a choice"),
	KIO_OPT_SECRET(struct many, secret, "a secret"),
	KIO_OPT_STACK(struct many, the_side, "a stack"),
	{ 0 }
};

static struct many last;
static char last_text[64], last_secret[64];
static uint64_t side_size;

static int
many_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct many *many = kio_container_of(layer, struct many, layer);

	(void)diag;
	last = *many;
	snprintf(last_text, sizeof(last_text), "%s", many->text);
	snprintf(last_secret, sizeof(last_secret), "%.*s", (int)many->secret.len,
		 many->secret.data != NULL ? (const char *)many->secret.data : "");
	side_size = many->the_side != NULL ? kio_layer_limits(many->the_side)->size : 0;
	return 0;
}

static const struct kio_class many_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "many",
	.summary = "options of all kinds",
	.size = sizeof(struct many),
	.opts = many_opts,
	.min_legs = 1,
	.max_legs = 1,
	.open = many_open,
};

static __attribute__((constructor)) void
make_known(void)
{
	kio_class_register(&many_class);
}

static void
opens(const char *text)
{
	struct kio_stack *stack;
	struct kio_diag diag = { 0 };

	last = (struct many){ 0 };
	last_secret[0] = '\0';
	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), 0);
	CHECK_STR(diag.text, "");
	if (diag.error == 0)
		kio_stack_close(&stack, NULL);
}

/* checked: kio_tree_check, which opens nothing, says so too. */
static void
refuses(const char *text, const char *why, bool checked)
{
	struct kio_stack *stack;
	struct kio_diag diag = { 0 };
	struct kio_tree *tree;

	if (kio_stack_open(&stack, text, NULL, &diag) == 0) {
		snprintf(diag.text, sizeof(diag.text), "it opened");
		kio_stack_close(&stack, NULL);
	}
	CHECK_STR(diag.text, why);
	CHECK_EQ(kio_tree_parse(&tree, text, NULL, &diag), 0);
	CHECK_EQ(kio_tree_check(tree, &diag) < 0, checked);
	if (checked)
		CHECK_STR(diag.text, why);
	kio_tree_destroy(tree);
}

TEST("options: defaults, and each kind as it is given")
{
	opens("many | null 1M");
	CHECK_EQ(last.size_of_it, 4096);
	CHECK_EQ(last.count, 7);
	CHECK(!last.fast && last.slow);
	CHECK_STR(last_text, "none");
	CHECK_EQ(last.wait_ns, 20000000);
	CHECK_EQ(last.which, 1);
	CHECK(last.secret.data == NULL && last.the_side == NULL);

	opens("many 3G fast count=9 slow=no text=\"a b\" wait-ns=5us which=left the-side={ mem 2M } | null 1M");
	CHECK_EQ(last.size_of_it, (uint64_t)3 << 30);
	CHECK_EQ(last.count, 9);
	CHECK(last.fast && !last.slow);
	CHECK_STR(last_text, "a b");
	CHECK_EQ(last.wait_ns, 5000);
	CHECK_EQ(last.which, 0);
	CHECK_EQ(side_size, 2 << 20);
}

TEST("options: what is wrong is told at its column")
{
	refuses("many 1K fsat | null", "1:9: many takes no word 'fsat'; did you mean 'fast'?", true);
	refuses("many 1K fast fast=no | null", "1:14: fast is given twice", true);
	refuses("many which=lfet | null", "1:6: 'lfet' is not one of left|right; did you mean 'left'?", true);
	refuses("many size_of-it=1K size-of-it=2K | null", "1:20: size-of-it is given twice", true);
	refuses("many the-side=x | null", "1:6: the_side takes a stack in braces", true);
	refuses("many count=5G | null", "1:6: 5G is not a number up to 4294967295", true);
	refuses("many wait-ns=99999999999s | null", "1:6: 99999999999s is too large", true);
	refuses("many wait-ns=1h | null", "1:6: 1h needs a unit: ns, us, ms, s or m", true);
	refuses("many the-side={ nul } | null 1M", "1:17: no layer 'nul'; did you mean 'null'?", true);
}

TEST("options: as kiobuf layers shows them")
{
	static const char *const rows[][3] = {
		{ "size-of-it", "size", "4K" },	    { "count", "number", "7" },
		{ "fast", "yes|no", "no" },	    { "slow", "yes|no", "yes" },
		{ "text", "text", "none" },	    { "wait-ns", "time", "20ms" },
		{ "which", "left|right", "right" }, { "secret-file", "file", "" },
		{ "the-side", "{ stack }", "" },
	};
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_STR(kio__option_name(&many_opts[i], text, sizeof(text)), rows[i][0]);
		CHECK_STR(kio__option_type(&many_opts[i], text, sizeof(text)), rows[i][1]);
		CHECK_STR(kio__option_default(&many_opts[i], text, sizeof(text)), rows[i][2]);
	}
}

/* --- secrets ------------------------------------------------------------ */

static void
write_file(const char *path, size_t len, mode_t mode)
{
	FILE *file = fopen(path, "w");

	for (size_t i = 0; i < len; i++)
		fputc("secret"[i % 6], file);
	fclose(file);
	chmod(path, mode);
}

TEST("secrets: come from a file that nobody else can read")
{
	struct kio_stack_options force = { .force = true };
	struct kio_stack *stack;

	write_file("s.key", 6, 0600);
	opens("many secret-file=s.key | null 1M");
	CHECK_STR(last_secret, "secret");
	for (mode_t mode = 01; mode <= 040; mode <<= 1) {
		chmod("s.key", 0600 | mode);
		refuses("many secret-file=s.key | null 1M",
			"1:6: s.key can be read by others; chmod 600 s.key", false);
	}
	CHECK_EQ(kio_stack_open(&stack, "many secret-file=s.key | null 1M", &force, NULL), 0);
	kio_stack_close(&stack, NULL);
	unlink("s.key");
	refuses("many secret-file=s.key | null 1M",
		"1:6: s.key cannot be read: No such file or directory", false);
	refuses("many secret=letmein | null 1M",
		"1:6: a secret is never written in the text; use secret-file=, secret-fd= or "
		"secret-credential=", true);
	refuses("many secret-file=a secret-fd=3 | null", "1:20: secret-fd is given twice", true);
}

TEST("secrets: one that is too long is refused, not cut")
{
	write_file("s.key", 65536, 0600);
	opens("many secret-file=s.key | null 1M");
	CHECK_EQ(last.secret.len, 65536);
	write_file("s.key", 65537, 0600);
	refuses("many secret-file=s.key | null 1M", "1:6: the secret is longer than 64K", false);
	unlink("s.key");
}

TEST("secrets: from a descriptor, which stays open, and nothing else is taken for one")
{
	char text[64];
	int fd;

	write_file("s.key", 6, 0600);
	fd = open("s.key", O_RDONLY);
	snprintf(text, sizeof(text), "many secret-fd=%d | null 1M", fd);
	opens(text);
	CHECK_STR(last_secret, "secret");
	CHECK(fcntl(fd, F_GETFD) >= 0);
	close(fd);
	refuses("many secret-fd=99 | null 1M", "1:6: 99 is not an open descriptor", false);
	refuses("many secret-fd=x | null 1M", "1:6: 'x' is not the number of a descriptor", true);
	refuses("many secret-fd=3x | null 1M", "1:6: '3x' is not the number of a descriptor", true);
	refuses("many secret-fd=4294967296 | null 1M",
		"1:6: '4294967296' is not the number of a descriptor", true);
	unlink("s.key");
}

TEST("secrets: from the service manager's credentials, by name")
{
	char folder[] = "credentials-XXXXXX", path[64];

	unsetenv("CREDENTIALS_DIRECTORY");
	refuses("many secret-credential=disk | null 1M", "1:6: there is no CREDENTIALS_DIRECTORY", false);
	CHECK(mkdtemp(folder) != NULL);
	snprintf(path, sizeof(path), "%s/disk", folder);
	write_file(path, 6, 0400);
	setenv("CREDENTIALS_DIRECTORY", folder, 1);
	opens("many secret-credential=disk | null 1M");
	CHECK_STR(last_secret, "secret");
	refuses("many secret-credential=../disk | null 1M",
		"1:6: '../disk' is not the name of a credential", true);
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(path);
	rmdir(folder);
}

/* --- classes ------------------------------------------------------------ */

static void
register_gives(struct kio_class class_, int rc)
{
	CHECK_EQ(kio_class_register(&class_), rc);
}

TEST("classes: what breaks the contract is refused")
{
	static const struct kio_opt bare_secret[] = {
		KIO_OPT_SECRET(struct many, secret, "", .flags = KIO_OPT_MAIN), { 0 }
	};
	struct kio_class class_;

	register_gives(many_class, -EEXIST);
	class_ = many_class, class_.abi++, class_.name = "x";
	register_gives(class_, -EINVAL);
	class_ = many_class, class_.struct_size--, class_.name = "x";
	register_gives(class_, -EINVAL);
	class_ = many_class, class_.name = NULL;
	register_gives(class_, -EINVAL);
	class_ = many_class, class_.name = "use"; /* a word of the language */
	register_gives(class_, -EINVAL);
	class_ = many_class, class_.name = "x", class_.opts = bare_secret;
	register_gives(class_, -EINVAL);
	class_ = many_class, class_.name = "x", class_.min_legs = class_.max_legs = 0; /* submits nothing */
	register_gives(class_, -EINVAL);
	CHECK(kio_class_find("x") == NULL);
}

TEST("classes: all are found, in the order of their names")
{
	const struct kio_class *each, *before = NULL;
	unsigned found = 0;

	for (each = kio_class_next(NULL); each != NULL; each = kio_class_next(each)) {
		CHECK(before == NULL || strcmp(before->name, each->name) < 0);
		CHECK(kio_class_find(each->name) == each);
		found += each == &many_class || strcmp(each->name, "file") == 0;
		before = each;
	}
	CHECK_EQ(found, 2);
}

TEST("classes: why a module cannot be loaded is not kept quiet")
{
	struct kio_diag diag;

	write_file("kiobuf-junk.so", 100, 0600);
	setenv("KIOBUF_MODULES", ".", 1);
	refuses("junk | null 1M",
		"1:1: no layer 'junk': ./kiobuf-junk.so cannot be loaded: ./kiobuf-junk.so: invalid ELF header",
		true);
	refuses("many | jnk", "1:8: no layer 'jnk'", true);
	CHECK_EQ(kio_module_load("./nowhere.so", &diag), -ENOENT);
	CHECK(strncmp(diag.text, "./nowhere.so cannot be loaded: ", 31) == 0);
	unsetenv("KIOBUF_MODULES");
	unlink("kiobuf-junk.so");
}
