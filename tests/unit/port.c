/* SPDX-License-Identifier: MIT */
/* What the core takes for granted: known answers, and threads that keep to the rules. */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <kiobuf/event.h>

#include "base/math.h"
#include "port/pool.h"
#include "port/port.h"
#include "unit.h"

TEST("port: CRC-32C gives the known answers, in one go and in pieces")
{
	unsigned char zeroes[32] = { 0 };
	uint32_t crc = 0;

	CHECK_EQ(kio__crc32c(0, "123456789", 9), 0xe3069283);
	CHECK_EQ(kio__crc32c(0, zeroes, sizeof(zeroes)), 0x8a9136aa);
	for (unsigned i = 0; i < 9; i++)
		crc = kio__crc32c(crc, &"123456789"[i], 1);
	CHECK_EQ(crc, 0xe3069283);
}

/* AES-256-XTS of IEEE 1619-2007, vector 10: data unit 0xff, bytes 0 to 255 twice. */
static const unsigned char ieee_key[64] = {
	0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74, 0x71, 0x35, 0x26,
	0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59, 0x57, 0x49, 0x66, 0x96, 0x76, 0x27,
	0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97, 0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95,
	0x02, 0x88, 0x41, 0x97, 0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92,
};
static const unsigned char ieee_cipher[32] = {
	0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86, 0xe4, 0x83, 0x6c, 0x99, 0xe3, 0x70, 0xcf, 0x9b,
	0xea, 0x00, 0x80, 0x3f, 0x5e, 0x48, 0x23, 0x57, 0xa4, 0xae, 0x12, 0xd4, 0x14, 0xa3, 0xe6, 0x3b,
};

TEST("port: AES-256-XTS gives the answer of IEEE 1619, and comes back from it")
{
	unsigned char tweak[16] = { 0xff }, text[512];
	struct kio__xts *xts;

	for (unsigned i = 0; i < sizeof(text); i++)
		text[i] = (unsigned char)i;
	CHECK_EQ(kio__xts_create(&xts, ieee_key), 0);
	CHECK_EQ(kio__xts_run(xts, true, tweak, 1, text, text, sizeof(text), 1), 0);
	CHECK_EQ(memcmp(text, ieee_cipher, sizeof(ieee_cipher)), 0);
	CHECK_EQ(kio__xts_run(xts, false, tweak, 1, text, text, sizeof(text), 1), 0);
	for (unsigned i = 0; i < sizeof(text); i++)
		CHECK_EQ(text[i], (unsigned char)i);
	kio__xts_destroy(&xts);
	CHECK(xts == NULL);
}

#define UNIT 512u
#define UNITS 64u
#define CIPHERS 4

static struct kio__xts *shared;
static unsigned char expected[UNIT * UNITS];

static void *
encrypt_often(void *priv)
{
	unsigned char plain[UNIT * UNITS] = { 0 }, out[UNIT * UNITS], tweak[16] = { 7 };
	unsigned *wrong = priv;

	for (unsigned i = 0; i < 200; i++) {
		kio__xts_run(shared, true, tweak, 8, out, plain, UNIT, UNITS);
		*wrong += memcmp(out, expected, sizeof(out)) != 0;
		kio__xts_run(shared, false, tweak, 8, out, out, UNIT, UNITS);
		*wrong += memcmp(out, plain, sizeof(out)) != 0;
	}
	return NULL;
}

TEST("port: one cipher serves several threads; each unit has its own tweak; then nothing is allocated")
{
	unsigned char plain[UNIT] = { 0 };
	unsigned wrong[CIPHERS] = { 0 };
	pthread_t threads[CIPHERS];
	uint64_t allocated;

	CHECK_EQ(kio__xts_create(&shared, ieee_key), 0);
	allocated = kio__alloc_count();
	for (unsigned i = 0; i < UNITS; i++) {
		unsigned number = 7 + 8 * i;
		unsigned char tweak[16] = { (unsigned char)number, (unsigned char)(number >> 8) };

		CHECK_EQ(kio__xts_run(shared, true, tweak, 1, expected + i * UNIT, plain, UNIT, 1), 0);
	}
	CHECK_EQ(kio__alloc_count() - allocated, 0);
	CHECK(memcmp(expected, expected + UNIT, UNIT) != 0);
	for (unsigned i = 0; i < CIPHERS; i++)
		pthread_create(&threads[i], NULL, encrypt_often, &wrong[i]);
	for (unsigned i = 0; i < CIPHERS; i++) {
		pthread_join(threads[i], NULL);
		CHECK_EQ(wrong[i], 0);
	}
	/* nor by threads that are more than the machine has */
	CHECK_EQ(kio__alloc_count() - allocated, 0);
	kio__xts_destroy(&shared);
}

struct look {
	struct kio_event done;
	sigset_t blocked;
	uintptr_t self;
};

static void
look_around(void *priv)
{
	struct look *look = priv;

	pthread_sigmask(SIG_SETMASK, NULL, &look->blocked);
	look->self = kio__thread_self();
	kio_event_fire(&look->done, 0);
}

TEST("port: a thread has a name of its own and no signals, and the caller's stay as they were")
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGUSR1, SIGPIPE, SIGALRM };
	struct kio__thread *thread;
	sigset_t before, after;
	struct look look = { 0 };

	kio_event_init_shared(&look.done);
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	CHECK_EQ(kio__thread_start(&thread, "a name longer than the system's", look_around, &look), 0);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	CHECK_EQ(kio_event_wait(&look.done, UINT64_MAX, 0), 0);
	CHECK(look.self != 0 && look.self != kio__thread_self());
	for (size_t i = 0; i < KIO__COUNT(signals); i++) {
		CHECK_EQ(sigismember(&look.blocked, signals[i]), 1);
		CHECK_EQ(sigismember(&after, signals[i]), sigismember(&before, signals[i]));
	}
	kio__thread_join(&thread);
	CHECK(thread == NULL);
}

#define JOBS 500

struct tally {
	struct kio__job job;
	struct kio_event *last;
	unsigned ran, *left; /* atomic */
};

static void
tally_run(struct kio__job *job)
{
	struct tally *tally = (struct tally *)(void *)job;

	tally->ran++;
	kio__job_done();
	if (__atomic_sub_fetch(tally->left, 1, __ATOMIC_ACQ_REL) == 0)
		kio_event_fire(tally->last, 0);
}

TEST("port: each job runs, once")
{
	static struct tally tallies[JOBS];
	unsigned left = JOBS;
	struct kio_event last = { 0 };

	kio_event_init_shared(&last);
	for (unsigned i = 0; i < JOBS; i++) {
		tallies[i] = (struct tally){ .job.run = tally_run, .last = &last, .left = &left };
		CHECK_EQ(kio__job_queue(&tallies[i].job), 0);
	}
	kio_event_wait(&last, UINT64_MAX, 0);
	for (unsigned i = 0; i < JOBS; i++)
		CHECK_EQ(tallies[i].ran, 1);
}

struct turn {
	struct kio__job job;
	struct kio_event told;
};

static struct kio__pool turns = KIO__POOL(turns, "turns", 8);

static void
turn_run(struct kio__job *job)
{
	struct turn *turn = (struct turn *)(void *)job;

	kio__pool_done(&turns);
	kio_event_fire(&turn->told, 0);
	/* it is heard of well before this thread is free */
	usleep(1000);
}

TEST("port: a pool has one thread for jobs that come one after the other, however late it is free")
{
	static struct turn turn[50];

	for (unsigned i = 0; i < 50; i++) {
		turn[i].job.run = turn_run;
		kio_event_init_shared(&turn[i].told);
		CHECK_EQ(kio__pool_queue(&turns, &turn[i].job), 0);
		kio_event_wait(&turn[i].told, UINT64_MAX, 0);
	}
	CHECK_EQ(turns.count, 1);
	kio__pool_end(&turns);
}

TEST("port: memory is zeroed and aligned; the n-th request fails when it is told to")
{
	static const unsigned char zeroes[5000];
	void *memory = kio__alloc_aligned(5000, 4096);

	CHECK_EQ((uintptr_t)memory % 4096, 0);
	CHECK_EQ(memcmp(memory, zeroes, 5000), 0);
	kio__free(memory);
	kio__alloc_fail_at = 2;
	memory = kio__alloc(1);
	CHECK(memory != NULL);
	kio__free(memory);
	CHECK(kio__alloc(1) == NULL);
	memory = kio__alloc(1);
	CHECK(memory != NULL);
	kio__free(memory);
}

TEST("port: random bytes differ, and fill what they should")
{
	unsigned char a[4096] = { 0 }, b[4096] = { 0 };
	unsigned zero = 0;

	CHECK_EQ(kio__random(a, sizeof(a)), 0);
	CHECK_EQ(kio__random(b, sizeof(b)), 0);
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	for (unsigned i = 0; i < sizeof(a); i++)
		zero += a[i] == 0;
	CHECK(zero < 100);
}

static void
break_a_contract(void)
{
	kio__panic("%s was %d, which %U cannot be", "it", -3, (uint64_t)1 << 40);
}

TEST("port: a broken contract says which, and aborts")
{
	CHECK(unit_aborts(break_a_contract, "kiobuf: bug: it was -3, which 1099511627776 cannot be"));
}
