#!/bin/sh
# SPDX-License-Identifier: MIT
# Cuts the power under SQLite: with its syncs nothing may be damaged, and without
# them the damage has to be found.
#
#	tests/crash.sh [CUTS]
: "${KIOBUF:=$(cd "$(dirname "$0")/.." && pwd)/build/kiobuf}"
export KIOBUF
. "$(dirname "$0")/lib.sh"
CUTS=${1:-6}
LIB=$(dirname "$KIOBUF")

# sqlite SENTENCE EXIT SYNCHRONOUS CUTS
sqlite() {
	timeout 280 "$TOP/examples/sqlite/crash.sh" "$3" "$4" >.out 2>&1
	got=$?
	tail -n 1 .out
	if [ "$got" -eq "$2" ]; then ok "$1"; else bad "$1"; fi
}

if [ "${SANITIZE:-none}" != none ]; then
	skip "sqlite" "its shell cannot load what is built for a sanitizer"
	finish
	exit
fi
check "sqlite: the VFS builds" ${CC:-cc} -Wall -Wextra -Werror -shared -fPIC "$TOP/examples/sqlite/kiobuf_vfs.c" \
	-o kiobuf_vfs.so -I"$TOP/include" -L"$LIB" -lkiobuf "-Wl,-rpath,$LIB"
sqlite "sqlite: synchronous=FULL: every database is whole" 0 full "$CUTS"
sqlite "sqlite: synchronous=EXTRA: and every transaction that was committed is there" 0 extra "$((CUTS / 2))"
sqlite "sqlite: synchronous=OFF: the damage is found" 1 off "$((CUTS / 4 + 12))"
finish
