/* SPDX-License-Identifier: MIT */
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 16

struct trace {
	struct kio_layer layer;
	uint64_t size, block, max_transfer;
	unsigned id;
	bool plain; /* knows read, write and flush only */
	bool cancels; /* what is held ends when it is cancelled */
	unsigned char *bytes;
};

struct trace_note trace_notes[4096];
unsigned trace_count;

static struct {
	enum kio_op op;
	int error;
	unsigned skipped; /* before the first that fails */
	unsigned times, wanted;
} failures[MOST];

static struct {
	bool on;
	uint64_t from;
	unsigned skipped;
	unsigned count;
	struct kio_frame *frames[64];
} holds[MOST];

static unsigned char *all_bytes[MOST];

static const struct kio_opt trace_opts[] = {
	KIO_OPT_SIZE(struct trace, size, 1 << 20, "bytes"),
	KIO_OPT_SIZE(struct trace, block, 1, "block"),
	KIO_OPT_SIZE(struct trace, max_transfer, 0, "longest request"),
	KIO_OPT_UINT(struct trace, id, 0, "number in the trace"),
	KIO_OPT_BOOL(struct trace, plain, false, "read, write and flush only"),
	KIO_OPT_BOOL(struct trace, cancels, false, "what is held can be cancelled"),
	{ 0 }
};

/* What a driver of this id holds outlives the stack, so that it can be opened again. */
static int
trace_open(struct kio_layer *layer, struct kio_diag *diag)
{
	struct trace *trace = kio_container_of(layer, struct trace, layer);

	(void)diag;
	trace->bytes = trace_bytes(trace->id);
	layer->limits.size = trace->size;
	layer->limits.block = (uint32_t)trace->block;
	layer->limits.max_transfer = (uint32_t)trace->max_transfer;
	if (!trace->plain)
		layer->limits.ops |= KIO_OP_BIT(KIO_DISCARD) | KIO_OP_BIT(KIO_WRITE_ZEROES);
	return 0;
}

static int
failure(unsigned id, enum kio_op op)
{
	if (failures[id].times == 0 || (failures[id].op != op && failures[id].op != KIO_OPS))
		return 0;
	if (failures[id].skipped != 0) {
		failures[id].skipped--;
		return 0;
	}
	failures[id].times--;
	return failures[id].error;
}

static void
carry_out(const struct trace *trace, struct kio_frame *frame)
{
	int error = failure(trace->id, (enum kio_op)frame->op);

	if (error == 0 && frame->op == KIO_READ)
		kio_iter_copy_from(frame->data, trace->bytes + frame->offset, frame->data.len);
	else if (error == 0 && frame->op == KIO_WRITE)
		kio_iter_copy_to(frame->data, trace->bytes + frame->offset, frame->data.len);
	else if (error == 0 && (frame->op == KIO_WRITE_ZEROES || frame->op == KIO_DISCARD))
		memset(trace->bytes + frame->offset, 0, frame->data.len);
	kio_complete(frame, error);
}

static bool
is_held(unsigned id, const struct kio_frame *frame)
{
	if (!holds[id].on || frame->offset < holds[id].from || holds[id].count == 64)
		return false;
	if (holds[id].skipped == 0)
		return true;
	holds[id].skipped--;
	return false;
}

static void
trace_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct trace *trace = kio_container_of(layer, struct trace, layer);
	struct kio_iter data = frame->data;
	size_t len;

	if (trace_count < 4096)
		trace_notes[trace_count++] = (struct trace_note){
			trace->id, (enum kio_op)frame->op, frame->offset, frame->data.len, frame->flags,
			frame->op <= KIO_WRITE ? kio_iter_next(&data, &len) : NULL, frame->kio };
	if (is_held(trace->id, frame)) {
		frame->priv = (uintptr_t)trace;
		holds[trace->id].frames[holds[trace->id].count++] = frame;
	} else {
		carry_out(trace, frame);
	}
}

static void
trace_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	const struct trace *trace = kio_container_of(layer, struct trace, layer);
	struct kio_frame **frames = holds[trace->id].frames;
	unsigned i = 0;

	while (i < holds[trace->id].count && frames[i] != frame)
		i++;
	if (!trace->cancels || i == holds[trace->id].count)
		return;
	for (holds[trace->id].count--; i < holds[trace->id].count; i++)
		frames[i] = frames[i + 1];
	kio_complete(frame, -ECANCELED);
}

static const struct kio_class trace_class = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "trace",
	.summary = "note each request",
	.maturity = "lab",
	.size = sizeof(struct trace),
	.opts = trace_opts,
	.open = trace_open,
	.submit = trace_submit,
	.cancel = trace_cancel,
};

static __attribute__((constructor)) void
trace_register(void)
{
	kio_class_register(&trace_class);
}

static __attribute__((destructor)) void
trace_free(void)
{
	for (unsigned i = 0; i < MOST; i++)
		free(all_bytes[i]);
}

void
trace_fail(unsigned id, enum kio_op op, int error, unsigned times)
{
	failures[id].op = op;
	failures[id].error = error;
	failures[id].skipped = 0;
	failures[id].times = failures[id].wanted = times;
}

void
trace_fail_nth(unsigned id, int error, unsigned n, unsigned times)
{
	trace_fail(id, KIO_OPS, error, times);
	failures[id].skipped = n - 1;
}

bool
trace_failed(unsigned id)
{
	return failures[id].times != failures[id].wanted;
}

void
trace_hold(unsigned id, uint64_t from)
{
	holds[id].on = true;
	holds[id].from = from;
	holds[id].skipped = 0;
}

void
trace_hold_after(unsigned id, unsigned after)
{
	trace_hold(id, 0);
	holds[id].skipped = after;
}

void
trace_release(unsigned id)
{
	holds[id].on = false;
	for (unsigned i = 0; i < holds[id].count; i++)
		carry_out((const struct trace *)holds[id].frames[i]->priv, holds[id].frames[i]);
	holds[id].count = 0;
}

unsigned
trace_held(unsigned id)
{
	return holds[id].count;
}

void
trace_reset(void)
{
	trace_count = 0;
	memset(failures, 0, sizeof(failures));
	for (unsigned i = 0; i < MOST; i++)
		holds[i].on = false;
}

void
trace_clear(void)
{
	for (unsigned i = 0; i < MOST; i++) {
		if (all_bytes[i] != NULL)
			memset(all_bytes[i], 0, 8 << 20);
	}
}

unsigned char *
trace_bytes(unsigned id)
{
	if (all_bytes[id] == NULL)
		all_bytes[id] = calloc(1, 8 << 20);
	return all_bytes[id];
}

/* --- rigs --------------------------------------------------------------- */

bool
rig_open(struct rig *rig, const char *text, const struct kio_stack_options *options)
{
	struct kio_loop_options loop = { .engine = options != NULL ? options->engine : NULL };

	memset(rig, 0, sizeof(*rig));
	trace_reset();
	if (kio_stack_open(&rig->stack, text, options, &rig->diag) < 0) {
		printf("  %s\n", rig->diag.text);
		return false;
	}
	CHECK_EQ(kio_loop_open(&rig->loop, &loop), 0);
	CHECK_EQ(kio_channel_open(&rig->channel, rig->stack, rig->loop), 0);
	rig->kio = kio_create(rig->channel, 64);
	trace_reset();
	return rig->kio != NULL;
}

void
rig_close(struct rig *rig)
{
	if (rig->stack == NULL)
		return;
	kio_destroy(rig->kio);
	kio_channel_close(&rig->channel);
	kio_loop_close(&rig->loop);
	CHECK_EQ(kio_stack_close(&rig->stack, &rig->diag), 0);
}

int
rig_wait(struct rig *rig, struct kio *kio)
{
	while (!kio_event_fired(&kio->event))
		kio_loop_step(rig->loop, 1000000000);
	return kio_status(kio);
}

int
rig_read(struct rig *rig, void *into, size_t len, uint64_t offset)
{
	kio_read(rig->kio, offset, kio_buf(rig->kio, into, len), NULL);
	return rig_wait(rig, rig->kio);
}

int
rig_write(struct rig *rig, const void *from, size_t len, uint64_t offset)
{
	kio_write(rig->kio, offset, kio_buf(rig->kio, (void *)(uintptr_t)from, len), 0, NULL);
	return rig_wait(rig, rig->kio);
}

int
rig_flush(struct rig *rig)
{
	kio_flush_all(rig->kio, NULL);
	return rig_wait(rig, rig->kio);
}

int
rig_clear(struct rig *rig, enum kio_op op, uint64_t len, uint64_t offset)
{
	kio_clear(rig->kio, op, offset, len, 0, NULL);
	return rig_wait(rig, rig->kio);
}

void
fill_pattern(unsigned char *memory, size_t len, uint64_t offset, unsigned seed)
{
	for (size_t i = 0; i < len; i++)
		memory[i] = (unsigned char)((offset + i) * 31 + (offset + i) / 251 + seed * 17);
}
