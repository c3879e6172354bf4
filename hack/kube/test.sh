#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs the tests that need a real kube-apiserver, which it builds when it is
# first wanted. Arguments go to go test: hack/kube/test.sh -run TestCRDs -v
# SUITE names the folder of test/ that they are in; kube unless it is said.
set -eu
cd "$(dirname -- "$0")/../.."

# The variable is the one that envtest and Kubebuilder's projects know.
KUBEBUILDER_ASSETS=$(hack/kube/build.sh)
export KUBEBUILDER_ASSETS

exec go test -tags kube -count=1 -timeout 60m "$@" "./test/${SUITE:-kube}/..."
