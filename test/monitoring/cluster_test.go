// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/rolecall/rolecall/internal/admission"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/store"
)

// interval is how often metrics are read, as the chart says, and alerts evaluated.
const interval = 30 * time.Second

// cluster is a Prometheus with the replicas that it reads. Time in it goes on by run.
type cluster struct {
	t        *testing.T
	now      time.Time
	replicas []*replica
	series   series
	// wanted are the names of the metrics that are kept; nil: all.
	wanted map[string]bool
	// watch is called after every reading; nil if nobody looks.
	watch func()
}

// replica is a server, as far as Prometheus knows it: its metrics are the program's own.
type replica struct {
	*metrics.Metrics
	door    *metrics.Door
	reviews *metrics.Reviews
	target  map[string]string
	// heard is when it last heard of the API server; deaf, that it does not any more.
	heard time.Time
	deaf  bool
	// unread says that Prometheus cannot read it.
	unread bool
	keys   []metrics.IssuerKeys
	ends   map[string]time.Time
	// written are the lines of the decision log, dropped those that are missing in it.
	written, dropped uint64
	// lives is what happens to it between two readings; age is how often it has, where
	// that matters.
	lives func()
	age   int
}

// newCluster returns one with two replicas, a and b, that are well and busy. Beside
// them are another release in the same namespace and one of the same name in another
// namespace, where all that can be wrong is.
func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, now: time.Date(2026, 1, 2, 3, 0, 0, 0, time.UTC), series: series{}}
	for _, other := range [][3]string{{"rolecall-system", "canary-metrics", "canary"}, {"staging", "rolecall-metrics", "staging"}} {
		r := c.start(other[0], other[1], other[2])
		r.deaf, r.keys[0].Usable, r.keys[0].Age = true, 0, 10*time.Hour
		r.ends["http"] = c.now
		r.lives = r.suffers
		c.start(other[0], other[1], other[2]+"2").unread = true
	}
	for _, name := range []string{"a", "b"} {
		c.join(name)
	}
	return c
}

// start starts a server that has no policy yet.
func (c *cluster) start(namespace, job, name string) *replica {
	c.t.Helper()
	m, err := metrics.New("authzen")
	c.must(err)
	r := &replica{
		Metrics: m, door: m.Door("authzen"), heard: c.now, lives: func() {},
		target: map[string]string{
			"namespace": namespace, "job": job, "service": job, "pod": name, "instance": namespace + "/" + name,
			"endpoint": "metrics", "container": "rolecall",
		},
		keys: []metrics.IssuerKeys{{Namespace: "shop", Issuer: "https://issuer.example.com", Usable: 2, Age: 4 * time.Minute, Fetched: true}},
		ends: map[string]time.Time{"http": c.now.Add(60 * 24 * time.Hour), "authority": c.now.Add(365 * 24 * time.Hour)},
	}
	r.reviews, err = m.Admission(admission.Outcomes())
	c.must(err)
	c.must(m.SnapshotAge(func() time.Duration { return c.now.Sub(r.heard) }))
	c.must(m.IssuerKeys(func() []metrics.IssuerKeys { return r.keys }))
	c.must(m.CertificatesNotAfter(func() map[string]time.Time { return r.ends }))
	none := func() uint64 { return 0 }
	c.must(m.DecisionLog(func() uint64 { return r.written }, func() uint64 { return r.dropped }, none))
	c.replicas = append(c.replicas, r)
	return r
}

// join starts a replica of the release that the alerts are about, with the policy that
// the others have, and lets it work.
func (c *cluster) join(name string) *replica {
	c.t.Helper()
	r := c.start("rolecall-system", "rolecall-metrics", name)
	r.hold("aaaaaaaaaaaaa", nil)
	r.lives = r.works
	return r
}

func (c *cluster) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// named returns a replica.
func (c *cluster) named(name string) *replica {
	c.t.Helper()
	for _, r := range c.replicas {
		if r.target["pod"] == name {
			return r
		}
	}
	c.t.Fatalf("there is no replica %s", name)
	return nil
}

// remove takes a replica away, as the end of a pod does.
func (c *cluster) remove(name string) {
	gone := c.named(name)
	var rest []*replica
	for _, r := range c.replicas {
		if r != gone {
			rest = append(rest, r)
		}
	}
	c.replicas = rest
	c.series.end(gone.target, c.now.Add(interval))
}

// run lets time go by, in which replicas live and are read.
func (c *cluster) run(d time.Duration) {
	c.t.Helper()
	for end := c.now.Add(d); c.now.Before(end); {
		c.now = c.now.Add(interval)
		for _, r := range c.replicas {
			r.lives()
			if !r.deaf {
				r.heard = c.now.Add(-10 * time.Second)
			}
			c.read(r)
		}
		if c.watch != nil {
			c.watch()
		}
	}
}

// read reads the metrics of a replica, as Prometheus does.
func (c *cluster) read(r *replica) {
	c.t.Helper()
	up := 0.0
	if !r.unread {
		up = 1
		for _, sample := range c.scrape(r) {
			if c.wanted != nil && !c.wanted[string(sample.Metric[model.MetricNameLabel])] {
				continue
			}
			c.series.add(onTarget(sample.Metric, r.target), c.now, float64(sample.Value))
		}
	}
	c.series.add(onTarget(model.Metric{model.MetricNameLabel: "up"}, r.target), c.now, up)
	c.series.end(r.target, c.now)
}

func (c *cluster) scrape(r *replica) model.Vector {
	c.t.Helper()
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, httptest.NewRequestWithContext(c.t.Context(), http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	c.must(err)
	var all model.Vector
	for _, family := range families {
		samples, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{}, family)
		c.must(err)
		all = append(all, samples...)
	}
	return all
}

// hold puts a policy in force.
func (r *replica) hold(revision string, faults map[string]int) {
	r.Published(store.Info{
		Ready: true, Revision: revision, Faults: faults, Objects: map[store.Kind]int{store.Kinds()[0]: 3},
	}, 20*time.Millisecond)
}

// decide decides checks that take so long.
func (r *replica) decide(checks int, reason authz.Reason, took time.Duration) {
	for range checks {
		r.door.Decided(&authz.Decision{Reason: reason}, took)
	}
}

// refuse ends checks without a decision.
func (r *replica) refuse(checks, status int) {
	for range checks {
		r.door.Refused(status)
	}
}

// works is what a replica does that is well: applications ask, often wrongly too.
func (r *replica) works() {
	r.decide(90, authz.ReasonGranted, 20*time.Microsecond)
	r.decide(60, authz.ReasonNoRole, 8*time.Microsecond)
	r.refuse(30, http.StatusBadRequest)
	r.refuse(15, http.StatusUnauthorized)
	r.TokenReviewed(true, nil)
	r.AccessReviewed(false, nil)
	r.JWTVerified(nil)
	r.reviews.Reviewed(admission.Passed)
	r.reviews.Reviewed(admission.Refused)
	r.reviews.Reviewed(admission.Skipped)
}

// suffers is what a replica does where all is wrong. Its policy changes now and then.
func (r *replica) suffers() {
	if r.age%24 == 0 {
		r.hold(fmt.Sprintf("ccccccccccc%02x", r.age), map[string]int{"RoleNotFound": 1, "DenyMatchesNothing": 1})
	}
	r.age++
	r.decide(10, authz.ReasonGranted, 90*time.Millisecond)
	r.decide(10, authz.ReasonConditionError, 90*time.Millisecond)
	r.decide(10, authz.ReasonDenyError, 90*time.Millisecond)
	r.refuse(10, http.StatusServiceUnavailable)
	r.TokenReviewed(false, http.ErrHandlerTimeout)
	r.AccessReviewed(false, http.ErrHandlerTimeout)
	r.reviews.Reviewed(admission.Failed)
	r.dropped += 10
}
