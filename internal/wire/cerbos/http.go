// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/cerbos/cerbospb"
)

// Routes returns the endpoints over HTTP. They take a body whatever its
// Content-Type says, because Cerbos' client for browsers says text/plain.
func (d *Door) Routes() []door.Route {
	var routes []door.Route
	for _, prefix := range []string{"", "/ns/{namespace}"} {
		routes = append(routes,
			d.route(http.MethodPost, prefix+"/api/check/resources", d.serveCheck),
			d.route(http.MethodGet, prefix+"/api/server_info", d.serveInfo),
			d.route(http.MethodGet, prefix+"/_cerbos/health", d.serveHealth),
			d.route(http.MethodPost, prefix+"/api/plan/resources", notServed("PlanResources")),
			d.route(http.MethodPost, prefix+"/api/check", notServed("CheckResourceSet")),
			d.route(http.MethodPost, prefix+"/api/check_resource_batch", notServed("CheckResourceBatch")))
	}
	return routes
}

// serve answers a request whose caller was let in.
type serve func(w http.ResponseWriter, r *http.Request, o door.Origin) error

// route is an endpoint, all of which are for callers that may check.
func (d *Door) route(method, path string, answer serve) door.Route {
	return door.Route{
		Door: Name, Method: method, Path: path, Refuse: d.refuse,
		Serve: func(w http.ResponseWriter, r *http.Request) error {
			namespace, err := d.namespaces.OfPath(r)
			if err != nil {
				return err
			}
			o := door.RequestOrigin(w, namespace)
			if o, err = d.options.Asker.Admit(r.Context(), door.RequestCredentials(r), o, door.PermissionCheck); err != nil {
				return err
			}
			return answer(w, r, o)
		},
	}
}

// call is the memory of a request, which is reused for its buffers alone.
type call struct {
	body, out []byte
	decoder   Decoder
}

func (d *Door) put(c *call) {
	if cap(c.body) <= door.MaxKept && cap(c.out) <= door.MaxKept {
		d.calls.Put(c)
	}
}

func (d *Door) serveCheck(w http.ResponseWriter, r *http.Request, o door.Origin) error {
	policy, err := d.options.Asker.Policy(o)
	if err != nil {
		return err
	}
	c, _ := d.calls.Get().(*call)
	defer d.put(c)
	in, err := c.receive(r)
	if err != nil {
		policy.Refused(err)
		return err
	}
	out, err := d.decide(r.Context(), &policy, in)
	if err != nil {
		return err
	}
	c.out = AppendResponse(c.out[:0], out)
	return d.send(w, r, http.StatusOK, c.out)
}

func (c *call) receive(r *http.Request) (*Request, error) {
	var err error
	if c.body, err = door.ReadBody(r, c.body); err != nil {
		return nil, err
	}
	return c.decoder.Request(c.body)
}

func (d *Door) serveInfo(w http.ResponseWriter, r *http.Request, _ door.Origin) error {
	return d.send(w, r, http.StatusOK, append(appendField([]byte{'{'}, "version", d.options.Version), '}'))
}

// serveHealth answers as the health service of gRPC would through a gateway.
func (d *Door) serveHealth(w http.ResponseWriter, r *http.Request, _ door.Origin) error {
	switch service := r.URL.Query().Get("service"); service {
	case "", cerbospb.CerbosService_ServiceDesc.ServiceName:
	default:
		return &door.Error{Status: http.StatusNotFound, Message: "unknown service; there is " + cerbospb.CerbosService_ServiceDesc.ServiceName}
	}
	body, code := `{"status":"SERVING"}`, http.StatusOK
	if _, err := d.options.Asker.Provider.Checker(); err != nil {
		body, code = `{"status":"NOT_SERVING"}`, http.StatusServiceUnavailable
	}
	d.write(w, code, []byte(body))
	return nil
}

// notServed answers what clients know and this door does not do.
func notServed(method string) serve {
	return func(http.ResponseWriter, *http.Request, door.Origin) error { return unserved(method) }
}

func unserved(method string) error {
	return &door.Error{
		Status:  http.StatusNotImplemented,
		Message: method + " is not served here; CheckResources and ServerInfo are",
	}
}

// send writes JSON, indented if the query says pretty.
func (d *Door) send(w http.ResponseWriter, r *http.Request, code int, body []byte) error {
	if r.URL.RawQuery != "" && r.URL.Query().Has("pretty") {
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, body, "", "  "); err != nil {
			return err
		}
		body = pretty.Bytes()
	}
	d.write(w, code, body)
	return nil
}

// refuse writes an error as a google.rpc.Status.
func (d *Door) refuse(w http.ResponseWriter, code int, message string) {
	body := strconv.AppendInt([]byte(`{"code":`), int64(door.Code(code)), 10)
	d.write(w, code, append(appendField(body, "message", message), '}'))
}

// write writes an answer. A client that is gone is no news to anyone.
func (d *Door) write(w http.ResponseWriter, code int, body []byte) {
	h := w.Header()
	h[versionHTTPHeader] = d.version[:1:1]
	door.SetContent(h, d.contentType[:1:1], len(body))
	w.WriteHeader(code)
	_, _ = w.Write(body)
}
