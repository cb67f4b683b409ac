/* SPDX-License-Identifier: MIT */
/*
 * A filter on completion: what was read is deciphered by a worker before anybody
 * who waits for the read wakes. Neither the driver nor the waiters know of it.
 *
 *   driver --> interceptor holds --> worker deciphers --> resumed --> waiters
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>
#include <string.h>

static char page[4096];

struct filter {
	struct kio_cb cb;
	struct kio_work work;
	struct kio_loop *loop;
	struct kio_event *event;
};

/* On a worker; this is no cipher. */
static void
decipher(struct kio_work *work)
{
	(void)work;
	for (size_t i = 0; i < sizeof(page); i++)
		page[i] ^= 0x55;
}

/* Back on the loop: only now the status becomes visible. */
static void
go_on(struct kio_work *work)
{
	struct filter *filter = kio_container_of(work, struct filter, work);

	kio_event_resume(filter->event, &filter->cb, 0);
}

static struct kio_event *
have_read(struct kio_cb *cb, int status)
{
	struct filter *filter = kio_container_of(cb, struct filter, cb);

	if (status < 0)
		return NULL; /* there is nothing to decipher; the waiters hear of it */
	kio_work_start(filter->loop, &filter->work);
	return KIO_CB_HOLD;
}

int
main(void)
{
	struct filter filter = { .cb = { .fn = have_read }, .work = { .run = decipher, .then = go_on } };
	struct kio_channel *channel;
	struct kio_stack *stack;
	struct kio_diag diag;
	struct kio *kio;

	if (kio_stack_open(&stack, "mem 1M", NULL, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	strcpy(page, "meet me at dawn");
	decipher(NULL);
	if (kio_pwrite(stack, page, sizeof(page), 0, 0) < 0 ||
	    kio_loop_open(&filter.loop, NULL) < 0 ||
	    kio_channel_open(&channel, stack, filter.loop) < 0)
		return 1;
	kio = kio_create(channel, 1);
	kio_event_init_shared(&kio->event);
	filter.event = &kio->event;
	if (kio_loop_start(filter.loop) < 0)
		return 1;

	kio_prepare(kio, KIO_READ, 0, 0, kio_buf(kio, page, sizeof(page)), NULL);
	kio_event_intercept(&kio->event, &filter.cb);
	kio_post(kio);
	kio_event_wait(&kio->event, UINT64_MAX, 0);
	printf("read: %d, %s\n", kio_status(kio), page);

	kio_loop_end(filter.loop);
	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&filter.loop);
	kio_stack_close(&stack, NULL);
	return 0;
}
