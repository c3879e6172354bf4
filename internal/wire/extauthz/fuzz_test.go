// SPDX-License-Identifier: Apache-2.0

package extauthz_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/rolecall/rolecall/internal/wire/extauthz"
)

// FuzzCheckRequest: a message says what Envoy's published types take for it.
func FuzzCheckRequest(f *testing.F) {
	again, err := proto.Marshal(request(map[string]string{"x-user": "eve"}))
	if err != nil {
		f.Fatal(err)
	}
	for _, in := range seeds() {
		message, err := proto.Marshal(in)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(message, "x-user")
		f.Add(append(message, again...), "X-USER")
	}
	f.Fuzz(func(t *testing.T, message []byte, name string) {
		in := &authv3.CheckRequest{}
		reference := proto.Unmarshal(message, in)
		got, err := extauthz.Decode(string(message))
		switch {
		case reference != nil:
			return // what nobody reads may be malformed
		case err != nil:
			t.Fatalf("it is a CheckRequest, and refused: %v", err)
		}
		h := in.GetAttributes().GetRequest().GetHttp()
		path, _, _ := strings.Cut(h.GetPath(), "?")
		type said struct {
			namespace, method, host, path, principal, source string
			http                                             bool
		}
		want := said{
			in.GetAttributes().GetContextExtensions()["rolecall-namespace"], h.GetMethod(), h.GetHost(), path,
			in.GetAttributes().GetSource().GetPrincipal(), source(in.GetAttributes().GetSource().GetAddress()), h != nil,
		}
		r := &got.Request
		if have := (said{got.Namespace, r.Method, r.Host, r.Path, r.Principal, r.Source, got.HTTP}); have != want {
			t.Errorf("it says %+v, want %+v", have, want)
		}
		for _, name := range append(names(h), name) {
			if want, have := values(h, name), r.Header(name); !slices.Equal(want, have) {
				t.Errorf("the header %q is %q, want %q", name, have, want)
			}
		}
	})
}

// seeds are requests with all that is read, and much that is not.
func seeds() []*authv3.CheckRequest {
	full := request(map[string]string{"x-user": "ann", "x-plan": "pro", ":authority": "app.example.com"})
	a := full.GetAttributes()
	a.ContextExtensions = map[string]string{"rolecall-namespace": "shop", "other": "x"}
	a.Source.Address = &corev3.Address{Address: &corev3.Address_SocketAddress{SocketAddress: &corev3.SocketAddress{Address: "::ffff:203.0.113.7"}}}
	a.GetRequest().GetHttp().Body, a.GetRequest().GetHttp().Size = "a=b", 3
	raw := request(nil)
	raw.GetAttributes().Source.Address = &corev3.Address{Address: &corev3.Address_Pipe{Pipe: &corev3.Pipe{Path: "/run/x"}}}
	raw.GetAttributes().GetRequest().GetHttp().HeaderMap = &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
		{Key: "X-User", RawValue: []byte("ann\xff")}, {Key: "x-user", Value: "eve"},
	}}
	raw.GetAttributes().GetRequest().GetHttp().RawBody = []byte{0xff}
	return []*authv3.CheckRequest{{}, full, raw, {Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{}}}}
}

// source is the address as the library reads it.
func source(a *corev3.Address) string {
	ip, err := netip.ParseAddr(a.GetSocketAddress().GetAddress())
	if err != nil {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}

// names are those of all headers of a request.
func names(h *authv3.AttributeContext_HttpRequest) []string {
	var all []string
	for name := range h.GetHeaders() {
		all = append(all, name)
	}
	for _, v := range h.GetHeaderMap().GetHeaders() {
		all = append(all, strings.ToUpper(v.GetKey()))
	}
	return all
}

// values are those of a header, as the library reads it.
func values(h *authv3.AttributeContext_HttpRequest, name string) []string {
	if value, ok := h.GetHeaders()[ascii(name)]; ok {
		return []string{value}
	}
	var all []string
	for _, v := range h.GetHeaderMap().GetHeaders() {
		switch {
		case !strings.EqualFold(v.GetKey(), name):
		case len(v.GetRawValue()) > 0:
			all = append(all, string(v.GetRawValue()))
		default:
			all = append(all, v.GetValue())
		}
	}
	return all
}

// ascii is a name in small letters, of ASCII alone.
func ascii(name string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, name)
}

// TestMalformed: what Envoy never sends is refused, wherever it is malformed.
func TestMalformed(t *testing.T) {
	t.Parallel()
	within := func(inner []byte, path ...protowire.Number) string {
		for _, number := range slices.Backward(path) {
			inner = protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), inner)
		}
		return string(inner)
	}
	short := []byte{2<<3 | 2, 9, 'G'}         // a text that ends before its end
	notUTF8 := []byte{2<<3 | 2, 2, 'G', 0xff} // a text that is none
	noNumber := []byte{0<<3 | 2, 1, 'x'}      // a field without a number
	endless := []byte{0xff, 0xff, 0xff, 0xff} // a number that does not end
	for name, inner := range map[string][]byte{"short": short, "not UTF-8": notUTF8, "no number": noNumber, "endless": endless} {
		for place, path := range map[string][]protowire.Number{
			"the request of HTTP": {1, 4, 2}, "a header": {1, 4, 2, 3}, "a raw header": {1, 4, 2, 13, 1}, "an extension": {1, 10},
			"the socket": {1, 1, 1, 1},
		} {
			if _, err := extauthz.Decode(within(inner, path...)); err == nil {
				t.Errorf("%s in %s is taken", name, place)
			}
		}
	}
}
