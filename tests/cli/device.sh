#!/bin/sh
# SPDX-License-Identifier: MIT
# A block device. Without it, what devices do otherwise than files could go
# wrong: whole sectors, exclusive opening, no holes.
. "$(dirname "$0")/../lib.sh"

truncate -s 8M disk.img
device=$(losetup -f --show disk.img 2>/dev/null)
if [ ! -b "$device" ]; then
	skip "device: all of it" "no loop device can be made here"
	finish
	exit
fi
trap 'losetup -d "$device"; cleanup' EXIT
noise() { head -c "$1" /dev/urandom; }
noise 8M >"$device"
noise 3000001 >a.img

code 5 "device: is not overwritten unasked" "$K" copy a.img "$device"
check "device: an odd size is copied to it" "$K" copy a.img "$device" --force
check "device: its rest is zero, from the odd byte on" sh -c '
	{ cat a.img; head -c 5388607 /dev/zero; } | cmp - "$0"' "$device"
noise 8M >"$device"
for direct in no yes; do
	check "device: direct=$direct" "$K" copy a.img "file $device direct=$direct" --force
	check "device: compares, direct=$direct" "$K" compare a.img "file $device direct=$direct"
done
truncate -s 1M few.img
printf x | dd of=few.img bs=1 seek=700001 conv=notrunc status=none
noise 8M >"$device"
check "device: holes of the source are zeroes in it" "$K" copy few.img "crop offset=777 | file $device" --force
check "device: and what is before them stays" "$K" compare few.img "crop offset=777 | file $device"
code 5 "device: too small" "$K" copy few.img "crop size=1000 | file $device" --force
says 'block device' "device: is told apart" "$K" info "$device"
"$K" serve "$device" --unix sock >/dev/null 2>&1 &
pid=$!
own_pids="$own_pids $pid"
for _ in $(seq 100); do [ ! -S sock ] || break; sleep 0.05; done
code 5 "device: one that is held is refused" "$K" info "$device"
says 'held by someone else' "device: and says so" "$K" info "$device"
kill "$pid"
wait "$pid"
mknod node b $((0x$(stat -c %t "$device"))) $((0x$(stat -c %T "$device")))
says 'in this stack twice' "device: twice in one stack is told, by whatever name" \
	"$K" info "stripe { file $device ; file ./node }"
check "device: and afterwards it is free" "$K" info "$device"
finish
