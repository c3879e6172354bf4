// SPDX-License-Identifier: Apache-2.0

package server

import (
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
)

// askForCertificates returns a configuration like c that asks clients for
// certificates of the authorities as they are when a client comes. One without a
// certificate gets in, for the gate to decide about; one with a bad certificate does
// not.
func askForCertificates(c *tls.Config, authorities func() *x509.CertPool) *tls.Config {
	c.ClientAuth = tls.VerifyClientCertIfGiven
	c.ClientCAs = authorities()
	var current atomic.Pointer[tls.Config]
	current.Store(c)
	asking := c.Clone()
	asking.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		now := current.Load()
		if pool := authorities(); pool != now.ClientCAs {
			now = c.Clone()
			now.ClientCAs = pool
			current.Store(now)
		}
		return now, nil
	}
	return asking
}
