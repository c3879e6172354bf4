#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs the end-to-end tests with the image of this tree, in a cluster of their own
# (hack/node) that ends with them. Arguments go to the test binary:
# hack/e2e/test.sh -test.run TestRelease
#
# In a cluster of yours: E2E_KUBECONFIG names its file, for an administrator, and
# E2E_IMAGE and E2E_AGENT_IMAGE the images, with tags, under which its nodes find
# what bin/e2e/image and bin/e2e/agent hold. Nothing of Rolecall may be installed in it; what
# the tests install they remove.
#
# E2E_LONG=1 also measures the memory of 100,000 bindings, which takes minutes.
set -euo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/../.."

version=$(git describe --tags --always --dirty 2>/dev/null || echo devel)
platform=linux/$(go env GOARCH)
mkdir -p bin/e2e bin/hack
go build -C hack/image -o "$PWD/bin/hack/image" .

# image FOLDER PACKAGE NAME TITLE
image() {
	bin/hack/image -package "$2" -name "$3" -title "$4" -version "$version" -platforms "$platform" -out "bin/e2e/$1"
}
image image ./cmd/rolecall rolecall.test/rolecall Rolecall
image agent ./hack/e2e/cmd/agent rolecall.test/agent 'Agent of the tests'

E2E_HELM=$(hack/tools/tool.sh helm)
E2E_REPORT=$PWD/bin/e2e/report.md
E2E_IMAGE_SIZE=$(cat bin/e2e/image/*.tar | wc -c)
export E2E_HELM E2E_REPORT E2E_IMAGE_SIZE
go test -c -tags e2e -o bin/e2e/e2e.test ./test/e2e

if [ -n "${E2E_KUBECONFIG:-}" ]; then
	: "${E2E_IMAGE:?name the image that the nodes of E2E_KUBECONFIG find}" "${E2E_AGENT_IMAGE:?name the image of the agent}"
	PATH=$(hack/kube/build.sh kubectl):$PATH
	KUBECONFIG=$(realpath -- "$E2E_KUBECONFIG")
	export E2E_IMAGE E2E_AGENT_IMAGE KUBECONFIG PATH
	in_cluster=()
else
	export E2E_IMAGE=rolecall.test/rolecall:$version E2E_AGENT_IMAGE=rolecall.test/agent:$version
	in_cluster=("$PWD/hack/node/node.sh")
	for tar in "$PWD"/bin/e2e/image/*.tar "$PWD"/bin/e2e/agent/*.tar; do in_cluster+=(-i "$tar"); done
fi
test=$PWD/bin/e2e/e2e.test
cd test/e2e
"${in_cluster[@]}" "$test" -test.v -test.timeout=60m "$@"
