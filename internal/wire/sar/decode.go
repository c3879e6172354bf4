// SPDX-License-Identifier: Apache-2.0

package sar

import (
	"fmt"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// kind is the kind of every review.
const kind = "SubjectAccessReview"

// Decoder reads reviews one after another. It is reused to save allocations, and is
// not safe for concurrent use. The zero Decoder is ready for use.
type Decoder struct {
	scanner ijson.Scanner
	review  Review
	// resource and nonResource are what the review points to.
	resource    ResourceAttributes
	nonResource NonResourceAttributes
	has         members
	// groups are those that v1 spells, and beta those of v1beta1, until the version
	// is known, which may come last.
	groups, beta []string
	kind         string
	// context, and within it attributes, groupValues and extra, are the memory of
	// what conditions see.
	context, attributes, extra map[string]any
	groupValues                []any
}

// members tells which of them a review has. Null is the same as absent.
type members struct{ spec, resource, nonResource bool }

// Forget gives up what was read last. It is for a Decoder that waits for the next
// body: until then it holds nothing of a request.
func (d *Decoder) Forget() {
	d.scanner.Reset("")
	d.review, d.resource, d.nonResource = Review{}, ResourceAttributes{}, NonResourceAttributes{}
	d.has, d.kind = members{}, ""
	d.groups, d.beta, d.groupValues = forget(d.groups), forget(d.beta), forget(d.groupValues)
	if d.context == nil || len(d.extra) > maxKeptItems {
		d.context, d.attributes, d.extra = make(map[string]any), make(map[string]any), make(map[string]any)
	}
	clear(d.context)
	clear(d.attributes)
	clear(d.extra)
}

// maxKeptItems is the number of items up to which the memory of a list or an object
// is kept.
const maxKeptItems = 64

// forget empties a list.
func forget[T any](list []T) []T {
	if cap(list) > maxKeptItems {
		return nil
	}
	clear(list)
	return list[:0]
}

// Review reads the body of a review. Members that it does not know have no meaning:
// Kubernetes adds some, and all that they can do is to ask for less. A body that is
// no review is a *door.Error with the status 400.
//
// The review, and what it points to, is good until the next call of a method.
func (d *Decoder) Review(body []byte) (*Review, error) {
	d.Forget()
	if len(body) == 0 {
		return nil, door.BadRequest("the body is empty; it must be a " + kind)
	}
	d.scanner.Reset(string(body))
	s := &d.scanner
	if s.Object() {
		for s.Member() {
			d.member()
		}
	}
	if err := s.End(); err != nil {
		return nil, door.BadRequest(err.Error())
	}
	if err := d.complete(); err != nil {
		return nil, err
	}
	d.fill()
	return &d.review, nil
}

func (d *Decoder) member() {
	s := &d.scanner
	switch s.Name() {
	case "apiVersion":
		d.review.Version, _ = s.Text()
	case "kind":
		d.kind, _ = s.Text()
	case "spec":
		if d.has.spec = s.Object(); d.has.spec {
			for s.Member() {
				d.specMember()
			}
		}
	default:
		s.Skip()
	}
}

func (d *Decoder) specMember() {
	s := &d.scanner
	switch s.Name() {
	case "user":
		d.review.User, _ = s.Text()
	case "uid":
		d.review.UID, _ = s.Text()
	case "groups":
		d.groups = appendTexts(d.groups, s)
	case "group":
		d.beta = appendTexts(d.beta, s)
	case "extra":
		d.readExtra()
	case "resourceAttributes":
		if d.has.resource = s.Object(); d.has.resource {
			for s.Member() {
				d.resourceMember()
			}
		}
	case "nonResourceAttributes":
		if d.has.nonResource = s.Object(); d.has.nonResource {
			for s.Member() {
				d.nonResourceMember()
			}
		}
	default:
		s.Skip()
	}
}

func (d *Decoder) resourceMember() {
	s, a := &d.scanner, &d.resource
	switch s.Name() {
	case "namespace":
		a.Namespace, _ = s.Text()
	case "verb":
		a.Verb, _ = s.Text()
	case "group":
		a.Group, _ = s.Text()
	case "version":
		a.Version, _ = s.Text()
	case "resource":
		a.Resource, _ = s.Text()
	case "subresource":
		a.Subresource, _ = s.Text()
	case "name":
		a.Name, _ = s.Text()
	case "fieldSelector", "labelSelector":
		name := s.Name()
		d.attributes[name] = selector(s)
	default:
		s.Skip()
	}
}

func (d *Decoder) nonResourceMember() {
	s := &d.scanner
	switch s.Name() {
	case "path":
		d.nonResource.Path, _ = s.Text()
	case "verb":
		d.nonResource.Verb, _ = s.Text()
	default:
		s.Skip()
	}
}

// complete makes sure that the body is a review, of one thing.
func (d *Decoder) complete() error {
	v := d.review.Version
	switch {
	case d.kind != kind:
		return door.BadRequest(fmt.Sprintf("kind: is %.64q and must be %s", d.kind, kind))
	case v != V1 && v != V1Beta1:
		return door.BadRequest(fmt.Sprintf("apiVersion: is %.64q and must be %s or %s", v, V1, V1Beta1))
	case !d.has.spec:
		return door.BadRequest("spec: is required")
	case d.has.resource == d.has.nonResource:
		return door.BadRequest("spec: must have either resourceAttributes or nonResourceAttributes")
	}
	return nil
}

func appendTexts(to []string, s *ijson.Scanner) []string {
	if s.Array() {
		for s.Element() {
			text, _ := s.Text()
			to = append(to, text)
		}
	}
	return to
}
