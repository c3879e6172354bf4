// SPDX-License-Identifier: Apache-2.0

// Package crdcases is the table of objects that the CRDs' schemas and CEL rules
// take and refuse, one file a kind. The same table is put to everything that
// claims to validate as the CRDs say: a real kube-apiserver, the embedded API
// server and the folder source. Tests only.
//
// A file holds a base object, which is accepted, and cases, each a sentence and
// a JSON merge patch (RFC 7386) of the base:
//
//	base: {apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: editor}, spec: {}}
//	cases:
//	  an id may hold capitals:
//	    object: {spec: {id: Editor}}
//	  adding an id is changing it:
//	    update: {spec: {id: Editor}}
//	    refused: ["spec.id: the id is immutable"]
//
// `object` is the patch that makes the object to create; `update`, if any, is a
// patch of that object and makes what to update it to. `refused` says what is
// wrong with the last of them, `FIELD: part of the message`; without it, it is
// accepted. The files are text templates with the functions of templateFuncs,
// because a limit is shown by lists and texts too long to write.
package crdcases

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/template"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

//go:embed cases/*.yaml
var files embed.FS

// Case is one object and what is said to it.
type Case struct {
	// Name is a sentence; unique within a kind.
	Name string
	// Before is nil, or the object that exists already, accepted, when Object
	// comes as its update.
	Before *unstructured.Unstructured
	// Object is what is created, or updated to if there is a Before. It has no
	// namespace.
	Object *unstructured.Unstructured
	// Refused lists everything that is wrong with Object; empty, it is accepted.
	Refused []Refusal
}

// Kind is the kind of the case's object.
func (c Case) Kind() string { return c.Object.GetKind() }

// Refusal is one fault of an object.
type Refusal struct {
	// Field is the path of the field, with indices: spec.subjects[0].id.
	Field string
	// Message is a part of what is said about it.
	Message string
}

// String returns the refusal as the files write it.
func (r Refusal) String() string { return r.Field + ": " + r.Message }

type file struct {
	Base  json.RawMessage  `json:"base"`
	Cases map[string]entry `json:"cases"`
}

type entry struct {
	Object  json.RawMessage `json:"object,omitempty"`
	Update  json.RawMessage `json:"update,omitempty"`
	Refused []string        `json:"refused,omitempty"`
}

// Load returns all cases, sorted by kind and name; the first of each kind is
// its base object. The objects are the caller's.
func Load() ([]Case, error) {
	names, err := fs.Glob(files, "cases/*.yaml")
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, name := range names {
		cases, err := loadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		all = append(all, cases...)
	}
	return all, nil
}

func loadFile(name string) ([]Case, error) {
	f, err := decodeFile(name)
	if err != nil {
		return nil, err
	}
	cases := make([]Case, 0, len(f.Cases)+1)
	for sentence, e := range f.Cases {
		c, err := e.apply(f.Base)
		if err != nil {
			return nil, fmt.Errorf("case %q: %w", sentence, err)
		}
		c.Name = sentence
		cases = append(cases, c)
	}
	slices.SortFunc(cases, func(a, b Case) int { return cmp.Compare(a.Name, b.Name) })
	base, err := decode(f.Base)
	if err != nil {
		return nil, fmt.Errorf("base: %w", err)
	}
	return slices.Insert(cases, 0, Case{Name: "the base object", Object: base}), nil
}

func decodeFile(name string) (file, error) {
	var f file
	t, err := template.New("").Funcs(templateFuncs()).ParseFS(files, name)
	if err != nil {
		return f, err
	}
	var text bytes.Buffer
	if err := t.Templates()[0].Execute(&text, nil); err != nil {
		return f, err
	}
	return f, yaml.UnmarshalStrict(text.Bytes(), &f)
}

// templateFuncs are: `repeat 254 "a"`, the text so many times, and
// `numbered 17 "role-%d"`, so many items of a flow list, numbered from 1.
func templateFuncs() template.FuncMap {
	return template.FuncMap{
		"repeat": func(n int, text string) string { return strings.Repeat(text, n) },
		"numbered": func(n int, format string) string {
			items := make([]string, n)
			for i := range items {
				items[i] = fmt.Sprintf(format, i+1)
			}
			return strings.Join(items, ", ")
		},
	}
}

func (e entry) apply(base json.RawMessage) (Case, error) {
	var c Case
	object, err := patch(base, e.Object)
	if err != nil {
		return c, fmt.Errorf("object: %w", err)
	}
	if c.Object, err = decode(object); err != nil {
		return c, fmt.Errorf("object: %w", err)
	}
	if e.Update != nil {
		c.Before = c.Object
		if object, err = patch(object, e.Update); err != nil {
			return c, fmt.Errorf("update: %w", err)
		}
		if c.Object, err = decode(object); err != nil {
			return c, fmt.Errorf("update: %w", err)
		}
	}
	c.Refused, err = refusals(e.Refused)
	return c, err
}

func patch(object, change json.RawMessage) (json.RawMessage, error) {
	if change == nil {
		return object, nil
	}
	return jsonpatch.MergePatch(object, change)
}

func decode(object json.RawMessage) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{}
	return u, u.UnmarshalJSON(object)
}

func refusals(lines []string) ([]Refusal, error) {
	var all []Refusal
	for _, line := range lines {
		field, message, ok := strings.Cut(line, ": ")
		if !ok {
			return nil, fmt.Errorf("refused: %q is not of the form FIELD: MESSAGE", line)
		}
		all = append(all, Refusal{Field: field, Message: message})
	}
	return all, nil
}
