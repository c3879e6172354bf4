// SPDX-License-Identifier: Apache-2.0

package door

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
)

// Permission is what a caller may ask of a namespace. Kubernetes RBAC grants it
// as `create` on the virtual resource of this name in the group rolecall.dev.
type Permission string

// The permissions of callers.
const (
	// PermissionCheck is to ask for decisions.
	PermissionCheck Permission = "checks"
	// PermissionSearch is to ask who may, what may be done and to what.
	PermissionSearch Permission = "searches"
	// PermissionExplain is to ask why.
	PermissionExplain Permission = "explanations"
	// PermissionPolicy is to fetch the policy itself.
	PermissionPolicy Permission = "policies"
)

// Credentials are what a request proves of its caller.
type Credentials struct {
	// Authorization is the header or metadata of this name, empty if there is none.
	Authorization string
	// APIKey is the header or metadata X-API-Key, empty if there is none. A door
	// whose protocol sends a key elsewhere puts it here.
	APIKey string
	// TLS is the state of the connection, nil without TLS. Certificates in it
	// have been verified against the authorities that the server trusts.
	TLS *tls.ConnectionState
}

// RequestCredentials returns what an HTTP request proves of its caller. A header
// that is there more than once is one with all its values, and so malformed.
func RequestCredentials(r *http.Request) Credentials {
	return Credentials{
		Authorization: only(r.Header["Authorization"]), APIKey: only(r.Header["X-Api-Key"]), TLS: r.TLS,
	}
}

func only(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	return strings.Join(values, ", ")
}

// Caller is who asks a door, authenticated. It is not the subject of a decision.
type Caller struct {
	// Name is the caller's name, such as
	// `system:serviceaccount:shop:checkout`; empty if the door asks for none.
	Name string
	// Method says how it was authenticated, such as `serviceaccount`.
	Method string
}

// Gate lets callers in. It is safe for concurrent use.
type Gate interface {
	// Admit authenticates a caller and makes sure that it may ask for what it
	// asks in a namespace. Its error is an *Error with the status 401 for a caller
	// that is not known, 403 for one that may not, and 503 if that could not be
	// found out.
	Admit(ctx context.Context, c Credentials, namespace string, p Permission) (Caller, error)
}

// Anyone is the Gate that lets everyone in, without asking who it is.
type Anyone struct{}

// Admit implements Gate.
func (Anyone) Admit(context.Context, Credentials, string, Permission) (Caller, error) {
	return Caller{}, nil
}
