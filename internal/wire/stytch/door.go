// SPDX-License-Identifier: Apache-2.0

package stytch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rolecall/rolecall/internal/door"
)

// Name is the door's name in metrics.
const Name = "stytch"

const mediaType = "application/json"

// Project is a project of the vendor's.
type Project struct {
	// Namespace is the one whose policy decides.
	Namespace string
	// ScopePrefix makes an organization's id a scope.
	ScopePrefix string
}

// Options are what the door needs.
type Options struct {
	// Asker is the way to the policy.
	Asker door.Asker
	// Sessions verifies the tokens of members.
	Sessions door.Sessions
	// Projects are those that are answered for, by their ids.
	Projects map[string]Project
}

// Routes returns the door's endpoints.
func Routes(o Options) []door.Route {
	h := &handler{Options: o}
	return []door.Route{
		route(http.MethodPost, "/v1/b2b/sessions/authenticate", h.endpoint(door.PermissionCheck, (*call).authenticate)),
		route(http.MethodGet, "/v1/b2b/rbac/policy", h.endpoint(door.PermissionPolicy, (*call).policyDocument)),
		route(http.MethodGet, "/v1/b2b/rbac/organizations/{organization}", h.endpoint(door.PermissionPolicy, (*call).organization)),
		route(http.MethodGet, "/v1/b2b/sessions/jwks/{project}", h.keys),
	}
}

func route(method, path string, serve func(http.ResponseWriter, *http.Request) error) door.Route {
	r := door.Route{Door: Name, Method: method, Path: path, Refuse: Refuse}
	r.Serve = func(w http.ResponseWriter, req *http.Request) error {
		err := serve(w, req)
		if refuseOwn(w, err) {
			return nil
		}
		return err
	}
	if method == http.MethodPost {
		r.MediaType = mediaType
	}
	return r
}

type handler struct{ Options }

// call is one call of a caller that was let in.
type call struct {
	*handler
	project Project
	policy  door.Policy
	id      string
}

// endpoint wraps what differs between the endpoints of a project's backend, which
// proves itself by the project's id and secret.
func (h *handler) endpoint(p door.Permission, answer func(*call, *http.Request) (any, error)) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, _, ok := r.BasicAuth()
		project, known := h.Projects[id]
		if !ok || !known {
			return unknownProject()
		}
		origin := door.RequestOrigin(w, project.Namespace)
		origin, err := h.Asker.Admit(r.Context(), door.RequestCredentials(r), origin, p)
		if e, ok := errors.AsType[*door.Error](err); ok && e.Status == http.StatusUnauthorized {
			return unknownProject()
		}
		if err != nil {
			return err
		}
		c := &call{handler: h, project: project, id: origin.RequestID}
		if c.policy, err = h.Asker.Policy(origin); err != nil {
			return err
		}
		body, err := answer(c, r)
		if err != nil {
			return err
		}
		respond(w, http.StatusOK, body)
		return nil
	}
}

// unknownProject says no more of a project than of a wrong secret.
func unknownProject() *door.Error {
	return &door.Error{
		Status:    http.StatusUnauthorized,
		Message:   "send the id and the secret of a project that this server knows, by Basic authentication (stytch.projects in its configuration)",
		Challenge: `Basic realm="rolecall", charset="UTF-8"`,
	}
}

// reply is what every answer begins with.
type reply struct {
	RequestID string `json:"request_id"`
	Status    int    `json:"status_code"`
}

func (c *call) reply() reply { return reply{RequestID: c.id, Status: http.StatusOK} }

func respond(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil { // the claims of a token are JSON, and the rest is ours
		panic(fmt.Sprintf("stytch: encode an answer: %v", err))
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that is gone is no news to anyone
}

// keys answers with the public keys by which SDKs verify sessions. They are public,
// and the SDKs send no secret.
func (h *handler) keys(w http.ResponseWriter, r *http.Request) error {
	project, ok := h.Projects[r.PathValue("project")]
	if !ok {
		return &door.Error{Status: http.StatusNotFound, Message: "no such project; stytch.projects in this server's configuration has the ids"}
	}
	keys, err := h.Sessions.Keys(r.Context(), project.Namespace)
	if err != nil {
		return err
	}
	if keys == nil {
		keys = []json.RawMessage{}
	}
	respond(w, http.StatusOK, struct {
		Keys []json.RawMessage `json:"keys"`
		reply
	}{keys, reply{RequestID: door.RequestID(w), Status: http.StatusOK}})
	return nil
}
