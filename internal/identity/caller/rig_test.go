// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/caller"
)

// apiServer reviews callers as a kube-apiserver does, as far as it is told. The
// real one is asked in test/kube.
type apiServer struct {
	url string

	mu sync.Mutex
	// users are the owners of tokens, and allowed what they may: "user namespace
	// resource".
	users   map[string]string
	allowed map[string]bool
	// audiences are those that a review names.
	audiences []string
	// broken, if it is not 0, is the status of every answer.
	broken int
	// held, if it is not nil, is what a review waits for.
	held chan struct{}
	// asked is every review: "token" or the access that was reviewed.
	asked []string
}

func startAPIServer(tb testing.TB) *apiServer {
	tb.Helper()
	s := &apiServer{users: map[string]string{}, allowed: map[string]bool{}, audiences: []string{"rolecall.dev"}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /apis/authentication.k8s.io/v1/tokenreviews", func(w http.ResponseWriter, r *http.Request) {
		review := &authenticationv1.TokenReview{}
		if s.begin(w, r, review, func() string { return "token" }) {
			review.Status = s.token(review.Spec)
			finish(w, review)
		}
	})
	mux.HandleFunc("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", func(w http.ResponseWriter, r *http.Request) {
		review := &authorizationv1.SubjectAccessReview{}
		access := func() string {
			a := review.Spec.ResourceAttributes
			if path := review.Spec.NonResourceAttributes; path != nil && a == nil {
				return fmt.Sprintf("%s %s %s", review.Spec.User, path.Verb, path.Path)
			}
			return fmt.Sprintf("%s %s %s.%s %s", review.Spec.User, a.Verb, a.Resource, a.Group, a.Namespace)
		}
		if s.begin(w, r, review, access) {
			s.mu.Lock()
			review.Status.Allowed = s.allowed[access()] && slices.Equal(review.Spec.Groups, []string{"system:serviceaccounts"})
			s.mu.Unlock()
			finish(w, review)
		}
	})
	server := httptest.NewServer(mux)
	tb.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// begin reads a review and reports whether to go on with it.
func (s *apiServer) begin(w http.ResponseWriter, r *http.Request, review runtime.Object, what func() string) bool {
	body, err := io.ReadAll(r.Body)
	if err == nil {
		_, _, err = scheme.Codecs.UniversalDeserializer().Decode(body, nil, review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	s.mu.Lock()
	s.asked = append(s.asked, what())
	broken, held := s.broken, s.held
	s.mu.Unlock()
	if held != nil {
		<-held
	}
	if broken != 0 { // and babbling
		http.Error(w, "no idea what to do with "+string(body), broken)
	}
	return broken == 0
}

func (s *apiServer) token(spec authenticationv1.TokenReviewSpec) authenticationv1.TokenReviewStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	user, known := s.users[spec.Token]
	if len(spec.Audiences) == 0 && known { // the server's own
		return authenticationv1.TokenReviewStatus{
			Authenticated: true, User: authenticationv1.UserInfo{Username: user, Groups: []string{"system:serviceaccounts"}},
		}
	}
	if !known || !slices.Equal(spec.Audiences, []string{"rolecall.dev"}) {
		return authenticationv1.TokenReviewStatus{Error: "token is bad: " + spec.Token}
	}
	return authenticationv1.TokenReviewStatus{
		Authenticated: true, Audiences: s.audiences,
		User: authenticationv1.UserInfo{Username: user, Groups: []string{"system:serviceaccounts"}},
	}
}

func finish(w http.ResponseWriter, review runtime.Object) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	version := schema.GroupVersions{authenticationv1.SchemeGroupVersion, authorizationv1.SchemeGroupVersion}
	_ = scheme.Codecs.LegacyCodec(version...).Encode(review, w)
}

// set changes the server.
func (s *apiServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// reviews returns what was asked since it was called last.
func (s *apiServer) reviews() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	asked := s.asked
	s.asked = nil
	return asked
}

// clock is what the time is said to be.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// meter counts.
type meter struct {
	mu     sync.Mutex
	counts map[string]int
}

func (m *meter) TokenReviewed(granted bool, err error)  { m.count("token", granted, err) }
func (m *meter) AccessReviewed(granted bool, err error) { m.count("access", granted, err) }

func (m *meter) count(kind string, granted bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.counts[fmt.Sprint(kind, " ", granted, " ", err != nil)]++
}

// rig is a gate and what it stands on.
type rig struct {
	*caller.Gate
	api   *apiServer
	clock *clock
	meter *meter

	mu  sync.Mutex
	log strings.Builder
}

// newRig returns a gate with methods.
func newRig(tb testing.TB, c configv1alpha1.Callers) *rig {
	tb.Helper()
	r, err := tryRig(tb, c)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func tryRig(tb testing.TB, c configv1alpha1.Callers) (*rig, error) {
	tb.Helper()
	r := &rig{api: startAPIServer(tb), clock: &clock{now: time.Now().Truncate(time.Second)}, meter: &meter{counts: map[string]int{}}}
	whole := &configv1alpha1.ServerConfiguration{Callers: c}
	if c.ClientCertificates != nil {
		whole.HTTP.TLS = &configv1alpha1.TLS{CertFile: "x", KeyFile: "y"}
	}
	config.Default(whole)
	if faults := slices.Concat(config.Validate(whole), config.DecideCallers(whole, true)); len(faults) > 0 {
		return nil, faults.ToAggregate()
	}
	var err error
	r.Gate, err = caller.New(caller.Options{
		Config: &whole.Callers, Kube: &rest.Config{Host: r.api.url}, Now: r.clock.Now, Meter: r.meter, Logger: r.logger(),
	})
	return r, err
}

// logger writes down what is logged.
func (r *rig) logger() logr.Logger {
	return funcr.New(func(prefix, args string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.log.WriteString(prefix + args + "\n")
	}, funcr.Options{})
}

// logged returns what was logged since it was called last.
func (r *rig) logged() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := r.log.String()
	r.log.Reset()
	return text
}

// serviceAccounts is the configuration of most tests.
func serviceAccounts() configv1alpha1.Callers {
	return configv1alpha1.Callers{ServiceAccounts: &configv1alpha1.ServiceAccountCallers{}}
}

// checkout is the name of the caller of most tests.
const checkout = "system:serviceaccount:shop:checkout"

// may lets checkout ask.
func (r *rig) may(what, namespace string) {
	r.api.set(func() { r.api.allowed[fmt.Sprintf("%s create %s.rolecall.dev %s", checkout, what, namespace)] = true })
}

// mayNot takes back what it may.
func (r *rig) mayNot() {
	r.api.set(func() { clear(r.api.allowed) })
}

// tokenOf makes a token that the API server knows.
func (r *rig) tokenOf(user string, claims map[string]any) string {
	token := jwtOf(claims)
	r.api.set(func() { r.api.users[token] = user })
	return token
}

// claims are those of a good token.
func (r *rig) claims() map[string]any {
	return map[string]any{"aud": []string{"rolecall.dev"}, "exp": r.clock.Now().Add(time.Hour).Unix()}
}

// jwtOf makes a token that nobody has signed: whether it is good is for the API
// server to say.
func jwtOf(claims map[string]any) string {
	text, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"RS256"}`)) + "." + encode(text) + "." + encode([]byte("signature"))
}

func bearer(token string) door.Credentials {
	return door.Credentials{Authorization: "Bearer " + token}
}

// ask asks for checks in the namespace shop.
func (r *rig) ask(tb testing.TB, c door.Credentials) (door.Caller, error) {
	tb.Helper()
	return r.Admit(tb.Context(), c, "shop", door.PermissionCheck)
}

// admitted makes sure that a caller is let in by a name.
func (r *rig) admitted(tb testing.TB, c door.Credentials, name string) {
	tb.Helper()
	if got, err := r.ask(tb, c); err != nil || got.Name != name {
		tb.Errorf("admitted as %q, error %v; want %q", got.Name, err, name)
	}
}

// refused makes sure that a caller is not let in, and that the answer has a status
// and says something.
func (r *rig) refused(tb testing.TB, c door.Credentials, status int, want string) {
	tb.Helper()
	got, err := r.ask(tb, c)
	check(tb, got, err, status, want)
}

func check(tb testing.TB, got door.Caller, err error, status int, want string) {
	tb.Helper()
	e, ok := errors.AsType[*door.Error](err)
	if !ok || got != (door.Caller{}) {
		tb.Errorf("admitted as %v, error %v; want the status %d", got, err, status)
		return
	}
	if e.Status != status || !strings.Contains(e.Message, want) {
		tb.Errorf("refused with %d %q, want %d with %q", e.Status, e.Message, status, want)
	}
	if (status == http.StatusUnauthorized) != strings.HasPrefix(e.Challenge, `Bearer realm="rolecall"`) && status != http.StatusForbidden {
		tb.Errorf("the challenge of a %d is %q", status, e.Challenge)
	}
}
