// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// Decoder reads the JSON of requests, one after another. It is reused to save
// allocations, and is not safe for concurrent use. The zero Decoder is ready for
// use.
type Decoder struct{ scanner ijson.Scanner }

// Request reads the JSON of a request, as protocol buffers map a message to JSON:
// members go by the name of their field in either spelling, once, and null is the
// same as absent. What is no such JSON, an unknown member too, is a *door.Error with
// the status 400 that holds nothing of the values, one of which may be a token.
//
// Source: https://protobuf.dev/programming-guides/json/.
func (d *Decoder) Request(body []byte) (*Request, error) {
	if len(body) == 0 {
		return nil, door.BadRequest("the body is empty; it must be a JSON object")
	}
	s := &d.scanner
	s.Reset(string(body))
	r := &Request{}
	d.request(r)
	err := s.End()
	s.Reset("")
	if err != nil {
		return nil, door.BadRequest(err.Error())
	}
	return r, nil
}

// field is the spelling of a member's name that code goes by, and said are the
// fields that a message has said. A field of one word has one spelling, and the
// scanner refuses that twice.
type said uint8

// The fields of more than one word, none of which is in two kinds of messages that
// have another one in common.
const (
	saidID said = 1 << iota
	saidMeta
	saidAux
	saidContext
	saidVersion
	saidKeys
)

// once notes a field that has two spellings, and refuses the second one.
func (d *Decoder) once(has *said, field said) {
	if *has&field != 0 {
		d.scanner.Refuse("is there twice, in two spellings; say it once")
	}
	*has |= field
}

// unknown refuses a member that no field has the name of.
func (d *Decoder) unknown() {
	d.scanner.Refuse("is not a field of a CheckResources request")
}

func (d *Decoder) request(r *Request) {
	s := &d.scanner
	if !s.Object() {
		return
	}
	var has said
	for s.Member() {
		switch s.Name() {
		case "requestId", "request_id":
			d.once(&has, saidID)
			r.ID, _ = s.Text()
		case "includeMeta", "include_meta":
			d.once(&has, saidMeta)
			r.IncludeMeta = s.Truth()
		case "principal":
			r.Principal = d.principal()
		case "resources":
			d.entries(r)
		case "auxData", "aux_data":
			d.once(&has, saidAux)
			d.auxData(r)
		case "requestContext", "request_context":
			d.once(&has, saidContext)
			d.requestContext()
		default:
			d.unknown()
		}
	}
}

func (d *Decoder) principal() *Principal {
	s := &d.scanner
	if !s.Object() {
		return nil
	}
	p := &Principal{}
	var has said
	for s.Member() {
		switch s.Name() {
		case "id":
			p.ID, _ = s.Text()
		case "policyVersion", "policy_version":
			d.once(&has, saidVersion)
			p.PolicyVersion, _ = s.Text()
		case "roles":
			p.Roles = d.texts()
		case "attr":
			p.Attributes = s.Map(nil)
		case "scope":
			p.Scope, _ = s.Text()
		default:
			d.unknown()
		}
	}
	return p
}

func (d *Decoder) entries(r *Request) {
	s := &d.scanner
	if !s.Array() {
		return
	}
	for s.Element() {
		var e Entry
		if s.Object() {
			for s.Member() {
				switch s.Name() {
				case "actions":
					e.Actions = d.texts()
				case "resource":
					e.Resource = d.resource()
				default:
					d.unknown()
				}
			}
		}
		r.Entries = append(r.Entries, e)
	}
}

func (d *Decoder) resource() *Resource {
	s := &d.scanner
	if !s.Object() {
		return nil
	}
	r := &Resource{}
	var has said
	for s.Member() {
		switch s.Name() {
		case "kind":
			r.Kind, _ = s.Text()
		case "policyVersion", "policy_version":
			d.once(&has, saidVersion)
			r.PolicyVersion, _ = s.Text()
		case "id":
			r.ID, _ = s.Text()
		case "attr":
			r.Attributes = s.Map(nil)
		case "scope":
			r.Scope, _ = s.Text()
		default:
			d.unknown()
		}
	}
	return r
}

func (d *Decoder) texts() []string {
	s := &d.scanner
	var texts []string
	if s.Array() {
		for s.Element() {
			text, _ := s.Text()
			texts = append(texts, text)
		}
	}
	return texts
}

func (d *Decoder) auxData(r *Request) {
	s := &d.scanner
	if !s.Object() {
		return
	}
	for s.Member() {
		switch s.Name() {
		case "jwt":
			r.Token = d.token()
		case "jwts":
			if s.Object() {
				for s.Member() {
					r.Tokens = true
					d.token()
				}
			}
		default:
			d.unknown()
		}
	}
}

func (d *Decoder) token() *Token {
	s := &d.scanner
	if !s.Object() {
		return nil
	}
	t := &Token{}
	var has said
	for s.Member() {
		switch s.Name() {
		case "token":
			t.Text, _ = s.Text()
		case "keySetId", "key_set_id":
			d.once(&has, saidKeys)
			t.KeySetID, _ = s.Text()
		default:
			d.unknown()
		}
	}
	return t
}

// requestContext goes over what the application says for an audit log.
func (d *Decoder) requestContext() {
	s := &d.scanner
	if !s.Object() {
		return
	}
	for s.Member() {
		if s.Name() != "annotations" {
			d.unknown()
			continue
		}
		s.Map(nil)
	}
}
