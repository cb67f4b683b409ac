/* SPDX-License-Identifier: MIT */
/* The power is cut: what was flushed is there, and nothing that nobody wrote. */
#include <errno.h>
#include <stdio.h>

#include <kiobuf/control.h>

#include "trace.h"

#define SECTOR 512u
#define SECTORS 64u
#define VERSIONS 64u

static unsigned char data[SECTORS * SECTOR], back[SECTORS * SECTOR];

static void
open_cut(struct rig *rig, const char *text)
{
	CHECK(rig_open(rig, text, NULL));
	fill_pattern(data, sizeof(data), 0, 5);
}

static int
operate(struct rig *rig, const char *operation)
{
	return kio_control_operate(rig->stack, operation, "powercut0", 0, NULL, NULL, &rig->diag);
}

static int
write_fua(struct rig *rig, const void *from, size_t len, uint64_t offset)
{
	kio_write(rig->kio, offset, kio_buf(rig->kio, (void *)(uintptr_t)from, len), KIO_FUA, NULL);
	return rig_wait(rig, rig->kio);
}

static bool
is_all(const unsigned char *memory, size_t len, int value)
{
	for (size_t i = 0; i < len; i++) {
		if (memory[i] != value)
			return false;
	}
	return true;
}

TEST("powercut: a write stays in the cache, and is read from there, until it is flushed")
{
	struct rig rig;

	trace_clear();
	trace_reset();
	open_cut(&rig, "powercut | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 4096, 8192), 0);
	CHECK_EQ(trace_count, 0);
	CHECK_EQ(rig_read(&rig, back, 4096, 8192), 0);
	CHECK_EQ(trace_count, 0);
	CHECK(memcmp(back, data, 4096) == 0);
	/* half of it from below */
	memset(trace_bytes(1) + 12288, 7, 4096);
	CHECK_EQ(rig_read(&rig, back, 8192, 8192), 0);
	CHECK(memcmp(back, data, 4096) == 0 && is_all(back + 4096, 4096, 7));
	CHECK(is_all(trace_bytes(1) + 8192, 4096, 0));
	trace_reset();
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(trace_count, 2);
	CHECK(trace_notes[0].op == KIO_WRITE && trace_notes[0].offset == 8192 && trace_notes[0].len == 4096);
	CHECK(trace_notes[1].op == KIO_FLUSH);
	CHECK(memcmp(trace_bytes(1) + 8192, data, 4096) == 0);
	rig_close(&rig);
}

TEST("powercut: FUA makes its own sectors last, and no others; older versions do not come back")
{
	struct rig rig;

	trace_clear();
	open_cut(&rig, "powercut image=kept | trace id=1");
	CHECK_EQ(rig_write(&rig, data + 4096, 1024, 0), 0);
	trace_reset();
	CHECK_EQ(write_fua(&rig, data, 512, 512), 0);
	CHECK_EQ(trace_count, 1);
	CHECK(trace_notes[0].flags == KIO_FUA && trace_notes[0].offset == 512 && trace_notes[0].len == 512);
	CHECK_EQ(operate(&rig, "cut"), 0);
	CHECK_EQ(operate(&rig, "restore"), 0);
	CHECK_EQ(rig_read(&rig, back, 1024, 0), 0);
	CHECK(memcmp(back, data + 4096, 512) == 0 && memcmp(back + 512, data, 512) == 0);
	rig_close(&rig);
}

TEST("powercut: nothing is acknowledged after the cut, on any of the process's disks")
{
	struct rig rig, other;

	trace_clear();
	open_cut(&rig, "powercut | trace id=1");
	open_cut(&other, "powercut | trace id=2");
	CHECK_EQ(rig_write(&other, data, 512, 0), 0);
	CHECK_EQ(operate(&rig, "cut"), 0);
	CHECK_EQ(operate(&rig, "cut"), -EALREADY);
	CHECK_EQ(rig_write(&rig, data, 512, 0), -EIO);
	CHECK_EQ(rig_read(&rig, back, 512, 0), -EIO);
	CHECK_EQ(rig_flush(&other), -EIO);
	CHECK_EQ(rig_read(&other, back, 512, 0), -EIO);
	CHECK_EQ(kio_stack_health(other.stack), KIO_HEALTH_FAILED);
	CHECK_EQ(operate(&other, "restore"), 0);
	CHECK_EQ(operate(&other, "restore"), -EALREADY);
	CHECK_EQ(rig_write(&rig, data, 512, 0), 0);
	CHECK_EQ(rig_flush(&other), 0);
	CHECK_EQ(kio_stack_health(other.stack), KIO_HEALTH_OK);
	rig_close(&rig);
	rig_close(&other);
}

TEST("powercut: what is in flight at the cut is not acknowledged, even if the power comes back before it ends")
{
	struct rig rig;

	trace_clear();
	trace_reset();
	open_cut(&rig, "powercut image=dropped | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 512, 0), 0);
	trace_hold(1, 0);
	kio_flush_all(rig.kio, NULL);
	while (trace_held(1) == 0)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(operate(&rig, "cut"), 0);
	CHECK_EQ(operate(&rig, "restore"), 0);
	trace_release(1);
	CHECK_EQ(rig_wait(&rig, rig.kio), -EIO);
	/* it had arrived all the same */
	CHECK_EQ(rig_read(&rig, back, 512, 0), 0);
	CHECK(memcmp(back, data, 512) == 0);
	rig_close(&rig);
}

TEST("powercut: all dropped, all kept; and what was read after a cut lasts")
{
	struct rig rig;

	trace_clear();
	open_cut(&rig, "powercut image=dropped | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK_EQ(rig_write(&rig, data + 4096, 4096, 0), 0);
	CHECK_EQ(operate(&rig, "cut"), 0);
	CHECK_EQ(operate(&rig, "restore"), 0);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	CHECK(memcmp(back, data, 4096) == 0);
	CHECK_EQ(kio_control_set(rig.stack, "powercut0", "image", "kept", &rig.diag), 0);
	CHECK_EQ(rig_write(&rig, data + 4096, 4096, 0), 0);
	CHECK_EQ(operate(&rig, "cut"), 0);
	CHECK_EQ(operate(&rig, "restore"), 0);
	CHECK_EQ(rig_read(&rig, back, 512, 0), 0);
	CHECK(memcmp(trace_bytes(1), data + 4096, 4096) == 0);
	rig_close(&rig);
}

TEST("powercut: cut= names the write or flush, within= draws it, and the same seed leaves the same")
{
	unsigned char first[sizeof(data)];
	unsigned places = 0, cut, last = 0;
	char text[80];
	struct rig rig;

	for (unsigned round = 0; round < 2; round++) {
		trace_clear();
		open_cut(&rig, "powercut cut=20 seed=9 | trace id=1");
		for (cut = 1; rig_write(&rig, data + cut * 512, 1024, cut * 512) == 0; cut++)
			;
		CHECK_EQ(cut, 20);
		rig_close(&rig);
		if (round == 0)
			memcpy(first, trace_bytes(1), sizeof(first));
	}
	CHECK(memcmp(first, trace_bytes(1), sizeof(first)) == 0);
	for (unsigned seed = 1; seed <= 20; seed++) {
		snprintf(text, sizeof(text), "powercut within=30 seed=%u | trace id=1", seed);
		open_cut(&rig, text);
		for (cut = 1; rig_write(&rig, data, 512, 0) == 0; cut++)
			;
		CHECK(cut >= 1 && cut <= 30);
		places += cut != last;
		last = cut;
		rig_close(&rig);
	}
	CHECK(places > 15);
}

TEST("powercut: a cache that is full writes the oldest below, and nothing is lost")
{
	struct rig rig;

	trace_clear();
	open_cut(&rig, "powercut cache=32K image=dropped | trace id=1");
	for (unsigned i = 0; i < 40; i++) {
		fill_pattern(data, 4096, i * 4096, i);
		CHECK_EQ(rig_write(&rig, data, 4096, i * 4096), 0);
	}
	for (unsigned i = 0; i < 40; i++) {
		fill_pattern(data, 4096, i * 4096, i);
		CHECK_EQ(rig_read(&rig, back, 4096, i * 4096), 0);
		CHECK(memcmp(back, data, 4096) == 0);
	}
	CHECK_EQ(rig_flush(&rig), 0);
	for (unsigned i = 0; i < 40; i++) {
		fill_pattern(data, 4096, i * 4096, i);
		CHECK(memcmp(trace_bytes(1) + i * 4096, data, 4096) == 0);
	}
	rig_close(&rig);
}

TEST("powercut: an error below fails the flush, and the next one tries again")
{
	struct rig rig;

	trace_clear();
	trace_reset();
	open_cut(&rig, "powercut | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	trace_fail(1, KIO_WRITE, -ENOSPC, 1);
	CHECK_EQ(rig_flush(&rig), -ENOSPC);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	CHECK(memcmp(back, data, 4096) == 0);
	CHECK_EQ(rig_flush(&rig), 0);
	CHECK(memcmp(trace_bytes(1), data, 4096) == 0);
	rig_close(&rig);
}

TEST("powercut: of a read that fails in part the rest is what was written; when the power is cut nothing of it counts")
{
	struct rig rig;

	trace_clear();
	trace_reset();
	open_cut(&rig, "powercut | concat { trace id=1 size=4K ; trace id=2 size=1M }");
	CHECK_EQ(rig_write(&rig, data, 512, 4096), 0);
	trace_fail(1, KIO_READ, -EIO, 2);
	memset(back, 7, sizeof(back));
	CHECK_EQ(rig_read(&rig, back, 8192, 0), -EIO);
	CHECK_EQ(kio_moved(rig.kio), 4096);
	CHECK(memcmp(back + 4096, data, 512) == 0);
	CHECK(is_all(back + 4608, 4096 - 512, 0));
	trace_hold(2, 0);
	kio_read(rig.kio, 0, kio_buf(rig.kio, back, 8192), NULL);
	while (trace_held(2) == 0)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(operate(&rig, "cut"), 0);
	trace_release(2);
	CHECK_EQ(rig_wait(&rig, rig.kio), -EIO);
	CHECK_EQ(kio_moved(rig.kio), 0);
	CHECK_EQ(operate(&rig, "restore"), 0);
	rig_close(&rig);
}

TEST("powercut: what is left lasts before anybody sees it, also when that took two attempts")
{
	struct rig rig;
	struct kio *other;

	trace_clear();
	trace_reset();
	open_cut(&rig, "powercut image=kept | trace id=1");
	other = kio_create(rig.channel, 1);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(operate(&rig, "cut"), 0);
	CHECK_EQ(operate(&rig, "restore"), 0);
	trace_fail(1, KIO_WRITE, -ENOSPC, 1);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), -ENOSPC);
	CHECK(is_all(trace_bytes(1), 4096, 0));
	/* while it is on its way below nobody has it from the cache */
	trace_hold(1, 0);
	kio_read(rig.kio, 0, kio_buf(rig.kio, back, 4096), NULL);
	kio_read(other, 0, kio_buf(other, back, 4096), NULL);
	for (unsigned i = 0; i < 10; i++)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(trace_held(1), 1);
	CHECK(!kio_event_fired(&other->event));
	trace_release(1);
	CHECK_EQ(rig_wait(&rig, other), 0);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(memcmp(back, data, 4096) == 0);
	CHECK(memcmp(trace_bytes(1), data, 4096) == 0);
	kio_destroy(other);
	rig_close(&rig);
}

TEST("powercut: put away with the power on, all of it is written; after a cut, what is left")
{
	struct rig rig;

	trace_clear();
	open_cut(&rig, "powercut image=dropped | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	rig_close(&rig);
	CHECK(memcmp(trace_bytes(1), data, 4096) == 0);
	open_cut(&rig, "powercut image=dropped | trace id=1");
	CHECK_EQ(rig_write(&rig, data + 4096, 4096, 0), 0);
	CHECK_EQ(operate(&rig, "cut"), 0);
	rig_close(&rig);
	CHECK(memcmp(trace_bytes(1), data, 4096) == 0);
	/* the last disk is put away: the power is on for the next */
	open_cut(&rig, "powercut | trace id=1");
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	rig_close(&rig);
}

TEST("powercut: refused options say what they should be")
{
	struct kio_stack *stack;
	struct kio_diag diag;

	CHECK_EQ(kio_stack_open(&stack, "powercut sector=1000 | mem 1M", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "power of two") != NULL);
	CHECK_EQ(kio_stack_open(&stack, "powercut cut=3 within=9 | mem 1M", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "both") != NULL);
	CHECK_EQ(kio_stack_open(&stack, "powercut cache=100K | mem 1M", NULL, &diag), -EINVAL);
	CHECK_EQ(kio_stack_open(&stack, "powercut | mem 100", NULL, &diag), -EINVAL);
}

/* A layer that keeps the answers of reads. */
static struct kio_frame *kept;
static bool keeps;

static enum kio_next
keep_done(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	if (frame->op != KIO_READ || !keeps)
		return KIO_UP;
	kept = frame;
	return KIO_HOLD;
}

static const struct kio_class keep_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "keep",
	.summary = "keep the answers of reads",
	.maturity = "lab",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.done = keep_done,
};

TEST("powercut: a read that was below before a flush, and is back after it, does not see what was there before")
{
	struct kio *flush;
	struct rig rig;

	trace_clear();
	CHECK_EQ(kio_class_register(&keep_class), 0);
	open_cut(&rig, "powercut | keep | trace id=1");
	CHECK_EQ(rig_write(&rig, data, 512, 0), 0);
	flush = kio_create(rig.channel, 1);
	kept = NULL;
	keeps = true;
	kio_read(rig.kio, 0, kio_buf(rig.kio, back, 1024), NULL);
	while (kept == NULL)
		kio_loop_step(rig.loop, 0);
	kio_flush_all(flush, NULL);
	CHECK_EQ(rig_wait(&rig, flush), 0);
	keeps = false;
	kio_resume(kept, 0);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK(memcmp(back, data, 512) == 0);
	kio_destroy(flush);
	rig_close(&rig);
}

/* --- the oracle ------------------------------------------------------------ */

/*
 * Each sector's versions in the order they were written; the first `lasting`
 * of them were overwritten by one that lasts, which is the first that may be seen.
 */
struct history {
	unsigned char version[SECTORS][VERSIONS];
	unsigned count[SECTORS], lasting[SECTORS];
};

static uint64_t
draw(uint64_t *random)
{
	*random ^= *random << 13;
	*random ^= *random >> 7;
	*random ^= *random << 17;
	return *random >> 8;
}

static void
wrote(struct history *history, unsigned sector, unsigned count, unsigned char value, bool lasts)
{
	for (unsigned i = sector; i < sector + count; i++) {
		if (history->count[i] == VERSIONS) {
			memmove(history->version[i], history->version[i] + 1, VERSIONS - 1);
			history->count[i]--;
			history->lasting[i] -= history->lasting[i] != 0;
		}
		history->version[i][history->count[i]++] = value;
		if (lasts)
			history->lasting[i] = history->count[i] - 1;
	}
}

static unsigned
check_after_cut(struct history *history)
{
	unsigned lost = 0;

	for (unsigned i = 0; i < SECTORS; i++) {
		unsigned char value = back[i * SECTOR];
		bool legal = false;

		CHECK(is_all(back + i * SECTOR, SECTOR, value));
		for (unsigned v = history->lasting[i]; v < history->count[i]; v++)
			legal |= history->version[i][v] == value;
		CHECK(legal);
		lost += value != history->version[i][history->count[i] - 1];
		history->version[i][0] = value;
		history->count[i] = 1;
		history->lasting[i] = 0;
	}
	return lost;
}

static unsigned
run_history(uint64_t seed, unsigned *cuts)
{
	uint64_t random = seed * 0x9e3779b97f4a7c15u + 1;
	struct history history = { .count = { 0 } };
	unsigned char value = 0;
	unsigned lost = 0;
	char text[80];
	struct rig rig;

	trace_clear();
	for (unsigned i = 0; i < SECTORS; i++)
		history.count[i] = 1;
	snprintf(text, sizeof(text), "powercut seed=%u cache=32K | trace id=1", (unsigned)seed);
	open_cut(&rig, text);
	for (unsigned i = 0; i < 400; i++) {
		unsigned sector = (unsigned)(draw(&random) % SECTORS);
		unsigned count = 1 + (unsigned)(draw(&random) % 8);

		if (sector + count > SECTORS)
			count = SECTORS - sector;
		switch (draw(&random) % 16) {
		case 0:
			CHECK_EQ(rig_flush(&rig), 0);
			for (unsigned s = 0; s < SECTORS; s++)
				history.lasting[s] = history.count[s] - 1;
			break;
		case 1:
			memset(data, ++value, count * SECTOR);
			CHECK_EQ(write_fua(&rig, data, count * SECTOR, sector * SECTOR), 0);
			wrote(&history, sector, count, value, true);
			break;
		case 2:
			if (draw(&random) % 4 != 0)
				break;
			CHECK_EQ(operate(&rig, "cut"), 0);
			CHECK_EQ(operate(&rig, "restore"), 0);
			CHECK_EQ(rig_read(&rig, back, sizeof(back), 0), 0);
			lost += check_after_cut(&history);
			++*cuts;
			break;
		case 3:
		case 4:
			CHECK_EQ(rig_read(&rig, back, count * SECTOR, sector * SECTOR), 0);
			for (unsigned s = 0; s < count; s++)
				CHECK(is_all(back + s * SECTOR, SECTOR,
					     history.version[sector + s][history.count[sector + s] - 1]));
			break;
		default:
			memset(data, ++value, count * SECTOR);
			CHECK_EQ(rig_write(&rig, data, count * SECTOR, sector * SECTOR), 0);
			wrote(&history, sector, count, value, false);
			break;
		}
	}
	rig_close(&rig);
	for (unsigned i = 0; i < SECTORS; i++)
		CHECK(trace_bytes(1)[i * SECTOR] == history.version[i][history.count[i] - 1]);
	return lost;
}

TEST("powercut: random writes and cuts: what lasts is there, and each sector is one that was written since")
{
	unsigned lost = 0, cuts = 0;

	for (uint64_t seed = 1; seed <= 60; seed++)
		lost += run_history(seed, &cuts);
	CHECK(cuts > 100);
	CHECK(lost > 1000);
}
