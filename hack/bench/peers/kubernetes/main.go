// SPDX-License-Identifier: Apache-2.0

// Command kubernetes measures the RBAC authorizer of Kubernetes in its process.
// It is in a module of its own, because k8s.io/kubernetes pins its dependencies.
package main

import (
	"os"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/measure"
)

func main() {
	os.Exit(measure.Main(map[string]engine.New{
		"kubernetes": func() engine.Engine { return newAuthorizer() },
	}))
}
