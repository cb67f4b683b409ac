/* SPDX-License-Identifier: MIT */
/* The mirror: a leg takes the place of another. */
#include "mirrors.h"

#define REGION (1 << 16)
#define WITH_NEW "mirror { trace id=1 name=left ; trace id=3 name=new }"

static unsigned char data[1 << 16];

static const struct kio_stack_options replacing = { .new_leg = "new" }, forcing = { .new_leg = "new",
										    .force = true };

/* A mirror of left and right, some of it written; the third is empty. */
static void
written(void)
{
	struct rig rig;

	create(BOTH);
	trace_clear();
	create(BOTH);
	CHECK(rig_open(&rig, BOTH, NULL));
	fill_pattern(data, sizeof(data), 0, 1);
	CHECK_EQ(rig_write(&rig, data, sizeof(data), 8192), 0);
	rig_close(&rig);
}

static void
until_equal(struct rig *rig)
{
	for (unsigned i = 0; i < 2000 && kio_stack_health(rig->stack) != KIO_HEALTH_OK; i++)
		kio_loop_step(rig->loop, 1000000);
	CHECK_EQ(kio_stack_health(rig->stack), KIO_HEALTH_OK);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(3), DATA), 0);
}

static void
replace_refused(const char *text, const struct kio_stack_options *options, int error, const char *why)
{
	struct kio_stack *stack;
	struct kio_diag diag = { 0 };

	CHECK_EQ(kio_stack_open(&stack, text, options, &diag), error);
	if (strstr(diag.text, why) == NULL)
		CHECK_STR(diag.text, why);
}

TEST("mirror replace: a new leg gets all of it, and is one as the others; the old one is refused for good")
{
	struct rig rig;

	written();
	CHECK(rig_open(&rig, WITH_NEW, &replacing));
	until_equal(&rig);
	/* what is written meanwhile is there, too, and it is read */
	CHECK_EQ(rig_write(&rig, data, 4096, 9 * REGION), 0);
	CHECK_EQ(memcmp(trace_bytes(3) + 9 * REGION, data, 4096), 0);
	rig_close(&rig);
	opens("mirror resync=no { trace id=1 name=left ; trace id=3 name=new }");
	opens("mirror resync=no { trace id=3 name=new ; trace id=1 name=left }");
	refused(BOTH, -ESTALE, "right was replaced by another");
	refused("mirror resync=all " LEGS, -ESTALE, "right was replaced by another");
	/* nor if it was in sync to the end, and the mirror was closed without anything written */
	written();
	CHECK(rig_open(&rig, WITH_NEW, &replacing));
	rig_close(&rig);
	refused("mirror resync=all " LEGS, -ESTALE, "right was replaced by another");
	opens(DEGRADED);
}

TEST("mirror replace: killed while it is copied, it goes on by itself; and all of it is copied")
{
	struct rig rig;

	written();
	/* the set without the old leg is there already, and gets no new epoch */
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=left }", NULL));
	CHECK_EQ(rig_write(&rig, data, 4096, 9 * REGION), 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, WITH_NEW, &replacing));
	copy_leg(4, 1);
	copy_leg(5, 3);
	rig_close(&rig);
	copy_leg(1, 4);
	copy_leg(3, 5);
	memset(trace_bytes(3) + 12 * REGION, 0xee, 4096);
	CHECK(rig_open(&rig, WITH_NEW, NULL));
	until_equal(&rig);
	rig_close(&rig);
	opens("mirror resync=no { trace id=1 name=left ; trace id=3 name=new }");
}

TEST("mirror replace: stopped before the new leg has its state, neither it nor the old one is accepted; again it works")
{
	struct rig rig;

	written();
	trace_reset();
	trace_fail(3, KIO_WRITE_ZEROES, -EIO, 1);
	replace_refused(WITH_NEW, &replacing, -EIO, "the state of the new leg new cannot be written");
	refused(WITH_NEW, -ENODATA, "new has no state");
	refused("mirror resync=all " LEGS, -ESTALE, "right was replaced by another");
	CHECK(rig_open(&rig, WITH_NEW, &replacing));
	until_equal(&rig);
	rig_close(&rig);
	opens(WITH_NEW);
}

TEST("mirror replace: a stale leg may be replaced by itself, if that is forced")
{
	struct rig rig;

	written();
	copy_leg(3, 2);
	replace_refused(WITH_NEW, &replacing, -EEXIST, "new is one of a mirror already");
	memset(trace_bytes(3), 0xee, DATA);
	CHECK(rig_open(&rig, WITH_NEW, &forcing));
	until_equal(&rig);
	rig_close(&rig);
	opens(WITH_NEW);
	refused(BOTH, -ESTALE, "right was replaced by another");
}

TEST("mirror replace: of three legs, with another one stale")
{
	const char *three = "mirror { trace id=1 name=left ; trace id=2 name=right ; trace id=6 name=third }";
	struct rig rig;

	create(three);
	trace_clear();
	create(three);
	CHECK(rig_open(&rig, "mirror degraded=yes { trace id=1 name=left ; trace id=2 name=right }", NULL));
	CHECK_EQ(rig_write(&rig, data, sizeof(data), 5 * REGION), 0);
	rig_close(&rig);
	CHECK(rig_open(&rig, "mirror resync=all { trace id=1 ; trace id=3 name=new ; trace id=6 }", &replacing));
	until_equal(&rig);
	CHECK_EQ(memcmp(trace_bytes(1), trace_bytes(6), DATA), 0);
	rig_close(&rig);
	opens("mirror resync=no { trace id=1 ; trace id=3 ; trace id=6 }");
	refused(three, -ESTALE, "right was replaced by another");
}

TEST("mirror replace: what cannot be is refused, and changes nothing")
{
	struct kio_stack_options reading = { .new_leg = "new", .read_only = true },
				 other = { .new_leg = "nobody" };

	written();
	replace_refused("mirror { trace id=1 ; trace id=2 ; trace id=3 name=new }", &replacing, -EINVAL,
			"all 2 legs of the mirror are there; new can take no place");
	replace_refused(WITH_NEW, &reading, -EROFS, "for reading only");
	replace_refused(WITH_NEW, &other, -ENOENT, "there is no layer nobody");
	replace_refused("mirror { trace id=1 ; crop size=512K name=new | trace id=3 }", &replacing, -EINVAL,
			"the leg new room for");
	replace_refused("mirror { trace id=1 ; crop size=8K name=new | trace id=3 }", &replacing, -ENOSPC,
			"no room for data");
	replace_refused("concat { trace id=1 ; trace id=3 name=new }", &replacing, -ENOTSUP, "no leg of a layer");
	replace_refused("mirror { trace id=4 ; trace id=3 name=new }", &replacing, -ENODATA, "has no state");
	replace_refused("mirror { trace id=3 name=new }", &replacing, -ENODEV, "no leg is there but the new one");
	opens("mirror resync=no " LEGS);
}
