#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mutated JSON for `kiobuf stack --from-json`: it is read or refused, nothing else."""
import random, subprocess, sys, time

kiobuf, seconds = sys.argv[1], float(sys.argv[2])
good = subprocess.run([kiobuf, "stack", "--json", "crypt key-file=k | mirror { file a.img name=x ; crop size=1M | mem 4M }"],
                      capture_output=True, check=True).stdout
pieces = [b"{", b"}", b"[", b"]", b",", b'"', b":", b"null", b"1e999", b"true", b"\\u0000", b'"stack"', b'"value"',
          b'"legs"', b"\xff", b" " * 100]
generator = random.Random(1)
until, runs = time.time() + seconds, 0
while time.time() < until:
    text = bytearray(good)
    for _ in range(generator.randrange(1, 6)):
        at = generator.randrange(len(text))
        kind = generator.randrange(4)
        if kind == 0:
            text[at] = generator.randrange(256)
        elif kind == 1:
            del text[at:at + generator.randrange(1, 40)]
        elif kind == 2:
            text[at:at] = generator.choice(pieces)
        else:
            text[at:at] = text[at:at + generator.randrange(1, 200)]
    done = subprocess.run([kiobuf, "stack", "--from-json", "-"], input=bytes(text), capture_output=True, timeout=20)
    runs += 1
    if done.returncode not in (0, 2):
        open("json-crash", "wb").write(text)
        sys.exit(f"FAIL - json: exit {done.returncode}: {done.stderr[-300:]!r}; the input is in json-crash")
print(f"ok - json: {runs} runs")
