#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Does all exist that races.md names: tests by their sentences, bugs in the models?
And is no test of unit/races.c, and no bug of the models, missing there?"""
import glob, os, re, sys

here = os.path.dirname(os.path.abspath(__file__))
table = open(os.path.join(here, "races.md")).read()


def found(pattern, paths):
    return {name for path in glob.glob(os.path.join(here, paths)) for name in re.findall(pattern, open(path).read())}


def say(names, what):
    for name in sorted(names):
        print(f"{name}: {what}")
    return len(names)


tests = found(r'(?m)^TEST(?:_BOTH)?\("(.*)"\)', "unit/*.c")
bugs = found(r"BUG_[A-Z_]+", "models/*.pml")
named_tests = set(re.findall(r'"((?:\w+): [^"|]*)"', table))
named_bugs = set(re.findall(r"`(BUG_[A-Z_]+)`", table))
wrong = say(named_tests - tests, "races.md names it, but there is no such test")
wrong += say(named_bugs - bugs, "races.md names it, but it is not in the models")
wrong += say({test for test in tests if test.startswith("race: ")} - named_tests, "is not in races.md")
wrong += say(bugs - named_bugs, "is in the models, but not in races.md")
print(f"races.md: {len(named_tests)} tests, {len(named_bugs)} bugs, {wrong} wrong")
sys.exit(wrong != 0)
