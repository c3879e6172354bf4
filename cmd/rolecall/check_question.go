// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"
)

// question is what the flags of check ask.
type question struct {
	subject, subjectType   string
	action                 string
	resource, resourceType string
	scope                  string

	// sessionJWTFile and sessionTokenFile hold the subject's session token.
	sessionJWTFile, sessionTokenFile string

	subjectProperties, actionProperties, resourceProperties, context []string
}

func (q *question) flags(f *pflag.FlagSet) {
	f.StringVar(&q.subject, "subject", "", "who asks: `[TYPE:]ID`, as user:alice")
	f.StringVar(&q.subjectType, "subject-type", "", "`type` of the subject; --subject is the whole id then")
	f.StringVar(&q.sessionJWTFile, "session-jwt-file", "", "`file` with the subject's session JWT, - for standard input; --subject may be left out then")
	f.StringVar(&q.sessionTokenFile, "session-token-file", "", "`file` with the subject's opaque session token, likewise")
	q.aboutFlags(f)
}

// aboutFlags are the flags of what is asked about, whoever the subject is.
func (q *question) aboutFlags(f *pflag.FlagSet) {
	f.StringVar(&q.action, "action", "", "`name` of the action")
	f.StringVar(&q.resource, "resource", "", "what it is done to: `TYPE[/ID]`, as document/handbook")
	f.StringVar(&q.resourceType, "resource-type", "", "`type` of the resource; --resource is the whole id then")
	f.StringVar(&q.scope, "scope", "", "`scope` of the check, as org:acme")
	f.StringArrayVar(&q.subjectProperties, "subject-property", nil, "`NAME=VALUE` of the subject, may be repeated")
	f.StringArrayVar(&q.actionProperties, "action-property", nil, "`NAME=VALUE` of the action, may be repeated")
	f.StringArrayVar(&q.resourceProperties, "resource-property", nil, "`NAME=VALUE` of the resource, may be repeated")
	f.StringArrayVar(&q.context, "context", nil, "`NAME=VALUE` of the context, may be repeated")
}

// body renders the question as the body of an AuthZEN evaluation. A token that is
// not in a file is read from in.
func (q *question) body(in io.Reader) ([]byte, error) {
	subject, err := q.subjectEntity(in)
	if err != nil {
		return nil, err
	}
	return q.about(subject, "")
}

// about renders the question about a subject, for the page behind a token if that is
// not empty.
func (q *question) about(subject map[string]any, token string) ([]byte, error) {
	action, err := withProperties(map[string]any{"name": q.action}, "--action-property", q.actionProperties)
	if err != nil {
		return nil, err
	}
	resource, err := q.resourceEntity()
	if err != nil {
		return nil, err
	}
	context, err := q.contextObject()
	if err != nil {
		return nil, err
	}
	if q.action == "" {
		return nil, errors.New("--action is required: the name of an action, as read")
	}
	asked := map[string]any{"subject": subject, "action": action, "resource": resource, "context": context}
	if token != "" {
		asked["page"] = map[string]any{"token": token}
	}
	return json.Marshal(asked)
}

func (q *question) subjectEntity(in io.Reader) (map[string]any, error) {
	member, token, err := q.session(in)
	if err != nil {
		return nil, err
	}
	entity, err := q.namedSubject(token != "")
	if err != nil {
		return nil, err
	}
	entity, err = withProperties(entity, "--subject-property", q.subjectProperties)
	if err != nil || token == "" {
		return entity, err
	}
	properties, _ := entity["properties"].(map[string]any)
	if properties == nil {
		properties = make(map[string]any, 1)
		entity["properties"] = properties
	}
	properties[member] = token
	return entity, nil
}

// namedSubject is the subject by type and id. Both may be missing if a token says
// who it is.
func (q *question) namedSubject(token bool) (map[string]any, error) {
	typ, id := q.subjectType, q.subject
	if typ == "" && id == "" && token {
		return map[string]any{}, nil
	}
	if typ == "" {
		var found bool
		if typ, id, found = strings.Cut(q.subject, ":"); !found {
			typ, id = "user", q.subject
		}
	}
	if typ == "" || id == "" {
		return nil, fmt.Errorf("--subject %q: want TYPE:ID, as user:alice, or the ID of a user", q.subject)
	}
	return map[string]any{"type": typ, "id": id}, nil
}

// session reads the session token, if there is one, and says which member of the
// subject's properties carries it.
func (q *question) session(in io.Reader) (member, token string, err error) {
	member, flag, path := "session_jwt", "--session-jwt-file", q.sessionJWTFile
	if q.sessionTokenFile != "" {
		member, flag, path = "session_token", "--session-token-file", q.sessionTokenFile
	}
	if path == "" {
		return "", "", nil
	}
	token, err = readSecret(flag, path, in)
	return member, token, err
}

func (q *question) resourceEntity() (map[string]any, error) {
	typ, id := q.resourceType, q.resource
	if typ == "" {
		typ, id, _ = strings.Cut(q.resource, "/")
	}
	if typ == "" {
		return nil, fmt.Errorf("--resource %q: want TYPE or TYPE/ID, as document/handbook", q.resource)
	}
	entity := map[string]any{"type": typ, "id": id} // empty: no one instance
	return withProperties(entity, "--resource-property", q.resourceProperties)
}

func (q *question) contextObject() (map[string]any, error) {
	context, err := values("--context", q.context)
	if err != nil {
		return nil, err
	}
	if q.scope == "" {
		return context, nil
	}
	if _, twice := context["scope"]; twice {
		return nil, errors.New("--scope and --context scope=… both give the scope; leave one out")
	}
	context["scope"] = q.scope
	return context, nil
}

func withProperties(entity map[string]any, flag string, pairs []string) (map[string]any, error) {
	properties, err := values(flag, pairs)
	if err != nil {
		return nil, err
	}
	if len(properties) > 0 {
		entity["properties"] = properties
	}
	return entity, nil
}

// values reads NAME=VALUE pairs, where VALUE is JSON or else a string.
func values(flag string, pairs []string) (map[string]any, error) {
	object := make(map[string]any, len(pairs))
	for _, pair := range pairs {
		name, text, found := strings.Cut(pair, "=")
		if !found || name == "" {
			return nil, fmt.Errorf("%s %q: want NAME=VALUE", flag, pair)
		}
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("%s %q: %s is given twice; a list is %s='[1,2]'", flag, pair, name, name)
		}
		if json.Valid([]byte(text)) {
			object[name] = json.RawMessage(text)
		} else {
			object[name] = text
		}
	}
	return object, nil
}
