// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// Holder is every replica's part: it follows the Secret, and has the certificate
// that is in it. One that it has it keeps until there is a better one, whatever
// becomes of the Secret and of the API server. It is safe for concurrent use.
type Holder struct {
	options Options
	client  typedcorev1.SecretInterface
	held    atomic.Pointer[held]
}

// held does not change.
type held struct {
	// certificate is nil as long as there is none, and missing says why.
	certificate *tls.Certificate
	missing     error
	// authority is the end of the authority that signed it; zero if it is not known.
	authority time.Time
}

// NewHolder returns a holder that has nothing yet.
func NewHolder(o Options) (*Holder, error) {
	config := rest.CopyConfig(o.Kube)
	config.Timeout = 0 // it would end a watch that has nothing to say
	c, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make the client for certificates: %w", err)
	}
	h := &Holder{options: o, client: c.Secrets(o.Namespace)}
	h.held.Store(&held{missing: fmt.Errorf("the Secret %s with the certificate has not been read yet", o.secret())})
	return h, nil
}

// Run follows the Secret until ctx ends.
func (h *Holder) Run(ctx context.Context) {
	only := fields.OneTermEqualSelector(metav1.ObjectNameField, h.options.Config.SecretName).String()
	requests := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = only
			list, err := h.client.List(ctx, o)
			h.failed(ctx, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = only
			w, err := h.client.Watch(ctx, o)
			h.failed(ctx, err)
			return w, err
		},
	}
	patience := &wait.Backoff{Duration: 100 * time.Millisecond, Factor: 2, Jitter: 0.5, Cap: 3 * time.Second, Steps: 10}
	// What matters of its trouble is said by the holder, and by /readyz.
	ctx = klog.NewContext(ctx, logr.Discard())
	cache.NewReflectorWithOptions(requests, &corev1.Secret{}, secretFeed{h},
		cache.ReflectorOptions{Name: "rolecall", Backoff: patience}).RunWithContext(ctx)
}

// Certificate returns the certificate to show now. Its error says why there is none.
func (h *Holder) Certificate() (*tls.Certificate, error) {
	now := h.held.Load()
	return now.certificate, now.missing
}

// Ready returns nil as long as there is a certificate that a client can accept.
func (h *Holder) Ready() error {
	c, err := h.Certificate()
	if err != nil {
		return err
	}
	if !h.options.Now().Before(c.Leaf.NotAfter) {
		return fmt.Errorf("the certificate has ended at %s, and there is no other in the Secret %s: "+
			"the log of the replica that leads says why", c.Leaf.NotAfter.Format(time.RFC3339), h.options.secret())
	}
	return nil
}

// AuthorityNotAfter returns the end of the authority whose certificate is shown;
// zero as long as it is not known.
func (h *Holder) AuthorityNotAfter() time.Time { return h.held.Load().authority }

// failed notes why the Secret cannot be read, for as long as nothing is held.
func (h *Holder) failed(ctx context.Context, err error) {
	if err != nil && ctx.Err() == nil {
		h.lack(fmt.Errorf("the Secret %s with the certificate cannot be read: %w", h.options.secret(), err))
	}
}

// lack notes why there is no certificate, if there is none, and tells people once.
func (h *Holder) lack(why error) {
	old := h.held.Load()
	if old.certificate != nil || old.missing.Error() == why.Error() {
		return
	}
	h.options.Logger.Info("not ready: there is no certificate", "cause", why.Error())
	h.held.Store(&held{missing: why})
}

// take holds what is in the Secret, if it is ours and whole.
func (h *Holder) take(secret *corev1.Secret) {
	if err := owned(secret, "Secret", "secretName"); err != nil {
		h.reject(err)
		return
	}
	s, damage := read(secret.Data)
	if s.leaf == nil {
		h.reject(fmt.Errorf("the Secret %s is damaged: %w", h.options.secret(), damage))
		return
	}
	fresh := &held{certificate: &tls.Certificate{
		Certificate: [][]byte{s.leaf.cert.Raw}, PrivateKey: s.leaf.key, Leaf: s.leaf.cert,
	}}
	if i := s.issuer(); i >= 0 {
		fresh.authority = s.authorities[i].cert.NotAfter
	}
	old := h.held.Swap(fresh)
	if old.certificate == nil || !old.certificate.Leaf.Equal(s.leaf.cert) {
		h.options.Logger.Info("has the certificate", "authority", s.leaf.cert.Issuer.CommonName, "notAfter", expiry(s.leaf.cert))
	}
}

// reject says that a Secret cannot be used.
func (h *Holder) reject(why error) {
	if h.held.Load().certificate != nil {
		h.options.Logger.Error(why, "the Secret cannot be used; the certificate that it had before stays in use")
	}
	h.lack(why)
}

// gone says that there is no Secret.
func (h *Holder) gone() {
	if h.held.Load().certificate != nil {
		h.options.Logger.Info("the Secret is gone; the certificate that it had stays in use", "secret", h.options.secret())
	}
	h.lack(fmt.Errorf("there is no Secret %s with a certificate yet: the replica that leads makes it", h.options.secret()))
}

// secretFeed is what a reflector takes for its store.
type secretFeed struct{ holder *Holder }

// Add implements cache.ReflectorStore.
func (f secretFeed) Add(obj any) error { return f.Update(obj) }

// Update implements cache.ReflectorStore.
func (f secretFeed) Update(obj any) error {
	secret, ok := obj.(*corev1.Secret)
	if !ok {
		return fmt.Errorf("a %T is no Secret", obj)
	}
	f.holder.take(secret)
	return nil
}

// Delete implements cache.ReflectorStore.
func (f secretFeed) Delete(any) error {
	f.holder.gone()
	return nil
}

// Replace implements cache.ReflectorStore.
func (f secretFeed) Replace(objs []any, _ string) error {
	if len(objs) == 0 {
		f.holder.gone()
		return nil
	}
	return f.Update(objs[0])
}

// Resync implements cache.ReflectorStore.
func (secretFeed) Resync() error { return nil }

// expiry is the end of a certificate, for logs.
func expiry(c *x509.Certificate) string { return c.NotAfter.Format(time.RFC3339) }
