#!/bin/sh
# SPDX-License-Identifier: MIT
# The figures that gate: instructions, bytes and ratios within one run, never a
# bare time.
cd "$(dirname "$0")/.."
build/kiobuf bench --suite core --json >build/core.json || exit 1
build/kiobuf bench --suite events --json >build/events.json || exit 1
build/kiobuf bench --suite file --path build/figures.file --json >build/file.json || echo '{}' >build/file.json
python3 - <<'EOF'
import json, sys
core, events, file = (json.load(open(f"build/{suite}.json")) for suite in ("core", "events", "file"))
gates = [
    (core, "intercept_instructions_per_layer", 64), (core, "pass_instructions_per_layer", 32),
    (core, "allocs_per_io", 0), (core, "container_bytes_depth8", 1024), (core, "frame_bytes", 64),
    (core, "null_instructions", 150), (file, "syscall_ratio", 1.05),
    (events, "allocs", 0), (events, "unused_owner_instructions", 20), (events, "unused_shared_instructions", 34),
    (events, "and_open_instructions", 97), (events, "and_sealed_instructions", 99),
    (events, "and_batched_instructions", 93), (events, "and_owner_instructions", 94),
    (events, "or_leaf_instructions", 130), (events, "chain_callback_instructions", 97),
    (events, "nest_level_instructions", 265),
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
