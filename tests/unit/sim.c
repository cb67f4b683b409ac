/* SPDX-License-Identifier: MIT */
/* The simulated disk: what it says went wrong did, and nothing else. */
#include <errno.h>

#include "drivers/sim.h"
#include "trace.h"

#define MILLION 1000000u

static unsigned char data[8192], back[8192];

static unsigned hits;
static uint64_t hit_from, hit_len;

static void
hit(unsigned disk, uint64_t offset, uint64_t len)
{
	CHECK_EQ(disk, 0);
	hits++;
	hit_from = offset;
	hit_len = len;
}

/* A disk that is new, with one fault at each request. */
static void
open_disk(struct rig *rig, const char *text, enum kio__sim_fault fault)
{
	kio__sim_forget();
	memset(&kio__sim, 0, sizeof(kio__sim));
	hits = 0;
	kio__sim.hit = hit;
	CHECK(rig_open(rig, text, &(struct kio_stack_options){ .engine = "sim" }));
	fill_pattern(data, sizeof(data), 0, 9);
	if (fault < KIO__SIM_DRAWN)
		kio__sim.rate[fault] = MILLION;
}

static void
close_disk(struct rig *rig)
{
	memset(kio__sim.rate, 0, sizeof(kio__sim.rate));
	rig_close(rig);
	kio__sim_power_cut(UINT64_MAX, 0);
}

static unsigned
differing(uint64_t from, uint64_t len)
{
	unsigned count = 0;

	for (uint64_t i = from; i < from + len; i++)
		count += back[i] != data[i];
	return count;
}

TEST("sim: errors are counted, and a kind that is left out does not come")
{
	struct rig rig;

	open_disk(&rig, "sim 64K store=u", KIO__SIM_EIO);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), -EIO);
	CHECK_EQ(kio__sim.fired[KIO__SIM_EIO], 1);
	kio__sim.without = 1u << KIO__SIM_EIO;
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	CHECK_EQ(kio__sim.fired[KIO__SIM_EIO], 1);
	close_disk(&rig);
	open_disk(&rig, "sim 64K store=u", KIO__SIM_ENOSPC);
	CHECK_EQ(rig_write(&rig, data, 4096, 0), -ENOSPC);
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	close_disk(&rig);
}

TEST("sim: a short transfer is asked for the rest, and all of it is there")
{
	struct rig rig;

	open_disk(&rig, "sim 64K store=u", KIO__SIM_SHORT);
	CHECK_EQ(rig_write(&rig, data, 8192, 0), 0);
	CHECK_EQ(rig_read(&rig, back, 8192, 0), 0);
	CHECK_EQ(kio__sim.fired[KIO__SIM_SHORT], 2);
	CHECK_EQ(differing(0, 8192), 0);
	close_disk(&rig);
}

TEST("sim: of a bit that turns over the disk tells the sector, and that it stays")
{
	struct rig rig;

	open_disk(&rig, "sim 64K store=u", KIO__SIM_BIT_ROT);
	CHECK_EQ(rig_write(&rig, data, 8192, 0), 0);
	CHECK_EQ(rig_read(&rig, back, 8192, 0), 0);
	kio__sim.rate[KIO__SIM_BIT_ROT] = 0;
	CHECK_EQ(rig_read(&rig, back, 8192, 0), 0);
	CHECK_EQ(hits, 1);
	CHECK_EQ(hit_len, 512);
	CHECK_EQ(differing(hit_from, 512), 1);
	CHECK_EQ(differing(0, 8192), 1);
	close_disk(&rig);
}

TEST("sim: a write that goes elsewhere is told at both places")
{
	struct rig rig;

	open_disk(&rig, "sim 64K block=512 store=u", KIO__SIM_MISDIRECTED_WRITE);
	CHECK_EQ(rig_write(&rig, data, 512, 0), 0);
	kio__sim.rate[KIO__SIM_MISDIRECTED_WRITE] = 0;
	CHECK_EQ(hits, 2);
	CHECK_EQ(rig_read(&rig, back, 512, hit_from), 0);
	CHECK_EQ(differing(0, 512), 0);
	close_disk(&rig);
}

TEST("sim: FUA that was none is told when the power fails, if it was lost")
{
	unsigned lost = 0, told = 0;
	struct rig rig;

	for (unsigned seed = 0; seed < 40; seed++) {
		open_disk(&rig, "sim 64K block=512 store=u", KIO__SIM_LOST_FUA);
		kio_prepare(rig.kio, KIO_WRITE, KIO_FUA, 0, kio_buf(rig.kio, data, 512), NULL);
		kio_submit(rig.kio);
		CHECK_EQ(rig_wait(&rig, rig.kio), 0);
		kio__sim_power_cut(0, seed);
		close_disk(&rig);
		told += hits;
		CHECK(rig_open(&rig, "sim 64K block=512 store=u", &(struct kio_stack_options){ .engine = "sim" }));
		CHECK_EQ(rig_read(&rig, back, 512, 0), 0);
		lost += differing(0, 512) != 0;
		rig_close(&rig);
	}
	CHECK_EQ(told, lost);
	CHECK(lost > 5 && lost < 35);
}

TEST("sim: of a write in flight when the power fails, pieces are there")
{
	unsigned some = 0, count;
	struct rig rig;

	for (unsigned seed = 0; seed < 40; seed++) {
		open_disk(&rig, "sim 64K block=512 store=u", KIO__SIM_DRAWN);
		kio_prepare(rig.kio, KIO_WRITE, 0, 0, kio_buf(rig.kio, data, 8192), NULL);
		kio_submit(rig.kio);
		kio__sim_power_cut(0, seed);
		CHECK_EQ(rig_wait(&rig, rig.kio), -EIO);
		close_disk(&rig);
		CHECK(rig_open(&rig, "sim 64K block=512 store=u", &(struct kio_stack_options){ .engine = "sim" }));
		CHECK_EQ(rig_read(&rig, back, 8192, 0), 0);
		count = 0;
		for (unsigned i = 0; i < 16; i++)
			count += differing(i * 512, 512) == 0;
		some += count != 0 && count != 16;
		rig_close(&rig);
	}
	CHECK_EQ(kio__sim.fired[KIO__SIM_TORN_512] + kio__sim.fired[KIO__SIM_TORN_4096] <= 1, 1);
	CHECK(some > 20);
}

TEST("sim: one disk alone loses its power, and the other goes on")
{
	struct rig rig;

	open_disk(&rig, "mirror state=none { sim 64K off=2 store=u ; sim 64K store=v }", KIO__SIM_DRAWN);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(rig_write(&rig, data, 8192, 0), 0);
	CHECK_EQ(kio__sim.fired[KIO__SIM_CUT_ONE_LEG], 1);
	CHECK_EQ(rig_read(&rig, back, 8192, 0), 0);
	CHECK_EQ(differing(0, 8192), 0);
	close_disk(&rig);
}

TEST("sim: what was forgotten is zero, and the same run has the same hash")
{
	uint64_t hashes[2];
	struct rig rig;

	for (unsigned i = 0; i < 2; i++) {
		open_disk(&rig, "retry | delay 1us | sim 1M store=u", KIO__SIM_SHORT);
		CHECK_EQ(rig_write(&rig, data, 8192, 0), 0);
		CHECK_EQ(rig_read(&rig, back, 8192, 0), 0);
		close_disk(&rig);
		hashes[i] = kio__sim.hash;
	}
	CHECK(hashes[0] != 0 && hashes[0] == hashes[1]);
	open_disk(&rig, "sim 1M store=u", KIO__SIM_DRAWN);
	CHECK_EQ(rig_read(&rig, back, 8192, 0), 0);
	memset(data, 0, sizeof(data));
	CHECK_EQ(differing(0, 8192), 0);
	close_disk(&rig);
}
