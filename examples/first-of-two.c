/* SPDX-License-Identifier: MIT */
/*
 * Reads from two replicas, and takes the first that answers, or gives up at a
 * deadline. Who loses is cancelled, and nobody is under way when it is over.
 *
 *   replica --+
 *   replica --+--> any ---+
 *                timer ---+--> first (one of them fires, whatever it says)
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>

#define MS 1000000u

static struct kio_loop *loop;
static struct kio *reads[2];
static char pages[2][4096];

static struct kio_event *
over(struct kio_cb *cb, int status)
{
	(void)cb;
	(void)status;
	kio_loop_stop(loop);
	return NULL;
}

static void
read_first(const char *what, uint64_t patience_ns)
{
	struct kio_arm arms[4] = { { .lost = kio_lost }, { .lost = kio_lost },
				   { .lost = NULL }, { .lost = kio_source_lost } };
	struct kio_cb cb = { .fn = over };
	struct kio_source timer = { 0 };
	struct kio_group any, first;

	kio_group_init(&any, KIO_ANY, 0);
	for (int i = 0; i < 2; i++) {
		kio_prepare(reads[i], KIO_READ, 0, 0, kio_buf(reads[i], pages[i], 4096), NULL);
		kio_group_own(&any, &arms[i], &reads[i]->event);
		kio_submit(reads[i]);
	}
	kio_group_seal(&any);
	kio_source_timer(loop, &timer, kio_loop_now(loop) + patience_ns);

	kio_group_init(&first, KIO_SETTLE, 1);
	kio_group_nest(&first, &arms[2], &any);
	kio_group_own(&first, &arms[3], &timer.event);
	kio_group_add(&first, &any.drained); /* so the one that lost is awaited too */
	kio_event_attach(&first.drained, &cb);
	kio_group_seal(&first);
	kio_loop_run(loop);

	printf("%s: %d (replicas %d and %d, timer %d)\n", what, any.event.status, kio_status(reads[0]),
	       kio_status(reads[1]), timer.event.status);
}

int
main(void)
{
	static const char *const texts[2] = { "delay 200ms | mem 1M", "delay 1m | mem 1M" };
	struct kio_channel *channels[2];
	struct kio_stack *stacks[2];
	struct kio_diag diag;

	if (kio_loop_open(&loop, NULL) < 0)
		return 1;
	for (int i = 0; i < 2; i++) {
		if (kio_stack_open(&stacks[i], texts[i], NULL, &diag) < 0)
			return fprintf(stderr, "%s\n", diag.text), 1;
		if (kio_channel_open(&channels[i], stacks[i], loop) < 0)
			return 1;
		reads[i] = kio_create(channels[i], 1);
	}
	read_first("patient", 10000 * MS);
	read_first("impatient", 1 * MS);
	for (int i = 0; i < 2; i++) {
		kio_destroy(reads[i]);
		kio_channel_close(&channels[i]);
		kio_stack_close(&stacks[i], NULL);
	}
	kio_loop_close(&loop);
	return 0;
}
