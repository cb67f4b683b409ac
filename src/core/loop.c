/* SPDX-License-Identifier: MIT */
/*
 * The loop: a queue of what is ready, an inbox for other threads, timers.
 *
 * The inbox is a stack that any thread pushes on with one exchange and the loop
 * takes as a whole. A poster wakes the loop only if it sleeps: the loop first
 * says that it is about to sleep and then looks into the inbox once more, the
 * poster first puts its task there and then looks whether the loop sleeps.
 * Both orders are sequentially consistent, so one of them sees the other. The
 * poster that finds the loop asleep takes the word away: others that come until
 * the loop is up find nobody to wake, and a burst costs one system call.
 */
#include "core/loop.h"

#include "core/frame.h"

int
kio__loop_open(struct kio_loop **out, const struct kio_engine *engine,
	       const struct kio_loop_options *options)
{
	struct kio_loop *loop = kio__alloc_aligned(sizeof(*loop), 64);
	int rc;

	if (loop == NULL)
		return -ENOMEM;
	kio__queue_init(&loop->ready);
	kio__queue_init(&loop->last);
	loop->engine = engine;
	rc = engine->open(loop, options);
	if (rc < 0) {
		kio__free(loop);
		return rc;
	}
	*out = loop;
	return 0;
}

void
kio_loop_close(struct kio_loop **out)
{
	struct kio_loop *loop = *out;

	if (loop == NULL)
		return;
	if (loop->own != NULL)
		kio_loop_end(loop);
	if (loop->channels != 0)
		kio__panic("kio_loop_close: %u channels are open on it", loop->channels);
	while (__atomic_load_n(&loop->posting, __ATOMIC_ACQUIRE) != 0)
		kio__yield();
	loop->engine->close(loop);
	kio__free(loop);
	*out = NULL;
}

const char *
kio_loop_engine(const struct kio_loop *loop)
{
	return loop->engine->name;
}

uint64_t
kio_loop_now(const struct kio_loop *loop)
{
	return loop->engine->now != NULL ? loop->engine->now(loop) : kio__now();
}

/* --- tasks and the inbox ------------------------------------------------ */

void
kio_loop_defer(struct kio_loop *loop, struct kio_task *task)
{
	kio__loop_push(loop, task);
}

void
kio_loop_last(struct kio_loop *loop, struct kio_task *task)
{
	kio__queue_push(&loop->last, task);
}

bool
kio_loop_last_cancel(struct kio_loop *loop, struct kio_task *task)
{
	return kio__queue_remove(&loop->last, task);
}

static void
wake(struct kio_loop *loop)
{
	if (__atomic_load_n(&loop->asleep, __ATOMIC_SEQ_CST) != 0 &&
	    __atomic_exchange_n(&loop->asleep, 0, __ATOMIC_SEQ_CST) != 0)
		loop->engine->wake(loop);
}

void
kio_loop_post(struct kio_loop *loop, struct kio_task *task)
{
	struct kio_task *head = __atomic_load_n(&loop->inbox, __ATOMIC_RELAXED);

	/* as soon as the task is in, its owner may close the loop: that waits for us */
	__atomic_fetch_add(&loop->posting, 1, __ATOMIC_RELAXED);
	do
		task->next = head;
	while (!__atomic_compare_exchange_n(&loop->inbox, &head, task, true, __ATOMIC_SEQ_CST,
					    __ATOMIC_RELAXED));
	wake(loop);
	__atomic_fetch_sub(&loop->posting, 1, __ATOMIC_RELEASE);
}

static void
take_inbox(struct kio_loop *loop)
{
	struct kio_task *newest, *oldest = NULL, *next;

	if (__atomic_load_n(&loop->inbox, __ATOMIC_RELAXED) == NULL)
		return;
	newest = __atomic_exchange_n(&loop->inbox, NULL, __ATOMIC_ACQUIRE);
	for (; newest != NULL; newest = next) {
		next = newest->next;
		newest->next = oldest;
		oldest = newest;
	}
	for (; oldest != NULL; oldest = next) {
		next = oldest->next;
		kio__loop_push(loop, oldest);
	}
}

/* What these put off in turn runs with them. */
static bool
run_last(struct kio_loop *loop)
{
	struct kio_task *task = kio__queue_pop(&loop->last);

	if (kio__likely(task == NULL))
		return false;
	do
		task->run(task);
	while ((task = kio__queue_pop(&loop->last)) != NULL);
	return true;
}

/*
 * Runs what was ready when it was called: what these tasks make ready waits for
 * the next time, so that the engine gets its turn.
 */
static bool
run_ready(struct kio_loop *loop)
{
	struct kio__queue batch = loop->ready;
	struct kio_task *task, *next;

	if (kio__queue_empty(&batch))
		return run_last(loop);
	kio__queue_init(&loop->ready);
	for (task = (struct kio_task *)(void *)batch.head; task != NULL; task = next) {
		next = task->next;
		if (task->run == NULL)
			kio__go_up(kio_container_of(task, struct kio, task));
		else
			task->run(task);
	}
	run_last(loop);
	return true;
}

/* --- timers: a pairing heap --------------------------------------------- */

static struct kio_timer *
meld(struct kio_timer *a, struct kio_timer *b)
{
	struct kio_timer *first, *second;

	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	first = a->due_ns <= b->due_ns ? a : b;
	second = first == a ? b : a;
	second->prev = first;
	second->sibling = first->child;
	if (first->child != NULL)
		first->child->prev = second;
	first->child = second;
	return first;
}

/* Melds the children of a removed timer in pairs, then the pairs from the last to the first. */
static struct kio_timer *
meld_children(struct kio_timer *child)
{
	struct kio_timer *pairs = NULL, *root = NULL, *a, *b;

	while (child != NULL) {
		a = child;
		b = a->sibling;
		child = b != NULL ? b->sibling : NULL;
		a->sibling = NULL;
		if (b != NULL)
			b->sibling = NULL;
		a = meld(a, b);
		a->sibling = pairs;
		pairs = a;
	}
	while (pairs != NULL) {
		a = pairs;
		pairs = a->sibling;
		a->sibling = NULL;
		root = meld(root, a);
	}
	if (root != NULL)
		root->prev = NULL;
	return root;
}

static void
timer_remove(struct kio_loop *loop, struct kio_timer *timer)
{
	struct kio_timer *children = meld_children(timer->child);

	timer->armed = false;
	timer->child = NULL;
	if (timer == loop->timers) {
		loop->timers = children;
		return;
	}
	if (timer->prev->child == timer)
		timer->prev->child = timer->sibling;
	else
		timer->prev->sibling = timer->sibling;
	if (timer->sibling != NULL)
		timer->sibling->prev = timer->prev;
	loop->timers = meld(loop->timers, children);
}

void
kio_timer_arm(struct kio_loop *loop, struct kio_timer *timer, uint64_t due_ns)
{
	if (timer->armed)
		timer_remove(loop, timer);
	timer->due_ns = due_ns;
	timer->child = timer->sibling = timer->prev = NULL;
	timer->armed = true;
	loop->timers = meld(loop->timers, timer);
}

bool
kio_timer_cancel(struct kio_loop *loop, struct kio_timer *timer)
{
	if (!timer->armed)
		return false;
	timer_remove(loop, timer);
	return true;
}

static void
take_due_timers(struct kio_loop *loop)
{
	struct kio_timer *timer;
	uint64_t now;

	if (loop->timers == NULL)
		return;
	now = kio_loop_now(loop);
	while ((timer = loop->timers) != NULL && timer->due_ns <= now) {
		timer_remove(loop, timer);
		kio__loop_push(loop, &timer->task);
	}
}

/* --- rounds ------------------------------------------------------------- */

static int
enter(struct kio_loop *loop)
{
	uintptr_t self = kio__thread_self();

	if (loop->running)
		kio__panic("kio_loop: run or step inside one of the loop's own callbacks");
	if (loop->entered) {
		if (loop->thread != self)
			kio__panic("kio_loop: driven by two threads");
		return 0;
	}
	__atomic_store_n(&loop->thread, self, __ATOMIC_RELAXED);
	loop->entered = true;
	return loop->engine->enter != NULL ? loop->engine->enter(loop) : 0;
}

static bool
has_work(const struct kio_loop *loop)
{
	return !kio__queue_empty(&loop->ready) || !kio__queue_empty(&loop->last) ||
	       __atomic_load_n(&loop->inbox, __ATOMIC_SEQ_CST) != NULL ||
	       __atomic_load_n(&loop->stopped, __ATOMIC_SEQ_CST) != 0;
}

/* When the engine has to be back: 0, now; the first timer; or the caller's limit. */
static uint64_t
wait_until(struct kio_loop *loop, uint64_t limit_ns)
{
	if (has_work(loop) || limit_ns == 0)
		return 0;
	return loop->timers == NULL ? limit_ns : kio__min(limit_ns, kio__max(loop->timers->due_ns, 1));
}

/*
 * From here on others wake the loop. 0, when something came in between: then it
 * does not sleep.
 */
static uint64_t
fall_asleep(struct kio_loop *loop, uint64_t due_ns)
{
	__atomic_store_n(&loop->asleep, 1, __ATOMIC_SEQ_CST);
	return has_work(loop) ? 0 : due_ns;
}

static void
wake_up(struct kio_loop *loop)
{
	if (__atomic_load_n(&loop->asleep, __ATOMIC_RELAXED) != 0)
		__atomic_store_n(&loop->asleep, 0, __ATOMIC_RELAXED);
}

static bool
run_all(struct kio_loop *loop)
{
	take_inbox(loop);
	take_due_timers(loop);
	return run_ready(loop);
}

/* limit_ns: a moment; 0: do not wait; UINT64_MAX: as long as it takes. */
static int
run_round(struct kio_loop *loop, uint64_t limit_ns, bool wait_after_work)
{
	uint64_t due_ns;
	bool ran;
	int rc;

	loop->running = true;
	wake_up(loop);
	ran = run_all(loop);
	due_ns = ran && !wait_after_work ? 0 : wait_until(loop, limit_ns);
	if (due_ns != 0)
		due_ns = fall_asleep(loop, due_ns);
	rc = loop->engine->poll(loop, due_ns);
	wake_up(loop);
	if (!ran)
		ran = run_all(loop);
	loop->running = false;
	return rc < 0 ? rc : ran;
}

/* Whoever drove the loop, the next to look may be somebody who sleeps on its descriptor. */
static void
prepare_foreign(struct kio_loop *loop)
{
	if (loop->foreign)
		loop->engine->arm(loop, fall_asleep(loop, wait_until(loop, UINT64_MAX)));
}

int
kio_loop_step(struct kio_loop *loop, int64_t timeout_ns)
{
	uint64_t limit_ns = UINT64_MAX;
	int rc = enter(loop);

	if (rc < 0)
		return rc;
	if (timeout_ns >= 0)
		limit_ns = timeout_ns == 0 ? 0 : kio_loop_now(loop) + (uint64_t)timeout_ns;
	rc = run_round(loop, limit_ns, false);
	prepare_foreign(loop);
	return rc;
}

int
kio_loop_run(struct kio_loop *loop)
{
	int rc = enter(loop);

	while (rc >= 0 && __atomic_load_n(&loop->stopped, __ATOMIC_ACQUIRE) == 0)
		rc = run_round(loop, UINT64_MAX, true);
	__atomic_store_n(&loop->stopped, 0, __ATOMIC_RELAXED);
	prepare_foreign(loop);
	return rc < 0 ? rc : 0;
}

void
kio_loop_stop(struct kio_loop *loop)
{
	__atomic_fetch_add(&loop->posting, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&loop->stopped, 1, __ATOMIC_SEQ_CST);
	wake(loop);
	__atomic_fetch_sub(&loop->posting, 1, __ATOMIC_RELEASE);
}

static void
must(const struct kio_loop *loop, int rc)
{
	if (rc < 0)
		kio__panic("the engine %s failed, and what is in flight cannot be waited for: %e",
			   loop->engine->name, rc);
}

void
kio__loop_must_step(struct kio_loop *loop)
{
	must(loop, kio_loop_step(loop, -1));
}

static void
own_thread(void *priv)
{
	struct kio_loop *loop = priv;

	must(loop, kio_loop_run(loop));
	/* the engine may be this thread's alone: what is in flight comes home here or never */
	while (!kio__channels_quiet(loop))
		kio__loop_must_step(loop);
}

int
kio_loop_start(struct kio_loop *loop)
{
	if (loop->entered || loop->own != NULL)
		kio__panic("kio_loop_start: the loop has a thread already");
	return kio__thread_start(&loop->own, "kio-loop", own_thread, loop);
}

void
kio_loop_end(struct kio_loop *loop)
{
	kio_loop_stop(loop);
	kio__thread_join(&loop->own);
	__atomic_store_n(&loop->thread, kio__thread_self(), __ATOMIC_RELAXED);
}

int
kio_loop_fd(struct kio_loop *loop)
{
	loop->foreign = true;
	__atomic_store_n(&loop->asleep, 1, __ATOMIC_SEQ_CST);
	return loop->engine->fd(loop);
}

/* --- work and watches --------------------------------------------------- */

static void
work_done(struct kio_task *task)
{
	struct kio_work *work = kio_container_of(task, struct kio_work, task);

	work->then(work);
}

static void
work_back(struct kio_work *work)
{
	work->task.run = work_done;
	kio_loop_post(work->loop, &work->task);
}

/* On a worker: a job is laid over the work's task until it goes back. */
static void
work_run(struct kio__job *job)
{
	struct kio_work *work = kio_container_of(job, struct kio_work, task);

	work->run(work);
	kio__job_done();
	work_back(work);
}

_Static_assert(sizeof(struct kio__job) == sizeof(struct kio_task), "a job is laid over a task");

void
kio_work_start(struct kio_loop *loop, struct kio_work *work)
{
	struct kio__job *job = (struct kio__job *)(void *)&work->task;

	work->loop = loop;
	job->run = work_run;
	if (!loop->engine->alone && kio__job_queue(job) == 0)
		return;
	/* no thread to be had: then here */
	work->run(work);
	work_back(work);
}

int
kio_watch_set(struct kio_loop *loop, struct kio_watch *watch, int fd, unsigned events)
{
	if (loop->engine->watch == NULL)
		return -ENOSYS;
	watch->fd = fd;
	watch->events = events;
	return loop->engine->watch(loop, watch);
}

void
kio_watch_stop(struct kio_loop *loop, struct kio_watch *watch,
	       void (*gone)(struct kio_watch *watch))
{
	loop->engine->unwatch(loop, watch, gone);
}
