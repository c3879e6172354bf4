// SPDX-License-Identifier: Apache-2.0

package issuer

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Paths of the server's endpoints.
const (
	discoveryPath  = "/.well-known/openid-configuration"
	jwksPath       = "/jwks"
	introspectPath = "/introspect"
)

// Issuer is a running issuer. It is safe for concurrent use.
type Issuer struct {
	// Name is what its metadata call it, the `iss` of its tokens: its URL, unless
	// the test says otherwise before the first request.
	Name string
	// URL is where it runs.
	URL string

	server *httptest.Server

	mu sync.Mutex
	// keys are those that it publishes; it signs with the last.
	keys    []*Key
	made    int
	down    bool
	fetches int
	// opaque are the answers about opaque tokens.
	opaque map[string]map[string]any
	asked  int
	gate   chan struct{}
	inside int
	most   int
}

// Start starts an issuer with one key of the algorithm ES256, and ends it with
// the test.
func Start(tb testing.TB) *Issuer {
	tb.Helper()
	i := &Issuer{opaque: map[string]map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+discoveryPath, i.serveMetadata)
	mux.HandleFunc("GET "+jwksPath, i.serveKeys)
	mux.HandleFunc("POST "+introspectPath, i.introspect)
	i.server = httptest.NewUnstartedServer(mux)
	i.server.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes that fail are what tests are about
	i.server.StartTLS()
	tb.Cleanup(i.server.Close)
	i.URL, i.Name = i.server.URL, i.server.URL
	i.Rotate(tb, "ES256")
	return i
}

// CertificateAuthority returns the PEM text of the certificate that the server
// must be trusted by.
func (i *Issuer) CertificateAuthority() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.server.Certificate().Raw}))
}

// JWKSURL is where the key set is.
func (i *Issuer) JWKSURL() string { return i.URL + jwksPath }

// Rotate makes a new key and signs with it from now on. The others stay
// published.
func (i *Issuer) Rotate(tb testing.TB, algorithm string) *Key {
	tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.made++
	key := NewKey(tb, algorithm, fmt.Sprintf("key-%d", i.made))
	i.keys = append(i.keys, key)
	return key
}

// Retire takes back all keys but the one that signs.
func (i *Issuer) Retire() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = i.keys[len(i.keys)-1:]
}

// Publish publishes a key that was made elsewhere, and signs with it.
func (i *Issuer) Publish(key *Key) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, key)
}

// Key returns the key that signs.
func (i *Issuer) Key() *Key {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[len(i.keys)-1]
}

// Sign returns a token with these claims, signed with the current key. The `iss`
// is the issuer's own unless the claims have one.
func (i *Issuer) Sign(tb testing.TB, claims map[string]any) string {
	tb.Helper()
	all := map[string]any{"iss": i.Name}
	maps.Copy(all, claims)
	return i.Key().Sign(tb, all)
}

// SetDown cuts the server off: it closes every connection without an answer.
func (i *Issuer) SetDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
	if down {
		i.server.CloseClientConnections()
	}
}

// Fetches returns how often the key set was fetched, or tried to be.
func (i *Issuer) Fetches() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.fetches
}

// KeySet returns the key set as it is published.
func (i *Issuer) KeySet(tb testing.TB) string {
	tb.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	text, err := json.Marshal(map[string]any{"keys": i.publicKeys()})
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func (i *Issuer) publicKeys() []map[string]any {
	var all []map[string]any
	for _, key := range i.keys {
		all = append(all, key.Public())
	}
	return all
}

func (i *Issuer) serveMetadata(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.abortIfDown()
	reply(w, map[string]any{
		"issuer": i.Name, "jwks_uri": i.URL + jwksPath, "introspection_endpoint": i.URL + introspectPath,
	})
}

func (i *Issuer) serveKeys(w http.ResponseWriter, _ *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.fetches++
	i.abortIfDown()
	reply(w, map[string]any{"keys": i.publicKeys()})
}

func (i *Issuer) abortIfDown() {
	if i.down {
		panic(http.ErrAbortHandler)
	}
}

func reply(w http.ResponseWriter, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // a client that is gone is no news
}
