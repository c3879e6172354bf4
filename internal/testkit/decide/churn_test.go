// SPDX-License-Identifier: Apache-2.0

package decide_test

import (
	"flag"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/policy"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/random"
)

var edits = flag.Int("edits", 3500, "how many edits TestChurn makes")

// TestChurn lets an index live through a great many edits, and compares it at
// random moments with the snapshot of the objects that are left, made anew, and
// with the oracle. A snapshot of long ago must go on giving its answers.
func TestChurn(t *testing.T) {
	t.Parallel()
	env := decide.Env(t)
	g := random.New(*seed)
	c := &churn{
		compiler: compile.New(env), programs: decide.NewPrograms(env), g: g, life: random.NewLife(g),
		index:   policy.NewIndex(nil),
		linkers: map[string]*policy.Linker{}, resources: map[string]*policy.Resource{}, roles: map[string]*policy.Role{},
		least: math.MaxInt,
	}
	var old past
	for i := range *edits {
		c.edit(c.life.Edit())
		if g.Chance(20) {
			c.index.Publish("")
		}
		if g.Chance(3) || len(c.life.Objects()) == 0 {
			c.verify(t)
		}
		if i%1000 == 300 {
			old.verify(t)
			old = c.past()
		}
		if t.Failed() {
			t.Fatalf("again with: -run '^TestChurn$' -seed=%d -edits=%d", *seed, i+1)
		}
	}
	old.verify(t)
	t.Logf("%v found by %v searches", c.searches.found, c.searches.searches)
	if c.most < 150 || c.least > 0 || c.byRoles < 300 {
		t.Errorf("between %d and %d objects, %d answers by roles: too little to prove something", c.least, c.most, c.byRoles)
	}
}

// churn is an index and the life that it follows.
type churn struct {
	compiler *compile.Compiler
	programs *decide.Programs
	g        *random.Generator
	life     *random.Life
	index    *policy.Index
	// linkers are by namespace, and what they have been told of by testkit.Name.
	linkers   map[string]*policy.Linker
	resources map[string]*policy.Resource
	roles     map[string]*policy.Role
	// least and most are how many objects there were when it was compared, and
	// byRoles how many answers named roles, for an Allow or a Deny.
	least, most, byRoles int
	searches             searches
}

func (c *churn) edit(e random.Edit) {
	namespace := e.Object.GetNamespace()
	switch o := e.Object.(type) {
	case *v1alpha1.RoleBinding:
		if e.Gone {
			c.index.Delete(namespace, o.Name)
			return
		}
		unit, _ := c.compiler.RoleBinding(o)
		c.index.Put(namespace, unit, uint64(o.Generation))
	case *v1alpha1.Group:
		if e.Gone {
			c.index.DeleteGroup(namespace, o.Name)
			return
		}
		unit, _ := c.compiler.Group(o)
		c.index.PutGroup(namespace, unit)
	default:
		c.relink(namespace, e)
	}
}

// relink tells the linker of a namespace of what is declared in another way.
func (c *churn) relink(namespace string, e random.Edit) {
	l := c.linkers[namespace]
	if l == nil {
		l = policy.NewLinker()
		c.linkers[namespace] = l
	}
	name := testkit.Name(e.Object)
	switch o := e.Object.(type) {
	case *v1alpha1.Resource:
		before, after := c.resources[name], (*policy.Resource)(nil)
		if !e.Gone {
			after, _ = c.compiler.Resource(o)
		}
		l.ReplaceResource(before, after)
		c.resources[name] = after
	case *v1alpha1.Role:
		before, after := c.roles[name], (*policy.Role)(nil)
		if !e.Gone {
			after, _ = c.compiler.Role(o)
		}
		l.ReplaceRole(before, after)
		c.roles[name] = after
	}
	v, _ := l.Link()
	c.index.SetVocabulary(namespace, v)
}

// verify compares the index with what is left.
func (c *churn) verify(t *testing.T) {
	t.Helper()
	objects := c.life.Objects()
	c.least, c.most = min(c.least, len(objects)), max(c.most, len(objects))
	worn := c.index.Publish("")
	anew, oracle := decide.Snapshot(c.compiler, c.g.Shuffled(objects)), decide.Oracle(c.programs, objects)
	for i := range 60 {
		r := c.g.Request(objects)
		if i < 10 {
			sameExplanation(t, worn, anew, r)
		}
		want := testkit.Answer(oracle.Judged(r))
		for name, s := range map[string]*policy.Snapshot{"worn": worn, "new": anew} {
			if diff := cmp.Diff(want, answer(s, r)); diff != "" {
				t.Errorf("%d objects: the %s snapshot disagrees with the oracle (-oracle +snapshot):\n%s%s", len(objects), name, diff, testkit.FormatRequest(r))
			}
		}
		if len(want.Roles) > 0 {
			c.byRoles++
		}
	}
	for range 3 {
		r := c.g.Request(objects)
		if !c.searches.compare(t, c.g, worn, oracle, r) || !c.searches.compare(t, c.g, anew, oracle, r) {
			t.Errorf("%d objects:\n%s", len(objects), testkit.FormatRequest(r))
		}
	}
	c.verifyBindings(t, objects)
}

// verifyBindings compares what the index says it has.
func (c *churn) verifyBindings(t *testing.T, objects []testkit.Object) {
	t.Helper()
	want, got := map[[2]string]uint64{}, map[[2]string]uint64{}
	for _, o := range objects {
		if b, ok := o.(*v1alpha1.RoleBinding); ok {
			want[[2]string{b.Namespace, b.Name}] = uint64(b.Generation)
		}
	}
	for namespace, name := range c.index.Each() {
		got[[2]string{namespace, name}], _ = c.index.Digest(namespace, name)
	}
	if diff := cmp.Diff(want, got); diff != "" || c.index.Bindings() != len(want) {
		t.Errorf("%d bindings, want %d (-want +got):\n%s", c.index.Bindings(), len(want), diff)
	}
}

func answer(s *policy.Snapshot, r *authz.Request) testkit.Want {
	var d authz.Decision
	err := s.Check(r, &d)
	return testkit.Answer(d, err)
}

// past is a snapshot and what it has answered.
type past struct {
	snapshot *policy.Snapshot
	answers  map[*authz.Request]testkit.Want
}

func (c *churn) past() past {
	p := past{c.index.Publish(""), map[*authz.Request]testkit.Want{}}
	objects := c.life.Objects()
	for range 100 {
		r := c.g.Request(objects)
		p.answers[r] = answer(p.snapshot, r)
	}
	return p
}

func (p past) verify(t *testing.T) {
	t.Helper()
	for r, before := range p.answers {
		if diff := cmp.Diff(before, answer(p.snapshot, r)); diff != "" {
			t.Errorf("a snapshot answers otherwise after the changes (-before +now):\n%s%s", diff, testkit.FormatRequest(r))
		}
	}
}
