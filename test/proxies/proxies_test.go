// SPDX-License-Identifier: Apache-2.0

//go:build proxies

package proxies

import "testing"

// TestProxies puts programs in front of an application.
func TestProxies(t *testing.T) {
	t.Parallel()
	verify(t, proxies)
}

func TestProxiesWithoutAnswer(t *testing.T) {
	t.Parallel()
	verifyWithoutAnswer(t, proxies)
}
