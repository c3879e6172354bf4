// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Request asks whether a subject may do an action to a resource.
//
// A Request is read, never changed or kept, by the Checker that it is given to;
// it may be reused as soon as Check has returned.
type Request struct {
	// Namespace is the Kubernetes namespace whose policy decides.
	Namespace string
	Subject   Subject
	Action    Action
	Resource  Resource
	// Scope is the tenant inside the application, a path such as
	// `org:acme/team:web`. Without one, only bindings with the scope `*` apply.
	Scope string
	// Context is what else the application says; conditions see it as
	// `context`. Values are those of encoding/json: nil, bool, float64, string,
	// []any and map[string]any.
	Context map[string]any
	// Claims are those of a token that came beside the subject and was verified;
	// conditions see them as `request.auxData.jwt`, and nothing else does: they
	// give no authority. Values as in Context.
	Claims map[string]any
	// Time is the moment of the decision, one reading of the server's clock per
	// request. It is required: a zero Time is an error.
	Time time.Time
}

// Subject is who asks. Type, ID and the fields down to SSOGroups are what gives
// authority; Properties give none.
type Subject struct {
	// Type is the kind of subject, `user` for a person. The reserved types (see
	// ReservedType) are no subjects of a request.
	Type string
	// ID is the subject's id, neither empty nor `*`.
	ID string
	// Roles are asserted: held because the caller or a verified token says so.
	// They count only for roles that say `assertable: true`.
	Roles []string
	// SessionScope is the scope that the subject's session belongs to, a token's
	// organisation: a check elsewhere is denied, with ReasonScopeMismatch. Empty
	// means that the subject is not confined.
	SessionScope string
	// Groups are the ids of the groups (teams) that the subject is in.
	Groups []string
	// Email is the subject's e-mail address; its domain may give roles.
	Email string
	// EmailVerified says that the address is proven to be the subject's. The
	// domain of an unverified one gives no Allow.
	EmailVerified bool
	// SSOConnections are the ids of the SSO connections that the subject has
	// authenticated with.
	SSOConnections []string
	// SSOGroups are the groups that those connections report.
	SSOGroups []SSOGroup
	// Properties are free attributes, for conditions: what the caller states.
	// Stored ones of the subject stand below them, key by key.
	Properties map[string]any
	// Captured are attributes that nobody states: a gateway's door took them from a
	// URL, a query or headers, which are the client's to choose. Stored ones and
	// Properties stand above them, key by key.
	Captured map[string]any
}

// SSOGroup is a group as an SSO connection reports it; the same id under
// another connection is another group.
type SSOGroup struct {
	Connection string
	ID         string
}

// Action is what the subject wants to do.
type Action struct {
	Name       string
	Properties map[string]any
}

// Resource is what the subject wants to do it to.
type Resource struct {
	Type string
	// ID may be empty if the action is not about one instance.
	ID string
	// Properties and Captured are as those of a Subject.
	Properties map[string]any
	Captured   map[string]any
}

// Misfit is what the schema of a type says against the properties of a resource.
// It holds no value: a value may be nobody's business.
type Misfit struct {
	// Property is the property at the top that is meant or holds what is meant;
	// empty if something is missing, or they do not go together.
	Property string
	// Path is where, below resource.properties: team.size.
	Path string
	// Problem says what is wrong.
	Problem string
}

// Field returns the path in a request.
func (m *Misfit) Field() string {
	if m.Path == "" {
		return "resource.properties"
	}
	return "resource.properties." + m.Path
}

// The reserved types of subjects: ways of holding a role, not subjects of a
// request.
const (
	TypeGroup         = "group"
	TypeEmailDomain   = "email_domain"
	TypeSSOConnection = "sso_connection"
	TypeSSOGroup      = "sso_group"
)

// Wildcard is the id that stands for every subject of a type, and the scope
// that stands for everywhere; in a request it is neither.
const Wildcard = "*"

// ReservedType reports whether a type names a way of holding a role rather than
// a subject.
func ReservedType(t string) bool {
	switch t {
	case TypeGroup, TypeEmailDomain, TypeSSOConnection, TypeSSOGroup:
		return true
	}
	return false
}

// Validate reports the first fault of a request that cannot be decided, as a
// *RequestError, or nil.
func (r *Request) Validate() error {
	return cmp.Or(r.ValidateUnscoped(), r.ValidateScope())
}

// ValidateUnscoped is Validate for everything but the scope.
func (r *Request) ValidateUnscoped() error {
	if r.usual() {
		return nil
	}
	switch {
	case r.Time.IsZero():
		return &RequestError{Field: "time", Problem: "is required"}
	case r.Resource.Type == "":
		return &RequestError{Field: "resource.type", Problem: "is required"}
	case r.Action.Name == "":
		return &RequestError{Field: "action.name", Problem: "is required"}
	}
	return r.Subject.validate()
}

// ValidateScope is Validate for the scope alone. None is valid.
func (r *Request) ValidateScope() error {
	if r.Scope != "" && !ValidScope(r.Scope) {
		return badScope("scope", r.Scope)
	}
	return nil
}

// usual reports whether a request is valid, but for its scope, and no more than most
// are: it saves the others' questions.
func (r *Request) usual() bool {
	s := &r.Subject
	return s.Type == typeUser && usableID(s.ID) && s.SessionScope == "" &&
		len(s.Roles)+len(s.Groups)+len(s.SSOConnections)+len(s.SSOGroups) == 0 &&
		r.Resource.Type != "" && r.Action.Name != "" && !r.Time.IsZero()
}

// typeUser is the type of most subjects.
const typeUser = "user"

func (s *Subject) validate() error {
	if s.Type == "" {
		return &RequestError{Field: "subject.type", Problem: "is required"}
	}
	if ReservedType(s.Type) {
		return &RequestError{
			Field: "subject.type", Value: s.Type,
			Problem: "is a reserved type; name the user or service itself and state its " + s.Type + " beside it",
		}
	}
	if err := validID("subject.id", s.ID); err != nil {
		return err
	}
	if s.SessionScope != "" && !ValidScope(s.SessionScope) {
		return badScope("subject.session_scope", s.SessionScope)
	}
	return s.validateStated()
}

// validateStated checks the ids that the subject states of itself: an empty one
// or a wildcard could only be the fault of a template.
func (s *Subject) validateStated() error {
	for i, id := range s.Groups {
		if !usableID(id) {
			return validID(fmt.Sprintf("subject.groups[%d]", i), id)
		}
	}
	for i, id := range s.SSOConnections {
		if !usableID(id) {
			return validID(fmt.Sprintf("subject.sso_connections[%d]", i), id)
		}
	}
	for i, g := range s.SSOGroups {
		if !usableID(g.Connection) {
			return validID(fmt.Sprintf("subject.sso_groups[%d].connection", i), g.Connection)
		}
		if !usableID(g.ID) {
			return validID(fmt.Sprintf("subject.sso_groups[%d].id", i), g.ID)
		}
	}
	if i := slices.Index(s.Roles, ""); i >= 0 {
		return validID(fmt.Sprintf("subject.roles[%d]", i), "")
	}
	return nil
}

func usableID(id string) bool {
	return id != "" && id != Wildcard
}

func validID(field, id string) error {
	switch id {
	case "":
		return &RequestError{Field: field, Problem: "is required and must not be empty"}
	case Wildcard:
		return &RequestError{Field: field, Value: id, Problem: "is a wildcard; a request names one id"}
	}
	return nil
}

func badScope(field, scope string) error {
	return &RequestError{
		Field: field, Value: scope,
		Problem: "is not a scope: non-empty segments joined by /, such as org:acme/team:web",
	}
}

// ValidScope reports whether s is a scope: one or more non-empty segments joined
// by `/`, and not the wildcard.
func ValidScope(s string) bool {
	if strings.IndexByte(s, '/') < 0 {
		return s != "" && s != Wildcard
	}
	return s[0] != '/' && s[len(s)-1] != '/' && !strings.Contains(s, "//")
}

// ScopeCovers reports whether what is held at scope held counts for a check at
// scope asked: held is the wildcard, equal to asked, or an ancestor of it.
func ScopeCovers(held, asked string) bool {
	if held == Wildcard || (held == asked && asked != "") {
		return true
	}
	return len(asked) > len(held) && held != "" && asked[len(held)] == '/' && asked[:len(held)] == held
}

// EmailDomain returns the domain of an e-mail address as keys spell it: what
// follows the only `@`, ASCII letters folded to lower case. It is empty if the
// address has none, or more than one `@`.
func EmailDomain(email string) string {
	local, domain, found := strings.Cut(email, "@")
	if !found || local == "" || strings.Contains(domain, "@") {
		return ""
	}
	return FoldASCII(domain)
}

// FoldASCII folds the ASCII letters of s to lower case and leaves every other
// byte as it is; it allocates only if there is something to fold.
func FoldASCII(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			return foldFrom(s, i)
		}
	}
	return s
}

func foldFrom(s string, from int) string {
	b := []byte(s)
	for i := from; i < len(b); i++ {
		if 'A' <= b[i] && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}
