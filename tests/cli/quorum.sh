#!/bin/sh
# SPDX-License-Identifier: MIT
# A served mirror with a quorum, and a leg that does not answer any more, and then does.
. "$(dirname "$0")/../lib.sh"

URI='nbd+unix:///?socket=sock'
control_scripts

if ! command -v nbdcopy >/dev/null; then
	skip "quorum: a leg that hangs" "there is no nbdcopy"
	finish
	exit
fi
truncate -s 64M a.img b.img
head -c 20000001 /dev/urandom >x.img
head -c 20000001 /dev/urandom >y.img
"$K" create 'mirror { file a.img name=left ; file b.img name=right }' >/dev/null
serve 'mirror name=m quorum=1 behind=1s { file a.img name=left ; fault name=f | file b.img name=right }' --ctl ctl.sock
./until ./ctl health
check "quorum: written and flushed" nbdcopy --flush x.img "$URI"
check "fault: one leg answers no more" ./ctl set f hang=1000000
check "quorum: the other is written, and that is flushed" timeout 20 nbdcopy --flush y.img "$URI"
code 1 "quorum: the mirror is degraded" ./ctl health
says "f was behind for too long and is stale; to repair it: kiobuf ctl ctl.sock resync f" \
	"quorum: the log says so, and what to do" cat .serve
code 5 "resync: a leg that has not answered yet is refused" ./ctl resync f
says "still on their way to f" "resync: and that is why" ./ctl resync f
nbdcopy "$URI" back.img
check "quorum: what was written is read" cmp -n 20000001 y.img back.img
check "fault: it answers again" ./ctl set f hang=0
check "resync: and comes back" ./until ./ctl resync f
check "resync: all of it" ./until ./ctl health
check "compare: begins" ./ctl compare m
check "compare: ends" ./until sh -c './ctl compared m | grep "running: 0"'
says "differing_blocks: 0" "compare: old writes that came late are on neither leg" ./ctl compared m
finish
