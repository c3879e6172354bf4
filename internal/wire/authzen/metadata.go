// SPDX-License-Identifier: Apache-2.0

package authzen

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// wellKnown is where the metadata of the policy decision point is (AuthZEN 1.0,
// section 9): the path of its URL follows.
const wellKnown = "/.well-known/authzen-configuration"

// The paths of the endpoints, below the URL of a policy decision point.
const (
	pathEvaluation  = "/access/v1/evaluation"
	pathEvaluations = "/access/v1/evaluations"
	pathSubjects    = "/access/v1/search/subject"
	pathResources   = "/access/v1/search/resource"
	pathActions     = "/access/v1/search/action"
)

// metadataRoutes are the documents by which clients find the endpoints. Whoever can
// reach the server may read them: they say what the configuration says, also of
// namespaces that there are not, and nothing of any policy.
func (h *handler) metadataRoutes() []door.Route {
	var routes []door.Route
	for _, namespace := range []string{"", "/ns/{namespace}"} {
		routes = append(routes, door.Route{
			Door: Name, Method: http.MethodGet, Path: wellKnown + h.urlPath() + namespace, Serve: h.metadata, Refuse: Refuse,
		})
	}
	return routes
}

// urlPath returns the path of the URL at which clients reach the door.
func (h *handler) urlPath() string {
	_, rest, _ := strings.Cut(h.URL, "://")
	_, path, found := strings.Cut(rest, "/")
	if !found {
		return ""
	}
	return "/" + path
}

func (h *handler) metadata(w http.ResponseWriter, r *http.Request) error {
	if h.URL == "" {
		return &door.Error{
			Status:  http.StatusNotFound,
			Message: "this server does not know the URL at which clients reach it; set authZEN.url in its configuration",
		}
	}
	base := h.URL
	if namespace := r.PathValue("namespace"); namespace != "" {
		base += "/ns/" + url.PathEscape(namespace)
	} else if _, err := (door.Namespaces{Default: h.DefaultNamespace}).OfPath(r); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header.Set("Cache-Control", "public, max-age=3600")
	write(w, append(appendMetadata(nil, base), '\n'))
	return nil
}

// appendMetadata appends the document of the policy decision point with a URL.
func appendMetadata(b []byte, base string) []byte {
	b = append(b, `{"policy_decision_point":`...)
	b = ijson.AppendText(b, base)
	for _, endpoint := range []struct{ name, path string }{
		{"access_evaluation_endpoint", pathEvaluation},
		{"access_evaluations_endpoint", pathEvaluations},
		{"search_subject_endpoint", pathSubjects},
		{"search_resource_endpoint", pathResources},
		{"search_action_endpoint", pathActions},
	} {
		b = append(ijson.AppendText(append(b, ','), endpoint.name), ':')
		b = ijson.AppendText(b, base+endpoint.path)
	}
	return append(b, '}')
}
