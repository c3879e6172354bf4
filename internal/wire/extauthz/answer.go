// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"net/http"
	"strings"
	"unicode/utf8"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// allowed lets a request through, with headers in the place of the client's, and
// without those that say something which nobody has proven.
func allowed(s *gateway.Settings, r *gateway.Request, a *gateway.Answer, namespace string) *authv3.CheckResponse {
	ok := &authv3.OkHttpResponse{}
	for _, h := range s.Headers(a) {
		ok.Headers = append(ok.Headers, header(h.Name, h.Value))
	}
	for _, name := range s.Unproven(r, a) {
		ok.HeadersToRemove = append(ok.HeadersToRemove, strings.ToLower(name))
	}
	return &authv3.CheckResponse{
		Status:          &rpcstatus.Status{Code: int32(codes.OK)},
		HttpResponse:    &authv3.CheckResponse_OkResponse{OkResponse: ok},
		DynamicMetadata: metadata(a, namespace),
	}
}

func denied(a *gateway.Answer, namespace string) *authv3.CheckResponse {
	response := deny(a.Status, a.Body)
	if a.Challenge != "" {
		d := response.GetDeniedResponse()
		d.Headers = append(d.Headers, header("www-authenticate", a.Challenge))
	}
	response.DynamicMetadata = metadata(a, namespace)
	return response
}

// malformed is the answer to a request that is none.
func malformed(message string) *authv3.CheckResponse {
	return deny(http.StatusBadRequest, message)
}

func deny(status int, body string) *authv3.CheckResponse {
	code := door.Code(status)
	if code == codes.Internal { // a status that only the client is to see
		code = codes.PermissionDenied
	}
	return &authv3.CheckResponse{
		Status: &rpcstatus.Status{Code: int32(code), Message: body},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: &authv3.DeniedHttpResponse{
			Status:  &typev3.HttpStatus{Code: typev3.StatusCode(status)},
			Headers: []*corev3.HeaderValueOption{header("content-type", "text/plain; charset=utf-8")},
			Body:    body + "\n",
		}},
	}
}

// header is one that takes the place of what is there.
func header(name, value string) *corev3.HeaderValueOption {
	return &corev3.HeaderValueOption{
		Header:       &corev3.HeaderValue{Key: strings.ToLower(name), Value: value},
		AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
	}
}

// metadata is what the filters that come next, and the access log, hear under
// envoy.filters.http.ext_authz.
func metadata(a *gateway.Answer, namespace string) *structpb.Struct {
	fields := map[string]*structpb.Value{
		"namespace": structpb.NewStringValue(namespace),
		"reason":    structpb.NewStringValue(a.Reason),
	}
	if a.Subject != nil && a.Decision != nil {
		roles := make([]*structpb.Value, len(a.Decision.Roles))
		for i, role := range a.Decision.Roles {
			roles[i] = structpb.NewStringValue(role)
		}
		fields["subject"] = structpb.NewStringValue(valid(a.Subject.ID))
		fields["subject_type"] = structpb.NewStringValue(valid(a.Subject.Type))
		fields["roles"] = structpb.NewListValue(&structpb.ListValue{Values: roles})
		fields["revision"] = structpb.NewStringValue(a.Revision)
	}
	return &structpb.Struct{Fields: fields}
}

// valid returns a text that a message can hold.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
