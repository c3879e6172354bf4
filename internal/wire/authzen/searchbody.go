// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"math"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
)

// Page is which part of the results a search asks for.
type Page struct {
	// Given says that the request speaks of pages.
	Given bool
	// Token is that of the page before; empty for the first one.
	Token string
	// Limit is how many results are asked for at most; 0 leaves it to the server.
	Limit int
}

// Search reads the body of a search request into r: everything but the namespace
// and the time, and but for what is sought: its id, or the name of the action. A
// body that is no search request is a *door.Error with the status 400. What a
// request lacks is left to its Validate.
//
// If there is a Proof, the subject of r is whom its token speaks of, and nobody
// before that has been verified.
//
// r keeps nothing of body.
func (d *Decoder) Search(body []byte, sought authz.Sought, r *authz.Request) (Page, Proof, error) {
	var page Page
	if err := d.begin(body); err != nil {
		return page, Proof{}, err
	}
	*r = authz.Request{}
	var has said
	s := &d.scanner
	if s.Object() {
		for s.Member() {
			if !d.member(r, &has) && !d.page(&page) {
				s.Skip()
			}
		}
	}
	if err := s.End(); err != nil {
		return page, Proof{}, door.BadRequest(err.Error())
	}
	if page.Limit < 0 {
		return page, Proof{}, door.BadRequest("page.limit: must be a whole number, not below 0")
	}
	if sought == authz.Subjects {
		return page, Proof{}, has.inferSought(r)
	}
	err := has.infer(r)
	switch {
	case err != nil:
	case sought == authz.Resources:
		r.Resource.ID = ""
	default:
		r.Action = authz.Action{}
		err = named(has.nameless)
	}
	return page, has.proof, err
}

// page reads the value of the current member, if only a search has it.
func (d *Decoder) page(to *Page) bool {
	s := &d.scanner
	if s.Name() != "page" {
		return false
	}
	if !s.Object() {
		return true
	}
	to.Given = true
	for s.Member() {
		switch s.Name() {
		case "token":
			to.Token, _ = s.Text()
		case "limit":
			to.Limit = limitOf(s.Value())
		default:
			s.Skip()
		}
	}
	return true
}

// limitOf returns a limit, 0 if none is given, and less than that if it is none.
func limitOf(v any) int {
	limit, ok := v.(float64)
	switch {
	case v == nil:
		return 0
	case !ok || limit < 0 || limit != math.Trunc(limit):
		return -1
	}
	return int(min(limit, math.MaxInt32))
}

// inferSought is infer for a search for subjects, of whom nothing is said that
// would give one more authority than it has.
func (has *said) inferSought(r *authz.Request) error {
	r.Subject.ID = ""
	for _, name := range append(authority(), memberJWT, memberOpaque) {
		if r.Subject.Properties[name] != nil {
			return door.BadRequest("subject.properties." + name + ": gives authority, which cannot be said of subjects that are sought; leave it out")
		}
	}
	if has.context {
		if err := setScope(r.Context, r); err != nil {
			return err
		}
	}
	return named(has.nameless)
}
