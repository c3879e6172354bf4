// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/template"

	"github.com/rolecall/rolecall/internal/admission"
	"github.com/rolecall/rolecall/internal/authz"
)

// alert is a rule with what the chart says in text as a duration.
type alert struct {
	monitoringv1.Rule
	after time.Duration
}

// alerts returns those that the chart makes.
func alerts(t *testing.T) []alert {
	t.Helper()
	var rule monitoringv1.PrometheusRule
	decode(t, golden(t, "monitoring")["PrometheusRule rolecall"], &rule)
	var all []alert
	for _, r := range rule.Spec.Groups[0].Rules {
		after, err := model.ParseDuration(string(*r.For))
		if err != nil {
			t.Fatal(err)
		}
		if r.KeepFiringFor != nil {
			t.Fatalf("%s: this test does not know keep_firing_for", r.Alert)
		}
		all = append(all, alert{Rule: r, after: time.Duration(after)})
	}
	return all
}

// watcher evaluates alerts after every reading, as Prometheus does.
type watcher struct {
	*cluster
	alerts []alert
	onset  time.Time
	// since is when what an alert is about began, by the alert and its labels.
	since map[string]time.Time
	// sounded are the alerts that have sounded, with the time from the onset to that and
	// what they say.
	sounded []string
	told    map[string]bool
}

func (w *watcher) evaluate() {
	w.t.Helper()
	still := map[string]time.Time{}
	for _, a := range w.alerts {
		for _, sample := range w.series.query(w.t, a.Expr.String(), w.now) {
			w.consider(a, sample, still)
		}
	}
	w.since = still
}

// consider tells of an alert once what it is about has lasted for long enough.
func (w *watcher) consider(a alert, sample promql.Sample, still map[string]time.Time) {
	w.t.Helper()
	b := labels.NewBuilder(sample.Metric).Del(labels.MetricName)
	for name, v := range a.Labels {
		b.Set(name, v)
	}
	of := b.Labels()
	key := a.Alert + of.String()
	began, ok := w.since[key]
	if !ok {
		began = w.now
	}
	still[key] = began
	if w.now.Sub(began) < a.after || w.told[key] {
		return
	}
	w.told[key] = true
	// Whoever is on call is found by these.
	if of.Get("namespace") != "rolecall-system" || of.Get("severity") == "" || of.Get("team") != "platform" {
		w.t.Errorf("%s has the labels %s", a.Alert, of)
	}
	w.sounded = append(w.sounded, fmt.Sprintf("%s %s: %s", w.now.Sub(w.onset), a.Alert, w.expand(a, of, sample)))
}

// expand returns the description of an alert as Prometheus would send it.
func (w *watcher) expand(a alert, of labels.Labels, sample promql.Sample) string {
	w.t.Helper()
	text := "{{$labels := .Labels}}{{$value := .Value}}" + a.Annotations["description"]
	data := template.AlertTemplateData(of.Map(), nil, "", sample)
	expanded, err := template.NewTemplateExpander(w.t.Context(), text, a.Alert, data, model.TimeFromUnixNano(w.now.UnixNano()), nil, nil, nil).Expand()
	if err != nil {
		w.t.Errorf("%s: %v", a.Alert, err)
	}
	return expanded
}

// named returns the names of the metrics that alerts are about.
func named(t *testing.T, all []alert) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	for _, a := range all {
		expression, err := parser.NewParser(parser.Options{}).ParseExpr(a.Expr.String())
		if err != nil {
			t.Fatalf("%s: %v", a.Alert, err)
		}
		for _, selector := range parser.ExtractSelectors(expression) {
			for _, m := range selector {
				if m.Name == labels.MetricName {
					names[m.Value] = true
				}
			}
		}
	}
	return names
}

// scenario is a while in which all is well, and then what happens.
type scenario struct {
	happens func(*cluster)
	// sounds are the alerts that sound, all of them, and after how long.
	sounds []string
}

// also makes a replica do something else besides its work.
func also(r *replica, what func()) {
	lives := r.lives
	r.lives = func() { lives(); what() }
}

// TestAlerts: every alert sounds when what it is about happens, when it ought to, in
// words that are true; and none does at any other time.
func TestAlerts(t *testing.T) {
	all := alerts(t)
	heard := map[string]bool{}
	for name, s := range scenarios() {
		for _, sound := range s.sounds {
			alert, _, _ := strings.Cut(strings.SplitN(sound, " ", 2)[1], ":")
			heard[alert] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &watcher{cluster: newCluster(t), alerts: all, told: map[string]bool{}}
			w.watch, w.wanted = w.evaluate, named(t, all)
			w.run(11 * time.Minute)
			if len(w.sounded) > 0 {
				t.Fatalf("all is well, and these sound: %q", w.sounded)
			}
			w.onset = w.now
			s.happens(w.cluster)
			if diff := cmp.Diff(s.sounds, w.sounded); diff != "" {
				t.Errorf("what sounds (-want +got):\n%s", diff)
			}
		})
	}
	for _, a := range all {
		if !heard[a.Alert] {
			t.Errorf("there is no scenario in which %s sounds", a.Alert)
		}
	}
}

func scenarios() map[string]scenario {
	all := map[string]scenario{}
	for _, some := range []map[string]scenario{replicas(), policies(), checks(), identities(), theRest()} {
		maps.Copy(all, some)
	}
	return all
}

func replicas() map[string]scenario {
	return map[string]scenario{
		"all is well": {happens: func(c *cluster) { c.run(time.Hour) }},
		"one replica is left": {happens: func(c *cluster) {
			c.remove("b")
			c.run(12 * time.Minute)
		}},
		"pods are replaced": {happens: func(c *cluster) {
			for _, name := range []string{"a", "b"} {
				c.start("rolecall-system", "rolecall-metrics", name+"2")
				c.run(time.Minute)
				c.named(name+"2").hold("aaaaaaaaaaaaa", nil)
				c.remove(name)
			}
			c.run(12 * time.Minute)
		}},
		"no replica can be read": {
			happens: func(c *cluster) {
				c.named("a").unread, c.named("b").unread = true, true
				c.run(5 * time.Minute)
			},
			sounds: []string{"2m30s RolecallDown: Prometheus reads the metrics of no replica that has a policy; applications that ask probably get no answers."},
		},
		"no replica can be read for a moment": {happens: func(c *cluster) {
			c.named("a").unread, c.named("b").unread = true, true
			c.run(2 * time.Minute)
			c.named("a").unread, c.named("b").unread = false, false
			c.run(10 * time.Minute)
		}},
		"there is no pod": {
			happens: func(c *cluster) {
				c.remove("a")
				c.remove("b")
				c.run(12 * time.Minute)
			},
			sounds: []string{"2m30s RolecallDown: Prometheus reads the metrics of no replica that has a policy; applications that ask probably get no answers."},
		},
		"no replica becomes ready": {
			happens: func(c *cluster) {
				c.remove("a")
				c.remove("b")
				c.start("rolecall-system", "rolecall-metrics", "d")
				c.run(12 * time.Minute)
			},
			sounds: []string{
				"2m30s RolecallDown: Prometheus reads the metrics of no replica that has a policy; applications that ask probably get no answers.",
				"10m30s RolecallReplicaNotReady: d has read no policy for 10 minutes and answers nobody.",
			},
		},
		"one replica cannot be read": {
			happens: func(c *cluster) {
				c.named("b").unread = true
				c.run(12 * time.Minute)
			},
			sounds: []string{"10m30s RolecallReplicaDown: Prometheus has not read the metrics of b for 10 minutes."},
		},
		"one replica cannot be read for a while": {happens: func(c *cluster) {
			c.named("b").unread = true
			c.run(10 * time.Minute)
			c.named("b").unread = false
			c.run(12 * time.Minute)
		}},
		"one replica starts slowly": {happens: func(c *cluster) {
			d := c.start("rolecall-system", "rolecall-metrics", "d")
			c.run(10 * time.Minute)
			d.hold("aaaaaaaaaaaaa", nil)
			c.run(12 * time.Minute)
		}},
	}
}

func policies() map[string]scenario {
	const disagree = " RolecallReplicasDisagree: The same check may be allowed by one replica and denied by another."
	// change puts policies in force one after the other: on a at once and on b later.
	change := func(c *cluster, times int, every time.Duration, onB bool) {
		for i := range times {
			revision := fmt.Sprintf("%013x", i+1)
			c.named("a").hold(revision, nil)
			c.run(interval)
			if onB {
				c.named("b").hold(revision, nil)
			}
			c.run(every - interval)
		}
	}
	return map[string]scenario{
		"one replica is deaf": {
			happens: func(c *cluster) {
				c.named("b").deaf = true
				c.run(10 * time.Minute)
			},
			sounds: []string{"6m0s RolecallSnapshotStale: b has not heard from the API server for 6m 10s; what was revoked meanwhile is still granted."},
		},
		"both replicas are deaf for a while": {happens: func(c *cluster) {
			c.named("a").deaf, c.named("b").deaf = true, true
			c.run(4*time.Minute + 30*time.Second)
			c.named("a").deaf, c.named("b").deaf = false, false
			c.run(12 * time.Minute)
		}},
		"one replica misses a change": {
			happens: func(c *cluster) {
				change(c, 1, 20*time.Minute, false)
			},
			sounds: []string{"5m30s" + disagree},
		},
		"one replica misses all changes": {
			happens: func(c *cluster) { change(c, 20, time.Minute, false) },
			sounds:  []string{"5m30s" + disagree},
		},
		"one replica has an answer late": {happens: func(c *cluster) {
			c.named("a").hold("bbbbbbbbbbbbb", nil)
			c.run(5 * time.Minute)
			c.named("b").hold("bbbbbbbbbbbbb", nil)
			c.run(12 * time.Minute)
		}},
		"the policy changes all the time":      {happens: func(c *cluster) { change(c, 20, time.Minute, true) }},
		"the policy changes every six minutes": {happens: func(c *cluster) { change(c, 4, 6*time.Minute, true) }},
		"the policy changes every quarter":     {happens: func(c *cluster) { change(c, 2, 15*time.Minute, true) }},
		"replicas of two versions for long": {
			happens: func(c *cluster) {
				c.join("d").hold("bbbbbbbbbbbbb", nil)
				c.run(20 * time.Minute)
			},
			sounds: []string{"5m30s" + disagree},
		},
		"replicas of two versions while they are replaced": {happens: func(c *cluster) {
			c.join("d").hold("bbbbbbbbbbbbb", nil)
			c.run(2 * time.Minute)
			c.join("e").hold("bbbbbbbbbbbbb", nil)
			c.remove("a")
			c.run(2 * time.Minute)
			c.remove("b")
			c.run(12 * time.Minute)
		}},
		"one replica starts and has no policy while it changes": {happens: func(c *cluster) {
			c.start("rolecall-system", "rolecall-metrics", "d")
			change(c, 10, time.Minute, true)
			c.remove("d")
			c.run(time.Minute)
		}},
		"a deny matches nothing": {
			happens: func(c *cluster) {
				c.named("a").hold("bbbbbbbbbbbbb", map[string]int{"DenyMatchesNothing": 2})
				c.named("b").hold("bbbbbbbbbbbbb", map[string]int{"DenyMatchesNothing": 2})
				c.run(12 * time.Minute)
			},
			sounds: []string{"10m30s RolecallDenyWithoutEffect: 2 faults of objects have the reason DenyMatchesNothing."},
		},
		"a binding names no role": {
			happens: func(c *cluster) {
				c.named("a").hold("bbbbbbbbbbbbb", map[string]int{"RoleNotFound": 1})
				c.named("b").hold("bbbbbbbbbbbbb", map[string]int{"RoleNotFound": 1})
				c.run(31 * time.Minute)
			},
			sounds: []string{"30m30s RolecallCompileFaults: 1 faults of objects have the reason RoleNotFound."},
		},
		"a binding is there before its role": {happens: func(c *cluster) {
			c.named("a").hold("bbbbbbbbbbbbb", map[string]int{"RoleNotFound": 1, "InheritedRoleNotFound": 1})
			c.named("b").hold("bbbbbbbbbbbbb", map[string]int{"RoleNotFound": 1, "InheritedRoleNotFound": 1})
			c.run(10 * time.Minute)
			c.named("a").hold("aaaaaaaaaaaaa", map[string]int{})
			c.named("b").hold("aaaaaaaaaaaaa", map[string]int{})
			c.run(12 * time.Minute)
		}},
	}
}

func checks() map[string]scenario {
	// both has both replicas do something besides their work, for some time.
	both := func(d time.Duration, what func(*replica)) func(*cluster) {
		return func(c *cluster) {
			for _, name := range []string{"a", "b"} {
				r := c.named(name)
				also(r, func() { what(r) })
			}
			c.run(d)
		}
	}
	return map[string]scenario{
		"a few checks end with errors": {happens: both(15*time.Minute, func(r *replica) { r.refuse(1, http.StatusServiceUnavailable) })},
		"many checks end with errors": {
			happens: both(15*time.Minute, func(r *replica) {
				r.refuse(5, http.StatusServiceUnavailable)
				r.refuse(5, http.StatusInternalServerError)
			}),
			sounds: []string{"6m0s RolecallErrors: 4.9 % of the checks end with an error that is Rolecall's own."},
		},
		"many checks are wrong themselves": {happens: both(15*time.Minute, func(r *replica) {
			r.refuse(500, http.StatusBadRequest)
			r.refuse(500, http.StatusUnauthorized)
			r.refuse(500, http.StatusForbidden)
			r.refuse(500, http.StatusNotFound)
		})},
		"nobody asks": {happens: func(c *cluster) {
			c.named("a").lives, c.named("b").lives = func() {}, func() {}
			c.run(12 * time.Minute)
		}},
		"conditions fail": {
			happens: both(15*time.Minute, func(r *replica) { r.decide(3, authz.ReasonConditionError, time.Microsecond) }),
			sounds:  []string{"10m30s RolecallConditionErrors: Checks are denied with ConditionError, 0.20 a second."},
		},
		"a condition fails once": {happens: func(c *cluster) {
			c.named("a").decide(1, authz.ReasonConditionError, time.Microsecond)
			c.named("a").decide(1, authz.ReasonDenyError, time.Microsecond)
			c.run(12 * time.Minute)
		}},
		"decisions are slow": {
			happens: both(15*time.Minute, func(r *replica) { r.decide(4, authz.ReasonGranted, 6*time.Millisecond) }),
			sounds:  []string{"12m0s RolecallSlow: One decision in 100 takes more than 8.1 ms."},
		},
		"decisions are just not slow": {happens: both(15*time.Minute, func(r *replica) {
			r.decide(20, authz.ReasonGranted, 5*time.Millisecond)
			r.decide(1, authz.ReasonGranted, 400*time.Millisecond)
		})},
	}
}

func identities() map[string]scenario {
	return map[string]scenario{
		"one replica loses the keys of an issuer": {
			happens: func(c *cluster) {
				c.named("b").keys[0].Usable = 0
				c.run(12 * time.Minute)
			},
			sounds: []string{"5m30s RolecallIssuerKeysMissing: A replica has no key of https://issuer.example.com that may be used; checks with its tokens end with 503."},
		},
		"a replica that starts fetches keys": {happens: func(c *cluster) {
			d := c.join("d")
			d.keys[0].Usable, d.keys[0].Fetched = 0, false
			c.run(5 * time.Minute)
			d.keys[0].Usable, d.keys[0].Fetched = 1, true
			c.run(12 * time.Minute)
		}},
		"keys grow old": {
			happens: func(c *cluster) {
				b := c.named("b")
				also(b, func() { b.keys[0].Age += interval })
				c.run(63 * time.Minute)
			},
			sounds: []string{"1h1m30s RolecallIssuerKeysOld: Those of https://issuer.example.com were last fetched 1h 5m 30s ago."},
		},
		"keys of the configuration have no age": {happens: func(c *cluster) {
			for _, name := range []string{"a", "b"} {
				c.named(name).keys[0].Fetched, c.named(name).keys[0].Age = false, 100*time.Hour
			}
			c.run(12 * time.Minute)
		}},
		"callers cannot be reviewed": {
			happens: func(c *cluster) {
				a := c.named("a")
				also(a, func() { a.TokenReviewed(false, http.ErrHandlerTimeout) })
				c.run(12 * time.Minute)
			},
			sounds: []string{"5m30s RolecallCallerReviewsFail: Reviews by token fail, 0.03 a second; callers that are not known yet get 503."},
		},
		"a caller could not be reviewed once": {happens: func(c *cluster) {
			c.named("a").AccessReviewed(false, http.ErrHandlerTimeout)
			c.run(12 * time.Minute)
		}},
	}
}

func theRest() map[string]scenario {
	return map[string]scenario{
		"a certificate is not renewed": {
			happens: func(c *cluster) {
				c.named("a").ends["http"] = c.now.Add(14*24*time.Hour + 10*time.Minute)
				c.run(75 * time.Minute)
			},
			sounds: []string{"1h10m30s RolecallCertificateExpires: That of http ends in 13d 22h 59m 30s."},
		},
		"a certificate is renewed late": {happens: func(c *cluster) {
			c.named("a").ends["http"] = c.now.Add(14 * 24 * time.Hour)
			c.run(time.Hour)
			c.named("a").ends["http"] = c.now.Add(60 * 24 * time.Hour)
			c.run(10 * time.Minute)
		}},
		"decisions are missing in the log": {
			happens: func(c *cluster) {
				a := c.named("a")
				also(a, func() { a.dropped += 60 })
				c.run(12 * time.Minute)
			},
			sounds: []string{"5m30s RolecallDecisionLogDrops: 2.0 lines a second are dropped."},
		},
		"decisions were missing in the log once": {happens: func(c *cluster) {
			c.named("a").dropped += 1000
			c.run(12 * time.Minute)
		}},
		"reviews of objects fail": {
			happens: func(c *cluster) {
				b := c.named("b")
				also(b, func() { b.reviews.Reviewed(admission.Failed) })
				c.run(12 * time.Minute)
			},
			sounds: []string{"5m30s RolecallAdmissionReviewsFail: 0.03 reviews a second fail; authors are not told what is wrong with their objects."},
		},
		"a review of an object failed once": {happens: func(c *cluster) {
			c.named("b").reviews.Reviewed(admission.Failed)
			c.run(12 * time.Minute)
		}},
	}
}
