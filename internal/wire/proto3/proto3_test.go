// SPDX-License-Identifier: Apache-2.0

package proto3_test

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rolecall/rolecall/internal/wire/proto3"
)

// FuzzReader: fields are those that the library finds, one after the other.
func FuzzReader(f *testing.F) {
	f.Add([]byte{})
	f.Add(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1<<63))
	f.Add(protowire.AppendString(protowire.AppendTag(nil, protowire.MaxValidNumber, protowire.BytesType), "é"))
	f.Add(protowire.AppendFixed64(protowire.AppendTag(nil, 3, protowire.Fixed64Type), 7))
	f.Add(protowire.AppendFixed32(protowire.AppendTag(nil, 3, protowire.Fixed32Type), 7))
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02})
	f.Fuzz(func(t *testing.T, message []byte) {
		r, rest := proto3.Read(string(message)), message
		for r.Next() {
			number, wire, n := protowire.ConsumeTag(rest)
			if n < 0 || r.Field != proto3.Field(uint64(number)<<3|uint64(wire)) {
				t.Fatalf("the field %d where the library finds %d of type %d", r.Field, number, wire)
			}
			value := rest[n:]
			size := protowire.ConsumeFieldValue(number, wire, value)
			switch wire {
			case protowire.VarintType:
				want, m := protowire.ConsumeVarint(value)
				if got := r.Varint(); m >= 0 && got != want {
					t.Errorf("the number %d, want %d", got, want)
				}
			case protowire.Fixed64Type:
				want, m := protowire.ConsumeFixed64(value)
				if got := r.Fixed64(); m >= 0 && got != want {
					t.Errorf("the number %d, want %d", got, want)
				}
			case protowire.BytesType:
				want, m := protowire.ConsumeBytes(value)
				if got := r.Bytes(); m >= 0 && got != string(want) {
					t.Errorf("the text %q, want %q", got, want)
				}
			default:
				r.Skip()
			}
			if (size < 0) != (r.Err() != nil) {
				t.Fatalf("error %v, where the library has %d", r.Err(), size)
			}
			if size < 0 {
				return
			}
			rest = value[size:]
		}
		if number, _, n := protowire.ConsumeTag(rest); len(rest) > 0 && n >= 0 && number <= protowire.MaxValidNumber || (len(rest) > 0) != (r.Err() != nil) {
			t.Errorf("ends before %x, error %v", rest, r.Err())
		}
	})
}

// TestMessagesOfEveryLength: the length of a message that is not known beforehand is
// as long as it has to be.
func TestMessagesOfEveryLength(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 128, 129, 16_383, 16_384, 2 << 20} {
		text := strings.Repeat("x", n)
		b, outer := proto3.Open([]byte("before"), 5)
		b, inner := proto3.Open(b, 6)
		b = proto3.AppendText(b, 1, text)
		b = proto3.AppendInt(proto3.Close(b, inner), 2, uint64(n))
		got := append(proto3.Close(b, outer), "after"...)
		var within, field []byte
		if n > 0 {
			within = protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), text)
		}
		field = protowire.AppendBytes(protowire.AppendTag(nil, 6, protowire.BytesType), within)
		if n > 0 {
			field = protowire.AppendVarint(protowire.AppendTag(field, 2, protowire.VarintType), uint64(n))
		}
		want := append(protowire.AppendBytes(protowire.AppendTag([]byte("before"), 5, protowire.BytesType), field), "after"...)
		if !bytes.Equal(want, got) {
			t.Errorf("with %d bytes: %.40x, want %.40x", n, got, want)
		}
	}
}
