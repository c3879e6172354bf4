// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"slices"
	"strings"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/gateway"
	"github.com/rolecall/rolecall/internal/wire/proto3"
)

// Question is what a CheckRequest asks.
type Question struct {
	// Namespace is the one that the extensions of a route of Envoy's name; empty if
	// they name none.
	Namespace string
	// HTTP says that Request is there: what is asked about is a request of HTTP.
	HTTP    bool
	Request gateway.Request

	// headers are those of the request as Envoy sends them unless told otherwise: by
	// names in small letters, each once, and joined. raw are those as they came
	// (encode_raw_headers).
	headers, raw []header
	// source is an address of a socket, if that is what kind says.
	source string
}

// header is one header.
type header struct{ name, value string }

// Decode reads the wire format of a CheckRequest. What is none is a *door.Error with
// the status 400. Nothing is read, nor has to be well-formed, that a decision does not
// depend on, such as the body of the request.
//
// The numbers of the fields are those of envoy/service/auth/v3/attribute_context.proto
// and of envoy/config/core/v3.
func Decode(message string) (*Question, error) {
	q := &Question{}
	if err := q.read(message); err != nil {
		return nil, err
	}
	return q, nil
}

// read reads a message into an empty question.
func (q *Question) read(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		if m.Field == proto3.Bytes(1) {
			m.Check(q.attributes(m.Bytes()))
		} else {
			m.Skip()
		}
	}
	if err := m.Err(); err != nil {
		return door.BadRequest("the request " + err.Error())
	}
	q.Request.Path, _, _ = strings.Cut(q.Request.Path, "?")
	q.Request.Source = gateway.Address(q.source)
	q.Request.Header = q.header
	return nil
}

func (q *Question) attributes(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			m.Check(q.peer(m.Bytes()))
		case proto3.Bytes(4):
			m.Check(q.request(m.Bytes()))
		case proto3.Bytes(10):
			extension, err := pair(m.Bytes())
			m.Check(err)
			if extension.name == namespaceExtension {
				q.Namespace = extension.value
			}
		default:
			m.Skip()
		}
	}
	return m.Err()
}

// peer reads the client.
func (q *Question) peer(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			m.Check(q.address(m.Bytes()))
		case proto3.Bytes(4):
			q.Request.Principal = m.Text()
		default:
			m.Skip()
		}
	}
	return m.Err()
}

// address reads an address, of which there is one kind at a time.
func (q *Question) address(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			m.Check(q.socket(m.Bytes()))
		case proto3.Bytes(2), proto3.Bytes(3): // a pipe, or one of Envoy's own
			q.source = ""
			m.Skip()
		default:
			m.Skip()
		}
	}
	return m.Err()
}

func (q *Question) socket(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		if m.Field == proto3.Bytes(2) {
			q.source = m.Text()
		} else {
			m.Skip()
		}
	}
	return m.Err()
}

func (q *Question) request(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		if m.Field == proto3.Bytes(2) {
			q.HTTP = true
			m.Check(q.http(m.Bytes()))
		} else {
			m.Skip()
		}
	}
	return m.Err()
}

func (q *Question) http(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(2):
			q.Request.Method = m.Text()
		case proto3.Bytes(3):
			h, err := pair(m.Bytes())
			m.Check(err)
			q.headers = append(q.headers, h)
		case proto3.Bytes(4):
			q.Request.Path = m.Text()
		case proto3.Bytes(5):
			q.Request.Host = m.Text()
		case proto3.Bytes(13):
			m.Check(q.rawHeaders(m.Bytes()))
		default:
			m.Skip()
		}
	}
	return m.Err()
}

func (q *Question) rawHeaders(message string) error {
	m := proto3.Read(message)
	for m.Next() {
		if m.Field != proto3.Bytes(1) {
			m.Skip()
			continue
		}
		h, err := rawHeader(m.Bytes())
		m.Check(err)
		q.raw = append(q.raw, h)
	}
	return m.Err()
}

// rawHeader reads a HeaderValue.
func rawHeader(message string) (header, error) {
	var h header
	var raw string
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			h.name = m.Text()
		case proto3.Bytes(2):
			h.value = m.Text()
		case proto3.Bytes(3):
			raw = m.Bytes()
		default:
			m.Skip()
		}
	}
	if raw != "" {
		h.value = raw
	}
	return h, m.Err()
}

// pair reads an entry of a map from texts to texts.
func pair(message string) (header, error) {
	var h header
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			h.name = m.Text()
		case proto3.Bytes(2):
			h.value = m.Text()
		default:
			m.Skip()
		}
	}
	return h, m.Err()
}

// header returns the values of a header of the request.
func (q *Question) header(name string) []string {
	for _, h := range slices.Backward(q.headers) { // of two entries of a map the last one counts
		if equalsSmall(h.name, name) {
			return []string{h.value}
		}
	}
	var values []string
	for _, h := range q.raw {
		if strings.EqualFold(h.name, name) {
			values = append(values, h.value)
		}
	}
	return values
}

// equalsSmall reports whether small is name in small letters of ASCII, of which names
// of headers are made.
func equalsSmall(small, name string) bool {
	if len(small) != len(name) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if small[i] != c {
			return false
		}
	}
	return true
}
