// SPDX-License-Identifier: Apache-2.0

package config

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
)

// MaxRequestBytes is the longest body that a server may be configured to take:
// the cost limits of conditions reckon with no longer one.
const MaxRequestBytes = 1 << 20

// Default fills in what c leaves open. It changes nothing that is set, and twice
// is as good as once.
func Default(c *configv1alpha1.ServerConfiguration) {
	fill(&c.APIVersion, configv1alpha1.GroupVersion.String())
	fill(&c.Kind, configv1alpha1.Kind)
	fill(&c.HTTP.BindAddress, "127.0.0.1:8080")
	fill(&c.GRPC.BindAddress, "127.0.0.1:9090")
	fill(&c.Health.BindAddress, "127.0.0.1:8081")
	fill(&c.Metrics.BindAddress, "127.0.0.1:8443")
	fill(&c.Metrics.Anonymous, configv1alpha1.AnonymousAllow)
	defaultCertificates(c.Certificates)
	fill(&c.Limits.RequestBytes, MaxRequestBytes)
	fill(&c.Limits.HeaderBytes, 64<<10)
	fill(&c.Limits.Evaluations, 100)
	fill(&c.Limits.ConcurrentStreams, 1000)
	defaultAdmission(c.Admission)
	defaultTimeouts(&c.Timeouts)
	defaultSearch(&c.AuthZEN.Search)
	defaultCerbos(&c.Cerbos)
	defaultSessions(c.Sessions)
	defaultCallers(&c.Callers)
	if c.LeaderElection.Enabled == nil {
		c.LeaderElection.Enabled = new(true)
	}
	defaultStytch(&c.Stytch)
	defaultGateways(c.Gateways)
	defaultKubernetesWebhook(&c.KubernetesWebhook)
	fill(&c.LeaderElection.Name, "rolecall.rolecall.dev")
	fill(&c.Log.Level, configv1alpha1.LogInfo)
	fill(&c.Log.Format, configv1alpha1.LogText)
	defaultDecisionLog(c.DecisionLog)
}

func defaultTimeouts(t *configv1alpha1.Timeouts) {
	fill(&t.ReadHeader, metav1.Duration{Duration: 5 * time.Second})
	fill(&t.Read, metav1.Duration{Duration: 10 * time.Second})
	fill(&t.Write, metav1.Duration{Duration: 20 * time.Second})
	fill(&t.Idle, metav1.Duration{Duration: 2 * time.Minute})
	fill(&t.ConnectionAge, metav1.Duration{Duration: 10 * time.Minute})
	fill(&t.Drain, metav1.Duration{Duration: 15 * time.Second})
}

func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
