/* SPDX-License-Identifier: MIT */
/*
 * Opening a file or device: what it is, how large, and that it is ours.
 *
 * An image belongs to one opener: it is locked as an open file description, and
 * a block device is opened exclusively, which a mounted one refuses.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/math.h"
#include "core/stack.h"
#include "drivers/file.h"

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

static void
identify(struct file *file, const struct stat *st)
{
	file->is_block = S_ISBLK(st->st_mode);
	file->device = file->is_block ? st->st_rdev : st->st_dev;
	file->inode = file->is_block ? 1 : st->st_ino; /* a device may have several nodes */
}

/* Others of the stack are told apart from other programs. */
static int
refuse_twice(struct file *file, struct kio_diag *diag)
{
	const struct kio_stack *stack = file->layer.stack;

	for (unsigned i = 0; i < stack->layer_count; i++) {
		struct file *other = file_of(stack->layers[i]);

		if (other != file && other->layer.class_ == file->layer.class_ && other->inode != 0 &&
		    other->is_block == file->is_block && other->inode == file->inode &&
		    other->device == file->device)
			return kio_refuse(diag, -EDEADLK, "%s is in this stack twice, as %s and %s",
					  file_label(file), other->layer.name, file->layer.name);
	}
	return 0;
}

/* A file that was created and could not be used is not left behind. */
static int
refuse_created(const struct file *file, int error, struct kio_diag *diag)
{
	unlink(file->path);
	return kio_refuse(diag, error, "%s cannot get its size %S: %e", file->path, file->size, error);
}

static int
refuse_open(const struct file *file, int error, struct kio_diag *diag)
{
	if (error == -EBUSY)
		return kio_refuse(diag, error, "%s is mounted or held by someone else", file->path);
	if (error == -EINVAL && file->direct)
		return kio_refuse(diag, error, "%s is where there is no direct I/O; say direct=no",
				  file->path);
	return kio_refuse(diag, error, "%s cannot be opened: %e", file->path, error);
}

/* What the path is, before it is opened: a device wants another flag. */
static int
file_open_path(struct file *file, struct kio_diag *diag)
{
	int flags = O_CLOEXEC | (file->layer.limits.read_only ? O_RDONLY : O_RDWR);
	bool exists;
	struct stat st;
	int rc;

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
	if (exists) {
		identify(file, &st);
		rc = refuse_twice(file, diag);
		if (rc < 0)
			return rc;
	} else {
		flags |= O_CREAT | O_EXCL;
	}
	file->own = open_patiently(file->path, flags);
	if (file->own < 0)
		return refuse_open(file, -errno, diag);
	if (!exists && ftruncate(file->own, (off_t)file->size) < 0)
		return refuse_created(file, -errno, diag);
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
	else if ((flags & O_APPEND) != 0)
		return kio_refuse(diag, -EINVAL,
				  "fd=%u is open with O_APPEND: all writes would go to its end", file->fd);
	if (((flags & O_DIRECT) != 0) != file->direct)
		return kio_refuse(diag, -EINVAL, "fd=%u is open %s O_DIRECT; say direct=%s",
				  file->fd, file->direct ? "without" : "with",
				  file->direct ? "no" : "yes");
	return 0;
}

/*
 * A descriptor of the caller's brings its open file description along, and the
 * lock on that: a second user of it would neither be kept out nor keep the lock
 * when the first closes. Seen through a description of our own it shows.
 */
static bool
is_locked_by_itself(const struct file *file)
{
	uint64_t since = kio__now();
	struct flock lock;
	char path[32];
	int fd;

	kio_format(path, sizeof(path), "/proc/self/fd/%u", (unsigned)file->own);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	do {
		lock = (struct flock){ .l_type = F_WRLCK };
		if (fcntl(fd, F_OFD_GETLK, &lock) < 0)
			lock.l_type = F_UNLCK;
	} while (lock.l_type != F_UNLCK && try_again(since));
	close(fd);
	return lock.l_type != F_UNLCK;
}

/* One opener. */
static int
file_lock(struct file *file, struct kio_diag *diag)
{
	struct flock lock = { .l_type = file->layer.limits.read_only ? F_RDLCK : F_WRLCK };
	int rc = refuse_twice(file, diag);

	if (rc < 0)
		return rc;
	if (file->is_block)
		return 0;
	if (file->path == NULL && is_locked_by_itself(file))
		return kio_refuse(diag, -EBUSY, "fd=%u is locked: a stack, or another program, has it open",
				  file->fd);
	if (lock_patiently(file->own, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return kio_refuse(diag, -EBUSY, "%s is locked: another program, or another stack of this one, has it open",
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
		limits->mem_align = (uint32_t)kio__max(stx.stx_dio_mem_align, 4);
		return;
	}
#endif
	limits->block = limits->mem_align = 4096;
}

/* What is cut off would be lost to a copy without a word. */
static int
refuse_rest(const struct file *file, uint64_t size, struct kio_diag *diag)
{
	uint32_t block = file->layer.limits.block, rest = (uint32_t)(size & (block - 1));

	if (!file->direct || rest == 0)
		return 0;
	return kio_refuse(diag, -EINVAL,
			  "%s with %U bytes is not whole blocks of %u, which is what direct=yes can reach: "
			  "the last %u would be left out; open it without direct=yes, or make it longer",
			  file_label(file), size, block, rest);
}

static int
file_limits(struct file *file, struct kio_diag *diag)
{
	struct kio_limits *limits = &file->layer.limits;
	struct stat st;
	int rc = 0;

	if (fstat(file->own, &st) < 0)
		return kio_refuse(diag, -errno, "%s: %e", file_label(file), errno);
	identify(file, &st);
	file->sector = 1;
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
		rc = refuse_rest(file, limits->size, diag);
	}
	if (rc == 0 && file->size != 0 && limits->size != file->size)
		rc = kio_refuse(diag, -EEXIST, "%s exists and has %S, not size=%S", file_label(file),
				limits->size, file->size);
	return rc;
}

int
kio__file_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct file *file = file_of(layer);
	int rc;

	file->own = -1;
	if ((file->path == NULL) == (file->fd == KIO__NO_FD))
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

int
kio__file_close(struct kio_layer *layer)
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

int
kio__file_resize(struct kio_layer *layer, uint64_t size, struct kio_diag *diag)
{
	struct file *file = file_of(layer);

	if (file->is_block)
		return kio_refuse(diag, -ENOTSUP, "%s is a block device; it cannot grow",
				  file_label(file));
	if (refuse_rest(file, size, diag) < 0)
		return -EINVAL;
	if (ftruncate(file->own, (off_t)size) < 0)
		return kio_refuse(diag, -errno, "%s cannot grow to %S: %e", file_label(file), size,
				  errno);
	layer->limits.size = size;
	return 0;
}
