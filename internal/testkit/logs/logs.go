// SPDX-License-Identifier: Apache-2.0

// Package logs gives tests a logger that watches what is logged: a test whose
// subject logs something secret fails, whatever the test is about.
package logs

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	"github.com/go-logr/logr/funcr"
)

// debug is the greatest verbosity that the product's debug level shows: slog's is
// four below its information. (The Kubernetes libraries write down whole bodies at
// eight.)
const debug = 4

// New returns a logger that keeps what is logged, as the debug level does,
// until the test ends. Then none of it may look like a credential, or hold one of the
// secrets.
func New(tb testing.TB, secrets ...string) logr.Logger {
	tb.Helper()
	log, lines := Keep()
	tb.Cleanup(func() {
		if found := Find(lines(), secrets...); found != "" {
			tb.Errorf("something secret is logged: %s", found)
		}
	})
	return log
}

// Keep returns a logger and what it has logged so far.
func Keep() (log logr.Logger, lines func() string) {
	var (
		mu   sync.Mutex
		text strings.Builder
	)
	log = funcr.New(func(prefix, args string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(&text, prefix, args)
	}, funcr.Options{Verbosity: debug})
	return log, func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
}

// Find returns the line that has something secret in it: one of the secrets, or
// what looks like a credential. It is empty if there is none.
func Find(text string, secrets ...string) string {
	for line := range strings.Lines(text) {
		if credential.MatchString(line) {
			return line
		}
		for _, s := range secrets {
			if strings.Contains(line, s) {
				return line
			}
		}
	}
	return ""
}

// credential is what a header, a token or a key looks like: `Bearer` or `Basic` with
// what follows (RFC 6750, RFC 7617), a JSON Web Token or its payload (RFC 7519; JSON
// objects begin with eyJ in base64url), a private key in PEM.
var credential = regexp.MustCompile(`(?i:\b(bearer|basic) [\w+/~.-]{8,})|\beyJ[\w-]{16,}|PRIVATE KEY-----`)
