// SPDX-License-Identifier: Apache-2.0

// Package samples is example policies, one a folder, and beside them what they
// answer (checks/NAME.yaml).
package samples

import (
	"embed"
	"io/fs"
)

//go:embed */*.yaml
var files embed.FS

// Names of the samples.
const (
	StytchQuickstart = "stytch-quickstart"
	CerbosContacts   = "cerbos-contacts"
	CerbosFastAPI    = "cerbos-fastapi"
	YorAuthPosts     = "yorauth-posts"
	// DocumentsGateway is for an application behind a gateway.
	DocumentsGateway = "documents-gateway"
	// KubernetesWebhook is for the users of a Kubernetes cluster.
	KubernetesWebhook = "kubernetes-webhook"
	// Broken has one of every fault that stands in status.
	Broken = "broken"
	// BrokenRefused is what the schema refuses.
	BrokenRefused = "broken-refused"
)

// Manifests returns the folder of a sample: YAML files with one or more objects
// each, in the default namespace.
func Manifests(name string) (fs.FS, error) {
	return fs.Sub(files, name)
}

// Checks returns the text of a sample's checks.
func Checks(name string) ([]byte, error) {
	return files.ReadFile("checks/" + name + ".yaml")
}
