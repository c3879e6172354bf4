// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/pflag"
)

// caller is how check says who asks, and whom it takes for the server.
type caller struct {
	tokenFile, caFile, certFile, keyFile string
}

func (c *caller) flags(f *pflag.FlagSet) {
	f.StringVar(&c.tokenFile, "token-file", "", "`file` with the token or API key of who asks, - for standard input")
	f.StringVar(&c.caFile, "ca-file", "", "`file` with the certificates (PEM) that the server's is signed by (default: the system's)")
	f.StringVar(&c.certFile, "cert-file", "", "`file` with the client certificate (PEM) of who asks")
	f.StringVar(&c.keyFile, "key-file", "", "`file` with its private key (PEM)")
}

// client returns a client that trusts what it is told to, and is not led
// elsewhere: its token is for the server that was named.
func (c *caller) client() (*http.Client, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.caFile != "" {
		text, err := os.ReadFile(c.caFile)
		if err != nil {
			return nil, fmt.Errorf("--ca-file: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("--ca-file %s: there is no certificate in PEM format", c.caFile)
		}
	}
	if c.certFile != "" {
		pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
		if err != nil {
			return nil, fmt.Errorf("--cert-file, --key-file: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return &http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// authorize adds the token of who asks, if there is one.
func (c *caller) authorize(req *http.Request, in io.Reader) error {
	if c.tokenFile == "" {
		return nil
	}
	token, err := readSecret("--token-file", c.tokenFile, in)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return nil
}

// stdin is the file that stands for standard input.
const stdin = "-"

// onePipe makes sure that one flag at most reads standard input.
func (c *check) onePipe() error {
	if c.caller.tokenFile == stdin && (c.question.sessionJWTFile == stdin || c.question.sessionTokenFile == stdin) {
		return errors.New("--token-file and the session's token are both -: standard input holds one of them, put the other in a file")
	}
	return nil
}

// maxSecret bounds what is read of a token, in bytes; servers take less.
const maxSecret = 64 << 10

// readSecret reads a token from a file or, for -, from in. An error holds nothing of
// it.
func readSecret(flag, path string, in io.Reader) (string, error) {
	if path != stdin {
		file, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("%s: %w", flag, err)
		}
		defer func() { _ = file.Close() }()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxSecret+1))
	token := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", fmt.Errorf("%s %s: %w", flag, path, err)
	case len(text) > maxSecret:
		return "", fmt.Errorf("%s %s: longer than %d bytes, which is no token", flag, path, maxSecret)
	case token == "":
		return "", fmt.Errorf("%s %s: there is no token in it", flag, path)
	case strings.ContainsAny(token, " \t\r\n"):
		return "", fmt.Errorf("%s %s: there is more than one word in it; want the token alone", flag, path)
	}
	return token, nil
}
