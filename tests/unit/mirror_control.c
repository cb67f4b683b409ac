/* SPDX-License-Identifier: MIT */
/* The mirror: what an operator asks of it while it runs. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mirrors.h"

#define REGION (1 << 16)
#define NAMED "mirror name=m " LEGS

static unsigned char data[1 << 20];
static char logged[4000], noticed[4000];

static void
take_log(void *priv, enum kio_severity how, const char *text)
{
	size_t at = strlen(logged);

	(void)priv;
	(void)how;
	snprintf(logged + at, sizeof(logged) - at, "%s\n", text);
}

static void
take_notice(void *priv, const struct kio_notice *notice)
{
	size_t at = strlen(noticed);

	(void)priv;
	snprintf(noticed + at, sizeof(noticed) - at, "%s %s (%s)\n", kio_health_name(notice->health),
		 notice->text, notice->repair != NULL ? notice->repair : "");
}

static const struct kio_stack_options listening = { .log = take_log, .notice = take_notice,
						    .control = "ctl.sock" };

static bool
open_named(struct rig *rig, const char *text)
{
	logged[0] = noticed[0] = '\0';
	return rig_open(rig, text, &listening);
}

/* An operation on a thread of its own, as it has to be. */
struct ask {
	struct rig *rig;
	const char *what, *at;
	struct kio_diag diag;
	pthread_t thread;
	uint64_t to_copy;
	int rc;
	bool done;
};

static void
no_text(struct kio_report *report, const char *key, const char *value)
{
	(void)report;
	(void)key;
	(void)value;
}

static uint64_t told;
static bool asked_all;

static void
take_number(struct kio_report *report, const char *key, uint64_t value)
{
	(void)report;
	if (strcmp(key, "to_copy_bytes") == 0)
		told = value;
}

static void *
operate(void *priv)
{
	struct kio_report report = { no_text, take_number };
	const char *all = "all";
	struct ask *ask = priv;

	ask->rc = kio_control_operate(ask->rig->stack, ask->what, ask->at, asked_all, &all, &report, &ask->diag);
	__atomic_store_n(&ask->done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void
begin(struct ask *ask, struct rig *rig, const char *what, const char *at)
{
	*ask = (struct ask){ .rig = rig, .what = what, .at = at };
	CHECK_EQ(pthread_create(&ask->thread, NULL, operate, ask), 0);
}

static int
end(struct ask *ask)
{
	while (!__atomic_load_n(&ask->done, __ATOMIC_ACQUIRE))
		kio_loop_step(ask->rig->loop, 1000000);
	pthread_join(ask->thread, NULL);
	return ask->rc;
}

static int
asked(struct rig *rig, const char *what, const char *at)
{
	struct ask ask;
	int rc;

	begin(&ask, rig, what, at);
	rc = end(&ask);
	rig->diag = ask.diag;
	return rc;
}

static void
steps(struct rig *rig, unsigned count)
{
	while (count-- > 0)
		kio_loop_step(rig->loop, 0);
}

/* Until it has been told. */
static void
until_told(struct rig *rig, const char *words)
{
	for (unsigned i = 0; i < 5000 && strstr(noticed, words) == NULL; i++)
		kio_loop_step(rig->loop, 1000000);
	if (strstr(noticed, words) == NULL)
		CHECK_STR(noticed, words);
}

static unsigned
data_writes(unsigned leg)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace_count; i++)
		count += trace_notes[i].leg == leg && trace_notes[i].op == KIO_WRITE &&
			 trace_notes[i].offset < DATA;
	return count;
}

static bool
is_equal(void)
{
	return memcmp(trace_bytes(1), trace_bytes(2), DATA) == 0;
}

/* The right leg was failed, and misses a write in this region. */
static void
failed_and_written(struct rig *rig, unsigned region)
{
	create(NAMED);
	CHECK(open_named(rig, NAMED));
	CHECK_EQ(asked(rig, "fail", "right"), 0);
	fill_pattern(data, 4096, 0, region);
	CHECK_EQ(rig_write(rig, data, 4096, (uint64_t)region * REGION), 0);
	CHECK(!is_equal());
	trace_reset();
}

TEST("mirror control: a stale leg comes back while the mirror runs, and what it missed is copied")
{
	struct kio_progress progress;
	struct rig rig;

	failed_and_written(&rig, 7);
	CHECK(strstr(logged, "right was failed by hand and is stale; to repair it: "
			     "kiobuf ctl ctl.sock resync right") != NULL);
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	CHECK_EQ(told, REGION);
	until_told(&rig, "ok the leg right is in sync again");
	CHECK_EQ(data_writes(2), 1);
	CHECK(is_equal());
	CHECK(!kio_layer_progress(kio_stack_top(rig.stack), &progress));
	CHECK_EQ(kio_stack_health(rig.stack), KIO_HEALTH_OK);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	rig_close(&rig);
	CHECK(is_equal());
	opens("mirror resync=no " LEGS);
}

TEST("mirror control: the work that waits for its time to clean is there at once when it is asked")
{
	uint64_t begun;
	struct rig rig;

	create(NAMED);
	CHECK(open_named(&rig, NAMED));
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	steps(&rig, 10);
	begun = kio_loop_now(rig.loop);
	CHECK_EQ(asked(&rig, "fail", "right"), 0);
	CHECK(kio_loop_now(rig.loop) - begun < 2000000000u);
	rig_close(&rig);
}

TEST("mirror control: a leg that comes back is not read before, gets what is written, and tells how far it is")
{
	const struct kio_layer *right;
	struct kio_progress progress;
	unsigned char back[4096];
	struct rig rig;
	char text[100];

	failed_and_written(&rig, 3);
	right = kio_control_find(rig.stack, "right");
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "1", NULL), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 5 * REGION), 0);
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	steps(&rig, 50);
	/* one of the two regions, and then it waits for years */
	CHECK_EQ(kio_layer_health(right, text, sizeof(text)), KIO_HEALTH_DEGRADED);
	CHECK_STR(text, "stale, being made equal: 64K of 128K, 50%");
	CHECK(kio_layer_progress(kio_stack_top(rig.stack), &progress));
	CHECK_STR(progress.what, "resync");
	CHECK_EQ(progress.done, REGION);
	CHECK_EQ(progress.total, 2 * REGION);
	for (unsigned i = 0; i < 15; i++)
		CHECK_EQ(rig_read(&rig, back, sizeof(back), (uint64_t)i * REGION), 0);
	for (unsigned i = 0; i < trace_count; i++)
		CHECK(trace_notes[i].op != KIO_READ || trace_notes[i].leg == 1);
	CHECK_EQ(rig_write(&rig, data, 4096, 9 * REGION), 0);
	CHECK_EQ(memcmp(trace_bytes(2) + 9 * REGION, data, 4096), 0);
	/* it looks at the rate again before long */
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "0", NULL), 0);
	until_told(&rig, "in sync again");
	CHECK(is_equal());
	rig_close(&rig);
}

TEST("mirror control: that a leg is in sync is told when it is on record, and not before")
{
	struct rig rig;

	failed_and_written(&rig, 7);
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "1", NULL), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 11 * REGION), 0);
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	trace_hold(1, DATA);
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "0", NULL), 0);
	for (unsigned i = 0; i < 2000 && trace_held(1) == 0; i++)
		kio_loop_step(rig.loop, 1000000);
	CHECK(is_equal());
	CHECK(trace_held(1) != 0);
	CHECK(strstr(noticed, "in sync") == NULL);
	trace_release(1);
	until_told(&rig, "in sync again");
	rig_close(&rig);
}

TEST("mirror control: killed while a leg comes back, it goes on by itself when it opens")
{
	struct rig rig;

	failed_and_written(&rig, 7);
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "1", NULL), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 11 * REGION), 0);
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	/* from the answer on: that is on record */
	copy_leg(3, 1);
	copy_leg(4, 2);
	rig_close(&rig);
	copy_leg(1, 3);
	copy_leg(2, 4);
	CHECK(!is_equal());
	CHECK(open_named(&rig, NAMED));
	until_told(&rig, "in sync again");
	CHECK(is_equal());
	rig_close(&rig);
}

TEST("mirror control: a leg that was stale when the mirror opened comes back, all of it if it was written alone")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=left }", NULL));
	fill_pattern(data, 4096, 0, 2);
	CHECK_EQ(rig_write(&rig, data, 4096, 7 * REGION), 0);
	rig_close(&rig);
	CHECK(open_named(&rig, "mirror name=m degraded=yes " LEGS));
	CHECK(strstr(logged, "right is stale and not used; to repair it: kiobuf ctl ctl.sock resync right") !=
	      NULL);
	trace_reset();
	CHECK_EQ(asked(&rig, "resync", "m"), 0);
	until_told(&rig, "in sync again");
	CHECK_EQ(data_writes(2), 1);
	CHECK(is_equal());
	rig_close(&rig);

	create(BOTH);
	opens("mirror degraded=yes { trace id=1 name=left }");
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=2 name=right }", NULL));
	CHECK_EQ(rig_write(&rig, "alone", 5, 11 * REGION), 0);
	rig_close(&rig);
	CHECK(open_named(&rig, "mirror name=m keep=left resync=no " LEGS));
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	until_told(&rig, "in sync again");
	CHECK(is_equal());
	rig_close(&rig);
	opens(BOTH);
}

TEST("mirror control: a leg that fails while it comes back stays stale, and can be asked back once more")
{
	struct rig rig;

	failed_and_written(&rig, 7);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	until_told(&rig, "degraded the leg right failed while it was made equal, and stays stale: "
			 "Input/output error (resync right)");
	CHECK_EQ(rig_write(&rig, data, 4096, 2 * REGION), 0);
	CHECK(!is_equal());
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	CHECK_EQ(told, 2 * REGION);
	until_told(&rig, "in sync again");
	CHECK(is_equal());
	rig_close(&rig);
}

TEST("mirror control: a leg that comes back can be failed by hand, and does not go on when it opens")
{
	struct rig rig;

	failed_and_written(&rig, 7);
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "1", NULL), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 9 * REGION), 0);
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	CHECK_EQ(asked(&rig, "resync", "right"), -EALREADY);
	CHECK_EQ(asked(&rig, "fail", "right"), 0);
	CHECK(strstr(noticed, "right was failed by hand and stays stale (resync right)") != NULL);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "right is stale");
}

TEST("mirror control: what cannot come back is refused, and it says why")
{
	struct kio_stack_options reading = { .read_only = true };
	struct rig rig;

	create(NAMED);
	CHECK(open_named(&rig, NAMED));
	CHECK_EQ(asked(&rig, "resync", "right"), -EALREADY);
	CHECK_STR(rig.diag.text, "right is in sync");
	CHECK_EQ(asked(&rig, "resync", "m"), -EALREADY);
	rig_close(&rig);
	CHECK(rig_open(&rig, NAMED, &reading));
	CHECK_EQ(asked(&rig, "resync", "right"), -EROFS);
	rig_close(&rig);
	memset(trace_bytes(2) + STATE, 0, 8192);
	CHECK(open_named(&rig, "mirror name=m degraded=yes " LEGS));
	CHECK_EQ(asked(&rig, "resync", "right"), -ENODATA);
	CHECK_STR(rig.diag.text, "right has no state that says it is a leg of this mirror");
	rig_close(&rig);
	CHECK(open_named(&rig, "mirror name=m degraded=yes { trace id=1 name=left ; file /nowhere/b name=right }"));
	CHECK_EQ(asked(&rig, "resync", "right"), -ENODEV);
	rig_close(&rig);
	CHECK(open_named(&rig, "mirror name=m state=none " LEGS));
	CHECK_EQ(asked(&rig, "fail", "right"), 0);
	CHECK(strstr(noticed, "right was failed by hand and is stale ()") != NULL);
	CHECK_EQ(asked(&rig, "resync", "right"), -ENOTSUP);
	rig_close(&rig);
}

TEST("mirror control: with no channel but the stack's own, too")
{
	struct kio_stack *stack = NULL;

	create(NAMED);
	trace_reset();
	noticed[0] = '\0';
	CHECK_EQ(kio_stack_open(&stack, NAMED, &listening, NULL), 0);
	CHECK_EQ(kio_control_operate(stack, "fail", "right", 0, NULL, NULL, NULL), 0);
	CHECK_EQ(kio_pwrite(stack, "x", 1, 4 * REGION, 0), 0);
	CHECK_EQ(kio_control_operate(stack, "resync", "right", 0, NULL, NULL, NULL), 0);
	/* it closes with the work begun, and opens with all of it done */
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	opens(BOTH);
}

/* --- legs are compared ---------------------------------------------------- */

struct answer {
	struct kio_report report;
	uint64_t running, compared, unread, differing;
	char first_at[200];
};

static void
answer_text(struct kio_report *report, const char *key, const char *value)
{
	struct answer *answer = kio_container_of(report, struct answer, report);

	if (strcmp(key, "first_at") == 0)
		snprintf(answer->first_at, sizeof(answer->first_at), "%s", value);
}

static void
answer_number(struct kio_report *report, const char *key, uint64_t value)
{
	struct answer *answer = kio_container_of(report, struct answer, report);

	if (strcmp(key, "running") == 0)
		answer->running = value;
	else if (strcmp(key, "compared_bytes") == 0)
		answer->compared = value;
	else if (strcmp(key, "unread_bytes") == 0)
		answer->unread = value;
	else if (strcmp(key, "differing_blocks") == 0)
		answer->differing = value;
}

static struct answer
compared(struct rig *rig)
{
	struct answer answer = { .report = { answer_text, answer_number }, .running = 1 };

	for (unsigned i = 0; i < 5000 && answer.running != 0; i++) {
		kio_loop_step(rig->loop, 1000000);
		CHECK_EQ(kio_control_operate(rig->stack, "compared", "m", 0, NULL, &answer.report, &rig->diag), 0);
	}
	CHECK_EQ(answer.running, 0);
	return answer;
}

TEST("mirror compare: legs that are equal are, and where others differ is told; nothing is repaired")
{
	struct answer answer;
	struct rig rig;
	char text[200];

	create(NAMED);
	CHECK(open_named(&rig, NAMED));
	CHECK_EQ(rig_write(&rig, data, 4096, 7 * REGION), 0);
	CHECK_EQ(asked(&rig, "compared", "m"), -ENODATA);
	CHECK_EQ(asked(&rig, "compare", "m"), 0);
	answer = compared(&rig);
	CHECK_EQ(answer.compared, DATA);
	CHECK_EQ(answer.differing, 0);
	CHECK(strstr(noticed, "ok the legs are equal") != NULL);

	trace_bytes(2)[8191] ^= 1;
	trace_bytes(1)[DATA - 1] ^= 1;
	CHECK_EQ(asked(&rig, "compare", "m"), 0);
	answer = compared(&rig);
	CHECK_EQ(answer.differing, 2);
	snprintf(text, sizeof(text), "4096 %d", DATA - 4096);
	CHECK_STR(answer.first_at, text);
	CHECK(strstr(noticed, "degraded the legs differ in 2 blocks of 4096 bytes, the first at 4096") != NULL);
	CHECK_EQ(kio_stack_health(rig.stack), KIO_HEALTH_DEGRADED);
	kio_layer_describe(kio_stack_top(rig.stack), text, sizeof(text));
	CHECK_STR(text, "2 of 2 legs in sync, they differ");
	CHECK_EQ(data_writes(1) + data_writes(2), 2);

	CHECK_EQ(asked(&rig, "fail", "right"), 0);
	CHECK_EQ(asked(&rig, "compare", "m"), -ENODEV);
	rig_close(&rig);
}

TEST("mirror compare: beside writes, which are never half of what is compared")
{
	static unsigned char other[1 << 20];
	struct answer answer = { .report = { answer_text, answer_number } };
	struct kio *kios[8];
	unsigned writes = 0;
	struct rig rig;

	create(NAMED);
	CHECK(open_named(&rig, NAMED));
	for (unsigned i = 0; i < 8; i++) {
		kios[i] = kio_create(rig.channel, 1);
		fill_pattern(other + i * 8192, 8192, 0, i);
	}
	for (unsigned round = 0; round < 20; round++) {
		CHECK_EQ(asked(&rig, "compare", "m"), 0);
		do {
			/* the right leg is behind with these, and with no read of the first piece */
			trace_hold(2, 4096);
			for (unsigned i = 0; i < 8; i++)
				kio_write(kios[i], (writes++ * 77773 % 100 + 1) * (uint64_t)4096,
					  kio_buf(kios[i], other + i * 8192, 8192), 0, NULL);
			steps(&rig, 3);
			trace_release(2);
			for (unsigned i = 0; i < 8; i++)
				CHECK_EQ(rig_wait(&rig, kios[i]), 0);
			kio_control_operate(rig.stack, "compared", "m", 0, NULL, &answer.report, NULL);
		} while (answer.running != 0);
		CHECK_EQ(answer.compared, DATA);
		CHECK_EQ(answer.differing, 0);
	}
	for (unsigned i = 0; i < 8; i++)
		kio_destroy(kios[i]);
	rig_close(&rig);
}

TEST("mirror compare: of what a leg cannot read nothing is said, and a leg that is lost ends it")
{
	struct answer answer;
	struct rig rig;

	create(NAMED);
	CHECK(open_named(&rig, NAMED));
	trace_fail(2, KIO_READ, -EIO, 1);
	CHECK_EQ(asked(&rig, "compare", "m"), 0);
	answer = compared(&rig);
	CHECK_EQ(answer.differing, 0);
	CHECK(answer.unread != 0);
	CHECK_EQ(answer.compared, DATA);
	CHECK_EQ(kio_stack_health(rig.stack), KIO_HEALTH_OK);
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "1", NULL), 0);
	CHECK_EQ(asked(&rig, "compare", "m"), 0);
	CHECK_EQ(asked(&rig, "compare", "m"), -EALREADY);
	CHECK_EQ(asked(&rig, "fail", "left"), 0);
	answer = compared(&rig);
	CHECK(answer.compared < DATA);
	CHECK(strstr(noticed, "compared no more: one is left") != NULL);
	rig_close(&rig);
}

TEST("mirror compare: of one that is open for reading only, too")
{
	struct kio_stack_options reading = { .read_only = true };
	struct answer answer;
	struct rig rig;

	create(NAMED);
	trace_bytes(2)[8191] ^= 1;
	CHECK(rig_open(&rig, NAMED, &reading));
	CHECK_EQ(asked(&rig, "compare", "m"), 0);
	answer = compared(&rig);
	CHECK_EQ(answer.compared, DATA);
	CHECK_EQ(answer.differing, 1);
	for (unsigned i = 0; i < trace_count; i++)
		CHECK_EQ(trace_notes[i].op, KIO_READ);
	rig_close(&rig);
}

TEST("mirror control: resync all copies what no map knows of, and again if it is killed meanwhile")
{
	struct rig rig;

	create(NAMED);
	CHECK(open_named(&rig, NAMED));
	CHECK_EQ(rig_write(&rig, data, 4096, 7 * REGION), 0);
	memset(trace_bytes(2) + 12 * REGION, 0xee, 4096);
	CHECK_EQ(asked(&rig, "fail", "right"), 0);
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "1", NULL), 0);
	asked_all = true;
	CHECK_EQ(asked(&rig, "resync", "right"), 0);
	asked_all = false;
	CHECK_EQ(told, DATA);
	copy_leg(3, 1);
	copy_leg(4, 2);
	CHECK_EQ(kio_control_set(rig.stack, "m", "resync-rate", "0", NULL), 0);
	until_told(&rig, "in sync again");
	CHECK(is_equal());
	rig_close(&rig);
	copy_leg(1, 3);
	copy_leg(2, 4);
	CHECK(!is_equal());
	CHECK(open_named(&rig, NAMED));
	until_told(&rig, "in sync again");
	CHECK(is_equal());
	rig_close(&rig);
}

TEST("quorum: a leg that gets a straggler after it was looked at is not made equal")
{
	struct ask ask;
	struct kio *kio;
	struct rig rig;

	create(NAMED);
	CHECK(open_named(&rig, "mirror name=m quorum=1 behind=20s " LEGS));
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	kio = kio_create(rig.channel, 1);
	trace_hold(1, 0);
	trace_hold(2, 0);
	kio_write(kio, 0, kio_buf(kio, (void *)(uintptr_t)"old", 3), 0, NULL);
	steps(&rig, 20);
	CHECK_EQ(trace_held(1), 1);
	CHECK_EQ(trace_held(2), 1);
	trace_hold(1, 1 << 22); /* what is held stays, the rest goes on */
	trace_hold(2, 1 << 22);
	CHECK_EQ(asked(&rig, "fail", "right"), 0);
	/* it asks, and before the loop has heard of it the write ends: on the right leg it is late now */
	begin(&ask, &rig, "resync", "right");
	usleep(300000);
	trace_release(1);
	CHECK_EQ(end(&ask), -EBUSY);
	CHECK_EQ(rig_wait(&rig, kio), 0);
	if (ask.rc == 0) {
		until_told(&rig, "the leg right is in sync again");
		CHECK_EQ(rig_write(&rig, "new", 3, 0), 0);
		CHECK_EQ(rig_flush(&rig), 0);
		trace_release(2);
		steps(&rig, 100);
		CHECK(is_equal());
		trace_fail(1, KIO_READ, -EIO, 1);
		CHECK_EQ(rig_read(&rig, data, 3, 0), 0);
		CHECK_EQ(memcmp(data, "new", 3), 0);
	}
	trace_release(2);
	kio_destroy(kio);
	rig_close(&rig);
}

TEST("quorum: that acknowledged writes are lost is said by a flush that a stale leg does not answer, too")
{
	struct kio *kio;
	struct rig rig;

	create(NAMED);
	CHECK(open_named(&rig, "mirror name=m quorum=1 behind=300ms " LEGS));
	CHECK_EQ(rig_write(&rig, data, 1 << 19, 0), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	kio = kio_create(rig.channel, 1);
	trace_hold(2, 300000);
	CHECK_EQ(rig_write(&rig, "lost", 4, 300000), 0);
	trace_hold(2, 1 << 22);
	trace_fail(1, KIO_WRITE, -EIO, 1);
	CHECK_EQ(rig_write(&rig, data, 4096, 65536), 0);
	trace_fail(2, KIO_WRITE, -ENOSPC, 1);
	trace_release(2);
	until_told(&rig, "acknowledged are lost");
	CHECK_EQ(asked(&rig, "resync", "left"), 0);
	until_told(&rig, "the leg left is in sync again");
	/* the next flush: the left leg does not answer, and is stale */
	trace_hold(1, 0);
	CHECK_EQ(rig_flush(&rig), -ENOSPC);
	trace_release(1);
	kio_destroy(kio);
	kio_destroy(rig.kio);
	kio_channel_close(&rig.channel);
	kio_loop_close(&rig.loop);
	kio_stack_close(&rig.stack, NULL);
}
