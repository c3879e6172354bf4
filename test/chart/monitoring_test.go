// SPDX-License-Identifier: Apache-2.0

//go:build chart

package chart

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/rolecall/rolecall/internal/metrics"
)

// exposed returns the names of the metrics that a server has, those of histograms'
// parts too.
func exposed(t *testing.T) map[string]bool {
	t.Helper()
	m, err := metrics.New("authzen")
	if err != nil {
		t.Fatal(err)
	}
	count := func() uint64 { return 0 }
	for _, err := range []error{
		m.SnapshotAge(func() time.Duration { return 0 }),
		m.IssuerKeys(func() []metrics.IssuerKeys { return []metrics.IssuerKeys{{Issuer: "a", Fetched: true}} }),
		m.DecisionLog(count, count, count),
		m.Register(collectors.NewGoCollector()),
		m.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})),
		m.CertificatesNotAfter(func() map[string]time.Time { return map[string]time.Time{"http": time.Unix(1, 0)} }),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{"up": true}
	for name := range families {
		for _, part := range []string{"", "_bucket", "_sum", "_count"} {
			names[name+part] = true
		}
	}
	return names
}

var metric = regexp.MustCompile(`\b(rolecall|process|go)_[a-z_]+\b`)

// TestMetricsExist: an alert or a panel about a metric that there is not would be
// silent for ever.
func TestMetricsExist(t *testing.T) {
	known := exposed(t)
	for name, key := range map[string]string{
		"alerts":    "monitoring.coreos.com/v1 PrometheusRule rolecall-system/rolecall",
		"dashboard": "v1 ConfigMap rolecall-system/rolecall-dashboard",
	} {
		text := string(objects(t, renderSet(t, "monitoring"))[key].json(t))
		found := map[string]bool{}
		for _, used := range metric.FindAllString(text, -1) {
			found[used] = true
			if !known[used] {
				t.Errorf("%s: there is no metric %s", name, used)
			}
		}
		if len(found) < 8 {
			t.Errorf("%s: found no more than %v", name, slices.Sorted(maps.Keys(found)))
		}
	}
}

// TestRunbook: every alert has a part of its own in the runbook, where its link leads;
// and the runbook tells of no other.
func TestRunbook(t *testing.T) {
	rule := objects(t, renderSet(t, "monitoring"))["monitoring.coreos.com/v1 PrometheusRule rolecall-system/rolecall"]
	groups, _ := rule.at("spec", "groups").([]any)
	rules, _ := object(groups[0].(map[string]any)).at("rules").([]any)
	var alerts []string
	for _, r := range rules {
		alert := object(r.(map[string]any))
		name := alert.text("alert")
		alerts = append(alerts, name)
		if url := alert.text("annotations", "runbook_url"); !strings.HasSuffix(url, "docs/runbook.md#"+strings.ToLower(name)) {
			t.Errorf("%s: the runbook is at %s", name, url)
		}
	}
	text, err := os.ReadFile(filepath.Join(root, "docs/runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, heading := range regexp.MustCompile(`(?m)^## (Rolecall\w+)$`).FindAllStringSubmatch(string(text), -1) {
		parts = append(parts, heading[1])
	}
	if diff := cmp.Diff(alerts, parts); diff != "" {
		t.Errorf("alerts and the parts of docs/runbook.md (-alerts +parts):\n%s", diff)
	}
}
