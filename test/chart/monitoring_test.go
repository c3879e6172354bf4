// SPDX-License-Identifier: Apache-2.0

//go:build chart

package chart

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
