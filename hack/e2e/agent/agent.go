// SPDX-License-Identifier: Apache-2.0

// Package agent is what asks for decisions inside the cluster when the end-to-end
// tests run: an application's pod, with the token of its service account, that asks
// the Service, or each replica by its address.
//
// The tests tell it what to do over HTTP, which reaches it through the API server
// in any cluster, and it answers in JSON.
package agent

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options say whom to ask, and as whom.
type Options struct {
	// Server is the URL of the Service, and GRPC its host and port for gRPC.
	Server, GRPC string
	// Authorities is the ConfigMap that holds, under ca.crt, the authorities to trust.
	Authorities client.ObjectKey
	// TokenFile holds the caller's token.
	TokenFile string
	// Kube reads the ConfigMap and writes RoleBindings.
	Kube client.Client
}

// Agent asks. It is safe for concurrent use.
type Agent struct {
	o           Options
	server      *url.URL
	authorities *authorities

	mu   sync.Mutex
	load *load // the one that runs, if any
}

// New checks the options and reads whom to trust, again and again until ctx ends.
func New(ctx context.Context, o Options) (*Agent, error) {
	server, err := url.Parse(o.Server)
	if err != nil || server.Host == "" {
		return nil, fmt.Errorf("server %q: want a URL such as https://rolecall.rolecall-system.svc:8080", o.Server)
	}
	followed, err := follow(ctx, o.Kube, o.Authorities)
	if err != nil {
		return nil, err
	}
	return &Agent{o: o, server: server, authorities: followed}, nil
}

// Question is a check.
type Question struct {
	Namespace    string `json:"namespace"`
	Subject      string `json:"subject"`
	Action       string `json:"action"`
	ResourceType string `json:"resourceType"`
	ResourceID   string `json:"resourceId"`
	Scope        string `json:"scope,omitempty"`
}

// Answer is what the door said.
type Answer struct {
	// Status is that of HTTP: over gRPC 200, or 0 with the status in Body.
	Status   int    `json:"status"`
	Revision string `json:"revision"`
	// Certificate is the serial number of the one that was shown, and Authority the
	// name of who signed it.
	Certificate string `json:"certificate"`
	Authority   string `json:"authority"`
	Body        string `json:"body"`
	Allowed     bool   `json:"allowed"`
}

// shown notes the certificate of a connection.
func (a *Answer) shown(c *x509.Certificate) {
	a.Certificate, a.Authority = c.SerialNumber.Text(16), c.Issuer.CommonName
}

// Handler serves the tests:
//
//	POST /ask          a Question; an Answer. ?replica=HOST:PORT asks that one, ?door=grpc
//	                   over gRPC, ?authorities=first trusts those of when the agent began
//	POST /load/start   a LoadPlan
//	POST /load/so-far  a LoadReport of the load that runs
//	POST /load/release lets retries go that are held
//	POST /load/stop    ends the load; a LoadReport
//	POST /revocation   a RevocationPlan; a RevocationReport
func (a *Agent) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ask", handle(a.askOnce))
	mux.HandleFunc("POST /load/start", handle(a.startLoad))
	mux.HandleFunc("POST /load/so-far", handle(a.loadSoFar))
	mux.HandleFunc("POST /load/release", handle(a.releaseLoad))
	mux.HandleFunc("POST /load/stop", handle(a.stopLoad))
	mux.HandleFunc("POST /revocation", handle(a.revoke))
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func (a *Agent) askOnce(r *http.Request, q Question) (any, error) {
	query := r.URL.Query()
	w := way{replica: query.Get("replica"), roots: a.authorities.newest}
	if query.Get("authorities") == "first" {
		w.roots = func() *x509.CertPool { return a.authorities.first }
	}
	begin := a.overHTTP
	if query.Get("door") == "grpc" {
		begin = a.overGRPC
	}
	c, err := begin(w)
	if err != nil {
		return nil, err
	}
	defer c.end()
	return c.ask(r.Context(), &q, false)
}

// handle decodes what is asked for and encodes the result; an error is a 500.
func handle[Q any](do func(*http.Request, Q) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var q Q
		err := json.NewDecoder(r.Body).Decode(&q)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		var result any
		if err == nil {
			result, err = do(r, q)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(result)
	}
}
