// SPDX-License-Identifier: Apache-2.0

package door

import (
	"context"
	"crypto/tls"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// Service is a gRPC service of a door: what a Route is over HTTP.
type Service struct {
	// Door is the dialect's name, a label of metrics.
	Door string
	// Register registers the service. Its methods return errors as a Route's
	// Serve does: the server answers with what Status makes of them.
	Register func(grpc.ServiceRegistrar)
}

// Status says how a gRPC client is told of an error: the code of the status
// that Answer makes of it, and the same message. An error that is a gRPC status
// already stays as it is; no error is OK.
func Status(err error) *status.Status {
	if s, ok := status.FromError(err); ok {
		return s
	}
	code, message := Answer(err)
	return status.New(Code(code), message)
}

// Code is the gRPC code that says what an HTTP status of an error says.
func Code(status int) codes.Code {
	switch status {
	case http.StatusBadRequest:
		return codes.InvalidArgument
	case http.StatusUnauthorized:
		return codes.Unauthenticated
	case http.StatusForbidden:
		return codes.PermissionDenied
	case http.StatusNotFound:
		return codes.NotFound
	case http.StatusRequestEntityTooLarge, http.StatusTooManyRequests:
		return codes.ResourceExhausted
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return codes.Unimplemented
	case http.StatusServiceUnavailable:
		return codes.Unavailable
	default:
		return codes.Internal
	}
}

// NamespaceMetadata is the metadata of a gRPC call that names the namespace.
const NamespaceMetadata = "rolecall-namespace"

// Namespaces finds the namespace that a request asks about.
type Namespaces struct {
	// Default is meant by a request that names none; if it is empty, that is a
	// 404.
	Default string
}

// OfPath returns the namespace in the path of a Route that has {namespace}.
func (n Namespaces) OfPath(r *http.Request) (string, error) {
	if name := r.PathValue("namespace"); name != "" {
		return name, nil
	}
	if n.Default != "" {
		return n.Default, nil
	}
	return "", noDefault("ask /ns/{namespace}" + r.URL.Path)
}

// OfCall returns the namespace in the metadata of a gRPC call.
func (n Namespaces) OfCall(ctx context.Context) (string, error) {
	switch names := metadata.ValueFromIncomingContext(ctx, NamespaceMetadata); {
	case len(names) > 1:
		return "", BadRequest("the metadata " + NamespaceMetadata + " is there more than once; name one namespace")
	case len(names) == 1 && names[0] != "":
		return names[0], nil
	case n.Default != "":
		return n.Default, nil
	}
	return "", noDefault("name one in the metadata " + NamespaceMetadata)
}

func noDefault(remedy string) error {
	return &Error{
		Status:  http.StatusNotFound,
		Message: "this server has no default namespace; " + remedy + ", or set defaultNamespace in its configuration",
	}
}

// CallIDMetadata is the metadata by which a gRPC client knows an answer again, as
// RequestIDHeader is over HTTP.
const CallIDMetadata = "x-request-id"

// callHeaderKey is the key of the header of a call's answer in its context.
type callHeaderKey struct{}

// WithCallHeader gives a gRPC call the header of its answer, which the server sends
// when the call has ended. It holds the call's id.
func WithCallHeader(ctx context.Context, header metadata.MD) context.Context {
	return context.WithValue(ctx, callHeaderKey{}, header)
}

// SetCallHeader puts metadata into the header of a call's answer. Nobody may change
// the values any more. A call that no server has taken in has no such header.
func SetCallHeader(ctx context.Context, name string, values []string) {
	if header := callHeader(ctx); header != nil {
		header[name] = values
	}
}

func callHeader(ctx context.Context) metadata.MD {
	header, _ := ctx.Value(callHeaderKey{}).(metadata.MD)
	return header
}

// CallID returns the id of a gRPC call, which the server has given to it.
func CallID(ctx context.Context) string {
	if id := callHeader(ctx)[CallIDMetadata]; len(id) > 0 {
		return id[0]
	}
	return ""
}

// CallCredentials returns what a gRPC call proves of its caller: the same as
// RequestCredentials, in the same way.
func CallCredentials(ctx context.Context) Credentials {
	c := Credentials{
		Authorization: only(metadata.ValueFromIncomingContext(ctx, "authorization")),
		APIKey:        only(metadata.ValueFromIncomingContext(ctx, "x-api-key")),
	}
	c.TLS = CallTLS(ctx)
	return c
}

// CallTLS returns the state of the connection of a gRPC call, nil without TLS.
func CallTLS(ctx context.Context) *tls.ConnectionState {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	if _, ok := p.AuthInfo.(credentials.TLSInfo); !ok {
		return nil // before there is a copy
	}
	info, _ := p.AuthInfo.(credentials.TLSInfo)
	return &info.State
}
