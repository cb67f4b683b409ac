/* SPDX-License-Identifier: MIT */
#ifndef DRIVERS_SIM_H
#define DRIVERS_SIM_H

/*
 * What a test has in its hands besides the options of the driver `sim`: faults for
 * all of its disks, what came of them, and the platters, which outlive a stack.
 */

#include <stdbool.h>
#include <stdint.h>

struct kio_loop;

/* All that goes wrong in the simulator; the driver does what concerns a disk, its user the rest. */
#define KIO__SIM_FAULTS(x) \
	x(EIO, "eio") \
	x(ENOSPC, "enospc") \
	x(SHORT, "short") \
	x(LATE, "late") \
	x(HANG, "hang") \
	x(BIT_ROT, "bit_rot") \
	x(MISDIRECTED_READ, "misdirected_read") \
	x(MISDIRECTED_WRITE, "misdirected_write") \
	x(STALE_READ, "stale_read") \
	x(LOST_FUA, "lost_fua") \
	x(REORDER, "reorder") \
	x(TORN_512, "torn_512") \
	x(TORN_4096, "torn_4096") \
	x(LOST_VOLATILE, "lost_volatile") \
	x(CUT_ONE_LEG, "cut_one_leg") \
	x(LEG_LOSS, "leg_loss") \
	x(LEG_RETURN, "leg_return") \
	x(SLOW_LEG, "slow_leg") \
	x(CANCEL, "cancel") \
	x(DEADLINE, "deadline") \
	x(ALLOC_AT_OPEN, "alloc_at_open") \
	x(CLOCK_JUMP, "clock_jump") \
	x(LOOP_STOPPED, "loop_stopped")

#define KIO__SIM_ENUM(name, text) KIO__SIM_##name,
enum kio__sim_fault { KIO__SIM_FAULTS(KIO__SIM_ENUM) KIO__SIM_KINDS };

/* The first so many are drawn for a request. */
#define KIO__SIM_DRAWN (KIO__SIM_LOST_FUA + 1)

struct kio__sim_world {
	uint32_t rate[KIO__SIM_DRAWN];    /* of a million requests */
	uint32_t without;                 /* kinds that are not done, by bits */
	uint64_t fired[KIO__SIM_KINDS];   /* how often each came */
	uint64_t cuts;                    /* of power, of all disks */
	uint64_t hash;                    /* of all requests and completions of disks, with their times */
	/* These bytes of a disk may be wrong from now on; and what is read, before it is. Disks by number. */
	void (*hit)(unsigned disk, uint64_t offset, uint64_t len);
	void (*reads)(unsigned disk, uint64_t offset, uint64_t len);
	/* Does a sector outlive a power cut that was not flushed? NULL: by chance. */
	bool (*keeps)(unsigned disk, uint64_t offset);
};

extern struct kio__sim_world kio__sim;

/* Counts a fault. False: this kind is not to be done. */
static inline bool
kio__sim_fires(enum kio__sim_fault kind)
{
	if ((kio__sim.without >> kind & 1) != 0)
		return false;
	kio__sim.fired[kind]++;
	return true;
}

static inline void
kio__sim_note(uint64_t a, uint64_t b)
{
	kio__sim.hash = (kio__sim.hash ^ a) * 0x9e3779b97f4a7c15u;
	kio__sim.hash = ((kio__sim.hash >> 29) ^ kio__sim.hash ^ b) * 0xbf58476d1ce4e5b9u;
}

/*
 * The power fails for all open disks of the driver `sim` that have a name, as with
 * cut=: at the so manieth write from now; 0: now, on the thread of their loop;
 * UINT64_MAX: not.
 */
void kio__sim_power_cut(uint64_t writes, uint64_t seed);

/* All disks that have a name, and that are not open, are forgotten. */
void kio__sim_forget(void);

/* The time of a loop of the engine `sim` leaps, on its thread. */
void kio__sim_clock_jump(struct kio_loop *loop, uint64_t ns);

#endif
