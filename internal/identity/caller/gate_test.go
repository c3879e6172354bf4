// SPDX-License-Identifier: Apache-2.0

package caller_test

import (
	"context"
	"encoding/base64"
	"maps"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/testkit/issuer"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

func TestAnonymous(t *testing.T) {
	r := newRig(t, configv1alpha1.Callers{Anonymous: configv1alpha1.AnonymousAllow})
	for _, c := range []door.Credentials{{}, {Authorization: "Basic !"}, {APIKey: "x"}} {
		r.admitted(t, c, "")
	}
	if got := r.ClientCAs(); got != nil || len(r.Methods()) > 0 {
		t.Errorf("a server without methods has %v, and trusts authorities: %v", r.Methods(), got != nil)
	}
}

// TestNothingToShow: a request without credentials is told what to send, and not
// that what it has sent is bad.
func TestNothingToShow(t *testing.T) {
	r := newRig(t, everyMethod(t, issuer.Start(t)))
	if diff := cmp.Diff([]string{"serviceaccount", "jwt", "certificate", "apikey"}, r.Methods()); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	_, err := r.ask(t, door.Credentials{})
	e, _ := err.(*door.Error) //nolint:errorlint // it is what it is
	const want = "the request does not say who asks; send a service account's token for the audience rolecall.dev " +
		"(Authorization: Bearer TOKEN) or a JWT of an issuer that is trusted here (Authorization: Bearer TOKEN) or " +
		"an API key (Authorization: Bearer KEY, or X-API-Key) or a client certificate"
	if e == nil || e.Message != want || e.Challenge != `Bearer realm="rolecall"` {
		t.Errorf("refused with %+v", e)
	}
}

// TestMethodsTogether: each credential comes to the method that it is for.
func TestMethodsTogether(t *testing.T) {
	i := issuer.Start(t)
	r := newRig(t, everyMethod(t, i))
	r.may("checks", "shop")
	account, token := r.tokenOf(checkout, r.claims()), i.Sign(t, r.jwt(i, nil))
	basic := func(text string) door.Credentials {
		return door.Credentials{Authorization: "Basic " + base64.StdEncoding.EncodeToString([]byte(text))}
	}
	r.admitted(t, bearer(account), checkout)
	r.admitted(t, bearer(token), i.URL+"#billing")
	r.admitted(t, bearer(token), i.URL+"#billing") // from the memory
	r.admitted(t, bearer(account), checkout)
	r.admitted(t, bearer(key), "legacy")
	r.admitted(t, door.Credentials{APIKey: key}, "legacy")
	r.admitted(t, basic("legacy:"+key), "legacy")
	r.admitted(t, door.Credentials{Authorization: "bEaReR   " + key + " "}, "legacy")

	for name, c := range map[string]door.Credentials{
		"another's id":             basic("other:" + key),
		"an id without a key":      basic("legacy:"),
		"a key without an id":      basic(":" + key),
		"no pair":                  basic(key),
		"no base64":                {Authorization: "Basic ?"},
		"a key that is cut":        bearer(key[:len(key)-1]),
		"a key that goes on":       bearer(key + "x"),
		"another scheme":           {Authorization: "Negotiate " + key},
		"no scheme":                {Authorization: key},
		"nothing after the scheme": {Authorization: "Bearer"},
		"two of them":              {Authorization: "Bearer " + key + ", Bearer " + key},
		"two keys":                 {APIKey: key + ", " + key},
		"a header that is no text": {Authorization: "Bearer \x00\xff"},
		"no end":                   bearer(strings.Repeat("x", 16<<10+1)),
		"a bad one goes before a good one that is elsewhere": {Authorization: "Bearer x.y.z", APIKey: key},
	} {
		t.Run(name, func(t *testing.T) { r.refused(t, c, http.StatusUnauthorized, "") })
	}
}

// key is an API key of these tests.
const key = "kdfe934hj-fg_0~AB+/cd=="

// everyMethod is a configuration with all methods.
func everyMethod(t *testing.T, i *issuer.Issuer) configv1alpha1.Callers {
	c := serviceAccounts()
	c.JWT = []configv1alpha1.JWTCallers{{Issuer: trust(i), Namespaces: []string{"shop", "office"}}}
	c.ClientCertificates = &configv1alpha1.ClientCertificateCallers{
		CAFile: write(t, "ca.crt", pki.New(t).PEM()),
		Allow:  []configv1alpha1.CertificateCaller{{CommonName: "x", CallerGrant: checksIn("shop")}},
	}
	c.APIKeys = []configv1alpha1.APIKeyCaller{
		{ID: "legacy", KeyFile: write(t, "legacy", key+"\n"), CallerGrant: checksIn("shop")},
		{ID: "other", KeyFile: write(t, "other", "0123456789abcdef"), CallerGrant: checksIn("*")},
	}
	return c
}

func trust(i *issuer.Issuer) configv1alpha1.Issuer {
	return configv1alpha1.Issuer{
		URL: i.URL, Audiences: []string{"rolecall"}, JWKSURL: i.JWKSURL(), CertificateAuthority: i.CertificateAuthority(),
	}
}

func checksIn(namespaces ...string) configv1alpha1.CallerGrant {
	return configv1alpha1.CallerGrant{
		Namespaces: namespaces, Permissions: []configv1alpha1.CallerPermission{configv1alpha1.CallerChecks},
	}
}

// jwt are claims of a good token of an issuer, changed.
func (r *rig) jwt(i *issuer.Issuer, changes map[string]any) map[string]any {
	claims := map[string]any{
		"iss": i.URL, "aud": "rolecall", "sub": "billing", "scope": "openid authz:check",
		"exp": r.clock.Now().Add(time.Hour).Unix(), "iat": r.clock.Now().Unix(),
	}
	maps.Copy(claims, changes)
	return claims
}

// write makes a file and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	pki.Replace(t, path, text)
	return path
}

// run lets the gate read its files again until the test ends.
func (r *rig) run(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
}
