// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/authzen"
)

const checkLong = `Check asks whether a subject may do an action to a resource: a running server, or
with --dir the manifests of a folder, which are compiled and asked on the spot. It
prints the decision, its reason and the roles that decided.

Exit status: 0 if it is allowed, 1 if it is denied, 2 if there is no answer (the
server cannot be reached, the manifests are bad, a flag is wrong). So in a shell
everything but an allow is false:

  if rolecall check ... ; then ... ; fi

A subject is TYPE:ID, or only an ID, which means a user. A resource is TYPE/ID, or
only a TYPE if it is not about one instance. If a type has a colon or a slash
itself, give it with --subject-type or --resource-type; then --subject and
--resource are the whole id.

Properties and context are NAME=VALUE. A value that is JSON is taken as JSON
(42, true, ["a","b"], "42"), any other as a string. As everywhere in AuthZEN some
of the subject's properties give authority: roles, groups, email, email_verified,
sso_connections, sso_groups.

A server that asks who calls is told by --token-file (a service account's token, a
JWT or an API key) or by a client certificate. Instead of naming the subject, its
session token can be sent. Tokens are read from files, or from standard input, and
never given as arguments, which every user of a machine can see.

With -o json the output is the answer as AuthZEN has it: decision, and context
with reason, roles and revision.`

const checkExample = `  rolecall check --subject user:alice --action read --resource document/handbook
  rolecall check --namespace shop --subject alice --action refund --resource order/17 --scope org:acme \
    --resource-property amount=25 --context mfa=true
  rolecall check --dir policy/ --subject bob --action update --resource document \
    --subject-property 'groups=["editors"]' -o json
  kubectl create token checkout --audience rolecall.dev |
    rolecall check --server https://rolecall.rolecall-system:8080 --ca-file ca.crt --token-file - \
    --namespace shop --session-jwt-file session.jwt --action refund --resource order/17`

// check is one run of the command.
type check struct {
	server, dir string
	namespace   string
	output      string
	timeout     time.Duration
	caller      caller
	question    question
	// at is the moment to explain; empty is now.
	at string
}

func newCheckCommand() *cobra.Command {
	c := &check{}
	cmd := &cobra.Command{
		Use:     "check --subject [TYPE:]ID --action NAME --resource TYPE[/ID]",
		Short:   "Ask a server or a folder whether a subject may do something",
		Long:    checkLong,
		Example: checkExample,
		Args:    cobra.NoArgs,
		RunE:    c.run,
	}
	c.flags(cmd)
	return cmd
}

func (c *check) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&c.server, "server", "http://127.0.0.1:8080", "`URL` of the server to ask")
	f.StringVar(&c.dir, "dir", "", "ask the manifests of this `folder` instead of a server")
	f.StringVarP(&c.namespace, "namespace", "n", "", "namespace of the policy (default: the server's default namespace; with --dir, default)")
	f.StringVarP(&c.output, "output", "o", "text", "text or json")
	f.DurationVar(&c.timeout, "timeout", 10*time.Second, "how long to wait for the answer")
	c.caller.flags(f)
	c.question.flags(f)
	cmd.MarkFlagsMutuallyExclusive("server", "dir")
	cmd.MarkFlagsMutuallyExclusive("token-file", "dir")
	cmd.MarkFlagsMutuallyExclusive("ca-file", "dir")
	cmd.MarkFlagsMutuallyExclusive("cert-file", "dir")
	cmd.MarkFlagsRequiredTogether("cert-file", "key-file")
	cmd.MarkFlagsMutuallyExclusive("session-jwt-file", "session-token-file")
}

func (c *check) run(cmd *cobra.Command, _ []string) error {
	text, err := c.ask(cmd, "access/v1/evaluation", func(checker authz.Checker, r *authz.Request) ([]byte, error) {
		var d authz.Decision
		if err := checker.Check(r, &d); err != nil {
			return nil, err
		}
		return authzen.AppendDecision(nil, &d, checker.Revision(), true), nil
	})
	if err != nil {
		return err
	}
	a, err := parseAnswer(text)
	if err != nil {
		return err
	}
	if err := a.print(cmd.OutOrStdout(), c.output); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	if !*a.Decision {
		return &statusError{code: 1}
	}
	return nil
}

// ask puts the question to the server's endpoint, or to the folder by a function
// that answers as that does.
func (c *check) ask(cmd *cobra.Command, path string, folder func(authz.Checker, *authz.Request) ([]byte, error)) ([]byte, error) {
	if c.output != "text" && c.output != "json" {
		return nil, fmt.Errorf("--output %q: want text or json", c.output)
	}
	if err := c.onePipe(); err != nil {
		return nil, err
	}
	body, err := c.question.body(cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), c.timeout)
	defer cancel()
	if c.dir != "" {
		return c.askFolder(ctx, body, folder)
	}
	return c.askServer(ctx, path, body, cmd.InOrStdin())
}

// answer is a decision as the server and -o json write it.
type answer struct {
	Decision *bool `json:"decision"`
	Context  struct {
		Reason   string   `json:"reason"`
		Roles    []string `json:"roles"`
		Revision string   `json:"revision"`
	} `json:"context"`
}

// parseAnswer reads an answer. What has no decision is none, and never an allow.
func parseAnswer(text []byte) (*answer, error) {
	a := &answer{}
	if err := json.Unmarshal(text, a); err != nil {
		return nil, fmt.Errorf("the answer is not that of an AuthZEN server: %w", err)
	}
	if a.Decision == nil {
		return nil, fmt.Errorf("the answer is not that of an AuthZEN server, it has no decision: %.200s", text)
	}
	return a, nil
}

func (a *answer) print(w io.Writer, output string) error {
	if output == "json" {
		if a.Context.Roles == nil {
			a.Context.Roles = []string{}
		}
		return writeJSON(w, a)
	}
	decision := "deny"
	if *a.Decision {
		decision = "allow"
	}
	roles := strings.Join(a.Context.Roles, ", ")
	if roles == "" {
		roles = "-"
	}
	_, err := fmt.Fprintf(w, "decision: %s\nreason:   %s\nroles:    %s\n", decision, a.Context.Reason, roles)
	return err
}

// writeJSON writes an answer, indented.
func writeJSON(w io.Writer, answer any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(answer)
}
