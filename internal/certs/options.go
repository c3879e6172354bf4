// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// Options are what it takes to keep a certificate, or to read it. All fields are
// required but WebhookConfiguration.
type Options struct {
	// Config is valid, with its defaults filled in.
	Config *configv1alpha1.Certificates
	// Namespace is that of the Secret and of the ConfigMap.
	Namespace string
	// WebhookConfiguration is the name of the ValidatingWebhookConfiguration whose
	// caBundle is kept; empty if there is none.
	WebhookConfiguration string
	// Kube is the API server.
	Kube *rest.Config
	// Now is the clock.
	Now func() time.Time
	// Logger hears what was made and what is wrong, and nothing of a private key.
	Logger logr.Logger
}

func (o *Options) rules() rules {
	return rules{
		names: o.Config.DNSNames, validity: o.Config.Validity.Duration,
		authorityValidity: o.Config.AuthorityValidity.Duration, overlap: o.Config.AuthorityOverlap.Duration,
	}
}

// secret names the Secret, for messages.
func (o *Options) secret() string { return o.Namespace + "/" + o.Config.SecretName }
