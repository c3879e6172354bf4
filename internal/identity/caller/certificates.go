// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/util/cert"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/door"
)

// certificates admits those who have a certificate. That it is good, and that its
// owner has the key, the TLS handshake has made sure of.
type certificates struct {
	file        string
	allow       map[name][]grant
	now         func() time.Time
	log         logr.Logger
	authorities atomic.Pointer[authorities]
	faults      faults
}

// name is a name in a certificate, of a kind: the same text may be two names.
type name struct {
	kind nameKind
	text string
}

type nameKind uint8

const (
	commonName nameKind = iota
	dnsName
	uri
)

// authorities are whose certificates count.
type authorities struct {
	data []byte // of the file
	all  []*x509.Certificate
	pool *x509.CertPool
}

func newCertificates(c *configv1alpha1.ClientCertificateCallers, o Options) (*certificates, error) {
	s := &certificates{file: c.CAFile, allow: make(map[name][]grant), now: o.Now, log: o.Logger}
	for i := range c.Allow {
		rule := &c.Allow[i]
		n := name{commonName, rule.CommonName}
		switch {
		case rule.DNSName != "":
			n = name{dnsName, rule.DNSName}
		case rule.URI != "":
			n = name{uri, rule.URI}
		}
		s.allow[n] = append(s.allow[n], newGrant(&rule.CallerGrant))
	}
	a, err := readAuthorities(s.file)
	if err != nil {
		return nil, fmt.Errorf("callers.clientCertificates.caFile: %w", err)
	}
	s.authorities.Store(a)
	return s, nil
}

// reread takes the file in again if it has changed. If it cannot be read there
// are no authorities.
func (s *certificates) reread() {
	a, err := readAuthorities(s.file)
	faulty := make(map[string]error)
	if err != nil {
		faulty[s.file] = err
		a = &authorities{pool: x509.NewCertPool()}
	}
	if !bytes.Equal(a.data, s.authorities.Load().data) {
		s.authorities.Store(a)
	}
	s.faults.tell(s.log, faulty)
}

func readAuthorities(path string) (*authorities, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "open ")) // begins with the path
	}
	all, err := cert.ParseCertsPEM(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", path, errNotAFile, err)
	}
	a := &authorities{data: data, all: all, pool: x509.NewCertPool()}
	for _, c := range all {
		a.pool.AddCert(c)
	}
	return a, nil
}

// admit lets the owner of a connection's certificate in. The handshake may have
// been long ago: since then the certificate may have expired, and its authority
// may count no more.
func (s *certificates) admit(state *tls.ConnectionState, namespace string, p door.Permission) (door.Caller, error) {
	if !s.authorities.Load().stillTrust(state.VerifiedChains, s.now()) {
		return door.Caller{}, errCertificate
	}
	names := namesOf(state.VerifiedChains[0][0])
	caller := door.Caller{Method: MethodCertificate}
	for _, n := range names {
		grants, known := s.allow[n]
		if !known {
			continue
		}
		if caller.Name == "" {
			caller.Name = n.text
		}
		for i := range grants {
			if grants[i].allows(namespace, p) {
				caller.Name = n.text
				return caller, nil
			}
		}
	}
	if caller.Name == "" && len(names) > 0 {
		caller.Name = names[0].text
	}
	return door.Caller{}, forbidden(caller.Name, namespace, p,
		"callers.clientCertificates.allow of the server's configuration says what it may")
}

var errCertificate = unauthenticated(challenge, "the client certificate has expired, or its authority is not trusted any more; connect with a new one")

// stillTrust reports whether one of the chains is good now.
func (a *authorities) stillTrust(chains [][]*x509.Certificate, now time.Time) bool {
	for _, chain := range chains {
		if a.has(chain[len(chain)-1]) && valid(chain, now) {
			return true
		}
	}
	return false
}

func (a *authorities) has(root *x509.Certificate) bool {
	for _, c := range a.all {
		if c.Equal(root) {
			return true
		}
	}
	return false
}

func valid(chain []*x509.Certificate, now time.Time) bool {
	for _, c := range chain {
		if now.Before(c.NotBefore) || now.After(c.NotAfter) {
			return false
		}
	}
	return true
}

// namesOf returns the names in a certificate, the most telling ones first.
func namesOf(c *x509.Certificate) []name {
	names := make([]name, 0, len(c.URIs)+len(c.DNSNames)+1)
	for _, u := range c.URIs {
		names = append(names, name{uri, u.String()})
	}
	for _, d := range c.DNSNames {
		names = append(names, name{dnsName, d})
	}
	if cn := c.Subject.CommonName; cn != "" {
		names = append(names, name{commonName, cn})
	}
	return names
}
