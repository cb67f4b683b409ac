/* SPDX-License-Identifier: MIT */
/*
 * What version 0.1 wrote to disk is read by every later one: tests/golden has
 * it as it was.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layers/cow_format.h"
#include "layers/mirror_state.h"
#include "trace.h"

#ifndef GOLDEN
#define GOLDEN "tests/golden"
#endif

static unsigned char image[12288];

static size_t
read_golden(const char *name)
{
	char path[600];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN, name);
	file = fopen(path, "r");
	CHECK(file != NULL);
	if (file == NULL)
		return 0;
	len = fread(image, 1, sizeof(image), file);
	fclose(file);
	return len;
}

TEST("golden: the header of crypt, version 1, opens with its key")
{
	struct kio_stack *stack;
	struct kio_diag diag;
	struct rig rig;
	FILE *key;

	CHECK_EQ(read_golden("crypt-1.bin"), 4096);
	key = fopen("golden.key", "w");
	for (int i = 0; i < 64; i++)
		fputc((i * 7 + 1 + i / 32) & 255, key);
	fclose(key);
	chmod("golden.key", 0600);
	CHECK(rig_open(&rig, "trace id=7 size=64K", NULL));
	CHECK_EQ(rig_write(&rig, image, 4096, 0), 0);
	rig_close(&rig);
	CHECK_EQ(kio_stack_open(&stack, "crypt key-file=golden.key | trace id=7 size=64K", NULL, &diag), 0);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
	unlink("golden.key");
}

TEST("golden: the map and state of a mirror's leg, version 2, reads as it was and is written the same")
{
	static unsigned char again[KIO__MIRROR_BLOCK];
	struct kio__mirror_state state;
	uint8_t region[1];

	CHECK_EQ(read_golden("mirror-2.bin"), 12288);
	CHECK_EQ(kio__mirror_choose(&state, image + 4096), 0);
	CHECK_EQ(state.legs, 2);
	CHECK_EQ(state.leg, 1);
	CHECK_EQ(state.sequence, 2);
	CHECK_EQ(state.size, 65536 - 12288);
	CHECK_EQ(state.epoch, 0x5776dbbe6ca34797);
	CHECK(!state.in_use);
	CHECK_EQ(state.history_count, 0);
	CHECK_EQ(state.base, state.epoch);
	CHECK_EQ(state.region_shift, 16);
	CHECK_EQ(state.returning, 0);
	kio__mirror_encode(&state, again);
	CHECK_EQ(memcmp(again, image + 8192, sizeof(again)), 0);
	CHECK(kio__mirror_map_decode(&state, region, image));
	CHECK_EQ(region[0], KIO__REGION_CLEAN);
	kio__mirror_map_encode(&state, region, again);
	CHECK_EQ(memcmp(again, image, sizeof(again)), 0);
}

TEST("golden: the header and map of an overlay, version 1, open over their base and are written the same")
{
	const char *text = "cow overlay={ trace id=9 size=512K } | trace id=8 size=256K";
	static unsigned char again[KIO__COW_BLOCK], back[16384];
	struct kio__cow_header header;
	uint64_t damaged;
	struct rig rig;

	CHECK_EQ(read_golden("cow-1.bin"), 12288);
	CHECK_EQ(kio__cow_choose(&header, image), 0);
	CHECK(header.both && !header.committing);
	CHECK_EQ(header.sequence, 2);
	CHECK_EQ(header.generation, 2);
	CHECK_EQ(header.size, 256 << 10);
	CHECK_EQ(header.cluster, 16384);
	kio__cow_encode(&header, again);
	CHECK_EQ(memcmp(again, image, sizeof(again)), 0);
	fill_pattern(trace_bytes(8), 256 << 10, 0, 1);
	memcpy(trace_bytes(9), image, 12288);
	memset(trace_bytes(9) + 16384, 7, 256 << 10);
	CHECK(rig_open(&rig, text, NULL));
	for (unsigned cluster = 0; cluster < 16; cluster++) {
		CHECK_EQ(rig_read(&rig, back, sizeof(back), cluster * sizeof(back)), 0);
		CHECK_EQ(back[0] == 7 && back[16383] == 7, cluster == 3 || cluster == 5);
	}
	rig_close(&rig);
	CHECK_EQ(memcmp(trace_bytes(9), image, 12288), 0);
	CHECK(kio__cow_map_check(&header, image + 8192, &damaged));
	memset(again, 0, sizeof(again));
	for (unsigned i = 0; i < KIO__COW_SECTORS; i++)
		kio__cow_sector_init(&header, i, again + i * KIO__COW_SECTOR);
	kio__cow_set(again, 3);
	kio__cow_set(again, 5);
	kio__cow_sector_seal(again);
	CHECK_EQ(memcmp(again, image + 8192, sizeof(again)), 0);
}
