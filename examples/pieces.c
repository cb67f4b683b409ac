/* SPDX-License-Identifier: MIT */
/*
 * Uses each piece of a long read as soon as it is there, and asks in the end
 * what became of every range. The last piece lies past the end of the device.
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>

#define GRAIN 65536
#define BYTES ((1 << 20) + GRAIN)

static char memory[BYTES];

/* The pieces come in any order; these are used in the order of the bytes. */
struct job {
	struct kio_loop *loop;
	uint64_t used;
};

static void
use(struct kio_pieces *pieces, uint64_t from, uint64_t len, int status)
{
	struct job *job = pieces->priv;
	struct kio_range range;

	(void)from;
	(void)len;
	if (status == 0 && kio_pieces_range(pieces, 0, &range) && range.outcome == KIO_MOVED)
		job->used = range.len; /* memory up to here can be read, sent, or used again */
}

static void
all_read(struct kio_pieces *pieces)
{
	struct job *job = pieces->priv;

	printf("used 0 to %llu, then the end: %d\n", (unsigned long long)job->used, pieces->event.status);
	kio_loop_stop(job->loop);
}

int
main(void)
{
	struct kio_seg seg = { memory, BYTES, NULL };
	struct kio_channel *channel;
	struct kio_pieces *pieces;
	struct kio_stack *stack;
	struct kio_range range;
	struct kio_diag diag;
	struct job job = { NULL, 0 };

	if (kio_stack_open(&stack, "mem 1M", NULL, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	if (kio_loop_open(&job.loop, NULL) < 0 || kio_channel_open(&channel, stack, job.loop) < 0)
		return 1;
	pieces = kio_pieces_create(channel, GRAIN, BYTES);
	if (pieces == NULL)
		return 1;
	pieces->priv = &job;
	kio_pieces_submit(pieces, KIO_READ, 0, 0, (struct kio_iter){ &seg, 0, BYTES }, use, all_read);
	kio_loop_run(job.loop);

	for (uint64_t from = 0; kio_pieces_range(pieces, from, &range); from += range.len) {
		if (range.outcome == KIO_MOVED)
			printf("moved %llu bytes\n", (unsigned long long)range.len);
		else
			printf("failed %llu bytes: %d\n", (unsigned long long)range.len, range.status);
	}
	kio_pieces_destroy(pieces);
	kio_channel_close(&channel);
	kio_loop_close(&job.loop);
	kio_stack_close(&stack, NULL);
	return 0;
}
