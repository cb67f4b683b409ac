#!/bin/sh
# SPDX-License-Identifier: MIT
# copy, compare, map, info, key, create: on real files.
. "$(dirname "$0")/../lib.sh"

# data, a hole, data, an odd size
head -c 3000000 /dev/urandom >a.img
head -c 70001 /dev/urandom | dd of=a.img bs=1M seek=40 conv=notrunc status=none

check "copy: makes a new file" "$K" copy a.img new.img
check "copy: of the same bytes" cmp a.img new.img
check "copy: with the same holes" test "$(stat -c %b new.img)" -lt 20000
check "copy: for its owner alone" test "$(stat -c %a new.img)" = 600
code 5 "copy: refuses a file that exists" "$K" copy a.img new.img
head -c 60000000 /dev/urandom >big.img
code 5 "copy: ... larger or not" "$K" copy a.img big.img
check "copy: overwrites it when told to" "$K" copy --force a.img big.img
check "copy: and zeroes the rest of a larger one" "$K" compare a.img big.img
check "copy: the size of the larger one stays" test "$(stat -c %s big.img)" = 60000000
head -c 1000 /dev/urandom >small.img
code 5 "copy: refuses a smaller destination" "$K" copy --force a.img small.img
says "the destination has 1000 B" "copy: and says how much smaller" "$K" copy --force a.img small.img
check "copy: nothing of it was written" test "$(stat -c %s small.img)" = 1000
code 3 "copy: a source that is not there" "$K" copy nowhere.img x.img
check "copy: leaves no destination then" test ! -e x.img
: >empty.img
check "copy: an empty file" "$K" copy empty.img empty2.img
check "copy: is empty" test -e empty2.img -a ! -s empty2.img
check "copy: on the engine of threads" "$K" copy --force --engine threads a.img new.img
check "copy: the same" cmp a.img new.img
check "copy: into a stack that keeps nothing needs no --force" "$K" copy a.img 'mem 64M'
code 5 "copy: into a stack of files does" "$K" copy a.img 'crop | file big.img'
says '"schema": "kiobuf/copy/1"' "copy: --json has a schema" "$K" copy --json --force a.img new.img
says '"moved_bytes": 3[0-9]*' "copy: ... and what was moved" "$K" copy --json --force a.img new.img
says "file0  *[0-9]" "copy: --stats tells of each layer" "$K" copy --stats --force a.img new.img

check "compare: the same" "$K" compare a.img new.img
printf x | dd of=new.img bs=1 seek=2000000 conv=notrunc status=none
code 1 "compare: another byte" "$K" compare a.img new.img
says "differ at offset 2000000" "compare: tells where" "$K" compare a.img new.img
head -c 2000000 a.img >short.img
code 1 "compare: one that is shorter" "$K" compare a.img short.img
cp short.img padded.img && truncate -s 2M padded.img
check "compare: the rest is zero" "$K" compare short.img padded.img
says '"identical": false' "compare: --json" "$K" compare --json a.img new.img

says "hole" "map: finds the hole" "$K" map a.img
says '"type": "data"' "map: --json" "$K" map --json a.img

check "key: makes one" "$K" key create k.key
check "key: of 64 bytes" test "$(stat -c %s k.key)" = 64
check "key: for its owner alone" test "$(stat -c %a k.key)" = 600
code 5 "key: never overwrites one" "$K" key create k.key

code 3 "create: opening crypt that was not created is refused" "$K" info 'crypt key-file=k.key | file big.img'
check "create: writes the header" "$K" create 'crypt key-file=k.key | file big.img'
code 5 "create: not twice" "$K" create 'crypt key-file=k.key | file big.img'
check "copy: into crypt, through align" "$K" copy --force a.img 'crypt key-file=k.key | file big.img'
check "compare: crypt with the original" "$K" compare a.img 'crypt key-file=k.key | file big.img'
check "map: what is encrypted has no holes" sh -c "! '$K' map 'crypt key-file=k.key | file big.img' | grep hole"
code 1 "compare: and it is not plain" "$K" compare a.img big.img
"$K" key create other.key >/dev/null
code 3 "crypt: another key is refused" "$K" info 'crypt key-file=other.key | file big.img'

head -c 200M /dev/zero >zero.img
"$K" copy zero.img 'delay 20ms | mem 200M' >.copy 2>&1 &
pid=$!
own_pids="$own_pids $pid"
sleep 0.3
kill -INT $pid
wait $pid
check "copy: ends by SIGINT with 130" test $? -eq 130
finish
