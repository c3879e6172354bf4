// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/rolecall/rolecall/internal/testkit/logs"
)

func quiet(t *testing.T) *rand.Rand {
	t.Helper()
	return rand.New(rand.NewPCG(*seed, 1))
}

// TestForeign: what somebody else has made is not touched, and the error says what
// to do; what is wrong with the ConfigMap stops no certificate.
func TestForeign(t *testing.T) {
	meta := metav1.ObjectMeta{Namespace: "system", Name: "tls", Labels: map[string]string{"app.kubernetes.io/managed-by": "Helm"}}
	theirs := &corev1.Secret{ObjectMeta: meta, Type: corev1.SecretTypeTLS, Data: map[string][]byte{"tls.crt": []byte("x"), "tls.key": []byte("y")}}
	w := newWorld(t, quiet(t), theirs)
	err := w.keeper(0, alive).Tend(t.Context())
	if err == nil || !strings.Contains(err.Error(), "the Secret system/tls was not made by this server") || !strings.Contains(err.Error(), "certificates.secretName") {
		t.Errorf("error %v", err)
	}
	var after corev1.Secret
	if !w.get(&after, "system", "tls") || string(after.Data["tls.crt"]) != "x" {
		t.Errorf("the Secret became %v", after.Data)
	}

	w = newWorld(t, quiet(t), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "system", Name: "ca"}, Data: map[string]string{"ca.crt": "theirs"}})
	err = w.keeper(0, alive).Tend(t.Context())
	var m corev1.ConfigMap
	if err == nil || !strings.Contains(err.Error(), "certificates.configMapName") || !w.get(&m, "system", "ca") || m.Data["ca.crt"] != "theirs" {
		t.Errorf("error %v, ConfigMap %v", err, m.Data)
	}
	if w.held().leaf == nil {
		t.Error("there is no certificate")
	}
}

// TestTwoKeepers: of two that begin at once one makes the authority, and the other
// hears of it and makes none.
func TestTwoKeepers(t *testing.T) {
	w := newWorld(t, quiet(t))
	other, once := w.keeper(0, alive), false
	slow := w.keeper(0, func() error {
		if once {
			return nil
		}
		once = true
		return other.Tend(t.Context())
	})
	if err := slow.Tend(t.Context()); !apierrors.IsAlreadyExists(err) {
		t.Fatalf("the first one's Secret was written over: %v", err)
	}
	want := w.held()
	slow.keep(t.Context())
	if got := w.held(); len(got.authorities) != 1 || !got.leaf.cert.Equal(want.leaf.cert) || slow.told != "" {
		t.Errorf("%d authorities, the log was told %q", len(got.authorities), slow.told)
	}
	w.now = w.now.Add(validity)
	once = false
	if err := slow.Tend(t.Context()); !apierrors.IsConflict(err) {
		t.Fatalf("the other one's certificate was written over: %v", err)
	}
}

// TestDamage: what is damaged is made anew, what is not stays, and the log says what
// it was and nothing of a key.
func TestDamage(t *testing.T) {
	for name, tt := range map[string]struct {
		damage func(data map[string][]byte)
		says   string
		// authority and leaf say whether these are still the same.
		authority, leaf bool
	}{
		"no certificate":           {func(d map[string][]byte) { d["tls.crt"] = nil }, "tls.crt", true, false},
		"garbage for one":          {func(d map[string][]byte) { d["tls.crt"] = []byte("garbage") }, "tls.crt", true, false},
		"half a certificate":       {func(d map[string][]byte) { d["tls.crt"] = d["tls.crt"][:100] }, "tls.crt", true, false},
		"no key":                   {func(d map[string][]byte) { d["tls.key"] = nil }, "tls.key", true, false},
		"the authority's key":      {func(d map[string][]byte) { d["tls.key"] = d["ca.key"] }, "tls.key is not the key of tls.crt", true, false},
		"no authority":             {func(d map[string][]byte) { d["ca.crt"] = nil }, "", false, false},
		"garbage for an authority": {func(d map[string][]byte) { d["ca.crt"] = []byte("garbage") }, "ca.crt", false, false},
		"no authority's key":       {func(d map[string][]byte) { delete(d, "ca.key") }, "ca.key", true, true},
		"garbage for it":           {func(d map[string][]byte) { d["ca.key"] = pemOf("garbage that is secret") }, "ca.key: holds something that is no private key", true, true},
		"nothing":                  {func(d map[string][]byte) { clear(d) }, "tls.crt", false, false},
		"something more":           {func(d map[string][]byte) { d["other"] = []byte("x") }, "", true, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quiet(t))
			k := w.keeper(0, alive)
			var log func() string
			k.options.Logger, log = logs.Keep()
			if err := k.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
			var secret corev1.Secret
			w.get(&secret, "system", "tls")
			before, whole := w.held(), maps.Clone(secret.Data)
			tt.damage(secret.Data)
			if err := w.client.Update(t.Context(), &secret); err != nil {
				t.Fatal(err)
			}
			if err := k.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := w.held()
			if same := after.leaf.cert.Equal(before.leaf.cert); same != tt.leaf {
				t.Errorf("the certificate is the same: %t", same)
			}
			if same := after.authorities[0].cert.Equal(before.authorities[0].cert); same != tt.authority {
				t.Errorf("the authority is the same: %t", same)
			}
			if !strings.Contains(log(), tt.says) {
				t.Errorf("the log does not say %q:\n%s", tt.says, log())
			}
			inside := strings.Split(string(whole["tls.key"]), "\n")[1][:20]
			if line := logs.Find(log(), inside, "garbage that is secret"); line != "" {
				t.Errorf("the log tells a key: %s", line)
			}
		})
	}
}

func pemOf(text string) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: []byte(text)})
}

// TestClockJumps: whatever the clock has said, what is shown is valid again as soon
// as it is right, and the authority that clients trust goes on if it is.
func TestClockJumps(t *testing.T) {
	for name, tt := range map[string]struct {
		jump time.Duration
		same bool
	}{
		"an hour":          {time.Hour, true},
		"a month":          {30 * day, true},
		"a year":           {365 * day, true},
		"beyond the end":   {2 * authorityValidity, false},
		"an hour back":     {-time.Hour, true},
		"before the begin": {-365 * day, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, quiet(t))
			ahead := w.keeper(tt.jump, alive)
			right := w.keeper(0, alive)
			if err := right.Tend(t.Context()); err != nil {
				t.Fatal(err)
			}
			before := w.held()
			for range 3 {
				if err := errors.Join(ahead.Tend(t.Context()), right.Tend(t.Context())); err != nil {
					t.Fatal(err)
				}
			}
			after := w.held()
			if !validAt(after.leaf.cert, w.now) {
				t.Errorf("the certificate is valid from %s to %s, now is %s", after.leaf.cert.NotBefore, after.leaf.cert.NotAfter, w.now)
			}
			if same := before.authorities[0].signed(after.leaf.cert); same != tt.same {
				t.Errorf("clients accept what is shown: %t, want %t", same, tt.same)
			}
			var m corev1.ConfigMap
			w.get(&m, "system", "ca")
			for _, at := range since(&m) {
				if at.After(w.now) {
					t.Errorf("an authority counts as published from %s on, now is %s", at, w.now)
				}
			}
		})
	}
}

// TestPublication: what is not as it was written is written again, and an authority
// that had been taken out is new to clients.
func TestPublication(t *testing.T) {
	fail := admissionregistrationv1.Fail
	url := "https://elsewhere.test"
	hooks := &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "rolecall"},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{
			{Name: "a.rolecall.dev", FailurePolicy: &fail, ClientConfig: admissionregistrationv1.WebhookClientConfig{CABundle: []byte("old")}},
			{Name: "b.rolecall.dev", ClientConfig: admissionregistrationv1.WebhookClientConfig{URL: &url}},
		},
	}
	w := newWorld(t, quiet(t), hooks)
	k := w.keeper(0, alive)
	check := func(wantSince time.Time) {
		t.Helper()
		if err := k.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		s := w.held()
		var m corev1.ConfigMap
		w.get(&m, "system", "ca")
		want := map[string]time.Time{s.authorities[0].id(): wantSince}
		if diff := cmp.Diff(want, since(&m)); diff != "" || m.Data["ca.crt"] != string(s.bundle()) {
			t.Errorf("published (-want +got):\n%s%s", diff, m.Data["ca.crt"])
		}
		var got admissionregistrationv1.ValidatingWebhookConfiguration
		w.get(&got, "", "rolecall")
		for _, hook := range got.Webhooks {
			if !bytes.Equal(hook.ClientConfig.CABundle, s.bundle()) {
				t.Errorf("the API server trusts for %s: %s", hook.Name, hook.ClientConfig.CABundle)
			}
		}
		if *got.Webhooks[0].FailurePolicy != fail || *got.Webhooks[1].ClientConfig.URL != url {
			t.Errorf("fields are lost: %+v", got.Webhooks)
		}
	}
	check(epoch)
	w.now = w.now.Add(day)
	check(epoch)
	var m corev1.ConfigMap
	w.get(&m, "system", "ca")
	m.Data["ca.crt"] = "somebody's"
	m.Labels["more"] = "kept"
	if err := w.client.Update(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	check(epoch.Add(day))
	if w.get(&m, "system", "ca"); m.Labels["more"] != "kept" {
		t.Errorf("labels %v", m.Labels)
	}
	w.now = w.now.Add(day)
	if err := w.client.Delete(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	check(epoch.Add(2 * day))
	if err := w.client.Delete(t.Context(), hooks); err != nil {
		t.Fatal(err)
	}
	if err := k.Tend(t.Context()); err != nil {
		t.Errorf("without a webhook configuration: %v", err)
	}
}

// TestSecretRoundTrip: what is written is what is read.
func TestSecretRoundTrip(t *testing.T) {
	r := testRules()
	s, _ := state(t, r, []given{{keyless: true}, {made: day}}, shown{0, 0, ""}, shown{1, day, ""})
	data, err := s.data()
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(data)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.data()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(data, again); diff != "" || got.authorities[0].key != nil || got.authorities[1].key == nil {
		t.Errorf("(-written +read):\n%s", diff)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data["ca.crt"]) {
		t.Error("ca.crt has no certificate that a client could read")
	}
}
