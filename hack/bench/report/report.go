// SPDX-License-Identifier: Apache-2.0

// Package report writes docs/performance.md from the results: tables of medians
// and of ratios inside a round, and plots.
package report

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes performance.md and its plots into the folder of the documents,
// from the results of all parts that there are.
func Write(results, docs string) error {
	d, err := load(results)
	if err != nil {
		return err
	}
	m, err := readMachine(filepath.Join(results, "machine.json"))
	if err != nil {
		return err
	}
	if err := d.plots(filepath.Join(docs, "performance")); err != nil {
		return err
	}
	var b bytes.Buffer
	d.document(&b, m)
	path := filepath.Join(docs, "performance.md")
	fmt.Println("writing", path)
	return os.WriteFile(path, b.Bytes(), 0o644) //nolint:gosec // a document
}

// section is a part of the document.
type section struct {
	text  string
	table func(*bytes.Buffer)
}

func (d *data) document(w *bytes.Buffer, m Machine) {
	fmt.Fprint(w, head)
	m.write(w, d)
	for _, s := range d.sections() {
		fmt.Fprint(w, s.text, "\n")
		s.table(w)
	}
	fmt.Fprint(w, foot)
}

func (d *data) sections() []section {
	return []section{
		{checks, func(w *bytes.Buffer) { d.bySize(w, "check", "time", "ns") }},
		{allocations, d.allocations},
		{parallel, func(w *bytes.Buffer) { d.bySize(w, "check-parallel", "time", "ns") }},
		{variants, d.variants},
		{hinging, d.hinging},
		{spent, func(*bytes.Buffer) {}},
		{changes, d.changes},
		{beside, d.besideWriter},
		{memory, func(w *bytes.Buffer) { d.bySize(w, "build", "heap", "B") }},
		{building, func(w *bytes.Buffer) { d.bySize(w, "build", "time", "ms") }},
		{extremes, d.bounds},
		{overLoopback, d.servers},
		{inCluster, d.kube},
	}
}
