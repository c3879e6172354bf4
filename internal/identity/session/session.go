// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/identity/jwt"
)

// Options are what Sessions need.
type Options struct {
	// Namespaces are the `sessions` of a valid configuration whose defaults are
	// filled in.
	Namespaces []configv1alpha1.NamespaceSessions
	// Conditions compiles the rules about subjects.
	Conditions *expr.Env
	// Now is the clock.
	Now func() time.Time
	// Meter counts verifications.
	Meter Meter
	// Logger hears of servers that are out of reach, never of tokens.
	Logger logr.Logger
}

// Meter counts what comes of tokens: nil for one that proves a session, a
// *door.Error with the status 401 for one that proves nothing, and any other error
// if nobody knows. Its methods are safe for concurrent use.
type Meter interface {
	// JWTVerified counts a signed token.
	JWTVerified(err error)
	// TokenIntrospected counts an opaque one.
	TokenIntrospected(err error)
}

// Sessions implements door.Sessions. It is safe for concurrent use.
type Sessions struct {
	meter      Meter
	namespaces map[string]*namespace
}

// namespace is whom one namespace trusts.
type namespace struct {
	now      func() time.Time
	verifier *jwt.Verifier
	// rules are those of the verifier's issuers.
	rules []*rules
	// introspection is nil if there is no endpoint.
	introspection *introspection
}

var _ door.Sessions = (*Sessions)(nil)

// New compiles a configuration. It calls nobody yet. The error names the field.
func New(o Options) (*Sessions, error) {
	c, err := newCompiler(o.Conditions)
	if err != nil {
		return nil, err
	}
	s := &Sessions{meter: o.Meter, namespaces: map[string]*namespace{}}
	for i := range o.Namespaces {
		from := &o.Namespaces[i]
		n, err := c.namespace(&o, from, field.NewPath("sessions").Index(i))
		if err != nil {
			return nil, err
		}
		s.namespaces[from.Namespace] = n
	}
	return s, nil
}

func (c *compiler) namespace(o *Options, from *configv1alpha1.NamespaceSessions, path *field.Path) (*namespace, error) {
	n := &namespace{now: o.Now}
	log := o.Logger.WithValues("namespace", from.Namespace)
	var issuers []configv1alpha1.Issuer
	for i := range from.JWT {
		issuers = append(issuers, from.JWT[i].Issuer)
		r, err := c.rules(path.Child("jwt").Index(i), &from.JWT[i].SubjectRules)
		if err != nil {
			return nil, err
		}
		n.rules = append(n.rules, r)
	}
	var err error
	n.verifier, err = jwt.New(jwt.Options{
		Issuers: issuers, Now: o.Now, Logger: log,
		Path: func(i int) *field.Path { return path.Child("jwt").Index(i).Child("issuer") },
	})
	if err != nil || from.Introspection == nil {
		return n, err
	}
	r, err := c.rules(path.Child("introspection"), &from.Introspection.SubjectRules)
	if err != nil {
		return nil, err
	}
	n.introspection = newIntrospection(from.Introspection, r, o.Now, log)
	return n, nil
}

// Run keeps the keys of all issuers fresh until ctx ends, and returns nil.
func (s *Sessions) Run(ctx context.Context) error {
	var all errgroup.Group
	for _, n := range s.namespaces {
		all.Go(func() error { return n.verifier.Run(ctx) })
	}
	return all.Wait()
}

// KeyStates returns what is known of the keys of all issuers, by namespace.
func (s *Sessions) KeyStates() map[string][]jwt.KeyState {
	all := make(map[string][]jwt.KeyState, len(s.namespaces))
	for name, n := range s.namespaces {
		all[name] = n.verifier.KeyStates()
	}
	return all
}

// JWT implements door.Sessions.
func (s *Sessions) JWT(ctx context.Context, name, token string) (*door.Session, error) {
	session, err := s.jwt(ctx, name, token)
	s.meter.JWTVerified(err)
	return session, err
}

func (s *Sessions) jwt(ctx context.Context, name, token string) (*door.Session, error) {
	n := s.namespaces[name]
	if n == nil || len(n.rules) == 0 {
		return nil, untrusting(name, "jwt")
	}
	t, err := n.verifier.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	subject, err := n.rules[t.Index].subject(t.Claims, n.now())
	if err != nil {
		return nil, err
	}
	return &door.Session{
		Subject: subject, Issuer: t.Issuer, IssuedAt: t.IssuedAt, ExpiresAt: t.ExpiresAt, Claims: t.Claims,
	}, nil
}

// Opaque implements door.Sessions.
func (s *Sessions) Opaque(ctx context.Context, name, token string) (*door.Session, error) {
	session, err := s.opaque(ctx, name, token)
	s.meter.TokenIntrospected(err)
	return session, err
}

func (s *Sessions) opaque(ctx context.Context, name, token string) (*door.Session, error) {
	n := s.namespaces[name]
	if n == nil || n.introspection == nil {
		return nil, untrusting(name, "introspection")
	}
	return n.introspection.session(ctx, token)
}

// Keys implements door.Sessions.
func (s *Sessions) Keys(ctx context.Context, name string) ([]json.RawMessage, error) {
	n := s.namespaces[name]
	if n == nil || len(n.rules) == 0 {
		return nil, untrusting(name, "jwt")
	}
	return n.verifier.Keys(ctx)
}

// untrusting is the error for a token that nobody here could judge.
func untrusting(name, kind string) error {
	return jwt.Invalid(fmt.Sprintf("cannot count: namespace %q trusts no issuer of such tokens; "+
		"name one in the server's configuration under sessions[].%s, or name the subject instead", name, kind))
}
