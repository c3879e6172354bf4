// SPDX-License-Identifier: Apache-2.0

package routing_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/routing"
)

// What random routes and requests are made of. Few words, so that they meet.
var (
	templateWords = []string{"a", "b", "a.b", "é", "{x%d}", "{x%d}", "{x%d}"}
	routeHosts    = []string{"", "", "h", "a.h", "b.a.h"}
	requestHosts  = []string{"h", "a.h", "A.H.", "b.a.h:80", "c.a.h", "x", "h:", "[::1]", "", ".h", "a..h"}
	routeMethods  = []string{"GET", "GET", "HEAD", "PUT"}
	asked         = []string{"GET", "GET", "HEAD", "HEAD", "PUT", "DELETE", "get", ""}
	pathWords     = []string{
		"a", "a", "b", "b", "c", "a.b", "%61", "%62", "é", "%C3%A9", "%c3%a9", "%C3", "a%20b", "%7Bx%7D", "...", "%25", "%252e",
		".", "..", "%2e", "%2E.", "", "%2F", "a%5cb", `\`, ";v=1", "%3b", "%zz", "%", "?", "#", " ", "%00", "%7f", "%c2%80", "\xff",
	}
)

// usual is how many of the words of a path are nothing special.
const usual = 10

func pick(random *rand.Rand, words []string) string { return words[random.IntN(len(words))] }

// randomRoutes returns up to six claims.
func randomRoutes(t *testing.T, random *rand.Rand) []*routing.Claim {
	t.Helper()
	var lines []string
	for range 1 + random.IntN(6) {
		line := pick(random, routeMethods) + " " + pick(random, routeHosts)
		for n := 1 + random.IntN(3); n > 0; n-- {
			word := pick(random, templateWords)
			if strings.Contains(word, "%") {
				word = fmt.Sprintf(word, n)
			}
			line += "/" + word
		}
		line += pick(random, []string{"", "", "", "/", "/{r...}"}) + " " + pick(random, []string{"t", "t", "u"}) + " " + pick(random, []string{"read", "write"})
		lines = append(lines, line+pick(random, []string{"", "", "", "", " void"}))
	}
	return claims(t, lines...)
}

// randomRequest returns a request, mostly one for a route: its method and its host, its
// path with words for the captures, and perhaps one of them in the place of another.
func randomRequest(random *rand.Rand, all []*routing.Claim) *authz.HTTPRequest {
	c := all[random.IntN(len(all))]
	r := &authz.HTTPRequest{Method: c.Method, Host: c.Host}
	for part := range strings.SplitSeq(c.Path.String()[1:], "/") {
		words := pathWords[:usual]
		if random.IntN(12) == 0 {
			words = pathWords
		}
		if captures := strings.HasPrefix(part, "{"); captures && random.IntN(9) > 0 || !captures && random.IntN(9) == 0 {
			part = pick(random, words)
		}
		r.Path += "/" + part
	}
	r.Path += pick(random, []string{"", "", "", "", "", "/", "//"})
	if random.IntN(3) == 0 {
		r.Method = pick(random, asked)
	}
	if r.Host == "" || random.IntN(3) == 0 {
		r.Host = pick(random, requestHosts)
	}
	return r
}

// TestRandomRequests holds the table to the simple matcher: methods, hosts, and paths
// with all that somebody reads in another way.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	outcomes := map[authz.RouteOutcome]int{}
	for range 1500 {
		all := randomRoutes(t, random)
		table := routing.New(all)
		for range 10 {
			m := compare(t, table, all, randomRequest(random, all))
			outcomes[m.Outcome]++
		}
	}
	for _, o := range []authz.RouteOutcome{authz.RouteNone, authz.RouteFound, authz.RouteContested, authz.RouteUnclear} {
		if outcomes[o] < 500 {
			t.Errorf("only %d of the requests are %v: %v", outcomes[o], o, outcomes)
		}
	}
}
