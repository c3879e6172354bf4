// SPDX-License-Identifier: Apache-2.0

package controllers_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
)

// TestArgoCDHealth runs the health script for Argo CD, as that does, on what the
// controllers write.
func TestArgoCDHealth(t *testing.T) {
	h := newHouse(t)
	dangling, wrong := binding("dangling", "nobody"), binding("wrong", "reader")
	wrong.Spec.Condition = "subject.nme == 'ann'"
	fine := []client.Object{
		resource("document", "read"), role("reader", allow("document", "read")),
		binding("readers", "reader"), group("team", v1alpha1.Subject{Type: "user", ID: "ann"}),
	}
	h.create(fine...)
	h.create(dangling, wrong)
	for _, o := range fine {
		h.await(o, ready)
		if status, message := argoHealth(t, asFields(t, h.get(o))); status != "Healthy" {
			t.Errorf("%s is in force: %s: %s", o.GetName(), status, message)
		}
	}
	h.await(dangling, verdict{reason: v1alpha1.ReasonRoleNotFound})
	if status, message := argoHealth(t, asFields(t, h.get(dangling))); status != "Progressing" || !strings.Contains(message, `"nobody"`) {
		t.Errorf("a binding before its role: %s: %s", status, message)
	}
	h.await(wrong, verdict{reason: v1alpha1.ReasonInvalidCondition})
	judged := asFields(t, h.get(wrong))
	if status, message := argoHealth(t, judged); status != "Degraded" || !strings.Contains(message, "nme") {
		t.Errorf("a condition that does not compile: %s: %s", status, message)
	}
	// Between an edit and the answer to it the status speaks of the object before.
	judged["metadata"].(map[string]any)["generation"] = int64(2)
	if status, _ := argoHealth(t, judged); status != "Progressing" {
		t.Errorf("an edit that has not been judged: %s", status)
	}
	delete(judged, "status")
	if status, _ := argoHealth(t, judged); status != "Progressing" {
		t.Errorf("an object without status: %s", status)
	}
}

// TestArgoCDKinds: Argo CD is told of every kind.
func TestArgoCDKinds(t *testing.T) {
	text, err := os.ReadFile("../config/argocd/kustomization.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		ConfigMapGenerator []struct{ Files []string }
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var want []string
	for kind := range newScheme(t).KnownTypes(v1alpha1.GroupVersion) {
		if o, err := newScheme(t).New(v1alpha1.GroupVersion.WithKind(kind)); err == nil {
			if _, ok := o.(client.Object); ok {
				want = append(want, "resource.customizations.health."+v1alpha1.GroupVersion.Group+"_"+kind+"=health.lua")
			}
		}
	}
	got := file.ConfigMapGenerator[0].Files
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("config/argocd (-kinds +files):\n%s", diff)
	}
}

func asFields(t *testing.T, o client.Object) map[string]any {
	t.Helper()
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		t.Fatal(err)
	}
	return fields
}

// argoHealth returns what the script says of an object. Like Argo CD it gives the
// script few libraries and the object as `obj`, and takes a table back.
func argoHealth(t *testing.T, object map[string]any) (status, message string) {
	t.Helper()
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{"": lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		state.Push(state.NewFunction(open))
		state.Push(lua.LString(name))
		state.Call(1, 0)
	}
	state.SetContext(t.Context())
	state.SetGlobal("obj", luaValue(t, state, object))
	if err := state.DoFile("../config/argocd/health.lua"); err != nil {
		t.Fatal(err)
	}
	result, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returns a %s, want a table", state.Get(-1).Type())
	}
	return lua.LVAsString(result.RawGetString("status")), lua.LVAsString(result.RawGetString("message"))
}

func luaValue(t *testing.T, state *lua.LState, v any) lua.LValue {
	t.Helper()
	switch v := v.(type) {
	case nil:
		return lua.LNil
	case bool:
		return lua.LBool(v)
	case string:
		return lua.LString(v)
	case int64:
		return lua.LNumber(v)
	case []any:
		table := state.NewTable()
		for _, element := range v {
			table.Append(luaValue(t, state, element))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for name, field := range v {
			table.RawSetString(name, luaValue(t, state, field))
		}
		return table
	}
	t.Fatalf("a %T is nothing that an object holds", v)
	return lua.LNil
}
