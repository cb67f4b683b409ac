/* SPDX-License-Identifier: MIT */
/*
 * An overlay that nobody has open: it is looked at, emptied, or written into
 * its base.
 *
 *   commit   header: committing      from now on it does not open; flushed
 *            clusters into the base, flushed
 *            header: next generation, samples of the base as it is now
 *
 * Until the last step the overlay still has all that it had, so a commit that
 * was cut off is done again, from the beginning. Its base is then partly what it
 * will be: just samples that the overlay has nothing of are compared.
 */
#include "layers/cow_commit.h"

#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

#define PIECE ((uint64_t)1 << 20)

struct job {
	struct kio_stack *overlay, *base;
	struct kio_diag *diag;
	struct kio__cow_header header;
	unsigned char *map;
	unsigned char *buffer; /* PIECE */
	uint64_t mapped;       /* bytes */
};

_Static_assert(PIECE >= KIO__COW_SAMPLE_MOST && PIECE >= KIO__COW_HEADERS, "one buffer for all");

static int
read_stack(void *stack, void *into, size_t len, uint64_t offset)
{
	return kio_pread(stack, into, len, offset);
}

static int
job_begin(struct job *job, struct kio_stack *overlay, struct kio_stack *base, struct kio_diag *diag)
{
	memset(job, 0, sizeof(*job));
	job->overlay = overlay;
	job->base = base;
	job->diag = diag;
	job->buffer = kio__alloc_aligned(PIECE, KIO__COW_BLOCK);
	return job->buffer == NULL ? kio_refuse(diag, -ENOMEM, "%e", -ENOMEM) : 0;
}

static int
job_end(struct job *job, int rc)
{
	kio__free(job->map);
	kio__free(job->buffer);
	return rc;
}

/* --- header and map ----------------------------------------------------- */

static int
read_header(struct job *job)
{
	int rc = -ENODATA;

	if (kio_stack_limits(job->overlay)->size >= KIO__COW_HEADERS)
		rc = kio_pread(job->overlay, job->buffer, KIO__COW_HEADERS, 0);
	if (rc == 0)
		rc = kio__cow_choose(&job->header, job->buffer);
	if (rc == -ENODATA)
		return kio_refuse(job->diag, rc, "there is no overlay; kiobuf create makes one");
	if (rc < 0)
		return kio_refuse(job->diag, rc, "the header of the overlay cannot be used: %e", rc);
	if (kio_stack_limits(job->overlay)->size < kio__cow_room(&job->header))
		return kio_refuse(job->diag, -EIO, "the overlay was cut off: it has %U bytes of %U",
				  kio_stack_limits(job->overlay)->size, kio__cow_room(&job->header));
	return 0;
}

/* Both copies, the valid one last; durable. */
static int
write_header(struct job *job)
{
	int rc = 0;

	job->header.sequence++;
	kio__cow_encode(&job->header, job->buffer);
	for (unsigned i = 1; i <= 2 && rc == 0; i++)
		rc = kio_pwrite(job->overlay, job->buffer, KIO__COW_BLOCK,
				(uint64_t)((job->header.copy + i) % 2) * KIO__COW_BLOCK, KIO_FUA);
	return rc < 0 ? kio_refuse(job->diag, rc, "the header of the overlay cannot be written: %e", rc) : 0;
}

static int
read_map(struct job *job)
{
	uint64_t bytes = kio__cow_map_bytes(&job->header);
	int rc = 0;

	job->map = kio__alloc_aligned(bytes, KIO__COW_BLOCK);
	if (job->map == NULL)
		return kio_refuse(job->diag, -ENOMEM, "%e", -ENOMEM);
	for (uint64_t at = 0; at < bytes && rc == 0; at += PIECE)
		rc = kio_pread(job->overlay, job->map + at, (size_t)kio__min(PIECE, bytes - at),
			       KIO__COW_HEADERS + at);
	return rc < 0 ? kio_refuse(job->diag, rc, "the map of the overlay cannot be read: %e", rc) : 0;
}

static int
check_map(struct job *job)
{
	uint64_t damaged;
	int rc = read_map(job);

	if (rc == 0 && !kio__cow_map_check(&job->header, job->map, &damaged))
		rc = kio_refuse(job->diag, -EIO, "the map of the overlay is damaged, and what it had to say is not known; "
						 "kiobuf create --force makes it anew, and empty");
	return rc;
}

/* --- the base ----------------------------------------------------------- */

static bool
is_mapped(const struct job *job, uint64_t from, uint64_t to)
{
	for (uint64_t at = kio__align_down(from, job->header.cluster); at < to; at += job->header.cluster) {
		if (kio__cow_is_set(job->map, at / job->header.cluster))
			return true;
	}
	return false;
}

/* Is it the base of the overlay? In the middle of a commit just what that does not change is looked at. */
static int
compare_base(struct job *job, bool *same)
{
	uint64_t size = job->header.size, offset, len;
	uint32_t samples[KIO__COW_SAMPLES];
	bool wanted[KIO__COW_SAMPLES];
	int rc;

	*same = kio_stack_limits(job->base)->size == size;
	if (!*same)
		return 0;
	for (unsigned i = 0; i < KIO__COW_SAMPLES; i++) {
		kio__cow_sample(size, i, &offset, &len);
		wanted[i] = !job->header.committing || !is_mapped(job, offset, offset + len);
	}
	rc = kio__cow_samples(size, read_stack, job->base, job->buffer, wanted, samples);
	for (unsigned i = 0; i < KIO__COW_SAMPLES && rc == 0; i++)
		*same &= !wanted[i] || samples[i] == job->header.samples[i];
	return rc < 0 ? kio_refuse(job->diag, rc, "the base cannot be read: %e", rc) : 0;
}

static int
check_base(struct job *job)
{
	bool same;
	int rc = compare_base(job, &same);

	if (rc == 0 && !same)
		rc = kio_refuse(job->diag, -ESTALE, "this is another base than the one of the overlay, or it was changed");
	return rc;
}

/* The overlay is empty, over the base as it is now. */
static int
begin_generation(struct job *job)
{
	int rc = kio__cow_samples(job->header.size, read_stack, job->base, job->buffer, NULL, job->header.samples);

	if (rc < 0)
		return kio_refuse(job->diag, rc, "the base cannot be read: %e", rc);
	job->header.committing = false;
	job->header.generation++;
	return write_header(job);
}

/* --- looking ------------------------------------------------------------ */

int
kio__cow_look(struct kio_stack *overlay, struct kio_stack *base, struct kio__cow_report *report,
	      struct kio_diag *diag)
{
	struct job job;
	bool same = false;
	int rc = job_begin(&job, overlay, base, diag);

	memset(report, 0, sizeof(*report));
	if (rc == 0)
		rc = read_header(&job);
	if (rc == 0)
		rc = read_map(&job);
	if (rc < 0)
		return job_end(&job, rc);
	report->header = job.header;
	report->clusters = kio__cow_clusters(&job.header);
	report->sectors = kio__cow_sectors(&job.header);
	for (uint64_t i = 0; i < report->sectors; i++)
		report->damaged += kio__cow_sector_check(&job.header, i, job.map + i * KIO__COW_SECTOR) == KIO__COW_DAMAGED;
	kio__cow_map_check(&job.header, job.map, &job.mapped);
	for (uint64_t i = 0; i < report->clusters; i++)
		report->mapped += kio__cow_is_set(job.map, i);
	rc = compare_base(&job, &same);
	report->another_base = !same;
	return job_end(&job, rc);
}

/* --- emptying ----------------------------------------------------------- */

int
kio__cow_reset(struct kio_stack *overlay, struct kio_stack *base, bool force, struct kio_diag *diag)
{
	struct job job;
	int rc = job_begin(&job, overlay, base, diag);

	if (rc == 0)
		rc = read_header(&job);
	if (rc == 0 && job.header.committing && !force)
		rc = kio_refuse(diag, -EALREADY, "its commit is not finished, and without it the base is half of each: "
						 "kiobuf cow commit finishes it; --force leaves it so");
	if (rc == 0 && kio_stack_limits(base)->size != job.header.size)
		rc = kio_refuse(diag, -ESTALE, "the base has %U bytes, and that of the overlay %U: kiobuf create --force "
					       "makes an overlay of another size",
				kio_stack_limits(base)->size, job.header.size);
	/* of a sector that is damaged the generation is not known either: it would not open */
	if (rc == 0)
		rc = check_map(&job);
	if (rc == 0)
		rc = begin_generation(&job);
	return job_end(&job, rc);
}

/* --- committing --------------------------------------------------------- */

/* Mapped clusters from *at on, as many as the buffer takes. False: there are none. */
static bool
next_run(const struct job *job, uint64_t *at, uint64_t *len)
{
	const struct kio__cow_header *header = &job->header;
	uint64_t most = kio__max(PIECE, header->cluster);

	while (*at < header->size && !kio__cow_is_set(job->map, *at / header->cluster))
		*at += header->cluster;
	for (*len = 0; *len < most && *at + *len < header->size; *len += header->cluster) {
		if (!kio__cow_is_set(job->map, (*at + *len) / header->cluster))
			break;
	}
	*len = *at < header->size ? kio__min(*len, header->size - *at) : 0;
	return *len != 0;
}

static int
copy_piece(const struct job *job, uint64_t at, uint64_t len)
{
	int rc = kio_pread(job->overlay, job->buffer, (size_t)len, kio__cow_data(&job->header) + at);

	if (rc < 0)
		return kio_refuse(job->diag, rc, "the overlay cannot be read at %U: %e", at, rc);
	rc = kio_pwrite(job->base, job->buffer, (size_t)len, at, 0);
	return rc < 0 ? kio_refuse(job->diag, rc, "the base cannot be written at %U: %e", at, rc) : 0;
}

static int
copy_clusters(const struct job *job, kio__cow_go_on_fn go_on, void *priv, uint64_t *copied)
{
	uint64_t at = 0, len, piece;
	int rc = 0;

	for (; rc == 0 && next_run(job, &at, &len); at += len) {
		for (uint64_t in = 0; in < len && rc == 0; in += piece) {
			piece = kio__min(PIECE, len - in);
			if (go_on != NULL && !go_on(priv, *copied, job->mapped))
				return kio_refuse(job->diag, -ECANCELED, "stopped; the same command goes on");
			rc = copy_piece(job, at + in, piece);
			*copied += piece;
		}
	}
	if (rc == 0) {
		rc = kio_flush(job->base);
		if (rc < 0)
			kio_refuse(job->diag, rc, "the base cannot be flushed: %e", rc);
	}
	return rc;
}

/* Header or map may have been written by one that was killed before they were durable; done again, it is to find the same. */
static int
flush_overlay(const struct job *job)
{
	int rc = kio_flush(job->overlay);

	return rc < 0 ? kio_refuse(job->diag, rc, "the overlay cannot be flushed: %e", rc) : 0;
}

static int
prepare(struct job *job)
{
	uint64_t clusters = kio__cow_clusters(&job->header);
	int rc = check_map(job);

	if (rc < 0)
		return rc;
	for (uint64_t i = 0; i < clusters; i++) {
		if (kio__cow_is_set(job->map, i))
			job->mapped += kio__min(job->header.cluster, job->header.size - i * job->header.cluster);
	}
	return check_base(job);
}

int
kio__cow_commit(struct kio_stack *overlay, struct kio_stack *base, kio__cow_go_on_fn go_on, void *priv,
		uint64_t *copied, struct kio_diag *diag)
{
	struct job job;
	int rc = job_begin(&job, overlay, base, diag);

	*copied = 0;
	if (rc == 0)
		rc = read_header(&job);
	if (rc == 0)
		rc = prepare(&job);
	if (rc == 0 && !job.header.committing) {
		job.header.committing = true;
		rc = write_header(&job);
	}
	if (rc == 0)
		rc = flush_overlay(&job);
	if (rc == 0)
		rc = copy_clusters(&job, go_on, priv, copied);
	if (rc == 0)
		rc = begin_generation(&job);
	return job_end(&job, rc);
}
