// SPDX-License-Identifier: Apache-2.0

package admission

import (
	"context"
	"fmt"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"

	"github.com/rolecall/rolecall/api/v1alpha1"
	"github.com/rolecall/rolecall/internal/diag"
)

// The operator asks what the author of a RoleBinding may bind.
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// reviewTime is how long the API server may take to say what an author may bind,
// which is less than it waits for the webhook.
const reviewTime = time.Second

// Rights knows what people may do with the objects of the cluster.
type Rights interface {
	// MayBind reports whether somebody has the verb bind on a role id of a namespace.
	MayBind(ctx context.Context, who *authenticationv1.UserInfo, namespace, role string) (bool, error)
}

// NewRights returns the rights that the API server knows of.
func NewRights(config *rest.Config) (Rights, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // there are few at a time
	client, err := authorizationclient.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make the client for access reviews: %w", err)
	}
	return reviewer{client.SubjectAccessReviews()}, nil
}

type reviewer struct {
	reviews authorizationclient.SubjectAccessReviewInterface
}

// MayBind implements Rights.
func (r reviewer) MayBind(ctx context.Context, who *authenticationv1.UserInfo, namespace, role string) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: who.Username, UID: who.UID, Groups: who.Groups, Extra: make(map[string]authorizationv1.ExtraValue, len(who.Extra)),
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: "bind", Group: v1alpha1.GroupName, Resource: "roles", Name: role,
		},
	}}
	for name, values := range who.Extra {
		review.Spec.Extra[name] = authorizationv1.ExtraValue(values)
	}
	review, err := r.reviews.Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}

// beyondRights warns of a RoleBinding that gives what its author may not bind. Where
// the policies are in force, they have refused what gives more than before.
// Nobody knows is no warning.
func (h *handler) beyondRights(ctx context.Context, w *write) diag.List {
	o, ok := w.after.(*v1alpha1.RoleBinding)
	if !ok || h.Rights == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, reviewTime)
	defer cancel()
	var beyond []string
	for _, role := range o.Spec.Roles {
		may, err := h.Rights.MayBind(ctx, w.author, w.namespace, string(role))
		if err != nil {
			return nil
		}
		if !may {
			beyond = append(beyond, fmt.Sprintf("%.80q", string(role)))
		}
	}
	if len(beyond) == 0 {
		return nil
	}
	return diag.List{hint("spec.roles", "you lack the verb bind on roles.rolecall.dev for %s, and still the binding gives it", strings.Join(beyond, ", "))}
}
