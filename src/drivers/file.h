/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_FILE_H
#define DRIVERS_FILE_H

/* The two halves of the driver file: file_open.c opens, file.c does the I/O. */

#include <sys/types.h>

#include <kiobuf/layer.h>

#define KIO__NO_FD 0xffffffffu

struct file {
	struct kio_layer layer;
	const char *path;
	unsigned fd; /* of the caller, or KIO__NO_FD */
	uint64_t size;
	bool direct;

	int own; /* the descriptor in use */
	bool is_block;
	unsigned sector; /* a device clears whole ones; a file any byte: 1 */
	dev_t device;
	ino_t inode;
	int error; /* the first that writing back reported; atomic */
};

static inline struct file *
file_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct file, layer);
}

static inline const char *
file_label(const struct file *file)
{
	return file->path != NULL ? file->path : "the descriptor";
}

int kio__file_open(struct kio_layer *layer, struct kio_diag *diag);
int kio__file_close(struct kio_layer *layer);
int kio__file_resize(struct kio_layer *layer, uint64_t size, struct kio_diag *diag);

#endif
