#define rand	pan_rand
#define pthread_equal(a,b)	((a)==(b))
#if defined(HAS_CODE) && defined(VERBOSE)
	#ifdef BFS_PAR
		bfs_printf("Pr: %d Tr: %d\n", II, t->forw);
	#else
		cpu_printf("Pr: %d Tr: %d\n", II, t->forw);
	#endif
#endif
	switch (t->forw) {
	default: Uerror("bad forward move");
	case 0:	/* if without executable clauses */
		continue;
	case 1: /* generic 'goto' or 'skip' */
		IfNotBlocked
		_m = 3; goto P999;
	case 2: /* generic 'else' */
		IfNotBlocked
		if (trpt->o_pm&1) continue;
		_m = 3; goto P999;

		 /* PROC :init: */
	case 3: // STATE 1 - event.pml:139 - [interceptor[1] = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[4][1] = 1;
		(trpt+1)->bup.oval = ((int)now.interceptor[1]);
		now.interceptor[1] = 0;
#ifdef VAR_RANGES
		logval("interceptor[1]", ((int)now.interceptor[1]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 4: // STATE 2 - event.pml:140 - [interceptor[1] = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[4][2] = 1;
		(trpt+1)->bup.oval = ((int)now.interceptor[1]);
		now.interceptor[1] = 1;
#ifdef VAR_RANGES
		logval("interceptor[1]", ((int)now.interceptor[1]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 5: // STATE 5 - event.pml:143 - [kept[1] = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[4][5] = 1;
		(trpt+1)->bup.oval = ((int)now.kept[1]);
		now.kept[1] = 0;
#ifdef VAR_RANGES
		logval("kept[1]", ((int)now.kept[1]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 6: // STATE 6 - event.pml:144 - [kept[1] = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[4][6] = 1;
		(trpt+1)->bup.oval = ((int)now.kept[1]);
		now.kept[1] = 1;
#ifdef VAR_RANGES
		logval("kept[1]", ((int)now.kept[1]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 7: // STATE 9 - event.pml:147 - [(!(interceptor[1]))] (17:0:1 - 1)
		IfNotBlocked
		reached[4][9] = 1;
		if (!( !(((int)now.interceptor[1]))))
			continue;
		/* merge: interceptor[2] = 0(0, 10, 17) */
		reached[4][10] = 1;
		(trpt+1)->bup.oval = ((int)now.interceptor[2]);
		now.interceptor[2] = 0;
#ifdef VAR_RANGES
		logval("interceptor[2]", ((int)now.interceptor[2]));
#endif
		;
		/* merge: .(goto)(0, 13, 17) */
		reached[4][13] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 8: // STATE 11 - event.pml:148 - [interceptor[2] = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[4][11] = 1;
		(trpt+1)->bup.oval = ((int)now.interceptor[2]);
		now.interceptor[2] = 1;
#ifdef VAR_RANGES
		logval("interceptor[2]", ((int)now.interceptor[2]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 9: // STATE 14 - event.pml:151 - [(((interceptor[1]!=interceptor[2])||!(kept[1])))] (22:0:1 - 1)
		IfNotBlocked
		reached[4][14] = 1;
		if (!(((((int)now.interceptor[1])!=((int)now.interceptor[2]))|| !(((int)now.kept[1])))))
			continue;
		/* merge: kept[2] = 0(0, 15, 22) */
		reached[4][15] = 1;
		(trpt+1)->bup.oval = ((int)now.kept[2]);
		now.kept[2] = 0;
#ifdef VAR_RANGES
		logval("kept[2]", ((int)now.kept[2]));
#endif
		;
		/* merge: .(goto)(0, 18, 22) */
		reached[4][18] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 10: // STATE 16 - event.pml:152 - [kept[2] = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[4][16] = 1;
		(trpt+1)->bup.oval = ((int)now.kept[2]);
		now.kept[2] = 1;
#ifdef VAR_RANGES
		logval("kept[2]", ((int)now.kept[2]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 11: // STATE 19 - event.pml:155 - [interceptor[3] = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[4][19] = 1;
		(trpt+1)->bup.oval = ((int)now.interceptor[3]);
		now.interceptor[3] = 0;
#ifdef VAR_RANGES
		logval("interceptor[3]", ((int)now.interceptor[3]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 12: // STATE 20 - event.pml:156 - [interceptor[3] = 1] (0:27:2 - 1)
		IfNotBlocked
		reached[4][20] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.interceptor[3]);
		now.interceptor[3] = 1;
#ifdef VAR_RANGES
		logval("interceptor[3]", ((int)now.interceptor[3]));
#endif
		;
		/* merge: tag = 1(27, 21, 27) */
		reached[4][21] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.tag);
		now.tag = 1;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: .(goto)(0, 23, 27) */
		reached[4][23] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 13: // STATE 24 - event.pml:159 - [((interceptor[2]||interceptor[3]))] (32:0:4 - 1)
		IfNotBlocked
		reached[4][24] = 1;
		if (!((((int)now.interceptor[2])||((int)now.interceptor[3]))))
			continue;
		/* merge: refusals = 1(32, 25, 32) */
		reached[4][25] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.refusals);
		now.refusals = 1;
#ifdef VAR_RANGES
		logval("refusals", ((int)now.refusals));
#endif
		;
		/* merge: .(goto)(32, 28, 32) */
		reached[4][28] = 1;
		;
		/* merge: was_attached[3] = 1(32, 29, 32) */
		reached[4][29] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.was_attached[3]);
		now.was_attached[3] = 1;
#ifdef VAR_RANGES
		logval("was_attached[3]", ((int)now.was_attached[3]));
#endif
		;
		/* merge: top = 3(32, 30, 32) */
		reached[4][30] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.top);
		now.top = 3;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: users = ((2+kept[1])+kept[2])(32, 31, 32) */
		reached[4][31] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.users);
		now.users = ((2+((int)now.kept[1]))+((int)now.kept[2]));
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 5 */
	case 14: // STATE 26 - event.pml:160 - [refusals = 0] (0:32:4 - 1)
		IfNotBlocked
		reached[4][26] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.refusals);
		now.refusals = 0;
#ifdef VAR_RANGES
		logval("refusals", ((int)now.refusals));
#endif
		;
		/* merge: .(goto)(32, 28, 32) */
		reached[4][28] = 1;
		;
		/* merge: was_attached[3] = 1(32, 29, 32) */
		reached[4][29] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.was_attached[3]);
		now.was_attached[3] = 1;
#ifdef VAR_RANGES
		logval("was_attached[3]", ((int)now.was_attached[3]));
#endif
		;
		/* merge: top = 3(32, 30, 32) */
		reached[4][30] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.top);
		now.top = 3;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: users = ((2+kept[1])+kept[2])(32, 31, 32) */
		reached[4][31] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.users);
		now.users = ((2+((int)now.kept[1]))+((int)now.kept[2]));
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 4 */
	case 15: // STATE 29 - event.pml:162 - [was_attached[3] = 1] (0:32:3 - 3)
		IfNotBlocked
		reached[4][29] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.was_attached[3]);
		now.was_attached[3] = 1;
#ifdef VAR_RANGES
		logval("was_attached[3]", ((int)now.was_attached[3]));
#endif
		;
		/* merge: top = 3(32, 30, 32) */
		reached[4][30] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = 3;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: users = ((2+kept[1])+kept[2])(32, 31, 32) */
		reached[4][31] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.users);
		now.users = ((2+((int)now.kept[1]))+((int)now.kept[2]));
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 2 */
	case 16: // STATE 32 - event.pml:166 - [(run owner(1))] (0:0:0 - 1)
		IfNotBlocked
		reached[4][32] = 1;
		if (!(addproc(II, 1, 0, 1)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 17: // STATE 33 - event.pml:166 - [(run owner(2))] (0:0:0 - 1)
		IfNotBlocked
		reached[4][33] = 1;
		if (!(addproc(II, 1, 0, 2)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 18: // STATE 34 - event.pml:166 - [(run bystander())] (0:0:0 - 1)
		IfNotBlocked
		reached[4][34] = 1;
		if (!(addproc(II, 1, 1, 0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 19: // STATE 35 - event.pml:166 - [(run firer())] (0:0:0 - 1)
		IfNotBlocked
		reached[4][35] = 1;
		if (!(addproc(II, 1, 2, 0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 20: // STATE 36 - event.pml:166 - [(run reaper())] (0:0:0 - 1)
		IfNotBlocked
		reached[4][36] = 1;
		if (!(addproc(II, 1, 3, 0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 21: // STATE 38 - event.pml:168 - [((ended==(2+2)))] (0:0:0 - 1)
		IfNotBlocked
		reached[4][38] = 1;
		if (!((((int)now.ended)==(2+2))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 22: // STATE 61 - word.pml:348 - [D_STEP348]
		IfNotBlocked

		reached[4][61] = 1;
		reached[4][t->st] = 1;
		reached[4][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_927_0: /* 2 */
		((P4 *)_this)->c = 1;
#ifdef VAR_RANGES
		logval(":init::c", ((int)((P4 *)_this)->c));
#endif
		;
S_938_0: /* 2 */
S_937_0: /* 2 */
S_928_0: /* 2 */
		if (!((((int)((P4 *)_this)->c)<=3)))
			goto S_937_1;
S_929_0: /* 2 */
		spin_assert((( !(((int)now.was_attached[ Index(((int)((P4 *)_this)->c), 4) ]))||(((int)now.published)==0))||((((int)now.calls[ Index(((int)((P4 *)_this)->c), 4) ])==1)!=((int)now.detached[ Index(((int)((P4 *)_this)->c), 4) ]))), "(( !(was_attached[c])||(published==0))||((calls[c]==1)!=detached[c]))", II, tt, t);
S_930_0: /* 2 */
		spin_assert(( !(((int)now.detached[ Index(((int)((P4 *)_this)->c), 4) ]))||(((int)now.calls[ Index(((int)((P4 *)_this)->c), 4) ])==0)), "( !(detached[c])||(calls[c]==0))", II, tt, t);
S_931_0: /* 2 */
		spin_assert((((((int)now.published)>0)||((int)now.interceptor[ Index(((int)((P4 *)_this)->c), 4) ]))||(((int)now.calls[ Index(((int)((P4 *)_this)->c), 4) ])==0)), "(((published>0)||interceptor[c])||(calls[c]==0))", II, tt, t);
S_932_0: /* 2 */
		spin_assert((((int)now.was_attached[ Index(((int)((P4 *)_this)->c), 4) ])||(((int)now.calls[ Index(((int)((P4 *)_this)->c), 4) ])==0)), "(was_attached[c]||(calls[c]==0))", II, tt, t);
S_933_0: /* 2 */
		spin_assert(((((int)now.published)>0)||(((int)now.top)!=7)), "((published>0)||(top!=7))", II, tt, t);
S_934_0: /* 2 */
		((P4 *)_this)->c = (((int)((P4 *)_this)->c)+1);
#ifdef VAR_RANGES
		logval(":init::c", ((int)((P4 *)_this)->c));
#endif
		;
		goto S_938_0; /* ';' */
S_937_1: /* 3 */
S_935_0: /* 2 */
		/* else */;
S_936_0: /* 2 */
		goto S_940_0;	/* 'goto' */
S_937_2: /* 3 */
		Uerror("blocking sel in d_step (nr.0, near line 350)");
S_939_0: /* 2 */
		goto S_940_0;	/* 'break' */
S_940_0: /* 2 */
		((P4 *)_this)->c = ((int)now.top);
#ifdef VAR_RANGES
		logval(":init::c", ((int)((P4 *)_this)->c));
#endif
		;
S_947_0: /* 2 */
S_946_0: /* 2 */
S_941_0: /* 2 */
		if (!(((((int)now.published)==0)&&(((int)((P4 *)_this)->c)!=0))))
			goto S_946_1;
S_942_0: /* 2 */
		spin_assert((((int)now.was_attached[ Index(((int)((P4 *)_this)->c), 4) ])&& !(((int)now.detached[ Index(((int)((P4 *)_this)->c), 4) ]))), "(was_attached[c]&& !(detached[c]))", II, tt, t);
S_943_0: /* 2 */
		((P4 *)_this)->c = ((int)now.next[ Index(((int)((P4 *)_this)->c), 4) ]);
#ifdef VAR_RANGES
		logval(":init::c", ((int)((P4 *)_this)->c));
#endif
		;
		goto S_947_0; /* ';' */
S_946_1: /* 3 */
S_944_0: /* 2 */
		/* else */;
S_945_0: /* 2 */
		goto S_948_0;	/* 'goto' */
S_946_2: /* 3 */
		Uerror("blocking sel in d_step (nr.1, near line 361)");
S_948_0: /* 2 */
		goto S_951_0;	/* 'break' */
S_951_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 23: // STATE 63 - event.pml:170 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[4][63] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC reaper */
	case 24: // STATE 1 - event.pml:129 - [(((published>0)&&(users==0)))] (4:0:1 - 1)
		IfNotBlocked
		reached[3][1] = 1;
		if (!(((((int)now.published)>0)&&(((int)now.users)==0))))
			continue;
		/* merge: event_gone = 1(0, 2, 4) */
		reached[3][2] = 1;
		(trpt+1)->bup.oval = ((int)now.event_gone);
		now.event_gone = 1;
#ifdef VAR_RANGES
		logval("event_gone", ((int)now.event_gone));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 25: // STATE 4 - event.pml:130 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[3][4] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC firer */
	case 26: // STATE 1 - event.pml:113 - [assert(!(event_gone))] (0:196:1 - 1)
		IfNotBlocked
		reached[2][1] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: status = 1(196, 2, 196) */
		reached[2][2] = 1;
		(trpt+1)->bup.oval = ((int)now.status);
		now.status = 1;
#ifdef VAR_RANGES
		logval("status", ((int)now.status));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 27: // STATE 4 - word.pml:195 - [assert(!(event_gone))] (0:16:2 - 1)
		IfNotBlocked
		reached[2][4] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: assert(((tag!=3)&&(tag!=2)))(16, 5, 16) */
		reached[2][5] = 1;
		spin_assert(((((int)now.tag)!=3)&&(((int)now.tag)!=2)), "((tag!=3)&&(tag!=2))", II, tt, t);
		/* merge: stack = top(16, 6, 16) */
		reached[2][6] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P2 *)_this)->stack);
		((P2 *)_this)->stack = ((int)now.top);
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
		/* merge: wtag = tag(16, 7, 16) */
		reached[2][7] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P2 *)_this)->wtag);
		((P2 *)_this)->wtag = ((int)now.tag);
#ifdef VAR_RANGES
		logval("firer:wtag", ((int)((P2 *)_this)->wtag));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 28: // STATE 8 - word.pml:198 - [((tag==1))] (193:0:2 - 1)
		IfNotBlocked
		reached[2][8] = 1;
		if (!((((int)now.tag)==1)))
			continue;
		/* merge: top = 7(193, 9, 193) */
		reached[2][9] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.top);
		now.top = 7;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 2(193, 10, 193) */
		reached[2][10] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.tag);
		now.tag = 2;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: .(goto)(193, 17, 193) */
		reached[2][17] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 29: // STATE 17 - word.pml:207 - [.(goto)] (0:193:0 - 2)
		IfNotBlocked
		reached[2][17] = 1;
		;
		_m = 3; goto P999; /* 0 */
	case 30: // STATE 12 - word.pml:201 - [top = ( ((top==7)) -> (7) : (0) )] (0:193:3 - 1)
		IfNotBlocked
		reached[2][12] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.top);
		now.top = ( ((((int)now.top)==7)) ? (7) : (0) );
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 3(193, 13, 193) */
		reached[2][13] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.tag);
		now.tag = 3;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: published = (published+1)(193, 14, 193) */
		reached[2][14] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.published);
		now.published = (((int)now.published)+1);
#ifdef VAR_RANGES
		logval("published", ((int)now.published));
#endif
		;
		/* merge: assert((published==1))(193, 15, 193) */
		reached[2][15] = 1;
		spin_assert((((int)now.published)==1), "(published==1)", II, tt, t);
		/* merge: .(goto)(193, 17, 193) */
		reached[2][17] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 31: // STATE 19 - word.pml:209 - [(((stack==0)||(stack==7)))] (225:0:3 - 1)
		IfNotBlocked
		reached[2][19] = 1;
		if (!(((((int)((P2 *)_this)->stack)==0)||(((int)((P2 *)_this)->stack)==7))))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: stack */  (trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((P2 *)_this)->stack;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P2 *)_this)->stack = 0;
		/* merge: stack = 0(225, 20, 225) */
		reached[2][20] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P2 *)_this)->stack);
		((P2 *)_this)->stack = 0;
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
		/* merge: .(goto)(225, 194, 225) */
		reached[2][194] = 1;
		;
		/* merge: wtag = 0(225, 195, 225) */
		reached[2][195] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P2 *)_this)->wtag);
		((P2 *)_this)->wtag = 0;
#ifdef VAR_RANGES
		logval("firer:wtag", ((int)((P2 *)_this)->wtag));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 32: // STATE 22 - word.pml:212 - [((wtag==0))] (0:0:1 - 1)
		IfNotBlocked
		reached[2][22] = 1;
		if (!((((int)((P2 *)_this)->wtag)==0)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: wtag */  (trpt+1)->bup.oval = ((P2 *)_this)->wtag;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P2 *)_this)->wtag = 0;
		_m = 3; goto P999; /* 0 */
	case 33: // STATE 37 - word.pml:59 - [D_STEP59]
		IfNotBlocked

		reached[2][37] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_668_0: /* 2 */
		((P2 *)_this)->list = 0;
#ifdef VAR_RANGES
		logval("firer:list", ((int)((P2 *)_this)->list));
#endif
		;
S_679_0: /* 2 */
S_678_0: /* 2 */
S_669_0: /* 2 */
		if (!((((int)((P2 *)_this)->stack)!=0)))
			goto S_678_1;
S_670_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_671_0: /* 2 */
		((P2 *)_this)->wtop = ((int)now.next[ Index(((int)((P2 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("firer:wtop", ((int)((P2 *)_this)->wtop));
#endif
		;
S_672_0: /* 2 */
		now.next[ Index(((P2 *)_this)->stack, 4) ] = ((int)((P2 *)_this)->list);
#ifdef VAR_RANGES
		logval("next[firer:stack]", ((int)now.next[ Index(((int)((P2 *)_this)->stack), 4) ]));
#endif
		;
S_673_0: /* 2 */
		((P2 *)_this)->list = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("firer:list", ((int)((P2 *)_this)->list));
#endif
		;
S_674_0: /* 2 */
		now.returned[ Index(((P2 *)_this)->stack, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[firer:stack]", ((int)now.returned[ Index(((int)((P2 *)_this)->stack), 4) ]));
#endif
		;
S_675_0: /* 2 */
		((P2 *)_this)->stack = ((int)((P2 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
		goto S_679_0; /* ';' */
S_678_1: /* 3 */
S_676_0: /* 2 */
		/* else */;
S_677_0: /* 2 */
		goto S_680_0;	/* 'goto' */
S_678_2: /* 3 */
		Uerror("blocking sel in d_step (nr.2, near line 61)");
S_680_0: /* 2 */
		goto S_681_0;	/* 'break' */
S_681_0: /* 2 */
		((P2 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("firer:wtop", ((int)((P2 *)_this)->wtop));
#endif
		;
		goto S_837_0;
S_837_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 34: // STATE 87 - word.pml:155 - [D_STEP155]
		IfNotBlocked

		reached[2][87] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_685_0: /* 2 */
		((P2 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("firer:cb", ((int)((P2 *)_this)->cb));
#endif
		;
S_686_0: /* 2 */
		((P2 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("firer:last", ((int)((P2 *)_this)->last));
#endif
		;
S_687_0: /* 2 */
		((P2 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("firer:after", ((int)((P2 *)_this)->after));
#endif
		;
S_688_0: /* 2 */
		((P2 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("firer:wtop", ((int)((P2 *)_this)->wtop));
#endif
		;
S_713_0: /* 2 */
S_712_0: /* 2 */
S_689_0: /* 2 */
		if (!((((int)((P2 *)_this)->stack)!=0)))
			goto S_712_1;
S_690_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_707_0: /* 2 */
S_691_0: /* 2 */
		if (!(((int)now.interceptor[ Index(((int)((P2 *)_this)->stack), 4) ])))
			goto S_707_1;
S_696_0: /* 2 */
S_692_0: /* 2 */
		if (!((((int)((P2 *)_this)->last)==0)))
			goto S_696_1;
S_693_0: /* 2 */
		((P2 *)_this)->cb = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("firer:cb", ((int)((P2 *)_this)->cb));
#endif
		;
		goto S_697_0;
S_696_1: /* 3 */
S_694_0: /* 2 */
		/* else */;
S_695_0: /* 2 */
		now.next[ Index(((P2 *)_this)->last, 4) ] = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("next[firer:last]", ((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ]));
#endif
		;
		goto S_697_0;
S_696_2: /* 3 */
		Uerror("blocking sel in d_step (nr.3, near line 162)");
S_697_0: /* 2 */
S_698_0: /* 2 */
		((P2 *)_this)->last = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("firer:last", ((int)((P2 *)_this)->last));
#endif
		;
		goto S_708_0;
S_707_1: /* 3 */
S_699_0: /* 2 */
		/* else */;
S_704_0: /* 2 */
S_700_0: /* 2 */
		if (!((((int)((P2 *)_this)->after)==0)))
			goto S_704_1;
S_701_0: /* 2 */
		((P2 *)_this)->wtop = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("firer:wtop", ((int)((P2 *)_this)->wtop));
#endif
		;
		goto S_705_0;
S_704_1: /* 3 */
S_702_0: /* 2 */
		/* else */;
S_703_0: /* 2 */
		now.next[ Index(((P2 *)_this)->after, 4) ] = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("next[firer:after]", ((int)now.next[ Index(((int)((P2 *)_this)->after), 4) ]));
#endif
		;
		goto S_705_0;
S_704_2: /* 3 */
		Uerror("blocking sel in d_step (nr.4, near line 168)");
S_705_0: /* 2 */
S_706_0: /* 2 */
		((P2 *)_this)->after = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("firer:after", ((int)((P2 *)_this)->after));
#endif
		;
		goto S_708_0;
S_707_2: /* 3 */
		Uerror("blocking sel in d_step (nr.5, near line 160)");
S_708_0: /* 2 */
S_709_0: /* 2 */
		((P2 *)_this)->stack = ((int)now.next[ Index(((int)((P2 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
		goto S_713_0; /* ';' */
S_712_1: /* 3 */
S_710_0: /* 2 */
		/* else */;
S_711_0: /* 2 */
		goto S_718_0;	/* 'goto' */
S_712_2: /* 3 */
		Uerror("blocking sel in d_step (nr.6, near line 157)");
S_714_0: /* 2 */
		goto S_718_0;	/* 'break' */
S_718_0: /* 2 */
S_715_0: /* 2 */
		if (!((((int)((P2 *)_this)->last)!=0)))
			goto S_718_1;
S_716_0: /* 2 */
		now.next[ Index(((P2 *)_this)->last, 4) ] = 0;
#ifdef VAR_RANGES
		logval("next[firer:last]", ((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ]));
#endif
		;
		goto S_719_0;
S_718_1: /* 3 */
S_717_0: /* 2 */
		/* else */;
		goto S_719_0;
S_718_2: /* 3 */
		Uerror("blocking sel in d_step (nr.7, near line 177)");
S_719_0: /* 2 */
S_723_0: /* 2 */
S_720_0: /* 2 */
		if (!((((int)((P2 *)_this)->after)!=0)))
			goto S_723_1;
S_721_0: /* 2 */
		now.next[ Index(((P2 *)_this)->after, 4) ] = 0;
#ifdef VAR_RANGES
		logval("next[firer:after]", ((int)now.next[ Index(((int)((P2 *)_this)->after), 4) ]));
#endif
		;
		goto S_724_0;
S_723_1: /* 3 */
S_722_0: /* 2 */
		/* else */;
		goto S_724_0;
S_723_2: /* 3 */
		Uerror("blocking sel in d_step (nr.8, near line 181)");
S_724_0: /* 2 */
S_725_0: /* 2 */
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
S_726_0: /* 2 */
		spin_assert(((((int)now.top)==7)&&(((int)now.tag)==2)), "((top==7)&&(tag==2))", II, tt, t);
S_727_0: /* 2 */
		now.top = ((int)((P2 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
S_728_0: /* 2 */
		now.tag = 2;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
S_729_0: /* 2 */
		((P2 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("firer:wtop", ((int)((P2 *)_this)->wtop));
#endif
		;
S_730_0: /* 2 */
		((P2 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("firer:last", ((int)((P2 *)_this)->last));
#endif
		;
S_731_0: /* 2 */
		((P2 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("firer:after", ((int)((P2 *)_this)->after));
#endif
		;
		goto S_835_0;
S_835_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 35: // STATE 89 - event.pml:18 - [((cb!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][89] = 1;
		if (!((((int)((P2 *)_this)->cb)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 36: // STATE 98 - event.pml:19 - [D_STEP19]
		/* default 258 */
		

		reached[2][98] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_735_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_736_0: /* 2 */
		((P2 *)_this)->after = ((int)now.next[ Index(((int)((P2 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("firer:after", ((int)((P2 *)_this)->after));
#endif
		;
S_737_0: /* 2 */
		((P2 *)_this)->special = ((int)now.kept[ Index(((int)((P2 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("firer:special", ((int)((P2 *)_this)->special));
#endif
		;
S_738_0: /* 2 */
		called[ Index(((P2 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("called[firer:cb]", ((int)called[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_739_0: /* 2 */
		now.returned[ Index(((P2 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[firer:cb]", ((int)now.returned[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_740_0: /* 2 */
		spin_assert(((((int)now.published)==0)&& !(((int)now.detached[ Index(((int)((P2 *)_this)->cb), 4) ]))), "((published==0)&& !(detached[cb]))", II, tt, t);
S_741_0: /* 2 */
		now.calls[ Index(((P2 *)_this)->cb, 4) ] = (((int)now.calls[ Index(((int)((P2 *)_this)->cb), 4) ])+1);
#ifdef VAR_RANGES
		logval("calls[firer:cb]", ((int)now.calls[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_742_0: /* 2 */
		spin_assert((((int)now.calls[ Index(((int)((P2 *)_this)->cb), 4) ])==1), "(calls[cb]==1)", II, tt, t);
		goto S_746_0;
S_746_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 37: // STATE 101 - event.pml:29 - [D_STEP29]
		/* default 258 */
		

		reached[2][101] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_744_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_745_0: /* 2 */
		now.over[ Index(((P2 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("over[firer:cb]", ((int)now.over[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
		goto S_797_0;
S_797_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 38: // STATE 102 - event.pml:31 - [((refusals>0))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][102] = 1;
		if (!((((int)now.refusals)>0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 39: // STATE 103 - event.pml:31 - [refusals = (refusals-1)] (0:137:2 - 1)
		IfNotBlocked
		reached[2][103] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.refusals);
		now.refusals = (((int)now.refusals)-1);
#ifdef VAR_RANGES
		logval("refusals", ((int)now.refusals));
#endif
		;
		/* merge: after = 0(137, 104, 137) */
		reached[2][104] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P2 *)_this)->after);
		((P2 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("firer:after", ((int)((P2 *)_this)->after));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 40: // STATE 122 - word.pml:124 - [D_STEP124]
		/* default 258 */
		

		reached[2][122] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_751_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_752_0: /* 2 */
		called[ Index(((P2 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("called[firer:cb]", ((int)called[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_753_0: /* 2 */
		held[ Index(((P2 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("held[firer:cb]", ((int)held[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_754_0: /* 2 */
		resumed[ Index(((P2 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("resumed[firer:cb]", ((int)resumed[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_755_0: /* 2 */
		now.returned[ Index(((P2 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[firer:cb]", ((int)now.returned[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_756_0: /* 2 */
		now.calls[ Index(((P2 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("calls[firer:cb]", ((int)now.calls[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_757_0: /* 2 */
		now.over[ Index(((P2 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("over[firer:cb]", ((int)now.over[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_758_0: /* 2 */
		((P2 *)_this)->last = ((int)((P2 *)_this)->cb);
#ifdef VAR_RANGES
		logval("firer:last", ((int)((P2 *)_this)->last));
#endif
		;
S_765_0: /* 2 */
S_764_0: /* 2 */
S_759_0: /* 2 */
		if (!((((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ])!=0)))
			goto S_764_1;
S_760_0: /* 2 */
		((P2 *)_this)->last = ((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ]);
#ifdef VAR_RANGES
		logval("firer:last", ((int)((P2 *)_this)->last));
#endif
		;
S_761_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->last), 4) ])), " !(cb_gone[last])", II, tt, t);
		goto S_765_0; /* ';' */
S_764_1: /* 3 */
S_762_0: /* 2 */
		/* else */;
S_763_0: /* 2 */
		goto S_766_0;	/* 'goto' */
S_764_2: /* 3 */
		Uerror("blocking sel in d_step (nr.9, near line 129)");
S_766_0: /* 2 */
		goto S_772_0;	/* 'break' */
S_772_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 41: // STATE 123 - word.pml:137 - [((top!=7))] (136:0:1 - 1)
		IfNotBlocked
		reached[2][123] = 1;
		if (!((((int)now.top)!=7)))
			continue;
		/* merge: assert(!(event_gone))(136, 124, 136) */
		reached[2][124] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: assert(!(cb_gone[last]))(136, 125, 136) */
		reached[2][125] = 1;
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->last), 4) ])), " !(cb_gone[last])", II, tt, t);
		/* merge: next[last] = top(136, 126, 136) */
		reached[2][126] = 1;
		(trpt+1)->bup.oval = ((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ]);
		now.next[ Index(((P2 *)_this)->last, 4) ] = ((int)now.top);
#ifdef VAR_RANGES
		logval("next[firer:last]", ((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 42: // STATE 128 - word.pml:142 - [((top!=7))] (188:0:7 - 1)
		IfNotBlocked
		reached[2][128] = 1;
		if (!((((int)now.top)!=7)))
			continue;
		/* merge: next[last] = top(188, 129, 188) */
		reached[2][129] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ]);
		now.next[ Index(((P2 *)_this)->last, 4) ] = ((int)now.top);
#ifdef VAR_RANGES
		logval("next[firer:last]", ((int)now.next[ Index(((int)((P2 *)_this)->last), 4) ]));
#endif
		;
		/* merge: assert(!(event_gone))(188, 130, 188) */
		reached[2][130] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: top = cb(188, 131, 188) */
		reached[2][131] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = ((int)((P2 *)_this)->cb);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 1(188, 132, 188) */
		reached[2][132] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.tag);
		now.tag = 1;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: refused = 1(188, 133, 188) */
		reached[2][133] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.refused);
		now.refused = 1;
#ifdef VAR_RANGES
		logval("refused", ((int)now.refused));
#endif
		;
		/* merge: last = 0(188, 134, 188) */
		reached[2][134] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P2 *)_this)->last);
		((P2 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("firer:last", ((int)((P2 *)_this)->last));
#endif
		;
		/* merge: cb = 0(188, 135, 188) */
		reached[2][135] = 1;
		(trpt+1)->bup.ovals[5] = ((int)((P2 *)_this)->cb);
		((P2 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("firer:cb", ((int)((P2 *)_this)->cb));
#endif
		;
		/* merge: stack = 7(188, 138, 188) */
		reached[2][138] = 1;
		(trpt+1)->bup.ovals[6] = ((int)((P2 *)_this)->stack);
		((P2 *)_this)->stack = 7;
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
		/* merge: goto :b18(0, 139, 188) */
		reached[2][139] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 43: // STATE 141 - event.pml:34 - [(special)] (0:0:1 - 1)
		IfNotBlocked
		reached[2][141] = 1;
		if (!(((int)((P2 *)_this)->special)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: special */  (trpt+1)->bup.oval = ((P2 *)_this)->special;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P2 *)_this)->special = 0;
		_m = 3; goto P999; /* 0 */
	case 44: // STATE 144 - event.pml:34 - [D_STEP34]
		/* default 258 */
		

		reached[2][144] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_787_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_788_0: /* 2 */
		now.returned[ Index(((P2 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("returned[firer:cb]", ((int)now.returned[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
		goto S_792_0;
S_792_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 45: // STATE 148 - event.pml:37 - [cb = after] (0:156:3 - 1)
		IfNotBlocked
		reached[2][148] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)((P2 *)_this)->cb);
		((P2 *)_this)->cb = ((int)((P2 *)_this)->after);
#ifdef VAR_RANGES
		logval("firer:cb", ((int)((P2 *)_this)->cb));
#endif
		;
		/* merge: after = 0(156, 149, 156) */
		reached[2][149] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P2 *)_this)->after);
		((P2 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("firer:after", ((int)((P2 *)_this)->after));
#endif
		;
		/* merge: special = 0(156, 150, 156) */
		reached[2][150] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P2 *)_this)->special);
		((P2 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("firer:special", ((int)((P2 *)_this)->special));
#endif
		;
		/* merge: .(goto)(0, 153, 156) */
		reached[2][153] = 1;
		;
		/* merge: .(goto)(0, 157, 156) */
		reached[2][157] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 46: // STATE 159 - event.pml:42 - [((stack==7))] (0:0:1 - 1)
		IfNotBlocked
		reached[2][159] = 1;
		if (!((((int)((P2 *)_this)->stack)==7)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: stack */  (trpt+1)->bup.oval = ((P2 *)_this)->stack;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P2 *)_this)->stack = 0;
		_m = 3; goto P999; /* 0 */
	case 47: // STATE 162 - event.pml:42 - [D_STEP42]
		IfNotBlocked

		reached[2][162] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_805_0: /* 2 */
		((P2 *)_this)->stack = 0;
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
S_806_0: /* 2 */
		((P2 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("firer:special", ((int)((P2 *)_this)->special));
#endif
		;
		goto S_834_0;
S_834_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 48: // STATE 164 - word.pml:109 - [assert(!(event_gone))] (0:186:4 - 1)
		IfNotBlocked
		reached[2][164] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: stack = ( ((top==7)) -> (0) : (top) )(186, 165, 186) */
		reached[2][165] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)((P2 *)_this)->stack);
		((P2 *)_this)->stack = ( ((((int)now.top)==7)) ? (0) : (((int)now.top)) );
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
		/* merge: top = ( ((top==7)) -> (7) : (0) )(186, 166, 186) */
		reached[2][166] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = ( ((((int)now.top)==7)) ? (7) : (0) );
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 3(186, 167, 186) */
		reached[2][167] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.tag);
		now.tag = 3;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: published = (published+1)(186, 168, 186) */
		reached[2][168] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.published);
		now.published = (((int)now.published)+1);
#ifdef VAR_RANGES
		logval("published", ((int)now.published));
#endif
		;
		/* merge: assert((published==1))(186, 169, 186) */
		reached[2][169] = 1;
		spin_assert((((int)now.published)==1), "(published==1)", II, tt, t);
		_m = 3; goto P999; /* 5 */
	case 49: // STATE 185 - word.pml:59 - [D_STEP59]
		IfNotBlocked

		reached[2][185] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_816_0: /* 2 */
		((P2 *)_this)->list = 0;
#ifdef VAR_RANGES
		logval("firer:list", ((int)((P2 *)_this)->list));
#endif
		;
S_827_0: /* 2 */
S_826_0: /* 2 */
S_817_0: /* 2 */
		if (!((((int)((P2 *)_this)->stack)!=0)))
			goto S_826_1;
S_818_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_819_0: /* 2 */
		((P2 *)_this)->wtop = ((int)now.next[ Index(((int)((P2 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("firer:wtop", ((int)((P2 *)_this)->wtop));
#endif
		;
S_820_0: /* 2 */
		now.next[ Index(((P2 *)_this)->stack, 4) ] = ((int)((P2 *)_this)->list);
#ifdef VAR_RANGES
		logval("next[firer:stack]", ((int)now.next[ Index(((int)((P2 *)_this)->stack), 4) ]));
#endif
		;
S_821_0: /* 2 */
		((P2 *)_this)->list = ((int)((P2 *)_this)->stack);
#ifdef VAR_RANGES
		logval("firer:list", ((int)((P2 *)_this)->list));
#endif
		;
S_822_0: /* 2 */
		now.returned[ Index(((P2 *)_this)->stack, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[firer:stack]", ((int)now.returned[ Index(((int)((P2 *)_this)->stack), 4) ]));
#endif
		;
S_823_0: /* 2 */
		((P2 *)_this)->stack = ((int)((P2 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("firer:stack", ((int)((P2 *)_this)->stack));
#endif
		;
		goto S_827_0; /* ';' */
S_826_1: /* 3 */
S_824_0: /* 2 */
		/* else */;
S_825_0: /* 2 */
		goto S_828_0;	/* 'goto' */
S_826_2: /* 3 */
		Uerror("blocking sel in d_step (nr.10, near line 61)");
S_828_0: /* 2 */
		goto S_829_0;	/* 'break' */
S_829_0: /* 2 */
		((P2 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("firer:wtop", ((int)((P2 *)_this)->wtop));
#endif
		;
		goto S_834_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 50: // STATE 195 - word.pml:216 - [wtag = 0] (0:225:1 - 7)
		IfNotBlocked
		reached[2][195] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->wtag);
		((P2 *)_this)->wtag = 0;
#ifdef VAR_RANGES
		logval("firer:wtag", ((int)((P2 *)_this)->wtag));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 51: // STATE 197 - word.pml:76 - [((list!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][197] = 1;
		if (!((((int)((P2 *)_this)->list)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 52: // STATE 206 - word.pml:77 - [D_STEP77]
		/* default 258 */
		

		reached[2][206] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_843_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->list), 4) ])), " !(cb_gone[list])", II, tt, t);
S_844_0: /* 2 */
		((P2 *)_this)->cb = ((int)((P2 *)_this)->list);
#ifdef VAR_RANGES
		logval("firer:cb", ((int)((P2 *)_this)->cb));
#endif
		;
S_845_0: /* 2 */
		((P2 *)_this)->special = ((int)now.kept[ Index(((int)((P2 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("firer:special", ((int)((P2 *)_this)->special));
#endif
		;
S_846_0: /* 2 */
		((P2 *)_this)->list = ((int)now.next[ Index(((int)((P2 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("firer:list", ((int)((P2 *)_this)->list));
#endif
		;
S_847_0: /* 2 */
		spin_assert((((((int)now.published)==1)&& !(((int)now.interceptor[ Index(((int)((P2 *)_this)->cb), 4) ])))&& !(((int)now.detached[ Index(((int)((P2 *)_this)->cb), 4) ]))), "(((published==1)&& !(interceptor[cb]))&& !(detached[cb]))", II, tt, t);
S_848_0: /* 2 */
		seen[ Index(((P2 *)_this)->cb, 4) ] = ((int)now.status);
#ifdef VAR_RANGES
		logval("seen[firer:cb]", ((int)seen[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_849_0: /* 2 */
		now.calls[ Index(((P2 *)_this)->cb, 4) ] = (((int)now.calls[ Index(((int)((P2 *)_this)->cb), 4) ])+1);
#ifdef VAR_RANGES
		logval("calls[firer:cb]", ((int)now.calls[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
S_850_0: /* 2 */
		spin_assert((((int)now.calls[ Index(((int)((P2 *)_this)->cb), 4) ])==1), "(calls[cb]==1)", II, tt, t);
		goto S_854_0;
S_854_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 53: // STATE 209 - word.pml:89 - [D_STEP89]
		/* default 258 */
		

		reached[2][209] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_852_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_853_0: /* 2 */
		now.over[ Index(((P2 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("over[firer:cb]", ((int)now.over[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
		goto S_860_0;
S_860_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 54: // STATE 210 - word.pml:97 - [(special)] (0:0:1 - 1)
		IfNotBlocked
		reached[2][210] = 1;
		if (!(((int)((P2 *)_this)->special)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: special */  (trpt+1)->bup.oval = ((P2 *)_this)->special;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P2 *)_this)->special = 0;
		_m = 3; goto P999; /* 0 */
	case 55: // STATE 213 - word.pml:97 - [D_STEP97]
		/* default 258 */
		

		reached[2][213] = 1;
		reached[2][t->st] = 1;
		reached[2][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_856_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P2 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_857_0: /* 2 */
		now.returned[ Index(((P2 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("returned[firer:cb]", ((int)now.returned[ Index(((int)((P2 *)_this)->cb), 4) ]));
#endif
		;
		goto S_861_0;
S_861_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 56: // STATE 217 - word.pml:100 - [cb = 0] (0:222:2 - 1)
		IfNotBlocked
		reached[2][217] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P2 *)_this)->cb);
		((P2 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("firer:cb", ((int)((P2 *)_this)->cb));
#endif
		;
		/* merge: special = 0(222, 218, 222) */
		reached[2][218] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P2 *)_this)->special);
		((P2 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("firer:special", ((int)((P2 *)_this)->special));
#endif
		;
		/* merge: .(goto)(0, 223, 222) */
		reached[2][223] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 57: // STATE 226 - event.pml:116 - [(((published>0)||refused))] (0:0:0 - 3)
		IfNotBlocked
		reached[2][226] = 1;
		if (!(((((int)now.published)>0)||((int)now.refused))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 58: // STATE 227 - event.pml:118 - [((published>0))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][227] = 1;
		if (!((((int)now.published)>0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 59: // STATE 230 - event.pml:119 - [refused = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[2][230] = 1;
		(trpt+1)->bup.oval = ((int)now.refused);
		now.refused = 0;
#ifdef VAR_RANGES
		logval("refused", ((int)now.refused));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 60: // STATE 233 - event.pml:121 - [quiet = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[2][233] = 1;
		(trpt+1)->bup.oval = ((int)now.quiet);
		now.quiet = 1;
#ifdef VAR_RANGES
		logval("quiet", ((int)now.quiet));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 61: // STATE 238 - event.pml:123 - [ended = (ended+1)] (0:0:1 - 5)
		IfNotBlocked
		reached[2][238] = 1;
		(trpt+1)->bup.oval = ((int)now.ended);
		now.ended = (((int)now.ended)+1);
#ifdef VAR_RANGES
		logval("ended", ((int)now.ended));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 62: // STATE 239 - event.pml:124 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[2][239] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC bystander */
	case 63: // STATE 1 - event.pml:70 - [(((over[3]&&(!(interceptor[3])||(published>0)))||quiet))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][1] = 1;
		if (!(((((int)now.over[3])&&( !(((int)now.interceptor[3]))||(((int)now.published)>0)))||((int)now.quiet))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 64: // STATE 2 - event.pml:72 - [((over[3]&&(!(interceptor[3])||(published>0))))] (9:0:1 - 1)
		IfNotBlocked
		reached[1][2] = 1;
		if (!((((int)now.over[3])&&( !(((int)now.interceptor[3]))||(((int)now.published)>0)))))
			continue;
		/* merge: cb_gone[3] = 1(9, 3, 9) */
		reached[1][3] = 1;
		(trpt+1)->bup.oval = ((int)now.cb_gone[3]);
		now.cb_gone[3] = 1;
#ifdef VAR_RANGES
		logval("cb_gone[3]", ((int)now.cb_gone[3]));
#endif
		;
		/* merge: .(goto)(9, 6, 9) */
		reached[1][6] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 65: // STATE 6 - event.pml:75 - [.(goto)] (0:9:0 - 2)
		IfNotBlocked
		reached[1][6] = 1;
		;
		_m = 3; goto P999; /* 0 */
	case 66: // STATE 9 - event.pml:105 - [ended = (ended+1)] (0:0:1 - 1)
		IfNotBlocked
		reached[1][9] = 1;
		(trpt+1)->bup.oval = ((int)now.ended);
		now.ended = (((int)now.ended)+1);
#ifdef VAR_RANGES
		logval("ended", ((int)now.ended));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 67: // STATE 10 - event.pml:106 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[1][10] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC owner */
	case 68: // STATE 1 - word.pml:223 - [((((top!=7)||(tag==3))||((tag==2)&&interceptor[c])))] (15:0:0 - 1)
		IfNotBlocked
		reached[0][1] = 1;
		if (!((((((int)now.top)!=7)||(((int)now.tag)==3))||((((int)now.tag)==2)&&((int)now.interceptor[ Index(((int)((P0 *)_this)->c), 4) ])))))
			continue;
		/* merge: assert(!(event_gone))(0, 2, 15) */
		reached[0][2] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		_m = 3; goto P999; /* 1 */
	case 69: // STATE 3 - word.pml:226 - [(((tag==3)||((tag==2)&&interceptor[c])))] (633:0:1 - 1)
		IfNotBlocked
		reached[0][3] = 1;
		if (!(((((int)now.tag)==3)||((((int)now.tag)==2)&&((int)now.interceptor[ Index(((int)((P0 *)_this)->c), 4) ])))))
			continue;
		/* merge: good = 0(633, 4, 633) */
		reached[0][4] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: .(goto)(633, 16, 633) */
		reached[0][16] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 70: // STATE 16 - word.pml:235 - [.(goto)] (0:633:0 - 2)
		IfNotBlocked
		reached[0][16] = 1;
		;
		_m = 3; goto P999; /* 0 */
	case 71: // STATE 6 - word.pml:228 - [next[c] = top] (0:11:2 - 1)
		IfNotBlocked
		reached[0][6] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.next[ Index(((P0 *)_this)->c, 4) ] = ((int)now.top);
#ifdef VAR_RANGES
		logval("next[owner:c]", ((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		/* merge: top = c(11, 7, 11) */
		reached[0][7] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = ((int)((P0 *)_this)->c);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 72: // STATE 8 - word.pml:230 - [(interceptor[c])] (633:0:3 - 1)
		IfNotBlocked
		reached[0][8] = 1;
		if (!(((int)now.interceptor[ Index(((int)((P0 *)_this)->c), 4) ])))
			continue;
		/* merge: tag = 1(633, 9, 633) */
		reached[0][9] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.tag);
		now.tag = 1;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: .(goto)(633, 12, 633) */
		reached[0][12] = 1;
		;
		/* merge: good = 1(633, 13, 633) */
		reached[0][13] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 1;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: was_attached[c] = 1(633, 14, 633) */
		reached[0][14] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.was_attached[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.was_attached[ Index(((P0 *)_this)->c, 4) ] = 1;
#ifdef VAR_RANGES
		logval("was_attached[owner:c]", ((int)now.was_attached[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		/* merge: .(goto)(633, 16, 633) */
		reached[0][16] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 73: // STATE 13 - word.pml:233 - [good = 1] (0:633:2 - 3)
		IfNotBlocked
		reached[0][13] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 1;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: was_attached[c] = 1(633, 14, 633) */
		reached[0][14] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.was_attached[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.was_attached[ Index(((P0 *)_this)->c, 4) ] = 1;
#ifdef VAR_RANGES
		logval("was_attached[owner:c]", ((int)now.was_attached[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		/* merge: .(goto)(633, 16, 633) */
		reached[0][16] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 74: // STATE 19 - event.pml:84 - [(!(good))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][19] = 1;
		if (!( !(((int)((P0 *)_this)->good))))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: good */  (trpt+1)->bup.oval = ((P0 *)_this)->good;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->good = 0;
		_m = 3; goto P999; /* 0 */
	case 75: // STATE 20 - event.pml:84 - [users = (users-1)] (0:635:2 - 1)
		IfNotBlocked
		reached[0][20] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		/* merge: cb_gone[c] = 1(635, 21, 635) */
		reached[0][21] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.cb_gone[ Index(((P0 *)_this)->c, 4) ] = 1;
#ifdef VAR_RANGES
		logval("cb_gone[owner:c]", ((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		/* merge: .(goto)(0, 634, 635) */
		reached[0][634] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 76: // STATE 23 - event.pml:85 - [(good)] (617:0:2 - 1)
		IfNotBlocked
		reached[0][23] = 1;
		if (!(((int)((P0 *)_this)->good)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: good */  (trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((P0 *)_this)->good;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->good = 0;
		/* merge: good = 0(0, 24, 617) */
		reached[0][24] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 77: // STATE 25 - event.pml:88 - [(kept[c])] (0:0:0 - 1)
		IfNotBlocked
		reached[0][25] = 1;
		if (!(((int)now.kept[ Index(((int)((P0 *)_this)->c), 4) ])))
			continue;
		_m = 3; goto P999; /* 0 */
	case 78: // STATE 26 - event.pml:51 - [users = (users+1)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][26] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)+1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 79: // STATE 29 - word.pml:259 - [D_STEP259]
		/* default 258 */
		

		reached[0][29] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_026_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ])), " !(cb_gone[c])", II, tt, t);
S_027_0: /* 2 */
		((P0 *)_this)->go_on = ((((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ])==0)&& !(((int)now.interceptor[ Index(((int)((P0 *)_this)->c), 4) ])));
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		goto S_049_0;
S_049_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 80: // STATE 30 - word.pml:264 - [(((top!=7)||(tag==3)))] (48:0:0 - 1)
		IfNotBlocked
		reached[0][30] = 1;
		if (!(((((int)now.top)!=7)||(((int)now.tag)==3))))
			continue;
		/* merge: assert(!(event_gone))(0, 31, 48) */
		reached[0][31] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		_m = 3; goto P999; /* 1 */
	case 81: // STATE 32 - word.pml:267 - [(((tag==3)||(top==0)))] (309:0:2 - 1)
		IfNotBlocked
		reached[0][32] = 1;
		if (!(((((int)now.tag)==3)||(((int)now.top)==0))))
			continue;
		/* merge: good = 0(309, 33, 309) */
		reached[0][33] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 0(309, 34, 309) */
		reached[0][34] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 0;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		/* merge: .(goto)(309, 49, 309) */
		reached[0][49] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 82: // STATE 49 - word.pml:274 - [.(goto)] (0:309:0 - 2)
		IfNotBlocked
		reached[0][49] = 1;
		;
		_m = 3; goto P999; /* 0 */
	case 83: // STATE 36 - word.pml:270 - [(((go_on&&(top==c))&&(tag==0)))] (309:0:4 - 1)
		IfNotBlocked
		reached[0][36] = 1;
		if (!(((((int)((P0 *)_this)->go_on)&&(((int)now.top)==((int)((P0 *)_this)->c)))&&(((int)now.tag)==0))))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		/* merge: top = 0(309, 37, 309) */
		reached[0][37] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = 0;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: good = 1(309, 38, 309) */
		reached[0][38] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 1;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 0(309, 39, 309) */
		reached[0][39] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 0;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		/* merge: .(goto)(309, 47, 309) */
		reached[0][47] = 1;
		;
		/* merge: .(goto)(309, 49, 309) */
		reached[0][49] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 84: // STATE 47 - word.pml:273 - [.(goto)] (0:309:0 - 2)
		IfNotBlocked
		reached[0][47] = 1;
		;
		/* merge: .(goto)(309, 49, 309) */
		reached[0][49] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 85: // STATE 41 - word.pml:271 - [stack = top] (0:309:5 - 1)
		IfNotBlocked
		reached[0][41] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->stack);
		((P0 *)_this)->stack = ((int)now.top);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		/* merge: wtag = tag(309, 42, 309) */
		reached[0][42] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->wtag);
		((P0 *)_this)->wtag = ((int)now.tag);
#ifdef VAR_RANGES
		logval("owner:wtag", ((int)((P0 *)_this)->wtag));
#endif
		;
		/* merge: top = 7(309, 43, 309) */
		reached[0][43] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.top);
		now.top = 7;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: good = 0(309, 44, 309) */
		reached[0][44] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 1(309, 45, 309) */
		reached[0][45] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 1;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		/* merge: .(goto)(309, 47, 309) */
		reached[0][47] = 1;
		;
		/* merge: .(goto)(309, 49, 309) */
		reached[0][49] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 86: // STATE 52 - word.pml:321 - [(go_on)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][52] = 1;
		if (!(((int)((P0 *)_this)->go_on)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.oval = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		_m = 3; goto P999; /* 0 */
	case 87: // STATE 93 - word.pml:280 - [D_STEP280]
		IfNotBlocked

		reached[0][93] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_052_0: /* 2 */
		((P0 *)_this)->cb = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
S_053_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_054_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_078_0: /* 2 */
S_077_0: /* 2 */
S_055_0: /* 2 */
		if (!((((int)((P0 *)_this)->cb)!=0)))
			goto S_077_1;
S_056_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_072_0: /* 2 */
S_057_0: /* 2 */
		if (!((((int)((P0 *)_this)->cb)==((int)((P0 *)_this)->c))))
			goto S_072_1;
S_058_0: /* 2 */
		((P0 *)_this)->good = 1;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
S_063_0: /* 2 */
S_059_0: /* 2 */
		if (!((((int)((P0 *)_this)->after)==0)))
			goto S_063_1;
S_060_0: /* 2 */
		((P0 *)_this)->stack = ((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ]);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_064_0;
S_063_1: /* 3 */
S_061_0: /* 2 */
		/* else */;
S_062_0: /* 2 */
		now.next[ Index(((P0 *)_this)->after, 4) ] = ((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ]);
#ifdef VAR_RANGES
		logval("next[owner:after]", ((int)now.next[ Index(((int)((P0 *)_this)->after), 4) ]));
#endif
		;
		goto S_064_0;
S_063_2: /* 3 */
		Uerror("blocking sel in d_step (nr.11, near line 288)");
S_064_0: /* 2 */
		goto S_073_0;
S_072_1: /* 3 */
S_065_0: /* 2 */
		/* else */;
S_066_0: /* 2 */
		((P0 *)_this)->after = ((int)((P0 *)_this)->cb);
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_070_0: /* 2 */
S_067_0: /* 2 */
		if (!(((int)now.interceptor[ Index(((int)((P0 *)_this)->cb), 4) ])))
			goto S_070_1;
S_068_0: /* 2 */
		((P0 *)_this)->last = 1;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
		goto S_071_0;
S_070_1: /* 3 */
S_069_0: /* 2 */
		/* else */;
		goto S_071_0;
S_070_2: /* 3 */
		Uerror("blocking sel in d_step (nr.12, near line 294)");
S_071_0: /* 2 */
		goto S_073_0;
S_072_2: /* 3 */
		Uerror("blocking sel in d_step (nr.13, near line 285)");
S_073_0: /* 2 */
S_074_0: /* 2 */
		((P0 *)_this)->cb = ((int)now.next[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		goto S_078_0; /* ';' */
S_077_1: /* 3 */
S_075_0: /* 2 */
		/* else */;
S_076_0: /* 2 */
		goto S_080_0;	/* 'goto' */
S_077_2: /* 3 */
		Uerror("blocking sel in d_step (nr.14, near line 282)");
S_079_0: /* 2 */
		goto S_080_0;	/* 'break' */
S_080_0: /* 2 */
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
S_081_0: /* 2 */
		((P0 *)_this)->go_on =  !(((((int)now.top)==7)&&(((int)now.tag)==((int)((P0 *)_this)->wtag))));
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
S_087_0: /* 2 */
S_082_0: /* 2 */
		if (!( !(((int)((P0 *)_this)->go_on))))
			goto S_087_1;
S_083_0: /* 2 */
		now.top = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
S_084_0: /* 2 */
		now.tag = ( ((((int)((P0 *)_this)->wtag)==2)) ? (2) : (((int)((P0 *)_this)->last)) );
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
S_085_0: /* 2 */
		((P0 *)_this)->stack = 0;
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_088_0;
S_087_1: /* 3 */
S_086_0: /* 2 */
		/* else */;
		goto S_088_0;
S_087_2: /* 3 */
		Uerror("blocking sel in d_step (nr.15, near line 308)");
S_088_0: /* 2 */
S_089_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_090_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_091_0: /* 2 */
		((P0 *)_this)->wtag = 0;
#ifdef VAR_RANGES
		logval("owner:wtag", ((int)((P0 *)_this)->wtag));
#endif
		;
		goto S_094_0;
S_094_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 88: // STATE 95 - word.pml:323 - [detached[c] = good] (0:0:1 - 1)
		IfNotBlocked
		reached[0][95] = 1;
		(trpt+1)->bup.oval = ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.detached[ Index(((P0 *)_this)->c, 4) ] = ((int)((P0 *)_this)->good);
#ifdef VAR_RANGES
		logval("detached[owner:c]", ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 89: // STATE 96 - word.pml:325 - [(!(go_on))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][96] = 1;
		if (!( !(((int)((P0 *)_this)->go_on))))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.oval = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		_m = 3; goto P999; /* 0 */
	case 90: // STATE 97 - word.pml:325 - [users = (users-1)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][97] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 91: // STATE 98 - word.pml:326 - [(go_on)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][98] = 1;
		if (!(((int)((P0 *)_this)->go_on)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.oval = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		_m = 3; goto P999; /* 0 */
	case 92: // STATE 99 - word.pml:332 - [((tag==3))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][99] = 1;
		if (!((((int)now.tag)==3)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 93: // STATE 100 - word.pml:332 - [assert(!(event_gone))] (0:118:1 - 1)
		IfNotBlocked
		reached[0][100] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: users = (users-1)(118, 101, 118) */
		reached[0][101] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 94: // STATE 117 - word.pml:59 - [D_STEP59]
		IfNotBlocked

		reached[0][117] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_102_0: /* 2 */
		((P0 *)_this)->list = 0;
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_113_0: /* 2 */
S_112_0: /* 2 */
S_103_0: /* 2 */
		if (!((((int)((P0 *)_this)->stack)!=0)))
			goto S_112_1;
S_104_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_105_0: /* 2 */
		((P0 *)_this)->wtop = ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_106_0: /* 2 */
		now.next[ Index(((P0 *)_this)->stack, 4) ] = ((int)((P0 *)_this)->list);
#ifdef VAR_RANGES
		logval("next[owner:stack]", ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_107_0: /* 2 */
		((P0 *)_this)->list = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_108_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->stack, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:stack]", ((int)now.returned[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_109_0: /* 2 */
		((P0 *)_this)->stack = ((int)((P0 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_113_0; /* ';' */
S_112_1: /* 3 */
S_110_0: /* 2 */
		/* else */;
S_111_0: /* 2 */
		goto S_114_0;	/* 'goto' */
S_112_2: /* 3 */
		Uerror("blocking sel in d_step (nr.16, near line 61)");
S_114_0: /* 2 */
		goto S_115_0;	/* 'break' */
S_115_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
		goto S_272_0;
S_272_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 95: // STATE 120 - word.pml:335 - [users = (users-1)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][120] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 96: // STATE 168 - word.pml:155 - [D_STEP155]
		IfNotBlocked

		reached[0][168] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_120_0: /* 2 */
		((P0 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
S_121_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_122_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_123_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_148_0: /* 2 */
S_147_0: /* 2 */
S_124_0: /* 2 */
		if (!((((int)((P0 *)_this)->stack)!=0)))
			goto S_147_1;
S_125_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_142_0: /* 2 */
S_126_0: /* 2 */
		if (!(((int)now.interceptor[ Index(((int)((P0 *)_this)->stack), 4) ])))
			goto S_142_1;
S_131_0: /* 2 */
S_127_0: /* 2 */
		if (!((((int)((P0 *)_this)->last)==0)))
			goto S_131_1;
S_128_0: /* 2 */
		((P0 *)_this)->cb = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		goto S_132_0;
S_131_1: /* 3 */
S_129_0: /* 2 */
		/* else */;
S_130_0: /* 2 */
		now.next[ Index(((P0 *)_this)->last, 4) ] = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		goto S_132_0;
S_131_2: /* 3 */
		Uerror("blocking sel in d_step (nr.17, near line 162)");
S_132_0: /* 2 */
S_133_0: /* 2 */
		((P0 *)_this)->last = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
		goto S_143_0;
S_142_1: /* 3 */
S_134_0: /* 2 */
		/* else */;
S_139_0: /* 2 */
S_135_0: /* 2 */
		if (!((((int)((P0 *)_this)->after)==0)))
			goto S_139_1;
S_136_0: /* 2 */
		((P0 *)_this)->wtop = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
		goto S_140_0;
S_139_1: /* 3 */
S_137_0: /* 2 */
		/* else */;
S_138_0: /* 2 */
		now.next[ Index(((P0 *)_this)->after, 4) ] = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("next[owner:after]", ((int)now.next[ Index(((int)((P0 *)_this)->after), 4) ]));
#endif
		;
		goto S_140_0;
S_139_2: /* 3 */
		Uerror("blocking sel in d_step (nr.18, near line 168)");
S_140_0: /* 2 */
S_141_0: /* 2 */
		((P0 *)_this)->after = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		goto S_143_0;
S_142_2: /* 3 */
		Uerror("blocking sel in d_step (nr.19, near line 160)");
S_143_0: /* 2 */
S_144_0: /* 2 */
		((P0 *)_this)->stack = ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_148_0; /* ';' */
S_147_1: /* 3 */
S_145_0: /* 2 */
		/* else */;
S_146_0: /* 2 */
		goto S_153_0;	/* 'goto' */
S_147_2: /* 3 */
		Uerror("blocking sel in d_step (nr.20, near line 157)");
S_149_0: /* 2 */
		goto S_153_0;	/* 'break' */
S_153_0: /* 2 */
S_150_0: /* 2 */
		if (!((((int)((P0 *)_this)->last)!=0)))
			goto S_153_1;
S_151_0: /* 2 */
		now.next[ Index(((P0 *)_this)->last, 4) ] = 0;
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		goto S_154_0;
S_153_1: /* 3 */
S_152_0: /* 2 */
		/* else */;
		goto S_154_0;
S_153_2: /* 3 */
		Uerror("blocking sel in d_step (nr.21, near line 177)");
S_154_0: /* 2 */
S_158_0: /* 2 */
S_155_0: /* 2 */
		if (!((((int)((P0 *)_this)->after)!=0)))
			goto S_158_1;
S_156_0: /* 2 */
		now.next[ Index(((P0 *)_this)->after, 4) ] = 0;
#ifdef VAR_RANGES
		logval("next[owner:after]", ((int)now.next[ Index(((int)((P0 *)_this)->after), 4) ]));
#endif
		;
		goto S_159_0;
S_158_1: /* 3 */
S_157_0: /* 2 */
		/* else */;
		goto S_159_0;
S_158_2: /* 3 */
		Uerror("blocking sel in d_step (nr.22, near line 181)");
S_159_0: /* 2 */
S_160_0: /* 2 */
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
S_161_0: /* 2 */
		spin_assert(((((int)now.top)==7)&&(((int)now.tag)==2)), "((top==7)&&(tag==2))", II, tt, t);
S_162_0: /* 2 */
		now.top = ((int)((P0 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
S_163_0: /* 2 */
		now.tag = 2;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
S_164_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_165_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_166_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		goto S_270_0;
S_270_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 97: // STATE 170 - event.pml:18 - [((cb!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][170] = 1;
		if (!((((int)((P0 *)_this)->cb)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 98: // STATE 179 - event.pml:19 - [D_STEP19]
		/* default 258 */
		

		reached[0][179] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_170_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_171_0: /* 2 */
		((P0 *)_this)->after = ((int)now.next[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_172_0: /* 2 */
		((P0 *)_this)->special = ((int)now.kept[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
S_173_0: /* 2 */
		called[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("called[owner:cb]", ((int)called[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_174_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_175_0: /* 2 */
		spin_assert(((((int)now.published)==0)&& !(((int)now.detached[ Index(((int)((P0 *)_this)->cb), 4) ]))), "((published==0)&& !(detached[cb]))", II, tt, t);
S_176_0: /* 2 */
		now.calls[ Index(((P0 *)_this)->cb, 4) ] = (((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])+1);
#ifdef VAR_RANGES
		logval("calls[owner:cb]", ((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_177_0: /* 2 */
		spin_assert((((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])==1), "(calls[cb]==1)", II, tt, t);
		goto S_181_0;
S_181_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 99: // STATE 182 - event.pml:29 - [D_STEP29]
		/* default 258 */
		

		reached[0][182] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_179_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_180_0: /* 2 */
		now.over[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("over[owner:cb]", ((int)now.over[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_232_0;
S_232_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 100: // STATE 183 - event.pml:31 - [((refusals>0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][183] = 1;
		if (!((((int)now.refusals)>0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 101: // STATE 184 - event.pml:31 - [refusals = (refusals-1)] (0:218:2 - 1)
		IfNotBlocked
		reached[0][184] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.refusals);
		now.refusals = (((int)now.refusals)-1);
#ifdef VAR_RANGES
		logval("refusals", ((int)now.refusals));
#endif
		;
		/* merge: after = 0(218, 185, 218) */
		reached[0][185] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->after);
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 102: // STATE 203 - word.pml:124 - [D_STEP124]
		/* default 258 */
		

		reached[0][203] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_186_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_187_0: /* 2 */
		called[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("called[owner:cb]", ((int)called[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_188_0: /* 2 */
		held[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("held[owner:cb]", ((int)held[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_189_0: /* 2 */
		resumed[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("resumed[owner:cb]", ((int)resumed[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_190_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_191_0: /* 2 */
		now.calls[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("calls[owner:cb]", ((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_192_0: /* 2 */
		now.over[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("over[owner:cb]", ((int)now.over[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_193_0: /* 2 */
		((P0 *)_this)->last = ((int)((P0 *)_this)->cb);
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_200_0: /* 2 */
S_199_0: /* 2 */
S_194_0: /* 2 */
		if (!((((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ])!=0)))
			goto S_199_1;
S_195_0: /* 2 */
		((P0 *)_this)->last = ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]);
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_196_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->last), 4) ])), " !(cb_gone[last])", II, tt, t);
		goto S_200_0; /* ';' */
S_199_1: /* 3 */
S_197_0: /* 2 */
		/* else */;
S_198_0: /* 2 */
		goto S_201_0;	/* 'goto' */
S_199_2: /* 3 */
		Uerror("blocking sel in d_step (nr.23, near line 129)");
S_201_0: /* 2 */
		goto S_207_0;	/* 'break' */
S_207_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 103: // STATE 204 - word.pml:137 - [((top!=7))] (217:0:1 - 1)
		IfNotBlocked
		reached[0][204] = 1;
		if (!((((int)now.top)!=7)))
			continue;
		/* merge: assert(!(event_gone))(217, 205, 217) */
		reached[0][205] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: assert(!(cb_gone[last]))(217, 206, 217) */
		reached[0][206] = 1;
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->last), 4) ])), " !(cb_gone[last])", II, tt, t);
		/* merge: next[last] = top(217, 207, 217) */
		reached[0][207] = 1;
		(trpt+1)->bup.oval = ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]);
		now.next[ Index(((P0 *)_this)->last, 4) ] = ((int)now.top);
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 104: // STATE 209 - word.pml:142 - [((top!=7))] (269:0:7 - 1)
		IfNotBlocked
		reached[0][209] = 1;
		if (!((((int)now.top)!=7)))
			continue;
		/* merge: next[last] = top(269, 210, 269) */
		reached[0][210] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]);
		now.next[ Index(((P0 *)_this)->last, 4) ] = ((int)now.top);
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		/* merge: assert(!(event_gone))(269, 211, 269) */
		reached[0][211] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: top = cb(269, 212, 269) */
		reached[0][212] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = ((int)((P0 *)_this)->cb);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 1(269, 213, 269) */
		reached[0][213] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.tag);
		now.tag = 1;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: refused = 1(269, 214, 269) */
		reached[0][214] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.refused);
		now.refused = 1;
#ifdef VAR_RANGES
		logval("refused", ((int)now.refused));
#endif
		;
		/* merge: last = 0(269, 215, 269) */
		reached[0][215] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->last);
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
		/* merge: cb = 0(269, 216, 269) */
		reached[0][216] = 1;
		(trpt+1)->bup.ovals[5] = ((int)((P0 *)_this)->cb);
		((P0 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		/* merge: stack = 7(269, 219, 269) */
		reached[0][219] = 1;
		(trpt+1)->bup.ovals[6] = ((int)((P0 *)_this)->stack);
		((P0 *)_this)->stack = 7;
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		/* merge: goto :b4(0, 220, 269) */
		reached[0][220] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 105: // STATE 222 - event.pml:34 - [(special)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][222] = 1;
		if (!(((int)((P0 *)_this)->special)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: special */  (trpt+1)->bup.oval = ((P0 *)_this)->special;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->special = 0;
		_m = 3; goto P999; /* 0 */
	case 106: // STATE 225 - event.pml:34 - [D_STEP34]
		/* default 258 */
		

		reached[0][225] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_222_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_223_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_227_0;
S_227_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 107: // STATE 229 - event.pml:37 - [cb = after] (0:237:3 - 1)
		IfNotBlocked
		reached[0][229] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->cb);
		((P0 *)_this)->cb = ((int)((P0 *)_this)->after);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		/* merge: after = 0(237, 230, 237) */
		reached[0][230] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->after);
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		/* merge: special = 0(237, 231, 237) */
		reached[0][231] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P0 *)_this)->special);
		((P0 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
		/* merge: .(goto)(0, 234, 237) */
		reached[0][234] = 1;
		;
		/* merge: .(goto)(0, 238, 237) */
		reached[0][238] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 108: // STATE 240 - event.pml:42 - [((stack==7))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][240] = 1;
		if (!((((int)((P0 *)_this)->stack)==7)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: stack */  (trpt+1)->bup.oval = ((P0 *)_this)->stack;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->stack = 0;
		_m = 3; goto P999; /* 0 */
	case 109: // STATE 243 - event.pml:42 - [D_STEP42]
		IfNotBlocked

		reached[0][243] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_240_0: /* 2 */
		((P0 *)_this)->stack = 0;
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
S_241_0: /* 2 */
		((P0 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
		goto S_269_0;
S_269_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 110: // STATE 245 - word.pml:109 - [assert(!(event_gone))] (0:267:4 - 1)
		IfNotBlocked
		reached[0][245] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: stack = ( ((top==7)) -> (0) : (top) )(267, 246, 267) */
		reached[0][246] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->stack);
		((P0 *)_this)->stack = ( ((((int)now.top)==7)) ? (0) : (((int)now.top)) );
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		/* merge: top = ( ((top==7)) -> (7) : (0) )(267, 247, 267) */
		reached[0][247] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = ( ((((int)now.top)==7)) ? (7) : (0) );
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 3(267, 248, 267) */
		reached[0][248] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.tag);
		now.tag = 3;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: published = (published+1)(267, 249, 267) */
		reached[0][249] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.published);
		now.published = (((int)now.published)+1);
#ifdef VAR_RANGES
		logval("published", ((int)now.published));
#endif
		;
		/* merge: assert((published==1))(267, 250, 267) */
		reached[0][250] = 1;
		spin_assert((((int)now.published)==1), "(published==1)", II, tt, t);
		_m = 3; goto P999; /* 5 */
	case 111: // STATE 266 - word.pml:59 - [D_STEP59]
		IfNotBlocked

		reached[0][266] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_251_0: /* 2 */
		((P0 *)_this)->list = 0;
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_262_0: /* 2 */
S_261_0: /* 2 */
S_252_0: /* 2 */
		if (!((((int)((P0 *)_this)->stack)!=0)))
			goto S_261_1;
S_253_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_254_0: /* 2 */
		((P0 *)_this)->wtop = ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_255_0: /* 2 */
		now.next[ Index(((P0 *)_this)->stack, 4) ] = ((int)((P0 *)_this)->list);
#ifdef VAR_RANGES
		logval("next[owner:stack]", ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_256_0: /* 2 */
		((P0 *)_this)->list = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_257_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->stack, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:stack]", ((int)now.returned[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_258_0: /* 2 */
		((P0 *)_this)->stack = ((int)((P0 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_262_0; /* ';' */
S_261_1: /* 3 */
S_259_0: /* 2 */
		/* else */;
S_260_0: /* 2 */
		goto S_263_0;	/* 'goto' */
S_261_2: /* 3 */
		Uerror("blocking sel in d_step (nr.24, near line 61)");
S_263_0: /* 2 */
		goto S_264_0;	/* 'break' */
S_264_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
		goto S_269_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 112: // STATE 274 - word.pml:76 - [((list!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][274] = 1;
		if (!((((int)((P0 *)_this)->list)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 113: // STATE 283 - word.pml:77 - [D_STEP77]
		/* default 258 */
		

		reached[0][283] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_274_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->list), 4) ])), " !(cb_gone[list])", II, tt, t);
S_275_0: /* 2 */
		((P0 *)_this)->cb = ((int)((P0 *)_this)->list);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
S_276_0: /* 2 */
		((P0 *)_this)->special = ((int)now.kept[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
S_277_0: /* 2 */
		((P0 *)_this)->list = ((int)now.next[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_278_0: /* 2 */
		spin_assert((((((int)now.published)==1)&& !(((int)now.interceptor[ Index(((int)((P0 *)_this)->cb), 4) ])))&& !(((int)now.detached[ Index(((int)((P0 *)_this)->cb), 4) ]))), "(((published==1)&& !(interceptor[cb]))&& !(detached[cb]))", II, tt, t);
S_279_0: /* 2 */
		seen[ Index(((P0 *)_this)->cb, 4) ] = ((int)now.status);
#ifdef VAR_RANGES
		logval("seen[owner:cb]", ((int)seen[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_280_0: /* 2 */
		now.calls[ Index(((P0 *)_this)->cb, 4) ] = (((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])+1);
#ifdef VAR_RANGES
		logval("calls[owner:cb]", ((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_281_0: /* 2 */
		spin_assert((((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])==1), "(calls[cb]==1)", II, tt, t);
		goto S_285_0;
S_285_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 114: // STATE 286 - word.pml:89 - [D_STEP89]
		/* default 258 */
		

		reached[0][286] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_283_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_284_0: /* 2 */
		now.over[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("over[owner:cb]", ((int)now.over[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_291_0;
S_291_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 115: // STATE 287 - word.pml:97 - [(special)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][287] = 1;
		if (!(((int)((P0 *)_this)->special)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: special */  (trpt+1)->bup.oval = ((P0 *)_this)->special;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->special = 0;
		_m = 3; goto P999; /* 0 */
	case 116: // STATE 290 - word.pml:97 - [D_STEP97]
		/* default 258 */
		

		reached[0][290] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_287_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_288_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_292_0;
S_292_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 117: // STATE 294 - word.pml:100 - [cb = 0] (0:299:2 - 1)
		IfNotBlocked
		reached[0][294] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->cb);
		((P0 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		/* merge: special = 0(299, 295, 299) */
		reached[0][295] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->special);
		((P0 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
		/* merge: .(goto)(0, 300, 299) */
		reached[0][300] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 118: // STATE 306 - word.pml:340 - [detached[c] = good] (0:313:2 - 1)
		IfNotBlocked
		reached[0][306] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.detached[ Index(((P0 *)_this)->c, 4) ] = ((int)((P0 *)_this)->good);
#ifdef VAR_RANGES
		logval("detached[owner:c]", ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		/* merge: users = (users-1)(313, 307, 313) */
		reached[0][307] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		/* merge: .(goto)(0, 310, 313) */
		reached[0][310] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 119: // STATE 311 - word.pml:342 - [good = 0] (0:319:2 - 1)
		IfNotBlocked
		reached[0][311] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 0(319, 312, 319) */
		reached[0][312] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 0;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 120: // STATE 315 - event.pml:54 - [((detached[c]||returned[c]))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][315] = 1;
		if (!((((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ])||((int)now.returned[ Index(((int)((P0 *)_this)->c), 4) ]))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 121: // STATE 318 - event.pml:59 - [(((returned[c]||(tag==1))||(tag==0)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][318] = 1;
		if (!(((((int)now.returned[ Index(((int)((P0 *)_this)->c), 4) ])||(((int)now.tag)==1))||(((int)now.tag)==0))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 122: // STATE 324 - event.pml:63 - [users = (users-1)] (0:0:1 - 3)
		IfNotBlocked
		reached[0][324] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 123: // STATE 326 - event.pml:89 - [(!(kept[c]))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][326] = 1;
		if (!( !(((int)now.kept[ Index(((int)((P0 *)_this)->c), 4) ]))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 124: // STATE 329 - word.pml:259 - [D_STEP259]
		/* default 258 */
		

		reached[0][329] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_326_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ])), " !(cb_gone[c])", II, tt, t);
S_327_0: /* 2 */
		((P0 *)_this)->go_on = ((((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ])==0)&& !(((int)now.interceptor[ Index(((int)((P0 *)_this)->c), 4) ])));
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		goto S_349_0;
S_349_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 125: // STATE 330 - word.pml:264 - [(((top!=7)||(tag==3)))] (348:0:0 - 1)
		IfNotBlocked
		reached[0][330] = 1;
		if (!(((((int)now.top)!=7)||(((int)now.tag)==3))))
			continue;
		/* merge: assert(!(event_gone))(0, 331, 348) */
		reached[0][331] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		_m = 3; goto P999; /* 1 */
	case 126: // STATE 332 - word.pml:267 - [(((tag==3)||(top==0)))] (609:0:2 - 1)
		IfNotBlocked
		reached[0][332] = 1;
		if (!(((((int)now.tag)==3)||(((int)now.top)==0))))
			continue;
		/* merge: good = 0(609, 333, 609) */
		reached[0][333] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 0(609, 334, 609) */
		reached[0][334] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 0;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		/* merge: .(goto)(609, 349, 609) */
		reached[0][349] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 127: // STATE 349 - word.pml:274 - [.(goto)] (0:609:0 - 2)
		IfNotBlocked
		reached[0][349] = 1;
		;
		_m = 3; goto P999; /* 0 */
	case 128: // STATE 336 - word.pml:270 - [(((go_on&&(top==c))&&(tag==0)))] (609:0:4 - 1)
		IfNotBlocked
		reached[0][336] = 1;
		if (!(((((int)((P0 *)_this)->go_on)&&(((int)now.top)==((int)((P0 *)_this)->c)))&&(((int)now.tag)==0))))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		/* merge: top = 0(609, 337, 609) */
		reached[0][337] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = 0;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: good = 1(609, 338, 609) */
		reached[0][338] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 1;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 0(609, 339, 609) */
		reached[0][339] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 0;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		/* merge: .(goto)(609, 347, 609) */
		reached[0][347] = 1;
		;
		/* merge: .(goto)(609, 349, 609) */
		reached[0][349] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 129: // STATE 347 - word.pml:273 - [.(goto)] (0:609:0 - 2)
		IfNotBlocked
		reached[0][347] = 1;
		;
		/* merge: .(goto)(609, 349, 609) */
		reached[0][349] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 130: // STATE 341 - word.pml:271 - [stack = top] (0:609:5 - 1)
		IfNotBlocked
		reached[0][341] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->stack);
		((P0 *)_this)->stack = ((int)now.top);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		/* merge: wtag = tag(609, 342, 609) */
		reached[0][342] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->wtag);
		((P0 *)_this)->wtag = ((int)now.tag);
#ifdef VAR_RANGES
		logval("owner:wtag", ((int)((P0 *)_this)->wtag));
#endif
		;
		/* merge: top = 7(609, 343, 609) */
		reached[0][343] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.top);
		now.top = 7;
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: good = 0(609, 344, 609) */
		reached[0][344] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 1(609, 345, 609) */
		reached[0][345] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 1;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		/* merge: .(goto)(609, 347, 609) */
		reached[0][347] = 1;
		;
		/* merge: .(goto)(609, 349, 609) */
		reached[0][349] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 131: // STATE 352 - word.pml:321 - [(go_on)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][352] = 1;
		if (!(((int)((P0 *)_this)->go_on)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.oval = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		_m = 3; goto P999; /* 0 */
	case 132: // STATE 393 - word.pml:280 - [D_STEP280]
		IfNotBlocked

		reached[0][393] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_352_0: /* 2 */
		((P0 *)_this)->cb = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
S_353_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_354_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_378_0: /* 2 */
S_377_0: /* 2 */
S_355_0: /* 2 */
		if (!((((int)((P0 *)_this)->cb)!=0)))
			goto S_377_1;
S_356_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_372_0: /* 2 */
S_357_0: /* 2 */
		if (!((((int)((P0 *)_this)->cb)==((int)((P0 *)_this)->c))))
			goto S_372_1;
S_358_0: /* 2 */
		((P0 *)_this)->good = 1;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
S_363_0: /* 2 */
S_359_0: /* 2 */
		if (!((((int)((P0 *)_this)->after)==0)))
			goto S_363_1;
S_360_0: /* 2 */
		((P0 *)_this)->stack = ((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ]);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_364_0;
S_363_1: /* 3 */
S_361_0: /* 2 */
		/* else */;
S_362_0: /* 2 */
		now.next[ Index(((P0 *)_this)->after, 4) ] = ((int)now.next[ Index(((int)((P0 *)_this)->c), 4) ]);
#ifdef VAR_RANGES
		logval("next[owner:after]", ((int)now.next[ Index(((int)((P0 *)_this)->after), 4) ]));
#endif
		;
		goto S_364_0;
S_363_2: /* 3 */
		Uerror("blocking sel in d_step (nr.25, near line 288)");
S_364_0: /* 2 */
		goto S_373_0;
S_372_1: /* 3 */
S_365_0: /* 2 */
		/* else */;
S_366_0: /* 2 */
		((P0 *)_this)->after = ((int)((P0 *)_this)->cb);
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_370_0: /* 2 */
S_367_0: /* 2 */
		if (!(((int)now.interceptor[ Index(((int)((P0 *)_this)->cb), 4) ])))
			goto S_370_1;
S_368_0: /* 2 */
		((P0 *)_this)->last = 1;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
		goto S_371_0;
S_370_1: /* 3 */
S_369_0: /* 2 */
		/* else */;
		goto S_371_0;
S_370_2: /* 3 */
		Uerror("blocking sel in d_step (nr.26, near line 294)");
S_371_0: /* 2 */
		goto S_373_0;
S_372_2: /* 3 */
		Uerror("blocking sel in d_step (nr.27, near line 285)");
S_373_0: /* 2 */
S_374_0: /* 2 */
		((P0 *)_this)->cb = ((int)now.next[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		goto S_378_0; /* ';' */
S_377_1: /* 3 */
S_375_0: /* 2 */
		/* else */;
S_376_0: /* 2 */
		goto S_380_0;	/* 'goto' */
S_377_2: /* 3 */
		Uerror("blocking sel in d_step (nr.28, near line 282)");
S_379_0: /* 2 */
		goto S_380_0;	/* 'break' */
S_380_0: /* 2 */
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
S_381_0: /* 2 */
		((P0 *)_this)->go_on =  !(((((int)now.top)==7)&&(((int)now.tag)==((int)((P0 *)_this)->wtag))));
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
S_387_0: /* 2 */
S_382_0: /* 2 */
		if (!( !(((int)((P0 *)_this)->go_on))))
			goto S_387_1;
S_383_0: /* 2 */
		now.top = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
S_384_0: /* 2 */
		now.tag = ( ((((int)((P0 *)_this)->wtag)==2)) ? (2) : (((int)((P0 *)_this)->last)) );
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
S_385_0: /* 2 */
		((P0 *)_this)->stack = 0;
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_388_0;
S_387_1: /* 3 */
S_386_0: /* 2 */
		/* else */;
		goto S_388_0;
S_387_2: /* 3 */
		Uerror("blocking sel in d_step (nr.29, near line 308)");
S_388_0: /* 2 */
S_389_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_390_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_391_0: /* 2 */
		((P0 *)_this)->wtag = 0;
#ifdef VAR_RANGES
		logval("owner:wtag", ((int)((P0 *)_this)->wtag));
#endif
		;
		goto S_394_0;
S_394_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 133: // STATE 395 - word.pml:323 - [detached[c] = good] (0:0:1 - 1)
		IfNotBlocked
		reached[0][395] = 1;
		(trpt+1)->bup.oval = ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.detached[ Index(((P0 *)_this)->c, 4) ] = ((int)((P0 *)_this)->good);
#ifdef VAR_RANGES
		logval("detached[owner:c]", ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 134: // STATE 396 - word.pml:325 - [(!(go_on))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][396] = 1;
		if (!( !(((int)((P0 *)_this)->go_on))))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.oval = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		_m = 3; goto P999; /* 0 */
	case 135: // STATE 397 - word.pml:325 - [users = (users-1)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][397] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 136: // STATE 398 - word.pml:326 - [(go_on)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][398] = 1;
		if (!(((int)((P0 *)_this)->go_on)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: go_on */  (trpt+1)->bup.oval = ((P0 *)_this)->go_on;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->go_on = 0;
		_m = 3; goto P999; /* 0 */
	case 137: // STATE 399 - word.pml:332 - [((tag==3))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][399] = 1;
		if (!((((int)now.tag)==3)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 138: // STATE 400 - word.pml:332 - [assert(!(event_gone))] (0:418:1 - 1)
		IfNotBlocked
		reached[0][400] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: users = (users-1)(418, 401, 418) */
		reached[0][401] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 139: // STATE 417 - word.pml:59 - [D_STEP59]
		IfNotBlocked

		reached[0][417] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_402_0: /* 2 */
		((P0 *)_this)->list = 0;
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_413_0: /* 2 */
S_412_0: /* 2 */
S_403_0: /* 2 */
		if (!((((int)((P0 *)_this)->stack)!=0)))
			goto S_412_1;
S_404_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_405_0: /* 2 */
		((P0 *)_this)->wtop = ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_406_0: /* 2 */
		now.next[ Index(((P0 *)_this)->stack, 4) ] = ((int)((P0 *)_this)->list);
#ifdef VAR_RANGES
		logval("next[owner:stack]", ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_407_0: /* 2 */
		((P0 *)_this)->list = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_408_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->stack, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:stack]", ((int)now.returned[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_409_0: /* 2 */
		((P0 *)_this)->stack = ((int)((P0 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_413_0; /* ';' */
S_412_1: /* 3 */
S_410_0: /* 2 */
		/* else */;
S_411_0: /* 2 */
		goto S_414_0;	/* 'goto' */
S_412_2: /* 3 */
		Uerror("blocking sel in d_step (nr.30, near line 61)");
S_414_0: /* 2 */
		goto S_415_0;	/* 'break' */
S_415_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
		goto S_572_0;
S_572_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 140: // STATE 420 - word.pml:335 - [users = (users-1)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][420] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 141: // STATE 468 - word.pml:155 - [D_STEP155]
		IfNotBlocked

		reached[0][468] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_420_0: /* 2 */
		((P0 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
S_421_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_422_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_423_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_448_0: /* 2 */
S_447_0: /* 2 */
S_424_0: /* 2 */
		if (!((((int)((P0 *)_this)->stack)!=0)))
			goto S_447_1;
S_425_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_442_0: /* 2 */
S_426_0: /* 2 */
		if (!(((int)now.interceptor[ Index(((int)((P0 *)_this)->stack), 4) ])))
			goto S_442_1;
S_431_0: /* 2 */
S_427_0: /* 2 */
		if (!((((int)((P0 *)_this)->last)==0)))
			goto S_431_1;
S_428_0: /* 2 */
		((P0 *)_this)->cb = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		goto S_432_0;
S_431_1: /* 3 */
S_429_0: /* 2 */
		/* else */;
S_430_0: /* 2 */
		now.next[ Index(((P0 *)_this)->last, 4) ] = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		goto S_432_0;
S_431_2: /* 3 */
		Uerror("blocking sel in d_step (nr.31, near line 162)");
S_432_0: /* 2 */
S_433_0: /* 2 */
		((P0 *)_this)->last = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
		goto S_443_0;
S_442_1: /* 3 */
S_434_0: /* 2 */
		/* else */;
S_439_0: /* 2 */
S_435_0: /* 2 */
		if (!((((int)((P0 *)_this)->after)==0)))
			goto S_439_1;
S_436_0: /* 2 */
		((P0 *)_this)->wtop = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
		goto S_440_0;
S_439_1: /* 3 */
S_437_0: /* 2 */
		/* else */;
S_438_0: /* 2 */
		now.next[ Index(((P0 *)_this)->after, 4) ] = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("next[owner:after]", ((int)now.next[ Index(((int)((P0 *)_this)->after), 4) ]));
#endif
		;
		goto S_440_0;
S_439_2: /* 3 */
		Uerror("blocking sel in d_step (nr.32, near line 168)");
S_440_0: /* 2 */
S_441_0: /* 2 */
		((P0 *)_this)->after = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		goto S_443_0;
S_442_2: /* 3 */
		Uerror("blocking sel in d_step (nr.33, near line 160)");
S_443_0: /* 2 */
S_444_0: /* 2 */
		((P0 *)_this)->stack = ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_448_0; /* ';' */
S_447_1: /* 3 */
S_445_0: /* 2 */
		/* else */;
S_446_0: /* 2 */
		goto S_453_0;	/* 'goto' */
S_447_2: /* 3 */
		Uerror("blocking sel in d_step (nr.34, near line 157)");
S_449_0: /* 2 */
		goto S_453_0;	/* 'break' */
S_453_0: /* 2 */
S_450_0: /* 2 */
		if (!((((int)((P0 *)_this)->last)!=0)))
			goto S_453_1;
S_451_0: /* 2 */
		now.next[ Index(((P0 *)_this)->last, 4) ] = 0;
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		goto S_454_0;
S_453_1: /* 3 */
S_452_0: /* 2 */
		/* else */;
		goto S_454_0;
S_453_2: /* 3 */
		Uerror("blocking sel in d_step (nr.35, near line 177)");
S_454_0: /* 2 */
S_458_0: /* 2 */
S_455_0: /* 2 */
		if (!((((int)((P0 *)_this)->after)!=0)))
			goto S_458_1;
S_456_0: /* 2 */
		now.next[ Index(((P0 *)_this)->after, 4) ] = 0;
#ifdef VAR_RANGES
		logval("next[owner:after]", ((int)now.next[ Index(((int)((P0 *)_this)->after), 4) ]));
#endif
		;
		goto S_459_0;
S_458_1: /* 3 */
S_457_0: /* 2 */
		/* else */;
		goto S_459_0;
S_458_2: /* 3 */
		Uerror("blocking sel in d_step (nr.36, near line 181)");
S_459_0: /* 2 */
S_460_0: /* 2 */
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
S_461_0: /* 2 */
		spin_assert(((((int)now.top)==7)&&(((int)now.tag)==2)), "((top==7)&&(tag==2))", II, tt, t);
S_462_0: /* 2 */
		now.top = ((int)((P0 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
S_463_0: /* 2 */
		now.tag = 2;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
S_464_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_465_0: /* 2 */
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_466_0: /* 2 */
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		goto S_570_0;
S_570_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 142: // STATE 470 - event.pml:18 - [((cb!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][470] = 1;
		if (!((((int)((P0 *)_this)->cb)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 143: // STATE 479 - event.pml:19 - [D_STEP19]
		/* default 258 */
		

		reached[0][479] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_470_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_471_0: /* 2 */
		((P0 *)_this)->after = ((int)now.next[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
S_472_0: /* 2 */
		((P0 *)_this)->special = ((int)now.kept[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
S_473_0: /* 2 */
		called[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("called[owner:cb]", ((int)called[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_474_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_475_0: /* 2 */
		spin_assert(((((int)now.published)==0)&& !(((int)now.detached[ Index(((int)((P0 *)_this)->cb), 4) ]))), "((published==0)&& !(detached[cb]))", II, tt, t);
S_476_0: /* 2 */
		now.calls[ Index(((P0 *)_this)->cb, 4) ] = (((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])+1);
#ifdef VAR_RANGES
		logval("calls[owner:cb]", ((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_477_0: /* 2 */
		spin_assert((((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])==1), "(calls[cb]==1)", II, tt, t);
		goto S_481_0;
S_481_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 144: // STATE 482 - event.pml:29 - [D_STEP29]
		/* default 258 */
		

		reached[0][482] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_479_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_480_0: /* 2 */
		now.over[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("over[owner:cb]", ((int)now.over[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_532_0;
S_532_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 145: // STATE 483 - event.pml:31 - [((refusals>0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][483] = 1;
		if (!((((int)now.refusals)>0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 146: // STATE 484 - event.pml:31 - [refusals = (refusals-1)] (0:518:2 - 1)
		IfNotBlocked
		reached[0][484] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.refusals);
		now.refusals = (((int)now.refusals)-1);
#ifdef VAR_RANGES
		logval("refusals", ((int)now.refusals));
#endif
		;
		/* merge: after = 0(518, 485, 518) */
		reached[0][485] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->after);
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 147: // STATE 503 - word.pml:124 - [D_STEP124]
		/* default 258 */
		

		reached[0][503] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_486_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_487_0: /* 2 */
		called[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("called[owner:cb]", ((int)called[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_488_0: /* 2 */
		held[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("held[owner:cb]", ((int)held[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_489_0: /* 2 */
		resumed[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("resumed[owner:cb]", ((int)resumed[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_490_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_491_0: /* 2 */
		now.calls[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("calls[owner:cb]", ((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_492_0: /* 2 */
		now.over[ Index(((P0 *)_this)->cb, 4) ] = 0;
#ifdef VAR_RANGES
		logval("over[owner:cb]", ((int)now.over[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_493_0: /* 2 */
		((P0 *)_this)->last = ((int)((P0 *)_this)->cb);
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_500_0: /* 2 */
S_499_0: /* 2 */
S_494_0: /* 2 */
		if (!((((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ])!=0)))
			goto S_499_1;
S_495_0: /* 2 */
		((P0 *)_this)->last = ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]);
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
S_496_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->last), 4) ])), " !(cb_gone[last])", II, tt, t);
		goto S_500_0; /* ';' */
S_499_1: /* 3 */
S_497_0: /* 2 */
		/* else */;
S_498_0: /* 2 */
		goto S_501_0;	/* 'goto' */
S_499_2: /* 3 */
		Uerror("blocking sel in d_step (nr.37, near line 129)");
S_501_0: /* 2 */
		goto S_507_0;	/* 'break' */
S_507_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 148: // STATE 504 - word.pml:137 - [((top!=7))] (517:0:1 - 1)
		IfNotBlocked
		reached[0][504] = 1;
		if (!((((int)now.top)!=7)))
			continue;
		/* merge: assert(!(event_gone))(517, 505, 517) */
		reached[0][505] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: assert(!(cb_gone[last]))(517, 506, 517) */
		reached[0][506] = 1;
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->last), 4) ])), " !(cb_gone[last])", II, tt, t);
		/* merge: next[last] = top(517, 507, 517) */
		reached[0][507] = 1;
		(trpt+1)->bup.oval = ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]);
		now.next[ Index(((P0 *)_this)->last, 4) ] = ((int)now.top);
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 149: // STATE 509 - word.pml:142 - [((top!=7))] (569:0:7 - 1)
		IfNotBlocked
		reached[0][509] = 1;
		if (!((((int)now.top)!=7)))
			continue;
		/* merge: next[last] = top(569, 510, 569) */
		reached[0][510] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]);
		now.next[ Index(((P0 *)_this)->last, 4) ] = ((int)now.top);
#ifdef VAR_RANGES
		logval("next[owner:last]", ((int)now.next[ Index(((int)((P0 *)_this)->last), 4) ]));
#endif
		;
		/* merge: assert(!(event_gone))(569, 511, 569) */
		reached[0][511] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: top = cb(569, 512, 569) */
		reached[0][512] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = ((int)((P0 *)_this)->cb);
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 1(569, 513, 569) */
		reached[0][513] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.tag);
		now.tag = 1;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: refused = 1(569, 514, 569) */
		reached[0][514] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.refused);
		now.refused = 1;
#ifdef VAR_RANGES
		logval("refused", ((int)now.refused));
#endif
		;
		/* merge: last = 0(569, 515, 569) */
		reached[0][515] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->last);
		((P0 *)_this)->last = 0;
#ifdef VAR_RANGES
		logval("owner:last", ((int)((P0 *)_this)->last));
#endif
		;
		/* merge: cb = 0(569, 516, 569) */
		reached[0][516] = 1;
		(trpt+1)->bup.ovals[5] = ((int)((P0 *)_this)->cb);
		((P0 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		/* merge: stack = 7(569, 519, 569) */
		reached[0][519] = 1;
		(trpt+1)->bup.ovals[6] = ((int)((P0 *)_this)->stack);
		((P0 *)_this)->stack = 7;
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		/* merge: goto :b11(0, 520, 569) */
		reached[0][520] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 150: // STATE 522 - event.pml:34 - [(special)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][522] = 1;
		if (!(((int)((P0 *)_this)->special)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: special */  (trpt+1)->bup.oval = ((P0 *)_this)->special;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->special = 0;
		_m = 3; goto P999; /* 0 */
	case 151: // STATE 525 - event.pml:34 - [D_STEP34]
		/* default 258 */
		

		reached[0][525] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_522_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_523_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_527_0;
S_527_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 152: // STATE 529 - event.pml:37 - [cb = after] (0:537:3 - 1)
		IfNotBlocked
		reached[0][529] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->cb);
		((P0 *)_this)->cb = ((int)((P0 *)_this)->after);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		/* merge: after = 0(537, 530, 537) */
		reached[0][530] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->after);
		((P0 *)_this)->after = 0;
#ifdef VAR_RANGES
		logval("owner:after", ((int)((P0 *)_this)->after));
#endif
		;
		/* merge: special = 0(537, 531, 537) */
		reached[0][531] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P0 *)_this)->special);
		((P0 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
		/* merge: .(goto)(0, 534, 537) */
		reached[0][534] = 1;
		;
		/* merge: .(goto)(0, 538, 537) */
		reached[0][538] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 153: // STATE 540 - event.pml:42 - [((stack==7))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][540] = 1;
		if (!((((int)((P0 *)_this)->stack)==7)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: stack */  (trpt+1)->bup.oval = ((P0 *)_this)->stack;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->stack = 0;
		_m = 3; goto P999; /* 0 */
	case 154: // STATE 543 - event.pml:42 - [D_STEP42]
		IfNotBlocked

		reached[0][543] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_540_0: /* 2 */
		((P0 *)_this)->stack = 0;
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
S_541_0: /* 2 */
		((P0 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
		goto S_569_0;
S_569_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 155: // STATE 545 - word.pml:109 - [assert(!(event_gone))] (0:567:4 - 1)
		IfNotBlocked
		reached[0][545] = 1;
		spin_assert( !(((int)now.event_gone)), " !(event_gone)", II, tt, t);
		/* merge: stack = ( ((top==7)) -> (0) : (top) )(567, 546, 567) */
		reached[0][546] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->stack);
		((P0 *)_this)->stack = ( ((((int)now.top)==7)) ? (0) : (((int)now.top)) );
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		/* merge: top = ( ((top==7)) -> (7) : (0) )(567, 547, 567) */
		reached[0][547] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.top);
		now.top = ( ((((int)now.top)==7)) ? (7) : (0) );
#ifdef VAR_RANGES
		logval("top", ((int)now.top));
#endif
		;
		/* merge: tag = 3(567, 548, 567) */
		reached[0][548] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.tag);
		now.tag = 3;
#ifdef VAR_RANGES
		logval("tag", ((int)now.tag));
#endif
		;
		/* merge: published = (published+1)(567, 549, 567) */
		reached[0][549] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.published);
		now.published = (((int)now.published)+1);
#ifdef VAR_RANGES
		logval("published", ((int)now.published));
#endif
		;
		/* merge: assert((published==1))(567, 550, 567) */
		reached[0][550] = 1;
		spin_assert((((int)now.published)==1), "(published==1)", II, tt, t);
		_m = 3; goto P999; /* 5 */
	case 156: // STATE 566 - word.pml:59 - [D_STEP59]
		IfNotBlocked

		reached[0][566] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_551_0: /* 2 */
		((P0 *)_this)->list = 0;
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_562_0: /* 2 */
S_561_0: /* 2 */
S_552_0: /* 2 */
		if (!((((int)((P0 *)_this)->stack)!=0)))
			goto S_561_1;
S_553_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->stack), 4) ])), " !(cb_gone[stack])", II, tt, t);
S_554_0: /* 2 */
		((P0 *)_this)->wtop = ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]);
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
S_555_0: /* 2 */
		now.next[ Index(((P0 *)_this)->stack, 4) ] = ((int)((P0 *)_this)->list);
#ifdef VAR_RANGES
		logval("next[owner:stack]", ((int)now.next[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_556_0: /* 2 */
		((P0 *)_this)->list = ((int)((P0 *)_this)->stack);
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_557_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->stack, 4) ] = 0;
#ifdef VAR_RANGES
		logval("returned[owner:stack]", ((int)now.returned[ Index(((int)((P0 *)_this)->stack), 4) ]));
#endif
		;
S_558_0: /* 2 */
		((P0 *)_this)->stack = ((int)((P0 *)_this)->wtop);
#ifdef VAR_RANGES
		logval("owner:stack", ((int)((P0 *)_this)->stack));
#endif
		;
		goto S_562_0; /* ';' */
S_561_1: /* 3 */
S_559_0: /* 2 */
		/* else */;
S_560_0: /* 2 */
		goto S_563_0;	/* 'goto' */
S_561_2: /* 3 */
		Uerror("blocking sel in d_step (nr.38, near line 61)");
S_563_0: /* 2 */
		goto S_564_0;	/* 'break' */
S_564_0: /* 2 */
		((P0 *)_this)->wtop = 0;
#ifdef VAR_RANGES
		logval("owner:wtop", ((int)((P0 *)_this)->wtop));
#endif
		;
		goto S_569_0; /* ';' */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 157: // STATE 574 - word.pml:76 - [((list!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][574] = 1;
		if (!((((int)((P0 *)_this)->list)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 158: // STATE 583 - word.pml:77 - [D_STEP77]
		/* default 258 */
		

		reached[0][583] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_574_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->list), 4) ])), " !(cb_gone[list])", II, tt, t);
S_575_0: /* 2 */
		((P0 *)_this)->cb = ((int)((P0 *)_this)->list);
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
S_576_0: /* 2 */
		((P0 *)_this)->special = ((int)now.kept[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
S_577_0: /* 2 */
		((P0 *)_this)->list = ((int)now.next[ Index(((int)((P0 *)_this)->cb), 4) ]);
#ifdef VAR_RANGES
		logval("owner:list", ((int)((P0 *)_this)->list));
#endif
		;
S_578_0: /* 2 */
		spin_assert((((((int)now.published)==1)&& !(((int)now.interceptor[ Index(((int)((P0 *)_this)->cb), 4) ])))&& !(((int)now.detached[ Index(((int)((P0 *)_this)->cb), 4) ]))), "(((published==1)&& !(interceptor[cb]))&& !(detached[cb]))", II, tt, t);
S_579_0: /* 2 */
		seen[ Index(((P0 *)_this)->cb, 4) ] = ((int)now.status);
#ifdef VAR_RANGES
		logval("seen[owner:cb]", ((int)seen[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_580_0: /* 2 */
		now.calls[ Index(((P0 *)_this)->cb, 4) ] = (((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])+1);
#ifdef VAR_RANGES
		logval("calls[owner:cb]", ((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
S_581_0: /* 2 */
		spin_assert((((int)now.calls[ Index(((int)((P0 *)_this)->cb), 4) ])==1), "(calls[cb]==1)", II, tt, t);
		goto S_585_0;
S_585_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 159: // STATE 586 - word.pml:89 - [D_STEP89]
		/* default 258 */
		

		reached[0][586] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_583_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_584_0: /* 2 */
		now.over[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("over[owner:cb]", ((int)now.over[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_591_0;
S_591_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 160: // STATE 587 - word.pml:97 - [(special)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][587] = 1;
		if (!(((int)((P0 *)_this)->special)))
			continue;
		if (TstOnly) return 1; /* TT */
		/* dead 1: special */  (trpt+1)->bup.oval = ((P0 *)_this)->special;
#ifdef HAS_CODE
		if (!readtrail)
#endif
			((P0 *)_this)->special = 0;
		_m = 3; goto P999; /* 0 */
	case 161: // STATE 590 - word.pml:97 - [D_STEP97]
		/* default 258 */
		

		reached[0][590] = 1;
		reached[0][t->st] = 1;
		reached[0][tt] = 1;

		if (TstOnly) return 1;

		sv_save();
		S_587_0: /* 2 */
		spin_assert( !(((int)now.cb_gone[ Index(((int)((P0 *)_this)->cb), 4) ])), " !(cb_gone[cb])", II, tt, t);
S_588_0: /* 2 */
		now.returned[ Index(((P0 *)_this)->cb, 4) ] = 1;
#ifdef VAR_RANGES
		logval("returned[owner:cb]", ((int)now.returned[ Index(((int)((P0 *)_this)->cb), 4) ]));
#endif
		;
		goto S_592_0;
S_592_0: /* 1 */

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
		_m = 3; goto P999;

	case 162: // STATE 594 - word.pml:100 - [cb = 0] (0:599:2 - 1)
		IfNotBlocked
		reached[0][594] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->cb);
		((P0 *)_this)->cb = 0;
#ifdef VAR_RANGES
		logval("owner:cb", ((int)((P0 *)_this)->cb));
#endif
		;
		/* merge: special = 0(599, 595, 599) */
		reached[0][595] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->special);
		((P0 *)_this)->special = 0;
#ifdef VAR_RANGES
		logval("owner:special", ((int)((P0 *)_this)->special));
#endif
		;
		/* merge: .(goto)(0, 600, 599) */
		reached[0][600] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 163: // STATE 606 - word.pml:340 - [detached[c] = good] (0:613:2 - 1)
		IfNotBlocked
		reached[0][606] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.detached[ Index(((P0 *)_this)->c, 4) ] = ((int)((P0 *)_this)->good);
#ifdef VAR_RANGES
		logval("detached[owner:c]", ((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		/* merge: users = (users-1)(613, 607, 613) */
		reached[0][607] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		/* merge: .(goto)(0, 610, 613) */
		reached[0][610] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 164: // STATE 611 - word.pml:342 - [good = 0] (0:631:2 - 1)
		IfNotBlocked
		reached[0][611] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P0 *)_this)->good);
		((P0 *)_this)->good = 0;
#ifdef VAR_RANGES
		logval("owner:good", ((int)((P0 *)_this)->good));
#endif
		;
		/* merge: go_on = 0(631, 612, 631) */
		reached[0][612] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P0 *)_this)->go_on);
		((P0 *)_this)->go_on = 0;
#ifdef VAR_RANGES
		logval("owner:go_on", ((int)((P0 *)_this)->go_on));
#endif
		;
		/* merge: .(goto)(0, 618, 631) */
		reached[0][618] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 165: // STATE 615 - event.pml:90 - [(!(kept[c]))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][615] = 1;
		if (!( !(((int)now.kept[ Index(((int)((P0 *)_this)->c), 4) ]))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 166: // STATE 616 - event.pml:90 - [users = (users-1)] (0:0:1 - 1)
		IfNotBlocked
		reached[0][616] = 1;
		(trpt+1)->bup.oval = ((int)now.users);
		now.users = (((int)now.users)-1);
#ifdef VAR_RANGES
		logval("users", ((int)now.users));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 167: // STATE 619 - event.pml:93 - [(detached[c])] (0:0:0 - 1)
		IfNotBlocked
		reached[0][619] = 1;
		if (!(((int)now.detached[ Index(((int)((P0 *)_this)->c), 4) ])))
			continue;
		_m = 3; goto P999; /* 0 */
	case 168: // STATE 620 - event.pml:93 - [cb_gone[c] = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[0][620] = 1;
		(trpt+1)->bup.oval = ((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.cb_gone[ Index(((P0 *)_this)->c, 4) ] = 1;
#ifdef VAR_RANGES
		logval("cb_gone[owner:c]", ((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 169: // STATE 622 - event.pml:95 - [assert((!(kept[c])||over[c]))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][622] = 1;
		spin_assert(( !(((int)now.kept[ Index(((int)((P0 *)_this)->c), 4) ]))||((int)now.over[ Index(((int)((P0 *)_this)->c), 4) ])), "( !(kept[c])||over[c])", II, tt, t);
		_m = 3; goto P999; /* 0 */
	case 170: // STATE 623 - event.pml:70 - [(((over[c]&&(!(interceptor[c])||(published>0)))||quiet))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][623] = 1;
		if (!(((((int)now.over[ Index(((int)((P0 *)_this)->c), 4) ])&&( !(((int)now.interceptor[ Index(((int)((P0 *)_this)->c), 4) ]))||(((int)now.published)>0)))||((int)now.quiet))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 171: // STATE 624 - event.pml:72 - [((over[c]&&(!(interceptor[c])||(published>0))))] (635:0:1 - 1)
		IfNotBlocked
		reached[0][624] = 1;
		if (!((((int)now.over[ Index(((int)((P0 *)_this)->c), 4) ])&&( !(((int)now.interceptor[ Index(((int)((P0 *)_this)->c), 4) ]))||(((int)now.published)>0)))))
			continue;
		/* merge: cb_gone[c] = 1(635, 625, 635) */
		reached[0][625] = 1;
		(trpt+1)->bup.oval = ((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ]);
		now.cb_gone[ Index(((P0 *)_this)->c, 4) ] = 1;
#ifdef VAR_RANGES
		logval("cb_gone[owner:c]", ((int)now.cb_gone[ Index(((int)((P0 *)_this)->c), 4) ]));
#endif
		;
		/* merge: .(goto)(635, 628, 635) */
		reached[0][628] = 1;
		;
		/* merge: .(goto)(0, 632, 635) */
		reached[0][632] = 1;
		;
		/* merge: .(goto)(0, 634, 635) */
		reached[0][634] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 172: // STATE 628 - event.pml:75 - [.(goto)] (0:635:0 - 2)
		IfNotBlocked
		reached[0][628] = 1;
		;
		/* merge: .(goto)(0, 632, 635) */
		reached[0][632] = 1;
		;
		/* merge: .(goto)(0, 634, 635) */
		reached[0][634] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 173: // STATE 635 - event.pml:99 - [ended = (ended+1)] (0:0:1 - 5)
		IfNotBlocked
		reached[0][635] = 1;
		(trpt+1)->bup.oval = ((int)now.ended);
		now.ended = (((int)now.ended)+1);
#ifdef VAR_RANGES
		logval("ended", ((int)now.ended));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 174: // STATE 636 - event.pml:100 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[0][636] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */
	case  _T5:	/* np_ */
		if (!((!(trpt->o_pm&4) && !(trpt->tau&128))))
			continue;
		/* else fall through */
	case  _T2:	/* true */
		_m = 3; goto P999;
#undef rand
	}

