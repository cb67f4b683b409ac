/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace.h"

/* A layer that keeps what it was asked, and is as well as its tests want. */
struct patient {
	struct kio_layer layer;
	uint64_t size, time;
	unsigned number;
	bool flag;
	int choice;
	uint64_t fixed;
};

static enum kio_health own, of_leg;
static struct kio_layer *asked;
static unsigned asked_leg, asked_count;
static int answer;
static const char *again; /* a stack is asked once more, from within */

static const char *const choices[] = { "one", "two", NULL };

static const struct kio_opt patient_opts[] = {
	KIO_OPT_SIZE(struct patient, size, 4096, "a size", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_TIME(struct patient, time, 1000000, "a time", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_UINT(struct patient, number, 7, "a number", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_BOOL(struct patient, flag, false, "yes or no", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_CHOICE(struct patient, choice, 0, choices, "a choice", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_SIZE(struct patient, fixed, 0, "not to be changed"),
	{ 0 }
};

static int
patient_set(struct kio_layer *layer, const struct kio_opt *opt, uint64_t value, struct kio_diag *diag)
{
	(void)layer;
	if (strcmp(opt->name, "number") == 0 && value > 9)
		return kio_refuse(diag, -ERANGE, "%U is more than 9", value);
	return 0;
}

static int
patient_cure(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
	     struct kio_report *report, struct kio_diag *diag)
{
	asked = layer;
	asked_leg = leg;
	asked_count = count;
	if (again != NULL)
		return kio_control_operate(layer->stack, again, layer->name, 0, NULL, NULL, diag);
	for (unsigned i = 0; i < count; i++)
		kio_report_text(report, "argument", "<%s>", args[i]);
	kio_report_number(report, "count", count);
	return answer;
}

static const struct kio_operation patient_operations[] = {
	{ .name = "cure", .help = "make it well", .run = patient_cure },
	{ .name = "swap", .arguments = "STACK", .help = "another leg", .least = 1, .most = 2,
	  .of_leg = true, .run = patient_cure },
	{ 0 }
};

static enum kio_health
patient_health(const struct kio_layer *layer)
{
	(void)layer;
	return own;
}

static enum kio_health
patient_leg_health(const struct kio_layer *layer, unsigned leg, char *text, size_t size)
{
	(void)layer;
	if (leg != 1)
		return KIO_HEALTH_OK;
	kio_format(text, size, "feels bad");
	return of_leg;
}

static const struct kio_class patient_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "patient",
	.summary = "is ill",
	.maturity = "lab",
	.size = sizeof(struct patient),
	.opts = patient_opts,
	.min_legs = 1,
	.max_legs = 8,
	.health = patient_health,
	.leg_health = patient_leg_health,
	.operations = patient_operations,
	.set = patient_set,
};

static __attribute__((constructor)) void
patient_register(void)
{
	kio_class_register(&patient_class);
}

static struct kio_stack *
open_stack(const char *text, const struct kio_stack_options *options)
{
	struct kio_stack *stack = NULL;
	struct kio_diag diag;

	own = of_leg = KIO_HEALTH_OK;
	answer = 0;
	again = NULL;
	asked = NULL;
	CHECK_EQ(kio_stack_open(&stack, text, options, &diag), 0);
	return stack;
}

TEST("control: a changeable option is set while the stack is open, and shown as it is then")
{
	static const char *const rows[][3] = { { "size", "64K", "64K" }, { "time", "2s", "2s" },
					       { "number", "9", "9" },	 { "flag", "yes", "yes" },
					       { "choice", "two", "two" } };
	struct kio_stack *stack = open_stack("patient name=p | trace", NULL);
	const struct kio_layer *layer = kio_control_find(stack, "p");
	const struct patient *patient = kio_container_of(layer, const struct patient, layer);
	struct kio_diag diag;
	char text[64];

	CHECK_EQ(kio_control_get(layer, "time", text, sizeof(text)), 0);
	CHECK_STR(text, "1ms");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(kio_control_set(stack, "p", rows[i][0], rows[i][1], &diag), 0);
		CHECK_EQ(kio_control_get(layer, rows[i][0], text, sizeof(text)), 0);
		CHECK_STR(text, rows[i][2]);
	}
	CHECK_EQ(patient->size, 65536);
	CHECK_EQ(patient->number, 9);
	CHECK_EQ(patient->flag, true);
	CHECK_EQ(patient->choice, 1);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

TEST("control: what cannot be set is refused with the reason, and changes nothing")
{
	static const struct {
		const char *layer, *key, *value, *said;
		int rc;
	} rows[] = {
		{ "q", "number", "1", "there is no layer q", -ENOENT },
		{ "p", "fixed", "1", "fixed of p is fixed when it opens", -EPERM },
		{ "p", "numbr", "1", "p has no option 'numbr'; did you mean 'number'?", -ENOENT },
		{ "p", "number", "10", "10 is more than 9", -ERANGE },
		{ "p", "number", "-1", "-1 is not a number up to 4294967295", -EINVAL },
		{ "p", "time", "5", "5 needs a unit: ns, us, ms, s or m", -EINVAL },
		{ "p", "flag", "", " is neither yes nor no", -EINVAL },
		{ "p", "choice", "three", "three is not one of the choices", -EINVAL },
	};
	struct kio_stack *stack = open_stack("patient name=p | trace", NULL);
	struct kio_diag diag;
	char text[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(kio_control_set(stack, rows[i].layer, rows[i].key, rows[i].value, &diag),
			 rows[i].rc);
		CHECK_STR(diag.text, rows[i].said);
	}
	kio_control_get(kio_control_find(stack, "p"), "number", text, sizeof(text));
	CHECK_STR(text, "7");
	CHECK_EQ(kio_control_get(kio_control_find(stack, "p"), "fixed", text, sizeof(text)), -ENOENT);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

TEST("control: a delay that is changed holds for the next request")
{
	struct rig rig;
	uint64_t begun;
	char byte;

	CHECK(rig_open(&rig, "delay 1ms | trace", NULL));
	CHECK_EQ(kio_control_set(rig.stack, "delay0", "latency", "30ms", &rig.diag), 0);
	begun = kio_loop_now(rig.loop);
	CHECK_EQ(rig_read(&rig, &byte, 1, 0), 0);
	CHECK(kio_loop_now(rig.loop) - begun >= 30000000);
	rig_close(&rig);
}

TEST("control: a class whose changeable option is no single word is refused")
{
	static const struct kio_opt opts[] = {
		KIO_OPT_STRING(struct patient, layer, NULL, "a text", .flags = KIO_OPT_CHANGEABLE), { 0 }
	};
	struct kio_class bad = patient_class;

	bad.name = "bad";
	bad.opts = opts;
	CHECK_EQ(kio_class_register(&bad), -EINVAL);
}

/* --- operations --------------------------------------------------------- */

struct said {
	struct kio_report report;
	char text[200];
};

static void
say_text(struct kio_report *report, const char *key, const char *value)
{
	struct said *said = kio_container_of(report, struct said, report);
	size_t len = strlen(said->text);

	snprintf(said->text + len, sizeof(said->text) - len, "%s=%s ", key, value);
}

static void
say_number(struct kio_report *report, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu", value);
	say_text(report, key, text);
}

TEST("control: an operation reaches the layer it is for, or the one above the leg")
{
	struct kio_stack *stack = open_stack("patient name=p { trace name=a ; patient name=b | trace }", NULL);
	struct said said = { .report = { say_text, say_number } };
	const char *const args[] = { "x", "y", "z" };
	struct kio_diag diag;

	CHECK_EQ(kio_control_operate(stack, "cure", "b", 0, NULL, &said.report, &diag), 0);
	CHECK_STR(kio_layer_name(asked), "b");
	CHECK_STR(said.text, "count=0 ");
	said.text[0] = '\0';
	CHECK_EQ(kio_control_operate(stack, "swap", "b", 2, args, &said.report, &diag), 0);
	CHECK_STR(kio_layer_name(asked), "p");
	CHECK_EQ(asked_leg, 1);
	CHECK_STR(said.text, "argument=<x> argument=<y> count=2 ");
	CHECK_EQ(kio_control_operate(stack, "swap", "a", 3, args, NULL, &diag), -EINVAL);
	CHECK_STR(diag.text, "swap takes a leg and STACK");
	CHECK_EQ(kio_control_operate(stack, "cure", "p", 1, args, NULL, &diag), -EINVAL);
	CHECK_STR(diag.text, "cure takes a layer and nothing else");
	CHECK_EQ(kio_control_operate(stack, "swap", "p", 1, args, NULL, &diag), -ENOTSUP);
	CHECK_STR(diag.text, "p does not know how to swap");
	CHECK_EQ(kio_control_operate(stack, "cure", "c", 0, NULL, NULL, &diag), -ENOENT);
	CHECK_STR(diag.text, "there is no layer c");
	answer = -EIO;
	CHECK_EQ(kio_control_operate(stack, "cure", "p", 0, NULL, NULL, &diag), -EIO);
	CHECK_STR(diag.text, "p: cure: Input/output error");
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

TEST("control: a stack does one thing at a time, and the next when that is done")
{
	struct kio_stack *stack = open_stack("patient name=p | trace", NULL);
	struct kio_diag diag;

	again = "cure";
	CHECK_EQ(kio_control_operate(stack, "cure", "p", 0, NULL, NULL, &diag), -EBUSY);
	again = NULL;
	CHECK_EQ(kio_control_operate(stack, "cure", "p", 0, NULL, NULL, &diag), 0);
	CHECK_EQ(kio_control_set(stack, "p", "number", "1", &diag), 0);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

/* --- health ------------------------------------------------------------- */

TEST("control: a layer is as well as it says, and as the layer above says of its leg")
{
	struct kio_stack *stack = open_stack("log | patient name=p { trace name=a ; trace name=b }", NULL);
	const struct kio_layer *p = kio_control_find(stack, "p"), *b = kio_control_find(stack, "b");
	char text[64];

	CHECK_EQ(kio_stack_health(stack), KIO_HEALTH_OK);
	of_leg = KIO_HEALTH_FAILED;
	CHECK_EQ(kio_layer_health(b, text, sizeof(text)), KIO_HEALTH_FAILED);
	CHECK_STR(text, "feels bad");
	CHECK_EQ(kio_layer_health(p, text, sizeof(text)), KIO_HEALTH_OK);
	CHECK_STR(text, "");
	/* what a bad leg means is for the layer above to say */
	CHECK_EQ(kio_stack_health(stack), KIO_HEALTH_OK);
	own = KIO_HEALTH_DEGRADED;
	CHECK_EQ(kio_stack_health(stack), KIO_HEALTH_DEGRADED);
	own = KIO_HEALTH_FAILED;
	CHECK_EQ(kio_stack_health(stack), KIO_HEALTH_FAILED);
	CHECK_STR(kio_health_name(kio_layer_health(p, text, sizeof(text))), "failed");
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

TEST("control: what fails below a layer that judges its legs leaves the whole degraded")
{
	struct kio_stack *stack = open_stack("mirror state=none degraded { file /nowhere/a ; patient | trace }",
					     NULL);

	CHECK_EQ(kio_stack_health(stack), KIO_HEALTH_DEGRADED);
	own = KIO_HEALTH_FAILED;
	CHECK_EQ(kio_stack_health(stack), KIO_HEALTH_DEGRADED);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

static char logged[400], noticed[400];
static enum kio_severity severity;

static void
take_log(void *priv, enum kio_severity how, const char *text)
{
	(void)priv;
	severity = how;
	snprintf(logged, sizeof(logged), "%s", text);
}

static void
take_notice(void *priv, const struct kio_notice *notice)
{
	(void)priv;
	snprintf(noticed, sizeof(noticed), "%s %s: %s (%s)", kio_layer_name(notice->layer),
		 kio_health_name(notice->health), notice->text,
		 notice->repair != NULL ? notice->repair : "");
}

TEST("control: a notice reaches the log, with the command that repairs, and who watches")
{
	struct kio_stack_options options = { .log = take_log, .notice = take_notice,
					     .control = "/run/a b.sock" };
	struct kio_stack *stack = open_stack("patient name=p | trace", &options);
	const struct kio_layer *layer = kio_control_find(stack, "p");

	kio_notice(layer, KIO_HEALTH_DEGRADED, "cure p", "a leg %s", "is gone");
	CHECK_STR(logged, "p: a leg is gone; to repair it: kiobuf ctl '/run/a b.sock' cure p");
	CHECK_EQ(severity, KIO_WARNING);
	CHECK_STR(noticed, "p degraded: a leg is gone (cure p)");
	kio_notice(layer, KIO_HEALTH_OK, NULL, "well again");
	CHECK_STR(logged, "p: well again");
	CHECK_EQ(severity, KIO_INFO);
	CHECK_STR(noticed, "p ok: well again ()");
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	options.control = NULL;
	stack = open_stack("patient name=p | trace", &options);
	kio_notice(kio_control_find(stack, "p"), KIO_HEALTH_FAILED, "cure p", "all is gone");
	CHECK_STR(logged, "p: all is gone");
	CHECK_EQ(severity, KIO_ERROR);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

/* --- the mirror --------------------------------------------------------- */

TEST("control: a mirror's leg that is failed is told, not read, and stale when it opens again")
{
	struct kio_stack_options fresh = { .create = true },
				 options = { .log = take_log, .notice = take_notice };
	const char *text = "mirror name=m { trace id=1 name=a ; trace id=2 name=b }";
	struct kio_stack *stack = open_stack(text, &fresh);
	struct kio_diag diag;
	char byte = 5;

	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	stack = open_stack(text, &options);
	CHECK_EQ(kio_pwrite(stack, &byte, 1, 0, 0), 0);
	CHECK_EQ(kio_control_operate(stack, "fail", "b", 0, NULL, NULL, &diag), 0);
	CHECK_STR(noticed, "m degraded: the leg b was failed by hand and is stale (resync b)");
	CHECK_EQ(kio_stack_health(stack), KIO_HEALTH_DEGRADED);
	CHECK_EQ(kio_layer_health(kio_control_find(stack, "b"), noticed, sizeof(noticed)),
		 KIO_HEALTH_FAILED);
	CHECK_STR(noticed, "stale");
	CHECK_EQ(kio_control_operate(stack, "fail", "b", 0, NULL, NULL, &diag), -EALREADY);
	CHECK_EQ(kio_control_operate(stack, "fail", "a", 0, NULL, NULL, &diag), -EBUSY);
	CHECK_STR(diag.text, "a is the last leg in use");
	trace_bytes(2)[0] = 99;
	for (unsigned i = 0; i < 8; i++)
		CHECK_EQ(kio_pread(stack, &byte, 1, i << 20 & 0x7fff), 0);
	CHECK_EQ(kio_pread(stack, &byte, 1, 0), 0);
	CHECK_EQ(byte, 5);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	CHECK_EQ(kio_stack_open(&stack, text, NULL, &diag), -ESTALE);
	trace_clear();
}

TEST("control: an absent leg has no health, progress or operations of its own, and says so")
{
	struct kio_stack *stack = open_stack("mirror state=none degraded { patient name=p | file /nowhere/a name=f ; trace }", NULL);
	struct kio_progress progress;
	struct kio_diag diag;

	CHECK_EQ(kio_control_operate(stack, "cure", "p", 0, NULL, NULL, &diag), -ENODEV);
	CHECK_STR(diag.text, "p is not there");
	CHECK_EQ(kio_control_operate(stack, "cure", "p", 0, NULL, NULL, NULL), -ENODEV);
	CHECK_EQ(kio_layer_health(kio_control_find(stack, "f"), NULL, 0), KIO_HEALTH_FAILED);
	CHECK_EQ(kio_layer_health(kio_stack_top(stack), NULL, 0), KIO_HEALTH_DEGRADED);
	CHECK(!kio_layer_progress(kio_control_find(stack, "p"), &progress));
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	stack = open_stack("patient name=p { trace name=a }", NULL);
	answer = -EIO;
	CHECK(!kio_layer_progress(kio_stack_top(stack), &progress));
	CHECK_EQ(kio_control_operate(stack, "swap", "a", 0, NULL, NULL, &diag), -EINVAL);
	CHECK_EQ(kio_control_operate(stack, "cure", "p", 0, NULL, NULL, NULL), -EIO);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}
