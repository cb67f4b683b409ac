/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_COW_FORMAT_H
#define LAYERS_COW_FORMAT_H

/*
 * What an overlay looks like on disk; kiobuf-formats(5) has the layout.
 *
 *   header | header | map ... | cluster 0 | cluster 1 | ...
 *
 * Each cluster of the base has its own fixed place, and a bit in the map that
 * says whether it is there. The map is sectors of 512 bytes with a checksum and
 * the generation: of another generation a sector says nothing, so another
 * generation in the header empties the whole overlay.
 *
 * The header knows the base by its size and by checksums of samples of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIO__COW_BLOCK 4096u
#define KIO__COW_HEADERS (2 * KIO__COW_BLOCK) /* the map begins behind them */
#define KIO__COW_SECTOR 512u
#define KIO__COW_SECTORS (KIO__COW_BLOCK / KIO__COW_SECTOR) /* in a block */
#define KIO__COW_SECTOR_CLUSTERS 3808u /* bits in a sector */
#define KIO__COW_LEAST_CLUSTER 4096u
#define KIO__COW_MOST_CLUSTER ((uint64_t)2 << 20)

#define KIO__COW_SAMPLES 64u
#define KIO__COW_SAMPLE_MOST (128u << 10) /* bytes of a sample */

struct kio__cow_header {
	uint8_t identity[16]; /* random; in each sector of the map */
	uint64_t sequence;    /* counts writes of the header; the larger one of the two copies is valid */
	uint64_t generation;  /* of the map's sectors that count */
	uint64_t size;        /* of the base */
	uint64_t cluster;     /* bytes; a power of two */
	bool committing;      /* the base is about to become what overlay and base show */
	uint32_t samples[KIO__COW_SAMPLES]; /* checksums of the base */
	/* not on disk */
	unsigned copy; /* which of the two it was read from */
	bool both;     /* the other says the same */
};

/* What follows from size and cluster. */
uint64_t kio__cow_clusters(const struct kio__cow_header *header);
uint64_t kio__cow_sectors(const struct kio__cow_header *header);
uint64_t kio__cow_map_bytes(const struct kio__cow_header *header); /* whole blocks */
uint64_t kio__cow_data(const struct kio__cow_header *header);      /* where cluster 0 is */
uint64_t kio__cow_room(const struct kio__cow_header *header);      /* bytes of the whole overlay */

/* Into a block of KIO__COW_BLOCK bytes. */
void kio__cow_encode(const struct kio__cow_header *header, unsigned char *block);
/*
 * The valid one of the two copies. -ENODATA: there is none; -EIO: damaged;
 * -ENOTSUP: of another version.
 */
int kio__cow_choose(struct kio__cow_header *header, const unsigned char *area);

/* A sector of the map with no cluster; bits are set with kio__cow_set, then it is sealed. */
void kio__cow_sector_init(const struct kio__cow_header *header, uint64_t number, unsigned char *sector);
void kio__cow_sector_seal(unsigned char *sector);
void kio__cow_set(unsigned char *map, uint64_t cluster);
bool kio__cow_is_set(const unsigned char *map, uint64_t cluster);

enum kio__cow_sector { KIO__COW_VALID, KIO__COW_VOID, KIO__COW_DAMAGED };
/* VOID: never written, or of another generation. */
enum kio__cow_sector kio__cow_sector_check(const struct kio__cow_header *header, uint64_t number,
					   const unsigned char *sector);
/*
 * All of a map: void sectors are made empty. False: a sector is damaged, the
 * first of them is *damaged.
 */
bool kio__cow_map_check(const struct kio__cow_header *header, unsigned char *map, uint64_t *damaged);

/* Where a sample of a base of this size is; len 0: the base is too small for it. */
void kio__cow_sample(uint64_t size, unsigned number, uint64_t *offset, uint64_t *len);

/* Reads the base. 0 or -errno. */
typedef int (*kio__cow_read_fn)(void *base, void *into, size_t len, uint64_t offset);

/*
 * Checksums of the samples; buffer: KIO__COW_SAMPLE_MOST bytes. wanted: false:
 * that one is not read; NULL: all are.
 */
int kio__cow_samples(uint64_t size, kio__cow_read_fn read, void *base, unsigned char *buffer,
		     const bool *wanted, uint32_t *samples);

#endif
