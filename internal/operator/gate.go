// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"crypto/x509"
	"net/http"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/identity/caller"
	"github.com/rolecall/rolecall/internal/identity/jwt"
	"github.com/rolecall/rolecall/internal/metrics"
)

// openGate decides how callers are authenticated, and says so.
func (r *rooms) openGate() error {
	if faults := config.DecideCallers(r.Config, r.Kube != nil); len(faults) > 0 {
		return faults.ToAggregate()
	}
	log := r.Logger.WithName("callers")
	callers := &r.Config.Callers
	gate, err := caller.New(caller.Options{Config: callers, Kube: r.Kube, Now: r.Now, Meter: r.metrics, Logger: log})
	if err != nil {
		return err
	}
	r.gate = gate
	if callers.Anonymous == configv1alpha1.AnonymousAllow {
		log.Info("everyone who reaches the doors may ask: callers are not authenticated", "address", r.Config.HTTP.BindAddress)
		return nil
	}
	log.Info("callers are authenticated", "methods", gate.Methods())
	return nil
}

// metricsGate returns what lets in who may read the metrics; nil is everyone.
func (r *rooms) metricsGate() (func(*http.Request) error, error) {
	if r.Config.Metrics.Anonymous != configv1alpha1.AnonymousDeny {
		return nil, nil //nolint:nilnil // no gate is an open one
	}
	gate, err := caller.NewPathGate(caller.Options{
		Kube: r.Kube, Now: r.Now, Meter: r.metrics, Logger: r.Logger.WithName("metrics"),
	})
	if err != nil {
		return nil, err
	}
	return gate.Admit, nil
}

// clientCAs is the way to the authorities of clients' certificates, if there are
// any.
func (r *rooms) clientCAs() func() *x509.CertPool {
	if r.Config.Callers.ClientCertificates == nil {
		return nil
	}
	return r.gate.ClientCAs
}

// issuerKeys are the keys that tokens are verified with, those of sessions and
// those of callers.
func (r *rooms) issuerKeys() []metrics.IssuerKeys {
	var all []metrics.IssuerKeys
	add := func(namespace string, states []jwt.KeyState) {
		for _, s := range states {
			all = append(all, metrics.IssuerKeys{
				Namespace: namespace, Issuer: s.Issuer, Usable: s.Usable,
				Age: r.Now().Sub(s.FetchedAt), Fetched: !s.FetchedAt.IsZero(),
			})
		}
	}
	for namespace, states := range r.sessions.KeyStates() {
		add(namespace, states)
	}
	add("", r.gate.KeyStates())
	return all
}
