/* SPDX-License-Identifier: MIT */
/*
 * A mirror with state, somewhere in a stack, through several generations. In
 * each it opens with all legs or some of them; a leg dies in the middle of a
 * write; the power fails, often just then; or it is closed.
 *
 * One leg that is surely in sync is always there, and does not die. So: nothing
 * fails but for want of power; what was acknowledged by FUA or flush is there;
 * what was read after a crash is read ever after, from whatever legs are left;
 * each leg that is in sync has all of it. Which legs are in use is seen by
 * where a flush goes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drivers/sim.h"
#include "layers/mirror.h"
#include "sim.h"

#define LEGS 3
#define REQUESTS 200

struct legs {
	struct run *run;
	struct totals *totals;
	struct text above, leg[LEGS], below; /* the stack, in pieces */
	unsigned first_disk[LEGS + 1];
	unsigned count;
	uint32_t all;
	uint32_t sure;   /* in sync, for sure */
	uint32_t were;   /* there the last time */
	uint32_t again;  /* the same legs have to be there as when it was only read; 0: any */
	bool crashed;
	bool at_failure; /* of a leg the power fails, soon */
	bool may_be_cut; /* at a write, in this generation */
	struct text text; /* as it is opened now */
};

/* How it opens, and what goes wrong then. */
struct plan {
	uint32_t present;
	unsigned turn; /* the order of the legs */
	bool degraded, read_only;
	enum mirror_resync resync;
	unsigned keep; /* leg; LEGS: none */
	unsigned weak; /* a leg; LEGS: none */
	unsigned die_disk, die, error; /* of a disk of it: at which write; errors in a million requests */
	unsigned off; /* or the power of that disk alone fails, at this write */
	unsigned slow; /* a leg whose requests are late by this; LEGS: none */
	unsigned cut_disk, cut; /* the power fails at a write of this disk */
	unsigned steps;  /* or after so many steps; 0: not */
	bool at_failure; /* or when a leg has failed */
	bool at_flush;
};

/* --- sets of legs ------------------------------------------------------- */

static unsigned
lowest(uint32_t set)
{
	return (unsigned)__builtin_ctz(set);
}

static unsigned
any_of(uint32_t set)
{
	unsigned leg;

	do {
		leg = (unsigned)rnd(LEGS);
	} while ((set >> leg & 1) == 0);
	return leg;
}

/* --- its text ----------------------------------------------------------- */

/* A leg with faults where its disks are marked, and its name behind the first word. */
static void
put_leg(struct legs *legs, unsigned leg, const struct plan *plan)
{
	unsigned disk = legs->first_disk[leg];
	char words[100];
	bool named = false;

	for (const char *at = legs->leg[leg].at; *at != '\0'; at++) {
		words[0] = *at;
		words[1] = '\0';
		if (*at == ' ' && !named) {
			snprintf(words, sizeof(words), " name=leg-%u ", leg);
			named = true;
		} else if (*at == '@') {
			words[0] = '\0';
			if (plan->weak < LEGS && plan->die_disk == disk)
				snprintf(words, sizeof(words), " die=%u off=%u error=%u", plan->die, plan->off,
					 plan->error);
			if (plan->cut != 0 && plan->cut_disk == disk)
				snprintf(words, sizeof(words), " cut=%u", plan->cut);
			disk++;
		}
		put(&legs->text, words);
	}
}

static void
compose(struct legs *legs, const struct plan *plan)
{
	static const char *const resyncs[] = { "", " resync=all", " resync=no" };
	static const char *const quorums[] = { "", "", " quorum=1 behind=1000s", " quorum=2 behind=1000s" };
	char words[200];
	bool first = true;

	legs->text.len = 0;
	put(&legs->text, legs->above.at);
	snprintf(words, sizeof(words), plan->keep < LEGS ? "mirror name=m%s%s%s%s keep=leg-%u { " :
							       "mirror name=m%s%s%s%s { ",
		 plan->degraded ? " degraded=yes" : "", resyncs[plan->resync],
		 rnd(2) == 0 ? " read=hedged:200us" : "",
		 quorums[rnd(__builtin_popcount(plan->present) >= 2 ? 4 : 3)], plan->keep);
	put(&legs->text, words);
	for (unsigned i = 0; i < legs->count; i++) {
		unsigned leg = (i + plan->turn) % legs->count;

		if ((plan->present >> leg & 1) == 0)
			continue;
		put(&legs->text, first ? "" : " ; ");
		if (leg == plan->slow && kio__sim_fires(KIO__SIM_SLOW_LEG))
			put(&legs->text, "delay 2ms | ");
		put_leg(legs, leg, plan);
		first = false;
	}
	put(&legs->text, " }");
	put(&legs->text, legs->below.at);
}

/* The megabytes of a mirror are read from one leg after the other: what is used lies around that border. */
static void
choose_stack(struct legs *legs)
{
	unsigned block = 512u << rnd(4);
	char words[100];

	memset(&legs->above, 0, sizeof(legs->above));
	memset(&legs->below, 0, sizeof(legs->below));
	legs->count = 2 + (rnd(3) == 0);
	legs->all = (1u << legs->count) - 1;
	legs->first_disk[0] = 0;
	put(&legs->above, rnd(4) == 0 ? "align | " : "");
	if (rnd(2) == 0)
		block = put_layer(&legs->above, block);
	if (rnd(4) == 0) {
		put(&legs->above, "stripe chunk=16K { ");
		put(&legs->below, " ; ");
		put_stack(&legs->below, 0, block);
		put(&legs->below, " }");
	}
	snprintf(words, sizeof(words), "crop offset=%u | ", (1u << 20) - (unsigned)rnd(16) * 8192);
	put(&legs->above, words);
	for (unsigned i = 0; i < legs->count; i++) {
		struct text *leg = &legs->leg[i];

		memset(leg, 0, sizeof(*leg));
		leg->legs = true;
		leg->disks = legs->first_disk[i];
		if (rnd(3) == 0) {
			put_stack(leg, (unsigned)rnd(3), block);
		} else {
			/* the state stands on a slow disk, so that much happens before it is written */
			put(leg, "concat { ");
			put_stack(leg, (unsigned)rnd(2), block);
			put(leg, " ; ");
			leg->slow = true;
			put_stack(leg, 0, block);
			put(leg, " }");
		}
		legs->first_disk[i + 1] = leg->disks;
	}
}

/* Between the failure of a leg and the record of it is the best time for a power cut. */
static void
heard(void *priv, enum kio_severity severity, const char *text)
{
	struct legs *legs = priv;

	(void)severity;
	if (!legs->at_failure || strstr(text, "failed and is stale") == NULL)
		return;
	legs->at_failure = false;
	switch (rnd(3)) {
	case 0:
		legs->run->steps = 1 + (unsigned)rnd(50);
		break;
	case 1:
		legs->run->acked_from = legs->run->count;
		break;
	default:
		/* perhaps in the middle of the record */
		legs->may_be_cut = true;
		kio__sim_power_cut(1 + rnd(6), rnd(UINT64_MAX));
		break;
	}
}

/* --- opening ------------------------------------------------------------ */

static int
open_as(struct legs *legs, struct plan *plan, bool create, struct kio_diag *diag)
{
	struct kio_stack_options options = { .engine = "sim", .reserve = rnd(3) == 0 ? 1 : 16,
					     .create = create, .force = create, .read_only = plan->read_only,
					     .log = heard, .log_priv = legs };

	compose(legs, plan);
	return run_open(legs->run, legs->text.at, &options, diag);
}

/* First as it should be; then with what it takes. */
static int
open_legs(struct legs *legs, struct plan *plan, struct kio_diag *diag)
{
	int rc = open_as(legs, plan, false, diag);

	legs->totals->reopened++;
	if ((legs->were & ~plan->present) != 0)
		kio__sim_fires(KIO__SIM_LEG_LOSS);
	if ((plan->present & ~legs->were) != 0)
		kio__sim_fires(KIO__SIM_LEG_RETURN);
	legs->were = plan->present;
	if (rc == -ENOTUNIQ) {
		/* a crash while it opened without one of them */
		legs->totals->apart++;
		plan->keep = lowest(legs->sure & plan->present & ~(plan->weak < LEGS ? 1u << plan->weak : 0));
		rc = open_as(legs, plan, false, diag);
	}
	if (rc == -ESTALE || rc == -ENODEV || (rc == -EIO && plan->error != 0 && plan->cut == 0)) {
		legs->totals->degraded++;
		plan->degraded = true;
		rc = open_as(legs, plan, false, diag);
	}
	return rc;
}

static struct mirror *
the_mirror(const struct legs *legs)
{
	const struct kio_layer *layer = kio_stack_top(legs->run->stack);

	while (strcmp(kio_layer_name(layer), "m") != 0)
		layer = kio_layer_next(layer);
	return mirror_of((struct kio_layer *)(uintptr_t)layer);
}

/* Legs of the stack as they are numbered here. */
static uint32_t
legs_of(const struct legs *legs, const struct plan *plan, uint32_t places)
{
	unsigned place = 0;
	uint32_t set = 0;

	for (unsigned i = 0; i < legs->count; i++) {
		unsigned leg = (i + plan->turn) % legs->count;

		if ((plan->present >> leg & 1) != 0)
			set |= (places >> place++ & 1) << leg;
	}
	return set;
}

/* Where that leg is in the stack. */
static unsigned
place_of(const struct legs *legs, const struct plan *plan, unsigned leg)
{
	unsigned place = 0;

	while (legs_of(legs, plan, 1u << place) != 1u << leg)
		place++;
	return place;
}

/* Until no record is being written, what it will say is not known. */
static void
let_it_record(const struct legs *legs)
{
	for (unsigned i = 0; i < 4000 && the_mirror(legs)->recording; i++)
		kio_loop_step(legs->run->loop, 100000);
}

/* Legs that are made equal may have the time, or not. */
static void
let_them_join(const struct legs *legs)
{
	for (unsigned i = 0; i < 4000 && mirror_copying(the_mirror(legs)) != 0; i++)
		kio_loop_step(legs->run->loop, 100000);
}

/*
 * An operator fails a leg while another is surely in sync, and asks it back when
 * it has missed something; what he is answered, and when, is not looked at.
 */
static void
operate(struct legs *legs, const struct plan *plan)
{
	struct mirror *mirror = the_mirror(legs);
	unsigned leg, place;

	if (__builtin_popcount(legs->sure & plan->present) < 2)
		return;
	leg = any_of(legs->sure & plan->present);
	place = place_of(legs, plan, leg);
	if (!kio__mirror_take_out(mirror, 1u << place, "was failed by hand", 0))
		return;
	legs->sure &= ~(1u << leg);
	run_requests(legs->run, REQUESTS / 4);
	if (legs->run->power_failed || __atomic_load_n(&mirror->late[place], __ATOMIC_RELAXED) != 0)
		return;
	legs->totals->asked_back++;
	kio__mutex_lock(&mirror->mutex);
	kio_event_init_shared(&mirror->ask.answered);
	mirror->ask.legs = 1u << place;
	mirror->ask.begun = false;
	mirror->ask.open = true;
	kio__mirror_work_kick(mirror);
	kio__mutex_unlock(&mirror->mutex);
}

/* Nobody writes for so long that what is dirty becomes clean. */
static void
let_time_pass(const struct legs *legs)
{
	for (unsigned i = 0; i < 400; i++)
		kio_loop_step(legs->run->loop, 100000000);
}

/* The legs of the mirror that a flush reaches. That may fail, if the power does. */
static uint32_t
legs_in_use(const struct legs *legs, const struct plan *plan)
{
	const struct kio_layer *layer = &the_mirror(legs)->layer;
	uint32_t places = 0;
	struct kio_stat stat;
	uint64_t before[LEGS];

	for (unsigned i = 0; i < layer->leg_count; i++) {
		kio_layer_stat(layer->legs[i], &stat);
		before[i] = stat.ios;
	}
	if (!run_flush(legs->run) && plan->cut == 0)
		fail(legs->run->seed, legs->text.at, "it cannot be flushed", 0);
	for (unsigned i = 0; i < layer->leg_count; i++) {
		kio_layer_stat(layer->legs[i], &stat);
		places |= (uint32_t)(stat.ios != before[i]) << i;
	}
	return legs_of(legs, plan, places);
}

/* --- a generation ------------------------------------------------------- */

static unsigned
any_disk(const struct legs *legs, unsigned leg)
{
	return legs->first_disk[leg] + (unsigned)rnd(legs->first_disk[leg + 1] - legs->first_disk[leg]);
}

static void
choose_faults(const struct legs *legs, struct plan *plan)
{
	uint32_t sure = legs->sure & plan->present;

	/* after a crash one is kept, and must not be the one that fails */
	if (!legs->crashed && __builtin_popcount(sure) >= 2 && rnd(4) != 0) {
		/* most of all the one that would be kept if the others did not know */
		plan->weak = rnd(3) != 0 ? lowest(sure) : any_of(sure);
		plan->die_disk = any_disk(legs, plan->weak);
		if (rnd(2) == 0)
			plan->error = rnd(2) == 0 ? 20000 : 3000;
		else if (rnd(2) == 0)
			plan->off = 3 + (unsigned)rnd(20);
		else
			plan->die = 3 + (unsigned)rnd(20);
		sure &= ~(1u << plan->weak);
		/* so that it fails when others have answered */
		if (rnd(4) == 0)
			plan->slow = plan->weak;
	}
	plan->at_flush = rnd(4) == 0;
	switch (rnd(8)) {
	case 0: /* while it opens */
		plan->cut = 1 + (unsigned)rnd(3);
		break;
	case 1:
		plan->cut = 3 + (unsigned)rnd(80);
		break;
	case 2: /* perhaps while it closes */
		plan->steps = 1 + (unsigned)rnd(REQUESTS);
		break;
	case 3:
	case 4:
	case 5:
	case 6:
		plan->at_failure = plan->weak < LEGS;
		break;
	}
	plan->cut_disk = any_disk(legs, any_of(sure));
	/* what is copied writes, too: a cut could come while all is read */
	if (plan->cut != 0 && plan->resync != MIRROR_RESYNC_NO) {
		plan->cut = 0;
		plan->steps = 1 + (unsigned)rnd(REQUESTS);
	}
}

static struct plan
choose_plan(struct legs *legs)
{
	struct plan plan = { .keep = LEGS, .weak = LEGS, .slow = LEGS, .turn = (unsigned)rnd(legs->count),
			     .present = legs->all, .resync = (enum mirror_resync)rnd(3) };

	if (legs->again != 0) {
		plan.present = legs->again;
	} else if (rnd(2) == 0) {
		plan.present = (uint32_t)rnd(legs->all + 1);
		if ((plan.present & legs->sure) == 0)
			plan.present |= 1u << lowest(legs->sure);
	}
	if (rnd(8) == 0)
		plan.slow = (unsigned)rnd(legs->count);
	return plan;
}

/* What is read must be right, now and once more. */
static void
check_data(struct legs *legs)
{
	if (legs->crashed)
		run_after_crash(legs->run);
	else
		run_read(legs->run);
	run_read(legs->run);
}

/* Only read: nothing changes, and the next time the same has to be there. */
static void
look_only(struct legs *legs, struct plan plan)
{
	struct run *run = legs->run;
	struct kio_diag diag;

	plan.read_only = true;
	if (open_legs(legs, &plan, &diag) < 0)
		fail(run->seed, legs->text.at, diag.text, 0);
	check_data(legs);
	run_close(run);
	legs->again = plan.present;
}

static void
check_legs(struct legs *legs, const struct plan *plan, uint32_t in_use)
{
	uint64_t seed = legs->run->seed;

	/* what is copied to the weak one may have failed already */
	if (plan->weak < LEGS && plan->resync != MIRROR_RESYNC_NO)
		in_use |= 1u << plan->weak;
	if (!plan->degraded && plan->keep == LEGS && in_use != legs->all)
		fail(seed, legs->text.at, "not all legs are in use, and nobody asked for that", in_use);
	if (!legs->crashed && plan->error == 0 && (legs->sure & plan->present & ~in_use) != 0)
		fail(seed, legs->text.at, "a leg in sync is not used", in_use);
}

/* Each of these legs alone has what was written. */
static void
check_each(struct legs *legs, uint32_t whole)
{
	struct plan plan = { .keep = LEGS, .weak = LEGS, .slow = LEGS, .degraded = true, .read_only = true };
	struct kio_diag diag;

	for (uint32_t rest = whole; rest != 0; rest &= rest - 1) {
		plan.present = 1u << lowest(rest);
		if (open_as(legs, &plan, false, &diag) < 0)
			fail(legs->run->seed, legs->text.at, diag.text, 0);
		run_read(legs->run);
		run_close(legs->run);
	}
}

/* Nothing fails but for want of power. True: there was none. */
static bool
end_generation(struct legs *legs)
{
	struct run *run = legs->run;
	bool off = run->power_failed, failed = run->saw_error;
	int rc;

	if (failed && !off && !legs->may_be_cut)
		fail(run->seed, legs->text.at, "a request failed, and a leg is whole", 0);
	if (rnd(8) == 0) {
		legs->may_be_cut = true;
		kio__sim_power_cut(1 + rnd(4), rnd(UINT64_MAX));
	}
	rc = run_close(run);
	if (rc < 0 && !off && !legs->may_be_cut)
		fail(run->seed, legs->text.at, "it cannot be closed", 0);
	off |= failed || rc < 0;
	legs->totals->cuts += off;
	return off;
}

static void
generation(struct legs *legs)
{
	struct plan plan = choose_plan(legs);
	struct run *run = legs->run;
	struct kio_diag diag;
	uint32_t in_use, joined, whole;
	bool check_all;
	int rc;

	if (rnd(4) == 0)
		look_only(legs, plan);
	choose_faults(legs, &plan);
	legs->may_be_cut = plan.cut != 0;
	rc = open_legs(legs, &plan, &diag);
	if (rc < 0 && plan.cut == 0)
		fail(run->seed, legs->text.at, diag.text, 0);
	if (rc < 0) {
		legs->crashed = true;
		legs->totals->cuts++;
		return;
	}
	/* data first: a flush would make durable what is not known yet */
	check_data(legs);
	in_use = legs_in_use(legs, &plan);
	check_legs(legs, &plan, in_use);
	legs->again = 0;
	let_it_record(legs);
	/* one that fails later may be stale then */
	legs->sure = in_use & legs_of(legs, &plan, mirror_recorded(the_mirror(legs)));
	if (plan.weak < LEGS)
		legs->sure &= ~(1u << plan.weak);
	run->steps = plan.steps;
	run->cut_at_flush = plan.at_flush && plan.cut == 0;
	legs->at_failure = plan.at_failure;
	if (!run->saw_error && (plan.weak < LEGS || rnd(3) != 0)) {
		if (rnd(4) == 0) {
			run_requests(run, REQUESTS / 4);
			if (!run->power_failed)
				let_time_pass(legs);
		}
		if (!run->power_failed && rnd(3) == 0)
			operate(legs, &plan);
		if (!run->power_failed)
			run_requests(run, REQUESTS);
	}
	if (!run->power_failed && rnd(2) == 0)
		let_them_join(legs);
	joined = legs_of(legs, &plan, mirror_recorded(the_mirror(legs)) & mirror_usable(the_mirror(legs)));
	if (run->power_failed || the_mirror(legs)->recording)
		joined = 0;
	else
		legs->totals->joined += (unsigned)__builtin_popcount(joined & ~legs->sure);
	legs->sure |= plan.weak < LEGS ? joined & ~(1u << plan.weak) : joined;
	/* after a flush nothing is on its way to any leg: the weak one may have failed, but is stale then */
	whole = legs->sure;
	check_all = rnd(4) == 0;
	if (check_all && !run->power_failed && run_flush(run))
		whole |= legs_of(legs, &plan, mirror_usable(the_mirror(legs)));
	/* a mirror that closes flushes its legs; nobody flushes a disk beside it */
	else if (legs->below.len != 0 && !run->power_failed)
		run_flush(run);
	run->steps = 0;
	run->cut_at_flush = false;
	run->acked_from = UINT32_MAX;
	legs->at_failure = false;
	legs->crashed = end_generation(legs);
	if (legs->crashed)
		return;
	run_closed(run);
	if (check_all)
		check_each(legs, whole);
}

void
run_legs(uint64_t seed, struct run *run, struct totals *totals)
{
	static struct legs legs;
	struct plan plan = { .keep = LEGS, .weak = LEGS, .slow = LEGS };
	struct kio_diag diag;

	legs.run = run;
	legs.totals = totals;
	legs.crashed = false;
	legs.again = 0;
	legs.at_failure = false;
	run->fua = 2;
	run->longest = rnd(2) == 0 ? 8000 : 40000;
	choose_stack(&legs);
	plan.present = legs.sure = legs.were = legs.all;
	if (open_as(&legs, &plan, true, &diag) < 0)
		fail(seed, legs.text.at, diag.text, 0);
	if (!run_zero(run) || run_close(run) < 0)
		fail(seed, legs.text.at, "it cannot be created", 0);
	totals->mirrors++;
	for (unsigned left = 2 + (unsigned)rnd(5); left > 0; left--)
		generation(&legs);
}
