// SPDX-License-Identifier: Apache-2.0

package authz

// Router finds what HTTP requests mean. Like a Checker it is safe for concurrent
// use and reads one policy.
type Router interface {
	// Route finds which action an HTTP request means by the routes of a namespace,
	// and writes it to m, reusing the memory of m.Captures. It is no decision: only
	// a check of what was found is, and where nothing was found there is nothing to
	// allow. The error wraps ErrUnknownNamespace.
	Route(namespace string, r *HTTPRequest, m *RouteMatch) error
}

// HTTPRequest is the part of an HTTP request that says what it means.
type HTTPRequest struct {
	// Method is the request's method, such as GET; letters in their case.
	Method string
	// Host is the host that the request is for, with or without a port; may be empty
	// if it is not known.
	Host string
	// Path is the path as the client has sent it: percent-encoded, without the
	// query.
	Path string
}

// RouteMatch is what an HTTP request means.
type RouteMatch struct {
	Outcome RouteOutcome
	// Type and Action are the type of the resource and the action; empty unless the
	// Outcome is RouteFound.
	Type, Action string
	// Captures are the parts of the path that the route names, percent-decoded, in
	// the order of the path.
	Captures []Capture
}

// Capture is a part of a path.
type Capture struct{ Name, Value string }

// RouteOutcome says whether a request means something.
type RouteOutcome uint8

// The outcomes. The zero one means nothing.
const (
	// RouteNone: no route matches.
	RouteNone RouteOutcome = iota
	// RouteFound: the request means an action.
	RouteFound
	// RouteContested: routes match that mean different things, and none is the most
	// specific one.
	RouteContested
	// RouteUnclear: the path, or the host where routes need it, can be read in more
	// than one way.
	RouteUnclear
)

var routeOutcomes = [...]string{
	RouteNone: "NoRoute", RouteFound: "Found", RouteContested: "RouteContested", RouteUnclear: "UnclearPath",
}

// String returns the outcome as it stands in answers, such as "NoRoute".
func (o RouteOutcome) String() string {
	if int(o) < len(routeOutcomes) {
		return routeOutcomes[o]
	}
	return ""
}
