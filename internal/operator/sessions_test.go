// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/live"
)

// TestSessionTokens is the whole way of a token, and of its issuer's outage: the
// configuration, keys that are fetched beforehand, the check. Whatever the server
// writes meanwhile, it is never a token nor a secret.
func TestSessionTokens(t *testing.T) {
	i, log := issuer.Start(t), &live.Log{}
	dir, decisions := t.TempDir(), filepath.Join(t.TempDir(), "decisions.json")
	save(t, filepath.Join(dir, "policy.yaml"), strings.Replace(manifests, "id: alice", `id: "user-1"`, 1))
	o := options(t)
	o.Dir = dir
	o.Config = sessionsConfig(t, o.Config, i, decisions)
	o.Logger = operator.NewLogger(configv1alpha1.Log{Level: configv1alpha1.LogDebug, Format: configv1alpha1.LogJSON}, log)
	r := run(t, o)
	r.await(t, "default", "user-1", "Granted")
	awaitTrue(t, "keys are fetched beforehand", func() bool { return i.Fetches() > 0 })

	good, other := i.Sign(t, issuer.Claims(time.Now(), nil)), i.Sign(t, issuer.Claims(time.Now(), map[string]any{"sub": "user-2"}))
	expired := i.Sign(t, issuer.Claims(time.Now().Add(-time.Hour), nil))
	i.Know("opaque-secret-token", map[string]any{"sub": "user-1"})
	r.carries(t, "session_jwt", good, http.StatusOK, `"decision":true`)
	r.carries(t, "session_jwt", other, http.StatusOK, `"reason":"NoRole"`)
	r.carries(t, "session_jwt", expired, http.StatusUnauthorized, "has expired")
	r.carries(t, "session_jwt", good[:len(good)-6]+"AAAAAA", http.StatusUnauthorized, "signature")
	r.carries(t, "session_token", "opaque-secret-token", http.StatusOK, `"decision":true`)
	r.carries(t, "session_token", "unknown-secret-token", http.StatusUnauthorized, "is not active")
	i.SetDown(true)
	r.carries(t, "session_jwt", good, http.StatusOK, `"decision":true`)
	r.carries(t, "session_token", "opaque-secret-token", http.StatusServiceUnavailable, "out of reach")
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(decisions)
	if err != nil || !strings.Contains(string(written), "user-2") || !strings.Contains(log.String(), "out of reach") {
		t.Errorf("decisions %s, log %s, error %v", written, log, err)
	}
	for _, secret := range []string{good, other, expired, good[:60], strings.Split(good, ".")[1], strings.Split(good, ".")[2], "secret-token", issuer.ClientSecret, "a+secret"} {
		if strings.Contains(log.String()+string(written), secret) {
			t.Errorf("%q was written down", secret)
		}
	}
}

// sessionsConfig adds the issuer, both ways, and a log of all decisions to a
// configuration.
func sessionsConfig(t *testing.T, c *configv1alpha1.ServerConfiguration, i *issuer.Issuer, decisions string) *configv1alpha1.ServerConfiguration {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	more := fmt.Sprintf(`, "sessions": [{"namespace": "default", jwt: [{issuer: {%s}}], introspection: {%s}}],
	  "decisionLog": {"allowSampleRate": 1, "file": {"path": %q}, "properties": {"include": ["context", "subject.properties"]}}}`,
		i.Trust(), i.Ask(t), decisions)
	c, err = config.Decode([]byte(strings.TrimSuffix(string(text), "}") + more))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// carries asks with a token, and makes sure of the answer.
func (r *running) carries(t *testing.T, member, token string, status int, want string) {
	t.Helper()
	body := fmt.Sprintf(`{"subject":{"properties":{%q:%q}},"action":{"name":"read"},"resource":{"type":"document","id":"d1"}}`, member, token)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.HTTP+"/access/v1/evaluation", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status || !strings.Contains(string(text), want) || strings.Contains(string(text), token) {
		t.Errorf("answer %d %s, error %v; want %d with %s", resp.StatusCode, text, err, status, want)
	}
}

func awaitTrue(t *testing.T, what string, holds func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 30*time.Second, true, func(context.Context) (bool, error) { return holds(), nil })
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// TestBadSessionsEndTheStart, with the field's path.
func TestBadSessionsEndTheStart(t *testing.T) {
	o := options(t)
	o.Dir = t.TempDir()
	o.Config.Sessions = []configv1alpha1.NamespaceSessions{{Namespace: "default", JWT: []configv1alpha1.JWTAuthenticator{{
		SubjectRules: configv1alpha1.SubjectRules{ClaimMappings: configv1alpha1.ClaimMappings{
			Roles: configv1alpha1.ClaimOrExpression{Expression: "claims."},
		}},
	}}}}
	err := operator.Run(t.Context(), o)
	if err == nil || !strings.Contains(err.Error(), "sessions[0].jwt[0].claimMappings.roles.expression") {
		t.Errorf("error %v; want one that names the field", err)
	}
}
