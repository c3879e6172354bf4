// SPDX-License-Identifier: Apache-2.0

package proto3

import (
	"errors"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrMalformed says that bytes are no message.
var ErrMalformed = errors.New("is not a message of protocol buffers with texts in UTF-8")

// Field is a field as it stands before its value: its number and its wire type. A
// field of a known number and another wire type is an unknown one.
type Field uint64

// Varint is the field of a number that is an integer, a boolean or an enumeration.
func Varint(number uint64) Field { return Field(number<<3 | uint64(protowire.VarintType)) }

// Double is the field of a number that is a double.
func Double(number uint64) Field { return Field(number<<3 | uint64(protowire.Fixed64Type)) }

// Bytes is the field of a number that is a text, bytes or a message.
func Bytes(number uint64) Field { return Field(number<<3 | uint64(protowire.BytesType)) }

// Reader goes over the fields of one message:
//
//	r := proto3.Read(text)
//	for r.Next() {
//		switch r.Field {
//		case proto3.Bytes(1):
//			id = r.Text()
//		default:
//			r.Skip()
//		}
//	}
//	err := r.Err()
//
// After Next has returned true, exactly one value must be read or skipped. A message
// within is read by a Reader of its own, whose error goes to Check. Texts share the
// memory of the message.
type Reader struct {
	// Field is the one that Next went to.
	Field Field

	rest string
	bad  bool
}

// Read returns a Reader of a message.
func Read(message string) Reader { return Reader{rest: message} }

// Next goes to the next field, and reports whether there is one.
func (r *Reader) Next() bool {
	if r.rest == "" {
		return false
	}
	v, ok := r.varint()
	number := v >> 3
	if !ok || number < uint64(protowire.MinValidNumber) || number > uint64(protowire.MaxValidNumber) {
		r.fail()
		return false
	}
	r.Field = Field(v)
	return true
}

// Err returns ErrMalformed if the message is none.
func (r *Reader) Err() error {
	if r.bad {
		return ErrMalformed
	}
	return nil
}

// Check takes the error of a message within this one for its own.
func (r *Reader) Check(err error) {
	if err != nil {
		r.fail()
	}
}

func (r *Reader) fail() { r.rest, r.bad = "", true }

// Text reads a text.
func (r *Reader) Text() string {
	text := r.Bytes()
	if !utf8.ValidString(text) {
		r.fail()
		return ""
	}
	return text
}

// Bytes reads bytes, or a message.
func (r *Reader) Bytes() string {
	n, ok := r.varint()
	if !ok || n > uint64(len(r.rest)) {
		r.fail()
		return ""
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// Varint reads an integer.
func (r *Reader) Varint() uint64 {
	v, ok := r.varint()
	if !ok {
		r.fail()
	}
	return v
}

// Fixed64 reads eight bytes.
func (r *Reader) Fixed64() uint64 {
	if len(r.rest) < 8 {
		r.fail()
		return 0
	}
	var v uint64
	for i := range 8 {
		v |= uint64(r.rest[i]) << (8 * i)
	}
	r.rest = r.rest[8:]
	return v
}

// varint reads a number of base 128, the lowest digits first, in at most ten bytes.
func (r *Reader) varint() (uint64, bool) {
	var v uint64
	for i := range min(len(r.rest), 10) {
		b := r.rest[i]
		if i == 9 && b > 1 {
			return 0, false
		}
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			r.rest = r.rest[i+1:]
			return v, true
		}
	}
	return 0, false
}

// Skip goes over a value.
func (r *Reader) Skip() {
	switch protowire.Type(r.Field & 7) {
	case protowire.VarintType:
		r.Varint()
	case protowire.Fixed64Type:
		r.Fixed64()
	case protowire.BytesType:
		r.Bytes()
	default: // groups, and what takes four bytes, which no message here has
		n := protowire.ConsumeFieldValue(protowire.Number(r.Field>>3), protowire.Type(r.Field&7), []byte(r.rest))
		if n < 0 {
			r.fail()
			return
		}
		r.rest = r.rest[n:]
	}
}
