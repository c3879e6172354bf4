// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

const (
	revisionHeader = "Rolecall-Revision"
	evaluation     = `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"document","id":"d1"}}`
)

// TestEveryAnswerBearsTheRevision: one and the same at every door, and another one
// after a change.
func TestEveryAnswerBearsTheRevision(t *testing.T) {
	file := filepath.Join(t.TempDir(), "policy.yaml")
	save(t, file, manifests)
	o := options(t)
	o.Dir = filepath.Dir(file)
	o.Config.YorAuth.Applications = []configv1alpha1.YorAuthApplication{{ID: "shop", Namespace: "default"}}
	o.Config.Gateways = []configv1alpha1.Gateway{{
		Namespace: "default", Peers: []configv1alpha1.GatewayPeer{{CIDR: "127.0.0.0/8"}},
		Subject: configv1alpha1.GatewaySubject{Headers: &configv1alpha1.GatewayIdentityHeaders{ID: "X-User"}},
	}}
	config.Default(o.Config)
	r, vendor := run(t, o), run(t, withProject(t, o.Dir))
	r.await(t, "default", "alice", "Granted")
	first := r.revisions(t)
	vendor.awaitRevision(t, first)
	save(t, file, strings.ReplaceAll(manifests, "alice", "bob"))
	r.await(t, "default", "bob", "Granted")
	second := r.revisions(t)
	if first == second {
		t.Errorf("the revision is %q before and after a change", first)
	}
	vendor.awaitRevision(t, second)
}

// The project whose backend asks at the door for Stytch's clients.
const (
	project       = "project-test-1"
	projectSecret = "secret-test-11111111111111111111"
)

// withProject returns the options of another replica, which answers for a project. It
// lets in nobody else.
func withProject(t *testing.T, dir string) operator.Options {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	save(t, key, projectSecret)
	o := options(t)
	o.Dir = dir
	o.Config.Callers.APIKeys = []configv1alpha1.APIKeyCaller{{
		ID: project, KeyFile: key, CallerGrant: configv1alpha1.CallerGrant{
			Namespaces: []string{"default"}, Permissions: []configv1alpha1.CallerPermission{configv1alpha1.CallerChecks, configv1alpha1.CallerPolicies},
		},
	}}
	o.Config.Stytch.Projects = []configv1alpha1.StytchProject{{ID: project, Namespace: "default"}}
	config.Default(o.Config)
	return o
}

// awaitRevision asks at every endpoint for Stytch's clients that reads the policy,
// until the replica has the one of a revision: then all of them name it, whether the
// answer is one or an error.
func (r *running) awaitRevision(t *testing.T, want string) {
	t.Helper()
	ask := func(ctx context.Context, endpoint string) (status int, revision string) {
		method, path, _ := strings.Cut(endpoint, " ")
		req, err := http.NewRequestWithContext(ctx, method, "http://"+r.HTTP+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth(project, projectSecret)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode, resp.Header.Get(revisionHeader)
	}
	status, last := 0, ""
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		status, last = ask(ctx, "GET /v1/b2b/rbac/policy") // 503 until it is ready
		return status == http.StatusOK && last == want, nil
	})
	if err != nil {
		t.Fatalf("the door for Stytch's clients says %d %q, want 200 %q: %v", status, last, want, err)
	}
	for endpoint, wanted := range map[string]int{
		"GET /v1/b2b/rbac/organizations/acme": http.StatusOK, "POST /v1/b2b/sessions/authenticate": http.StatusBadRequest,
	} {
		if status, got := ask(t.Context(), endpoint); status != wanted || got != want {
			t.Errorf("%s: status %d, the header says %q; want %d, %q", endpoint, status, got, wanted, want)
		}
	}
}

// revisions asks every door and returns the revision that all of them name.
func (r *running) revisions(t *testing.T) string {
	t.Helper()
	status, header, body := r.post(t, "POST /access/v1/evaluation", evaluation)
	var answer struct{ Context struct{ Revision string } }
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
		t.Fatalf("evaluation: status %d, %s, %v", status, body, err)
	}
	want := answer.Context.Revision
	if got := header.Get(revisionHeader); got != want || len(want) != 16 {
		t.Errorf("evaluation: the header says %q and the context %q", got, want)
	}
	const user = `"subject":{"type":"user","id":"alice"}`
	for endpoint, body := range map[string]string{
		"POST /access/v1/evaluations":           `{"evaluations":[` + evaluation + `]}`,
		"POST /access/v1/search/resource":       `{` + user + `,"action":{"name":"read"},"resource":{"type":"document"}}`,
		"POST /ns/default/access/v1/evaluation": strings.ReplaceAll(evaluation, "alice", "nobody"),
		"POST /permissions/v1/subject":          `{` + user + `}`,
		"POST /apis/authorization.k8s.io/v1/subjectaccessreviews": `{"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview",` +
			`"spec":{"user":"alice","resourceAttributes":{"verb":"read","resource":"document"}}}`,
		"POST /api/check/resources": `{"requestId":"1","principal":{"id":"alice","roles":["user"]},` +
			`"resources":[{"actions":["read"],"resource":{"kind":"document","id":"d1"}}]}`,
		"POST /api/v1/applications/shop/authz/check": `{"user_id":"alice","permission":"document:read"}`,
		"GET /forward-auth":                          "",
		// What is not understood was not decided, but it was asked of a policy.
		"POST /ns/default/access/v1/evaluations": `{"evaluations":7}`,
	} {
		if _, header, body := r.post(t, endpoint, body); header.Get(revisionHeader) != want {
			t.Errorf("%s: the header says %q, want %q: %s", endpoint, header.Get(revisionHeader), want, body)
		}
	}
	for method, got := range r.callRevisions(t) {
		if got != want {
			t.Errorf("%s: the metadata says %q, want %q", method, got, want)
		}
	}
	return want
}

// post asks an endpoint and returns its answer.
func (r *running) post(t *testing.T, endpoint, body string) (int, http.Header, string) {
	t.Helper()
	method, path, _ := strings.Cut(endpoint, " ")
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+r.HTTP+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"Content-Type": {"application/json"}, "X-User": {"alice"}, "X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {"/x"},
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(text)
}

// callRevisions are those that the gRPC doors name, by method.
func (r *running) callRevisions(t *testing.T) map[string]string {
	t.Helper()
	conn, err := grpc.NewClient(r.GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	named := map[string]string{}
	note := func(method string, header metadata.MD) {
		named[method] = strings.Join(header.Get(revisionHeader), ",")
	}
	var header metadata.MD
	_, err = cerbospb.NewCerbosServiceClient(conn).CheckResources(t.Context(), &cerbospb.CheckResourcesRequest{
		Principal: &cerbospb.Principal{Id: "alice", Roles: []string{"user"}},
		Resources: []*cerbospb.CheckResourcesRequest_Entry{{
			Actions: []string{"read"}, Resource: &cerbospb.Resource{Kind: "document", Id: "d1"},
		}},
	}, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	note("CheckResources", header)
	if _, err = cerbospb.NewCerbosServiceClient(conn).CheckResources(t.Context(), &cerbospb.CheckResourcesRequest{}, grpc.Header(&header)); err == nil {
		t.Error("an empty request was answered")
	}
	note("CheckResources, refused", header)
	_, err = authv3.NewAuthorizationClient(conn).Check(t.Context(), &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
		Request: &authv3.AttributeContext_Request{Http: &authv3.AttributeContext_HttpRequest{Method: "GET", Path: "/x"}},
	}}, grpc.Header(&header))
	if err != nil {
		t.Fatal(err)
	}
	note("Check", header)
	return named
}
