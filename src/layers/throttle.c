/* SPDX-License-Identifier: MIT */
/*
 * throttle: not more requests and bytes in a second than it may be.
 *
 * A budget knows, for requests and for bytes, the moment until which all that
 * was spent is paid for. A request moves it on by what it costs, and may go as
 * soon as it is ahead of the clock by no more than the burst: a token bucket, kept in
 * one word. What may not go yet waits in its channel, in line, and holds nothing
 * below. Only the first in each line has spent already, so channels take turns,
 * however long their lines are; and one timer of the channel waits for its moment.
 *
 * Layers of a group spend from one budget. While several channels do, its words
 * are changed atomically; one alone needs no locked instruction.
 */
#include <kiobuf/layer.h>

#include "base/list.h"
#include "base/math.h"
#include "port/port.h"

#define TICKS 16u /* of a nanosecond: of these are the moments of a budget */
#define SECOND (1000000000u * (uint64_t)TICKS)
#define DAY_NS 86400000000000u
#define LONGEST (365u * 86400u * SECOND) /* that one request can cost */

enum { REQUESTS, BYTES, KINDS };

struct throttle_channel;

struct budget {
	struct budget *next;
	const char *name; /* the first member's; NULL: of no group */
	struct throttle *members;
	struct throttle_channel *listening;
	unsigned channels;    /* atomic */
	unsigned iops;        /* atomic, as the next two; 0: no limit */
	uint64_t rate;        /* bytes in a second; 0: no limit */
	uint64_t burst;       /* ns */
	uint64_t paid[KINDS]; /* atomic */
};

struct throttle {
	struct kio_layer layer;
	unsigned iops; /* these three as the budget's */
	uint64_t rate;
	uint64_t burst;
	const char *group;
	struct budget *budget;
	struct throttle *next; /* member */
};

struct throttle_channel {
	struct kio_task changed;
	struct kio_timer timer;
	struct kio_loop *loop;
	struct budget *budget;
	struct kio__queue line;  /* of throttle_frame */
	uint64_t cost[KINDS];    /* that the first of them has spent */
	uint64_t due;            /* when it may go */
	struct throttle_channel *next; /* that listens */
	bool listens;
	bool posted; /* atomic; `changed` is on its way */
};

struct throttle_frame {
	struct throttle_frame *next;
	struct kio_frame *frame;
};

#define DEFAULT_BURST 100000000u

static const struct kio_opt throttle_opts[] = {
	KIO_OPT_UINT(struct throttle, iops, 0, "requests in a second; 0: no limit", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_SIZE(struct throttle, rate, 0, "bytes in a second; 0: no limit", .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_TIME(struct throttle, burst, DEFAULT_BURST, "what was not used for so long can be used at once",
		     .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_STRING(struct throttle, group, NULL, "name of the group that shares these limits, in the whole process"),
	{ 0 }
};

static struct throttle *
throttle_of(const struct kio_layer *layer)
{
	return kio_container_of(layer, struct throttle, layer);
}

/* --- budgets ------------------------------------------------------------- */

/* Stacks of the whole process meet here: who opens, closes or changes one is alone, for a moment. */
static struct budget *groups;
static bool locked; /* atomic */

static void
lock(void)
{
	while (__atomic_exchange_n(&locked, true, __ATOMIC_ACQUIRE))
		kio__yield();
}

static void
unlock(void)
{
	__atomic_store_n(&locked, false, __ATOMIC_RELEASE);
}

static struct budget *
find(const char *name)
{
	struct budget *budget = name != NULL ? groups : NULL;

	while (budget != NULL && strcmp(budget->name, name) != 0)
		budget = budget->next;
	return budget;
}

/* One that is left out is as the group's; one that nobody has said yet is now said. */
static int
agree(struct throttle *throttle, struct budget *budget, struct kio_diag *diag)
{
	if (throttle->iops != 0 && budget->iops != 0 && throttle->iops != budget->iops)
		return kio_refuse(diag, -EINVAL, "group %s has iops=%u and not %u: say the same, or leave it out",
				  throttle->group, budget->iops, throttle->iops);
	if (throttle->rate != 0 && budget->rate != 0 && throttle->rate != budget->rate)
		return kio_refuse(diag, -EINVAL, "group %s has rate=%S and not %S: say the same, or leave it out",
				  throttle->group, budget->rate, throttle->rate);
	if (throttle->burst != DEFAULT_BURST && budget->burst != DEFAULT_BURST && throttle->burst != budget->burst)
		return kio_refuse(diag, -EINVAL, "group %s has burst=%T and not %T: say the same, or leave it out",
				  throttle->group, budget->burst, throttle->burst);
	return 0;
}

/* So that each member tells what is. */
static void
tell_members(const struct budget *budget)
{
	for (struct throttle *member = budget->members; member != NULL; member = member->next) {
		__atomic_store_n(&member->iops, budget->iops, __ATOMIC_RELAXED);
		__atomic_store_n(&member->rate, budget->rate, __ATOMIC_RELAXED);
		__atomic_store_n(&member->burst, budget->burst, __ATOMIC_RELAXED);
	}
}

/* Debts of the old limits are forgotten, and who waits looks anew. */
static void
begin_anew(struct budget *budget)
{
	for (unsigned i = 0; i < KINDS; i++)
		__atomic_store_n(&budget->paid[i], 0, __ATOMIC_RELAXED);
	for (struct throttle_channel *channel = budget->listening; channel != NULL; channel = channel->next) {
		if (!__atomic_exchange_n(&channel->posted, true, __ATOMIC_ACQ_REL))
			kio_loop_post(channel->loop, &channel->changed);
	}
}

static void
join(struct throttle *throttle, struct budget *budget)
{
	bool news = false;

	throttle->budget = budget;
	throttle->next = budget->members;
	budget->members = throttle;
	if (throttle->iops != 0 && budget->iops == 0 && (news = true))
		__atomic_store_n(&budget->iops, throttle->iops, __ATOMIC_RELAXED);
	if (throttle->rate != 0 && budget->rate == 0 && (news = true))
		__atomic_store_n(&budget->rate, throttle->rate, __ATOMIC_RELAXED);
	if (throttle->burst != DEFAULT_BURST && budget->burst == DEFAULT_BURST && (news = true))
		__atomic_store_n(&budget->burst, throttle->burst, __ATOMIC_RELAXED);
	tell_members(budget);
	if (news)
		begin_anew(budget);
}

static int
check_burst(uint64_t burst, struct kio_diag *diag)
{
	return burst <= DAY_NS ? 0 : kio_refuse(diag, -EINVAL, "burst=%T is more than a day", burst);
}

static int
throttle_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct throttle *throttle = throttle_of(layer);
	struct budget *fresh, *budget;
	int rc = check_burst(throttle->burst, diag);

	if (rc < 0)
		return rc;
	fresh = kio__alloc(sizeof(*fresh));
	if (fresh == NULL)
		return -ENOMEM;
	fresh->burst = DEFAULT_BURST;
	lock();
	budget = find(throttle->group);
	if (budget != NULL) {
		rc = agree(throttle, budget, diag);
	} else {
		budget = fresh;
		fresh = NULL;
		budget->name = throttle->group;
		if (budget->name != NULL) {
			budget->next = groups;
			groups = budget;
		}
	}
	if (rc == 0)
		join(throttle, budget);
	unlock();
	kio__free(fresh);
	return rc;
}

static int
throttle_close(struct kio_layer *layer)
{
	struct throttle *throttle = throttle_of(layer), **at = &throttle->budget->members;
	struct budget *budget = throttle->budget, **of = &groups;

	lock();
	while (*at != throttle)
		at = &(*at)->next;
	*at = throttle->next;
	if (budget->members != NULL) {
		/* a name lives as long as its layer */
		budget->name = budget->members->group;
		budget = NULL;
	} else if (budget->name != NULL) {
		while (*of != budget)
			of = &(*of)->next;
		*of = budget->next;
	}
	unlock();
	kio__free(budget);
	return 0;
}

static int
throttle_set(struct kio_layer *layer, const struct kio_opt *opt, uint64_t value, struct kio_diag *diag)
{
	struct budget *budget = throttle_of(layer)->budget;
	int rc = 0;

	if (opt->at == offsetof(struct throttle, burst))
		rc = check_burst(value, diag);
	if (rc < 0)
		return rc;
	lock();
	if (opt->at == offsetof(struct throttle, iops))
		__atomic_store_n(&budget->iops, (unsigned)value, __ATOMIC_RELAXED);
	else if (opt->at == offsetof(struct throttle, rate))
		__atomic_store_n(&budget->rate, value, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&budget->burst, value, __ATOMIC_RELAXED);
	tell_members(budget);
	begin_anew(budget);
	unlock();
	return 0;
}

/* --- spending ------------------------------------------------------------ */

/* What amount costs, in ticks. */
static uint64_t
price(uint64_t amount, uint64_t rate)
{
	uint64_t seconds, rest;

	if (rate == 0)
		return 0;
	seconds = amount / rate;
	rest = amount % rate;
	if (seconds >= LONGEST / SECOND)
		return LONGEST;
	/* of numbers that large the last bits do not count */
	while (rest > UINT64_MAX / SECOND) {
		rest >>= 1;
		rate >>= 1;
	}
	return seconds * SECOND + rest * SECOND / rate;
}

/* A discard moves no bytes; zeroes count as if they were written. */
static void
prices(const struct budget *budget, const struct kio_frame *frame, uint64_t *cost)
{
	cost[REQUESTS] = price(1, __atomic_load_n(&budget->iops, __ATOMIC_RELAXED));
	cost[BYTES] = frame->op == KIO_DISCARD ?
			      0 : price(frame->data.len, __atomic_load_n(&budget->rate, __ATOMIC_RELAXED));
}

/* One channel alone has the word for itself. */
static bool
replace(const struct budget *budget, uint64_t *word, uint64_t *seen, uint64_t value)
{
	if (__atomic_load_n(&budget->channels, __ATOMIC_RELAXED) > 1)
		return __atomic_compare_exchange_n(word, seen, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
	return true;
}

/* One that costs more than the burst waits until there is no debt at all. */
static uint64_t
earliest(uint64_t paid, uint64_t cost, uint64_t burst)
{
	uint64_t ahead = cost < burst ? burst - cost : 0;

	return paid > ahead ? paid - ahead : 0;
}

/* Spends what a request costs. The moment at which it may go: now, or later. */
static uint64_t
spend(struct budget *budget, const uint64_t *cost, uint64_t now)
{
	uint64_t burst = __atomic_load_n(&budget->burst, __ATOMIC_RELAXED) * TICKS;
	uint64_t seen[KINDS], next, due = now;

	for (unsigned i = 0; i < KINDS; i++) {
		seen[i] = __atomic_load_n(&budget->paid[i], __ATOMIC_RELAXED);
		if (cost[i] != 0)
			due = kio__max(due, earliest(seen[i], cost[i], burst));
	}
	for (unsigned i = 0; i < KINDS; i++) {
		if (cost[i] == 0)
			continue;
		do {
			due = kio__max(due, earliest(seen[i], cost[i], burst));
			if (__builtin_add_overflow(kio__max(seen[i], due), cost[i], &next))
				next = UINT64_MAX;
		} while (!replace(budget, &budget->paid[i], &seen[i], next));
	}
	return due;
}

static void
give_back(struct budget *budget, const uint64_t *cost)
{
	for (unsigned i = 0; i < KINDS; i++) {
		uint64_t seen = __atomic_load_n(&budget->paid[i], __ATOMIC_RELAXED), next;

		do
			next = seen > cost[i] ? seen - cost[i] : 0;
		while (!replace(budget, &budget->paid[i], &seen, next));
	}
}

/* --- lines --------------------------------------------------------------- */

static uint64_t
moment(const struct kio_loop *loop)
{
	return kio_loop_now(loop) * TICKS;
}

static struct throttle_frame *
first_of(const struct throttle_channel *channel)
{
	return (struct throttle_frame *)(void *)channel->line.head;
}

/* For the first in line. */
static void
spend_first(struct throttle_channel *channel, uint64_t now)
{
	prices(channel->budget, first_of(channel)->frame, channel->cost);
	channel->due = spend(channel->budget, channel->cost, now);
}

static void
wait_for_first(struct throttle_channel *channel)
{
	kio_timer_arm(channel->loop, &channel->timer, channel->due / TICKS + (channel->due % TICKS != 0));
}

/* The first has spent: it goes when its time has come, and so do those behind it. */
static void
go_on(struct throttle_channel *channel)
{
	uint64_t now = moment(channel->loop);
	struct throttle_frame *first;

	while (channel->due <= now) {
		first = kio__queue_pop(&channel->line);
		kio_pass(first->frame);
		if (kio__queue_empty(&channel->line))
			return;
		spend_first(channel, now);
	}
	wait_for_first(channel);
}

static void
time_has_come(struct kio_task *task)
{
	struct throttle_channel *channel = kio_container_of(task, struct throttle_channel, timer.task);

	/* the first may have been cancelled in this round */
	if (!kio__queue_empty(&channel->line))
		go_on(channel);
}

static void
limits_changed(struct kio_task *task)
{
	struct throttle_channel *channel = kio_container_of(task, struct throttle_channel, changed);
	struct budget *budget = channel->budget;

	/*
	 * In one step: who finds it on its way still has its limits seen below,
	 * and who does not may use the task again.
	 */
	(void)__atomic_exchange_n(&channel->posted, false, __ATOMIC_ACQ_REL);
	/* alone, it may have written over the zeroes what it had read before */
	if (__atomic_load_n(&budget->channels, __ATOMIC_RELAXED) == 1) {
		for (unsigned i = 0; i < KINDS; i++)
			__atomic_store_n(&budget->paid[i], 0, __ATOMIC_RELAXED);
	}
	if (kio__queue_empty(&channel->line))
		return;
	kio_timer_cancel(channel->loop, &channel->timer);
	spend_first(channel, moment(channel->loop));
	go_on(channel);
}

/* From now on it hears of changes. */
static void
listen(struct throttle_channel *channel)
{
	lock();
	channel->next = channel->budget->listening;
	channel->budget->listening = channel;
	channel->listens = true;
	unlock();
}

static int
throttle_channel_open(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct throttle_channel *channel = area;

	channel->budget = throttle_of(layer)->budget;
	channel->loop = kio_channel_loop(kio_channel);
	channel->changed.run = limits_changed;
	channel->timer.task.run = time_has_come;
	kio__queue_init(&channel->line);
	__atomic_fetch_add(&channel->budget->channels, 1, __ATOMIC_RELAXED);
	return 0;
}

static bool
throttle_channel_quiet(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	struct throttle_channel *channel = area, **at = &channel->budget->listening;

	(void)layer;
	(void)kio_channel;
	if (channel->listens && kio__queue_empty(&channel->line)) {
		lock();
		while (*at != channel)
			at = &(*at)->next;
		*at = channel->next;
		channel->listens = false;
		unlock();
	}
	return !__atomic_load_n(&channel->posted, __ATOMIC_ACQUIRE);
}

static void
throttle_channel_close(struct kio_layer *layer, struct kio_channel *kio_channel, void *area)
{
	const struct throttle_channel *channel = area;

	(void)layer;
	(void)kio_channel;
	__atomic_fetch_sub(&channel->budget->channels, 1, __ATOMIC_RELAXED);
}

/* --- requests ------------------------------------------------------------ */

static void
stand_in_line(struct throttle_channel *channel, struct kio_frame *frame)
{
	struct throttle_frame *state = kio_frame_area(frame);

	state->frame = frame;
	kio__queue_push(&channel->line, state);
}

static bool
is_free(const struct kio_frame *frame)
{
	return frame->op == KIO_FLUSH || frame->op == KIO_EXTENTS;
}

static void
throttle_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct throttle_channel *channel = kio_frame_channel(frame);
	const struct budget *budget = channel->budget;
	bool limited = (__atomic_load_n(&budget->iops, __ATOMIC_RELAXED) |
			__atomic_load_n(&budget->rate, __ATOMIC_RELAXED)) != 0;
	uint64_t now;

	(void)layer;
	if ((!limited && kio__queue_empty(&channel->line)) || is_free(frame)) {
		kio_pass(frame);
		return;
	}
	if (kio__unlikely(!channel->listens))
		listen(channel);
	if (!kio__queue_empty(&channel->line)) {
		stand_in_line(channel, frame);
		return;
	}
	now = moment(channel->loop);
	prices(budget, frame, channel->cost);
	channel->due = spend(channel->budget, channel->cost, now);
	if (channel->due <= now) {
		kio_pass(frame);
		return;
	}
	stand_in_line(channel, frame);
	wait_for_first(channel);
}

static void
throttle_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct throttle_channel *channel = kio_frame_channel(frame);
	struct throttle_frame *state = kio_frame_area(frame);
	bool first = first_of(channel) == state;

	(void)layer;
	kio__queue_remove(&channel->line, state);
	if (first) {
		kio_timer_cancel(channel->loop, &channel->timer);
		give_back(channel->budget, channel->cost);
	}
	if (first && !kio__queue_empty(&channel->line)) {
		spend_first(channel, moment(channel->loop));
		wait_for_first(channel);
	}
	kio_complete(frame, -ECANCELED);
}

static void
throttle_describe(const struct kio_layer *layer, char *text, size_t size)
{
	const struct throttle *throttle = throttle_of(layer);
	unsigned members = 0;

	if (throttle->group == NULL)
		return;
	lock();
	for (const struct throttle *member = throttle->budget->members; member != NULL; member = member->next)
		members++;
	unlock();
	kio_format(text, size, "group %s of %u", throttle->group, members);
}

const struct kio_class kio_class_throttle = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "throttle",
	.summary = "limit requests and bytes in a second, alone or in a group",
	.maturity = "beta",
	.size = sizeof(struct throttle),
	.frame_size = sizeof(struct throttle_frame),
	.channel_size = sizeof(struct throttle_channel),
	.opts = throttle_opts,
	.min_legs = 1,
	.max_legs = 1,
	.open = throttle_open,
	.close = throttle_close,
	.channel_open = throttle_channel_open,
	.channel_quiet = throttle_channel_quiet,
	.channel_close = throttle_channel_close,
	.submit = throttle_submit,
	.cancel = throttle_cancel,
	.resize = kio_resize_below,
	.describe = throttle_describe,
	.set = throttle_set,
};
