/* SPDX-License-Identifier: MIT */
/*
 * One request of the mirror's own to each of some legs, and then on. With a
 * quorum a leg that does not answer holds up no round for longer than it may be
 * behind, if another is in use: it has failed then, and takes part again when it
 * has answered.
 */
#include "layers/mirror.h"

static void
arm(struct mirror_round *round)
{
	struct kio_loop *loop = round->channel->loop;

	round->again = false;
	kio_timer_arm(loop, &round->timer, kio_loop_now(loop) + round->channel->mirror->behind);
}

static void
over_time(struct kio_task *task)
{
	struct mirror_round *round = kio_container_of(task, struct mirror_round, timer.task);
	struct mirror *mirror = round->channel->mirror;

	/* it has ended in this round of the loop, and perhaps another has begun */
	if (round->out == 0 || round->timer.armed)
		return;
	/* the loop may have been busy elsewhere, and the answer be there */
	if (!round->again) {
		round->again = true;
		kio_timer_arm(round->channel->loop, &round->timer,
			      kio_loop_now(round->channel->loop) + MIRROR_ANSWERS_NS);
		return;
	}
	if ((mirror_usable(mirror) & ~round->out & ~round->failed) == 0) {
		arm(round);
		return;
	}
	for (uint32_t legs = round->out; legs != 0; legs &= legs - 1)
		__atomic_fetch_add(&mirror->late[__builtin_ctz(legs)], 1, __ATOMIC_SEQ_CST);
	round->hung |= round->out;
	round->failed |= round->out;
	round->error = -ETIMEDOUT;
	round->out = 0;
	round->then(round->channel);
}

uint32_t
kio__mirror_round_begin(struct mirror_round *round, uint32_t legs,
			void (*then)(struct mirror_channel *channel))
{
	round->then = then;
	round->failed = legs & round->hung;
	if (round->failed != 0)
		round->error = -ETIMEDOUT;
	/* all at once: one may come back with the next not yet sent */
	round->out = legs & ~round->hung;
	if (round->out == 0)
		then(round->channel);
	else if (round->channel->mirror->quorum != 0)
		arm(round);
	return legs & ~round->hung;
}

void
kio__mirror_round_done(struct kio *kio)
{
	struct mirror_round *round = kio->priv;
	unsigned leg = 0;
	uint32_t bit;

	while (round->kios[leg] != kio)
		leg++;
	bit = 1u << leg;
	if ((round->hung & bit) != 0) {
		round->hung &= ~bit;
		__atomic_fetch_sub(&round->channel->mirror->late[leg], 1, __ATOMIC_SEQ_CST);
		return;
	}
	if (kio_status(kio) < 0) {
		round->failed |= bit;
		round->error = kio_status(kio);
	}
	round->out &= ~bit;
	if (round->out != 0)
		return;
	kio_timer_cancel(round->channel->loop, &round->timer);
	round->then(round->channel);
}

/* --- channels ------------------------------------------------------------ */

int
kio__mirror_round_open(struct mirror_round *round, struct mirror_channel *channel)
{
	const struct kio_layer *layer = &channel->mirror->layer;

	round->channel = channel;
	round->timer.task.run = over_time;
	for (unsigned i = 0; i < layer->leg_count; i++) {
		if (kio_leg_absent(layer->legs[i]))
			continue;
		round->kios[i] = kio_create_at(channel->channel, layer->legs[i], 1);
		if (round->kios[i] == NULL) {
			kio__mirror_round_close(round);
			return -ENOMEM;
		}
		round->kios[i]->priv = round;
	}
	return 0;
}

void
kio__mirror_round_close(struct mirror_round *round)
{
	for (unsigned i = 0; i < KIO__MIRROR_LEGS; i++) {
		kio_destroy(round->kios[i]);
		round->kios[i] = NULL;
	}
}
