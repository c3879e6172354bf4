// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"errors"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/internal/testkit/logs"
)

// TestHolder follows a Secret from before it is there: not ready until there is a
// certificate, saying why, and never without one again.
func TestHolder(t *testing.T) {
	w := newWorld(t, quiet(t))
	k := w.keeper(0, alive)
	o := k.options
	o.Kube = &rest.Config{Host: "https://127.0.0.1:1"}
	var log func() string
	o.Logger, log = logs.Keep()
	h, err := NewHolder(o)
	if err != nil {
		t.Fatal(err)
	}
	feed := secretFeed{h}
	want := func(says string) {
		t.Helper()
		_, err := h.Certificate()
		if says == "" && (err != nil || h.Ready() != nil) {
			t.Fatalf("no certificate: %v, ready %v", err, h.Ready())
		}
		if says != "" && (err == nil || !strings.Contains(err.Error(), says) || h.Ready() == nil) {
			t.Fatalf("error %v, ready %v; want %q", err, h.Ready(), says)
		}
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	want("has not been read yet")
	h.failed(t.Context(), errors.New("secrets is forbidden"))
	want("the Secret system/tls with the certificate cannot be read: secrets is forbidden")
	do(feed.Replace(nil, ""))
	want("there is no Secret system/tls with a certificate yet: the replica that leads makes it")
	do(feed.Add(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "tls"}}))
	want("was not made by this server")
	do(feed.Update(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "tls", Labels: map[string]string{ownerLabel: owner}}}))
	want("the Secret system/tls is damaged: [ca.key: holds something that is no private key in PEM, tls.crt: ")

	do(k.Tend(t.Context()))
	var secret corev1.Secret
	w.get(&secret, "system", "tls")
	do(feed.Replace([]any{secret.DeepCopy()}, ""))
	want("")
	first, _ := h.Certificate()
	if got := h.AuthorityNotAfter(); !got.Equal(epoch.Add(authorityValidity)) {
		t.Errorf("the authority ends at %s", got)
	}

	broken := secret.DeepCopy()
	broken.Data["tls.key"] = []byte("no key")
	do(feed.Update(broken))
	do(feed.Delete(&secret))
	do(feed.Replace(nil, ""))
	h.failed(t.Context(), errors.New("the API server is away"))
	want("")
	if now, _ := h.Certificate(); now != first {
		t.Error("the certificate that it had is not in use any more")
	}
	w.now = w.now.Add(validity)
	if err := h.Ready(); err == nil || !strings.Contains(err.Error(), "has ended at 2030-04-01T00:00:00Z") {
		t.Errorf("ready with a certificate that has ended: %v", err)
	}
	do(k.Tend(t.Context()))
	w.get(&secret, "system", "tls")
	do(feed.Update(&secret))
	want("")
	if now, _ := h.Certificate(); now == first {
		t.Error("the new certificate is not in use")
	}
	for _, text := range []string{"has the certificate", "the Secret is gone", "the Secret cannot be used"} {
		if !strings.Contains(log(), text) {
			t.Errorf("the log does not say %q:\n%s", text, log())
		}
	}
	if line := logs.Find(log(), "no key"); line != "" {
		t.Errorf("the log tells a key: %s", line)
	}
}
