#!/bin/sh
# SPDX-License-Identifier: MIT
# bench: a stack, and the suites' keys.
. "$(dirname "$0")/../lib.sh"

says "IOPS" "bench: reads" "$K" bench null --seconds 1
code 5 "bench: writing has to be meant" "$K" bench 'mem 1M' --write 50 --seconds 1
says '"writes": [1-9]' "bench: a mix" "$K" bench 'mem 1M' --write 50 --force --seconds 1 --json
says '"latency_p99_ns": [1-9]' "bench: percentiles" "$K" bench 'mem 1M' --seconds 1 --json --loops 2
code 2 "bench: a block that does not fit" "$K" bench 'null block=4K' --block 512
if [ "${SANITIZE:-none}" != none ]; then
	skip "bench: the suites" "a sanitizer is measured by them, not the program"
	finish
	exit
fi
check "bench: the core suite" "$K" bench --suite core --json
cp .out core.json
check "bench: each figure a number under its name" python3 - <<'EOF'
import json
figures = json.load(open("core.json"))
for name in """locked_ns null_ns intercept_ns_per_layer intercept_instructions_per_layer
    pass_ns_per_layer pass_instructions_per_layer slope_32 depth_4096 allocs_per_io
    container_bytes_depth8 frame_bytes stripe2_added_ns mirror2_write_added_ns""".split():
    assert isinstance(figures[name], (int, float)), name
EOF
if "$K" --version | grep -q io_uring; then
	says '"ratio": [0-9.]' "bench: the file suite" "$K" bench --suite file --path ./f.bench --json
	check "bench: the file is removed" test ! -e f.bench
else
	skip "bench: the file suite" "no io_uring"
fi
finish
