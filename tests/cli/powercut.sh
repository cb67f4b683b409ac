#!/bin/sh
# SPDX-License-Identifier: MIT
# A served disk whose power is cut, and comes back.
. "$(dirname "$0")/../lib.sh"

URI='nbd+unix:///?socket=sock'
control_scripts
if ! command -v nbdcopy >/dev/null; then
	skip "powercut: served" "there is no nbdcopy"
	finish
	exit
fi
truncate -s 8M disk.img
head -c 1000000 /dev/urandom >old.img
head -c 1000000 /dev/urandom >new.img

serve 'powercut name=mains image=dropped | file disk.img' --ctl ctl.sock
./until ./ctl health
check "powercut: written and flushed" nbdcopy --flush old.img "$URI"
says "mains.*powercut" "powercut: in the tree" ./ctl
check "powercut: written, and not flushed" nbdcopy new.img "$URI"
says "K not flushed" "powercut: that is told" ./ctl
check "powercut: cut" ./ctl cut mains
says "to repair it: kiobuf ctl ctl.sock restore mains" "powercut: the log says how it comes back" cat .serve
code 1 "powercut: the disk is not well" ./ctl health
code 1 "powercut: nothing is read" nbdcopy "$URI" back.img
code 5 "powercut: once is enough" ./ctl cut mains
check "powercut: the power is back" ./ctl restore mains
check "powercut: all is well" ./ctl health
check "powercut: what was flushed is read" nbdcopy "$URI" back.img
check "powercut: and nothing that was not" cmp -n 1000000 old.img back.img
says "written and not flushed are lost: image=dropped" "powercut: the log says what was lost" cat .serve
kill "$SERVER" && wait "$SERVER"

# what is closed after a cut is what the next one opens; closed without one, all of it
code 4 "powercut: cut while it is copied to" "$K" copy --force new.img 'powercut cut=5 image=dropped | file disk.img'
check "powercut: nothing of that is left" cmp -n 1000000 old.img disk.img
check "powercut: with the power on all is written" "$K" copy --force new.img 'powercut | file disk.img'
check "powercut: all of it" cmp -n 1000000 new.img disk.img
finish
