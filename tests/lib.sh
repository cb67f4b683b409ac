# SPDX-License-Identifier: MIT
# For the tests that are shell scripts. Each check is a sentence and a command:
#
#	check "copy: makes a new file" "$K" copy a.img b.img
#	code 5 "copy: refuses to overwrite" "$K" copy a.img b.img
#	says "exists" "copy: says why" "$K" copy a.img b.img
#
# finish prints how many passed. Work is done in a folder of its own.
K=${KIOBUF:?the kiobuf command to test}
TOP=$(cd "$(dirname "$0")" && pwd)
while [ ! -d "$TOP/include/kiobuf" ]; do TOP=$(dirname "$TOP"); done
WORK=$(mktemp -d)
passed=0 failed=0 skipped=0
own_pids=
cd "$WORK" || exit 1

cleanup() {
	for pid in $own_pids; do kill "$pid" 2>/dev/null; done
	wait 2>/dev/null
	cd / && rm -rf "$WORK"
}
trap cleanup EXIT

ok() { passed=$((passed + 1)); echo "ok - $1"; }
bad() {
	failed=$((failed + 1))
	echo "FAIL - $1"
	[ ! -s "$WORK/.out" ] || sed 's/^/  /' "$WORK/.out" | tail -n 20
}
skip() { skipped=$((skipped + 1)); echo "skip - $1: $2"; }

# code N SENTENCE COMMAND...: it exits with N
code() {
	want=$1 sentence=$2
	shift 2
	if [ "$1" = serve ]; then "$@"; else timeout 100 "$@"; fi >"$WORK/.out" 2>&1
	got=$?
	if [ "$got" -eq "$want" ]; then ok "$sentence"; else
		bad "$sentence"
		echo "  exit $got and not $want: $*"
	fi
}
check() {
	sentence=$1
	shift
	code 0 "$sentence" "$@"
}
# says PATTERN SENTENCE COMMAND...: its output matches
says() {
	pattern=$1 sentence=$2
	shift 2
	timeout 100 "$@" >"$WORK/.out" 2>&1
	if grep -qe "$pattern" "$WORK/.out"; then ok "$sentence"; else
		bad "$sentence"
		echo "  no '$pattern' in the output of: $*"
	fi
}
# serve ARGUMENTS...: kiobuf serve in the background, on ./sock; SERVER is its pid
serve() {
	"$K" serve "$@" --unix sock >"$WORK/.serve" 2>&1 &
	SERVER=$!
	own_pids="$own_pids $SERVER"
	for _ in $(seq 100); do
		[ -S sock ] && return 0
		kill -0 "$SERVER" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}
# Commands for `check`: ./ctl WORDS... asks ctl.sock; ./until COMMAND... tries for 10 seconds, at most.
control_scripts() {
	printf '#!/bin/sh\nexec "$KIOBUF" ctl ctl.sock "$@"\n' >ctl
	cat >until <<'EOP'
#!/bin/sh
for _ in $(seq 200); do
	"$@" >/dev/null 2>&1 && exit 0
	sleep 0.05
done
exit 1
EOP
	chmod +x ctl until
}
finish() {
	if [ "$skipped" -ne 0 ]; then
		echo "$passed passed, $failed failed, $skipped skipped"
	else
		echo "$passed passed, $failed failed"
	fi
	[ "$failed" -eq 0 ]
}
