// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

// policyObjects are what the writes of the policies' tests change.
const policyObjects = `
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: leads, namespace: default}
spec:
  roles: ["Team:lead/x"]
  subjects: [{type: user, id: jane}, {type: user, id: john}]
  scope: org:acme
  resources: [{type: document, id: handbook}, {type: document, id: budget}]
  condition: has(context.mfa) && context.mfa
  notBefore: 2026-01-01T00:00:00Z
  notAfter: 2026-02-01T00:00:00Z
---
apiVersion: rolecall.dev/v1alpha1
kind: Group
metadata: {name: sales, namespace: default}
spec: {id: "Team:lead/x", members: [{type: user, id: jane}, {type: user, id: john}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: lead, namespace: default}
spec:
  id: Team:lead/x
  inherits: [reader]
  permissions:
  - {resource: document, actions: [read]}
  - {resource: document, actions: [write], condition: resource.id == "a"}
  - {effect: Deny, resource: document, actions: [delete]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Role
metadata: {name: reader, namespace: default}
spec: {permissions: [{resource: document, actions: [read]}]}
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: document, namespace: default}
spec:
  type: Team:lead/x
  actions: [{name: read}, {name: write}, {name: delete}]
  scoping: Required
  propertyValidation: Strict
  schema: {type: object, properties: {owner: {type: string}}}
  instances: [{id: handbook, properties: {owner: jane}}]
  routes: [{method: GET, path: /documents, action: read}]
---
apiVersion: rolecall.dev/v1alpha1
kind: Resource
metadata: {name: plain, namespace: default}
spec: {actions: [{name: read}]}
`

const mayBind = `the verb bind on roles.rolecall.dev "Team:lead/x" in the namespace "default"`

var bindingWrites = []policyWrite{
	{writer, "another role", "RoleBinding/leads", `spec: {roles: ["Team:lead/x", other]}`, `the verb bind on roles.rolecall.dev "other"`},
	{writer, "another subject", "RoleBinding/leads", "spec: {subjects: [{type: user, id: jim}]}", mayBind},
	{writer, "a wider scope", "RoleBinding/leads", "spec: {scope: '*'}", mayBind},
	{writer, "another instance", "RoleBinding/leads", "spec: {resources: [{type: document, id: plan}]}", mayBind},
	{writer, "all instances", "RoleBinding/leads", "spec: {resources: null}", mayBind},
	{writer, "another condition", "RoleBinding/leads", "spec: {condition: 'true'}", mayBind},
	{writer, "no condition", "RoleBinding/leads", "spec: {condition: null}", mayBind},
	{writer, "earlier", "RoleBinding/leads", "spec: {notBefore: 2025-01-01T00:00:00Z}", mayBind},
	{writer, "always before", "RoleBinding/leads", "spec: {notBefore: null}", mayBind},
	{writer, "later", "RoleBinding/leads", "spec: {notAfter: 2027-01-01T00:00:00Z}", mayBind},
	{writer, "never ends", "RoleBinding/leads", "spec: {notAfter: null}", mayBind},
	{writer, "narrower in every way", "RoleBinding/leads", `{spec: {subjects: [{type: user, id: john}], scope: "org:acme/team:web",
		resources: [{type: document, id: budget}], notBefore: 2026-01-02T00:00:00Z, notAfter: 2026-01-03T00:00:00Z}}`, ""},
	{lead, "another subject", "RoleBinding/leads", "spec: {subjects: [{type: user, id: jim}], scope: '*'}", ""},
	{lead, "a role that he may not", "RoleBinding/leads", `spec: {roles: ["Team:lead/x", other]}`, `the verb bind on roles.rolecall.dev "other"`},
	{binder, "everything", "RoleBinding/leads", "spec: {roles: [a, b, c], scope: '*', resources: null, condition: null, notAfter: null}", ""},
	{binder, "as many roles as there may be", "RoleBinding/leads", "spec: {scope: '*', roles: [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, r13, r14, r15]}", ""},
	{escalator, "another subject", "RoleBinding/leads", "spec: {subjects: [{type: user, id: jim}]}", mayBind},
}

const mayAdd = `the verb bind on groups.rolecall.dev "Team:lead/x" in the namespace "default"`

var groupWrites = []policyWrite{
	{writer, "another member", "Group/sales", "spec: {members: [{type: user, id: jane}, {type: user, id: jim}]}", mayAdd},
	{writer, "a member less", "Group/sales", "spec: {members: [{type: user, id: john}]}", ""},
	{writer, "no members", "Group/sales", "spec: {members: null}", ""},
	{lead, "another member", "Group/sales", "spec: {members: [{type: user, id: jim}]}", ""},
	{binder, "another member", "Group/sales", "spec: {members: [{type: user, id: jim}]}", ""},
	{escalator, "another member", "Group/sales", "spec: {members: [{type: user, id: jim}]}", mayAdd},
}

const mayEscalate = `the verb escalate on roles.rolecall.dev "Team:lead/x" in the namespace "default"`

var roleWrites = []policyWrite{
	{writer, "more allowed", "Role/lead", "spec: {permissions: [{resource: '*', actions: ['*']}, {effect: Deny, resource: document, actions: [delete]}]}", mayEscalate},
	{writer, "no condition", "Role/lead", "spec: {permissions: [{resource: document, actions: [write]}, {effect: Deny, resource: document, actions: [delete]}]}", mayEscalate},
	{writer, "less denied", "Role/lead", "spec: {permissions: [{resource: document, actions: [read]}]}", mayEscalate},
	{writer, "less allowed, more denied", "Role/lead", "spec: {permissions: [{effect: Deny, resource: document, actions: [delete]}, {effect: Deny, resource: a, actions: [b]}]}", ""},
	{writer, "inherits more", "Role/lead", "spec: {inherits: [reader, other]}", mayEscalate},
	{writer, "inherits nothing", "Role/lead", "spec: {inherits: null}", mayEscalate},
	{writer, "assertable", "Role/lead", "spec: {assertable: true}", mayEscalate},
	{writer, "described", "Role/lead", "spec: {description: x}", ""},
	{binder, "assertable", "Role/lead", "spec: {assertable: true}", mayEscalate},
	{lead, "assertable", "Role/lead", "spec: {assertable: true, permissions: [{resource: '*', actions: ['*']}]}", ""},
	{lead, "another role", "Role/reader", "spec: {assertable: true}", `the verb escalate on roles.rolecall.dev "reader"`},
	{escalator, "assertable", "Role/lead", "spec: {assertable: true}", ""},
}

const mayDescribe = `the verb escalate on resources.rolecall.dev "Team:lead/x" in the namespace "default"`

var resourceWrites = []policyWrite{
	{writer, "another action", "Resource/document", "spec: {actions: [{name: read}, {name: print}]}", ""},
	{writer, "other properties", "Resource/document", "spec: {instances: [{id: handbook, properties: {owner: john}}]}", mayDescribe},
	{writer, "another route", "Resource/document", "spec: {routes: [{method: DELETE, path: /documents, action: read}]}", mayDescribe},
	{writer, "no scope needed", "Resource/document", "spec: {scoping: Optional}", mayDescribe},
	{writer, "not strict", "Resource/document", "spec: {propertyValidation: Warn}", mayDescribe},
	{writer, "another schema", "Resource/document", "spec: {schema: {properties: {owner: {type: integer}}}}", mayDescribe},
	{lead, "no scope needed", "Resource/document", "spec: {scoping: Optional}", ""},
	{binder, "no scope needed", "Resource/document", "spec: {scoping: Optional}", mayDescribe},
}
