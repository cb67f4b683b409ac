#!/bin/sh
# SPDX-License-Identifier: MIT
# Overlays on files: one base under many, emptied, committed, killed in the middle.
. "$(dirname "$0")/../lib.sh"

head -c 20000256 /dev/urandom >base.img
head -c 20000256 /dev/urandom >x.img
head -c 20000256 /dev/urandom >y.img
cp base.img golden.img
S='cow overlay={ file x.cow } | file base.img'
room=20065792 # for two headers, a block of map, and all clusters

code 3 "cow: opening does not format" "$K" info "$S"
code 2 "cow: an overlay that is too small is refused" \
	"$K" create --force 'cow overlay={ file small.cow size=20000256 } | file base.img'
says "size=$room" "cow: and the size it has to have is said" \
	"$K" create --force 'cow overlay={ file small.cow size=20000256 } | file base.img'
check "cow: create, over a base that holds data" "$K" create "cow overlay={ file x.cow size=$room } | file base.img"
code 5 "cow: not twice" "$K" create "$S"
says "0 of 306 clusters of 64K in the overlay, generation 1" "cow: opens" "$K" info "$S"
check "cow: shows the base" "$K" compare base.img "$S"
check "cow: is written" "$K" copy --force x.img "$S"
check "cow: read back" "$K" compare x.img "$S"
check "cow: the base is as it was" cmp base.img golden.img
check "cow: check finds nothing" "$K" cow check "$S"
code 2 "cow: a stack without one" "$K" cow check base.img
code 2 "cow: what else can be done" "$K" cow wipe "$S"

# --- another base, a changed base
code 5 "cow: another base is refused" "$K" info 'cow overlay={ file x.cow } | file y.img'
says "another base, or it was changed" "cow: and that is said" "$K" info 'cow overlay={ file x.cow } | file y.img'
printf x | dd of=base.img bs=1 seek=1500 conv=notrunc 2>/dev/null
code 5 "cow: a base that was changed is refused" "$K" info "$S"
code 1 "cow: check tells it" "$K" cow check "$S"
cp golden.img base.img
touch base.img
check "cow: one that was copied and touched is not" "$K" info "$S"

# --- reset
says 'empty' "cow: reset" "$K" cow reset "$S"
check "cow: it shows the base" "$K" compare base.img "$S"
check "cow: written anew, a little" "$K" copy --force 'crop size=1M | file x.img' "crop size=1M | $S"
check "cow: the rest is the base's still" sh -c '
	"$0" compare "crop offset=1M | $1" "crop offset=1M | file base.img" &&
	"$0" compare "crop size=1M | $1" "crop size=1M | file x.img"' "$K" "$S"

# --- many on one base
cat >vms.kio <<EOP
stack base = file base.img
export vm1 = cow overlay={ file vm1.cow size=$room } | use base
export vm2 = cow overlay={ file vm2.cow size=$room } | use base
EOP
cp x.img full.img
cat >full.kio <<EOP
stack full = file full.img
export over = cow overlay={ use full } | file base.img
EOP
code 5 "cow: an overlay that holds data is not overwritten, by its name either" "$K" create '@full.kio:over'
check "cow: create, of a base by its name" "$K" create '@vms.kio:vm1'
check "cow: and a second one" "$K" create '@vms.kio:vm2'
check "cow: eighty more" sh -c 'for i in $(seq 80); do
	"$0" create "cow overlay={ file many$i.cow size=$1 } | file base.img" >/dev/null || exit 1; done' "$K" "$room"
check "cow: that take no space" test "$(du -k many1.cow | cut -f1)" -lt 100
if command -v nbdcopy >/dev/null; then
	"$K" serve '@vms.kio:vm1' --unix sock1 >log1 2>&1 &
	one=$!
	"$K" serve '@vms.kio:vm2' --unix sock2 >log2 2>&1 &
	two=$!
	own_pids="$own_pids $one $two"
	for _ in $(seq 100); do { [ -S sock1 ] && [ -S sock2 ] && break; } || sleep 0.05; done
	check "cow: two servers on one base, the first written" nbdcopy --flush x.img 'nbd+unix:///?socket=sock1'
	check "cow: and the second" nbdcopy --flush y.img 'nbd+unix:///?socket=sock2'
	code 5 "cow: a commit is refused while others use the base" "$K" cow commit "$S"
	says "base.img is locked" "cow: and that is said" "$K" cow commit "$S"
	check "cow: the overlay is as it was" "$K" info "$S"
	code 5 "cow: nobody else writes to the base" "$K" copy --force x.img 'file base.img'
	code 5 "cow: an overlay that is served is not emptied" "$K" cow reset '@vms.kio:vm1'
	kill -KILL "$one" "$two"
	wait "$one" "$two" 2>/dev/null
	check "cow: what was flushed before they were killed is there" "$K" compare x.img '@vms.kio:vm1'
	check "cow: in the second, too" "$K" compare y.img '@vms.kio:vm2'
else
	skip "cow: served" "there is no nbdcopy"
	"$K" copy --force x.img '@vms.kio:vm1'
fi
check "cow: the base is as it was after all that" cmp base.img golden.img

# --- commit
for round in 1 2 3; do
	touch mark
	sleep 0.02
	"$K" cow commit 'cow overlay={ delay 100ms | file vm1.cow } | file base.img' >/dev/null 2>&1 &
	commit=$!
	# twenty pieces, ten in a second: some of them are in the base
	for _ in $(seq 100); do
		[ base.img -nt mark ] && break
		sleep 0.05
	done
	kill -KILL "$commit" 2>/dev/null
	wait "$commit" 2>/dev/null
	says "kiobuf cow commit finishes it" "cow: killed in its commit it does not open ($round)" "$K" info '@vms.kio:vm1'
done
code 1 "cow: check tells it" "$K" cow check '@vms.kio:vm1'
code 5 "cow: and it is not emptied" "$K" cow reset '@vms.kio:vm1'
says '"committing": true' "cow: check, as JSON" "$K" cow check '@vms.kio:vm1' --json
says 'empty, 19.1 MiB copied' "cow: the commit is done again" "$K" cow commit '@vms.kio:vm1'
check "cow: the base is what the overlay showed" "$K" compare base.img x.img
check "cow: and the overlay shows it" "$K" compare x.img '@vms.kio:vm1'
code 5 "cow: other overlays of that base are refused" "$K" info '@vms.kio:vm2'
finish
