// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"fmt"
	"math"

	"github.com/rolecall/rolecall/internal/wire/ijson"
	"github.com/rolecall/rolecall/internal/wire/proto3"
)

// How deep within the JSON of a request attr stands: a message may nest as deep as
// its JSON may.
const (
	principalDepth = 3 // the request, principal, attr
	resourceDepth  = 5 // the request, resources, an entry, resource, attr
)

const notFinite = "must be a finite number"

var tooDeep = fmt.Sprintf("makes the request nest objects and arrays deeper than %d", ijson.MaxDepth)

// readAttribute reads an entry of a map from texts to values, into a map that may be
// nil, below depth objects and arrays. A problem is one of a value that JSON could
// not say, and begins with where within the map it is.
//
// The numbers of the fields are those of google/protobuf/struct.proto.
func readAttribute(entry string, into *map[string]any, depth int) (problem string, err error) {
	if *into == nil {
		*into = make(map[string]any)
	}
	var name string
	var value any
	m := proto3.Read(entry)
	for m.Next() {
		switch m.Field {
		case proto3.Bytes(1):
			name = m.Text()
		case proto3.Bytes(2):
			var inner string
			inner, err = readValue(m.Bytes(), &value, depth)
			m.Check(err)
			if inner != "" {
				problem = inner
			}
		default:
			m.Skip()
		}
	}
	(*into)[name] = value
	if problem != "" {
		problem = "." + name + problem
	}
	return problem, m.Err()
}

// readValue reads a value as one of encoding/json. What is said twice is merged as
// protocol buffers merge it.
func readValue(message string, into *any, depth int) (problem string, err error) {
	m := proto3.Read(message)
	for m.Next() {
		switch m.Field {
		case proto3.Varint(1):
			m.Varint()
			*into = nil
		case proto3.Double(2):
			number := math.Float64frombits(m.Fixed64())
			if math.IsNaN(number) || math.IsInf(number, 0) {
				problem = ": " + notFinite
			}
			*into = number
		case proto3.Bytes(3):
			*into = m.Text()
		case proto3.Varint(4):
			*into = m.Varint() != 0
		case proto3.Bytes(5), proto3.Bytes(6):
			if depth >= ijson.MaxDepth {
				return ": " + tooDeep, nil
			}
			var inner string
			if m.Field == proto3.Bytes(5) {
				inner, err = readObject(m.Bytes(), into, depth+1)
			} else {
				inner, err = readList(m.Bytes(), into, depth+1)
			}
			m.Check(err)
			if inner != "" {
				problem = inner
			}
		default:
			m.Skip()
		}
	}
	return problem, m.Err()
}

func readObject(message string, into *any, depth int) (problem string, err error) {
	object, ok := (*into).(map[string]any)
	if !ok {
		object = make(map[string]any)
	}
	m := proto3.Read(message)
	for m.Next() {
		if m.Field != proto3.Bytes(1) {
			m.Skip()
			continue
		}
		inner, err := readAttribute(m.Bytes(), &object, depth)
		m.Check(err)
		if inner != "" {
			problem = inner
		}
	}
	*into = object
	return problem, m.Err()
}

func readList(message string, into *any, depth int) (problem string, err error) {
	list, ok := (*into).([]any)
	if !ok {
		list = []any{}
	}
	m := proto3.Read(message)
	for m.Next() {
		if m.Field != proto3.Bytes(1) {
			m.Skip()
			continue
		}
		var value any
		inner, err := readValue(m.Bytes(), &value, depth)
		m.Check(err)
		if inner != "" {
			problem = fmt.Sprintf("[%d]%s", len(list), inner)
		}
		list = append(list, value)
	}
	*into = list
	return problem, m.Err()
}
