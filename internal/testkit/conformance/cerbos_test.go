// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/metrics"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/wire/cerbos"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// TestCerbos puts the cases that its clients can say to the Cerbos door: effects
// and roles are those of every door.
func TestCerbos(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	asked := 0
	for _, c := range decide.Cases(t) {
		provider := fixed{decide.Snapshot(compiler, c.Objects)}
		t.Run(c.Name, func(t *testing.T) {
			for _, check := range c.Checks {
				if in := cerbosRequest(t, &check.Request); in != nil && check.Want.Error == "" {
					asked++
					t.Run(check.Name, func(t *testing.T) { verifyCerbos(t, provider, check, in) })
				}
			}
		})
	}
	if asked < 200 {
		t.Errorf("only %d checks of the corpus could be asked", asked)
	}
}

func verifyCerbos(t *testing.T, provider authz.Provider, check testkit.Check, in *cerbospb.CheckResourcesRequest) {
	counters, err := metrics.New(cerbos.Name)
	if err != nil {
		t.Fatal(err)
	}
	clock := &clock{}
	clock.set(check.Request.Time)
	d := cerbos.New(cerbos.Options{
		Asker:                 door.Asker{Gate: door.Anyone{}, Provider: provider, Now: clock.read, Meter: counters.Door(cerbos.Name)},
		MaxActionsPerResource: 1, MaxResourcesPerRequest: 1,
	})
	message, err := proto.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := d.CheckResources(metadata.NewIncomingContext(t.Context(), metadata.Pairs(door.NamespaceMetadata, check.Request.Namespace)), string(message))
	if err != nil {
		t.Fatal(err)
	}
	out := &cerbospb.CheckResourcesResponse{}
	if err := proto.Unmarshal(answer, out); err != nil {
		t.Fatal(err)
	}
	result, action := out.GetResults()[0], check.Request.Action.Name
	got := testkit.Want{
		Decision: result.GetActions()[action] == cerbospb.Effect_EFFECT_ALLOW,
		Roles:    rolesOf(result.GetMeta().GetActions()[action].GetMatchedPolicy()),
	}
	if diff := cmp.Diff(testkit.Want{Decision: check.Want.Decision, Roles: check.Want.Roles}, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

// rolesOf reads the roles out of a matched policy.
func rolesOf(policy string) []string {
	var roles []string
	for name := range strings.SplitSeq(policy, ",") {
		if role, ok := strings.CutPrefix(name, "role."); ok {
			roles = append(roles, strings.TrimSuffix(role, ".vdefault"))
		}
	}
	return roles
}

// dotted is what can stand between the dots of a scope of Cerbos'.
var dotted = regexp.MustCompile(`^[0-9a-zA-Z][\w-]*$`)

// cerbosRequest is a request as Cerbos' clients would put it, or nil if they
// cannot.
func cerbosRequest(t *testing.T, r *authz.Request) *cerbospb.CheckResourcesRequest {
	t.Helper()
	s := &r.Subject
	if s.Type != "user" || s.ID == "" || s.SessionScope != "" || s.Email != "" ||
		len(s.Groups)+len(s.SSOConnections)+len(s.SSOGroups)+len(r.Context)+len(r.Action.Properties)+len(s.Captured)+len(r.Resource.Captured) > 0 || r.Resource.ID == "" {
		return nil
	}
	roles := s.Roles
	if len(roles) == 0 { // they must say one: it is declared nowhere
		roles = []string{"nobody"}
	}
	if distinct := slices.Compact(slices.Sorted(slices.Values(roles))); len(distinct) < len(roles) {
		return nil
	}
	var scope string
	if r.Scope != "" {
		segments := strings.Split(r.Scope, "/")
		for _, segment := range segments {
			if !dotted.MatchString(segment) {
				return nil
			}
		}
		scope = strings.Join(segments, ".")
	}
	return &cerbospb.CheckResourcesRequest{
		IncludeMeta: true,
		Principal:   &cerbospb.Principal{Id: s.ID, Roles: roles, Attr: attr(t, s.Properties)},
		Resources: []*cerbospb.CheckResourcesRequest_Entry{{
			Actions: []string{r.Action.Name},
			Resource: &cerbospb.Resource{
				Kind: r.Resource.Type, Id: r.Resource.ID, Attr: attr(t, r.Resource.Properties), Scope: scope,
			},
		}},
	}
}

func attr(t *testing.T, properties map[string]any) map[string]*structpb.Value {
	t.Helper()
	s, err := structpb.NewStruct(properties)
	if err != nil {
		t.Fatal(err)
	}
	return s.GetFields()
}
