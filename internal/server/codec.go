// SPDX-License-Identifier: Apache-2.0

package server

import (
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	"github.com/rolecall/rolecall/internal/door"
)

// codec leaves messages as they are that doors read and write themselves, and has the
// library of protocol buffers read and write all others.
type codec struct{ encoding.CodecV2 }

func newCodec() codec { return codec{encoding.GetCodecV2(proto.Name)} }

// Marshal implements encoding.CodecV2.
func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	if m, ok := v.(*door.Sent); ok {
		return mem.BufferSlice{mem.SliceBuffer(m.Message)}, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal implements encoding.CodecV2.
func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	m, ok := v.(*door.Received)
	switch {
	case !ok:
		return c.CodecV2.Unmarshal(data, v)
	case len(data) == 1:
		m.Message = string(data[0].ReadOnlyData())
	default:
		m.Message = string(data.Materialize())
	}
	return nil
}
