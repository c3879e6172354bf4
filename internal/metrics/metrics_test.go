// SPDX-License-Identifier: Apache-2.0

package metrics_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/store"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
)

var _ door.Meter = (*metrics.Door)(nil)

func newMetrics(t *testing.T) *metrics.Metrics {
	t.Helper()
	m, err := metrics.New("authzen")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.SnapshotAge(func() time.Duration { return 90 * time.Second }); err != nil {
		t.Fatal(err)
	}
	err = m.IssuerKeys(func() []metrics.IssuerKeys {
		return []metrics.IssuerKeys{
			{Namespace: "shop", Issuer: "https://a", Usable: 2, Age: time.Minute, Fetched: true},
			{Issuer: "https://a", Usable: 1},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	count := func(n uint64) func() uint64 { return func() uint64 { return n } }
	if err := m.DecisionLog(count(3), count(2), count(1)); err != nil {
		t.Fatal(err)
	}
	return m
}

// scrape returns the metrics as Prometheus gets them.
func scrape(t *testing.T, m *metrics.Metrics) (string, map[string]*dto.MetricFamily) {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(rec.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text), families
}

// value returns the value of a series, with its labels as name=value.
func value(t *testing.T, m *metrics.Metrics, name string, labels ...string) float64 {
	t.Helper()
	_, families := scrape(t, m)
	for _, series := range families[name].GetMetric() {
		if !slices.Equal(labelsOf(series), labels) {
			continue
		}
		if series.Histogram != nil {
			return float64(series.GetHistogram().GetSampleCount())
		}
		return series.GetCounter().GetValue() + series.GetGauge().GetValue()
	}
	t.Fatalf("there is no %s%v", name, labels)
	return 0
}

func labelsOf(series *dto.Metric) []string {
	var labels []string
	for _, l := range series.GetLabel() {
		labels = append(labels, l.GetName()+"="+l.GetValue())
	}
	return labels
}

// TestLabels enumerates every value of every label, and shows that no use adds
// one: whatever happens, the series are those of the start.
func TestLabels(t *testing.T) {
	want := map[string][]string{
		"cause":    {"encoding", "gathering"}, // of Prometheus' own handler
		"decision": {"allow", "deny", "error"},
		"door":     {"authzen", "none"},
		"issuer":   {"https://a"}, // those of the configuration, and so the namespaces
		"kind":     {"Group", "Resource", "Role", "RoleBinding", "jwt", "opaque"},
		"result":   {"dropped", "failed", "written"},
		"code": {
			"200", "201", "400", "401", "403", "404", "405", "413", "500", "503",
			"Aborted", "AlreadyExists", "Canceled", "DataLoss", "DeadlineExceeded", "FailedPrecondition", "Internal",
			"InvalidArgument", "NotFound", "OK", "OutOfRange", "PermissionDenied", "ResourceExhausted", "Unauthenticated",
			"Unavailable", "Unimplemented", "Unknown", "other",
		},
		"namespace": {"", "shop"},
		"outcome":   {"failed", "granted", "refused"},
		"review":    {"access", "token"},
		"reason": {
			"ActionNotFound", "ConditionError", "ConditionFalse", "ConditionMismatch", "Conflicted", "DenyError",
			"DenyMatchesNothing", "ExpensiveCondition", "ExplicitDeny", "Forbidden", "Granted", "InheritanceCycle",
			"InheritedRoleNotFound", "InternalError", "InvalidCondition", "InvalidInstance", "InvalidRequest", "InvalidSchema",
			"InvalidSpec", "MembershipCycle", "NoPermission", "NoRole", "NotReady", "PatternMatchesNothing", "ResourceNotFound",
			"RoleNotFound", "RouteConflict", "ScopeMismatch", "ScopeRequired", "Unauthenticated", "UndeclaredSubjectType",
			"UnguardedDeny", "UnknownAction", "UnknownNamespace", "UnknownResource", "other",
		},
	}
	m := newMetrics(t)
	if diff := cmp.Diff(want, labels(t, m)); diff != "" {
		t.Errorf("values of labels (-want +got):\n%s", diff)
	}
	d := m.Door("authzen")
	d.Decided(&authz.Decision{Reason: 200}, time.Second)
	d.Refused(999)
	d.Answered(999)
	d.Called(999)
	m.Door("unheard of").Answered(http.StatusTeapot)
	m.Door("unheard of").Decided(&authz.Decision{Reason: authz.ReasonGranted}, time.Second)
	m.Door("unheard of").Refused(http.StatusBadRequest)
	m.Published(store.Info{
		Objects: map[store.Kind]int{"Grupp": 1}, Faults: map[string]int{"Unheard": 1, "Of": 2},
	}, time.Second)
	if diff := cmp.Diff(want, labels(t, m)); diff != "" {
		t.Errorf("values of labels after use (-want +got):\n%s", diff)
	}
	if got := value(t, m, "rolecall_compile_faults", "reason=other"); got != 3 {
		t.Errorf("%v faults of other reasons, want 3", got)
	}
	if got := value(t, m, "rolecall_decisions_total", "decision=error", "door=authzen", "reason=InternalError"); got != 1 {
		t.Errorf("%v internal errors, want 1", got)
	}
}

// labels returns the values of every label, sorted.
func labels(t *testing.T, m *metrics.Metrics) map[string][]string {
	t.Helper()
	_, families := scrape(t, m)
	found := map[string][]string{}
	for _, family := range families {
		for _, series := range family.GetMetric() {
			for _, l := range series.GetLabel() {
				if !slices.Contains(found[l.GetName()], l.GetValue()) {
					found[l.GetName()] = append(found[l.GetName()], l.GetValue())
				}
			}
		}
	}
	for _, values := range found {
		slices.Sort(values)
	}
	return found
}

func TestEveryReasonIsCounted(t *testing.T) {
	m := newMetrics(t)
	d := m.Door("authzen")
	for _, reason := range authz.Reasons() {
		outcome := "deny"
		if reason == authz.ReasonGranted {
			outcome = "allow"
		}
		d.Decided(&authz.Decision{Reason: reason, Allowed: reason == authz.ReasonGranted}, time.Millisecond)
		if got := value(t, m, "rolecall_decisions_total", "decision="+outcome, "door=authzen", "reason="+reason.String()); got != 1 {
			t.Errorf("%v decisions for %s, want 1", got, reason)
		}
	}
	if got := value(t, m, "rolecall_check_duration_seconds", "door=authzen"); int(got) != len(authz.Reasons()) {
		t.Errorf("%v durations, want one a decision", got)
	}
}

// TestEveryFaultHasASeries: no reason that the compiler reports is counted as
// other.
func TestEveryFaultHasASeries(t *testing.T) {
	env, err := expr.NewEnv()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := corpus.Load()
	if err != nil {
		t.Fatal(err)
	}
	faults := map[string]int{}
	for _, c := range cases {
		for _, list := range compile.New(env).Diagnose(testkit.MetaObjects(c.Objects)) {
			for _, fault := range list {
				faults[fault.Reason]++
			}
		}
	}
	m := newMetrics(t)
	m.Published(store.Info{Faults: faults}, 0)
	for reason, want := range faults {
		if got := value(t, m, "rolecall_compile_faults", "reason="+reason); got != float64(want) {
			t.Errorf("%v faults for %s, want %v", got, reason, want)
		}
	}
}

func TestPublished(t *testing.T) {
	m := newMetrics(t)
	m.Published(store.Info{
		Revision: "fffffffffffff123",
		Objects:  map[store.Kind]int{store.KindRole: 2},
		Faults:   map[string]int{"RoleNotFound": 5},
	}, time.Second)
	m.Published(store.Info{
		Revision: "0000000000010fff",
		Objects:  map[store.Kind]int{store.KindRole: 3, store.KindRoleBinding: 4},
	}, time.Second)
	for name, want := range map[string]float64{
		"rolecall_snapshot_publications_total": 2,
		"rolecall_snapshot_revision":           0x10,
		"rolecall_snapshot_age_seconds":        90,
		"rolecall_event_to_visible_seconds":    2,
	} {
		if got := value(t, m, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for label, want := range map[string]float64{"Resource": 0, "Role": 3, "RoleBinding": 4} {
		if got := value(t, m, "rolecall_snapshot_objects", "kind="+label); got != want {
			t.Errorf("%v objects of kind %s, want %v", got, label, want)
		}
	}
	if got := value(t, m, "rolecall_compile_faults", "reason=RoleNotFound"); got != 0 {
		t.Errorf("%v faults that were mended, want 0", got)
	}
}

func TestDecisionLog(t *testing.T) {
	m := newMetrics(t)
	for result, want := range map[string]float64{"written": 3, "dropped": 2, "failed": 1} {
		if got := value(t, m, "rolecall_decision_log_lines_total", "result="+result); got != want {
			t.Errorf("%v lines were %s, want %v", got, result, want)
		}
	}
}

// TestIdentity: what comes of reviews and of session tokens, and the keys of issuers.
func TestIdentity(t *testing.T) {
	m := newMetrics(t)
	refused, failed := &door.Error{Status: http.StatusUnauthorized}, &door.Error{Status: http.StatusServiceUnavailable}
	m.TokenReviewed(true, nil)
	m.TokenReviewed(false, errors.New("out of reach"))
	m.AccessReviewed(false, nil)
	for _, err := range []error{nil, nil, nil, refused, refused, failed} {
		m.JWTVerified(err)
	}
	m.TokenIntrospected(errors.New("other"))
	for series, want := range map[[3]string]float64{
		{"rolecall_caller_reviews_total", "outcome=granted", "review=token"}:      1,
		{"rolecall_caller_reviews_total", "outcome=failed", "review=token"}:       1,
		{"rolecall_caller_reviews_total", "outcome=refused", "review=token"}:      0,
		{"rolecall_caller_reviews_total", "outcome=refused", "review=access"}:     1,
		{"rolecall_session_tokens_total", "kind=jwt", "outcome=granted"}:          3,
		{"rolecall_session_tokens_total", "kind=jwt", "outcome=refused"}:          2,
		{"rolecall_session_tokens_total", "kind=jwt", "outcome=failed"}:           1,
		{"rolecall_session_tokens_total", "kind=opaque", "outcome=failed"}:        1,
		{"rolecall_issuer_keys", "issuer=https://a", "namespace=shop"}:            2,
		{"rolecall_issuer_keys", "issuer=https://a", "namespace="}:                1,
		{"rolecall_issuer_key_age_seconds", "issuer=https://a", "namespace=shop"}: 60,
	} {
		if got := value(t, m, series[0], series[1:]...); got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
	if _, all := scrape(t, m); len(all["rolecall_issuer_key_age_seconds"].GetMetric()) != 1 {
		t.Error("keys that never were fetched have an age")
	}
}

// TestRevisionIsANumber: it is exact, so that different policies look different.
func TestRevisionIsANumber(t *testing.T) {
	m := newMetrics(t)
	for revision, want := range map[string]float64{
		"fffffffffffff000": 1<<52 - 1, "ffffffffffffe000": 1<<52 - 2, "": 0, "devel": 0, "not hexadecimal": 0,
	} {
		m.Published(store.Info{Revision: revision}, 0)
		if got := value(t, m, "rolecall_snapshot_revision"); got != want {
			t.Errorf("revision %q is %v, want %v", revision, got, want)
		}
	}
}

func TestConventions(t *testing.T) {
	text, _ := scrape(t, newMetrics(t))
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if !strings.HasPrefix(p.Metric, "promhttp_") {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
}

func TestCountingAllocatesNothing(t *testing.T) {
	d := newMetrics(t).Door("authzen")
	decision := &authz.Decision{Reason: authz.ReasonGranted, Allowed: true}
	n := testing.AllocsPerRun(1000, func() {
		d.Decided(decision, time.Microsecond)
		d.Refused(http.StatusBadRequest)
		d.Answered(http.StatusOK)
		d.Called(codes.InvalidArgument)
	})
	if n != 0 {
		t.Errorf("counting allocates %v times, want never", n)
	}
}
