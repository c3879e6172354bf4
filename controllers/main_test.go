// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/controllers"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/conditions/conditionstest"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
	"github.com/rolecall/rolecall/internal/expr"
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	devclustertest.Main(m)
}

// patience is how long a test waits for what should happen at once.
const patience = 30 * time.Second

// house is a namespace of the test's own with controllers that look after it.
type house struct {
	client.Client // reads and writes the API, past any cache
	t             *testing.T
	namespace     string
	reads         ledger // of objects to judge
	lists         ledger // of whole namespaces
	writes        ledger // of statuses
	events, log   ledger
	stop          func()
}

// newHouse starts controllers for the test's namespace; they end with the test.
func newHouse(t *testing.T) *house {
	t.Helper()
	h := emptyHouse(t)
	h.start(devclustertest.Start(t))
	return h
}

// emptyHouse is a house without controllers.
func emptyHouse(t *testing.T) *house {
	t.Helper()
	return &house{t: t, namespace: devclustertest.Namespace(t), Client: newClient(t, devclustertest.Start(t))}
}

func newClient(t *testing.T, cfg *rest.Config) client.Client {
	t.Helper()
	c, err := client.New(cfg, client.Options{Scheme: newScheme(t)})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return scheme
}

// start starts a manager with the controllers; h.stop ends it.
func (h *house) start(cfg *rest.Config) {
	h.t.Helper()
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme:  newScheme(h.t),
		Logger:  h.logger(),
		Metrics: server.Options{BindAddress: "0"},
		Cache: cache.Options{
			DefaultNamespaces: map[string]cache.Config{h.namespace: {}},
			DefaultTransform:  controllers.NewTrim(),
		},
		NewClient: func(cfg *rest.Config, o client.Options) (client.Client, error) {
			c, err := client.NewWithWatch(cfg, o)
			if err != nil {
				return nil, err
			}
			return interceptor.NewClient(c, interceptor.Funcs{Get: h.noteGet, List: h.noteList, SubResourcePatch: h.notePatch}), nil
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	env, err := expr.NewEnv()
	if err != nil {
		h.t.Fatal(err)
	}
	err = controllers.SetupAll(mgr, controllers.Deps{Compiler: compile.New(env), Now: time.Now, Recorder: recorder{&h.events}})
	if err != nil {
		h.t.Fatal(err)
	}
	h.run(mgr)
}

func (h *house) run(mgr ctrl.Manager) {
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
			h.t.Errorf("run the manager: %v", err)
		}
	})
	h.t.Cleanup(h.stop)
}

// logger notes what the library says, and tells the test if the environment asks
// for it.
func (h *house) logger() logr.Logger {
	aloud := os.Getenv("ROLECALL_TEST_LOG") != ""
	return funcr.New(func(prefix, args string) {
		h.log.note(args)
		if aloud {
			h.t.Log(prefix, args)
		}
	}, funcr.Options{Verbosity: 10})
}

// noteGet notes each object that is about to be judged.
func (h *house) noteGet(
	ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption,
) error {
	h.reads.note(fmt.Sprintf("%T %s", o, key.Name))
	return c.Get(ctx, key, o, opts...)
}

// noteList notes each look-up that goes by no index.
func (h *house) noteList(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
	var o client.ListOptions
	if o.ApplyOptions(opts); o.FieldSelector == nil {
		h.lists.note(fmt.Sprintf("%T", list))
	}
	return c.List(ctx, list, opts...)
}

// notePatch notes each status write that the server took.
func (h *house) notePatch(
	ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption,
) error {
	before := o.GetResourceVersion()
	err := c.SubResource(sub).Patch(ctx, o, p, opts...)
	if err == nil && o.GetResourceVersion() != before {
		h.writes.note(fmt.Sprintf("%T %s", o, o.GetName()))
	}
	return err
}

// ledger is a list of lines that several goroutines write.
type ledger struct {
	mu    sync.Mutex
	lines []string
}

func (l *ledger) note(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, line)
}

func (l *ledger) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = nil
}

func (l *ledger) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines)
}

// recorder takes down the events.
type recorder struct{ *ledger }

func (r recorder) Eventf(regarding, _ runtime.Object, kind, reason, _, note string, args ...any) {
	name := "?"
	if o, err := meta.Accessor(regarding); err == nil {
		name = o.GetName()
	}
	r.note(fmt.Sprintf("%s %s %s: %s", name, kind, reason, fmt.Sprintf(note, args...)))
}

// create creates objects in the house's namespace.
func (h *house) create(objects ...client.Object) {
	h.t.Helper()
	for _, o := range objects {
		o, ok := o.DeepCopyObject().(client.Object)
		if !ok {
			h.t.Fatalf("%T is no object", o)
		}
		o.SetNamespace(h.namespace)
		if err := h.Create(h.t.Context(), o); err != nil {
			h.t.Fatalf("create %s: %v", o.GetName(), err)
		}
	}
}

func (h *house) remove(objects ...client.Object) {
	h.t.Helper()
	for _, o := range objects {
		o, ok := o.DeepCopyObject().(client.Object)
		if !ok {
			h.t.Fatalf("%T is no object", o)
		}
		o.SetNamespace(h.namespace)
		if err := h.Delete(h.t.Context(), o); err != nil {
			h.t.Fatalf("delete %s: %v", o.GetName(), err)
		}
	}
}

// edit changes an object as somebody with kubectl would.
func (h *house) edit(o client.Object, patch string) {
	h.t.Helper()
	o, ok := o.DeepCopyObject().(client.Object)
	if !ok {
		h.t.Fatalf("%T is no object", o)
	}
	o.SetNamespace(h.namespace)
	if err := h.Patch(h.t.Context(), o, client.RawPatch(types.MergePatchType, []byte(patch))); err != nil {
		h.t.Fatalf("edit %s: %v", o.GetName(), err)
	}
}

// get reads an object anew.
func (h *house) get(o client.Object) client.Object {
	h.t.Helper()
	o, ok := o.DeepCopyObject().(client.Object)
	if !ok {
		h.t.Fatalf("%T is no object", o)
	}
	if err := h.Get(h.t.Context(), types.NamespacedName{Namespace: h.namespace, Name: o.GetName()}, o); err != nil {
		h.t.Fatalf("get %s: %v", o.GetName(), err)
	}
	return o
}

// verdict is what a test wants of an object: the reason of Ready and a part of
// its message.
type verdict struct {
	reason  string
	message string
}

var ready = verdict{reason: v1alpha1.ReasonReady}

// await waits until an object has the verdict, and checks that all its
// conditions go together.
func (h *house) await(o client.Object, want verdict) {
	h.t.Helper()
	h.until(func() string {
		s := statusOf(h.get(o))
		c := meta.FindStatusCondition(s.Conditions, v1alpha1.ConditionReady)
		if c == nil || c.Reason != want.reason || !strings.Contains(c.Message, want.message) {
			return fmt.Sprintf("%s: Ready = %v, want reason %s, message with %q", o.GetName(), c, want.reason, want.message)
		}
		return ""
	})
	h.check(o)
}

// check tests what holds for every judged object.
func (h *house) check(o client.Object) {
	h.t.Helper()
	o = h.get(o)
	if diff := cmp.Diff([]string(nil), conditionstest.Violations(o.GetGeneration(), statusOf(o))); diff != "" {
		h.t.Errorf("%s: broken rules (-want +got):\n%s", o.GetName(), diff)
	}
}

// until waits until fault returns nothing, or fails with what it last returned.
func (h *house) until(fault func() string) {
	h.t.Helper()
	last := ""
	err := wait.PollUntilContextTimeout(h.t.Context(), 10*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		last = fault()
		return last == "", nil
	})
	if err != nil {
		h.t.Fatalf("after %s: %s", patience, last)
	}
}

func statusOf(o client.Object) v1alpha1.Status {
	switch o := o.(type) {
	case *v1alpha1.Resource:
		return o.Status.Status
	case *v1alpha1.Role:
		return o.Status.Status
	case *v1alpha1.RoleBinding:
		return o.Status.Status
	case *v1alpha1.Group:
		return o.Status.Status
	}
	return v1alpha1.Status{}
}

func named(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Name: name} }

// resource declares actions of a type.
func resource(typ string, actions ...v1alpha1.ID) *v1alpha1.Resource {
	r := &v1alpha1.Resource{ObjectMeta: named(typ)}
	for _, a := range actions {
		r.Spec.Actions = append(r.Spec.Actions, v1alpha1.ResourceAction{Name: a})
	}
	return r
}

// role has permissions.
func role(name string, permissions ...v1alpha1.Permission) *v1alpha1.Role {
	return &v1alpha1.Role{ObjectMeta: named(name), Spec: v1alpha1.RoleSpec{Permissions: permissions}}
}

// heir inherits roles.
func heir(name string, inherits ...v1alpha1.ID) *v1alpha1.Role {
	return &v1alpha1.Role{ObjectMeta: named(name), Spec: v1alpha1.RoleSpec{Inherits: inherits}}
}

func allow(resource v1alpha1.Pattern, actions ...v1alpha1.Pattern) v1alpha1.Permission {
	return v1alpha1.Permission{Resource: resource, Actions: actions}
}

func deny(resource v1alpha1.Pattern, actions ...v1alpha1.Pattern) v1alpha1.Permission {
	return v1alpha1.Permission{Effect: v1alpha1.EffectDeny, Resource: resource, Actions: actions}
}

// binding gives roles to a user, everywhere.
func binding(name string, roles ...v1alpha1.ID) *v1alpha1.RoleBinding {
	return &v1alpha1.RoleBinding{ObjectMeta: named(name), Spec: v1alpha1.RoleBindingSpec{
		Roles: roles, Subjects: []v1alpha1.Subject{{Type: "user", ID: "ann"}}, Scope: "*",
	}}
}
