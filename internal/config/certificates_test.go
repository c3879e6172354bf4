// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
)

func TestCertificates(t *testing.T) {
	hours := func(n int) metav1.Duration { return metav1.Duration{Duration: time.Duration(n) * time.Hour} }
	for name, tt := range map[string]struct {
		text string
		want *configv1alpha1.Certificates
	}{
		"none": {"http: {tls: {certFile: a, keyFile: b}}", nil},
		"defaults": {"certificates: {dnsNames: [rolecall.rolecall-system.svc]}", &configv1alpha1.Certificates{
			SecretName: "rolecall-tls", ConfigMapName: "rolecall-ca", DNSNames: []string{"rolecall.rolecall-system.svc"},
			Validity: hours(90 * 24), AuthorityValidity: hours(5 * 365 * 24), AuthorityOverlap: hours(7 * 24),
		}},
		"all": {`
certificates: {secretName: a, configMapName: b, dnsNames: [a.example, "*.b.example"], validity: 1h, authorityValidity: 9h, authorityOverlap: 2h}
http: {tls: {generated: true}}
grpc: {tls: {generated: true}}
metrics: {tls: {generated: true}, anonymous: Deny}
`, &configv1alpha1.Certificates{
			SecretName: "a", ConfigMapName: "b", DNSNames: []string{"a.example", "*.b.example"},
			Validity: hours(1), AuthorityValidity: hours(9), AuthorityOverlap: hours(2),
		}},
	} {
		c, err := config.Decode([]byte(head + tt.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, c.Certificates); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if faults := config.CheckSource(c, true); len(faults) > 0 {
			t.Errorf("%s, with an API server: %v", name, faults)
		}
	}
}

func TestCertificateFaults(t *testing.T) {
	for text, want := range map[string]string{
		"http: {tls: {generated: true}}":                                             "certificates: Required value: http.tls.generated needs it",
		"metrics: {tls: {generated: true}}":                                          "certificates: Required value: metrics.tls.generated needs it",
		"certificates: {dnsNames: [a]}\nhttp: {tls: {generated: true, certFile: a}}": "http.tls.generated: Forbidden",
		"certificates: {dnsNames: [a]}\nhttp: {tls: {generated: true, keyFile: a}}":  "http.tls.generated: Forbidden",
		"http: {tls: {}}":                                                                            "http.tls.certFile: Required",
		"certificates: {}":                                                                           "certificates.dnsNames: Required",
		"certificates: {dnsNames: [a, A]}":                                                           `certificates.dnsNames[1]: Invalid value: "A"`,
		"certificates: {dnsNames: ['a.*']}":                                                          `certificates.dnsNames[0]: Invalid value: "a.*"`,
		"certificates: {dnsNames: ['*']}":                                                            `certificates.dnsNames[0]: Invalid value: "*"`,
		"certificates: {dnsNames: [a, b, a]}":                                                        "certificates.dnsNames[2]: Duplicate",
		"certificates: {dnsNames: [a" + strings.Repeat(", a", 100) + "]}":                            "certificates.dnsNames: Too many",
		"certificates: {dnsNames: [a], secretName: 'a/b'}":                                           "certificates.secretName: Invalid",
		"certificates: {dnsNames: [a], configMapName: 'a b'}":                                        "certificates.configMapName: Invalid",
		"certificates: {dnsNames: [a], validity: 59s}":                                               "certificates.validity: Invalid value: \"59s\": must be from 1m0s to 8760h0m0s",
		"certificates: {dnsNames: [a], validity: 8761h}":                                             "certificates.validity: Invalid",
		"certificates: {dnsNames: [a], authorityOverlap: 1ms}":                                       "certificates.authorityOverlap: Invalid",
		"certificates: {dnsNames: [a], authorityValidity: 87601h}":                                   "certificates.authorityValidity: Invalid",
		"certificates: {dnsNames: [a], validity: 1h, authorityOverlap: 1h, authorityValidity: 359m}": "certificates.authorityValidity: Invalid value: \"5h59m0s\": must be three times validity and authorityOverlap together, at least: 6h0m0s",
		"metrics: {anonymous: Maybe}":                                                                `metrics.anonymous: Unsupported value: "Maybe"`,
	} {
		if _, err := config.Decode([]byte(head + text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that says %s", text, err, want)
		}
	}
}

// TestWithoutAnAPIServer: what only an API server gives is refused beside a folder,
// and does not just stay away.
func TestWithoutAnAPIServer(t *testing.T) {
	for text, want := range map[string]string{
		"certificates: {dnsNames: [a]}": "certificates: Forbidden",
		"metrics: {anonymous: Deny}":    "metrics.anonymous: Forbidden",
		"metrics: {anonymous: Allow}":   "",
	} {
		c, err := config.Decode([]byte(head + text))
		if err != nil {
			t.Fatal(err)
		}
		faults := config.CheckSource(c, false)
		if got := faults.ToAggregate(); (got == nil) != (want == "") || got != nil && !strings.Contains(got.Error(), want) {
			t.Errorf("%s: %v, want %q", text, got, want)
		}
	}
}
