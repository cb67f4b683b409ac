/* SPDX-License-Identifier: MIT */
/*
 * A loop with a thread of its own: containers are posted to it from any thread,
 * and their done runs over there.
 */
#include <kiobuf/kiobuf.h>

#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int finished;
static char page[4096];

static void
written(struct kio *kio)
{
	(void)kio;
	pthread_mutex_lock(&mutex);
	finished = 1;
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&mutex);
}

int
main(void)
{
	struct kio_channel *channel;
	struct kio_stack *stack;
	struct kio_loop *loop;
	struct kio_diag diag;
	struct kio *kio;

	if (kio_stack_open(&stack, "mem 1M", NULL, &diag) < 0)
		return fprintf(stderr, "%s\n", diag.text), 1;
	if (kio_loop_open(&loop, NULL) < 0 || kio_channel_open(&channel, stack, loop) < 0)
		return 1;
	kio = kio_create(channel, 1);
	if (kio_loop_start(loop) < 0)
		return 1;
	kio_prepare(kio, KIO_WRITE, 0, 0, kio_buf(kio, page, sizeof(page)), written);
	kio_post(kio);
	pthread_mutex_lock(&mutex);
	while (!finished)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
	printf("written\n");

	kio_loop_end(loop);
	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	kio_stack_close(&stack, NULL);
	return 0;
}
