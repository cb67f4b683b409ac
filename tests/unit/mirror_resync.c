/* SPDX-License-Identifier: MIT */
/* The mirror: which regions are dirty, and how legs are made equal again. */
#include <stdlib.h>

#include "mirrors.h"

#define REGION (1 << 16)

static unsigned char data[1 << 20], back[1 << 20];

static unsigned
writes(unsigned leg, uint64_t from, uint64_t to)
{
	unsigned count = 0;

	for (unsigned i = 0; i < trace_count; i++)
		count += trace_notes[i].leg == leg && trace_notes[i].op == KIO_WRITE &&
			 trace_notes[i].offset >= from && trace_notes[i].offset < to;
	return count;
}

/* Of a leg's map on disk: the regions that are dirty, a bit each; there are 16. */
static uint64_t
dirty(unsigned leg)
{
	static uint8_t regions[KIO__MIRROR_REGIONS];
	struct kio__mirror_state state;
	uint64_t set = 0;

	CHECK_EQ(kio__mirror_choose(&state, trace_bytes(leg) + STATE), 0);
	CHECK(kio__mirror_map_decode(&state, regions, trace_bytes(leg) + DATA));
	for (uint32_t i = 0; i < kio__mirror_region_count(&state); i++)
		set |= (uint64_t)(regions[i] != KIO__REGION_CLEAN) << i;
	return set;
}

/* Steps until it says so. */
static void
until(struct rig *rig, const char *words)
{
	char text[200];

	for (unsigned i = 0; i < 2000; i++) {
		kio_layer_describe(kio_stack_top(rig->stack), text, sizeof(text));
		if (strcmp(text, words) == 0)
			return;
		kio_loop_step(rig->loop, 1000000);
	}
	CHECK_STR(text, words);
}

/* Killed after a write into each of these two regions, which the right leg has not got. */
static void
killed(void)
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	fill_pattern(data, 4096, 0, 1);
	CHECK_EQ(rig_write(&rig, data, 4096, 8192), 0);
	CHECK_EQ(rig_write(&rig, data, 4096, 5 * REGION), 0);
	copy_leg(3, 1);
	copy_leg(4, 2);
	rig_close(&rig);
	copy_leg(1, 3);
	copy_leg(2, 4);
	memset(trace_bytes(2) + 8192, 0xee, 4096);
}

TEST("mirror: a region is dirty on all legs before it is written, and then costs nothing more")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_hold(2, DATA);
	kio_write(rig.kio, 3 * REGION, kio_buf(rig.kio, data, 4096), 0, NULL);
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(writes(1, 0, DATA) + writes(2, 0, DATA), 0);
	trace_release(2);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(dirty(1), 1 << 3);
	CHECK_EQ(dirty(2), 1 << 3);
	trace_reset();
	CHECK_EQ(rig_write(&rig, data, 4096, 3 * REGION + 8192), 0);
	CHECK_EQ(trace_count, 2);
	/* one that spans three */
	CHECK_EQ(rig_write(&rig, data, REGION + 2, 4 * REGION - 1), 0);
	CHECK_EQ(dirty(2), 7 << 3);
	rig_close(&rig);
}

TEST("mirror: a leg that does not take the map is on record as stale before anything is written there")
{
	struct kio *second;
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	second = kio_create(rig.channel, 1);
	trace_fail(1, KIO_WRITE, -EIO, 1);
	trace_hold(2, STATE);
	kio_write(rig.kio, 3 * REGION, kio_buf(rig.kio, data, 4096), 0, NULL);
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(rig.loop, 0);
	kio_write(second, 3 * REGION + 4096, kio_buf(second, data, 4096), 0, NULL);
	for (unsigned i = 0; i < 50; i++)
		kio_loop_step(rig.loop, 0);
	CHECK_EQ(trace_held(2), 1);
	CHECK_EQ(writes(2, 0, DATA), 0);
	trace_release(2);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(rig_wait(&rig, second), 0);
	CHECK_EQ(writes(2, 0, DATA), 2);
	CHECK_EQ(writes(1, 0, DATA), 0);
	kio_destroy(second);
	rig_close(&rig);
}

TEST("mirror: after an unclean stop what is dirty is copied, and nothing else; then it is as before")
{
	struct rig rig;

	killed();
	CHECK(rig_open(&rig, BOTH, NULL));
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	CHECK_EQ(writes(2, 0, DATA), 2);
	CHECK_EQ(writes(2, 0, REGION), 1);
	rig_close(&rig);
	opens("mirror resync=no " LEGS);
}

TEST("mirror: a leg that is made equal is not read, and gets what is written")
{
	struct rig rig;

	killed();
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_hold(1, 8192); /* nothing can be copied */
	trace_hold(2, 8192);
	kio_read(rig.kio, 0, kio_buf(rig.kio, back, 4096), NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	for (unsigned i = 0; i < trace_count; i++)
		CHECK(trace_notes[i].op != KIO_READ || trace_notes[i].leg == 1);
	trace_release(1);
	trace_release(2);
	CHECK_EQ(rig_write(&rig, data, 4096, 9 * REGION), 0);
	CHECK_EQ(writes(2, 9 * REGION, 10 * REGION), 1);
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	rig_close(&rig);
}

TEST("mirror: killed while legs are made equal, it begins again")
{
	struct rig rig;

	killed();
	CHECK(rig_open(&rig, BOTH, NULL));
	copy_leg(3, 1);
	copy_leg(4, 2);
	rig_close(&rig);
	copy_leg(1, 3);
	copy_leg(2, 4);
	CHECK(rig_open(&rig, BOTH, NULL));
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	rig_close(&rig);
}

TEST("mirror: a stale leg comes back when asked, and what it missed is copied")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=left }", NULL));
	fill_pattern(data, 4096, 0, 2);
	CHECK_EQ(rig_write(&rig, data, 4096, 7 * REGION), 0);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "resync=all brings it up to date");
	CHECK(rig_open(&rig, "mirror resync=all " LEGS, NULL));
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(writes(2, 0, DATA), 1);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	rig_close(&rig);
	opens(BOTH);
}

TEST("mirror: of a leg that was written alone, or whose map is damaged, all is copied")
{
	struct rig rig;

	create(BOTH);
	opens("mirror degraded=yes { trace id=1 name=left }");
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=2 name=right }", NULL));
	CHECK_EQ(rig_write(&rig, "alone", 5, 11 * REGION), 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, "mirror keep=left resync=all " LEGS, NULL));
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	rig_close(&rig);

	killed();
	trace_bytes(1)[DATA + 100] ^= 1;
	trace_bytes(2)[12 * REGION] ^= 1;
	CHECK(rig_open(&rig, BOTH, NULL));
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	rig_close(&rig);
}

TEST("mirror: a leg that fails while it is made equal stays stale, and its place is not read")
{
	struct rig rig;

	killed();
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(2, KIO_WRITE, -EIO, 1);
	until(&rig, "1 of 2 legs in sync, degraded");
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(writes(2, 0, REGION), 1);
	rig_close(&rig);
	/* it was begun, and goes on by itself */
	CHECK(rig_open(&rig, BOTH, NULL));
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	rig_close(&rig);
}

TEST("mirror: what cannot be read is not made up")
{
	struct rig rig;

	killed();
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(1, KIO_READ, -EIO, 1);
	until(&rig, "1 of 2 legs in sync, degraded");
	rig_close(&rig);
}

TEST("mirror: a region is clean again some seconds after it was written, and not before a flush")
{
	struct kio_loop_options sim = { .engine = "sim" };
	struct kio_channel *channel = NULL;
	struct kio_loop *loop = NULL;
	unsigned flushes = 0;
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	kio_destroy(rig.kio);
	kio_channel_close(&rig.channel);
	CHECK_EQ(kio_loop_open(&loop, &sim), 0);
	CHECK_EQ(kio_channel_open(&channel, rig.stack, loop), 0);
	rig.kio = kio_create(channel, 1);
	kio_write(rig.kio, 3 * REGION, kio_buf(rig.kio, data, 4096), 0, NULL);
	while (!kio_event_fired(&rig.kio->event))
		kio_loop_step(loop, 0);
	for (unsigned i = 0; i < 40; i++)
		kio_loop_step(loop, 100000000);
	CHECK_EQ(dirty(1), 1 << 3);
	trace_reset();
	for (unsigned i = 0; i < 200; i++)
		kio_loop_step(loop, 100000000);
	CHECK_EQ(dirty(1), 0);
	CHECK_EQ(dirty(2), 0);
	for (unsigned i = 0; i < trace_count && trace_notes[i].op != KIO_WRITE; i++)
		flushes += trace_notes[i].op == KIO_FLUSH;
	CHECK_EQ(flushes, 2);
	kio_write(rig.kio, 3 * REGION, kio_buf(rig.kio, data, 4096), 0, NULL);
	while (!kio_event_fired(&rig.kio->event))
		kio_loop_step(loop, 0);
	CHECK_EQ(dirty(2), 1 << 3);
	kio_destroy(rig.kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	kio_loop_close(&rig.loop);
	CHECK_EQ(kio_stack_close(&rig.stack, NULL), 0);
}

TEST("mirror: with a leg missing nothing becomes clean")
{
	struct kio_loop_options sim = { .engine = "sim" };
	struct kio_stack *stack = NULL;
	struct kio_channel *channel = NULL;
	struct kio_loop *loop = NULL;
	struct kio *kio;

	create(BOTH);
	trace_reset();
	CHECK_EQ(kio_stack_open(&stack, "mirror degraded=yes { trace id=1 name=left }", NULL, NULL), 0);
	CHECK_EQ(kio_loop_open(&loop, &sim), 0);
	CHECK_EQ(kio_channel_open(&channel, stack, loop), 0);
	kio = kio_create(channel, 1);
	kio_write(kio, 3 * REGION, kio_buf(kio, data, 4096), 0, NULL);
	while (!kio_event_fired(&kio->event))
		kio_loop_step(loop, 0);
	for (unsigned i = 0; i < 200; i++)
		kio_loop_step(loop, 100000000);
	CHECK_EQ(dirty(1), 1 << 3);
	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

TEST("mirror: the channel that makes legs equal closes, and another goes on; so it does under writes")
{
	struct kio_channel *first = NULL;
	struct rig rig;

	killed();
	CHECK(rig_open(&rig, "mirror resync-rate=1M " LEGS, NULL));
	CHECK_EQ(kio_channel_open(&first, rig.stack, rig.loop), 0);
	for (unsigned i = 0; i < 20; i++)
		kio_loop_step(rig.loop, 0);
	kio_destroy(rig.kio);
	kio_channel_close(&rig.channel);
	rig.channel = first;
	rig.kio = kio_create(rig.channel, 64);
	for (unsigned i = 0; i < 100; i++) {
		fill_pattern(data, 3000, 0, i);
		CHECK_EQ(rig_write(&rig, data, 3000, (uint64_t)(i * 7919 % 300) * 3000), 0);
	}
	until(&rig, "2 of 2 legs in sync");
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	rig_close(&rig);
}

TEST("mirror map: to bytes and back; what is damaged or foreign is dirty; its regions fit")
{
	static uint8_t regions[KIO__MIRROR_REGIONS], again[KIO__MIRROR_REGIONS];
	static unsigned char block[KIO__MIRROR_BLOCK];
	struct kio__mirror_state state = { .size = (uint64_t)30000 << 16, .region_shift = 16 };

	for (unsigned i = 0; i < 30000; i += 7)
		regions[i] = i % 3 + 1;
	kio__mirror_map_encode(&state, regions, block);
	CHECK(kio__mirror_map_decode(&state, again, block));
	for (unsigned i = 0; i < 30000; i++)
		CHECK((regions[i] != 0) == (again[i] != 0));
	block[600] ^= 1;
	CHECK(!kio__mirror_map_decode(&state, again, block));
	CHECK_EQ(again[1], KIO__REGION_CLEAN);
	CHECK_EQ(again[3872], KIO__REGION_DIRTY);
	CHECK_EQ(again[2 * 3872 - 1], KIO__REGION_DIRTY);
	state.mirror[0] = 1;
	CHECK(!kio__mirror_map_decode(&state, again, block));
	CHECK_EQ(again[1], KIO__REGION_DIRTY);
	CHECK_EQ(kio__mirror_region_shift(4096), 16);
	CHECK_EQ(kio__mirror_region_shift((uint64_t)KIO__MIRROR_REGIONS << 16), 16);
	CHECK_EQ(kio__mirror_region_shift(((uint64_t)KIO__MIRROR_REGIONS << 16) + 1), 17);
}
