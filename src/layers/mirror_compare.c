/* SPDX-License-Identifier: MIT */
/*
 * The legs in sync are compared while the mirror is in use: a piece at a time is
 * read from all of them while its range is held, so that no write is on its way.
 * Nothing is repaired: which leg is right is not for the mirror to know.
 */
#include "layers/mirror.h"

static void
note_difference(struct mirror *mirror, uint64_t offset)
{
	struct mirror_compare *compare = &mirror->compare;

	kio__mutex_lock(&mirror->mutex);
	if (compare->differing++ < MIRROR_FIRST)
		compare->first[compare->differing - 1] = offset;
	kio__mutex_unlock(&mirror->mutex);
}

/* Each block of all legs against that of the first. */
static void
look_at(struct mirror *mirror, uint32_t legs, size_t len)
{
	const struct mirror_compare *compare = &mirror->compare;
	const unsigned char *first = compare->data + (size_t)__builtin_ctz(legs) * MIRROR_PIECE;

	for (size_t at = 0; at < len; at += KIO__MIRROR_BLOCK) {
		size_t block = kio__min(len - at, KIO__MIRROR_BLOCK);
		bool equal = true;

		for (uint32_t rest = legs & (legs - 1); rest != 0 && equal; rest &= rest - 1)
			equal = memcmp(first + at,
				       compare->data + (size_t)__builtin_ctz(rest) * MIRROR_PIECE + at,
				       block) == 0;
		if (!equal)
			note_difference(mirror, compare->at + at);
	}
}

static void
piece_read(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_compare *compare = &mirror->compare;
	struct mirror_work *work = &channel->work;
	uint32_t failed = work->round.failed, legs = compare->legs & ~failed;

	/* nothing to compare with is left */
	if ((compare->legs & (compare->legs - 1)) == 0) {
		kio__mirror_let_go(channel);
		return;
	}
	for (uint32_t rest = failed; rest != 0; rest &= rest - 1)
		mirror_log_read(mirror, compare->at, work->len, (unsigned)__builtin_ctz(rest), work->round.error);
	if ((legs & (legs - 1)) != 0)
		look_at(mirror, legs, work->len);
	kio__mutex_lock(&mirror->mutex);
	if (failed != 0)
		compare->unread += work->len;
	__atomic_store_n(&compare->at, compare->at + work->len, __ATOMIC_RELAXED);
	kio__mutex_unlock(&mirror->mutex);
	kio__mirror_let_go(channel);
}

/* Legs may have been lost or have come back since the last piece. */
static void
read_piece(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_compare *compare = &mirror->compare;
	struct mirror_work *work = &channel->work;
	uint32_t legs;

	compare->legs = mirror_usable(mirror);
	legs = kio__mirror_round_begin(&work->round, compare->legs, piece_read);
	for (; legs != 0; legs &= legs - 1) {
		unsigned leg = (unsigned)__builtin_ctz(legs);
		struct kio *kio = work->round.kios[leg];

		kio_read(kio, compare->at,
			 kio_buf(kio, compare->data + (size_t)leg * MIRROR_PIECE, work->len),
			 kio__mirror_round_done);
	}
}

static void
say_result(const struct mirror *mirror)
{
	const struct mirror_compare *compare = &mirror->compare;
	enum kio_health health = kio__mirror_health(&mirror->layer);

	if (compare->differing != 0)
		kio_notice(&mirror->layer, health, NULL, "the legs differ in %U blocks of %u bytes, the first at %U",
			   compare->differing, KIO__MIRROR_BLOCK, compare->first[0]);
	else if (compare->at < mirror->size)
		kio_notice(&mirror->layer, health, NULL, "the legs are compared no more: one is left");
	else if (compare->unread != 0)
		kio_notice(&mirror->layer, health, NULL, "the legs are equal where they can be read: %U bytes cannot",
			   compare->unread);
	else
		kio_notice(&mirror->layer, health, NULL, "the legs are equal");
}

static void
finish(struct mirror *mirror)
{
	kio__mutex_lock(&mirror->mutex);
	kio__free(mirror->compare.data);
	mirror->compare.data = NULL;
	__atomic_store_n(&mirror->compare.on, false, __ATOMIC_RELAXED);
	mirror->compare.done = true;
	__atomic_store_n(&mirror->differ, mirror->compare.differing != 0, __ATOMIC_RELAXED);
	kio__mutex_unlock(&mirror->mutex);
	say_result(mirror);
}

bool
kio__mirror_compare_step(struct mirror_channel *channel)
{
	struct mirror *mirror = channel->mirror;
	struct mirror_compare *compare = &mirror->compare;
	uint32_t legs = mirror_usable(mirror);

	if (!__atomic_load_n(&compare->on, __ATOMIC_ACQUIRE))
		return false;
	if (compare->at == mirror->size || (legs & (legs - 1)) == 0) {
		finish(mirror);
		return false;
	}
	if (kio__mirror_wait_for_rate(channel))
		return true;
	channel->work.len = kio__min(MIRROR_PIECE, mirror->size - compare->at);
	kio__mirror_hold_range(channel, compare->at, channel->work.len, read_piece);
	return true;
}

/* --- operations ---------------------------------------------------------- */

/* With the mutex held. How far it is is asked for without. */
static void
begin(struct mirror_compare *compare, unsigned char *data)
{
	compare->data = data;
	compare->done = false;
	compare->differing = compare->unread = 0;
	__atomic_store_n(&compare->at, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&compare->began, kio__now(), __ATOMIC_RELAXED);
	__atomic_store_n(&compare->on, true, __ATOMIC_RELEASE);
}

int
kio__mirror_compare(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
		    struct kio_report *report, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	uint32_t legs = mirror_usable(mirror);
	unsigned char *data;
	bool on;

	(void)leg;
	(void)count;
	(void)args;
	if (!mirror_has_state(mirror))
		return kio_refuse(diag, -ENOTSUP, "%s has state=none, and does nothing by itself", layer->name);
	if ((legs & (legs - 1)) == 0)
		return kio_refuse(diag, -ENODEV, "%s has one leg in sync, and nothing to compare it with",
				  layer->name);
	data = kio__alloc_aligned((size_t)layer->leg_count * MIRROR_PIECE, 4096);
	if (data == NULL)
		return -ENOMEM;
	kio__mutex_lock(&mirror->mutex);
	on = mirror->compare.on;
	if (!on) {
		begin(&mirror->compare, data);
		kio__mirror_work_kick(mirror);
	}
	kio__mutex_unlock(&mirror->mutex);
	if (on) {
		kio__free(data);
		return kio_refuse(diag, -EALREADY, "the legs of %s are being compared", layer->name);
	}
	kio_report_number(report, "to_read_bytes", mirror->size);
	return 0;
}

int
kio__mirror_compared(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
		     struct kio_report *report, struct kio_diag *diag)
{
	struct mirror *mirror = mirror_of(layer);
	struct mirror_compare compare = { 0 };
	char text[240] = "";
	size_t len = 0;

	(void)leg;
	(void)count;
	(void)args;
	if (mirror_has_state(mirror)) {
		kio__mutex_lock(&mirror->mutex);
		compare = mirror->compare;
		kio__mutex_unlock(&mirror->mutex);
	}
	if (!compare.on && !compare.done)
		return kio_refuse(diag, -ENODATA, "the legs of %s were not compared", layer->name);
	for (unsigned i = 0; i < kio__min(compare.differing, MIRROR_FIRST); i++)
		len += kio_format(text + len, sizeof(text) - len, "%s%U", i != 0 ? " " : "", compare.first[i]);
	kio_report_number(report, "running", compare.on);
	kio_report_number(report, "compared_bytes", compare.at);
	kio_report_number(report, "of_bytes", mirror->size);
	kio_report_number(report, "unread_bytes", compare.unread);
	kio_report_number(report, "differing_blocks", compare.differing);
	if (compare.differing != 0)
		kio_report_text(report, "first_at", "%s", text);
	return 0;
}

bool
kio__mirror_compare_progress(const struct mirror *mirror, struct kio_progress *progress)
{
	const struct mirror_compare *compare = &mirror->compare;
	uint64_t began = __atomic_load_n(&compare->began, __ATOMIC_RELAXED);

	*progress = (struct kio_progress){ "compare", __atomic_load_n(&compare->at, __ATOMIC_RELAXED),
					   mirror->size, kio__now() - began };
	return __atomic_load_n(&compare->on, __ATOMIC_RELAXED);
}
