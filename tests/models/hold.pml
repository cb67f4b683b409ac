/* SPDX-License-Identifier: MIT */
/*
 * Holding and resuming: two interceptors, each of which may go on, hold, or
 * answer once with another event; whoever is to resume one may do so before it
 * has returned. Meanwhile a notifier comes and goes, and the owner of the first
 * interceptor waits for its end.
 */
#define CALLBACKS 3
#define FIRST 1  /* attached first, called last */
#define SECOND 2
#define NOTIFIER 3

#include "word.pml"

bool asked[CBS]; /* its resumption may come from now on */

#define HOLD_LOCALS bool met, stopped

/*
 * run_interceptors, from cb on. A callback that holds meets its resumption in
 * its state, and who comes second goes on (meet).
 */
inline run_interceptors()
{
	stopped = false;
	do
	:: cb != NONE && !stopped ->
		d_step {
			CB(cb);
			after = next[cb]; special = kept[cb];
			called[cb] = true; held[cb] = false; resumed[cb] = false; returned[cb] = false;
			assert(published == 0 && !detached[cb]);
			assert(cb == SECOND || calls[SECOND] != 1 || over[SECOND]); /* one after the other */
			calls[cb]++; assert(calls[cb] == 1)
		}
		if
		:: true ->
			asked[cb] = true;
			d_step { CB(cb); over[cb] = true }
			d_step {
				CB(cb);
				met = resumed[cb];
#ifdef BUG_MEETS_IN_TWO_STEPS
			}
			d_step {
				CB(cb);
#endif
				held[cb] = true; returned[cb] = true
			}
#ifdef BUG_LOOKS_AFTER_HOLDING
			d_step { CB(cb); after = next[cb] }
#endif
			if
			:: met -> cb = after
			:: else -> stopped = true
			fi
		:: refusals > 0 ->
			d_step { CB(cb); over[cb] = true; refusals-- }
			put_back();
			stopped = true
		:: true ->
			d_step { CB(cb); over[cb] = true }
			if
			:: special -> d_step { CB(cb); returned[cb] = true }
			:: else
			fi;
			cb = after
		fi;
		atomic { after = NONE; special = false; met = false }
	:: else -> break
	od;
	if
	:: stopped -> atomic { stopped = false; cb = NONE }
	:: else -> publish()
	fi
}

/* kio_event_resume */
inline resume(c)
{
	d_step { ALIVE; assert(tag == FIRING) } /* nothing holds it */
#ifndef BUG_STATUS_AFTER_MEETING
	d_step { ALIVE; status = c + 1; meant = c + 1 }
#else
	meant = c + 1;
#endif
	d_step {
		ALIVE; CB(c);
		assert(called[c] && !resumed[c]); /* by one that does not hold it; twice */
		met = held[c];
#ifdef BUG_MEETS_IN_TWO_STEPS
	}
	d_step {
		CB(c);
#endif
#ifdef BUG_EARLY_RESUMPTION_FORGOTTEN
		resumed[c] = met
#else
		resumed[c] = true
#endif
	}
#ifdef BUG_STATUS_AFTER_MEETING
	d_step { ALIVE; status = c + 1 }
#endif
#ifdef BUG_RESUMPTION_ALWAYS_GOES_ON
	met = true;
#endif
	if
	:: met ->
		met = false;
		d_step { CB(c); cb = next[c] }
		run_interceptors();
		run_notifiers()
	:: else
	fi
}

proctype resumer(byte c)
{
	LOCALS;
	HOLD_LOCALS;

end:	do
	:: asked[c] ->
		asked[c] = false;
		resume(c)
	od
}

proctype firer()
{
	LOCALS;
	HOLD_LOCALS;

	do
	:: atomic { ALIVE; status = 1; meant = 1 } /* kio_event_fire_attached */
		happen();
		run_notifiers();
		published > 0 || refused;
		if
		:: published > 0 -> break
		:: else -> refused = false
		fi
	:: quiet = true; break
	od;
	ended++
}

/* The notifier's, and the first interceptor's. */
proctype owner(byte c)
{
	LOCALS;
	HOLD_LOCALS;

	if
	:: c == NOTIFIER -> attach(c)
	:: else -> good = true
	fi;
	if
	:: !good -> atomic { users--; cb_gone[c] = true }
	:: good ->
		good = false;
		if
		:: kept[c] -> detach_wait(c)
		:: !kept[c] -> detach(c)
		:: !kept[c] -> users--
		fi;
		if
		:: detached[c] -> cb_gone[c] = true
		:: else ->
			assert(!kept[c] || over[c]);
			gone_when_over(c)
		fi
	fi;
	ended++
}

proctype bystander()
{
	gone_when_over(SECOND);
	ended++
}

init
{
	byte c;

	atomic {
		interceptor[FIRST] = true; was_attached[FIRST] = true;
		interceptor[SECOND] = true; was_attached[SECOND] = true; next[SECOND] = FIRST;
		top = SECOND; tag = INTERCEPTED;
		refusals = 1;
		if
		:: kept[FIRST] = true
		:: kept[SECOND] = true
		:: kept[NOTIFIER] = true
		fi;
		users = 2 + kept[FIRST] + kept[NOTIFIER];
		run owner(FIRST); run bystander(); run owner(NOTIFIER);
		run firer(); run resumer(FIRST); run resumer(SECOND); run reaper()
	}
	ended == 4;
	settled()
}
