// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// The keys of the Secret. The first two are those of its type (kubernetes.io/tls),
// and ca.crt is the field's usual one; it is what the ConfigMap holds too.
const (
	leafCertKey  = corev1.TLSCertKey
	leafKeyKey   = corev1.TLSPrivateKeyKey
	bundleKey    = "ca.crt"
	authorityKey = "ca.key"
	pastKey      = "past.crt"
)

// set is what the Secret holds. It is changed by making another one.
type set struct {
	// authorities are all that clients have to trust, the oldest first.
	authorities []authority
	// leaf is nil if there is none that could be shown.
	leaf *leaf
	// past are certificates that may still be shown by somebody who has not heard of
	// the leaf: of each authority the one that ends last.
	past []*x509.Certificate
}

func (s *set) sort() {
	slices.SortStableFunc(s.authorities, func(a, b authority) int { return a.cert.NotBefore.Compare(b.cert.NotBefore) })
}

// issuer is the place of the authority that signed the leaf; -1 if it is not there.
func (s *set) issuer() int {
	if s.leaf == nil {
		return -1
	}
	return s.signerOf(s.leaf.cert)
}

func (s *set) signerOf(c *x509.Certificate) int {
	return slices.IndexFunc(s.authorities, func(a authority) bool { return a.signed(c) })
}

// bundle is what clients have to trust, in PEM.
func (s *set) bundle() []byte {
	var all []*x509.Certificate
	for i := range s.authorities {
		all = append(all, s.authorities[i].cert)
	}
	return encode(all...)
}

func encode(certs ...*x509.Certificate) []byte {
	text, _ := cert.EncodeCertificates(certs...) // fails for headers only, which there are none of
	return text
}

// data is the content of the Secret.
func (s *set) data() (map[string][]byte, error) {
	var authorityKeys []byte
	for i := range s.authorities {
		if key := s.authorities[i].key; key != nil {
			text, err := keyutil.MarshalPrivateKeyToPEM(key)
			if err != nil {
				return nil, err
			}
			authorityKeys = append(authorityKeys, text...)
		}
	}
	key, err := keyutil.MarshalPrivateKeyToPEM(s.leaf.key)
	if err != nil {
		return nil, err
	}
	return map[string][]byte{
		leafCertKey: encode(s.leaf.cert), leafKeyKey: key,
		bundleKey: s.bundle(), authorityKey: authorityKeys, pastKey: encode(s.past...),
	}, nil
}

// read is the inverse of data. The error says what could not be used, and never
// holds anything of a key; the set has the rest.
func read(data map[string][]byte) (set, error) {
	var s set
	var faults []error
	certs := func(key string) []*x509.Certificate {
		if len(data[key]) == 0 {
			return nil
		}
		found, err := cert.ParseCertsPEM(data[key])
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", key, err))
		}
		return found
	}
	keys, err := readKeys(data[authorityKey])
	if err != nil {
		faults = append(faults, fmt.Errorf("%s: %w", authorityKey, err))
	}
	for _, c := range certs(bundleKey) {
		s.authorities = append(s.authorities, authority{c, keyOf(c, keys)})
	}
	s.sort()
	s.past = certs(pastKey)
	if s.leaf, err = readLeaf(data); err != nil {
		faults = append(faults, err)
		shown, _ := cert.ParseCertsPEM(data[leafCertKey]) // by somebody, perhaps
		s.past = append(s.past, shown...)
	}
	return s, utilerrors.NewAggregate(faults)
}

// readLeaf returns the certificate and its key.
func readLeaf(data map[string][]byte) (*leaf, error) {
	found, err := cert.ParseCertsPEM(data[leafCertKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", leafCertKey, err)
	}
	keys, err := readKeys(data[leafKeyKey])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", leafKeyKey, err)
	}
	key := keyOf(found[0], keys)
	if key == nil {
		return nil, fmt.Errorf("%s is not the key of %s", leafKeyKey, leafCertKey)
	}
	return &leaf{found[0], key}, nil
}

// errNoKey says no more, because a parser's error may quote what it was given.
var errNoKey = errors.New("holds something that is no private key in PEM")

func readKeys(text []byte) ([]crypto.Signer, error) {
	var keys []crypto.Signer
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		key, err := keyutil.ParsePrivateKeyPEM(pem.EncodeToMemory(block))
		if err != nil {
			return keys, errNoKey
		}
		if signer, ok := key.(crypto.Signer); ok {
			keys = append(keys, signer)
		}
	}
	if len(keys) == 0 {
		return nil, errNoKey
	}
	return keys, nil
}

// keyOf finds the key of a certificate, or nil.
func keyOf(c *x509.Certificate, keys []crypto.Signer) crypto.Signer {
	public, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !ok {
		return nil
	}
	for _, key := range keys {
		if public.Equal(key.Public()) {
			return key
		}
	}
	return nil
}
