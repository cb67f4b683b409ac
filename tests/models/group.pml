/* SPDX-License-Identifier: MIT */
/*
 * A group, as in src/core/group.c: one thread builds and seals it while its
 * members fire, well or badly or never; another may cancel it, or attach to
 * `drained`. What decides goes through the arms and drops the sweep's reference.
 *
 * The words of the members and of the group's two events are only: nobody
 * attached, one attached, fired. The rest of an event is in event.pml.
 *
 * Group, members and arms are marked as gone at the first moment at which rule 5
 * of group.h allows them to be freed; every access asserts that they are not.
 */
#ifndef MEMBERS
#define MEMBERS 2
#define OTHERS /* who cancel, and attach to `drained` */
#endif

/* an event's word */
#define NOBODY 0
#define ATTACHED 1
#define FIRED 2

/* how a member joins */
#define ADDED 0
#define OBSERVED 1
#define OWNED 2

/* statuses; a member's own is from 1 on */
#define NONE 0
#define CANCELLED 100
#define INVALID 101

byte k;
bool settle;
byte mode[MEMBERS];

/* group->counts, one word */
byte succeeded, failed;
short awaited;
bool sealed, cancelled;

byte error = NONE, cancel = NONE;
byte event_word = NOBODY, event_status, drained_word = NOBODY, drained_status;
bool all_gone;

byte word[MEMBERS], status[MEMBERS];
bool listed[MEMBERS]; /* in group->arms */
bool told[MEMBERS];   /* that it lost: who stands for it may cancel it */

/* what is only for asserting */
bool arrived[MEMBERS], detached[MEMBERS];
byte events, drains, heard;
byte users; /* inside a call on the group, or yet to make one; neither the builder nor members */
bool will_hear;

#define ALIVE assert(!all_gone)
#define DECIDING (succeeded >= k || failed > MEMBERS - k || cancelled)
#define DECIDED (sealed && DECIDING)

#define LOCALS byte i, gone, now_awaited, was; bool before, now, only

inline mark_gone()
{
	if
	:: events == 1 && drains == 1 && users == 0 -> all_gone = true
	:: else
	fi
}

/* group_status */
inline get_status(to)
{
	if
	:: cancelled -> to = cancel
	:: !cancelled && succeeded >= k -> to = 0
	:: else -> to = error
	fi
}

/* `drained` happens; who hears of it may free all */
inline fire_drained()
{
	d_step {
		ALIVE; assert(drained_word != FIRED);
		get_status(drained_status);
		was = drained_word; drained_word = FIRED;
		drains++; assert(drains == 1 && events == 1);
		assert(drained_status == event_status);
		mark_gone()
	}
	if
	:: was == ATTACHED -> heard++
	:: else
	fi;
	was = 0
}

/* lose */
inline lose()
{
	d_step {
		ALIVE; listed[i] = false;
		if
		:: mode[i] == OBSERVED ->
			/* kio__detach */
			if
			:: word[i] == ATTACHED -> word[i] = NOBODY; detached[i] = true; gone++
			:: else -> assert(word[i] == FIRED)
#ifdef BUG_FIRED_COUNTED_AS_LOST
				; gone++
#endif
			fi
		:: else ->
			assert(mode[i] == OWNED);
			if
			:: word[i] != FIRED -> told[i] = true
			:: else
			fi
		fi
	}
}

/* kio__sweep, drop */
inline sweep()
{
	i = 0;
	do
	:: i < MEMBERS && !listed[i] -> i++
	:: i < MEMBERS && listed[i] ->
		lose();
		i++;
		/* there may be more to run first */
		if
		:: gone != 0 -> atomic { ALIVE; awaited = awaited - gone; gone = 0 }
		:: true
		fi
	:: else -> break
	od;
#ifdef BUG_LOSERS_AWAITED
	gone = 0;
#endif
	/* the source only looks, if nobody else is awaited: then nobody else counts */
	atomic { ALIVE; awaited = awaited - gone - 1; now_awaited = awaited; i = 0; gone = 0 }
	if
	:: now_awaited == 0 -> fire_drained()
	:: else
	fi;
	now_awaited = 0
}

/*
 * decide, happen on group->event, kio__leave_decided: this thread owns what
 * follows. The statuses it stores are nobody's but its own yet.
 */
inline decide()
{
	d_step {
		ALIVE;
		if
		:: succeeded < k && error == NONE -> error = INVALID
		:: else
		fi;
		get_status(event_status);
		assert(event_word != FIRED);
		event_word = FIRED; events++; assert(events == 1)
	}
	/* drains_at_once */
	d_step {
		ALIVE;
		only = (!listed[0] && !listed[1] && !listed[MEMBERS - 1] && awaited == 1 && drained_word == NOBODY)
	}
	if
	:: only -> fire_drained()
	:: else -> sweep()
	fi;
	only = false
}

/* kio__arrive after its count, kio__group_moved */
inline moved()
{
#ifdef BUG_LOOKS_AFTER_COUNTING
	d_step { ALIVE; now = DECIDED }
#endif
	if
#ifdef BUG_DECIDED_AGAIN
	:: now -> decide()
#else
	:: now && !before -> decide()
	:: now && before && now_awaited == 0 -> fire_drained()
#endif
	:: else
	fi;
	now = false; before = false; now_awaited = 0
}

#ifdef BUG_DECIDED_UNSEALED
#define NOW_DECIDED DECIDING
#else
#define NOW_DECIDED DECIDED
#endif

/* kio__arrival: the first error is the group's */
inline store_error(m)
{
	if
	:: status[m] != 0 && !settle ->
		d_step {
			ALIVE;
			if
			:: error == NONE -> error = status[m]
			:: else
			fi
		}
	:: else
	fi
}

/* kio__count */
inline count(m)
{
#ifndef BUG_ERROR_AFTER_COUNT
	store_error(m);
#endif
	atomic {
		ALIVE; assert(!arrived[m]); arrived[m] = true;
		before = NOW_DECIDED;
		if
		:: status[m] == 0 || settle -> succeeded++
		:: else -> failed++
		fi;
		awaited--;
		now = NOW_DECIDED; now_awaited = awaited
	}
#ifdef BUG_ERROR_AFTER_COUNT
	store_error(m);
#endif
}

/* kio_event_fire on a member */
inline fire(m)
{
	d_step { assert(word[m] != FIRED); was = word[m]; word[m] = FIRED; assert(was == NOBODY || !all_gone) }
	if
	:: was == ATTACHED ->
		count(m);
		moved()
	:: else
	fi;
	was = 0
}

proctype member(byte m)
{
	LOCALS;

	if
	:: status[m] = 0
	:: status[m] = m + 1
	:: true ->
end:		/* never, unless somebody cancels what it stands for */
		told[m];
		status[m] = m + 1
	fi;
	fire(m)
}

/* kio_group_add, kio_group_arm, kio_group_own; kio_group_seal */
proctype builder()
{
	LOCALS;

	do
	:: i < MEMBERS ->
		d_step {
			ALIVE;
			if
			:: word[i] == NOBODY -> word[i] = ATTACHED; listed[i] = (mode[i] != ADDED)
			:: else -> now = true
			fi
		}
		if
		:: now -> count(i)
		:: else
		fi;
#ifdef BUG_DECIDED_UNSEALED
		moved();
#endif
		now = false; before = false; now_awaited = 0;
		i++
	:: else -> break
	od;
	i = 0;
	d_step {
		ALIVE; before = NOW_DECIDED; sealed = true;
#ifdef BUG_NO_REFERENCE_FOR_SWEEP
		awaited = awaited + MEMBERS;
#else
		awaited = awaited + MEMBERS + 1;
#endif
		now = NOW_DECIDED; now_awaited = awaited
	}
#ifdef BUG_SEAL_DECIDES_NOTHING
	now = false;
#endif
	moved()
}

/* kio_group_cancel */
proctype canceller()
{
	LOCALS;

	d_step {
		ALIVE;
		if
		:: cancel == NONE -> cancel = CANCELLED
		:: else
		fi
	}
	d_step {
		ALIVE; now = false;
#ifndef BUG_CANCELLED_AFTER_DECISION
		if
		:: !DECIDED ->
#else
		if
		:: true ->
#endif
			cancelled = true; now = sealed
		:: else
		fi;
		users--;
		mark_gone()
	}
	if
	:: now -> now = false; decide()
	:: else
	fi
}

/* Attaches to `drained` when it likes. */
proctype waiter()
{
	d_step {
		ALIVE;
		if
		:: drained_word == NOBODY -> drained_word = ATTACHED; will_hear = true
		:: else
		fi;
		users--;
		mark_gone()
	}
}

/* Whatever the order: what the members say decides alone, but for cancelling. */
inline settled()
{
	d_step {
		well = 0; badly = 0; finished = true; i = 0;
		do
		:: i < MEMBERS ->
			if
			:: word[i] == FIRED && (status[i] == 0 || settle) -> well++
			:: word[i] == FIRED && !(status[i] == 0 || settle) -> badly++
			:: else
			fi;
			if
			:: mode[i] != OBSERVED && word[i] != FIRED -> finished = false
			:: else
			fi;
			assert(!(arrived[i] && detached[i]));
			assert(!told[i] || mode[i] == OWNED);
			i++
		:: else -> break
		od;
		i = 0;
		assert(sealed);
		assert(events == ((cancelled || well >= k || badly > MEMBERS - k) -> 1 : 0));
		assert(drains == ((events == 1 && finished) -> 1 : 0));
		if
		:: events == 1 && cancelled -> assert(event_status == CANCELLED)
		:: events == 1 && !cancelled && well >= k -> assert(event_status == 0)
		:: events == 1 && !cancelled && well < k && k > MEMBERS -> assert(event_status != 0)
		:: events == 1 && !cancelled && well < k && k <= MEMBERS ->
			assert(event_status >= 1 && event_status <= MEMBERS);
			assert(status[event_status - 1] == event_status && arrived[event_status - 1])
		:: else
		fi;
		assert(heard == ((will_hear && drains == 1) -> 1 : 0));
		do
		:: drains == 1 && i < MEMBERS -> assert(word[i] != ATTACHED); i++
		:: else -> break
		od
	}
}

init
{
	byte i, well, badly;
	bool finished;

	atomic {
		/* any, a quorum, all; one that there is always or never, settle */
		if
		:: k = 1
		:: k = 2
#ifndef OTHERS
		:: k = 3
#else
		:: k = 0
		:: k = 3
		:: k = 2; settle = true
#endif
		fi;
		i = 0;
		do
		:: i < MEMBERS ->
			/* in the order of modes: which member is which makes no difference */
			if
			:: i == 0 || mode[i - 1] == ADDED -> mode[i] = ADDED
			:: i == 0 || mode[i - 1] <= OBSERVED -> mode[i] = OBSERVED
			:: mode[i] = OWNED
			fi;
			run member(i);
			i++
		:: else -> break
		od;
		i = 0;
		run builder();
#ifdef OTHERS
		if
		:: users++; run canceller()
		:: skip
		fi;
		if
		:: users++; run waiter()
		:: skip
		fi
#endif
	}
	/* nobody can go on */
	timeout;
	settled()
}
