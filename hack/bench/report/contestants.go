// SPDX-License-Identifier: Apache-2.0

package report

import (
	"github.com/rolecall/rolecall/hack/bench/record"
	"github.com/rolecall/rolecall/hack/bench/workload"
)

// contestant is a row of a table.
type contestant struct {
	engine, shape string
	// title is what a table calls it, label what a plot does.
	title, label string
	floor        bool
}

const ideal = "ideal"

// contestants are those in process, in the order of the tables.
func contestants() []contestant {
	return []contestant{
		{"mapget", "", "floor: one look-up of a string, no decision", "one look-up", true},
		{"ideal-flat", "", "floor: ideal without pointers", "ideal without pointers", true},
		{ideal, "", "floor: ideal", "ideal", true},
		{"rolecall", workload.Single, "**Rolecall**, a RoleBinding an assignment", "", false},
		{"rolecall", workload.Grouped, "**Rolecall**, up to 500 subjects a RoleBinding", "Rolecall", false},
		{"cedar", "", "cedar-go", "cedar-go", false},
		{"opa", "", "OPA", "OPA", false},
		{"kubernetes", "", "Kubernetes RBAC", "Kubernetes RBAC", false},
		{"casbin", "", "casbin", "casbin", false},
	}
}

func (c contestant) key(bench string, v workload.Variant, users int) record.Key {
	return record.Key{Bench: bench, Engine: c.engine, Shape: c.shape, Variant: string(v), Users: users}
}

func idealKey(bench string, v workload.Variant, users int) record.Key {
	return contestant{engine: ideal}.key(bench, v, users)
}
