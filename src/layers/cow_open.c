/* SPDX-License-Identifier: MIT */
/*
 * Opening, creating and closing an overlay.
 *
 * The base is what it was when the overlay was made: of the same size, and with
 * the same samples. All of it is not read, so a change elsewhere goes unnoticed;
 * the drivers keep others from writing to it meanwhile.
 */
#include "layers/cow.h"

#define DEFAULT_CLUSTER 65536u
#define READ_AT_ONCE ((size_t)1 << 20)

static struct kio_layer *
base_of(const struct cow *cow)
{
	return cow->layer.legs[COW_BASE];
}

static int
read_base(void *base, void *into, size_t len, uint64_t offset)
{
	return kio_leg_read(base, into, len, offset);
}

/* --- what does not fit --------------------------------------------------- */

static int
check_blocks(const struct cow *cow, struct kio_diag *diag)
{
	for (unsigned i = 0; i < cow->layer.leg_count; i++) {
		const struct kio_layer *leg = cow->layer.legs[i];

		if (leg->limits.block > KIO__COW_BLOCK)
			return kio_refuse(diag, -EINVAL, "%s has blocks of %S, and at most %S will do; align over it helps",
					  leg->name, (uint64_t)leg->limits.block, (uint64_t)KIO__COW_BLOCK);
	}
	if (base_of(cow)->limits.size == 0)
		return kio_refuse(diag, -EINVAL, "the base is empty");
	if (base_of(cow)->limits.size % cow->layer.limits.block != 0)
		return kio_refuse(diag, -EINVAL, "the base has %U bytes, which is not whole blocks of %u, as the overlay takes",
				  base_of(cow)->limits.size, cow->layer.limits.block);
	return 0;
}

static int
check_room(const struct cow *cow, struct kio_diag *diag)
{
	uint64_t room = kio__cow_room(&cow->header);

	if (cow->overlay->limits.size >= room)
		return 0;
	return kio_refuse(diag, -EINVAL, "the overlay has %U bytes and needs %U for a base of %U; "
					 "a file takes space only for what is written: size=%U",
			  cow->overlay->limits.size, room, cow->header.size, room);
}

static int
refuse_header(struct kio_diag *diag, int error)
{
	switch (error) {
	case -ENODATA:
		return kio_refuse(diag, error, "there is no overlay; kiobuf create makes one");
	case -ENOTSUP:
		return kio_refuse(diag, error, "the overlay is of a newer version than this one knows");
	case -EIO:
		return kio_refuse(diag, error, "the header of the overlay is damaged");
	default:
		return kio_refuse(diag, error, "the header of the overlay cannot be read: %e", error);
	}
}

static int
check_base(const struct cow *cow, unsigned char *buffer, struct kio_diag *diag)
{
	uint64_t size = cow->header.size, offset, len;
	uint32_t samples[KIO__COW_SAMPLES];
	int rc;

	if (base_of(cow)->limits.size != size)
		return kio_refuse(diag, -ESTALE, "this is another base: it has %U bytes, and that of the overlay %U; "
						 "kiobuf create --force makes the overlay anew, and empty",
				  base_of(cow)->limits.size, size);
	rc = kio__cow_samples(size, read_base, base_of(cow), buffer, NULL, samples);
	if (rc < 0)
		return kio_refuse(diag, rc, "the base cannot be read: %e", rc);
	for (unsigned i = 0; i < KIO__COW_SAMPLES; i++) {
		if (samples[i] == cow->header.samples[i])
			continue;
		kio__cow_sample(size, i, &offset, &len);
		return kio_refuse(diag, -ESTALE, "this is another base, or it was changed: it is not the one of the overlay "
						 "in %U+%U; kiobuf cow reset empties the overlay and takes this base",
				  offset, len);
	}
	return 0;
}

static int
check_header(const struct cow *cow, struct kio_diag *diag)
{
	if (cow->header.committing)
		return kio_refuse(diag, -EALREADY, "its commit into the base was begun and is not finished: "
						   "kiobuf cow commit finishes it");
	if (cow->cluster_option != 0 && cow->cluster_option != cow->header.cluster)
		return kio_refuse(diag, -EINVAL, "it was created with cluster=%S", cow->header.cluster);
	return check_room(cow, diag);
}

/* --- header and map ----------------------------------------------------- */

static int
read_header(struct cow *cow, unsigned char *buffer)
{
	int rc;

	if (cow->overlay->limits.size < KIO__COW_HEADERS)
		return -ENODATA;
	rc = kio_leg_read(cow->overlay, buffer, KIO__COW_HEADERS, 0);
	return rc == 0 ? kio__cow_choose(&cow->header, buffer) : rc;
}

/* One copy after the other; the one that is valid is written last. */
static int
write_header(struct cow *cow, unsigned char *buffer)
{
	int rc = 0;

	kio__cow_encode(&cow->header, buffer);
	for (unsigned i = 1; i <= 2 && rc == 0; i++)
		rc = kio_leg_write(cow->overlay, buffer, KIO__COW_BLOCK,
				   (uint64_t)((cow->header.copy + i) % 2) * KIO__COW_BLOCK, KIO_FUA);
	return rc;
}

static void
settle(struct cow *cow)
{
	const struct kio__cow_header *header = &cow->header;

	cow->shift = (unsigned)__builtin_ctzll(header->cluster);
	cow->clusters = kio__cow_clusters(header);
	cow->sectors = kio__cow_map_bytes(header) / KIO__COW_SECTOR;
	cow->data = kio__cow_data(header);
	cow->piece = kio__min(header->cluster, COW_PIECE);
}

static void
free_map(struct cow *cow)
{
	kio__free(cow->states);
	kio__free(cow->dirty);
	kio__free(cow->writing);
	kio__free(cow->map);
	cow->states = cow->dirty = cow->writing = cow->map = NULL;
}

static int
alloc_map(struct cow *cow)
{
	settle(cow);
	cow->states = kio__alloc(cow->clusters);
	cow->dirty = kio__alloc(cow->sectors);
	cow->writing = kio__alloc(cow->sectors);
	cow->map = kio__alloc_aligned(cow->sectors * KIO__COW_SECTOR, KIO__COW_BLOCK);
	if (cow->states != NULL && cow->dirty != NULL && cow->writing != NULL && cow->map != NULL)
		return 0;
	free_map(cow);
	return -ENOMEM;
}

static int
read_map(struct cow *cow, struct kio_diag *diag)
{
	uint64_t bytes = cow->sectors * KIO__COW_SECTOR, damaged, first;
	int rc = 0;

	for (uint64_t at = 0; at < bytes && rc == 0; at += READ_AT_ONCE)
		rc = kio_leg_read(cow->overlay, cow->map + at, (size_t)kio__min(READ_AT_ONCE, bytes - at),
				  KIO__COW_HEADERS + at);
	if (rc < 0)
		return kio_refuse(diag, rc, "the map of the overlay cannot be read: %e", rc);
	if (!kio__cow_map_check(&cow->header, cow->map, &damaged)) {
		first = damaged * KIO__COW_SECTOR_CLUSTERS * cow->header.cluster;
		return kio_refuse(diag, -EIO, "the map of the overlay is damaged: what is newer than the base is not known "
					      "from %S on; kiobuf cow check tells how much; kiobuf create --force makes it anew, "
				      "and empty", first);
	}
	for (uint64_t i = 0; i < cow->clusters; i++) {
		if (!kio__cow_is_set(cow->map, i))
			continue;
		cow->states[i] = COW_DURABLE;
		cow->mapped++;
	}
	/* who wrote it last may have been killed before it was flushed */
	if (cow->mapped != 0 && !cow->read_only)
		rc = kio_leg_flush(cow->overlay);
	return rc < 0 ? kio_refuse(diag, rc, "the map of the overlay cannot be flushed: %e", rc) : 0;
}

/* --- opening and creating ----------------------------------------------- */

static void
set_limits(struct cow *cow)
{
	struct kio_limits *limits = &cow->layer.limits;

	cow->read_only = kio_layer_read_only(&cow->layer) || cow->overlay->limits.read_only;
	limits->read_only = cow->read_only;
	limits->holes = base_of(cow)->limits.holes;
	limits->zeroes = false;
	limits->ops = KIO_OP_BIT(KIO_READ) | KIO_OP_BIT(KIO_WRITE) | KIO_OP_BIT(KIO_FLUSH) |
		      KIO_OP_BIT(KIO_EXTENTS);
}

static int
open_map(struct cow *cow, struct kio_diag *diag)
{
	int rc = alloc_map(cow);

	if (rc == 0)
		rc = read_map(cow, diag);
	if (rc < 0)
		free_map(cow);
	else
		kio__mutex_init(&cow->mutex);
	return rc;
}

/* find_header has a buffer, and comes before the map. */
static int
open_with(struct kio_layer *layer, struct kio_diag *diag,
	  int (*find_header)(struct cow *cow, unsigned char *buffer, struct kio_diag *diag))
{
	struct cow *cow = cow_of(layer);
	unsigned char *buffer = kio__alloc_aligned(KIO__COW_SAMPLE_MOST, KIO__COW_BLOCK);
	int rc = buffer == NULL ? -ENOMEM : check_blocks(cow, diag);

	set_limits(cow);
	if (rc == 0)
		rc = find_header(cow, buffer, diag);
	if (rc == 0)
		rc = open_map(cow, diag);
	kio__free(buffer);
	return rc;
}

static int
header_there(struct cow *cow, unsigned char *buffer, struct kio_diag *diag)
{
	int rc = read_header(cow, buffer);

	if (rc < 0)
		return refuse_header(diag, rc);
	rc = check_header(cow, diag);
	if (rc == 0)
		rc = check_base(cow, buffer, diag);
	/* a write of the header was cut off, or one of its copies is damaged */
	if (rc == 0 && !cow->header.both && !cow->read_only) {
		rc = write_header(cow, buffer);
		if (rc < 0)
			kio_refuse(diag, rc, "the header of the overlay cannot be written: %e", rc);
	}
	return rc;
}

int
kio__cow_open(struct kio_layer *layer, struct kio_diag *diag)
{
	return open_with(layer, diag, header_there);
}

/* What was there says nothing any more before the map is emptied, and all of it before there is a new header. */
static int
format(struct cow *cow, unsigned char *buffer)
{
	uint64_t map = kio__cow_map_bytes(&cow->header);
	int rc = kio_leg_zero(cow->overlay, KIO__COW_HEADERS, 0);

	if (rc == 0)
		rc = kio_leg_flush(cow->overlay);
	if (rc == 0)
		rc = kio_leg_zero(cow->overlay, map, KIO__COW_HEADERS);
	if (rc == 0)
		rc = kio_leg_flush(cow->overlay);
	return rc == 0 ? write_header(cow, buffer) : rc;
}

static int
make_header(struct cow *cow, unsigned char *buffer, struct kio_diag *diag)
{
	struct kio__cow_header *header = &cow->header;
	int rc;

	memset(header, 0, sizeof(*header));
	header->cluster = cow->cluster_option != 0 ? cow->cluster_option : DEFAULT_CLUSTER;
	if (!kio__is_power_of_two(header->cluster) || header->cluster < KIO__COW_LEAST_CLUSTER ||
	    header->cluster > KIO__COW_MOST_CLUSTER)
		return kio_refuse(diag, -EINVAL, "cluster=%S is not a power of two from %S to %S", header->cluster,
				  (uint64_t)KIO__COW_LEAST_CLUSTER, KIO__COW_MOST_CLUSTER);
	header->size = base_of(cow)->limits.size;
	header->sequence = header->generation = 1;
	rc = check_room(cow, diag);
	if (rc < 0)
		return rc;
	rc = kio__cow_samples(header->size, read_base, base_of(cow), buffer, NULL, header->samples);
	if (rc < 0)
		return kio_refuse(diag, rc, "the base cannot be read: %e", rc);
	return kio__random(header->identity, sizeof(header->identity));
}

static int
header_made(struct cow *cow, unsigned char *buffer, struct kio_diag *diag)
{
	int rc;

	/* one that is damaged, or of a newer version, is one, too */
	if (!kio_layer_force(&cow->layer) && read_header(cow, buffer) != -ENODATA)
		return kio_refuse(diag, -EEXIST, "%s is an overlay already; to create makes it empty",
				  cow->overlay->name);
	rc = make_header(cow, buffer, diag);
	if (rc < 0)
		return rc;
	rc = format(cow, buffer);
	return rc < 0 ? kio_refuse(diag, rc, "the overlay cannot be written: %e", rc) : 0;
}

int
kio__cow_create(struct kio_layer *layer, struct kio_diag *diag)
{
	return open_with(layer, diag, header_made);
}

/* --- closing ------------------------------------------------------------ */

/* A round, as requests lead one. */
static int
write_map(struct cow *cow)
{
	uint64_t offset;
	bool wrote = false;
	int rc;

	kio__cow_note(cow);
	rc = kio_leg_flush(cow->overlay);
	while (rc == 0 && kio__cow_next_block(cow, &offset)) {
		rc = kio_leg_write(cow->overlay, cow->seg.base, cow->seg.len, offset, 0);
		wrote = true;
	}
	if (rc == 0 && wrote)
		rc = kio_leg_flush(cow->overlay);
	kio__cow_noted(cow, rc);
	return rc;
}

int
kio__cow_close(struct kio_layer *layer)
{
	struct cow *cow = cow_of(layer);
	int rc = cow->read_only ? 0 : write_map(cow);

	kio__mutex_fini(&cow->mutex);
	free_map(cow);
	return rc;
}
