// SPDX-License-Identifier: Apache-2.0

package certs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// What the operator keeps, by the names that certificates and admission have by
// default. A right to create cannot be held to a name.
// +kubebuilder:rbac:groups="",namespace=rolecall-system,resources=secrets,resourceNames=rolecall-tls,verbs=get;list;watch;update
// +kubebuilder:rbac:groups="",namespace=rolecall-system,resources=configmaps,resourceNames=rolecall-ca,verbs=get;update
// +kubebuilder:rbac:groups="",namespace=rolecall-system,resources=secrets;configmaps,verbs=create
// +kubebuilder:rbac:groups=admissionregistration.k8s.io,resources=validatingwebhookconfigurations,resourceNames=rolecall,verbs=get;patch

// ownerLabel and owner mark what the keeper has made.
const (
	ownerLabel = "app.kubernetes.io/managed-by"
	owner      = "rolecall"
)

// tend is the time between two looks. The wall clock is asked at each, so that no
// jump of it is slept through, and what somebody has deleted or changed is found.
const tend = 10 * time.Second

// Keeper is the leader's part: it makes what is due, and publishes it.
type Keeper struct {
	options Options
	rules   rules
	client  client.Client
	// told is what the log has heard last.
	told string
}

// NewKeeper returns the keeper of a process that leads. It is used by one goroutine.
func NewKeeper(o Options) (*Keeper, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, admissionregistrationv1.AddToScheme} {
		if err := add(scheme); err != nil {
			return nil, fmt.Errorf("register the kinds of certificates: %w", err)
		}
	}
	c, err := client.New(rest.CopyConfig(o.Kube), client.Options{Scheme: scheme})
	if err != nil {
		return nil, fmt.Errorf("make the client for certificates: %w", err)
	}
	return &Keeper{options: o, rules: o.rules(), client: c}, nil
}

// Start implements manager.Runnable: it tends until ctx ends. It needs to lead,
// which is what the manager takes for granted.
func (k *Keeper) Start(ctx context.Context) error {
	wait.UntilWithContext(ctx, k.keep, tend)
	return nil
}

// keep tends, and says what is wrong, once.
func (k *Keeper) keep(ctx context.Context) {
	err := k.Tend(ctx)
	for apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) { // somebody was quicker: see what there is now
		err = k.Tend(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != k.told {
		k.options.Logger.Error(err, "the certificate cannot be kept as it should be; what there is stays in use, trying again")
	}
	if text == "" && k.told != "" {
		k.options.Logger.Info("the certificate is kept again")
	}
	k.told = text
}

// Tend looks once, and makes and publishes what is due. Its error is a conflict or
// says that an object is already there if another keeper was quicker: nothing has
// been written then.
func (k *Keeper) Tend(ctx context.Context) error {
	secret, err := k.secret(ctx)
	if err != nil {
		return err
	}
	published, unknown := k.published(ctx)
	before, damage := read(secret.Data)
	if secret.ResourceVersion != "" && damage != nil {
		k.options.Logger.Error(damage, "the Secret has something that cannot be used; what is missing is made anew", "secret", k.options.secret())
	}
	after, err := k.rules.next(before, since(published), k.options.Now())
	if err != nil {
		return err
	}
	if err := k.store(ctx, secret, &after); err != nil {
		return err
	}
	k.tell(&before, &after)
	return errors.Join(unknown, k.publish(ctx, published, &after), k.inject(ctx, &after))
}

// secret returns the Secret, one that is not stored if there is none. Its error says
// that it is not ours.
func (k *Keeper) secret(ctx context.Context) (*corev1.Secret, error) {
	s := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{
		Namespace: k.options.Namespace, Name: k.options.Config.SecretName, Labels: map[string]string{ownerLabel: owner},
	}, Type: corev1.SecretTypeTLS}
	key := client.ObjectKeyFromObject(s)
	found := &corev1.Secret{}
	switch err := k.client.Get(ctx, key, found); {
	case apierrors.IsNotFound(err):
		return s, nil
	case err != nil:
		return nil, fmt.Errorf("read the Secret %s: %w", key, err)
	}
	return found, owned(found, "Secret", "secretName")
}

// owned refuses what somebody else has made.
func owned(o client.Object, kind, field string) error {
	if o.GetLabels()[ownerLabel] == owner {
		return nil
	}
	return fmt.Errorf("the %s %s/%s was not made by this server (it has no label %s=%s) and is left as it is: "+
		"name another in certificates.%s, or delete it if nobody needs it", kind, o.GetNamespace(), o.GetName(), ownerLabel, owner, field)
}

// store writes the Secret if it is not already like that.
func (k *Keeper) store(ctx context.Context, secret *corev1.Secret, s *set) error {
	data, err := s.data()
	if err != nil {
		return err
	}
	if maps.EqualFunc(data, secret.Data, bytes.Equal) {
		return nil
	}
	if secret.Data = data; secret.ResourceVersion == "" {
		return wrote("create", "Secret", k.client.Create(ctx, secret), k.options.secret())
	}
	return wrote("update", "Secret", k.client.Update(ctx, secret), k.options.secret())
}

// wrote names what was written in an error.
func wrote(verb, kind string, err error, name string) error {
	if err != nil {
		return fmt.Errorf("%s the %s %s: %w", verb, kind, name, err)
	}
	return nil
}

// tell logs what has changed, and nothing of a key.
func (k *Keeper) tell(before, after *set) {
	log := k.options.Logger
	held := func(s *set, a *authority) bool {
		return slices.ContainsFunc(s.authorities, func(b authority) bool { return b.cert.Equal(a.cert) })
	}
	for i := range after.authorities {
		if a := &after.authorities[i]; !held(before, a) {
			log.Info("made an authority", "authority", a.cert.Subject.CommonName, "notAfter", expiry(a.cert))
		}
	}
	if before.leaf == nil || !before.leaf.cert.Equal(after.leaf.cert) {
		c := after.leaf.cert
		log.Info("signed a certificate", "authority", c.Issuer.CommonName, "notAfter", expiry(c), "dnsNames", c.DNSNames)
	}
	for i := range before.authorities {
		if a := &before.authorities[i]; !held(after, a) {
			log.Info("an authority is trusted no more: what it signed has ended", "authority", a.cert.Subject.CommonName)
		}
	}
}
