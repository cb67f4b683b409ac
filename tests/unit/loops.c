/* SPDX-License-Identifier: MIT */
/*
 * One stack on several loops at once: the range lock across threads, a leg that
 * fails under all of them, statistics that are read meanwhile.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#include <kiobuf/kiobuf.h>
#include <kiobuf/layer.h>

#define LOOPS 3
#define DEPTH 8
#define WRITES 3000
#define SPAN 40000

static struct kio_stack *stack;
static unsigned refused; /* writes that the driver `brittle` has refused; atomic */
static unsigned breaks_after;

/* --- a driver that breaks ----------------------------------------------- */

struct brittle {
	struct kio_layer layer;
	unsigned char *bytes;
	bool breaks;
	unsigned writes; /* atomic */
};

static const struct kio_opt brittle_opts[] = {
	KIO_OPT_BOOL(struct brittle, breaks, false, "refuse writes after a while"),
	{ 0 }
};

static int
brittle_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct brittle *brittle = kio_container_of(layer, struct brittle, layer);

	(void)diag;
	brittle->bytes = calloc(1, 1 << 20);
	layer->limits.size = 1 << 20;
	return brittle->bytes != NULL ? 0 : -ENOMEM;
}

static int
brittle_close(struct kio_layer *layer)
{
	free(kio_container_of(layer, struct brittle, layer)->bytes);
	return 0;
}

static void
brittle_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct brittle *brittle = kio_container_of(layer, struct brittle, layer);

	if (frame->op == KIO_WRITE && brittle->breaks &&
	    __atomic_add_fetch(&brittle->writes, 1, __ATOMIC_RELAXED) > breaks_after) {
		__atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
		kio_complete(frame, -EIO);
		return;
	}
	if (frame->op == KIO_READ)
		kio_iter_copy_from(frame->data, brittle->bytes + frame->offset, frame->data.len);
	else if (frame->op == KIO_WRITE)
		kio_iter_copy_to(frame->data, brittle->bytes + frame->offset, frame->data.len);
	kio_complete(frame, 0);
}

static const struct kio_class brittle_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "brittle",
	.summary = "memory that breaks",
	.size = sizeof(struct brittle),
	.opts = brittle_opts,
	.open = brittle_open,
	.close = brittle_close,
	.submit = brittle_submit,
};

static __attribute__((constructor)) void
register_brittle(void)
{
	kio_class_register(&brittle_class);
}

/* --- the load ----------------------------------------------------------- */

struct user {
	pthread_t thread;
	struct kio_loop *loop;
	struct kio_channel *channel;
	struct kio *kios[DEPTH];
	unsigned char memory[DEPTH][8192];
	uint64_t random;
	unsigned left, in_flight, errors;
};

static void again(struct user *user, unsigned i);

static void
written(struct kio *kio)
{
	struct user *user = kio->priv;

	user->errors += kio_status(kio) < 0;
	for (unsigned i = 0; i < DEPTH; i++) {
		if (user->kios[i] == kio)
			again(user, i);
	}
}

static void
again(struct user *user, unsigned i)
{
	uint64_t offset, len;

	if (user->left == 0) {
		if (--user->in_flight == 0)
			kio_loop_stop(user->loop);
		return;
	}
	user->left--;
	user->random = user->random * 6364136223846793005u + 1442695040888963407u;
	offset = (user->random >> 33) % SPAN;
	len = 1 + (user->random >> 20) % 8000;
	memset(user->memory[i], (int)(user->random >> 50), len);
	kio_write(user->kios[i], offset, kio_buf(user->kios[i], user->memory[i], len), 0, written);
}

static void *
use(void *priv)
{
	struct user *user = priv;

	for (unsigned i = 0; i < DEPTH; i++)
		again(user, i);
	kio_loop_run(user->loop);
	for (unsigned i = 0; i < DEPTH; i++)
		kio_destroy(user->kios[i]);
	kio_channel_close(&user->channel);
	return NULL;
}

static unsigned
run_users(const char *text)
{
	static struct user users[LOOPS];
	struct kio_diag diag = { 0 };
	struct kio_stat stat;
	struct kio_stack_options options = { .create = true };
	unsigned errors = 0;

	refused = 0;
	if (kio_stack_open(&stack, text, &options, &diag) < 0) {
		printf("  %s\n", diag.text);
		CHECK(false);
		return 0;
	}
	for (unsigned u = 0; u < LOOPS; u++) {
		users[u] = (struct user){ .random = u + 1, .left = WRITES, .in_flight = DEPTH };
		CHECK_EQ(kio_loop_open(&users[u].loop, NULL), 0);
		CHECK_EQ(kio_channel_open(&users[u].channel, stack, users[u].loop), 0);
		for (unsigned i = 0; i < DEPTH; i++) {
			users[u].kios[i] = kio_create(users[u].channel, 1);
			users[u].kios[i]->priv = &users[u];
		}
		/* the first is at work when the second channel opens */
		pthread_create(&users[u].thread, NULL, use, &users[u]);
	}
	for (unsigned i = 0; i < 100; i++)
		kio_layer_stat(kio_stack_top(stack), &stat);
	for (unsigned u = 0; u < LOOPS; u++) {
		pthread_join(users[u].thread, NULL);
		errors += users[u].errors;
		kio_loop_close(&users[u].loop);
	}
	kio_layer_stat(kio_stack_top(stack), &stat);
	CHECK_EQ(stat.ios, LOOPS * WRITES);
	return errors;
}

static const struct brittle *
leg(unsigned number)
{
	const struct kio_layer *layer = kio_stack_top(stack);

	for (; layer != NULL; layer = kio_layer_next(layer)) {
		if (kio_layer_class(layer) == &brittle_class && number-- == 0)
			return (const struct brittle *)(const void *)layer;
	}
	return NULL;
}

TEST("loops: overlapping writes from three threads leave the legs of a mirror equal")
{
	CHECK_EQ(run_users("mirror state=none { brittle ; brittle }"), 0);
	CHECK_EQ(memcmp(leg(0)->bytes, leg(1)->bytes, SPAN + 8192), 0);
	kio_stack_close(&stack, NULL);
}

TEST("loops: and below align, through blocks that they share")
{
	CHECK_EQ(run_users("align | mirror state=none { crop | brittle ; brittle }"), 0);
	CHECK_EQ(memcmp(leg(0)->bytes, leg(1)->bytes, SPAN + 8192), 0);
	kio_stack_close(&stack, NULL);
}

TEST("loops: a leg that fails under all of them is recorded, and no write is lost")
{
	breaks_after = 1000;
	/* created, and used at once: what the drivers hold is gone when they close */
	CHECK_EQ(run_users("mirror { brittle ; brittle breaks=yes }"), 0);
	CHECK(refused >= 1);
	CHECK(refused < 200);
	CHECK_EQ(kio_stack_close(&stack, NULL), 0);
}

/* --- a thread that waits for an I/O by its event ------------------------- */

TEST("loops: a thread waits for the I/O of another's loop by its event")
{
	struct kio_stack *mem;
	struct kio_channel *channel;
	struct kio_loop *loop;
	struct kio *kio;
	unsigned char bytes[512];
	unsigned late = 0;

	CHECK_EQ(kio_stack_open(&mem, "log | mem 1M", NULL, NULL), 0);
	CHECK_EQ(kio_loop_open(&loop, NULL), 0);
	CHECK_EQ(kio_channel_open(&channel, mem, loop), 0);
	kio = kio_create(channel, 1);
	kio_event_init_shared(&kio->event);
	CHECK_EQ(kio_loop_start(loop), 0);
	for (unsigned i = 0; i < 20000 && late == 0; i++) {
		kio_prepare(kio, KIO_READ, 0, 0, kio_buf(kio, bytes, sizeof(bytes)), NULL);
		kio_post(kio);
		/* a wake-up that is lost would be a whole second */
		late += kio_event_wait(&kio->event, kio_loop_now(loop) + 1000000000u, 100 * (i % 5)) != 0;
	}
	CHECK_EQ(late, 0);
	kio_loop_end(loop);
	kio_destroy(kio);
	kio_channel_close(&channel);
	kio_loop_close(&loop);
	CHECK_EQ(kio_stack_close(&mem, NULL), 0);
}
