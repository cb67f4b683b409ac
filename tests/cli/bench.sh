#!/bin/sh
# SPDX-License-Identifier: MIT
# bench: without it the figures that the project is judged by could be named
# otherwise, or a stack be overwritten by measuring it.
. "$(dirname "$0")/../lib.sh"

json() {
	query=$1 sentence=$2
	shift 2
	timeout 240 "$@" >"$WORK/.out" 2>"$WORK/.err"
	if python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' \
		"$WORK/.out" "$query" 2>>"$WORK/.out"; then ok "$sentence"; else bad "$sentence"; fi
}
head -c 1M /dev/urandom >a.img
cp a.img a.copy

json 'j["schema"] == "kiobuf/bench/1" and j["reads"] > 0 and j["writes"] == 0 and j["iops"] > 0 and j["bytes_per_s"] > 0 and j["cpu_ns_per_io"] > 0' \
	"bench: reads a file" "$K" bench a.img --seconds 1 --json
json '0 < j["latency_p50_ns"] <= j["latency_p99_ns"] <= j["latency_p999_ns"] <= j["latency_max_ns"] and 900e6 < j["elapsed_ns"] < 5e9' \
	"bench: percentiles are in order" "$K" bench a.img --seconds 1 --json
json 'j["layers"][0]["ios"] == j["reads"] + j["writes"] and 0.6 < j["writes"] / j["layers"][0]["ios"] < 0.8' \
	"bench: the mix is what was asked for" "$K" bench 'mem size=16M' --write 70 --seconds 1 --json
json 'j["latency_p50_ns"] >= 2e6 and j["reads"] < 4 * 520' \
	"bench: a latency of 2 ms at depth 4 is seen as one" \
	"$K" bench 'delay 2ms | mem size=1M' --depth 4 --seconds 1 --json
says ' IOPS' "bench: several loops, sequential" \
	"$K" bench a.img --loops 2 --sequential --block 64K --depth 2 --seconds 1
head -c 1M /dev/urandom >b.img
check "bench: a mirror of files, more of them in flight than the ring holds" \
	"$K" bench 'mirror state=none { file a.img ; file b.img }' --write 50 --depth 200 --loops 2 --seconds 1 --force
# what the mirror left may be all of what bench writes: zeroes
head -c 1M /dev/urandom >a.img
cp a.img a.copy
code 5 "bench: does not write to a file unasked" "$K" bench a.img --write 10 --seconds 1
check "bench: and left it as it was" cmp a.img a.copy
check "bench: writes when told" "$K" bench a.img --write 100 --seconds 1 --force
code 1 "bench: and did" cmp -s a.img a.copy
code 2 "bench: blocks larger than the stack" "$K" bench a.img --block 2M
code 2 "bench: blocks that do not fit the stack's" sh -c '
	head -c 64 /dev/urandom >key && chmod 600 key
	exec "$0" bench "crypt key-file=key header=none | mem size=1M" --block 512' "$K"
code 2 "bench: no more than 100 percent" "$K" bench a.img --write 101 --force
code 2 "bench: no longer than a lifetime" "$K" bench a.img --seconds 99999999999
code 2 "bench: no depth" "$K" bench a.img --depth 0
code 2 "bench: nothing to measure" "$K" bench
code 2 "bench: a suite that is not there" "$K" bench --suite none
code 3 "bench: a file that is not there" "$K" bench none.img
"$K" bench a.img --seconds 30 >/dev/null 2>&1 &
pid=$!
own_pids="$own_pids $pid"
sleep 0.5
kill -INT $pid
wait $pid
got=$?
if [ $got -eq 130 ]; then ok "bench: SIGINT ends it with 130"; else bad "bench: SIGINT ended it with $got"; fi

# --- the suites ---
if [ "${SANITIZE:-none}" != none ]; then
	skip "bench: the suites" "a sanitizer is measured by them, not the program"
	finish
	exit
fi
json 'all(isinstance(j[k], (int, float)) for k in "locked_ns null_ns intercept_ns_per_layer intercept_instructions_per_layer pass_ns_per_layer pass_instructions_per_layer slope_32 depth_4096 allocs_per_io container_bytes_depth8 frame_bytes stripe2_added_ns mirror2_write_added_ns".split())' \
	"bench: each figure of the core suite is a number under its name" "$K" bench --suite core --json
json 'all(isinstance(j[k], (int, float)) for k in "locked_ns unused_owner unused_shared and_open and_sealed and_batched and_owner or_leaf any_persistent_2 any_persistent_1024 chain_callback nest_level allocs wake_added_ns and_open_instructions".split()) and j["allocs"] == 0' \
	"bench: each figure of the events suite is a number under its name" "$K" bench --suite events --json
if "$K" --version | grep -q io_uring; then
	json 'j["ratio"] > 0 and j["syscall_ratio"] > 0' "bench: the file suite" \
		"$K" bench --suite file --path ./f.bench --json
	code 1 "bench: whose file is removed" test -e f.bench
else
	skip "bench: the file suite" "no io_uring"
fi
finish
