/* SPDX-License-Identifier: MIT */
#ifndef CORE_SOURCE_H
#define CORE_SOURCE_H

/* What the kinds of sources differ in; those that need the system are in src/drivers. */

#include <kiobuf/source.h>

struct kio__source_kind {
	/* On the loop, once: nothing comes any more (true), or it will find that it was too late. */
	bool (*stop)(struct kio_source *source);
	/* A descriptor is ready: takes what came. Status, or -EAGAIN: it was for others. May be NULL. */
	int (*take)(struct kio_source *source);
	/* It is not watched any more. May be NULL. */
	void (*leave)(struct kio_source *source);
};

/* As kio_source_fd. On failure the descriptor is the caller's still. */
int kio__source_watch(struct kio_loop *loop, struct kio_source *source, int fd, unsigned events,
		      const struct kio__source_kind *kind);
/* The stop of those kinds. */
bool kio__source_unwatch(struct kio_source *source);

#endif
