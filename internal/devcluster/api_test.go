// SPDX-License-Identifier: Apache-2.0

package devcluster_test

import (
	"context"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
)

var roles = schema.GroupVersionResource{Group: "rolecall.dev", Version: "v1alpha1", Resource: "roles"}

func roleClient(t *testing.T) dynamic.ResourceInterface {
	t.Helper()
	client, err := dynamic.NewForConfig(devclustertest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(roles).Namespace(devclustertest.Namespace(t))
}

func role(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "rolecall.dev/v1alpha1",
		"kind":       "Role",
		"metadata":   map[string]any{"name": name},
		"spec":       map[string]any{"id": "editor"},
	}}
}

func TestObjectsAreStored(t *testing.T) {
	ctx, client := t.Context(), roleClient(t)
	made, err := client.Create(ctx, role("editor"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if created := made.GetCreationTimestamp(); made.GetUID() == "" || created.IsZero() {
		t.Errorf("created without uid or timestamp: %v", made.Object)
	}
	set(t, made, "Writes.", "spec", "description")
	if made, err = client.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if made.GetGeneration() != 2 {
		t.Errorf("generation after an update = %d, want 2", made.GetGeneration())
	}
	if err := client.Delete(ctx, "editor", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Get(ctx, "editor", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("get after delete: %v, want not found", err)
	}
}

func set(t *testing.T, obj *unstructured.Unstructured, value any, fields ...string) {
	t.Helper()
	if err := unstructured.SetNestedField(obj.Object, value, fields...); err != nil {
		t.Fatal(err)
	}
}

func TestStatusIsASubresource(t *testing.T) {
	ctx, client := t.Context(), roleClient(t)
	made, err := client.Create(ctx, role("editor"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set(t, made, "viewer", "status", "id")
	set(t, made, "ignored", "spec", "description")
	made, err = client.UpdateStatus(ctx, made, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if id, _, _ := unstructured.NestedString(made.Object, "status", "id"); id != "viewer" {
		t.Errorf("status.id = %q, want viewer", id)
	}
	if _, found, _ := unstructured.NestedString(made.Object, "spec", "description"); found {
		t.Error("a status update changed the spec")
	}
}

func TestWatchTellsOfChanges(t *testing.T) {
	ctx, client := t.Context(), roleClient(t)
	w, err := client.Watch(ctx, metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Stop()
	made, err := client.Create(ctx, role("editor"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Added)
	set(t, made, "Writes.", "spec", "description")
	if _, err := client.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Modified)
	if err := client.Delete(ctx, "editor", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	want(t, w, watch.Deleted)
}

func want(t *testing.T, w watch.Interface, kind watch.EventType) {
	t.Helper()
	if event := <-w.ResultChan(); event.Type != kind {
		t.Fatalf("event = %s %v, want %s", event.Type, event.Object, kind)
	}
}

func TestServerSideApplyMerges(t *testing.T) {
	ctx, client := t.Context(), roleClient(t)
	apply(ctx, t, client, "one", `{"spec":{"id":"editor","inherits":["a"]}}`)
	made := apply(ctx, t, client, "two", `{"spec":{"inherits":["b"]}}`)
	got, _, _ := unstructured.NestedStringSlice(made.Object, "spec", "inherits")
	if strings.Join(got, " ") != "a b" {
		t.Errorf("inherits = %v, want both owners' items: the list is a set", got)
	}
}

func apply(ctx context.Context, t *testing.T, client dynamic.ResourceInterface, owner, body string) *unstructured.Unstructured {
	t.Helper()
	head := `{"apiVersion":"rolecall.dev/v1alpha1","kind":"Role","metadata":{"name":"editor"},`
	made, err := client.Patch(ctx, "editor", types.ApplyPatchType, []byte(head+body[1:]), metav1.PatchOptions{FieldManager: owner})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestFaultyObjectsAreRefused(t *testing.T) {
	tests := map[string]struct {
		field []string
		value any
		want  string
	}{
		"a value outside the schema":      {field: []string{"spec", "assertable"}, value: "yes", want: "spec.assertable"},
		"a field that the schema has not": {field: []string{"spec", "asertable"}, value: true, want: `unknown field "spec.asertable"`},
		"a list against its bounds":       {field: []string{"spec", "inherits"}, value: []any{}, want: "spec.inherits"},
	}
	client := roleClient(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			obj := role("faulty")
			set(t, obj, tt.value, tt.field...)
			_, err := client.Create(t.Context(), obj, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error = %v, want one that says %q", err, tt.want)
			}
		})
	}
}

func TestCELRulesAreEnforced(t *testing.T) {
	ctx, client := t.Context(), roleClient(t)
	made, err := client.Create(ctx, role("editor"), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	set(t, made, "other", "spec", "id")
	_, err = client.Update(ctx, made, metav1.UpdateOptions{})
	if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "immutable") {
		t.Errorf("changing the id: %v, want a refusal that says immutable", err)
	}
}
