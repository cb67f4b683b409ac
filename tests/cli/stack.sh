#!/bin/sh
# SPDX-License-Identifier: MIT
# The command's frame and what tells without moving data: stack, layers, info,
# key, create, the help and the exit codes. Without it a wrong option could be
# ignored, or a stack could change on its way through JSON.
. "$(dirname "$0")/../lib.sh"

json() {
	query=$1 sentence=$2
	shift 2
	timeout 60 "$@" >"$WORK/.out" 2>"$WORK/.err"
	if python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' \
		"$WORK/.out" "$query" 2>>"$WORK/.out"; then ok "$sentence"; else bad "$sentence"; fi
}

# --- the frame ---
code 2 "usage: no command is a usage error" "$K"
check "usage: --help is not" "$K" --help
says "did you mean 'copy'" "usage: a command that is nearly right" "$K" cpoy
code 2 "usage: a command that does not exist" "$K" frobnicate
says "did you mean 'force'" "usage: an option that is nearly right" "$K" copy --forc a b
code 2 "usage: an option that does not exist" "$K" copy --frobnicate a b
code 2 "usage: a flag takes no value" "$K" copy --force=yes a b
code 2 "usage: an option without its value" "$K" info a.img --set
code 2 "usage: --set without =" "$K" info a.img --set k
code 2 "usage: a number that is none" "$K" bench 'null size=1G' --depth x
code 2 "usage: a size that is none" "$K" bench 'null size=1G' --block 4KB
code 2 "usage: too few arguments" "$K" copy a.img
code 2 "usage: too many arguments" "$K" map a.img b.img
code 2 "usage: an option of other commands" "$K" layers --engine threads
code 2 "usage: short options are not known" "$K" map -f
says '^kiobuf [0-9.]*, engines: .*threads' "usage: --version" "$K" --version
json 'j["schema"] == "kiobuf/version/1" and "threads" in j["engines"]' \
	"usage: --version as JSON" "$K" --version --json
for command in copy serve compare map info stack layers create key bench; do
	says "^usage: kiobuf $command " "usage: $command has a --help" "$K" $command --help
done
printf 'abc' >--help.img
check "usage: what follows -- is no option" "$K" map -- --help.img
code 3 "usage: a module that does not exist cannot be opened" "$K" layers --load ./none.so
code 4 "usage: a result that cannot be written is an I/O error" \
	sh -c '"$0" layers >/dev/full' "$K"
for words in --help --version 'stack null' 'bench null --seconds 1'; do
	code 4 "usage: so it is of $words" sh -c '"$0" $1 >/dev/full' "$K" "$words"
	code 4 "usage: a reader that is gone, too: $words" \
		sh -c '{ sleep 0.2; "$0" $1; echo $? >rc; } | true; exit $(cat rc)' "$K" "$words"
done
says 'cannot be written: Broken pipe' "usage: and that is said" \
	sh -c '{ sleep 0.2; "$0" layers 2>err; } | true; cat err' "$K"
head -c 65536 /dev/urandom >closed1.img
truncate -s 65536 closed2.img
code 4 "usage: standard output that is closed is one that cannot be written" \
	sh -c 'exec "$0" copy closed1.img closed2.img --force <&- >&- 2>&-' "$K"
check "usage: nothing is printed into the files instead" cmp closed1.img closed2.img

# --- file or stack ---
printf 'abc' >plain
printf 'abc' >'two words'
says '^file0 .*plain' "spelling: a word with a / is a file" "$K" info ./plain
code 2 "spelling: a word without is a stack" "$K" info plain
says 'written ./plain' "spelling: a file of this name gets a hint" "$K" info plain
says 'file "two words"' "spelling: a name with blanks too" "$K" info 'two words'

# --- stack ---
# text, text again, JSON and back all say the same
same_text() {
	code=0
	"$K" stack "$1" --syntax-only >one.kio 2>.out || code=1
	"$K" stack @one.kio --syntax-only >two.kio 2>>.out || code=1
	"$K" stack "$1" --syntax-only --json >one.json 2>>.out || code=1
	"$K" stack --from-json one.json --syntax-only >back.kio 2>>.out || code=1
	"$K" stack @back.kio --syntax-only --json >two.json 2>>.out || code=1
	if [ $code = 0 ] && cmp -s one.kio two.kio && cmp -s one.kio back.kio && cmp -s one.json two.json; then
		ok "stack: text and JSON and back: $1"
	else
		bad "stack: text and JSON and back: $1"
		cat one.kio two.kio back.kio
	fi
}
same_text 'file a.img'
same_text 'crop offset=4K size=1M | file "with \" quote and | bar"'
same_text 'crypt key-file=k | mirror { file a.img name=left ; file b.img name=right }'
same_text 'stripe chunk=64K { mem size=1M ; concat { mem size=1M ; mem size=2M } }'
same_text 'mirror { file a.img }'
same_text 'cow overlay={ file x.cow } | file base.img'
same_text 'log "" word flag key="" | mem size=1M'
printf '# two\nstack base = file a.img\nexport top = crop size=1K\n  | use base\n' >d.kio
same_text @d.kio
printf 'stack base = file a.img name=x\ncrop size=1K { use base }\n' >e.kio
same_text @e.kio
says '^stack base = file a.img$' "stack: a file keeps its definitions" "$K" stack @d.kio
says '^crop offset=4K | null$' "stack: canonical text" "$K" stack ' crop   offset=4K|null '
says '^file "a b.img"$' "stack: a value of --set with a blank" "$K" stack --set 'f=a b.img' 'file ${f}'
check "stack: grammar alone" "$K" stack --syntax-only 'no-such-layer | null'
cat >web.kio <<'EOF'
# two exports on one base
stack base = crop size=1M
   | mem 4M
export vm1 = readonly | use base
export vm2 = concat {
	use base
	mem 1M
}
EOF
check "stack: an export of a file opens" "$K" info @web.kio:vm2
code 2 "stack: several, and none named" "$K" info @web.kio
says 'web.kio' "stack: the file is named" "$K" info @web.kio
says '^mem size=4096$' "stack: --set fills in" "$K" stack 'mem size=${n}' --set n=4096
same_text "$(printf 'file "\303\244 \342\202\254"')"
code 2 "stack: what is no UTF-8 is not made JSON" "$K" stack "$(printf 'file \344')" --json
json 'j["stack"]["options"][0]["value"] == "a | b; c"' "stack: a value of --set is one word" \
	"$K" stack 'file ${n}' --set 'n=a | b; c' --json
code 2 "stack: a name that is not set" "$K" stack 'mem size=${n}'
says '^  *\^$' "stack: a caret" "$K" stack 'mem sise=1M'
says "did you mean 'size'" "stack: a hint" "$K" stack 'mem sise=1M'
says '^crop | fil x' "stack: the line is shown" sh -c '"$0" stack "crop | fil x" 2>&1 | sed "s/^  //"' "$K"
mkfifo pipe
(echo 'mem sise=1M' >pipe) &
says "did you mean 'size'" "stack: a pipe is read once" timeout 10 "$K" stack @pipe
printf '  crop name=ä | fil x\n                ^\n' >caret
check "stack: the caret stands under its character, not byte" \
	sh -c '"$0" stack "crop name=ä | fil x" 2>&1 | tail -n 2 | cmp - caret' "$K"
for wrong in '' 'fil a' 'mem size=1M size=2M' 'mem size=1KB' 'mem size=1M | mem size=1M' 'crop' \
	'mirror { }' 'mem {' 'mem }' 'mem size="1M' '| mem' 'mem |' 'mem size={ mem size=1M }' \
	'crop { mem size=1M ; mem size=1M }' 'mem size=1M name=a name=b' \
	'mirror { mem size=1M name=a ; mem size=1M name=a }'; do
	code 2 "stack: wrong text is a usage error: $wrong" "$K" stack "$wrong"
	code 2 "stack: and when it is opened: $wrong" "$K" info "$wrong "
done
code 2 "stack: text and JSON are not given both" "$K" stack 'mem size=1M' --from-json one.json
code 2 "stack: nothing is neither" "$K" stack
code 3 "stack: a file that is not there" "$K" stack @none.kio
code 2 "stack: a definition that is not there" "$K" stack @d.kio:none
json 'j["name"] == "base" and j["stack"]["class"] == "file"' \
	"stack: one definition of a file" "$K" stack @d.kio:base --json
i=0
for wrong in '' '{' '[]' '{}' '{"schema":"kiobuf/stack/2","stack":{"class":"mem"}}' \
	'{"schema":"kiobuf/stack/1"}' '{"schema":"kiobuf/stack/1","stack":{"class":1}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem","options":{}}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem","options":[{"key":"size"}]}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem","options":[{"key":"size","value":"1M","stack":{"class":"mem"}}]}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem","options":[{"stack":{"class":"mem"}}]}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"null","options":[{"key":"a b","value":"1M"}]}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"null","options":[{"kay":"size","value":"1M"}]}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"null","opts":[]}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"null","name":""}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem size=1M | mem"}}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem"},"definitions":[{"stack":{"class":"mem"}}]}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"null"},"definitions":[{"name":"a","stack":{"class":"null"}},{"name":"a","stack":{"class":"null"}}]}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"null"},"definitions":[{"name":"a b","stack":{"class":"null"}}]}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem"},"name":"none"}' \
	'{"schema":"kiobuf/stack/1","stack":{"class":"mem"},"stack":{"class":"mem"}}'; do
	printf '%s' "$wrong" >wrong.json
	i=$((i + 1))
	code 2 "stack: wrong JSON $i is a usage error" "$K" stack --from-json wrong.json
done
python3 -c 'print("{\"schema\":\"kiobuf/stack/1\",\"stack\":" + "{\"class\":\"crop\",\"legs\":[" * 1000 + "]}" * 1000 + "}")' >deep.json
code 2 "stack: JSON that is nested too deep" "$K" stack --from-json deep.json
code 3 "stack: JSON that is not there" "$K" stack --from-json none.json

# --- layers and info ---
head -c 64 /dev/urandom >key && chmod 600 key
json 'j["schema"] == "kiobuf/layers/1" and {"file", "mem", "crop", "mirror", "crypt"} <= {l["name"] for l in j["layers"]}' \
	"layers: all of them" "$K" layers --json
check "layers: each has a summary, a maturity and options of its own" sh -c '
	"$0" layers --json | python3 -c "
import json, subprocess, sys
for l in json.load(sys.stdin)[\"layers\"]:
    assert l[\"summary\"] and l[\"maturity\"] and l[\"kind\"], l
    one = json.loads(subprocess.run([sys.argv[1], \"layers\", l[\"name\"], \"--json\"],
                                    capture_output=True, check=True).stdout)
    assert one[\"options\"] == l[\"options\"], l
    subprocess.run([sys.argv[1], \"layers\", l[\"name\"]], capture_output=True, check=True)
" "$0"' "$K"
says 'stripe.*fan-out' "layers: the list" "$K" layers
for layer in align cache concat cow crop crypt deadline delay fault file log mem merge mirror null powercut readonly retry stripe throttle; do
	check "layers: $layer is there" "$K" layers $layer
done
says '"default": "64K"' "layers: defaults in JSON" "$K" layers stripe --json
says 'size=size' "layers: the options of one" "$K" layers mem
code 2 "layers: one that is not there" "$K" layers mam
truncate -s 1000001 a.img
json 'j["schema"] == "kiobuf/info/1" and j["size_bytes"] == 2048577 and j["channel_bytes"] > 0 and j["container_bytes"] > 0 and j["open_ns"] > 0 and [l["depth"] for l in j["layers"]] == [0, 1, 2, 1]' \
	"info: what a stack is and costs, as JSON" \
	"$K" info 'concat { crop size=1000001 | file a.img ; mem size=1M }' --json
json 'j["layers"][0]["block_bytes"] == 4096 and j["layers"][0]["tells_holes"] is False and j["layers"][1]["tells_holes"] is True and "write-zeroes" in j["layers"][1]["operations"]' \
	"info: limits, as JSON" "$K" info 'crypt header=none key-file=key | mem size=1M' --json
json 'j["served_under"] == ["merge", "align"]' "info: what serve puts on top, over files" \
	"$K" info 'concat { crop size=4K | file a.img ; readonly | file key }' --json
json 'j["served_under"] == ["merge"]' "info: over one file" "$K" info ./a.img --json
json 'j["served_under"] == ["align"]' "info: not where that would cost a copy" \
	"$K" info 'crypt header=none key-file=key | file a.img' --json
json 'j["served_under"] == ["align"]' "info: not over memory, nor twice" \
	"$K" info 'concat { mem size=1M ; merge | file a.img }' --json
json 'j["served_under"] == ["align"]' "info: not over faults that are asked for" \
	"$K" info 'fault error=10 | file a.img' --json
says '^serve puts merge | align on top' "info: says that" "$K" info 'readonly | file a.img'
says '^|- left ' "info: draws the tree" "$K" info 'concat { file a.img name=left ; mem size=1M }'
says '^`- mem0 ' "info: to its last leg" "$K" info 'concat { file a.img name=left ; mem size=1M }'
code 3 "info: a file that is not there" "$K" info none.img
odd=$(printf '\344\303\244x\377.img')
cp a.img "$odd"
json 'j["layers"][0]["state"].startswith("\ufffd\xe4x\ufffd.img")' \
	"info: a name that is no UTF-8 is shown in JSON" "$K" info "$odd" --json
code 2 "info: a range past the end is wrong" "$K" info 'crop offset=2M | file a.img'
code 5 "info: the same file twice" "$K" info 'concat { file a.img ; file ./a.img }'
"$K" info 'file new.img size=1M' >/dev/null 2>&1
code 1 "info: makes no file" test -e new.img

# --- key and create ---
truncate -s 1M slow1.img slow2.img
"$K" create 'mirror { delay 10s | file slow1.img ; file slow2.img }' 2>create.err &
pid=$!
own_pids="$own_pids $pid"
for _ in $(seq 200); do
	! ls -l /proc/$pid/fd | grep -q slow2.img || break
	sleep 0.05
done
kill -INT $pid
wait $pid
check "create: SIGINT ends it with 130" test $? -eq 130
says 'left behind: create it again, with --force' "create: and says what is left" cat create.err
rm key
check "key: makes one" "$K" key create key
says '^600 64$' "key: of 64 bytes, its owner's alone" stat -c '%a %s' key
cp key key.copy
code 5 "key: does not overwrite" "$K" key create key
check "key: and left it as it was" cmp key key.copy
code 3 "key: where nothing can be made" "$K" key create no/key
code 2 "key: what else" "$K" key destroy key
json 'j["schema"] == "kiobuf/key/1" and j["key_bytes"] == 64' "key: as JSON" "$K" key create k2 --json
head -c 1000000 /dev/urandom >c.img
code 3 "create: what was not created does not open" "$K" info 'crypt key-file=key | file c.img'
code 5 "create: a file with data is not overwritten" "$K" create 'crypt key-file=key | file c.img'
code 5 "create: nor one leg of two" \
	"$K" create 'mirror { file fresh.img size=2M ; file c.img }'
check "create: and nothing was made beside it" test ! -e fresh.img
says 'c.img holds data, at .*--force' "create: says where" "$K" create 'crypt key-file=key | file c.img'
truncate -s 0 c.img
truncate -s 1000000 c.img
json 'j["schema"] == "kiobuf/create/1" and j["created"] == 1 and j["size_bytes"] == 995328' \
	"create: makes it" "$K" create 'crypt key-file=key | file c.img' --json
check "create: it opens" "$K" info 'crypt key-file=key | file c.img'
code 5 "create: does not overwrite" "$K" create 'crypt key-file=key | file c.img'
check "create: and left it as it was" "$K" info 'crypt key-file=key | file c.img'
check "create: --force overwrites" "$K" create 'crypt key-file=k2 | file c.img' --force
code 3 "create: another key does not open it" "$K" info 'crypt key-file=key | file c.img'
check "key: from a descriptor" sh -c '"$0" info "crypt key-fd=3 | file c.img" 3<k2' "$K"
check "key: from a pipe, which can be read once" \
	sh -c 'cat k2 | "$0" compare "crypt key-fd=0 | file c.img" "crypt key-file=k2 | mem size=1M" >/dev/null
		[ $? = 3 ] && cat k2 | "$0" copy "crypt key-fd=0 | file c.img" plain.img' "$K"
code 3 "key: a descriptor that is not open" "$K" info 'crypt key-fd=77 | file c.img'
chmod 644 k2
code 3 "key: one that others can read is refused" "$K" info 'crypt key-file=k2 | file c.img'
says 'ready as it is' "create: says when there is nothing to make" "$K" create 'mem size=1M'
finish
