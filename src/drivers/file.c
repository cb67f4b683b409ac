/* SPDX-License-Identifier: MIT */
/*
 * file: a regular file or block device.
 *
 *   submit --> iovecs of the caller's memory --> engine: one system call
 *                 ^                                  |
 *                 +---- short: what is left ---------+--> complete
 *
 * Up to 8 pieces of memory travel in the container's private area, more in one
 * of the channel's vectors, which a frame may have to wait for. Memory is used
 * in place; only direct I/O into memory that is not aligned goes through a copy.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "core/loop.h"
#include "drivers/file.h"

#define INLINE_PIECES 8u
#define MOST_PIECES 1024u /* IOV_MAX */
#define VECTORS 8u
#define MOST_BYTES ((uint64_t)1 << 30) /* of one system call */

struct vector {
	struct vector *next;
	struct iovec iov[MOST_PIECES];
};

struct file_channel {
	int slot; /* of the descriptor in the engine */
	struct vector *free;
	struct kio__queue waiting; /* of file_io */
	struct vector vectors[VECTORS];
};

struct file_io {
	struct kio__io io;
	struct file *file;
	struct kio_frame *frame;
	struct kio_iter data;
	uint64_t moved;
	struct vector *vector; /* or NULL */
	uint64_t extent_len;
	uint32_t extent_flags;
	struct iovec iov[INLINE_PIECES];
};

static const struct kio_opt file_opts[] = {
	KIO_OPT_STRING(struct file, path, NULL, "the file or block device", .flags = KIO_OPT_MAIN),
	KIO_OPT_UINT(struct file, fd, KIO__NO_FD, "an open descriptor, instead of a path"),
	KIO_OPT_SIZE(struct file, size, 0, "creates the file with this size; one that exists must have it"),
	KIO_OPT_BOOL(struct file, direct, false, "past the page cache, with O_DIRECT"),
	{ 0 }
};

/* --- channels ------------------------------------------------------------ */

static int
file_channel_open(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	struct kio_loop *loop = kio_channel_loop(channel);
	struct file_channel *state = area;

	state->slot = -1;
	if (loop->engine->slot_open != NULL)
		state->slot = loop->engine->slot_open(loop, file_of(layer)->own);
	kio__queue_init(&state->waiting);
	for (unsigned i = 0; i < VECTORS; i++) {
		state->vectors[i].next = state->free;
		state->free = &state->vectors[i];
	}
	return 0;
}

static void
file_channel_close(struct kio_layer *layer, struct kio_channel *channel, void *area)
{
	struct kio_loop *loop = kio_channel_loop(channel);
	struct file_channel *state = area;

	(void)layer;
	if (state->slot >= 0)
		loop->engine->slot_close(loop, state->slot);
}

/* --- reads and writes --------------------------------------------------- */

static void file_go_on(struct file_io *self);

static uint32_t
fill(struct iovec *iov, uint32_t space, struct kio_iter data, uint64_t *len)
{
	uint32_t count = 0;
	void *base;
	size_t piece;

	*len = 0;
	while (count < space && *len < MOST_BYTES && (base = kio_iter_next(&data, &piece)) != NULL) {
		if (piece > MOST_BYTES - *len)
			piece = (size_t)(MOST_BYTES - *len);
		iov[count].iov_base = base;
		iov[count++].iov_len = piece;
		*len += piece;
	}
	return count;
}

/* A vector for more pieces than fit into the container; false: waits for one. */
static bool
take_vector(struct file_channel *channel, struct file_io *self)
{
	if (self->vector != NULL)
		return true;
	if (channel->free == NULL) {
		kio__queue_push(&channel->waiting, &self->io.task);
		return false;
	}
	self->vector = channel->free;
	channel->free = self->vector->next;
	return true;
}

static void
give_vector(struct file_channel *channel, struct file_io *self)
{
	struct vector *vector = self->vector;
	struct kio_task *task;

	if (vector == NULL)
		return;
	self->vector = NULL;
	vector->next = channel->free;
	channel->free = vector;
	task = kio__queue_pop(&channel->waiting);
	if (task != NULL)
		file_go_on(kio_container_of(task, struct file_io, io.task));
}

static void
file_end(struct file_io *self, int status)
{
	struct kio_frame *frame = self->frame;

	give_vector(kio_frame_channel(frame), self);
	if (status < 0)
		kio_complete_failed(frame, status, self->moved, frame->data.len - self->moved);
	else
		kio_complete(frame, 0);
}

/*
 * After an error of writing back nobody knows what is on the disk: no flush
 * succeeds again. The kernel tells of one once, to whoever asks first: that may
 * be a write with FUA, and the error that of an earlier write. One that was
 * cancelled or interrupted has not asked.
 */
static int
latch(struct file *file, int error)
{
	int first = 0, latched;

	if (error < 0 && error != -ECANCELED && error != -EINTR)
		__atomic_compare_exchange_n(&file->error, &first, error, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	latched = __atomic_load_n(&file->error, __ATOMIC_RELAXED);
	return latched != 0 ? latched : error;
}

static void
file_moved(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);
	int64_t result = io->result;

	if (kio__likely(result == (int64_t)self->data.len)) {
		file_end(self, 0);
		return;
	}
	if ((result == -EINTR || result == -EAGAIN) && !kio_frame_cancelled(self->frame)) {
		file_go_on(self);
	} else if (result <= 0) {
		if (io->durable)
			latch(self->file, (int)result);
		/* the file ends before the device does, or takes no more */
		file_end(self, result < 0 ? (int)result : -EIO);
	} else {
		self->moved += (uint64_t)result;
		kio_iter_skip(&self->data, (uint64_t)result);
		if (self->data.len == 0)
			file_end(self, 0);
		else
			file_go_on(self);
	}
}

static void
file_go_on(struct file_io *self)
{
	struct kio_frame *frame = self->frame;
	struct file_channel *channel = kio_frame_channel(frame);
	struct kio__io *io = &self->io;
	struct iovec *iov = self->iov;
	uint32_t space = INLINE_PIECES;

	if (self->data.skip + self->data.len > self->data.seg->len &&
	    kio_iter_pieces(self->data, INLINE_PIECES + 1) > INLINE_PIECES) {
		if (!take_vector(channel, self))
			return;
		iov = self->vector->iov;
		space = MOST_PIECES;
	}
	io->iov_count = fill(iov, space, self->data, &io->len);
	io->iov = iov;
	if (io->iov_count == 1) {
		io->iov_count = 0;
		io->buf = iov->iov_base;
	}
	io->offset = frame->offset + self->moved;
	kio__loop_start(kio_frame_loop(frame), io);
}

static void
file_transfer(struct file *file, struct kio_frame *frame, struct kio_iter data)
{
	struct file_channel *channel = kio_frame_channel(frame);
	struct file_io *self = kio_frame_area(frame);
	struct kio__io *io = &self->io;

	self->file = file;
	self->frame = frame;
	self->data = data;
	self->moved = 0;
	self->vector = NULL;
	io->done = file_moved;
	io->op = frame->op == KIO_READ ? KIO__IO_READ : KIO__IO_WRITE;
	io->fd = file->own;
	io->slot = channel->slot;
	io->durable = (frame->flags & KIO_FUA) != 0;
	/* one piece, as most are: no vector to fill */
	if (kio__likely(data.skip + data.len <= data.seg->len && data.len <= MOST_BYTES)) {
		io->iov_count = 0;
		io->buf = (char *)data.seg->base + data.skip;
		io->len = data.len;
		io->offset = frame->offset;
		kio__loop_start(kio_frame_loop(frame), io);
	} else {
		file_go_on(self);
	}
}

/* --- the others --------------------------------------------------------- */

static void
file_called(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);

	if (self->frame->op == KIO_EXTENTS && io->result == 0)
		kio_complete_extent(self->frame, self->extent_len, self->extent_flags);
	else
		kio_complete(self->frame, (int)io->result);
}

static void
file_synced(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);

	kio_complete(self->frame, latch(self->file, (int)io->result));
}

static int
write_zeroes(int fd, uint64_t from, uint64_t to)
{
	static const unsigned char zeroes[65536] __attribute__((aligned(4096)));
	ssize_t rc;

	while (from < to) {
		rc = pwrite(fd, zeroes, (size_t)kio__min(to - from, sizeof(zeroes)), (off_t)from);
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc <= 0)
			return rc < 0 ? -errno : -EIO; /* takes no more */
		from += (uint64_t)rc;
	}
	return 0;
}

/* A discard is advice; zeroes are a promise. */
static int
clear(const struct kio_frame *frame, int fd, uint64_t from, uint64_t to)
{
	int mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;

	if ((frame->flags & KIO_NO_UNMAP) != 0)
		mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE;
	if (fallocate(fd, mode, (off_t)from, (off_t)(to - from)) == 0)
		return 0;
	if (errno != EOPNOTSUPP)
		return -errno;
	return frame->op == KIO_DISCARD ? 0 : write_zeroes(fd, from, to);
}

static int64_t
file_clear(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);
	const struct kio_frame *frame = self->frame;
	uint64_t from = frame->offset, to = from + frame->data.len;
	uint64_t whole_from = kio__min(kio__align_up(from, self->file->sector), to);
	uint64_t whole_to = kio__max(kio__align_down(to, self->file->sector), whole_from);
	int rc = 0;

	if (whole_from < whole_to)
		rc = clear(frame, io->fd, whole_from, whole_to);
	if (rc == 0 && frame->op == KIO_WRITE_ZEROES)
		rc = write_zeroes(io->fd, from, whole_from);
	if (rc == 0 && frame->op == KIO_WRITE_ZEROES)
		rc = write_zeroes(io->fd, whole_to, to);
	if (rc == 0 && (frame->flags & KIO_FUA) != 0)
		rc = latch(self->file, fdatasync(io->fd) < 0 ? -errno : 0);
	return rc;
}

/* Nothing but a hole up to the end: of the device, or of a file that ends before it. */
static int64_t
last_hole(struct file_io *self)
{
	const struct kio__io *io = &self->io;
	struct stat st;

	if (fstat(io->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size <= io->offset)
		return -EIO;
	self->extent_flags = KIO_EXTENT_HOLE | KIO_EXTENT_ZERO;
	self->extent_len = (uint64_t)st.st_size - io->offset;
	return 0;
}

static int64_t
file_extent(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);
	off_t from = (off_t)io->offset, to = lseek(io->fd, from, SEEK_DATA);

	self->extent_flags = 0;
	self->extent_len = self->frame->data.len;
	if (to < 0 && errno == ENXIO)
		return last_hole(self);
	if (to < 0)
		return errno == EINVAL ? 0 : -errno; /* a file system that cannot tell: all data */
	if (to > from) {
		self->extent_flags = KIO_EXTENT_HOLE | KIO_EXTENT_ZERO;
		self->extent_len = (uint64_t)(to - from);
		return 0;
	}
	to = lseek(io->fd, from, SEEK_HOLE);
	if (to > from)
		self->extent_len = (uint64_t)(to - from);
	return 0;
}

static void
file_call(struct file *file, struct kio_frame *frame)
{
	struct file_io *self = kio_frame_area(frame);
	struct kio__io *io = &self->io;

	self->file = file;
	self->frame = frame;
	io->fd = file->own;
	io->offset = frame->offset;
	io->op = frame->op == KIO_FLUSH ? KIO__IO_SYNC : KIO__IO_CALL;
	io->slot = ((struct file_channel *)kio_frame_channel(frame))->slot;
	io->call = frame->op == KIO_EXTENTS ? file_extent : file_clear;
	io->done = frame->op == KIO_FLUSH ? file_synced : file_called;
	kio__loop_start(kio_frame_loop(frame), io);
}

/*
 * Whether direct I/O takes this memory. Where it begins is one thing; and up to
 * Linux 6.17 each piece has to be whole blocks long. So many pieces as one call
 * takes are whole blocks, too.
 */
static bool
takes_direct(const struct kio_limits *limits, struct kio_iter data)
{
	void *base;
	size_t len;

	while ((base = kio_iter_next(&data, &len)) != NULL) {
		if (((uintptr_t)base & (limits->mem_align - 1)) != 0 || (len & (limits->block - 1)) != 0)
			return false;
	}
	return true;
}

static void
file_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct file *file = file_of(layer);
	struct kio_iter data = frame->data;

	if (frame->op > KIO_WRITE) {
		file_call(file, frame);
		return;
	}
	if (file->direct && !takes_direct(&layer->limits, data) && !kio_bounce(frame, &data))
		return;
	file_transfer(file, frame, data);
}

static void
file_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct file_channel *channel = kio_frame_channel(frame);
	struct file_io *self = kio_frame_area(frame);

	(void)layer;
	if (kio__queue_remove(&channel->waiting, &self->io.task))
		file_end(self, -ECANCELED);
	else
		kio__loop_cancel(kio_frame_loop(frame), &self->io);
}

static void
file_describe(const struct kio_layer *layer, char *text, size_t size)
{
	const struct file *file = kio_container_of(layer, struct file, layer);

	kio_format(text, size, "%s, %s%s", file_label(file),
		   file->is_block ? "block device" : "regular file", file->direct ? ", direct" : "");
}

const struct kio_class kio_class_file = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "file",
	.summary = "a regular file or block device",
	.maturity = "beta",
	.size = sizeof(struct file),
	.frame_size = sizeof(struct file_io),
	.channel_size = sizeof(struct file_channel),
	.opts = file_opts,
	.open = kio__file_open,
	.close = kio__file_close,
	.channel_open = file_channel_open,
	.channel_close = file_channel_close,
	.submit = file_submit,
	.cancel = file_cancel,
	.resize = kio__file_resize,
	.describe = file_describe,
};
