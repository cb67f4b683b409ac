#!/bin/sh
# SPDX-License-Identifier: MIT
# A leg of a served mirror is lost under load, and comes back under load; the server is killed meanwhile.
. "$(dirname "$0")/../lib.sh"

BYTES=67096576 # of data; the legs' maps and states differ
URI='nbd+unix:///?socket=sock'
M='mirror name=m { file a.img name=left ; file b.img name=right }'
control_scripts
# Clients that write and read as long as ./load is there.
load_begin() {
	touch load
	(while [ -e load ]; do
		nbdcopy --requests=8 x.img "$URI" && nbdcopy "$URI" null: && nbdcopy --requests=8 y.img "$URI" ||
			exit 1
	done) >/dev/null 2>&1 &
	LOAD=$!
}
load_end() {
	rm -f load
	wait "$LOAD"
}

if ! command -v nbdcopy >/dev/null; then
	skip "resync: under load" "there is no nbdcopy"
	finish
	exit
fi
truncate -s 64M a.img b.img
head -c 20000001 /dev/urandom >x.img
head -c 20000001 /dev/urandom >y.img
"$K" create "$M" >/dev/null
serve "$M" --ctl ctl.sock
./until ./ctl health
./ctl watch >watched 2>&1 &
own_pids="$own_pids $!"
WATCH=$!
load_begin
sleep 0.3
check "resync: a leg is failed under load" ./ctl fail right
says "right was failed by hand and is stale; to repair it: kiobuf ctl ctl.sock resync right" \
	"resync: the log has the command that repairs it" cat .serve
code 5 "resync: one that is in sync is refused" ./ctl resync left
nbdcopy x.img "$URI" # it misses this, at least
check "resync: the rate is changed beforehand" ./ctl set m resync-rate=1M
says "^to_copy_bytes: [1-9]" "resync: the leg is asked back, under load" ./ctl resync right
code 5 "resync: and not twice" ./ctl resync right
says "right: degraded, stale, being made equal: .* of .*, [0-9]*%" "resync: health tells how far it is" ./ctl health
check "resync: --json too" python3 -c '
import json, subprocess, os
out = json.loads(subprocess.check_output([os.environ["KIOBUF"], "ctl", "ctl.sock", "tree", "--json"]))
told = [l["progress"] for l in out["layers"] if "progress" in l]
assert len(told) == 1 and told[0]["what"] == "resync" and told[0]["total_bytes"] > 0, out'
check "resync: and so does watch, unasked" ./until grep -q "^m: resync: .* of .*, [0-9]*%, .*/s" watched
./ctl set m resync-rate=0 >/dev/null
check "resync: it ends, under load" ./until ./ctl health
check "resync: that is told" ./until grep -q "^m: ok: the leg right is in sync again" watched
load_end
check "resync: the clients saw nothing of it" test $? -eq 0
load_begin
says "^m: the legs are equal (64.0 MiB)" "compare: under load, legs that are equal are" ./ctl compare m
check "compare: with exit code 0" ./ctl compare m
load_end
check "compare: the clients saw nothing of it" test $? -eq 0
printf differs | dd of=b.img bs=1 seek=33333333 conv=notrunc 2>/dev/null
code 1 "compare: legs that differ do" ./ctl compare m
says "differ in 1 blocks of 4096 bytes, at 33333248" "compare: and it says where" ./ctl compare m
says '"first_at": "33333248"' "compare --json: too" ./ctl compare m --json
code 1 "compare: health has it" ./ctl health
says "differing_blocks: 1" "compared: tells it once more" ./ctl compared m
./ctl fail right >/dev/null
code 3 "compare: one leg is not compared" ./ctl compare m
code 2 "resync: all, or nothing" ./ctl resync right some
says "^to_copy_bytes: $BYTES" "resync all: copies what no map knows of" ./ctl resync right all
./until ./ctl resync right all # until it is refused: it is in sync
check "compare: and then they are equal" ./ctl compare m
check "compare: and well" ./ctl health
kill "$SERVER" && wait "$SERVER"
wait "$WATCH"
check "resync: the legs are equal" cmp -n $BYTES a.img b.img
check "resync: and closed so" "$K" info "$(echo "$M" | sed 's/mirror/mirror resync=no/')"

# Killed at some moment of it, under load; it goes on by itself, and is killed again.
killed=0
R=$(echo "$M" | sed 's/mirror/mirror resync-rate=40M/')
for round in $(seq 6); do
	serve "$R" --ctl ctl.sock || break
	./until ./ctl health
	load_begin
	./ctl fail right >/dev/null
	nbdcopy y.img "$URI"
	./ctl resync right >/dev/null && killed=$((killed + 1))
	sleep "0.$((round * 13 % 10))"
	kill -KILL "$SERVER"
	wait "$SERVER" 2>/dev/null
	load_end
	if [ $((round % 2)) = 0 ]; then
		serve "$R" --ctl ctl.sock || break
		sleep 0.05
		kill -KILL "$SERVER"
		wait "$SERVER" 2>/dev/null
	fi
done
check "resync: killed in the midst of it, again and again" test $killed -eq 6
serve "$M" --ctl ctl.sock
check "resync: it goes on by itself, and ends" ./until ./ctl health
kill "$SERVER" && wait "$SERVER"
check "resync: and the legs are equal" cmp -n $BYTES a.img b.img
finish
