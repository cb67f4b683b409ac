#!/bin/sh
# SPDX-License-Identifier: MIT
# The commands that README and man pages show are run, and print what they show.
. "$(dirname "$0")/../lib.sh"
check "docs: the sessions of README" python3 "$TOP/tests/docs.py" "$K" "$TOP/README.md"
for page in "$TOP"/docs/man/*.scd; do
	check "docs: $(basename "$page")" python3 "$TOP/tests/docs.py" "$K" "$page"
done
check "docs: cache.scd" python3 "$TOP/tests/docs.py" "$K" "$TOP/docs/layers/cache.scd"
check "docs: cow.scd" python3 "$TOP/tests/docs.py" "$K" "$TOP/docs/layers/cow.scd"
check "docs: what went wrong elsewhere has its tests here" python3 "$TOP/tests/races.py"
finish
