// SPDX-License-Identifier: Apache-2.0

package door

import "net/http"

// Route is one endpoint of a door.
type Route struct {
	// Door is the dialect's name, a label of metrics.
	Door string
	// Method is the only method that the endpoint takes. Another endpoint may have
	// the same path and another method.
	Method string
	// Path is a pattern of http.ServeMux without a method, such as
	// /ns/{namespace}/access/v1/evaluation.
	Path string
	// MediaType is what the request's body must be, such as application/json;
	// empty if the endpoint takes no body, or one whatever it calls itself.
	MediaType string
	// Bodiless says that the endpoint reads no body, and that the headers about one
	// are not its own: a gateway passes on those of another request.
	Bodiless bool
	// Serve answers a request or returns an error, never both: it writes when
	// nothing can go wrong any more. Its error is answered by Refuse, with the
	// status and the message that Answer makes of it.
	Serve func(w http.ResponseWriter, r *http.Request) error
	// Refuse writes an error as the dialect does: the status, its headers and
	// its body. The message is for the client.
	Refuse func(w http.ResponseWriter, status int, message string)
}
