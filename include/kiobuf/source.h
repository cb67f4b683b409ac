/* SPDX-License-Identifier: MIT */
#ifndef KIOBUF_SOURCE_H
#define KIOBUF_SOURCE_H

/*
 * kio_source: makes an event of what is no I/O: a moment, a descriptor that gets
 * ready, a signal, the end of a child, or an event that another thread fires.
 *
 *   moment, descriptor, signal, child ---+
 *   an event, fired by any thread -------+--> the loop ---> source.event
 *   kio_source_cancel, by any thread ----+   (-ECANCELED)
 *
 * So all that waits for an event waits for these: a callback on the loop, a
 * group, and, if source.event is shared, any thread and any other loop.
 *
 *	struct kio_source child = { 0 };
 *
 *	rc = kio_source_child(loop, &child, pid);
 *	...
 *	kio_event_attach(&child.event, &ended);       (child.value: as from waitpid)
 *
 * A loop waits for what another thread does; kio_loop_fd wakes for it, once for
 * all that fires in one go:
 *
 *	kio_source_event(loop, &theirs, &shared);
 *	kio_event_attach(&theirs.event, &cb);         (cb runs on this loop)
 *
 * Rules
 *  1. The event is initialised by the caller, and pending. All zero it is the
 *     loop's own; for others it is made by kio_event_init_shared.
 *  2. It fires once for each start, on the loop, never inside a call. Until
 *     then the source is the loop's, which has to be driven; afterwards it can
 *     be freed, or started again with an event made anew.
 *  3. A source is started on the loop's thread. Any thread cancels it.
 *  4. It allocates nothing. A signal and a child take a descriptor each until the
 *     event fires.
 */

#include <kiobuf/event.h>
#include <kiobuf/loop.h>

KIO_BEGIN

struct kio__source_kind;

/* Zeroed by its owner before the first use. */
struct kio_source {
	struct kio_event event; /* 0, -ECANCELED, or as the kind says */
	int32_t value;          /* what came, as the kind says */
	uint32_t state;         /* the loop's, as all that follows */
	struct kio_loop *loop;
	const struct kio__source_kind *kind;
	struct kio_task task;
	union {
		struct kio_timer timer;
		struct kio_watch watch;
		struct {
			struct kio_cb cb;
			struct kio_event *event;
		} other;
	} of;
};

/* At due_ns of kio_loop_now; virtual time on the simulator's loop. */
KIO_PUBLIC void kio_source_timer(struct kio_loop *loop, struct kio_source *source, uint64_t due_ns);

/*
 * When the other event fires, on whatever thread, and with its status. That one
 * lives until the source's has fired, and is not sealed.
 */
KIO_PUBLIC void kio_source_event(struct kio_loop *loop, struct kio_source *source,
				 struct kio_event *other);

/*
 * When one of the events (KIO_READABLE, KIO_WRITABLE) is ready; value says which,
 * KIO_HANGUP may be among them. The descriptor is the caller's, open until the
 * event fires, and not watched otherwise on this loop: -EEXIST. -EPERM: it is of
 * a kind that is always ready (files). -ENOSYS: the loop is the simulator's.
 */
KIO_PUBLIC int kio_source_fd(struct kio_loop *loop, struct kio_source *source, int fd,
			     unsigned events);

/*
 * When the process gets the signal, which value names, and which is thereby
 * taken. It has to be blocked in all threads, before they are started; -EINVAL:
 * in this one it is not, or there is no such signal. Of several that wait for a
 * signal one gets it. -errno of signalfd; -ENOSYS as above.
 */
KIO_PUBLIC int kio_source_signal(struct kio_loop *loop, struct kio_source *source, int signal);

/*
 * When the child ends. It is reaped: value is its status, as from waitpid. The
 * event's status is -ECHILD if somebody else has reaped it, or it is not this
 * process's child. -ESRCH: there is none; -errno of pidfd_open; -ENOSYS as above.
 */
KIO_PUBLIC int kio_source_child(struct kio_loop *loop, struct kio_source *source, int pid);

/*
 * Any thread. 0: the event fires with -ECANCELED, and what it waited for was not
 * taken: the signal stays pending, the child unreaped. -EALREADY: too late for
 * that, the event fires by itself, or has; or it was never started. In either
 * case the source stays the loop's until the event fires.
 */
KIO_PUBLIC int kio_source_cancel(struct kio_source *source);

/* For the `lost` of an arm that kio_group_own gives a source's event: cancels it. */
KIO_PUBLIC struct kio_event *kio_source_lost(struct kio_cb *cb, int status);

KIO_END

#endif
