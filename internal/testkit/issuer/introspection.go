// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"maps"
	"net/http"
)

// The client that may ask the introspection endpoint. Both have characters that
// RFC 6749 (section 2.3.1) wants to be escaped.
const (
	ClientID     = "rolecall:tests"
	ClientSecret = "a secret/with+special%characters"
)

// IntrospectionURL is where opaque tokens are asked about.
func (i *Issuer) IntrospectionURL() string { return i.URL + introspectPath }

// Know makes an opaque token known: what is said of it is answer, and that it is
// active.
func (i *Issuer) Know(token string, answer map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.opaque[token] = map[string]any{"active": true}
	maps.Copy(i.opaque[token], answer)
}

// Revoke makes a token unknown.
func (i *Issuer) Revoke(token string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.opaque, token)
}

// Asked returns how often the endpoint was asked by the client that may.
func (i *Issuer) Asked() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked
}

// Hold makes the endpoint keep every question until release is called.
func (i *Issuer) Hold() (release func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	gate := make(chan struct{})
	i.gate = gate
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.gate = nil
		close(gate)
	}
}

// Inside returns how many questions wait for an answer now, and how many have at
// most.
func (i *Issuer) Inside() (now, most int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.inside, i.most
}

func (i *Issuer) introspect(w http.ResponseWriter, r *http.Request) {
	if !authenticated(r) {
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	token := r.PostFormValue("token") // a client that goes is noticed only after its body was read
	if !i.wait(r) {
		panic(http.ErrAbortHandler) // an answer could still overtake the client's leaving
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.abortIfDown()
	if answer, ok := i.opaque[token]; ok {
		reply(w, answer)
		return
	}
	reply(w, map[string]any{"active": false})
}

// authenticated compares the header as RFC 6749 (section 2.3.1) spells it: both
// parts are escaped as in a form before they are joined.
func authenticated(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	return ok && id == "rolecall%3Atests" && secret == "a+secret%2Fwith%2Bspecial%25characters"
}

// wait keeps a question while the endpoint is held, and reports whether the client
// has waited too.
func (i *Issuer) wait(r *http.Request) bool {
	i.mu.Lock()
	i.asked++
	i.inside++
	i.most = max(i.most, i.inside)
	gate := i.gate
	i.mu.Unlock()
	waited := true
	if gate != nil {
		select {
		case <-gate:
		case <-r.Context().Done():
			waited = false
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.inside--
	return waited
}
