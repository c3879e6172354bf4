// SPDX-License-Identifier: Apache-2.0

package proto3

import "google.golang.org/protobuf/encoding/protowire"

// AppendText appends the field of a number that is a text. An empty one is absent.
func AppendText(b []byte, number protowire.Number, text string) []byte {
	if text == "" {
		return b
	}
	b = protowire.AppendTag(b, number, protowire.BytesType)
	return protowire.AppendString(b, text)
}

// AppendInt appends the field of a number that is an integer or an enumeration. Zero
// is absent.
func AppendInt(b []byte, number protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	b = protowire.AppendTag(b, number, protowire.VarintType)
	return protowire.AppendVarint(b, v)
}

// Open appends the beginning of the field of a number that is a message. What is
// appended then is in the message, up to the Close of the mark.
func Open(b []byte, number protowire.Number) (opened []byte, mark int) {
	b = append(protowire.AppendTag(b, number, protowire.BytesType), 0)
	return b, len(b)
}

// Close ends the message that was opened with a mark, and gives it its length.
func Close(b []byte, mark int) []byte {
	n := len(b) - mark
	if n < 1<<7 { // nearly all, and there is a byte for the length
		b[mark-1] = byte(n)
		return b
	}
	more := protowire.SizeVarint(uint64(n)) - 1
	b = append(b, make([]byte, more)...)
	copy(b[mark+more:], b[mark:mark+n])
	protowire.AppendVarint(b[:mark-1], uint64(n))
	return b
}
