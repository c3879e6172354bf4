// SPDX-License-Identifier: Apache-2.0

package jwt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/identity/outbound"
)

// The bounds of a fetch of keys.
const (
	fetchTimeout  = 5 * time.Second
	maxFetchBytes = 1 << 20
)

// fetcher fetches the keys of one issuer.
type fetcher struct {
	issuer *configv1alpha1.Issuer
	client *http.Client
}

func newFetcher(c *configv1alpha1.Issuer) *fetcher {
	return &fetcher{c, outbound.Client(c.CertificateAuthority, c.AllowPlainHTTP)}
}

// fetch returns the keys that the issuer publishes now.
func (f *fetcher) fetch(ctx context.Context) ([]jose.JSONWebKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	at := f.issuer.JWKSURL
	if at == "" {
		var err error
		if at, err = f.discover(ctx); err != nil {
			return nil, err
		}
	}
	text, err := f.get(ctx, at)
	if err != nil {
		return nil, err
	}
	keys, err := decodeKeys(text)
	if err != nil {
		return nil, fmt.Errorf("key set at %s: %w", at, err)
	}
	return keys, nil
}

// discover returns where the key set is (OpenID Connect Discovery 1.0, section 4).
func (f *fetcher) discover(ctx context.Context) (string, error) {
	at := f.issuer.DiscoveryURL
	if at == "" {
		at = strings.TrimSuffix(f.issuer.URL, "/") + "/.well-known/openid-configuration"
	}
	text, err := f.get(ctx, at)
	if err != nil {
		return "", err
	}
	var metadata struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"`
	}
	if err := json.Unmarshal(text, &metadata); err != nil {
		return "", fmt.Errorf("metadata at %s: it is not what OpenID Connect Discovery says", at)
	}
	if metadata.Issuer != f.issuer.URL {
		return "", fmt.Errorf("metadata at %s: they are those of issuer %q, not of %q", at, metadata.Issuer, f.issuer.URL)
	}
	u, err := url.Parse(metadata.JWKSURI)
	if err != nil || u.Host == "" || (u.Scheme != "https" && (u.Scheme != "http" || !f.issuer.AllowPlainHTTP)) {
		return "", fmt.Errorf("metadata at %s: jwks_uri is not an https URL", at)
	}
	return metadata.JWKSURI, nil
}

func (f *fetcher) get(ctx context.Context, at string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, errors.New("the address of the keys is not a URL")
	}
	req.Header.Set("Accept", "application/json")
	return outbound.Fetch(f.client, req, maxFetchBytes)
}
