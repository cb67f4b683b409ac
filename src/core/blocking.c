/* SPDX-License-Identifier: MIT */
/*
 * Blocking forms: on an open stack, over a loop with a thread of its own; and
 * for layers while a stack opens, closes or grows, over a loop that the caller
 * drives itself.
 */
#include "core/frame.h"
#include "core/stack.h"

struct request {
	enum kio_op op;
	unsigned flags;
	void *data;
	uint64_t len, offset;
	uint64_t extent_len; /* answers */
	uint32_t extent_flags;
};

static void
prepare(struct kio *kio, const struct request *request)
{
	struct kio_iter data = kio_iter_none(request->len);

	if (request->op <= KIO_WRITE)
		data = kio_buf(kio, request->data, (size_t)request->len);
	kio_prepare(kio, request->op, request->flags, request->offset, data, NULL);
}

static int
answer(const struct kio *kio, struct request *request)
{
	request->extent_len = kio->extent_len;
	request->extent_flags = kio->extent_flags;
	return kio_status(kio);
}

/* --- on an open stack --------------------------------------------------- */

static int
own_open(struct kio_stack *stack)
{
	int rc;

	if (stack->own_channel != NULL)
		return 0;
	rc = stack->loop_open(&stack->own, stack);
	if (rc < 0)
		return rc;
	rc = kio_channel_open(&stack->own_channel, stack, stack->own);
	if (rc == 0)
		rc = kio_loop_start(stack->own);
	if (rc < 0) {
		kio_channel_close(&stack->own_channel);
		kio_loop_close(&stack->own);
	}
	return rc;
}

/* A container whose event threads may wait for. */
static struct kio *
blocking_create(struct kio_channel *channel)
{
	struct kio *kio = kio_create(channel, 1);

	if (kio != NULL)
		kio_event_init_shared(&kio->event);
	return kio;
}

/* An idle container, or a new one: there are as many as there were callers at once. */
static int
blocking_take(struct kio_stack *stack, struct kio **out)
{
	struct kio *kio = NULL;
	int rc;

	kio__mutex_lock(&stack->own_mutex);
	rc = own_open(stack);
	if (rc == 0 && stack->idle != NULL) {
		kio = stack->idle;
		stack->idle = kio->priv;
	} else if (rc == 0) {
		kio = blocking_create(stack->own_channel);
		if (kio == NULL)
			rc = -ENOMEM;
	}
	kio__mutex_unlock(&stack->own_mutex);
	*out = kio;
	return rc;
}

static int
run_blocking(struct kio_stack *stack, struct request *request)
{
	struct kio *kio;
	int rc = blocking_take(stack, &kio);

	if (rc < 0)
		return rc;
	if (__atomic_load_n(&stack->own->thread, __ATOMIC_RELAXED) == kio__thread_self())
		kio__panic("a blocking call inside a callback of the stack's own loop");
	prepare(kio, request);
	kio_post(kio);
	kio_event_wait(&kio->event, UINT64_MAX, 0);
	rc = answer(kio, request);
	kio__mutex_lock(&stack->own_mutex);
	kio->priv = stack->idle;
	stack->idle = kio;
	kio__mutex_unlock(&stack->own_mutex);
	return rc;
}

void
kio__own_close(struct kio_stack *stack)
{
	struct kio *kio;

	if (stack->own == NULL)
		return;
	/* its thread ends first: then the channel is this thread's to close */
	kio_loop_end(stack->own);
	while ((kio = stack->idle) != NULL) {
		stack->idle = kio->priv;
		kio_destroy(kio);
	}
	kio_channel_close(&stack->own_channel);
	kio_loop_close(&stack->own);
}

int
kio_pread(struct kio_stack *stack, void *into, size_t len, uint64_t offset)
{
	struct request request = { .op = KIO_READ, .data = into, .len = len, .offset = offset };

	return run_blocking(stack, &request);
}

int
kio_pwrite(struct kio_stack *stack, const void *from, size_t len, uint64_t offset, unsigned flags)
{
	struct request request = { .op = KIO_WRITE, .flags = flags, .data = (void *)(uintptr_t)from,
				   .len = len, .offset = offset };

	return run_blocking(stack, &request);
}

int
kio_flush(struct kio_stack *stack)
{
	struct request request = { .op = KIO_FLUSH };

	return run_blocking(stack, &request);
}

int
kio_pclear(struct kio_stack *stack, enum kio_op op, uint64_t len, uint64_t offset, unsigned flags)
{
	struct request request = { .op = op, .flags = flags, .len = len, .offset = offset };

	if (op != KIO_DISCARD && op != KIO_WRITE_ZEROES)
		return -EINVAL;
	return run_blocking(stack, &request);
}

int
kio_pextent(struct kio_stack *stack, uint64_t len, uint64_t offset, uint64_t *extent_len,
	    uint32_t *extent_flags)
{
	struct request request = { .op = KIO_EXTENTS, .len = len, .offset = offset };
	int rc = run_blocking(stack, &request);

	*extent_len = request.extent_len;
	*extent_flags = request.extent_flags;
	return rc;
}

/* --- while opening, closing, growing ------------------------------------ */

static void
setup_channel_close(struct kio_stack *stack)
{
	if (stack->setup_channel == NULL)
		return;
	kio_destroy(stack->setup_kio);
	stack->setup_kio = NULL;
	kio__channel_close(&stack->setup_channel);
}

/* The loop goes too: the next one to open, grow or close may be another thread. */
void
kio__setup_close(struct kio_stack *stack)
{
	setup_channel_close(stack);
	kio_loop_close(&stack->setup);
}

/* A channel on the leg, kept until another leg is asked for. */
static int
setup_open(struct kio_layer *leg)
{
	struct kio_stack *stack = leg->stack;
	int rc = 0;

	if (stack->setup_channel != NULL && stack->setup_channel->root == leg)
		return 0;
	setup_channel_close(stack);
	if (stack->setup == NULL)
		rc = stack->loop_open(&stack->setup, stack);
	if (rc == 0)
		rc = kio__channel_open(&stack->setup_channel, stack, leg, stack->setup);
	if (rc < 0)
		return rc;
	stack->setup_kio = kio_create_at(stack->setup_channel, leg, 1);
	if (stack->setup_kio != NULL)
		return 0;
	kio__channel_close(&stack->setup_channel);
	return -ENOMEM;
}

static int
run_setup(struct kio_layer *leg, struct request *request)
{
	int rc = setup_open(leg);
	struct kio *kio;

	if (rc < 0)
		return rc;
	kio = leg->stack->setup_kio;
	prepare(kio, request);
	kio_submit(kio);
	while (!kio_event_fired(&kio->event))
		kio__loop_must_step(leg->stack->setup);
	return answer(kio, request);
}

int
kio_leg_read(struct kio_layer *leg, void *into, size_t len, uint64_t offset)
{
	struct request request = { .op = KIO_READ, .data = into, .len = len, .offset = offset };

	return run_setup(leg, &request);
}

int
kio_leg_write(struct kio_layer *leg, const void *from, size_t len, uint64_t offset, unsigned flags)
{
	struct request request = { .op = KIO_WRITE, .flags = flags, .data = (void *)(uintptr_t)from,
				   .len = len, .offset = offset };

	return run_setup(leg, &request);
}

int
kio_leg_zero(struct kio_layer *leg, uint64_t len, uint64_t offset)
{
	struct request request = { .op = KIO_WRITE_ZEROES, .len = len, .offset = offset };

	return run_setup(leg, &request);
}

int
kio_leg_flush(struct kio_layer *leg)
{
	struct request request = { .op = KIO_FLUSH };

	return run_setup(leg, &request);
}
