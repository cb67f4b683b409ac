/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_SIM_H
#define DRIVERS_SIM_H

#include <stdint.h>

/*
 * Now the power fails for all open disks of the driver `sim` that have a name, as
 * with cut=. On the thread of their loop.
 */
void kio__sim_power_cut(uint64_t seed);

#endif
