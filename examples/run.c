/* SPDX-License-Identifier: MIT */
/*
 * A loop in your thread: kio_loop_run comes back when a callback stops it.
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>

static char page[4096];

static void
have_read(struct kio *kio)
{
	printf("read %lu bytes: %d\n", (unsigned long)kio_moved(kio), kio_status(kio));
	kio_loop_stop((struct kio_loop *)kio->priv);
}

int
main(void)
{
	struct kio_channel *channel;
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_diag diag;
	struct kio *kio;

	if (kio_stack_open(&stack, "delay 1ms | mem 1M", NULL, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	if (kio_loop_open(&loop, NULL) < 0 || kio_channel_open(&channel, stack, loop) < 0)
		return 1;
	kio = kio_create(channel, 1);
	kio->priv = loop;
	kio_read(kio, 0, kio_buf(kio, page, sizeof(page)), have_read);
	kio_loop_run(loop);

	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	kio_stack_close(&stack, NULL);
	return 0;
}
