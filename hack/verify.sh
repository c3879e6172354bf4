#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Checks that what is derived is up to date and that what is written keeps the
# rules. Every check runs even if one before it failed, so that one run tells
# all. Nothing in the tree is touched, on failure or interruption either: the
# generators run in a copy.
set -eu
cd "$(dirname -- "$0")/.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM

# generated compares the tree with what the generators make of it. Git copies
# the tree (what is ignored stays out) through an index and an object store of
# its own, so the real ones do not notice.
generated() {
	objects=$(git rev-parse --path-format=absolute --git-path objects)
	mkdir -p "$tmp/tree" "$tmp/objects"
	(
		export GIT_INDEX_FILE="$tmp/index" GIT_OBJECT_DIRECTORY="$tmp/objects" GIT_ALTERNATE_OBJECT_DIRECTORIES="$objects"
		git add --all && before=$(git write-tree) && git checkout-index --all --prefix="$tmp/tree/" &&
			"$tmp/tree/hack/generate/generate.sh" &&
			git --work-tree="$tmp/tree" add --all && after=$(git write-tree) &&
			git --no-pager diff --exit-code "$before" "$after"
	)
}

formatted() {
	"$(hack/tools/tool.sh golangci-lint)" fmt --diff
}

linted() {
	"$(hack/tools/tool.sh golangci-lint)" run
}

# vet compiles the tests too, those that need a real API server, real proxies or Helm
# included.
vetted() {
	go vet -tags e2e,kube,proxies,chart ./...
}

tidy() {
	git ls-files --cached --others --exclude-standard -- go.mod '*/go.mod' > "$tmp/modules"
	result=0
	while read -r file; do
		(cd "$(dirname "$file")" && GOWORK=off go mod tidy -diff) || { echo "$file is not tidy" && result=1; }
	done < "$tmp/modules"
	return $result
}

# The modules in the cache are those that go.sum promises.
genuine() {
	go mod verify
}

failed=''
check() {
	remedy=$1 name=$2
	start=$(date +%s)
	if "$name" > "$tmp/$name.log" 2>&1; then verdict=ok; else verdict=FAILED; fi
	printf '%-10s %-6s %4d s\n' "$name" "$verdict" "$(($(date +%s) - start))"
	[ "$verdict" = ok ] && return
	failed="$failed $name"
	cat "$tmp/$name.log"
	echo "--> $remedy"
}

check 'run `make generate` and commit what changes' generated
check 'run `make fmt`' formatted
check 'mend what the linters say; `make lint` runs them alone' linted
check 'mend what go vet says' vetted
check 'run `go mod tidy` in that folder' tidy
check 'the module cache holds what go.sum does not promise: `go clean -modcache`' genuine

[ -z "$failed" ] || { echo "verify:$failed failed" >&2 && exit 1; }
