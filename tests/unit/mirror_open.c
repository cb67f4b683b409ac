/* SPDX-License-Identifier: MIT */
/* The mirror: which legs it opens with, what it creates and closes, and the state alone. */
#include "mirrors.h"

#include "base/endian.h"
#include "port/port.h"

static unsigned char data[1 << 20], back[1 << 20];

TEST("mirror: after an unclean stop one leg is kept, and the others are stale, durably")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	CHECK_EQ(rig_write(&rig, data, 4096, 0), 0);
	copy_leg(3, 1); /* what is on the legs while it is in use */
	copy_leg(4, 2);
	rig_close(&rig);
	copy_leg(1, 3);
	copy_leg(2, 4);
	refused("mirror resync=no " LEGS, -ESTALE, "it was not closed, so its legs may differ; degraded=yes keeps left");
	CHECK(rig_open(&rig, "mirror resync=no degraded=yes " LEGS, NULL));
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg right is stale");
}

TEST("mirror: two legs that were written without each other are refused until told which to keep")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=left }", NULL));
	rig_write(&rig, "left", 4, 0);
	rig_close(&rig);
	/* the right one knows nothing of that */
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=2 name=right }", NULL));
	rig_write(&rig, "right", 5, 0);
	rig_close(&rig);
	refused(BOTH, -ENOTUNIQ, "left and right were both written without the other; keep=NAME");
	refused(DEGRADED, -ENOTUNIQ, "keep=NAME");
	CHECK(rig_open(&rig, "mirror keep=right degraded=yes { trace id=1 name=left ; trace id=2 name=right }", NULL));
	CHECK_EQ(rig_read(&rig, back, 5, 0), 0);
	CHECK_EQ(memcmp(back, "right", 5), 0);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg left is stale");
}

TEST("mirror: legs that are missing, foreign or twice the same are told apart")
{
	struct rig rig;

	create(BOTH);
	refused("mirror { trace id=1 }", -ENODEV, "1 of 2 legs are there; degraded=yes");
	CHECK(rig_open(&rig, BOTH, NULL));
	rig_close(&rig);
	copy_leg(2, 1);
	refused(BOTH, -EINVAL, "left and right are copies of the same leg");
	create("mirror { trace id=5 ; trace id=6 }");
	refused("mirror { trace id=1 ; trace id=5 }", -EINVAL, "legs of different mirrors");
	trace_bytes(1)[STATE + 100] ^= 1;
	trace_bytes(1)[(1 << 20) - 4096 + 100] ^= 1;
	refused("mirror degraded=yes { trace id=1 }", -EIO, "cannot be used");
}

TEST("mirror: what is only read is not written")
{
	struct kio_stack_options read_only = { .read_only = true };
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, &read_only));
	CHECK_EQ(rig_read(&rig, back, 4096, 0), 0);
	rig_close(&rig);
	for (unsigned i = 0; i < trace_count; i++)
		CHECK_EQ(trace_notes[i].op, KIO_READ);
}

TEST("mirror: opening never formats; creating makes equal legs")
{
	struct rig rig;

	memset(data, 1, sizeof(data));
	CHECK(rig_open(&rig, "concat { trace id=1 ; trace id=2 }", NULL));
	rig_write(&rig, data, 1 << 20, 0);
	rig_write(&rig, data, 1 << 20, 1 << 20);
	rig_close(&rig);
	refused(BOTH, -ENODATA, "has no state of a mirror; kiobuf create makes one");
	create(BOTH);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(2), DATA), 0);
	CHECK(rig_open(&rig, BOTH, NULL));
	CHECK_EQ(kio_stack_limits(rig.stack)->size, DATA);
	fill_pattern(data, 100000, 0, 5);
	CHECK_EQ(rig_write(&rig, data, 100000, 777), 0);
	CHECK_EQ(memcmp(trace_bytes(1) + 777, data, 100000), 0);
	CHECK_EQ(memcmp(trace_bytes(2) + 777, data, 100000), 0);
	rig_close(&rig);
}

TEST("mirror: to create over one that is there needs force")
{
	struct kio_stack_options options = { .create = true };
	struct kio_stack *stack;
	struct kio_diag diag;

	create(BOTH);
	CHECK_EQ(kio_stack_open(&stack, BOTH, &options, &diag), -EEXIST);
}

TEST("mirror: opened degraded ever so often, the leg that missed it is still known as stale")
{
	create(BOTH);
	for (unsigned i = 0; i < KIO__MIRROR_HISTORY + 5; i++)
		opens("mirror degraded=yes { trace id=1 name=left }");
	refused(BOTH, -ESTALE, "the leg right is stale");
	opens(DEGRADED);
}

TEST("mirror: keep= decides between legs that were written apart, and does nothing else")
{
	create(BOTH);
	opens("mirror keep=left { trace id=1 name=left ; trace id=2 name=right }");
	opens(BOTH);
	opens("mirror degraded=yes { trace id=1 name=left }");
	refused("mirror keep=right { trace id=1 name=left ; trace id=2 name=right }", -ESTALE,
		"keep=right: this leg is stale; others have newer data");
	refused("mirror keep=middle { trace id=1 name=left ; trace id=2 name=right }", -EINVAL,
		"keep=middle: no leg has this name");
}

TEST("mirror: a leg that is blank or cannot be read is left out with degraded=yes, and stale from then on")
{
	create(BOTH);
	copy_leg(3, 2);
	memset(trace_bytes(2), 0, 1 << 20);
	refused(BOTH, -ENODATA, "the leg right has no state of a mirror");
	opens(DEGRADED);
	copy_leg(2, 3);
	refused(BOTH, -ESTALE, "the leg right is stale");

	create(BOTH);
	trace_fail(2, KIO_READ, -EIO, 100);
	refused(BOTH, -EIO, "the state of the leg right cannot be used");
	opens(DEGRADED);
	trace_reset();
	refused(BOTH, -ESTALE, "the leg right is stale");
}

/* Changes what both copies of a leg's state say. */
static void
forge(unsigned leg, void (*change)(struct kio__mirror_state *state))
{
	struct kio__mirror_state state;

	for (unsigned char *block = trace_bytes(leg) + STATE; block < trace_bytes(leg) + (1 << 20);
	     block += KIO__MIRROR_BLOCK) {
		if (kio__mirror_decode(&state, block) < 0)
			continue;
		change(&state);
		kio__mirror_encode(&state, block);
	}
}

static void
too_large(struct kio__mirror_state *state)
{
	state->size = DATA + 4096;
}

static void
nothing(struct kio__mirror_state *state)
{
	state->size = 0;
}

TEST("mirror: a size of the data for which the legs have no room is not believed")
{
	create(BOTH);
	forge(1, too_large);
	refused(BOTH, -EINVAL, "legs of different mirrors");
	forge(2, too_large);
	refused(BOTH, -EINVAL, "the mirror has 1016K of data, and the leg left room for 1012K");
	forge(1, nothing);
	forge(2, nothing);
	refused(BOTH, -EINVAL, "the mirror has 0 of data");
}

TEST("mirror: a leg that has no room for a state is left out with degraded=yes, too")
{
	create(BOTH);
	refused("mirror { trace id=1 name=left ; trace id=2 name=right size=8K }", -ENODATA,
		"the leg right has no state of a mirror");
	opens("mirror degraded=yes { trace id=1 name=left ; trace id=2 name=right size=8K }");
	refused(BOTH, -ESTALE, "the leg right is stale");
}

TEST("mirror: a leg that does not take the state at open is left out with degraded=yes; else nothing changed")
{
	create(BOTH);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	refused(BOTH, -EIO, "the state of the leg right cannot be written");
	opens(BOTH);
	trace_fail(2, KIO_WRITE, -EIO, 1);
	opens(DEGRADED);
	refused(BOTH, -ESTALE, "the leg right is stale");
	trace_fail(1, KIO_WRITE, -EIO, 1);
	refused(DEGRADED, -EIO, "the state of the leg left cannot be written");
}

TEST("mirror: a leg that fails at close is recorded as stale")
{
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(2, KIO_FLUSH, -EIO, 1);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg right is stale");
	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	trace_fail(1, KIO_WRITE, -EIO, 1);
	rig_close(&rig);
	refused(BOTH, -ESTALE, "the leg left is stale");
}

/* The place of a leg's valid state, and its sequence. */
static uint64_t
valid_copy(unsigned leg, uint64_t *sequence)
{
	struct kio__mirror_state state;
	uint64_t at = STATE;

	*sequence = 0;
	for (unsigned i = 0; i < 2; i++) {
		if (kio__mirror_decode(&state, trace_bytes(leg) + STATE + i * KIO__MIRROR_BLOCK) == 0 &&
		    state.sequence > *sequence) {
			*sequence = state.sequence;
			at = STATE + i * KIO__MIRROR_BLOCK;
		}
	}
	return at;
}

TEST("mirror: a crash while it closes leaves legs that count differently, and no valid state is overwritten")
{
	static const char *const orders[] = {
		BOTH, "mirror { trace id=2 name=right ; trace id=1 name=left }" };
	uint64_t valid, left, right;
	struct rig rig;
	unsigned note;

	for (unsigned i = 0; i < 2; i++) {
		create(BOTH);
		CHECK(rig_open(&rig, BOTH, NULL));
		copy_leg(4, 2);
		rig_close(&rig);
		copy_leg(2, 4);
		valid_copy(1, &left);
		valid = valid_copy(2, &right);
		CHECK_EQ(left, right + 1);
		trace_reset();
		/* the one that was closed last says so, wherever it stands */
		opens(orders[i]);
		for (note = 0; note < trace_count; note++) {
			if (trace_notes[note].leg == 2 && trace_notes[note].op == KIO_WRITE)
				break;
		}
		CHECK(trace_notes[note].offset != valid);
	}
}

TEST("mirror: after an unclean stop the order in the stack does not matter, and what is kept is flushed first")
{
	struct kio_stack_options read_only = { .read_only = true };
	struct kio_stack *stack = NULL;
	struct kio_diag diag;
	struct rig rig;
	unsigned i = 0;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	copy_leg(3, 1);
	copy_leg(4, 2);
	rig_close(&rig);
	copy_leg(1, 3);
	copy_leg(2, 4);
	/* what is only read changes no leg */
	CHECK_EQ(kio_stack_open(&stack, "mirror resync=no " LEGS, &read_only, &diag), -ESTALE);
	CHECK(strstr(diag.text, "degraded=yes reads left alone") != NULL);
	trace_reset();
	opens("mirror resync=no degraded=yes { trace id=2 name=right ; trace id=1 name=left }");
	while (i < trace_count && trace_notes[i].op == KIO_READ)
		i++;
	CHECK_EQ(trace_notes[i].leg, 1);
	CHECK_EQ(trace_notes[i].op, KIO_FLUSH);
	refused(BOTH, -ESTALE, "the leg right is stale");
}

#define THREE "{ trace id=1 name=a ; trace id=2 name=b ; trace id=3 name=c }"

TEST("mirror: keep= keeps all legs that were written together")
{
	struct rig rig;
	char text[100];

	create("mirror " THREE);
	opens("mirror degraded=yes { trace id=1 name=a ; trace id=2 name=b }");
	opens("mirror degraded=yes { trace id=3 name=c }");
	refused("mirror " THREE, -ENOTUNIQ, "keep=NAME");
	CHECK(rig_open(&rig, "mirror keep=b " THREE, NULL));
	CHECK_STR(kio_layer_describe(kio_stack_top(rig.stack), text, sizeof(text)),
		  "2 of 3 legs in sync, degraded");
	rig_close(&rig);
	refused("mirror " THREE, -ESTALE, "the leg c is stale");
}

TEST("mirror: to create anew that fails in the middle leaves no state that calls the legs equal")
{
	struct kio_stack_options options = { .create = true, .force = true };
	struct kio_stack *stack;
	struct rig rig;

	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	CHECK_EQ(rig_write(&rig, "some data", 9, 0), 0);
	rig_close(&rig);
	trace_fail(2, KIO_WRITE_ZEROES, -EIO, 1);
	CHECK_EQ(kio_stack_open(&stack, BOTH, &options, NULL), -EIO);
	refused(BOTH, -ENODATA, "has no state of a mirror");
}

TEST("mirror: a state of a newer version is refused, with degraded=yes too")
{
	struct kio_stack_options options = { .create = true };
	struct kio_stack *stack;

	create(BOTH);
	for (unsigned char *block = trace_bytes(2) + STATE; block < trace_bytes(2) + (1 << 20);
	     block += KIO__MIRROR_BLOCK) {
		block[8] = 3;
		kio__put_le32(block + KIO__MIRROR_BLOCK - 4, kio__crc32c(0, block, KIO__MIRROR_BLOCK - 4));
	}
	refused(BOTH, -ENOTSUP, "the state of the leg right cannot be used");
	refused(DEGRADED, -ENOTSUP, "the state of the leg right cannot be used");
	/* nor is it made empty */
	memset(trace_bytes(1), 0, 1 << 20);
	CHECK_EQ(kio_stack_open(&stack, BOTH, &options, NULL), -EEXIST);
}

/* --- the state alone ---------------------------------------------------- */

TEST("mirror state: to bytes and back; damage is noticed; the newer copy is chosen")
{
	static unsigned char area[KIO__MIRROR_COPIES];
	struct kio__mirror_state state = { .legs = 3, .leg = 2, .sequence = 7, .size = 12345678,
					   .epoch = 99, .in_use = true, .region_shift = 16 }, read;

	memcpy(state.mirror, "0123456789abcdef", 16);
	kio__mirror_advance(&state, 100);
	kio__mirror_encode(&state, area);
	state.sequence = 8;
	kio__mirror_encode(&state, area + KIO__MIRROR_BLOCK);
	CHECK_EQ(kio__mirror_choose(&read, area), 0);
	CHECK_EQ(read.sequence, 8);
	CHECK_EQ(read.epoch, 100);
	CHECK_EQ(read.legs, 3);
	CHECK_EQ(read.leg, 2);
	CHECK(read.in_use);
	CHECK(kio__mirror_has_seen(&read, 99));
	CHECK(!kio__mirror_has_seen(&read, 100));
	area[KIO__MIRROR_BLOCK + 50] ^= 4;
	CHECK_EQ(kio__mirror_choose(&read, area), 0);
	CHECK_EQ(read.sequence, 7);
	area[50] ^= 4;
	CHECK_EQ(kio__mirror_choose(&read, area), -EIO);
	memset(area, 0, sizeof(area));
	CHECK_EQ(kio__mirror_choose(&read, area), -ENODATA);
}

TEST("mirror state: the history keeps the latest epochs, and forgets the oldest")
{
	static struct kio__mirror_state state;

	for (uint64_t i = 1; i <= 200; i++)
		kio__mirror_advance(&state, i);
	CHECK_EQ(state.history_count, KIO__MIRROR_HISTORY);
	CHECK(kio__mirror_has_seen(&state, 199));
	CHECK(kio__mirror_has_seen(&state, 200 - KIO__MIRROR_HISTORY));
	CHECK(!kio__mirror_has_seen(&state, 200 - KIO__MIRROR_HISTORY - 1));
}
