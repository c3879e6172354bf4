// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// table is every metric but those of the doors, as Prometheus sees it.
type table struct {
	publications   prometheus.Counter
	revision       prometheus.Gauge
	objects        *prometheus.GaugeVec
	eventToVisible prometheus.Histogram
	faults         *prometheus.GaugeVec
	stale          prometheus.Gauge
	callerReviews  *prometheus.CounterVec
	sessions       *prometheus.CounterVec
}

func newTable() table {
	return table{
		publications: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "rolecall", Name: "snapshot_publications_total",
			Help: "Snapshots of the policy that were published.",
		}),
		revision: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "rolecall", Name: "snapshot_revision",
			Help: "First 52 bits of the revision in force: equal on replicas that decide by the same objects. 0 before the first.",
		}),
		objects: gauges("snapshot_objects",
			"Objects in the snapshot in force, by kind.", "kind"),
		eventToVisible: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "rolecall", Name: "event_to_visible_seconds",
			Help:    "Time from the arrival of a change to the publication of the snapshot that has it.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2.5, 14),
		}),
		faults: gauges("compile_faults",
			"Faults of the objects in the snapshot in force, by reason.", "reason"),
		stale: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: "rolecall", Name: "folder_stale",
			Help: "1 while the folder that is served cannot be loaded as it is now, so that what was good before is in force.",
		}),
		callerReviews: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "rolecall", Name: "caller_reviews_total",
			Help: "Reviews of callers that the API server was asked for, by kind (token, access) and outcome (granted, refused, failed).",
		}, []string{"review", "outcome"}),
		sessions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "rolecall", Name: "session_tokens_total",
			Help: "Session tokens that came with requests, by kind (jwt, opaque) and outcome (granted: it proves a session, refused: it does not, failed: nobody knows).",
		}, []string{"kind", "outcome"}),
	}
}

func gauges(name, help string, label string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "rolecall", Name: name, Help: help}, []string{label})
}

func (t *table) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		t.publications, t.revision, t.objects, t.eventToVisible, t.faults, t.stale, t.callerReviews, t.sessions,
	}
}
