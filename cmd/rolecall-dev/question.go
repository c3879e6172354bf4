// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/devcluster"
)

// question is a check to begin with.
type question struct {
	namespace                                string
	subject, action, resourceType, id, scope string
}

// sampleQuestions are one that the sample allows and one that it denies.
func sampleQuestions() []question {
	return []question{
		{devcluster.DefaultNamespace, "alice", "delete", "document", "plan", "org:acme"},
		{devcluster.DefaultNamespace, "bob", "delete", "document", "plan", "org:acme"},
	}
}

// anyQuestion is about the first Resource that there is.
func anyQuestion(ctx context.Context, config *rest.Config) ([]question, error) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		return nil, fmt.Errorf("register the kinds: %w", err)
	}
	kube, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	var found v1alpha1.ResourceList
	if err := kube.List(ctx, &found); err != nil {
		return nil, fmt.Errorf("list the Resources: %w", err)
	}
	for i := range found.Items {
		if len(found.Items[i].Spec.Actions) > 0 {
			return []question{about(&found.Items[i])}, nil
		}
	}
	return nil, nil
}

func about(r *v1alpha1.Resource) question {
	q := question{namespace: r.Namespace, subject: "alice", id: "1", resourceType: r.Name, action: string(r.Spec.Actions[0].Name)}
	if r.Spec.Type != "" {
		q.resourceType = string(r.Spec.Type)
	}
	if r.Spec.Scoping == v1alpha1.ScopingRequired {
		q.scope = "org:acme"
	}
	return q
}

// String is the question in words.
func (q question) String() string {
	words := fmt.Sprintf("May %s %s %s %s", q.subject, q.action, q.resourceType, q.id)
	if q.scope != "" {
		words += " of " + q.scope
	}
	return words + "?"
}

func (q question) url(address string) string {
	return "http://" + address + "/ns/" + url.PathEscape(q.namespace) + "/access/v1/evaluation"
}

// evaluation is the AuthZEN request.
type evaluation struct {
	Subject  entity   `json:"subject"`
	Action   action   `json:"action"`
	Resource entity   `json:"resource"`
	Context  *tenancy `json:"context,omitempty"`
}

type entity struct {
	Type string `json:"type"`
	ID   string `json:"id"`
}

type action struct {
	Name string `json:"name"`
}

type tenancy struct {
	Scope string `json:"scope"`
}

func (q question) body() ([]byte, error) {
	ask := evaluation{
		Subject:  entity{Type: "user", ID: q.subject},
		Action:   action{Name: q.action},
		Resource: entity{Type: q.resourceType, ID: q.id},
	}
	if q.scope != "" {
		ask.Context = &tenancy{Scope: q.scope}
	}
	text, err := json.Marshal(ask)
	if err != nil {
		return nil, fmt.Errorf("encode a check: %w", err)
	}
	return text, nil
}

// curl is the question as a line for a shell.
func (q question) curl(address string) (string, error) {
	body, err := q.body()
	if err != nil {
		return "", err
	}
	return "curl -s " + quote(q.url(address)) + " -H 'Content-Type: application/json' -d " + quote(string(body)), nil
}

func quote(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// ask puts the question and returns the answer in words.
func (q question) ask(ctx context.Context, address string) (string, error) {
	body, err := q.body()
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, q.url(address), bytes.NewReader(body))
	if err != nil {
		return "", fmt.Errorf("make a check: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask a check: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	var got answer
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		return "", fmt.Errorf("read the answer to a check (status %s): %w", resp.Status, err)
	}
	return got.String(), nil
}

// answer is the AuthZEN response.
type answer struct {
	Decision bool `json:"decision"`
	Context  struct {
		Reason string   `json:"reason"`
		Roles  []string `json:"roles"`
	} `json:"context"`
}

// String is the answer in words.
func (a answer) String() string {
	if a.Decision {
		return "Allowed: " + a.Context.Reason + " by " + strings.Join(a.Context.Roles, ", ")
	}
	return "Denied: " + a.Context.Reason
}
