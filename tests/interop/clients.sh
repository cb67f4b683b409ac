#!/bin/sh
# SPDX-License-Identifier: MIT
# Real NBD clients: nbdinfo, nbdcopy, qemu-img, qemu-io, fio.
. "$(dirname "$0")/../lib.sh"
U='nbd+unix:///?socket=sock'

head -c 30000001 /dev/urandom >a.img
truncate -s 64M b.img
"$K" key create k.key >/dev/null

for engine in io_uring threads; do
	"$K" --version | grep -q $engine || continue
	rm -f c.img d.img
	"$K" create --force 'crypt key-file=k.key | file b.img' >/dev/null 2>&1
	check "$engine: serve crypt" serve --engine $engine 'crypt key-file=k.key | file b.img'
	check "$engine: nbdcopy in, four connections" nbdcopy --connections=4 --flush a.img "$U"
	check "$engine: nbdcopy out" nbdcopy "$U" c.img
	check "$engine: the same" cmp -n 30000001 a.img c.img
	check "$engine: qemu-img convert" qemu-img convert -f raw -O raw "$U" d.img
	check "$engine: the same" cmp c.img d.img
	check "$engine: qemu-img compare" qemu-img compare -f raw -F raw c.img "$U"
	check "$engine: qemu-io writes, zeroes, discards, flushes" qemu-io -f raw \
		-c 'write -P 7 12345 4321' -c 'write -z 100k 300k' -c 'discard 1M 64k' -c 'write -f -P 9 5M 512' \
		-c 'flush' -c 'read -P 7 12345 4321' -c 'read -P 0 100k 300k' -c 'read -P 9 5M 512' "$U"
	if fio --enghelp 2>/dev/null | grep -q nbd; then
		check "$engine: fio writes and verifies" fio --name=v --ioengine=nbd --uri="$U" --rw=randwrite \
			--bsrange=512-64k --blockalign=512 --size=16M --iodepth=16 --verify=crc32c --verify_fatal=1 --output=fio.out
	else
		skip "$engine: fio" "built without nbd"
	fi
	kill -TERM "$SERVER"
	wait "$SERVER"
	check "$engine: ends in order" test $? -eq 0
done

check "under load: serve" serve 'mem 256M'
nbdcopy --connections=4 -- a.img "$U" >/dev/null 2>&1 &
copy=$!
qemu-img bench -f raw -c 2000000 -d 32 "$U" >/dev/null 2>&1 &
load=$!
own_pids="$own_pids $copy $load"
sleep 0.5
kill -TERM "$SERVER"
wait "$SERVER"
check "under load: SIGTERM ends it in order" test $? -eq 0
finish
