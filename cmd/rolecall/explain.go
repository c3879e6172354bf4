// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

const explainLong = `Explain asks as check does, and tells why the decision is what it is: the keys by
which RoleBindings can list the subject, every binding that lists one of them with
what it counts for, and every permission that covers the type and the action with
the value of its condition. It says yes or no to a binding or a permission, and if
no, why.

A server wants other rights for explanations than for checks: create on
explanations.rolecall.dev, or the scope authz:explain. With --time it is explained
how a check comes out, or would, at another moment, by the objects that there are now.

Exit status: as of check.`

const explainExample = `  rolecall explain --subject user:alice --action read --resource document/handbook
  rolecall explain --dir policy/ --subject bob --action update --resource document --time 2027-01-01T00:00:00Z`

func newExplainCommand() *cobra.Command {
	c := &check{}
	cmd := &cobra.Command{
		Use:     "explain --subject [TYPE:]ID --action NAME --resource TYPE[/ID]",
		Short:   "Tell why a subject may do something, or may not",
		Long:    explainLong,
		Example: explainExample,
		Args:    cobra.NoArgs,
		RunE:    c.explain,
	}
	c.flags(cmd)
	cmd.Flags().StringVar(&c.at, "time", "", "`moment` to explain, as 2027-01-31T09:30:00Z (default now)")
	return cmd
}

func (c *check) explain(cmd *cobra.Command, _ []string) error {
	text, err := c.ask(cmd, "access/v1/explanation", func(checker authz.Checker, r *authz.Request) ([]byte, error) {
		x, ok := checker.(authz.Explainer)
		if !ok {
			return nil, errors.New("the folder's policy explains no decisions")
		}
		e, err := x.Explain(r)
		if err != nil {
			return nil, err
		}
		return authzen.AppendExplanation(nil, e, checker.Revision(), r.Time)
	})
	if err != nil {
		return err
	}
	a, err := parseAnswer(text)
	if err != nil {
		return err
	}
	if c.output == "json" {
		err = writeJSON(cmd.OutOrStdout(), json.RawMessage(text))
	} else {
		err = writeExplanation(cmd.OutOrStdout(), a, text)
	}
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if !*a.Decision {
		return &statusError{code: 1}
	}
	return nil
}

func writeExplanation(w io.Writer, a *answer, text []byte) error {
	var said struct {
		Explanation *authz.Explanation `json:"explanation"`
	}
	if err := json.Unmarshal(text, &said); err != nil || said.Explanation == nil {
		return fmt.Errorf("the answer explains nothing: %.200s", text)
	}
	if err := a.print(w, "text"); err != nil {
		return err
	}
	if len(said.Explanation.Keys) == 0 {
		return nil // the reason says it all
	}
	var aligned strings.Builder
	t := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	p := printer{t}
	p.keys(said.Explanation)
	p.bindings(said.Explanation)
	p.permissions(said.Explanation)
	_ = t.Flush() // to memory
	for line := range strings.Lines(aligned.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// printer writes an explanation for people.
type printer struct{ io.Writer }

func (p printer) line(format string, args ...any) { _, _ = fmt.Fprintf(p, format+"\n", args...) }

func (p printer) keys(e *authz.Explanation) {
	p.line("\nKEYS OF THE SUBJECT\tCOUNTS\tBY")
	for _, k := range e.Keys {
		id := k.Type + ":" + k.ID
		if k.Connection != "" {
			id = k.Type + ":" + k.Connection + ":" + k.ID
		}
		counts, by := authz.CountsFully, make([]string, len(k.Members))
		if k.DenyOnly {
			counts = authz.CountsForDeny
		}
		for i, m := range k.Members {
			by[i] = place(m)
		}
		p.line("%s\t%s\t%s", id, verdict(counts, k.Because), strings.Join(by, ", "))
	}
}

func (p printer) bindings(e *authz.Explanation) {
	p.line("\nBINDINGS\tROLE\tSCOPE\tCOUNTS\tCONDITION")
	for _, b := range e.Bindings {
		p.line("%s\t%s\t%s\t%s\t%s", place(b.Subject), b.Role, b.Scope, verdict(b.Counts, b.Because), value(b.Condition))
	}
	for _, a := range e.Asserted {
		p.line("stated by the subject\t%s\t\t%s\t", a.Role, verdict(a.Counts, a.Because))
	}
	if len(e.Bindings)+len(e.Asserted) == 0 {
		p.line("none")
	}
	if n := e.OmittedBindings; n > 0 {
		p.line("and %d more that make no difference", n)
	}
}

func (p printer) permissions(e *authz.Explanation) {
	p.line("\nPERMISSIONS\tEFFECT\tROLE\tAPPLIES\tCONDITION")
	for _, q := range e.Permissions {
		effect, applies := "Allow", authz.CountsNot
		if q.Deny {
			effect = "Deny"
		}
		if q.Applies {
			applies = authz.CountsFully
		}
		mark := verdict(applies, q.Because)
		if q.Decides {
			mark += ", decides"
		}
		p.line("%s\t%s\t%s\t%s\t%s", place(q.Permission), effect, strings.Join(append([]string{q.Role}, q.Inherits...), " > "), mark, value(q.Condition))
	}
	if len(e.Permissions) == 0 {
		p.line("none")
	}
}

// place is where something stands, as kubectl names objects.
func place(f authz.ObjectField) string {
	names := map[string]string{"RoleBinding": "rcbind", "Role": "rcrole", "Group": "rcgroup"}
	return names[f.Kind] + "/" + f.Name + " " + f.Field
}

func verdict(c authz.Counts, because authz.Because) string {
	switch c {
	case authz.CountsFully:
		return "yes"
	case authz.CountsForDeny:
		return "for Denies: " + string(because)
	default:
		return "no: " + string(because)
	}
}

func value(c *authz.ExplainedCondition) string {
	switch {
	case c == nil:
		return ""
	case c.Error != "":
		return fmt.Sprintf("%s: %s (%s)", c.Value, c.Expression, c.Error)
	}
	return fmt.Sprintf("%s: %s", c.Value, c.Expression)
}
