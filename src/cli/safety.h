/* SPDX-License-Identifier: MIT */
#ifndef CLI_SAFETY_H
#define CLI_SAFETY_H

#include "cli/cli.h"

/*
 * Is there something to lose where the argument is written? EXIT_REFUSED, with a
 * message, without opening it; EXIT_USAGE where the text of the stack is wrong.
 */
int cli_refuse_overwrite(const struct cli *cli, const char *argument);

/*
 * Do the files and devices of a stack hold anything but zeroes? EXIT_REFUSED, with
 * a message that names the first. Reads them where they have data.
 */
int cli_refuse_data(const struct cli *cli, const char *argument);
/* The same of just the layer of that name and those below it. */
int cli_refuse_leg_data(const struct cli *cli, const char *argument, const char *leg);

#endif
