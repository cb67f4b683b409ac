/* SPDX-License-Identifier: MIT */
/*
 * The figures of events: what firing one costs, alone and with what waits for it,
 * as multiples of one locked instruction; and in instructions, which is what a
 * gate can hold.
 *
 * Each case is set up for 4 groups of 64 and then run, again and again; setting
 * up is not part of the time, but of the instructions. Cases take turns, so that
 * what disturbs the machine disturbs all of them; of each the best turn counts.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <kiobuf/ready.h>

#include "base/math.h"
#include "cli/suite.h"
#include "port/port.h"

#define TURNS 11
#define ROUNDS 400
#define LEAVES 64
#define GROUPS 4
#define ALL (LEAVES * GROUPS) /* what fits into the first cache */
#define SOURCES 1024

static unsigned count = ALL; /* leaves in use */

static struct kio_event events[SOURCES];
static struct kio_event *pointers[ALL];
static struct kio_group groups[ALL];
static struct kio_arm arms[ALL];
static struct kio_cb cbs[ALL];

static struct kio_event *
nothing(struct kio_cb *cb, int status)
{
	(void)cb;
	(void)status;
	return NULL;
}

/* --- cases -------------------------------------------------------------- */

static void
set_owner(void)
{
	for (unsigned i = 0; i < count; i++)
		kio_event_init(&events[i]);
}

static void
set_shared(void)
{
	for (unsigned i = 0; i < count; i++)
		kio_event_init_shared(&events[i]);
}

static void
set_groups(bool shared, enum kio_policy policy)
{
	for (unsigned i = 0; i < count / LEAVES; i++) {
		if (shared)
			kio_group_init_shared(&groups[i], policy, 0);
		else
			kio_group_init(&groups[i], policy, 0);
	}
}

static void
add_all(void)
{
	for (unsigned i = 0; i < count; i++)
		kio_group_add(&groups[i / LEAVES], &events[i]);
	for (unsigned i = 0; i < count / LEAVES; i++)
		kio_group_seal(&groups[i]);
}

static void
set_and_owner(void)
{
	set_owner();
	set_groups(false, KIO_ALL);
	add_all();
}

static void
set_and_open(void)
{
	set_shared();
	set_groups(true, KIO_ALL);
	add_all();
}

static void
set_and_sealed(void)
{
	set_and_open();
	for (unsigned i = 0; i < count; i++)
		kio_event_seal(&events[i]);
}

static void
fire_all(void)
{
	for (unsigned i = 0, all = count; i < all; i++)
		kio_event_fire(&events[i], 0);
}

static void
fire_batches(void)
{
	for (unsigned i = 0; i < count; i += LEAVES)
		kio_event_fire_batch(&pointers[i], LEAVES);
}

/* All of it: arms attached, one fires, the others are detached. */
static void
race(void)
{
	set_groups(true, KIO_ANY);
	for (unsigned i = 0; i < count; i++)
		kio_group_arm(&groups[i / LEAVES], &arms[i], &events[i]);
	for (unsigned i = 0; i < count / LEAVES; i++) {
		kio_group_seal(&groups[i]);
		kio_event_fire(&events[i * LEAVES + LEAVES / 2], 0);
	}
}

static void
set_chain(void)
{
	set_shared();
	for (unsigned i = 0; i < count; i++) {
		cbs[i].fn = nothing;
		kio_event_attach(&events[i / LEAVES * LEAVES], &cbs[i]);
	}
}

static void
fire_firsts(void)
{
	for (unsigned i = 0; i < count; i += LEAVES)
		kio_event_fire(&events[i], 0);
}

/* A group within a group, 64 deep; each level is one's own until it is a member. */
static void
set_nest(void)
{
	set_shared();
	for (unsigned i = 0; i < count; i++) {
		kio_group_init_shared(&groups[i], KIO_ALL, 0);
		kio_group_add(&groups[i], i % LEAVES == 0 ? &events[i] : &groups[i - 1].event);
		if (i % LEAVES != 0)
			kio_event_seal(&groups[i - 1].event);
		kio_group_seal(&groups[i]);
	}
}

static struct {
	const char *name;
	void (*set_up)(void);
	void (*run)(void);
} const cases[] = {
	{ "unused_owner", set_owner, fire_all },
	{ "unused_shared", set_shared, fire_all },
	{ "and_open", set_and_open, fire_all },
	{ "and_sealed", set_and_sealed, fire_all },
	{ "and_batched", set_and_open, fire_batches },
	{ "and_owner", set_and_owner, fire_all },
	{ "or_leaf", set_shared, race },
	{ "chain_callback", set_chain, fire_firsts },
	{ "nest_level", set_nest, fire_firsts },
};

/* What it costs to look at the clock; it is short against what is measured, but not nothing. */
static uint64_t
clock_ns(void)
{
	uint64_t least = UINT64_MAX, begun;

	for (unsigned i = 0; i < 1000; i++) {
		begun = kio__now();
		least = kio__min(least, kio__now() - begun);
	}
	return least;
}

/* Nanoseconds for one leaf, callback or level. */
static double
case_ns(unsigned which)
{
	uint64_t took = 0, begun, clock = clock_ns();

	for (unsigned round = 0; round < ROUNDS; round++) {
		cases[which].set_up();
		begun = kio__now();
		cases[which].run();
		took += kio__now() - begun - clock;
	}
	return (double)took / ((double)ALL * ROUNDS);
}

static void
run_case(void *priv)
{
	unsigned which = *(unsigned *)priv;

	cases[which].set_up();
	cases[which].run();
}

/* The same, of the second of two groups: what is done for the first time is in both. */
static double
case_instructions(unsigned which)
{
	uint64_t one, two;

	count = LEAVES;
	one = cli_count_instructions(run_case, &which);
	count = 2 * LEAVES;
	two = cli_count_instructions(run_case, &which);
	count = ALL;
	return one == 0 || two <= one ? 0 : (double)(two - one) / LEAVES;
}

/* --- any of many, armed once -------------------------------------------- */

static struct kio_ready ready;
static struct kio_ready_arm ready_arms[SOURCES];

/* One of those armed, a power of two, fires, is taken and armed again. */
static double
any_ns(unsigned armed)
{
	struct kio_ready_arm *arm;
	unsigned random = 1, times = ROUNDS * LEAVES;
	uint64_t begun;

	kio_ready_init_shared(&ready);
	for (unsigned i = 0; i < armed; i++) {
		kio_event_init_shared(&events[i]);
		kio_ready_arm(&ready, &ready_arms[i], &events[i]);
	}
	begun = kio__now();
	for (unsigned i = 0; i < times; i++) {
		random = random * 1664525 + 1013904223;
		kio_event_fire(&events[random >> 10 & (armed - 1)], 0);
		arm = kio_ready_take(&ready);
		kio_event_init_shared(arm->event);
		kio_ready_arm(&ready, arm, arm->event);
	}
	return (double)(kio__now() - begun) / times;
}

/* --- waking a thread ---------------------------------------------------- */

#define WAKES 20000u

struct waking {
	struct kio_event event;
	uint32_t word, asked, ready; /* atomic */
	uint64_t woken_ns;
	uint64_t futex_ns[WAKES], event_ns[WAKES];
};

static void
spin_until(const uint32_t *word, uint32_t value)
{
	while (__atomic_load_n(word, __ATOMIC_ACQUIRE) != value)
		;
}

/* Even rounds wait on a bare word, odd ones for an event. */
static void *
woken(void *priv)
{
	struct waking *waking = priv;

	for (uint32_t round = 1; round <= 2 * WAKES; round++) {
		spin_until(&waking->asked, round);
		__atomic_store_n(&waking->ready, round, __ATOMIC_RELEASE);
		if (round % 2 == 0) {
			while (__atomic_load_n(&waking->word, __ATOMIC_ACQUIRE) == 0)
				kio__sleep(&waking->word, 0, UINT64_MAX);
		} else {
			kio_event_wait(&waking->event, UINT64_MAX, 0);
		}
		waking->woken_ns = kio__now();
		__atomic_store_n(&waking->ready, 0, __ATOMIC_RELEASE);
	}
	return NULL;
}

static uint64_t
wake_once(struct waking *waking, uint32_t round)
{
	uint64_t begun;

	kio_event_init_shared(&waking->event);
	waking->word = 0;
	__atomic_store_n(&waking->asked, round, __ATOMIC_RELEASE);
	spin_until(&waking->ready, round);
	/* it is about to sleep; that takes about a microsecond */
	for (begun = kio__now(); kio__now() - begun < 10000;)
		;
	begun = kio__now();
	if (round % 2 == 0) {
		__atomic_store_n(&waking->word, 1, __ATOMIC_RELEASE);
		kio__wake(&waking->word);
	} else {
		kio_event_fire(&waking->event, 0);
	}
	spin_until(&waking->ready, 0);
	return waking->woken_ns - begun;
}

static int
compare_ns(const void *a, const void *b)
{
	uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

	return first < second ? -1 : first > second;
}

static double
median(uint64_t *values)
{
	qsort(values, WAKES, sizeof(*values), compare_ns);
	return (double)values[WAKES / 2];
}

static bool
set_waking(json_t *result)
{
	struct waking *waking = calloc(1, sizeof(*waking));
	double futex, event;
	pthread_t thread;

	if (waking == NULL || pthread_create(&thread, NULL, woken, waking) != 0) {
		free(waking);
		return false;
	}
	for (uint32_t i = 0; i < WAKES; i++) {
		waking->event_ns[i] = wake_once(waking, 2 * i + 1);
		waking->futex_ns[i] = wake_once(waking, 2 * i + 2);
	}
	pthread_join(thread, NULL);
	futex = median(waking->futex_ns);
	event = median(waking->event_ns);
	cli_set_figure(result, "wake_futex_ns", futex);
	cli_set_figure(result, "wake_added_ns", event - futex);
	free(waking);
	return true;
}

/* --- the suite ---------------------------------------------------------- */

static void
measure(json_t *result)
{
	enum { CASES = KIO__COUNT(cases) };
	double ns[CASES], any[2] = { 1e9, 1e9 }, locked = 1e9, now;
	static const unsigned counts[2] = { 2, SOURCES };
	uint64_t allocated = kio__alloc_count();
	char name[64];

	for (unsigned i = 0; i < CASES; i++)
		ns[i] = 1e9;
	for (unsigned turn = 0; turn < TURNS; turn++) {
		now = cli_locked_ns();
		locked = now < locked ? now : locked;
		for (unsigned i = 0; i < CASES; i++) {
			now = case_ns(i);
			ns[i] = now < ns[i] ? now : ns[i];
		}
		for (unsigned i = 0; i < 2; i++) {
			now = any_ns(counts[i]);
			any[i] = now < any[i] ? now : any[i];
		}
	}
	allocated = kio__alloc_count() - allocated;
	cli_set_figure(result, "locked_ns", locked);
	for (unsigned i = 0; i < CASES; i++)
		cli_set_figure(result, cases[i].name, ns[i] / locked);
	for (unsigned i = 0; i < 2; i++) {
		snprintf(name, sizeof(name), "any_persistent_%u", counts[i]);
		cli_set_figure(result, name, any[i] / locked);
	}
	cli_set_figure(result, "allocs", (double)allocated);
	for (unsigned i = 0; i < CASES; i++) {
		snprintf(name, sizeof(name), "%s_instructions", cases[i].name);
		cli_set_figure(result, name, case_instructions(i));
	}
}

int
cli_suite_events(const struct cli *cli)
{
	json_t *result = json_object();

	for (unsigned i = 0; i < ALL; i++)
		pointers[i] = &events[i];
	measure(result);
	if (!set_waking(result)) {
		json_decref(result);
		return cli_fail(cli, EXIT_OPEN, "no thread to wake");
	}
	cli_print_figures(cli, "bench-events", result);
	return EXIT_YES;
}
