/* SPDX-License-Identifier: MIT */
/*
 * Waits for all of many writes. The group's event says at once when one fails;
 * its drained event comes when none of them is under way any more.
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>

#define WRITES 8
#define BYTES 4096

static char blocks[WRITES][BYTES];

int
main(void)
{
	struct kio *writes[WRITES];
	struct kio_channel *channel;
	struct kio_stack *stack;
	struct kio_group group;
	struct kio_loop *loop;
	struct kio_diag diag;

	if (kio_stack_open(&stack, "mem 1M", NULL, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	if (kio_loop_open(&loop, NULL) < 0 || kio_channel_open(&channel, stack, loop) < 0)
		return 1;
	for (int i = 0; i < WRITES; i++) {
		writes[i] = kio_create(channel, 1);
		kio_event_init_shared(&writes[i]->event); /* the loop's thread fires it, this one waits */
	}
	if (kio_loop_start(loop) < 0)
		return 1;

	kio_group_init_shared(&group, KIO_ALL, 0);
	for (int i = 0; i < WRITES; i++) {
		/* the last one is past the end */
		uint64_t offset = i < WRITES - 1 ? (uint64_t)i * BYTES : 1 << 20;

		kio_prepare(writes[i], KIO_WRITE, 0, offset, kio_buf(writes[i], blocks[i], BYTES), NULL);
		kio_group_add(&group, &writes[i]->event);
		kio_post(writes[i]);
	}
	kio_group_seal(&group);
	if (kio_event_wait(&group.drained, kio_loop_now(loop) + 10000000000u, 0) < 0)
		return fprintf(stderr, "not within ten seconds\n"), 1;

	printf("all: %d\n", group.event.status);
	for (int i = 0; i < WRITES; i++)
		if (kio_status(writes[i]) < 0)
			printf("write %d: %d\n", i, kio_status(writes[i]));

	kio_loop_end(loop);
	for (int i = 0; i < WRITES; i++)
		kio_destroy(writes[i]);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	kio_stack_close(&stack, NULL);
	return 0;
}
