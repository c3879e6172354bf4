// SPDX-License-Identifier: Apache-2.0

package monitoring

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/prometheus/model/labels"
	"google.golang.org/grpc/codes"
	corev1 "k8s.io/api/core/v1"

	"github.com/rolecall/rolecall/internal/authz"
)

// dashboard is what matters of Grafana's model here.
type dashboard struct {
	Templating struct {
		List []struct {
			Name       string `json:"name"`
			Definition string `json:"definition"`
		} `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type panel struct {
	ID      int    `json:"id"`
	Title   string `json:"title"`
	Targets []struct {
		Expr         string `json:"expr"`
		LegendFormat string `json:"legendFormat"`
	} `json:"targets"`
	GridPos struct{ X, Y, W, H int } `json:"gridPos"`
}

func readDashboard(t *testing.T) dashboard {
	t.Helper()
	var held corev1.ConfigMap
	decode(t, golden(t, "monitoring")["ConfigMap rolecall-dashboard"], &held)
	var d dashboard
	if err := json.Unmarshal([]byte(held.Data["rolecall.json"]), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// variables are what Grafana replaces, as it would with this dashboard's release chosen
// and metrics read every half minute.
var variables = strings.NewReplacer("$namespace", "rolecall-system", "$job", "rolecall-metrics", "$__rate_interval", "2m")

var placeholder = regexp.MustCompile(`{{\s*(\w+)\s*}}`)

// TestDashboard: every query of the dashboard shows what there is, under legends that
// have no gap.
func TestDashboard(t *testing.T) {
	c := newCluster(t)
	for _, r := range c.replicas {
		c.must(r.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})))
	}
	b := c.named("b")
	also(b, func() {
		b.decide(10, authz.ReasonGranted, 2*time.Millisecond)
		b.hold("aaaaaaaaaaaaa", map[string]int{"RoleNotFound": 2})
		for range 300 {
			b.door.Answered(http.StatusOK)
		}
		for range 10 {
			b.door.Answered(http.StatusServiceUnavailable)
		}
		for range 50 {
			b.door.Called(codes.OK)
		}
		b.door.Called(codes.Unavailable)
		b.written += 150
	})
	b.ends["http"] = c.now.Add(30*24*time.Hour + 10*time.Minute)
	b.keys = append(b.keys, b.keys[0])
	b.keys[1].Namespace, b.keys[1].Usable = "", 0
	c.run(10 * time.Minute)
	shown := map[string][]string{}
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			for _, sample := range c.series.query(t, variables.Replace(target.Expr), c.now) {
				line := legend(t, p.Title, target.LegendFormat, sample.Metric)
				// What the process of this test takes is its own affair.
				if p.Title != "Memory" && p.Title != "CPU" {
					line = strings.TrimSpace(line + fmt.Sprintf(" %.4g", sample.F))
				}
				shown[p.Title] = append(shown[p.Title], line)
			}
		}
		slices.Sort(shown[p.Title])
	}
	if diff := cmp.Diff(panels(), shown); diff != "" {
		t.Errorf("what the panels show (-want +got):\n%s", diff)
	}
}

// legend returns what stands beside a line in a panel.
func legend(t *testing.T, title, format string, metric labels.Labels) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(format, func(match string) string {
		name := placeholder.FindStringSubmatch(match)[1]
		if metric.Get(name) == "" {
			t.Errorf("%s: a legend names the label %s, and %s has none", title, name, metric)
		}
		return metric.Get(name)
	})
}

// panels is what they show of two replicas that do what works says, of which one does a
// little more.
func panels() map[string][]string {
	return map[string][]string{
		"Replicas":                    {"2"},
		"Policies in force":           {"1"},
		"Oldest snapshot":             {"10"},
		"Faults of objects":           {"2"},
		"Certificate ends in":         {"2.592e+06"},
		"Tokens without keys":         {"1"},
		"Checks":                      {"allow 6.333", "deny 4", "error 3"},
		"Denies and errors by reason": {"InvalidRequest 2", "NoRole 4", "Unauthenticated 1"},
		"Time to decide":              {"p50 1.292e-05", "p99 0.002035", "p999 0.002453"},
		"HTTP requests":               {"200 10", "503 0.3333"},
		"gRPC calls":                  {"OK 1.667", "Unavailable 0.03333"},
		"Checks by door":              {"authzen 13.33"},
		"Objects in force":            {"Group 0", "Resource 3", "Role 0", "RoleBinding 0"},
		"Changes put in force":        {"a 0", "b 0.03333"},
		"From event to decision":      {"p99 0.02427"},
		"Faults of objects by reason": {"RoleNotFound 2"},
		"Reviews of callers":          {"access: refused 0.06667", "token: granted 0.06667"},
		"Session tokens":              {"jwt: granted 0.06667"},
		"Decision log":                {"dropped 0", "failed 0", "written 5"},
		"Memory":                      {"a", "b"},
		"CPU":                         {"a", "b"},
		"Reviews of objects":          {"passed 0.06667", "refused 0.06667", "skipped 0.06667"},
	}
}

// TestVariables: what the dashboard offers to choose from is there.
func TestVariables(t *testing.T) {
	c := newCluster(t)
	c.run(time.Minute)
	query := regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)
	offered := map[string][]string{}
	for _, v := range readDashboard(t).Templating.List {
		if v.Definition == "" {
			continue
		}
		parts := query.FindStringSubmatch(v.Definition)
		if parts == nil {
			t.Fatalf("%s is asked for by %s", v.Name, v.Definition)
		}
		for _, sample := range c.series.query(t, variables.Replace(parts[1]), c.now) {
			offered[v.Name] = append(offered[v.Name], sample.Metric.Get(parts[2]))
		}
		slices.Sort(offered[v.Name])
		offered[v.Name] = slices.Compact(offered[v.Name])
	}
	want := map[string][]string{"namespace": {"rolecall-system", "staging"}, "job": {"canary-metrics", "rolecall-metrics"}}
	if diff := cmp.Diff(want, offered); diff != "" {
		t.Errorf("what can be chosen (-want +got):\n%s", diff)
	}
}

// TestPanels: no panel lies over another, and each has a number of its own.
func TestPanels(t *testing.T) {
	places, numbers := map[[2]int]string{}, map[int]string{}
	for _, p := range readDashboard(t).Panels {
		if other := numbers[p.ID]; other != "" {
			t.Errorf("%s and %s have the number %d", p.Title, other, p.ID)
		}
		numbers[p.ID] = p.Title
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				place := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if other := places[place]; other != "" && other != p.Title {
					t.Fatalf("%s lies over %s", p.Title, other)
				}
				places[place] = p.Title
			}
		}
	}
}
