// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/rolecall/rolecall/internal/config"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/session"
)

// Audience is whom the tokens of tests are for.
const Audience = "shop"

// Trust returns the members of an `issuer` of a configuration, in YAML's flow
// style, that trust this one.
func (i *Issuer) Trust() string {
	return fmt.Sprintf("url: %q, audiences: [%s], jwksURL: %q, certificateAuthority: %q",
		i.Name, Audience, i.JWKSURL(), i.CertificateAuthority())
}

// Ask returns the members of an `introspection` of a configuration, in YAML's flow
// style, that ask this issuer.
func (i *Issuer) Ask(tb testing.TB) string {
	tb.Helper()
	file := filepath.Join(tb.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(ClientSecret+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprintf("url: %q, clientID: %q, clientSecretFile: %q, certificateAuthority: %q",
		i.IntrospectionURL(), ClientID, file, i.CertificateAuthority())
}

// Sessions returns the sessions that the list `sessions` of a configuration
// describes, read as the server reads it.
func Sessions(tb testing.TB, now func() time.Time, log logr.Logger, list string) *session.Sessions {
	tb.Helper()
	s, err := TrySessions(now, log, list)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// TrySessions is Sessions for lists that may be refused.
func TrySessions(now func() time.Time, log logr.Logger, list string) (*session.Sessions, error) {
	c, err := config.Decode([]byte("apiVersion: config.rolecall.dev/v1alpha1\nkind: ServerConfiguration\nsessions: " + list))
	if err != nil {
		return nil, err
	}
	env, err := expr.NewEnv()
	if err != nil {
		return nil, err
	}
	return session.New(session.Options{Namespaces: c.Sessions, Conditions: env, Now: now, Meter: uncounted{}, Logger: log})
}

// uncounted is a session.Meter that counts nothing.
type uncounted struct{}

// JWTVerified implements session.Meter.
func (uncounted) JWTVerified(error) {}

// TokenIntrospected implements session.Meter.
func (uncounted) TokenIntrospected(error) {}

// Claims are those of a good token at a moment, with changes; nil takes one out.
func Claims(now time.Time, changes map[string]any) map[string]any {
	all := map[string]any{
		"sub": "user-1", "aud": Audience, "iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	for name, value := range changes {
		if all[name] = value; value == nil {
			delete(all, name)
		}
	}
	return all
}
