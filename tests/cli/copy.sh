#!/bin/sh
# SPDX-License-Identifier: MIT
# copy, compare and map. Without it a copy could lose an odd tail, keep old bytes
# where the source has a hole, or overwrite what nobody asked to overwrite.
. "$(dirname "$0")/../lib.sh"

# json QUERY SENTENCE COMMAND...: its result is JSON for which the Python expression holds
json() {
	query=$1 sentence=$2
	shift 2
	timeout 60 "$@" >"$WORK/.out" 2>"$WORK/.err"
	if python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' \
		"$WORK/.out" "$query" 2>>"$WORK/.out"; then ok "$sentence"; else bad "$sentence"; fi
}
noise() { head -c "$1" /dev/urandom; }
# a file of an odd size: hole, data, hole, data to the end
truncate -s 9000001 source.img
noise 3000000 | dd of=source.img bs=1M seek=2 conv=notrunc status=none
noise 12345 | dd of=source.img bs=1 seek=8987656 conv=notrunc status=none

# --- a new file ---
umask 022
check "copy: makes a new file" "$K" copy source.img new.img
check "copy: the new file is the same, byte by byte" cmp source.img new.img
says '^600 9000001$' "copy: the new file is its owner's alone and has the source's size" \
	stat -c '%a %s' new.img
check "copy: holes of the source are holes in a new file" \
	sh -c '[ $(stat -c %b new.img) -le $(($(stat -c %b source.img) + 64)) ]'
check "copy: is silent on stderr without a terminal" \
	sh -c '"$0" copy source.img quiet.img 2>err && [ ! -s err ]' "$K"
if command -v script >/dev/null; then
	says '%.*left' "copy: shows its progress on a terminal" \
		script -qec "$K copy 'delay 1ms | file source.img' terminal.img" /dev/null
else
	skip "copy: shows its progress on a terminal" "there is no script(1)"
fi
: >empty.img
check "copy: an empty file becomes an empty file" "$K" copy empty.img empty2.img
says '^600 0$' "copy: the empty file is there" stat -c '%a %s' empty2.img
printf x >one.img
check "copy: one byte" sh -c '"$0" copy one.img one2.img && cmp one.img one2.img' "$K"
json 'j["schema"] == "kiobuf/copy/1" and j["size_bytes"] == 9000001 and j["moved_bytes"] + j["skipped_bytes"] == 9000001 and j["zeroed_bytes"] == 0 and j["elapsed_ns"] > 0' \
	"copy: --json says what was moved and skipped" "$K" copy source.img json.img --json
json 'j["destination_layers"][0]["moved_bytes"] == j["moved_bytes"] and j["source_layers"][0]["copied_bytes"] == 0' \
	"copy: --json has each layer's statistics, and nothing was copied in memory" \
	"$K" copy source.img json2.img --json
says '^file0 .* [0-9.]* MiB' "copy: --stats tells of each layer" \
	"$K" copy source.img stats.img --stats
for engine in threads io_uring; do
	"$K" map one.img --engine $engine >/dev/null 2>&1 || { skip "copy: $engine" "not here"; continue; }
	check "copy: with the engine $engine" \
		sh -c '"$0" copy source.img $1.img --engine $1 && cmp source.img $1.img' "$K" $engine
done
code 2 "copy: an engine that does not exist is a usage error" \
	"$K" copy source.img never.img --engine steam

# --- what is there already ---
noise 1000 >old.img
cp old.img old.copy
code 5 "copy: does not overwrite a file unasked" "$K" copy one.img old.img
check "copy: and left it as it was" cmp old.img old.copy
code 5 "copy: refuses a destination that is too small" "$K" copy source.img old.img --force
check "copy: and left it as it was" cmp old.img old.copy
says 'needs 8.6 MiB' "copy: says how much is needed" "$K" copy source.img old.img --force
noise 10000001 >large.img
check "copy: --force overwrites a larger file" "$K" copy source.img large.img --force
check "copy: holes of the source are zeroes in it, and so is its rest" \
	sh -c '{ cat source.img; head -c 1000000 /dev/zero; } | cmp - large.img'
says '^10000001$' "copy: an existing file keeps its size" stat -c %s large.img
code 5 "copy: a stack on a file counts as existing" "$K" copy one.img 'file made.img size=1M'
code 1 "copy: and what is refused makes no file" test -e made.img
check "copy: a stack can make a file when --force is given" \
	"$K" copy one.img 'file made.img size=1M' --force
check "copy: a stack in memory holds nothing and needs no --force" \
	"$K" copy source.img 'stripe { mem size=8M ; mem size=8M }'
code 5 "copy: a stack with one leg on a file needs it" \
	"$K" copy one.img 'mirror state=none { mem size=1M ; file made.img }'
code 5 "copy: a definition that holds data needs it" sh -c '
	printf "stack base = file made.img\nexport top = crop size=1K | use base\n" >d.kio
	"$0" copy one.img @d.kio' "$K"
code 5 "copy: refuses what is read only" "$K" copy one.img 'readonly | mem size=1M'
code 5 "copy: refuses a file onto itself" "$K" copy source.img source.img --force
check "copy: and left it as it was" cmp source.img new.img
says 'are the same file' "copy: says so, whatever the names" "$K" copy source.img ./source.img --force
code 5 "copy: a stack onto itself is refused" "$K" copy 'file source.img' 'file source.img' --force
says 'another stack of this one' "copy: and told from another program's lock" \
	"$K" copy 'file source.img' 'file source.img' --force
code 2 "copy: a wrong text is told before --force is asked for" "$K" copy one.img 'file old.img sizze=3'
says "no option 'sizze'" "copy: and what is wrong" "$K" copy one.img 'file old.img sizze=3'

# --- block sizes ---
noise 64 >key && chmod 600 key
check "copy: an odd size into blocks of 4096" \
	"$K" copy source.img 'crypt key-file=key header=none | mem size=16M'
check "copy: an odd size into a new encrypted file" \
	"$K" copy source.img 'crypt key-file=key header=none | file crypt.img size=12M' --force
check "copy: it reads back as it was" \
	"$K" compare source.img 'crypt key-file=key header=none | file crypt.img'
code 1 "copy: and is not plain on the disk" "$K" compare source.img crypt.img
noise 1048576 >direct.img
if "$K" info 'file direct.img direct=yes' >/dev/null 2>&1; then
	check "copy: an odd size into a file with direct I/O" \
		"$K" copy one.img 'file direct.img direct=yes' --force
	check "copy: and its rest is zero" sh -c '
		{ cat one.img; head -c 1048575 /dev/zero; } | cmp -n 1048576 - direct.img'
	noise 1000000 >direct.img
	code 2 "copy: a file with a rest that direct I/O cannot reach is refused" \
		"$K" copy 'file direct.img direct=yes' rest.img
	says 'the last .* would be left out' "copy: and it says how much" \
		"$K" info 'file direct.img direct=yes'
else
	skip "copy: an odd size into a file with direct I/O" "the file system cannot"
fi

# --- what goes wrong ---
code 3 "copy: a source that is not there" "$K" copy nothing.img never.img
code 3 "copy: a destination that cannot be made" "$K" copy one.img no/folder.img
code 3 "copy: a folder is not a destination" "$K" copy one.img . --force
code 1 "copy: what fails makes no file" test -e never.img
code 4 "copy: what cannot be written is an I/O error" \
	sh -c 'trap "" XFSZ; ulimit -f 1000; exec "$0" copy source.img large.img --force' "$K"
says 'writing the destination at ' "copy: which says where" \
	sh -c 'trap "" XFSZ; ulimit -f 1000; exec "$0" copy source.img large.img --force' "$K"

code 4 "copy: a new file that cannot be filled is an I/O error" \
	"$K" copy 'sim size=16M error=1000000' partial.img
check "copy: and goes away again" test ! -e partial.img
says 'the new file is removed' "copy: which it says" \
	"$K" copy 'sim size=16M error=1000000' partial.img
says 'the destination is not complete' "copy: of one that was there it says that it is not complete" \
	sh -c 'trap "" XFSZ; ulimit -f 1000; exec "$0" copy source.img large.img --force' "$K"

# signalled NAME CODE DESTINATION SENTENCE: a running copy ends with 128 + n
truncate -s 512M slow.img
noise 64M | dd of=slow.img conv=notrunc status=none
signalled() {
	"$K" copy 'delay 200ms | file slow.img' "$3" --force >signal.out 2>&1 &
	pid=$!
	own_pids="$own_pids $pid"
	sleep 0.5
	kill -"$1" "$pid"
	wait "$pid"
	got=$?
	if [ "$got" -eq "$2" ]; then ok "$4"; else bad "$4"; echo "  exit $got"; fi
}
for leg in a b; do truncate -s 600M $leg.leg; done
"$K" create 'mirror { file a.leg ; file b.leg }' >/dev/null
signalled INT 130 'mirror { file a.leg ; file b.leg }' "copy: SIGINT ends it with 130"
says 'stopped by a signal' "copy: and says that the destination is not complete" cat signal.out
check "copy: a mirror it wrote to was closed in order" \
	"$K" info 'mirror { file a.leg ; file b.leg }'
signalled TERM 143 stopped.img "copy: SIGTERM ends it with 143"
check "copy: and the file it made is gone" test ! -e stopped.img

# --- compare ---
json 'j["schema"] == "kiobuf/compare/1" and j["identical"] is True' \
	"compare: --json of what is the same" "$K" compare source.img new.img --json
cp source.img other.img
printf 'y' | dd of=other.img bs=1 seek=9000000 conv=notrunc status=none
cmp -s source.img other.img && printf 'z' | dd of=other.img bs=1 seek=9000000 conv=notrunc status=none
code 1 "compare: the last byte" "$K" compare source.img other.img
says '^differ at offset 9000000$' "compare: tells the offset" "$K" compare source.img other.img
printf 'y' | dd of=other.img bs=1 seek=70000 conv=notrunc status=none
json 'j["identical"] is False and j["first_difference_offset_bytes"] == 70000' \
	"compare: tells the first of several" "$K" compare source.img other.img --json
check "compare: a longer rest of zeroes is the same" "$K" compare source.img large.img --json
printf 'y' | dd of=large.img bs=1 seek=10000000 conv=notrunc status=none
says 'offset 10000000$' "compare: a longer rest has to be zero, to its last byte" \
	"$K" compare source.img large.img
says 'offset 10000000$' "compare: on either side" "$K" compare large.img source.img
check "compare: empty files" "$K" compare empty.img empty2.img
check "compare: a file with itself" "$K" compare source.img source.img
truncate -s 1T huge.img huge2.img
printf x | dd of=huge2.img bs=1 seek=900000000001 conv=notrunc status=none
check "compare: what is not there takes no time" "$K" compare huge.img huge.img
says 'offset 900000000001$' "compare: one byte in 1 TiB" "$K" compare huge.img huge2.img
says 'offset 900000000001$' "compare: on the other side" "$K" compare huge2.img huge.img
says 'offset 900000000001$' "compare: beyond the end of the other" "$K" compare huge2.img empty.img
code 3 "compare: what cannot be opened is no answer" "$K" compare source.img nothing.img

# --- map ---
check "map: the extents cover all of it, and neighbours differ" sh -c '
	"$0" map source.img --json >map.json && python3 - <<PY
import json
j = json.load(open("map.json"))
at, before = 0, None
for e in j["extents"]:
    assert e["offset_bytes"] == at and e["length_bytes"] > 0 and e["type"] != before, e
    at, before = at + e["length_bytes"], e["type"]
assert at == j["size_bytes"] == 9000001 and j["schema"] == "kiobuf/map/1"
assert any(e["type"] == "hole" for e in j["extents"])
PY' "$K"
json 'len(j["extents"]) == 1 and j["extents"][0]["type"] == "data"' \
	"map: what is encrypted has no holes" \
	"$K" map 'crypt key-file=key header=none | file crypt.img' --json
json 'len(j["extents"]) == 1 and j["extents"][0]["type"] != "data"' \
	"map: fresh memory is one hole" "$K" map 'stripe { mem size=8M ; mem size=8M }' --json
json 'j["extents"] == []' "map: an empty file has none" "$K" map empty.img --json
finish
