// SPDX-License-Identifier: Apache-2.0

// Command peers measures other engines in their process, each in the fastest
// form that was found for the workload. It is in a module of its own, as they
// need what the product must not.
package main

import (
	"os"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/measure"
)

func main() {
	os.Exit(measure.Main(map[string]engine.New{
		"casbin": func() engine.Engine { return &casbinEngine{} },
		"cedar":  func() engine.Engine { return &cedarEngine{} },
		"opa":    func() engine.Engine { return &opaEngine{} },
	}))
}
