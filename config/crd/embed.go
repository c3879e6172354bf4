// SPDX-License-Identifier: Apache-2.0

// Package crd holds the CustomResourceDefinitions of the API group
// rolecall.dev. They are generated from the types in api/v1alpha1; what they say
// is changed there.
package crd

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
)

// FS holds the manifests as bases/rolecall.dev_<plural>.yaml, one
// CustomResourceDefinition in each.
//
//go:embed bases/*.yaml
var FS embed.FS

// Manifests returns the manifests' YAML by file name (rolecall.dev_roles.yaml),
// each call a new map. An error means that the program was built wrong.
func Manifests() (map[string][]byte, error) {
	names, err := fs.Glob(FS, "bases/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the embedded CRDs: %w", err)
	}
	manifests := make(map[string][]byte, len(names))
	for _, name := range names {
		text, err := FS.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the embedded CRD %s: %w", name, err)
		}
		manifests[path.Base(name)] = text
	}
	return manifests, nil
}
