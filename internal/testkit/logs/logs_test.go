// SPDX-License-Identifier: Apache-2.0

package logs_test

import (
	"errors"
	"testing"

	"github.com/rolecall/rolecall/internal/testkit/logs"
)

func TestFind(t *testing.T) {
	for name, tc := range map[string]struct {
		value  any
		secret bool
	}{
		"a word":                 {value: "within reach again"},
		"an address":             {value: "https://issuer.example/jwks?x=1"},
		"the scheme's name":      {value: "send Authorization: Bearer TOKEN"},
		"a JWT":                  {value: "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ1c2VyLTEifQ.c2ln", secret: true},
		"a JWT's payload":        {value: "token eyJzdWIiOiJ1c2VyLTEifQ", secret: true},
		"a header":               {value: map[string]string{"Authorization": "Bearer abcdefgh12345"}, secret: true},
		"basic authentication":   {value: "basic YTpi+Yzpk", secret: true},
		"a private key":          {value: errors.New("-----BEGIN EC PRIVATE KEY-----"), secret: true},
		"what the test calls so": {value: "it is open-sesame", secret: true},
	} {
		t.Run(name, func(t *testing.T) {
			log, lines := logs.Keep()
			log.V(4).Info("message", "key", tc.value)
			log.Info("another line")
			if got := logs.Find(lines(), "open-sesame"); (got != "") != tc.secret {
				t.Errorf("found %q in %q, want a find: %v", got, lines(), tc.secret)
			}
		})
	}
}
