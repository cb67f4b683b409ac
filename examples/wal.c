/* SPDX-License-Identifier: MIT */
/*
 * A write-ahead log: records are appended with many in flight, and a commit
 * waits for a group of them and then for a flush.
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>
#include <string.h>

#define RECORDS 8
#define RECORD 4096

static char records[RECORDS][RECORD];

static void
committed(struct kio *kio)
{
	printf("committed: %s\n", kio_status(kio) == 0 ? "durable" : "failed");
	kio_loop_stop((struct kio_loop *)kio->priv);
}

/* All records are written: now they are made to last. */
struct commit {
	struct kio_cb cb;
	struct kio *flush;
};

static struct kio_event *
written(struct kio_cb *cb, int status)
{
	struct commit *commit = (struct commit *)cb;

	printf("%d records written: %d\n", RECORDS, status);
	kio_flush_all(commit->flush, committed);
	return NULL;
}

int
main(void)
{
	struct commit commit = { { .fn = written }, NULL };
	struct kio *writes[RECORDS];
	struct kio_channel *channel;
	struct kio_stack *stack;
	struct kio_group group;
	struct kio_loop *loop;
	struct kio_diag diag;

	if (kio_stack_open(&stack, "mirror state=none { mem 1M ; mem 1M }", NULL, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	if (kio_loop_open(&loop, NULL) < 0 || kio_channel_open(&channel, stack, loop) < 0)
		return 1;
	commit.flush = kio_create(channel, 0);
	commit.flush->priv = loop;

	kio_group_init(&group, KIO_ALL, 0);
	for (int i = 0; i < RECORDS; i++) {
		snprintf(records[i], RECORD, "record %d", i);
		writes[i] = kio_create(channel, 1);
		kio_prepare(writes[i], KIO_WRITE, 0, (uint64_t)i * RECORD,
			    kio_buf(writes[i], records[i], RECORD), NULL);
		kio_group_add(&group, &writes[i]->event);
		kio_submit(writes[i]);
	}
	kio_event_attach(&group.event, &commit.cb);
	kio_group_seal(&group);
	kio_loop_run(loop);

	for (int i = 0; i < RECORDS; i++)
		kio_destroy(writes[i]);
	kio_destroy(commit.flush);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	kio_stack_close(&stack, NULL);
	return 0;
}
