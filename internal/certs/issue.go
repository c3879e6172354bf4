// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"time"
)

// skew is how far clocks may be apart: a certificate is valid as much earlier than
// it was made, and an authority is kept as much longer than it is needed.
const skew = time.Hour

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	// key is nil if the authority is not to sign any more.
	key crypto.Signer
}

// id is what an authority is called where its publication is noted.
func (a *authority) id() string {
	sum := sha256.Sum256(a.cert.Raw)
	return hex.EncodeToString(sum[:])
}

// signed reports whether a certificate is the authority's.
func (a *authority) signed(c *x509.Certificate) bool {
	return bytes.Equal(c.AuthorityKeyId, a.cert.SubjectKeyId) && c.CheckSignatureFrom(a.cert) == nil
}

// leaf is the certificate that servers show.
type leaf struct {
	cert *x509.Certificate
	key  crypto.Signer
}

// newAuthority makes an authority, of ECDSA P-256. Its name has the time in it, so
// that two that follow each other are told apart by people and by every verifier.
func newAuthority(now time.Time, validity time.Duration) (authority, error) {
	cert, key, err := issue(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "Rolecall authority " + now.UTC().Format(time.RFC3339)},
		NotBefore:             now.Add(-skew),
		NotAfter:              now.Add(validity),
		IsCA:                  true,
		MaxPathLenZero:        true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}, nil)
	if err != nil {
		return authority{}, fmt.Errorf("make an authority: %w", err)
	}
	return authority{cert, key}, nil
}

// sign makes a certificate for servers with these names. It ends with its
// authority, at the latest.
func (a *authority) sign(names []string, now time.Time, validity time.Duration) (*leaf, error) {
	cert, key, err := issue(&x509.Certificate{
		Subject:               pkix.Name{CommonName: "Rolecall"},
		DNSNames:              names,
		NotBefore:             now.Add(-skew),
		NotAfter:              a.until(now, validity),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a)
	if err != nil {
		return nil, fmt.Errorf("sign a certificate: %w", err)
	}
	return &leaf{cert, key}, nil
}

// until is the end of what the authority signs now.
func (a *authority) until(now time.Time, validity time.Duration) time.Time {
	end := now.Add(validity).Truncate(time.Second)
	if end.After(a.cert.NotAfter) {
		return a.cert.NotAfter
	}
	return end
}

// issue makes a key and the certificate of it, signed by an authority, or by the key
// itself if there is none. The serial number is random (RFC 5280, section 4.1.2.2).
func issue(template *x509.Certificate, by *authority) (*x509.Certificate, crypto.Signer, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	parent, signer := template, crypto.Signer(key)
	if by != nil {
		parent, signer = by.cert, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return cert, key, err
}

// made is when a certificate was made.
func made(c *x509.Certificate) time.Time { return c.NotBefore.Add(skew) }

// twoThirds is when a certificate shall be followed by another one: after two
// thirds of its life, or of what its life would be by now if that is shorter.
func twoThirds(c *x509.Certificate, validity time.Duration) time.Time {
	life := min(c.NotAfter.Sub(made(c)), validity)
	return made(c).Add(life / 3 * 2)
}

// validAt reports whether a certificate is valid at a time.
func validAt(c *x509.Certificate, now time.Time) bool {
	return !now.Before(c.NotBefore) && now.Before(c.NotAfter)
}
