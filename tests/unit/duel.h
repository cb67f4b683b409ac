/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_DUEL_H
#define TESTS_UNIT_DUEL_H

/* Two threads, side by side, round after round. */

#include <sched.h>

#include "events.h"

#define ROUNDS (SANITIZED ? 3000 : 20000)

struct duel {
	void (*other)(void *priv);
	void *priv;
	pthread_t thread;
	unsigned begun, ended; /* rounds */
	bool over;
};

static inline void
spin_until(const unsigned *word, unsigned value)
{
	for (unsigned i = 0; __atomic_load_n(word, __ATOMIC_ACQUIRE) != value; i++)
		if (i % 4096 == 4095)
			sched_yield();
}

static inline void *
other_thread(void *priv)
{
	struct duel *duel = priv;

	for (unsigned round = 1;; round++) {
		spin_until(&duel->begun, round);
		if (duel->over)
			return NULL;
		duel->other(duel->priv);
		__atomic_store_n(&duel->ended, round, __ATOMIC_RELEASE);
	}
}

static inline void
duel_open(struct duel *duel, void (*other)(void *priv), void *priv)
{
	*duel = (struct duel){ .other = other, .priv = priv };
	pthread_create(&duel->thread, NULL, other_thread, duel);
}

/* The other thread runs other(priv) once, from now on. */
static inline void
duel_begin(struct duel *duel)
{
	__atomic_store_n(&duel->begun, duel->begun + 1, __ATOMIC_RELEASE);
}

static inline void
duel_end(struct duel *duel)
{
	spin_until(&duel->ended, duel->begun);
}

static inline void
duel_close(struct duel *duel)
{
	duel->over = true;
	duel_begin(duel);
	pthread_join(duel->thread, NULL);
}

/* A little disorder, so that the threads meet at different places. */
static inline void
dawdle(unsigned *random)
{
	*random = *random * 1664525 + 1013904223;
	for (volatile unsigned i = *random >> 25; i > 0; i--)
		;
}

#endif
