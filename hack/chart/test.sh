#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests of the chart and of the kustomize bases beside it, with the helm and
# the kubectl that are pinned (built when they are first wanted); then those of what it
# gives to Prometheus and others. Arguments go to go test, for the first ones alone:
# hack/chart/test.sh -run TestGolden -update
set -eu
cd "$(dirname -- "$0")/../.."

HELM=$(hack/tools/tool.sh helm)
KUBECTL=$(hack/kube/build.sh kubectl)/kubectl
export HELM KUBECTL

"$HELM" lint --strict --quiet charts/rolecall
go test -tags chart -count=1 ./test/chart "$@"
[ $# -gt 0 ] || exec go test -C test/monitoring -count=1 ./...
