#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The race detector links C code. Without a C compiler: installs one where that
# is possible without asking (root on Debian or Ubuntu), else says how.
set -eu
cc=$(go env CC)
found() { command -v "${cc%% *}" > /dev/null; }

found && exit
if [ "$cc" = gcc ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null; then
	echo 'installing gcc, which the race detector needs' >&2
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends gcc libc6-dev > /dev/null
	found && exit
fi
cat >&2 << TXT
The race detector needs a C compiler, and $cc is not there. Install one and run this again:
  Debian, Ubuntu   sudo apt-get install gcc libc6-dev
  Fedora           sudo dnf install gcc
  Alpine           sudo apk add gcc musl-dev
  macOS            xcode-select --install
or name one that is there: make race CC=clang
TXT
exit 1
