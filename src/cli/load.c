/* SPDX-License-Identifier: MIT */
/*
 * The load of the suites. It is part of what is measured, so it is short.
 */
#include "cli/load.h"

#include <stdlib.h>

#include <kiobuf/layer.h>

#include "core/loop.h"
#include "port/port.h"

#define BLOCK 4096u

static void
probe_submit(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	kio_pass(frame);
}

static enum kio_next
probe_done(struct kio_layer *layer, struct kio_frame *frame)
{
	(void)layer;
	(void)frame;
	return KIO_UP;
}

static const struct kio_class probe = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "probe",
	.summary = "look on, down and up",
	.maturity = "lab",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.submit = probe_submit,
	.done = probe_done,
};

static const struct kio_class through = {
	.abi = KIO_LAYER_ABI,
	.struct_size = sizeof(struct kio_class),
	.name = "through",
	.summary = "look on, down",
	.maturity = "lab",
	.size = sizeof(struct kio_layer),
	.min_legs = 1,
	.max_legs = 1,
	.submit = probe_submit,
};

void
cli_load_classes(void)
{
	kio_class_register(&probe);
	kio_class_register(&through);
}

int
cli_load_open(const struct cli *cli, struct load *load, const char *stack, unsigned depth)
{
	struct kio_stack_options options = { .engine = cli_text(cli, "engine", NULL), .set = cli->set };
	struct kio_diag diag;
	int rc;

	*load = (struct load){ .depth = depth, .span = (uint64_t)1 << 26 };
	if (kio_stack_open(&load->stack, stack, &options, &diag) < 0)
		return cli_diag(cli, stack, &diag);
	rc = cli_loop_open(cli, &load->loop, depth);
	if (rc != EXIT_YES)
		return rc;
	rc = kio_channel_open(&load->channel, load->stack, load->loop);
	load->kios = calloc(depth, sizeof(struct kio *));
	load->memory = kio__alloc_aligned((size_t)depth * BLOCK, BLOCK);
	for (unsigned i = 0; rc == 0 && i < depth; i++) {
		load->kios[i] = kio_create(load->channel, 1);
		if (load->kios[i] == NULL)
			rc = -ENOMEM;
		else
			load->kios[i]->priv = load;
	}
	return rc < 0 ? cli_io_error(cli, stack, rc) : EXIT_YES;
}

void
cli_load_close(struct load *load)
{
	for (unsigned i = 0; load->kios != NULL && i < load->depth; i++)
		kio_destroy(load->kios[i]);
	free(load->kios);
	free(load->memory);
	kio_channel_close(&load->channel);
	kio_loop_close(&load->loop);
	kio_stack_close(&load->stack, NULL);
}

static void load_done(struct kio *kio);

static inline void
start(struct load *load, struct kio *kio)
{
	uint64_t offset;

	load->seed = load->seed * 6364136223846793005u + 1442695040888963407u;
	offset = load->seed >> 20 & (load->span - BLOCK);
	/* a gift is taken by one reference; who keeps the structure gives it anew */
	if (load->gifts)
		kio->chain.segs[0].mem->refs = 1;
	if (load->writes)
		kio_write(kio, offset, kio_chain_iter(&kio->chain), 0, load_done);
	else
		kio_read(kio, offset, kio_chain_iter(&kio->chain), load_done);
}

static void
load_done(struct kio *kio)
{
	struct load *load = kio->priv;

	if (kio_status(kio) < 0)
		load->error = kio_status(kio);
	if (load->left > 0) {
		load->left--;
		start(load, kio);
	} else if (--load->in_flight == 0) {
		kio_loop_stop(load->loop);
	}
}

uint64_t
cli_load_run(struct load *load, uint64_t ios)
{
	struct kio_mem *mems = calloc(load->depth, sizeof(*mems));
	uint64_t begun;

	for (unsigned i = 0; i < load->depth; i++) {
		kio_buf(load->kios[i], load->memory + (size_t)i * BLOCK, BLOCK);
		kio_mem_init(&mems[i], load->memory + (size_t)i * BLOCK, BLOCK, NULL);
		if (load->gifts)
			load->kios[i]->chain.segs[0].mem = &mems[i];
	}
	load->left = ios - load->depth;
	load->in_flight = load->depth;
	begun = kio__now();
	for (unsigned i = 0; i < load->depth; i++)
		start(load, load->kios[i]);
	cli_loop_run(load->loop);
	begun = kio__now() - begun;
	free(mems);
	return begun;
}
