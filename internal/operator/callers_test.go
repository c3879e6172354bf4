// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/testkit/pki"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// serverFiles writes the certificate of a server.
func serverFiles(t *testing.T, a *pki.Authority) *configv1alpha1.TLS {
	t.Helper()
	certFile, keyFile := a.Files(t.TempDir(), a.Server("rolecall"))
	return &configv1alpha1.TLS{CertFile: certFile, KeyFile: keyFile}
}

// post asks for a check in a namespace, and returns the status and the answer.
func post(t *testing.T, c *http.Client, base, namespace, authorization string) (int, http.Header, string, error) {
	t.Helper()
	body := `{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"document","id":"d1"}}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/ns/"+namespace+"/access/v1/evaluation", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := c.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(text), err
}

// TestCallers runs the operator with certificates and keys, over TLS, as clients
// see it: who is known may ask what it may, and nobody else.
func TestCallers(t *testing.T) {
	const key = "c2VjcmV0IG9mIHRoZSBiaWxsaW5n"
	dir, own, theirs, next := t.TempDir(), pki.New(t), pki.New(t), pki.New(t)
	o, log := options(t), &bytes.Buffer{}
	o.Logger = operator.NewLogger(configv1alpha1.Log{Level: configv1alpha1.LogDebug, Format: configv1alpha1.LogText}, log)
	o.Dir = filepath.Join(dir, "policy")
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	pki.Replace(t, filepath.Join(o.Dir, "a.yaml"), "apiVersion: rolecall.dev/v1alpha1\nkind: Resource\nmetadata: {name: document, namespace: shop}\nspec: {actions: [{name: read}]}\n")
	caFile, keyFile := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "key")
	pki.Replace(t, caFile, theirs.PEM())
	pki.Replace(t, keyFile, key)
	grant := configv1alpha1.CallerGrant{Namespaces: []string{"shop"}, Permissions: []configv1alpha1.CallerPermission{configv1alpha1.CallerChecks}}
	o.Config.HTTP.BindAddress, o.Config.HTTP.TLS = "0.0.0.0:0", serverFiles(t, own)
	o.Config.GRPC.TLS = o.Config.HTTP.TLS
	o.Config.Callers = configv1alpha1.Callers{
		ClientCertificates: &configv1alpha1.ClientCertificateCallers{
			CAFile: caFile, Allow: []configv1alpha1.CertificateCaller{{CommonName: "checkout", CallerGrant: grant}},
		},
		APIKeys: []configv1alpha1.APIKeyCaller{{ID: "billing", KeyFile: keyFile, CallerGrant: grant}},
	}
	if faults := config.Validate(o.Config); len(faults) > 0 {
		t.Fatal(faults.ToAggregate())
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the log:\n%s", log)
		}
	})
	r := run(t, o)
	base := "https://127.0.0.1:" + r.HTTP[strings.LastIndex(r.HTTP, ":")+1:]
	checkout := own.Client(theirs.Named("checkout"))
	awaitStatus(t, checkout, base, http.StatusOK) // and ready

	for name, tt := range map[string]struct {
		client           *http.Client
		namespace, value string
		code             int
		says             string
	}{
		"a certificate":                   {checkout, "shop", "", http.StatusOK, `"NoRole"`},
		"a certificate that may not":      {own.Client(theirs.Named("cart")), "shop", "", http.StatusForbidden, `the caller \"cart\" may not create checks.rolecall.dev in the namespace \"shop\"`},
		"a namespace that it may not":     {checkout, "office", "", http.StatusForbidden, `in the namespace \"office\"`},
		"a namespace that is not there":   {checkout, "nowhere", "", http.StatusForbidden, `in the namespace \"nowhere\"`},
		"a key":                           {own.Client(nil), "shop", "Bearer " + key, http.StatusOK, `"NoRole"`},
		"a key that may not":              {own.Client(nil), "office", "Bearer " + key, http.StatusForbidden, "callers.apiKeys"},
		"nothing":                         {own.Client(nil), "shop", "", http.StatusUnauthorized, "does not say who asks; send an API key"},
		"a bad key beside a certificate":  {checkout, "shop", "Bearer " + key + "x", http.StatusUnauthorized, "the API key is not known"},
		"nothing, to where there is none": {own.Client(nil), "nowhere", "", http.StatusUnauthorized, "does not say who asks"},
	} {
		code, header, text, err := post(t, tt.client, base, tt.namespace, tt.value)
		if err != nil || code != tt.code || !strings.Contains(text, tt.says) {
			t.Errorf("%s: answer %d %s, error %v; want %d with %s", name, code, text, err, tt.code, tt.says)
		}
		if challenged := strings.HasPrefix(header.Get("WWW-Authenticate"), `Bearer realm="rolecall"`); challenged != (code == http.StatusUnauthorized) {
			t.Errorf("%s: %d with the challenge %q", name, code, header.Get("WWW-Authenticate"))
		}
	}
	if _, _, _, err := post(t, own.Client(next.Named("checkout")), base, "shop", ""); err == nil {
		t.Error("a certificate of an unknown authority gets through the handshake")
	}

	overGRPC := map[string]struct {
		certificate *tls.Certificate
		namespace   string
		want        codes.Code
	}{
		"a certificate":                         {theirs.Named("checkout"), "shop", codes.OK},
		"a certificate that may not":            {theirs.Named("cart"), "shop", codes.PermissionDenied},
		"a namespace that it may not":           {theirs.Named("checkout"), "office", codes.PermissionDenied},
		"no certificate":                        {nil, "shop", codes.Unauthenticated},
		"a certificate of an unknown authority": {next.Named("checkout"), "shop", codes.Unavailable},
	}
	for name, tt := range overGRPC {
		if err := called(t, r.GRPC, own.TLS(tt.certificate), tt.namespace); status.Code(err) != tt.want {
			t.Errorf("over gRPC, %s: %v, want %s", name, err, tt.want)
		}
	}
	everyEndpointAsks(t, own.Client(nil), base)

	pki.Replace(t, caFile, next.PEM())
	awaitStatus(t, own.Client(next.Named("checkout")), base, http.StatusOK)
	if code, _, text, err := post(t, checkout, base, "shop", ""); code != http.StatusUnauthorized {
		t.Errorf("a connection with a certificate of an authority that is gone: %d %s, error %v", code, text, err)
	}
	if _, _, _, err := post(t, own.Client(theirs.Named("checkout")), base, "shop", ""); err == nil {
		t.Error("a certificate of an authority that is gone gets through the handshake")
	}
	if err := r.stop(); err != nil {
		t.Error(err)
	}
	if text := log.String(); strings.Contains(text, key) || !strings.Contains(text, "callers are authenticated") {
		t.Errorf("the log:\n%s", text)
	}
}

// called asks for a check over gRPC, on a connection of its own.
func called(t *testing.T, address string, config *tls.Config, namespace string) error {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = cerbospb.NewCerbosServiceClient(conn).CheckResources(
		metadata.AppendToOutgoingContext(t.Context(), "rolecall-namespace", namespace),
		&cerbospb.CheckResourcesRequest{
			Principal: &cerbospb.Principal{Id: "alice", Roles: []string{"x"}},
			Resources: []*cerbospb.CheckResourcesRequest_Entry{{
				Actions: []string{"read"}, Resource: &cerbospb.Resource{Kind: "document", Id: "d1"},
			}},
		})
	return err
}

// everyEndpointAsks: there is no door without the gate, whatever it is called. The
// metadata by which clients find the doors is for everyone.
func everyEndpointAsks(t *testing.T, c *http.Client, base string) {
	t.Helper()
	_, list := ask(t, c, http.MethodGet, base+"/no-such-endpoint")
	asked := 0
	for line := range strings.Lines(list) {
		method, path, ok := strings.Cut(strings.TrimSpace(line), " /")
		if !ok || method != strings.ToUpper(method) || strings.HasPrefix(path, ".well-known/") {
			continue
		}
		path = regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(path, "shop")
		if status, text := ask(t, c, method, base+"/"+path); status != http.StatusUnauthorized {
			t.Errorf("%s /%s answers who proves nothing with %d %s", method, path, status, text)
		}
		asked++
	}
	if asked < 4 {
		t.Errorf("there are %d endpoints only:\n%s", asked, list)
	}
}

// ask sends a request with an empty object.
func ask(t *testing.T, c *http.Client, method, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func awaitStatus(t *testing.T, c *http.Client, base string, want int) {
	t.Helper()
	var last string
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, time.Minute, true, func(context.Context) (bool, error) {
		status, _, text, err := post(t, c, base, "shop", "")
		last = fmt.Sprint(status, text, err)
		return err == nil && status == want, nil
	})
	if err != nil {
		t.Fatalf("%v: %s", err, last)
	}
}

// TestOpenToOthers: a server that others can reach does not start before somebody
// has said who may ask.
func TestOpenToOthers(t *testing.T) {
	o := options(t)
	o.Dir, o.Config.HTTP.BindAddress = t.TempDir(), "0.0.0.0:0"
	err := operator.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "http.bindAddress 0.0.0.0:0 can be reached by others") {
		t.Errorf("Run: %v", err)
	}
	o.Config.Callers.APIKeys = []configv1alpha1.APIKeyCaller{{ID: "a", KeyFile: "/nowhere/key"}}
	if err := operator.Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "callers.apiKeys[0].keyFile: /nowhere/key: no such file") {
		t.Errorf("Run: %v", err)
	}
}
