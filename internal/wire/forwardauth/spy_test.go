// SPDX-License-Identifier: Apache-2.0

package forwardauth_test

import (
	"maps"
	"net/netip"
	"strings"
	"time"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// spy is a policy by which everybody may do everything. It remembers what it is
// asked.
type spy struct {
	requests []authz.HTTPRequest
	checks   []authz.Request
}

func (s *spy) Checker() (authz.Checker, error) { return s, nil }
func (*spy) Revision() string                  { return "0123456789abcdef" }

func (s *spy) Route(_ string, r *authz.HTTPRequest, m *authz.RouteMatch) error {
	s.requests = append(s.requests, *r)
	*m = authz.RouteMatch{Outcome: authz.RouteFound, Type: "document", Action: "read"}
	return nil
}

func (s *spy) Check(r *authz.Request, d *authz.Decision) error {
	asked := *r // what it points to is used again
	asked.Context = maps.Clone(r.Context)
	if headers, ok := r.Context["headers"].(map[string]any); ok {
		asked.Context["headers"] = maps.Clone(headers)
	}
	s.checks = append(s.checks, asked)
	d.Allowed, d.Roles = true, append(d.Roles, "reader")
	return nil
}

// uncounted is a meter that nobody reads.
type uncounted struct{}

func (uncounted) Decided(*authz.Decision, time.Duration) {}
func (uncounted) Refused(int)                            {}

// believedFrom are where the gateways of a spied policy ask from.
var believedFrom = netip.MustParsePrefix("10.0.0.0/8")

// gateways returns those of the namespaces forwarded and original, who say in X-User
// who asks and whose policies see some headers.
func (s *spy) gateways(contextHeaders []string) gateway.Gateways {
	settings := &gateway.Settings{
		Addresses: []netip.Prefix{believedFrom}, Identity: &gateway.Identity{ID: "X-User", Type: "user"}, ContextHeaders: contextHeaders,
		Subject: "X-Rolecall-Subject", SubjectType: "X-Rolecall-Subject-Type", Roles: "X-Rolecall-Roles",
	}
	return gateway.Gateways{
		Asker:    door.Asker{Gate: door.Anyone{}, Provider: s, Now: time.Now, Meter: uncounted{}},
		Settings: map[string]*gateway.Settings{"forwarded": settings, "original": settings},
	}
}

// field is a header as it stands on the wire.
type field struct{ name, value string }

// fields reads lines `name: value` as a client sends them. Those that no gateway
// passes on as they are, because they are malformed or about a connection or a body,
// are left out; so is Pragma, which means Cache-Control to net/http, and so are those
// of the given names.
func fields(lines string, without ...string) []field {
	var all []field
	for line := range strings.SplitSeq(lines, "\n") {
		name, value, ok := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		if !ok || !headerName(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			continue
		}
		if !among(name, append(without, "Host", "Content-Length", "Transfer-Encoding", "Trailer", "Pragma")) {
			all = append(all, field{name, value})
		}
	}
	return all
}

// headerName reports whether a text is one: a token by RFC 9110, section 5.6.2.
func headerName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"(),/:;<=>?@[\]{}`, r)
	})
}

// among reports whether a name is one of others, whatever the case of its letters.
func among(name string, others []string) bool {
	for _, o := range others {
		if strings.EqualFold(name, o) {
			return true
		}
	}
	return false
}

// seen is what conditions have to see of headers: those on the list and no other, by
// names in small letters, with all values in their order.
func seen(list []string, all []field) map[string]any {
	headers := map[string]any{}
	for _, f := range all {
		if !among(f.name, list) {
			continue
		}
		name, value := strings.ToLower(f.name), f.value
		if before, there := headers[name]; there {
			value = before.(string) + "," + value
		}
		headers[name] = value
	}
	return headers
}
