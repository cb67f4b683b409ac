#!/bin/sh
# SPDX-License-Identifier: MIT
# The server: sockets, signals, --run, bad clients.
. "$(dirname "$0")/../lib.sh"

head -c 5000001 /dev/urandom >a.img
check "serve: the socket is there" serve 'file a.img'
check "serve: for its owner alone" test "$(stat -c %a sock)" = 600
code 5 "serve: a socket in use is refused" "$K" serve 'mem 1M' --unix sock
code 5 "serve: an image in use is refused" "$K" info 'file a.img'
check "serve: nbdinfo" nbdinfo 'nbd+unix:///?socket=sock'
says "export-size: 5000001" "serve: the odd size is told" nbdinfo 'nbd+unix:///?socket=sock'
kill -TERM "$SERVER"
wait "$SERVER"
check "serve: SIGTERM ends it with 0" test $? -eq 0
check "serve: and takes the socket away" test ! -e sock

# a socket that nobody listens on
python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind("sock")'
check "serve: a stale socket is replaced" serve 'mem 1M' --export disk
says 'export="disk"' "serve: the export has its name" nbdinfo --list 'nbd+unix:///?socket=sock'
check "serve: garbage is dropped" python3 - <<'EOF'
import socket, os
for data in (b"x" * 100, b"\0\0\0\3" + b"y" * 200, os.urandom(4096), b""):
    s = socket.socket(socket.AF_UNIX); s.connect("sock"); s.recv(18)
    try:
        s.sendall(data); s.shutdown(socket.SHUT_WR); s.settimeout(5)
        while s.recv(1000): pass
    except (BrokenPipeError, ConnectionResetError): pass
    s.close()
EOF
check "serve: a client that leaves in the middle of a write" python3 - <<'EOF'
import socket, struct
s = socket.socket(socket.AF_UNIX); s.connect("sock"); s.recv(18)
s.sendall(struct.pack(">IQIIIH", 3, 0x49484156454F5054, 7, 6, 0, 0))
data = b""
while not data.endswith(struct.pack(">QIII", 0x3e889045565a9, 7, 1, 0)): data += s.recv(1000)
s.sendall(struct.pack(">IHHQQI", 0x25609513, 0, 1, 1, 0, 100000) + b"half")
s.close()
EOF
check "serve: it serves on" nbdinfo 'nbd+unix:///?socket=sock'
kill -INT "$SERVER"
wait "$SERVER"
check "serve: SIGINT ends it with 0" test $? -eq 0
code 5 "serve: what is no socket is not replaced" "$K" serve 'mem 1M' --unix a.img

check "serve: --run gives its command the address" "$K" serve 'mem 1M' --run 'nbdinfo "$uri"'
code 7 "serve: --run ends as the command does" "$K" serve 'mem 1M' --run 'exit 7'
code 2 "serve: nowhere to listen" "$K" serve 'mem 1M'
code 5 "serve: TCP beyond the loopback has to be meant" "$K" serve 'mem 1M' --tcp 0.0.0.0:0
check "serve: TCP on the loopback" "$K" serve 'mem 1M' --tcp 127.0.0.1:0 --run 'nbdinfo "$uri"'
says '"schema": "kiobuf/serve/1"' "serve: --json" "$K" serve 'mem 1M' --json --run true
check "serve: read only" "$K" serve --read-only 'file a.img' --run 'nbdinfo "$uri" | grep "is_read_only: true"'
check "serve: on the engine of threads" "$K" serve --engine threads 'file a.img' --run 'nbdcopy "$uri" b.img'
check "serve: the same" cmp a.img b.img
finish
