// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rolecall/rolecall/internal/config"
)

func TestFrontEnds(t *testing.T) {
	c, err := config.Decode([]byte(head + "frontEnds: {allowedOrigins: ['https://a.example', 'http://localhost:3000', 'http://[::1]:8080']}"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"https://a.example", "http://localhost:3000", "http://[::1]:8080"}, c.FrontEnds.AllowedOrigins); diff != "" {
		t.Errorf("origins (-want +got):\n%s", diff)
	}
	if c, err = config.Decode([]byte(head)); err != nil || c.FrontEnds != nil {
		t.Errorf("without a word the endpoint is open: %v, error %v", c.FrontEnds, err)
	}
}

// TestOrigins: what no browser ever sends would allow nobody, and a wildcard more
// than was meant.
func TestOrigins(t *testing.T) {
	for _, origin := range []string{
		"*", "null", "", "a.example", "https://", "https://a.example/", "https://a.example/app", "https://A.example",
		"https://*.example", "https://a.example:443", "http://a.example:80", "https://a.example:", "ftp://a.example",
		"https://u@a.example", "https://a.example?x", "https://a.example#x",
	} {
		_, err := config.Decode([]byte(head + "frontEnds: {allowedOrigins: ['" + origin + "']}"))
		if err == nil || !strings.Contains(err.Error(), "frontEnds.allowedOrigins[0]") {
			t.Errorf("%q: error %v, want one that names the field", origin, err)
		}
	}
	_, err := config.Decode([]byte(head + "frontEnds: {allowedOrigins: ['https://a.example', 'https://a.example']}"))
	if err == nil || !strings.Contains(err.Error(), "Duplicate") {
		t.Errorf("an origin twice: error %v", err)
	}
}
