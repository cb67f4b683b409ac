#!/bin/sh
# SPDX-License-Identifier: MIT
# kiobuf serve --ctl and kiobuf ctl: what a running server tells and can be asked.
. "$(dirname "$0")/../lib.sh"

# ./raw BYTES: sends them as they are, and prints what comes back within a second
cat >raw <<'EOP'
#!/usr/bin/env python3
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect("ctl.sock")
s.settimeout(1)
s.sendall(eval(sys.argv[1]))
try:
    while data := s.recv(65536):
        print(data.decode(), end="", flush=True)
except (TimeoutError, ConnectionResetError):
    pass
EOP
chmod +x raw

"$K" create 'mirror { file a.img size=4M ; file b.img size=4M }' >/dev/null 2>&1
serve 'delay 1us name=d | mirror name=m { file a.img name=left ; file b.img name=right }' --ctl ctl.sock
for _ in $(seq 100); do [ ! -S ctl.sock ] || break; sleep 0.05; done
check "ctl: the socket is its owner's alone" test "$(stat -c %a ctl.sock)" = 600
says "^ *left .* ok .*in sync" "ctl tree: tells how each leg is" "$K" ctl ctl.sock tree
says "latency=1us" "ctl tree: and the options that can be changed" "$K" ctl ctl.sock
check "ctl health: yes when all is well" "$K" ctl ctl.sock health
check "ctl set: an option is changed" "$K" ctl ctl.sock set d latency=2us
says "latency=2us" "ctl set: and shown so from then on" "$K" ctl ctl.sock tree
code 2 "ctl set: what does not parse is a matter of usage" "$K" ctl ctl.sock set d latency=2
code 5 "ctl set: what is fixed is refused" "$K" ctl ctl.sock set m degraded=yes
code 2 "ctl: what no layer offers is a matter of usage" "$K" ctl ctl.sock explode m
says "fail LEG" "ctl help: lists what the layers offer" "$K" ctl ctl.sock help

# --- with load, two clients, and a leg that goes

"$K" ctl ctl.sock watch >watched 2>&1 &
watcher=$!
own_pids="$own_pids $watcher"
for _ in $(seq 100); do [ ! -s watched ] || break; sleep 0.05; done
load=
if command -v nbdcopy >/dev/null; then
	head -c 4000000 /dev/urandom >data.img
	(for _ in 1 2 3 4 5; do nbdcopy data.img "nbd+unix:///?socket=$WORK/sock" || exit 1; done) 2>/dev/null &
	load=$!
fi
says "legs_in_use: 1" "ctl fail: takes a leg out while requests run" "$K" ctl ctl.sock fail right
code 5 "ctl fail: once" "$K" ctl ctl.sock fail right
code 5 "ctl fail: not the last" "$K" ctl ctl.sock fail left
code 1 "ctl health: no when a leg is lost" "$K" ctl ctl.sock health
says "right: failed, stale" "ctl health: and says which" "$K" ctl ctl.sock health
says "m: the leg right was failed by hand" "ctl: the server's log has it at once" cat .serve
if [ -n "$load" ]; then
	wait "$load"
	check "ctl: the clients of the export saw nothing of it" test $? -eq 0
else
	skip "ctl: beside a client of the export" "there is no nbdcopy"
fi
says "export requests: [0-9]" "ctl stats: of the export and each layer" "$K" ctl ctl.sock stats
check "ctl --json: has the schema" python3 -c '
import json, subprocess, os
out = json.loads(subprocess.check_output([os.environ["KIOBUF"], "ctl", "ctl.sock", "stats", "--json"]))
assert out["schema"] == "kiobuf/ctl/1" and out["ok"] and out["layers"][-1]["class"] == "file", out'

# --- hostile clients

says 'EINVAL.*no JSON' "ctl: a line that is no JSON is answered" ./raw 'b"rubbish\n"'
says '"ok":true' "ctl: and so is the next one" ./raw 'b"[1]\n{\"do\":\"tree\"}\n"'
says "no key 'dou'" "ctl: an unknown key is refused" ./raw 'b"{\"do\":\"tree\",\"dou\":\"x\"}\n"'
says 'do is to be a text' "ctl: a value of another kind too" ./raw 'b"{\"do\":5}\n"'
says 'EMSGSIZE' "ctl: and a line without end" ./raw 'b"x" * 16384'
says 'EINVAL' "ctl: bytes that are no text are answered" ./raw 'b"{\"do\":\"\\xff\\x00\"}\n"'
python3 - <<'EOP'
import socket, time
greedy = []
for _ in range(8):
    s = socket.socket(socket.AF_UNIX)
    s.connect("ctl.sock")
    s.setblocking(False)
    try:
        while True:
            s.send(b'{"do":"tree"}\n' * 1000)
    except BlockingIOError:
        pass
    greedy.append(s)
open("greedy", "w").close()
import subprocess, os
rc = subprocess.run([os.environ["KIOBUF"], "ctl", "ctl.sock", "tree"], timeout=5, capture_output=True).returncode
open("answered", "w").write(str(rc))
EOP
says "^0$" "ctl: clients that ask and do not read hold up nobody" cat answered
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 711 "$WORK"
	chmod 666 ctl.sock
	cp "$K" kiobuf-copy && chmod 755 kiobuf-copy
	code 5 "ctl: another user is refused by who he is" \
		setpriv --reuid 65534 --regid 65534 --clear-groups ./kiobuf-copy ctl ctl.sock tree
	says "for the user who runs the server" "ctl: and told so" \
		setpriv --reuid 65534 --regid 65534 --clear-groups ./kiobuf-copy ctl ctl.sock tree
	chmod 600 ctl.sock
else
	skip "ctl: another user" "this is not root's run, or there is no setpriv"
fi

kill -TERM "$SERVER"
wait "$SERVER"
check "serve --ctl: ends with exit code 0" test $? -eq 0
wait "$watcher"
check "ctl watch: ends with the server, with exit code 0" test $? -eq 0
says "^m: degraded: the leg right was failed by hand and is stale" "ctl watch: told of the leg" cat watched
says "the server ends" "ctl watch: and of the end" cat watched
check "serve --ctl: the socket is gone afterwards" test ! -e ctl.sock
code 6 "ctl: without a server there is no answer" "$K" ctl ctl.sock tree
finish
