// SPDX-License-Identifier: Apache-2.0

// Command inproc measures Rolecall or a floor, in its process.
package main

import (
	"maps"
	"os"

	"github.com/rolecall/rolecall/hack/bench/engine"
	"github.com/rolecall/rolecall/hack/bench/measure"
	"github.com/rolecall/rolecall/hack/bench/product"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

func main() {
	engines := map[string]engine.New{}
	for _, shape := range []string{workload.Single, workload.Grouped} {
		engines["rolecall/"+shape] = func() engine.Engine { return product.New(shape) }
	}
	maps.Copy(engines, engine.Floors())
	os.Exit(measure.Main(engines))
}
