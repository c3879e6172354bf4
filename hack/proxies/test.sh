#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests with real proxies: nginx and Caddy as Debian packages, which root is
# given if they are missing, and Traefik, which is built from its module when it is
# first wanted. Arguments go to go test: hack/proxies/test.sh -run TestProxies/nginx -v
set -eu
cd "$(dirname -- "$0")/../.."

PATH=$PATH:/usr/sbin:/sbin
export PATH
missing=
command -v nginx >/dev/null || missing="$missing nginx-light"
command -v caddy >/dev/null || missing="$missing caddy"
if [ -n "$missing" ]; then
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		echo "test-proxies: install nginx, with its auth_request module, and Caddy 2.5.1 or later (Debian: apt-get install$missing)" >&2
		exit 1
	fi
	# shellcheck disable=SC2086 # names of packages
	apt-get update -q >&2 && RUNLEVEL=1 apt-get install -yq --no-install-recommends $missing >&2
fi
ROLECALL_TRAEFIK=$(hack/proxies/traefik/build.sh)
export ROLECALL_TRAEFIK

exec go test -tags proxies -count=1 -timeout 10m "$@" ./test/proxies/...
