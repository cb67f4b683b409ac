/* SPDX-License-Identifier: MIT */
#ifndef LAYERS_MIRROR_H
#define LAYERS_MIRROR_H

/*
 * The mirror's files:
 *
 *   mirror.c         the way of requests
 *   mirror_hedge.c   reads of two legs, for the quicker answer
 *   mirror_quorum.c  changes that end when enough legs have them
 *   mirror_record.c  the map and the state, written before something may go on
 *   mirror_round.c   requests of its own to several legs
 *   mirror_work.c    what it does by itself, on one of its channels:
 *   mirror_copy.c      legs are made equal again
 *   mirror_clean.c     regions that all legs have are clean again
 *   mirror_compare.c    legs are compared
 *   mirror_open.c    which legs may be used at all
 *   mirror_create.c  legs are made
 *   mirror_replace.c a leg takes the place of another
 *   mirror_disk.c    map and state while no request runs
 *   mirror_map.c, mirror_state.c  both to bytes and back
 *   mirror_control.c  what it tells of its legs and can be asked to do
 *   mirror_ask.c       what of that is begun by the work
 */

#include <kiobuf/layer.h>

#include "base/list.h"
#include "base/math.h"
#include "layers/mirror_state.h"
#include "port/port.h"

enum mirror_resync { MIRROR_RESYNC_AUTO, MIRROR_RESYNC_ALL, MIRROR_RESYNC_NO };

struct mirror_channel;

/* What an operator asks the work for. All under the mutex. */
struct mirror_ask {
	bool open;     /* somebody waits for the answer */
	bool begun;    /* it is answered when the record is durable */
	uint32_t legs; /* that are to be made equal; 0: just the record */
	uint64_t to_copy; /* bytes; with those of legs that are at it */
	int status;
	struct kio_event answered;
};

#define MIRROR_FIRST 8u /* places that are told where legs differ */

/* Legs are compared. Under the mutex, but for what is the work's. */
struct mirror_compare {
	bool on;         /* atomic, too */
	bool done;
	uint64_t at;     /* atomic, too */
	uint64_t began;  /* kio__now; atomic, too */
	uint64_t differing; /* blocks of KIO__MIRROR_BLOCK */
	uint64_t unread; /* bytes that a leg could not read */
	uint64_t first[MIRROR_FIRST];
	uint32_t legs;   /* that are read now; the work's */
	unsigned char *data; /* MIRROR_PIECE for each leg of the stack; the work's while on */
};

struct mirror {
	struct kio_layer layer;
	bool degraded;
	int state_choice; /* yes, none */
	int resync;       /* enum mirror_resync */
	uint64_t resync_rate; /* bytes per second; 0: as fast as it goes */
	const char *keep;
	const char *read; /* "near", "hedged:TIME" */
	uint64_t hedge;   /* ns until the second leg is asked; UINT64_MAX: never */
	unsigned quorum;  /* legs that must have a change when it ends; 0: all */
	uint64_t behind;  /* ns; for so long a leg may not have it */

	/* what requests look at */
	uint8_t *regions; /* enum kio__mirror_region of each; atomic */
	unsigned region_shift;
	uint32_t usable;   /* legs in use, a bit each; atomic: shared by all loops */
	uint32_t copying;  /* legs that are made equal: they are written, too; atomic */
	uint32_t recorded; /* legs that the state on some leg may say are in use; atomic */
	uint32_t unequal;  /* a change failed on all legs, and may be on some of them; atomic */
	uint32_t late[KIO__MIRROR_LEGS]; /* changes that have ended and are on their way to it; atomic */
	int unsaved;       /* why such a change is on no leg: the next flush says so; atomic */

	uint32_t back;   /* legs that are to be brought up to date; under the mutex */
	uint32_t members; /* legs whose state says that they are this mirror's */
	uint32_t beyond;  /* of the stale ones, those that miss what the map does not tell; under the mutex */
	uint32_t all;    /* legs of the whole mirror */
	uint64_t size;
	uint32_t region_count;
	uint8_t every_region; /* stands for all of them without state */
	struct kio__mirror_state *state; /* of the legs in use; their number and place differ */
	uint8_t numbers[KIO__MIRROR_LEGS]; /* of each leg of the stack in the mirror */
	uint32_t copies; /* of the two on each leg, the one that is written next: a bit each */
	unsigned char *block; /* for writing map and state in open and close */

	struct kio__mutex mutex; /* over what follows, and state while it is recorded */
	struct kio__queue waiting; /* of mirror_wait: for what they wait for to be on record */
	bool recording;
	bool map_changed;   /* the record is to write the map */
	bool state_changed; /* and the state */
	bool rebase;        /* which is to say that the map begins with this epoch */
	bool based;         /* it does, on disk */
	bool unbase;        /* the record is to say that the map is complete for no earlier epoch */
	struct mirror_channel *channels;
	struct mirror_channel *worker; /* one of them */
	bool dirtied;        /* since the last cleaning began */
	uint8_t *need;       /* regions that are to be copied */
	uint32_t need_count;
	uint64_t copied, to_copy; /* bytes; atomic */
	uint64_t copy_began; /* kio__now; atomic */
	uint32_t joined; /* legs that are equal again, which is not told yet; under the mutex */
	struct mirror_ask ask;
	struct mirror_compare compare;
	bool differ; /* the legs did when they were compared; atomic */
};

/* Somebody who waits for a record. */
struct mirror_wait {
	struct kio__link link;
	struct mirror_channel *channel;
	struct kio_frame *held; /* goes up then; NULL: the task is posted */
	struct kio_task task;
	uint32_t first, last; /* regions that are to be dirty on disk; none: 1 and 0 */
	int status;
};

struct mirror_frame {
	struct mirror_wait wait;
	struct kio_frame *frame;
	uint32_t legs;   /* the parts go to */
	uint32_t copies; /* of them, those that were being made equal */
	uint32_t left;   /* not yet handed out */
	uint32_t failed;
	int error; /* the first */

	/* with a quorum, of a copy */
	struct mirror_frame *newer, *older; /* of the channel's, while parts are on their way */
	uint64_t since;                     /* when a quorum had it, and 1; 0: not yet */
	uint32_t out;                       /* legs whose part is not back */
	uint32_t late;                      /* of them, those that count as late */
	bool recording;                     /* it ends when it is on record which legs are stale */
	bool drained;                       /* all parts came back meanwhile */
};

#define MIRROR_ANSWERS_NS 1000000u /* in which answers that are there are found */

/* Requests to several legs, one each. */
struct mirror_round {
	struct mirror_channel *channel;
	struct kio *kios[KIO__MIRROR_LEGS];
	void (*then)(struct mirror_channel *channel);
	struct kio_timer timer;
	uint32_t out; /* legs that have not answered */
	uint32_t failed;
	int error;     /* of the last of those */
	bool again;    /* the time is over, and the engine was to be asked once more */
	uint32_t hung; /* legs that have not answered in an earlier round: they fail at once */
};

/* For writing the record from this channel. */
struct mirror_record {
	struct mirror_round round;
	unsigned char *blocks; /* one for each leg, then the map */
	struct kio_task task;  /* to begin one that another channel hands over */
	uint32_t legs; /* that get it */
	int error;     /* the map is not on any leg */
	bool with_state;
	struct kio__queue served; /* who is answered when it is written */
};

/* For the work that the mirror does by itself. */
struct mirror_work {
	bool awake;  /* posted, in flight or waiting for its time; under the mutex */
	bool kicked; /* the kick is posted; under the mutex */
	bool ending;
	struct kio *hold; /* has the range */
	void (*on_hold)(struct mirror_channel *channel);
	struct mirror_round round;
	unsigned char *data;
	struct kio_task task, kick;
	struct kio_timer timer;
	struct mirror_wait wait;

	uint64_t offset, end; /* what is copied now, and where its region ends */
	uint64_t len; /* of the last piece */
	uint64_t piece_began; /* for the rate */
	uint32_t tried;  /* legs that could not be read there */
	unsigned source;
	unsigned phase;  /* of cleaning */
	uint32_t region; /* the next to look at */
	bool cleaned;
};

/* The changes of a channel that are on their way. */
struct mirror_quorum {
	struct mirror_frame *newest, *oldest;
	unsigned out[KIO__MIRROR_LEGS];
	struct kio__queue waiting; /* of mirror_wait: to be sent */
	struct kio_timer timer;
	bool again; /* as in a round */
	struct kio_task task;
	bool posted; /* under the mutex */
};

struct mirror_channel {
	struct mirror *mirror;
	struct mirror_channel *next;
	struct kio_channel *channel;
	struct kio_loop *loop;
	struct mirror_record record;
	struct mirror_work work;
	struct mirror_quorum quorum;
	unsigned hedged[KIO__MIRROR_LEGS]; /* hedged reads on their way to a leg */
};

static inline struct mirror *
mirror_of(struct kio_layer *layer)
{
	return kio_container_of(layer, struct mirror, layer);
}

#define MIRROR_NEAR_SHIFT 20 /* a megabyte is read from one leg, the next from the next */

/* frame->priv of reads: of hedged ones this, else the legs that were tried and the one that is now. */
#define MIRROR_HEDGED ((uintptr_t)0xff << 32)
#define MIRROR_SETTLED 1u /* of a hedged one: no change is on its way there, so all legs are alike */

/* Which of the legs, of which there is one at least, is read at this offset. */
static inline unsigned
mirror_near(uint32_t legs, uint64_t offset)
{
	unsigned turn = (unsigned)(offset >> MIRROR_NEAR_SHIFT) % (unsigned)__builtin_popcount(legs);

	while (turn-- > 0)
		legs &= legs - 1;
	return (unsigned)__builtin_ctz(legs);
}

static inline void
mirror_log_read(const struct mirror *mirror, uint64_t offset, uint64_t len, unsigned leg, int error)
{
	kio_log(&mirror->layer, KIO_WARNING, "reading %U bytes at %U from %s: %e", len, offset,
		mirror->layer.legs[leg]->name, error);
}

static inline bool
mirror_has_state(const struct mirror *mirror)
{
	return mirror->state_choice == 0;
}

static inline bool
mirror_is_read_only(const struct mirror *mirror)
{
	return kio_layer_read_only(&mirror->layer) || mirror->layer.limits.read_only;
}

static inline uint32_t
mirror_usable(const struct mirror *mirror)
{
	return __atomic_load_n(&mirror->usable, __ATOMIC_ACQUIRE);
}

static inline uint32_t
mirror_copying(const struct mirror *mirror)
{
	return __atomic_load_n(&mirror->copying, __ATOMIC_ACQUIRE);
}

static inline uint32_t
mirror_recorded(const struct mirror *mirror)
{
	return __atomic_load_n(&mirror->recorded, __ATOMIC_ACQUIRE);
}

static inline enum kio__mirror_region
mirror_region(const struct mirror *mirror, uint32_t region)
{
	return (enum kio__mirror_region)__atomic_load_n(&mirror->regions[region], __ATOMIC_ACQUIRE);
}

static inline void
mirror_set_region(struct mirror *mirror, uint32_t region, enum kio__mirror_region value)
{
	__atomic_store_n(&mirror->regions[region], (uint8_t)value, __ATOMIC_RELEASE);
}

/* All legs of the whole mirror, by their numbers. */
static inline uint32_t
mirror_all(const struct mirror *mirror)
{
	return (uint32_t)(((uint64_t)1 << mirror->all) - 1);
}

/* The numbers of these legs of the stack. */
static inline uint32_t
mirror_numbers(const struct mirror *mirror, uint32_t legs)
{
	uint32_t numbers = 0;

	for (; legs != 0; legs &= legs - 1)
		numbers |= 1u << mirror->numbers[__builtin_ctz(legs)];
	return numbers;
}

/* The numbers of all legs that are not among these of the stack. */
static inline uint32_t
mirror_without(const struct mirror *mirror, uint32_t legs)
{
	return mirror_all(mirror) & ~mirror_numbers(mirror, legs);
}

/* --- mirror.c ----------------------------------------------------------- */

/* A change goes to the legs, its regions being dirty. */
void kio__mirror_send_change(struct mirror *mirror, struct kio_frame *frame);

/* --- mirror_hedge.c ----------------------------------------------------- */

int kio__mirror_hedge_open(struct mirror *mirror, struct kio_diag *diag);
/* Is it the copy of one, or is there a second leg to ask? */
bool kio__mirror_hedges(const struct mirror *mirror, const struct kio_frame *frame);
void kio__mirror_hedge_read(struct mirror *mirror, struct kio_frame *frame);
bool kio__mirror_hedge_part(struct mirror *mirror, struct kio_frame *copy, struct kio_part *part);
void kio__mirror_hedge_part_done(struct mirror *mirror, struct kio_frame *copy, struct kio_part *part);
enum kio_next kio__mirror_hedge_done(struct mirror *mirror, struct kio_frame *copy);
void kio__mirror_hedge_cancel(struct kio_frame *frame);

/* --- mirror_quorum.c ---------------------------------------------------- */

int kio__mirror_quorum_open(struct mirror *mirror, struct kio_diag *diag);
/* Legs that have not got all that was acknowledged. */
uint32_t kio__mirror_behind(const struct mirror *mirror);
/* Is too much on its way? Then it is sent when that is over. */
bool kio__mirror_quorum_waits(struct mirror_frame *state);
/* Its parts are about to be. */
void kio__mirror_quorum_sent(struct mirror_frame *state);
void kio__mirror_quorum_part_done(struct mirror *mirror, struct mirror_frame *state, unsigned leg);
/* These legs failed one that has ended. */
void kio__mirror_quorum_lost(struct mirror *mirror, const struct mirror_frame *state, uint32_t legs);
/* All parts are back. False: it is held. */
bool kio__mirror_quorum_done(struct mirror *mirror, struct mirror_frame *state);
void kio__mirror_quorum_cancel(struct kio_frame *frame);
/* Legs are not in use any more: all channels look at what waits for them. Without the mutex. */
void kio__mirror_quorum_wake(struct mirror *mirror);
void kio__mirror_quorum_channel(struct mirror_channel *channel);
bool kio__mirror_quorum_quiet(struct mirror_channel *channel);

/* --- mirror_round.c ----------------------------------------------------- */

int kio__mirror_round_open(struct mirror_round *round, struct mirror_channel *channel);
void kio__mirror_round_close(struct mirror_round *round);
/* The legs to which the caller is to send round->kios now; then() is called when they have answered, or at once. */
uint32_t kio__mirror_round_begin(struct mirror_round *round, uint32_t legs,
				 void (*then)(struct mirror_channel *channel));
/* What those call. */
void kio__mirror_round_done(struct kio *kio);

/* --- mirror_record.c ---------------------------------------------------- */

int kio__mirror_record_open(struct mirror_channel *channel);
void kio__mirror_record_close(struct mirror_channel *channel);
/*
 * Answers wait when what it waits for is on disk: by its task, or, if held, by
 * resuming the frame with its status. With the mutex held; returns whether the
 * caller is to call kio__mirror_record_run when he has released it.
 */
bool kio__mirror_record_wait(struct mirror *mirror, struct mirror_wait *wait);
void kio__mirror_record_run(struct mirror_channel *channel);
/* Legs that are being made equal are given up: they stay stale. Without the mutex. */
void kio__mirror_drop_copies(struct mirror *mirror, uint32_t failed, int error);

/* --- mirror_work.c ------------------------------------------------------ */

void kio__mirror_work_open(struct mirror_channel *channel);
void kio__mirror_work_close(struct mirror_channel *channel);
bool kio__mirror_work_quiet(struct mirror_channel *channel);
/* There may be something to do. With the mutex held. */
void kio__mirror_work_wake(struct mirror *mirror);
/* And not only when its time comes. With the mutex held. */
void kio__mirror_work_kick(struct mirror *mirror);

#define MIRROR_PIECE ((size_t)512 << 10) /* copied at once */

/* For the files of the work: holds the range, calls on_hold; what comes after kio__mirror_let_go is the next step. */
void kio__mirror_hold_range(struct mirror_channel *channel, uint64_t offset, uint64_t len,
			    void (*on_hold)(struct mirror_channel *channel));
void kio__mirror_let_go(struct mirror_channel *channel);
/* Flushes these legs, then calls then(); work.round says what came out. */
void kio__mirror_flush_legs(struct mirror_channel *channel, uint32_t legs,
			    void (*then)(struct mirror_channel *channel));
/* The next step when what was changed is on disk. With the mutex held, which it releases. */
void kio__mirror_record_and_go_on(struct mirror_channel *channel);
/* The next step, in the next round or at that moment. */
void kio__mirror_go_on(struct mirror_channel *channel);
void kio__mirror_go_on_at(struct mirror_channel *channel, uint64_t due_ns);

/* One step; false: there is nothing to do. */
bool kio__mirror_ask_step(struct mirror_channel *channel);
bool kio__mirror_copy_step(struct mirror_channel *channel);
bool kio__mirror_compare_step(struct mirror_channel *channel);
bool kio__mirror_clean_step(struct mirror_channel *channel);
/* The last piece was a while ago, as resync-rate= wants it; else the next step comes then. */
bool kio__mirror_wait_for_rate(struct mirror_channel *channel);
/* Is there something to be cleaned, some time? */
bool kio__mirror_may_clean(const struct mirror *mirror);
/* All legs of the mirror are in use, and alike but for what is dirty. */
bool kio__mirror_is_full(const struct mirror *mirror);
/* These legs are made equal, too, from now on. With the mutex held. */
bool kio__mirror_copy_begin(struct mirror_channel *channel, uint32_t legs);
/* What the channel has begun to copy is for another. With the mutex held. */
void kio__mirror_copy_leave(struct mirror_channel *channel);
/* What must be copied: from regions that are dirty, or all. */
void kio__mirror_need(struct mirror *mirror, bool all);
/* These, once more. */
void kio__mirror_need_again(struct mirror *mirror, uint32_t first, uint32_t last);

/* --- mirror_disk.c ------------------------------------------------------ */

/* The set of legs that are written is `legs` from now on: a new epoch. Not on disk yet. */
int kio__mirror_new_set(struct mirror *mirror, uint32_t legs);

/*
 * The next state of one leg, in a block of KIO__MIRROR_BLOCK bytes. Returns where
 * on the leg it goes: never over the copy that is valid.
 */
uint64_t kio__mirror_block(struct mirror *mirror, unsigned leg, unsigned char *block);

/* A leg has its map and state and at least a block of data. */
#define MIRROR_LEAST (KIO__MIRROR_AREA + KIO__MIRROR_BLOCK)

/* Bytes of a leg before its map; the leg has at least MIRROR_LEAST. */
uint64_t kio__mirror_room(const struct kio_layer *leg);
/* -ENODATA: there is none; else as kio__mirror_choose, and what reading says. */
int kio__mirror_read_state(struct kio_layer *leg, struct kio__mirror_state *state,
			   struct kio_diag *diag);
/* Which regions the leg's map says are dirty; all where it cannot be read. */
void kio__mirror_read_map(struct mirror *mirror, struct kio_layer *leg);
/* As the regions are now. */
int kio__mirror_write_map(struct mirror *mirror, struct kio_layer *leg);
/* Durably. */
int kio__mirror_wipe_state(struct kio_layer *leg);

/* The state says that the mirror is in use, on all legs in use. Nothing if it is only read. */
int kio__mirror_enter_use(struct mirror *mirror, struct kio_diag *diag);
/* What is on the legs is flushed before they say that they were closed. */
int kio__mirror_leave_use(struct mirror *mirror);

/* --- mirror_control.c ---------------------------------------------------- */

enum kio_health kio__mirror_health(const struct kio_layer *layer);
enum kio_health kio__mirror_leg_health(const struct kio_layer *layer, unsigned leg, char *text,
				       size_t size);
bool kio__mirror_progress(const struct kio_layer *layer, struct kio_progress *progress);
extern const struct kio_operation kio__mirror_operations[];
/* Tells of a stale leg, and what repairs it. */
void kio__mirror_say_stale(const struct mirror *mirror, unsigned leg, const char *text);
/* Of legs that are not used any more; error 0: there is none to name. */
void kio__mirror_lost(struct mirror *mirror, uint32_t legs, const char *why, int error);
/* These legs are not used from now on; not on disk yet. False: no other is left, and nothing was done. */
bool kio__mirror_take_out(struct mirror *mirror, uint32_t legs, const char *why, int error);

/* --- mirror_ask.c -------------------------------------------------------- */

/* What is as it is now is on record. Blocks; for operations. 0 or -errno. */
int kio__mirror_put_on_record(struct mirror *mirror);
/* There is no channel any more. With the mutex held. */
void kio__mirror_ask_leave(struct mirror *mirror);
/* The operations of that name: of a leg, and of all that are stale. */
int kio__mirror_resync_leg(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
			   struct kio_report *report, struct kio_diag *diag);
int kio__mirror_resync_all(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
			   struct kio_report *report, struct kio_diag *diag);

/* --- mirror_compare.c ---------------------------------------------------- */

/* The operations: to begin, and what came out. */
int kio__mirror_compare(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
			struct kio_report *report, struct kio_diag *diag);
int kio__mirror_compared(struct kio_layer *layer, unsigned leg, unsigned count, const char *const *args,
			 struct kio_report *report, struct kio_diag *diag);
bool kio__mirror_compare_progress(const struct mirror *mirror, struct kio_progress *progress);

/* --- mirror_open.c, mirror_create.c ------------------------------------- */

int kio__mirror_open(struct kio_layer *layer, struct kio_diag *diag);
int kio__mirror_create(struct kio_layer *layer, struct kio_diag *diag);
int kio__mirror_close(struct kio_layer *layer);

/* The leg of the stack that is new (kio_leg_new), or leg_count. */
unsigned kio__mirror_new_leg(const struct kio_layer *layer);
/* It may be overwritten: it has no state of a mirror, or is to be forced. */
int kio__mirror_check_new(struct mirror *mirror, unsigned leg, struct kio_diag *diag);
/*
 * Takes it in, with the number of one that is not among `present`: it is stale,
 * and all of it is to be copied. Not on disk yet.
 */
int kio__mirror_take_in(struct mirror *mirror, unsigned leg, uint32_t present, uint64_t *epoch,
			struct kio_diag *diag);
/* Its own state, when the others know it. */
int kio__mirror_write_new(struct mirror *mirror, unsigned leg, uint64_t epoch, struct kio_diag *diag);

/* What both begin and end with. */
int kio__mirror_begin(struct mirror *mirror, struct kio_diag *diag);
void kio__mirror_end(struct mirror *mirror);
/* The size is known: room for the regions. -ENOMEM. */
int kio__mirror_make_regions(struct mirror *mirror);
uint64_t kio__mirror_smallest_leg(const struct kio_layer *layer);
uint32_t kio__mirror_present_legs(const struct kio_layer *layer);

#endif
