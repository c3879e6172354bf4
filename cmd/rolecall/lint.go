// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rolecall/rolecall/internal/compile"
	"github.com/rolecall/rolecall/internal/diag"
	"github.com/rolecall/rolecall/internal/expr"
	"github.com/rolecall/rolecall/internal/source/dir"
)

const lintLong = `Lint reports everything that is wrong with manifests of rolecall.dev: what an API
server would refuse, what does not compile, and references that lead nowhere. It
reads files, folders (.yaml, .yml and .json, with their subfolders) and, as -,
the standard input. All of them are one set: a binding may name a role that
stands in another file. Documents of other API groups are skipped.

Exit status: 0 if there are no errors, 1 if there are (with --strict also for
warnings), 2 if the manifests could not be read.

With -o json the output is one object. Its fields stay as they are; new ones may
come:
  files, objects, errors, warnings   counts
  faults[]    file, line, column, severity (error or warning), reason, kind,
              namespace, name, path, message; in the order of the files
  skipped[]   file, line, apiVersion, kind; documents of other API groups`

const lintExample = `  rolecall lint policy/
  kustomize build overlays/prod | rolecall lint -
  rolecall lint -o json policy/ | jq -r '.faults[].reason'`

// lint is one run of the command.
type lint struct {
	output string
	strict bool
}

func newLintCommand() *cobra.Command {
	l := &lint{}
	cmd := &cobra.Command{
		Use:     "lint DIR|FILE|- ...",
		Short:   "Report all faults of a set of manifests",
		Long:    lintLong,
		Example: lintExample,
		Args:    cobra.MinimumNArgs(1),
		RunE:    l.run,
	}
	cmd.Flags().StringVarP(&l.output, "output", "o", "text", "text or json")
	cmd.Flags().BoolVar(&l.strict, "strict", false, "let warnings fail too")
	return cmd
}

func (l *lint) run(cmd *cobra.Command, args []string) error {
	if l.output != "text" && l.output != "json" {
		return fmt.Errorf("--output %q: want text or json", l.output)
	}
	files, err := readManifests(args, cmd.InOrStdin())
	if err != nil {
		return err
	}
	report, err := lintFiles(cmd, files)
	if err != nil {
		return err
	}
	write := report.text
	if l.output == "json" {
		write = report.json
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	if report.Errors > 0 || (l.strict && report.Warnings > 0) {
		return &statusError{code: 1}
	}
	return nil
}

// errNoManifests is what a misspelt folder in a CI job would otherwise hide.
var errNoManifests = errors.New("no manifests: there is no file that ends with .yaml, .yml or .json")

func readManifests(args []string, stdin io.Reader) ([]dir.File, error) {
	var files []dir.File
	for _, arg := range args {
		if arg == "-" {
			text, err := io.ReadAll(stdin)
			if err != nil {
				return nil, fmt.Errorf("read the standard input: %w", err)
			}
			files = append(files, dir.File{Name: "<stdin>", Text: text})
			continue
		}
		found, err := dir.Read(arg)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: %w", arg, errNoManifests)
		}
		files = append(files, found...)
	}
	return files, nil
}

func lintFiles(cmd *cobra.Command, files []dir.File) (*lintReport, error) {
	env, err := expr.NewEnv()
	if err != nil {
		return nil, err
	}
	loader, err := dir.NewLoader()
	if err != nil {
		return nil, err
	}
	set := loader.Load(cmd.Context(), files)
	report := &lintReport{Files: len(files), Objects: len(set.Manifests), Faults: []lintFault{}, Skipped: []lintSkipped{}}
	for _, f := range set.Diagnose(compile.New(env)) {
		report.add(f)
	}
	for _, s := range set.Skipped {
		report.Skipped = append(report.Skipped, lintSkipped{File: s.File, Line: s.Line, APIVersion: s.APIVersion, Kind: s.Kind})
	}
	return report, nil
}

// lintReport is what -o json prints; lintLong documents it.
type lintReport struct {
	Files    int           `json:"files"`
	Objects  int           `json:"objects"`
	Errors   int           `json:"errors"`
	Warnings int           `json:"warnings"`
	Faults   []lintFault   `json:"faults"`
	Skipped  []lintSkipped `json:"skipped"`
}

type lintFault struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	Severity  string `json:"severity"`
	Reason    string `json:"reason"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Path      string `json:"path"`
	Message   string `json:"message"`

	rendered string
}

type lintSkipped struct {
	File       string `json:"file"`
	Line       int    `json:"line"`
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
}

func (r *lintReport) add(f dir.Fault) {
	if f.Severity == diag.Error {
		r.Errors++
	} else {
		r.Warnings++
	}
	r.Faults = append(r.Faults, lintFault{
		File: f.File, Line: f.Line, Column: f.Column,
		Severity: f.Severity.String(), Reason: f.Reason,
		Kind: f.Kind, Namespace: f.Namespace, Name: f.Name,
		Path: f.Path, Message: f.Message,
		rendered: f.String(),
	})
}

func (r *lintReport) json(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// text prints one line a fault and a summary.
func (r *lintReport) text(w io.Writer) error {
	var b strings.Builder
	for _, f := range r.Faults {
		b.WriteString(f.rendered + "\n")
	}
	fmt.Fprintf(&b, "%s, %s in %s of %s", count(r.Errors, "error"), count(r.Warnings, "warning"), count(r.Objects, "object"), count(r.Files, "file"))
	if n := len(r.Skipped); n > 0 {
		fmt.Fprintf(&b, "; %s of other API groups skipped", count(n, "document"))
	}
	_, err := io.WriteString(w, b.String()+"\n")
	return err
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
