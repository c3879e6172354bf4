// SPDX-License-Identifier: Apache-2.0

package dir_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/source/dir"
	"github.com/rolecall/rolecall/internal/store"
)

// deadline is how long a test waits for what must happen soon.
const deadline = 20 * time.Second

func role(name string) string {
	return fmt.Sprintf("{apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: %s}, spec: {description: d}}\n---\n", name)
}

// sink keeps the names of the objects in force.
type sink struct {
	mu    sync.Mutex
	names []string
	all   [][]string
	woken chan struct{}
	// touched is full after the first Touch that nobody has waited for.
	touched chan struct{}
}

func newSink() *sink {
	return &sink{woken: make(chan struct{}, 1), touched: make(chan struct{}, 1)}
}

func (s *sink) Replace(lists ...store.List) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.names = []string{}
	for _, l := range lists {
		for _, o := range l.Objects {
			s.names = append(s.names, o.GetName())
		}
	}
	slices.Sort(s.names)
	s.all = append(s.all, s.names)
	s.wake()
}

func (s *sink) Touch() {
	select {
	case s.touched <- struct{}{}:
	default:
	}
}

func (s *sink) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// await waits until exactly these objects are in force.
func (s *sink) await(t *testing.T, want ...string) {
	t.Helper()
	over := time.After(deadline)
	for {
		s.mu.Lock()
		got := slices.Clone(s.names)
		s.mu.Unlock()
		if slices.Equal(got, want) {
			return
		}
		select {
		case <-s.woken:
		case <-over:
			t.Fatalf("in force are %v, want %v", got, want)
		}
	}
}

// folder is a folder that is being served.
type folder struct {
	path    string
	sink    *sink
	reports chan dir.Report
}

func serve(t *testing.T, path string) *folder {
	t.Helper()
	f := &folder{path: path, sink: newSink(), reports: make(chan dir.Report, 1000)}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- dir.Run(ctx, path, f.sink, dir.Options{Compiler: newCompiler(t), Loaded: func(r dir.Report) { f.reports <- r }})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run() = %v", err)
		}
	})
	return f
}

// awaitReport waits for a load with this outcome.
func (f *folder) awaitReport(t *testing.T, stale bool) dir.Report {
	t.Helper()
	over := time.After(deadline)
	for {
		select {
		case r := <-f.reports:
			if r.Stale == stale {
				return r
			}
		case <-over:
			t.Fatalf("no load with stale = %t", stale)
		}
	}
}

// TestReload changes a folder in the ways in which people and programs change
// folders.
func TestReload(t *testing.T) {
	tests := map[string]struct {
		change func(t *testing.T, root string)
		want   []string
	}{
		"a file is written over":               {change: put("a.yaml", role("x")), want: []string{"b", "x"}},
		"a file is replaced by a rename":       {change: replace("a.yaml", role("x")), want: []string{"b", "x"}},
		"a file is added":                      {change: put("c.yaml", role("x")), want: []string{"a", "b", "x"}},
		"a file is removed":                    {change: remove("a.yaml"), want: []string{"b"}},
		"a file gets a name that is not read":  {change: rename("a.yaml", "a.yaml.off"), want: []string{"b"}},
		"a file is written in a subfolder":     {change: put("sub/b.yaml", role("x")), want: []string{"a", "x"}},
		"a subfolder is added":                 {change: put("new/deep/x.yaml", role("x")), want: []string{"a", "b", "x"}},
		"a subfolder is moved in":              {change: moveIn("moved", role("x")), want: []string{"a", "b", "x"}},
		"a subfolder is removed":               {change: remove("sub"), want: []string{"a"}},
		"a subfolder with a dot in it is gone": {change: both(rename("sub", "v1.2"), remove("v1.2")), want: []string{"a"}},
		"a subfolder is hidden":                {change: rename("sub", ".sub"), want: []string{"a"}},
		"a symbolic link is added":             {change: linked("l.yaml", role("x")), want: []string{"a", "b", "x"}},
		"all is removed":                       {change: both(remove("a.yaml"), remove("sub")), want: []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, "a.yaml", role("a"))
			write(t, root, "sub/b.yaml", role("b"))
			f := serve(t, root)
			f.sink.await(t, "a", "b")
			tt.change(t, root)
			f.sink.await(t, tt.want...)
		})
	}
}

type change = func(t *testing.T, root string)

func put(name, text string) change {
	return func(t *testing.T, root string) { write(t, root, name, text) }
}

func replace(name, text string) change {
	return func(t *testing.T, root string) {
		write(t, root, name+".tmp", text)
		rename(name+".tmp", name)(t, root)
	}
}

func rename(from, to string) change {
	return func(t *testing.T, root string) {
		must(t, os.Rename(filepath.Join(root, from), filepath.Join(root, to)))
	}
}

func remove(name string) change {
	return func(t *testing.T, root string) { must(t, os.RemoveAll(filepath.Join(root, name))) }
}

func moveIn(name, text string) change {
	return func(t *testing.T, root string) {
		outside := t.TempDir()
		write(t, outside, "x/x.yaml", text)
		must(t, os.Rename(filepath.Join(outside, "x"), filepath.Join(root, name)))
	}
}

func linked(name, text string) change {
	return func(t *testing.T, root string) {
		outside := t.TempDir()
		write(t, outside, "x", text)
		link(t, filepath.Join(outside, "x"), filepath.Join(root, name))
	}
}

func both(first, second change) change {
	return func(t *testing.T, root string) { first(t, root); second(t, root) }
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestConfigMap changes a folder as the kubelet does: the files are links into a
// folder of which only the name is changed.
func TestConfigMap(t *testing.T) {
	root := t.TempDir()
	write(t, root, "..2026_01/a.yaml", role("a"))
	write(t, root, "..2026_01/b.yaml", role("b"))
	link(t, "..2026_01", filepath.Join(root, "..data"))
	link(t, "..data/a.yaml", filepath.Join(root, "a.yaml"))
	link(t, "..data/b.yaml", filepath.Join(root, "b.yaml"))
	f := serve(t, root)
	f.sink.await(t, "a", "b")
	for i := range 3 {
		before, after := fmt.Sprintf("..2026_0%d", i+1), fmt.Sprintf("..2026_0%d", i+2)
		write(t, root, after+"/a.yaml", role(fmt.Sprintf("a%d", i)))
		write(t, root, after+"/b.yaml", role(fmt.Sprintf("b%d", i)))
		link(t, after, filepath.Join(root, "..data_tmp"))
		rename("..data_tmp", "..data")(t, root)
		remove(before)(t, root)
		f.sink.await(t, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i))
	}
	f.sink.mu.Lock()
	defer f.sink.mu.Unlock()
	for _, names := range f.sink.all {
		if len(names) != 2 || names[0][1:] != names[1][1:] {
			t.Errorf("in force was %v, half of one ConfigMap and half of another", names)
		}
	}
}

// TestTheFolderIsALink turns the link that the folder is, as git-sync does.
func TestTheFolderIsALink(t *testing.T) {
	parent := t.TempDir()
	write(t, parent, "one/a.yaml", role("a"))
	write(t, parent, "two/b.yaml", role("b"))
	link(t, "one", filepath.Join(parent, "current"))
	f := serve(t, filepath.Join(parent, "current"))
	f.sink.await(t, "a")
	link(t, "two", filepath.Join(parent, "next"))
	rename("next", "current")(t, parent)
	f.sink.await(t, "b")
	write(t, parent, "two/c.yaml", role("c"))
	f.sink.await(t, "b", "c")
}

// TestABadFolderLeavesWhatIsInForce, says so, and heals.
func TestABadFolderLeavesWhatIsInForce(t *testing.T) {
	tests := map[string]struct {
		bad  string
		want string
	}{
		"a text that is no YAML":              {bad: "{", want: dir.ReasonUnreadable},
		"a file that is just being written":   {bad: "", want: dir.ReasonUnreadable},
		"an unknown field":                    {bad: strings.Replace(role("x"), "description", "text", 1), want: dir.ReasonUnknownField},
		"a kind that there is not":            {bad: strings.Replace(role("x"), "Role", "Grupp", 1), want: dir.ReasonUnknownKind},
		"what the schema refuses":             {bad: strings.Replace(role("x"), "description: d", "permissions: []", 1), want: "InvalidSpec"},
		"a condition that does not compile":   {bad: strings.Replace(role("x"), "description: d", "permissions: [{resource: r, actions: [a], condition: '((('}]", 1), want: "InvalidCondition"},
		"an object that another file has":     {bad: role("x") + role("a"), want: dir.ReasonDuplicateObject},
		"an id that an object of another has": {bad: strings.Replace(role("x"), "description: d", "id: a", 1), want: "Conflicted"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			write(t, root, "a.yaml", role("a"))
			f := serve(t, root)
			f.awaitReport(t, false)
			replace("b.yaml", tt.bad)(t, root)
			r := f.awaitReport(t, true)
			var faults dir.Faults
			if !errors.As(r.Err, &faults) || faults[0].Reason != tt.want {
				t.Errorf("err = %v, want the reason %s", r.Err, tt.want)
			}
			f.sink.await(t, "a")
			replace("b.yaml", role("b"))(t, root)
			f.sink.await(t, "a", "b")
			f.awaitReport(t, false)
		})
	}
}

// TestAReferenceThatDanglesIsNoReasonToRefuse: it is reported, as in status.
func TestAReferenceThatDanglesIsNoReasonToRefuse(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.yaml", strings.Replace(role("a"), "description: d", "inherits: [b]", 1))
	f := serve(t, root)
	f.sink.await(t, "a")
	r := f.awaitReport(t, false)
	if len(r.Faults) != 1 || r.Faults[0].Reason != "InheritedRoleNotFound" || r.Objects != 1 {
		t.Errorf("report = %+v", r)
	}
}

// TestContact: what is in force counts as fresh while it is what the folder
// holds, however long nothing changes, and no longer.
func TestContact(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	write(t, root, "a.yaml", role("a"))
	f := serve(t, root)
	f.awaitReport(t, false)
	for range 3 {
		select {
		case <-f.sink.touched:
		case <-time.After(deadline):
			t.Fatal("no contact")
		}
	}
	replace("a.yaml", "{")(t, root)
	f.awaitReport(t, true)
	select {
	case <-f.sink.touched: // from before
	default:
	}
	select {
	case <-f.sink.touched:
		t.Error("contact with a folder that is not in force")
	case <-time.After(2500 * time.Millisecond):
	}
}

// TestTheFolderGoesAndComesBack: what was in force stays until it is back.
func TestTheFolderGoesAndComesBack(t *testing.T) {
	t.Parallel()
	root := filepath.Join(t.TempDir(), "root")
	write(t, root, "a.yaml", role("a"))
	f := serve(t, root)
	f.awaitReport(t, false)
	must(t, os.RemoveAll(root))
	f.awaitReport(t, true)
	write(t, root, "b.yaml", role("b"))
	f.sink.await(t, "b")
}

func TestTheFirstLoadMustSucceed(t *testing.T) {
	root := t.TempDir()
	write(t, root, "a.yaml", "{")
	opts := dir.Options{Compiler: newCompiler(t)}
	var faults dir.Faults
	if err := dir.Run(t.Context(), root, newSink(), opts); !errors.As(err, &faults) {
		t.Errorf("err = %v, want faults", err)
	}
	if err := dir.Run(t.Context(), filepath.Join(root, "nowhere"), newSink(), opts); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("err = %v, want os.ErrNotExist", err)
	}
}

// TestReadersWhileTheFolderChanges lets checks run while files come and go. What
// they see is one of the folders that there were, never a part of one.
func TestReadersWhileTheFolderChanges(t *testing.T) {
	root := t.TempDir()
	put := func(name string, generation int) {
		replace(name, fmt.Sprintf(`
{apiVersion: rolecall.dev/v1alpha1, kind: Resource, metadata: {name: doc}, spec: {actions: [{name: read}]}}
---
{apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: reader}, spec: {id: r%d, permissions: [{resource: doc, actions: [read]}]}}
---
{apiVersion: rolecall.dev/v1alpha1, kind: RoleBinding, metadata: {name: b}, spec: {roles: [r%d], subjects: [{type: user, id: u}], scope: "*"}}
`, generation, generation))(t, root)
	}
	put("a.yaml", 0)
	s := store.New(store.Options{Compiler: newCompiler(t), Now: time.Now})
	ctx, cancel := context.WithCancel(t.Context())
	reports := make(chan dir.Report, 1000)
	var running sync.WaitGroup
	opts := dir.Options{Compiler: newCompiler(t), Loaded: func(r dir.Report) { reports <- r }}
	for _, run := range []func() error{
		func() error { return s.Run(ctx) },
		func() error { return dir.Run(ctx, root, s, opts) },
	} {
		running.Go(func() {
			if err := run(); err != nil {
				t.Error(err)
			}
		})
	}
	<-reports
	for range 2 {
		running.Go(func() { ask(ctx, t, s) })
	}
	for i := range 10 {
		put("a.yaml", i)
		if r := <-reports; r.Stale {
			t.Errorf("stale: %v", r.Err)
		}
	}
	cancel()
	running.Wait()
}

func ask(ctx context.Context, t *testing.T, s *store.Store) {
	request := authz.Request{
		Namespace: "default", Subject: authz.Subject{Type: "user", ID: "u"}, Action: authz.Action{Name: "read"},
		Resource: authz.Resource{Type: "doc", ID: "d"}, Time: time.Now(),
	}
	for ctx.Err() == nil {
		checker, err := s.Checker()
		if errors.Is(err, authz.ErrNotReady) {
			continue
		}
		var d authz.Decision
		if err = errors.Join(err, checker.Check(&request, &d)); err != nil || d.Reason != authz.ReasonGranted {
			t.Errorf("decision = %+v, err = %v", d, err)
			return
		}
	}
}

var _ dir.Sink = (*store.Store)(nil)

func TestFaultsAsAnError(t *testing.T) {
	l := dir.Faults{{Position: dir.Position{File: "f", Line: 1, Column: 2}, Reason: "R", Message: "m"}, {Position: dir.Position{File: "g"}, Reason: "S", Path: "p", Message: "n"}}
	if diff := cmp.Diff("f:1:2: warning: m (R)\ng: warning: p: n (S)", l.Error()); diff != "" {
		t.Error(diff)
	}
}
