#!/bin/sh
# SPDX-License-Identifier: MIT
# The main job on real input, in under a minute: an encrypted mirror of two files
# is filled, served over NBD, read back by a client of another project, loses a
# leg, goes on without it, and refuses the leg when it returns.
#
#   tools/demo.sh build/kiobuf
#
# Every step is checked. What differs from what is expected ends the demo, with
# the reason, and with an exit code that is not 0.
set -u
K=$(realpath "${1:-build/kiobuf}")
PATH=$(dirname "$K"):$PATH
work=$(mktemp -d "${DEMO_DIR:-$(dirname "$K")}/demo.XXXXXX") || exit 1
server=
step=0
begun=$(date +%s)

if [ -t 1 ]; then
	bold=$(printf '\033[1m') dim=$(printf '\033[2m') red=$(printf '\033[31m')
	green=$(printf '\033[32m') plain=$(printf '\033[0m')
else
	bold= dim= red= green= plain=
fi

leave() {
	[ -z "$server" ] || { kill "$server" 2>/dev/null; wait "$server" 2>/dev/null; }
	cd / && rm -rf "$work"
}
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
	echo "${red}DEMO FAILED: $*${plain}" >&2
	exit 1
}
# A new step, in a sentence.
say() {
	step=$((step + 1))
	echo
	echo "${bold}$step. $*${plain}"
}
note() { echo "${green}   ok: $*${plain}"; }
# The command as one would type it.
show() {
	line=
	for word; do
		case $word in
		*[!a-zA-Z0-9_./:=+@%?-]*) line="$line '$word'" ;;
		*) line="$line $word" ;;
		esac
	done
	echo "${dim}   \$$line${plain}"
}
# run COMMAND...: has to succeed
run() {
	show "$@"
	"$@" || fail "exit code $? of:$line"
}
# refused CODE COMMAND...: has to end with this exit code
refused() {
	want=$1
	shift
	show "$@"
	"$@"
	got=$?
	[ "$got" -eq "$want" ] || fail "exit code $got and not $want of:$line"
}
# What the other sees of the file, byte by byte, without kiobuf.
same() { cmp "$1" "$2" || fail "$1 and $2 differ"; }

for tool in nbdinfo nbdcopy qemu-img; do
	command -v "$tool" >/dev/null || fail "$tool is missing: make deps"
done
cd "$work" || exit 1
echo "${bold}kiobuf demo${plain}, in $work"
run kiobuf --version

say "A source of an odd size, with data and holes; and two files full of old data"
truncate -s 268447733 disk.img # 256 MiB and 12277 bytes
{
	head -c 61000123 /dev/urandom | dd of=disk.img bs=1M seek=3 conv=notrunc
	yes 'the quick brown fox jumps over the lazy dog' | head -c 40000000 |
		dd of=disk.img bs=1M seek=120 conv=notrunc
	head -c 7001 /dev/urandom | dd of=disk.img bs=1 seek=268440732 conv=notrunc
	for leg in left right; do
		head -c 274726912 /dev/urandom >$leg.img # 262 MiB
	done
} 2>/dev/null
[ "$(stat -c %s disk.img)" = 268447733 ] && [ "$(stat -c %s right.img)" = 274726912 ] ||
	fail "no room for the files in $work"
run ls -ls disk.img left.img right.img
run kiobuf map disk.img

say "An encrypted mirror: create is the only command that formats"
stack=@vault.kio
cat >vault.kio <<'KIO'
# read downwards: what is written is encrypted, and then stands on both files
stack vault = crypt key-file=key
  | mirror {
	file left.img name=left
	file right.img name=right
}
KIO
run cat vault.kio
run kiobuf key create key
refused 3 kiobuf info "$stack"
note "nothing is made by opening"
refused 5 kiobuf create "$stack"
note "what the files held before is not overwritten unasked"
run kiobuf create "$stack" --force

say "Copy the file into it"
refused 5 kiobuf copy disk.img "$stack"
run kiobuf copy disk.img "$stack" --force --stats
run kiobuf compare disk.img "$stack"
if head -c 200000000 left.img | grep -qa 'quick brown fox'; then
	fail "plain text stands in left.img"
fi
note "no plain text on the legs"

say "Serve it over NBD, and read it with clients of other projects"
show kiobuf serve "$stack" --unix sock '&'
kiobuf serve "$stack" --unix sock --stats 2>serve.log &
server=$!
for _ in $(seq 100); do
	[ ! -S sock ] || break
	kill -0 "$server" 2>/dev/null || { cat serve.log >&2; fail "the server ended"; }
	sleep 0.05
done
uri='nbd+unix:///?socket=sock'
show nbdinfo "$uri"
nbdinfo "$uri" >info.txt || fail "nbdinfo"
grep -E 'protocol|export-size|can_(fua|trim|zero)|block_size_(min|pref)' info.txt | sed 's/^/  /'
run nbdcopy "$uri" nbdcopy.img
run qemu-img compare -f raw -F raw nbdcopy.img "$uri"
refused 5 kiobuf info "$stack"
note "the files are locked while they are served"
show kill -TERM "$server"
kill -TERM "$server"
wait "$server" || fail "the server ended with exit code $?"
server=
cat serve.log

say "Read it back with kiobuf, and compare all three"
run kiobuf copy "$stack" kiobuf.img --stats
run kiobuf compare disk.img nbdcopy.img
run kiobuf compare disk.img kiobuf.img
same nbdcopy.img kiobuf.img
size=$(stat -c %s disk.img)
head -c "$size" kiobuf.img >head.img && same disk.img head.img
rm -f head.img nbdcopy.img kiobuf.img
note "identical; cmp(1) says so too"

say "A leg is lost: opening is refused, unless one asks for it"
run mv right.img away.img
refused 3 kiobuf info "$stack"
degraded=@degraded.kio
sed 's/mirror/mirror degraded=yes/' vault.kio >degraded.kio
run grep mirror degraded.kio
run kiobuf info "$degraded"
run kiobuf compare disk.img "$degraded"

say "Without it the mirror is read and written"
cp --sparse=always disk.img new.img
head -c 20000003 /dev/urandom | dd of=new.img bs=1M seek=200 conv=notrunc 2>/dev/null
run kiobuf copy new.img "$degraded" --force --stats
run kiobuf compare new.img "$degraded"
refused 1 kiobuf compare disk.img "$degraded"
note "the new data is there, the old is not"

say "The lost leg is back: it is stale, and refused"
run mv away.img right.img
refused 5 kiobuf info "$stack"
run kiobuf compare new.img "$degraded"
note "the stale leg was not read"

took=$(($(date +%s) - begun))
echo
[ "$took" -lt 60 ] || fail "it took $took s"
echo "${green}${bold}demo: all as expected, in $took s${plain}"
