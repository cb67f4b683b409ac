/* SPDX-License-Identifier: MIT */
/*
 * The word of a shared event and what hangs on it, as in src/core/event.c; for
 * event.pml and hold.pml. A step is one access of the source to memory that
 * another thread may touch; or a walk over a list that one thread has in hand;
 * or a loop of load and compare-and-swap, which does nothing that others see
 * until it succeeds, on the word as it is then.
 *
 * Memory is not given back, but marked as gone at the first moment at which the
 * rules of event.h allow it to be freed; every access asserts that it is not.
 * Threads see each other's stores at once: orders are not for these models.
 */

#define NONE 0 /* in the place of a callback, which are numbered from 1 */
#define BUSY 7

#define PENDING 0
#define INTERCEPTED 1
#define FIRING 2
#define FIRED 3

#define CBS (CALLBACKS + 1)

/* kio_event: top and tag are its one word. */
byte top = NONE, tag = PENDING;
byte status;
bool event_gone;

/* kio_cb */
byte next[CBS];
bool interceptor[CBS], kept[CBS];
bool arm[CBS]; /* a group's: it lives until its owner lets it go */
bool called[CBS], held[CBS], resumed[CBS], returned[CBS]; /* state, one word */
bool cb_gone[CBS];

/* what is only for asserting */
bool was_attached[CBS], detached[CBS];
byte calls[CBS]; /* since it was attached */
bool over[CBS];  /* its function has done its last act */
byte meant;      /* the status that is to be seen */
byte published;
byte users;      /* threads inside a call on the event, or yet to make one; not those who fire */
bool quiet;      /* nobody will fire it */
bool refused;    /* an interceptor answered with another event */
byte refusals;   /* may yet */
byte ended;      /* threads */

#define ALIVE assert(!event_gone)
#define CB(c) assert(!cb_gone[c])

/* Rules 3 and 4 of event.h: from here on its owner may free a callback that was called. */
#define MAY_GO(c) (over[c] && (!interceptor[c] || published > 0))

/* What each thread has of its own. */
#define LOCALS byte wtop, wtag, list, stack, cb, after, last; bool good, go_on, special

/* push: the notifiers of a stack are the run's now, those attached first first */
inline push()
{
	d_step {
		list = NONE;
		do
		:: stack != NONE ->
			CB(stack);
			wtop = next[stack]; next[stack] = list; list = stack;
			returned[stack] = false; stack = wtop
		:: else -> break
		od;
		wtop = 0
	}
}

/* call_some, call_special */
inline run_notifiers()
{
	do
	:: list != NONE ->
		d_step {
			CB(list);
			cb = list; special = kept[cb];
#ifndef BUG_LINK_AFTER_CALL
			list = next[cb];
#endif
			assert(published == 1 && !interceptor[cb] && !detached[cb]);
			calls[cb]++; assert(calls[cb] == 1)
		}
#ifdef BUG_RETURNED_TOO_EARLY
		returned[cb] = true;
#endif
		d_step {
			CB(cb); over[cb] = true;
			/* its function frees it */
			cb_gone[cb] = !kept[cb] && !arm[cb]
		}
#ifdef BUG_KEPT_ASKED_AFTER_CALL
		d_step { CB(cb); special = kept[cb] }
#endif
#ifdef BUG_LINK_AFTER_CALL
		d_step { CB(cb); list = next[cb] }
#endif
		if
		:: special -> d_step { CB(cb); returned[cb] = true }
		:: else
		fi;
		atomic { cb = NONE; special = false }
	:: else -> break
	od
}

/* publish */
inline publish()
{
#ifdef BUG_PUBLISHED_BLINDLY
	atomic { ALIVE; stack = top }
	atomic {
#else
	atomic {
		stack = top;
#endif
		ALIVE; assert(status == meant);
		stack = (stack == BUSY -> NONE : stack);
		top = (top == BUSY -> BUSY : NONE);
		tag = FIRED;
		published++; assert(published == 1)
	}
#ifdef BUG_STATUS_AFTER_PUBLISHING
	d_step { ALIVE }
#endif
	push()
}

/* put_back: it did not happen; cb and those below it are attached as before */
inline put_back()
{
	d_step {
		CB(cb);
		called[cb] = false; held[cb] = false; resumed[cb] = false; returned[cb] = false;
		calls[cb] = 0; over[cb] = false;
		last = cb;
		do
		:: next[last] != NONE -> last = next[last]; CB(last)
		:: else -> break
		od
	}
	atomic {
		top != BUSY;
		ALIVE; CB(last); next[last] = top;
#ifdef BUG_PUT_BACK_BLINDLY
	}
	atomic {
#endif
		ALIVE; top = cb; tag = INTERCEPTED; refused = true;
		last = NONE; cb = NONE
	}
}

/*
 * intercept: of the stack in hand the notifiers go back into the word, the
 * interceptors are a chain from cb on.
 */
inline sort()
{
	d_step {
		cb = NONE; last = NONE; after = NONE; wtop = NONE;
		do
		:: stack != NONE ->
			CB(stack);
			if
			:: interceptor[stack] ->
				if
				:: last == NONE -> cb = stack
				:: else -> next[last] = stack
				fi;
				last = stack
			:: else ->
				if
				:: after == NONE -> wtop = stack
				:: else -> next[after] = stack
				fi;
				after = stack
			fi;
			stack = next[stack]
		:: else -> break
		od;
		if
		:: last != NONE -> next[last] = NONE
		:: else
		fi;
		if
		:: after != NONE -> next[after] = NONE
		:: else
		fi;
		ALIVE; assert(top == BUSY && tag == FIRING);
		top = wtop; tag = FIRING;
		wtop = NONE; last = NONE; after = NONE
	}
}

/* happen, take: the event is taken out of the hands of all others */
inline happen()
{
	atomic {
		ALIVE; assert(tag != FIRED && tag != FIRING); /* fired_twice */
		stack = top; wtag = tag;
		if
		:: tag == INTERCEPTED -> top = BUSY; tag = FIRING
		:: else ->
			top = (top == BUSY -> BUSY : NONE);
			tag = FIRED; published++; assert(published == 1)
		fi
	}
	if
	:: stack == NONE || stack == BUSY -> stack = NONE
	:: else ->
		if
		:: wtag == PENDING -> push()
		:: else -> sort(); run_interceptors()
		fi
	fi;
	wtag = 0
}

/* attach: good says whether it is */
inline attach(c)
{
#ifdef BUG_ATTACHED_BLINDLY
	atomic { top != BUSY || tag == FIRED; ALIVE; wtop = top; wtag = tag; next[c] = top }
	d_step {
		ALIVE;
		good = (wtag != FIRED && !(wtag == FIRING && interceptor[c]));
		if
		:: good -> top = c; tag = (interceptor[c] -> INTERCEPTED : wtag); was_attached[c] = true
		:: else
		fi;
		wtop = 0; wtag = 0
	}
#else
	atomic {
		top != BUSY || tag == FIRED || (tag == FIRING && interceptor[c]);
		ALIVE;
		if
		:: tag == FIRED || (tag == FIRING && interceptor[c]) -> good = false
		:: else ->
			next[c] = top; top = c;
			if
			:: interceptor[c] -> tag = INTERCEPTED
			:: else
			fi;
			good = true; was_attached[c] = true
		fi
	}
#endif
}

/*
 * kio__detach up to the stack in hand: go_on says whether it is, good whether
 * nothing else had to be done
 */
inline get_in_hand(c)
{
	if
	:: arm[c] ->
		/* lose: kio__detach_alone, up to its compare-and-swap */
#ifndef BUG_ALONE_UNASKED
		d_step { CB(c); go_on = (next[c] == NONE && !interceptor[c]) }
#else
		go_on = true
#endif
	:: else -> go_on = false
	fi;
	atomic {
		top != BUSY || tag == FIRED;
		ALIVE;
		if
		:: tag == FIRED || top == NONE -> good = false; go_on = false
		:: else ->
			if
			:: go_on && top == c && tag == PENDING -> top = NONE; good = true; go_on = false
			:: else -> stack = top; wtag = tag; top = BUSY; good = false; go_on = true
			fi
		fi
	}
}

/* take_out, and what is left goes back into the word: good says whether c was there, go_on whether the word had changed */
inline take_out(c)
{
	d_step {
		cb = stack; after = NONE; last = PENDING;
		do
		:: cb != NONE ->
			CB(cb);
			if
			:: cb == c ->
				good = true;
				if
				:: after == NONE -> stack = next[c]
				:: else -> next[after] = next[c]
				fi
			:: else ->
				after = cb;
				if
				:: interceptor[cb] -> last = INTERCEPTED
				:: else
				fi
			fi;
			cb = next[cb]
		:: else -> break
		od;
		ALIVE;
#ifdef BUG_RELEASED_BLINDLY
		go_on = false;
#else
		go_on = !(top == BUSY && tag == wtag);
#endif
		if
		:: !go_on -> top = stack; tag = (wtag == FIRING -> FIRING : last); stack = NONE
		:: else
		fi;
		after = NONE; last = 0; wtag = 0
	}
}

/* kio__detach, kio_event_detach: detached[c] if it will not be called */
inline detach(c)
{
	get_in_hand(c);
	if
	:: go_on ->
		take_out(c);
		detached[c] = good;
		if
		:: !go_on -> users--
		:: go_on ->
#ifdef BUG_NOTHING_TAKEN_OVER
			stack = NONE; users--
#else
			/* take_over */
			if
			:: tag == FIRED -> atomic { ALIVE; users-- } push()
			:: else ->
				/* not fired before we do: it is ours, as if we had fired it */
				users--; sort(); run_interceptors()
			fi;
			run_notifiers()
#endif
		fi
	:: else ->
#ifdef BUG_LOOKS_AT_ONE_MISSED
		d_step { CB(c) }
#endif
		atomic { detached[c] = good; users-- }
	fi;
	atomic { good = false; go_on = false }
}

/* kio_event_detach_wait: if it is not detached, it has returned */
inline detach_wait(c)
{
	do
	:: users++;
		detach(c);
		if
		:: detached[c] || returned[c] -> break
#ifdef BUG_WAITS_FOR_RETURN_ALONE
		:: else -> returned[c]; break
#else
		/* nothing comes of looking again before */
		:: else -> returned[c] || tag == INTERCEPTED || tag == PENDING
#endif
		fi
	od;
	users--
}

/* The callback was called, or nobody calls it. */
inline gone_when_over(c)
{
	atomic {
		MAY_GO(c) || quiet;
		if
		:: MAY_GO(c) -> cb_gone[c] = true
		:: else
		fi
	}
}

/* Rule 4: it has fired, and nobody else is at it. */
proctype reaper()
{
end:	atomic { published > 0 && users == 0 -> event_gone = true }
}

/* What hangs on the event at the end, or was called, or taken off. */
inline settled()
{
	d_step {
		c = 1;
		do
		:: c <= CALLBACKS ->
			assert(!was_attached[c] || published == 0 || (calls[c] == 1) != detached[c]);
			assert(!detached[c] || calls[c] == 0);
			assert(published > 0 || interceptor[c] || calls[c] == 0);
			assert(was_attached[c] || calls[c] == 0);
			assert(published > 0 || top != BUSY);
			c++
		:: else -> break
		od;
		c = top;
		do
		:: published == 0 && c != NONE -> assert(was_attached[c] && !detached[c]); c = next[c]
		:: else -> break
		od
	}
}
