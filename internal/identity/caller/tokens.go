// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/jwt"
)

// tokens admits those who have a signed token with OAuth scopes.
type tokens struct {
	config   []configv1alpha1.JWTCallers
	verifier *jwt.Verifier
	now      func() time.Time
	hasher   *hasher
	// verified are the tokens that were good a moment ago, by the digest of all
	// their bytes: one that differs in a single one of them is verified.
	verified *table
}

// verifiedTTL is how long a token that was verified is not verified again.
const verifiedTTL = 10 * time.Second

func newTokens(c []configv1alpha1.JWTCallers, o Options) (*tokens, error) {
	issuers := make([]configv1alpha1.Issuer, len(c))
	for i := range c {
		issuers[i] = c[i].Issuer
	}
	v, err := jwt.New(jwt.Options{
		Issuers: issuers, Now: o.Now, Logger: o.Logger,
		Path: func(i int) *field.Path { return field.NewPath("callers", "jwt").Index(i).Child("issuer") },
	})
	if err != nil {
		return nil, err
	}
	return &tokens{config: c, verifier: v, now: o.Now, hasher: newHasher(), verified: new(table)}, nil
}

// issued reports whether a token says that it is from one of the issuers, so
// that it is for these to verify.
func (s *tokens) issued(token string) bool {
	if s.verified.get(s.hasher.sum(token)) != nil {
		return true
	}
	c, ok := decodeClaims(token)
	return ok && slices.ContainsFunc(s.config, func(j configv1alpha1.JWTCallers) bool { return j.Issuer.URL == c.Issuer })
}

// admit lets the bearer of a token in.
func (s *tokens) admit(ctx context.Context, token, namespace string, p door.Permission) (door.Caller, error) {
	key := s.hasher.sum(token)
	now := s.now()
	e := s.verified.get(key)
	if e == nil || !now.Before(e.until) {
		var err error
		if e, err = s.verify(ctx, token, now); err != nil {
			return door.Caller{}, err
		}
		e.key = key
		s.verified.put(e, now)
	}
	if !e.grant.allows(namespace, p) {
		return door.Caller{}, insufficient(e.caller.Name, namespace, p)
	}
	return e.caller, nil
}

func (s *tokens) verify(ctx context.Context, token string, now time.Time) (*entry, error) {
	proven, err := s.verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	c := &s.config[proven.Index]
	bearer, ok := proven.Claims[c.NameClaim].(string)
	if !ok || bearer == "" {
		return nil, invalid("the token does not say whose it is: " + c.NameClaim + " must be a string")
	}
	g := &grant{namespaces: make(map[string]bool), permissions: make(map[door.Permission]bool)}
	scopes, err := words(proven.Claims, c.ScopesClaim)
	if err != nil {
		return nil, err
	}
	for _, scope := range scopes {
		if p, ok := permissionOf(scope); ok {
			g.permissions[p] = true
		}
	}
	names := c.Namespaces
	g.everywhere = slices.Contains(names, everyNamespace)
	if c.NamespacesClaim != "" {
		if names, err = words(proven.Claims, c.NamespacesClaim); err != nil {
			return nil, err
		}
	}
	for _, n := range names {
		g.namespaces[n] = true
	}
	until := earlier(now.Add(verifiedTTL), proven.ExpiresAt)
	return &entry{
		caller: door.Caller{Name: proven.Issuer + "#" + bearer, Method: MethodJWT}, grant: g, until: until, lapses: until,
	}, nil
}

// words reads a claim that is a list: of strings, or of words in one string.
func words(claims map[string]any, name string) ([]string, error) {
	switch v := claims[name].(type) {
	case nil:
		return nil, nil
	case string:
		return strings.Fields(v), nil
	case []any:
		all := make([]string, len(v))
		for i, element := range v {
			text, ok := element.(string)
			if !ok {
				return nil, invalid("the token is not valid: " + name + " must be a string or a list of strings")
			}
			all[i] = text
		}
		return all, nil
	}
	return nil, invalid("the token is not valid: " + name + " must be a string or a list of strings")
}

// scopes are the OAuth scopes of the permissions.
func scopes() map[door.Permission]string {
	return map[door.Permission]string{
		door.PermissionCheck:   "authz:check",
		door.PermissionSearch:  "authz:search",
		door.PermissionExplain: "authz:explain",
		door.PermissionPolicy:  "authz:policy",
	}
}

func permissionOf(scope string) (door.Permission, bool) {
	for p, s := range scopes() {
		if s == scope {
			return p, true
		}
	}
	return "", false
}

// insufficient refuses a token that is good and does not give the right (RFC 6750,
// section 3.1).
func insufficient(bearer, namespace string, p door.Permission) *door.Error {
	scope := scopes()[p]
	e := forbidden(bearer, namespace, p, "its token needs the scope "+scope+" and the namespace")
	e.Challenge = fmt.Sprintf("%s, error=%q, scope=%q", challenge, "insufficient_scope", scope)
	return e
}
