// SPDX-License-Identifier: Apache-2.0

package forwardauth

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// Name is the door's name in metrics.
const Name = "forwardauth"

// Options are what the door needs.
type Options struct {
	// Gateways judges.
	Gateways gateway.Gateways
	// Original are the namespaces whose gateways tell of a request by the headers
	// X-Original-*; the others do by X-Forwarded-*.
	Original map[string]bool
	// Namespaces finds the namespace of a request.
	Namespaces door.Namespaces
}

// Routes returns the door's endpoints.
func Routes(o Options) []door.Route {
	h := &handler{o}
	var routes []door.Route
	for _, prefix := range []string{"", "/ns/{namespace}"} {
		routes = append(routes, door.Route{
			Door: Name, Method: http.MethodGet, Path: prefix + "/forward-auth", Bodiless: true, Serve: h.serve, Refuse: refuse,
		})
	}
	return routes
}

type handler struct{ Options }

func (h *handler) serve(w http.ResponseWriter, r *http.Request) error {
	namespace, err := h.Namespaces.OfPath(r)
	if err != nil {
		return err
	}
	address, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero one is nobody's
	origin, settings, err := h.Gateways.Admit(r.Context(), address, r.TLS, door.RequestOrigin(w, namespace))
	if err != nil {
		return err
	}
	in, err := h.read(r, namespace)
	if err != nil {
		h.Gateways.Asker.Refused(origin, err)
		return err
	}
	answer, err := h.Gateways.Judge(r.Context(), origin, settings, in)
	if err != nil {
		return err
	}
	defer answer.Release()
	write(w, settings, answer)
	return nil
}

// read reads the request that the gateway asks about.
func (h *handler) read(r *http.Request, namespace string) (*gateway.Request, error) {
	in := &gateway.Request{Header: r.Header.Values, Source: source(r.Header["X-Forwarded-For"])}
	var err error
	if h.Original[namespace] {
		in.HTTPRequest, err = original(r.Header)
	} else {
		in.HTTPRequest, err = forwarded(r.Header)
	}
	return in, err
}

// forwarded reads the headers of Traefik and Caddy.
func forwarded(h http.Header) (r authz.HTTPRequest, err error) {
	if r.Method, err = only(h, "X-Forwarded-Method"); err != nil {
		return r, err
	}
	uri, err := only(h, "X-Forwarded-Uri")
	if err != nil {
		return r, err
	}
	if h["X-Forwarded-Host"] != nil {
		if r.Host, err = only(h, "X-Forwarded-Host"); err != nil {
			return r, err // which of two hosts the application takes is anybody's guess
		}
	}
	r.Path, _, _ = strings.Cut(uri, "?")
	return r, nil
}

// original reads the headers of ingress-nginx.
func original(h http.Header) (r authz.HTTPRequest, err error) {
	if r.Method, err = only(h, "X-Original-Method"); err != nil {
		return r, err
	}
	url, err := only(h, "X-Original-Url")
	if err != nil {
		return r, err
	}
	url, _, _ = strings.Cut(url, "?")
	_, rest, ok := strings.Cut(url, "://")
	slash := strings.IndexByte(rest, '/')
	if !ok || slash <= 0 {
		return r, door.BadRequest("the header X-Original-URL is not scheme://host/path; have the gateway send it so")
	}
	r.Host, r.Path = rest[:slash], rest[slash:]
	return r, nil
}

// only returns a header that must be there once.
func only(h http.Header, name string) (string, error) {
	if values := h[name]; len(values) == 1 && values[0] != "" {
		return values[0], nil
	}
	return "", door.BadRequest("the header " + name + " is not there once; have the gateway set it, or set requestHeaders in its configuration to what it sends")
}

// source returns the address that the gateway itself has seen, which is the last one.
func source(forwardedFor []string) string {
	if len(forwardedFor) == 0 {
		return ""
	}
	last := forwardedFor[len(forwardedFor)-1]
	return gateway.Address(strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]))
}

func write(w http.ResponseWriter, s *gateway.Settings, a *gateway.Answer) {
	if !a.Allowed {
		if a.Challenge != "" {
			w.Header().Set("WWW-Authenticate", a.Challenge)
		}
		refuse(w, a.Status, a.Body)
		return
	}
	header, values := w.Header(), new([3]string)
	for i, h := range s.Headers(a) {
		values[i] = h.Value
		header[http.CanonicalHeaderKey(h.Name)] = values[i : i+1 : i+1]
	}
	w.WriteHeader(http.StatusOK)
}

// refuse writes an answer as plain text, which no browser may take for anything
// else, and no cache may keep.
func refuse(w http.ResponseWriter, status int, message string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(message + "\n")) //nolint:gosec // plain text, and the header says so
}
