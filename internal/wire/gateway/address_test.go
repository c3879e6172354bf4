// SPDX-License-Identifier: Apache-2.0

package gateway_test

import (
	"testing"

	"github.com/rolecall/rolecall/internal/wire/gateway"
)

// TestAddress: however a gateway spells an address, conditions see it in one way, so
// that nobody comes past a rule about it.
func TestAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "255.255.255.255": "255.255.255.255",
		"::ffff:1.2.3.4": "1.2.3.4", "::ffff:203.0.113.7": "203.0.113.7", "::FFFF:102:304": "1.2.3.4", "::ffff:1.2.3.4%eth0": "1.2.3.4",
		"2001:DB8:0::1": "2001:db8::1", "fe80::1%eth0": "fe80::1",
		"": "", "1.2.3": "", "01.2.3.4": "", "1.2.3.4:80": "", "unknown": "",
	} {
		if got := gateway.Address(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
