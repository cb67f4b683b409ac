#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the terminal sessions of a document and compares what they print.

A session is an indented block that begins with "$ ". Each command's output has
to match the lines below it; in those "..." stands for anything on a line, a
line of "..." alone for any number of lines, and N for a number. The commands
of one document run one after the other in one folder.
"""
import os, re, subprocess, sys, tempfile

kiobuf, path = sys.argv[1:3]


def sessions(text):
    """(command, expected lines) in order."""
    result, lines = [], text.split("\n")
    for line in lines:
        match = re.match(r"^(    |\t)(.*)$", line)
        if not match:
            if result and line.strip():
                result[-1][2] = False
            continue
        body = match.group(2)
        if body.startswith("$ "):
            result.append([body[2:], [], True])
        elif result and result[-1][2]:
            if result[-1][0].endswith("\\"):
                result[-1][0] = result[-1][0][:-1] + body.strip()
            else:
                result[-1][1].append(body)
    return [(command, expected) for command, expected, _ in result]


def pattern(expected):
    parts = []
    for line in expected:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
            continue
        regex = re.escape(line).replace(re.escape("..."), ".*")
        regex = re.sub(r"\bN\b", r"[0-9][0-9.]*", regex)
        parts.append(re.sub(r"(\\ )+", r"\\s+", regex) + r"\s*\n")
    return "".join(parts)


failed = ran = 0
with tempfile.TemporaryDirectory() as folder:
    os.symlink(kiobuf, os.path.join(folder, "kiobuf"))
    env = dict(os.environ, PATH=folder + ":" + os.environ["PATH"], HOME=folder)
    shell = subprocess.Popen(["bash"], cwd=folder, env=env, text=True, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for command, expected in sessions(open(path).read()):
        if re.match(r"(sudo|git|make|cc|meson|gcc|man) ", command) or command == "make":
            continue
        command = re.sub(r"\s+#.*$", "", command)
        background = command.rstrip().endswith("&")
        shell.stdin.write(command + ("\nsleep 0.7" if background else "") + "\necho; echo =END=\n")
        shell.stdin.flush()
        output = ""
        while not output.endswith("\n=END=\n"):
            line = shell.stdout.readline()
            if not line:
                break
            output += line
        output = output[: -len("\n=END=\n")]
        output = output if output.endswith("\n") or not output else output + "\n"
        ran += 1
        if expected and not re.fullmatch(pattern([line for line in expected if line.strip()]),
                                         re.sub(r"\n\s*\n", "\n", output.lstrip("\n"))):
            failed += 1
            print(f"$ {command}\n--- expected\n" + "\n".join(expected) + "\n--- printed\n" + output)
    shell.stdin.write("kill $(jobs -p) 2>/dev/null; wait; exit\n")
    shell.stdin.flush()
    shell.wait(timeout=20)
print(f"{os.path.basename(path)}: {ran} commands, {failed} differ")
sys.exit(failed != 0)
