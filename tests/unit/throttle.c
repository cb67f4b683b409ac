/* SPDX-License-Identifier: MIT */
/* So many requests and bytes in a second, in virtual time. */
#include <errno.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <kiobuf/control.h>

#include "trace.h"

#define MS 1000000ull
#define MANY 200u

static unsigned char data[1 << 20];
static struct kio *kios[MANY];
static unsigned done, ended_of[MANY]; /* the how manieth it was */
static uint64_t ended_at[MANY];

static void
note_end(struct kio *kio)
{
	unsigned i = (unsigned)(uintptr_t)kio->priv;

	ended_of[i] = done++;
	ended_at[i] = kio_loop_now(kio_channel_loop(kio->channel));
}

static void
open_throttle(struct rig *rig, const char *text, unsigned count)
{
	CHECK(rig_open(rig, text, &(struct kio_stack_options){ .engine = "sim" }));
	done = 0;
	for (unsigned i = 0; i < count; i++) {
		kios[i] = kio_create(rig->channel, 1);
		kios[i]->priv = (void *)(uintptr_t)i;
	}
}

static void
close_throttle(struct rig *rig, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		kio_destroy(kios[i]);
	rig_close(rig);
}

static void
write_one(unsigned i, size_t len)
{
	kio_write(kios[i], 0, kio_buf(kios[i], data, len), 0, note_end);
}

static void
run_until(struct rig *rig, unsigned count)
{
	for (unsigned i = 0; i < 100000 && done < count; i++)
		kio_loop_step(rig->loop, 1000000000);
	CHECK_EQ(done, count);
}

static void
idle(struct rig *rig, uint64_t ns)
{
	uint64_t until = kio_loop_now(rig->loop) + ns;

	while (kio_loop_now(rig->loop) < until)
		kio_loop_step(rig->loop, (int64_t)(until - kio_loop_now(rig->loop)));
}

static void
set(const struct kio_stack *stack, const char *option, const char *value)
{
	struct kio_diag diag;

	CHECK_EQ(kio_control_set((struct kio_stack *)(uintptr_t)stack, "throttle0", option, value, &diag), 0);
}

TEST("throttle: so many requests at once as the burst has room for, then one at a time, in order")
{
	struct rig rig;

	open_throttle(&rig, "throttle iops=100 burst=50ms | trace id=1", 20);
	for (unsigned i = 0; i < 20; i++)
		write_one(i, 1 + i);
	run_until(&rig, 20);
	for (unsigned i = 0; i < 20; i++) {
		CHECK_EQ(ended_at[i], i < 5 ? 0 : (i - 4) * 10 * MS);
		CHECK_EQ(ended_of[i], i);
	}
	close_throttle(&rig, 20);
}

TEST("throttle: after idle time the burst is full again, and never more than full")
{
	struct rig rig;

	open_throttle(&rig, "throttle iops=100 burst=30ms | trace id=1", 10);
	for (unsigned round = 0; round < 3; round++) {
		uint64_t begun;

		idle(&rig, round == 2 ? 45 * MS : 10000 * MS);
		begun = kio_loop_now(rig.loop);
		done = 0;
		for (unsigned i = 0; i < 10; i++)
			write_one(i, 1);
		run_until(&rig, 10);
		for (unsigned i = 0; i < 10; i++)
			CHECK_EQ(ended_at[i] - begun, i < 3 ? 0 : (i - 2) * 10 * MS);
	}
	close_throttle(&rig, 10);
}

TEST("throttle: bytes in a second, exactly, also for odd lengths and a rate that does not divide")
{
	static const struct {
		const char *text;
		uint64_t rate;
		size_t len;
	} cases[] = {
		{ "throttle rate=1M burst=0ms | trace id=1", 1 << 20, 65536 },
		{ "throttle rate=7777777 burst=0ms | trace id=1", 7777777, 12345 },
		{ "throttle rate=10G burst=0ms | trace id=1", (uint64_t)10 << 30, 4096 },
		{ "throttle rate=3 burst=0ms | trace id=1", 3, 7 },
	};
	uint64_t wanted, off;
	struct rig rig;

	for (unsigned c = 0; c < 4; c++) {
		open_throttle(&rig, cases[c].text, MANY);
		for (unsigned i = 0; i < MANY; i++)
			write_one(i, cases[c].len);
		run_until(&rig, MANY);
		wanted = (uint64_t)((unsigned __int128)(MANY - 1) * cases[c].len * 1000000000u / cases[c].rate);
		off = ended_at[MANY - 1] > wanted ? ended_at[MANY - 1] - wanted : wanted - ended_at[MANY - 1];
		CHECK(off <= 1 + wanted / 5000);
		close_throttle(&rig, MANY);
	}
}

TEST("throttle: the narrower of both limits holds; one larger than the burst goes when all is paid for")
{
	struct rig rig;

	open_throttle(&rig, "throttle iops=100 rate=100K burst=10ms | trace id=1", 8);
	for (unsigned i = 0; i < 4; i++)
		write_one(i, 1);
	write_one(4, 102400); /* a second */
	write_one(5, 1);
	run_until(&rig, 6);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQ(ended_at[i], i * 10 * MS);
	CHECK(ended_at[4] >= 40 * MS && ended_at[4] <= 41 * MS);
	CHECK(ended_at[5] >= 1030 * MS && ended_at[5] <= 1041 * MS);
	close_throttle(&rig, 8);
}

TEST("throttle: what is free does not wait for the line, what is cleared counts as it should")
{
	struct rig rig;

	open_throttle(&rig, "throttle rate=1M burst=0ms | trace id=1", 3);
	write_one(0, 1 << 20);
	write_one(1, 1);
	CHECK_EQ(rig_flush(&rig), 0);
	kio_extent(rig.kio, 0, 4096, NULL);
	CHECK_EQ(rig_wait(&rig, rig.kio), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	run_until(&rig, 2);
	idle(&rig, MS);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 1 << 20, 0), 0);
	CHECK_EQ(rig_clear(&rig, KIO_DISCARD, 1 << 20, 0), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 1001 * MS);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 1 << 20, 0), 0);
	CHECK_EQ(rig_clear(&rig, KIO_WRITE_ZEROES, 1 << 20, 0), 0);
	CHECK_EQ(kio_loop_now(rig.loop), 2001 * MS);
	close_throttle(&rig, 3);
}

TEST("throttle: one in line is cancelled at once, and those behind it do not pay for it")
{
	struct rig rig;

	open_throttle(&rig, "throttle iops=1 burst=0ms | trace id=1", 5);
	for (unsigned i = 0; i < 5; i++)
		write_one(i, 1);
	kio_loop_step(rig.loop, 0);
	CHECK_EQ(done, 1);
	kio_cancel(kios[1]); /* the first in line */
	kio_cancel(kios[3]);
	run_until(&rig, 3);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	CHECK_EQ(kio_status(kios[1]), -ECANCELED);
	CHECK_EQ(kio_status(kios[3]), -ECANCELED);
	CHECK_EQ(kio_moved(kios[1]), 0);
	run_until(&rig, 5);
	CHECK_EQ(ended_at[2], 1000 * MS);
	CHECK_EQ(ended_at[4], 2000 * MS);
	CHECK_EQ(trace_count, 3);
	close_throttle(&rig, 5);
}

TEST("throttle: limits change while requests wait: at once, for debts too")
{
	struct kio_diag diag;
	struct rig rig;

	open_throttle(&rig, "throttle | trace id=1", 30);
	for (unsigned i = 0; i < 10; i++)
		write_one(i, 1000);
	run_until(&rig, 10);
	CHECK_EQ(kio_loop_now(rig.loop), 0);
	set(rig.stack, "rate", "1");
	set(rig.stack, "burst", "0ms");
	for (unsigned i = 10; i < 20; i++)
		write_one(i, 1000);
	idle(&rig, 3000 * MS);
	CHECK_EQ(done, 11);
	set(rig.stack, "rate", "100000");
	run_until(&rig, 20);
	CHECK_EQ(ended_at[11], 3000 * MS);
	CHECK_EQ(ended_at[19], 3080 * MS);
	set(rig.stack, "rate", "1");
	for (unsigned i = 20; i < 30; i++)
		write_one(i, 1000);
	set(rig.stack, "rate", "0");
	run_until(&rig, 30);
	CHECK_EQ(ended_at[29], 3080 * MS);
	CHECK_EQ(kio_control_set(rig.stack, "throttle0", "burst", "2000m", &diag), -EINVAL);
	CHECK_EQ(kio_control_set(rig.stack, "throttle0", "group", "x", &diag), -EPERM);
	close_throttle(&rig, 30);
}

/* --- groups -------------------------------------------------------------- */

/* 50 requests in three lines of one group, the last of them half as long as the others. */
static void
share(struct rig *rig, struct kio_channel *const *channels)
{
	unsigned in_turn = 0;

	done = 0;
	for (unsigned i = 0; i < 50; i++) {
		kios[i] = kio_create(channels[i % 5 < 2 ? 0 : i % 5 < 4 ? 1 : 2], 1);
		kios[i]->priv = (void *)(uintptr_t)i;
		write_one(i, 1);
	}
	run_until(rig, 50);
	for (unsigned i = 0; i < 50; i++) {
		CHECK_EQ(ended_at[i] % (10 * MS), 0);
		/* as long as the short line has any, each third one is its */
		in_turn += i % 5 == 4 && ended_at[i] <= 300 * MS;
	}
	CHECK_EQ(in_turn, 10);
	CHECK_EQ(kio_loop_now(rig->loop), 490 * MS);
	for (unsigned i = 0; i < 50; i++)
		kio_destroy(kios[i]);
}

TEST("throttle: a group is one budget for its layers and channels, which take turns")
{
	static const struct kio_stack_options options = { .engine = "sim" };
	struct kio_channel *channels[3];
	struct kio_stack *other;
	struct kio_diag diag;
	char text[64];
	struct rig rig;

	open_throttle(&rig, "throttle group=g iops=100 burst=10ms | trace id=1", 0);
	CHECK_EQ(kio_stack_open(&other, "throttle group=g | trace id=2", &options, &diag), 0);
	channels[0] = rig.channel;
	CHECK_EQ(kio_channel_open(&channels[1], rig.stack, rig.loop), 0);
	CHECK_EQ(kio_channel_open(&channels[2], other, rig.loop), 0);
	share(&rig, channels);
	/* changed through one, for all */
	set(other, "iops", "1000");
	CHECK_EQ(kio_control_get(kio_stack_top(rig.stack), "iops", text, sizeof(text)), 0);
	CHECK_STR(text, "1000");
	kio_channel_close(&channels[1]);
	kio_channel_close(&channels[2]);
	CHECK_EQ(kio_stack_close(&other, &diag), 0);
	rig_close(&rig);
}

TEST("throttle: members of a group say the same or nothing; groups of other names are others")
{
	struct kio_stack *first, *second;
	struct kio_diag diag;
	char text[64];

	CHECK_EQ(kio_stack_open(&first, "throttle group=g | trace id=1", NULL, &diag), 0);
	CHECK_EQ(kio_stack_open(&second, "throttle group=g iops=5 rate=1M burst=2s | trace id=2", NULL, &diag), 0);
	CHECK_EQ(kio_control_get(kio_stack_top(first), "rate", text, sizeof(text)), 0);
	CHECK_STR(text, "1M");
	CHECK_STR(kio_layer_describe(kio_stack_top(first), text, sizeof(text)), "group g of 2");
	CHECK_EQ(kio_stack_close(&second, NULL), 0);
	CHECK_EQ(kio_stack_open(&second, "throttle group=g iops=6 | trace id=2", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "group g has iops=5 and not 6") != NULL);
	CHECK_EQ(kio_stack_open(&second, "throttle group=g rate=2M | trace id=2", NULL, &diag), -EINVAL);
	CHECK_EQ(kio_stack_open(&second, "throttle group=g burst=3s | trace id=2", NULL, &diag), -EINVAL);
	CHECK_EQ(kio_stack_open(&second, "throttle group=h iops=6 | trace id=2", NULL, &diag), 0);
	CHECK_EQ(kio_stack_close(&second, NULL), 0);
	CHECK_EQ(kio_stack_close(&first, NULL), 0);
	/* it ends with its last member */
	CHECK_EQ(kio_stack_open(&first, "throttle group=g iops=6 | trace id=1", NULL, &diag), 0);
	CHECK_EQ(kio_stack_close(&first, NULL), 0);
	CHECK_EQ(kio_stack_open(&first, "throttle burst=2000m | trace id=1", NULL, &diag), -EINVAL);
	CHECK(strstr(diag.text, "more than a day") != NULL);
}

/* --- threads ------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	struct kio_stack *stack;
	unsigned count, failed;
};

static pthread_barrier_t barrier;

static void *
read_many(void *priv)
{
	struct worker *worker = priv;
	struct kio_channel *channel;
	struct kio_loop *loop;
	unsigned char byte;
	struct kio *kio;

	kio_loop_open(&loop, NULL);
	kio_channel_open(&channel, worker->stack, loop);
	kio = kio_create(channel, 1);
	pthread_barrier_wait(&barrier);
	for (unsigned i = 0; i < worker->count; i++) {
		kio_read(kio, i, kio_buf(kio, &byte, 1), NULL);
		while (!kio_event_fired(&kio->event))
			kio_loop_step(loop, -1);
		worker->failed += kio_status(kio) < 0;
	}
	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	return NULL;
}

TEST("throttle: two loops share a budget in real time, while its limits are changed")
{
	struct worker workers[2] = { { .count = 300 }, { .count = 300 } };
	struct timespec begun, ended;
	struct kio_diag diag;
	double ms;

	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(kio_stack_open(&workers[i].stack, "throttle group=loops iops=3000 burst=1ms | mem 1M", NULL, &diag), 0);
	pthread_barrier_init(&barrier, NULL, 2);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	for (unsigned i = 0; i < 2; i++)
		pthread_create(&workers[i].thread, NULL, read_many, &workers[i]);
	for (unsigned i = 0; i < 10; i++) {
		set(workers[i % 2].stack, "burst", i % 2 ? "1ms" : "2ms");
		usleep(3000); /* so that each is heard before the next */
	}
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(workers[i].thread, NULL);
		CHECK_EQ(workers[i].failed, 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &ended);
	pthread_barrier_destroy(&barrier);
	/* 600 requests, of which eleven bursts of up to six came for nothing */
	ms = (double)(ended.tv_sec - begun.tv_sec) * 1e3 + (double)(ended.tv_nsec - begun.tv_nsec) / 1e6;
	CHECK(ms >= (600 - 66) / 3.0 - 1);
	for (unsigned i = 0; i < 2; i++)
		CHECK_EQ(kio_stack_close(&workers[i].stack, NULL), 0);
}

TEST("throttle: of what two loops spend at the same time nothing is forgotten")
{
	static const struct kio_stack_options options = { 0 };
	struct worker workers[2] = { { .count = 150000 }, { .count = 150000 } };
	unsigned more = 0;
	struct rig rig;

	/* an hour's requests at once */
	pthread_barrier_init(&barrier, NULL, 2);
	CHECK(rig_open(&rig, "throttle iops=100 burst=60m | mem 1M", &options));
	for (unsigned i = 0; i < 2; i++) {
		workers[i].stack = rig.stack;
		pthread_create(&workers[i].thread, NULL, read_many, &workers[i]);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&barrier);
	for (;; more++) {
		kio_read(rig.kio, 0, kio_buf(rig.kio, data, 1), NULL);
		for (unsigned i = 0; i < 3 && !kio_event_fired(&rig.kio->event); i++)
			kio_loop_step(rig.loop, 0);
		if (!kio_event_fired(&rig.kio->event))
			break;
	}
	kio_cancel(rig.kio);
	CHECK_EQ(rig_wait(&rig, rig.kio), -ECANCELED);
	/* and at most some seconds' more */
	CHECK(more >= 60000 && more <= 62000);
	rig_close(&rig);
}
