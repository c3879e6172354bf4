// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/logs"
)

var seed = flag.Uint64("seed", 1, "of the life of TestLife")

// errLost is what a leader that is lost gets for everything that it tries.
var errLost = errors.New("the leader is lost")

// world is an API server with what the keepers keep there, years of it.
type world struct {
	t      *testing.T
	random *rand.Rand
	now    time.Time
	client client.WithWatch
	logger logr.Logger
	// leafs are all certificates that a replica may show, because it may have heard of
	// nothing since; bundles all that clients may have read.
	leafs   []*x509.Certificate
	bundles []publication
	// authorities are all that there were, most is how many at once.
	authorities map[string]bool
	most        int
}

// publication is what the ConfigMap said, until a time; zero as long as it does.
type publication struct {
	text  string
	until time.Time
}

func newWorld(t *testing.T, random *rand.Rand, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return &world{
		t: t, random: random, now: epoch, authorities: make(map[string]bool), logger: logs.New(t),
		client: fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build(),
	}
}

// keeper returns one whose clock is off. before is called before each write, and its
// error is what comes of that.
func (w *world) keeper(off time.Duration, before func() error) *Keeper {
	o := Options{
		Config: &configv1alpha1.Certificates{
			SecretName: "tls", ConfigMapName: "ca", DNSNames: []string{"rolecall.test"},
			Validity: metav1.Duration{Duration: validity}, AuthorityValidity: metav1.Duration{Duration: authorityValidity},
			AuthorityOverlap: metav1.Duration{Duration: overlap},
		},
		Namespace: "system", WebhookConfiguration: "rolecall", Logger: w.logger,
		Now: func() time.Time { return w.now.Add(off) },
	}
	return &Keeper{options: o, rules: o.rules(), client: interceptor.NewClient(w.client, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := before(); err != nil {
				return err
			}
			return c.Create(ctx, o, opts...)
		},
		Update: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.UpdateOption) error {
			if err := before(); err != nil {
				return err
			}
			return c.Update(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			if err := before(); err != nil {
				return err
			}
			return c.Patch(ctx, o, p, opts...)
		},
	})}
}

func alive() error { return nil }

// get reads an object that may not be there.
func (w *world) get(o client.Object, namespace, name string) bool {
	w.t.Helper()
	err := w.client.Get(w.t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, o)
	if err != nil && !apierrors.IsNotFound(err) {
		w.t.Fatal(err)
	}
	return err == nil
}

// held is what the Secret holds.
func (w *world) held() set {
	w.t.Helper()
	var secret corev1.Secret
	if !w.get(&secret, "system", "tls") {
		return set{}
	}
	s, err := read(secret.Data)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// note remembers what replicas may show and clients may trust.
func (w *world) note() {
	w.t.Helper()
	s := w.held()
	for i := range s.authorities {
		w.authorities[s.authorities[i].id()] = true
	}
	w.most = max(w.most, len(s.authorities))
	if n := len(w.leafs); s.leaf != nil && (n == 0 || !w.leafs[n-1].Equal(s.leaf.cert)) {
		w.leafs = append(w.leafs, s.leaf.cert)
	}
	var m corev1.ConfigMap
	w.get(&m, "system", "ca")
	text := m.Data[bundleKey]
	n := len(w.bundles)
	if n > 0 && w.bundles[n-1].text == text {
		return
	}
	if n > 0 {
		w.bundles[n-1].until = w.now
	}
	w.bundles = append(w.bundles, publication{text: text})
}

// check makes sure that whoever trusts what was published at any time within the
// overlap accepts what any replica may show, also if its clock is off.
func (w *world) check() {
	w.t.Helper()
	for _, p := range w.bundles {
		if !p.until.IsZero() && !p.until.After(w.now.Add(-overlap)) {
			continue
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM([]byte(p.text))
		for _, leaf := range w.leafs {
			if !w.now.Before(leaf.NotAfter) {
				continue
			}
			at := w.now.Add(-time.Duration(w.random.Int64N(int64(skew / 2))))
			if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "rolecall.test", CurrentTime: at}); err != nil {
				w.t.Fatalf("at %s: who trusts what was published until %s refuses what ends at %s: %v", at, p.until, leaf.NotAfter, err)
			}
		}
	}
	if newest := w.leafs[len(w.leafs)-1]; !w.now.Before(newest.NotAfter.Add(-skew)) {
		w.t.Fatalf("at %s: the certificate is left to end at %s", w.now, newest.NotAfter)
	}
}

// TestLife lives through decades: leaders whose clocks are apart, that are away for
// days, that are lost before any of their writes, and that are two at once.
func TestLife(t *testing.T) {
	w := newWorld(t, rand.New(rand.NewPCG(*seed, 0)))
	for w.now.Before(epoch.Add(5 * authorityValidity)) {
		w.step()
		w.note()
		w.check()
		w.now = w.now.Add(time.Duration(w.random.Int64N(int64(10 * day))))
		w.check()
	}
	if n := len(w.authorities); n < 7 || n > 9 || w.most != 2 || len(w.leafs) < 120 || len(w.leafs) > 170 {
		t.Errorf("%d authorities, %d at once, %d certificates in 25 years", n, w.most, len(w.leafs))
	}
}

// step has a keeper tend, or two, or one that is lost.
func (w *world) step() {
	w.t.Helper()
	off := func() time.Duration { return time.Duration(w.random.Int64N(int64(skew))) - skew/2 }
	writes := w.random.IntN(6)
	before := func() error {
		if writes--; writes < 0 && len(w.leafs) > 0 {
			return errLost
		}
		return nil
	}
	if w.random.IntN(3) == 0 { // another one is quicker
		other, once := w.keeper(off(), alive), false
		before = func() error {
			if once {
				return nil
			}
			once = true
			return other.Tend(w.t.Context())
		}
	}
	err := w.keeper(off(), before).Tend(w.t.Context())
	if err != nil && !errors.Is(err, errLost) && !apierrors.IsConflict(err) && !apierrors.IsAlreadyExists(err) {
		w.t.Fatal(err)
	}
}
