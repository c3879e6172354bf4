// SPDX-License-Identifier: Apache-2.0

package config

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

func defaultAdmission(a *configv1alpha1.Admission) {
	if a == nil {
		return
	}
	fill(&a.BindAddress, "127.0.0.1:9443")
	fill(&a.WebhookConfigurationName, "rolecall")
	fill(&a.Refuse, configv1alpha1.RefuseInvalidObjects)
}

func admission(path *field.Path, c *configv1alpha1.ServerConfiguration, a *configv1alpha1.Admission) field.ErrorList {
	if a == nil {
		return nil
	}
	var faults field.ErrorList
	if a.TLS == nil {
		faults = append(faults, field.Required(path.Child("tls"), "API servers ask webhooks over TLS only; give it a certificate, or leave out admission"))
	}
	return slices.Concat(
		listener(path, c, &a.Listener),
		faults,
		named(path.Child("webhookConfigurationName"), a.WebhookConfigurationName, validation.IsDNS1123Subdomain(a.WebhookConfigurationName)),
		oneOf(path.Child("refuse"), a.Refuse, configv1alpha1.RefuseInvalidObjects, configv1alpha1.RefuseNothing),
	)
}
