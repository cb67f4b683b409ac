/* SPDX-License-Identifier: MIT */
/*
 * Sources: who has the race between what happens and who cancels, and the way
 * home to the loop.
 *
 * One word decides. What happens says HAPPENED, who cancels says CANCELLED, and
 * the first of them owns the source:
 *
 *   what happened first    fires the event, on the loop; cancelling is refused
 *   cancelled first        the source goes to its loop by a post, is stopped
 *                          there and fires with -ECANCELED
 *
 * In the second case what happens may be on its way all the same: a timer that
 * is in the loop's queue, a callback that another thread is about to run. Then
 * it and the stopping say PASSED, and the second of them goes on: so nobody
 * touches the source after its event has fired.
 */
#include "core/source.h"

#include <kiobuf/group.h>

#include "core/atomic.h"
#include "core/loop.h"

#define STARTED 1u
#define HAPPENED 2u
#define CANCELLED 4u
#define PASSED 8u

/* It happens, with that status. False: it was cancelled before. */
static bool
claim(struct kio_source *source)
{
	return (kio__or(&source->state, HAPPENED, ACQ_REL) & CANCELLED) == 0;
}

/* It did not happen, for now. False: somebody wanted to cancel, and was told that it is too late. */
static bool
unclaim(struct kio_source *source)
{
	uint32_t happened = STARTED | HAPPENED;

	return kio__cas(&source->state, &happened, STARTED, ACQ_REL, RELAXED);
}

/* Whoever comes second goes on. */
static bool
is_second(struct kio_source *source)
{
	return (kio__or(&source->state, PASSED, ACQ_REL) & PASSED) != 0;
}

static void
fire(struct kio_source *source, int status)
{
	kio_event_fire(&source->event, status);
}

static void
begin(struct kio_loop *loop, struct kio_source *source, const struct kio__source_kind *kind)
{
	if (kio_event_fired(&source->event))
		kio__panic("kio_source: started with an event that has fired");
	source->loop = loop;
	source->kind = kind;
	source->state = STARTED;
	source->value = 0;
}

/* --- cancelling --------------------------------------------------------- */

static void
call_off(struct kio_task *task)
{
	struct kio_source *source = kio_container_of(task, struct kio_source, task);

	if (source->kind->stop(source) || is_second(source))
		fire(source, -ECANCELED);
}

int
kio_source_cancel(struct kio_source *source)
{
	if (kio__or(&source->state, CANCELLED, ACQ_REL) != STARTED)
		return -EALREADY;
	source->task.run = call_off;
	kio_loop_post(source->loop, &source->task);
	return 0;
}

struct kio_event *
kio_source_lost(struct kio_cb *cb, int status)
{
	struct kio_arm *arm = kio_container_of(cb, struct kio_arm, cb);

	(void)status;
	kio_source_cancel(kio_container_of(arm->event, struct kio_source, event));
	return NULL;
}

/* --- a moment ----------------------------------------------------------- */

static void
timer_due(struct kio_task *task)
{
	struct kio_source *source = kio_container_of(task, struct kio_source, of.timer.task);

	if (claim(source))
		fire(source, 0);
	else if (is_second(source))
		fire(source, -ECANCELED);
}

static bool
timer_stop(struct kio_source *source)
{
	return kio_timer_cancel(source->loop, &source->of.timer);
}

void
kio_source_timer(struct kio_loop *loop, struct kio_source *source, uint64_t due_ns)
{
	static const struct kio__source_kind kind = { .stop = timer_stop };

	begin(loop, source, &kind);
	source->of.timer = (struct kio_timer){ .task.run = timer_due };
	kio_timer_arm(loop, &source->of.timer, due_ns);
}

/* --- another event ------------------------------------------------------ */

static void
come_home(struct kio_task *task)
{
	struct kio_source *source = kio_container_of(task, struct kio_source, task);

	fire(source, source->event.status);
}

/* On the thread that fires. Once it is posted, or the stopping goes on, the source may be gone. */
static struct kio_event *
other_fired(struct kio_cb *cb, int status)
{
	struct kio_source *source = kio_container_of(cb, struct kio_source, of.other.cb);

	if (!claim(source)) {
		if (!is_second(source))
			return NULL;
		status = -ECANCELED;
	}
	kio_event_set(&source->event, status);
	source->task.run = come_home;
	kio_loop_post(source->loop, &source->task);
	return NULL;
}

static bool
other_stop(struct kio_source *source)
{
	return kio_event_detach(source->of.other.event, &source->of.other.cb) == 0;
}

void
kio_source_event(struct kio_loop *loop, struct kio_source *source, struct kio_event *other)
{
	static const struct kio__source_kind kind = { .stop = other_stop };

	begin(loop, source, &kind);
	source->of.other.cb = (struct kio_cb){ .fn = other_fired };
	source->of.other.event = other;
	if (kio_event_attach(other, &source->of.other.cb) < 0)
		other_fired(&source->of.other.cb, other->status);
}

/* --- a descriptor ------------------------------------------------------- */

static void
watch_gone(struct kio_watch *watch)
{
	struct kio_source *source = kio_container_of(watch, struct kio_source, of.watch);

	if (source->kind->leave != NULL)
		source->kind->leave(source);
	fire(source, source->event.status);
}

/* The loop still has the watch in hand: the event fires when it lets go. */
static void
stop_watch(struct kio_source *source, int status)
{
	kio_event_set(&source->event, status);
	kio_watch_stop(source->loop, &source->of.watch, watch_gone);
}

bool
kio__source_unwatch(struct kio_source *source)
{
	stop_watch(source, -ECANCELED);
	return false;
}

static void
watch_ready(struct kio_watch *watch, unsigned events)
{
	struct kio_source *source = kio_container_of(watch, struct kio_source, of.watch);
	int status = 0;

	if (!claim(source))
		return;
	if (source->kind->take != NULL)
		status = source->kind->take(source);
	else
		source->value = (int32_t)events;
	if (status == -EAGAIN) {
		if (unclaim(source))
			return;
		status = -ECANCELED;
	}
	stop_watch(source, status);
}

int
kio__source_watch(struct kio_loop *loop, struct kio_source *source, int fd, unsigned events,
		  const struct kio__source_kind *kind)
{
	int rc;

	begin(loop, source, kind);
	source->of.watch = (struct kio_watch){ .fn = watch_ready };
	rc = kio_watch_set(loop, &source->of.watch, fd, events);
	if (rc < 0)
		source->state = 0;
	return rc;
}

int
kio_source_fd(struct kio_loop *loop, struct kio_source *source, int fd, unsigned events)
{
	static const struct kio__source_kind kind = { .stop = kio__source_unwatch };

	return kio__source_watch(loop, source, fd, events, &kind);
}
