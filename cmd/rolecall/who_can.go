// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

const whoCanLong = `Who-can asks a running server which subjects may do an action to a resource, and
prints those that are known: whom RoleBindings and Groups list, and the stored
instances of their type. What else it says is about the others:

  open to    by which ways others may be allowed, whom nobody has named: * is
             everyone of the type, group whoever states one, and so on
  undecided  how many are left out because a condition could not be evaluated,
             mostly for want of a property

A server wants other rights for searches than for checks: create on
searches.rolecall.dev, or the scope authz:search.

Exit status: 0 if somebody was found, 1 if nobody was, 2 if there is no answer.`

const whoCanExample = `  rolecall who-can --action update --resource document/plan --scope org:acme
  rolecall who-can --namespace shop --action refund --resource order/17 --subject-type service -o json`

// whoCan is one run of the command.
type whoCan struct{ check }

func newWhoCanCommand() *cobra.Command {
	c := &whoCan{}
	cmd := &cobra.Command{
		Use:     "who-can --action NAME --resource TYPE[/ID]",
		Short:   "Tell which subjects may do something",
		Long:    whoCanLong,
		Example: whoCanExample,
		Args:    cobra.NoArgs,
		RunE:    c.run,
	}
	f := cmd.Flags()
	f.StringVar(&c.server, "server", "http://127.0.0.1:8080", "`URL` of the server to ask")
	f.StringVarP(&c.namespace, "namespace", "n", "", "namespace of the policy (default: the server's default namespace)")
	f.StringVarP(&c.output, "output", "o", "text", "text or json")
	f.DurationVar(&c.timeout, "timeout", 30*time.Second, "how long to wait for all answers")
	c.caller.flags(f)
	f.StringVar(&c.question.subjectType, "subject-type", "user", "`type` of the subjects")
	c.question.aboutFlags(f)
	cmd.MarkFlagsRequiredTogether("cert-file", "key-file")
	return cmd
}

// found are the subjects that were found, and what is said of the others.
type found struct {
	Results []subjectID `json:"results"`
	// OpenTo and Undecided are those of all pages.
	OpenTo    []string `json:"open_to"`
	Undecided int      `json:"undecided"`
}

type subjectID struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

func (c *whoCan) run(cmd *cobra.Command, _ []string) error {
	if c.output != "text" && c.output != "json" {
		return fmt.Errorf("--output %q: want text or json", c.output)
	}
	if c.question.subjectType == "" {
		return errors.New("--subject-type is empty; want a type, as user")
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), c.timeout)
	defer cancel()
	all := &found{Results: []subjectID{}, OpenTo: []string{}}
	for token, more := "", true; more; more = token != "" {
		var err error
		if token, err = c.page(ctx, cmd.InOrStdin(), token, all); err != nil {
			return err
		}
	}
	if err := all.print(cmd.OutOrStdout(), c.output); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if len(all.Results) == 0 {
		return &statusError{code: 1}
	}
	return nil
}

// page asks for the page behind a token, the first one if it is empty, adds it to all
// and returns the token of the next one, empty if it was the last.
func (c *whoCan) page(ctx context.Context, in io.Reader, token string, all *found) (string, error) {
	subject, err := withProperties(map[string]any{"type": c.question.subjectType}, "--subject-property", c.question.subjectProperties)
	if err != nil {
		return "", err
	}
	body, err := c.question.about(subject, token)
	if err != nil {
		return "", err
	}
	text, err := c.askServer(ctx, "access/v1/search/subject", body, in)
	if err != nil {
		return "", err
	}
	var answer struct {
		Results *[]subjectID `json:"results"`
		Page    struct {
			Next       string `json:"next_token"`
			Properties struct {
				OpenTo    []string `json:"open_to"`
				Undecided int      `json:"undecided"`
			} `json:"properties"`
		} `json:"page"`
	}
	if err := json.Unmarshal(text, &answer); err != nil || answer.Results == nil {
		return "", fmt.Errorf("the answer is not that of a search: %.200s", text)
	}
	if answer.Page.Next != "" && answer.Page.Next == token {
		return "", errors.New("the server sends the same page again and again")
	}
	all.Results = append(all.Results, *answer.Results...)
	all.OpenTo = append(all.OpenTo, answer.Page.Properties.OpenTo...)
	slices.Sort(all.OpenTo)
	all.OpenTo = slices.Compact(all.OpenTo)
	all.Undecided += answer.Page.Properties.Undecided
	return answer.Page.Next, nil
}

func (f *found) print(w io.Writer, output string) error {
	if output == "json" {
		return writeJSON(w, f)
	}
	var text strings.Builder
	for _, s := range f.Results {
		fmt.Fprintf(&text, "%s:%s\n", s.Type, s.ID)
	}
	if len(f.Results) == 0 {
		text.WriteString("nobody who is known\n")
	}
	if len(f.OpenTo) > 0 {
		fmt.Fprintf(&text, "\nopen to:   %s\n", strings.Join(f.OpenTo, ", "))
	}
	if f.Undecided > 0 {
		fmt.Fprintf(&text, "undecided: %d\n", f.Undecided)
	}
	_, err := io.WriteString(w, text.String())
	return err
}
