// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// day is what the validity of certificates is counted in.
const day = 24 * time.Hour

// maxDNSNames is how many names a certificate may have: it is sent with every
// handshake.
const maxDNSNames = 100

func defaultCertificates(c *configv1alpha1.Certificates) {
	if c == nil {
		return
	}
	fill(&c.SecretName, "rolecall-tls")
	fill(&c.ConfigMapName, "rolecall-ca")
	fill(&c.Validity, metav1.Duration{Duration: 90 * day})
	fill(&c.AuthorityValidity, metav1.Duration{Duration: 5 * 365 * day})
	fill(&c.AuthorityOverlap, metav1.Duration{Duration: 7 * day})
}

// listener finds the faults of a listener and of its certificate.
func listener(path *field.Path, c *configv1alpha1.ServerConfiguration, l *configv1alpha1.Listener) field.ErrorList {
	faults := address(path.Child("bindAddress"), l.BindAddress)
	if l.TLS == nil {
		return faults
	}
	path = path.Child("tls")
	if l.TLS.Generated {
		return append(faults, generated(path, c, l.TLS)...)
	}
	if l.TLS.CertFile == "" {
		faults = append(faults, field.Required(path.Child("certFile"), "name the certificate's file, set generated, or leave out tls"))
	}
	if l.TLS.KeyFile == "" {
		faults = append(faults, field.Required(path.Child("keyFile"), "name the private key's file, set generated, or leave out tls"))
	}
	return faults
}

func generated(path *field.Path, c *configv1alpha1.ServerConfiguration, t *configv1alpha1.TLS) field.ErrorList {
	var faults field.ErrorList
	if t.CertFile != "" || t.KeyFile != "" {
		faults = append(faults, field.Forbidden(path.Child("generated"), "goes with neither certFile nor keyFile; remove it or them"))
	}
	if c.Certificates == nil {
		faults = append(faults, field.Required(field.NewPath("certificates"), path.Child("generated").String()+
			" needs it: say there by which names clients reach the server (certificates.dnsNames)"))
	}
	return faults
}

func generatedCertificates(path *field.Path, c *configv1alpha1.Certificates) field.ErrorList {
	if c == nil {
		return nil
	}
	return slices.Concat(
		named(path.Child("secretName"), c.SecretName, validation.IsDNS1123Subdomain(c.SecretName)),
		named(path.Child("configMapName"), c.ConfigMapName, validation.IsDNS1123Subdomain(c.ConfigMapName)),
		dnsNames(path.Child("dnsNames"), c.DNSNames),
		validity(path, c),
	)
}

func dnsNames(path *field.Path, names []string) field.ErrorList {
	if len(names) == 0 {
		return field.ErrorList{field.Required(path, "name what clients call the server, such as rolecall.rolecall-system.svc")}
	}
	if len(names) > maxDNSNames {
		return field.ErrorList{field.TooMany(path, len(names), maxDNSNames)}
	}
	var faults field.ErrorList
	for i, name := range names {
		problems := validation.IsDNS1123Subdomain(name)
		if strings.HasPrefix(name, "*.") {
			problems = validation.IsWildcardDNS1123Subdomain(name)
		}
		faults = append(faults, named(path.Index(i), name, problems)...)
		if slices.Contains(names[:i], name) {
			faults = append(faults, field.Duplicate(path.Index(i), name))
		}
	}
	return faults
}

// validity holds the three times to each other. An authority of whose life a third
// is left gets a successor, which is published for the overlap; what the old one
// signs until then must not end with it.
func validity(path *field.Path, c *configv1alpha1.Certificates) field.ErrorList {
	faults := slices.Concat(
		between(path.Child("validity"), c.Validity, time.Minute, 365*day),
		between(path.Child("authorityOverlap"), c.AuthorityOverlap, time.Second, 365*day),
		between(path.Child("authorityValidity"), c.AuthorityValidity, time.Minute, 10*365*day),
	)
	if len(faults) > 0 {
		return faults
	}
	if least := 3 * (c.Validity.Duration + c.AuthorityOverlap.Duration); c.AuthorityValidity.Duration < least {
		return field.ErrorList{field.Invalid(path.Child("authorityValidity"), c.AuthorityValidity.Duration.String(),
			fmt.Sprintf("must be three times validity and authorityOverlap together, at least: %s", least))}
	}
	return nil
}

func between(path *field.Path, d metav1.Duration, least, most time.Duration) field.ErrorList {
	if least <= d.Duration && d.Duration <= most {
		return nil
	}
	return field.ErrorList{field.Invalid(path, d.Duration.String(), fmt.Sprintf("must be from %s to %s", least, most))}
}

// CheckSource finds what a configuration asks for that only an API server can give,
// if the objects come from a folder.
func CheckSource(c *configv1alpha1.ServerConfiguration, apiServer bool) field.ErrorList {
	if apiServer {
		return nil
	}
	var faults field.ErrorList
	if c.Certificates != nil {
		faults = append(faults, field.Forbidden(field.NewPath("certificates"),
			"needs an API server to keep the certificate in, and the objects come from a folder; name files in tls.certFile and tls.keyFile"))
	}
	if c.Metrics.Anonymous == configv1alpha1.AnonymousDeny {
		faults = append(faults, field.Forbidden(field.NewPath("metrics", "anonymous"),
			"Deny needs an API server to ask who reads the metrics, and the objects come from a folder; listen on 127.0.0.1"))
	}
	return faults
}
