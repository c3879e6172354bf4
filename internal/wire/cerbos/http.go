// SPDX-License-Identifier: Apache-2.0

package cerbos

import (
	"net/http"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

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

func (d *Door) serveCheck(w http.ResponseWriter, r *http.Request, o door.Origin) error {
	policy, err := d.options.Asker.Policy(o)
	if err != nil {
		return err
	}
	in, err := receive(r)
	if err != nil {
		policy.Refused(err)
		return err
	}
	out, err := d.decide(r.Context(), &policy, in)
	if err != nil {
		return err
	}
	return d.send(w, r, http.StatusOK, out)
}

func receive(r *http.Request) (*cerbospb.CheckResourcesRequest, error) {
	body, err := door.ReadBody(r, nil)
	if err != nil {
		return nil, err
	}
	return Decode(body)
}

func (d *Door) serveInfo(w http.ResponseWriter, r *http.Request, _ door.Origin) error {
	return d.send(w, r, http.StatusOK, d.info())
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

// send writes a message as JSON, indented if the query says pretty.
func (d *Door) send(w http.ResponseWriter, r *http.Request, code int, message proto.Message) error {
	options := protojson.MarshalOptions{}
	if r.URL.Query().Has("pretty") {
		options.Multiline = true
	}
	body, err := options.Marshal(message)
	if err != nil {
		return err
	}
	d.write(w, code, body)
	return nil
}

// refuse writes an error as a google.rpc.Status.
func (d *Door) refuse(w http.ResponseWriter, code int, message string) {
	body, err := protojson.Marshal(status.New(door.Code(code), message).Proto())
	if err != nil { // the message is no UTF-8
		body = []byte(`{"code":13,"message":"internal error; there is no decision"}`)
	}
	d.write(w, code, body)
}

// write writes an answer. A client that is gone is no news to anyone.
func (d *Door) write(w http.ResponseWriter, code int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(versionHeader, d.options.Version)
	w.WriteHeader(code)
	_, _ = w.Write(body) //nolint:gosec // JSON, and the header says so
}
