// SPDX-License-Identifier: Apache-2.0

package conformance_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"github.com/rolecall/rolecall/config/samples"
	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/source/dir"
	"github.com/rolecall/rolecall/internal/testkit"
	"github.com/rolecall/rolecall/internal/testkit/corpus"
	"github.com/rolecall/rolecall/internal/testkit/decide"
)

// fromFiles returns the cases that manifests can say as they are: an object from
// a file is never being deleted.
func fromFiles(tb testing.TB) []corpus.Case {
	tb.Helper()
	return slices.DeleteFunc(decide.Cases(tb), func(c corpus.Case) bool { return c.Unstorable || c.Deleting() })
}

// TestFolder puts the cases to the folder source: it reports the same faults,
// and serves what an API server would accept and the compiler too.
func TestFolder(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	for _, c := range fromFiles(t) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			write(t, folder, c.Objects)
			refused := slices.ContainsFunc(values(c.Conditions), func(w testkit.Conditions) bool { return w.Accepted != "" })
			l := newLive(t, compiler)
			report := serve(t, folder, l, compiler)
			compareFaults(t, c, report.Faults)
			if report.Stale != refused {
				t.Fatalf("the folder is refused: %v, want %v: %v", report.Stale, refused, report.Err)
			}
			if !refused {
				decide.Verify(t, l.settle(t), c.Checks)
			}
		})
	}
}

func values(m map[string]testkit.Conditions) []testkit.Conditions {
	var all []testkit.Conditions
	for _, c := range m {
		all = append(all, c)
	}
	return all
}

// write writes each object to a file of its own.
func write(t *testing.T, folder string, objects []testkit.Object) {
	t.Helper()
	for _, o := range objects {
		text, err := testkit.YAML(o)
		if err != nil {
			t.Fatal(err)
		}
		file := strings.ReplaceAll(testkit.Name(o), "/", ".") + ".yaml"
		if err := os.WriteFile(filepath.Join(folder, file), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// serve runs the folder source until the test ends and returns what it says of
// the first load.
func serve(t *testing.T, folder string, l *live, compiler *compile.Compiler) dir.Report {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	loaded, ended := make(chan dir.Report, 1), make(chan error, 1)
	go func() {
		ended <- dir.Run(ctx, folder, l, dir.Options{Compiler: compiler, Loaded: func(r dir.Report) { loaded <- r }})
	}()
	report := <-loaded
	t.Cleanup(func() {
		cancel()
		if err := <-ended; (err != nil) != report.Stale {
			t.Errorf("the source ended with %v, and the folder was refused: %v", err, report.Stale)
		}
	})
	return report
}

func compareFaults(t *testing.T, c corpus.Case, faults dir.Faults) {
	t.Helper()
	byObject := map[string]diag.List{}
	for _, f := range faults {
		name := f.Kind + "/" + f.Name
		if f.Namespace != testkit.Namespace {
			name = f.Kind + "/" + f.Namespace + "/" + f.Name
		}
		byObject[name] = append(byObject[name], diag.Diagnostic{
			Severity: f.Severity, Aspect: aspectOf(f), Reason: f.Reason, Path: f.Path, Message: f.Message,
		})
	}
	got := map[string]testkit.Conditions{}
	for name, list := range byObject {
		got[name] = testkit.FromFaults(list)
	}
	want := map[string]testkit.Conditions{}
	for name, w := range c.Conditions {
		w.Says = nil
		want[name] = w
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s%v", diff, faults)
	}
}

// aspectOf says which condition a fault makes False: a folder with one that is
// not accepted is refused.
func aspectOf(f dir.Fault) diag.Aspect {
	if f.Refused {
		return diag.Accepted
	}
	return diag.References
}

// TestFolderRefuses shows that each object of the sample broken-refused is refused for
// its one fault.
func TestFolderRefuses(t *testing.T) {
	t.Parallel()
	compiler := compile.New(decide.Env(t))
	expected := refusals(t)
	for name, document := range documents(t, samples.BrokenRefused) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			if err := os.WriteFile(filepath.Join(folder, "object.yaml"), document, 0o600); err != nil {
				t.Fatal(err)
			}
			err := dir.Run(t.Context(), folder, newLive(t, compiler), dir.Options{Compiler: compiler})
			var faults dir.Faults
			if !errors.As(err, &faults) {
				t.Fatalf("the folder says %v, want that it is refused", err)
			}
			field, message, _ := strings.Cut(expected[name], ": ")
			if field == "" || !slices.ContainsFunc(faults, func(f dir.Fault) bool {
				return f.Path == field && strings.Contains(f.Message, message)
			}) {
				t.Errorf("the folder says\n%v\nwant %s", faults, expected[name])
			}
		})
	}
}

// refusals returns why each object of the sample broken-refused is refused.
func refusals(t *testing.T) map[string]string {
	t.Helper()
	text, err := samples.Checks(samples.BrokenRefused)
	if err != nil {
		t.Fatal(err)
	}
	expected, err := testkit.ParseExpectations(text)
	if err != nil {
		t.Fatal(err)
	}
	return expected.Refused
}

// documents returns the documents of a sample by the Name of their object.
func documents(t *testing.T, sample string) map[string][]byte {
	t.Helper()
	all, err := corpus.Documents(sample)
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string][]byte{}
	for _, document := range all {
		var head struct {
			Kind     string
			Metadata struct{ Name string }
		}
		if err := yaml.Unmarshal(document, &head); err != nil {
			t.Fatal(err)
		}
		byName[head.Kind+"/"+head.Metadata.Name] = document
	}
	return byName
}
