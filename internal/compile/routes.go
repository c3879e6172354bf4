// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"slices"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/routing"
)

// maxMethod is how long the name of a method may be.
const maxMethod = 32

const routesPath = "spec.routes"

// routes returns the routes of a Resource that a request can meet.
func (f *faults) routes(o *v1alpha1.Resource) []routing.Claim {
	if len(o.Spec.Routes) == 0 {
		return nil
	}
	const path = routesPath
	claims := make([]routing.Claim, 0, len(o.Spec.Routes))
	for i := range o.Spec.Routes {
		r := &o.Spec.Routes[i]
		usable := f.method(index(path, i)+".method", r.Method)
		usable = f.host(index(path, i)+".host", r.Host) && usable
		template, err := routing.Parse(r.Path)
		if err != nil {
			f.invalid(index(path, i)+".path", "%s is no template of a path, because it %v: write segments such as /documents/{id}", quote(r.Path), err)
			usable = false
		}
		if usable {
			claims = append(claims, routing.Claim{
				Route:  routing.Route{Method: r.Method, Host: r.Host, Path: template, Type: o.TypeID(), Action: string(r.Action)},
				Object: o.Name, Place: i,
			})
		}
	}
	return claims
}

// judgeRoutes checks what the routes of a Resource lead to. A route to an action that
// is not declared stays in force: whatever it matches is denied, and must not fall to
// a route that matches more.
func (f *faults) judgeRoutes(list []v1alpha1.ResourceRoute, actions []string) {
	f.list(routesPath, list == nil, len(list), maxRoutes)
	for i := range list {
		if action := string(list[i].Action); !slices.Contains(actions, action) {
			f.invalid(index(routesPath, i)+".action", "%s is not among spec.actions%s: requests that the route matches are denied; correct it, or declare the action",
				quote(action), DidYouMean(action, actions))
		}
	}
	for _, i := range repeats(list, func(r v1alpha1.ResourceRoute) string { return r.Path }) {
		f.repeated(index(routesPath, i), "the route")
	}
}

// Routes compiles the routes of a Resource and nothing else of it, for who needs
// those of many.
func Routes(o *v1alpha1.Resource) *policy.Resource {
	var f faults
	return &policy.Resource{Meta: metaOf(&o.ObjectMeta), Type: o.TypeID(), Routes: f.routes(o)}
}

func (f *faults) method(path, s string) bool {
	usable := s != "" && len(s) <= maxMethod && s[0] != '-' && s[len(s)-1] != '-'
	for i := 0; i < len(s) && usable; i++ {
		usable = 'A' <= s[i] && s[i] <= 'Z' || s[i] == '-' && s[i-1] != '-'
	}
	if !usable {
		f.invalid(path, "%s is not a method: write one in capitals, such as GET", quote(s))
	}
	return usable
}

func (f *faults) host(path, s string) bool {
	usable := len(s) <= maxID
	for i := 0; i < len(s) && usable; i++ {
		c := s[i]
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		usable = letter || (c == '.' || c == '-') && i > 0 && i < len(s)-1
	}
	if !usable {
		f.invalid(path, "%s is not a host: write one in small letters and without a port, such as api.example.com", quote(s))
	}
	return usable
}

// RouteRefs reports the routes of a Resource that share requests with others, in
// the table of all routes of the namespace. The diagnostics are errors of the
// aspect References: they are gone when the other route is.
func RouteRefs(u *policy.Resource, t *routing.Table) diag.List {
	var found diag.List
	for i := range u.Routes {
		c := &u.Routes[i]
		rival, ok := t.Rival(c)
		if !ok {
			continue
		}
		remedy := "take one of them away, make it differ, or give just those requests a route of their own"
		what := fmt.Sprintf("%s matches requests that %s, spec.routes[%d] of %s, matches too, and neither is the more specific one",
			quote(c.String()), quote(rival.String()), rival.Place, whose(u, rival.Object))
		if rival.Same {
			remedy = "take one of them away, or make it differ"
			what = fmt.Sprintf("%s means something else in spec.routes[%d] of %s", quote(c.String()), rival.Place, whose(u, rival.Object))
		}
		found = append(found, diag.Diagnostic{
			Severity: diag.Error, Aspect: diag.References, Reason: v1alpha1.ReasonRouteConflict, Path: index("spec.routes", c.Place),
			Message: what + ", so such requests are denied: " + remedy,
		})
	}
	return found
}

func whose(u *policy.Resource, object string) string {
	if object == u.Name {
		return "this object"
	}
	return "the rcres " + quote(object)
}
