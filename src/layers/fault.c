/* SPDX-License-Identifier: MIT */
/*
 * fault: what goes wrong with disks, at will: errors, requests that are late or
 * never answered, writes that are cut short, reads with a wrong bit.
 *
 * Each kind is said as "of a million requests so many", drawn from a seed, for
 * one sort of request and one range; and can be changed while requests run.
 */
#include <kiobuf/layer.h>

#include "base/math.h"
#include "port/port.h"

#define MILLION 1000000u
#define LOOK_AGAIN_NS 100000000u

enum { ANY, READS, WRITES, FLUSHES };

struct fault {
	struct kio_layer layer;
	int op; /* of those above */
	uint64_t offset, length;
	unsigned seed;
	unsigned error, hang, late, torn, corrupt; /* of a million */
	int code;
	uint64_t delay; /* ns */
	uint64_t drawn; /* atomic */
};

struct fault_frame {
	struct kio_timer timer;
	struct kio_frame *frame;
	struct fault *fault;
	bool torn;
	uint64_t left; /* bytes that are written of one that is torn */
};

static const char *const op_choices[] = { "any", "read", "write", "flush", NULL };
static const char *const code_choices[] = { "eio", "enospc", "etimedout", "enodev", NULL };
static const int codes[] = { EIO, ENOSPC, ETIMEDOUT, ENODEV };

#define OF_A_MILLION(name, help) KIO_OPT_UINT(struct fault, name, 0, help, .flags = KIO_OPT_CHANGEABLE)

static const struct kio_opt fault_opts[] = {
	OF_A_MILLION(error, "of a million requests so many fail"),
	OF_A_MILLION(hang, "so many are not answered, until this is 0 again"),
	OF_A_MILLION(late, "so many come later, by delay="),
	OF_A_MILLION(torn, "of a million writes so many end in the middle, with an error"),
	OF_A_MILLION(corrupt, "of a million reads so many have one wrong bit"),
	{ .name = "code", .type = KIO_TYPE_CHOICE, .at = offsetof(struct fault, code), .choices = code_choices,
	  .help = "with which error", .flags = KIO_OPT_CHANGEABLE },
	KIO_OPT_TIME(struct fault, delay, 1000000000, "how late late ones are", .flags = KIO_OPT_CHANGEABLE),
	{ .name = "op", .type = KIO_TYPE_CHOICE, .at = offsetof(struct fault, op), .choices = op_choices,
	  .help = "what this is about; discard and write-zeroes are writes", .flags = KIO_OPT_CHANGEABLE },
	KIO_OPT_SIZE(struct fault, offset, 0, "where the range begins that this is about",
		     .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_SIZE(struct fault, length, 0, "its bytes; 0: to the end, and flushes are in it",
		     .flags = KIO_OPT_CHANGEABLE),
	KIO_OPT_UINT(struct fault, seed, 1, "of what is drawn: the same requests have the same faults"),
	{ 0 }
};

static struct fault *
fault_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct fault, layer);
}

static int
fault_set(struct kio_layer *layer, const struct kio_opt *opt, uint64_t value, struct kio_diag *diag)
{
	(void)layer;
	if ((opt->flags & KIO_OPT_CHANGEABLE) != 0 && opt->type == KIO_TYPE_UINT && value > MILLION)
		return kio_refuse(diag, -EINVAL, "%s=%U of a million are too many", opt->name, value);
	return 0;
}

static int
fault_open(struct kio_layer *layer, struct kio_diag *diag)
{
	const char *fault = (const char *)fault_of(layer);
	unsigned value;
	int rc = 0;

	for (const struct kio_opt *opt = fault_opts; opt->name != NULL && rc == 0; opt++) {
		if (opt->type != KIO_TYPE_UINT)
			continue;
		memcpy(&value, fault + opt->at, sizeof(value));
		rc = fault_set(layer, opt, value, diag);
	}
	/* what is lent is the driver's, and not ours to spoil */
	layer->limits.lend = false;
	return rc;
}

/* --- chance -------------------------------------------------------------- */

static uint64_t
draw(struct fault *fault)
{
	uint64_t x = ((uint64_t)fault->seed << 32) + __atomic_add_fetch(&fault->drawn, 1, __ATOMIC_RELAXED);

	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
	return x ^ x >> 32;
}

static bool
happens(struct fault *fault, const unsigned *chance)
{
	unsigned now = KIO_OPT_NOW(chance);

	return now != 0 && draw(fault) % MILLION < now;
}

static bool
is_about(const struct fault *fault, const struct kio_frame *frame)
{
	uint64_t from = KIO_OPT_NOW(&fault->offset), len = KIO_OPT_NOW(&fault->length);
	int op = KIO_OPT_NOW(&fault->op), sort = WRITES;

	if (frame->op == KIO_READ || frame->op == KIO_EXTENTS)
		sort = READS;
	else if (frame->op == KIO_FLUSH)
		sort = FLUSHES;
	if (op != ANY && op != sort)
		return false;
	if (sort == FLUSHES)
		return from == 0 && len == 0;
	return frame->offset + frame->data.len > from && (len == 0 || frame->offset < from + len);
}

/* --- down ---------------------------------------------------------------- */

static void
wait_over(struct kio_task *task)
{
	struct fault_frame *state = kio_container_of(task, struct fault_frame, timer.task);

	kio_pass(state->frame);
}

/* Nobody tells a frame that hangs that it may go on: it looks, now and then. */
static void
still_hangs(struct kio_task *task)
{
	struct fault_frame *state = kio_container_of(task, struct fault_frame, timer.task);
	struct kio_loop *loop = kio_frame_loop(state->frame);

	if (KIO_OPT_NOW(&state->fault->hang) == 0)
		kio_pass(state->frame);
	else
		kio_timer_arm(loop, &state->timer, kio_loop_now(loop) + LOOK_AGAIN_NS);
}

static void
wait(struct fault_frame *state, uint64_t ns, void (*then)(struct kio_task *task))
{
	struct kio_loop *loop = kio_frame_loop(state->frame);

	state->timer = (struct kio_timer){ .task.run = then };
	kio_timer_arm(loop, &state->timer, kio_loop_now(loop) + ns);
}

static void
fault_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	struct fault *fault = fault_of(layer);
	struct fault_frame *state = kio_frame_area(frame);
	uint64_t blocks = frame->data.len / layer->limits.block;

	state->frame = frame;
	state->fault = fault;
	state->torn = false;
	if (!is_about(fault, frame)) {
		kio_pass(frame);
	} else if (happens(fault, &fault->hang)) {
		wait(state, LOOK_AGAIN_NS, still_hangs);
	} else if (happens(fault, &fault->error)) {
		kio_complete(frame, -codes[KIO_OPT_NOW(&fault->code)]);
	} else if (frame->op == KIO_WRITE && blocks > 1 && happens(fault, &fault->torn)) {
		state->torn = true;
		state->left = (1 + draw(fault) % (blocks - 1)) * layer->limits.block;
		kio_split(frame);
	} else if (happens(fault, &fault->late)) {
		wait(state, KIO_OPT_NOW(&fault->delay), wait_over);
	} else {
		kio_pass(frame);
	}
}

/* Of a write that is torn. */
static bool
fault_part(struct kio_layer *layer, struct kio_frame *frame, struct kio_part *part)
{
	struct fault_frame *state = kio_frame_area(frame);

	(void)layer;
	if (state->left == 0)
		return false;
	part->data = kio_frame_take(frame, state->left);
	state->left = 0;
	return true;
}

static void
fault_cancel(struct kio_layer *layer, struct kio_frame *frame)
{
	struct fault_frame *state = kio_frame_area(frame);

	(void)layer;
	if (kio_timer_cancel(kio_frame_loop(frame), &state->timer))
		kio_complete(frame, -ECANCELED);
}

/* --- up ------------------------------------------------------------------ */

static void
flip_a_bit(struct fault *fault, struct kio_iter data)
{
	uint64_t chosen = draw(fault);
	unsigned char *at;
	size_t len;

	kio_iter_take(&data, chosen / 8 % data.len);
	at = kio_iter_next(&data, &len);
	*at ^= (unsigned char)(1u << chosen % 8);
}

static enum kio_next
fault_done(struct kio_layer *layer, struct kio_frame *frame)
{
	struct fault *fault = fault_of(layer);
	const struct fault_frame *state = kio_frame_area(frame);

	if (state->torn && kio_frame_status(frame) == 0)
		kio_frame_set_status(frame, -codes[KIO_OPT_NOW(&fault->code)]);
	else if (frame->op == KIO_READ && kio_frame_status(frame) == 0 && frame->data.len != 0 &&
		 is_about(fault, frame) && happens(fault, &fault->corrupt))
		flip_a_bit(fault, frame->data);
	return KIO_UP;
}

const struct kio_class kio_class_fault = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "fault",
	.summary = "let requests fail, hang, come late, tear or go wrong, at will",
	.maturity = "beta",
	.size = sizeof(struct fault),
	.frame_size = sizeof(struct fault_frame),
	.opts = fault_opts,
	.min_legs = 1,
	.max_legs = 1,
	.open = fault_open,
	.submit = fault_submit,
	.part = fault_part,
	.done = fault_done,
	.cancel = fault_cancel,
	.resize = kio_resize_below,
	.set = fault_set,
};
