// SPDX-License-Identifier: Apache-2.0

package sar_test

import (
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	authorizationv1beta1 "k8s.io/api/authorization/v1beta1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// TestClient: Kubernetes' own client asks as it would ask an API server. It need
// only be told another address.
func TestClient(t *testing.T) {
	base := start(t, "")
	for host, content := range map[string]string{base: "", base + "/ns/default": "application/json"} {
		client, err := kubernetes.NewForConfig(&rest.Config{Host: host, ContentConfig: rest.ContentConfig{ContentType: content}})
		if err != nil {
			t.Fatal(err)
		}
		attributes := &authorizationv1.ResourceAttributes{
			Verb: "list", Resource: "pods", Namespace: "team-b",
			LabelSelector: &authorizationv1.LabelSelectorAttributes{Requirements: []metav1.LabelSelectorRequirement{
				{Key: "owner", Operator: metav1.LabelSelectorOpIn, Values: []string{"joe"}},
			}},
		}
		got, err := client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
			Spec: authorizationv1.SubjectAccessReviewSpec{User: "joe", UID: "1", Groups: []string{"a"}, ResourceAttributes: attributes},
		}, metav1.CreateOptions{})
		if want := (authorizationv1.SubjectAccessReviewStatus{Allowed: true, Reason: "Rolecall: Granted: own-pods"}); err != nil || got.Status != want {
			t.Errorf("v1: %+v, error %v", got, err)
		}
		beta, err := client.AuthorizationV1beta1().SubjectAccessReviews().Create(t.Context(), &authorizationv1beta1.SubjectAccessReview{
			Spec: authorizationv1beta1.SubjectAccessReviewSpec{User: "root", Groups: []string{"a"}, ResourceAttributes: &authorizationv1beta1.ResourceAttributes{
				Verb: "delete", Resource: "pods", Namespace: "prod",
			}},
		}, metav1.CreateOptions{})
		if want := (authorizationv1beta1.SubjectAccessReviewStatus{Denied: true, Reason: "Rolecall: ExplicitDeny: no-prod"}); err != nil || beta.Status != want {
			t.Errorf("v1beta1: %+v, error %v", beta, err)
		}
	}
	client, err := kubernetes.NewForConfig(&rest.Config{Host: base + "/ns/-"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/", Verb: "get"}},
	}, metav1.CreateOptions{})
	if !apierrors.IsBadRequest(err) || err.Error() != "spec.user is required and must not be empty" {
		t.Errorf("a bad request: error %v", err)
	}
}
