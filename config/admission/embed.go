// SPDX-License-Identifier: Apache-2.0

// Package admission embeds the admission policies, for tests of what they say.
package admission

import "embed"

// Policies are the ValidatingAdmissionPolicies with their bindings: one YAML file for
// each kind of object.
//
//go:embed policies/rolebindings.yaml policies/groups.yaml policies/roles.yaml policies/resources.yaml
var Policies embed.FS
