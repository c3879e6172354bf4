// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authenticationclient "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/rest"
)

// The operator asks who calls it, and what that may do.
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// group is the API group of the virtual resources that permissions stand for.
const group = "rolecall.dev"

// accountPrefix begins the name of every service account.
const accountPrefix = "system:serviceaccount:"

var errBusy = errors.New("too many callers wait to be reviewed")

// Meter counts reviews. It is safe for concurrent use.
type Meter interface {
	// TokenReviewed counts a TokenReview: whether the token is good, or why nobody
	// knows.
	TokenReviewed(granted bool, err error)
	// AccessReviewed counts a SubjectAccessReview: whether it is allowed, or why
	// nobody knows.
	AccessReviewed(granted bool, err error)
}

// reviewer asks an API server.
type reviewer struct {
	// audience is empty for the API server's own.
	audience string
	tokens   authenticationclient.TokenReviewInterface
	accesses authorizationclient.SubjectAccessReviewInterface
	meter    Meter
}

func newReviewer(audience string, o Options) (reviewer, error) {
	config := rest.CopyConfig(o.Kube)
	config.QPS = -1 // what bounds the reviews are their slots
	tokens, err := authenticationclient.NewForConfig(config)
	if err != nil {
		return reviewer{}, fmt.Errorf("make the client for token reviews: %w", err)
	}
	accesses, err := authorizationclient.NewForConfig(config)
	if err != nil {
		return reviewer{}, fmt.Errorf("make the client for access reviews: %w", err)
	}
	return reviewer{audience: audience, tokens: tokens.TokenReviews(), accesses: accesses.SubjectAccessReviews(), meter: o.Meter}, nil
}

// token returns whose a token is; nil if it is worth nothing.
func (r *reviewer) token(ctx context.Context, token string) (*user, error) {
	review := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}
	if r.audience != "" {
		review.Spec.Audiences = []string{r.audience}
	}
	review, err := r.tokens.Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		r.meter.TokenReviewed(false, err)
		return nil, explain("tokenreviews.authentication.k8s.io", err)
	}
	s := &review.Status
	good := s.Authenticated
	if r.audience != "" { // a server that knows nothing of audiences says so by naming none
		good = good && slices.Contains(s.Audiences, r.audience) && strings.HasPrefix(s.User.Username, accountPrefix)
	}
	r.meter.TokenReviewed(good, nil)
	if !good {
		return nil, nil //nolint:nilnil // nobody is a good answer
	}
	return &s.User, nil
}

// access reports whether RBAC gives a user what a question is about.
func (r *reviewer) access(ctx context.Context, u *user, q question) (bool, error) {
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: u.Username, UID: u.UID, Groups: u.Groups, Extra: make(map[string]authorizationv1.ExtraValue, len(u.Extra)),
	}}
	if q.path != "" {
		review.Spec.NonResourceAttributes = &authorizationv1.NonResourceAttributes{Path: q.path, Verb: "get"}
	} else {
		review.Spec.ResourceAttributes = &authorizationv1.ResourceAttributes{
			Namespace: q.namespace, Verb: "create", Group: group, Resource: string(q.permission),
		}
	}
	for name, values := range u.Extra {
		review.Spec.Extra[name] = authorizationv1.ExtraValue(values)
	}
	review, err := r.accesses.Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		r.meter.AccessReviewed(false, err)
		return false, explain("subjectaccessreviews.authorization.k8s.io", err)
	}
	r.meter.AccessReviewed(review.Status.Allowed, nil)
	return review.Status.Allowed, nil
}

// explain adds the remedy to an error that a person can do something about.
func explain(resource string, err error) error {
	if apierrors.IsForbidden(err) {
		return fmt.Errorf("the operator lacks the right to create %s, which config/rbac/role.yaml gives: %w", resource, err)
	}
	return err
}
