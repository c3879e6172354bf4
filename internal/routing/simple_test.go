// SPDX-License-Identifier: Apache-2.0

package routing_test

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/routing"
)

// simple matches by trying every claim with a regular expression, and knows what is
// the most specific one by comparing all that match with each other.
type simple []*routing.Claim

func (s simple) match(r *authz.HTTPRequest) authz.RouteMatch {
	segments, plain := simpleSplit(r.Path)
	host := ""
	if slices.ContainsFunc(s, func(c *routing.Claim) bool { return c.Host != "" }) {
		host = simpleHost(r.Host)
		plain = plain && host != ""
	}
	if !plain {
		return authz.RouteMatch{Outcome: authz.RouteUnclear}
	}
	for _, at := range []string{host, ""} {
		for _, method := range append([]string{r.Method}, map[string][]string{"HEAD": {"GET"}}[r.Method]...) {
			found := slices.DeleteFunc(slices.Clone(s), func(c *routing.Claim) bool {
				return c.Host != at || c.Method != method || !pattern(c).MatchString(strings.Join(segments, "/"))
			})
			if len(found) > 0 {
				return found.decide(segments)
			}
		}
	}
	return authz.RouteMatch{}
}

// patterns remembers what pattern has made, because compiling takes the longest.
var patterns sync.Map // of string, *regexp.Regexp

func pattern(c *routing.Claim) *regexp.Regexp {
	if known, ok := patterns.Load(c.Path.String()); ok {
		return known.(*regexp.Regexp)
	}
	made := newPattern(c)
	patterns.Store(c.Path.String(), made)
	return made
}

// newPattern joins segments by slashes, which none of them holds.
func newPattern(c *routing.Claim) *regexp.Regexp {
	var parts []string
	for part := range strings.SplitSeq(c.Path.String()[1:], "/") {
		switch {
		case strings.HasSuffix(part, "...}"):
			part = "(.*)"
		case strings.HasPrefix(part, "{"):
			part = "([^/]+)"
		default:
			part = regexp.QuoteMeta(part)
		}
		parts = append(parts, part)
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, "/") + "$")
}

var names = regexp.MustCompile(`\{([^}.]*)[.}]`)

// form is a template in which the names of captures do not matter.
func form(c *routing.Claim) []string {
	parts := strings.Split(c.Path.String()[1:], "/")
	for i, part := range parts {
		switch {
		case strings.HasSuffix(part, "...}"):
			parts[i] = "\x02"
		case strings.HasPrefix(part, "{"):
			parts[i] = "\x01"
		}
	}
	return parts
}

// within reports whether all requests of a are requests of b.
func within(a, b *routing.Claim) bool {
	x, y := form(a), form(b)
	for i := range y {
		switch {
		case y[i] == "\x02":
			return len(x) > i
		case i >= len(x) || x[i] == "\x02" || y[i] == "\x01" && x[i] == "" || y[i] != "\x01" && x[i] != y[i]:
			return false
		}
	}
	return len(x) == len(y)
}

// decide finds the claim whose requests are within those of all others.
func (s simple) decide(segments []string) authz.RouteMatch {
	var best []*routing.Claim
	for _, c := range s {
		if !slices.ContainsFunc(s, func(o *routing.Claim) bool { return !within(c, o) }) {
			best = append(best, c)
		}
	}
	contested := authz.RouteMatch{Outcome: authz.RouteContested}
	for _, c := range best {
		if c.Type != best[0].Type || c.Action != best[0].Action || !slices.Equal(captured(c), captured(best[0])) {
			return contested
		}
	}
	best = slices.DeleteFunc(best, func(c *routing.Claim) bool { return c.Void })
	if len(best) == 0 {
		return contested
	}
	m := authz.RouteMatch{Outcome: authz.RouteFound, Type: best[0].Type, Action: best[0].Action}
	values := pattern(best[0]).FindStringSubmatch(strings.Join(segments, "/"))[1:]
	for i, name := range captured(best[0]) {
		m.Captures = append(m.Captures, authz.Capture{Name: name, Value: values[i]})
	}
	return m
}

func captured(c *routing.Claim) []string {
	var all []string
	for _, m := range names.FindAllStringSubmatch(c.Path.String(), -1) {
		all = append(all, m[1])
	}
	return all
}

func simpleSplit(path string) ([]string, bool) {
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, `\;?# `) || strings.ToValidUTF8(path, "") != path {
		return nil, false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		decoded, err := url.PathUnescape(s)
		again, twice := url.PathUnescape(decoded)
		switch {
		case err != nil, twice == nil && again != decoded, encodedSomewhere.MatchString(decoded):
			return nil, false
		case decoded == "" && i < len(segments)-1, decoded == ".", decoded == "..":
			return nil, false
		case strings.ContainsAny(decoded, `/\;`) || strings.ToValidUTF8(decoded, "") != decoded:
			return nil, false
		case strings.ContainsFunc(decoded, func(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }):
			return nil, false
		}
		segments[i] = decoded
	}
	return segments, true
}

var encodedSomewhere = regexp.MustCompile(`%[0-9a-fA-F]{2}`)

var hosts = regexp.MustCompile(`^([A-Za-z0-9.-]*?)\.?(:[^:\]]*)?$`)

func simpleHost(host string) string {
	m := hosts.FindStringSubmatch(host)
	if m == nil {
		return ""
	}
	return strings.ToLower(cmp.Or(m[1]))
}
