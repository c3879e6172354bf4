// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rolecall/rolecall/internal/door"
)

// The values of the labels of what proves who somebody is.
const (
	reviewToken  = "token"
	reviewAccess = "access"

	kindJWT    = "jwt"
	kindOpaque = "opaque"

	outcomeGranted = "granted"
	outcomeRefused = "refused"
	outcomeFailed  = "failed"
)

// startIdentity makes the series that there can be, so that they are there before
// anybody has asked.
func (t *table) startIdentity() {
	for vec, kinds := range map[*prometheus.CounterVec][]string{
		t.callerReviews: {reviewToken, reviewAccess},
		t.sessions:      {kindJWT, kindOpaque},
	} {
		for _, kind := range kinds {
			for _, outcome := range []string{outcomeGranted, outcomeRefused, outcomeFailed} {
				vec.WithLabelValues(kind, outcome)
			}
		}
	}
}

// TokenReviewed implements caller.Meter.
func (m *Metrics) TokenReviewed(granted bool, err error) { m.reviewed(reviewToken, granted, err) }

// AccessReviewed implements caller.Meter.
func (m *Metrics) AccessReviewed(granted bool, err error) { m.reviewed(reviewAccess, granted, err) }

func (m *Metrics) reviewed(kind string, granted bool, err error) {
	outcome := outcomeRefused
	switch {
	case err != nil:
		outcome = outcomeFailed
	case granted:
		outcome = outcomeGranted
	}
	m.table.callerReviews.WithLabelValues(kind, outcome).Inc()
}

// JWTVerified implements session.Meter.
func (m *Metrics) JWTVerified(err error) { m.verified(kindJWT, err) }

// TokenIntrospected implements session.Meter.
func (m *Metrics) TokenIntrospected(err error) { m.verified(kindOpaque, err) }

func (m *Metrics) verified(kind string, err error) {
	outcome := outcomeGranted
	if err != nil {
		outcome = outcomeFailed
		if status, _ := door.Answer(err); status == http.StatusUnauthorized {
			outcome = outcomeRefused
		}
	}
	m.table.sessions.WithLabelValues(kind, outcome).Inc()
}

// IssuerKeys are the keys of an issuer of tokens.
type IssuerKeys struct {
	// Namespace is the one whose sessions they verify, empty for those of callers.
	Namespace string
	Issuer    string
	// Usable is how many there are to verify with.
	Usable int
	// Age is how long ago they were fetched, and Fetched whether they ever were:
	// those in the configuration are not.
	Age     time.Duration
	Fetched bool
}

// IssuerKeys exposes the keys of issuers. The function is asked whenever the
// metrics are read; namespaces and issuers are those of the configuration, so the
// series are a closed set.
func (m *Metrics) IssuerKeys(list func() []IssuerKeys) error {
	return m.Register(issuerKeys(list))
}

// issuerKeys are the keys of issuers, as Prometheus collects them.
type issuerKeys func() []IssuerKeys

var (
	issuerKeysDesc = prometheus.NewDesc("rolecall_issuer_keys",
		"Keys of an issuer of tokens that can be verified with; 0: none, or they are too old. The namespace is empty for issuers of callers' tokens.",
		[]string{"namespace", "issuer"}, nil)
	issuerKeyAgeDesc = prometheus.NewDesc("rolecall_issuer_key_age_seconds",
		"Time since the keys of an issuer were fetched, if they ever were.", []string{"namespace", "issuer"}, nil)
)

// Describe implements prometheus.Collector.
func (issuerKeys) Describe(out chan<- *prometheus.Desc) {
	out <- issuerKeysDesc
	out <- issuerKeyAgeDesc
}

// Collect implements prometheus.Collector.
func (list issuerKeys) Collect(out chan<- prometheus.Metric) {
	for _, k := range list() {
		out <- prometheus.MustNewConstMetric(issuerKeysDesc, prometheus.GaugeValue, float64(k.Usable), k.Namespace, k.Issuer)
		if k.Fetched {
			out <- prometheus.MustNewConstMetric(issuerKeyAgeDesc, prometheus.GaugeValue, k.Age.Seconds(), k.Namespace, k.Issuer)
		}
	}
}
