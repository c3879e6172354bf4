// SPDX-License-Identifier: Apache-2.0

package random

import (
	"time"

	"github.com/rolecall/rolecall/internal/testkit"
)

// universe is what there is to choose from. What stands twice comes twice as
// often.
type universe struct {
	namespaces                             []string
	types, actions, typeNames, actionNames []string // the last two for permissions: patterns and strangers too
	roles                                  []string
	heldScopes, askedScopes                []string
	users, userTypes                       []string
	groups, domains, emails, connections   []string
	instances                              []string
	conditions                             []string
	moments                                []time.Time
}

func newUniverse() universe {
	now := testkit.Now()
	return universe{
		namespaces:  []string{testkit.Namespace, testkit.Namespace, testkit.Namespace, testkit.Namespace, testkit.Namespace, "other"},
		types:       []string{"doc", "doc", "doc", "doc.page", "app:doc", "note", "service", "user"},
		actions:     []string{"read", "read", "update", "update.info", "update.info.name", "delete"},
		typeNames:   []string{"doc", "doc", "doc", "doc.page", "app:doc", "note", "*", "*", "doc*", "*doc", "d*.p*", "*o*e*", "x*", "dco"},
		actionNames: []string{"read", "read", "update", "update.info", "delete", "*", "*", "update.*", "*.name", "u*e*", "print", "z*"},
		roles:       []string{"r0", "r1", "r2", "r3", "r4", "A", "Team:x/1"},
		heldScopes:  []string{"*", "*", "*", "org:a", "org:a", "org:a/t:x", "org:a/t:x/y", "org:a2", "org:b"},
		askedScopes: []string{"", "org:a", "org:a", "org:a/t:x", "org:a/t:x/y", "org:a2", "org:b", "org", "org:a/t"},
		users:       []string{"u0", "u0", "u1", "u2", "user:u0"},
		userTypes:   []string{"user", "user", "user", "service", "anonymous"},
		groups:      []string{"g0", "g0", "g1", "g2", "g3", "u0"},
		domains:     []string{"acme.com", "ACME.com", "b.org"},
		emails:      []string{"u@acme.com", "u@Acme.Com", "u@b.org", "u@x@acme.com", "@acme.com", "acme.com", "u@"},
		connections: []string{"c0", "c1", "g0"},
		instances:   []string{"d0", "d0", "d1", "u0"},
		conditions:  conditions(),
		moments:     []time.Time{now.Add(-time.Hour), now.Add(-time.Nanosecond), now, now, now.Add(time.Nanosecond), now.Add(time.Hour)},
	}
}

// conditions are true, false, failing or not compiling, most of them according
// to the request.
func conditions() []string {
	return []string{
		`true`,
		`false`,
		`context.a`,
		`context.b`,
		`!context.a`,
		`context.a || context.b`,
		`context.a && context.b`,
		`has(context.a) && context.a`,
		`!has(context.b) || context.b`,
		`context.n > 1`,
		`context.list.exists(x, x == subject.id)`,
		`resource.properties.owner == subject.id`,
		`resource.id == "d0"`,
		`resource.type == "doc" || action.name == "read"`,
		`action.name.startsWith("update")`,
		`subject.id == "u0"`,
		`subject.properties.level >= 2`,
		`"g0" in subject.groups`,
		`!("g1" in subject.groups)`,
		`subject.groups.exists(g, g == "g2")`,
		`size(subject.groups) > 2`,
		`subject.roles.exists(r, r == "r0")`,
		`subject.email.endsWith("acme.com")`,
		`scope == ""`,
		`scope.startsWith("org:a")`,
		`now < timestamp("2026-06-15T12:00:00.000000001Z")`,
		`[1, 2][int(context.n)] > 0`,
		`request.resource.attr.owner == P.id`,
		`resource.properties == {"owner": "u0"} || R.attr.size() > 1`,
		`has(resource.properties.owner) && resource.properties.owner != subject.properties.owner`,
		`has(subject.properties) && !("level" in subject.properties)`,
		`subject.properties.exists(k, k == "owner") && has(P.attr.level)`,
		`context.a ==`,
		`contxt.a`,
	}
}
