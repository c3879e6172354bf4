// SPDX-License-Identifier: Apache-2.0

package config

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// Algorithms are those that a token may be signed with: asymmetric ones only, so
// that who can verify cannot sign.
func Algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

func defaultSessions(all []configv1alpha1.NamespaceSessions) {
	for i := range all {
		for j := range all[i].JWT {
			authenticator := &all[i].JWT[j]
			DefaultIssuer(&authenticator.Issuer)
			defaultMappings(&authenticator.ClaimMappings)
		}
		if in := all[i].Introspection; in != nil {
			fill(&in.Timeout, metav1.Duration{Duration: 2 * time.Second})
			fill(&in.MaxConcurrent, 64)
			defaultLeeway(&in.Leeway)
			defaultMappings(&in.ClaimMappings)
		}
	}
}

// DefaultIssuer fills in what an issuer leaves open.
func DefaultIssuer(i *configv1alpha1.Issuer) {
	if len(i.Algorithms) == 0 {
		i.Algorithms = Algorithms()
	}
	defaultLeeway(&i.Leeway)
	fill(&i.KeyRefreshInterval, metav1.Duration{Duration: 5 * time.Minute})
	fill(&i.MaxKeyAge, metav1.Duration{Duration: 24 * time.Hour})
}

func defaultLeeway(leeway **metav1.Duration) {
	if *leeway == nil {
		*leeway = &metav1.Duration{Duration: 10 * time.Second}
	}
}

func defaultMappings(m *configv1alpha1.ClaimMappings) {
	if (m.ID == configv1alpha1.PrefixedClaimOrExpression{}) {
		m.ID = configv1alpha1.PrefixedClaimOrExpression{Claim: "sub", Prefix: new("")}
	}
}
