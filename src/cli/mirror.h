/* SPDX-License-Identifier: MIT */
#ifndef CLI_MIRROR_H
#define CLI_MIRROR_H

#include "cli/cli.h"

/* Shows what the operation `compared` told of a mirror; the exit code for it. */
int cli_compared(const struct cli *cli, const char *mirror, const json_t *result);

/* kiobuf mirror check STACK */
int cli_mirror_check(struct cli *cli);

#endif
