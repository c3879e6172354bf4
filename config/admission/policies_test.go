// SPDX-License-Identifier: Apache-2.0

package admission_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestForm: every policy is in force wherever Rolecall's kinds are, refuses what it
// cannot judge, and sees neither statuses nor other subresources.
func TestForm(t *testing.T) {
	for _, plural := range []string{"rolebindings", "groups", "roles", "resources"} {
		e := newEngine(t, plural)
		if name := plural + ".rolecall.dev"; e.policy.Name != name || e.binding.Name != name || e.binding.Spec.PolicyName != name {
			t.Errorf("%s: the names are %s, %s and %s, want %s", plural, e.policy.Name, e.binding.Name, e.binding.Spec.PolicyName, name)
		}
		if *e.policy.Spec.FailurePolicy != admissionv1.Fail || len(e.binding.Spec.ValidationActions) != 1 || e.binding.Spec.ValidationActions[0] != admissionv1.Deny {
			t.Errorf("%s does not always refuse", plural)
		}
		rules := e.policy.Spec.MatchConstraints.ResourceRules
		if len(rules) != 1 || len(rules[0].Resources) != 1 || rules[0].Resources[0] != plural {
			t.Errorf("%s: the rules are %v", plural, rules)
		}
		if e.binding.Spec.MatchResources != nil {
			t.Errorf("%s: the binding leaves something out", plural)
		}
	}
}

// TestOneValidationEachRole: there is a validation for each role that a binding may have, and they
// differ in nothing but the role.
func TestOneValidationEachRole(t *testing.T) {
	validations := newEngine(t, "rolebindings").policy.Spec.Validations
	if len(validations) != maxRoles {
		t.Fatalf("%d validations, want %d", len(validations), maxRoles)
	}
	for i, v := range validations {
		want := validations[0]
		number := strconv.Itoa(i)
		expression := strings.NewReplacer("<= 0", "<= "+number, "given[0]", "given["+number+"]").Replace(want.Expression)
		message := strings.ReplaceAll(want.MessageExpression, "given[0]", "given["+number+"]")
		if v.Expression != expression || v.MessageExpression != message || *v.Reason != *want.Reason {
			t.Errorf("validation %d is not like the first one", i)
		}
	}
}

// What the CRDs allow.
const (
	maxRoles    = 16
	maxSubjects = 1000
	maxMembers  = 5000
)

// change is a write of an object, as YAML, and what the policy says against it.
type change struct {
	name          string
	before, after string
	ending        bool
	// refused is the right that is asked for; nothing if none is.
	refused string
	// because is a part of the message.
	because string
}

func (c change) test(t *testing.T, e *engine) {
	t.Helper()
	t.Run(c.name, func(t *testing.T) {
		w := write{before: named(object(t, c.before)), after: named(object(t, c.after)), ending: c.ending}
		got := strings.Join(e.refusals(t, w, nothing), "\n")
		if c.refused == "" {
			if got != "" {
				t.Errorf("it is refused: %s", got)
			}
			return
		}
		verb, name, _ := strings.Cut(c.refused, " ")
		plural, id, _ := strings.Cut(name, "/")
		want := fmt.Sprintf("the verb %s on %s.rolecall.dev %q in the namespace %q", verb, plural, id, namespace)
		if !strings.Contains(got, want) || !strings.Contains(got, c.because) {
			t.Errorf("refused by %q, want %q because %q", got, want, c.because)
		}
		if again := e.refusals(t, w, only(c.refused)); len(again) > 0 {
			t.Errorf("with the right to %s still refused: %q", c.refused, again)
		}
		if other := e.refusals(t, w, only(c.refused+"x", "bind x/"+id, "get "+name)); len(other) == 0 {
			t.Error("the right to something else is enough")
		}
	})
}

func named(o *unstructured.Unstructured) *unstructured.Unstructured {
	if o != nil {
		o.SetName("object")
	}
	return o
}

// binding is a RoleBinding with every field, or without those whose value is empty.
func binding(fields ...string) string {
	all := []string{
		"roles: [Team:lead/x]", "subjects: [{type: user, connection: '', id: jane}]", "scope: org:acme",
		"resources: [{type: document, id: handbook}]", "condition: context.mfa",
		"notBefore: 2026-01-01T00:00:00Z", "notAfter: 2026-02-01T00:00:00Z",
	}
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		for i := range all {
			if strings.HasPrefix(all[i], name+":") {
				all[i] = field
				if value == "" {
					all[i] = "# none"
				}
			}
		}
	}
	return "spec:\n  " + strings.Join(all, "\n  ")
}

func TestRoleBindings(t *testing.T) {
	e := newEngine(t, "rolebindings")
	const lead, jane, john = "bind roles/Team:lead/x", "{type: user, connection: '', id: jane}", "{type: user, connection: '', id: john}"
	const everyone = "{type: user, connection: '', id: '*'}"
	for _, c := range []change{
		{name: "new", after: binding(), refused: lead, because: "a new RoleBinding gives it"},
		{name: "unchanged", before: binding(), after: binding()},
		{name: "another role", before: binding(), after: binding("roles: [Team:lead/x, other]"), refused: "bind roles/other", because: "spec.roles is to give it"},
		{name: "a role in place of another", before: binding(), after: binding("roles: [other]"), refused: "bind roles/other"},
		{name: "a role less", before: binding("roles: [Team:lead/x, other]"), after: binding()},
		{name: "another subject", before: binding(), after: binding("subjects: [" + jane + ", " + john + "]"), refused: lead, because: "spec.subjects is to give it to more"},
		{name: "a subject in place of another", before: binding(), after: binding("subjects: [" + john + "]"), refused: lead},
		{name: "the same id of another type", before: binding(), after: binding("subjects: [{type: service, connection: '', id: jane}]"), refused: lead},
		{name: "a subject less", before: binding("subjects: [" + jane + ", " + john + "]"), after: binding()},
		{name: "everyone", before: binding(), after: binding("subjects: [" + everyone + "]"), refused: lead},
		{name: "one in place of everyone", before: binding("subjects: [" + everyone + "]"), after: binding()},
		{name: "everyone of one type is nobody of another", before: binding("subjects: [" + everyone + "]"), after: binding("subjects: [{type: service, connection: '', id: jane}]"), refused: lead},
		{name: "a group called * has no others in it", before: binding("subjects: [{type: group, connection: '', id: '*'}]"), after: binding("subjects: [{type: group, connection: '', id: a}]"), refused: lead},
		{name: "a scope above", before: binding("scope: org:acme/team:web"), after: binding(), refused: lead, because: "spec.scope is"},
		{name: "a scope below", before: binding(), after: binding("scope: org:acme/team:web")},
		{name: "a scope that begins alike", before: binding(), after: binding("scope: org:acme2"), refused: lead, because: "spec.scope is"},
		{name: "everywhere", before: binding(), after: binding("scope: '*'"), refused: lead, because: "spec.scope is"},
		{name: "no longer everywhere", before: binding("scope: '*'"), after: binding()},
		{name: "another instance", before: binding(), after: binding("resources: [{type: document, id: handbook}, {type: document, id: budget}]"), refused: lead, because: "spec.resources is"},
		{name: "all instances", before: binding(), after: binding("resources: "), refused: lead, because: "spec.resources is"},
		{name: "an instance less", before: binding("resources: [{type: document, id: budget}, {type: document, id: handbook}]"), after: binding()},
		{name: "no longer all instances", before: binding("resources: "), after: binding()},
		{name: "another condition", before: binding(), after: binding("condition: context.mfa || true"), refused: lead, because: "spec.condition is"},
		{name: "no condition", before: binding(), after: binding("condition: "), refused: lead, because: "spec.condition is"},
		{name: "a condition", before: binding("condition: "), after: binding()},
		{name: "earlier", before: binding(), after: binding("notBefore: 2025-12-31T23:59:59Z"), refused: lead, because: "spec.notBefore is"},
		{name: "earlier, by the clock of elsewhere", before: binding(), after: binding("notBefore: '2026-01-01T00:30:00+01:00'"), refused: lead, because: "spec.notBefore is"},
		{name: "the same moment elsewhere", before: binding(), after: binding("notBefore: '2026-01-01T01:00:00+01:00'")},
		{name: "always before", before: binding(), after: binding("notBefore: "), refused: lead, because: "spec.notBefore is"},
		{name: "from then on", before: binding("notBefore: "), after: binding()},
		{name: "later", before: binding(), after: binding("notAfter: 2026-02-01T00:00:01Z"), refused: lead, because: "spec.notAfter is"},
		{name: "later, by the clock of elsewhere", before: binding(), after: binding("notAfter: '2026-01-31T23:30:00-01:00'"), refused: lead, because: "spec.notAfter is"},
		{name: "never ends", before: binding(), after: binding("notAfter: "), refused: lead, because: "spec.notAfter is"},
		{name: "until then", before: binding("notAfter: "), after: binding()},
		{name: "wider in two ways", before: binding(), after: binding("notAfter: ", "scope: '*'"), refused: lead, because: "spec.scope and spec.notAfter is to give it to more"},
		{
			name: "whoever gives more gives every role", before: binding("roles: [a, Team:lead/x]"), after: binding("roles: [Team:lead/x]", "scope: '*'"),
			refused: lead,
		},
	} {
		c.test(t, e)
	}
}

func group(id string, members ...string) string {
	text := "spec: {description: x"
	if id != "" {
		text += ", id: '" + id + "'"
	}
	if len(members) > 0 {
		text += ", members: [" + strings.Join(members, ", ") + "]"
	}
	return text + "}"
}

func TestGroups(t *testing.T) {
	e := newEngine(t, "groups")
	const jane, john, everyone = "{type: user, connection: '', id: jane}", "{type: user, connection: '', id: john}", "{type: user, connection: '', id: '*'}"
	const bind = "bind groups/Sales:EMEA"
	for _, c := range []change{
		{name: "new and empty", after: group("")},
		{name: "new", after: group("Sales:EMEA", jane), refused: bind, because: "spec.members has more"},
		{name: "new, by its name", after: group("", jane), refused: "bind groups/object"},
		{name: "another member", before: group("Sales:EMEA", jane), after: group("Sales:EMEA", jane, john), refused: bind},
		{name: "the first member", before: group("Sales:EMEA"), after: group("Sales:EMEA", jane), refused: bind},
		{name: "a group", before: group("Sales:EMEA", jane), after: group("Sales:EMEA", jane, "{type: group, connection: '', id: jane}"), refused: bind},
		{name: "another connection", before: group("Sales:EMEA", "{type: sso_group, connection: a, id: x}"), after: group("Sales:EMEA", "{type: sso_group, connection: b, id: x}"), refused: bind},
		{name: "a member less", before: group("Sales:EMEA", jane, john), after: group("Sales:EMEA", john)},
		{name: "no members", before: group("Sales:EMEA", jane, john), after: group("Sales:EMEA")},
		{name: "one in place of everyone", before: group("Sales:EMEA", everyone), after: group("Sales:EMEA", john)},
		{name: "everyone", before: group("Sales:EMEA", john), after: group("Sales:EMEA", everyone), refused: bind},
		{name: "another order", before: group("Sales:EMEA", john, jane), after: group("Sales:EMEA", jane, john)},
	} {
		c.test(t, e)
	}
}

const (
	allowRead  = "{resource: document, actions: [read]}"
	allowOwn   = "{resource: document, actions: [read], condition: a}"
	allowWrite = "{resource: document, actions: [read, write]}"
	denyRead   = "{effect: Deny, resource: document, actions: [read]}"
	denyOther  = "{effect: Deny, resource: document, actions: [read], condition: a}"
)

func role(permissions []string, more ...string) string {
	lines := append([]string{"id: Team:lead/x"}, more...)
	if len(permissions) > 0 {
		lines = append(lines, "permissions: ["+strings.Join(permissions, ", ")+"]")
	}
	return "spec:\n  " + strings.Join(lines, "\n  ")
}

func TestRoles(t *testing.T) {
	e := newEngine(t, "roles")
	const escalate = "escalate roles/Team:lead/x"
	of := func(permissions ...string) []string { return permissions }
	for _, c := range []change{
		{name: "new", after: role(of(allowRead)), refused: escalate, because: "a new Role allows what nobody else does"},
		{name: "new, by its name", after: "spec: {permissions: [" + allowRead + "]}", refused: "escalate roles/object"},
		{name: "new and empty", after: role(nil)},
		{name: "new and forbids only", after: role(of(denyRead))},
		{name: "new and assertable", after: role(nil, "assertable: true"), refused: escalate},
		{name: "new and inherits", after: role(nil, "inherits: [a]"), refused: escalate},
		{name: "described", before: role(of(allowRead), "description: x"), after: role(of(allowRead))},
		{name: "another Allow", before: role(of(denyRead)), after: role(of(denyRead, allowRead)), refused: escalate, because: "spec.permissions allows more"},
		{name: "another Allow that says so", before: role(of(denyRead)), after: role(of(denyRead, "{effect: Allow, resource: a, actions: [b]}")), refused: escalate},
		{name: "an Allow less", before: role(of(allowRead, allowWrite)), after: role(of(allowRead))},
		{name: "an action more", before: role(of(allowRead)), after: role(of(allowWrite)), refused: escalate},
		{name: "no condition", before: role(of(allowOwn)), after: role(of(allowRead)), refused: escalate},
		{name: "a condition", before: role(of(allowRead)), after: role(of(allowOwn)), refused: escalate},
		{name: "a Deny less", before: role(of(allowRead, denyRead)), after: role(of(allowRead)), refused: escalate, because: "spec.permissions denies less"},
		{name: "a Deny under a condition", before: role(of(denyRead)), after: role(of(denyOther)), refused: escalate, because: "denies less"},
		{name: "a Deny more", before: role(of(allowRead)), after: role(of(denyOther, allowRead, denyRead))},
		{name: "a Deny in place of an Allow", before: role(of(allowRead)), after: role(of(denyRead))},
		{name: "an Allow in place of a Deny", before: role(of(denyRead)), after: role(of(allowRead)), refused: escalate, because: "spec.permissions allows more and spec.permissions denies less"},
		{name: "inherits more", before: role(nil, "inherits: [a]"), after: role(nil, "inherits: [a, b]"), refused: escalate, because: "spec.inherits differs"},
		{name: "inherits less", before: role(nil, "inherits: [a, b]"), after: role(nil, "inherits: [a]"), refused: escalate, because: "spec.inherits differs"},
		{name: "inherits in another order", before: role(nil, "inherits: [a, b]"), after: role(nil, "inherits: [b, a]")},
		{name: "assertable", before: role(nil), after: role(nil, "assertable: true"), refused: escalate, because: "spec.assertable differs"},
		{name: "assertable no more", before: role(of(allowRead), "assertable: true"), after: role(of(allowRead), "assertable: false")},
		{name: "assertable no more, with a Deny", before: role(of(denyRead), "assertable: true"), after: role(of(denyRead)), refused: escalate, because: "spec.assertable differs"},
		{name: "assertable no more, and inherits", before: role(nil, "assertable: true", "inherits: [a]"), after: role(nil, "inherits: [a]"), refused: escalate, because: "spec.assertable differs"},
		{name: "the end of an Allow", before: role(of(allowRead), "assertable: true")},
		{name: "the end of a Deny", before: role(of(allowRead, denyRead)), refused: escalate, because: "without it less may be denied"},
		{name: "the end of what is inherited", before: role(nil, "inherits: [a]"), refused: escalate, because: "without it less may be denied"},
		{name: "the end of the namespace", before: role(of(denyRead), "inherits: [a]"), ending: true},
		{name: "no new Role because the namespace ends", after: role(of(allowRead)), ending: true, refused: escalate},
	} {
		c.test(t, e)
	}
}

func TestResources(t *testing.T) {
	e := newEngine(t, "resources")
	const escalate = "escalate resources/Team:doc"
	resource := func(lines ...string) string { return "spec:\n  type: Team:doc\n  " + strings.Join(lines, "\n  ") }
	const route = "routes: [{method: GET, path: /, action: read}]"
	const strict, schema = "propertyValidation: Strict", "schema: {type: object}"
	for _, c := range []change{
		{name: "new", after: resource("actions: [{name: read}]")},
		{name: "new, with what only denies", after: resource("scoping: Required", strict, schema, "instances: [{id: a}]")},
		{name: "new, with stored properties", after: resource("instances: [{id: a, properties: {owner: jane}}]"), refused: escalate, because: "spec.instances[].properties does:"},
		{name: "new, with routes", after: resource(route), refused: escalate, because: "spec.routes does:"},
		{name: "new, by its name", after: "spec: {" + route + "}", refused: "escalate resources/object"},
		{name: "another action", before: resource("actions: [{name: read}]", route), after: resource("actions: [{name: read}, {name: write}]", route)},
		{name: "another instance", before: resource("instances: [{id: a}]"), after: resource("instances: [{id: b}]")},
		{name: "other properties", before: resource("instances: [{id: a, properties: {owner: jane}}]"), after: resource("instances: [{id: a, properties: {owner: john}}]"), refused: escalate},
		{name: "no properties", before: resource("instances: [{id: a, properties: {owner: jane}}]"), after: resource("instances: [{id: a}]"), refused: escalate},
		{name: "another route", before: resource(route), after: resource("routes: [{method: GET, path: /a, action: read}]"), refused: escalate},
		{name: "a route less", before: resource(route), after: resource(), refused: escalate},
		{name: "no scope needed", before: resource("scoping: Required"), after: resource("scoping: Optional"), refused: escalate, because: "spec.scoping does:"},
		{name: "a scope needed", before: resource(), after: resource("scoping: Required")},
		{name: "a schema that only warns", before: resource(schema), after: resource("schema: {type: object, properties: {a: {type: string}}}")},
		{name: "another schema", before: resource(strict, schema), after: resource(strict, "schema: {type: object, properties: {a: {type: string}}}"), refused: escalate, because: "spec.propertyValidation and its schema do"},
		{name: "strict no more", before: resource(strict, schema), after: resource(schema), refused: escalate},
		{name: "strict", before: resource(schema), after: resource(strict, schema)},
		{name: "the end of a plain one", before: resource("actions: [{name: read}]", schema)},
		{name: "the end of one that denies", before: resource("scoping: Required"), refused: escalate},
		{name: "the end of a strict one", before: resource(strict, schema), refused: escalate},
		{name: "the end of routes", before: resource(route), refused: escalate},
		{name: "the end of the namespace", before: resource(route, "scoping: Required", strict, schema), ending: true},
	} {
		c.test(t, e)
	}
}
