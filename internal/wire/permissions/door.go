// SPDX-License-Identifier: Apache-2.0

package permissions

import (
	"context"
	"net/http"
	"strings"

	"github.com/rolecall/rolecall/internal/authz"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// Name is the door's name in metrics.
const Name = "permissions"

const mediaType = "application/json"

// Reader reads whom a question is about.
type Reader interface {
	// Read reads a body into r: the subject, the scope and the context.
	Read(ctx context.Context, namespace string, body []byte, r *authz.Request) error
	// Fault names the fields in an error about a request as they stand in a body.
	Fault(err error) error
}

// Options are what the door needs.
type Options struct {
	// Asker is the way to the policy.
	Asker door.Asker
	// Subjects reads the bodies of POST.
	Subjects Reader
	// Sessions verifies the tokens that are the proof of GET.
	Sessions door.Sessions
	// Namespaces finds the namespace of a request.
	Namespaces door.Namespaces
	// FrontEnds opens GET, for users themselves.
	FrontEnds bool
	// Origins are those whose pages may read the answers to GET (CORS), as browsers
	// spell them.
	Origins []string
}

// Routes returns the door's endpoints: POST for callers who ask about somebody,
// and, if it is open, GET for users who ask about themselves.
func Routes(o Options) []door.Route {
	h := &handler{o}
	var routes []door.Route
	for _, prefix := range []string{"", "/ns/{namespace}"} {
		path := prefix + "/permissions/v1/subject"
		routes = append(routes, route(http.MethodPost, path, mediaType, h.post))
		if o.FrontEnds {
			routes = append(routes,
				route(http.MethodGet, path, "", h.crossOrigin(h.get)), route(http.MethodOptions, path, "", h.crossOrigin(preflight)))
		}
	}
	return routes
}

func route(method, path, body string, serve func(http.ResponseWriter, *http.Request) error) door.Route {
	return door.Route{Door: Name, Method: method, Path: path, MediaType: body, Serve: serve, Refuse: refuse}
}

// refuse writes an error: its message as a JSON string.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_, _ = w.Write(append(ijson.AppendText(nil, message), '\n'))
}

type handler struct{ Options }

// post answers a caller about the subject of a body.
func (h *handler) post(w http.ResponseWriter, r *http.Request) error {
	namespace, err := h.Namespaces.OfPath(r)
	if err != nil {
		return err
	}
	origin, err := h.Asker.Admit(r.Context(), door.RequestCredentials(r),
		door.RequestOrigin(w, namespace), door.PermissionCheck)
	if err != nil {
		return err
	}
	body, err := door.ReadBody(r, nil)
	if err != nil {
		return err
	}
	policy, err := h.Asker.Policy(origin)
	if err != nil {
		return err
	}
	var question authz.Request
	if err := h.Subjects.Read(r.Context(), namespace, body, &question); err != nil {
		policy.Refused(err)
		return err
	}
	all, err := policy.Permissions(&question)
	if err != nil {
		return h.Subjects.Fault(err)
	}
	answer(w, r, all)
	return nil
}

// get answers a user, whose session's token is the request's own, about himself.
func (h *handler) get(w http.ResponseWriter, r *http.Request) error {
	namespace, err := h.Namespaces.OfPath(r)
	if err != nil {
		return err
	}
	origin := door.RequestOrigin(w, namespace)
	session, err := h.session(r, namespace)
	if err != nil {
		h.Asker.Refused(origin, err)
		return err
	}
	origin.Caller = door.Caller{Name: session.Subject.Type + ":" + session.Subject.ID, Method: "session"}
	policy, err := h.Asker.Policy(origin)
	if err != nil {
		return err
	}
	question := authz.Request{Subject: session.Subject, Scope: session.Subject.SessionScope}
	if scope := r.URL.Query().Get("scope"); scope != "" {
		question.Scope = scope
	}
	all, err := policy.Permissions(&question)
	if err != nil {
		return err
	}
	answer(w, r, all)
	return nil
}

// session verifies the token of a request.
func (h *handler) session(r *http.Request, namespace string) (*door.Session, error) {
	scheme, token, _ := strings.Cut(door.RequestCredentials(r).Authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return nil, &door.Error{
			Status: http.StatusUnauthorized, Challenge: "Bearer",
			Message: "send the JWT of the user's session: Authorization: Bearer TOKEN",
		}
	}
	return h.Sessions.JWT(r.Context(), namespace, token)
}
