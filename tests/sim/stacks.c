/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include <kiobuf/layer.h>

#include "base/math.h"
#include "sim.h"

void
put(struct text *text, const char *words)
{
	text->len += (size_t)snprintf(text->at + text->len, sizeof(text->at) - text->len, "%s", words);
}

static void
put_disk(struct text *text, unsigned block)
{
	char words[200];

	snprintf(words, sizeof(words), "sim size=%s block=%u latency=%luus seed=%lu%s%s%s store=%s%u",
		 text->legs ? "2M" : "1M", block, rnd(text->slow ? 3000 : 300), 1 + rnd(1 << 20),
		 text->retried ? " error=100000" : text->errors && rnd(2) == 0 ? " error=10000" : "", text->late ? " late=20000" : "", text->legs ? "@" : "",
		 text->legs ? "leg" : "d", text->disks);
	text->disks++;
	put(text, words);
	if (text->cut) {
		/* all disks at the same number of writes would be a miracle: one is enough */
		snprintf(words, sizeof(words), " cut=%lu", 10 + rnd(150));
		put(text, text->disks == 1 ? words : "");
	}
}

static void
put_braces(struct text *text, unsigned depth, unsigned block)
{
	unsigned legs = 1 + (unsigned)rnd(3);

	put(text, "{ ");
	for (unsigned i = 0; i < legs; i++) {
		put(text, i == 0 ? "" : " ; ");
		put_stack(text, depth, block);
	}
	put(text, " }");
}

unsigned
put_layer(struct text *text, unsigned block)
{
	char words[100];
	unsigned long value;

	if (text->late && rnd(2) == 0) {
		snprintf(words, sizeof(words), "deadline %luus | ", 1000 + rnd(8000));
		put(text, words);
		return block;
	}
	switch (rnd(block >= 4096 ? 8 : 7)) {
	case 6:
		if (block > 4096)
			return block;
		snprintf(words, sizeof(words), "cache size=%uK block=4K | ", 32u << rnd(5));
		put(text, words);
		return block;
	case 5:
		snprintf(words, sizeof(words), "merge longest=%lu%s | ", (2 + rnd(64)) * block,
			 rnd(4) == 0 ? " wait=50us" : "");
		put(text, words);
		return block;
	case 4:
		snprintf(words, sizeof(words), "retry %lu backoff=%luus | ", 1 + rnd(3), rnd(500));
		put(text, words);
		return block;
	case 0:
		snprintf(words, sizeof(words), "crop offset=%lu | ", rnd(8) * block);
		put(text, words);
		return block;
	case 1:
		value = rnd(200);
		if (value % 4 == 3)
			snprintf(words, sizeof(words), value % 8 == 3 ? "throttle iops=5000 rate=20M burst=1ms group=some | " : "throttle iops=%lu rate=%luM | ",
				 1000 + value * 50, 1 + value);
		else
			snprintf(words, sizeof(words), "delay %luus | ", value);
		put(text, words);
		return block;
	case 2:
		put(text, "log | ");
		return block;
	case 3:
		put(text, "align | ");
		return 512u << rnd(4);
	default:
		put(text, "crypt header=none key-file=sim.key | ");
		return 512u << rnd(4);
	}
}

void
put_stack(struct text *text, unsigned depth, unsigned block)
{
	char words[100];

	if (depth == 0) {
		put_disk(text, block);
		return;
	}
	switch (rnd(7)) {
	case 0:
		put(text, "concat ");
		put_braces(text, depth - 1, block);
		break;
	case 1:
		snprintf(words, sizeof(words), "stripe chunk=%lu ", kio__max(block, (uint64_t)4096 << rnd(3)));
		put(text, words);
		put_braces(text, depth - 1, block);
		break;
	case 2:
		if (!text->legs) {
			text->mirrors++;
			put(text, rnd(2) == 0 ? "mirror state=none read=hedged:100us " : "mirror state=none ");
			put_braces(text, depth - 1, block);
			break;
		}
		__attribute__((fallthrough));
	default:
		block = put_layer(text, block);
		put_stack(text, depth - 1, block);
		break;
	}
}

unsigned
depth_of(const struct kio_stack *stack)
{
	unsigned drivers = 0, sum = 0;

	for (const struct kio_layer *layer = kio_stack_top(stack); layer != NULL; layer = kio_layer_next(layer)) {
		if (kio_layer_class(layer)->max_legs != 0)
			continue;
		drivers++;
		sum += kio_layer_depth(layer);
	}
	return sum * 100 / drivers;
}
