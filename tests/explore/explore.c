/* SPDX-License-Identifier: MIT */
/*
 * Small cases on events and groups, in all schedules of their threads with few
 * preemptions. The threads are coroutines; a schedule is a row of choices, and
 * the next one is the case run again from its beginning with other choices.
 *
 *	build/tests/explore                       all cases
 *	build/tests/explore --preemptions 2       at most so many in a schedule
 *	build/tests/explore --case 3 --schedule 7 one, told step by step
 *
 * Another thread may go on before each atomic access to a word that more than
 * one thread uses. Atomic stores go into a store buffer. It comes out at an
 * atomic that reads and writes, in a system call, and when its thread is left;
 * but then some of the stores may be held back, to come out together at any later
 * point: that counts as a preemption, and there are at most --holds of it.
 *
 * Orders weaker than those of such a machine are judged by clocks: an access that
 * is not atomic has to come after what other threads did there by a chain of
 * releases and acquires, in each schedule. To give memory away is such a
 * write. What reads of old values a weaker machine allows is not explored.
 *
 * It is a failure, too, to touch memory that is gone or a frame of a function
 * that has returned, to break a contract, and if all threads wait.
 */
#include "explore.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "port/port.h"

#define THREADS EXPLORE_THREADS
#define NOBODY (-1)
#define STACK 65536
#define STORES 64
#define CHOICES 4096
#define WORDS 16384   /* of memory, in a case */
#define STEPS 20000   /* in a schedule that ends */
#define LONGEST_S 60  /* a case */

enum kind { READ, WRITE, ATOMIC_READ, ATOMIC_WRITE, KINDS };

struct clock {
	uint32_t at[THREADS];
};

/* What is known of four bytes of memory. */
struct word {
	uintptr_t address;
	/* in all schedules of the case */
	int user;      /* the thread, and 1 */
	bool shared;   /* by more than one */
	bool searched; /* for that reason threads are switched here */
	/* in this schedule */
	uint64_t schedule;
	bool gone;
	uint32_t used[KINDS][THREADS]; /* when last */
	struct clock released;         /* what comes with its value */
};

struct store {
	void *ptr;
	uint64_t value;
	size_t size;
	bool releases;
	struct clock clock;
};

/* SPINS: until others have changed something; SLEEPS: until it is woken or, if it is timed, at any time. */
enum state { READY, SPINS, SLEEPS, OVER };

struct thread {
	uintptr_t lowest; /* of its stack that is in use, while others run */
	enum state state;
	const uint32_t *word; /* sleeps on it */
	bool timed, timed_out;
	uint64_t changes; /* it made */
	uint64_t seen;    /* changes of others, when it last began to spin */
	struct clock clock;
	struct store stores[STORES];
	int store_count;
	/* of all schedules: it is left where it has run a case to its end */
	bool started;
	jmp_buf context;
};

static struct word words[WORDS];
static struct thread threads[THREADS];
static char stacks[THREADS][STACK] __attribute__((aligned(64)));
static jmp_buf home;
static int current = NOBODY;

static struct {
	uint8_t taken, of;
} choices[CHOICES];
static int choice_count, next_choice;

static const struct explore_case *now;
static int most_preemptions = 3, most_holds = 3, preemptions, holds, steps, passed;
static uint64_t schedule, told_schedule, changes;
static bool grown;

/* --- telling -------------------------------------------------------------- */

static void
replay_command(void)
{
	fprintf(stderr, "  again: build/tests/explore --preemptions %d --holds %d --case %d --schedule %lu\n",
		most_preemptions, most_holds, (int)(now - explore_cases), (unsigned long)schedule);
}

static _Noreturn void
end_in_failure(void)
{
	replay_command();
	printf("%d passed, 1 failed\n", passed);
	fflush(stdout);
	_exit(1);
}

void
explore_fail(const char *format, ...)
{
	va_list args;

	fprintf(stderr, "case %s: ", now->name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	end_in_failure();
}

static void
died(int number)
{
	fprintf(stderr, "case %s: %s\n", now->name, number == SIGALRM ? "it hangs" : strsignal(number));
	end_in_failure();
}

static __attribute__((format(printf, 1, 2))) void
tell(const char *format, ...)
{
	va_list args;

	if (schedule != told_schedule)
		return;
	printf("thread %d: ", current);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

/* --- choices -------------------------------------------------------------- */

static int
choose(int of)
{
	if (of == 1)
		return 0;
	if (next_choice == CHOICES)
		explore_fail("more than %d choices", CHOICES);
	if (next_choice == choice_count) {
		choices[choice_count].taken = 0;
		choices[choice_count++].of = (uint8_t)of;
	}
	if (choices[next_choice].of != of)
		explore_fail("the case does not do the same again");
	return choices[next_choice++].taken;
}

/* The next schedule, if there is one: the last choice that can be made otherwise is. */
static bool
other_choices(void)
{
	while (choice_count > 0) {
		if (++choices[choice_count - 1].taken < choices[choice_count - 1].of)
			return true;
		choice_count--;
	}
	return false;
}

/* --- memory --------------------------------------------------------------- */

static struct word *
word_at(uintptr_t address)
{
	size_t at = address / 4 * 0x9e3779b1u % WORDS, probes = 0;

	while (words[at].address != address && words[at].address != 0) {
		at = (at + 1) % WORDS;
		if (++probes == WORDS)
			explore_fail("more than %d words of memory", WORDS);
	}
	words[at].address = address;
	if (words[at].schedule != schedule) {
		words[at].schedule = schedule;
		words[at].gone = false;
		memset(words[at].used, 0, sizeof(words[at].used));
		memset(&words[at].released, 0, sizeof(words[at].released));
	}
	return &words[at];
}

/* Two such accesses may not be at the same time. */
static bool
conflict(enum kind a, enum kind b)
{
	return (a == WRITE || b == WRITE || a == ATOMIC_WRITE || b == ATOMIC_WRITE) &&
	       (a < ATOMIC_READ || b < ATOMIC_READ);
}

static void
check_lives(const struct word *word, const char *what)
{
	uintptr_t address = word->address;

	if (word->gone)
		explore_fail("thread %d: %s: the memory is gone", current, what);
	for (int i = 0; i < THREADS; i++)
		if (i != current && address >= (uintptr_t)stacks[i] && address < threads[i].lowest)
			explore_fail("thread %d: %s: that frame of thread %d is gone", current, what, i);
}

static void
touch(const void *ptr, size_t size, enum kind kind, const char *what)
{
	const struct clock *clock = &threads[current].clock;
	uintptr_t address = (uintptr_t)ptr & ~(uintptr_t)3;

	for (; address < (uintptr_t)ptr + size; address += 4) {
		struct word *word = word_at(address);

		check_lives(word, what);
		for (int other = 0; other < KINDS; other++)
			for (int i = 0; i < THREADS && conflict(kind, (enum kind)other); i++)
				if (i != current && word->used[other][i] > clock->at[i])
					explore_fail("thread %d: %s: a race with thread %d", current, what, i);
		word->used[kind][current] = clock->at[current];
		if (word->user == 0)
			word->user = current + 1;
		if (word->user != current + 1 && !word->shared)
			word->shared = grown = true;
	}
}

static uint64_t
read_memory(const void *ptr, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, ptr, size);
	return value;
}

static void
join(struct clock *clock, const struct clock *other)
{
	for (int i = 0; i < THREADS; i++)
		if (clock->at[i] < other->at[i])
			clock->at[i] = other->at[i];
}

static void
acquire(const void *ptr, int order)
{
	if (order != __ATOMIC_RELAXED && order != __ATOMIC_RELEASE)
		join(&threads[current].clock, &word_at((uintptr_t)ptr)->released);
}

static bool
releases(int order)
{
	return order == __ATOMIC_RELEASE || order == __ATOMIC_ACQ_REL || order == __ATOMIC_SEQ_CST;
}

/* The oldest store of a thread comes out. */
static void
commit(struct thread *thread)
{
	struct store store = thread->stores[0];
	struct word *word = word_at((uintptr_t)store.ptr);

	memmove(thread->stores, thread->stores + 1, (size_t)--thread->store_count * sizeof(store));
	if (word->gone)
		explore_fail("a store of thread %d comes out to memory that is gone", (int)(thread - threads));
	memcpy(store.ptr, &store.value, store.size);
	word->released = store.releases ? store.clock : (struct clock){ { 0 } };
	thread->changes++;
	changes++;
}

static void
drain(struct thread *thread)
{
	while (thread->store_count > 0)
		commit(thread);
}

/* Accesses that are not atomic are not held back: they drain what they overlap. */
static void
plain(const void *ptr, size_t size, enum kind kind)
{
	struct thread *self = &threads[current];

	if (current == NOBODY)
		return;
	for (int i = 0; i < self->store_count; i++)
		if ((char *)self->stores[i].ptr < (const char *)ptr + size &&
		    (char *)self->stores[i].ptr + self->stores[i].size > (const char *)ptr)
			drain(self);
	touch(ptr, size, kind, kind == READ ? "a read" : "a write");
}

void
explore_gone(const void *memory, size_t size)
{
	if (current == NOBODY)
		return;
	drain(&threads[current]);
	touch(memory, size, WRITE, "to give it away");
	for (size_t i = 0; i < size; i += 4)
		word_at((uintptr_t)memory + i)->gone = true;
}

/* --- schedules ------------------------------------------------------------ */

static bool
can_run(const struct thread *thread)
{
	switch (thread->state) {
	case READY:
		return true;
	case SPINS:
		return changes - thread->changes != thread->seen;
	case SLEEPS:
		return thread->timed;
	default:
		return false;
	}
}

/* The thread is left: its stores come out, or some are held back. */
static void
drain_or_hold(struct thread *thread)
{
	bool alone = true;
	int held = 0;

	for (int i = 0; i < THREADS; i++)
		alone = alone && (i == current || threads[i].state == OVER);
	if (thread->store_count > 0 && holds < most_holds && preemptions < most_preemptions && !alone)
		held = choose(thread->store_count + 1);
	if (held > 0) {
		holds++;
		preemptions++;
		tell("holds back %d stores", held);
	}
	while (thread->store_count > held)
		commit(thread);
}

static void leave(void);

static void
thread_main(void)
{
	for (;;) {
		now->thread[current]();
		threads[current].state = OVER;
		threads[current].lowest = (uintptr_t)stacks[current] + STACK;
		leave();
	}
}

/* The first time only, as it takes system calls. */
static void
start(int number)
{
	ucontext_t context;

	threads[number].started = true;
	getcontext(&context);
	context.uc_stack.ss_sp = stacks[number];
	context.uc_stack.ss_size = STACK;
	makecontext(&context, thread_main, 0);
	setcontext(&context);
}

/* Returns when `from` is to go on. */
static void
switch_to(jmp_buf from, int next)
{
	if (_setjmp(from) != 0)
		return;
	current = next;
	if (next == NOBODY)
		_longjmp(home, 1);
	if (threads[next].started)
		_longjmp(threads[next].context, 1);
	start(next);
}

static void
go_on_with(int next)
{
	int from = current;

	if (threads[next].state == SLEEPS) {
		threads[next].timed_out = true;
		tell("the sleep of thread %d ends by its time", next);
	}
	threads[next].state = READY;
	if (next == from)
		return;
	if (threads[from].state != OVER)
		threads[from].lowest = (uintptr_t)__builtin_frame_address(0);
	switch_to(threads[from].context, next);
}

/* Nobody can run: a store that is held back comes out, if there is one. */
static bool
commit_one(void)
{
	int holding[THREADS], count = 0;

	for (int i = 0; i < THREADS; i++)
		if (threads[i].store_count > 0)
			holding[count++] = i;
	if (count > 0)
		commit(&threads[holding[choose(count)]]);
	return count > 0;
}

static void
all_wait(void)
{
	for (int i = 0; i < THREADS; i++)
		if (threads[i].state != OVER)
			explore_fail("all wait for ever; thread %d %s", i,
				     threads[i].state == SLEEPS ? "sleeps" : "spins");
	switch_to(threads[current].context, NOBODY);
}

/* The thread cannot go on, or should not. */
static void
leave(void)
{
	int next[THREADS], count;

	drain_or_hold(&threads[current]);
	do {
		count = 0;
		for (int i = 1; i <= THREADS; i++)
			if (can_run(&threads[(current + i) % THREADS]))
				next[count++] = (current + i) % THREADS;
	} while (count == 0 && commit_one());
	if (count == 0) {
		all_wait();
		return;
	}
	/* itself comes last, and only if there is no other */
	if (count > 1 && next[count - 1] == current)
		count--;
	go_on_with(next[choose(count)]);
}

/* Before an access: another thread may go on, or what another holds back come out. */
static void
point(const void *ptr)
{
	int next[2 * THREADS], count, taken;

	if (++steps > STEPS)
		explore_fail("it does not end");
	if (!word_at((uintptr_t)ptr)->searched)
		return;
	do {
		count = 0;
		next[count++] = current;
		for (int i = 0; i < THREADS; i++)
			if (i != current && threads[i].store_count > 0)
				next[count++] = THREADS + i;
		for (int i = 0; i < THREADS && preemptions < most_preemptions; i++)
			if (i != current && can_run(&threads[i]))
				next[count++] = i;
		taken = next[choose(count)];
		if (taken >= THREADS)
			drain(&threads[taken - THREADS]);
	} while (taken >= THREADS);
	if (taken == current)
		return;
	preemptions++;
	drain_or_hold(&threads[current]);
	go_on_with(taken);
}

/* --- what the sources call ------------------------------------------------ */

uint64_t
explore_load(const void *ptr, size_t size, int order, const char *what)
{
	uint64_t value;

	if (current == NOBODY)
		return read_memory(ptr, size);
	point(ptr);
	touch(ptr, size, ATOMIC_READ, what);
	for (int i = threads[current].store_count; i-- > 0;)
		if (threads[current].stores[i].ptr == ptr)
			return threads[current].stores[i].value;
	value = read_memory(ptr, size);
	acquire(ptr, order);
	tell("%s: %lx", what, (unsigned long)value);
	return value;
}

void
explore_store(void *ptr, uint64_t value, size_t size, int order, const char *what)
{
	struct thread *self = &threads[current];

	if (current == NOBODY) {
		memcpy(ptr, &value, size);
		return;
	}
	point(ptr);
	touch(ptr, size, ATOMIC_WRITE, what);
	tell("%s: %lx", what, (unsigned long)value);
	if (self->store_count == STORES)
		commit(self);
	self->stores[self->store_count] = (struct store){ ptr, 0, size, releases(order), self->clock };
	memcpy(&self->stores[self->store_count++].value, &value, size);
	if (releases(order))
		self->clock.at[current]++;
	if (order == __ATOMIC_SEQ_CST)
		drain(self);
}

/* Reads and writes at once. Returns what was there. */
static uint64_t
change(void *ptr, uint64_t value, size_t size, int order)
{
	struct word *word = word_at((uintptr_t)ptr);
	uint64_t was = read_memory(ptr, size);
	struct thread *self = &threads[current];

	memcpy(ptr, &value, size);
	if (current == NOBODY)
		return was;
	acquire(ptr, order);
	if (releases(order)) {
		join(&word->released, &self->clock);
		self->clock.at[current]++;
	}
	self->changes++;
	changes++;
	return was;
}

/* Comes before that. Returns what is there. */
static uint64_t
begin_change(void *ptr, size_t size, const char *what)
{
	if (current == NOBODY)
		return read_memory(ptr, size);
	point(ptr);
	drain(&threads[current]);
	touch(ptr, size, ATOMIC_WRITE, what);
	tell("%s: was %lx", what, (unsigned long)read_memory(ptr, size));
	return read_memory(ptr, size);
}

uint64_t
explore_xchg(void *ptr, uint64_t value, size_t size, int order, const char *what)
{
	begin_change(ptr, size, what);
	return change(ptr, value, size, order);
}

uint64_t
explore_add(void *ptr, uint64_t value, size_t size, int order, const char *what)
{
	return change(ptr, begin_change(ptr, size, what) + value, size, order);
}

uint64_t
explore_or(void *ptr, uint64_t bits, size_t size, int order, const char *what)
{
	return change(ptr, begin_change(ptr, size, what) | bits, size, order);
}

bool
explore_cas(void *ptr, void *was, uint64_t value, size_t size, int order, int failed, const char *what)
{
	uint64_t is = begin_change(ptr, size, what);

	if (is == read_memory(was, size)) {
		change(ptr, value, size, order);
		return true;
	}
	memcpy(was, &is, size);
	if (current != NOBODY)
		acquire(ptr, failed);
	return false;
}

/* The caller has looked in vain; unless others change something, it will again. */
void
explore_relax(void)
{
	struct thread *self = &threads[current];
	uint64_t others;

	if (current == NOBODY)
		explore_fail("waits for itself");
	others = changes - self->changes;
	tell("relaxes");
	self->state = others == self->seen ? SPINS : READY;
	self->seen = others;
	leave();
}

int
kio__sleep(const uint32_t *word, uint32_t value, uint64_t due_ns)
{
	struct thread *self = &threads[current];

	point(word);
	drain(self);
	check_lives(word_at((uintptr_t)word), "a sleep");
	if (*word != value)
		return 0;
	tell("sleeps");
	self->word = word;
	self->timed = due_ns != UINT64_MAX;
	self->timed_out = false;
	self->state = SLEEPS;
	leave();
	return self->timed_out ? -ETIMEDOUT : 0;
}

void
kio__wake(const uint32_t *word)
{
	point(word);
	drain(&threads[current]);
	for (int i = 0; i < THREADS; i++)
		if (threads[i].state == SLEEPS && threads[i].word == word) {
			tell("wakes thread %d", i);
			threads[i].state = READY;
			return;
		}
}

uint32_t
kio__thread_number(void)
{
	return (uint32_t)current + 1;
}

void
kio__panic(const char *format, ...)
{
	explore_fail("%s", format);
}

/* What the compiler puts in. */
#define SEES(name, size)                         \
	void __tsan_read##name(void *ptr);       \
	void __tsan_write##name(void *ptr);      \
	void __tsan_read##name(void *ptr)        \
	{                                        \
		plain(ptr, size, READ);          \
	}                                        \
	void __tsan_write##name(void *ptr)       \
	{                                        \
		plain(ptr, size, WRITE);         \
	}
SEES(1, 1)
SEES(2, 2)
SEES(4, 4)
SEES(8, 8)
SEES(16, 16)

void __tsan_init(void);
void __tsan_func_entry(void *from);
void __tsan_func_exit(void *from);
void *__tsan_memset(void *to, int value, size_t size);
void *__tsan_memcpy(void *to, const void *from, size_t size);
void __tsan_read_range(void *ptr, size_t size);
void __tsan_write_range(void *ptr, size_t size);

void
__tsan_init(void)
{
}

void
__tsan_func_entry(void *from)
{
	(void)from;
}

void
__tsan_func_exit(void *from)
{
	(void)from;
}

void *
__tsan_memset(void *to, int value, size_t size)
{
	plain(to, size, WRITE);
	return memset(to, value, size);
}

void *
__tsan_memcpy(void *to, const void *from, size_t size)
{
	plain(from, size, READ);
	plain(to, size, WRITE);
	return memcpy(to, from, size);
}

void
__tsan_read_range(void *ptr, size_t size)
{
	plain(ptr, size, READ);
}

void
__tsan_write_range(void *ptr, size_t size)
{
	plain(ptr, size, WRITE);
}

/* --- cases ---------------------------------------------------------------- */

static void
reset(int number)
{
	struct thread *thread = &threads[number];

	memset(thread, 0, offsetof(struct thread, stores));
	thread->store_count = 0;
	thread->lowest = (uintptr_t)stacks[number] + STACK;
	thread->clock.at[number] = 1;
	thread->state = now->thread[number] != NULL ? READY : OVER;
}

static void
run_once(void)
{
	schedule++;
	next_choice = preemptions = holds = steps = 0;
	changes = 0;
	explore_reset();
	now->begin();
	for (int i = 0; i < THREADS; i++)
		reset(i);
	switch_to(home, choose(now->thread[2] != NULL ? 3 : 2));
	if (next_choice != choice_count)
		explore_fail("the case does not do the same again");
	now->end();
}

/* A word turned out to be shared: threads are to be switched there, from the first schedule on. */
static void
begin_again(void)
{
	for (int i = 0; i < WORDS; i++)
		words[i].searched = words[i].shared;
	choice_count = 0;
	grown = false;
}

static void
explore(const struct explore_case *test)
{
	uint64_t first = 0;

	now = test;
	memset(words, 0, sizeof(words));
	schedule = 0;
	choice_count = 0;
	grown = false;
	alarm(LONGEST_S);
	do {
		run_once();
		if (grown) {
			begin_again();
			first = schedule;
		}
	} while (schedule == first || other_choices());
	printf("ok - %s: %lu schedules\n", test->name, (unsigned long)(schedule - first));
	passed++;
}

int
main(int argc, char **argv)
{
	long only = -1;
	bool known;

	for (int i = 1; i < argc; i += 2) {
		long value = i + 1 < argc ? strtol(argv[i + 1], NULL, 10) : -1;

		known = value >= 0;
		if (strcmp(argv[i], "--preemptions") == 0)
			most_preemptions = (int)value;
		else if (strcmp(argv[i], "--holds") == 0)
			most_holds = (int)value;
		else if (strcmp(argv[i], "--case") == 0)
			only = value;
		else if (strcmp(argv[i], "--schedule") == 0)
			told_schedule = (uint64_t)value;
		else
			known = false;
		if (!known) {
			fprintf(stderr, "explore [--preemptions N] [--holds N] [--case N [--schedule N]]\n");
			return 2;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal(SIGSEGV, died);
	signal(SIGALRM, died);
	for (size_t i = 0; i < explore_case_count; i++)
		if (only < 0 || (size_t)only == i)
			explore(&explore_cases[i]);
	printf("%d passed, 0 failed\n", passed);
	return passed == 0;
}
