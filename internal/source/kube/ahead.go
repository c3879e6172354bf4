// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
)

// pages lists the objects of a partition in pages, and asks for the next one while
// what has come of the last one is decoded: a server takes about as long to write a
// page as a client to read it. One list is under way at a time.
type pages struct {
	// ask sends the request for one page and returns when the answer is there whole.
	ask func(context.Context, metav1.ListOptions) rest.Result
	// next is the page that was asked for ahead; nil if none was.
	next *answer
}

// answer is a page to come.
type answer struct {
	token  string // what it was asked for with
	give   context.CancelFunc
	result <-chan rest.Result
}

// list returns a page. What was asked for ahead is given up if another page is wanted.
func (p *pages) list(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
	result := p.answer(ctx, o)
	if err := result.Error(); err != nil {
		return nil, err
	}
	if text, err := result.Raw(); err == nil {
		p.askAhead(ctx, o, continuation(text))
	}
	return result.Get()
}

func (p *pages) answer(ctx context.Context, o metav1.ListOptions) rest.Result {
	next := p.next
	p.next = nil
	switch {
	case next == nil:
	case o.Continue != next.token:
		next.give()
	default:
		defer next.give()
		return <-next.result
	}
	ctx, end := context.WithTimeout(ctx, listTimeout)
	defer end()
	return p.ask(ctx, o)
}

func (p *pages) askAhead(ctx context.Context, o metav1.ListOptions, token string) {
	if token == "" {
		return
	}
	o.Continue, o.ResourceVersion, o.ResourceVersionMatch = token, "", ""
	ctx, end := context.WithTimeout(ctx, listTimeout)
	result := make(chan rest.Result, 1)
	p.next = &answer{token: token, give: end, result: result}
	go func() { result <- p.ask(ctx, o) }()
}

// continuation returns the token of the next page if the text of a list ends with its
// metadata, as API servers write the lists of custom resources; otherwise "", and the
// next page is not asked for ahead.
func continuation(text []byte) string {
	const name = `"metadata":`
	at := bytes.LastIndex(text, []byte(name))
	if at < 0 {
		return ""
	}
	var meta struct {
		Continue string `json:"continue"`
	}
	rest := text[at+len(name):]
	d := jsontext.NewDecoder(bytes.NewBuffer(rest))
	if err := json.UnmarshalDecode(d, &meta); err != nil {
		return ""
	}
	if string(bytes.TrimSpace(rest[d.InputOffset():])) != "}" { // it is that of an object
		return ""
	}
	return meta.Continue
}
