// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// DecideCallers fills in how callers are authenticated where the configuration
// does not say: it depends on where the server listens, and on whether there is an
// API server to ask. Its faults are those of a server that would be open to
// others without anybody having said so, or that cannot do what it is told.
//
// Default has been called before, and is good for what this adds.
func DecideCallers(c *configv1alpha1.ServerConfiguration, apiServer bool) field.ErrorList {
	path, callers := field.NewPath("callers"), &c.Callers
	if callers.ServiceAccounts != nil && !apiServer {
		return field.ErrorList{field.Forbidden(path.Child("serviceAccounts"),
			"needs an API server to ask, and the objects come from a folder; take another method")}
	}
	if callers.Anonymous != "" {
		return nil
	}
	exposed := exposedDoor(c)
	switch {
	case hasMethod(callers):
		callers.Anonymous = configv1alpha1.AnonymousDeny
	case exposed == "":
		callers.Anonymous = configv1alpha1.AnonymousAllow
	case apiServer:
		callers.Anonymous = configv1alpha1.AnonymousDeny
		callers.ServiceAccounts = &configv1alpha1.ServiceAccountCallers{}
		defaultCallers(callers)
	default:
		return field.ErrorList{field.Required(path, exposed+
			" can be reached by others: say who may ask (callers.jwt, callers.apiKeys or callers.clientCertificates), "+
			"listen on 127.0.0.1, or let everyone in with callers.anonymous: Allow")}
	}
	return nil
}

func hasMethod(c *configv1alpha1.Callers) bool {
	return c.ServiceAccounts != nil || len(c.JWT) > 0 || c.ClientCertificates != nil || len(c.APIKeys) > 0
}

// exposedDoor returns the field and the address of a listener of doors that others
// can reach; empty if there is none.
func exposedDoor(c *configv1alpha1.ServerConfiguration) string {
	for _, l := range []struct{ name, address string }{{"http", c.HTTP.BindAddress}, {"grpc", c.GRPC.BindAddress}} {
		if !loopback(l.address) {
			return l.name + ".bindAddress " + l.address
		}
	}
	return ""
}

// loopback reports whether only programs on this machine can reach an address.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || (err == nil && ip.IsLoopback())
}

func defaultCallers(c *configv1alpha1.Callers) {
	if s := c.ServiceAccounts; s != nil {
		fill(&s.Audience, "rolecall.dev")
		fill(&s.ReviewTTL, metav1.Duration{Duration: 10 * time.Second})
		fill(&s.RefusalTTL, metav1.Duration{Duration: 2 * time.Second})
		fill(&s.OutageTTL, metav1.Duration{Duration: 15 * time.Minute})
	}
	for i := range c.JWT {
		DefaultIssuer(&c.JWT[i].Issuer)
		fill(&c.JWT[i].NameClaim, "sub")
		fill(&c.JWT[i].ScopesClaim, "scope")
	}
}

func callers(path *field.Path, c *configv1alpha1.ServerConfiguration) field.ErrorList {
	all := &c.Callers
	var faults field.ErrorList
	if all.Anonymous != "" {
		faults = oneOf(path.Child("anonymous"), all.Anonymous, configv1alpha1.AnonymousAllow, configv1alpha1.AnonymousDeny)
	}
	if hasMethod(all) && all.Anonymous == configv1alpha1.AnonymousAllow {
		faults = append(faults, field.Forbidden(path.Child("anonymous"),
			"Allow lets everyone in, so that no method would mean anything; remove it or the methods"))
	}
	if !hasMethod(all) && all.Anonymous == configv1alpha1.AnonymousDeny {
		faults = append(faults, field.Required(path,
			"anonymous: Deny needs a method by which callers are let in, such as serviceAccounts: {}"))
	}
	if s := all.ServiceAccounts; s != nil {
		faults = append(faults, serviceAccounts(path.Child("serviceAccounts"), s)...)
	}
	faults = append(faults, jwtCallers(path.Child("jwt"), all.JWT)...)
	if s := all.ClientCertificates; s != nil {
		faults = append(faults, clientCertificates(path.Child("clientCertificates"), s, c.HTTP.TLS != nil || c.GRPC.TLS != nil)...)
	}
	return append(faults, apiKeys(path.Child("apiKeys"), all.APIKeys)...)
}

func serviceAccounts(path *field.Path, s *configv1alpha1.ServiceAccountCallers) field.ErrorList {
	return slices.Concat(
		between(path.Child("reviewTTL"), s.ReviewTTL, time.Second, 10*time.Minute),
		between(path.Child("refusalTTL"), s.RefusalTTL, time.Second, 10*time.Minute),
		between(path.Child("outageTTL"), s.OutageTTL, time.Second, 24*time.Hour),
	)
}

func jwtCallers(path *field.Path, all []configv1alpha1.JWTCallers) field.ErrorList {
	var faults field.ErrorList
	for i := range all {
		c, at := &all[i], path.Index(i)
		faults = append(faults, ValidateIssuer(at.Child("issuer"), &c.Issuer)...)
		if slices.ContainsFunc(all[:i], func(o configv1alpha1.JWTCallers) bool { return o.Issuer.URL == c.Issuer.URL }) {
			faults = append(faults, field.Duplicate(at.Child("issuer", "url"), c.Issuer.URL))
		}
		switch {
		case len(c.Namespaces) > 0 && c.NamespacesClaim != "":
			faults = append(faults, field.Forbidden(at.Child("namespacesClaim"), "set it or namespaces, not both"))
		case c.NamespacesClaim == "":
			faults = append(faults, callerNamespaces(at.Child("namespaces"), c.Namespaces)...)
		}
	}
	return faults
}

func clientCertificates(path *field.Path, s *configv1alpha1.ClientCertificateCallers, overTLS bool) field.ErrorList {
	var faults field.ErrorList
	if !overTLS {
		faults = append(faults, field.Required(field.NewPath("http", "tls"), "clients show certificates over TLS only; name the server's own here or under grpc"))
	}
	if s.CAFile == "" {
		faults = append(faults, field.Required(path.Child("caFile"), "name the file of the authorities whose certificates count"))
	}
	if len(s.Allow) == 0 {
		faults = append(faults, field.Required(path.Child("allow"), "without names no certificate lets anybody in"))
	}
	for i := range s.Allow {
		rule, at := &s.Allow[i], path.Child("allow").Index(i)
		names := slices.DeleteFunc([]string{rule.CommonName, rule.DNSName, rule.URI}, func(name string) bool { return name == "" })
		if len(names) != 1 {
			faults = append(faults, field.Invalid(at, strings.Join(names, ", "), "set exactly one of commonName, dnsName and uri"))
		}
		faults = append(faults, grant(at, &rule.CallerGrant)...)
	}
	return faults
}

// callerID has no colon, which would end the user of HTTP's Basic scheme.
var callerID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$`)

func apiKeys(path *field.Path, keys []configv1alpha1.APIKeyCaller) field.ErrorList {
	var faults field.ErrorList
	for i := range keys {
		key, at := &keys[i], path.Index(i)
		if !callerID.MatchString(key.ID) {
			faults = append(faults, field.Invalid(at.Child("id"), key.ID,
				"must be letters, digits, '-', '_' and '.', begin with a letter or digit, and be at most 253 long"))
		}
		if slices.ContainsFunc(keys[:i], func(k configv1alpha1.APIKeyCaller) bool { return k.ID == key.ID }) {
			faults = append(faults, field.Duplicate(at.Child("id"), key.ID))
		}
		if key.KeyFile == "" {
			faults = append(faults, field.Required(at.Child("keyFile"), "name the file of the caller's keys"))
		}
		faults = append(faults, grant(at, &key.CallerGrant)...)
	}
	return faults
}

// everyNamespace is the list of namespaces that means all of them.
const everyNamespace = "*"

func grant(path *field.Path, g *configv1alpha1.CallerGrant) field.ErrorList {
	faults := callerNamespaces(path.Child("namespaces"), g.Namespaces)
	if len(g.Permissions) == 0 {
		faults = append(faults, field.Required(path.Child("permissions"), "name what it may ask, such as checks"))
	}
	for i, p := range g.Permissions {
		at := path.Child("permissions").Index(i)
		faults = append(faults, oneOf(at, p, configv1alpha1.CallerPermissions()...)...)
		if slices.Contains(g.Permissions[:i], p) {
			faults = append(faults, field.Duplicate(at, p))
		}
	}
	return faults
}

func callerNamespaces(path *field.Path, names []string) field.ErrorList {
	if len(names) == 0 {
		return field.ErrorList{field.Required(path, `name those that may be asked about, or "*"`)}
	}
	var faults field.ErrorList
	for i, name := range names {
		switch {
		case name != everyNamespace:
			faults = append(faults, namespace(path.Index(i), name)...)
		case len(names) > 1:
			faults = append(faults, field.Invalid(path.Index(i), name, "is all namespaces and stands alone; remove it or the others"))
		}
		if slices.Contains(names[:i], name) {
			faults = append(faults, field.Duplicate(path.Index(i), name))
		}
	}
	return faults
}
