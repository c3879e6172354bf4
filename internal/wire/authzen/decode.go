// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// Decoder reads bodies one after another. It is reused to save allocations, and
// is not safe for concurrent use. The zero Decoder is ready for use.
//
// The properties and the context of a request that it has read are its own: they
// are good until it reads another body.
type Decoder struct {
	scanner ijson.Scanner
	// The memory of the free objects of a request.
	subjects, actions, resources, contexts object
	// dirty says that there is something to forget.
	dirty bool
	// items reads the items of batches: their defaults outlast each of them.
	items *Decoder
}

// object is the memory of a free object.
type object struct{ members map[string]any }

// maxMembers is the number of members up to which the memory of an object is kept.
const maxMembers = 64

// read reads an object, or null, which is nil.
func (o *object) read(s *ijson.Scanner) map[string]any {
	if o.members == nil {
		o.members = make(map[string]any)
	}
	return s.Map(o.members)
}

// forget gives up what was read.
func (o *object) forget() {
	switch n := len(o.members); {
	case n > maxMembers:
		o.members = nil
	case n > 0:
		clear(o.members)
	}
}

// Forget gives up what was read last. It is for a Decoder that waits for the next
// body: until then it holds nothing of a request.
func (d *Decoder) Forget() {
	if !d.dirty {
		return
	}
	d.dirty = false
	d.scanner.Reset("")
	for _, o := range []*object{&d.subjects, &d.actions, &d.resources, &d.contexts} {
		o.forget()
	}
	if d.items != nil {
		d.items.Forget()
	}
}

// Evaluation reads the body of an evaluation request into r: everything but the
// namespace and the time. A body that is no evaluation request is a *door.Error
// with the status 400. What a request lacks is left to its Validate.
//
// If there is a Proof, the subject of r is whom its token speaks of, and nobody
// before that has been verified.
//
// r keeps nothing of body.
func (d *Decoder) Evaluation(body []byte, r *authz.Request) (Proof, error) {
	if err := d.begin(body); err != nil {
		return Proof{}, err
	}
	*r = authz.Request{}
	has, err := d.evaluation(r)
	if err != nil {
		return Proof{}, err
	}
	return has.proof, named(has.nameless)
}

// begin turns to another body.
func (d *Decoder) begin(body []byte) error {
	d.Forget()
	if len(body) == 0 {
		return door.BadRequest("the body is empty; it must be a JSON object")
	}
	d.dirty = true
	d.scanner.Reset(string(body))
	return nil
}

// said tells which members with a meaning an evaluation has. Null is the same as
// absent.
type said struct {
	subject, context, resource bool
	// typed and identified are said of the subject.
	typed, identified bool
	// nameless says that the resource has a type and lacks its id.
	nameless bool
	// proof is the token that the subject carries.
	proof Proof
}

// evaluation reads the text of the scanner to its end. It writes to r what is
// there, and leaves the rest as it is.
func (d *Decoder) evaluation(r *authz.Request) (said, error) {
	var has said
	s := &d.scanner
	if s.Object() {
		for s.Member() {
			if !d.member(r, &has) {
				s.Skip()
			}
		}
	}
	if err := s.End(); err != nil {
		return has, door.BadRequest(err.Error())
	}
	return has, has.infer(r)
}

// member reads the value of the current member, if it is one of those that ask
// something.
func (d *Decoder) member(r *authz.Request, has *said) bool {
	switch d.scanner.Name() {
	case "subject":
		d.subject(&r.Subject, has)
	case "action":
		d.action(&r.Action)
	case "resource":
		has.resource, has.nameless = d.resource(&r.Resource)
	case "context":
		if m := d.contexts.read(&d.scanner); m != nil {
			has.context, r.Context = true, m
		}
	default:
		return false
	}
	return true
}

// infer fills the fields of r that are said within free objects.
func (has *said) infer(r *authz.Request) error {
	if has.context {
		if err := setScope(r.Context, r); err != nil {
			return err
		}
	}
	if !has.subject {
		return nil
	}
	var err error
	if has.proof, err = takeProof(r.Subject.Properties); err != nil {
		return err
	}
	if has.proof.Given() {
		return has.alone(&r.Subject)
	}
	return setAuthority(r.Subject.Properties, &r.Subject)
}

func (d *Decoder) subject(to *authz.Subject, has *said) {
	s := &d.scanner
	if !s.Object() {
		return
	}
	*to = authz.Subject{}
	has.subject = true
	for s.Member() {
		switch s.Name() {
		case "type":
			to.Type, has.typed = s.Text()
		case "id":
			to.ID, has.identified = s.Text()
		case "properties":
			to.Properties = d.subjects.read(s)
		default:
			s.Skip()
		}
	}
}

func (d *Decoder) action(to *authz.Action) {
	s := &d.scanner
	if !s.Object() {
		return
	}
	*to = authz.Action{}
	for s.Member() {
		switch s.Name() {
		case "name":
			to.Name, _ = s.Text()
		case "properties":
			to.Properties = d.actions.read(s)
		default:
			s.Skip()
		}
	}
}

// resource also reports whether a resource says its type and not its id. An empty
// id says that it is no one instance.
func (d *Decoder) resource(to *authz.Resource) (present, nameless bool) {
	s := &d.scanner
	if !s.Object() {
		return false, false
	}
	*to = authz.Resource{}
	named := false
	for s.Member() {
		switch s.Name() {
		case "type":
			to.Type, _ = s.Text()
		case "id":
			to.ID, named = s.Text()
		case "properties":
			to.Properties = d.resources.read(s)
		default:
			s.Skip()
		}
	}
	return true, to.Type != "" && !named
}

// named refuses a resource without an id, which the standard requires.
func named(nameless bool) error {
	if nameless {
		return door.BadRequest(`resource.id is required; if the check is about no one instance, say so by ""`)
	}
	return nil
}
