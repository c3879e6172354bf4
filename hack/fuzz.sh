#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh TIME runs every fuzz target of this module for TIME, one after the
# other. A find is written below the package's testdata/fuzz: commit it, it is
# a test from then on.
set -eu
cd "$(dirname -- "$0")/.."
time=${1:?usage: fuzz.sh 10m}

targets=$(git grep --untracked -hoE '^func Fuzz[A-Za-z0-9_]*' -- '*_test.go' | wc -l)
[ "$targets" -gt 0 ] || { echo 'fuzz: no target found' >&2 && exit 1; }
echo "fuzz: $((targets)) targets, $time each"

failed=''
for file in $(git grep --untracked -lE '^func Fuzz' -- '*_test.go'); do
	for name in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$file"); do
		echo "== $name ($file)"
		go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "./$(dirname "$file")" || failed="$failed $name"
	done
done
[ -z "$failed" ] || { echo "fuzz:$failed failed" >&2 && exit 1; }
