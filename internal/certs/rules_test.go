// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// day is what the tests count in. The rules are those of the defaults.
const day = 24 * time.Hour

const (
	validity          = 90 * day
	authorityValidity = 5 * 365 * day
	overlap           = 7 * day
)

var epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

func testRules() rules {
	return rules{names: []string{"rolecall.test"}, validity: validity, authorityValidity: authorityValidity, overlap: overlap}
}

// never is when an authority is published that is not.
const never = time.Duration(1<<63 - 1)

// given is an authority that there is; times are counted from the epoch.
type given struct {
	made, published time.Duration
	keyless         bool
}

// shown is a certificate, by the place of its authority.
type shown struct {
	by   int
	made time.Duration
	name string
}

// state builds what there is.
func state(t *testing.T, r rules, authorities []given, leafs ...shown) (set, map[string]time.Time) {
	t.Helper()
	var s set
	published := make(map[string]time.Time)
	for _, g := range authorities {
		a, err := newAuthority(epoch.Add(g.made), r.authorityValidity)
		if err != nil {
			t.Fatal(err)
		}
		s.authorities = append(s.authorities, a)
		if g.published != never {
			published[a.id()] = epoch.Add(g.published)
		}
	}
	for i, l := range leafs {
		names := r.names
		if l.name != "" {
			names = []string{l.name}
		}
		c, err := s.authorities[l.by].sign(names, epoch.Add(l.made), r.validity)
		if err != nil {
			t.Fatal(err)
		}
		if i < len(leafs)-1 {
			s.past = append(s.past, c.cert)
		} else {
			s.leaf = c
		}
	}
	for i, g := range authorities {
		if g.keyless {
			s.authorities[i].key = nil
		}
	}
	return s, published
}

// describe tells a set: its authorities by their place in the one before or N for a
// new one, in capitals if they have a key; then whose the leaf is and whether it is
// new, and whose the past ones are.
func describe(before, after *set) string {
	name := func(a *authority) string {
		for i := range before.authorities {
			if before.authorities[i].cert.Equal(a.cert) {
				return string(rune('a' + i))
			}
		}
		return "n"
	}
	var text strings.Builder
	for i := range after.authorities {
		n := name(&after.authorities[i])
		if after.authorities[i].key != nil {
			n = strings.ToUpper(n)
		}
		text.WriteString(n)
	}
	age := "new"
	if before.leaf != nil && before.leaf.cert.Equal(after.leaf.cert) {
		age = "old"
	}
	fmt.Fprintf(&text, ", %s leaf of %s", age, name(&after.authorities[after.issuer()]))
	for _, c := range after.past {
		text.WriteString(", past of " + name(&after.authorities[after.signerOf(c)]))
	}
	return text.String()
}

// TestRules is every state of old authority, new authority and leaf, at the times at
// which something is to happen and just before.
func TestRules(t *testing.T) {
	const (
		second  = time.Second
		due     = 60 * day                  // two thirds of a leaf
		end     = validity                  // of it
		nearEnd = validity - time.Hour      // as good as ended
		half    = authorityValidity * 2 / 3 // of an authority: two thirds
		rest    = authorityValidity
	)
	a, b := given{}, given{made: half, published: half}
	tests := map[string]struct {
		authorities []given
		leafs       []shown
		at          time.Duration
		want        string
	}{
		"nothing":                               {nil, nil, 0, "N, new leaf of n"},
		"an authority alone":                    {[]given{a}, nil, 0, "A, new leaf of a"},
		"all is well":                           {[]given{a}, []shown{{0, 0, ""}}, 0, "A, old leaf of a"},
		"just before the leaf is due":           {[]given{a}, []shown{{0, 0, ""}}, due - second, "A, old leaf of a"},
		"the leaf is due":                       {[]given{a}, []shown{{0, 0, ""}}, due, "A, new leaf of a, past of a"},
		"the leaf has ended":                    {[]given{a}, []shown{{0, 0, ""}}, end + skew, "A, new leaf of a"},
		"other names":                           {[]given{a}, []shown{{0, 0, "other.test"}}, 0, "A, new leaf of a, past of a"},
		"a leaf of a clock that was ahead":      {[]given{a}, []shown{{0, 2 * skew, ""}}, 0, "A, new leaf of a, past of a"},
		"clocks an hour apart":                  {[]given{a}, []shown{{0, skew, ""}}, 0, "A, old leaf of a"},
		"an authority without a key":            {[]given{{keyless: true}}, []shown{{0, 0, ""}}, 0, "aN, old leaf of a"},
		"the same, and the leaf is due":         {[]given{{keyless: true}, {made: due, published: due}}, []shown{{0, 0, ""}}, due + day, "aB, old leaf of a"},
		"the same, published for long":          {[]given{{keyless: true}, {made: day, published: day}}, []shown{{0, 0, ""}}, due, "aB, new leaf of b, past of a"},
		"the same, and it is late":              {[]given{{keyless: true}, {made: nearEnd - day, published: nearEnd - day}}, []shown{{0, 0, ""}}, nearEnd, "aB, new leaf of b, past of a"},
		"the same, a second before":             {[]given{{keyless: true}, {made: nearEnd - day, published: nearEnd - day}}, []shown{{0, 0, ""}}, nearEnd - second, "aB, old leaf of a"},
		"just before a successor is due":        {[]given{a}, []shown{{0, half - day, ""}}, half - second, "A, old leaf of a"},
		"a successor is due":                    {[]given{a}, []shown{{0, half - day, ""}}, half, "AN, old leaf of a"},
		"a successor and a leaf are due":        {[]given{a}, []shown{{0, half - due, ""}}, half, "AN, new leaf of a, past of a"},
		"a new authority waits":                 {[]given{a, b}, []shown{{0, half - due, ""}}, half + overlap - second, "AB, new leaf of a, past of a"},
		"a new authority that is not published": {[]given{a, {made: half, published: never}}, []shown{{0, half - due, ""}}, half + 30*day, "AB, new leaf of a, past of a"},
		"one that lost its publication":         {[]given{a, {made: half, published: half + 29*day}}, []shown{{0, half - due, ""}}, half + 30*day, "AB, new leaf of a, past of a"},
		"a new authority may sign":              {[]given{a, b}, []shown{{0, half - due, ""}}, half + overlap, "aB, new leaf of b, past of a"},
		"it may, and nothing is due":            {[]given{a, b}, []shown{{0, half, ""}}, half + overlap, "AB, old leaf of a"},
		"the old one stays for what it signed":  {[]given{a, b}, []shown{{0, half, ""}, {1, half + due, ""}}, half + end, "aB, old leaf of b, past of a"},
		"and as long as clocks are apart":       {[]given{a, b}, []shown{{0, half, ""}, {1, half + due, ""}}, half + end + skew - second, "aB, old leaf of b, past of a"},
		"then it goes":                          {[]given{a, b}, []shown{{0, half, ""}, {1, half + due, ""}}, half + end + skew, "B, old leaf of b"},
		"it does not sign again":                {[]given{a, b}, []shown{{0, half, ""}, {1, half, ""}}, half + due, "aB, new leaf of b, past of a, past of b"},
		"an authority near its end":             {[]given{a, {made: half, published: never}}, []shown{{0, rest - day, ""}}, rest - time.Hour, "aB, new leaf of b, past of a"},
		"a leaf that would end no later":        {[]given{a, {made: half, published: never}}, []shown{{0, rest - day, ""}}, rest - 2*time.Hour, "AB, old leaf of a"},
		"both authorities have ended":           {[]given{a, b}, []shown{{1, half, ""}}, rest + half + skew, "N, new leaf of n"},
		"an authority of a clock ahead":         {[]given{{made: day}}, []shown{{0, day, ""}}, 0, "NA, new leaf of n, past of a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := testRules()
			before, published := state(t, r, tt.authorities, tt.leafs...)
			after, err := r.next(before, published, epoch.Add(tt.at))
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(&before, &after); got != tt.want {
				t.Errorf("%s; want %s", got, tt.want)
			}
			again, err := r.next(after, published, epoch.Add(tt.at))
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(&after, &again); !strings.Contains(got, "old leaf") || len(again.authorities) != len(after.authorities) {
				t.Errorf("looking twice makes more: %s", got)
			}
		})
	}
}

// TestShorterValidity: a configuration that shortens a life shortens that of what
// there is, so that everything can be renewed without a hole.
func TestShorterValidity(t *testing.T) {
	r := testRules()
	before, published := state(t, r, []given{{}}, shown{0, 0, ""})
	r.validity, r.authorityValidity = 30*day, 365*day
	for at, want := range map[time.Duration]string{
		20*day - time.Second: "A, old leaf of a",
		20 * day:             "A, new leaf of a, past of a",
	} {
		after, err := r.next(before, published, epoch.Add(at))
		if got := describe(&before, &after); err != nil || got != want {
			t.Errorf("after %s: %s, error %v; want %s", at, got, err, want)
		}
	}
	twice := before
	for _, at := range []time.Duration{20 * day, 40 * day} {
		var err error
		if twice, err = r.next(twice, published, epoch.Add(at)); err != nil {
			t.Fatal(err)
		}
	}
	if len(twice.past) != 1 || !twice.past[0].NotAfter.Equal(epoch.Add(validity)) {
		t.Errorf("what ends last is forgotten: %d are remembered, the first ends at %s", len(twice.past), twice.past[0].NotAfter)
	}
	after, err := r.next(before, published, epoch.Add(365*day*2/3))
	if got := describe(&before, &after); err != nil || !strings.HasPrefix(got, "AN") {
		t.Errorf("the authority is due: %s, error %v", got, err)
	}
}

// TestLeaf is what the certificates say.
func TestLeaf(t *testing.T) {
	r := testRules()
	r.names = []string{"rolecall.rolecall-system.svc", "*.example.test"}
	s, err := r.next(set{}, nil, epoch)
	if err != nil {
		t.Fatal(err)
	}
	ca, c := s.authorities[0].cert, s.leaf.cert
	if !ca.IsCA || c.IsCA || ca.PublicKeyAlgorithm.String() != "ECDSA" || c.PublicKeyAlgorithm.String() != "ECDSA" {
		t.Errorf("authority %v (CA %v), leaf %v (CA %v)", ca.PublicKeyAlgorithm, ca.IsCA, c.PublicKeyAlgorithm, c.IsCA)
	}
	if !c.NotBefore.Equal(epoch.Add(-skew)) || !c.NotAfter.Equal(epoch.Add(validity)) || !ca.NotAfter.Equal(epoch.Add(authorityValidity)) {
		t.Errorf("leaf from %s to %s, authority to %s", c.NotBefore, c.NotAfter, ca.NotAfter)
	}
	for name, want := range map[string]bool{"rolecall.rolecall-system.svc": true, "a.example.test": true, "example.test": false, "rolecall": false} {
		if err := c.VerifyHostname(name); (err == nil) != want {
			t.Errorf("%s: %v, want %t", name, err, want)
		}
	}
}
