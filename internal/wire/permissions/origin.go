// SPDX-License-Identifier: Apache-2.0

package permissions

import (
	"net/http"
	"slices"
)

// crossOrigin lets the pages of the configured origins read what serve answers,
// errors too (CORS, as of the Fetch standard). No cookie counts here, so that no
// credentials of the browser's own are allowed.
func (h *handler) crossOrigin(serve func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		header := w.Header()
		header.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" && slices.Contains(h.Origins, origin) {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", "ETag, Rolecall-Revision, X-Request-Id")
		}
		return serve(w, r)
	}
}

// preflight tells a browser what its page may send. Who is of another origin is
// told nothing, and the browser asks no further.
func preflight(w http.ResponseWriter, _ *http.Request) error {
	header := w.Header()
	if header.Get("Access-Control-Allow-Origin") != "" {
		header.Set("Access-Control-Allow-Methods", http.MethodGet)
		header.Set("Access-Control-Allow-Headers", "Authorization, If-None-Match, X-Request-Id")
		header.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
