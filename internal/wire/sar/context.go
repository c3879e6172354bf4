// SPDX-License-Identifier: Apache-2.0

package sar

import "github.com/rolecall/rolecall/internal/wire/ijson"

// none is an empty list, which nobody changes.
var none = []any{}

// unrestricted is the selector of a review that has none: whoever asks for its
// requirements finds that there are none.
var unrestricted = map[string]any{"requirements": none}

// fill completes the review with what conditions see, once all of it has been read.
func (d *Decoder) fill() {
	r := &d.review
	if r.Groups = d.groups; r.Version == V1Beta1 {
		r.Groups = d.beta
	}
	for _, group := range r.Groups {
		d.groupValues = append(d.groupValues, group)
	}
	c := d.context
	c["user"], c["uid"], c["groups"] = r.User, r.UID, d.groupValues
	c["extra"] = d.extra
	if d.has.resource {
		r.Resource = &d.resource
		c["resourceAttributes"] = d.resourceContext()
	} else {
		r.NonResource = &d.nonResource
		c["nonResourceAttributes"] = d.nonResourceContext()
	}
	r.Context = c
}

func (d *Decoder) resourceContext() map[string]any {
	a, m := &d.resource, d.attributes
	m["namespace"], m["verb"], m["group"], m["version"] = a.Namespace, a.Verb, a.Group, a.Version
	m["resource"], m["subresource"], m["name"] = a.Resource, a.Subresource, a.Name
	for _, name := range []string{"fieldSelector", "labelSelector"} {
		if m[name] == nil {
			m[name] = unrestricted
		}
	}
	return m
}

func (d *Decoder) nonResourceContext() map[string]any {
	m := d.attributes
	m["path"], m["verb"] = d.nonResource.Path, d.nonResource.Verb
	return m
}

// readExtra reads what authenticators say of the user beside its name: lists of
// texts by name.
func (d *Decoder) readExtra() {
	s := &d.scanner
	if !s.Object() {
		return
	}
	for s.Member() {
		name := s.Name()
		d.extra[name] = values(s)
	}
}

// values reads a list of texts as conditions see one; null is an empty one.
func values(s *ijson.Scanner) []any {
	list := none
	if s.Array() {
		for s.Element() {
			text, _ := s.Text()
			list = append(list, text)
		}
	}
	return list
}

// selector reads a selector as conditions see it: its requirements. An API server
// sends nothing else. A rawSelector has no meaning: a selector only narrows what is
// asked for, so whoever does not understand it judges all of it.
func selector(s *ijson.Scanner) map[string]any {
	if !s.Object() {
		return unrestricted
	}
	requirements := none
	for s.Member() {
		switch s.Name() {
		case "requirements":
			if s.Array() {
				for s.Element() {
					requirements = append(requirements, requirement(s))
				}
			}
		case "rawSelector":
			s.Text()
		default:
			s.Skip()
		}
	}
	return map[string]any{"requirements": requirements}
}

// requirement reads one requirement; what it does not say is empty.
func requirement(s *ijson.Scanner) map[string]any {
	m := map[string]any{"key": "", "operator": "", "values": none}
	if !s.Object() {
		return m
	}
	for s.Member() {
		switch name := s.Name(); name {
		case "key", "operator":
			m[name], _ = s.Text()
		case "values":
			m[name] = values(s)
		default:
			s.Skip()
		}
	}
	return m
}
