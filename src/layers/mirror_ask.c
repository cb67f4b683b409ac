/* SPDX-License-Identifier: MIT */
/*
 * What an operator asks of a running mirror is begun by the work, on its loop,
 * and answered when that is on record:
 *
 *   operator   asks, waits ................................. is answered
 *   work       kicked --> begins --> the record is durable --+
 *
 * Who asks is one thread at a time: the core sees to that.
 */
#include "layers/mirror.h"

#define ANSWER_NS ((uint64_t)10000000000)

/* The work is done by some channel: one of the stack's own, if there is no other. */
static int
find_worker(struct mirror *mirror)
{
	bool found;

	kio__mutex_lock(&mirror->mutex);
	found = mirror->worker != NULL;
	kio__mutex_unlock(&mirror->mutex);
	return found ? 0 : kio_flush(mirror->layer.stack);
}

static int
ask(struct mirror *mirror, uint32_t legs)
{
	struct mirror_ask *ask = &mirror->ask;
	int rc = find_worker(mirror);

	if (rc < 0)
		return rc;
	kio__mutex_lock(&mirror->mutex);
	kio_event_init_shared(&ask->answered);
	ask->legs = legs;
	ask->begun = false;
	ask->open = true;
	kio__mirror_work_kick(mirror);
	kio__mutex_unlock(&mirror->mutex);
	rc = kio_event_wait(&ask->answered, kio__now() + ANSWER_NS, 0);
	kio__mutex_lock(&mirror->mutex);
	/* one that was answered at the last moment counts */
	if (!ask->open)
		rc = ask->status;
	ask->open = false;
	kio__mutex_unlock(&mirror->mutex);
	return rc;
}

/* With the mutex held. */
static void
answer(struct mirror *mirror, int status)
{
	mirror->ask.open = false;
	mirror->ask.status = status;
	kio_event_fire(&mirror->ask.answered, 0);
}

void
kio__mirror_ask_leave(struct mirror *mirror)
{
	if (mirror->ask.open)
		answer(mirror, -ENODEV);
}

bool
kio__mirror_ask_step(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_ask *ask = &mirror->ask;

	kio__mutex_lock(&mirror->mutex);
	if (ask->open && !ask->begun) {
		if (ask->legs != 0 && !kio__mirror_copy_begin(channel, ask->legs)) {
			answer(mirror, -EBUSY);
			kio__mutex_unlock(&mirror->mutex);
			kio__mirror_quorum_wake(mirror);
			return false;
		}
		ask->to_copy = __atomic_load_n(&mirror->to_copy, __ATOMIC_RELAXED);
		ask->begun = true;
		mirror->state_changed = true;
		kio__mirror_record_and_go_on(channel);
		return true;
	}
	if (ask->open)
		answer(mirror, mirror_usable(mirror) != 0 ? 0 : -EIO);
	kio__mutex_unlock(&mirror->mutex);
	return false;
}

int
kio__mirror_put_on_record(struct mirror *mirror)
{
	return ask(mirror, 0);
}

/* --- legs come back ------------------------------------------------------ */

static int
may_resync(const struct mirror *mirror, struct kio_diag *diag)
{
	if (!mirror_has_state(mirror))
		return kio_refuse(diag, -ENOTSUP, "%s has state=none, and does not know what a leg misses",
				  mirror->layer.name);
	if (mirror_is_read_only(mirror))
		return kio_refuse(diag, -EROFS, "%s is open for reading only", mirror->layer.name);
	if (mirror_usable(mirror) == 0)
		return kio_refuse(diag, -EIO, "%s has no leg in sync", mirror->layer.name);
	return 0;
}

/* Is this leg stale, and can it be made equal? */
static int
check_leg(const struct mirror *mirror, unsigned leg, struct kio_diag *diag)
{
	struct kio_layer *of = mirror->layer.legs[leg];
	uint32_t late = __atomic_load_n(&mirror->late[leg], __ATOMIC_SEQ_CST);

	if ((mirror_usable(mirror) >> leg & 1) != 0)
		return kio_refuse(diag, -EALREADY, "%s is in sync", of->name);
	if ((mirror_copying(mirror) >> leg & 1) != 0)
		return kio_refuse(diag, -EALREADY, "%s is being made equal", of->name);
	if (kio_leg_absent(of))
		return kio_refuse(diag, -ENODEV, "%s did not open", of->name);
	if ((mirror->members >> leg & 1) == 0)
		return kio_refuse(diag, -ENODATA, "%s has no state that says it is a leg of this mirror",
				  of->name);
	/* nobody waits for those, so they could come over what is copied */
	if (late != 0)
		return kio_refuse(diag, -EBUSY, "%u changes are still on their way to %s", late, of->name);
	if (kio__mirror_room(of) < mirror->size)
		return kio_refuse(diag, -ENOSPC, "%s has room for %S, and the mirror has %S of data", of->name,
				  kio__mirror_room(of), mirror->size);
	return 0;
}

static int
begin(struct mirror *mirror, uint32_t legs, unsigned count, const char *const *args,
      struct kio_report *report, struct kio_diag *diag)
{
	int rc;

	if (count != 0 && strcmp(args[0], "all") != 0)
		return kio_refuse(diag, -EINVAL, "resync %s: all, or nothing", args[0]);
	if (count != 0) {
		kio__mutex_lock(&mirror->mutex);
		mirror->beyond |= legs;
		kio__mutex_unlock(&mirror->mutex);
	}
	rc = ask(mirror, legs);
	if (rc == -EBUSY)
		return kio_refuse(diag, rc, "%s: changes are still on their way to a leg", mirror->layer.name);
	if (rc == -ETIMEDOUT)
		return kio_refuse(diag, rc, "%s waits for a leg that does not answer", mirror->layer.name);
	if (rc < 0)
		return kio_refuse(diag, rc, "%s: that legs come back is not on record: %e", mirror->layer.name,
				  rc);
	kio_report_number(report, "legs", (uint64_t)__builtin_popcount(legs));
	kio_report_number(report, "to_copy_bytes", mirror->ask.to_copy);
	return 0;
}

int
kio__mirror_resync_leg(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
		       struct kio_report *report, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	int rc = may_resync(mirror, diag);

	if (rc == 0)
		rc = check_leg(mirror, leg, diag);
	return rc == 0 ? begin(mirror, 1u << leg, count, args, report, diag) : rc;
}

int
kio__mirror_resync_all(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
		       struct kio_report *report, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	int rc = may_resync(mirror, diag);
	uint32_t legs = 0;

	if (rc < 0)
		return rc;
	for (leg = 0; leg < layer->leg_count; leg++)
		legs |= check_leg(mirror, leg, NULL) == 0 ? 1u << leg : 0;
	if (legs == 0)
		return kio_refuse(diag, -EALREADY, "%s has no stale leg that can be made equal", layer->name);
	return begin(mirror, legs, count, args, report, diag);
}
