// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// Reviews counts what became of the reviews of the admission webhook. It is safe for
// concurrent use.
type Reviews struct{ outcomes map[string]prometheus.Counter }

// Admission exposes the reviews of the admission webhook, by all the outcomes that
// there can be.
func (m *Metrics) Admission(outcomes []string) (*Reviews, error) {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "rolecall", Name: "admission_reviews_total",
		Help: "Objects that the API server asked about, by outcome (passed, warned, refused, skipped: not judged against the others, failed).",
	}, []string{"outcome"})
	r := &Reviews{outcomes: make(map[string]prometheus.Counter)}
	for _, outcome := range append(outcomes, Other) {
		r.outcomes[outcome] = vec.WithLabelValues(outcome)
	}
	return r, m.Register(vec)
}

// Reviewed counts a review.
func (r *Reviews) Reviewed(outcome string) {
	c := r.outcomes[outcome]
	if c == nil {
		c = r.outcomes[Other]
	}
	c.Inc()
}
