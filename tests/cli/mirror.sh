#!/bin/sh
# SPDX-License-Identifier: MIT
# A mirror on files: lost legs, stale legs, a server that is killed.
. "$(dirname "$0")/../lib.sh"

truncate -s 20M a.img b.img
M='mirror { file a.img name=left ; file b.img name=right }'
D='mirror degraded=yes { file a.img name=left ; file b.img name=right }'
head -c 9000001 /dev/urandom >x.img
head -c 9000001 /dev/urandom >y.img

code 3 "mirror: opening does not format" "$K" info "$M"
check "mirror: create" "$K" create "$M"
code 5 "mirror: not twice" "$K" create "$M"
check "mirror: written" "$K" copy --force x.img "$M"
check "mirror: read back" "$K" compare x.img "$M"
# the legs' states at the end differ
check "mirror: the legs have the same data" cmp -n 20963328 a.img b.img

mv b.img lost.img
code 3 "mirror: a leg is lost: refused" "$K" info "$M"
says "degraded=yes goes on without it" "mirror: and what can be done is said" "$K" info "$M"
says "1 of 2 legs in sync, degraded" "mirror: degraded=yes goes on" "$K" info "$D"
check "mirror: reads" "$K" compare x.img "$D"
check "mirror: writes" "$K" copy --force y.img "$D"
mv lost.img b.img
code 5 "mirror: the stale leg is refused" "$K" info "$M"
says "right is stale" "mirror: and named" "$K" info "$M"
check "mirror: degraded, it is not read" "$K" compare y.img "$D"
says "the leg right is stale and not used" "mirror: and that is said" "$K" info "$D"

check "mirror: made anew" "$K" create --force "$M"
serve "$M"
check "mirror: served" nbdcopy x.img 'nbd+unix:///?socket=sock'
kill -KILL "$SERVER"
wait "$SERVER" 2>/dev/null
code 5 "mirror: after SIGKILL one leg is kept, when asked" "$K" info "$M"
says "it was not closed" "mirror: and it says why" "$K" info "$M"
check "mirror: what was written is there" "$K" compare x.img "$D"
finish
