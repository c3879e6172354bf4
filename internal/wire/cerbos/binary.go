// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"fmt"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/proto3"
)

// DecodeMessage reads the wire format of a CheckResourcesRequest. What is none is a
// *door.Error with the status 400, and so are attributes that JSON could not say.
//
// The numbers of the fields are those of cerbospb/cerbos.proto.
func DecodeMessage(message string) (*Request, error) {
	r := &Request{}
	var f faults
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			r.ID = m.Text()
		case proto3.Varint(2):
			r.IncludeMeta = m.Varint() != 0
		case proto3.Bytes(3):
			if r.Principal == nil {
				r.Principal = &Principal{}
			}
			m.Check(r.Principal.read(m.Bytes(), &f))
		case proto3.Bytes(4):
			r.Entries = append(r.Entries, Entry{})
			m.Check(r.Entries[len(r.Entries)-1].read(m.Bytes(), &f))
			f.entry++
		case proto3.Bytes(5):
			m.Check(r.readAuxData(m.Bytes()))
		default: // what the application says for an audit log, too
			m.Skip()
		}
	}
	switch {
	case m.Err() != nil:
		return nil, door.BadRequest("the request " + m.Err().Error())
	case f.first != "":
		return nil, door.BadRequest(f.first)
	}
	return r, nil
}

// faults are those of attributes that are well-formed.
type faults struct {
	first string
	// entry is the place of the entry that is read.
	entry int
}

func (f *faults) note(path string, problem string) {
	if f.first == "" {
		f.first = path + problem
	}
}

func (p *Principal) read(message string, f *faults) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			p.ID = m.Text()
		case proto3.Bytes(2):
			p.PolicyVersion = m.Text()
		case proto3.Bytes(3):
			p.Roles = append(p.Roles, m.Text())
		case proto3.Bytes(4):
			problem, err := readAttribute(m.Bytes(), &p.Attributes, principalDepth)
			m.Check(err)
			if problem != "" {
				f.note("principal.attr", problem)
			}
		case proto3.Bytes(5):
			p.Scope = m.Text()
		default:
			m.Skip()
		}
	}
	return m.Err()
}

func (e *Entry) read(message string, f *faults) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			e.Actions = append(e.Actions, m.Text())
		case proto3.Bytes(2):
			if e.Resource == nil {
				e.Resource = &Resource{}
			}
			m.Check(e.Resource.read(m.Bytes(), f))
		default:
			m.Skip()
		}
	}
	return m.Err()
}

func (r *Resource) read(message string, f *faults) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			r.Kind = m.Text()
		case proto3.Bytes(2):
			r.PolicyVersion = m.Text()
		case proto3.Bytes(3):
			r.ID = m.Text()
		case proto3.Bytes(4):
			problem, err := readAttribute(m.Bytes(), &r.Attributes, resourceDepth)
			m.Check(err)
			if problem != "" {
				f.note(fmt.Sprintf("resources[%d].resource.attr", f.entry), problem)
			}
		case proto3.Bytes(5):
			r.Scope = m.Text()
		default:
			m.Skip()
		}
	}
	return m.Err()
}

func (r *Request) readAuxData(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			if r.Token == nil {
				r.Token = &Token{}
			}
			m.Check(r.Token.read(m.Bytes()))
		case proto3.Bytes(2): // refused whatever they are
			r.Tokens = true
			m.Skip()
		default:
			m.Skip()
		}
	}
	return m.Err()
}

func (t *Token) read(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			t.Text = m.Text()
		case proto3.Bytes(2):
			t.KeySetID = m.Text()
		default:
			m.Skip()
		}
	}
	return m.Err()
}

// AppendMessage appends the wire format of a response, a CheckResourcesResponse, to b.
func AppendMessage(b []byte, r *Response) []byte {
	b = proto3.AppendText(b, 1, r.RequestID)
	for i := range r.Results {
		var mark int
		b, mark = proto3.Open(b, 2)
		b = proto3.Close(r.Results[i].append(b), mark)
	}
	return proto3.AppendText(b, 3, r.CallID)
}

// The values of the enumeration Effect.
const effectAllow, effectDeny = 1, 2

func (result *Result) append(b []byte) []byte {
	b, mark := proto3.Open(b, 1)
	b = proto3.AppendText(b, 1, result.Resource.ID)
	b = proto3.AppendText(b, 2, result.Resource.Kind)
	b = proto3.AppendText(b, 3, result.Resource.PolicyVersion)
	b = proto3.AppendText(b, 4, result.Resource.Scope)
	b = proto3.Close(b, mark)
	for i := range result.Effects {
		effect := uint64(effectDeny)
		if result.Effects[i].Allowed {
			effect = effectAllow
		}
		b, mark = proto3.Open(b, 2)
		b = proto3.AppendText(b, 1, result.Effects[i].Action)
		b = proto3.AppendInt(b, 2, effect)
		b = proto3.Close(b, mark)
	}
	if !result.Meta {
		return b
	}
	b, meta := proto3.Open(b, 4)
	for i := range result.Effects {
		var entry, match int
		b, entry = proto3.Open(b, 1)
		b = proto3.AppendText(b, 1, result.Effects[i].Action)
		b, match = proto3.Open(b, 2)
		b = proto3.AppendText(b, 1, result.Effects[i].Policy)
		b = proto3.Close(proto3.Close(b, match), entry)
	}
	return proto3.Close(b, meta)
}
