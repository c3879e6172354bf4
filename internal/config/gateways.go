// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
)

func defaultGateways(all []configv1alpha1.Gateway) {
	for i := range all {
		g := &all[i]
		fill(&g.RequestHeaders, configv1alpha1.GatewayForwarded)
		if g.Subject.Token != nil {
			fill(&g.Subject.Token.Kind, configv1alpha1.GatewayJWT)
		}
		if g.Subject.Headers != nil {
			fill(&g.Subject.Headers.Type, "user")
		}
		fill(&g.DecisionHeaders.Subject, "X-Rolecall-Subject")
		fill(&g.DecisionHeaders.SubjectType, "X-Rolecall-Subject-Type")
		fill(&g.DecisionHeaders.Roles, "X-Rolecall-Roles")
		fill(&g.Denied.Status, http.StatusForbidden)
		fill(&g.Denied.Body, "access denied")
	}
}

func gateways(path *field.Path, c *configv1alpha1.ServerConfiguration) field.ErrorList {
	var faults field.ErrorList
	seen := map[string]bool{}
	for i := range c.Gateways {
		g, at := &c.Gateways[i], path.Index(i)
		faults = append(faults, served(at.Child("namespace"), g.Namespace, c.Namespaces)...)
		if seen[g.Namespace] {
			faults = append(faults, field.Duplicate(at.Child("namespace"), g.Namespace))
		}
		seen[g.Namespace] = true
		faults = append(faults, gatewayPeers(at.Child("peers"), g.Peers, certificateNames(c.Callers.ClientCertificates))...)
		faults = append(faults, oneOf(at.Child("requestHeaders"), g.RequestHeaders, configv1alpha1.GatewayForwarded, configv1alpha1.GatewayOriginal)...)
		faults = append(faults, gatewaySubject(at.Child("subject"), g, c.Sessions)...)
		faults = append(faults, gatewayHeaders(at, g)...)
		if s := g.Denied.Status; s < 400 || s > 499 || s == http.StatusUnauthorized {
			faults = append(faults, field.Invalid(at.Child("denied", "status"), s, "must be from 400 to 499 and not 401, which is for clients without a subject"))
		}
	}
	return faults
}

func gatewayPeers(path *field.Path, peers []configv1alpha1.GatewayPeer, named func(string) bool) field.ErrorList {
	if len(peers) == 0 {
		return field.ErrorList{field.Required(path, "say which gateways are believed, by cidr or by a name in their certificate")}
	}
	var faults field.ErrorList
	for i, p := range peers {
		at := path.Index(i)
		if (p.CIDR == "") == (p.Certificate == "") {
			faults = append(faults, field.Invalid(at, p.CIDR+p.Certificate, "must have one of cidr and certificate"))
			continue
		}
		if p.CIDR == "" {
			if !named(p.Certificate) {
				faults = append(faults, field.Invalid(at.Child("certificate"), p.Certificate,
					"is no name in callers.clientCertificates.allow; add it there, with the permission checks"))
			}
			continue
		}
		if prefix, err := netip.ParsePrefix(p.CIDR); err != nil || prefix.Masked() != prefix {
			faults = append(faults, field.Invalid(at.Child("cidr"), p.CIDR, "must be a range of addresses, such as 10.0.0.0/8, 192.0.2.7/32 or fd00::/8, without bits behind it"))
		}
	}
	return faults
}

// certificateNames reports whether a certificate of a name lets in.
func certificateNames(c *configv1alpha1.ClientCertificateCallers) func(string) bool {
	return func(name string) bool {
		return c != nil && slices.ContainsFunc(c.Allow, func(a configv1alpha1.CertificateCaller) bool {
			return a.CommonName == name || a.DNSName == name || a.URI == name
		})
	}
}

func gatewaySubject(path *field.Path, g *configv1alpha1.Gateway, sessions []configv1alpha1.NamespaceSessions) field.ErrorList {
	var faults field.ErrorList
	s := &g.Subject
	if t := s.Token; t != nil {
		at := path.Child("token")
		faults = append(faults, oneOf(at.Child("kind"), t.Kind, configv1alpha1.GatewayJWT, configv1alpha1.GatewayOpaque)...)
		if t.Cookie != "" && !httpToken.MatchString(t.Cookie) {
			faults = append(faults, field.Invalid(at.Child("cookie"), t.Cookie, "must be the name of a cookie"))
		}
		if !slices.ContainsFunc(sessions, func(n configv1alpha1.NamespaceSessions) bool { return n.Namespace == g.Namespace }) {
			faults = append(faults, field.Required(field.NewPath("sessions"), "has nothing of the namespace "+g.Namespace+", so no token could count; say whose tokens do"))
		}
	}
	if h := s.Headers; h != nil {
		if h.ID == "" {
			faults = append(faults, field.Required(path.Child("headers", "id"), "name the header with the subject's id"))
		}
		faults = append(faults, gatewaySubjectType(path.Child("headers", "type"), h.Type)...)
	}
	if s.CertificateType != "" {
		faults = append(faults, gatewaySubjectType(path.Child("certificateType"), s.CertificateType)...)
	}
	return faults
}

func gatewaySubjectType(path *field.Path, typ string) field.ErrorList {
	if authz.ReservedType(typ) || !subjectType.MatchString(typ) {
		return field.ErrorList{field.Invalid(path, typ, "must be the type of those who ask, such as user or service")}
	}
	return nil
}

// httpToken is what the names of headers and cookies are (RFC 9110, section 5.6.2).
var httpToken = regexp.MustCompile(`^[!#$%&'*+.^_|~0-9A-Za-z-]+$`)

// namedHeader is a field with the name of a header.
type namedHeader struct {
	path *field.Path
	name string
}

// gatewayHeaders checks names of headers. One that is believed, and one that is
// told, is for nothing else.
func gatewayHeaders(at *field.Path, g *configv1alpha1.Gateway) field.ErrorList {
	named := []namedHeader{
		{at.Child("decisionHeaders", "subject"), g.DecisionHeaders.Subject},
		{at.Child("decisionHeaders", "subjectType"), g.DecisionHeaders.SubjectType},
		{at.Child("decisionHeaders", "roles"), g.DecisionHeaders.Roles},
	}
	if h := g.Subject.Headers; h != nil {
		path := at.Child("subject", "headers")
		for _, n := range []namedHeader{
			{path.Child("id"), h.ID},
			{path.Child("roles"), h.Roles},
			{path.Child("groups"), h.Groups},
			{path.Child("email"), h.Email},
			{path.Child("scope"), h.Scope},
		} {
			if n.name != "" {
				named = append(named, n)
			}
		}
	}
	var faults field.ErrorList
	seen := map[string]bool{}
	for _, n := range named {
		if seen[strings.ToLower(n.name)] {
			faults = append(faults, field.Duplicate(n.path, n.name))
		}
		seen[strings.ToLower(n.name)] = true
		faults = append(faults, headerName(n.path, n.name)...)
	}
	for i, name := range g.ContextHeaders {
		faults = append(faults, headerName(at.Child("contextHeaders").Index(i), name)...)
	}
	return faults
}

// headerName refuses what is no name, or what conditions and applications have no
// business with.
func headerName(path *field.Path, name string) field.ErrorList {
	switch {
	case !httpToken.MatchString(name):
		return field.ErrorList{field.Invalid(path, name, "must be the name of a header")}
	case strings.EqualFold(name, "Authorization") || strings.EqualFold(name, "Cookie") || strings.EqualFold(name, "Host"):
		return field.ErrorList{field.Forbidden(path, name+" has a meaning of its own; take another header")}
	}
	return nil
}
