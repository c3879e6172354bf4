// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"net/http"
	"strings"
	"unicode/utf8"

	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/gateway"
	"github.com/rolecall/rolecall/internal/wire/proto3"
)

// usual is the length in bytes within which most answers are.
const usual = 512

// The answers are messages CheckResponse in their wire format. The numbers of the
// fields are those of envoy/service/auth/v3/external_auth.proto, and what they hold of
// envoy/config/core/v3, envoy/type/v3, google/rpc and google/protobuf/struct.proto.

// allowed lets a request through, with headers in the place of the client's, and
// without those that say something which nobody has proven.
func allowed(s *gateway.Settings, r *gateway.Request, a *gateway.Answer, namespace string) []byte {
	b, status := proto3.Open(make([]byte, 0, usual), 1) // OK, which is zero
	b = proto3.Close(b, status)
	b, ok := proto3.Open(b, 3)
	for _, h := range s.Headers(a) {
		b = appendHeader(b, h.Name, h.Value)
	}
	for _, name := range s.Unproven(r, a) {
		b = proto3.AppendText(b, 5, strings.ToLower(name))
	}
	return appendMetadata(proto3.Close(b, ok), a, namespace)
}

// denied answers for a client that may not.
func denied(a *gateway.Answer, namespace string) []byte {
	return appendMetadata(deny(a.Status, a.Body, a.Challenge), a, namespace)
}

// malformed is the answer to a request that is none.
func malformed(message string) []byte {
	return deny(http.StatusBadRequest, message, "")
}

func deny(status int, body, challenge string) []byte {
	code := door.Code(status)
	if code == codes.Internal { // a status that only the client is to see
		code = codes.PermissionDenied
	}
	b, mark := proto3.Open(make([]byte, 0, usual), 1)
	b = proto3.AppendInt(b, 1, uint64(code))
	b = proto3.AppendText(b, 2, valid(body))
	b = proto3.Close(b, mark)
	b, response := proto3.Open(b, 2)
	b, mark = proto3.Open(b, 1)
	b = proto3.AppendInt(b, 1, uint64(status))
	b = proto3.Close(b, mark)
	b = appendHeader(b, "content-type", "text/plain; charset=utf-8")
	if challenge != "" {
		b = appendHeader(b, "www-authenticate", valid(challenge))
	}
	b = proto3.AppendText(b, 3, valid(body)+"\n")
	return proto3.Close(b, response)
}

// overwrite is the value of HeaderAppendAction by which a header takes the place of
// what is there.
const overwrite = 2

// appendHeader appends a HeaderValueOption that takes the place of what is there.
func appendHeader(b []byte, name, value string) []byte {
	b, option := proto3.Open(b, 2)
	b, mark := proto3.Open(b, 1)
	b = proto3.AppendText(b, 1, strings.ToLower(name))
	b = proto3.AppendText(b, 2, value)
	b = proto3.Close(b, mark)
	b = proto3.AppendInt(b, 3, overwrite)
	return proto3.Close(b, option)
}

// appendMetadata appends what the filters that come next, and the access log, hear
// under envoy.filters.http.ext_authz.
func appendMetadata(b []byte, a *gateway.Answer, namespace string) []byte {
	b, mark := proto3.Open(b, 4)
	b = appendMember(b, "namespace", namespace)
	b = appendMember(b, "reason", a.Reason)
	if a.Subject != nil && a.Decision != nil {
		b = appendMember(b, "subject", valid(a.Subject.ID))
		b = appendMember(b, "subject_type", valid(a.Subject.Type))
		b = appendMember(b, "revision", a.Revision)
		b = appendTexts(b, "roles", a.Decision.Roles)
		if len(a.Decision.Warnings) > 0 {
			b = appendTexts(b, "warnings", a.Decision.Warnings)
		}
	}
	return proto3.Close(b, mark)
}

// appendMember appends a member of a Struct, a text.
func appendMember(b []byte, name, text string) []byte {
	b, entry := proto3.Open(b, 1)
	b = proto3.AppendText(b, 1, name)
	b, value := proto3.Open(b, 2)
	b = appendValue(b, text)
	return proto3.Close(proto3.Close(b, value), entry)
}

// appendValue appends what makes a Value a text, an empty one too.
func appendValue(b []byte, text string) []byte {
	if text != "" {
		return proto3.AppendText(b, 3, text)
	}
	b, mark := proto3.Open(b, 3)
	return proto3.Close(b, mark)
}

// appendTexts appends a member of a Struct, a list of texts.
func appendTexts(b []byte, name string, texts []string) []byte {
	b, entry := proto3.Open(b, 1)
	b = proto3.AppendText(b, 1, name)
	b, value := proto3.Open(b, 2)
	b, list := proto3.Open(b, 6)
	for _, text := range texts {
		var mark int
		b, mark = proto3.Open(b, 1)
		b = proto3.Close(appendValue(b, valid(text)), mark)
	}
	return proto3.Close(proto3.Close(proto3.Close(b, list), value), entry)
}

// valid returns a text that a message can hold.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
