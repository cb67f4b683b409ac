/* SPDX-License-Identifier: MIT */
/*
 * What a mirror tells of its legs, and what it can be asked to do with them.
 */
#include "layers/mirror.h"

enum kio_health
kio__mirror_health(const struct kio_layer *layer)
{
	const struct mirror *mirror = kio_container_of(layer, const struct mirror, layer);
	uint32_t usable = mirror_usable(mirror);

	if (usable == 0)
		return KIO_HEALTH_FAILED;
	if ((unsigned)__builtin_popcount(usable) < mirror->all || __atomic_load_n(&mirror->differ, __ATOMIC_RELAXED))
		return KIO_HEALTH_DEGRADED;
	return KIO_HEALTH_OK;
}

bool
kio__mirror_progress(const struct kio_layer *layer, struct kio_progress *progress)
{
	const struct mirror *mirror = kio_container_of(layer, const struct mirror, layer);
	uint64_t began = __atomic_load_n(&mirror->copy_began, __ATOMIC_RELAXED);

	if (mirror_copying(mirror) == 0)
		return kio__mirror_compare_progress(mirror, progress);
	progress->what = "resync";
	progress->total = __atomic_load_n(&mirror->to_copy, __ATOMIC_RELAXED);
	/* what a change failed on is copied once more */
	progress->done = kio__min(__atomic_load_n(&mirror->copied, __ATOMIC_RELAXED), progress->total);
	progress->took_ns = began != 0 ? kio__now() - began : 0;
	return true;
}

static unsigned
percent(uint64_t done, uint64_t total)
{
	if (total == 0)
		return 100;
	return (unsigned)(total < UINT64_MAX / 100 ? done * 100 / total : done / (total / 100));
}

static void
format_copy(const struct mirror *mirror, char *text, size_t size)
{
	struct kio_progress progress;

	/* it may have ended just now */
	if (!kio__mirror_progress(&mirror->layer, &progress) || mirror_copying(mirror) == 0) {
		kio_format(text, size, "stale");
		return;
	}
	kio_format(text, size, "stale, being made equal: %S of %S, %u%%", progress.done, progress.total,
		   percent(progress.done, progress.total));
}

enum kio_health
kio__mirror_leg_health(const struct kio_layer *layer, unsigned leg, char *text, size_t size)
{
	const struct mirror *mirror = kio_container_of(layer, const struct mirror, layer);

	uint32_t late = __atomic_load_n(&mirror->late[leg], __ATOMIC_RELAXED);

	if ((mirror_usable(mirror) >> leg & 1) != 0) {
		kio_format(text, size, late != 0 ? "in sync, %u changes on their way" : "in sync", late);
		return KIO_HEALTH_OK;
	}
	if ((mirror_copying(mirror) >> leg & 1) != 0) {
		format_copy(mirror, text, size);
		return KIO_HEALTH_DEGRADED;
	}
	kio_format(text, size, kio_leg_absent(layer->legs[leg]) ? "absent" : "stale");
	return KIO_HEALTH_FAILED;
}

void
kio__mirror_say_stale(const struct mirror *mirror, unsigned leg, const char *text)
{
	bool repair = mirror_has_state(mirror) && !mirror_is_read_only(mirror) && mirror_usable(mirror) != 0;
	char command[160];

	kio_format(command, sizeof(command), "resync %q", mirror->layer.legs[leg]->name);
	kio_notice(&mirror->layer, kio__mirror_health(&mirror->layer), repair ? command : NULL, "%s", text);
}

void
kio__mirror_lost(struct mirror *mirror, uint32_t legs, const char *why, int error)
{
	char text[200];

	for (; legs != 0; legs &= legs - 1) {
		unsigned leg = (unsigned)__builtin_ctz(legs);

		kio_format(text, sizeof(text), "the leg %s %s and is stale%s%s", mirror->layer.legs[leg]->name,
			   why, error != 0 ? ": " : "", error != 0 ? kio_error_text(error) : "");
		kio__mirror_say_stale(mirror, leg, text);
	}
	kio__mirror_quorum_wake(mirror);
}

bool
kio__mirror_take_out(struct mirror *mirror, uint32_t legs, const char *why, int error)
{
	uint32_t before = mirror_usable(mirror);

	do {
		if ((before & ~legs) == 0)
			return false;
	} while (!__atomic_compare_exchange_n(&mirror->usable, &before, before & ~legs, false,
					      __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
	kio__mirror_lost(mirror, before & legs, why, error);
	return true;
}

static void
give_up(struct mirror *mirror, unsigned leg)
{
	char text[200];

	kio__mutex_lock(&mirror->mutex);
	__atomic_fetch_and(&mirror->copying, ~(1u << leg), __ATOMIC_SEQ_CST);
	mirror->back &= ~(1u << leg);
	kio__mutex_unlock(&mirror->mutex);
	kio_format(text, sizeof(text), "the leg %s was failed by hand and stays stale",
		   mirror->layer.legs[leg]->name);
	kio__mirror_say_stale(mirror, leg, text);
	kio__mirror_quorum_wake(mirror);
}

/* As a failed write would, or a failed copy. */
static int
fail_leg(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
	 struct kio_report *report, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	const char *name = layer->legs[leg]->name;
	int rc = 0;

	(void)count;
	(void)args;
	if (((mirror_usable(mirror) | mirror_copying(mirror)) >> leg & 1) == 0)
		return kio_refuse(diag, -EALREADY, "%s is not in use", name);
	if ((mirror_copying(mirror) >> leg & 1) != 0)
		give_up(mirror, leg);
	else if (!kio__mirror_take_out(mirror, 1u << leg, "was failed by hand", 0))
		return kio_refuse(diag, -EBUSY, "%s is the last leg in use", name);
	if (mirror_has_state(mirror) && !mirror_is_read_only(mirror))
		rc = kio__mirror_put_on_record(mirror);
	if (rc < 0)
		return kio_refuse(diag, rc, "%s is not used any more, but that is not on record: %e", name,
				  rc);
	kio_report_text(report, "failed", "%s", name);
	kio_report_number(report, "legs_in_use", (uint64_t)__builtin_popcount(mirror_usable(mirror)));
	return 0;
}

const struct kio_operation kio__mirror_operations[] = {
	{ .name = "fail", .help = "use this leg no more; it is stale from now on", .of_leg = true,
	  .run = fail_leg },
	{ .name = "resync", .help = "make this stale leg equal, and use it again; all: copy all, not what is known",
	  .arguments = "[all]", .most = 1, .of_leg = true, .run = kio__mirror_resync_leg },
	{ .name = "resync", .help = "the same of all stale legs", .arguments = "[all]", .most = 1,
	  .run = kio__mirror_resync_all },
	{ .name = "compare", .help = "read and compare the legs in sync; repairs nothing",
	  .run = kio__mirror_compare },
	{ .name = "compared", .help = "what came out of that, so far", .run = kio__mirror_compared },
	{ 0 }
};
