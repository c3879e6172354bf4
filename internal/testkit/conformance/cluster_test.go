// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	kube "sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/config/samples"
	"github.com/rolecall/rolecall/internal/devcluster/devclustertest"
	"github.com/rolecall/rolecall/internal/operator"
	"github.com/rolecall/rolecall/internal/server"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
	"github.com/rolecall/rolecall/internal/testkit/decide"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

func TestMain(m *testing.M) {
	operator.SetLibraryLogger(logr.Discard())
	devclustertest.Main(m)
}

// TestCluster applies the cases to an API server that an operator watches: the
// door answers as they say, and so do the conditions in status.
// bug: an error in status that stayed when the other object was mended
// (kuadrant-operator issue 702), for the objects come in the order of the files,
// in which most of what refers comes first
func TestCluster(t *testing.T) {
	t.Parallel()
	clock := &clock{}
	config := devclustertest.Start(t)
	started := make(chan server.Addresses, 1)
	operate(t, operator.Options{
		Config: loopback(), Kube: config, LogEvents: true, Logger: logs.New(t), Now: clock.read,
		Started: func(a server.Addresses) { started <- a },
	})
	config.QPS = -1 // the test may ask as often as it likes
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	api, err := kube.New(config, kube.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	door := &client{base: "http://" + (<-started).HTTP, clock: clock}
	stored := slices.DeleteFunc(decide.Cases(t), func(c corpus.Case) bool { return c.Unstorable })
	placed := make([]corpus.Case, len(stored))
	for i, c := range stored {
		placed[i] = place(c)
		create(t, api, placed[i].Objects)
	}
	for i, c := range stored {
		t.Run(c.Name, func(t *testing.T) {
			awaitStatus(t, api, c, placed[i].Objects)
			await(t, door, placed[i].Checks)
		})
	}
}

// operate runs an operator until the test ends.
func operate(t *testing.T, o operator.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- operator.Run(ctx, o) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the operator ended with %v", err)
		}
	})
}

// create creates the objects, and begins to delete those that are to be found in
// deletion.
func create(t *testing.T, api kube.Client, objects []testkit.Object) {
	t.Helper()
	for _, o := range objects {
		deleting := o.GetDeletionTimestamp() != nil
		o.SetDeletionTimestamp(nil)
		if err := api.Create(t.Context(), o); err != nil {
			t.Fatalf("create %s: %v", testkit.Name(o), err)
		}
		if deleting {
			if err := api.Delete(t.Context(), o); err != nil {
				t.Fatalf("delete %s: %v", testkit.Name(o), err)
			}
		}
	}
}

const patience = 30 * time.Second

// awaitStatus waits until the status of every object is what the case expects.
func awaitStatus(t *testing.T, api kube.Client, c corpus.Case, objects []testkit.Object) {
	t.Helper()
	for i, o := range objects {
		var wrong string
		err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
			if err := api.Get(ctx, kube.ObjectKeyFromObject(o), o); err != nil {
				return false, err
			}
			wrong = statusDiff(c.Conditions[testkit.Name(c.Objects[i])], o)
			return wrong == "", nil
		})
		if err != nil {
			t.Errorf("%s (-want +got):\n%s%v", testkit.Name(c.Objects[i]), wrong, err)
		}
	}
}

func statusDiff(want testkit.Conditions, o testkit.Object) string {
	status := statusOf(o)
	if status.ObservedGeneration != o.GetGeneration() {
		return fmt.Sprintf("observedGeneration is %d, want %d\n", status.ObservedGeneration, o.GetGeneration())
	}
	if diff := cmp.Diff(want.Statuses(), testkit.StatusesOf(status.Conditions)); diff != "" {
		return diff
	}
	if unsaid := want.Unsaid(messages(status.Conditions)...); len(unsaid) > 0 {
		return fmt.Sprintf("does not say %q but\n%s\n", unsaid, strings.Join(messages(status.Conditions), "\n"))
	}
	return staleConditions(status)
}

// staleConditions returns the conditions that speak of another generation.
func staleConditions(status *v1alpha1.Status) string {
	i := slices.IndexFunc(status.Conditions, func(c metav1.Condition) bool {
		return c.ObservedGeneration != status.ObservedGeneration || c.LastTransitionTime.IsZero()
	})
	if i < 0 {
		return ""
	}
	return fmt.Sprintf("%+v speaks of another generation, or not of when\n", status.Conditions[i])
}

func statusOf(o testkit.Object) *v1alpha1.Status {
	switch o := o.(type) {
	case *v1alpha1.Resource:
		return &o.Status.Status
	case *v1alpha1.Role:
		return &o.Status.Status
	case *v1alpha1.RoleBinding:
		return &o.Status.Status
	case *v1alpha1.Group:
		return &o.Status.Status
	}
	return &v1alpha1.Status{}
}

func messages(conditions []metav1.Condition) []string {
	var all []string
	for _, c := range conditions {
		all = append(all, c.Message)
	}
	return all
}

// await asks until the door has heard of the objects: it watches each kind by
// itself.
func await(t *testing.T, door *client, checks []testkit.Check) {
	t.Helper()
	var wrong []string
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, patience, true, func(context.Context) (bool, error) {
		wrong = door.differences(t, checks)
		return len(wrong) == 0, nil
	})
	if err != nil {
		t.Errorf("%v:\n%s", err, strings.Join(wrong, "\n"))
	}
}

// TestClusterRefuses shows that the API server refuses each object of the sample
// broken-refused, as kubectl applies it: with strict field validation.
func TestClusterRefuses(t *testing.T) {
	t.Parallel()
	api, err := kube.New(devclustertest.Start(t), kube.Options{})
	if err != nil {
		t.Fatal(err)
	}
	strict := kube.WithFieldValidation(api, kube.FieldValidation(metav1.FieldValidationStrict))
	expected := refusals(t)
	for name, document := range documents(t, samples.BrokenRefused) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var object unstructured.Unstructured
			if err := yaml.Unmarshal(document, &object.Object); err != nil {
				t.Fatal(err)
			}
			object.SetNamespace("refused")
			field, message, _ := strings.Cut(expected[name], ": ")
			err := strict.Create(t.Context(), &object)
			if err == nil || field == "" || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), message) {
				t.Errorf("error %v, want %q", err, expected[name])
			}
		})
	}
}
