// SPDX-License-Identifier: Apache-2.0

package authzen_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/identity/caller"
	"github.com/rolecall/rolecall/internal/metrics"
)

// BenchmarkCallers compares the whole server behind the gate, for a service
// account that was reviewed a moment ago, with the same server that lets everyone
// in: without the account's header, and (as "gate") with it, which net/http has to
// read either way.
func BenchmarkCallers(b *testing.B) {
	for _, connections := range []int{1, 16} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			header := "Authorization: Bearer " + accountToken() + "\r\n"
			open := begin(b, "rolecall", question, connections)
			laden := beginWith(b, "rolecall", header, question, connections)
			guarded := beginWith(b, "guarded", header, question, connections)
			for b.Loop() {
				open.ask(b)
				laden.ask(b)
				guarded.ask(b)
			}
			b.ReportMetric(guarded.perSecond()/open.perSecond(), "requests/s-ratio")
			b.ReportMetric(guarded.cpuEach(b)/open.cpuEach(b), "cpu-ratio")
			b.ReportMetric(guarded.cpuEach(b)/laden.cpuEach(b), "gate-cpu-ratio")
			b.ReportMetric(guarded.p99()/open.p99(), "p99-ratio")
		})
	}
}

// accountToken is as long as a service account's token, about a kilobyte.
func accountToken() string {
	encode := base64.RawURLEncoding.EncodeToString
	claims := fmt.Sprintf(`{"aud":["rolecall.dev"],"exp":4000000000,"pod":%q}`, strings.Repeat("x", 440))
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode([]byte(claims)) + "." + encode(make([]byte, 256))
}

// guard makes a gate for service accounts, all of whom an API server lets do
// everything.
func guard(tb testing.TB) *caller.Gate {
	tb.Helper()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `{"kind":"SubjectAccessReview","apiVersion":"authorization.k8s.io/v1","status":{"allowed":true}}`
		if strings.HasSuffix(r.URL.Path, "/tokenreviews") {
			answer = `{"kind":"TokenReview","apiVersion":"authentication.k8s.io/v1","status":{"authenticated":true,` +
				`"audiences":["rolecall.dev"],"user":{"username":"system:serviceaccount:shop:checkout"}}}`
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer)
	}))
	tb.Cleanup(api.Close)
	c := &configv1alpha1.ServerConfiguration{Callers: configv1alpha1.Callers{ServiceAccounts: &configv1alpha1.ServiceAccountCallers{}}}
	config.Default(c)
	counters, err := metrics.New()
	if err != nil {
		tb.Fatal(err)
	}
	g, err := caller.New(caller.Options{
		Config: &c.Callers, Kube: &rest.Config{Host: api.URL}, Now: time.Now, Meter: counters, Logger: logr.Discard(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return g
}
