/* SPDX-License-Identifier: MIT */
/*
 * The map of a mirror's regions: to bytes and back.
 *
 * A bit for each region, in sectors of 512 bytes with a checksum each. The map
 * has one copy, which is written over: when that is cut off in the middle, each
 * sector is as it was or as it was to be, and both are right, since what was to
 * be set is not written before that is durable, and what was to be cleared may
 * as well be set. A sector that is neither is damaged, and all of it is dirty.
 */
#include "base/endian.h"
#include "base/math.h"
#include "layers/mirror_state.h"
#include "port/port.h"

#define SECTOR 512u
#define SECTORS (KIO__MIRROR_BLOCK / SECTOR)

#define AT_MIRROR 0u
#define AT_NUMBER 16u
#define AT_BITS 24u
#define AT_CRC (SECTOR - 4)
#define SECTOR_REGIONS ((AT_CRC - AT_BITS) * 8)

_Static_assert(SECTOR_REGIONS * SECTORS == KIO__MIRROR_REGIONS, "a map is one block");

uint32_t
kio__mirror_region_shift(uint64_t size)
{
	uint32_t shift = KIO__MIRROR_LEAST_SHIFT;

	while (size > (uint64_t)KIO__MIRROR_REGIONS << shift)
		shift++;
	return shift;
}

void
kio__mirror_map_encode(const struct kio__mirror_state *state, const uint8_t *regions,
		       unsigned char *block)
{
	uint32_t count = kio__mirror_region_count(state);
	unsigned char *sector;

	memset(block, 0, KIO__MIRROR_BLOCK);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t bit = i % SECTOR_REGIONS;

		sector = block + i / SECTOR_REGIONS * SECTOR;
		if (__atomic_load_n(&regions[i], __ATOMIC_RELAXED) != KIO__REGION_CLEAN)
			sector[AT_BITS + bit / 8] |= (unsigned char)(1u << bit % 8);
	}
	for (uint32_t i = 0; i < SECTORS; i++) {
		sector = block + i * SECTOR;
		memcpy(sector + AT_MIRROR, state->mirror, sizeof(state->mirror));
		kio__put_le32(sector + AT_NUMBER, i);
		kio__put_le32(sector + AT_CRC, kio__crc32c(0, sector, AT_CRC));
	}
}

static bool
is_whole(const struct kio__mirror_state *state, const unsigned char *sector, uint32_t number)
{
	return memcmp(sector + AT_MIRROR, state->mirror, sizeof(state->mirror)) == 0 &&
	       kio__get_le32(sector + AT_NUMBER) == number &&
	       kio__get_le32(sector + AT_CRC) == kio__crc32c(0, sector, AT_CRC);
}

bool
kio__mirror_map_decode(const struct kio__mirror_state *state, uint8_t *regions,
		       const unsigned char *block)
{
	uint32_t count = kio__mirror_region_count(state);
	const unsigned char *sector = block;
	bool whole = true, all = true;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t bit = i % SECTOR_REGIONS;

		if (bit == 0) {
			sector = block + i / SECTOR_REGIONS * SECTOR;
			whole = is_whole(state, sector, i / SECTOR_REGIONS);
			all &= whole;
		}
		regions[i] = !whole || (sector[AT_BITS + bit / 8] >> bit % 8 & 1) != 0 ?
				     KIO__REGION_DIRTY :
				     KIO__REGION_CLEAN;
	}
	return all;
}
