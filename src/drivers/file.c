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
 *
 * An image belongs to one opener: it is locked as an open file description, and
 * a block device is opened exclusively, which a mounted one refuses.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "core/loop.h"
#include "core/stack.h"

#define INLINE_PIECES 8u
#define MOST_PIECES 1024u /* IOV_MAX */
#define VECTORS 8u
#define NO_FD 0xffffffffu
#define MOST_BYTES ((uint64_t)1 << 30) /* of one system call */

struct file {
	struct kio_layer layer;
	const char *path;
	unsigned fd; /* of the caller, or NO_FD */
	uint64_t size;
	bool direct;

	int own; /* the descriptor in use */
	bool is_block;
	unsigned sector; /* a device clears whole ones; a file any byte: 1 */
	dev_t device;
	ino_t inode;
	int error; /* the first that writing back reported; atomic */
};

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
	KIO_OPT_UINT(struct file, fd, NO_FD, "an open descriptor, instead of a path"),
	KIO_OPT_SIZE(struct file, size, 0, "creates the file with this size; one that exists must have it"),
	KIO_OPT_BOOL(struct file, direct, false, "past the page cache, with O_DIRECT"),
	{ 0 }
};

static struct file *
file_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct file, layer);
}

/* --- opening ------------------------------------------------------------ */

static const char *
file_label(const struct file *file)
{
	return file->path != NULL ? file->path : "the descriptor";
}

/*
 * A program that ended a moment ago may still hold a file: the kernel closes
 * what a ring used in its own time. So it is tried for a while.
 */
#define PATIENCE_NS 1000000000u
#define PAUSE_NS 5000000

static bool
try_again(uint64_t since)
{
	struct timespec pause = { .tv_nsec = PAUSE_NS };

	if (kio__now() - since > PATIENCE_NS)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

static int
open_patiently(const char *path, int flags)
{
	uint64_t since = kio__now();
	int fd;

	do
		fd = open(path, flags, 0600);
	while (fd < 0 && errno == EBUSY && try_again(since));
	return fd;
}

static int
lock_patiently(int fd, struct flock *lock)
{
	uint64_t since = kio__now();
	int rc;

	do
		rc = fcntl(fd, F_OFD_SETLK, lock);
	while (rc < 0 && (errno == EAGAIN || errno == EACCES) && try_again(since));
	return rc;
}

/* What the path is, before it is opened: a device wants another flag. */
static int
file_open_path(struct file *file, struct kio_diag *diag)
{
	int flags = O_CLOEXEC | (file->layer.limits.read_only ? O_RDONLY : O_RDWR);
	bool exists;
	struct stat st;

	if (file->direct)
		flags |= O_DIRECT;
	exists = stat(file->path, &st) == 0;
	if (!exists && errno == ENOENT && file->size == 0)
		return kio_refuse(diag, -ENOENT, "%s does not exist; size= creates it", file->path);
	if (!exists && file->layer.limits.read_only)
		return kio_refuse(diag, -ENOENT, "%s does not exist", file->path);
	if (exists && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	if (exists && !S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
		return kio_refuse(diag, -ENOTBLK, "%s is neither a file nor a block device", file->path);
	if (!exists)
		flags |= O_CREAT | O_EXCL;
	file->own = open_patiently(file->path, flags);
	if (file->own < 0 && errno == EBUSY)
		return kio_refuse(diag, -EBUSY, "%s is mounted or held by someone else", file->path);
	if (file->own < 0)
		return kio_refuse(diag, -errno, "%s cannot be opened: %e", file->path, errno);
	if (!exists && ftruncate(file->own, (off_t)file->size) < 0)
		return kio_refuse(diag, -errno, "%s cannot get its size %S: %e", file->path, file->size,
				  errno);
	return 0;
}

static int
file_open_number(struct file *file, struct kio_diag *diag)
{
	int flags;

	file->own = fcntl((int)file->fd, F_DUPFD_CLOEXEC, 3);
	flags = file->own < 0 ? -1 : fcntl(file->own, F_GETFL);
	if (flags < 0)
		return kio_refuse(diag, -errno, "fd=%u is not an open descriptor", file->fd);
	if ((flags & O_ACCMODE) == O_WRONLY)
		return kio_refuse(diag, -EBADF, "fd=%u is open for writing only", file->fd);
	if ((flags & O_ACCMODE) == O_RDONLY)
		file->layer.limits.read_only = true;
	if (((flags & O_DIRECT) != 0) != file->direct)
		return kio_refuse(diag, -EINVAL, "fd=%u is open %s O_DIRECT; say direct=%s",
				  file->fd, file->direct ? "without" : "with",
				  file->direct ? "no" : "yes");
	return 0;
}

/* One opener: others are told apart from the stack's own. */
static int
file_lock(struct file *file, struct kio_diag *diag)
{
	struct flock lock = { .l_type = file->layer.limits.read_only ? F_RDLCK : F_WRLCK };
	const struct kio_stack *stack = file->layer.stack;

	for (unsigned i = 0; i < stack->layer_count; i++) {
		struct file *other = file_of(stack->layers[i]);

		if (other != file && other->layer.class_ == file->layer.class_ && other->inode != 0 &&
		    other->inode == file->inode && other->device == file->device)
			return kio_refuse(diag, -EBUSY, "%s is in this stack twice, as %s and %s",
					  file_label(file), other->layer.name, file->layer.name);
	}
	if (file->is_block || lock_patiently(file->own, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return kio_refuse(diag, -EBUSY, "%s is locked: another program has it open",
				  file_label(file));
	return kio_refuse(diag, -errno, "%s cannot be locked: %e", file_label(file), errno);
}

static int
file_device_size(struct file *file, uint64_t *size, struct kio_diag *diag)
{

	if (ioctl(file->own, BLKGETSIZE64, size) < 0 || ioctl(file->own, BLKSSZGET, &file->sector) < 0)
		return kio_refuse(diag, -errno, "%s does not tell its size: %e", file_label(file), errno);
	if (file->direct)
		file->layer.limits.block = file->layer.limits.mem_align = file->sector;
	return 0;
}

static void
file_direct_limits(struct file *file)
{
	struct kio_limits *limits = &file->layer.limits;

	limits->block = limits->mem_align = 512;
#ifdef STATX_DIOALIGN
	struct statx stx;

	if (statx(file->own, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) == 0 &&
	    (stx.stx_mask & STATX_DIOALIGN) != 0 && stx.stx_dio_offset_align != 0) {
		limits->block = stx.stx_dio_offset_align;
		limits->mem_align = stx.stx_dio_mem_align;
		return;
	}
#endif
	limits->block = limits->mem_align = 4096;
}

static int
file_limits(struct file *file, struct kio_diag *diag)
{
	struct kio_limits *limits = &file->layer.limits;
	struct stat st;
	int rc = 0;

	if (fstat(file->own, &st) < 0)
		return kio_refuse(diag, -errno, "%s: %e", file_label(file), errno);
	file->is_block = S_ISBLK(st.st_mode);
	file->sector = 1;
	file->device = file->is_block ? st.st_rdev : st.st_dev;
	file->inode = st.st_ino;
	limits->size = (uint64_t)st.st_size;
	limits->ops |= KIO_OP_BIT(KIO_DISCARD) | KIO_OP_BIT(KIO_WRITE_ZEROES) |
		       KIO_OP_BIT(KIO_EXTENTS);
	limits->zeroes = limits->holes = true;
	if (file->is_block) {
		limits->holes = false;
		limits->ops &= ~KIO_OP_BIT(KIO_EXTENTS);
		rc = file_device_size(file, &limits->size, diag);
	} else if (!S_ISREG(st.st_mode)) {
		rc = kio_refuse(diag, -ENOTBLK, "%s is neither a file nor a block device",
				file_label(file));
	} else if (file->direct) {
		file_direct_limits(file);
	}
	if (rc == 0 && file->size != 0 && limits->size != file->size)
		rc = kio_refuse(diag, -EEXIST, "%s exists and has %S, not size=%S", file_label(file),
				limits->size, file->size);
	return rc;
}

static int
file_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct file *file = file_of(layer);
	int rc;

	file->own = -1;
	if ((file->path == NULL) == (file->fd == NO_FD))
		return kio_refuse(diag, -EINVAL, "file takes a path or fd=, one of them");
	rc = file->path != NULL ? file_open_path(file, diag) : file_open_number(file, diag);
	if (rc == 0)
		rc = file_limits(file, diag);
	if (rc == 0)
		rc = file_lock(file, diag);
	if (rc < 0) {
		if (file->own >= 0)
			close(file->own);
		file->inode = 0;
	}
	return rc;
}

static int
file_close(struct kio_layer *layer)
{
	struct file *file = file_of(layer);
	struct flock unlock = { .l_type = F_UNLCK };
	int rc;

	/* a ring may keep the file open a little longer than we do */
	fcntl(file->own, F_OFD_SETLK, &unlock);
	rc = close(file->own) < 0 ? -errno : 0;
	file->inode = 0;
	return file->error != 0 ? file->error : rc;
}

static int
file_resize(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	struct file *file = file_of(layer);

	if (file->is_block)
		return kio_refuse(diag, -ENOTSUP, "%s is a block device; it cannot grow", file->path);
	if (ftruncate(file->own, (off_t)size) < 0)
		return kio_refuse(diag, -errno, "%s cannot grow to %S: %e", file_label(file), size,
				  errno);
	layer->limits.size = size;
	return 0;
}

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

static void
file_moved(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);
	int64_t result = io->result;

	if (kio__likely(result == (int64_t)self->data.len)) {
		file_end(self, 0);
		return;
	}
	if (result == -EINTR || result == -EAGAIN) {
		file_go_on(self);
	} else if (result <= 0) {
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

/* After an error of writing back nobody knows what is on the disk: no flush succeeds again. */
static void
file_synced(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);
	struct file *file = self->file;
	int error = __atomic_load_n(&file->error, __ATOMIC_RELAXED);

	if (error == 0 && io->result < 0) {
		error = (int)io->result;
		__atomic_store_n(&file->error, error, __ATOMIC_RELAXED);
	}
	kio_complete(self->frame, error);
}

static int
write_zeroes(int fd, uint64_t from, uint64_t to)
{
	static const unsigned char zeroes[65536] __attribute__((aligned(4096)));
	ssize_t rc;

	while (from < to) {
		rc = pwrite(fd, zeroes, (size_t)kio__min(to - from, sizeof(zeroes)), (off_t)from);
		if (rc < 0 && errno != EINTR)
			return -errno;
		from += rc > 0 ? (uint64_t)rc : 0;
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
	if (rc == 0 && (frame->flags & KIO_FUA) != 0 && fdatasync(io->fd) < 0)
		rc = -errno;
	return rc;
}

static int64_t
file_extent(struct kio__io *io)
{
	struct file_io *self = kio_container_of(io, struct file_io, io);
	off_t from = (off_t)io->offset, to = lseek(io->fd, from, SEEK_DATA);

	self->extent_flags = 0;
	self->extent_len = self->frame->data.len;
	if (to < 0 && errno != ENXIO)
		return errno == EINVAL ? 0 : -errno; /* a file system that cannot tell: all data */
	if (to < 0 || to > from) {
		self->extent_flags = KIO_EXTENT_HOLE | KIO_EXTENT_ZERO;
		if (to > from)
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

static void
file_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct file *file = file_of(layer);
	struct kio_iter data = frame->data;

	if (frame->op > KIO_WRITE) {
		file_call(file, frame);
		return;
	}
	if (layer->limits.mem_align > 1 && !kio_iter_aligned(data, layer->limits.mem_align) &&
	    !kio_bounce(frame, &data))
		return;
	file_transfer(file, frame, data);
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
	.open = file_open,
	.close = file_close,
	.channel_open = file_channel_open,
	.channel_close = file_channel_close,
	.submit = file_submit,
	.resize = file_resize,
	.describe = file_describe,
};
