// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/store"
)

// NoDoor is the label of HTTP requests that no door answers.
const NoDoor = "none"

// Other is the label of what is not in a closed set. It stays at zero unless the
// set has been forgotten somewhere.
const Other = "other"

// Metrics counts what happens. It is safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	table    table
	doors    doors
	objects  map[store.Kind]prometheus.Gauge
	faults   map[string]prometheus.Gauge
}

// New returns the metrics of a server with these doors, registered with a
// registry of their own.
func New(names ...string) (*Metrics, error) {
	m := &Metrics{
		registry: prometheus.NewPedanticRegistry(),
		table:    newTable(),
		doors:    make(doors),
		objects:  make(map[store.Kind]prometheus.Gauge),
		faults:   make(map[string]prometheus.Gauge),
	}
	for _, name := range append(names, NoDoor) {
		m.doors[name] = newDoor(name)
	}
	for _, c := range append(m.table.collectors(), m.doors) {
		if err := m.registry.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	for _, kind := range store.Kinds() {
		m.objects[kind] = m.table.objects.WithLabelValues(string(kind))
	}
	for _, reason := range append(faultReasons(), Other) {
		m.faults[reason] = m.table.faults.WithLabelValues(reason)
	}
	m.table.startIdentity()
	return m, nil
}

// Register adds a collector, such as the Go runtime's.
func (m *Metrics) Register(c prometheus.Collector) error {
	if err := m.registry.Register(c); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	return nil
}

// SnapshotAge exposes how long ago a source was last in contact with what it
// watches. It is asked whenever the metrics are read.
func (m *Metrics) SnapshotAge(age func() time.Duration) error {
	return m.Register(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: "rolecall", Name: "snapshot_age_seconds",
		Help: "Time since the source of the objects was last heard of.",
	}, func() float64 { return age().Seconds() }))
}

// DecisionLog exposes how many lines of the decision log were written, dropped
// because the queue was full, and failed because the output refused them. The
// functions are asked whenever the metrics are read.
func (m *Metrics) DecisionLog(written, dropped, failed func() uint64) error {
	for result, count := range map[string]func() uint64{"written": written, "dropped": dropped, "failed": failed} {
		err := m.Register(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "rolecall", Name: "decision_log_lines_total",
			Help:        "Lines of the decision log by what became of them (written, dropped: the queue was full, failed: the output refused them).",
			ConstLabels: prometheus.Labels{"result": result},
		}, func() float64 { return float64(count()) }))
		if err != nil {
			return err
		}
	}
	return nil
}

// CertificatesNotAfter exposes when certificates end, by the listeners that show
// them, and the authority that signs the generated one, by `authority`. The function
// is asked whenever the metrics are read.
func (m *Metrics) CertificatesNotAfter(list func() map[string]time.Time) error {
	return m.Register(certificates(list))
}

// certificates are the ends of certificates, as Prometheus collects them.
type certificates func() map[string]time.Time

var certificateDesc = prometheus.NewDesc("rolecall_certificate_not_after_timestamp_seconds",
	"When a certificate ends, as a Unix time: that which a listener shows (http, grpc, metrics, admission), or the generated authority's.",
	[]string{"certificate"}, nil)

// Describe implements prometheus.Collector.
func (certificates) Describe(out chan<- *prometheus.Desc) { out <- certificateDesc }

// Collect implements prometheus.Collector.
func (list certificates) Collect(out chan<- prometheus.Metric) {
	for name, end := range list() {
		out <- prometheus.MustNewConstMetric(certificateDesc, prometheus.GaugeValue, float64(end.Unix()), name)
	}
}

// Handler serves the metrics in Prometheus' formats.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Published implements store.Observer.
func (m *Metrics) Published(info store.Info, eventToVisible time.Duration) {
	m.table.publications.Inc()
	m.table.revision.Set(number(info.Revision))
	m.table.eventToVisible.Observe(eventToVisible.Seconds())
	for kind, gauge := range m.objects {
		gauge.Set(float64(info.Objects[kind]))
	}
	other := 0
	for reason, n := range info.Faults {
		if m.faults[reason] == nil {
			other += n
		}
	}
	for reason, gauge := range m.faults {
		gauge.Set(float64(info.Faults[reason]))
	}
	m.faults[Other].Set(float64(other))
}

// FolderStale says whether the folder that is served differs from what is in
// force, because it cannot be loaded as it is now.
func (m *Metrics) FolderStale(stale bool) {
	value := 0.0
	if stale {
		value = 1
	}
	m.table.stale.Set(value)
}

// number is the first 52 bits of a revision in hexadecimal digits, which a
// float64 holds exactly; 0 if it is something else.
func number(revision string) float64 {
	const digits = 13
	if len(revision) < digits {
		return 0
	}
	n, err := strconv.ParseUint(revision[:digits], 16, 52)
	if err != nil {
		return 0
	}
	return float64(n)
}

// faultReasons are the reasons of faults that the compiler and the linker know.
func faultReasons() []string {
	return []string{
		v1alpha1.ReasonConflicted, v1alpha1.ReasonInvalidCondition, v1alpha1.ReasonInvalidSpec,
		v1alpha1.ReasonInvalidSchema, v1alpha1.ReasonInvalidInstance, v1alpha1.ReasonConditionMismatch,
		v1alpha1.ReasonRoleNotFound, v1alpha1.ReasonInheritedRoleNotFound, v1alpha1.ReasonInheritanceCycle, v1alpha1.ReasonMembershipCycle,
		v1alpha1.ReasonResourceNotFound, v1alpha1.ReasonActionNotFound,
		v1alpha1.ReasonPatternMatchesNothing, v1alpha1.ReasonDenyMatchesNothing, v1alpha1.ReasonRouteConflict,
		v1alpha1.WarningUndeclaredSubjectType, v1alpha1.WarningExpensiveCondition, v1alpha1.WarningUnguardedDeny,
	}
}
