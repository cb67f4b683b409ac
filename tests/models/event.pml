/* SPDX-License-Identifier: MIT */
/*
 * Attaching, detaching and firing: two threads each attach a callback of any
 * kind, perhaps beside one that is there from the beginning, and leave it there or take
 * it off; another thread fires, or never does. An interceptor may answer once
 * with another event: then it is fired again, or not.
 */
#define CALLBACKS 3
#define OWNERS 2
#define OTHER 3

#include "word.pml"

/* run_interceptors, from cb on, without those that hold */
inline run_interceptors()
{
	do
	:: cb != NONE ->
		d_step {
			CB(cb);
			after = next[cb]; special = kept[cb];
			called[cb] = true; returned[cb] = false;
			assert(published == 0 && !detached[cb]);
			calls[cb]++; assert(calls[cb] == 1)
		}
#ifdef BUG_RETURNED_TOO_EARLY
		returned[cb] = true;
#endif
		d_step { CB(cb); over[cb] = true }
		if
		:: refusals > 0 -> atomic { refusals--; after = NONE } put_back(); stack = BUSY; break
		:: true ->
			if
			:: special -> d_step { CB(cb); returned[cb] = true }
			:: else
			fi;
			atomic { cb = after; after = NONE; special = false }
		fi
	:: else -> break
	od;
	if
	:: stack == BUSY -> d_step { stack = NONE; special = false }
	:: else -> publish()
	fi
}

proctype owner(byte c)
{
	LOCALS;

	attach(c);
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
	gone_when_over(OTHER);
	ended++
}

proctype firer()
{
	LOCALS;

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

init
{
	byte c;

	atomic {
		/* which owner is which makes no difference */
		if
		:: interceptor[1] = false
		:: interceptor[1] = true
		fi;
		if
		:: kept[1] = false
		:: kept[1] = true
		fi;
		if
		:: !interceptor[1] -> interceptor[2] = false
		:: interceptor[2] = true
		fi;
		if
		:: interceptor[1] != interceptor[2] || !kept[1] -> kept[2] = false
		:: kept[2] = true
		fi;
		if
		:: !kept[1] && !interceptor[1] -> arm[1] = true
		:: skip
		fi;
		if
		:: skip
		:: was_attached[OTHER] = true; top = OTHER
		:: was_attached[OTHER] = true; top = OTHER; interceptor[OTHER] = true; tag = INTERCEPTED
		fi;
		if
		:: interceptor[2] || interceptor[OTHER] -> refusals = 1
		:: refusals = 0
		fi;
		/* kio_event_detach_wait is one call, whatever it calls */
		users = OWNERS + kept[1] + kept[2];
		run owner(1); run owner(2); run firer(); run reaper();
		if
		:: was_attached[OTHER] -> run bystander()
		:: else
		fi
	}
	ended == OWNERS + 1 + was_attached[OTHER];
	settled()
}
