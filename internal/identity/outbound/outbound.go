// SPDX-License-Identifier: Apache-2.0

// Package outbound is how identity calls out: to issuers for their keys, and to
// introspection endpoints. It goes over TLS by the authorities that are
// configured, is not led elsewhere, and reads no more than it is told to.
package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Client returns a client that trusts the certificates in a PEM text, or if it is
// empty those that the system trusts. Redirections are followed to the same host
// only, and to plain http only if that is allowed. Its requests have the deadline
// of their context.
func Client(certificateAuthority string, allowPlainHTTP bool) *http.Client {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if certificateAuthority != "" {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AppendCertsFromPEM([]byte(certificateAuthority))
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        config,
			ForceAttemptHTTP2:      true,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxIdle,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
		},
		CheckRedirect: func(to *http.Request, via []*http.Request) error {
			return checkRedirect(to.URL, via[0].URL, len(via), allowPlainHTTP)
		},
	}
}

const (
	maxIdle        = 64
	idleTimeout    = 90 * time.Second
	maxHeaderBytes = 64 << 10
	maxRedirects   = 3
)

func checkRedirect(to, from *url.URL, count int, allowPlainHTTP bool) error {
	switch {
	case count > maxRedirects:
		return errors.New("it redirects again and again")
	case to.Host != from.Host:
		return errors.New("it redirects to another host; configure the address that is meant")
	case to.Scheme != "https" && !allowPlainHTTP:
		return errors.New("it redirects to plain http")
	}
	return nil
}

// Fetch sends a request and returns the body of its answer, which must have the
// status 200 and at most limit bytes. The error says nothing of what either holds.
func Fetch(client *http.Client, req *http.Request, limit int64) ([]byte, error) {
	resp, err := client.Do(req) //nolint:gosec // where to is what the configuration says, or the issuer that it trusts
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	at := req.URL.Redacted()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with the status %d", at, resp.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read what %s answers: %w", at, err)
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s answers with more than %d bytes", at, limit)
	}
	return text, nil
}
