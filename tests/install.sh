#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs, and builds against what was installed: a program in C and in C++,
# and a layer of one's own as a module.
. "$(dirname "$0")/lib.sh"
case ${CC:-cc} in *clang*) c=clang cpp=clang++ ;; *) c=gcc cpp=g++ ;; esac
case ${SANITIZE:-none} in
none) ;;
*)
	skip "install" "a sanitizer build is not installed"
	finish
	exit
	;;
esac

check "install: into a folder" env DESTDIR="$PWD/root" meson install -C "$BUILD" --no-rebuild
lib=$(dirname "$(find root -name libkiobuf.so | head -n 1)")
prefix=$(cd "$lib/../.." && pwd)
[ -d "$prefix/include/kiobuf" ] || prefix=$(cd "$lib/.." && pwd)
pc=$(find "$PWD/root" -name kiobuf.pc)
libdir=$(cd "$lib" && pwd)
flags="-I$prefix/include -L$libdir -lkiobuf"
check "install: kiobuf.pc" test -f "$pc"
check "install: the static library" test -f "$libdir/libkiobuf.a"
check "install: the command" find root -name kiobuf -perm -u+x -type f
check "install: man pages" sh -c 'find root -name "kiobuf.1*" | grep -q .'
if command -v scdoc >/dev/null; then
	check "install: kio_event(3) shows the examples" sh -c 'grep -q "kio_lost" "$(find root -name "kio_event.3*")"'
else
	skip "install: kio_event(3) shows the examples" "no scdoc"
fi
check "install: internal names are hidden" sh -c "! nm -D --defined-only $libdir/libkiobuf.so | grep -q kio__"

for example in hello wal; do
	check "example: $example.c builds" $c -Wall -Werror "$TOP/examples/$example.c" -o $example $flags
	check "example: $example runs" env LD_LIBRARY_PATH="$libdir" ./$example
done
check "example: hello.c is C++ too" $cpp -Wall -x c++ "$TOP/examples/hello.c" -x none -o hello++ $flags
for example in own-thread run foreign; do
	check "example: $example.c builds" $c -Wall -Werror "$TOP/examples/$example.c" -o $example $flags
	check "example: $example runs" env LD_LIBRARY_PATH="$libdir" ./$example
done

# prints TEXT EXAMPLE: it prints that, and no more
prints() {
	check "example: $2.c builds" $c -Wall -Wextra -Werror "$TOP/examples/$2.c" -o "$2" $flags
	echo "$1" >expected
	LD_LIBRARY_PATH="$libdir" timeout 60 "./$2" >printed 2>&1
	check "example: $2 prints what it should" diff printed expected
}
prints 'all: -34
write 7: -34' all-writes
prints 'patient: 0 (replicas 0 and -125, timer -125)
impatient: -125 (replicas -125 and -125, timer 0)' first-of-two
prints 'read: 0, meet me at dawn' filter
prints 'used 0 to 1048576, then the end: -34
moved 1048576 bytes
failed 65536 bytes: -34' pieces

check "module: builds" $c -Wall -Werror -shared -fPIC "$TOP/examples/layer/invert.c" -o kiobuf-invert.so -I"$prefix/include"
says "invert" "module: its help" "$K" layers invert --load ./kiobuf-invert.so
check "module: is found by its name" env KIOBUF_MODULES="$PWD" "$K" info 'invert | mem 1M'
head -c 100000 /dev/urandom >a.img
truncate -s 100000 b.img
check "module: works in a stack" env KIOBUF_MODULES="$PWD" "$K" copy --force a.img 'invert | file b.img'
check "module: both ways" env KIOBUF_MODULES="$PWD" "$K" compare a.img 'invert | file b.img'
code 1 "module: and changes the data" "$K" compare a.img b.img
finish
