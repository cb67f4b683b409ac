/* SPDX-License-Identifier: MIT */
/*
 * A thread waits: a notifier on its stack wakes it. A thread that only looks
 * says so, and costs the one who fires no system call.
 */
#include "core/event.h"

enum { LOOKS, FIRED, SLEEPS };

struct waiter {
	struct kio_cb cb;
	uint32_t word; /* of the above */
};

/* As soon as the word is stored the waiter may be gone; to wake nobody is harmless. */
static struct kio_event *
wake(struct kio_cb *cb, int status)
{
	uint32_t *word = &kio_container_of(cb, struct waiter, cb)->word;

	(void)status;
	if (kio__xchg(word, FIRED, ACQ_REL) == SLEEPS)
		kio__wake(word);
	return NULL;
}

static bool
sleep_until(struct waiter *waiter, uint64_t due_ns)
{
	uint32_t looks = LOOKS;
	int rc = 0;

	if (!kio__cas(&waiter->word, &looks, SLEEPS, ACQ_REL, ACQUIRE))
		return true;
	while (kio__load(&waiter->word, ACQUIRE) != FIRED) {
		if (rc == -ETIMEDOUT)
			return false;
		rc = kio__sleep(&waiter->word, SLEEPS, due_ns);
	}
	return true;
}

int
kio_event_wait(struct kio_event *event, uint64_t due_ns, unsigned spins)
{
	struct waiter waiter = { .cb.fn = wake };

	if (kio_event_fired(event))
		return 0;
	if (!kio__event_is_shared(event))
		kio__panic("kio_event_wait: an owner's event fires on its own thread; run its loop");
	if (kio_event_attach(event, &waiter.cb) < 0)
		return 0;
	for (unsigned i = 0; i < spins; i++) {
		if (kio__load(&waiter.word, ACQUIRE) == FIRED)
			return 0;
		kio__pause();
	}
	if (sleep_until(&waiter, due_ns))
		return 0;
	if (kio_event_detach(event, &waiter.cb) == 0)
		return -ETIMEDOUT;
	/* too late for that: the wake is on its way, and ends on our stack */
	while (kio__load(&waiter.word, ACQUIRE) != FIRED)
		kio__sleep(&waiter.word, SLEEPS, UINT64_MAX);
	return 0;
}
