// SPDX-License-Identifier: Apache-2.0

package metrics

import "github.com/prometheus/client_golang/prometheus"

// table is every metric, as Prometheus sees it.
type table struct {
	decisions     *prometheus.CounterVec
	checkDuration *prometheus.HistogramVec
	httpRequests  *prometheus.CounterVec

	publications   prometheus.Counter
	revision       prometheus.Gauge
	objects        *prometheus.GaugeVec
	eventToVisible prometheus.Histogram
	faults         *prometheus.GaugeVec
	stale          prometheus.Gauge
}

func newTable() table {
	return table{
		decisions: counters("decisions_total",
			"Checks by door, decision (allow, deny, error) and reason.",
			"door", "decision", "reason"),
		checkDuration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "rolecall", Name: "check_duration_seconds",
			Help:    "Time that deciding one check took, without decoding and encoding, by door.",
			Buckets: checkBuckets(),
		}, []string{"door"}),
		httpRequests: counters("http_requests_total",
			"HTTP requests answered, by door (none: no such endpoint) and status code.",
			"door", "code"),
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
	}
}

// checkBuckets go from where an unconditional check ends to where the budget of
// conditions does.
func checkBuckets() []float64 {
	return []float64{
		1e-6, 2.5e-6, 5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6,
		1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 100e-3, 500e-3,
	}
}

func counters(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "rolecall", Name: name, Help: help}, labels)
}

func gauges(name, help string, label string) *prometheus.GaugeVec {
	return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "rolecall", Name: name, Help: help}, []string{label})
}

func (t *table) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		t.decisions, t.checkDuration, t.httpRequests,
		t.publications, t.revision, t.objects, t.eventToVisible, t.faults, t.stale,
	}
}
