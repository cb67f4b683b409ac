/* SPDX-License-Identifier: MIT */
#ifndef CLI_SUITE_H
#define CLI_SUITE_H

/*
 * The project's own figures: kiobuf bench --suite NAME. Each is a number under
 * its name, in one flat JSON object; limits are ratios within one run.
 */

#include "cli/cli.h"

int cli_suite(const struct cli *cli, const char *name);

/* Instructions of one call of run(priv) in a child, counted one by one; 0: cannot be had here. */
uint64_t cli_count_instructions(void (*run)(void *priv), void *priv);

/* The time of one uncontended locked instruction: what others are multiples of. */
double cli_locked_ns(void);

void cli_set_figure(json_t *figures, const char *name, double value);
/* Prints and frees them. */
void cli_print_figures(const struct cli *cli, const char *schema, json_t *figures);

int cli_suite_core(const struct cli *cli);
int cli_suite_events(const struct cli *cli);
int cli_suite_file(const struct cli *cli);

#endif
