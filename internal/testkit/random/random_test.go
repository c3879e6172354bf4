// SPDX-License-Identifier: Apache-2.0

package random_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/source/dir"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

func TestASeedIsAPolicy(t *testing.T) {
	t.Parallel()
	one, two := random.New(7), random.New(7)
	policy := one.Policy()
	if diff := cmp.Diff(policy, two.Policy()); diff != "" {
		t.Errorf("the same seed makes two policies:\n%s", diff)
	}
	if diff := cmp.Diff(one.Request(policy), two.Request(policy)); diff != "" {
		t.Errorf("the same seed makes two requests:\n%s", diff)
	}
	if cmp.Equal(policy, random.New(8).Policy()) {
		t.Error("two seeds make the same policy")
	}
}

// TestPoliciesAreValid: the schema accepts what is made, and so does a request's
// own check, or the comparison with the oracle would be about something else.
func TestPoliciesAreValid(t *testing.T) {
	t.Parallel()
	loader, err := dir.NewLoader()
	if err != nil {
		t.Fatal(err)
	}
	for seed := range uint64(20) {
		g := random.New(seed)
		objects := g.Policy()
		if seed%10 == 0 {
			objects = g.Crowd()
		}
		for range 20 {
			if err := g.Request(objects).Validate(); err != nil {
				t.Errorf("seed %d: a request is invalid: %v", seed, err)
			}
		}
		for _, o := range objects {
			o.SetCreationTimestamp(metav1.Time{})
			o.SetDeletionTimestamp(nil)
		}
		text, err := testkit.YAML(objects...)
		if err != nil {
			t.Fatal(err)
		}
		set := loader.Load(t.Context(), []dir.File{{Name: "policy.yaml", Text: text}})
		if len(set.Faults) > 0 || len(set.Manifests) != len(objects) {
			t.Errorf("seed %d: %d of %d objects: %v", seed, len(set.Manifests), len(objects), set.Faults)
		}
	}
}

// TestEditsEndInTheObjects replays histories.
func TestEditsEndInTheObjects(t *testing.T) {
	t.Parallel()
	g := random.New(1)
	objects := g.Policy()
	left := map[string]testkit.Object{}
	for _, e := range g.Edits(objects) {
		left[testkit.Name(e.Object)] = e.Object
		if e.Gone {
			delete(left, testkit.Name(e.Object))
		}
	}
	want := map[string]testkit.Object{}
	for _, o := range objects {
		want[testkit.Name(o)] = random.Stamp(o, 1)
	}
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestShrink keeps what the fault needs, and nothing else.
func TestShrink(t *testing.T) {
	t.Parallel()
	objects := []testkit.Object{
		testkit.Resource("doc", "read").Obj(),
		testkit.Role("other").Allow("read", "doc").Obj(),
		testkit.Role("r").Inherits("other").Allow("read", "doc").Deny("read", "doc").Obj(),
		testkit.Binding("b", "r", "other").ToUser("u").ToUser("v").Obj(),
	}
	hasDeny := func(objects []testkit.Object) bool {
		return slices.ContainsFunc(objects, func(o testkit.Object) bool {
			role, ok := o.(*v1alpha1.Role)
			return ok && slices.ContainsFunc(role.Spec.Permissions, func(p v1alpha1.Permission) bool { return p.Effect == v1alpha1.EffectDeny })
		})
	}
	want := []testkit.Object{testkit.Role("r").Deny("read", "doc").Obj()}
	if diff := cmp.Diff(want, random.Shrink(objects, hasDeny), cmp.Transformer("empty", func(ids []v1alpha1.ID) int { return len(ids) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLifeIsWhatItsEditsMake replays a life, and sees it come to nothing.
func TestLifeIsWhatItsEditsMake(t *testing.T) {
	t.Parallel()
	life := random.NewLife(random.New(3))
	there, most, ends := map[string]testkit.Object{}, 0, 0
	for range 3500 {
		e := life.Edit()
		name := testkit.Name(e.Object)
		if e.Gone {
			delete(there, name)
		} else {
			there[name] = e.Object
		}
		most = max(most, len(there))
		if len(there) == 0 {
			ends++
		}
	}
	want := map[string]testkit.Object{}
	for _, o := range life.Objects() {
		want[testkit.Name(o)] = o
	}
	if diff := cmp.Diff(want, there); diff != "" || len(want) != len(life.Objects()) {
		t.Errorf("(-objects +edits):\n%s", diff)
	}
	if most < 150 || ends == 0 {
		t.Errorf("at most %d objects, and %d times none", most, ends)
	}
}
