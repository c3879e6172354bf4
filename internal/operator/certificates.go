// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/rolecall/rolecall/internal/certs"
	"github.com/rolecall/rolecall/internal/server"
)

// authorityCertificate is what the generated authority is called beside listeners.
const authorityCertificate = "authority"

// certsOptions say how the certificate is made and read.
func (r *rooms) certsOptions() certs.Options {
	o := certs.Options{
		Config: r.Config.Certificates, Namespace: r.Config.LeaderElection.Namespace,
		Kube: r.Kube, Now: r.Now, Logger: r.Logger.WithName("certificates"),
	}
	if a := r.Config.Admission; a != nil && a.TLS != nil && a.TLS.Generated {
		o.WebhookConfiguration = a.WebhookConfigurationName
	}
	return o
}

// openCertificates makes what reads the generated certificate, if there is one.
func (r *rooms) openCertificates() (err error) {
	if r.Config.Certificates != nil {
		r.certificates, err = certs.NewHolder(r.certsOptions())
	}
	return err
}

// followCertificates keeps the generated certificate as it is in the cluster.
func (r *rooms) followCertificates(ctx context.Context) {
	if r.certificates != nil {
		r.certificates.Run(ctx)
	}
}

// keepCertificates has the replica that leads make the certificate, if it is to be
// made.
func (r *rooms) keepCertificates(mgr manager.Manager) error {
	if r.certificates == nil {
		return nil
	}
	keeper, err := certs.NewKeeper(r.certsOptions())
	if err != nil {
		return err
	}
	return mgr.Add(keeper)
}

// generated is the generated certificate for the server; nil if there is none.
func (r *rooms) generated() server.Generated {
	if r.certificates == nil {
		return nil
	}
	return r.certificates
}

// certificatesNotAfter are the ends of the certificates that are shown, and of the
// authority.
func (r *rooms) certificatesNotAfter() map[string]time.Time {
	all := r.server.CertificatesNotAfter()
	if r.certificates == nil {
		return all
	}
	if end := r.certificates.AuthorityNotAfter(); !end.IsZero() {
		all[authorityCertificate] = end
	}
	return all
}
