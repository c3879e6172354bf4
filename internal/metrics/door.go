// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/internal/authz"
)

// Door counts for one door. It implements door.Meter. Its methods take no lock
// and allocate nothing, and cores that count at once write to memory of their
// own: one counter for all would go from core to core with every check.
type Door struct {
	name    string
	decides bool
	stripes []stripe
	// own hands each core the stripe that it had before, as a rule.
	own sync.Pool
}

// stripe is a share of a door's counts.
type stripe struct {
	decided [reasons]atomic.Uint64
	refused [6]atomic.Uint64         // as in refusals
	codes   [11]atomic.Uint64        // as in httpCodes; the last one is every other
	called  [grpcCodes]atomic.Uint64 // by the code
	// took counts by the bucket, the last one being above all bounds; nanoseconds
	// is the sum.
	took        [17]atomic.Uint64
	nanoseconds atomic.Uint64

	_ [2 * cacheLine]byte // keeps the next stripe off this one's lines
}

const (
	reasons   = int(authz.ReasonNoRole) + 1
	cacheLine = 64
	// grpcCodes is how many codes gRPC has, from OK on.
	grpcCodes = int(codes.Unauthenticated) + 1
)

// refusal is why a check ends without a decision, by the status that the client
// is told.
type refusal struct {
	status int
	reason string
}

// refusals are those that there are; every other status is the last one.
func refusals() [6]refusal {
	return [...]refusal{
		{http.StatusBadRequest, "InvalidRequest"},
		{http.StatusUnauthorized, "Unauthenticated"},
		{http.StatusForbidden, "Forbidden"},
		{http.StatusNotFound, "UnknownNamespace"},
		{http.StatusServiceUnavailable, "NotReady"},
		{http.StatusInternalServerError, "InternalError"},
	}
}

// httpCodes are the statuses of answers that have a series of their own; the others
// share the last one, "other".
func httpCodes() [11]int {
	return [...]int{
		http.StatusOK, http.StatusCreated, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusRequestEntityTooLarge,
		http.StatusInternalServerError, http.StatusServiceUnavailable, 0,
	}
}

// Door returns the counters of a door that New was told of, and those of NoDoor
// for any other.
func (m *Metrics) Door(name string) *Door {
	if d := m.doors[name]; d != nil {
		return d
	}
	return m.doors[NoDoor]
}

func newDoor(name string) *Door {
	d := &Door{name: name, decides: name != NoDoor, stripes: make([]stripe, runtime.GOMAXPROCS(0))}
	var given atomic.Uint32
	d.own.New = func() any { return &d.stripes[int(given.Add(1))%len(d.stripes)] }
	return d
}

// Decided counts a decision and the time that it took.
func (d *Door) Decided(decision *authz.Decision, took time.Duration) {
	if !d.decides {
		return
	}
	s, _ := d.own.Get().(*stripe)
	if r := decision.Reason; r != authz.ReasonNone && int(r) < reasons {
		s.decided[r].Add(1)
	}
	s.took[bucketOf(took)].Add(1)
	s.nanoseconds.Add(uint64(max(took, 0)))
	d.own.Put(s)
}

// bucketOf returns the number of the first bucket whose bound is not below a
// duration.
func bucketOf(took time.Duration) int {
	for i, bound := range checkBounds {
		if took <= bound {
			return i
		}
	}
	return len(checkBounds)
}

// checkBounds go from where an unconditional check ends to where the budget of
// conditions does.
var checkBounds = [...]time.Duration{
	time.Microsecond, 2500 * time.Nanosecond, 5 * time.Microsecond,
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 100 * time.Millisecond, 500 * time.Millisecond,
}

// Refused counts a check that ended without a decision, by the status that the
// client is told.
func (d *Door) Refused(status int) {
	if !d.decides {
		return
	}
	all := refusals()
	i := 0
	for i < len(all)-1 && all[i].status != status {
		i++
	}
	s, _ := d.own.Get().(*stripe)
	s.refused[i].Add(1)
	d.own.Put(s)
}

// Answered counts an HTTP request by the status of its answer.
func (d *Door) Answered(status int) {
	all := httpCodes()
	i := 0
	for i < len(all)-1 && all[i] != status {
		i++
	}
	s, _ := d.own.Get().(*stripe)
	s.codes[i].Add(1)
	d.own.Put(s)
}

// Called counts a gRPC call by the code of its end. One that gRPC does not have
// is Unknown.
func (d *Door) Called(code codes.Code) {
	if int(code) >= grpcCodes {
		code = codes.Unknown
	}
	s, _ := d.own.Get().(*stripe)
	s.called[code].Add(1)
	d.own.Put(s)
}

// sum adds up one count of every stripe.
func (d *Door) sum(of func(*stripe) *atomic.Uint64) uint64 {
	var n uint64
	for i := range d.stripes {
		n += of(&d.stripes[i]).Load()
	}
	return n
}

// doors are the counts of all doors, as Prometheus collects them.
type doors map[string]*Door

var (
	decisionsDesc = prometheus.NewDesc("rolecall_decisions_total",
		"Checks by door, decision (allow, deny, error) and reason.", []string{"door", "decision", "reason"}, nil)
	checkDurationDesc = prometheus.NewDesc("rolecall_check_duration_seconds",
		"Time that deciding one check took, without decoding and encoding, by door.", []string{"door"}, nil)
	httpRequestsDesc = prometheus.NewDesc("rolecall_http_requests_total",
		"HTTP requests answered, by door (none: no such endpoint) and status code.", []string{"door", "code"}, nil)
	grpcCallsDesc = prometheus.NewDesc("rolecall_grpc_calls_total",
		"gRPC calls ended, by door (none: no such service) and code.", []string{"door", "code"}, nil)
)

// Describe implements prometheus.Collector.
func (doors) Describe(out chan<- *prometheus.Desc) {
	out <- decisionsDesc
	out <- checkDurationDesc
	out <- httpRequestsDesc
	out <- grpcCallsDesc
}

// Collect implements prometheus.Collector.
func (ds doors) Collect(out chan<- prometheus.Metric) {
	for _, d := range ds {
		d.collectRequests(out)
		d.collectCalls(out)
		if d.decides {
			d.collectDecisions(out)
			d.collectDuration(out)
		}
	}
}

func (d *Door) collectRequests(out chan<- prometheus.Metric) {
	for i, code := range httpCodes() {
		label := Other
		if code != 0 {
			label = strconv.Itoa(code)
		}
		n := d.sum(func(s *stripe) *atomic.Uint64 { return &s.codes[i] })
		out <- prometheus.MustNewConstMetric(httpRequestsDesc, prometheus.CounterValue, float64(n), d.name, label)
	}
}

func (d *Door) collectCalls(out chan<- prometheus.Metric) {
	for code := codes.OK; int(code) < grpcCodes; code++ {
		n := d.sum(func(s *stripe) *atomic.Uint64 { return &s.called[code] })
		out <- prometheus.MustNewConstMetric(grpcCallsDesc, prometheus.CounterValue, float64(n), d.name, code.String())
	}
}

func (d *Door) collectDecisions(out chan<- prometheus.Metric) {
	for _, r := range authz.Reasons() {
		n := d.sum(func(s *stripe) *atomic.Uint64 { return &s.decided[r] })
		out <- prometheus.MustNewConstMetric(decisionsDesc, prometheus.CounterValue, float64(n), d.name, outcome(r), r.String())
	}
	for i, r := range refusals() {
		n := d.sum(func(s *stripe) *atomic.Uint64 { return &s.refused[i] })
		out <- prometheus.MustNewConstMetric(decisionsDesc, prometheus.CounterValue, float64(n), d.name, "error", r.reason)
	}
}

func (d *Door) collectDuration(out chan<- prometheus.Metric) {
	buckets := make(map[float64]uint64, len(checkBounds))
	var count uint64
	for i, bound := range checkBounds {
		count += d.sum(func(s *stripe) *atomic.Uint64 { return &s.took[i] })
		buckets[bound.Seconds()] = count
	}
	count += d.sum(func(s *stripe) *atomic.Uint64 { return &s.took[len(checkBounds)] })
	total := time.Duration(d.sum(func(s *stripe) *atomic.Uint64 { return &s.nanoseconds }))
	out <- prometheus.MustNewConstHistogram(checkDurationDesc, count, total.Seconds(), buckets, d.name)
}

// outcome is the decision that a reason stands for: one of them is an allow.
func outcome(r authz.Reason) string {
	if r == authz.ReasonGranted {
		return "allow"
	}
	return "deny"
}
