#!/bin/sh
# SPDX-License-Identifier: MIT
# Each system call of a command fails, once and from then on: the command ends
# in time, by itself, and says why; or it has done what it was to do.
#
#	tests/syscalls.sh [STEP]      every STEP-th call only
: "${KIOBUF:=$(cd "$(dirname "$0")/.." && pwd)/build/kiobuf}"
export KIOBUF
. "$(dirname "$0")/lib.sh"
STEP=${1:-1}

# those that cannot fail, and those of threads, which are not ours to answer for; nor are the loader's, that come first
OTHERS='brk|execve|exit|exit_group|futex|rt_sigprocmask|rt_sigaction|rt_sigreturn|set_robust_list|rseq|set_tid_address|arch_prctl|munmap|mprotect|prlimit64|access|uname|kill|tgkill|getpid|gettid|restart_syscall'

if ! strace -o /dev/null true 2>/dev/null; then
	skip "syscalls" "there is no strace, or it may not trace"
	finish
	exit
fi

# counts LOG: how often, and what
counts() { sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$1" | grep -vxE "$OTHERS" | sort | uniq -c; }
strace -f -o loader.log "$K" --version >/dev/null 2>&1
grep -v 'write(1' loader.log >loader.rest
counts loader.rest >loader

# what the command left is as it should be: decides after exit code 0
is_done() { false; }

# try CALL N ERROR COMMAND...: fails the N-th CALL, N+: and all after it
try() {
	which=$1 when=$2 error=$3
	shift 3
	tries=$((tries + 1))
	before
	timeout 20 strace -f -o trace.log -e trace="$which" -e inject="$which:error=$error:when=$when" "$@" >out 2>err </dev/null
	got=$?
	case $got in
	0) is_done && return ;;
	[1-6] | 70) [ -s err ] || [ "$which $when" = "write $n+" ] && return ;;
	# without its engine, or a way to wake it, no process can go on
	134) grep -q 'the engine .* failed\|cannot be woken' err && return ;;
	esac
	failures=$((failures + 1))
	[ "$failures" -gt 10 ] || echo "  $which, $when, $error: exit $got: $(head -n 2 err): $*"
}

# fail_each SENTENCE COMMAND...: with before and is_done as they are now
fail_each() {
	sentence=$1
	shift
	tries=0 failures=0
	before
	if ! strace -f -o all.log "$@" >/dev/null 2>err || ! is_done; then
		bad "$sentence: undisturbed"
		cat err
		return
	fi
	counts all.log >calls
	while read -r count call <&3; do
		n=$(($(sed -n "s/^ *\([0-9]*\) $call\$/\1/p" loader | grep . || echo 0) + 1))
		while [ "$n" -le "$count" ]; do
			# like calls in a long row fail alike
			[ "$n" -le 12 ] || [ $((n % 5)) -eq 0 ] || { n=$((n + 1)); continue; }
			if [ $(((tries / 2 + n) % STEP)) -eq 0 ]; then
				try "$call" "$n" EIO "$@"
				try "$call" "$n+" ENOMEM "$@"
			else
				tries=$((tries + 2))
			fi
			n=$((n + 1))
		done
	done 3<calls
	echo "$sentence: $tries"
	if [ "$failures" -eq 0 ]; then ok "$sentence"; else bad "$sentence: $failures"; fi
}

head -c 300001 /dev/urandom >a.img
"$K" key create k >/dev/null 2>&1
STACK='crypt header=none key-file=k | file b.img size=512K'
before() { rm -f b.img; }
is_done() {
	timeout 20 "$K" compare a.img "align | $STACK" >/dev/null 2>&1
}
fail_each "syscalls: copy, io_uring" "$K" copy --force a.img "align | $STACK" --engine io_uring
fail_each "syscalls: copy, threads" "$K" copy --force a.img "align | $STACK" --engine threads

MIRROR='mirror { file l.img size=1M ; file r.img size=1M }'
before() { rm -f l.img r.img; }
is_done() { timeout 20 "$K" info "$MIRROR" >/dev/null 2>&1; }
fail_each "syscalls: create" "$K" create "$MIRROR"
finish
