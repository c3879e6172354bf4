// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/x509"
	"os"
	"os/exec"
	"testing"
)

// TestAuthorities: where the system has no certificates, as in an image from
// scratch, issuers of the public Internet can still be told from impostors.
func TestAuthorities(t *testing.T) {
	const inside = "ROLECALL_TEST_AUTHORITIES"
	if os.Getenv(inside) != "" {
		pool, err := x509.SystemCertPool()
		if err != nil {
			t.Fatal(err)
		}
		if pool.Equal(x509.NewCertPool()) {
			t.Error("no authority is known")
		}
		return
	}
	// A process of its own: the authorities are read once.
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestAuthorities$") //nolint:gosec // the test itself
	cmd.Env = append(os.Environ(), inside+"=1", "SSL_CERT_FILE="+t.TempDir()+"/none", "SSL_CERT_DIR="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
