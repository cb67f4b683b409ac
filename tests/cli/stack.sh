#!/bin/sh
# SPDX-License-Identifier: MIT
# The language on the command line: stack, layers, help, exit codes.
. "$(dirname "$0")/../lib.sh"

check "help: of the whole" "$K" --help
for command in copy serve compare map info stack layers create key bench; do
	check "help: of $command" "$K" $command --help
done
code 2 "usage: no command" "$K"
code 2 "usage: an unknown one" "$K" cpoy
says "did you mean 'copy'" "usage: with a guess" "$K" cpoy
code 2 "usage: an unknown option" "$K" copy --forec a b
says "did you mean 'force'" "usage: with a guess" "$K" copy --forec a b
code 2 "usage: too few arguments" "$K" copy a.img
code 2 "usage: a size that is none" "$K" bench null --block 4KB
check "version" "$K" --version

says "^crop offset=4K | null$" "stack: canonical text" "$K" stack ' crop   offset=4K|null '
code 2 "stack: an unknown layer" "$K" stack 'strpe { null ; null }'
says "^  *\^$" "stack: a caret under the column" "$K" stack 'crop ofset=4K | null'
says "did you mean 'offset'" "stack: and a guess" "$K" stack 'crop ofset=4K | null'
check "stack: grammar alone" "$K" stack --syntax-only 'no-such-layer | null'
says "^file \"a b.img\"$" "stack: --set puts in one word" "$K" stack --set 'f=a b.img' 'file ${f}'
code 2 "stack: an unset one" "$K" stack 'file ${f}'

text='crypt key-file=k.key | mirror degraded=yes { file a.img name=left ; crop size=1M | file "b c.img" }'
check "stack: to JSON" "$K" stack --json "$text"
cp .out stack.json
check "stack: which is JSON" python3 -c 'import json; assert json.load(open("stack.json"))["schema"] == "kiobuf/stack/1"'
"$K" stack "$text" >before
"$K" stack --from-json stack.json >after 2>&1
check "stack: and back without loss" cmp before after
echo '{"schema": "kiobuf/stack/1", "stack": {"class": 5}}' >bad.json
code 2 "stack: JSON that is no stack" "$K" stack --from-json bad.json
echo '{' >bad.json
code 2 "stack: what is no JSON" "$K" stack --from-json bad.json

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
check "stack: an export of a file" "$K" info @web.kio:vm2
code 2 "stack: several, and none named" "$K" info @web.kio
says "web.kio" "stack: the file is named" "$K" info @web.kio

says "stripe.*fan-out" "layers: the list" "$K" layers
says "chunk=size" "layers: one's options" "$K" layers stripe
says '"default": "64K"' "layers: --json" "$K" layers stripe --json
code 2 "layers: an unknown one" "$K" layers strip
for layer in align concat crop crypt delay file log mem mirror null readonly stripe; do
	check "layers: $layer is there" "$K" layers $layer
done
says "a container" "info: what it costs" "$K" info 'stripe { mem 1M ; mem 1M }'
says '"channel_bytes": [0-9]' "info: --json" "$K" info --json 'stripe { mem 1M ; mem 1M }'
finish
