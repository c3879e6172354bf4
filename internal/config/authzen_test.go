// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/rolecall/rolecall/internal/config"
)

// TestDecisionPoints: clients compare the URL byte by byte with the one that they
// asked, so that every other spelling of it would be another server.
func TestDecisionPoints(t *testing.T) {
	for _, url := range []string{
		"https://authz.example.com", "https://authz.example.com:8443", "https://a.example/authz", "https://a.example/b/c", "https://[::1]:8080",
	} {
		if c, err := config.Decode([]byte(head + "authZEN: {url: '" + url + "'}")); err != nil || c.AuthZEN.URL != url {
			t.Errorf("%q: error %v", url, err)
		}
	}
	for _, url := range []string{
		"http://a.example", "a.example", "https://", "https:///x", "https://a.example/", "https://a.example/x/", "https://a.example//x",
		"https://a.example/x/../y", "https://a.example?x", "https://a.example?", "https://a.example#x", "https://u@a.example",
		"https://a.example:", "https://a.example/{x}", "https://a.example/%7Bx", "HTTPS://a.example", "https://a.example/a b",
	} {
		_, err := config.Decode([]byte(head + "authZEN: {url: '" + url + "'}"))
		if err == nil || !strings.Contains(err.Error(), "authZEN.url") || !strings.Contains(err.Error(), url) {
			t.Errorf("%q: error %v, want one that names the field and the value", url, err)
		}
	}
}
