#!/bin/sh
# SPDX-License-Identifier: MIT
# Each public header compiles alone, as C and as C++.
KIOBUF=${KIOBUF:-none}
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
top=$(cd "$(dirname "$0")/.." && pwd)
passed=0 failed=0
for header in "$top"/include/kiobuf/*.h; do
	name=$(basename "$header")
	echo "#include <kiobuf/$name>" >"$WORK/one.c"
	cp "$WORK/one.c" "$WORK/one.cc"
	for compile in "${CC:-cc} -std=c11 -xc $WORK/one.c" "c++ -std=c++17 -xc++ $WORK/one.cc"; do
		if $compile -Wall -Wextra -Werror -I"$top/include" -fsyntax-only; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAIL - $compile: $name"
		fi
	done
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
