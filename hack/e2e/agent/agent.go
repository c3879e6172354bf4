// SPDX-License-Identifier: Apache-2.0

// Package agent is what asks for decisions inside the cluster when the end-to-end
// tests run: an application's pod, with the token of its service account, that asks
// the Service, or each replica by its address.
//
// The tests tell it what to do over HTTP, which reaches it through the API server
// in any cluster, and it answers in JSON.
package agent

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Options say whom to ask, and as whom.
type Options struct {
	// Server is the URL of the Service.
	Server string
	// CAFile holds the certificates of the authorities to trust; empty means those of
	// the system.
	CAFile string
	// TokenFile holds the caller's token.
	TokenFile string
	// Kube writes RoleBindings.
	Kube client.Client
}

// Agent asks. It is safe for concurrent use.
type Agent struct {
	o      Options
	server *url.URL

	mu   sync.Mutex
	load *load // the one that runs, if any
}

// New checks the options.
func New(o Options) (*Agent, error) {
	server, err := url.Parse(o.Server)
	if err != nil || server.Host == "" {
		return nil, fmt.Errorf("server %q: want a URL such as https://rolecall.rolecall-system.svc:8080", o.Server)
	}
	return &Agent{o: o, server: server}, nil
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

func (q *Question) body() []byte {
	type object map[string]any
	asked := object{
		"subject":  object{"type": "user", "id": q.Subject},
		"action":   object{"name": q.Action},
		"resource": object{"type": q.ResourceType, "id": q.ResourceID},
	}
	if q.Scope != "" {
		asked["context"] = object{"scope": q.Scope}
	}
	text, _ := json.Marshal(asked)
	return text
}

// Answer is what the door said.
type Answer struct {
	Status   int    `json:"status"`
	Revision string `json:"revision"`
	// Certificate is the serial number of the one that was shown.
	Certificate string `json:"certificate"`
	Body        string `json:"body"`
	Allowed     bool   `json:"allowed"`
}

// caller asks in one of the ways in which a client can be set up.
type caller struct {
	http  *http.Client
	base  string
	token string
}

// caller returns one for the Service, or for the replica at an address (host:port)
// if that is not empty. Without reuse each of its requests makes a connection.
func (a *Agent) caller(address string, reuse bool) (*caller, error) {
	token, err := os.ReadFile(a.o.TokenFile)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: time.Second}
	transport := &http.Transport{
		DialContext:         dialer.DialContext,
		DisableKeepAlives:   !reuse,
		MaxIdleConnsPerHost: 1,
		// Of a replica the Service's name is believed: its address is in no certificate.
		TLSClientConfig: &tls.Config{ServerName: a.server.Hostname()},
	}
	if address != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		}
	}
	if a.o.CAFile != "" {
		text, err := os.ReadFile(a.o.CAFile)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("%s holds no certificate", a.o.CAFile)
		}
	}
	return &caller{
		http:  &http.Client{Transport: transport, Timeout: 5 * time.Second},
		base:  strings.TrimSuffix(a.o.Server, "/"),
		token: strings.TrimSpace(string(token)),
	}, nil
}

// ask returns an error where there is no answer at all.
func (c *caller) ask(ctx context.Context, namespace string, body []byte) (Answer, error) {
	var answer Answer
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/ns/"+url.PathEscape(namespace)+"/access/v1/evaluation", bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.http.Do(r)
	if err != nil {
		return answer, err
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return answer, err
	}
	answer = Answer{Status: resp.StatusCode, Revision: resp.Header.Get("Rolecall-Revision"), Body: string(text)}
	if resp.TLS != nil {
		answer.Certificate = resp.TLS.PeerCertificates[0].SerialNumber.Text(16)
	}
	var decision struct {
		Decision *bool `json:"decision"`
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, &decision); err != nil || decision.Decision == nil {
			return answer, fmt.Errorf("the answer %q has no decision", text)
		}
		answer.Allowed = *decision.Decision
	}
	return answer, nil
}

// Handler serves the tests:
//
//	POST /ask         a Question (?replica=HOST:PORT); an Answer
//	POST /load/start  a LoadPlan
//	POST /load/so-far a LoadReport of the load that runs
//	POST /load/stop   ends the load; a LoadReport
//	POST /revocation  a RevocationPlan; a RevocationReport
func (a *Agent) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /ask", handle(a.askOnce))
	mux.HandleFunc("POST /load/start", handle(a.startLoad))
	mux.HandleFunc("POST /load/so-far", handle(a.loadSoFar))
	mux.HandleFunc("POST /load/stop", handle(a.stopLoad))
	mux.HandleFunc("POST /revocation", handle(a.revoke))
	mux.HandleFunc("GET /readyz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

func (a *Agent) askOnce(r *http.Request, q Question) (any, error) {
	c, err := a.caller(r.URL.Query().Get("replica"), false)
	if err != nil {
		return nil, err
	}
	return c.ask(r.Context(), q.Namespace, q.body())
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
