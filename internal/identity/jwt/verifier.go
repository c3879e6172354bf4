// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apimachinery/pkg/util/wait"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

// Options are what a Verifier needs.
type Options struct {
	// Issuers are those that are trusted, valid and with their defaults filled in.
	// No two have the same URL.
	Issuers []configv1alpha1.Issuer
	// Path is where in the configuration issuer i stands.
	Path func(i int) *field.Path
	// Now is the clock.
	Now func() time.Time
	// Logger hears when keys cannot be fetched, and when they can again.
	Logger logr.Logger
}

// Token is what a signed token proves.
type Token struct {
	// Issuer is who issued it, and Index which of Options.Issuers that is.
	Issuer string
	Index  int
	// Validity is when it is valid. ExpiresAt is never zero.
	Validity
	// Claims are all claims, with values as of encoding/json.
	Claims map[string]any
}

// Verifier verifies the tokens of some issuers. It is safe for concurrent use.
type Verifier struct {
	now     func() time.Time
	issuers map[string]*issuer
	// ordered are the issuers as configured.
	ordered []*issuer
}

// issuer is an issuer and the keys that it has.
type issuer struct {
	index  int
	config *configv1alpha1.Issuer
	keys   *keySet
}

// New returns a verifier. It fetches nothing yet. Its error is one of the
// configuration and names the field.
func New(o Options) (*Verifier, error) {
	v := &Verifier{now: o.Now, issuers: map[string]*issuer{}}
	for n := range o.Issuers {
		config := &o.Issuers[n]
		keys, err := newKeySet(config, o.Path(n), o.Now, o.Logger)
		if err != nil {
			return nil, err
		}
		i := &issuer{index: n, config: config, keys: keys}
		v.issuers[config.URL] = i
		v.ordered = append(v.ordered, i)
	}
	return v, nil
}

// Verify verifies a token. Its error is a *door.Error: with the status 401 for a
// token that proves nothing, and 503 if the keys to verify it are out of reach.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	p, err := parse(token)
	if err != nil {
		return nil, err
	}
	i := v.issuers[p.issuer]
	if i == nil {
		return nil, Invalid("is from an issuer that is not trusted here")
	}
	if err := i.allows(p); err != nil {
		return nil, err
	}
	if err := i.keys.verify(ctx, p); err != nil {
		return nil, err
	}
	validity, err := i.check(p.claims, v.now())
	if err != nil {
		return nil, err
	}
	return &Token{Issuer: p.issuer, Index: i.index, Validity: validity, Claims: p.claims}, nil
}

// allows looks at what the header says of itself.
func (i *issuer) allows(p *parsed) error {
	if !slices.Contains(i.config.Algorithms, p.header.Algorithm) {
		return Invalid("is not signed with an algorithm that its issuer may use; algorithms of the issuer's configuration says which")
	}
	if !i.takesType(p.header.ExtraHeaders["typ"]) {
		return Invalid("is not of a type that counts here; types of the issuer's configuration says which do")
	}
	return nil
}

// takesType compares a typ header (RFC 7515, section 4.1.9), which is a media type
// whose `application/` may be left out.
func (i *issuer) takesType(value any) bool {
	if value == nil {
		return len(i.config.Types) == 0
	}
	typ, ok := value.(string)
	if !ok {
		return false
	}
	typ = strings.ToLower(typ)
	typ = strings.TrimPrefix(typ, "application/")
	if len(i.config.Types) == 0 {
		return typ == "jwt"
	}
	return slices.ContainsFunc(i.config.Types, func(t string) bool { return strings.EqualFold(t, typ) })
}

// check looks at the claims of a token whose signature is good.
func (i *issuer) check(claims map[string]any, now time.Time) (Validity, error) {
	validity, err := ValidityOf(claims)
	if err != nil {
		return validity, err
	}
	if validity.ExpiresAt.IsZero() {
		return validity, Invalid("does not say when it ends: exp is required")
	}
	if err := validity.Check(now, i.config.Leeway.Duration); err != nil {
		return validity, err
	}
	return validity, CheckAudience(claims, i.config.Audiences)
}

// Keys returns the public keys that are trusted now, each a JSON Web Key (RFC
// 7517). Those of an issuer whose keys are out of reach are missing; that there are
// none at all is a *door.Error with the status 503.
func (v *Verifier) Keys(ctx context.Context) ([]json.RawMessage, error) {
	var all []json.RawMessage
	for _, i := range v.ordered {
		all = append(all, i.keys.published(ctx)...)
	}
	if len(all) == 0 {
		return nil, &door.Error{
			Status: http.StatusServiceUnavailable, Message: "the keys of the trusted issuers are out of reach; try again", Err: errNoKeys,
		}
	}
	return all, nil
}

// KeyStates returns what is known of the keys of all issuers, in the order of the
// configuration. It asks nobody.
func (v *Verifier) KeyStates() []KeyState {
	all := make([]KeyState, len(v.ordered))
	for n, i := range v.ordered {
		all[n] = i.keys.state()
		all[n].Issuer = i.config.URL
	}
	return all
}

// Run keeps the keys fresh until ctx ends, and returns nil.
func (v *Verifier) Run(ctx context.Context) error {
	wait.UntilWithContext(ctx, v.Refresh, refreshPause)
	return nil
}

// Refresh fetches the keys that are due, those of all issuers at the same time.
func (v *Verifier) Refresh(ctx context.Context) {
	var all errgroup.Group
	for _, i := range v.ordered {
		all.Go(func() error {
			i.keys.refreshDue(ctx)
			return nil
		})
	}
	_ = all.Wait() // none fails
}
