// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// The bounds of what issuers and endpoints may be given.
const (
	maxLeeway        = 5 * time.Minute
	minKeyRefresh    = 10 * time.Second
	maxIntrospection = 10 * time.Second
)

// sessions finds what is wrong with the trusted issuers. Whether expressions
// compile is found out by who compiles them, also before anything is served.
func sessions(c *configv1alpha1.ServerConfiguration) field.ErrorList {
	var faults field.ErrorList
	seen := map[string]bool{}
	for i := range c.Sessions {
		s, path := &c.Sessions[i], field.NewPath("sessions").Index(i)
		faults = append(faults, served(path.Child("namespace"), s.Namespace, c.Namespaces)...)
		if seen[s.Namespace] {
			faults = append(faults, field.Duplicate(path.Child("namespace"), s.Namespace))
		}
		seen[s.Namespace] = true
		if len(s.JWT) == 0 && s.Introspection == nil {
			faults = append(faults, field.Required(path.Child("jwt"), "name an issuer here or an endpoint under introspection, or leave the namespace out"))
		}
		faults = append(faults, authenticators(path.Child("jwt"), s.JWT)...)
		if s.Introspection != nil {
			faults = append(faults, introspection(path.Child("introspection"), s.Introspection)...)
		}
	}
	return faults
}

// served refuses a namespace that is not one of those served, if they are named.
func served(path *field.Path, name string, names []string) field.ErrorList {
	if faults := namespace(path, name); len(faults) > 0 {
		return faults
	}
	if len(names) > 0 && !slices.Contains(names, name) {
		return field.ErrorList{field.Invalid(path, name, "is not one of namespaces; add it there")}
	}
	return nil
}

func authenticators(path *field.Path, all []configv1alpha1.JWTAuthenticator) field.ErrorList {
	var faults field.ErrorList
	seen := map[string]bool{}
	for i := range all {
		a, at := &all[i], path.Index(i)
		faults = append(faults, ValidateIssuer(at.Child("issuer"), &a.Issuer)...)
		if seen[a.Issuer.URL] {
			faults = append(faults, field.Duplicate(at.Child("issuer", "url"), a.Issuer.URL))
		}
		seen[a.Issuer.URL] = true
		faults = append(faults, subjectRules(at, &a.SubjectRules)...)
	}
	return faults
}

// ValidateIssuer returns every fault of an issuer whose defaults are filled in.
func ValidateIssuer(path *field.Path, i *configv1alpha1.Issuer) field.ErrorList {
	faults := slices.Concat(
		keySource(path, i),
		certificates(path.Child("certificateAuthority"), i.CertificateAuthority),
		algorithms(path.Child("algorithms"), i.Algorithms),
		texts(path.Child("types"), i.Types),
		leeway(path.Child("leeway"), i.Leeway),
	)
	if i.URL == "" {
		faults = append(faults, field.Required(path.Child("url"), "say the iss claim of the tokens"))
	}
	if len(i.Audiences) == 0 {
		faults = append(faults, field.Required(path.Child("audiences"),
			"say for whom the tokens must be; without it a token for any other application of the issuer would count"))
	}
	faults = append(faults, texts(path.Child("audiences"), i.Audiences)...)
	if i.KeyRefreshInterval.Duration < minKeyRefresh {
		faults = append(faults, field.Invalid(path.Child("keyRefreshInterval"), i.KeyRefreshInterval.Duration.String(),
			fmt.Sprintf("must be at least %s", minKeyRefresh)))
	}
	if i.MaxKeyAge.Duration <= i.KeyRefreshInterval.Duration {
		faults = append(faults, field.Invalid(path.Child("maxKeyAge"), i.MaxKeyAge.Duration.String(),
			fmt.Sprintf("must be longer than keyRefreshInterval (%s)", i.KeyRefreshInterval.Duration)))
	}
	return faults
}

// keySource finds out whether it is clear where the keys are.
func keySource(path *field.Path, i *configv1alpha1.Issuer) field.ErrorList {
	var faults field.ErrorList
	set := 0
	for _, source := range []struct{ name, value string }{
		{"discoveryURL", i.DiscoveryURL}, {"jwksURL", i.JWKSURL}, {"jwks", i.JWKS},
	} {
		if source.value == "" {
			continue
		}
		if set++; set > 1 {
			faults = append(faults, field.Forbidden(path.Child(source.name), "set one of discoveryURL, jwksURL and jwks, not two"))
		}
		if source.name != "jwks" {
			faults = append(faults, webAddress(path.Child(source.name), source.value, i.AllowPlainHTTP)...)
		}
	}
	if set == 0 && i.URL != "" && len(webAddress(path, i.URL, i.AllowPlainHTTP)) > 0 {
		faults = append(faults, field.Required(path.Child("jwksURL"),
			"url is no https URL below which keys could be discovered; say where they are by jwksURL, discoveryURL or jwks"))
	}
	return faults
}

// webAddress refuses what is no URL to fetch from.
func webAddress(path *field.Path, value string, plain bool) field.ErrorList {
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http"):
		return field.ErrorList{field.Invalid(path, value, "must be an https URL")}
	case u.User != nil:
		return field.ErrorList{field.Invalid(path, u.Redacted(), "must not hold a user or a password")}
	case u.Fragment != "":
		return field.ErrorList{field.Invalid(path, value, "must not have a fragment")}
	case u.Scheme == "http" && !plain:
		return field.ErrorList{field.Invalid(path, value, "must be an https URL; allowPlainHTTP permits http")}
	}
	return nil
}

func certificates(path *field.Path, pem string) field.ErrorList {
	if pem == "" || x509.NewCertPool().AppendCertsFromPEM([]byte(pem)) {
		return nil
	}
	return field.ErrorList{field.Invalid(path, "", "holds no certificate in PEM")}
}

func algorithms(path *field.Path, names []string) field.ErrorList {
	var faults field.ErrorList
	for i, name := range names {
		faults = append(faults, oneOf(path.Index(i), name, Algorithms()...)...)
	}
	return faults
}

// texts refuses empty elements of a list: marks of a template without a value.
func texts(path *field.Path, values []string) field.ErrorList {
	var faults field.ErrorList
	for i, value := range values {
		if value == "" {
			faults = append(faults, field.Required(path.Index(i), "must not be empty"))
		}
		if slices.Contains(values[:i], value) {
			faults = append(faults, field.Duplicate(path.Index(i), value))
		}
	}
	return faults
}

func leeway(path *field.Path, d *metav1.Duration) field.ErrorList {
	if d != nil && 0 <= d.Duration && d.Duration <= maxLeeway {
		return nil
	}
	return field.ErrorList{field.Invalid(path, d, fmt.Sprintf("must be from 0s to %s", maxLeeway))}
}

func introspection(path *field.Path, in *configv1alpha1.Introspection) field.ErrorList {
	faults := slices.Concat(
		certificates(path.Child("certificateAuthority"), in.CertificateAuthority),
		texts(path.Child("audiences"), in.Audiences),
		within(path.Child("maxConcurrent"), int64(in.MaxConcurrent), 1, 1000),
		leeway(path.Child("leeway"), in.Leeway),
		subjectRules(path, &in.SubjectRules),
	)
	if in.URL == "" {
		faults = append(faults, field.Required(path.Child("url"), "say where to ask about tokens"))
	} else {
		faults = append(faults, webAddress(path.Child("url"), in.URL, in.AllowPlainHTTP)...)
	}
	if in.ClientID == "" {
		faults = append(faults, field.Required(path.Child("clientID"), "say by which name to authenticate there"))
	}
	if in.ClientSecretFile == "" {
		faults = append(faults, field.Required(path.Child("clientSecretFile"), "name the file with the client's secret"))
	}
	if d := in.Timeout.Duration; d <= 0 || d > maxIntrospection {
		faults = append(faults, field.Invalid(path.Child("timeout"), d.String(), fmt.Sprintf("must be more than 0s, and at most %s", maxIntrospection)))
	}
	return faults
}
