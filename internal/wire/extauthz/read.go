// SPDX-License-Identifier: Apache-2.0

package extauthz

import (
	"net/netip"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// read reads the request that Envoy asks about; nil if it is none of HTTP.
func read(in *authv3.CheckRequest) *gateway.Request {
	attributes := in.GetAttributes()
	h := attributes.GetRequest().GetHttp()
	if h == nil {
		return nil
	}
	path, _, _ := strings.Cut(h.GetPath(), "?")
	return &gateway.Request{
		HTTPRequest: authz.HTTPRequest{Method: h.GetMethod(), Host: h.GetHost(), Path: path},
		Source:      address(attributes.GetSource().GetAddress()),
		Principal:   attributes.GetSource().GetPrincipal(),
		Header:      headers(h),
	}
}

// headers returns how to look headers up: Envoy sends them joined, in a map, or as
// they came (encode_raw_headers). Their names are in small letters.
func headers(h *authv3.AttributeContext_HttpRequest) func(string) []string {
	return func(name string) []string {
		name = strings.ToLower(name)
		if value, ok := h.GetHeaders()[name]; ok {
			return []string{value}
		}
		var values []string
		for _, v := range h.GetHeaderMap().GetHeaders() {
			if strings.EqualFold(v.GetKey(), name) {
				values = append(values, text(v))
			}
		}
		return values
	}
}

func text(v *corev3.HeaderValue) string {
	if raw := v.GetRawValue(); len(raw) > 0 {
		return string(raw)
	}
	return v.GetValue()
}

// address returns the client's address; empty if it has none.
func address(a *corev3.Address) string {
	ip, err := netip.ParseAddr(a.GetSocketAddress().GetAddress())
	if err != nil {
		return ""
	}
	return ip.Unmap().WithZone("").String()
}
