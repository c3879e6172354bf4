// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"fmt"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Semantic says when a batch ends.
type Semantic string

// The semantics of a batch. Under the two that end early the answers end with
// the item that decided; an item that fails counts as a deny.
const (
	ExecuteAll          Semantic = "execute_all"
	DenyOnFirstDeny     Semantic = "deny_on_first_deny"
	PermitOnFirstPermit Semantic = "permit_on_first_permit"
)

// ends reports whether a batch is over after an item with this decision.
func (s Semantic) ends(allowed bool) bool {
	return (s == DenyOnFirstDeny && !allowed) || (s == PermitOnFirstPermit && allowed)
}

func (s Semantic) validate() error {
	switch s {
	case ExecuteAll, DenyOnFirstDeny, PermitOnFirstPermit:
		return nil
	}
	return door.BadRequest(fmt.Sprintf("options.evaluations_semantic: %q is not one of %s, %s, %s",
		string(s), ExecuteAll, DenyOnFirstDeny, PermitOnFirstPermit))
}

// Batch is a decoded evaluations request: defaults, and items that stay text until
// they are asked for, so that the fault of one is not the fault of all.
type Batch struct {
	// Semantic is ExecuteAll unless the request says otherwise.
	Semantic Semantic
	// WithContext says that the answer to each item shall hold its context.
	WithContext bool

	decoder  *Decoder
	defaults authz.Request
	// proof is the token that the subject of the defaults carries.
	proof Proof
	// nameless says that the resource of the defaults lacks its id: a fault of
	// the items that use it.
	nameless bool
	items    []string
}

// Evaluations reads the body of an evaluations request with at most limit
// evaluations. Faults of the whole are a *door.Error with the status 400; those
// of one item appear when the item is asked for.
//
// The batch keeps nothing of body. It is good until d reads another one; of its
// requests each is good until the next one is asked for.
func (d *Decoder) Evaluations(body []byte, limit int) (*Batch, error) {
	if err := d.begin(body); err != nil {
		return nil, err
	}
	if d.items == nil {
		d.items = new(Decoder)
	}
	b := &Batch{Semantic: ExecuteAll, decoder: d}
	var has said
	s := &d.scanner
	if s.Object() {
		for s.Member() {
			if !d.member(&b.defaults, &has) && !b.member() {
				s.Skip()
			}
		}
	}
	if err := s.End(); err != nil {
		return nil, door.BadRequest(err.Error())
	}
	if len(b.items) > limit {
		return nil, door.BadRequest(fmt.Sprintf(
			"evaluations: %d are more than the %d that this server takes at once", len(b.items), limit))
	}
	if err := b.Semantic.validate(); err != nil {
		return nil, err
	}
	b.nameless = has.nameless
	err := has.infer(&b.defaults)
	b.proof = has.proof
	b.proof.Shared = true
	return b, err
}

// member reads the value of the current member, if only a batch has it.
func (b *Batch) member() bool {
	s := &b.decoder.scanner
	switch s.Name() {
	case "evaluations":
		if s.Array() {
			for s.Element() {
				b.items = append(b.items, s.Raw())
			}
		}
	case "options":
		if s.Object() {
			for s.Member() {
				b.option()
			}
		}
	default:
		return false
	}
	return true
}

func (b *Batch) option() {
	s := &b.decoder.scanner
	switch s.Name() {
	case "evaluations_semantic":
		if text, ok := s.Text(); ok {
			b.Semantic = Semantic(text)
		}
	case "context":
		b.WithContext = s.Truth()
	default:
		s.Skip()
	}
}

// Len returns the number of items. A batch without items asks one thing, its
// Defaults, and is answered as a single evaluation.
func (b *Batch) Len() int {
	return len(b.items)
}

// Defaults writes what the batch says for all its items to r. See
// Decoder.Evaluation for the Proof.
func (b *Batch) Defaults(r *authz.Request) (Proof, error) {
	*r = b.defaults
	return b.proof, named(b.nameless)
}

// Request writes item i to r: the batch's defaults, each replaced whole by what
// the item says of its own. The scope of the defaults stays unless the item's
// context has one. See Decoder.Evaluation for the Proof.
func (b *Batch) Request(i int, r *authz.Request) (Proof, error) {
	d := b.decoder.items
	d.Forget()
	d.dirty = true
	d.scanner.Reset(b.items[i])
	*r = b.defaults
	has, err := d.evaluation(r)
	if err != nil {
		return Proof{}, err
	}
	proof, nameless := b.proof, b.nameless
	if has.subject {
		proof = has.proof
	}
	if has.resource {
		nameless = has.nameless
	}
	return proof, named(nameless)
}
