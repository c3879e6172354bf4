#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Regenerates everything that is derived: from the Go types and their markers deep
# copies, CRDs, the object reference and the operator's RBAC role, from .proto files
# the Go code of messages and services. Run it from anywhere; it works on the tree
# that it stands in.
set -eu
cd "$(dirname -- "$0")/../.."

controller_gen=$(hack/tools/tool.sh controller-gen)
crd_ref_docs=$(hack/tools/tool.sh crd-ref-docs)
header=hack/generate/header

"$controller_gen" object:headerFile=$header.go.txt paths=./api/...

# A kind that is gone must take its CRD with it.
rm -f config/crd/bases/*.yaml
"$controller_gen" crd:headerFile=$header.yaml.txt paths=./api/... output:crd:dir=config/crd/bases

# reference PACKAGE TITLE INTRODUCTION FILE
reference() {
	"$crd_ref_docs" --log-level=ERROR --config=hack/generate/reference.yaml --templates-dir=hack/generate/reference \
		--renderer=markdown --source-path="$1" --template-value=title="$2" --template-value=intro="$3" --output-path="$4"
}
mkdir -p docs
reference api/v1alpha1 'Object reference' \
	'Every field of every object. `kubectl explain`, as in `kubectl explain roles.rolecall.dev.spec`, shows the same texts.' \
	docs/reference.md
reference api/config/v1alpha1 'Configuration reference' \
	'Every field of the file that `rolecall serve --config FILE` reads.' \
	docs/reference-configuration.md

"$controller_gen" rbac:roleName=rolecall,headerFile=$header.yaml.txt \
	paths=./controllers/... paths=./internal/admission paths=./internal/certs paths=./internal/identity/caller output:rbac:dir=config/rbac

"$(hack/tools/tool.sh protoc)" "$(hack/tools/tool.sh protoc-gen-go)" "$(hack/tools/tool.sh protoc-gen-go-grpc)" -- \
	internal/wire/cerbos/cerbospb/*.proto

# The chart installs what is generated above, and Helm reads nothing outside a chart.
files=charts/rolecall/files
rm -rf $files/crds $files/rbac $files/admission
mkdir -p $files/crds $files/rbac $files/admission/policies
cp config/crd/bases/*.yaml $files/crds
cp config/rbac/role.yaml config/rbac/*_role.yaml $files/rbac
cp config/admission/webhook/configuration.yaml $files/admission
cp config/admission/policies/*.yaml $files/admission/policies
rm $files/admission/policies/kustomization.yaml
go run ./hack/generate/chart
