/* SPDX-License-Identifier: MIT */
#ifndef CLI_LISTEN_H
#define CLI_LISTEN_H

/* Where a server listens. */

#include <sys/types.h>

#include "cli/cli.h"

struct listener {
	int fd; /* -1: none */
	char *uri;
	char path[108]; /* of a unix socket; "" */
	dev_t device;   /* what was made there */
	ino_t inode;
	char folder[64]; /* made for it; "" */
};

/* 0, or an exit code after the complaint. */
int cli_listen_unix(const struct cli *cli, struct listener *listener, const char *path,
		    const char *name);
/* In a folder of its own, for a command that is run. */
int cli_listen_private(const struct cli *cli, struct listener *listener, const char *name);
/* HOST:PORT. Beyond the loopback it has to be said that anybody may read and write. */
int cli_listen_tcp(const struct cli *cli, struct listener *listener, const char *address,
		   const char *name, bool anywhere);
void cli_listen_end(struct listener *listener);

#endif
