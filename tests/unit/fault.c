/* SPDX-License-Identifier: MIT */
/* Faults at will. */
#include <errno.h>
#include <stdio.h>

#include <kiobuf/control.h>

#include "trace.h"

#define ALL "1000000"

static unsigned char data[65536], back[65536];

static void
open_fault(struct rig *rig, const char *text)
{
	CHECK(rig_open(rig, text, &(struct kio_stack_options){ .engine = "sim" }));
	fill_pattern(data, sizeof(data), 0, 5);
}

static void
set(const struct rig *rig, const char *option, const char *value)
{
	struct kio_diag diag;

	CHECK_EQ(kio_control_set(rig->stack, "fault0", option, value, &diag), 0);
}

TEST("fault: errors, for one sort of request and one range, with a code")
{
	struct rig rig;

	trace_clear();
	open_fault(&rig, "fault op=write error=" ALL " code=enospc offset=8192 length=4096 | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 4096, 8192), -ENOSPC);
	CHECK_EQ(rig_write(&rig, data, 2, 12287), -ENOSPC);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 4096, 8192), -ENOSPC);
	CHECK_EQ(trace_count, 0);
	CHECK_EQ(rig_write(&rig, data, 8192, 0), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 12288), 0);
	CHECK_EQ(rig_read(&rig, back, 4096, 8192), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	set(&rig, "op", "flush");
	CHECK_EQ(rig_flush(&rig), 0);
	set(&rig, "offset", "0");
	set(&rig, "length", "0");
	set(&rig, "code", "eio");
	CHECK_EQ(rig_flush(&rig), -EIO);
	CHECK_EQ(rig_write(&rig, data, 4096, 8192), 0);
	rig_close(&rig);
}

TEST("fault: so many of a million, and the same ones with the same seed")
{
	unsigned failed[3] = { 0 }, same = 0;
	bool first[2000], now;
	struct rig rig;

	for (unsigned round = 0; round < 3; round++) {
		open_fault(&rig, round < 2 ? "fault error=200000 seed=7 | trace id=1" : "fault error=200000 seed=8 | trace id=1");
		for (unsigned i = 0; i < 2000; i++) {
			now = rig_read(&rig, back, 512, 0) < 0;
			failed[round] += now;
			if (round == 0)
				first[i] = now;
			else
				same += now == first[i];
		}
		CHECK(round != 1 || same == 2000);
		rig_close(&rig);
	}
	CHECK(same < 3999);
	for (unsigned round = 0; round < 3; round++)
		CHECK(failed[round] > 300 && failed[round] < 500);
}

TEST("fault: what hangs goes on when that is over, or is cancelled")
{
	struct rig rig;

	open_fault(&rig, "fault op=read | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	set(&rig, "hang", ALL);
	kio_read(rig.kio, 0, kio_buf(rig.kio, back, 4096), NULL);
	for (unsigned i = 0; i < 100; i++)
		kio_loop_step(rig.loop, 1000000000);
	CHECK(!kio_event_fired(&rig.kio->event));
	set(&rig, "hang", "0");
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(memcmp(back, data, 4096), 0);
	set(&rig, "hang", ALL);
	kio_read(rig.kio, 0, kio_buf(rig.kio, back, 4096), NULL);
	kio_loop_step(rig.loop, 0);
	kio_cancel(rig.kio);
	CHECK_EQ(rig_wait(&rig, rig.kio), -ECANCELED);
	rig_close(&rig);
}

TEST("fault: late ones come later, and others do not")
{
	struct rig rig;

	open_fault(&rig, "fault late=" ALL " delay=3s op=write | trace id=1");
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 3000000000);
	rig_close(&rig);
}

TEST("fault: a torn write leaves its beginning, of whole blocks, and fails; a block is never torn")
{
	unsigned char zero[512] = { 0 };
	bool seen[17] = { false };
	unsigned kept, lengths = 0;
	struct rig rig;

	open_fault(&rig, "fault torn=" ALL " | trace id=1 block=512");
	for (unsigned round = 0; round < 200; round++) {
		memset(trace_bytes(1), 0, sizeof(data));
		CHECK_EQ(rig_write(&rig, data, 8192, 0), -EIO);
		for (kept = 0; kept < 16 && memcmp(trace_bytes(1) + kept * 512, data + kept * 512, 512) == 0;)
			kept++;
		CHECK(kept > 0 && kept < 16);
		for (unsigned i = kept; i < 16; i++)
			CHECK_EQ(memcmp(trace_bytes(1) + i * 512, zero, 512), 0);
		lengths += !seen[kept];
		seen[kept] = true;
	}
	CHECK(lengths > 8);
	CHECK_EQ(rig_write(&rig, data, 512, 0), 0);
	rig_close(&rig);
}

TEST("fault: a corrupt read has one wrong bit, of a lent one too, and what lies below is as it was")
{
	struct kio_iter rest;
	unsigned char *base;
	unsigned wrong;
	size_t len, at;
	struct rig rig;

	open_fault(&rig, "fault corrupt=" ALL " | mem 1M");
	CHECK_EQ(rig_write(&rig, data, sizeof(data), 0), 0);
	CHECK_EQ(rig_read(&rig, back, sizeof(back), 0), 0);
	wrong = 0;
	for (unsigned i = 0; i < sizeof(back); i++)
		wrong += (unsigned)__builtin_popcount((unsigned)(back[i] ^ data[i]));
	CHECK_EQ(wrong, 1);
	kio_lend(rig.kio, 0, sizeof(data), NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	wrong = 0;
	at = 0;
	for (rest = kio_data(rig.kio); (base = kio_iter_next(&rest, &len)) != NULL; at += len) {
		for (size_t i = 0; i < len; i++)
			wrong += (unsigned)__builtin_popcount((unsigned)(base[i] ^ data[at + i]));
	}
	CHECK_EQ(at, sizeof(data));
	CHECK_EQ(wrong, 1);
	kio_release(rig.kio);
	set(&rig, "corrupt", "0");
	CHECK_EQ(rig_read(&rig, back, sizeof(back), 0), 0);
	CHECK_EQ(memcmp(back, data, sizeof(data)), 0);
	rig_close(&rig);
}

TEST("fault: more than all is refused")
{
	struct kio_stack *stack;
	struct kio_diag diag;
	struct rig rig;

	CHECK_EQ(kio_stack_open(&stack, "fault hang=1000001 | null", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "hang=1000001 of a million") != NULL);
	open_fault(&rig, "fault | trace id=1");
	CHECK_EQ(kio_control_set(rig.stack, "fault0", "error", "2000000", &diag), -EINVAL);
	rig_close(&rig);
}
