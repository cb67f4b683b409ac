#!/bin/sh
# SPDX-License-Identifier: MIT
# kiobuf serve: where it listens, whom it lets in, how it ends.
. "$(dirname "$0")/../lib.sh"

command -v nbdinfo >/dev/null || { skip "serve" "there is no nbdinfo"; finish; exit; }

uri="nbd+unix:///?socket=$WORK/sock"
stop() { kill -"$1" "$SERVER"; wait "$SERVER"; }
# ends SIGNAL CODE SENTENCE: the server, sent the signal, exits with the code
ends() {
	stop "$1"
	check "$3" test $? -eq "$2"
}
listening() { grep -q 'ready on' "$1"; }
# in_background LOG ARGUMENTS...: a server of any kind; SERVER is its pid
in_background() {
	log=$1
	shift
	"$K" serve "$@" >"$log.out" 2>"$log" &
	SERVER=$!
	own_pids="$own_pids $SERVER"
	for _ in $(seq 100); do
		! listening "$log" || return 0
		kill -0 "$SERVER" 2>/dev/null || return 1
		sleep 0.05
	done
	return 1
}

# --- the socket

serve 'mem size=16M'
check "serve: the socket is its owner's alone" test "$(stat -c %a sock)" = 600
says 16777216 "serve: has the size of the stack" nbdinfo --size "$uri"
code 5 "serve: a socket in use is refused" "$K" serve 'mem size=1M' --unix sock
says "in use" "serve: and that is said" "$K" serve 'mem size=1M' --unix sock
ends TERM 0 "serve: SIGTERM is obeyed with exit code 0"
check "serve: the socket is gone afterwards" test ! -e sock

serve 'mem size=16M'
ends INT 0 "serve: SIGINT too"
"$K" create 'mirror { file hup1.img size=1M ; file hup2.img size=1M }' 2>/dev/null
serve 'mirror { file hup1.img ; file hup2.img }'
ends HUP 0 "serve: SIGHUP, when its terminal goes away"
check "serve: and its mirror is closed, with both legs in sync" \
	"$K" copy 'mem size=512K' 'mirror { file hup1.img ; file hup2.img }' --force
: >plain
code 5 "serve: a file that is no socket is not replaced" "$K" serve 'mem size=1M' --unix plain
serve 'mem size=16M'
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null
check "serve: a server that was killed leaves its socket" test -S sock
in_background first 'mem size=32M' --unix sock
first=$SERVER
says 33554432 "serve: which the next one takes over" nbdinfo --size "$uri"
rm sock
in_background later 'mem size=48M' --unix sock
later=$SERVER
SERVER=$first
stop TERM
says 50331648 "serve: the socket of a later server is left alone" nbdinfo --size "$uri"
SERVER=$later
stop TERM
code 2 "serve: wants to be told where" "$K" serve 'mem size=1M'
code 2 "serve: a path that no socket can have is refused" \
	"$K" serve 'mem size=1M' --unix "/tmp/$(printf '%0120d' 0)"
code 3 "serve: what cannot be opened is not served" "$K" serve ./none.img --unix sock
check "serve: nor is there a socket then" test ! -e sock

head -c 5000001 /dev/urandom >a.img
serve ./a.img
code 5 "serve: an image that is served is not opened by another" "$K" info 'file a.img'
says "export-size: 5000001" "serve: an odd size is told as it is" nbdinfo "$uri"
stop TERM

# --- TCP

in_background tcp 'mem size=16M' --tcp 127.0.0.1:0
says 16777216 "serve: TCP on a port that is free" nbdinfo --size "$(sed -n 's/.*ready on //p' tcp)"
ends TERM 0 "serve: ends on TCP"
code 2 "serve: a port that is none" "$K" serve 'mem size=1M' --tcp 127.0.0.1:99999
code 2 "serve: nor is a name" "$K" serve 'mem size=1M' --tcp 127.0.0.1:nbd
code 5 "serve: TCP beyond the loopback is refused" "$K" serve 'mem size=1M' --tcp 0.0.0.0:0
in_background tcp 'mem size=16M' --tcp 0.0.0.0:0 --insecure-tcp
says "ready on" "serve: unless it is said to be meant" cat tcp
stop TERM
code 2 "serve: --tcp without a port is refused" "$K" serve 'mem size=1M' --tcp localhost

# --- --run

says "^16777216$" "serve --run: the command finds the server under \$uri" \
	"$K" serve 'mem size=16M' --run 'nbdinfo --size "$uri"'
says "^1048576$" "serve --run: names with blanks and signs hold" \
	"$K" serve 'mem size=1M' --export 'a b?&#%/c' --run 'nbdinfo --size "$uri"'
code 7 "serve --run: ends as the command does" "$K" serve 'mem size=1M' --run 'exit 7'
code 7 "serve --run: where SIGCHLD is ignored too" \
	python3 -c 'import os, signal, sys; signal.signal(signal.SIGCHLD, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])' \
	"$K" serve 'mem size=1M' --run 'exit 7'
code 143 "serve --run: and if a signal ends it, says which" "$K" serve 'mem size=1M' --run 'kill $$'
says "^srw-------" "serve --run: the socket is private" \
	"$K" serve 'mem size=1M' --run 'ls -l "$unixsocket"'
"$K" serve 'mem size=1M' --run 'echo $$ >shell; exec sleep 50' 2>/dev/null &
SERVER=$!
own_pids="$own_pids $SERVER"
for _ in $(seq 100); do [ ! -s shell ] || break; sleep 0.05; done
ends TERM 143 "serve --run: SIGTERM ends server and command"
check "serve --run: no command is left behind" test ! -e "/proc/$(cat shell)"

"$K" serve 'mem size=1M' --run 'sleep 51 & echo $! >inner; echo $$ >shell2; wait' 2>/dev/null &
SERVER=$!
own_pids="$own_pids $SERVER"
for _ in $(seq 100); do [ ! -s shell2 ] || break; sleep 0.05; done
ends TERM 143 "serve --run: SIGTERM reaches what the command started"
check "serve --run: which is gone, too" sh -c 'sleep 0.2; ! grep -q sleep "/proc/$(cat inner)/cmdline" 2>/dev/null'
check "serve --run: what a command leaves running when it ends is ended" sh -c '
	"$0" serve "mem size=1M" --run "sleep 52 >/dev/null 2>&1 & echo \$! >inner2"; sleep 0.2
	! grep -q sleep "/proc/$(cat inner2)/cmdline" 2>/dev/null' "$K"

# --- a second signal

if command -v nbdcopy >/dev/null; then
	in_background stuck 'delay 100s | mem size=1M' --unix sock --export disk
	head -c 1048576 /dev/urandom >stuck.img
	timeout 20 nbdcopy stuck.img "nbd+unix:///disk?socket=$WORK/sock" 2>/dev/null &
	sleep 1
	kill -TERM "$SERVER"
	sleep 0.5
	check "serve: what is in flight is waited for" kill -0 "$SERVER"
	ends TERM 4 "serve: a second signal ends a server that hangs, with exit code 4"
	says 'the export "disk" is not flushed' "serve: and names the export" cat stuck
	check "serve: its socket is gone" test ! -e sock
else
	skip "serve: a second signal" "there is no nbdcopy"
fi

# --- the export

serve 'mem size=16M' --export disk --read-only
says "is_read_only: true" "serve --read-only: is told to clients" nbdinfo "$uri"
says 'export="disk"' "serve --export: is listed" nbdinfo --list "$uri"
check "serve --export: is found by its name" nbdinfo --size "nbd+unix:///disk?socket=$WORK/sock"
code 1 "serve --export: no other is" nbdinfo --size "nbd+unix:///other?socket=$WORK/sock"
stop TERM
in_background json 'mem size=16M' --unix sock --json
nbdinfo --size "$uri" >/dev/null
stop TERM
says '"schema": "kiobuf/serve/1"' "serve --json: tells what was done" cat json.out
check "serve --json: with numbers" python3 -c '
import json
result = json.load(open("json.out"))
assert result["connections"] >= 1 and result["errors"] == 0, result
assert result["layers"][-1]["name"] == "mem0", result'

# --- small neighbours

if command -v nbdcopy >/dev/null; then
	head -c 8M /dev/urandom >merged.img
	in_background merged ./merged.img --unix sock --json
	nbdcopy --request-size=4096 --requests=16 --connections=1 "$uri" back.img 2>/dev/null
	check "serve: small reads come out right where neighbours are merged" cmp merged.img back.img
	nbdcopy --request-size=4096 --requests=16 --connections=1 merged.img "$uri" 2>/dev/null
	stop TERM
	check "serve: small writes, too" cmp merged.img back.img
	check "serve: neighbours reach a file as fewer requests, and nothing is copied" python3 -c '
import json
top, file = json.load(open("merged.out"))["layers"]
assert top["class"] == "merge" and file["class"] == "file", top
assert top["ios"] >= 4096 and top["merged"] > 0, top
assert file["ios"] == top["ios"] - top["merged"] + top["merges"], (top, file)
assert top["copied_bytes"] == file["copied_bytes"] == 0, (top, file)'
else
	skip "serve: small neighbours" "there is no nbdcopy"
fi

# --- signals under load

if command -v fio >/dev/null; then
	truncate -s 32M load.img
	serve ./load.img
	fio --name=load --ioengine=nbd --uri="$uri" --rw=randwrite --bs=4k --iodepth=32 --size=32M \
		--runtime=20 --time_based >/dev/null 2>&1 &
	load=$!
	sleep 0.7
	begun=$(date +%s)
	ends TERM 0 "serve: SIGTERM in the middle of writes ends in order"
	check "serve: and soon" test $(($(date +%s) - begun)) -le 3
	wait "$load"
else
	skip "serve: under load" "there is no fio"
fi

# --- clients that go astray

serve 'delay 20ms | mem size=16M'
python3 - <<'EOP'
import socket, struct
def client():
    s = socket.socket(socket.AF_UNIX)
    s.connect("sock")
    s.recv(18)
    return s
def ready():
    s = client()
    s.sendall(struct.pack(">IQII", 3, 0x49484156454F5054, 1, 0))
    s.recv(10)
    return s
client().sendall(b"GET / HTTP/1.0\r\n\r\n" * 100)
ready().sendall(b"\0" * 100000)
for size in (0, 1, 27, 28, 29, 5000):
    s = ready()
    s.sendall((struct.pack(">IHHQQI", 0x25609513, 0, 1, 1, 0, 10000) + b"x" * 10000)[:size])
    s.close()
held = [client() for _ in range(50)]
s = ready()
for i in range(20):
    s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, i, 0, 1 << 20))
s.close()
EOP
says 16777216 "serve: garbage and lost clients harm nobody" nbdinfo --size "$uri"
says "a client is dropped" "serve: and are told of" cat .serve
ends TERM 0 "serve: nor do they hold up the end"

for engine in io_uring threads; do
	serve 'mem size=16M' --engine "$engine" || { skip "serve: on $engine" "not here"; continue; }
	check "serve: copies on $engine" nbdcopy "$uri" null:
	before=$(cut -d' ' -f14,15 /proc/"$SERVER"/stat)
	sleep 1
	check "serve: idle on $engine, it takes no CPU" test "$(cut -d' ' -f14,15 /proc/"$SERVER"/stat)" = "$before"
	ends TERM 0 "serve: ends on $engine"
done

finish
