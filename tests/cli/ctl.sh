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
ctl_is_there() {
	for _ in $(seq 100); do ! "$K" ctl ctl.sock health >/dev/null 2>&1 || break; sleep 0.05; done
}

"$K" create 'mirror { file a.img size=4M ; file b.img size=4M }' >/dev/null 2>&1
serve 'delay 1us name=d | mirror name=m { file a.img name=left ; file b.img name=right }' --ctl ctl.sock
ctl_is_there
check "ctl: the socket is its owner's alone" test "$(stat -c %a ctl.sock)" = 600
says "^ *left .* ok .*in sync" "ctl tree: tells how each leg is" "$K" ctl ctl.sock tree
says "latency=1us" "ctl tree: and the options that can be changed" "$K" ctl ctl.sock
check "ctl health: yes when all is well" "$K" ctl ctl.sock health
check "ctl set: an option is changed" "$K" ctl ctl.sock set d latency=2us
says "latency=2us" "ctl set: and shown so from then on" "$K" ctl ctl.sock tree
code 2 "ctl set: what does not parse is a matter of usage" "$K" ctl ctl.sock set d latency=2
code 5 "ctl set: what is fixed is refused" "$K" ctl ctl.sock set m degraded=yes
code 2 "ctl: what no layer offers is a matter of usage" "$K" ctl ctl.sock explode m
says "fail LEG .*(m)" "ctl help: lists what the layers offer" "$K" ctl ctl.sock help
says "^  clients  *who" "ctl help: and what each server answers" "$K" ctl ctl.sock help
says "^  set LAYER OPTION=VALUE  *changes" "ctl --help: is made of the words there are" "$K" ctl --help
says "^  resync LEG \\[all\\] .*(mirror)" "ctl --help: with those of the layers" "$K" ctl --help
says "how to 'clinets'; did you mean 'clients'" "ctl: guesses what was meant" "$K" ctl ctl.sock clinets
says "how to 'fial'; did you mean 'fail'" "ctl: also of what the layers offer" "$K" ctl ctl.sock fial left
says "no layer 'lefd'; did you mean 'left'" "ctl: and of their names" "$K" ctl ctl.sock fail lefd
says "no layer 'e'; did you mean 'd'" "ctl set: guesses the layer too" "$K" ctl ctl.sock set e latency=1us
says "fail needs a layer or a leg" "ctl: an operation says that it needs a layer" "$K" ctl ctl.sock fail
code 2 "ctl: a word too many is not ignored" "$K" ctl ctl.sock tree m

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

# --- who is connected

cat >connected <<'EOP'
#!/usr/bin/env python3
# Speaks NBD by hand, and prints what ctl says of it: in the handshake, ready, with a request that hangs.
import json, os, socket, struct, subprocess, time
def ctl(*words):
    out = subprocess.run([os.environ["KIOBUF"], "ctl", "ctl.sock", *words], timeout=20, capture_output=True)
    return out.stdout.decode()
def mine():
    return [c for c in json.loads(ctl("clients", "--json"))["clients"] if c["pid"] == os.getpid()][0]
def take(n):
    got = b""
    while len(got) < n:
        got += s.recv(n - len(got)) or exit("the server hung up")
def read(length):
    s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 0, 1, 0, length))
def wait_until(key, value):
    end = time.monotonic() + 5
    while mine()[key] != value and time.monotonic() < end:
        time.sleep(0.01)
s = socket.socket(socket.AF_UNIX)
s.connect("sock")
take(18)
print("handshake:", mine()["state"])
s.sendall(struct.pack(">I8sII", 3, b"IHAVEOPT", 1, 0))
take(10)
read(4096)
take(16 + 4096)
was = mine()
print("ready:", was["state"], was["requests"], was["read_bytes"], was["in_flight"], was["uid"])
time.sleep(0.1)
print("older:", mine()["connected_ns"] >= was["connected_ns"] + 100000000)
print("people:", f"pid {os.getpid()} " in ctl("clients"))
ctl("set", "d", "latency=100s")
read(4096)
wait_until("in_flight", 1)
print("hangs:", mine()["in_flight"])
begun = time.monotonic()
answers = [ctl(word, "--json").count('"ok":true') for word in ("tree", "health", "stats", "clients", "help")]
print("answers:", answers, time.monotonic() - begun < 5)
s.close()
wait_until("state", "leaving")
print("gone:", mine()["state"], mine()["in_flight"])
EOP
chmod +x connected
serve 'delay 1us name=d | mem size=1M' --ctl ctl.sock
ctl_is_there
./connected >connection 2>&1
says "^handshake: handshake$" "ctl clients: tells of one in its handshake" cat connection
says "^ready: ready 1 4096 0 $(id -u)$" "ctl clients: and what one that is ready asked for" cat connection
says "^older: True$" "ctl clients: and for how long it is here" cat connection
says "^people: True$" "ctl clients: and shows it to people" cat connection
says "^hangs: 1$" "ctl clients: and what is in flight" cat connection
says "^answers: \\[1, 1, 1, 1, 1\\] True$" "ctl: a driver that never answers holds up no answer" cat connection
says "^gone: leaving 1$" "ctl clients: one that left stays as long as its request" cat connection

# --- where the socket is to be

kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null
check "serve --ctl: a server that was killed leaves its socket" test -S ctl.sock
serve 'mem size=1M' --ctl ctl.sock
ctl_is_there
check "serve --ctl: which the next one replaces" "$K" ctl ctl.sock tree
code 5 "serve --ctl: one that is in use is refused" "$K" serve 'mem size=1M' --unix sock2 --ctl ctl.sock
check "serve --ctl: and goes on" "$K" ctl ctl.sock tree
echo precious >file
code 5 "serve --ctl: what is no socket is refused" "$K" serve 'mem size=1M' --unix sock2 --ctl file
says "^precious$" "serve --ctl: and left as it is" cat file
check "serve --ctl: the other socket of one that was refused is gone" test ! -e sock2

# --- who waits for whom

cat >talk.py <<'EOP'
import json, socket
class Talk:
    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect("ctl.sock")
        self.socket.settimeout(20)
        self.lines = self.socket.makefile("r")
    def say(self, do, **more):
        self.socket.sendall(json.dumps({"do": do, **more}).encode() + b"\n")
    def hear(self):
        return json.loads(self.lines.readline() or "null")
    def ask(self, do, **more):
        self.say(do, **more)
        return self.hear()
EOP
cat >many.py <<'EOP'
from talk import Talk
clients = [Talk() for _ in range(32)]
print("all:", all(c.ask("tree")["ok"] for c in clients))
print("more:", Talk().hear())
print("still:", all(c.ask("tree")["ok"] for c in clients))
clients.pop().socket.close()
last = None
for _ in range(100):
    last = Talk()
    try:
        if last.ask("health")["ok"]:
            break
    except (BrokenPipeError, ConnectionResetError):
        pass
print("again:", last.ask("health")["ok"])
EOP
timeout 60 python3 many.py >many 2>&1
says "^all: True$" "ctl: answers as many clients as it has room for" cat many
says "^more: .*EBUSY.*32" "ctl: one more is told why it is not" cat many
says "^still: True$" "ctl: which changes nothing for the others" cat many
says "^again: True$" "ctl: who leaves makes room" cat many
kill -TERM "$SERVER"
wait "$SERVER"

cat >hang.py <<'EOP'
import time
from talk import Talk
a, b, c, gone = Talk(), Talk(), Talk(), Talk()
a.ask("set", layer="d", option="latency", value="100s")
begun = time.monotonic()
a.say("fail", layer="right")
a.say("tree")
b.say("set", layer="d", option="latency", value="2us")
gone.say("set", layer="d", option="latency", value="3us")
gone.socket.close()
answers = [c.ask(do)["ok"] for do in ("tree", "health", "stats", "clients", "help", "watch")]
took = time.monotonic() - begun
print("others:", answers, took < 4)
b.hear()
print("turn:", time.monotonic() - begun > took + 2)
print("asker:", a.hear()["error"], "layers" in a.hear())
EOP
"$K" create 'mirror { file c.img size=4M ; file d.img size=4M }' >/dev/null 2>&1
serve 'mirror name=m { delay 1us name=d | file c.img name=left ; file d.img name=right }' --ctl ctl.sock
ctl_is_there
timeout 60 python3 hang.py >hang 2>&1
says "^others: \[True, True, True, True, True, True\] True$" \
	"ctl: while an operation waits for a leg that never answers, others are answered" cat hang
says "^turn: True$" "ctl: the next operation waits for its turn" cat hang
says "^asker: ETIMEDOUT True$" "ctl: who asked is answered when it gives up, and then what it asked next" cat hang
says "latency=3us" "ctl: what a client asked for is done though it left" "$K" ctl ctl.sock tree
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null

# --- a watcher that does not read; so many layers that the answers do not fit into its socket

stack='concat { mirror name=m { file a.img name=left ; file b.img name=right }'
for i in $(seq 4000); do stack="$stack ; mem size=4096 name=fill$i"; done
cat >slow.py <<'EOP'
import os, time
from talk import Talk
def memory():
    return int([l for l in open(f"/proc/{os.environ['SERVER']}/status") if l.startswith("VmRSS")][0].split()[1])
slow, good, other = Talk(), Talk(), Talk()
print("watch:", slow.ask("watch")["ok"], good.ask("watch")["ok"])
other.ask("tree")
before = memory()
slow.socket.sendall(b'{"do":"tree"}\n' * 1000)
time.sleep(0.2)
begun = time.monotonic()
print("other:", other.ask("fail", layer="right")["ok"], other.ask("health")["ok"], time.monotonic() - begun < 5)
print("good:", good.hear()["event"])
print("memory:", memory() - before < 65536, memory() - before) # all answers: 500 MB
got = 0
try:
    while data := slow.socket.recv(65536):
        got += len(data)
    print("slow: let go")
except ConnectionResetError:
    print("slow: let go")
except TimeoutError:
    print("slow: kept")
EOP
rm -f a.img b.img
"$K" create 'mirror { file a.img size=4M ; file b.img size=4M }' >/dev/null 2>&1
serve "$stack }" --ctl ctl.sock
ctl_is_there
SERVER=$SERVER timeout 60 python3 slow.py >slow 2>&1
says "^other: True True True$" "ctl: a watcher that does not read holds up no other client" cat slow
says "^good: health$" "ctl: nor who watches and reads" cat slow
says "^memory: True" "ctl: what is kept for it is bounded" cat slow
says "^slow: let go$" "ctl: and it is let go" cat slow
kill -TERM "$SERVER"
wait "$SERVER"
finish
