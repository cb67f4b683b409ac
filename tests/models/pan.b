	switch (t->back) {
	default: Uerror("bad return move");
	case  0: goto R999; /* nothing to undo */

		 /* PROC :init: */

	case 3: // STATE 1
		;
		now.interceptor[1] = trpt->bup.oval;
		;
		goto R999;

	case 4: // STATE 2
		;
		now.interceptor[1] = trpt->bup.oval;
		;
		goto R999;

	case 5: // STATE 5
		;
		now.kept[1] = trpt->bup.oval;
		;
		goto R999;

	case 6: // STATE 6
		;
		now.kept[1] = trpt->bup.oval;
		;
		goto R999;

	case 7: // STATE 10
		;
		now.interceptor[2] = trpt->bup.oval;
		;
		goto R999;

	case 8: // STATE 11
		;
		now.interceptor[2] = trpt->bup.oval;
		;
		goto R999;

	case 9: // STATE 15
		;
		now.kept[2] = trpt->bup.oval;
		;
		goto R999;

	case 10: // STATE 16
		;
		now.kept[2] = trpt->bup.oval;
		;
		goto R999;

	case 11: // STATE 19
		;
		now.interceptor[3] = trpt->bup.oval;
		;
		goto R999;

	case 12: // STATE 21
		;
		now.tag = trpt->bup.ovals[1];
		now.interceptor[3] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 13: // STATE 31
		;
		now.users = trpt->bup.ovals[3];
		now.top = trpt->bup.ovals[2];
		now.was_attached[3] = trpt->bup.ovals[1];
		now.refusals = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 14: // STATE 31
		;
		now.users = trpt->bup.ovals[3];
		now.top = trpt->bup.ovals[2];
		now.was_attached[3] = trpt->bup.ovals[1];
		now.refusals = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 15: // STATE 31
		;
		now.users = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
		now.was_attached[3] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 16: // STATE 32
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 17: // STATE 33
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 18: // STATE 34
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 19: // STATE 35
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 20: // STATE 36
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;
;
		;
			case 22: // STATE 61
		sv_restor();
		goto R999;

	case 23: // STATE 63
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC reaper */

	case 24: // STATE 2
		;
		now.event_gone = trpt->bup.oval;
		;
		goto R999;

	case 25: // STATE 4
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC firer */

	case 26: // STATE 2
		;
		now.status = trpt->bup.oval;
		;
		goto R999;

	case 27: // STATE 7
		;
		((P2 *)_this)->wtag = trpt->bup.ovals[1];
		((P2 *)_this)->stack = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 28: // STATE 10
		;
		now.tag = trpt->bup.ovals[1];
		now.top = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		
	case 29: // STATE 17
		goto R999;

	case 30: // STATE 14
		;
		now.published = trpt->bup.ovals[2];
		now.tag = trpt->bup.ovals[1];
		now.top = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 31: // STATE 195
		;
		((P2 *)_this)->wtag = trpt->bup.ovals[2];
		((P2 *)_this)->stack = trpt->bup.ovals[1];
	/* 0 */	((P2 *)_this)->stack = trpt->bup.ovals[0];
		;
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 32: // STATE 22
		;
	/* 0 */	((P2 *)_this)->wtag = trpt->bup.oval;
		;
		;
		goto R999;
	case 33: // STATE 37
		sv_restor();
		goto R999;
	case 34: // STATE 87
		sv_restor();
		goto R999;
;
		;
			case 36: // STATE 98
		sv_restor();
		goto R999;
	case 37: // STATE 101
		sv_restor();
		goto R999;
;
		;
		
	case 39: // STATE 104
		;
		((P2 *)_this)->after = trpt->bup.ovals[1];
		now.refusals = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
	case 40: // STATE 122
		sv_restor();
		goto R999;

	case 41: // STATE 126
		;
		now.next[ Index(((P2 *)_this)->last, 4) ] = trpt->bup.oval;
		;
		goto R999;

	case 42: // STATE 138
		;
		((P2 *)_this)->stack = trpt->bup.ovals[6];
		((P2 *)_this)->cb = trpt->bup.ovals[5];
		((P2 *)_this)->last = trpt->bup.ovals[4];
		now.refused = trpt->bup.ovals[3];
		now.tag = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
		now.next[ Index(((P2 *)_this)->last, 4) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;

	case 43: // STATE 141
		;
	/* 0 */	((P2 *)_this)->special = trpt->bup.oval;
		;
		;
		goto R999;
	case 44: // STATE 144
		sv_restor();
		goto R999;

	case 45: // STATE 150
		;
		((P2 *)_this)->special = trpt->bup.ovals[2];
		((P2 *)_this)->after = trpt->bup.ovals[1];
		((P2 *)_this)->cb = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 46: // STATE 159
		;
	/* 0 */	((P2 *)_this)->stack = trpt->bup.oval;
		;
		;
		goto R999;
	case 47: // STATE 162
		sv_restor();
		goto R999;

	case 48: // STATE 168
		;
		now.published = trpt->bup.ovals[3];
		now.tag = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
		((P2 *)_this)->stack = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;
	case 49: // STATE 185
		sv_restor();
		goto R999;

	case 50: // STATE 195
		;
		((P2 *)_this)->wtag = trpt->bup.oval;
		;
		goto R999;
;
		;
			case 52: // STATE 206
		sv_restor();
		goto R999;
	case 53: // STATE 209
		sv_restor();
		goto R999;

	case 54: // STATE 210
		;
	/* 0 */	((P2 *)_this)->special = trpt->bup.oval;
		;
		;
		goto R999;
	case 55: // STATE 213
		sv_restor();
		goto R999;

	case 56: // STATE 218
		;
		((P2 *)_this)->special = trpt->bup.ovals[1];
		((P2 *)_this)->cb = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		;
		;
		
	case 59: // STATE 230
		;
		now.refused = trpt->bup.oval;
		;
		goto R999;

	case 60: // STATE 233
		;
		now.quiet = trpt->bup.oval;
		;
		goto R999;

	case 61: // STATE 238
		;
		now.ended = trpt->bup.oval;
		;
		goto R999;

	case 62: // STATE 239
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC bystander */
;
		;
		
	case 64: // STATE 3
		;
		now.cb_gone[3] = trpt->bup.oval;
		;
		goto R999;
;
		
	case 65: // STATE 6
		goto R999;

	case 66: // STATE 9
		;
		now.ended = trpt->bup.oval;
		;
		goto R999;

	case 67: // STATE 10
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC owner */
;
		
	case 68: // STATE 1
		goto R999;

	case 69: // STATE 4
		;
		((P0 *)_this)->good = trpt->bup.oval;
		;
		goto R999;
;
		
	case 70: // STATE 16
		goto R999;

	case 71: // STATE 7
		;
		now.top = trpt->bup.ovals[1];
		now.next[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 72: // STATE 14
		;
		now.was_attached[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.ovals[2];
		((P0 *)_this)->good = trpt->bup.ovals[1];
		now.tag = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 73: // STATE 14
		;
		now.was_attached[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.ovals[1];
		((P0 *)_this)->good = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 74: // STATE 19
		;
	/* 0 */	((P0 *)_this)->good = trpt->bup.oval;
		;
		;
		goto R999;

	case 75: // STATE 21
		;
		now.cb_gone[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.ovals[1];
		now.users = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 76: // STATE 24
		;
		((P0 *)_this)->good = trpt->bup.ovals[1];
	/* 0 */	((P0 *)_this)->good = trpt->bup.ovals[0];
		;
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		
	case 78: // STATE 26
		;
		now.users = trpt->bup.oval;
		;
		goto R999;
	case 79: // STATE 29
		sv_restor();
		goto R999;
;
		
	case 80: // STATE 30
		goto R999;

	case 81: // STATE 34
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[1];
		((P0 *)_this)->good = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		
	case 82: // STATE 49
		goto R999;

	case 83: // STATE 39
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[3];
		((P0 *)_this)->good = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.ovals[0];
		;
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;
;
		
	case 84: // STATE 47
		goto R999;

	case 85: // STATE 45
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[4];
		((P0 *)_this)->good = trpt->bup.ovals[3];
		now.top = trpt->bup.ovals[2];
		((P0 *)_this)->wtag = trpt->bup.ovals[1];
		((P0 *)_this)->stack = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;

	case 86: // STATE 52
		;
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.oval;
		;
		;
		goto R999;
	case 87: // STATE 93
		sv_restor();
		goto R999;

	case 88: // STATE 95
		;
		now.detached[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.oval;
		;
		goto R999;

	case 89: // STATE 96
		;
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.oval;
		;
		;
		goto R999;

	case 90: // STATE 97
		;
		now.users = trpt->bup.oval;
		;
		goto R999;

	case 91: // STATE 98
		;
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.oval;
		;
		;
		goto R999;
;
		;
		
	case 93: // STATE 101
		;
		now.users = trpt->bup.oval;
		;
		goto R999;
	case 94: // STATE 117
		sv_restor();
		goto R999;

	case 95: // STATE 120
		;
		now.users = trpt->bup.oval;
		;
		goto R999;
	case 96: // STATE 168
		sv_restor();
		goto R999;
;
		;
			case 98: // STATE 179
		sv_restor();
		goto R999;
	case 99: // STATE 182
		sv_restor();
		goto R999;
;
		;
		
	case 101: // STATE 185
		;
		((P0 *)_this)->after = trpt->bup.ovals[1];
		now.refusals = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
	case 102: // STATE 203
		sv_restor();
		goto R999;

	case 103: // STATE 207
		;
		now.next[ Index(((P0 *)_this)->last, 4) ] = trpt->bup.oval;
		;
		goto R999;

	case 104: // STATE 219
		;
		((P0 *)_this)->stack = trpt->bup.ovals[6];
		((P0 *)_this)->cb = trpt->bup.ovals[5];
		((P0 *)_this)->last = trpt->bup.ovals[4];
		now.refused = trpt->bup.ovals[3];
		now.tag = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
		now.next[ Index(((P0 *)_this)->last, 4) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;

	case 105: // STATE 222
		;
	/* 0 */	((P0 *)_this)->special = trpt->bup.oval;
		;
		;
		goto R999;
	case 106: // STATE 225
		sv_restor();
		goto R999;

	case 107: // STATE 231
		;
		((P0 *)_this)->special = trpt->bup.ovals[2];
		((P0 *)_this)->after = trpt->bup.ovals[1];
		((P0 *)_this)->cb = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 108: // STATE 240
		;
	/* 0 */	((P0 *)_this)->stack = trpt->bup.oval;
		;
		;
		goto R999;
	case 109: // STATE 243
		sv_restor();
		goto R999;

	case 110: // STATE 249
		;
		now.published = trpt->bup.ovals[3];
		now.tag = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
		((P0 *)_this)->stack = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;
	case 111: // STATE 266
		sv_restor();
		goto R999;
;
		;
			case 113: // STATE 283
		sv_restor();
		goto R999;
	case 114: // STATE 286
		sv_restor();
		goto R999;

	case 115: // STATE 287
		;
	/* 0 */	((P0 *)_this)->special = trpt->bup.oval;
		;
		;
		goto R999;
	case 116: // STATE 290
		sv_restor();
		goto R999;

	case 117: // STATE 295
		;
		((P0 *)_this)->special = trpt->bup.ovals[1];
		((P0 *)_this)->cb = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 118: // STATE 307
		;
		now.users = trpt->bup.ovals[1];
		now.detached[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 119: // STATE 312
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[1];
		((P0 *)_this)->good = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		;
		;
		
	case 122: // STATE 324
		;
		now.users = trpt->bup.oval;
		;
		goto R999;
;
		;
			case 124: // STATE 329
		sv_restor();
		goto R999;
;
		
	case 125: // STATE 330
		goto R999;

	case 126: // STATE 334
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[1];
		((P0 *)_this)->good = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		
	case 127: // STATE 349
		goto R999;

	case 128: // STATE 339
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[3];
		((P0 *)_this)->good = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.ovals[0];
		;
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;
;
		
	case 129: // STATE 347
		goto R999;

	case 130: // STATE 345
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[4];
		((P0 *)_this)->good = trpt->bup.ovals[3];
		now.top = trpt->bup.ovals[2];
		((P0 *)_this)->wtag = trpt->bup.ovals[1];
		((P0 *)_this)->stack = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;

	case 131: // STATE 352
		;
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.oval;
		;
		;
		goto R999;
	case 132: // STATE 393
		sv_restor();
		goto R999;

	case 133: // STATE 395
		;
		now.detached[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.oval;
		;
		goto R999;

	case 134: // STATE 396
		;
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.oval;
		;
		;
		goto R999;

	case 135: // STATE 397
		;
		now.users = trpt->bup.oval;
		;
		goto R999;

	case 136: // STATE 398
		;
	/* 0 */	((P0 *)_this)->go_on = trpt->bup.oval;
		;
		;
		goto R999;
;
		;
		
	case 138: // STATE 401
		;
		now.users = trpt->bup.oval;
		;
		goto R999;
	case 139: // STATE 417
		sv_restor();
		goto R999;

	case 140: // STATE 420
		;
		now.users = trpt->bup.oval;
		;
		goto R999;
	case 141: // STATE 468
		sv_restor();
		goto R999;
;
		;
			case 143: // STATE 479
		sv_restor();
		goto R999;
	case 144: // STATE 482
		sv_restor();
		goto R999;
;
		;
		
	case 146: // STATE 485
		;
		((P0 *)_this)->after = trpt->bup.ovals[1];
		now.refusals = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
	case 147: // STATE 503
		sv_restor();
		goto R999;

	case 148: // STATE 507
		;
		now.next[ Index(((P0 *)_this)->last, 4) ] = trpt->bup.oval;
		;
		goto R999;

	case 149: // STATE 519
		;
		((P0 *)_this)->stack = trpt->bup.ovals[6];
		((P0 *)_this)->cb = trpt->bup.ovals[5];
		((P0 *)_this)->last = trpt->bup.ovals[4];
		now.refused = trpt->bup.ovals[3];
		now.tag = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
		now.next[ Index(((P0 *)_this)->last, 4) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;

	case 150: // STATE 522
		;
	/* 0 */	((P0 *)_this)->special = trpt->bup.oval;
		;
		;
		goto R999;
	case 151: // STATE 525
		sv_restor();
		goto R999;

	case 152: // STATE 531
		;
		((P0 *)_this)->special = trpt->bup.ovals[2];
		((P0 *)_this)->after = trpt->bup.ovals[1];
		((P0 *)_this)->cb = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 153: // STATE 540
		;
	/* 0 */	((P0 *)_this)->stack = trpt->bup.oval;
		;
		;
		goto R999;
	case 154: // STATE 543
		sv_restor();
		goto R999;

	case 155: // STATE 549
		;
		now.published = trpt->bup.ovals[3];
		now.tag = trpt->bup.ovals[2];
		now.top = trpt->bup.ovals[1];
		((P0 *)_this)->stack = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;
	case 156: // STATE 566
		sv_restor();
		goto R999;
;
		;
			case 158: // STATE 583
		sv_restor();
		goto R999;
	case 159: // STATE 586
		sv_restor();
		goto R999;

	case 160: // STATE 587
		;
	/* 0 */	((P0 *)_this)->special = trpt->bup.oval;
		;
		;
		goto R999;
	case 161: // STATE 590
		sv_restor();
		goto R999;

	case 162: // STATE 595
		;
		((P0 *)_this)->special = trpt->bup.ovals[1];
		((P0 *)_this)->cb = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 163: // STATE 607
		;
		now.users = trpt->bup.ovals[1];
		now.detached[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 164: // STATE 612
		;
		((P0 *)_this)->go_on = trpt->bup.ovals[1];
		((P0 *)_this)->good = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		
	case 166: // STATE 616
		;
		now.users = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 168: // STATE 620
		;
		now.cb_gone[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		;
		
	case 171: // STATE 625
		;
		now.cb_gone[ Index(((P0 *)_this)->c, 4) ] = trpt->bup.oval;
		;
		goto R999;
;
		
	case 172: // STATE 628
		goto R999;

	case 173: // STATE 635
		;
		now.ended = trpt->bup.oval;
		;
		goto R999;

	case 174: // STATE 636
		;
		p_restor(II);
		;
		;
		goto R999;
	}

