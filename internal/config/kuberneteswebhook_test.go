// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
)

func TestKubernetesWebhook(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want configv1alpha1.KubernetesWebhook
	}{
		"defaults": {"", configv1alpha1.KubernetesWebhook{
			NamespaceScopePrefix: new("namespace:"), ServiceAccountType: "service_account",
		}},
		"all": {"{clusterScope: 'cluster:prod/zone:a', namespaceScopePrefix: 'ns/', serviceAccountType: user}", configv1alpha1.KubernetesWebhook{
			ClusterScope: "cluster:prod/zone:a", NamespaceScopePrefix: new("ns/"), ServiceAccountType: "user",
		}},
		"no prefix": {"{namespaceScopePrefix: ''}", configv1alpha1.KubernetesWebhook{
			NamespaceScopePrefix: new(""), ServiceAccountType: "service_account",
		}},
	} {
		text := head
		if tt.text != "" {
			text += "kubernetesWebhook: " + tt.text
		}
		c, err := config.Decode([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, c.KubernetesWebhook); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestKubernetesWebhookFaults: what no RoleBinding can name would grant nothing,
// and nobody would know why.
func TestKubernetesWebhookFaults(t *testing.T) {
	for text, want := range map[string]string{
		"{clusterScope: '*'}":                     "kubernetesWebhook.clusterScope",
		"{clusterScope: 'a b'}":                   "kubernetesWebhook.clusterScope",
		"{clusterScope: 'cluster:*'}":             "kubernetesWebhook.clusterScope",
		"{clusterScope: '/a'}":                    "kubernetesWebhook.clusterScope",
		"{clusterScope: 'a/'}":                    "kubernetesWebhook.clusterScope",
		"{namespaceScopePrefix: '/'}":             "kubernetesWebhook.namespaceScopePrefix",
		"{namespaceScopePrefix: 'namespace: '}":   "kubernetesWebhook.namespaceScopePrefix",
		"{namespaceScopePrefix: '*'}":             "kubernetesWebhook.namespaceScopePrefix",
		"{serviceAccountType: group}":             "kubernetesWebhook.serviceAccountType",
		"{serviceAccountType: 'service account'}": "kubernetesWebhook.serviceAccountType",
		"{serviceAccountType: '*'}":               "kubernetesWebhook.serviceAccountType",
	} {
		if _, err := config.Decode([]byte(head + "kubernetesWebhook: " + text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one that names %s", text, err, want)
		}
	}
}
