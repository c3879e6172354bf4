// SPDX-License-Identifier: Apache-2.0

package devcluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"

	genericapiserver "k8s.io/apiserver/pkg/server"
)

const (
	certFile  = "apiserver.crt"
	keyFile   = "apiserver.key"
	tokenFile = "token"
)

// credentials are what the server proves itself with (a certificate) and what
// a client does (a token). Both survive restarts, so that a client that runs
// through one needs no new kubeconfig.
type credentials struct {
	certPEM, keyPEM []byte
	token           string
}

// loadCredentials reads the state folder's credentials and makes what is
// missing.
func loadCredentials(state *State) (credentials, error) {
	c, err := readCredentials(state)
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	if c, err = newCredentials(); err != nil {
		return credentials{}, err
	}
	return c, c.write(state)
}

func readCredentials(state *State) (credentials, error) {
	cert, err1 := os.ReadFile(state.Path(certFile))
	key, err2 := os.ReadFile(state.Path(keyFile))
	token, err3 := os.ReadFile(state.Path(tokenFile))
	if err := errors.Join(err1, err2, err3); err != nil {
		return credentials{}, fmt.Errorf("read the API server's credentials: %w", err)
	}
	return credentials{certPEM: cert, keyPEM: key, token: string(token)}, nil
}

func (c credentials) write(state *State) error {
	files := map[string][]byte{certFile: c.certPEM, keyFile: c.keyPEM, tokenFile: []byte(c.token)}
	for name, content := range files {
		if err := os.WriteFile(state.Path(name), content, 0o600); err != nil {
			return fmt.Errorf("write the API server's credentials: %w", err)
		}
	}
	return nil
}

func newCredentials() (credentials, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return credentials{}, fmt.Errorf("make the serving key: %w", err)
	}
	template, err := certificateTemplate()
	if err != nil {
		return credentials{}, err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return credentials{}, fmt.Errorf("make the serving certificate: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return credentials{}, fmt.Errorf("encode the serving key: %w", err)
	}
	return credentials{
		certPEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		keyPEM:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
		token:   rand.Text(),
	}, nil
}

// certificateTemplate describes one self-signed certificate for everything
// that the server is called: by clients, and by itself. It never expires
// (RFC 5280, 4.1.2.5 has the date that says so): only the kubeconfig beside it
// trusts it, and whoever wants a new one clears the state folder.
func certificateTemplate() (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("make a serial number: %w", err)
	}
	return &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: "rolecall-dev"},
		NotBefore:             time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC),
		NotAfter:              time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:              []string{"localhost", genericapiserver.LoopbackClientServerNameOverride},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
	}, nil
}
