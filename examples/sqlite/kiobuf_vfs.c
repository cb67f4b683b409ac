/* SPDX-License-Identifier: MIT */
/*
 * An SQLite VFS that keeps a database and its journal in one stack. Loaded into
 * the shell, it is where databases are from then on:
 *
 *	cc -shared -fPIC kiobuf_vfs.c -o kiobuf_vfs.so $(pkg-config --cflags --libs kiobuf)
 *	export KIOBUF_STACK='align | powercut seed=7 within=200 | file bank.img'
 *	sqlite3 -cmd '.load ./kiobuf_vfs' -cmd '.open bank'
 *
 * The stack is a disk with room for two files:
 *
 *	0             4096             65536                half                 end
 *	| database's | journal's | ...   | database           | journal           |
 *	|   entry    |  entry    |
 *
 * An entry says whether the file is there and how long it is, in one sector, so
 * that a power cut leaves the old one or the new one. It is written when it
 * changes; what makes it last is a flush, as for the data. One process, one
 * database at a time; temporary files stay where they were.
 */
#include <kiobuf/kiobuf.h>
#include <sqlite3ext.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SQLITE_EXTENSION_INIT1

#define MAGIC "kvfs1"
#define DATA 65536

struct entry {
	char magic[8];
	sqlite3_uint64 there, size;
	char rest[512 - 24];
};

enum { DATABASE, JOURNAL };

/* One of the two files, as the stack has it. */
struct kept {
	struct entry entry;
	sqlite3_uint64 offset, room;
	int shrunk; /* since the last flush: what it held must be gone before it grows again */
};

struct vfs_file {
	sqlite3_file base;
	struct kept *kept;
};

static struct kio_stack *stack;
static struct kept files[2];
static sqlite3_vfs *system_vfs;

static void
say(void *priv, enum kio_severity severity, const char *text)
{
	(void)priv;
	(void)severity;
	fprintf(stderr, "%s\n", text);
}

/* --- the two files --------------------------------------------------------- */

static int
open_disk(void)
{
	struct kio_stack_options options = { .log = say };
	const char *text = getenv("KIOBUF_STACK");
	const struct kio_limits *limits;
	struct kio_diag diag;

	if (text == NULL)
		return fprintf(stderr, "KIOBUF_STACK says where the database is\n"), -1;
	if (kio_stack_open(&stack, text, &options, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), -1;
	limits = kio_stack_limits(stack);
	if (limits->block != 1 || limits->size < 4 * DATA) {
		fprintf(stderr, "KIOBUF_STACK has to begin with align, and to hold 256K\n");
		goto close;
	}
	for (int i = DATABASE; i <= JOURNAL; i++) {
		files[i].room = (limits->size - DATA) / 2;
		files[i].offset = DATA + i * files[i].room;
		files[i].shrunk = 0;
		if (kio_pread(stack, &files[i].entry, sizeof(files[i].entry), i * 4096) < 0)
			goto close;
		if (memcmp(files[i].entry.magic, MAGIC, sizeof(MAGIC)) != 0)
			memset(&files[i].entry, 0, sizeof(files[i].entry));
	}
	return 0;
close:
	kio_stack_close(&stack, NULL);
	return -1;
}

/* The shell leaves without closing the database after an error. */
static void
close_disk(void)
{
	kio_stack_close(&stack, NULL);
}

static int
put_entry(struct kept *kept, sqlite3_uint64 there, sqlite3_uint64 size)
{
	if (there < kept->entry.there || size < kept->entry.size)
		kept->shrunk = 1;
	memcpy(kept->entry.magic, MAGIC, sizeof(MAGIC));
	kept->entry.there = there;
	kept->entry.size = size;
	return kio_pwrite(stack, &kept->entry, sizeof(kept->entry), (kept - files) * 4096, 0);
}

/* A file that is made anew must not begin with what was there before: zeroes, as of a new one. */
static int
empty(struct kept *kept, sqlite3_uint64 there)
{
	if (put_entry(kept, there, 0) < 0)
		return -1;
	return kio_pclear(stack, KIO_WRITE_ZEROES, 512, kept->offset, 0);
}

static int
flush(void)
{
	if (kio_flush(stack) < 0)
		return SQLITE_IOERR_FSYNC;
	files[DATABASE].shrunk = files[JOURNAL].shrunk = 0;
	return SQLITE_OK;
}

/* --- a file's methods ------------------------------------------------------- */

static struct kept *
kept_of(sqlite3_file *file)
{
	return ((struct vfs_file *)file)->kept;
}

static int
vfs_read(sqlite3_file *file, void *into, int count, sqlite3_int64 from)
{
	struct kept *kept = kept_of(file);
	sqlite3_uint64 size = kept->entry.size, offset = (sqlite3_uint64)from, len = (sqlite3_uint64)count;

	if (offset >= size)
		len = 0;
	else if (len > size - offset)
		len = size - offset;
	if (len != 0 && kio_pread(stack, into, len, kept->offset + offset) < 0)
		return SQLITE_IOERR_READ;
	if (len == (sqlite3_uint64)count)
		return SQLITE_OK;
	memset((char *)into + len, 0, (sqlite3_uint64)count - len);
	return SQLITE_IOERR_SHORT_READ;
}

static int
vfs_write(sqlite3_file *file, const void *from, int count, sqlite3_int64 to)
{
	struct kept *kept = kept_of(file);
	sqlite3_uint64 end = (sqlite3_uint64)to + (sqlite3_uint64)count;

	if (end > kept->room)
		return SQLITE_FULL;
	/* a journal that is gone must not come back with parts of this one in it */
	if (kept->shrunk && flush() != SQLITE_OK)
		return SQLITE_IOERR_WRITE;
	if (kio_pwrite(stack, from, (size_t)count, kept->offset + (sqlite3_uint64)to, 0) < 0)
		return SQLITE_IOERR_WRITE;
	if (end > kept->entry.size && put_entry(kept, 1, end) < 0)
		return SQLITE_IOERR_WRITE;
	return SQLITE_OK;
}

static int
vfs_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int rc = size == 0 ? empty(kept_of(file), 1) : put_entry(kept_of(file), 1, (sqlite3_uint64)size);

	return rc < 0 ? SQLITE_IOERR_TRUNCATE : SQLITE_OK;
}

static int
vfs_sync(sqlite3_file *file, int flags)
{
	(void)file;
	(void)flags;
	return flush();
}

static int
vfs_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)kept_of(file)->entry.size;
	return SQLITE_OK;
}

static int
vfs_close(sqlite3_file *file)
{
	if (kept_of(file) == &files[DATABASE])
		return kio_stack_close(&stack, NULL) < 0 ? SQLITE_IOERR_CLOSE : SQLITE_OK;
	return SQLITE_OK;
}

/* The stack's files are locked, so there is nobody else. */
static int
vfs_lock(sqlite3_file *file, int level)
{
	(void)file;
	(void)level;
	return SQLITE_OK;
}

static int
vfs_check_reserved_lock(sqlite3_file *file, int *reserved)
{
	(void)file;
	*reserved = 0;
	return SQLITE_OK;
}

static int
vfs_file_control(sqlite3_file *file, int op, void *arg)
{
	(void)file;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int
vfs_sector_size(sqlite3_file *file)
{
	(void)file;
	return 512;
}

static int
vfs_device_characteristics(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = vfs_close,
	.xRead = vfs_read,
	.xWrite = vfs_write,
	.xTruncate = vfs_truncate,
	.xSync = vfs_sync,
	.xFileSize = vfs_file_size,
	.xLock = vfs_lock,
	.xUnlock = vfs_lock,
	.xCheckReservedLock = vfs_check_reserved_lock,
	.xFileControl = vfs_file_control,
	.xSectorSize = vfs_sector_size,
	.xDeviceCharacteristics = vfs_device_characteristics,
};

/* --- the VFS ---------------------------------------------------------------- */

static struct kept *
find(const char *name)
{
	size_t len = strlen(name);

	if (len > 8 && strcmp(name + len - 8, "-journal") == 0)
		return &files[JOURNAL];
	return strchr(name, '-') == NULL ? &files[DATABASE] : NULL;
}

static int
vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
	struct vfs_file *vfs_file = (struct vfs_file *)file;

	(void)vfs;
	file->pMethods = NULL;
	if ((flags & SQLITE_OPEN_MAIN_DB) != 0) {
		if (stack != NULL)
			return SQLITE_BUSY;
		if (open_disk() < 0)
			return SQLITE_CANTOPEN;
		vfs_file->kept = &files[DATABASE];
	} else if ((flags & SQLITE_OPEN_MAIN_JOURNAL) != 0) {
		vfs_file->kept = &files[JOURNAL];
		if (!files[JOURNAL].entry.there && put_entry(&files[JOURNAL], 1, 0) < 0)
			return SQLITE_CANTOPEN;
	} else {
		return system_vfs->xOpen(system_vfs, name, file, flags, out_flags);
	}
	file->pMethods = &methods;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int
vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	struct kept *kept = find(name);

	(void)vfs;
	if (kept == NULL || stack == NULL || !kept->entry.there)
		return SQLITE_IOERR_DELETE_NOENT;
	if (empty(kept, 0) < 0)
		return SQLITE_IOERR_DELETE;
	return sync ? flush() : SQLITE_OK;
}

static int
vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *there)
{
	struct kept *kept = find(name);

	(void)vfs;
	(void)flags;
	*there = kept != NULL && stack != NULL && kept->entry.there;
	return SQLITE_OK;
}

static int
vfs_full_pathname(sqlite3_vfs *vfs, const char *name, int room, char *full)
{
	(void)vfs;
	if (strlen(name) >= (size_t)room)
		return SQLITE_CANTOPEN;
	strcpy(full, name);
	return SQLITE_OK;
}

int
sqlite3_kiobufvfs_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
	static sqlite3_vfs vfs;

	(void)db;
	(void)error;
	SQLITE_EXTENSION_INIT2(api);
	system_vfs = sqlite3_vfs_find(NULL);
	vfs = *system_vfs;
	vfs.zName = "kiobuf";
	vfs.pNext = NULL;
	if (vfs.szOsFile < (int)sizeof(struct vfs_file))
		vfs.szOsFile = (int)sizeof(struct vfs_file);
	vfs.xOpen = vfs_open;
	vfs.xDelete = vfs_delete;
	vfs.xAccess = vfs_access;
	vfs.xFullPathname = vfs_full_pathname;
	if (atexit(close_disk) != 0 || sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
		return SQLITE_ERROR;
	return SQLITE_OK_LOAD_PERMANENTLY;
}
