#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds with gcc and clang, warnings being errors.
set -e
cd "$(dirname "$0")/.."
for cc in gcc clang; do
	rm -rf build-strict-$cc
	CC=$cc meson setup build-strict-$cc -Dwerror=true >/dev/null
	ninja -C build-strict-$cc >build-strict-$cc/log 2>&1 || { cat build-strict-$cc/log; echo "0 passed, 1 failed"; exit 1; }
done
echo "2 passed, 0 failed"
