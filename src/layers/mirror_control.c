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
	return (unsigned)__builtin_popcount(usable) < mirror->all ? KIO_HEALTH_DEGRADED : KIO_HEALTH_OK;
}

enum kio_health
kio__mirror_leg_health(const struct kio_layer *layer, unsigned leg, char *text, size_t size)
{
	const struct mirror *mirror = kio_container_of(layer, const struct mirror, layer);

	if ((mirror_usable(mirror) >> leg & 1) != 0) {
		kio_format(text, size, "in sync");
		return KIO_HEALTH_OK;
	}
	if ((mirror_copying(mirror) >> leg & 1) != 0) {
		kio_format(text, size, "stale, being made equal");
		return KIO_HEALTH_DEGRADED;
	}
	kio_format(text, size, kio_leg_absent(layer->legs[leg]) ? "absent" : "stale");
	return KIO_HEALTH_FAILED;
}

void
kio__mirror_lost(const struct mirror *mirror, uint32_t legs, const char *why, int error)
{
	for (unsigned i = 0; i < mirror->layer.leg_count; i++) {
		if ((legs >> i & 1) != 0)
			kio_notice(&mirror->layer, kio__mirror_health(&mirror->layer), NULL,
				   "the leg %s %s and is stale%s%s", mirror->layer.legs[i]->name, why,
				   error != 0 ? ": " : "", error != 0 ? kio_error_text(error) : "");
	}
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

/*
 * As a failed write would. That it is stale is recorded by the next change that
 * comes home; a flush is one, and it is over when the record is durable.
 */
static int
fail_leg(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
	 struct kio_report *report, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	const char *name = layer->legs[leg]->name;
	int rc = 0;

	(void)count;
	(void)args;
	if ((mirror_usable(mirror) >> leg & 1) == 0)
		return kio_refuse(diag, -EALREADY, "%s is not in use", name);
	if (!kio__mirror_take_out(mirror, 1u << leg, "was failed by hand", 0))
		return kio_refuse(diag, -EBUSY, "%s is the last leg in use", name);
	if (!mirror_is_read_only(mirror))
		rc = kio_flush(layer->stack);
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
	{ 0 }
};
