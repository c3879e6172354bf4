// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// readAgain is the time between two looks at the ConfigMap.
const readAgain = time.Second

// authorities are those that the ConfigMap names, and no others.
type authorities struct {
	// first is what it said when the agent began.
	first *x509.CertPool
	now   atomic.Pointer[x509.CertPool]
}

// follow reads the ConfigMap, and again until ctx ends.
func follow(ctx context.Context, kube client.Client, name client.ObjectKey) (*authorities, error) {
	a := &authorities{}
	if err := a.read(ctx, kube, name); err != nil {
		return nil, err
	}
	a.first = a.newest()
	go wait.UntilWithContext(ctx, func(ctx context.Context) {
		if err := a.read(ctx, kube, name); err != nil {
			slog.Warn("the authorities are those that were read before", "error", err)
		}
	}, readAgain)
	return a, nil
}

func (a *authorities) read(ctx context.Context, kube client.Client, name client.ObjectKey) error {
	var m corev1.ConfigMap
	if err := kube.Get(ctx, name, &m); err != nil {
		return fmt.Errorf("read the authorities: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(m.Data["ca.crt"])) {
		return fmt.Errorf("the ConfigMap %s holds no certificate under ca.crt", name)
	}
	a.now.Store(pool)
	return nil
}

// newest returns those that were read last.
func (a *authorities) newest() *x509.CertPool { return a.now.Load() }

// verified returns a configuration that believes a server of this name if one of the
// roots of the moment of the handshake has signed its certificate.
func verified(name string, roots func() *x509.CertPool) *tls.Config {
	return &tls.Config{
		ServerName:         name,
		InsecureSkipVerify: true, //nolint:gosec // it is verified below: the roots of a configuration are for good
		VerifyConnection: func(s tls.ConnectionState) error {
			_, err := s.PeerCertificates[0].Verify(x509.VerifyOptions{Roots: roots(), DNSName: name})
			return err
		},
	}
}
