#!/bin/sh
# SPDX-License-Identifier: MIT
# Clients that are not ours, against kiobuf serve: libnbd's, QEMU's, fio's.
. "$(dirname "$0")/../lib.sh"

uri="nbd+unix:///?socket=$WORK/sock"
stop() { kill -TERM "$SERVER"; wait "$SERVER"; }
have() { command -v "$1" >/dev/null || { skip "$1" "it is not installed"; return 1; }; }

# data and holes, and a length that is no multiple of anything
head -c 9000001 /dev/urandom >source.img
truncate -s 30000001 source.img
head -c 3000000 /dev/urandom | dd of=source.img bs=1M seek=20 conv=notrunc status=none
size=30000001

if have nbdinfo; then
	serve 'mem size=30000001'
	nbdinfo "$uri" >info.txt
	for line in "export-size: $size" "is_read_only: false" "can_flush: true" "can_fua: true" \
		"can_multi_conn: true" "can_trim: true" "can_zero: true" "can_fast_zero: true" \
		"block_size_minimum: 1" "block_size_preferred: 4096" "block_size_maximum: 33554432"; do
		says "$line" "nbdinfo: $line" cat info.txt
	done
	check "nbdinfo: lists the exports" nbdinfo --list "$uri"
	stop
fi

# what STACK is made of, and a name for it
each_stack() {
	cat <<'EOS'
mem        mem size=30000001
file       file disk.img size=30000001
align      align | stripe chunk=64K { mem size=15M ; mem size=15M }
threads    file other.img size=30000001
EOS
}

if have nbdcopy; then
	each_stack >stacks
	while read -r name stack; do
		engine=io_uring
		[ "$name" != threads ] || engine=threads
		serve "$stack" --engine "$engine" || { skip "nbdcopy: $name" "no engine $engine"; continue; }
		check "nbdcopy: writes to $name" nbdcopy --flush source.img "$uri"
		check "nbdcopy: reads from $name" nbdcopy "$uri" back.img
		check "nbdcopy: the same came back from $name" cmp -n "$size" source.img back.img
		check "nbdcopy: with one connection and small requests" \
			nbdcopy --connections=1 --requests=1 --request-size=4096 "$uri" back.img
		check "nbdcopy: the same again" cmp -n "$size" source.img back.img
		check "nbdcopy: with large requests" \
			nbdcopy --request-size=33554432 --requests=4 --connections=2 "$uri" back.img
		check "nbdcopy: the same once more" cmp -n "$size" source.img back.img
		stop
	done <stacks
	check "nbdcopy: the file holds what was written" cmp source.img disk.img
fi

if have qemu-img; then
	serve ./source.img --read-only
	says "virtual size" "qemu-img: info" qemu-img info "$uri"
	check "qemu-img: converts from it" qemu-img convert -f raw -O raw -W -m 8 "$uri" converted.img
	check "qemu-img: the same came out" cmp -n "$size" source.img converted.img
	stop
	truncate -s 30000128 target.img
	serve ./target.img
	check "qemu-img: converts to it" qemu-img convert -n -f raw -O raw -W -m 8 converted.img "$uri"
	check "qemu-img: compares" qemu-img compare -f raw -F raw converted.img "$uri"
	stop
	check "qemu-img: the file holds it" cmp -n "$size" source.img target.img
fi

if have qemu-io; then
	for engine in io_uring threads; do
		"$K" key create k.key >/dev/null 2>&1
		truncate -s 32M secret.img
		"$K" create --force 'crypt key-file=k.key | file secret.img' >/dev/null 2>&1
		serve --engine "$engine" 'crypt key-file=k.key | file secret.img' ||
			{ skip "qemu-io: on $engine" "not here"; continue; }
		check "qemu-io: writes, zeroes, discards and flushes through crypt on $engine" qemu-io -f raw \
			-c 'write -P 7 12345 4321' -c 'write -z 100k 300k' -c 'discard 1M 64k' \
			-c 'write -f -P 9 5M 512' -c 'flush' -c 'read -P 7 12345 4321' \
			-c 'read -P 0 100k 300k' -c 'read -P 9 5M 512' "$uri"
		check "nbdcopy: writes through crypt on $engine" nbdcopy --connections=4 --flush source.img "$uri"
		check "nbdcopy: reads through crypt on $engine" nbdcopy "$uri" back.img
		check "nbdcopy: the same came back" cmp -n "$size" source.img back.img
		stop
		check "qemu-io: and ends in order" test $? -eq 0
	done
fi

if have nbdinfo; then
	truncate -s 3M sparse.img
	printf abc | dd of=sparse.img bs=1M seek=1 conv=notrunc status=none
	serve ./sparse.img
	nbdinfo --map "$uri" >map.txt
	says "^ *0 .*hole,zero" "nbdinfo: holes are told" cat map.txt
	says "^ *1048576 .*data" "nbdinfo: and what lies between" cat map.txt
	stop
fi

if have fio; then
	truncate -s 32M fio.img
	for stack in 'mem size=32M' 'file fio.img' 'file fio.img direct=yes'; do
		serve "$stack"
		check "fio: verifies what it wrote to $stack" \
			fio --name=verify --ioengine=nbd --uri="$uri" --rw=randrw --bsrange=512-70k \
			--bs_unaligned --iodepth=16 --size=8M --verify=crc32c --verify_fatal=1 --fsync=50
		check "fio: trims and verifies on $stack" \
			fio --name=trim --ioengine=nbd --uri="$uri" --rw=randtrimwrite --bs=4k \
			--iodepth=16 --size=8M
		stop
	done
fi

if have qemu-img; then
	serve 'mem size=256M'
	nbdcopy --connections=4 -- source.img "$uri" >/dev/null 2>&1 &
	copying=$!
	qemu-img bench -f raw -c 2000000 -d 32 "$uri" >/dev/null 2>&1 &
	own_pids="$own_pids $copying $!"
	sleep 0.5
	stop
	check "under load: SIGTERM ends it in order" test $? -eq 0
fi

finish
