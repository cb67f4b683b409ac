#!/bin/sh
# SPDX-License-Identifier: MIT
# The figures that gate: instructions, bytes and ratios within one run, never a
# bare time.
cd "$(dirname "$0")/.."
build/kiobuf bench --suite core --json >build/core.json || exit 1
build/kiobuf bench --suite file --path build/figures.file --json >build/file.json || echo '{}' >build/file.json
python3 - <<'EOF'
import json, sys
core, file = json.load(open("build/core.json")), json.load(open("build/file.json"))
gates = [
    (core, "intercept_instructions_per_layer", 64), (core, "pass_instructions_per_layer", 32),
    (core, "allocs_per_io", 0), (core, "container_bytes_depth8", 1024), (core, "frame_bytes", 64),
    (core, "null_instructions", 150), (file, "syscall_ratio", 1.05),
]
passed = failed = 0
for figures, name, most in gates:
    if name not in figures:
        continue
    good = figures[name] <= most
    passed += good
    failed += not good
    print(f"{'ok' if good else 'FAIL'} - {name} {figures[name]:.2f}, at most {most}")
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
EOF
