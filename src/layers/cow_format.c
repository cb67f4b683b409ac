/* SPDX-License-Identifier: MIT */
/*
 * An overlay's header and map: to bytes and back.
 *
 * Both are written so that a write which is cut off does no harm. The header has
 * two copies, written one after the other. A sector of the map is written over,
 * and 512 bytes are as they were or as they were to be; both are right, since a
 * bit is written only when its cluster is durable, and never cleared. A sector
 * that is neither is damaged: to take it for empty would show data older than
 * what was flushed.
 */
#include "layers/cow_format.h"

#include "base/endian.h"
#include "base/math.h"
#include "port/port.h"

/* offsets in the header */
#define AT_MAGIC 0u
#define AT_VERSION 8u
#define AT_STATE 12u
#define AT_IDENTITY 16u
#define AT_SEQUENCE 32u
#define AT_GENERATION 40u
#define AT_SIZE 48u
#define AT_CLUSTER 56u
#define AT_MAP 64u
#define AT_DATA 72u
#define AT_SAMPLES 80u
#define AT_CRC (KIO__COW_BLOCK - 4)

/* offsets in a sector of the map */
#define SECTOR_IDENTITY 0u
#define SECTOR_GENERATION 16u
#define SECTOR_NUMBER 24u
#define SECTOR_BITS 32u
#define SECTOR_CRC (KIO__COW_SECTOR - 4)

_Static_assert(KIO__COW_SECTOR_CLUSTERS == (SECTOR_CRC - SECTOR_BITS) * 8, "the bits fill a sector");

#define VERSION 1u

/* The beginning of the base is looked at closely: there are partition tables and superblocks. */
#define HEAD_SAMPLES 9u
#define UNIT 4096u

static const char magic[8] = "KIOCOWOV";

/* --- places ------------------------------------------------------------- */

static uint64_t
divide_up(uint64_t value, uint64_t by)
{
	return value / by + (value % by != 0);
}

uint64_t
kio__cow_clusters(const struct kio__cow_header *header)
{
	return divide_up(header->size, header->cluster);
}

uint64_t
kio__cow_sectors(const struct kio__cow_header *header)
{
	return divide_up(kio__cow_clusters(header), KIO__COW_SECTOR_CLUSTERS);
}

uint64_t
kio__cow_map_bytes(const struct kio__cow_header *header)
{
	return kio__align_up(kio__cow_sectors(header) * KIO__COW_SECTOR, KIO__COW_BLOCK);
}

uint64_t
kio__cow_data(const struct kio__cow_header *header)
{
	return kio__align_up(KIO__COW_HEADERS + kio__cow_map_bytes(header), header->cluster);
}

uint64_t
kio__cow_room(const struct kio__cow_header *header)
{
	return kio__cow_data(header) + header->size;
}

/* --- the header --------------------------------------------------------- */

void
kio__cow_encode(const struct kio__cow_header *header, unsigned char *block)
{
	memset(block, 0, KIO__COW_BLOCK);
	memcpy(block + AT_MAGIC, magic, sizeof(magic));
	kio__put_le32(block + AT_VERSION, VERSION);
	kio__put_le32(block + AT_STATE, header->committing);
	memcpy(block + AT_IDENTITY, header->identity, sizeof(header->identity));
	kio__put_le64(block + AT_SEQUENCE, header->sequence);
	kio__put_le64(block + AT_GENERATION, header->generation);
	kio__put_le64(block + AT_SIZE, header->size);
	kio__put_le32(block + AT_CLUSTER, (uint32_t)header->cluster);
	kio__put_le64(block + AT_MAP, KIO__COW_HEADERS);
	kio__put_le64(block + AT_DATA, kio__cow_data(header));
	for (unsigned i = 0; i < KIO__COW_SAMPLES; i++)
		kio__put_le32(block + AT_SAMPLES + 4 * i, header->samples[i]);
	kio__put_le32(block + AT_CRC, kio__crc32c(0, block, AT_CRC));
}

/* Bytes of a stranger's: nothing is believed that the places would not follow from. */
static bool
is_sane(const struct kio__cow_header *header, const unsigned char *block)
{
	return kio__is_power_of_two(header->cluster) && header->cluster >= KIO__COW_LEAST_CLUSTER &&
	       header->cluster <= KIO__COW_MOST_CLUSTER && header->size != 0 && header->size >> 62 == 0 &&
	       kio__get_le32(block + AT_STATE) <= 1 &&
	       kio__get_le64(block + AT_MAP) == KIO__COW_HEADERS &&
	       kio__get_le64(block + AT_DATA) == kio__cow_data(header);
}

static int
decode(struct kio__cow_header *header, const unsigned char *block)
{
	if (memcmp(block + AT_MAGIC, magic, sizeof(magic)) != 0)
		return -ENODATA;
	if (kio__get_le32(block + AT_CRC) != kio__crc32c(0, block, AT_CRC))
		return -EIO;
	if (kio__get_le32(block + AT_VERSION) != VERSION)
		return -ENOTSUP;
	header->committing = kio__get_le32(block + AT_STATE) != 0;
	memcpy(header->identity, block + AT_IDENTITY, sizeof(header->identity));
	header->sequence = kio__get_le64(block + AT_SEQUENCE);
	header->generation = kio__get_le64(block + AT_GENERATION);
	header->size = kio__get_le64(block + AT_SIZE);
	header->cluster = kio__get_le32(block + AT_CLUSTER);
	for (unsigned i = 0; i < KIO__COW_SAMPLES; i++)
		header->samples[i] = kio__get_le32(block + AT_SAMPLES + 4 * i);
	return is_sane(header, block) ? 0 : -EIO;
}

int
kio__cow_choose(struct kio__cow_header *header, const unsigned char *area)
{
	const unsigned char *second = area + KIO__COW_BLOCK;
	int rc[2] = { decode(header, area), 0 };
	uint64_t sequence = header->sequence;

	header->copy = 0;
	rc[1] = decode(header, second);
	if (rc[0] < 0 && rc[1] < 0)
		return rc[0] == -ENODATA ? rc[1] : rc[0];
	header->both = memcmp(area, second, KIO__COW_BLOCK) == 0;
	if (rc[1] == 0 && (rc[0] < 0 || header->sequence > sequence))
		header->copy = 1;
	else
		decode(header, area);
	return 0;
}

/* --- the map ------------------------------------------------------------ */

void
kio__cow_sector_init(const struct kio__cow_header *header, uint64_t number, unsigned char *sector)
{
	memset(sector, 0, KIO__COW_SECTOR);
	memcpy(sector + SECTOR_IDENTITY, header->identity, sizeof(header->identity));
	kio__put_le64(sector + SECTOR_GENERATION, header->generation);
	kio__put_le64(sector + SECTOR_NUMBER, number);
	kio__cow_sector_seal(sector);
}

void
kio__cow_sector_seal(unsigned char *sector)
{
	kio__put_le32(sector + SECTOR_CRC, kio__crc32c(0, sector, SECTOR_CRC));
}

void
kio__cow_set(unsigned char *map, uint64_t cluster)
{
	uint64_t bit = cluster % KIO__COW_SECTOR_CLUSTERS;

	map += cluster / KIO__COW_SECTOR_CLUSTERS * KIO__COW_SECTOR + SECTOR_BITS + bit / 8;
	*map |= (unsigned char)(1u << bit % 8);
}

bool
kio__cow_is_set(const unsigned char *map, uint64_t cluster)
{
	uint64_t bit = cluster % KIO__COW_SECTOR_CLUSTERS;

	map += cluster / KIO__COW_SECTOR_CLUSTERS * KIO__COW_SECTOR + SECTOR_BITS + bit / 8;
	return (*map >> bit % 8 & 1) != 0;
}

static bool
is_zero(const unsigned char *sector)
{
	for (unsigned i = 0; i < KIO__COW_SECTOR; i++) {
		if (sector[i] != 0)
			return false;
	}
	return true;
}

enum kio__cow_sector
kio__cow_sector_check(const struct kio__cow_header *header, uint64_t number, const unsigned char *sector)
{
	if (kio__get_le32(sector + SECTOR_CRC) != kio__crc32c(0, sector, SECTOR_CRC))
		return is_zero(sector) ? KIO__COW_VOID : KIO__COW_DAMAGED;
	if (memcmp(sector + SECTOR_IDENTITY, header->identity, sizeof(header->identity)) != 0 ||
	    kio__get_le64(sector + SECTOR_NUMBER) != number)
		return KIO__COW_DAMAGED;
	return kio__get_le64(sector + SECTOR_GENERATION) == header->generation ? KIO__COW_VALID : KIO__COW_VOID;
}

bool
kio__cow_map_check(const struct kio__cow_header *header, unsigned char *map, uint64_t *damaged)
{
	uint64_t sectors = kio__cow_map_bytes(header) / KIO__COW_SECTOR;
	bool whole = true;

	for (uint64_t i = 0; i < sectors; i++) {
		switch (kio__cow_sector_check(header, i, map + i * KIO__COW_SECTOR)) {
		case KIO__COW_VALID: break;
		case KIO__COW_DAMAGED:
			if (whole)
				*damaged = i;
			whole = false;
			__attribute__((fallthrough));
		case KIO__COW_VOID: kio__cow_sector_init(header, i, map + i * KIO__COW_SECTOR); break;
		}
	}
	return whole;
}

/* --- knowing the base --------------------------------------------------- */

void
kio__cow_sample(uint64_t size, unsigned number, uint64_t *offset, uint64_t *len)
{
	const unsigned spread = KIO__COW_SAMPLES - HEAD_SAMPLES;
	uint64_t longest = UNIT;

	if (number < HEAD_SAMPLES) {
		*offset = (uint64_t)number * KIO__COW_SAMPLE_MOST;
		longest = KIO__COW_SAMPLE_MOST;
	} else if (number < KIO__COW_SAMPLES - 1) {
		*offset = kio__align_down(size / spread * (number - HEAD_SAMPLES), UNIT);
	} else {
		*offset = kio__align_down(size - 1, UNIT);
	}
	*len = *offset < size ? kio__min(longest, size - *offset) : 0;
}

int
kio__cow_samples(uint64_t size, kio__cow_read_fn read, void *base, unsigned char *buffer,
		 const bool *wanted, uint32_t *samples)
{
	uint64_t offset, len;
	int rc = 0;

	for (unsigned i = 0; i < KIO__COW_SAMPLES && rc == 0; i++) {
		samples[i] = 0;
		kio__cow_sample(size, i, &offset, &len);
		if (len == 0 || (wanted != NULL && !wanted[i]))
			continue;
		rc = read(base, buffer, (size_t)len, offset);
		if (rc == 0)
			samples[i] = kio__crc32c(0, buffer, (size_t)len);
	}
	return rc;
}
