#!/bin/sh
# SPDX-License-Identifier: MIT
# A mirror on files: lost legs, stale legs, a server that is killed.
. "$(dirname "$0")/../lib.sh"

truncate -s 20M a.img b.img
M='mirror { file a.img name=left ; file b.img name=right }'
D='mirror degraded=yes { file a.img name=left ; file b.img name=right }'
head -c 9000001 /dev/urandom >x.img
head -c 9000001 /dev/urandom >y.img

code 3 "mirror: opening does not format" "$K" info "$M"
check "mirror: create" "$K" create "$M"
code 5 "mirror: not twice" "$K" create "$M"
check "mirror: written" "$K" copy --force x.img "$M"
check "mirror: read back" "$K" compare x.img "$M"
# the legs' states at the end differ
check "mirror: the legs have the same data" cmp -n 20959232 a.img b.img

mv b.img lost.img
code 3 "mirror: a leg is lost: refused" "$K" info "$M"
says "degraded=yes goes on without it" "mirror: and what can be done is said" "$K" info "$M"
says "1 of 2 legs in sync, degraded" "mirror: degraded=yes goes on" "$K" info "$D"
check "mirror: reads" "$K" compare x.img "$D"
check "mirror: writes" "$K" copy --force y.img "$D"
mv lost.img b.img
code 5 "mirror: the stale leg is refused" "$K" info "$M"
says "right is stale" "mirror: and named" "$K" info "$M"
check "mirror: degraded, it is not read" "$K" compare y.img "$D"
says "the leg right is stale and not used" "mirror: and that is said" "$K" info "$D"
A=$(echo "$M" | sed 's/mirror/mirror resync=all/')
says "resync=all brings it up to date" "mirror: and what brings it back" "$K" info "$M"
serve "$A"
sleep 1
kill "$SERVER" && wait "$SERVER"
check "mirror: it was brought back" "$K" compare y.img "$M"
check "mirror: and is equal" cmp -n 20959232 a.img b.img

code 5 "mirror: the same file on both legs is refused, degraded or not" \
	"$K" info 'mirror degraded=yes { file a.img ; file ./a.img }'
check "mirror: made anew" "$K" create --force "$M"
serve "$M"
check "mirror: served" nbdcopy x.img 'nbd+unix:///?socket=sock'
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null
N=$(echo "$M" | sed 's/mirror/mirror resync=no/')
code 5 "mirror: after SIGKILL one leg is kept, when asked" "$K" info "$N"
says "it was not closed" "mirror: and it says why" "$K" info "$N"
check "mirror: what was written is there" "$K" compare x.img "$M"

# Killed at any moment, many times, under writes: it opens, and its legs become equal.
killed=0
for round in $(seq 12); do
	serve "$M" || break
	nbdcopy --requests=16 "$(if [ $((round % 2)) = 0 ]; then echo x.img; else echo y.img; fi)" \
		'nbd+unix:///?socket=sock' >/dev/null 2>&1 &
	COPY=$!
	sleep "0.0$((round % 6))"
	kill -KILL "$SERVER"
	wait "$SERVER" "$COPY" 2>/dev/null
	killed=$((killed + 1))
done
check "mirror: killed under writes" test $killed -eq 12
serve "$M"
sleep 1
kill "$SERVER" && wait "$SERVER"
check "mirror: opened once more, it closes with all legs in sync" "$K" info "$N"
check "mirror: and they are equal" cmp -n 20959232 a.img b.img

# Each leg written without the other: nobody but the user knows which to keep.
"$K" create --force "$M" >/dev/null
mv b.img lost.img
check "mirror: written without the right leg" "$K" copy --force x.img "$D"
mv a.img left.img && mv lost.img b.img
check "mirror: and without the left" "$K" copy --force y.img "$D"
mv left.img a.img
code 5 "mirror: two halves that went their own ways are refused" "$K" info "$M"
code 5 "mirror: degraded=yes does not choose" "$K" info "$D"
says "keep=NAME" "mirror: it says what does" "$K" info "$M"
for leg in left:x right:y; do
	check "mirror: keep=${leg%:*} has what was written there" "$K" compare "${leg#*:}.img" \
		"mirror keep=${leg%:*} { file a.img name=left ; file b.img name=right }"
done
code 5 "mirror: looking changed nothing" "$K" info "$M"
check "mirror: one is kept, and written" "$K" copy --force x.img \
	'mirror keep=right { file a.img name=left ; file b.img name=right }'
says "left is stale" "mirror: the other is stale from then on" "$K" info "$M"
check "mirror: what was written is there" "$K" compare x.img "$D"

# A new leg takes the place of one that is lost.
"$K" create --force "$M" >/dev/null
"$K" copy --force x.img "$M" >/dev/null
mv b.img lost.img && truncate -s 20M c.img && truncate -s 10M small.img
N='mirror { file a.img name=left ; file c.img name=right }'
code 3 "mirror replace: a leg that is new is none yet" "$K" info "$N"
code 2 "mirror replace: it is found by its name" "$K" mirror replace "$N" rihgt
code 3 "mirror replace: of a mirror" "$K" mirror replace "concat { file c.img name=right }" right
code 2 "mirror replace: it has to be large enough" "$K" mirror replace "$(echo "$N" | sed s/c.img/small.img/)" right
echo data >>small.img
code 5 "mirror replace: what holds data is refused" "$K" mirror replace "$(echo "$N" | sed s/c.img/small.img/)" right
says "^right: in sync, 20.0 MiB copied" "mirror replace: the new leg gets all of it" "$K" mirror replace "$N" right
check "mirror replace: and is a leg as any other" "$K" compare x.img "$N"
check "mirror replace: it is equal" cmp -n 20959232 a.img c.img
code 5 "mirror replace: not twice, if not forced" "$K" mirror replace "$N" right
mv lost.img b.img
code 5 "mirror replace: the one before it is refused for good" "$K" info "$A"
says "right was replaced by another" "mirror replace: and it says why" "$K" info "$A"
check "mirror replace: --json" python3 -c '
import json, subprocess, os, sys
out = json.loads(subprocess.check_output([os.environ["KIOBUF"], "mirror", "replace", "--json", "--force", sys.argv[1], "right"]))
assert out["replaced"] == "right" and out["copied_bytes"] == 20959232, out' "$N"
SLOW=$(echo "$N" | sed 's/mirror/mirror resync-rate=8M/')
"$K" mirror replace --force "$SLOW" right >replaced 2>&1 &
REPLACE=$!
sleep 0.7 && kill -KILL $REPLACE && wait $REPLACE 2>/dev/null
says "1 of 2 legs in sync" "mirror replace: killed meanwhile, the new leg is not read" "$K" info "$N"
serve "$N"
sleep 1
kill "$SERVER" && wait "$SERVER"
check "mirror replace: and it went on by itself" "$K" info "$(echo "$N" | sed 's/mirror/mirror resync=no/')"
check "mirror replace: until it was equal" cmp -n 20959232 a.img c.img
"$K" mirror replace --force "$SLOW" right >replaced 2>&1 &
REPLACE=$!
sleep 0.7 && kill -INT $REPLACE && wait $REPLACE
check "mirror replace: stopped by a signal it says so" test $? -eq 130
says "goes on when the stack opens" "mirror replace: and what comes next" cat replaced
check "mirror replace: what was written is there" "$K" compare x.img "$N"

# What legs say of themselves, and whether they are equal, while nobody has them open.
"$K" mirror replace --force "$N" right >/dev/null
says "^  right *in sync; number 1" "mirror check: tells of each leg" "$K" mirror check "$N"
check "mirror check: all is well" "$K" mirror check "$N"
check "mirror compare: they are equal" "$K" mirror compare "$N"
code 1 "mirror check: the one before is none any more" "$K" mirror check "$M"
says "^  right *replaced by another" "mirror check: and it says so" "$K" mirror check "$M"
says "cannot be opened: .*nix.img" "mirror check: of a leg that is not there" "$K" mirror check \
	'mirror { file a.img ; file nix.img name=right }'
says "^  file small.img *no state" "mirror check: of one that is none" "$K" mirror check \
	'mirror { file a.img name=left ; file small.img }'
check "mirror check --json: sound" python3 -c '
import json, subprocess, os, sys
out = json.loads(subprocess.check_output([os.environ["KIOBUF"], "mirror", "check", "--json", sys.argv[1]]))
assert out["sound"] and [l["status"] for l in out["mirrors"][0]["legs"]] == ["in sync"] * 2, out' "$N"
echo 'stack disk = delay | mirror name=m { file a.img name=left ; file c.img name=right }' >disk.kio
says "^m: 2 legs of 20.0 MiB, closed; 0 of" "mirror check: finds the mirrors of a file" "$K" mirror check @disk.kio
cp a.img a.saved
printf x | dd of=c.img bs=1 seek=12345678 conv=notrunc 2>/dev/null
code 1 "mirror compare: they differ" "$K" mirror compare "$N"
says "at 12345344" "mirror compare: and it says where" "$K" mirror compare "$N"
check "mirror compare: changes nothing" cmp a.img a.saved
code 2 "mirror compare: of a mirror" "$K" mirror compare "file a.img"
D2=$(echo "$N" | sed 's/mirror/mirror degraded=yes/; s/c.img/nix.img/')
"$K" copy --force y.img "$D2" >/dev/null 2>&1
says "^  right *stale" "mirror check: of a leg that missed something" "$K" mirror check "$N"
says "[1-9][0-9]* of 320 regions of 64.0 KiB dirty" "mirror check: and how much at most" "$K" mirror check "$N"
code 3 "mirror compare: needs two in sync" "$K" mirror compare "$D2"

# A leg of which a file takes no more: its state, in another, can still be written.
printf '#!/bin/sh\ntrap "" XFSZ\nulimit -f 49152\nexec "$@"\n' >limited && chmod +x limited
truncate -s 208M full.img && truncate -s 8M tail.img && truncate -s 16M whole.img
F='mirror { file whole.img name=left ; concat name=right { crop offset=200M | file full.img ; file tail.img } }'
G=$(echo "$F" | sed 's/mirror/mirror degraded=yes/')
"$K" create "$F" >/dev/null
./limited "$K" copy --force x.img "$F" >full.out 2>&1
check "mirror: goes on when a leg fails to write" test $? -eq 0
says "right failed and is stale: File too large" "mirror: and says so" cat full.out
code 5 "mirror: the leg that failed is on record as stale" "$K" info "$F"
check "mirror: the other has it all" "$K" compare x.img "$G"
truncate -s 208M full2.img
code 4 "mirror: when no leg takes it, it is an error" ./limited "$K" copy --force x.img \
	'mirror state=none { crop offset=190M | file full.img ; crop offset=190M | file full2.img }'
finish
