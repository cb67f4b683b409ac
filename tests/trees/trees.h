/* SPDX-License-Identifier: MIT */
#ifndef TESTS_TREES_H
#define TESTS_TREES_H

/*
 * Events, groups and callbacks by their numbers. An operation is carried out by
 * the model first, which writes down who is called, with what status, and what
 * it does then; the library has to call the same ones in the same order.
 */

#include <stdbool.h>
#include <stdint.h>

#include <kiobuf/group.h>

#define LEAVES 8
#define GROUPS 5
#define EVENTS (LEAVES + 2 * GROUPS) /* the leaves; then each group's event and drained */
#define CALLBACKS 20
#define ARMS 40
#define STEPS 400

#define EVENT_OF(group) (LEAVES + 2 * (group))
#define DRAINED_OF(group) (EVENT_OF(group) + 1)

enum act { NOTHING, SET, HOLD, RESUME_AND_HOLD, ANSWER, FIRE, ATTACH, INTERCEPT, DETACH, CANCEL, RESUME };
enum join { ADD, ARM, OWN, NEST };

/* A callback, or an arm that is told that it lost, is called; and does something. */
struct step {
	bool lost;
	int who; /* callback, or arm */
	int status;
	enum act act;
	int event, callback, group, value; /* of the act */
	int result;
};

/* --- model.c: what ought to happen, as it is told in the headers ---------- */

struct member {
	enum join how;
	int event, arm;
	bool listed; /* it had not fired when it joined */
};

struct group {
	enum kio_policy policy;
	int k, cancel, error, status;
	bool used, sealed, cancelled, decided, sweeping;
	int succeeded, failed, awaited;
	struct member members[ARMS];
	int count;
};

/* What is attached to an event: a callback, or a group's member. */
struct attached {
	int callback; /* -1 */
	int group, member;
};

struct event {
	enum { PENDING, FIRING, FIRED } state;
	int status;
	struct attached notifiers[CALLBACKS + ARMS];
	int notifier_count;
	int interceptors[CALLBACKS], interceptor_count; /* the last is called first */
	int holder;   /* callback, or -1 */
	int group;    /* of which it is a plain member, or -1 */
	bool sealed, owners, promised;
};

struct callback {
	int event; /* where it is or was last, or -1 */
	bool kept;
	bool returned;
};

struct model {
	struct event events[EVENTS];
	struct group groups[GROUPS];
	struct callback callbacks[CALLBACKS];
	bool tells[ARMS]; /* the arm has a `lost` */
	int arm_count;
	struct step steps[STEPS];
	int step_count, depth;
};

extern struct model model;

void model_init(void);
void model_fire(int event, int status);
void model_batch(const int *events, const int *statuses, int count);
int model_attach(int event, int callback, bool interceptor);
int model_detach(int callback);
void model_resume(int event, int status);
void model_group(int group, enum kio_policy policy, int k);
void model_join(int group, int event, enum join how, int arm);
void model_seal(int group);
int model_cancel(int group, int status);
void model_reuse(int event);

/* --- main.c --------------------------------------------------------------- */

/* What the one that is called is to do; the event is its own, or -1. */
void choose(struct step *step, int event, bool interceptor);

#endif
