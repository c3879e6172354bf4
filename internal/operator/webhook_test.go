// SPDX-License-Identifier: Apache-2.0

package operator_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"

	configv1alpha1 "github.com/rolecall/rolecall/api/config/v1alpha1"
	"github.com/rolecall/rolecall/internal/testkit/pki"
)

// TestKubernetesWebhook asks as an API server does, over TLS: it is known by its
// certificate, and whoever has anything else to show is not.
func TestKubernetesWebhook(t *testing.T) {
	const key = "c2VjcmV0IG9mIHRoZSBiaWxsaW5n"
	dir, own, theirs := t.TempDir(), pki.New(t), pki.New(t)
	o := options(t)
	o.Dir = filepath.Join(dir, "policy")
	if err := os.Mkdir(o.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	pki.Replace(t, filepath.Join(o.Dir, "a.yaml"), `
{apiVersion: rolecall.dev/v1alpha1, kind: Resource, metadata: {name: pods, namespace: cluster}, spec: {actions: [{name: get}]}}
---
{apiVersion: rolecall.dev/v1alpha1, kind: Role, metadata: {name: viewer, namespace: cluster}, spec: {permissions: [{resource: pods, actions: [get]}]}}
---
apiVersion: rolecall.dev/v1alpha1
kind: RoleBinding
metadata: {name: viewers, namespace: cluster}
spec: {roles: [viewer], subjects: [{type: user, id: jane}], scope: "cluster:prod/namespace:team-a"}
`)
	caFile, keyFile := filepath.Join(dir, "ca.crt"), filepath.Join(dir, "key")
	pki.Replace(t, caFile, theirs.PEM())
	pki.Replace(t, keyFile, key)
	grant := configv1alpha1.CallerGrant{Namespaces: []string{"cluster", "shop"}, Permissions: []configv1alpha1.CallerPermission{configv1alpha1.CallerChecks}}
	o.Config.HTTP.BindAddress, o.Config.HTTP.TLS = "0.0.0.0:0", serverFiles(t, own)
	o.Config.KubernetesWebhook.ClusterScope = "cluster:prod"
	o.Config.Callers = configv1alpha1.Callers{
		ClientCertificates: &configv1alpha1.ClientCertificateCallers{
			CAFile: caFile, Allow: []configv1alpha1.CertificateCaller{{CommonName: "kube-apiserver", CallerGrant: grant}},
		},
		APIKeys: []configv1alpha1.APIKeyCaller{{ID: "billing", KeyFile: keyFile, CallerGrant: grant}},
	}
	r := run(t, o)
	base := "https://127.0.0.1:" + r.HTTP[strings.LastIndex(r.HTTP, ":")+1:]
	apiServer := own.Client(theirs.Named("kube-apiserver"))
	awaitStatus(t, apiServer, base, http.StatusOK)

	for name, tt := range map[string]struct {
		http   *http.Client
		bearer string
		want   error
		says   string
	}{
		"the API server":               {http: apiServer},
		"with a token too":             {apiServer, key, apierrors.NewUnauthorized(""), "send neither Authorization nor X-API-Key"},
		"a key":                        {own.Client(nil), key, apierrors.NewUnauthorized(""), "by their client certificate alone"},
		"nothing":                      {own.Client(nil), "", apierrors.NewUnauthorized(""), "connect with one"},
		"a certificate of who may not": {own.Client(theirs.Named("kubelet")), "", apierrors.NewForbidden(schema.GroupResource{}, "", nil), `the caller "kubelet" may not`},
	} {
		client, err := kubernetes.NewForConfigAndClient(&rest.Config{
			Host: base + "/ns/cluster",
		}, withBearer(tt.http, tt.bearer))
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: "jane", ResourceAttributes: &authorizationv1.ResourceAttributes{
				Verb: "get", Resource: "pods", Namespace: "team-a",
			}},
		}, metav1.CreateOptions{})
		if apierrors.ReasonForError(err) != apierrors.ReasonForError(tt.want) || got.Status.Allowed != (tt.want == nil) ||
			tt.want != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %+v, error %v", name, got.Status, err)
		}
	}
}

// withBearer returns a client that shows a token too, if there is one.
func withBearer(c *http.Client, token string) *http.Client {
	if token == "" {
		return c
	}
	return &http.Client{Transport: transport.NewBearerAuthRoundTripper(token, c.Transport)}
}
