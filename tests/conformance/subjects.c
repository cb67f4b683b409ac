/* SPDX-License-Identifier: MIT */
/*
 * The stacks: for each class that is registered, those of the table whose first word
 * is its name; if there is none, what its shape suggests.
 */
#include "conformance.h"

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/math.h"

#define CREATED 1u  /* `kiobuf create` comes first */
#define FORGETS 2u  /* what is written is not there afterwards */
#define SURVIVES 4u /* an error of one driver need not arrive */

#define KEY "key-file=conformance.key"
#define IMAGE "conformance.img"

/* @1, @2, @3: drivers */
static const struct row {
	const char *text;
	unsigned bits;
} rows[] = {
	{ "align | @1", 0 },
	{ "align | file " IMAGE " size=64K direct=yes", 0 },
	{ "align | crypt header=none " KEY " | @1", 0 },
	{ "align | crypt header=none " KEY " | crypt header=none " KEY " | @1", 0 },
	{ "align | mirror state=none { crypt header=none " KEY " | @1 ; crypt header=none " KEY " | @2 }", SURVIVES },
	{ "cache size=32K block=4K | @1", SURVIVES },
	{ "cache size=1M | @1", SURVIVES },
	{ "concat { crop size=32K | @1 ; @2 }", 0 },
	{ "cow cluster=4K overlay={ @1 } | crop size=32K | @2", CREATED },
	{ "crop offset=8K size=48K | @1", 0 },
	{ "crypt " KEY " | @1", CREATED },
	{ "crypt header=none " KEY " | @1", 0 },
	{ "deadline 1s | @1", 0 },
	{ "fault late=500000 delay=1ms | @1", 0 },
	{ "file " IMAGE " size=64K", 0 },
	{ "file " IMAGE " size=64K direct=yes", 0 },
	{ "mem 64K", 0 },
	{ "mirror { @1 ; @2 }", CREATED | SURVIVES },
	{ "mirror state=none { @1 ; @2 }", SURVIVES },
	{ "mirror state=none read=hedged:1ms { @1 ; @2 ; @3 }", SURVIVES },
	{ "null 64K", FORGETS },
	{ "powercut sector=4K cache=256K | @1", 0 },
	{ "retry 2 backoff=1ms | @1", SURVIVES },
	{ "retry 2 backoff=1ms | crypt header=none " KEY " | @1", SURVIVES },
	{ "sim 64K", 0 },
	{ "stripe chunk=4K { @1 ; @2 ; @3 }", 0 },
	{ "throttle iops=10000 rate=100M burst=0ms | @1", 0 },
};

/* Drivers that can all, little, or only small pieces; that can be cancelled; that lend and know holes. */
static const char *const drivers[] = {
	"trace id=%c size=64K",
	"trace id=%c size=64K plain",
	"trace id=%c size=64K block=512 max-transfer=4K",
	"trace id=%c size=64K block=4K cancels",
	"mem 64K",
};

/* Where accesses of threads are watched it takes long, and most of it has one thread. */
#ifdef __SANITIZE_THREAD__
#define IS_TRIED(driver) ((driver) == 2)
#else
#define IS_TRIED(driver) true
#endif

static const char *const engines[] = { "sim", "threads", "io_uring" };

static bool
begins_with(const char *text, const char *name)
{
	size_t len = strlen(name);

	return strncmp(text, name, len) == 0 && (text[len] == ' ' || text[len] == '\0');
}

static void
put_stack(struct subject *subject, const char *text, const char *driver)
{
	bool traced = begins_with(driver, "trace");
	size_t at = 0;

	for (; *text != '\0'; text++) {
		if (*text != '@') {
			subject->text[at++] = *text;
			continue;
		}
		text++;
		if (traced)
			subject->drivers = (unsigned)kio__max(subject->drivers, (uint64_t)(*text - '0'));
		for (const char *from = driver; *from != '\0'; from++) {
			subject->text[at++] = *from == '%' ? *text : *from;
			from += *from == '%';
		}
	}
	subject->text[at] = '\0';
}

static bool
is_driver(const struct kio_class *class_)
{
	return class_->max_legs == 0;
}

static bool
has_engine(const char *name)
{
	struct kio_loop *loop;

	if (kio_loop_open(&loop, &(struct kio_loop_options){ .engine = name }) < 0)
		return false;
	kio_loop_close(&loop);
	return true;
}

/* A driver on all engines; others with all drivers. */
static void
try_row(const struct kio_class *class_, const struct row *row, void (*check)(struct subject *subject))
{
	static struct subject subject;
	unsigned engine_count = is_driver(class_) ? KIO__COUNT(engines) : 1;
	unsigned driver_count = strchr(row->text, '@') != NULL ? KIO__COUNT(drivers) : 1;

	for (unsigned e = 0; e < engine_count; e++) {
		for (unsigned d = 0; d < driver_count; d++) {
			if (driver_count != 1 && !IS_TRIED(d))
				continue;
			memset(&subject, 0, sizeof(subject));
			subject.class_ = class_;
			subject.engine = engines[e];
			subject.created = (row->bits & CREATED) != 0;
			subject.forgets = (row->bits & FORGETS) != 0;
			subject.survives = (row->bits & SURVIVES) != 0;
			put_stack(&subject, row->text, drivers[d]);
			/* what mem holds is gone when it was created */
			if (has_engine(subject.engine) && !(subject.created && subject.drivers == 0))
				check(&subject);
		}
	}
}

/* What a class without a row is tried with. */
static const char *
usual(const struct kio_class *class_, char *text, size_t size)
{
	if (is_driver(class_))
		snprintf(text, size, "%s%s", class_->name, strcmp(class_->name, "trace") == 0 ? " id=1 size=64K" : "");
	else if (class_->max_legs == 1)
		snprintf(text, size, "%s | @1", class_->name);
	else
		snprintf(text, size, "%s { @1 ; @2%s }", class_->name, class_->min_legs > 2 ? " ; @3" : "");
	return text;
}

/* The layer of docs/layer.md is one, too. */
static __attribute__((constructor)) void
register_example(void)
{
	kio_class_register(kio_module_classes[0]);
}

static void
make_key(void)
{
	FILE *key = fopen("conformance.key", "w");

	for (int i = 0; i < 64; i++)
		fputc(i * 7 + i / 32, key);
	fclose(key);
	chmod("conformance.key", 0600);
}

void
each_subject(void (*check)(struct subject *subject))
{
	unsigned found;
	char text[100];

	make_key();
	for (const struct kio_class *class_ = kio_class_next(NULL); class_ != NULL; class_ = kio_class_next(class_)) {
		found = 0;
		for (size_t i = 0; i < KIO__COUNT(rows); i++) {
			if (!begins_with(rows[i].text, class_->name))
				continue;
			try_row(class_, &rows[i], check);
			found++;
		}
		if (found == 0)
			try_row(class_, &(struct row){ usual(class_, text, sizeof(text)), 0 }, check);
	}
	unlink("conformance.key");
	unlink(IMAGE);
}

/* Also where something aborts or hangs it is said what that was. */
static const struct subject *current;

static void
died(int number)
{
	if (current != NULL)
		EXPECT(current, false, "signal %d, the last request was a %s of %llu bytes at %llu", number,
		       kio_op_name(current->op), (unsigned long long)current->len, (unsigned long long)current->offset);
	fflush(stdout);
	signal(number, SIG_DFL);
	raise(number);
}

static __attribute__((constructor)) void
tell_of_death(void)
{
	signal(SIGABRT, died);
	signal(SIGALRM, died);
}

static bool
create(struct subject *subject)
{
	struct kio_stack_options options = { .engine = subject->engine, .create = true, .force = true };
	struct kio_diag diag = { 0 };
	struct kio_stack *stack;
	int rc = kio_stack_open(&stack, subject->text, &options, &diag);

	EXPECT(subject, rc == 0, "create: %s", diag.text);
	return rc == 0 && kio_stack_close(&stack, NULL) == 0;
}

bool
subject_open(struct subject *subject, unsigned reserve)
{
	struct kio_stack_options options = { .engine = subject->engine, .reserve = reserve, .force = true };

	unlink(IMAGE);
	trace_reset();
	for (unsigned i = 1; i <= LEGS_MOST; i++)
		memset(trace_bytes(i), 0, DEVICE);
	if (subject->created && !create(subject))
		return false;
	if (!rig_open(&subject->rig, subject->text, &options)) {
		EXPECT(subject, false, "a class that does not work without options, or with others than usual, "
				       "needs a row in tests/conformance/subjects.c: %s", subject->rig.diag.text);
		return false;
	}
	current = subject;
	subject->limits = kio_stack_limits(subject->rig.stack);
	subject->rig.kio->priv = subject;
	subject->done = 0;
	return true;
}

void
subject_close(struct subject *subject)
{
	struct kio_diag diag = { 0 };
	int rc;

	trace_reset();
	kio_destroy(subject->rig.kio);
	kio_channel_close(&subject->rig.channel);
	kio_loop_close(&subject->rig.loop);
	rc = kio_stack_close(&subject->rig.stack, &diag);
	EXPECT(subject, rc == 0, "it closes: %d %s", rc, diag.text);
	current = NULL;
}
