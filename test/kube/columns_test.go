// SPDX-License-Identifier: Apache-2.0

//go:build kube

package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/internal/testkit/live"
)

// printerColumns looks at the table from which kubectl prints, and at what it
// prints.
func printerColumns(t *testing.T, c *cluster) {
	want := map[string][]string{
		"resources":    {"Name", "Type", "Actions", "Ready", "Reason", "Message", "Age"},
		"roles":        {"Name", "ID", "Permissions", "Bindings", "Ready", "Reason", "Message", "Age"},
		"groups":       {"Name", "ID", "Members", "Ready", "Reason", "Message", "Age"},
		"rolebindings": {"Name", "Roles", "Subjects", "Scope", "Not After", "Ready", "Reason", "Message", "Age"},
	}
	for plural, columns := range want {
		t.Run(plural, func(t *testing.T) {
			// The count of bindings is written when it has been at rest for a while.
			live.Eventually(t, "every column is filled", func(context.Context) error {
				return filledColumns(c.table(t, plural, "broken"), columns)
			})
		})
	}
	lines := map[string]string{
		"rcres/document":  "document document 3 True Ready",
		"rcrole/viewer":   "viewer viewer 1 6 True Ready",
		"rcgroup/interns": "interns interns 1 True Ready",
		"rcbind/viewers":  `viewers ["viewer"] 1 * True Ready`,
	}
	for name, line := range lines {
		live.Eventually(t, "kubectl get "+name, func(context.Context) error {
			fields := strings.Fields(c.kubectl(t, "get", name, "-n", "broken", "--no-headers"))
			if got := strings.Join(fields[:len(fields)-1], " "); got != line {
				return fmt.Errorf("it prints %q and an age, want %q", got, line)
			}
			return nil
		})
	}
}

func filledColumns(table metav1.Table, want []string) error {
	var faults []error
	var got []string
	for _, column := range table.ColumnDefinitions {
		got = append(got, column.Name)
		if column.Description == "" {
			faults = append(faults, fmt.Errorf("column %s has no description", column.Name))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		faults = append(faults, fmt.Errorf("columns (-want +got):\n%s", diff))
	}
	for _, row := range table.Rows {
		for i, cell := range row.Cells {
			// A binding of the sample without an end has none to show.
			if got[i] != "Not After" && (cell == nil || cell == "" || cell == "<none>") {
				faults = append(faults, fmt.Errorf("column %s is not filled: %v", got[i], row.Cells))
			}
		}
	}
	return errors.Join(faults...)
}

// table asks for a list as kubectl does when it prints one.
func (c *cluster) table(t *testing.T, plural, namespace string) metav1.Table {
	t.Helper()
	transport, err := rest.HTTPClientFor(c.env.Config)
	if err != nil {
		t.Fatal(err)
	}
	url := fmt.Sprintf("https://%s/apis/rolecall.dev/v1alpha1/namespaces/%s/%s", c.address(), namespace, plural)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	response, err := transport.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var table metav1.Table
	if err := json.Unmarshal(text, &table); err != nil || len(table.Rows) == 0 {
		t.Fatalf("no table of %s: %v: %s", plural, err, text)
	}
	return table
}
