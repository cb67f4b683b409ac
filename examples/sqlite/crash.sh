#!/bin/sh
# SPDX-License-Identifier: MIT
# Cuts the power under SQLite, again and again, each time at another write and
# with another part of the unflushed writes lost; and looks at what is left.
#
#	crash.sh SYNCHRONOUS CUTS [SEED]        off, normal, full or extra; seeds count up from SEED
#
# A bank: each transaction moves money between accounts, so the sum of all stays
# what it was. It needs kiobuf_vfs.so in the directory it is run in, and leaves
# with 1 if a database was damaged, or a transaction that was acknowledged is gone.
set -u
synchronous=$1 cuts=$2 first=${3:-1}
[ -f kiobuf_vfs.so ] || { echo "there is no kiobuf_vfs.so here" >&2; exit 2; }
dir=$(mktemp -d "${TMPDIR:-/tmp}/crash.XXXXXX")
trap 'rm -rf "$dir"' EXIT

# bank STACK SQL
bank() {
	KIOBUF_STACK=$1 timeout 60 sqlite3 -cmd '.load ./kiobuf_vfs' -cmd '.open bank' :memory: "$2"
}

transfers=$(awk 'BEGIN {
	srand(1)
	for (n = 1; n <= 40; n++) {
		printf "begin; "
		for (i = 0; i < 4; i++)
			printf "update account set money = money - %d where id = %d; " \
			       "update account set money = money + %d where id = %d; ", \
			       n, 1 + int(200 * rand()), n, 1 + int(200 * rand())
		printf "update done set n = %d; commit; select %d;\n", n, n
	}
}')
truncate -s 2M "$dir/fresh.img"
bank "align | file $dir/fresh.img" "
	create table account(id integer primary key, money, note);
	create table done(n);
	insert into done values(0);
	with recursive ids(id) as (select 1 union all select id + 1 from ids where id < 200)
		insert into account select id, 1000, hex(zeroblob(150)) from ids;" || exit 2

damaged=0 lost=0 cut=0 seed=$first
while [ "$cut" -lt "$cuts" ]; do
	cp "$dir/fresh.img" "$dir/bank.img"
	said=$(bank "align | powercut seed=$seed within=1000 | file $dir/bank.img" \
		"pragma synchronous=$synchronous; $transfers" 2>"$dir/log")
	if grep -q 'the power is cut' "$dir/log"; then
		cut=$((cut + 1))
		left=$(bank "align | file $dir/bank.img" \
			'pragma integrity_check; select sum(money) from account; select n from done' 2>&1)
		if [ "$(echo "$left" | head -n 2)" != "ok
200000" ]; then
			damaged=$((damaged + 1))
			case $left in
			ok*) echo "seed=$seed: damaged: the accounts hold $(echo "$left" | sed -n 2p) and not 200000" ;;
			*) echo "seed=$seed: damaged: $(echo "$left" | head -n 1)" ;;
			esac
		# only extra makes the end of a transaction, which is that of its journal, last
		elif [ "$synchronous" = extra ] && [ "$(echo "$left" | tail -n 1)" -lt "$(echo "0$said" | tail -n 1)" ]; then
			lost=$((lost + 1))
			echo "seed=$seed: transaction $(echo "$said" | tail -n 1) was committed and is gone"
		fi
	fi
	seed=$((seed + 1))
	[ $((seed - first)) -le $((2 * cuts + 10)) ] || { echo "the power is not cut: $(cat "$dir/log")" >&2; exit 2; }
done
echo "synchronous=$synchronous: $cuts power cuts, $damaged databases damaged, $lost transactions lost"
[ "$((damaged + lost))" -eq 0 ]
