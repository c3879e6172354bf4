// SPDX-License-Identifier: Apache-2.0

package session

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-logr/logr"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
	"github.com/rolecall/rolecall/internal/identity/jwt"
	"github.com/rolecall/rolecall/internal/identity/outbound"
	"github.com/rolecall/rolecall/internal/wire/ijson"
)

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 64 << 10

// introspection asks an endpoint about opaque tokens (RFC 7662).
type introspection struct {
	config *configv1alpha1.Introspection
	rules  *rules
	now    func() time.Time
	client *http.Client
	// turns has room for the calls that may be under way.
	turns   chan struct{}
	contact outbound.Contact
}

func newIntrospection(c *configv1alpha1.Introspection, r *rules, now func() time.Time, log logr.Logger) *introspection {
	return &introspection{
		config: c, rules: r, now: now, client: outbound.Client(c.CertificateAuthority, c.AllowPlainHTTP),
		turns:   make(chan struct{}, c.MaxConcurrent),
		contact: outbound.Contact{Logger: log.WithValues("introspection", c.URL)},
	}
}

// session asks about a token and makes a session of the answer.
func (i *introspection) session(ctx context.Context, token string) (*door.Session, error) {
	switch {
	case token == "":
		return nil, jwt.Invalid("is empty")
	case len(token) > jwt.MaxBytes:
		return nil, jwt.Invalid("is longer than 16 KiB")
	}
	answer, err := i.ask(ctx, token)
	if err != nil {
		return nil, err
	}
	validity, err := i.check(answer)
	if err != nil {
		return nil, err
	}
	subject, err := i.rules.subject(answer, i.now())
	if err != nil {
		return nil, err
	}
	issuer, _ := answer["iss"].(string)
	return &door.Session{
		Subject: subject, Issuer: issuer, IssuedAt: validity.IssuedAt, ExpiresAt: validity.ExpiresAt, Claims: answer,
	}, nil
}

// ask waits for its turn and asks, within the timeout.
func (i *introspection) ask(ctx context.Context, token string) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(ctx, i.config.Timeout.Duration)
	defer cancel()
	select {
	case i.turns <- struct{}{}:
		defer func() { <-i.turns }()
	case <-ctx.Done():
		return nil, jwt.Unverifiable("too many are asked about at the same time", ctx.Err())
	}
	answer, err := i.post(ctx, token)
	if !errors.Is(err, context.Canceled) { // a client that gave up says nothing of the endpoint
		i.contact.Report(err)
	}
	if err != nil {
		return nil, jwt.Unverifiable("the introspection endpoint is out of reach", err)
	}
	return answer, nil
}

func (i *introspection) post(ctx context.Context, token string) (map[string]any, error) {
	secret, err := os.ReadFile(i.config.ClientSecretFile)
	if err != nil {
		return nil, fmt.Errorf("read clientSecretFile: %w", err)
	}
	body := url.Values{"token": {token}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.config.URL, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("the address of the endpoint is not a URL")
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	req.SetBasicAuth(url.QueryEscape(i.config.ClientID), url.QueryEscape(strings.TrimSpace(string(secret))))
	text, err := outbound.Fetch(i.client, req, maxAnswer)
	if err != nil {
		return nil, err
	}
	return decodeAnswer(text)
}

// decodeAnswer reads an answer, which must say whether the token is active.
func decodeAnswer(text []byte) (map[string]any, error) {
	var s ijson.Scanner
	s.Reset(string(text))
	answer := s.Map(nil)
	if err := s.End(); err != nil {
		return nil, errors.New("it answers otherwise than RFC 7662 says: not by a JSON object")
	}
	if _, ok := answer["active"].(bool); !ok {
		return nil, errors.New("it answers otherwise than RFC 7662 says: active is not true or false")
	}
	return answer, nil
}

// check makes sure that an answer speaks for the token.
func (i *introspection) check(answer map[string]any) (jwt.Validity, error) {
	if answer["active"] != true {
		return jwt.Validity{}, jwt.Invalid("is not active: it is unknown, has expired or was revoked")
	}
	validity, err := jwt.ValidityOf(answer)
	if err != nil {
		return validity, err
	}
	if err := validity.Check(i.now(), i.config.Leeway.Duration); err != nil {
		return validity, err
	}
	if i.config.Issuer != "" && answer["iss"] != i.config.Issuer {
		return validity, jwt.Invalid("is from an issuer that is not trusted here")
	}
	if len(i.config.Audiences) == 0 {
		return validity, nil
	}
	return validity, jwt.CheckAudience(answer, i.config.Audiences)
}
