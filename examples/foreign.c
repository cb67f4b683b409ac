/* SPDX-License-Identifier: MIT */
/*
 * A loop within another event loop: one descriptor in your epoll set.
 */
#include <kiobuf/kiobuf.h>

#include <stdio.h>
#include <sys/epoll.h>

static char page[4096];
static int finished;

static void
have_read(struct kio *kio)
{
	printf("read: %d\n", kio_status(kio));
	finished = 1;
}

int
main(void)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { 0 } };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct kio_channel *channel;
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_diag diag;
	struct kio *kio;

	if (kio_stack_open(&stack, "delay 5ms | mem 1M", NULL, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	if (kio_loop_open(&loop, NULL) < 0 || kio_channel_open(&channel, stack, loop) < 0)
		return 1;
	epoll_ctl(epoll, EPOLL_CTL_ADD, kio_loop_fd(loop), &event);
	kio = kio_create(channel, 1);
	kio_read(kio, 0, kio_buf(kio, page, sizeof(page)), have_read);
	kio_loop_step(loop, 0); /* starts what was submitted outside a callback */
	while (!finished) {
		epoll_wait(epoll, &event, 1, -1); /* and your descriptors as well */
		kio_loop_step(loop, 0);
	}

	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	kio_stack_close(&stack, NULL);
	return 0;
}
