#!/bin/sh
# SPDX-License-Identifier: MIT
# Is all there that packages.txt names? Nothing is done then. Else the line that
# installs it is printed; and run, as root, in CI, or with DEPS=yes.
set -eu
here=$(dirname "$0")/..
missing=
if [ -n "${CI:-}" ]; then more='s/^ci //'; else more='/^ci /d'; fi
for package in $(sed "/^#/d; $more" "$here/packages.txt"); do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' ||
		missing="$missing $package"
done
[ -n "$missing" ] || exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo="sudo "
line="${sudo}apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" = 0 ] || [ -n "${CI:-}" ] || [ "${DEPS:-}" = yes ]; then
	echo "installing:$missing"
	export DEBIAN_FRONTEND=noninteractive
	$sudo apt-get update -qq
	$line >/dev/null
else
	echo "missing packages; install them with"
	echo "    $line"
	echo "or say DEPS=yes"
	exit 1
fi
