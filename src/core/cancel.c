/* SPDX-License-Identifier: MIT */
/*
 * Cancelling: from the container down to where its request is now.
 *
 *   on its way up          nothing to do; no layer sends it down again
 *   waits in a queue       leaves it, and goes up
 *   is split               no more parts; those in flight are cancelled
 *   apart                  ends; its copy is cancelled
 *   kept by a layer        the class's cancel, where it has one
 *
 * The mark stays on the container, so that what is to run later ends there.
 */
#include <kiobuf/group.h>

#include "core/frame.h"

/* None of its bytes count as moved; it is nobody's error. */
void
kio__finish_cancelled(struct kio_frame *frame)
{
	kio__fail_whole(frame);
	kio__finish_frame(frame, -ECANCELED);
}

bool
kio_frame_cancelled(const struct kio_frame *frame)
{
	return kio__is_cancelled(frame->kio);
}

void
kio_cancel(struct kio *kio)
{
	struct kio_frame *frame = kio->frame;
	const struct kio_class *class_;

	if (frame == NULL)
		return;
	kio__first_frame(kio)->bits |= KIO__UNWANTED;
	if ((frame->bits & (KIO__FINISHED | KIO__UP)) != 0)
		return;
	class_ = frame->level->layer->class_;
	if ((frame->bits & (KIO__FANS | KIO__LIMITED)) != 0)
		kio__split_cancel(frame);
	else if ((frame->bits & KIO__APART) != 0 && class_->cancel == NULL)
		kio__apart_cancel(frame);
	else if (kio__lend_withdraw(kio) || kio__bounce_withdraw(frame) ||
		 kio__range_withdraw(frame))
		kio__finish_cancelled(frame);
	else if (kio->task.run == NULL && class_->cancel != NULL)
		class_->cancel(frame->level->layer, frame);
}

struct kio_event *
kio_lost(struct kio_cb *cb, int status)
{
	struct kio_arm *arm = kio_container_of(cb, struct kio_arm, cb);

	(void)status;
	kio_cancel(kio_container_of(arm->event, struct kio, event));
	return NULL;
}
