/* SPDX-License-Identifier: MIT */
/* An operation in pieces: each is used as soon as it is done, and none is told wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <kiobuf/pieces.h>

#include "base/math.h"
#include "port/port.h"
#include "trace.h"

#define LONGEST (1u << 20)

static unsigned char data[LONGEST], back[LONGEST];

static struct {
	uint64_t from[512], len[512];
	int status[512];
	unsigned count, done;
	bool cancel;
	int whole;
} seen;

static void
ready(struct kio_pieces *pieces, uint64_t from, uint64_t len, int status)
{
	seen.from[seen.count] = from;
	seen.len[seen.count] = len;
	seen.status[seen.count++] = status;
	CHECK_EQ(seen.done, 0);
	if (seen.cancel)
		kio_pieces_cancel(pieces);
}

static void
all_done(struct kio_pieces *pieces)
{
	seen.done++;
	seen.whole = pieces->event.status;
	CHECK(kio_event_fired(&pieces->event));
}

static struct kio_pieces *
open_pieces(struct rig *rig, const char *text, uint64_t grain)
{
	struct kio_pieces *pieces;

	trace_clear();
	trace_reset();
	CHECK(rig_open(rig, text, &(struct kio_stack_options){ .engine = "sim" }));
	fill_pattern(data, sizeof(data), 0, 5);
	pieces = kio_pieces_create(rig->channel, grain, LONGEST);
	CHECK(pieces != NULL);
	return pieces;
}

static void
close_pieces(struct rig *rig, struct kio_pieces *pieces)
{
	kio_pieces_destroy(pieces);
	rig_close(rig);
}

static void
begin(struct rig *rig, struct kio_pieces *pieces, enum kio_op op, void *memory, size_t len, uint64_t offset)
{
	memset(&seen, 0, sizeof(seen));
	kio_pieces_submit(pieces, op, 0, offset, memory != NULL ? kio_buf(rig->kio, memory, len) : kio_iter_none(len),
			  ready, all_done);
	CHECK_EQ(seen.count + seen.done, 0);
}

static void
step(struct rig *rig, unsigned times)
{
	while (times-- > 0)
		kio_loop_step(rig->loop, 0);
}

static int
run(struct rig *rig)
{
	for (unsigned i = 0; i < 100000 && seen.done == 0; i++)
		kio_loop_step(rig->loop, 1000000);
	CHECK_EQ(seen.done, 1);
	return seen.whole;
}

static void
check_range(const struct kio_pieces *pieces, uint64_t from, uint64_t len, enum kio_outcome outcome, int status)
{
	struct kio_range range;

	CHECK(kio_pieces_range(pieces, from, &range));
	CHECK_EQ(range.from, from);
	CHECK_EQ(range.len, len);
	CHECK_EQ(range.outcome, outcome);
	CHECK_EQ(range.status, status);
}

TEST("pieces: they end at multiples of the grain, and all bytes are there")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "trace id=1 size=4M", 65536);
	struct kio_range range;

	begin(&rig, pieces, KIO_WRITE, data, 200000, 60000);
	CHECK_EQ(run(&rig), 0);
	CHECK_EQ(seen.count, 4);
	CHECK_EQ(trace_count, 4);
	CHECK(trace_notes[0].offset == 60000 && trace_notes[0].len == 5536 && trace_notes[0].base == data);
	CHECK(trace_notes[1].offset == 65536 && trace_notes[1].len == 65536);
	CHECK(trace_notes[3].offset == 196608 && trace_notes[3].len == 63392);
	CHECK(memcmp(trace_bytes(1) + 60000, data, 200000) == 0);
	check_range(pieces, 0, 200000, KIO_MOVED, 0);
	check_range(pieces, 100000, 100000, KIO_MOVED, 0);
	CHECK(!kio_pieces_range(pieces, 200000, &range));
	begin(&rig, pieces, KIO_READ, back, 200000, 60000);
	CHECK_EQ(run(&rig), 0);
	CHECK(memcmp(back, data, 200000) == 0);
	close_pieces(&rig, pieces);
}

TEST("pieces: one is used while others are under way, through encryption too")
{
	struct rig rig;
	struct kio_pieces *pieces;
	char text[100], key[] = "/tmp/pieces.XXXXXX";
	int fd = mkstemp(key);

	CHECK(fd >= 0 && write(fd, data, 64) == 64);
	for (unsigned i = 0; i < 64; i++)
		CHECK(pwrite(fd, &(unsigned char){ (unsigned char)(i * 7 + 1) }, 1, i) == 1);
	close(fd);
	snprintf(text, sizeof(text), "crypt header=none key-file=%s | trace id=1 size=4M", key);
	pieces = open_pieces(&rig, text, 65536);
	CHECK_EQ(rig_write(&rig, data, LONGEST, 0), 0);
	trace_hold(1, 131072);
	begin(&rig, pieces, KIO_READ, back, LONGEST, 0);
	while (seen.count < 2)
		step(&rig, 1);
	step(&rig, 10);
	CHECK_EQ(seen.count, 2);
	CHECK_EQ(seen.done, 0);
	CHECK(memcmp(back, data, 131072) == 0);
	check_range(pieces, 0, 131072, KIO_MOVED, 0);
	check_range(pieces, 131072, LONGEST - 131072, KIO_UNDERWAY, 0);
	/* its memory serves something else meanwhile */
	memset(back, 0, 131072);
	trace_release(1);
	CHECK_EQ(run(&rig), 0);
	CHECK(memcmp(back + 131072, data + 131072, LONGEST - 131072) == 0);
	CHECK(back[0] == 0 && back[131071] == 0);
	close_pieces(&rig, pieces);
	unlink(key);
}

TEST("pieces: what failed, with what, and what is unknown, range by range")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "fault op=any error=1000000 offset=100K length=4K code=enodev | trace id=1 size=4M", 65536);

	CHECK_EQ(rig_write(&rig, data, 65536, 0), 0);
	begin(&rig, pieces, KIO_READ, back, 262144, 0);
	CHECK_EQ(run(&rig), -ENODEV);
	CHECK_EQ(seen.count, 4);
	check_range(pieces, 0, 65536, KIO_MOVED, 0);
	check_range(pieces, 65536, 65536, KIO_FAILED, -ENODEV);
	check_range(pieces, 131072, 131072, KIO_MOVED, 0);
	begin(&rig, pieces, KIO_WRITE, data, 262144, 0);
	CHECK_EQ(run(&rig), -ENODEV);
	check_range(pieces, 0, 65536, KIO_MOVED, 0);
	check_range(pieces, 65536, 65536, KIO_UNKNOWN, -ENODEV);
	check_range(pieces, 131072, 131072, KIO_MOVED, 0);
	begin(&rig, pieces, KIO_WRITE_ZEROES, NULL, 100, 0);
	CHECK_EQ(run(&rig), 0);
	close_pieces(&rig, pieces);
}

TEST("pieces: the hull of a piece that was split below narrows its range; the lowest error is the whole's")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "stripe chunk=4K { trace id=1 size=4M ; fault op=any offset=8K length=4K error=1000000 code=enospc | trace id=2 size=4M }", 65536);

	/* the second leg's third chunk: bytes 20480 .. 24576 */
	begin(&rig, pieces, KIO_READ, back, 131072, 0);
	CHECK_EQ(run(&rig), -ENOSPC);
	check_range(pieces, 0, 20480, KIO_MOVED, 0);
	check_range(pieces, 20480, 4096, KIO_FAILED, -ENOSPC);
	check_range(pieces, 24576, 131072 - 24576, KIO_MOVED, 0);
	close_pieces(&rig, pieces);

	/* the first piece is the last to fail */
	pieces = open_pieces(&rig, "fault late=1000000 delay=1ms offset=0 length=4K |"
		" fault error=1000000 code=enospc offset=0 length=4K |"
		" fault error=1000000 code=enodev offset=64K length=4K | trace id=1 size=4M", 65536);
	begin(&rig, pieces, KIO_READ, back, 131072, 0);
	CHECK_EQ(run(&rig), -ENOSPC);
	CHECK(seen.from[0] == 65536 && seen.status[0] == -ENODEV);
	CHECK(seen.from[1] == 0 && seen.status[1] == -ENOSPC);
	check_range(pieces, 0, 65536, KIO_FAILED, -ENOSPC);
	check_range(pieces, 65536, 65536, KIO_FAILED, -ENODEV);
	close_pieces(&rig, pieces);
}

TEST("pieces: cancelled, what has not begun is not begun, and what was under way is unknown")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "trace id=1 size=4M cancels", 16384);

	/* 32 are in flight; the rest waits */
	trace_hold(1, 16384);
	begin(&rig, pieces, KIO_WRITE, data, LONGEST, 0);
	while (seen.count == 0)
		step(&rig, 1);
	step(&rig, 4);
	kio_pieces_cancel(pieces);
	trace_release(1);
	CHECK_EQ(run(&rig), -ECANCELED);
	CHECK_EQ(seen.count, 33);
	check_range(pieces, 0, 16384, KIO_MOVED, 0);
	check_range(pieces, 16384, 32 * 16384, KIO_UNKNOWN, -ECANCELED);
	check_range(pieces, 33 * 16384, LONGEST - 33 * 16384, KIO_FAILED, -ECANCELED);
	for (unsigned i = 0; i < 32 * 16384; i++)
		CHECK(i < 16384 || trace_bytes(1)[33 * 16384 + i] == 0);

	/* from within ready, too */
	trace_reset();
	memset(&seen, 0, sizeof(seen));
	seen.cancel = true;
	kio_pieces_submit(pieces, KIO_READ, 0, 0, kio_buf(rig.kio, back, LONGEST), ready, all_done);
	CHECK_EQ(run(&rig), -ECANCELED);
	CHECK(seen.count <= 32);
	kio_pieces_cancel(pieces);
	close_pieces(&rig, pieces);
}

TEST("pieces: nothing, too much and what has no pieces end later, too; a wrong grain is refused")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "trace id=1 size=4M block=4K", 65536);

	begin(&rig, pieces, KIO_READ, back, 0, 0);
	CHECK_EQ(run(&rig), 0);
	begin(&rig, pieces, KIO_READ, back, LONGEST + 4096, 0);
	CHECK_EQ(run(&rig), -EINVAL);
	begin(&rig, pieces, KIO_FLUSH, NULL, 0, 0);
	CHECK_EQ(run(&rig), -EINVAL);
	begin(&rig, pieces, KIO_READ, back, 65536, (4 << 20) - 4096);
	CHECK_EQ(run(&rig), -ERANGE);
	check_range(pieces, 0, 4096, KIO_MOVED, 0);
	check_range(pieces, 4096, 61440, KIO_FAILED, -ERANGE);
	CHECK(kio_pieces_create(rig.channel, 3000, LONGEST) == NULL);
	CHECK(kio_pieces_create(rig.channel, 2048, LONGEST) == NULL);
	CHECK(kio_pieces_create(rig.channel, 4096, 0) == NULL);
	close_pieces(&rig, pieces);
}

static unsigned released;

static void
count_release(struct kio_mem *mem)
{
	(void)mem;
	released++;
}

static void
not_released(struct kio_pieces *pieces, uint64_t from, uint64_t len, int status)
{
	(void)pieces;
	(void)from;
	(void)len;
	(void)status;
	CHECK_EQ(released, 0);
}

TEST("pieces: counted memory is given back once, when the whole is over")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "trace id=1 size=4M", 65536);
	struct kio_mem mem;
	struct kio_seg seg = { data, 200000, &mem };

	for (unsigned round = 0; round < 2; round++) {
		kio_mem_init(&mem, data, sizeof(data), count_release);
		released = 0;
		memset(&seen, 0, sizeof(seen));
		/* the second is refused */
		kio_pieces_submit(pieces, KIO_WRITE, 0, 0, (struct kio_iter){ &seg, 0, seg.len }, not_released, all_done);
		CHECK_EQ(released, 0);
		CHECK_EQ(run(&rig), round == 0 ? 0 : -EINVAL);
		CHECK_EQ(released, 1);
		seg.len = sizeof(data) + 1;
	}
	close_pieces(&rig, pieces);
}

TEST("pieces: nothing is allocated once it is made, and its event is a member like others")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "log | trace id=1 size=4M", 4096);
	struct kio_group group;
	uint64_t count;

	begin(&rig, pieces, KIO_WRITE, data, LONGEST, 0);
	CHECK_EQ(run(&rig), 0);
	count = kio__alloc_count();
	begin(&rig, pieces, KIO_READ, back, LONGEST, 4096);
	kio_group_init(&group, KIO_ALL, 0);
	kio_group_add(&group, &pieces->event);
	kio_group_seal(&group);
	CHECK_EQ(run(&rig), 0);
	CHECK_EQ(kio__alloc_count(), count);
	CHECK(kio_event_fired(&group.drained));
	CHECK_EQ(seen.count, 256);
	close_pieces(&rig, pieces);
}

TEST("pieces: merged below, they are one I/O again")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "merge | trace id=1 size=4M", 4096);

	begin(&rig, pieces, KIO_READ, back, 65536, 0);
	CHECK_EQ(run(&rig), 0);
	CHECK_EQ(trace_count, 1);
	CHECK_EQ(trace_notes[0].len, 65536);
	CHECK_EQ(seen.count, 16);
	close_pieces(&rig, pieces);
}

TEST("pieces: what cannot be allocated is not made, and nothing is left of it")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "trace id=1 size=4M", 65536), *other = NULL;
	unsigned failed = 0;

	for (unsigned n = 1; n < 100 && other == NULL; n++) {
		kio__alloc_fail_at = n;
		other = kio_pieces_create(rig.channel, 65536, LONGEST);
		kio__alloc_fail_at = 0;
		failed += other == NULL;
	}
	/* itself, carriers, notes, and a container for each of the 16 pieces and the two at its ends */
	CHECK_EQ(failed, 3 + 18);
	kio_pieces_destroy(other);
	kio_pieces_destroy(NULL);
	CHECK(kio_pieces_create(rig.channel, 65536, UINT64_MAX) == NULL);
	CHECK(kio_pieces_create(rig.channel, 1, (uint64_t)1 << 40) == NULL);
	/* a container that was left would not let the channel close */
	close_pieces(&rig, pieces);
}

TEST("pieces: without ready and done they run all the same, discards and zeroes too")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "trace id=1 size=4M", 65536);
	static const enum kio_op ops[] = { KIO_WRITE, KIO_DISCARD, KIO_WRITE_ZEROES, KIO_FLUSH };

	for (unsigned i = 0; i < KIO__COUNT(ops); i++) {
		kio_pieces_submit(pieces, ops[i], 0, 65536,
				  ops[i] == KIO_WRITE ? kio_buf(rig.kio, data, 200000) : kio_iter_none(200000),
				  NULL, NULL);
		CHECK(!kio_event_fired(&pieces->event));
		while (!kio_event_fired(&pieces->event))
			step(&rig, 1);
		CHECK_EQ(pieces->event.status, ops[i] == KIO_FLUSH ? -EINVAL : 0);
		CHECK_EQ(trace_bytes(1)[65536 + 1000], i == 0 ? data[1000] : 0);
	}
	CHECK_EQ(trace_count, 3 * 4);
	begin(&rig, pieces, KIO_READ, back, 4096, UINT64_MAX / 2 + 1);
	CHECK_EQ(run(&rig), -EINVAL);
	begin(&rig, pieces, KIO_WRITE, NULL, 0, 0);
	kio_pieces_cancel(pieces); /* it has nothing to cancel, and ends by itself */
	CHECK_EQ(run(&rig), 0);
	close_pieces(&rig, pieces);
}

TEST("pieces: cancelled when all has begun, what has ended keeps what it came to")
{
	struct rig rig;
	struct kio_pieces *pieces = open_pieces(&rig, "trace id=1 size=4M cancels", 65536);

	trace_hold(1, 65536);
	begin(&rig, pieces, KIO_READ, back, 131072, 0);
	while (seen.count == 0)
		step(&rig, 1);
	kio_pieces_cancel(pieces);
	CHECK_EQ(run(&rig), -ECANCELED);
	check_range(pieces, 0, 65536, KIO_MOVED, 0);
	check_range(pieces, 65536, 65536, KIO_FAILED, -ECANCELED);

	/* twice: the second finds nothing that might still begin */
	trace_reset();
	trace_hold(1, 0);
	begin(&rig, pieces, KIO_WRITE, data, LONGEST, 4096);
	step(&rig, 2);
	kio_pieces_cancel(pieces);
	kio_pieces_cancel(pieces);
	CHECK_EQ(run(&rig), -ECANCELED);
	trace_release(1);
	close_pieces(&rig, pieces);
}

static struct rig busy_rig;

static struct kio_pieces *
busy_pieces(void)
{
	struct kio_pieces *pieces = open_pieces(&busy_rig, "trace id=1 size=4M", 65536);

	begin(&busy_rig, pieces, KIO_READ, back, LONGEST, 0);
	return pieces;
}

static void
submit_twice(void)
{
	struct kio_pieces *pieces = busy_pieces();

	kio_pieces_submit(pieces, KIO_READ, 0, 0, kio_buf(busy_rig.kio, back, 4096), NULL, NULL);
}

static void
destroy_in_flight(void)
{
	kio_pieces_destroy(busy_pieces());
}

TEST("pieces: to submit or destroy what is in flight aborts and says so")
{
	CHECK(unit_aborts(submit_twice, "kio_pieces_submit: the operation is in flight"));
	CHECK(unit_aborts(destroy_in_flight, "kio_pieces_destroy: the operation is in flight"));
}
