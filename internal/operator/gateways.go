// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"net/netip"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/extauthz"
	"github.com/rolecall/rolecall/internal/wire/forwardauth"
	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// gateways returns the doors for gateways, over HTTP and over gRPC, if there are any.
func (r *rooms) gateways() ([]door.Route, []door.Service) {
	if len(r.Config.Gateways) == 0 {
		return nil, nil
	}
	settings, original := make(map[string]*gateway.Settings), make(map[string]bool)
	for i := range r.Config.Gateways {
		g := &r.Config.Gateways[i]
		settings[g.Namespace] = gatewaySettings(g)
		original[g.Namespace] = g.RequestHeaders == configv1alpha1.GatewayOriginal
	}
	namespaces := door.Namespaces{Default: r.namespace()}
	judge := func(name string) gateway.Gateways {
		asker := r.asker(name)
		// Other headers than a certificate are the client's.
		asker.Gate = r.gate.CertificatesOnly()
		return gateway.Gateways{Asker: asker, Sessions: r.sessions, Settings: settings}
	}
	return forwardauth.Routes(forwardauth.Options{Gateways: judge(forwardauth.Name), Original: original, Namespaces: namespaces}),
		extauthz.Services(extauthz.Options{Gateways: judge(extauthz.Name), Namespaces: namespaces})
}

func gatewaySettings(g *configv1alpha1.Gateway) *gateway.Settings {
	s := &gateway.Settings{
		CertificateType: g.Subject.CertificateType, ContextHeaders: g.ContextHeaders,
		Subject: g.DecisionHeaders.Subject, SubjectType: g.DecisionHeaders.SubjectType, Roles: g.DecisionHeaders.Roles,
		DeniedStatus: g.Denied.Status, DeniedBody: g.Denied.Body,
	}
	for _, p := range g.Peers {
		if prefix, err := netip.ParsePrefix(p.CIDR); err == nil {
			s.Addresses = append(s.Addresses, prefix)
		} else {
			s.Certificates = append(s.Certificates, p.Certificate)
		}
	}
	if t := g.Subject.Token; t != nil {
		s.Token = &gateway.Token{Opaque: t.Kind == configv1alpha1.GatewayOpaque, Cookie: t.Cookie}
	}
	if h := g.Subject.Headers; h != nil {
		s.Identity = &gateway.Identity{ID: h.ID, Type: h.Type, Roles: h.Roles, Groups: h.Groups, Email: h.Email, Scope: h.Scope}
	}
	return s
}
