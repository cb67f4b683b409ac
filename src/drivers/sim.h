/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_SIM_H
#define DRIVERS_SIM_H

#include <stdint.h>

/*
 * The power fails for all open disks of the driver `sim` that have a name, as with
 * cut=: at the so manieth write from now; 0: now, on the thread of their loop;
 * UINT64_MAX: not.
 */
void kio__sim_power_cut(uint64_t writes, uint64_t seed);

#endif
