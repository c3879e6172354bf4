// SPDX-License-Identifier: Apache-2.0

package sar

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
)

// The types of subjects that a user of Kubernetes can be, beside Mapping's.
const (
	// TypeUser is a user whose name the system has not reserved.
	TypeUser = "user"
	// TypeAnonymous is who is not authenticated.
	TypeAnonymous = "anonymous"
	// TypeSystem is a part of the cluster itself, such as a node or the scheduler.
	TypeSystem = "system"
)

// TypeNonResourceURL is the type of resources that paths are which are no object's.
// No kind of objects has this type.
const TypeNonResourceURL = "nonResourceURLs"

// What names and groups mean to Kubernetes.
const (
	systemPrefix         = "system:"
	serviceAccountPrefix = "system:serviceaccount:"
	anonymousName        = "system:anonymous"
	unauthenticatedGroup = "system:unauthenticated"
)

// Mapping says what the attributes of a review are here.
type Mapping struct {
	// ClusterScope is the scope of what lies in no namespace of the cluster, and
	// what the scopes of its namespaces lie in; may be empty.
	ClusterScope string
	// NamespaceScopePrefix makes the name of a namespace a segment of a scope.
	NamespaceScopePrefix string
	// ServiceAccountType is the type of subjects that service accounts are.
	ServiceAccountType string
}

// Request makes a review the core's request: everything but the namespace and the
// time. r shares memory with v.
func (m *Mapping) Request(v *Review, r *authz.Request) {
	*r = authz.Request{
		Subject: authz.Subject{Type: m.subjectType(v), ID: v.User, Groups: v.Groups},
		Context: v.Context,
	}
	if v.Resource == nil {
		r.Action.Name = v.NonResource.Verb
		r.Resource.Type, r.Resource.ID = TypeNonResourceURL, v.NonResource.Path
		r.Scope = m.ClusterScope
		return
	}
	r.Action.Name = v.Resource.Verb
	r.Resource.Type, r.Resource.ID = v.Resource.Type(), v.Resource.Name
	r.Scope = m.scope(v.Resource.Namespace)
}

// subjectType tells apart whom Kubernetes calls users alike, so that what is bound
// to every user is not bound to the cluster's own parts, nor to strangers.
func (m *Mapping) subjectType(v *Review) string {
	switch {
	case v.User == anonymousName || slices.Contains(v.Groups, unauthenticatedGroup):
		return TypeAnonymous
	case strings.HasPrefix(v.User, serviceAccountPrefix):
		return m.ServiceAccountType
	case strings.HasPrefix(v.User, systemPrefix):
		return TypeSystem
	}
	return TypeUser
}

func (m *Mapping) scope(namespace string) string {
	if namespace == "" {
		return m.ClusterScope
	}
	segment := m.NamespaceScopePrefix + authz.EscapeSegment(namespace)
	if m.ClusterScope == "" {
		return segment
	}
	return m.ClusterScope + "/" + segment
}

// Type returns the type of resources that the attributes are about, as kubectl
// spells it: `pods`, `deployments.apps`, `pods/log`, `deployments.apps/scale`.
//
// No two kinds or subresources have one type, whatever a request calls them: what
// no name of Kubernetes' holds is percent-encoded, and so becomes a type that no
// Resource can declare. So does `*`, by which clients ask for all of them.
func (a *ResourceAttributes) Type() string {
	t := encode(a.Resource, inResource)
	if a.Group != "" {
		t += "." + encode(a.Group, inGroup)
	}
	if a.Subresource != "" {
		t += "/" + encode(a.Subresource, inSubresource)
	}
	return t
}

func inResource(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func inGroup(c byte) bool { return inResource(c) || c == '.' }

func inSubresource(c byte) bool { return inGroup(c) || 'A' <= c && c <= 'Z' }

// encode returns s with every byte percent-encoded that may not stand there.
func encode(s string, may func(byte) bool) string {
	for i := range len(s) {
		if !may(s[i]) {
			return encodeFrom(s, i, may)
		}
	}
	return s
}

func encodeFrom(s string, from int, may func(byte) bool) string {
	b := []byte(s[:from])
	for i := from; i < len(s); i++ {
		if may(s[i]) {
			b = append(b, s[i])
		} else {
			b = fmt.Appendf(b, "%%%02X", s[i])
		}
	}
	return string(b)
}
