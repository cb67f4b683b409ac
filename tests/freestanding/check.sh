#!/bin/sh
# SPDX-License-Identifier: MIT
# Core and layers compile without a single system header, without floating point
# or vector registers, and with small frames on the stack.
top=$(cd "$(dirname "$0")/../.." && pwd)
own=$(gcc -print-file-name=include)
passed=0 failed=0
for source in "$top"/src/core/*.c "$top"/src/layers/*.c; do
	if gcc -std=gnu11 -O2 -ffreestanding -nostdinc -isystem "$own" \
		-isystem "$top/tests/freestanding/include" -I"$top/include" -I"$top/src" \
		-mgeneral-regs-only -Wall -Wextra -Werror -Wframe-larger-than=1024 \
		-c "$source" -o /dev/null; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL - $source"
	fi
done
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
