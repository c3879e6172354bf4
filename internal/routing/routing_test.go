// SPDX-License-Identifier: Apache-2.0

package routing_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/routing"
)

// claims reads lines `METHOD [HOST]/PATH TYPE ACTION`, each of an object of its own
// whose name is the number of the line; a line that ends with `void` is void.
func claims(tb testing.TB, lines ...string) []*routing.Claim {
	tb.Helper()
	var all []*routing.Claim
	for i, line := range lines {
		f := strings.Fields(line)
		host, _, _ := strings.Cut(f[1], "/")
		path, err := routing.Parse(strings.TrimPrefix(f[1], host))
		if err != nil {
			tb.Fatalf("%s: %v", line, err)
		}
		all = append(all, &routing.Claim{
			Route:  routing.Route{Method: f[0], Host: host, Path: path, Type: f[2], Action: f[3]},
			Object: fmt.Sprint(i), Void: len(f) > 4,
		})
	}
	return all
}

// match asks for `METHOD [HOST]/PATH` and renders the answer.
func match(t *routing.Table, request string) string {
	method, target, _ := strings.Cut(request, " ")
	host, path := target, ""
	if i := strings.IndexByte(target, '/'); i >= 0 {
		host, path = target[:i], target[i:]
	}
	var m authz.RouteMatch
	t.Match(&authz.HTTPRequest{Method: method, Host: host, Path: path}, &m)
	return render(&m)
}

func render(m *authz.RouteMatch) string {
	if m.Outcome != authz.RouteFound {
		return m.Outcome.String()
	}
	text := m.Type + " " + m.Action
	for _, c := range m.Captures {
		text += " " + c.Name + "=" + c.Value
	}
	return text
}

// TestMatch: what requests mean by a policy of routes.
func TestMatch(t *testing.T) {
	t.Parallel()
	table := routing.New(claims(t,
		"GET /documents doc list",
		"GET /documents/ doc index",
		"GET /documents/{id} doc read",
		"GET /documents/new doc form",
		"GET /documents/{id}/parts/{part} part read",
		"PUT /documents/{id} doc write",
		"HEAD /documents/new doc probe",
		"GET /files/{id...} file read",
		"GET /files/public/{id...} file look",
		"GET /größe/{id} size read",
		"GET api.example.com/documents/{id} api read",
		"GET /x/{a}/c x one",
		"GET /x/b/{c} x two",
		"GET /y/{a}/c y one",
		"GET /y/b/{c} y two",
		"GET /y/b/c y both",
		"GET /twice/{a} doc read",
		"GET /twice/{b} doc write",
		"GET /agreed/{a} doc read",
		"GET /agreed/{a} doc read void",
		"GET /void/{a} doc read void",
		"GET /{rest...} site read",
	))
	tests := map[string]string{
		"GET h/documents":     "doc list",
		"GET h/documents/":    "doc index",
		"GET h/documents/7":   "doc read id=7",
		"GET h/documents/new": "doc form", // literal before capture
		"GET h/documents/New": "doc read id=New",
		"GET h/Documents/new": "site read rest=Documents/new",
		"PUT h/documents/new": "doc write id=new",
		"put h/documents/new": "NoRoute",
		"DELETE h/documents":  "NoRoute",
		// HEAD is GET where nothing is said of it.
		"HEAD h/documents/7":   "doc read id=7",
		"HEAD h/documents/new": "doc probe",
		// Captures.
		"GET h/documents/7/parts/8":   "part read id=7 part=8",
		"GET h/documents/7/parts/":    "site read rest=documents/7/parts/",
		"GET h/files/a/b/c":           "file read id=a/b/c",
		"GET h/files/":                "file read id=",
		"GET h/files":                 "site read rest=files",
		"GET h/files/public/a/":       "file look id=a/",
		"GET h/":                      "site read rest=",
		"GET h/documents/a%20b":       "doc read id=a b",
		"GET h/documents/%6e%65%77":   "doc form",
		"GET h/files/a%20/b":          "file read id=a /b",
		"GET h/documents/%E2%82%AC":   "doc read id=€",
		"GET h/documents/€":           "doc read id=€",
		"GET h/gr%C3%B6%C3%9Fe/1":     "size read id=1",
		"GET h/documents/100%25":      "doc read id=100%",
		"GET h/documents/...":         "doc read id=...",
		"GET h/documents/a:b@c,d+e=f": "doc read id=a:b@c,d+e=f",
		"GET h/documents/{id}":        "doc read id={id}",
		// Hosts.
		"GET api.example.com/documents/7":      "api read id=7",
		"GET API.Example.COM.:443/documents/7": "api read id=7",
		"GET api.example.com/documents/new":    "api read id=new", // the host goes first
		"GET api.example.com/documents":        "doc list",
		"GET other.example.com/documents/7":    "doc read id=7",
		"GET 10.0.0.1:80/documents/7":          "doc read id=7",
		"GET /documents/7":                     "UnclearPath",
		"GET [::1]:80/documents/7":             "UnclearPath",
		"GET a,b/documents/7":                  "UnclearPath",
		// Who wins if nobody does.
		"GET h/x/b/c":       "RouteContested",
		"GET h/x/a/c":       "x one a=a",
		"GET h/x/b/d":       "x two c=d",
		"GET h/y/b/c":       "y both",
		"GET h/twice/1":     "RouteContested",
		"GET h/agreed/1":    "doc read a=1",
		"GET h/void/1":      "RouteContested",
		"GET h/void/1/more": "site read rest=void/1/more",
		// What can be read in two ways.
		"GET h/documents/a%2Fb":       "UnclearPath",
		"GET h/documents/a%5cb":       "UnclearPath",
		`GET h/documents/a\b`:         "UnclearPath",
		"GET h/documents/../admin":    "UnclearPath",
		"GET h/documents/.":           "UnclearPath",
		"GET h/documents/%2e%2E/x":    "UnclearPath",
		"GET h/documents//7":          "UnclearPath",
		"GET h//documents/7":          "UnclearPath",
		"GET h/documents/7;v=1":       "UnclearPath",
		"GET h/documents/7%3bv=1":     "UnclearPath",
		"GET h/documents/..;/x":       "UnclearPath",
		"GET h/documents/%252e":       "UnclearPath",
		"GET h/documents/a%252Fb":     "UnclearPath",
		"GET h/documents/a%00":        "UnclearPath",
		"GET h/documents/a%0a":        "UnclearPath",
		"GET h/documents/%C2%85":      "UnclearPath",
		"GET h/documents/%zz":         "UnclearPath",
		"GET h/documents/%2":          "UnclearPath",
		"GET h/documents/%ff":         "UnclearPath",
		"GET h/documents/\xff":        "UnclearPath",
		"GET h/documents/%c0%af":      "UnclearPath", // an overlong slash
		"GET h/documents/7#x":         "UnclearPath",
		"GET h/documents/7?x=1":       "UnclearPath",
		"GET h/documents/a b":         "UnclearPath",
		"GET h/documents/a\x7f":       "UnclearPath",
		"GET h":                       "UnclearPath",
		"OPTIONS h*":                  "UnclearPath",
		"GET h/" + longPath:           "site read rest=" + longPath,
		"GET h/documents/" + longPath: "site read rest=documents/" + longPath,
	}
	for request, want := range tests {
		if got := match(table, request); got != want {
			t.Errorf("%q is %q, want %q", request, got, want)
		}
	}
}

// longPath has more segments than a match has room for.
var longPath = strings.Repeat("s/", 500) + "s"

// TestTheEmptyTable: nothing means anything where there are no routes, and a host
// is not asked for.
func TestTheEmptyTable(t *testing.T) {
	t.Parallel()
	for _, table := range []*routing.Table{{}, routing.New(nil), routing.New([]*routing.Claim{{Route: routing.Route{Method: "GET", Type: "t", Action: "a"}}})} {
		if got := match(table, "GET /documents/7"); got != "NoRoute" {
			t.Errorf("got %q", got)
		}
	}
}

// TestParse: templates that are none.
func TestParse(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "a", "//", "/a//b", "/.", "/a/..", "/:id", "/a b", "/a%20b", "/a;b", `/a\b`, "/a?b", "/a#b", "/a*", "/{", "/{}", "/}", "/a{id}",
		"/{id}x", "/{1}", "/{a-b}", "/{a....}", "/{a...}/b", "/{a}/{a}", "/{a}/{a...}", "/a\x7f", "/" + strings.Repeat("a", 512),
	} {
		if got, err := routing.Parse(text); err == nil {
			t.Errorf("%q is a template: %v", text, got)
		}
	}
	for _, text := range []string{"/", "/a", "/a/", "/{_a1}/{b...}", "/a:b", "/.well-known/~x", "/größe", "/" + strings.Repeat("a", 511)} {
		if got, err := routing.Parse(text); err != nil || got.String() != text {
			t.Errorf("%q is %v: %v", text, got, err)
		}
	}
}

// TestOrderMeansNothing: the same claims in any order are the same table.
func TestOrderMeansNothing(t *testing.T) {
	t.Parallel()
	all := claims(t, "GET /a/{x} t one", "GET /a/{x} t one void", "GET /{y}/b t two", "GET /{y}/{z} t three", "GET /a/{y} t one")
	for range 20 {
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		table := routing.New(all)
		for request, want := range map[string]string{"GET /a/b": "RouteContested", "GET /c/b": "t two y=c", "GET /c/d": "t three y=c z=d"} {
			if got := match(table, request); got != want {
				t.Fatalf("%q is %q, want %q", request, got, want)
			}
		}
		for _, c := range all {
			rival, found := table.Rival(c)
			want := map[string]string{"0": "4 true", "1": "4 true", "2": "0 false", "4": "0 true"}[c.Object]
			if got := fmt.Sprint(rival.Claim != nil, found); found != (want != "") || found && fmt.Sprintf("%s %v", rival.Object, rival.Same) != want {
				t.Fatalf("rival of %s: %s %v, want %q", c.Object, got, rival, want)
			}
		}
	}
}

// FuzzMatch holds the table to the simple matcher.
func FuzzMatch(f *testing.F) {
	f.Add("GET /a/{id} t read\nGET /{x...} t all", "HEAD", "h", "/a/b%20c")
	f.Add("GET h/a/{id} t read\nGET /a/{y} t other\nGET /{x}/b t z void", "GET", "H:80", "/a/b")
	f.Fuzz(func(t *testing.T, routes, method, host, path string) {
		var all []*routing.Claim
		for line := range strings.Lines(routes) {
			fields := strings.Fields(line)
			if len(fields) < 4 || len(all) == 12 {
				continue
			}
			at, _, _ := strings.Cut(fields[1], "/")
			template, err := routing.Parse(strings.TrimPrefix(fields[1], at))
			if err != nil || at != "" && simpleHost(at) != at {
				continue
			}
			all = append(all, &routing.Claim{
				Route:  routing.Route{Method: fields[0], Host: at, Path: template, Type: fields[2], Action: fields[3]},
				Object: fmt.Sprint(len(all)), Void: len(fields) > 4,
			})
		}
		compare(t, routing.New(all), all, &authz.HTTPRequest{Method: method, Host: host, Path: path})
	})
}

// compare asks the table of all claims, and the simple matcher.
func compare(t *testing.T, table *routing.Table, all []*routing.Claim, r *authz.HTTPRequest) authz.RouteMatch {
	t.Helper()
	got := authz.RouteMatch{Captures: []authz.Capture{{Name: "left", Value: "over"}}}
	table.Match(r, &got)
	if want := simple(all).match(r); render(&got) != render(&want) {
		t.Fatalf("%+v of %s: got %q, want %q", r, list(all), render(&got), render(&want))
	}
	return got
}

func list(all []*routing.Claim) string {
	var b strings.Builder
	for _, c := range all {
		fmt.Fprintf(&b, "\n%s %s %s %v", c.String(), c.Type, c.Action, c.Void)
	}
	return b.String()
}

// TestRandomTables holds small tables of every shape to the simple matcher, with
// every request over the same words: whoever loses a request to nobody has a rival,
// and rivals share a request that means nothing.
func TestRandomTables(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var paths []string
	for _, a := range []string{"a", "b", "z"} {
		paths = append(paths, "/"+a, "/"+a+"/")
		for _, b := range []string{"a", "b", "z"} {
			paths = append(paths, "/"+a+"/"+b, "/"+a+"/"+b+"/")
			for _, c := range []string{"a", "b", "z"} {
				paths = append(paths, "/"+a+"/"+b+"/"+c, "/"+a+"/"+b+"/"+c+"/", "/"+a+"/"+b+"/"+c+"/z")
			}
		}
	}
	paths = append(paths, "/")
	rivals := 0
	for range 3000 {
		all := randomClaims(t, random)
		table := routing.New(all)
		var contested []string
		for _, path := range paths {
			if compare(t, table, all, &authz.HTTPRequest{Method: "GET", Path: path}).Outcome == authz.RouteContested {
				contested = append(contested, path)
			}
		}
		for _, c := range all {
			rival, found := table.Rival(c)
			needed := slices.ContainsFunc(contested, func(path string) bool { return minimal(c, all, path) })
			justified := found && slices.ContainsFunc(contested, func(path string) bool {
				return pattern(c).MatchString(path[1:]) && pattern(rival.Claim).MatchString(path[1:])
			})
			if needed && !found || found && !justified {
				t.Fatalf("rival of %s of %s: %v %v; contested are %q", c.String(), list(all), found, rival, contested)
			}
			if found {
				rivals++
			}
		}
	}
	if rivals < 500 {
		t.Errorf("only %d rivals", rivals)
	}
}

// minimal reports whether c matches a path and no other claim that does is narrower.
func minimal(c *routing.Claim, all []*routing.Claim, path string) bool {
	return pattern(c).MatchString(path[1:]) && !slices.ContainsFunc(all, func(o *routing.Claim) bool {
		return pattern(o).MatchString(path[1:]) && within(o, c) && !within(c, o)
	})
}

func randomClaims(t *testing.T, random *rand.Rand) []*routing.Claim {
	t.Helper()
	var lines []string
	for range 1 + random.IntN(5) {
		path := ""
		for depth := 1 + random.IntN(3); depth > 0; depth-- {
			path += "/" + []string{"a", "b", "{x" + fmt.Sprint(depth) + "}", "{x" + fmt.Sprint(depth) + "}"}[random.IntN(4)]
		}
		path += []string{"", "", "", "/", "/{r...}"}[random.IntN(5)]
		lines = append(lines, "GET "+path+" t "+[]string{"read", "write"}[random.IntN(2)])
	}
	return claims(t, lines...)
}

// TestMatchAllocatesNothing: neither does a path of usual length, nor one that is
// contested.
func TestMatchAllocatesNothing(t *testing.T) {
	table := routing.New(claims(t, "GET h/documents/{id}/parts/{part} t read", "GET /a/{x} t one", "GET /{y}/b t two", "GET /{rest...} t all"))
	var m authz.RouteMatch
	for _, r := range []authz.HTTPRequest{
		{Method: "GET", Host: "h:80", Path: "/documents/7/parts/8"}, {Method: "HEAD", Host: "x", Path: "/a/b"}, {Method: "GET", Host: "x", Path: "/some/thing/else/"},
	} {
		table.Match(&r, &m)
		if n := testing.AllocsPerRun(100, func() { table.Match(&r, &m) }); n != 0 {
			t.Errorf("%v: %v allocations", r, n)
		}
	}
}

func TestStrings(t *testing.T) {
	t.Parallel()
	var got []string
	for o := authz.RouteNone; o <= authz.RouteUnclear+1; o++ {
		got = append(got, o.String())
	}
	if diff := cmp.Diff([]string{"NoRoute", "Found", "RouteContested", "UnclearPath", ""}, got); diff != "" {
		t.Error(diff)
	}
}
