// SPDX-License-Identifier: Apache-2.0

package door

import (
	"context"
	"slices"

	"google.golang.org/grpc"
)

// Received is a request over gRPC as it came, for a door that reads the message
// itself.
type Received struct{ Message string }

// Sent is an answer over gRPC as it goes, for a door that writes the message itself.
type Sent struct{ Message []byte }

// WithMethod returns a service like desc, one of whose methods is answered by what
// the door makes of the message itself. A message that is malformed is for the door
// to refuse.
func WithMethod(
	desc *grpc.ServiceDesc, method string, answer func(ctx context.Context, message string) ([]byte, error),
) *grpc.ServiceDesc {
	changed := *desc
	changed.Methods = slices.Clone(desc.Methods)
	for i := range changed.Methods {
		if changed.Methods[i].MethodName != method {
			continue
		}
		changed.Methods[i].Handler = func(_ any, ctx context.Context, receive func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			in := &Received{}
			if err := receive(in); err != nil {
				return nil, err
			}
			out, err := answer(ctx, in.Message)
			if err != nil {
				return nil, err
			}
			return &Sent{out}, nil
		}
	}
	return &changed
}
