// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/operator"
)

// TestDecisionLog: what a running operator was asked is written down when it has
// ended, with the id that the client knows, and is counted.
func TestDecisionLog(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	save(t, file, manifests)
	var out bytes.Buffer
	o := options(t)
	o.Dir, o.Stdout = filepath.Dir(file), &out
	o.Config.DecisionLog = &configv1alpha1.DecisionLog{AllowSampleRate: new(1.0)}
	config.Default(o.Config)
	r := run(t, o)
	r.await(t, "default", "alice", "Granted")
	ids := map[string]string{}
	for _, user := range []string{"alice", "bob", ""} {
		ids[user] = r.askAs(t, user)
	}
	r.awaitMetric(t, `rolecall_decision_log_lines_total{result="dropped"} 0`)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(out.String()) {
		var l struct {
			Door, RequestID, Namespace, Decision, Reason string
			Status                                       int
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		got[l.RequestID] = strings.Join([]string{l.Door, l.Namespace, l.Decision, l.Reason, http.StatusText(l.Status)}, " ")
	}
	for user, want := range map[string]string{
		"alice": "authzen default allow Granted ", "bob": "authzen default deny NoRole ", "": "authzen default error  Bad Request",
	} {
		if diff := cmp.Diff(want, got[ids[user]]); diff != "" {
			t.Errorf("%q (-want +got):\n%s", user, diff)
		}
	}
}

// askAs asks as check does and returns the id of the answer.
func (r *running) askAs(t *testing.T, user string) string {
	t.Helper()
	body := `{"subject":{"type":"user","id":"` + user + `"},"action":{"name":"read"},"resource":{"type":"document","id":"d1"}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTP+"/access/v1/evaluation", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.Header.Get("X-Request-ID")
}

// TestADecisionLogThatCannotBe ends the start.
func TestADecisionLogThatCannotBe(t *testing.T) {
	o := options(t)
	o.Dir = t.TempDir()
	blocker := filepath.Join(o.Dir, "file")
	save(t, blocker, "")
	o.Config.DecisionLog = &configv1alpha1.DecisionLog{File: &configv1alpha1.RotatedFile{Path: filepath.Join(blocker, "d.jsonl")}}
	config.Default(o.Config)
	if err := operator.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "decisionLog.file.path") {
		t.Errorf("error %v, want one that names the field", err)
	}
}
