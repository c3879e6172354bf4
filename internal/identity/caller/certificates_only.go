// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"context"

	"github.com/rolecall/rolecall/internal/door"
)

// CertificatesOnly returns a gate that lets in whom g lets in by a client
// certificate, and nobody else; if g lets everyone in, so does it.
//
// It is for a door that the API server itself asks. By any other method g might
// have to ask the API server who it is that asks, which would wait for the answer
// to its own question.
func (g *Gate) CertificatesOnly() door.Gate {
	return certificatesOnly{g}
}

type certificatesOnly struct{ gate *Gate }

// Admit implements door.Gate. Credentials of another kind are refused even beside a
// good certificate: whoever sends them expects them to count.
func (o certificatesOnly) Admit(_ context.Context, c door.Credentials, namespace string, p door.Permission) (door.Caller, error) {
	g := o.gate
	switch {
	case g.anyone:
		return door.Caller{}, nil
	case g.certificates == nil:
		return door.Caller{}, errNoCertificates
	case c.Authorization != "" || c.APIKey != "":
		return door.Caller{}, errOtherCredentials
	case c.TLS == nil || len(c.TLS.VerifiedChains) == 0:
		return door.Caller{}, errNoCertificate
	}
	return g.certificates.admit(c.TLS, namespace, p)
}

const byCertificate = "callers are known here by their client certificate alone; "

var (
	errNoCertificates = unauthenticated(challenge, byCertificate+
		"this server takes none: set callers.clientCertificates in its configuration")
	errOtherCredentials = unauthenticated(challenge, byCertificate+
		"send neither Authorization nor X-API-Key")
	errNoCertificate = unauthenticated(challenge, byCertificate+
		"connect with one")
)
