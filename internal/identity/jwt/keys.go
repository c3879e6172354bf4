// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-logr/logr"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/identity/outbound"
)

// refreshPause is the least time between two fetches of an issuer's keys, whoever
// wants them: tokens with made up keys cannot make us ask more often.
const refreshPause = 10 * time.Second

// keySet are the keys of one issuer. Reading them takes no lock.
type keySet struct {
	fetcher *fetcher // nil if the keys are in the configuration
	refresh time.Duration
	maxAge  time.Duration
	now     func() time.Time
	contact outbound.Contact

	current atomic.Pointer[fetched]
	flight  singleflight.Group

	mu sync.Mutex
	// tried is when keys were fetched last, or in vain with the error err.
	tried time.Time
	err   error
}

// fetched are keys and when they were fetched.
type fetched struct {
	keys []jose.JSONWebKey
	at   time.Time
}

func newKeySet(c *configv1alpha1.Issuer, path *field.Path, now func() time.Time, log logr.Logger) (*keySet, error) {
	s := &keySet{
		now: now, contact: outbound.Contact{Logger: log.WithValues("keysOf", c.URL)},
		refresh: c.KeyRefreshInterval.Duration, maxAge: c.MaxKeyAge.Duration,
	}
	if c.JWKS == "" {
		s.fetcher = newFetcher(c)
		return s, nil
	}
	keys, err := decodeKeys([]byte(c.JWKS))
	if err != nil {
		return nil, field.Invalid(path.Child("jwks"), "", err.Error())
	}
	s.current.Store(&fetched{keys: keys, at: now()})
	return s, nil
}

// verify makes sure that one of the keys has signed a token.
func (s *keySet) verify(ctx context.Context, p *parsed) error {
	known := s.fresh()
	if fits(known, p) && signedBy(known, p) {
		return nil
	}
	// A key that the token names and that is known has not signed it. Without a
	// name, a new key may have.
	if s.fetcher == nil || (p.header.KeyID != "" && fits(known, p)) {
		return notSigned(known, p)
	}
	if err := s.fetch(ctx); err != nil {
		return Unverifiable("the keys of its issuer are out of reach", err)
	}
	known = s.fresh()
	if signedBy(known, p) {
		return nil
	}
	return notSigned(known, p)
}

func notSigned(keys []jose.JSONWebKey, p *parsed) error {
	if !fits(keys, p) {
		return Invalid("is not signed by a key that its issuer publishes")
	}
	return Invalid("has a signature that is not good")
}

// fresh returns the keys, unless they are too old to be trusted.
func (s *keySet) fresh() []jose.JSONWebKey {
	f := s.current.Load()
	if f == nil || (s.fetcher != nil && s.now().Sub(f.at) > s.maxAge) {
		return nil
	}
	return f.keys
}

// published returns the keys as they are published.
func (s *keySet) published(ctx context.Context) []json.RawMessage {
	if s.fetcher != nil && len(s.fresh()) == 0 {
		_ = s.fetch(ctx) // the log has heard of it
	}
	var all []json.RawMessage
	for _, key := range s.fresh() {
		if text, err := key.MarshalJSON(); err == nil { // what was decoded can be encoded
			all = append(all, text)
		}
	}
	return all
}

// KeyState is what is known of an issuer's keys.
type KeyState struct {
	// Issuer is whose they are.
	Issuer string
	// Usable is how many there are to verify with now: none once they are too old.
	Usable int
	// FetchedAt is when they were fetched; zero if they never were, or are in the
	// configuration.
	FetchedAt time.Time
}

func (s *keySet) state() KeyState {
	state := KeyState{Usable: len(s.fresh())}
	if f := s.current.Load(); f != nil && s.fetcher != nil {
		state.FetchedAt = f.at
	}
	return state
}

// refreshDue fetches keys that are due.
func (s *keySet) refreshDue(ctx context.Context) {
	if s.fetcher == nil {
		return
	}
	if f := s.current.Load(); f != nil && s.now().Sub(f.at) < s.refresh {
		return
	}
	_ = s.fetch(ctx) // the log has heard of it
}

// fetch fetches the keys, for all who want them at the same time once. If that
// has been tried a moment ago, it returns what came of it.
func (s *keySet) fetch(ctx context.Context) error {
	result := s.flight.DoChan("", func() (any, error) {
		// The others who wait must not depend on who came first.
		return nil, s.fetchOnce(context.WithoutCancel(ctx))
	})
	select {
	case r := <-result:
		return r.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *keySet) fetchOnce(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if !s.tried.IsZero() && now.Sub(s.tried) < refreshPause {
		return s.err
	}
	keys, err := s.fetcher.fetch(ctx)
	s.contact.Report(err)
	s.tried, s.err = now, err
	if err == nil {
		s.current.Store(&fetched{keys: keys, at: now})
	}
	return err
}

// errNoKeys says that a key set holds none to verify with.
var errNoKeys = errors.New("it holds no public key for signatures")
