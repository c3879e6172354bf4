// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"bytes"
	"context"
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
	"time"
)

// patience is how long a client waits for an answer.
const patience = 20 * time.Second

// caller asks in one of the ways in which a client can be set up.
type caller interface {
	// ask returns an error where there is no answer at all. Again says that it was
	// asked before, in vain.
	ask(ctx context.Context, q *Question, again bool) (Answer, error)
	// end gives the connections back.
	end()
}

// way is how a client is set up.
type way struct {
	// replica is the one to ask (host:port); empty means the Service.
	replica string
	// reuse keeps connections. Without it each request over HTTP makes one.
	reuse bool
	// roots are whom to trust at the moment.
	roots func() *x509.CertPool
}

// token is that of the service account, which the kubelet renews.
func (a *Agent) token() (string, error) {
	text, err := os.ReadFile(a.o.TokenFile)
	return strings.TrimSpace(string(text)), err
}

// httpCaller asks the AuthZEN door.
type httpCaller struct {
	client *http.Client
	base   string
	token  string
}

func (a *Agent) overHTTP(w way) (caller, error) {
	token, err := a.token()
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: time.Second}
	transport := &http.Transport{
		DialContext:         dialer.DialContext,
		DisableKeepAlives:   !w.reuse,
		MaxIdleConnsPerHost: 1,
		// Of a replica the Service's name is believed: its address is in no certificate.
		TLSClientConfig: verified(a.server.Hostname(), w.roots),
	}
	if w.replica != "" {
		transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, w.replica)
		}
	}
	return &httpCaller{
		client: &http.Client{Transport: transport, Timeout: patience},
		base:   strings.TrimSuffix(a.o.Server, "/"),
		token:  token,
	}, nil
}

func (c *httpCaller) end() { c.client.CloseIdleConnections() }

func (c *httpCaller) ask(ctx context.Context, q *Question, _ bool) (Answer, error) {
	var answer Answer
	address := c.base + "/ns/" + url.PathEscape(q.Namespace) + "/access/v1/evaluation"
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(q.authZEN())) //nolint:gosec // the Service that a flag names
	if err != nil {
		return answer, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+c.token)
	resp, err := c.client.Do(r) //nolint:gosec // as above
	if err != nil {
		return answer, err
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return answer, err
	}
	answer = Answer{Status: resp.StatusCode, Revision: resp.Header.Get("Rolecall-Revision"), Body: string(text)}
	if resp.TLS != nil {
		answer.shown(resp.TLS.PeerCertificates[0])
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

// authZEN is the body of the question.
func (q *Question) authZEN() []byte {
	type object map[string]any
	asked := object{
		"subject":  object{"type": "user", "id": q.Subject},
		"action":   object{"name": q.Action},
		"resource": object{"type": q.ResourceType, "id": q.ResourceID},
	}
	if q.Scope != "" {
		asked["context"] = object{"scope": q.Scope}
	}
	body, _ := json.Marshal(asked) // maps of strings always can be
	return body
}
