// SPDX-License-Identifier: Apache-2.0

package forwardauth_test

import (
	"strings"
	"testing"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/extauthz"
)

// FuzzContextHeaders: of what Envoy passes on, in either of its ways, conditions see
// the headers on the list, and no other.
func FuzzContextHeaders(f *testing.F) {
	f.Add(false, "x-plan: a\nX-Plan: b\ncookie: c=d\n:authority: h", "X-PLAN,User-Agent,x-plan")
	f.Add(true, "x-plan: a\nX-Plan: \xff\nX-Plans: b\nauthorization: x", "X-PLAN,X-Planes,X")
	f.Fuzz(func(t *testing.T, raw bool, lines, list string) {
		all, names := fields(lines), contextHeaders(list)
		h := &authv3.AttributeContext_HttpRequest{Method: "GET", Path: "/documents/7", Host: "h", Headers: map[string]string{":path": "/"}}
		for name, value := range seen(namesOf(all), all) {
			h.Headers[name] = strings.ToValidUTF8(value.(string), "!") // as Envoy does
		}
		if raw {
			h.Headers, h.HeaderMap = nil, &corev3.HeaderMap{}
			for _, f := range all {
				h.HeaderMap.Headers = append(h.HeaderMap.Headers, &corev3.HeaderValue{Key: f.name, RawValue: []byte(f.value)})
			}
		}
		message, err := proto.Marshal(&authv3.CheckRequest{Attributes: &authv3.AttributeContext{Request: &authv3.AttributeContext_Request{Http: h}}})
		if err != nil {
			t.Fatal(err)
		}
		q, err := extauthz.Decode(string(message))
		if err != nil {
			t.Fatal(err)
		}
		var asked spy
		g := asked.gateways(names)
		g.Settings["forwarded"].Identity = nil
		a, err := g.Judge(t.Context(), door.Origin{Namespace: "forwarded"}, g.Settings["forwarded"], &q.Request)
		if err != nil || !a.Allowed || len(asked.checks) != 1 {
			t.Fatalf("%+v, %v, asked %v", a, err, asked.checks)
		}
		want := seen(names, all)
		for name, value := range want {
			if !raw {
				want[name] = strings.ToValidUTF8(value.(string), "!")
			}
		}
		context := map[string]any{"method": "GET", "path": "/documents/7", "host": "h", "headers": want}
		if diff := cmp.Diff(context, asked.checks[0].Context); diff != "" {
			t.Errorf("the context (-want +got):\n%s", diff)
		}
	})
}
