#!/bin/bash
# SPDX-License-Identifier: MIT
# The main job, on real input: a file goes into an encrypted mirror, is served
# over NBD, read back by a client that is not ours, and survives the loss of a
# leg. Stops at the first thing that is not as it should be.
set -euo pipefail
kiobuf=$(realpath "${1:-build/kiobuf}")
work=$(mktemp -d -p "${DEMO_DIR:-$(dirname "$kiobuf")}" demo.XXXXXX)
server=
finish() {
	code=$?
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	rm -rf "$work"
	[ "$code" -eq 0 ] || printf '\n\033[1mthe demo failed\033[0m (exit %s)\n' "$code"
}
trap finish EXIT
cd "$work"

step() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() {
	printf '$ %s\n' "$*" | sed "s|$kiobuf|kiobuf|g"
	"$@"
}
fails() { # CODE COMMAND...: it has to exit with this code
	want=$1
	shift
	printf '$ %s\n' "$*" | sed "s|$kiobuf|kiobuf|g"
	set +e
	"$@"
	code=$?
	set -e
	if [ "$code" -ne "$want" ]; then
		echo "exit $code, and $want was expected"
		exit 1
	fi
	echo "(exit $code, as it should)"
}
serve() {
	printf '$ kiobuf serve "%s" --unix disk.sock &\n' "$1"
	"$kiobuf" serve "$1" --unix disk.sock --stats &
	server=$!
	for _ in $(seq 100); do [ -S disk.sock ] && return; sleep 0.05; done
	echo "the server did not start"
	exit 1
}
stop() {
	echo '$ kill %1'
	kill "$server"
	wait "$server"
	server=
}

step '1. A file of some hundred MiB, with data, holes, and an odd size'
head -c 96M /dev/urandom >disk.img
head -c 48M /dev/urandom | dd of=disk.img bs=1M seek=200 conv=notrunc status=none
head -c 12345 /dev/urandom | dd of=disk.img bs=1M seek=300 conv=notrunc status=none
run ls -lsh disk.img

step '2. An encrypted mirror on two files that hold something else'
head -c 304M /dev/urandom >left.img
head -c 304M /dev/urandom >right.img
run "$kiobuf" key create disk.key
stack='crypt key-file=disk.key | mirror { file left.img name=left ; file right.img name=right }'
degraded='crypt key-file=disk.key | mirror degraded=yes { file left.img name=left ; file right.img name=right }'
run "$kiobuf" create "$stack"
run "$kiobuf" copy --force --stats disk.img "$stack"
run "$kiobuf" info "$stack"

step '3. Served over NBD, and read back by others'
serve "$stack"
run nbdcopy 'nbd+unix:///?socket=disk.sock' back.img
run qemu-img compare -f raw -F raw back.img 'nbd+unix:///?socket=disk.sock'
stop
run "$kiobuf" compare disk.img back.img
run "$kiobuf" copy "$stack" back2.img
run cmp back.img back2.img

step '4. A leg is lost'
run mv right.img elsewhere.img
fails 3 "$kiobuf" info "$stack"
echo 'To go on without it has to be asked for:'
run "$kiobuf" compare disk.img "$degraded"
head -c 20M /dev/urandom >new.img
serve "$degraded"
run nbdcopy --flush new.img 'nbd+unix:///?socket=disk.sock'
stop

step '5. The leg is back, with what was there before'
run mv elsewhere.img right.img
fails 5 "$kiobuf" info "$stack"
echo 'It is not read, whatever happens: what was written last is what is there.'
head -c 20M disk.img >old.img
run "$kiobuf" compare new.img "crop size=20M | $degraded"
fails 1 "$kiobuf" compare old.img "crop size=20M | $degraded"

step 'All as it should be.'
