// SPDX-License-Identifier: Apache-2.0

package gateway

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"slices"

	"github.com/rolecall/rolecall/internal/door"
)

// Settings are what the configuration says of the gateways of one namespace. They
// are not changed by who reads them.
type Settings struct {
	// Addresses are those from which gateways ask, and Certificates the names by which
	// the door's gate knows those that have one.
	Addresses    []netip.Prefix
	Certificates []string
	// Token says where session tokens are; nil if none is looked for.
	Token *Token
	// Identity names the headers that say who asks; nil if none does.
	Identity *Identity
	// CertificateType is the type of subject that a client's certificate proves; empty
	// if it proves none.
	CertificateType string
	// ContextHeaders are the headers that conditions see.
	ContextHeaders []string
	// Subject, SubjectType and Roles are the headers of an allowed request.
	Subject, SubjectType, Roles string
	// DeniedStatus and DeniedBody answer a client that may not.
	DeniedStatus int
	DeniedBody   string
}

// Token says where session tokens are.
type Token struct {
	// Opaque says that they are such as an introspection endpoint is asked about.
	Opaque bool
	// Cookie is the name of the cookie; empty if there is none.
	Cookie string
}

// Identity names the headers in which a gateway says who asks. Those that are empty
// say nothing.
type Identity struct {
	ID, Roles, Groups, Email, Scope string
	// Type is the type of the subject itself.
	Type string
}

// names returns the headers' names.
func (i *Identity) names() []string {
	return slices.DeleteFunc([]string{i.ID, i.Roles, i.Groups, i.Email, i.Scope}, func(name string) bool { return name == "" })
}

// Gateways judges requests. It is safe for concurrent use.
type Gateways struct {
	// Asker is the way to the policy.
	Asker door.Asker
	// Sessions verifies tokens.
	Sessions door.Sessions
	// Settings are by namespace.
	Settings map[string]*Settings
}

// methodAddress is how a gateway is known that has no certificate.
const methodAddress = "address"

// Admit lets a gateway in that asks from an address about the namespace of an origin.
// Nobody else is answered, because everything is as the gateway says.
func (g *Gateways) Admit(ctx context.Context, address netip.AddrPort, state *tls.ConnectionState, o door.Origin) (door.Origin, *Settings, error) {
	s := g.Settings[o.Namespace]
	if s == nil {
		err := &door.Error{Status: http.StatusNotFound, Message: "no gateway is configured for this namespace; list it in gateways of the server's configuration"}
		g.Asker.Refused(o, err)
		return o, nil, err
	}
	ip := address.Addr().Unmap()
	if slices.ContainsFunc(s.Addresses, func(p netip.Prefix) bool { return p.Contains(ip) }) {
		o.Caller = door.Caller{Name: ip.String(), Method: methodAddress}
		return o, s, nil
	}
	if len(s.Certificates) > 0 && state != nil && len(state.VerifiedChains) > 0 {
		admitted, err := g.Asker.Admit(ctx, door.Credentials{TLS: state}, o, door.PermissionCheck)
		if err != nil {
			return o, nil, err
		}
		if slices.Contains(s.Certificates, admitted.Caller.Name) {
			return admitted, s, nil
		}
	}
	err := &door.Error{
		Status:  http.StatusForbidden,
		Message: "this is not a gateway that is believed; list its address or its certificate in gateways[].peers of the server's configuration",
	}
	g.Asker.Refused(o, err)
	return o, nil, err
}
