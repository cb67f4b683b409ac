#!/bin/sh
# SPDX-License-Identifier: MIT
# A cache over a file, served: what it answers, what it writes, and what is left when it is killed.
. "$(dirname "$0")/../lib.sh"

URI='nbd+unix:///?socket=sock'
control_scripts
head -c 5000192 /dev/urandom >old.img
head -c 5000192 /dev/urandom >new.img
cp old.img disk.img

check "cache: is read through" "$K" compare old.img 'cache size=1M | file disk.img'
check "cache: is written through" "$K" copy --force new.img 'cache size=1M block=4K | file disk.img'
check "cache: all of it" cmp new.img disk.img
code 2 "cache: without a size" "$K" info 'cache | file disk.img'
says "less than 8 blocks" "cache: too small for its blocks" "$K" info 'cache size=16K block=4K | file disk.img'
says "8M in blocks of 64K" "cache: tells its size" "$K" info 'cache size=8M | file disk.img'
if ! command -v nbdcopy >/dev/null; then
	skip "cache: served" "there is no nbdcopy"
	finish
	exit
fi

cp old.img disk.img
serve 'cache 8M | file disk.img' --ctl ctl.sock
./until ./ctl health
check "cache: read by several connections" nbdcopy "$URI" back.img
check "cache: as it is" cmp old.img back.img
check "cache: once more" nbdcopy "$URI" back.img
check "cache: the same" cmp old.img back.img
# 77 blocks; the second time none of them came from below
says "file0 *7[0-9] " "cache: each block was read below once" ./ctl stats
says "found" "cache: ctl tells what was found" ./ctl
check "cache: written, and flushed" nbdcopy --flush new.img "$URI"
check "cache: read after that" nbdcopy "$URI" back.img
check "cache: what was written" cmp new.img back.img
kill -9 "$SERVER"
wait "$SERVER" 2>/dev/null
check "cache: nothing was lost when it was killed" cmp new.img disk.img
finish
