// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto/x509"
	"slices"
	"time"
)

// rules say what there has to be at a time. They are a pure function, but for the
// keys that it makes.
type rules struct {
	names                                []string
	validity, authorityValidity, overlap time.Duration
}

// last is the end of a certificate's life in which it is as good as gone: in which
// any other is better than none.
func (r *rules) last() time.Duration { return min(r.validity/10, time.Hour) }

// next returns what there has to be now in place of s. published says since when
// each authority is published, by its id.
func (r *rules) next(s set, published map[string]time.Time, now time.Time) (set, error) {
	s = s.prune(now)
	if r.authorityDue(&s, now) {
		a, err := newAuthority(now, r.authorityValidity)
		if err != nil {
			return s, err
		}
		s.authorities = append(s.authorities, a)
		s.sort() // a clock that was ahead may have left one of later
	}
	signer := r.signer(&s, published, now)
	if signer == nil {
		return s, nil
	}
	fresh, err := signer.sign(r.names, now, r.validity)
	if err != nil {
		return s, err
	}
	if s.leaf != nil {
		s.past = append(s.past, s.leaf.cert)
	}
	s.leaf = fresh
	return s.prune(now), nil
}

// canSign reports whether an authority may sign: it has its key, and is valid for a
// while yet.
func (r *rules) canSign(a *authority, now time.Time) bool {
	return a.key != nil && validAt(a.cert, now) && now.Before(a.cert.NotAfter.Add(-r.last()))
}

// authorityDue reports whether another authority is to be made: there is none that
// can sign, or two thirds of the newest one's life are over.
func (r *rules) authorityDue(s *set, now time.Time) bool {
	for i := len(s.authorities) - 1; i >= 0; i-- {
		if a := &s.authorities[i]; r.canSign(a, now) {
			return !now.Before(twoThirds(a.cert, r.authorityValidity))
		}
	}
	return true
}

// need is how much another leaf is needed.
type need uint8

const (
	content need = iota
	// should: it is time, and there is time.
	should
	// must: nothing could be worse than what there is.
	must
)

func (r *rules) need(s *set, now time.Time) need {
	switch {
	case s.issuer() < 0, !validAt(s.leaf.cert, now), !now.Before(s.leaf.cert.NotAfter.Add(-r.last())):
		return must
	case !r.named(s.leaf.cert), !now.Before(twoThirds(s.leaf.cert, r.validity)):
		return should
	}
	return content
}

func (r *rules) named(c *x509.Certificate) bool {
	return slices.Equal(slices.Sorted(slices.Values(c.DNSNames)), slices.Sorted(slices.Values(r.names)))
}

// signer returns the authority that is to sign another leaf now; nil if there is
// none to be signed. It is one that clients trust already; only if nothing else is
// left it is one that they may not know yet.
func (r *rules) signer(s *set, published map[string]time.Time, now time.Time) *authority {
	need := r.need(s, now)
	if need == content {
		return nil
	}
	trusted, oldest := r.signers(s, published, now)
	switch {
	case trusted == nil && need == must:
		return oldest
	case trusted == nil:
		return nil
	case need == should && r.named(s.leaf.cert) && !s.leaf.cert.NotAfter.Before(trusted.cert.NotAfter):
		return nil // another would end no later: with the authority
	}
	return trusted
}

// signers returns, of the authorities that can sign, the newest that clients trust,
// because it was published for the overlap or they see its certificate, and the
// oldest; nil if there is none.
func (r *rules) signers(s *set, published map[string]time.Time, now time.Time) (trusted, oldest *authority) {
	issuer := s.issuer()
	for i := range s.authorities {
		a := &s.authorities[i]
		if !r.canSign(a, now) {
			continue
		}
		since, known := published[a.id()]
		if i == issuer || known && !now.Before(since.Add(r.overlap)) {
			trusted = a
		}
		if oldest == nil {
			oldest = a
		}
	}
	return trusted, oldest
}

// prune returns the set without what nobody needs any more: authorities that have
// ended, those before the leaf's that have signed nothing which is still valid, and
// the keys of all before it.
func (s set) prune(now time.Time) set {
	gone := func(c *x509.Certificate) bool { return !now.Before(c.NotAfter.Add(skew)) }
	s.authorities = slices.DeleteFunc(slices.Clone(s.authorities), func(a authority) bool { return gone(a.cert) })
	s.past = s.longest(slices.DeleteFunc(slices.Clone(s.past), gone))
	issuer := s.issuer()
	var kept []authority
	for i, a := range s.authorities {
		if i < issuer {
			a.key = nil
		}
		if i >= issuer || slices.ContainsFunc(s.past, a.signed) {
			kept = append(kept, a)
		}
	}
	s.authorities = kept
	return s
}

// longest returns of each authority the certificate that ends last.
func (s *set) longest(certs []*x509.Certificate) []*x509.Certificate {
	best := make(map[int]*x509.Certificate)
	for _, c := range certs {
		if i := s.signerOf(c); i >= 0 && (best[i] == nil || c.NotAfter.After(best[i].NotAfter)) {
			best[i] = c
		}
	}
	var all []*x509.Certificate
	for i := range s.authorities {
		if best[i] != nil {
			all = append(all, best[i])
		}
	}
	return all
}
