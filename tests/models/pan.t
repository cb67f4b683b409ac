#ifdef PEG
struct T_SRC {
	char *fl; int ln;
} T_SRC[NTRANS];

void
tr_2_src(int m, char *file, int ln)
{	T_SRC[m].fl = file;
	T_SRC[m].ln = ln;
}

void
putpeg(int n, int m)
{	printf("%5d	trans %4d ", m, n);
	printf("%s:%d\n",
		T_SRC[n].fl, T_SRC[n].ln);
}
#endif

void
settable(void)
{	Trans *T;
	Trans *settr(int, int, int, int, int, char *, int, int, int);

	trans = (Trans ***) emalloc(6*sizeof(Trans **));

	/* proctype 4: :init: */

	trans[4] = (Trans **) emalloc(64*sizeof(Trans *));

	T = trans[ 4][37] = settr(925,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(925,2,3,0,0,"ATOMIC", 1, 2, 0);
	T = trans[4][3] = settr(891,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(891,2,1,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(891,2,2,0,0,"IF", 1, 2, 0);
	trans[4][1]	= settr(889,2,7,3,3,"interceptor[1] = 0", 1, 2, 0);
	trans[4][4]	= settr(892,2,7,1,0,".(goto)", 1, 2, 0);
	trans[4][2]	= settr(890,2,7,4,4,"interceptor[1] = 1", 1, 2, 0);
	T = trans[4][7] = settr(895,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(895,2,5,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(895,2,6,0,0,"IF", 1, 2, 0);
	trans[4][5]	= settr(893,2,12,5,5,"kept[1] = 0", 1, 2, 0);
	trans[4][8]	= settr(896,2,12,1,0,".(goto)", 1, 2, 0);
	trans[4][6]	= settr(894,2,12,6,6,"kept[1] = 1", 1, 2, 0);
	T = trans[4][12] = settr(900,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(900,2,9,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(900,2,11,0,0,"IF", 1, 2, 0);
	trans[4][9]	= settr(897,2,17,7,7,"(!(interceptor[1]))", 1, 2, 0); /* m: 10 -> 17,0 */
	reached4[10] = 1;
	trans[4][10]	= settr(0,0,0,0,0,"interceptor[2] = 0",0,0,0);
	trans[4][13]	= settr(901,2,17,1,0,".(goto)", 1, 2, 0);
	trans[4][11]	= settr(899,2,17,8,8,"interceptor[2] = 1", 1, 2, 0);
	T = trans[4][17] = settr(905,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(905,2,14,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(905,2,16,0,0,"IF", 1, 2, 0);
	trans[4][14]	= settr(902,2,22,9,9,"(((interceptor[1]!=interceptor[2])||!(kept[1])))", 1, 2, 0); /* m: 15 -> 22,0 */
	reached4[15] = 1;
	trans[4][15]	= settr(0,0,0,0,0,"kept[2] = 0",0,0,0);
	trans[4][18]	= settr(906,2,22,1,0,".(goto)", 1, 2, 0);
	trans[4][16]	= settr(904,2,22,10,10,"kept[2] = 1", 1, 2, 0);
	T = trans[4][22] = settr(910,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(910,2,19,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(910,2,20,0,0,"IF", 1, 2, 0);
	trans[4][19]	= settr(907,2,27,11,11,"interceptor[3] = 0", 1, 2, 0);
	trans[4][23]	= settr(911,2,27,1,0,".(goto)", 1, 2, 0);
	trans[4][20]	= settr(908,2,27,12,12,"interceptor[3] = 1", 1, 2, 0); /* m: 21 -> 0,27 */
	reached4[21] = 1;
	trans[4][21]	= settr(0,0,0,0,0,"tag = 1",0,0,0);
	T = trans[4][27] = settr(915,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(915,2,24,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(915,2,26,0,0,"IF", 1, 2, 0);
	trans[4][24]	= settr(912,2,32,13,13,"((interceptor[2]||interceptor[3]))", 1, 2, 0); /* m: 25 -> 32,0 */
	reached4[25] = 1;
	trans[4][25]	= settr(0,0,0,0,0,"refusals = 1",0,0,0);
	trans[4][28]	= settr(916,2,29,1,0,".(goto)", 1, 2, 0); /* m: 29 -> 0,32 */
	reached4[29] = 1;
	trans[4][26]	= settr(914,2,32,14,14,"refusals = 0", 1, 2, 0); /* m: 29 -> 0,32 */
	reached4[29] = 1;
	trans[4][29]	= settr(917,2,32,15,15,"was_attached[3] = 1", 1, 2, 0); /* m: 30 -> 0,32 */
	reached4[30] = 1;
	trans[4][30]	= settr(0,0,0,0,0,"top = 3",0,0,0);
	trans[4][31]	= settr(0,0,0,0,0,"users = ((2+kept[1])+kept[2])",0,0,0);
	trans[4][32]	= settr(920,2,33,16,16,"(run owner(1))", 1, 2, 0);
	trans[4][33]	= settr(921,2,34,17,17,"(run owner(2))", 1, 2, 0);
	trans[4][34]	= settr(922,2,35,18,18,"(run bystander())", 1, 2, 0);
	trans[4][35]	= settr(923,2,36,19,19,"(run firer())", 1, 2, 0);
	trans[4][36]	= settr(924,0,38,20,20,"(run reaper())", 1, 2, 0);
	trans[4][38]	= settr(926,0,62,21,0,"((ended==(2+2)))", 1, 2, 0);
	T = trans[ 4][62] = settr(950,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(950,0,61,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[4][61]	= settr(949,32,63,22,22,"D_STEP348", 1, 2, 0);
	trans[4][63]	= settr(951,0,0,23,23,"-end-", 0, 3500, 0);

	/* proctype 3: reaper */

	trans[3] = (Trans **) emalloc(5*sizeof(Trans *));

	T = trans[ 3][3] = settr(887,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(887,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[3][1]	= settr(885,4,4,24,24,"(((published>0)&&(users==0)))", 1, 2, 0); /* m: 2 -> 4,0 */
	reached3[2] = 1;
	trans[3][2]	= settr(0,0,0,0,0,"event_gone = 1",0,0,0);
	trans[3][4]	= settr(888,0,0,25,25,"-end-", 0, 3500, 0);

	/* proctype 2: firer */

	trans[2] = (Trans **) emalloc(240*sizeof(Trans *));

	trans[2][236]	= settr(881,0,235,1,0,".(goto)", 0, 2, 0);
	T = trans[2][235] = settr(880,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(880,0,3,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(880,0,233,0,0,"DO", 0, 2, 0);
	T = trans[ 2][3] = settr(648,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(648,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[2][1]	= settr(646,4,196,26,26,"assert(!(event_gone))", 1, 2, 0); /* m: 2 -> 0,196 */
	reached2[2] = 1;
	trans[2][2]	= settr(0,0,0,0,0,"status = 1",0,0,0);
	T = trans[ 2][196] = settr(841,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(841,0,18,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 2][18] = settr(663,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(663,2,4,0,0,"ATOMIC", 1, 2, 0);
	trans[2][4]	= settr(649,2,16,27,27,"assert(!(event_gone))", 1, 2, 0); /* m: 5 -> 0,16 */
	reached2[5] = 1;
	trans[2][5]	= settr(0,0,0,0,0,"assert(((tag!=3)&&(tag!=2)))",0,0,0);
	trans[2][6]	= settr(0,0,0,0,0,"stack = top",0,0,0);
	trans[2][7]	= settr(0,0,0,0,0,"wtag = tag",0,0,0);
	T = trans[2][16] = settr(661,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(661,2,8,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(661,2,11,0,0,"IF", 1, 2, 0);
	trans[2][8]	= settr(653,4,193,28,28,"((tag==1))", 1, 2, 0); /* m: 9 -> 193,0 */
	reached2[9] = 1;
	trans[2][9]	= settr(0,0,0,0,0,"top = 7",0,0,0);
	trans[2][10]	= settr(0,0,0,0,0,"tag = 2",0,0,0);
	trans[2][17]	= settr(662,0,193,29,29,".(goto)", 1, 2, 0);
	trans[2][11]	= settr(656,2,12,2,0,"else", 1, 2, 0);
	trans[2][12]	= settr(657,4,193,30,30,"top = ( ((top==7)) -> (7) : (0) )", 1, 2, 0); /* m: 13 -> 0,193 */
	reached2[13] = 1;
	trans[2][13]	= settr(0,0,0,0,0,"tag = 3",0,0,0);
	trans[2][14]	= settr(0,0,0,0,0,"published = (published+1)",0,0,0);
	trans[2][15]	= settr(0,0,0,0,0,"assert((published==1))",0,0,0);
	T = trans[2][193] = settr(838,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(838,0,19,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(838,0,21,0,0,"IF", 0, 2, 0);
	trans[2][19]	= settr(664,0,225,31,31,"(((stack==0)||(stack==7)))", 0, 2, 0); /* m: 20 -> 225,0 */
	reached2[20] = 1;
	trans[2][20]	= settr(0,0,0,0,0,"stack = 0",0,0,0);
	trans[2][194]	= settr(839,0,195,1,0,".(goto)", 0, 2, 0); /* m: 195 -> 0,225 */
	reached2[195] = 1;
	trans[2][21]	= settr(666,0,191,2,0,"else", 0, 2, 0);
	T = trans[2][191] = settr(836,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(836,0,22,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(836,0,39,0,0,"IF", 0, 2, 0);
	trans[2][22]	= settr(667,0,38,32,32,"((wtag==0))", 0, 2, 0);
	T = trans[ 2][38] = settr(683,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(683,0,37,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[2][37]	= settr(682,32,195,33,33,"D_STEP59", 1, 2, 0);
	trans[2][192]	= settr(837,0,195,1,0,".(goto)", 0, 2, 0); /* m: 195 -> 0,225 */
	reached2[195] = 1;
	trans[2][39]	= settr(684,0,88,2,0,"else", 0, 2, 0);
	T = trans[ 2][88] = settr(733,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(733,0,87,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[2][87]	= settr(732,32,190,34,34,"D_STEP155", 1, 2, 0);
	T = trans[ 2][190] = settr(835,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(835,0,156,0,0,"sub-sequence", 0, 2, 0);
	trans[2][157]	= settr(802,0,156,1,0,".(goto)", 0, 2, 0);
	T = trans[2][156] = settr(801,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(801,0,89,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(801,0,154,0,0,"DO", 0, 2, 0);
	trans[2][89]	= settr(734,0,98,35,0,"((cb!=0))", 0, 2, 0);
/*->*/	trans[2][98]	= settr(743,32,101,36,36,"D_STEP19", 1, 2, 0);
/*->*/	trans[2][101]	= settr(746,32,152,37,37,"D_STEP29", 1, 2, 0);
	T = trans[2][152] = settr(797,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(797,0,102,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(797,0,140,0,0,"IF", 0, 2, 0);
	trans[2][102]	= settr(747,0,105,38,0,"((refusals>0))", 1, 2, 0);
	T = trans[ 2][105] = settr(750,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(750,2,103,0,0,"ATOMIC", 1, 2, 0);
	trans[2][103]	= settr(748,4,137,39,39,"refusals = (refusals-1)", 1, 2, 0); /* m: 104 -> 0,137 */
	reached2[104] = 1;
	trans[2][104]	= settr(0,0,0,0,0,"after = 0",0,0,0);
	T = trans[ 2][137] = settr(782,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(782,0,122,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[2][122]	= settr(767,32,127,40,40,"D_STEP124", 1, 2, 0);
	T = trans[ 2][127] = settr(772,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(772,2,123,0,0,"ATOMIC", 1, 2, 0);
	trans[2][123]	= settr(768,4,136,41,41,"((top!=7))", 1, 2, 0); /* m: 124 -> 136,0 */
	reached2[124] = 1;
	trans[2][124]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	trans[2][125]	= settr(0,0,0,0,0,"assert(!(cb_gone[last]))",0,0,0);
	trans[2][126]	= settr(0,0,0,0,0,"next[last] = top",0,0,0);
	T = trans[ 2][136] = settr(781,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(781,2,128,0,0,"ATOMIC", 1, 2, 0);
	trans[2][128]	= settr(773,0,188,42,42,"((top!=7))", 1, 2, 0); /* m: 129 -> 188,0 */
	reached2[129] = 1;
	trans[2][129]	= settr(0,0,0,0,0,"next[last] = top",0,0,0);
	trans[2][130]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	trans[2][131]	= settr(0,0,0,0,0,"top = cb",0,0,0);
	trans[2][132]	= settr(0,0,0,0,0,"tag = 1",0,0,0);
	trans[2][133]	= settr(0,0,0,0,0,"refused = 1",0,0,0);
	trans[2][134]	= settr(0,0,0,0,0,"last = 0",0,0,0);
	trans[2][135]	= settr(0,0,0,0,0,"cb = 0",0,0,0);
	trans[2][138]	= settr(0,0,0,0,0,"stack = 7",0,0,0);
	trans[2][139]	= settr(784,0,188,1,0,"goto :b18", 0, 2, 0);
	trans[2][153]	= settr(798,0,156,1,0,".(goto)", 0, 2, 0);
	trans[2][140]	= settr(785,0,146,1,0,"(1)", 0, 2, 0);
	T = trans[2][146] = settr(791,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(791,0,141,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(791,0,145,0,0,"IF", 0, 2, 0);
	trans[2][141]	= settr(786,0,144,43,43,"(special)", 0, 2, 0);
/*->*/	trans[2][144]	= settr(789,32,151,44,44,"D_STEP34", 1, 2, 0);
	trans[2][147]	= settr(792,0,151,1,0,".(goto)", 0, 2, 0);
	trans[2][145]	= settr(790,0,151,2,0,"else", 0, 2, 0);
	T = trans[ 2][151] = settr(796,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(796,2,148,0,0,"ATOMIC", 0, 2, 0);
	trans[2][148]	= settr(793,0,156,45,45,"cb = after", 0, 2, 0); /* m: 149 -> 0,156 */
	reached2[149] = 1;
	trans[2][149]	= settr(0,0,0,0,0,"after = 0",0,0,0);
	trans[2][150]	= settr(0,0,0,0,0,"special = 0",0,0,0);
	trans[2][154]	= settr(799,0,188,2,0,"else", 0, 2, 0);
	trans[2][155]	= settr(800,0,188,1,0,"goto :b18", 0, 2, 0);
	trans[2][158]	= settr(803,0,188,1,0,"break", 0, 2, 0);
	T = trans[2][188] = settr(833,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(833,0,159,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(833,0,163,0,0,"IF", 0, 2, 0);
	trans[2][159]	= settr(804,0,162,46,46,"((stack==7))", 0, 2, 0);
/*->*/	trans[2][162]	= settr(807,32,195,47,47,"D_STEP42", 0, 2, 0);
	trans[2][189]	= settr(834,0,195,1,0,".(goto)", 0, 2, 0); /* m: 195 -> 0,225 */
	reached2[195] = 1;
	trans[2][163]	= settr(808,0,187,2,0,"else", 0, 2, 0);
	T = trans[ 2][187] = settr(832,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(832,0,170,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 2][170] = settr(815,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(815,2,164,0,0,"ATOMIC", 1, 2, 0);
	trans[2][164]	= settr(809,4,186,48,48,"assert(!(event_gone))", 1, 2, 0); /* m: 165 -> 0,186 */
	reached2[165] = 1;
	trans[2][165]	= settr(0,0,0,0,0,"stack = ( ((top==7)) -> (0) : (top) )",0,0,0);
	trans[2][166]	= settr(0,0,0,0,0,"top = ( ((top==7)) -> (7) : (0) )",0,0,0);
	trans[2][167]	= settr(0,0,0,0,0,"tag = 3",0,0,0);
	trans[2][168]	= settr(0,0,0,0,0,"published = (published+1)",0,0,0);
	trans[2][169]	= settr(0,0,0,0,0,"assert((published==1))",0,0,0);
	T = trans[ 2][186] = settr(831,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(831,0,185,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[2][185]	= settr(830,32,195,49,49,"D_STEP59", 1, 2, 0);
	trans[2][195]	= settr(840,0,225,50,50,"wtag = 0", 0, 2, 0);
	T = trans[ 2][225] = settr(870,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(870,0,222,0,0,"sub-sequence", 0, 2, 0);
	trans[2][223]	= settr(868,0,222,1,0,".(goto)", 0, 2, 0);
	T = trans[2][222] = settr(867,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(867,0,197,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(867,0,220,0,0,"DO", 0, 2, 0);
	trans[2][197]	= settr(842,0,206,51,0,"((list!=0))", 0, 2, 0);
/*->*/	trans[2][206]	= settr(851,32,209,52,52,"D_STEP77", 1, 2, 0);
/*->*/	trans[2][209]	= settr(854,32,215,53,53,"D_STEP89", 1, 2, 0);
	T = trans[2][215] = settr(860,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(860,0,210,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(860,0,214,0,0,"IF", 0, 2, 0);
	trans[2][210]	= settr(855,0,213,54,54,"(special)", 0, 2, 0);
/*->*/	trans[2][213]	= settr(858,32,219,55,55,"D_STEP97", 1, 2, 0);
	trans[2][216]	= settr(861,0,219,1,0,".(goto)", 0, 2, 0);
	trans[2][214]	= settr(859,0,219,2,0,"else", 0, 2, 0);
	T = trans[ 2][219] = settr(864,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(864,2,217,0,0,"ATOMIC", 0, 2, 0);
	trans[2][217]	= settr(862,0,222,56,56,"cb = 0", 0, 2, 0); /* m: 218 -> 0,222 */
	reached2[218] = 1;
	trans[2][218]	= settr(0,0,0,0,0,"special = 0",0,0,0);
	trans[2][220]	= settr(865,0,226,2,0,"else", 0, 2, 0);
	trans[2][221]	= settr(866,0,226,1,0,"goto :b21", 0, 2, 0);
	trans[2][224]	= settr(869,0,226,1,0,"break", 0, 2, 0);
	trans[2][226]	= settr(871,0,231,57,0,"(((published>0)||refused))", 1, 2, 0);
	T = trans[2][231] = settr(876,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(876,0,227,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(876,0,229,0,0,"IF", 0, 2, 0);
	trans[2][227]	= settr(872,0,238,58,0,"((published>0))", 1, 2, 0);
	trans[2][228]	= settr(873,0,238,1,0,"goto :b15", 0, 2, 0);
	trans[2][232]	= settr(877,0,235,1,0,".(goto)", 0, 2, 0);
	trans[2][229]	= settr(874,0,230,2,0,"else", 0, 2, 0);
	trans[2][230]	= settr(875,0,235,59,59,"refused = 0", 1, 2, 0);
	trans[2][233]	= settr(878,0,238,60,60,"quiet = 1", 1, 2, 0);
	trans[2][234]	= settr(879,0,238,1,0,"goto :b15", 0, 2, 0);
	trans[2][237]	= settr(882,0,238,1,0,"break", 0, 2, 0);
	trans[2][238]	= settr(883,0,239,61,61,"ended = (ended+1)", 1, 2, 0);
	trans[2][239]	= settr(884,0,0,62,62,"-end-", 0, 3500, 0);

	/* proctype 1: bystander */

	trans[1] = (Trans **) emalloc(11*sizeof(Trans *));

	T = trans[ 1][8] = settr(643,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(643,0,7,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 1][7] = settr(642,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(642,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[1][1]	= settr(636,2,5,63,0,"(((over[3]&&(!(interceptor[3])||(published>0)))||quiet))", 1, 2, 0);
	T = trans[1][5] = settr(640,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(640,2,2,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(640,2,4,0,0,"IF", 1, 2, 0);
	trans[1][2]	= settr(637,4,9,64,64,"((over[3]&&(!(interceptor[3])||(published>0))))", 1, 2, 0); /* m: 3 -> 9,0 */
	reached1[3] = 1;
	trans[1][3]	= settr(0,0,0,0,0,"cb_gone[3] = 1",0,0,0);
	trans[1][6]	= settr(641,0,9,65,65,".(goto)", 1, 2, 0);
	trans[1][4]	= settr(639,2,6,2,0,"else", 1, 2, 0);
	trans[1][9]	= settr(644,0,10,66,66,"ended = (ended+1)", 1, 2, 0);
	trans[1][10]	= settr(645,0,0,67,67,"-end-", 0, 3500, 0);

	/* proctype 0: owner */

	trans[0] = (Trans **) emalloc(637*sizeof(Trans *));

	T = trans[ 0][18] = settr(17,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(17,0,17,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 0][17] = settr(16,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(16,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[0][1]	= settr(0,2,15,68,68,"((((top!=7)||(tag==3))||((tag==2)&&interceptor[c])))", 1, 2, 0); /* m: 2 -> 15,0 */
	reached0[2] = 1;
	trans[0][2]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	T = trans[0][15] = settr(14,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(14,2,3,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(14,2,5,0,0,"IF", 1, 2, 0);
	trans[0][3]	= settr(2,4,633,69,69,"(((tag==3)||((tag==2)&&interceptor[c])))", 1, 2, 0); /* m: 4 -> 633,0 */
	reached0[4] = 1;
	trans[0][4]	= settr(0,0,0,0,0,"good = 0",0,0,0);
	trans[0][16]	= settr(15,0,633,70,70,".(goto)", 1, 2, 0);
	trans[0][5]	= settr(4,2,6,2,0,"else", 1, 2, 0);
	trans[0][6]	= settr(5,2,11,71,71,"next[c] = top", 1, 2, 0); /* m: 7 -> 0,11 */
	reached0[7] = 1;
	trans[0][7]	= settr(0,0,0,0,0,"top = c",0,0,0);
	T = trans[0][11] = settr(10,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(10,2,8,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(10,2,10,0,0,"IF", 1, 2, 0);
	trans[0][8]	= settr(7,4,633,72,72,"(interceptor[c])", 1, 2, 0); /* m: 9 -> 633,0 */
	reached0[9] = 1;
	trans[0][9]	= settr(0,0,0,0,0,"tag = 1",0,0,0);
	trans[0][12]	= settr(11,2,13,1,0,".(goto)", 1, 2, 0); /* m: 13 -> 0,633 */
	reached0[13] = 1;
	trans[0][10]	= settr(9,2,13,2,0,"else", 1, 2, 0);
	trans[0][13]	= settr(12,4,633,73,73,"good = 1", 1, 2, 0); /* m: 14 -> 0,633 */
	reached0[14] = 1;
	trans[0][14]	= settr(0,0,0,0,0,"was_attached[c] = 1",0,0,0);
	T = trans[0][633] = settr(632,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(632,0,19,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(632,0,23,0,0,"IF", 0, 2, 0);
	trans[0][19]	= settr(18,0,22,74,74,"(!(good))", 0, 2, 0);
	T = trans[ 0][22] = settr(21,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(21,2,20,0,0,"ATOMIC", 1, 2, 0);
	trans[0][20]	= settr(19,0,635,75,75,"users = (users-1)", 1, 2, 0); /* m: 21 -> 0,635 */
	reached0[21] = 1;
	trans[0][21]	= settr(0,0,0,0,0,"cb_gone[c] = 1",0,0,0);
	trans[0][634]	= settr(633,0,635,1,0,".(goto)", 0, 2, 0);
	trans[0][23]	= settr(22,0,617,76,76,"(good)", 0, 2, 0); /* m: 24 -> 617,0 */
	reached0[24] = 1;
	trans[0][24]	= settr(0,0,0,0,0,"good = 0",0,0,0);
	T = trans[0][617] = settr(616,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(616,0,25,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(616,0,326,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(616,0,615,0,0,"IF", 0, 2, 0);
	trans[0][25]	= settr(24,0,325,77,0,"(kept[c])", 1, 2, 0);
	T = trans[ 0][325] = settr(324,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(324,0,321,0,0,"sub-sequence", 0, 2, 0);
	trans[0][322]	= settr(321,0,321,1,0,".(goto)", 0, 2, 0);
	T = trans[0][321] = settr(320,0,0,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(320,0,26,0,0,"DO", 0, 2, 0);
	trans[0][26]	= settr(25,0,314,78,78,"users = (users+1)", 1, 2, 0);
	T = trans[ 0][314] = settr(313,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(313,0,51,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 0][51] = settr(50,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(50,0,29,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][29]	= settr(28,32,50,79,79,"D_STEP259", 1, 2, 0);
	T = trans[ 0][50] = settr(49,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(49,2,30,0,0,"ATOMIC", 1, 2, 0);
	trans[0][30]	= settr(29,2,48,80,80,"(((top!=7)||(tag==3)))", 1, 2, 0); /* m: 31 -> 48,0 */
	reached0[31] = 1;
	trans[0][31]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	T = trans[0][48] = settr(47,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(47,2,32,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(47,2,35,0,0,"IF", 1, 2, 0);
	trans[0][32]	= settr(31,4,309,81,81,"(((tag==3)||(top==0)))", 1, 2, 0); /* m: 33 -> 309,0 */
	reached0[33] = 1;
	trans[0][33]	= settr(0,0,0,0,0,"good = 0",0,0,0);
	trans[0][34]	= settr(0,0,0,0,0,"go_on = 0",0,0,0);
	trans[0][49]	= settr(48,0,309,82,82,".(goto)", 1, 2, 0);
	trans[0][35]	= settr(34,2,46,2,0,"else", 1, 2, 0);
	T = trans[0][46] = settr(45,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(45,2,36,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(45,2,40,0,0,"IF", 1, 2, 0);
	trans[0][36]	= settr(35,4,309,83,83,"(((go_on&&(top==c))&&(tag==0)))", 1, 2, 0); /* m: 37 -> 309,0 */
	reached0[37] = 1;
	trans[0][37]	= settr(0,0,0,0,0,"top = 0",0,0,0);
	trans[0][38]	= settr(0,0,0,0,0,"good = 1",0,0,0);
	trans[0][39]	= settr(0,0,0,0,0,"go_on = 0",0,0,0);
	trans[0][47]	= settr(46,4,309,84,84,".(goto)", 1, 2, 0); /* m: 49 -> 0,309 */
	reached0[49] = 1;
	trans[0][40]	= settr(39,2,41,2,0,"else", 1, 2, 0);
	trans[0][41]	= settr(40,4,309,85,85,"stack = top", 1, 2, 0); /* m: 42 -> 0,309 */
	reached0[42] = 1;
	trans[0][42]	= settr(0,0,0,0,0,"wtag = tag",0,0,0);
	trans[0][43]	= settr(0,0,0,0,0,"top = 7",0,0,0);
	trans[0][44]	= settr(0,0,0,0,0,"good = 0",0,0,0);
	trans[0][45]	= settr(0,0,0,0,0,"go_on = 1",0,0,0);
	T = trans[0][309] = settr(308,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(308,0,52,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(308,0,305,0,0,"IF", 0, 2, 0);
	trans[0][52]	= settr(51,0,94,86,86,"(go_on)", 0, 2, 0);
	T = trans[ 0][94] = settr(93,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(93,0,93,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][93]	= settr(92,32,95,87,87,"D_STEP280", 1, 2, 0);
	trans[0][95]	= settr(94,0,303,88,88,"detached[c] = good", 1, 2, 0);
	T = trans[0][303] = settr(302,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(302,0,96,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(302,0,98,0,0,"IF", 0, 2, 0);
	trans[0][96]	= settr(95,0,97,89,89,"(!(go_on))", 0, 2, 0);
	trans[0][97]	= settr(96,0,313,90,90,"users = (users-1)", 1, 2, 0);
	trans[0][304]	= settr(303,0,313,1,0,".(goto)", 0, 2, 0);
	trans[0][98]	= settr(97,0,272,91,91,"(go_on)", 0, 2, 0);
	T = trans[0][272] = settr(271,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(271,0,99,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(271,0,119,0,0,"IF", 0, 2, 0);
	trans[0][99]	= settr(98,0,102,92,0,"((tag==3))", 1, 2, 0);
	T = trans[ 0][102] = settr(101,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(101,2,100,0,0,"ATOMIC", 1, 2, 0);
	trans[0][100]	= settr(99,4,118,93,93,"assert(!(event_gone))", 1, 2, 0); /* m: 101 -> 0,118 */
	reached0[101] = 1;
	trans[0][101]	= settr(0,0,0,0,0,"users = (users-1)",0,0,0);
	T = trans[ 0][118] = settr(117,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(117,0,117,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][117]	= settr(116,32,302,94,94,"D_STEP59", 1, 2, 0);
	trans[0][273]	= settr(272,0,302,1,0,".(goto)", 0, 2, 0);
	trans[0][119]	= settr(118,0,120,2,0,"else", 0, 2, 0);
	trans[0][120]	= settr(119,0,169,95,95,"users = (users-1)", 1, 2, 0);
	T = trans[ 0][169] = settr(168,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(168,0,168,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][168]	= settr(167,32,271,96,96,"D_STEP155", 1, 2, 0);
	T = trans[ 0][271] = settr(270,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(270,0,237,0,0,"sub-sequence", 0, 2, 0);
	trans[0][238]	= settr(237,0,237,1,0,".(goto)", 0, 2, 0);
	T = trans[0][237] = settr(236,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(236,0,170,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(236,0,235,0,0,"DO", 0, 2, 0);
	trans[0][170]	= settr(169,0,179,97,0,"((cb!=0))", 0, 2, 0);
/*->*/	trans[0][179]	= settr(178,32,182,98,98,"D_STEP19", 1, 2, 0);
/*->*/	trans[0][182]	= settr(181,32,233,99,99,"D_STEP29", 1, 2, 0);
	T = trans[0][233] = settr(232,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(232,0,183,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(232,0,221,0,0,"IF", 0, 2, 0);
	trans[0][183]	= settr(182,0,186,100,0,"((refusals>0))", 1, 2, 0);
	T = trans[ 0][186] = settr(185,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(185,2,184,0,0,"ATOMIC", 1, 2, 0);
	trans[0][184]	= settr(183,4,218,101,101,"refusals = (refusals-1)", 1, 2, 0); /* m: 185 -> 0,218 */
	reached0[185] = 1;
	trans[0][185]	= settr(0,0,0,0,0,"after = 0",0,0,0);
	T = trans[ 0][218] = settr(217,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(217,0,203,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][203]	= settr(202,32,208,102,102,"D_STEP124", 1, 2, 0);
	T = trans[ 0][208] = settr(207,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(207,2,204,0,0,"ATOMIC", 1, 2, 0);
	trans[0][204]	= settr(203,4,217,103,103,"((top!=7))", 1, 2, 0); /* m: 205 -> 217,0 */
	reached0[205] = 1;
	trans[0][205]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	trans[0][206]	= settr(0,0,0,0,0,"assert(!(cb_gone[last]))",0,0,0);
	trans[0][207]	= settr(0,0,0,0,0,"next[last] = top",0,0,0);
	T = trans[ 0][217] = settr(216,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(216,2,209,0,0,"ATOMIC", 1, 2, 0);
	trans[0][209]	= settr(208,0,269,104,104,"((top!=7))", 1, 2, 0); /* m: 210 -> 269,0 */
	reached0[210] = 1;
	trans[0][210]	= settr(0,0,0,0,0,"next[last] = top",0,0,0);
	trans[0][211]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	trans[0][212]	= settr(0,0,0,0,0,"top = cb",0,0,0);
	trans[0][213]	= settr(0,0,0,0,0,"tag = 1",0,0,0);
	trans[0][214]	= settr(0,0,0,0,0,"refused = 1",0,0,0);
	trans[0][215]	= settr(0,0,0,0,0,"last = 0",0,0,0);
	trans[0][216]	= settr(0,0,0,0,0,"cb = 0",0,0,0);
	trans[0][219]	= settr(0,0,0,0,0,"stack = 7",0,0,0);
	trans[0][220]	= settr(219,0,269,1,0,"goto :b4", 0, 2, 0);
	trans[0][234]	= settr(233,0,237,1,0,".(goto)", 0, 2, 0);
	trans[0][221]	= settr(220,0,227,1,0,"(1)", 0, 2, 0);
	T = trans[0][227] = settr(226,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(226,0,222,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(226,0,226,0,0,"IF", 0, 2, 0);
	trans[0][222]	= settr(221,0,225,105,105,"(special)", 0, 2, 0);
/*->*/	trans[0][225]	= settr(224,32,232,106,106,"D_STEP34", 1, 2, 0);
	trans[0][228]	= settr(227,0,232,1,0,".(goto)", 0, 2, 0);
	trans[0][226]	= settr(225,0,232,2,0,"else", 0, 2, 0);
	T = trans[ 0][232] = settr(231,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(231,2,229,0,0,"ATOMIC", 0, 2, 0);
	trans[0][229]	= settr(228,0,237,107,107,"cb = after", 0, 2, 0); /* m: 230 -> 0,237 */
	reached0[230] = 1;
	trans[0][230]	= settr(0,0,0,0,0,"after = 0",0,0,0);
	trans[0][231]	= settr(0,0,0,0,0,"special = 0",0,0,0);
	trans[0][235]	= settr(234,0,269,2,0,"else", 0, 2, 0);
	trans[0][236]	= settr(235,0,269,1,0,"goto :b4", 0, 2, 0);
	trans[0][239]	= settr(238,0,269,1,0,"break", 0, 2, 0);
	T = trans[0][269] = settr(268,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(268,0,240,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(268,0,244,0,0,"IF", 0, 2, 0);
	trans[0][240]	= settr(239,0,243,108,108,"((stack==7))", 0, 2, 0);
/*->*/	trans[0][243]	= settr(242,32,302,109,109,"D_STEP42", 0, 2, 0);
	trans[0][270]	= settr(269,0,302,1,0,".(goto)", 0, 2, 0);
	trans[0][244]	= settr(243,0,268,2,0,"else", 0, 2, 0);
	T = trans[ 0][268] = settr(267,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(267,0,251,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 0][251] = settr(250,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(250,2,245,0,0,"ATOMIC", 1, 2, 0);
	trans[0][245]	= settr(244,4,267,110,110,"assert(!(event_gone))", 1, 2, 0); /* m: 246 -> 0,267 */
	reached0[246] = 1;
	trans[0][246]	= settr(0,0,0,0,0,"stack = ( ((top==7)) -> (0) : (top) )",0,0,0);
	trans[0][247]	= settr(0,0,0,0,0,"top = ( ((top==7)) -> (7) : (0) )",0,0,0);
	trans[0][248]	= settr(0,0,0,0,0,"tag = 3",0,0,0);
	trans[0][249]	= settr(0,0,0,0,0,"published = (published+1)",0,0,0);
	trans[0][250]	= settr(0,0,0,0,0,"assert((published==1))",0,0,0);
	T = trans[ 0][267] = settr(266,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(266,0,266,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][266]	= settr(265,32,302,111,111,"D_STEP59", 1, 2, 0);
	T = trans[ 0][302] = settr(301,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(301,0,299,0,0,"sub-sequence", 0, 2, 0);
	trans[0][300]	= settr(299,0,299,1,0,".(goto)", 0, 2, 0);
	T = trans[0][299] = settr(298,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(298,0,274,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(298,0,297,0,0,"DO", 0, 2, 0);
	trans[0][274]	= settr(273,0,283,112,0,"((list!=0))", 0, 2, 0);
/*->*/	trans[0][283]	= settr(282,32,286,113,113,"D_STEP77", 1, 2, 0);
/*->*/	trans[0][286]	= settr(285,32,292,114,114,"D_STEP89", 1, 2, 0);
	T = trans[0][292] = settr(291,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(291,0,287,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(291,0,291,0,0,"IF", 0, 2, 0);
	trans[0][287]	= settr(286,0,290,115,115,"(special)", 0, 2, 0);
/*->*/	trans[0][290]	= settr(289,32,296,116,116,"D_STEP97", 1, 2, 0);
	trans[0][293]	= settr(292,0,296,1,0,".(goto)", 0, 2, 0);
	trans[0][291]	= settr(290,0,296,2,0,"else", 0, 2, 0);
	T = trans[ 0][296] = settr(295,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(295,2,294,0,0,"ATOMIC", 0, 2, 0);
	trans[0][294]	= settr(293,0,299,117,117,"cb = 0", 0, 2, 0); /* m: 295 -> 0,299 */
	reached0[295] = 1;
	trans[0][295]	= settr(0,0,0,0,0,"special = 0",0,0,0);
	trans[0][297]	= settr(296,0,313,2,0,"else", 0, 2, 0);
	trans[0][298]	= settr(297,0,313,1,0,"goto :b7", 0, 2, 0);
	trans[0][301]	= settr(300,0,313,1,0,"break", 0, 2, 0);
	trans[0][310]	= settr(309,0,313,1,0,".(goto)", 0, 2, 0);
	trans[0][305]	= settr(304,0,308,2,0,"else", 0, 2, 0);
	T = trans[ 0][308] = settr(307,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(307,2,306,0,0,"ATOMIC", 1, 2, 0);
	trans[0][306]	= settr(305,0,313,118,118,"detached[c] = good", 1, 2, 0); /* m: 307 -> 0,313 */
	reached0[307] = 1;
	trans[0][307]	= settr(0,0,0,0,0,"users = (users-1)",0,0,0);
	T = trans[ 0][313] = settr(312,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(312,2,311,0,0,"ATOMIC", 0, 2, 0);
	trans[0][311]	= settr(310,4,319,119,119,"good = 0", 0, 2, 0); /* m: 312 -> 0,319 */
	reached0[312] = 1;
	trans[0][312]	= settr(0,0,0,0,0,"go_on = 0",0,0,0);
	T = trans[0][319] = settr(318,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(318,0,315,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(318,0,317,0,0,"IF", 0, 2, 0);
	trans[0][315]	= settr(314,0,324,120,0,"((detached[c]||returned[c]))", 1, 2, 0);
	trans[0][316]	= settr(315,0,324,1,0,"goto :b0", 0, 2, 0);
	trans[0][320]	= settr(319,0,321,1,0,".(goto)", 0, 2, 0);
	trans[0][317]	= settr(316,0,318,2,0,"else", 0, 2, 0);
	trans[0][318]	= settr(317,0,321,121,0,"(((returned[c]||(tag==1))||(tag==0)))", 1, 2, 0);
	trans[0][323]	= settr(322,0,324,1,0,"break", 0, 2, 0);
	trans[0][324]	= settr(323,0,631,122,122,"users = (users-1)", 1, 2, 0);
	trans[0][618]	= settr(617,0,631,1,0,".(goto)", 0, 2, 0);
	trans[0][326]	= settr(325,0,614,123,0,"(!(kept[c]))", 1, 2, 0);
	T = trans[ 0][614] = settr(613,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(613,0,351,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 0][351] = settr(350,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(350,0,329,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][329]	= settr(328,32,350,124,124,"D_STEP259", 1, 2, 0);
	T = trans[ 0][350] = settr(349,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(349,2,330,0,0,"ATOMIC", 1, 2, 0);
	trans[0][330]	= settr(329,2,348,125,125,"(((top!=7)||(tag==3)))", 1, 2, 0); /* m: 331 -> 348,0 */
	reached0[331] = 1;
	trans[0][331]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	T = trans[0][348] = settr(347,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(347,2,332,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(347,2,335,0,0,"IF", 1, 2, 0);
	trans[0][332]	= settr(331,4,609,126,126,"(((tag==3)||(top==0)))", 1, 2, 0); /* m: 333 -> 609,0 */
	reached0[333] = 1;
	trans[0][333]	= settr(0,0,0,0,0,"good = 0",0,0,0);
	trans[0][334]	= settr(0,0,0,0,0,"go_on = 0",0,0,0);
	trans[0][349]	= settr(348,0,609,127,127,".(goto)", 1, 2, 0);
	trans[0][335]	= settr(334,2,346,2,0,"else", 1, 2, 0);
	T = trans[0][346] = settr(345,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(345,2,336,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(345,2,340,0,0,"IF", 1, 2, 0);
	trans[0][336]	= settr(335,4,609,128,128,"(((go_on&&(top==c))&&(tag==0)))", 1, 2, 0); /* m: 337 -> 609,0 */
	reached0[337] = 1;
	trans[0][337]	= settr(0,0,0,0,0,"top = 0",0,0,0);
	trans[0][338]	= settr(0,0,0,0,0,"good = 1",0,0,0);
	trans[0][339]	= settr(0,0,0,0,0,"go_on = 0",0,0,0);
	trans[0][347]	= settr(346,4,609,129,129,".(goto)", 1, 2, 0); /* m: 349 -> 0,609 */
	reached0[349] = 1;
	trans[0][340]	= settr(339,2,341,2,0,"else", 1, 2, 0);
	trans[0][341]	= settr(340,4,609,130,130,"stack = top", 1, 2, 0); /* m: 342 -> 0,609 */
	reached0[342] = 1;
	trans[0][342]	= settr(0,0,0,0,0,"wtag = tag",0,0,0);
	trans[0][343]	= settr(0,0,0,0,0,"top = 7",0,0,0);
	trans[0][344]	= settr(0,0,0,0,0,"good = 0",0,0,0);
	trans[0][345]	= settr(0,0,0,0,0,"go_on = 1",0,0,0);
	T = trans[0][609] = settr(608,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(608,0,352,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(608,0,605,0,0,"IF", 0, 2, 0);
	trans[0][352]	= settr(351,0,394,131,131,"(go_on)", 0, 2, 0);
	T = trans[ 0][394] = settr(393,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(393,0,393,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][393]	= settr(392,32,395,132,132,"D_STEP280", 1, 2, 0);
	trans[0][395]	= settr(394,0,603,133,133,"detached[c] = good", 1, 2, 0);
	T = trans[0][603] = settr(602,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(602,0,396,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(602,0,398,0,0,"IF", 0, 2, 0);
	trans[0][396]	= settr(395,0,397,134,134,"(!(go_on))", 0, 2, 0);
	trans[0][397]	= settr(396,0,613,135,135,"users = (users-1)", 1, 2, 0);
	trans[0][604]	= settr(603,0,613,1,0,".(goto)", 0, 2, 0);
	trans[0][398]	= settr(397,0,572,136,136,"(go_on)", 0, 2, 0);
	T = trans[0][572] = settr(571,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(571,0,399,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(571,0,419,0,0,"IF", 0, 2, 0);
	trans[0][399]	= settr(398,0,402,137,0,"((tag==3))", 1, 2, 0);
	T = trans[ 0][402] = settr(401,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(401,2,400,0,0,"ATOMIC", 1, 2, 0);
	trans[0][400]	= settr(399,4,418,138,138,"assert(!(event_gone))", 1, 2, 0); /* m: 401 -> 0,418 */
	reached0[401] = 1;
	trans[0][401]	= settr(0,0,0,0,0,"users = (users-1)",0,0,0);
	T = trans[ 0][418] = settr(417,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(417,0,417,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][417]	= settr(416,32,602,139,139,"D_STEP59", 1, 2, 0);
	trans[0][573]	= settr(572,0,602,1,0,".(goto)", 0, 2, 0);
	trans[0][419]	= settr(418,0,420,2,0,"else", 0, 2, 0);
	trans[0][420]	= settr(419,0,469,140,140,"users = (users-1)", 1, 2, 0);
	T = trans[ 0][469] = settr(468,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(468,0,468,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][468]	= settr(467,32,571,141,141,"D_STEP155", 1, 2, 0);
	T = trans[ 0][571] = settr(570,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(570,0,537,0,0,"sub-sequence", 0, 2, 0);
	trans[0][538]	= settr(537,0,537,1,0,".(goto)", 0, 2, 0);
	T = trans[0][537] = settr(536,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(536,0,470,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(536,0,535,0,0,"DO", 0, 2, 0);
	trans[0][470]	= settr(469,0,479,142,0,"((cb!=0))", 0, 2, 0);
/*->*/	trans[0][479]	= settr(478,32,482,143,143,"D_STEP19", 1, 2, 0);
/*->*/	trans[0][482]	= settr(481,32,533,144,144,"D_STEP29", 1, 2, 0);
	T = trans[0][533] = settr(532,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(532,0,483,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(532,0,521,0,0,"IF", 0, 2, 0);
	trans[0][483]	= settr(482,0,486,145,0,"((refusals>0))", 1, 2, 0);
	T = trans[ 0][486] = settr(485,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(485,2,484,0,0,"ATOMIC", 1, 2, 0);
	trans[0][484]	= settr(483,4,518,146,146,"refusals = (refusals-1)", 1, 2, 0); /* m: 485 -> 0,518 */
	reached0[485] = 1;
	trans[0][485]	= settr(0,0,0,0,0,"after = 0",0,0,0);
	T = trans[ 0][518] = settr(517,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(517,0,503,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][503]	= settr(502,32,508,147,147,"D_STEP124", 1, 2, 0);
	T = trans[ 0][508] = settr(507,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(507,2,504,0,0,"ATOMIC", 1, 2, 0);
	trans[0][504]	= settr(503,4,517,148,148,"((top!=7))", 1, 2, 0); /* m: 505 -> 517,0 */
	reached0[505] = 1;
	trans[0][505]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	trans[0][506]	= settr(0,0,0,0,0,"assert(!(cb_gone[last]))",0,0,0);
	trans[0][507]	= settr(0,0,0,0,0,"next[last] = top",0,0,0);
	T = trans[ 0][517] = settr(516,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(516,2,509,0,0,"ATOMIC", 1, 2, 0);
	trans[0][509]	= settr(508,0,569,149,149,"((top!=7))", 1, 2, 0); /* m: 510 -> 569,0 */
	reached0[510] = 1;
	trans[0][510]	= settr(0,0,0,0,0,"next[last] = top",0,0,0);
	trans[0][511]	= settr(0,0,0,0,0,"assert(!(event_gone))",0,0,0);
	trans[0][512]	= settr(0,0,0,0,0,"top = cb",0,0,0);
	trans[0][513]	= settr(0,0,0,0,0,"tag = 1",0,0,0);
	trans[0][514]	= settr(0,0,0,0,0,"refused = 1",0,0,0);
	trans[0][515]	= settr(0,0,0,0,0,"last = 0",0,0,0);
	trans[0][516]	= settr(0,0,0,0,0,"cb = 0",0,0,0);
	trans[0][519]	= settr(0,0,0,0,0,"stack = 7",0,0,0);
	trans[0][520]	= settr(519,0,569,1,0,"goto :b11", 0, 2, 0);
	trans[0][534]	= settr(533,0,537,1,0,".(goto)", 0, 2, 0);
	trans[0][521]	= settr(520,0,527,1,0,"(1)", 0, 2, 0);
	T = trans[0][527] = settr(526,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(526,0,522,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(526,0,526,0,0,"IF", 0, 2, 0);
	trans[0][522]	= settr(521,0,525,150,150,"(special)", 0, 2, 0);
/*->*/	trans[0][525]	= settr(524,32,532,151,151,"D_STEP34", 1, 2, 0);
	trans[0][528]	= settr(527,0,532,1,0,".(goto)", 0, 2, 0);
	trans[0][526]	= settr(525,0,532,2,0,"else", 0, 2, 0);
	T = trans[ 0][532] = settr(531,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(531,2,529,0,0,"ATOMIC", 0, 2, 0);
	trans[0][529]	= settr(528,0,537,152,152,"cb = after", 0, 2, 0); /* m: 530 -> 0,537 */
	reached0[530] = 1;
	trans[0][530]	= settr(0,0,0,0,0,"after = 0",0,0,0);
	trans[0][531]	= settr(0,0,0,0,0,"special = 0",0,0,0);
	trans[0][535]	= settr(534,0,569,2,0,"else", 0, 2, 0);
	trans[0][536]	= settr(535,0,569,1,0,"goto :b11", 0, 2, 0);
	trans[0][539]	= settr(538,0,569,1,0,"break", 0, 2, 0);
	T = trans[0][569] = settr(568,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(568,0,540,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(568,0,544,0,0,"IF", 0, 2, 0);
	trans[0][540]	= settr(539,0,543,153,153,"((stack==7))", 0, 2, 0);
/*->*/	trans[0][543]	= settr(542,32,602,154,154,"D_STEP42", 0, 2, 0);
	trans[0][570]	= settr(569,0,602,1,0,".(goto)", 0, 2, 0);
	trans[0][544]	= settr(543,0,568,2,0,"else", 0, 2, 0);
	T = trans[ 0][568] = settr(567,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(567,0,551,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 0][551] = settr(550,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(550,2,545,0,0,"ATOMIC", 1, 2, 0);
	trans[0][545]	= settr(544,4,567,155,155,"assert(!(event_gone))", 1, 2, 0); /* m: 546 -> 0,567 */
	reached0[546] = 1;
	trans[0][546]	= settr(0,0,0,0,0,"stack = ( ((top==7)) -> (0) : (top) )",0,0,0);
	trans[0][547]	= settr(0,0,0,0,0,"top = ( ((top==7)) -> (7) : (0) )",0,0,0);
	trans[0][548]	= settr(0,0,0,0,0,"tag = 3",0,0,0);
	trans[0][549]	= settr(0,0,0,0,0,"published = (published+1)",0,0,0);
	trans[0][550]	= settr(0,0,0,0,0,"assert((published==1))",0,0,0);
	T = trans[ 0][567] = settr(566,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(566,0,566,0,0,"sub-sequence", 0, 2, 0);
/*->*/	trans[0][566]	= settr(565,32,602,156,156,"D_STEP59", 1, 2, 0);
	T = trans[ 0][602] = settr(601,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(601,0,599,0,0,"sub-sequence", 0, 2, 0);
	trans[0][600]	= settr(599,0,599,1,0,".(goto)", 0, 2, 0);
	T = trans[0][599] = settr(598,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(598,0,574,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(598,0,597,0,0,"DO", 0, 2, 0);
	trans[0][574]	= settr(573,0,583,157,0,"((list!=0))", 0, 2, 0);
/*->*/	trans[0][583]	= settr(582,32,586,158,158,"D_STEP77", 1, 2, 0);
/*->*/	trans[0][586]	= settr(585,32,592,159,159,"D_STEP89", 1, 2, 0);
	T = trans[0][592] = settr(591,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(591,0,587,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(591,0,591,0,0,"IF", 0, 2, 0);
	trans[0][587]	= settr(586,0,590,160,160,"(special)", 0, 2, 0);
/*->*/	trans[0][590]	= settr(589,32,596,161,161,"D_STEP97", 1, 2, 0);
	trans[0][593]	= settr(592,0,596,1,0,".(goto)", 0, 2, 0);
	trans[0][591]	= settr(590,0,596,2,0,"else", 0, 2, 0);
	T = trans[ 0][596] = settr(595,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(595,2,594,0,0,"ATOMIC", 0, 2, 0);
	trans[0][594]	= settr(593,0,599,162,162,"cb = 0", 0, 2, 0); /* m: 595 -> 0,599 */
	reached0[595] = 1;
	trans[0][595]	= settr(0,0,0,0,0,"special = 0",0,0,0);
	trans[0][597]	= settr(596,0,613,2,0,"else", 0, 2, 0);
	trans[0][598]	= settr(597,0,613,1,0,"goto :b14", 0, 2, 0);
	trans[0][601]	= settr(600,0,613,1,0,"break", 0, 2, 0);
	trans[0][610]	= settr(609,0,613,1,0,".(goto)", 0, 2, 0);
	trans[0][605]	= settr(604,0,608,2,0,"else", 0, 2, 0);
	T = trans[ 0][608] = settr(607,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(607,2,606,0,0,"ATOMIC", 1, 2, 0);
	trans[0][606]	= settr(605,0,613,163,163,"detached[c] = good", 1, 2, 0); /* m: 607 -> 0,613 */
	reached0[607] = 1;
	trans[0][607]	= settr(0,0,0,0,0,"users = (users-1)",0,0,0);
	T = trans[ 0][613] = settr(612,2,0,0,0,"ATOMIC", 0, 2, 0);
	T->nxt	= settr(612,2,611,0,0,"ATOMIC", 0, 2, 0);
	trans[0][611]	= settr(610,0,631,164,164,"good = 0", 0, 2, 0); /* m: 612 -> 0,631 */
	reached0[612] = 1;
	trans[0][612]	= settr(0,0,0,0,0,"go_on = 0",0,0,0);
	trans[0][615]	= settr(614,0,616,165,0,"(!(kept[c]))", 1, 2, 0);
	trans[0][616]	= settr(615,0,631,166,166,"users = (users-1)", 1, 2, 0);
	T = trans[0][631] = settr(630,0,0,0,0,"IF", 0, 2, 0);
	T = T->nxt	= settr(630,0,619,0,0,"IF", 0, 2, 0);
	    T->nxt	= settr(630,0,621,0,0,"IF", 0, 2, 0);
	trans[0][619]	= settr(618,0,620,167,0,"(detached[c])", 1, 2, 0);
	trans[0][620]	= settr(619,0,635,168,168,"cb_gone[c] = 1", 1, 2, 0);
	trans[0][632]	= settr(631,0,635,1,0,".(goto)", 0, 2, 0);
	trans[0][621]	= settr(620,0,622,2,0,"else", 0, 2, 0);
	trans[0][622]	= settr(621,0,630,169,0,"assert((!(kept[c])||over[c]))", 1, 2, 0);
	T = trans[ 0][630] = settr(629,0,0,0,0,"sub-sequence", 0, 2, 0);
	T->nxt	= settr(629,0,629,0,0,"sub-sequence", 0, 2, 0);
	T = trans[ 0][629] = settr(628,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(628,2,623,0,0,"ATOMIC", 1, 2, 0);
	trans[0][623]	= settr(622,2,627,170,0,"(((over[c]&&(!(interceptor[c])||(published>0)))||quiet))", 1, 2, 0);
	T = trans[0][627] = settr(626,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(626,2,624,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(626,2,626,0,0,"IF", 1, 2, 0);
	trans[0][624]	= settr(623,0,635,171,171,"((over[c]&&(!(interceptor[c])||(published>0))))", 1, 2, 0); /* m: 625 -> 635,0 */
	reached0[625] = 1;
	trans[0][625]	= settr(0,0,0,0,0,"cb_gone[c] = 1",0,0,0);
	trans[0][628]	= settr(627,0,635,172,172,".(goto)", 1, 2, 0);
	trans[0][626]	= settr(625,2,628,2,0,"else", 1, 2, 0);
	trans[0][635]	= settr(634,0,636,173,173,"ended = (ended+1)", 1, 2, 0);
	trans[0][636]	= settr(635,0,0,174,174,"-end-", 0, 3500, 0);
	/* np_ demon: */
	trans[_NP_] = (Trans **) emalloc(3*sizeof(Trans *));
	T = trans[_NP_][0] = settr(9997,0,1,_T5,0,"(np_)", 1,2,0);
	    T->nxt	  = settr(9998,0,0,_T2,0,"(1)",   0,2,0);
	T = trans[_NP_][1] = settr(9999,0,1,_T5,0,"(np_)", 1,2,0);
}

Trans *
settr(	int t_id, int a, int b, int c, int d,
	char *t, int g, int tpe0, int tpe1)
{	Trans *tmp = (Trans *) emalloc(sizeof(Trans));

	tmp->atom  = a&(6|32);	/* only (2|8|32) have meaning */
	if (!g) tmp->atom |= 8;	/* no global references */
	tmp->st    = b;
	tmp->tpe[0] = tpe0;
	tmp->tpe[1] = tpe1;
	tmp->tp    = t;
	tmp->t_id  = t_id;
	tmp->forw  = c;
	tmp->back  = d;
	return tmp;
}

Trans *
cpytr(Trans *a)
{	Trans *tmp = (Trans *) emalloc(sizeof(Trans));

	int i;
	tmp->atom  = a->atom;
	tmp->st    = a->st;
#ifdef HAS_UNLESS
	tmp->e_trans = a->e_trans;
	for (i = 0; i < HAS_UNLESS; i++)
		tmp->escp[i] = a->escp[i];
#endif
	tmp->tpe[0] = a->tpe[0];
	tmp->tpe[1] = a->tpe[1];
	for (i = 0; i < 6; i++)
	{	tmp->qu[i] = a->qu[i];
		tmp->ty[i] = a->ty[i];
	}
	tmp->tp    = (char *) emalloc(strlen(a->tp)+1);
	strcpy(tmp->tp, a->tp);
	tmp->t_id  = a->t_id;
	tmp->forw  = a->forw;
	tmp->back  = a->back;
	return tmp;
}

#ifndef NOREDUCE
int
srinc_set(int n)
{	if (n <= 2) return LOCAL;
	if (n <= 2+  DELTA) return Q_FULL_F; /* 's' or nfull  */
	if (n <= 2+2*DELTA) return Q_EMPT_F; /* 'r' or nempty */
	if (n <= 2+3*DELTA) return Q_EMPT_T; /* empty */
	if (n <= 2+4*DELTA) return Q_FULL_T; /* full  */
	if (n ==   5*DELTA) return GLOBAL;
	if (n ==   6*DELTA) return TIMEOUT_F;
	if (n ==   7*DELTA) return ALPHA_F;
	Uerror("cannot happen srinc_class");
	return BAD;
}
int
srunc(int n, int m)
{	switch(m) {
	case Q_FULL_F: return n-2;
	case Q_EMPT_F: return n-2-DELTA;
	case Q_EMPT_T: return n-2-2*DELTA;
	case Q_FULL_T: return n-2-3*DELTA;
	case ALPHA_F:
	case TIMEOUT_F: return 257; /* non-zero, and > MAXQ */
	}
	Uerror("cannot happen srunc");
	return 0;
}
#endif
int cnt;
#ifdef HAS_UNLESS
int
isthere(Trans *a, int b)
{	Trans *t;
	for (t = a; t; t = t->nxt)
		if (t->t_id == b)
			return 1;
	return 0;
}
#endif
#ifndef NOREDUCE
int
mark_safety(Trans *t) /* for conditional safety */
{	int g = 0, i, j, k;

	if (!t) return 0;
	if (t->qu[0])
		return (t->qu[1])?2:1;	/* marked */

	for (i = 0; i < 2; i++)
	{	j = srinc_set(t->tpe[i]);
		if (j >= GLOBAL && j != ALPHA_F)
			return -1;
		if (j != LOCAL)
		{	k = srunc(t->tpe[i], j);
			if (g == 0
			||  t->qu[0] != k
			||  t->ty[0] != j)
			{	t->qu[g] = k;
				t->ty[g] = j;
				g++;
	}	}	}
	return g;
}
#endif
void
retrans(int n, int m, int is, short srcln[], uchar reach[], uchar lpstate[])
	/* process n, with m states, is=initial state */
{	Trans *T0, *T1, *T2, *T3;
	Trans *T4, *T5; /* t_reverse or has_unless */
	int i;
#if defined(HAS_UNLESS) || !defined(NOREDUCE)
	int k;
#endif
#ifndef NOREDUCE
	int g, h, j, aa;
#endif
#ifdef HAS_UNLESS
	int p;
#endif
	if (state_tables >= 4)
	{	printf("STEP 1 %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
		return;
	}
	do {
		for (i = 1, cnt = 0; i < m; i++)
		{	T2 = trans[n][i];
			T1 = T2?T2->nxt:(Trans *)0;
/* prescan: */		for (T0 = T1; T0; T0 = T0->nxt)
/* choice in choice */	{	if (T0->st && trans[n][T0->st]
				&&  trans[n][T0->st]->nxt)
					break;
			}
#if 0
		if (T0)
		printf("\tstate %d / %d: choice in choice\n",
		i, T0->st);
#endif
			if (T0)
			for (T0 = T1; T0; T0 = T0->nxt)
			{	T3 = trans[n][T0->st];
				if (!T3->nxt)
				{	T2->nxt = cpytr(T0);
					T2 = T2->nxt;
					imed(T2, T0->st, n, i);
					continue;
				}
				do {	T3 = T3->nxt;
					T2->nxt = cpytr(T3);
					T2 = T2->nxt;
					imed(T2, T0->st, n, i);
				} while (T3->nxt);
				cnt++;
			}
		}
	} while (cnt);
	if (state_tables >= 3)
	{	printf("STEP 2 %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
		return;
	}
	for (i = 1; i < m; i++)
	{	if (trans[n][i] && trans[n][i]->nxt) /* optimize */
		{	T1 = trans[n][i]->nxt;
#if 0
			printf("\t\tpull %d (%d) to %d\n",
			T1->st, T1->forw, i);
#endif
			srcln[i] = srcln[T1->st];	/* Oyvind Teig, 5.2.0 */

			if (!trans[n][T1->st]) continue;
			T0 = cpytr(trans[n][T1->st]);
			trans[n][i] = T0;
			reach[T1->st] = 1;
			imed(T0, T1->st, n, i);
			for (T1 = T1->nxt; T1; T1 = T1->nxt)
			{
#if 0
			printf("\t\tpull %d (%d) to %d\n",
				T1->st, T1->forw, i);
#endif
		/*		srcln[i] = srcln[T1->st];  gh: not useful */
				if (!trans[n][T1->st]) continue;
				T0->nxt = cpytr(trans[n][T1->st]);
				T0 = T0->nxt;
				reach[T1->st] = 1;
				imed(T0, T1->st, n, i);
	}	}	}
	if (state_tables >= 2)
	{	printf("STEP 3 %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
		return;
	}
#ifdef HAS_UNLESS
	for (i = 1; i < m; i++)
	{	if (!trans[n][i]) continue;
		/* check for each state i if an
		 * escape to some state p is defined
		 * if so, copy and mark p's transitions
		 * and prepend them to the transition-
		 * list of state i
		 */
	 if (!like_java) /* the default */
	 {	for (T0 = trans[n][i]; T0; T0 = T0->nxt)
		for (k = HAS_UNLESS-1; k >= 0; k--)
		{	if (p = T0->escp[k])
			for (T1 = trans[n][p]; T1; T1 = T1->nxt)
			{	if (isthere(trans[n][i], T1->t_id))
					continue;
				T2 = cpytr(T1);
				T2->e_trans = p;
				T2->nxt = trans[n][i];
				trans[n][i] = T2;
		}	}
	 } else /* outermost unless checked first */
	 {	T4 = T3 = (Trans *) 0;
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
		for (k = HAS_UNLESS-1; k >= 0; k--)
		{	if (p = T0->escp[k])
			for (T1 = trans[n][p]; T1; T1 = T1->nxt)
			{	if (isthere(trans[n][i], T1->t_id))
					continue;
				T2 = cpytr(T1);
				T2->nxt = (Trans *) 0;
				T2->e_trans = p;
				if (T3)	T3->nxt = T2;
				else	T4 = T2;
				T3 = T2;
		}	}
		if (T4)
		{	T3->nxt = trans[n][i];
			trans[n][i] = T4;
		}
	 }
	}
#endif
#ifndef NOREDUCE
	for (i = 1; i < m; i++)
	{	if (a_cycles)
		{ /* moves through these states are visible */
	#if PROG_LAB>0 && defined(HAS_NP)
			if (progstate[n][i])
				goto degrade;
			for (T1 = trans[n][i]; T1; T1 = T1->nxt)
				if (progstate[n][T1->st])
					goto degrade;
	#endif
			if (accpstate[n][i] || visstate[n][i])
				goto degrade;
			for (T1 = trans[n][i]; T1; T1 = T1->nxt)
				if (accpstate[n][T1->st])
					goto degrade;
		}
		T1 = trans[n][i];
		if (!T1) continue;
		g = mark_safety(T1);	/* V3.3.1 */
		if (g < 0) goto degrade; /* global */
		/* check if mixing of guards preserves reduction */
		if (T1->nxt)
		{	k = 0;
			for (T0 = T1; T0; T0 = T0->nxt)
			{	if (!(T0->atom&8))
					goto degrade;
				for (aa = 0; aa < 2; aa++)
				{	j = srinc_set(T0->tpe[aa]);
					if (j >= GLOBAL && j != ALPHA_F)
						goto degrade;
					if (T0->tpe[aa]
					&&  T0->tpe[aa]
					!=  T1->tpe[0])
						k = 1;
			}	}
			/* g = 0;	V3.3.1 */
			if (k)	/* non-uniform selection */
			for (T0 = T1; T0; T0 = T0->nxt)
			for (aa = 0; aa < 2; aa++)
			{	j = srinc_set(T0->tpe[aa]);
				if (j != LOCAL)
				{	k = srunc(T0->tpe[aa], j);
					for (h = 0; h < 6; h++)
						if (T1->qu[h] == k
						&&  T1->ty[h] == j)
							break;
					if (h >= 6)
					{	T1->qu[g%6] = k;
						T1->ty[g%6] = j;
						g++;
			}	}	}
			if (g > 6)
			{	T1->qu[0] = 0;	/* turn it off */
				printf("pan: warning, line %d, ",
					srcln[i]);
			 	printf("too many stmnt types (%d)",
					g);
			  	printf(" in selection\n");
			  goto degrade;
			}
		}
		/* mark all options global if >=1 is global */
		for (T1 = trans[n][i]; T1; T1 = T1->nxt)
			if (!(T1->atom&8)) break;
		if (T1)
degrade:	for (T1 = trans[n][i]; T1; T1 = T1->nxt)
			T1->atom &= ~8;	/* mark as unsafe */
		/* can only mix 'r's or 's's if on same chan */
		/* and not mixed with other local operations */
		T1 = trans[n][i];
		if (!T1 || T1->qu[0]) continue;
		j = T1->tpe[0];
		if (T1->nxt && T1->atom&8)
		{ if (j == 5*DELTA)
		  {	printf("warning: line %d ", srcln[i]);
			printf("mixed condition ");
			printf("(defeats reduction)\n");
			goto degrade;
		  }
		  for (T0 = T1; T0; T0 = T0->nxt)
		  for (aa = 0; aa < 2; aa++)
		  if  (T0->tpe[aa] && T0->tpe[aa] != j)
		  {	printf("warning: line %d ", srcln[i]);
			printf("[%d-%d] mixed %stion ",
				T0->tpe[aa], j, 
				(j==5*DELTA)?"condi":"selec");
			printf("(defeats reduction)\n");
			printf("	'%s' <-> '%s'\n",
				T1->tp, T0->tp);
			goto degrade;
		} }
	}
#endif
	for (i = 1; i < m; i++)
	{	T2 = trans[n][i];
		if (!T2
		||  T2->nxt
		||  strncmp(T2->tp, ".(goto)", 7)
		||  !stopstate[n][i])
			continue;
		stopstate[n][T2->st] = 1;
	}
	if (state_tables && !verbose)
	{	if (dodot)
		{	char buf[256], *q = buf, *p = procname[n];
			while (*p != '\0')
			{	if (*p != ':')
				{	*q++ = *p;
				}
				p++;
			}
			*q = '\0';
			printf("digraph ");
			switch (Btypes[n]) {
			case I_PROC:  printf("init {\n"); break;
			case N_CLAIM: printf("claim_%s {\n", buf); break;
			case E_TRACE: printf("notrace {\n"); break;
			case N_TRACE: printf("trace {\n"); break;
			default:      printf("p_%s {\n", buf); break;
			}
			printf("size=\"8,10\";\n");
			printf("  GT [shape=box,style=dotted,label=\"%s\"];\n", buf);
			printf("  GT -> S%d;\n", is);
		} else
		{	switch (Btypes[n]) {
			case I_PROC:  printf("init\n"); break;
			case N_CLAIM: printf("claim %s\n", procname[n]); break;
			case E_TRACE: printf("notrace assertion\n"); break;
			case N_TRACE: printf("trace assertion\n"); break;
			default:      printf("proctype %s\n", procname[n]); break;
		}	}
		for (i = 1; i < m; i++)
		{	reach[i] = 1;
		}
		tagtable(n, m, is, srcln, reach);
		if (dodot) printf("}\n");
	} else
	for (i = 1; i < m; i++)
	{	int nrelse;
		if (Btypes[n] != N_CLAIM)
		{	for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			{	if (T0->st == i
				&& strcmp(T0->tp, "(1)") == 0)
				{	printf("error: proctype '%s' ",
						procname[n]);
		  			printf("line %d, state %d: has un",
						srcln[i], i);
					printf("conditional self-loop\n");
					pan_exit(1);
		}	}	}
		nrelse = 0;
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
		{	if (strcmp(T0->tp, "else") == 0)
				nrelse++;
		}
		if (nrelse > 1)
		{	printf("error: proctype '%s' state",
				procname[n]);
		  	printf(" %d, inherits %d", i, nrelse);
		  	printf(" 'else' stmnts\n");
			pan_exit(1);
	}	}
#if !defined(LOOPSTATE) && !defined(BFS_PAR)
	if (state_tables)
#endif
	do_dfs(n, m, is, srcln, reach, lpstate);

	if (!t_reverse)
	{	return;
	}
	/* process n, with m states, is=initial state -- reverse list */
	if (!state_tables && Btypes[n] != N_CLAIM)
	{	for (i = 1; i < m; i++)
		{	Trans *Tx = (Trans *) 0; /* list of escapes */
			Trans *Ty = (Trans *) 0; /* its tail element */
			T1 = (Trans *) 0; /* reversed list */
			T2 = (Trans *) 0; /* its tail */
			T3 = (Trans *) 0; /* remembers possible 'else' */

			/* find unless-escapes, they should go first */
			T4 = T5 = T0 = trans[n][i];
	#ifdef HAS_UNLESS
			while (T4 && T4->e_trans) /* escapes are first in orig list */
			{	T5 = T4;	  /* remember predecessor */
				T4 = T4->nxt;
			}
	#endif
			/* T4 points to first non-escape, T5 to its parent, T0 to original list */
			if (T4 != T0)		 /* there was at least one escape */
			{	T3 = T5->nxt;		 /* start of non-escapes */
				T5->nxt = (Trans *) 0;	 /* separate */
				Tx = T0;		 /* start of the escapes */
				Ty = T5;		 /* its tail */
				T0 = T3;		 /* the rest, to be reversed */
			}
			/* T0 points to first non-escape, Tx to the list of escapes, Ty to its tail */

			/* first tail-add non-escape transitions, reversed */
			T3 = (Trans *) 0;
			for (T5 = T0; T5; T5 = T4)
			{	T4 = T5->nxt;
	#ifdef HAS_UNLESS
				if (T5->e_trans)
				{	printf("error: cannot happen!\n");
					continue;
				}
	#endif
				if (strcmp(T5->tp, "else") == 0)
				{	T3 = T5;
					T5->nxt = (Trans *) 0;
				} else
				{	T5->nxt = T1;
					if (!T1) { T2 = T5; }
					T1 = T5;
			}	}
			/* T3 points to a possible else, which is removed from the list */
			/* T1 points to the reversed list so far (without escapes) */
			/* T2 points to the tail element -- where the else should go */
			if (T2 && T3)
			{	T2->nxt = T3;	/* add else */
			} else
			{	if (T3) /* there was an else, but there's no tail */
				{	if (!T1)	/* and no reversed list */
					{	T1 = T3; /* odd, but possible */
					} else		/* even stranger */
					{	T1->nxt = T3;
			}	}	}

			/* add in the escapes, to that they appear at the front */
			if (Tx && Ty) { Ty->nxt = T1; T1 = Tx; }

			trans[n][i] = T1;
			/* reversed, with escapes first and else last */
	}	}
	if (state_tables && verbose)
	{	printf("FINAL proctype %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
	}
}
void
imed(Trans *T, int v, int n, int j)	/* set intermediate state */
{	progstate[n][T->st] |= progstate[n][v];
	accpstate[n][T->st] |= accpstate[n][v];
	stopstate[n][T->st] |= stopstate[n][v];
	mapstate[n][j] = T->st;
}
void
tagtable(int n, int m, int is, short srcln[], uchar reach[])
{	Trans *z;

	if (is >= m || !trans[n][is]
	||  is <= 0 || reach[is] == 0)
		return;
	reach[is] = 0;
	if (state_tables)
	for (z = trans[n][is]; z; z = z->nxt)
	{	if (dodot)
			dot_crack(n, is, z);
		else
			crack(n, is, z, srcln);
	}

	for (z = trans[n][is]; z; z = z->nxt)
	{
#ifdef HAS_UNLESS
		int i, j;
#endif
		tagtable(n, m, z->st, srcln, reach);
#ifdef HAS_UNLESS
		for (i = 0; i < HAS_UNLESS; i++)
		{	j = trans[n][is]->escp[i];
			if (!j) break;
			tagtable(n, m, j, srcln, reach);
		}
#endif
	}
}

extern Trans *t_id_lkup[];

void
dfs_table(int n, int m, int is, short srcln[], uchar reach[], uchar lpstate[])
{	Trans *z;

	if (is >= m || is <= 0 || !trans[n][is])
		return;
	if ((reach[is] & (4|8|16)) != 0)
	{	if ((reach[is] & (8|16)) == 16)	/* on stack, not yet recorded */
		{	lpstate[is] = 1;
			reach[is] |= 8; /* recorded */
			if (state_tables && verbose)
			{	printf("state %d line %d is a loopstate\n", is, srcln[is]);
		}	}
		return;
	}
	reach[is] |= (4|16);	/* visited | onstack */
	for (z = trans[n][is]; z; z = z->nxt)
	{	t_id_lkup[z->t_id] = z;
#ifdef HAS_UNLESS
		int i, j;
#endif
		dfs_table(n, m, z->st, srcln, reach, lpstate);
#ifdef HAS_UNLESS
		for (i = 0; i < HAS_UNLESS; i++)
		{	j = trans[n][is]->escp[i];
			if (!j) break;
			dfs_table(n, m, j, srcln, reach, lpstate);
		}
#endif
	}
	reach[is] &= ~16; /* no longer on stack */
}
void
do_dfs(int n, int m, int is, short srcln[], uchar reach[], uchar lpstate[])
{	int i;
	dfs_table(n, m, is, srcln, reach, lpstate);
	for (i = 0; i < m; i++)
		reach[i] &= ~(4|8|16);
}
void
crack(int n, int j, Trans *z, short srcln[])
{	int i;

	if (!z) return;
	printf("	state %3d -(tr %3d)-> state %3d  ",
		j, z->forw, z->st);
	printf("[id %3d tp %3d", z->t_id, z->tpe[0]);
	if (z->tpe[1]) printf(",%d", z->tpe[1]);
#ifdef HAS_UNLESS
	if (z->e_trans)
		printf(" org %3d", z->e_trans);
	else if (state_tables >= 2)
	for (i = 0; i < HAS_UNLESS; i++)
	{	if (!z->escp[i]) break;
		printf(" esc %d", z->escp[i]);
	}
#endif
	printf("]");
	printf(" [%s%s%s%s%s] %s:%d => ",
		z->atom&6?"A":z->atom&32?"D":"-",
		accpstate[n][j]?"a" :"-",
		stopstate[n][j]?"e" : "-",
		progstate[n][j]?"p" : "-",
		z->atom & 8 ?"L":"G",
		PanSource, srcln[j]);
	for (i = 0; z->tp[i]; i++)
		if (z->tp[i] == '\n')
			printf("\\n");
		else
			putchar(z->tp[i]);
	if (verbose && z->qu[0])
	{	printf("\t[");
		for (i = 0; i < 6; i++)
			if (z->qu[i])
				printf("(%d,%d)",
				z->qu[i], z->ty[i]);
		printf("]");
	}
	printf("\n");
	fflush(stdout);
}
/* spin -a m.pml; cc -o pan pan.c; ./pan -D | dot -Tps > foo.ps; ps2pdf foo.ps */
void
dot_crack(int n, int j, Trans *z)
{	int i;

	if (!z) return;
	printf("	S%d -> S%d  [color=black", j, z->st);

	if (z->atom&6) printf(",style=dashed");
	else if (z->atom&32) printf(",style=dotted");
	else if (z->atom&8) printf(",style=solid");
	else printf(",style=bold");

	printf(",label=\"");
	for (i = 0; z->tp[i]; i++)
	{	if (z->tp[i] == '\\'
		&&  z->tp[i+1] == 'n')
		{	i++; printf(" ");
		} else
		{	putchar(z->tp[i]);
	}	}
	printf("\"];\n");
	if (accpstate[n][j]) printf("  S%d [color=red,style=bold];\n", j);
	else if (progstate[n][j]) printf("  S%d [color=green,style=bold];\n", j);
	if (stopstate[n][j]) printf("  S%d [color=blue,style=bold,shape=box];\n", j);
}

#ifdef VAR_RANGES
#define BYTESIZE	32	/* 2^8 : 2^3 = 256:8 = 32 */

typedef struct Vr_Ptr {
	char	*nm;
	uchar	vals[BYTESIZE];
	struct Vr_Ptr *nxt;
} Vr_Ptr;
Vr_Ptr *ranges = (Vr_Ptr *) 0;

void
logval(char *s, int v)
{	Vr_Ptr *tmp;

	if (v<0 || v > 255) return;
	for (tmp = ranges; tmp; tmp = tmp->nxt)
		if (!strcmp(tmp->nm, s))
			goto found;
	tmp = (Vr_Ptr *) emalloc(sizeof(Vr_Ptr));
	tmp->nxt = ranges;
	ranges = tmp;
	tmp->nm = s;
found:
	tmp->vals[(v)/8] |= 1<<((v)%8);
}

void
dumpval(uchar X[], int range)
{	int w, x, i, j = -1;

	for (w = i = 0; w < range; w++)
	for (x = 0; x < 8; x++, i++)
	{
from:		if ((X[w] & (1<<x)))
		{	printf("%d", i);
			j = i;
			goto upto;
	}	}
	return;
	for (w = 0; w < range; w++)
	for (x = 0; x < 8; x++, i++)
	{
upto:		if (!(X[w] & (1<<x)))
		{	if (i-1 == j)
				printf(", ");
			else
				printf("-%d, ", i-1);
			goto from;
	}	}
	if (j >= 0 && j != 255)
		printf("-255");
}

void
dumpranges(void)
{	Vr_Ptr *tmp;
	printf("\nValues assigned within ");
	printf("interval [0..255]:\n");
	for (tmp = ranges; tmp; tmp = tmp->nxt)
	{	printf("\t%s\t: ", tmp->nm);
		dumpval(tmp->vals, BYTESIZE);
		printf("\n");
	}
}
#endif
