/* SPDX-License-Identifier: MIT */
/* The headers and the map of an overlay, as they are read from a disk. */
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "layers/cow_format.h"
#include "port/port.h"

#define MOST_MAP (2 * KIO__COW_BLOCK)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
put_checksums(unsigned char *area, size_t size)
{
	for (unsigned i = 0; i < 2; i++)
		kio__put_le32(area + (i + 1) * KIO__COW_BLOCK - 4, kio__crc32c(0, area + i * KIO__COW_BLOCK,
										 KIO__COW_BLOCK - 4));
	for (size_t at = KIO__COW_HEADERS; at < size; at += KIO__COW_SECTOR)
		kio__cow_sector_seal(area + at);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char area[KIO__COW_HEADERS + MOST_MAP], again[KIO__COW_HEADERS];
	static struct kio__cow_header header;
	uint64_t damaged, offset, len, clusters;

	memset(area, 0, sizeof(area));
	memcpy(area, data, size < sizeof(area) ? size : sizeof(area));
	/* a checksum is no guard against who means it: every second input has the right one */
	if (size % 2 == 0)
		put_checksums(area, sizeof(area));
	if (kio__cow_choose(&header, area) < 0)
		return 0;
	for (unsigned i = 0; i < KIO__COW_SAMPLES; i++) {
		kio__cow_sample(header.size, i, &offset, &len);
		if (len != 0 && (offset >= header.size || len > header.size - offset))
			abort();
	}
	kio__cow_encode(&header, again);
	memcpy(again + KIO__COW_BLOCK, again, KIO__COW_BLOCK);
	if (kio__cow_choose(&header, again) < 0 || !header.both)
		abort();
	if (kio__cow_map_bytes(&header) > MOST_MAP)
		return 0;
	kio__cow_map_check(&header, area + KIO__COW_HEADERS, &damaged);
	if (!kio__cow_map_check(&header, area + KIO__COW_HEADERS, &damaged))
		abort();
	clusters = kio__cow_clusters(&header);
	for (uint64_t i = 0; i < clusters; i += clusters / 64 + 1)
		kio__cow_is_set(area + KIO__COW_HEADERS, i);
	return 0;
}
